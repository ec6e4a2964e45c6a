/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of very many string tests are true of a value, found in one walk over
 * its bytes.
 *
 * The tests are lists of literals and patterns, here called forms; equal ones
 * of several tests are one. Of every form one window of four bytes is chosen
 * that any matching value must contain (with a mark at either end of the value,
 * so that short words and prefixes have windows, too), the rarest in the texts
 * of the forms at hand: /tmp is everywhere. A value's windows are looked up in
 * a table; only the forms found there are compared with it, each once. Forms
 * without any window (*, *x*) are always compared.
 *
 * Before it is compared a value must have the bytes of a form's literals, which
 * a set of 64 bits tells of either: *:* and -*x* are nearly never true.
 *
 * Windows are blunt: letters that differ in their case look alike there, and
 * so do a few other bytes, so a walk need not fold the value. Most windows of
 * most values are in no form; a filter of one bit a hash says so.
 */
#include "rules/engine.h"

#include <stdlib.h>

#define MARK_BEGIN '\x01'
#define MARK_END '\x02'
#define WINDOW 4

/* A window under construction. */
struct use {
	uint32_t gram, form;
};

/* A form of a test, before equal ones are one. */
struct wish {
	struct gram_form form;
	uint32_t test;
};

struct builder {
	struct wish *wishes;
	size_t n_wishes, cap_wishes;
	struct use *uses;
	size_t n_uses;
	uint32_t *count; /* in all forms, by hash: how common a window is */
	bool failed;
};

#define COUNT_BITS 16

/* Blunt: without the bit that tells a from A. */
static inline uint32_t
window_at(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w | 0x20202020;
}

static inline uint32_t
spread(uint32_t gram)
{
	return gram * 2654435761u; /* Knuth, TAOCP 6.4 */
}

static uint32_t
count_place(uint32_t gram)
{
	return spread(gram) >> (32 - COUNT_BITS);
}

static inline uint32_t
filter_place(uint32_t gram)
{
	return spread(gram) >> (32 - GRAMS_FILTER_BITS);
}

/* The rarest window of one literal run, better than *best. */
static void
best_window(const struct builder *b, struct view run, uint32_t *best,
	    uint32_t *best_count, bool *found)
{
	for (size_t i = 0; i + WINDOW <= run.n; i++) {
		uint32_t gram = window_at(run.p + i);
		uint32_t count = b->count[count_place(gram)];

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

/* `p` is the form with its marks, `n` bytes. */
static bool
choose_window(const struct builder *b, const char *p, size_t n, uint32_t *gram,
	      bool *short_one)
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
	*short_one = !found;
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

/* A bit each for letters of either case and other printable ASCII; the rest
 * shares them. */
static inline uint64_t
byte_bit(char c)
{
	unsigned char b = (unsigned char)c;

	return 1ull << ((b >> 1 & 0x20) | (b & 0x1f));
}

/* ---- building -------------------------------------------------------- */

static void
add_wish(struct builder *b, const struct pattern *p, bool fold, uint32_t test)
{
	if (b->n_wishes == b->cap_wishes) {
		size_t cap = b->cap_wishes == 0 ? 256 : b->cap_wishes * 2;
		struct wish *v = realloc(b->wishes, cap * sizeof(*v));

		if (v == NULL) {
			b->failed = true;
			return;
		}
		b->wishes = v;
		b->cap_wishes = cap;
	}
	b->wishes[b->n_wishes++] =
		(struct wish){ { .pattern = *p, .fold = fold }, test };
}

/* Literals; folded already when the values are to be. */
static void
add_set(struct builder *b, const struct value_set *set, bool fold,
	uint32_t test)
{
	for (size_t i = 0; i <= set->mask; i++) {
		struct view s = set->table[i];

		if (s.p != NULL)
			add_wish(b,
				 &(struct pattern){ .kind = PATTERN_EXACT,
						    .a = s,
						    .form = s },
				 fold, test);
	}
}

static void
add_leaf(struct builder *b, const struct leaf *l, uint32_t test)
{
	if (l->op == LEAF_IN) {
		add_set(b, &l->set, l->set.fold, test);
		return;
	}
	if (l->patterns.exact.n > 0)
		add_set(b, &l->patterns.exact, l->patterns.fold, test);
	for (size_t i = 0; i < l->patterns.n; i++)
		add_wish(b, &l->patterns.v[i], l->patterns.fold, test);
}

static int
by_form(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	int order = view_cmp(x->form.pattern.form, y->form.pattern.form);

	if (order == 0)
		order = (int)x->form.fold - (int)y->form.fold;
	if (order == 0)
		order = x->test < y->test ? -1 : x->test > y->test;
	return order;
}

static bool
same_form(const struct gram_form *a, const struct gram_form *b)
{
	return a->fold == b->fold && view_eq(a->pattern.form, b->pattern.form);
}

static uint64_t
literal_bytes(struct view form)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < form.n; i++)
		if (!is_wild(form.p[i]))
			bytes |= byte_bit(form.p[i]);
	return bytes;
}

/* The sorted wishes as forms, each with its run of tests. */
static int
make_forms(struct grams *g, struct arena *arena, const struct builder *b)
{
	g->forms = arena_array(arena, b->n_wishes + 1, sizeof(*g->forms));
	g->tests = arena_array(arena, b->n_wishes + 1, sizeof(*g->tests));
	if (g->forms == NULL || g->tests == NULL)
		return -1;
	for (size_t i = 0; i < b->n_wishes; i++) {
		struct gram_form *last = &g->forms[g->n_forms];

		g->tests[i] = b->wishes[i].test;
		if (i == 0 || !same_form(&b->wishes[i].form, last - 1)) {
			*last = b->wishes[i].form;
			last->bytes = literal_bytes(last->pattern.form);
			last->first = (uint32_t)i;
			g->n_forms++;
		}
		g->forms[g->n_forms - 1].n++;
	}
	return 0;
}

static bool
mark_form(struct builder *b, struct buf *room, const struct gram_form *f)
{
	buf_clear(room);
	buf_putc(room, MARK_BEGIN);
	buf_put(room, f->pattern.form);
	buf_putc(room, MARK_END);
	b->failed |= room->failed;
	return !b->failed;
}

static void
count_windows(const struct grams *g, struct builder *b)
{
	struct buf room = { 0 };

	for (size_t k = 0; k < g->n_forms; k++) {
		if (!mark_form(b, &room, &g->forms[k]))
			break;
		for (size_t i = 0; i + WINDOW <= room.n; i++)
			b->count[count_place(window_at(room.p + i))]++;
	}
	buf_free(&room);
}

/* One window for each form; those that have none are always compared. */
static void
choose_windows(struct grams *g, struct builder *b)
{
	struct buf room = { 0 };

	for (uint32_t i = 0; i < g->n_forms; i++) {
		uint32_t gram;
		bool short_one;

		if (!mark_form(b, &room, &g->forms[i]))
			break;
		if (!choose_window(b, room.p, room.n, &gram, &short_one)) {
			g->always[g->n_always++] = i;
			continue;
		}
		g->has_short |= short_one;
		b->uses[b->n_uses++] = (struct use){ gram, i };
	}
	buf_free(&room);
}

static int
by_gram(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->gram != y->gram)
		return x->gram < y->gram ? -1 : 1;
	return x->form < y->form ? -1 : x->form > y->form;
}

/* The sorted uses as a table from window to a run of forms. */
static int
make_table(struct grams *g, struct arena *arena, const struct builder *b)
{
	size_t size = 64;

	while (size < b->n_uses * 2)
		size *= 2;
	g->mask = (uint32_t)size - 1;
	g->slots = arena_array(arena, size, sizeof(*g->slots));
	g->found = arena_array(arena, b->n_uses + 1, sizeof(*g->found));
	g->filter = arena_zalloc(arena, (1u << GRAMS_FILTER_BITS) / 8);
	if (g->slots == NULL || g->found == NULL || g->filter == NULL)
		return -1;
	memset(g->slots, 0, size * sizeof(*g->slots));
	for (size_t i = 0; i < b->n_uses; i++) {
		uint32_t at = spread(b->uses[i].gram) >> 8, place;

		g->found[i] = b->uses[i].form;
		place = filter_place(b->uses[i].gram);
		g->filter[place / 64] |= 1ull << place % 64;
		for (at &= g->mask;
		     g->slots[at].n > 0 && g->slots[at].gram != b->uses[i].gram;
		     at = (at + 1) & g->mask)
			;
		if (g->slots[at].n++ == 0) {
			g->slots[at].gram = b->uses[i].gram;
			g->slots[at].first = (uint32_t)i;
		}
	}
	return 0;
}

int
grams_build(struct grams *g, struct arena *arena, const struct leaf *leaves,
	    const uint32_t *ids, size_t n)
{
	struct builder b = { .count = calloc(1u << COUNT_BITS,
					     sizeof(uint32_t)) };
	int rc = -1;

	memset(g, 0, sizeof(*g));
	for (uint32_t i = 0; i < n; i++)
		add_leaf(&b, &leaves[ids[i]], i);
	if (b.count == NULL || b.failed)
		goto out;
	if (b.n_wishes > 0)
		qsort(b.wishes, b.n_wishes, sizeof(*b.wishes), by_form);
	if (make_forms(g, arena, &b) < 0)
		goto out;
	g->always = arena_array(arena, g->n_forms + 1, sizeof(*g->always));
	b.uses = calloc(g->n_forms + 1, sizeof(*b.uses));
	if (g->always == NULL || b.uses == NULL)
		goto out;
	count_windows(g, &b);
	choose_windows(g, &b);
	if (b.failed)
		goto out;
	qsort(b.uses, b.n_uses, sizeof(*b.uses), by_gram);
	rc = make_table(g, arena, &b);
out:
	free(b.count);
	free(b.wishes);
	free(b.uses);
	return rc;
}

/* ---- finding --------------------------------------------------------- */

/* A value being walked over. */
struct walk {
	const struct grams *g;
	struct grams_room *room;
	struct view value;
	uint64_t bytes; /* that it has, 0: not looked at */
	bool folded;	/* room->text is */
	struct grams_found *found;
};

/* As the form wants it; the walk may go on over the folded text, since its
 * windows are blunt. */
static struct view
value_for(struct walk *w, const struct gram_form *f)
{
	char *text = w->room->text.p + 1;

	if (!f->fold)
		return w->value;
	if (!w->folded)
		fold_ascii(text, w->value);
	w->folded = true;
	return (struct view){ text, w->value.n };
}

static uint64_t
bytes_of(struct walk *w)
{
	uint64_t bytes = w->bytes;

	if (bytes != 0)
		return bytes;
	for (size_t i = 0; i < w->value.n; i++)
		bytes |= byte_bit(w->value.p[i]);
	return w->bytes = bytes;
}

static void
compare(struct walk *w, uint32_t form)
{
	const struct gram_form *f = &w->g->forms[form];

	if ((f->bytes & ~bytes_of(w)) != 0 ||
	    w->room->seen[form] == w->room->round)
		return;
	w->room->seen[form] = w->room->round;
	if (!pattern_match(&f->pattern, value_for(w, f)))
		return;
	for (uint32_t i = 0; i < f->n; i++)
		w->found->call(w->found->ctx, w->g->tests[f->first + i]);
}

static void
look_up(struct walk *w, uint32_t gram)
{
	const struct grams *g = w->g;
	uint32_t at = spread(gram) >> 8;

	for (at &= g->mask; g->slots[at].n > 0; at = (at + 1) & g->mask) {
		if (g->slots[at].gram != gram)
			continue;
		for (uint32_t i = 0; i < g->slots[at].n; i++)
			compare(w, g->found[g->slots[at].first + i]);
		return;
	}
}

/* Most windows end here. */
static inline void
try(struct walk *w, const uint64_t *filter, uint32_t gram)
{
	uint32_t place = filter_place(gram);

	if (filter[place / 64] >> place % 64 & 1)
		look_up(w, gram);
}

/* A copy of the value with its marks. */
static bool
mark_value(struct buf *text, struct view value)
{
	buf_clear(text);
	if (text->cap < value.n + 2 && !buf_reserve(text, value.n + 2)) {
		text->failed = false;
		return false;
	}
	text->p[0] = MARK_BEGIN;
	if (value.n > 0)
		memcpy(text->p + 1, value.p, value.n);
	text->p[value.n + 1] = MARK_END;
	return true;
}

bool
grams_find(const struct grams *g, struct grams_room *room, struct view value,
	   struct grams_found *found)
{
	struct walk w = { g, room, value, 0, false, found };
	const uint64_t *filter = g->filter;
	const char *p, *end;

	if (!mark_value(&room->text, value))
		return false;
	p = room->text.p;
	if (++room->round == 0) {
		memset(room->seen, 0, g->n_forms * sizeof(*room->seen));
		room->round = 1;
	}
	for (size_t i = 0; i < g->n_always; i++)
		compare(&w, g->always[i]);
	for (size_t n = 1; g->has_short && n <= 2 && n <= value.n; n++) {
		try(&w, filter, begin_window(p + 1, n));
		try(&w, filter, end_window(p + 1 + value.n, n));
	}
	end = p + value.n + 2 - WINDOW;
	for (; value.n >= WINDOW - 2 && p <= end; p++)
		try(&w, filter, window_at(p));
	return true;
}

int
grams_room_new(const struct grams *g, struct grams_room *room)
{
	room->seen = calloc(g->n_forms + 1, sizeof(*room->seen));
	return room->seen == NULL ? -1 : 0;
}

void
grams_room_free(struct grams_room *room)
{
	free(room->seen);
	buf_free(&room->text);
}
