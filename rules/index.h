/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index: which stages of all rules can be true of an event, and where
 * their programs have to go on. A stage that is true is always among the
 * candidates, and its program accepts from there exactly if it does from the
 * beginning (tests/unit/rules_index.c compares the two).
 *
 * It lives on events being alike. Three steps, the first two remembered:
 *
 *  1. The kind of the event. Nearly all rules ask for event.category, .type,
 *     .action and host.os.type, which have few values: the stages that all
 *     these fields together let live, by their values. Most events end here.
 *  2. The actor, where a kind leaves many stages: of the events of this kind
 *     by this program (process.name, process.parent.executable, user.id, …)
 *     the stages left. Hosts run the same programs over and over.
 *  3. The rest of the event: file.path, process.args and the like. A field
 *     that enough of the candidates need is looked up once: which stages a
 *     value meets is remembered, too, and found for a new one in one walk over
 *     its bytes (guards.c, grams.c).
 *
 * What is remembered of a kind or an actor are candidates, each with its
 * entry: programs are run ahead over the tests that the known fields decide,
 * up to the first that they do not, and stages whose programs cannot accept
 * any more are dropped (ahead.c). Of the others it is found which fields they
 * need: a program that, from its entry, cannot accept if no test of
 * process.args holds is dropped by the first event whose arguments meet none.
 * Stages of sequences that wait for nothing sleep (left.c). What a new actor
 * costs grows little with the rules, since it begins with the look-ups of step
 * 3 for its own fields.
 *
 * A guard has all tests of one field against strings (index_build.c), and per
 * test the stages whose programs have it: these are met if it holds. Whether
 * the tests hold is remembered with the value as well, so that a program asks
 * the guard before it tests.
 */
#ifndef RULES_INDEX_H
#define RULES_INDEX_H

#include "rules/grams.h"

struct actor_entry;
struct actor_set;
struct eval;
struct program;
struct record;
struct rules;
struct rules_run;

struct guard_leaf { /* and the stages whose programs have it */
	uint32_t leaf;
	const uint32_t *stages;
	size_t n;
};

struct guard {
	unsigned field;
	struct guard_leaf *leaves;
	size_t n;
	uint64_t *unguarded; /* stages that do not need any of them */
	struct grams grams;  /* of guards that are no kinds */
	uint8_t actor;	     /* the field's bit in `actors`, 0 = none */
	bool repeats;	     /* its values come again and again */
	/* Stages that need it to make it worth while: values of some fields are
	 * longer, and more of them are new. */
	unsigned worth;
};

#define KINDS_MAX 4
#define GUARDS_MAX 64 /* a bit each */
#define ACTORS_MAX 7
#define NEEDS_MORE 0x80 /* than the fields of kind and actor */

/* Which test of which guard a leaf is; guard GUARDS_MAX: none. */
struct guard_test {
	uint32_t guard, test;
};

struct index {
	bool *strings; /* by leaf: a test that guards can find */
	struct guard kinds[KINDS_MAX], guards[GUARDS_MAX];
	size_t n_kinds, n_guards;
	unsigned actors[ACTORS_MAX]; /* fields */
	size_t n_actors;
	uint8_t *needs; /* by leaf: the actors that decide it, a bit each */
	uint8_t *asks;	/* by stage: the actors its program reads */
	struct guard_test *tests; /* by leaf */
	size_t words;		  /* of a bit set of stages */
};

/* Of the set's programs. -1: memory is out. */
int index_build(struct rules *);

/* Does the field say what kind of event it is or who acts? Programs ask for
 * these first: what they say is remembered. */
bool index_is_steady(const struct rules *, unsigned field);

/* ---- guards.c: what the values of one field say ----------------------- */

struct guard_run; /* remembers values */

struct guard_run *guard_run_new(const struct index *, size_t guard);
void guard_run_free(struct guard_run *);
/* Adds the stages that have the leaf. */
void guard_keep(uint64_t *bits, const struct guard_leaf *);

/* Bit sets, borrowed until the next event. */
struct guard_says {
	/* Stages of which a test of the field holds; NULL: it cannot say. */
	const uint64_t *met;
	const uint64_t *holds; /* tests */
	uint32_t stamp;	       /* of the event that it was asked of; 0 = none */
	bool none;	       /* both are empty */
};

/* All but the stamp. */
void guard_ask(struct guard_run *, struct record *, struct guard_says *out);

/* ---- ahead.c: programs run ahead over what is known ------------------- */

struct candidate {
	uint32_t stage, entry; /* where its program goes on */
};

struct candidates { /* by stage; borrowed until the next event */
	const struct candidate *v;
	size_t n;
};

/* Longer programs are not looked through. */
#define AHEAD_TESTS 4096

struct ahead {
	const struct rules *set;
	struct eval *eval; /* NULL: nothing is known */
	uint8_t actors;	   /* the fields that are known besides the kind's */
	bool *reached;	   /* room for AHEAD_TESTS */
};

/* Is the program, from there on, never true if none of the field's tests of
 * strings is? Then a stage that is not met by an event is not true of it: a
 * guard has all tests of strings of its field of all stages' programs. */
bool ahead_needs(const struct ahead *, const struct program *, uint32_t from,
		 unsigned field);
/* The stages of `bits` that can still become true, where their programs stood
 * at `entries` (NULL: at the beginning); the bits of the others are taken away.
 * Returns how many are in `out`, which has room for all. */
size_t ahead_narrow(const struct ahead *, uint64_t *bits,
		    const uint32_t *entries, struct candidate *out);
/* The guards that it needs, a bit each, of those whose fields are not known. */
uint64_t ahead_guards(const struct ahead *, const struct candidate *);

/* ---- left.c: what is left of the stages -------------------------------- */

#define TOO_MANY UINT32_MAX
#define ASKED_MAX 12

/* Guards in the order in which they are asked: first those that most of the
 * stages need. */
struct asked {
	uint8_t n, v[ASKED_MAX];
};

/* What is left of the stages: the candidates and, a bit for each of them, those
 * that are awake and those that need each guard that is asked. One block of its
 * owner's, of `room` bytes. */
struct left {
	struct asked asked;
	uint32_t n;	  /* candidates, or TOO_MANY to be kept here */
	uint64_t counted; /* n_sleeps when those awake were found; 0 = never */
	size_t room;
	/* Those awake, those that need asked.v[0], asked.v[1] and so on; where
	 * there are many candidates, their stages, and how many are before
	 * those of each word; and then the candidates. */
	uint64_t *sets;
};

/* Of kinds there is one entry more, for what is not remembered. */
struct index_run {
	char *kinds;
	size_t kind_stride;
	uint32_t serial;
	struct actor_set *sets;
	size_t n_sets;
	struct actor_entry *actors; /* set by set */
	struct guard_run *guards[GUARDS_MAX];
	struct guard_says says[GUARDS_MAX];
	size_t n_guards;
	uint64_t *bits, *alive; /* sets of stages */
	uint64_t *awake;	/* stages */
	uint64_t n_sleeps;	/* 1 + how often that has changed */
	uint64_t *needs;	/* of each candidate: the guards */
	struct candidate *past; /* the guards */
	bool *reached;		/* tests of a program */
};

/* Remembers the first `n` of own->past, which stay. False: memory is out, and
 * what it had is gone. */
bool
left_fill(const struct ahead *, struct index_run *own, struct left *, size_t n);
/* Those that are awake and met; `asked`: the guards that were. */
struct candidates left_pass(struct rules_run *, struct left *, struct asked *);

/* ---- index.c ---------------------------------------------------------- */

struct index_run *index_run_new(const struct rules *);
void index_run_free(struct index_run *);

struct candidates index_candidates(struct rules_run *, struct record *);
/* A stage that sleeps is no candidate. All are awake at first. */
void index_sleep(struct index_run *, unsigned stage, bool sleeps);

/* What the guard says of the event at hand. */
const struct guard_says *
index_ask(struct index_run *, const struct eval *, size_t guard);
/* Does a guard know whether the leaf holds? */
bool index_knows(struct index_run *, const struct eval *, uint32_t leaf,
		 bool *holds);
void index_forget(struct index_run *); /* stamps begin again */

#endif
