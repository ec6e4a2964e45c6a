/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signed rule sets. A folder is one when it holds SHA256SUMS, as sha256sum(1)
 * writes it, of every rule, list and exception file in and below it, and
 * SHA256SUMS.minisig, made by minisign(1). A file that is not in the list, is
 * not as the list says, or is in the list and not there, is found; and so is a
 * list that was signed before one that was in force here already: minisign's
 * trusted comment has the time, and the journal keeps the last one.
 */
#ifndef FIM_SIGNED_H
#define FIM_SIGNED_H

#include "baselines/sign.h"

#define SIGNED_LIST "SHA256SUMS"
#define SIGNED_LIST_MAX_BYTES (8u << 20)

struct signed_set;

/* Reads and verifies the list of `path`, a folder or a file in one, whose
 * record may be in `state`. NULL with `err`: told what is wrong. */
struct signed_set *signed_open(const char *path, const struct sign_keys *,
			       const char *state, struct err *);
/* Is this what the list says of it? -1 with `err`. */
int signed_check(struct signed_set *, const char *path, struct view text,
		 struct err *);
/* Was everything there? -1 with `err`. */
int signed_complete(const struct signed_set *, struct err *);
/* Notes in the journal that this list is in force, unless it says so. */
int signed_record(const struct signed_set *, const char *state, struct err *);
void signed_free(struct signed_set *);

#endif
