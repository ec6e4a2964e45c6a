/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loss found, recorded and repaired, on the side of whoever remembers: gaps
 * are opened by losses, by a start, by a suspended host; lists of what is
 * there (event.h, LIST_BEGIN) close them, after the ledger has turned what
 * differs into the events that were missed. Lists are made by the sensors,
 * unasked after a loss that they know of; here is only asked for one when it
 * was something else.
 */
#ifndef FIM_REPAIR_H
#define FIM_REPAIR_H

#include "fim/alert.h"
#include "fim/clocks.h"
#include "fim/gaps.h"
#include "fim/ledger.h"
#include "fim/pipeline.h"

struct repair_config { /* all borrowed for life */
	struct state *state;
	const char *folder; /* of the state */
	const struct host *host;
	const struct watchset *watchset; /* its content may change */
	struct pipeline *pipeline;
	FILE *notes;
	/* NULL = the host's; tests have others. */
	void (*read_clocks)(struct clocks *);
	/* The file sensor is to list again. */
	void (*relist)(void *ctx);
	void *ctx;
};

struct repair;

/* NULL: the database's failure (state_problem), or no memory. */
struct repair *repair_open(const struct repair_config *);
void repair_close(struct repair *); /* NULL is allowed */

/* Before the sensors tell what exists: how the last run ended. `files`: there
 * is a sensor that will list them. */
void repair_start(struct repair *, bool files, const struct heart_last *);
/* The same, after an engine that was heard of last at that time (wall). */
void repair_resume(struct repair *, uint64_t heard_ns);
/* After repair_start: a process that began then (boot), before any sensor told
 * of it, began after the run before had told of its last. */
bool repair_missed(const struct repair *, uint64_t start_ns);
/* For pipeline_config: loss and list. */
void repair_lost(struct repair *, const struct event *);
void repair_list(struct repair *, const struct event *);
/* An alert on its way out is counted. */
void repair_alert(struct repair *, const struct alert *);
/* Time has passed; everything until `seen_ns` (boot) has been seen, 0 = more is
 * waiting. */
void repair_tick(struct repair *, uint64_t seen_ns);
/* The end, after everything else. */
void repair_stop(struct repair *);
/* The last commit was tried: what is not stored by now never will be. */
void repair_end(struct repair *);

struct repair_counters {
	uint64_t gaps;	  /* since the start */
	uint64_t changes; /* found by looking, and not told by events */
	uint64_t alerts;  /* of these */
	uint64_t open;	  /* gaps that wait to be looked at */
	struct ledger_counters ledger;
};
struct repair_counters repair_count(const struct repair *);

#endif
