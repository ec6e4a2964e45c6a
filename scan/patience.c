/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call in a thread that may be left behind. */
#include "scan/patience.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define SLICE_NS NS_PER_SEC

/* Belongs to both sides; the last one frees it. */
struct call {
	struct patience_job job;
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done, is_left;
};

uint64_t
patience_slice_ns(uint64_t limit_ns)
{
	return limit_ns < SLICE_NS ? limit_ns : SLICE_NS;
}

static void
call_free(struct call *c)
{
	pthread_cond_destroy(&c->done);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct call *
call_new(const struct patience_job *job)
{
	struct call *c = calloc(1, sizeof(*c));
	pthread_condattr_t attributes;

	if (c == NULL)
		return NULL;
	c->job = *job;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&c->done, &attributes);
	pthread_condattr_destroy(&attributes);
	return c;
}

static void *
call_run(void *arg)
{
	struct call *c = arg;
	bool is_left;

	c->job.run(c->job.arg);
	pthread_mutex_lock(&c->lock);
	is_left = c->is_left;
	c->is_done = true;
	pthread_cond_signal(&c->done);
	pthread_mutex_unlock(&c->lock);
	if (is_left) {
		c->job.drop(c->job.arg);
		call_free(c);
	}
	return NULL;
}

/* Signals are for the threads that were there before. */
static int
call_start(struct call *c)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &detached, call_run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	errno = rc;
	return rc == 0 ? 0 : -1;
}

/* With the lock. */
static void
call_wait(struct call *c, uint64_t limit_ns)
{
	uint64_t slice_ns = patience_slice_ns(limit_ns), waited_ns = 0;

	while (!c->is_done && waited_ns < limit_ns) {
		struct timespec until;
		uint64_t end_ns;

		clock_gettime(CLOCK_MONOTONIC, &until);
		end_ns = (uint64_t)until.tv_nsec + slice_ns;
		until.tv_sec += (time_t)(end_ns / NS_PER_SEC);
		until.tv_nsec = (long)(end_ns % NS_PER_SEC);
		if (pthread_cond_timedwait(&c->done, &c->lock, &until) ==
		    ETIMEDOUT)
			waited_ns += slice_ns;
	}
}

int
patience_run(const struct patience_job *job, uint64_t limit_ns)
{
	struct call *c = call_new(job);
	bool is_done;

	if (c == NULL || call_start(c) != 0) {
		int saved = c == NULL ? ENOMEM : errno;

		if (c != NULL)
			call_free(c);
		job->drop(job->arg);
		errno = saved;
		return -1;
	}
	pthread_mutex_lock(&c->lock);
	call_wait(c, limit_ns);
	is_done = c->is_done;
	c->is_left = !is_done;
	pthread_mutex_unlock(&c->lock);
	if (is_done) {
		call_free(c);
		return 0;
	}
	errno = ETIMEDOUT;
	return -1;
}
