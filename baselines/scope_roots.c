/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The roots of a scope: paths made absolute, and what patterns with a '*' stand
 * for now. Homes may be on a file server that does not answer, or links to one,
 * so where any remote file system is mounted, all looking is done with
 * patience.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "baselines/scope.h"
#include "scan/patience.h"
#include "scan/walk_mounts.h"

#define PATIENCE_NS (60 * NS_PER_SEC)

enum look_for {
	LOOK_ENTRY, /* is it there? its folder is resolved, its name is not:
		     * a link is itself the subject */
	LOOK_GONE, /* the same; folders that are gone are as they are spelled */
	LOOK_FOLDER, /* resolved as a whole */
	LOOK_NAMES   /* the same, and what it has */
};

/* What may never come back, with all that it needs. */
struct look {
	struct buf path; /* with a NUL behind it */
	enum look_for what;
	struct buf real; /* the path without links, with a NUL behind it */
	struct buf names;
	bool is_link;
	int error;
};

static int
add_root(struct scope *s, struct view path, bool hung)
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
	v[s->n_roots++] = (struct walk_root){ .path = copy, .hung = hung };
	return 0;
}

/* ---- looking --------------------------------------------------------- */

static int
list_names(struct look *l)
{
	DIR *dir = opendir(l->real.p);
	const struct dirent *entry;

	if (dir == NULL)
		return -1;
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		buf_puts(&l->names, entry->d_name);
		buf_putc(&l->names, '\0');
	}
	closedir(dir);
	return errno == 0 ? 0 : -1;
}

static int
resolve(struct look *l, struct view folder, struct view name)
{
	char *path = strndup(folder.p, folder.n);
	char *real = path != NULL ? realpath(path, NULL) : NULL;
	int saved = errno;

	free(path);
	errno = saved;
	if (real == NULL)
		return -1;
	buf_puts(&l->real, real);
	free(real);
	if (name.n > 0 && l->real.n > 1)
		buf_putc(&l->real, '/');
	buf_put(&l->real, name);
	buf_putc(&l->real, '\0');
	errno = ENOMEM;
	if (l->real.failed)
		return -1;
	l->real.n--;
	return 0;
}

/* What can be said of such a path by its words alone. */
static bool
is_plain(struct view path)
{
	struct view name;

	while (view_next_split(&path, '/', &name))
		if (name.n == 0 || view_eq(name, VIEW(".")) ||
		    view_eq(name, VIEW("..")))
			return false;
	return true;
}

static int
resolve_gone(struct look *l, struct view folder, struct view name)
{
	struct view path = buf_view(&l->path), rest = name;

	while (resolve(l, folder, rest) != 0) {
		ssize_t slash = view_rfind(folder, '/');

		if ((errno != ENOENT && errno != ENOTDIR) || folder.n < 2)
			return -1;
		folder = slash < 0    ? VIEW(".")
			 : slash == 0 ? VIEW("/")
				      : view_sub(folder, 0, (size_t)slash);
		rest = view_sub(path, (size_t)(slash + 1), SIZE_MAX);
		errno = ENOENT;
		if (!is_plain(rest))
			return -1;
	}
	return 0;
}

static int
look_at(struct look *l)
{
	struct view folder = buf_view(&l->path), name = VIEW_NONE;
	struct stat st;

	if (l->what == LOOK_ENTRY || l->what == LOOK_GONE)
		walk_path_split(buf_view(&l->path), &folder, &name);
	if (l->what == LOOK_GONE ? resolve_gone(l, folder, name) != 0
				 : resolve(l, folder, name) != 0)
		return -1;
	if (l->what == LOOK_NAMES)
		return list_names(l);
	if (lstat(l->real.p, &st) != 0)
		return -1;
	l->is_link = S_ISLNK(st.st_mode);
	return 0;
}

static void
look_run(void *arg)
{
	struct look *l = arg;

	l->error = look_at(l) == 0 ? 0 : errno;
	if (l->names.failed)
		l->error = ENOMEM;
}

static void
look_drop(void *arg)
{
	struct look *l = arg;

	buf_free(&l->path);
	buf_free(&l->real);
	buf_free(&l->names);
	free(l);
}

/* NULL and errno, ETIMEDOUT if there was no answer. */
static struct look *
look(struct scope *s, struct view path, enum look_for what)
{
	struct look *l = calloc(1, sizeof(*l));
	const struct patience_job job = { look_run, look_drop, l };

	if (l == NULL)
		return NULL;
	l->what = what;
	buf_put(&l->path, path);
	buf_putc(&l->path, '\0');
	if (l->path.failed) {
		look_drop(l);
		errno = ENOMEM;
		return NULL;
	}
	l->path.n--;
	if (!walk_mounts_any_remote(s->mounts))
		look_run(l);
	else if (patience_run(&job, s->patience_ns > 0 ? s->patience_ns
						       : PATIENCE_NS) != 0)
		return NULL;
	return l;
}

/* ---- a path ---------------------------------------------------------- */

static int
take_path(struct scope *s, const struct look *l)
{
	if (l->error == 0 || (l->what == LOOK_GONE && l->real.n > 0))
		return scope_add(s, SCOPE_ROOT, buf_view(&l->real));
	errno = l->error;
	return -1;
}

/* Also what a link leads to, if that is there. */
static int
take_target(struct scope *s, struct view link)
{
	struct look *l = look(s, link, LOOK_FOLDER);
	int rc;

	if (l == NULL)
		return -1;
	rc = l->error != ENOENT ? take_path(s, l) : 0;
	look_drop(l);
	return rc;
}

static int
add_path(struct scope *s, const char *path, enum look_for what)
{
	struct view v = view_of(path), name;
	struct buf b = { 0 };
	struct look *l;
	int rc;

	/* As the kernel has it, path_resolution(7); a shell makes it of a
	 * variable that is not set. */
	errno = ENOENT;
	if (v.n == 0)
		return -1;
	if (s->mounts == NULL)
		s->mounts = walk_mounts_read();
	if (s->mounts == NULL)
		return -1;
	while (v.n > 1 && v.p[v.n - 1] == '/')
		v.n--;
	name = path_name(v);
	if (view_find(v, '/') < 0)
		buf_puts(&b, "./");
	buf_put(&b, v);
	errno = ENOMEM;
	if (view_eq(name, VIEW(".")) || view_eq(name, VIEW("..")) ||
	    name.n == 0)
		what = LOOK_FOLDER;
	l = b.failed ? NULL : look(s, buf_view(&b), what);
	rc = l != NULL ? take_path(s, l) : -1;
	if (rc == 0 && what == LOOK_ENTRY && l->is_link)
		rc = take_target(s, buf_view(&b));
	if (l != NULL)
		look_drop(l);
	buf_free(&b);
	return rc;
}

int
scope_add_path(struct scope *s, const char *path)
{
	return add_path(s, path, LOOK_ENTRY);
}

int
scope_add_gone_path(struct scope *s, const char *path)
{
	return add_path(s, path, LOOK_GONE);
}

/* ---- expanding ------------------------------------------------------- */

/* All of the server's, if it is known which; else, behind a link, all of the
 * folder. */
static int
no_answer(struct scope *s, struct view folder)
{
	struct walk_mount *mount = walk_mounts_of(s->mounts, folder);

	if (!walk_mount_slow(mount))
		return add_root(s, folder, true);
	mount->hung = true;
	return add_root(s, mount->point, true);
}

/* Has something above it not answered? */
static bool
is_hung(struct scope *s, struct view path)
{
	struct walk_mount *mount = walk_mounts_of(s->mounts, path);

	if (mount != NULL && mount->hung)
		return true;
	for (size_t i = 0; i < s->n_roots; i++)
		if (s->roots[i].hung &&
		    scope_at_or_below(path, s->roots[i].path))
			return true;
	return false;
}

static int
expand_last(struct scope *s, struct view path)
{
	struct look *l = look(s, path, LOOK_ENTRY);
	struct view folder, name;
	int rc = 0;

	walk_path_split(path, &folder, &name);
	if (l == NULL)
		return errno == ETIMEDOUT ? no_answer(s, folder) : -1;
	/* What cannot be looked at is for the walk to complain of. */
	if (l->error == 0)
		rc = add_root(s, buf_view(&l->real), false);
	else if (l->error != ENOENT && l->error != ENOTDIR)
		rc = add_root(s, path, false);
	look_drop(l);
	return rc;
}

static int expand(struct scope *, struct view base, struct view rest);

/* Of one folder the names that fit, and what is below them. */
static int
expand_names(struct scope *s, struct view base, const char *pattern,
	     struct view rest)
{
	struct look *l = look(s, base, LOOK_NAMES);
	struct buf path = { 0 };
	struct view names, name;
	int rc = 0;

	if (l == NULL)
		return errno == ETIMEDOUT ? no_answer(s, base) : -1;
	names = buf_view(&l->names);
	while (rc == 0 && l->error == 0 && view_next_item(&names, &name)) {
		if (fnmatch(pattern, name.p, FNM_PERIOD) != 0)
			continue;
		buf_clear(&path);
		if (l->real.n > 1)
			buf_put(&path, buf_view(&l->real));
		buf_putc(&path, '/');
		buf_put(&path, name);
		errno = ENOMEM;
		rc = path.failed ? -1 : expand(s, buf_view(&path), rest);
	}
	buf_free(&path);
	look_drop(l);
	return rc;
}

/* `rest` begins with a slash. */
static int
expand(struct scope *s, struct view base, struct view rest)
{
	ssize_t star = view_find(rest, '*');
	struct view literal, pattern = VIEW_NONE;
	struct buf path = { 0 }, word = { 0 };
	int rc = 0;

	literal = view_sub(rest, 0, star < 0 ? rest.n : (size_t)star);
	if (star >= 0) {
		literal.n = (size_t)view_rfind(literal, '/');
		pattern = view_sub(rest, literal.n + 1, SIZE_MAX);
		star = view_find(pattern, '/');
		rest = star < 0 ? VIEW_NONE
				: view_sub(pattern, (size_t)star, SIZE_MAX);
		pattern.n -= rest.n;
	}
	buf_put(&path, base);
	buf_put(&path, literal);
	if (path.n == 0)
		buf_putc(&path, '/');
	buf_put(&word, pattern);
	buf_putc(&word, '\0');
	errno = ENOMEM;
	if (path.failed || word.failed)
		rc = -1;
	else if (!is_hung(s, buf_view(&path)))
		rc = pattern.n == 0
			     ? expand_last(s, buf_view(&path))
			     : expand_names(s, buf_view(&path), word.p, rest);
	buf_free(&path);
	buf_free(&word);
	return rc;
}

/* ---- all ------------------------------------------------------------- */

static int
root_cmp(const void *a, const void *b)
{
	return walk_path_cmp(((const struct walk_root *)a)->path,
			     ((const struct walk_root *)b)->path);
}

static void
drop_inner(struct scope *s)
{
	size_t n = 0;

	if (s->n_roots > 1)
		qsort(s->roots, s->n_roots, sizeof(*s->roots), root_cmp);
	for (size_t i = 0; i < s->n_roots; i++)
		if (n == 0 ||
		    !scope_at_or_below(s->roots[i].path, s->roots[n - 1].path))
			s->roots[n++] = s->roots[i];
	s->n_roots = n;
}

int
scope_roots(struct scope *s)
{
	s->n_roots = 0;
	arena_reset(&s->root_arena);
	walk_mounts_free(s->mounts);
	s->mounts = walk_mounts_read();
	if (s->mounts == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		struct view pattern = s->v[i].pattern;
		int rc = 0;

		if (s->v[i].kind != SCOPE_ROOT)
			continue;
		if (view_find(pattern, '*') < 0)
			rc = add_root(s, pattern, false);
		else
			rc = expand(s, VIEW(""), pattern);
		if (rc != 0)
			return -1;
	}
	drop_inner(s);
	return 0;
}
