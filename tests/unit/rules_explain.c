/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which test said no to which event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/rules_help.h"

static const struct rules_schema schema = { .open = true };

struct told {
	struct buf text;
	const struct rules *set;
};

/* "1 yes note", "2 no: TEXT false (fields)" */
static void
on_answer(void *ctx, const struct rules_answer *a)
{
	struct told *t = ctx;

	buf_printf(&t->text, "%u%s%s", a->stage + 1, a->missing ? "m" : "",
		   a->until ? "u" : "");
	if (a->holds) {
		buf_puts(&t->text, " yes ");
		buf_put(&t->text, a->note);
	} else {
		buf_puts(&t->text, " no:");
	}
	for (size_t i = 0; i < a->n_reasons; i++) {
		const struct rules_reason *r = &a->reasons[i];

		buf_printf(&t->text, " %s%.*s %s (", r->excepted ? "x " : "",
			   (int)r->text.n, r->text.p,
			   r->given_up ? "given up"
			   : r->holds  ? "true"
				       : "false");
		for (size_t k = 0; k < r->n_fields; k++)
			buf_printf(&t->text, "%s%s", k > 0 ? "," : "",
				   rules_explained_name(t->set, r->fields[k]));
		buf_puts(&t->text, ")");
	}
	buf_putc(&t->text, '\n');
}

static void
explain_set(struct rules *set, const char *events, bool all,
	    const char *expected)
{
	struct help h = { 0 };
	struct told told = { .set = set };
	struct rules_explainer *x = rules_explainer_new(set, 0);
	struct view rest = view_of(events), line;

	assert_non_null(x);
	while (view_next_split(&rest, '\n', &line)) {
		if (line.n > 0)
			help_event(&h, arena_copy(&h.arena, line).p);
	}
	help_begin(&h, set);
	for (size_t i = 0; i < h.n; i++) {
		h.now = &h.events[i];
		h.record.time_ns = h.now->time_ns;
		h.record.seq++;
		h.record.generation++;
		rules_explain(x, &h.record, all, on_answer, &told);
	}
	buf_putc(&told.text, '\0');
	assert_string_equal(told.text.p, expected);
	buf_free(&told.text);
	rules_explainer_free(x);
	help_free(&h);
}

static void
explain(const char *query, bool kuery, const char *events, bool all,
	const char *expected)
{
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };

	assert_int_equal(rules_add_query(set, "q", view_of(query), kuery, &err),
			 0);
	assert_int_equal(rules_seal(set, &err), 0);
	explain_set(set, events, all, expected);
	rules_free(set);
	err_free(&err);
}

#define P "event.category=process "

static void
test_conditions(void **state)
{
	(void)state;
	explain("process where a == 1 and (b : \"x*\" or c != null) and d > 2",
		false,
		"1 " P "a=1 b=xy d=3\n"
		"2 " P "a=2 b=y d=1\n"
		"3 " P "a=1 b=y d=1\n"
		"4 event.category=file a=1\n",
		false,
		"1 yes \n"
		"1 no: a == 1 false (a)\n"
		"1 no: b : \"x*\" false (b) c != null false (c)\n");
	explain("process where a == 1 and b == 2 and not c == 3", false,
		"1 " P "a=2 b=3 c=3\n", true,
		"1 no: a == 1 false (a) b == 2 false (b) c == 3 true (c)\n");
	explain("process where not (a == 1 or b == 2) and c", false,
		"1 " P "a=1 b=2 c=true\n"
		"2 " P "a=2 b=2\n"
		"3 " P "c=false\n",
		false,
		"1 no: a == 1 true (a)\n"
		"1 no: b == 2 true (b)\n"
		"1 no: c false (c)\n");
	explain("process where a != 1 and b not in (2, 3) and c == null", false,
		"1 " P "a=1\n2 " P "b=3\n3 " P "c=1\n4 " P "\n", false,
		"1 no: a != 1 false (a)\n"
		"1 no: b not in (2, 3) false (b)\n"
		"1 no: c == null false (c)\n"
		"1 yes \n");
	explain("any where length(a) > b + 1", false, "1 a=xy b=7\n", false,
		"1 no: length(a) > b + 1 false (a,b)\n");
	explain("a: (x or y) and not b: 1", true, "1 a=z\n2 a=x b=1\n", false,
		"1 no: a in (\"x\", \"y\") false (a)\n"
		"1 no: b in (\"1\") true (b)\n");
}

static void
test_sequences(void **state)
{
	(void)state;
	explain("sequence by k with maxspan=2s [process where a == 1] "
		"[network where b == 2] until [process where a == 9]",
		false,
		"1 " P "k=1 a=1\n"
		"2 event.category=network k=2 b=2\n"
		"3 event.category=network k=1 b=2\n"
		"4 @9 event.category=network k=1 b=2\n"
		"5 " P "k=1 a=9\n"
		"6 event.category=network k=1 b=3\n",
		false,
		"3u no: a == 9 false (a)\n"
		"1 yes \n"
		"2 yes no event of stage 1 with the same keys came before\n"
		"2 yes an event of stage 1 with the same keys came 2.000 s "
		"before\n"
		"2 yes an event of stage 1 with the same keys came 8.000 s "
		"before, longer than the maxspan of 2.000 s\n"
		"3u yes \n"
		"1 no: a == 1 false (a)\n"
		"2 no: b == 2 false (b)\n");
	explain("sequence with maxspan=2s [any where a == 1] ![any where b == "
		"1] [any where a == 2]",
		false, "1 a=1\n2 a=2\n", false,
		"3 no: a == 2 false (a)\n"
		"2m no: b == 1 false (b)\n"
		"1 yes \n"
		"3 yes an event of stage 1 came 1.000 s before\n"
		"2m no: b == 1 false (b)\n"
		"1 no: a == 1 false (a)\n");
}

/* An event without a key takes no part, unless the key is optional. */
static void
test_missing_keys(void **state)
{
	(void)state;
	explain("sequence [process where true] by a, ?b "
		"[network where true] by c, ?b until [file where true] by a, b",
		false,
		"1 " P "b=1\n"
		"2 " P "a=1\n"
		"3 event.category=network b=1\n"
		"4 event.category=network c=1\n"
		"5 event.category=file a=1\n",
		false,
		"1 yes without a it is ignored\n"
		"1 yes \n"
		"2 yes without c it is ignored\n"
		"2 yes an event of stage 1 with the same keys came 2.000 s "
		"before\n"
		"3u yes without b it is ignored\n");
	explain("sample by a [process where true] [network where true]", false,
		"1 " P "b=1\n", false, "1 yes without a it is ignored\n");
}

/* What came between, or before the first: within maxspan of the last, with the
 * same keys, and not at the same time. */
static void
test_missing_events(void **state)
{
	(void)state;
	explain("sequence with maxspan=9s [file where a == 1] "
		"![network where a == 2] [process where a == 3]",
		false,
		"1 event.category=file a=1\n"
		"2 event.category=network a=2\n"
		"3 @5 " P "a=3\n",
		false,
		"1 yes \n"
		"2m yes an event of stage 1 came 1.000 s before\n"
		"3 yes an event of stage 1 came 4.000 s before, but one of "
		"stage 2, which must be missing, 3.000 s before\n");
	explain("sequence by k with maxspan=5s ![network where a == 1] "
		"[file where a == 2] [process where a == 3]",
		false,
		"1 event.category=network k=x a=1\n"
		"2 event.category=file k=x a=2\n"
		"3 @5 " P "k=x a=3\n"
		"4 @7 " P "k=x a=3\n"
		"5 @10 event.category=network k=y a=1\n"
		"6 @11 event.category=file k=x a=2\n"
		"7 @12 event.category=network k=x a=1\n"
		"8 @13 " P "k=x a=3\n",
		false,
		"1m yes \n"
		"2 yes \n"
		"3 yes an event of stage 2 with the same keys came 3.000 s "
		"before, but one of stage 1, which must be missing, 4.000 s "
		"before\n"
		"3 yes an event of stage 2 with the same keys came 5.000 s "
		"before\n"
		"1m yes \n"
		"2 yes \n"
		"1m yes \n"
		"3 yes an event of stage 2 with the same keys came 2.000 s "
		"before\n");
	explain("sequence with maxspan=5s ![network where a == 1] "
		"![network where a == 2] [process where a == 3]",
		false,
		"1 @1 event.category=network a=1\n"
		"2 @2 event.category=network a=2\n"
		"3 @2 " P "a=3\n"
		"4 @4 " P "a=3\n"
		"5 @8 " P "a=3\n",
		false,
		"2m no: a == 2 false (a)\n"
		"1m yes \n"
		"2m yes \n"
		"1m no: a == 1 false (a)\n"
		"3 yes one of stage 1, which must be missing, 1.000 s before\n"
		"3 yes one of stage 2, which must be missing, 2.000 s before\n"
		"3 yes \n");
}

static void
test_until(void **state)
{
	(void)state;
	explain("sequence by k [file where a == 1] [process where a == 3] "
		"until [network where a == 2]",
		false,
		"1 event.category=file k=[1,2] a=1\n"
		"2 event.category=network k=1 a=2\n"
		"3 @5 " P "k=1 a=3\n"
		"4 @5 " P "k=2 a=3\n",
		false,
		"1 yes \n"
		"3u yes \n"
		"2 yes an event of stage 1 with the same keys came 4.000 s "
		"before, but one of until since then\n"
		"2 yes an event of stage 1 with the same keys came 4.000 s "
		"before\n");
	/* the stages come before until */
	explain("sequence [file where true] [process where true] "
		"until [process where true]",
		false, "1 event.category=file a=1\n2 " P "a=3\n", false,
		"1 yes \n"
		"3u yes \n"
		"2 yes an event of stage 1 came 1.000 s before\n");
}

static void
test_earlier_events(void **state)
{
	(void)state;
	explain("sequence by k [file where f != null] as e "
		"[process where p == e.f and a == 1 and e.b : (\"x*\", \"y*\")]",
		false,
		"1 " P "k=1 p=q a=1\n"
		"2 event.category=file k=1 f=q b=xx\n"
		"3 " P "k=1 p=r a=1\n"
		"4 " P "k=1 p=q a=2\n"
		"5 " P "k=2 p=r a=1\n"
		"6 " P "k=1 p=q a=1\n"
		"7 " P "k=1 p=q a=1\n"
		"8 event.category=file k=1 f=q b=z\n"
		"9 " P "k=1 p=r a=1\n",
		false,
		"2 yes no event of stage 1 with the same keys came before\n"
		"1 yes \n"
		"2 no: p == e.f false (p,stage1.f)\n"
		"2 no: a == 1 false (a)\n"
		"2 yes no event of stage 1 with the same keys came before\n"
		"2 yes an event of stage 1 with the same keys came 4.000 s "
		"before; it fits the events before\n"
		"2 yes an event of stage 1 with the same keys came 5.000 s "
		"before\n"
		"1 yes \n"
		"2 no: p == e.f false (p,stage1.f)\n");
	explain("sequence [any where a == 1] as e with runs=2 "
		"[any where not (b == e.b or c > e.c)]",
		false, "1 a=1 b=1 c=5\n2 a=1 b=2 c=6\n3 b=2 c=7\n4 b=7 c=7\n",
		true,
		"2 yes no event of stage 1 came before\n1 yes \n"
		"2 yes an event of stage 1 came 1.000 s before\n1 yes \n"
		"2 no: b == e.b true (b,stage1.b) c > e.c true (c,stage1.c)\n"
		"1 no: a == 1 false (a)\n"
		"2 no: c > e.c true (c,stage1.c)\n"
		"1 no: a == 1 false (a)\n");
}

static void
test_exceptions(void **state)
{
	struct rules *set = rules_new(&schema);
	struct rule_exception x = { .rule = VIEW("q"),
				    .when = VIEW("b == 1 and c : \"u*\""),
				    .expires_ns = 10 * NS_PER_SEC };
	struct err err = { 0 };

	(void)state;
	rules_add_query(set, "q", VIEW("process where a == 1"), false, &err);
	rules_add_exception(set, &x, &err);
	assert_int_equal(rules_seal(set, &err), 0);
	explain_set(set,
		    "1 " P "a=1 b=1 c=us\n"
		    "2 " P "a=1 b=1 c=them\n"
		    "3 @11 " P "a=1 b=1 c=us\n",
		    false,
		    "1 no: x b == 1 true (b) x c : \"u*\" true (c)\n"
		    "1 yes \n"
		    "1 yes \n");
	rules_free(set);
	err_free(&err);
}

/* A rule's own is asked of the last event, a list's of each. */
static void
test_exceptions_of_sequences(void **state)
{
	const struct view lists[] = { VIEW("l") };
	struct rule_source s = {
		.rule = { .kind = RULE_EQL,
			  .id = VIEW("q"),
			  .query = VIEW("sequence [file where a == 1] "
					"[process where a == 2]") },
		.exception_lists = { lists, 1 },
	};
	struct rule_exception own = { .rule = VIEW("q"),
				      .when = VIEW("b == 1") },
			      listed = { .list = VIEW("l"),
					 .when = VIEW("c == 1") },
			      other = { .list = VIEW("o"),
					.when = VIEW("a == 1") };
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(rules_add_source(set, &s, &err), 0);
	rules_add_exception(set, &own, &err);
	rules_add_exception(set, &listed, &err);
	rules_add_exception(set, &other, &err);
	assert_int_equal(rules_seal(set, &err), 0);
	explain_set(set,
		    "1 event.category=file a=1 b=1\n"
		    "2 event.category=file a=1 b=1 c=1\n"
		    "3 " P "a=2 b=1\n"
		    "4 " P "a=2 c=1\n",
		    false,
		    "1 yes \n"
		    "1 no: x c == 1 true (c)\n"
		    "2 no: x b == 1 true (b)\n"
		    "2 no: x c == 1 true (c)\n");
	rules_free(set);
	err_free(&err);
}

static void
test_broken(void **state)
{
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };

	(void)state;
	rules_add_query(set, "q", VIEW("process where ("), false, &err);
	assert_int_equal(rules_seal(set, &err), 1);
	assert_null(rules_explainer_new(set, 0));
	rules_explainer_free(NULL);
	rules_free(set);
	err_free(&err);
}

/* A test that is given up is not said to be false; others of the event are. */
static void
test_given_up(void **state)
{
	struct buf e = { 0 };

	(void)state;
	buf_puts(&e, "1 " P "b=1 a=");
	for (int i = 0; i < 2000; i++)
		buf_putc(&e, 'a');
	buf_puts(&e, "c\n2 " P "b=1 a=c\n");
	buf_putc(&e, '\0');
	explain("process where a regex \"(.*a){900}c\" and b == 2", false, e.p,
		true,
		"1 no: a regex \"(.*a){900}c\" given up (a) b == 2 false (b)\n"
		"1 no: a regex \"(.*a){900}c\" false (a) b == 2 false (b)\n");
	buf_free(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_missing_keys),
		cmocka_unit_test(test_missing_events),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_earlier_events),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_exceptions_of_sequences),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
