/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of literals and lists of wildcard patterns, compiled: value.c and
 * pattern.c. They live in the arena they were made in and are never changed.
 * -1: memory is out.
 */
#ifndef RULES_PATTERN_H
#define RULES_PATTERN_H

#include "rules/rules.h"

/* A set of literals for `in` and for patterns without wildcards. */
struct value_set {
	bool fold;
	struct view *table; /* open addressing, p NULL = empty */
	size_t mask;
	size_t shortest, longest; /* of the table */
	struct value *v;	  /* all, for values that are no strings */
	size_t n;
};

int value_set_make(struct value_set *, struct arena *, const struct value *,
		   size_t n, bool fold);
/* `s` must be folded already when the set is. */
bool value_set_has(const struct value_set *, struct view s);
/* Stable, for the set's own tables: literals are not hostile. */
uint64_t literal_hash(struct view);
/* ASCII letters in lower case, as many bytes. */
void fold_ascii(char *to, struct view from);

enum pattern_kind {
	PATTERN_EXACT,
	PATTERN_ALL,	  /* * */
	PATTERN_PREFIX,	  /* a* */
	PATTERN_SUFFIX,	  /* *a */
	PATTERN_CONTAINS, /* *a* */
	PATTERN_BETWEEN,  /* a*b */
	PATTERN_PARTS,	  /* a*b*c and so on; either end may be a * */
	PATTERN_GENERAL,
};

struct pattern {
	enum pattern_kind kind;
	struct view a, b; /* first and last literal; the whole of GENERAL */
	struct view form;
};

/* One list of patterns: exact ones hashed, the others in order. */
struct pattern_list {
	bool fold;
	uint8_t first[32]; /* bytes with which a match can begin, a bit each */
	size_t shortest;   /* bytes of a match, at least */
	struct value_set exact;
	struct pattern *v;
	size_t n;
};

int pattern_list_make(struct pattern_list *, struct arena *,
		      const struct view *forms, size_t n, bool fold);
/* False: no match, which length and first byte say. `s` need not be folded. */
static inline bool
pattern_list_may_match(const struct pattern_list *list, struct view s)
{
	unsigned char c = s.n > 0 ? (unsigned char)s.p[0] : 0;

	return s.n >= list->shortest &&
	       (s.n == 0 || (list->first[c / 8] >> c % 8 & 1) != 0);
}

/* `s` folded already when the list is. */
bool pattern_list_match(const struct pattern_list *, struct view s);
bool pattern_match(const struct pattern *, struct view s);
/* Of wildcard text (* and ?) the pattern form. VIEW_NONE: no memory. */
struct view pattern_form(struct arena *, struct view text);
/* And back, for people. */
struct view pattern_text(struct arena *, struct view form);
bool pattern_is_literal(struct view form);

#endif
