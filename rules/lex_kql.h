/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of KQL. What a word is depends on where it stands (a field's name
 * ends at a blank, a value may be several words), so the parser asks for what
 * it expects; nothing is cut in advance.
 */
#ifndef RULES_LEX_KQL_H
#define RULES_LEX_KQL_H

#include "rules/engine.h"

struct kql {
	struct parse *p;
	size_t i;	    /* the next byte */
	struct view prefix; /* of field names, inside { } */
	bool failed;	    /* a syntax error: everything unwinds */
};

/* A word or a quoted string, decoded; in pattern form (ast.h). */
struct kql_word {
	size_t at, end;
	struct view form; /* in the parser's arena */
	bool wild, quoted;
};

/* A syntax error at byte `at`; after one, silence. */
#define kql_fail(k, at, ...)                                  \
	do {                                                  \
		if (!(k)->failed)                             \
			parse_error((k)->p, at, __VA_ARGS__); \
		(k)->failed = true;                           \
	} while (0)

/* The byte there; NUL behind the end. */
char kql_peek(const struct kql *, size_t i);
void kql_skip_blank(struct kql *);
/* These go on past what they ask for, if it stands here. */
bool kql_take(struct kql *, char);
bool kql_take_keyword(struct kql *, const char *word);
/* Does the keyword stand here? */
bool kql_is_keyword(struct kql *, const char *word);
/* A field's name (`one`) or a value; false when it was reported. */
bool kql_read_word(struct kql *, struct kql_word *, bool one);

#endif
