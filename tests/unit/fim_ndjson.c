/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event reader: values, names, and everything RFC 8259 forbids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "fim/lines.h"
#include "fim/ndjson.h"

#define SLOTS 8

/* Fields are the letters a to h, dotted ones p.a to p.h the same. */
static int
find(void *ctx, struct view name, enum rules_type *type)
{
	size_t *asked = ctx;

	(void)type;
	++*asked;
	if (name.n == 3 && name.p[0] == 'p' && name.p[1] == '.')
		name = view_sub(name, 2, 1);
	if (name.n != 1 || name.p[0] < 'a' || name.p[0] >= 'a' + SLOTS)
		return NDJSON_IGNORE;
	return name.p[0] - 'a';
}

static void
fill(struct record *r, unsigned field)
{
	(void)r;
	(void)field;
}

struct reader {
	struct ndjson *ndjson;
	struct slot slots[SLOTS];
	struct record record;
	struct ndjson_fault fault;
	size_t asked;
	/* The text in a block of its own size, so that the sanitizer sees
	 * whoever reads past the padding. */
	char *text;
	size_t n;
};

static void
reader_open(struct reader *r)
{
	memset(r, 0, sizeof(*r));
	r->ndjson = ndjson_new(find, &r->asked, SLOTS);
	assert_non_null(r->ndjson);
	r->record.slots = r->slots;
	r->record.n_slots = SLOTS;
	r->record.fill = fill;
}

static void
reader_close(struct reader *r)
{
	ndjson_free(r->ndjson);
	free(r->text);
}

static bool
reader_parse(struct reader *r, struct view text)
{
	const char *next;

	free(r->text);
	r->n = text.n;
	r->text = malloc(text.n + 1 + NDJSON_PADDING);
	assert_non_null(r->text);
	memcpy(r->text, text.p, text.n);
	r->text[text.n] = '\n';
	memset(r->text + text.n + 1, 0, NDJSON_PADDING);
	r->record.generation++;
	next = ndjson_parse(r->ndjson, r->text, r->text + text.n + 1,
			    &r->record, &r->fault);
	if (next != NULL)
		assert_ptr_equal(next, r->text + text.n + 1);
	return next != NULL;
}

/* What the slots hold, as "a=1,"x";b=…". */
static void
reader_show(struct reader *r, struct buf *out)
{
	for (unsigned f = 0; f < SLOTS; f++) {
		const struct slot *s = record_get(&r->record, f);

		for (uint32_t i = 0; i < s->n; i++) {
			const struct value *v = &s->v[i];

			if (i == 0)
				buf_printf(out, "%s%c=", out->n ? ";" : "",
					   'a' + f);
			else
				buf_putc(out, ',');
			if (v->type == VALUE_STRING)
				buf_json_string(out, v->s);
			else if (v->type == VALUE_INT)
				buf_printf(out, "%lld", (long long)v->i);
			else if (v->type == VALUE_REAL)
				buf_printf(out, "~%g", v->d);
			else
				buf_puts(out, v->b ? "yes" : "no");
		}
	}
	buf_putc(out, '\0');
}

static void
shows(struct reader *r, const char *text, const char *wanted)
{
	struct buf b = { 0 };

	if (!reader_parse(r, view_of(text)))
		fail_msg("%s: refused: %s", text, r->fault.why);
	reader_show(r, &b);
	assert_string_equal(b.p, wanted);
	buf_free(&b);
}

static void
test_values(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "" },
		{ " {\t} \r", "" },
		{ "{\"a\":1}", "a=1" },
		{ "{\"a\":-0}", "a=0" },
		{ "{\"a\":\"\"}", "a=\"\"" },
		{ "{\"a\":true,\"b\":false,\"c\":null}", "a=yes;b=no" },
		{ "{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
		  "a=9223372036854775807;b=-9223372036854775808" },
		{ "{\"a\":9223372036854775808,\"b\":-9223372036854775809}",
		  "a=~9.22337e+18;b=~-9.22337e+18" },
		{ "{\"a\":99999999999999999999999}", "a=~1e+23" },
		{ "{\"a\":1.5,\"b\":-2e3,\"c\":1E+2,\"d\":0.25e-1}",
		  "a=~1.5;b=~-2000;c=~100;d=~0.025" },
		{ "{\"a\":[1,\"x\",[2,null],true]}", "a=1,\"x\",2,yes" },
		{ "{\"a\":[],\"b\":[{}]}", "" },
		{ "{\"z\":{\"a\":1,\"q\":[\"\\u0041\"]},\"b\":2}", "b=2" },
	};
	struct reader r;

	(void)state;
	reader_open(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		shows(&r, cases[i][0], cases[i][1]);
	reader_close(&r);
}

static void
test_names(void **state)
{
	struct reader r;

	(void)state;
	reader_open(&r);
	/* Twice each: the second time by memory. */
	for (int i = 0; i < 2; i++) {
		shows(&r, "{\"p\":{\"a\":1,\"b\":2}}", "a=1;b=2");
		shows(&r, "{\"p.a\":1,\"p\":{\"b\":2},\"p.c\":3}",
		      "a=1;b=2;c=3");
		shows(&r, "{\"p.a\":1,\"p\":{\"a\":2}}", "a=1,2");
		shows(&r,
		      "{\"p\":[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4},"
		      "{\"b\":5}]}",
		      "a=1,3;b=2,4,5");
		shows(&r, "{\"\\u0070\":{\"\\u0061\":1}}", "a=1");
		shows(&r, "{\"p\":{\"x\":{\"a\":1}},\"a\":2}", "a=2");
		shows(&r, "{\"p\\\".\":1,\"a\":2}", "a=2");
	}
	reader_close(&r);
}

static void
test_names_asked_once(void **state)
{
	struct reader r;
	size_t asked;

	(void)state;
	reader_open(&r);
	shows(&r, "{\"p\":{\"a\":1},\"x\":2}", "a=1");
	asked = r.asked;
	shows(&r, "{\"x\":2,\"p\":{\"a\":1}}", "a=1");
	assert_int_equal(r.asked, asked);
	reader_close(&r);
}

static void
test_strings(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
		  "a=\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
		{ "{\"a\":\"x\\u00e9y\"}", "a=\"x\xc3\xa9y\"" },
		{ "{\"a\":\"\\ud83d\\uDE00\"}", "a=\"\xf0\x9f\x98\x80\"" },
		{ "{\"a\":\"\\u0000\"}", "a=\"\\u0000\"" },
		{ "{\"a\":\"\xe2\x82\xac and more than 16 bytes\"}",
		  "a=\"\xe2\x82\xac and more than 16 bytes\"" },
		{ "{\"a\":\"0123456789abcdef0123456789abcde\\n tail\"}",
		  "a=\"0123456789abcdef0123456789abcde\\n tail\"" },
	};
	struct reader r;

	(void)state;
	reader_open(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		shows(&r, cases[i][0], cases[i][1]);
	reader_close(&r);
}

/* The stop is found wherever it lies in the 16 bytes. */
static void
test_string_lengths(void **state)
{
	struct reader r;
	char text[128], wanted[128];

	(void)state;
	reader_open(&r);
	for (int n = 0; n < 70; n++) {
		snprintf(
			text, sizeof(text), "{\"a\":\"%.*s\",\"b\":1}", n,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		snprintf(
			wanted, sizeof(wanted), "a=\"%.*s\";b=1", n,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		shows(&r, text, wanted);
	}
	reader_close(&r);
}

static void
test_refused(void **state)
{
	/* text, column of the fault */
	static const struct {
		const char *text;
		size_t column;
	} cases[] = {
		{ "", 1 },
		{ "[1]", 1 },
		{ "{", 2 },
		{ "{\"a\"", 5 },
		{ "{\"a\":", 6 },
		{ "{\"a\":1", 7 },
		{ "{\"a\":1,}", 8 },
		{ "{,}", 2 },
		{ "{\"a\":1}}", 8 },
		{ "{\"a\":1} x", 9 },
		{ "{a:1}", 2 },
		{ "{\"a\":01}", 6 },
		{ "{\"a\":-}", 7 },
		{ "{\"a\":1.}", 8 },
		{ "{\"a\":.5}", 6 },
		{ "{\"a\":1e}", 8 },
		{ "{\"a\":+1}", 6 },
		{ "{\"a\":0x1}", 7 },
		{ "{\"a\":NaN}", 6 },
		{ "{\"a\":tru}", 6 },
		{ "{\"a\":nul", 6 },
		{ "{\"a\":[1,]}", 9 },
		{ "{\"a\":[1", 8 },
		{ "{\"a\":[1}", 8 },
		{ "{\"a\":\"x", 8 },
		{ "{\"a\":\"x\\", 8 },
		{ "{\"a\":\"\\x\"}", 7 },
		{ "{\"a\":\"\\u12g4\"}", 7 },
		{ "{\"a\":\"\\udc00\"}", 7 },
		{ "{\"a\":\"\\ud800\"}", 7 },
		{ "{\"a\":\"\\ud800\\u0041\"}", 7 },
		{ "{\"a\":\"\t\"}", 7 },
		{ "{\"a\":\"\xff\"}", 7 },
		{ "{\"a\":\"\xc3\"}", 7 },
		{ "{\"a\":\"\xed\xa0\x80\"}", 7 }, /* a surrogate */
		{ "{\"\xff\":1}", 3 },
	};
	struct reader r;

	(void)state;
	reader_open(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view text = view_of(cases[i].text);

		if (reader_parse(&r, text))
			fail_msg("%s: not refused", cases[i].text);
		if ((size_t)(r.fault.at - r.text) + 1 != cases[i].column)
			fail_msg("%s: column %zu: %s", cases[i].text,
				 (size_t)(r.fault.at - r.text) + 1,
				 r.fault.why);
	}
	/* NUL is no end and no white space. */
	assert_false(reader_parse(&r, VIEW("{\"a\":1\0}")));
	assert_false(reader_parse(&r, VIEW("{\"a\":\"\0\"}")));
	assert_false(reader_parse(&r, VIEW("{\"a\":\"\\\0\"}")));
	/* A remembered name is still read as strictly. */
	assert_true(reader_parse(&r, VIEW("{\"b\\\"c\":1}")));
	assert_false(reader_parse(&r, VIEW("{\"b\"c\":1}")));
	reader_close(&r);
}

static void
put_times(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_puts(b, s);
}

static void
test_limits(void **state)
{
	struct reader r;
	struct buf b = { 0 };

	(void)state;
	reader_open(&r);
	buf_puts(&b, "{\"a\":");
	put_times(&b, "[", NDJSON_MAX_DEPTH - 1);
	put_times(&b, "]", NDJSON_MAX_DEPTH - 1);
	buf_puts(&b, "}");
	assert_true(reader_parse(&r, buf_view(&b)));
	buf_clear(&b);
	put_times(&b, "{\"a\":", NDJSON_MAX_DEPTH + 1);
	assert_false(reader_parse(&r, buf_view(&b)));
	buf_clear(&b);
	put_times(&b, "{\"a\":[", 1000000);
	assert_false(reader_parse(&r, buf_view(&b)));
	buf_clear(&b);
	buf_puts(&b, "{\"a\":[1");
	put_times(&b, ",1", NDJSON_MAX_VALUES);
	buf_puts(&b, "]}");
	assert_false(reader_parse(&r, buf_view(&b)));
	assert_string_equal(r.fault.why, "the event has too many values");
	buf_clear(&b);
	buf_puts(&b, "{\"a\":");
	put_times(&b, "1", 2000);
	buf_puts(&b, ".5}");
	assert_false(reader_parse(&r, buf_view(&b)));
	shows(&r, "{\"a\":1}", "a=1");
	buf_free(&b);
	reader_close(&r);
}

/* Names without end: one event has a cap, and memory is given back between
 * events. */
static void
test_many_names(void **state)
{
	struct reader r;
	struct buf b = { 0 };
	unsigned name = 0;

	(void)state;
	reader_open(&r);
	for (int event = 0; event < 8; event++) {
		buf_clear(&b);
		buf_puts(&b, "{\"a\":1");
		for (int i = 0; i < 20000; i++)
			buf_printf(&b, ",\"p\":{\"n%u\":2}", name++);
		buf_puts(&b, ",\"b\":3}");
		assert_true(reader_parse(&r, buf_view(&b)));
		assert_int_equal(r.slots[0].v[0].i, 1);
		assert_int_equal(r.slots[1].v[0].i, 3);
	}
	assert_true(ndjson_forgotten(r.ndjson) > 0);
	buf_clear(&b);
	buf_puts(&b, "{\"a\":1");
	for (unsigned i = 0; i <= NDJSON_MAX_NAMES; i++)
		buf_printf(&b, ",\"m%u\":2", i);
	buf_puts(&b, "}");
	assert_false(reader_parse(&r, buf_view(&b)));
	assert_string_equal(r.fault.why, "the event has too many names");
	shows(&r, "{\"a\":1}", "a=1");
	buf_free(&b);
	reader_close(&r);
}

static int
file_of(struct view text)
{
	char name[] = "/tmp/tocsin-lines-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(fd_write_all(fd, text), 0);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void
test_lines(void **state)
{
	struct lines l = { .fd = file_of(VIEW("one\n\nthree")) };
	struct view line;

	(void)state;
	assert_int_equal(lines_next(&l, &line), LINES_LINE);
	assert_true(view_eq(line, VIEW("one")));
	assert_int_equal(l.offset, 0);
	assert_int_equal(lines_next(&l, &line), LINES_LINE);
	assert_int_equal(line.n, 0);
	assert_int_equal(l.offset, 4);
	assert_int_equal(lines_next(&l, &line), LINES_LINE);
	assert_true(view_eq(line, VIEW("three")));
	assert_int_equal(line.p[5], '\n');
	assert_int_equal(l.line, 3);
	assert_int_equal(l.offset, 5);
	assert_int_equal(lines_next(&l, &line), LINES_END);
	assert_int_equal(lines_next(&l, &line), LINES_END);
	close(l.fd);
	lines_free(&l);
}

static void
test_lines_long(void **state)
{
	struct buf b = { 0 };
	struct lines l = { 0 };
	struct view line;

	(void)state;
	buf_puts(&b, "first\n");
	put_times(&b, "x", NDJSON_MAX_LINE);
	buf_puts(&b, "\n");
	put_times(&b, "y", 2 * NDJSON_MAX_LINE + 1);
	buf_puts(&b, "\nlast\n");
	l.fd = file_of(buf_view(&b));
	assert_int_equal(lines_next(&l, &line), LINES_LINE);
	assert_int_equal(lines_next(&l, &line), LINES_LINE);
	assert_int_equal(line.n, NDJSON_MAX_LINE);
	assert_int_equal(lines_next(&l, &line), LINES_LONG);
	assert_int_equal(l.line, 3);
	assert_int_equal(lines_next(&l, &line), LINES_LINE);
	assert_true(view_eq(line, VIEW("last")));
	assert_int_equal(l.offset, b.n - 5);
	assert_int_equal(l.line, 4);
	assert_int_equal(lines_next(&l, &line), LINES_END);
	close(l.fd);
	lines_free(&l);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_asked_once),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_string_lengths),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
