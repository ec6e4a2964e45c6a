/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that one view of the host shows and another leaves out.
 *
 * Views that a listing of processes comes from, and that a rootkit bends:
 *   readdir  /proc as the C library lists it: a preloaded library can lie
 *   listing  /proc as the kernel lists it, getdents64(2)
 *   lookup   /proc/PID opened by its name
 *   mount    /proc/PID is what it should be: nothing is mounted over it
 *
 * Against them stands what else knows of a process: a signal can be sent to
 * its pid (all pids are tried, kill(2) with signal 0) and a pidfd opened, a
 * cgroup counts it among its members, a process names it as its parent, or a
 * /proc that is mounted nowhere (fsmount(2)) shows it.
 *
 * Nothing that comes or goes meanwhile is told: whoever is missing from a view
 * is looked for again, and was there before and after that second look.
 * Threads have pids of their own and stand in no listing; only leaders count.
 */
#ifndef FIM_HIDDEN_H
#define FIM_HIDDEN_H

#include "scan/base.h"

/* HIDDEN_VIEW(name, word) */
#define HIDDEN_VIEWS                    \
	HIDDEN_VIEW(READDIR, "readdir") \
	HIDDEN_VIEW(LISTING, "listing") \
	HIDDEN_VIEW(LOOKUP, "lookup")   \
	HIDDEN_VIEW(MOUNT, "mount")

enum hidden_view {
#define HIDDEN_VIEW(name, word) HIDDEN_##name,
	HIDDEN_VIEWS
#undef HIDDEN_VIEW
		HIDDEN_VIEW_COUNT
};

struct hidden {
	uint32_t pid;
	unsigned views; /* that leave it out: 1 << hidden_view */
};

struct hidden_places {	    /* zero-initialise for this host's */
	const char *proc;   /* "/proc" */
	const char *cgroup; /* "/sys/fs/cgroup" */
	int own_proc;	    /* proc_mount_own's, or -1 */
	uint32_t pid_max;   /* tried with kill; 0 = the kernel's own limit */
};

/* Who is hidden, by pid; the caller frees `*v`. 0, or -1 and errno: ENOTSUP
 * when /proc is another pid namespace's, EPERM when it shows others only to
 * root (hidepid, proc(5)) and this is not. */
int hidden_find(const struct hidden_places *, struct hidden **v, size_t *n);
/* The words of the views, each followed by NUL. */
void hidden_put(unsigned views, struct buf *out);

/* A /proc that is mounted nowhere, so that nobody can mount over it; needs
 * CAP_SYS_ADMIN. -1 and errno. */
int proc_mount_own(void);
/* All pids that the kernel lists there, ascending; the caller frees. NULL and
 * errno. */
uint32_t *proc_list(int proc, size_t *n);

#endif
