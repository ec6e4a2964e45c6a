/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records in, matches out. */
#include "rules/engine.h"

#include <stdlib.h>

#define SEQUENCES_DEFAULT 65536
#define TERMS_DEFAULT 131072
/* Matches kept for `tail`. */
#define HELD_MAX 65536
/* How often expired sequences are looked for; of event time. */
#define SWEEP_NS (100 * NS_PER_MS)

struct held_match {
	struct held_match *next;
	size_t n;
	struct rules_hit hits[];
};

/* ---- pins ------------------------------------------------------------ */

void *
run_pin(struct rules_run *run, struct record *r)
{
	void *pinned;

	if (r->pin == NULL)
		return NULL;
	run->unpin = r->unpin;
	pinned = r->pin(r);
	run->counters.no_memory += pinned == NULL;
	return pinned;
}

void
run_unpin(struct rules_run *run, void *pinned)
{
	if (pinned != NULL && run->unpin != NULL)
		run->unpin(pinned);
}

static void
unpin_hits(struct rules_run *run, const struct rules_hit *hits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run_unpin(run, hits[i].pinned);
}

/* ---- matches on their way out ---------------------------------------- */

static void
deliver(struct rules_run *run, const struct rule_code *c,
	const struct emit_args *a)
{
	struct rules_match m = {
		.rule = &run->set->rules[c->rule],
		.rule_index = c->rule,
		.hits = a->hits,
		.n = a->n,
		.terms = a->terms,
		.term_fields = a->term_fields,
		.n_terms = a->n_terms,
		.count = a->count > 0 ? a->count : 1,
	};

	run->counters.matches++;
	run->emit[c->rule].cost.matches++;
	if (run->sink.match != NULL)
		run->sink.match(run->sink.ctx, &m);
	unpin_hits(run, a->hits, a->n);
}

static void
drop_oldest_held(struct rules_run *run, struct emit_state *s)
{
	struct held_match *h = s->held_first;

	s->held_first = h->next;
	if (h->next == NULL)
		s->held_last = NULL;
	s->n_held--;
	unpin_hits(run, h->hits, h->n);
	free(h);
}

/* `tail`: only the end of the input tells which matches were the last. */
static void
hold(struct rules_run *run, struct emit_state *s, const struct emit_args *a,
     uint64_t keep)
{
	struct held_match *h = malloc(sizeof(*h) + a->n * sizeof(*a->hits));

	if (h == NULL) {
		run->counters.no_memory++;
		unpin_hits(run, a->hits, a->n);
		return;
	}
	h->next = NULL;
	h->n = a->n;
	for (size_t i = 0; i < a->n; i++) {
		h->hits[i] = a->hits[i];
		if (a->newest != NULL && h->hits[i].pinned == NULL &&
		    !h->hits[i].missing)
			h->hits[i].pinned = run_pin(run, a->newest);
	}
	if (s->held_last != NULL)
		s->held_last->next = h;
	else
		s->held_first = h;
	s->held_last = h;
	s->n_held++;
	if (s->n_held > keep || s->n_held > HELD_MAX) {
		run->counters.sequences_evicted += s->n_held <= keep;
		drop_oldest_held(run, s);
	}
}

void
run_emit(struct rules_run *run, const struct rule_code *c,
	 const struct emit_args *a)
{
	struct emit_state *s = &run->emit[c->rule];

	for (size_t k = 0; k < c->n_pipes; k++) {
		if (c->pipes[k].kind == PIPE_TAIL) {
			hold(run, s, a, c->pipes[k].n);
			return;
		}
		if (s->passed[k] >= c->pipes[k].n) {
			unpin_hits(run, a->hits, a->n);
			return;
		}
		s->passed[k]++;
	}
	deliver(run, c, a);
}

/* The pipes behind the first tail, over what it kept. */
static void
flush_held(struct rules_run *run, const struct rule_code *c)
{
	struct emit_state *s = &run->emit[c->rule];
	uint64_t skip = 0, left = s->n_held;
	size_t k = 0;

	while (k < c->n_pipes && c->pipes[k].kind != PIPE_TAIL)
		k++;
	for (k++; k < c->n_pipes; k++) {
		if (left <= c->pipes[k].n)
			continue;
		if (c->pipes[k].kind == PIPE_TAIL)
			skip += left - c->pipes[k].n;
		left = c->pipes[k].n;
	}
	while (s->held_first != NULL) {
		struct held_match *h = s->held_first;
		struct emit_args a = { .hits = h->hits, .n = h->n };

		if (skip == 0 && left > 0) {
			left--;
			deliver(run, c, &a);
			for (size_t i = 0; i < h->n; i++)
				h->hits[i].pinned = NULL;
		} else if (skip > 0) {
			skip--;
		}
		drop_oldest_held(run, s);
	}
}

/* ---- one event ------------------------------------------------------- */

static void
emit_event(struct rules_run *run, const struct rule_code *c, struct record *r)
{
	struct rules_hit hit = { .time_ns = r->time_ns, .seq = r->seq };

	run_emit(run, c,
		 &(struct emit_args){ .hits = &hit, .n = 1, .newest = r });
}

static void
dispatch(struct rules_run *run, size_t rule, struct record *r,
	 uint64_t satisfied)
{
	const struct rule_code *c = &run->set->code[rule];

	switch (c->kind) {
	case CODE_EVENT:
		emit_event(run, c, r);
		break;
	case CODE_SEQUENCE:
		sequence_feed(run, run->sequences[rule], r, satisfied);
		break;
	case CODE_SAMPLE:
		sample_feed(run, run->samples[rule], r, satisfied);
		break;
	case CODE_TERMS:
		terms_feed(run, run->terms[rule], r);
		break;
	case CODE_THRESHOLD:
		threshold_feed(run, run->thresholds[rule], r);
		break;
	}
}

/* What began at `from_ns` was one event's of the many; returns the time. */
static uint64_t
charge(struct rules_cost *cost, uint64_t from_ns)
{
	uint64_t now_ns = clock_boot_ns();

	cost->spent_ns += (now_ns - from_ns) * RULES_TIMED_EVENTS;
	return now_ns;
}

/* Stages of a rule have neighbouring ids: they are gathered, then fed. */
static void
run_candidates(struct rules_run *run, struct record *r, struct candidates c)
{
	const struct stage_start *starts = run->set->starts;
	bool timed = run->counters.events % RULES_TIMED_EVENTS == 0;
	uint64_t from_ns = timed && c.n > 0 ? clock_boot_ns() : 0;

	for (size_t i = 0; i < c.n;) {
		const struct stage_start *s = &starts[c.v[i].stage];
		uint32_t rule = s->rule;
		size_t first = i;
		uint64_t satisfied = 0;

		do {
			if (eval_from(&run->eval, s->tests, c.v[i].entry))
				satisfied |= 1ull << s->place;
			s = ++i < c.n ? &starts[c.v[i].stage] : NULL;
		} while (s != NULL && s->rule == rule);
		run->emit[rule].cost.evaluations += i - first;
		if (satisfied != 0)
			dispatch(run, rule, r, satisfied);
		if (timed)
			from_ns = charge(&run->emit[rule].cost, from_ns);
	}
}

/* What was found of leaves is forgotten. */
static void
next_stamp(struct rules_run *run)
{
	struct eval *e = &run->eval;

	if (++e->stamp >> 31 != 0) { /* the memo keeps 31 bits of it */
		memset(e->memo, 0, run->set->n_leaves * sizeof(*e->memo));
		index_forget(run->index);
		e->stamp = 1;
	}
}

bool
run_joint(struct rules_run *run, const struct program *p)
{
	bool holds;

	next_stamp(run);
	run->eval.earlier = run->earlier;
	holds = eval_program(&run->eval, p);
	run->eval.earlier = NULL;
	return holds;
}

void
run_begin(struct rules_run *run, struct record *r)
{
	run->eval.record = r;
	next_stamp(run);
	run->counters.events++;
	run->failed = run_failures(run);
	if (run->eval.lineage != NULL)
		lineage_feed(run->eval.lineage, &run->eval);
}

static void
advance_time(struct rules_run *run, uint64_t time_ns)
{
	run->next_deadline_ns = UINT64_MAX;
	run->swept_ns = time_ns;
	for (size_t i = 0; i < run->n_timed; i++)
		sequence_watermark(run, run->timed[i], time_ns);
}

void
rules_feed(struct rules_run *run, struct record *r)
{
	run_begin(run, r);
	if (r->time_ns > run->next_deadline_ns)
		advance_time(run, r->time_ns);
	if (run->set->n_stages > 0)
		run_candidates(run, r, index_candidates(run, r));
}

/* Called with each event: as long as nothing is due it is done soon. A rule
 * whose sequence is fed forgets what has expired by itself; of the others it
 * only frees the memory sooner. */
void
rules_watermark(struct rules_run *run, uint64_t time_ns)
{
	if (time_ns > run->next_deadline_ns || time_ns < run->swept_ns ||
	    time_ns - run->swept_ns >= SWEEP_NS)
		advance_time(run, time_ns);
	if (time_ns != UINT64_MAX)
		return;
	for (size_t i = 0; i < run->set->n_rules; i++)
		if (run->set->code[i].live)
			flush_held(run, &run->set->code[i]);
}

/* ---- life ------------------------------------------------------------ */

static int
new_state(struct rules_run *run, size_t i)
{
	const struct rule_code *c = &run->set->code[i];
	size_t sequences = run->options.max_sequences;
	size_t terms = run->options.max_terms;
	const void *made = run;

	if (!c->live)
		return 0;
	if (c->kind == CODE_SEQUENCE)
		made = run->timed[run->n_timed++] = run->sequences[i] =
			sequence_new(run, c, sequences);
	else if (c->kind == CODE_SAMPLE)
		made = run->samples[i] = sample_new(c, sequences);
	else if (c->kind == CODE_TERMS)
		made = run->terms[i] = terms_new(run, c, terms);
	else if (c->kind == CODE_THRESHOLD)
		made = run->thresholds[i] = threshold_new(c, sequences);
	return made == NULL ? -1 : 0;
}

static bool
has_tables(const struct rules_run *run)
{
	return run->emit != NULL && run->sequences != NULL &&
	       run->timed != NULL && run->samples != NULL &&
	       run->terms != NULL && run->thresholds != NULL;
}

static int
new_tables(struct rules_run *run)
{
	const struct rules *set = run->set;
	size_t n = set->n_rules + 1;

	run->eval.memo = calloc(set->n_leaves + 1, sizeof(*run->eval.memo));
	run->eval.regex = regex_room_new();
	run->index = run->eval.index = index_run_new(set);
	run->emit = calloc(n, sizeof(*run->emit));
	run->earlier = calloc(set->n_earlier + 1, sizeof(*run->earlier));
	run->sequences = calloc(n, sizeof(*run->sequences));
	run->timed = calloc(n, sizeof(*run->timed));
	run->samples = calloc(n, sizeof(*run->samples));
	run->terms = calloc(n, sizeof(*run->terms));
	run->thresholds = calloc(n, sizeof(*run->thresholds));
	if (set->n_lineages > 0) {
		run->eval.lineage =
			lineage_new(set, run->options.max_sequences);
		if (run->eval.lineage == NULL)
			return -1;
	}
	if (run->eval.memo == NULL || run->eval.regex == NULL ||
	    run->index == NULL || run->earlier == NULL || !has_tables(run))
		return -1;
	for (size_t i = 0; i < set->n_rules; i++)
		if (new_state(run, i) < 0)
			return -1;
	return 0;
}

struct rules_run *
rules_run_new(const struct rules *set, const struct rules_options *options,
	      const struct rules_sink *sink)
{
	struct rules_run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->set = set;
	if (options != NULL)
		run->options = *options;
	if (run->options.max_sequences == 0)
		run->options.max_sequences = SEQUENCES_DEFAULT;
	if (run->options.max_terms == 0)
		run->options.max_terms = TERMS_DEFAULT;
	if (sink != NULL)
		run->sink = *sink;
	run->eval.set = set;
	run->next_deadline_ns = UINT64_MAX;
	run->eval.counters = &run->counters;
	if (new_tables(run) < 0) {
		rules_run_free(run);
		return NULL;
	}
	return run;
}

void
rules_run_free(struct rules_run *run)
{
	if (run == NULL)
		return;
	for (size_t i = 0; has_tables(run) && i < run->set->n_rules; i++) {
		while (run->emit[i].held_first != NULL)
			drop_oldest_held(run, &run->emit[i]);
		sequence_free(run, run->sequences[i]);
		sample_free(run, run->samples[i]);
		terms_free(run->terms[i]);
		threshold_free(run->thresholds[i]);
	}
	index_run_free(run->index);
	lineage_free(run->eval.lineage);
	regex_room_free(run->eval.regex);
	arena_free(&run->eval.scratch);
	buf_free(&run->eval.fold);
	buf_free(&run->key);
	free(run->eval.memo);
	free(run->emit);
	free(run->earlier);
	free(run->sequences);
	free(run->timed);
	free(run->samples);
	free(run->terms);
	free(run->digests);
	free(run->thresholds);
	free(run);
}

void
rules_run_remember(struct rules_run *run, struct view rule_id,
		   const uint8_t key[16], uint64_t last_seen_ns)
{
	for (size_t i = 0; i < run->set->n_rules; i++)
		if (run->terms[i] != NULL &&
		    view_eq(run->set->rules[i].id, rule_id))
			terms_remember(run, run->terms[i], key, last_seen_ns);
}

struct rules_cost
rules_run_cost(const struct rules_run *run, size_t i)
{
	return run->emit[i].cost;
}

struct rules_counters
rules_run_counters(const struct rules_run *run)
{
	return run->counters;
}
