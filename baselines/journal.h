/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: who answered for what, when and why. log/journal.ndjson in the
 * state folder, one JSON object a line, only ever added to:
 *
 *   {"seq":N,"time":…,"action":…,…,"previous":"HEX","digest":"HEX"}
 *
 * digest is the SHA-256 of the line up to ,"digest" ; previous is the digest of
 * the line before, of the first 64 zeros. So no line can be changed, taken out
 * or put in; that none is missing at the end, a signed baseline says, which
 * names the digest of the last line it knew. Half a line at the end, as a kill
 * leaves it, is as good as none; the next one takes its place.
 */
#ifndef BASELINES_JOURNAL_H
#define BASELINES_JOURNAL_H

#include "scan/base.h"

#define JOURNAL_DIGEST_CHARS 64u

struct journal_record {
	const char *action;
	uint64_t generation; /* 0 = does not concern one */
	struct view root;    /* of that generation */
	struct view who, reason;
	struct view detail; /* JSON, or "" */
};

/* What reading it through has found. */
struct journal_state {
	uint64_t records;
	uint64_t generation;  /* the last one named */
	struct buf root;      /* that one's */
	struct buf head;      /* digest of the last record, "" = none */
	bool known;	      /* `sought` was among the digests */
	uint64_t whole_bytes; /* what follows is half a line */
};

/* Adds a record and syncs it. -1 with `err`. */
int
journal_append(const char *state, const struct journal_record *, struct err *);
/* Checks every line; `each` may be NULL. `sought`: a digest to look for.
 * 0; 1 something is wrong, told in `err`; -1 cannot be read, likewise. One
 * that does not exist has no records. */
int journal_read(const char *state, struct view sought, struct journal_state *,
		 void (*each)(void *ctx, struct view line), void *ctx,
		 struct err *);
void journal_state_free(struct journal_state *);

#endif
