/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a new generation: folders, files and what files share, and the
 * digest of all that. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "baselines/rows.h"

/* Equal xattrs (labels above all) are stored once, as far as they are among
 * the last so many kinds. */
#define EXTRA_KINDS 1024u
#define PACKAGES_MAX 65536u

/* Two thirds of the time of one statement a file. */
#define FILE_INTO                                                     \
	"INSERT INTO file (name, mode, uid, gid, size, mtime, ctime," \
	" inode, nlink, sha256, extra, package) VALUES "
#define FILE_COLUMNS 12
#define FILE_1 "(?,?,?,?,?,?,?,?,?,?,?,?)"
#define FILE_4 FILE_1 "," FILE_1 "," FILE_1 "," FILE_1

static const char *const statement_sql[ROWS_STATEMENTS] = {
	[ADD_DIR] = "INSERT INTO dir (path, first) VALUES (?1, ?2)",
	[ADD_EXTRA] = "INSERT INTO extra (target, xattrs, flags, device, fault)"
		      " VALUES (?1, ?2, ?3, ?4, ?5)",
	[ADD_FILE] = FILE_INTO FILE_1,
	[ADD_FILES] = FILE_INTO FILE_4 "," FILE_4 "," FILE_4 "," FILE_4,
	[ADD_PACKAGE] = "INSERT INTO package (id, name) VALUES (?1, ?2)",
	[ADD_ACCOUNTS] = "INSERT INTO accounts (file, lines) VALUES (?1, ?2)",
};
static_assert(ROWS_BATCH == 16, "as many as ADD_FILES has");

struct extra_kind {
	uint64_t hash, hash2;
	sqlite3_int64 id;
};

struct package_seen {
	uint64_t hash;
	int id; /* 0 = free */
};

int
rows_begin(struct rows *r, sqlite3 *db)
{
	r->db = db;
	r->kinds = calloc(EXTRA_KINDS, sizeof(*r->kinds));
	r->packages = calloc(PACKAGES_MAX, sizeof(*r->packages));
	if (r->kinds == NULL || r->packages == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (sql_prepare(db, statement_sql, ROWS_STATEMENTS, r->statements) !=
	    SQLITE_OK)
		return -1;
	return digest_begin(&r->root);
}

void
rows_end(struct rows *r)
{
	if (r->root.state != NULL)
		digest_end(&r->root, NULL);
	for (int i = 0; i < ROWS_STATEMENTS; i++)
		sqlite3_finalize(r->statements[i]);
	buf_free(&r->dir);
	buf_free(&r->row);
	buf_free(&r->names);
	free(r->kinds);
	free(r->packages);
	*r = (struct rows){ .n = r->n };
}

static int
finish(struct rows *r, enum rows_statement which)
{
	sqlite3_stmt *st = r->statements[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	if (rc == SQLITE_DONE)
		return 0;
	r->damaged = true;
	return -1;
}

/* ---- what files share ------------------------------------------------ */

static int
add_dir(struct rows *r, struct view path)
{
	sqlite3_stmt *st = r->statements[ADD_DIR];

	if (r->dir_known && view_eq(buf_view(&r->dir), path))
		return 0;
	buf_clear(&r->dir);
	buf_put(&r->dir, path);
	r->dir_known = true;
	sql_bind_bytes(st, 1, path);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)r->n + 1);
	return finish(r, ADD_DIR);
}

static int
insert_extra(struct rows *r, const struct walk_entry *e, sqlite3_int64 *id)
{
	sqlite3_stmt *st = r->statements[ADD_EXTRA];

	sql_bind_bytes(st, 1, e->target);
	sql_bind_bytes(st, 2, e->xattrs);
	sqlite3_bind_int64(st, 3, e->flags);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)e->rdev);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)e->fault);
	if (finish(r, ADD_EXTRA) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(r->db);
	return 0;
}

/* Its row, 0 if there is nothing to say. */
static int
add_extra(struct rows *r, const struct walk_entry *e, sqlite3_int64 *id)
{
	struct extra_kind *kind;
	uint64_t hash, hash2;

	*id = 0;
	if (e->target.n == 0 && e->xattrs.n == 0 && e->flags == 0 &&
	    e->rdev == 0 && e->fault == WALK_FINE)
		return 0;
	if (e->target.n > 0)
		return insert_extra(r, e, id);
	hash = hash_mix(view_hash(e->xattrs),
			hash_mix(e->flags, hash_mix(e->rdev, e->fault)));
	hash2 = hash_mix(hash, e->xattrs.n);
	kind = &r->kinds[hash % EXTRA_KINDS];
	if (kind->id == 0 || kind->hash != hash || kind->hash2 != hash2) {
		if (insert_extra(r, e, &kind->id) != 0)
			return -1;
		kind->hash = hash;
		kind->hash2 = hash2;
	}
	*id = kind->id;
	return 0;
}

static int
add_package(struct rows *r, struct view name, int *id)
{
	sqlite3_stmt *st = r->statements[ADD_PACKAGE];
	struct package_seen *seen;
	uint64_t hash;

	*id = 0;
	if (name.n == 0 || r->n_packages + 1 >= (int)PACKAGES_MAX)
		return 0;
	hash = view_hash(name);
	seen = &r->packages[hash % PACKAGES_MAX];
	while (seen->id != 0 && seen->hash != hash)
		seen = seen + 1 < r->packages + PACKAGES_MAX ? seen + 1
							     : r->packages;
	if (seen->id == 0) {
		seen->hash = hash;
		seen->id = ++r->n_packages;
		sqlite3_bind_int(st, 1, seen->id);
		sql_bind_text(st, 2, name);
		if (finish(r, ADD_PACKAGE) != 0)
			return -1;
	}
	*id = seen->id;
	return 0;
}

/* ---- the digest ------------------------------------------------------ */

/* Seven bits a byte, the last one below 128: most are small. */
#define NUMBER_BYTES 10u
static char *
put_number(char *p, uint64_t n)
{
	for (; n > 127; n >>= 7)
		*p++ = (char)(n | 128);
	*p++ = (char)n;
	return p;
}

/* Every byte that says something, with lengths, so that no two lists of rows
 * look the same. */
static int
digest_row(struct rows *r, const struct baseline_item *item)
{
	const struct walk_entry *e = &item->e;
	const uint64_t numbers[] = { e->mode,	  e->uid,   e->gid,
				     e->nlink,	  e->size,  e->mtime_ns,
				     e->ctime_ns, e->inode, e->rdev,
				     e->flags,	  e->fault, e->has_digest };
	const struct view texts[] = { e->dir,	 e->name,	e->target,
				      e->xattrs, item->package, item->lines };
	size_t room = NUMBER_BYTES * ARRAY_LEN(numbers) + sizeof(e->sha256);
	char *p;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		room += NUMBER_BYTES + texts[i].n;
	buf_clear(&r->row);
	if (!buf_reserve(&r->row, room))
		return -1;
	p = r->row.p;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		p = put_number(p, numbers[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		p = put_number(p, texts[i].n);
		if (texts[i].n > 0)
			memcpy(p, texts[i].p, texts[i].n);
		p += texts[i].n;
	}
	memcpy(p, e->sha256, sizeof(e->sha256));
	r->row.n = (size_t)(p - r->row.p) + sizeof(e->sha256);
	digest_add(&r->root, buf_view(&r->row));
	return 0;
}

/* ---- files ----------------------------------------------------------- */

static void
bind_file(sqlite3_stmt *st, int at, const struct row *row, struct view name)
{
	const struct walk_entry *e = &row->e;

	sql_bind_bytes(st, at + 1, name);
	sqlite3_bind_int64(st, at + 2, e->mode);
	sqlite3_bind_int64(st, at + 3, e->uid);
	sqlite3_bind_int64(st, at + 4, e->gid);
	sqlite3_bind_int64(st, at + 5, (sqlite3_int64)e->size);
	sqlite3_bind_int64(st, at + 6, (sqlite3_int64)e->mtime_ns);
	sqlite3_bind_int64(st, at + 7, (sqlite3_int64)e->ctime_ns);
	sqlite3_bind_int64(st, at + 8, (sqlite3_int64)e->inode);
	sqlite3_bind_int64(st, at + 9, e->nlink);
	if (e->has_digest)
		sqlite3_bind_blob(st, at + 10, e->sha256, 32, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, at + 10);
	if (row->extra != 0)
		sqlite3_bind_int64(st, at + 11, row->extra);
	else
		sqlite3_bind_null(st, at + 11);
	if (row->package != 0)
		sqlite3_bind_int(st, at + 12, row->package);
	else
		sqlite3_bind_null(st, at + 12);
}

int
rows_flush(struct rows *r)
{
	bool full = r->n_pending == ROWS_BATCH;
	struct view names = buf_view(&r->names);

	for (size_t i = 0; i < r->n_pending && !r->damaged; i++) {
		const struct row *row = &r->pending[i];

		bind_file(r->statements[full ? ADD_FILES : ADD_FILE],
			  full ? FILE_COLUMNS * (int)i : 0, row,
			  view_sub(names, row->name, row->e.name.n));
		if (!full)
			finish(r, ADD_FILE);
	}
	if (full && !r->damaged)
		finish(r, ADD_FILES);
	r->n_pending = 0;
	buf_clear(&r->names);
	return r->damaged ? -1 : 0;
}

static int
add_lines(struct rows *r, struct view lines)
{
	sqlite3_stmt *st = r->statements[ADD_ACCOUNTS];

	sqlite3_bind_int64(st, 1, (sqlite3_int64)r->n);
	sql_bind_bytes(st, 2, lines);
	return finish(r, ADD_ACCOUNTS);
}

int
rows_add(struct rows *r, const struct baseline_item *item)
{
	struct row *row = &r->pending[r->n_pending];

	*row = (struct row){ .e = item->e, .name = r->names.n };
	if (add_dir(r, item->e.dir) != 0 ||
	    add_extra(r, &item->e, &row->extra) != 0 ||
	    add_package(r, item->package, &row->package) != 0)
		return -1;
	buf_put(&r->names, item->e.name);
	if (r->names.failed || digest_row(r, item) != 0) {
		r->damaged = true;
		errno = ENOMEM;
		return -1;
	}
	r->n++;
	if (++r->n_pending == ROWS_BATCH && rows_flush(r) != 0)
		return -1;
	return item->lines.n > 0 ? add_lines(r, item->lines) : 0;
}
