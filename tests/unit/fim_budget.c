/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The share of a processor, and Prometheus' text format. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fim/budget.h"
#include "fim/prom.h"

#define MS NS_PER_MS
#define S NS_PER_SEC

static void
no_limit(void **state)
{
	struct budget b;

	(void)state;
	budget_open(&b, 0, 5 * S, 0);
	assert_int_equal(budget_wait(&b, 6 * S, 900 * S), 0);
	assert_int_equal(budget_say(&b, 600 * S, true), 0);
}

static void
who_spends_waits(void **state)
{
	struct budget b;

	(void)state;
	budget_open(&b, 10, 100 * S, 7 * S);
	/* A second earns 100 ms. */
	assert_int_equal(budget_wait(&b, 101 * S, 7 * S + 100 * MS), 0);
	/* 50 ms too much is half a second. */
	assert_int_equal(budget_wait(&b, 102 * S, 7 * S + 250 * MS), 500 * MS);
	assert_int_equal(budget_wait(&b, 102 * S + 200 * MS, 7 * S + 250 * MS),
			 300 * MS);
	assert_int_equal(b.delayed_ns, 200 * MS);
	assert_int_equal(budget_wait(&b, 102 * S + 500 * MS, 7 * S + 250 * MS),
			 0);
	assert_int_equal(b.delayed_ns, 500 * MS);
	/* Time that passes without waiting is no delay. */
	assert_int_equal(budget_wait(&b, 103 * S, 7 * S + 250 * MS), 0);
	assert_int_equal(b.delayed_ns, 500 * MS);
}

static void
a_second_in_advance(void **state)
{
	struct budget b;

	(void)state;
	budget_open(&b, 10, 0, 0);
	assert_int_equal(budget_wait(&b, 1000 * S, 0), 0);
	assert_int_equal(budget_wait(&b, 1000 * S, 100 * MS), 0);
	assert_int_equal(budget_wait(&b, 1000 * S, 101 * MS), 10 * MS);
}

/* However the work comes, the share is kept. */
static void
the_share_is_kept(void **state)
{
	struct budget b;
	uint64_t now = 0, cpu = 0, waited = 0;

	(void)state;
	budget_open(&b, 5, 0, 0);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t wait = budget_wait(&b, now, cpu);
		uint64_t work = (i * 7919 % 13) * MS;

		if (wait > 0) {
			now += wait;
			waited += wait;
			continue;
		}
		now += work;
		cpu += work;
	}
	assert_true(waited > 0 && cpu > 10 * S);
	assert_in_range(cpu * 1000 / now, 49, 51);
	/* The last piece of waiting has not been settled yet. */
	assert_in_range(waited - b.delayed_ns, 0, S);
}

static void
told_once_a_minute(void **state)
{
	struct budget b;

	(void)state;
	budget_open(&b, 10, S, 0);
	b.delayed_ns = 99 * MS;
	assert_int_equal(budget_say(&b, 2 * S, false), 0);
	b.delayed_ns = 3 * S;
	assert_int_equal(budget_say(&b, 5 * S, false), 3 * S);
	assert_int_equal(budget_say(&b, 300 * S, false), 0);
	b.delayed_ns = 7 * S;
	assert_int_equal(budget_say(&b, 301 * S, false), 4 * S);
	b.delayed_ns = 8 * S;
	assert_int_equal(budget_say(&b, 360 * S, false), 0);
	assert_int_equal(budget_say(&b, 360 * S, true), S);
}

/* ---- prom ------------------------------------------------------------ */

static void
text_is(struct buf *b, const char *wanted)
{
	assert_false(b->failed);
	buf_putc(b, '\0');
	assert_string_equal(b->p, wanted);
	buf_free(b);
}

static void
families(void **state)
{
	struct buf b = { 0 };
	struct prom p = { .out = &b };

	(void)state;
	prom_family(&p, "a_total", "counter", "How many");
	prom_value(&p, 3);
	prom_family(&p, "b", "gauge", "Which");
	prom_label(&p, "x", VIEW("1"));
	prom_label(&p, "y", VIEW(""));
	prom_value(&p, 0.25);
	prom_label(&p, "x", VIEW("2"));
	prom_value(&p, 9007199254740992.0);
	text_is(&b, "# HELP a_total How many\n# TYPE a_total counter\n"
		    "a_total 3\n"
		    "# HELP b Which\n# TYPE b gauge\n"
		    "b{x=\"1\",y=\"\"} 0.25\n"
		    "b{x=\"2\"} 9007199254740992\n");
}

static void
labels_are_escaped(void **state)
{
	struct buf b = { 0 };
	struct prom p = { .out = &b, .name = "n" };

	(void)state;
	prom_label(&p, "l",
		   VIEW("a\"b\\c\nd\x01"
			"e\x7f\xff"
			"f\xc3\xa9\xe2\x82g\0h"));
	prom_value(&p, 1);
	text_is(&b, "n{l=\"a\\\"b\\\\c\\nd?e??f\xc3\xa9??g?h\"} 1\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limit),
		cmocka_unit_test(who_spends_waits),
		cmocka_unit_test(a_second_in_advance),
		cmocka_unit_test(the_share_is_kept),
		cmocka_unit_test(told_once_a_minute),
		cmocka_unit_test(families),
		cmocka_unit_test(labels_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
