/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule being read: rule.c takes what all rules have, rule_kind.c what
 * depends on their kind. Errors go to the document's.
 */
#ifndef RULES_TAKING_H
#define RULES_TAKING_H

#include "rules/load.h"

struct taking {
	struct load_file *f;
	struct doc *d;
	const struct doc_node *map;
	bool ours;
	struct rule_source s;
};

/* In our own files keys that are not known are errors. */
void taking_check_keys(struct taking *, const struct doc_node *map,
		       const char *const *keys, size_t n);
/* All that stands beside the query of a rule whose kind is known. */
void taking_read_kind(struct taking *);

#endif
