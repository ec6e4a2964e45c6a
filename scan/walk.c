/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk. The caller's thread lists folders and puts their names into a ring
 * of slots; workers take slots one at a time (so that a few large files are
 * shared out as well) and fill them in any order; the caller's thread hands
 * them out in the ring's order. When the ring is full, listing waits: that is
 * what bounds the memory.
 *
 * A worker that does not come back from a system call (a dead server) keeps
 * its slot for ever: the entry is delivered as WALK_HUNG, another thread takes
 * the worker's place, and who wakes up at last only tidies up after itself.
 */
#include "scan/walk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "scan/walk_dir.h"

#define SLOTS 1024u
#define THREADS_MAX 8u
/* Wake the deliverer once in so many entries, not for each. */
#define BATCH 64u
/* Folders with an open descriptor among those in the ring, and on the path
 * from the root: well below the usual limit of 1,024. */
#define OPEN_MAX_RING 300u
#define OPEN_MAX_PATH 64u
#define MAX_BYTES_DEFAULT (4ull << 30)
#define PATIENCE_DEFAULT (300 * NS_PER_SEC)
#define HUNG_MAX 16u
#define NO_SLOT UINT64_MAX

enum slot_state { SLOT_READY, SLOT_DONE, SLOT_ABANDONED };

struct slot {
	_Atomic int state;
	struct walk_entry e;
	struct walk_task task;
	struct walk_dir *dir;
	struct buf text;
};

struct worker {
	struct walk *walk;
	pthread_t thread;
	_Atomic uint64_t at; /* the slot in hand */
	bool hung;	     /* never comes back to this walk */
};

/* What a root gives, in order of `folder`. */
struct part {
	struct view folder;
	struct view entry; /* a root's name there; none: the tree itself */
};

struct walk {
	struct walk_options o;
	struct walk_mounts *mounts;

	struct slot *ring[SLOTS];
	uint64_t tail;		/* next to hand out */
	_Atomic uint64_t head;	/* next to fill with a name */
	_Atomic uint64_t claim; /* next for a worker */
	struct slot *given;	/* with the caller */

	struct worker *workers[THREADS_MAX + HUNG_MAX];
	unsigned n_workers, n_hung;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	_Atomic unsigned idle;
	_Atomic uint64_t awaited; /* whoever finishes this one rings */
	_Atomic bool stop;

	struct walk_dir **stack;
	size_t depth, cap;
	unsigned dirs_in_ring;
	struct walk_dir *last_dir; /* of the slot produced last */
	struct part *parts;	   /* of the roots, in order */
	size_t n_parts, at_part;
	int error; /* the listing has failed; nothing more comes */
};

/* ---- workers --------------------------------------------------------- */

/* Blocks until there is a slot to fill; NO_SLOT at the end. */
static uint64_t
claim_wait(struct walk *w)
{
	pthread_mutex_lock(&w->lock);
	atomic_fetch_add(&w->idle, 1);
	while (!w->stop && atomic_load(&w->claim) >= atomic_load(&w->head))
		pthread_cond_wait(&w->work, &w->lock);
	atomic_fetch_sub(&w->idle, 1);
	pthread_mutex_unlock(&w->lock);
	return w->stop ? NO_SLOT : 0;
}

/* `at` is for give_up, which looks at the slot's state as well: that it is set
 * a moment late does no harm. */
static struct slot *
claim_next(struct walk *w, struct worker *me, uint64_t *claimed)
{
	for (;;) {
		uint64_t seq = atomic_load(&w->claim);
		struct slot *s;

		if (w->stop)
			return NULL;
		if (seq >= atomic_load(&w->head)) {
			if (claim_wait(w) == NO_SLOT)
				return NULL;
			continue;
		}
		if (!atomic_compare_exchange_weak(&w->claim, &seq, seq + 1))
			continue;
		s = w->ring[seq % SLOTS];
		*claimed = seq;
		atomic_store(&me->at, seq);
		return s;
	}
}

static void
slot_free(struct slot *s)
{
	buf_free(&s->text);
	free(s);
}

/* False: it took too long, the walk has gone on without us. */
static bool
slot_finish(struct walk *w, struct slot *s, uint64_t seq)
{
	int ready = SLOT_READY;

	if (!atomic_compare_exchange_strong(&s->state, &ready, SLOT_DONE)) {
		walk_dir_put(s->dir);
		slot_free(s);
		return false;
	}
	if (atomic_load(&w->awaited) == seq) {
		pthread_mutex_lock(&w->lock);
		pthread_cond_signal(&w->done);
		pthread_mutex_unlock(&w->lock);
	}
	return true;
}

static void *
worker_run(void *arg)
{
	struct worker *me = arg;
	struct walk *w = me->walk;
	struct walk_scratch *scratch = walk_scratch_new();
	bool here = true;
	struct slot *s;
	uint64_t seq;

	while (here && (s = claim_next(w, me, &seq)) != NULL) {
		if (atomic_load(&s->state) == SLOT_DONE)
			continue;
		if (scratch != NULL) {
			walk_inspect(&s->e, &s->task, scratch, &s->text);
		} else {
			s->e.fault = WALK_UNREADABLE;
			s->e.error = ENOMEM;
		}
		here = slot_finish(w, s, seq);
	}
	walk_scratch_free(scratch);
	return NULL;
}

/* Signals are for the threads that the caller made. */
static int
worker_start(struct walk *w)
{
	struct worker *me = calloc(1, sizeof(*me));
	sigset_t all, before;
	int rc;

	if (me == NULL)
		return -1;
	me->walk = w;
	atomic_store(&me->at, NO_SLOT);
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

static void
wake_workers(struct walk *w)
{
	if (atomic_load(&w->idle) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
}

/* ---- slots ----------------------------------------------------------- */

static struct slot *
slot_take(struct walk *w)
{
	struct slot **s = &w->ring[atomic_load(&w->head) % SLOTS];

	if (*s == NULL)
		*s = calloc(1, sizeof(**s));
	if (*s == NULL)
		return NULL;
	(*s)->e = (struct walk_entry){ .dirfd = -1 };
	return *s;
}

static void
slot_publish(struct walk *w, struct slot *s, struct walk_dir *dir, int state)
{
	s->dir = dir;
	dir->refs++;
	if (dir != w->last_dir) {
		w->dirs_in_ring++;
		w->last_dir = dir;
	}
	s->e.dir = dir->path;
	atomic_store(&s->state, state);
	atomic_fetch_add(&w->head, 1);
}

static int
put_entry(struct walk *w, struct walk_dir *dir, const struct walk_name *name)
{
	struct slot *s = slot_take(w);

	if (s == NULL)
		return -1;
	s->e.dirfd = dir->fd;
	s->e.name = view_of(name->p);
	s->task = (struct walk_task){ .choice = name->choice,
				      .type = name->type,
				      .max_bytes = w->o.max_bytes };
	slot_publish(w, s, dir, SLOT_READY);
	return 0;
}

/* That a folder as a whole was not covered. */
static int
put_notice(struct walk *w, struct view path, enum walk_fault fault, int error)
{
	struct walk_dir *dir;
	struct slot *s;

	if (error == ENOENT)
		return 0; /* gone since its own entry was listed */
	dir = walk_dir_new(NULL, path, -1);
	s = slot_take(w);
	if (dir == NULL || s == NULL) {
		walk_dir_put(dir);
		return -1;
	}
	s->e.name = VIEW("");
	s->e.fault = fault;
	s->e.error = error;
	slot_publish(w, s, dir, SLOT_DONE);
	walk_dir_put(dir);
	return 0;
}

/* ---- listing --------------------------------------------------------- */

/* Descriptors of folders far above are closed; those with entries in the ring
 * cannot be yet, and are looked at again. */
static void
rest_far_above(struct walk *w)
{
	size_t i = w->depth > OPEN_MAX_PATH ? w->depth - OPEN_MAX_PATH : 0;
	size_t end = i > 2 * OPEN_MAX_RING ? i - 2 * OPEN_MAX_RING : 0;

	while (i > end)
		walk_dir_rest(w->stack[--i]);
}

static int
push(struct walk *w, struct walk_dir *d)
{
	if (w->depth == w->cap) {
		size_t cap = w->cap > 0 ? 2 * w->cap : 64;
		struct walk_dir **v = reallocarray(w->stack, cap, sizeof(*v));

		if (v == NULL) {
			walk_dir_put(d);
			return -1;
		}
		w->stack = v;
		w->cap = cap;
	}
	w->stack[w->depth++] = d;
	rest_far_above(w);
	return 0;
}

static int
pop(struct walk *w)
{
	struct walk_dir *d = w->stack[--w->depth];
	struct walk_dir *parent = w->depth > 0 ? w->stack[w->depth - 1] : NULL;
	int rc = 0;

	if (parent != NULL && !walk_dir_resume(parent, d->fd)) {
		/* Moved away under us: the rest of it cannot be had. */
		rc = put_notice(w, parent->path, WALK_CHANGING, 0);
		parent->at_folder = parent->n;
	}
	walk_dir_put(d);
	return rc;
}

static bool
above_itself(const struct walk_dir *d)
{
	for (const struct walk_dir *p = d->parent; p != NULL; p = p->parent)
		if (p->inode == d->inode && p->dev == d->dev)
			return true;
	return false;
}

/* Takes over `fd`. */
static int
enter(struct walk *w, struct walk_dir *parent, struct view path, int fd)
{
	struct walk_dir *d = walk_dir_new(parent, path, fd);

	if (d == NULL)
		return -1;
	if (above_itself(d)) {
		walk_dir_put(d);
		return put_notice(w, path, WALK_LOOP, 0);
	}
	if (walk_dir_list(d, &w->o) != 0) {
		int error = errno;

		walk_dir_put(d);
		if (error == ENOMEM)
			return -1;
		return put_notice(w, path, WALK_UNREADABLE, error);
	}
	return push(w, d);
}

static int
descend_path(struct walk *w, struct walk_dir *parent, const char *name,
	     struct view path)
{
	int fd;

	if (parent->depth + 1 >= WALK_DEPTH_MAX || path.n > WALK_PATH_MAX)
		return put_notice(w, path, WALK_TOO_DEEP, 0);
	if (!w->o.foreign && walk_mounts_foreign(w->mounts, path))
		return put_notice(w, path, WALK_FOREIGN, 0);
	fd = openat(parent->fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return 0; /* its own entry says what it has become */
	if (fd < 0)
		return put_notice(w, path, WALK_UNREADABLE, errno);
	return enter(w, parent, path, fd);
}

static int
descend(struct walk *w, struct walk_dir *parent, const char *name)
{
	struct buf path = { 0 };
	int rc = -1;

	if (parent->path.n > 1)
		buf_put(&path, parent->path);
	buf_putc(&path, '/');
	buf_puts(&path, name);
	if (path.failed)
		errno = ENOMEM;
	else
		rc = descend_path(w, parent, name, buf_view(&path));
	buf_free(&path);
	return rc;
}

/* ---- roots ----------------------------------------------------------- */

static int
part_cmp(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return walk_path_cmp(x->folder, y->folder);
}

/* What comes for a root: its own entry with those of its siblings, in the
 * folder that has them; then the tree below it. */
static int
make_parts(struct walk *w)
{
	size_t n = 0;

	w->parts = calloc(2 * w->o.n_roots + 1, sizeof(*w->parts));
	if (w->parts == NULL)
		return -1;
	for (size_t i = 0; i < w->o.n_roots; i++) {
		const struct walk_root *r = &w->o.roots[i];
		struct view dir, name;

		walk_path_split(r->path, &dir, &name);
		if (name.n > 0)
			w->parts[n++] = (struct part){ dir, name };
		if (!r->alone)
			w->parts[n++] = (struct part){ r->path, VIEW_NONE };
	}
	qsort(w->parts, n, sizeof(*w->parts), part_cmp);
	w->n_parts = n;
	return 0;
}

/* A path that has become a link on the way is not followed. */
int
walk_open_folder(struct view path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char *name = strndup(path.p, path.n);
	long fd;

	if (name == NULL)
		return -1;
	fd = syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(how));
	/* Older than 5.6, or a sandbox that does not know it. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open(name, (int)how.flags);
	free(name);
	return (int)fd;
}

static int
put_root_failed(struct walk *w, struct view path)
{
	if (errno == ENOTDIR || errno == ELOOP)
		return 0; /* not a folder: its own entry says all */
	return put_notice(w, path, WALK_UNREADABLE, errno);
}

static int
start_tree(struct walk *w, struct view path)
{
	int fd;

	if (!w->o.foreign && walk_mounts_foreign(w->mounts, path))
		return put_notice(w, path, WALK_FOREIGN, 0);
	fd = walk_open_folder(path);
	if (fd < 0)
		return put_root_failed(w, path);
	return enter(w, NULL, path, fd);
}

static int
add_root_entry(struct walk *w, struct walk_dir *d, struct view name)
{
	enum walk_choice choice = w->o.most;

	if (w->o.choose != NULL)
		choice = w->o.choose(w->o.ctx, d->path, name, 0);
	if (choice > w->o.most)
		choice = w->o.most;
	return choice == WALK_SKIP ? 0 : walk_dir_add(d, name, 0, choice);
}

/* The entries of all roots that one folder has. */
static int
start_entries(struct walk *w, const struct part *part, size_t n)
{
	struct walk_dir *d;
	int fd = walk_open_folder(part->folder);

	if (fd < 0)
		return put_root_failed(w, part->folder);
	d = walk_dir_new(NULL, part->folder, fd);
	if (d == NULL)
		return -1;
	d->alone = true;
	for (size_t i = 0; i < n; i++) {
		if (part[i].entry.n == 0 ||
		    add_root_entry(w, d, part[i].entry) == 0)
			continue;
		walk_dir_put(d);
		return -1;
	}
	walk_dir_sort(d);
	return push(w, d);
}

/* Those of one folder together; a root's own tree has the folder's entries. */
static int
start_part(struct walk *w)
{
	const struct part *part = &w->parts[w->at_part];
	size_t same = 0;

	while (w->at_part < w->n_parts &&
	       view_eq(w->parts[w->at_part].folder, part->folder)) {
		if (w->parts[w->at_part].entry.n == 0)
			part = &w->parts[w->at_part];
		w->at_part++;
		same++;
	}
	if (part->entry.n == 0)
		return start_tree(w, part->folder);
	return start_entries(w, part, same);
}

/* ---- producing ------------------------------------------------------- */

static bool
is_folder(const struct walk_name *name)
{
	return name->type == S_IFDIR;
}

/* One step: 1 = there may be more, 0 = the walk is complete, -1 = errno. */
static int
produce(struct walk *w)
{
	struct walk_dir *d;

	if (w->depth == 0 && w->at_part == w->n_parts)
		return 0;
	if (w->depth == 0)
		return start_part(w) == 0 ? 1 : -1;
	d = w->stack[w->depth - 1];
	if (d->at < d->n)
		return put_entry(w, d, &d->names[d->at++]) == 0 ? 1 : -1;
	while (!d->alone && d->at_folder < d->n) {
		const struct walk_name *name = &d->names[d->at_folder++];

		if (is_folder(name))
			return descend(w, d, name->p) == 0 ? 1 : -1;
	}
	return pop(w) == 0 ? 1 : -1;
}

/* Fills the ring as far as limits allow; returns what produce did last. */
static int
fill(struct walk *w)
{
	uint64_t from = atomic_load(&w->head);
	int rc = 1;

	if (w->error != 0)
		return -1;
	while (rc > 0 && atomic_load(&w->head) - w->tail < SLOTS &&
	       w->dirs_in_ring < OPEN_MAX_RING) {
		rc = produce(w);
		if ((atomic_load(&w->head) - from) % BATCH == BATCH - 1)
			wake_workers(w);
	}
	if (rc < 0)
		w->error = errno != 0 ? errno : EIO;
	wake_workers(w);
	return rc;
}

/* ---- delivering ------------------------------------------------------ */

static void
release_given(struct walk *w)
{
	struct slot *s = w->given;
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
	} else if (w->ring[w->tail % SLOTS]->dir != dir) {
		w->dirs_in_ring--;
	}
	walk_dir_put(dir);
}

/* The worker that has the slot will not be waited for. */
static int
give_up(struct walk *w, struct slot **slot)
{
	struct slot *fresh;
	int ready = SLOT_READY;

	for (unsigned i = 0; i < w->n_workers; i++) {
		struct worker *worker = w->workers[i];

		if (worker->hung || atomic_load(&worker->at) != w->tail)
			continue;
		if (w->n_hung == HUNG_MAX) {
			errno = ETIMEDOUT;
			return -1;
		}
		fresh = calloc(1, sizeof(*fresh));
		if (fresh == NULL)
			return -1;
		fresh->e = (struct walk_entry){
			.dir = (*slot)->e.dir,
			.name = (*slot)->e.name,
			.dirfd = (*slot)->e.dirfd,
			.fault = WALK_HUNG,
			.error = ETIMEDOUT,
		};
		fresh->dir = (*slot)->dir;
		if (!atomic_compare_exchange_strong(&(*slot)->state, &ready,
						    SLOT_ABANDONED)) {
			free(fresh); /* just in time */
			return 0;
		}
		/* The one that hangs keeps its reference. */
		fresh->dir->refs++;
		atomic_store(&fresh->state, SLOT_DONE);
		*slot = fresh;
		worker->hung = true;
		pthread_detach(worker->thread);
		w->n_hung++;
		return worker_start(w);
	}
	return 0;
}

/* Until `seq` is done or a while has passed. */
static void
wait_for(struct walk *w, uint64_t seq)
{
	struct slot *s = w->ring[seq % SLOTS];
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	pthread_mutex_lock(&w->lock);
	atomic_store(&w->awaited, seq);
	while (atomic_load(&s->state) == SLOT_READY)
		if (pthread_cond_timedwait(&w->done, &w->lock, &until) != 0)
			break;
	atomic_store(&w->awaited, NO_SLOT);
	pthread_mutex_unlock(&w->lock);
}

/* The next in order, done or given up. While it waits, it waits for one
 * further on, so as to be woken less often. */
static int
wait_for_tail(struct walk *w)
{
	struct slot **s = &w->ring[w->tail % SLOTS];
	uint64_t since = clock_boot_ns(), last = atomic_load(&w->head) - 1;
	uint64_t further = w->tail + BATCH < last ? w->tail + BATCH : last;

	if (atomic_load(&(*s)->state) == SLOT_DONE)
		return 0;
	wait_for(w, further);
	while (atomic_load(&(*s)->state) != SLOT_DONE) {
		wait_for(w, w->tail);
		if (clock_boot_ns() - since > w->o.patience_ns &&
		    atomic_load(&(*s)->state) == SLOT_READY &&
		    give_up(w, s) != 0)
			return -1;
	}
	return 0;
}

enum walk_verdict
walk_next(struct walk *w, struct walk_entry **out)
{
	int rc;

	release_given(w);
	rc = fill(w);
	/* What is in the ring comes before the error. */
	if (w->tail == atomic_load(&w->head)) {
		errno = w->error;
		return rc < 0 ? WALK_ERROR : WALK_END;
	}
	if (wait_for_tail(w) != 0)
		return WALK_ERROR;
	w->given = w->ring[w->tail++ % SLOTS];
	*out = &w->given->e;
	return WALK_ENTRY;
}

/* ---- open, close ----------------------------------------------------- */

static unsigned
thread_count(unsigned wanted)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = processors > 0 ? (unsigned)processors : 1;
	return wanted < THREADS_MAX ? wanted : THREADS_MAX;
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
	while (w->n_workers < n)
		if (worker_start(w) != 0)
			return w->n_workers > 0 ? 0 : -1;
	return 0;
}

struct walk *
walk_open(const struct walk_options *o)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->o = *o;
	if (w->o.max_bytes == 0)
		w->o.max_bytes = MAX_BYTES_DEFAULT;
	if (w->o.patience_ns == 0)
		w->o.patience_ns = PATIENCE_DEFAULT;
	atomic_store(&w->awaited, NO_SLOT);
	conditions_init(w);
	w->mounts = walk_mounts_read();
	if (w->mounts == NULL || make_parts(w) != 0 ||
	    start_workers(w, thread_count(o->threads)) != 0) {
		walk_close(w);
		return NULL;
	}
	return w;
}

static void
stop_workers(struct walk *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_workers; i++) {
		if (!w->workers[i]->hung)
			pthread_join(w->workers[i]->thread, NULL);
		free(w->workers[i]);
	}
}

void
walk_close(struct walk *w)
{
	if (w == NULL)
		return;
	stop_workers(w);
	release_given(w);
	for (; w->tail < atomic_load(&w->head); w->tail++)
		walk_dir_put(w->ring[w->tail % SLOTS]->dir);
	for (size_t i = 0; i < SLOTS; i++)
		if (w->ring[i] != NULL)
			slot_free(w->ring[i]);
	while (w->depth > 0)
		walk_dir_put(w->stack[--w->depth]);
	free(w->stack);
	free(w->parts);
	walk_mounts_free(w->mounts);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
