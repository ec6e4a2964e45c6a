/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder that a fuzz target fills from each input, in memory where there is
 * /dev/shm; gone at exit with all that is in it. */
#ifndef TESTS_FUZZ_FOLDER_HELP_H
#define TESTS_FUZZ_FOLDER_HELP_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_help.h"

static char folder[] = "/dev/shm/tocsin-fuzz-XXXXXX";
static int folder_fd = -1; /* until folder_make() */

static inline int
folder_remove_one(const char *path, const struct stat *st, int type,
		  struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void
folder_remove(void)
{
	nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Once, before the first input. */
static inline void
folder_make(void)
{
	if (mkdtemp(folder) == NULL) {
		memcpy(folder, "/tmp/tocsin-fuzz-XXXXXX",
		       sizeof("/tmp/tocsin-fuzz-XXXXXX"));
		check(mkdtemp(folder) != NULL);
	}
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(folder_fd >= 0);
	atexit(folder_remove);
}

static inline void
folder_put(const char *name, struct view bytes)
{
	int fd = openat(folder_fd, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && fd_write_all(fd, bytes) == 0);
	close(fd);
}

/* ---- several files from one input ------------------------------------ */

struct folder_file {
	char letter;
	const char *name;
};

/* The input is cut at bytes 0x1e (ASCII's record separator); the first byte of
 * each piece is the letter of the file that the rest of it becomes. */
static inline void
folder_fill(const struct folder_file *files, size_t n, struct view input)
{
	struct view piece;

	while (view_next_split(&input, 0x1e, &piece))
		for (size_t i = 0; i < n; i++)
			if (piece.n > 0 && piece.p[0] == files[i].letter)
				folder_put(files[i].name,
					   view_sub(piece, 1, SIZE_MAX));
}

static inline void
folder_clear(const struct folder_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		unlinkat(folder_fd, files[i].name, 0);
}

#endif
