/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of walk*.c: one open folder and its sorted names. */
#ifndef SCAN_WALK_DIR_H
#define SCAN_WALK_DIR_H

#include "scan/walk_file.h"

struct walk_name {
	const char *p;
	uint64_t first; /* its first bytes, to be compared at once */
	uint32_t n;
	uint16_t type;	/* S_IFMT bits, 0 = not known */
	uint8_t choice; /* enum walk_choice */
};

struct walk_mount;

/* Belongs to the walk's own thread; only a thread that was left behind may give
 * back a reference as well. */
struct walk_dir {
	int fd; /* -1: closed for a while, or a notice */
	_Atomic unsigned refs;
	unsigned depth;
	uint64_t dev, inode;
	struct view path;
	struct walk_dir *parent;  /* holds a reference; NULL for a root */
	struct walk_mount *mount; /* what it is on; NULL = not known */
	bool mounts_below;
	struct walk_name *names; /* sorted by walk_dir_choose */
	size_t n, cap;
	struct arena arena; /* of the names and the path */
	size_t at;	    /* next name to hand out */
	size_t at_folder;   /* next name to descend into */
	bool alone;	    /* is not descended into */
};

/* NULL and errno. `fd` is taken over in any case. */
struct walk_dir *
walk_dir_new(struct walk_dir *parent, struct view path, int fd);
/* Adds a name; -1 and errno. */
int walk_dir_add(struct walk_dir *, struct view name, uint32_t type);
/* All names there are; -1 and errno. Asks nobody but the file system. */
int walk_dir_list(struct walk_dir *);
/* Of those the ones that are wanted, sorted. */
void walk_dir_choose(struct walk_dir *, const struct walk_options *);
void walk_dir_put(struct walk_dir *);
/* Open again after walk_dir_rest, from its child; false: it has moved. */
bool walk_dir_resume(struct walk_dir *, int child_fd);
/* Closes what nobody needs for now. */
void walk_dir_rest(struct walk_dir *);

#endif
