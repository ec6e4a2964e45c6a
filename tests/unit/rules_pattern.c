/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wildcard patterns against the plainest matcher there is. */
#include "rules/engine.h"
#include "tests/bench/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char grammar_text[] = "part\n"
				   "\ta\n\tb\n\tab\n\taab\n\té\n\tabab\n"
				   "\taaaaaaaaaaaaab\n"
				   "wild\n"
				   "\t*\n\t*\n\t*\n\t?\n"
				   "form\n"
				   "\t{part}\n\t{wild}{part}\n\t{part}{wild}\n"
				   "\t{wild}{part}{wild}\n"
				   "\t{part}{wild}{part}\n"
				   "\t{part}*{part}*{part}\n"
				   "\t*{part}*{part}*\n"
				   "\t{part}*{part}{wild}{part}*{part}\n"
				   "value\n"
				   "\t{part}\n\t{two}\n\t{two}{part}\n"
				   "\t{two}{two}\n\t{two}x{two}\n"
				   "two\n"
				   "\t{part}{part}\n\tx{part}\n\t{part}x\n";

static size_t
point(struct view s)
{
	size_t n = utf8_length(view_sub(s, 0, 4));

	return n == 0 ? 1 : n;
}

/* By code points, every way a * can go. */
static bool
matches(struct view f, struct view s)
{
	if (f.n == 0)
		return s.n == 0;
	if (f.p[0] == '*')
		return matches(view_sub(f, 1, f.n), s) ||
		       (s.n > 0 && matches(f, view_sub(s, point(s), s.n)));
	if (s.n == 0)
		return false;
	if (f.p[0] == '?')
		return matches(view_sub(f, 1, f.n), view_sub(s, point(s), s.n));
	return f.p[0] == s.p[0] &&
	       matches(view_sub(f, 1, f.n), view_sub(s, 1, s.n));
}

static struct view
make_text(struct grammar *g, const char *name, size_t max)
{
	struct buf text = { 0 };
	struct view out;

	do {
		buf_clear(&text);
		grammar_put(g, view_of(name), &text, 0);
	} while (text.n > max);
	out = arena_copy(&g->arena, buf_view(&text));
	buf_free(&text);
	return out;
}

static void
compare(struct grammar *g, size_t *held, size_t kinds[])
{
	struct view text = make_text(g, "form", 30), form;
	struct pattern_list list;

	form = pattern_form(&g->arena, text);
	assert_int_equal(pattern_list_make(&list, &g->arena, &form, 1, false),
			 0);
	kinds[list.n > 0 ? list.v[0].kind : PATTERN_EXACT]++;
	for (int i = 0; i < 20; i++) {
		struct view s = i == 0 ? VIEW_NONE : make_text(g, "value", 40);
		bool holds = matches(text, s);

		*held += holds;
		if (pattern_list_match(&list, s) != holds)
			fail_msg("%.*s : %.*s is %d", (int)s.n, s.p,
				 (int)text.n, text.p, holds);
	}
}

static void
patterns_match(void **state)
{
	struct grammar g = { .seed = 1 };
	size_t held = 0, kinds[PATTERN_GENERAL + 1] = { 0 };

	(void)state;
	grammar_read(&g, VIEW(grammar_text));
	for (int i = 0; i < 3000; i++)
		compare(&g, &held, kinds);
	assert_true(held > 1000);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_true(kinds[i] > 0 || i == PATTERN_ALL);
	arena_free(&g.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
