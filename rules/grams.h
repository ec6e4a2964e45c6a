/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See grams.c. Lives in the arena it was built in. */
#ifndef RULES_GRAMS_H
#define RULES_GRAMS_H

#include "rules/pattern.h"

struct leaf;

/* A literal or a pattern, and the tests that it makes true. */
struct gram_form {
	struct pattern pattern;
	uint64_t bytes; /* of its literals, where they are worth asking for */
	bool fold;
	uint32_t first, n; /* a run of `tests` */
};

/* A form and where in its literal its window is. */
struct gram_use {
	uint32_t form, at;
};

struct gram_slot {
	uint32_t gram, first, n; /* a run of `uses`; n 0 = empty */
};

struct grams {
	struct gram_form *forms;
	size_t n_forms;
	struct gram_slot *slots;
	uint32_t mask;
	/* Before the table, small enough for the nearest cache: is any window
	 * of that hash in it? */
	bool *filter;
	/* There are windows of beginnings and of ends of so many bytes. */
	bool begins[3], ends[3];
	struct gram_use *uses;
	uint32_t *tests, *always;
	size_t n_always;
};

#define GRAMS_FILTER_BITS 12

/* Tests are numbered by their place in `ids`, which name leaves with op
 * LEAF_IN or LEAF_LIKE. -1: memory is out. */
int grams_build(struct grams *, struct arena *, const struct leaf *leaves,
		const uint32_t *ids, size_t n);

/* What a run needs to search. */
struct grams_room {
	uint32_t *seen; /* per form: the round it was compared in */
	uint32_t round;
	struct buf text; /* the value folded */
};

int grams_room_new(const struct grams *, struct grams_room *);
void grams_room_free(struct grams_room *);

struct grams_found {
	void (*call)(void *ctx, uint32_t test); /* may come repeatedly */
	void *ctx;
};

/* Every test that is true of the value. False: memory is out. */
bool grams_find(const struct grams *, struct grams_room *, struct view value,
		struct grams_found *);

#endif
