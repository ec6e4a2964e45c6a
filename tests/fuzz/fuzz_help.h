/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzz targets share. */
#ifndef TESTS_FUZZ_HELP_H
#define TESTS_FUZZ_HELP_H

#include "scan/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What must hold for every input; not assert(), which says more than libFuzzer
 * needs. */
static inline void
check(bool holds)
{
	if (!holds)
		abort();
}

/* Every byte of it is there. */
static inline void
use(struct view v)
{
	static volatile unsigned char used;

	for (size_t i = 0; i < v.n; i++)
		used = (unsigned char)(used + (unsigned char)v.p[i]);
}

#endif
