/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exec, fork, exit, and what a process is at that moment. */
#include "tests/live/bpf_sensor.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct command {
	const char *path;
	char **argv, **env;
};

static int
do_exec(void *arg)
{
	const struct command *c = arg;

	execve(c->path, c->argv, c->env);
	return 99;
}

static void
test_exec(struct bench *b)
{
	char *argv[] = { "name", "\xff\xfe", "", NULL };
	char *env[] = { "OTHER=1", "SHORT=x y", "SHORTER=2", "LD_PRELOADX=3",
			NULL };
	struct command c = { "/usr/bin/true", argv, env };
	char cwd[4096];
	struct stat st;
	const struct event *e, *f;
	pid_t pid = run(b, do_exec, &c);

	e = seen_of(b, EVENT_EXEC, pid, 0);
	f = seen_of(b, EVENT_FORK, pid, 0);
	check(b, e != NULL && f != NULL, "exec: fork and exec are seen");
	if (e == NULL || f == NULL || stat(c.path, &st) != 0 ||
	    getcwd(cwd, sizeof(cwd)) == NULL)
		return;
	check(b, e->key.start_ns == f->key.start_ns && e->key.start_ns > 0,
	      "exec: the process keeps its identity");
	check(b, e->proc.parent.pid == (uint32_t)getpid(), "exec: parent");
	check(b,
	      view_eq(e->exec.given, VIEW("/usr/bin/true")) &&
		      view_eq(e->exec.image, VIEW("/usr/bin/true")),
	      "exec: path given, image");
	check(b,
	      view_eq(e->exec.args, VIEW("name\0\xff\xfe\0\0")) &&
		      e->exec.argc == 3 && !e->truncated,
	      "exec: arguments that are not UTF-8 and empty ones");
	check(b, view_eq(e->exec.env, VIEW("SHORT=x y\0")),
	      "exec: the environment variables asked for and no other");
	check(b, view_eq(e->exec.cwd, view_of(cwd)), "exec: directory");
	check(b, view_eq(e->exec.comm, VIEW("true")), "exec: comm");
	/* An overlay's inode does not count the links of its lower file. */
	check(b, e->exec.inode == st.st_ino && e->exec.nlink > 0,
	      "exec: inode and links");
	check(b,
	      e->proc.creds.euid == geteuid() && e->proc.pid_ns != 0 &&
		      e->proc.mnt_ns != 0,
	      "exec: user and namespaces");
}

/* argv of `bytes` bytes with their NULs, in `items` items. */
static void
test_args_of(struct bench *b, size_t bytes, size_t items, const char *what)
{
	size_t kept = bytes > 4096 ? 4096 : bytes;
	char **argv = calloc(items + 1, sizeof(*argv));
	char *env[] = { NULL };
	struct command c = { "/usr/bin/true", argv, env };
	char *all = malloc(bytes);
	const struct event *e;

	if (argv == NULL || all == NULL)
		abort();
	memset(all, 'a', bytes);
	for (size_t i = 0; i < items; i++) {
		argv[i] = all + i * (bytes / items);
		if (i > 0)
			argv[i][-1] = '\0';
	}
	all[bytes - 1] = '\0';
	e = seen_of(b, EVENT_EXEC, run(b, do_exec, &c), 0);
	check(b,
	      e != NULL && e->exec.argc == items &&
		      view_eq(e->exec.args, (struct view){ all, kept }) &&
		      e->truncated == (kept < bytes),
	      what);
	free(argv);
	free(all);
}

static void
test_env_of(struct bench *b, size_t n, size_t size, bool whole,
	    const char *what)
{
	char *argv[] = { "x", NULL };
	char **env = calloc(n + 2, sizeof(*env));
	struct command c = { "/usr/bin/true", argv, env };
	const struct event *e;

	if (env == NULL)
		abort();
	for (size_t i = 0; i < n; i++) {
		env[i] = malloc(size);
		if (env[i] == NULL)
			abort();
		memset(env[i], 'J', size);
		env[i][size - 1] = '\0';
		env[i][size / 2] = '=';
	}
	env[n] = "LD_PRELOAD=/tmp/x.so";
	e = seen_of(b, EVENT_EXEC, run(b, do_exec, &c), 0);
	check(b,
	      e != NULL && e->truncated == !whole &&
		      view_eq(e->exec.env,
			      whole ? VIEW("LD_PRELOAD=/tmp/x.so\0")
				    : VIEW_NONE),
	      what);
	for (size_t i = 0; i < n; i++)
		free(env[i]);
	free(env);
}

static int
exec_memfd(void *arg)
{
	char *argv[] = { "x", NULL }, *env[] = { NULL };
	int from = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
	int fd = (int)syscall(SYS_memfd_create, "evil", MFD_CLOEXEC);
	char buf[65536];
	ssize_t n;

	(void)arg;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)n) != n)
			return 98;
	syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
	return 99;
}

static void
test_memfd(struct bench *b)
{
	const struct event *e =
		seen_of(b, EVENT_EXEC, run(b, exec_memfd, NULL), 0);

	check(b,
	      e != NULL && e->exec.nlink == 0 &&
		      view_eq(e->exec.image, VIEW("/memfd:evil")) &&
		      view_starts(e->exec.given, VIEW("/dev/fd/")),
	      "exec: of a memfd");
}

static void
test_script(struct bench *b)
{
	char *argv[] = { "x", "arg", NULL }, *env[] = { NULL };
	struct command c = { "./script", argv, env };
	int fd = open(c.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	const struct event *e;

	if (fd < 0 || write(fd, "#!/bin/sh\nexit 5\n", 17) != 17)
		abort();
	close(fd);
	e = seen_of(b, EVENT_EXEC, run(b, do_exec, &c), 0);
	unlink(c.path);
	check(b,
	      e != NULL && view_eq(e->exec.given, VIEW("./script")) &&
		      view_eq(e->exec.interp, VIEW("/bin/sh")) &&
		      !view_ends(e->exec.image, VIEW("script")) &&
		      view_eq(e->exec.args, VIEW("/bin/sh\0./script\0arg\0")) &&
		      view_eq(e->exec.comm, VIEW("script")),
	      "exec: of a script by a relative path");
}

static int
do_exit(void *arg)
{
	return *(int *)arg;
}

static int
do_abort(void *arg)
{
	(void)arg;
	raise(SIGKILL);
	return 0;
}

static void
test_exit(struct bench *b)
{
	int code = 7;
	pid_t pid = run(b, do_exit, &code);
	const struct event *e = seen_of(b, EVENT_EXIT, pid, 0);

	check(b,
	      e != NULL && WIFEXITED(e->exit_code) &&
		      WEXITSTATUS(e->exit_code) == 7,
	      "exit: status");
	check(b,
	      seen_count(b, EVENT_FORK, pid) == 1 &&
		      seen_count(b, EVENT_EXEC, pid) == 0,
	      "fork: without exec");
	e = seen_of(b, EVENT_EXIT, run(b, do_abort, NULL), 0);
	check(b,
	      e != NULL && WIFSIGNALED(e->exit_code) &&
		      WTERMSIG(e->exit_code) == SIGKILL,
	      "exit: by a signal");
}

static void *
thread_exec(void *arg)
{
	char *argv[] = { "x", NULL }, *env[] = { NULL };

	(void)arg;
	execve("/usr/bin/true", argv, env);
	return NULL;
}

static void *
thread_idle(void *arg)
{
	return arg;
}

static int
do_threads(void *arg)
{
	pthread_t t[8];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (pthread_create(&t[i], NULL, thread_idle, NULL) != 0)
			return 98;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	if (arg == NULL)
		return 0;
	if (pthread_create(&t[0], NULL, thread_exec, NULL) != 0)
		return 98;
	pthread_join(t[0], NULL);
	return 99;
}

static void
test_threads(struct bench *b)
{
	pid_t pid = run(b, do_threads, NULL);

	check(b,
	      seen_count(b, EVENT_EXIT, pid) == 1 &&
		      seen_count(b, EVENT_FORK, pid) == 1,
	      "threads: one process, one end");
	pid = run(b, do_threads, b);
	check(b,
	      seen_count(b, EVENT_EXEC, pid) == 1 &&
		      seen_count(b, EVENT_EXIT, pid) == 1 &&
		      seen_of(b, EVENT_EXEC, pid, 0)->key.start_ns ==
			      seen_of(b, EVENT_FORK, pid, 0)->key.start_ns,
	      "threads: exec from a thread keeps the identity");
}

static bool
next_pid(const char *pid)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, pid, strlen(pid)) > 0;

	if (fd >= 0)
		close(fd);
	return good;
}

static void
test_pid_reuse(struct bench *b)
{
	int code = 0;
	uint64_t first = 0;
	const struct event *e;

	for (int i = 0; i < 2; i++) {
		if (!next_pid("20000")) {
			printf("SKIPPED - bpf: pids cannot be chosen here\n");
			return;
		}
		e = seen_of(b, EVENT_FORK, run(b, do_exit, &code), 0);
		if (e == NULL || e->key.pid != 20001)
			break;
		if (i == 1) {
			check(b, first != e->key.start_ns,
			      "identity: a reused pid is another process");
			return;
		}
		first = e->key.start_ns;
	}
	check(b, false, "identity: the pid was not reused");
}

static int
do_ids(void *arg)
{
	(void)arg;
	setsid();
	if (setresgid(11, 12, 13) != 0 || setresuid(21, 22, 23) != 0)
		return 98;
	return 0;
}

static void
test_ids(struct bench *b)
{
	pid_t pid = run(b, do_ids, NULL);
	const struct event *s = seen_of(b, EVENT_SESSION_CHANGE, pid, 0);
	const struct event *g = seen_of(b, EVENT_GID_CHANGE, pid, 0);
	const struct event *u = seen_of(b, EVENT_UID_CHANGE, pid, 0);

	check(b,
	      s != NULL && s->proc.sid == (uint32_t)pid &&
		      s->proc.parent.pid == (uint32_t)getpid(),
	      "change: session");
	check(b,
	      g != NULL && g->proc.creds.gid == 11 &&
		      g->proc.creds.egid == 12 && g->proc.creds.sgid == 13,
	      "change: group");
	check(b,
	      u != NULL && u->proc.creds.uid == 21 &&
		      u->proc.creds.euid == 22 && u->proc.creds.suid == 23,
	      "change: user");
	check(b, seen_count(b, EVENT_UID_CHANGE, pid) == 1,
	      "change: told once");
	pid = run(b, do_threads, NULL);
	check(b, seen_count(b, EVENT_UID_CHANGE, pid) == 0,
	      "change: none where nothing changed");
}

static int
do_container(void *arg)
{
	int status;
	pid_t pid;

	(void)arg;
	if (unshare(CLONE_NEWPID) != 0)
		return 98;
	pid = fork();
	if (pid == 0)
		_exit(0);
	return waitpid(pid, &status, 0) == pid ? 0 : 97;
}

static void
test_container(struct bench *b)
{
	pid_t pid = run(b, do_container, NULL);
	const struct event *found = NULL;

	for (const struct seen *s = b->first; s != NULL; s = s->next)
		if (s->e.kind == EVENT_FORK &&
		    s->e.proc.parent.pid == (uint32_t)pid)
			found = &s->e;
	check(b, found != NULL && found->proc.container && found->key.pid > 1,
	      "container: a process in a pid namespace below ours");
}

static int
do_create(void *arg)
{
	char *argv[] = { "x", NULL }, *env[] = { NULL };
	int fd = open(arg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return 98;
	close(fd);
	execve("/usr/bin/true", argv, env);
	return 99;
}

/* A queue that nobody reads: the name must come before the exec. */
static void
test_waiting(struct bench *b)
{
	char path[64];
	const struct event *name, *exec, *end;
	pid_t pid;

	if (b->queue_fd < 0) {
		printf("SKIPPED - bpf: fanotify does not work here\n");
		return;
	}
	snprintf(path, sizeof(path), "%s/waiting", b->watched);
	pid = run(b, do_create, path);
	name = seen_of(b, EVENT_NAME_ACT, pid, 0);
	exec = seen_of(b, EVENT_EXEC, pid, 0);
	end = seen_of(b, EVENT_EXIT, pid, 0);
	check(b,
	      name != NULL && exec != NULL && name->time_ns < exec->time_ns &&
		      view_eq(name->file.path, VIEW("waiting")),
	      "names: what waits to be read at exec is told before it");
	check(b, end != NULL && end->told,
	      "names: the end says that all was told");
	unlink(path);
}

void
test_processes(struct bench *b)
{
	test_exec(b);
	test_args_of(b, 4096, 3, "arguments: just as long as kept");
	test_args_of(b, 4097, 3, "arguments: one byte longer");
	test_args_of(b, 30000, 5000, "arguments: 5,000 of them");
	test_env_of(b, 20, 2000, true,
		    "environment: 40 kB before the variable");
	test_env_of(b, 2, 30000, true, "environment: very long variables");
	test_env_of(b, 600, 20, false, "environment: 600 variables are cut");
	test_memfd(b);
	test_script(b);
	test_exit(b);
	test_threads(b);
	test_pid_reuse(b);
	test_ids(b);
	test_container(b);
	test_waiting(b);
}
