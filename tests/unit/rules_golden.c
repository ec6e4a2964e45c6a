/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiled programs as they are printed: what is tested first, what is shared
 * and how expressions are laid out changes only on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/rules.h"

static const struct rules_schema schema = { .open = true };

static void
expect(const char *query, bool kuery, const char *expected)
{
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };
	struct buf out = { 0 };

	assert_int_equal(rules_add_query(set, "q", view_of(query), kuery, &err),
			 0);
	assert_int_equal(rules_seal(set, &err), 0);
	rules_dump(set, 0, &out);
	buf_putc(&out, '\0');
	assert_false(out.failed);
	assert_string_equal(out.p, expected);
	buf_free(&out);
	rules_free(set);
	err_free(&err);
}

static void
an_event(void **state)
{
	(void)state;
	expect("process where b : (\"x*\", \"y\") and (a == 1 or not c != nu"
	       "ll) and length(d) > 3",
	       false,
	       "   0  in      1 6  event.category in (\"process\")\n"
	       "   1  exists  2 3  c exists\n"
	       "   2  in      3 6  (a == 1)\n"
	       "   3  like    4 6  b like~ (\"x*\", \"y\")\n"
	       "   4  expr    5 6  (length(d) > 3)\n"
	       "        field 0\n"
	       "        call length 1\n"
	       "        const 0\n"
	       "        gt\n"
	       "   5  accept\n"
	       "   6  reject\n");
	expect("any where (a == 1 or b == 2) and (a == 1 or c in (\"x\", \""
	       "y\"))",
	       false,
	       "   0  in      2 1  (a == 1)\n"
	       "   1  in      2 5  (b == 2)\n"
	       "   2  in      4 3  (a == 1)\n"
	       "   3  in      4 5  c in (\"x\", \"y\")\n"
	       "   4  accept\n"
	       "   5  reject\n");
	expect("any where true", false,
	       "   0  accept\n"
	       "   1  accept\n"
	       "   2  reject\n");
	expect("a: (x or y*) and not b >= 3 and c: *", true,
	       "   0  exists  1 5  c exists\n"
	       "   1  compare 5 2  (b >= 3)\n"
	       "   2  in      4 3  a in (\"x\")\n"
	       "   3  like    4 5  a like (\"y*\")\n"
	       "   4  accept\n"
	       "   5  reject\n");
}

static void
a_sequence(void **state)
{
	(void)state;
	expect("sequence by k with maxspan=1s [process where a == \"x\"] a"
	       "s e [network where b == e.a and c regex \"u.*\"] until [an"
	       "y where a : \"z\"]",
	       false,
	       "within 1 s\n"
	       "stage 1, by k\n"
	       "   0  in      1 3  event.category in (\"process\")\n"
	       "   1  in      2 3  (a == \"x\")\n"
	       "   2  accept\n"
	       "   3  reject\n"
	       "stage 2, by k\n"
	       "   0  in      1 3  event.category in (\"network\")\n"
	       "   1  regex   2 3  c regex (\"u.*\")\n"
	       "   2  accept\n"
	       "   3  reject\n"
	       "and, with the events before\n"
	       "   0  expr    1 2  (b == stage1.a)\n"
	       "        field 0\n"
	       "        field 1\n"
	       "        eq\n"
	       "   1  accept\n"
	       "   2  reject\n"
	       "until, by k\n"
	       "   0  like    1 2  a like~ (\"z\")\n"
	       "   1  accept\n"
	       "   2  reject\n");
	expect("sequence with maxspan=1500ms [any where a == 1] by k, ?l with "
	       "runs=3 ![any where a == 2] by k, ?m | head 2 | tail 1",
	       false,
	       "within 1.500 s\n"
	       "stage 1, 3 times, by k, ?l\n"
	       "   0  in      1 2  (a == 1)\n"
	       "   1  accept\n"
	       "   2  reject\n"
	       "stage 2, missing, by k, ?m\n"
	       "   0  in      1 2  (a == 2)\n"
	       "   1  accept\n"
	       "   2  reject\n"
	       "| head 2\n"
	       "| tail 1\n");
}

static void
an_expression(void **state)
{
	(void)state;
	expect("any where concat(a, \"-\", b) == \"x-y\" and cidrMatch(ip, \""
	       "10.0.0.0/8\") and (a + 2) * b % 3 == 1",
	       false,
	       "   0  cidr    1 4  cidrMatch(ip, \"10.0.0.0/8\")\n"
	       "   1  expr    2 4  (concat(a, \"-\", b) == \"x-y\")\n"
	       "        field 0\n"
	       "        const 0\n"
	       "        field 1\n"
	       "        call concat 3\n"
	       "        const 1\n"
	       "        eq\n"
	       "   2  expr    3 4  ((((a + 2) * b) % 3) == 1)\n"
	       "        field 0\n"
	       "        const 0\n"
	       "        add\n"
	       "        field 1\n"
	       "        mul\n"
	       "        const 1\n"
	       "        mod\n"
	       "        const 2\n"
	       "        eq\n"
	       "   3  accept\n"
	       "   4  reject\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event),
		cmocka_unit_test(a_sequence),
		cmocka_unit_test(an_expression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
