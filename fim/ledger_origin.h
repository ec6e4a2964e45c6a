/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the ledger knew an object under another name: for what was renamed
 * while nobody looked. An index of all objects in memory, 16 bytes each, made
 * when the first is asked for.
 */
#ifndef FIM_LEDGER_ORIGIN_H
#define FIM_LEDGER_ORIGIN_H

#include "fim/ledger_db.h"

struct ledger_object {
	uint64_t key;
	int64_t dir;
};

struct ledger_origins {		 /* zero-initialise; ledger_origins_free */
	struct ledger_object *v; /* by key; owned */
	size_t n, cap;
	bool made;
};

/* The directory, in the ledger, of a name that this object had before and,
 * having only one, has no longer; `path` has it, and the ledger has forgotten
 * it. 0 when there is none. */
int64_t ledger_origin_take(struct ledger_origins *, struct ledger_db *,
			   const struct event_seen *, struct buf *path);
void ledger_origins_free(struct ledger_origins *);

#endif
