/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc without the C library in between, and one of our own. */
#include "fim/hidden.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES_BYTES 65536u

int
proc_mount_own(void)
{
	int context = (int)syscall(SYS_fsopen, "proc", 1u /* CLOEXEC */);
	int fd = -1, error;

	if (context < 0)
		return -1;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL,
		    0) == 0)
		fd = (int)syscall(SYS_fsmount, context, 1u /* CLOEXEC */,
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					  MOUNT_ATTR_NOEXEC);
	error = errno;
	close(context);
	errno = error;
	return fd;
}

struct list {
	uint32_t *v;
	size_t n, cap;
};

static int
add(struct list *l, uint32_t pid)
{
	if (l->n == l->cap) {
		size_t cap = l->cap > 0 ? 2 * l->cap : 1024;
		uint32_t *v = reallocarray(l->v, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = pid;
	return 0;
}

static int
add_names(struct list *l, const char *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		const struct dirent64 *e = (const void *)(p + at);
		uint64_t pid;

		if (view_to_u64(view_of(e->d_name), &pid) && pid > 0 &&
		    pid <= INT32_MAX && add(l, (uint32_t)pid) != 0)
			return -1;
		at += e->d_reclen;
	}
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t *
proc_list(int proc, size_t *n)
{
	int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *entries = malloc(ENTRIES_BYTES);
	struct list l = { 0 };
	long got = -1;

	if (fd >= 0 && entries != NULL)
		while ((got = syscall(SYS_getdents64, fd, entries,
				      ENTRIES_BYTES)) > 0)
			if (add_names(&l, entries, (size_t)got) != 0) {
				got = -1;
				break;
			}
	free(entries);
	if (fd >= 0)
		close(fd);
	if (got == 0 && l.n == 0)
		errno = ENOENT; /* not even we are in there */
	if (got != 0 || l.n == 0) {
		free(l.v);
		return NULL;
	}
	qsort(l.v, l.n, sizeof(*l.v), by_number);
	*n = l.n;
	return l.v;
}
