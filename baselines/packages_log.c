/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When packages were changed, by dpkg.log (dpkg(1), "--log"): lines of
 *
 *   2026-01-02 03:04:05 install|upgrade|configure|… PACKAGE OLD NEW
 *   2026-01-02 03:04:05 status STATE PACKAGE VERSION
 *
 * in local time. An operation goes from its line to the state that it ends in;
 * scripts run in between. States that follow by themselves, such as waiting
 * for triggers, belong to none.
 */
#include <stdlib.h>
#include <time.h>

#include "baselines/packages_inside.h"

#define OPERATIONS_MAX (1u << 20)
/* A package manager that was killed leaves an operation without end. */
#define OPERATION_MAX_NS (3600 * NS_PER_SEC)
/* Change times are by a clock that ticks (time(7)). */
#define TICK_NS (20 * NS_PER_MS)

struct log_reader {
	struct packages *p;
	uint32_t *last; /* of each package: its open operation + 1, or 0 */
	size_t n_last;
	uint8_t *stage;	    /* of each package */
	struct view minute; /* of `minute_s`: mktime() is slow */
	int64_t minute_s;
};

enum stage { STAGE_UNPACK, STAGE_UNPACKING, STAGE_REMOVE, STAGE_OTHER };

static bool
two_digits(const char *p, int *out)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*out = 10 * (p[0] - '0') + p[1] - '0';
	return true;
}

/* "YYYY-MM-DD HH:MM:SS" */
static bool
read_time(struct log_reader *r, struct view line, uint64_t *ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int century, second;

	if (line.n < 20 || !two_digits(line.p + 17, &second))
		return false;
	if (!view_eq(view_sub(line, 0, 17), r->minute)) {
		if (!two_digits(line.p, &century) ||
		    !two_digits(line.p + 2, &tm.tm_year) ||
		    !two_digits(line.p + 5, &tm.tm_mon) ||
		    !two_digits(line.p + 8, &tm.tm_mday) ||
		    !two_digits(line.p + 11, &tm.tm_hour) ||
		    !two_digits(line.p + 14, &tm.tm_min))
			return false;
		tm.tm_year += 100 * century - 1900;
		tm.tm_mon--;
		r->minute_s = mktime(&tm);
		r->minute = view_sub(line, 0, 17);
	}
	*ns = (uint64_t)(r->minute_s + second) * NS_PER_SEC;
	return r->minute_s > 0;
}

static bool
make_room(struct log_reader *r, uint32_t package)
{
	struct packages *p = r->p;
	size_t n = p->cap;

	if (package >= r->n_last) {
		uint32_t *last = reallocarray(r->last, n, sizeof(*last));
		uint8_t *stage = realloc(r->stage, n);

		r->last = last != NULL ? last : r->last;
		r->stage = stage != NULL ? stage : r->stage;
		if (last == NULL || stage == NULL)
			return false;
		memset(last + r->n_last, 0, (n - r->n_last) * sizeof(*last));
		r->n_last = n;
	}
	if (p->n_operations == p->operations_cap) {
		size_t cap =
			p->operations_cap > 0 ? 2 * p->operations_cap : 1024;
		struct operation *v =
			cap > OPERATIONS_MAX
				? NULL
				: reallocarray(p->operations, cap, sizeof(*v));

		if (v == NULL)
			return false;
		p->operations = v;
		p->operations_cap = cap;
	}
	return true;
}

static void
begin(struct log_reader *r, uint32_t package, enum stage stage, uint64_t ns)
{
	struct packages *p = r->p;

	if (!make_room(r, package)) {
		p->failed = true;
		return;
	}
	p->operations[p->n_operations++] = (struct operation){
		.from_ns = ns, .to_ns = ns, .package = package
	};
	r->last[package] = (uint32_t)p->n_operations;
	r->stage[package] = (uint8_t)stage;
}

/* Is that where the operation ends? */
static bool
is_last(struct log_reader *r, uint32_t package, struct view state)
{
	if (view_eq(state, VIEW("installed")) ||
	    view_eq(state, VIEW("not-installed")) ||
	    view_starts(state, VIEW("triggers-")))
		return true;
	switch (r->stage[package]) {
	case STAGE_UNPACK:
		if (view_eq(state, VIEW("half-installed")))
			r->stage[package] = STAGE_UNPACKING;
		return false;
	case STAGE_UNPACKING:
		return view_eq(state, VIEW("unpacked"));
	case STAGE_REMOVE:
		return view_eq(state, VIEW("config-files"));
	default:
		return false;
	}
}

static void
reach(struct log_reader *r, uint32_t package, struct view state, uint64_t ns)
{
	struct operation *o;

	if (package >= r->n_last || r->last[package] == 0)
		return;
	o = &r->p->operations[r->last[package] - 1];
	if (ns < o->from_ns || ns - o->from_ns > OPERATION_MAX_NS) {
		r->last[package] = 0;
		return;
	}
	o->to_ns = ns;
	if (is_last(r, package, state))
		r->last[package] = 0;
}

static uint32_t
package_of(struct log_reader *r, struct view word)
{
	ssize_t colon = view_find(word, ':');

	if (colon > 0)
		word = view_sub(word, 0, (size_t)colon);
	return word.n > 0 ? packages_named(r->p, word, true) : NO_PACKAGE;
}

static void
read_line(struct log_reader *r, struct view line)
{
	static const struct {
		const char *word;
		enum stage stage;
	} actions[] = {
		{ "install", STAGE_UNPACK },  { "upgrade", STAGE_UNPACK },
		{ "configure", STAGE_OTHER }, { "trigproc", STAGE_OTHER },
		{ "remove", STAGE_REMOVE },   { "purge", STAGE_OTHER },
		{ "disappear", STAGE_OTHER },
	};
	struct view rest = view_sub(line, 20, SIZE_MAX), word, name;
	uint32_t package;
	uint64_t ns;

	if (!read_time(r, line, &ns) || !view_next_split(&rest, ' ', &word) ||
	    !view_next_split(&rest, ' ', &name))
		return;
	if (view_eq(word, VIEW("status"))) {
		struct view state = name;

		if (view_next_split(&rest, ' ', &name) &&
		    (package = package_of(r, name)) != NO_PACKAGE)
			reach(r, package, state, ns);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (view_eq(word, view_of(actions[i].word)) &&
		    (package = package_of(r, name)) != NO_PACKAGE)
			begin(r, package, actions[i].stage, ns);
}

void
dpkg_read_log(struct packages *p)
{
	static const char *const files[] = { "var/log/dpkg.log.1",
					     "var/log/dpkg.log" };
	struct log_reader r = { .p = p };
	struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		struct view rest, line;

		r.minute = VIEW_NONE;
		packages_read(p, files[i], &text);
		rest = buf_view(&text);
		while (view_next_split(&rest, '\n', &line))
			read_line(&r, line);
	}
	buf_free(&text);
	free(r.last);
	free(r.stage);
}

/* The log's seconds are whole ones. */
static bool
includes(const struct operation *o, uint64_t ns)
{
	return ns + TICK_NS >= o->from_ns && ns < o->to_ns + NS_PER_SEC;
}

bool
packages_changed_at(const struct packages *p, uint32_t package, uint64_t ns)
{
	for (size_t i = 0; i < p->n_operations; i++)
		if ((package == NO_PACKAGE ||
		     p->operations[i].package == package) &&
		    includes(&p->operations[i], ns))
			return true;
	return false;
}

bool
packages_before_log(const struct packages *p, uint64_t ns)
{
	return p->n_operations == 0 || ns + TICK_NS < p->operations[0].from_ns;
}

uint32_t
packages_next_at(const struct packages *p, uint64_t ns, size_t *at)
{
	while (*at < p->n_operations) {
		const struct operation *o = &p->operations[(*at)++];

		if (includes(o, ns))
			return o->package;
	}
	return NO_PACKAGE;
}
