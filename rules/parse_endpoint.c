/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EQL, continued: the dialect of Elastic's endpoint, as far as rules in the
 * wild use it. [ … ] as name is in parse_query.c.
 */
#include "rules/parse_eql.h"

/* ---- descendant of [ event query ] ----------------------------------- */

static const char *const lineage_words[] = { [LINEAGE_DESCENDANT] =
						     "descendant",
					     [LINEAGE_CHILD] = "child",
					     [LINEAGE_EVENT] = "event" };

static uint8_t
lineage_op(const struct eql *e)
{
	uint8_t op = 0;

	while (op < ARRAY_LEN(lineage_words) &&
	       !eql_is_word(e, lineage_words[op]))
		op++;
	return op;
}

bool
eql_is_lineage(const struct eql *e)
{
	return lineage_op(e) < ARRAY_LEN(lineage_words);
}

/* The query is about other events than this one: those before it in a
 * sequence have no names there, nor have elements of this one's lists. */
struct node *
eql_lineage(struct eql *e)
{
	struct node *n = node_new(e->p, NODE_LINEAGE, e->t.at);
	struct eql_variable *variables = e->variables;
	const struct query *q = e->q;
	uint8_t op = lineage_op(e);
	size_t from;

	eql_advance(e); /* to "of" */
	eql_advance(e);
	from = e->t.end;
	eql_expect(e, '[', "[ and an event query after of");
	if (e->failed || n->kind != NODE_LINEAGE) {
		e->failed = true;
		return eql_bad(e);
	}
	e->q = NULL;
	e->variables = NULL;
	n->op = op;
	node_add(e->p, n, eql_event(e));
	e->q = q;
	e->variables = variables;
	n->item = item_string(
		view_trim(view_sub(e->p->text, from, e->last - from)));
	eql_expect(e, ']', "] at the end of the event query");
	return n;
}

/* ---- arraySearch(list, $entry, condition) ---------------------------- */

static struct node *
unsupported(struct eql *e, const char *why)
{
	if (!e->failed && e->p->unsupported == NULL)
		e->p->unsupported = why;
	e->failed = true;
	return eql_bad(e);
}

/* $entry or $entry.member: a field of which one value at a time is looked at.
 * Records have no objects, so which member goes with which is not known. */
struct node *
eql_variable(struct eql *e)
{
	struct view member = e->t.text, name;
	struct eql_variable *v = e->variables;

	if (!view_next_split(&member, '.', &name))
		name = e->t.text;
	while (v != NULL && !view_eq(v->name, name))
		v = v->outer;
	if (v == NULL)
		return unsupported(e, "the endpoint's $variables are known as "
				      "elements of arraySearch only");
	if (v->field != NULL && !view_eq(v->member, member))
		return unsupported(e, "which members of the elements of a list "
				      "belong together is not known");
	if (v->field == NULL) {
		struct token whole = e->t;

		e->t = v->list;
		if (member.n > 0)
			e->t.text = arena_printf(
				e->p->arena, "%.*s.%.*s", (int)v->list.text.n,
				v->list.text.p, (int)member.n, member.p);
		v->member = member;
		v->field = eql_field(e, false);
		e->t = whole;
	}
	eql_advance(e);
	return v->field;
}

bool
eql_is_search(struct view name)
{
	if (view_starts(name, VIEW("_"))) /* as Elastic writes it */
		name = view_sub(name, 1, SIZE_MAX);
	return view_eq_fold(name, VIEW("arraySearch")) ||
	       view_eq_fold(name, VIEW("arrayCount"));
}

/* A test of one field says of any value what is wanted already. */
static bool
is_plain_test(const struct node *n)
{
	return (n->kind == NODE_LIKE || n->kind == NODE_IN ||
		n->kind == NODE_REGEX || n->kind == NODE_COMPARE) &&
	       n->kids[0]->kind == NODE_FIELD && compile_all_literals(n);
}

/* Some one value: the condition as an expression, which chooses a value for
 * each field and keeps to it. */
static struct node *
any_of(struct eql *e, const struct eql_variable *v, struct node *cond)
{
	struct node *n = node_new(e->p, NODE_ANY, cond->at);
	struct node *exists = node_new(e->p, NODE_EXISTS, cond->at);

	if (n->kind != NODE_ANY || exists->kind != NODE_EXISTS) {
		e->failed = true;
		return n;
	}
	node_add(e->p, exists, v->field);
	node_add(e->p, n, node_join(e->p, NODE_AND, exists, cond));
	return n;
}

struct node *
eql_search(struct eql *e)
{
	struct eql_variable v = { .outer = e->variables };
	bool counts = view_eq_fold(view_sub(e->t.text, e->t.text.n - 5, 5),
				   VIEW("count"));
	struct node *cond;

	eql_advance(e);
	eql_expect(e, '(', "( after the function's name");
	v.list = e->t;
	if (e->t.kind == TOKEN_VARIABLE || counts)
		return unsupported(e, "elements of lists are not counted, nor "
				      "are lists of lists searched");
	if (e->t.kind != TOKEN_WORD || eql_is_keyword(&e->t))
		eql_fail(e, "expected a field name");
	eql_advance(e);
	eql_expect(e, ',', ", behind the list");
	v.name = e->t.text;
	if (view_find(v.name, '.') >= 0)
		eql_fail(e, "expected a $name for the element");
	eql_expect(e, TOKEN_VARIABLE, "a $name for the element");
	eql_expect(e, ',', ", behind the $name");
	if (e->failed)
		return eql_bad(e);
	e->variables = &v;
	cond = eql_condition(e);
	e->variables = v.outer;
	eql_expect(e, ')', ") behind the condition");
	if (!e->failed && v.field == NULL)
		eql_fail(e, "this condition does not ask for $%.*s",
			 (int)v.name.n, v.name.p);
	if (e->failed || v.field->kind != NODE_FIELD || is_plain_test(cond))
		return e->failed ? eql_bad(e) : cond;
	return any_of(e, &v, cond);
}
