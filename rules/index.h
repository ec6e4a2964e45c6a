/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index: which stages of all rules can be true of an event, before any
 * program runs. A stage is a bit; the answer is a bit set, the candidates. A
 * stage that is true is always among them (tests/unit/rules_index.c compares
 * with runs of one rule at a time).
 *
 * Built from what conditions need (index_build.c): the tests of one field
 * against strings that stand in a condition's top conjunction, or of which one
 * in each branch of a top disjunction holds. A `guard` has all of a field:
 * per test the stages that live if it holds, and the stages that do not care.
 *
 * Run in two steps (index.c):
 *
 *  1. The kind of the event. Nearly all rules ask for event.category, .type,
 *     .action and host.os.type, which have few values: the stages that are
 *     left by all these fields together are remembered by the fields' values,
 *     all in one look-up. Exact, so these tests need no second look: a
 *     stage's program is entered behind them.
 *  2. The guards of the fields that remain, each only while it guards enough
 *     of the candidates: what one value lets live is remembered by value, and
 *     found for a new one in one walk over its bytes (grams.c).
 *
 * What an event costs so depends on the rules that are about such events, not
 * on how many there are.
 */
#ifndef RULES_INDEX_H
#define RULES_INDEX_H

#include "rules/grams.h"

struct node;
struct parse;
struct record;
struct rules;
struct rules_run;

struct guard_pair { /* the stage needs the leaf, a test of the field */
	unsigned field;
	uint32_t leaf, stage;
	/* Or another pair's of the same field and stage. */
	bool either;
	bool used; /* while the index is built */
};

struct guard_leaf { /* and the pairs that name it */
	const struct guard_pair *pairs;
	size_t n;
};

struct guard {
	unsigned field;
	struct guard_leaf *leaves;
	size_t n;
	uint64_t *unguarded; /* stages that do not care */
	struct grams grams;  /* of guards that are no kinds */
	/* Candidates that make it worth while: values of some fields are
	 * longer, and more of them are new. */
	unsigned worth;
};

#define KINDS_MAX 4
#define GUARDS_MAX 16

struct index {
	struct guard_pair *pairs;
	size_t n_pairs, cap_pairs;
	struct guard kinds[KINDS_MAX], guards[GUARDS_MAX];
	size_t n_kinds, n_guards;
	size_t words; /* of a bit set of stages */
};

/* Notes what the stage's condition needs; then builds the guards and sets the
 * stages' entries. -1: memory is out. */
int index_note(struct parse *, const struct node *cond, unsigned stage);
int index_build(struct rules *);

/* What a run remembers of values. */
struct index_run;

struct index_run *index_run_new(struct rules_run *);
void index_run_free(struct index_run *);
/* NULL: there are none. Borrowed until the next event. */
const uint64_t *index_candidates(struct rules_run *, struct record *);

#endif
