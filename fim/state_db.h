/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the state database (state.h) share; for them alone. */
#ifndef FIM_STATE_DB_H
#define FIM_STATE_DB_H

#include <sqlite3.h>

#include "fim/state.h"

enum state_statement {
	STATE_ADD_ALERT,
	STATE_ADD_TERM,
	STATE_ADD_GAP,
	STATE_FIRST_START,
	STATE_ADD_OUTPUT,
	STATE_TRIM,
	STATE_STATEMENTS,
};

/* A row that waits for state_commit: up to three texts, then three numbers,
 * bound as ?1 to ?3 and ?4 to ?6. */
#define STATE_TEXTS 3
#define STATE_NUMBERS 3
struct state_entry {
	struct state_entry *next;
	enum state_statement what;
	size_t lengths[STATE_TEXTS];
	int64_t numbers[STATE_NUMBERS];
	char bytes[]; /* the texts, one after the other */
};

struct state {
	sqlite3 *db;
	sqlite3_stmt *statements[STATE_STATEMENTS];
	struct state_entry *first, **last; /* owned; in order */
	struct state_held held;
	uint64_t lost_from_ns; /* wall; when the first was lost */
	uint64_t again_ns;     /* boot; not to be tried before */
	unsigned untrimmed;    /* alerts since old ones were removed */
	bool failing;	       /* the last commit failed */
	uint64_t undone;       /* transactions */
	uint64_t committed;    /* by state_commit */
	char problem[160];
};

/* What a database that somebody else has written may not do to who reads it:
 * stand views and triggers in the way of tables, which can work for ever, or
 * grow values beyond those that are written. Before the first statement. */
void state_distrust(sqlite3 *);
/* state_each_term of any connection. */
int state_terms(sqlite3 *,
		void (*each)(void *ctx, struct view rule_id,
			     const uint8_t key[16], uint64_t last_seen_ns),
		void *ctx);
void state_queue_free(struct state *);
void state_set_problem(struct state *, const char *);

#endif
