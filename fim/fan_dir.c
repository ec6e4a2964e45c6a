/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories: made, moved, detached, and found by handle (what an event
 * brings) or by parent and name (what a walk brings).
 */
#include "fim/fan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- the two tables -------------------------------------------------- */

static int
index_grow(struct fan_index *ix)
{
	size_t cap = ix->cap ? 2 * ix->cap : 64;
	struct fan_dir **v = calloc(cap, sizeof(*v));

	if (!v)
		return -1;
	for (size_t i = 0; i < ix->cap; i++) {
		size_t at;

		if (!ix->v[i])
			continue;
		at = ix->v[i]->hash[ix->which] & (cap - 1);
		while (v[at])
			at = (at + 1) & (cap - 1);
		v[at] = ix->v[i];
	}
	free(ix->v);
	ix->v = v;
	ix->cap = cap;
	return 0;
}

int
fan_index_put(struct fan_index *ix, struct fan_dir *d)
{
	size_t at;

	if (2 * (ix->n + 1) > ix->cap && index_grow(ix) < 0)
		return -1;
	at = d->hash[ix->which] & (ix->cap - 1);
	while (ix->v[at])
		at = (at + 1) & (ix->cap - 1);
	ix->v[at] = d;
	ix->n++;
	return 0;
}

/* Closes the hole by moving back what was pushed past it. */
void
fan_index_drop(struct fan_index *ix, struct fan_dir *d)
{
	size_t mask = ix->cap - 1, hole, at;

	if (ix->cap == 0)
		return;
	hole = d->hash[ix->which] & mask;
	while (ix->v[hole] != d) {
		if (!ix->v[hole])
			return;
		hole = (hole + 1) & mask;
	}
	for (at = (hole + 1) & mask; ix->v[at]; at = (at + 1) & mask) {
		size_t home = ix->v[at]->hash[ix->which] & mask;

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			ix->v[hole] = ix->v[at];
			hole = at;
		}
	}
	ix->v[hole] = NULL;
	ix->n--;
}

struct fan_dir *
fan_find(const struct fan_tree *t, struct view id)
{
	const struct fan_index *ix = &t->by_id;
	uint64_t hash = view_hash(id);

	if (ix->cap == 0)
		return NULL;
	for (size_t at = hash & (ix->cap - 1); ix->v[at];
	     at = (at + 1) & (ix->cap - 1)) {
		struct fan_dir *d = ix->v[at];

		if (d->hash[FAN_BY_ID] == hash && d->id_n == id.n &&
		    memcmp(d->id, id.p, id.n) == 0)
			return d;
	}
	return NULL;
}

static uint64_t
place_hash(const struct fan_dir *parent, struct view name)
{
	return hash_mix((uint64_t)(uintptr_t)parent, view_hash(name));
}

struct view
fan_dir_name(const struct fan_dir *d)
{
	return (struct view){ d->path + d->name_at, d->path_n - d->name_at };
}

struct fan_dir *
fan_child(const struct fan_tree *t, const struct fan_dir *parent,
	  struct view name)
{
	const struct fan_index *ix = &t->by_place;
	uint64_t hash = place_hash(parent, name);

	if (ix->cap == 0)
		return NULL;
	for (size_t at = hash & (ix->cap - 1); ix->v[at];
	     at = (at + 1) & (ix->cap - 1)) {
		struct fan_dir *d = ix->v[at];

		if (d->hash[FAN_BY_PLACE] == hash && d->parent == parent &&
		    view_eq(fan_dir_name(d), name))
			return d;
	}
	return NULL;
}

/* ---- the tree -------------------------------------------------------- */

struct fan_dir *
fan_next(const struct fan_dir *top, struct fan_dir *d)
{
	if (d->child)
		return d->child;
	while (d != top && !d->next)
		d = d->parent;
	return d == top ? NULL : d->next;
}

static bool
is_root(const struct fan_dir *d)
{
	for (size_t i = 0; i < d->n_claims; i++) {
		if (d->claims[i].goal->recursive &&
		    fan_claim_done(&d->claims[i]))
			return true;
	}
	return false;
}

static void
set_root(struct fan_dir *d, struct fan_dir *root)
{
	if (d->root == root)
		return;
	if (d->root && d->root != d)
		d->root->below--;
	d->root = root;
	if (root && root != d)
		root->below++;
}

/* Who is whose root, after claims or places changed. */
void
fan_dir_reroot(struct fan_tree *t, struct fan_dir *top)
{
	t->version++;
	for (struct fan_dir *d = top; d; d = fan_next(top, d))
		set_root(d, is_root(d)	? d
			    : d->parent ? d->parent->root
					: NULL);
}

/* The path of a name under a parent; malloc'ed. */
static char *
join_path(const struct fan_dir *parent, struct view name, size_t *n)
{
	size_t prefix = parent ? parent->path_n + 1 : 0;
	char *p = malloc(prefix + name.n + 1);

	if (!p)
		return NULL;
	if (parent) {
		memcpy(p, parent->path, parent->path_n);
		p[parent->path_n] = '/';
	}
	if (name.n > 0)
		memcpy(p + prefix, name.p, name.n);
	*n = prefix + name.n;
	p[*n] = '\0';
	return p;
}

static void
link_child(struct fan_dir *parent, struct fan_dir *d)
{
	d->parent = parent;
	d->prev = NULL;
	d->next = parent->child;
	if (d->next)
		d->next->prev = d;
	parent->child = d;
}

static void
unlink_child(struct fan_dir *d)
{
	if (d->prev)
		d->prev->next = d->next;
	else if (d->parent)
		d->parent->child = d->next;
	if (d->next)
		d->next->prev = d->prev;
	d->prev = d->next = NULL;
	d->parent = NULL;
}

/* `parent` NULL for the root. NULL and errno when memory is out. */
struct fan_dir *
fan_dir_new(struct fan_tree *t, struct fan_dir *parent, struct view name,
	    struct view id)
{
	struct fan_dir *d = calloc(1, sizeof(*d) + id.n);

	if (!d)
		return NULL;
	memcpy(d->id, id.p, id.n);
	d->id_n = id.n;
	d->path = join_path(parent, name, &d->path_n);
	if (!d->path) {
		free(d);
		return NULL;
	}
	d->name_at = d->path_n - name.n;
	d->hash[FAN_BY_ID] = view_hash(id);
	d->hash[FAN_BY_PLACE] = place_hash(parent, name);
	if (fan_index_put(&t->by_id, d) < 0 ||
	    fan_index_put(&t->by_place, d) < 0) {
		fan_index_drop(&t->by_id, d);
		free(d->path);
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	t->path_bytes += d->path_n;
	if (parent) {
		link_child(parent, d);
		set_root(d, parent->root);
	}
	return d;
}

/* Everything below `top` gets its path from its parent anew. */
static int
repath(struct fan_tree *t, struct fan_dir *top)
{
	for (struct fan_dir *d = fan_next(top, top); d; d = fan_next(top, d)) {
		size_t n;
		char *p = join_path(d->parent, fan_dir_name(d), &n);

		if (!p)
			return -1;
		d->name_at = n - (d->path_n - d->name_at);
		t->path_bytes += n - d->path_n;
		free(d->path);
		d->path = p;
		d->path_n = n;
	}
	return 0;
}

int
fan_dir_move(struct fan_tree *t, struct fan_dir *d, struct fan_dir *parent,
	     struct view name)
{
	size_t n;
	char *path = join_path(parent, name, &n);

	if (!path)
		return -1;
	/* In limbo the topmost one is in its list, those below it are in their
	 * places still. */
	if (d->gone && !d->parent) {
		struct fan_dir **at = &t->limbo;

		while (*at && *at != d)
			at = &(*at)->next;
		if (*at)
			*at = d->next;
		d->next = NULL;
	} else {
		fan_index_drop(&t->by_place, d);
		unlink_child(d);
	}
	t->path_bytes += n - d->path_n;
	free(d->path);
	d->path = path;
	d->path_n = n;
	d->name_at = n - name.n;
	d->hash[FAN_BY_PLACE] = place_hash(parent, fan_dir_name(d));
	link_child(parent, d);
	for (struct fan_dir *k = d; k; k = fan_next(d, k)) {
		k->gone = false;
	}
	if (fan_index_put(&t->by_place, d) < 0 || repath(t, d) < 0)
		return -1;
	fan_dir_reroot(t, d);
	return 0;
}

void
fan_dir_detach(struct fan_tree *t, struct fan_dir *d, bool exists)
{
	assert(d != t->top);
	if (d->gone)
		return;
	fan_index_drop(&t->by_place, d);
	unlink_child(d);
	for (struct fan_dir *k = d; k; k = fan_next(d, k)) {
		k->gone = true;
		k->exists = exists;
		set_root(k, NULL);
	}
	t->version++;
	d->next = t->limbo;
	t->limbo = d;
}

void
fan_dir_release(struct fan_dir *d)
{
	fan_listing_free(d);
	free(d->claims);
	free(d->path);
	free(d);
}

/* One directory without children, out of all tables. */
void
fan_dir_free(struct fan_tree *t, struct fan_dir *d)
{
	struct fan_goal *g, *next;

	assert(!d->child);
	for (g = d->n_owned > 0 ? t->goals : NULL; g; g = next) {
		next = g->next;
		if (g->owner == d)
			fan_goal_kill(t, g);
	}
	fan_claims_drop(t, d);
	fan_index_drop(&t->by_id, d);
	fan_index_drop(&t->by_place, d);
	set_root(d, NULL);
	if (d->mask)
		t->n_marked--;
	t->path_bytes -= d->path_n;
	fan_dir_release(d);
}
