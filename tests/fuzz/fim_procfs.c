/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One process as /proc shows it, of which that process itself has chosen much:
 * its name, arguments, environment and memory, and by prctl(2), PR_SET_MM,
 * where the kernel looks for them: the input is cut into `files`. No more is
 * taken than was asked for, and credentials that are not said are not known.
 */
#include "fim/procfs.h"
#include "fim/sensor_bpf.h"
#include "tests/fuzz/folder_help.h"

#define ARGS_MAX_BYTES 64u

static const struct folder_file files[] = {
	{ 'S', "stat" }, { 'T', "status" },  { 'A', "auxv" },
	{ 'M', "mem" },	 { 'C', "cmdline" }, { 'E', "environ" },
};

static void
begin(void)
{
	folder_make();
	check(symlinkat("/gone (deleted)", folder_fd, "exe") == 0);
}

static void
check_creds(struct arena *arena)
{
	struct event_proc p = { 0 };
	bool there = faccessat(folder_fd, "status", F_OK, 0) == 0;

	procfs_status(folder_fd, &p, arena);
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
	struct view input = { (const char *)data, n };
	struct event e = { .pidfd = -1 };
	struct procfs_stat more = { 0 };
	struct arena arena = { 0 };

	if (folder_fd < 0)
		begin();
	folder_fill(files, ARRAY_LEN(files), input);
	if (procfs_stat(folder_fd, &e, &more, &arena))
		use(e.exec.comm);
	check_creds(&arena);
	check(procfs_image(folder_fd, &config, &e, &arena)); /* it has an exe */
	check(view_eq(e.exec.image, VIEW("/gone")));
	check(e.exec.args.n <= ARGS_MAX_BYTES);
	check(e.exec.argc <= ARGS_MAX_BYTES);
	check(e.exec.env.n <= WIRE_ENV_MAX);
	check(view_find(e.exec.given, '\0') < 0);
	use(e.exec.args);
	use(e.exec.given);
	use(e.exec.env);
	arena_free(&arena);
	folder_clear(files, ARRAY_LEN(files));
	return 0;
}
