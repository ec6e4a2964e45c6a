/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that a baseline's commands change on disk, failed or cut short at
 * every single step: the Nth call fails with ENOSPC, EIO or EINTR, writes half,
 * or is the last one before kill -9; N = 1, 2, … until the command succeeds.
 * After each the old generation counts or the new one, and nothing between.
 */
#undef _FORTIFY_SOURCE /* its inline functions get in the way */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/options.h"
#include "tests/unit/run_help.h"

#define DIED 77
#define STEPS_MAX 2000u

enum way {
	NO_SPACE,
	IO_ERROR,
	INTERRUPTED,
	HALF,
	DIE_BEFORE,
	DIE_AFTER,
	DIE_HALF,
	WAYS
};
static const int errors[WAYS] = { ENOSPC, EIO, EINTR, ENOSPC };

/* ---- the calls -------------------------------------------------------- */

static struct {
	bool on;
	unsigned at, count;
	enum way way;
	bool half_done; /* the call after the half fails */
} fault;

enum verdict { GO_ON, STRIKE, STRIKE_AFTER };

static enum verdict
judge(void)
{
	if (!fault.on || ++fault.count < fault.at ||
	    (fault.count > fault.at && !fault.half_done))
		return GO_ON;
	if (fault.half_done) {
		fault.half_done = false;
		errno = errors[HALF];
		return STRIKE;
	}
	switch (fault.way) {
	case DIE_BEFORE:
		_exit(DIED);
	case DIE_AFTER:
	case DIE_HALF:
		return STRIKE_AFTER;
	default:
		errno = errors[fault.way];
		return STRIKE;
	}
}

/* Half is for writes; of others nothing. */
static long
change(long nr, long a, long b, long c, long d, long e)
{
	enum verdict v = judge();
	long rc;

	if (v == STRIKE)
		return -1;
	rc = syscall(nr, a, b, c, d, e);
	if (v == STRIKE_AFTER)
		_exit(DIED);
	return rc;
}

static ssize_t
change_write(long nr, int fd, const void *p, size_t n, off_t at)
{
	enum verdict v = judge();

	if (v == STRIKE && fault.way == HALF && fault.count == fault.at &&
	    n > 1) {
		fault.half_done = true;
		return syscall(nr, fd, p, n / 2, at);
	}
	if (v == STRIKE)
		return -1;
	if (v == STRIKE_AFTER) {
		syscall(nr, fd, p, fault.way == DIE_HALF ? n / 2 : n, at);
		_exit(DIED);
	}
	return syscall(nr, fd, p, n, at);
}

/* Whatever a program does before a power cut counts; what counts here is the
 * order of what it does before kill -9, so nothing waits for a disk. */
static int
change_sync(void)
{
	switch (judge()) {
	case STRIKE:
		return -1;
	case STRIKE_AFTER:
		_exit(DIED);
	default:
		return 0;
	}
}

#define CHANGE(type, name, parameters, ...)       \
	type name parameters;                     \
	type name parameters                      \
	{                                         \
		return (type)change(__VA_ARGS__); \
	}

ssize_t
write(int fd, const void *p, size_t n)
{
	return change_write(SYS_write, fd, p, n, 0);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return change_write(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return change_write(SYS_pwrite64, fd, p, n, at);
}

int
fsync(int fd)
{
	(void)fd;
	return change_sync();
}

int
fdatasync(int fd)
{
	(void)fd;
	return change_sync();
}

int
syncfs(int fd)
{
	(void)fd;
	return change_sync();
}

CHANGE(int, ftruncate, (int fd, off_t n), SYS_ftruncate, fd, n, 0, 0, 0)
CHANGE(int, ftruncate64, (int fd, off_t n), SYS_ftruncate, fd, n, 0, 0, 0)
CHANGE(int, rename, (const char *a, const char *b), SYS_rename, (long)a,
       (long)b, 0, 0, 0)
CHANGE(int, renameat, (int a, const char *b, int c, const char *d),
       SYS_renameat, a, (long)b, c, (long)d, 0)
CHANGE(int, renameat2, (int a, const char *b, int c, const char *d, unsigned e),
       SYS_renameat2, a, (long)b, c, (long)d, e)
CHANGE(int, unlink, (const char *a), SYS_unlink, (long)a, 0, 0, 0, 0)
CHANGE(int, unlinkat, (int a, const char *b, int c), SYS_unlinkat, a, (long)b,
       c, 0, 0)
CHANGE(int, mkdir, (const char *a, mode_t b), SYS_mkdir, (long)a, b, 0, 0, 0)
CHANGE(int, mkdirat, (int a, const char *b, mode_t c), SYS_mkdirat, a, (long)b,
       c, 0, 0)
CHANGE(int, fchmod, (int a, mode_t b), SYS_fchmod, a, b, 0, 0, 0)
CHANGE(int, fchown, (int a, uid_t b, gid_t c), SYS_fchown, a, b, c, 0, 0)

static int
change_open(int dir, const char *path, int flags, mode_t mode)
{
	/* This host's packages have nothing to do with it, and take time. */
	if (strcmp(path, "/") == 0 &&
	    (flags & (O_PATH | O_NOFOLLOW)) == O_PATH) {
		errno = ENOENT;
		return -1;
	}
	if ((flags & O_CREAT) == 0)
		return (int)syscall(SYS_openat, dir, path, flags, mode);
	return (int)change(SYS_openat, dir, (long)path, flags, mode, 0);
}

#define OPEN(name)                                               \
	int name(const char *path, int flags, ...)               \
	{                                                        \
		va_list ap;                                      \
		va_start(ap, flags);                             \
		mode_t mode = va_arg(ap, mode_t);                \
		va_end(ap);                                      \
		return change_open(AT_FDCWD, path, flags, mode); \
	}
#define OPENAT(name)                                        \
	int name(int dir, const char *path, int flags, ...) \
	{                                                   \
		va_list ap;                                 \
		va_start(ap, flags);                        \
		mode_t mode = va_arg(ap, mode_t);           \
		va_end(ap);                                 \
		return change_open(dir, path, flags, mode); \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* ---- commands --------------------------------------------------------- */

static char folder[64];

/* In a child, so that every run begins alike. Its exit code. */
static int
command(const char *line, enum way way, unsigned at)
{
	char copy[256], *rest = copy, *argv[32] = { 0 };
	struct options o;
	struct cmd_io io = { .out = fopen("/dev/null", "w") };
	struct err err = { 0 };
	int argc = 0, status;
	pid_t pid;

	assert_true((size_t)snprintf(copy, sizeof(copy), "%s", line) <
		    sizeof(copy));
	while (argc < 31 && (argv[argc] = strsep(&rest, " ")) != NULL)
		argc++;
	assert_int_equal(options_read(&o, argc, argv, &err), 0);
	io.notes = io.out;
	pid = fork();
	if (pid == 0) {
		int code;

		fault.at = at;
		fault.way = way;
		fault.on = at > 0;
		code = o.command == COMMAND_key ? (int)cmd_key(&o, &io)
						: (int)cmd_baseline(&o, &io);
		/* An error is said, and a struck call was not the last word. */
		if (code >= EXIT_USAGE && io.err.n == 0)
			code = 99;
		_exit(fault.on && fault.count < fault.at ? code | 128 : code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	fclose(io.out);
	options_free(&o);
	err_free(&err);
	return WEXITSTATUS(status);
}

static int
quiet(const char *line)
{
	return command(line, 0, 0);
}

static void
put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, view_of(text)), 0);
	close(fd);
}

/* `n` lines that all differ. */
static void
put_lines(const char *name, unsigned n)
{
	struct buf text = { 0 };

	for (unsigned i = 1; i <= n; i++)
		buf_printf(&text, "%u\n", i);
	buf_putc(&text, '\0');
	assert_false(text.failed);
	put_file(name, text.p);
	buf_free(&text);
}

/* What `from` is, with all times. */
static void
copy(const char *from, const char *to)
{
	assert_int_equal(RUN("rm", "-rf", to), 0);
	assert_int_equal(RUN("cp", "-a", from, to), 0);
}

static bool
is_same(const char *a, const char *b)
{
	return RUN("cmp", "-s", a, b) == 0;
}

static int
setup(void **state)
{
	char config[256];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/tocsin-faults-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(mkdir("tree", 0755), 0);
	assert_int_equal(mkdir("tree/c", 0755), 0);
	put_file("tree/a", "one\n");
	put_file("tree/b", "two\n");
	put_lines("tree/c/d", 3000);
	assert_int_equal(symlink("a", "tree/l"), 0);
	snprintf(config, sizeof(config),
		 "{keep: ['%s/tree/**'], public_keys: [%s/pub]}\n", folder,
		 folder);
	put_file("c", config);
	assert_int_equal(quiet("tocsin key generate --unencrypted sec pub"), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	return RUN("rm", "-rf", folder);
}

/* ---- tests ------------------------------------------------------------ */

#define WITH " -q -c c -s state"
#define CHECK "tocsin baseline check" WITH
#define INIT "tocsin baseline init --key sec" WITH " tree"

/* Runs `line` after `before` again and again; judge_result judges its code. */
static void
strike_all(const char *name, void (*before)(void), const char *line,
	   void (*judge_result)(int code, enum way, unsigned at))
{
	unsigned runs = 0;

	for (int way = 0; way < WAYS; way++)
		for (unsigned at = 1;; at++, runs++) {
			int code;

			assert_true(at < STEPS_MAX);
			before();
			code = command(line, (enum way)way, at);
			judge_result(code & 127, (enum way)way, at);
			if ((code & 128) != 0)
				break; /* there is no Nth step */
		}
	print_message("%s: struck %u times\n", name, runs);
	assert_true(runs > 50);
}

static void
expect(bool ok, const char *what, int code, int check, enum way way,
       unsigned at)
{
	if (!ok)
		print_message("%s: way %d, step %u: code %d, check %d\n", what,
			      (int)way, at, code, check);
	assert_true(ok);
}

static void
judge_init(int code, enum way way, unsigned at)
{
	int check = quiet(CHECK);

	expect(code == 0 || code == EXIT_IO || code == DIED, "init", code,
	       check, way, at);
	expect(check == 0 || (code != 0 && check == EXIT_NO_BASELINE), "init",
	       code, check, way, at);
	/* And it goes on from there; each time would take long. */
	expect(at % 4 != 0 || (quiet(INIT) == 0 && quiet(CHECK) == 0), "again",
	       code, check, way, at);
}

static void
no_state(void)
{
	assert_int_equal(RUN("rm", "-rf", "state"), 0);
}

static void
test_init(void **state)
{
	(void)state;
	strike_all("init", no_state, INIT, judge_init);
}

static void
judge_accept(int code, enum way way, unsigned at)
{
	int check = quiet(CHECK);

	expect(code == 0 || code == EXIT_IO || code == DIED, "accept", code,
	       check, way, at);
	expect(check == 0 || (code != 0 && check == EXIT_CHANGED), "accept",
	       code, check, way, at);
	expect(quiet("tocsin baseline log --verify" WITH) == 0, "log", code,
	       check, way, at);
	expect(at % 4 != 0 ||
		       (quiet("tocsin baseline accept --reason x --key sec" WITH
			      " tree/a") == 0 &&
			quiet(CHECK) == 0),
	       "again", code, check, way, at);
}

static void
good_state(void)
{
	copy("good", "state");
}

static void
test_accept(void **state)
{
	(void)state;
	no_state();
	assert_int_equal(quiet(INIT), 0);
	copy("state", "good");
	assert_int_equal(unlink("tree/a"), 0);
	put_file("tree/a", "one\nmore\n");
	strike_all("accept", good_state,
		   "tocsin baseline accept --reason why --key sec" WITH
		   " tree/a",
		   judge_accept);
}

/* Files that are written before they get their name, and stayed. */
static bool
has_litter(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;
	bool has = false;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		has = has || view_starts(view_of(e->d_name), VIEW(".tocsin"));
	closedir(d);
	return has;
}

static void
judge_restore(int code, enum way way, unsigned at)
{
	bool old = is_same("tree/c/d", "old");
	bool changed = is_same("tree/c/d", "new");

	expect(code == 0 || code == EXIT_IO || code == DIED, "restore", code,
	       old, way, at);
	expect(old || (changed && code != 0), "restore", code, old, way, at);
	/* Only who is killed leaves something behind. */
	expect(code == DIED || !has_litter("tree/c"), "litter", code, old, way,
	       at);
	expect(quiet("tocsin baseline log --verify" WITH) == 0, "log", code,
	       old, way, at);
}

static void
changed_file(void)
{
	good_state();
	/* With what a kill may have left. */
	assert_int_equal(RUN("rm", "-rf", "tree/c"), 0);
	assert_int_equal(mkdir("tree/c", 0755), 0);
	assert_int_equal(RUN("cp", "new", "tree/c/d"), 0);
}

static void
test_restore(void **state)
{
	(void)state;
	no_state();
	assert_int_equal(quiet(INIT), 0);
	copy("state", "good");
	copy("tree/c/d", "old");
	put_lines("new", 7);
	strike_all("restore", changed_file,
		   "tocsin baseline restore" WITH " tree/c/d", judge_restore);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_init, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restore, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
