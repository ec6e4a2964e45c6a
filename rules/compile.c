/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions become programs over shared leaves. A leaf is known by its
 * canonical text: two rules that write the same test share it, and it is
 * answered once an event.
 */
#include "rules/engine.h"

/* ---- canonical text -------------------------------------------------- */

static void
print_bytes(struct view s, bool pattern, struct buf *out)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (pattern && (c == PATTERN_ANY || c == PATTERN_ONE))
			buf_putc(out, c == PATTERN_ANY ? '*' : '?');
		else if ((unsigned char)c < ' ' || c == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned char)c);
		else if (c == '"' || c == '\\' ||
			 (pattern && (c == '*' || c == '?')))
			buf_printf(out, "\\%c", c);
		else
			buf_putc(out, c);
	}
	buf_putc(out, '"');
}

static void
print_item(const struct item *item, bool pattern, struct buf *out)
{
	char room[VALUE_TEXT_MAX];

	if (item->null)
		buf_puts(out, "null");
	else if (item->v.type == VALUE_STRING)
		print_bytes(item->v.s, pattern, out);
	else
		buf_put(out, value_text(&item->v, room));
}

static void
print_kids(struct parse *p, const struct node *n, size_t from,
	   const char *between, struct buf *out)
{
	buf_putc(out, '(');
	for (size_t i = from; i < n->n; i++) {
		if (i > from)
			buf_puts(out, between);
		if (n->kind == NODE_LIKE && n->kids[i]->kind == NODE_LITERAL)
			print_item(&n->kids[i]->item, true, out);
		else
			node_print(p, n->kids[i], out);
	}
	buf_putc(out, ')');
}

static void
print_list(struct parse *p, const struct node *n, struct buf *out)
{
	node_print(p, n->kids[0], out);
	buf_printf(out, " %s%s ",
		   n->kind == NODE_IN	  ? "in"
		   : n->kind == NODE_LIKE ? "like"
					  : "regex",
		   n->fold ? "~" : "");
	print_kids(p, n, 1, ", ", out);
}

static void
print_pair(struct parse *p, const struct node *n, struct buf *out)
{
	static const char *const compare[] = { "==", "<", "<=", ">", ">=" };
	static const char arith[] = "+-*/%";

	buf_putc(out, '(');
	node_print(p, n->kids[0], out);
	if (n->kind == NODE_ARITH)
		buf_printf(out, " %c ", arith[n->op]);
	else
		buf_printf(out, " %s ", compare[n->op]);
	node_print(p, n->kids[1], out);
	buf_putc(out, ')');
}

static void
print_words(struct parse *p, const struct node *n, struct buf *out)
{
	node_print(p, n->kids[0], out);
	buf_puts(out, " has ");
	for (size_t i = 1; i < n->n; i++) {
		buf_puts(out, i > 1 ? ", " : "(");
		print_item(&n->kids[i]->item, true, out);
	}
	buf_putc(out, ')');
}

void
node_print(struct parse *p, const struct node *n, struct buf *out)
{
	static const char *const lineage[] = { "descendant", "child", "event" };

	switch (n->kind) {
	case NODE_BAD:
		buf_puts(out, "bad");
		break;
	case NODE_LITERAL:
		print_item(&n->item, false, out);
		break;
	case NODE_FIELD:
		buf_puts(out, set_field_name(p->set, n->field));
		buf_puts(out, n->fold ? ".caseless" : "");
		break;
	case NODE_CALL:
		buf_printf(out, "%s%s", functions[n->function].name,
			   n->fold ? "~" : "");
		print_kids(p, n, 0, ", ", out);
		break;
	case NODE_ARITH:
	case NODE_COMPARE:
		print_pair(p, n, out);
		break;
	case NODE_IN:
	case NODE_LIKE:
	case NODE_REGEX:
		print_list(p, n, out);
		break;
	case NODE_WORDS:
		print_words(p, n, out);
		break;
	case NODE_AND:
	case NODE_OR:
		print_kids(p, n, 0, n->kind == NODE_AND ? " and " : " or ",
			   out);
		break;
	case NODE_NOT:
		buf_puts(out, "not ");
		print_kids(p, n, 0, "", out);
		break;
	case NODE_EXISTS:
		node_print(p, n->kids[0], out);
		buf_puts(out, " exists");
		break;
	case NODE_BEFORE:
		buf_puts(out, "before ");
		buf_rfc3339(out, (uint64_t)n->item.v.i);
		break;
	case NODE_ANY:
		buf_puts(out, "any ");
		node_print(p, n->kids[0], out);
		break;
	case NODE_LINEAGE:
		buf_printf(out, "%s of [", lineage[n->op]);
		buf_put(out, n->item.v.s);
		buf_putc(out, ']');
		break;
	}
}

/* ---- making leaves --------------------------------------------------- */

static bool
is_field(const struct node *n)
{
	return n->kind == NODE_FIELD;
}

bool
compile_all_literals(const struct node *n)
{
	for (size_t i = 1; i < n->n; i++)
		if (n->kids[i]->kind != NODE_LITERAL || n->kids[i]->item.null)
			return false;
	return true;
}

int
compile_set(struct parse *p, const struct node *n, bool fold,
	    struct value_set *out)
{
	struct value *v = arena_array(p->arena, n->n, sizeof(*v));

	if (v == NULL)
		return -1;
	for (size_t i = 1; i < n->n; i++)
		v[i - 1] = n->kids[i]->item.v;
	return value_set_make(out, &p->set->arena, v, n->n - 1, fold);
}

static int
make_cidr(struct parse *p, const struct node *n, struct leaf *l)
{
	l->op = LEAF_CIDR;
	l->cost = 8;
	l->cidr.v = arena_array(&p->set->arena, n->n, sizeof(*l->cidr.v));
	if (l->cidr.v == NULL)
		return -1;
	for (size_t i = 1; i < n->n; i++)
		if (cidr_parse(n->kids[i]->item.v.s, &l->cidr.v[l->cidr.n]))
			l->cidr.n++;
	return 0;
}

/* An ip field in (addresses and blocks): all read beforehand. */
static bool
all_blocks(const struct node *n)
{
	struct cidr block;

	for (size_t i = 1; i < n->n; i++)
		if (n->kids[i]->item.v.type != VALUE_STRING ||
		    !cidr_parse(n->kids[i]->item.v.s, &block))
			return false;
	return true;
}

static bool
has_block(const struct node *n)
{
	struct cidr block;

	for (size_t i = 1; i < n->n; i++)
		if (n->kids[i]->item.v.type == VALUE_STRING &&
		    view_find(n->kids[i]->item.v.s, '/') >= 0 &&
		    cidr_parse(n->kids[i]->item.v.s, &block))
			return true;
	return false;
}

static int
make_set(struct parse *p, const struct node *n, struct leaf *l)
{
	if (l->type == RULES_IP && all_blocks(n))
		return make_cidr(p, n, l);
	if (l->type == RULES_ANY && has_block(n))
		l->type = RULES_IP; /* what is no address has its text */
	l->op = LEAF_IN;
	l->fold = n->fold || n->kids[0]->fold;
	l->cost = 2 + l->fold;
	return compile_set(p, n, l->fold, &l->set);
}

int
compile_patterns(struct parse *p, const struct node *n,
		 struct pattern_list *out)
{
	struct view *v = arena_array(p->arena, n->n, sizeof(*v));

	if (v == NULL)
		return -1;
	for (size_t i = 1; i < n->n; i++)
		v[i - 1] = n->kids[i]->item.v.s;
	return pattern_list_make(out, &p->set->arena, v, n->n - 1,
				 n->fold || n->kids[0]->fold);
}

static int
make_compare(struct parse *p, const struct node *n, struct leaf *l)
{
	const struct item *right = &n->kids[1]->item;

	if (n->op == CMP_EQ && right->v.type != VALUE_BOOL)
		return make_set(p, n, l);
	l->op = LEAF_COMPARE;
	l->cost = 2;
	l->compare = n->op;
	l->value = right->v;
	if (right->v.type == VALUE_STRING) {
		l->value.s = arena_copy(&p->set->arena, right->v.s);
		return right->v.s.n > 0 && l->value.s.p == NULL ? -1 : 0;
	}
	return 0;
}

/* Tests of one field against literals have leaves of their own; everything
 * else is an expression. */
static int
make_leaf(struct parse *p, const struct node *n, struct leaf *l)
{
	const struct node *left = n->n > 0 ? n->kids[0] : NULL;

	if (n->kind == NODE_BEFORE) {
		l->op = LEAF_BEFORE;
		l->cost = 1;
		l->before_ns = (uint64_t)n->item.v.i;
		return 0;
	}
	if (n->kind == NODE_LINEAGE)
		return lineage_compile(p, n, l);
	if (left == NULL || !is_field(left) || !compile_all_literals(n) ||
	    (left->field & FIELD_EARLIER))
		return compile_expr(p, n, l);
	l->field = left->field;
	l->type = set_field_type(p->set, left->field);
	switch (n->kind) {
	case NODE_EXISTS:
		l->op = LEAF_EXISTS;
		l->cost = 1;
		return 0;
	case NODE_COMPARE:
		return make_compare(p, n, l);
	case NODE_IN:
		return make_set(p, n, l);
	case NODE_LIKE:
		l->op = LEAF_LIKE;
		l->cost = 4 + (unsigned)n->n;
		return compile_patterns(p, n, &l->patterns);
	case NODE_REGEX:
		l->op = LEAF_REGEX;
		l->cost = 60;
		return compile_regex(p, n, &l->regex);
	case NODE_WORDS:
		return words_compile(p, n, l);
	case NODE_CALL:
		if (n->function == FN_cidr_match)
			return make_cidr(p, n, l);
		return compile_expr(p, n, l);
	default:
		return compile_expr(p, n, l);
	}
}

static int
grow_leaf_table(struct rules *set)
{
	size_t size = (set->leaf_mask + 1) * 2;
	uint32_t *table;

	if (set->leaf_table != NULL && (set->n_leaves + 1) * 2 < size / 2)
		return 0;
	if (set->leaf_table == NULL)
		size = 256;
	table = arena_array(&set->arena, size, sizeof(*table));
	if (table == NULL)
		return -1;
	memset(table, 0, size * sizeof(*table));
	for (uint32_t i = 0; i < set->n_leaves; i++) {
		size_t at = literal_hash(set->leaves[i].text) & (size - 1);

		while (table[at] != 0)
			at = (at + 1) & (size - 1);
		table[at] = i + 1;
	}
	set->leaf_table = table;
	set->leaf_mask = size - 1;
	return 0;
}

unsigned
compile_field_cost(const struct rules *set, const struct leaf *l)
{
	unsigned cost = 0;

	if (set->schema->cost == NULL)
		return 0;
	if (l->op != LEAF_EXPR)
		return l->field < set->schema->n ? set->schema->cost(l->field)
						 : 0;
	for (size_t i = 0; i < l->expr.n_fields; i++)
		if (l->expr.fields[i] < set->schema->n)
			cost += set->schema->cost(l->expr.fields[i]);
	return cost;
}

static bool
is_varied(const struct rules *set, const struct leaf *l)
{
	if (l->op != LEAF_EXPR)
		return l->field != UINT32_MAX &&
		       !index_is_steady(set, l->field);
	for (size_t i = 0; i < l->expr.n_fields; i++)
		if ((l->expr.fields[i] & FIELD_EARLIER) ||
		    !index_is_steady(set, l->expr.fields[i]))
			return true;
	return false;
}

static int
add_leaf(struct parse *p, const struct node *n, struct view text, uint32_t *out)
{
	struct rules *set = p->set;
	struct leaf l = { .field = UINT32_MAX, .type = RULES_ANY }, *v;
	size_t at;

	l.text = arena_copy(&set->arena, text);
	if (l.text.p == NULL || make_leaf(p, n, &l) < 0 ||
	    grow_leaf_table(set) < 0)
		return -1;
	v = set_extend(set->leaves, set->n_leaves, &set->cap_leaves,
		       sizeof(*v));
	if (v == NULL)
		return -1;
	set->leaves = v;
	*out = (uint32_t)set->n_leaves;
	l.cost += compile_field_cost(set, &l);
	l.varied = is_varied(set, &l);
	v[set->n_leaves++] = l;
	for (at = literal_hash(text) & set->leaf_mask; set->leaf_table[at] != 0;
	     at = (at + 1) & set->leaf_mask)
		;
	set->leaf_table[at] = *out + 1;
	return 0;
}

static bool
find_leaf(const struct rules *set, struct view text, uint32_t *out)
{
	size_t at = literal_hash(text) & set->leaf_mask;

	for (; set->leaf_table != NULL && set->leaf_table[at] != 0;
	     at = (at + 1) & set->leaf_mask) {
		*out = set->leaf_table[at] - 1;
		if (view_eq(set->leaves[*out].text, text))
			return true;
	}
	return false;
}

bool
compile_find_leaf(struct parse *p, const struct node *n, uint32_t *out)
{
	struct buf text = { 0 };
	bool found;

	node_print(p, n, &text);
	found = !text.failed && find_leaf(p->set, buf_view(&text), out);
	buf_free(&text);
	return found;
}

int
compile_leaf(struct parse *p, const struct node *n, uint32_t *out)
{
	struct buf text = { 0 };
	int rc = -1;

	node_print(p, n, &text);
	if (!text.failed)
		rc = find_leaf(p->set, buf_view(&text), out)
			     ? 0
			     : add_leaf(p, n, buf_view(&text), out);
	buf_free(&text);
	if (rc < 0 && p->errors == 0 && p->unsupported == NULL)
		parse_error(p, n->at, "memory is out");
	return rc;
}

/* ---- conditions over several events ---------------------------------- */

static struct node *
take_joint(struct parse *p, struct node *n, struct node **joint)
{
	struct node *own = NULL;

	if (!check_asks_earlier(n))
		return n;
	if (n->kind != NODE_AND) {
		*joint = node_join(p, NODE_AND, *joint, n);
		return NULL;
	}
	for (size_t i = 0; i < n->n; i++)
		own = node_join(p, NODE_AND, own,
				take_joint(p, n->kids[i], joint));
	return own;
}

struct node *
compile_take_joint(struct parse *p, struct node *cond, struct node **joint)
{
	struct node *own = take_joint(p, cond, joint);

	return own != NULL ? own : node_literal(p, cond->at, item_bool(true));
}

/* ---- programs -------------------------------------------------------- */

/*
 * Written backwards: where a test goes on is known before it is written, so
 * no jump is ever patched. Indices count from the end until `turn`.
 */
struct writer {
	struct parse *p;
	struct test *v;
	size_t n, cap;
	bool failed;
};

static uint32_t
put_test(struct writer *w, struct test t)
{
	struct test *v;

	if (w->n >= PROGRAM_TESTS_MAX) {
		if (!w->failed)
			parse_error(w->p, 0, "the query has too many tests");
		w->failed = true;
		return 0;
	}
	v = set_grow(w->p->arena, w->v, w->n, &w->cap, sizeof(*v));
	if (v == NULL) {
		w->failed = true;
		return 0;
	}
	w->v = v;
	v[w->n] = t;
	return (uint32_t)w->n++;
}

struct cost {
	unsigned sum;
	bool varied; /* one of its leaves is */
};

static void
add_cost(struct parse *p, const struct node *n, struct cost *cost)
{
	uint32_t leaf;

	switch (n->kind) {
	case NODE_AND:
	case NODE_OR:
	case NODE_NOT:
		for (size_t i = 0; i < n->n; i++)
			add_cost(p, n->kids[i], cost);
		return;
	case NODE_LITERAL:
		return;
	default:
		if (compile_leaf(p, n, &leaf) < 0)
			return;
		cost->sum += p->set->leaves[leaf].cost;
		cost->varied |= p->set->leaves[leaf].varied;
	}
}

/* What the index decides beforehand comes before what it cannot know, unless
 * that is cheap. */
#define VARIED_COST 20

static unsigned
cost_of(struct parse *p, const struct node *n)
{
	struct cost cost = { 0 };

	add_cost(p, n, &cost);
	return cost.sum + (cost.varied ? VARIED_COST : 0);
}

#define SORT_MAX 512

/* Cheap ones first; equal ones as written. Leaves have no effects, so the
 * order changes nothing but time. */
static void
sort_kids(struct parse *p, const struct node *n)
{
	unsigned cost[SORT_MAX];

	if (n->n > SORT_MAX)
		return;
	for (size_t i = 0; i < n->n; i++) {
		struct node *kid = n->kids[i];
		unsigned c = cost_of(p, kid);
		size_t at = i;

		for (; at > 0 && cost[at - 1] > c; at--) {
			cost[at] = cost[at - 1];
			n->kids[at] = n->kids[at - 1];
		}
		cost[at] = c;
		n->kids[at] = kid;
	}
}

static uint32_t
write_node(struct writer *w, const struct node *n, uint32_t yes, uint32_t no)
{
	struct test t = { .op = TEST_LEAF, .yes = yes, .no = no };
	uint32_t entry;

	switch (n->kind) {
	case NODE_LITERAL:
		return !n->item.null && n->item.v.type == VALUE_BOOL &&
				       n->item.v.b
			       ? yes
			       : no;
	case NODE_NOT:
		return write_node(w, n->kids[0], no, yes);
	case NODE_AND:
		for (size_t i = n->n; i-- > 0;)
			yes = write_node(w, n->kids[i], yes, no);
		return yes;
	case NODE_OR:
		for (size_t i = n->n; i-- > 0;)
			no = write_node(w, n->kids[i], yes, no);
		return no;
	default:
		break;
	}
	if (yes == no)
		return yes;
	if (compile_leaf(w->p, n, &t.leaf) < 0) {
		w->failed = true;
		return yes;
	}
	entry = put_test(w, t);
	return entry;
}

static void
sort_tree(struct parse *p, const struct node *n)
{
	if (n->kind != NODE_AND && n->kind != NODE_OR && n->kind != NODE_NOT)
		return;
	for (size_t i = 0; i < n->n; i++)
		sort_tree(p, n->kids[i]);
	sort_kids(p, n);
}

/* Turned round, from the entry to ACCEPT, REJECT. */
static int
turn(struct writer *w, uint32_t entry, struct program *out)
{
	size_t n = entry < 2 ? 3 : (size_t)entry + 1;

	out->v = arena_array(&w->p->set->arena, n, sizeof(*out->v));
	if (out->v == NULL)
		return -1;
	out->n = n;
	if (entry < 2) { /* constant: one instruction and the two ends */
		out->v[0] = w->v[entry];
		out->v[1] = w->v[1];
		out->v[2] = w->v[0];
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct test t = w->v[n - 1 - i];

		t.yes = (uint32_t)n - 1 - t.yes;
		t.no = (uint32_t)n - 1 - t.no;
		out->v[i] = t;
	}
	return 0;
}

int
compile_program(struct parse *p, const struct node *n, struct program *out)
{
	struct writer w = { .p = p };
	uint32_t reject, accept, entry;
	const char *wrong;

	sort_tree(p, n);
	reject = put_test(&w, (struct test){ .op = TEST_REJECT });
	accept = put_test(&w, (struct test){ .op = TEST_ACCEPT });
	entry = write_node(&w, n, accept, reject);
	if (w.failed || turn(&w, entry, out) < 0)
		return p->errors > 0 || p->unsupported != NULL
			       ? -1
			       : parse_error(p, 0, "memory is out");
	wrong = program_verify(p->set, out);
	if (wrong != NULL)
		return parse_error(p, 0, "the program is not sound: %s", wrong);
	return 0;
}
