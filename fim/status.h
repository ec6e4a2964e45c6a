/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status record: what the running monitor uses, covers and does not see.
 * One JSON object in the file status.json of the state folder (0600), written
 * anew at the start, at every reload, when a sensor fails, once a minute and at
 * the end:
 *
 * {"@timestamp":T,"event":{"kind":"state","action":"running"|"stopped"},
 *  "process":{"pid":N},"tocsin":{"version":V,"rules":N,"engine":PID of the
 *  deciding process (keeper.h),"sensors":[{"role",
 *  "name","forced","events","lost","watched","unwatched","polled","detail",
 *  "not_seen"},…],"without":["messages"],
 *  "alerts":{"seen","waiting","lost","problem"},
 *  "outputs":[{"name","delivered","retries","refused","missed","behind",
 *  "problem"},…],
 *  "costs":[{"rule","evaluations","matches","spent_ns"},…],
 *  "gaps":{"total","open","changes","alerts"},
 *  "files":{"remembered","left_out","waiting","forgotten"}}}
 *
 * "costs" names the ten rules of those in force that have taken most of the
 * time (rules.h, struct rules_cost); since the last reload. "gaps" are those
 * since the start; "changes" were found by looking, after a gap or at the
 * start, and not told by events.
 */
#ifndef FIM_STATUS_H
#define FIM_STATUS_H

#include "fim/monitor.h"

/* Numbers of files only for sensors of files. -1 and errno. */
int status_write(struct monitor *, bool running);
/* When a minute has passed since the last. */
int status_write_in_time(struct monitor *);

/* The record of the folder, read for people: "running as pid 7, …". False when
 * there is none that can be read. `*running`: that process is still there. */
bool status_read(const char *folder, struct buf *text, bool *running);

/* What its two processes may still do, as /proc/PID/status has it now: "keeper:
 * 2 capabilities, seccomp, …". False unless both are there. */
bool status_read_limits(const char *folder, struct buf *text);

#endif
