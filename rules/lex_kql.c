/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words end at white space or a special character; * is the only wildcard and
 * only where it is neither quoted nor escaped.
 */
#include "rules/lex_kql.h"

char
kql_peek(const struct kql *k, size_t i)
{
	return i < k->p->text.n ? k->p->text.p[i] : '\0';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_special(char c)
{
	return c != '\0' && strchr("():<>\"{}", c) != NULL;
}

/* White space here; a space that does not break (U+00A0) comes along with
 * what is pasted. The bytes, 0 if none. */
static size_t
blank_here(const struct kql *k, size_t i)
{
	if (is_blank(kql_peek(k, i)))
		return 1;
	return kql_peek(k, i) == '\xc2' && kql_peek(k, i + 1) == '\xa0' ? 2 : 0;
}

void
kql_skip_blank(struct kql *k)
{
	size_t n;

	while ((n = blank_here(k, k->i)) > 0)
		k->i += n;
}

bool
kql_take(struct kql *k, char c)
{
	kql_skip_blank(k);
	if (k->failed || kql_peek(k, k->i) != c)
		return false;
	k->i++;
	return true;
}

/* The bytes of a keyword that stands here as a word of its own, 0 if none. */
static size_t
keyword_here(const struct kql *k, size_t i, const char *word)
{
	struct view w = view_of(word);

	if (!view_eq_fold(view_sub(k->p->text, i, w.n), w))
		return 0;
	i += w.n;
	return i >= k->p->text.n || blank_here(k, i) > 0 ||
			       kql_peek(k, i) == '('
		       ? w.n
		       : 0;
}

static bool
any_keyword_here(const struct kql *k, size_t i)
{
	return keyword_here(k, i, "and") || keyword_here(k, i, "or") ||
	       keyword_here(k, i, "not");
}

bool
kql_is_keyword(struct kql *k, const char *word)
{
	kql_skip_blank(k);
	return keyword_here(k, k->i, word) > 0;
}

bool
kql_take_keyword(struct kql *k, const char *word)
{
	size_t n;

	kql_skip_blank(k);
	n = k->failed ? 0 : keyword_here(k, k->i, word);
	k->i += n;
	return n > 0;
}

/* \uXXXX; the bytes read, 0 when wrong. */
static size_t
read_unicode(const struct kql *k, size_t i, struct buf *out)
{
	uint32_t code = 0;

	for (size_t d = 0; d < 4; d++) {
		char c = kql_peek(k, i + d);

		if (c >= '0' && c <= '9')
			code = code << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			code = code << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return 0;
	}
	if (code >= 0xd800 && code < 0xe000)
		return 0;
	buf_utf8(out, code);
	return 4;
}

/* \t \r \n \uXXXX and the characters of `plain`; the bytes read. */
static size_t
read_simple_escape(const struct kql *k, size_t i, const char *plain,
		   struct buf *out)
{
	char c = kql_peek(k, i);

	if (c == 'u')
		return read_unicode(k, i + 1, out) == 0 ? 0 : 5;
	if (c == 't' || c == 'r' || c == 'n')
		buf_putc(out, c == 't' ? '\t' : c == 'r' ? '\r' : '\n');
	else if (c != '\0' && strchr(plain, c) != NULL)
		buf_putc(out, c);
	else
		return 0;
	return 1;
}

/* After a backslash, outside of quotes; the bytes read, 0 when wrong. */
static size_t
read_escape(const struct kql *k, size_t i, struct buf *out)
{
	static const char *const words[] = { "and", "or", "not" };

	for (size_t w = 0; w < ARRAY_LEN(words); w++) {
		struct view word = view_of(words[w]);
		struct view here = view_sub(k->p->text, i, word.n);

		/* \order is order; \nothing is a new line and "othing". */
		if (*words[w] == 'n' ? keyword_here(k, i, words[w]) > 0
				     : view_eq_fold(here, word)) {
			buf_put(out, here);
			return here.n;
		}
	}
	return read_simple_escape(k, i, "\\():<>\"*{} ", out);
}

static void
finish_word(struct kql *k, struct kql_word *w, struct buf *b)
{
	w->end = k->i;
	w->form = arena_copy(k->p->arena, buf_view(b));
	if (b->failed || (b->n > 0 && w->form.p == NULL))
		kql_fail(k, w->at, "memory is out");
	if (w->form.p == NULL)
		w->form.p = "";
	buf_free(b);
}

/* In quotes \" and \\ are escapes, an unknown one is two characters. */
static void
read_quoted(struct kql *k, struct kql_word *w)
{
	struct buf b = { 0 };
	size_t n;
	char c;

	w->quoted = true;
	for (k->i++; (c = kql_peek(k, k->i)) != '"'; k->i++) {
		if (k->i >= k->p->text.n) {
			kql_fail(k, w->at, "this string is not closed");
			break;
		}
		n = c == '\\' ? read_simple_escape(k, k->i + 1, "\\\"", &b) : 0;
		k->i += n;
		if (n > 0)
			continue;
		buf_putc(&b, c);
	}
	k->i++;
	finish_word(k, w, &b);
}

/* Words up to a special character or a keyword; blanks inside count. With
 * `one` only the first, as a field's name. */
static void
read_plain(struct kql *k, struct kql_word *w, bool one)
{
	struct buf b = { 0 };
	size_t n, end = k->i, length = 0;
	bool starts = true;

	for (; k->i < k->p->text.n; k->i++) {
		char c = kql_peek(k, k->i);
		size_t blank = blank_here(k, k->i);

		if (is_special(c) || (blank > 0 && one) ||
		    (starts && b.n > 0 && any_keyword_here(k, k->i)))
			break;
		starts = blank > 0;
		if (blank > 0) {
			buf_put(&b, view_sub(k->p->text, k->i, blank));
			k->i += blank - 1;
			continue;
		}
		if (c == '*') {
			w->wild = true;
			c = PATTERN_ANY;
		} else if (c == '\\') {
			n = read_escape(k, k->i + 1, &b);
			if (n == 0) {
				kql_fail(k, k->i,
					 "unknown escape; write \\\\ for a "
					 "backslash");
				break;
			}
			k->i += n;
			length = b.n;
			end = k->i + 1;
			continue;
		}
		buf_putc(&b, c);
		length = b.n;
		end = k->i + 1;
	}
	if (!k->failed && length == 0)
		kql_fail(k, k->i, "expected a value");
	b.n = length < b.n ? length : b.n; /* blanks at the end */
	k->i = end;
	finish_word(k, w, &b);
}

bool
kql_read_word(struct kql *k, struct kql_word *w, bool one)
{
	kql_skip_blank(k);
	*w = (struct kql_word){ .at = k->i };
	if (any_keyword_here(k, k->i))
		kql_fail(k, k->i,
			 "expected a value; write \\%c… or quotes to "
			 "mean the word",
			 kql_peek(k, k->i));
	else if (kql_peek(k, k->i) == '"')
		read_quoted(k, w);
	else
		read_plain(k, w, one);
	return !k->failed;
}
