/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two parsers produce: conditions and queries as trees in an arena
 * that rules_seal frees when everything is compiled. Both languages end in
 * the same nodes; `a != b` is already NOT (a == b) here, the category of an
 * EQL query a test of event.category, a KQL value list an OR of tests.
 */
#ifndef RULES_AST_H
#define RULES_AST_H

#include "rules/rules.h"

/* A value or null. */
struct item {
	bool null;
	struct value v;
};

enum node_kind {
	NODE_BAD,     /* stands where an error was reported */
	NODE_LITERAL, /* item */
	NODE_FIELD,   /* field; op: 1 when it is written ?field */
	NODE_CALL,    /* function, fold, kids = arguments */
	NODE_ARITH,   /* op, kids[2] */
	NODE_COMPARE, /* op, kids[2] */
	NODE_IN,      /* fold, kids[0] in kids[1…] */
	NODE_LIKE,    /* fold, kids[0] like kids[1…] (pattern form, below) */
	NODE_REGEX,   /* fold, kids[0] matches kids[1…] */
	NODE_WORDS,   /* kids[0] has one of the phrases kids[1…] (words.h) */
	NODE_AND,     /* kids */
	NODE_OR,      /* kids */
	NODE_NOT,     /* kids[0] */
	NODE_EXISTS,  /* kids[0] has a value; of an expression: is not null */
	NODE_BEFORE,  /* the event is older than item.i (ns); of exceptions */
	NODE_ANY,     /* kids[0], of one choice of values */
	NODE_LINEAGE, /* op: of a process that kids[0] was true of; item.s is
		       * its text */
};

#define NODE_DEPTH_MAX 1000

enum compare_op { CMP_EQ, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
/* Is a descendant, a child, an event of such a process. */
enum lineage_op { LINEAGE_DESCENDANT, LINEAGE_CHILD, LINEAGE_EVENT };
enum arith_op { ARITH_ADD, ARITH_SUB, ARITH_MUL, ARITH_DIV, ARITH_MOD };

/*
 * Patterns: any run of bytes and exactly one code point are written as two
 * bytes that cannot occur in UTF-8 (RFC 3629 section 1); query texts are
 * checked to be UTF-8, so everything else is literal.
 */
#define PATTERN_ANY '\xff'
#define PATTERN_ONE '\xfe'

struct node {
	enum node_kind kind;
	uint8_t op;
	bool fold;
	uint16_t depth;
	uint32_t at; /* offset in the query, for errors */
	/* Its text in the query, where it is a test in EQL; else 0, 0. */
	uint32_t from, end;
	uint32_t leaf; /* explain.c: that decides it, + 1 */
	unsigned field;
	unsigned function;
	struct item item;
	struct node **kids;
	size_t n;
};

struct join_key {
	unsigned field;
	uint32_t at; /* offset in the query */
	bool optional;
};

struct query_stage {
	struct node *cond;
	struct join_key *keys;
	size_t n_keys;
	struct view alias; /* [ … ] as alias */
	unsigned runs;
	bool missing; /* ![ … ] */
	uint32_t at;
};

enum pipe_kind { PIPE_HEAD, PIPE_TAIL };
struct query_pipe {
	enum pipe_kind kind;
	uint64_t n;
};

/* A field of an event that came earlier in the sequence (the endpoint's
 * dialect): this bit and an index of set->earlier. */
#define FIELD_EARLIER (1u << 30)

#define QUERY_STAGES_MAX 63 /* as written; with until 64, a bit each */
#define QUERY_RUNS_MAX 100  /* Elasticsearch's limit */
#define QUERY_PIPES_MAX 16
#define QUERY_KEYS_MAX 16

enum query_kind { QUERY_EVENT, QUERY_SEQUENCE, QUERY_SAMPLE };
struct query {
	enum query_kind kind;
	struct query_stage stages[QUERY_STAGES_MAX];
	size_t n;
	struct query_stage until; /* cond NULL = none */
	bool has_maxspan;
	uint32_t maxspan_at;
	uint64_t maxspan_ns;
	struct query_pipe pipes[QUERY_PIPES_MAX];
	size_t n_pipes;
};

#endif
