/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From fanotify's events to records. fanotify(7): several acts of one process
 * on one name may have been merged into one event, whose bits then say what
 * happened but not in which order. So a bit means "go and look".
 */
#include "fim/fan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fanotify.h>
#include <unistd.h>

/* ---- records ---------------------------------------------------------------
 */

static struct fan_act
act_of(const struct sensor *s, const struct fan_taken *e, enum event_kind kind,
       struct fan_dir *d, struct view name)
{
	return (struct fan_act){
		.kind = kind,
		.node = e->mask & FAN_ONDIR ? NODE_DIR : NODE_FILE,
		.attribution = e->attribution ? e->attribution
			       : e->pid	      ? ATTRIBUTION_KERNEL
					      : ATTRIBUTION_NONE,
		.pid = e->pid,
		.pidfd = e->pidfd,
		.time_ns = s->now_ns,
		.read_ns = s->end_ns,
		.dir = d,
		.name = name,
		.target = e->target,
	};
}

static void
emit(struct sensor *s, struct fan_taken *e, const struct fan_act *act)
{
	struct fan_record *r;

	if (e->own)
		return;
	r = fan_batch_add(&s->batch);
	if (!r || !fan_act_write(s->tree, act, r, &s->batch.bytes)) {
		if (r)
			s->batch.n--;
		if (!r || s->batch.bytes.failed)
			fan_take_loss(s, VIEW("file events"),
				      VIEW("out of memory"), true);
		return;
	}
	if (!e->shared && e->pidfd >= 0) {
		e->pidfd = fan_batch_own(&s->batch, e->pidfd);
		s->last_pid = (int32_t)e->pid;
		s->last_pidfd = e->pidfd;
		e->shared = true;
	}
	r->pidfd = e->pidfd;
	s->events++;
}

void
fan_take_loss(struct sensor *s, struct view scope, struct view cause,
	      bool again)
{
	struct fan_record *r = fan_batch_add(&s->batch);

	s->lost++;
	s->rescan |= again;
	s->losses += again;
	if (!r)
		return;
	r->kind = EVENT_LOSS;
	r->time_ns = s->now_ns;
	r->flag = again;
	r->at = s->batch.bytes.n;
	buf_put(&s->batch.bytes, scope);
	r->path_n = (uint32_t)scope.n;
	buf_put(&s->batch.bytes, cause);
	r->old_n = (uint32_t)cause.n;
}

/* ---- files met by a walk --------------------------------------------- */

/* Without a target id in directory events (before Linux 5.17) names decide. */
static uint64_t
found_hash(const struct sensor *s, const struct fan_dir *d, struct view name,
	   struct view target)
{
	return fan_keep_hash((struct view){ d->id, d->id_n }, name,
			     s->has_target ? target : VIEW_NONE);
}

static bool
is_kept(const struct fan_kept *k, const struct fan_dir *d, struct view name)
{
	return view_eq(fan_record_dir(&k->r),
		       (struct view){ d->id, d->id_n }) &&
	       view_eq(path_name(fan_record_path(&k->r)), name);
}

static struct fan_kept *
find_found(struct sensor *s, const struct fan_dir *d, struct view name,
	   struct view target)
{
	uint64_t hash;
	struct fan_kept *k = NULL;

	if (s->found.n == 0)
		return NULL;
	hash = found_hash(s, d, name, target);
	while ((k = fan_keep_find(&s->found, hash, k)) != NULL) {
		if (is_kept(k, d, name))
			return k;
	}
	return NULL;
}

/* Where a file was before its directory was moved. */
static void
write_old_path(struct fan_kept *k, const struct fan_cause *cause,
	       struct view real)
{
	struct view aliases = view_sub(buf_view(&k->bytes),
				       k->bytes.n - k->r.aliases_n, SIZE_MAX);
	struct buf tail = { 0 };

	if (cause->old.n == 0)
		return;
	buf_put(&tail, aliases);
	k->bytes.n -= aliases.n;
	k->r.old_n = (uint32_t)k->bytes.n;
	buf_put(&k->bytes, cause->old);
	buf_put(&k->bytes, view_sub(real, cause->top.n, SIZE_MAX));
	k->r.old_n = (uint32_t)(k->bytes.n - k->r.old_n);
	buf_put(&k->bytes, buf_view(&tail));
	if (tail.failed)
		k->bytes.failed = true;
	buf_free(&tail);
}

static bool
fill_found(struct sensor *s, struct fan_kept *k, struct fan_act *act)
{
	const struct fan_cause *cause = s->tree->cause;

	if (!fan_act_write(s->tree, act, &k->r, &k->bytes))
		return false;
	if (cause->why == WHY_MOVE) {
		struct buf real = { 0 };

		fan_real_name(act->dir, act->name, &real);
		write_old_path(k, cause, buf_view(&real));
		if (real.failed)
			k->bytes.failed = true;
		buf_free(&real);
	}
	k->hash = found_hash(s, act->dir, act->name, act->target);
	k->since_ns = s->now_ns;
	return !k->bytes.failed;
}

void
fan_take_found(void *sensor, struct fan_dir *d, int dirfd, struct view name,
	       bool is_dir)
{
	struct sensor *s = sensor;
	const struct fan_cause *cause = s->tree->cause;
	char id[FAN_ID_MAX];
	ssize_t n = fan_id_of(dirfd, name.p, id);
	struct fan_act act = {
		.kind = cause->why == WHY_MOVE ? EVENT_RENAME : EVENT_CREATE,
		.node = is_dir ? NODE_DIR : NODE_FILE,
		.pidfd = -1,
		.time_ns = s->now_ns,
		.dir = d,
		.name = name,
		.target = { id, n < 0 ? 0 : (size_t)n },
	};
	struct fan_kept *k;

	/* Whoever moved the directory moved what was in it. Who made a file
	 * in a new directory is not known, whoever made the directory. */
	act.attribution =
		s->anonymous ? ATTRIBUTION_UNAVAILABLE : ATTRIBUTION_LOST;
	if (cause->why == WHY_MOVE && cause->pid) {
		act.pid = cause->pid;
		act.attribution = ATTRIBUTION_KERNEL;
	}
	fan_listing_note(d, dirfd, name);
	fan_touch(s, d, name, cause->why == WHY_MOVE ? ACT_RENAME : ACT_CREATE);
	if (find_found(s, d, name, act.target))
		return;
	k = fan_keep_new(&s->found);
	if (!k) {
		fan_take_loss(s, VIEW("files in a new directory"),
			      VIEW("there were too many"), true);
		return;
	}
	if (!fill_found(s, k, &act)) {
		fan_keep_return(&s->found, k);
		return;
	}
	k->r.pidfd = -1;
	k->r.maker_pid = k->r.pid ? 0 : cause->pid;
	fan_keep_put(&s->found, k);
}

void
fan_take_full(void *sensor, struct fan_dir *at)
{
	struct sensor *s = sensor;
	struct buf scope = { 0 };

	if (s->full)
		return;
	s->full = true;
	buf_puts(&scope, "directories, first below ");
	buf_put(&scope, (struct view){ at->path, at->path_n });
	buf_putc(&scope, '/');
	fan_take_loss(s, buf_view(&scope), VIEW("there are too many"), false);
	buf_free(&scope);
}

/* A real event speaks of a file that a walk has met: if it tells of the
 * creation, it is the better one; if not, the creation comes first. That the
 * maker of the directory also wrote the new file says who made it. */
static void
settle_found(struct sensor *s, const struct fan_taken *e, struct fan_dir *d,
	     struct view name, bool appears)
{
	struct fan_kept *k = find_found(s, d, name, e->target);

	if (!k)
		return;
	if (appears) {
		fan_keep_take(&s->found, k);
		fan_keep_return(&s->found, k);
		return;
	}
	if (k->r.maker_pid && k->r.maker_pid == e->pid &&
	    e->mask & FAN_MODIFY) {
		k->r.pid = e->pid;
		k->r.maker_pid = 0;
		k->r.attribution = ATTRIBUTION_KERNEL;
	}
	if (e->own) {
		fan_keep_take(&s->found, k);
		fan_keep_return(&s->found, k);
	} else if (fan_keep_emit(&s->found, k, &s->batch)) {
		s->events++;
	}
}

/* ---- creations and modifications, kept back -------------------------------
 */

static struct fan_kept *
find_kept(const struct fan_keep *keep, const struct fan_dir *d,
	  struct view name, struct view target, uint32_t pid)
{
	uint64_t hash;
	struct fan_kept *k = NULL;

	if (keep->n == 0)
		return NULL;
	hash = fan_keep_hash((struct view){ d->id, d->id_n }, name, target);
	while ((k = fan_keep_find(keep, hash, k)) != NULL) {
		if ((pid == 0 || k->r.pid == pid) && is_kept(k, d, name))
			return k;
	}
	return NULL;
}

/* All that is kept of this file is told. */
static void
flush_kept(struct sensor *s, struct fan_keep *keep, const struct fan_dir *d,
	   struct view name, struct view target)
{
	struct fan_kept *k;

	while ((k = find_kept(keep, d, name, target, 0)) != NULL) {
		if (fan_keep_emit(keep, k, &s->batch))
			s->events++;
	}
}

static void
keep_back(struct sensor *s, struct fan_keep *keep, struct fan_taken *e,
	  const struct fan_act *act, struct view target)
{
	struct fan_kept *k;

	if (keep->first && keep->n >= keep->max &&
	    fan_keep_emit(keep, keep->first, &s->batch))
		s->events++;
	k = fan_keep_new(keep);
	if (!k) {
		emit(s, e, act);
		return;
	}
	if (!fan_act_write(s->tree, act, &k->r, &k->bytes)) {
		fan_keep_return(keep, k);
		return;
	}
	k->r.pidfd = -1;
	if (e->pidfd >= 0 && !e->shared) {
		k->r.pidfd = e->pidfd;
		e->pidfd = -1;
	} else if (e->pidfd >= 0) {
		k->r.pidfd = fcntl(e->pidfd, F_DUPFD_CLOEXEC, 0);
	}
	k->hash = fan_keep_hash((struct view){ act->dir->id, act->dir->id_n },
				act->name, target);
	k->since_ns = s->now_ns;
	fan_keep_put(keep, k);
}

/* Without a target id in directory events (before Linux 5.17) names decide. */
static struct view
young_target(const struct sensor *s, const struct fan_taken *e)
{
	return s->has_target ? e->target : VIEW_NONE;
}

/* Read so early that its maker may still be writing: whoever looks at the file
 * now sees an empty one. The close is waited for, a moment long. What is made
 * without being opened (links, devices) waits in vain. */
static void
take_creation(struct sensor *s, struct fan_taken *e, const struct fan_act *act)
{
	const uint64_t settled =
		FAN_CLOSE_WRITE | FAN_DELETE | FAN_ONDIR | FAN_ATTRIB;

	if (e->mask & settled || e->own)
		emit(s, e, act);
	else
		keep_back(s, &s->young, e, act, young_target(s, e));
}

static void
keep_dirty(struct sensor *s, struct fan_taken *e, struct fan_dir *d,
	   struct view name)
{
	struct fan_act act = act_of(s, e, EVENT_MODIFY, d, name);

	if (!e->own && !find_kept(&s->dirty, d, name, e->target, e->pid))
		keep_back(s, &s->dirty, e, &act, e->target);
}

static void
take_writes(struct sensor *s, struct fan_taken *e, struct fan_dir *d,
	    struct view name)
{
	struct fan_kept *mine;
	struct fan_act act;

	if (!(e->mask & FAN_CLOSE_WRITE)) {
		if (e->mask & FAN_MODIFY)
			keep_dirty(s, e, d, name);
		return;
	}
	mine = find_kept(&s->dirty, d, name, e->target, e->pid);
	if (e->mask & FAN_MODIFY) {
		if (mine) {
			fan_keep_take(&s->dirty, mine);
			if (mine->r.pidfd >= 0)
				close(mine->r.pidfd);
			fan_keep_return(&s->dirty, mine);
		}
		act = act_of(s, e, EVENT_MODIFY, d, name);
		emit(s, e, &act);
	} else if (mine) {
		if (fan_keep_emit(&s->dirty, mine, &s->batch))
			s->events++;
	} else {
		/* Written by another process that shared the descriptor. */
		flush_kept(s, &s->dirty, d, name, e->target);
	}
}

/* ---- the acts -------------------------------------------------------- */

static bool
exists_now(struct sensor *s, const struct fan_dir *d, struct view name)
{
	char last[NAME_MAX + 1];
	int fd, rc;

	if (name.n > NAME_MAX)
		return false;
	fd = fan_open_path(s->tree, (struct view){ d->path, d->path_n });
	if (fd < 0)
		return false;
	memcpy(last, name.p, name.n);
	last[name.n] = '\0';
	rc = faccessat(fd, last, F_OK, AT_SYMLINK_NOFOLLOW);
	close(fd);
	return rc == 0;
}

/* The tree follows a directory, or a link on the way to one. */
static void
follow_names(struct sensor *s, const struct fan_taken *e, struct fan_dir *d,
	     struct view name)
{
	struct fan_cause cause = { .why = WHY_CREATE, .pid = e->pid };
	struct fan_dir *child;

	if (!(e->mask & FAN_ONDIR) && !fan_leads_to(d, name))
		return;
	if (e->mask & FAN_ONDIR && e->mask & (FAN_DELETE | FAN_MOVED_FROM)) {
		child = s->has_target ? fan_find(s->tree, e->target)
				      : fan_child(s->tree, d, name);
		if (child && !child->gone && child->parent == d)
			fan_dir_detach(s->tree, child, !(e->mask & FAN_DELETE));
		if (!(e->mask & (FAN_CREATE | FAN_MOVED_TO)) && s->has_target)
			return;
	}
	fan_look(s->tree, d, name, &cause);
}

/* Without FAN_RENAME a rename is two events that do not know each other. */
static bool
appears(const struct fan_taken *e)
{
	return e->mask & (FAN_CREATE | FAN_MOVED_TO);
}

static void
take_names(struct sensor *s, struct fan_taken *e, struct fan_dir *d,
	   struct view name)
{
	const uint64_t both = FAN_CREATE | FAN_DELETE;
	struct fan_act act = act_of(s, e, EVENT_CREATE, d, name);
	bool late = (e->mask & both) == both && exists_now(s, d, name);

	if (e->mask & ~(uint64_t)FAN_MODIFY)
		flush_kept(s, &s->young, d, name, young_target(s, e));
	if (late || e->mask & FAN_MOVED_FROM) {
		act.kind = EVENT_DELETE;
		emit(s, e, &act);
	}
	act.kind = EVENT_CREATE;
	if (e->mask & FAN_CREATE)
		take_creation(s, e, &act);
	act.kind = EVENT_RENAME;
	if (e->mask & FAN_MOVED_TO)
		emit(s, e, &act);
	act.kind = EVENT_ATTRIBUTES;
	if (e->mask & FAN_ATTRIB)
		emit(s, e, &act);
	take_writes(s, e, d, name);
	if (e->mask & FAN_DELETE && !late) {
		flush_kept(s, &s->dirty, d, name, e->target);
		act = act_of(s, e, EVENT_DELETE, d, name);
		emit(s, e, &act);
	}
}

static void
take_plain(struct sensor *s, struct fan_taken *e)
{
	const uint64_t names =
		FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO;
	struct fan_dir *d = fan_find(s->tree, e->dir);
	struct view name = e->name;

	if (!d || d->gone) {
		s->stray++;
		return;
	}
	if (name.n == 0 || view_eq(name, VIEW("."))) {
		/* Of the directory itself: told as of its parent's entry. */
		if (!d->parent)
			return;
		e->target = (struct view){ d->id, d->id_n };
		name = fan_dir_name(d);
		d = d->parent;
	}
	if (e->mask & names || fan_wanted(d, name))
		fan_touch(s, d, name, fan_acts(e));
	if (fan_wanted(d, name)) {
		settle_found(s, e, d, name, appears(e));
		take_names(s, e, d, name);
	}
	if (e->mask & names && (e->mask & FAN_ONDIR || d->n_claims > 0))
		follow_names(s, e, d, name);
}

/* A directory has moved; what lies in it has, too. */
static void
follow_rename(struct sensor *s, const struct fan_taken *e, struct fan_dir *d,
	      struct fan_dir *old)
{
	struct fan_cause cause = { .why = WHY_CREATE, .pid = e->pid };
	struct buf top = { 0 }, old_name = { 0 };
	struct fan_dir *moved = fan_find(s->tree, e->target);

	if (old && moved && !moved->gone && moved->parent == old &&
	    view_eq(fan_dir_name(moved), e->old_name))
		fan_dir_detach(s->tree, moved, true);
	if (old && fan_leads_to(old, e->old_name))
		fan_look(s->tree, old, e->old_name, &cause);
	if (d && (e->mask & FAN_ONDIR || fan_leads_to(d, e->name))) {
		/* Where it would have been known and is not, it was new: so
		 * is what it holds. */
		if (moved || !old ||
		    !(old->root || fan_leads_to(old, e->old_name)))
			cause.why = WHY_MOVE;
		if (old &&
		    !fan_names(s->tree, old, e->old_name, &old_name, NULL))
			fan_real_name(old, e->old_name, &old_name);
		fan_real_name(d, e->name, &top);
		cause.top = buf_view(&top);
		cause.old = buf_view(&old_name);
		fan_look(s->tree, d, e->name, &cause);
	}
	buf_free(&top);
	buf_free(&old_name);
}

static struct fan_dir *
known_dir(struct sensor *s, bool has, struct view id)
{
	struct fan_dir *d = has ? fan_find(s->tree, id) : NULL;

	if (has && (!d || d->gone)) {
		s->stray++;
		return NULL;
	}
	return d;
}

static void
take_rename(struct sensor *s, struct fan_taken *e)
{
	struct fan_dir *d = known_dir(s, e->has_dir, e->dir);
	struct fan_dir *old = known_dir(s, e->has_old, e->old_dir);
	struct fan_act act;

	if (old)
		fan_touch(s, old, e->old_name, fan_acts(e));
	if (d)
		fan_touch(s, d, e->name, fan_acts(e));
	if (old && fan_wanted(old, e->old_name)) {
		settle_found(s, e, old, e->old_name, false);
		flush_kept(s, &s->young, old, e->old_name, young_target(s, e));
		flush_kept(s, &s->dirty, old, e->old_name, e->target);
	}
	if (d) {
		if (fan_wanted(d, e->name))
			settle_found(s, e, d, e->name, true);
		act = act_of(s, e, EVENT_RENAME, d, e->name);
		act.old_dir = old;
		act.old_name = e->old_name;
		emit(s, e, &act);
	} else if (old) {
		act = act_of(s, e, EVENT_DELETE, old, e->old_name);
		emit(s, e, &act);
	}
	if (e->mask & FAN_ONDIR || (d && d->n_claims > 0) ||
	    (old && old->n_claims > 0))
		follow_rename(s, e, d, old);
}

/* Two descriptors of one process within one read: one is enough. */
static void
share_pidfd(struct sensor *s, struct fan_taken *e)
{
	if (e->pidfd < 0) {
		e->pidfd = -1; /* FAN_NOPIDFD: gone; FAN_EPIDFD: no room */
		return;
	}
	if (s->last_pidfd >= 0 && (uint32_t)s->last_pid == e->pid) {
		close(e->pidfd);
		e->pidfd = s->last_pidfd;
		e->shared = true;
	}
}

void
fan_take_act(struct sensor *s, struct fan_taken *e)
{
	if (e->mask & FAN_RENAME)
		take_rename(s, e);
	else if (e->has_dir)
		take_plain(s, e);
}

static bool
is_own(const struct sensor *s, int32_t pid)
{
	for (size_t i = 0; i < ARRAY_LEN(s->also_self); i++)
		if (s->also_self[i] != NULL && pid == *s->also_self[i])
			return true;
	return pid == s->self;
}

void
fan_take(struct sensor *s, const struct fanotify_event_metadata *meta,
	 const char *p)
{
	struct fan_taken e = {
		.mask = meta->mask,
		.pid = meta->pid > 0 ? (uint32_t)meta->pid : 0,
		.pidfd = -1,
		.own = is_own(s, meta->pid),
	};

	s->taken++;
	if (meta->mask & FAN_Q_OVERFLOW) {
		fan_take_loss(s, VIEW("file events"),
			      VIEW("the kernel's queue was full"), true);
		return;
	}
	fan_parse(&e, meta, p);
	share_pidfd(s, &e);
	fan_take_act(s, &e);
	if (e.pidfd >= 0 && !e.shared)
		close(e.pidfd);
}
