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
	bool none;  /* of the tests holds */
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
	const struct guard *guard;
	size_t met_words, words; /* of the first set, of both */
	char *entries;		 /* and one more for what is not remembered */
	size_t stride;
	struct value_place places[ENTRIES];
	struct grams_room room;
	struct value_entry *some; /* what several values say, or no value */
};

/* ---- life ------------------------------------------------------------ */

struct guard_run *
guard_run_new(const struct index *x, size_t g)
{
	struct guard_run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->guard = &x->guards[g];
	run->met_words = x->words;
	run->words = x->words + (run->guard->n + 63) / 64;
	run->stride =
		sizeof(struct value_entry) + run->words * sizeof(uint64_t);
	run->entries = calloc(ENTRIES + 1, run->stride);
	run->some = calloc(1, run->stride);
	if (run->entries == NULL || run->some == NULL ||
	    grams_room_new(&run->guard->grams, &run->room) < 0) {
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
	bool none;
};

static void
note_test(void *ctx, uint32_t test)
{
	struct scan *scan = ctx;

	scan->none = false;
	scan->holds[test / 64] |= 1ull << test % 64;
	guard_keep(scan->met, &scan->guard->leaves[test]);
}

static __attribute__((noinline)) bool
scan_value(struct guard_run *run, struct view s, struct value_entry *e)
{
	struct scan scan = { run->guard, e->bits, e->bits + run->met_words,
			     true };
	struct grams_found found = { note_test, &scan };

	memset(e->bits, 0, run->words * sizeof(*e->bits));
	if (!grams_find(&run->guard->grams, &run->room, s, &found))
		return false;
	e->none = scan.none;
	return true;
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
static const struct value_entry *
value_says(struct guard_run *run, const struct value *v)
{
	struct value_entry *e;
	struct view s = v->s;
	size_t at;

	if (v->type != VALUE_STRING || s.n > SCAN_BYTES || s.n == 0)
		return NULL;
	at = place_of(run, s);
	e = (struct value_entry *)(run->entries + at * run->stride);
	if (e->n == s.n + 1 && memcmp(e->bytes, s.p, s.n) == 0)
		return e;
	e->n = 0;
	if (!scan_value(run, s, e))
		return NULL;
	if (at < ENTRIES) {
		e->n = (uint32_t)s.n + 1;
		memcpy(e->bytes, s.p, s.n);
	}
	return e;
}

/* ---- the field: any of its values ------------------------------------ */

/* NULL: cannot say. */
static __attribute__((noinline)) const struct value_entry *
values_say(struct guard_run *run, const struct slot *slot)
{
	struct value_entry *some = run->some;

	if (slot->n > VALUES_MAX)
		return NULL;
	some->none = true;
	memset(some->bits, 0, run->words * sizeof(*some->bits));
	for (uint32_t i = 0; i < slot->n; i++) {
		const struct value_entry *one = value_says(run, &slot->v[i]);

		if (one == NULL)
			return NULL;
		for (size_t w = 0; !one->none && w < run->words; w++)
			some->bits[w] |= one->bits[w];
		some->none &= one->none;
	}
	return some;
}

void
guard_ask(struct guard_run *run, struct record *r, struct guard_says *out)
{
	const struct slot *slot = record_get(r, run->guard->field);
	const struct value_entry *e = slot->n == 1
					      ? value_says(run, &slot->v[0])
					      : values_say(run, slot);

	*out = (struct guard_says){ .stamp = out->stamp };
	if (e == NULL)
		return;
	out->met = e->bits;
	out->holds = e->bits + run->met_words;
	out->none = e->none;
}
