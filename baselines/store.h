/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of baseline*.c: SQLite over an open descriptor, and names. */
#ifndef BASELINES_STORE_H
#define BASELINES_STORE_H

#include <sys/stat.h>

#include "baselines/baseline.h"
#include "scan/sql.h"

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

/* A generation that is read: opened by baseline_read.c, its rows by
 * baseline_items.c. Few files have an extra row or lines of accounts, many
 * share a package: none of these is joined for each file. */
enum query {
	NEXT_FILE,
	NEXT_DIR,
	NEXT_ACCOUNTS,
	GET_EXTRA,
	FIND_DIR,
	FIND_FILE,
	COUNT_DIRS,
	QUERIES
};

struct baseline {
	struct buf path;
	int fd;
	struct stat st; /* as verified */
	struct fd_database d;
	sqlite3_stmt *queries[QUERIES];
	struct baseline_meta meta;
	struct view *packages; /* by id, from 1 */
	size_t n_packages;
	struct arena arena; /* of meta and packages */
	struct baseline_item item;
	struct buf dir, name;	  /* of the item, each with a NUL */
	sqlite3_int64 next_first; /* first file of the next folder */
	sqlite3_int64 next_accounts;
	bool more_dirs, started;
};

#endif
