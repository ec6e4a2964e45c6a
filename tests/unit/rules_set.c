/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text cases cannot say: the set itself. */
#include "tests/unit/rules_bench.h"

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
	add_eql(&b, "e",
		"file where startsWith~(file.path, \"/opt/a\") or "
		"startsWith(file.path, \"/opt/b\") == true or "
		"endsWith(file.path, \"/d\") or "
		"stringContains(file.path, \"/e/\") or "
		"not startsWith(file.path, \"/f\") or file.path : \"/c*\"");
	assert_int_equal(rules_add_query(b.set, "d",
					 VIEW("file.path: (/run/* or \"q\")"),
					 true, &b.err),
			 0);
	assert_int_equal(rules_seal(b.set, &b.err), 1);
	rules_patterns(b.set, 4, each_pattern, &out);
	buf_putc(&out, '\0');
	assert_string_equal(out.p,
			    "a:/etc/* a:/x/? a:/yes a:/in e:/opt/a* e:/opt/b* "
			    "e:/c* d:/run/* d:q ");
	assert_true(rules_field_used(b.set, 4));
	assert_false(rules_field_used(b.set, 6));
	assert_false(rules_field_used(b.set, 1));
	assert_int_equal(rules_at(b.set, 1)->status, RULE_ERROR);
	assert_true(rules_at(b.set, 1)->reason.n > 0);
	assert_int_equal(rules_at(b.set, 2)->status, RULE_UNSUPPORTED);
	buf_free(&out);
	end(&b);
}

/* Of a regular expression what it begins with, as far as that is sure. */
static void
begins(const char *regex, const char *expected)
{
	struct buf query = { 0 }, out = { 0 };
	struct bench b;

	begin(&b);
	buf_printf(&query, "file where file.path regex \"\"\"%s\"\"\"", regex);
	buf_putc(&query, '\0');
	add_eql(&b, "r", query.p);
	seal(&b, NULL);
	rules_patterns(b.set, 4, each_pattern, &out);
	buf_putc(&out, '\0');
	assert_string_equal(out.p, expected);
	buf_free(&query);
	buf_free(&out);
	end(&b);
}

static void
patterns_of_regular_expressions(void **state)
{
	(void)state;
	begins("/opt/app/.*", "r:/opt/app/* ");
	begins("/opt/app[0-9]+/x", "r:/opt/* ");
	begins("/etc/passwd", "r:/etc/passwd ");
	begins("/etc/rc\\.d/[a-z]+", "r:/etc/rc.d/* ");
	begins("/etc/\\w+", "r:/etc/* ");
	begins("/opt/?x", "r:/* ");
	begins("/opt/(a|b)", "r:/opt/* ");
	begins("/opt/[|]|/srv/.*", "r:/opt/* r:/srv/* ");
	begins("/opt/\\|x|/a", "r:/opt/|x r:/a ");
	begins("/opt/.*|.*/x", "r:* ");
	begins("(/opt/.*)", "r:* ");
	begins("/opt/[]|]\"|\"x", "r:/opt/* ");
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
		out.p, "   0  in      1 6  event.category in (\"process\")\n"
		       "   1  like    2 6  process.name like~ (\"a*\", \"b\")\n"
		       "   2  exists  6 3  file.path exists\n"
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

/* What Lucene has and Tocsin does not makes a rule unsupported; an exception
 * must not take its rule along, so it is broken. */
static void
regexes_not_read_are_unsupported(void **state)
{
	struct rule_exception x = {
		.rule = VIEW("b"),
		.when = VIEW("file.path regex \"(a&b)c\""),
		.when_place = { .file = "x.yml", .line = 7, .column = 3 }
	};
	struct buf out = { 0 };
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "a", "file where file.path regex \"~(a)b\"");
	add_eql(&b, "b", "file where true");
	add_eql(&b, "c", "file where concat(file.path, 1) regex \"(~a)\"");
	add_eql(&b, "d", "file where file.path regex \"~(a\"");
	rules_add_exception(b.set, &x, &b.err);
	assert_int_equal(rules_seal(b.set, &b.err), 2);
	assert_int_equal(b.err.n, 2);
	assert_int_equal(b.err.v[0].line, 7);
	assert_int_equal(rules_at(b.set, 0)->status, RULE_UNSUPPORTED);
	assert_non_null(strstr(rules_at(b.set, 0)->reason.p, "~"));
	assert_int_equal(rules_at(b.set, 1)->status, RULE_OK);
	assert_int_equal(rules_at(b.set, 2)->status, RULE_UNSUPPORTED);
	assert_int_equal(rules_at(b.set, 3)->status, RULE_ERROR);
	rules_dump(b.set, 0, &out);
	assert_int_equal(out.n, 0);
	buf_free(&out);
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

/* ---- what rules cost ------------------------------------------------- */

/* Of one event in so many the time is taken: all in all some must have passed
 * with the rule that matches, and none with the one that never runs. */
static void
cost_is_counted(void **state)
{
	struct rules_cost busy, idle;
	struct bench b;

	(void)state;
	begin(&b);
	add_eql(&b, "busy", "process where process.pid == 1");
	add_eql(&b, "idle", "file where process.pid == 1");
	seal(&b, NULL);
	help_event(&b.help, "1 event.category=process process.pid=1");
	for (unsigned i = 0; i < 100 * RULES_TIMED_EVENTS; i++)
		help_feed(&b.help, b.run, 0);
	busy = rules_run_cost(b.run, 0);
	idle = rules_run_cost(b.run, 1);
	assert_int_equal(busy.evaluations, 100 * RULES_TIMED_EVENTS);
	assert_int_equal(busy.matches, 100 * RULES_TIMED_EVENTS);
	assert_true(busy.spent_ns > 0);
	assert_int_equal(busy.spent_ns % RULES_TIMED_EVENTS, 0);
	assert_int_equal(idle.evaluations, 0);
	assert_int_equal(idle.spent_ns, 0);
	end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_are_the_positive_literals),
		cmocka_unit_test(patterns_of_regular_expressions),
		cmocka_unit_test(program_is_printed),
		cmocka_unit_test(exceptions_take_away),
		cmocka_unit_test(broken_exceptions_are_errors),
		cmocka_unit_test(regexes_not_read_are_unsupported),
		cmocka_unit_test(errors_point_into_the_file),
		cmocka_unit_test(lists_are_shared_and_extended),
		cmocka_unit_test(index_loses_nothing),
		cmocka_unit_test(cost_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
