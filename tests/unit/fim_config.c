/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: defaults, every type of key, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "fim/config.h"

static void
expect_view(struct view v, const char *wanted)
{
	assert_int_equal(v.n, strlen(wanted));
	assert_memory_equal(v.p, wanted, v.n);
}

static void
test_defaults(void **state)
{
	struct options o = { 0 };
	struct config c = { 0 };
	struct err err = { 0 };

	(void)state;
	o.config = "/dev/null/none";
	assert_int_equal(config_load(&c, &o, &err), EXIT_CONFIG);
	err_free(&err);
	config_free(&c);

	/* Whatever this host has at CONFIG_PATH is of no interest here: the
	 * defaults are read before it. */
	o.config = "/nonexistent/tocsin.yaml";
	assert_int_equal(config_load(&c, &o, &err), EXIT_CONFIG);
	assert_int_equal(err.n, 1);
	expect_view(c.state, "/var/lib/tocsin");
	assert_int_equal(c.args_bytes, 4096);
	assert_int_equal(c.learning_period_ns, 0);
	assert_true(c.process_grace_ns == 30 * NS_PER_SEC);
	assert_int_equal(c.sensors.n, 6);
	assert_true(c.poll_ns == 250 * NS_PER_MS);
	expect_view(c.sensors.v[0], "bpf");
	assert_int_equal(c.env_vars.n, 9);
	expect_view(c.env_vars.v[0], "LD_PRELOAD");
	expect_view(c.env_vars.v[8], "https_proxy");
	assert_false(c.rules.given);
	assert_int_equal(c.format.n, 0);
	err_free(&err);
	config_free(&c);
}

static void
test_keys(void **state)
{
	static const char yaml[] = "# comment\n"
				   "rules: /srv/rules\n"
				   "exceptions: []\n"
				   "watch:\n"
				   "  - /opt/app\n"
				   "  - /home/*/bin\n"
				   "format: ndjson\n"
				   "args_bytes: 32768\n"
				   "learning_period: 7d\n"
				   "sensors: [fanotify]\n";
	struct config c = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(config_read(&c, "x", view_of(yaml), &err), 0);
	assert_int_equal(err.n, 0);
	assert_true(c.rules.given);
	assert_int_equal(c.rules.n, 1);
	expect_view(c.rules.v[0], "/srv/rules");
	assert_true(c.exceptions.given);
	assert_int_equal(c.exceptions.n, 0);
	assert_int_equal(c.watch.n, 2);
	expect_view(c.watch.v[1], "/home/*/bin");
	expect_view(c.format, "ndjson");
	assert_int_equal(c.args_bytes, 32768);
	assert_true(c.learning_period_ns == 7 * 86400 * NS_PER_SEC);
	assert_int_equal(c.sensors.n, 1);
	config_free(&c);
}

static void
test_wrong_values(void **state)
{
	/* text, line, column, part of the message */
	static const struct {
		const char *yaml;
		unsigned line, column;
		const char *says;
	} cases[] = {
		{ "stat: /x\n", 1, 1, "did you mean \"state\"" },
		{ "state: var\n", 1, 8, "absolute" },
		{ "\nargs_bytes: 100\n", 2, 13, "from 256 to 32768" },
		{ "args_bytes: 99999\n", 1, 13, "from 256 to 32768" },
		{ "args_bytes: many\n", 1, 13, "whole number" },
		{ "learning_period: 7\n", 1, 18, "time such as" },
		{ "process_grace: 2d\n", 1, 16, "from 1s to 3600s" },
		{ "format: xml\n", 1, 9, "text|json|ndjson" },
		{ "sensors: [bpf, kprobe]\n", 1, 16, "bpf|proc|fanotify" },
		{ "watch:\n  - /ok\n  - bad\n", 3, 5, "absolute" },
		{ "env_vars: [A=B]\n", 1, 12, "names" },
		{ "env_vars: {a: b}\n", 1, 11, "list" },
		{ "- a\n", 1, 1, "map of keys" },
		{ "state: [\n", 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config c = { 0 };
		struct err err = { 0 };
		const struct diag *d;

		assert_int_equal(
			config_read(&c, "x", view_of(cases[i].yaml), &err), -1);
		assert_int_equal(err.n, 1);
		d = &err.v[0];
		if (view_search(d->message, view_of(cases[i].says), 0) < 0)
			fail_msg("%s: %.*s", cases[i].yaml, (int)d->message.n,
				 d->message.p);
		if (cases[i].line != 0) {
			assert_int_equal(d->line, cases[i].line);
			assert_int_equal(d->column, cases[i].column);
		}
		err_free(&err);
		config_free(&c);
	}
}

static void
test_all_reported(void **state)
{
	struct config c = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(config_read(&c, "x",
				     VIEW("state: a\noutput: b\nzzz: 1\n"),
				     &err),
			 -1);
	assert_int_equal(err.n, 3);
	err_free(&err);
	config_free(&c);
}

static void
test_empty(void **state)
{
	struct config c = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(config_read(&c, "x", VIEW("# nothing\n"), &err), 0);
	assert_int_equal(config_read(&c, "x", VIEW_NONE, &err), 0);
	assert_int_equal(err.n, 0);
	config_free(&c);
}

static enum exit_code
load_with_mode(mode_t mode, struct err *err)
{
	char name[] = "/tmp/tocsin-config-XXXXXX";
	struct options o = { .config = name };
	struct config c = { 0 };
	enum exit_code result;
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, VIEW("state: /x\n")), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	result = config_load(&c, &o, err);
	if (result == EXIT_NOTHING)
		expect_view(c.state, "/x");
	close(fd);
	unlink(name);
	config_free(&c);
	return result;
}

static void
test_owner_and_mode(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(load_with_mode(0600, &err), 0);
	assert_int_equal(load_with_mode(0644, &err), 0);
	assert_int_equal(err.n, 0);
	assert_int_equal(load_with_mode(0664, &err), EXIT_CONFIG);
	assert_int_equal(load_with_mode(0602, &err), EXIT_CONFIG);
	assert_int_equal(err.n, 2);
	err_free(&err);
}

static void
test_manual(void **state)
{
	struct buf b = { 0 };

	(void)state;
	config_manual(&b);
	assert_false(b.failed);
	assert_true(view_search(buf_view(&b), VIEW(".It Ic args_bytes\n"), 0) >=
		    0);
	assert_true(view_search(buf_view(&b), VIEW("From 256 to 32768."), 0) >=
		    0);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_wrong_values),
		cmocka_unit_test(test_all_reported),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_owner_and_mode),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
