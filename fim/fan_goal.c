/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Goals and claims: why a directory is watched, and under which names. */
#include "fim/fan_tree.h"

#include <errno.h>
#include <stdlib.h>

bool
fan_claim_done(const struct fan_claim *c)
{
	return c->depth == c->goal->n_dirs;
}

static bool
is_canonical(const struct fan_goal *g)
{
	return g->alias.n == 0;
}

/* ---- making goals ---------------------------------------------------- */

static size_t
count_parts(struct view path)
{
	struct view rest = path, part;
	size_t n = 0;

	while (view_next_split(&rest, '/', &part))
		n += part.n > 0;
	return n;
}

static size_t
split_parts(struct view path, struct view *out)
{
	struct view rest = path, part;
	size_t n = 0;

	while (view_next_split(&rest, '/', &part)) {
		if (part.n > 0)
			out[n++] = part;
	}
	return n;
}

static struct fan_goal *
goal_new(struct fan_tree *t, size_t n_parts)
{
	struct fan_goal *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->parts = arena_array(&g->arena, n_parts ? n_parts : 1,
			       sizeof(*g->parts));
	if (!g->parts) {
		free(g);
		errno = ENOMEM;
		return NULL;
	}
	g->n_parts = n_parts;
	g->next = t->goals;
	t->goals = g;
	return g;
}

int
fan_goal_of_watch(struct fan_tree *t, const struct watch *w)
{
	size_t n_parts = count_parts(w->path);
	struct fan_goal *g;
	struct view copy;

	if (n_parts == 0 && !w->recursive) {
		errno = EINVAL; /* the root is no file in anything */
		return -1;
	}
	g = goal_new(t, n_parts);
	if (!g)
		return -1;
	copy = arena_copy(&g->arena, w->path);
	g->recursive = w->recursive;
	if (!copy.p) {
		fan_goal_kill(t, g);
		errno = ENOMEM;
		return -1;
	}
	split_parts(copy, g->parts);
	g->n_dirs = w->recursive ? g->n_parts : g->n_parts - 1;
	return fan_claim_add(t, t->top, g, 0);
}

/* The name of a real path under a goal that has left its links behind. */
static void
put_goal_name(const struct fan_goal *g, struct view real, struct buf *out)
{
	buf_put(out, g->alias);
	buf_put(out, view_sub(real, g->strip_bytes, SIZE_MAX));
}

/* Bytes of "/a/b" for the first n parts. */
static size_t
parts_bytes(const struct view *parts, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += 1 + parts[i].n;
	return sum;
}

static bool
same_link(const struct fan_goal *g, const struct fan_goal *from,
	  const struct fan_dir *dir, struct view name, struct view target)
{
	return g->owner == dir && view_eq(g->owner_name, name) &&
	       view_eq(g->target, target) && g->recursive == from->recursive &&
	       g->links == from->links + 1;
}

/* What lies before and behind the link becomes the new goal's path. */
static int
fill_link_goal(struct fan_goal *g, const struct fan_claim *c,
	       const struct fan_dir *dir, struct view name, struct view real)
{
	const struct fan_goal *from = c->goal;
	bool below = c->depth >= from->n_dirs;
	size_t behind = below ? from->n_dirs : c->depth + 1;
	size_t n_base = count_parts(real);
	struct buf alias = { 0 };
	struct view copy = arena_copy(&g->arena, real);

	if (real.n > 0 && !copy.p)
		return -1;
	split_parts(copy, g->parts);
	for (size_t i = behind; i < from->n_parts; i++) {
		g->parts[n_base + i - behind] =
			arena_copy(&g->arena, from->parts[i]);
		if (!g->parts[n_base + i - behind].p)
			return -1;
	}
	g->recursive = from->recursive;
	g->n_dirs = n_base + from->n_dirs - behind;
	g->links = from->links + 1;
	if (!below && c->depth < from->n_linked) {
		/* Still inside the target of an earlier link. */
		g->n_linked = n_base + from->n_linked - behind;
		buf_put(&alias, from->alias);
	} else {
		g->n_linked = n_base;
		fan_real_name(dir, name, &alias);
		if (!is_canonical(from)) {
			struct buf named = { 0 };

			put_goal_name(from, buf_view(&alias), &named);
			buf_free(&alias);
			alias = named;
		}
	}
	g->alias = arena_copy(&g->arena, buf_view(&alias));
	g->strip_bytes = parts_bytes(g->parts, g->n_linked);
	buf_free(&alias);
	return g->alias.p ? 0 : -1;
}

/* `c` is the claim that led to the link, or, for a directory that is met a
 * second time below a recursive root, the root's own. `target` is the link's
 * text and tells whether it changed; `real` the absolute path it means. 1 when
 * it is known already. */
int
fan_goal_of_link(struct fan_tree *t, const struct fan_claim *c,
		 struct fan_dir *dir, struct view name, struct view target,
		 struct view real)
{
	const struct fan_goal *from = c->goal;
	size_t behind = c->depth >= from->n_dirs ? from->n_dirs : c->depth + 1;
	struct fan_goal *g;

	for (g = t->goals; g; g = g->next) {
		if (same_link(g, from, dir, name, target) &&
		    g->n_parts == count_parts(real) + from->n_parts - behind)
			return 1;
	}
	if (from->links >= FAN_LINKS_DEEP || t->n_links >= FAN_GOAL_LINKS_MAX) {
		errno = ELOOP;
		return -1;
	}
	g = goal_new(t, count_parts(real) + from->n_parts - behind);
	if (!g)
		return -1;
	g->owner = dir;
	dir->n_owned++;
	g->owner_name = arena_copy(&g->arena, name);
	g->target = arena_copy(&g->arena, target);
	t->n_links++;
	if (fill_link_goal(g, c, dir, name, real) < 0 ||
	    fan_claim_add(t, t->top, g, 0) < 0) {
		fan_goal_kill(t, g);
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

/* ---- claims ---------------------------------------------------------- */

static int
goal_hold(struct fan_goal *g, struct fan_dir *d)
{
	if (g->n_dirs_held == g->dirs_cap) {
		size_t cap = g->dirs_cap ? 2 * g->dirs_cap : 8;
		struct fan_dir **v =
			reallocarray(g->dirs, cap, sizeof(struct fan_dir *));

		if (!v)
			return -1;
		g->dirs = v;
		g->dirs_cap = cap;
	}
	g->dirs[g->n_dirs_held++] = d;
	return 0;
}

/* The last one takes the place of the one that goes. */
static void
goal_release(struct fan_goal *g, size_t at)
{
	size_t last = --g->n_dirs_held;
	struct fan_dir *d = g->dirs[last];

	g->dirs[at] = d;
	for (size_t i = 0; at != last && i < d->n_claims; i++) {
		if (d->claims[i].goal == g && d->claims[i].held == last)
			d->claims[i].held = at;
	}
}

/* 0 added, 1 there already, -1 no memory. Roots are the caller's business. */
int
fan_claim_add(struct fan_tree *t, struct fan_dir *d, struct fan_goal *g,
	      size_t depth)
{
	struct fan_claim *v;

	for (size_t i = 0; i < d->n_claims; i++) {
		if (d->claims[i].goal == g && d->claims[i].depth == depth)
			return 1;
	}
	v = reallocarray(d->claims, d->n_claims + 1, sizeof(*v));
	if (!v)
		return -1;
	d->claims = v;
	if (goal_hold(g, d) < 0)
		return -1;
	v[d->n_claims++] = (struct fan_claim){ g, depth, g->n_dirs_held - 1 };
	t->version++;
	return 0;
}

void
fan_claims_drop(struct fan_tree *t, struct fan_dir *d)
{
	for (size_t i = 0; i < d->n_claims; i++)
		goal_release(d->claims[i].goal, d->claims[i].held);
	d->n_claims = 0;
	t->version++;
}

/* Was it what made the directory a root? */
static bool
claim_remove(struct fan_dir *d, const struct fan_goal *g)
{
	size_t kept = 0;
	bool root = false;

	for (size_t i = 0; i < d->n_claims; i++) {
		if (d->claims[i].goal != g)
			d->claims[kept++] = d->claims[i];
		else
			root |= g->recursive && fan_claim_done(&d->claims[i]);
	}
	d->n_claims = kept;
	return root;
}

static bool
is_needed(const struct fan_tree *t, const struct fan_dir *d)
{
	return d->root || d->n_claims > 0 || d == t->top;
}

/* What follows d and everything below it. */
static struct fan_dir *
next_beside(const struct fan_dir *top, struct fan_dir *d)
{
	while (d != top && !d->next)
		d = d->parent;
	return d == top ? NULL : d->next;
}

/* Directories that nothing asks for any more leave the tree. Below one of
 * them nothing can be asked for: claims come from above. */
static void
prune(struct fan_tree *t, struct fan_dir *top, bool was_root)
{
	struct fan_dir *d = top, *next;

	if (top->gone || (!was_root && is_needed(t, top)))
		return;
	fan_dir_reroot(t, top);
	for (; d; d = next) {
		if (is_needed(t, d)) {
			next = fan_next(top, d);
			continue;
		}
		next = next_beside(top, d);
		fan_dir_detach(t, d, true);
	}
}

void
fan_goal_kill(struct fan_tree *t, struct fan_goal *g)
{
	struct fan_goal **at = &t->goals;

	while (*at && *at != g)
		at = &(*at)->next;
	if (*at)
		*at = g->next;
	if (g->owner) {
		t->n_links--;
		g->owner->n_owned--;
	}
	t->version++;
	for (size_t i = 0; i < g->n_dirs_held; i++) {
		struct fan_dir *d = g->dirs[i];

		prune(t, d, claim_remove(d, g));
	}
	free(g->dirs);
	arena_free(&g->arena);
	free(g);
}

/* ---- names ----------------------------------------------------------------
 */

bool
fan_leads_to(const struct fan_dir *d, struct view name)
{
	for (size_t i = 0; i < d->n_claims; i++) {
		const struct fan_claim *c = &d->claims[i];

		if (!fan_claim_done(c) &&
		    watch_component_matches(c->goal->parts[c->depth], name))
			return true;
	}
	return false;
}

static bool
wants_file(const struct fan_claim *c, struct view name)
{
	return fan_claim_done(c) && !c->goal->recursive &&
	       watch_file_matches(c->goal->parts[c->depth], name);
}

bool
fan_wanted(const struct fan_dir *d, struct view name)
{
	if (d->root)
		return true;
	for (size_t i = 0; i < d->n_claims; i++) {
		if (wants_file(&d->claims[i], name))
			return true;
	}
	return false;
}

void
fan_real_name(const struct fan_dir *d, struct view name, struct buf *out)
{
	buf_put(out, (struct view){ d->path, d->path_n });
	buf_putc(out, '/');
	buf_put(out, name);
}

struct names {
	bool canonical;
	const struct fan_goal *goals[16]; /* more names are not told */
	size_t n;
};

static void
add_goal(struct names *names, const struct fan_goal *g)
{
	if (is_canonical(g)) {
		names->canonical = true;
		return;
	}
	for (size_t i = 0; i < names->n; i++) {
		if (names->goals[i]->strip_bytes == g->strip_bytes &&
		    view_eq(names->goals[i]->alias, g->alias))
			return;
	}
	if (names->n < ARRAY_LEN(names->goals))
		names->goals[names->n++] = g;
}

static void
collect_goals(const struct fan_dir *d, struct view name, struct names *names)
{
	for (size_t i = 0; i < d->n_claims; i++) {
		if (wants_file(&d->claims[i], name))
			add_goal(names, d->claims[i].goal);
	}
	for (const struct fan_dir *r = d->root; r;
	     r = r->parent ? r->parent->root : NULL) {
		for (size_t i = 0; i < r->n_claims; i++) {
			if (r->claims[i].goal->recursive &&
			    fan_claim_done(&r->claims[i]))
				add_goal(names, r->claims[i].goal);
		}
	}
}

static int
alias_cmp(const void *x, const void *y)
{
	const struct fan_goal *const *a = x, *const *b = y;

	return view_cmp((*a)->alias, (*b)->alias);
}

/* Below a root with no other name than the real one, nothing need be asked
 * again for each event. */
static bool
is_plain(struct fan_tree *t, struct fan_dir *d)
{
	struct names names = { 0 };

	if (d->version == t->version && d->names != NAMES_UNKNOWN)
		return d->names == NAMES_PLAIN;
	d->version = t->version;
	d->names = NAMES_MANY;
	if (!d->root)
		return false;
	for (size_t i = 0; i < d->n_claims; i++) {
		if (!is_canonical(d->claims[i].goal))
			return false;
	}
	collect_goals(d, VIEW_NONE, &names);
	if (names.canonical && names.n == 0)
		d->names = NAMES_PLAIN;
	return d->names == NAMES_PLAIN;
}

void
fan_dir_names(const struct fan_dir *d, struct buf *out)
{
	struct view real = { d->path, d->path_n };
	struct names names = { 0 };

	for (size_t i = 0; i < d->n_claims; i++) {
		if (fan_claim_done(&d->claims[i]))
			add_goal(&names, d->claims[i].goal);
	}
	collect_goals(d, VIEW_NONE, &names);
	buf_put(out, real);
	buf_putc(out, '\0');
	for (size_t i = 0; i < names.n; i++) {
		put_goal_name(names.goals[i], real, out);
		buf_putc(out, '\0');
	}
}

bool
fan_names(struct fan_tree *t, struct fan_dir *d, struct view name,
	  struct buf *path, struct buf *aliases)
{
	struct names names = { 0 };

	if (is_plain(t, d)) {
		fan_real_name(d, name, path);
		return true;
	}
	collect_goals(d, name, &names);
	if (!names.canonical && names.n == 0)
		return false;
	qsort(names.goals, names.n, sizeof(names.goals[0]), alias_cmp);
	buf_clear(&t->scratch);
	fan_real_name(d, name, &t->scratch);
	if (names.canonical)
		buf_put(path, buf_view(&t->scratch));
	else
		put_goal_name(names.goals[0], buf_view(&t->scratch), path);
	for (size_t i = names.canonical ? 0 : 1; aliases && i < names.n; i++) {
		put_goal_name(names.goals[i], buf_view(&t->scratch), aliases);
		buf_putc(aliases, '\0');
	}
	return true;
}
