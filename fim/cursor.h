/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An output's place in the state database (state.h): the alerts behind it, and
 * what has become of those before. Used by the process of that output, beside
 * the watcher, which never waits for it: a cursor is written in one short
 * statement, and one that finds the database busy, or the disk full, is written
 * with the next.
 */
#ifndef FIM_CURSOR_H
#define FIM_CURSOR_H

#include "scan/base.h"

/* What is read at once: as many alerts, and no more after this many bytes. */
#define CURSOR_BATCH 64
#define CURSOR_BATCH_BYTES ((size_t)1 << 20)

struct cursor_alert {
	uint64_t seq, time_ns;
	struct view id, rule_id, json; /* of the batch's arena */
};

struct cursor_batch { /* zero-initialise; arena_free */
	struct cursor_alert v[CURSOR_BATCH];
	size_t n;
	struct arena arena;
};

/* As in the table `outputs`, since the output was first configured. */
struct cursor_figures {
	uint64_t seq;	    /* all up to this are done with */
	uint64_t delivered; /* alerts acknowledged */
	uint64_t retries;   /* deliveries that failed */
	uint64_t refused;   /* alerts that the other side does not take */
	uint64_t missed;    /* alerts removed before they were delivered */
};

struct cursor;

/* NULL with a sentence in `why`. Opens all that it will ever need: after this,
 * files can be out of reach. */
struct cursor *
cursor_open(const char *folder, struct view name, struct buf *why);
void cursor_close(struct cursor *);

/* Where it stands; the caller counts in it, and cursor_save writes it. */
struct cursor_figures *cursor_figures(struct cursor *);
/* The next alerts behind the cursor; n = 0: there are none. -1: the database
 * cannot be read now. */
int cursor_read(struct cursor *, struct cursor_batch *);
/* `problem`: why nothing is delivered, "" when it is. -1: not now. */
int cursor_save(struct cursor *, struct view problem);

/* For those who only tell: every output that has ever been, borrowed. */
struct cursor_state {
	struct view name, problem;
	struct cursor_figures figures;
	uint64_t behind; /* alerts that it has yet to deliver */
};
struct sqlite3;
int cursor_each(struct sqlite3 *,
		void (*each)(void *ctx, const struct cursor_state *),
		void *ctx);

#endif
