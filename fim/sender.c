/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's side, and the post: starting, poking, starting again. */
#include "fim/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/frame.h"
#include "fim/sandbox.h"

#define WAIT_MIN_NS NS_PER_SEC
#define WAIT_MAX_NS (60 * NS_PER_SEC)
/* One that ran this long had no trouble starting. */
#define STEADY_NS (60 * NS_PER_SEC)
#define KILL_AFTER_NS (SENDER_STOP_NS + 2 * NS_PER_SEC)
#define LOOK_NS NS_PER_SEC
#define LOOK_MS 1000

struct sender {
	const struct config_output *output; /* borrowed */
	pid_t pid;			    /* 0 = does not run */
	int poke;			    /* -1 = does not run */
	uint64_t began_ns, again_ns;	    /* boot; last start, next start */
	uint64_t wait_ns;		    /* between an end and a start */
};

struct post {
	struct sender v[SENDERS_MAX];
	size_t n;
	const char *folder; /* borrowed */
};

/* In a process of its own: descriptors from 0 on, 2 takes notes; the rest is
 * not ours. */
static int
take_places(int in, int other)
{
	int high_in = fcntl(in, F_DUPFD, 10), high = -1;

	if (other >= 0)
		high = fcntl(other, F_DUPFD, 10);
	if (high_in < 0 || (other >= 0 && high < 0) || dup2(high_in, 0) < 0 ||
	    dup2(2, 1) < 0 || (other >= 0 && dup2(high, 3) < 0))
		return -1;
	return sandbox_close_others(other >= 0 ? 4 : 3);
}

/* ---- the post -------------------------------------------------------- */

static void
set_name(const char *what)
{
	char name[16];

	snprintf(name, sizeof(name), "tocsin-%s", what);
	prctl(PR_SET_NAME, name);
}

static int
start_one(const struct post *p, struct sender *one)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	one->pid = fork();
	if (one->pid == 0) {
		if (take_places(ends[0], -1) != 0)
			_exit(EXIT_IO);
		set_name(one->output->name.p);
		_exit(sender_run(one->output, p->folder));
	}
	close(ends[0]);
	if (one->pid < 0) {
		one->pid = 0;
		close(ends[1]);
		return -1;
	}
	one->poke = ends[1];
	return 0;
}

static void
start_or_wait(const struct post *p, struct sender *one, uint64_t now_ns)
{
	one->began_ns = now_ns;
	if (start_one(p, one) == 0)
		return;
	dprintf(2, "tocsin: output %s: its process cannot start: %s\n",
		one->output->name.p, strerror(errno));
	one->again_ns = now_ns + WAIT_MAX_NS;
}

static void
say_end(const struct sender *one, int status)
{
	if (WIFSIGNALED(status))
		dprintf(2,
			"tocsin: output %s: its process was killed by signal "
			"%d; it starts again\n",
			one->output->name.p, WTERMSIG(status));
}

static bool
has_ended(struct sender *one)
{
	int status = 0;

	if (one->pid == 0 || waitpid(one->pid, &status, WNOHANG) != one->pid)
		return false;
	one->pid = 0;
	if (one->poke >= 0)
		close(one->poke);
	one->poke = -1;
	say_end(one, status);
	return true;
}

static void
look_after(const struct post *p, struct sender *one, uint64_t now_ns)
{
	if (has_ended(one)) {
		if (now_ns - one->began_ns > STEADY_NS)
			one->wait_ns = WAIT_MIN_NS;
		one->again_ns = now_ns + one->wait_ns;
		one->wait_ns *= 2;
		if (one->wait_ns > WAIT_MAX_NS)
			one->wait_ns = WAIT_MAX_NS;
	} else if (one->pid == 0 && now_ns >= one->again_ns) {
		start_or_wait(p, one, now_ns);
	}
}

static void
stop_all(struct post *p)
{
	uint64_t end_ns = clock_boot_ns() + KILL_AFTER_NS;
	size_t left = p->n;

	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].poke >= 0)
			close(p->v[i].poke);
		p->v[i].poke = -1;
	}
	while (left > 0 && clock_boot_ns() < end_ns) {
		left = 0;
		for (size_t i = 0; i < p->n; i++)
			left += p->v[i].pid != 0 && !has_ended(&p->v[i]);
		if (left > 0)
			usleep(10000);
	}
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].pid != 0)
			kill(p->v[i].pid, SIGKILL);
}

static void
pass_on(const struct post *p)
{
	/* Full: it has not read an earlier one. */
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].poke >= 0 && write(p->v[i].poke, "", 1) < 0)
			continue;
}

/* Begins with the first poke: then there is a state database. Returns at the
 * end of the pipe. */
static void
serve(struct post *p)
{
	struct pollfd control = { .fd = 0, .events = POLLIN };
	bool begun = false;
	char bytes[256];
	ssize_t n = -1;

	while (n != 0) {
		n = -1;
		if (poll(&control, 1, LOOK_MS) > 0)
			n = read(0, bytes, sizeof(bytes));
		begun = begun || n > 0;
		for (size_t i = 0; begun && n != 0 && i < p->n; i++)
			look_after(p, &p->v[i], clock_boot_ns());
		if (n > 0)
			pass_on(p);
	}
	stop_all(p);
}

/* What it can do without it gives up at once, and all senders with it. */
static int
become_post(const struct engine_birth *birth, int control, int alive)
{
	if (birth != NULL) {
		munmap((void *)birth->events, FRAME_EVENTS_BYTES);
		munmap((void *)birth->aside, FRAME_ASIDE_BYTES);
	}
	if (take_places(control, alive) != 0 || sandbox_drop() != 0)
		return -1;
	set_name("outputs");
	return sandbox_deny(SANDBOX_EXEC | SANDBOX_TRACE | SANDBOX_KERNEL |
			    SANDBOX_MOUNT | SANDBOX_IDENTITY | SANDBOX_MODE |
			    SANDBOX_TAKE);
}

static void
run_post(const struct config *c, const char *folder)
{
	struct post p = { .folder = folder };

	for (; p.n < c->outputs.n && p.n < SENDERS_MAX; p.n++)
		p.v[p.n] = (struct sender){
			.output = &c->outputs.v[p.n],
			.poke = -1,
			.wait_ns = WAIT_MIN_NS,
		};
	serve(&p);
}

/* ---- the engine's side ----------------------------------------------- */

static int
open_pipes(int control[2], int alive[2])
{
	if (pipe2(control, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	if (pipe2(alive, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	close(control[0]);
	close(control[1]);
	return -1;
}

int
senders_start(struct senders *s, const struct config *c, const char *folder,
	      const struct engine_birth *birth, FILE *notes)
{
	int control[2], alive[2];
	pid_t pid;

	if (c->outputs.n == 0)
		return 0;
	if (open_pipes(control, alive) != 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fileno(notes), 2);
		if (become_post(birth, control[0], alive[1]) != 0)
			_exit(EXIT_IO);
		run_post(c, folder);
		_exit(EXIT_NOTHING);
	}
	close(control[0]);
	close(alive[1]);
	*s = (struct senders){ pid > 0, control[1], alive[0], 0 };
	if (pid > 0)
		return 0;
	close(control[1]);
	close(alive[0]);
	return -1;
}

void
senders_poke(const struct senders *s)
{
	/* Full: it has not read an earlier one. Gone: tend will see. */
	if (s->open && write(s->control, "", 1) < 0)
		return;
}

bool
senders_tend(struct senders *s, uint64_t now_ns)
{
	struct pollfd alive = { .fd = s->alive };

	if (!s->open || now_ns < s->look_ns)
		return true;
	s->look_ns = now_ns + LOOK_NS;
	return poll(&alive, 1, 0) == 0;
}

void
senders_stop(struct senders *s)
{
	struct pollfd alive = { .fd = s->alive };

	if (!s->open)
		return;
	close(s->control);
	/* It kills what does not end, and ends. */
	poll(&alive, 1, (int)((KILL_AFTER_NS + NS_PER_SEC) / NS_PER_MS));
	close(s->alive);
	s->open = false;
}
