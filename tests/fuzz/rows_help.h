/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of a sound SQLite database as somebody who knows how has changed them.
 * The input is a list of changes: which cell (a byte), in which row (a byte),
 * what it becomes (a byte, enum row_change), the length of a value (a byte) and
 * the value.
 */
#ifndef TESTS_FUZZ_ROWS_HELP_H
#define TESTS_FUZZ_ROWS_HELP_H

#include "scan/sql.h"
#include "tests/fuzz/folder_help.h"

struct row_cell {
	const char *table, *column;
	const char *key; /* what tells its rows: "rowid", "dir, name" */
};

enum row_change {
	ROW_NULL,
	ROW_INTEGER, /* the value's bytes, the lowest first */
	ROW_SMALL,   /* its first byte, with a sign */
	ROW_REAL,
	ROW_TEXT,
	ROW_BLOB,
	ROW_LONG, /* some kilobytes */
	ROW_GONE, /* the whole row */
	ROW_CHANGES
};

#define ROWS_CHANGES_MAX 64

static inline sqlite3_int64
rows_integer(struct view value)
{
	uint64_t n = 0;

	for (size_t i = 0; i < value.n && i < sizeof(n); i++)
		n |= (uint64_t)(unsigned char)value.p[i] << (8 * i);
	return (sqlite3_int64)n;
}

static inline void
rows_bind(sqlite3_stmt *st, enum row_change change, struct view value)
{
	switch (change) {
	case ROW_INTEGER:
		sqlite3_bind_int64(st, 1, rows_integer(value));
		break;
	case ROW_SMALL:
		sqlite3_bind_int64(st, 1,
				   value.n > 0 ? (signed char)value.p[0] : 0);
		break;
	case ROW_REAL:
		sqlite3_bind_double(st, 1, (double)rows_integer(value) * 1e-3);
		break;
	case ROW_TEXT:
		sql_bind_text(st, 1, value);
		break;
	case ROW_BLOB:
		sql_bind_bytes(st, 1, value);
		break;
	case ROW_LONG:
		sqlite3_bind_zeroblob(st, 1, 64 * (int)value.n);
		break;
	default:
		sqlite3_bind_null(st, 1);
	}
}

/* What the table's own conditions refuse stays as it was. */
static inline void
rows_change_one(sqlite3 *db, const struct row_cell *cell, unsigned row,
		enum row_change change, struct view value)
{
	sqlite3_stmt *st = NULL;
	char what[96], sql[400];

	snprintf(what, sizeof(what), "UPDATE %s SET %s = ?1", cell->table,
		 cell->column);
	if (change == ROW_GONE)
		snprintf(what, sizeof(what), "DELETE FROM %s", cell->table);
	snprintf(sql, sizeof(sql),
		 "%s WHERE (%s) = (SELECT %s FROM %s LIMIT 1 OFFSET %u)", what,
		 cell->key, cell->key, cell->table, row);
	check(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK);
	if (change != ROW_GONE)
		rows_bind(st, change, value);
	sqlite3_step(st);
	sqlite3_finalize(st);
}

/* `name`: of the database in the folder. */
static inline void
rows_change(const char *name, const struct row_cell *cells, size_t n,
	    struct view input)
{
	sqlite3 *db = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	check(sqlite3_open(path, &db) == SQLITE_OK &&
	      sqlite3_exec(db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL,
			   NULL) == SQLITE_OK);
	for (int i = 0; i < ROWS_CHANGES_MAX && input.n >= 4; i++) {
		const unsigned char *head = (const unsigned char *)input.p;
		struct view value = view_sub(input, 4, head[3]);

		rows_change_one(db, &cells[head[0] % n], head[1] % 16,
				head[2] % ROW_CHANGES, value);
		input = view_sub(input, 4 + value.n, SIZE_MAX);
	}
	check(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

#endif
