/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading: what a rule file may say, what is refused and where, folders,
 * exports of Kibana, exceptions. */
#include "load_help.h"

/* ---- what a rule says ------------------------------------------------ */

static void
test_full_rule(void **state)
{
	struct place_of_test *t = *state;
	const struct rule *r;

	put(t, "a.yml",
	    "rule_id: full\nname: Name\ndescription: >-\n  Two\n  lines\n"
	    "type: eql\nlanguage: eql\n"
	    "query: |\n  process where process.name == \"x\"\n"
	    "severity: critical\nrisk_score: 99\nmax_signals: 7\n"
	    "threat:\n- framework: MITRE ATT&CK\n"
	    "  tactic: {id: TA0003, name: Persistence, reference: u}\n"
	    "  technique:\n  - {id: T1, name: One, subtechnique: "
	    "[{id: T1.1, name: Sub}, {id: T1.2, name: Sub2}]}\n"
	    "  - {id: T2, name: Two}\n"
	    "tags: [a, b]\nreferences: r\nfalse_positives: [f]\nnote: n\n"
	    "investigate:\n- {label: l, query: \"SELECT 1\"}\n"
	    "respond: [x, y, z]\nlists: {unused: [a]}\n");
	assert_int_equal(load(t, "a.yml"), 0);
	assert_int_equal(t->err.n, 0);
	r = rule_of(t, "full");
	assert_int_equal(r->status, RULE_OK);
	assert_int_equal(r->kind, RULE_EQL);
	assert_false(r->kuery);
	expect_text(r->name, "Name");
	expect_text(r->description, "Two lines");
	expect_text(r->query, "process where process.name == \"x\"\n");
	expect_text(r->severity, "critical");
	expect_text(r->note, "n");
	assert_int_equal(r->risk_score, 99);
	assert_int_equal(r->max_signals, 7);
	assert_int_equal(r->tags.n, 2);
	expect_text(r->tags.v[1], "b");
	expect_text(r->references.v[0], "r");
	expect_text(r->false_positives.v[0], "f");
	assert_int_equal(r->respond.n, 3);
	assert_int_equal(r->n_investigate, 1);
	expect_text(r->investigate[0].query, "SELECT 1");
	assert_int_equal(r->n_threats, 1);
	expect_text(r->threats[0].tactic_id, "TA0003");
	assert_int_equal(r->threats[0].n_techniques, 4);
	expect_text(r->threats[0].techniques[2].id, "T1.2");
	expect_text(r->threats[0].techniques[3].id, "T2");
	assert_int_equal(r->line, 1);
	assert_true(view_ends(r->file, VIEW("/a.yml")));
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
}

static void
test_wrong_keys(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\n" HEAD "query: process where true\n"
	    "serverity: low\n"			  /* 7 */
	    "tags: [[x]]\n"			  /* 8 */
	    "max_signals: many\n"		  /* 9 */
	    "threat: [{tactic: {id: TA1}}]\n"	  /* 10: no name */
	    "investigate: [{label: l, sql: x}]\n" /* 11 */
	    "from: 9m\n");			  /* 12 */
	assert_int_equal(load(t, "a.yml"), 1);
	assert_int_equal(rule_of(t, "a")->status, RULE_ERROR);
	expect_error(t, 0, 7, 1, "did you mean \"severity\"?");
	expect_error(t, 1, 9, 14, "\"max_signals\" must be a whole number");
	expect_error(t, 2, 8, 8, "\"tags\" must be a list of texts");
	expect_error(t, 3, 10, 19, "the key \"name\" is missing");
	expect_error(t, 4, 11, 26, "unknown key \"sql\"");
	expect_error(t, 5, 11, 15, "the key \"query\" is missing");
	expect_error(t, 6, 12, 7, "must be like now-7d");
	assert_true(rule_of(t, "a")->reason.n > 0);
}

static void
test_missing_keys(void **state)
{
	struct place_of_test *t = *state;
	char path[256];

	put(t, "a.yml", "description: d\n");
	assert_int_equal(load(t, "a.yml"), 1);
	assert_int_equal(t->err.n, 5);
	expect_error(t, 0, 1, 1, "\"rule_id\" is missing");
	expect_error(t, 1, 1, 1, "\"name\" is missing");
	expect_error(t, 2, 1, 1, "\"severity\" is missing");
	expect_error(t, 3, 1, 1, "\"risk_score\" is missing");
	expect_error(t, 4, 1, 1, "\"type\" is missing");
	path_of(t, "a.yml:1", path);
	expect_text(rule_of(t, path)->reason, "the key \"rule_id\" is missing");
}

static void
test_wrong_values(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\nname: N\ntype: eqll\nseverity: grave\n"
	    "risk_score: 101\nquery: x\n");
	put(t, "b.yml",
	    "rule_id: b\n" HEAD "language: kuery\nquery: process where true\n");
	put(t, "c.yml", "- 1\n");
	put(t, "d.yml", "");
	put(t, "e.yml", "rule_id: [x\n");
	put(t, "f.yml",
	    "rule_id: f\nname: N\ntype: new_terms\nseverity: low\n"
	    "risk_score: 1\nquery: a\nnew_terms_fields: [a, b, c, d]\n"
	    "history_window_start: 7d\n");
	put(t, "g.yml",
	    "rule_id: g\nname: N\ntype: threshold\nseverity: low\n"
	    "risk_score: 1\nquery: a\nthreshold: {field: [a], value: 0}\n");
	put(t, "ok.yml", "rule_id: ok\n" HEAD "query: process where true\n");
	assert_int_equal(load(t, ""), 7);
	expect_error(t, 0, 4, 11, "must be low, medium, high or critical");
	expect_error(t, 1, 5, 13, "must be from 0 to 100");
	expect_error(t, 2, 3, 7, "did you mean \"eql\"?");
	expect_error(t, 3, 6, 11, "rules of type eql have the language eql");
	expect_error(t, 4, 1, 1, "must be a map");
	expect_error(t, 5, 1, 1, "must be a map");
	expect_error(t, 6, 2, 1, "not valid YAML");
	expect_error(t, 7, 7, 19, "1 to 3 fields");
	expect_error(t, 8, 8, 23, "must be like now-7d");
	expect_error(t, 9, 7, 32, "must be from 1");
	/* One broken rule stops no other. */
	assert_int_equal(rules_count(t->rules), 8);
	assert_int_equal(rule_of(t, "ok")->status, RULE_OK);
}

static void
test_duplicate_id(void **state)
{
	struct place_of_test *t = *state;
	char words[300], path[256];

	put(t, "a.yml", "rule_id: same\n" HEAD "query: process where true\n");
	put(t, "b.yml", HEAD "rule_id: same\nquery: process where false\n");
	assert_int_equal(load(t, ""), 1);
	snprintf(words, sizeof(words), "is taken by %s:1",
		 path_of(t, "a.yml", path));
	expect_error(t, 0, 5, 10, words);
	assert_int_equal(rules_count(t->rules), 2);
	expect_text(rule_of(t, "same")->query, "process where true");
}

static void
test_query_place(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\n" HEAD "query: |\n"
	    "    process where\n"
	    "      process.nam == \"x\"\n");
	put(t, "b.yml",
	    "rule_id: b\n" HEAD "query: process where process.nam == \"x\"\n");
	put(t, "c.ndjson",
	    "\n{\"rule_id\":\"c\"," JSON_HEAD
	    "\"query\":\"process where\\n  process.nam == null\"}\n");
	assert_int_equal(load(t, ""), 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 3);
	expect_error(t, 0, 8, 7, "process.nam");
	expect_error(t, 1, 6, 22, "process.nam");
	expect_error(t, 2, 2, 3, "process.nam");
	assert_non_null(strstr(t->err.v[2].file, "/c.ndjson:2: query"));
	assert_int_equal(rule_of(t, "a")->status, RULE_ERROR);
}

static void
test_one_error_a_fault(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml",
	    "rule_id: a\n" HEAD "query: |\n"
	    "  any where process.args == \"x\" and\n"
	    "    process.name regex~ (\"b\", \"<(a\", \"c\", \"d\")\n");
	assert_int_equal(load(t, "a.yml"), 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 1);
	assert_int_equal(t->err.n, 1);
	expect_error(t, 0, 8, 31, "regular expression");
}

/* ---- lists ----------------------------------------------------------------
 */

static void
test_lists(void **state)
{
	struct place_of_test *t = *state;

	put(t, "lists.yml", "lists: {shells: [sh, bash]}\n");
	put(t, "a.yml",
	    "rule_id: a\n" HEAD
	    "query: process where process.name in (${shells}, ${mine})\n"
	    "lists: {mine: x}\n");
	/* A rule loaded alone finds the lists beside it. */
	assert_int_equal(load(t, "a.yml"), 0);
	/* Lists of one name are joined, whichever comes first. */
	put(t, "z.yml", "lists: {shells: [zsh]}\n");
	assert_int_equal(load(t, "z.yml"), 0);
	assert_int_equal(rules_count(t->rules), 1);
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
	assert_int_equal(t->err.n, 0);
}

static void
test_wrong_lists(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml", "lists:\n  ok: [a]\n  \"no good\": [b]\n  c: {d: e}\n");
	assert_int_equal(load(t, "a.yml"), 2);
	expect_error(t, 0, 3, 3, "letters, digits and _");
	expect_error(t, 1, 4, 6, "must be a list of texts");
	put(t, "b.yml", "lists: [a]\n");
	assert_int_equal(load(t, "b.yml"), 1);
	expect_error(t, 2, 1, 8, "\"lists\" must be a map");
}

/* ---- exports ----------------------------------------------------------------
 */

static void
test_export(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.ndjson",
	    "{\"rule_id\":\"one\"," JSON_HEAD
	    "\"query\":\"any where true\",\"enabled\":false,\"actions\":[],"
	    "\"filters\":[],\"description\":\"\\u00fc\\ud83d\\ude00\"}"
	    "\r\n"
	    "\n"
	    "{\"id\":\"x\",\"type\":\"security-rule\",\"attributes\":{"
	    "\"rule_id\":\"two\"," JSON_HEAD "\"query\":\"any where true\"}}\n"
	    "{\"rule\":{\"rule_id\":\"three\"," JSON_HEAD
	    "\"query\":\"any where true\"}}\n"
	    "{\"rule_id\":\"broken\n"
	    "{\"list_id\":\"l\",\"type\":\"detection\",\"name\":\"E\"}\n"
	    "{\"exported_count\":4,\"exported_rules_count\":4}\n");
	assert_int_equal(load(t, "a.ndjson"), 1);
	assert_int_equal(rules_count(t->rules), 4);
	expect_text(rule_of(t, "one")->description, "\xc3\xbc\xf0\x9f\x98\x80");
	assert_int_equal(rule_of(t, "one")->status, RULE_DISABLED);
	assert_int_equal(rule_of(t, "two")->line, 3);
	assert_int_equal(rule_of(t, "three")->status, RULE_OK);
	expect_error(t, 0, 5, 19, "does not end");
}

static void
test_json_files(void **state)
{
	struct place_of_test *t = *state;

	put(t, "object.json",
	    "{\n \"rule_id\": \"o\",\n " JSON_HEAD
	    "\n \"query\": \"any where true\"}\n");
	put(t, "array.json",
	    "[{\"rule_id\":\"a1\"," JSON_HEAD "\"query\":\"any where true\"},"
	    "\n 7,\n {\"rule_id\":\"a2\"," JSON_HEAD "\"query\":[]}]");
	/* Lines under the wrong name, and a byte order mark. */
	put(t, "lines.json",
	    "\xef\xbb\xbf{\"rule_id\":\"l1\"," JSON_HEAD
	    "\"query\":\"any where true\"}\n{\"rule_id\":\"l2\"," JSON_HEAD
	    "\"query\":\"any where true\"}\n");
	assert_int_equal(load(t, ""), 2);
	assert_int_equal(rules_count(t->rules), 6);
	expect_error(t, 0, 2, 2, "must be an object, not a number");
	assert_int_equal(t->err.v[1].line, 3);
	rule_of(t, "o");
	rule_of(t, "l1");
	rule_of(t, "l2");
}

static void
test_other_types(void **state)
{
	static const char *const types[] = { "machine_learning", "esql",
					     "threat_match", "saved_query" };
	struct place_of_test *t = *state;
	char text[512], id[32];

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		snprintf(text, sizeof(text),
			 "{\"rule_id\":\"%s\",\"name\":\"N\",\"type\":\"%s\","
			 "\"severity\":\"low\",\"risk_score\":1}",
			 types[i], types[i]);
		snprintf(id, sizeof(id), "%s.json", types[i]);
		put(t, id, text);
	}
	put(t, "lucene.json",
	    "{\"rule_id\":\"lucene\",\"name\":\"N\",\"type\":\"query\","
	    "\"language\":\"lucene\",\"query\":\"a:b\","
	    "\"severity\":\"low\",\"risk_score\":1}");
	put(t, "filters.json",
	    "{\"rule_id\":\"filters\",\"name\":\"N\",\"type\":\"query\","
	    "\"language\":\"kuery\",\"query\":\"a:b\",\"filters\":[{}],"
	    "\"severity\":\"low\",\"risk_score\":1}");
	assert_int_equal(load(t, ""), 0);
	assert_int_equal(t->err.n, 0);
	assert_int_equal(rules_count(t->rules), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(rules_at(t->rules, i)->status,
				 RULE_UNSUPPORTED);
		assert_true(rules_at(t->rules, i)->reason.n > 10);
	}
	/* They are listed, and nothing of them is compiled. */
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
	assert_int_equal(rule_of(t, "esql")->status, RULE_UNSUPPORTED);
}

static void
test_terms_and_threshold(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.ndjson",
	    "{\"rule_id\":\"n\",\"name\":\"N\",\"type\":\"new_terms\","
	    "\"language\":\"kuery\",\"query\":\"process.name: x\","
	    "\"severity\":\"low\",\"risk_score\":1,"
	    "\"new_terms_fields\":[\"process.name\"],"
	    "\"history_window_start\":\"now-7d/d\"}\n"
	    "{\"rule_id\":\"t\",\"name\":\"N\",\"type\":\"threshold\","
	    "\"language\":\"kuery\",\"query\":\"process.name: x\","
	    "\"severity\":\"low\",\"risk_score\":1,\"from\":\"now-6m\","
	    "\"threshold\":{\"field\":[\"\"],\"value\":3,\"cardinality\":"
	    "[{\"field\":\"process.args\",\"value\":2}]}}\n");
	assert_int_equal(load(t, "a.ndjson"), 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
	assert_int_equal(rule_of(t, "n")->kind, RULE_NEW_TERMS);
	assert_int_equal(rule_of(t, "t")->kind, RULE_THRESHOLD);
}

/* ---- folders ----------------------------------------------------------------
 */

static void
test_folder(void **state)
{
	struct place_of_test *t = *state;
	char path[256], target[256];

	assert_int_equal(mkdir(path_of(t, "b", path), 0700), 0);
	put(t, "c.yml", "rule_id: c\n" HEAD "query: any where true\n");
	put(t, "a.yml", "rule_id: a\n" HEAD "query: any where true\n");
	put(t, "b/x.yaml", "rule_id: b\n" HEAD "query: any where true\n");
	put(t, ".hidden.yml", "rule_id: h\n");
	put(t, "a.t", "no rule");
	put(t, "README.md", "no rule");
	assert_int_equal(load(t, ""), 0);
	assert_int_equal(rules_count(t->rules), 3);
	expect_text(rules_at(t->rules, 0)->id, "a");
	expect_text(rules_at(t->rules, 1)->id, "b");
	expect_text(rules_at(t->rules, 2)->id, "c");
	/* A link inside a folder is not followed, and said so. */
	assert_int_equal(symlink("c.yml", path_of(t, "d.yml", path)), 0);
	assert_int_equal(mkfifo(path_of(t, "e.yml", path), 0600), 0);
	rules_free(t->rules);
	t->rules = rules_new(&schema);
	assert_int_equal(load(t, ""), 2);
	assert_int_equal(rules_count(t->rules), 3);
	expect_error(t, 0, 0, 0, "symbolic link");
	expect_error(t, 1, 0, 0, "not a regular file");
	/* A link that the user names is. */
	path_of(t, "link", path);
	path_of(t, "b", target);
	assert_int_equal(symlink(target, path), 0);
	rules_free(t->rules);
	t->rules = rules_new(&schema);
	assert_int_equal(load(t, "link"), 0);
	assert_int_equal(rules_count(t->rules), 1);
}

static void
test_unreadable(void **state)
{
	struct place_of_test *t = *state;
	struct buf big = { 0 };
	char path[256];

	assert_int_equal(load(t, "none"), -1);
	expect_error(t, 0, 0, 0, "cannot open: No such file");
	put(t, "a.txt", "rule_id: a\n");
	assert_int_equal(load(t, "a.txt"), -1);
	expect_error(t, 1, 0, 0, "is no rule file");
	assert_int_equal(mkfifo(path_of(t, "f.yml", path), 0600), 0);
	assert_int_equal(load(t, "f.yml"), -1);
	expect_error(t, 2, 0, 0, "not a regular file");
	for (size_t i = 0; i <= LOAD_MAX_YAML_BYTES; i += 16)
		buf_puts(&big, "# fifteen bytes\n");
	put_view(t, "big.yml", buf_view(&big));
	assert_int_equal(load(t, "big.yml"), -1);
	expect_error(t, 3, 0, 0, "is larger than 1048576 bytes");
	assert_int_equal(rules_count(t->rules), 0);
	buf_free(&big);
}

/* ---- exceptions ------------------------------------------------------------
 */

static int
load_exceptions(struct place_of_test *t, const char *name)
{
	char path[256];

	return rules_load_exceptions(t->rules, path_of(t, name, path), &t->err);
}

static void
test_exceptions(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml", "rule_id: a\n" HEAD "query: any where true\n");
	assert_int_equal(load(t, "a.yml"), 0);
	put(t, "one.yml",
	    "rule: a\nwhen: process.name == \"x\"\nreason: known\n"
	    "owner: operators\nexpires: 2099-12-31\n");
	put(t, "two.yml",
	    "- rule: [a, '*']\n  when: |\n    process.name : \"y*\"\n"
	    "  reason: known\n  expires: 2099-12-31T12:00:00+01:00\n"
	    "- rule: a\n  when: process.name == \"z\"\n  reason: known\n");
	put(t, "none.yml", "# nothing yet\n");
	assert_int_equal(load_exceptions(t, "one.yml"), 0);
	assert_int_equal(load_exceptions(t, "two.yml"), 0);
	assert_int_equal(load_exceptions(t, "none.yml"), 0);
	assert_int_equal(t->err.n, 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
	assert_int_equal(t->err.n, 0);
}

static void
test_wrong_exceptions(void **state)
{
	struct place_of_test *t = *state;

	put(t, "a.yml", "rule: a\nreason: r\nwen: x\nexpires: soon\n");
	put(t, "b.yml", "- 7\n- rule: {}\n  when: x\n  reason: r\n");
	put(t, "c.yml", "rule: *\n");
	assert_int_equal(load_exceptions(t, ""), 4);
	expect_error(t, 0, 3, 1, "did you mean \"when\"?");
	expect_error(t, 1, 1, 1, "\"when\" is missing");
	expect_error(t, 2, 4, 10, "must be a date such as");
	expect_error(t, 3, 1, 3, "must be a map");
	expect_error(t, 4, 2, 9, "must be a list of texts");
	expect_error(t, 5, 1, 8, "not valid YAML");
}

static void
test_exception_without_rule(void **state)
{
	struct place_of_test *t = *state;

	put(t, "x.yml",
	    "rule: nobody\nwhen: process.name == \"x\"\nreason: r\n");
	assert_int_equal(load_exceptions(t, "x.yml"), 0);
	rules_seal(t->rules, &t->err);
	assert_int_equal(t->err.n, 1);
	expect_error(t, 0, 1, 7, "there is no rule nobody");
}

/* ---- many ------------------------------------------------------------ */

/* 1,000 rules as long as a real one, in files of their own. */
static void
test_many(void **state)
{
	struct place_of_test *t = *state;
	struct buf b = { 0 };
	char name[32];

	for (unsigned i = 0; i < 1000; i++) {
		buf_clear(&b);
		buf_printf(&b,
			   "rule_id: rule-%u\n" HEAD
			   "query: |\n  process where process.name in (",
			   i);
		for (unsigned k = 0; k < 40; k++)
			buf_printf(&b, "\"program-%u\",\n    ", i * 40 + k);
		buf_puts(&b, "\"last\") and process.args : (");
		for (unsigned k = 0; k < 40; k++)
			buf_printf(&b, "\"*a%ub*\", ", i + k);
		buf_puts(&b, "\"x\")\nnote: |\n");
		for (unsigned k = 0; k < 40; k++)
			buf_puts(&b, "  A line of a guide that people read.\n");
		snprintf(name, sizeof(name), "%u.yml", i);
		put_view(t, name, buf_view(&b));
	}
	assert_int_equal(load(t, ""), 0);
	assert_int_equal(rules_seal(t->rules, &t->err), 0);
	assert_int_equal(rules_count(t->rules), 1000);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_full_rule),
		TEST(test_wrong_keys),
		TEST(test_missing_keys),
		TEST(test_wrong_values),
		TEST(test_duplicate_id),
		TEST(test_query_place),
		TEST(test_one_error_a_fault),
		TEST(test_lists),
		TEST(test_wrong_lists),
		TEST(test_export),
		TEST(test_json_files),
		TEST(test_other_types),
		TEST(test_terms_and_threshold),
		TEST(test_folder),
		TEST(test_unreadable),
		TEST(test_exceptions),
		TEST(test_wrong_exceptions),
		TEST(test_exception_without_rule),
		TEST(test_many),
	};

	return cmocka_run_group_tests_name("rules_load", tests, NULL, NULL);
}
