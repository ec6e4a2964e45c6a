/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents from YAML and JSON: values, places, and all that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <jansson.h>

#include "rules/doc.h"

struct reading {
	struct doc d;
	struct arena arena;
	struct err err;
	const struct doc_node *root;
};

static void
start(struct reading *r, struct view text, bool json)
{
	*r = (struct reading){ 0 };
	r->d = (struct doc){
		.file = "f", .source = text, .arena = &r->arena, .err = &r->err
	};
	r->root = json ? doc_read_json(&r->d) : doc_read_yaml(&r->d);
}

static void
finish(struct reading *r)
{
	arena_free(&r->arena);
	err_free(&r->err);
}

static void
expect_text(struct view v, const char *wanted)
{
	if (!view_eq(v, view_of(wanted)))
		fail_msg("\"%.*s\" instead of \"%s\"", (int)v.n, v.p, wanted);
}

/* One document, one error: where, and words of it. */
static void
expect_error(struct reading *r, unsigned line, unsigned column,
	     const char *words)
{
	const struct diag *e;

	assert_int_equal(r->err.n, 1);
	e = &r->err.v[0];
	if (view_search(e->message, view_of(words), 0) < 0)
		fail_msg("\"%.*s\" does not say \"%s\"", (int)e->message.n,
			 e->message.p, words);
	assert_int_equal(e->line, line);
	assert_int_equal(e->column, column);
	assert_string_equal(e->file, "f");
}

static void
refuse(const char *text, bool json, unsigned line, unsigned column,
       const char *words)
{
	struct reading r;

	start(&r, view_of(text), json);
	assert_null(r.root);
	expect_error(&r, line, column, words);
	finish(&r);
}

static void
expect_place(const struct doc_node *n, unsigned line, unsigned column)
{
	assert_non_null(n);
	assert_int_equal(n->line, line);
	assert_int_equal(n->column, column);
}

/* ---- YAML ------------------------------------------------------------ */

static void
test_yaml_values(void **state)
{
	struct reading r;
	const struct doc_node *n;

	(void)state;
	start(&r,
	      VIEW("a: text\n"
		   "b: 'it''s'\n"
		   "c: \"tab\\tend\"\n"
		   "d: [1, -2.5e3, true, ~, yes, '7', 0x10, .5, 1., +]\n"
		   "e: {x: {y: z}}\n"
		   "f:\n"
		   "  - one\n"
		   "  - k: v\n"),
	      false);
	assert_non_null(r.root);
	assert_int_equal(r.root->type, DOC_MAP);
	assert_int_equal(r.root->n, 6);
	expect_text(doc_get(r.root, "a")->text, "text");
	expect_text(doc_get(r.root, "b")->text, "it's");
	expect_text(doc_get(r.root, "c")->text, "tab\tend");
	n = doc_get(r.root, "d");
	assert_int_equal(n->n, 10);
	{
		static const enum doc_type types[] = {
			DOC_NUMBER, DOC_NUMBER, DOC_BOOL,   DOC_NULL,
			DOC_STRING, DOC_STRING, DOC_STRING, DOC_NUMBER,
			DOC_NUMBER, DOC_STRING,
		};

		n = n->child;
		for (size_t i = 0; i < ARRAY_LEN(types); i++, n = n->next)
			assert_int_equal(n->type, types[i]);
		assert_null(n);
	}
	n = doc_get(doc_get(doc_get(r.root, "e"), "x"), "y");
	expect_text(n->text, "z");
	n = doc_get(r.root, "f");
	assert_int_equal(n->n, 2);
	expect_text(doc_get(n->child->next, "k")->text, "v");
	assert_null(doc_get(r.root, "none"));
	assert_int_equal(r.err.n, 0);
	finish(&r);
}

static void
test_yaml_places(void **state)
{
	struct reading r;
	const struct doc_node *n;

	(void)state;
	/* Columns count bytes: the ü before `b` is two. U+2028 is a line end
	 * for libyaml, not for an editor. */
	start(&r,
	      VIEW("- \"a \xe2\x80\xa8 b\"\r\n"
		   "- 2\n"),
	      false);
	assert_non_null(r.root);
	expect_place(r.root->child->next, 2, 3);
	finish(&r);
	start(&r,
	      VIEW("# comment\r\n"
		   "a:   1\r\n"
		   "\xc3\xbc: {b: \"x\"}\n"
		   "list:\n"
		   "  - \"quoted\"\n"),
	      false);
	assert_non_null(r.root);
	expect_place(r.root, 2, 1);
	n = doc_get(r.root, "a");
	expect_place(n, 2, 6);
	assert_int_equal(n->key_line, 2);
	assert_int_equal(n->key_column, 1);
	n = doc_get(doc_get(r.root, "\xc3\xbc"), "b");
	expect_place(n, 3, 9);
	assert_int_equal(n->key_column, 6);
	assert_int_equal(n->text_column, 10);
	n = doc_get(r.root, "list")->child;
	expect_place(n, 5, 5);
	assert_int_equal(n->text_column, 6);
	expect_text(doc_place(&r.d, n).text, "  - \"quoted\"");
	finish(&r);
}

static void
test_yaml_blocks(void **state)
{
	struct reading r;
	const struct doc_node *n;

	(void)state;
	start(&r,
	      VIEW("a: |\n"
		   "    first\n"
		   "      second\n"
		   "b: |2\n"
		   "     far\n"
		   "c: |\n"
		   "\n"
		   "  late\n"
		   "d: >-\n"
		   "  folded\n"
		   "  text\n"
		   "e: |\n"),
	      false);
	assert_non_null(r.root);
	n = doc_get(r.root, "a");
	expect_text(n->text, "first\n  second\n");
	assert_true(n->block);
	assert_int_equal(n->text_line, 2);
	assert_int_equal(n->text_column, 5);
	assert_int_equal(n->block_indent, 4);
	n = doc_get(r.root, "b");
	expect_text(n->text, "   far\n");
	assert_int_equal(n->text_line, 5);
	assert_int_equal(n->block_indent, 2);
	n = doc_get(r.root, "c");
	expect_text(n->text, "\nlate\n");
	assert_int_equal(n->text_line, 7);
	assert_int_equal(n->block_indent, 2);
	n = doc_get(r.root, "d");
	expect_text(n->text, "folded text");
	assert_false(n->block);
	expect_text(doc_get(r.root, "e")->text, "");
	finish(&r);
}

static void
test_yaml_refused(void **state)
{
	(void)state;
	refuse("a: &x 1\n", false, 1, 4, "anchors");
	refuse("a: [&x 1]\n", false, 1, 5, "anchors");
	refuse("a: &x {b: 1}\n", false, 1, 4, "anchors");
	refuse("rule: *\n", false, 1, 8, "not valid YAML");
	refuse("a: *x\n", false, 1, 4, "aliases");
	refuse("a: !!str 1\n", false, 1, 4, "tags");
	refuse("a: !x [1]\n", false, 1, 4, "tags");
	refuse("a: 1\nb: 2\na: 3\n", false, 3, 1, "twice; first on line 1");
	refuse("x:\n  a: 1\n  \"a\": 3\n", false, 3, 3, "twice");
	refuse("a: 1\n---\nb: 2\n", false, 2, 1, "second document");
	refuse("a: 1\n b: 2\n", false, 2, 3, "not valid YAML");
	refuse("a:\n\t- 1\n", false, 2, 1, "not valid YAML");
	refuse("? [a]\n: b\n", false, 1, 3, "a key must be text");
	refuse("a: \"x\n", false, 2, 1, "not valid YAML");
	refuse("a: \xff\n", false, 1, 4, "not valid YAML");
	refuse("a: b\n\x01", false, 2, 1, "not valid YAML");
	refuse("a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]"
	       "]]]]]]\n",
	       false, 1, 35, "nested too deeply");
}

static void
test_yaml_empty(void **state)
{
	static const char *const texts[] = { "", "\n", "# only this\n", "---\n",
					     "~\n" };
	struct reading r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		start(&r, view_of(texts[i]), false);
		assert_non_null(r.root);
		assert_int_equal(r.root->type, DOC_NULL);
		finish(&r);
	}
	/* A byte order mark must not choose another encoding. */
	start(&r,
	      VIEW("\xff\xfe"
		   "a\0:\0 \0"
		   "1\0"),
	      false);
	assert_null(r.root);
	finish(&r);
}

/* ---- JSON ------------------------------------------------------------ */

static void
test_json_values(void **state)
{
	struct reading r;
	const struct doc_node *n;

	(void)state;
	start(&r,
	      VIEW("{\"a\": \"\\u00fc\\ud83d\\ude00\\/\\n\",\n"
		   " \"b\": [0, -1.5E+3, true, false, null, {}, []],\n"
		   " \"c\": \"x\\u0000y\"}\n"),
	      true);
	assert_non_null(r.root);
	expect_text(doc_get(r.root, "a")->text, "\xc3\xbc\xf0\x9f\x98\x80/\n");
	n = doc_get(r.root, "b");
	assert_int_equal(n->n, 7);
	expect_place(n, 2, 7);
	expect_place(n->child->next, 2, 11);
	n = doc_get(r.root, "c");
	assert_int_equal(n->text.n, 3);
	assert_int_equal(n->key_line, 3);
	finish(&r);
}

static void
test_json_first_line(void **state)
{
	struct reading r = { 0 };

	(void)state;
	r.d = (struct doc){ .file = "f",
			    .source = VIEW("{\"a\": x}"),
			    .first_line = 17,
			    .arena = &r.arena,
			    .err = &r.err };
	assert_null(doc_read_json(&r.d));
	expect_error(&r, 17, 7, "expected a value");
	finish(&r);
}

static void
test_json_refused(void **state)
{
	(void)state;
	refuse("", true, 1, 1, "expected a value");
	refuse("{\"a\": 1,}", true, 1, 9, "comma before the end");
	refuse("[1 2]", true, 1, 4, "expected , or ]");
	refuse("{\"a\" 1}", true, 1, 6, "colon");
	refuse("{a: 1}", true, 1, 2, "key in double quotes");
	refuse("{\"a\": 1} x", true, 1, 10, "something follows");
	refuse("\"\\ud800\"", true, 1, 8, "surrogate");
	refuse("\"\\udc00\"", true, 1, 8, "surrogate");
	refuse("\"\\u12g4\"", true, 1, 6, "hex digits");
	refuse("\"\\x\"", true, 1, 4, "unknown escape");
	refuse("\"a\nb\"", true, 1, 3, "control character");
	refuse("\"a\xff\"", true, 1, 3, "not UTF-8");
	refuse("\"a", true, 1, 3, "does not end");
	refuse("\"a\\", true, 1, 5, "unknown escape");
	refuse("01", true, 1, 1, "expected a value");
	refuse("[+1]", true, 1, 2, "expected a value");
	refuse("[1.]", true, 1, 2, "expected a value");
	refuse("{\"a\": 1, \"a\": 2}", true, 1, 10, "twice");
	refuse("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]"
	       "]]]]]]]",
	       true, 1, 33, "nested too deeply");
}

/* jansson is the judge of what is JSON and what a string says. */
static void
test_json_like_jansson(void **state)
{
	static const char *const texts[] = {
		"1",
		"-1",
		"-",
		"1e5",
		"1E-5",
		"1e",
		"0.0",
		"-0",
		"00",
		".5",
		"5.",
		"1.e3",
		"tru",
		"true",
		"truex",
		"null",
		"nul",
		"\"\"",
		"\"\\\"",
		"[]",
		"[,]",
		"[1,]",
		"{}",
		"{,}",
		"[1][2]",
		"[\n1]",
		" 1 ",
		"\"\\u00e9\"",
		"\"\\b\\f\"",
		"\"\\u2028\"",
		"\"\xed\xa0\x80\"",
		"\"\xc0\x80\"",
		"\"\\uD834\\uDD1E\"",
		"\"\\uD834x\"",
		"\"\x7f\"",
		"[\"a\",\"b\"]",
		"{\"a\":{\"b\":[{}]}}",
		"{\"\":1}",
		"\xef\xbb\xbf{}",
	};
	json_error_t ignored;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct reading r;
		json_t *j = json_loads(texts[i],
				       JSON_DECODE_ANY | JSON_ALLOW_NUL |
					       JSON_REJECT_DUPLICATES,
				       &ignored);

		start(&r, view_of(texts[i]), true);
		if ((j != NULL) != (r.root != NULL))
			fail_msg("jansson thinks otherwise of %s", texts[i]);
		if (j != NULL && json_is_string(j))
			expect_text(r.root->text, json_string_value(j));
		json_decref(j);
		finish(&r);
	}
}

/* ---- getters --------------------------------------------------------- */

static void
test_getters(void **state)
{
	struct reading r;
	struct view v = VIEW("kept");
	struct doc_texts texts = { 0 };
	const struct doc_node *n = NULL;
	int64_t i = 7;
	uint64_t ns = 0;
	bool b = false;

	(void)state;
	start(&r,
	      VIEW("text: x\nnumber: 42\nyes: true\nlist: [a, 2]\n"
		   "map: {k: v}\ntime: 90s\nnothing: ~\n"),
	      false);
	assert_int_equal(doc_get_text(&r.d, r.root, "none", DOC_OPTIONAL, &v),
			 0);
	expect_text(v, "kept");
	assert_int_equal(
		doc_get_text(&r.d, r.root, "nothing", DOC_OPTIONAL, &v), 0);
	assert_int_equal(doc_get_text(&r.d, r.root, "text", DOC_REQUIRED, &v),
			 1);
	expect_text(v, "x");
	assert_int_equal(doc_get_text(&r.d, r.root, "number", DOC_REQUIRED, &v),
			 1);
	expect_text(v, "42");
	assert_int_equal(doc_get_int(&r.d, r.root, "number",
				     (struct doc_range){ 0, 42 }, &i),
			 1);
	assert_int_equal(i, 42);
	assert_int_equal(doc_get_bool(&r.d, r.root, "yes", DOC_REQUIRED, &b),
			 1);
	assert_true(b);
	assert_int_equal(
		doc_get_texts(&r.d, r.root, "list", DOC_REQUIRED, &texts), 1);
	assert_int_equal(texts.n, 2);
	expect_text(texts.v[1], "2");
	assert_int_equal(
		doc_get_texts(&r.d, r.root, "text", DOC_REQUIRED, &texts), 1);
	assert_int_equal(texts.n, 1);
	assert_int_equal(doc_get_map(&r.d, r.root, "map", DOC_REQUIRED, &n), 1);
	assert_int_equal(doc_get_list(&r.d, r.root, "list", DOC_REQUIRED, &n),
			 1);
	assert_int_equal(
		doc_get_duration(&r.d, r.root, "time", DOC_REQUIRED, &ns), 1);
	assert_true(ns == 90 * NS_PER_SEC);
	assert_int_equal(r.err.n, 0);
	finish(&r);
}

static void
test_getters_refuse(void **state)
{
	struct reading r;
	struct view v = VIEW_NONE;
	struct doc_texts texts = { 0 };
	const struct doc_node *n = NULL;
	int64_t i = 7;
	uint64_t ns;
	bool b;

	(void)state;
	start(&r, VIEW("l: [a, [b]]\nt: ' '\nn: 1.5\nm: {}\n"), false);
	assert_int_equal(doc_get_text(&r.d, r.root, "l", DOC_OPTIONAL, &v), -1);
	assert_int_equal(doc_get_text(&r.d, r.root, "t", DOC_REQUIRED, &v), -1);
	assert_int_equal(doc_get_text(&r.d, r.root, "x", DOC_REQUIRED, &v), -1);
	assert_int_equal(
		doc_get_int(&r.d, r.root, "n", (struct doc_range){ 0, 9 }, &i),
		-1);
	assert_int_equal(doc_get_bool(&r.d, r.root, "t", DOC_REQUIRED, &b), -1);
	assert_int_equal(doc_get_texts(&r.d, r.root, "l", DOC_REQUIRED, &texts),
			 -1);
	assert_int_equal(doc_get_texts(&r.d, r.root, "m", DOC_REQUIRED, &texts),
			 -1);
	assert_int_equal(doc_get_list(&r.d, r.root, "m", DOC_REQUIRED, &n), -1);
	assert_int_equal(doc_get_map(&r.d, r.root, "l", DOC_REQUIRED, &n), -1);
	assert_int_equal(doc_get_duration(&r.d, r.root, "n", DOC_REQUIRED, &ns),
			 -1);
	assert_int_equal(r.err.n, 10);
	assert_int_equal(r.err.v[5].line, 1);
	assert_int_equal(r.err.v[5].column, 8);
	assert_int_equal(i, 7);
	finish(&r);
}

static void
test_durations(void **state)
{
	uint64_t ns;

	(void)state;
	assert_true(duration_read(VIEW("500ms"), &ns) && ns == 500000000);
	assert_true(duration_read(VIEW("2w"), &ns) &&
		    ns == 14 * 86400 * NS_PER_SEC);
	assert_false(duration_read(VIEW("5"), &ns));
	assert_false(duration_read(VIEW("m"), &ns));
	assert_false(duration_read(VIEW("-5m"), &ns));
	assert_false(duration_read(VIEW("5M"), &ns));
	assert_false(duration_read(VIEW("99999999999999999d"), &ns));
}

static void
test_unknown_keys(void **state)
{
	static const char *const known[] = { "rule_id", "severity", "query" };
	struct reading r;

	(void)state;
	start(&r, VIEW("rule_id: a\nserverity: low\n\"x\\ty\": 1\n"), false);
	assert_int_equal(doc_check_keys(&r.d, r.root, known, ARRAY_LEN(known)),
			 2);
	assert_int_equal(r.err.v[0].line, 2);
	expect_text(r.err.v[0].message,
		    "unknown key \"serverity\"; did you mean \"severity\"?");
	expect_text(r.err.v[1].message, "unknown key \"x\\x09y\"");
	finish(&r);
	assert_null(name_nearest(VIEW("zzzzzz"), known, ARRAY_LEN(known)));
	assert_string_equal(name_nearest(VIEW("qeury"), known, 3), "query");
	assert_string_equal(name_nearest(VIEW("Rule_ID"), known, 3), "rule_id");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_yaml_values),
		cmocka_unit_test(test_yaml_places),
		cmocka_unit_test(test_yaml_blocks),
		cmocka_unit_test(test_yaml_refused),
		cmocka_unit_test(test_yaml_empty),
		cmocka_unit_test(test_json_values),
		cmocka_unit_test(test_json_first_line),
		cmocka_unit_test(test_json_refused),
		cmocka_unit_test(test_json_like_jansson),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_getters_refuse),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_unknown_keys),
	};

	return cmocka_run_group_tests_name("rules_doc", tests, NULL, NULL);
}
