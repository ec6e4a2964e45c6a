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
 *
 * A line may be signed: then ,"signature":"TEXT" stands before the digest, and
 * TEXT is a minisign signature of the line up to there.
 */
#ifndef BASELINES_JOURNAL_H
#define BASELINES_JOURNAL_H

#include "baselines/sign.h"

#define JOURNAL_DIGEST_CHARS 64u
/* Files of that form, in log/. */
#define JOURNAL_MAIN "journal.ndjson"
#define JOURNAL_ALIVE "alive.ndjson" /* see heart.h */
#define JOURNAL_ALIVE_OLD "alive.1.ndjson"

struct journal_record {
	const char *action;
	uint64_t generation; /* 0 = does not concern one */
	struct view root;    /* of that generation */
	struct view who, reason;
	struct view detail;	       /* JSON, or "" */
	const struct sign_secret *key; /* NULL = not signed */
};

/* What reading it through has found. */
struct journal_state {
	uint64_t records;
	uint64_t generation;  /* the last one named */
	struct buf root;      /* that one's */
	struct buf head;      /* digest of the last record, "" = none */
	bool known;	      /* `sought` was among the digests */
	uint64_t whole_bytes; /* what follows is half a line … */
	uint64_t half_bytes;  /* … of so many; 0 = there is none */
};

/* Makes log/, which adding a record does as well. */
void journal_make_folder(const char *state);
/* Adds a record and syncs it. -1 with `err`. */
int
journal_append(const char *state, const struct journal_record *, struct err *);
int journal_append_to(const char *state, const char *file,
		      const struct journal_record *, struct err *);
/* Checks every line; `each` may be NULL. `sought`: a digest to look for.
 * 0; 1 something is wrong, told in `err`; -1 cannot be read, likewise. One
 * that does not exist has no records. */
int journal_read(const char *state, struct view sought, struct journal_state *,
		 void (*each)(void *ctx, struct view line), void *ctx,
		 struct err *);
int journal_read_from(const char *state, const char *file, struct view sought,
		      struct journal_state *,
		      void (*each)(void *ctx, struct view line), void *ctx,
		      struct err *);
void journal_state_free(struct journal_state *);

/* Of a line that journal_read gave: SIGN_NO_SIGNATURE if it has none. Free
 * with sign_result_free. */
enum sign_verdict journal_verify_line(struct view line,
				      const struct sign_keys *,
				      struct sign_result *);

#endif
