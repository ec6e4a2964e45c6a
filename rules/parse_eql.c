/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EQL by recursive descent, one token of lookahead; the shape is that of
 * EqlBase.g4 in Elasticsearch. A syntax error ends the parse, an unknown name
 * is reported and the parse goes on.
 */
#include "rules/lex.h"

struct eql {
	struct parse *p;
	struct token t; /* the next token */
	bool failed;	/* a syntax error: everything unwinds */
};

static struct node *parse_or(struct eql *);

static void
advance(struct eql *e)
{
	lex_token(e->p, e->t.end, &e->t);
	if (e->t.kind == TOKEN_BAD)
		e->failed = true;
}

/* A syntax error at the next token; after one, silence. */
#define fail(e, ...) fail_at((e), (e)->t.at, __VA_ARGS__)
#define fail_at(e, at, ...)                                   \
	do {                                                  \
		if (!(e)->failed)                             \
			parse_error((e)->p, at, __VA_ARGS__); \
		(e)->failed = true;                           \
	} while (0)

static bool
is_word(const struct eql *e, const char *word)
{
	return e->t.kind == TOKEN_WORD && !e->t.quoted && !e->t.tilde &&
	       view_eq(e->t.text, view_of(word));
}

static bool
take_word(struct eql *e, const char *word)
{
	if (e->failed || !is_word(e, word))
		return false;
	advance(e);
	return true;
}

static bool
take(struct eql *e, int kind)
{
	if (e->failed || e->t.kind != kind)
		return false;
	advance(e);
	return true;
}

static void
expect(struct eql *e, int kind, const char *what)
{
	if (!take(e, kind))
		fail(e, "expected %s", what);
}

static bool
is_keyword(const struct token *t)
{
	static const char *const words[] = {
		"and",	"any",	 "by",	  "false", "in",      "like",
		"not",	"null",	 "of",	  "or",	   "regex",   "sequence",
		"true", "until", "where", "with",  "maxspan", "sample",
	};

	if (t->kind != TOKEN_WORD || t->quoted)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (view_eq(t->text, view_of(words[i])))
			return true;
	return false;
}

/* ---- values ------------------------------------------------------------- */

static struct node *
bad(struct eql *e)
{
	return node_new(e->p, NODE_BAD, e->t.at);
}

/* A field, or its sub-field: those fold in every test (see parse_field). */
static struct node *
parse_field_node(struct eql *e)
{
	struct node *n = node_new(e->p, NODE_FIELD, e->t.at);
	bool fold = false;
	int field;

	if (n->kind != NODE_FIELD) {
		e->failed = true;
		return n;
	}
	if (e->t.kind != TOKEN_WORD || e->t.tilde || is_keyword(&e->t)) {
		fail(e, "expected a field name");
		return bad(e);
	}
	field = parse_field(e->p, e->t.text, e->t.at, &fold);
	n->fold = fold;
	if (field < 0)
		n->kind = NODE_BAD;
	else
		n->field = (unsigned)field;
	advance(e);
	return n;
}

static struct node *
parse_call(struct eql *e)
{
	struct token name = e->t;
	struct node *n = node_new(e->p, NODE_CALL, name.at);
	int fn = function_find(name.text);

	if (fn < 0)
		parse_error(e->p, name.at, "unknown function %.*s",
			    (int)name.text.n, name.text.p);
	else if (name.tilde && !functions[fn].fold)
		parse_error(e->p, name.at, "%s has no form with ~",
			    functions[fn].name);
	advance(e);
	expect(e, '(', "( after the function's name");
	while (!e->failed && e->t.kind != ')') {
		node_add(e->p, n, parse_or(e));
		if (!take(e, ','))
			break;
	}
	expect(e, ')', ") or , in the function's arguments");
	if (n->kind != NODE_CALL || fn < 0 || e->failed)
		return bad(e);
	n->function = (unsigned)fn;
	n->fold = name.tilde;
	return n;
}

/* true, false, null, a function or a field. */
static struct node *
parse_word(struct eql *e)
{
	struct token next;
	size_t at = e->t.at;

	if (take_word(e, "true"))
		return node_literal(e->p, at, item_bool(true));
	if (take_word(e, "false"))
		return node_literal(e->p, at, item_bool(false));
	if (take_word(e, "null"))
		return node_literal(e->p, at, item_null());
	lex_token(e->p, e->t.end, &next);
	if (next.kind == '(' && !is_keyword(&e->t))
		return parse_call(e);
	return parse_field_node(e);
}

static struct node *
parse_primary(struct eql *e)
{
	struct node *n;
	size_t at = e->t.at;

	switch (e->t.kind) {
	case TOKEN_STRING:
		n = node_literal(e->p, at, item_string(e->t.text));
		advance(e);
		return n;
	case TOKEN_NUMBER:
		n = node_literal(e->p, at, (struct item){ .v = e->t.number });
		advance(e);
		return n;
	case TOKEN_WORD:
		return parse_word(e);
	case TOKEN_LIST:
		fail(e, "a named list can stand in ( … ) after in, :, like "
			"or regex only");
		return bad(e);
	case '?':
		advance(e);
		return parse_field_node(e);
	case '(':
		advance(e);
		n = parse_or(e);
		expect(e, ')', ")");
		return n;
	case '=':
		fail(e, "write == to compare");
		return bad(e);
	default:
		fail(e, e->t.kind == TOKEN_END
				? "the query ends where a value is expected"
				: "expected a value, a field or a function");
		return bad(e);
	}
}

/* ---- lists: in ( … ), : ( … ), like ( … ) ------------------------------- */

/* A value for a list of patterns or expressions. */
static void
add_value(struct eql *e, struct node *parent, struct node *value)
{
	if (parent->kind == NODE_LIKE && value->kind == NODE_LITERAL &&
	    !value->item.null && value->item.v.type == VALUE_STRING)
		value->item.v.s = pattern_form(e->p->arena, value->item.v.s);
	else if (parent->kind != NODE_IN && value->kind != NODE_BAD &&
		 (value->kind != NODE_LITERAL || value->item.null ||
		  value->item.v.type != VALUE_STRING))
		parse_error(e->p, value->at,
			    "expected a string here (patterns are literal)");
	node_add(e->p, parent, value);
}

static void
add_list(struct eql *e, struct node *parent)
{
	const struct named_list *list = parse_list(e->p, e->t.text, e->t.at);

	for (size_t i = 0; list != NULL && i < list->n; i++)
		add_value(e, parent,
			  node_literal(e->p, e->t.at, item_string(list->v[i])));
	advance(e);
}

static void
parse_values(struct eql *e, struct node *parent)
{
	if (!take(e, '(')) {
		if (parent->kind == NODE_IN)
			fail(e, "expected ( after in");
		else if (e->t.kind == TOKEN_LIST)
			add_list(e, parent);
		else
			add_value(e, parent, parse_primary(e));
		return;
	}
	do {
		if (e->t.kind == TOKEN_LIST)
			add_list(e, parent);
		else if (parent->kind == NODE_IN)
			add_value(e, parent, parse_or(e));
		else
			add_value(e, parent, parse_primary(e));
	} while (take(e, ','));
	expect(e, ')', ") or , in the list");
}

/* The predicate words; *kind and *fold say which. */
static bool
is_predicate(const struct eql *e, enum node_kind *kind, bool *fold)
{
	*fold = e->t.tilde;
	if (e->t.kind == ':') {
		*kind = NODE_LIKE;
		*fold = true;
		return true;
	}
	if (e->t.kind != TOKEN_WORD || e->t.quoted)
		return false;
	if (view_eq(e->t.text, VIEW("in")))
		*kind = NODE_IN;
	else if (view_eq(e->t.text, VIEW("like")))
		*kind = NODE_LIKE;
	else if (view_eq(e->t.text, VIEW("regex")))
		*kind = NODE_REGEX;
	else
		return false;
	return true;
}

static struct node *
parse_predicate(struct eql *e)
{
	struct node *left = parse_primary(e), *n;
	enum node_kind kind;
	size_t at = e->t.at;
	bool fold, negated;

	if (e->failed)
		return left;
	negated = take_word(e, "not");
	if (!is_predicate(e, &kind, &fold)) {
		if (negated)
			fail(e, "expected in, like or regex after not");
		return left;
	}
	n = node_new(e->p, kind, at);
	if (n->kind != kind) {
		e->failed = true;
		return n;
	}
	n->fold = fold || left->fold;
	node_add(e->p, n, left);
	advance(e);
	parse_values(e, n);
	return negated ? node_not(e->p, n) : n;
}

/* ---- arithmetic and comparison ------------------------------------------ */

static struct node *
two(struct eql *e, enum node_kind kind, uint8_t op, struct node *a,
    struct node *b)
{
	struct node *n = node_new(e->p, kind, a->at);

	if (n->kind != kind) {
		e->failed = true;
		return n;
	}
	n->op = op;
	node_add(e->p, n, a);
	node_add(e->p, n, b);
	return n;
}

static struct node *
parse_unary(struct eql *e)
{
	size_t at = e->t.at;
	struct node *n;

	while (take(e, '+'))
		at = e->t.at;
	if (!take(e, '-'))
		return parse_predicate(e);
	if (e->p->depth >= PARSE_DEPTH_MAX) {
		fail(e, "the query nests too deeply");
		return bad(e);
	}
	e->p->depth++;
	n = parse_unary(e);
	e->p->depth--;
	return two(e, NODE_ARITH, ARITH_SUB,
		   node_literal(e->p, at, item_int(0)), n);
}

static struct node *
parse_product(struct eql *e)
{
	struct node *n = parse_unary(e);

	while (!e->failed) {
		if (take(e, '*'))
			n = two(e, NODE_ARITH, ARITH_MUL, n, parse_unary(e));
		else if (take(e, '/'))
			n = two(e, NODE_ARITH, ARITH_DIV, n, parse_unary(e));
		else if (take(e, '%'))
			n = two(e, NODE_ARITH, ARITH_MOD, n, parse_unary(e));
		else
			break;
	}
	return n;
}

static struct node *
parse_sum(struct eql *e)
{
	struct node *n = parse_product(e);

	while (!e->failed) {
		if (take(e, '+'))
			n = two(e, NODE_ARITH, ARITH_ADD, n, parse_product(e));
		else if (take(e, '-'))
			n = two(e, NODE_ARITH, ARITH_SUB, n, parse_product(e));
		else
			break;
	}
	return n;
}

static int
comparison(int token)
{
	switch (token) {
	case TOKEN_EQ:
	case TOKEN_NE:
		return CMP_EQ;
	case '<':
		return CMP_LT;
	case TOKEN_LE:
		return CMP_LE;
	case '>':
		return CMP_GT;
	case TOKEN_GE:
		return CMP_GE;
	default:
		return -1;
	}
}

static struct node *
parse_comparison(struct eql *e)
{
	struct node *left = parse_sum(e), *n;
	bool negated = e->t.kind == TOKEN_NE;
	int op = e->failed ? -1 : comparison(e->t.kind);

	if (e->t.kind == '=')
		fail(e, "write == to compare");
	if (op < 0)
		return left;
	advance(e);
	n = two(e, NODE_COMPARE, (uint8_t)op, left, parse_sum(e));
	if (!e->failed && comparison(e->t.kind) >= 0)
		fail(e, "comparisons cannot be chained; join them with and");
	return negated ? node_not(e->p, n) : n;
}

static struct node *
parse_not(struct eql *e)
{
	struct node *n;

	if (e->p->depth >= PARSE_DEPTH_MAX) {
		fail(e, "the query nests too deeply");
		return bad(e);
	}
	e->p->depth++;
	if (take_word(e, "not"))
		n = node_not(e->p, parse_not(e));
	else
		n = parse_comparison(e);
	e->p->depth--;
	return n;
}

/* A parenthesised a or b keeps its node, so flattening is local. */
static struct node *
parse_and(struct eql *e)
{
	struct node *first = parse_not(e), *n = NULL;

	while (!e->failed && take_word(e, "and")) {
		if (n == NULL) {
			n = node_new(e->p, NODE_AND, first->at);
			node_add(e->p, n, first);
		}
		node_add(e->p, n, parse_not(e));
	}
	return n == NULL ? first : n;
}

static struct node *
parse_or(struct eql *e)
{
	struct node *first = parse_and(e), *n = NULL;

	while (!e->failed && take_word(e, "or")) {
		if (n == NULL) {
			n = node_new(e->p, NODE_OR, first->at);
			node_add(e->p, n, first);
		}
		node_add(e->p, n, parse_and(e));
	}
	return n == NULL ? first : n;
}

/* ---- queries ------------------------------------------------------------ */

/* category where condition */
static struct node *
parse_event(struct eql *e)
{
	struct node *category, *cond;
	struct token name = e->t;
	bool failed;

	if (name.kind != TOKEN_WORD && name.kind != TOKEN_STRING) {
		fail(e, "expected an event category (process, file, network, "
			"any, …)");
		return bad(e);
	}
	advance(e);
	if (!is_word(e, "where")) {
		fail(e, "expected where after the event category");
		return bad(e);
	}
	advance(e);
	if (name.kind == TOKEN_STRING && view_eq(name.text, VIEW("any"))) {
		/* quoted: the category of that name */
		category = parse_category(e->p, VIEW("any "), name.at, &failed);
		if (category != NULL)
			category->kids[1]->item.v.s = name.text;
	} else {
		category = parse_category(e->p, name.text, name.at, &failed);
	}
	cond = parse_or(e);
	if (failed)
		return bad(e);
	if (category == NULL)
		return cond;
	return node_join(e->p, NODE_AND, category, cond);
}

static void
parse_keys(struct eql *e, struct query_stage *s, struct join_key *room)
{
	if (s->keys == NULL)
		s->keys = room;
	do {
		bool optional = take(e, '?');
		struct node *f = parse_field_node(e);

		if (s->n_keys == QUERY_KEYS_MAX) {
			fail(e, "more than %d join keys", QUERY_KEYS_MAX);
			return;
		}
		if (f->kind == NODE_FIELD)
			room[s->n_keys++] =
				(struct join_key){ .field = f->field,
						   .optional = optional };
	} while (take(e, ','));
}

/* 500ms, 1s, 5m, 2h, 1d */
static void
parse_span(struct eql *e, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ms", NS_PER_MS },	     { "s", NS_PER_SEC },
		{ "m", 60 * NS_PER_SEC },    { "h", 3600 * NS_PER_SEC },
		{ "d", 86400 * NS_PER_SEC },
	};
	struct token number = e->t;

	expect(e, TOKEN_NUMBER, "a time span such as 500ms, 1s, 5m");
	for (size_t i = 0; i < ARRAY_LEN(units) && !e->failed; i++) {
		if (number.number.type != VALUE_INT ||
		    !is_word(e, units[i].name))
			continue;
		if (__builtin_mul_overflow((uint64_t)number.number.i,
					   units[i].ns, ns))
			fail(e, "this time span is too long");
		advance(e);
		return;
	}
	fail(e, "expected a whole number with a unit: ms, s, m, h or d");
}

static void
parse_params(struct eql *e, struct query *q)
{
	if (!take_word(e, "with"))
		return;
	if (!take_word(e, "maxspan")) {
		fail(e, "expected maxspan= after with");
		return;
	}
	expect(e, '=', "= after maxspan");
	q->has_maxspan = true;
	parse_span(e, &q->maxspan_ns);
}

static void
parse_runs(struct eql *e, struct query_stage *s)
{
	struct token number;

	if (!take_word(e, "runs")) {
		fail(e, "expected runs= after with");
		return;
	}
	expect(e, '=', "= after runs");
	number = e->t;
	expect(e, TOKEN_NUMBER, "how many runs");
	if (e->failed)
		return;
	if (number.number.type != VALUE_INT || number.number.i < 1 ||
	    number.number.i > QUERY_RUNS_MAX)
		parse_error(e->p, number.at, "runs must be from 1 to %d",
			    QUERY_RUNS_MAX);
	else
		s->runs = (unsigned)number.number.i;
	if (s->missing)
		parse_error(e->p, number.at,
			    "a missing event cannot have runs");
}

/* [ event ] by keys with runs=n; `shared` keys of the query come first. */
static void
parse_stage(struct eql *e, const struct query_stage *shared,
	    struct query_stage *s)
{
	struct join_key *room =
		arena_array(e->p->arena, QUERY_KEYS_MAX, sizeof(*room));

	*s = (struct query_stage){ .runs = 1,
				   .at = (uint32_t)e->t.at,
				   .keys = room };
	if (room == NULL) {
		fail(e, "memory is out");
		return;
	}
	for (; s->n_keys < shared->n_keys; s->n_keys++)
		room[s->n_keys] = shared->keys[s->n_keys];
	s->missing = e->t.kind == TOKEN_MISSING;
	if (!take(e, '[') && !take(e, TOKEN_MISSING)) {
		fail(e, "expected [ and an event query");
		return;
	}
	s->cond = parse_event(e);
	expect(e, ']', "] at the end of the event query");
	for (;;) {
		if (take_word(e, "by"))
			parse_keys(e, s, room);
		else if (take_word(e, "with"))
			parse_runs(e, s);
		else
			break;
	}
}

static void
parse_stages(struct eql *e, struct query *q, const struct query_stage *shared)
{
	while (!e->failed && (e->t.kind == '[' || e->t.kind == TOKEN_MISSING)) {
		if (q->n == QUERY_STAGES_MAX) {
			fail(e, "more than %d stages", QUERY_STAGES_MAX);
			return;
		}
		parse_stage(e, shared, &q->stages[q->n]);
		q->n++;
	}
}

static void
check_stage_keys(struct eql *e, const struct query *q,
		 const struct query_stage *s)
{
	if (s->n_keys != q->stages[0].n_keys)
		parse_error(e->p, s->at,
			    "this stage has %zu join keys, the first has %zu",
			    s->n_keys, q->stages[0].n_keys);
}

static void
check_sequence(struct eql *e, struct query *q)
{
	size_t positive = 0, missing = 0, total = 0;

	for (size_t i = 0; i < q->n; i++) {
		check_stage_keys(e, q, &q->stages[i]);
		if (q->stages[i].missing)
			missing++;
		else
			positive++;
		total += q->stages[i].runs;
	}
	if (q->until.cond != NULL)
		check_stage_keys(e, q, &q->until);
	if (total < 2)
		parse_error(e->p, q->n > 0 ? q->stages[0].at : e->t.at,
			    "a sequence needs two stages or more");
	else if (positive == 0)
		parse_error(e->p, q->stages[0].at,
			    "a sequence needs an event that is not missing");
	if (missing > 0 && !q->has_maxspan)
		parse_error(e->p, q->stages[0].at,
			    "a sequence with missing events needs "
			    "with maxspan=…");
}

static void
parse_sequence(struct eql *e, struct query *q)
{
	struct join_key keys[QUERY_KEYS_MAX];
	struct query_stage shared = { 0 };

	q->kind = QUERY_SEQUENCE;
	if (take_word(e, "by")) {
		parse_keys(e, &shared, keys);
		parse_params(e, q);
	} else {
		parse_params(e, q);
		if (is_word(e, "by"))
			fail(e, "write by before with: sequence by … with "
				"maxspan=…");
	}
	parse_stages(e, q, &shared);
	if (take_word(e, "until")) {
		parse_stage(e, &shared, &q->until);
		if (q->until.missing || q->until.runs != 1)
			parse_error(e->p, q->until.at,
				    "until takes a plain event");
	}
	if (!e->failed)
		check_sequence(e, q);
}

static void
parse_sample(struct eql *e, struct query *q)
{
	struct join_key keys[QUERY_KEYS_MAX];
	struct query_stage shared = { 0 };

	q->kind = QUERY_SAMPLE;
	if (take_word(e, "by"))
		parse_keys(e, &shared, keys);
	parse_stages(e, q, &shared);
	if (e->failed)
		return;
	if (is_word(e, "until") || is_word(e, "with"))
		fail(e, "a sample has neither until nor with");
	if (q->n < 2)
		fail(e, "a sample needs two filters or more");
	for (size_t i = 0; i < q->n && !e->failed; i++) {
		check_stage_keys(e, q, &q->stages[i]);
		if (q->stages[i].missing || q->stages[i].runs != 1)
			parse_error(e->p, q->stages[i].at,
				    "a sample has neither missing events "
				    "nor runs");
		if (q->stages[i].n_keys == 0)
			fail_at(e, q->stages[i].at,
				"a sample needs a join key: sample by …");
	}
}

static void
parse_pipes(struct eql *e, struct query *q)
{
	while (take(e, '|')) {
		bool head = is_word(e, "head");
		struct token number;

		if (!head && !is_word(e, "tail")) {
			fail(e, "expected head or tail after |");
			return;
		}
		advance(e);
		number = e->t;
		expect(e, TOKEN_NUMBER, "how many results");
		if (e->failed)
			return;
		if (number.number.type != VALUE_INT ||
		    q->n_pipes == QUERY_PIPES_MAX) {
			fail_at(e, number.at, "expected a whole number");
			return;
		}
		q->pipes[q->n_pipes++] =
			(struct query_pipe){ .kind = head ? PIPE_HEAD
							  : PIPE_TAIL,
					     .n = (uint64_t)number.number.i };
	}
}

static int
begin(struct eql *e, struct parse *p)
{
	*e = (struct eql){ .p = p };
	if (parse_begin(p) < 0)
		return -1;
	advance(e);
	return 0;
}

static int
finish(struct eql *e)
{
	if (!e->failed && e->t.kind != TOKEN_END)
		fail(e, "the query should end here");
	return e->p->errors > 0 ? -1 : 0;
}

int
parse_eql(struct parse *p, struct query *q)
{
	struct eql e;

	memset(q, 0, sizeof(*q));
	if (begin(&e, p) < 0)
		return -1;
	if (take_word(&e, "sequence")) {
		parse_sequence(&e, q);
	} else if (take_word(&e, "sample")) {
		parse_sample(&e, q);
	} else {
		q->kind = QUERY_EVENT;
		q->n = 1;
		q->stages[0].runs = 1;
		q->stages[0].cond = parse_event(&e);
	}
	parse_pipes(&e, q);
	return finish(&e);
}

int
parse_eql_condition(struct parse *p, struct node **out)
{
	struct eql e;

	if (begin(&e, p) < 0)
		return -1;
	*out = parse_or(&e);
	return finish(&e);
}
