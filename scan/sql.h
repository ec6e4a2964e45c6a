/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Views and numbers in SQLite's rows and statements (sqlite3_column_blob(3),
 * sqlite3_bind_blob(3)). A database may be anybody's: a column holds what was
 * written there, whatever type its table says.
 */
#ifndef SCAN_SQL_H
#define SCAN_SQL_H

#include <sqlite3.h>

#include "scan/base.h"

/* Both are borrowed until the statement goes on or is reset. NULL is VIEW_NONE,
 * and so it is when memory is out. What is no text is made one, in UTF-8. */
static inline struct view
sql_text(sqlite3_stmt *st, int column)
{
	const char *p = (const char *)sqlite3_column_text(st, column);

	return p == NULL ? VIEW_NONE
			 : (struct view){ p, (size_t)sqlite3_column_bytes(
						     st, column) };
}

/* As they are. No bytes are VIEW_NONE, too. */
static inline struct view
sql_bytes(sqlite3_stmt *st, int column)
{
	const char *p = sqlite3_column_blob(st, column);

	return p == NULL ? VIEW_NONE
			 : (struct view){ p, (size_t)sqlite3_column_bytes(
						     st, column) };
}

/* What is below zero, or no number, is 0. */
static inline uint64_t
sql_number(sqlite3_stmt *st, int column)
{
	sqlite3_int64 n = sqlite3_column_int64(st, column);

	return n > 0 ? (uint64_t)n : 0;
}

/* ?`at` of the statement. The bytes stay the caller's, and must until it has
 * run. VIEW_NONE is bound as what has no bytes, never as NULL. */
static inline void
sql_bind_text(sqlite3_stmt *st, int at, struct view v)
{
	sqlite3_bind_text64(st, at, v.n > 0 ? v.p : "", v.n, SQLITE_STATIC,
			    SQLITE_UTF8);
}

static inline void
sql_bind_bytes(sqlite3_stmt *st, int at, struct view v)
{
	sqlite3_bind_blob64(st, at, v.n > 0 ? v.p : "", v.n, SQLITE_STATIC);
}

/* `n` statements that are kept; SQLITE_OK or what was wrong with the first that
 * is. Those before it are the caller's to finalize, all the same. */
static inline int
sql_prepare(sqlite3 *db, const char *const *texts, size_t n, sqlite3_stmt **out)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
		rc = sqlite3_prepare_v3(db, texts[i], -1,
					SQLITE_PREPARE_PERSISTENT, &out[i],
					NULL);
	return rc;
}

/* The user_version of the file; -1 if it cannot be read. */
static inline int
sql_version(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) ==
		    SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return version;
}

#endif
