/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples: for each join key one combination of different events, one per
 * filter, in any order. Of each filter the first events are kept, as many as
 * there are filters: with those a combination is found if there is one.
 */
#include "rules/engine.h"

#include <stdlib.h>

struct kept {
	uint64_t time_ns, seq;
	void *pinned;
};

struct sample_group {
	struct group g;
	bool done;
	uint32_t n[QUERY_STAGES_MAX]; /* per filter */
	struct kept kept[];	      /* filters × filters */
};

struct sample_run {
	const struct rule_code *code;
	struct group_table table;
	size_t cap, n; /* filters */
};

struct visit {
	struct rules_run *run;
	struct sample_run *s;
	struct record *r;
	size_t filter;
};

static void
forget(struct rules_run *run, struct sample_run *s, struct sample_group *g)
{
	for (size_t f = 0; f < s->n; f++) {
		for (uint32_t i = 0; i < g->n[f]; i++) {
			run_unpin(run, g->kept[f * s->n + i].pinned);
			run->counters.sequences_pending--;
		}
		g->n[f] = 0;
	}
}

static void
drop(struct rules_run *run, struct sample_run *s, struct sample_group *g)
{
	forget(run, s, g);
	group_drop(&s->table, &g->g);
}

/* Groups are touched when something is kept, so the window counts from the
 * newest event of a group. */
static void
expire(struct rules_run *run, struct sample_run *s, uint64_t now_ns)
{
	struct group *g;

	while ((g = s->table.oldest) != NULL && g->touched_ns < now_ns &&
	       now_ns - g->touched_ns > s->code->window_ns)
		drop(run, s, (struct sample_group *)g);
}

/* Gives filter f and those behind it different events (depth first; there are
 * few filters, and most first tries fit). */
#define CHOOSE_STEPS_MAX 10000
static bool
choose(const struct sample_run *s, const struct sample_group *g, size_t f,
       uint32_t *pick, unsigned *steps)
{
	if (f == s->n)
		return true;
	for (uint32_t i = 0; i < g->n[f]; i++) {
		bool used = false;

		if (++*steps > CHOOSE_STEPS_MAX)
			return false;
		for (size_t k = 0; k < f && !used; k++)
			used = g->kept[k * s->n + pick[k]].seq ==
			       g->kept[f * s->n + i].seq;
		pick[f] = i;
		if (!used && choose(s, g, f + 1, pick, steps))
			return true;
	}
	return false;
}

static void
report(struct visit *v, struct sample_group *g)
{
	struct sample_run *s = v->s;
	struct rules_hit hits[QUERY_STAGES_MAX];
	uint32_t pick[QUERY_STAGES_MAX];
	unsigned steps = 0;

	if (!choose(s, g, 0, pick, &steps))
		return;
	for (size_t f = 0; f < s->n; f++) {
		struct kept *k = &g->kept[f * s->n + pick[f]];

		hits[f] = (struct rules_hit){ .time_ns = k->time_ns,
					      .seq = k->seq,
					      .pinned = k->pinned };
		k->pinned = NULL; /* run_emit has it now */
	}
	g->done = true;
	forget(v->run, s, g);
	run_emit(v->run, s->code,
		 &(struct emit_args){ .hits = hits, .n = s->n });
}

static void
visit_filter(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	struct sample_run *s = v->s;
	struct sample_group *g =
		(struct sample_group *)group_get(&s->table, key);
	uint32_t *n;

	(void)values;
	if (g == NULL) {
		v->run->counters.no_memory++;
		return;
	}
	n = &g->n[v->filter];
	if (g->done || *n == s->n)
		return;
	g->kept[v->filter * s->n + (*n)++] =
		(struct kept){ .time_ns = v->r->time_ns,
			       .seq = v->r->seq,
			       .pinned = run_pin(v->run, v->r) };
	v->run->counters.sequences_pending++;
	group_touch(&s->table, &g->g, v->r->time_ns);
	if (s->table.n > s->cap) {
		v->run->counters.sequences_evicted++;
		drop(v->run, s, (struct sample_group *)s->table.oldest);
	}
}

static void
visit_report(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	struct group *g = group_find(&v->s->table, key);

	(void)values;
	if (g != NULL && !((struct sample_group *)g)->done)
		report(v, (struct sample_group *)g);
}

static void
visit_all(struct visit *v, uint64_t satisfied,
	  void (*call)(void *, struct view, const struct value **))
{
	for (v->filter = 0; v->filter < v->s->n; v->filter++) {
		const struct stage *stage = &v->s->code->stages[v->filter];

		if (satisfied & 1ull << v->filter)
			keys_each(v->run, v->r, stage->keys, stage->n_keys,
				  (struct key_each){ .call = call, .ctx = v });
	}
}

void
sample_feed(struct rules_run *run, struct sample_run *s, struct record *r,
	    uint64_t satisfied)
{
	struct visit v = { .run = run, .s = s, .r = r };

	expire(run, s, r->time_ns);
	visit_all(&v, satisfied, visit_filter);
	visit_all(&v, satisfied, visit_report);
}

struct sample_run *
sample_new(const struct rule_code *code, size_t cap)
{
	struct sample_run *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->code = code;
	s->cap = cap;
	s->n = code->n_slots;
	s->table.size =
		sizeof(struct sample_group) + s->n * s->n * sizeof(struct kept);
	return s;
}

void
sample_free(struct rules_run *run, struct sample_run *s)
{
	if (s == NULL)
		return;
	while (s->table.oldest != NULL)
		drop(run, s, (struct sample_group *)s->table.oldest);
	group_table_free(&s->table);
	free(s);
}
