/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conditions need, turned into guards; see index.h. */
#include "rules/engine.h"

#include <stdlib.h>

/* ---- what a condition needs ------------------------------------------ */

/* Branches of a disjunction looked at; one more and it guards nothing. */
#define BRANCHES_MAX 64

/* Tests of strings as they are written. */
static bool
is_guard(const struct leaf *l)
{
	if (l->type != RULES_KEYWORD && l->type != RULES_ANY)
		return false;
	if (l->op == LEAF_LIKE)
		return true;
	for (size_t i = 0; l->op == LEAF_IN && i < l->set.n; i++)
		if (l->set.v[i].type != VALUE_STRING)
			return false;
	return l->op == LEAF_IN;
}

static int note(struct parse *, const struct node *, unsigned stage);

static int
note_leaf(struct parse *p, const struct node *n, unsigned stage)
{
	struct rules *set = p->set;
	struct index *x = &set->index;
	struct guard_pair *v;
	uint32_t leaf;

	if (n->kind != NODE_IN && n->kind != NODE_LIKE &&
	    n->kind != NODE_COMPARE)
		return 0;
	if (compile_leaf(p, n, &leaf) < 0)
		return -1;
	if (!is_guard(&set->leaves[leaf]) ||
	    compile_field_cost(set, &set->leaves[leaf]) > 0)
		return 0;
	v = set_extend(x->pairs, x->n_pairs, &x->cap_pairs, sizeof(*v));
	if (v == NULL)
		return parse_error(p, n->at, "memory is out");
	x->pairs = v;
	v[x->n_pairs++] = (struct guard_pair){ .field = set->leaves[leaf].field,
					       .leaf = leaf,
					       .stage = stage };
	return 0;
}

static bool
has_field(const struct index *x, size_t from, size_t to, unsigned field)
{
	for (size_t i = from; i < to; i++)
		if (x->pairs[i].field == field)
			return true;
	return false;
}

/* One conjunct per field: each test may pick its own value of an array, which
 * a bit per stage could not say. */
static int
note_and(struct parse *p, const struct node *n, unsigned stage)
{
	struct index *x = &p->set->index;
	size_t start = x->n_pairs;

	for (size_t i = 0; i < n->n; i++) {
		size_t from = x->n_pairs, to = from;

		if (note(p, n->kids[i], stage) < 0)
			return -1;
		for (size_t k = from; k < x->n_pairs; k++)
			if (!has_field(x, start, from, x->pairs[k].field))
				x->pairs[to++] = x->pairs[k];
		x->n_pairs = to;
	}
	return 0;
}

/* The fields that every branch needs: one branch or another. */
static int
note_or(struct parse *p, const struct node *n, unsigned stage)
{
	struct index *x = &p->set->index;
	size_t start = x->n_pairs, ends[BRANCHES_MAX], to = start;

	if (n->n > BRANCHES_MAX)
		return 0;
	for (size_t i = 0; i < n->n; i++) {
		if (note(p, n->kids[i], stage) < 0)
			return -1;
		ends[i] = x->n_pairs;
	}
	for (size_t k = start; k < x->n_pairs; k++) {
		size_t from = start, i = 0;

		for (; i < n->n; from = ends[i++])
			if (!has_field(x, from, ends[i], x->pairs[k].field))
				break;
		x->pairs[k].either = true;
		x->pairs[k].used = i == n->n; /* stays */
	}
	for (size_t k = start; k < x->n_pairs; k++) {
		if (!x->pairs[k].used)
			continue;
		x->pairs[to] = x->pairs[k];
		x->pairs[to++].used = false;
	}
	x->n_pairs = to;
	return 0;
}

static int
note(struct parse *p, const struct node *n, unsigned stage)
{
	if (n->kind == NODE_AND)
		return note_and(p, n, stage);
	if (n->kind == NODE_OR)
		return note_or(p, n, stage);
	return note_leaf(p, n, stage);
}

int
index_note(struct parse *p, const struct node *cond, unsigned stage)
{
	return note(p, cond, stage);
}

/* ---- guards ---------------------------------------------------------- */

/* The pairs of one field, by leaf. */
struct field_run {
	struct guard_pair *v;
	size_t n, n_leaves, n_stages;
};

static int
by_field(const void *a, const void *b)
{
	const struct guard_pair *x = a, *y = b;

	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;
	return x->stage < y->stage ? -1 : x->stage > y->stage;
}

static uint64_t *
new_bits(struct rules *set, int byte)
{
	uint64_t *bits =
		arena_array(&set->arena, set->index.words, sizeof(*bits));

	if (bits != NULL)
		memset(bits, byte, set->index.words * sizeof(*bits));
	return bits;
}

static size_t
count_bits(const uint64_t *bits, size_t words)
{
	size_t n = 0;

	for (size_t w = 0; w < words; w++)
		n += (size_t)__builtin_popcountll(bits[w]);
	return n;
}

static size_t
count_tests(const struct rules *set, unsigned field)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n_leaves; i++)
		n += set->leaves[i].field == field;
	return n;
}

static int
make_guard(struct rules *set, struct guard *g, const struct field_run *run)
{
	*g = (struct guard){ .field = run->v->field, .worth = 1 };
	g->leaves = arena_array(&set->arena, count_tests(set, g->field),
				sizeof(*g->leaves));
	g->unguarded = new_bits(set, 0xff);
	if (g->leaves == NULL || g->unguarded == NULL)
		return -1;
	for (size_t i = 0; i < run->n; i++) {
		uint32_t stage = run->v[i].stage;

		g->unguarded[stage / 64] &= ~(1ull << stage % 64);
		if (i == 0 || run->v[i].leaf != run->v[i - 1].leaf)
			g->leaves[g->n++] =
				(struct guard_leaf){ run->v[i].leaf, &run->v[i],
						     0 };
		g->leaves[g->n - 1].n++;
		run->v[i].used = true;
	}
	return 0;
}

/* Those that no stage needs, but some ask; each leaf is told its place. */
static void
add_tests(struct rules *set, struct guard *g)
{
	struct index *x = &set->index;
	uint32_t guard = (uint32_t)(g - x->guards);

	for (size_t i = 0; i < g->n; i++)
		x->tests[g->leaves[i].leaf] =
			(struct guard_test){ guard, (uint32_t)i };
	for (uint32_t i = 0; i < set->n_leaves; i++) {
		if (set->leaves[i].field != g->field ||
		    !is_guard(&set->leaves[i]) ||
		    x->tests[i].guard != GUARDS_MAX)
			continue;
		x->tests[i] = (struct guard_test){ guard, (uint32_t)g->n };
		g->leaves[g->n++] = (struct guard_leaf){ .leaf = i };
	}
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

	if (run->n_stages * 2 < set->n_stages)
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
by_stages(const void *a, const void *b)
{
	const struct field_run *x = a, *y = b;

	if (x->n_stages != y->n_stages)
		return x->n_stages > y->n_stages ? -1 : 1;
	return x->v->field < y->v->field ? -1 : x->v->field > y->v->field;
}

/* Arguments and command lines come last: they are the longest and most varied
 * values. */
static unsigned
worth_of(const struct rules *set, const struct field_run *run)
{
	struct view name = view_of(set_field_name(set, run->v->field));

	return view_ends(name, VIEW("args")) ||
			       view_ends(name, VIEW("command_line"))
		       ? 4
		       : 2;
}

/* Of a set in by_stages' order, those worth `worth`; `max` with those before.
 */
static int
make_guards(struct rules *set, const struct field_run *all, size_t n,
	    unsigned worth, size_t max)
{
	struct index *x = &set->index;

	for (size_t i = 0; i < n && x->n_guards < max; i++) {
		struct guard *g = &x->guards[x->n_guards];

		if (all[i].v->used || all[i].n_stages < worth ||
		    worth_of(set, &all[i]) != worth)
			continue;
		if (make_guard(set, g, &all[i]) < 0)
			return -1;
		add_tests(set, g);
		if (add_grams(set, g) < 0)
			return -1;
		g->worth = worth;
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
	qsort(all, n, sizeof(*all), by_stages);
	for (size_t i = 0; i < n && x->n_kinds < KINDS_MAX; i++)
		if (is_kind(set, &all[i]) &&
		    make_guard(set, &x->kinds[x->n_kinds++], &all[i]) < 0)
			return -1;
	if (make_guards(set, all, n, 2, GUARDS_MAX - GUARDS_LAST) < 0)
		return -1;
	return make_guards(set, all, n, 4, GUARDS_MAX);
}

/* Sorted pairs, field by field. `bits` is scratch. */
static size_t
split_fields(const struct rules *set, struct field_run *all, uint64_t *bits)
{
	const struct index *x = &set->index;
	struct field_run *run = all;

	for (size_t i = 0; i < x->n_pairs; i++) {
		struct guard_pair *p = &x->pairs[i];

		if (i == 0 || p->field != p[-1].field) {
			run = i == 0 ? all : run + 1;
			*run = (struct field_run){ .v = p };
			memset(bits, 0, x->words * sizeof(*bits));
		}
		run->n++;
		run->n_leaves += run->n == 1 || p->leaf != p[-1].leaf;
		bits[p->stage / 64] |= 1ull << p->stage % 64;
		run->n_stages = count_bits(bits, x->words);
	}
	return x->n_pairs == 0 ? 0 : (size_t)(run - all) + 1;
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

int
index_build(struct rules *set)
{
	struct index *x = &set->index;
	struct field_run *all;
	uint64_t *bits;
	int rc;

	x->words = (set->n_stages + 63) / 64;
	all = calloc(x->n_pairs + 1, sizeof(*all));
	bits = calloc(x->words + 1, sizeof(*bits));
	if (all == NULL || bits == NULL) {
		free(all);
		free(bits);
		return -1;
	}
	if (x->n_pairs > 0)
		qsort(x->pairs, x->n_pairs, sizeof(*x->pairs), by_field);
	rc = choose(set, all, split_fields(set, all, bits));
	if (rc == 0)
		rc = add_actors(set);
	free(all);
	free(bits);
	return rc;
}
