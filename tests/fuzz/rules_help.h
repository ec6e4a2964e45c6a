/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A query from the input, over a few events with the values that matter. */
#ifndef TESTS_FUZZ_RULES_HELP_H
#define TESTS_FUZZ_RULES_HELP_H

#include "rules/rules.h"
#include "tests/fuzz/fuzz_help.h"

#define FUZZ_EVENTS 6

static inline void
fuzz_fill(struct record *r, unsigned field)
{
	static const char *const texts[] = { "process",	 "",
					     "bash",	 "/etc/x",
					     "10.0.0.1", "2026-01-31T12:00Z" };
	struct value *v = (struct value *)r->ctx + field * 3;
	size_t kind = (field + r->seq) % 7;

	if (kind == 0)
		return;
	v[0] = (struct value){ .type = VALUE_STRING,
			       .s = view_of(texts[kind % 6]) };
	v[1] = (struct value){ .type = VALUE_INT, .i = (int64_t)r->seq };
	v[2] = (struct value){ .type = kind % 2 ? VALUE_BOOL : VALUE_REAL };
	r->slots[field].v = v;
	r->slots[field].n = (uint32_t)(kind % 4);
	if (field == 0) /* event.category */
		r->slots[field].n = 1;
}

static inline void *
fuzz_pin(struct record *r)
{
	(void)r;
	return malloc(1); /* a pin that is lost is a leak */
}

static inline void
fuzz_match(void *ctx, const struct rules_match *m)
{
	size_t *n = ctx;

	for (size_t i = 0; i < m->n; i++)
		*n += m->hits[i].seq;
}

static inline void
fuzz_run(const struct rules *set)
{
	size_t n = rules_field_count(set), seen = 0;
	struct rules_sink sink = { .match = fuzz_match, .ctx = &seen };
	struct rules_run *run = rules_run_new(set, NULL, &sink);
	struct record r = { .slots = calloc(n + 1, sizeof(struct slot)),
			    .n_slots = (uint32_t)n,
			    .fill = fuzz_fill,
			    .pin = fuzz_pin,
			    .unpin = free,
			    .ctx = calloc(n + 1, 3 * sizeof(struct value)) };

	if (run != NULL && r.slots != NULL && r.ctx != NULL) {
		for (r.seq = 1; r.seq <= FUZZ_EVENTS; r.seq++) {
			r.time_ns += r.seq * NS_PER_SEC;
			r.generation++;
			rules_feed(run, &r);
		}
		rules_watermark(run, UINT64_MAX);
	}
	rules_run_free(run);
	free(r.slots);
	free(r.ctx);
}

static inline int
fuzz_query(const uint8_t *data, size_t n, bool kuery)
{
	static const struct rules_field fields[] = {
		{ "event.category", RULES_KEYWORD, NULL },
		{ "s", RULES_KEYWORD, NULL },
		{ "t", RULES_KEYWORD, NULL },
		{ "n", RULES_LONG, NULL },
		{ "d", RULES_DOUBLE, NULL },
		{ "b", RULES_BOOL, NULL },
		{ "ip", RULES_IP, NULL },
		{ "when", RULES_DATE, NULL },
		{ "dns.name", RULES_KEYWORD, "no sensor sees it" },
		{ "message", RULES_TEXT, NULL },
		{ "process.entity_id", RULES_KEYWORD, NULL },
		{ "process.parent.entity_id", RULES_KEYWORD, NULL },
	};
	struct rules_schema schema = { .fields = fields,
				       .n = ARRAY_LEN(fields),
				       .open = n > 0 && data[0] & 1 };
	struct view query = { (const char *)data, n };
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };
	struct buf dump = { 0 };

	if (set == NULL)
		return 0;
	if (n > 0) /* the first byte chooses the schema */
		query = view_sub(query, 1, n);
	if (rules_add_query(set, "fuzz", query, kuery, &err) == 0 &&
	    rules_seal(set, &err) == 0) {
		rules_dump(set, 0, &dump);
		fuzz_run(set);
	}
	for (size_t i = 0; i < err.n; i++)
		err_format(&err.v[i], &dump);
	buf_free(&dump);
	err_free(&err);
	rules_free(set);
	return 0;
}

#endif
