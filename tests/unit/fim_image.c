/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one execve made: names, paths and the interpreter of a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fim/image.h"

#define assert_view(v, literal)                                        \
	do {                                                           \
		struct view seen = (v);                                \
		assert_int_equal(seen.n, strlen(literal));             \
		assert_memory_equal(seen.p, literal, strlen(literal)); \
	} while (0)

static struct image *
image_of(const char *given, const char *cwd, const char *file,
	 const char *interp)
{
	struct event e = {
		.kind = EVENT_EXEC, .time_ns = 1, .key = { 1, 1 }, .pidfd = -1
	};

	e.exec.given = view_of(given);
	e.exec.cwd = view_of(cwd);
	e.exec.image = view_of(file);
	e.exec.interp = view_of(interp);
	return image_new(&e, NULL);
}

static void
test_image_of_a_script(void **unused)
{
	struct image *i = image_of("/etc/update-motd.d/10-x", "/",
				   "/usr/bin/dash", "/bin/sh");

	(void)unused;
	assert_view(i->executable, "/etc/update-motd.d/10-x");
	assert_view(i->name, "10-x");
	assert_view(i->interp, "/bin/sh");
	assert_view(i->file, "/usr/bin/dash");
	assert_int_equal(i->exec_path.n, 0);
	image_unref(i);
}

static void
test_image_of_a_relative_path(void **unused)
{
	struct image *i = image_of("./a/../x.sh", "/tmp/./d", "/tmp/d/x.sh",
				   "./a/../x.sh");

	(void)unused;
	assert_view(i->executable, "/tmp/d/x.sh");
	assert_view(i->exec_path, "./a/../x.sh");
	assert_int_equal(i->interp.n, 0);
	image_unref(i);
	i = image_of("../../../x", "/a/b", "/x", "../../../x");
	assert_view(i->executable, "/x");
	image_unref(i);
}

static void
test_image_of_a_memfd(void **unused)
{
	struct image *i =
		image_of("/dev/fd/3", "/", "/memfd:evil", "/dev/fd/3");

	(void)unused;
	assert_view(i->executable, "/dev/fd/3");
	assert_view(i->exec_path, "memfd:evil");
	image_unref(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_of_a_script),
		cmocka_unit_test(test_image_of_a_relative_path),
		cmocka_unit_test(test_image_of_a_memfd),
	};

	return cmocka_run_group_tests_name("images", tests, NULL, NULL);
}
