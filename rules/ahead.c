/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs run ahead over what is known; see index.h. */
#include "rules/engine.h"

#include <limits.h>

#define NO_FIELD UINT_MAX

static bool
is_decided(const struct ahead *a, uint32_t leaf)
{
	return a->eval != NULL && (a->set->index.needs[leaf] & ~a->actors) == 0;
}

static uint32_t
step(const struct ahead *a, const struct test *t)
{
	return eval_leaf(a->eval, t->leaf) ? t->yes : t->no;
}

/* The first test from there that is not decided. */
static uint32_t
run_ahead(const struct ahead *a, const struct program *p, uint32_t at)
{
	while (p->v[at].op == TEST_LEAF && is_decided(a, p->v[at].leaf))
		at = step(a, &p->v[at]);
	return at;
}

/* Marks where the program can go from test `t`; `unmet` is a field none of
 * whose strings' tests holds. */
static void
reach(const struct ahead *a, const struct test *t, unsigned unmet)
{
	if (is_decided(a, t->leaf)) {
		a->reached[step(a, t)] = true;
		return;
	}
	a->reached[t->no] = true;
	if (a->set->leaves[t->leaf].field != unmet ||
	    !a->set->index.strings[t->leaf])
		a->reached[t->yes] = true;
}

/* Could the program accept from there, whatever the tests say that are not
 * decided? Jumps only go forward. */
static bool
can_accept(const struct ahead *a, const struct program *p, uint32_t from,
	   unsigned unmet)
{
	if (p->n > AHEAD_TESTS)
		return true;
	memset(a->reached + from, 0, p->n - from);
	a->reached[from] = true;
	for (uint32_t i = from; i < p->n; i++) {
		if (!a->reached[i] || p->v[i].op == TEST_REJECT)
			continue;
		if (p->v[i].op == TEST_ACCEPT)
			return true;
		reach(a, &p->v[i], unmet);
	}
	return false;
}

static bool
has_decided(const struct ahead *a, const struct program *p, uint32_t from)
{
	for (uint32_t i = from; i < p->n; i++)
		if (p->v[i].op == TEST_LEAF && is_decided(a, p->v[i].leaf))
			return true;
	return false;
}

bool
ahead_needs(const struct ahead *a, const struct program *p, uint32_t from,
	    unsigned field)
{
	return !can_accept(a, p, from, field);
}

size_t
ahead_narrow(const struct ahead *a, uint64_t *bits, const uint32_t *entries,
	     struct candidate *out)
{
	size_t n = 0;

	for (size_t w = 0; w < a->set->index.words; w++)
		for (uint64_t some = bits[w]; some != 0; some &= some - 1) {
			size_t id = w * 64 + (size_t)__builtin_ctzll(some);
			const struct program *p = &a->set->stages[id]->program;
			uint32_t at = entries != NULL ? entries[id] : 0;

			at = run_ahead(a, p, at);
			if (p->v[at].op == TEST_REJECT ||
			    (has_decided(a, p, at) &&
			     !can_accept(a, p, at, NO_FIELD)))
				bits[w] &= ~(some & -some);
			else
				out[n++] =
					(struct candidate){ (uint32_t)id, at };
		}
	return n;
}

uint64_t
ahead_guards(const struct ahead *a, const struct candidate *c)
{
	const struct index *x = &a->set->index;
	const struct program *p = &a->set->stages[c->stage]->program;
	uint64_t asked = 0, needed = 0;

	for (uint32_t i = c->entry; i < p->n; i++) {
		uint32_t guard =
			p->v[i].op != TEST_LEAF || is_decided(a, p->v[i].leaf)
				? GUARDS_MAX
				: x->tests[p->v[i].leaf].guard;

		if (guard < GUARDS_MAX)
			asked |= 1ull << guard;
	}
	for (; asked != 0; asked &= asked - 1) {
		size_t g = (size_t)__builtin_ctzll(asked);

		if (ahead_needs(a, p, c->entry, x->guards[g].field))
			needed |= asked & -asked;
	}
	return needed;
}
