/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floods, as somebody makes them who wants one act not to be seen: flood KIND
 * WORKERS FOLDER, until SIGTERM; then how many acts there were.
 *
 *	exec	programs that start and end
 *	env	the same with 40 kB of environment and 100 kB of arguments
 *	fork	processes that do nothing
 *	files	files made, written and removed in FOLDER
 *	renames	a file renamed back and forth in FOLDER
 *	deep	64 folders in one another below FOLDER, made and removed
 *	connect	UDP sockets that are connected and closed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENV_BYTES 40000
#define ARGS_BYTES 100000
#define DEPTH 64
#define WORKERS_MAX 64

struct flood {
	int worker;
	unsigned long n; /* acts so far */
	int folder;
	char **env, **args;
};

static char *const nothing[] = { NULL };

static void
spawn(char *const *args, char *const *env)
{
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, env) == 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

static void
flood_exec(struct flood *f)
{
	char *args[] = { "noise", "end", NULL };

	(void)f;
	spawn(args, nothing);
}

static void
flood_env(struct flood *f)
{
	spawn(f->args, f->env);
}

static void
flood_fork(struct flood *f)
{
	pid_t pid = fork();

	(void)f;
	if (pid == 0)
		_exit(0);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void
flood_files(struct flood *f)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "noise.%d.%lu", f->worker, f->n % 100);
	fd = openat(f->folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0 && write(fd, "x", 1) == 1)
		close(fd);
	unlinkat(f->folder, name, 0);
}

static void
flood_renames(struct flood *f)
{
	char a[64], b[64];

	snprintf(a, sizeof(a), "noise.%d.%lu", f->worker, f->n % 2);
	snprintf(b, sizeof(b), "noise.%d.%lu", f->worker, (f->n + 1) % 2);
	if (f->n == 0)
		close(openat(f->folder, a, O_WRONLY | O_CREAT, 0644));
	renameat(f->folder, a, f->folder, b);
}

static void
flood_deep(struct flood *f)
{
	char path[DEPTH * 8 + 32];
	size_t ends[DEPTH], n;

	n = (size_t)snprintf(path, sizeof(path), "noise%d", f->worker);
	for (int i = 0; i < DEPTH; i++) {
		mkdirat(f->folder, path, 0755);
		ends[i] = n;
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/deep%d", i);
	}
	for (int i = DEPTH - 1; i >= 0; i--) {
		path[ends[i]] = '\0';
		unlinkat(f->folder, path, AT_REMOVEDIR);
	}
}

static void
flood_connect(struct flood *f)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(1024 + f->n % 60000)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static const struct {
	const char *name;
	void (*act)(struct flood *);
} kinds[] = {
	{ "exec", flood_exec },	      { "env", flood_env },
	{ "fork", flood_fork },	      { "files", flood_files },
	{ "renames", flood_renames }, { "deep", flood_deep },
	{ "connect", flood_connect },
};

/* One string may have 128 KiB, MAX_ARG_STRLEN. */
static char **
heavy(size_t bytes)
{
	char **v = calloc(3, sizeof(*v));
	char *word = malloc(bytes + 1);

	if (v == NULL || word == NULL)
		exit(1);
	memset(word, 'x', bytes);
	memcpy(word, "NOISE=", 6);
	word[bytes] = '\0';
	v[0] = v[1] = word;
	return v;
}

static void
work(const char *kind, struct flood *f, volatile unsigned long *count)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	f->env = heavy(ENV_BYTES);
	f->args = heavy(ARGS_BYTES);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, kind) == 0)
			for (;; f->n++, *count = f->n)
				kinds[i].act(f);
	fprintf(stderr, "flood: no such kind: %s\n", kind);
	_exit(1);
}

int
main(int argc, char **argv)
{
	sigset_t stop;
	int came;
	pid_t pids[WORKERS_MAX];
	unsigned long *counts, sum = 0;
	int workers;
	char *end;

	if (argc != 4)
		return 0; /* one of the storm's */
	workers = (int)strtol(argv[2], &end, 10);
	if (*end != '\0' || workers < 1 || workers > WORKERS_MAX) {
		fprintf(stderr, "flood: 1 to %d workers, not %s\n", WORKERS_MAX,
			argv[2]);
		return 1;
	}
	/* However early it comes; workers are not asked. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	counts =
		mmap(NULL, WORKERS_MAX * sizeof(*counts),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 1;
	for (int i = 0; i < workers; i++) {
		struct flood f = {
			.worker = i,
			.folder = open(argv[3], O_PATH | O_DIRECTORY),
		};

		pids[i] = fork();
		if (pids[i] == 0)
			work(argv[1], &f, &counts[i]);
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigwait(&stop, &came);
	for (int i = 0; i < workers; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		sum += counts[i];
	}
	printf("%lu\n", sum);
	return 0;
}
