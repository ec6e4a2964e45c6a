/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a path back as a baseline has it: at once or not at all. A file
 * whose content is what it should be keeps its inode, and only attributes are
 * set; any other is written under another name and renamed.
 */
#ifndef BASELINES_RESTORE_H
#define BASELINES_RESTORE_H

#include "baselines/baseline.h"
#include "baselines/objects.h"

/* 0; -1 with one entry in `err`, nothing having changed but, perhaps,
 * attributes. errno ENODATA: its content was not kept. */
int restore_item(const struct baseline_item *, struct objects *, struct err *);
/* Removes a path that should not be there: a file, a link, an empty folder. */
int restore_remove(struct view path, struct err *);

#endif
