/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is given up is gone: each step in a child, and what the child may do
 * before and after. The child's exit code is the first wrong line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/confine.h"
#include "fim/sandbox.h"

#define WANT(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%d: %s (%s)\n", __LINE__, #condition, \
				strerror(errno));                              \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static void
in_child(void (*act)(void))
{
	pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0) {
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool
refused(long result)
{
	return result == -1 && errno == EPERM;
}

static void *
nothing(void *arg)
{
	return arg;
}

static bool
thread_works(void)
{
	pthread_t t;

	return pthread_create(&t, NULL, nothing, NULL) == 0 &&
	       pthread_join(t, NULL) == 0;
}

static void
deny_all(void)
{
	char *const none[] = { NULL };
	pid_t parent = getppid();
	int ends[2];
	char byte;

	WANT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	WANT(kill(parent, 0) == 0);
	WANT(sandbox_deny(SANDBOX_ALL) == 0);
	WANT(refused(execve("/bin/true", none, none)));
	WANT(refused(fork()));
	WANT(refused(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)));
	WANT(refused(kill(parent, SIGURG))); /* which does nothing */
	WANT(kill(parent, 0) == 0);
	WANT(refused(syscall(SYS_pidfd_getfd, -1, 0, 0)));
	WANT(refused(syscall(SYS_tgkill, parent, parent, 0)));
	WANT(refused(syscall(SYS_bpf, 0, NULL, 0)));
	WANT(refused(mount("none", "/", NULL, MS_REMOUNT, NULL)));
	WANT(refused(syscall(SYS_setresuid, -1, -1, -1)));
	WANT(refused(chmod("/nonexistent", 0)));
	WANT(refused(socket(AF_INET, SOCK_STREAM, 0)));
	WANT(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	/* What stays. */
	WANT(thread_works());
	WANT(send(ends[0], "x", 1, 0) == 1 && recv(ends[1], &byte, 1, 0) == 1);
	WANT(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
	WANT(open("/dev/null", O_RDONLY) >= 0);
}

static void
deny_some(void)
{
	char *const none[] = { NULL };

	WANT(sandbox_deny(SANDBOX_EXEC | SANDBOX_TRACE) == 0);
	WANT(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	WANT(kill(getppid(), SIGURG) == 0);
	WANT(syscall(SYS_pidfd_getfd, -1, 0, 0) == -1 && errno == EBADF);
	WANT(sandbox_deny(SANDBOX_SIGNAL) == 0); /* and more on top */
	WANT(refused(kill(getppid(), SIGURG)));
	WANT(refused(execve("/bin/true", none, none)));
}

static void
paths(void)
{
	char *const none[] = { NULL };
	char folder[] = "/tmp/tocsin-sandbox.XXXXXX";
	struct sandbox_path allowed[] = {
		{ folder, SANDBOX_WRITE },
		{ "/etc", SANDBOX_READ },
		{ "/nonexistent", SANDBOX_READ | SANDBOX_OPTIONAL },
	};
	int outside, got;

	WANT(mkdtemp(folder) != NULL && chdir(folder) == 0);
	outside = open("/dev/null", O_WRONLY);
	got = sandbox_paths(allowed, ARRAY_LEN(allowed));
	if (got == 1) {
		rmdir(folder);
		return; /* no Landlock here */
	}
	WANT(got == 0);
	WANT(open("/etc/passwd", O_RDONLY) >= 0);
	WANT(open("/etc/passwd", O_WRONLY) < 0 && errno == EACCES);
	WANT(open("/dev/null", O_WRONLY) < 0 && errno == EACCES);
	WANT(write(outside, "x", 1) == 1);
	WANT(open("a", O_WRONLY | O_CREAT, 0600) >= 0);
	WANT(rename("a", "b") == 0 && truncate("b", 0) == 0);
	WANT(symlink("/etc/passwd", "c") < 0 && errno == EACCES);
	WANT(open("/tmp/tocsin-sandbox-none", O_CREAT | O_WRONLY, 0600) < 0 &&
	     errno == EACCES);
	WANT(unlink("b") == 0);
	WANT(execve("/bin/true", none, none) < 0 && errno == EACCES);
}

static void
paths_absent(void)
{
	struct sandbox_path allowed = { "/nonexistent", SANDBOX_READ };
	int got = sandbox_paths(&allowed, 1);

	WANT(got == 1 || (got == -1 && errno == ENOENT));
	WANT(open("/etc/passwd", O_RDONLY) >= 0); /* nothing was taken */
}

static void
write_new(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	WANT(fd >= 0);
	WANT(write(fd, "x", 1) == 1 && fsync(fd) == 0 && close(fd) == 0);
}

/* What an engine that somebody has taken over tries. */
static void
forbidden(int given)
{
	char *const none[] = { NULL };
	pid_t parent = getppid();
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	WANT(open("/etc/shadow", O_RDONLY) < 0 &&
	     (errno == EACCES || errno == ENOENT));
	WANT(open("/etc/hostname", O_WRONLY | O_CREAT, 0600) < 0 &&
	     errno == EACCES);
	WANT(open("/proc/1/environ", O_RDONLY) < 0 && errno == EACCES);
	WANT(open("../tocsin-outside", O_WRONLY | O_CREAT, 0600) < 0 &&
	     errno == EACCES);
	/* By what it owns, and by what it was given. */
	WANT(refused(fchmod(given, 0666)));
	WANT(refused(chmod("/etc/passwd", 0666)));
	WANT(refused(utimensat(AT_FDCWD, "/etc/passwd", NULL, 0)));
	WANT(refused(fcntl(given, F_SETOWN, parent)));
	WANT(refused(fcntl(given, F_SETLEASE, F_RDLCK)));
	WANT(refused(fcntl(given, F_SETFL, O_ASYNC)));
	WANT(refused(ioctl(given, FIOSETOWN, &parent)));
	WANT(refused(socket(AF_INET, SOCK_STREAM, 0)));
	WANT(refused(socket(AF_UNIX, SOCK_DGRAM, 0)));
	WANT(refused(execve("/bin/true", none, none)));
	WANT(refused(fork()));
	WANT(refused(syscall(SYS_clone3, NULL, 0)));
	WANT(refused(syscall(SYS_ptrace, PTRACE_ATTACH, parent, 0, 0)));
	WANT(refused(syscall(SYS_process_vm_readv, parent, 0, 0, 0, 0, 0)));
	WANT(refused(syscall(SYS_pidfd_open, parent, 0)));
	WANT(refused(kill(parent, SIGURG)));
	WANT(refused(mount("none", "/", NULL, MS_REMOUNT, NULL)));
	WANT(refused(syscall(SYS_bpf, 0, NULL, 0)));
	WANT(refused(syscall(SYS_io_uring_setup, 1, NULL)));
	WANT(refused(syscall(SYS_setresuid, 0, 0, 0)));
	WANT(refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)));
	WANT(page != MAP_FAILED);
	WANT(refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)));
	WANT(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	     errno == EPERM);
}

static void
engine(void)
{
	char folder[] = "/tmp/tocsin-engine.XXXXXX";
	struct options options = { .command = COMMAND_watch };
	struct cmd_io io = { .notes = stderr };
	struct monitor m = { .options = &options, .io = &io };
	struct err err = { 0 };
	int given = open("/etc/passwd", O_RDONLY);
	void *memory;

	WANT(given >= 0);
	WANT(mkdtemp(folder) != NULL && chdir(folder) == 0);
	m.state_folder = folder;
	WANT(confine_engine(&m, &err) == 0);
	/* What it needs it has. */
	write_new("state");
	WANT(rename("state", "status") == 0 && unlink("status") == 0);
	/* Whether there is such a process can still be told. */
	WANT(kill(getppid(), 0) == 0 || errno == EPERM);
	WANT(kill(INT32_MAX, 0) == -1 && errno == ESRCH);
	memory = malloc(32 << 20);
	WANT(memory != NULL);
	free(memory);
	WANT(fcntl(given, F_SETFL, O_NONBLOCK) == 0);
	forbidden(given);
}

static uint64_t
effective(void)
{
	unsigned long long bits = ~0ull;
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "CapEff: %llx", &bits);
	if (f != NULL)
		fclose(f);
	return bits;
}

static void
drop(void)
{
	WANT(geteuid() != 0 || effective() != 0);
	WANT(sandbox_drop() == 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	WANT(sandbox_drop() == 0); /* needs nothing itself */
	WANT(refused(mount("none", "/tmp", "tmpfs", 0, NULL)));
}

static void
become(void)
{
	WANT(sandbox_become("no such user") == -1 && errno == ENOENT);
	if (geteuid() != 0)
		return;
	WANT(sandbox_become("nobody") == 0);
	WANT(getuid() != 0 && geteuid() == getuid() && getgroups(0, NULL) == 0);
	WANT(setuid(0) != 0);
}

static void
close_others(void)
{
	int fd = open("/dev/null", O_RDONLY);

	WANT(fd >= 3 && sandbox_close_others(3) == 0);
	WANT(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	WANT(fcntl(2, F_GETFD) >= 0);
}

#define CHILD(name)                           \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		in_child(name);               \
	}
CHILD(deny_all)
CHILD(deny_some)
CHILD(paths)
CHILD(paths_absent)
CHILD(drop)
CHILD(become)
CHILD(close_others)
CHILD(engine)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deny_all),
		cmocka_unit_test(test_deny_some),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_paths_absent),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_become),
		cmocka_unit_test(test_close_others),
		cmocka_unit_test(test_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
