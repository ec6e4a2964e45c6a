/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pending sequences keep of their events for later stages to ask for. */
#ifndef RULES_KEPT_H
#define RULES_KEPT_H

#include "rules/engine.h"

/* The values of one field of an event. */
struct kept {
	struct kept *next;
	unsigned field; /* of set->earlier */
	uint32_t n;
	struct value v[]; /* the texts behind them */
};

/* Puts a copy of the slot's values first in the list; -1: no memory. */
int kept_add(struct kept **list, unsigned field, const struct slot *);
void kept_free(struct kept *list);
/* Into `slots`, by index of set->earlier; of equal fields the newest one. */
void kept_recall(const struct kept *list, const struct rule_code *,
		 struct slot *slots);

/* Is there a pending sequence that the record, which satisfies `stage`, would
 * carry on, and does it fit the events in it? run->earlier has then what they
 * say. */
enum kept_fit { KEPT_NONE, KEPT_UNFIT, KEPT_FITS };
enum kept_fit sequence_fit(struct rules_run *, struct sequence_run *,
			   struct record *, unsigned stage);

#endif
