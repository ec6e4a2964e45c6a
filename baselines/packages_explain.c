/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which package accounts for a change. */
#include <fcntl.h>
#include <gcrypt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/packages_inside.h"

/* MD5 of the content whose SHA-256 the walk had, or false. */
static bool
md5_of_file(const struct walk_entry *e, uint8_t out[MD5_BYTES])
{
	char block[65536];
	gcry_md_hd_t h = NULL;
	bool same = false;
	ssize_t n = -1;
	int fd = openat(e->dirfd, e->name.p,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
				O_NOCTTY);

	if (fd < 0)
		return false;
	if (gcry_md_open(&h, GCRY_MD_MD5, 0) == 0 &&
	    gcry_md_enable(h, GCRY_MD_SHA256) == 0) {
		while ((n = read(fd, block, sizeof(block))) > 0)
			gcry_md_write(h, block, (size_t)n);
		memcpy(out, gcry_md_read(h, GCRY_MD_MD5), MD5_BYTES);
		same = memcmp(gcry_md_read(h, GCRY_MD_SHA256), e->sha256, 32) ==
		       0;
	}
	gcry_md_close(h);
	close(fd);
	return n == 0 && same;
}

static bool
conffile_has(const struct packages *p, struct view path,
	     const uint8_t md5[MD5_BYTES])
{
	struct conffile key = { .hash = packages_hash(path) };
	const struct conffile *found = NULL;

	if (p->n_conffiles > 0)
		found = bsearch(&key, p->conffiles, p->n_conffiles, sizeof(key),
				packages_conffile_cmp);
	if (found == NULL)
		return false;
	/* Several may speak of one path. */
	while (found > p->conffiles && found[-1].hash == key.hash)
		found--;
	for (; found < p->conffiles + p->n_conffiles && found->hash == key.hash;
	     found++)
		if (memcmp(found->md5, md5, MD5_BYTES) == 0)
			return true;
	return false;
}

/* "MD5  path" lines of one .md5sums file; the path without its first slash. */
static bool
sums_have(const struct packages *p, struct view text, struct view path,
	  const uint8_t md5[MD5_BYTES])
{
	struct buf full = { 0 }, merged = { 0 };
	struct view line;
	uint8_t there[MD5_BYTES];
	bool found = false;

	while (!found && view_next_split(&text, '\n', &line)) {
		struct view name = path_name(path);

		if (line.n < 35 || !view_ends(line, name))
			continue;
		buf_clear(&full);
		buf_putc(&full, '/');
		buf_put(&full, view_sub(line, 34, SIZE_MAX));
		found = view_eq(packages_merged(p, buf_view(&full), &merged),
				path) &&
			packages_md5(view_sub(line, 0, 32), there) &&
			memcmp(there, md5, MD5_BYTES) == 0;
	}
	buf_free(&full);
	buf_free(&merged);
	return found;
}

/* NAME.md5sums, or NAME:ARCH.md5sums where several may be installed. */
static bool
package_has(const struct packages *p, struct view package, struct view path,
	    const uint8_t md5[MD5_BYTES])
{
	static const char *const archs[] = {
		"",	    ":amd64", ":arm64",	  ":i386",    ":armhf",
		":riscv64", ":s390x", ":ppc64el", ":loong64",
	};
	struct buf name = { 0 }, text = { 0 };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(archs) && !found; i++) {
		buf_clear(&name);
		buf_puts(&name, "dpkg/info/");
		buf_put(&name, package);
		buf_printf(&name, "%s.md5sums%c", archs[i], 0);
		if (!name.failed && packages_read(p->admin, name.p, &text))
			found = sums_have(p, buf_view(&text), path, md5);
	}
	buf_free(&name);
	buf_free(&text);
	return found;
}

/* Where a link leads, by its words alone. */
static void
resolve(struct view dir, struct view target, struct buf *out)
{
	struct view part;

	buf_clear(out);
	if (target.n == 0 || target.p[0] != '/')
		buf_put(out, dir.n > 1 ? dir : VIEW_NONE);
	while (view_next_split(&target, '/', &part)) {
		if (part.n == 0 || view_eq(part, VIEW(".")))
			continue;
		if (view_eq(part, VIEW(".."))) {
			ssize_t slash = view_rfind(buf_view(out), '/');

			out->n = slash > 0 ? (size_t)slash : 0;
			continue;
		}
		buf_putc(out, '/');
		buf_put(out, part);
	}
}

/* /etc/rc3.d/S01cron leads to …/cron, insserv(8). */
static bool
is_boot_link(const struct change *c, struct view target)
{
	return c->dir.n == sizeof("/etc/rc3.d") - 1 &&
	       view_starts(c->dir, VIEW("/etc/rc")) &&
	       view_ends(c->dir, VIEW(".d")) && c->name.n > 3 &&
	       (c->name.p[0] == 'S' || c->name.p[0] == 'K') &&
	       view_eq(path_directory(target), VIEW("/etc/init.d")) &&
	       view_eq(view_sub(c->name, 3, SIZE_MAX), path_name(target));
}

/* A package's own new link may lead to any package's file, a changed one to
 * the same package's; one that a helper made, where that program was told. */
static bool
link_accounted(const struct packages *p, const struct change *c,
	       const struct owner *o, const struct owner *to,
	       struct view target)
{
	struct buf path = { 0 };
	bool known;

	if (o == NULL)
		return is_boot_link(c, target);
	if (!(o->flags & OWNER_LINK))
		return o->package == to->package || c->kind == CHANGE_ADDED;
	change_path(&path, c->dir, c->name);
	known = !path.failed &&
		(packages_has_pair(p, buf_view(&path), target) ||
		 packages_has_pair(p, buf_view(&path), path_name(target)));
	buf_free(&path);
	return known;
}

static struct view
explain_link(const struct packages *p, const struct change *c,
	     const struct owner *o)
{
	struct buf target = { 0 }, merged = { 0 };
	struct view found = VIEW("");
	const struct owner *to = NULL;

	resolve(c->dir, c->now->target, &target);
	if (!target.failed)
		to = packages_find(
			p, packages_merged(p, buf_view(&target), &merged));
	if (to != NULL && link_accounted(p, c, o, to, buf_view(&target)))
		found = p->names[o == NULL || (o->flags & OWNER_LINK)
					 ? to->package
					 : o->package];
	buf_free(&target);
	buf_free(&merged);
	return found;
}

static struct view
explain_content(const struct packages *p, const struct change *c,
		const struct owner *o, struct view path)
{
	uint8_t md5[MD5_BYTES];

	if (o == NULL || !c->now->has_digest || !md5_of_file(c->now, md5))
		return VIEW("");
	if (conffile_has(p, path, md5) ||
	    package_has(p, p->names[o->package], path, md5))
		return p->names[o->package];
	return VIEW("");
}

#define BIT(name) (1u << CHANGE_##name)

/* What replacing a file by another version cannot help changing. */
static bool
only_content(const struct change *c)
{
	const unsigned allowed = BIT(SIZE) | BIT(MTIME) | BIT(LINKS) |
				 BIT(SHA256) | BIT(TARGET) | BIT(MODE);
	unsigned more;

	if (c->kind != CHANGE_CHANGED)
		return true;
	if ((c->attributes & ~allowed) != 0)
		return false;
	more = c->now->mode & ~c->old->mode & (07000 | 0022);
	return more == 0 && ((c->attributes & BIT(MODE)) == 0 ||
			     (c->attributes & BIT(SHA256)) != 0);
}

static struct view
explain(const struct packages *p, const struct change *c, struct view path)
{
	const struct owner *o = packages_find(p, path);

	if (c->kind == CHANGE_REMOVED)
		return o == NULL ? c->package : VIEW("");
	if (!only_content(c))
		return VIEW("");
	if (S_ISREG(c->now->mode))
		return explain_content(p, c, o, path);
	if (S_ISLNK(c->now->mode))
		return explain_link(p, c, o);
	if (S_ISDIR(c->now->mode) && o != NULL && c->kind == CHANGE_ADDED &&
	    (c->now->mode & 0002) == 0)
		return p->names[o->package];
	return VIEW("");
}

struct view
packages_explain(struct packages *p, const struct change *c)
{
	struct buf path = { 0 };
	struct view found = VIEW("");

	change_path(&path, c->dir, c->name);
	if (!path.failed)
		found = explain(p, c, buf_view(&path));
	buf_free(&path);
	return found;
}
