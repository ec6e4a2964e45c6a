/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file sensor on fanotify(7): inode marks on directories, because they
 * cost nothing elsewhere, see bind mounts and work on overlay, which mount
 * and file system marks do not.
 */
#include "fim/fan.h"
#include "fim/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* include/uapi/linux/fanotify.h of Linux 5.15, 5.17 and 6.14. */
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x80
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
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
	s->source_fd = try_init(s);
	if (s->source_fd < 0 && errno == EINVAL) {
		s->has_target = s->has_rename = false;
		s->source_fd = try_init(s);
	}
	if (s->source_fd < 0 && errno == EINVAL) {
		s->has_pidfd = false;
		s->source_fd = try_init(s);
	}
	return s->source_fd;
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

/* Mount events wake us on Linux 6.14; before, the table is polled by time:
 * mountinfo's own readiness is lost when it is polled through an epoll. */
static void
watch_mounts(struct sensor *s)
{
	int ns;

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
source_open(struct sensor *s)
{
	if (init_group(s) < 0)
		return -1;
	s->light_mask = NAMES_MASK | rename_bits(s);
	s->full_mask = FULL_MASK | rename_bits(s);
	watch_mounts(s);
	return 0;
}

/* ---- marks ----------------------------------------------------------- */

static int
source_mark(void *sensor, struct fan_dir *d, int fd, uint64_t mask)
{
	struct sensor *s = sensor;

	if (d->id_n == FAN_OTHER_ID_BYTES)
		return 0;
	return fanotify_mark(s->source_fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR,
			     mask, fd, NULL) < 0
		       ? -1
		       : 1;
}

/* `at` itself, or by its handle: whoever is moved out of sight can only be
 * reached so, and not on every file system. */
static int
open_again(int at, struct view id)
{
	char now[FAN_ID_MAX];
	ssize_t n = fan_id_of(at, "", now);

	if (n >= 0 && view_eq((struct view){ now, (size_t)n }, id))
		return fcntl(at, F_DUPFD_CLOEXEC, 0);
	return fan_open_id(at, id);
}

static void
source_unmark(void *sensor, struct fan_dir *d, int at)
{
	struct sensor *s = sensor;
	struct view id = { d->id, d->id_n };
	const struct fan_dir *now;
	uint64_t spare = d->mask;
	int fd;

	if (at < 0)
		return;
	/* Of a tree whose place another has taken? */
	now = fan_find(s->tree, id);
	if (now && now != d)
		spare &= ~now->mask;
	fd = spare ? open_again(at, id) : -1;
	if (fd < 0)
		return;
	fanotify_mark(s->source_fd, FAN_MARK_REMOVE | FAN_MARK_ONLYDIR, spare,
		      fd, NULL);
	close(fd);
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

/* 1 when the queue was read to its end, 0 at the bound, -1 broken. */
static int
source_read(struct sensor *s, size_t *bytes)
{
	size_t sum = 0;

	*bytes = 0;
	while (sum < FETCH_MAX_BYTES &&
	       (!s->has_pidfd || s->batch.n_pidfds < s->max_pidfds)) {
		ssize_t n;

		s->now_ns = clock_boot_ns();
		n = read(s->source_fd, s->buf, read_size(s));
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

static void
source_describe(const struct sensor *s, struct buf *out)
{
	buf_printf(out, "inode marks%s%s",
		   s->has_rename ? ", renames with both names" : "",
		   s->has_pidfd ? ", pidfd" : "");
}

static const struct fan_source source = {
	.open = source_open,
	.mark = source_mark,
	.unmark = source_unmark,
	.read = source_read,
	.event_bytes = FAN_EVENT_METADATA_LEN,
	.explain = explain,
	.describe = source_describe,
};

struct sensor *
fan_open(const struct sensor_config *config, const struct fan_options *options,
	 struct err *err)
{
	return fan_open_source(&source, config, options, err);
}

static struct sensor *
open_default(const struct sensor_config *config, struct err *err)
{
	struct fan_options options = { .short_queue = config->short_queue };

	return fan_open(config, &options, err);
}

void
sensor_fan_probe(struct probe *p)
{
	struct sensor s = { .source_fd = -1 };

	p->works = init_group(&s) >= 0;
	if (p->works) {
		snprintf(p->why, sizeof(p->why), "works%s%s",
			 s.has_rename ? ", renames with both names"
				      : ", renames without the old name "
					"(Linux 5.17)",
			 s.has_pidfd ? ", pidfd" : ", no pidfd (Linux 5.15)");
		close(s.source_fd);
		return;
	}
	fan_probe_failed(&source, errno, p);
}

const struct sensor_ops sensor_fan = {
	.name = "fanotify",
	.open = open_default,
	FAN_SENSOR,
};
