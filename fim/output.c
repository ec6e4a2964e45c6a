/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts on their way out. */
#include "fim/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a slow reader, at the end. */
#define FINISH_MS 2000
/* More room than this is given back when the reader has had all. */
#define WAITING_KEPT (256u << 10)

/* ---- standard output ------------------------------------------------- */

/* O_NONBLOCK belongs to the open file, which others have, too (the shell that
 * started us, whoever else writes to that pipe): so a pipe or a terminal is
 * opened once more. Where that is refused, poll(2) is asked before each piece
 * of PIPE_BUF, which pipe(7) then takes at once. */
void
output_open(struct output *o, int fd)
{
	char name[64];
	struct stat st;
	int again;

	o->fd = fd;
	if (fstat(fd, &st) != 0 || S_ISREG(st.st_mode))
		return;
	o->fd_socket = S_ISSOCK(st.st_mode);
	if (o->fd_socket)
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	o->fd_asked = again < 0;
	if (again < 0)
		return;
	o->fd = again;
	o->fd_owned = true;
}

static ssize_t
write_piece(struct output *o, struct view v)
{
	struct pollfd ready = { .fd = o->fd, .events = POLLOUT };
	struct iovec piece = { (void *)(uintptr_t)v.p, v.n };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };

	/* The engine has no sendto. */
	if (o->fd_socket)
		return sendmsg(o->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!o->fd_asked)
		return write(o->fd, v.p, v.n);
	if (poll(&ready, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(o->fd, v.p, v.n < PIPE_BUF ? v.n : PIPE_BUF);
}

static void
write_waiting(struct output *o)
{
	ssize_t n = 0;

	while (o->written < o->waiting.n && !o->gone) {
		n = write_piece(o, view_sub(buf_view(&o->waiting), o->written,
					    SIZE_MAX));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		o->written += (size_t)n;
	}
	o->error = n < 0 && errno != EAGAIN ? errno : 0;
	o->gone = o->gone || o->error == EPIPE;
	if (o->written < o->waiting.n && !o->gone)
		return;
	if (o->waiting.cap > WAITING_KEPT)
		buf_free(&o->waiting);
	buf_clear(&o->waiting);
	o->written = 0;
}

/* What has been written makes room, now and then. */
static void
compact(struct output *o)
{
	if (o->written < OUTPUT_WAITING_MAX / 4)
		return;
	o->waiting.n -= o->written;
	memmove(o->waiting.p, o->waiting.p + o->written, o->waiting.n);
	o->written = 0;
}

/* A line is there whole or not at all. */
static void
add_waiting(struct output *o, const struct alert *a)
{
	struct buf *b = &o->scratch;

	if (o->text) {
		buf_clear(b);
		alert_format_text(a, o->colour, b);
	}
	compact(o);
	if (o->gone || b->failed ||
	    o->waiting.n - o->written + b->n > OUTPUT_WAITING_MAX ||
	    !buf_reserve(&o->waiting, b->n)) {
		o->left_out++;
		o->waiting.failed = false;
		return;
	}
	buf_put(&o->waiting, buf_view(b));
}

/* ---- alerts ---------------------------------------------------------- */

void
output_take(void *output, const struct alert *a)
{
	struct output *o = output;

	o->alerts++;
	buf_clear(&o->scratch);
	o->scratch.failed = false;
	alert_format_json(a, &o->scratch);
	/* What finds no room in memory is counted by the state. */
	if (o->scratch.failed)
		o->unmade++;
	else
		state_add_alert(o->state, a->id, a->rule->id, a->time_ns,
				view_trim(buf_view(&o->scratch)));
	if (!o->scratch.failed || o->text)
		add_waiting(o, a);
}

/* ---- what went wrong ------------------------------------------------- */

static void
say_store(struct output *o, FILE *notes)
{
	struct state_held held = state_held(o->state);

	if (o->store_failed && !o->store_said) {
		o->failures++;
		fprintf(notes,
			"tocsin: alerts cannot be stored: %s; up to %zu MiB "
			"of them wait in memory\n",
			state_problem(o->state), STATE_HELD_MAX >> 20);
	} else if (!o->store_failed && o->store_said) {
		fprintf(notes, "tocsin: alerts are stored again; %zu waited\n",
			o->most_held);
		o->most_held = 0;
	}
	o->store_said = o->store_failed;
	if (o->store_failed && held.alerts > o->most_held)
		o->most_held = held.alerts;
}

static void
say_write(struct output *o, FILE *notes)
{
	bool failed = o->error != 0 || o->gone;

	if (failed && !o->write_said) {
		o->failures++;
		fprintf(notes,
			"tocsin: alerts cannot be written to standard output: "
			"%s\n",
			strerror(o->error));
	} else if (!failed && o->write_said) {
		fputs("tocsin: alerts are written to standard output again\n",
		      notes);
	}
	o->write_said = failed;
	if (o->left_out > o->left_out_said && o->waiting.n == 0 && !o->gone) {
		fprintf(notes,
			"tocsin: %llu alerts were not written to standard "
			"output, nobody took them; the state database has "
			"them\n",
			(unsigned long long)(o->left_out - o->left_out_said));
		o->left_out_said = o->left_out;
	}
}

bool
output_flush(struct output *o, FILE *notes)
{
	size_t waiting = state_held(o->state).alerts;

	o->store_failed = state_commit(o->state) != 0;
	write_waiting(o);
	say_store(o, notes);
	say_write(o, notes);
	return waiting > 0 && !o->store_failed;
}

void
output_finish(struct output *o, FILE *notes)
{
	struct pollfd ready = { .fd = o->fd, .events = POLLOUT };
	uint64_t end_ns = clock_boot_ns() + FINISH_MS * NS_PER_MS;

	while (o->waiting.n > 0 && o->error == 0 && clock_boot_ns() < end_ns) {
		poll(&ready, 1, 100);
		write_waiting(o);
	}
	if (o->waiting.n > 0)
		fputs("tocsin: the last alerts were not written to standard "
		      "output, nobody took them; the state database has them\n",
		      notes);
	if (state_held(o->state).alerts > 0)
		fprintf(notes, "tocsin: %zu alerts were never stored: %s\n",
			state_held(o->state).alerts, state_problem(o->state));
}

void
output_free(struct output *o)
{
	buf_free(&o->waiting);
	buf_free(&o->scratch);
	if (o->fd_owned)
		close(o->fd);
}
