/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fanotify sensor from inside: sensor_fan.c opens and polls, fan_take.c
 * turns what fanotify says into records, fan_tree.h knows the directories.
 */
#ifndef FIM_FAN_H
#define FIM_FAN_H

#include "fim/fan_batch.h"

#include <sys/fanotify.h>

/* Tests try older kernels' ways and small limits. */
struct fan_options {
	bool no_rename;	    /* as before Linux 5.17 */
	bool no_pidfd;	    /* as before Linux 5.15 */
	bool no_mount_mark; /* as before Linux 6.14 */
	bool no_openat2;    /* as before Linux 5.6 */
	bool short_queue;   /* 16,384 events, as without privilege */
	size_t max_dirs;    /* 0 = FAN_DIRS_MAX */
};

struct sensor {
	struct fan_tree *tree;
	struct fan_options options;
	int fan_fd, epoll_fd, timer_fd;
	int mount_fd; /* mount events; -1 = poll mountinfo_fd by time */
	int mountinfo_fd;
	bool has_rename, has_target, has_pidfd;
	int32_t self; /* Tocsin's own pid */
	char *buf;
	struct fan_batch batch;
	struct fan_keep found, young, dirty;
	uint64_t now_ns;    /* when the read in work began … */
	uint64_t end_ns;    /* … and when it had ended */
	uint64_t timer_ns;  /* when the timer is set to go off; 0 = never */
	uint64_t mounts_ns; /* when mounts were last looked at */
	/* Wakeups are moderated while events keep coming. */
	uint64_t read_ns;
	unsigned busy_reads;
	bool muted;
	size_t max_pidfds;
	/* The process of the event before, within one read. */
	int32_t last_pid;
	int last_pidfd;
	bool rescan; /* events were lost */
	bool full;   /* the limit on directories has been told */
	uint64_t events, lost, stray;
};

struct sensor *fan_open(const struct sensor_config *,
			const struct fan_options *, struct err *);

/* One event from the kernel, which lies at `p`, checked to be within the
 * buffer; `meta` is its header. */
void fan_take(struct sensor *, const struct fanotify_event_metadata *meta,
	      const char *p);
/* fan_tree's callbacks. */
void fan_take_found(void *sensor, struct fan_dir *, int dirfd, struct view name,
		    bool is_dir);
void fan_take_full(void *sensor, struct fan_dir *);
void fan_take_loss(struct sensor *, uint64_t n, struct view scope);

#endif
