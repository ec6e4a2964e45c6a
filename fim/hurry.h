/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * To be in time, sched(7): some priority and a short slice for the monitor as a
 * whole, and no interruption for the few microseconds in which a queue is
 * read. Refused without privilege (CAP_SYS_NICE), and then done without.
 * And the opposite, for what reads a whole host: to be in nobody's way.
 */
#ifndef FIM_HURRY_H
#define FIM_HURRY_H

#include <stdbool.h>

void hurry_always(void);
/* Between `true` and `false` only real-time tasks run before this one. */
void hurry_now(bool on);
/* Only processor time and disk that nobody else wants (SCHED_IDLE, and
 * IOPRIO_CLASS_IDLE of ioprio_set(2)), for this thread and those it will make;
 * not to be taken back without privilege. */
void hurry_never(void);

#endif
