/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text cases cannot say: state over time, limits, the set itself. */
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

static size_t
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

static void
add_eql(struct bench *b, const char *id, const char *query)
{
	assert_int_equal(
		rules_add_query(b->set, id, view_of(query), false, &b->err), 0);
}

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

	(void)state;
	begin(&b);
	add_terms(&b, names, 1, 0);
	seal(&b, NULL);
	feed(&b, "1 event.category=process process.name=sh");
	assert_memory_equal(b.key, want, 16);
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

/* A pattern that PCRE2 would chew on for ages is given up and counted. */
static void
regex_gives_up(void **state)
{
	struct bench b;
	struct buf e = { 0 };

	(void)state;
	begin(&b);
	add_eql(&b, "r",
		"process where process.name regex \"(a|aa|a*)*(c|d)\"");
	seal(&b, NULL);
	buf_puts(&e, "1 event.category=process process.name=");
	for (int i = 0; i < 2000; i++)
		buf_putc(&e, 'a');
	buf_puts(&e, "b");
	buf_putc(&e, '\0');
	assert_int_equal(feed(&b, e.p), 0);
	assert_int_equal(rules_run_counters(b.run).regex_limits, 1);
	assert_int_equal(feed(&b, "2 event.category=process "
				  "process.name=aac"),
			 1);
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

/* ---- the set --------------------------------------------------------- */

static void
each_pattern(void *ctx, const struct rule *r, struct view pattern)
{
	struct buf *out = (struct buf *)ctx;

	buf_printf(out, "%.*s:%.*s ", (int)r->id.n, r->id.p, (int)pattern.n,
		   pattern.p);
}

static void
patterns_are_the_positive_literals(void **state)
{
	struct buf out = { 0 };
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "a",
		"file where file.path : (\"/etc/*\", \"/x/?\") and not "
		"file.path == \"/no\" and not (file.path != \"/yes\" or not "
		"file.path in (\"/in\"))");
	add_eql(&b, "b", "file where file.path == ");
	add_eql(&b, "c", "file where dns.name == \"x\" and file.path == \"y\"");
	assert_int_equal(rules_add_query(b.set, "d",
					 VIEW("file.path: (/run/* or \"q\")"),
					 true, &b.err),
			 0);
	assert_int_equal(rules_seal(b.set, &b.err), 1);
	rules_patterns(b.set, 4, each_pattern, &out);
	buf_putc(&out, '\0');
	assert_string_equal(out.p,
			    "a:/etc/* a:/x/? a:/yes a:/in d:/run/* d:q ");
	assert_true(rules_field_used(b.set, 4));
	assert_false(rules_field_used(b.set, 6));
	assert_false(rules_field_used(b.set, 1));
	assert_int_equal(rules_at(b.set, 1)->status, RULE_ERROR);
	assert_true(rules_at(b.set, 1)->reason.n > 0);
	assert_int_equal(rules_at(b.set, 2)->status, RULE_UNSUPPORTED);
	buf_free(&out);
	end(&b);
}

static void
program_is_printed(void **state)
{
	struct buf out = { 0 };
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "a",
		"process where process.name : (\"a*\", \"b\") and not "
		"(process.pid > 4 or length(process.name) == 3) and "
		"file.path == null");
	seal(&b, NULL);
	rules_dump(b.set, 0, &out);
	buf_putc(&out, '\0');
	assert_string_equal(
		out.p, "   0  exists  6 1  file.path exists\n"
		       "   1  in      2 6  event.category in (\"process\")\n"
		       "   2  like    3 6  process.name like~ (\"a*\", \"b\")\n"
		       "   3  compare 6 4  (process.pid > 4)\n"
		       "   4  expr    6 5  (length(process.name) == 3)\n"
		       "        field 0\n"
		       "        call length 1\n"
		       "        const 0\n"
		       "        eq\n"
		       "   5  accept\n"
		       "   6  reject\n");
	buf_free(&out);
	end(&b);
}

static void
exceptions_take_away(void **state)
{
	struct rule_exception x = {
		.rule = VIEW("a"),
		.when = VIEW("process.name == \"sh\""),
		.when_place = { .file = "x.yml", .line = 7, .column = 3 }
	};
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "a", "process where true");
	add_eql(&b, "b", "process where true");
	assert_int_equal(rules_add_exception(b.set, &x, &b.err), 0);
	x.rule = VIEW("*");
	x.when = VIEW("process.name : \"l*\"");
	x.expires_ns = 10 * NS_PER_SEC;
	assert_int_equal(rules_add_exception(b.set, &x, &b.err), 0);
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 @1 event.category=process "
				  "process.name=sh"),
			 1);
	assert_int_equal(feed(&b, "2 @2 event.category=process "
				  "process.name=ls"),
			 0);
	assert_int_equal(feed(&b, "3 @3 event.category=process "
				  "process.name=vi"),
			 2);
	assert_int_equal(feed(&b, "4 @10 event.category=process "
				  "process.name=ls"),
			 2);
	end(&b);
}

static void
broken_exceptions_are_errors(void **state)
{
	struct rule_exception x = {
		.rule = VIEW("nobody"),
		.when = VIEW("process.nam == 1"),
		.when_place = { .file = "x.yml", .line = 7, .column = 3 }
	};
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "a", "process where true");
	rules_add_exception(b.set, &x, &b.err);
	assert_int_equal(rules_seal(b.set, &b.err), 1);
	assert_int_equal(b.err.n, 2);
	assert_int_equal(b.err.v[1].line, 7);
	assert_int_equal(b.err.v[1].column, 3);
	assert_int_equal(rules_at(b.set, 0)->status, RULE_OK);
	end(&b);
}

/* A rule in a block scalar: its second line begins where the first does. */
static void
errors_point_into_the_file(void **state)
{
	struct rule_source s = {
		.rule = { .kind = RULE_EQL,
			  .id = VIEW("a"),
			  .query = VIEW("process where\n  process.nam == 1") },
		.query_place = { .file = "r.yml", .line = 12, .column = 3 },
	};
	struct buf out = { 0 };
	struct bench b;

	(void)state;
	begin(&b);
	rules_add_source(b.set, &s, &b.err);
	assert_int_equal(rules_seal(b.set, &b.err), 1);
	assert_int_equal(b.err.n, 1);
	assert_string_equal(b.err.v[0].file, "r.yml");
	assert_int_equal(b.err.v[0].line, 13);
	assert_int_equal(b.err.v[0].column, 5);
	err_format(&b.err.v[0], &out);
	buf_putc(&out, '\0');
	assert_non_null(strstr(out.p, "did you mean process.name?"));
	assert_non_null(strstr(out.p, "    process.nam == 1\n"));
	buf_free(&out);
	end(&b);
}

static void
lists_are_shared_and_extended(void **state)
{
	struct view one[] = { VIEW("sh") }, more[] = { VIEW("ash") };
	struct rule_list a = { one, 1 }, c = { more, 1 };
	struct bench b;

	(void)state;
	begin(&b);
	assert_int_equal(rules_define_list(b.set, VIEW("shells"), &c, true), 0);
	assert_int_equal(rules_define_list(b.set, VIEW("shells"), &a, false),
			 0);
	assert_int_equal(rules_define_list(b.set, VIEW("shells"), &a, false),
			 -1);
	add_eql(&b, "a", "process where process.name in (${shells}, \"x\")");
	seal(&b, NULL);
	assert_int_equal(feed(&b, "1 event.category=process process.name=sh"),
			 1);
	assert_int_equal(feed(&b, "2 event.category=process "
				  "process.name=ash"),
			 1);
	assert_int_equal(feed(&b, "3 event.category=process process.name=y"),
			 0);
	end(&b);
}

/*
 * Hundreds of rules, thousands of events: the index must never lose a match.
 * Every rule alone (no index to speak of) says what all together must say.
 */
#define MANY_RULES 150
#define MANY_EVENTS 3000

/* # stands for a number. */
static void
many_query(unsigned i, struct buf *out)
{
	static const char *const forms[] = {
		"process where process.name == \"n#\"",
		"process where process.name : (\"n#*\", \"*z#\")",
		"process where process.args : \"a#\" and process.name != "
		"null",
		"process where process.args : \"*#\" and file.path : \"/t*\"",
		"file where file.path like (\"/tmp/#*\", \"/x\") and not "
		"process.name == \"n3\"",
		"any where user.id in (\"#\", \"7\") and process.args in "
		"(\"a1\", \"a2\")",
		"any where file.path : \"?tmp/#\" or process.pid == #",
	};

	buf_clear(out);
	for (const char *p = forms[i % ARRAY_LEN(forms)]; *p != '\0'; p++) {
		if (*p == '#')
			buf_printf(out, "%u", i / 7);
		else
			buf_putc(out, *p);
	}
	buf_putc(out, '\0');
}

static void
many_event(struct bench *b, unsigned i)
{
	char room[200];
	unsigned r = i * 2654435761u >> 8;

	snprintf(room, sizeof(room),
		 "%u event.category=%s process.name=n%u%s "
		 "process.args=[a%u,b,a%u] file.path=/tmp/%u user.id=\"%u\" "
		 "process.pid=%u",
		 i, r % 3 ? "process" : "[file,process]", r % 37,
		 r % 5 ? "" : "z1", r % 41, r % 23, r % 29, r % 19, r % 31);
	help_event(&b->help, room);
}

static void
index_loses_nothing(void **state)
{
	size_t together[MANY_RULES] = { 0 }, n;
	struct bench all, one;
	struct buf q = { 0 };
	char id[16];

	(void)state;
	begin(&all);
	for (unsigned i = 0; i < MANY_RULES; i++) {
		snprintf(id, sizeof(id), "%u", i);
		many_query(i, &q);
		add_eql(&all, id, q.p);
	}
	for (unsigned i = 0; i < MANY_EVENTS; i++)
		many_event(&all, i);
	seal(&all, NULL);
	for (size_t i = 0; i < MANY_EVENTS; i++)
		help_feed(&all.help, all.run, i);
	for (size_t i = 0; i < all.help.n_ids; i++)
		together[all.help.rule_of[i]]++;
	for (unsigned i = 0; i < MANY_RULES; i++) {
		begin(&one);
		many_query(i, &q);
		add_eql(&one, "one", q.p);
		seal(&one, NULL);
		one.help.events = all.help.events;
		for (size_t k = 0; k < MANY_EVENTS; k++)
			help_feed(&one.help, one.run, k);
		n = one.help.n_ids;
		one.help.events = NULL;
		end(&one);
		assert_int_equal(together[i], n);
	}
	assert_true(all.help.n_ids > 1000);
	buf_free(&q);
	end(&all);
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
		cmocka_unit_test(patterns_are_the_positive_literals),
		cmocka_unit_test(program_is_printed),
		cmocka_unit_test(exceptions_take_away),
		cmocka_unit_test(broken_exceptions_are_errors),
		cmocka_unit_test(errors_point_into_the_file),
		cmocka_unit_test(lists_are_shared_and_extended),
		cmocka_unit_test(index_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
