/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What packages' scripts make, and no database has: copies, links, folders,
 * generated files.
 *
 * That the inode was last changed while the package was is no proof: whoever
 * acts in just those seconds passes. Nor is it easily had: nobody but the
 * kernel sets a change time, and with each later change of content, mode or
 * name the file stands out again.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/packages_inside.h"

#define LINK_MAX_BYTES 4096

/* ---- where ----------------------------------------------------------- */

static const char *const places[] = {
#define PLACE(pattern) pattern,
#include "baselines/places.def"
#undef PLACE
};

/* Is what lies there started or believed by itself? */
static bool
is_place(struct view path)
{
	struct buf text = { 0 };
	bool found;

	buf_put(&text, path);
	buf_putc(&text, '\0');
	found = text.failed;
	for (size_t i = 0; i < ARRAY_LEN(places) && !found; i++)
		found = fnmatch(places[i], text.p, 0) == 0;
	buf_free(&text);
	return found;
}

/* A folder of one package alone, at least two deep, that the path is in. */
static uint32_t
own_folder(const struct packages *p, struct view path)
{
	for (;;) {
		ssize_t slash = view_rfind(path, '/');
		const struct owner *o;

		if (slash <= 0)
			return NO_PACKAGE;
		path.n = (size_t)slash;
		if (view_rfind(path, '/') <= 0)
			return NO_PACKAGE;
		o = packages_find(p, path);
		if (o != NULL && (o->flags & OWNER_LINK) == 0)
			return (o->flags & OWNER_SHARED) != 0 ? NO_PACKAGE
							      : o->package;
	}
}

struct word_search {
	struct view word;
	bool found;
};

static bool
word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static bool
search_word(struct view text, void *ctx)
{
	struct word_search *s = ctx;
	ssize_t at = -1;

	while (!s->found &&
	       (at = view_search(text, s->word, (size_t)(at + 1))) >= 0) {
		size_t end = (size_t)at + s->word.n;

		s->found = (at == 0 || !word_byte(text.p[at - 1])) &&
			   (end == text.n || !word_byte(text.p[end]));
	}
	return !s->found;
}

bool
packages_script_has(struct packages *p, uint32_t package, struct view word)
{
	struct word_search s = { .word = word };

	if (word.n > 0)
		packages_each_script(p, package, search_word, &s);
	return s.found;
}

/* The path, or one that it is derived from: x.pub, x.db, x.old, x-. */
static bool
mentioned(struct packages *p, uint32_t package, struct view path)
{
	struct view extension = path_extension(path);

	if (packages_mention(p, package, path) != NO_PACKAGE)
		return true;
	if (extension.n == 0 && view_ends(path, VIEW("-")))
		path.n--;
	else if (extension.n > 0)
		path.n -= extension.n + 1;
	else
		return false;
	return packages_mention(p, package, path) != NO_PACKAGE;
}

/* Does a program that the package's script runs make something there? */
static bool
helper_says_so(struct explaining *x, uint32_t package)
{
	uint32_t other = own_folder(x->p, x->path);
	size_t at = 0;

	if (other != NO_PACKAGE)
		return packages_calls(x->p, package, other);
	while ((other = packages_next_mention(x->p, x->path, &at)) !=
	       NO_PACKAGE)
		if (packages_calls(x->p, package, other))
			return true;
	return false;
}

bool
packages_says_so(struct explaining *x, uint32_t package)
{
	struct view dir = x->c->dir;

	if (!x->p->v[package].installed && x->p->v[package].stem.n == 0)
		return x->c->package.n > 0;
	return mentioned(x->p, package, x->path) ||
	       own_folder(x->p, x->path) == package ||
	       (packages_mention(x->p, package, dir) != NO_PACKAGE &&
		packages_script_has(x->p, package, x->c->name)) ||
	       helper_says_so(x, package);
}

/* ---- copies ---------------------------------------------------------- */

static bool
sums_have_md5(const struct sums *s, const uint8_t md5[MD5_BYTES])
{
	for (size_t i = 0; i < s->n; i++)
		if (memcmp(s->v[i].md5, md5, MD5_BYTES) == 0)
			return true;
	return false;
}

/* One of the package's configuration files, that its script put aside. */
static bool
conffiles_have_md5(const struct packages *p, uint32_t package,
		   const uint8_t md5[MD5_BYTES])
{
	for (size_t i = 0; i < p->conffiles.n; i++) {
		const struct sum *s = &p->conffiles.v[i];
		const struct owner *o;

		if (memcmp(s->md5, md5, MD5_BYTES) != 0)
			continue;
		o = packages_find_hash(p, s->hash);
		if (o != NULL && o->package == package)
			return true;
	}
	return false;
}

uint32_t
evidence_copy(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	uint32_t package;
	size_t at = 0;

	if (e == NULL || !S_ISREG(e->mode) || e->size == 0)
		return NO_PACKAGE;
	while ((package = packages_next_at(x->p, e->ctime_ns, &at)) !=
	       NO_PACKAGE)
		if (explaining_plain(x, package) && explaining_md5(x) &&
		    (sums_have_md5(dpkg_sums(x->p, package), x->md5) ||
		     conffiles_have_md5(x->p, package, x->md5)))
			return package;
	return NO_PACKAGE;
}

/* ---- links ----------------------------------------------------------- */

/* The path below the root that an open file has, by /proc. */
static bool
path_below(const struct packages *p, int fd, struct buf *out)
{
	char link[64], path[LINK_MAX_BYTES], root[LINK_MAX_BYTES];
	ssize_t n, m;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", p->root);
	m = readlink(link, root, sizeof(root));
	if (n <= 0 || m <= 0 || n == sizeof(path) || m == sizeof(root))
		return false;
	if (m == 1)
		m = 0;
	buf_clear(out);
	if (n <= m || memcmp(path, root, (size_t)m) != 0 || path[m] != '/')
		return false;
	buf_put(out, (struct view){ path + m, (size_t)(n - m) });
	return !out->failed;
}

bool
packages_end(struct packages *p, struct view path, struct buf *out)
{
	int fd = packages_open_below(p, path, O_PATH);
	bool good = fd >= 0 && path_below(p, fd, out);

	if (fd >= 0)
		close(fd);
	return good;
}

bool
packages_final(struct packages *p, struct view path, struct owner *out)
{
	struct buf end = { 0 };
	const struct owner *o = NULL;
	struct stat st;
	bool good = false;
	int fd;

	if (packages_end(p, path, &end))
		o = packages_find(p, buf_view(&end));
	if (o != NULL && (o->flags & OWNER_LINK) == 0 &&
	    (fd = packages_open_below(p, buf_view(&end), O_PATH)) >= 0) {
		good = fstat(fd, &st) == 0 &&
		       (!S_ISREG(st.st_mode) ||
			packages_verified(p, buf_view(&end), NULL) !=
				NO_PACKAGE);
		close(fd);
	}
	if (good)
		*out = *o;
	buf_free(&end);
	return good;
}

/* Where anybody may put something. */
static bool
is_open_place(struct view path)
{
	static const char *const open[] = { "/tmp",  "/var/tmp", "/dev/shm",
					    "/home", "/root",	 "/run/user" };

	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (view_starts(path, view_of(open[i])))
			return true;
	return false;
}

uint32_t
evidence_pointer(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	struct owner to = { .package = NO_PACKAGE };
	uint32_t package;
	size_t at = 0;
	bool final;

	if (e == NULL || !S_ISLNK(e->mode) ||
	    !packages_changed_at(x->p, NO_PACKAGE, e->ctime_ns))
		return NO_PACKAGE;
	packages_resolve(x->c->dir, e->target, &x->target);
	final = packages_final(x->p, buf_view(&x->target), &to);
	if (is_open_place(buf_view(&x->target)))
		return NO_PACKAGE;
	while ((package = packages_next_at(x->p, e->ctime_ns, &at)) !=
	       NO_PACKAGE)
		if (((final && to.package == package) ||
		     (x->owner != NULL && x->owner->package == package) ||
		     packages_says_so(x, package) ||
		     mentioned(x->p, package, buf_view(&x->target)) ||
		     (final && packages_mention(x->p, package, x->c->dir) !=
				       NO_PACKAGE)) &&
		    explaining_plain(x, package))
			return package;
	return NO_PACKAGE;
}

/* ---- folders, generated files ---------------------------------------- */

uint32_t
evidence_folder(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	uint32_t package;
	size_t at = 0;

	if (e == NULL || !S_ISDIR(e->mode) || x->c->kind != CHANGE_ADDED ||
	    (e->mode & 0002) != 0)
		return NO_PACKAGE;
	if (x->owner != NULL && explaining_plain(x, x->owner->package))
		return x->owner->package;
	package = packages_next_at(x->p, e->ctime_ns, &at);
	return package != NO_PACKAGE && explaining_plain(x, package)
		       ? package
		       : NO_PACKAGE;
}

/* apt.conf(5) that does nothing but say what not to remove. */
static bool
is_inert(const struct walk_entry *e, struct view dir)
{
	static const char *const harmless[] = { "APT", "NeverAutoRemove" };
	struct buf text = { 0 };
	struct view v;
	bool fits = view_eq(dir, VIEW("/etc/apt/apt.conf.d")) &&
		    packages_content(e, 1u << 20, &text);

	v = buf_view(&text);
	while (fits && v.n > 0) {
		ssize_t skip = 1;
		size_t n = 0;

		if (v.p[0] == '"')
			skip = view_find(view_sub(v, 1, SIZE_MAX), '"') + 2;
		else if (view_starts(v, VIEW("//")))
			skip = view_find(v, '\n') + 1;
		else if (strchr(" \t\n{};:", v.p[0]) == NULL) {
			while (n < v.n && word_byte(v.p[n]))
				n++;
			skip = (ssize_t)n;
			fits = false;
			for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
				fits |= view_eq(view_sub(v, 0, n),
						view_of(harmless[i]));
		}
		fits = fits && skip > 0;
		v = view_sub(v, skip > 0 ? (size_t)skip : v.n, SIZE_MAX);
	}
	buf_free(&text);
	return fits;
}

uint32_t
evidence_script(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	uint32_t package;
	size_t at = 0;

	if (e == NULL || !S_ISREG(e->mode) || (e->mode & 07113) != 0 ||
	    (x->c->kind == CHANGE_CHANGED &&
	     (x->c->attributes & 1u << CHANGE_TYPE) != 0) ||
	    !packages_changed_at(x->p, NO_PACKAGE, e->ctime_ns) ||
	    (is_place(x->path) && !is_inert(e, x->c->dir)))
		return NO_PACKAGE;
	while ((package = packages_next_at(x->p, e->ctime_ns, &at)) !=
	       NO_PACKAGE)
		if (packages_says_so(x, package) &&
		    explaining_plain(x, package))
			return package;
	return NO_PACKAGE;
}

/* ---- whose ----------------------------------------------------------- */

/* a/__pycache__/b.cpython-311.opt-1.pyc is of a/b.py. */
bool
packages_python_source(struct view path, struct buf *out)
{
	struct view dir = path_directory(path), name = path_name(path);
	ssize_t dot;

	if (!view_ends(name, VIEW(".pyc")) ||
	    !view_eq(path_name(dir), VIEW("__pycache__")))
		return false;
	dot = view_search(name, VIEW(".cpython-"), 0);
	if (dot <= 0)
		return false;
	buf_clear(out);
	buf_put(out, path_directory(dir));
	buf_putc(out, '/');
	buf_put(out, view_sub(name, 0, (size_t)dot));
	buf_puts(out, ".py");
	return !out->failed;
}

static struct view
near(struct packages *p, uint32_t package)
{
	if (package == NO_PACKAGE)
		return VIEW("");
	buf_clear(&p->answer);
	buf_put(&p->answer, p->v[package].name);
	buf_puts(&p->answer, PACKAGES_NEAR);
	return p->answer.failed ? VIEW("") : buf_view(&p->answer);
}

struct view
packages_owner(struct packages *p, struct view path)
{
	const struct owner *o;

	packages_load(p);
	o = packages_find(p, path);
	return o != NULL ? p->v[o->package].name : VIEW("");
}

/* Who is near all that a folder has: worked out once for what is asked about
 * one after the other. */
static void
enter_folder(struct packages *p, struct view path)
{
	struct view dir = path_directory(path);

	if (p->near_known && view_eq(buf_view(&p->near_dir), dir))
		return;
	p->near_package = own_folder(p, path);
	if (p->near_package == NO_PACKAGE && view_rfind(dir, '/') > 0)
		p->near_package = packages_mention(p, NO_PACKAGE, dir);
	/* Bytecode is its source's, which lies elsewhere. */
	p->near_alike = !packages_noted(p, dir) &&
			!view_eq(path_name(dir), VIEW("__pycache__"));
	buf_clear(&p->near_dir);
	buf_put(&p->near_dir, dir);
	p->near_known = !p->near_dir.failed;
}

struct view
packages_near(struct packages *p, struct view path)
{
	const struct owner *o;
	struct view name;
	uint32_t package;

	packages_load(p);
	packages_load_mentions(p);
	enter_folder(p, path);
	if (p->near_alike)
		return near(p, p->near_package);
	name = packages_owner(p, path);
	if (name.n > 0)
		return name;
	if (packages_python_source(path, &p->answer) &&
	    (o = packages_find(p, buf_view(&p->answer))) != NULL)
		return near(p, o->package);
	package = packages_mention(p, NO_PACKAGE, path);
	return near(p, package != NO_PACKAGE ? package : p->near_package);
}
