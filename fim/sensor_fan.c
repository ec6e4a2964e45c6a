/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file sensor on fanotify(7): inode marks on directories, because they
 * cost nothing elsewhere, see bind mounts and work on overlay, which mount
 * and file system marks do not.
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

/* include/uapi/linux/fanotify.h of Linux 5.15, 5.17 and 6.14. */
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x80
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME 0x10000000
#endif
#ifndef FAN_REPORT_MNT
#define FAN_REPORT_MNT 0x4000
#endif
#ifndef FAN_MARK_MNTNS
#define FAN_MARK_MNTNS 0x110
#endif
#ifndef FAN_MNT_ATTACH
#define FAN_MNT_ATTACH 0x01000000
#define FAN_MNT_DETACH 0x02000000
#endif

/* A read of so much takes 100 µs: procs_author() wants it short. */
#define READ_BYTES 8192u
#define READ_MIN_BYTES 4096u /* the largest event has about 1.2 KiB */
#define EVENT_MIN_BYTES 96u
/* Between two looks at the other sensors; about 8,000 events. */
#define FETCH_MAX_BYTES (1u << 20)

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

#define NAMES_MASK (FAN_CREATE | FAN_DELETE | FAN_ONDIR)
#define FULL_MASK                                                 \
	(NAMES_MASK | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | \
	 FAN_EVENT_ON_CHILD)

/* ---- opening --------------------------------------------------------- */

static int
try_init(struct sensor *s)
{
	unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
			 FAN_UNLIMITED_MARKS | FAN_REPORT_FID |
			 FAN_REPORT_DFID_NAME;

	if (!s->options.short_queue)
		flags |= FAN_UNLIMITED_QUEUE;
	if (s->has_target)
		flags |= FAN_REPORT_TARGET_FID;
	if (s->has_pidfd)
		flags |= FAN_REPORT_PIDFD;
	return fanotify_init(flags, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
}

/* Newest first; what an older kernel does not know it refuses with EINVAL. */
static int
init_group(struct sensor *s)
{
	s->has_target = !s->options.no_rename;
	s->has_rename = !s->options.no_rename;
	s->has_pidfd = !s->options.no_pidfd;
	s->fan_fd = try_init(s);
	if (s->fan_fd < 0 && errno == EINVAL) {
		s->has_target = s->has_rename = false;
		s->fan_fd = try_init(s);
	}
	if (s->fan_fd < 0 && errno == EINVAL) {
		s->has_pidfd = false;
		s->fan_fd = try_init(s);
	}
	return s->fan_fd;
}

static int
explain(struct err *err, int error)
{
	const struct place nowhere = { 0 };

	switch (error) {
	case EPERM:
		return err_add(err, nowhere,
			       "fanotify needs CAP_SYS_ADMIN: run as root");
	case EINVAL:
		return err_add(err, nowhere,
			       "fanotify of this kernel does not report names: "
			       "Linux 5.9 or newer is needed");
	case ENOSYS:
		return err_add(err, nowhere,
			       "this kernel is built without fanotify");
	default:
		return err_add(err, nowhere, "fanotify cannot be used: %s",
			       strerror(error));
	}
}

static uint64_t
rename_bits(const struct sensor *s)
{
	return s->has_rename ? FAN_RENAME : FAN_MOVED_FROM | FAN_MOVED_TO;
}

static struct fan_tree *
tree_new(struct sensor *s, const struct watchset *ws)
{
	struct fan_tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fan_fd = s->fan_fd;
	t->light_mask = NAMES_MASK | rename_bits(s);
	t->full_mask = FULL_MASK | rename_bits(s);
	t->max_dirs = s->options.max_dirs;
	t->no_openat2 = s->options.no_openat2;
	t->found = fan_take_found;
	t->full = fan_take_full;
	t->ctx = s;
	if (fan_tree_open(t, ws) == 0)
		return t;
	fan_tree_free(t);
	free(t);
	return NULL;
}

/* Mount events wake us on Linux 6.14; before, the table is polled by time:
 * mountinfo's own readiness is lost when it is polled through an epoll. */
static void
watch_mounts(struct sensor *s)
{
	int ns;

	s->mountinfo_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (s->options.no_mount_mark)
		return;
	s->mount_fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC |
					    FAN_NONBLOCK | FAN_REPORT_MNT,
				    O_RDONLY | O_CLOEXEC);
	if (s->mount_fd < 0)
		return;
	ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (ns < 0 ||
	    fanotify_mark(s->mount_fd, FAN_MARK_ADD | FAN_MARK_MNTNS,
			  FAN_MNT_ATTACH | FAN_MNT_DETACH, ns, NULL) < 0) {
		close(s->mount_fd);
		s->mount_fd = -1;
	}
	if (ns >= 0)
		close(ns);
}

static int
poll_for(struct sensor *s, int fd)
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
	if (s->mount_fd < 0)
		next = sooner(next, s->now_ns + MOUNT_POLL_NS);
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
	watch_mounts(s);
	if (poll_for(s, s->fan_fd) < 0 || poll_for(s, s->timer_fd) < 0 ||
	    poll_for(s, s->mount_fd) < 0)
		return -1;
	s->now_ns = clock_boot_ns();
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

static void
fan_close(struct sensor *s)
{
	if (!s)
		return;
	if (s->tree)
		fan_tree_free(s->tree);
	free(s->tree);
	fan_batch_free(&s->batch);
	fan_keep_free(&s->found);
	fan_keep_free(&s->young);
	fan_keep_free(&s->dirty);
	close_fd(s->fan_fd);
	close_fd(s->epoll_fd);
	close_fd(s->timer_fd);
	close_fd(s->mount_fd);
	close_fd(s->mountinfo_fd);
	free(s->buf);
	free(s);
}

struct sensor *
fan_open(const struct sensor_config *config, const struct fan_options *options,
	 struct err *err)
{
	struct sensor *s = calloc(1, sizeof(*s));

	if (!s) {
		explain(err, ENOMEM);
		return NULL;
	}
	s->options = *options;
	s->fan_fd = s->epoll_fd = s->timer_fd = -1;
	s->mount_fd = s->mountinfo_fd = s->last_pidfd = -1;
	s->self = getpid();
	s->found.max = FOUND_MAX;
	s->dirty.max = DIRTY_MAX;
	s->young.max = YOUNG_MAX;
	s->max_pidfds = pidfd_limit();
	if (s->dirty.max > s->max_pidfds / 4)
		s->dirty.max = s->young.max = s->max_pidfds / 4;
	if (init_group(s) < 0 || open_rest(s, config->watchset) < 0) {
		explain(err, errno);
		fan_close(s);
		return NULL;
	}
	return s;
}

static struct sensor *
open_default(const struct sensor_config *config, struct err *err)
{
	static const struct fan_options none;

	return fan_open(config, &none, err);
}

/* ---- reading --------------------------------------------------------- */

static size_t
read_size(const struct sensor *s)
{
	size_t room = s->max_pidfds - s->batch.n_pidfds;

	if (!s->has_pidfd || room > READ_BYTES / EVENT_MIN_BYTES)
		return READ_BYTES;
	if (room < READ_MIN_BYTES / EVENT_MIN_BYTES)
		return READ_MIN_BYTES;
	return room * EVENT_MIN_BYTES;
}

/* Events are packed: lengths are multiples of four, the header has members of
 * eight bytes. */
static void
take_all(struct sensor *s, size_t n)
{
	struct fanotify_event_metadata meta;
	size_t at = 0;

	s->last_pidfd = -1;
	while (n - at >= sizeof(meta)) {
		memcpy(&meta, s->buf + at, sizeof(meta));
		if (meta.event_len < sizeof(meta) || meta.event_len > n - at ||
		    meta.metadata_len > meta.event_len ||
		    meta.vers != FANOTIFY_METADATA_VERSION)
			return;
		fan_take(s, &meta, s->buf + at);
		at += meta.event_len;
	}
}

static void
mute(struct sensor *s, bool muted)
{
	struct epoll_event ev = { .events = muted ? 0 : EPOLLIN };

	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, s->fan_fd, &ev) == 0)
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

/* 1 when the queue was read to its end, 0 at the bound, -1 broken. */
static int
read_all(struct sensor *s, size_t *bytes)
{
	size_t sum = 0;

	*bytes = 0;
	while (sum < FETCH_MAX_BYTES &&
	       (!s->has_pidfd || s->batch.n_pidfds < s->max_pidfds)) {
		ssize_t n;

		s->now_ns = clock_boot_ns();
		n = read(s->fan_fd, s->buf, read_size(s));
		s->end_ns = clock_boot_ns();
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 1 : -1;
		if (n == 0)
			return 1;
		take_all(s, (size_t)n);
		sum += (size_t)n;
		*bytes = sum;
	}
	return 0;
}

/* From clock to clock without interruption: procs_author() tells by them. Asked
 * for only when there is something to read. */
static int
read_queue(struct sensor *s, size_t *bytes)
{
	struct pollfd p = { .fd = s->fan_fd, .events = POLLIN };
	int result;

	*bytes = 0;
	if (poll(&p, 1, 0) == 0)
		return 1;
	hurry_now(true);
	result = read_all(s, bytes);
	hurry_now(false);
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
			s->lost++;
	}
}

static int
fan_fetch(struct sensor *s)
{
	static const struct fan_cause mounted = { .why = WHY_CREATE };
	size_t bytes;
	int drained;

	s->now_ns = clock_boot_ns();
	drained = read_queue(s, &bytes);
	if (drained < 0)
		return -1;
	if (bytes == 0 || s->now_ns - s->mounts_ns >= MOUNT_CHECK_NS) {
		s->mounts_ns = s->now_ns;
		if (mounts_changed(s))
			fan_remount(s->tree, &mounted);
	}
	if (s->rescan && drained) {
		s->rescan = false;
		fan_rescan(s->tree);
	}
	if (drained && s->tree->limbo)
		fan_sweep(s->tree);
	if (s->full && s->tree->by_id.n < s->tree->max_dirs)
		s->full = false;
	release_kept(s, &s->found,
		     s->now_ns - (drained ? FOUND_HOLD_NS : FOUND_HOLD_MAX_NS));
	release_kept(s, &s->young, s->now_ns - YOUNG_HOLD_NS);
	release_kept(s, &s->dirty, s->now_ns - DIRTY_HOLD_NS);
	/* Asked again at once, by a loop that reads until nothing is left, the
	 * empty answer means nothing. */
	if (bytes > 0 || s->now_ns - s->read_ns >= BUSY_PERIOD_NS / 2)
		moderate(s, bytes > 0);
	set_timer(s);
	return s->batch.n > 0;
}

static void
fan_deliver(struct sensor *s, const struct event_sink *sink)
{
	struct event e;

	for (size_t i = 0; i < s->batch.n; i++) {
		fan_record_event(&s->batch.v[i], &e);
		sink->take(sink->ctx, &e);
	}
	fan_batch_clear(&s->batch);
}

static int
fan_fd(const struct sensor *s)
{
	return s->epoll_fd;
}

/* ---- the file of an event -------------------------------------------- */

static bool
is_object(int fd, struct view id)
{
	char now[FAN_ID_MAX];
	ssize_t n = fan_id_of(fd, "", now);

	return n >= 0 && view_eq((struct view){ now, (size_t)n }, id);
}

static int
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
	if (fd >= 0 && (!is_object(dirfd, (struct view){ d->id, d->id_n }) ||
			(target.n > 0 && !is_object(fd, target)))) {
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
	struct fan_tree *t = s->tree;

	for (struct fan_dir *d = before->top; d; d = fan_next(before->top, d)) {
		struct fan_dir *now =
			fan_find(t, (struct view){ d->id, d->id_n });
		uint64_t spare = d->mask & ~(now ? now->mask : 0);
		int fd;

		if (!spare)
			continue;
		fd = fan_open_path(t, (struct view){ d->path, d->path_n });
		if (fd < 0)
			continue;
		if (is_object(fd, (struct view){ d->id, d->id_n }))
			fanotify_mark(s->fan_fd,
				      FAN_MARK_REMOVE | FAN_MARK_ONLYDIR, spare,
				      fd, NULL);
		close(fd);
	}
}

static int
fan_rewatch(struct sensor *s, const struct watchset *ws, struct err *err)
{
	struct fan_tree *before = s->tree, *now = tree_new(s, ws);

	if (!now)
		return explain(err, errno);
	/* Their marks are in the group: by handle they are still known. */
	fan_sweep(before);
	s->tree = now;
	drop_marks(s, before);
	fan_tree_free(before);
	free(before);
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
	int n = snprintf(st->detail, sizeof(st->detail), "inode marks%s%s",
			 s->has_rename ? ", renames with both names" : "",
			 s->has_pidfd ? ", pidfd" : "");

	for (size_t i = 0; i < REFUSALS; i++) {
		if (s->tree->refused[i] == 0 || n >= (int)sizeof(st->detail))
			continue;
		n += snprintf(st->detail + n, sizeof(st->detail) - (size_t)n,
			      "; %llu %s",
			      (unsigned long long)s->tree->refused[i],
			      refusals[i]);
	}
}

static void
fan_status(const struct sensor *s, struct sensor_status *st)
{
	int queued = 0;

	if (ioctl(s->fan_fd, FIONREAD, &queued) != 0)
		queued = 0;
	*st = (struct sensor_status){
		.queued = (uint64_t)queued,
		.events = s->events,
		.lost = s->lost,
		.watched = s->tree->n_marked,
	};
	for (size_t i = 0; i < REFUSALS; i++)
		st->unwatched += s->tree->refused[i];
	describe(s, st);
}

void
sensor_fan_probe(struct probe *p)
{
	struct sensor s = { .fan_fd = -1 };
	struct err err = { 0 };

	p->works = init_group(&s) >= 0;
	if (p->works) {
		snprintf(p->why, sizeof(p->why), "works%s%s",
			 s.has_rename ? ", renames with both names"
				      : ", renames without the old name "
					"(Linux 5.17)",
			 s.has_pidfd ? ", pidfd" : ", no pidfd (Linux 5.15)");
		close(s.fan_fd);
		return;
	}
	explain(&err, errno);
	if (err.n > 0)
		snprintf(p->why, sizeof(p->why), "%.*s",
			 (int)err.v[0].message.n, err.v[0].message.p);
	err_free(&err);
}

const struct sensor_ops sensor_fan = {
	.name = "fanotify",
	.open = open_default,
	.close = fan_close,
	.fd = fan_fd,
	.fetch = fan_fetch,
	.deliver = fan_deliver,
	.open_file = fan_open_file,
	.rewatch = fan_rewatch,
	.status = fan_status,
};
