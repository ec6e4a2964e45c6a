/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions of file events that say of no place to watch, so that on a host
 * they are met by luck only.
 */
#include "rules/lint.h"

static bool
is_file_field(const struct lint *l, const struct node *n)
{
	return n->kind == NODE_FIELD && !(n->field & FIELD_EARLIER) &&
	       view_starts(view_of(rules_field_name(l->set, n->field)),
			   VIEW("file."));
}

/* Only file events have fields of files. */
static bool
is_file_test(const struct lint *l, const struct node *n)
{
	if (n->n == 0 || n->kids[0]->kind != NODE_FIELD)
		return false;
	if (is_file_field(l, n->kids[0]))
		return true;
	if ((int)n->kids[0]->field !=
		    rules_field_find(l->set, VIEW("event.category")) ||
	    !lint_is_test(n))
		return false;
	for (size_t i = 1; i < n->n; i++)
		if (!lint_is_text(n->kids[i]) ||
		    !view_eq(n->kids[i]->item.v.s, VIEW("file")))
			return false;
	return true;
}

/* Is no other event possible? */
static bool
needs_file(const struct lint *l, const struct node *n, bool negated)
{
	bool all = n->kind == (negated ? NODE_AND : NODE_OR);

	if (n->kind == NODE_NOT)
		return needs_file(l, n->kids[0], !negated);
	if (n->kind != NODE_AND && n->kind != NODE_OR)
		return !negated && is_file_test(l, n);
	for (size_t i = 0; i < n->n; i++)
		if (needs_file(l, n->kids[i], negated) != all)
			return !all;
	return all;
}

struct places {
	struct lint *l;
	int path, directory; /* ids of fields */
	bool any;
};

static int
on_use(void *ctx, unsigned field, struct view pattern)
{
	struct places *p = ctx;

	if ((int)field == p->path || (int)field == p->directory)
		p->any |= p->l->to->is_place(pattern);
	return 0;
}

static bool
reads(const struct node *n, int field)
{
	if (n->kind == NODE_FIELD && (int)n->field == field)
		return true;
	for (size_t i = 0; i < n->n; i++)
		if (reads(n->kids[i], field))
			return true;
	return false;
}

static bool
has_places(struct lint *l, const struct node *cond)
{
	const char *own = l->to->own_places;
	struct places p = {
		.l = l,
		.path = rules_field_find(l->set, VIEW("file.path")),
		.directory = rules_field_find(l->set, VIEW("file.directory")),
	};

	l->no_memory |= uses_walk(&l->tree, cond,
				  &(struct uses_each){ on_use, &p }) < 0;
	return p.any || (own != NULL &&
			 reads(cond, rules_field_find(l->set, view_of(own))));
}

/* Where files are first asked for, NULL = nowhere. */
static const struct node *
first_file_field(const struct lint *l, const struct node *n)
{
	const struct node *found = is_file_field(l, n) ? n : NULL;

	for (size_t i = 0; i < n->n && found == NULL; i++)
		found = first_file_field(l, n->kids[i]);
	return found;
}

static void
lint_place(struct lint *l, const struct node *cond, uint32_t at)
{
	const struct node *field = first_file_field(l, cond);

	if (!needs_file(l, cond, false) || has_places(l, cond))
		return;
	lint_find(
		l, "unwatched", field != NULL ? field->at : at,
		"no place to watch can be derived from this: on this host it is "
		"only met where other rules or the configuration watch; test "
		"file.path for where");
}

/* What stands in brackets is about events of its own. */
static void
lint_lineage_places(struct lint *l, const struct node *n)
{
	if (n->kind == NODE_LINEAGE)
		lint_place(l, n->kids[0], n->at);
	for (size_t i = 0; i < n->n; i++)
		lint_lineage_places(l, n->kids[i]);
}

/* A stage about the same file as another is met where that one is. */
static bool
has_file_key(const struct lint *l, const struct query_stage *s)
{
	for (size_t i = 0; i < s->n_keys; i++)
		if (view_starts(
			    view_of(rules_field_name(l->set, s->keys[i].field)),
			    VIEW("file.")))
			return true;
	return false;
}

void
lint_places(struct lint *l, const struct query *q)
{
	bool placed = false;

	for (size_t i = 0; i < q->n; i++)
		placed |= has_places(l, q->stages[i].cond);
	for (size_t i = 0; i < q->n; i++) {
		const struct query_stage *s = &q->stages[i];

		lint_lineage_places(l, s->cond);
		if (!placed || !has_file_key(l, s))
			lint_place(l, s->cond, s->at);
	}
	if (q->until.cond != NULL && (!placed || !has_file_key(l, &q->until)))
		lint_place(l, q->until.cond, q->until.at);
}
