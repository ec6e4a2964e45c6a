/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: written, kept back, turned into events. */
#include "fim/fan_batch.h"

#include <stdlib.h>
#include <unistd.h>

/* Entries and their bytes that are held for reuse. */
#define SPARE_MAX 64u
#define SPARE_BYTES_MAX 4096u
/* A usual batch is far smaller than one of very long names, or the first after
 * nobody has read for a while. */
#define BATCH_KEPT_BYTES (64u << 10)

/* ---- records --------------------------------------------------------------
 */

static struct view
part_of(const struct fan_record *r, size_t from, size_t n)
{
	return view_sub(buf_view(r->bytes), r->at + from, n);
}

struct view
fan_record_dir(const struct fan_record *r)
{
	return part_of(r, 0, r->dir_n);
}

struct view
fan_record_target(const struct fan_record *r)
{
	return part_of(r, r->dir_n, r->target_n);
}

struct view
fan_record_path(const struct fan_record *r)
{
	return part_of(r, r->dir_n + r->target_n, r->path_n);
}

void
fan_record_event(const struct fan_record *r, struct event *e)
{
	size_t at = r->dir_n + r->target_n;

	*e = (struct event){
		.kind = r->kind,
		.attribution = r->attribution,
		.time_ns = r->time_ns,
		.read_ns = r->read_ns,
		.key.pid = r->pid,
		.pidfd = r->pidfd,
	};
	e->role = ROLE_FILES;
	if (r->kind == EVENT_LOSS) {
		e->lost = 1;
		e->again = r->flag;
		e->scope = fan_record_path(r);
		e->cause = part_of(r, at + r->path_n, r->old_n);
		/* Not even that could be kept. */
		if (e->scope.n == 0) {
			e->scope = VIEW("file events");
			e->cause = VIEW("out of memory");
		}
		return;
	}
	e->incomplete = r->flag;
	e->acts = r->acts;
	e->file.node = r->node;
	e->file.maker_pid = r->maker_pid;
	e->file.handle = r;
	e->file.path = part_of(r, at, r->path_n);
	at += r->path_n;
	e->file.old_path = part_of(r, at, r->old_n);
	at += r->old_n;
	e->file.aliases = part_of(r, at, r->aliases_n);
}

/* A rename out of what is watched, to a place whose name the kernel told all
 * the same: that name is its real one. */
static bool
write_path(struct fan_tree *t, const struct fan_act *act, struct buf *bytes,
	   struct buf *aliases)
{
	if (fan_names(t, act->dir, act->name, bytes, aliases))
		return true;
	if (!act->old_dir || !fan_wanted(act->old_dir, act->old_name))
		return false;
	fan_real_name(act->dir, act->name, bytes);
	return true;
}

bool
fan_act_write(struct fan_tree *t, const struct fan_act *act,
	      struct fan_record *r, struct buf *bytes)
{
	struct fan_dir *d = act->dir;
	struct buf *aliases = &t->aliases;
	size_t at;

	*r = (struct fan_record){
		.kind = act->kind,
		.node = act->node,
		.attribution = act->attribution,
		.pid = act->pid,
		.pidfd = act->pidfd,
		.time_ns = act->time_ns,
		.read_ns = act->read_ns,
		.at = bytes->n,
		.dir_n = (uint32_t)d->id_n,
		.target_n = (uint32_t)act->target.n,
		.bytes = bytes,
	};
	buf_clear(aliases);
	buf_put(bytes, (struct view){ d->id, d->id_n });
	buf_put(bytes, act->target);
	at = bytes->n;
	if (!write_path(t, act, bytes, aliases)) {
		bytes->n = r->at;
		return false;
	}
	r->path_n = (uint32_t)(bytes->n - at);
	at = bytes->n;
	if (act->old_dir &&
	    !fan_names(t, act->old_dir, act->old_name, bytes, NULL))
		fan_real_name(act->old_dir, act->old_name, bytes);
	r->old_n = (uint32_t)(bytes->n - at);
	buf_put(bytes, buf_view(aliases));
	r->aliases_n = (uint32_t)aliases->n;
	if (!bytes->failed && !aliases->failed)
		return true;
	bytes->n = r->at;
	return false;
}

/* ---- the batch -------------------------------------------------------------
 */

struct fan_record *
fan_batch_add(struct fan_batch *b)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 256;
		struct fan_record *v = reallocarray(b->v, cap, sizeof(*v));

		if (!v)
			return NULL;
		b->v = v;
		b->cap = cap;
	}
	b->v[b->n] = (struct fan_record){ .pidfd = -1, .bytes = &b->bytes };
	return &b->v[b->n++];
}

void
fan_batch_see(struct fan_batch *b, size_t at, const struct event_seen *seen)
{
	if (b->n_seen == b->seen_cap) {
		size_t cap = b->seen_cap ? 2 * b->seen_cap : 256;
		struct event_seen *v = reallocarray(b->seen, cap, sizeof(*v));

		if (!v)
			return; /* there, and no more is known of it */
		b->seen = v;
		b->seen_cap = cap;
	}
	b->seen[b->n_seen++] = *seen;
	b->v[at].seen = (uint32_t)b->n_seen;
}

struct fan_record *
fan_batch_copy(struct fan_batch *b, const struct fan_batch *from, size_t at)
{
	const struct fan_record *f = &from->v[at];
	struct fan_record *r = fan_batch_add(b);
	size_t n = (size_t)f->dir_n + f->target_n + f->path_n + f->old_n +
		   f->aliases_n;

	if (!r)
		return NULL;
	*r = *f;
	r->at = b->bytes.n;
	r->bytes = &b->bytes;
	r->seen = 0;
	buf_put(&b->bytes, view_sub(buf_view(&from->bytes), f->at, n));
	if (b->bytes.failed) {
		b->n--;
		return NULL;
	}
	if (f->seen)
		fan_batch_see(b, b->n - 1, &from->seen[f->seen - 1]);
	return r;
}

void
fan_batch_event(const struct fan_batch *b, size_t at, struct event *e)
{
	const struct fan_record *r = &b->v[at];

	fan_record_event(r, e);
	if (r->seen)
		e->seen = &b->seen[r->seen - 1];
}

int
fan_batch_own(struct fan_batch *b, int pidfd)
{
	if (pidfd < 0)
		return -1;
	if (b->n_pidfds == b->pidfds_cap) {
		size_t cap = b->pidfds_cap ? 2 * b->pidfds_cap : 256;
		int *v = reallocarray(b->pidfds, cap, sizeof(*v));

		if (!v) {
			close(pidfd);
			return -1;
		}
		b->pidfds = v;
		b->pidfds_cap = cap;
	}
	b->pidfds[b->n_pidfds++] = pidfd;
	return pidfd;
}

void
fan_batch_clear(struct fan_batch *b)
{
	for (size_t i = 0; i < b->n_pidfds; i++)
		close(b->pidfds[i]);
	b->n_pidfds = 0;
	b->n = b->n_seen = b->delivered = 0;
	if (b->cap > BATCH_KEPT_BYTES / sizeof(*b->v)) {
		free(b->v);
		b->v = NULL;
		b->cap = 0;
	}
	if (b->pidfds_cap > BATCH_KEPT_BYTES / sizeof(*b->pidfds)) {
		free(b->pidfds);
		b->pidfds = NULL;
		b->pidfds_cap = 0;
	}
	if (b->seen_cap > BATCH_KEPT_BYTES / sizeof(*b->seen)) {
		free(b->seen);
		b->seen = NULL;
		b->seen_cap = 0;
	}
	if (b->bytes.cap > BATCH_KEPT_BYTES)
		buf_free(&b->bytes);
	buf_clear(&b->bytes);
	b->bytes.failed = false;
}

void
fan_batch_forget(struct fan_batch *b)
{
	if (b->delivered == b->n)
		fan_batch_clear(b);
}

void
fan_batch_free(struct fan_batch *b)
{
	fan_batch_clear(b);
	free(b->v);
	free(b->seen);
	free(b->pidfds);
	buf_free(&b->bytes);
}

/* ---- kept back ------------------------------------------------------- */

uint64_t
fan_keep_hash(struct view dir_id, struct view name, struct view target)
{
	return hash_mix(hash_mix(view_hash(dir_id), view_hash(name)),
			view_hash(target));
}

struct fan_kept *
fan_keep_new(struct fan_keep *k)
{
	struct fan_kept *e = k->spare;

	if (k->n >= k->max)
		return NULL;
	if (e) {
		k->spare = e->next;
		k->n_spare--;
		buf_clear(&e->bytes);
		e->bytes.failed = false;
		return e;
	}
	return calloc(1, sizeof(*e));
}

void
fan_keep_put(struct fan_keep *k, struct fan_kept *e)
{
	struct fan_kept **bucket = &k->buckets[e->hash % FAN_KEEP_BUCKETS];

	e->chain = *bucket;
	*bucket = e;
	e->next = NULL;
	e->prev = k->last;
	if (k->last)
		k->last->next = e;
	else
		k->first = e;
	k->last = e;
	k->n++;
}

void
fan_keep_return(struct fan_keep *k, struct fan_kept *e)
{
	if (k->n_spare >= SPARE_MAX || e->bytes.cap > SPARE_BYTES_MAX) {
		buf_free(&e->bytes);
		free(e);
		return;
	}
	e->next = k->spare;
	k->spare = e;
	k->n_spare++;
}

struct fan_kept *
fan_keep_find(const struct fan_keep *k, uint64_t hash,
	      const struct fan_kept *from)
{
	struct fan_kept *e =
		from ? from->chain : k->buckets[hash % FAN_KEEP_BUCKETS];

	while (e && e->hash != hash)
		e = e->chain;
	return e;
}

void
fan_keep_take(struct fan_keep *k, struct fan_kept *e)
{
	struct fan_kept **at = &k->buckets[e->hash % FAN_KEEP_BUCKETS];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	if (e->prev)
		e->prev->next = e->next;
	else
		k->first = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		k->last = e->prev;
	k->n--;
}

bool
fan_keep_emit(struct fan_keep *k, struct fan_kept *e, struct fan_batch *b)
{
	struct fan_record *r = fan_batch_add(b);
	size_t at = b->bytes.n;
	int pidfd;
	bool ok;

	fan_keep_take(k, e);
	pidfd = fan_batch_own(b, e->r.pidfd);
	buf_put(&b->bytes, buf_view(&e->bytes));
	ok = r && !b->bytes.failed;
	if (ok) {
		*r = e->r;
		r->pidfd = pidfd;
		r->at = at;
		r->bytes = &b->bytes;
	} else if (r) {
		b->n--;
	}
	fan_keep_return(k, e);
	return ok;
}

void
fan_keep_free(struct fan_keep *k)
{
	struct fan_kept *e, *next;

	for (e = k->first; e; e = next) {
		next = e->next;
		if (e->r.pidfd >= 0)
			close(e->r.pidfd);
		buf_free(&e->bytes);
		free(e);
	}
	for (e = k->spare; e; e = next) {
		next = e->next;
		buf_free(&e->bytes);
		free(e);
	}
}
