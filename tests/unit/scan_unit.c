/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd units. What systemd makes of the odd ones was observed with
 * `systemd-analyze verify` of systemd 252.
 */
#include "scan/content.h"

#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

/* The text on the heap, exactly as long, for the sanitizer. */
static struct unit_facts
read_unit(struct view text, const char *name)
{
	char *p = malloc(text.n ? text.n : 1);
	struct unit_facts f;

	assert_non_null(p);
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	assert_int_equal(unit_read((struct view){ p, text.n }, view_of(name),
				   &arena, &f),
			 0);
	free(p); /* nothing may point into it */
	return f;
}

static int
reset(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void
check_view(struct view got, const char *want)
{
	if (!view_eq(got, view_of(want)))
		fail_msg("got <%.*s>, want <%s>", (int)got.n, got.p, want);
}

/* All of a list, joined by '|'. */
static void
check_list(const struct view *v, size_t n, const char *want)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(&b, '|');
		buf_put(&b, v[i]);
	}
	check_view(buf_view(&b), want);
	buf_free(&b);
}

static void
check_exec(struct view text, const char *want)
{
	struct unit_facts f = read_unit(text, "x.service");

	check_list(f.exec, f.n_exec, want);
}

#define SERVICE(text) VIEW("[Service]\n" text)

static void
test_service(void **state)
{
	struct unit_facts f =
		read_unit(VIEW("# a comment\n"
			       "[Unit]\n"
			       "Description=ExecStart=/not/this\n"
			       "\n"
			       "[Service]\n"
			       "Type=oneshot\n"
			       "ExecStartPre=-/bin/mkdir -p /run/x\n"
			       " ExecStart = /usr/bin/x --flag  a \n"
			       "; ExecStart=/commented/out\n"
			       "execstart=/wrong/case\n"
			       "ExecStop=/bin/kill $MAINPID\n"
			       "User=nobody\n"
			       "[Install]\n"
			       "WantedBy=multi-user.target  other.target\n"
			       "RequiredBy=third.target"),
			  "x.service");

	(void)state;
	assert_true(f.is_unit);
	assert_false(f.truncated);
	check_view(f.type, "service");
	check_list(f.exec, f.n_exec,
		   "/bin/mkdir -p /run/x|/usr/bin/x --flag a|"
		   "/bin/kill $MAINPID");
	check_view(f.user, "nobody");
	check_list(f.wanted_by, f.n_wanted_by,
		   "multi-user.target|other.target|third.target");
	assert_int_equal(f.unit.n, 0);
	assert_int_equal(f.n_on_boot + f.n_on_calendar, 0);
}

static void
test_timer(void **state)
{
	static const char text[] = "[Timer]\n"
				   "OnCalendar=*-*-* 03:00:00\n"
				   "OnBootSec=5min\n"
				   "OnUnitActiveSec=1h\n"
				   "OnCalendar=daily\n"
				   "[Install]\nWantedBy=timers.target\n";
	struct unit_facts f = read_unit(view_of(text), "back@up.timer");

	(void)state;
	check_view(f.type, "timer");
	check_list(f.on_calendar, f.n_on_calendar, "*-*-* 03:00:00|daily");
	check_list(f.on_boot, f.n_on_boot, "OnBootSec=5min|OnUnitActiveSec=1h");
	check_view(f.unit, "back@up.service");
	check_view(unit_of_timer(&f, VIEW("back@up.timer"), &arena),
		   "back@up.service");

	f = read_unit(VIEW("[Timer]\nUnit=a.service\nUnit=b.service\n"),
		      "x.timer");
	check_view(f.unit, "a.service"); /* systemd ignores the second */

	/* Any empty one clears them all, systemd.timer(5). */
	f = read_unit(VIEW("[Timer]\nOnBootSec=1\nOnCalendar=daily\n"
			   "OnStartupSec=\nOnActiveSec=3\n"),
		      "x.timer");
	check_list(f.on_calendar, f.n_on_calendar, "");
	check_list(f.on_boot, f.n_on_boot, "OnActiveSec=3");

	f = read_unit(VIEW("[Path]\nPathExists=/x\n"), "x.path");
	check_view(f.unit, "x.service");
	f = read_unit(VIEW("[Socket]\nService=y.service\n"), "x.socket");
	check_view(f.unit, "y.service");
	check_view(unit_of_timer(&f, VIEW("/etc/z.timer"), &arena),
		   "y.service");
	f = (struct unit_facts){ 0 };
	check_view(unit_of_timer(&f, VIEW("/etc/z.timer"), &arena),
		   "z.service");
	assert_int_equal(unit_of_timer(&f, VIEW("z.service"), &arena).n, 0);
}

static void
test_dropin(void **state)
{
	struct unit_facts f = read_unit(VIEW("[Unit]\nAfter=x\n"
					     "[Timer]\nOnCalendar=daily\n"),
					"override.conf");

	(void)state;
	assert_true(f.is_unit);
	check_view(f.type, "timer");
	assert_int_equal(f.unit.n, 0);
	f = read_unit(VIEW("[main]\nExecStart=/x\n"), "a.conf");
	assert_false(f.is_unit);
	assert_int_equal(f.type.n, 0);
	assert_int_equal(f.n_exec, 0);
	assert_true(unit_name(VIEW("override.conf")));
	assert_true(unit_name(VIEW("a.target")));
	assert_true(unit_name(VIEW("a@.service")));
	assert_false(unit_name(VIEW("a.service.bak")));
	assert_false(unit_name(VIEW("service")));
	assert_false(unit_name(VIEW(".service")));
}

static void
test_sections(void **state)
{
	(void)state;
	check_exec(VIEW("ExecStart=/no/section\n"), "");
	check_exec(VIEW("[service]\nExecStart=/lower\n"), "");
	check_exec(VIEW("[Service ]\nExecStart=/space\n"), "");
	check_exec(VIEW(" [Service] \t\n\tExecStart=/indented\n"), "/indented");
	check_exec(VIEW("[Service\nExecStart=/open\n"), "");
	check_exec(VIEW("[\nExecStart=/x\n"), "");
	check_exec(VIEW("[]\nExecStart=/x\n"), "");
	check_exec(VIEW("[X-Mine]\nExecStart=/a\n[Service]\nExecStart=/b"),
		   "/b");
	check_exec(VIEW("[Unit]\nExecStart=/wrong\n"), "");
	check_exec(VIEW("[Socket]\nExecStartPre=/sock\n"), "/sock");
	check_exec(VIEW("\xef\xbb\xbf[Service]\nExecStart=/bom\n"), "/bom");
	check_exec(VIEW("#\n[Service]\n\xef\xbb\xbf"
			"ExecStart=/late\n\xef\xbb\xbf"
			"ExecStop=/second\n"),
		   "/late");
	/* not UTF-8: the line does not count */
	check_exec(VIEW("[Service]\n[X\xff]\nExecStart=/x\nExecStop=/\xff\n"),
		   "/x");
	check_exec(SERVICE("nonsense\n=x\nExecStart=/after\n"), "/after");
}

static void
test_clearing(void **state)
{
	(void)state;
	check_exec(SERVICE("ExecStart=/a\nExecStop=/s\nExecStart=\n"
			   "ExecStart=/b\n"),
		   "/s|/b");
	check_exec(SERVICE("ExecStart=/a\nExecStart= \t\n"), "");

	struct unit_facts f =
		read_unit(VIEW("[Service]\nUser=a\nUser=\n"
			       "[Install]\nWantedBy=a b\nRequiredBy=c\n"
			       "WantedBy=\nWantedBy=d\n"),
			  "x.service");
	assert_int_equal(f.user.n, 0);
	check_list(f.wanted_by, f.n_wanted_by, "c|d");
}

static void
test_continuation(void **state)
{
	(void)state;
	check_exec(SERVICE("ExecStart=/a b \\\n  c \\\n\td\nExecStop=/s\n"),
		   "/a b c d|/s");
	check_exec(SERVICE("ExecStart=\\\n# comment\n; comment \\\n /a\n"),
		   "/a");
	check_exec(SERVICE("ExecStart=/a\\\n\nExecStop=/s\n"), "/a|/s");
	check_exec(SERVICE("ExecStart=/a \\\\\nExecStop=/s\n"), "/a \\|/s");
	check_exec(SERVICE("ExecStart=/a\\"), "/a");
	check_exec(SERVICE("ExecStart=/a \\\r\n b\r\nExecStop=/s"), "/a b|/s");
	check_exec(VIEW("[Serv\\\nice]\nExecStart=/a\n"), "");
	check_exec(SERVICE("\\\n\\\n\\\nExecStart=/a\n"), "/a");
	check_exec(SERVICE("\\"), "");
}

/* systemd's lines end at a carriage return and at NUL as well: a way to hide
 * a command from those who read lines otherwise. */
static void
test_line_ends(void **state)
{
	(void)state;
	check_exec(SERVICE("# x\rExecStart=/cr\n"), "/cr");
	check_exec(SERVICE("# x\0ExecStart=/nul\n"), "/nul");
	check_exec(SERVICE("ExecStart=/a\0ExecStop=/b\n\r\nExecReload=/c"),
		   "/a|/b|/c");
	check_exec(SERVICE("ExecStart=/a \\\n\r\0b\n"), "/a b");
	check_exec(SERVICE("ExecStart=/a \\\n\nb\n"), "/a");
	check_exec(VIEW("\0\0\0"), "");
}

static void
test_commands(void **state)
{
	(void)state;
	check_exec(SERVICE("ExecStart=@/bin/x argv0\n"), "/bin/x argv0");
	check_exec(SERVICE("ExecStart=-@!!/bin/x\n"), "/bin/x");
	check_exec(SERVICE("ExecStart=|:+/bin/x\n"), "/bin/x");
	check_exec(SERVICE("ExecStart=\"-/bin/x y\" z\n"), "/bin/x y z");
	check_exec(SERVICE("ExecStart='/tmp/x'yz 'a b'\n"), "/tmp/xyz a b");
	check_exec(SERVICE("ExecStart=/t\\x6dp/x\\s\\055\\u00e4 \\n\n"),
		   "/tmp/x -\xc3\xa4 \n");
	check_exec(SERVICE("ExecStart=/x \\q \\x0 \\000 \\x00 \\u12\n"),
		   "/x \\q \\x0 \\000 \\x00 \\u12");
	check_exec(SERVICE("ExecStart=%T/x %V/y 100%% %h %\n"),
		   "/tmp/x /var/tmp/y 100% %h %");
	check_exec(SERVICE("ExecStart=//tmp/.//x/../y//\n"), "/tmp/y");
	check_exec(SERVICE("ExecStart=/usr/bin/../../../tmp/x ../a//b\n"),
		   "/tmp/x ../a//b");
	check_exec(SERVICE("ExecStart=/..\n"), "/");
	check_exec(SERVICE("ExecStart=sh ./x\n"), "sh ./x");
	check_exec(SERVICE("ExecStart=/a ; -/b c;d ; /e \\; f\n"),
		   "/a|/b c;d|/e ; f");
	check_exec(SERVICE("ExecStart=/a ';' b\n"), "/a ; b");
	check_exec(SERVICE("ExecStart=/a ;\n"), "/a");
	check_exec(SERVICE("ExecStart=/a \\;\n"), "/a ;");
	check_exec(SERVICE("ExecStart=\"/unclosed x\nExecStop=/s\n"),
		   "/unclosed x|/s");
	check_exec(SERVICE("ExecStart=-\n"), "");
	check_exec(SERVICE("ExecStart=- /x\n"), " /x");
	check_exec(SERVICE("ExecStart=/bin/sh -c 'echo \"a  b\" | sh'\n"),
		   "/bin/sh -c echo \"a  b\" | sh");
}

static void
test_hostile_sizes(void **state)
{
	struct buf b = { 0 };
	struct unit_facts f;

	(void)state;
	buf_puts(&b, "[Service]\nExecStart=/x ");
	for (size_t i = 0; i < 1 << 20; i++)
		buf_putc(&b, 'a');
	f = read_unit(buf_view(&b), "x.service");
	assert_int_equal(f.n_exec, 1);
	assert_int_equal(f.exec[0].n, 3 + (1 << 20));

	/* more commands than are kept, then one that clears them */
	buf_clear(&b);
	buf_puts(&b, "[Service]\n");
	for (int i = 0; i < 5000; i++)
		buf_puts(&b, "ExecStart=/x\n");
	f = read_unit(buf_view(&b), "x.service");
	assert_true(f.truncated);
	assert_int_equal(f.n_exec, 1024);
	buf_puts(&b, "ExecStart=\nExecStart=/last\n");
	f = read_unit(buf_view(&b), "x.service");
	check_list(f.exec, f.n_exec, "/last");

	/* a megabyte of continuations, of backslashes, of brackets */
	buf_clear(&b);
	buf_puts(&b, "[Service]\nExecStart=/x ");
	for (int i = 0; i < 1 << 19; i++)
		buf_puts(&b, "\\\n");
	f = read_unit(buf_view(&b), "x.service");
	check_list(f.exec, f.n_exec, "/x");
	buf_clear(&b);
	for (int i = 0; i < 1 << 20; i++)
		buf_putc(&b, i & 1 << 18 ? '\\' : '[');
	f = read_unit(buf_view(&b), "x.service");
	assert_false(f.is_unit);
	buf_free(&b);
}

/* Cut anywhere, it never reads past the cut. */
static void
test_every_length(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf[Service]\r\nExecStart=@-/t\\x6dp/\\u00e4/../x "
		"'a b' \\; ; \"/y\" %T%%% \\\n#c\n \\101\n[Timer]\n"
		"OnBootSec=1\nOnCalendar=\nUnit=z\n[Install]\nWantedBy=a 'b";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		read_unit((struct view){ text, n }, "x.timer");
		arena_reset(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_service, reset),
		cmocka_unit_test_teardown(test_timer, reset),
		cmocka_unit_test_teardown(test_dropin, reset),
		cmocka_unit_test_teardown(test_sections, reset),
		cmocka_unit_test_teardown(test_clearing, reset),
		cmocka_unit_test_teardown(test_continuation, reset),
		cmocka_unit_test_teardown(test_line_ends, reset),
		cmocka_unit_test_teardown(test_commands, reset),
		cmocka_unit_test_teardown(test_hostile_sizes, reset),
		cmocka_unit_test_teardown(test_every_length, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
