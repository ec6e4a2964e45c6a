/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger's tables in state.db: every watched file as it was last known,
 * and which places that was true for.
 *
 *   dirs(id, path)
 *   files(dir, name, mode, uid, gid, size, inode, born_ns, written_ns,
 *	   changed_ns)		times since 1970, born_ns 0 where not known
 *   scope(path, recursive)	the watch set (watchset.h) that was listed
 *
 * Paths are those that rules see. Writes are part of the transaction that
 * state_commit ends. Unless said otherwise -1 is a failure of the database, in
 * words from state_problem.
 */
#ifndef FIM_LEDGER_DB_H
#define FIM_LEDGER_DB_H

#include "fim/event.h"
#include "fim/state.h"
#include "fim/watchset.h"

struct ledger_db;

/* Makes the tables if need be. NULL: the database's failure, or no memory. */
struct ledger_db *ledger_db_open(struct state *);
void ledger_db_close(struct ledger_db *); /* NULL is allowed */

uint64_t ledger_db_count(const struct ledger_db *); /* files */
/* True once after writes have been undone, as by a full disk: what was written
 * lately is not there. */
bool ledger_db_undone(struct ledger_db *);

/* The number of a directory, at least 1; 0 when it has no files here. */
int64_t ledger_db_dir(struct ledger_db *, struct view path);
/* 1 with its path appended, 0 when there is none. */
int ledger_db_path(struct ledger_db *, int64_t dir, struct buf *path);

/* 1 with what is known, 0 when it is not. */
int ledger_db_get(struct ledger_db *, int64_t dir, struct view name,
		  struct event_seen *);
/* `add`: also one that is not there yet. */
int ledger_db_put(struct ledger_db *, struct view dir, struct view name,
		  const struct event_seen *, bool add);
/* 1 when it was there, else 0. */
int ledger_db_drop(struct ledger_db *, int64_t dir, struct view name);
/* Everything below a path, if it is a directory. */
int ledger_db_drop_below(struct ledger_db *, struct view path);
/* Directories without files. */
int ledger_db_sweep(struct ledger_db *);

/* What it is given is borrowed for the call; it must not use the ledger. */
typedef void ledger_db_row(void *ctx, int64_t dir, struct view name,
			   const struct event_seen *);
/* The next files behind that one, in the order of their directories' numbers
 * and their names, at most so many. How many there were. */
int ledger_db_after(struct ledger_db *, int64_t dir, struct view name,
		    unsigned max, ledger_db_row *, void *ctx);
/* Names that were known of this object, by inode and birth; at most 64. */
int ledger_db_each_name(struct ledger_db *, const struct event_seen *,
			ledger_db_row *, void *ctx);

/* 1: there is a scope, and now in `out`; 0: nothing was listed to its end yet.
 */
int ledger_db_scope(struct ledger_db *, struct watchset *out);
int ledger_db_set_scope(struct ledger_db *, const struct watchset *);

#endif
