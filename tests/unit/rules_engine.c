/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text cases cannot say: state over time and its limits. */
#include "tests/unit/rules_bench.h"

/* ---- new terms ------------------------------------------------------- */

static void
add_terms(struct bench *b, const struct view *names, size_t n,
	  uint64_t window_ns)
{
	struct rule_source s = {
		.rule = { .kind = RULE_NEW_TERMS,
			  .kuery = true,
			  .id = VIEW("terms"),
			  .query = VIEW("event.category: process") },
		.new_terms_fields = { names, n },
		.history_window_ns = window_ns,
	};

	assert_true(rules_add_source(b->set, &s, &b->err) >= 0);
}

static void
terms_are_new_once(void **state)
{
	struct view names[] = { VIEW("process.name"), VIEW("user.id") };
	struct bench b;

	(void)state;
	begin(&b);
	add_terms(&b, names, 2, 100 * NS_PER_SEC);
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 @10 event.category=process "
				  "process.name=sh user.id=\"0\""),
			 1);
	assert_int_equal(b.stored, 1);
	assert_int_equal(feed(&b, "2 @11 event.category=process "
				  "process.name=sh user.id=\"0\""),
			 0);
	/* other value, other order, missing field, failed query */
	assert_int_equal(feed(&b, "3 @12 event.category=process "
				  "process.name=sh user.id=\"1\""),
			 1);
	assert_int_equal(feed(&b, "4 @13 event.category=process "
				  "process.name=\"0\" user.id=sh"),
			 1);
	assert_int_equal(feed(&b, "5 @14 event.category=process "
				  "process.name=sh"),
			 0);
	assert_int_equal(feed(&b, "6 @15 event.category=file "
				  "process.name=x user.id=y"),
			 0);
	/* seen at 11, window 100 s: 111 is inside, and refreshes */
	assert_int_equal(feed(&b, "7 @111 event.category=process "
				  "process.name=sh user.id=\"0\""),
			 0);
	assert_int_equal(feed(&b, "8 @211 event.category=process "
				  "process.name=sh user.id=\"0\""),
			 0);
	assert_int_equal(feed(&b, "9 @311.5 event.category=process "
				  "process.name=sh user.id=\"0\""),
			 1);
	assert_int_equal(rules_run_counters(b.run).terms, 3);
	end(&b);
}

static void
terms_expand_arrays(void **state)
{
	struct view names[] = { VIEW("process.args"), VIEW("process.name") };
	struct bench b;

	(void)state;
	begin(&b);
	add_terms(&b, names, 2, 0);
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 event.category=process process.name=sh "
				  "process.args=[a,b,a]"),
			 1); /* one act, one alert */
	assert_int_equal(feed(&b, "2 event.category=process process.name=sh "
				  "process.args=[b,c]"),
			 1);
	end(&b);
}

static void
terms_are_learnt_and_remembered(void **state)
{
	struct view names[] = { VIEW("process.name") };
	struct rules_options o = { .learn_until_ns = 20 * NS_PER_SEC };
	struct bench b, c;

	(void)state;
	begin(&b);
	add_terms(&b, names, 1, 1000 * NS_PER_SEC);
	seal(&b, &o);
	assert_int_equal(feed(&b, "1 @10 event.category=process "
				  "process.name=sh"),
			 0);
	assert_int_equal(b.stored, 1);
	/* stored again only when a hundredth of the window has passed */
	feed(&b, "2 @15 event.category=process process.name=sh");
	assert_int_equal(b.stored, 1);
	feed(&b, "3 @25 event.category=process process.name=sh");
	assert_int_equal(b.stored, 2);
	assert_int_equal(feed(&b, "4 @26 event.category=process "
				  "process.name=ls"),
			 1);

	begin(&c);
	add_terms(&c, names, 1, 1000 * NS_PER_SEC);
	seal(&c, NULL);
	rules_run_remember(c.run, VIEW("terms"), b.key, b.stored_ns);
	rules_run_remember(c.run, VIEW("nobody"), b.key, b.stored_ns);
	assert_int_equal(feed(&c, "1 @30 event.category=process "
				  "process.name=ls"),
			 0);
	assert_int_equal(feed(&c, "2 @31 event.category=process "
				  "process.name=sh"),
			 1);
	end(&b);
	end(&c);
}

/* The key is written to disk: it must never change. */
static void
term_keys_are_stable(void **state)
{
	static const uint8_t want[16] = { 0x34, 0x05, 0x85, 0xde, 0xcb, 0x75,
					  0xe2, 0x9c, 0xb0, 0x42, 0x34, 0x4e,
					  0xef, 0xb5, 0x04, 0x16 };
	struct view names[] = { VIEW("process.name") };
	struct bench b;
	char event[80];

	(void)state;
	begin(&b);
	add_terms(&b, names, 1, 10 * NS_PER_SEC);
	seal(&b, NULL);
	feed(&b, "1 @10 event.category=process process.name=sh");
	assert_memory_equal(b.key, want, 16);
	/* Whatever came in between. */
	for (unsigned i = 2; i < 1000; i++) {
		snprintf(event, sizeof(event),
			 "%u @11 event.category=process process.name=n%u", i,
			 i % 400);
		feed(&b, event);
		if (i % 97 != 0)
			continue;
		memset(b.key, 0, sizeof(b.key));
		snprintf(event, sizeof(event),
			 "%u @%u event.category=process process.name=sh",
			 i + 2000, i);
		feed(&b, event);
		assert_memory_equal(b.key, want, 16);
	}
	end(&b);
}

static void
terms_are_capped(void **state)
{
	struct view names[] = { VIEW("process.name") };
	struct rules_options o = { .max_terms = 2 };
	struct bench b;

	(void)state;
	begin(&b);
	add_terms(&b, names, 1, 0);
	seal(&b, &o);
	assert_int_equal(feed(&b, "1 event.category=process process.name=a"),
			 1);
	assert_int_equal(feed(&b, "2 event.category=process process.name=b"),
			 1);
	assert_int_equal(feed(&b, "3 event.category=process process.name=a"),
			 0);
	assert_int_equal(feed(&b, "4 event.category=process process.name=c"),
			 1);
	/* b was used least recently */
	assert_int_equal(feed(&b, "5 event.category=process process.name=a"),
			 0);
	assert_int_equal(feed(&b, "6 event.category=process process.name=b"),
			 1);
	assert_int_equal(rules_run_counters(b.run).terms, 2);
	assert_int_equal(rules_run_counters(b.run).terms_evicted, 2);
	end(&b);
}

/* ---- threshold ------------------------------------------------------- */

static void
add_threshold(struct bench *b, struct rule_threshold t)
{
	struct rule_source s = {
		.rule = { .kind = RULE_THRESHOLD,
			  .kuery = true,
			  .id = VIEW("threshold"),
			  .query = VIEW("event.category: process") },
		.threshold = t,
		.lookback_ns = 10 * NS_PER_SEC,
	};

	assert_true(rules_add_source(b->set, &s, &b->err) >= 0);
}

static void
threshold_counts_in_window(void **state)
{
	struct view names[] = { VIEW("user.id") };
	struct bench b;

	(void)state;
	begin(&b);
	add_threshold(&b, (struct rule_threshold){ .fields = { names, 1 },
						   .value = 3 });
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 @1 event.category=process user.id=a"), 0);
	assert_int_equal(feed(&b, "2 @2 event.category=process user.id=a"), 0);
	assert_int_equal(feed(&b, "3 @3 event.category=process user.id=b"), 0);
	assert_int_equal(feed(&b, "4 @4 event.category=process"), 0);
	/* the first has left the window */
	assert_int_equal(feed(&b, "5 @11.5 event.category=process user.id=a"),
			 0);
	assert_int_equal(feed(&b, "6 @12 event.category=process user.id=a"), 1);
	assert_int_equal(b.help.last_count, 3);
	/* once per group and window */
	assert_int_equal(feed(&b, "7 @13 event.category=process user.id=a"), 0);
	assert_int_equal(feed(&b, "8 @21.9 event.category=process user.id=a"),
			 0);
	assert_int_equal(feed(&b, "9 @22 event.category=process user.id=a"), 1);
	end(&b);
}

static void
threshold_counts_different_values(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	add_threshold(&b, (struct rule_threshold){ .value = 1,
						   .cardinality_field =
							   VIEW("process.name"),
						   .cardinality_value = 3 });
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 @1 event.category=process "
				  "process.name=a"),
			 0);
	assert_int_equal(feed(&b, "2 @2 event.category=process "
				  "process.name=b"),
			 0);
	assert_int_equal(feed(&b, "3 @3 event.category=process "
				  "process.name=b"),
			 0);
	/* a is too old by now */
	assert_int_equal(feed(&b, "4 @11.5 event.category=process "
				  "process.name=c"),
			 0);
	assert_int_equal(feed(&b, "5 @12 event.category=process "
				  "process.name=[a,b]"),
			 1);
	end(&b);
}

/* ---- limits of sequences --------------------------------------------- */

static void
sequences_are_capped(void **state)
{
	struct rules_options o = { .max_sequences = 2 };
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "s",
		"sequence by user.id [process where process.name == \"a\"]"
		" [process where process.name == \"b\"]");
	seal(&b, &o);
	feed(&b, "1 event.category=process process.name=a user.id=x");
	feed(&b, "2 event.category=process process.name=a user.id=y");
	feed(&b, "3 event.category=process process.name=a user.id=x");
	feed(&b, "4 event.category=process process.name=a user.id=z");
	assert_int_equal(rules_run_counters(b.run).sequences_pending, 2);
	assert_int_equal(rules_run_counters(b.run).sequences_evicted, 1);
	assert_int_equal(b.help.pinned, 2);
	assert_int_equal(feed(&b, "5 event.category=process process.name=b "
				  "user.id=y"),
			 0);
	assert_int_equal(feed(&b, "6 event.category=process process.name=b "
				  "user.id=x"),
			 2);
	assert_int_equal(b.help.ids[0], 3);
	assert_int_equal(b.help.pinned, 1);
	end(&b);
}

static void
sequences_expire(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "s",
		"sequence by user.id with maxspan=5s [process where "
		"process.name == \"a\"] [process where process.name == "
		"\"b\"]");
	seal(&b, NULL);
	feed(&b, "1 @1 event.category=process process.name=a user.id=x");
	feed(&b, "2 @2 event.category=process process.name=a user.id=y");
	assert_int_equal(b.help.pinned, 2);
	rules_watermark(b.run, 6 * NS_PER_SEC);
	assert_int_equal(b.help.pinned, 2);
	rules_watermark(b.run, 6 * NS_PER_SEC + NS_PER_SEC / 2);
	assert_int_equal(b.help.pinned, 1);
	rules_watermark(b.run, 8 * NS_PER_SEC);
	assert_int_equal(b.help.pinned, 0);
	assert_int_equal(rules_run_counters(b.run).sequences_pending, 0);
	end(&b);
}

/* A missing event at the end fires when its time has passed, not before. */
static void
absence_fires_on_the_watermark(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "s",
		"sequence with maxspan=5s [process where process.name == "
		"\"a\"] ![process where process.name == \"b\"]");
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 @1 event.category=process "
				  "process.name=a"),
			 0);
	rules_watermark(b.run, 6 * NS_PER_SEC);
	assert_int_equal(b.help.n_ids, 0);
	rules_watermark(b.run, 6 * NS_PER_SEC + 1);
	assert_int_equal(b.help.n_ids, 2);
	assert_int_equal(b.help.ids[0], 1);
	assert_int_equal(b.help.ids[1], -1);
	/* an event that comes in time, and one that comes late */
	feed(&b, "2 @10 event.category=process process.name=a");
	feed(&b, "3 @15 event.category=process process.name=b");
	feed(&b, "4 @20 event.category=process process.name=a");
	assert_int_equal(feed(&b, "5 @25.5 event.category=process "
				  "process.name=b"),
			 2);
	assert_int_equal(b.help.n_ids, 4);
	assert_int_equal(b.help.ids[2], 4);
	end(&b);
}

static void
state_is_released_at_the_end(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "s",
		"sequence by user.id with maxspan=1h [process where true] "
		"[process where true] with runs=3 ![file where true]");
	add_eql(&b, "t", "process where true | tail 3");
	add_eql(&b, "u",
		"sample by user.id [process where true] [file where true]");
	seal(&b, NULL);
	for (int i = 0; i < 6; i++)
		feed(&b, "1 event.category=process user.id=[x,y,z]");
	assert_true(b.help.pinned > 3);
	end(&b); /* asserts that nothing is pinned */
}

/* What is too much for both of PCRE2's matchers is given up and counted. */
static void
regex_gives_up(void **state)
{
	struct bench b;
	struct buf e = { 0 };

	(void)state;
	begin(&b);
	add_eql(&b, "r", "process where process.name regex \"(.*a){900}c\"");
	add_eql(&b, "s", "process where process.name regex \"(.*a){20}c\"");
	seal(&b, NULL);
	buf_puts(&e, "1 event.category=process process.name=");
	for (int i = 0; i < 2000; i++)
		buf_putc(&e, 'a');
	buf_puts(&e, "c");
	buf_putc(&e, '\0');
	assert_int_equal(feed(&b, e.p), 1);
	assert_int_equal(rules_run_counters(b.run).regex_limits, 1);
	buf_free(&e);
	end(&b);
}

static void
regex_takes_long_values(void **state)
{
	struct buf e = { 0 };
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "r", "process where process.name regex \"((a|b)(c|d))*e\"");
	seal(&b, NULL);
	buf_puts(&e, "1 event.category=process process.name=");
	for (int i = 0; i < 4000; i++)
		buf_puts(&e, i % 2 ? "ac" : "bd");
	buf_puts(&e, "e");
	buf_putc(&e, '\0');
	assert_int_equal(feed(&b, e.p), 1);
	assert_int_equal(rules_run_counters(b.run).regex_limits, 0);
	buf_free(&e);
	end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_are_new_once),
		cmocka_unit_test(terms_expand_arrays),
		cmocka_unit_test(terms_are_learnt_and_remembered),
		cmocka_unit_test(term_keys_are_stable),
		cmocka_unit_test(terms_are_capped),
		cmocka_unit_test(threshold_counts_in_window),
		cmocka_unit_test(threshold_counts_different_values),
		cmocka_unit_test(sequences_are_capped),
		cmocka_unit_test(sequences_expire),
		cmocka_unit_test(absence_fires_on_the_watermark),
		cmocka_unit_test(state_is_released_at_the_end),
		cmocka_unit_test(regex_gives_up),
		cmocka_unit_test(regex_takes_long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
