/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dates as rules write them for fields of type date: what is left out stands
 * for all that it could be, so that "2026-01-31" is that day. A number is
 * milliseconds since 1970; date math may stand behind ||. The forms are those
 * of strict_date_optional_time||epoch_millis, rounded as range queries do.
 * elastic.co/docs/reference/elasticsearch/rest-apis/common-options
 * elastic.co/docs/reference/query-languages/query-dsl/query-dsl-range-query
 */
#include "rules/engine.h"

#define MS_NS 1000000ull
#define SECOND_NS 1000000000ull
#define DAY_NS (86400 * SECOND_NS)

/* A month or day that is not given is the first one, at the end as well. */
static const char first_ns[] = "1970-01-01T00:00:00.000000000";
static const char last_ns[] = "1970-01-01T23:59:59.999999999";
#define MOMENT_N (sizeof(first_ns) - 1)
#define ZONE_MAX 6 /* +hh:mm */

static bool
complete(struct view given, struct view zone, const char *rest, uint64_t *ns)
{
	char text[MOMENT_N + ZONE_MAX];

	memcpy(text, rest, MOMENT_N);
	memcpy(text, given.p, given.n);
	memcpy(text + MOMENT_N, zone.p, zone.n);
	return rfc3339_read((struct view){ text, MOMENT_N + zone.n }, ns);
}

/* YYYY[-MM[-DD[T[hh[:mm[:ss[.fraction]]][Z]]]]] */
static bool
read_moment(struct view s, struct date_range *out)
{
	static const uint8_t whole[] = { 4, 7, 10, 11, 13, 16, 19 };
	struct view zone = VIEW("Z");
	size_t i = 13;

	while (i < s.n && strchr("Zz+-", s.p[i]) == NULL)
		i++;
	if (i < s.n) {
		zone = view_sub(s, i, SIZE_MAX);
		s.n = i;
	}
	if (zone.n > ZONE_MAX)
		return false;
	if (s.n > 20 && s.n <= MOMENT_N) {
		if (!complete(s, zone, first_ns, &out->first_ns))
			return false;
		out->last_ns = out->first_ns + (s.n <= 23 ? MS_NS - 1 : 0);
		return true;
	}
	for (i = 0; i < sizeof(whole); i++)
		if (s.n == whole[i])
			return complete(s, zone, first_ns, &out->first_ns) &&
			       complete(s, zone, last_ns, &out->last_ns);
	return false;
}

static bool
read_millis(struct view s, struct date_range *out)
{
	uint64_t ms;

	if (s.n == 4 || !view_to_u64(s, &ms) ||
	    __builtin_mul_overflow(ms, MS_NS, &out->first_ns) ||
	    __builtin_add_overflow(out->first_ns, MS_NS - 1, &out->last_ns))
		return false;
	return true;
}

/* ---- date math ------------------------------------------------------- */

static uint64_t
unit_ns(char unit)
{
	switch (unit) {
	case 'w':
		return 7 * DAY_NS;
	case 'd':
		return DAY_NS;
	case 'h':
	case 'H':
		return 3600 * SECOND_NS;
	case 'm':
		return 60 * SECOND_NS;
	case 's':
		return SECOND_NS;
	default:
		return 0;
	}
}

static void
put_number(char *to, size_t n, unsigned number)
{
	for (; n-- > 0; number /= 10)
		to[n] = (char)('0' + number % 10);
}

static unsigned
number_at(const char *p, size_t n)
{
	unsigned number = 0;

	while (n-- > 0)
		number = number * 10 + (unsigned)(*p++ - '0');
	return number;
}

/* Day 31 becomes the last one of a shorter month. */
static bool
add_months(uint64_t *ns, int64_t months)
{
	struct buf b = { 0 };
	int64_t month;
	bool done = false;

	buf_rfc3339(&b, *ns);
	if (!b.failed && months > -100000 && months < 100000) {
		month = (int64_t)number_at(b.p, 4) * 12 +
			number_at(b.p + 5, 2) - 1 + months;
		if (month >= 1970 * 12 && month < 10000 * 12) {
			put_number(b.p, 4, (unsigned)month / 12);
			put_number(b.p + 5, 2, (unsigned)month % 12 + 1);
			for (unsigned day = number_at(b.p + 8, 2);
			     !done && day > 0; day--) {
				put_number(b.p + 8, 2, day);
				done = rfc3339_read(buf_view(&b), ns);
			}
		}
	}
	buf_free(&b);
	return done;
}

static bool
add_units(uint64_t *ns, int64_t n, char unit)
{
	int64_t by, sum;

	if (unit == 'M' || unit == 'y')
		return n > -100000 && n < 100000 &&
		       add_months(ns, unit == 'y' ? n * 12 : n);
	if (__builtin_mul_overflow(n, (int64_t)unit_ns(unit), &by) ||
	    __builtin_add_overflow((int64_t)*ns, by, &sum) || sum < 0)
		return false;
	*ns = (uint64_t)sum;
	return true;
}

/* Where the unit that holds the moment begins; weeks begin on Monday. */
static bool
floor_unit(uint64_t *ns, char unit)
{
	const uint64_t monday = 4 * DAY_NS; /* 1970-01-05 */
	uint64_t length = unit_ns(unit), shift = unit == 'w' ? monday : 0;
	struct buf b = { 0 };
	bool done;

	if (length > 0) {
		if (*ns < shift)
			return false;
		*ns -= (*ns - shift) % length;
		return true;
	}
	buf_rfc3339(&b, *ns);
	done = !b.failed &&
	       complete(view_sub(buf_view(&b), 0, unit == 'y' ? 4 : 7),
			VIEW("Z"), first_ns, ns);
	buf_free(&b);
	return done;
}

/* One of /d, +1h, -M; the rest is left. */
static bool
apply_math(struct view *math, struct date_range *r)
{
	char op = math->p[0], unit;
	size_t i = 1;
	uint64_t n = 1;

	while (i < math->n && math->p[i] >= '0' && math->p[i] <= '9')
		i++;
	if (i >= math->n || strchr("yMwdhHms", math->p[i]) == NULL ||
	    (i > 1 && !view_to_u64(view_sub(*math, 1, i - 1), &n)) ||
	    n > INT64_MAX)
		return false;
	unit = math->p[i];
	*math = view_sub(*math, i + 1, SIZE_MAX);
	if (op == '/' && i == 1) {
		if (!floor_unit(&r->first_ns, unit) ||
		    !floor_unit(&r->last_ns, unit) ||
		    !add_units(&r->last_ns, 1, unit))
			return false;
		r->last_ns--;
		return true;
	}
	if (op != '+' && op != '-')
		return false;
	return add_units(&r->first_ns, op == '+' ? (int64_t)n : -(int64_t)n,
			 unit) &&
	       add_units(&r->last_ns, op == '+' ? (int64_t)n : -(int64_t)n,
			 unit);
}

bool
date_range_read(struct view s, struct date_range *out)
{
	ssize_t bars = view_search(s, VIEW("||"), 0);
	struct view math = VIEW_NONE;

	if (bars >= 0) {
		math = view_sub(s, (size_t)bars + 2, SIZE_MAX);
		s = view_sub(s, 0, (size_t)bars);
	}
	if (!read_millis(s, out) && !read_moment(s, out))
		return false;
	if (bars >= 0) /* calculated with, a date is where it begins */
		out->last_ns = out->first_ns + MS_NS - 1;
	while (math.n > 0)
		if (!apply_math(&math, out))
			return false;
	return true;
}
