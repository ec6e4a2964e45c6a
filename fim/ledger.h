/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: what the watched files were when last heard of, against which a
 * list of what is there now (event.h, LIST_BEGIN) is held. What differs, nobody
 * has told: it becomes the events that were missed, as far as they can be
 * known. A new name is a creation, or a rename where the object was known under
 * another one that is gone; a name that is gone a deletion; other content a
 * modification; other owner, mode or status alone a change of attributes;
 * another object under the same name a deletion and a creation. What was made
 * and removed in between leaves nothing to find.
 *
 * What is told is remembered when the sensor tells its state again
 * (REFRESHED), a second later. A list says of each name what has been told of
 * it since it was remembered last and since events were lost: that is not told
 * again. What the database cannot store, because its disk is full, is kept in
 * memory (ledger_keep.h) and stored when there is room: only a process that
 * ends before that has told what it does not remember. A file that was not in
 * the ledger and lies in a place that was not listed before (the rules have
 * changed, or it is the first time) is learned, and nothing is said of it.
 */
#ifndef FIM_LEDGER_H
#define FIM_LEDGER_H

#include "fim/sensor.h"
#include "fim/state.h"
#include "fim/watchset.h"

/* More files are not remembered: of those only the new ones are told, by their
 * times, each time that they are listed. */
#define LEDGER_FILES_MAX 1000000u

struct ledger_config {
	struct state *state;		 /* borrowed for life */
	const struct watchset *watchset; /* the same; its content may change */
	struct event_sink sink;		 /* for what was missed */
	uint64_t max_files;		 /* 0 = LEDGER_FILES_MAX */
	size_t max_kept; /* bytes; 0 = LEDGER_KEEP_MAX (ledger_keep.h) */
	/* Nothing is said of this file, and nothing remembered; NULL = there is
	 * none. */
	bool (*ignored)(void *ctx, struct view path);
	void *ctx;
};

struct ledger_counters {
	uint64_t files;	  /* remembered */
	uint64_t learned; /* in the list in work, or the last one */
	uint64_t
		left_out; /* since it began: not remembered, for lack of room */
	uint64_t failed;  /* times that the database could not be used */
	uint64_t waiting; /* names that no commit has stored yet */
	/* Since it began: changes for which there was no room while they had to
	 * wait. */
	uint64_t forgotten;
};

struct ledger;

/* NULL: the database's failure (state_problem), or no memory. */
struct ledger *ledger_open(const struct ledger_config *);
void ledger_close(struct ledger *); /* NULL is allowed */

/* Has it ever had a whole list? Else the next one is learned. */
bool ledger_knows(const struct ledger *);
/* What lists find from now on is marked so, and may have happened since then
 * (wall). */
void ledger_mark(struct ledger *, enum attribution, uint64_t since_ns);
/* LIST_BEGIN, LISTED, LIST_DIR, LIST_END of files, and REFRESHED. */
void ledger_take(struct ledger *, const struct event *);
/* A list is being compared, or what is gone since is being told. */
bool ledger_lists(const struct ledger *);

enum ledger_work {
	LEDGER_NOTHING,
	LEDGER_MORE,   /* to be called again */
	LEDGER_WHOLE,  /* the list has been compared as a whole */
	LEDGER_BROKEN, /* it could not be; another one is wanted */
};
/* Goes on for some milliseconds with what a list leaves to do at its end. */
enum ledger_work ledger_work(struct ledger *);
/* The end: what waits is written, and remembered if the next commit succeeds.
 */
void ledger_settle(struct ledger *);
struct ledger_counters ledger_count(const struct ledger *);

#endif
