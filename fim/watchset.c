/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From patterns of paths to directories worth watching. A * in a rule matches
 * slashes too, so a pattern ending in "p*" means the names that begin with p
 * and everything below directories that do: two watches. In the middle of a
 * path a * is taken for one component, which is what rule writers mean and
 * what can be followed.
 */
#include "fim/watchset.h"

#include "scan/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Deeper patterns do not exist; a bound for the arrays below. */
#define COMPONENTS_MAX 128

struct parts {
	struct view v[COMPONENTS_MAX];
	size_t n;
};

bool
watch_component_wild(struct view pattern)
{
	return view_find(pattern, '*') >= 0 || view_find(pattern, '?') >= 0;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Greedy with one point of return: the last * is the only one that may have
 * to take more. */
bool
watch_file_matches(struct view pattern, struct view name)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	while (i < name.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n &&
			   (pattern.p[p] == '?' ||
			    same_letter(pattern.p[p], name.p[i]))) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

bool
watch_component_matches(struct view pattern, struct view name)
{
	if (!watch_component_wild(pattern))
		return view_eq(pattern, name);
	return watch_file_matches(pattern, name);
}

/* False when the pattern is not an absolute path that names a place. */
static bool
split_path(struct view path, struct parts *parts)
{
	struct view rest = path, part;

	parts->n = 0;
	if (path.n == 0 || path.p[0] != '/')
		return false;
	while (view_next_split(&rest, '/', &part)) {
		if (part.n == 0 || view_eq(part, VIEW(".")))
			continue;
		if (view_eq(part, VIEW("..")) || parts->n == COMPONENTS_MAX)
			return false;
		parts->v[parts->n++] = part;
	}
	/* "/" and "/" "*" are everything, which is no place. */
	return parts->n > 0 && parts->v[0].p[0] != '*' &&
	       parts->v[0].p[0] != '?';
}

/* The same, and where in its last part the first * is; -1: there is none. */
static bool
split_pattern(struct view pattern, struct parts *parts, ssize_t *star)
{
	if (!split_path(pattern, parts))
		return false;
	*star = view_find(parts->v[parts->n - 1], '*');
	return true;
}

/* Room doubles at each power of two, so the count alone says how much. */
static struct watch *
new_watch(struct watchset *ws)
{
	struct watch *v;

	if ((ws->n & (ws->n - 1)) == 0) {
		v = reallocarray(ws->v, ws->n ? 2 * ws->n : 1, sizeof(*v));
		if (!v)
			return NULL;
		ws->v = v;
	}
	ws->v[ws->n] = (struct watch){ 0 };
	return &ws->v[ws->n];
}

/* "/a/b" of the first n parts, then a * if asked for. */
static struct view
join_parts(struct arena *arena, const struct parts *parts, bool star)
{
	struct view path;
	size_t n = star ? 1 : 0;
	char *p;

	for (size_t i = 0; i < parts->n; i++)
		n += 1 + parts->v[i].n;
	p = arena_alloc(arena, n + 1);
	if (!p)
		return VIEW_NONE;
	path = (struct view){ p, n };
	for (size_t i = 0; i < parts->n; i++) {
		*p++ = '/';
		memcpy(p, parts->v[i].p, parts->v[i].n);
		p += parts->v[i].n;
	}
	if (star)
		*p++ = '*';
	*p = '\0';
	return path;
}

static int
add_watch(struct watchset *ws, struct view path, struct view rule,
	  bool recursive)
{
	struct watch *w = new_watch(ws);

	if (!w || !path.p) {
		errno = ENOMEM;
		return -1;
	}
	w->path = path;
	w->recursive = recursive;
	w->rule = arena_copy(&ws->arena, rule);
	if (rule.n > 0 && !w->rule.p) {
		errno = ENOMEM;
		return -1;
	}
	ws->n++;
	return 0;
}

int
watchset_add_pattern(struct watchset *ws, struct view pattern, struct view rule)
{
	struct parts parts;
	ssize_t star;

	if (!split_pattern(pattern, &parts, &star))
		return 1;
	if (star == 0) {
		/* "/run/" "*", and "*.sh", which may be in any directory. */
		parts.n--;
		return add_watch(ws, join_parts(&ws->arena, &parts, false),
				 rule, true);
	}
	if (add_watch(ws, join_parts(&ws->arena, &parts, false), rule, false) <
	    0)
		return -1;
	if (star < 0)
		return 0;
	parts.v[parts.n - 1].n = (size_t)star;
	return add_watch(ws, join_parts(&ws->arena, &parts, true), rule, true);
}

bool
watchset_is_place(struct view pattern)
{
	struct parts parts;

	return split_path(pattern, &parts);
}

/* ?* is any name: unlike a * alone it does not mean all that is below. What a
 * * stands for may have slashes: then it is all from there on. */
int
watchset_add_directory(struct watchset *ws, struct view pattern,
		       struct view rule)
{
	struct parts parts;
	ssize_t star;

	if (!split_pattern(pattern, &parts, &star))
		return 1;
	if (star >= 0)
		parts.v[parts.n - 1].n = (size_t)star + 1;
	else if (parts.n < COMPONENTS_MAX)
		parts.v[parts.n++] = VIEW("?*");
	else
		return 1;
	return add_watch(ws, join_parts(&ws->arena, &parts, false), rule,
			 star >= 0);
}

int
watchset_add_path(struct watchset *ws, struct view path)
{
	struct parts parts;
	struct view whole;

	if (!split_path(path, &parts))
		return 1;
	whole = join_parts(&ws->arena, &parts, false);
	if (add_watch(ws, whole, VIEW_NONE, false) < 0)
		return -1;
	ws->v[ws->n - 1].from_config = true;
	if (add_watch(ws, whole, VIEW_NONE, true) < 0)
		return -1;
	ws->v[ws->n - 1].from_config = true;
	return 0;
}

/* ---- nothing twice --------------------------------------------------- */

/* "cron*" takes all that "cron.*" takes. */
static bool
prefix_covers(struct view a, struct view b)
{
	ssize_t star = view_find(a, '*');

	return star >= 0 && (size_t)star + 1 == a.n && view_find(a, '?') < 0 &&
	       view_starts(b, view_sub(a, 0, (size_t)star));
}

static bool
part_covers(struct view a, struct view b)
{
	if (view_eq(a, b) || prefix_covers(a, b))
		return true;
	return watch_component_wild(a) && !watch_component_wild(b) &&
	       watch_file_matches(a, b);
}

/* Is all that b wants seen by a already? Both paths were made by join_parts:
 * one slash before each component. */
static bool
watch_covers(const struct watch *a, const struct watch *b)
{
	struct view ra = view_sub(a->path, 1, SIZE_MAX), rb, pa, pb;

	rb = view_sub(b->path, 1, SIZE_MAX);
	if (!a->recursive && b->recursive)
		return false;
	while (view_next_split(&ra, '/', &pa)) {
		if (!view_next_split(&rb, '/', &pb) || !part_covers(pa, pb))
			return false;
	}
	if (!a->recursive)
		return rb.n == 0;
	/* The root of a recursive watch is not below itself. */
	return b->recursive || rb.n > 0;
}

static int
watch_cmp(const void *x, const void *y)
{
	const struct watch *a = x, *b = y;
	int order = view_cmp(a->path, b->path);

	if (order != 0)
		return order;
	if (a->recursive != b->recursive)
		return a->recursive ? 1 : -1;
	return view_cmp(a->rule, b->rule);
}

static bool
is_covered(const struct watchset *ws, size_t i)
{
	const struct watch *b = &ws->v[i];

	for (size_t k = 0; k < ws->n; k++) {
		if (k == i || !watch_covers(&ws->v[k], b))
			continue;
		/* Of two that cover each other the first stays. */
		if (k < i || !watch_covers(b, &ws->v[k]))
			return true;
	}
	return false;
}

int
watchset_add(struct watchset *ws, const struct watch *w)
{
	if (add_watch(ws, arena_copy(&ws->arena, w->path), w->rule,
		      w->recursive) != 0)
		return -1;
	ws->v[ws->n - 1].from_config = w->from_config;
	return 0;
}

void
watchset_seal(struct watchset *ws)
{
	size_t kept = 0;
	bool *drop;

	if (ws->n == 0)
		return;
	qsort(ws->v, ws->n, sizeof(*ws->v), watch_cmp);
	drop = calloc(ws->n, sizeof(*drop));
	if (!drop)
		return; /* covering twice is only wasteful */
	for (size_t i = 0; i < ws->n; i++)
		drop[i] = is_covered(ws, i);
	for (size_t i = 0; i < ws->n; i++) {
		if (!drop[i])
			ws->v[kept++] = ws->v[i];
	}
	free(drop);
	ws->n = kept;
}

static bool
covers(const struct watch *w, struct view path)
{
	struct view rw = view_sub(w->path, 1, SIZE_MAX), rp, want, part;

	rp = view_sub(path, 1, SIZE_MAX);
	while (view_next_split(&rw, '/', &want)) {
		bool last = rw.n == 0 && !w->recursive;

		if (!view_next_split(&rp, '/', &part))
			return false;
		if (!(last ? watch_file_matches(want, part)
			   : watch_component_matches(want, part)))
			return false;
	}
	/* The root of a recursive watch is not below itself. */
	return w->recursive ? rp.n > 0 : rp.n == 0;
}

bool
watchset_covers(const struct watchset *ws, struct view path)
{
	for (size_t i = 0; i < ws->n; i++)
		if (covers(&ws->v[i], path))
			return true;
	return false;
}

uint64_t
watchset_hash(const struct watchset *ws)
{
	struct buf all = { 0 };
	uint8_t digest[32];
	uint64_t hash;

	for (size_t i = 0; i < ws->n; i++) {
		buf_put(&all, ws->v[i].path);
		buf_put(&all, ws->v[i].recursive ? VIEW("/*\n") : VIEW("\n"));
	}
	digest_sha256(buf_view(&all), digest);
	memcpy(&hash, digest, sizeof(hash));
	buf_free(&all);
	return hash;
}

void
watchset_free(struct watchset *ws)
{
	free(ws->v);
	arena_free(&ws->arena);
	*ws = (struct watchset){ 0 };
}

void
watchset_format(const struct watchset *ws, struct buf *out)
{
	for (size_t i = 0; i < ws->n; i++) {
		const struct watch *w = &ws->v[i];

		buf_text(out, w->path);
		if (w->recursive)
			buf_puts(out, "/*");
		buf_putc(out, '\t');
		if (w->from_config)
			buf_puts(out, "configuration");
		else
			buf_text(out, w->rule);
		buf_putc(out, '\n');
	}
}
