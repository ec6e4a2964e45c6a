/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts that give advice. */
#ifndef RULES_LINT_H
#define RULES_LINT_H

#include "rules/engine.h"

struct lint {
	const struct rules *set;
	const struct rules_linter *to;
	struct parse p; /* of the text under work */
	struct view rule;
	struct err err;	   /* findings on their way out */
	struct arena tree; /* of the rule under work */
	bool no_memory;
};

/* Reading begins of this text, which stands at this place. */
void lint_begin(struct lint *, struct view text, struct place);
/* The query of a rule that was read before, and its conditions checked; NULL:
 * it cannot be read. */
struct query *lint_parse(struct lint *, const struct rule_source *);

/* -1 if memory was out. */
int lint_finish(struct lint *);

/* Hands the error out that was just reported, as a finding. */
void lint_deliver(struct lint *, const char *kind);

#define lint_find(l, kind, at, ...)                    \
	do {                                           \
		parse_error(&(l)->p, at, __VA_ARGS__); \
		lint_deliver(l, kind);                 \
	} while (0)

bool lint_is_text(const struct node *);
/* A test of one field against literals. */
bool lint_is_test(const struct node *);

/* Of a query whose conditions are checked. */
void lint_maxspan(struct lint *, const struct query *);
void lint_places(struct lint *, const struct query *);

#endif
