/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that no sensor has told of, learned from /proc while it lives. */
#ifndef FIM_PROCFS_H
#define FIM_PROCFS_H

#include "fim/proc.h"

/* True when the process was found, is the one that `pidfd` (or -1) stands
 * for, and has been applied to the table. */
bool procfs_learn(struct procs *, uint32_t pid, int pidfd, uint64_t now_ns);

/* What credentials it has now. False when it is gone, or is another process
 * with the same pid. */
bool procfs_creds(struct proc_key, struct event_creds *);

#endif
