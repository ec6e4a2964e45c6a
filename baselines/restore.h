/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a path back as a baseline has it: at once or not at all. A file
 * whose content is what it should be keeps its inode, and only attributes are
 * set; any other is written under another name and renamed. One of several
 * names of a file becomes a name of that file again, if another is as it was.
 */
#ifndef BASELINES_RESTORE_H
#define BASELINES_RESTORE_H

#include "baselines/baseline.h"
#include "baselines/objects.h"

struct restore_from {
	struct objects *objects;  /* content; may be NULL */
	const struct view *names; /* other names of the same file: paths */
	size_t n_names;
};

/* 0; -1 with one entry in `err`, nothing having changed but, perhaps,
 * attributes. errno ENODATA: its content was not kept. */
int restore_item(const struct baseline_item *, const struct restore_from *,
		 struct err *);
/* Removes a path that should not be there: a file, a link, an empty folder. */
int restore_remove(struct view path, struct err *);

#endif
