/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that were told of: kept for a while, and looked at again. */
#include "fim/fan.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* With more to do that goes first, but not for ever. */
#define TOUCH_BUSY_NS (10 * NS_PER_SEC)
/* Longer than any event is kept back (fan_batch.h): a file is remembered as it
 * is now only when all that made it so was told. */
#define TOUCH_HOLD_NS (1250 * NS_PER_MS)
#define REFRESH_MAX 4096u /* in one go */

void
fan_touched_close(struct fan_survey *v)
{
	if (v->dirfd >= 0)
		close(v->dirfd);
	v->dirfd = -1;
	v->dir = NULL;
}

void
fan_touched_drop(struct fan_survey *v, struct fan_kept *k)
{
	fan_keep_take(&v->touched, k);
	fan_keep_return(&v->touched, k);
}

void
fan_held_drop(struct fan_survey *v)
{
	fan_batch_clear(&v->held);
	v->looked = false;
	for (struct fan_kept *k = v->touched.first; k; k = k->next)
		k->looked = 0;
}

struct fan_kept *
fan_touched_find(struct fan_survey *v, struct view dir_id, struct view name,
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
	struct fan_act act = fan_act_at(s, EVENT_REFRESHED, d, name, false);
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

/* Of whom there is no room for is not known that he was told of: the next list
 * tells it again. */
static struct fan_kept *
new_touched(struct fan_survey *v)
{
	if (v->touched.first && v->touched.n >= v->touched.max)
		fan_touched_drop(v, v->touched.first);
	return fan_keep_new(&v->touched);
}

void
fan_touch(struct sensor *s, struct fan_dir *d, struct view name, uint32_t acts)
{
	struct fan_survey *v = &s->survey;
	struct view id = { d->id, d->id_n };
	struct fan_kept *k, *before;

	if (!v->on || name.n == 0 || name.n > NAME_MAX ||
	    (!fan_wanted(d, name) && !fan_leads_to(d, name)))
		return;
	k = new_touched(v);
	if (!k)
		return;
	if (!write_touch(s, k, d, name)) {
		k->bytes.failed = false;
		fan_keep_return(&v->touched, k);
		return;
	}
	k->first_ns = s->now_ns;
	before = fan_touched_find(v, id, name, fan_record_path(&k->r));
	if (before && !before->doubted) {
		acts |= before->r.acts;
		k->first_ns = before->first_ns;
	}
	if (before)
		fan_touched_drop(v, before);
	k->r.pidfd = -1;
	k->r.acts = acts;
	k->looked = 0;
	k->doubted = false;
	k->hash = fan_keep_hash(id, name, VIEW_NONE);
	k->since_ns = s->now_ns;
	fan_keep_put(&v->touched, k);
}

/* ---- looking at that again ------------------------------------------- */

bool
fan_is_dir(struct sensor *s, int fd, const struct fan_dir *d)
{
	char id[FAN_ID_MAX];
	ssize_t n = fan_id_or_other(s->tree, fd, id);

	return n >= 0 && view_eq((struct view){ id, (size_t)n },
				 (struct view){ d->id, d->id_n });
}

/* Kept open from one file to the next. */
static bool
open_dir(struct sensor *s, struct fan_dir *d)
{
	struct fan_survey *v = &s->survey;

	if (v->dir == d)
		return true;
	fan_touched_close(v);
	v->dirfd = fan_open_path(s->tree, (struct view){ d->path, d->path_n });
	if (v->dirfd < 0 || !fan_is_dir(s, v->dirfd, d)) {
		fan_touched_close(v);
		return false;
	}
	v->dir = d;
	return true;
}

/* Under the name that its directory has now. */
static void
hold_here(struct sensor *s, struct fan_dir *d, struct view name,
	  const struct event_seen *seen)
{
	struct fan_act act =
		fan_act_at(s, EVENT_REFRESHED, d, name, S_ISDIR(seen->mode));
	struct fan_batch *held = &s->survey.held;

	if (fan_put_name(s, held, &act))
		fan_batch_see(held, held->n - 1, seen);
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
look_at_touched(struct sensor *s, struct fan_kept *k)
{
	struct fan_dir *d = fan_find(s->tree, fan_record_dir(&k->r));
	struct view path = fan_record_path(&k->r), name = path_name(path);
	struct fan_batch *held = &s->survey.held;
	struct event_seen seen;
	bool there;

	k->looked = held->n + 1;
	if (look(s, d, name, &seen, &there)) {
		bool moved = there && has_moved(s, d, name, path);

		if (!there || moved)
			fan_put_path(s, held, EVENT_REFRESHED, path);
		if (there && !k->r.flag)
			hold_here(s, d, name, &seen);
	}
	k->n_looked = held->n + 1 - k->looked;
}

/* With a list all of it, so that this knows what is gone. */
void
fan_touched_look(struct sensor *s, bool busy)
{
	struct fan_survey *v = &s->survey;
	uint64_t hold_ns = v->hurry || v->active ? 0 : TOUCH_HOLD_NS;
	unsigned max = v->active ? UINT32_MAX : REFRESH_MAX;
	struct fan_kept *k = v->touched.first;

	if (hold_ns > 0 && busy && v->touched.n < v->touched.max / 2)
		hold_ns = TOUCH_BUSY_NS;
	for (; k && max > 0 && k->since_ns + hold_ns <= s->now_ns;
	     k = k->next, max--)
		look_at_touched(s, k);
	fan_touched_close(v);
}

uint64_t
fan_touched_due(const struct fan_survey *v)
{
	return v->touched.first ? v->touched.first->since_ns + TOUCH_HOLD_NS
				: 0;
}
