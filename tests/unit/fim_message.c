/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the system's log: lines as programs write them, and lines that
 * somebody else wants them to have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fim/message.h"

#define YES OUTCOME_SUCCESS
#define NO OUTCOME_FAILURE
#define NONE OUTCOME_NONE

static const char *const names[SAID_COUNT] = {
#define SAID(id, name, class) [SAID_##id] = name,
#include "fim/messages.def"
};

/* `said`: every piece in order, "name=text" each, separated by |. */
static const struct line {
	const char *program, *text;
	enum event_kind kind;
	enum outcome outcome;
	const char *said;
} lines[] = {
	{ "sshd",
	  "Accepted password for root from 198.51.100.7 port 51234 ssh2",
	  EVENT_SSH_LOGIN, YES,
	  "user=root|ip=198.51.100.7|port=51234|verb=Accepted|method=password" },
	{ "sshd-session",
	  "Accepted publickey for alice from 2001:db8::1 port 2222 ssh2: "
	  "ED25519 SHA256:AbC+/x",
	  EVENT_SSH_LOGIN, YES,
	  "user=alice|ip=2001:db8::1|port=2222|verb=Accepted|method=publickey|"
	  "signature=ED25519 SHA256:AbC+/x" },
	{ "sshd",
	  "Accepted keyboard-interactive/pam for bob from 192.0.2.1 port 1 ssh2",
	  EVENT_SSH_LOGIN, YES,
	  "user=bob|ip=192.0.2.1|port=1|verb=Accepted|"
	  "method=keyboard-interactive/pam" },
	{ "sshd", "Failed password for root from 192.0.2.9 port 4000 ssh2",
	  EVENT_SSH_LOGIN, NO,
	  "user=root|ip=192.0.2.9|port=4000|verb=Failed|method=password" },
	{ "sshd",
	  "Failed password for invalid user admin from 192.0.2.9 port 4000 ssh2",
	  EVENT_SSH_LOGIN, NO,
	  "user=admin|ip=192.0.2.9|port=4000|verb=Failed|method=password" },
	{ "sshd", "Failed none for invalid user  from 192.0.2.9 port 4000 ssh2",
	  EVENT_SSH_LOGIN, NO,
	  "user=|ip=192.0.2.9|port=4000|verb=Failed|method=none" },
	/* Names that an outsider chose. */
	{ "sshd",
	  "Failed password for invalid user root from 10.0.0.1 port 22 ssh2 "
	  "from 192.0.2.9 port 4000 ssh2",
	  EVENT_SSH_LOGIN, NO,
	  "user=root from 10.0.0.1 port 22 ssh2|ip=192.0.2.9|port=4000|"
	  "verb=Failed|method=password" },
	{ "sshd",
	  "Invalid user x from 10.0.0.1 port 22 from 192.0.2.9 port 4000",
	  EVENT_SSH_LOGIN, NO,
	  "user=x from 10.0.0.1 port 22|ip=192.0.2.9|port=4000" },
	{ "sshd", "Invalid user Accepted password for root from 192.0.2.9",
	  EVENT_SSH_LOGIN, NO, "user=Accepted password for root|ip=192.0.2.9" },
	{ "sshd", "Invalid user \n from 192.0.2.9 port 1", EVENT_LOG_MESSAGE,
	  NONE, "" },
	{ "sshd", "Accepted password for root from nowhere port 1 ssh2",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "sshd", "Accepted password for root from 192.0.2.9 port x ssh2",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "sshd", "Accepted password for root from 192.0.2.9 port 1 ssh2 more",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "sshd", "Postponed publickey for root from 192.0.2.9 port 1 ssh2",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "logger", "Accepted password for root from 192.0.2.9 port 1 ssh2",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "sshd",
	  "User bob from 192.0.2.9 not allowed because not listed in AllowUsers",
	  EVENT_SSH_LOGIN, NO, "user=bob|ip=192.0.2.9" },
	{ "sshd",
	  "error: maximum authentication attempts exceeded for root from "
	  "192.0.2.9 port 7 ssh2 [preauth]",
	  EVENT_SSH_LOGIN, NO, "user=root|ip=192.0.2.9|port=7" },
	{ "sshd", "Received disconnect from 192.0.2.9 port 7:11: bye",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "sshd", "Server listening on 0.0.0.0 port 22.", EVENT_LOG_MESSAGE,
	  NONE, "" },
	{ "sshd", "", EVENT_LOG_MESSAGE, NONE, "" },
	{ "sshd",
	  "pam_unix(sshd:session): session opened for user alice(uid=1000) by "
	  "(uid=0)",
	  EVENT_SESSION_OPEN, YES, "user=alice|uid=1000" },
	{ "cron",
	  "pam_unix(cron:session): session opened for user root by (uid=0)",
	  EVENT_SESSION_OPEN, YES, "user=root" },
	{ "sudo",
	  "pam_unix(sudo:session): session opened for user root(uid=0) by "
	  "alice(uid=1000)",
	  EVENT_SESSION_OPEN, YES, "user=root|uid=0" },
	{ "su", "pam_unix(su:session): session closed for user root",
	  EVENT_SESSION_CLOSE, YES, "user=root" },
	{ "sshd",
	  "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
	  "tty=ssh ruser= rhost=192.0.2.9  user=root",
	  EVENT_AUTHENTICATE, NO, "user=root|host=192.0.2.9|tty=ssh" },
	{ "su",
	  "pam_unix(su:auth): authentication failure; logname=alice uid=1000 "
	  "euid=0 tty=/dev/pts/0 ruser=alice rhost=  user=root",
	  EVENT_AUTHENTICATE, NO, "user=root|host=|tty=/dev/pts/0" },
	{ "sshd",
	  "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
	  "tty=ssh ruser= rhost=192.0.2.9 ",
	  EVENT_AUTHENTICATE, NO, "host=192.0.2.9|tty=ssh" },
	{ "passwd", "pam_unix(passwd:chauthtok): password changed for alice",
	  EVENT_PASSWORD_CHANGE, YES, "user=alice" },
	{ "login", "LOGIN ON tty1 BY alice", EVENT_USER_LOGIN, YES,
	  "user=alice|tty=tty1" },
	{ "login", "ROOT LOGIN ON tty1", EVENT_USER_LOGIN, YES,
	  "user=root|tty=tty1" },
	{ "login",
	  "FAILED LOGIN (2) on '/dev/tty1' FOR 'root', Authentication failure",
	  EVENT_USER_LOGIN, NO, "user=root|tty=/dev/tty1" },
	{ "su", "(to root) alice on pts/3", EVENT_SWITCH_USER, YES,
	  "user=alice|target=root|tty=pts/3" },
	{ "su", "FAILED SU (to root) alice on pts/3", EVENT_SWITCH_USER, NO,
	  "user=alice|target=root|tty=pts/3" },
	{ "sudo",
	  "   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; "
	  "COMMAND=/usr/bin/id -u ; USER=bob",
	  EVENT_RUN_AS, YES,
	  "user=alice|target=root|tty=pts/0|pwd=/home/alice|"
	  "command=/usr/bin/id -u ; USER=bob" },
	{ "sudo",
	  "bob : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; "
	  "COMMAND=/bin/sh",
	  EVENT_RUN_AS, NO,
	  "user=bob|target=root|tty=pts/1|pwd=/|command=/bin/sh|"
	  "error=user NOT in sudoers" },
	{ "sudo",
	  "bob : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; "
	  "USER=root ; COMMAND=/bin/sh",
	  EVENT_RUN_AS, NO,
	  "user=bob|target=root|tty=pts/1|pwd=/|command=/bin/sh|"
	  "error=3 incorrect password attempts" },
	{ "useradd",
	  "new user: name=eve, UID=1001, GID=1001, home=/home/eve, "
	  "shell=/bin/bash, from=/dev/pts/0",
	  EVENT_USER_ADD, YES,
	  "user=eve|uid=1001|gid=1001|home=/home/eve|shell=/bin/bash|"
	  "tty=/dev/pts/0" },
	{ "useradd",
	  "new user: name=eve, UID=0, GID=0, home=/home/eve, shell=/bin/sh",
	  EVENT_USER_ADD, YES,
	  "user=eve|uid=0|gid=0|home=/home/eve|shell=/bin/sh" },
	{ "useradd", "failed adding user 'eve', exit code: 9", EVENT_USER_ADD,
	  NO, "user=eve" },
	{ "useradd", "add 'eve' to group 'sudo'", EVENT_GROUP_JOIN, YES,
	  "user=eve|group=sudo" },
	{ "useradd", "add 'eve' to shadow group 'sudo'", EVENT_LOG_MESSAGE,
	  NONE, "" },
	{ "groupadd", "new group: name=ops, GID=1002", EVENT_GROUP_ADD, YES,
	  "group=ops|gid=1002" },
	{ "groupadd", "group added to /etc/gshadow: name=ops",
	  EVENT_LOG_MESSAGE, NONE, "" },
	{ "usermod", "add 'eve' to group 'wheel'", EVENT_GROUP_JOIN, YES,
	  "user=eve|group=wheel" },
	{ "usermod", "delete 'eve' from group 'wheel'", EVENT_GROUP_LEAVE, YES,
	  "user=eve|group=wheel" },
	{ "usermod", "change user 'eve' UID from '1001' to '0'",
	  EVENT_USER_CHANGE, YES, "user=eve" },
	{ "usermod", "change user 'eve' password", EVENT_PASSWORD_CHANGE, YES,
	  "user=eve" },
	{ "usermod", "change user 'eve' shell from '/bin/sh' to '/bin/zsh'",
	  EVENT_USER_CHANGE, YES, "user=eve|shell=/bin/zsh" },
	{ "gpasswd", "user eve added by root to group docker", EVENT_GROUP_JOIN,
	  YES, "user=eve|group=docker" },
	{ "gpasswd", "user eve removed by root from group docker",
	  EVENT_GROUP_LEAVE, YES, "user=eve|group=docker" },
	{ "userdel", "delete user 'eve'", EVENT_USER_DELETE, YES, "user=eve" },
	{ "userdel", "removed group 'eve' owned by 'eve'", EVENT_GROUP_DELETE,
	  YES, "group=eve" },
	{ "groupdel", "group 'ops' removed", EVENT_GROUP_DELETE, YES,
	  "group=ops" },
	{ "groupdel", "group 'ops' removed from /etc/group", EVENT_LOG_MESSAGE,
	  NONE, "" },
	{ "passwd", "password for 'eve' changed by 'root'",
	  EVENT_PASSWORD_CHANGE, YES, "user=eve" },
	{ "kernel", "Accepted password for root from 192.0.2.9 port 1 ssh2",
	  EVENT_LOG_MESSAGE, NONE, "" },
};

static void
said_text(const struct event_log *log, char *out, size_t n)
{
	struct buf b = { 0 };

	for (int i = 0; i < SAID_COUNT; i++)
		if (log->said[i].p != NULL)
			buf_printf(&b, "%s%s=%.*s", b.n > 0 ? "|" : "",
				   names[i], (int)log->said[i].n,
				   log->said[i].p);
	buf_putc(&b, '\0');
	assert_true(b.n <= n);
	memcpy(out, b.p, b.n);
	buf_free(&b);
}

/* What was said, in whatever order the table lists it. */
static bool
same_pieces(const char *a, const char *b)
{
	struct view left = view_of(a), right = view_of(b), piece, other;
	size_t n = 0, m = 0;

	while (view_next_split(&right, '|', &other))
		m += other.n > 0;
	while (view_next_split(&left, '|', &piece)) {
		bool found = piece.n == 0;

		n += piece.n > 0;
		right = view_of(b);
		while (!found && view_next_split(&right, '|', &other))
			found = view_eq(piece, other);
		if (!found)
			return false;
	}
	return n == m;
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const struct line *l = &lines[i];
		struct event_log log = { .program = view_of(l->program),
					 .message = view_of(l->text) };
		enum event_kind kind = message_parse(&log);
		char text[2048];

		said_text(&log, text, sizeof(text));
		if (kind != l->kind || log.outcome != l->outcome ||
		    !same_pieces(text, l->said))
			fail_msg("%s: %s\n  is %s, %d: %s\n  wanted: %s",
				 l->program, l->text, event_action(kind),
				 (int)log.outcome, text, l->said);
	}
}

/* A long line full of what patterns look for ends soon, and is no login. */
static void
test_bounded(void **state)
{
	struct buf text = { 0 };
	struct event_log log = { .program = VIEW("sshd") };

	(void)state;
	buf_puts(&text, "Failed password for invalid user ");
	while (text.n < MESSAGE_PARSED_MAX - 12)
		buf_puts(&text, " from 1 port");
	log.message = buf_view(&text);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(message_parse(&log), EVENT_LOG_MESSAGE);
	while (text.n <= MESSAGE_PARSED_MAX)
		buf_putc(&text, 'x');
	log.message = buf_view(&text);
	assert_int_equal(message_parse(&log), EVENT_LOG_MESSAGE);
	buf_free(&text);
}

static void
test_audit(void **state)
{
	(void)state;
	assert_int_equal(message_audit_kind(VIEW("ADD_USER")), EVENT_USER_ADD);
	assert_int_equal(message_audit_kind(VIEW("SYSCALL")),
			 EVENT_LOG_MESSAGE);
	assert_int_equal(message_audit_kind(VIEW_NONE), EVENT_LOG_MESSAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
