/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One folder of a walk: getdents64(2), names sorted as bytes. */
#include "scan/walk_dir.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LIST_BYTES (32u << 10)

struct walk_dir *
walk_dir_new(struct walk_dir *parent, struct view path, int fd)
{
	struct walk_dir *d = calloc(1, sizeof(*d));
	struct stat st = { 0 };
	int error = ENOMEM;

	if (d == NULL) {
		close(fd);
		errno = error;
		return NULL;
	}
	d->fd = fd;
	d->refs = 1;
	d->path = arena_copy(&d->arena, path);
	if (fd >= 0 && fstat(fd, &st) != 0)
		error = errno;
	else if (d->path.p != NULL)
		error = 0;
	d->dev = st.st_dev;
	d->inode = st.st_ino;
	if (error != 0) {
		walk_dir_put(d);
		errno = error;
		return NULL;
	}
	d->parent = parent;
	if (parent != NULL) {
		parent->refs++;
		d->depth = parent->depth + 1;
	}
	return d;
}

void
walk_dir_put(struct walk_dir *d)
{
	/* Not by recursion: the depth is an outsider's choice. */
	while (d != NULL && --d->refs == 0) {
		struct walk_dir *parent = d->parent;

		if (d->fd >= 0)
			close(d->fd);
		free(d->names);
		arena_free(&d->arena);
		free(d);
		d = parent;
	}
}

void
walk_dir_rest(struct walk_dir *d)
{
	/* One of the stack, one of its child. */
	if (d->fd < 0 || d->refs > 2)
		return;
	close(d->fd);
	d->fd = -1;
}

bool
walk_dir_resume(struct walk_dir *d, int child_fd)
{
	struct stat st;

	if (d->fd >= 0)
		return true;
	d->fd = openat(child_fd, "..",
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d->fd < 0)
		return false;
	if (fstat(d->fd, &st) == 0 && st.st_dev == d->dev &&
	    st.st_ino == d->inode)
		return true;
	close(d->fd);
	d->fd = -1;
	return false;
}

/* Of two names that differ in them, their order. */
static uint64_t
first_bytes(struct view name)
{
	uint64_t first = 0;

	memcpy(&first, name.p, name.n < sizeof(first) ? name.n : sizeof(first));
	return be64toh(first);
}

int
walk_dir_add(struct walk_dir *d, struct view name, uint32_t type)
{
	struct view copy;

	if (d->n == d->cap) {
		size_t cap = d->cap > 0 ? 2 * d->cap : 16;
		struct walk_name *v = reallocarray(d->names, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		d->names = v;
		d->cap = cap;
	}
	copy = arena_copy(&d->arena, name);
	if (copy.p == NULL) {
		errno = ENOMEM;
		return -1;
	}
	d->names[d->n++] = (struct walk_name){ .p = copy.p,
					       .first = first_bytes(name),
					       .n = (uint32_t)name.n,
					       .type = (uint16_t)type };
	return 0;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct walk_name *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return strcmp(x->p, y->p);
}

void
walk_dir_choose(struct walk_dir *d, const struct walk_options *o)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct walk_name name = d->names[i];
		enum walk_choice choice = o->most;

		if (o->choose != NULL)
			choice = o->choose(o->ctx, d->path,
					   (struct view){ name.p, name.n },
					   name.type);
		name.choice = (uint8_t)(choice < o->most ? choice : o->most);
		if (choice != WALK_SKIP)
			d->names[n++] = name;
	}
	d->n = n;
	if (d->n > 1)
		qsort(d->names, d->n, sizeof(*d->names), name_cmp);
}

static int
take_name(struct walk_dir *d, const struct dirent64 *entry)
{
	struct view name = view_of(entry->d_name);
	uint32_t type = (uint32_t)DTTOIF(entry->d_type);
	struct stat st;

	if (view_eq(name, VIEW(".")) || view_eq(name, VIEW("..")))
		return 0;
	/* Not every file system tells the type, getdents(2). */
	if (type == 0 && fstatat(d->fd, entry->d_name, &st,
				 AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
		type = st.st_mode & S_IFMT;
	return walk_dir_add(d, name, type);
}

int
walk_dir_list(struct walk_dir *d)
{
	_Alignas(struct dirent64) char block[LIST_BYTES];
	long n;

	while ((n = syscall(SYS_getdents64, d->fd, block, sizeof(block))) > 0) {
		const struct dirent64 *entry;

		for (long at = 0; at < n; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(block + at);
			if (take_name(d, entry) != 0)
				return -1;
		}
	}
	return n < 0 ? -1 : 0;
}

/* One piece of a path, which a system call takes. */
static int
open_below(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	/* Older than 5.6, or a sandbox that does not know it. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dirfd, name, (int)how.flags);
	return (int)fd;
}

/* Paths longer than PATH_MAX are gone through a piece at a time. */
int
walk_open_folder(struct view path)
{
	char *piece = malloc(PATH_MAX);
	int fd = AT_FDCWD;

	while (piece != NULL && (fd == AT_FDCWD || path.n > 0)) {
		struct view one = view_sub(path, 0, PATH_MAX - 1);
		int next = -1, saved;

		if (one.n < path.n)
			one.n = (size_t)(view_rfind(one, '/') + 1);
		errno = ENAMETOOLONG;
		if (one.n > 0) {
			memcpy(piece, one.p, one.n);
			piece[one.n] = '\0';
			next = open_below(fd, piece);
		}
		saved = errno;
		if (fd >= 0)
			close(fd);
		errno = saved;
		fd = next;
		if (fd < 0)
			break;
		path = view_sub(path, one.n, SIZE_MAX);
	}
	free(piece);
	return fd == AT_FDCWD ? -1 : fd;
}
