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
/* The number of a directory, at least 1; 0 when it has no files here. */
int64_t ledger_db_dir(struct ledger_db *, struct view path);

/* `add`: also one that is not there yet. */
int ledger_db_put(struct ledger_db *, struct view dir, struct view name,
		  const struct event_seen *, bool add);
/* 1 when it was there, else 0. */
int ledger_db_drop(struct ledger_db *, int64_t dir, struct view name);
/* Only if it is still known as that; 1 when it was there. */
int ledger_db_drop_same(struct ledger_db *, int64_t dir, struct view name,
			const struct event_seen *);
/* Everything below a path, if it is a directory. */
int ledger_db_drop_below(struct ledger_db *, struct view path);
/* Directories without files. */
int ledger_db_sweep(struct ledger_db *);

/* What callbacks are given is borrowed for the call; they write nothing. By
 * name, in byte order. */
int ledger_db_each_file(struct ledger_db *, int64_t dir,
			void (*each)(void *ctx, struct view name,
				     const struct event_seen *),
			void *ctx);
int ledger_db_each_dir(struct ledger_db *,
		       void (*each)(void *ctx, int64_t dir, struct view path),
		       void *ctx);
int ledger_db_each_object(struct ledger_db *,
			  void (*each)(void *ctx, int64_t dir,
				       const struct event_seen *),
			  void *ctx);
/* The file of that directory with this inode and time of birth: 1 with its
 * path and all that is known, 0 when there is none. */
int ledger_db_find(struct ledger_db *, int64_t dir, uint64_t ino,
		   uint64_t born_ns, struct buf *path, struct event_seen *);

/* 1: there is a scope, and now in `out`; 0: nothing was listed to its end yet.
 */
int ledger_db_scope(struct ledger_db *, struct watchset *out);
int ledger_db_set_scope(struct ledger_db *, const struct watchset *);

#endif
