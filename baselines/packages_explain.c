/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which package accounts for a change, and by which evidence. */
#include <fcntl.h>
#include <gcrypt.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "baselines/packages_inside.h"
#include "scan/scan.h"

static const struct {
	const char *word, *sentence;
	bool verified;
	uint32_t (*function)(struct explaining *);
} evidence[] = {
#define EVIDENCE(function, word, verified, sentence) \
	{ word, sentence, verified, evidence_##function },
#include "baselines/evidence.def"
#undef EVIDENCE
};

const char *
packages_evidence_sentence(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(evidence); i++)
		if (strcmp(evidence[i].word, word) == 0)
			return evidence[i].sentence;
	return NULL;
}

/* ---- what is there now ----------------------------------------------- */

static bool
digests_of(int fd, uint8_t md5[MD5_BYTES], uint8_t sha256[32])
{
	char block[65536];
	gcry_md_hd_t h = NULL;
	ssize_t n = -1;

	if (gcry_md_open(&h, GCRY_MD_MD5, 0) != 0)
		return false;
	if (sha256 == NULL || gcry_md_enable(h, GCRY_MD_SHA256) == 0)
		while ((n = read(fd, block, sizeof(block))) > 0)
			gcry_md_write(h, block, (size_t)n);
	if (n == 0) {
		memcpy(md5, gcry_md_read(h, GCRY_MD_MD5), MD5_BYTES);
		if (sha256 != NULL)
			memcpy(sha256, gcry_md_read(h, GCRY_MD_SHA256), 32);
	}
	gcry_md_close(h);
	return n == 0;
}

static int
open_now(const struct walk_entry *e)
{
	return openat(e->dirfd, e->name.p,
		      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			      O_NOCTTY);
}

bool
explaining_md5(struct explaining *x)
{
	const struct walk_entry *e = x->c->now;
	uint8_t sha256[32];
	int fd;

	if (x->md5_tried)
		return x->has_md5;
	x->md5_tried = true;
	if (e == NULL || !S_ISREG(e->mode) || !e->has_digest ||
	    (fd = open_now(e)) < 0)
		return false;
	x->has_md5 = digests_of(fd, x->md5, sha256) &&
		     memcmp(sha256, e->sha256, 32) == 0;
	close(fd);
	return x->has_md5;
}

bool
packages_content(const struct walk_entry *e, size_t max, struct buf *out)
{
	uint8_t sha256[32];
	int fd, rc;

	buf_clear(out);
	if (e == NULL || !S_ISREG(e->mode) || !e->has_digest ||
	    (fd = open_now(e)) < 0)
		return false;
	rc = fd_read_all(fd, max, out);
	close(fd);
	if (rc != 0 || out->failed)
		return false;
	digest_sha256(buf_view(out), sha256);
	return memcmp(sha256, e->sha256, 32) == 0;
}

static bool
recorded(struct packages *p, struct view path, uint32_t package,
	 const uint8_t md5[MD5_BYTES])
{
	return sums_have(&p->conffiles, path, md5) ||
	       sums_have(dpkg_sums(p, package), path, md5);
}

uint32_t
packages_verified(struct packages *p, struct view path, struct stat *out)
{
	const struct owner *o = packages_find(p, path);
	uint32_t package = NO_PACKAGE;
	uint8_t md5[MD5_BYTES];
	struct stat st;
	int fd;

	if (o == NULL || (o->flags & OWNER_LINK) != 0)
		return NO_PACKAGE;
	fd = packages_open_below(p, path, O_RDONLY | O_NOFOLLOW);
	if (fd < 0)
		return NO_PACKAGE;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    digests_of(fd, md5, NULL) && recorded(p, path, o->package, md5))
		package = o->package;
	if (out != NULL)
		*out = st;
	close_quietly(fd);
	return package;
}

/* ---- attributes ------------------------------------------------------ */

#define BIT(name) (1u << CHANGE_##name)
#define CONTENT \
	(BIT(SIZE) | BIT(MTIME) | BIT(LINKS) | BIT(SHA256) | BIT(TARGET))

static bool
has_xattrs(struct view list)
{
	struct walk_xattr x;

	while (walk_next_xattr(&list, &x))
		if (!view_eq(x.name, VIEW("security.selinux")))
			return true;
	return false;
}

static bool
is_special(const struct walk_entry *e)
{
	unsigned bits = S_ISDIR(e->mode) ? 0002 : 06002;

	return (!S_ISLNK(e->mode) && (e->mode & bits) != 0) || e->uid != 0 ||
	       e->gid != 0 || has_xattrs(e->xattrs);
}

/* More rights than any upgrade has to give: only where the package's script
 * speaks of that path. */
static bool
gains_rights(const struct change *c)
{
	unsigned more = c->now->mode & ~c->old->mode;

	return !S_ISDIR(c->now->mode) &&
	       ((more & 06002) != 0 || (c->attributes & BIT(CAPABILITIES)));
}

bool
explaining_plain(struct explaining *x, uint32_t package)
{
	const struct change *c = x->c;
	unsigned more;

	if (c->now->flags != 0 &&
	    (c->old == NULL || (c->attributes & BIT(FLAGS)) != 0))
		return false;
	if (c->kind == CHANGE_ADDED)
		return !is_special(c->now) ||
		       packages_before_log(x->p, c->now->ctime_ns) ||
		       packages_changed_at(x->p, NO_PACKAGE, c->now->ctime_ns);
	more = c->now->mode & ~c->old->mode & (07000 | 0022);
	if ((c->attributes & ~(CONTENT | BIT(MODE))) == 0 &&
	    ((c->attributes & BIT(MODE)) == 0 ||
	     (more == 0 && (c->attributes & BIT(SHA256)) != 0)))
		return true;
	return (c->attributes & BIT(FLAGS)) == 0 &&
	       packages_changed_at(x->p, package, c->now->ctime_ns) &&
	       (!gains_rights(c) ||
		packages_mention(x->p, package, x->path) != NO_PACKAGE);
}

uint32_t
evidence_attributes(struct explaining *x)
{
	const struct change *c = x->c;
	uint32_t package;
	size_t at = 0;

	if (c->kind != CHANGE_CHANGED ||
	    (c->attributes & (CONTENT | BIT(TYPE))) != 0)
		return NO_PACKAGE;
	while ((package = packages_next_at(x->p, c->now->ctime_ns, &at)) !=
	       NO_PACKAGE)
		if (((x->owner != NULL && x->owner->package == package) ||
		     packages_mention(x->p, package, x->path) != NO_PACKAGE) &&
		    explaining_plain(x, package))
			return package;
	return NO_PACKAGE;
}

/* ---- digests --------------------------------------------------------- */

/* What dpkg and ucf lay beside a configuration file that was edited. */
static struct view
without_suffix(struct view path)
{
	static const char *const suffixes[] = { ".dpkg-dist", ".dpkg-new",
						".ucf-dist" };

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (view_ends(path, view_of(suffixes[i])))
			return view_sub(path, 0, path.n - strlen(suffixes[i]));
	return path;
}

uint32_t
evidence_digest(struct explaining *x)
{
	struct view path = without_suffix(x->path);
	const struct owner *o =
		path.n == x->path.n ? x->owner : packages_find(x->p, path);

	if (x->c->now == NULL || o == NULL || (o->flags & OWNER_LINK) != 0 ||
	    !explaining_plain(x, o->package) || !explaining_md5(x))
		return NO_PACKAGE;
	return recorded(x->p, path, o->package, x->md5) ? o->package
							: NO_PACKAGE;
}

/* ---- removal --------------------------------------------------------- */

/* When the nearest folder of the path that still exists was changed last. */
static uint64_t
folder_changed(struct explaining *x)
{
	struct view dir = x->path;
	struct stat st;
	int fd = -1;

	while (fd < 0 && dir.n > 1) {
		ssize_t slash = view_rfind(dir, '/');

		dir.n = slash > 0 ? (size_t)slash : 1;
		fd = packages_open_below(x->p, dir, O_PATH | O_DIRECTORY);
	}
	if (fd < 0 || fstat(fd, &st) != 0)
		st = (struct stat){ 0 };
	if (fd >= 0)
		close(fd);
	return (uint64_t)st.st_ctim.tv_sec * NS_PER_SEC +
	       (uint64_t)st.st_ctim.tv_nsec;
}

/* A package (NO_PACKAGE = any) that was changed then, or NO_PACKAGE. */
static uint32_t
folder_changed_at(struct explaining *x, uint32_t package)
{
	uint64_t ns = folder_changed(x);
	size_t at = 0;

	if (package == NO_PACKAGE)
		return packages_next_at(x->p, ns, &at);
	return packages_changed_at(x->p, package, ns) ? package : NO_PACKAGE;
}

static bool
is_installed(const struct packages *p, uint32_t package)
{
	return package != NO_PACKAGE && p->v[package].installed;
}

/* The package that the baseline names, if that is not here any more. */
static uint32_t
gone_with(struct explaining *x)
{
	struct view name = x->c->package;
	uint32_t id;

	if (view_ends(name, VIEW(PACKAGES_NEAR)))
		name.n -= sizeof(PACKAGES_NEAR) - 1;
	else if (name.n > 0)
		return packages_named(x->p, name, true);
	if (name.n == 0)
		return NO_PACKAGE;
	id = packages_named(x->p, name, true);
	return is_installed(x->p, id) ? folder_changed_at(x, id) : id;
}

/* A link that led to a file which a package has taken away. */
static uint32_t
dangled(struct explaining *x)
{
	const struct owner *to;
	struct view target;
	int fd;

	packages_resolve(x->c->dir, x->c->old->target, &x->target);
	target = packages_merged(x->p, buf_view(&x->target), &x->merged);
	to = packages_find(x->p, target);
	if (to != NULL && is_installed(x->p, to->package))
		return folder_changed_at(x, to->package);
	fd = packages_open_below(x->p, target, O_PATH);
	if (fd >= 0)
		close(fd);
	if (to == NULL && fd >= 0)
		return NO_PACKAGE;
	return folder_changed_at(x, NO_PACKAGE);
}

/* What no package had: a folder is nothing by itself, a link went with its
 * target, a file where a package that was changed as its folder was says so. */
static uint32_t
unmade(struct explaining *x)
{
	uint64_t ns = folder_changed(x);
	uint32_t package;
	size_t at = 0;

	if (S_ISDIR(x->c->old->mode))
		return packages_next_at(x->p, ns, &at);
	if (S_ISLNK(x->c->old->mode) && (package = dangled(x)) != NO_PACKAGE)
		return package;
	while ((package = packages_next_at(x->p, ns, &at)) != NO_PACKAGE)
		if (packages_says_so(x, package))
			return package;
	return NO_PACKAGE;
}

/* No package has it any more, or only as configuration that it left. */
uint32_t
evidence_removed(struct explaining *x)
{
	const struct owner *o = x->owner;
	uint32_t package;

	if (x->c->kind != CHANGE_REMOVED ||
	    (o != NULL &&
	     ((o->flags & OWNER_LINK) != 0 || is_installed(x->p, o->package))))
		return NO_PACKAGE;
	if (o != NULL)
		return folder_changed_at(x, NO_PACKAGE) != NO_PACKAGE
			       ? o->package
			       : NO_PACKAGE;
	package = gone_with(x);
	return package != NO_PACKAGE ? package : unmade(x);
}

/* ---- links ----------------------------------------------------------- */

void
packages_resolve(struct view dir, struct view target, struct buf *out)
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

/* Where the link leads, as packages say it; VIEW_NONE if it is no link. */
static struct view
target_of(struct explaining *x)
{
	if (x->c->now == NULL || !S_ISLNK(x->c->now->mode))
		return VIEW_NONE;
	packages_resolve(x->c->dir, x->c->now->target, &x->target);
	return x->target.failed ? VIEW_NONE
				: packages_merged(x->p, buf_view(&x->target),
						  &x->merged);
}

/* A package's own new link may lead to any package's file, a changed one to
 * the same package's. */
uint32_t
evidence_link(struct explaining *x)
{
	struct view target = target_of(x);
	const struct owner *o = x->owner, *to = packages_find(x->p, target);

	/* rpm records where it leads. */
	if (target.n == 0 || to == NULL || o == NULL ||
	    (o->flags & OWNER_LINK) != 0 || x->p->v[o->package].stem.n == 0 ||
	    !explaining_plain(x, o->package))
		return NO_PACKAGE;
	return o->package == to->package || x->c->kind == CHANGE_ADDED
		       ? o->package
		       : NO_PACKAGE;
}

/* Where update-alternatives(1) has noted that it leads. */
uint32_t
evidence_alternative(struct explaining *x)
{
	struct view target = target_of(x);
	const struct owner *to = packages_find(x->p, target);

	if (target.n == 0 || x->owner == NULL ||
	    (x->owner->flags & OWNER_LINK) == 0 || to == NULL ||
	    !packages_has_pair(x->p, x->path, buf_view(&x->target)) ||
	    !explaining_plain(x, x->owner->package))
		return NO_PACKAGE;
	return to->package;
}

/* /etc/rc3.d/S01cron leads to …/cron, update-rc.d(8). */
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

/* Where deb-systemd-helper(1p) has noted that it leads. */
uint32_t
evidence_enabled(struct explaining *x)
{
	struct view target = target_of(x);
	const struct owner *to = packages_find(x->p, target);
	bool noted;

	if (target.n == 0 || to == NULL)
		return NO_PACKAGE;
	noted = x->owner != NULL && (x->owner->flags & OWNER_LINK) != 0 &&
		packages_has_pair(x->p, x->path, path_name(target));
	if (!noted &&
	    (!is_boot_link(x->c, target) ||
	     !packages_changed_at(x->p, NO_PACKAGE, x->c->now->ctime_ns)))
		return NO_PACKAGE;
	return explaining_plain(x, to->package) ? to->package : NO_PACKAGE;
}

/* ---- all of it ------------------------------------------------------- */

bool
packages_evidence_verified(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(evidence) && word != NULL; i++)
		if (strcmp(evidence[i].word, word) == 0)
			return evidence[i].verified;
	return false;
}

bool
packages_explain(struct packages *p, struct change *c)
{
	struct explaining x = { .p = p, .c = c };
	struct buf path = { 0 };
	uint32_t package = NO_PACKAGE;

	packages_load(p);
	c->explained = VIEW("");
	c->evidence = NULL;
	change_path(&path, c->dir, c->name);
	x.path = buf_view(&path);
	x.owner = packages_find(p, x.path);
	for (size_t i = 0; i < ARRAY_LEN(evidence) && !path.failed; i++) {
		package = evidence[i].function(&x);
		if (package == NO_PACKAGE)
			continue;
		c->explained = p->v[package].name;
		c->evidence = evidence[i].word;
		break;
	}
	buf_free(&path);
	buf_free(&x.target);
	buf_free(&x.merged);
	return package != NO_PACKAGE;
}
