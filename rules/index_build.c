/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What programs need, turned into guards; see index.h. */
#include "rules/engine.h"

#include <stdlib.h>

/* ---- what programs ask ------------------------------------------------ */

/* A test of a string as it is written, which one walk over a value finds. */
static bool
is_guard(const struct rules *set, const struct leaf *l)
{
	if ((l->type != RULES_KEYWORD && l->type != RULES_ANY) ||
	    (l->op != LEAF_LIKE && l->op != LEAF_IN) ||
	    compile_field_cost(set, l) > 0)
		return false;
	for (size_t i = 0; l->op == LEAF_IN && i < l->set.n; i++)
		if (l->set.v[i].type != VALUE_STRING)
			return false;
	return true;
}

/* The stage's program has the test. */
struct use {
	unsigned field;
	uint32_t leaf, stage;
};

struct uses {
	struct use *v;
	size_t n, cap;
};

static int
add_use(struct uses *u, const struct use *use)
{
	struct use *v = set_extend(u->v, u->n, &u->cap, sizeof(*v));

	if (v == NULL)
		return -1;
	u->v = v;
	v[u->n++] = *use;
	return 0;
}

static int
by_field(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;
	return x->stage < y->stage ? -1 : x->stage > y->stage;
}

/* All of them by field and leaf, each once. */
static int
collect_uses(const struct rules *set, struct uses *u)
{
	size_t n = 0;

	for (uint32_t i = 0; i < set->n_stages; i++) {
		const struct program *p = &set->stages[i]->program;

		for (size_t k = 0; k < p->n; k++)
			if (p->v[k].op == TEST_LEAF &&
			    set->index.strings[p->v[k].leaf] &&
			    add_use(u, &(struct use){
					       set->leaves[p->v[k].leaf].field,
					       p->v[k].leaf, i }) < 0)
				return -1;
	}
	if (u->n > 0)
		qsort(u->v, u->n, sizeof(*u->v), by_field);
	for (size_t i = 0; i < u->n; i++)
		if (i == 0 || by_field(&u->v[i], &u->v[i - 1]) != 0)
			u->v[n++] = u->v[i];
	u->n = n;
	return 0;
}

/* ---- guards ---------------------------------------------------------- */

/* The uses of one field. */
struct field_run {
	const struct use *v;
	size_t n, n_leaves;
	uint64_t *uses, *needs; /* stages; of the arena */
	size_t n_uses, n_needs;
	bool kind;
};

/* Of stages: none. */
static uint64_t *
new_bits(struct rules *set)
{
	size_t n = set->index.words * sizeof(uint64_t);

	return arena_zalloc(&set->arena, n > 0 ? n : 1);
}

static size_t
count_bits(const uint64_t *bits, size_t words)
{
	size_t n = 0;

	for (size_t w = 0; w < words; w++)
		n += (size_t)__builtin_popcountll(bits[w]);
	return n;
}

static int
add_leaf(struct rules *set, struct guard_leaf *l, const struct use *v, size_t n)
{
	uint32_t *stages = arena_array(&set->arena, n, sizeof(*stages));

	for (size_t i = 0; stages != NULL && i < n; i++)
		stages[i] = v[i].stage;
	*l = (struct guard_leaf){ v->leaf, stages, n };
	return stages == NULL ? -1 : 0;
}

static int
make_guard(struct rules *set, struct guard *g, const struct field_run *run)
{
	size_t n;

	*g = (struct guard){ .field = run->v->field };
	g->leaves = arena_array(&set->arena, run->n_leaves, sizeof(*g->leaves));
	g->unguarded = new_bits(set);
	if (g->leaves == NULL || g->unguarded == NULL)
		return -1;
	for (size_t w = 0; w < set->index.words; w++)
		g->unguarded[w] = ~run->needs[w];
	for (size_t i = 0; i < run->n; i += n) {
		for (n = 1;
		     i + n < run->n && run->v[i + n].leaf == run->v[i].leaf;)
			n++;
		if (add_leaf(set, &g->leaves[g->n++], &run->v[i], n) < 0)
			return -1;
	}
	return 0;
}

/* Each leaf is told its place. */
static void
place_tests(struct index *x, const struct guard *g)
{
	uint32_t guard = (uint32_t)(g - x->guards);

	for (size_t i = 0; i < g->n; i++)
		x->tests[g->leaves[i].leaf] =
			(struct guard_test){ guard, (uint32_t)i };
}

static int
add_grams(struct rules *set, struct guard *g)
{
	uint32_t *ids = arena_array(&set->arena, g->n, sizeof(*ids));

	if (ids == NULL)
		return -1;
	for (size_t i = 0; i < g->n; i++)
		ids[i] = g->leaves[i].leaf;
	return grams_build(&g->grams, &set->arena, set->leaves, ids, g->n);
}

/* ---- which fields ---------------------------------------------------- */

/* Fields of these say who acts, or what kind of event it is; those that end so
 * are other ones in each run of the same program. */
static const char *const actor_roots[] = { "process.", "user.", "group." };
static const char *const kind_roots[] = { "event.", "host." };
static const char *const varied_ends[] = { "args",	 "command_line",
					   "title",	 "pid",
					   "entity_id",	 "env_vars",
					   "start",	 "exit_code",
					   "args_count", "working_directory" };

static bool
starts_with_one(struct view name, const char *const *roots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_starts(name, view_of(roots[i])))
			return true;
	return false;
}

/* Of others than these, more different tests: no field that tells kinds. */
#define KIND_LEAVES_MAX 48

static bool
is_kind(const struct rules *set, const struct field_run *run)
{
	struct view name = view_of(set_field_name(set, run->v->field));

	if (run->n_needs * 2 < set->n_stages)
		return false;
	if (starts_with_one(name, kind_roots, ARRAY_LEN(kind_roots)))
		return true;
	if (run->n_leaves > KIND_LEAVES_MAX)
		return false;
	for (size_t i = 0; i < run->n; i++) {
		const struct leaf *l = &set->leaves[run->v[i].leaf];

		if (l->op == LEAF_LIKE && l->patterns.n > 0)
			return false;
	}
	return true;
}

static int
by_needs(const void *a, const void *b)
{
	const struct field_run *x = a, *y = b;

	if (x->n_needs != y->n_needs)
		return x->n_needs > y->n_needs ? -1 : 1;
	if (x->n_uses != y->n_uses)
		return x->n_uses > y->n_uses ? -1 : 1;
	return x->v->field < y->v->field ? -1 : x->v->field > y->v->field;
}

/* Arguments and command lines are the longest and most varied values. */
static unsigned
worth_of(const struct rules *set, unsigned field)
{
	struct view name = view_of(set_field_name(set, field));

	return view_ends(name, VIEW("args")) ||
			       view_ends(name, VIEW("command_line"))
		       ? 4
		       : 2;
}

/* Of runs in by_needs' order. */
static int
make_guards(struct rules *set, const struct field_run *all, size_t n)
{
	struct index *x = &set->index;

	for (size_t i = 0; i < n && x->n_guards < GUARDS_MAX; i++) {
		struct guard *g = &x->guards[x->n_guards];

		if (all[i].kind ||
		    all[i].n_uses < worth_of(set, all[i].v->field))
			continue;
		if (make_guard(set, g, &all[i]) < 0)
			return -1;
		place_tests(x, g);
		if (add_grams(set, g) < 0)
			return -1;
		g->worth = worth_of(set, g->field);
		g->repeats = index_is_steady(set, g->field);
		x->n_guards++;
	}
	return 0;
}

static int
choose(struct rules *set, struct field_run *all, size_t n)
{
	struct index *x = &set->index;

	x->tests =
		arena_array(&set->arena, set->n_leaves + 1, sizeof(*x->tests));
	if (x->tests == NULL)
		return -1;
	for (size_t i = 0; i < set->n_leaves; i++)
		x->tests[i] = (struct guard_test){ GUARDS_MAX, 0 };
	if (n > 0)
		qsort(all, n, sizeof(*all), by_needs);
	for (size_t i = 0; i < n && x->n_kinds < KINDS_MAX; i++) {
		all[i].kind = is_kind(set, &all[i]);
		if (all[i].kind &&
		    make_guard(set, &x->kinds[x->n_kinds++], &all[i]) < 0)
			return -1;
	}
	return make_guards(set, all, n);
}

/* Which stages use the field, and which need it. */
static int
fill_run(struct rules *set, struct field_run *run, bool *reached)
{
	struct ahead ahead = { .set = set, .reached = reached };
	unsigned field = run->v->field;

	run->uses = new_bits(set);
	run->needs = new_bits(set);
	if (run->uses == NULL || run->needs == NULL)
		return -1;
	for (size_t i = 0; i < run->n; i++) {
		uint32_t stage = run->v[i].stage;
		uint64_t bit = 1ull << stage % 64;
		bool again = (run->uses[stage / 64] & bit) != 0;

		run->n_leaves += i == 0 || run->v[i].leaf != run->v[i - 1].leaf;
		run->uses[stage / 64] |= bit;
		if (!again &&
		    ahead_needs(&ahead, &set->stages[stage]->program, 0, field))
			run->needs[stage / 64] |= bit;
	}
	run->n_uses = count_bits(run->uses, set->index.words);
	run->n_needs = count_bits(run->needs, set->index.words);
	return 0;
}

/* Sorted uses, field by field; room for as many runs as there are uses.
 * Returns how many, -1: memory is out. */
static ssize_t
split_fields(struct rules *set, const struct uses *u, struct field_run *all,
	     bool *reached)
{
	size_t n = 0, len;

	for (size_t i = 0; i < u->n; i += len) {
		for (len = 1;
		     i + len < u->n && u->v[i + len].field == u->v[i].field;)
			len++;
		all[n] = (struct field_run){ .v = &u->v[i], .n = len };
		if (fill_run(set, &all[n++], reached) < 0)
			return -1;
	}
	return (ssize_t)n;
}

/* ---- the actor ------------------------------------------------------- */

static bool
is_actor(const struct rules *set, unsigned field)
{
	struct view name = view_of(set_field_name(set, field));

	for (size_t i = 0; i < ARRAY_LEN(varied_ends); i++)
		if (view_ends(name, view_of(varied_ends[i])))
			return false;
	return starts_with_one(name, actor_roots, ARRAY_LEN(actor_roots)) &&
	       compile_field_cost(set, &(struct leaf){ .op = LEAF_EXISTS,
						       .field = field }) == 0;
}

bool
index_is_steady(const struct rules *set, unsigned field)
{
	struct view name = view_of(set_field_name(set, field));

	return starts_with_one(name, kind_roots, ARRAY_LEN(kind_roots)) ||
	       is_actor(set, field);
}

/* How many stages read each field. */
static void
count_readers(const struct rules *set, size_t *readers, bool *reads)
{
	size_t n = rules_field_count(set);

	for (size_t i = 0; i < set->n_stages; i++) {
		memset(reads, 0, n * sizeof(*reads));
		program_reads(set, &set->stages[i]->program, reads);
		for (size_t f = 0; f < n; f++)
			readers[f] += reads[f];
	}
}

/* The fields that most stages read, and not only a few. */
static void
choose_actors(struct rules *set, size_t *readers)
{
	struct index *x = &set->index;
	size_t n = rules_field_count(set), few = set->n_stages / 32;

	while (x->n_actors < ACTORS_MAX) {
		size_t best = n;

		for (size_t f = 0; f < n; f++)
			if (readers[f] > few && is_actor(set, (unsigned)f) &&
			    (best == n || readers[f] > readers[best]))
				best = f;
		if (best == n)
			return;
		readers[best] = 0;
		x->actors[x->n_actors++] = (unsigned)best;
	}
}

static uint8_t
field_needs(const struct index *x, unsigned field)
{
	for (size_t i = 0; i < x->n_kinds; i++)
		if (x->kinds[i].field == field)
			return 0;
	for (size_t i = 0; i < x->n_actors; i++)
		if (x->actors[i] == field)
			return (uint8_t)(1u << i);
	return NEEDS_MORE;
}

/* Tests of earlier events, of the time and the like need more than fields. */
static uint8_t
leaf_needs(const struct index *x, const struct leaf *l)
{
	uint8_t needs = 0;

	switch (l->op) {
	case LEAF_EXISTS:
	case LEAF_IN:
	case LEAF_LIKE:
	case LEAF_REGEX:
	case LEAF_COMPARE:
	case LEAF_CIDR:
	case LEAF_WORDS:
		return field_needs(x, l->field);
	case LEAF_EXPR:
		for (size_t i = 0; i < l->expr.n_fields; i++)
			needs |= field_needs(x, l->expr.fields[i]);
		return needs;
	default:
		return NEEDS_MORE;
	}
}

static uint8_t
program_asks(const struct index *x, const struct program *p)
{
	uint8_t asks = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].op == TEST_LEAF)
			asks |= x->needs[p->v[i].leaf];
	return asks & (uint8_t)~NEEDS_MORE;
}

static int
add_actors(struct rules *set)
{
	struct index *x = &set->index;
	size_t n = rules_field_count(set) + 1;
	size_t *readers = calloc(n, sizeof(*readers));
	bool *reads = calloc(n, sizeof(*reads));
	int rc = -1;

	x->needs = arena_alloc(&set->arena, set->n_leaves + 1);
	x->asks = arena_alloc(&set->arena, set->n_stages + 1);
	if (readers == NULL || reads == NULL || x->needs == NULL ||
	    x->asks == NULL)
		goto out;
	count_readers(set, readers, reads);
	choose_actors(set, readers);
	for (size_t i = 0; i < set->n_leaves; i++)
		x->needs[i] = leaf_needs(x, &set->leaves[i]);
	for (size_t i = 0; i < set->n_stages; i++)
		x->asks[i] = program_asks(x, &set->stages[i]->program);
	for (size_t i = 0; i < x->n_guards; i++)
		x->guards[i].actor = field_needs(x, x->guards[i].field) &
				     (uint8_t)~NEEDS_MORE;
	rc = 0;
out:
	free(readers);
	free(reads);
	return rc;
}

static int
add_strings(struct rules *set)
{
	struct index *x = &set->index;

	x->strings = arena_alloc(&set->arena, set->n_leaves + 1);
	if (x->strings == NULL)
		return -1;
	for (size_t i = 0; i < set->n_leaves; i++)
		x->strings[i] = is_guard(set, &set->leaves[i]);
	return 0;
}

static int
add_guards(struct rules *set)
{
	struct uses uses = { 0 };
	bool *reached = calloc(AHEAD_TESTS, sizeof(*reached));
	struct field_run *all = NULL;
	ssize_t n = -1;
	int rc = -1;

	if (reached != NULL && collect_uses(set, &uses) == 0)
		all = calloc(uses.n + 1, sizeof(*all));
	if (all != NULL)
		n = split_fields(set, &uses, all, reached);
	if (n >= 0)
		rc = choose(set, all, (size_t)n);
	free(uses.v);
	free(reached);
	free(all);
	return rc;
}

int
index_build(struct rules *set)
{
	set->index.words = (set->n_stages + 63) / 64;
	if (add_strings(set) < 0 || add_guards(set) < 0)
		return -1;
	return add_actors(set);
}
