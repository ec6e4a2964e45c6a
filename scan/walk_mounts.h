/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is mounted where, from /proc/self/mountinfo (proc_pid_mountinfo(5)), so
 * that nothing is touched in order to find out: remote file systems may not
 * answer at all, virtual ones are a view of the kernel.
 *
 * Belongs to one thread; `hung` alone is read by others.
 */
#ifndef SCAN_WALK_MOUNTS_H
#define SCAN_WALK_MOUNTS_H

#include "scan/base.h"

enum walk_mount_kind {
	WALK_MOUNT_LOCAL,
	WALK_MOUNT_VIRTUAL,
	WALK_MOUNT_REMOTE
};

struct walk_mount {
	struct view point;
	unsigned order; /* of two at one point the later one counts */
	enum walk_mount_kind kind;
	_Atomic bool hung; /* has not answered in time; nobody asks again */
};

struct walk_mounts;
/* NULL and errno. Without /proc there are none. */
struct walk_mounts *walk_mounts_read(void);
void walk_mounts_free(struct walk_mounts *);
/* Whose mount point this is, or NULL. */
struct walk_mount *walk_mounts_at(struct walk_mounts *, struct view path);
/* What has this path, by its name; NULL if nothing is known. */
struct walk_mount *walk_mounts_of(struct walk_mounts *, struct view path);
/* The first mount point below a folder, or NULL. */
struct walk_mount *walk_mounts_below(struct walk_mounts *, struct view path);
bool walk_mounts_any_remote(const struct walk_mounts *);
/* May a call for something in there not return? */
static inline bool
walk_mount_slow(const struct walk_mount *m)
{
	return m != NULL && m->kind == WALK_MOUNT_REMOTE;
}

#endif
