/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of very many string tests can be true of a value, found in one walk
 * over its bytes.
 *
 * Of every literal and pattern one window of four bytes is chosen that any
 * matching value must contain (folded, with a mark at either end of the
 * value, so that short words and prefixes have windows, too), the rarest
 * among the tests at hand. A value's windows are looked up in a table; only
 * the tests found there are made. Tests with a pattern that has no window at
 * all (*, *x*) are always made.
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

/* Short beginnings and ends have windows of their own, filled up with NUL:
 * they are looked up once a value. */
static uint32_t
begin_window(const char *p, size_t n)
{
	char w[WINDOW] = { MARK_BEGIN, p[0], n > 1 ? p[1] : '\0', '\0' };

	return window_at(w);
}

static uint32_t
end_window(const char *end, size_t n)
{
	char w[WINDOW] = { '\0', n > 1 ? end[-2] : '\0', end[-1], MARK_END };

	return window_at(w);
}

static bool
is_wild(char c)
{
	return c == PATTERN_ANY || c == PATTERN_ONE;
}

/* `p` is the folded form with its marks, `n` bytes. */
static bool
choose_window(const struct builder *b, const char *p, size_t n, uint32_t *gram)
{
	size_t from = 0, first = 1, last = n - 1;
	uint32_t count = 0;
	bool found = false;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && !is_wild(p[i]))
			continue;
		best_window(b, (struct view){ p + from, i - from }, gram,
			    &count, &found);
		from = i + 1;
	}
	if (found)
		return true;
	while (first < n - 1 && !is_wild(p[first]))
		first++;
	while (last > 1 && !is_wild(p[last - 1]))
		last--;
	if (first > 1)
		*gram = begin_window(p + 1, first - 1);
	else if (last < n - 1)
		*gram = end_window(p + n - 1, n - 1 - last);
	else
		return false;
	return true;
}

/* One pattern form: its runs of literal bytes, with the marks. */
static void
add_pattern(struct builder *b, struct view form, uint32_t test)
{
	char *p = malloc(form.n + 2);
	uint32_t gram;

	if (p == NULL) {
		b->failed = true;
		return;
	}
	p[0] = MARK_BEGIN;
	fold_ascii(p + 1, form);
	p[form.n + 1] = MARK_END;
	if (choose_window(b, p, form.n + 2, &gram))
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

/* Most windows end here. */
static inline bool
may_be_there(const struct grams *g, uint32_t gram)
{
	uint32_t at = spread(gram) >> 8;

	return g->bits[at / 64 & (g->mask >> 3)] >> at % 64 & 1;
}

static void
look_up(const struct grams *g, uint32_t gram, struct grams_found *found)
{
	uint32_t at = spread(gram) >> 8;

	if (!may_be_there(g, gram))
		return;
	for (at &= g->mask; g->slots[at].n > 0; at = (at + 1) & g->mask) {
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
	for (size_t n = 1; n <= 2 && n <= value.n; n++) {
		look_up(g, begin_window(room->p + 1, n), found);
		look_up(g, end_window(room->p + 1 + value.n, n), found);
	}
	for (size_t i = 0; i + WINDOW <= value.n + 2; i++)
		if (may_be_there(g, window_at(room->p + i)))
			look_up(g, window_at(room->p + i), found);
	return true;
}
