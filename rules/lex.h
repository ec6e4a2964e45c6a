/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EQL's words, one at a time. Strings are decoded into the parse's arena.
 * elastic.co/guide/en/elasticsearch/reference/8.17/eql-syntax.html
 */
#ifndef RULES_LEX_H
#define RULES_LEX_H

#include "rules/engine.h"

enum token_kind {
	TOKEN_END,
	TOKEN_BAD, /* reported */
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_LIST,	/* ${name} */
	TOKEN_VARIABLE, /* $name, $name.member */
	/* punctuation is its first byte; the rest: */
	TOKEN_EQ = 256,
	TOKEN_NE,
	TOKEN_LE,
	TOKEN_GE,
	TOKEN_MISSING, /* ![ */
};

struct token {
	int kind;
	size_t at, end;	  /* bytes of the query */
	struct view text; /* word (dotted, backticks removed), string, list,
			   * variable without its $ */
	bool quoted;	  /* a word with backticks: never a keyword */
	bool tilde;	  /* a word directly followed by ~ */
	struct value number;
};

/* Reads the token at `from`. */
void lex_token(struct parse *, size_t from, struct token *out);

#endif
