/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state database over SQLite. */
#include "fim/cursor.h"
#include "fim/state_db.h"
#include "scan/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PAUSE_MS 50
#define LOCK_WAIT_MS 1000
#define LOCK_LAST_MS 60000

/* user_version of the file; a newer one is not ours to touch. */
#define STATE_VERSION 1
/* Alerts kept. An output that is further behind has missed some, and says so.
 */
#define ALERTS_KEPT "100000"

static const char schema_sql[] =
	"CREATE TABLE IF NOT EXISTS alerts ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
	" rule TEXT NOT NULL, time_ns INTEGER NOT NULL, json TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS terms ("
	" rule TEXT NOT NULL, key BLOB NOT NULL, last_seen_ns INTEGER NOT NULL,"
	" PRIMARY KEY (rule, key)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS gaps ("
	" seq INTEGER PRIMARY KEY, from_ns INTEGER NOT NULL,"
	" to_ns INTEGER NOT NULL, scope TEXT NOT NULL, cause TEXT NOT NULL,"
	" lost INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS meta ("
	" name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	/* What each output has had: all up to `seq`. The rest is told by the
	 * output's own process (cursor.h). */
	"CREATE TABLE IF NOT EXISTS outputs ("
	" name TEXT PRIMARY KEY, seq INTEGER NOT NULL,"
	" delivered INTEGER NOT NULL DEFAULT 0,"
	" retries INTEGER NOT NULL DEFAULT 0,"
	" refused INTEGER NOT NULL DEFAULT 0,"
	" missed INTEGER NOT NULL DEFAULT 0,"
	" problem TEXT NOT NULL DEFAULT '') WITHOUT ROWID;";

static const char trim_sql[] = "DELETE FROM alerts WHERE seq <="
			       " (SELECT max(seq) FROM alerts) - " ALERTS_KEPT;

/* Texts are ?1 to ?3, numbers ?4 to ?6 (state_db.h). */
static const char *const statement_sql[STATE_STATEMENTS] = {
	[STATE_ADD_ALERT] =
		"INSERT OR IGNORE INTO alerts (id, rule, time_ns, json)"
		" VALUES (?1, ?2, ?4, ?3)",
	[STATE_ADD_TERM] = "INSERT INTO terms (rule, key, last_seen_ns)"
			   " VALUES (?1, ?2, ?4) ON CONFLICT DO UPDATE"
			   " SET last_seen_ns = max(last_seen_ns, ?4)",
	[STATE_ADD_GAP] =
		"INSERT INTO gaps (scope, cause, from_ns, to_ns, lost)"
		" VALUES (?1, ?2, ?4, ?5, ?6)",
	[STATE_FIRST_START] =
		"INSERT INTO meta (name, value)"
		" VALUES ('first_start_ns', ?1) ON CONFLICT DO UPDATE"
		" SET value = min(value, ?1) RETURNING value",
	[STATE_ADD_OUTPUT] =
		"INSERT OR IGNORE INTO outputs (name, seq) VALUES (?1,"
		" coalesce((SELECT seq FROM sqlite_sequence"
		" WHERE name = 'alerts'), 0))",
	[STATE_TRIM] = trim_sql,
};

static int
run_sql(struct state *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static void
on_rollback(void *state)
{
	((struct state *)state)->undone++;
}

static int
open_database(struct state *s, const char *file, struct err *err)
{
	struct place at = { .file = file };
	int version, keep = 1;

	if (sqlite3_open_v2(file, &s->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return err_add(err, at,
			       "the state database cannot be opened: %s",
			       s->db != NULL ? sqlite3_errmsg(s->db)
					     : "out of memory");
	state_distrust(s->db);
	sqlite3_busy_timeout(s->db, 2000);
	sqlite3_rollback_hook(s->db, on_rollback, s);
	/* -wal and -shm stay when it is closed: where the disk is full, they
	 * could not be made again, and there would be no watcher. */
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	version = sql_version(s->db);
	if (version > STATE_VERSION)
		return err_add(err, at,
			       "the state database has version %d, this "
			       "program reads up to %d: use the newer program",
			       version, STATE_VERSION);
	if (version < 0 ||
	    run_sql(s,
		    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
		    "PRAGMA cell_size_check=ON;"
		    "PRAGMA cache_size=-512; PRAGMA temp_store=MEMORY;") != 0 ||
	    run_sql(s, schema_sql) != 0 || run_sql(s, trim_sql) != 0 ||
	    /* Not written again: on a full disk that would be an error. */
	    (version != STATE_VERSION &&
	     run_sql(s, "PRAGMA user_version=1;") != 0) ||
	    sql_prepare(s->db, statement_sql, STATE_STATEMENTS,
			s->statements) != SQLITE_OK)
		return err_add(err, at,
			       "the state database cannot be used: %s; move it "
			       "away to start with an empty one",
			       sqlite3_errmsg(s->db));
	return 0;
}

/* The folder holds what intruders would like to read and change. */
static int
check_folder(const char *folder, struct err *err)
{
	struct place at = { .file = folder };
	struct stat st;

	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_add(err, at, "the state folder cannot be made: %s",
			       strerror(errno));
	if (lstat(folder, &st) != 0)
		return err_add(err, at, "the state folder cannot be read: %s",
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_add(err, at, "the state folder is not a folder");
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return err_add(err, at,
			       "the state folder can be written by others; "
			       "make it yours with mode 0700");
	return 0;
}

/* What whoever has the lock wrote. Views `text`. */
static struct view
lock_owner(int fd, struct buf *text)
{
	if (lseek(fd, 0, SEEK_SET) == 0)
		fd_read_all(fd, 64, text);
	return view_trim(buf_view(text));
}

static int
refuse_lock(const char *folder, int fd, struct err *err)
{
	struct place at = { .file = folder };
	struct buf text = { 0 };
	struct view pid;
	int error = errno;

	if (fd < 0 || error != EWOULDBLOCK)
		return err_add(err, at, "the state folder cannot be locked: %s",
			       strerror(error));
	pid = lock_owner(fd, &text);
	err_add(err, at,
		"another watcher uses this state folder (pid %.*s): stop it, "
		"or name another folder with --state",
		(int)pid.n, pid.n > 0 ? pid.p : "");
	buf_free(&text);
	return -1;
}

static bool
owner_is_gone(int fd)
{
	struct buf text = { 0 };
	uint64_t pid = 0;
	bool gone = view_to_u64(lock_owner(fd, &text), &pid) && pid > 0 &&
		    pid <= INT_MAX && kill((pid_t)pid, 0) != 0 &&
		    errno == ESRCH;

	buf_free(&text);
	return gone;
}

/* The engine of a keeper that was killed still stores what it had been given,
 * which takes its time on a busy host; whoever waits for that is refused only
 * by a keeper that lives. */
static int
lock_soon(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * NS_PER_MS };

	for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
	     ms += LOCK_PAUSE_MS) {
		if (errno != EWOULDBLOCK)
			return -1;
		if (ms >= LOCK_LAST_MS ||
		    (ms >= LOCK_WAIT_MS && !owner_is_gone(fd))) {
			errno = EWOULDBLOCK;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int
state_lock(const char *folder, uint32_t pid, struct err *err)
{
	struct buf text = { 0 };
	int fd = -1;

	if (check_folder(folder, err) != 0)
		return -1;
	buf_printf(&text, "%s/watch.lock%c", folder, 0);
	errno = ENOMEM;
	if (!text.failed)
		fd = open(text.p,
			  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
				  O_NONBLOCK,
			  0600);
	if (fd < 0 || lock_soon(fd) != 0) {
		refuse_lock(folder, fd, err);
		if (fd >= 0)
			close(fd);
		buf_free(&text);
		return -1;
	}
	/* The number is for people; the lock is what counts. */
	buf_clear(&text);
	buf_printf(&text, "%u\n", (unsigned)pid);
	if (ftruncate(fd, 0) == 0)
		fd_write_all(fd, buf_view(&text));
	buf_free(&text);
	return fd;
}

struct state *
state_open(const char *folder, struct err *err)
{
	struct state *s = calloc(1, sizeof(*s));
	struct buf file = { 0 };

	if (s == NULL) {
		err_add(err, (struct place){ .file = folder }, "out of memory");
		return NULL;
	}
	s->last = &s->first;
	buf_printf(&file, "%s/state.db%c", folder, 0);
	if (file.failed || check_folder(folder, err) != 0 ||
	    open_database(s, file.p, err) != 0) {
		state_close(s);
		s = NULL;
	}
	buf_free(&file);
	return s;
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	state_retry(s);
	if (s->db != NULL)
		state_commit(s);
	state_queue_free(s);
	for (int i = 0; i < STATE_STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	free(s);
}

const char *
state_problem(const struct state *s)
{
	return s->problem[0] != '\0' ? s->problem : sqlite3_errmsg(s->db);
}

uint64_t
state_first_start(struct state *s, uint64_t now_ns)
{
	sqlite3_stmt *st = s->statements[STATE_FIRST_START];
	uint64_t first_ns = now_ns;

	sqlite3_bind_int64(st, 1, (int64_t)now_ns);
	if (sqlite3_step(st) == SQLITE_ROW)
		first_ns = (uint64_t)sqlite3_column_int64(st, 0);
	while (sqlite3_step(st) == SQLITE_ROW)
		;
	sqlite3_reset(st);
	return first_ns;
}

int
state_add_output(struct state *s, struct view name)
{
	sqlite3_stmt *st = s->statements[STATE_ADD_OUTPUT];
	int result;

	sql_bind_text(st, 1, name);
	result = sqlite3_step(st);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	if (result != SQLITE_DONE)
		state_set_problem(s, sqlite3_errmsg(s->db));
	return result == SQLITE_DONE ? 0 : -1;
}

int
state_each_output(struct state *s,
		  void (*each)(void *ctx, const struct cursor_state *),
		  void *ctx)
{
	return cursor_each(s->db, each, ctx);
}

int
state_each_term(struct state *s,
		void (*each)(void *ctx, struct view rule_id,
			     const uint8_t key[16], uint64_t last_seen_ns),
		void *ctx)
{
	state_commit(s); /* if it fails, they are known less well */
	return state_terms(s->db, each, ctx);
}
