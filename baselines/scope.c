/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope and roles. A walk asks about entry after entry of one folder, and
 * hardly any pattern concerns any one folder: which do is worked out once.
 */
#include "baselines/scope.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>

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
	s->v[s->n++] = (struct scope_row){ kind, copy };
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

/* The folder is resolved, the name is not: a link is itself the subject. */
int
scope_add_path(struct scope *s, const char *path)
{
	struct view v = view_of(path), name;
	struct buf b = { 0 };
	char *folder;
	int rc = -1;

	while (v.n > 1 && v.p[v.n - 1] == '/')
		v.n--;
	name = path_name(v);
	if (view_eq(name, VIEW(".")) || view_eq(name, VIEW("..")) ||
	    name.n == 0) {
		folder = realpath(path, NULL);
		name = VIEW_NONE;
	} else {
		buf_put(&b, view_sub(v, 0, v.n - name.n));
		if (b.n == 0)
			buf_putc(&b, '.');
		buf_putc(&b, '\0');
		folder = b.failed ? NULL : realpath(b.p, NULL);
	}
	if (folder == NULL)
		goto out;
	buf_clear(&b);
	if (strcmp(folder, "/") != 0 || name.n == 0)
		buf_puts(&b, folder);
	if (name.n > 0)
		buf_putc(&b, '/');
	buf_put(&b, name);
	errno = ENOMEM;
	if (!b.failed)
		rc = scope_add(s, SCOPE_ROOT, buf_view(&b));
	free(folder);
out:
	buf_free(&b);
	return rc;
}

/* ---- roots ----------------------------------------------------------- */

static bool
below(struct view path, struct view root)
{
	if (root.n == 1)
		return path.n > 1;
	return path.n > root.n && view_starts(path, root) &&
	       path.p[root.n] == '/';
}

bool
scope_covers(const struct scope *s, struct view path)
{
	for (size_t i = 0; i < s->n_roots; i++)
		if (view_eq(path, s->roots[i].path) ||
		    below(path, s->roots[i].path))
			return true;
	return false;
}

static int
add_root(struct scope *s, struct view path)
{
	struct walk_root *v =
		reallocarray(s->roots, s->n_roots + 1, sizeof(*v));
	struct view copy = arena_copy(&s->root_arena, path);

	if (v != NULL)
		s->roots = v;
	if (v == NULL || copy.p == NULL) {
		errno = ENOMEM;
		return -1;
	}
	v[s->n_roots++] = (struct walk_root){ .path = copy };
	return 0;
}

/* A pattern that came out of paths of the command line has no '*' of its own
 * in the usual case; in the other, quoting is fnmatch's. */
static int
add_roots(struct scope *s, struct view pattern)
{
	glob_t found;
	int rc = 0;

	if (view_find(pattern, '*') < 0)
		return add_root(s, pattern);
	switch (glob(pattern.p, GLOB_NOSORT, NULL, &found)) {
	case 0:
		break;
	case GLOB_NOMATCH:
		return 0;
	default:
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
		rc = add_root(s, view_of(found.gl_pathv[i]));
	globfree(&found);
	return rc;
}

static int
root_cmp(const void *a, const void *b)
{
	return walk_path_cmp(((const struct walk_root *)a)->path,
			     ((const struct walk_root *)b)->path);
}

int
scope_roots(struct scope *s)
{
	size_t n = 0;

	s->n_roots = 0;
	arena_reset(&s->root_arena);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].kind == SCOPE_ROOT &&
		    add_roots(s, s->v[i].pattern) != 0)
			return -1;
	if (s->n_roots > 1)
		qsort(s->roots, s->n_roots, sizeof(*s->roots), root_cmp);
	for (size_t i = 0; i < s->n_roots; i++) {
		struct view path = s->roots[i].path;

		if (n > 0 && (view_eq(path, s->roots[n - 1].path) ||
			      below(path, s->roots[n - 1].path)))
			continue;
		s->roots[n++] = s->roots[i];
	}
	s->n_roots = n;
	return 0;
}

/* ---- roles ----------------------------------------------------------- */

static const char *
last_slash(struct view pattern)
{
	return pattern.p + view_rfind(pattern, '/');
}

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
	return fnmatch(pattern.n > 0 ? want : "/", dir.p, FNM_PATHNAME) == 0;
}

static bool
concerns(const struct scope_row *row, struct view dir)
{
	struct view folder;

	if (row->kind == SCOPE_ROOT || view_rfind(row->pattern, '/') < 0)
		return false;
	folder = view_sub(row->pattern, 0,
			  (size_t)(last_slash(row->pattern) - row->pattern.p));
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
		const char *last = last_slash(row->pattern) + 1;

		if (row->kind == kind &&
		    (strcmp(last, "**") == 0 || fnmatch(last, name.p, 0) == 0))
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
	buf_free(&s->dir);
	free(s->active);
	free(s->v);
	free(s->roots);
	*s = (struct scope){ 0 };
}
