/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What new terms remember: the bytes of values, and each tuple for itself. */
#include "rules/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* Digests of these are stored, so they must stay as they are. */
static void
values_are_encoded(void **state)
{
	static const struct {
		struct value v;
		struct view bytes;
	} cases[] = {
		{ { VALUE_STRING, .s = VIEW("ab") },
		  VIEW("\0\2\0\0\0\0\0\0\0ab") },
		{ { VALUE_STRING, .s = VIEW("") }, VIEW("\0\0\0\0\0\0\0\0\0") },
		{ { VALUE_INT, .i = 258 }, VIEW("\1\2\1\0\0\0\0\0\0") },
		{ { VALUE_INT, .i = -2 },
		  VIEW("\1\xfe\xff\xff\xff\xff\xff\xff\xff") },
		{ { VALUE_REAL, .d = 258 }, VIEW("\1\2\1\0\0\0\0\0\0") },
		{ { VALUE_REAL, .d = 1.5 }, VIEW("\2\0\0\0\0\0\0\xf8\x3f") },
		{ { VALUE_REAL, .d = 1e16 },
		  VIEW("\2\0\x80\xe0\x37\x79\xc3\x41\x43") },
		{ { VALUE_BOOL, .b = true }, VIEW("\3\1") },
		{ { VALUE_BOOL, .b = false }, VIEW("\3\0") },
	};
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&out);
		value_encode(&out, &cases[i].v);
		assert_true(view_eq(buf_view(&out), cases[i].bytes));
	}
	buf_free(&out);
}

#define TUPLES 5000 /* more than digests are kept of */
#define RULES 3

struct feed {
	struct value v[2];
	unsigned matches[RULES];
};

static void
fill(struct record *r, unsigned field)
{
	r->slots[field] =
		(struct slot){ .generation = r->generation,
			       .n = 1,
			       .v = &((struct feed *)r->ctx)->v[field] };
}

static void
count_match(void *ctx, const struct rules_match *m)
{
	((struct feed *)ctx)->matches[m->rule_index]++;
}

static void
feed_tuple(struct rules_run *run, struct record *r, unsigned i)
{
	struct feed *f = r->ctx;
	char text[128];
	int n = snprintf(text, sizeof(text), "%0*u", 80 + (int)(i % 30), i);

	f->v[0] = (struct value){ VALUE_STRING, .s = { text, (size_t)n } };
	f->v[1] = (struct value){ VALUE_INT, .i = i % 7 };
	r->generation++;
	r->seq++;
	rules_feed(run, r);
}

static void
load(struct rules *set, const char *const terms[RULES])
{
	char path[] = "/tmp/tocsin-terms-XXXXXX.ndjson";
	int fd = mkstemps(path, 7);
	struct err err = { 0 };

	assert_true(fd >= 0);
	for (unsigned i = 0; i < RULES; i++)
		dprintf(fd,
			"{\"rule_id\":\"r%u\",\"name\":\"r%u\",\"type\":"
			"\"new_terms\",\"language\":\"kuery\",\"query\":"
			"\"file.path:*\",\"severity\":\"low\",\"risk_score\":"
			"1,\"new_terms_fields\":[\"%s\"],"
			"\"history_window_start\":\"now-7d\"}\n",
			i, i, terms[i]);
	close(fd);
	assert_int_equal(rules_load_path(set, path, &err), 0);
	unlink(path);
	assert_int_equal(rules_seal(set, &err), 0);
	err_free(&err);
}

static void
each_tuple_is_new_once(void **state)
{
	static const struct rules_field fields[] = {
		{ "file.path", RULES_KEYWORD, NULL },
		{ "process.pid", RULES_LONG, NULL },
	};
	static const char *const terms[RULES] = { "file.path", "file.path",
						  "process.pid" };
	struct rules_schema schema = { .fields = fields, .n = 2 };
	struct rules *set = rules_new(&schema);
	struct slot slots[2] = { 0 };
	struct feed f = { 0 };
	struct rules_sink sink = { .match = count_match, .ctx = &f };
	struct record r = { .slots = slots,
			    .n_slots = 2,
			    .fill = fill,
			    .time_ns = 1,
			    .ctx = &f };
	struct rules_run *run;

	(void)state;
	load(set, terms);
	run = rules_run_new(set, NULL, &sink);
	for (int turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < TUPLES; i++) {
			feed_tuple(run, &r, i);
			feed_tuple(run, &r, i / 2);
		}
	assert_int_equal(f.matches[0], TUPLES);
	assert_int_equal(f.matches[1], TUPLES);
	assert_int_equal(f.matches[2], 7);
	rules_run_free(run);
	rules_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_encoded),
		cmocka_unit_test(each_tuple_is_new_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
