/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the package manager's database says of files: who owns a path, and
 * whether a change is what a package did.
 *
 * dpkg: info/NAME.list, .md5sums and scripts, conffiles and states in
 * `status`, diversions, alternatives, the links that deb-systemd-helper made,
 * ucf's hashes, and dpkg.log, which says when each package was changed. MD5 is
 * what dpkg has. rpm: headers of its SQLite database, which record more.
 *
 * evidence.def lists what counts as evidence, strongest first. All of it is
 * about telling an upgrade apart from other changes: whoever can write the
 * database can write any digest there, so an explained change is told apart,
 * not forgiven.
 *
 * Paths are kept as keyed hashes, so that 200,000 take a few megabytes.
 */
#ifndef BASELINES_PACKAGES_H
#define BASELINES_PACKAGES_H

#include "baselines/compare.h"
#include "baselines/objects.h"

struct packages;

/* The databases below the folder `root` (NULL = "/"), read when they are
 * asked for; one that is not there is empty. NULL when memory is out. */
struct packages *packages_open(const char *root);
void packages_close(struct packages *);
/* Reads them now, in a thread of its own; whoever asks next waits for it. */
void packages_begin(struct packages *);
size_t packages_count(struct packages *);
/* Is there one of that name, or was there, as far as changes tell? */
bool packages_known(struct packages *, struct view name);

/* Of /etc/shadow and /etc/gshadow a baseline keeps no text, but what changes
 * can be told by: of each line the name, a NUL and 16 bytes of the line's
 * SHA-256. "" for other files. `e` as a walk gives it. */
void packages_lines(const struct walk_entry *e, struct buf *out);
/* What the lists of accounts held, which changes of them are compared with:
 * lines from the baseline, text from `objects` (may be NULL) where it is kept.
 * Moves the baseline's place; so before a comparison. -1: it is damaged. */
int packages_remember(struct packages *, struct baseline *, struct objects *);

/* The owner of a path as the file system has it, or "". */
struct view packages_owner(struct packages *, struct view path);
/* The same, or, for what no package has but lies in one's own folder or is
 * named by one's script, that one and PACKAGES_NEAR. Borrowed until the next
 * call. */
#define PACKAGES_NEAR " (near)"
struct view packages_near(struct packages *, struct view path);
/* Is there a package that accounts for the change? Fills change->explained and
 * ->evidence. Reads files by change->now->dirfd and below root. */
bool packages_explain(struct packages *, struct change *);

/* The row of evidence.def for a word: is what is there verified, or only when
 * and where it came? */
bool packages_evidence_verified(const char *word);
const char *packages_evidence_sentence(const char *word);

#endif
