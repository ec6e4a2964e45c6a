/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the package manager's database says of files: who owns a path, and
 * whether what is there now is what a package brought.
 *
 * dpkg: info/NAME.list and .md5sums, conffiles in `status`, diversions,
 * alternatives, the links that deb-systemd-helper made, ucf's hashes. MD5 is
 * what dpkg has; it is good enough against an accident or a second preimage,
 * and whoever can write the database can write any digest there: an explained
 * change is told apart, not forgiven.
 *
 * Paths are kept as keyed hashes, so that 200,000 take a few megabytes.
 */
#ifndef BASELINES_PACKAGES_H
#define BASELINES_PACKAGES_H

#include "baselines/compare.h"

struct packages;

/* Reads the database below `admin` (NULL = /var/lib). One that is not there
 * is empty. NULL when memory is out. */
struct packages *packages_open(const char *admin);
void packages_close(struct packages *);
size_t packages_count(const struct packages *);

/* The owner of a path as the file system has it, or "". */
struct view packages_owner(const struct packages *, struct view path);
/* The package that accounts for the change, or "": content is what it
 * recorded, or it took the file away, or the link leads into it. Never for a
 * mode, owner, ACL, capability or flag that changed by itself. Reads the file
 * by change->now->dirfd. */
struct view packages_explain(struct packages *, const struct change *);

#endif
