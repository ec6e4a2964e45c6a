/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading and compiling rules when the Nth allocation from an arena fails,
 * for N = 1, 2, … until all succeed: nothing crashes, nothing leaks (a
 * sanitizer build sees it), and no failure passes for a loaded rule.
 */
#include <stdlib.h>

/* The real ones under another name; ours, which count, are below. */
#define arena_alloc real_alloc
#define arena_zalloc real_zalloc
#define arena_array real_array
#define arena_copy real_copy
#define arena_printf real_printf
#define arena_vprintf real_vprintf
#include "scan/base.h"
#include "scan/arena.c"
#undef arena_alloc
#undef arena_zalloc
#undef arena_array
#undef arena_copy
#undef arena_printf
#undef arena_vprintf

void *arena_alloc(struct arena *, size_t n);
void *arena_zalloc(struct arena *, size_t n);
void *arena_array(struct arena *, size_t n, size_t size);
struct view arena_copy(struct arena *, struct view);
struct view arena_printf(struct arena *, const char *fmt, ...)
	PRINTF_LIKE(2, 3);
struct view arena_vprintf(struct arena *, const char *fmt, va_list)
	PRINTF_LIKE(2, 0);

#include "rules/load.h"

#include <setjmp.h>
#include <cmocka.h>

static unsigned long countdown; /* 0: never fail */

static bool
fails(void)
{
	return countdown > 0 && --countdown == 0;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return fails() ? NULL : real_alloc(a, n);
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	return fails() ? NULL : real_zalloc(a, n);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	return fails() ? NULL : real_array(a, n, size);
}

struct view
arena_copy(struct arena *a, struct view v)
{
	return fails() && v.n > 0 ? VIEW_NONE : real_copy(a, v);
}

struct view
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	return fails() ? VIEW_NONE : real_vprintf(a, fmt, ap);
}

struct view
arena_printf(struct arena *a, const char *fmt, ...)
{
	struct view v;
	va_list ap;

	va_start(ap, fmt);
	v = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return v;
}

static const struct rules_field fields[] = {
	{ "event.category", RULES_KEYWORD, NULL },
	{ "process.name", RULES_KEYWORD, NULL },
	{ "process.args", RULES_KEYWORD, NULL },
	{ "destination.ip", RULES_IP, NULL },
	{ "flag", RULES_BOOL, NULL },
	{ "process.entity_id", RULES_KEYWORD, NULL },
};
static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields) };

static const char rule_text[] =
	"rule_id: a\nname: A\ntype: eql\nseverity: low\nrisk_score: 21\n"
	"query: |\n  process where process.name in (${shells}, \"x\") and\n"
	"    process.args : \"*a*\"\n"
	"threat:\n- tactic: {id: TA1, name: T}\n"
	"  technique: [{id: T1, name: X, subtechnique: [{id: T1.1, name: "
	"Y}]}]\n"
	"tags: [a, b]\ninvestigate: [{label: l, query: \"SELECT 1\"}]\n"
	"lists: {shells: [sh, bash]}\n";
static const char export_text[] =
	"{\"rule_id\":\"b\",\"name\":\"\\u00fc\",\"type\":\"new_terms\","
	"\"language\":\"kuery\",\"query\":\"process.name: x\\nor "
	"process.args: y\",\"severity\":\"low\",\"risk_score\":1,"
	"\"new_terms_fields\":[\"process.name\"],"
	"\"history_window_start\":\"now-7d\"}\n"
	"{\"rule_id\":\"c\",\"name\":\"C\",\"type\":\"threshold\","
	"\"language\":\"kuery\",\"query\":\"process.name: x\","
	"\"severity\":\"low\",\"risk_score\":1,"
	"\"threshold\":{\"field\":[\"process.name\"],\"value\":3}}\n"
	"{\"rule_id\":\"d\",\"name\":\"D\",\"type\":\"eql\",\"query\":\""
	"sequence by process.name with maxspan=5s "
	"[any where length(process.args) > 3 and not flag] with runs=2 "
	"![any where cidrmatch(destination.ip, \\\"10.0.0.0/8\\\")] "
	"[any where process.args regex~ \\\"a.*b\\\" or process.name like \\\"x*\\\"] "
	"until [any where process.name == null and not descendant of "
	"[any where process.name == \\\"x\\\"]]\","
	"\"severity\":\"low\",\"risk_score\":1}\n"
	"{\"type\":\"alert\",\"attributes\":{\"name\":\"E\",\"tags\":[\"t\"],"
	"\"alertTypeId\":\"siem.queryRule\",\"params\":{\"ruleId\":\"e\","
	"\"language\":\"kuery\",\"query\":\"process.name: x\","
	"\"severity\":\"low\",\"riskScore\":1,\"exceptionsList\":["
	"{\"list_id\":\"l\"}],\"alertSuppression\":{\"groupBy\":"
	"[\"process.name\"],\"duration\":{\"value\":5,\"unit\":\"m\"}}}}}\n"
	"{\"item_id\":\"i\",\"list_id\":\"l\",\"entries\":["
	"{\"field\":\"process\",\"type\":\"nested\",\"entries\":["
	"{\"field\":\"name\",\"operator\":\"included\","
	"\"type\":\"match_any\",\"value\":[\"a\",\"b\"]}]},"
	"{\"field\":\"process.args\",\"operator\":\"excluded\","
	"\"type\":\"wildcard\",\"value\":\"a\\\\*?\"}]}\n"
	"{\"type\":\"dashboard\",\"attributes\":{\"title\":\"D\"}}\n";
static const char exception_text[] =
	"- rule: [a, c]\n  when: process.name == \"x\"\n  reason: r\n"
	"  expires: 2099-01-01\n";

static int
read_text(struct load_file *f, const char *path, const char *text,
	  load_reader *reader)
{
	int result;

	f->path = path;
	f->text = view_of(text);
	result = reader(f);
	arena_reset(f->arena);
	return result;
}

/* How many rules are usable; -1 if anything was reported. */
static int
load_all(struct err *err)
{
	struct arena arena = { 0 };
	struct load_file f = { .err = err, .arena = &arena };
	int usable = 0, broken;

	f.rules = rules_new(&schema);
	if (f.rules == NULL)
		return -1;
	broken = read_text(&f, "a.yml", rule_text, rulefile_read);
	broken |= read_text(&f, "b.ndjson", export_text, rulefile_read);
	broken |= read_text(&f, "x.yml", exception_text, exceptions_read);
	if (rules_seal(f.rules, err) != 0 || f.broken > 0)
		broken = -1;
	for (size_t i = 0; i < rules_count(f.rules); i++)
		usable += rules_at(f.rules, i)->status == RULE_OK;
	rules_free(f.rules);
	arena_free(&arena);
	return broken != 0 || err->n + err->dropped > 0 ? -1 : usable;
}

static void
test_nth_allocation(void **state)
{
	unsigned long n, left = 0;

	(void)state;
	for (n = 1; left == 0; n++) {
		struct err err = { 0 };
		int usable;

		countdown = n;
		usable = load_all(&err);
		left = countdown;
		countdown = 0;
		if (usable != 5 && usable != -1)
			fail_msg("allocation %lu: %d of 5 rules, and nothing "
				 "was said",
				 n, usable);
		if (left > 0)
			assert_int_equal(usable, 5);
		err_free(&err);
	}
	print_message("%lu allocations\n", n);
	assert_true(n > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nth_allocation),
	};

	return cmocka_run_group_tests_name("rules_nomem", tests, NULL, NULL);
}
