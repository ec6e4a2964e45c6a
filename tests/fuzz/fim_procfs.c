/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process as /proc shows it, of which that process itself has chosen much:
 * its name, arguments, environment and memory, and by prctl(2), PR_SET_MM,
 * where the kernel looks for them. The input is cut at bytes 0x1e; the first
 * byte of each piece says which file it is, see `files`. No more is taken than
 * was asked for, and credentials that are not said are not known.
 */
#include "fim/procfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/sensor_bpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ARGS_MAX_BYTES 64u

static const struct {
	char letter;
	const char *name;
} files[] = {
	{ 'S', "stat" }, { 'T', "status" },  { 'A', "auxv" },
	{ 'M', "mem" },	 { 'C', "cmdline" }, { 'E', "environ" },
};

static char folder[] = "/dev/shm/tocsin-fuzz-XXXXXX";
static int dir = -1;
static volatile unsigned char used;

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
clear(void)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlinkat(dir, files[i].name, 0);
}

static void
remove_folder(void)
{
	clear();
	unlinkat(dir, "exe", 0);
	rmdir(folder);
}

static void
begin(void)
{
	if (mkdtemp(folder) == NULL) {
		memcpy(folder, "/tmp/tocsin-fuzz-XXXXXX",
		       sizeof("/tmp/tocsin-fuzz-XXXXXX"));
		check(mkdtemp(folder) != NULL);
	}
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(dir >= 0 && symlinkat("/gone (deleted)", dir, "exe") == 0);
	atexit(remove_folder);
}

static void
put(struct view piece)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int fd;

		if (piece.n == 0 || piece.p[0] != files[i].letter)
			continue;
		fd = openat(dir, files[i].name,
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		check(fd >= 0 &&
		      fd_write_all(fd, view_sub(piece, 1, SIZE_MAX)) == 0);
		close(fd);
	}
}

static void
use(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		used = (unsigned char)(used + (unsigned char)v.p[i]);
}

static void
check_creds(struct arena *arena)
{
	struct event_proc p = { 0 };
	bool there = faccessat(dir, "status", F_OK, 0) == 0;

	procfs_status(dir, &p, arena);
	check(there || (p.creds.uid == ID_UNKNOWN && !p.container &&
			p.creds.cap_effective == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "LD_PRELOAD", "PATH" };
	const struct sensor_config config = { .max_args = ARGS_MAX_BYTES,
					      .env_names = names,
					      .n_env_names = 2 };
	struct view rest = { (const char *)data, n }, piece;
	struct event e = { .pidfd = -1 };
	struct procfs_stat more = { 0 };
	struct arena arena = { 0 };

	if (dir < 0)
		begin();
	while (view_next_split(&rest, 0x1e, &piece))
		put(piece);
	if (procfs_stat(dir, &e, &more, &arena))
		use(e.exec.comm);
	check_creds(&arena);
	check(procfs_image(dir, &config, &e, &arena)); /* it has an exe */
	check(view_eq(e.exec.image, VIEW("/gone")));
	check(e.exec.args.n <= ARGS_MAX_BYTES);
	check(e.exec.argc <= ARGS_MAX_BYTES);
	check(e.exec.env.n <= WIRE_ENV_MAX);
	check(view_find(e.exec.given, '\0') < 0);
	use(e.exec.args);
	use(e.exec.given);
	use(e.exec.env);
	arena_free(&arena);
	clear();
	return 0;
}
