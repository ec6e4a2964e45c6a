/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/ld.so.cache, that ldconfig(8) makes anew with each library (glibc,
 * sysdeps/generic/dl-cache.h): magic "glibc-ld.so.cache1.1", then as 32-bit
 * numbers in the machine's byte order: count of entries, bytes of strings,
 * flags, offset of an extension, three unused; then the entries: flags, offsets
 * of name and path from the beginning, version, 64 bits for the hardware.
 *
 * It says which file a program gets for a name. So every name must be the
 * last part of its path, and each path a package's, in a folder that a package
 * has; order and flags are ldconfig's to choose.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "baselines/packages_inside.h"

#define MAGIC VIEW("glibc-ld.so.cache1.1")
#define HEADER_BYTES 48
#define ENTRY_BYTES 24
#define CACHE_MAX_BYTES (16u << 20)

static uint32_t
u32_at(struct view v, size_t at)
{
	uint32_t n;

	memcpy(&n, v.p + at, sizeof(n));
	return n;
}

/* Up to its NUL; VIEW_NONE if it has none. */
static struct view
string_at(struct view v, uint32_t at)
{
	struct view s = view_sub(v, at, SIZE_MAX);
	ssize_t end = view_find(s, '\0');

	return end < 0 ? VIEW_NONE : view_sub(s, 0, (size_t)end);
}

/* In a package's list; else a link that ldconfig made, which must lead to a
 * file of a package in the same folder. */
static bool
is_packaged(struct explaining *x, struct view path)
{
	const struct owner *o;
	struct owner to;

	path = packages_merged(x->p, path, &x->merged);
	o = packages_find(x->p, path);
	if (o != NULL && (o->flags & OWNER_LINK) == 0)
		return true;
	return packages_final(x->p, path, &to);
}

static bool
entry_fits(struct explaining *x, struct view cache, size_t at)
{
	struct view name = string_at(cache, u32_at(cache, at + 4));
	struct view path = string_at(cache, u32_at(cache, at + 8));

	return path.n > 0 && path.p[0] == '/' &&
	       view_eq(name, path_name(path)) &&
	       view_search(path, VIEW("/../"), 0) < 0 && is_packaged(x, path);
}

static bool
cache_fits(struct explaining *x, struct view cache)
{
	uint32_t n;

	if (cache.n < HEADER_BYTES || !view_starts(cache, MAGIC))
		return false;
	n = u32_at(cache, 20);
	if (n > (cache.n - HEADER_BYTES) / ENTRY_BYTES)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!entry_fits(x, cache, HEADER_BYTES + i * ENTRY_BYTES))
			return false;
	return true;
}

uint32_t
evidence_libraries(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	uint32_t package = NO_PACKAGE;
	struct buf text = { 0 };
	size_t at = 0;

	if (e == NULL || !view_eq(x->path, VIEW("/etc/ld.so.cache")) ||
	    !S_ISREG(e->mode) || (e->mode & 07133) != 0)
		return NO_PACKAGE;
	package = packages_next_at(x->p, e->ctime_ns, &at);
	if (package == NO_PACKAGE || !explaining_plain(x, package) ||
	    !packages_content(e, CACHE_MAX_BYTES, &text) ||
	    !cache_fits(x, buf_view(&text)))
		package = NO_PACKAGE;
	buf_free(&text);
	return package;
}
