/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feeding recorded events to the rules. */
#include <stdlib.h>

#include "fim/journal_file.h"
#include "fim/replay.h"

/* Steps back up to this are what clocks of several CPUs and a short queue
 * make of events in causal order: not worth a word. */
#define LATE_NS NS_PER_SEC

struct replay {
	const struct replay_config *config;
	struct replay_result *result;
	struct document *document;
	struct rules_run *run; /* made at the first event or trace line */
	struct alerter *alerter;
	struct record *now; /* being fed; NULL during a watermark */
	uint64_t end_ns;    /* of a trace; 0 = it has none */
	uint64_t last_ns;
	struct replay_id *ids; /* of the match being reported */
	size_t n_ids;
	struct err *err;
};

/* What a pending sequence keeps of an event when only its name is wanted. */
struct name_pin {
	size_t n;
	char text[];
};

static void *
name_pin(struct record *r)
{
	struct view id = document_id(r->ctx);
	struct name_pin *pin = malloc(sizeof(*pin) + id.n);

	if (pin == NULL)
		return NULL;
	pin->n = id.n;
	memcpy(pin->text, id.p, id.n);
	return pin;
}

static int
stop(struct replay *r, const char *why)
{
	return err_add(r->err, (struct place){ 0 }, "%s", why);
}

/* ---- matches --------------------------------------------------------- */

static bool
ids_room(struct replay *r, size_t n)
{
	struct replay_id *ids;

	if (n <= r->n_ids)
		return true;
	ids = reallocarray(r->ids, n, sizeof(*ids));
	if (ids == NULL)
		return false;
	r->ids = ids;
	r->n_ids = n;
	return true;
}

static void
on_match(void *ctx, const struct rules_match *match)
{
	struct replay *r = ctx;

	r->result->matches++;
	if (r->alerter != NULL) {
		alerter_match(r->alerter, r->now, match);
		return;
	}
	if (!ids_room(r, match->n))
		return;
	for (size_t i = 0; i < match->n; i++) {
		const struct rules_hit *hit = &match->hits[i];
		const struct name_pin *pin = hit->pinned;
		struct replay_id *id = &r->ids[i];

		*id = (struct replay_id){ .missing = hit->missing,
					  .json = VIEW("null") };
		if (pin != NULL)
			id->json = (struct view){ pin->text, pin->n };
		else if (!hit->missing && r->now != NULL)
			id->json = document_id(r->document);
	}
	r->config->match(r->config->ctx, match->rule, r->ids, match->n);
}

/* ---- events ---------------------------------------------------------- */

static int
run_start(struct replay *r, uint64_t learn_until_ns)
{
	struct rules_options options = { .learn_until_ns = learn_until_ns };
	struct rules_sink sink = { .match = on_match, .ctx = r };

	r->run = rules_run_new(r->config->rules, &options, &sink);
	return r->run != NULL ? 0 : stop(r, "out of memory");
}

/* The event's place in time; never before the last one. */
static uint64_t
event_time(struct replay *r)
{
	uint64_t ns = r->last_ns;

	if (!document_time(r->document, &ns))
		r->result->timeless++;
	if (ns < r->last_ns) {
		if (r->last_ns - ns > LATE_NS)
			r->result->late++;
		ns = r->last_ns;
	}
	return ns;
}

static void
watermark(struct replay *r, uint64_t time_ns)
{
	r->now = NULL;
	rules_watermark(r->run, time_ns);
	if (r->alerter != NULL)
		alerter_watermark(r->alerter, time_ns);
}

static int
take_event(void *ctx, struct document *document)
{
	struct replay *r = ctx;
	struct record *record = document_record(document);

	if (r->run == NULL && run_start(r, 0) != 0)
		return -1;
	record->time_ns = event_time(r);
	record->seq = ++r->result->events;
	if (record->time_ns > r->last_ns || r->result->events == 1)
		watermark(r, record->time_ns);
	r->last_ns = record->time_ns;
	r->now = record;
	if (r->config->event != NULL)
		r->config->event(r->config->ctx, record, document_id(document));
	rules_feed(r->run, record);
	return 0;
}

static void
take_term(void *ctx, const struct document_term *term)
{
	struct replay *r = ctx;

	rules_run_remember(r->run, term->rule, term->key, term->last_seen_ns);
}

static int
take_trace(void *ctx, struct document *document, struct ndjson_fault *fault)
{
	struct replay *r = ctx;
	uint64_t learn_until_ns, end_ns;

	/* Twice: first for the time, which the run must be made with. */
	if (r->run == NULL) {
		if (document_learning(document, &learn_until_ns, fault) != 0)
			return -1;
		if (run_start(r, learn_until_ns) != 0)
			return -1;
	}
	if (document_end(document, &end_ns, fault) != 0)
		return -1;
	if (end_ns > 0)
		r->end_ns = end_ns;
	return document_terms(document, take_term, r, fault);
}

static int
replay_inputs(struct replay *r, const char *const *names, size_t n)
{
	const struct replay_config *c = r->config;
	struct inputs_config inputs = {
		.document = r->document,
		.time_field = c->time_field,
		.order = c->order,
		.sink = { take_event, take_trace, r },
		.stopped = c->stopped,
	};
	int64_t faults =
		c->journals ? journal_files_read(&inputs, names, n,
						 &r->result->dropped, r->err)
			    : inputs_read(&inputs, names, n, r->err);

	if (faults < 0)
		return -1;
	r->result->faults = faults;
	r->result->stopped = c->stopped != NULL && c->stopped();
	if (r->run == NULL)
		return 0;
	/* What only waited for time to pass: all there is, unless a trace says
	 * when its recording ended and nothing was waited for any longer. */
	r->now = NULL;
	if (!r->result->stopped)
		rules_watermark(r->run, r->end_ns > 0 ? r->end_ns : UINT64_MAX);
	if (r->alerter != NULL) {
		alerter_flush(r->alerter);
		r->result->alerts_lost = alerter_lost(r->alerter);
		r->result->incomplete = alerter_incomplete(r->alerter);
		r->result->alike = alerter_alike(r->alerter);
	}
	r->result->counters = rules_run_counters(r->run);
	return 0;
}

static int
replay_start(struct replay *r)
{
	const struct replay_config *c = r->config;
	struct record *record;

	r->document = document_new(c->rules, c->time_field, c->id_field);
	if (r->document == NULL)
		return stop(r, "out of memory");
	record = document_record(r->document);
	record->pin = c->match != NULL ? name_pin : alert_pin;
	record->unpin = c->match != NULL ? free : alert_unpin;
	if (c->match != NULL)
		return 0;
	r->alerter = alerter_new(c->rules, &c->alerts);
	return r->alerter != NULL ? 0 : stop(r, "out of memory");
}

int
replay_run(const struct replay_config *config, const char *const *names,
	   size_t n, struct replay_result *result, struct err *err)
{
	struct replay r = { .config = config, .result = result, .err = err };
	int code = -1;

	*result = (struct replay_result){ 0 };
	if (replay_start(&r) == 0)
		code = replay_inputs(&r, names, n);
	rules_run_free(r.run);
	alerter_free(r.alerter);
	document_free(r.document);
	free(r.ids);
	return code;
}
