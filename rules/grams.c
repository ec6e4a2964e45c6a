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
 * a table; only the forms found there are compared with it, each once; those
 * that are one literal between two * only where the window is. Forms without
 * any window (*, *x*) are always compared.
 *
 * Before it is compared with forms of several parts a value must have the bytes
 * of their literals, which a set of 64 bits tells of either: *:* and -*x* are
 * nearly never true.
 *
 * Windows are blunt: letters that differ in their case look alike there, and
 * so do a few other bytes, so a walk need not fold the value. Most windows of
 * most values are in no form; a filter by their hash says so of five at once.
 */
#include "rules/engine.h"

#include <stdlib.h>

#define MARK_BEGIN '\x01'
#define MARK_END '\x02'
#define WINDOW 4

/* A window under construction; where it is in the form with its marks. */
struct use {
	uint32_t gram, form, at;
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

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* How little a window is worth. Of equally common ones those over the joint of
 * two words are best: "r/tm" is rarer than "/tmp" in what people type. */
static uint32_t
commonness(const struct builder *b, const char *p)
{
	return b->count[count_place(window_at(p))] * 2 +
	       (is_word(p[1]) && is_word(p[2]));
}

/* The rarest of the windows of the literal run from..to, if it is rarer than
 * `common`, which is then its own. */
static void
best_window(const struct builder *b, const char *p, size_t from, size_t to,
	    uint32_t *common, struct use *best)
{
	for (size_t i = from; i + WINDOW <= to; i++) {
		uint32_t its = commonness(b, p + i);

		if (its >= *common)
			continue;
		best->gram = window_at(p + i);
		best->at = (uint32_t)i;
		*common = its;
	}
}

/* With the mark, n of 1 to 3. Short beginnings and ends have windows of their
 * own, filled up with NUL: they are looked up once a value. */
static uint32_t
begin_window(const char *p, size_t n)
{
	char w[WINDOW] = { MARK_BEGIN, p[0], n > 1 ? p[1] : '\0',
			   n > 2 ? p[2] : '\0' };

	return window_at(w);
}

static uint32_t
end_window(const char *end, size_t n)
{
	char w[WINDOW] = { n > 2 ? end[-3] : '\0', n > 1 ? end[-2] : '\0',
			   end[-1], MARK_END };

	return window_at(w);
}

static bool
is_wild(char c)
{
	return c == PATTERN_ANY || c == PATTERN_ONE;
}

/* `p` is the form with its marks, `n` bytes. */
static bool
choose_window(struct grams *g, const struct builder *b, const char *p, size_t n,
	      struct use *use)
{
	size_t from = 0, first = 1, last = n - 1;
	uint32_t common = UINT32_MAX;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && !is_wild(p[i]))
			continue;
		best_window(b, p, from, i, &common, use);
		from = i + 1;
	}
	if (common != UINT32_MAX)
		return true;
	while (first < n - 1 && !is_wild(p[first]))
		first++;
	while (last > 1 && !is_wild(p[last - 1]))
		last--;
	if (first > 1) {
		use->gram = begin_window(p + 1, first - 1);
		g->begins[first - 1] = true;
	} else if (last < n - 1) {
		use->gram = end_window(p + n - 1, n - 1 - last);
		g->ends[n - 1 - last] = true;
	}
	return first > 1 || last < n - 1;
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

/* None where the comparison is as soon done: its window has been seen. */
static uint64_t
literal_bytes(const struct pattern *p)
{
	struct view form = p->form;
	uint64_t bytes = 0;

	if (p->kind != PATTERN_PARTS && p->kind != PATTERN_GENERAL &&
	    (p->kind != PATTERN_CONTAINS || p->a.n >= WINDOW))
		return 0;
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
			last->bytes = literal_bytes(&last->pattern);
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
		struct use use = { .form = i };

		if (!mark_form(b, &room, &g->forms[i]))
			break;
		if (choose_window(g, b, room.p, room.n, &use))
			b->uses[b->n_uses++] = use;
		else
			g->always[g->n_always++] = i;
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
	g->uses = arena_array(arena, b->n_uses + 1, sizeof(*g->uses));
	g->filter = arena_zalloc(arena, 1u << GRAMS_FILTER_BITS);
	if (g->slots == NULL || g->uses == NULL || g->filter == NULL)
		return -1;
	memset(g->slots, 0, size * sizeof(*g->slots));
	for (size_t i = 0; i < b->n_uses; i++) {
		uint32_t at = spread(b->uses[i].gram) >> 8;

		/* Of *literal* the mark and the * come first. */
		g->uses[i] =
			(struct gram_use){ b->uses[i].form, b->uses[i].at - 2 };
		g->filter[filter_place(b->uses[i].gram)] = true;
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
	unsigned tries; /* at single places */
	struct grams_found *found;
};

/* More are no longer cheaper than to look through the value once. */
#define TRIES_MAX 256

/* As the form wants it. */
static struct view
value_for(struct walk *w, const struct gram_form *f)
{
	char *text = w->room->text.p;

	if (!f->fold)
		return w->value;
	if (!w->folded)
		fold_ascii(text, w->value);
	w->folded = true;
	return (struct view){ text, w->value.n };
}

/* byte_bit of each, eight at a time. */
static uint64_t
eight_bits(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t places = (x >> 1 & 0x20 * ones) | (x & 0x1f * ones);
	uint64_t bits = 0;

	for (unsigned i = 0; i < 8; i++, places >>= 8)
		bits |= 1ull << (places & 0x3f);
	return bits;
}

static uint64_t
bytes_of(struct walk *w)
{
	uint64_t bytes = w->bytes, eight;
	size_t i = 0;

	if (bytes != 0)
		return bytes;
	for (; i + sizeof(eight) <= w->value.n; i += sizeof(eight)) {
		memcpy(&eight, w->value.p + i, sizeof(eight));
		bytes |= eight_bits(eight);
	}
	for (; i < w->value.n; i++)
		bytes |= byte_bit(w->value.p[i]);
	return w->bytes = bytes;
}

static void
note_match(struct walk *w, uint32_t form)
{
	const struct gram_form *f = &w->g->forms[form];

	w->room->seen[form] = w->room->round;
	for (uint32_t i = 0; i < f->n; i++)
		w->found->call(w->found->ctx, w->g->tests[f->first + i]);
}

static bool
is_seen(const struct walk *w, uint32_t form)
{
	return w->room->seen[form] == w->room->round;
}

static void
compare(struct walk *w, uint32_t form)
{
	const struct gram_form *f = &w->g->forms[form];

	if (is_seen(w, form) ||
	    (f->bytes != 0 && (f->bytes & ~bytes_of(w)) != 0))
		return;
	w->room->seen[form] = w->room->round;
	if (pattern_match(&f->pattern, value_for(w, f)))
		note_match(w, form);
}

/* Is the literal there whose window is at that byte of the value? */
static void
compare_here(struct walk *w, const struct gram_use *use, const char *window)
{
	const struct gram_form *f = &w->g->forms[use->form];
	size_t at = (size_t)(window - w->value.p);
	struct view part = f->pattern.a;

	if (is_seen(w, use->form) || at < use->at ||
	    w->value.n - (at - use->at) < part.n)
		return;
	if (memcmp(value_for(w, f).p + at - use->at, part.p, part.n) == 0)
		note_match(w, use->form);
}

/* `where` the value has the window; NULL if a mark is in it. */
static void
look_up(struct walk *w, uint32_t gram, const char *where)
{
	const struct grams *g = w->g;
	uint32_t at = spread(gram) >> 8;

	for (at &= g->mask; g->slots[at].n > 0; at = (at + 1) & g->mask) {
		const struct gram_use *use = &g->uses[g->slots[at].first];

		if (g->slots[at].gram != gram)
			continue;
		for (uint32_t i = 0; i < g->slots[at].n; i++, use++)
			if (g->forms[use->form].pattern.kind ==
				    PATTERN_CONTAINS &&
			    where != NULL && w->tries++ < TRIES_MAX)
				compare_here(w, use, where);
			else
				compare(w, use->form);
		return;
	}
}

static inline unsigned
may_be(const struct grams *g, uint32_t window)
{
	return g->filter[filter_place(window)];
}

static inline void
try(struct walk *w, uint32_t window, const char *where)
{
	if (may_be(w->g, window))
		look_up(w, window, where);
}

/* The windows of eight bytes; nearly always there is none. */
static inline void
try_five(struct walk *w, const struct grams *g, const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	x |= 0x2020202020202020ull;
	if (!(may_be(g, (uint32_t)x) | may_be(g, (uint32_t)(x >> 8)) |
	      may_be(g, (uint32_t)(x >> 16)) | may_be(g, (uint32_t)(x >> 24)) |
	      may_be(g, (uint32_t)(x >> 32))))
		return;
	for (size_t i = 0; i <= sizeof(x) - WINDOW; i++)
		try(w, window_at(p + i), p + i);
}

/* Those in which a mark is. */
static void
try_marked(struct walk *w)
{
	const struct grams *g = w->g;
	const char *p = w->value.p, *end = p + w->value.n;
	size_t most = w->value.n < 3 ? w->value.n : 3;

	for (size_t n = 1; n < 3 && n <= most; n++) {
		if (g->begins[n])
			try(w, begin_window(p, n), NULL);
		if (g->ends[n])
			try(w, end_window(end, n), NULL);
	}
	if (most == 3) {
		try(w, begin_window(p, 3), NULL);
		try(w, end_window(end, 3), NULL);
	}
	if (w->value.n == 2)
		try(w, window_at((char[]){ MARK_BEGIN, p[0], p[1], MARK_END }),
		    NULL);
}

/* All windows of the value; repeated ones do no harm. */
static void
walk(struct walk *w)
{
	const struct grams *g = w->g;
	const char *p = w->value.p, *last;

	try_marked(w);
	for (size_t i = 0; w->value.n < 8 && i + WINDOW <= w->value.n; i++)
		try(w, window_at(p + i), p + i);
	if (w->value.n < 8)
		return;
	last = p + w->value.n - 8;
	for (; p < last; p += 8 - WINDOW + 1)
		try_five(w, g, p);
	try_five(w, g, last);
}

bool
grams_find(const struct grams *g, struct grams_room *room, struct view value,
	   struct grams_found *found)
{
	struct walk w = { g, room, value, 0, false, 0, found };

	buf_clear(&room->text);
	if (room->text.cap < value.n && !buf_reserve(&room->text, value.n)) {
		room->text.failed = false;
		return false;
	}
	if (++room->round == 0) {
		memset(room->seen, 0, g->n_forms * sizeof(*room->seen));
		room->round = 1;
	}
	for (size_t i = 0; i < g->n_always; i++)
		compare(&w, g->always[i]);
	if (value.n > 0)
		walk(&w);
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
