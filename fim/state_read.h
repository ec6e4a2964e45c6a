/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state database (state.h) for those who only read it, also while the
 * monitor writes. What it gives is borrowed for the call. */
#ifndef FIM_STATE_READ_H
#define FIM_STATE_READ_H

#include "scan/base.h"

struct state_reader;

enum state_found { STATE_FOUND, STATE_NONE, STATE_UNREADABLE };

/* NULL unless STATE_FOUND; `why` (SQLite's words) if UNREADABLE. */
struct state_reader *
state_reader_open(const char *folder, enum state_found *, struct buf *why);
void state_reader_close(struct state_reader *);

/* What has been seen before: state_each_term. 0, or -1: damaged. */
int state_reader_each_term(struct state_reader *,
			   void (*each)(void *ctx, struct view rule_id,
					const uint8_t key[16],
					uint64_t last_seen_ns),
			   void *ctx);
/* When the monitor first ran with this state; 0 = never to its end. */
uint64_t state_reader_first_start(struct state_reader *);

/* Rows in the order in which they came: those with a number above `after_seq`
 * or, where that is 0 or the database was begun anew since, from `from_ns` on.
 * At most `max` are given; `n` counts all, `last_seq` is the last one's. */
struct state_span {
	uint64_t after_seq, from_ns, max;
	uint64_t n, last_seq;
};
struct state_gap {
	uint64_t from_ns, to_ns, lost;
	struct view scope, cause;
	uint64_t closed_ns; /* when it had been looked at again; 0 = not */
	uint64_t changes, alerts; /* that this has found */
};
/* 0, or -1: the database is damaged, in the middle perhaps. */
int state_each_alert(struct state_reader *, struct state_span *,
		     void (*each)(void *ctx, struct view json), void *ctx);
int state_each_gap(struct state_reader *, struct state_span *,
		   void (*each)(void *ctx, const struct state_gap *),
		   void *ctx);

#endif
