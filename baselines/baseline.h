/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The baseline: what every file of a scope was like when somebody answered for
 * it. One SQLite file, written once, signed in minisign's format and never
 * changed afterwards; a new one is a new generation that names its parent's
 * root digest.
 *
 *   meta     name, value: see struct baseline_meta
 *   scope    kind, pattern: see scope.h
 *   package  id, name
 *   dir      id, path, first: folders in the order of walk_path_cmp, and the
 *            id of each one's first file
 *   extra    target, xattrs (scan/walk.h), flags, device, fault: what few
 *            files have; shared by equal ones
 *   file     id, name, mode, uid, gid, size, mtime, ctime, inode, nlink,
 *            sha256, extra, package: in the order of a walk, by id
 *   accounts file, lines: of /etc/shadow and gshadow, see packages_lines
 *   path     a view: the whole paths with all of it, for people
 *
 * Files in the state folder: baseline.db, baseline.db.minisig. The next
 * generation is complete and synced as baseline.db.new, its signature as
 * baseline.db.minisig.next, before the first takes the place of the old one.
 * From that rename on the new one counts, before it the old one: a reader
 * accepts either signature.
 *
 * Reading: the file is opened once, the signature verified over that
 * descriptor, and SQLite reads from the same descriptor; no path is opened
 * again. Strings of an item are borrowed until the next item.
 *
 * Errors are "input" errors (scan/base.h) where a struct err is given.
 */
#ifndef BASELINES_BASELINE_H
#define BASELINES_BASELINE_H

#include "baselines/sign.h"
#include "scan/walk.h"

#define BASELINE_NAME "baseline.db"
#define BASELINE_VERSION 2

struct scope;

struct baseline_meta {
	uint64_t generation, time_ns, files;
	struct view host;   /* baseline_host */
	struct view action; /* init, accept */
	struct view who, reason;
	struct view log; /* digest of the journal's last record, or "" */
	struct view parent, root; /* SHA-256 in hexadecimal digits, or "" */
};

struct baseline_item {
	struct walk_entry e; /* dirfd -1 */
	struct view package; /* "" = none */
	struct view lines;   /* of packages_lines, or "" */
};

/* ---- reading --------------------------------------------------------- */

enum baseline_verdict {
	BASELINE_GOOD,
	BASELINE_NONE,	     /* there is none */
	BASELINE_TAMPERED,   /* not signed, or not what was signed */
	BASELINE_UNREADABLE, /* signed or not: it cannot be read */
};

struct baseline;
/* Verifies, then opens. NULL keys: take it unverified; only for the one who
 * is about to replace it. NULL, the verdict and one entry in `err` unless
 * BASELINE_GOOD. */
struct baseline *baseline_open(const char *folder, const struct sign_keys *,
			       enum baseline_verdict *, struct err *);
const struct baseline_meta *baseline_meta(const struct baseline *);
/* Adds the scope that it was made for. -1 with `err`. */
int baseline_scope(struct baseline *, struct scope *, struct err *);
/* Items in order: 1, 0 at the end, -1 damaged. */
int baseline_next(struct baseline *, const struct baseline_item **);
/* From the beginning again. */
void baseline_rewind(struct baseline *);
/* One path; baseline_next goes on behind it. 1, 0 not there, -1 damaged. */
int baseline_find(struct baseline *, struct view path,
		  const struct baseline_item **);
const char *baseline_problem(const struct baseline *);
/* Is the file still the one that was verified? */
bool baseline_unchanged(const struct baseline *);
/* Has another generation taken its place since it was opened? */
bool baseline_replaced(const struct baseline *);
void baseline_close(struct baseline *);

/* ---- writing --------------------------------------------------------- */

struct baseline_writer;
/* Makes the folder (0700) if need be and locks it against other writers.
 * NULL with `err`. */
struct baseline_writer *baseline_create(const char *folder, struct err *);
/* In order. -1: see baseline_commit. */
int baseline_add(struct baseline_writer *, const struct baseline_item *);
/* Signs with `secret` (NULL = not signed) and puts it in the place of the
 * last one. `meta`: files and root are filled in; borrowed until
 * baseline_abandon. -1 with `err`, the old generation still in its place. */
int baseline_commit(struct baseline_writer *, struct baseline_meta *,
		    const struct scope *, const struct sign_secret *secret,
		    struct err *);
/* Frees; without a commit before, nothing is left. */
void baseline_abandon(struct baseline_writer *);
uint64_t baseline_bytes(const struct baseline_writer *); /* once committed */

/* Names this host without telling its machine-id(5); one without has a name,
 * too. -1 and errno when it cannot be known. */
int baseline_host(struct buf *out);

#endif
