/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ledger has learned and the database not yet stored: a name is kept,
 * with what is known of it, until a commit has succeeded with its row. What a
 * full disk undoes or refuses is written again a second later, in the order in
 * which it came, and counts meanwhile as if it stood in the database. Of each
 * name the last is kept.
 *
 * Bounded: beyond that a change is forgotten and counted, and what the database
 * says of that name stays. Paths are copied; times are boot time.
 */
#ifndef FIM_LEDGER_KEEP_H
#define FIM_LEDGER_KEEP_H

#include "fim/ledger_db.h"

/* Some 80,000 names. */
#define LEDGER_KEEP_MAX ((size_t)16 << 20)

struct ledger_kept;

struct ledger_keep { /* zero-initialise, set the first part; ledger_keep_free */
	struct state *state;  /* borrowed for life */
	struct ledger_db *db; /* the same */
	uint64_t max_files;   /* no new row once there are so many */
	size_t max_bytes;

	struct ledger_kept *first, *last; /* owned; in order */
	struct ledger_kept *next;	  /* the first that is not written */
	struct ledger_kept **buckets;	  /* owned */
	size_t n_buckets;
	size_t n, n_written, bytes;
	uint64_t undone, committed; /* of the state, as far as this knows */
	uint64_t again_ns;	    /* not to be written before; 0 = at once */
	uint64_t forgotten; /* changes that found no room, since it began */
	uint64_t failed;    /* changes that the database refuses for ever */
};

void ledger_keep_free(struct ledger_keep *);

/* This is there; this has gone, `below`: and all that was below it. */
void ledger_keep_put(struct ledger_keep *, struct view path,
		     const struct event_seen *);
void ledger_keep_gone(struct ledger_keep *, struct view path, bool below);

enum ledger_kept_what {
	LEDGER_KEPT_NOTHING, /* the database knows */
	LEDGER_KEPT_SEEN,
	LEDGER_KEPT_GONE,
};
enum ledger_kept_what ledger_keep_get(const struct ledger_keep *,
				      struct view path, struct event_seen *);
/* Every name that is there; true: it has gone. */
void ledger_keep_each(struct ledger_keep *,
		      bool (*gone)(void *ctx, struct view path,
				   const struct event_seen *),
		      void *ctx);

/* What has been committed or undone since, and some of what is due. */
void ledger_keep_tend(struct ledger_keep *);
/* All of it, due or not. */
void ledger_keep_settle(struct ledger_keep *);
/* Names that no commit has stored. */
size_t ledger_keep_waiting(const struct ledger_keep *);

#endif
