/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger's tables over SQLite. */
#include "fim/ledger_db.h"

#include <sqlite3.h>
#include <stdlib.h>

static const char schema_sql[] =
	"CREATE TABLE IF NOT EXISTS dirs ("
	" id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS files ("
	" dir INTEGER NOT NULL, name TEXT NOT NULL, mode INTEGER NOT NULL,"
	" uid INTEGER NOT NULL, gid INTEGER NOT NULL, size INTEGER NOT NULL,"
	" inode INTEGER NOT NULL, born_ns INTEGER NOT NULL,"
	" written_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
	" PRIMARY KEY (dir, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS scope ("
	" path TEXT NOT NULL, recursive INTEGER NOT NULL);";

#define FACTS "mode, uid, gid, size, inode, born_ns, written_ns, changed_ns"

enum statement {
	COUNT,
	FIND_DIR,
	ADD_DIR,
	ADD,
	CHANGE,
	DROP,
	DROP_SAME,
	DROP_BELOW,
	SWEEP,
	EACH_FILE,
	EACH_DIR,
	EACH_OBJECT,
	FIND,
	SCOPE,
	CLEAR_SCOPE,
	ADD_SCOPE,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[COUNT] = "SELECT count(*) FROM files",
	[FIND_DIR] = "SELECT id FROM dirs WHERE path = ?1",
	[ADD_DIR] = "INSERT INTO dirs (path) VALUES (?1) RETURNING id",
	[ADD] = "INSERT INTO files (dir, name, " FACTS ")"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		" ON CONFLICT DO NOTHING",
	[CHANGE] = "UPDATE files SET mode = ?3, uid = ?4, gid = ?5, size = ?6,"
		   " inode = ?7, born_ns = ?8, written_ns = ?9,"
		   " changed_ns = ?10 WHERE dir = ?1 AND name = ?2",
	[DROP] = "DELETE FROM files WHERE dir = ?1 AND name = ?2",
	[DROP_SAME] = "DELETE FROM files WHERE dir = ?1 AND name = ?2"
		      " AND mode = ?3 AND uid = ?4 AND gid = ?5 AND size = ?6"
		      " AND inode = ?7 AND born_ns = ?8 AND written_ns = ?9"
		      " AND changed_ns = ?10",
	/* What begins with "path/" is between that and "path0". */
	[DROP_BELOW] = "DELETE FROM files WHERE dir IN (SELECT id FROM dirs"
		       " WHERE path = ?1 OR (path > ?2 AND path < ?3))",
	[SWEEP] = "DELETE FROM dirs WHERE NOT EXISTS"
		  " (SELECT 1 FROM files WHERE dir = dirs.id)",
	[EACH_FILE] = "SELECT name, " FACTS " FROM files WHERE dir = ?1"
		      " ORDER BY name",
	[EACH_DIR] = "SELECT id, path FROM dirs",
	[EACH_OBJECT] = "SELECT dir, " FACTS " FROM files",
	[FIND] = "SELECT path || '/' || name, " FACTS " FROM files, dirs"
		 " WHERE dir = ?1 AND id = ?1 AND inode = ?2 AND born_ns = ?3",
	[SCOPE] = "SELECT path, recursive FROM scope",
	[CLEAR_SCOPE] = "DELETE FROM scope",
	[ADD_SCOPE] = "INSERT INTO scope (path, recursive) VALUES (?1, ?2)",
};

struct ledger_db {
	struct state *state;
	sqlite3_stmt *st[STATEMENTS];
	uint64_t count;
	/* Files come by directory. */
	struct buf last_path;
	int64_t last_dir;
};

/* ---- helpers --------------------------------------------------------- */

static struct view
text_of(sqlite3_stmt *st, int column)
{
	const char *p = (const char *)sqlite3_column_text(st, column);

	return p == NULL ? VIEW("")
			 : (struct view){ p, (size_t)sqlite3_column_bytes(
						     st, column) };
}

static void
bind_text(sqlite3_stmt *st, int at, struct view v)
{
	sqlite3_bind_text64(st, at, v.n > 0 ? v.p : "", v.n, SQLITE_STATIC,
			    SQLITE_UTF8);
}

static void
bind_facts(sqlite3_stmt *st, const struct event_seen *s)
{
	sqlite3_bind_int64(st, 3, s->mode);
	sqlite3_bind_int64(st, 4, s->uid);
	sqlite3_bind_int64(st, 5, s->gid);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)s->size);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)s->ino);
	sqlite3_bind_int64(st, 8, (sqlite3_int64)s->born_ns);
	sqlite3_bind_int64(st, 9, (sqlite3_int64)s->written_ns);
	sqlite3_bind_int64(st, 10, (sqlite3_int64)s->changed_ns);
}

/* FACTS from column `at` on. */
static struct event_seen
facts_of(sqlite3_stmt *st, int at)
{
	return (struct event_seen){
		.mode = (uint32_t)sqlite3_column_int64(st, at),
		.uid = (uint32_t)sqlite3_column_int64(st, at + 1),
		.gid = (uint32_t)sqlite3_column_int64(st, at + 2),
		.size = (uint64_t)sqlite3_column_int64(st, at + 3),
		.ino = (uint64_t)sqlite3_column_int64(st, at + 4),
		.born_ns = (uint64_t)sqlite3_column_int64(st, at + 5),
		.written_ns = (uint64_t)sqlite3_column_int64(st, at + 6),
		.changed_ns = (uint64_t)sqlite3_column_int64(st, at + 7),
	};
}

static int
end(sqlite3_stmt *st, int step)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return step == SQLITE_DONE ? 0 : -1;
}

/* Rows changed, or -1. */
static int
run(struct ledger_db *d, sqlite3_stmt *st)
{
	if (end(st, sqlite3_step(st)) != 0)
		return -1;
	return sqlite3_changes(state_db(d->state));
}

/* ---- life ------------------------------------------------------------ */

static int
prepare(struct ledger_db *d)
{
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(state_db(d->state), statement_sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &d->st[i],
				       NULL) != SQLITE_OK)
			return -1;
	}
	return 0;
}

static int
count(struct ledger_db *d)
{
	sqlite3_stmt *st = d->st[COUNT];
	int step = sqlite3_step(st);

	if (step == SQLITE_ROW)
		d->count = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return step == SQLITE_ROW ? 0 : -1;
}

struct ledger_db *
ledger_db_open(struct state *state)
{
	struct ledger_db *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->state = state;
	if (state_begin(state) == 0 &&
	    sqlite3_exec(state_db(state), schema_sql, NULL, NULL, NULL) ==
		    SQLITE_OK &&
	    prepare(d) == 0 && count(d) == 0)
		return d;
	ledger_db_close(d);
	return NULL;
}

void
ledger_db_close(struct ledger_db *d)
{
	if (d == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(d->st[i]);
	buf_free(&d->last_path);
	free(d);
}

uint64_t
ledger_db_count(const struct ledger_db *d)
{
	return d->count;
}

/* ---- directories ----------------------------------------------------- */

static int64_t
ask_dir(struct ledger_db *d, enum statement which, struct view path)
{
	sqlite3_stmt *st = d->st[which];
	int64_t id = 0;
	int step;

	bind_text(st, 1, path);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
		step = sqlite3_step(st);
	}
	return end(st, step) == 0 ? id : -1;
}

int64_t
ledger_db_dir(struct ledger_db *d, struct view path)
{
	int64_t id;

	if (d->last_dir > 0 && view_eq(buf_view(&d->last_path), path))
		return d->last_dir;
	id = ask_dir(d, FIND_DIR, path);
	buf_clear(&d->last_path);
	buf_put(&d->last_path, path);
	d->last_dir = d->last_path.failed ? 0 : id;
	d->last_path.failed = false;
	return id;
}

static int64_t
make_dir(struct ledger_db *d, struct view path)
{
	int64_t id = ledger_db_dir(d, path);

	if (id == 0) {
		id = ask_dir(d, ADD_DIR, path);
		d->last_dir = id;
	}
	return id;
}

int
ledger_db_sweep(struct ledger_db *d)
{
	d->last_dir = 0;
	return state_begin(d->state) != 0 || run(d, d->st[SWEEP]) < 0 ? -1 : 0;
}

/* ---- files ----------------------------------------------------------- */

static int
write_file(struct ledger_db *d, enum statement which, int64_t dir,
	   struct view name, const struct event_seen *seen)
{
	sqlite3_stmt *st = d->st[which];

	sqlite3_bind_int64(st, 1, dir);
	bind_text(st, 2, name);
	bind_facts(st, seen);
	return run(d, st);
}

int
ledger_db_put(struct ledger_db *d, struct view dir, struct view name,
	      const struct event_seen *seen, bool add)
{
	int64_t id = state_begin(d->state) == 0 ? make_dir(d, dir) : -1;
	int added = 0;

	if (id <= 0)
		return -1;
	if (add)
		added = write_file(d, ADD, id, name, seen);
	if (added > 0)
		d->count++;
	if (added == 0)
		added = write_file(d, CHANGE, id, name, seen);
	return added < 0 ? -1 : 0;
}

static int
drop(struct ledger_db *d, sqlite3_stmt *st)
{
	int n = run(d, st);

	if (n > 0)
		d->count -= (uint64_t)n < d->count ? (uint64_t)n : d->count;
	return n;
}

int
ledger_db_drop(struct ledger_db *d, int64_t dir, struct view name)
{
	sqlite3_stmt *st = d->st[DROP];

	if (state_begin(d->state) != 0)
		return -1;
	sqlite3_bind_int64(st, 1, dir);
	bind_text(st, 2, name);
	return drop(d, st);
}

int
ledger_db_drop_same(struct ledger_db *d, int64_t dir, struct view name,
		    const struct event_seen *seen)
{
	int n = state_begin(d->state) == 0
			? write_file(d, DROP_SAME, dir, name, seen)
			: -1;

	if (n > 0 && d->count > 0)
		d->count--;
	return n;
}

int
ledger_db_drop_below(struct ledger_db *d, struct view path)
{
	sqlite3_stmt *st = d->st[DROP_BELOW];
	struct buf from = { 0 }, to = { 0 };
	int n = -1;

	buf_put(&from, path);
	buf_putc(&from, '/');
	buf_put(&to, path);
	buf_putc(&to, '/' + 1);
	if (!from.failed && !to.failed && state_begin(d->state) == 0) {
		bind_text(st, 1, path);
		bind_text(st, 2, buf_view(&from));
		bind_text(st, 3, buf_view(&to));
		n = drop(d, st);
	}
	buf_free(&from);
	buf_free(&to);
	return n < 0 ? -1 : 0;
}

/* ---- reading --------------------------------------------------------- */

int
ledger_db_each_file(struct ledger_db *d, int64_t dir,
		    void (*each)(void *ctx, struct view name,
				 const struct event_seen *),
		    void *ctx)
{
	sqlite3_stmt *st = d->st[EACH_FILE];
	int step;

	sqlite3_bind_int64(st, 1, dir);
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct event_seen seen = facts_of(st, 1);

		each(ctx, text_of(st, 0), &seen);
	}
	return end(st, step);
}

int
ledger_db_each_dir(struct ledger_db *d,
		   void (*each)(void *ctx, int64_t dir, struct view path),
		   void *ctx)
{
	sqlite3_stmt *st = d->st[EACH_DIR];
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		each(ctx, sqlite3_column_int64(st, 0), text_of(st, 1));
	return end(st, step);
}

int
ledger_db_each_object(struct ledger_db *d,
		      void (*each)(void *ctx, int64_t dir,
				   const struct event_seen *),
		      void *ctx)
{
	sqlite3_stmt *st = d->st[EACH_OBJECT];
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct event_seen seen = facts_of(st, 1);

		each(ctx, sqlite3_column_int64(st, 0), &seen);
	}
	return end(st, step);
}

int
ledger_db_find(struct ledger_db *d, int64_t dir, uint64_t ino, uint64_t born_ns,
	       struct buf *path, struct event_seen *out)
{
	sqlite3_stmt *st = d->st[FIND];
	int step, found;

	sqlite3_bind_int64(st, 1, dir);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)ino);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)born_ns);
	step = sqlite3_step(st);
	found = step == SQLITE_ROW;
	if (found) {
		buf_put(path, text_of(st, 0));
		*out = facts_of(st, 1);
		step = SQLITE_DONE; /* one is enough */
	}
	return end(st, step) == 0 && !path->failed ? found : -1;
}

/* ---- the scope ------------------------------------------------------- */

static int
add_scope(struct watchset *ws, struct view path, bool recursive)
{
	struct watch *v = reallocarray(ws->v, ws->n + 1, sizeof(*v));

	if (v == NULL)
		return -1;
	ws->v = v;
	v[ws->n] = (struct watch){ .path = arena_copy(&ws->arena, path),
				   .recursive = recursive };
	return v[ws->n++].path.p == NULL ? -1 : 0;
}

int
ledger_db_scope(struct ledger_db *d, struct watchset *out)
{
	sqlite3_stmt *st = d->st[SCOPE];
	int step, rc = 0;

	while ((step = sqlite3_step(st)) == SQLITE_ROW && rc == 0) {
		struct view path = text_of(st, 0);

		/* As the monitor writes it, or not at all. */
		if (path.n > 1 && path.p[0] == '/')
			rc = add_scope(out, path,
				       sqlite3_column_int(st, 1) != 0);
	}
	if (step == SQLITE_ROW)
		step = SQLITE_DONE;
	if (end(st, step) != 0 || rc != 0)
		return -1;
	return out->n > 0;
}

int
ledger_db_set_scope(struct ledger_db *d, const struct watchset *ws)
{
	sqlite3_stmt *st = d->st[ADD_SCOPE];

	if (state_begin(d->state) != 0 || run(d, d->st[CLEAR_SCOPE]) < 0)
		return -1;
	for (size_t i = 0; i < ws->n; i++) {
		bind_text(st, 1, ws->v[i].path);
		sqlite3_bind_int(st, 2, ws->v[i].recursive);
		if (run(d, st) < 0)
			return -1;
	}
	return 0;
}
