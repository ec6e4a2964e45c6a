/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a generation: verify the descriptor, then let SQLite see it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "baselines/scope.h"
#include "baselines/sign_format.h"
#include "baselines/store.h"

#define OPEN_ATTEMPTS 10

static const char *const query_sql[QUERIES] = {
	[NEXT_FILE] = "SELECT id, name, mode, uid, gid, size, mtime, ctime,"
		      " inode, nlink, sha256, extra, package"
		      " FROM file WHERE id >= ?1 ORDER BY id",
	[NEXT_DIR] = "SELECT id, path, first FROM dir WHERE id >= ?1"
		     " ORDER BY id",
	[NEXT_ACCOUNTS] = "SELECT file, lines FROM accounts WHERE file >= ?1"
			  " ORDER BY file",
	[GET_EXTRA] = "SELECT target, xattrs, flags, device, fault FROM extra"
		      " WHERE id = ?1",
	[FIND_DIR] = "SELECT path, first FROM dir WHERE id = ?1",
	[FIND_FILE] = "SELECT name FROM file WHERE id = ?1",
	[COUNT_DIRS] = "SELECT max(id) FROM dir",
};

const struct baseline_meta *
baseline_meta(const struct baseline *b)
{
	return &b->meta;
}

const char *
baseline_problem(const struct baseline *b)
{
	int code = sqlite3_errcode(b->d.db);

	/* What failed was ours, then. */
	return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE
		       ? "out of memory"
		       : sqlite3_errmsg(b->d.db);
}

/* ---- verifying ------------------------------------------------------- */

static enum sign_verdict
verify_with(const struct baseline *b, const char *suffix,
	    const struct sign_keys *keys, struct sign_result *result)
{
	char text[SIGN_TEXT_MAX + 1];
	struct buf path = { 0 };
	ssize_t n = -1;
	int fd;

	buf_printf(&path, "%s" SIGN_SUFFIX "%s%c", b->path.p, suffix, 0);
	errno = ENOMEM;
	fd = path.failed ? -1 : sign_open(path.p);
	buf_free(&path);
	if (fd < 0 && errno == ENOENT)
		return SIGN_NO_SIGNATURE;
	if (fd >= 0) {
		n = sign_read_small(fd, text, SIGN_TEXT_MAX);
		close_quietly(fd);
	}
	if (n < 0 && errno != EBADMSG && errno != ELOOP) {
		result->error = errno;
		return SIGN_UNREADABLE;
	}
	if (n < 0) {
		result->why = "it is not a small file";
		return SIGN_MALFORMED;
	}
	return sign_verify_fd(b->fd, (struct view){ text, (size_t)n }, keys,
			      result);
}

static void
complain(const struct baseline *b, enum sign_verdict v,
	 const struct sign_result *r, struct err *err)
{
	struct buf text = { 0 };

	buf_puts(&text, sign_verdict_sentence(v));
	if (r->id_known) {
		buf_puts(&text, " (key ");
		sign_id_text(r->id, &text);
		buf_putc(&text, ')');
	}
	if (v == SIGN_MALFORMED && r->why != NULL)
		buf_printf(&text, ": %s", r->why);
	if (v == SIGN_UNREADABLE)
		buf_printf(&text, ": %s", strerror(r->error));
	buf_putc(&text, '\0');
	err_add(err, (struct place){ .file = b->path.p }, "%s",
		text.failed ? sign_verdict_sentence(v) : text.p);
	buf_free(&text);
}

/* A commit that was stopped between its two renames left the signature under
 * its other name. What cannot be read is not wrong for that. */
static enum baseline_verdict
verify(struct baseline *b, const struct sign_keys *keys, struct err *err)
{
	struct sign_result result = { 0 }, next = { 0 };
	enum sign_verdict v = verify_with(b, "", keys, &result), other = v;
	enum baseline_verdict verdict = BASELINE_GOOD;

	if (v != SIGN_GOOD)
		other = verify_with(b, NEXT_SUFFIX, keys, &next);
	if (other != SIGN_GOOD) {
		verdict = v == SIGN_UNREADABLE || other == SIGN_UNREADABLE
				  ? BASELINE_UNREADABLE
				  : BASELINE_TAMPERED;
		if (other == SIGN_UNREADABLE)
			complain(b, other, &next, err);
		else
			complain(b, v, &result, err);
	}
	sign_result_free(&result);
	sign_result_free(&next);
	return verdict;
}

/* ---- opening --------------------------------------------------------- */

static struct view *
meta_text(struct baseline_meta *m, struct view name)
{
	const struct {
		const char *name;
		struct view *to;
	} rows[] = {
		{ "action", &m->action }, { "host", &m->host },
		{ "log", &m->log },	  { "parent", &m->parent },
		{ "reason", &m->reason }, { "root", &m->root },
		{ "who", &m->who },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (view_eq(name, view_of(rows[i].name)))
			return rows[i].to;
	return NULL;
}

static uint64_t *
meta_number(struct baseline_meta *m, struct view name)
{
	if (view_eq(name, VIEW("files")))
		return &m->files;
	if (view_eq(name, VIEW("generation")))
		return &m->generation;
	if (view_eq(name, VIEW("time_ns")))
		return &m->time_ns;
	return NULL;
}

static int
read_meta(struct baseline *b)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (sqlite3_prepare_v2(b->d.db, "SELECT name, value FROM meta", -1, &st,
			       NULL) != SQLITE_OK)
		return -1;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct view name = sql_bytes(st, 0);
		struct view *text = meta_text(&b->meta, name);
		uint64_t *number = meta_number(&b->meta, name);

		if (text != NULL)
			*text = arena_copy(&b->arena, sql_bytes(st, 1));
		if (number != NULL)
			*number = (uint64_t)sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE && b->meta.generation > 0 ? 0 : -1;
}

/* Their ids are 1, 2, 3: whatever else there may be is no package. */
static int
read_packages(struct baseline *b)
{
	sqlite3_stmt *st = NULL;
	size_t cap = 0;
	int rc;

	if (sqlite3_prepare_v2(b->d.db,
			       "SELECT id, name FROM package ORDER BY id", -1,
			       &st, NULL) != SQLITE_OK)
		return -1;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct view *v = b->packages;

		if (b->n_packages + 1 >= cap) {
			cap = cap > 0 ? 2 * cap : 1024;
			v = reallocarray(v, cap, sizeof(*v));
		}
		if (v == NULL)
			break;
		b->packages = v;
		if (sqlite3_column_int64(st, 0) !=
		    (sqlite3_int64)b->n_packages + 1)
			break;
		v[++b->n_packages] = arena_copy(&b->arena, sql_bytes(st, 1));
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int
open_database(struct baseline *b, struct err *err)
{
	struct place at = { .file = b->path.p };
	int version;

	if (fd_database_open(&b->d, b->fd) != SQLITE_OK)
		return err_add(err, at, "the baseline cannot be read: %s",
			       sqlite3_errmsg(b->d.db));
	version = sql_version(b->d.db);
	if (version > BASELINE_VERSION)
		return err_add(err, at,
			       "the baseline has version %d, this program "
			       "reads up to %d",
			       version, BASELINE_VERSION);
	if (version != BASELINE_VERSION ||
	    sql_prepare(b->d.db, query_sql, QUERIES, b->queries) != SQLITE_OK ||
	    read_meta(b) != 0 || read_packages(b) != 0)
		return err_add(err, at, "this is not a baseline: %s",
			       sqlite3_errmsg(b->d.db));
	return 0;
}

static enum baseline_verdict
open_file(struct baseline *b, const char *folder, struct err *err)
{
	struct place at = { .file = folder };

	b->fd = -1;
	buf_printf(&b->path, "%s/" BASELINE_NAME "%c", folder, 0);
	errno = ENOMEM;
	if (!b->path.failed)
		b->fd = sign_open(b->path.p);
	if (b->fd < 0 && errno == ENOENT) {
		err_add(err, at,
			"there is no baseline here; tocsin baseline "
			"init makes one");
		return BASELINE_NONE;
	}
	if (b->fd >= 0 && fstat(b->fd, &b->st) == 0)
		return BASELINE_GOOD;
	err_add(err, at, "the baseline cannot be opened: %s",
		errno == EBADMSG ? "it is not a regular file"
				 : strerror(errno));
	return errno == EBADMSG || errno == ELOOP ? BASELINE_TAMPERED
						  : BASELINE_UNREADABLE;
}

static struct baseline *
open_once(const char *folder, const struct sign_keys *keys,
	  enum baseline_verdict *verdict, struct err *err)
{
	struct baseline *b = calloc(1, sizeof(*b));

	*verdict = BASELINE_UNREADABLE;
	if (b == NULL) {
		err_add(err, (struct place){ .file = folder }, "out of memory");
		return NULL;
	}
	*verdict = open_file(b, folder, err);
	if (*verdict == BASELINE_GOOD && keys != NULL)
		*verdict = verify(b, keys, err);
	if (*verdict == BASELINE_GOOD && open_database(b, err) != 0)
		*verdict = BASELINE_UNREADABLE;
	if (*verdict == BASELINE_GOOD)
		return b;
	baseline_close(b);
	return NULL;
}

/* Which files have the three names of a generation. */
struct names {
	uint64_t inodes[3], changed_ns[3];
};

static struct names
look_at_names(const char *folder)
{
	static const char *const suffixes[] = { "", SIGN_SUFFIX,
						SIGN_SUFFIX NEXT_SUFFIX };
	struct names names = { 0 };
	struct buf path = { 0 };
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		buf_clear(&path);
		buf_printf(&path, "%s/" BASELINE_NAME "%s%c", folder,
			   suffixes[i], 0);
		if (path.failed || lstat(path.p, &st) != 0)
			continue;
		names.inodes[i] = st.st_ino;
		names.changed_ns[i] = (uint64_t)st.st_ctim.tv_sec * NS_PER_SEC +
				      (uint64_t)st.st_ctim.tv_nsec;
	}
	buf_free(&path);
	return names;
}

/* Somebody may put the next generation in place between our opening of the
 * one and of the signature of the other. */
struct baseline *
baseline_open(const char *folder, const struct sign_keys *keys,
	      enum baseline_verdict *verdict, struct err *err)
{
	struct baseline *b = NULL;
	bool moved = true;

	for (int i = 0; b == NULL && moved && i < OPEN_ATTEMPTS; i++) {
		struct names before = look_at_names(folder), after;
		struct err again = { 0 };

		b = open_once(folder, keys, verdict, &again);
		after = look_at_names(folder);
		moved = memcmp(&before, &after, sizeof(before)) != 0;
		err_free(&again);
	}
	return b != NULL ? b : open_once(folder, keys, verdict, err);
}

void
baseline_close(struct baseline *b)
{
	if (b == NULL)
		return;
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(b->queries[i]);
	fd_database_close(&b->d);
	if (b->fd >= 0)
		close(b->fd);
	buf_free(&b->path);
	buf_free(&b->dir);
	buf_free(&b->name);
	free(b->packages);
	arena_free(&b->arena);
	free(b);
}

/* Writing in place shows in the times. The change time also moves when a new
 * generation takes the name and this one loses its link. */
bool
baseline_unchanged(const struct baseline *b)
{
	struct stat st;

	if (fstat(b->fd, &st) != 0 || st.st_size != b->st.st_size ||
	    st.st_mtim.tv_sec != b->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != b->st.st_mtim.tv_nsec)
		return false;
	return st.st_nlink < b->st.st_nlink ||
	       (st.st_ctim.tv_sec == b->st.st_ctim.tv_sec &&
		st.st_ctim.tv_nsec == b->st.st_ctim.tv_nsec);
}

bool
baseline_replaced(const struct baseline *b)
{
	struct stat st;

	return lstat(b->path.p, &st) == 0 &&
	       (st.st_dev != b->st.st_dev || st.st_ino != b->st.st_ino);
}

int
baseline_scope(struct baseline *b, struct scope *scope, struct err *err)
{
	sqlite3_stmt *st = NULL;
	enum scope_kind kind;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(b->d.db,
			       "SELECT kind, pattern FROM scope ORDER BY id",
			       -1, &st, NULL) == SQLITE_OK)
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			if (!scope_kind_of(sql_bytes(st, 0), &kind) ||
			    scope_add(scope, kind, sql_bytes(st, 1)) != 0)
				break;
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return 0;
	return err_add(err, (struct place){ .file = b->path.p },
		       "the scope of the baseline cannot be read");
}
