/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A share of one processor that the monitor keeps to (watch --budget): time
 * earns processor time, at most a second's worth in advance, and work spends
 * it. Who has spent more waits until that is earned back; events wait in the
 * kernel's queues meanwhile, and what does not fit there is a loss like any
 * other. All times in nanoseconds.
 */
#ifndef FIM_BUDGET_H
#define FIM_BUDGET_H

#include "scan/base.h"

struct budget {
	unsigned percent;	   /* of one processor; 0 = no limit */
	uint64_t at_ns;		   /* when last settled */
	uint64_t cpu_ns;	   /* used by then */
	int64_t left_ns;	   /* may be negative */
	uint64_t waiting_since_ns; /* 0 = not waiting */
	uint64_t delayed_ns;	   /* so far, in all */
	uint64_t said_ns;	   /* of that, what has been told */
	uint64_t said_at_ns;	   /* 0 = never */
};

void budget_open(struct budget *, unsigned percent, uint64_t now_ns,
		 uint64_t cpu_ns);
/* How long to wait before more is read; 0 = go on. `cpu_ns` is all that the
 * process has used, `now_ns` never runs back. */
uint64_t budget_wait(struct budget *, uint64_t now_ns, uint64_t cpu_ns);
/* A delay to be told: at most once a minute, and not what is too short to
 * matter. 0 = nothing to say. `last`: there will be no other time. */
uint64_t budget_say(struct budget *, uint64_t now_ns, bool last);

/* What this process has used. */
uint64_t budget_cpu_ns(void);

#endif
