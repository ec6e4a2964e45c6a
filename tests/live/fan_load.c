/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many files at once: all seen, none twice, and what it costs. */
#include "tests/live/fan_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES 100000
#define TREES 1000
#define TREE_DEPTH 6

static const char *const load_set[] = { "/run/load/*", NULL };

static void
create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		_exit(1);
	close(fd);
}

static void
create_files(void *dir)
{
	char path[256];

	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%d", (const char *)dir, i);
		create(path);
	}
}

/* Names end with a number below n: each exactly once? */
static size_t
count_distinct(const struct host *h, uint32_t pid, size_t n, size_t *twice)
{
	bool *seen = calloc(n, sizeof(*seen));
	size_t sum = 0;

	*twice = 0;
	for (size_t i = 0; seen && i < h->n; i++) {
		uint64_t k;

		if (h->v[i].kind != EVENT_CREATE || h->v[i].node == NODE_DIR ||
		    !view_to_u64(path_name(h->v[i].path), &k) || k >= n ||
		    (pid && h->v[i].pid != pid))
			continue;
		*twice += seen[k];
		sum += !seen[k];
		seen[k] = true;
	}
	free(seen);
	return sum;
}

static void
test_many(unsigned slow_us, const char *what)
{
	struct host h;
	size_t n, twice;
	uint32_t pid;

	prepare("rm -rf /run/load; mkdir -p /run/load");
	host_open(&h, NULL, load_set);
	h.open_files = false;
	h.slow_us = slow_us;
	pid = host_run(&h, create_files, (void *)(uintptr_t) "/run/load");
	n = count_distinct(&h, pid, FILES, &twice);
	printf("# %zu of %d files, %zu twice, %llu lost\n", n, FILES, twice,
	       (unsigned long long)h.s->lost);
	check(n == FILES && twice == 0 && h.s->lost == 0, what);
	host_close(&h);
}

/* mkdir -p and a file at once, as fast as it goes. */
static void
create_trees(void *unused)
{
	char path[256];

	(void)unused;
	for (int i = 0; i < TREES; i++) {
		int n = snprintf(path, sizeof(path), "/run/load/t%d", i);

		for (int k = 0; k < TREE_DEPTH; k++) {
			if (mkdir(path, 0755) < 0)
				_exit(1);
			n += snprintf(path + n, sizeof(path) - (size_t)n, "/%c",
				      'a' + k);
		}
		snprintf(path + n - 2, sizeof(path) - (size_t)n + 2, "/%d", i);
		create(path);
	}
}

static void
test_trees(void)
{
	struct host h;
	size_t n, twice, known, others = 0;
	uint32_t pid;

	prepare("rm -rf /run/load; mkdir -p /run/load");
	host_open(&h, NULL, load_set);
	pid = host_run(&h, create_trees, NULL);
	n = count_distinct(&h, 0, TREES, &twice);
	check(n == TREES, "every file in 1,000 fresh deep trees");
	check(twice == 0, "… none twice");
	known = count_distinct(&h, pid, TREES, &twice);
	for (size_t i = 0; i < h.n; i++) {
		const struct heard *e = &h.v[i];

		others += e->pid != pid && (e->pid || e->maker_pid != pid);
	}
	printf("# %zu of %d with their process, %zu with the maker's\n", known,
	       TREES, n - known);
	check(others == 0,
	      "… each with its process, or who made the directory");
	host_close(&h);
	prepare("rm -rf /run/load");
}

/* ---- cost -----------------------------------------------------------------
 */

struct cost {
	double wall, cpu; /* seconds */
};

static double
cpu_of(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static struct cost
time_files(const char *dir)
{
	struct buf commands = { 0 };
	struct rusage usage;
	struct cost cost;
	uint64_t start;
	int status;
	pid_t pid;

	buf_printf(&commands, "rm -rf %s; mkdir -p %s%c", dir, dir, 0);
	prepare(commands.p);
	buf_free(&commands);
	start = clock_boot_ns();
	pid = fork();
	if (pid == 0) {
		create_files((void *)(uintptr_t)dir);
		_exit(0);
	}
	wait4(pid, &status, 0, &usage);
	cost.wall = (double)(clock_boot_ns() - start) / 1e9;
	cost.cpu = cpu_of(&usage);
	return cost;
}

static volatile sig_atomic_t stopped;

static void
stop(int unused)
{
	(void)unused;
	stopped = 1;
}

static void
count(void *n, const struct event *unused)
{
	(void)unused;
	++*(size_t *)n;
}

/* The sensor in a process of its own, as it will be. */
static pid_t
start_sensor(void)
{
	pid_t pid = fork();
	struct event_sink sink;
	struct host h;
	size_t n = 0;

	if (pid != 0) {
		usleep(100000);
		return pid;
	}
	signal(SIGTERM, stop);
	host_open(&h, NULL, (const char *const[]){ "/run/seen/*", NULL });
	sink = (struct event_sink){ count, &n };
	while (!stopped) {
		struct pollfd p = { .fd = sensor_fan.fd(h.s),
				    .events = POLLIN };

		poll(&p, 1, 100);
		while (sensor_fan.fetch(h.s) > 0)
			sensor_fan.deliver(h.s, &sink);
	}
	fprintf(stderr, "# reader: %zu events", n);
	_exit(0);
}

static int
cmp_double(const void *x, const void *y)
{
	const double *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), cmp_double);
	return v[n / 2];
}

#define PAIRS 7

static void
measure(const char *dir, const char *what)
{
	double wall[PAIRS], cpu[PAIRS];

	for (size_t i = 0; i < PAIRS; i++) {
		struct cost without = time_files(dir), with;
		pid_t pid = start_sensor();
		struct rusage usage;
		int status;

		with = time_files(dir);
		usleep(300000);
		kill(pid, SIGTERM);
		wait4(pid, &status, 0, &usage);
		fprintf(stderr, ", %.3f s of CPU\n", cpu_of(&usage));
		wall[i] = with.wall / without.wall;
		cpu[i] = with.cpu / without.cpu;
	}
	printf("# 100,000 creations, %s: %.3f of the time, %.3f of the CPU\n",
	       what, median(wall, PAIRS), median(cpu, PAIRS));
}

void
test_load(void)
{
	test_many(0, "100,000 files, all seen");
	test_many(20, "100,000 files and a slow reader, all seen");
	test_trees();
}

void
measure_cost(void)
{
	prepare("mkdir -p /run/seen");
	measure("/run/unseen", "unwatched directory");
	measure("/run/seen/x", "watched directory");
	prepare("rm -rf /run/seen /run/unseen");
}
