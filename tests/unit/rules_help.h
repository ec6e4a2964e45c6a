/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events written as text, for tests of the engine. One event a line:
 *
 *     ID @SECONDS name=value name=[value,value] …
 *
 * A value is a string in double quotes, a number, true, false, or a word,
 * which is a string too. @SECONDS may be left out (one later than the last).
 */
#ifndef TESTS_RULES_HELP_H
#define TESTS_RULES_HELP_H

#include "rules/rules.h"
#include "rules/set.h"

#include <stdlib.h>

#define HELP_VALUES_MAX 64
#define HELP_PAIRS_MAX 32

struct help_pair {
	struct view name;
	struct value v[HELP_VALUES_MAX];
	uint32_t n;
};

struct help_event {
	long id;
	uint64_t time_ns;
	struct help_pair pairs[HELP_PAIRS_MAX];
	size_t n;
};

struct help {
	struct arena arena;
	struct help_event *events;
	size_t n, cap;
	const struct rules *set;
	struct record record;
	const struct help_event *now;
	long *ids;	 /* of the matches, stage by stage; -1 = missing */
	size_t *rule_of; /* of each id */
	size_t n_ids, cap_ids;
	long pinned; /* pins not yet released */
	uint64_t last_count;
};

static inline bool
help_stop(char c)
{
	return c == ' ' || c == '\0' || c == ',' || c == ']' || c == '\n';
}

static inline const char *
help_value(struct help *h, const char *p, struct value *out)
{
	struct view word;
	size_t n = 0;
	char *end;

	*out = (struct value){ .type = VALUE_STRING };
	if (*p == '"') {
		struct buf b = { 0 };

		for (p++; *p != '"' && *p != '\0'; p++) {
			if (*p == '\\' && p[1] == 'n')
				buf_putc(&b, '\n');
			else
				buf_putc(&b, *p == '\\' ? p[1] : *p);
			p += *p == '\\';
		}
		out->s = arena_copy(&h->arena, buf_view(&b));
		buf_free(&b);
		return p + (*p == '"');
	}
	while (!help_stop(p[n]))
		n++;
	word = (struct view){ p, n };
	if (view_to_i64(word, &out->i)) {
		out->type = VALUE_INT;
	} else if (view_eq(word, VIEW("true")) ||
		   view_eq(word, VIEW("false"))) {
		out->type = VALUE_BOOL;
		out->b = *p == 't';
	} else {
		double d = strtod(p, &end);

		if (end == p + n && n > 0 && p[0] != '.' && p[0] != 'n' &&
		    p[0] != 'i') {
			out->type = VALUE_REAL;
			out->d = d;
		} else {
			out->s = arena_copy(&h->arena, word);
		}
	}
	return p + n;
}

static inline void
help_event(struct help *h, const char *line)
{
	struct help_event *e;
	const char *p = line;
	char *end;

	if (h->n == h->cap) {
		h->cap = h->cap == 0 ? 16 : h->cap * 2;
		h->events = realloc(h->events, h->cap * sizeof(*h->events));
	}
	e = &h->events[h->n];
	memset(e, 0, sizeof(*e));
	e->id = strtol(p, &end, 10);
	e->time_ns = h->n > 0 ? h->events[h->n - 1].time_ns + NS_PER_SEC
			      : NS_PER_SEC;
	for (p = end; *p == ' '; p++)
		;
	if (*p == '@') {
		e->time_ns = (uint64_t)(strtod(p + 1, &end) * 1e9 + 0.5);
		p = end;
	}
	for (;;) {
		struct help_pair *pair = &e->pairs[e->n];
		size_t n = 0;

		while (*p == ' ')
			p++;
		while (p[n] != '=' && p[n] != '\0')
			n++;
		if (p[n] == '\0' || e->n == HELP_PAIRS_MAX)
			break;
		pair->name = arena_copy(&h->arena, (struct view){ p, n });
		p += n + 1;
		if (*p != '[') {
			p = help_value(h, p, &pair->v[pair->n++]);
		} else {
			for (p++; *p != ']' && *p != '\0'; p += *p == ',')
				p = help_value(h, p, &pair->v[pair->n++]);
			p += *p == ']';
		}
		e->n++;
	}
	h->n++;
}

static inline void
help_fill(struct record *r, unsigned field)
{
	struct help *h = r->ctx;

	for (size_t i = 0; i < h->now->n; i++) {
		if (rules_field_find(h->set, h->now->pairs[i].name) !=
		    (int)field)
			continue;
		r->slots[field].n = h->now->pairs[i].n;
		r->slots[field].v = h->now->pairs[i].v;
	}
}

static inline void *
help_pin(struct record *r)
{
	struct help *h = r->ctx;
	struct help_pin {
		struct help *h;
		long id;
	} *pin = malloc(sizeof(*pin));

	pin->h = h;
	pin->id = h->now->id;
	h->pinned++;
	return pin;
}

static inline void
help_unpin(void *pinned)
{
	struct help *h = *(struct help **)pinned;

	h->pinned--;
	free(pinned);
}

static inline void
help_match(void *ctx, const struct rules_match *m)
{
	struct help *h = ctx;

	h->last_count = m->count;
	for (size_t i = 0; i < m->n; i++) {
		if (h->n_ids == h->cap_ids) {
			h->cap_ids = h->cap_ids == 0 ? 64 : h->cap_ids * 2;
			h->ids = realloc(h->ids, h->cap_ids * sizeof(*h->ids));
			h->rule_of = realloc(h->rule_of,
					     h->cap_ids * sizeof(*h->rule_of));
		}
		h->rule_of[h->n_ids] = m->rule_index;
		if (m->hits[i].missing)
			h->ids[h->n_ids++] = -1;
		else if (m->hits[i].pinned != NULL)
			h->ids[h->n_ids++] =
				*(long *)((char *)m->hits[i].pinned +
					  sizeof(void *));
		else
			h->ids[h->n_ids++] = h->now->id;
	}
}

static inline void
help_begin(struct help *h, const struct rules *set)
{
	size_t n = rules_field_count(set);

	h->set = set;
	h->n_ids = 0;
	free(h->record.slots);
	h->record =
		(struct record){ .slots = calloc(n + 1, sizeof(struct slot)),
				 .n_slots = (uint32_t)n,
				 .fill = help_fill,
				 .pin = help_pin,
				 .unpin = help_unpin,
				 .ctx = h };
}

static inline void
help_feed(struct help *h, struct rules_run *run, size_t i)
{
	h->now = &h->events[i];
	h->record.time_ns = h->now->time_ns;
	h->record.seq++;
	h->record.generation++;
	rules_feed(run, &h->record);
}

/* All events through a fresh run, to the end of the input. */
static inline void
help_run(struct help *h, const struct rules *set,
	 const struct rules_options *options)
{
	struct rules_sink sink = { .match = help_match, .ctx = h };
	struct rules_run *run;

	help_begin(h, set);
	run = rules_run_new(set, options, &sink);
	for (size_t i = 0; i < h->n; i++)
		help_feed(h, run, i);
	rules_watermark(run, UINT64_MAX);
	rules_run_free(run);
}

static inline void
help_free(struct help *h)
{
	arena_free(&h->arena);
	free(h->events);
	free(h->record.slots);
	free(h->ids);
	free(h->rule_of);
	memset(h, 0, sizeof(*h));
}

#endif
