/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Nth allocation fails, for N = 1, 2, … until all succeed: nothing
 * crashes, nothing leaks (a sanitizer build sees it), and every failure is
 * reported in the way that the header says.
 */
#include <stdlib.h>

static void *scarce_malloc(size_t n);
static void *scarce_realloc(void *p, size_t n);
static void *scarce_reallocarray(void *p, size_t n, size_t size);

/* All that allocates for itself, compiled here with our allocator. */
#define malloc scarce_malloc
#define realloc scarce_realloc
#define reallocarray scarce_reallocarray
#include "scan/arena.c"
#include "scan/buf.c"
#include "scan/err.c"
#undef malloc
#undef realloc
#undef reallocarray

#include "scan/content.h"

#include <setjmp.h>

#include <cmocka.h>

static int countdown; /* 0: never fail */

static bool
fails(void)
{
	if (countdown > 0 && --countdown == 0) {
		errno = ENOMEM;
		return true;
	}
	return false;
}

static void *
scarce_malloc(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *
scarce_realloc(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

static void *
scarce_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : reallocarray(p, n, size);
}

static void
test_arena(void **state)
{
	struct arena a = { 0 };

	(void)state;
	countdown = 1;
	assert_null(arena_alloc(&a, 10));
	countdown = 1;
	assert_null(arena_copy(&a, VIEW("x")).p);
	countdown = 1;
	assert_null(arena_printf(&a, "%d", 1).p);
	countdown = 1;
	assert_non_null(arena_copy(&a, VIEW_NONE).p);
	countdown = 0;
	assert_non_null(arena_alloc(&a, 10));
	countdown = 1;
	assert_null(arena_alloc(&a, 1 << 20));
	countdown = 0;
	assert_non_null(arena_alloc(&a, 10)); /* what there is stays usable */
	arena_free(&a);
}

static void
test_buf(void **state)
{
	struct buf b = { 0 };

	(void)state;
	countdown = 1;
	buf_puts(&b, "x");
	assert_true(b.failed && b.n == 0);
	buf_clear(&b);
	buf_puts(&b, "kept");
	for (int way = 0; way < 3; way++) {
		countdown = 1;
		while (!b.failed) {
			if (way == 0)
				buf_puts(&b, "0123456789");
			else if (way == 1)
				buf_printf(&b, "%0100d", 7);
			else
				buf_json_string(&b, VIEW("\xff\n"));
		}
		assert_memory_equal(b.p, "kept", 4);
		b.n = 4;
		b.failed = false;
	}
	countdown = 0;
	buf_free(&b);
}

/* An error is kept whole or counted, never half. */
static void
test_err(void **state)
{
	size_t n = 0;

	(void)state;
	for (int at = 1; n < 20; at++) {
		struct err e = { 0 };

		countdown = at;
		for (int i = 0; i < 20; i++)
			assert_int_equal(err_add(&e,
						 (struct place){ "f", 1, 1,
								 VIEW("text") },
						 "message %d", i),
					 -1);
		n = e.n;
		countdown = 0;
		assert_int_equal(e.n + e.dropped, 20);
		for (size_t i = 0; i < e.n; i++) {
			assert_non_null(e.v[i].file);
			assert_true(e.v[i].message.n >= 9);
		}
		err_free(&e);
	}
	countdown = 0;
}

static void
test_unit(void **state)
{
	struct view text =
		VIEW("[Timer]\nOnBootSec=1\nOnCalendar=daily\nUnit=u.service\n"
		     "[Service]\nUser=root\nExecStart=/a \\\n b ; /c d\n"
		     "ExecStop=/e\nExecStop=/f\nExecStop=/g\nExecStop=/h\n"
		     "[Install]\nWantedBy=a b c d e f g\n");
	int failed = 0, rc = -1;

	(void)state;
	for (int at = 1; rc != 0; at++) {
		struct arena a = { 0 };
		struct unit_facts f;

		countdown = at;
		rc = unit_read(text, VIEW("x.timer"), &a, &f);
		countdown = 0;
		if (rc != 0) {
			failed++;
			assert_int_equal(errno, ENOMEM);
		} else {
			assert_int_equal(f.n_exec, 6);
			assert_int_equal(f.n_wanted_by, 7);
		}
		for (size_t i = 0; i < f.n_exec; i++)
			assert_non_null(f.exec[i].p);
		arena_free(&a);
		assert_true(at < 100);
	}
	assert_true(failed >= 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_err),
		cmocka_unit_test(test_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
