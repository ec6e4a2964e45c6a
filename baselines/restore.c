/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting things back. */
#include "baselines/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "baselines/compare.h"

#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define KEPT_FLAGS (FS_IMMUTABLE_FL | FS_APPEND_FL)
#define NAME_BYTES sizeof(".tocsin-0123456789abcdef")

struct restore {
	const struct baseline_item *item;
	int dir;
	struct walk_entry now;
	struct buf text; /* of `now` */
	char temporary[NAME_BYTES];
	struct err *err;
};

static int
fail(struct restore *r, const char *what)
{
	struct buf path = { 0 };
	int saved = errno;

	change_path(&path, r->item->e.dir, r->item->e.name);
	buf_putc(&path, '\0');
	err_add(r->err, (struct place){ .file = path.failed ? "" : path.p },
		"%s: %s", what, strerror(saved));
	buf_free(&path);
	errno = saved;
	return -1;
}

/* ---- attributes ------------------------------------------------------ */

/* Of an open file; of a link by its name below /proc/self/fd. */
struct place_of {
	int fd;
	const char *path;
};

static int
set_xattr(const struct place_of *p, const struct walk_xattr *x)
{
	if (p->fd >= 0)
		return fsetxattr(p->fd, x->name.p, x->value.p, x->value.n, 0);
	return lsetxattr(p->path, x->name.p, x->value.p, x->value.n, 0);
}

static int
remove_xattr(const struct place_of *p, const char *name)
{
	return p->fd >= 0 ? fremovexattr(p->fd, name)
			  : lremovexattr(p->path, name);
}

static bool
has_xattr(struct view list, const struct walk_xattr *wanted, bool same)
{
	struct walk_xattr x;

	while (walk_next_xattr(&list, &x))
		if (view_eq(x.name, wanted->name))
			return !same || (view_eq(x.value, wanted->value) &&
					 x.is_digest == wanted->is_digest);
	return false;
}

/* `there`: what it has now. */
static int
set_xattrs(const struct place_of *p, struct view wanted, struct view there)
{
	struct view rest = there;
	struct walk_xattr x;

	while (walk_next_xattr(&rest, &x))
		if (!has_xattr(wanted, &x, false) &&
		    remove_xattr(p, x.name.p) != 0 && errno != ENODATA)
			return -1;
	rest = wanted;
	while (walk_next_xattr(&rest, &x)) {
		if (has_xattr(there, &x, true) &&
		    !view_eq(x.name, VIEW("security.capability")))
			continue;
		if (x.is_digest) {
			errno = ENODATA; /* too large to be kept */
			return -1;
		}
		if (set_xattr(p, &x) != 0)
			return -1;
	}
	return 0;
}

static struct timespec
time_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SEC),
				  .tv_nsec = (long)(ns % NS_PER_SEC) };
}

/* The owner first: changing it clears setuid bits and capabilities
 * (chown(2)); an ACL sets group bits, so the mode comes after it. */
static int
set_attributes(struct restore *r, int fd, struct view there)
{
	const struct walk_entry *e = &r->item->e;
	const struct place_of p = { .fd = fd };
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
					   time_of(e->mtime_ns) };

	if (fchown(fd, e->uid, e->gid) != 0)
		return fail(r, "the owner cannot be set");
	if (set_xattrs(&p, e->xattrs, there) != 0)
		return fail(r, "extended attributes cannot be set");
	if (fchmod(fd, e->mode & 07777) != 0)
		return fail(r, "the mode cannot be set");
	if (!S_ISDIR(e->mode) && futimens(fd, times) != 0)
		return fail(r, "the time cannot be set");
	return 0;
}

static int
set_flags(int fd, uint32_t wanted)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return wanted == 0 ? 0 : -1;
	if (((uint32_t)flags & KEPT_FLAGS) == wanted)
		return 0;
	flags = (int)(((uint32_t)flags & ~(uint32_t)KEPT_FLAGS) | wanted);
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* An immutable file can be neither changed nor replaced. */
static int
clear_flags(struct restore *r)
{
	int fd, rc;

	if (r->now.flags == 0)
		return 0;
	fd = openat(r->dir, r->now.name.p, O_RDONLY | OPEN_FLAGS);
	if (fd < 0)
		return fail(r, "it cannot be opened");
	rc = set_flags(fd, 0);
	close_quietly(fd);
	return rc == 0 ? 0 : fail(r, "its flags cannot be cleared");
}

/* ---- in place -------------------------------------------------------- */

static int
fix_in_place(struct restore *r)
{
	const struct walk_entry *e = &r->item->e;
	int fd, rc;

	if (clear_flags(r) != 0)
		return -1;
	fd = openat(r->dir, e->name.p,
		    O_RDONLY | OPEN_FLAGS |
			    (S_ISDIR(e->mode) ? O_DIRECTORY : 0));
	if (fd < 0)
		return fail(r, "it cannot be opened");
	rc = set_attributes(r, fd, r->now.xattrs);
	if (rc == 0 && (set_flags(fd, e->flags) != 0 || fsync(fd) != 0))
		rc = fail(r, "its flags cannot be set");
	close_quietly(fd);
	return rc;
}

/* ---- anew ------------------------------------------------------------ */

static int
name_temporary(struct restore *r)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -1;
	snprintf(r->temporary, sizeof(r->temporary), ".tocsin-%016llx",
		 (unsigned long long)number);
	return 0;
}

static int
put_in_place(struct restore *r)
{
	if (clear_flags(r) != 0)
		return -1;
	if (renameat(r->dir, r->temporary, r->dir, r->item->e.name.p) != 0)
		return fail(r, errno == EISDIR ? "a folder is in its place, "
						 "move it away first"
					       : "it cannot be put in its "
						 "place");
	return fsync(r->dir) == 0 ? 0 : fail(r, "its folder cannot be synced");
}

static int
fill(struct restore *r, int fd, struct view content)
{
	if (fd_write_all(fd, content) != 0)
		return fail(r, "it cannot be written");
	if (set_attributes(r, fd, VIEW_NONE) != 0)
		return -1;
	if (fsync(fd) != 0)
		return fail(r, "it cannot be synced");
	if (put_in_place(r) != 0)
		return -1;
	return set_flags(fd, r->item->e.flags) == 0
		       ? 0
		       : fail(r, "its flags cannot be set");
}

static int
write_file(struct restore *r, struct objects *objects)
{
	struct buf content = { 0 };
	int fd, rc = -1;

	if (r->item->e.size > 0 &&
	    (!r->item->e.has_digest || objects == NULL ||
	     objects_get(objects, r->item->e.sha256, &content) != 0)) {
		errno = ENODATA;
		fail(r, "its content is not kept");
		buf_free(&content);
		errno = ENODATA;
		return -1;
	}
	fd = openat(r->dir, r->temporary,
		    O_RDWR | O_CREAT | O_EXCL | OPEN_FLAGS, 0600);
	if (fd < 0) {
		fail(r, "it cannot be written");
	} else {
		rc = fill(r, fd, buf_view(&content));
		close_quietly(fd);
	}
	buf_free(&content);
	return rc;
}

static int
make_link(struct restore *r)
{
	const struct walk_entry *e = &r->item->e;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
					   time_of(e->mtime_ns) };
	char path[64];
	const struct place_of p = { .fd = -1, .path = path };
	char *target = strndup(e->target.p, e->target.n);
	int rc = target == NULL ? -1 : symlinkat(target, r->dir, r->temporary);

	free(target);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", r->dir,
		 r->temporary);
	if (rc != 0 ||
	    fchownat(r->dir, r->temporary, e->uid, e->gid,
		     AT_SYMLINK_NOFOLLOW) != 0 ||
	    set_xattrs(&p, e->xattrs, VIEW_NONE) != 0 ||
	    utimensat(r->dir, r->temporary, times, AT_SYMLINK_NOFOLLOW) != 0)
		return fail(r, "the link cannot be made");
	return put_in_place(r);
}

static int
fill_folder(struct restore *r, int fd)
{
	if (set_attributes(r, fd, VIEW_NONE) != 0)
		return -1;
	if (fsync(fd) != 0)
		return fail(r, "it cannot be synced");
	if (renameat2(r->dir, r->temporary, r->dir, r->item->e.name.p,
		      RENAME_NOREPLACE) != 0 ||
	    fsync(r->dir) != 0)
		return fail(r, "it cannot be put in its place");
	return set_flags(fd, r->item->e.flags) == 0
		       ? 0
		       : fail(r, "its flags cannot be set");
}

static int
make_folder(struct restore *r)
{
	int fd, rc;

	if (r->now.has_stat) {
		errno = ENOTDIR;
		return fail(r, "something else is in the folder's place, move "
			       "it away first");
	}
	if (mkdirat(r->dir, r->temporary, 0700) != 0)
		return fail(r, "the folder cannot be made");
	fd = openat(r->dir, r->temporary, O_RDONLY | O_DIRECTORY | OPEN_FLAGS);
	if (fd < 0)
		return fail(r, "the folder cannot be opened");
	rc = fill_folder(r, fd);
	close_quietly(fd);
	return rc;
}

static int
make_node(struct restore *r)
{
	const struct walk_entry *e = &r->item->e;

	if (mknodat(r->dir, r->temporary, e->mode, e->rdev) != 0 ||
	    fchownat(r->dir, r->temporary, e->uid, e->gid,
		     AT_SYMLINK_NOFOLLOW) != 0 ||
	    fchmodat(r->dir, r->temporary, e->mode & 07777, 0) != 0)
		return fail(r, "it cannot be made");
	return put_in_place(r);
}

/* Is that name as the baseline has the file, and another file than the one in
 * our place? */
static bool
is_whole(struct restore *r, const struct walk_entry *there)
{
	const struct walk_entry *e = &r->item->e;
	uint8_t wanted[32], found[32];

	change_state(e, NULL, wanted);
	change_state(there, NULL, found);
	return there->has_digest && there->flags == 0 &&
	       memcmp(there->sha256, e->sha256, 32) == 0 &&
	       memcmp(wanted, found, sizeof(wanted)) == 0 &&
	       there->mtime_ns == e->mtime_ns &&
	       (!r->now.has_stat || there->inode != r->now.inode ||
		there->dev != r->now.dev);
}

static bool
link_to(struct restore *r, struct view path)
{
	struct walk_entry there = { 0 };
	struct buf text = { 0 };
	bool linked = false;

	walk_path_split(path, &there.dir, &there.name);
	there.dirfd = walk_open_folder(there.dir);
	if (there.dirfd < 0)
		return false;
	walk_look(&there, UINT64_MAX, &text);
	linked =
		there.has_stat && S_ISREG(there.mode) && is_whole(r, &there) &&
		linkat(there.dirfd, there.name.p, r->dir, r->temporary, 0) == 0;
	close(there.dirfd);
	buf_free(&text);
	return linked;
}

/* A name of a file that has others: 1 if it is one again, 0 if none of the
 * others will do, -1. */
static int
link_again(struct restore *r, const struct restore_from *from)
{
	if (r->item->e.nlink < 2)
		return 0;
	for (size_t i = 0; i < from->n_names; i++)
		if (link_to(r, from->names[i]))
			return put_in_place(r) == 0 ? 1 : -1;
	return 0;
}

static int
restore_file(struct restore *r, const struct restore_from *from, bool same)
{
	int linked = same && r->now.nlink >= r->item->e.nlink
			     ? 0
			     : link_again(r, from);

	if (linked != 0)
		return linked > 0 ? 0 : -1;
	return same ? fix_in_place(r) : write_file(r, from->objects);
}

static int
restore_by_kind(struct restore *r, const struct restore_from *from)
{
	const struct walk_entry *e = &r->item->e;
	bool same_type =
		r->now.has_stat && ((r->now.mode ^ e->mode) & S_IFMT) == 0;

	if (S_ISDIR(e->mode) && same_type)
		return fix_in_place(r);
	switch (e->mode & S_IFMT) {
	case S_IFREG:
		return restore_file(
			r, from,
			same_type && e->has_digest && r->now.has_digest &&
				memcmp(e->sha256, r->now.sha256, 32) == 0);
	case S_IFLNK:
		return make_link(r);
	case S_IFDIR:
		return make_folder(r);
	case S_IFSOCK:
		errno = ENOTSUP;
		return fail(r, "a socket is its program's to make");
	default:
		return make_node(r);
	}
}

static int
look(struct restore *r)
{
	r->dir = walk_open_folder(r->item->e.dir);
	if (r->dir < 0)
		return fail(r, "its folder cannot be opened");
	r->now = (struct walk_entry){ .dirfd = r->dir,
				      .dir = r->item->e.dir,
				      .name = r->item->e.name };
	walk_look(&r->now, UINT64_MAX, &r->text);
	return name_temporary(r) == 0 ? 0 : fail(r, "no random number");
}

int
restore_item(const struct baseline_item *item, const struct restore_from *from,
	     struct err *err)
{
	struct restore r = { .item = item, .dir = -1, .err = err };
	int saved, rc = look(&r);

	if (rc == 0)
		rc = restore_by_kind(&r, from);
	saved = errno;
	if (rc != 0 && r.dir >= 0)
		unlinkat(r.dir, r.temporary,
			 S_ISDIR(item->e.mode) ? AT_REMOVEDIR : 0);
	if (r.dir >= 0)
		close(r.dir);
	buf_free(&r.text);
	errno = saved;
	return rc;
}

int
restore_remove(struct view path, struct err *err)
{
	struct baseline_item item = { 0 };
	struct restore r = { .item = &item, .dir = -1, .err = err };
	int rc;

	walk_path_split(path, &item.e.dir, &item.e.name);
	rc = look(&r);
	if (rc == 0 && !r.now.has_stat) {
		errno = ENOENT;
		rc = fail(&r, "it is not there");
	}
	if (rc == 0)
		rc = clear_flags(&r);
	if (rc == 0 && (unlinkat(r.dir, item.e.name.p,
				 S_ISDIR(r.now.mode) ? AT_REMOVEDIR : 0) != 0 ||
			fsync(r.dir) != 0))
		rc = fail(&r, "it cannot be removed");
	if (r.dir >= 0)
		close_quietly(r.dir);
	buf_free(&r.text);
	return rc;
}
