/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wildcard patterns. Four in five of those in real rules are a literal, a
 * prefix or a substring, so each shape has its own test; so has what is only
 * literals between *; the rest is walked greedily, never worse than value times
 * pattern.
 */
#include "rules/engine.h"

struct view
pattern_form(struct arena *arena, struct view text)
{
	struct view form = arena_copy(arena, text);
	char *p = (char *)(uintptr_t)form.p;

	for (size_t i = 0; i < form.n; i++) {
		if (p[i] == '*')
			p[i] = PATTERN_ANY;
		else if (p[i] == '?')
			p[i] = PATTERN_ONE;
	}
	return form;
}

struct view
pattern_text(struct arena *arena, struct view form)
{
	struct view text = arena_copy(arena, form);
	char *p = (char *)(uintptr_t)text.p;

	for (size_t i = 0; i < text.n; i++) {
		if (p[i] == PATTERN_ANY)
			p[i] = '*';
		else if (p[i] == PATTERN_ONE)
			p[i] = '?';
	}
	return text;
}

static bool
is_wild(char c)
{
	return c == PATTERN_ANY || c == PATTERN_ONE;
}

bool
pattern_is_literal(struct view form)
{
	for (size_t i = 0; i < form.n; i++)
		if (is_wild(form.p[i]))
			return false;
	return true;
}

/* a, a*, *a, *a*, a*b by where the only wildcards stand. */
static void
classify(struct pattern *p, struct view f)
{
	size_t n = 0;
	ssize_t first = view_find(f, PATTERN_ANY);
	size_t at = (size_t)first;

	for (size_t i = 0; i < f.n; i++)
		n += is_wild(f.p[i]) + (f.p[i] == PATTERN_ONE ? 8 : 0);
	*p = (struct pattern){ .kind = PATTERN_GENERAL, .a = f, .form = f };
	if (n == 0) {
		p->kind = PATTERN_EXACT;
	} else if (n == 1 && f.n == 1) {
		p->kind = PATTERN_ALL;
	} else if (n == 1) {
		p->a = view_sub(f, 0, at);
		p->b = view_sub(f, at + 1, SIZE_MAX);
		p->kind = at == 0	? PATTERN_SUFFIX
			  : p->b.n == 0 ? PATTERN_PREFIX
					: PATTERN_BETWEEN;
	} else if (n == 2 && at == 0 && f.p[f.n - 1] == PATTERN_ANY) {
		p->a = view_sub(f, 1, f.n - 2);
		p->kind = f.n == 2 ? PATTERN_ALL : PATTERN_CONTAINS;
	} else if (view_find(f, PATTERN_ONE) < 0) {
		p->a = view_sub(f, 0, at);
		p->b = view_sub(f, (size_t)view_rfind(f, PATTERN_ANY) + 1,
				SIZE_MAX);
		p->kind = PATTERN_PARTS;
	}
}

/* Runs of * are one. */
static struct view
squeeze(struct arena *arena, struct view form, bool fold)
{
	char *p = arena_alloc(arena, form.n + 1);
	size_t n = 0;

	if (p == NULL)
		return VIEW_NONE;
	for (size_t i = 0; i < form.n; i++) {
		if (form.p[i] == PATTERN_ANY && n > 0 &&
		    p[n - 1] == PATTERN_ANY)
			continue;
		p[n++] = form.p[i];
	}
	if (fold)
		fold_ascii(p, (struct view){ p, n });
	p[n] = '\0';
	return (struct view){ p, n };
}

static void
note_byte(struct pattern_list *list, unsigned char c)
{
	list->first[c / 8] |= (uint8_t)(1u << c % 8);
}

static void
note_first(struct pattern_list *list, struct view form)
{
	unsigned char c = form.n > 0 ? (unsigned char)form.p[0] : 0;

	if (form.n == 0)
		return;
	if (is_wild(form.p[0]))
		memset(list->first, 0xff, sizeof(list->first));
	note_byte(list, c);
	if (list->fold && c >= 'a' && c <= 'z')
		note_byte(list, (unsigned char)(c - 'a' + 'A'));
}

static void
note_length(struct pattern_list *list, struct view form)
{
	size_t n = 0;

	for (size_t i = 0; i < form.n; i++)
		n += form.p[i] != PATTERN_ANY; /* a ? takes one or more */
	if (n < list->shortest)
		list->shortest = n;
}

int
pattern_list_make(struct pattern_list *list, struct arena *arena,
		  const struct view *forms, size_t n, bool fold)
{
	struct value *exact = arena_array(arena, n + 1, sizeof(*exact));
	size_t n_exact = 0;

	*list = (struct pattern_list){ .fold = fold, .shortest = SIZE_MAX };
	list->v = arena_array(arena, n + 1, sizeof(*list->v));
	if (exact == NULL || list->v == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct view form = squeeze(arena, forms[i], fold);

		if (form.p == NULL)
			return -1;
		note_first(list, form);
		note_length(list, form);
		if (pattern_is_literal(form))
			exact[n_exact++] = (struct value){ .type = VALUE_STRING,
							   .s = form };
		else
			classify(&list->v[list->n++], form);
	}
	return value_set_make(&list->exact, arena, exact, n_exact, false);
}

static size_t
point_length(struct view s, size_t at)
{
	size_t n = utf8_length(view_sub(s, at, 4));

	return n == 0 ? 1 : n; /* a stray byte counts as one */
}

/*
 * The usual greedy walk: only the last * ever needs to take more. It moves
 * by code points, so that ? never takes half of one.
 */
static bool
match_general(struct view f, struct view s)
{
	size_t i = 0, j = 0, after = SIZE_MAX, mark = 0;
	const char *next;

	while (i < s.n) {
		if (j < f.n && f.p[j] == PATTERN_ANY) {
			after = ++j;
			mark = i;
		} else if (j < f.n && f.p[j] == PATTERN_ONE) {
			i += point_length(s, i);
			j++;
		} else if (j < f.n && f.p[j] == s.p[i]) {
			i++;
			j++;
		} else if (after == SIZE_MAX) {
			return false;
		} else if (after == f.n) {
			return true;
		} else {
			j = after;
			mark += point_length(s, mark);
			if (!is_wild(f.p[j])) {
				if (mark >= s.n)
					return false;
				next = memchr(s.p + mark, f.p[j], s.n - mark);
				if (next == NULL)
					return false;
				mark = (size_t)(next - s.p);
			}
			i = mark;
		}
	}
	while (j < f.n && f.p[j] == PATTERN_ANY)
		j++;
	return j == f.n;
}

/* Most values already differ in the first byte. `part` is not empty. */
static inline bool
starts(struct view s, struct view part)
{
	return s.n >= part.n && s.p[0] == part.p[0] &&
	       memcmp(s.p, part.p, part.n) == 0;
}

/* Of short values the first byte decides sooner than memmem is ready; of those
 * that have it again and again memmem is the better one. */
#define TRIES 8

static const char *
find(struct view s, struct view part)
{
	const char *end, *p = s.p;

	if (s.n < part.n)
		return NULL;
	end = s.p + s.n - part.n + 1;
	for (unsigned i = 0; i < TRIES; i++, p++) {
		p = memchr(p, part.p[0], (size_t)(end - p));
		if (p == NULL || memcmp(p, part.p, part.n) == 0)
			return p;
	}
	return memmem(p, (size_t)(s.p + s.n - p), part.p, part.n);
}

/* Of each part between the first and the last its first place after the one
 * before is the best. */
static bool
match_parts(const struct pattern *p, struct view s)
{
	const char *f = p->form.p + p->a.n + 1; /* behind the first * */
	const char *last = p->form.p + p->form.n - p->b.n, *end;

	if (s.n < p->a.n + p->b.n || (p->a.n > 0 && !starts(s, p->a)) ||
	    !view_ends(s, p->b))
		return false;
	s = view_sub(s, p->a.n, s.n - p->a.n - p->b.n);
	for (; f < last; f = end + 1) {
		struct view part;
		const char *at;

		end = memchr(f, PATTERN_ANY, (size_t)(last - f));
		part = (struct view){ f, (size_t)(end - f) };
		at = find(s, part);
		if (at == NULL)
			return false;
		s.n -= (size_t)(at - s.p) + part.n;
		s.p = at + part.n;
	}
	return true;
}

bool
pattern_match(const struct pattern *p, struct view s)
{
	switch (p->kind) {
	case PATTERN_EXACT:
		return view_eq(s, p->a);
	case PATTERN_ALL:
		return true;
	case PATTERN_PREFIX:
		return starts(s, p->a);
	case PATTERN_SUFFIX:
		return view_ends(s, p->b);
	case PATTERN_CONTAINS:
		return find(s, p->a) != NULL;
	case PATTERN_BETWEEN:
		return s.n >= p->a.n + p->b.n && starts(s, p->a) &&
		       view_ends(s, p->b);
	case PATTERN_PARTS:
		return match_parts(p, s);
	case PATTERN_GENERAL:
		return match_general(p->a, s);
	}
	return false;
}

bool
pattern_list_match(const struct pattern_list *list, struct view s)
{
	if (list->exact.n > 0 && value_set_has(&list->exact, s))
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (pattern_match(&list->v[i], s))
			return true;
	return false;
}
