/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that no sensor has told of, learned while it lives. */
#include "fim/procfs.h"

#include <poll.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* ancestors learned at once */

static const struct sensor_config limits = { .max_args = 4096 };

static bool
still_running(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, 0) == 0;
}

static bool learn(struct procs *, struct event *, int depth);

/* Ancestors first, so that the child finds its parent. */
static void
learn_parent(struct procs *procs, const struct event *child, int depth)
{
	struct event e = {
		.kind = EVENT_ALREADY_RUNNING,
		.time_ns = child->time_ns,
		.key.pid = child->proc.parent.pid,
		.pidfd = -1,
	};

	if (depth < DEPTH_MAX && e.key.pid != 0 &&
	    procs_newest(procs, e.key.pid) == NULL)
		learn(procs, &e, depth + 1);
}

static bool
learn(struct procs *procs, struct event *e, int depth)
{
	struct arena arena = { 0 };
	int dir = procfs_open(e->key.pid);
	bool found = false;

	if (dir < 0)
		return false;
	if (procfs_stat(dir, e, NULL, &arena)) {
		learn_parent(procs, e, depth);
		procfs_status(dir, &e->proc, &arena);
		procfs_image(dir, &limits, e, &arena);
		/* Looked at last: what was read is then this process's. */
		found = still_running(e->pidfd) &&
			procs_apply(procs, e) != NULL;
	}
	close(dir);
	arena_free(&arena);
	return found;
}

bool
procfs_learn(struct procs *procs, uint32_t pid, int pidfd, uint64_t now_ns)
{
	struct event e = {
		.kind = EVENT_ALREADY_RUNNING,
		.time_ns = now_ns,
		.key.pid = pid,
		.pidfd = pidfd,
	};

	return learn(procs, &e, 0);
}

bool
procfs_creds(struct proc_key key, struct event_creds *creds)
{
	struct arena arena = { 0 };
	struct event e = { .key.pid = key.pid };
	int dir = procfs_open(key.pid);
	bool same = false;

	if (dir < 0)
		return false;
	if (procfs_stat(dir, &e, NULL, &arena) &&
	    e.key.start_ns == key.start_ns - key.start_ns % PROCFS_TICK_NS) {
		procfs_status(dir, &e.proc, &arena);
		same = e.proc.creds.uid != ID_UNKNOWN;
	}
	if (same)
		*creds = e.proc.creds;
	close(dir);
	arena_free(&arena);
	return same;
}
