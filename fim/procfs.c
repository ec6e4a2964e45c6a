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

bool
procfs_read(struct event *e, struct arena *arena)
{
	int dir = procfs_open(e->key.pid);
	bool found = false;

	if (dir < 0)
		return false;
	e->kind = EVENT_ALREADY_RUNNING;
	if (procfs_stat(dir, e, NULL, arena)) {
		procfs_status(dir, &e->proc, arena);
		procfs_image(dir, &limits, e, arena);
		/* Looked at last: what was read is then this process's. */
		found = still_running(e->pidfd);
	}
	close(dir);
	return found;
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

/* ---- learning -------------------------------------------------------- */

static bool
read_here(void *ctx, struct event *e, const struct event *meant,
	  struct arena *arena)
{
	(void)ctx;
	e->pidfd = meant != NULL ? meant->pidfd : -1;
	return procfs_read(e, arena);
}

static bool
creds_here(void *ctx, struct proc_key key, struct event_creds *creds)
{
	(void)ctx;
	return procfs_creds(key, creds);
}

const struct process_reader procfs_reader = { read_here, creds_here, NULL };

/* Ancestors first, so that the child finds its parent. */
static bool
learn(struct procs *procs, const struct process_reader *reader,
      const struct event *meant, uint32_t pid, uint64_t time_ns, int depth)
{
	struct arena arena = { 0 };
	struct event e = { .key.pid = pid, .time_ns = time_ns, .pidfd = -1 };
	bool found = reader->read(reader->ctx, &e, meant, &arena);
	uint32_t parent = e.proc.parent.pid;

	if (found && depth < DEPTH_MAX && parent != 0 &&
	    procs_newest(procs, parent) == NULL)
		learn(procs, reader, NULL, parent, time_ns, depth + 1);
	e.pidfd = -1;
	found = found && procs_apply(procs, &e) != NULL;
	arena_free(&arena);
	return found;
}

bool
procfs_learn(struct procs *procs, const struct process_reader *reader,
	     const struct event *meant)
{
	return learn(procs, reader, meant, meant->key.pid, meant->time_ns, 0);
}
