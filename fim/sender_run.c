/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sender's side: one output, its cursor, and patience. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/exit.h"
#include "fim/outlet.h"
#include "fim/sender.h"

#define PIPE_FD 0

/* From the first failure on: doubled each time, half of it by chance, so that
 * many hosts do not come back in step. */
#define BACKOFF_MIN_NS (500 * NS_PER_MS)
#define BACKOFF_MAX_NS (60 * NS_PER_SEC)
/* No other side can make us wait longer. */
#define ASKED_MAX_NS (600 * NS_PER_SEC)
/* An alert that is refused this often is passed over. */
#define REFUSALS 5
/* A poke that was missed costs this much. */
#define LOOK_NS (5 * NS_PER_SEC)
/* Nothing is older than this after the end was asked for, whatever hangs. */
#define LAST_SECONDS 20

static const struct outlet_ops *const kinds[] = {
	&outlet_file,
	&outlet_journald,
	&outlet_syslog,
	&outlet_webhook,
};

struct sending {
	struct outlet outlet;
	struct cursor *cursor;
	struct cursor_batch batch;
	const char *name, *folder; /* borrowed */
	bool stopping;
	bool unsaved;	    /* what the cursor says */
	uint64_t stop_ns;   /* boot; since when */
	unsigned failures;  /* in a row */
	unsigned refusals;  /* of the next alert */
	struct buf problem; /* "" = all is well */
};

static void
say(const struct sending *s, const char *what, struct view detail)
{
	struct buf text = { 0 };

	buf_printf(&text, "tocsin: output %s: %s", s->name, what);
	buf_source(&text, detail);
	buf_putc(&text, '\n');
	if (text.n > 0 && write(STDERR_FILENO, text.p, text.n) < 0)
		text.n = 0;
	buf_free(&text);
}

/* ---- waiting --------------------------------------------------------- */

/* Whatever hangs: the end comes. */
static void
on_terminate(int signal_number)
{
	(void)signal_number;
	alarm(LAST_SECONDS);
}

static void
stop(struct sending *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->stop_ns = clock_boot_ns();
	alarm(LAST_SECONDS);
}

static bool
time_is_up(const struct sending *s)
{
	return s->stopping && clock_boot_ns() - s->stop_ns > SENDER_STOP_NS;
}

static void
drain(struct sending *s)
{
	char bytes[256];
	ssize_t n;

	while ((n = read(PIPE_FD, bytes, sizeof(bytes))) > 0)
		;
	if (n == 0)
		stop(s);
}

/* Until a poke (if they count), the end, or so long. */
static void
wait_ns(struct sending *s, uint64_t ns, bool pokes)
{
	struct pollfd fd = { .fd = PIPE_FD, .events = pokes ? POLLIN : 0 };

	if (!s->stopping && poll(&fd, 1, (int)(ns / NS_PER_MS) + 1) > 0)
		drain(s);
}

static uint64_t
backoff(unsigned failures, uint64_t asked_ns)
{
	uint64_t ns = BACKOFF_MIN_NS;
	uint32_t chance = 0;

	for (unsigned i = 1; i < failures && ns < BACKOFF_MAX_NS; i++)
		ns *= 2;
	if (ns > BACKOFF_MAX_NS)
		ns = BACKOFF_MAX_NS;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	ns = ns / 2 + ns / 2 * (chance % 1000) / 1000;
	if (asked_ns > ASKED_MAX_NS)
		asked_ns = ASKED_MAX_NS;
	return asked_ns > ns ? asked_ns : ns;
}

/* ---- delivering ------------------------------------------------------ */

static void
save(struct sending *s)
{
	s->unsaved = cursor_save(s->cursor, buf_view(&s->problem)) != 0;
}

static void
count_taken(struct sending *s, const struct cursor_alert *v, size_t taken)
{
	struct cursor_figures *f = cursor_figures(s->cursor);

	if (taken == 0)
		return;
	f->seq = v[taken - 1].seq;
	f->delivered += taken;
	s->refusals = 0;
	if (s->failures > 0 && s->problem.n > 0)
		say(s, "delivers again", VIEW_NONE);
	s->failures = 0;
	buf_clear(&s->problem);
}

/* It would stop all that come after it. The state database keeps it. */
static void
pass_over(struct sending *s, const struct cursor_alert *a)
{
	struct cursor_figures *f = cursor_figures(s->cursor);

	say(s, "passed over, as it is refused again and again: alert ", a->id);
	f->seq = a->seq;
	f->refused++;
	s->refusals = 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* But for numbers: how many milliseconds it took this time is no news. */
static bool
same_words(struct view a, struct view b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.n && is_digit(a.p[i]))
			i++;
		while (j < b.n && is_digit(b.p[j]))
			j++;
		if (i == a.n || j == b.n)
			return i == a.n && j == b.n;
		if (a.p[i++] != b.p[j++])
			return false;
	}
}

static uint64_t
count_failure(struct sending *s, const struct cursor_alert *a,
	      const struct outlet_result *r)
{
	cursor_figures(s->cursor)->retries++;
	if (s->failures++ == 0 ||
	    !same_words(buf_view(&s->problem), buf_view(&r->why)))
		say(s, "", buf_view(&r->why));
	buf_clear(&s->problem);
	buf_put(&s->problem, buf_view(&r->why));
	if (!r->refused)
		s->refusals = 0;
	else if (++s->refusals >= REFUSALS)
		pass_over(s, a);
	return backoff(s->failures, r->wait_ns);
}

/* How long to wait before the rest; 0 = all of the batch has arrived. */
static uint64_t
deliver_batch(struct sending *s)
{
	const struct outlet_ops *ops = s->outlet.ops;
	uint64_t ns = 0;

	for (size_t done = 0; done < s->batch.n && ns == 0 && !time_is_up(s);) {
		size_t n = ops->one_by_one ? 1 : s->batch.n - done;
		struct outlet_result r = { 0 };
		size_t taken =
			ops->deliver(&s->outlet, &s->batch.v[done], n, &r);

		count_taken(s, &s->batch.v[done], taken);
		done += taken;
		if (taken < n)
			ns = count_failure(s, &s->batch.v[done], &r);
		save(s);
		buf_free(&r.why);
	}
	return ns;
}

/* False: there is nothing to deliver, or nothing more. */
static bool
deliver_some(struct sending *s)
{
	uint64_t ns;

	if (cursor_read(s->cursor, &s->batch) != 0) {
		wait_ns(s, NS_PER_SEC, false);
		return !s->stopping;
	}
	if (s->batch.n == 0)
		return false;
	ns = deliver_batch(s);
	if (ns == 0)
		return true;
	if (s->stopping)
		return false;
	wait_ns(s, ns, false);
	return true;
}

static void
run(struct sending *s)
{
	for (;;) {
		while (!time_is_up(s) && deliver_some(s))
			;
		/* The database was busy for long: what nobody knows of would be
		 * delivered again. */
		if (s->unsaved)
			save(s);
		if (s->stopping)
			return;
		wait_ns(s, LOOK_NS, true);
	}
}

/* ---- beginning ------------------------------------------------------- */

/* A sender is nothing that the host must have in time, or at all. */
static void
be_ordinary(void)
{
	struct sched_param normal = { 0 };
	FILE *f = fopen("/proc/self/oom_score_adj", "we");

	if (f != NULL) {
		fputs("0\n", f);
		fclose(f);
	}
	sched_setscheduler(0, SCHED_OTHER, &normal);
	setpriority(PRIO_PROCESS, 0, 0);
	umask(077);
	sigset_t none;

	sigemptyset(&none);
	signal(SIGINT, SIG_IGN); /* of the terminal; the watcher will tell */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_terminate);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
give_up_rights(struct sending *s)
{
	unsigned groups = SANDBOX_ALL;
	int files;

	if (s->outlet.ops->sockets)
		groups &= ~(unsigned)SANDBOX_SOCKET;
	outlet_add_path(&s->outlet, s->folder, SANDBOX_WRITE);
	files = sandbox_paths(s->outlet.paths, s->outlet.n_paths);
	if (files > 0)
		say(s,
		    "this kernel has no Landlock: it may open what its "
		    "user may",
		    VIEW_NONE);
	return files < 0 || sandbox_drop() != 0 || sandbox_deny(groups) != 0
		       ? -1
		       : 0;
}

static enum exit_code
begin(struct sending *s)
{
	struct buf *why = &s->problem;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (view_eq(s->outlet.config->type, view_of(kinds[i]->type)))
			s->outlet.ops = kinds[i];
	assert(s->outlet.ops != NULL); /* the configuration knows no others */
	s->cursor = cursor_open(s->folder, s->outlet.config->name, why);
	if (s->cursor == NULL) {
		say(s, "", buf_view(why));
		return EXIT_STATE;
	}
	if (s->outlet.ops->open(&s->outlet, why) != 0) {
		say(s, "", buf_view(why));
		save(s);
		return EXIT_IO;
	}
	if (give_up_rights(s) != 0) {
		buf_printf(why, "its rights cannot be given up: %s",
			   strerror(errno));
		say(s, "", buf_view(why));
		save(s);
		return EXIT_IO;
	}
	return EXIT_NOTHING;
}

static void
end(struct sending *s)
{
	if (s->outlet.ops != NULL && s->outlet.own != NULL)
		s->outlet.ops->close(&s->outlet);
	cursor_close(s->cursor);
	arena_free(&s->batch.arena);
	buf_free(&s->problem);
}

int
sender_run(const struct config_output *output, const char *folder)
{
	struct sending s = {
		.outlet.config = output,
		.name = output->name.p,
		.folder = folder,
	};
	enum exit_code code;

	be_ordinary();
	code = begin(&s);
	if (code == EXIT_NOTHING)
		run(&s);
	end(&s);
	return (int)code;
}
