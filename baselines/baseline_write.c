/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a generation: SQLite into a new file, sign, put in place. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "baselines/scope.h"
#include "baselines/store.h"
#include "scan/scan.h"

/* Equal xattrs (labels above all) are stored once, as far as they are among
 * the last so many kinds. */
#define EXTRA_KINDS 1024u
#define PACKAGES_MAX 65536u

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

enum statement {
	ADD_DIR,
	ADD_EXTRA,
	ADD_FILE,
	ADD_PACKAGE,
	ADD_ACCOUNTS,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[ADD_DIR] = "INSERT INTO dir (path, first) VALUES (?1, ?2)",
	[ADD_EXTRA] = "INSERT INTO extra (target, xattrs, flags, device, fault)"
		      " VALUES (?1, ?2, ?3, ?4, ?5)",
	[ADD_FILE] = "INSERT INTO file (name, mode, uid, gid, size, mtime,"
		     " ctime, inode, nlink, sha256, extra, package)"
		     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		     " ?12)",
	[ADD_PACKAGE] = "INSERT INTO package (id, name) VALUES (?1, ?2)",
	[ADD_ACCOUNTS] = "INSERT INTO accounts (file, lines) VALUES (?1, ?2)",
};

struct extra_kind {
	uint64_t hash, hash2;
	sqlite3_int64 id;
};

struct package_seen {
	uint64_t hash;
	int id; /* 0 = free */
};

struct baseline_writer {
	const char *folder; /* borrowed */
	struct buf path;    /* of baseline.db, with NUL */
	struct buf new_path;
	int lock;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct digest root; /* over all rows */
	struct buf row;
	struct buf dir; /* the last one */
	uint64_t files, bytes;
	struct extra_kind *kinds;
	struct package_seen *packages;
	int n_packages;
	bool dir_known, made, committed, damaged;
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
	return sql_prepare(w->db, statement_sql, STATEMENTS, w->statements) ==
			       SQLITE_OK
		       ? 0
		       : -1;
}

static int
prepare(struct baseline_writer *w)
{
	buf_printf(&w->path, "%s/" BASELINE_NAME "%c", w->folder, 0);
	buf_printf(&w->new_path, "%s/" BASELINE_NAME NEW_SUFFIX "%c", w->folder,
		   0);
	w->kinds = calloc(EXTRA_KINDS, sizeof(*w->kinds));
	w->packages = calloc(PACKAGES_MAX, sizeof(*w->packages));
	if (w->path.failed || w->new_path.failed || w->kinds == NULL ||
	    w->packages == NULL) {
		errno = ENOMEM;
		return -1;
	}
	return digest_begin(&w->root);
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

/* ---- rows ------------------------------------------------------------ */

static int
finish(struct baseline_writer *w, enum statement which)
{
	sqlite3_stmt *st = w->statements[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	if (rc == SQLITE_DONE)
		return 0;
	w->damaged = true;
	return -1;
}

static int
add_dir(struct baseline_writer *w, struct view path)
{
	sqlite3_stmt *st = w->statements[ADD_DIR];

	if (w->dir_known && view_eq(buf_view(&w->dir), path))
		return 0;
	buf_clear(&w->dir);
	buf_put(&w->dir, path);
	w->dir_known = true;
	sql_bind_bytes(st, 1, path);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)w->files + 1);
	return finish(w, ADD_DIR);
}

static int
insert_extra(struct baseline_writer *w, const struct walk_entry *e,
	     sqlite3_int64 *id)
{
	sqlite3_stmt *st = w->statements[ADD_EXTRA];

	sql_bind_bytes(st, 1, e->target);
	sql_bind_bytes(st, 2, e->xattrs);
	sqlite3_bind_int64(st, 3, e->flags);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)e->rdev);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)e->fault);
	if (finish(w, ADD_EXTRA) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(w->db);
	return 0;
}

/* Its row, 0 if there is nothing to say. */
static int
add_extra(struct baseline_writer *w, const struct walk_entry *e,
	  sqlite3_int64 *id)
{
	struct extra_kind *kind;
	uint64_t hash, hash2;

	*id = 0;
	if (e->target.n == 0 && e->xattrs.n == 0 && e->flags == 0 &&
	    e->rdev == 0 && e->fault == WALK_FINE)
		return 0;
	if (e->target.n > 0)
		return insert_extra(w, e, id);
	hash = hash_mix(view_hash(e->xattrs),
			hash_mix(e->flags, hash_mix(e->rdev, e->fault)));
	hash2 = hash_mix(hash, e->xattrs.n);
	kind = &w->kinds[hash % EXTRA_KINDS];
	if (kind->id == 0 || kind->hash != hash || kind->hash2 != hash2) {
		if (insert_extra(w, e, &kind->id) != 0)
			return -1;
		kind->hash = hash;
		kind->hash2 = hash2;
	}
	*id = kind->id;
	return 0;
}

static int
add_package(struct baseline_writer *w, struct view name, int *id)
{
	uint64_t hash = view_hash(name);
	sqlite3_stmt *st = w->statements[ADD_PACKAGE];
	struct package_seen *seen;

	*id = 0;
	if (name.n == 0 || w->n_packages + 1 >= (int)PACKAGES_MAX)
		return 0;
	seen = &w->packages[hash % PACKAGES_MAX];
	while (seen->id != 0 && seen->hash != hash)
		seen = seen + 1 < w->packages + PACKAGES_MAX ? seen + 1
							     : w->packages;
	if (seen->id == 0) {
		seen->hash = hash;
		seen->id = ++w->n_packages;
		sqlite3_bind_int(st, 1, seen->id);
		sql_bind_text(st, 2, name);
		if (finish(w, ADD_PACKAGE) != 0)
			return -1;
	}
	*id = seen->id;
	return 0;
}

/* Seven bits a byte, the last one below 128: most are small. */
static void
put_number(struct buf *row, uint64_t n)
{
	for (; n > 127; n >>= 7)
		buf_putc(row, (char)(n | 128));
	buf_putc(row, (char)n);
}

/* Every byte that says something, with lengths, so that no two lists of rows
 * look the same. */
static int
digest_row(struct baseline_writer *w, const struct baseline_item *item)
{
	const struct walk_entry *e = &item->e;
	const uint64_t numbers[] = { e->mode,	  e->uid,   e->gid,
				     e->nlink,	  e->size,  e->mtime_ns,
				     e->ctime_ns, e->inode, e->rdev,
				     e->flags,	  e->fault, e->has_digest };
	const struct view texts[] = { e->dir,	 e->name,	e->target,
				      e->xattrs, item->package, item->lines };

	buf_clear(&w->row);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		put_number(&w->row, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		put_number(&w->row, texts[i].n);
		buf_put(&w->row, texts[i]);
	}
	buf_put(&w->row, (struct view){ (const char *)e->sha256, 32 });
	digest_add(&w->root, buf_view(&w->row));
	return w->row.failed ? -1 : 0;
}

static void
bind_file(sqlite3_stmt *st, const struct walk_entry *e)
{
	sql_bind_bytes(st, 1, e->name);
	sqlite3_bind_int64(st, 2, e->mode);
	sqlite3_bind_int64(st, 3, e->uid);
	sqlite3_bind_int64(st, 4, e->gid);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)e->size);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)e->mtime_ns);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)e->ctime_ns);
	sqlite3_bind_int64(st, 8, (sqlite3_int64)e->inode);
	sqlite3_bind_int64(st, 9, e->nlink);
	if (e->has_digest)
		sqlite3_bind_blob(st, 10, e->sha256, 32, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 10);
}

static int
add_lines(struct baseline_writer *w, struct view lines)
{
	sqlite3_stmt *st = w->statements[ADD_ACCOUNTS];

	sqlite3_bind_int64(st, 1, sqlite3_last_insert_rowid(w->db));
	sql_bind_bytes(st, 2, lines);
	return finish(w, ADD_ACCOUNTS);
}

int
baseline_add(struct baseline_writer *w, const struct baseline_item *item)
{
	sqlite3_stmt *st = w->statements[ADD_FILE];
	sqlite3_int64 extra;
	int package;

	if (add_dir(w, item->e.dir) != 0 ||
	    add_extra(w, &item->e, &extra) != 0 ||
	    add_package(w, item->package, &package) != 0)
		return -1;
	if (digest_row(w, item) != 0) {
		w->damaged = true;
		errno = ENOMEM;
		return -1;
	}
	bind_file(st, &item->e);
	if (extra != 0)
		sqlite3_bind_int64(st, 11, extra);
	else
		sqlite3_bind_null(st, 11);
	if (package != 0)
		sqlite3_bind_int(st, 12, package);
	else
		sqlite3_bind_null(st, 12);
	w->files++;
	if (finish(w, ADD_FILE) != 0)
		return -1;
	return item->lines.n > 0 ? add_lines(w, item->lines) : 0;
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

	digest_end(&w->root, rows);
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

	if (rc != SQLITE_OK || w->damaged)
		return -1;
	for (int i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(w->statements[i]);
		w->statements[i] = NULL;
	}
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

	m->files = w->files;
	digested = root_digest(w, m, scope, &root);
	m->root = buf_view(&root);
	if (digested == 0 && !w->damaged && put_meta(w, m) == 0 &&
	    put_scope(w, scope) == 0 && close_database(w) == 0 &&
	    sign_and_place(w, m, secret) == 0)
		rc = 0;
	else
		fail(w, err, "the baseline could not be written");
	/* Belongs to the writer from here on. */
	buf_free(&w->dir);
	w->dir = root;
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
	if (w->root.state != NULL)
		digest_end(&w->root, NULL);
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(w->statements[i]);
	sqlite3_close(w->db);
	if (w->made && !w->committed)
		unlink(w->new_path.p);
	if (w->lock >= 0)
		close(w->lock);
	buf_free(&w->path);
	buf_free(&w->new_path);
	buf_free(&w->dir);
	buf_free(&w->row);
	free(w->kinds);
	free(w->packages);
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
