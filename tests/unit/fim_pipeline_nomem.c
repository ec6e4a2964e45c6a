/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an event to its alert when the Nth allocation fails, for N = 1, 2, …
 * until all succeed: the alert says the same as ever, or what it lacks is
 * counted. malloc is replaced in this program, which a sanitizer does not like:
 * there the test is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fim/fields.h"
#include "fim/pipeline.h"
#include "tests/unit/nomem_help.h"

struct run {
	struct host host;
	struct rules *rules;
	struct buf said; /* lines of alerts */
	uint64_t counted;
};

static void
take_alert(void *ctx, const struct alert *a)
{
	struct run *r = ctx;

	alert_format_json(a, &r->said);
}

/* A shell that runs a program twice. */
static void
act(struct pipeline *p)
{
	static const char path[] = "/usr/bin/id\0-u";
	struct event e = { .attribution = ATTRIBUTION_KERNEL, .pidfd = -1 };

	e.kind = EVENT_EXEC;
	e.key = (struct proc_key){ 9, 901 };
	e.exec.given = e.exec.interp = e.exec.image = VIEW("/bin/bash");
	pipeline_take(p, &e);
	for (uint32_t pid = 10; pid < 12; pid++) {
		e.kind = EVENT_FORK;
		e.time_ns = pid * 1000;
		e.key = (struct proc_key){ pid, pid * 100 + 1 };
		e.proc.parent = (struct proc_key){ 9, 901 };
		pipeline_take(p, &e);
		e.kind = EVENT_EXEC;
		e.time_ns += 100;
		e.exec.given = e.exec.interp = e.exec.image = view_of(path);
		e.exec.args = (struct view){ path, sizeof(path) };
		e.exec.argc = 2;
		pipeline_take(p, &e);
	}
	pipeline_finish(p);
}

/* True: the allocation that was to fail has. */
static bool
run(struct run *r, unsigned long n)
{
	struct pipeline_config config = { .host = &r->host,
					  .alerts = { take_alert, r } };
	struct pipeline *p = pipeline_new(&config);
	struct pipeline_counters c;
	bool failed;

	assert_non_null(p);
	assert_int_equal(pipeline_use_rules(p, r->rules), 0);
	buf_clear(&r->said);
	countdown = n;
	act(p);
	failed = n > 0 && countdown == 0;
	countdown = 0;
	c = pipeline_count(p);
	r->counted = c.alerts_lost + c.incomplete +
		     pipeline_rules_count(p).no_memory +
		     pipeline_procs_count(p).no_memory + r->said.failed;
	pipeline_free(p);
	return failed;
}

static struct rules *
two_rules(void)
{
	static const char *const queries[] = {
		"process where event.action == \"exec\" and"
		" process.name == \"id\"",
		"sequence by process.parent.name with maxspan=1h"
		" [process where event.action == \"exec\"]"
		" [process where event.action == \"exec\"]",
	};
	struct rules *rules = rules_new(fields_schema());
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++)
		assert_int_equal(rules_add_query(rules, i == 0 ? "one" : "two",
						 view_of(queries[i]), false,
						 &err),
				 0);
	assert_int_equal(rules_seal(rules, &err), 0);
	return rules;
}

static void
test_every_allocation(void **state)
{
	struct run r = { .host = { .id = VIEW("host"),
				   .boot = VIEW("b00t"),
				   .wall_offset_ns = NS_PER_SEC } };
	struct buf whole = { 0 };
	unsigned long n, lacking = 0;

	(void)state;
	skip_without_nomem();
	r.rules = two_rules();
	assert_false(run(&r, 0));
	assert_int_equal(r.counted, 0);
	buf_put(&whole, buf_view(&r.said));
	assert_true(view_search(buf_view(&whole), VIEW("\"message\":\"two"),
				0) > 0);
	for (n = 1; run(&r, n); n++) {
		if (view_eq(buf_view(&r.said), buf_view(&whole)))
			continue;
		lacking++;
		if (r.counted == 0)
			fail_msg("%lu: in silence:\n%.*swhole:\n%.*s", n,
				 (int)r.said.n, r.said.p, (int)whole.n,
				 whole.p);
	}
	assert_true(n > 20 && lacking > 10);
	buf_free(&whole);
	buf_free(&r.said);
	rules_free(r.rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
