/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EQL by recursive descent, one token of lookahead; the shape is that of
 * EqlBase.g4 in Elasticsearch. A syntax error ends the parse, an unknown name
 * is reported and the parse goes on. Here: conditions.
 */
#include "rules/parse_eql.h"

void
eql_advance(struct eql *e)
{
	e->last = e->t.end;
	lex_token(e->p, e->t.end, &e->t);
	if (e->t.kind == TOKEN_BAD)
		e->failed = true;
}

bool
eql_is_word(const struct eql *e, const char *word)
{
	return e->t.kind == TOKEN_WORD && !e->t.quoted && !e->t.tilde &&
	       view_eq(e->t.text, view_of(word));
}

bool
eql_take_word(struct eql *e, const char *word)
{
	if (e->failed || !eql_is_word(e, word))
		return false;
	eql_advance(e);
	return true;
}

bool
eql_take(struct eql *e, int kind)
{
	if (e->failed || e->t.kind != kind)
		return false;
	eql_advance(e);
	return true;
}

void
eql_expect(struct eql *e, int kind, const char *what)
{
	if (!eql_take(e, kind))
		eql_fail(e, "expected %s", what);
}

bool
eql_is_keyword(const struct token *t)
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

/* ---- values ---------------------------------------------------------- */

struct node *
eql_bad(struct eql *e)
{
	return node_new(e->p, NODE_BAD, e->t.at);
}

static int
named_field(struct eql *e, struct view name, size_t at, bool optional,
	    bool *fold)
{
	return optional ? parse_optional_field(e->p, name, at, fold)
			: parse_field(e->p, name, at, fold);
}

/* alias.field, of an event that stands before; false if it is no such. */
static bool
earlier_field(struct eql *e, bool optional, int *field, bool *fold)
{
	struct view rest = e->t.text, alias;
	size_t n = e->q != NULL ? e->q->n : 0;

	if (e->t.quoted || !view_next_split(&rest, '.', &alias))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!view_eq(e->q->stages[i].alias, alias) || alias.n == 0)
			continue;
		*field = named_field(e, rest, e->t.at + alias.n + 1, optional,
				     fold);
		if (*field >= 0)
			*field = set_field_earlier(e->p->set, (unsigned)i,
						   (unsigned)*field);
		return true;
	}
	return false;
}

/* A field, or its sub-field: those fold in every test (see parse_field). */
struct node *
eql_field(struct eql *e, bool optional)
{
	struct node *n = node_new(e->p, NODE_FIELD, e->t.at);
	bool fold = false;
	int field;

	if (n->kind != NODE_FIELD) {
		e->failed = true;
		return n;
	}
	if (e->t.kind != TOKEN_WORD || e->t.tilde || eql_is_keyword(&e->t)) {
		eql_fail(e, "expected a field name");
		return eql_bad(e);
	}
	if (!earlier_field(e, optional, &field, &fold))
		field = named_field(e, e->t.text, e->t.at, optional, &fold);
	n->op = optional;
	n->fold = fold;
	if (field < 0)
		n->kind = NODE_BAD;
	else
		n->field = (unsigned)field;
	eql_advance(e);
	return n;
}

static struct node *
parse_call(struct eql *e)
{
	struct token name = e->t;
	struct node *n = node_new(e->p, NODE_CALL, name.at);
	int fn = function_find(name.text);

	if (fn < 0 && eql_is_search(name.text))
		return eql_search(e);
	if (fn < 0)
		parse_error(e->p, name.at, "unknown function %.*s",
			    (int)name.text.n, name.text.p);
	else if (name.tilde && !functions[fn].fold)
		parse_error(e->p, name.at, "%s has no form with ~",
			    functions[fn].name);
	eql_advance(e);
	eql_expect(e, '(', "( after the function's name");
	while (!e->failed && e->t.kind != ')') {
		node_add(e->p, n, eql_condition(e));
		if (!eql_take(e, ','))
			break;
	}
	eql_expect(e, ')', ") or , in the function's arguments");
	if (n->kind != NODE_CALL || fn < 0 || e->failed)
		return eql_bad(e);
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

	if (eql_take_word(e, "true"))
		return node_literal(e->p, at, item_bool(true));
	if (eql_take_word(e, "false"))
		return node_literal(e->p, at, item_bool(false));
	if (eql_take_word(e, "null"))
		return node_literal(e->p, at, item_null());
	lex_token(e->p, e->t.end, &next);
	if (next.kind == TOKEN_WORD && view_eq(next.text, VIEW("of")) &&
	    eql_is_lineage(e))
		return eql_lineage(e);
	if (next.kind == '(' && !eql_is_keyword(&e->t))
		return parse_call(e);
	return eql_field(e, false);
}

static struct node *
parse_primary(struct eql *e)
{
	struct node *n;
	size_t at = e->t.at;

	switch (e->t.kind) {
	case TOKEN_STRING:
		n = node_literal(e->p, at, item_string(e->t.text));
		eql_advance(e);
		return n;
	case TOKEN_NUMBER:
		n = node_literal(e->p, at, (struct item){ .v = e->t.number });
		eql_advance(e);
		return n;
	case TOKEN_WORD:
		return parse_word(e);
	case TOKEN_VARIABLE:
		return eql_variable(e);
	case TOKEN_LIST:
		eql_fail(e, "a named list can stand in ( … ) after in, :, like "
			    "or regex only");
		return eql_bad(e);
	case '?':
		eql_advance(e);
		return eql_field(e, true);
	case '(':
		eql_advance(e);
		n = eql_condition(e);
		eql_expect(e, ')', ")");
		return n;
	case '=':
		eql_fail(e, "write == to compare");
		return eql_bad(e);
	default:
		eql_fail(e,
			 e->t.kind == TOKEN_END
				 ? "the query ends where a value is expected"
				 : "expected a value, a field or a function");
		return eql_bad(e);
	}
}

/* ---- lists: in ( … ), : ( … ), like ( … ) ---------------------------- */

/* A value for a list of patterns or expressions. */
static void
add_value(struct eql *e, struct node *parent, struct node *value)
{
	if (parent->kind == NODE_LIKE && value->kind == NODE_LITERAL &&
	    !value->item.null && value->item.v.type == VALUE_STRING)
		value->item.v.s = pattern_form(e->p->arena, value->item.v.s);
	else if (parent->kind == NODE_LIKE && parent->fold &&
		 value->kind == NODE_FIELD && parent->n == 1 &&
		 ((value->field | parent->kids[0]->field) & FIELD_EARLIER))
		parent->kind = NODE_IN; /* the value as it is, in any case */
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
	eql_advance(e);
}

static void
parse_values(struct eql *e, struct node *parent)
{
	if (!eql_take(e, '(')) {
		if (parent->kind == NODE_IN)
			eql_fail(e, "expected ( after in");
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
			add_value(e, parent, eql_condition(e));
		else
			add_value(e, parent, parse_primary(e));
	} while (eql_take(e, ','));
	eql_expect(e, ')', ") or , in the list");
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
	negated = eql_take_word(e, "not");
	if (!is_predicate(e, &kind, &fold)) {
		if (negated)
			eql_fail(e, "expected in, like or regex after not");
		return left;
	}
	n = node_new(e->p, kind, at);
	if (n->kind != kind) {
		e->failed = true;
		return n;
	}
	n->fold = fold || left->fold;
	node_add(e->p, n, left);
	eql_advance(e);
	parse_values(e, n);
	return negated ? node_not(e->p, n) : n;
}

/* ---- arithmetic and comparison --------------------------------------- */

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

	while (eql_take(e, '+'))
		at = e->t.at;
	if (!eql_take(e, '-'))
		return parse_predicate(e);
	if (e->p->depth >= PARSE_DEPTH_MAX) {
		eql_fail(e, "the query nests too deeply");
		return eql_bad(e);
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
		if (eql_take(e, '*'))
			n = two(e, NODE_ARITH, ARITH_MUL, n, parse_unary(e));
		else if (eql_take(e, '/'))
			n = two(e, NODE_ARITH, ARITH_DIV, n, parse_unary(e));
		else if (eql_take(e, '%'))
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
		if (eql_take(e, '+'))
			n = two(e, NODE_ARITH, ARITH_ADD, n, parse_product(e));
		else if (eql_take(e, '-'))
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
		eql_fail(e, "write == to compare");
	if (op < 0)
		return left;
	eql_advance(e);
	n = two(e, NODE_COMPARE, (uint8_t)op, left, parse_sum(e));
	if (!e->failed && comparison(e->t.kind) >= 0)
		eql_fail(e,
			 "comparisons cannot be chained; join them with and");
	return negated ? node_not(e->p, n) : n;
}

static struct node *
parse_not(struct eql *e)
{
	size_t from = e->t.at;
	struct node *n;

	if (e->p->depth >= PARSE_DEPTH_MAX) {
		eql_fail(e, "the query nests too deeply");
		return eql_bad(e);
	}
	e->p->depth++;
	if (eql_take_word(e, "not"))
		n = node_not(e->p, parse_not(e));
	else
		n = parse_comparison(e);
	e->p->depth--;
	if (n->kind != NODE_BAD) {
		n->from = (uint32_t)from;
		n->end = (uint32_t)e->last;
	}
	return n;
}

/* A parenthesised a or b keeps its node, so flattening is local. */
static struct node *
parse_and(struct eql *e)
{
	struct node *first = parse_not(e), *n = NULL;

	while (!e->failed && eql_take_word(e, "and")) {
		if (n == NULL) {
			n = node_new(e->p, NODE_AND, first->at);
			node_add(e->p, n, first);
		}
		node_add(e->p, n, parse_not(e));
	}
	return n == NULL ? first : n;
}

struct node *
eql_condition(struct eql *e)
{
	struct node *first = parse_and(e), *n = NULL;

	while (!e->failed && eql_take_word(e, "or")) {
		if (n == NULL) {
			n = node_new(e->p, NODE_OR, first->at);
			node_add(e->p, n, first);
		}
		node_add(e->p, n, parse_and(e));
	}
	return n == NULL ? first : n;
}
