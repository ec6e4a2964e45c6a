/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The known name that a person most likely meant: smallest edit distance,
 * nothing when even that is far off. */
#ifndef FIM_NEAREST_H
#define FIM_NEAREST_H

#include "scan/base.h"

struct nearest {
	struct view wanted;
	const char *best; /* NULL = none is near; borrowed from nearest_try */
	size_t distance;
};

void nearest_start(struct nearest *, struct view wanted);
void nearest_try(struct nearest *, const char *candidate);

#endif
