/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which signed thing was in force here last: a set of rules, the
 * configuration. minisign's trusted comment has the time of a signature
 * ("timestamp:", seconds since 1970), the journal a record of everything that
 * came into force, so that an older one is noticed although its signature is
 * good.
 */
#ifndef FIM_IN_FORCE_H
#define FIM_IN_FORCE_H

#include "scan/base.h"

/* All borrowed. */
struct in_force {
	const char *action; /* of the journal's records: "rules" */
	const char *key;    /* what they call the name: "folder" */
	const char *name;   /* without symbolic links */
	uint64_t signed_s;  /* 0 = no signature was asked for */
	struct view sha256; /* hex */
};

enum in_force_verdict {
	IN_FORCE_NEWEST,
	IN_FORCE_TURNED_BACK, /* one that was signed later is on record */
	/* The journal was changed, or cannot be read; told in `err`. */
	IN_FORCE_BROKEN,
	IN_FORCE_UNREADABLE
};

/* The time in a trusted comment; false if there is none, or 0. */
bool in_force_time(struct view comment, uint64_t *signed_s);
/* `state` NULL = there is no journal to ask. */
enum in_force_verdict
in_force_check(const struct in_force *, const char *state, struct err *);
/* Notes it in the journal, unless the last record of it says the same; one
 * without signature is noted only after a signed one, and then `dropped` (may
 * be NULL) is set. -1 with `err`. */
int in_force_record(const struct in_force *, const char *state, bool *dropped,
		    struct err *);

#endif
