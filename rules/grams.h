/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See grams.c. Lives in the arena it was built in. */
#ifndef RULES_GRAMS_H
#define RULES_GRAMS_H

#include "scan/base.h"

struct leaf;

struct gram_slot {
	uint32_t gram, first, n; /* a run of `tests`; n 0 = empty */
};

struct grams {
	struct gram_slot *slots;
	uint32_t mask;
	uint64_t *bits; /* a filter before the table */
	uint32_t *tests, *always;
	size_t n_always;
};

/* Tests are numbered by their place in `ids`, which name leaves with op
 * LEAF_IN or LEAF_LIKE. -1: memory is out. */
int grams_build(struct grams *, struct arena *, const struct leaf *leaves,
		const uint32_t *ids, size_t n);

struct grams_found {
	void (*call)(void *ctx, uint32_t test); /* may come repeatedly */
	void *ctx;
};

/* Every test that can be true of the value. False: memory is out. */
bool grams_find(const struct grams *, struct buf *room, struct view value,
		struct grams_found *);

#endif
