/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk from outside: begin, hand out entries in order, end. */
#include "scan/walk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "scan/patience.h"
#include "scan/walk_inside.h"
#include "scan/walk_mounts.h"

#define MAX_BYTES_DEFAULT (4ull << 30)
#define PATIENCE_DEFAULT (60 * NS_PER_SEC)

/* ---- delivering ------------------------------------------------------ */

static void
release_given(struct walk *w)
{
	struct walk_slot *s = w->given;
	struct walk_dir *dir;

	if (s == NULL)
		return;
	w->given = NULL;
	dir = s->dir;
	s->dir = NULL;
	/* The last of a folder's slots in a row. */
	if (w->tail == atomic_load(&w->head)) {
		w->dirs_in_ring = 0;
		w->last_dir = NULL;
	} else if (w->ring[w->tail % WALK_SLOTS]->dir != dir) {
		w->dirs_in_ring--;
	}
	walk_dir_put(dir);
}

/* Who has the next slot in hand; NULL = nobody yet. */
static struct walk_worker *
worker_of_tail(struct walk *w)
{
	for (unsigned i = 0; i < w->n_workers; i++)
		if (!w->workers[i]->hung &&
		    atomic_load(&w->workers[i]->at) == w->tail)
			return w->workers[i];
	return NULL;
}

/* What is handed out in the place of a slot that a worker keeps. */
static struct walk_slot *
slot_of_hung(const struct walk_slot *s)
{
	struct walk_slot *fresh = walk_new_lines(sizeof(*fresh));

	if (fresh == NULL)
		return NULL;
	fresh->e = (struct walk_entry){ .dir = s->e.dir,
					.name = s->e.name,
					.dirfd = s->e.dirfd,
					.fault = WALK_HUNG,
					.error = ETIMEDOUT };
	fresh->dir = s->dir;
	atomic_store(&fresh->state, SLOT_DONE);
	return fresh;
}

/* The worker that has the slot will not be waited for; on a remote file system
 * nobody asks for anything else, either. */
static int
give_up(struct walk *w, struct walk_slot **slot, struct walk_worker *worker)
{
	struct walk_slot *fresh;
	int ready = SLOT_READY;

	if (w->n_hung == WALK_HUNG_MAX) {
		errno = ETIMEDOUT;
		return -1;
	}
	fresh = slot_of_hung(*slot);
	if (fresh == NULL)
		return -1;
	/* The one that hangs keeps its own, and may give that back at once. */
	fresh->dir->refs++;
	if (!atomic_compare_exchange_strong(&(*slot)->state, &ready,
					    SLOT_ABANDONED)) {
		walk_dir_put(fresh->dir);
		free(fresh); /* just in time */
		return 0;
	}
	if (walk_mount_slow(fresh->dir->mount))
		atomic_store(&fresh->dir->mount->hung, true);
	*slot = fresh;
	worker->hung = true;
	pthread_detach(worker->thread);
	w->n_hung++;
	return walk_start_worker(w, worker);
}

/* Until `seq` is done or a while has passed; false: that while has passed. */
static bool
wait_for(struct walk *w, uint64_t seq)
{
	struct walk_slot *s = w->ring[seq % WALK_SLOTS];
	uint64_t slice_ns = patience_slice_ns(w->o.patience_ns), end_ns;
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	end_ns = (uint64_t)until.tv_nsec + slice_ns;
	until.tv_sec += (time_t)(end_ns / NS_PER_SEC);
	until.tv_nsec = (long)(end_ns % NS_PER_SEC);
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->awaited, seq);
	while (rc == 0 && atomic_load(&s->state) == SLOT_READY)
		rc = pthread_cond_timedwait(&w->done, &w->lock, &until);
	atomic_store(&w->awaited, WALK_NO_SLOT);
	pthread_mutex_unlock(&w->lock);
	return rc == 0;
}

static bool
is_hung(const struct walk_dir *d)
{
	return d->mount != NULL && atomic_load(&d->mount->hung);
}

/* The next in order, done or given up. While it waits, it waits for one
 * further on, so as to be woken less often. */
static int
wait_for_tail(struct walk *w)
{
	struct walk_slot **s = &w->ring[w->tail % WALK_SLOTS];
	uint64_t last = atomic_load(&w->head) - 1, waited_ns = 0;
	uint64_t further =
		w->tail + WALK_BATCH < last ? w->tail + WALK_BATCH : last;
	unsigned beats = 0;

	while (atomic_load(&(*s)->state) != SLOT_DONE && walk_help(w))
		;
	if (atomic_load(&(*s)->state) == SLOT_DONE)
		return 0;
	wait_for(w, further);
	while (atomic_load(&(*s)->state) != SLOT_DONE) {
		struct walk_worker *worker;

		if (wait_for(w, w->tail))
			continue;
		worker = worker_of_tail(w);
		if (worker == NULL)
			continue;
		/* A large file may take as long as it likes, if only there is
		 * more of it now and then. */
		if (atomic_load(&worker->beats) != beats) {
			beats = atomic_load(&worker->beats);
			waited_ns = 0;
		}
		waited_ns += patience_slice_ns(w->o.patience_ns);
		if ((waited_ns >= w->o.patience_ns || is_hung((*s)->dir)) &&
		    give_up(w, s, worker) != 0)
			return -1;
	}
	return 0;
}

enum walk_verdict
walk_next(struct walk *w, struct walk_entry **out)
{
	int rc;

	release_given(w);
	rc = walk_fill(w);
	/* What is in the ring comes before the error. */
	if (w->tail == atomic_load(&w->head)) {
		errno = w->error;
		return rc < 0 ? WALK_ERROR : WALK_END;
	}
	if (wait_for_tail(w) != 0)
		return WALK_ERROR;
	w->given = w->ring[w->tail++ % WALK_SLOTS];
	*out = &w->given->e;
	return WALK_ENTRY;
}

/* ---- again ----------------------------------------------------------- */

struct looking {
	struct walk_entry e; /* with its own dirfd and name */
	struct buf name, text;
	uint64_t max_bytes;
};

static void
looking_run(void *arg)
{
	struct looking *l = arg;

	walk_look(&l->e, l->max_bytes, &l->text);
}

static void
looking_drop(void *arg)
{
	struct looking *l = arg;

	if (l->e.dirfd >= 0)
		close(l->e.dirfd);
	buf_free(&l->name);
	buf_free(&l->text);
	free(l);
}

static struct looking *
looking_new(const struct walk_entry *e, uint64_t max_bytes)
{
	struct looking *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->max_bytes = max_bytes;
	l->e.dirfd = fcntl(e->dirfd, F_DUPFD_CLOEXEC, 0);
	buf_put(&l->name, e->name);
	buf_putc(&l->name, '\0');
	l->e.name = view_sub(buf_view(&l->name), 0, e->name.n);
	if (l->e.dirfd >= 0 && !l->name.failed)
		return l;
	looking_drop(l);
	return NULL;
}

static void
look_patiently(struct walk *w, struct walk_entry *e, struct buf *text)
{
	struct walk_mount *mount = w->given->dir->mount;
	struct looking *l = looking_new(e, w->o.max_bytes);
	const struct patience_job job = { looking_run, looking_drop, l };
	struct walk_entry was = *e;

	e->error = ENOMEM;
	e->fault = WALK_UNREADABLE;
	if (l == NULL)
		return;
	if (patience_run(&job, w->o.patience_ns) != 0) {
		e->error = errno;
		if (errno != ETIMEDOUT)
			return;
		e->fault = WALK_HUNG;
		atomic_store(&mount->hung, true);
		return;
	}
	*e = l->e;
	e->dir = was.dir;
	e->name = was.name;
	e->dirfd = was.dirfd;
	buf_free(text);
	*text = l->text; /* what `e` points into */
	l->text = (struct buf){ 0 };
	looking_drop(l);
}

void
walk_again(struct walk *w, struct walk_entry *e, struct buf *text)
{
	assert(w->given != NULL && e == &w->given->e);
	if (walk_mount_slow(w->given->dir->mount))
		look_patiently(w, e, text);
	else
		walk_look(e, w->o.max_bytes, text);
}

/* ---- open, close ----------------------------------------------------- */

static unsigned
thread_count(unsigned wanted)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = processors > 0 ? (unsigned)processors : 1;
	return wanted < WALK_THREADS_MAX ? wanted : WALK_THREADS_MAX;
}

static void
conditions_init(struct walk *w)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->done, &attributes);
	pthread_condattr_destroy(&attributes);
}

static int
start_workers(struct walk *w, unsigned n)
{
	w->helps = w->o.most == WALK_STAT && n > 1;
	if (w->helps)
		n--;
	while (w->n_workers < n)
		if (walk_start_worker(w, NULL) != 0)
			return w->n_workers > 0 ? 0 : -1;
	return 0;
}

struct walk *
walk_open(const struct walk_options *o)
{
	struct walk *w = walk_new_lines(sizeof(*w));

	if (w == NULL)
		return NULL;
	w->o = *o;
	if (w->o.max_bytes == 0)
		w->o.max_bytes = MAX_BYTES_DEFAULT;
	if (w->o.patience_ns == 0)
		w->o.patience_ns = PATIENCE_DEFAULT;
	atomic_store(&w->awaited, WALK_NO_SLOT);
	conditions_init(w);
	w->mounts = o->mounts;
	w->own_mounts = o->mounts == NULL;
	if (w->own_mounts)
		w->mounts = walk_mounts_read();
	if (w->mounts == NULL || walk_make_parts(w) != 0 ||
	    start_workers(w, thread_count(o->threads)) != 0) {
		walk_close(w);
		return NULL;
	}
	return w;
}

void
walk_close(struct walk *w)
{
	if (w == NULL)
		return;
	walk_stop_workers(w);
	release_given(w);
	for (; w->tail < atomic_load(&w->head); w->tail++)
		walk_dir_put(w->ring[w->tail % WALK_SLOTS]->dir);
	for (size_t i = 0; i < WALK_SLOTS; i++)
		if (w->ring[i] != NULL)
			walk_slot_free(w->ring[i]);
	while (w->depth > 0)
		walk_dir_put(w->stack[--w->depth]);
	free(w->stack);
	free(w->parts);
	if (w->own_mounts)
		walk_mounts_free(w->mounts);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
