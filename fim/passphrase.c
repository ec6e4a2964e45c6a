/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Passphrases, from a descriptor or from /dev/tty. While the echo is off the
 * signals that would end or stop us are blocked and waited for beside the
 * terminal: when one comes the echo is put back first and then the mask, so
 * that it does what it always does.
 */
#include "fim/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

bool
passphrase_fd(const char *word, int *fd)
{
	uint64_t n;

	*fd = -1;
	if (word == NULL)
		return true;
	if (!view_to_u64(view_of(word), &n) || n > 1u << 20)
		return false;
	*fd = (int)n;
	return fcntl(*fd, F_GETFD) >= 0;
}

/* ---- a line ---------------------------------------------------------- */

struct terminal {
	int fd, signals;
	struct termios before;
	sigset_t mask;
	bool silent;
};

/* One byte at a time: what follows the line is not ours to take. 1, 0 at the
 * end, -1 and errno; EINTR when a signal is waiting. */
static ssize_t
read_byte(int fd, int signals, char *to)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = signals, .events = POLLIN } };
	ssize_t got;

	do {
		if (poll(p, ARRAY_LEN(p), -1) < 0)
			return -1;
		if (p[1].revents != 0) {
			errno = EINTR;
			return -1;
		}
		got = read(fd, to, 1);
	} while (got < 0 && errno == EAGAIN);
	return got;
}

/* The rest of a line that is too long is read, too: it must not become the
 * next command of a shell. */
static ssize_t
read_line(int fd, int signals, char *to, size_t max)
{
	size_t n = 0;
	bool bad = false;
	ssize_t got;
	char c;

	while ((got = read_byte(fd, signals, &c)) == 1 && c != '\n') {
		if (n == max || c == '\0')
			bad = true;
		else
			to[n++] = c;
	}
	sodium_memzero(&c, sizeof(c));
	if (got < 0)
		return -1;
	if (bad) {
		errno = EMSGSIZE;
		return -1;
	}
	if (got == 0 && n == 0) {
		errno = ECANCELED;
		return -1;
	}
	return (ssize_t)n;
}

/* ---- the terminal ---------------------------------------------------- */

static int
silence(struct terminal *t)
{
	static const int numbers[] = { SIGINT,	SIGTERM, SIGHUP, SIGQUIT,
				       SIGTSTP, SIGALRM, SIGPIPE };
	struct termios quiet;
	sigset_t set;

	if (tcgetattr(t->fd, &t->before) != 0)
		return -1;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&set, numbers[i]);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals < 0)
		return -1;
	sigprocmask(SIG_BLOCK, &set, &t->mask);
	t->silent = true;
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	return tcsetattr(t->fd, TCSAFLUSH, &quiet);
}

static void
restore(struct terminal *t)
{
	int saved = errno;

	if (t->silent) {
		tcsetattr(t->fd, TCSAFLUSH, &t->before);
		fd_write_all(t->fd, VIEW("\n"));
		close(t->signals);
		/* What was waiting is delivered here. */
		sigprocmask(SIG_SETMASK, &t->mask, NULL);
		t->silent = false;
	}
	errno = saved;
}

/* Asks once more when it was stopped and continued, or interrupted by a
 * signal that we survived. */
#define ASK_MAX 8

static ssize_t
ask(struct terminal *t, struct view prompt, char *to, size_t max)
{
	ssize_t n = -1;

	for (int i = 0; i < ASK_MAX; i++) {
		if (silence(t) == 0 && fd_write_all(t->fd, prompt) == 0)
			n = read_line(t->fd, t->signals, to, max);
		restore(t);
		if (n >= 0 || errno != EINTR)
			break;
	}
	return n;
}

static ssize_t
ask_again(struct passphrase_source *s, struct terminal *t, const char *to,
	  size_t n, size_t max)
{
	char *second = sodium_malloc(max);
	ssize_t got;
	bool same;

	if (second == NULL)
		return -1;
	got = ask(t, VIEW("The same again: "), second, max);
	same = got == (ssize_t)n && sodium_memcmp(to, second, n) == 0;
	sodium_free(second);
	if (same)
		return got;
	if (got >= 0) {
		s->why = "the two passphrases are not the same";
		errno = ECANCELED;
	}
	return -1;
}

static ssize_t
ask_terminal(struct passphrase_source *s, char *to, size_t max, bool fresh)
{
	struct terminal t = { .signals = -1 };
	struct buf prompt = { 0 };
	ssize_t n = -1;

	t.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (t.fd < 0) {
		s->why = "there is no terminal to ask for the passphrase; "
			 "see --passphrase-fd";
		errno = ECANCELED;
		return -1;
	}
	buf_puts(&prompt, fresh ? "New passphrase for " : "Passphrase of ");
	buf_text(&prompt, view_of(s->what));
	buf_puts(&prompt, ": ");
	if (!prompt.failed)
		n = ask(&t, buf_view(&prompt), to, max);
	if (n > 0 && fresh)
		n = ask_again(s, &t, to, (size_t)n, max);
	buf_free(&prompt);
	close(t.fd);
	return n;
}

/* ---- both ------------------------------------------------------------ */

ssize_t
passphrase_get(void *source, char *to, size_t max, bool fresh)
{
	struct passphrase_source *s = source;
	ssize_t n;

	if (sodium_init() < 0) {
		errno = ENOSYS;
		return -1;
	}
	n = s->fd >= 0 ? read_line(s->fd, -1, to, max)
		       : ask_terminal(s, to, max, fresh);
	if (n < 0 && errno == EMSGSIZE)
		s->why = "the passphrase is too long, or has a NUL in it";
	if (n == 0 && fresh) {
		s->why = "an empty passphrase protects nothing; see "
			 "--unencrypted";
		errno = ECANCELED;
		return -1;
	}
	return n;
}
