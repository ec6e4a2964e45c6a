/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signs of life of `tocsin watch`, so that silence is evidence. In the journal
 * (journal.h) stand its records
 *
 *   watch-start  a run began
 *   watch-stop   it ended because somebody asked it to
 *   watch-killed it ended because a part of it was killed
 *   silence      nothing was recorded from … to … : the run before was killed,
 *                or this one was held up
 *   alive        signs of life that have left alive.ndjson: how many, from
 *                when to when, and the digest of the last of them
 *
 * and in alive.ndjson, a journal of its own, one `alive` at each interval. When
 * that is full it becomes alive.1.ndjson, and what was there before goes; the
 * journal keeps the digest. "detail" of all has run (an id), boot (first 8
 * digits of the boot id) and up_ns (boot clock); of watch-start version and
 * interval_ns as well, of silence from_ns, to_ns (wall) and why, of alive in
 * the journal records, from_ns, to_ns and head.
 *
 * With a key each is signed. Unsigned, they are only as true as root's word.
 */
#ifndef BASELINES_HEART_H
#define BASELINES_HEART_H

#include "baselines/journal.h"

#define HEART_FILE_BYTES (1u << 20)

/* Intervals that may pass before it is silence. */
#define HEART_LATE 2u

enum heart_how {
	HEART_NEVER,   /* no watcher has run here */
	HEART_STOPPED, /* it was asked to */
	HEART_SILENT   /* it was killed, or runs */
};

/* What is known of the last run. */
struct heart_last {
	enum heart_how how;
	uint64_t wall_ns;     /* of its last record */
	uint64_t up_ns;	      /* the same, boot clock */
	uint64_t interval_ns; /* what it had promised */
	char run[24], boot[16];
};

/* 0; 1 something is wrong with the records, told in `err`; -1 they cannot be
 * read, likewise. What could be read is in the result in any case. */
int heart_read_last(const char *state, struct heart_last *, struct err *);

struct heart_config { /* borrowed for life */
	const char *state;
	const char *version;
	uint64_t interval_ns;	       /* 0 = starts and stops only */
	const struct sign_secret *key; /* NULL = not signed */
};

/* Zero-initialise; it owns nothing. One at a time for each state folder. */
struct heart {
	struct heart_config config;
	char run[24], boot[16];
	uint64_t beat_up_ns, beat_wall_ns; /* of the last record */
	bool running;
};

/* Says that a run begins; `last` is what it found. -1 with `err`: there is no
 * record, and heart_beat tries no more. */
int heart_start(struct heart *, const struct heart_config *,
		struct heart_last *last, struct err *);
/* To be called often. When the interval is over 1, if it was held up for longer
 * than HEART_LATE of them 2, and *from_ns (wall) says since when. -1 with
 * `err`; the next try is an interval later. */
int heart_beat(struct heart *, uint64_t *from_ns, struct err *);
/* It ends, as it should or not; `why` for people. */
int heart_stop(struct heart *, bool clean, const char *why, struct err *);

/* ---- looking back ---------------------------------------------------- */

/* The silence that lasts, if the last run promised more: true, and since when.
 * `now_ns` wall. */
bool heart_is_silent(const struct heart_last *, uint64_t now_ns);

struct heart_check {
	uint64_t beats; /* that are kept */
	uint64_t is_signed, not_signed;
	uint64_t silences; /* recorded */
};

/* Checks the chains, that the one knows of the other, and each signature;
 * after the first signed record of a watcher all must be. Without keys no
 * signature is looked at. As heart_read_last. */
int heart_verify(const char *state, const struct sign_keys *,
		 struct heart_check *, struct err *);

#endif
