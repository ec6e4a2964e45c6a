/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Write, sync, rename, sync the folder. */
#include "baselines/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name of its own length, since NAME may already have the most. */
#define NAME_BYTES sizeof(".tocsin-0123456789abcdef")
#define ATTEMPTS 16

struct target {
	int folder;
	const char *name; /* within it */
	char temporary[NAME_BYTES];
};

void
close_quietly(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static int
target_open(struct target *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	size_t n;

	t->name = slash != NULL ? slash + 1 : path;
	if (slash != NULL) {
		n = slash == path ? 1 : (size_t)(slash - path);
		if (n >= sizeof(folder)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(folder, path, n);
		folder[n] = '\0';
	}
	t->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return t->folder < 0 ? -1 : 0;
}

static int
temporary_open(struct target *t, mode_t mode)
{
	uint64_t number;
	int fd = -1;

	for (int i = 0; i < ATTEMPTS && fd < 0; i++) {
		if (getrandom(&number, sizeof(number), 0) !=
		    (ssize_t)sizeof(number))
			return -1;
		snprintf(t->temporary, sizeof(t->temporary), ".tocsin-%016llx",
			 (unsigned long long)number);
		fd = openat(t->folder, t->temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				    O_CLOEXEC | O_NOCTTY,
			    mode);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	return fd;
}

static int
temporary_fill(int fd, enum atomic_how how, struct view data)
{
	int result = fd_write_all(fd, data);

	if (result == 0 && how != ATOMIC_UNSYNCED)
		result = fsync(fd);

	if (result != 0) {
		close_quietly(fd);
		return -1;
	}
	return close(fd);
}

static int
put_in_place(const struct target *t, enum atomic_how how)
{
	if (how != ATOMIC_NEW)
		return renameat(t->folder, t->temporary, t->folder, t->name);
	if (renameat2(t->folder, t->temporary, t->folder, t->name,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* Not every file system can; linkat(2) replaces nothing, either. */
	if (linkat(t->folder, t->temporary, t->folder, t->name, 0) != 0)
		return -1;
	return unlinkat(t->folder, t->temporary, 0);
}

static int
target_write(struct target *t, mode_t mode, enum atomic_how how,
	     struct view data)
{
	int fd = temporary_open(t, mode);
	bool placed;
	int saved;

	if (fd < 0)
		return -1;
	placed =
		temporary_fill(fd, how, data) == 0 && put_in_place(t, how) == 0;
	if (placed && (how == ATOMIC_UNSYNCED || fsync(t->folder) == 0))
		return 0;
	saved = errno;
	/* What was new and may not last is not there. What was replaced is
	 * gone. */
	if (!placed || how == ATOMIC_NEW)
		unlinkat(t->folder, placed ? t->name : t->temporary, 0);
	errno = saved;
	return -1;
}

int
atomic_write(const char *path, mode_t mode, enum atomic_how how,
	     struct view data)
{
	struct target t;
	int result;

	if (target_open(&t, path) != 0)
		return -1;
	result = target_write(&t, mode, how, data);
	close_quietly(t.folder);
	return result;
}
