/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list in order of time, found by path; the first part of it is written. */
#include "fim/ledger_keep.h"

#include <sqlite3.h>
#include <stdlib.h>

/* After a failure. */
#define AGAIN_NS NS_PER_SEC
/* Rows written in one go: some milliseconds. */
#define WRITE_MAX 512u
#define BUCKETS_FIRST 64u

/* A name has at most two: that it has gone, with all below it, and, later,
 * that it is there again. */
struct ledger_kept {
	struct ledger_kept *prev, *next;
	struct ledger_kept *chain; /* same bucket */
	uint64_t hash;
	uint64_t seq; /* grows along the list */
	bool there;   /* else gone */
	bool below;   /* so is what was below it */
	bool written; /* in the transaction at work */
	struct event_seen seen;
	size_t n;
	char path[];
};

static struct view
path_of(const struct ledger_kept *e)
{
	return (struct view){ e->path, e->n };
}

static size_t
bytes_of(const struct ledger_kept *e)
{
	return sizeof(*e) + e->n;
}

/* ---- by path --------------------------------------------------------- */

static struct ledger_kept *
find(const struct ledger_keep *k, struct view path, bool there)
{
	uint64_t hash = view_hash(path);
	struct ledger_kept *e;

	if (k->n == 0)
		return NULL;
	e = k->buckets[hash & (k->n_buckets - 1)];
	while (e != NULL && (e->hash != hash || e->there != there ||
			     !view_eq(path_of(e), path)))
		e = e->chain;
	return e;
}

static void
chain(struct ledger_keep *k, struct ledger_kept *e)
{
	struct ledger_kept **at = &k->buckets[e->hash & (k->n_buckets - 1)];

	e->chain = *at;
	*at = e;
}

static void
unchain(struct ledger_keep *k, const struct ledger_kept *e)
{
	struct ledger_kept **at = &k->buckets[e->hash & (k->n_buckets - 1)];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
}

static bool
grow(struct ledger_keep *k)
{
	size_t n = k->n_buckets > 0 ? 2 * k->n_buckets : BUCKETS_FIRST;
	struct ledger_kept **buckets;

	if (k->n < k->n_buckets)
		return true;
	buckets = calloc(n, sizeof(*buckets));
	/* Longer chains are no harm. */
	if (buckets == NULL)
		return k->n_buckets > 0;
	free(k->buckets);
	k->buckets = buckets;
	k->n_buckets = n;
	for (struct ledger_kept *e = k->first; e != NULL; e = e->next)
		chain(k, e);
	return true;
}

/* ---- in order -------------------------------------------------------- */

static void
append(struct ledger_keep *k, struct ledger_kept *e)
{
	e->written = false;
	e->seq = k->last != NULL ? k->last->seq + 1 : 1;
	e->prev = k->last;
	e->next = NULL;
	if (k->last != NULL)
		k->last->next = e;
	else
		k->first = e;
	k->last = e;
	if (k->next == NULL)
		k->next = e;
}

static void
take_out(struct ledger_keep *k, struct ledger_kept *e)
{
	if (k->next == e)
		k->next = e->next;
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		k->first = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	else
		k->last = e->prev;
	k->n_written -= e->written;
}

static void
forget(struct ledger_keep *k, struct ledger_kept *e)
{
	take_out(k, e);
	unchain(k, e);
	k->n--;
	k->bytes -= bytes_of(e);
	free(e);
}

void
ledger_keep_free(struct ledger_keep *k)
{
	while (k->first != NULL)
		forget(k, k->first);
	free(k->buckets);
	k->buckets = NULL;
	k->n_buckets = 0;
}

/* NULL: there is no room; counted. */
static struct ledger_kept *
add(struct ledger_keep *k, struct view path, bool there)
{
	struct ledger_kept *e = NULL;

	if (k->bytes + sizeof(*e) + path.n <= k->max_bytes && grow(k))
		e = malloc(sizeof(*e) + path.n);
	if (e == NULL) {
		k->forgotten++;
		return NULL;
	}
	*e = (struct ledger_kept){ .hash = view_hash(path),
				   .there = there,
				   .n = path.n };
	memcpy(e->path, path.p, path.n);
	chain(k, e);
	append(k, e);
	k->n++;
	k->bytes += bytes_of(e);
	return e;
}

static void
to_the_end(struct ledger_keep *k, struct ledger_kept *e)
{
	take_out(k, e);
	append(k, e);
}

/* ---- writing --------------------------------------------------------- */

static int
write_gone(struct ledger_keep *k, const struct ledger_kept *e)
{
	struct view path = path_of(e);
	int64_t dir = ledger_db_dir(k->db, path_directory(path));

	if (dir < 0 ||
	    (dir > 0 && ledger_db_drop(k->db, dir, path_name(path)) < 0))
		return -1;
	return e->below ? ledger_db_drop_below(k->db, path) : 0;
}

static int
write_one(struct ledger_keep *k, const struct ledger_kept *e)
{
	struct view path = path_of(e);

	if (!e->there)
		return write_gone(k, e);
	return ledger_db_put(k->db, path_directory(path), path_name(path),
			     &e->seen, ledger_db_count(k->db) < k->max_files);
}

/* Will it never be written? Else the others wait for it. */
static bool
is_hopeless(const struct ledger_keep *k)
{
	switch (sqlite3_errcode(state_db(k->state)) & 0xff) {
	case SQLITE_ERROR:
	case SQLITE_CORRUPT:
	case SQLITE_TOOBIG:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_NOTADB:
		return true;
	default:
		return false;
	}
}

static void
write_some(struct ledger_keep *k, size_t max)
{
	struct ledger_kept *e;

	for (; max > 0 && (e = k->next) != NULL; max--) {
		if (write_one(k, e) == 0) {
			k->next = e->next;
			e->written = true;
			k->n_written++;
		} else if (is_hopeless(k)) {
			k->failed++;
			forget(k, e);
		} else {
			k->again_ns = clock_boot_ns() + AGAIN_NS;
			return;
		}
	}
}

/* Of both, undone is what is believed: to write a row again does no harm. */
static void
look_back(struct ledger_keep *k)
{
	uint64_t undone = state_undone(k->state);
	uint64_t committed = state_committed(k->state);

	if (undone != k->undone) {
		for (struct ledger_kept *e = k->first; e != k->next;
		     e = e->next)
			e->written = false;
		k->n_written = 0;
		k->next = k->first;
		if (k->n > 0)
			k->again_ns = clock_boot_ns() + AGAIN_NS;
	} else if (committed != k->committed) {
		while (k->first != k->next)
			forget(k, k->first);
	}
	k->undone = undone;
	k->committed = committed;
}

void
ledger_keep_tend(struct ledger_keep *k)
{
	look_back(k);
	if (k->next == NULL ||
	    (k->again_ns != 0 && clock_boot_ns() < k->again_ns))
		return;
	k->again_ns = 0;
	write_some(k, WRITE_MAX);
}

void
ledger_keep_settle(struct ledger_keep *k)
{
	look_back(k);
	k->again_ns = 0;
	write_some(k, SIZE_MAX);
}

size_t
ledger_keep_waiting(const struct ledger_keep *k)
{
	bool stored = state_undone(k->state) == k->undone &&
		      state_committed(k->state) != k->committed;

	return k->n - (stored ? k->n_written : 0);
}

/* ---- what is known --------------------------------------------------- */

/* Nothing but a commit makes room; a disk that is full is not tried. */
static void
make_room(struct ledger_keep *k)
{
	if (k->bytes > k->max_bytes / 2 && k->again_ns == 0)
		state_commit(k->state);
	ledger_keep_tend(k);
}

void
ledger_keep_put(struct ledger_keep *k, struct view path,
		const struct event_seen *seen)
{
	struct ledger_kept *e;

	make_room(k);
	e = find(k, path, true);
	if (e != NULL)
		to_the_end(k, e);
	else
		e = add(k, path, true);
	if (e == NULL)
		return;
	e->seen = *seen;
	ledger_keep_tend(k);
}

/* That it was there before is of no use any more. */
static void
mark_gone(struct ledger_keep *k, struct view path, bool below)
{
	struct ledger_kept *there = find(k, path, true);
	struct ledger_kept *gone = find(k, path, false);

	/* What came below it since must not seem to have gone with it. */
	if (gone != NULL && gone->below && !below) {
		if (!gone->written) {
			if (there != NULL)
				forget(k, there);
			return;
		}
		gone->below = false;
	}
	if (there != NULL && gone == NULL) {
		there->there = false;
		gone = there;
	} else if (gone == NULL) {
		gone = add(k, path, false);
	} else if (there != NULL) {
		forget(k, there);
	}
	if (gone == NULL)
		return;
	to_the_end(k, gone);
	gone->below |= below;
}

void
ledger_keep_gone(struct ledger_keep *k, struct view path, bool below)
{
	make_room(k);
	mark_gone(k, path, below);
	ledger_keep_tend(k);
}

/* The last of what tells that it has gone, with a directory above it. */
static uint64_t
gone_at(const struct ledger_keep *k, struct view path)
{
	const struct ledger_kept *e = find(k, path, false);
	uint64_t seq = e != NULL ? e->seq : 0;

	for (path = path_directory(path); path.n > 1;
	     path = path_directory(path)) {
		e = find(k, path, false);
		if (e != NULL && e->below && e->seq > seq)
			seq = e->seq;
	}
	return seq;
}

enum ledger_kept_what
ledger_keep_get(const struct ledger_keep *k, struct view path,
		struct event_seen *seen)
{
	const struct ledger_kept *e;
	uint64_t gone;

	if (k->n == 0)
		return LEDGER_KEPT_NOTHING;
	e = find(k, path, true);
	gone = gone_at(k, path);
	if (e != NULL && e->seq > gone) {
		*seen = e->seen;
		return LEDGER_KEPT_SEEN;
	}
	return gone > 0 ? LEDGER_KEPT_GONE : LEDGER_KEPT_NOTHING;
}

void
ledger_keep_each(struct ledger_keep *k,
		 bool (*gone)(void *ctx, struct view path,
			      const struct event_seen *),
		 void *ctx)
{
	uint64_t last = k->last != NULL ? k->last->seq : 0;
	struct ledger_kept *e = k->first, *next;

	for (; e != NULL && e->seq <= last; e = next) {
		next = e->next; /* what is moved or freed stands before it */
		if (e->there && gone_at(k, path_of(e)) < e->seq &&
		    gone(ctx, path_of(e), &e->seen))
			mark_gone(k, path_of(e), false);
	}
}
