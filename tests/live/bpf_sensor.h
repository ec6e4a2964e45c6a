/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live test of the BPF sensor: acts of its own children, and what the
 * sensor says of them. One line a check, as tests/live/run counts them.
 */
#ifndef TESTS_LIVE_BPF_SENSOR_H
#define TESTS_LIVE_BPF_SENSOR_H

#include <sys/types.h>
#include "fim/sensor.h"

/* A copy of an event; the strings are malloc'ed. */
struct seen {
	struct event e;
	struct seen *next;
};

struct bench {
	struct sensor *sensor;
	struct seen *first, **last;
	size_t counts[EVENT_KINDS];
	uint64_t lost;
	bool only_count; /* keep no copies */
	unsigned failed;
	int queue_fd;	  /* fanotify of `watched`, never read; -1 = none */
	char watched[32]; /* a directory */
};

void check(struct bench *, bool good, const char *what);
/* Takes what is there. */
void collect(struct bench *);
/* Takes until the end of `pid` was seen, 10 s at most; then forgets nothing. */
void collect_end(struct bench *, pid_t pid);
void forget(struct bench *);
/* The nth (from 0) event of that kind of that process, or NULL. */
const struct event *
seen_of(const struct bench *, enum event_kind, pid_t, size_t nth);
size_t seen_count(const struct bench *, enum event_kind, pid_t);
/* Runs `act` in a child (its result is the exit status), waits, collects. */
pid_t run(struct bench *, int (*act)(void *), void *arg);

void test_processes(struct bench *); /* bpf_processes.c */
void test_sockets(struct bench *);   /* bpf_sockets.c */
void test_volume(struct bench *);    /* bpf_volume.c */

#endif
