/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a generation: SQLite into a new file, sign, put in place. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "baselines/rows.h"
#include "baselines/scope.h"

/* Rows are appended only, so pages are full; the file is synced as a whole
 * before it counts, so there is nothing to roll back to. */
static const char schema_sql[] =
	"PRAGMA page_size=8192; PRAGMA journal_mode=OFF;"
	"PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE;"
	"PRAGMA cache_size=-1024; PRAGMA user_version=2;"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE scope (id INTEGER PRIMARY KEY, kind TEXT, pattern TEXT);"
	"CREATE TABLE package (id INTEGER PRIMARY KEY, name TEXT);"
	"CREATE TABLE dir (id INTEGER PRIMARY KEY, path BLOB, first INTEGER);"
	"CREATE TABLE extra (id INTEGER PRIMARY KEY, target BLOB, xattrs BLOB,"
	" flags INTEGER, device INTEGER, fault INTEGER);"
	"CREATE TABLE file (id INTEGER PRIMARY KEY, name BLOB, mode INTEGER,"
	" uid INTEGER, gid INTEGER, size INTEGER, mtime INTEGER,"
	" ctime INTEGER, inode INTEGER, nlink INTEGER, sha256 BLOB,"
	" extra INTEGER, package INTEGER);"
	"CREATE TABLE accounts (file INTEGER PRIMARY KEY, lines BLOB);"
	"CREATE VIEW path AS SELECT CAST(dir.path || '/' || file.name AS TEXT)"
	" AS path, printf('%o', mode) AS mode, uid, gid, size, mtime, ctime,"
	" inode, nlink, hex(sha256) AS sha256, target, package.name AS package"
	" FROM dir JOIN file ON file.id >= dir.first AND file.id <"
	" ifnull((SELECT next.first FROM dir AS next"
	" WHERE next.id = dir.id + 1), 9223372036854775807)"
	" LEFT JOIN extra ON extra.id = file.extra"
	" LEFT JOIN package ON package.id = file.package;"
	"BEGIN;";

struct baseline_writer {
	const char *folder; /* borrowed */
	struct buf path;    /* of baseline.db, with NUL */
	struct buf new_path;
	int lock;
	sqlite3 *db;
	struct rows rows;
	struct buf root; /* once committed */
	uint64_t bytes;
	bool made, committed;
};

static int
fail(struct baseline_writer *w, struct err *err, const char *what)
{
	const char *why = w->db != NULL && sqlite3_errcode(w->db) != SQLITE_OK
				  ? sqlite3_errmsg(w->db)
				  : strerror(errno);

	return err_add(err, (struct place){ .file = w->folder }, "%s: %s", what,
		       why);
}

/* ---- making ---------------------------------------------------------- */

static int
check_folder(struct baseline_writer *w, struct err *err)
{
	struct place at = { .file = w->folder };
	struct stat st;

	if (mkdir(w->folder, 0700) != 0 && errno != EEXIST)
		return fail(w, err, "the state folder cannot be made");
	if (lstat(w->folder, &st) != 0)
		return fail(w, err, "the state folder cannot be read");
	if (!S_ISDIR(st.st_mode))
		return err_add(err, at, "the state folder is not a folder");
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return err_add(err, at,
			       "the state folder can be written by others; "
			       "make it yours with mode 0700");
	return 0;
}

static int
take_lock(struct baseline_writer *w, struct err *err)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/" LOCK_NAME "%c", w->folder, 0);
	if (!path.failed)
		w->lock = open(path.p,
			       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
				       O_NOCTTY,
			       0600);
	buf_free(&path);
	if (w->lock < 0)
		return fail(w, err, "the baseline cannot be locked");
	if (flock(w->lock, LOCK_EX | LOCK_NB) != 0)
		return err_add(err, (struct place){ .file = w->folder },
			       "another tocsin is writing a baseline here");
	return 0;
}

static int
open_new(struct baseline_writer *w)
{
	int fd;

	/* What a run left that was killed; nobody else is here now. */
	w->made = true;
	unlink(w->new_path.p);
	fd = open(w->new_path.p,
		  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	close(fd);
	if (sqlite3_open_v2(w->new_path.p, &w->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
				    SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK ||
	    sqlite3_exec(w->db, schema_sql, NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	return rows_begin(&w->rows, w->db);
}

static int
prepare(struct baseline_writer *w)
{
	buf_printf(&w->path, "%s/" BASELINE_NAME "%c", w->folder, 0);
	buf_printf(&w->new_path, "%s/" BASELINE_NAME NEW_SUFFIX "%c", w->folder,
		   0);
	if (w->path.failed || w->new_path.failed) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

struct baseline_writer *
baseline_create(const char *folder, struct err *err)
{
	struct baseline_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		err_add(err, (struct place){ .file = folder }, "out of memory");
		return NULL;
	}
	w->folder = folder;
	w->lock = -1;
	if (check_folder(w, err) != 0 || take_lock(w, err) != 0)
		goto out;
	if (prepare(w) == 0 && open_new(w) == 0)
		return w;
	fail(w, err, "a baseline cannot be written");
out:
	baseline_abandon(w);
	return NULL;
}

int
baseline_add(struct baseline_writer *w, const struct baseline_item *item)
{
	return rows_add(&w->rows, item);
}

/* ---- meta, scope ----------------------------------------------------- */

static int
put_row(struct baseline_writer *w, const char *sql, const char *name,
	struct view value, uint64_t number)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (sqlite3_prepare_v2(w->db, sql, -1, &st, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	if (value.p != NULL)
		sql_bind_text(st, 2, value);
	else
		sqlite3_bind_int64(st, 2, (sqlite3_int64)number);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
put_meta(struct baseline_writer *w, const struct baseline_meta *m)
{
	static const char sql[] = "INSERT INTO meta VALUES (?1, ?2)";
	const struct {
		const char *name;
		struct view text;
		uint64_t number;
	} rows[] = {
		{ "action", m->action, 0 },
		{ "files", VIEW_NONE, m->files },
		{ "generation", VIEW_NONE, m->generation },
		{ "host", m->host, 0 },
		{ "log", m->log, 0 },
		{ "parent", m->parent, 0 },
		{ "reason", m->reason, 0 },
		{ "root", m->root, 0 },
		{ "time_ns", VIEW_NONE, m->time_ns },
		{ "who", m->who, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool number = rows[i].text.p == NULL;
		struct view text = rows[i].text;

		/* "" is a text as well. */
		if (number && rows[i].number == 0 &&
		    strcmp(rows[i].name, "files") != 0)
			text = VIEW("");
		if (put_row(w, sql, rows[i].name, text, rows[i].number) != 0)
			return -1;
	}
	return 0;
}

static int
put_scope(struct baseline_writer *w, const struct scope *scope)
{
	static const char sql[] =
		"INSERT INTO scope (kind, pattern) VALUES (?1, ?2)";

	for (size_t i = 0; i < scope->n; i++)
		if (put_row(w, sql, scope_kind_word(scope->v[i].kind),
			    scope->v[i].pattern, 0) != 0)
			return -1;
	return 0;
}

/* The rows' digest, and what else this generation says, under one root. */
static int
root_digest(struct baseline_writer *w, const struct baseline_meta *m,
	    const struct scope *scope, struct buf *out)
{
	struct buf b = { 0 };
	uint8_t rows[32], root[32];
	int rc;

	digest_end(&w->rows.root, rows);
	buf_put(&b, (struct view){ (const char *)rows, sizeof(rows) });
	buf_printf(&b, "%llu %llu %llu\n", (unsigned long long)m->generation,
		   (unsigned long long)m->time_ns,
		   (unsigned long long)m->files);
	const struct view texts[] = { m->host,	 m->action, m->who,
				      m->reason, m->log,    m->parent };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		buf_printf(&b, "%zu ", texts[i].n);
		buf_put(&b, texts[i]);
	}
	for (size_t i = 0; i < scope->n; i++) {
		buf_printf(&b, "%d %zu ", (int)scope->v[i].kind,
			   scope->v[i].pattern.n);
		buf_put(&b, scope->v[i].pattern);
	}
	digest_sha256(buf_view(&b), root);
	buf_hex(out, root, sizeof(root));
	rc = b.failed || out->failed ? -1 : 0;
	buf_free(&b);
	return rc;
}

/* ---- putting in place ------------------------------------------------ */

static int
sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close_quietly(fd);
	return rc;
}

static int
close_database(struct baseline_writer *w)
{
	int rc = sqlite3_exec(w->db, "COMMIT", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return -1;
	rows_end(&w->rows);
	rc = sqlite3_close(w->db);
	w->db = NULL;
	return rc == SQLITE_OK ? 0 : -1;
}

static void
trusted_comment(const struct baseline_meta *m, struct buf *out)
{
	buf_printf(out, "tocsin baseline host=%.*s generation=%llu files=%llu",
		   (int)m->host.n, m->host.p, (unsigned long long)m->generation,
		   (unsigned long long)m->files);
	buf_puts(out, " root=");
	buf_put(out, m->root);
	buf_puts(out, " time=");
	buf_rfc3339(out, m->time_ns);
}

static int
write_signature(struct baseline_writer *w, int fd,
		const struct baseline_meta *m, const struct sign_secret *secret,
		const char *next)
{
	uint8_t digest[SIGN_DIGEST_BYTES];
	struct buf comment = { 0 }, text = { 0 };
	int rc = -1;

	(void)w;
	trusted_comment(m, &comment);
	if (!comment.failed && sign_digest_fd(fd, digest) == 0 &&
	    sign_make(secret, digest, buf_view(&comment), &text) == 0)
		rc = atomic_write(next, 0600, ATOMIC_REPLACE, buf_view(&text));
	buf_free(&comment);
	buf_free(&text);
	return rc;
}

/* Old and new are both whole at every step: see baseline.h. */
static int
put_in_place(struct baseline_writer *w, bool is_signed, const char *signature,
	     const char *next)
{
	if (rename(w->new_path.p, w->path.p) != 0)
		return -1;
	w->committed = true;
	if (sync_folder(w->folder) != 0)
		return -1;
	if (is_signed ? rename(next, signature) != 0
		      : unlink(signature) != 0 && errno != ENOENT)
		return -1;
	return sync_folder(w->folder);
}

static int
sign_and_place(struct baseline_writer *w, const struct baseline_meta *m,
	       const struct sign_secret *secret)
{
	struct buf signature = { 0 }, next = { 0 };
	struct stat st;
	int rc = -1,
	    fd = open(w->new_path.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	buf_printf(&signature, "%s" SIGN_SUFFIX "%c", w->path.p, 0);
	buf_printf(&next, "%s" SIGN_SUFFIX NEXT_SUFFIX "%c", w->path.p, 0);
	if (fd < 0 || signature.failed || next.failed)
		goto out;
	/* The disk need not wait until it has been read for the signature. */
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (secret != NULL && write_signature(w, fd, m, secret, next.p) != 0)
		goto out;
	if (fsync(fd) != 0 || fstat(fd, &st) != 0)
		goto out;
	w->bytes = (uint64_t)st.st_size;
	if (secret == NULL && unlink(next.p) != 0 && errno != ENOENT)
		goto out;
	rc = put_in_place(w, secret != NULL, signature.p, next.p);
out:
	if (fd >= 0)
		close_quietly(fd);
	buf_free(&signature);
	buf_free(&next);
	return rc;
}

int
baseline_commit(struct baseline_writer *w, struct baseline_meta *m,
		const struct scope *scope, const struct sign_secret *secret,
		struct err *err)
{
	struct buf root = { 0 };
	int rc = -1, digested;

	m->files = w->rows.n;
	digested = root_digest(w, m, scope, &root);
	m->root = buf_view(&root);
	if (digested == 0 && rows_flush(&w->rows) == 0 && put_meta(w, m) == 0 &&
	    put_scope(w, scope) == 0 && close_database(w) == 0 &&
	    sign_and_place(w, m, secret) == 0)
		rc = 0;
	else
		fail(w, err, "the baseline could not be written");
	w->root = root; /* borrowed by `m` */
	return rc;
}

uint64_t
baseline_bytes(const struct baseline_writer *w)
{
	return w->bytes;
}

void
baseline_abandon(struct baseline_writer *w)
{
	if (w == NULL)
		return;
	rows_end(&w->rows);
	sqlite3_close(w->db);
	if (w->made && !w->committed)
		unlink(w->new_path.p);
	if (w->lock >= 0)
		close(w->lock);
	buf_free(&w->path);
	buf_free(&w->new_path);
	buf_free(&w->root);
	free(w);
}

int
baseline_host(struct buf *out)
{
	struct buf id = { 0 };
	uint8_t digest[32];
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc = fd < 0 && errno != ENOENT ? -1 : 0;

	buf_puts(&id, "tocsin baseline ");
	if (fd >= 0) {
		rc = fd_read_all(fd, 4096, &id);
		close_quietly(fd);
	}
	digest_sha256(buf_view(&id), digest);
	buf_hex(out, digest, 8);
	if (rc == 0 && (id.failed || out->failed)) {
		errno = ENOMEM;
		rc = -1;
	}
	buf_free(&id);
	return rc;
}
