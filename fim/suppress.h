/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kibana's alert_suppression: alerts of a rule that say the same (by the
 * fields the rule lists) within its time are given once, and the others
 * counted. A created file is often told of again a moment later when it is
 * closed; with the same author and digest that is no news.
 *
 * Remembers a bounded number of alerts; one that is pushed out may be given
 * again, never the other way round.
 */
#ifndef FIM_SUPPRESS_H
#define FIM_SUPPRESS_H

#include "rules/rules.h"

#define SUPPRESS_ID 32 /* of an alert */

/* Alerts that say the same. */
struct suppress_group {
	uint8_t digest[16];   /* of rule and values */
	char id[SUPPRESS_ID]; /* of the alert that was given */
	size_t rule_index;
	uint64_t until_ns; /* 0 = free */
	uint64_t held;	   /* held back since then */
	uint64_t last_ns;  /* when the last of those was */
};

struct suppress;

struct suppress *suppress_new(const struct rules *); /* NULL: no memory */
void suppress_free(struct suppress *);

/* Has the same been said within the rule's time? Then it has been counted.
 * Groups whose time is over must have been taken. */
bool
suppress_check(struct suppress *, struct record *, const struct rules_match *);
/* What was checked last is given, as the alert `id`. True: another group had to
 * go for that, of which something was held back. */
bool suppress_remember(struct suppress *, struct view id,
		       struct suppress_group *gone);
/* When the first group ends of which something was held back; UINT64_MAX: there
 * is none. Takes it out. */
uint64_t suppress_next_ns(const struct suppress *);
struct suppress_group suppress_take(struct suppress *);

#endif
