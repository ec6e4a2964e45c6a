/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor in figures (metrics.def), as a text file for Prometheus'
 * node_exporter: written anew every 15 seconds and at the end, complete or not
 * at all. How many alerts there were tells an intruder whether he was seen, so
 * the file is for owner and group only; a folder with the set-group-ID bit
 * says which group.
 */
#ifndef FIM_METRICS_H
#define FIM_METRICS_H

#include "fim/alert.h"

#define METRICS_EVERY_NS (15 * NS_PER_SEC)

struct monitor;

struct metrics_tally { /* what a rule has said since the start */
	char *id;      /* owned */
	size_t n;      /* its length */
	uint64_t alerts, suppressed;
};

struct metrics {	     /* zero-initialise but for statm; metrics_free */
	int statm;	     /* /proc/self/statm; owned, -1 = not open */
	const char *path;    /* borrowed; NULL = not wanted */
	uint64_t started_ns; /* wall */
	uint64_t next_ns;    /* boot; when to write again */
	struct metrics_tally *tallies;
	size_t n_tallies;
	bool stale;  /* the last reload was refused */
	bool failed; /* the last writing, and that has been said */
};

/* Events, sequences and alerts that lack of memory has cost. */
uint64_t metrics_no_memory(const struct monitor *);

/* While /proc can still be opened. */
void metrics_open(struct metrics *);
/* An alert on its way out is counted. */
void metrics_alert(struct metrics *, const struct alert *);
/* All figures as they are now. */
void metrics_format(struct monitor *, bool up, struct buf *out);
/* Writes the file when it is time to (boot time); says once when it cannot. */
void metrics_write(struct monitor *, uint64_t now_ns);
void metrics_write_last(struct monitor *);
void metrics_free(struct metrics *);

#endif
