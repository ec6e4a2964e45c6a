/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places in the state database. */
#include "fim/cursor.h"
#include "fim/state_db.h"
#include "scan/sql.h"

#include <stdlib.h>

/* All outputs write to the one database, and the watcher does. */
#define BUSY_MS 500

enum statement { NEXT, FIRST, BEGIN_AT_END, LOAD, SAVE, STATEMENTS };

static const char *const statement_sql[STATEMENTS] = {
	[NEXT] = "SELECT seq, time_ns, id, rule, json FROM alerts"
		 " WHERE seq > ?1 ORDER BY seq LIMIT ?2",
	[FIRST] = "SELECT min(seq) FROM alerts",
	[BEGIN_AT_END] = "INSERT OR IGNORE INTO outputs (name, seq) VALUES (?1,"
			 " coalesce((SELECT seq FROM sqlite_sequence"
			 " WHERE name = 'alerts'), 0))",
	[LOAD] = "SELECT seq, delivered, retries, refused, missed FROM outputs"
		 " WHERE name = ?1",
	[SAVE] = "UPDATE outputs SET seq = max(seq, ?2), delivered = ?3,"
		 " retries = ?4, refused = ?5, missed = ?6, problem = ?7"
		 " WHERE name = ?1",
};

struct cursor {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct view name; /* borrowed */
	struct cursor_figures figures;
};

static int
done(sqlite3_stmt *st)
{
	int result = sqlite3_step(st);

	sqlite3_reset(st);
	return result == SQLITE_DONE ? 0 : -1;
}

/* ---- opening --------------------------------------------------------- */

static int
prepare(struct cursor *c, const char *file)
{
	int keep = 1;

	/* Never the last one to tidy up (-wal stays), nor the one that copies
	 * the log into the file: the watcher does. Nothing on disk besides. */
	if (sqlite3_open_v2(file, &c->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return -1;
	state_distrust(c->db);
	if (sqlite3_busy_timeout(c->db, BUSY_MS) != SQLITE_OK ||
	    sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL,
				 &keep) != SQLITE_OK ||
	    sqlite3_exec(
		    c->db,
		    "PRAGMA synchronous=NORMAL; PRAGMA cell_size_check=ON;"
		    "PRAGMA cache_size=-512;"
		    "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0",
		    NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	return sql_prepare(c->db, statement_sql, STATEMENTS, c->statements) ==
			       SQLITE_OK
		       ? 0
		       : -1;
}

static int
load(struct cursor *c)
{
	sqlite3_stmt *st = c->statements[LOAD];
	int result;

	/* The watcher has made it, unless the disk was full. */
	sql_bind_text(c->statements[BEGIN_AT_END], 1, c->name);
	done(c->statements[BEGIN_AT_END]);
	sql_bind_text(st, 1, c->name);
	result = sqlite3_step(st);
	if (result == SQLITE_ROW)
		c->figures = (struct cursor_figures){
			sql_number(st, 0), sql_number(st, 1), sql_number(st, 2),
			sql_number(st, 3), sql_number(st, 4),
		};
	sqlite3_reset(st);
	return result == SQLITE_ROW ? 0 : -1;
}

struct cursor *
cursor_open(const char *folder, struct view name, struct buf *why)
{
	struct cursor *c = calloc(1, sizeof(*c));
	struct buf file = { 0 };

	buf_printf(&file, "%s/state.db%c", folder, 0);
	if (c == NULL || file.failed) {
		buf_puts(why, "out of memory");
		buf_free(&file);
		cursor_close(c);
		return NULL;
	}
	c->name = name;
	if (prepare(c, file.p) != 0 || load(c) != 0) {
		buf_printf(why, "the state database cannot be used: %s",
			   c->db != NULL ? sqlite3_errmsg(c->db)
					 : "out of memory");
		cursor_close(c);
		c = NULL;
	}
	buf_free(&file);
	return c;
}

void
cursor_close(struct cursor *c)
{
	if (c == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	free(c);
}

/* ---- reading --------------------------------------------------------- */

struct cursor_figures *
cursor_figures(struct cursor *c)
{
	return &c->figures;
}

/* Alerts between the cursor and the first one there is have been removed. */
static void
count_missed(struct cursor *c)
{
	sqlite3_stmt *st = c->statements[FIRST];
	uint64_t first = 0;

	if (sqlite3_step(st) == SQLITE_ROW)
		first = sql_number(st, 0);
	sqlite3_reset(st);
	if (first <= c->figures.seq + 1)
		return;
	c->figures.missed += first - 1 - c->figures.seq;
	c->figures.seq = first - 1;
}

/* False when memory is out, or the database is damaged: numbers that do not
 * rise would deliver the same alerts for ever. */
static bool
take_row(struct cursor_batch *b, sqlite3_stmt *st, uint64_t after)
{
	struct cursor_alert *a = &b->v[b->n];

	*a = (struct cursor_alert){
		.seq = sql_number(st, 0),
		.time_ns = sql_number(st, 1),
		.id = arena_copy(&b->arena, sql_text(st, 2)),
		.rule_id = arena_copy(&b->arena, sql_text(st, 3)),
		.json = arena_copy(&b->arena, sql_text(st, 4)),
	};
	if (b->n > 0)
		after = b->v[b->n - 1].seq;
	if (a->json.p == NULL || a->id.p == NULL || a->seq <= after)
		return false;
	b->n++;
	return true;
}

int
cursor_read(struct cursor *c, struct cursor_batch *b)
{
	sqlite3_stmt *st = c->statements[NEXT];
	int step = SQLITE_DONE;
	size_t bytes = 0;

	b->n = 0;
	arena_reset(&b->arena);
	count_missed(c);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)c->figures.seq);
	sqlite3_bind_int64(st, 2, CURSOR_BATCH);
	while (bytes < CURSOR_BATCH_BYTES && b->n < CURSOR_BATCH &&
	       (step = sqlite3_step(st)) == SQLITE_ROW &&
	       take_row(b, st, c->figures.seq))
		bytes += b->v[b->n - 1].json.n;
	sqlite3_reset(st);
	return b->n > 0 || step == SQLITE_DONE ? 0 : -1;
}

int
cursor_save(struct cursor *c, struct view problem)
{
	sqlite3_stmt *st = c->statements[SAVE];
	const struct cursor_figures *f = &c->figures;

	sql_bind_text(st, 1, c->name);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)f->seq);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)f->delivered);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)f->retries);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)f->refused);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)f->missed);
	sql_bind_text(st, 7, problem);
	return done(st);
}

/* ---- telling --------------------------------------------------------- */

int
cursor_each(sqlite3 *db, void (*each)(void *ctx, const struct cursor_state *),
	    void *ctx)
{
	sqlite3_stmt *st = NULL;
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db,
			       "SELECT name, problem, seq, delivered, retries,"
			       " refused, missed, (SELECT count(*) FROM alerts"
			       " WHERE alerts.seq > outputs.seq) FROM outputs"
			       " ORDER BY name",
			       -1, &st, NULL) != SQLITE_OK)
		return -1;
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct cursor_state s = {
			.name = sql_text(st, 0),
			.problem = sql_text(st, 1),
			.figures = { sql_number(st, 2), sql_number(st, 3),
				     sql_number(st, 4), sql_number(st, 5),
				     sql_number(st, 6) },
			.behind = sql_number(st, 7),
		};

		each(ctx, &s);
	}
	sqlite3_finalize(st);
	return step == SQLITE_DONE ? 0 : -1;
}
