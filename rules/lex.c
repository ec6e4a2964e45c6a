/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/lex.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '@';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
peek(const struct parse *p, size_t i)
{
	return i < p->text.n ? p->text.p[i] : '\0';
}

/* Where the comment at `i` ends: at its own end if there are others within,
 * at the first one where those do not add up (a path with a star); < 0: it has
 * none. */
static ssize_t
comment_end(const struct parse *p, size_t i)
{
	unsigned depth = 0;

	for (size_t k = i; k + 1 < p->text.n; k++) {
		int step = view_eq(view_sub(p->text, k, 2), VIEW("/*"))	  ? 1
			   : view_eq(view_sub(p->text, k, 2), VIEW("*/")) ? -1
									  : 0;

		depth += (unsigned)step;
		k += step != 0;
		if (step < 0 && depth == 0)
			return (ssize_t)k + 1;
	}
	i += 2;
	return view_search(p->text, VIEW("*/"), i) < 0
		       ? -1
		       : view_search(p->text, VIEW("*/"), i) + 2;
}

/* Past white space and comments; SIZE_MAX when a comment has no end. */
static size_t
skip_blank(struct parse *p, size_t i)
{
	ssize_t end;

	for (;;) {
		while (i < p->text.n && strchr(" \t\r\n\f", p->text.p[i]) &&
		       p->text.p[i] != '\0')
			i++;
		if (peek(p, i) != '/')
			return i;
		if (peek(p, i + 1) == '/') {
			while (i < p->text.n && p->text.p[i] != '\n' &&
			       p->text.p[i] != '\r')
				i++;
		} else if (peek(p, i + 1) == '*') {
			end = comment_end(p, i);
			if (end < 0) {
				parse_error(p, i,
					    "this comment has no end; "
					    "close it with */");
				return SIZE_MAX;
			}
			i = (size_t)end;
		} else {
			return i;
		}
	}
}

/* \u{2 to 8 hexadecimal digits}; returns the bytes read, 0 when wrong. */
static size_t
read_unicode(struct parse *p, size_t i, struct buf *out)
{
	uint32_t code = 0;
	size_t n = 0;
	char c;

	if (peek(p, i) != '{')
		return 0;
	for (; (c = peek(p, i + 1 + n)) != '}'; n++) {
		if (n == 8)
			return 0;
		if (is_digit(c))
			code = code << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			code = code << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return 0;
	}
	if (n < 2 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	buf_utf8(out, code);
	return n + 2;
}

/* What follows a backslash; returns the bytes read, 0 when wrong. */
static size_t
read_escape(struct parse *p, size_t i, struct buf *out)
{
	static const char from[] = "btnfr\"'\\", to[] = "\b\t\n\f\r\"'\\";
	char c = peek(p, i);
	const char *known = c == '\0' ? NULL : strchr(from, c);
	size_t n;

	if (known != NULL) {
		buf_putc(out, to[known - from]);
		return 1;
	}
	if (c != 'u')
		return 0;
	n = read_unicode(p, i + 1, out);
	return n == 0 ? 0 : n + 1;
}

static void
finish_string(struct parse *p, struct buf *b, size_t end, struct token *t)
{
	t->kind = TOKEN_STRING;
	t->text = arena_copy(p->arena, buf_view(b));
	t->end = end;
	if (b->failed || (b->n > 0 && t->text.p == NULL)) {
		parse_error(p, t->at, "memory is out");
		t->kind = TOKEN_BAD;
	}
	if (t->text.p == NULL)
		t->text.p = "";
	buf_free(b);
}

static void
lex_string(struct parse *p, struct token *t)
{
	struct buf b = { 0 };
	size_t i = t->at + 1, n;

	for (;; i++) {
		char c = peek(p, i);

		if (i >= p->text.n || c == '\n') {
			parse_error(p, t->at,
				    "this string is not closed on "
				    "its line");
			break;
		}
		if (c == '"') {
			finish_string(p, &b, i + 1, t);
			return;
		}
		if (c != '\\') {
			buf_putc(&b, c);
			continue;
		}
		n = read_escape(p, i + 1, &b);
		if (n == 0) {
			parse_error(p, i,
				    "unknown escape; write \\\\ for a "
				    "backslash, or a raw string "
				    "\"\"\"…\"\"\"");
			break;
		}
		i += n;
	}
	buf_free(&b);
	t->kind = TOKEN_BAD;
}

/* Up to two quotes may stand directly before the closing three. */
static void
lex_raw(struct parse *p, struct token *t)
{
	struct view body = view_sub(p->text, t->at + 3, SIZE_MAX);
	ssize_t end = view_search(p->text, VIEW("\"\"\""), t->at + 3);
	ssize_t line = view_find(body, '\n');
	struct buf b = { 0 };
	size_t stop;

	if (end < 0 || (line >= 0 && (size_t)line < (size_t)end - t->at - 3)) {
		parse_error(p, t->at,
			    "this raw string is not closed on its line; "
			    "close it with \"\"\"");
		t->kind = TOKEN_BAD;
		return;
	}
	stop = (size_t)end;
	while (peek(p, stop + 3) == '"' && stop < (size_t)end + 2)
		stop++;
	buf_put(&b, view_sub(p->text, t->at + 3, stop - t->at - 3));
	finish_string(p, &b, stop + 3, t);
}

static void
lex_number(struct parse *p, struct token *t)
{
	size_t i = t->at;
	struct view text;
	char c;

	while (is_digit(peek(p, i)))
		i++;
	if (peek(p, i) == '.' && !is_letter(peek(p, i + 1))) /* 5. too */
		for (i++; is_digit(peek(p, i)); i++)
			;
	c = peek(p, i + 1);
	if ((peek(p, i) | 32) == 'e' &&
	    (is_digit(c) ||
	     ((c == '-' || c == '+') && is_digit(peek(p, i + 2)))))
		for (i += 2; is_digit(peek(p, i)); i++)
			;
	text = view_sub(p->text, t->at, i - t->at);
	t->end = i;
	t->kind = TOKEN_NUMBER;
	if (!value_number(text, &t->number)) {
		parse_error(p, t->at, "this number is too large");
		t->kind = TOKEN_BAD;
	}
}

/* One part of a dotted name; the bytes read, 0 when there is none. */
static size_t
name_part(struct parse *p, size_t i, struct buf *b, bool *quoted)
{
	size_t n = 0;

	if (peek(p, i) == '`') {
		for (n = 1; i + n < p->text.n && p->text.p[i + n] != '\n';
		     n++) {
			if (p->text.p[i + n] == '`' &&
			    peek(p, i + ++n) != '`') {
				n--; /* a doubled one means itself */
				break;
			}
			buf_putc(b, p->text.p[i + n]);
		}
		*quoted = true;
		return peek(p, i + n) == '`' && n > 1 ? n + 1 : 0;
	}
	if (!is_letter(peek(p, i)))
		return 0;
	while (is_letter(peek(p, i + n)) || is_digit(peek(p, i + n)))
		buf_putc(b, p->text.p[i + n++]);
	return n;
}

static void
lex_word(struct parse *p, struct token *t)
{
	struct buf b = { 0 };
	size_t i = t->at, n;

	for (;;) {
		n = name_part(p, i, &b, &t->quoted);
		if (n == 0) {
			parse_error(p, i, "a field name is incomplete here");
			buf_free(&b);
			t->kind = TOKEN_BAD;
			return;
		}
		i += n;
		if (peek(p, i) != '.')
			break;
		buf_putc(&b, '.');
		i++;
	}
	finish_string(p, &b, i, t);
	if (t->kind == TOKEN_BAD)
		return;
	t->kind = TOKEN_WORD;
	t->tilde = peek(p, i) == '~';
	if (t->tilde)
		t->end++;
}

/* $name and ${name} */
static void
lex_dollar(struct parse *p, struct token *t)
{
	ssize_t end = view_search(p->text, VIEW("}"), t->at);

	if (is_letter(peek(p, t->at + 1))) {
		t->at++;
		lex_word(p, t);
		t->at--;
		if (t->kind == TOKEN_WORD)
			t->kind = TOKEN_VARIABLE;
		return;
	}
	if (peek(p, t->at + 1) != '{' || end < 0) {
		parse_error(p, t->at, "a named list is written ${name}");
		t->kind = TOKEN_BAD;
		return;
	}
	t->kind = TOKEN_LIST;
	t->text = view_sub(p->text, t->at + 2, (size_t)end - t->at - 2);
	t->end = (size_t)end + 1;
}

static bool
lex_two(struct parse *p, struct token *t)
{
	static const struct {
		char a, b;
		int kind;
	} pairs[] = {
		{ '=', '=', TOKEN_EQ },	     { '!', '=', TOKEN_NE },
		{ '<', '=', TOKEN_LE },	     { '>', '=', TOKEN_GE },
		{ '!', '[', TOKEN_MISSING },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (peek(p, t->at) != pairs[i].a ||
		    peek(p, t->at + 1) != pairs[i].b)
			continue;
		t->kind = pairs[i].kind;
		t->end = t->at + 2;
		return true;
	}
	return false;
}

static void
lex_punctuation(struct parse *p, struct token *t)
{
	char c = peek(p, t->at);

	t->end = t->at + 1;
	if (c == '\'' || (c == '?' && strchr("\"'", peek(p, t->at + 1)) &&
			  peek(p, t->at + 1) != '\0')) {
		parse_error(p, t->at,
			    "strings stand in double quotes, raw ones in "
			    "three: \"\"\"…\"\"\"");
		t->kind = TOKEN_BAD;
	} else if (c != '\0' && strchr("()[],:<>=+-*/%|?", c) != NULL) {
		t->kind = (unsigned char)c;
	} else {
		struct buf shown = { 0 };

		buf_text(&shown,
			 view_sub(p->text, t->at,
				  utf8_length(view_sub(p->text, t->at, 8))));
		parse_error(p, t->at, "'%.*s' means nothing here", (int)shown.n,
			    shown.p == NULL ? "" : shown.p);
		buf_free(&shown);
		t->kind = TOKEN_BAD;
	}
}

void
lex_token(struct parse *p, size_t from, struct token *t)
{
	size_t i = skip_blank(p, from);
	char c;

	*t = (struct token){ .at = i, .end = i };
	if (i == SIZE_MAX) {
		*t = (struct token){ .kind = TOKEN_BAD,
				     .at = p->text.n,
				     .end = p->text.n };
		return;
	}
	c = peek(p, i);
	if (i >= p->text.n)
		t->kind = TOKEN_END;
	else if (is_letter(c) || c == '`')
		lex_word(p, t);
	else if (is_digit(c) || (c == '.' && is_digit(peek(p, i + 1))))
		lex_number(p, t);
	else if (view_starts(view_sub(p->text, i, 3), VIEW("\"\"\"")))
		lex_raw(p, t);
	else if (c == '"')
		lex_string(p, t);
	else if (c == '$')
		lex_dollar(p, t);
	else if (!lex_two(p, t))
		lex_punctuation(p, t);
}
