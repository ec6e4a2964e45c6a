/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope and roles. A walk asks about entry after entry of one folder, and
 * hardly any pattern concerns any one folder: which do is worked out once.
 */
#include "baselines/scope.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>

#include "scan/walk_mounts.h"

static const char *const kind_words[] = {
#define SCOPE_KIND(name, word) word,
	SCOPE_KINDS
#undef SCOPE_KIND
};

static const struct {
	enum scope_kind kind;
	const char *pattern;
} defaults[] = {
#define SCOPE(kind, pattern) { SCOPE_##kind, pattern },
#include "baselines/scope.def"
#undef SCOPE
};

const char *
scope_kind_word(enum scope_kind kind)
{
	return kind_words[kind];
}

bool
scope_kind_of(struct view word, enum scope_kind *kind)
{
	for (int i = 0; i < SCOPE_KIND_COUNT; i++) {
		if (!view_eq(word, view_of(kind_words[i])))
			continue;
		*kind = (enum scope_kind)i;
		return true;
	}
	return false;
}

int
scope_add(struct scope *s, enum scope_kind kind, struct view pattern)
{
	struct scope_row *v;
	struct view copy;

	if (s->n == SCOPE_ROWS_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (s->n == s->cap) {
		size_t cap = s->cap > 0 ? 2 * s->cap : 128;

		v = reallocarray(s->v, cap, sizeof(*v));
		if (v == NULL)
			return -1;
		s->v = v;
		s->cap = cap;
	}
	copy = arena_copy(&s->arena, pattern);
	if (copy.p == NULL) {
		errno = ENOMEM;
		return -1;
	}
	s->v[s->n++] = (struct scope_row){ kind, copy, path_name(copy) };
	s->dir_known = false;
	return 0;
}

int
scope_add_default(struct scope *s, bool roots)
{
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		if (defaults[i].kind == SCOPE_ROOT && !roots)
			continue;
		if (scope_add(s, defaults[i].kind,
			      view_of(defaults[i].pattern)) != 0)
			return -1;
	}
	return 0;
}

/* ---- roots ----------------------------------------------------------- */

bool
scope_at_or_below(struct view path, struct view root)
{
	if (root.n == 1 || path.n == root.n)
		return root.n == 1 || view_eq(path, root);
	return path.n > root.n && view_starts(path, root) &&
	       path.p[root.n] == '/';
}

bool
scope_covers(const struct scope *s, struct view path)
{
	for (size_t i = 0; i < s->n_roots; i++)
		if (scope_at_or_below(path, s->roots[i].path))
			return true;
	return false;
}

/* ---- roles ----------------------------------------------------------- */

/* Does the beginning of `dir` with as many components match `pattern`, which
 * ends before "/" and two stars? */
static bool
below_pattern(struct view pattern, struct view dir)
{
	char head[PATH_MAX], want[PATH_MAX];
	size_t slashes = 0, n = 0;

	for (size_t i = 0; i < pattern.n; i++)
		slashes += pattern.p[i] == '/';
	while (n < dir.n && (dir.p[n] != '/' || slashes-- > 0))
		n++;
	if (n >= sizeof(head) || pattern.n >= sizeof(want))
		return false;
	memcpy(head, dir.p, n);
	head[n] = '\0';
	memcpy(want, pattern.p, pattern.n);
	want[pattern.n] = '\0';
	return fnmatch(want, head, FNM_PATHNAME) == 0;
}

static bool
exactly_pattern(struct view pattern, struct view dir)
{
	char want[PATH_MAX];

	/* The arena's copies have a NUL behind them, a walk's paths as well. */
	if (pattern.n >= sizeof(want))
		return false;
	memcpy(want, pattern.p, pattern.n);
	want[pattern.n] = '\0';
	return fnmatch(want, dir.p, FNM_PATHNAME) == 0;
}

static bool
concerns(const struct scope_row *row, struct view dir)
{
	struct view folder;

	/* As a pattern's folder is written; a '*' is not the root's name. */
	if (view_eq(dir, VIEW("/")))
		dir = VIEW("");

	if (row->kind == SCOPE_ROOT || row->name.n == row->pattern.n)
		return false;
	folder = view_sub(row->pattern, 0, row->pattern.n - row->name.n - 1);
	if (view_eq(folder, VIEW("**")))
		return true;
	if (view_ends(row->pattern, VIEW("/**")))
		return below_pattern(folder, dir);
	return exactly_pattern(folder, dir);
}

static bool
enter(struct scope *s, struct view dir)
{
	if (s->dir_known && view_eq(buf_view(&s->dir), dir))
		return true;
	if (s->active == NULL)
		s->active = calloc(SCOPE_ROWS_MAX, sizeof(*s->active));
	if (s->active == NULL)
		return false;
	s->n_active = 0;
	for (size_t i = 0; i < s->n; i++)
		if (concerns(&s->v[i], dir))
			s->active[s->n_active++] = (uint16_t)i;
	buf_clear(&s->dir);
	buf_put(&s->dir, dir);
	s->dir_known = !s->dir.failed;
	return true;
}

bool
scope_is(struct scope *s, enum scope_kind kind, struct view dir,
	 struct view name)
{
	if (!enter(s, dir))
		return false;
	for (size_t i = 0; i < s->n_active; i++) {
		const struct scope_row *row = &s->v[s->active[i]];

		if (row->kind == kind && (view_eq(row->name, VIEW("**")) ||
					  fnmatch(row->name.p, name.p, 0) == 0))
			return true;
	}
	return false;
}

enum walk_choice
scope_choose(void *ctx, struct view dir, struct view name, uint32_t type)
{
	(void)type;
	return scope_is(ctx, SCOPE_SKIP, dir, name) ? WALK_SKIP : WALK_ALL;
}

void
scope_free(struct scope *s)
{
	arena_free(&s->arena);
	arena_free(&s->root_arena);
	walk_mounts_free(s->mounts);
	buf_free(&s->dir);
	free(s->active);
	free(s->v);
	free(s->roots);
	*s = (struct scope){ 0 };
}
