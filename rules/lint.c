/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice about rules that compile and yet cannot be meant so. The queries are
 * parsed again, in the set's final state; nothing of the set changes.
 */
#include "rules/lint.h"

/* A longer test is seen better where it stands. */
#define SHOWN_MAX 80

/* A test under `not` that holds for all that stands beside it. */
struct except {
	const struct node *leaf;
	struct view text; /* of one that is no test of literals; else empty */
	struct pattern_list forms;
	const struct except *next;
};

/* ---- reporting ------------------------------------------------------- */

void
lint_deliver(struct lint *l, const char *kind)
{
	if (l->err.n == 0) {
		l->no_memory = true;
		return;
	}
	l->to->each(l->to->ctx,
		    &(struct rules_finding){ .kind = kind,
					     .rule = l->rule,
					     .diag = &l->err.v[0] });
	err_free(&l->err);
	l->p.errors = 0;
}

void
lint_begin(struct lint *l, struct view text, struct place place)
{
	arena_reset(&l->tree);
	l->p = (struct parse){ .set = (struct rules *)(uintptr_t)l->set,
			       .arena = &l->tree,
			       .text = text,
			       .place = place,
			       .err = &l->err };
}

/* ---- wildcards ------------------------------------------------------- */

bool
lint_is_text(const struct node *n)
{
	return n->kind == NODE_LITERAL && !n->item.null &&
	       n->item.v.type == VALUE_STRING;
}

/* In KQL an escaped * is meant as it is; a quoted one hardly, nor one of a
 * named list. */
static bool
means_wildcard(const struct lint *l, const struct node *literal, bool kuery)
{
	struct view s = literal->item.v.s;

	if (kuery && (literal->at >= l->p.text.n ||
		      strchr("\"$", l->p.text.p[literal->at]) == NULL))
		return false;
	/* -? and a single ? are options and arguments of their own right */
	return view_find(s, '*') >= 0 ||
	       (!kuery && s.n > 2 && view_find(s, '?') >= 0);
}

static void
lint_wildcards(struct lint *l, const struct node *n, bool kuery)
{
	bool exact = n->kind == NODE_IN ||
		     (n->kind == NODE_COMPARE && n->op == CMP_EQ);

	for (size_t i = 1; exact && i < n->n; i++)
		if (lint_is_text(n->kids[i]) &&
		    means_wildcard(l, n->kids[i], kuery))
			lint_find(
				l, "dead-wildcard", n->kids[i]->at,
				kuery ? "* in quotes is a plain character; take "
					"the quotes off to mean any text"
				: n->kind == NODE_IN
					? "* and ? are plain characters after in; "
					  "write : or like (…) to mean any text"
					: "* and ? are plain characters after ==; "
					  "write : or like to mean any text");
	/* Those that have a form with ~ are about parts of strings. A ? in them
	 * is hardly meant for any character. */
	for (size_t i = 1;
	     n->kind == NODE_CALL && functions[n->function].fold && i < n->n;
	     i++)
		if (lint_is_text(n->kids[i]) &&
		    view_find(n->kids[i]->item.v.s, '*') >= 0)
			lint_find(
				l, "dead-wildcard", n->kids[i]->at,
				"* is a plain character in %s; leave it out, or "
				"write : or like",
				functions[n->function].name);
	for (size_t i = 0; i < n->n; i++)
		lint_wildcards(l, n->kids[i], kuery);
}

/* ---- regular expressions --------------------------------------------- */

static void
lint_regex(struct lint *l, const struct node *n)
{
	for (size_t i = 1; n->kind == NODE_REGEX && i < n->n; i++) {
		const char *kind = lint_is_text(n->kids[i])
					   ? regex_lint(n->kids[i]->item.v.s)
					   : NULL;

		if (kind == NULL)
			continue;
		lint_find(
			l, kind, n->kids[i]->at,
			strcmp(kind, "regex-cost") == 0
				? "what is repeated here can be taken in "
				  "several ways: values that make use of it are "
				  "slow to match, and of long ones this may be "
				  "given up as no match; repeat one thing only"
				: "^ and $ are plain characters here, and the "
				  "whole value is always compared; leave them "
				  "out, or write \\^ and \\$");
	}
	for (size_t i = 0; i < n->n; i++)
		lint_regex(l, n->kids[i]);
}

/* ---- required and excepted ------------------------------------------- */

/* What can be compared by its text. */
static bool
is_plain(const struct node *n)
{
	return n->kind == NODE_LITERAL && !n->item.null &&
	       n->item.v.type != VALUE_REAL;
}

static struct view
form_of(struct lint *l, const struct node *n)
{
	char room[VALUE_TEXT_MAX];

	if (lint_is_text(n))
		return n->item.v.s;
	return arena_copy(&l->tree, value_text(&n->item.v, room));
}

bool
lint_is_test(const struct node *n)
{
	if (n->kind != NODE_IN && n->kind != NODE_LIKE &&
	    (n->kind != NODE_COMPARE || n->op != CMP_EQ))
		return false;
	if (n->kids[0]->kind != NODE_FIELD)
		return false;
	for (size_t i = 1; i < n->n; i++)
		if (!is_plain(n->kids[i]))
			return false;
	return true;
}

static bool
folds(const struct node *n)
{
	return n->fold || n->kids[0]->fold;
}

/* What is the same condition has the same. */
static struct view
canonical(struct lint *l, const struct node *n)
{
	struct buf b = { 0 };
	struct view text;

	node_print(&l->p, n, &b);
	text = arena_copy(&l->tree, buf_view(&b));
	l->no_memory |= b.failed || text.p == NULL;
	buf_free(&b);
	return text;
}

static const struct except *
add_other(struct lint *l, const struct node *leaf, const struct except *next)
{
	struct except *x = arena_zalloc(&l->tree, sizeof(*x));

	if (x == NULL) {
		l->no_memory = true;
		return next;
	}
	*x = (struct except){ .leaf = leaf,
			      .text = canonical(l, leaf),
			      .next = next };
	return x;
}

static const struct except *
add_except(struct lint *l, const struct node *leaf, const struct except *next)
{
	struct except *x = arena_zalloc(&l->tree, sizeof(*x));
	struct view *forms = arena_array(&l->tree, leaf->n, sizeof(*forms));

	if (x == NULL || forms == NULL) {
		l->no_memory = true;
		return next;
	}
	for (size_t i = 1; i < leaf->n; i++)
		forms[i - 1] = form_of(l, leaf->kids[i]);
	x->leaf = leaf;
	x->next = next;
	if (pattern_list_make(&x->forms, &l->tree, forms, leaf->n - 1,
			      folds(leaf)) < 0) {
		l->no_memory = true;
		return next;
	}
	return x;
}

/* not (a or b) excepts both; not (a and b) neither alone. */
static const struct except *
gather(struct lint *l, const struct node *n, bool negated,
       const struct except *known)
{
	if (n->kind == NODE_NOT)
		return gather(l, n->kids[0], !negated, known);
	if (n->kind == (negated ? NODE_OR : NODE_AND)) {
		for (size_t i = 0; i < n->n; i++)
			known = gather(l, n->kids[i], negated, known);
		return known;
	}
	if (!negated || n->kind == NODE_AND || n->kind == NODE_OR ||
	    n->kind == NODE_LITERAL)
		return known;
	return lint_is_test(n) ? add_except(l, n, known)
			       : add_other(l, n, known);
}

/* Is every value that fits `form` excepted by x? A ? of x must not stand for
 * the one byte by which a form writes any text. */
static bool
covers(struct lint *l, const struct except *x, const struct node *required,
       struct view form)
{
	char *folded;

	if (x->text.n > 0 ||
	    x->leaf->kids[0]->field != required->kids[0]->field ||
	    (folds(required) && !folds(x->leaf)))
		return false;
	for (size_t i = 1; i < x->leaf->n && view_find(form, PATTERN_ANY) >= 0;
	     i++)
		if (lint_is_text(x->leaf->kids[i]) &&
		    view_find(x->leaf->kids[i]->item.v.s, PATTERN_ONE) >= 0)
			return false;
	if (!x->forms.fold)
		return pattern_list_match(&x->forms, form);
	folded = arena_alloc(&l->tree, form.n + 1);
	if (folded == NULL) {
		l->no_memory = true;
		return false;
	}
	fold_ascii(folded, form);
	return pattern_list_match(&x->forms, (struct view){ folded, form.n });
}

static void
find_contradiction(struct lint *l, uint32_t at, const char *quote,
		   struct view what, const struct except *x)
{
	unsigned line = parse_place(&l->p, x->leaf->at).line;
	struct buf text = { 0 };

	buf_printf(&text, "%s", quote);
	buf_text(&text, what);
	buf_printf(&text, "%s", quote);
	lint_find(l, "contradiction", at,
		  "%.*s is wanted here and excepted on line %u: this never "
		  "matches; take one of them out",
		  (int)text.n, text.p == NULL ? "" : text.p, line);
	buf_free(&text);
}

static void
lint_required(struct lint *l, const struct node *n,
	      const struct except *excepted)
{
	for (size_t i = 1; i < n->n; i++) {
		const struct except *x = excepted;
		struct view form = form_of(l, n->kids[i]);

		while (x != NULL && !covers(l, x, n, form))
			x = x->next;
		if (x != NULL)
			find_contradiction(l, n->kids[i]->at, "\"",
					   pattern_text(&l->tree, form), x);
	}
}

/* Of regular expressions, functions and the like: the same one. */
static void
lint_same(struct lint *l, const struct node *n, const struct except *excepted)
{
	struct view text = canonical(l, n);
	const struct except *x = excepted;

	while (x != NULL && !(x->text.n > 0 && view_eq(x->text, text)))
		x = x->next;
	if (x != NULL)
		find_contradiction(l, n->at, "",
				   text.n > SHOWN_MAX ? VIEW("this") : text, x);
}

static void
lint_conjunctions(struct lint *l, const struct node *n,
		  const struct except *excepted)
{
	switch (n->kind) {
	case NODE_AND:
		excepted = gather(l, n, false, excepted);
		break;
	case NODE_OR:
		break;
	case NODE_NOT: /* what is excepted is a condition of its own */
		excepted = NULL;
		break;
	default:
		if (excepted == NULL || n->kind == NODE_LITERAL)
			return;
		if (lint_is_test(n))
			lint_required(l, n, excepted);
		else
			lint_same(l, n, excepted);
		return;
	}
	for (size_t i = 0; i < n->n; i++)
		lint_conjunctions(l, n->kids[i], excepted);
}

/* ---- names ----------------------------------------------------------- */

static void
lint_name(struct lint *l, struct view name, size_t at, const char *where)
{
	struct err known = { 0 };
	bool fold;

	if (rules_field_find(l->set, name) >= 0)
		return;
	l->p.err = &known;
	if (parse_field(&l->p, name, at, &fold) < 0 && known.n > 0) {
		l->p.err = &l->err;
		l->p.errors = 0;
		lint_find(l, "unknown-field", at, "%s: %.*s", where,
			  (int)known.v[0].message.n, known.v[0].message.p);
	}
	l->p.err = &l->err;
	l->p.errors = 0;
	err_free(&known);
}

static void
lint_unmapped(struct lint *l, unsigned field, size_t at)
{
	const char *name = set_field_unmapped_name(l->set, field);

	if (name != NULL)
		lint_name(l, view_of(name), at, "never there");
}

static void
lint_fields(struct lint *l, const struct node *n)
{
	if (n->kind == NODE_FIELD)
		lint_unmapped(l, n->field, n->at);
	for (size_t i = 0; i < n->n; i++)
		lint_fields(l, n->kids[i]);
}

/* Those of the whole query are of its first stage, too. */
static void
lint_keys(struct lint *l, const struct query *q, const struct query_stage *s)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (s == &q->stages[0] || s->keys[i].at > s->at)
			lint_unmapped(l, s->keys[i].field, s->keys[i].at);
}

/* ---- what stands beside the query ------------------------------------ */

static void
lint_placeholders(struct lint *l, struct view sql)
{
	ssize_t from = view_search(sql, VIEW("{{"), 0), to;
	struct view name;

	while (from >= 0) {
		to = view_search(sql, VIEW("}}"), (size_t)from);
		if (to < 0)
			return;
		name = view_trim(view_sub(sql, (size_t)from + 2,
					  (size_t)(to - from - 2)));
		lint_name(l, name, (size_t)(name.p - sql.p), "investigate");
		from = view_search(sql, VIEW("{{"), (size_t)to);
	}
}

static void
lint_beside(struct lint *l, const struct rule_source *s)
{
	const struct rule *r = &s->rule;
	struct place place = { .file = r->file.p, .line = r->line };

	for (size_t i = 0; i < r->n_investigate; i++) {
		const struct place *known = s->places.investigate;
		struct view sql = r->investigate[i].query;

		lint_begin(l, sql, known != NULL ? known[i] : place);
		lint_placeholders(l, sql);
	}
	lint_begin(l, VIEW(""), place);
	if (r->kind == RULE_NEW_TERMS && s->history_window_ns == 0)
		lint_find(
			l, "no-history", 0,
			"without history_window_start what is new is forgotten "
			"after 5 days; say how long to remember");
}

/* ---- all ------------------------------------------------------------- */

static bool
check(struct lint *l, struct node **cond)
{
	if (check_condition(&l->p, cond) == 0)
		return true;
	l->no_memory = true;
	return false;
}

struct query *
lint_parse(struct lint *l, const struct rule_source *s)
{
	struct query *q;

	lint_begin(l, s->rule.query, s->query_place);
	q = arena_zalloc(&l->tree, sizeof(*q));
	if (q == NULL) {
		l->no_memory = true;
		return NULL;
	}
	if ((s->rule.kuery ? parse_kql(&l->p, q) : parse_eql(&l->p, q)) < 0) {
		/* it has been read before, unless it cannot be */
		l->no_memory = l->p.unsupported == NULL;
		return NULL;
	}
	for (size_t i = 0; i < q->n; i++)
		if (!check(l, &q->stages[i].cond))
			return NULL;
	if (q->until.cond != NULL && !check(l, &q->until.cond))
		return NULL;
	return q;
}

static void
lint_condition(struct lint *l, const struct node *cond, bool kuery)
{
	lint_fields(l, cond);
	lint_wildcards(l, cond, kuery);
	lint_regex(l, cond);
	lint_conjunctions(l, cond, NULL);
}

static void
lint_query(struct lint *l, const struct rule_source *s, bool runs)
{
	const struct query *q = lint_parse(l, s);

	if (q == NULL)
		return;
	lint_maxspan(l, q);
	for (size_t i = 0; i < q->n; i++) {
		lint_keys(l, q, &q->stages[i]);
		lint_condition(l, q->stages[i].cond, s->rule.kuery);
	}
	if (q->until.cond != NULL) {
		lint_keys(l, q, &q->until);
		lint_condition(l, q->until.cond, false);
	}
	/* What does not run watches nothing. */
	if (runs && l->to->is_place != NULL && !l->no_memory)
		lint_places(l, q);
}

int
lint_finish(struct lint *l)
{
	arena_free(&l->tree);
	err_free(&l->err);
	return l->no_memory ? -1 : 0;
}

int
rules_lint(const struct rules *set, size_t i, const struct rules_linter *to)
{
	const struct rule_source *s = &set->sources[i];
	struct lint l = { .set = set, .to = to, .rule = s->rule.id };

	/* As the file had it: a query that did not compile is reported by
	 * rules_seal, but one that only lacks a field here is read. */
	if (set->rules[i].status == RULE_ERROR || s->rule.status != RULE_OK)
		return 0;
	lint_query(&l, s, set->rules[i].status == RULE_OK);
	lint_beside(&l, s);
	return lint_finish(&l);
}

static void
lint_exception(struct lint *l, const struct rule_exception *x)
{
	struct buf day = { 0 };
	struct node *when;

	l->rule = x->list.n > 0 ? x->list : x->rule;
	lint_begin(l, x->when, x->when_place);
	if (x->expires_ns != 0 && x->expires_ns <= l->to->now_ns) {
		buf_rfc3339(&day, x->expires_ns - 1); /* its last day */
		lint_find(l, "expired-exception", 0,
			  "this exception ended on %.10s and excepts nothing; "
			  "renew it or take it out",
			  day.failed ? "?" : day.p);
		buf_free(&day);
	}
	if (parse_eql_condition(&l->p, &when) == 0 && check(l, &when))
		lint_condition(l, when, false);
}

int
rules_lint_shared(const struct rules *set, const struct rules_linter *to)
{
	struct lint l = { .set = set, .to = to };

	for (size_t i = 0; i < set->n_lists; i++) {
		const struct named_list *list = &set->lists[i];

		if (list->used || !list->defined)
			continue;
		lint_begin(&l, VIEW(""), list->place);
		lint_find(&l, "unused-list", 0,
			  "no rule uses the list %.*s; take it out, or write "
			  "${%.*s} where it is meant",
			  (int)list->name.n, list->name.p, (int)list->name.n,
			  list->name.p);
	}
	for (size_t i = 0; i < set->n_exceptions; i++)
		if (set->exceptions[i].rule.n + set->exceptions[i].list.n >
		    0) /* not broken */
			lint_exception(&l, &set->exceptions[i]);
	return lint_finish(&l);
}
