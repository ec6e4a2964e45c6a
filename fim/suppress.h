/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kibana's alert_suppression: alerts of a rule that say the same (by the
 * fields the rule lists) within its time are given once. A created file is
 * often told of again a moment later when it is closed; with the same author
 * and digest that is no news, and a summary of it would be none either: the
 * others are counted (alerter_alike).
 *
 * Remembers a bounded number of alerts; one that is pushed out may be given
 * again, never the other way round.
 */
#ifndef FIM_SUPPRESS_H
#define FIM_SUPPRESS_H

#include "rules/rules.h"

struct suppress;

struct suppress *suppress_new(const struct rules *); /* NULL: no memory */
void suppress_free(struct suppress *);
/* Has the same been said within the rule's time? */
bool
suppress_check(struct suppress *, struct record *, const struct rules_match *);
/* What was checked last, and had not been said, is given. */
void suppress_remember(struct suppress *);

#endif
