/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's clocks against each other, clock_gettime(2): CLOCK_BOOTTIME runs
 * on while the host is suspended and CLOCK_MONOTONIC does not; neither is ever
 * set, as CLOCK_REALTIME is. Clocks that are only made faster or slower, as by
 * NTP, stay together.
 */
#ifndef FIM_CLOCKS_H
#define FIM_CLOCKS_H

#include "scan/base.h"

/* Less is not told: reading three clocks takes time, too. */
#define CLOCKS_LEAST_NS (500 * NS_PER_MS)

struct clocks {
	uint64_t boot_ns, monotonic_ns, wall_ns;
};

struct clocks_change {
	uint64_t asleep_ns; /* 0 = was not suspended */
	int64_t set_ns;	    /* by how much the wall clock was set; 0 = not */
	uint64_t before_ns, now_ns; /* wall; the last look, and this one */
};

void clocks_read(struct clocks *);
/* What has happened from one reading to another. */
struct clocks_change
clocks_compare(const struct clocks *before, const struct clocks *now);

#endif
