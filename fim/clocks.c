/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three clocks, compared. */
#include "fim/clocks.h"

#include <time.h>

static uint64_t
monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Whoever is stopped between two clocks reads them again. */
void
clocks_read(struct clocks *c)
{
	for (int i = 0; i < 10; i++) {
		c->monotonic_ns = monotonic_ns();
		c->boot_ns = clock_boot_ns();
		c->wall_ns = clock_wall_ns();
		if (monotonic_ns() - c->monotonic_ns < NS_PER_MS)
			return;
	}
}

struct clocks_change
clocks_compare(const struct clocks *before, const struct clocks *now)
{
	const int64_t least = (int64_t)CLOCKS_LEAST_NS;
	int64_t boot = (int64_t)(now->boot_ns - before->boot_ns);
	int64_t awake = (int64_t)(now->monotonic_ns - before->monotonic_ns);
	int64_t wall = (int64_t)(now->wall_ns - before->wall_ns);
	struct clocks_change c = { .before_ns = before->wall_ns,
				   .now_ns = now->wall_ns };

	if (boot - awake > least)
		c.asleep_ns = (uint64_t)(boot - awake);
	if (wall - boot > least || boot - wall > least)
		c.set_ns = wall - boot;
	return c;
}
