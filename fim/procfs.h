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

/* True when the process was found, is the one that `pidfd` (or -1) stands
 * for, and has been applied to the table. */
bool procfs_learn(struct procs *, uint32_t pid, int pidfd, uint64_t now_ns);

/* What credentials it has now. False when it is gone, or is another process
 * with the same pid. */
bool procfs_creds(struct proc_key, struct event_creds *);

#endif
