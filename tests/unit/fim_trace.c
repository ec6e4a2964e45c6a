/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a trace's header says is what replay reads, however much it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "fim/document.h"
#include "fim/fields.h"
#include "fim/lines.h"
#include "fim/trace.h"

#define TERMS 25000

struct counted {
	unsigned n;
	uint64_t last_seen_sum;
};

static void
count_term(void *ctx, const struct document_term *term)
{
	struct counted *c = ctx;

	assert_true(view_eq(term->rule, VIEW("a \"rule\"")));
	c->n++;
	c->last_seen_sum += term->last_seen_ns;
}

static void
write_trace(const char *folder, const char *path)
{
	struct err err = { 0 };
	struct trace trace = { .fd = -1 };
	struct state *state = state_open(folder, &err);
	uint8_t key[16] = { 0 };

	assert_non_null(state);
	for (unsigned i = 0; i < TERMS; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(
			state_add_term(state, VIEW("a \"rule\""), key, i), 0);
	}
	assert_int_equal(trace_open(&trace, path, state, 77, &err), 0);
	trace_close(&trace, 99);
	state_close(state);
	assert_int_equal(err.n, 0);
}

static void
read_trace(const char *path, struct counted *counted)
{
	struct err err = { 0 };
	struct lines lines = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct rules *rules = rules_new(fields_schema());
	struct ndjson_fault fault;
	struct document *d;
	struct view line;
	uint64_t until, end, last_end = 0;

	assert_true(lines.fd >= 0);
	assert_int_equal(rules_seal(rules, &err), 0);
	d = document_new(rules, "@timestamp", "event.id");
	assert_non_null(d);
	while (lines_next(&lines, &line) == LINES_LINE) {
		assert_int_equal(document_read(d, line, &fault),
				 DOCUMENT_TRACE);
		assert_int_equal(document_learning(d, &until, &fault), 0);
		assert_int_equal(document_end(d, &end, &fault), 0);
		assert_int_equal(last_end, 0); /* the end is the last line */
		last_end = end;
		assert_int_equal(until, end == 0 ? 77 : 0);
		assert_int_equal(document_terms(d, count_term, counted, &fault),
				 0);
	}
	assert_true(lines.line > 2);
	assert_int_equal(last_end, 99);
	document_free(d);
	rules_free(rules);
	close(lines.fd);
	lines_free(&lines);
}

static void
test_header(void **state)
{
	char folder[] = "/tmp/tocsin-trace-XXXXXX", path[64], file[3][80];
	struct counted counted = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/trace", folder);
	write_trace(folder, path);
	read_trace(path, &counted);
	assert_int_equal(counted.n, TERMS);
	assert_true(counted.last_seen_sum == (uint64_t)TERMS * (TERMS - 1) / 2);
	snprintf(file[0], sizeof(file[0]), "%s/state.db", folder);
	snprintf(file[1], sizeof(file[1]), "%s/state.db-wal", folder);
	snprintf(file[2], sizeof(file[2]), "%s/state.db-shm", folder);
	for (size_t i = 0; i < ARRAY_LEN(file); i++)
		unlink(file[i]);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
