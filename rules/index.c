/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The candidates of an event; see index.h. */
#include "rules/engine.h"

#include <assert.h>
#include <stdlib.h>

#define SCAN_BYTES 65536 /* longer values are not looked at here */
#define VALUES_MAX 32	 /* of an array; more: the guard is skipped */

/* What a value lets live. */
#define VALUE_ENTRIES 256
#define VALUE_BYTES 88 /* longer ones are not remembered */

struct value_entry {
	uint32_t n; /* bytes + 1; 0 = empty */
	char bytes[VALUE_BYTES];
	uint64_t bits[]; /* the surviving stages */
};

/* What a kind of event lets live. */
#define KIND_ENTRIES 256
#define KIND_BYTES 118 /* of the key */

struct kind_entry {
	uint16_t n;	 /* bytes of the key; 0 = empty */
	uint16_t guards; /* a bit for each that guards enough of them */
	char key[KIND_BYTES];
	uint64_t bits[];
};
static_assert(GUARDS_MAX <= 16, "a bit for each guard");

struct guard_cache {
	char *entries;	/* and one more for what is not remembered */
	uint32_t *seen; /* per leaf: the round it was tested in */
	uint32_t round;
};

struct index_run {
	char *kinds; /* and one more, as above */
	size_t kind_stride, value_stride;
	struct guard_cache guards[GUARDS_MAX];
	size_t n_guards;
	struct buf room;      /* for grams */
	uint64_t *candidates; /* bit sets of stages */
	uint64_t *alive;
};

/* ---- life ------------------------------------------------------------ */

static int
new_caches(struct index_run *run, const struct index *x)
{
	size_t bits = x->words * sizeof(uint64_t);

	run->kind_stride = sizeof(struct kind_entry) + bits;
	run->value_stride = sizeof(struct value_entry) + bits;
	run->n_guards = x->n_guards;
	run->kinds = calloc(KIND_ENTRIES + 1, run->kind_stride);
	run->candidates = calloc(x->words + 1, sizeof(uint64_t));
	run->alive = calloc(x->words + 1, sizeof(uint64_t));
	if (run->kinds == NULL || run->candidates == NULL || run->alive == NULL)
		return -1;
	for (size_t i = 0; i < x->n_guards; i++) {
		struct guard_cache *c = &run->guards[i];

		c->entries = calloc(VALUE_ENTRIES + 1, run->value_stride);
		c->seen = calloc(x->guards[i].n + 1, sizeof(*c->seen));
		if (c->entries == NULL || c->seen == NULL)
			return -1;
	}
	return 0;
}

struct index_run *
index_run_new(struct rules_run *rules)
{
	struct index_run *run = calloc(1, sizeof(*run));

	if (run != NULL && new_caches(run, &rules->set->index) < 0) {
		index_run_free(run);
		return NULL;
	}
	return run;
}

void
index_run_free(struct index_run *run)
{
	if (run == NULL)
		return;
	for (size_t i = 0; i < run->n_guards; i++) {
		free(run->guards[i].entries);
		free(run->guards[i].seen);
	}
	free(run->kinds);
	free(run->candidates);
	free(run->alive);
	buf_free(&run->room);
	free(run);
}

/* ---- bit sets -------------------------------------------------------- */

static void
set_stages(uint64_t *bits, const struct guard_leaf *l)
{
	for (size_t i = 0; i < l->n; i++)
		bits[l->pairs[i].stage / 64] |= 1ull << l->pairs[i].stage % 64;
}

/* Does the guard care for at least so many of the stages? */
static bool
guards_enough(const struct guard *g, const uint64_t *bits, size_t words)
{
	unsigned n = 0;

	for (size_t w = 0; w < words; w++) {
		n += (unsigned)__builtin_popcountll(bits[w] & ~g->unguarded[w]);
		if (n >= g->worth)
			return true;
	}
	return false;
}

/* ---- the kind of the event ------------------------------------------- */

/* The values of all fields, each with its length; 0 = not remembered. Never
 * empty otherwise, not even without fields. */
static size_t
kind_key(const struct index *x, struct record *r, char key[KIND_BYTES])
{
	size_t n = 1;

	key[0] = (char)x->n_kinds;
	for (size_t k = 0; k < x->n_kinds; k++) {
		const struct slot *slot = record_get(r, x->kinds[k].field);

		if (n == KIND_BYTES || slot->n > UINT8_MAX)
			return 0;
		key[n++] = (char)slot->n;
		for (uint32_t i = 0; i < slot->n; i++) {
			struct view s = slot->v[i].s;

			if (slot->v[i].type != VALUE_STRING ||
			    s.n >= KIND_BYTES - n)
				return 0;
			key[n++] = (char)s.n;
			if (s.n > 0)
				memcpy(key + n, s.p, s.n);
			n += s.n;
		}
	}
	return n;
}

/* A stage lives if of each field one of its tests holds. */
static void
fill_kind(struct rules_run *run, struct kind_entry *e)
{
	const struct index *x = &run->set->index;
	size_t n_stages = run->set->n_stages;
	uint64_t *alive = run->index->alive;

	memset(e->bits, 0xff, x->words * sizeof(*e->bits));
	if (n_stages % 64 != 0)
		e->bits[x->words - 1] = (1ull << n_stages % 64) - 1;
	for (size_t k = 0; k < x->n_kinds; k++) {
		const struct guard *g = &x->kinds[k];

		memcpy(alive, g->unguarded, x->words * sizeof(*alive));
		for (size_t i = 0; i < g->n; i++)
			if (eval_leaf(&run->eval, g->leaves[i].pairs->leaf))
				set_stages(alive, &g->leaves[i]);
		for (size_t w = 0; w < x->words; w++)
			e->bits[w] &= alive[w];
	}
	e->guards = 0;
	for (size_t g = 0; g < x->n_guards; g++)
		if (guards_enough(&x->guards[g], e->bits, x->words))
			e->guards |= (uint16_t)(1u << g);
}

static const struct kind_entry *
kind_of(struct rules_run *run, struct record *r)
{
	struct index_run *own = run->index;
	char key[KIND_BYTES];
	size_t n = kind_key(&run->set->index, r, key), at = KIND_ENTRIES;
	struct kind_entry *e;

	if (n > 0)
		at = view_hash((struct view){ key, n }) % KIND_ENTRIES;
	e = (struct kind_entry *)(own->kinds + at * own->kind_stride);
	if (n > 0 && e->n == n && memcmp(e->key, key, n) == 0)
		return e;
	fill_kind(run, e);
	e->n = (uint16_t)n;
	memcpy(e->key, key, n);
	return e;
}

/* ---- the value of a field -------------------------------------------- */

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
	if (eval_leaf_string(&scan->run->eval, l->pairs->leaf, scan->s))
		set_stages(scan->bits, l);
}

static bool
scan_value(struct rules_run *run, size_t g, struct view s, uint64_t *bits)
{
	const struct index *x = &run->set->index;
	struct guard_cache *c = &run->index->guards[g];
	struct scan scan = { run, &x->guards[g], c, s, bits };
	struct grams_found found = { try_leaf, &scan };

	memcpy(bits, scan.guard->unguarded, x->words * sizeof(*bits));
	if (++c->round == 0) {
		memset(c->seen, 0, scan.guard->n * sizeof(*c->seen));
		c->round = 1;
	}
	return grams_find(&scan.guard->grams, &run->index->room, s, &found);
}

/* The stages that one value lets live; NULL: cannot say. */
static const uint64_t *
value_alive(struct rules_run *run, size_t g, const struct value *v)
{
	struct index_run *own = run->index;
	size_t at = VALUE_ENTRIES;
	struct value_entry *e;
	struct view s = v->s;

	if (v->type != VALUE_STRING || s.n > SCAN_BYTES || s.n == 0)
		return NULL;
	if (s.n <= VALUE_BYTES)
		at = view_hash(s) % VALUE_ENTRIES;
	e = (struct value_entry *)(own->guards[g].entries +
				   at * own->value_stride);
	if (e->n == s.n + 1 && memcmp(e->bytes, s.p, s.n) == 0)
		return e->bits;
	e->n = 0;
	if (!scan_value(run, g, s, e->bits))
		return NULL;
	if (s.n <= VALUE_BYTES) {
		e->n = (uint32_t)s.n + 1;
		memcpy(e->bytes, s.p, s.n);
	}
	return e->bits;
}

/* The same for the whole field: any of its values. */
static const uint64_t *
guard_alive(struct rules_run *run, size_t g, struct record *r)
{
	const struct index *x = &run->set->index;
	const struct slot *slot = record_get(r, x->guards[g].field);
	uint64_t *alive = run->index->alive;
	const uint64_t *one;

	if (slot->n == 0)
		return x->guards[g].unguarded;
	if (slot->n == 1)
		return value_alive(run, g, &slot->v[0]);
	if (slot->n > VALUES_MAX)
		return NULL;
	memcpy(alive, x->guards[g].unguarded, x->words * sizeof(*alive));
	for (uint32_t i = 0; i < slot->n; i++) {
		one = value_alive(run, g, &slot->v[i]);
		if (one == NULL)
			return NULL;
		for (size_t w = 0; w < x->words; w++)
			alive[w] |= one[w];
	}
	return alive;
}

/* ---- all ------------------------------------------------------------- */

const uint64_t *
index_candidates(struct rules_run *run, struct record *r)
{
	const struct index *x = &run->set->index;
	const struct kind_entry *kind = kind_of(run, r);
	uint64_t *bits = run->index->candidates, left = 0;

	for (size_t w = 0; w < x->words; w++) {
		bits[w] = kind->bits[w];
		left |= bits[w];
	}
	for (unsigned todo = kind->guards; todo != 0 && left != 0;
	     todo &= todo - 1) {
		size_t g = (size_t)__builtin_ctz(todo);
		const uint64_t *alive;

		if (!guards_enough(&x->guards[g], bits, x->words))
			continue;
		alive = guard_alive(run, g, r);
		if (alive == NULL)
			continue;
		left = 0;
		for (size_t w = 0; w < x->words; w++) {
			bits[w] &= alive[w];
			left |= bits[w];
		}
	}
	return left != 0 ? bits : NULL;
}
