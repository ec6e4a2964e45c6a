/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of the stages, on its way past the guards; see index.h. */
#include "rules/engine.h"

#include <assert.h>
#include <stdlib.h>

/* ---- what is remembered ---------------------------------------------- */

/* The guards that are worth asking for `n` stages that need these. */
static void
choose_asked(const struct index *x, const uint64_t *needs, size_t n,
	     struct asked *asked)
{
	size_t count[GUARDS_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		for (uint64_t some = needs[i]; some != 0; some &= some - 1)
			count[__builtin_ctzll(some)]++;
	for (asked->n = 0; asked->n < ASKED_MAX; asked->n++) {
		size_t best = x->n_guards;

		for (size_t g = 0; g < x->n_guards; g++)
			if (count[g] >= x->guards[g].worth &&
			    (best == x->n_guards || count[g] > count[best]))
				best = g;
		if (best == x->n_guards)
			return;
		count[best] = 0;
		asked->v[asked->n] = (uint8_t)best;
	}
}

/* Of a set of `n` candidates. */
static size_t
left_words(size_t n)
{
	return (n + 63) / 64;
}

/* So many that their stages are looked up by those that a guard lets pass. */
#define RANKED 32
static_assert(RANKED <= 64, "of fewer there is one word");

/* Their stages: a set, and the counts. */
static uint64_t *
left_stages(const struct left *l)
{
	return l->sets + (l->asked.n + 1u) * left_words(l->n);
}

static struct candidate *
left_candidates(const struct left *l, const struct index *x)
{
	return (struct candidate *)(left_stages(l) +
				    (l->n < RANKED ? 0 : 2 * x->words));
}

/* Room for n of them, the sets empty. */
static bool
left_reserve(struct left *l, const struct index *x, size_t n)
{
	size_t sets = ((l->asked.n + 1u) * left_words(n) +
		       (n < RANKED ? 0 : 2 * x->words)) *
		      sizeof(*l->sets);
	size_t bytes = sets + n * sizeof(struct candidate);

	if (bytes > l->room) {
		uint64_t *own = realloc(l->sets, bytes);

		if (own == NULL)
			return false;
		l->sets = own;
		l->room = bytes;
	}
	if (n > 0)
		memset(l->sets, 0, sets);
	l->n = (uint32_t)n;
	l->counted = 0;
	return true;
}

static void
fill_stages(struct left *l, const struct index *x)
{
	const struct candidate *v = left_candidates(l, x);
	uint64_t *stages = left_stages(l), *before = stages + x->words;

	for (size_t i = 0; i < l->n; i++)
		stages[v[i].stage / 64] |= 1ull << v[i].stage % 64;
	for (size_t w = 1; w < x->words; w++)
		before[w] = before[w - 1] +
			    (uint64_t)__builtin_popcountll(stages[w - 1]);
}

bool
left_fill(const struct ahead *a, struct index_run *own, struct left *l,
	  size_t n)
{
	const struct candidate *v = own->past;
	uint64_t *needs = own->needs;

	for (size_t i = 0; i < n; i++)
		needs[i] = ahead_guards(a, &v[i]);
	choose_asked(&a->set->index, needs, n, &l->asked);
	if (!left_reserve(l, &a->set->index, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t bit = 1ull << i % 64, *set = l->sets + i / 64;

		left_candidates(l, &a->set->index)[i] = v[i];
		for (size_t k = 0; k < l->asked.n; k++) {
			set += left_words(n);
			if (needs[i] >> l->asked.v[k] & 1)
				*set |= bit;
		}
	}
	if (n >= RANKED)
		fill_stages(l, &a->set->index);
	return true;
}

/* ---- the stages that sleep -------------------------------------------- */

void
index_sleep(struct index_run *run, unsigned stage, bool sleeps)
{
	uint64_t bit = 1ull << stage % 64, *word = &run->awake[stage / 64];

	run->n_sleeps++;
	if (sleeps)
		*word &= ~bit;
	else
		*word |= bit;
}

static void
find_awake(const struct index_run *own, struct left *l,
	   const struct candidate *v)
{
	memset(l->sets, 0, left_words(l->n) * sizeof(*l->sets));
	for (size_t i = 0; i < l->n; i++) {
		uint32_t stage = v[i].stage;

		l->sets[i / 64] |= (own->awake[stage / 64] >> stage % 64 & 1)
				   << i % 64;
	}
	l->counted = own->n_sleeps;
}

/* ---- past the guards --------------------------------------------------- */

/* Candidates on their way past the guards. */
struct passing {
	const struct index *x;
	const struct candidate *v;
	const uint64_t *stages; /* see left_stages; NULL: they are few */
	size_t words;
	uint64_t *alive, *met; /* a bit each */
};

/* Do enough of those alive need it? */
static bool
is_needed(const struct passing *p, const uint64_t *needs, unsigned worth)
{
	for (size_t w = 0; w < p->words; w++)
		for (uint64_t some = p->alive[w] & needs[w]; some != 0;
		     some &= some - 1)
			if (--worth == 0)
				return true;
	return false;
}

/* The few that a guard lets pass are looked up among the many. */
static void
find_met(const struct passing *p, const uint64_t *met)
{
	const uint64_t *before = p->stages + p->x->words;

	memset(p->met, 0, p->words * sizeof(*p->met));
	for (size_t w = 0; w < p->x->words; w++)
		for (uint64_t some = met[w] & p->stages[w]; some != 0;
		     some &= some - 1) {
			uint64_t below = (some & -some) - 1;
			size_t i = before[w] + (size_t)__builtin_popcountll(
						       p->stages[w] & below);

			p->met[i / 64] |= 1ull << i % 64;
		}
}

/* And of few those that are met. */
static void
gather_met(const struct passing *p, const uint64_t *needs, const uint64_t *met)
{
	uint64_t here = 0;

	for (uint64_t some = p->alive[0] & needs[0]; some != 0;
	     some &= some - 1) {
		size_t i = (size_t)__builtin_ctzll(some);
		uint32_t stage = p->v[i].stage;

		here |= (met[stage / 64] >> stage % 64 & 1) << i;
	}
	p->met[0] = here;
}

/* Of those that need the guard only the ones that it lets pass live. */
static void
keep(const struct passing *p, const uint64_t *needs,
     const struct guard_says *says)
{
	if (says->met == NULL)
		return;
	if (!says->none && p->stages != NULL)
		find_met(p, says->met);
	else if (!says->none)
		gather_met(p, needs, says->met);
	for (size_t w = 0; w < p->words; w++)
		p->alive[w] &= (says->none ? 0 : p->met[w]) | ~needs[w];
}

static struct candidates
pick(const struct passing *p, struct candidate *out)
{
	size_t n = 0;

	for (size_t w = 0; w < p->words; w++)
		for (uint64_t some = p->alive[w]; some != 0; some &= some - 1)
			out[n++] = p->v[w * 64 + (size_t)__builtin_ctzll(some)];
	return (struct candidates){ out, n };
}

struct candidates
left_pass(struct rules_run *run, struct left *left, struct asked *asked)
{
	const struct index *x = &run->set->index;
	struct index_run *own = run->index;
	const uint64_t *needs = left->sets;
	struct passing p = { .x = x,
			     .words = left_words(left->n),
			     .alive = own->alive,
			     .met = own->bits };

	asked->n = 0;
	if (left->n == 0)
		return (struct candidates){ NULL, 0 };
	p.v = left_candidates(left, x);
	p.stages = left->n < RANKED ? NULL : left_stages(left);
	if (left->counted != own->n_sleeps)
		find_awake(own, left, p.v);
	for (size_t w = 0; w < p.words; w++)
		p.alive[w] = left->sets[w];
	for (size_t i = 0; i < left->asked.n; i++) {
		uint8_t guard = left->asked.v[i];

		needs += p.words;
		if (!is_needed(&p, needs, x->guards[guard].worth))
			continue;
		asked->v[asked->n++] = guard;
		keep(&p, needs, index_ask(own, &run->eval, guard));
	}
	return pick(&p, own->past);
}
