/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mallopt(3) and malloc_trim(3), where the C library has them. */
#include "fim/heap.h"

#include <malloc.h>

#include "scan/base.h"

#define TIDY_NS (10 * NS_PER_SEC)

#ifdef __GLIBC__

/* glibc's own value, but fixed. */
#define LARGE_BYTES (128 << 10)
/* At the heap's end this much may lie free until it is tidied up: what is freed
 * and taken again all the time costs no system call. */
#define END_BYTES (1 << 20)

void
heap_settle(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, END_BYTES);
}

static void
give_back(void)
{
	malloc_trim(0);
}

#else

void
heap_settle(void)
{
}

static void
give_back(void)
{
}

#endif

void
heap_tidy(uint64_t *next_ns, uint64_t now_ns)
{
	if (now_ns < *next_ns)
		return;
	*next_ns = now_ns + TIDY_NS;
	give_back();
}
