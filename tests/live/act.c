/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The actor of the live tests: copied under any name, it does what the
 * environment tells it and leaves its arguments to the test, since rules look
 * at them. ACT holds one act a line, words separated by tabs; a program that
 * it starts gets ACT_1 as its ACT, and so on down to ACT_3. With ACT_LOG it
 * first notes "TAG PID PPID NAME" there, so that the test knows who acted.
 *
 * Descriptors: connect leaves its socket in `sock`, which send, recv, dup and
 * close use.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define WORDS_MAX 24

static int sock = -1;

static void
fail(const char *what, const char *which)
{
	fprintf(stderr, "act: %s %s: %s\n", what, which, strerror(errno));
	exit(99);
}

static void
check(bool good, const char *what, const char *which)
{
	if (!good)
		fail(what, which);
}

static long
number(const char *word)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (*word == '\0' || *end != '\0') {
		errno = EINVAL;
		fail("number", word);
	}
	return n;
}

/* Path given to execve: what process.name is made of. */
static const char *
own_name(void)
{
	const char *path = (const char *)getauxval(AT_EXECFN);
	const char *slash = path == NULL ? NULL : strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void
note_self(void)
{
	const char *log = getenv("ACT_LOG"), *tag = getenv("ACT_TAG");
	int fd;

	if (log == NULL || *log == '\0' || tag == NULL)
		return;
	fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC);
	check(fd >= 0, "open", log);
	dprintf(fd, "%s %d %d %s\n", tag, getpid(), getppid(), own_name());
	close(fd);
}

/* The child's acts are what the parent was given one level down. */
static void
descend(void)
{
	static const char *const levels[] = { "ACT", "ACT_1", "ACT_2",
					      "ACT_3" };

	for (int i = 0; i < 3; i++) {
		const char *next = getenv(levels[i + 1]);

		if (next != NULL)
			setenv(levels[i], next, 1);
		else
			unsetenv(levels[i]);
	}
	unsetenv(levels[3]);
}

/* ---- files ----------------------------------------------------------- */

static void
write_text(int fd, const char *path, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	check(write(fd, text == NULL ? "" : text, n) == (ssize_t)n, "write",
	      path);
	close(fd);
}

static void
act_create(char **w)
{
	int fd = open(w[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	check(fd >= 0, "create", w[1]);
	write_text(fd, w[1], w[2]);
}

static void
act_write(char **w)
{
	int fd = open(w[1], O_WRONLY | O_TRUNC | O_CLOEXEC);

	check(fd >= 0, "write", w[1]);
	write_text(fd, w[1], w[2]);
}

static void
act_append(char **w)
{
	int fd = open(w[1], O_WRONLY | O_APPEND | O_CLOEXEC);

	check(fd >= 0, "append", w[1]);
	write_text(fd, w[1], w[2]);
}

/* A file without a name that then gets one: open(2), O_TMPFILE. */
static void
act_tmpfile(char **w)
{
	char self[64], dir[4096];
	char *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", w[1]);
	slash = strrchr(dir, '/');
	check(slash != NULL, "tmpfile", w[1]);
	*slash = '\0';
	fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
	check(fd >= 0, "tmpfile in", dir);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	check(w[2] == NULL || write(fd, w[2], strlen(w[2])) > 0, "write", w[1]);
	check(linkat(AT_FDCWD, self, AT_FDCWD, w[1], AT_SYMLINK_FOLLOW) == 0,
	      "linkat", w[1]);
	close(fd);
}

static void
act_rename(char **w)
{
	check(rename(w[1], w[2]) == 0, "rename", w[2]);
}

static void
act_link(char **w)
{
	check(link(w[1], w[2]) == 0, "link", w[2]);
}

static void
act_symlink(char **w)
{
	check(symlink(w[1], w[2]) == 0, "symlink", w[2]);
}

static void
act_fifo(char **w)
{
	check(mkfifo(w[1], 0644) == 0, "mkfifo", w[1]);
}

static void
act_mkdir(char **w)
{
	check(mkdir(w[1], 0755) == 0, "mkdir", w[1]);
}

static void
act_unlink(char **w)
{
	check(unlink(w[1]) == 0, "unlink", w[1]);
}

static void
act_chmod(char **w)
{
	check(chmod(w[1], 0755) == 0, "chmod", w[1]);
}

/* files N PREFIX: PREFIX0 … as fast as one process can. */
static void
act_files(char **w)
{
	char path[4096];

	for (long i = 0, n = number(w[1]); i < n; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s%ld", w[2], i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		check(fd >= 0, "create", path);
		close(fd);
	}
}

/* ---- network --------------------------------------------------------- */

static socklen_t
address(const char *ip, const char *port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *four = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET6, ip, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)number(port));
		if (IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) ||
		    IN6_IS_ADDR_MULTICAST(&six->sin6_addr))
			six->sin6_scope_id = 1; /* lo, always the first */
		return sizeof(*six);
	}
	check(inet_pton(AF_INET, ip, &four->sin_addr) == 1, "address", ip);
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)number(port));
	return sizeof(*four);
}

static int
socket_of(const char *proto, int family)
{
	int type = strcmp(proto, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;

	return socket(family, type | SOCK_CLOEXEC, 0);
}

static void
act_connect(char **w)
{
	struct sockaddr_storage ss;
	socklen_t n = address(w[2], w[3], &ss);

	sock = socket_of(w[1], ss.ss_family);
	check(sock >= 0, "socket", w[1]);
	/* Refused is an attempt all the same. */
	check(connect(sock, (struct sockaddr *)&ss, n) == 0 ||
		      errno == ECONNREFUSED,
	      "connect", w[2]);
}

/* UDP without connect(2). */
static void
act_sendto(char **w)
{
	struct sockaddr_storage ss;
	socklen_t n = address(w[1], w[2], &ss);

	sock = socket_of("udp", ss.ss_family);
	check(sock >= 0, "socket", "udp");
	check(sendto(sock, "x", 1, 0, (struct sockaddr *)&ss, n) == 1, "sendto",
	      w[1]);
}

/* recv [FD]: until the peer closes. */
static void
act_recv(char **w)
{
	int fd = w[1] == NULL ? sock : (int)number(w[1]);
	char bytes[512];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

static void
act_dup(char **w)
{
	check(dup2(sock, (int)number(w[1])) >= 0, "dup", w[1]);
}

static void
act_close(char **w)
{
	(void)w;
	close(sock);
	sock = -1;
}

/* serve PROTO ADDRESS PORT [MS]: swallows what comes, for ever; TCP clients
 * are closed when they close, or after that time. */
static void
act_serve(char **w)
{
	struct sockaddr_storage ss;
	socklen_t n = address(w[2], w[3], &ss);
	int on = 1, fd = socket_of(w[1], ss.ss_family);
	bool tcp = strcmp(w[1], "tcp") == 0;
	char bytes[4096];

	check(fd >= 0, "socket", w[1]);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	check(bind(fd, (struct sockaddr *)&ss, n) == 0, "bind", w[2]);
	check(!tcp || listen(fd, 128) == 0, "listen", w[2]);
	printf("serving\n");
	fflush(stdout);
	for (;;) {
		int peer = tcp ? accept(fd, NULL, NULL) : -1;

		if (!tcp) {
			check(recv(fd, bytes, sizeof(bytes), 0) >= 0, "recv",
			      w[2]);
			continue;
		}
		while (w[4] == NULL && read(peer, bytes, sizeof(bytes)) > 0)
			;
		if (w[4] != NULL)
			usleep((useconds_t)number(w[4]) * 1000);
		close(peer);
	}
}

/* ---- processes ------------------------------------------------------- */

static void
wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static void
act_exec(char **w)
{
	descend();
	execv(w[1], w + 2);
	fail("exec", w[1]);
}

/* execveat(2) of a descriptor: the kernel calls the program /dev/fd/N. */
static void
act_fexec(char **w)
{
	int fd = open(w[1], O_RDONLY);

	check(fd >= 0, "open", w[1]);
	descend();
	syscall(SYS_execveat, fd, "", w + 2, environ, AT_EMPTY_PATH);
	fail("fexec", w[1]);
}

static void
act_spawn(char **w)
{
	pid_t pid = fork();

	check(pid >= 0, "fork", w[1]);
	if (pid == 0)
		act_exec(w);
	wait_for(pid);
}

/* spawn-as PID …: clone3(2) with set_tid gives the child a pid of our
 * choice, which is how a pid comes to be reused at once. */
static void
act_spawn_as(char **w)
{
	pid_t wanted = (pid_t)number(w[1]);
	struct clone_args args = { .exit_signal = SIGCHLD,
				   .set_tid = (uintptr_t)&wanted,
				   .set_tid_size = 1 };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	check(pid >= 0, "clone3 for pid", w[1]);
	if (pid == 0)
		act_exec(w + 1);
	wait_for((pid_t)pid);
}

/* The rest is done by a child; this process waits for it. */
static void
act_fork(char **w)
{
	pid_t pid = fork();

	(void)w;
	check(pid >= 0, "fork", "");
	if (pid == 0) {
		note_self();
		return;
	}
	wait_for(pid);
	exit(0);
}

/* The rest is done by a child whose parent is gone. */
static void
act_orphan(char **w)
{
	pid_t parent = getpid(), pid = fork();

	(void)w;
	check(pid >= 0, "fork", "");
	if (pid > 0)
		_exit(0);
	while (getppid() == parent)
		usleep(200);
	note_self();
}

/* storm N PATH NAME: N times start PATH with its number, wait for its end. */
static void
act_storm(char **w)
{
	for (long i = 0, n = number(w[1]); i < n; i++) {
		char text[24];
		char *argv[] = { w[3], text, NULL };
		pid_t pid;

		snprintf(text, sizeof(text), "%ld", i);
		errno = posix_spawn(&pid, w[2], NULL, NULL, argv, NULL);
		check(errno == 0, "spawn", w[2]);
		wait_for(pid);
	}
}

static void
act_sleep(char **w)
{
	usleep((useconds_t)number(w[1]) * 1000);
}

/* until PATH: that file is there; not for ever, nobody may make it. */
static void
act_until(char **w)
{
	for (int i = 0; i < 20000 && access(w[1], F_OK) != 0; i++)
		usleep(10000);
}

static void
act_uid(char **w)
{
	uid_t uid = (uid_t)number(w[1]);

	check(setresuid(uid, uid, uid) == 0, "setresuid", w[1]);
}

static void
act_chdir(char **w)
{
	check(chdir(w[1]) == 0, "chdir", w[1]);
}

static void
act_exit(char **w)
{
	_exit((int)number(w[1]));
}

static const struct act {
	const char *name;
	int words; /* at least, itself included */
	void (*run)(char **words);
} acts[] = {
	{ "create", 2, act_create },   { "write", 2, act_write },
	{ "append", 3, act_append },   { "tmpfile", 2, act_tmpfile },
	{ "rename", 3, act_rename },   { "link", 3, act_link },
	{ "symlink", 3, act_symlink }, { "fifo", 2, act_fifo },
	{ "mkdir", 2, act_mkdir },     { "unlink", 2, act_unlink },
	{ "chmod", 2, act_chmod },     { "files", 3, act_files },
	{ "connect", 4, act_connect }, { "sendto", 3, act_sendto },
	{ "recv", 1, act_recv },       { "dup", 2, act_dup },
	{ "close", 1, act_close },     { "serve", 4, act_serve },
	{ "exec", 3, act_exec },       { "fexec", 3, act_fexec },
	{ "spawn", 3, act_spawn },     { "spawn-as", 4, act_spawn_as },
	{ "fork", 1, act_fork },       { "orphan", 1, act_orphan },
	{ "storm", 4, act_storm },     { "sleep", 2, act_sleep },
	{ "uid", 2, act_uid },	       { "chdir", 2, act_chdir },
	{ "exit", 2, act_exit },       { "until", 2, act_until },
};

static void
do_line(char *line)
{
	char *words[WORDS_MAX + 1] = { 0 };
	int n = 0;

	for (char *rest = line; rest != NULL && n < WORDS_MAX;)
		words[n++] = strsep(&rest, "\t");
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (strcmp(acts[i].name, words[0]) == 0 && n >= acts[i].words) {
			acts[i].run(words);
			return;
		}
	}
	errno = EINVAL;
	fail("no such act:", words[0]);
}

int
main(void)
{
	const char *told = getenv("ACT");
	char *lines = told == NULL ? NULL : strdup(told);

	note_self();
	while (lines != NULL && *lines != '\0')
		do_line(strsep(&lines, "\n"));
	return 0;
}
