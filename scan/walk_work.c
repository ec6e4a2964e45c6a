/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workers of a walk. One that does not come back from a system call (a
 * dead server) keeps its slot for ever: the entry is delivered as WALK_HUNG,
 * another thread takes the worker's place, and who wakes up at last only
 * tidies up after itself.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "scan/walk_inside.h"
#include "scan/walk_mounts.h"

/* Blocks until there is a slot to fill; WALK_NO_SLOT at the end. */
static uint64_t
claim_wait(struct walk *w)
{
	pthread_mutex_lock(&w->lock);
	atomic_fetch_add(&w->idle, 1);
	while (!w->stop && atomic_load(&w->claim) >= atomic_load(&w->head))
		pthread_cond_wait(&w->work, &w->lock);
	atomic_fetch_sub(&w->idle, 1);
	pthread_mutex_unlock(&w->lock);
	return w->stop ? WALK_NO_SLOT : 0;
}

/* How many of `n`; none: another one was faster. */
static uint64_t
claim_some(struct walk *w, uint64_t from, uint64_t n)
{
	return atomic_compare_exchange_weak(&w->claim, &from, from + n) ? n : 0;
}

static uint64_t
claim_size(const struct walk *w, uint64_t there)
{
	if (w->o.most != WALK_STAT)
		return 1;
	return there < WALK_CLAIM ? there : WALK_CLAIM;
}

/* `at` is for give_up, which looks at the slot's state as well: that it is set
 * a moment late does no harm. */
static struct walk_slot *
claim_next(struct walk *w, struct walk_worker *me, uint64_t *claimed)
{
	while (me->next == me->end && !w->stop) {
		uint64_t from = atomic_load(&w->claim);
		uint64_t head = atomic_load(&w->head);

		if (from < head) {
			me->next = from;
			me->end = from + claim_some(w, from,
						    claim_size(w, head - from));
		} else if (claim_wait(w) == WALK_NO_SLOT) {
			return NULL;
		}
	}
	if (w->stop)
		return NULL;
	*claimed = me->next++;
	atomic_store(&me->at, *claimed);
	return w->ring[*claimed % WALK_SLOTS];
}

void *
walk_new_lines(size_t bytes)
{
	size_t n = (bytes + WALK_LINE_BYTES - 1) / WALK_LINE_BYTES;
	void *p = aligned_alloc(WALK_LINE_BYTES, n * WALK_LINE_BYTES);

	if (p != NULL)
		memset(p, 0, n * WALK_LINE_BYTES);
	return p;
}

void
walk_slot_free(struct walk_slot *s)
{
	buf_free(&s->text);
	free(s);
}

/* False: it took too long, the walk has gone on without us. */
static bool
slot_finish(struct walk *w, struct walk_slot *s, uint64_t seq)
{
	int ready = SLOT_READY;

	if (!atomic_compare_exchange_strong(&s->state, &ready, SLOT_DONE)) {
		walk_dir_put(s->dir);
		walk_slot_free(s);
		return false;
	}
	if (atomic_load(&w->awaited) == seq) {
		pthread_mutex_lock(&w->lock);
		pthread_cond_signal(&w->done);
		pthread_mutex_unlock(&w->lock);
	}
	return true;
}

/* Nothing more is asked of a server that has not answered. */
static void
fill_slot(struct walk_worker *me, struct walk_slot *s,
	  struct walk_scratch *scratch)
{
	const struct walk_mount *mount = s->dir->mount;
	bool is_hung = mount != NULL && atomic_load(&mount->hung);

	/* What is above is over, should this one be left behind. */
	atomic_fetch_add(&me->beats, 1);
	if (is_hung) {
		s->e.fault = WALK_HUNG;
		s->e.error = ETIMEDOUT;
	} else if (scratch == NULL) {
		s->e.fault = WALK_UNREADABLE;
		s->e.error = ENOMEM;
	} else {
		s->task.beats = &me->beats;
		walk_inspect(&s->e, &s->task, scratch, &s->text);
	}
}

/* What comes next and is as local as the folders that are listed here. */
static uint64_t
local_ones(struct walk *w, uint64_t from)
{
	uint64_t head = atomic_load(&w->head), n = 0;

	while (n < WALK_CLAIM && from + n < head &&
	       !walk_mount_slow(w->ring[(from + n) % WALK_SLOTS]->dir->mount))
		n++;
	return n;
}

bool
walk_help(struct walk *w)
{
	uint64_t from = atomic_load(&w->claim), n;

	/* What was done from the beginning (a folder that cannot be opened) is
	 * handed out before it is claimed, and its slot is empty then. */
	if (!w->helps || from < w->tail)
		return false;
	n = local_ones(w, from);
	if (n == 0)
		return false;
	n = claim_some(w, from, n);
	for (uint64_t seq = from; seq < from + n; seq++) {
		struct walk_slot *s = w->ring[seq % WALK_SLOTS];

		if (atomic_load(&s->state) == SLOT_DONE)
			continue;
		walk_inspect(&s->e, &s->task, NULL, &s->text);
		atomic_store(&s->state, SLOT_DONE);
	}
	return true;
}

static void
worker_put(struct walk_worker *me)
{
	if (atomic_fetch_sub(&me->refs, 1) == 1)
		free(me);
}

static void *
worker_run(void *arg)
{
	struct walk_worker *me = arg;
	struct walk *w = me->walk;
	struct walk_scratch *scratch = walk_scratch_new();
	bool here = true;
	struct walk_slot *s;
	uint64_t seq;

	while (here && (s = claim_next(w, me, &seq)) != NULL) {
		if (atomic_load(&s->state) == SLOT_DONE)
			continue;
		fill_slot(me, s, scratch);
		here = slot_finish(w, s, seq);
	}
	walk_scratch_free(scratch);
	worker_put(me);
	return NULL;
}

/* Signals are for the threads that the caller made. */
int
walk_start_worker(struct walk *w, const struct walk_worker *instead_of)
{
	struct walk_worker *me = walk_new_lines(sizeof(*me));
	sigset_t all, before;
	int rc;

	if (me == NULL)
		return -1;
	me->walk = w;
	if (instead_of != NULL) {
		me->next = instead_of->next;
		me->end = instead_of->end;
	}
	atomic_store(&me->refs, 2);
	atomic_store(&me->at, WALK_NO_SLOT);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&me->thread, NULL, worker_run, me);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		free(me);
		errno = rc;
		return -1;
	}
	w->workers[w->n_workers++] = me;
	return 0;
}

void
walk_wake_workers(struct walk *w)
{
	if (atomic_load(&w->idle) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void
walk_stop_workers(struct walk *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_workers; i++) {
		if (!w->workers[i]->hung)
			pthread_join(w->workers[i]->thread, NULL);
		worker_put(w->workers[i]);
	}
}
