/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects by inode and time of birth. */
#include "fim/ledger_origin.h"

#include <stdlib.h>
#include <sys/stat.h>

static uint64_t
object_key(const struct event_seen *is)
{
	return hash_mix(is->ino, is->born_ns);
}

static void
add_object(void *ctx, int64_t dir, const struct event_seen *is)
{
	struct ledger_origins *o = ctx;

	if (o->n == o->cap) {
		size_t cap = o->cap ? 2 * o->cap : 1024;
		struct ledger_object *v = reallocarray(o->v, cap, sizeof(*v));

		/* Without it what was renamed is gone, and new. */
		if (v == NULL)
			return;
		o->v = v;
		o->cap = cap;
	}
	o->v[o->n++] = (struct ledger_object){ object_key(is), dir };
}

static int
object_cmp(const void *x, const void *y)
{
	const struct ledger_object *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->dir < b->dir ? -1 : a->dir > b->dir;
}

/* The first with this key, or where it would stand. */
static size_t
first_object(const struct ledger_origins *o, uint64_t key)
{
	size_t from = 0, to = o->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (o->v[mid].key < key)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Numbers of objects are used again at once by some file systems: what was
 * written must be the same, too. A directory is written by what happens in
 * it. */
static bool
is_renamed(const struct event_seen *was, const struct event_seen *is)
{
	return (was->mode & S_IFMT) == (is->mode & S_IFMT) &&
	       (S_ISDIR(is->mode) ||
		(was->written_ns == is->written_ns && was->size == is->size));
}

static void
make(struct ledger_origins *o, struct ledger_db *db)
{
	o->made = true;
	ledger_db_each_object(db, add_object, o);
	if (o->n > 0)
		qsort(o->v, o->n, sizeof(*o->v), object_cmp);
}

static bool
is_origin(struct ledger_db *db, int64_t dir, const struct event_seen *is,
	  struct buf *path)
{
	struct event_seen was;

	buf_clear(path);
	return ledger_db_find(db, dir, is->ino, is->born_ns, path, &was) == 1 &&
	       is_renamed(&was, is) &&
	       ledger_db_drop(db, dir, path_name(buf_view(path))) == 1;
}

int64_t
ledger_origin_take(struct ledger_origins *o, struct ledger_db *db,
		   const struct event_seen *is, struct buf *path)
{
	uint64_t key = object_key(is);

	if (!S_ISDIR(is->mode) && is->nlink != 1)
		return 0;
	if (!o->made)
		make(o, db);
	for (size_t i = first_object(o, key); i < o->n && o->v[i].key == key;
	     i++)
		if (is_origin(db, o->v[i].dir, is, path))
			return o->v[i].dir;
	return 0;
}

void
ledger_origins_free(struct ledger_origins *o)
{
	free(o->v);
	*o = (struct ledger_origins){ 0 };
}
