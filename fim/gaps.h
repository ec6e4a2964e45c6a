/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of gaps: when something could not be seen, what, why, and what
 * looking again has found. Each is a row of `gaps` in state.db, which reports
 * read, and one record "gap" of the journal (baselines/journal.h) once it is
 * closed. Starts and stops stand there already (baselines/heart.h).
 *
 * Losses of one kind that follow each other within ten seconds are one gap.
 * Times are wall time unless the name says otherwise.
 */
#ifndef FIM_GAPS_H
#define FIM_GAPS_H

#include "baselines/heart.h"
#include "fim/event.h"
#include "fim/state.h"

/* How the last run ended. */
enum gaps_end {
	GAPS_FIRST,   /* there was none */
	GAPS_STOPPED, /* cleanly */
	GAPS_KILLED,  /* killed or crashed */
	GAPS_DOWN,    /* so was the host, or it crashed itself */
};
const char *gaps_end_words(enum gaps_end); /* "stopped cleanly" */

struct gap {
	enum role role;
	uint64_t from_ns, to_ns;
	struct view scope, cause;
	uint64_t lost;
	bool again; /* it ends when what is there has been listed */
	/* Changes and alerts counted so far: what is added until it is closed,
	 * it has found. */
	uint64_t changes, alerts;
};

struct gaps;

/* `folder`, `notes` are borrowed for life. NULL: the database's failure, or no
 * memory. */
struct gaps *gaps_open(struct state *, const char *folder, FILE *notes);
void gaps_close(struct gaps *); /* NULL is allowed */

/* The run begins: how the last one ended, and when, as far as is known.
 * `boot`: first 8 digits of the boot id. */
enum gaps_end gaps_start(struct gaps *, uint64_t now_ns,
			 const struct heart_last *, struct view boot,
			 uint64_t *ended_ns);
/* Nobody will look again because of what a run before has left of this role. */
void gaps_forgo(struct gaps *, enum role);
/* Everything until then has been seen; now and then, so that a kill leaves a
 * time, and at the end. */
void gaps_alive(struct gaps *, uint64_t seen_ns);

/* Of which processes a run has told. Times are boot time. */
struct gaps_told {
	uint32_t boot;	   /* its id's first 8 hex digits; 0 = not known */
	uint64_t until_ns; /* of all that had begun by then */
	/* The latest event with an alert, stored with it: whoever began before
	 * that was told of, too. */
	uint64_t alerted_ns;
};
/* As the run before left it, if this one has not begun. */
struct gaps_told gaps_told(struct gaps *);
void gaps_tell(struct gaps *, const struct gaps_told *);
void gaps_alerted(struct gaps *, uint64_t alerted_ns); /* that alone */

void gaps_add(struct gaps *, const struct gap *, uint64_t boot_ns);
bool gaps_is_open(const struct gaps *, enum role);
/* What is there was listed: everything open of this role is closed. */
void gaps_end(struct gaps *, enum role, uint64_t now_ns, uint64_t boot_ns,
	      uint64_t changes, uint64_t alerts);
/* Journal records that are due; `all`: the others, too. Gaps that the database
 * had no room for are written again. */
void gaps_journal(struct gaps *, uint64_t boot_ns, bool all);
/* Failures of the database since the start. */
uint64_t gaps_failed(const struct gaps *);

#endif
