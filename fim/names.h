/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of users and groups, from /etc/passwd and /etc/group only: a monitor
 * that asked the name services could be made to wait for the network. Read
 * again when the files change, looked at once a second at most.
 */
#ifndef FIM_NAMES_H
#define FIM_NAMES_H

#include "scan/base.h"

struct names;

/* Opens one of the two for reading; -1 and errno. */
typedef int names_open(void *ctx, const char *path);

/* `opener` NULL: open(2). */
struct names *names_new(names_open *opener, void *ctx);
void names_free(struct names *);
/* Borrowed until the next call; VIEW_NONE when there is no such id. */
struct view names_user(struct names *, uint32_t uid, uint64_t now_ns);
struct view names_group(struct names *, uint32_t gid, uint64_t now_ns);
/* Times that the names could not be read for lack of memory: for a second all
 * of a file's are unknown. */
uint64_t names_failed(const struct names *);

#endif
