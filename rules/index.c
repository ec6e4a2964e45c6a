/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which stages can still be true of an event, decided by a few fields before
 * any program runs.
 *
 * Most conditions begin with tests of one field that must hold (event.action,
 * process.name in (…), file.path : (…)). For each of the fields that most
 * stages need, a cache remembers of a value which stages survive it, as a bit
 * set; an event's candidates are the intersection over those fields. So the
 * cost of an event hardly grows with the number of rules, as long as its
 * values have been seen before; a new value costs each guard's tests once.
 */
#include "rules/engine.h"

#include <stdlib.h>

/* ---- building
 * ---------------------------------------------------------------- */

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
	if ((l->op != LEAF_IN && l->op != LEAF_LIKE) || l->type == RULES_IP ||
	    l->type == RULES_DATE)
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
	v[set->n_pairs++] = (struct guard_pair){ l->field, leaf, stage };
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
	return x->stage < y->stage ? -1 : x->stage > y->stage;
}

static int
by_size(const void *a, const void *b)
{
	const struct guard *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->field < y->field ? -1 : x->field > y->field;
}

static int
fill_unguarded(struct rules *set, struct guard *g)
{
	g->unguarded = arena_array(&set->arena, set->words, sizeof(uint64_t));
	if (g->unguarded == NULL)
		return -1;
	memset(g->unguarded, 0xff, set->words * sizeof(uint64_t));
	for (size_t i = 0; i < g->n; i++)
		g->unguarded[g->v[i].stage / 64] &=
			~(1ull << g->v[i].stage % 64);
	return 0;
}

int
index_build(struct rules *set)
{
	struct guard *all;
	size_t n = 0;

	set->words = (set->n_stages + 63) / 64;
	if (set->n_pairs == 0)
		return 0;
	all = calloc(set->n_pairs, sizeof(*all));
	if (all == NULL)
		return -1;
	qsort(set->pairs, set->n_pairs, sizeof(*set->pairs), by_field);
	for (size_t i = 0; i < set->n_pairs; i++) {
		if (i == 0 || set->pairs[i].field != all[n - 1].field)
			all[n++] = (struct guard){ .field = set->pairs[i].field,
						   .v = &set->pairs[i] };
		all[n - 1].n++;
	}
	qsort(all, n, sizeof(*all), by_size);
	for (size_t i = 0; i < n && i < GUARDS_MAX; i++) {
		set->guards[i] = all[i];
		if (fill_unguarded(set, &set->guards[i]) < 0) {
			free(all);
			return -1;
		}
		set->n_guards++;
	}
	free(all);
	return 0;
}

/* ---- running
 * ------------------------------------------------------------------- */

#define CACHE_ENTRIES 512
#define CACHE_BYTES 88 /* longer values are not remembered */
#define VALUES_MAX 16  /* of an array; more: the guard is skipped */
/* Fewer candidates than this are tested rather than guarded. */
#define GUARD_WORTH 2

struct cache_entry {
	uint32_t n; /* bytes + 1; 0 = empty */
	char bytes[CACHE_BYTES];
};

struct guard_cache {
	struct cache_entry *entries;
	uint64_t *bits; /* words per entry */
};

int
guard_caches_new(struct rules_run *run)
{
	const struct rules *set = run->set;

	run->guards = calloc(set->n_guards + 1, sizeof(*run->guards));
	if (run->guards == NULL)
		return -1;
	for (size_t i = 0; i < set->n_guards; i++) {
		struct guard_cache *c = &run->guards[i];

		c->entries = calloc(CACHE_ENTRIES, sizeof(*c->entries));
		c->bits = calloc(CACHE_ENTRIES * set->words, sizeof(uint64_t));
		if (c->entries == NULL || c->bits == NULL)
			return -1;
	}
	return 0;
}

void
guard_caches_free(struct rules_run *run)
{
	for (size_t i = 0; run->guards != NULL && i < run->set->n_guards; i++) {
		free(run->guards[i].entries);
		free(run->guards[i].bits);
	}
	free(run->guards);
}

static void
set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ull << i % 64;
}

/* The stages that survive one string value, remembered. */
static const uint64_t *
survivors(struct rules_run *run, size_t g, struct view s)
{
	const struct guard *guard = &run->set->guards[g];
	struct guard_cache *c = &run->guards[g];
	size_t words = run->set->words, at = view_hash(s) % CACHE_ENTRIES;
	struct cache_entry *e = &c->entries[at];
	uint64_t *bits = &c->bits[at * words];

	if (e->n == s.n + 1 && memcmp(e->bytes, s.p, s.n) == 0)
		return bits;
	memset(bits, 0, words * sizeof(*bits));
	for (size_t i = 0; i < guard->n; i++)
		if (eval_leaf_string(&run->eval, guard->v[i].leaf, s))
			set_bit(bits, guard->v[i].stage);
	e->n = (uint32_t)s.n + 1;
	memcpy(e->bytes, s.p, s.n);
	return bits;
}

/* Adds to `bits` what one value lets live; false: cannot say. */
static bool
add_value(struct rules_run *run, size_t g, const struct value *v,
	  uint64_t *bits)
{
	const uint64_t *alive;

	if (v->type != VALUE_STRING || v->s.n > CACHE_BYTES || v->s.n == 0)
		return false;
	alive = survivors(run, g, v->s);
	for (size_t w = 0; w < run->set->words; w++)
		bits[w] |= alive[w];
	return true;
}

static void
apply_guard(struct rules_run *run, size_t g, struct record *r, uint64_t *bits)
{
	const struct guard *guard = &run->set->guards[g];
	const struct slot *slot;
	uint64_t *alive = run->scratch_bits;
	size_t words = run->set->words, guarded = 0;

	for (size_t w = 0; w < words; w++)
		guarded += (size_t)__builtin_popcountll(bits[w] &
							~guard->unguarded[w]);
	if (guarded < GUARD_WORTH)
		return;
	slot = record_get(r, guard->field);
	if (slot->n > VALUES_MAX)
		return;
	memcpy(alive, guard->unguarded, words * sizeof(*alive));
	for (uint32_t i = 0; i < slot->n; i++)
		if (!add_value(run, g, &slot->v[i], alive))
			return;
	for (size_t w = 0; w < words; w++)
		bits[w] &= alive[w];
}

bool
index_candidates(struct rules_run *run, struct record *r, uint64_t *bits)
{
	size_t words = run->set->words;
	uint64_t any = 0;

	memset(bits, 0xff, words * sizeof(*bits));
	if (run->set->n_stages % 64 != 0)
		bits[words - 1] = (1ull << run->set->n_stages % 64) - 1;
	for (size_t g = 0; g < run->set->n_guards; g++)
		apply_guard(run, g, r, bits);
	for (size_t w = 0; w < words; w++)
		any |= bits[w];
	return any != 0;
}
