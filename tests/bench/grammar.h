/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random texts out of a grammar, the same for the same seed.
 *
 * A grammar is text: a name at the beginning of a line, its alternatives one
 * a line behind a tab; # begins a comment line. In an alternative stand for
 * something else:
 *
 *	{name}		one alternative of that name
 *	{name 2-6}	two to six different ones, in quotes, with commas
 *	{name 2-6 or}	the same with " or " between them and without quotes
 *	#		a number below 100
 *
 * Everything here aborts when the grammar is wrong or memory is out: it is
 * part of the tests, not of the program.
 */
#ifndef TESTS_BENCH_GRAMMAR_H
#define TESTS_BENCH_GRAMMAR_H

#include "scan/base.h"

#include <stdio.h>
#include <stdlib.h>

#define GRAMMAR_NAMES_MAX 128
#define GRAMMAR_DEPTH_MAX 16

struct grammar_name {
	struct view name;
	const struct view *first;
	size_t n;
};

struct grammar {
	struct arena arena;
	struct grammar_name names[GRAMMAR_NAMES_MAX];
	size_t n;
	uint64_t seed;
};

/* Numerical Recipes' 64-bit LCG; its high bits are good enough for dice. */
static inline unsigned
grammar_dice(struct grammar *g, size_t sides)
{
	g->seed = g->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)((g->seed >> 33) % sides);
}

static inline void
grammar_stop(const char *why, struct view what)
{
	fprintf(stderr, "grammar: %s: %.*s\n", why, (int)what.n, what.p);
	abort();
}

/* The text is copied. */
static inline void
grammar_read(struct grammar *g, struct view text)
{
	struct grammar_name *name = NULL;
	struct view rest = arena_copy(&g->arena, text), line, *v;
	size_t lines = 0;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	v = arena_array(&g->arena, lines + 1, sizeof(*v));
	if (v == NULL || rest.p == NULL)
		grammar_stop("memory is out", VIEW(""));
	while (view_next_split(&rest, '\n', &line)) {
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (line.p[0] == '\t' && name != NULL) {
			*v++ = view_sub(line, 1, SIZE_MAX);
			name->n++;
			continue;
		}
		if (g->n == GRAMMAR_NAMES_MAX)
			grammar_stop("too many names", line);
		name = &g->names[g->n++];
		*name = (struct grammar_name){ line, v, 0 };
	}
}

static inline const struct grammar_name *
grammar_find(const struct grammar *g, struct view name)
{
	for (size_t i = 0; i < g->n; i++)
		if (view_eq(g->names[i].name, name) && g->names[i].n > 0)
			return &g->names[i];
	grammar_stop("no such name", name);
	return NULL;
}

static inline void grammar_expand(struct grammar *, struct view text,
				  struct buf *out, unsigned depth);

/* `some` is "2-6" or "2-6 or". Neighbours, so that lists overlap but differ. */
static inline void
grammar_list(struct grammar *g, const struct grammar_name *name,
	     struct view some, struct buf *out, unsigned depth)
{
	bool bare = view_ends(some, VIEW(" or"));
	size_t low = (size_t)strtoul(some.p, NULL, 10);
	size_t high =
		(size_t)strtoul(some.p + view_find(some, '-') + 1, NULL, 10);
	size_t at = grammar_dice(g, name->n);
	size_t n = low + grammar_dice(g, high - low + 1);

	for (size_t i = 0; i < n && i < name->n; i++) {
		if (i > 0)
			buf_puts(out, bare ? " or " : ", ");
		if (!bare)
			buf_putc(out, '"');
		grammar_expand(g, name->first[(at + i) % name->n], out, depth);
		if (!bare)
			buf_putc(out, '"');
	}
}

static inline void
grammar_put(struct grammar *g, struct view what, struct buf *out,
	    unsigned depth)
{
	ssize_t space = view_find(what, ' ');
	const struct grammar_name *name = grammar_find(
		g, space < 0 ? what : view_sub(what, 0, (size_t)space));

	if (depth > GRAMMAR_DEPTH_MAX)
		grammar_stop("goes round in circles", what);
	if (space < 0)
		grammar_expand(g, name->first[grammar_dice(g, name->n)], out,
			       depth);
	else
		grammar_list(g, name,
			     view_sub(what, (size_t)space + 1, SIZE_MAX), out,
			     depth);
}

static inline void
grammar_expand(struct grammar *g, struct view text, struct buf *out,
	       unsigned depth)
{
	for (size_t i = 0; i < text.n; i++) {
		struct view rest = view_sub(text, i + 1, SIZE_MAX);
		ssize_t end;

		if (text.p[i] == '#') {
			buf_printf(out, "%u", grammar_dice(g, 100));
		} else if (text.p[i] != '{') {
			buf_putc(out, text.p[i]);
		} else {
			end = view_find(rest, '}');
			if (end < 0)
				grammar_stop("no }", text);
			grammar_put(g, view_sub(rest, 0, (size_t)end), out,
				    depth + 1);
			i += (size_t)end + 1;
		}
	}
}

#endif
