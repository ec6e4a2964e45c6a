/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom of the journal's senders to believe, and what becomes an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fim/journal.h"

#define LOGIN "Accepted password for root from 192.0.2.1 port 1 ssh2"

/* An entry of an ordinary program, to be changed by the test. */
static struct journal_entry
entry(const char *identifier, const char *message)
{
	struct journal_entry j = { .time_ns = 7 };

	j.v[JOURNAL_TRANSPORT] = VIEW("syslog");
	j.v[JOURNAL_UID] = VIEW("0");
	j.v[JOURNAL_PID] = VIEW("123");
	j.v[JOURNAL_PRIORITY] = VIEW("6");
	j.v[JOURNAL_FACILITY] = VIEW("10");
	j.v[JOURNAL_IDENTIFIER] = view_of(identifier);
	j.v[JOURNAL_MESSAGE] = view_of(message);
	return j;
}

static enum event_kind
kind_of(const struct journal_entry *j)
{
	struct event_log log;
	struct event e;

	journal_event(j, &e, &log);
	assert_true(e.kind == EVENT_LOSS || e.log == &log);
	return e.kind;
}

static void
expect_program(const struct journal_entry *j, const char *program)
{
	struct event_log log;
	struct event e;

	journal_event(j, &e, &log);
	assert_true(view_eq(log.program, view_of(program)));
}

static void
test_event(void **state)
{
	struct journal_entry j = entry("sshd", LOGIN);
	struct event_log log;
	struct event e;

	(void)state;
	journal_event(&j, &e, &log);
	assert_int_equal(e.kind, EVENT_SSH_LOGIN);
	assert_int_equal(e.key.pid, 123);
	assert_int_equal(e.time_ns, 7);
	assert_int_equal(log.outcome, OUTCOME_SUCCESS);
	assert_int_equal(log.priority, 6);
	assert_int_equal(log.facility, 10);
	assert_true(view_eq(log.said[SAID_ADDRESS], VIEW("192.0.2.1")));
}

static void
test_numbers(void **state)
{
	struct journal_entry j = entry("sshd", LOGIN);
	struct event_log log;
	struct event e;

	(void)state;
	j.v[JOURNAL_PID] = VIEW("99999999999");
	j.v[JOURNAL_PRIORITY] = VIEW("8");
	j.v[JOURNAL_FACILITY] = VIEW("-1");
	journal_event(&j, &e, &log);
	assert_int_equal(e.key.pid, 0);
	assert_int_equal(log.priority, -1);
	assert_int_equal(log.facility, -1);
}

static void
test_trust(void **state)
{
	static const char su[] = "(to root) alice on pts/0";
	struct journal_entry j = entry("sshd", LOGIN);

	(void)state;
	j.v[JOURNAL_UID] = VIEW("1000");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_EXE] = VIEW("/usr/sbin/sshd");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_UID] = VIEW_NONE;
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);

	j = entry("su", su);
	j.v[JOURNAL_UID] = VIEW("1000");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_EXE] = VIEW("/tmp/su");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_EXE] = VIEW("/usr/bin/sudo");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_EXE] = VIEW("/usr/bin/x/su");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_EXE] = VIEW("/usr/bin/su");
	assert_int_equal(kind_of(&j), EVENT_SWITCH_USER);
}

static void
test_kernel(void **state)
{
	struct journal_entry j = entry("kernel", LOGIN);

	(void)state;
	j.v[JOURNAL_COMM] = VIEW("logger");
	expect_program(&j, "logger");
	j.v[JOURNAL_IDENTIFIER] = VIEW("KERNEL");
	expect_program(&j, "logger");
	j.v[JOURNAL_COMM] = VIEW_NONE;
	expect_program(&j, "unknown");
	j.v[JOURNAL_TRANSPORT] = VIEW("kernel");
	j.v[JOURNAL_IDENTIFIER] = VIEW("kernel");
	expect_program(&j, "kernel");
	/* /dev/kmsg takes what root's programs write, too. */
	j.v[JOURNAL_IDENTIFIER] = VIEW("sshd");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
}

static void
test_audit(void **state)
{
	struct journal_entry j = entry("", "USER_AUTH pid=1 msg='…'");
	struct event_log log;
	struct event e;

	(void)state;
	j.v[JOURNAL_AUDIT_TYPE] = VIEW("USER_AUTH");
	j.v[JOURNAL_AUDIT_GRANTORS] = VIEW("pam_permit");
	j.v[JOURNAL_AUDIT_ACCT] = VIEW("root");
	j.v[JOURNAL_AUDIT_ADDR] = VIEW("?");
	j.v[JOURNAL_AUDIT_RESULT] = VIEW("failed");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
	j.v[JOURNAL_TRANSPORT] = VIEW("audit");
	journal_event(&j, &e, &log);
	assert_int_equal(e.kind, EVENT_AUTHENTICATE);
	assert_true(log.audit);
	assert_int_equal(log.outcome, OUTCOME_FAILURE);
	assert_true(view_eq(log.said[SAID_GRANTORS], VIEW("pam_permit")));
	assert_true(view_eq(log.said[SAID_RESULT], VIEW("fail")));
	assert_int_equal(log.said[SAID_HOST].n, 0);
	j.v[JOURNAL_AUDIT_TYPE] = VIEW("SYSCALL");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE);
}

static void
test_loss(void **state)
{
	struct journal_entry j = entry("systemd-journald", "Suppressed");
	struct event_log log;
	struct event e;

	(void)state;
	j.v[JOURNAL_MESSAGE_ID] = VIEW("a596d6fe7bfa4994828e72309e95d61e");
	j.v[JOURNAL_DROPPED] = VIEW("42");
	assert_int_equal(kind_of(&j), EVENT_LOG_MESSAGE); /* anybody can */
	j.v[JOURNAL_TRANSPORT] = VIEW("driver");
	journal_event(&j, &e, &log);
	assert_int_equal(e.kind, EVENT_LOSS);
	assert_int_equal(e.lost, 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_trust), cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_audit), cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
