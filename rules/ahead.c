/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs run ahead over what is known; see index.h. */
#include "rules/engine.h"

static bool
is_decided(const struct ahead *a, uint32_t leaf)
{
	return (a->run->set->index.needs[leaf] & ~a->actors) == 0;
}

static uint32_t
step(const struct ahead *a, const struct test *t)
{
	return eval_leaf(&a->run->eval, t->leaf) ? t->yes : t->no;
}

/* The first test from there that is not decided. */
static uint32_t
run_ahead(const struct ahead *a, const struct program *p, uint32_t at)
{
	while (p->v[at].op == TEST_LEAF && is_decided(a, p->v[at].leaf))
		at = step(a, &p->v[at]);
	return at;
}

static bool
has_decided(const struct ahead *a, const struct program *p, uint32_t from)
{
	for (uint32_t i = from; i < p->n; i++)
		if (p->v[i].op == TEST_LEAF && is_decided(a, p->v[i].leaf))
			return true;
	return false;
}

/* Could the program accept from there, whatever the tests say that are not
 * decided? Jumps only go forward. */
static bool
can_accept(const struct ahead *a, const struct program *p, uint32_t from)
{
	bool *reached = a->reached;

	if (p->v[from].op == TEST_REJECT)
		return false;
	if (p->n > AHEAD_TESTS || !has_decided(a, p, from))
		return true;
	memset(reached + from, 0, p->n - from);
	reached[from] = true;
	for (uint32_t i = from; i < p->n; i++) {
		const struct test *t = &p->v[i];

		if (!reached[i] || t->op == TEST_REJECT)
			continue;
		if (t->op == TEST_ACCEPT)
			return true;
		if (is_decided(a, t->leaf))
			reached[step(a, t)] = true;
		else
			reached[t->yes] = reached[t->no] = true;
	}
	return false;
}

size_t
ahead_narrow(const struct ahead *a, uint64_t *bits, const uint32_t *entries,
	     struct candidate *out)
{
	const struct rules *set = a->run->set;
	size_t n = 0;

	for (size_t w = 0; w < set->index.words; w++)
		for (uint64_t some = bits[w]; some != 0; some &= some - 1) {
			size_t id = w * 64 + (size_t)__builtin_ctzll(some);
			const struct program *p = &set->stages[id]->program;
			uint32_t at = entries != NULL ? entries[id] : 0;

			at = run_ahead(a, p, at);
			if (can_accept(a, p, at))
				out[n++] =
					(struct candidate){ (uint32_t)id, at };
			else
				bits[w] &= ~(some & -some);
		}
	return n;
}
