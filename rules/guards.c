/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the values of one field say; see index.h. */
#include "rules/engine.h"

#include <stdlib.h>

#define SCAN_BYTES 65536 /* longer values are not looked at here */
#define VALUES_MAX 32	 /* of an array; more: the guard is skipped */
#define ENTRIES 256
#define ENTRY_BYTES 88 /* longer values are not remembered */

struct value_entry {
	uint32_t n; /* bytes + 1; 0 = empty */
	char bytes[ENTRY_BYTES];
	uint64_t bits[]; /* the stages that are met; the tests that hold */
};

/* Parts of the hashes of the value that is remembered here, and of the one that
 * last was not. Many values come only once, such as command lines: only what
 * comes again is remembered, and the others do not touch the entries. */
struct value_place {
	uint32_t kept, last;
};

struct guard_run {
	char *entries; /* and one more for what is not remembered */
	size_t stride;
	struct value_place places[ENTRIES];
	struct grams_room room;
	uint64_t *some; /* what several values say, or none */
	uint32_t stamp; /* of the event that it was asked of; 0 = none */
	struct guard_says said;
};

/* Words of both sets. */
static size_t
bits_words(const struct index *x, size_t g)
{
	return x->words + (x->guards[g].n + 63) / 64;
}

/* ---- life ------------------------------------------------------------ */

struct guard_run *
guard_run_new(const struct index *x, size_t g)
{
	struct guard_run *run = calloc(1, sizeof(*run));
	size_t bits = bits_words(x, g) * sizeof(uint64_t);

	if (run == NULL)
		return NULL;
	run->stride = sizeof(struct value_entry) + bits;
	run->entries = calloc(ENTRIES + 1, run->stride);
	run->some = calloc(1, bits);
	if (run->entries == NULL || run->some == NULL ||
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
	free(run->some);
	free(run);
}

/* ---- one value ------------------------------------------------------- */

void
guard_keep(uint64_t *bits, const struct guard_leaf *l)
{
	for (size_t i = 0; i < l->n; i++)
		bits[l->stages[i] / 64] |= 1ull << l->stages[i] % 64;
}

struct scan {
	const struct guard *guard;
	uint64_t *met, *holds;
};

static void
note_test(void *ctx, uint32_t test)
{
	struct scan *scan = ctx;

	scan->holds[test / 64] |= 1ull << test % 64;
	guard_keep(scan->met, &scan->guard->leaves[test]);
}

static bool
scan_value(const struct index *x, size_t g, struct guard_run *run,
	   struct view s, uint64_t *bits)
{
	struct scan scan = { &x->guards[g], bits, bits + x->words };
	struct grams_found found = { note_test, &scan };

	memset(bits, 0, bits_words(x, g) * sizeof(*bits));
	return grams_find(&scan.guard->grams, &run->room, s, &found);
}

/* Where the value is or is to be remembered; ENTRIES: it is not. */
static size_t
place_of(struct guard_run *run, struct view s)
{
	uint64_t hash;
	uint32_t tag;
	struct value_place *place;

	if (s.n > ENTRY_BYTES)
		return ENTRIES;
	hash = view_hash(s);
	tag = (uint32_t)(hash >> 32);
	place = &run->places[hash % ENTRIES];
	if (place->kept != tag && place->last != tag) {
		place->last = tag;
		return ENTRIES;
	}
	place->kept = tag;
	return hash % ENTRIES;
}

/* NULL: cannot say. */
static const uint64_t *
value_bits(const struct index *x, size_t g, struct guard_run *run,
	   const struct value *v)
{
	struct value_entry *e;
	struct view s = v->s;
	size_t at;

	if (v->type != VALUE_STRING || s.n > SCAN_BYTES || s.n == 0)
		return NULL;
	at = place_of(run, s);
	e = (struct value_entry *)(run->entries + at * run->stride);
	if (e->n == s.n + 1 && memcmp(e->bytes, s.p, s.n) == 0)
		return e->bits;
	e->n = 0;
	if (!scan_value(x, g, run, s, e->bits))
		return NULL;
	if (at < ENTRIES) {
		e->n = (uint32_t)s.n + 1;
		memcpy(e->bytes, s.p, s.n);
	}
	return e->bits;
}

/* ---- the field: any of its values ------------------------------------ */

static const uint64_t *
field_bits(const struct index *x, size_t g, struct guard_run *run,
	   const struct slot *slot)
{
	size_t words = bits_words(x, g);

	if (slot->n == 1)
		return value_bits(x, g, run, &slot->v[0]);
	if (slot->n > VALUES_MAX)
		return NULL;
	memset(run->some, 0, words * sizeof(*run->some));
	for (uint32_t i = 0; i < slot->n; i++) {
		const uint64_t *one = value_bits(x, g, run, &slot->v[i]);

		if (one == NULL)
			return NULL;
		for (size_t w = 0; w < words; w++)
			run->some[w] |= one[w];
	}
	return run->some;
}

const struct guard_says *
guard_ask(const struct index *x, size_t g, struct guard_run *run,
	  struct record *r, uint32_t stamp)
{
	const uint64_t *bits;

	if (run->stamp == stamp)
		return &run->said;
	bits = field_bits(x, g, run, record_get(r, x->guards[g].field));
	run->stamp = stamp;
	run->said.met = bits;
	run->said.holds = bits == NULL ? NULL : bits + x->words;
	return &run->said;
}

bool
guard_is_asked(const struct guard_run *run, uint32_t stamp)
{
	return run->stamp == stamp;
}

void
guard_forget(struct guard_run *run)
{
	run->stamp = 0;
}
