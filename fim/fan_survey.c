/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is there: lists of the watched directories. */
#include "fim/fan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names, and bytes of their records, between two looks at the queue: some
 * milliseconds. Paths may be as long as users like. */
#define CHUNK_NAMES 2048u
#define CHUNK_BYTES (1u << 20)
/* So long losses may follow each other before a list is told in between. */
#define LATE_NS (3 * NS_PER_SEC)
#define PAUSE_NS NS_PER_SEC
/* Times of files are those of the clock's last tick, 10 ms at most. */
#define CLOCK_SLACK_NS (20 * NS_PER_MS)

void
fan_survey_open(struct sensor *s)
{
	s->survey.touched.max = FAN_TOUCHED_MAX;
	s->survey.dirfd = s->survey.listfd = -1;
}

static void
close_list(struct fan_survey *v)
{
	if (v->listfd >= 0)
		close(v->listfd);
	v->listfd = -1;
}

void
fan_survey_close(struct sensor *s)
{
	fan_touched_close(&s->survey);
	close_list(&s->survey);
	buf_free(&s->survey.ids);
	buf_free(&s->survey.id);
	fan_batch_free(&s->survey.held);
	fan_keep_free(&s->survey.touched);
}

/* ---- records --------------------------------------------------------- */

struct fan_act
fan_act_at(const struct sensor *s, enum event_kind kind, struct fan_dir *d,
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

bool
fan_put_name(struct sensor *s, struct fan_batch *b, const struct fan_act *act)
{
	struct fan_record *r = fan_batch_add(b);

	if (!r) {
		b->bytes.failed = true;
		return false;
	}
	if (fan_act_write(s->tree, act, r, &b->bytes)) {
		r->pidfd = -1;
		return true;
	}
	b->n--;
	return false;
}

bool
fan_put_path(struct sensor *s, struct fan_batch *b, enum event_kind kind,
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
	v->pause_ns = s->now_ns + PAUSE_NS;
	close_list(v);
	fan_held_drop(v);
	fan_take_loss(s, VIEW("a list of files"), VIEW("out of memory"), true);
}

/* What was left of the one before is dropped. */
static void
begin(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct fan_tree *t = s->tree;

	v->wanted = v->blind = v->failed = false;
	if (!v->on)
		return;
	close_list(v);
	fan_held_drop(v);
	buf_clear(&v->ids);
	v->at = 0;
	for (struct fan_dir *d = t->top; d; d = fan_next(t->top, d)) {
		if (has_files(d))
			push_id(v, d);
	}
	v->active = true;
	if (v->ids.failed ||
	    !fan_put_path(s, &s->batch, EVENT_LIST_BEGIN, VIEW_NONE))
		give_up(s);
}

struct listing {
	struct sensor *s;
	bool failed;
};

static void
list_name(void *ctx, struct fan_dir *d, int fd, struct view name)
{
	struct listing *l = ctx;
	struct fan_batch *held = &l->s->survey.held;
	struct event_seen seen;
	struct fan_act act;
	bool seen_it;

	if (!fan_wanted(d, name))
		return;
	seen_it = fan_look_at(fd, name.p, &seen);
	if (!seen_it && errno == ENOENT)
		return; /* gone again */
	act = fan_act_at(l->s, EVENT_LISTED, d, name,
			 seen_it && S_ISDIR(seen.mode));
	/* Where others may not look, as in what a user has mounted, a name is
	 * all there is. */
	if (!fan_put_name(l->s, held, &act))
		l->failed |= held->bytes.failed;
	else if (seen_it)
		fan_batch_see(held, held->n - 1, &seen);
}

/* Under all its names: a directory may have more than one. */
static void
put_unlisted(struct sensor *s, const struct fan_dir *d)
{
	struct fan_batch *held = &s->survey.held;
	struct buf names = { 0 };
	struct view rest, path;

	fan_dir_names(d, &names);
	rest = buf_view(&names);
	s->survey.failed |= names.failed;
	while (view_next_item(&rest, &path)) {
		if (fan_put_path(s, held, EVENT_LIST_DIR, path))
			held->v[held->n - 1].flag = true;
		else
			s->survey.failed = true;
	}
	buf_free(&names);
}

static struct fan_dir *
next_dir(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct view all = buf_view(&v->ids);
	struct fan_dir *d;
	size_t n;

	while (v->at < all.n) {
		struct view id;

		memcpy(&n, all.p + v->at, sizeof(n));
		id = view_sub(all, v->at + sizeof(n), n);
		d = fan_find(s->tree, id);
		v->at += sizeof(n) + n;
		if (!d || d->gone)
			continue;
		buf_clear(&v->id);
		buf_put(&v->id, id);
		return d;
	}
	return NULL;
}

/* One that is not there any more, or another one by now: events that have not
 * been read yet will say so. */
static void
open_list(struct sensor *s, struct fan_dir *d)
{
	struct fan_survey *v = &s->survey;

	v->listfd = fan_open_path(s->tree, (struct view){ d->path, d->path_n });
	if (v->listfd >= 0 && fan_is_dir(s, v->listfd, d))
		return;
	close_list(v);
	put_unlisted(s, d);
}

/* The next names of the directory in work, or of the next one; false when all
 * has been listed. */
static bool
list_some(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct fan_dir *d = v->listfd >= 0 ? fan_find(s->tree, buf_view(&v->id))
					   : next_dir(s);
	struct listing l = { .s = s };
	int more;

	if (v->listfd < 0) {
		if (d)
			open_list(s, d);
		return d != NULL;
	}
	more = d && !d->gone ? fan_some_names(d, v->listfd, list_name, &l) : 0;
	if (d && (more < 0 || d->gone))
		put_unlisted(s, d);
	v->failed |= l.failed;
	if (more <= 0)
		close_list(v);
	return true;
}

static void
list_chunk(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	size_t names = v->held.n + CHUNK_NAMES;
	size_t bytes = v->held.bytes.n + CHUNK_BYTES;
	bool more = v->active;

	while (more && !v->failed && v->held.n < names &&
	       v->held.bytes.n < bytes)
		more = list_some(s);
}

/* ---- losses ---------------------------------------------------------- */

/* How many events are in the queue now, or more. */
static uint64_t
queued(const struct sensor *s)
{
	int bytes = 0;

	if (s->source_fd < 0)
		return 0;
	if (ioctl(s->source_fd, FIONREAD, &bytes) != 0 || bytes < 0)
		bytes = INT_MAX;
	return (uint64_t)bytes / s->source->event_bytes + s->source->n_ahead;
}

void
fan_survey_want(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	fan_held_drop(v);
	while (v->touched.first)
		fan_touched_drop(v, v->touched.first);
	v->on = v->wanted = true;
	v->active = false;
}

/* Those before the loss are behind us, or it cannot be waited for. */
static void
look_again(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	s->rescan = false;
	v->active = false;
	fan_held_drop(v);
	for (struct fan_kept *k = v->touched.first; k; k = k->next)
		k->doubted = true;
	fan_find_way(s);
	begin(s);
}

void
fan_survey_lost(struct sensor *s, bool drained)
{
	struct fan_survey *v = &s->survey;
	bool late;

	if (!s->rescan || s->now_ns < v->pause_ns)
		return;
	if (v->losses != s->losses)
		v->loss_mark = s->taken + queued(s);
	v->losses = s->losses;
	if (v->loss_ns == 0)
		v->loss_ns = s->now_ns;
	late = s->now_ns - v->loss_ns >= LATE_NS;
	drained = drained || s->taken >= v->loss_mark;
	if (v->active && late) {
		v->blind = true;
	} else if (drained || late) {
		look_again(s);
		v->blind = !drained;
	}
}

/* ---- telling --------------------------------------------------------- */

bool
fan_survey_look(struct sensor *s, bool busy)
{
	struct fan_survey *v = &s->survey;

	if (v->wanted && !s->rescan)
		begin(s);
	if (!v->on || v->looked || (s->rescan && !v->blind))
		return false;
	if (!v->blind)
		fan_touched_look(s, busy);
	list_chunk(s);
	v->looked = v->active || v->held.n > 0;
	if (!v->looked)
		return false;
	v->mark = s->taken + queued(s);
	return v->mark > s->taken;
}

static bool
copy_held(struct sensor *s, size_t at)
{
	return fan_batch_copy(&s->batch, &s->survey.held, at) != NULL;
}

/* What counts as told of a file. It was looked at when it was told: if it has
 * not changed since, all of it was, whatever was lost. */
static uint32_t
told_of(const struct fan_survey *v, const struct fan_kept *k, size_t at)
{
	const struct fan_record *r = &v->held.v[at];
	uint64_t wall_ns = clock_wall_ns() - clock_boot_ns() + k->first_ns;

	if (!k->doubted && !v->blind)
		return k->r.acts;
	if (r->seen == 0)
		return k->r.acts;
	return v->held.seen[r->seen - 1].changed_ns + CLOCK_SLACK_NS < wall_ns
		       ? k->r.acts
		       : 0;
}

/* Looked at, and not acted upon since. */
static void
tell_refreshed(struct sensor *s)
{
	struct fan_survey *v = &s->survey;
	struct fan_kept *k = v->touched.first, *next;

	for (; k; k = next) {
		next = k->next;
		if (k->looked == 0)
			continue;
		for (size_t i = k->looked - 1;
		     i < k->looked - 1 + k->n_looked && !v->failed; i++) {
			v->held.v[i].acts = told_of(v, k, i);
			v->failed = !copy_held(s, i);
		}
		fan_touched_drop(v, k);
	}
}

static void
mark_listed(struct fan_survey *v)
{
	for (size_t i = 0; i < v->held.n; i++) {
		struct fan_record *r = &v->held.v[i];
		struct view path = fan_record_path(r);
		const struct fan_kept *k = NULL;

		if (r->kind == EVENT_LISTED)
			k = fan_touched_find(v, fan_record_dir(r),
					     path_name(path), path);
		if (k)
			r->acts = told_of(v, k, i);
	}
}

static void
tell_listed(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	for (size_t i = 0; i < v->held.n && !v->failed; i++)
		if (v->held.v[i].kind == EVENT_LISTED ||
		    v->held.v[i].kind == EVENT_LIST_DIR)
			v->failed = !copy_held(s, i);
}

static void
end_list(struct sensor *s)
{
	struct fan_survey *v = &s->survey;

	v->failed = !fan_put_path(s, &s->batch, EVENT_LIST_END, VIEW_NONE);
	if (!v->failed)
		s->batch.v[s->batch.n - 1].flag = s->rescan;
	v->active = v->blind = false;
	v->loss_ns = 0;
	buf_free(&v->ids);
}

void
fan_survey_tell(struct sensor *s, bool drained)
{
	struct fan_survey *v = &s->survey;

	if (!v->looked || (s->rescan && !v->blind) ||
	    !(drained || v->blind || s->taken >= v->mark))
		return;
	if (v->active)
		fan_release(s);
	mark_listed(v);
	if (!v->blind)
		tell_refreshed(s);
	tell_listed(s);
	fan_held_drop(v);
	if (v->active && !v->failed && v->listfd < 0 && v->at == v->ids.n)
		end_list(s);
	if (v->failed)
		give_up(s);
}

uint64_t
fan_survey_due(const struct sensor *s)
{
	const struct fan_survey *v = &s->survey;

	if (s->rescan && s->now_ns < v->pause_ns)
		return v->pause_ns;
	if (v->active || v->wanted || s->rescan || v->looked ||
	    (v->hurry && v->touched.first))
		return s->now_ns;
	return fan_touched_due(v);
}
