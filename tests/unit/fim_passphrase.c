/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passphrases from a descriptor, and from a terminal of our own making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>

#include "fim/passphrase.h"

/* ---- a descriptor ---------------------------------------------------- */

static ssize_t
from_pipe(struct view input, char *to, size_t max, bool fresh)
{
	struct passphrase_source s = { .what = "k" };
	int pipes[2], saved;
	ssize_t n;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fd_write_all(pipes[1], input), 0);
	close(pipes[1]);
	s.fd = pipes[0];
	n = passphrase_get(&s, to, max, fresh);
	saved = errno;
	close(pipes[0]);
	errno = saved;
	return n;
}

static void
test_descriptor(void **state)
{
	char to[8];

	(void)state;
	assert_int_equal(from_pipe(VIEW("abc\nrest"), to, 8, false), 3);
	assert_memory_equal(to, "abc", 3);
	assert_int_equal(from_pipe(VIEW("abc"), to, 8, true), 3);
	assert_int_equal(from_pipe(VIEW("12345678\n"), to, 8, false), 8);
	assert_int_equal(from_pipe(VIEW("123456789\n"), to, 8, false), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(from_pipe(VIEW("a\0b\n"), to, 8, false), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(from_pipe(VIEW(""), to, 8, false), -1);
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(from_pipe(VIEW("\n"), to, 8, false), 0);
	assert_int_equal(from_pipe(VIEW("\n"), to, 8, true), -1);
	assert_int_equal(errno, ECANCELED);
}

/* Two passphrases on one descriptor: none takes from the other. */
static void
test_descriptor_twice(void **state)
{
	struct passphrase_source s = { .what = "k" };
	int pipes[2];
	char to[8];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fd_write_all(pipes[1], VIEW("one\ntwo\n")), 0);
	s.fd = pipes[0];
	assert_int_equal(passphrase_get(&s, to, 8, false), 3);
	assert_memory_equal(to, "one", 3);
	assert_int_equal(passphrase_get(&s, to, 8, false), 3);
	assert_memory_equal(to, "two", 3);
	close(pipes[0]);
	close(pipes[1]);
}

static void
test_descriptor_number(void **state)
{
	int fd;

	(void)state;
	assert_true(passphrase_fd(NULL, &fd));
	assert_int_equal(fd, -1);
	assert_true(passphrase_fd("0", &fd));
	assert_int_equal(fd, 0);
	assert_false(passphrase_fd("987654", &fd));
	assert_false(passphrase_fd("-1", &fd));
	assert_false(passphrase_fd("99999999999999999999", &fd));
	assert_false(passphrase_fd("x", &fd));
	assert_false(passphrase_fd("", &fd));
}

/* ---- a terminal ------------------------------------------------------ */

struct terminal {
	int master;
	pid_t child;
};

/* A child on a terminal of its own that asks, and exits with the length, or
 * 100 + errno. */
static struct terminal
start(bool fresh)
{
	struct passphrase_source s = { .fd = -1, .what = "k\n" };
	struct terminal t;
	char to[64];
	ssize_t n;

	t.child = forkpty(&t.master, NULL, NULL, NULL);
	assert_true(t.child >= 0);
	if (t.child > 0)
		return t;
	n = passphrase_get(&s, to, sizeof(to), fresh);
	_exit(n >= 0 ? (int)n : 100 + errno);
}

static bool
echoes(const struct terminal *t)
{
	struct termios now;

	assert_int_equal(tcgetattr(t->master, &now), 0);
	return (now.c_lflag & ECHO) != 0;
}

/* Reads what the child says until `text` is in it; all of it so far goes to
 * `said`. */
static void
expect(const struct terminal *t, const char *text, struct buf *said)
{
	struct pollfd p = { .fd = t->master, .events = POLLIN };
	char part[256];
	ssize_t n;

	while (view_search(buf_view(said), view_of(text), 0) < 0) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		n = read(t->master, part, sizeof(part));
		assert_true(n > 0);
		buf_put(said, (struct view){ part, (size_t)n });
	}
}

static int
finish(const struct terminal *t)
{
	int status;

	assert_int_equal(waitpid(t->child, &status, 0), t->child);
	close(t->master);
	return status;
}

static void
type(const struct terminal *t, const char *text)
{
	assert_int_equal(fd_write_all(t->master, view_of(text)), 0);
}

static void
test_terminal(void **state)
{
	struct terminal t = start(false);
	struct buf said = { 0 };
	int status;

	(void)state;
	expect(&t, "Passphrase of k\\x0a: ", &said);
	assert_false(echoes(&t));
	type(&t, "hunter2\n");
	expect(&t, "\n", &said);
	status = finish(&t);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_true(view_search(buf_view(&said), VIEW("hunter2"), 0) < 0);
	buf_free(&said);
}

static int
ask_new(const char *first, const char *second)
{
	struct terminal t = start(true);
	struct buf said = { 0 };
	int status;

	expect(&t, "New passphrase for ", &said);
	type(&t, first);
	if (second != NULL) {
		expect(&t, "The same again: ", &said);
		type(&t, second);
	}
	status = finish(&t);
	assert_true(WIFEXITED(status));
	buf_free(&said);
	return WEXITSTATUS(status);
}

static void
test_new_passphrase(void **state)
{
	(void)state;
	assert_int_equal(ask_new("abc\n", "abc\n"), 3);
	assert_int_equal(ask_new("abc\n", "abd\n"), 100 + ECANCELED);
	assert_int_equal(ask_new("abc\n", "abcd\n"), 100 + ECANCELED);
	assert_int_equal(ask_new("\n", NULL), 100 + ECANCELED);
	assert_int_equal(ask_new("\004", NULL), 100 + ECANCELED); /* ^D */
}

/* The signal kills, but not before the terminal is as it was. */
static void
test_signals(void **state)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct terminal t = start(false);
		struct buf said = { 0 };
		int status;

		expect(&t, ": ", &said);
		assert_false(echoes(&t));
		assert_int_equal(kill(t.child, numbers[i]), 0);
		assert_int_equal(waitpid(t.child, &status, 0), t.child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_true(echoes(&t));
		close(t.master);
		buf_free(&said);
	}
}

/* What a shell does with a job that was stopped. Its exit code: that of the
 * job, 200 if the job was stopped with the echo off. */
static void
be_a_shell(void)
{
	struct passphrase_source s = { .fd = -1, .what = "k" };
	struct termios now;
	char to[64];
	pid_t job = fork();
	int status;

	if (job == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		_exit((int)passphrase_get(&s, to, sizeof(to), false));
	}
	while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
		if (tcgetattr(0, &now) != 0 || (now.c_lflag & ECHO) == 0)
			_exit(200);
		kill(job, SIGCONT);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 201);
}

/* ^Z and fg. */
static void
test_stop_and_go(void **state)
{
	struct terminal t;
	struct buf said = { 0 };
	int status;

	(void)state;
	t.child = forkpty(&t.master, NULL, NULL, NULL);
	if (t.child == 0)
		be_a_shell();
	expect(&t, "Passphrase of k: ", &said);
	type(&t, "\032");
	buf_clear(&said);
	expect(&t, "Passphrase of k: ", &said);
	type(&t, "ab\n");
	status = finish(&t);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
	buf_free(&said);
}

static void
test_no_terminal(void **state)
{
	pid_t child;
	int status;

	(void)state;
	child = fork();
	if (child == 0) {
		struct passphrase_source s = { .fd = -1, .what = "k" };
		char to[8];

		setsid();
		_exit(passphrase_get(&s, to, sizeof(to), false) == -1 &&
				      errno == ECANCELED && s.why != NULL
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_descriptor_twice),
		cmocka_unit_test(test_descriptor_number),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_new_passphrase),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_stop_and_go),
		cmocka_unit_test(test_no_terminal),
	};

	/* nohup and a shell's & leave them ignored, which children inherit;
	 * a terminal's sessions have them. */
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
