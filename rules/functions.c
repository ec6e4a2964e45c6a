/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EQL's functions. They are called with as many arguments as functions.def
 * allows, none of them null; what they cannot answer (a string where a number
 * is needed, a division by zero, an overflow) is null. Strings they make live
 * in the evaluation's scratch arena until the next event.
 */
#include "rules/engine.h"
#include "rules/functions.h"

#include <math.h>

#define FUNCTION(id, name, args, required, result, fold)                      \
	static void fn_##id(struct eval *, bool, const struct item *, size_t, \
			    struct item *);
#include "rules/functions.def"

const struct function functions[FN_COUNT] = {
#define FUNCTION(id, name, args, required, result, fold) \
	{ name, args, required, #result[0], fold, fn_##id },
#include "rules/functions.def"
};

int
function_find(struct view name)
{
	for (int i = 0; i < FN_COUNT; i++)
		if (view_eq_fold(name, view_of(functions[i].name)))
			return i;
	return -1;
}

/* ---- help ------------------------------------------------------------ */

static bool
is_string(const struct item *a)
{
	return a->v.type == VALUE_STRING;
}

static struct view
scratch_copy(struct eval *e, struct view s, bool fold)
{
	char *p = arena_alloc(&e->scratch, s.n + 1);

	e->scratch_used = true;
	if (p == NULL) {
		e->counters->no_memory++;
		return VIEW_NONE;
	}
	if (fold)
		fold_ascii(p, s);
	else if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct view){ p, s.n };
}

/* Two strings as the function compares them; false: null. */
static bool
two_strings(struct eval *e, bool fold, const struct item *args, struct view *a,
	    struct view *b)
{
	if (!is_string(&args[0]) || !is_string(&args[1]))
		return false;
	*a = args[0].v.s;
	*b = args[1].v.s;
	if (!fold)
		return true;
	*a = scratch_copy(e, *a, true);
	*b = scratch_copy(e, *b, true);
	return a->p != NULL && b->p != NULL;
}

/* Bytes of the first n characters, clamped. */
static size_t
offset_of(struct view s, int64_t n)
{
	size_t at = 0;

	for (; n > 0 && at < s.n; n--) {
		size_t step = utf8_length(view_sub(s, at, 4));

		at += step == 0 ? 1 : step;
	}
	return at;
}

static int64_t
characters(struct view s)
{
	int64_t n = 0;

	for (size_t at = 0; at < s.n; n++) {
		size_t step = utf8_length(view_sub(s, at, 4));

		at += step == 0 ? 1 : step;
	}
	return n;
}

/* ---- numbers --------------------------------------------------------- */

static bool
arith_int(enum arith_op op, int64_t a, int64_t b, int64_t *out)
{
	switch (op) {
	case ARITH_ADD:
		return !__builtin_add_overflow(a, b, out);
	case ARITH_SUB:
		return !__builtin_sub_overflow(a, b, out);
	case ARITH_MUL:
		return !__builtin_mul_overflow(a, b, out);
	case ARITH_DIV:
	case ARITH_MOD:
		if (b == 0 || (b == -1 && a == INT64_MIN))
			return false;
		*out = op == ARITH_DIV ? a / b : a % b;
		return true;
	}
	return false;
}

static double
arith_real(enum arith_op op, double a, double b)
{
	switch (op) {
	case ARITH_ADD:
		return a + b;
	case ARITH_SUB:
		return a - b;
	case ARITH_MUL:
		return a * b;
	case ARITH_DIV:
		return a / b;
	case ARITH_MOD:
		return fmod(a, b);
	}
	return NAN;
}

void
function_arith(enum arith_op op, const struct item *a, const struct item *b,
	       struct item *out)
{
	int64_t i;
	double d;

	*out = item_null();
	if (a->null || b->null)
		return;
	if (a->v.type == VALUE_INT && b->v.type == VALUE_INT) {
		if (arith_int(op, a->v.i, b->v.i, &i))
			*out = item_int(i);
		return;
	}
	if ((a->v.type != VALUE_INT && a->v.type != VALUE_REAL) ||
	    (b->v.type != VALUE_INT && b->v.type != VALUE_REAL))
		return;
	d = arith_real(op, a->v.type == VALUE_INT ? (double)a->v.i : a->v.d,
		       b->v.type == VALUE_INT ? (double)b->v.i : b->v.d);
	if (isfinite(d))
		*out = item_real(d);
}

#define ARITH(id, op)                                          \
	static void fn_##id(struct eval *e, bool fold,         \
			    const struct item *args, size_t n, \
			    struct item *out)                  \
	{                                                      \
		(void)e;                                       \
		(void)fold;                                    \
		(void)n;                                       \
		function_arith(op, &args[0], &args[1], out);   \
	}
ARITH(add, ARITH_ADD)
ARITH(subtract, ARITH_SUB)
ARITH(multiply, ARITH_MUL)
ARITH(divide, ARITH_DIV)
ARITH(modulo, ARITH_MOD)

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* An optional sign and digits of the base, all of them. */
static bool
parse_base(struct view s, int64_t base, int64_t *out)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	size_t i = negative || (s.n > 0 && s.p[0] == '+');

	if (i == s.n || base < 2 || base > 36)
		return false;
	for (*out = 0; i < s.n; i++) {
		int d = digit_value(s.p[i]);

		if (d >= base || __builtin_mul_overflow(*out, base, out) ||
		    __builtin_sub_overflow(*out, d, out))
			return false;
	}
	/* gathered below zero, which has room for INT64_MIN */
	return negative || !__builtin_sub_overflow((int64_t)0, *out, out);
}

/* As Elasticsearch reads it: a small 0x, in front of the sign if there is
 * one, says base 16 or may stand where base 16 is asked for. */
static void
fn_number(struct eval *e, bool fold, const struct item *args, size_t n,
	  struct item *out)
{
	struct view s;
	int64_t i, base = 10;
	struct value v;
	bool hex;

	(void)e;
	(void)fold;
	if (!is_string(&args[0]) || (n > 1 && args[1].v.type != VALUE_INT))
		return;
	s = view_trim(args[0].v.s);
	hex = view_starts(s, VIEW("0x"));
	if (n > 1)
		base = args[1].v.i;
	else if (hex)
		base = 16;
	if (base == 16 && hex)
		s = view_sub(s, 2, s.n);
	if (parse_base(s, base, &i))
		*out = item_int(i);
	else if (base == 10 && value_number(s, &v))
		*out = (struct item){ .v = v };
}

/* ---- strings --------------------------------------------------------- */

static void
fn_length(struct eval *e, bool fold, const struct item *args, size_t n,
	  struct item *out)
{
	(void)e;
	(void)fold;
	(void)n;
	if (is_string(&args[0]))
		*out = item_int(characters(args[0].v.s));
}

static void
fn_starts_with(struct eval *e, bool fold, const struct item *args, size_t n,
	       struct item *out)
{
	struct view a, b;

	(void)n;
	if (two_strings(e, fold, args, &a, &b))
		*out = item_bool(view_starts(a, b));
}

static void
fn_ends_with(struct eval *e, bool fold, const struct item *args, size_t n,
	     struct item *out)
{
	struct view a, b;

	(void)n;
	if (two_strings(e, fold, args, &a, &b))
		*out = item_bool(view_ends(a, b));
}

static void
fn_string_contains(struct eval *e, bool fold, const struct item *args, size_t n,
		   struct item *out)
{
	struct view a, b;

	(void)n;
	if (two_strings(e, fold, args, &a, &b))
		*out = item_bool(a.n > 0 && b.n > 0 &&
				 view_search(a, b, 0) >= 0);
}

static void
fn_index_of(struct eval *e, bool fold, const struct item *args, size_t n,
	    struct item *out)
{
	int64_t start = 0;
	struct view a, b;
	ssize_t at;

	if (n > 2 && args[2].v.type != VALUE_INT)
		return;
	if (n > 2)
		start = args[2].v.i;
	if (!two_strings(e, fold, args, &a, &b))
		return;
	at = view_search(a, b, offset_of(a, start));
	if (at >= 0)
		*out = item_int(characters(view_sub(a, 0, (size_t)at)));
}

/* From the end of the first `left` to the first (greedy: last) `right`
 * behind it; with nothing to look for, the whole. */
static void
fn_between(struct eval *e, bool fold, const struct item *args, size_t n,
	   struct item *out)
{
	bool greedy = n > 3 && args[3].v.type == VALUE_BOOL && args[3].v.b;
	struct item pair[2] = { args[0], args[2] };
	struct view s, left, right, found = VIEW("");
	ssize_t from, to = -1, next;

	if (!two_strings(e, fold, args, &s, &left) ||
	    !two_strings(e, fold, pair, &s, &right))
		return;
	if (left.n == 0 || right.n == 0) {
		*out = args[0];
		return;
	}
	from = view_search(s, left, 0);
	if (from >= 0) {
		from += (ssize_t)left.n;
		to = view_search(s, right, (size_t)from);
		while (greedy && to >= 0 &&
		       (next = view_search(s, right, (size_t)to + 1)) >= 0)
			to = next;
	}
	if (to >= 0) /* as written in the event, not folded */
		found = view_sub(args[0].v.s, (size_t)from,
				 (size_t)(to - from));
	*out = item_string(found);
}

static int64_t
clamp_index(int64_t i, int64_t length)
{
	if (i < 0)
		i += length;
	return i < 0 ? 0 : i > length ? length : i;
}

static void
fn_substring(struct eval *e, bool fold, const struct item *args, size_t n,
	     struct item *out)
{
	int64_t length, a, b;
	struct view s;

	(void)e;
	(void)fold;
	if (!is_string(&args[0]))
		return;
	s = args[0].v.s;
	if (n < 2) { /* no beginning: the whole, whatever the end is */
		*out = args[0];
		return;
	}
	if (args[1].v.type != VALUE_INT ||
	    (n > 2 && args[2].v.type != VALUE_INT))
		return;
	length = characters(s);
	a = clamp_index(args[1].v.i, length);
	b = n > 2 ? clamp_index(args[2].v.i, length) : length;
	if (b <= a)
		s = VIEW("");
	else
		s = view_sub(s, offset_of(s, a),
			     offset_of(s, b) - offset_of(s, a));
	*out = item_string(s);
}

static void
fn_string(struct eval *e, bool fold, const struct item *args, size_t n,
	  struct item *out)
{
	char room[VALUE_TEXT_MAX];
	struct view s;

	(void)fold;
	(void)n;
	s = scratch_copy(e, value_text(&args[0].v, room), false);
	if (s.p != NULL)
		*out = item_string(s);
}

/* What concat makes of hostile values must stay bounded. */
#define CONCAT_BYTES_MAX (1u << 20)

static void
fn_concat(struct eval *e, bool fold, const struct item *args, size_t n,
	  struct item *out)
{
	char room[VALUE_TEXT_MAX], *p;
	size_t size = 0, at = 0;
	struct view s;

	(void)fold;
	for (size_t i = 0; i < n; i++)
		size += value_text(&args[i].v, room).n;
	p = size > CONCAT_BYTES_MAX ? NULL : arena_alloc(&e->scratch, size + 1);
	e->scratch_used = true;
	if (p == NULL) {
		e->counters->no_memory++;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		s = value_text(&args[i].v, room);
		if (s.n > 0)
			memcpy(p + at, s.p, s.n);
		at += s.n;
	}
	*out = item_string((struct view){ p, size });
}

/* A bad block never gets here from a query (check.c). */
static void
fn_cidr_match(struct eval *e, bool fold, const struct item *args, size_t n,
	      struct item *out)
{
	struct cidr address, block;
	bool found = false;

	(void)e;
	(void)fold;
	if (!is_string(&args[0]))
		return;
	if (!address_parse(args[0].v.s, &address)) {
		*out = item_bool(false);
		return;
	}
	for (size_t i = 1; i < n && !found; i++)
		found = is_string(&args[i]) &&
			cidr_parse(args[i].v.s, &block) &&
			cidr_has(&block, &address);
	*out = item_bool(found);
}
