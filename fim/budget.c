/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A token bucket of processor time. */
#include "fim/budget.h"

#include <time.h>

#define SAY_EVERY_NS (60 * NS_PER_SEC)
#define SAY_FROM_NS (100 * NS_PER_MS)

void
budget_open(struct budget *b, unsigned percent, uint64_t now_ns,
	    uint64_t cpu_ns)
{
	*b = (struct budget){ .percent = percent,
			      .at_ns = now_ns,
			      .cpu_ns = cpu_ns };
}

uint64_t
budget_wait(struct budget *b, uint64_t now_ns, uint64_t cpu_ns)
{
	int64_t most = (int64_t)(NS_PER_SEC / 100 * b->percent);

	if (b->percent == 0)
		return 0;
	b->left_ns += (int64_t)((now_ns - b->at_ns) * b->percent / 100);
	b->left_ns -= (int64_t)(cpu_ns - b->cpu_ns);
	if (b->left_ns > most)
		b->left_ns = most;
	b->at_ns = now_ns;
	b->cpu_ns = cpu_ns;
	if (b->waiting_since_ns != 0)
		b->delayed_ns += now_ns - b->waiting_since_ns;
	b->waiting_since_ns = b->left_ns < 0 ? now_ns : 0;
	return b->left_ns < 0 ? (uint64_t)-b->left_ns * 100 / b->percent : 0;
}

uint64_t
budget_say(struct budget *b, uint64_t now_ns, bool last)
{
	uint64_t untold_ns = b->delayed_ns - b->said_ns;

	if (untold_ns < SAY_FROM_NS)
		return 0;
	if (!last && b->said_at_ns != 0 &&
	    now_ns - b->said_at_ns < SAY_EVERY_NS)
		return 0;
	b->said_ns = b->delayed_ns;
	b->said_at_ns = now_ns;
	return untold_ns;
}

uint64_t
budget_cpu_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		return 0;
	return (uint64_t)used.tv_sec * NS_PER_SEC + (uint64_t)used.tv_nsec;
}
