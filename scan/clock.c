/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and RFC 3339. The calendar is computed here: strftime and timegm
 * know locales and time zones that must never touch an event's time.
 */
#include "scan/base.h"

#include <assert.h>
#include <time.h>

#define SEC_PER_DAY 86400u
#define DAYS_PER_400_YEARS 146097u

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec t = { 0 };
	int rc = clock_gettime(id, &t);

	assert(rc == 0);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

uint64_t
clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t
clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static bool
is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30,
					      31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from the first of January of year 0 (proleptic Gregorian). */
static unsigned
days_before_year(unsigned year)
{
	if (year == 0)
		return 0;
	/* Year 0 is a leap year itself, hence the 1. */
	return year * 365 + (year - 1) / 4 - (year - 1) / 100 +
	       (year - 1) / 400 + 1;
}

/* The last n digits of a number; snprintf would take half a microsecond for
 * what stands in every event. */
static void
put_digits(char *to, unsigned n, unsigned number)
{
	for (unsigned i = n; i-- > 0; number /= 10)
		to[i] = (char)('0' + number % 10);
}

void
buf_rfc3339(struct buf *b, uint64_t wall_ns)
{
	uint64_t sec = wall_ns / NS_PER_SEC;
	unsigned day = (unsigned)(sec / SEC_PER_DAY) + days_before_year(1970);
	unsigned second = (unsigned)(sec % SEC_PER_DAY);
	/* A lower bound, at most one too small for the years in question. */
	unsigned year = (unsigned)((uint64_t)day * 400 / DAYS_PER_400_YEARS);
	unsigned month = 1;
	char text[] = "0000-00-00T00:00:00.000000000Z";

	if (day < days_before_year(year))
		year--;
	else if (day >= days_before_year(year + 1))
		year++;
	day -= days_before_year(year);
	while (day >= days_of_month(year, month))
		day -= days_of_month(year, month++);
	assert(month <= 12);
	put_digits(text, 4, year);
	put_digits(text + 5, 2, month);
	put_digits(text + 8, 2, day + 1);
	put_digits(text + 11, 2, second / 3600);
	put_digits(text + 14, 2, second / 60 % 60);
	put_digits(text + 17, 2, second % 60);
	put_digits(text + 20, 9, (unsigned)(wall_ns % NS_PER_SEC));
	buf_put(b, VIEW(text));
}

/* Takes exactly n digits from the front. */
static bool
take_digits(struct view *v, size_t n, unsigned *out)
{
	uint64_t number;

	if (v->n < n || !view_to_u64(view_sub(*v, 0, n), &number))
		return false;
	*out = (unsigned)number;
	v->p += n;
	v->n -= n;
	return true;
}

static bool
take_byte(struct view *v, char byte)
{
	if (v->n == 0 || v->p[0] != byte)
		return false;
	v->p++;
	v->n--;
	return true;
}

/* YYYY-MM-DD as days since 1970, which may be negative. */
static bool
take_date(struct view *v, int64_t *days)
{
	unsigned year, month, day;

	if (!take_digits(v, 4, &year) || !take_byte(v, '-') ||
	    !take_digits(v, 2, &month) || !take_byte(v, '-') ||
	    !take_digits(v, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
	    day > days_of_month(year, month))
		return false;
	*days = (int64_t)days_before_year(year) - days_before_year(1970);
	for (unsigned m = 1; m < month; m++)
		*days += days_of_month(year, m);
	*days += day - 1;
	return true;
}

struct time_of_day {
	unsigned second, ns;
	bool leap; /* written as second 60 */
};

/* HH:MM:SS[.fraction] */
static bool
take_time(struct view *v, struct time_of_day *t)
{
	unsigned h, m, s, unit = (unsigned)NS_PER_SEC, digit;

	if (!take_digits(v, 2, &h) || !take_byte(v, ':') ||
	    !take_digits(v, 2, &m) || !take_byte(v, ':') ||
	    !take_digits(v, 2, &s) || h > 23 || m > 59 || s > 60)
		return false;
	*t = (struct time_of_day){ h * 3600 + m * 60 + s, 0, s == 60 };
	if (!take_byte(v, '.'))
		return true;
	while (take_digits(v, 1, &digit)) {
		if (unit == 1) /* a tenth digit */
			return false;
		unit /= 10;
		t->ns += digit * unit;
	}
	return unit < NS_PER_SEC;
}

/* Z or ±HH:MM, and nothing behind it, as seconds east of UTC. */
static bool
take_zone(struct view *v, int64_t *east)
{
	unsigned h, m;
	int sign;

	*east = 0;
	if (take_byte(v, 'Z') || take_byte(v, 'z'))
		return v->n == 0;
	if (take_byte(v, '+'))
		sign = 1;
	else if (take_byte(v, '-'))
		sign = -1;
	else
		return false;
	if (!take_digits(v, 2, &h) || !take_byte(v, ':') ||
	    !take_digits(v, 2, &m) || h > 23 || m > 59 || v->n != 0)
		return false;
	*east = sign * (int64_t)(h * 3600 + m * 60);
	return true;
}

bool
rfc3339_read(struct view v, uint64_t *wall_ns)
{
	struct time_of_day t;
	int64_t days, east, sec;
	uint64_t sum;

	if (!take_date(&v, &days) ||
	    (!take_byte(&v, 'T') && !take_byte(&v, 't')) ||
	    !take_time(&v, &t) || !take_zone(&v, &east))
		return false;
	sec = days * (int64_t)SEC_PER_DAY + t.second - east;
	/* A leap second ends a day in UTC (RFC 3339 §5.7); it is counted as
	 * the second that follows it, as Unix time does. */
	if (sec < 0 || (t.leap && sec % SEC_PER_DAY != 0))
		return false;
	if (__builtin_mul_overflow((uint64_t)sec, NS_PER_SEC, &sum) ||
	    __builtin_add_overflow(sum, t.ns, &sum))
		return false;
	*wall_ns = sum;
	return true;
}
