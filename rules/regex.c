/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lucene's regular expressions on PCRE2: the syntax is translated piece by
 * piece (nothing passes unread, so no PCRE2 feature leaks in), and the whole
 * value must match. Only what both of PCRE2's matchers take is written.
 *
 * Syntax: org.apache.lucene.util.automaton.RegExp with all flags, as EQL uses
 * it. ^ and $ are literal; quantifiers may follow quantifiers; \\d \\w \\s are
 * classes, any other escaped character is itself. Complement (~) and
 * intersection (&) say something about whole matches and can be written only
 * where that is the whole rest of the expression.
 */
#include "rules/regex.h"

#include <stdlib.h>

#define REGEX_DEPTH_MAX 100
#define REGEX_REPEAT_MAX 1000

struct reader {
	struct view s;
	size_t i;
	struct buf out;
	const char *why; /* the error, once */
	size_t why_at;
	/* What is right and cannot be said to PCRE2, once: the rest is read
	 * all the same, for its errors. */
	const char *unsupported;
	size_t unsupported_at;
	unsigned depth;
};

static void read_union(struct reader *);

static bool
more(const struct reader *r)
{
	return r->i < r->s.n && r->why == NULL;
}

static char
now(const struct reader *r)
{
	return r->i < r->s.n ? r->s.p[r->i] : '\0';
}

static void
give_up(struct reader *r, const char *why)
{
	if (r->why == NULL) {
		r->why = why;
		r->why_at = r->i;
	}
}

static void
cannot(struct reader *r, const char *why)
{
	if (r->unsupported == NULL) {
		r->unsupported = why;
		r->unsupported_at = r->i;
	}
}

/* A character that stands for itself, outside and inside of [ ]. */
static void
put_literal(struct reader *r)
{
	unsigned char c = (unsigned char)now(r);

	if (c < 0x80 && !((c | 32) >= 'a' && (c | 32) <= 'z') &&
	    !(c >= '0' && c <= '9')) {
		if (c < ' ' || c == 0x7f)
			buf_printf(&r->out, "\\x{%x}", c);
		else
			buf_printf(&r->out, "\\%c", c);
		r->i++;
		return;
	}
	do
		buf_putc(&r->out, r->s.p[r->i++]);
	while (c >= 0x80 && r->i < r->s.n && (r->s.p[r->i] & 0xc0) == 0x80);
}

static void
read_escape(struct reader *r)
{
	r->i++;
	if (r->i >= r->s.n) {
		give_up(r, "a backslash at the end escapes nothing");
	} else if (now(r) != '\0' && strchr("dDwWsS", now(r))) {
		buf_printf(&r->out, "\\%c", now(r));
		r->i++;
	} else {
		put_literal(r);
	}
}

static void
class_item(struct reader *r)
{
	if (now(r) == '\\')
		read_escape(r);
	else
		put_literal(r);
}

static void
read_class(struct reader *r)
{
	size_t start = r->i++;

	buf_putc(&r->out, '[');
	if (now(r) == '^') {
		buf_putc(&r->out, '^');
		r->i++;
	}
	do { /* a ] that comes first is literal */
		class_item(r);
		if (now(r) == '-' && r->i + 1 < r->s.n &&
		    r->s.p[r->i + 1] != ']') {
			buf_putc(&r->out, '-');
			r->i++;
			class_item(r);
		}
	} while (more(r) && now(r) != ']');
	if (now(r) != ']') {
		r->i = start;
		give_up(r, "this [ is not closed");
		return;
	}
	r->i++;
	buf_putc(&r->out, ']');
}

static void
read_quoted(struct reader *r)
{
	buf_puts(&r->out, "(?:");
	for (r->i++; more(r) && now(r) != '"';)
		put_literal(r);
	if (now(r) != '"')
		give_up(r, "this \" is not closed; write \\\" for a quote");
	r->i++;
	buf_putc(&r->out, ')');
}

static uint64_t
read_number(struct reader *r, size_t *digits)
{
	uint64_t n = 0;

	for (*digits = 0; now(r) >= '0' && now(r) <= '9' && *digits < 18;
	     r->i++, (*digits)++)
		n = n * 10 + (uint64_t)(now(r) - '0');
	return n;
}

#define REGEX_INTERVAL_MAX 10000

/* <3-17>: one of these numbers. With as many digits as the bounds have, if
 * these are equally long; else after any number of zeros. */
static void
read_interval(struct reader *r)
{
	size_t low_n, high_n, width;
	uint64_t low, high;

	r->i++;
	low = read_number(r, &low_n);
	if (now(r) == '-')
		r->i++;
	high = read_number(r, &high_n);
	if (low_n == 0 || high_n == 0 || now(r) != '>') {
		give_up(r, "expected <number-number>; write \\< for a <");
		return;
	}
	r->i++;
	if (low > high) {
		uint64_t t = low;

		low = high;
		high = t;
	}
	if (high - low > REGEX_INTERVAL_MAX) {
		give_up(r, "this interval is too large");
		return;
	}
	width = low_n == high_n ? low_n : 0;
	buf_puts(&r->out, width > 0 ? "(?:(?:" : "(?:0*(?:");
	for (uint64_t n = low; n <= high; n++)
		buf_printf(&r->out, "%s%0*llu", n == low ? "" : "|", (int)width,
			   (unsigned long long)n);
	buf_puts(&r->out, "))");
}

static void
read_group(struct reader *r)
{
	size_t start = r->i++;

	if (r->depth >= REGEX_DEPTH_MAX) {
		give_up(r, "the expression nests too deeply");
		return;
	}
	r->depth++;
	if (now(r) == ')')
		buf_puts(&r->out, "(?:)");
	else
		read_union(r);
	r->depth--;
	if (r->why == NULL && now(r) != ')') {
		r->i = start;
		give_up(r, "this ( is not closed");
	}
	r->i++;
}

/* What a quantifier would not take as one is in a group of its own. But no
 * others are: of a repeated group PCRE2 knows less than of a repeated
 * character. */
static void
read_atom(struct reader *r)
{
	switch (now(r)) {
	case '.':
	case '@':
		buf_puts(&r->out, now(r) == '@' ? "(?:.*)" : ".");
		r->i++;
		break;
	case '#':
		buf_puts(&r->out, "(?:(?!))");
		r->i++;
		break;
	case '\\':
		read_escape(r);
		break;
	case '[':
		read_class(r);
		break;
	case '(':
		read_group(r);
		break;
	case '"':
		read_quoted(r);
		break;
	case '<':
		read_interval(r);
		break;
	case '?':
	case '*':
	case '+':
	case '{':
		give_up(r, "nothing stands before this quantifier; write "
			   "a backslash before it to mean the character");
		break;
	default:
		put_literal(r);
	}
}

/* {n} {n,} {n,m} */
static void
read_braces(struct reader *r, char text[48])
{
	size_t low_n, high_n = 0;
	uint64_t low, high = 0;
	bool comma;

	r->i++;
	low = read_number(r, &low_n);
	comma = now(r) == ',';
	if (comma) {
		r->i++;
		high = read_number(r, &high_n);
	}
	if (low_n == 0 || now(r) != '}' || low > REGEX_REPEAT_MAX ||
	    high > REGEX_REPEAT_MAX || (high_n > 0 && high < low)) {
		give_up(r, "expected {n}, {n,} or {n,m} with n not above m "
			   "(1000 at most)");
		return;
	}
	r->i++;
	if (!comma)
		snprintf(text, 48, "{%u}", (unsigned)low);
	else if (high_n == 0)
		snprintf(text, 48, "{%u,}", (unsigned)low);
	else
		snprintf(text, 48, "{%u,%u}", (unsigned)low, (unsigned)high);
}

/* buf has no insert: what was written from `start` gets a group around it. */
static void
wrap(struct reader *r, size_t start, const char *before, const char *after)
{
	struct buf copy = { 0 };

	if (r->out.failed)
		return;
	buf_put(&copy, view_sub(buf_view(&r->out), start, r->out.n));
	r->out.n = start;
	buf_puts(&r->out, before);
	buf_put(&r->out, buf_view(&copy));
	buf_puts(&r->out, after);
	r->out.failed |= copy.failed;
	buf_free(&copy);
}

/* ~x at the end of everything: what follows is not wholly x. */
static void
read_complement(struct reader *r)
{
	size_t start = r->out.n;
	bool is_not = false;

	for (; now(r) == '~'; r->i++) /* two are none */
		is_not = !is_not;
	if (r->i >= r->s.n) {
		give_up(r, "nothing stands behind this ~; write \\~ to mean "
			   "the character");
		return;
	}
	read_atom(r);
	if (!is_not)
		return;
	if (r->depth > 0 || more(r))
		cannot(r, "regular expressions with ~ elsewhere than before "
			  "their last part are not read");
	wrap(r, start, "(?:(?!(?:", ")\\z).*)");
}

/* An atom and its quantifiers. A second one applies to a group, so that in a*?
 * the ? means "or nothing" and not "lazily". ~ binds closer: ~x* is any number
 * of what is not x. */
static void
read_repeat(struct reader *r)
{
	size_t start = r->out.n;
	char quantifier[48];
	unsigned n = 0;

	if (now(r) == '~')
		read_complement(r);
	else
		read_atom(r);
	while (more(r) && now(r) != '\0' && strchr("?*+{", now(r)) != NULL) {
		if (now(r) == '{')
			read_braces(r, quantifier);
		else
			snprintf(quantifier, sizeof(quantifier), "%c",
				 r->s.p[r->i++]);
		if (r->why != NULL || ++n > 8) {
			give_up(r, "too many quantifiers in a row");
			return;
		}
		if (n > 1)
			wrap(r, start, "(?:", ")");
		buf_puts(&r->out, quantifier);
	}
}

static void
read_concat(struct reader *r)
{
	while (more(r) && now(r) != '|' && now(r) != '&' && now(r) != ')')
		read_repeat(r);
	if (now(r) == ')' && r->depth == 0)
		give_up(r, "this ) closes nothing; write \\) to mean it");
}

/* a&b: whole values only, so a is looked at first. */
static void
read_intersection(struct reader *r)
{
	size_t start = r->out.n;

	read_concat(r);
	while (more(r) && now(r) == '&') {
		if (r->depth > 0)
			cannot(r, "regular expressions with & inside of ( ) "
				  "are not read");
		r->i++;
		wrap(r, start, "(?=(?:", ")\\z)");
		start = r->out.n;
		read_concat(r);
	}
}

static void
read_union(struct reader *r)
{
	size_t start = r->out.n;

	read_intersection(r);
	while (more(r) && now(r) == '|') {
		r->i++;
		buf_putc(&r->out, '|');
		read_intersection(r);
	}
	wrap(r, start, "(?:", ")");
}

static struct regex *
compile(struct view pattern, bool fold, struct regex_fault *fault)
{
	uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_NO_AUTO_CAPTURE |
			   PCRE2_NEVER_UCP | PCRE2_DOLLAR_ENDONLY |
			   (fold ? PCRE2_CASELESS : 0);
	struct regex *re = calloc(1, sizeof(*re));
	PCRE2_SIZE offset;
	int error = 0;

	if (re != NULL)
		re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
					 options, &error, &offset, NULL);
	if (re == NULL || re->code == NULL) {
		if (error != 0) {
			pcre2_get_error_message(error,
						(PCRE2_UCHAR *)fault->text,
						sizeof(fault->text));
			fault->why = fault->text;
		}
		free(re);
		return NULL;
	}
	/* Without JIT (not built in, W^X) the interpreter does it. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return re;
}

/* Appends the translation of texts[which]. What is wrong goes before what is
 * right and not supported. */
static void
translate(struct buf *all, const struct view *texts, size_t which,
	  struct regex_fault *fault)
{
	struct reader r = { .s = texts[which] };

	if (r.s.n > 0)
		read_union(&r);
	buf_puts(all, which > 0 ? "|" : "");
	buf_put(all, buf_view(&r.out));
	all->failed |= r.out.failed;
	buf_free(&r.out);
	if (r.why != NULL)
		*fault = (struct regex_fault){ .why = r.why,
					       .at = r.why_at,
					       .which = which };
	else if (r.unsupported != NULL && fault->why == NULL)
		*fault = (struct regex_fault){ .why = r.unsupported,
					       .at = r.unsupported_at,
					       .which = which,
					       .unsupported = true };
}

struct regex *
regex_compile(const struct view *texts, size_t n, bool fold,
	      struct regex_fault *fault)
{
	struct buf all = { 0 };
	struct regex *re = NULL;

	*fault = (struct regex_fault){ 0 };
	buf_puts(&all, "\\A(?:");
	for (size_t i = 0; i < n && (fault->why == NULL || fault->unsupported);
	     i++)
		translate(&all, texts, i, fault);
	buf_puts(&all, ")\\z");
	if (fault->why == NULL) {
		fault->why = "memory is out";
		if (!all.failed)
			re = compile(buf_view(&all), fold, fault);
	}
	buf_free(&all);
	return re;
}

void
regex_free(struct regex *re)
{
	if (re != NULL)
		pcre2_code_free(re->code);
	free(re);
}
