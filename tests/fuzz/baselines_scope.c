/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patterns of a scope, lines "KIND PATTERN", then an empty line, then paths.
 * What scope_is says, folder by folder and with what it keeps of the folder
 * before, must be what the words of scope.def say, asked of each pattern alone.
 */
#include "baselines/scope.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ROWS_MAX 64u
#define PATHS_MAX 32u

/* With a NUL behind it. */
static const char *
text_of(struct arena *a, struct view v)
{
	struct view copy = arena_copy(a, v);

	if (copy.p == NULL)
		abort();
	return copy.p;
}

static unsigned
components(struct view path)
{
	unsigned n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.p[i] == '/';
	return n;
}

/* "/x/" and two stars: every path below one that /x matches. */
static bool
below(struct arena *a, struct view head, struct view path)
{
	unsigned wanted = components(head);

	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] == '/' &&
		    components(view_sub(path, 0, i)) == wanted &&
		    fnmatch(text_of(a, head), text_of(a, view_sub(path, 0, i)),
			    FNM_PATHNAME) == 0)
			return true;
	return false;
}

static bool
matches(struct arena *a, struct view pattern, struct view path)
{
	ssize_t slash = view_rfind(pattern, '/');

	if (slash < 0)
		return false;
	if (view_eq(view_sub(pattern, 0, (size_t)slash), VIEW("**")))
		return view_eq(path_name(pattern), VIEW("**")) ||
		       fnmatch(text_of(a, path_name(pattern)),
			       text_of(a, path_name(path)), 0) == 0;
	if (view_ends(pattern, VIEW("/**")))
		return below(a, view_sub(pattern, 0, pattern.n - 3), path);
	return fnmatch(text_of(a, pattern), text_of(a, path), FNM_PATHNAME) ==
	       0;
}

struct rows {
	struct scope scope;
	struct view patterns[ROWS_MAX];
	enum scope_kind kinds[ROWS_MAX];
	size_t n;
};

static void
add_row(struct rows *r, struct view line)
{
	struct view word;
	enum scope_kind kind;

	if (!view_next_split(&line, ' ', &word) ||
	    !scope_kind_of(word, &kind) || r->n == ROWS_MAX || line.n == 0 ||
	    view_find(line, '\0') >= 0 || line.n > PATH_MAX / 2)
		return;
	if (scope_add(&r->scope, kind, line) != 0)
		abort();
	r->kinds[r->n] = kind;
	r->patterns[r->n++] = line;
}

/* Does a row say so? Brackets, backslashes and repeated slashes may mean
 * something else whole than in two pieces. */
static void
check_path(struct rows *r, struct arena *a, struct view path)
{
	struct view dir = path_directory(path), name = path_name(path);

	dir = view_of(text_of(a, dir));
	name = view_of(text_of(a, name));
	for (int kind = 0; kind < SCOPE_KIND_COUNT; kind++) {
		bool said =
			scope_is(&r->scope, (enum scope_kind)kind, dir, name);
		bool is = false;

		if (kind == SCOPE_ROOT)
			continue;
		for (size_t i = 0; i < r->n; i++)
			is = is || (r->kinds[i] == (enum scope_kind)kind &&
				    matches(a, r->patterns[i], path));
		if (said != is)
			abort();
	}
}

static bool
is_plain(struct view v)
{
	bool slash = false;

	for (size_t i = 0; i < v.n; i++) {
		if (strchr("[]\\", v.p[i]) != NULL || (slash && v.p[i] == '/'))
			return false;
		slash = v.p[i] == '/';
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view rest = { (const char *)data, n }, line;
	struct arena a = { 0 };
	struct rows r = { 0 };
	unsigned paths = 0;

	if (n == 0 || !is_plain(rest))
		return 0;
	while (view_next_split(&rest, '\n', &line) && line.n > 0)
		add_row(&r, line);
	while (view_next_split(&rest, '\n', &line) && paths++ < PATHS_MAX)
		if (line.n > 1 && line.p[0] == '/' &&
		    view_find(line, '\0') < 0 && path_name(line).n > 0)
			check_path(&r, &a, line);
	scope_free(&r.scope);
	arena_free(&a);
	return 0;
}
