/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of walk*.c. The caller's thread lists folders and puts their names
 * into a ring of slots (walk_list.c); workers take slots one at a time, so that
 * a few large files are shared out as well, and fill them in any order
 * (walk_work.c); the caller's thread hands them out in the ring's order
 * (walk.c). When the ring is full, listing waits: that is what bounds the
 * memory.
 */
#ifndef SCAN_WALK_INSIDE_H
#define SCAN_WALK_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "scan/walk_dir.h"

#define WALK_SLOTS 1024u
#define WALK_THREADS_MAX 8u
/* Wake the deliverer once in so many entries, not for each. */
#define WALK_BATCH 256u
/* Nor is the ring filled up for each that is taken: whoever is idle then is
 * woken once in so many. */
#define WALK_REFILL 256u
#define WALK_REFILL_DIRS 64u
/* Folders with an open descriptor among those in the ring, and on the path
 * from the root: well below the usual limit of 1,024. */
#define WALK_OPEN_RING 300u
#define WALK_OPEN_PATH 64u
#define WALK_HUNG_MAX 16u
#define WALK_NO_SLOT UINT64_MAX
/* Slots that a worker claims at a time when nothing is read but attributes:
 * each is over in a microsecond, and what all of them write to is dear. */
#define WALK_CLAIM 32u
/* What one thread writes often and another one reads has a line of its own. */
#define WALK_LINE_BYTES 64u
#define WALK_LINE _Alignas(WALK_LINE_BYTES)

enum walk_slot_state { SLOT_READY, SLOT_DONE, SLOT_ABANDONED };

struct walk_slot {
	WALK_LINE _Atomic int state;
	struct walk_entry e;
	struct walk_task task;
	struct walk_dir *dir;
	struct buf text;
};

/* Belongs to the walk and to its own thread, which may come back when the walk
 * has long been closed. */
struct walk_worker {
	WALK_LINE _Atomic unsigned refs;
	struct walk *walk;
	pthread_t thread;
	uint64_t next, end;	/* claimed; whose it is, see give_up */
	_Atomic uint64_t at;	/* the slot in hand */
	_Atomic unsigned beats; /* moves as long as something is read */
	bool hung;		/* never comes back to this walk */
};

/* What a root gives, in order of `folder`. */
struct walk_part {
	struct view folder;
	struct view entry; /* a root's name there; none: the tree itself */
	bool hung;
};

struct walk {
	struct walk_options o;
	struct walk_mounts *mounts;
	bool own_mounts;

	struct walk_slot *ring[WALK_SLOTS];
	WALK_LINE _Atomic uint64_t head;    /* next to fill with a name */
	WALK_LINE _Atomic uint64_t claim;   /* next for a worker */
	WALK_LINE _Atomic uint64_t awaited; /* who finishes this one rings */
	_Atomic unsigned idle;
	_Atomic bool stop;
	pthread_mutex_t lock;
	pthread_cond_t work, done;

	WALK_LINE uint64_t tail; /* next to hand out */
	struct walk_slot *given; /* with the caller */
	struct walk_worker *workers[WALK_THREADS_MAX + WALK_HUNG_MAX];
	unsigned n_workers, n_hung;
	bool helps; /* the deliverer is one of the threads that look */

	struct walk_dir **stack;
	size_t depth, cap;
	unsigned dirs_in_ring;
	struct walk_dir *last_dir; /* of the slot produced last */
	struct walk_part *parts;   /* of the roots, in order */
	size_t n_parts, at_part;
	int error; /* the listing has failed; nothing more comes */
};

/* ---- walk_list.c ------------------------------------------------------ */

/* Of the roots; -1 and errno. */
int walk_make_parts(struct walk *);
/* Fills the ring as far as limits allow: 1 = there may be more, 0 = that was
 * all, -1 = w->error. */
int walk_fill(struct walk *);

/* ---- walk_work.c ------------------------------------------------------ */

/* Memory of zeros that begins at a line, for free(). NULL: out of memory. */
void *walk_new_lines(size_t bytes);
/* Who begins with what another one has claimed and does not get to, or NULL.
 * -1 and errno. */
int walk_start_worker(struct walk *, const struct walk_worker *instead_of);
/* Some work, of attributes of what is local, in the caller's thread instead of
 * waiting for the workers. False: there is none. */
bool walk_help(struct walk *);
void walk_wake_workers(struct walk *);
void walk_stop_workers(struct walk *);
void walk_slot_free(struct walk_slot *);

#endif
