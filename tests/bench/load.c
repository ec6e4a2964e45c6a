/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load and clocks for the benchmarks:
 *
 *	load spawn N PROGRAM	N times start PROGRAM and wait for it
 *	load files N PREFIX	create and close PREFIX0 …
 *	load acts N PREFIX	one act every few ms; the file's name tells when
 *	load execs N PROGRAM	the same with a program; an argument tells when
 *	load arrivals N		read alert lines on standard input, stamp each,
 *				print p50, p99 and max of their delays
 *
 * spawn and files print the seconds they took.
 */
#include "scan/base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Acts come spread over the reader's timers, not in step with them. */
#define ACT_MIN_US 3000
#define ACT_SPREAD_US 9000
#define ARRIVALS_MAX 100000
#define ARRIVALS_WAIT_MS 3000
#define LINE_BYTES (1 << 20)

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
start_and_wait(const char *program, const char *argument)
{
	char *argv[] = { (char *)program, (char *)argument, NULL };
	char *env[] = { NULL };
	pid_t pid;
	int status;

	errno = posix_spawn(&pid, program, NULL, NULL, argv, env);
	if (errno != 0)
		die(program);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static void
create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	close(fd);
}

static void
load_spawn(long n, const char *program)
{
	uint64_t start = clock_boot_ns();

	for (long i = 0; i < n; i++)
		start_and_wait(program, "x");
	printf("%.6f\n", (double)(clock_boot_ns() - start) / 1e9);
}

static void
load_files(long n, const char *prefix)
{
	uint64_t start = clock_boot_ns();
	char path[4096];

	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s%ld", prefix, i);
		create(path);
	}
	printf("%.6f\n", (double)(clock_boot_ns() - start) / 1e9);
}

static void
pause_a_little(void)
{
	usleep((useconds_t)(ACT_MIN_US + rand() % ACT_SPREAD_US));
}

static void
load_acts(long n, const char *prefix)
{
	char path[4096];

	for (long i = 0; i < n; i++) {
		pause_a_little();
		snprintf(path, sizeof(path), "%sat-%llu-.lock", prefix,
			 (unsigned long long)clock_boot_ns());
		create(path);
	}
}

static void
load_execs(long n, const char *program)
{
	char when[64];

	for (long i = 0; i < n; i++) {
		pause_a_little();
		snprintf(when, sizeof(when), "at-%llu-",
			 (unsigned long long)clock_boot_ns());
		start_and_wait(program, when);
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Milliseconds since the act that the line tells of; -1 = none told. */
static double
delay_ms(const char *line, uint64_t now)
{
	const char *at = strstr(line, "at-");

	while (at != NULL && (at[3] < '0' || at[3] > '9'))
		at = strstr(at + 3, "at-");
	if (at == NULL)
		return -1;
	return (double)(now - strtoull(at + 3, NULL, 10)) / 1e6;
}

static long
read_arrivals(double *delays, long n)
{
	static char line[LINE_BYTES];
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t have = 0;
	long got = 0;

	while (got < n && poll(&in, 1, ARRIVALS_WAIT_MS) > 0) {
		ssize_t r = read(STDIN_FILENO, line + have,
				 sizeof(line) - 1 - have);
		uint64_t now = clock_boot_ns();
		char *end;

		if (r <= 0)
			break;
		have += (size_t)r;
		line[have] = '\0';
		while (got < n && (end = memchr(line, '\n', have)) != NULL) {
			*end = '\0';
			delays[got] = delay_ms(line, now);
			got += delays[got] >= 0;
			have -= (size_t)(end + 1 - line);
			memmove(line, end + 1, have);
			line[have] = '\0';
		}
	}
	return got;
}

static void
load_arrivals(long n)
{
	double *delays;
	long got;

	if (n > ARRIVALS_MAX)
		n = ARRIVALS_MAX;
	delays = calloc((size_t)n, sizeof(*delays));
	if (delays == NULL)
		die("calloc");
	got = read_arrivals(delays, n);
	qsort(delays, (size_t)got, sizeof(*delays), compare);
	if (got == 0)
		printf("0 - - -\n");
	else
		printf("%ld %.2f %.2f %.2f\n", got, delays[got / 2],
		       delays[got * 99 / 100], delays[got - 1]);
	free(delays);
}

int
main(int argc, char **argv)
{
	long n = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	const char *what = argc > 1 ? argv[1] : "";

	if (n > 0 && argc > 3 && strcmp(what, "spawn") == 0)
		load_spawn(n, argv[3]);
	else if (n > 0 && argc > 3 && strcmp(what, "files") == 0)
		load_files(n, argv[3]);
	else if (n > 0 && argc > 3 && strcmp(what, "acts") == 0)
		load_acts(n, argv[3]);
	else if (n > 0 && argc > 3 && strcmp(what, "execs") == 0)
		load_execs(n, argv[3]);
	else if (n > 0 && strcmp(what, "arrivals") == 0)
		load_arrivals(n);
	else
		return 2;
	return 0;
}
