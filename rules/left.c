/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of the stages, on its way past the guards; see index.h. */
#include "rules/engine.h"

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

static struct candidate *
left_candidates(const struct left *l)
{
	return (struct candidate *)(l->sets +
				    (l->asked.n + 1u) * left_words(l->n));
}

/* Room for n of them, the sets empty. */
static bool
left_reserve(struct left *l, size_t n)
{
	size_t sets = (l->asked.n + 1u) * left_words(n) * sizeof(*l->sets);
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

bool
left_fill(const struct ahead *a, struct index_run *own, struct left *l,
	  size_t n)
{
	const struct candidate *v = own->past;
	uint64_t *needs = own->needs;

	for (size_t i = 0; i < n; i++)
		needs[i] = ahead_guards(a, &v[i]);
	choose_asked(&a->set->index, needs, n, &l->asked);
	if (!left_reserve(l, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t bit = 1ull << i % 64, *set = l->sets + i / 64;

		left_candidates(l)[i] = v[i];
		for (size_t k = 0; k < l->asked.n; k++) {
			set += left_words(n);
			if (needs[i] >> l->asked.v[k] & 1)
				*set |= bit;
		}
	}
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
find_awake(const struct index_run *own, struct left *l)
{
	const struct candidate *v = left_candidates(l);

	memset(l->sets, 0, left_words(l->n) * sizeof(*l->sets));
	for (size_t i = 0; i < l->n; i++) {
		uint32_t stage = v[i].stage;

		l->sets[i / 64] |= (own->awake[stage / 64] >> stage % 64 & 1)
				   << i % 64;
	}
	l->counted = own->n_sleeps;
}

/* ---- past the guards --------------------------------------------------- */

const uint64_t *
guard_met(struct rules_run *run, struct record *r, size_t g)
{
	return guard_ask(&run->set->index, g, run->index->guards[g], r,
			 run->eval.stamp)
		->met;
}

/* Candidates on their way past the guards. */
struct passing {
	const struct candidate *v;
	size_t words;
	uint64_t *alive; /* a bit each */
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

/* Of those in `asked` only the ones whose stages are in `stages` live. */
static void
keep(struct passing *p, const uint64_t *asked, const uint64_t *stages)
{
	for (size_t w = 0; w < p->words; w++)
		for (uint64_t some = p->alive[w] & asked[w]; some != 0;
		     some &= some - 1) {
			size_t i = (size_t)__builtin_ctzll(some);
			uint32_t stage = p->v[w * 64 + i].stage;
			uint64_t lives = stages[stage / 64] >> stage % 64 & 1;

			p->alive[w] &= ~((lives ^ 1) << i);
		}
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
left_pass(struct rules_run *run, struct record *r, struct left *left,
	  struct asked *asked)
{
	struct index_run *own = run->index;
	const uint64_t *needs = left->sets;
	struct passing p = { left_candidates(left), left_words(left->n),
			     own->alive };

	asked->n = 0;
	if (left->n == 0)
		return (struct candidates){ NULL, 0 };
	if (left->counted != own->n_sleeps)
		find_awake(own, left);
	for (size_t w = 0; w < p.words; w++)
		p.alive[w] = left->sets[w];
	for (size_t i = 0; i < left->asked.n; i++) {
		const uint64_t *met;

		needs += p.words;
		if (!is_needed(&p, needs,
			       run->set->index.guards[left->asked.v[i]].worth))
			continue;
		asked->v[asked->n++] = left->asked.v[i];
		met = guard_met(run, r, left->asked.v[i]);
		if (met != NULL)
			keep(&p, needs, met);
	}
	return pick(&p, own->past);
}
