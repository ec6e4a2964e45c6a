/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the process table (proc.h): what proc.c and proc_author.c share. */
#ifndef FIM_PROC_INSIDE_H
#define FIM_PROC_INSIDE_H

#include "fim/proc.h"

#define BUCKETS 8192u	/* a power of two */
#define PROC_ACTS_SET 8 /* places that an act can take */

/* A process told the kernel a name just before a file event shows it. */
struct act {
	struct proc *proc;   /* owned reference */
	struct image *image; /* owned reference */
	uint64_t hash;	     /* of pid and basename */
	uint64_t made_ns;
	uint64_t spent_ns; /* time of the events it answered, 0 = none yet */
};

struct procs {
	struct procs_options options;
	struct procs_counters counters;
	struct proc *exited_first, **exited_last;
	struct act *acts; /* in sets by hash; a newer one pushes one out */
	size_t next_act;  /* to be looked at */
	struct proc *buckets[BUCKETS];
};

static inline struct proc *
proc_ref(struct proc *p)
{
	if (p != NULL)
		p->refs++;
	return p;
}

static inline struct proc **
bucket_of(const struct procs *t, uint32_t pid)
{
	uint32_t at = (pid * 2654435761u) >> 16; /* Knuth's multiplier */

	return (struct proc **)&t->buckets[at & (BUCKETS - 1)];
}

static inline bool
is_long_dead(const struct procs *t, const struct proc *p, uint64_t now_ns)
{
	return p->exited && now_ns > p->exit_ns &&
	       now_ns - p->exit_ns > t->options.grace_ns;
}

void proc_unref(struct procs *, struct proc *); /* NULL is allowed */

/* proc_author.c. EVENT_NAME_ACT: its process, if that is known. */
struct proc *procs_take_act(struct procs *, const struct event *);
/* Part of procs_expire, and of procs_free. */
void procs_expire_acts(struct procs *, uint64_t now_ns);
void procs_drop_acts(struct procs *);

#endif
