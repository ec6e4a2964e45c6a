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

/* Puts copies of what later stages ask of the record, which is at that stage of
 * the rule, first in the list. What memory does not allow is counted. */
void kept_add(struct kept **list, struct rules_run *, const struct rule_code *,
	      unsigned stage, struct record *);
void kept_free(struct kept *list);
/* Does the record at hand fit what the list has of those before? run->earlier
 * has then what they say; of equal fields the newest one. */
bool kept_fits(const struct kept *list, struct rules_run *,
	       const struct rule_code *, unsigned stage);

/* Is there a pending sequence that the record, which satisfies `stage`, would
 * carry on, and does it fit the events in it? run->earlier has then what they
 * say. */
enum kept_fit { KEPT_NONE, KEPT_UNFIT, KEPT_FITS };
enum kept_fit sequence_fit(struct rules_run *, struct sequence_run *,
			   struct record *, unsigned stage);

#endif
