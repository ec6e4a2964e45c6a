/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lint says of rules, and of what it keeps silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/engine.h"

static const struct rules_field fields[] = {
	{ "event.category", RULES_KEYWORD, NULL },
	{ "process.name", RULES_KEYWORD, NULL },
	{ "process.args", RULES_KEYWORD, NULL },
	{ "process.pid", RULES_LONG, NULL },
	{ "file.path", RULES_KEYWORD, NULL },
	{ "file.name", RULES_KEYWORD, NULL },
	{ "file.directory", RULES_KEYWORD, NULL },
	{ "self.part", RULES_KEYWORD, NULL },
	{ "user.id", RULES_KEYWORD, "this test's host has no users" },
	{ "cloud.*", RULES_KEYWORD, "this test's host is in no cloud" },
};
static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields) };

struct seen {
	struct buf text; /* "kind line:column message" a line */
	size_t n;
};

static void
on_finding(void *ctx, const struct rules_finding *f)
{
	struct seen *s = ctx;

	buf_printf(&s->text, "%s %u:%u %.*s\n", f->kind, f->diag->line,
		   f->diag->column, (int)f->diag->message.n,
		   f->diag->message.p);
	s->n++;
}

static bool asks_places;

static bool
is_place(struct view pattern)
{
	return pattern.n > 1 && pattern.p[0] == '/' && pattern.p[1] != '*';
}

static void
lint(struct rules *set, struct seen *seen)
{
	struct rules_linter to = { .now_ns = 1000 * NS_PER_SEC,
				   .each = on_finding,
				   .ctx = seen,
				   .is_place = asks_places ? is_place : NULL,
				   .own_places = "self.part" };

	*seen = (struct seen){ 0 };
	for (size_t i = 0; i < rules_count(set); i++)
		assert_int_equal(rules_lint(set, i, &to), 0);
	assert_int_equal(rules_lint_shared(set, &to), 0);
	buf_putc(&seen->text, '\0');
	assert_false(seen->text.failed);
}

/* Of one query: "" or the kinds and places expected, a space behind each. */
static void
expect(const char *query, bool kuery, const char *expected)
{
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };
	struct buf got = { 0 };
	struct seen seen;
	struct view rest, line, word;

	assert_int_equal(rules_add_query(set, "q", view_of(query), kuery, &err),
			 0);
	assert_int_equal(rules_seal(set, &err), 0);
	lint(set, &seen);
	rest = view_of(seen.text.p);
	while (view_next_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		view_next_split(&line, ' ', &word);
		buf_put(&got, word);
		buf_putc(&got, ' ');
		view_next_split(&line, ' ', &word);
		buf_put(&got, word);
		buf_putc(&got, ' ');
	}
	buf_putc(&got, '\0');
	if (strcmp(got.p, expected) != 0)
		print_message("%s\n%s", query, seen.text.p);
	assert_string_equal(got.p, expected);
	buf_free(&got);
	buf_free(&seen.text);
	rules_free(set);
	err_free(&err);
}

static void
test_wildcards(void **state)
{
	(void)state;
	expect("process where process.name == \"c*\"", false,
	       "dead-wildcard 1:31 ");
	expect("process where process.name in (\"cat\", \"l?s\")", false,
	       "dead-wildcard 1:39 ");
	expect("process where not\n  process.name in~ (\"c*\")", false,
	       "dead-wildcard 2:21 ");
	expect("process where process.args == \"-?\" or process.name : \"c*\"",
	       false, "");
	expect("process where process.name like \"c*\" or process.pid == 1",
	       false, "");
	expect("process where startsWith(process.name, \"c*\")", false,
	       "dead-wildcard 1:40 ");
	expect("process where indexOf~(process.name, \"x?\") == 1", false, "");
	expect("process.name: \"c*\"", true, "dead-wildcard 1:15 ");
	expect("process.name: (c* or c\\*) or process.args: \"a?\"", true, "");
}

static void
test_contradictions(void **state)
{
	(void)state;
	expect("process where process.name in (\"a\", \"b\") and\n"
	       "  not process.name == \"b\"",
	       false, "contradiction 1:37 ");
	expect("process where process.name == \"b\" and process.pid > 1 and "
	       "process.name != \"b\"",
	       false, "contradiction 1:31 ");
	/* through not (… or …), folding, patterns, and down into an or */
	expect("process where not (process.pid == 1 or process.name : \"B*\") "
	       "and (process.pid == 2 or process.name == \"bash\")",
	       false, "contradiction 1:102 ");
	expect("file where file.path : (\"/usr/bin/*\", \"/bin/*\") and "
	       "not file.path : \"/usr/*\"",
	       false, "contradiction 1:25 ");
	expect("process.name: (a or b) and not process.name: b", true,
	       "contradiction 1:21 ");
	/* the same of another kind */
	expect("process where process.name regex \"a.*\" and "
	       "not process.name regex \"a.*\"",
	       false, "contradiction 1:28 ");
	expect("process where not (process.pid == 1 or startsWith(process.name, "
	       "\"a\")) and startsWith(process.name, \"a\")",
	       false, "contradiction 1:75 ");
	expect("process where process.pid > 4 and not process.pid > 4", false,
	       "contradiction 1:15 ");
	expect("process where process.name regex \"a\" and "
	       "not process.name regex~ \"a\" and process.pid > 4 and "
	       "not process.pid >= 4 and startsWith(process.name, \"a\") and "
	       "not startsWith~(process.name, \"a\")",
	       false, "");
	/* numbers, and their texts */
	expect("process where process.pid in (1, 2) and not process.pid == 2",
	       false, "contradiction 1:34 ");
	expect("process where process.pid == \"1\" and process.pid != 1", false,
	       "contradiction 1:30 ");
	expect("process where process.pid == 1 and not process.pid == 10",
	       false, "");
	/* not the same: another field, case, a wider need, one of several */
	expect("process where process.name == \"b\" and not process.args == "
	       "\"b\"",
	       false, "");
	expect("process where process.name : \"b\" and not process.name == "
	       "\"b\"",
	       false, "");
	expect("process where process.name : \"b*\" and not process.name : "
	       "\"b?\"",
	       false, "");
	expect("process where process.name == \"b\" and not "
	       "(process.name == \"b\" and process.pid == 1)",
	       false, "");
	expect("process where process.name == \"b\" or process.name != \"b\"",
	       false, "");
	/* an exception that can never hold */
	expect("process where process.pid == 1 and not (process.name == \"b\" "
	       "and process.name != \"b\")",
	       false, "contradiction 1:57 ");
}

static void
expect_span(const char *stages, const char *span, const char *expected)
{
	struct buf query = { 0 };

	buf_printf(&query, "sequence with maxspan=%s %s", span, stages);
	buf_putc(&query, '\0');
	expect(query.p, false, expected);
	buf_free(&query);
}

static void
test_maxspan(void **state)
{
	static const char *const late[] = {
		"[authentication where true] [process where true]",
		"[file where true] [authentication where true]",
		"[iam where true] [network where true]",
		"[session where true] [session where true]",
		"[authentication where true] with runs=2",
		"[process where true] with runs=2 until [iam where true]",
		"[any where true] [process where true]",
	};

	(void)state;
	expect("sequence with maxspan=20ms [file where true] "
	       "[process where true]",
	       false, "short-maxspan 1:15 ");
	expect("sequence with maxspan=20ms [any where true] [any where true]",
	       false, "short-maxspan 1:15 ");
	expect("sequence with maxspan=50ms [file where true] "
	       "[process where true]",
	       false, "");
	expect("sequence with maxspan=20ms [process where true] "
	       "[network where true]",
	       false, "");
	expect("sequence with maxspan=20ms [file where true] [file where "
	       "true]",
	       false, "");
	expect("sequence with maxspan=19ms [file where true] [file where "
	       "true]",
	       false, "short-maxspan 1:15 ");
	/* What journald has comes late, also with what it has itself. */
	for (size_t i = 0; i < ARRAY_LEN(late); i++) {
		expect_span(late[i], "299ms", "short-maxspan 1:15 ");
		expect_span(late[i], "300ms", "");
	}
	expect_span("[process where true] [process where true] until [file "
		    "where true]",
		    "49ms", "short-maxspan 1:15 ");
	expect_span("[process where true] ![file where true] "
		    "[process where true]",
		    "49ms", "short-maxspan 1:15 ");
	expect_span("[process where true] with runs=3", "1ms", "");
	expect("sequence with maxspan=0s [process where true] "
	       "[process where true]",
	       false, "short-maxspan 1:15 ");
}

static void
test_places(void **state)
{
	static const char *const placed[] = {
		"file where file.path : (\"*.pid\", \"/run/*\")",
		"file where startsWith~(file.path, \"/etc/x\")",
		"file where file.path regex \"/opt/app/.*\"",
		"file where file.directory == \"/opt/app\" and file.name == "
		"\"x\"",
		"file where self.part != null",
		/* not of files alone */
		"any where file.name == \"x\" or process.name == \"y\"",
		"process where process.name == \"x\"",
		"process where not file.name == \"x\"",
		/* the same file */
		"sequence by file.path [file where file.path : \"/etc/*\"] "
		"[file where file.name == \"x\"]",
		/* runs nowhere */
		"file where user.id == \"0\" and file.name == \"x\"",
	};

	(void)state;
	asks_places = true;
	for (size_t i = 0; i < ARRAY_LEN(placed); i++)
		expect(placed[i], false, "");
	expect("file where true", false, "unwatched 1:1 ");
	expect("file where file.name == \"x\"", false, "unwatched 1:12 ");
	expect("file where stringContains(file.path, \"/opt/\")", false,
	       "unwatched 1:27 ");
	expect("file where not file.path : \"/etc/*\"", false,
	       "unwatched 1:16 ");
	expect("file where file.path : (\"*.pid\", \"/*/x\")", false,
	       "unwatched 1:12 ");
	expect("file where file.path regex \"/opt/.*|.*/x\"", false,
	       "unwatched 1:12 ");
	expect("file.name: x and process.name: y", true, "unwatched 1:1 ");
	expect("any where file.name == \"x\" or file.path == null and "
	       "file.name == \"y\"",
	       false, "unwatched 1:11 ");
	expect("sequence by process.pid [file where file.path : \"/etc/*\"] "
	       "[file where file.name == \"x\"] until [file where true]",
	       false, "unwatched 1:71 unwatched 1:95 ");
	asks_places = false;
}

static void
regex(const char *text, const char *kind)
{
	struct buf query = { 0 };
	struct buf expected = { 0 };

	buf_printf(&query, "process where process.name regex \"\"\"%s\"\"\"",
		   text);
	buf_putc(&query, '\0');
	if (*kind != '\0')
		buf_printf(&expected, "%s 1:34 ", kind);
	buf_putc(&expected, '\0');
	expect(query.p, false, expected.p);
	buf_free(&query);
	buf_free(&expected);
}

static void
test_regex(void **state)
{
	(void)state;
	regex("(a+)+b", "regex-cost");
	regex("(a*)*", "regex-cost");
	regex("([a-z]+ ?)*x", "regex-cost");
	regex("(.*,)+x", "regex-cost");
	regex("((a|b)+){2,}", "regex-cost");
	regex("(\\w+[0-9])+", "regex-cost");
	regex("(x@)*", "regex-cost");
	regex("(a|aa)+b", "regex-cost");
	regex("(a|a?)+b", "regex-cost");
	regex("(a|b|ab)*c", "regex-cost");
	regex("(ab|ba|aba)*", "regex-cost");
	regex("(\\w|\\d)+x", "regex-cost");
	regex("((a|aa))+", "regex-cost");
	regex("(b|(a|aa))+", "regex-cost");
	regex("(a|ab|c)*d", "");
	regex("(abc|abd)+", "");
	regex("([a-z]|[0-9])+", "");
	regex("((a|aa)b)+", "");
	regex("(a|aa){2}b", "");
	regex("(GET|POST|PUT) .*", "");
	regex("(\\w+\\s)+", "");
	regex("(a+b)+", "");
	regex("(/[^/ ]+)*/", "");
	regex("(ab){3}(c*)?.*", "");
	regex("([0-9]+[.]){1,3}[0-9]+", "");
	regex("^abc", "regex-anchor");
	regex("abc$", "regex-anchor");
	regex("(a|^b)c", "regex-anchor");
	regex("(a$|b)c", "regex-anchor");
	regex("\\^a\\$|[^b$]", "");
	regex("a[$]", "");
	regex("$[(]x", "");
}

static void
test_shared(void **state)
{
	struct rules *set = rules_new(&schema);
	struct view one[] = { VIEW("cat"), VIEW("c*") };
	struct rule_list list = { one, 2 };
	struct rule_exception x = {
		.rule = VIEW("q"),
		.when = VIEW("process.name == \"a*\""),
		.when_place = { .file = "x.yml", .line = 7, .column = 3 },
		.expires_ns = 999 * NS_PER_SEC
	};
	struct err err = { 0 };
	struct seen seen;

	(void)state;
	rules_define_list(set, VIEW("used"), &list, false);
	rules_define_list(set, VIEW("idle"), &list, false);
	rules_place_list(set, VIEW("idle"),
			 (struct place){ .file = "l.yml", .line = 3 });
	rules_add_query(set, "q", VIEW("process where process.name : ${used}"),
			false, &err);
	rules_add_exception(set, &x, &err);
	x.expires_ns = 1001 * NS_PER_SEC;
	x.when = VIEW("process.pid == 1");
	rules_add_exception(set, &x, &err);
	assert_int_equal(rules_seal(set, &err), 0);
	lint(set, &seen);
	assert_int_equal(seen.n, 3);
	assert_non_null(strstr(seen.text.p, "unused-list 3:1 no rule uses the "
					    "list idle;"));
	assert_non_null(strstr(seen.text.p, "expired-exception 7:3 "));
	assert_non_null(strstr(seen.text.p, "ended on 1970-01-01 "));
	assert_non_null(strstr(seen.text.p, "dead-wildcard 7:19 "));
	buf_free(&seen.text);
	rules_free(set);
	err_free(&err);
}

/* Optional fields that the schema does not know: each where it stands, once. */
static void
test_optional(void **state)
{
	(void)state;
	expect("process where ?process.pids == 1 or ?process.pid == 1", false,
	       "unknown-field 1:16 ");
	expect("sequence by ?proces.name\n"
	       " [process where ?process.nam : \"x\" and ?cloud.zone == null]"
	       " by ?process.pid\n"
	       " as first\n"
	       " [file where length(?first.file.pat) > 1] by ?zzzzzz\n"
	       " until [file where ?process.name == \"x\"] by ?process.ppid",
	       false,
	       "unknown-field 1:14 unknown-field 2:18 unknown-field 4:47 "
	       "unknown-field 4:22 unknown-field 5:46 ");
}

static void
test_beside(void **state)
{
	struct rules *set = rules_new(&schema);
	struct view terms[] = { VIEW("process.name") };
	struct rule_investigate sql[] = {
		{ VIEW("who"), VIEW("select {{process.pid}} {{ user.nme }}") }
	};
	struct place at = { .file = "n.yml", .line = 9, .column = 10 };
	struct rule_source s = {
		.places.investigate = &at,
		.rule = { .kind = RULE_NEW_TERMS,
			  .kuery = true,
			  .id = VIEW("n"),
			  .name = VIEW("n"),
			  .query = VIEW("process.name: *"),
			  .file = VIEW("n.yml"),
			  .line = 4,
			  .investigate = sql,
			  .n_investigate = 1 },
		.new_terms_fields = { terms, 1 },
	};
	struct err err = { 0 };
	struct seen seen;

	(void)state;
	assert_true(rules_add_source(set, &s, &err) >= 0);
	s.rule.id = VIEW("quiet");
	s.rule.n_investigate = 0;
	s.history_window_ns = 86400 * NS_PER_SEC;
	assert_true(rules_add_source(set, &s, &err) >= 0);
	/* Not run for want of a field, and yet read; broken ones are not. */
	rules_add_query(set, "unsupported",
			VIEW("process where user.id == \"a*\""), false, &err);
	rules_add_query(set, "family",
			VIEW("process where cloud.region == \"*b\""), false,
			&err);
	rules_add_query(set, "broken", VIEW("process where x == \"a*\""), false,
			&err);
	assert_int_equal(rules_seal(set, &err), 1);
	lint(set, &seen);
	assert_int_equal(seen.n, 4);
	assert_non_null(strstr(seen.text.p, "unknown-field 9:36 investigate: "
					    "unknown field user.nme; did you "
					    "mean user.id?"));
	assert_non_null(strstr(seen.text.p, "no-history 4:1 "));
	assert_non_null(strstr(seen.text.p, "dead-wildcard 1:26 "));
	assert_non_null(strstr(seen.text.p, "dead-wildcard 1:31 "));
	buf_free(&seen.text);
	rules_free(set);
	err_free(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_maxspan),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
