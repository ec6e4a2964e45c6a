/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns to places, without rules and without a host. */
#include "fim/watchset.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* Patterns go in, what watchset_format says comes out. */
static void
expect(const char *const *patterns, const char *want)
{
	struct watchset ws = { 0 };
	struct buf out = { 0 };

	for (; *patterns; patterns++) {
		struct view p = view_of(*patterns);

		if (p.p[0] == '>')
			assert_int_equal(watchset_add_directory(
						 &ws, view_sub(p, 1, SIZE_MAX),
						 VIEW("r")),
					 0);
		else if (p.p[0] == '=')
			assert_int_equal(watchset_add_path(
						 &ws, view_sub(p, 1, SIZE_MAX)),
					 0);
		else
			assert_int_equal(
				watchset_add_pattern(&ws, p, VIEW("r")), 0);
	}
	watchset_seal(&ws);
	watchset_format(&ws, &out);
	buf_putc(&out, '\0');
	assert_false(out.failed);
	assert_string_equal(out.p, want);
	buf_free(&out);
	watchset_free(&ws);
}

#define EXPECT(want, ...) \
	expect((const char *const[]){ __VA_ARGS__, NULL }, (want))

static void
test_forms(void **unused)
{
	(void)unused;
	EXPECT("/run/*\tr\n", "/run/*");
	EXPECT("/etc/passwd\tr\n", "/etc/passwd");
	EXPECT("/home/*/.config/systemd/user/*\tr\n",
	       "/home/*/.config/systemd/user/*");
	EXPECT("/etc/cron.*/*\tr\n", "/etc/cron.*/*");
	/* In any directory below, since * matches slashes. */
	EXPECT("/etc/cron.d/*\tr\n", "/etc/cron.d/*.sh");
	/* Names with the prefix, and all below such directories. */
	EXPECT("/etc/cron*\tr\n/etc/cron*/*\tr\n", "/etc/cron*");
	EXPECT("/run/jem*/*\tr\n/run/jem*.pid\tr\n", "/run/jem*.pid");
	EXPECT("/dev/tty?\tr\n", "/dev/tty?");
	EXPECT("/a/b\tr\n", "//a/./b/");
}

static void
test_configured(void **unused)
{
	(void)unused;
	EXPECT("/srv/app\tconfiguration\n/srv/app/*\tconfiguration\n",
	       "=/srv/app/");
	EXPECT("/srv\tconfiguration\n/srv/*\tconfiguration\n", "/srv/app/*",
	       "=/srv");
}

static void
test_directories(void **unused)
{
	struct watchset ws = { 0 };

	(void)unused;
	/* The files in it, not below it. */
	EXPECT("/usr/?*\tr\n", ">/usr/");
	EXPECT("/home/*/.ssh/?*\tr\n", ">/home/*/.ssh");
	EXPECT("/etc/cron.*/*\tr\n", ">/etc/cron.*");
	EXPECT("/opt/*/*\tr\n", ">/opt/*");
	EXPECT("/etc/cron*/*\tr\n", ">/etc/cron*d");
	EXPECT("/usr/?*\tr\n", ">/usr", "/usr/x");
	EXPECT("/usr/*\tr\n", ">/usr", "/usr/*");
	assert_int_equal(watchset_add_directory(&ws, VIEW("*/.ssh"), VIEW("r")),
			 1);
	watchset_add_directory(&ws, VIEW("/usr"), VIEW("r"));
	assert_true(watchset_covers(&ws, VIEW("/usr/x")));
	assert_false(watchset_covers(&ws, VIEW("/usr/x/y")));
	watchset_free(&ws);
}

static void
test_vague(void **unused)
{
	static const char *const vague[] = { "*.pid",	  "*/x",  "/*",
					     "/",	  "",	  "./x",
					     "/*/.ssh/*", "/?/x", "/a/../b",
					     "//" };
	struct watchset ws = { 0 };
	struct buf deep = { 0 };

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(vague); i++)
		assert_int_equal(
			watchset_add_pattern(&ws, view_of(vague[i]), VIEW("r")),
			1);
	for (size_t i = 0; i < 5000; i++)
		buf_puts(&deep, "/a");
	assert_int_equal(watchset_add_pattern(&ws, buf_view(&deep), VIEW("r")),
			 1);
	assert_int_equal(ws.n, 0);
	watchset_seal(&ws);
	buf_free(&deep);
	watchset_free(&ws);
}

static void
test_nothing_twice(void **unused)
{
	(void)unused;
	EXPECT("/run/*\tr\n", "/run/*", "/run/*", "/run/x/*", "/run/x.pid",
	       "/run/*.pid");
	EXPECT("/etc/cron*\tr\n/etc/cron*/*\tr\n", "/etc/cron*", "/etc/crontab",
	       "/etc/cron.d/*", "/etc/cron.*/*");
	EXPECT("/home/*/.config/*\tr\n", "/home/ann/.config/x",
	       "/home/*/.config/systemd/user/*", "/home/*/.config/*");
	/* The root of a recursive watch is not below itself. */
	EXPECT("/run\tr\n/run/*\tr\n", "/run", "/run/*");
	/* Neither is a sibling that begins alike. */
	EXPECT("/run/*\tr\n/runner/*\tr\n", "/runner/*", "/run/*");
	EXPECT("/a/*\tr\n", "/a/x**y/b", "/a/**");
}

static void
test_case(void **unused)
{
	(void)unused;
	assert_true(watch_file_matches(VIEW("PASSwd"), VIEW("passWD")));
	assert_false(watch_component_matches(VIEW("Etc"), VIEW("etc")));
	assert_true(watch_component_matches(VIEW("CRON.*"), VIEW("cron.d")));
	EXPECT("/ETC/x\tr\n/etc/x\tr\n", "/ETC/x", "/etc/x");
}

static void
test_component(void **unused)
{
	(void)unused;
	assert_true(watch_file_matches(VIEW("*"), VIEW("")));
	assert_true(watch_file_matches(VIEW("a*b*c"), VIEW("a-b-b-c")));
	assert_false(watch_file_matches(VIEW("a*b*c"), VIEW("a-c-b")));
	assert_true(watch_file_matches(VIEW("?x?"), VIEW("axb")));
	assert_false(watch_file_matches(VIEW("?x?"), VIEW("ax")));
	assert_false(watch_file_matches(VIEW(""), VIEW("a")));
	assert_true(watch_file_matches(VIEW("a\\b"), VIEW("a\\b")));
	assert_true(watch_file_matches((struct view){ "\0*", 2 },
				       (struct view){ "\0x", 2 }));
}

/* A pattern of stars must not take time to the power of their number. */
static void
test_component_cost(void **unused)
{
	char pattern[256], name[4096];

	(void)unused;
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[255] = 'b';
	memset(name, 'a', sizeof(name));
	assert_false(
		watch_file_matches((struct view){ pattern, sizeof(pattern) },
				   (struct view){ name, sizeof(name) }));
}

static void
test_hostile_text(void **unused)
{
	(void)unused;
	EXPECT("/a\\x0a\\xff/*\tr\n", "/a\n\377/*");
}

static void
test_many(void **unused)
{
	struct watchset ws = { 0 };
	char path[64];

	(void)unused;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 1500; i++) {
			snprintf(path, sizeof(path), "/d%d/x/%d", i % 50, i);
			assert_int_equal(watchset_add_pattern(
						 &ws, view_of(path), VIEW("r")),
					 0);
		}
		watchset_seal(&ws);
		assert_int_equal(ws.n, 1500);
	}
	for (size_t i = 1; i < ws.n; i++)
		assert_true(view_cmp(ws.v[i - 1].path, ws.v[i].path) < 0);
	watchset_free(&ws);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_vague),
		cmocka_unit_test(test_nothing_twice),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_component),
		cmocka_unit_test(test_component_cost),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
