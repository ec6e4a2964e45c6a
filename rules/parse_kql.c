/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KQL by recursive descent over words (lex_kql.h). The shape is that of
 * Kibana's kuery grammar; everything is compared exactly.
 *
 * A field name with * stands for every field of the schema that it fits, a
 * value without a field for all fields. Nested objects are flattened: the
 * parts of field: { … } may be true of different elements.
 */
#include "rules/lex_kql.h"
#include "rules/words.h"

/* What a value is compared with. */
struct target {
	struct view name; /* as written */
	size_t at;
	unsigned field;
	bool fold;
};

static struct node *parse_or(struct kql *);
static struct node *values_or(struct kql *, const struct target *);

static struct node *
bad(struct kql *k)
{
	return node_new(k->p, NODE_BAD, k->i);
}

static struct node *
constant(struct kql *k, size_t at, bool value)
{
	return node_literal(k->p, at, item_bool(value));
}

/* ---- tests of one field ---------------------------------------------- */

static struct node *
field_node(struct kql *k, const struct target *t)
{
	struct node *n = node_new(k->p, NODE_FIELD, t->at);

	if (n->kind == NODE_FIELD) {
		n->field = t->field;
		n->fold = t->fold;
	}
	return n;
}

static struct node *
list_node(struct kql *k, const struct target *t, enum node_kind kind,
	  struct view value, size_t at)
{
	struct node *n = node_new(k->p, kind, at);

	node_add(k->p, n, field_node(k, t));
	node_add(k->p, n, node_literal(k->p, at, item_string(value)));
	return n;
}

static struct node *
test_equal(struct kql *k, const struct target *t, const struct kql_word *w)
{
	struct node *n;

	if (w->wild && w->form.n == 1) {
		n = node_new(k->p, NODE_EXISTS, w->at);
		node_add(k->p, n, field_node(k, t));
		return n;
	}
	if (set_field_type(k->p->set, t->field) == RULES_TEXT)
		return words_node(k->p, field_node(k, t), w->form, w->quoted,
				  w->at);
	return list_node(k, t, w->wild ? NODE_LIKE : NODE_IN, w->form, w->at);
}

/* Keywords are ordered as text, everything else by what the literal means. */
static struct node *
range(struct kql *k, const struct target *t, enum compare_op op,
      const struct kql_word *w)
{
	struct node *n = node_new(k->p, NODE_COMPARE, w->at);
	struct item item = item_string(w->form);
	struct value number;

	if (w->wild)
		kql_fail(k, w->at, "a range needs a value without *");
	if (set_field_type(k->p->set, t->field) != RULES_KEYWORD &&
	    value_number(w->form, &number))
		item = (struct item){ .v = number };
	if (n->kind == NODE_COMPARE)
		n->op = (uint8_t)op;
	node_add(k->p, n, field_node(k, t));
	node_add(k->p, n, node_literal(k->p, w->at, item));
	return n;
}

/* ---- values: a, (a or b), (a and not b) ------------------------------ */

static struct node *
named_list(struct kql *k, const struct target *t)
{
	ssize_t end = view_search(k->p->text, VIEW("}"), k->i);
	const struct named_list *list;
	struct node *n;
	size_t at = k->i;

	if (end < 0) {
		kql_fail(k, at, "a named list is written ${name}");
		return bad(k);
	}
	list = parse_list(
		k->p, view_sub(k->p->text, at + 2, (size_t)end - at - 2), at);
	k->i = (size_t)end + 1;
	if (list == NULL)
		return bad(k);
	n = node_new(k->p, NODE_IN, at);
	node_add(k->p, n, field_node(k, t));
	for (size_t i = 0; i < list->n; i++)
		node_add(k->p, n,
			 node_literal(k->p, at, item_string(list->v[i])));
	return n;
}

static struct node *
value_primary(struct kql *k, const struct target *t)
{
	struct kql_word w;
	struct node *n;

	kql_skip_blank(k);
	if (kql_peek(k, k->i) == '$' && kql_peek(k, k->i + 1) == '{')
		return named_list(k, t);
	if (kql_take(k, '(')) {
		if (k->p->depth >= PARSE_DEPTH_MAX) {
			kql_fail(k, k->i, "the query nests too deeply");
			return bad(k);
		}
		k->p->depth++;
		n = values_or(k, t);
		k->p->depth--;
		if (!kql_take(k, ')'))
			kql_fail(k, k->i, "expected ) or another value");
		return n;
	}
	if (!kql_read_word(k, &w, false))
		return bad(k);
	return test_equal(k, t, &w);
}

static struct node *
value_not(struct kql *k, const struct target *t)
{
	bool negated = false;
	struct node *n;

	while (kql_take_keyword(k, "not"))
		negated = !negated;
	n = value_primary(k, t);
	return negated ? node_not(k->p, n) : n;
}

static struct node *
values_and(struct kql *k, const struct target *t)
{
	struct node *n = value_not(k, t), *all = NULL;

	while (!k->failed && kql_take_keyword(k, "and")) {
		if (all == NULL) {
			all = node_new(k->p, NODE_AND, n->at);
			node_add(k->p, all, n);
		}
		node_add(k->p, all, value_not(k, t));
	}
	return all == NULL ? n : all;
}

/* (a or b or c*) is one test of a list and one of patterns. */
static void
gather(struct kql *k, struct node **lists, struct node *any, struct node *n)
{
	struct node **list = n->kind == NODE_IN	    ? &lists[0]
			     : n->kind == NODE_LIKE ? &lists[1]
						    : NULL;

	if (list == NULL) {
		node_add(k->p, any, n);
	} else if (*list == NULL) {
		*list = n;
		node_add(k->p, any, n);
	} else {
		for (size_t i = 1; i < n->n; i++)
			node_add(k->p, *list, n->kids[i]);
	}
}

static struct node *
values_or(struct kql *k, const struct target *t)
{
	struct node *n = values_and(k, t), *any, *lists[2] = { NULL };

	if (k->failed || !kql_is_keyword(k, "or"))
		return n;
	any = node_new(k->p, NODE_OR, n->at);
	gather(k, lists, any, n);
	while (!k->failed && kql_take_keyword(k, "or"))
		gather(k, lists, any, values_and(k, t));
	return any->n == 1 ? any->kids[0] : any;
}

/* ---- field: value, field >= value ------------------------------------ */

static bool
take_range(struct kql *k, enum compare_op *op)
{
	if (kql_take(k, '<'))
		*op = CMP_LT;
	else if (kql_take(k, '>'))
		*op = CMP_GT;
	else
		return false;
	if (kql_peek(k, k->i) == '=') {
		k->i++;
		*op = *op == CMP_LT ? CMP_LE : CMP_GE;
	}
	return true;
}

/* What stands behind the name, for one field; the place is left behind it. */
static struct node *
relation(struct kql *k, const struct target *t)
{
	enum compare_op op;
	struct kql_word w;

	if (take_range(k, &op)) {
		if (!kql_read_word(k, &w, false))
			return bad(k);
		return range(k, t, op, &w);
	}
	if (!kql_take(k, ':')) {
		kql_fail(k, k->i, "expected : < or > behind the field");
		return bad(k);
	}
	return value_primary(k, t);
}

static struct view
full_name(struct kql *k, struct view name)
{
	if (k->prefix.n == 0)
		return name;
	return arena_printf(k->p->arena, "%.*s.%.*s", (int)k->prefix.n,
			    k->prefix.p, (int)name.n, name.p);
}

/* A name with *: any of the fields it fits. The values are read again for
 * each; text is looked for in fields that hold text. */
static struct node *
relation_of_many(struct kql *k, struct target *t, struct view form,
		 bool free_text)
{
	const struct rules_schema *schema = k->p->set->schema;
	struct pattern_list list;
	struct node *any = node_new(k->p, NODE_OR, t->at);
	size_t from = k->i;

	if (schema->open) {
		kql_fail(k, t->at,
			 "name a field: without a schema nothing says "
			 "which fields there are");
		return bad(k);
	}
	if (pattern_list_make(&list, k->p->arena, &form, 1, false) < 0) {
		kql_fail(k, t->at, "memory is out");
		return bad(k);
	}
	for (size_t i = 0; i < schema->n && !k->failed; i++) {
		if (!pattern_list_match(&list, view_of(schema->fields[i].name)))
			continue;
		if (schema->fields[i].type != RULES_KEYWORD &&
		    schema->fields[i].type != RULES_TEXT &&
		    (free_text || any->n > 0))
			continue;
		k->i = from;
		t->field = (unsigned)i;
		node_add(k->p, any,
			 free_text ? value_primary(k, t) : relation(k, t));
	}
	if (any->n == 0)
		kql_fail(k, t->at, "no field has such a name");
	return any;
}

/* field: { a: x and b: y } */
static struct node *
nested(struct kql *k, struct view name)
{
	struct view outer = k->prefix;
	struct node *n;

	if (k->p->depth >= PARSE_DEPTH_MAX) {
		kql_fail(k, k->i, "the query nests too deeply");
		return bad(k);
	}
	k->p->depth++;
	k->prefix = full_name(k, name);
	n = parse_or(k);
	k->prefix = outer;
	k->p->depth--;
	if (!kql_take(k, '}'))
		kql_fail(k, k->i, "expected } at the end of the nested query");
	return n;
}

static bool
begins_nested(struct kql *k)
{
	size_t from = k->i;

	if (kql_take(k, ':') && kql_take(k, '{'))
		return true;
	k->i = from;
	return false;
}

static struct node *
parse_relation(struct kql *k)
{
	struct target t = { 0 };
	struct kql_word w;
	size_t from;
	int field;
	char c;

	kql_skip_blank(k);
	from = k->i;
	if (!kql_read_word(k, &w, true))
		return bad(k);
	kql_skip_blank(k);
	c = kql_peek(k, k->i);
	t.at = w.at;
	if (c != ':' && c != '<' && c != '>') { /* no field */
		k->i = from;
		if (w.wild && w.form.n == 1) {
			k->i = w.end;
			return constant(k, w.at, true);
		}
		return relation_of_many(k, &t, VIEW("\xff"), true);
	}
	if (begins_nested(k))
		return nested(k, w.form);
	t.name = full_name(k, w.form);
	if (w.wild && view_starts(view_sub(k->p->text, k->i, 2), VIEW(":*")) &&
	    w.form.n == 1) { /* *:* */
		k->i += 2;
		return constant(k, w.at, true);
	}
	if (w.wild)
		return relation_of_many(k, &t, t.name, false);
	field = parse_field(k->p, t.name, w.at, &t.fold);
	/* An unknown one is reported; the rest is read for its errors. */
	t.field = field < 0 ? 0 : (unsigned)field;
	if (field < 0 && rules_field_count(k->p->set) == 0)
		k->failed = true;
	return k->failed ? bad(k) : relation(k, &t);
}

/* ---- and, or, not ---------------------------------------------------- */

static struct node *
parse_primary(struct kql *k)
{
	struct node *n;

	if (k->p->depth >= PARSE_DEPTH_MAX) {
		kql_fail(k, k->i, "the query nests too deeply");
		return bad(k);
	}
	if (!kql_take(k, '('))
		return parse_relation(k);
	k->p->depth++;
	n = parse_or(k);
	k->p->depth--;
	if (!kql_take(k, ')'))
		kql_fail(k, k->i, "expected ), and, or");
	return n;
}

static struct node *
parse_not(struct kql *k)
{
	bool negated = false;
	struct node *n;

	while (kql_take_keyword(k, "not"))
		negated = !negated;
	n = parse_primary(k);
	return negated ? node_not(k->p, n) : n;
}

static struct node *
parse_and(struct kql *k)
{
	struct node *n = parse_not(k), *all = NULL;

	while (!k->failed && kql_take_keyword(k, "and")) {
		if (all == NULL) {
			all = node_new(k->p, NODE_AND, n->at);
			node_add(k->p, all, n);
		}
		node_add(k->p, all, parse_not(k));
	}
	return all == NULL ? n : all;
}

static struct node *
parse_or(struct kql *k)
{
	struct node *n = parse_and(k), *any = NULL;

	while (!k->failed && kql_take_keyword(k, "or")) {
		if (any == NULL) {
			any = node_new(k->p, NODE_OR, n->at);
			node_add(k->p, any, n);
		}
		node_add(k->p, any, parse_and(k));
	}
	return any == NULL ? n : any;
}

/* An empty query is true of everything, as in Kibana. */
int
parse_kql(struct parse *p, struct query *q)
{
	struct kql k = { .p = p };

	memset(q, 0, sizeof(*q));
	q->kind = QUERY_EVENT;
	q->n = 1;
	q->stages[0].runs = 1;
	if (parse_begin(p) < 0)
		return -1;
	kql_skip_blank(&k);
	if (k.i == p->text.n) {
		q->stages[0].cond = constant(&k, 0, true);
		return 0;
	}
	q->stages[0].cond = parse_or(&k);
	kql_skip_blank(&k);
	if (!k.failed && k.i < p->text.n)
		kql_fail(&k, k.i, "expected and, or, or the end of the query");
	if (p->errors > 0)
		return -1;
	parse_meanings(p, q);
	return 0;
}
