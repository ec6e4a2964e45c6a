/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of baseline_write.c: the rows of a generation that is being written.
 * In order; the files some at a time. -1: the database says why, or errno;
 * from then on nothing makes it good again.
 */
#ifndef BASELINES_ROWS_H
#define BASELINES_ROWS_H

#include "baselines/store.h"
#include "scan/scan.h"

#define ROWS_BATCH 16

enum rows_statement {
	ADD_DIR,
	ADD_EXTRA,
	ADD_FILE,
	ADD_FILES, /* ROWS_BATCH of them */
	ADD_PACKAGE,
	ADD_ACCOUNTS,
	ROWS_STATEMENTS
};

/* A file that waits for others. */
struct row {
	struct walk_entry e; /* but for what its views point to */
	size_t name;	     /* where it begins among the names */
	sqlite3_int64 extra;
	int package;
};

struct extra_kind;
struct package_seen;

struct rows {
	sqlite3 *db; /* borrowed */
	sqlite3_stmt *statements[ROWS_STATEMENTS];
	struct digest root; /* over all rows */
	struct buf row;	    /* scratch */
	struct buf dir;	    /* the last one */
	uint64_t n;	    /* files, those that wait included */
	struct row pending[ROWS_BATCH];
	size_t n_pending;
	struct buf names; /* of those */
	struct extra_kind *kinds;
	struct package_seen *packages;
	int n_packages;
	bool dir_known, damaged;
};

int rows_begin(struct rows *, sqlite3 *);
int rows_add(struct rows *, const struct baseline_item *);
/* What waits goes into the database. */
int rows_flush(struct rows *);
/* Frees; `n` stays. Also of what never began. */
void rows_end(struct rows *);

#endif
