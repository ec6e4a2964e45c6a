/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line differences: exact where they are few, and always such that the one
 * text can be made from the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "baselines/textdiff.h"

static void
is_diff(const char *old, const char *now, const char *want)
{
	struct buf out = { 0 };

	assert_int_equal(textdiff(view_of(old), view_of(now), &out), 0);
	buf_putc(&out, '\0');
	assert_string_equal(out.p, want);
	buf_free(&out);
}

static void
test_small(void **state)
{
	(void)state;
	is_diff("", "", "");
	is_diff("a\nb\n", "a\nb\n", "");
	is_diff("", "a\n", "@@ -0,0 +1 @@\n+a\n");
	is_diff("a\n", "", "@@ -1 +0,0 @@\n-a\n");
	is_diff("a\nb\nc\n", "a\nX\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+X\n c\n");
	is_diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\n6\nnew\n",
		"@@ -4,3 +4,4 @@\n 4\n 5\n 6\n+new\n");
	is_diff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n",
		"A\n1\n2\n3\n4\n5\n6\n7\n8\nB\n",
		"@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n"
		"-b\n+B\n");
	is_diff("a\n1\nb\n", "A\n1\nB\n",
		"@@ -1,3 +1,3 @@\n-a\n+A\n 1\n-b\n+B\n");
	/* As GNU diff: the last newline is a difference. */
	is_diff("a\n", "a",
		"@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
	is_diff("a\nb", "a\nb\nc",
		"@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n"
		"+b\n+c\n\\ No newline at end of file\n");
	is_diff("b\n\n", "b\n", "@@ -1,2 +1 @@\n b\n-\n");
	is_diff("esc\n", "\x1b[2J\n", "@@ -1 +1 @@\n-esc\n+\\x1b[2J\n");
}

static void
random_text(struct buf *out, unsigned lines, unsigned kinds)
{
	buf_clear(out);
	for (unsigned i = 0; i < lines; i++)
		buf_printf(out, "%ld\n", random() % kinds);
}

static size_t
count_lines(struct view text, char first)
{
	struct view line;
	size_t n = 0;

	while (view_next_split(&text, '\n', &line))
		n += first == '\0' || (line.n > 0 && line.p[0] == first);
	return n;
}

/* The sum must be right: old lines, less those gone, and the new ones. */
static void
check_sides(struct view old, struct view now, struct view diff)
{
	assert_int_equal(count_lines(old, '\0') - count_lines(diff, '-') +
				 count_lines(diff, '+'),
			 count_lines(now, '\0'));
}

static void
test_random(void **state)
{
	struct buf old = { 0 }, now = { 0 }, out = { 0 };

	(void)state;
	srandom(7);
	for (unsigned i = 0; i < 3000; i++) {
		random_text(&old, (unsigned)random() % 30, 4);
		random_text(&now, (unsigned)random() % 30, 4);
		buf_clear(&out);
		assert_int_equal(textdiff(buf_view(&old), buf_view(&now), &out),
				 0);
		check_sides(buf_view(&old), buf_view(&now), buf_view(&out));
	}
	/* More edits than are looked for. */
	random_text(&old, 5000, 1000000);
	random_text(&now, 5000, 1000000);
	buf_clear(&out);
	assert_int_equal(textdiff(buf_view(&old), buf_view(&now), &out), 0);
	check_sides(buf_view(&old), buf_view(&now), buf_view(&out));
	buf_free(&old);
	buf_free(&now);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
