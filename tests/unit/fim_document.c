/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recorded events as records: what was encoded reads back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fim/document.h"
#include "fim/fields.h"

struct reader {
	struct rules *rules;
	struct document *document;
	struct ndjson_fault fault;
	char *text;
};

static void
reader_open(struct reader *r, const char *time, const char *id)
{
	struct err err = { 0 };

	*r = (struct reader){ .rules = rules_new(fields_schema()) };
	assert_non_null(r->rules);
	assert_int_equal(rules_seal(r->rules, &err), 0);
	r->document = document_new(r->rules, time, id);
	assert_non_null(r->document);
}

static void
reader_close(struct reader *r)
{
	document_free(r->document);
	rules_free(r->rules);
	free(r->text);
}

static enum document_verdict
reader_read(struct reader *r, const char *line)
{
	size_t n = strlen(line);

	free(r->text);
	r->text = malloc(n + 1 + NDJSON_PADDING);
	assert_non_null(r->text);
	memcpy(r->text, line, n);
	memset(r->text + n, '\n', 1 + NDJSON_PADDING);
	return document_read(r->document, (struct view){ r->text, n },
			     &r->fault);
}

static const char ours[] =
	"{\"@timestamp\":\"2026-01-01T00:00:00.000000001Z\","
	"\"event\":{\"kind\":\"event\",\"category\":[\"process\"],"
	"\"type\":[\"start\"],\"action\":\"exec\",\"id\":\"e-1\","
	"\"sequence\":7},\"agent\":{\"type\":\"tocsin\"},"
	"\"process\":{\"pid\":12,\"name\":\"x \\\"\\u0001\\\\\xc3\xa9\","
	"\"executable\":\"/srv/x\",\"args\":[\"./x\",\"\"],"
	"\"interactive\":false,\"parent\":{\"pid\":1}},"
	"\"file\":{\"Ext\":{\"entropy\":7.25}},"
	"\"tocsin\":{\"process\":{\"exec_path\":\"./x\"},"
	"\"event\":{\"aliases\":[\"exec_event\",\"start\"]}}}";

static void
test_round_trip(void **state)
{
	struct reader r;
	struct buf again = { 0 };

	(void)state;
	reader_open(&r, "@timestamp", "event.id");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(reader_read(&r, ours), DOCUMENT_EVENT);
		buf_clear(&again);
		fields_encode(document_record(r.document), NULL, &again);
		buf_putc(&again, '\0');
		assert_string_equal(again.p, ours);
	}
	buf_free(&again);
	reader_close(&r);
}

static void
test_aliases(void **state)
{
	struct reader r;
	struct record *record;
	const struct slot *s;
	char *theirs;

	(void)state;
	reader_open(&r, "@timestamp", "event.id");
	assert_int_equal(reader_read(&r, ours), DOCUMENT_EVENT);
	record = document_record(r.document);
	s = record_get(record, FIELD_EVENT_ACTION);
	assert_int_equal(s->n, 3);
	assert_true(view_eq(s->v[0].s, VIEW("exec")));
	assert_true(view_eq(s->v[2].s, VIEW("start")));
	s = record_get(record, FIELD_PROCESS_EXECUTABLE);
	assert_int_equal(s->n, 2);
	assert_true(view_eq(s->v[1].s, VIEW("./x")));
	/* Somebody else's event keeps what it says. */
	theirs = strdup(ours);
	assert_non_null(theirs);
	memcpy(strstr(theirs, "tocsin"), "sensor", 6);
	assert_int_equal(reader_read(&r, theirs), DOCUMENT_EVENT);
	s = record_get(document_record(r.document), FIELD_EVENT_ACTION);
	assert_int_equal(s->n, 1);
	free(theirs);
	reader_close(&r);
}

static void
test_times(void **state)
{
	static const struct {
		const char *line;
		enum document_verdict verdict;
		bool has;
		uint64_t ns;
	} cases[] = {
		{ "{\"t\":5}", DOCUMENT_EVENT, true, 5 },
		{ "{\"t\":\"5\"}", DOCUMENT_EVENT, true, 5 },
		{ "{\"t\":\"1970-01-01T00:00:01Z\"}", DOCUMENT_EVENT, true,
		  NS_PER_SEC },
		{ "{\"t\":[7,8]}", DOCUMENT_EVENT, true, 7 },
		{ "{\"t\":null}", DOCUMENT_EVENT, false, 0 },
		{ "{}", DOCUMENT_EVENT, false, 0 },
		{ "{\"t\":-5}", DOCUMENT_FAULT, false, 0 },
		{ "{\"t\":5.5}", DOCUMENT_FAULT, false, 0 },
		{ "{\"t\":true}", DOCUMENT_FAULT, false, 0 },
		{ "{\"t\":\"now\"}", DOCUMENT_FAULT, false, 0 },
	};
	struct reader r;
	uint64_t ns;

	(void)state;
	reader_open(&r, "t", "n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (reader_read(&r, cases[i].line) != cases[i].verdict)
			fail_msg("%s", cases[i].line);
		if (cases[i].verdict != DOCUMENT_EVENT)
			continue;
		ns = 0;
		assert_int_equal(document_time(r.document, &ns), cases[i].has);
		assert_true(ns == cases[i].ns);
	}
	reader_close(&r);
}

static void
put_value(struct buf *b, const struct value *v)
{
	if (v->type == VALUE_STRING)
		buf_json_string(b, v->s);
	else if (v->type == VALUE_INT)
		buf_printf(b, "%lld", (long long)v->i);
	else if (v->type == VALUE_REAL)
		buf_json_double(b, v->d);
	else
		buf_puts(b, v->b ? "true" : "false");
}

static void
test_ids(void **state)
{
	static const struct {
		const char *json, *id;
	} cases[] = {
		{ "9", "9" },
		{ "null", "null" },
		{ "[]", "null" },
		{ " 1.50 ", "1.50" },
		{ "1e3", "1e3" },
		{ "12345678901234567890", "12345678901234567890" },
		{ "[-0,2]", "-0" },
		{ "true", "true" },
		{ "\"\"", "\"\"" },
		{ "\"7\"", "\"7\"" },
		{ "\"a\\u0041\\/\\u0007\"", "\"aA/\\u0007\"" },
	};
	/* A string; a number, which keeps its type for rules; unknown. */
	static const char *const names[] = { "event.id", "process.pid", "x.y" };
	struct reader r;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		reader_open(&r, "@timestamp", names[k]);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct buf line = { 0 };

			buf_printf(&line, "{\"%s\":%s}", names[k],
				   cases[i].json);
			buf_putc(&line, '\0');
			assert_int_equal(reader_read(&r, line.p),
					 DOCUMENT_EVENT);
			buf_free(&line);
			for (int twice = 0; twice < 2; twice++)
				if (!view_eq(document_id(r.document),
					     view_of(cases[i].id)))
					fail_msg("%s: %s", names[k],
						 cases[i].json);
		}
		reader_close(&r);
	}
	reader_open(&r, "n", "n"); /* one field for both */
	assert_int_equal(reader_read(&r, "{\"n\":9}"), DOCUMENT_EVENT);
	assert_true(view_eq(document_id(r.document), VIEW("9")));
	/* Alerts name events by event.id: it is lent. */
	assert_int_equal(
		record_get(document_record(r.document), FIELD_EVENT_ID)->n, 1);
	reader_close(&r);
}

/* Values have their field's type, whatever the JSON's is. */
static void
test_types(void **state)
{
	static const struct {
		unsigned field;
		const char *json, *seen;
	} cases[] = {
		{ FIELD_USER_ID, "1", "\"1\"" },
		{ FIELD_USER_ID, "\"1\"", "\"1\"" },
		{ FIELD_USER_ID, "1.0", "\"1.0\"" },
		{ FIELD_USER_ID, "[1E3,true,-0]", "[\"1E3\",\"true\",\"-0\"]" },
		{ FIELD_USER_ID, "18446744073709551616",
		  "\"18446744073709551616\"" },
		{ FIELD_MESSAGE, "12", "\"12\"" },
		{ FIELD_PROCESS_PID, "12", "12" },
		{ FIELD_PROCESS_PID, "\"12\"", "12" },
		{ FIELD_PROCESS_PID, "\"-0012\"", "-12" },
		{ FIELD_PROCESS_PID, "\"\\u00312\"", "12" },
		{ FIELD_PROCESS_PID, "[12.0,\"12.0\",\"1e2\"]", "[12,12,100]" },
		{ FIELD_PROCESS_PID, "\"\"", "\"\"" },
		{ FIELD_PROCESS_PID, "\"12 \"", "\"12 \"" },
		{ FIELD_PROCESS_PID, "\"twelve\"", "\"twelve\"" },
		{ FIELD_PROCESS_PID, "1.5", "1.5" },
		{ FIELD_PROCESS_PID, "1e300", "1e+300" },
		{ FIELD_FILE_ENTROPY, "\"7.25\"", "7.25" },
		{ FIELD_FILE_ENTROPY, "\"inf\"", "\"inf\"" },
		{ FIELD_PROCESS_INTERACTIVE, "\"true\"", "true" },
		{ FIELD_PROCESS_INTERACTIVE, "\"false\"", "false" },
		{ FIELD_PROCESS_INTERACTIVE, "\"yes\"", "\"yes\"" },
		{ FIELD_DESTINATION_IP, "\"10.0.0.1\"", "\"10.0.0.1\"" },
	};
	struct reader r;

	(void)state;
	reader_open(&r, "@timestamp", "event.id");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf line = { 0 }, seen = { 0 };
		const struct slot *s;

		buf_printf(&line, "{\"%s\":%s}", field_name(cases[i].field),
			   cases[i].json);
		buf_putc(&line, '\0');
		assert_int_equal(reader_read(&r, line.p), DOCUMENT_EVENT);
		s = record_get(document_record(r.document), cases[i].field);
		for (uint32_t k = 0; k < s->n; k++) {
			buf_puts(&seen, k > 0 ? "," : s->n > 1 ? "[" : "");
			put_value(&seen, &s->v[k]);
		}
		buf_puts(&seen, s->n > 1 ? "]" : "");
		if (!view_eq(buf_view(&seen), view_of(cases[i].seen)))
			fail_msg("%s gives %.*s", line.p, (int)seen.n, seen.p);
		buf_free(&line);
		buf_free(&seen);
	}
	reader_close(&r);
}

static void
take_term(void *ctx, const struct document_term *term)
{
	unsigned *n = ctx;

	assert_true(view_eq(term->rule, VIEW("r")));
	assert_int_equal(term->key[15], 0xff);
	assert_true(term->last_seen_ns == 5 + *n);
	++*n;
}

static void
test_trace(void **state)
{
	static const char *const damaged[] = {
		"{\"tocsin.trace\":{\"version\":1,\"terms\":[{\"rule\":\"r\"}]}"
		"}",
		"{\"tocsin.trace\":{\"version\":1,\"terms\":[{\"rule\":\"r\","
		"\"key\":\"00\",\"last_seen_ns\":1}]}}",
		"{\"tocsin.trace\":{\"version\":1,\"terms\":[{\"rule\":7,"
		"\"key\":\"000000000000000000000000000000ff\","
		"\"last_seen_ns\":1}]}}",
	};
	struct reader r;
	uint64_t until;
	unsigned n = 0;

	(void)state;
	reader_open(&r, "@timestamp", "event.id");
	assert_int_equal(
		reader_read(&r,
			    "{\"tocsin\":{\"trace\":{\"version\":1,"
			    "\"learn_until_ns\":3,\"terms\":[{\"rule\":\"r\","
			    "\"key\":\"000000000000000000000000000000ff\","
			    "\"last_seen_ns\":5},{\"rule\":\"r\","
			    "\"key\":\"000000000000000000000000000000ff\","
			    "\"last_seen_ns\":6}]}}}"),
		DOCUMENT_TRACE);
	assert_int_equal(document_learning(r.document, &until, &r.fault), 0);
	assert_int_equal(until, 3);
	assert_int_equal(document_terms(r.document, take_term, &n, &r.fault),
			 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		assert_int_equal(reader_read(&r, damaged[i]), DOCUMENT_TRACE);
		assert_int_equal(
			document_terms(r.document, take_term, &n, &r.fault),
			-1);
		assert_non_null(r.fault.why);
	}
	assert_int_equal(reader_read(&r, "{\"tocsin.trace.version\":2}"),
			 DOCUMENT_TRACE);
	assert_int_equal(document_learning(r.document, &until, &r.fault), -1);
	reader_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
