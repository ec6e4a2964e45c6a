/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changed in a directory, by looking: its names are remembered with what
 * statx(2) says of them, and compared. A name that went and one that came with
 * the same object are a rename; what lived only between two looks is not seen.
 * Of a directory that is removed with all it held, only its own name is told.
 */
#include "fim/fan.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_BYTES 32768u
/* Looking takes at most a tenth of the time. */
#define PAUSE_FACTOR 10u

struct fan_seen {
	struct fan_seen *next;
	uint64_t hash;
	struct event_seen is;
	uint32_t round;
	size_t n;
	char name[]; /* NUL-terminated */
};

struct fan_listing {
	struct fan_seen **buckets;
	size_t cap, n; /* a power of two */
	uint32_t round;
};

/* ---- one listing ----------------------------------------------------- */

static int
grow(struct fan_listing *l)
{
	size_t cap = l->cap ? 2 * l->cap : 16;
	struct fan_seen **v = calloc(cap, sizeof(*v));

	if (!v)
		return -1;
	for (size_t i = 0; i < l->cap; i++) {
		while (l->buckets[i]) {
			struct fan_seen *e = l->buckets[i];

			l->buckets[i] = e->next;
			e->next = v[e->hash & (cap - 1)];
			v[e->hash & (cap - 1)] = e;
		}
	}
	free(l->buckets);
	l->buckets = v;
	l->cap = cap;
	return 0;
}

static struct fan_seen **
place_of(struct fan_listing *l, struct view name)
{
	uint64_t hash = view_hash(name);
	struct fan_seen **at = &l->buckets[hash & (l->cap - 1)];

	while (*at && ((*at)->hash != hash || (*at)->n != name.n ||
		       memcmp((*at)->name, name.p, name.n) != 0))
		at = &(*at)->next;
	return at;
}

static struct fan_seen *
find(struct fan_listing *l, struct view name)
{
	return l->cap ? *place_of(l, name) : NULL;
}

static struct fan_seen *
add(struct fan_listing *l, struct view name, const struct event_seen *is)
{
	struct fan_seen *e;

	if (l->n >= l->cap && grow(l) < 0)
		return NULL;
	e = malloc(sizeof(*e) + name.n + 1);
	if (!e)
		return NULL;
	*e = (struct fan_seen){
		.hash = view_hash(name),
		.is = *is,
		.round = l->round,
		.n = name.n,
	};
	memcpy(e->name, name.p, name.n);
	e->name[name.n] = '\0';
	e->next = l->buckets[e->hash & (l->cap - 1)];
	l->buckets[e->hash & (l->cap - 1)] = e;
	l->n++;
	return e;
}

/* Unlinked, not freed. */
static struct fan_seen *
take_out(struct fan_listing *l, struct view name)
{
	struct fan_seen **at = l->cap ? place_of(l, name) : NULL;
	struct fan_seen *e = at ? *at : NULL;

	if (e) {
		*at = e->next;
		l->n--;
	}
	return e;
}

void
fan_listing_free(struct fan_dir *d)
{
	struct fan_listing *l = d->listing;

	for (size_t i = 0; l && i < l->cap; i++) {
		while (l->buckets[i]) {
			struct fan_seen *e = l->buckets[i];

			l->buckets[i] = e->next;
			free(e);
		}
	}
	if (l)
		free(l->buckets);
	free(l);
	d->listing = NULL;
}

/* ---- looking --------------------------------------------------------- */

static uint64_t
ns_of(struct statx_timestamp t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

bool
fan_look_at(int fd, const char *name, struct event_seen *out)
{
	struct statx st;

	if (statx(fd, name,
		  AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		  STATX_BASIC_STATS | STATX_BTIME, &st) != 0)
		return false;
	*out = (struct event_seen){
		.ino = st.stx_ino,
		.size = st.stx_size,
		.written_ns = ns_of(st.stx_mtime),
		.changed_ns = ns_of(st.stx_ctime),
		.dev_major = st.stx_dev_major,
		.dev_minor = st.stx_dev_minor,
		.mode = st.stx_mode,
		.uid = st.stx_uid,
		.gid = st.stx_gid,
		.nlink = st.stx_nlink,
	};
	if (st.stx_mask & STATX_BTIME)
		out->born_ns = ns_of(st.stx_btime);
	return true;
}

/* Names that lead somewhere matter as those that are wanted. */
static bool
matters(const struct fan_dir *d, struct view name)
{
	return fan_wanted(d, name) || fan_leads_to(d, name);
}

int
fan_some_names(struct fan_dir *d, int fd, fan_take_name *take, void *ctx)
{
	_Alignas(struct dirent64) char bytes[LIST_BYTES];
	ssize_t n = getdents64(fd, bytes, sizeof(bytes));

	for (ssize_t at = 0; at < n;) {
		const struct dirent64 *e =
			(const struct dirent64 *)(bytes + at);
		struct view name = view_of(e->d_name);

		at += e->d_reclen;
		if (!view_eq(name, VIEW(".")) && !view_eq(name, VIEW("..")))
			take(ctx, d, fd, name);
	}
	return n < 0 ? -1 : n > 0;
}

static int
each_name(struct fan_dir *d, int fd, fan_take_name *take, void *ctx)
{
	int more;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	do
		more = fan_some_names(d, fd, take, ctx);
	while (more > 0);
	return more;
}

/* `name` ends with NUL here and below. */
static void
remember(void *ctx, struct fan_dir *d, int fd, struct view name)
{
	struct event_seen is;

	(void)ctx;
	if (matters(d, name) && fan_look_at(fd, name.p, &is))
		add(d->listing, name, &is);
}

int
fan_listing_begin(struct fan_dir *d, int fd)
{
	if (d->listing)
		return 0;
	d->listing = calloc(1, sizeof(*d->listing));
	if (!d->listing)
		return -1;
	each_name(d, fd, remember, NULL);
	return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

void
fan_listing_note(struct fan_dir *d, int fd, struct view name)
{
	struct fan_listing *l = d->listing;
	char last[NAME_MAX + 1];
	struct fan_seen *e;
	struct event_seen is;

	if (!l || name.n == 0 || name.n > NAME_MAX || !matters(d, name))
		return;
	memcpy(last, name.p, name.n);
	last[name.n] = '\0';
	/* What is gone again is found out when it is looked for: entries may
	 * be in use now. */
	if (!fan_look_at(fd, last, &is))
		return;
	e = find(l, name);
	if (e)
		e->is = is;
	else
		add(l, name, &is);
}

void
fan_listing_drop(struct fan_dir *d, struct view name)
{
	if (d->listing)
		free(take_out(d->listing, name));
}

/* ---- a round --------------------------------------------------------- */

struct change {
	struct fan_dir *dir;
	struct fan_seen *seen;
	struct event_seen before; /* of what is still there */
	struct change *pair;	  /* the other name of a rename */
};

struct changes {
	struct change *v; /* owned */
	size_t n, cap;
};

struct round {
	struct sensor *s;
	enum attribution how;
	struct changes came, went, other; /* `went` owns what it saw */
	uint64_t forgotten;		  /* for lack of memory */
};

static void
put(struct round *r, struct changes *c, struct change change)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct change *v = reallocarray(c->v, cap, sizeof(*v));

		if (!v) {
			r->forgotten++;
			if (c == &r->went)
				free(change.seen);
			return;
		}
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = change;
}

static bool
same_object(const struct event_seen *a, const struct event_seen *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor && a->born_ns == b->born_ns &&
	       (a->mode & S_IFMT) == (b->mode & S_IFMT);
}

/* Of one object. Not by bytes: between the members there are others. */
static bool
same_state(const struct event_seen *a, const struct event_seen *b)
{
	return a->size == b->size && a->written_ns == b->written_ns &&
	       a->changed_ns == b->changed_ns && a->mode == b->mode &&
	       a->uid == b->uid && a->gid == b->gid;
}

static void
compare(void *ctx, struct fan_dir *d, int fd, struct view name)
{
	struct round *r = ctx;
	struct fan_listing *l = d->listing;
	struct fan_seen *e = find(l, name);
	struct event_seen is;

	if (!matters(d, name) || !fan_look_at(fd, name.p, &is))
		return; /* or gone again */
	if (e && !same_object(&e->is, &is)) {
		put(r, &r->went,
		    (struct change){ .dir = d, .seen = take_out(l, name) });
		e = NULL;
	}
	if (!e) {
		e = add(l, name, &is);
		if (e)
			put(r, &r->came,
			    (struct change){ .dir = d, .seen = e });
		else
			r->forgotten++;
	} else if (!same_state(&e->is, &is)) {
		put(r, &r->other,
		    (struct change){ .dir = d, .seen = e, .before = e->is });
		e->is = is;
	}
	if (e)
		e->round = l->round;
}

static void
bury_absent(struct round *r, struct fan_dir *d)
{
	struct fan_listing *l = d->listing;

	for (size_t i = 0; i < l->cap; i++) {
		struct fan_seen **at = &l->buckets[i];

		while (*at) {
			struct fan_seen *e = *at;

			if (e->round == l->round) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			l->n--;
			put(r, &r->went,
			    (struct change){ .dir = d, .seen = e });
		}
	}
}

static void
look_into(struct round *r, struct fan_dir *d)
{
	int fd = fan_open_path(r->s->tree, (struct view){ d->path, d->path_n });
	char id[FAN_ID_MAX];
	ssize_t n;

	if (fd < 0)
		return; /* its parent will tell */
	n = fan_id_or_other(r->s->tree, fd, id);
	if (n >= 0 && view_eq((struct view){ id, (size_t)n },
			      (struct view){ d->id, d->id_n })) {
		d->listing->round++;
		if (each_name(d, fd, compare, r) == 0)
			bury_absent(r, d);
	}
	close(fd);
}

/* ---- what it makes --------------------------------------------------- */

static struct view
id_of(const struct fan_dir *d)
{
	return (struct view){ d->id, d->id_n };
}

static struct view
name_of(const struct fan_seen *e)
{
	return (struct view){ e->name, e->n };
}

static struct fan_taken
taken(const struct round *r, const struct change *c, uint64_t mask)
{
	return (struct fan_taken){
		.mask = mask | (S_ISDIR(c->seen->is.mode) ? FAN_ONDIR : 0),
		.attribution = r->how,
		.pidfd = -1,
		.dir = id_of(c->dir),
		.name = name_of(c->seen),
		.has_dir = true,
	};
}

static void
tell(struct round *r, const struct change *c, uint64_t mask)
{
	struct fan_taken e = taken(r, c, mask);

	fan_take_act(r->s, &e);
}

static void
tell_rename(struct round *r, const struct change *from, const struct change *to)
{
	struct fan_taken e = taken(r, to, FAN_RENAME);
	const struct fan_dir *child;

	e.has_old = true;
	e.old_dir = id_of(from->dir);
	e.old_name = name_of(from->seen);
	child = fan_child(r->s->tree, from->dir, e.old_name);
	if (child)
		e.target = id_of(child);
	fan_take_act(r->s, &e);
}

static int
by_object(const void *a, const void *b)
{
	const struct event_seen *x = &((const struct change *)a)->seen->is;
	const struct event_seen *y = &((const struct change *)b)->seen->is;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->born_ns < y->born_ns ? -1 : x->born_ns > y->born_ns;
}

/* Numbers of objects are used again at once by some file systems: what was
 * written must be the same, too. A directory is written by what happens in
 * it. */
static bool
is_renamed(const struct event_seen *a, const struct event_seen *b)
{
	return same_object(a, b) &&
	       (S_ISDIR(a->mode) ||
		(a->written_ns == b->written_ns && a->size == b->size));
}

/* Names that went and came with one object. */
static void
pair_renames(struct round *r)
{
	size_t w = 0;

	if (r->went.n == 0 || r->came.n == 0)
		return;
	qsort(r->went.v, r->went.n, sizeof(*r->went.v), by_object);
	qsort(r->came.v, r->came.n, sizeof(*r->came.v), by_object);
	for (size_t i = 0; i < r->came.n; i++) {
		struct change *to = &r->came.v[i];

		while (w < r->went.n && by_object(&r->went.v[w], to) < 0)
			w++;
		if (w == r->went.n ||
		    !is_renamed(&r->went.v[w].seen->is, &to->seen->is))
			continue;
		to->pair = &r->went.v[w];
		r->went.v[w++].pair = to;
	}
}

/* What goes makes room for what comes. */
static void
tell_names(struct round *r)
{
	pair_renames(r);
	for (size_t i = 0; i < r->went.n; i++)
		if (!r->went.v[i].pair)
			tell(r, &r->went.v[i], FAN_DELETE);
	for (size_t i = 0; i < r->came.n; i++)
		if (r->came.v[i].pair)
			tell_rename(r, r->came.v[i].pair, &r->came.v[i]);
	for (size_t i = 0; i < r->came.n; i++)
		if (!r->came.v[i].pair)
			tell(r, &r->came.v[i], FAN_CREATE | FAN_CLOSE_WRITE);
}

static void
tell_others(struct round *r)
{
	for (size_t i = 0; i < r->other.n; i++) {
		const struct change *c = &r->other.v[i];
		const struct event_seen *is = &c->seen->is, *was = &c->before;
		bool dir = S_ISDIR(is->mode);
		bool owner = is->mode != was->mode || is->uid != was->uid ||
			     is->gid != was->gid;
		bool content = is->written_ns != was->written_ns ||
			       is->size != was->size;

		if (content && !dir)
			tell(r, c, FAN_MODIFY | FAN_CLOSE_WRITE);
		if (owner || (!content && !dir))
			tell(r, c, FAN_ATTRIB);
	}
}

static void
round_free(struct round *r)
{
	for (size_t i = 0; i < r->went.n; i++)
		free(r->went.v[i].seen);
	free(r->went.v);
	free(r->came.v);
	free(r->other.v);
}

void
fan_look_round(struct sensor *s, bool all, enum attribution how)
{
	struct round r = { .s = s, .how = how };
	struct fan_tree *t = s->tree;

	for (struct fan_dir *d = t->top; d; d = fan_next(t->top, d)) {
		if (d->listing && (all || d->polled))
			look_into(&r, d);
	}
	/* Only now: telling changes the tree. */
	tell_names(&r);
	tell_others(&r);
	if (r.forgotten > 0)
		fan_take_loss(s, VIEW("file events"), VIEW("out of memory"),
			      false);
	round_free(&r);
}

int
fan_poll_begin(struct sensor *s, struct fan_dir *d, int fd)
{
	if (fan_listing_begin(d, fd) < 0)
		return -1;
	if (!d->polled)
		s->n_polled++;
	d->polled = true;
	if (s->look_ns == 0)
		s->look_ns = s->now_ns + s->poll_ns;
	return 0;
}

void
fan_poll_end(struct sensor *s, struct fan_dir *d)
{
	if (d->polled)
		s->n_polled--;
	d->polled = false;
}

void
fan_look_in_time(struct sensor *s)
{
	uint64_t pause_ns;

	if (s->n_polled == 0 || s->now_ns < s->look_ns)
		return;
	fan_look_round(s, false, ATTRIBUTION_UNAVAILABLE);
	s->took_ns = clock_boot_ns() - s->now_ns;
	pause_ns = PAUSE_FACTOR * s->took_ns;
	s->look_ns =
		s->now_ns + (pause_ns > s->poll_ns ? pause_ns : s->poll_ns);
}
