/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which stages can still be true of an event, decided by a few fields before
 * any program runs.
 *
 * Most conditions begin with tests of one field that must hold (event.action,
 * process.name in (…), file.path : (…)). For each of the fields that most
 * stages need, a cache remembers of a value which stages survive it, as a bit
 * set; an event's candidates are the intersection over those fields. A value
 * that is new costs one walk over its bytes (grams.c). So the cost of an
 * event hardly grows with the number of rules.
 */
#include "rules/engine.h"

#include <stdlib.h>

/* ---- building -------------------------------------------------------- */

/* Tests of strings as they are written. */
static bool
is_guard(const struct leaf *l)
{
	if (l->type != RULES_KEYWORD && l->type != RULES_ANY)
		return false;
	if (l->op == LEAF_LIKE)
		return true;
	for (size_t i = 0; l->op == LEAF_IN && i < l->set.n; i++)
		if (l->set.v[i].type != VALUE_STRING)
			return false;
	return l->op == LEAF_IN;
}

static int
note_one(struct parse *p, const struct node *n, unsigned stage)
{
	struct rules *set = p->set;
	struct guard_pair *v;
	const struct leaf *l;
	uint32_t leaf;

	if (n->kind != NODE_IN && n->kind != NODE_LIKE &&
	    n->kind != NODE_COMPARE)
		return 0;
	if (compile_leaf(p, n, &leaf) < 0)
		return -1;
	l = &set->leaves[leaf];
	if (!is_guard(l))
		return 0;
	/* One leaf per field: each leaf may pick its own value of an array,
	 * which a bit per stage could not say. */
	for (size_t i = set->n_pairs; i-- > 0 && set->pairs[i].stage == stage;)
		if (set->pairs[i].field == l->field)
			return 0;
	v = set_grow(&set->arena, set->pairs, set->n_pairs, &set->cap_pairs,
		     sizeof(*v));
	if (v == NULL)
		return parse_error(p, n->at, "memory is out");
	set->pairs = v;
	v[set->n_pairs++] = (struct guard_pair){ .field = l->field,
						 .leaf = leaf,
						 .stage = stage };
	return 0;
}

int
index_note(struct parse *p, const struct node *cond, unsigned stage)
{
	if (cond->kind != NODE_AND)
		return note_one(p, cond, stage);
	for (size_t i = 0; i < cond->n; i++)
		if (index_note(p, cond->kids[i], stage) < 0)
			return -1;
	return 0;
}

static int
by_field(const void *a, const void *b)
{
	const struct guard_pair *x = a, *y = b;

	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;
	return x->stage < y->stage ? -1 : x->stage > y->stage;
}

/* The pairs of one field. */
struct field_run {
	struct guard_pair *v;
	size_t n;
};

static int
by_size(const void *a, const void *b)
{
	const struct field_run *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->v->field < y->v->field ? -1 : x->v->field > y->v->field;
}

static int
fill_unguarded(struct rules *set, struct guard *g, const struct field_run *run)
{
	g->unguarded = arena_array(&set->arena, set->words, sizeof(uint64_t));
	if (g->unguarded == NULL)
		return -1;
	memset(g->unguarded, 0xff, set->words * sizeof(uint64_t));
	for (size_t i = 0; i < run->n; i++)
		g->unguarded[run->v[i].stage / 64] &=
			~(1ull << run->v[i].stage % 64);
	return 0;
}

static int
make_guard(struct rules *set, struct guard *g, const struct field_run *run)
{
	uint32_t *ids = arena_array(&set->arena, run->n, sizeof(*ids));

	g->field = run->v->field;
	g->leaves = arena_array(&set->arena, run->n, sizeof(*g->leaves));
	if (ids == NULL || g->leaves == NULL || fill_unguarded(set, g, run) < 0)
		return -1;
	for (size_t i = 0; i < run->n; i++) {
		if (i == 0 || run->v[i].leaf != run->v[i - 1].leaf) {
			ids[g->n] = run->v[i].leaf;
			g->leaves[g->n++] =
				(struct guard_leaf){ &run->v[i], 0 };
		}
		g->leaves[g->n - 1].n++;
	}
	return grams_build(&g->grams, &set->arena, set->leaves, ids, g->n);
}

/* Sets smaller than this keep all their guards. */
#define FEW_STAGES 16

/* How little a pair is worth as a guard: exact tests decide most, arguments
 * and command lines are the longest and most varied values. */
static unsigned
rank_pair(const struct rules *set, const struct guard_pair *pair)
{
	struct view name = view_of(set_field_name(set, pair->field));
	const struct leaf *l = &set->leaves[pair->leaf];
	unsigned rank = l->op == LEAF_IN || l->patterns.n == 0 ? 0 : 2;

	if (view_ends(name, VIEW("args")) ||
	    view_ends(name, VIEW("command_line")))
		rank += 3;
	return rank;
}

/*
 * Fields that at least half of the stages test (event.action and the like)
 * are cheap, because their values repeat. Of its other fields a stage keeps
 * the best one only: another would have to be looked up for every event to
 * throw out what is nearly always out already.
 */
static void
thin_pairs(struct rules *set, struct field_run *all, size_t n_fields,
	   struct guard_pair **best)
{
	size_t n = 0;

	for (size_t i = 0; i < n_fields; i++) {
		if (all[i].n * 2 >= set->n_stages)
			continue;
		for (size_t k = 0; k < all[i].n; k++) {
			struct guard_pair *p = &all[i].v[k];
			struct guard_pair **b = &best[p->stage];

			if (*b == NULL ||
			    rank_pair(set, p) < rank_pair(set, *b))
				*b = p;
		}
	}
	for (size_t i = 0; i < n_fields; i++)
		for (size_t k = 0; k < all[i].n; k++) {
			struct guard_pair *p = &all[i].v[k];

			p->drop = all[i].n * 2 < set->n_stages &&
				  best[p->stage] != p;
		}
	for (size_t i = 0; i < set->n_pairs; i++)
		if (!set->pairs[i].drop)
			set->pairs[n++] = set->pairs[i];
	set->n_pairs = n;
}

static size_t
split_fields(const struct rules *set, struct field_run *all)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_pairs; i++) {
		if (i == 0 || set->pairs[i].field != all[n - 1].v->field)
			all[n++] = (struct field_run){ &set->pairs[i], 0 };
		all[n - 1].n++;
	}
	return n;
}

int
index_build(struct rules *set)
{
	struct guard_pair **best;
	struct field_run *all;
	size_t n;
	int rc = 0;

	set->words = (set->n_stages + 63) / 64;
	if (set->n_pairs == 0)
		return 0;
	all = calloc(set->n_pairs, sizeof(*all));
	best = calloc(set->n_stages, sizeof(*best));
	if (all == NULL || best == NULL) {
		free(all);
		free(best);
		return -1;
	}
	qsort(set->pairs, set->n_pairs, sizeof(*set->pairs), by_field);
	n = split_fields(set, all);
	if (set->n_stages > FEW_STAGES) {
		thin_pairs(set, all, n, best);
		n = split_fields(set, all);
	}
	free(best);
	qsort(all, n, sizeof(*all), by_size);
	for (size_t i = 0; i < n && i < GUARDS_MAX && rc == 0; i++)
		rc = make_guard(set, &set->guards[set->n_guards++], &all[i]);
	free(all);
	return rc;
}

/* ---- running --------------------------------------------------------- */

#define CACHE_ENTRIES 256
#define CACHE_BYTES 88	 /* longer values are not remembered */
#define SCAN_BYTES 65536 /* longer ones are not looked at here */
#define VALUES_MAX 32	 /* of an array; more: the guard is skipped */
/* Fewer candidates than this are tested rather than guarded. */
#define GUARD_WORTH 4
/* A guard that throws out fewer on average is not worth its look-up. */
#define GUARD_GONE 2
/* How often guards are measured, and put in order; in events. */
#define SAMPLE_EVENTS 32
#define ORDER_EVENTS 1024

struct cache_entry {
	uint32_t n; /* bytes + 1; 0 = empty */
	char bytes[CACHE_BYTES];
	uint64_t bits[]; /* the surviving stages */
};

struct guard_cache {
	char *entries; /* and one more for what is not remembered */
	size_t stride;
	uint32_t *seen; /* per leaf: the round it was tested in */
	uint32_t round;
	uint64_t samples, alone, gone; /* see sample_guard */
	bool resting;
};

static int
guard_cache_new(const struct rules *set, const struct guard *g,
		struct guard_cache *c)
{
	c->stride = sizeof(struct cache_entry) + set->words * sizeof(uint64_t);
	c->entries = calloc(CACHE_ENTRIES + 1, c->stride);
	c->seen = calloc(g->n + 1, sizeof(*c->seen));
	return c->entries == NULL || c->seen == NULL ? -1 : 0;
}

int
guard_caches_new(struct rules_run *run)
{
	const struct rules *set = run->set;

	run->guards = calloc(set->n_guards + 1, sizeof(*run->guards));
	if (run->guards == NULL)
		return -1;
	for (unsigned i = 0; i < set->n_guards; i++) {
		run->guard_order[i] = i;
		if (guard_cache_new(set, &set->guards[i], &run->guards[i]) < 0)
			return -1;
	}
	return 0;
}

void
guard_caches_free(struct rules_run *run)
{
	for (size_t i = 0; run->guards != NULL && i < run->set->n_guards; i++) {
		free(run->guards[i].entries);
		free(run->guards[i].seen);
	}
	free(run->guards);
	buf_free(&run->gram_room);
}

struct scan {
	struct rules_run *run;
	const struct guard *guard;
	struct guard_cache *cache;
	struct view s;
	uint64_t *bits;
};

static void
try_leaf(void *ctx, uint32_t test)
{
	struct scan *scan = ctx;
	const struct guard_leaf *l = &scan->guard->leaves[test];

	if (scan->cache->seen[test] == scan->cache->round)
		return;
	scan->cache->seen[test] = scan->cache->round;
	if (!eval_leaf_string(&scan->run->eval, l->pairs->leaf, scan->s))
		return;
	for (size_t i = 0; i < l->n; i++)
		scan->bits[l->pairs[i].stage / 64] |= 1ull
						      << l->pairs[i].stage % 64;
}

static bool
scan_value(struct rules_run *run, size_t g, struct view s, uint64_t *bits)
{
	struct guard_cache *c = &run->guards[g];
	struct scan scan = { run, &run->set->guards[g], c, s, bits };
	struct grams_found found = { try_leaf, &scan };

	memcpy(bits, scan.guard->unguarded, run->set->words * sizeof(*bits));
	if (++c->round == 0) {
		memset(c->seen, 0, scan.guard->n * sizeof(*c->seen));
		c->round = 1;
	}
	return grams_find(&scan.guard->grams, &run->gram_room, s, &found);
}

/* The stages that survive one string value, remembered; NULL: cannot say. */
static const uint64_t *
survivors(struct rules_run *run, size_t g, struct view s)
{
	struct guard_cache *c = &run->guards[g];
	size_t at = s.n <= CACHE_BYTES ? view_hash(s) % CACHE_ENTRIES
				       : CACHE_ENTRIES;
	struct cache_entry *e =
		(struct cache_entry *)(c->entries + at * c->stride);

	if (e->n == s.n + 1 && memcmp(e->bytes, s.p, s.n) == 0)
		return e->bits;
	e->n = 0;
	if (!scan_value(run, g, s, e->bits))
		return NULL;
	if (s.n <= CACHE_BYTES) {
		e->n = (uint32_t)s.n + 1;
		memcpy(e->bytes, s.p, s.n);
	}
	return e->bits;
}

/* At least GUARD_WORTH candidates are guarded by it. */
static bool
is_worth(const struct guard *guard, const uint64_t *bits, size_t words)
{
	unsigned n = 0;

	for (size_t w = 0; w < words; w++) {
		uint64_t b = bits[w] & ~guard->unguarded[w];

		for (; b != 0 && n < GUARD_WORTH; b &= b - 1)
			n++;
	}
	return n >= GUARD_WORTH;
}

/* The stages that one value lets live; NULL: cannot say. */
static const uint64_t *
value_alive(struct rules_run *run, size_t g, const struct value *v)
{
	if (v->type != VALUE_STRING || v->s.n > SCAN_BYTES || v->s.n == 0)
		return NULL;
	return survivors(run, g, v->s);
}

/* The same for the whole field: any of its values. */
static const uint64_t *
guard_alive(struct rules_run *run, size_t g, struct record *r)
{
	const struct guard *guard = &run->set->guards[g];
	const struct slot *slot = record_get(r, guard->field);
	uint64_t *alive = run->scratch_bits;
	const uint64_t *one;

	if (slot->n == 0)
		return guard->unguarded;
	if (slot->n == 1)
		return value_alive(run, g, &slot->v[0]);
	if (slot->n > VALUES_MAX)
		return NULL;
	memcpy(alive, guard->unguarded, run->set->words * sizeof(*alive));
	for (uint32_t i = 0; i < slot->n; i++) {
		one = value_alive(run, g, &slot->v[i]);
		for (size_t w = 0; one != NULL && w < run->set->words; w++)
			alive[w] |= one[w];
		if (one == NULL)
			return NULL;
	}
	return alive;
}

/* False when no candidate is left. */
static bool
apply_guard(struct rules_run *run, size_t g, struct record *r, uint64_t *bits)
{
	const uint64_t *alive;
	uint64_t left = 0;

	if (run->guards[g].resting ||
	    !is_worth(&run->set->guards[g], bits, run->set->words))
		return true;
	alive = guard_alive(run, g, r);
	if (alive == NULL)
		return true;
	for (size_t w = 0; w < run->set->words; w++) {
		bits[w] &= alive[w];
		left |= bits[w];
	}
	return left != 0;
}

/*
 * Every so often all guards are applied, to see what they are good for: how
 * many stages each would throw out alone decides the order, how many it still
 * throws out behind the others whether it rests. What comes out of the index
 * depends on neither, only the time it takes.
 */
static void
sample_guard(struct rules_run *run, size_t g, struct record *r, uint64_t *bits)
{
	struct guard_cache *c = &run->guards[g];
	const uint64_t *alive = guard_alive(run, g, r);
	size_t words = run->set->words;

	c->samples++;
	if (alive == NULL)
		return;
	for (size_t w = 0; w < words; w++) {
		c->alone += (unsigned)__builtin_popcountll(~alive[w]);
		c->gone += (unsigned)__builtin_popcountll(bits[w] & ~alive[w]);
		bits[w] &= alive[w];
	}
}

static bool
is_better(const struct guard_cache *a, const struct guard_cache *b)
{
	return a->alone * (b->samples + 1) > b->alone * (a->samples + 1);
}

static void
order_guards(struct rules_run *run)
{
	unsigned *order = run->guard_order;

	for (size_t i = 1; i < run->set->n_guards; i++) {
		unsigned g = order[i];
		size_t at = i;

		for (; at > 0 &&
		       is_better(&run->guards[g], &run->guards[order[at - 1]]);
		     at--)
			order[at] = order[at - 1];
		order[at] = g;
	}
	for (size_t i = 0; i < run->set->n_guards; i++) {
		struct guard_cache *c = &run->guards[i];

		c->resting = c->gone < c->samples * GUARD_GONE;
		c->samples /= 2;
		c->alone /= 2;
		c->gone /= 2;
	}
}

bool
index_candidates(struct rules_run *run, struct record *r, uint64_t *bits)
{
	uint64_t events = run->counters.events, left = 0;
	size_t words = run->set->words, n = run->set->n_guards;

	memset(bits, 0xff, words * sizeof(*bits));
	if (run->set->n_stages % 64 != 0)
		bits[words - 1] = (1ull << run->set->n_stages % 64) - 1;
	if (events < SAMPLE_EVENTS || events % SAMPLE_EVENTS == 0) {
		for (size_t i = 0; i < n; i++)
			sample_guard(run, run->guard_order[i], r, bits);
		if (events == SAMPLE_EVENTS || events % ORDER_EVENTS == 0)
			order_guards(run);
	} else {
		for (size_t i = 0; i < n; i++)
			if (!apply_guard(run, run->guard_order[i], r, bits))
				return false;
	}
	for (size_t w = 0; w < words; w++)
		left |= bits[w];
	return left != 0;
}
