/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values: how they are written, compared and keyed. A literal and a value of
 * different types are compared by what the literal's text means for the
 * value: user.id == 0 and process.pid == "7" are both what rules write.
 */
#include "rules/engine.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The fewest digits that mean d. */
static int
shortest(double d, bool plain, char room[VALUE_TEXT_MAX])
{
	int n = 0;

	for (int digits = 1; digits <= 20; digits++) {
		n = plain ? snprintf(room, VALUE_TEXT_MAX, "%.*f", digits, d)
			  : snprintf(room, VALUE_TEXT_MAX, "%.*e", digits, d);
		if (strtod(room, NULL) == d)
			break;
	}
	return n;
}

/* As Java's Double.toString writes it: 5.0, 0.25, 1.0E10. */
static struct view
real_text(double d, char room[VALUE_TEXT_MAX])
{
	bool plain = d == 0 || (fabs(d) >= 1e-3 && fabs(d) < 1e7);
	int n = shortest(d, plain, room);
	char *e = memchr(room, 'e', (size_t)n);

	if (e != NULL) /* 1.5e+07: no plus, no zeros before the exponent */
		n = (int)(e - room) +
		    snprintf(e, VALUE_TEXT_MAX - (size_t)(e - room), "E%d",
			     (int)strtol(e + 1, NULL, 10));
	return (struct view){ room, (size_t)n };
}

struct view
value_text(const struct value *v, char room[VALUE_TEXT_MAX])
{
	int n;

	switch (v->type) {
	case VALUE_STRING:
		return v->s;
	case VALUE_BOOL:
		return v->b ? VIEW("true") : VIEW("false");
	case VALUE_REAL:
		return real_text(v->d, room);
	case VALUE_INT:
		n = snprintf(room, VALUE_TEXT_MAX, "%lld", (long long)v->i);
		return (struct view){ room, (size_t)n };
	}
	return VIEW_NONE;
}

bool
value_number(struct view s, struct value *out)
{
	char room[64], *end;

	if (view_to_i64(s, &out->i)) {
		out->type = VALUE_INT;
		return true;
	}
	if (s.n == 0 || s.n >= sizeof(room))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || !strchr("0123456789+-.eE", s.p[i]))
			return false;
	memcpy(room, s.p, s.n);
	room[s.n] = '\0';
	errno = 0;
	out->type = VALUE_REAL;
	out->d = strtod(room, &end);
	return *end == '\0' && end != room && isfinite(out->d);
}

/* A whole number that a double has is one of its integers. */
static void
make_whole(struct value *v)
{
	if (v->type == VALUE_REAL && v->d >= -9e15 && v->d <= 9e15 &&
	    v->d == (double)(int64_t)v->d)
		*v = (struct value){ VALUE_INT, .i = (int64_t)v->d };
}

void
value_make(struct value *v, enum rules_type type, struct view text)
{
	bool string = v->type == VALUE_STRING;
	struct value number;

	if (type == RULES_KEYWORD || type == RULES_TEXT) {
		if (!string)
			*v = (struct value){ VALUE_STRING, .s = text };
	} else if (type == RULES_LONG || type == RULES_DOUBLE) {
		if (string && value_number(v->s, &number))
			*v = number;
		if (type == RULES_LONG)
			make_whole(v);
	} else if (type == RULES_BOOL && string) {
		if (view_eq(v->s, VIEW("true")) || view_eq(v->s, VIEW("false")))
			*v = (struct value){ VALUE_BOOL, .b = v->s.n == 4 };
	}
}

static bool
holds(enum compare_op op, int order)
{
	switch (op) {
	case CMP_EQ:
		return order == 0;
	case CMP_LT:
		return order < 0;
	case CMP_LE:
		return order <= 0;
	case CMP_GT:
		return order > 0;
	case CMP_GE:
		return order >= 0;
	}
	return false;
}

static bool
is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_REAL;
}

static int
order_reals(double x, double y)
{
	return x < y ? -1 : x > y;
}

/* Exactly: neither type holds all that the other does, and a long double that
 * does is not everywhere. */
static int
order_int_real(int64_t i, double d)
{
	const double limit = 9223372036854775808.0; /* 2^63 */
	int64_t whole;

	if (d >= limit)
		return -1;
	if (d < -limit)
		return 1;
	whole = (int64_t)d;
	if (i != whole)
		return i < whole ? -1 : 1;
	return order_reals(0, d - (double)whole);
}

static bool
compare_numbers(enum compare_op op, const struct value *a,
		const struct value *b)
{
	if ((a->type == VALUE_REAL && isnan(a->d)) ||
	    (b->type == VALUE_REAL && isnan(b->d)))
		return false;
	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return holds(op, a->i < b->i ? -1 : a->i > b->i);
	if (a->type == VALUE_INT)
		return holds(op, order_int_real(a->i, b->d));
	if (b->type == VALUE_INT)
		return holds(op, -order_int_real(b->i, a->d));
	return holds(op, order_reals(a->d, b->d));
}

/* A string on one side, a number or boolean on the other. */
static bool
compare_mixed(enum compare_op op, const struct value *a, const struct value *b)
{
	char room[VALUE_TEXT_MAX], room2[VALUE_TEXT_MAX];
	struct value n;

	if (op == CMP_EQ && view_eq(value_text(a, room), value_text(b, room2)))
		return true;
	if (a->type == VALUE_STRING && is_number(b))
		return value_number(a->s, &n) && compare_numbers(op, &n, b);
	if (b->type == VALUE_STRING && is_number(a))
		return value_number(b->s, &n) && compare_numbers(op, a, &n);
	return false;
}

static bool
compare_addresses(enum compare_op op, struct view a, struct view b, bool *known)
{
	struct cidr x, y;
	int order;

	*known = address_parse(a, &x) && cidr_parse(b, &y);
	if (!*known)
		return false;
	/* An address equals the block that holds it, as in an ip field. */
	if (op == CMP_EQ)
		return cidr_has(&y, &x);
	if (x.family_bytes != y.family_bytes)
		order = x.family_bytes < y.family_bytes ? -1 : 1;
	else
		order = memcmp(x.address, y.address, x.family_bytes);
	return holds(op, order);
}

/* The event's date and the rule's, which is a span of time. Numbers of events
 * are nanoseconds, those of rules milliseconds. */
static bool
compare_dates(enum compare_op op, const struct value *a, const struct value *b,
	      bool *known)
{
	char room[VALUE_TEXT_MAX];
	struct date_range x, y;
	int order;

	if (a->type == VALUE_INT && a->i >= 0)
		x.first_ns = (uint64_t)a->i;
	else if (a->type != VALUE_STRING || !date_range_read(a->s, &x))
		return false;
	*known = date_range_read(value_text(b, room), &y);
	if (!*known)
		return false;
	order = x.first_ns < y.first_ns ? -1 : x.first_ns > y.last_ns;
	return holds(op, order);
}

bool
value_compare(enum compare_op op, const struct value *a, const struct value *b,
	      enum rules_type type)
{
	bool known = false, result = false;

	if (type == RULES_DATE) {
		result = compare_dates(op, a, b, &known);
		if (known)
			return result;
	}
	if (a->type == VALUE_STRING && b->type == VALUE_STRING) {
		if (type == RULES_IP)
			result = compare_addresses(op, a->s, b->s, &known);
		if (known)
			return result;
		if (op == CMP_EQ)
			return view_eq(a->s, b->s);
		return holds(op, view_cmp(a->s, b->s));
	}
	if (is_number(a) && is_number(b))
		return compare_numbers(op, a, b);
	if (a->type == VALUE_BOOL && b->type == VALUE_BOOL)
		return op == CMP_EQ && a->b == b->b;
	return compare_mixed(op, a, b);
}

void
value_encode(struct buf *out, const struct value *v)
{
	struct value whole = *v;
	struct view s = v->type == VALUE_STRING ? v->s : VIEW_NONE;
	int64_t bits;
	char type, *p;

	make_whole(&whole);
	bits = v->type == VALUE_STRING ? (int64_t)s.n : whole.i;
	type = (char)whole.type;
	if (!buf_reserve(out, 1 + sizeof(bits) + s.n))
		return;
	p = out->p + out->n;
	*p++ = type;
	if (v->type == VALUE_BOOL) {
		*p++ = v->b;
	} else {
		memcpy(p, &bits, sizeof(bits));
		p += sizeof(bits);
	}
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	out->n = (size_t)(p - out->p) + s.n;
}

/* ---- sets of literals ------------------------------------------------ */

/* FNV-1a, 64 bit (draft-eastlake-fnv): for our own literals only. */
uint64_t
literal_hash(struct view v)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < v.n; i++)
		h = (h ^ (unsigned char)v.p[i]) * 0x100000001b3ull;
	return h ^ h >> 29;
}

/* Adds 32 to each byte that is A-Z, eight at a time: no sum of seven bits
 * here reaches the next byte. */
static uint64_t
fold_eight(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t low = x & 0x7f * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones;
	uint64_t past_z = low + (0x7f - 'Z') * ones;
	uint64_t upper = (from_a ^ past_z) & ~x & 0x80 * ones;

	return x + (upper >> 2);
}

void
fold_ascii(char *to, struct view from)
{
	size_t i = 0;
	uint64_t x;

	for (; i + 8 <= from.n; i += 8) {
		memcpy(&x, from.p + i, 8);
		x = fold_eight(x);
		memcpy(to + i, &x, 8);
	}
	for (; i < from.n; i++) {
		unsigned char c = (unsigned char)from.p[i];

		to[i] = (char)(c + ((unsigned char)(c - 'A') < 26 ? 32 : 0));
	}
}

static int
set_put(struct value_set *set, struct arena *arena, struct view s)
{
	char *copy = arena_alloc(arena, s.n + 1);
	size_t at;

	if (copy == NULL)
		return -1;
	if (set->fold)
		fold_ascii(copy, s);
	else if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	s.p = copy;
	for (at = literal_hash(s) & set->mask; set->table[at].p != NULL;
	     at = (at + 1) & set->mask)
		if (view_eq(set->table[at], s))
			return 0;
	set->table[at] = s;
	if (s.n < set->shortest)
		set->shortest = s.n;
	if (s.n > set->longest)
		set->longest = s.n;
	return 0;
}

int
value_set_make(struct value_set *set, struct arena *arena,
	       const struct value *v, size_t n, bool fold)
{
	char room[VALUE_TEXT_MAX];
	size_t size = 4;

	while (size < n * 2)
		size *= 2;
	*set = (struct value_set){
		.fold = fold, .mask = size - 1, .n = n, .shortest = SIZE_MAX
	};
	set->table = arena_array(arena, size, sizeof(*set->table));
	set->v = arena_array(arena, n + 1, sizeof(*set->v));
	if (set->table == NULL || set->v == NULL)
		return -1;
	memset(set->table, 0, size * sizeof(*set->table));
	for (size_t i = 0; i < n; i++) {
		set->v[i] = v[i];
		if (v[i].type == VALUE_STRING) {
			set->v[i].s = arena_copy(arena, v[i].s);
			if (v[i].s.n > 0 && set->v[i].s.p == NULL)
				return -1;
		}
		if (set_put(set, arena, value_text(&v[i], room)) < 0)
			return -1;
	}
	return 0;
}

bool
value_set_has(const struct value_set *set, struct view s)
{
	size_t at;

	if (s.n < set->shortest || s.n > set->longest)
		return false;
	for (at = literal_hash(s) & set->mask; set->table[at].p != NULL;
	     at = (at + 1) & set->mask)
		if (view_eq(set->table[at], s))
			return true;
	return false;
}

/* ---- addresses ------------------------------------------------------- */

#include <arpa/inet.h>

bool
address_parse(struct view s, struct cidr *out)
{
	char room[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(room) || view_find(s, '\0') >= 0)
		return false;
	memcpy(room, s.p, s.n);
	room[s.n] = '\0';
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, room, out->address) == 1) {
		out->family_bytes = 4;
		out->bits = 32;
		return true;
	}
	if (inet_pton(AF_INET6, room, out->address) != 1)
		return false;
	out->family_bytes = 16;
	out->bits = 128;
	/* ::ffff:a.b.c.d is that IPv4 address (RFC 4291 section 2.5.5.2), as
	 * Java's InetAddress has it. */
	if (memcmp(out->address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) {
		memmove(out->address, out->address + 12, 4);
		memset(out->address + 4, 0, 12);
		out->family_bytes = 4;
		out->bits = 32;
	}
	return true;
}

bool
cidr_parse(struct view s, struct cidr *out)
{
	ssize_t slash = view_find(s, '/');
	uint64_t bits;

	if (slash < 0)
		return address_parse(s, out);
	if (!address_parse(view_sub(s, 0, (size_t)slash), out) ||
	    !view_to_u64(view_sub(s, (size_t)slash + 1, SIZE_MAX), &bits) ||
	    bits > (uint64_t)out->family_bytes * 8)
		return false;
	out->bits = (uint8_t)bits;
	return true;
}

bool
cidr_has(const struct cidr *block, const struct cidr *a)
{
	size_t whole = block->bits / 8, rest = block->bits % 8;

	if (block->family_bytes != a->family_bytes ||
	    memcmp(block->address, a->address, whole) != 0)
		return false;
	return rest == 0 ||
	       ((block->address[whole] ^ a->address[whole]) >> (8 - rest)) == 0;
}
