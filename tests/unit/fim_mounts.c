/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount table. */
#include "fim/mounts.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static const char before[] =
	"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
	"23 22 0:20 / /proc rw - proc proc rw\n"
	"24 22 0:21 / /run rw shared:1 master:2 - tmpfs tmpfs rw\n"
	"25 22 0:22 / /mnt/a\\040b\\134c rw - fuse.sshfs h: rw\n"
	"26 22 0:23 / /home rw - nfs4 h:/x rw\n";

static struct mounts
parse(const char *text)
{
	struct mounts m;

	assert_int_equal(mounts_parse(&m, view_of(text)), 0);
	return m;
}

static void
test_find(void **unused)
{
	struct mounts m = parse(before);

	(void)unused;
	assert_int_equal(m.n, 5);
	assert_int_equal(mounts_find(&m, VIEW_NONE)->id, 22);
	assert_int_equal(mounts_find(&m, VIEW("/proc"))->class, MOUNT_PSEUDO);
	assert_int_equal(mounts_find(&m, VIEW("/run"))->class, MOUNT_LOCAL);
	assert_int_equal(mounts_find(&m, VIEW("/mnt/a b\\c"))->class,
			 MOUNT_REMOTE);
	assert_int_equal(mounts_find(&m, VIEW("/home"))->class, MOUNT_REMOTE);
	assert_null(mounts_find(&m, VIEW("/hom")));
	assert_null(mounts_find(&m, VIEW("/zzz")));
	mounts_free(&m);
}

static void
test_stacked(void **unused)
{
	struct mounts m = parse("1 0 0:1 / /a rw - tmpfs t rw\n"
				"9 1 0:2 / /a/b rw - tmpfs t rw\n"
				"5 1 0:3 / /a rw - nfs h:/ rw\n");

	(void)unused;
	assert_int_equal(mounts_find(&m, VIEW("/a"))->id, 5);
	mounts_free(&m);
}

static void
test_broken_lines(void **unused)
{
	static const char *const lines[] = {
		"",
		"\n\n",
		"x 1 0:1 / /a rw - tmpfs t rw",
		"1 0 0:1 / a rw - tmpfs t rw",
		"1 0 0:1 / /a rw",
		"1 0 0:1 / /a rw -",
		"99999999999999999999 0 0:1 / /a rw - tmpfs",
		"1 0 0:1 /",
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct mounts m = parse(lines[i]);

		assert_int_equal(m.n, 0);
		assert_null(mounts_find(&m, VIEW("/a")));
		mounts_free(&m);
	}
}

static void
note(void *ctx, struct view path)
{
	buf_put(ctx, path);
	buf_putc(ctx, ' ');
}

static void
expect_diff(const char *a, const char *b, const char *want)
{
	struct mounts x = parse(a), y = parse(b);
	struct buf out = { 0 };

	mounts_diff(&x, &y, note, &out);
	buf_putc(&out, '\0');
	assert_string_equal(out.p, want);
	buf_free(&out);
	mounts_free(&x);
	mounts_free(&y);
}

#define A "1 0 0:1 / /a rw - tmpfs t rw\n"
#define A2 "7 0 0:1 / /a rw - tmpfs t rw\n"
#define B "2 0 0:2 / /b rw - tmpfs t rw\n"
#define C "3 0 0:3 / /c ro - tmpfs t rw\n"
#define C_RW "3 0 0:3 / /c rw - tmpfs t rw\n"

static void
test_diff(void **unused)
{
	(void)unused;
	expect_diff(A B C, A B C, "");
	expect_diff(A C, C_RW A, ""); /* a remount is no other tree */
	expect_diff(A, A B C, "/b /c ");
	expect_diff(A B C, B, "/a /c ");
	expect_diff(A, A A2, "/a ");
	expect_diff(A A2, A, "/a ");
	expect_diff(A, A2, "/a ");
	expect_diff("", A, "/a ");
}

static void
test_own(void **unused)
{
	struct mounts m;

	(void)unused;
	assert_int_equal(mounts_read(&m), 0);
	assert_true(m.n > 0);
	assert_non_null(mounts_find(&m, VIEW("/proc")));
	mounts_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_stacked),
		cmocka_unit_test(test_broken_lines),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
