/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file sensor on inotify(7) through libinotifytools: everything but who.
 *
 * The library has traps, and this is how they are gone round:
 * - It is one for the whole process: so is this sensor (`inot_in_use`).
 * - Its recursive watch adds a directory's own watch after those below, and
 *   misses what appears meanwhile: each directory is watched by itself, by
 *   descriptor, and listed afterwards (fan_walk.c).
 * - It goes by names, and a directory that is moved keeps its old one: every
 *   watch gets a name of its own, that is never used again; the tree knows the
 *   directories by watch number.
 * - It waits with select(2): its descriptor must be below FD_SETSIZE.
 * - What it remembers of a watch that the kernel has ended stays: after many
 *   of them it is closed and opened anew, and what changed in between is found
 *   by looking.
 * - Unread events outlive its closing: they are read before.
 *
 * Where the kernel's limit of watches is reached, directories are looked at
 * from time to time instead.
 */
#include "fim/fan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotifytools.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <unistd.h>

#define ACTS                                                               \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | \
	 IN_CLOSE_WRITE | IN_ATTRIB)

static_assert(IN_CREATE == FAN_CREATE && IN_DELETE == FAN_DELETE &&
		      IN_MOVED_FROM == FAN_MOVED_FROM &&
		      IN_MOVED_TO == FAN_MOVED_TO && IN_MODIFY == FAN_MODIFY &&
		      IN_CLOSE_WRITE == FAN_CLOSE_WRITE &&
		      IN_ATTRIB == FAN_ATTRIB && IN_ISDIR == FAN_ONDIR,
	      "inotify's words are fanotify's");

/* Between two looks at the other sensors. */
#define FETCH_MAX 8192u
/* MAX_EVENTS of inotifytools.c: read, and not given yet. */
#define LIBRARY_EVENTS 4096u
/* Ended watches that the library may remember, about 200 bytes each. */
#define ENDED_MAX 16384u
/* Both halves of a rename follow each other, or nearly. */
#define HALF_HOLD_NS (2 * NS_PER_MS)
#define HALVES_MAX 64u

/* A name that went, and perhaps comes under another. */
struct half {
	uint32_t cookie, mask;
	uint64_t since_ns;
	size_t id_n, name_n;
	char id[FAN_ID_MAX], name[NAME_MAX + 1];
};

struct inot {
	struct fan_dir **dirs; /* by watch number; NULL = ended */
	size_t cap;
	uint32_t names; /* given to the library so far */
	size_t ended;
	struct half halves[HALVES_MAX];
	size_t n_halves; /* oldest first */
};

static bool inot_in_use; /* as the library's state is */

/* ---- opening --------------------------------------------------------- */

/* The library does not say which descriptor it reads: it is the lowest that
 * was free. */
static int
open_library(void)
{
	char link[64], target[64] = "";
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	close(fd);
	if (fd >= FD_SETSIZE) {
		errno = EMFILE;
		return -1;
	}
	if (!inotifytools_initialize()) {
		errno = inotifytools_error();
		return -1;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0 ||
	    strcmp(target, "anon_inode:inotify") != 0) {
		inotifytools_cleanup();
		errno = ENOSYS;
		return -1;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* It reads what select(2) has promised; nothing may ever block us. */
	fcntl(fd, F_SETFL, O_RDONLY | O_NONBLOCK);
	return fd;
}

static int
source_open(struct sensor *s)
{
	s->anonymous = true;
	/* All directories alike: a second call for the same directory would
	 * leak in the library. */
	s->light_mask = s->full_mask = ACTS;
	if (inot_in_use) {
		errno = EBUSY;
		return -1;
	}
	s->inot = calloc(1, sizeof(*s->inot));
	s->source_fd = s->inot ? open_library() : -1;
	inot_in_use = s->source_fd >= 0;
	return s->source_fd < 0 ? -1 : 0;
}

static void
drain_library(void)
{
	while (inotifytools_next_events(0, 1) != NULL)
		;
}

static void
source_close(struct sensor *s)
{
	if (s->source_fd >= 0) {
		drain_library();
		inotifytools_cleanup(); /* closes the descriptor */
		inot_in_use = false;
	}
	s->source_fd = -1;
	if (s->inot)
		free(s->inot->dirs);
	free(s->inot);
	s->inot = NULL;
}

static int
explain(struct err *err, int error)
{
	const struct place nowhere = { 0 };

	switch (error) {
	case EMFILE:
		return err_add(err, nowhere,
			       "inotify cannot be used: no instance is left "
			       "(fs.inotify.max_user_instances), or too many "
			       "files are open");
	case EBUSY:
		return err_add(err, nowhere,
			       "inotify cannot be used twice at a time");
	default:
		return err_add(err, nowhere, "inotify cannot be used: %s",
			       strerror(error));
	}
}

/* ---- watches --------------------------------------------------------- */

static int
note_watch(struct inot *n, int32_t wd, struct fan_dir *d)
{
	size_t at = (size_t)wd;

	if (at >= n->cap) {
		size_t cap = n->cap ? 2 * n->cap : 1024;
		struct fan_dir **v;

		while (cap <= at)
			cap *= 2;
		v = reallocarray(n->dirs, cap, sizeof(*v));
		if (!v)
			return -1;
		memset(v + n->cap, 0, (cap - n->cap) * sizeof(*v));
		n->dirs = v;
		n->cap = cap;
	}
	n->dirs[at] = d;
	d->wd = wd;
	return 0;
}

/* A path to the open directory that was never used before: "/" and "/." lead
 * nowhere else, and spell a number. */
static void
put_unique_path(struct inot *n, int fd, struct buf *path)
{
	uint32_t number = n->names++;

	buf_printf(path, "/proc/self/fd/%d", fd);
	for (int bit = 0; bit < 32; bit++)
		buf_puts(path, number & (1u << bit) ? "/." : "/");
	buf_puts(path, "/.");
	buf_putc(path, '\0');
}

/* The watch's number, or -1 and errno. */
static int32_t
add_watch(struct inot *n, int fd)
{
	struct buf path = { 0 };
	int32_t wd = -1;

	put_unique_path(n, fd, &path);
	if (path.failed) {
		errno = ENOMEM;
	} else if (!inotifytools_watch_file(path.p, ACTS | IN_ONLYDIR |
							    IN_EXCL_UNLINK)) {
		errno = inotifytools_error();
	} else {
		/* It is a directory: the library adds a slash. */
		path.n--;
		buf_puts(&path, "/");
		buf_putc(&path, '\0');
		wd = path.failed ? -1 : inotifytools_wd_from_filename(path.p);
		if (wd <= 0)
			errno = ENOMEM;
	}
	buf_free(&path);
	return wd > 0 ? wd : -1;
}

/* While a new tree is made, the watch is found in the one it replaces. */
static struct fan_dir *
watched_before(struct sensor *s, const struct fan_dir *d)
{
	struct fan_dir *old =
		s->tree ? fan_find(s->tree, (struct view){ d->id, d->id_n })
			: NULL;

	return old && old != d && old->wd > 0 ? old : NULL;
}

static int
source_mark(void *sensor, struct fan_dir *d, int fd, uint64_t mask)
{
	struct sensor *s = sensor;
	struct fan_dir *old = watched_before(s, d);
	int32_t wd = old ? old->wd : add_watch(s->inot, fd);

	(void)mask;
	if (old)
		old->wd = 0;
	if (wd > 0 && note_watch(s->inot, wd, d) == 0)
		return fan_listing_begin(d, fd) < 0 ? -1 : 1;
	if (errno != ENOSPC && errno != ENOMEM)
		return -1;
	return fan_poll_begin(s, d, fd) < 0 ? -1 : 1;
}

static void
source_unmark(void *sensor, struct fan_dir *d, int at)
{
	struct sensor *s = sensor;

	(void)at;
	fan_poll_end(s, d);
	if (d->wd <= 0)
		return;
	if (s->inot->dirs[d->wd] == d)
		s->inot->dirs[d->wd] = NULL;
	/* Not by the library: it complains on standard error where the kernel
	 * has been quicker. */
	if (inotify_rm_watch(s->source_fd, d->wd) == 0)
		s->inot->ended++;
	d->wd = 0;
}

/* The kernel has ended a watch: its directory was removed or unmounted. */
static void
watch_ended(struct sensor *s, int32_t wd)
{
	struct inot *n = s->inot;
	struct fan_dir *d = wd > 0 && (size_t)wd < n->cap ? n->dirs[wd] : NULL;

	if (!d)
		return; /* we have ended it */
	n->dirs[wd] = NULL;
	n->ended++;
	d->wd = 0;
	if (d->mask)
		s->tree->n_marked--;
	d->mask = 0;
}

/* ---- acts ------------------------------------------------------------ */

static struct fan_taken
taken_of(uint32_t mask, const struct fan_dir *d, struct view name)
{
	return (struct fan_taken){
		.mask = mask & (ACTS | IN_ISDIR),
		.attribution = ATTRIBUTION_UNAVAILABLE,
		.pidfd = -1,
		.dir = { d->id, d->id_n },
		.name = name,
		.has_dir = true,
	};
}

static struct fan_dir *
half_dir(struct sensor *s, const struct half *h)
{
	return fan_find(s->tree, (struct view){ h->id, h->id_n });
}

static void
drop_half(struct inot *n, size_t i)
{
	n->n_halves--;
	memmove(&n->halves[i], &n->halves[i + 1],
		(n->n_halves - i) * sizeof(n->halves[0]));
}

/* It did not come back: it has left what is watched. */
static void
tell_half(struct sensor *s, size_t i)
{
	struct half *h = &s->inot->halves[i];
	struct fan_dir *d = half_dir(s, h);
	struct fan_taken e;

	if (d) {
		e = taken_of(h->mask, d, (struct view){ h->name, h->name_n });
		fan_take_act(s, &e);
	}
	drop_half(s->inot, i);
}

static void
keep_half(struct sensor *s, const struct inotify_event *in, struct fan_dir *d,
	  struct view name)
{
	struct inot *n = s->inot;
	struct half *h;

	if (n->n_halves == HALVES_MAX)
		tell_half(s, 0);
	h = &n->halves[n->n_halves++];
	h->cookie = in->cookie;
	h->mask = in->mask;
	h->since_ns = s->now_ns;
	h->id_n = d->id_n;
	h->name_n = name.n;
	memcpy(h->id, d->id, d->id_n);
	memcpy(h->name, name.p, name.n);
}

static void
tell_old_halves(struct sensor *s)
{
	struct inot *n = s->inot;

	while (n->n_halves > 0 &&
	       n->halves[0].since_ns + HALF_HOLD_NS <= s->now_ns)
		tell_half(s, 0);
}

/* With the name it had before, if that was watched. */
static void
take_arrival(struct sensor *s, const struct inotify_event *in,
	     struct fan_dir *d, struct view name)
{
	struct fan_taken e = taken_of(in->mask, d, name);
	struct inot *n = s->inot;
	const struct fan_dir *child;
	size_t i = 0;

	while (i < n->n_halves && n->halves[i].cookie != in->cookie)
		i++;
	if (i < n->n_halves && half_dir(s, &n->halves[i])) {
		struct half h = n->halves[i];
		const struct fan_dir *old = half_dir(s, &h);

		drop_half(n, i);
		e.mask = FAN_RENAME | (in->mask & IN_ISDIR);
		e.has_old = true;
		e.old_dir = (struct view){ h.id, h.id_n };
		e.old_name = (struct view){ h.name, h.name_n };
		child = fan_child(s->tree, old, e.old_name);
		if (child)
			e.target = (struct view){ child->id, child->id_n };
		fan_take_act(s, &e);
		return;
	}
	fan_take_act(s, &e);
}

static void
note_name(struct sensor *s, const struct inotify_event *in, struct fan_dir *d,
	  struct view name)
{
	int fd;

	if (in->mask & (IN_DELETE | IN_MOVED_FROM)) {
		fan_listing_drop(d, name);
		return;
	}
	if (!fan_wanted(d, name) && !fan_leads_to(d, name))
		return;
	fd = fan_open_path(s->tree, (struct view){ d->path, d->path_n });
	if (fd < 0)
		return;
	fan_listing_note(d, fd, name);
	close(fd);
}

static void
take_act(struct sensor *s, const struct inotify_event *in, struct fan_dir *d)
{
	struct view name = { in->name, strnlen(in->name, in->len) };
	struct fan_taken e;

	/* Of the directory itself: its parent tells the same. */
	if (name.n == 0 || name.n > NAME_MAX)
		return;
	note_name(s, in, d, name);
	if (in->mask & IN_MOVED_FROM) {
		keep_half(s, in, d, name);
	} else if (in->mask & IN_MOVED_TO) {
		take_arrival(s, in, d, name);
	} else {
		e = taken_of(in->mask, d, name);
		fan_take_act(s, &e);
	}
}

static void
take_event(struct sensor *s, const struct inotify_event *in)
{
	struct inot *n = s->inot;
	struct fan_dir *d;

	s->taken++;
	if (in->mask & IN_Q_OVERFLOW) {
		fan_take_loss(s, VIEW("file events"),
			      VIEW("the kernel's queue was full, "
				   "fs.inotify.max_queued_events"),
			      true);
		return;
	}
	if (in->mask & IN_IGNORED) {
		watch_ended(s, in->wd);
		return;
	}
	d = in->wd > 0 && (size_t)in->wd < n->cap ? n->dirs[in->wd] : NULL;
	if (d && !d->gone && in->mask & ACTS)
		take_act(s, in, d);
	else
		s->stray++;
}

/* ---- reading --------------------------------------------------------- */

/* A library without past: all watches anew, with their directories' content
 * compared to what was known. */
static int
start_afresh(struct sensor *s)
{
	struct inot *n = s->inot;

	inotifytools_cleanup();
	n->ended = 0;
	if (n->cap > 0)
		memset(n->dirs, 0, n->cap * sizeof(*n->dirs));
	s->source_fd = open_library();
	if (s->source_fd < 0 || fan_wake_by(s, s->source_fd) < 0)
		return -1;
	for (struct fan_dir *d = s->tree->top; d;
	     d = fan_next(s->tree->top, d)) {
		bool marked = d->mask != 0;
		int fd;

		d->wd = 0;
		if (!marked)
			continue;
		fd = fan_open_path(s->tree,
				   (struct view){ d->path, d->path_n });
		if (fd < 0)
			continue;
		if (!d->polled && source_mark(s, d, fd, ACTS) < 0)
			fan_poll_begin(s, d, fd);
		close(fd);
	}
	s->rescan = true;
	return 0;
}

static int
source_read(struct sensor *s, size_t *bytes)
{
	const struct inotify_event *in;
	size_t n = 0;

	s->now_ns = s->end_ns = clock_boot_ns();
	while (n < FETCH_MAX && (in = inotifytools_next_events(0, 1))) {
		take_event(s, in);
		*bytes += sizeof(*in) + in->len;
		n++;
	}
	if (n == FETCH_MAX)
		return 0;
	if (s->inot->ended >= ENDED_MAX && start_afresh(s) < 0)
		return -1;
	return 1;
}

static void
source_relist(struct sensor *s)
{
	fan_look_round(s, true, ATTRIBUTION_LOST);
}

static void
source_tick(struct sensor *s)
{
	tell_old_halves(s);
}

static void
source_describe(const struct sensor *s, struct buf *out)
{
	buf_puts(out, "watches without who");
	if (s->n_polled > 0)
		buf_printf(out,
			   "; %zu directories past fs.inotify.max_user_watches "
			   "are listed every %llu ms",
			   s->n_polled,
			   (unsigned long long)(s->poll_ns / NS_PER_MS));
}

static const struct fan_source source = {
	.open = source_open,
	.close = source_close,
	.mark = source_mark,
	.unmark = source_unmark,
	.read = source_read,
	.event_bytes = sizeof(struct inotify_event),
	.n_ahead = LIBRARY_EVENTS,
	.tick = source_tick,
	.relist = source_relist,
	.explain = explain,
	.describe = source_describe,
};

static struct sensor *
inot_open(const struct sensor_config *config, struct err *err)
{
	static const struct fan_options none;

	return fan_open_source(&source, config, &none, err);
}

const struct sensor_ops sensor_inot = {
	.name = "inotify",
	.open = inot_open,
	FAN_SENSOR,
};

void
sensor_inot_probe(struct probe *p)
{
	int fd = inotify_init1(IN_CLOEXEC);

	p->works = fd >= 0;
	if (fd < 0) {
		fan_probe_failed(&source, errno, p);
		return;
	}
	close(fd);
	snprintf(p->why, sizeof(p->why), "%d watches at most",
		 inotifytools_get_max_user_watches());
}
