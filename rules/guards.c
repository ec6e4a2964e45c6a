/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the value of one field lets live; see index.h. */
#include "rules/engine.h"

#include <stdlib.h>

#define SCAN_BYTES 65536 /* longer values are not looked at here */
#define VALUES_MAX 32	 /* of an array; more: the guard is skipped */
#define ENTRIES 256
#define ENTRY_BYTES 88 /* longer values are not remembered */

struct value_entry {
	uint32_t n; /* bytes + 1; 0 = empty */
	char bytes[ENTRY_BYTES];
	uint64_t bits[]; /* the stages that live */
};

struct guard_run {
	char *entries; /* and one more for what is not remembered */
	size_t stride;
	struct grams_room room;
	uint64_t *alive; /* of several values */
};

/* ---- life ------------------------------------------------------------ */

struct guard_run *
guard_run_new(const struct index *x, size_t g)
{
	struct guard_run *run = calloc(1, sizeof(*run));
	size_t bits = x->words * sizeof(uint64_t);

	if (run == NULL)
		return NULL;
	run->stride = sizeof(struct value_entry) + bits;
	run->entries = calloc(ENTRIES + 1, run->stride);
	run->alive = calloc(1, bits);
	if (run->entries == NULL || run->alive == NULL ||
	    grams_room_new(&x->guards[g].grams, &run->room) < 0) {
		guard_run_free(run);
		return NULL;
	}
	return run;
}

void
guard_run_free(struct guard_run *run)
{
	if (run == NULL)
		return;
	grams_room_free(&run->room);
	free(run->entries);
	free(run->alive);
	free(run);
}

/* ---- one value ------------------------------------------------------- */

void
guard_keep(uint64_t *bits, const struct guard_leaf *l)
{
	for (size_t i = 0; i < l->n; i++)
		bits[l->pairs[i].stage / 64] |= 1ull << l->pairs[i].stage % 64;
}

struct scan {
	const struct guard *guard;
	uint64_t *bits;
};

static void
keep_stages(void *ctx, uint32_t test)
{
	struct scan *scan = ctx;

	guard_keep(scan->bits, &scan->guard->leaves[test]);
}

static bool
scan_value(const struct index *x, size_t g, struct guard_run *run,
	   struct view s, uint64_t *bits)
{
	struct scan scan = { &x->guards[g], bits };
	struct grams_found found = { keep_stages, &scan };

	memcpy(bits, scan.guard->unguarded, x->words * sizeof(*bits));
	return grams_find(&scan.guard->grams, &run->room, s, &found);
}

/* NULL: cannot say. */
static const uint64_t *
value_alive(const struct index *x, size_t g, struct guard_run *run,
	    const struct value *v)
{
	struct value_entry *e;
	struct view s = v->s;
	size_t at = ENTRIES;

	if (v->type != VALUE_STRING || s.n > SCAN_BYTES || s.n == 0)
		return NULL;
	if (s.n <= ENTRY_BYTES)
		at = view_hash(s) % ENTRIES;
	e = (struct value_entry *)(run->entries + at * run->stride);
	if (e->n == s.n + 1 && memcmp(e->bytes, s.p, s.n) == 0)
		return e->bits;
	e->n = 0;
	if (!scan_value(x, g, run, s, e->bits))
		return NULL;
	if (s.n <= ENTRY_BYTES) {
		e->n = (uint32_t)s.n + 1;
		memcpy(e->bytes, s.p, s.n);
	}
	return e->bits;
}

/* ---- the field: any of its values ------------------------------------ */

const uint64_t *
guard_alive(const struct index *x, size_t g, struct guard_run *run,
	    struct record *r)
{
	const struct slot *slot = record_get(r, x->guards[g].field);
	const uint64_t *one;

	if (slot->n == 0)
		return x->guards[g].unguarded;
	if (slot->n == 1)
		return value_alive(x, g, run, &slot->v[0]);
	if (slot->n > VALUES_MAX)
		return NULL;
	memcpy(run->alive, x->guards[g].unguarded,
	       x->words * sizeof(*run->alive));
	for (uint32_t i = 0; i < slot->n; i++) {
		one = value_alive(x, g, run, &slot->v[i]);
		if (one == NULL)
			return NULL;
		for (size_t w = 0; w < x->words; w++)
			run->alive[w] |= one[w];
	}
	return run->alive;
}
