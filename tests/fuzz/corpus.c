/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over files: every file of the folders named, once, and
 * every prefix of it that a cut connection or disk could leave. Stands in for
 * libFuzzer's main, so that any compiler can do it.
 */
#include "scan/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define INPUT_MAX (1u << 20)
#define PREFIXES 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A copy of its own for each run, so that reading past the end is noticed. */
static void
run_bytes(const char *bytes, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		abort();
	if (n > 0)
		memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void
run_file(int folder, const char *name)
{
	struct buf b = { 0 };
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd_read_all(fd, INPUT_MAX, &b) != 0) {
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
		exit(1);
	}
	close(fd);
	run_bytes(b.p, b.n);
	for (size_t i = 0; i < PREFIXES; i++)
		run_bytes(b.p, b.n * i / PREFIXES);
	buf_free(&b);
}

static unsigned
run_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	unsigned n = 0;

	if (d == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		run_file(dirfd(d), entry->d_name);
		n++;
	}
	closedir(d);
	return n;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	unsigned n = 0;

	for (int i = 1; i < argc; i++)
		n += run_folder(argv[i]);
	printf("corpus %s: %u files\n", slash != NULL ? slash + 1 : argv[0], n);
	return n == 0;
}
