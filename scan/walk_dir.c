/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One folder of a walk: getdents64(2), names sorted as bytes. */
#include "scan/walk_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

int
walk_dir_add(struct walk_dir *d, struct view name, uint32_t type,
	     enum walk_choice choice)
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
	d->names[d->n++] = (struct walk_name){ copy.p, type, choice };
	return 0;
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(((const struct walk_name *)a)->p,
		      ((const struct walk_name *)b)->p);
}

void
walk_dir_sort(struct walk_dir *d)
{
	if (d->n > 1)
		qsort(d->names, d->n, sizeof(*d->names), name_cmp);
}

static int
take_name(struct walk_dir *d, const struct dirent64 *entry,
	  const struct walk_options *o)
{
	struct view name = view_of(entry->d_name);
	enum walk_choice choice = WALK_ALL;
	uint32_t type = (uint32_t)DTTOIF(entry->d_type);
	struct stat st;

	if (view_eq(name, VIEW(".")) || view_eq(name, VIEW("..")))
		return 0;
	/* Not every file system tells the type, getdents(2). */
	if (type == 0 && fstatat(d->fd, entry->d_name, &st,
				 AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0)
		type = st.st_mode & S_IFMT;
	if (o->choose != NULL)
		choice = o->choose(o->ctx, d->path, name, type);
	if (choice > o->most)
		choice = o->most;
	return choice == WALK_SKIP ? 0 : walk_dir_add(d, name, type, choice);
}

int
walk_dir_list(struct walk_dir *d, const struct walk_options *o)
{
	_Alignas(struct dirent64) char block[LIST_BYTES];
	long n;

	while ((n = syscall(SYS_getdents64, d->fd, block, sizeof(block))) > 0) {
		const struct dirent64 *entry;

		for (long at = 0; at < n; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(block + at);
			if (take_name(d, entry, o) != 0)
				return -1;
		}
	}
	if (n < 0)
		return -1;
	walk_dir_sort(d);
	return 0;
}
