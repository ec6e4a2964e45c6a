/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree as a whole: opened, walked again, swept, after mounts, freed. */
#include "fim/fan_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void
fan_rescan(struct fan_tree *t)
{
	int fd = fan_open_path(t, VIEW_NONE);

	if (fd < 0) {
		fan_refuse(t, REFUSED_OPEN);
		return;
	}
	t->cause = &fan_quiet;
	t->force = true;
	t->epoch++;
	fan_visit(t, t->top, fd, 0, false);
	close(fd);
	fan_drain(t);
	t->force = false;
	for (struct fan_dir *d = t->top; d; d = fan_next(t->top, d)) {
		if (d->epoch != t->epoch && d->parent)
			fan_push(t, d->parent, fan_dir_name(d));
	}
	fan_drain(t);
}

static void
unmark(struct fan_tree *t, struct fan_dir *top)
{
	struct view path = { top->path, top->path_n };
	int at = top->exists ? fan_open_path(t, path_directory(path)) : -1;

	for (struct fan_dir *d = top; d; d = fan_next(top, d))
		t->unmark(t->ctx, d, at);
	if (at >= 0)
		close(at);
}

void
fan_sweep(struct fan_tree *t)
{
	while (t->limbo) {
		struct fan_dir *top = t->limbo, *d = top;

		t->limbo = top->next;
		top->next = NULL;
		unmark(t, top);
		while (d) {
			struct fan_dir *parent = d->parent;

			if (d->child) {
				d = d->child;
				continue;
			}
			if (parent)
				parent->child = d->next;
			if (d->next)
				d->next->prev = NULL;
			fan_dir_free(t, d);
			d = parent;
		}
	}
}

struct remount {
	struct fan_tree *t;
	bool root;
};

/* The deepest known directory above a place where something was mounted. */
static void
touch_mount(void *ctx, struct view path)
{
	struct remount *r = ctx;
	struct fan_dir *d = r->t->top;
	struct view rest = path, part;

	if (path.n == 0)
		r->root = true;
	while (view_next_split(&rest, '/', &part)) {
		struct fan_dir *child;

		if (part.n == 0)
			continue;
		child = fan_child(r->t, d, part);
		if (!child || rest.n == 0) {
			fan_push(r->t, d, part);
			return;
		}
		d = child;
	}
}

int
fan_remount(struct fan_tree *t, const struct fan_cause *cause)
{
	struct remount r = { .t = t };
	struct mounts now;

	if (mounts_read(&now) < 0)
		return -1;
	mounts_diff(&t->mounts, &now, touch_mount, &r);
	/* Second places of a directory may be the only ones now. */
	for (struct fan_goal *g = t->queue.n > 0 ? t->goals : NULL; g;
	     g = g->next) {
		if (g->owner)
			fan_push(t, g->owner, g->owner_name);
	}
	mounts_free(&t->mounts);
	t->mounts = now;
	t->cause = cause;
	fan_drain(t);
	t->cause = &fan_quiet;
	if (r.root)
		fan_rescan(t);
	return 0;
}

static int
make_top(struct fan_tree *t)
{
	int fd = fan_open_path(t, VIEW_NONE);
	char id[FAN_ID_MAX];
	ssize_t n;

	if (fd < 0)
		return -1;
	n = fan_id_or_other(t, fd, id);
	close(fd);
	if (n < 0)
		return -1;
	t->top =
		fan_dir_new(t, NULL, VIEW_NONE, (struct view){ id, (size_t)n });
	return t->top ? 0 : -1;
}

int
fan_tree_open(struct fan_tree *t, const struct watchset *ws)
{
	t->cause = &fan_quiet;
	t->by_id.which = FAN_BY_ID;
	t->by_place.which = FAN_BY_PLACE;
	if (t->max_dirs == 0)
		t->max_dirs = FAN_DIRS_MAX;
	if (mounts_read(&t->mounts) < 0 || make_top(t) < 0)
		return -1;
	for (size_t i = 0; i < ws->n; i++) {
		if (fan_goal_of_watch(t, &ws->v[i]) < 0)
			return -1;
		fan_begin_goal(t, t->goals);
	}
	fan_drain(t);
	return 0;
}

void
fan_tree_free(struct fan_tree *t)
{
	while (t->goals) {
		struct fan_goal *g = t->goals;

		/* Nothing is left to prune: the directories go next. */
		g->n_dirs_held = 0;
		fan_goal_kill(t, g);
	}
	for (size_t i = 0; i < t->by_id.cap; i++) {
		struct fan_dir *d = t->by_id.v[i];

		if (!d)
			continue;
		t->unmark(t->ctx, d, -1);
		fan_dir_release(d);
	}
	free(t->by_id.v);
	free(t->by_place.v);
	free(t->wants);
	buf_free(&t->queue);
	buf_free(&t->path);
	buf_free(&t->scratch);
	buf_free(&t->aliases);
	mounts_free(&t->mounts);
}
