/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of baseline*.c: SQLite over an open descriptor, and names. */
#ifndef BASELINES_STORE_H
#define BASELINES_STORE_H

#include <sqlite3.h>

#include "baselines/baseline.h"

#define LOCK_NAME "baseline.lock"
#define NEW_SUFFIX ".new"
#define NEXT_SUFFIX ".next"

/* A database of which SQLite sees `fd` and nothing else: no path, no journal,
 * no lock. SQLITE_… as sqlite3_open_v2(). */
struct fd_database {
	sqlite3 *db;
	sqlite3_vfs *vfs;
};
int fd_database_open(struct fd_database *, int fd);
void fd_database_close(struct fd_database *);

static inline struct view
column_view(sqlite3_stmt *st, int at)
{
	const char *p = sqlite3_column_blob(st, at);

	return (struct view){
		p, p == NULL ? 0 : (size_t)sqlite3_column_bytes(st, at)
	};
}

static inline void
bind_blob(sqlite3_stmt *st, int at, struct view v)
{
	sqlite3_bind_blob64(st, at, v.n > 0 ? v.p : "", v.n, SQLITE_STATIC);
}

static inline void
bind_text(sqlite3_stmt *st, int at, struct view v)
{
	sqlite3_bind_text64(st, at, v.n > 0 ? v.p : "", v.n, SQLITE_STATIC,
			    SQLITE_UTF8);
}

#endif
