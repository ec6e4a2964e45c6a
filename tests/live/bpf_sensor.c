/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/live/bpf_sensor.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_NS (10 * NS_PER_SEC)

void
check(struct bench *b, bool good, const char *what)
{
	printf("%s - bpf: %s\n", good ? "ok" : "not ok", what);
	fflush(stdout);
	b->failed += !good;
}

static struct view
copy(struct view v)
{
	char *p = malloc(v.n + 1);

	if (p == NULL)
		abort();
	if (v.n > 0)
		memcpy(p, v.p, v.n);
	p[v.n] = '\0';
	return (struct view){ p, v.n };
}

static void
take(void *ctx, const struct event *e)
{
	struct bench *b = ctx;
	struct seen *s;

	b->counts[e->kind]++;
	if (e->kind == EVENT_LOSS)
		b->lost += e->lost;
	if (b->only_count)
		return;
	s = malloc(sizeof(*s));
	if (s == NULL)
		abort();
	s->e = *e;
	s->next = NULL;
	s->e.exec.given = copy(e->exec.given);
	s->e.exec.image = copy(e->exec.image);
	s->e.exec.interp = copy(e->exec.interp);
	s->e.exec.comm = copy(e->exec.comm);
	s->e.exec.args = copy(e->exec.args);
	s->e.exec.env = copy(e->exec.env);
	s->e.exec.cwd = copy(e->exec.cwd);
	s->e.file.path = copy(e->file.path);
	*b->last = s;
	b->last = &s->next;
}

void
forget(struct bench *b)
{
	while (b->first != NULL) {
		struct seen *s = b->first;

		b->first = s->next;
		free((void *)s->e.exec.given.p);
		free((void *)s->e.exec.image.p);
		free((void *)s->e.exec.interp.p);
		free((void *)s->e.exec.comm.p);
		free((void *)s->e.exec.args.p);
		free((void *)s->e.exec.env.p);
		free((void *)s->e.exec.cwd.p);
		free((void *)s->e.file.path.p);
		free(s);
	}
	b->last = &b->first;
	memset(b->counts, 0, sizeof(b->counts));
	b->lost = 0;
}

void
collect(struct bench *b)
{
	struct event_sink sink = { take, b };

	if (sensor_bpf.fetch(b->sensor) > 0)
		sensor_bpf.deliver(b->sensor, &sink);
}

const struct event *
seen_of(const struct bench *b, enum event_kind kind, pid_t pid, size_t nth)
{
	for (const struct seen *s = b->first; s != NULL; s = s->next)
		if (s->e.kind == kind && s->e.key.pid == (uint32_t)pid &&
		    nth-- == 0)
			return &s->e;
	return NULL;
}

size_t
seen_count(const struct bench *b, enum event_kind kind, pid_t pid)
{
	size_t n = 0;

	while (seen_of(b, kind, pid, n) != NULL)
		n++;
	return n;
}

void
collect_end(struct bench *b, pid_t pid)
{
	uint64_t end_ns = clock_boot_ns() + END_NS;

	do {
		struct pollfd p = { sensor_bpf.fd(b->sensor), POLLIN, 0 };

		poll(&p, 1, 10);
		collect(b);
	} while (seen_of(b, EVENT_EXIT, pid, 0) == NULL &&
		 clock_boot_ns() < end_ns);
}

pid_t
run(struct bench *b, int (*act)(void *), void *arg)
{
	pid_t pid;
	int status;

	collect(b);
	forget(b);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(act(arg));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	collect_end(b, pid);
	return pid;
}

/* Before the seed, when the sensor looks for queues. */
static void
open_queue(struct bench *b)
{
	snprintf(b->watched, sizeof(b->watched), "/tmp/tocsin.XXXXXX");
	b->queue_fd = fanotify_init(
		FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_REPORT_DFID_NAME, O_RDONLY);
	if (b->queue_fd < 0 || mkdtemp(b->watched) == NULL ||
	    fanotify_mark(b->queue_fd, FAN_MARK_ADD,
			  FAN_CREATE | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD,
			  AT_FDCWD, b->watched) == 0)
		return;
	close(b->queue_fd);
	b->queue_fd = -1;
}

static void
test_seed(struct bench *b)
{
	struct event_sink sink = { take, b };
	const struct event *self;

	check(b, sensor_bpf.seed(b->sensor, &sink) == 0, "seed");
	self = seen_of(b, EVENT_ALREADY_RUNNING, getpid(), 0);
	check(b, self != NULL, "seed: we are running already");
	if (self == NULL)
		return;
	check(b, view_eq(path_name(self->exec.given), VIEW("bpf_sensor")),
	      "seed: the path given to execve");
	check(b, self->proc.parent.pid == (uint32_t)getppid(), "seed: parent");
	check(b, self->proc.pgid == (uint32_t)getpgrp(), "seed: process group");
	check(b, !self->proc.container && !self->proc.kthread,
	      "seed: neither container nor kernel thread");
	check(b, seen_of(b, EVENT_ALREADY_RUNNING, 1, 0) != NULL,
	      "seed: process 1");
}

int
main(void)
{
	static const char *const names[] = { "LD_PRELOAD", "SHORT" };
	const struct sensor_config config = {
		.max_args = 4096,
		.env_names = names,
		.n_env_names = ARRAY_LEN(names),
	};
	struct bench b = { .last = &b.first };
	struct err err = { 0 };
	struct sensor_status status;

	b.sensor = sensor_bpf.open(&config, &err);
	if (b.sensor == NULL) {
		printf("SKIPPED - bpf: %.*s\n", (int)err.v[0].message.n,
		       err.v[0].message.p);
		return 0;
	}
	sensor_bpf.status(b.sensor, &status);
	printf("# %s\n", status.detail);
	open_queue(&b);
	test_seed(&b);
	test_processes(&b);
	test_sockets(&b);
	test_volume(&b);
	forget(&b);
	rmdir(b.watched);
	sensor_bpf.close(b.sensor);
	return b.failed != 0;
}
