/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands beside the query of a rule: its windows, the fields it names and
 * their places, alert_suppression. */
#include "load_help.h"

#define KQL_HEAD "name: N\nquery: \"process.name: *\"\nseverity: low\n"

static void
test_unknown_fields_have_places(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\ntype: new_terms\n" KQL_HEAD "risk_score: 1\n"
	    "new_terms_fields:\n- process.name\n- process.nmae\n- 'process.arsg'\n");
	put(t, "b.yml",
	    "rule_id: b\ntype: threshold\n" KQL_HEAD "risk_score: 1\n"
	    "threshold: {field: process.nmae, value: 1}\n");
	put(t, "c.yml",
	    "rule_id: c\ntype: threshold\n" KQL_HEAD "risk_score: 1\n"
	    "threshold:\n  value: 1\n  cardinality:\n"
	    "  - {field: process.nmae, value: 2}\n");
	put(t, "d.yml",
	    "rule_id: d\ntype: query\n" KQL_HEAD "risk_score: 1\n"
	    "alert_suppression:\n"
	    "  group_by: [process.name, process.nmae]\n");
	put(t, "e.ndjson",
	    "{\"rule_id\":\"e\"," JSON_HEAD "\"query\":\"any where true\","
	    "\"alert_suppression\":{\"group_by\":[\"process.nmae\"]}}\n");
	assert_int_equal(load(t, ""), 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 5);
	assert_int_equal(t->err.n, 6);
	expect_error(t, 0, 9, 3, "unknown field process.nmae; did you mean");
	expect_error(t, 1, 10, 4, "unknown field process.arsg; did you mean");
	expect_error(t, 2, 7, 20, "did you mean process.name?");
	expect_error(t, 3, 10, 13, "did you mean process.name?");
	expect_error(t, 4, 8, 28, "did you mean process.name?");
	expect_error(t, 5, 1, 149, "did you mean process.name?");
	expect_text(rule_of(t, "d")->reason, t->err.v[4].message.p);
}

static void
test_suppression(void **state)
{
	struct place_of_test *t = *state;
	const unsigned *by;

	put(t, "a.yml",
	    "rule_id: a\ntype: query\n" KQL_HEAD "risk_score: 1\n"
	    "alert_suppression: {group_by: process.name}\n");
	put(t, "b.yml",
	    "rule_id: b\ntype: threshold\n" KQL_HEAD "risk_score: 1\n"
	    "threshold: {field: [process.args, process.name], value: 1}\n"
	    "alert_suppression:\n  duration: 2h\n"
	    "  missing_fields_strategy: doNotSuppress\n");
	assert_int_equal(load(t, ""), 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
	assert_true(rule_of(t, "a")->suppress_ns == 300 * NS_PER_SEC);
	assert_false(rule_of(t, "a")->suppress_not_missing);
	assert_int_equal(rules_suppress_by(t->rules, 0, &by), 1);
	assert_true(rule_of(t, "b")->suppress_ns == 7200 * NS_PER_SEC);
	assert_true(rule_of(t, "b")->suppress_not_missing);
	assert_int_equal(rules_suppress_by(t->rules, 1, &by), 2);
	assert_string_equal(rules_field_name(t->rules, by[1]), "process.name");
}

static void
test_wrong_suppression(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\ntype: query\n" KQL_HEAD "risk_score: 1\n"
	    "alert_suppression: {duration: 5m}\n");
	put(t, "b.yml",
	    "rule_id: b\ntype: threshold\n" KQL_HEAD "risk_score: 1\n"
	    "threshold: {field: [], value: 1}\n"
	    "alert_suppression: {group_by: [user.id]}\n");
	put(t, "c.yml",
	    "rule_id: c\ntype: query\n" KQL_HEAD "risk_score: 1\n"
	    "alert_suppression: {group_by: [user.id],\n"
	    "  missing_fields_strategy: donotsuppress, duration: 0s}\n");
	assert_int_equal(load(t, ""), 3);
	assert_int_equal(t->err.n, 4);
	expect_error(t, 0, 7, 20, "the key \"group_by\" is missing");
	expect_error(t, 1, 8, 31, "take \"group_by\" out");
	expect_error(t, 2, 8, 28, "must be suppress or doNotSuppress");
	expect_error(t, 3, 8, 53, "must be more than nothing");
}

static void
test_windows_of_nothing(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\ntype: new_terms\n" KQL_HEAD "risk_score: 1\n"
	    "new_terms_fields: user.id\nhistory_window_start: now-0d\n");
	put(t, "b.yml",
	    "rule_id: b\ntype: threshold\n" KQL_HEAD "risk_score: 1\n"
	    "threshold: {value: 1}\nfrom: now-0m\n");
	assert_int_equal(load(t, ""), 2);
	assert_int_equal(t->err.n, 2);
	expect_error(t, 0, 8, 23, "must be like now-7d or now-9m, before now");
	expect_error(t, 1, 8, 7, "before now");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unknown_fields_have_places),
		TEST(test_suppression),
		TEST(test_wrong_suppression),
		TEST(test_windows_of_nothing),
	};

	return cmocka_run_group_tests_name("rules_beside", tests, NULL, NULL);
}
