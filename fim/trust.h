/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may write what Tocsin believes. A file is trusted when nobody could have
 * written it who could not have changed Tocsin itself: root, the user who runs
 * it, and whoever owns the program or a folder on the way to it (so a build
 * tree may be its user's); its group likewise, where the program or such a
 * folder may be written by its group. The same holds for the file's folders,
 * and for symbolic links on the way, up to the root; a folder that others may
 * write counts as theirs unless it is sticky.
 */
#ifndef FIM_TRUST_H
#define FIM_TRUST_H

#include "scan/base.h"

#define TRUST_IDS_MAX 16

struct trust {
	uid_t uids[TRUST_IDS_MAX];
	gid_t gids[TRUST_IDS_MAX];
	size_t n_uids, n_gids;
};

void trust_read(struct trust *);
/* An opened file or folder; `path` is for the sentence. 0, or -1 with `err`. */
int
trust_check_fd(const struct trust *, int fd, const char *path, struct err *);
/* Every name on the way to it. One that does not exist is left to whoever
 * opens it: 0. */
int trust_check_path(const struct trust *, const char *path, struct err *);

#endif
