/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tocsin replay --explain`: for each event that a rule is about, what it says
 * of it and which test said no, for people or as a line of JSON.
 */
#ifndef FIM_EXPLAIN_H
#define FIM_EXPLAIN_H

#include "rules/rules.h"

struct explain {
	const struct rules *rules;
	const struct rule *rule;
	struct rules_explainer *explainer;
	bool json; /* a line an event */
	bool all;  /* every test that says no, not the first alone */

	/* of the event under work */
	struct record *record;
	struct buf *out;
	struct view id; /* JSON */
	size_t answers;
};

/* Appends to `out`; nothing if the rule is about other events. `id` is the
 * event's name as JSON. */
void explain_event(struct explain *, struct record *, struct view id,
		   struct buf *out);

#endif
