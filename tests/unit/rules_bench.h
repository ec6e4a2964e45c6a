/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of rules, a run of it and what came of the events fed to it. */
#ifndef TESTS_UNIT_RULES_BENCH_H
#define TESTS_UNIT_RULES_BENCH_H

#include "tests/unit/rules_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct rules_field fields[] = {
	{ "event.category", RULES_KEYWORD, NULL },
	{ "process.name", RULES_KEYWORD, NULL },
	{ "process.args", RULES_KEYWORD, NULL },
	{ "process.pid", RULES_LONG, NULL },
	{ "file.path", RULES_KEYWORD, NULL },
	{ "user.id", RULES_KEYWORD, NULL },
	{ "dns.name", RULES_KEYWORD, "no sensor sees it" },
};
static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields) };

struct bench {
	struct help help;
	struct rules *set;
	struct err err;
	struct rules_run *run;
	struct rules_sink sink;
	size_t stored; /* calls of sink.term */
	uint8_t key[16];
	uint64_t stored_ns;
};

static void
on_term(void *ctx, const struct rule *r, const uint8_t key[16],
	uint64_t last_seen_ns)
{
	struct bench *b = (struct bench *)ctx;

	assert_non_null(r);
	memcpy(b->key, key, 16);
	b->stored_ns = last_seen_ns;
	b->stored++;
}

static void
begin(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->set = rules_new(&schema);
	b->sink = (struct rules_sink){ .match = help_match,
				       .ctx = b,
				       .term = on_term };
}

/* The help struct is the first member, so one ctx serves both. */
static void
seal(struct bench *b, const struct rules_options *o)
{
	assert_int_equal(rules_seal(b->set, &b->err), 0);
	help_begin(&b->help, b->set);
	b->run = rules_run_new(b->set, o, &b->sink);
	assert_non_null(b->run);
}

static inline size_t
feed(struct bench *b, const char *event)
{
	size_t before = b->help.n_ids;

	help_event(&b->help, event);
	help_feed(&b->help, b->run, b->help.n - 1);
	return b->help.n_ids - before;
}

static void
end(struct bench *b)
{
	rules_run_free(b->run);
	assert_int_equal(b->help.pinned, 0);
	rules_free(b->set);
	err_free(&b->err);
	help_free(&b->help);
}

static inline void
add_eql(struct bench *b, const char *id, const char *query)
{
	assert_int_equal(
		rules_add_query(b->set, id, view_of(query), false, &b->err), 0);
}

#endif
