/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heap of a process that runs for months. Of what a flood or a moment of
 * standing still has taken, the C library gives back only what lies at the
 * heap's end; and once a large block has been freed, blocks of that size no
 * longer come from the kernel and go back to it, but from the heap, too
 * (mallopt(3), M_MMAP_THRESHOLD). So every peak would stay for ever.
 */
#ifndef FIM_HEAP_H
#define FIM_HEAP_H

#include <stdint.h>

/* At the start: large blocks go back to the kernel when they are freed, however
 * large those before them were. */
void heap_settle(void);
/* Gives back the pages that nobody uses, every ten seconds: `*next_ns`, 0 at
 * first, is when to do it again. Boot time. */
void heap_tidy(uint64_t *next_ns, uint64_t now_ns);

#endif
