/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kibana's alert_suppression: alerts of a rule that say the same (by the
 * fields the rule lists) within its time are given once. A created file is
 * often told of again a moment later when it is closed; with the same author
 * and digest that is no news.
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
/* Has the same been said within the rule's time? If not, it is remembered. */
bool suppress_check(struct suppress *, size_t rule_index, struct record *);

#endif
