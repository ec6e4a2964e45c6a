/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reader of rule files hands to the engine: a rule as the file says
 * it, named lists, exceptions. Everything is copied into the set's arena, so
 * the caller may free its own memory after each call. Nothing is parsed
 * before rules_seal: lists and exceptions may come in any order.
 *
 * Named lists: a query may write ${name} where a value of a list can stand:
 * process.name in (${shells}, "ash") in EQL, process.name: (${shells} or ash)
 * in KQL. The values are taken literally in `in`, as patterns after `:` and
 * `like`, and quoted (literal) in KQL.
 */
#ifndef RULES_SET_H
#define RULES_SET_H

#include "rules/rules.h"

struct rule_threshold {
	struct rule_list fields;       /* may be empty: one group */
	uint64_t value;		       /* alert from this many events on */
	struct view cardinality_field; /* "" = none */
	uint64_t cardinality_value;
};

/* Where what is named beside the query stands, one place a name; NULL, or
 * without a line: not known, and said of the query. */
struct rule_places {
	const struct place *new_terms, *threshold, *suppress, *investigate;
	struct place cardinality;
};

struct rule_source {
	/* `stages` is the engine's. With another status than RULE_OK
	 * (and a reason) the rule is kept for listing and not compiled; so is
	 * one whose query turns out broken. */
	struct rule rule;
	/* Where the query's first byte stands. Further lines of the query are
	 * taken to begin at column `query_place.column` of the lines below, as
	 * in a YAML block scalar; 1 for a quoted one. With `text`, that is what
	 * the query was made of in the file (doc_text_place). */
	struct place query_place;
	struct rule_list new_terms_fields; /* 1–3 names */
	uint64_t history_window_ns;	   /* 0 = 5 days */
	struct rule_threshold threshold;
	uint64_t lookback_ns; /* of threshold and sample; 0 = 9 minutes */
	struct rule_list exception_lists; /* ids of Kibana's */
	struct rule_places places;
};

/* With `list`, as Kibana's: of all rules that name it, and of every event that
 * they look at. Without, of `rule`, and of the event that completes it. */
struct rule_exception {
	struct view rule; /* rule_id, or "*" for all */
	struct place rule_place;
	struct view list; /* list_id */
	struct view when; /* an EQL condition without category */
	struct place when_place;
	struct view reason, owner;
	uint64_t expires_ns; /* wall; events from then on are not excepted;
			      * 0 = never */
};

/* The index of the new rule, or -1 when memory is out. A second rule with the
 * same id replaces the first (its place in the list is kept). */
int rules_add_source(struct rules *, const struct rule_source *, struct err *);
/* Defines a list, or with `extend` adds to it (also before its definition).
 * -1 when memory is out or, without `extend`, it is defined already. */
int rules_define_list(struct rules *, struct view name,
		      const struct rule_list *values, bool extend);
/* Where a list stands, for what is said of it; the first place is kept. */
void rules_place_list(struct rules *, struct view name, struct place);
/* The rule then needs "and not (when)". An exception for a rule that does not
 * exist is an error of rules_seal; a list that no rule names is none. */
int rules_add_exception(struct rules *, const struct rule_exception *,
			struct err *);

#endif
