/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount table of Tocsin's own mount namespace: which file system stands
 * at a path, and what differs from the table before. Format: proc(5),
 * /proc/PID/mountinfo.
 */
#ifndef FIM_MOUNTS_H
#define FIM_MOUNTS_H

#include "scan/base.h"

enum mount_class {
	MOUNT_LOCAL,
	MOUNT_PSEUDO, /* proc, sysfs …: no files of anybody */
	MOUNT_REMOTE, /* may block, and others write there unseen */
};

struct mount_point {
	struct view path; /* decoded, no trailing slash, "" for the root */
	int id;
	unsigned order; /* later ones lie on top */
	enum mount_class class;
};

/* Owns its strings; zero-initialise, mounts_free. */
struct mounts {
	struct mount_point *v; /* sorted by path, then order */
	size_t n;
	struct arena arena;
};

/* `text` is the content of mountinfo; lines that make no sense are skipped.
 * -1 and errno when memory is out. */
int mounts_parse(struct mounts *, struct view text);
int mounts_read(struct mounts *); /* of this process */
void mounts_free(struct mounts *);

/* What lies on top at exactly this path; NULL when nothing is mounted. */
const struct mount_point *mounts_find(const struct mounts *, struct view path);

/* Each path at which something was mounted or unmounted, once. */
void mounts_diff(const struct mounts *before, const struct mounts *after,
		 void (*each)(void *ctx, struct view path), void *ctx);

#endif
