/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lucene's regular expressions on PCRE2: the syntax is translated piece by
 * piece (nothing passes unread, so no PCRE2 feature leaks in), the whole
 * value must match, and every match is bounded.
 *
 * Syntax: org.apache.lucene.util.automaton.RegExp with all flags, as EQL uses
 * it. ^ and $ are literal; quantifiers may follow quantifiers; \\d \\w \\s are
 * classes, any other escaped character is itself. Complement (~) and
 * intersection (&) say something about whole matches and can be written only
 * where that is the whole rest of the expression.
 */
#include "rules/engine.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps of one match; a thousand times what real rules need. */
#define REGEX_MATCH_LIMIT 200000
#define REGEX_DEPTH_LIMIT 2000
#define REGEX_HEAP_KIB 1024
/* The machine stack of compiled matches; PCRE2's own 32 KiB end at a group
 * repeated some hundred times. */
#define REGEX_STACK_BYTES (1u << 20)
#define REGEX_DEPTH_MAX 100
#define REGEX_REPEAT_MAX 1000

struct regex {
	pcre2_code *code;
};

struct regex_room {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

struct reader {
	struct view s;
	size_t i;
	struct buf out;
	const char *why; /* the error, once */
	size_t why_at;
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
	for (r->i++; more(r) && now(r) != '"';)
		put_literal(r);
	if (now(r) != '"')
		give_up(r, "this \" is not closed; write \\\" for a quote");
	r->i++;
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
	buf_puts(&r->out, width > 0 ? "(?:" : "0*(?:");
	for (uint64_t n = low; n <= high; n++)
		buf_printf(&r->out, "%s%0*llu", n == low ? "" : "|", (int)width,
			   (unsigned long long)n);
	buf_putc(&r->out, ')');
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
	if (now(r) != ')')
		read_union(r);
	r->depth--;
	if (r->why == NULL && now(r) != ')') {
		r->i = start;
		give_up(r, "this ( is not closed");
	}
	r->i++;
}

static void
read_atom(struct reader *r)
{
	switch (now(r)) {
	case '.':
	case '@':
		buf_puts(&r->out, now(r) == '@' ? ".*" : ".");
		r->i++;
		break;
	case '#':
		buf_puts(&r->out, "(?!)");
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

/* An atom and its quantifiers. Each gets a group of its own, so that in a*?
 * the ? means "or nothing" and not "lazily". */
static void
read_repeat(struct reader *r)
{
	size_t start = r->out.n;
	char quantifier[48];
	unsigned n = 0;

	read_atom(r);
	wrap(r, start, "(?:", ")");
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
		buf_puts(&r->out, quantifier);
		wrap(r, start, "(?:", ")");
	}
}

/* ~x at the end of everything: what follows is not wholly x. It binds closer
 * than quantifiers: ~x* is any number of what is not x. */
static void
read_complement(struct reader *r)
{
	size_t start = r->out.n;

	r->i++;
	if (now(r) == '~') {
		read_complement(r);
	} else {
		read_atom(r);
		wrap(r, start, "(?:", ")");
	}
	if (r->why == NULL && (r->depth > 0 || more(r)))
		give_up(r, "~ is supported before the last part of an "
			   "expression only");
	wrap(r, start, "(?!(?:", ")\\z).*");
}

static void
read_concat(struct reader *r)
{
	while (more(r) && now(r) != '|' && now(r) != '&' && now(r) != ')') {
		if (now(r) == '~')
			read_complement(r);
		else
			read_repeat(r);
	}
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
			give_up(r, "& is supported outside of ( ) only");
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
compile(struct view pattern, bool fold, char why[128])
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOTALL |
			   PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_UCP |
			   PCRE2_DOLLAR_ENDONLY | (fold ? PCRE2_CASELESS : 0);
	struct regex *re = calloc(1, sizeof(*re));
	PCRE2_SIZE offset;
	int error = 0;

	if (re != NULL)
		re->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
					 options, &error, &offset, NULL);
	if (re == NULL || re->code == NULL) {
		snprintf(why, 128, "memory is out");
		if (error != 0)
			pcre2_get_error_message(error, (PCRE2_UCHAR *)why, 128);
		free(re);
		return NULL;
	}
	/* Without JIT (not built in, W^X) the interpreter does it. */
	(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return re;
}

struct regex *
regex_compile(struct arena *arena, const struct view *texts, size_t n,
	      bool fold, struct view *why, size_t *at, size_t *which)
{
	struct buf all = { 0 };
	struct regex *re = NULL;
	char message[128] = "memory is out";

	*at = *which = 0;
	buf_puts(&all, "\\A(?:");
	for (size_t i = 0; i < n; i++) {
		struct reader r = { .s = texts[i] };

		if (texts[i].n > 0)
			read_union(&r);
		buf_puts(&all, i > 0 ? "|" : "");
		buf_put(&all, buf_view(&r.out));
		all.failed |= r.out.failed;
		buf_free(&r.out);
		if (r.why != NULL) {
			*why = view_of(r.why);
			*at = r.why_at;
			*which = i;
			buf_free(&all);
			return NULL;
		}
	}
	buf_puts(&all, ")\\z");
	if (!all.failed)
		re = compile(buf_view(&all), fold, message);
	if (re == NULL)
		*why = arena_copy(arena, view_of(message));
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

struct regex_room *
regex_room_new(void)
{
	struct regex_room *room = calloc(1, sizeof(*room));

	if (room == NULL)
		return NULL;
	room->data = pcre2_match_data_create(1, NULL);
	room->context = pcre2_match_context_create(NULL);
	if (room->data == NULL || room->context == NULL) {
		regex_room_free(room);
		return NULL;
	}
	/* Without one (no JIT) the interpreter's limits hold. */
	room->stack = pcre2_jit_stack_create(32 << 10, REGEX_STACK_BYTES, NULL);
	if (room->stack != NULL)
		pcre2_jit_stack_assign(room->context, NULL, room->stack);
	pcre2_set_match_limit(room->context, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(room->context, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(room->context, REGEX_HEAP_KIB);
	return room;
}

void
regex_room_free(struct regex_room *room)
{
	if (room == NULL)
		return;
	pcre2_match_data_free(room->data);
	pcre2_match_context_free(room->context);
	pcre2_jit_stack_free(room->stack);
	free(room);
}

bool
regex_match(const struct regex *re, struct regex_room *room, struct view s,
	    uint64_t *gave_up)
{
	int rc = pcre2_match(re->code, (PCRE2_SPTR)(s.n == 0 ? "" : s.p), s.n,
			     0, 0, room->data, room->context);

	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		(*gave_up)++;
	return rc >= 0;
}
