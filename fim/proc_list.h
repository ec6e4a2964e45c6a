/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of the processes that run (event.h, RUNNING), held against the process
 * table: what was lost meanwhile becomes events, marked ATTRIBUTION_LOST. A
 * process that nobody has heard of was forked, or has started a program; one
 * that runs another file has done so; one that is not there any more has
 * ended. What came and went between two events is not found.
 */
#ifndef FIM_PROC_LIST_H
#define FIM_PROC_LIST_H

#include "fim/proc.h"

struct proc_list {	    /* zero-initialise; proc_list_free */
	uint64_t listed_ns; /* boot; when it was made */
	uint32_t round;
	size_t n_met; /* 0: a list of bounds alone, and nobody is gone */
	struct proc_key *gone; /* owned */
	size_t n_gone, cap;
};

void proc_list_begin(struct proc_list *, uint64_t listed_ns);
/* True: `out`, which borrows from `running`, is to be taken as an event; then
 * proc_list_note. */
bool proc_list_meet(struct proc_list *, struct procs *,
		    const struct event *running, struct event *out);
void proc_list_note(struct proc_list *, struct procs *, struct proc_key);
/* Those of the table that the list did not have are in `gone`. -1 when memory
 * is out: some of them. */
int proc_list_end(struct proc_list *, struct procs *);
void proc_list_free(struct proc_list *);

#endif
