/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The EQL parser's state, shared by conditions and queries. */
#ifndef RULES_PARSE_EQL_H
#define RULES_PARSE_EQL_H

#include "rules/lex.h"

struct eql {
	struct parse *p;
	struct token t;			/* the next token */
	size_t last;			/* end of the token before it */
	const struct query *q;		/* whose stages have aliases */
	struct eql_variable *variables; /* innermost first */
	bool failed;			/* a syntax error: everything unwinds */
};

/* $name: an element of a list, while the condition about it is read. */
struct eql_variable {
	struct eql_variable *outer;
	struct view name;
	struct token list;  /* the field's name */
	struct view member; /* "" = the element itself */
	struct node *field; /* what it stands for; NULL = not used yet */
};

/* A syntax error at the next token; after one, silence. */
#define eql_fail(e, ...) eql_fail_at((e), (e)->t.at, __VA_ARGS__)
#define eql_fail_at(e, at, ...)                               \
	do {                                                  \
		if (!(e)->failed)                             \
			parse_error((e)->p, at, __VA_ARGS__); \
		(e)->failed = true;                           \
	} while (0)

void eql_advance(struct eql *);
bool eql_is_word(const struct eql *, const char *word);
/* These go on past what they ask for, if it is there. */
bool eql_take_word(struct eql *, const char *word);
bool eql_take(struct eql *, int kind);
void eql_expect(struct eql *, int kind, const char *what);

bool eql_is_keyword(const struct token *);

struct node *eql_bad(struct eql *);
struct node *eql_field(struct eql *, bool optional); /* behind the ? */
struct node *eql_condition(struct eql *);
struct node *eql_event(struct eql *); /* category where condition */

/* parse_endpoint.c: what Elastic's endpoint has beside. */
bool eql_is_lineage(const struct eql *); /* before "of" */
struct node *eql_lineage(struct eql *);
bool eql_is_search(struct view name);
struct node *eql_search(struct eql *);
struct node *eql_variable(struct eql *);

#endif
