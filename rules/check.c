/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a parsed condition means: types, constant folding, and the questions
 * asked of a condition as a whole (which fields, which literals, could it be
 * true without a field).
 */
#include "rules/engine.h"
#include "rules/functions.h"

static void check_value(struct parse *, struct node **);
static void check_test(struct parse *, struct node **);

/* 'S'tring, 'N'umber, 'B'oolean, '0' null, 'A'ny or not known. */
static char
type_of(const struct rules *set, const struct node *n)
{
	switch (n->kind) {
	case NODE_LITERAL:
		if (n->item.null)
			return '0';
		return n->item.v.type == VALUE_STRING ? 'S'
		       : n->item.v.type == VALUE_BOOL ? 'B'
						      : 'N';
	case NODE_FIELD:
		switch (set_field_type(set, n->field)) {
		case RULES_LONG:
		case RULES_DOUBLE:
			return 'N';
		case RULES_BOOL:
			return 'B';
		case RULES_ANY:
			return 'A';
		default:
			return 'S';
		}
	case NODE_CALL:
		return functions[n->function].result;
	case NODE_ARITH:
		return 'N';
	case NODE_BAD:
		return 'A';
	default:
		return 'B';
	}
}

static const char *
type_name(char type)
{
	return type == 'S'   ? "a string"
	       : type == 'N' ? "a number"
	       : type == 'B' ? "true or false"
			     : "null";
}

static bool
is_literal(const struct node *n)
{
	return n->kind == NODE_LITERAL;
}

static bool
is_null(const struct node *n)
{
	return is_literal(n) && n->item.null;
}

/* ---- calls and arithmetic -------------------------------------------- */

static bool
argument_fits(struct parse *p, char want, const struct node *arg)
{
	char type = type_of(p->set, arg);
	struct cidr block;

	if (want == 'l' && !is_literal(arg))
		return false;
	if (type == 'A' || type == '0' || want == 'a')
		return true;
	switch (want) {
	case 's':
		return type == 'S';
	case 'n':
	case 'i':
		return type == 'N';
	case 'b':
		return type == 'B';
	case 'l': /* only cidrMatch has these */
		if (type != 'S')
			return false;
		if (!cidr_parse(arg->item.v.s, &block))
			parse_error(p, arg->at,
				    "this is no address block such as "
				    "10.0.0.0/8 or fe80::/10");
		return true;
	}
	return false;
}

static void
check_call(struct parse *p, struct node *n)
{
	const struct function *f = &functions[n->function];
	const char *want = f->args;
	size_t i;

	for (i = 0; i < n->n; i++) {
		check_value(p, &n->kids[i]);
		if (*want == '?')
			want++;
		if (*want == '\0')
			break;
		if (!argument_fits(p, *want, n->kids[i]))
			parse_error(p, n->kids[i]->at,
				    "argument %zu of %s must be %s", i + 1,
				    f->name,
				    *want == 'l'   ? "a string literal"
				    : *want == 's' ? "a string"
				    : *want == 'b' ? "true or false"
						   : "a number");
		if (want[1] != '*')
			want++;
	}
	if (i < n->n)
		parse_error(p, n->at, "%s has too many arguments", f->name);
	else if (*want != '\0' && *want != '?' && want[1] != '*')
		parse_error(p, n->at, "%s has too few arguments", f->name);
}

static void
check_arith(struct parse *p, struct node **at)
{
	struct node *n = *at;
	struct item out;

	for (size_t i = 0; i < 2; i++) {
		check_value(p, &n->kids[i]);
		if (!strchr("NA0", type_of(p->set, n->kids[i])))
			parse_error(p, n->kids[i]->at,
				    "only numbers can be calculated with");
	}
	if (!is_literal(n->kids[0]) || !is_literal(n->kids[1]))
		return;
	function_arith((enum arith_op)n->op, &n->kids[0]->item,
		       &n->kids[1]->item, &out);
	*at = node_literal(p, n->at, out);
}

/* ---- comparisons ----------------------------------------------------- */

/* A literal on the left changes sides, null also with another literal. */
static void
literal_right(struct node *n)
{
	static const uint8_t mirrored[] = { [CMP_EQ] = CMP_EQ,
					    [CMP_LT] = CMP_GT,
					    [CMP_LE] = CMP_GE,
					    [CMP_GT] = CMP_LT,
					    [CMP_GE] = CMP_LE };
	struct node *left = n->kids[0];

	if (!is_literal(left) || (is_literal(n->kids[1]) && !is_null(left)))
		return;
	n->kids[0] = n->kids[1];
	n->kids[1] = left;
	n->op = mirrored[n->op];
}

static void
check_date(struct parse *p, const struct node *left, const struct node *value)
{
	char room[VALUE_TEXT_MAX];
	struct date_range range;
	struct view text;

	if (left->kind != NODE_FIELD || !is_literal(value) || is_null(value) ||
	    set_field_type(p->set, left->field) != RULES_DATE)
		return;
	text = value_text(&value->item.v, room);
	if (view_starts(text, VIEW("now")))
		parse_error(p, value->at,
			    "a rule decides an event when it comes, so now "
			    "means nothing; compare with a date");
	else if (!date_range_read(text, &range))
		parse_error(p, value->at,
			    "a date is wanted: 2026-01-31, "
			    "2026-01-31T12:00:00Z, milliseconds since 1970, "
			    "or 2026-01-31||+1d");
}

/* A number field and a string that is none, and so on. */
static void
check_sides(struct parse *p, const struct node *n, const struct node *value)
{
	const struct node *left = n->kids[0];
	char a = type_of(p->set, left), b = type_of(p->set, value);
	struct value number;

	check_date(p, left, value);
	if (!is_literal(value) || a == b || strchr("A0", a) || strchr("A0", b))
		return;
	if (a == 'N' && b == 'S' && value_number(value->item.v.s, &number))
		return;
	if (a == 'S' && left->kind == NODE_FIELD)
		return; /* the literal's text is compared */
	if (a == 'B' && b == 'S' &&
	    (view_eq(value->item.v.s, VIEW("true")) ||
	     view_eq(value->item.v.s, VIEW("false"))))
		return;
	parse_error(p, value->at, "%s is compared with %s", type_name(a),
		    type_name(b));
}

static bool
is_unmapped(const struct parse *p, const struct node *n)
{
	return n->kind == NODE_FIELD && n->op == 1 &&
	       n->field >= p->set->schema->n && !(n->field & FIELD_EARLIER);
}

static struct node *exists(struct parse *, struct node *);

static void
check_comparison(struct parse *p, struct node **at)
{
	struct node *n = *at, *left, *right;

	check_value(p, &n->kids[0]);
	check_value(p, &n->kids[1]);
	literal_right(n);
	left = n->kids[0];
	right = n->kids[1];
	if (n->op == CMP_EQ && is_unmapped(p, left) && is_unmapped(p, right)) {
		/* Nothing is equal to nothing, as Elasticsearch has it where
		 * no field of these names is mapped. */
		*at = node_join(p, NODE_AND, node_not(p, exists(p, left)),
				node_not(p, exists(p, right)));
		return;
	}
	if (left->kind == NODE_FIELD && right->kind == NODE_FIELD &&
	    !((left->field | right->field) & FIELD_EARLIER))
		parse_error(p, n->at,
			    "two fields cannot be compared with each other; "
			    "join them in a sequence");
	check_sides(p, n, right);
	if (n->op != CMP_EQ &&
	    (type_of(p->set, left) == 'B' || type_of(p->set, right) == 'B'))
		parse_error(p, n->at, "true and false have no order");
}

static void
check_list(struct parse *p, struct node *n)
{
	char type;

	check_value(p, &n->kids[0]);
	type = type_of(p->set, n->kids[0]);
	if (n->kind != NODE_IN && (type == 'N' || type == 'B'))
		parse_error(p, n->kids[0]->at,
			    "only strings have patterns; this is %s",
			    type_name(type));
	for (size_t i = 1; i < n->n; i++) {
		check_value(p, &n->kids[i]);
		if (n->kind == NODE_IN)
			check_sides(p, n, n->kids[i]);
	}
}

/* Anything, also logic, where a value is wanted. */
static void
check_value(struct parse *p, struct node **at)
{
	struct node *n = *at;

	switch (n->kind) {
	case NODE_CALL:
		check_call(p, n);
		break;
	case NODE_ARITH:
		check_arith(p, at);
		break;
	case NODE_COMPARE:
		check_comparison(p, at);
		break;
	case NODE_IN:
	case NODE_LIKE:
	case NODE_REGEX:
		check_list(p, n);
		break;
	case NODE_AND:
	case NODE_OR:
	case NODE_NOT:
	case NODE_EXISTS:
		for (size_t i = 0; i < n->n; i++)
			check_value(p, &n->kids[i]);
		break;
	case NODE_ANY:
	case NODE_LINEAGE:
		check_test(p, &n->kids[0]);
		break;
	default:
		break;
	}
}

/* ---- conditions ------------------------------------------------------ */

static struct node *
exists(struct parse *p, struct node *what)
{
	struct node *n = node_new(p, NODE_EXISTS, what->at);

	node_add(p, n, what);
	return n;
}

/*
 * x == null is "x has no value". f(x) == true is f(x) and f(x) == false is
 * not f(x), as Elasticsearch rewrites them, so that both are two-valued.
 */
static void
test_comparison(struct parse *p, struct node **at)
{
	struct node *n = *at, *left;
	const struct item *right;

	check_comparison(p, at);
	left = n->kids[0];
	if (n->op != CMP_EQ || !is_literal(n->kids[1]))
		return;
	right = &n->kids[1]->item;
	if (right->null && left->kind == NODE_FIELD)
		*at = node_not(p, exists(p, left));
	else if (!right->null && right->v.type == VALUE_BOOL &&
		 left->kind != NODE_FIELD && left->kind != NODE_LITERAL &&
		 type_of(p->set, left) == 'B')
		*at = right->v.b ? left : node_not(p, left);
}

/* not (f(x) == null): f(x) has a value. */
static void
test_not(struct parse *p, struct node **at)
{
	struct node *kid = (*at)->kids[0];

	if (kid->kind == NODE_COMPARE && kid->op == CMP_EQ &&
	    (is_null(kid->kids[0]) || is_null(kid->kids[1]))) {
		check_comparison(p, &(*at)->kids[0]);
		*at = exists(p, kid->kids[0]);
		return;
	}
	check_test(p, &(*at)->kids[0]);
}

static void
check_test_kind(struct parse *p, struct node **at)
{
	struct node *n = *at, *t;
	char type;

	switch (n->kind) {
	case NODE_AND:
	case NODE_OR:
		for (size_t i = 0; i < n->n; i++)
			check_test(p, &n->kids[i]);
		return;
	case NODE_NOT:
		test_not(p, at);
		return;
	case NODE_COMPARE:
		test_comparison(p, at);
		return;
	case NODE_BAD:
	case NODE_BEFORE:
		return;
	default:
		break;
	}
	check_value(p, at);
	n = *at;
	type = type_of(p->set, n);
	if (type != 'B' && type != 'A') {
		parse_error(p, n->at, "this is %s, not a condition",
			    type_name(type));
	} else if (n->kind == NODE_FIELD) { /* bare: == true */
		t = node_new(p, NODE_COMPARE, n->at);
		if (t->kind != NODE_COMPARE)
			return;
		t->op = CMP_EQ;
		node_add(p, t, n);
		node_add(p, t, node_literal(p, n->at, item_bool(true)));
		*at = t;
	}
}

/* What takes the place of a node has its text. */
static void
check_test(struct parse *p, struct node **at)
{
	const struct node *before = *at;

	check_test_kind(p, at);
	if (*at != before && (*at)->kind != NODE_BAD) {
		(*at)->from = before->from;
		(*at)->end = before->end;
	}
}

int
check_condition(struct parse *p, struct node **cond)
{
	check_test(p, cond);
	return p->errors > 0 ? -1 : 0;
}

/* ---- without a field ------------------------------------------------- */

struct possible {
	bool yes, no;
};

static bool
is_missing(const struct rules *set, const struct node *n, int field)
{
	if (n->kind == NODE_FIELD)
		return (field < 0 || n->field == (unsigned)field) &&
		       set_field_missing(set, n->field) != NULL;
	for (size_t i = 0; i < n->n; i++)
		if (is_missing(set, n->kids[i], field))
			return true;
	return false;
}

/* Something below may turn null into an answer. */
static bool
asks_null(const struct node *n)
{
	if (is_null(n) || n->kind == NODE_OR || n->kind == NODE_AND ||
	    n->kind == NODE_EXISTS)
		return true;
	for (size_t i = 0; i < n->n; i++)
		if (asks_null(n->kids[i]))
			return true;
	return false;
}

/* A literal or a pattern, compared without case: rather too much is thought
 * possible than too little. */
static bool
literal_fits(const struct node *n, struct view word)
{
	struct pattern p = { .kind = PATTERN_GENERAL };
	char room[256];

	if (!is_literal(n) || n->item.null || n->item.v.type != VALUE_STRING ||
	    n->item.v.s.n > sizeof(room))
		return true;
	fold_ascii(room, n->item.v.s);
	p.a = (struct view){ room, n->item.v.s.n };
	return view_eq_fold(n->item.v.s, word) || pattern_match(&p, word);
}

static bool
fits_one(const struct rules_only *only, const struct node *n)
{
	struct view rest, word;

	for (size_t i = 0; i < only->n; i++) {
		rest = view_of(only->values[i]);
		while (view_next_split(&rest, ',', &word))
			if (word.n > 0 && literal_fits(n, word))
				return true;
	}
	return false;
}

/* A test for values of the field; any field if that is < 0. */
static bool
asks_values(const struct node *n, int field)
{
	const struct node *left = n->n > 1 ? n->kids[0] : NULL;

	return left != NULL && left->kind == NODE_FIELD &&
	       (field < 0 || left->field == (unsigned)field) &&
	       (n->kind == NODE_IN || n->kind == NODE_LIKE ||
		(n->kind == NODE_COMPARE && n->op == CMP_EQ));
}

/* A test for none of the values that the field can have. */
static bool
asks_others(const struct rules *set, const struct node *n, int field)
{
	const struct rules_only *only;

	if (!asks_values(n, field))
		return false;
	only = set_field_only(set, n->kids[0]->field);
	for (size_t i = 1; only != NULL && i < n->n; i++)
		if (fits_one(only, n->kids[i]))
			return false;
	return only != NULL;
}

/* What is known of an event: that `field` has the values of `words`, or that
 * this host's events lack it; `field` < 0: what they lack of any. */
struct known {
	const struct rules *set;
	int field;
	const char *words; /* NULL: not known */
};

/* Of a test of the field that is known: does it want one of the words? */
static struct possible
possible_word(const struct known *k, const struct node *n)
{
	struct possible p = { .no = true };
	struct view rest, word;

	for (size_t i = 1; i < n->n; i++) {
		rest = view_of(k->words);
		while (view_next_split(&rest, ',', &word)) {
			if (word.n == 0 || !literal_fits(n->kids[i], word))
				continue;
			p.yes = true;
			/* letter by letter: it is surely so */
			if (is_literal(n->kids[i]) && !n->kids[i]->item.null &&
			    n->kids[i]->item.v.type == VALUE_STRING &&
			    view_eq(n->kids[i]->item.v.s, word))
				p.no = false;
		}
	}
	return p;
}

static struct possible
possible_leaf(const struct known *k, const struct node *n)
{
	bool exists = n->kind == NODE_EXISTS && n->kids[0]->kind == NODE_FIELD;

	if (k->words != NULL) {
		if (asks_values(n, k->field))
			return possible_word(k, n);
		if (exists && (int)n->kids[0]->field == k->field)
			return (struct possible){ *k->words != '\0',
						  *k->words == '\0' };
		return (struct possible){ true, true };
	}
	if (exists)
		return (struct possible){ !is_missing(k->set, n, k->field),
					  true };
	return (struct possible){ (!is_missing(k->set, n, k->field) ||
				   asks_null(n)) &&
					  !asks_others(k->set, n, k->field),
				  true };
}

static struct possible
possible(const struct known *known, const struct node *n)
{
	struct possible all = { n->kind == NODE_AND, n->kind == NODE_OR }, k;

	switch (n->kind) {
	case NODE_NOT:
		k = possible(known, n->kids[0]);
		return (struct possible){ k.no, k.yes };
	case NODE_AND:
		for (size_t i = 0; i < n->n; i++) {
			k = possible(known, n->kids[i]);
			all.yes &= k.yes;
			all.no |= k.no;
		}
		return all;
	case NODE_OR:
		for (size_t i = 0; i < n->n; i++) {
			k = possible(known, n->kids[i]);
			all.yes |= k.yes;
			all.no &= k.no;
		}
		return all;
	case NODE_LITERAL:
		return (struct possible){ !n->item.null && n->item.v.b,
					  n->item.null || !n->item.v.b };
	case NODE_LINEAGE:
		/* what stands in brackets is about other events */
		if (known->words != NULL)
			return (struct possible){ true, true };
		/* fall through */
	case NODE_ANY:
		k = possible(known, n->kids[0]);
		return (struct possible){ k.yes, true };
	default:
		return possible_leaf(known, n);
	}
}

bool
check_possible(const struct rules *set, const struct node *n, int field)
{
	return possible(&(struct known){ set, field, NULL }, n).yes;
}

bool
check_possible_of(const struct rules *set, const struct node *n, int field,
		  const char *words)
{
	return field < 0 ||
	       possible(&(struct known){ set, field, words }, n).yes;
}

static struct view
wanted_value(const struct node *n)
{
	return is_literal(n) && !n->item.null && n->item.v.type == VALUE_STRING
		       ? n->item.v.s
		       : VIEW_NONE;
}

bool
check_fails(const struct rules *set, const struct node *n, unsigned field,
	    struct view *wanted)
{
	if (asks_others(set, n, (int)field) ||
	    (asks_values(n, (int)field) && is_missing(set, n, (int)field))) {
		*wanted = wanted_value(n->kids[1]);
		return true;
	}
	if (n->kind == NODE_FIELD)
		return is_missing(set, n, (int)field);
	for (size_t i = 0; i < n->n; i++)
		if (check_fails(set, n->kids[i], field, wanted))
			return true;
	return false;
}

bool
check_asks_earlier(const struct node *n)
{
	if (n->kind == NODE_FIELD)
		return n->field & FIELD_EARLIER;
	for (size_t i = 0; i < n->n; i++)
		if (check_asks_earlier(n->kids[i]))
			return true;
	return false;
}
