/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the state database. */
#include "fim/state_read.h"

#include "fim/state_db.h"
#include "scan/sql.h"

#include <stdlib.h>
#include <unistd.h>

struct state_reader {
	sqlite3 *db;
};

void
state_distrust(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 2 * STATE_HELD_MAX);
}

static bool
usable(struct state_reader *s, const char *file)
{
	if (sqlite3_open_v2(file, &s->db,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return false;
	state_distrust(s->db);
	return sqlite3_busy_timeout(s->db, 2000) == SQLITE_OK &&
	       sqlite3_exec(s->db,
			    "PRAGMA cell_size_check=ON;"
			    "SELECT max(seq) FROM alerts;"
			    "SELECT max(seq) FROM gaps",
			    NULL, NULL, NULL) == SQLITE_OK;
}

struct state_reader *
state_reader_open(const char *folder, enum state_found *found, struct buf *why)
{
	struct state_reader *s = calloc(1, sizeof(*s));
	struct buf file = { 0 };

	*found = STATE_UNREADABLE;
	buf_printf(&file, "%s/state.db%c", folder, 0);
	if (s == NULL || file.failed) {
		buf_puts(why, "out of memory");
	} else if (access(file.p, F_OK) != 0) {
		*found = STATE_NONE;
	} else if (usable(s, file.p)) {
		*found = STATE_FOUND;
	} else {
		buf_puts(why, s->db != NULL ? sqlite3_errmsg(s->db)
					    : "out of memory");
	}
	buf_free(&file);
	if (*found == STATE_FOUND)
		return s;
	state_reader_close(s);
	return NULL;
}

void
state_reader_close(struct state_reader *s)
{
	if (s == NULL)
		return;
	sqlite3_close(s->db);
	free(s);
}

/* ---- terms ----------------------------------------------------------- */

int
state_terms(sqlite3 *db,
	    void (*each)(void *ctx, struct view rule_id, const uint8_t key[16],
			 uint64_t last_seen_ns),
	    void *ctx)
{
	sqlite3_stmt *st = NULL;
	int step;

	if (sqlite3_prepare_v2(db,
			       "SELECT rule, key, last_seen_ns FROM terms"
			       " WHERE length(key) = 16",
			       -1, &st, NULL) != SQLITE_OK)
		return -1;
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct view rule = sql_text(st, 0);
		const uint8_t *key = sqlite3_column_blob(st, 1);

		if (key != NULL)
			each(ctx, rule, key,
			     (uint64_t)sqlite3_column_int64(st, 2));
	}
	sqlite3_finalize(st);
	return step == SQLITE_DONE ? 0 : -1;
}

int
state_reader_each_term(struct state_reader *s,
		       void (*each)(void *ctx, struct view rule_id,
				    const uint8_t key[16],
				    uint64_t last_seen_ns),
		       void *ctx)
{
	return state_terms(s->db, each, ctx);
}

uint64_t
state_reader_first_start(struct state_reader *s)
{
	sqlite3_stmt *st = NULL;
	uint64_t first_ns = 0;

	if (sqlite3_prepare_v2(s->db,
			       "SELECT value FROM meta"
			       " WHERE name = 'first_start_ns'",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		first_ns = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return first_ns;
}

/* ---- rows ------------------------------------------------------------ */

struct rows {
	struct state_span *span;
	void (*alert)(void *ctx, struct view json);
	void (*gap)(void *ctx, const struct state_gap *);
	void *ctx;
};

static void
take_row(const struct rows *r, sqlite3_stmt *st)
{
	if (r->alert != NULL) {
		r->alert(r->ctx, sql_text(st, 1));
	} else {
		struct state_gap gap = { .from_ns = sql_number(st, 1),
					 .to_ns = sql_number(st, 2),
					 .scope = sql_text(st, 3),
					 .cause = sql_text(st, 4),
					 .lost = sql_number(st, 5),
					 .closed_ns = sql_number(st, 6),
					 .changes = sql_number(st, 7),
					 .alerts = sql_number(st, 8) };

		r->gap(r->ctx, &gap);
	}
}

/* The last number there is; 0 in an empty table. */
static uint64_t
last_number(struct state_reader *s, const char *sql)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sql_number(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int
each_row(struct state_reader *s, const char *sql, const struct rows *r)
{
	struct state_span *span = r->span;
	bool by_time = span->last_seq == 0;
	sqlite3_stmt *st = NULL;
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, (sqlite3_int64)span->last_seq);
		sqlite3_bind_int64(st, 2,
				   by_time ? (sqlite3_int64)span->from_ns : 0);
		while ((step = sqlite3_step(st)) == SQLITE_ROW) {
			span->last_seq = sql_number(st, 0);
			if (span->n++ < span->max)
				take_row(r, st);
		}
	}
	sqlite3_finalize(st);
	return step == SQLITE_DONE ? 0 : -1;
}

/* A table whose numbers do not reach that far was begun anew. */
static void
begin_after(struct state_reader *s, struct state_span *span, const char *sql)
{
	span->n = 0;
	span->last_seq =
		span->after_seq <= last_number(s, sql) ? span->after_seq : 0;
}

int
state_each_alert(struct state_reader *s, struct state_span *span,
		 void (*each)(void *ctx, struct view json), void *ctx)
{
	struct rows r = { .span = span, .alert = each, .ctx = ctx };

	begin_after(s, span, "SELECT max(seq) FROM alerts");
	return each_row(s,
			"SELECT seq, json FROM alerts"
			" WHERE seq > ?1 AND time_ns >= ?2 ORDER BY seq",
			&r);
}

#define GAPS_SQL(more)                                          \
	"SELECT seq, from_ns, to_ns, scope, cause, lost, " more \
	" FROM gaps WHERE seq > ?1 AND to_ns >= ?2 ORDER BY seq"

int
state_each_gap(struct state_reader *s, struct state_span *span,
	       void (*each)(void *ctx, const struct state_gap *), void *ctx)
{
	struct rows r = { .span = span, .gap = each, .ctx = ctx };

	bool old = sqlite3_exec(s->db, "SELECT closed_ns FROM gaps LIMIT 0",
				NULL, NULL, NULL) != SQLITE_OK;

	begin_after(s, span, "SELECT max(seq) FROM gaps");
	/* Until the monitor of this version has run, there is less to read. */
	if (old)
		return each_row(s, GAPS_SQL("0, 0, 0"), &r);
	return each_row(s, GAPS_SQL("closed_ns, changes, alerts"), &r);
}
