/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing lost at full speed; what is lost at more than that is said. */
#include "tests/live/bpf_sensor.h"

#include "fim/hurry.h"

#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPAWNERS 2
#define SPAWNS 10000

struct storm {
	int n;
	char **argv;
};

static int
do_storm(void *arg)
{
	const struct storm *s = arg;
	char *env[] = { NULL };
	int status;
	pid_t pid;

	for (int i = 0; i < s->n; i++)
		if (posix_spawn(&pid, "/usr/bin/true", NULL, NULL, s->argv,
				env) != 0 ||
		    waitpid(pid, &status, 0) != pid || status != 0)
			return 98;
	return 0;
}

static void
start(struct storm *s, pid_t *pids, size_t n)
{
	fflush(stdout);
	for (size_t i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(do_storm(s));
		if (pids[i] < 0)
			abort();
	}
}

/* How many are still running. */
static size_t
reap(pid_t *pids, size_t n, bool *failed)
{
	size_t running = 0;
	int status;

	for (size_t i = 0; i < n; i++) {
		if (pids[i] > 0 &&
		    waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			*failed |= status != 0;
			pids[i] = 0;
		}
		running += pids[i] > 0;
	}
	return running;
}

static void
test_storm(struct bench *b)
{
	char *argv[] = { "true", NULL };
	struct storm s = { SPAWNS, argv };
	pid_t pids[SPAWNERS];
	bool failed = false;

	collect(b);
	forget(b);
	b->only_count = true;
	start(&s, pids, SPAWNERS);
	hurry_always(); /* as whoever reads it in earnest */
	while (reap(pids, SPAWNERS, &failed) > 0) {
		struct pollfd p = { sensor_bpf.fd(b->sensor), POLLIN, 0 };

		poll(&p, 1, 10);
		collect(b);
	}
	collect(b);
	printf("# %zu execs, %zu forks, %zu ends, %lu lost\n",
	       b->counts[EVENT_EXEC], b->counts[EVENT_FORK],
	       b->counts[EVENT_EXIT], (unsigned long)b->lost);
	check(b,
	      !failed && b->lost == 0 &&
		      b->counts[EVENT_EXEC] >= SPAWNERS * SPAWNS &&
		      b->counts[EVENT_FORK] >= SPAWNERS * (SPAWNS + 1) &&
		      b->counts[EVENT_EXIT] >= SPAWNERS * (SPAWNS + 1),
	      "volume: 20,000 forks, execs and ends, none lost");
	b->only_count = false;
	forget(b);
}

/* The reader sleeps while 3,000 × 4 KiB of arguments fill 8 MiB. */
static void
test_loss(struct bench *b)
{
	char *argv[] = { "true", NULL, NULL };
	struct storm s = { 3000, argv };
	bool failed = false;
	pid_t pid;
	size_t seen;

	argv[1] = malloc(4000);
	if (argv[1] == NULL)
		abort();
	memset(argv[1], 'a', 3999);
	argv[1][3999] = '\0';
	collect(b);
	forget(b);
	b->only_count = true;
	start(&s, &pid, 1);
	while (reap(&pid, 1, &failed) > 0)
		usleep(10000);
	collect(b);
	free(argv[1]);
	seen = b->counts[EVENT_EXEC] + b->counts[EVENT_FORK] +
	       b->counts[EVENT_EXIT];
	printf("# %zu seen, %lu lost, in %zu gaps\n", seen,
	       (unsigned long)b->lost, b->counts[EVENT_LOSS]);
	check(b, !failed && b->counts[EVENT_LOSS] > 0 && b->lost > 0,
	      "loss: an overflow is said");
	check(b, seen + b->lost >= 3 * 3000 + 2,
	      "loss: as many as are missing");
	b->only_count = false;
	forget(b);
}

static int
do_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void
test_recovery(struct bench *b)
{
	pid_t pid = run(b, do_nothing, NULL);

	check(b,
	      b->lost == 0 && seen_count(b, EVENT_FORK, pid) == 1 &&
		      seen_count(b, EVENT_EXIT, pid) == 1,
	      "loss: all is seen again afterwards");
}

void
test_volume(struct bench *b)
{
	test_storm(b);
	test_loss(b);
	test_recovery(b);
}
