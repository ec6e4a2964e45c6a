/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes as /proc shows them, proc(5): for those that no sensor has told
 * of, and for the sensors that live by it. A directory of /proc stays with its
 * process: what is read through it cannot be that of a successor with the same
 * pid, but may be of a later image than the one that was meant.
 */
#ifndef FIM_PROCFS_H
#define FIM_PROCFS_H

#include "fim/proc.h"
#include "fim/sensor.h"

/* /proc counts start times in these, rounded down (USER_HZ). */
#define PROCFS_TICK_NS (NS_PER_SEC / 100)

/* ---- reading one process --------------------------------------------- */

/* All pids there are, ascending; the caller frees. NULL and errno. */
uint32_t *procfs_pids(size_t *n);
/* For openat; -1 and errno when there is no such process. */
int procfs_open(uint32_t pid);

struct procfs_stat {
	char state;
	uint32_t threads;
	/* The same for as long as the same program runs: where the kernel put
	 * it. A fork has its parent's. */
	uint64_t image;
};

/* /proc/PID/stat: start time, family, terminal and comm, the latter in the
 * arena. False when it is gone. `more` may be NULL. */
bool
procfs_stat(int dir, struct event *, struct procfs_stat *more, struct arena *);
/* /proc/PID/status: credentials, and whether it is in a container. */
void procfs_status(int dir, struct event_proc *, struct arena *);
/* What runs: the file, arguments, working directory, chosen variables of the
 * environment, descriptors 0 to 2. False when nothing was to be had. A count
 * of links that is not known yet (0) is set from the name. */
bool procfs_image(int dir, const struct sensor_config *, struct event *,
		  struct arena *);

/* ---- for the process table -------------------------------------------- */

/* An ALREADY_RUNNING of `e->key.pid`, with its views in the arena; `time_ns`
 * is set by the caller. False when it is gone, or is not the one that
 * `e->pidfd` (or -1) stands for. */
bool procfs_read(struct event *e, struct arena *);

/* What credentials it has now. False when it is gone, or is another process
 * with the same pid. */
bool procfs_creds(struct proc_key, struct event_creds *);

/* The same by whoever may look into /proc. `meant` is the event that named
 * the process: NULL for an ancestor. */
struct process_reader {
	bool (*read)(void *ctx, struct event *e, const struct event *meant,
		     struct arena *);
	bool (*creds)(void *ctx, struct proc_key, struct event_creds *);
	void *ctx;
};
/* It is /proc itself. */
extern const struct process_reader procfs_reader;

/* The process of that event, and those ancestors that nobody has told of
 * either. True when it was found and has been applied to the table. */
bool procfs_learn(struct procs *, const struct process_reader *,
		  const struct event *meant);

#endif
