/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the file sensors share: the tree of watched directories, mounts, what
 * is kept back, and the calls of sensor.h.
 */
#include "fim/fan.h"
#include "fim/hurry.h"
#include "fim/sensor.h"
#include "scan/scan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 8192u
#define FOUND_MAX 65536u
#define DIRTY_MAX 1024u
#define YOUNG_MAX 1024u
/* The event of a file met by a listing follows within microseconds; a queue
 * that is never empty is not waited for longer than the second time. */
#define FOUND_HOLD_NS (2 * NS_PER_MS)
#define FOUND_HOLD_MAX_NS NS_PER_SEC
#define DIRTY_HOLD_NS NS_PER_SEC
/* A shell or cp has written and closed long before; an alert is due within
 * 20 ms. */
#define YOUNG_HOLD_NS (12 * NS_PER_MS)
#define MOUNT_POLL_NS (250 * NS_PER_MS)
/* A writer at full speed would wake us for every event, which costs both
 * sides ten times the event itself. After so many reads, each soon after the
 * one before, the queue is looked at by time until it is found empty. */
#define BUSY_READS 32u
#define BUSY_GAP_NS (2 * NS_PER_MS)
#define BUSY_PERIOD_NS (2 * NS_PER_MS)
/* How late a mount may be noticed while file events keep coming. */
#define MOUNT_CHECK_NS (5 * NS_PER_MS)

/* ---- opening --------------------------------------------------------- */

static struct fan_tree *
tree_new(struct sensor *s, const struct watchset *ws)
{
	struct fan_tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->light_mask = s->light_mask;
	t->full_mask = s->full_mask;
	t->no_handles = s->anonymous;
	t->max_dirs = s->options.max_dirs;
	t->no_openat2 = s->options.no_openat2;
	t->found = fan_take_found;
	t->full = fan_take_full;
	t->mark = s->source->mark;
	t->unmark = s->source->unmark;
	t->ctx = s;
	if (fan_tree_open(t, ws) == 0)
		return t;
	fan_tree_free(t);
	free(t);
	return NULL;
}

int
fan_wake_by(struct sensor *s, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return fd < 0 ? 0 : epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a == 0 || b < a ? b : a;
}

static void
set_timer(struct sensor *s)
{
	struct itimerspec at = { 0 };
	uint64_t next = 0, ticks;

	if (s->timer_ns && s->now_ns >= s->timer_ns) {
		if (read(s->timer_fd, &ticks, sizeof(ticks)) < 0)
			ticks = 0;
		s->timer_ns = 0;
	}
	if (s->found.first)
		next = s->found.first->since_ns + FOUND_HOLD_NS;
	if (s->young.first)
		next = sooner(next, s->young.first->since_ns + YOUNG_HOLD_NS);
	if (s->dirty.first)
		next = sooner(next, s->dirty.first->since_ns + DIRTY_HOLD_NS);
	if (fan_survey_due(s))
		next = sooner(next, fan_survey_due(s));
	if (s->mount_fd < 0)
		next = sooner(next, s->now_ns + MOUNT_POLL_NS);
	if (s->n_polled > 0)
		next = sooner(next, s->look_ns);
	if (s->muted)
		next = sooner(next, s->now_ns + BUSY_PERIOD_NS);
	if (next == 0 || (s->timer_ns && s->timer_ns <= next))
		return;
	at.it_value.tv_sec = (time_t)(next / NS_PER_SEC);
	at.it_value.tv_nsec = (long)(next % NS_PER_SEC);
	if (timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0)
		s->timer_ns = next;
}

/* Descriptors that one batch may hold: a quarter of what is allowed. */
static size_t
pidfd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 256;
	if (limit.rlim_cur > 16384)
		return 4096;
	return limit.rlim_cur < 256 ? 64 : (size_t)limit.rlim_cur / 4;
}

static int
open_rest(struct sensor *s, const struct watchset *ws)
{
	static const struct watchset nothing;

	s->buf = malloc(READ_BYTES);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd =
		timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!s->buf || s->epoll_fd < 0 || s->timer_fd < 0)
		return -1;
	/* Before the walk reads the table: what changes meanwhile is seen. */
	s->mountinfo_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (s->source->open(s) < 0 || fan_wake_by(s, s->source_fd) < 0 ||
	    fan_wake_by(s, s->timer_fd) < 0 || fan_wake_by(s, s->mount_fd) < 0)
		return -1;
	s->now_ns = s->end_ns = clock_boot_ns();
	s->tree = tree_new(s, ws ? ws : &nothing);
	set_timer(s);
	return s->tree ? 0 : -1;
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
fan_close(struct sensor *s)
{
	if (!s)
		return;
	if (s->tree)
		fan_tree_free(s->tree);
	free(s->tree);
	if (s->source->close)
		s->source->close(s);
	fan_batch_free(&s->batch);
	fan_keep_free(&s->found);
	fan_keep_free(&s->young);
	fan_keep_free(&s->dirty);
	fan_survey_close(s);
	close_fd(s->source_fd);
	close_fd(s->epoll_fd);
	close_fd(s->timer_fd);
	close_fd(s->mount_fd);
	close_fd(s->mountinfo_fd);
	free(s->buf);
	free(s);
}

struct sensor *
fan_open_source(const struct fan_source *source,
		const struct sensor_config *config,
		const struct fan_options *options, struct err *err)
{
	struct sensor *s = calloc(1, sizeof(*s));

	if (!s) {
		source->explain(err, ENOMEM);
		return NULL;
	}
	s->source = source;
	s->options = *options;
	s->source_fd = s->epoll_fd = s->timer_fd = -1;
	s->mount_fd = s->mountinfo_fd = s->last_pidfd = -1;
	s->self = getpid();
	memcpy(s->also_self, config->also_ours, sizeof(s->also_self));
	s->poll_ns = config->poll_ns;
	s->found.max = FOUND_MAX;
	s->dirty.max = DIRTY_MAX;
	s->young.max = YOUNG_MAX;
	s->max_pidfds = pidfd_limit();
	fan_survey_open(s);
	if (config->watchset)
		s->survey.watchset = watchset_hash(config->watchset);
	if (s->dirty.max > s->max_pidfds / 4)
		s->dirty.max = s->young.max = s->max_pidfds / 4;
	if (open_rest(s, config->watchset) < 0) {
		source->explain(err, errno);
		fan_close(s);
		return NULL;
	}
	return s;
}

/* ---- reading --------------------------------------------------------- */

static void
mute(struct sensor *s, bool muted)
{
	struct epoll_event ev = { .events = muted ? 0 : EPOLLIN };

	if (s->source_fd < 0)
		return;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->source_fd, &ev) == 0)
		s->muted = muted;
}

static void
moderate(struct sensor *s, bool found_something)
{
	if (!found_something) {
		s->busy_reads = 0;
		if (s->muted)
			mute(s, false);
		return;
	}
	s->busy_reads =
		s->now_ns - s->read_ns < BUSY_GAP_NS ? s->busy_reads + 1 : 0;
	s->read_ns = s->now_ns;
	if (!s->muted && s->busy_reads >= BUSY_READS)
		mute(s, true);
}

/* From clock to clock without interruption: procs_author() tells by them. Asked
 * for only when there is something to read. */
static int
read_queue(struct sensor *s, size_t *bytes)
{
	struct pollfd p = { .fd = s->source_fd, .events = POLLIN };
	int result;

	*bytes = 0;
	if (s->source_fd >= 0 && !s->unread && poll(&p, 1, 0) == 0)
		return 1;
	hurry_now(true);
	result = s->source->read(s, bytes);
	hurry_now(false);
	s->unread = result == 0;
	return result;
}

static bool
mounts_changed(struct sensor *s)
{
	struct pollfd p = { .fd = s->mountinfo_fd, .events = POLLPRI };
	bool changed = false;

	if (s->mount_fd < 0)
		return poll(&p, 1, 0) > 0 && p.revents & (POLLPRI | POLLERR);
	while (read(s->mount_fd, s->buf, READ_BYTES) > 0)
		changed = true;
	return changed;
}

/* ---- what was kept back ---------------------------------------------- */

static void
release_kept(struct sensor *s, struct fan_keep *keep, uint64_t until_ns)
{
	while (keep->first && keep->first->since_ns <= until_ns) {
		if (fan_keep_emit(keep, keep->first, &s->batch))
			s->events++;
		else
			fan_take_loss(s, VIEW("file events"),
				      VIEW("out of memory"), true);
	}
}

void
fan_release(struct sensor *s)
{
	release_kept(s, &s->found, UINT64_MAX);
	release_kept(s, &s->young, UINT64_MAX);
	release_kept(s, &s->dirty, UINT64_MAX);
}

static void
release_old(struct sensor *s, bool drained)
{
	release_kept(s, &s->found,
		     s->now_ns - (drained ? FOUND_HOLD_NS : FOUND_HOLD_MAX_NS));
	release_kept(s, &s->young, s->now_ns - YOUNG_HOLD_NS);
	release_kept(s, &s->dirty, s->now_ns - DIRTY_HOLD_NS);
	if (s->survey.hurry && drained)
		fan_release(s);
}

void
fan_find_way(struct sensor *s)
{
	fan_rescan(s->tree);
	if (s->source->relist)
		s->source->relist(s);
}

/* Another piece of the list, and what has happened until it was read: -1 when
 * that is broken. */
static int
survey(struct sensor *s, size_t *bytes, bool drained)
{
	size_t more = 0;
	bool waits = s->survey.looked;
	int rc = 0;

	if (fan_survey_look(s, *bytes > 0))
		rc = read_queue(s, &more);
	*bytes += more;
	if (rc < 0)
		return -1;
	release_old(s, drained);
	fan_survey_tell(s, rc > 0 || (waits && drained));
	return 0;
}

int
fan_fetch(struct sensor *s)
{
	static const struct fan_cause mounted = { .why = WHY_CREATE };
	size_t bytes;
	int drained;

	fan_batch_forget(&s->batch);
	s->now_ns = clock_boot_ns();
	drained = read_queue(s, &bytes);
	if (drained < 0)
		return -1;
	if (bytes == 0 || s->now_ns - s->mounts_ns >= MOUNT_CHECK_NS) {
		s->mounts_ns = s->now_ns;
		if (mounts_changed(s))
			fan_remount(s->tree, &mounted);
	}
	fan_survey_lost(s, drained);
	if (s->source->tick)
		s->source->tick(s);
	fan_look_in_time(s);
	if (drained && s->tree->limbo)
		fan_sweep(s->tree);
	if (s->full && s->tree->by_id.n < s->tree->max_dirs)
		s->full = false;
	if (survey(s, &bytes, drained) < 0)
		return -1;
	/* Asked again at once, by a loop that reads until nothing is left, the
	 * empty answer means nothing. */
	if (bytes > 0 || s->now_ns - s->read_ns >= BUSY_PERIOD_NS / 2)
		moderate(s, bytes > 0);
	set_timer(s);
	return s->batch.n > s->batch.delivered;
}

void
fan_deliver(struct sensor *s, const struct event_sink *sink)
{
	struct event e;

	for (size_t *i = &s->batch.delivered; *i < s->batch.n; ++*i) {
		fan_batch_event(&s->batch, *i, &e);
		e.watchset = s->survey.watchset;
		sink->take(sink->ctx, &e);
	}
}

int
fan_seed(struct sensor *s, const struct event_sink *sink)
{
	(void)sink; /* it comes with what is delivered */
	fan_survey_want(s);
	return 0;
}

void
fan_relist(struct sensor *s)
{
	s->rescan = true;
	s->losses++;
}

void
fan_settle(struct sensor *s)
{
	s->survey.hurry = true;
}

int
fan_fd(const struct sensor *s)
{
	return s->epoll_fd;
}

/* ---- what was told ---------------------------------------------------- */

/* Our own need not be told at all. */
uint32_t
fan_acts(const struct fan_taken *e)
{
	static const struct {
		uint64_t mask;
		uint32_t act;
	} acts[] = {
		{ FAN_CREATE, ACT_CREATE },
		{ FAN_DELETE, ACT_DELETE },
		{ FAN_RENAME | FAN_MOVED_FROM | FAN_MOVED_TO, ACT_RENAME },
		{ FAN_MODIFY, ACT_MODIFY },
		{ FAN_ATTRIB, ACT_ATTRIBUTES },
	};
	uint32_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (e->mask & acts[i].mask)
			sum |= acts[i].act;
	return e->own ? ACT_ALL : sum;
}

/* ---- the file of an event -------------------------------------------- */

static bool
is_object(struct fan_tree *t, int fd, struct view id)
{
	char now[FAN_ID_MAX];
	ssize_t n = fan_id_or_other(t, fd, now);

	return n >= 0 && view_eq((struct view){ now, (size_t)n }, id);
}

int
fan_open_file(struct sensor *s, const struct event *e)
{
	const struct fan_record *r = e->file.handle;
	struct view name, target;
	struct fan_dir *d;
	char last[NAME_MAX + 1];
	int dirfd, fd;

	if (!r || e->kind == EVENT_LOSS) {
		errno = EINVAL;
		return -1;
	}
	d = fan_find(s->tree, fan_record_dir(r));
	name = path_name(fan_record_path(r));
	target = fan_record_target(r);
	if (!d || d->gone || name.n == 0 || name.n > NAME_MAX) {
		errno = ESTALE;
		return -1;
	}
	dirfd = fan_open_path(s->tree, (struct view){ d->path, d->path_n });
	if (dirfd < 0)
		return -1;
	memcpy(last, name.p, name.n);
	last[name.n] = '\0';
	fd = scan_open(dirfd, last);
	if (fd >= 0 &&
	    (!is_object(s->tree, dirfd, (struct view){ d->id, d->id_n }) ||
	     (target.n > 0 && !is_object(s->tree, fd, target)))) {
		close(fd);
		fd = -1;
		errno = ESTALE;
	}
	close_fd(dirfd);
	return fd;
}

/* ---- other watch set, status ----------------------------------------- */

/* Marks that the new tree does not need. */
static void
drop_marks(struct sensor *s, struct fan_tree *before)
{
	for (struct fan_dir *d = before->top; d; d = fan_next(before->top, d)) {
		struct view path = { d->path, d->path_n };
		int fd = d->mask ? fan_open_path(before, path) : -1;

		s->source->unmark(s, d, fd);
		close_fd(fd);
	}
}

int
fan_rewatch(struct sensor *s, const struct watchset *ws, struct err *err)
{
	struct fan_tree *before = s->tree, *now = tree_new(s, ws);

	if (!now)
		return s->source->explain(err, errno);
	/* Their marks are in the group: by handle they are still known. */
	fan_sweep(before);
	s->tree = now;
	drop_marks(s, before);
	fan_tree_free(before);
	free(before);
	s->survey.watchset = watchset_hash(ws);
	s->survey.wanted = s->survey.on;
	return 0;
}

static const char *const refusals[REFUSALS] = {
	[REFUSED_LIMIT] = "past the limit",
	[REFUSED_HANDLE] = "without file handles",
	[REFUSED_PSEUDO] = "on kernel file systems",
	[REFUSED_REMOTE] = "on remote file systems",
	[REFUSED_MARK] = "refused",
	[REFUSED_OPEN] = "unreadable",
	[REFUSED_LOOP] = "in loops",
	[REFUSED_MEMORY] = "for lack of memory",
};

static void
describe(const struct sensor *s, struct sensor_status *st)
{
	struct buf text = { 0 };

	s->source->describe(s, &text);
	for (size_t i = 0; i < REFUSALS; i++) {
		if (s->tree->refused[i] > 0)
			buf_printf(&text, "; %llu %s",
				   (unsigned long long)s->tree->refused[i],
				   refusals[i]);
	}
	snprintf(st->detail, sizeof(st->detail), "%.*s", (int)text.n,
		 text.n > 0 ? text.p : "");
	buf_free(&text);
}

void
fan_status(const struct sensor *s, struct sensor_status *st)
{
	int queued = 0;

	if (s->source_fd < 0 || ioctl(s->source_fd, FIONREAD, &queued) != 0)
		queued = 0;
	*st = (struct sensor_status){
		.queued = (uint64_t)queued,
		.events = s->events,
		.lost = s->lost,
		.watched = s->tree->n_marked,
		.polled = s->source_fd >= 0 ? s->n_polled : 0,
	};
	for (size_t i = 0; i < REFUSALS; i++)
		st->unwatched += s->tree->refused[i];
	describe(s, st);
}

void
fan_probe_failed(const struct fan_source *source, int error, struct probe *p)
{
	struct err err = { 0 };

	source->explain(&err, error);
	if (err.n > 0)
		snprintf(p->why, sizeof(p->why), "%.*s",
			 (int)err.v[0].message.n, err.v[0].message.p);
	err_free(&err);
}
