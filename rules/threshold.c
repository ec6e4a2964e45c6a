/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threshold: a group of values is reported when at least `value` events of it
 * (and, if asked, as many different values of another field) fall into the
 * lookback window; then not again before the window has passed. Of a group
 * only as many newest times are kept as decide that.
 */
#include "rules/engine.h"

#include <stdlib.h>

/* Larger thresholds are kept as these: 8 MiB for one group is enough. */
#define TIMES_MAX (1u << 20)
#define DISTINCT_MAX 4096

struct distinct {
	uint64_t hash, seen_ns;
};

struct tally {
	struct group g;
	uint64_t *times; /* ring */
	uint32_t n, cap, at;
	struct distinct *distinct;
	uint32_t n_distinct;
	uint64_t quiet_until_ns;
};

struct threshold_run {
	const struct rule_code *code;
	struct group_table table;
	size_t cap;
	uint32_t need, need_distinct;
	struct join_key *keys;
};

static void
tally_clear(struct tally *t)
{
	free(t->times);
	free(t->distinct);
	t->times = NULL;
	t->distinct = NULL;
}

static void
tally_drop(struct threshold_run *th, struct tally *t)
{
	tally_clear(t);
	group_drop(&th->table, &t->g);
}

static void
expire(struct threshold_run *th, uint64_t now_ns)
{
	struct group *g;

	while ((g = th->table.oldest) != NULL && g->touched_ns < now_ns &&
	       now_ns - g->touched_ns > th->code->window_ns)
		tally_drop(th, (struct tally *)g);
}

/* The ring grows up to what the threshold needs. */
static bool
add_time(struct threshold_run *th, struct tally *t, uint64_t now_ns)
{
	if (t->n == t->cap && t->cap < th->need) {
		uint32_t cap = t->cap == 0 ? 4 : t->cap * 2;
		uint64_t *v;

		if (cap > th->need)
			cap = th->need;
		v = realloc(t->times, cap * sizeof(*v));
		if (v == NULL)
			return false;
		t->times = v; /* not yet full: it begins at 0 */
		t->at = t->n;
		t->cap = cap;
	}
	t->times[t->at] = now_ns;
	t->at = (t->at + 1) % t->cap;
	t->n += t->n < t->cap;
	return true;
}

static uint64_t
in_window(const struct threshold_run *th, const struct tally *t,
	  uint64_t now_ns)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += now_ns - t->times[i] <= th->code->window_ns;
	return n;
}

/* The newest sights of as many values as are needed; the oldest gives way. */
static void
add_distinct(struct threshold_run *th, struct tally *t, uint64_t hash,
	     uint64_t now_ns)
{
	struct distinct *oldest = NULL;

	for (uint32_t i = 0; i < t->n_distinct; i++) {
		struct distinct *d = &t->distinct[i];

		if (d->hash == hash) {
			d->seen_ns = now_ns;
			return;
		}
		if (oldest == NULL || d->seen_ns < oldest->seen_ns)
			oldest = d;
	}
	if (t->n_distinct < th->need_distinct)
		oldest = &t->distinct[t->n_distinct++];
	*oldest = (struct distinct){ hash, now_ns };
}

static bool
note_distinct(struct rules_run *run, struct threshold_run *th, struct tally *t,
	      struct record *r)
{
	const struct slot *slot;
	struct buf b = { 0 };

	if (th->need_distinct == 0)
		return true;
	if (t->distinct == NULL)
		t->distinct = calloc(th->need_distinct, sizeof(*t->distinct));
	if (t->distinct == NULL)
		return false;
	slot = record_get(r, (unsigned)th->code->cardinality_field);
	for (uint32_t i = 0; i < slot->n; i++) {
		buf_clear(&b);
		value_encode(&b, &slot->v[i]);
		if (b.failed)
			run->counters.no_memory++;
		else
			add_distinct(th, t, view_hash(buf_view(&b)),
				     r->time_ns);
	}
	buf_free(&b);
	return true;
}

static bool
enough_distinct(const struct threshold_run *th, const struct tally *t,
		uint64_t now_ns)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_distinct; i++)
		n += now_ns - t->distinct[i].seen_ns <= th->code->window_ns;
	return n >= th->need_distinct;
}

struct visit {
	struct rules_run *run;
	struct threshold_run *th;
	struct record *r;
};

static void
report(struct visit *v, const struct value **values, uint64_t count)
{
	const struct rule_code *c = v->th->code;
	struct rules_hit hit = { .time_ns = v->r->time_ns, .seq = v->r->seq };
	struct value terms[QUERY_KEYS_MAX];

	for (size_t i = 0; i < c->n_fields; i++)
		terms[i] = *values[i];
	run_emit(v->run, c,
		 &(struct emit_args){ .hits = &hit,
				      .n = 1,
				      .newest = v->r,
				      .terms = terms,
				      .term_fields = c->fields,
				      .n_terms = c->n_fields,
				      .count = count });
}

static void
visit_group(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	struct threshold_run *th = v->th;
	struct tally *t = (struct tally *)group_get(&th->table, key);
	uint64_t now = v->r->time_ns, count;

	if (t == NULL || !add_time(th, t, now) ||
	    !note_distinct(v->run, th, t, v->r)) {
		v->run->counters.no_memory++;
		if (t != NULL)
			tally_drop(th, t);
		return;
	}
	group_touch(&th->table, &t->g, now);
	if (th->table.n > th->cap) {
		v->run->counters.sequences_evicted++;
		tally_drop(th, (struct tally *)th->table.oldest);
	}
	if (t->n < th->need || now < t->quiet_until_ns)
		return;
	count = in_window(th, t, now);
	if (count < th->need || !enough_distinct(th, t, now))
		return;
	if (__builtin_add_overflow(now, th->code->window_ns,
				   &t->quiet_until_ns))
		t->quiet_until_ns = UINT64_MAX;
	report(v, values, count);
}

void
threshold_feed(struct rules_run *run, struct threshold_run *th,
	       struct record *r)
{
	struct visit v = { .run = run, .th = th, .r = r };

	expire(th, r->time_ns);
	keys_each(run, r, th->keys, th->code->n_fields,
		  (struct key_each){ .call = visit_group, .ctx = &v });
}

struct threshold_run *
threshold_new(const struct rule_code *code, size_t cap)
{
	struct threshold_run *th = calloc(1, sizeof(*th));

	if (th == NULL)
		return NULL;
	th->code = code;
	th->cap = cap;
	th->table.size = sizeof(struct tally);
	th->need = code->threshold > TIMES_MAX ? TIMES_MAX
					       : (uint32_t)code->threshold;
	if (code->cardinality_field >= 0)
		th->need_distinct = code->cardinality > DISTINCT_MAX
					    ? DISTINCT_MAX
					    : (uint32_t)code->cardinality;
	th->keys = calloc(code->n_fields + 1, sizeof(*th->keys));
	if (th->keys == NULL) {
		free(th);
		return NULL;
	}
	for (size_t i = 0; i < code->n_fields; i++)
		th->keys[i].field = code->fields[i];
	return th;
}

void
threshold_free(struct threshold_run *th)
{
	if (th == NULL)
		return;
	for (struct group *g = th->table.oldest; g != NULL; g = g->newer)
		tally_clear((struct tally *)g);
	group_table_free(&th->table);
	free(th->keys);
	free(th);
}
