/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is there: lists of the watched directories, and files told of, again. */
#include "fim/fan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names between two looks at the queue: some milliseconds. */
#define CHUNK_NAMES 2048u
/* Of one directory; it is listed in one go. */
#define DIR_NAMES_MAX 131072u
/* Longer than any event is kept back (fan_batch.h): a file is remembered as it
 * is now only when all that made it so was told. */
#define TOUCH_HOLD_NS (1250 * NS_PER_MS)
/* With more to do that goes first, but not for ever. */
#define TOUCH_BUSY_NS (10 * NS_PER_SEC)
#define TOUCHED_MAX 32768u
#define REFRESH_MAX 4096u /* in one go */

void
fan_survey_open(struct sensor *s)
{
	s->survey.touched.max = TOUCHED_MAX;
	s->survey.dirfd = -1;
}

static void
close_dir(struct fan_survey *v)
{
	if (v->dirfd >= 0)
		close(v->dirfd);
	v->dirfd = -1;
	v->dir = NULL;
}

void
fan_survey_close(struct sensor *s)
{
	close_dir(&s->survey);
	buf_free(&s->survey.ids);
	fan_batch_free(&s->survey.held);
	fan_keep_free(&s->survey.touched);
}

/* ---- records --------------------------------------------------------- */

static struct fan_act
act_at(const struct sensor *s, enum event_kind kind, struct fan_dir *d,
       struct view name, bool dir)
{
	return (struct fan_act){
		.kind = kind,
		.node = dir ? NODE_DIR : NODE_FILE,
		.pidfd = -1,
		.time_ns = s->now_ns,
		.read_ns = s->end_ns,
		.dir = d,
		.name = name,
	};
}

/* The record of one name; false when memory is out, or nobody asked for it. */
static bool
put_name(struct sensor *s, struct fan_batch *b, const struct fan_act *act)
{
	struct fan_record *r = fan_batch_add(b);

	if (!r)
		return false;
	if (fan_act_write(s->tree, act, r, &b->bytes)) {
		r->pidfd = -1;
		return true;
	}
	b->n--;
	return false;
}

/* A record of a path alone. */
static bool
put_path(struct sensor *s, struct fan_batch *b, enum event_kind kind,
	 struct view path)
{
	struct fan_record *r = fan_batch_add(b);

	if (!r)
		return false;
	r->kind = kind;
	r->time_ns = s->now_ns;
	r->at = b->bytes.n;
	r->path_n = (uint32_t)path.n;
	buf_put(&b->bytes, path);
	if (b->bytes.failed)
		b->n--;
	return !b->bytes.failed;
}

/* ---- lists ----------------------------------------------------------- */

static bool
has_files(const struct fan_dir *d)
{
	for (size_t i = 0; i < d->n_claims; i++) {
		if (fan_claim_done(&d->claims[i]))
			return true;
	}
	return d->root != NULL;
}

static void
push_id(struct fan_survey *v, const struct fan_dir *d)
{
	buf_put(&v->ids,
		(struct view){ (const char *)&d->id_n, sizeof(d->id_n) });
	buf_put(&v->ids, (struct view){ d->id, d->id_n });
}

/* There will be another list, perhaps with more memory. */
static void
give_up(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	v->active = v->ids.failed = v->failed = false;
	fan_batch_clear(&v->held);
	fan_take_loss(s, VIEW("a list of files"), VIEW("out of memory"), true);
}

void
fan_survey_begin(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct fan_tree *t = s->tree;

	v->wanted = false;
	if (!v->on)
		return;
	buf_clear(&v->ids);
	fan_batch_clear(&v->held);
	v->at = v->held_at = 0;
	v->failed = false;
	for (struct fan_dir *d = t->top; d; d = fan_next(t->top, d)) {
		if (has_files(d))
			push_id(v, d);
	}
	v->active = true;
	if (v->ids.failed ||
	    !put_path(s, &s->batch, EVENT_LIST_BEGIN, VIEW_NONE))
		give_up(s);
}

struct listing {
	struct sensor *s;
	size_t names;
	bool cut;
};

static void
list_name(void *ctx, struct fan_dir *d, int fd, struct view name)
{
	struct listing *l = ctx;
	struct fan_batch *held = &l->s->survey.held;
	struct event_seen seen;
	struct fan_act act;

	if (!fan_wanted(d, name) || l->cut)
		return;
	if (l->names == DIR_NAMES_MAX) {
		l->cut = true;
		return;
	}
	if (!fan_look_at(fd, name.p, &seen)) {
		l->cut |= errno != ENOENT;
		return; /* gone again */
	}
	act = act_at(l->s, EVENT_LISTED, d, name, S_ISDIR(seen.mode));
	l->cut = !put_name(l->s, held, &act);
	if (l->cut)
		return;
	fan_batch_see(held, held->n - 1, &seen);
	l->names++;
}

static bool
is_dir(struct sensor *s, int fd, const struct fan_dir *d)
{
	char id[FAN_ID_MAX];
	ssize_t n = fan_id_or_other(s->tree, fd, id);

	return n >= 0 && view_eq((struct view){ id, (size_t)n },
				 (struct view){ d->id, d->id_n });
}

static void
list_dir(struct sensor *s, struct fan_dir *d)
{
	struct view path = { d->path, d->path_n };
	struct listing l = { .s = s };
	struct fan_batch *held = &s->survey.held;
	int fd = fan_open_path(s->tree, path);

	/* One that is not there any more, or another one by now: events that
	 * have not been read yet will say so. */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		l.cut = true;
	else if (fd < 0 || !is_dir(s, fd, d))
		l.cut = true;
	else if (fan_each_name(d, fd, list_name, &l) != 0)
		l.cut = true;
	if (fd >= 0)
		close(fd);
	if (put_path(s, held, EVENT_LIST_DIR, path))
		held->v[held->n - 1].flag = l.cut;
	else
		s->survey.failed = true;
}

static struct fan_dir *
next_dir(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct view all = buf_view(&v->ids);
	struct fan_dir *d;
	size_t n;

	while (v->at < all.n) {
		memcpy(&n, all.p + v->at, sizeof(n));
		d = fan_find(s->tree, view_sub(all, v->at + sizeof(n), n));
		v->at += sizeof(n) + n;
		if (d && !d->gone)
			return d;
	}
	return NULL;
}

bool
fan_survey_list(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct fan_dir *d;

	if (!v->active || s->rescan || v->held.n > 0)
		return false;
	v->held_at = v->at;
	while (v->held.n < CHUNK_NAMES && (d = next_dir(s)) != NULL)
		list_dir(s, d);
	return true;
}

/* ---- what was told of ------------------------------------------------ */

static struct fan_kept *
find_touched(struct fan_survey *v, struct view dir_id, struct view name,
	     struct view path)
{
	uint64_t hash = fan_keep_hash(dir_id, name, VIEW_NONE);
	struct fan_kept *k = NULL;

	while ((k = fan_keep_find(&v->touched, hash, k)) != NULL) {
		if (view_eq(fan_record_dir(&k->r), dir_id) &&
		    view_eq(fan_record_path(&k->r), path))
			return k;
	}
	return NULL;
}

/* Of a name on the way to watched places only its going matters. */
static bool
write_touch(struct sensor *s, struct fan_kept *k, struct fan_dir *d,
	    struct view name)
{
	struct fan_act act = act_at(s, EVENT_REFRESHED, d, name, false);
	struct buf real = { 0 };

	if (fan_wanted(d, name))
		return fan_act_write(s->tree, &act, &k->r, &k->bytes);
	fan_real_name(d, name, &real);
	k->r = (struct fan_record){
		.kind = EVENT_REFRESHED,
		.time_ns = s->now_ns,
		.dir_n = (uint32_t)d->id_n,
		.path_n = (uint32_t)real.n,
		.flag = true,
		.bytes = &k->bytes,
	};
	buf_put(&k->bytes, (struct view){ d->id, d->id_n });
	buf_put(&k->bytes, buf_view(&real));
	if (real.failed)
		k->bytes.failed = true;
	buf_free(&real);
	return !k->bytes.failed;
}

static void refresh_one(struct sensor *, struct fan_kept *);

/* Room for one more: what was listed may have been told of in the meantime,
 * which would not be known any more. */
static void
make_room(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	if (v->touched.n < v->touched.max)
		return;
	if (v->held.n > 0) {
		fan_batch_clear(&v->held);
		v->at = v->held_at;
	}
	while (v->touched.first && v->touched.n >= v->touched.max)
		refresh_one(s, v->touched.first);
	close_dir(v);
}

void
fan_touch(struct sensor *s, struct fan_dir *d, struct view name)
{
	struct fan_survey *v = &s->survey;
	struct view id = { d->id, d->id_n };
	struct fan_kept *k;

	if (!v->on || name.n == 0 || name.n > NAME_MAX ||
	    (!fan_wanted(d, name) && !fan_leads_to(d, name)))
		return;
	make_room(s);
	k = fan_keep_new(&v->touched);
	if (!k)
		return;
	if (!write_touch(s, k, d, name) ||
	    find_touched(v, id, name, fan_record_path(&k->r))) {
		k->bytes.failed = false;
		fan_keep_return(&v->touched, k);
		return;
	}
	k->r.pidfd = -1;
	k->hash = fan_keep_hash(id, name, VIEW_NONE);
	k->since_ns = s->now_ns;
	fan_keep_put(&v->touched, k);
}

/* Kept open from one file to the next. */
static bool
open_dir(struct sensor *s, struct fan_dir *d)
{
	struct fan_survey *v = &s->survey;

	if (v->dir == d)
		return true;
	close_dir(v);
	v->dirfd = fan_open_path(s->tree, (struct view){ d->path, d->path_n });
	if (v->dirfd < 0 || !is_dir(s, v->dirfd, d)) {
		close_dir(v);
		return false;
	}
	v->dir = d;
	return true;
}

/* Under the name that its directory has now. */
static void
refresh_here(struct sensor *s, struct fan_dir *d, struct view name,
	     const struct event_seen *seen)
{
	struct fan_act act =
		act_at(s, EVENT_REFRESHED, d, name, S_ISDIR(seen->mode));

	if (put_name(s, &s->batch, &act))
		fan_batch_see(&s->batch, s->batch.n - 1, seen);
}

static bool
has_moved(struct sensor *s, struct fan_dir *d, struct view name,
	  struct view path)
{
	struct buf now = { 0 };
	bool moved;

	moved = fan_names(s->tree, d, name, &now, NULL) && !now.failed &&
		!view_eq(buf_view(&now), path);
	buf_free(&now);
	return moved;
}

/* What stands there now; false when that cannot be told. */
static bool
look(struct sensor *s, struct fan_dir *d, struct view name,
     struct event_seen *seen, bool *there)
{
	char last[NAME_MAX + 1];

	*there = false;
	if (!d || d->gone)
		return true;
	if (name.n > NAME_MAX || !open_dir(s, d))
		return false;
	memcpy(last, name.p, name.n);
	last[name.n] = '\0';
	*there = fan_look_at(s->survey.dirfd, last, seen);
	return *there || errno == ENOENT || errno == ENOTDIR;
}

static void
refresh_one(struct sensor *s, struct fan_kept *k)
{
	struct fan_dir *d = fan_find(s->tree, fan_record_dir(&k->r));
	struct view path = fan_record_path(&k->r), name = path_name(path);
	struct event_seen seen;
	bool there;

	if (look(s, d, name, &seen, &there)) {
		bool moved = there && has_moved(s, d, name, path);

		if (!there || moved)
			put_path(s, &s->batch, EVENT_REFRESHED, path);
		if (there && !k->r.flag)
			refresh_here(s, d, name, &seen);
	}
	fan_keep_take(&s->survey.touched, k);
	fan_keep_return(&s->survey.touched, k);
}

void
fan_refresh(struct sensor *s, bool busy)
{
	struct fan_survey *v = &s->survey;
	uint64_t hold_ns = v->hurry ? 0 : TOUCH_HOLD_NS;

	if (!v->touched.first || v->held.n > 0)
		return;
	if (busy && v->touched.n < v->touched.max / 2)
		hold_ns = TOUCH_BUSY_NS;
	for (unsigned i = 0; i < REFRESH_MAX && v->touched.first &&
			     v->touched.first->since_ns + hold_ns <= s->now_ns;
	     i++)
		refresh_one(s, v->touched.first);
	close_dir(v);
}

/* ---- telling --------------------------------------------------------- */

/* What it is was read before its last event: that comes with the refreshing. */
static void
leave_to_refresh(struct fan_survey *v)
{
	for (size_t i = 0; i < v->held.n; i++) {
		struct fan_record *r = &v->held.v[i];
		struct view path = fan_record_path(r);

		if (r->kind == EVENT_LISTED &&
		    find_touched(v, fan_record_dir(r), path_name(path), path))
			r->seen = 0;
	}
}

void
fan_survey_tell(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	if (!v->active || s->rescan)
		return;
	leave_to_refresh(v);
	fan_release(s);
	while (v->touched.first)
		refresh_one(s, v->touched.first);
	close_dir(v);
	for (size_t i = 0; i < v->held.n && !v->failed; i++)
		v->failed = !fan_batch_copy(&s->batch, &v->held, i);
	fan_batch_clear(&v->held);
	if (!v->failed && v->at == v->ids.n) {
		v->failed = !put_path(s, &s->batch, EVENT_LIST_END, VIEW_NONE);
		v->active = false;
		buf_free(&v->ids);
	}
	if (v->failed)
		give_up(s);
}

uint64_t
fan_survey_due(const struct sensor *s)
{
	const struct fan_survey *v = &s->survey;

	if (v->active || v->wanted || (v->hurry && v->touched.first))
		return s->now_ns;
	return v->touched.first ? v->touched.first->since_ns + TOUCH_HOLD_NS
				: 0;
}
