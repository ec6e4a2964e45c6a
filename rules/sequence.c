/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequences. Per join key and stage at most one sequence is pending; a newer
 * one takes its place. An event tries the stages from last to first, so that
 * it may advance several pending sequences, but none twice; a sequence it
 * advances leaves its old place even if maxspan then rejects it.
 *
 * Missing events: the positive stages are matched first as if the others were
 * not there. What a missing-event filter sees is noted: between two positive
 * stages on the pending sequence (the earliest after its last event), before
 * the first in the key's group (the latest two times, to tell "before" from
 * "at the same time"), after the last on the sequences that wait for the end
 * of their span. Waiting ones are delivered in the order they completed.
 *
 * A stage sleeps while nothing is pending that it could move on or end. On most
 * hosts most sequences are never begun.
 */
#include "rules/kept.h"

#include <stdlib.h>

struct pending {
	struct pending *spare;	      /* next unused */
	struct pending *next_wait;    /* in order of completion */
	struct pending *next_here;    /* of the same group */
	struct sequence_group *group; /* while waiting */
	uint64_t first_ns, last_ns, last_seq;
	uint64_t lead_ns, gap_ns, deadline_ns;
	bool has_lead, has_gap, doomed, dead;
	struct kept *kept; /* newest first */
	size_t n;	   /* hits so far */
	struct rules_hit hits[];
};

struct sequence_group {
	struct group g;
	uint64_t lead_ns[2]; /* newest first, different */
	unsigned n_lead;
	struct pending *waiting;
	struct pending *slots[]; /* [k]: k + 1 events seen */
};

struct sequence_run {
	const struct rule_code *code;
	struct group_table table;
	size_t cap, n_pending;
	struct pending *spare;
	struct pending *wait_first, *wait_last;
	unsigned *positive; /* stage of each positive place */
	uint64_t *gaps;	    /* [k]: stages that must not come before place k;
			     * [n]: after the last */
	size_t n;	    /* positive places */
	uint64_t missing;   /* all stages of gaps */
	size_t *n_here;	    /* [k]: pending ones in slots[k] of all groups */
	uint64_t asleep;    /* stages that are not among the candidates */
};

/* What one stage does with one key of the event. */
struct visit {
	struct rules_run *run;
	struct sequence_run *s;
	struct record *r;
	size_t place;	  /* positive place */
	uint64_t noticed; /* missing-event stage, as a bit */
	enum kept_fit fit;
};

/* ---- pending sequences ----------------------------------------------- */

static struct pending *
pending_new(struct sequence_run *s)
{
	size_t size = sizeof(struct pending) + s->n * sizeof(struct rules_hit);
	struct pending *p = s->spare;

	if (p != NULL)
		s->spare = p->spare;
	else
		p = malloc(size);
	if (p != NULL) {
		memset(p, 0, size);
		s->n_pending++;
	}
	return p;
}

/* What was there before is the caller's. */
static void
set_slot(struct sequence_run *s, struct sequence_group *g, size_t k,
	 struct pending *p)
{
	s->n_here[k] -= g->slots[k] != NULL;
	s->n_here[k] += p != NULL;
	g->slots[k] = p;
}

/* Back to the spare ones; its pins have gone elsewhere or are released. */
static void
pending_recycle(struct rules_run *run, struct sequence_run *s,
		struct pending *p)
{
	kept_free(p->kept);
	p->spare = s->spare;
	s->spare = p;
	s->n_pending--;
	run->counters.sequences_pending--;
}

static void
pending_drop(struct rules_run *run, struct sequence_run *s, struct pending *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		run_unpin(run, p->hits[i].pinned);
	pending_recycle(run, s, p);
}

/* ---- fields for later stages ----------------------------------------- */

/* Does the event fit those that came before? */
static bool
fits(struct visit *v, const struct pending *p)
{
	return kept_fits(p->kept, v->run, v->s->code, v->s->positive[v->place]);
}

static void
add_hit(struct visit *v, struct pending *p, bool pin)
{
	kept_add(&p->kept, v->run, v->s->code, v->s->positive[v->place], v->r);
	p->last_ns = v->r->time_ns;
	p->last_seq = v->r->seq;
	p->has_gap = false;
	p->hits[p->n++] = (struct rules_hit){
		.time_ns = v->r->time_ns,
		.seq = v->r->seq,
		.pinned = pin ? run_pin(v->run, v->r) : NULL,
	};
}

/* ---- groups ---------------------------------------------------------- */

static bool
group_is_empty(const struct sequence_run *s, const struct sequence_group *g)
{
	if (g->waiting != NULL || g->n_lead > 0)
		return false;
	for (size_t k = 0; k + 1 < s->n; k++)
		if (g->slots[k] != NULL)
			return false;
	return true;
}

/* A waiting one stays in the queue as dead. It may have been the first, so
 * the next event looks who is. */
static void
bury(struct rules_run *run, struct pending *p)
{
	p->dead = true;
	for (size_t i = 0; i < p->n; i++)
		run_unpin(run, p->hits[i].pinned);
	p->n = 0;
	run->next_deadline_ns = 0;
}

static void
kill_waiting(struct rules_run *run, struct sequence_group *g)
{
	for (struct pending *p = g->waiting; p != NULL; p = p->next_here)
		bury(run, p);
	g->waiting = NULL;
}

static size_t
clear_group(struct rules_run *run, struct sequence_run *s,
	    struct sequence_group *g)
{
	size_t n = 0;

	for (size_t k = 0; k + 1 < s->n; k++) {
		n += g->slots[k] != NULL;
		pending_drop(run, s, g->slots[k]);
		set_slot(s, g, k, NULL);
	}
	for (struct pending *p = g->waiting; p != NULL; p = p->next_here)
		n++;
	kill_waiting(run, g);
	return n;
}

static void
drop_if_empty(struct sequence_run *s, struct sequence_group *g)
{
	if (group_is_empty(s, g))
		group_drop(&s->table, &g->g);
}

/* Past their span nothing can happen to them any more. */
static void
expire(struct rules_run *run, struct sequence_run *s, uint64_t now_ns)
{
	struct group *g;

	if (!s->code->has_maxspan)
		return;
	while ((g = s->table.oldest) != NULL && g->touched_ns < now_ns &&
	       now_ns - g->touched_ns > s->code->maxspan_ns &&
	       ((struct sequence_group *)g)->waiting == NULL) {
		clear_group(run, s, (struct sequence_group *)g);
		group_drop(&s->table, g);
	}
}

static void
enforce_cap(struct rules_run *run, struct sequence_run *s,
	    const struct sequence_group *keep)
{
	while ((s->n_pending > s->cap || s->table.n > s->cap) &&
	       s->table.oldest != NULL && s->table.oldest != &keep->g) {
		struct group *g = s->table.oldest;

		run->counters.sequences_evicted +=
			clear_group(run, s, (struct sequence_group *)g);
		group_drop(&s->table, g);
	}
}

/* ---- completion ------------------------------------------------------ */

static uint64_t
span(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* Delivers and recycles. `newest` is the record of the last hit, if it has no
 * pin. */
static void
deliver(struct rules_run *run, struct sequence_run *s, struct pending *p,
	struct record *newest)
{
	const struct rule_code *c = s->code;
	struct rules_hit small[16], *hits = small;
	size_t k = 0;

	if (c->n_slots > ARRAY_LEN(small))
		hits = malloc(c->n_slots * sizeof(*hits));
	if (hits == NULL) {
		run->counters.no_memory++;
		pending_drop(run, s, p);
		return;
	}
	for (size_t i = 0; i < c->n_slots; i++) {
		if (c->slots[i].missing)
			hits[i] = (struct rules_hit){ .missing = true };
		else
			hits[i] = p->hits[k++];
	}
	pending_recycle(run, s, p);
	run_emit(run, c,
		 &(struct emit_args){
			 .hits = hits, .n = c->n_slots, .newest = newest });
	if (hits != small)
		free(hits);
}

static uint64_t
span_end(const struct sequence_run *s, uint64_t from_ns)
{
	uint64_t end_ns;

	if (__builtin_add_overflow(from_ns, s->code->maxspan_ns, &end_ns))
		return UINT64_MAX;
	return end_ns;
}

static void
wait_until(struct visit *v, struct sequence_group *g, struct pending *p,
	   uint64_t deadline_ns)
{
	struct sequence_run *s = v->s;

	p->deadline_ns = deadline_ns;
	p->hits[p->n - 1].pinned = run_pin(v->run, v->r);
	p->group = g;
	p->next_here = g->waiting;
	g->waiting = p;
	if (s->wait_last != NULL)
		s->wait_last->next_wait = p;
	else
		s->wait_first = p;
	s->wait_last = p;
	if (s->wait_first->deadline_ns < v->run->next_deadline_ns)
		v->run->next_deadline_ns = s->wait_first->deadline_ns;
	group_touch(&s->table, &g->g, v->r->time_ns);
}

/* All positive events are there: what do the missing ones say? */
static void
complete(struct visit *v, struct sequence_group *g, struct pending *p)
{
	struct sequence_run *s = v->s;
	uint64_t maxspan = s->code->maxspan_ns;
	bool lead = s->gaps[0] != 0, trail = s->gaps[s->n] != 0;

	if (p->doomed || (lead && !trail && p->has_lead &&
			  span(p->lead_ns, p->last_ns) <= maxspan))
		pending_drop(v->run, s, p);
	else if (trail && !lead)
		wait_until(v, g, p, span_end(s, p->first_ns));
	else if (trail && p->has_lead &&
		 span(p->lead_ns, p->last_ns) <= maxspan)
		wait_until(v, g, p, span_end(s, p->lead_ns));
	else if (s->wait_first != NULL) /* behind those that came before */
		wait_until(v, g, p, p->last_ns);
	else
		deliver(v->run, s, p, v->r);
}

/* ---- positive stages ------------------------------------------------- */

static void
note_lead(struct pending *p, const struct sequence_group *g)
{
	for (unsigned i = 0; i < g->n_lead && !p->has_lead; i++) {
		if (g->lead_ns[i] >= p->first_ns)
			continue;
		p->has_lead = true;
		p->lead_ns = g->lead_ns[i];
	}
}

static void
put_in_slot(struct visit *v, struct sequence_group *g, struct pending *p)
{
	size_t k = v->place;

	pending_drop(v->run, v->s, g->slots[k]);
	set_slot(v->s, g, k, p);
	group_touch(&v->s->table, &g->g, v->r->time_ns);
	enforce_cap(v->run, v->s, g);
}

static void
start(struct visit *v, struct view key)
{
	struct sequence_run *s = v->s;
	struct sequence_group *g =
		(struct sequence_group *)group_get(&s->table, key);
	struct pending *p = g == NULL ? NULL : pending_new(s);

	if (p == NULL) {
		v->run->counters.no_memory++;
		if (g != NULL)
			drop_if_empty(s, g);
		return;
	}
	v->run->counters.sequences_pending++;
	p->first_ns = v->r->time_ns;
	note_lead(p, g);
	add_hit(v, p, s->n > 1);
	if (s->n > 1) {
		put_in_slot(v, g, p);
		return;
	}
	complete(v, g, p);
	drop_if_empty(s, g);
}

static bool
is_later(const struct pending *p, const struct record *r)
{
	return r->time_ns > p->last_ns ||
	       (r->time_ns == p->last_ns && r->seq > p->last_seq);
}

static void
advance(struct visit *v, struct view key)
{
	struct sequence_run *s = v->s;
	struct sequence_group *g =
		(struct sequence_group *)group_find(&s->table, key);
	struct pending *p = g == NULL ? NULL : g->slots[v->place - 1];
	bool last = v->place + 1 == s->n;

	if (p == NULL || !is_later(p, v->r) || !fits(v, p))
		return;
	set_slot(s, g, v->place - 1, NULL);
	if (s->code->has_maxspan &&
	    span(p->first_ns, v->r->time_ns) > s->code->maxspan_ns) {
		pending_drop(v->run, s, p);
		drop_if_empty(s, g);
		return;
	}
	if (s->gaps[v->place] != 0 && p->has_gap && p->gap_ns < v->r->time_ns)
		p->doomed = true;
	add_hit(v, p, !last);
	if (!last) {
		put_in_slot(v, g, p);
		return;
	}
	complete(v, g, p);
	drop_if_empty(s, g);
}

static void
visit_positive(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;

	(void)values;
	if (v->place == 0)
		start(v, key);
	else
		advance(v, key);
}

/* ---- missing events and until ---------------------------------------- */

static void
notice_lead(struct visit *v, struct view key)
{
	struct sequence_group *g =
		(struct sequence_group *)group_get(&v->s->table, key);

	if (g == NULL) {
		v->run->counters.no_memory++;
		return;
	}
	if (g->n_lead == 0 || g->lead_ns[0] < v->r->time_ns) {
		g->lead_ns[1] = g->lead_ns[0];
		g->lead_ns[0] = v->r->time_ns;
		g->n_lead += g->n_lead < 2;
	}
	group_touch(&v->s->table, &g->g, v->r->time_ns);
	enforce_cap(v->run, v->s, g);
}

static void
notice_trail(struct visit *v, struct sequence_group *g)
{
	struct pending **at = &g->waiting;

	while (*at != NULL) {
		struct pending *p = *at;

		if (v->r->time_ns <= p->last_ns ||
		    v->r->time_ns > p->deadline_ns) {
			at = &p->next_here;
			continue;
		}
		*at = p->next_here;
		bury(v->run, p);
	}
}

static void
visit_missing(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	struct sequence_run *s = v->s;
	struct sequence_group *g;

	(void)values;
	if (s->gaps[0] & v->noticed)
		notice_lead(v, key);
	g = (struct sequence_group *)group_find(&s->table, key);
	if (g == NULL)
		return;
	for (size_t k = 1; k < s->n; k++) {
		struct pending *p = g->slots[k - 1];

		if (!(s->gaps[k] & v->noticed) || p == NULL || p->has_gap ||
		    v->r->time_ns <= p->last_ns)
			continue;
		p->has_gap = true;
		p->gap_ns = v->r->time_ns;
	}
	if (s->gaps[s->n] & v->noticed)
		notice_trail(v, g);
	drop_if_empty(s, g);
}

static void
visit_until(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	struct sequence_group *g =
		(struct sequence_group *)group_find(&v->s->table, key);

	(void)values;
	if (g == NULL)
		return;
	for (size_t k = 0; k + 1 < v->s->n; k++) {
		pending_drop(v->run, v->s, g->slots[k]);
		set_slot(v->s, g, k, NULL);
	}
	drop_if_empty(v->s, g);
}

/* ---- the outside ----------------------------------------------------- */

static void
visit_stage(struct visit *v, unsigned stage,
	    void (*call)(void *, struct view, const struct value **))
{
	const struct stage *s = &v->s->code->stages[stage];

	keys_each(v->run, v->r, s->keys, s->n_keys,
		  (struct key_each){ .call = call, .ctx = v });
}

/* An event that begins a sequence may as well end it: `until` never sleeps. */
static uint64_t
sleeping_stages(const struct sequence_run *s)
{
	const struct rule_code *c = s->code;
	uint64_t awake = s->gaps[0] | 1ull << s->positive[0];

	for (size_t k = 1; k < s->n; k++)
		if (s->n_here[k - 1] > 0)
			awake |= s->gaps[k] | 1ull << s->positive[k];
	if (s->wait_first != NULL)
		awake |= s->gaps[s->n];
	if (c->has_until)
		awake |= 1ull << (c->n_stages - 1);
	return ~awake;
}

static void
sleep_or_wake(struct rules_run *run, struct sequence_run *s)
{
	const struct rule_code *c = s->code;
	uint64_t asleep = sleeping_stages(s), others = asleep ^ s->asleep;

	s->asleep = asleep;
	for (size_t i = 0; others != 0 && i < c->n_stages; i++)
		if (others >> i & 1)
			index_sleep(run->index, c->stages[i].id,
				    asleep >> i & 1);
}

void
sequence_feed(struct rules_run *run, struct sequence_run *s, struct record *r,
	      uint64_t satisfied)
{
	struct visit v = { .run = run, .s = s, .r = r };
	const struct rule_code *c = s->code;

	expire(run, s, r->time_ns);
	/* Keys are made only where they may find something. */
	for (v.place = s->n; v.place-- > 0;)
		if (satisfied & 1ull << s->positive[v.place] &&
		    (v.place == 0 || s->n_here[v.place - 1] > 0))
			visit_stage(&v, s->positive[v.place], visit_positive);
	for (uint64_t bits = satisfied & s->missing; bits != 0;
	     bits &= bits - 1) {
		v.noticed = bits & -bits;
		visit_stage(&v, (unsigned)__builtin_ctzll(bits), visit_missing);
	}
	if (c->has_until && satisfied & 1ull << (c->n_stages - 1))
		visit_stage(&v, (unsigned)c->n_stages - 1, visit_until);
	sleep_or_wake(run, s);
}

static void
visit_fit(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	struct sequence_group *g =
		(struct sequence_group *)group_find(&v->s->table, key);
	struct pending *p = g == NULL ? NULL : g->slots[v->place - 1];

	(void)values;
	if (p != NULL && v->fit != KEPT_FITS && is_later(p, v->r))
		v->fit = fits(v, p) ? KEPT_FITS : KEPT_UNFIT;
}

enum kept_fit
sequence_fit(struct rules_run *run, struct sequence_run *s, struct record *r,
	     unsigned stage)
{
	struct visit v = { .run = run, .s = s, .r = r };

	for (v.place = s->n; --v.place > 0;)
		if (s->positive[v.place] == stage)
			visit_stage(&v, stage, visit_fit);
	return v.fit;
}

/* A group with a living one is not dropped. */
static void
leave_group(struct sequence_run *s, struct pending *p)
{
	struct pending **at = &p->group->waiting;

	while (*at != p)
		at = &(*at)->next_here;
	*at = p->next_here;
	drop_if_empty(s, p->group);
}

void
sequence_watermark(struct rules_run *run, struct sequence_run *s,
		   uint64_t time_ns)
{
	struct pending *p;

	while ((p = s->wait_first) != NULL &&
	       (p->dead || p->deadline_ns < time_ns || time_ns == UINT64_MAX)) {
		s->wait_first = p->next_wait;
		if (s->wait_first == NULL)
			s->wait_last = NULL;
		if (p->dead) {
			pending_recycle(run, s, p);
			continue;
		}
		leave_group(s, p);
		deliver(run, s, p, NULL);
	}
	if (p != NULL && p->deadline_ns < run->next_deadline_ns)
		run->next_deadline_ns = p->deadline_ns;
	expire(run, s, time_ns);
	sleep_or_wake(run, s);
}

static int
find_places(struct sequence_run *s)
{
	const struct rule_code *c = s->code;
	size_t k = 0;

	s->positive = calloc(c->n_positive + 1, sizeof(*s->positive));
	s->gaps = calloc(c->n_positive + 2, sizeof(*s->gaps));
	s->n_here = calloc(c->n_positive + 1, sizeof(*s->n_here));
	if (s->positive == NULL || s->gaps == NULL || s->n_here == NULL)
		return -1;
	for (size_t i = 0; i < c->n_slots; i++) {
		if (!c->slots[i].missing) {
			s->positive[k++] = c->slots[i].stage;
			continue;
		}
		s->gaps[k] |= 1ull << c->slots[i].stage;
		s->missing |= 1ull << c->slots[i].stage;
	}
	s->n = k;
	return 0;
}

struct sequence_run *
sequence_new(struct rules_run *run, const struct rule_code *code, size_t cap)
{
	struct sequence_run *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->code = code;
	s->cap = cap;
	if (find_places(s) < 0) {
		sequence_free(run, s);
		return NULL;
	}
	s->table.size =
		sizeof(struct sequence_group) + s->n * sizeof(struct pending *);
	sleep_or_wake(run, s);
	return s;
}

void
sequence_free(struct rules_run *run, struct sequence_run *s)
{
	struct pending *p;

	if (s == NULL)
		return;
	while (s->table.oldest != NULL) {
		clear_group(run, s, (struct sequence_group *)s->table.oldest);
		group_drop(&s->table, s->table.oldest);
	}
	while ((p = s->wait_first) != NULL) {
		s->wait_first = p->next_wait;
		pending_recycle(run, s, p);
	}
	while ((p = s->spare) != NULL) {
		s->spare = p->spare;
		free(p);
	}
	group_table_free(&s->table);
	free(s->positive);
	free(s->gaps);
	free(s->n_here);
	free(s);
}
