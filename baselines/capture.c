/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a walk, and an older generation, into a new one. */
#include "baselines/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PROGRESS_EVERY 256u

struct pass {
	struct capture *c;
	struct walk *walk;
	struct walk_entry *now;
	const struct baseline_item *old;
	struct buf path;
	struct err *err;
};

static int
fail(struct pass *p, const char *what, const char *why)
{
	return err_add(p->err, (struct place){ 0 }, "%s: %s", what, why);
}

static struct view
path_of(struct pass *p, const struct walk_entry *e)
{
	buf_clear(&p->path);
	change_path(&p->path, e->dir, e->name);
	return buf_view(&p->path);
}

/* ---- roots ----------------------------------------------------------- */

static int
root_cmp(const void *a, const void *b)
{
	return view_cmp(((const struct capture_root *)a)->path,
			((const struct capture_root *)b)->path);
}

static const struct capture_root *
find_root(const struct capture *c, struct view path)
{
	struct capture_root key = { .path = path };

	if (c->n_roots == 0)
		return NULL;
	return bsearch(&key, c->roots, c->n_roots, sizeof(key), root_cmp);
}

/* Is the old item one of those that are taken anew? */
static bool
taken_anew(struct pass *p, const struct walk_entry *e)
{
	struct view path = path_of(p, e);
	const struct capture_root *r = find_root(p->c, path);

	if (r != NULL)
		return true;
	while (path.n > 1) {
		ssize_t slash = view_rfind(path, '/');

		path.n = slash > 0 ? (size_t)slash : 1;
		r = find_root(p->c, path);
		if (r != NULL && !r->alone)
			return true;
	}
	return false;
}

static bool
any_digest(const struct capture_root *r)
{
	for (size_t i = 0; i < sizeof(r->sha256); i++)
		if (r->sha256[i] != 0)
			return false;
	return true;
}

static int
check_expected(struct pass *p, const struct walk_entry *e)
{
	const struct capture_root *r =
		p->c->n_roots > 0 ? find_root(p->c, path_of(p, e)) : NULL;
	struct buf text = { 0 };
	uint8_t state[32];

	if (r == NULL || !r->expected)
		return 0;
	change_state(e, NULL, state);
	if (!r->gone &&
	    (!r->has_state || memcmp(state, r->state, sizeof(state)) == 0) &&
	    (any_digest(r) ||
	     (e->has_digest && memcmp(e->sha256, r->sha256, 32) == 0)))
		return 0;
	buf_text_word(&text, r->path);
	buf_putc(&text, '\0');
	fail(p, text.failed ? "a file" : text.p,
	     "it has changed since the report was made");
	buf_free(&text);
	return -1;
}

/* ---- taking ---------------------------------------------------------- */

static void
keep(struct pass *p, const struct walk_entry *e)
{
	struct capture *c = p->c;

	if (c->objects == NULL || !S_ISREG(e->mode) || !e->has_digest ||
	    e->size > c->keep_bytes ||
	    !scope_is(c->scope, SCOPE_KEEP, e->dir, e->name) ||
	    scope_is(c->scope, SCOPE_SECRET, e->dir, e->name))
		return;
	/* What cannot be kept cannot be restored; no more than that. */
	if (objects_put(c->objects, e) == 0)
		c->totals.kept++;
}

static int
add(struct pass *p, const struct baseline_item *item)
{
	if (p->c->writer == NULL || baseline_add(p->c->writer, item) == 0)
		return 0;
	return fail(p, "the baseline cannot be written",
		    errno != 0 ? strerror(errno) : "database error");
}

/* Was it, or all that a folder has, not to be had? What was known of it must
 * not get lost. */
static bool
is_unknown(const struct walk_entry *e)
{
	return !e->has_stat &&
	       (e->fault == WALK_UNREADABLE || e->fault == WALK_HUNG);
}

static int
refuse(struct pass *p, const struct walk_entry *e)
{
	struct buf text = { 0 };

	buf_text_word(&text, path_of(p, e));
	buf_printf(&text, " %s%c", walk_fault_sentence(e->fault), 0);
	fail(p, "nothing is accepted", text.failed ? "out of memory" : text.p);
	buf_free(&text);
	return -1;
}

static int
take_now(struct pass *p)
{
	struct capture *c = p->c;
	struct baseline_item item = { .e = *p->now, .package = VIEW("") };
	struct buf lines = { 0 };
	int rc;

	if (p->now->fault == WALK_VANISHED || p->now->is_noticed)
		return 0;
	if (c->old != NULL && is_unknown(p->now))
		return refuse(p, p->now);
	if (p->now->fault != WALK_FINE) {
		c->totals.uncovered++;
		if (c->uncovered != NULL)
			c->uncovered(c->ctx, p->now);
	}
	if (p->now->name.n == 0 || !p->now->has_stat)
		return 0;
	if (check_expected(p, p->now) != 0)
		return -1;
	c->totals.files++;
	if (S_ISREG(p->now->mode))
		c->totals.bytes += p->now->size;
	if (c->writer == NULL)
		return 0;
	if (c->packages != NULL)
		item.package = packages_near(c->packages, path_of(p, p->now));
	packages_lines(p->now, &lines);
	item.lines = buf_view(&lines);
	keep(p, p->now);
	rc = add(p, &item);
	buf_free(&lines);
	return rc;
}

static int
next_now(struct pass *p)
{
	switch (walk_next(p->walk, &p->now)) {
	case WALK_ENTRY:
		return 0;
	case WALK_END:
		p->now = NULL;
		return 0;
	default:
		return fail(p, "the files cannot be walked through",
			    strerror(errno));
	}
}

/* The next one that stays as it was. */
static int
next_old(struct pass *p)
{
	for (;;) {
		int rc = p->c->old == NULL ? 0
					   : baseline_next(p->c->old, &p->old);

		if (rc < 0)
			return fail(p, "the last baseline cannot be read",
				    baseline_problem(p->c->old));
		if (rc == 0) {
			p->old = NULL;
			return 0;
		}
		if (!taken_anew(p, &p->old->e))
			return 0;
		p->c->totals.dropped++;
	}
}

static int
order_of(const struct pass *p)
{
	int order;

	if (p->old == NULL || p->now == NULL)
		return p->old == NULL ? 1 : -1;
	order = walk_path_cmp(p->old->e.dir, p->now->dir);
	return order != 0 ? order : view_cmp(p->old->e.name, p->now->name);
}

static int
step(struct pass *p)
{
	if (order_of(p) < 0) {
		p->c->totals.files++;
		return add(p, p->old) == 0 ? next_old(p) : -1;
	}
	if (p->c->old != NULL && p->now->has_stat)
		p->c->totals.replaced++;
	return take_now(p) == 0 ? next_now(p) : -1;
}

static int
pass_all(struct pass *p)
{
	struct capture *c = p->c;
	uint64_t steps = 0;

	if (next_old(p) != 0 || next_now(p) != 0)
		return -1;
	while (p->old != NULL || p->now != NULL) {
		if (++steps % PROGRESS_EVERY == 0 && c->progress != NULL &&
		    !c->progress(c->ctx, &c->totals)) {
			c->stopped = true;
			return 0;
		}
		if (step(p) != 0)
			return -1;
	}
	return 0;
}

/* ---- the walk's roots ------------------------------------------------ */

static bool
inside_another(const struct capture *c, struct view path)
{
	while (path.n > 1) {
		ssize_t slash = view_rfind(path, '/');
		const struct capture_root *r;

		path.n = slash > 0 ? (size_t)slash : 1;
		r = find_root(c, path);
		if (r != NULL && !r->alone)
			return true;
	}
	return false;
}

static struct walk_root *
walk_roots(struct capture *c, size_t *n)
{
	struct walk_root *v = calloc(c->n_roots + 1, sizeof(*v));

	*n = 0;
	if (v == NULL)
		return NULL;
	if (c->n_roots > 1)
		qsort(c->roots, c->n_roots, sizeof(*c->roots), root_cmp);
	for (size_t i = 0; i < c->n_roots; i++)
		if (!inside_another(c, c->roots[i].path) &&
		    (i == 0 ||
		     !view_eq(c->roots[i].path, c->roots[i - 1].path)))
			v[(*n)++] = (struct walk_root){
				.path = c->roots[i].path,
				.alone = c->roots[i].alone,
			};
	return v;
}

int
capture_run(struct capture *c, struct err *err)
{
	struct pass p = { .c = c, .err = err };
	struct walk_options o = { .roots = c->scope->roots,
				  .n_roots = c->scope->n_roots,
				  .threads = c->threads,
				  .max_bytes = c->max_bytes,
				  .most = c->writer != NULL ? WALK_ALL
							    : WALK_STAT,
				  .mounts = c->scope->mounts,
				  .patience_ns = c->scope->patience_ns,
				  .choose = scope_choose,
				  .ctx = c->scope };
	struct walk_root *roots = NULL;
	int rc = -1;

	if (c->old != NULL) {
		o.roots = roots = walk_roots(c, &o.n_roots);
		baseline_rewind(c->old);
	}
	if (c->old == NULL || roots != NULL)
		p.walk = walk_open(&o);
	if (p.walk == NULL)
		fail(&p, "the walk cannot begin", strerror(errno));
	else
		rc = pass_all(&p);
	walk_close(p.walk);
	buf_free(&p.path);
	free(roots);
	return rc;
}
