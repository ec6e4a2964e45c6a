/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of walk*.c: what a worker does with one entry. */
#ifndef SCAN_WALK_FILE_H
#define SCAN_WALK_FILE_H

#include "scan/walk.h"

struct walk_scratch; /* one a thread */

struct walk_scratch *walk_scratch_new(void);
void walk_scratch_free(struct walk_scratch *);

struct walk_task {
	enum walk_choice choice;
	uint32_t type; /* S_IFMT bits as getdents64 had them, or 0 */
	uint64_t max_bytes;
	bool own_clock;		 /* the times there are of this host's clock */
	_Atomic unsigned *beats; /* counted up while there is progress */
};

/* Fills `e`, whose dirfd and name are set. `text` gets the strings. */
void walk_inspect(struct walk_entry *e, const struct walk_task *,
		  struct walk_scratch *, struct buf *text);

#endif
