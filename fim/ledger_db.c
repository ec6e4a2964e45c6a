/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger's tables over SQLite. */
#include "fim/ledger_db.h"

#include <stdlib.h>

#include "scan/sql.h"

static const char schema_sql[] =
	"CREATE TABLE IF NOT EXISTS dirs ("
	" id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS files ("
	" dir INTEGER NOT NULL, name TEXT NOT NULL, mode INTEGER NOT NULL,"
	" uid INTEGER NOT NULL, gid INTEGER NOT NULL, size INTEGER NOT NULL,"
	" inode INTEGER NOT NULL, born_ns INTEGER NOT NULL,"
	" written_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
	" PRIMARY KEY (dir, name)) WITHOUT ROWID;"
	/* For what was renamed. */
	"CREATE INDEX IF NOT EXISTS files_object ON files (inode);"
	"CREATE TABLE IF NOT EXISTS scope ("
	" path TEXT NOT NULL, recursive INTEGER NOT NULL);";

/* Names of one object that are looked at: it may have 65,000. */
#define OBJECTS_MAX "64"

#define FACTS "mode, uid, gid, size, inode, born_ns, written_ns, changed_ns"

enum statement {
	COUNT,
	FIND_DIR,
	ADD_DIR,
	DIR_PATH,
	GET,
	ADD,
	CHANGE,
	CHANGE_OBJECT,
	DROP,
	DROP_BELOW,
	DROP_DIRS,
	SWEEP,
	AFTER,
	OBJECT,
	SCOPE,
	CLEAR_SCOPE,
	ADD_SCOPE,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[COUNT] = "SELECT count(*) FROM files",
	[FIND_DIR] = "SELECT id FROM dirs WHERE path = ?1",
	[ADD_DIR] = "INSERT INTO dirs (path) VALUES (?1) RETURNING id",
	[DIR_PATH] = "SELECT path FROM dirs WHERE id = ?1",
	[GET] = "SELECT " FACTS " FROM files WHERE dir = ?1 AND name = ?2",
	[ADD] = "INSERT INTO files (dir, name, " FACTS ")"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	/* An index is written for what is named here, the same or not. */
	[CHANGE] = "UPDATE files SET mode = ?3, uid = ?4, gid = ?5, size = ?6,"
		   " born_ns = ?8, written_ns = ?9, changed_ns = ?10"
		   " WHERE dir = ?1 AND name = ?2",
	[CHANGE_OBJECT] = "UPDATE files SET mode = ?3, uid = ?4, gid = ?5,"
			  " size = ?6, inode = ?7, born_ns = ?8,"
			  " written_ns = ?9, changed_ns = ?10"
			  " WHERE dir = ?1 AND name = ?2",
	[DROP] = "DELETE FROM files WHERE dir = ?1 AND name = ?2",
	/* What begins with "path/" is between that and "path0". */
	[DROP_BELOW] = "DELETE FROM files WHERE dir IN (SELECT id FROM dirs"
		       " WHERE path = ?1 OR (path > ?2 AND path < ?3))",
	[DROP_DIRS] = "DELETE FROM dirs"
		      " WHERE path = ?1 OR (path > ?2 AND path < ?3)",
	[SWEEP] = "DELETE FROM dirs WHERE NOT EXISTS"
		  " (SELECT 1 FROM files WHERE dir = dirs.id)",
	[AFTER] = "SELECT dir, name, " FACTS " FROM files"
		  " WHERE (dir, name) > (?1, ?2) AND typeof(dir) = 'integer'"
		  " AND typeof(name) = 'text' ORDER BY dir, name LIMIT ?3",
	[OBJECT] = "SELECT dir, name, " FACTS " FROM files"
		   " WHERE inode = ?1 AND born_ns = ?2 LIMIT " OBJECTS_MAX,
	[SCOPE] = "SELECT path, recursive FROM scope",
	[CLEAR_SCOPE] = "DELETE FROM scope",
	[ADD_SCOPE] = "INSERT INTO scope (path, recursive) VALUES (?1, ?2)",
};

struct ledger_db {
	struct state *state;
	sqlite3_stmt *st[STATEMENTS];
	uint64_t count;
	uint64_t undone; /* transactions, as far as this knows */
	/* Files come by directory. */
	struct buf last_path;
	int64_t last_dir;
};

/* ---- helpers --------------------------------------------------------- */

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
count(struct ledger_db *d)
{
	sqlite3_stmt *st = d->st[COUNT];
	int step = sqlite3_step(st);

	if (step == SQLITE_ROW)
		d->count = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return step == SQLITE_ROW ? 0 : -1;
}

bool
ledger_db_undone(struct ledger_db *d)
{
	uint64_t undone = state_undone(d->state);

	if (undone == d->undone || count(d) != 0)
		return undone != d->undone;
	d->undone = undone;
	/* The numbers of directories that were made in it are given again. */
	d->last_dir = 0;
	return true;
}

struct ledger_db *
ledger_db_open(struct state *state)
{
	struct ledger_db *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->state = state;
	d->undone = state_undone(state);
	if (state_begin(state) == 0 &&
	    sqlite3_exec(state_db(state), schema_sql, NULL, NULL, NULL) ==
		    SQLITE_OK &&
	    sql_prepare(state_db(state), statement_sql, STATEMENTS, d->st) ==
		    SQLITE_OK &&
	    count(d) == 0)
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

	sql_bind_text(st, 1, path);
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

	if (d->last_dir > 0 && state_undone(d->state) == d->undone &&
	    view_eq(buf_view(&d->last_path), path))
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
ledger_db_path(struct ledger_db *d, int64_t dir, struct buf *path)
{
	sqlite3_stmt *st = d->st[DIR_PATH];
	int step, found;

	sqlite3_bind_int64(st, 1, dir);
	step = sqlite3_step(st);
	found = step == SQLITE_ROW;
	if (found) {
		buf_put(path, sql_text(st, 0));
		step = SQLITE_DONE; /* there is one */
	}
	return end(st, step) == 0 && !path->failed ? found : -1;
}

int
ledger_db_sweep(struct ledger_db *d)
{
	d->last_dir = 0;
	return state_begin(d->state) != 0 || run(d, d->st[SWEEP]) < 0 ? -1 : 0;
}

/* ---- files ----------------------------------------------------------- */

int
ledger_db_get(struct ledger_db *d, int64_t dir, struct view name,
	      struct event_seen *out)
{
	sqlite3_stmt *st = d->st[GET];
	int step, found;

	sqlite3_bind_int64(st, 1, dir);
	sql_bind_text(st, 2, name);
	step = sqlite3_step(st);
	found = step == SQLITE_ROW;
	if (found) {
		*out = facts_of(st, 0);
		step = SQLITE_DONE; /* there is one */
	}
	return end(st, step) == 0 ? found : -1;
}

static int
write_file(struct ledger_db *d, enum statement which, int64_t dir,
	   struct view name, const struct event_seen *seen)
{
	sqlite3_stmt *st = d->st[which];

	if (state_begin(d->state) != 0)
		return -1;
	sqlite3_bind_int64(st, 1, dir);
	sql_bind_text(st, 2, name);
	bind_facts(st, seen);
	return run(d, st);
}

static bool
is_known(const struct event_seen *a, const struct event_seen *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
	       a->size == b->size && a->ino == b->ino &&
	       a->born_ns == b->born_ns && a->written_ns == b->written_ns &&
	       a->changed_ns == b->changed_ns;
}

static int
change(struct ledger_db *d, int64_t dir, struct view name,
       const struct event_seen *was, const struct event_seen *is)
{
	enum statement which = was->ino == is->ino ? CHANGE : CHANGE_OBJECT;

	if (is_known(was, is))
		return 0;
	return write_file(d, which, dir, name, is) < 0 ? -1 : 0;
}

int
ledger_db_put(struct ledger_db *d, struct view path, struct view name,
	      const struct event_seen *seen, bool add)
{
	int64_t dir = ledger_db_dir(d, path);
	struct event_seen was;
	int found = dir > 0 ? ledger_db_get(d, dir, name, &was) : 0;

	if (found > 0)
		return change(d, dir, name, &was, seen);
	if (dir < 0 || found < 0)
		return -1;
	if (!add)
		return 0;
	if (dir == 0)
		dir = make_dir(d, path);
	if (dir <= 0 || write_file(d, ADD, dir, name, seen) < 0)
		return -1;
	d->count++;
	return 0;
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
	sql_bind_text(st, 2, name);
	return drop(d, st);
}

static void
bind_below(sqlite3_stmt *st, struct view path, const struct buf *from,
	   const struct buf *to)
{
	sql_bind_text(st, 1, path);
	sql_bind_text(st, 2, buf_view(from));
	sql_bind_text(st, 3, buf_view(to));
}

int
ledger_db_drop_below(struct ledger_db *d, struct view path)
{
	sqlite3_stmt *files = d->st[DROP_BELOW], *dirs = d->st[DROP_DIRS];
	struct buf from = { 0 }, to = { 0 };
	int n = -1;

	buf_put(&from, path);
	buf_putc(&from, '/');
	buf_put(&to, path);
	buf_putc(&to, '/' + 1);
	if (!from.failed && !to.failed && state_begin(d->state) == 0) {
		d->last_dir = 0;
		bind_below(files, path, &from, &to);
		bind_below(dirs, path, &from, &to);
		n = drop(d, files);
		n = n < 0 ? end(dirs, SQLITE_ERROR) : run(d, dirs);
	}
	buf_free(&from);
	buf_free(&to);
	return n < 0 ? -1 : 0;
}

/* ---- reading --------------------------------------------------------- */

static int
each_row(sqlite3_stmt *st, ledger_db_row *each, void *ctx)
{
	int step, n = 0;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		struct event_seen seen = facts_of(st, 2);

		each(ctx, sqlite3_column_int64(st, 0), sql_text(st, 1), &seen);
		n++;
	}
	return end(st, step) == 0 ? n : -1;
}

int
ledger_db_after(struct ledger_db *d, int64_t dir, struct view name,
		unsigned max, ledger_db_row *each, void *ctx)
{
	sqlite3_stmt *st = d->st[AFTER];

	sqlite3_bind_int64(st, 1, dir);
	sql_bind_text(st, 2, name);
	sqlite3_bind_int64(st, 3, max);
	return each_row(st, each, ctx);
}

int
ledger_db_each_name(struct ledger_db *d, const struct event_seen *is,
		    ledger_db_row *each, void *ctx)
{
	sqlite3_stmt *st = d->st[OBJECT];

	sqlite3_bind_int64(st, 1, (sqlite3_int64)is->ino);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)is->born_ns);
	return each_row(st, each, ctx);
}

/* ---- the scope ------------------------------------------------------- */

int
ledger_db_scope(struct ledger_db *d, struct watchset *out)
{
	sqlite3_stmt *st = d->st[SCOPE];
	int step, rc = 0;

	while ((step = sqlite3_step(st)) == SQLITE_ROW && rc == 0) {
		struct watch w = { .path = sql_text(st, 0),
				   .recursive =
					   sqlite3_column_int(st, 1) != 0 };

		/* As the monitor writes it, or not at all. */
		if (w.path.n > 1 && w.path.p[0] == '/')
			rc = watchset_add(out, &w);
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
		sql_bind_text(st, 1, ws->v[i].path);
		sqlite3_bind_int(st, 2, ws->v[i].recursive);
		if (run(d, st) < 0)
			return -1;
	}
	return 0;
}
