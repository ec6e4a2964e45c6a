/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a generation, in order or by path. */
#include "baselines/store.h"

/* The folder of the file with that id; it does not go backwards. */
static int
advance_dir(struct baseline *b, sqlite3_int64 id)
{
	sqlite3_stmt *st = b->queries[NEXT_DIR];

	while (b->more_dirs && id >= b->next_first) {
		int rc;

		/* What the statement stands on is the folder that begins. */
		buf_clear(&b->dir);
		buf_put(&b->dir, sql_bytes(st, 1));
		buf_putc(&b->dir, '\0');
		b->dir.n--;
		rc = sqlite3_step(st);
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			return -1;
		b->more_dirs = rc == SQLITE_ROW;
		if (b->more_dirs)
			b->next_first = sqlite3_column_int64(st, 2);
	}
	return b->dir.failed ? -1 : 0;
}

/* What the statement stands on is what comes next. */
static int
step_accounts(struct baseline *b)
{
	sqlite3_stmt *st = b->queries[NEXT_ACCOUNTS];
	int rc = sqlite3_step(st);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return -1;
	b->next_accounts =
		rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : INT64_MAX;
	return 0;
}

static int
take_accounts(struct baseline *b, sqlite3_int64 id)
{
	while (id > b->next_accounts)
		if (step_accounts(b) != 0)
			return -1;
	b->item.lines = id == b->next_accounts
				? sql_bytes(b->queries[NEXT_ACCOUNTS], 1)
				: VIEW("");
	return 0;
}

static int
take_extra(struct baseline *b, sqlite3_int64 id)
{
	sqlite3_stmt *st = b->queries[GET_EXTRA];
	struct walk_entry *e = &b->item.e;
	int rc;

	if (id == 0)
		return 0;
	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, id);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		return -1;
	e->target = sql_bytes(st, 0);
	e->xattrs = sql_bytes(st, 1);
	e->flags = (uint32_t)sqlite3_column_int64(st, 2);
	e->rdev = (uint64_t)sqlite3_column_int64(st, 3);
	e->fault = (enum walk_fault)sqlite3_column_int64(st, 4);
	if ((unsigned)e->fault > WALK_HUNG)
		e->fault = WALK_UNREADABLE;
	return 0;
}

static int
take_item(struct baseline *b, sqlite3_stmt *st)
{
	struct walk_entry *e = &b->item.e;
	struct view digest = sql_bytes(st, 10);
	sqlite3_int64 package = sqlite3_column_int64(st, 12);

	buf_clear(&b->name);
	buf_put(&b->name, sql_bytes(st, 1));
	buf_putc(&b->name, '\0');
	*e = (struct walk_entry){
		.dir = buf_view(&b->dir),
		.name = view_sub(buf_view(&b->name), 0, b->name.n - 1),
		.dirfd = -1,
		.has_stat = true,
		.mode = (uint32_t)sqlite3_column_int64(st, 2),
		.uid = (uint32_t)sqlite3_column_int64(st, 3),
		.gid = (uint32_t)sqlite3_column_int64(st, 4),
		.size = (uint64_t)sqlite3_column_int64(st, 5),
		.mtime_ns = (uint64_t)sqlite3_column_int64(st, 6),
		.ctime_ns = (uint64_t)sqlite3_column_int64(st, 7),
		.inode = (uint64_t)sqlite3_column_int64(st, 8),
		.nlink = (uint32_t)sqlite3_column_int64(st, 9),
		.has_digest = digest.n == 32,
		.has_extra = true,
	};
	if (e->has_digest)
		memcpy(e->sha256, digest.p, 32);
	b->item.package = package > 0 && (uint64_t)package <= b->n_packages
				  ? b->packages[package]
				  : VIEW("");
	/* A file before the first folder is in none. */
	if (b->name.failed || b->dir.p == NULL)
		return -1;
	return take_extra(b, sqlite3_column_int64(st, 11));
}

static int
start_at(struct baseline *b, sqlite3_int64 dir, sqlite3_int64 file)
{
	const struct {
		enum query query;
		sqlite3_int64 from;
	} starts[] = { { NEXT_FILE, file },
		       { NEXT_DIR, dir },
		       { NEXT_ACCOUNTS, file } };
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		sqlite3_reset(b->queries[starts[i].query]);
		sqlite3_bind_int64(b->queries[starts[i].query], 1,
				   starts[i].from);
	}
	rc = sqlite3_step(b->queries[NEXT_DIR]);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return -1;
	b->more_dirs = rc == SQLITE_ROW;
	b->next_first = 0;
	b->next_accounts = 0;
	b->started = true;
	return 0;
}

int
baseline_next(struct baseline *b, const struct baseline_item **out)
{
	sqlite3_stmt *st = b->queries[NEXT_FILE];
	sqlite3_int64 id;
	int rc;

	if (!b->started && start_at(b, 1, 1) != 0)
		return -1;
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE)
		return 0;
	id = sqlite3_column_int64(st, 0);
	if (rc != SQLITE_ROW || advance_dir(b, id) != 0 ||
	    take_item(b, st) != 0 || take_accounts(b, id) != 0)
		return -1;
	*out = &b->item;
	return 1;
}

void
baseline_rewind(struct baseline *b)
{
	b->started = false;
}

/* One column 0 and, of a folder, its first file. 1; 0 if there is no row; -1
 * when that cannot be known. */
static int
probe(struct baseline *b, enum query which, sqlite3_int64 id, struct buf *name,
      sqlite3_int64 *first)
{
	sqlite3_stmt *st = b->queries[which];
	int rc;

	sqlite3_reset(st);
	sqlite3_bind_int64(st, 1, id);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && name != NULL) {
		buf_clear(name);
		buf_put(name, sql_bytes(st, 0));
	}
	if (rc == SQLITE_ROW && first != NULL)
		*first = sqlite3_column_int64(st, 1);
	sqlite3_reset(st);
	if ((rc != SQLITE_ROW && rc != SQLITE_DONE) ||
	    (name != NULL && name->failed))
		return -1;
	return rc == SQLITE_ROW;
}

/* The id of what has that name, among ids from `low`, at least 1, to before
 * `end`, which are in order. 0 if there is none, -1 when that cannot be known:
 * whoever takes the one for the other deletes files. */
static sqlite3_int64
find_id(struct baseline *b, enum query which, struct view name,
	sqlite3_int64 low, sqlite3_int64 end)
{
	struct buf there = { 0 };
	sqlite3_int64 found = 0;

	while (low < end && found == 0) {
		sqlite3_int64 mid = low + (end - low) / 2;
		int rc = probe(b, which, mid, &there, NULL), order;

		if (rc < 0)
			found = -1;
		if (rc != 1)
			break;
		order = which == FIND_DIR
				? walk_path_cmp(name, buf_view(&there))
				: view_cmp(name, buf_view(&there));
		if (order == 0)
			found = mid;
		else if (order < 0)
			end = mid;
		else
			low = mid + 1;
	}
	buf_free(&there);
	return found;
}

/* The folder's files have ids from *first to before *end. As find_id. */
static sqlite3_int64
find_dir(struct baseline *b, struct view folder, sqlite3_int64 n,
	 sqlite3_int64 *first, sqlite3_int64 *end)
{
	sqlite3_int64 dir;
	int rc;

	if (n == INT64_MAX || b->meta.files >= INT64_MAX)
		return -1;
	dir = find_id(b, FIND_DIR, folder, 1, n + 1);
	if (dir <= 0)
		return dir;
	if (probe(b, FIND_DIR, dir, NULL, first) != 1 || *first < 1)
		return -1;
	*end = (sqlite3_int64)b->meta.files + 1;
	rc = probe(b, FIND_DIR, dir + 1, NULL, end);
	return rc < 0 ? -1 : dir;
}

int
baseline_find(struct baseline *b, struct view path,
	      const struct baseline_item **out)
{
	sqlite3_stmt *count = b->queries[COUNT_DIRS];
	sqlite3_int64 n, dir, file, first = 0, end = 0;
	struct view folder, name;

	walk_path_split(path, &folder, &name);
	sqlite3_reset(count);
	if (sqlite3_step(count) != SQLITE_ROW)
		return -1;
	n = sqlite3_column_int64(count, 0);
	sqlite3_reset(count);
	dir = find_dir(b, folder, n, &first, &end);
	if (dir <= 0)
		return (int)dir;
	file = find_id(b, FIND_FILE, name, first, end);
	if (file <= 0)
		return (int)file;
	if (start_at(b, dir, file) != 0)
		return -1;
	return baseline_next(b, out);
}
