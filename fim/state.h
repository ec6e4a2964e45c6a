/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state database: state.db (SQLite, WAL) in the state folder (0700). An
 * alert is here before any output sees it; first-seen terms survive restarts;
 * gaps say when something could not be seen.
 *
 * Writes wait in memory until state_commit, which the loop calls before it
 * hands alerts to the outputs, writes them in one transaction. With
 * synchronous=NORMAL a commit survives the death of the process at any moment,
 * and a power cut loses at most the last commits, never the file.
 *
 * When the disk is full, or the database busy, what waits is kept, in order, up
 * to STATE_HELD_MAX, and tried again once a second; alerts beyond that are
 * counted, and the count becomes a gap as soon as there is room.
 */
#ifndef FIM_STATE_H
#define FIM_STATE_H

#include "scan/base.h"

/* Some thousand alerts of 2 to 6 KiB. */
#define STATE_HELD_MAX ((size_t)16 << 20)

struct state;

/* One watcher a folder: makes the folder if need be and locks watch.lock in it
 * until the descriptor that is returned, or the process, ends. -1 and a
 * sentence in `err`, which names the pid that whoever has it gave. */
int state_lock(const char *folder, uint32_t pid, struct err *);
/* Makes the folder if need be. NULL and a sentence in `err` when the folder or
 * the database cannot be used, is not ours or is damaged. */
struct state *state_open(const char *folder, struct err *);
void state_close(struct state *); /* commits; NULL is allowed */

/* All return 0, or -1 with a sentence from state_problem: it is not kept. */
int state_add_alert(struct state *, struct view id, struct view rule_id,
		    uint64_t time_ns, struct view json);
int state_add_term(struct state *, struct view rule_id, const uint8_t key[16],
		   uint64_t last_seen_ns);
/* When Tocsin first ran with this state; `now_ns` if this is the first time. */
uint64_t state_first_start(struct state *, uint64_t now_ns);
/* An output of that name has had what is stored by now, unless it is known
 * already. Written at once. */
int state_add_output(struct state *, struct view name);
/* -1: nothing of what waits was written, all of it is kept. */
int state_commit(struct state *);
/* The next commit is tried, however short a time ago one has failed. */
void state_retry(struct state *);
struct state_held {
	size_t bytes, alerts; /* waiting in memory */
	uint64_t lost;	      /* alerts that found no room; not yet a gap */
	uint64_t lost_total;
};
struct state_held state_held(const struct state *);
/* Every output that there has ever been (cursor.h), borrowed for the call. */
struct cursor_state;
int state_each_output(struct state *,
		      void (*each)(void *ctx, const struct cursor_state *),
		      void *ctx);
/* Every remembered term; what `each` is given is borrowed for the call. */
int state_each_term(struct state *,
		    void (*each)(void *ctx, struct view rule_id,
				 const uint8_t key[16], uint64_t last_seen_ns),
		    void *ctx);
const char *state_problem(const struct state *);

/* For those with tables of their own in the same database (ledger_db.h,
 * gaps.h): the connection, and a transaction that begins now, unless it has,
 * and that state_commit ends. What is written in it is gone when that fails. */
struct sqlite3;
struct sqlite3 *state_db(struct state *);
int state_begin(struct state *);
/* How often that has happened, a full disk's own doing included. */
uint64_t state_undone(const struct state *);
/* How often state_commit has stored something. */
uint64_t state_committed(const struct state *);

#endif
