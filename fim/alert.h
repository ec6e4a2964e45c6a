/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a match to an alert: evidence gathered, an id that depends on rule and
 * events alone, at most `max_signals` alerts of a rule in five minutes (then
 * one counted summary), and one of those that its alert_suppression takes for
 * the same. An alert is itself a record: it is encoded by the same table of
 * fields as events are, and a replay of the recorded events gives the same
 * alerts, byte for byte.
 */
#ifndef FIM_ALERT_H
#define FIM_ALERT_H

#include "rules/rules.h"

#define ALERT_WINDOW_NS (300 * NS_PER_SEC)

/* One alert, valid during the call that delivers it. */
struct alert {
	struct view id; /* 32 hex digits */
	const struct rule *rule;
	uint64_t time_ns;      /* wall; of the last event */
	uint64_t suppressed;   /* >0: the summary of so many others */
	struct record *record; /* every field, fields_encode */
};

struct alert_sink {
	void (*take)(void *ctx, const struct alert *);
	void *ctx;
};

struct alerter;

/* `rules` is borrowed. NULL when memory is out. */
struct alerter *alerter_new(const struct rules *, const struct alert_sink *);
void alerter_free(struct alerter *);
/* To be called from rules_sink.match with the record being fed; NULL for a
 * match that a watermark completed: then the last pinned event speaks, as far
 * as its pin keeps it (evidence.h). */
void
alerter_match(struct alerter *, struct record *, const struct rules_match *);
/* Event time has reached this: sends the summaries whose window is over. */
void alerter_watermark(struct alerter *, uint64_t time_ns);
/* Sends all summaries that are still open; at the end. */
void alerter_flush(struct alerter *);
/* For lack of memory: alerts that were not sent; those that were, without some
 * of what they should say. */
uint64_t alerter_lost(const struct alerter *);
uint64_t alerter_incomplete(const struct alerter *);
/* Not given, as the same had been said (suppress.h). */
uint64_t alerter_alike(const struct alerter *);

/*
 * What a pending sequence keeps of an event: for record.pin and unpin. The
 * whole event as ECS JSON, its id and its one-line summary, in one block.
 */
struct alert_pin {
	bool named; /* has an id */
	struct value id;
	struct view summary;
	struct view json;
};
void *alert_pin(struct record *);
void alert_unpin(void *);

/* "bash (pid 7, root) ran …": one sentence for people, not escaped. */
void alert_summary(struct record *, struct buf *out);

/* One line of JSON with its line end. */
void alert_format_json(const struct alert *, struct buf *out);
/* A few lines for a terminal, escaped; `colour` adds SGR sequences. */
void alert_format_text(const struct alert *, bool colour, struct buf *out);
/* Parts of it: severity, name and id, without a line end; what the rule is
 * about and its techniques; what happened, and the facts. */
void alert_put_title(const struct rule *, bool colour, struct buf *out);
void alert_put_reason(const struct rule *, struct buf *out);
void alert_put_facts(const struct alert *, struct buf *out);

#endif
