/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making images and deciding entry leaders: the two things the process table
 * needs to know about processes rather than about tables. */
#ifndef FIM_IMAGE_H
#define FIM_IMAGE_H

#include "fim/proc.h"

/* From an EXEC or ALREADY_RUNNING event; `before` (may be NULL) gives
 * `previous`. NULL when memory is out. */
struct image *image_new(const struct event *, const struct image *before);
struct image *image_ref(struct image *); /* NULL is allowed */
void image_unref(struct image *);	 /* NULL is allowed */

struct entry_verdict {
	bool self; /* this process is an entry leader */
	enum entry_type type;
};
/* From the process, its parent and its terminal. */
struct entry_verdict entry_decide(const struct proc *);

/* Does it have a terminal that a person may sit at (ttyN, ttyS, pts)? */
bool tty_interactive(uint32_t major, uint32_t minor);

#endif
