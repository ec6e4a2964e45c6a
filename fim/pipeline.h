/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of an event: process table, record, rules, alert. One direction, one
 * event at a time, nothing kept back: what the sensors deliver in causal order
 * is applied, matched and turned into alerts in that order.
 *
 * Event time never runs back here: a time stamp below its predecessor's (CPUs
 * differ by up to 225 µs) is raised to it, so that order of delivery, which is
 * the causal one, and order of time agree.
 */
#ifndef FIM_PIPELINE_H
#define FIM_PIPELINE_H

#include "fim/alert.h"
#include "fim/live.h"
#include "fim/procfs.h"
#include "fim/sensor.h"

struct pipeline_config { /* borrowed for life, but for `rules` */
	const struct host *host;
	struct procs_options procs;
	struct scan_limits limits;
	uint64_t learn_until_ns;	 /* rules_options; wall */
	uint64_t first_seq;		 /* event ids go on from here */
	size_t max_terms, max_sequences; /* 0 = the engine's defaults */
	/* Alerts, new terms and losses go out through these. */
	struct alert_sink alerts;
	void (*term)(void *ctx, const struct rule *, const uint8_t key[16],
		     uint64_t last_seen_ns);
	void (*loss)(void *ctx, const struct event *);
	/* LIST_…, LISTED, REFRESHED; NULL = nobody remembers. */
	void (*list)(void *ctx, const struct event *);
	/* False: no alert is made of this match. NULL = all are wanted. */
	bool (*wanted)(void *ctx, struct record *, const struct rules_match *);
	/* Every matched event, before its alerts; NULL = not wanted. */
	void (*trace)(void *ctx, struct record *);
	/* A file event or message names this process: whoever sees processes
	 * looks at it before that is attributed. NULL = it knows already. */
	void (*look)(void *ctx, uint32_t pid);
	void *ctx; /* of term, loss, list, wanted, trace, look */
	/* Zero: /proc, by ourselves. */
	struct process_reader reader;
	/* /etc/passwd and /etc/group; NULL = by ourselves (names.h). */
	names_open *open_names;
	void *open_names_ctx;
};

struct pipeline_counters {
	uint64_t events;  /* matched against the rules */
	uint64_t unknown; /* of a process that is not in the table */
	uint64_t lost;	  /* said by the sensors */
	/* For lack of memory: alerts that are lost, alerts and events that lack
	 * something; what rules could not be asked of those is unknown. */
	uint64_t alerts_lost, incomplete;
	uint64_t alike; /* alerts held back: see alerter_alike */
	uint64_t bytes; /* of files, read for their facts */
	/* Of `events`: those found by looking, after a loss or at start, by
	 * what they are of. */
	uint64_t found[ROLES];
};

struct pipeline;

struct pipeline *pipeline_new(const struct pipeline_config *);
void pipeline_free(struct pipeline *);
/* From now on these rules (borrowed until the next call or free); pending
 * sequences of the old set are given up. -1 when memory is out, with the old
 * set still in force. Remembered terms must be given again. */
int pipeline_use_rules(struct pipeline *, const struct rules *);
void pipeline_remember(struct pipeline *, struct view rule_id,
		       const uint8_t key[16], uint64_t last_seen_ns);
/* Where the file events come from, for their files' facts. */
void pipeline_use_opener(struct pipeline *, const struct opener *);
/* To be given to sensors: ctx is the pipeline. */
void pipeline_take(void *pipeline, const struct event *);
/* An event of a process that was told in another way: it is known, and not held
 * against the rules. */
void pipeline_note(struct pipeline *, const struct event *);
/* Nothing older than this boot time is on its way: time passes. 0: it passes
 * with the events alone, but what has ended is forgotten. */
void pipeline_tick(struct pipeline *, uint64_t boot_ns);
/* The end: open summaries are sent. Returns the wall time up to which all
 * events had come. */
uint64_t pipeline_finish(struct pipeline *);
/* "bash (pid 12, root)", as far as it is known now. */
void pipeline_put_who(const struct pipeline *, uint32_t pid, struct buf *out);
struct pipeline_counters pipeline_count(const struct pipeline *);
struct rules_counters pipeline_rules_count(const struct pipeline *);
struct rules_cost pipeline_rule_cost(const struct pipeline *, size_t rule);
struct procs_counters pipeline_procs_count(const struct pipeline *);

#endif
