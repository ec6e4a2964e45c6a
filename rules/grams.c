/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of very many string tests can be true of a value, found in one walk
 * over its bytes.
 *
 * Of every literal and pattern one window of four bytes is chosen that any
 * matching value must contain (folded, with a mark at either end of the
 * value, so that short words and prefixes have windows, too), the rarest
 * among the tests at hand. A value's windows are looked up in a table; only
 * the tests found there are made. Tests with a pattern too short for a window
 * (*, ?x*) are always made.
 */
#include "rules/engine.h"
#include "rules/grams.h"

#include <stdlib.h>

#define MARK_BEGIN '\x01'
#define MARK_END '\x02'
#define WINDOW 4

/* A window under construction. */
struct use {
	uint32_t gram, test;
};

struct builder {
	struct use *v;
	size_t n, cap;
	uint32_t *count; /* of uses, by hash: how common a window is */
	bool failed, short_one;
};

#define COUNT_SLOTS 65536

static uint32_t
window_at(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static uint32_t
spread(uint32_t gram)
{
	return gram * 2654435761u; /* Knuth, TAOCP 6.4 */
}

static void
add_use(struct builder *b, uint32_t gram, uint32_t test)
{
	if (b->n == b->cap) {
		size_t cap = b->cap == 0 ? 256 : b->cap * 2;
		struct use *v = realloc(b->v, cap * sizeof(*v));

		if (v == NULL) {
			b->failed = true;
			return;
		}
		b->v = v;
		b->cap = cap;
	}
	b->v[b->n++] = (struct use){ gram, test };
	b->count[spread(gram) >> 16]++;
}

/* The rarest window of one literal run, better than *best. */
static void
best_window(const struct builder *b, struct view run, uint32_t *best,
	    uint32_t *best_count, bool *found)
{
	for (size_t i = 0; i + WINDOW <= run.n; i++) {
		uint32_t gram = window_at(run.p + i);
		uint32_t count = b->count[spread(gram) >> 16];

		if (*found && count >= *best_count)
			continue;
		*best = gram;
		*best_count = count;
		*found = true;
	}
}

/* One pattern form: its runs of literal bytes, with the marks. */
static void
add_pattern(struct builder *b, struct view form, uint32_t test)
{
	char *p = malloc(form.n + 2);
	uint32_t gram = 0, count = 0;
	bool found = false;
	size_t from = 0;

	if (p == NULL) {
		b->failed = true;
		return;
	}
	p[0] = MARK_BEGIN;
	fold_ascii(p + 1, form);
	p[form.n + 1] = MARK_END;
	for (size_t i = 0; i <= form.n + 2; i++) {
		if (i < form.n + 2 && p[i] != PATTERN_ANY &&
		    p[i] != PATTERN_ONE)
			continue;
		best_window(b, (struct view){ p + from, i - from }, &gram,
			    &count, &found);
		from = i + 1;
	}
	if (found)
		add_use(b, gram, test);
	else
		b->short_one = true;
	free(p);
}

static void
add_set(struct builder *b, const struct value_set *set, uint32_t test)
{
	for (size_t i = 0; i <= set->mask; i++)
		if (set->table[i].p != NULL)
			add_pattern(b, set->table[i], test);
}

static void
add_leaf(struct builder *b, const struct leaf *l, uint32_t test)
{
	if (l->op == LEAF_IN) {
		add_set(b, &l->set, test);
		return;
	}
	if (l->patterns.exact.n > 0)
		add_set(b, &l->patterns.exact, test);
	for (size_t i = 0; i < l->patterns.n; i++)
		add_pattern(b, l->patterns.v[i].form, test);
}

static int
by_gram(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->gram != y->gram)
		return x->gram < y->gram ? -1 : 1;
	return x->test < y->test ? -1 : x->test > y->test;
}

/* The sorted uses as a table from window to a run of tests. */
static int
make_table(struct grams *g, struct arena *arena, const struct builder *b)
{
	size_t size = 64;

	while (size < b->n * 2)
		size *= 2;
	g->mask = (uint32_t)size - 1;
	g->slots = arena_array(arena, size, sizeof(*g->slots));
	g->tests = arena_array(arena, b->n + 1, sizeof(*g->tests));
	g->bits = arena_array(arena, size / 8, sizeof(*g->bits));
	if (g->slots == NULL || g->tests == NULL || g->bits == NULL)
		return -1;
	memset(g->slots, 0, size * sizeof(*g->slots));
	memset(g->bits, 0, size / 8 * sizeof(*g->bits));
	for (size_t i = 0; i < b->n; i++) {
		uint32_t at = spread(b->v[i].gram) >> 8;

		g->tests[i] = b->v[i].test;
		g->bits[at / 64 & (g->mask >> 3)] |= 1ull << at % 64;
		for (at &= g->mask;
		     g->slots[at].n > 0 && g->slots[at].gram != b->v[i].gram;
		     at = (at + 1) & g->mask)
			;
		if (g->slots[at].n++ == 0) {
			g->slots[at].gram = b->v[i].gram;
			g->slots[at].first = (uint32_t)i;
		}
	}
	return 0;
}

int
grams_build(struct grams *g, struct arena *arena, const struct leaf *leaves,
	    const uint32_t *ids, size_t n)
{
	struct builder b = { .count = calloc(COUNT_SLOTS, sizeof(uint32_t)) };
	size_t kept = 0;
	int rc = -1;

	memset(g, 0, sizeof(*g));
	g->always = arena_array(arena, n + 1, sizeof(*g->always));
	if (b.count == NULL || g->always == NULL)
		goto out;
	for (uint32_t i = 0; i < n && !b.failed; i++) {
		size_t before = b.n;

		b.short_one = false;
		add_leaf(&b, &leaves[ids[i]], i);
		if (b.short_one) {
			b.n = before;
			g->always[g->n_always++] = i;
		}
	}
	if (b.failed)
		goto out;
	if (b.n > 0)
		qsort(b.v, b.n, sizeof(*b.v), by_gram);
	for (size_t i = 0; i < b.n; i++)
		if (i == 0 || by_gram(&b.v[i], &b.v[kept - 1]) != 0)
			b.v[kept++] = b.v[i];
	b.n = kept;
	rc = make_table(g, arena, &b);
out:
	free(b.count);
	free(b.v);
	return rc;
}

static void
look_up(const struct grams *g, uint32_t gram, struct grams_found *found)
{
	uint32_t at = spread(gram) >> 8 & g->mask;

	for (; g->slots[at].n > 0; at = (at + 1) & g->mask) {
		if (g->slots[at].gram != gram)
			continue;
		for (uint32_t i = 0; i < g->slots[at].n; i++)
			found->call(found->ctx,
				    g->tests[g->slots[at].first + i]);
		return;
	}
}

bool
grams_find(const struct grams *g, struct buf *room, struct view value,
	   struct grams_found *found)
{
	uint32_t bits_mask = g->mask >> 3;

	for (size_t i = 0; i < g->n_always; i++)
		found->call(found->ctx, g->always[i]);
	if (room->cap < value.n + 2) {
		buf_clear(room);
		buf_put(room, value);
		buf_put(room, VIEW("  "));
		if (room->failed) {
			room->failed = false;
			return false;
		}
	}
	room->p[0] = MARK_BEGIN;
	fold_ascii(room->p + 1, value);
	room->p[value.n + 1] = MARK_END;
	for (size_t i = 0; i + WINDOW <= value.n + 2; i++) {
		uint32_t gram = window_at(room->p + i);
		uint32_t at = spread(gram) >> 8;

		if (g->bits[at / 64 & bits_mask] >> at % 64 & 1)
			look_up(g, gram, found);
	}
	return true;
}
