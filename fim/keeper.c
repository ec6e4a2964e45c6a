/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper: serves engines, one after the other. */
#include "fim/keeper.h"

#include "fim/budget.h"
#include "fim/heap.h"
#include "fim/hurry.h"
#include "fim/keep.h"
#include "fim/sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* An engine that asks nothing for so long, or after a stop goes on for so
 * long, is ended. Its work on one round is far shorter. */
#define SILENT_S 25
#define STOP_NS (30 * NS_PER_SEC)
/* It may take so long to end when its socket has been closed. */
#define END_MS 10000

/* An engine that ends this often within a minute will not do better. */
#define ENDS_MAX 5
#define ENDS_NS (60 * NS_PER_SEC)

static void
send_answer(struct keeper *k, struct call *c)
{
	struct view said = buf_view(&c->said);

	said = view_sub(said, 0, FRAME_TEXT_MAX);
	c->answer.n_text = (uint32_t)said.n;
	c->answer.n_events = (uint32_t)k->out->n;
	c->answer.cpu_ns = budget_cpu_ns();
	if (c->fd >= 0)
		c->answer.flags |= FRAME_FD;
	if (k->socket >= 0 && frame_send(k->socket, &c->answer,
					 sizeof(c->answer), said, c->fd) != 0) {
		close(k->socket);
		k->socket = -1;
	}
	k->out->n = 0;
}

/* The engine reads what there is; its questions about that come meanwhile. */
void
keeper_hand_over(struct keeper *k)
{
	struct call c = { .answer.flags = FRAME_MORE, .fd = -1 };

	send_answer(k, &c);
	keeper_serve(k, ASK_MORE);
}

/* ---- serving --------------------------------------------------------- */

/* While a round is being read, no other may begin. */
static bool
may_ask(uint32_t ask, bool nested)
{
	if (ask >= ASKS || keeper_answers[ask] == NULL)
		return false;
	if (!nested)
		return true;
	return ask == ASK_LOOK || ask == ASK_FILE || ask == ASK_UNIT ||
	       ask == ASK_NAMES || ask == ASK_PROCESS || ask == ASK_CREDS ||
	       ask == ASK_STATUS;
}

/* False: it asks nothing, or goes on after a stop; it is ended. Seconds are
 * counted by waiting, so that a host that slept does not count. */
static bool
wait_for_request(struct keeper *k)
{
	struct pollfd fd = { .fd = k->socket, .events = POLLIN };

	for (int s = 0; s < SILENT_S; s++) {
		if (poll(&fd, 1, 1000) > 0)
			return !k->stop ||
			       clock_boot_ns() < k->stop_ns + STOP_NS;
		keeper_read_signals(k);
		if (k->stop && clock_boot_ns() > k->stop_ns + STOP_NS)
			return false;
	}
	return false;
}

/* False: the engine is gone, or has said what it may not. */
static bool
receive(struct keeper *k, struct frame_request *r)
{
	uint64_t now_ns;
	ssize_t n = -1;

	if (k->socket < 0)
		return false;
	if (wait_for_request(k))
		n = frame_receive(k->socket, r, sizeof(*r), k->text, NULL);
	else
		kill(k->engine, SIGKILL);
	if (n < 0 || (size_t)n != r->n_text) {
		close(k->socket);
		k->socket = -1;
		return false;
	}
	k->text[n] = '\0';
	/* A request may outlive who sent it; the answer before it has been
	 * read. */
	k->heard_ns = k->answered_ns;
	now_ns = clock_boot_ns();
	notify_alive(&k->notify, now_ns);
	heap_tidy(&k->tidy_ns, now_ns);
	return true;
}

void
keeper_serve(struct keeper *k, enum ask until)
{
	struct event_area *out = k->out;
	struct frame_request r;

	/* ASKS is no request, even if a taken-over engine sends it. */
	while (receive(k, &r) && (until == ASKS || r.ask != until)) {
		struct call c = {
			.request = &r,
			.text = { k->text, r.n_text },
			.fd = -1,
		};

		if (may_ask(r.ask, until != ASKS))
			keeper_answers[r.ask](k, &c);
		else
			c.answer.error = EPERM;
		/* What lies in the area of `out` is still being read. */
		if (k->out == out && until != ASKS)
			k->out = &k->aside;
		k->answered_ns = clock_wall_ns();
		send_answer(k, &c);
		k->out = out;
		if (c.fd >= 0)
			close(c.fd);
		buf_free(&c.said);
	}
}

/* ---- life ------------------------------------------------------------ */

static int
open_signals(struct keeper *k)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN); /* a reader that left is an output error */
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signals < 0 ? -1 : 0;
}

static char *
shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int
keeper_open(struct keeper *k, struct cmd_io *io)
{
	*k = (struct keeper){ .io = io, .socket = -1, .signals = -1 };
	k->events = (struct event_area){ .p = shared(FRAME_EVENTS_BYTES),
					 .size = FRAME_EVENTS_BYTES };
	k->aside = (struct event_area){ .p = shared(FRAME_ASIDE_BYTES),
					.size = FRAME_ASIDE_BYTES };
	k->out = &k->events;
	k->text = malloc(FRAME_TEXT_MAX + 1);
	if (k->events.p == NULL || k->aside.p == NULL || k->text == NULL)
		return -1;
	hurry_always();
	notify_open(&k->notify);
	return open_signals(k);
}

static void
keeper_close(struct keeper *k)
{
	keeper_close_sensors(k);
	watchset_free(&k->watchset);
	watchset_free(&k->next);
	arena_free(&k->settings);
	buf_free(&k->figures);
	free(k->offered);
	free(k->text);
	if (k->socket >= 0)
		close(k->socket);
	if (k->signals >= 0)
		close(k->signals);
}

/* Of the keeper's descriptors an engine keeps none, of an engine before its
 * own. What is mapped of the sensors is not inherited. */
static void
leave_keeper(struct keeper *k, int socket)
{
	int keep[] = {
		0, 1, 2, fileno(k->io->out), fileno(k->io->notes), socket
	};
	int last = socket;

	for (size_t i = 0; i < ARRAY_LEN(keep); i++)
		last = keep[i] > last ? keep[i] : last;
	for (int fd = 3; fd < last; fd++) {
		bool kept = false;

		for (size_t i = 0; i < ARRAY_LEN(keep); i++)
			kept = kept || keep[i] == fd;
		if (!kept)
			close(fd);
	}
	sandbox_close_others(last + 1);
}

/* 1 in the child, 0 in the keeper, -1 and errno. */
static int
give_birth(struct keeper *k, struct engine_birth *birth)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	birth->socket = pair[1];
	birth->events = k->events.p;
	birth->aside = k->aside.p;
	birth->keeper = (uint32_t)getpid();
	fflush(k->io->out);
	fflush(k->io->notes);
	k->engine_before = k->engine;
	k->heard_ns = k->answered_ns = clock_wall_ns();
	k->begun = false;
	k->engine = fork();
	if (k->engine == 0) {
		leave_keeper(k, pair[1]);
		return 1;
	}
	close(pair[1]);
	if (k->engine < 0) {
		close(pair[0]);
		return -1;
	}
	k->socket = pair[0];
	return 0;
}

/* Nobody but the keeper knows whether it was asked to stop, and what could be
 * wrong with a command line, a configuration or its signature has been found
 * out by the first round: a taken-over engine must not say what makes the
 * service manager give up. One that begins anew and finds it wrong ends the
 * keeper as well, and the next one says so. */
static enum exit_code
believable(const struct keeper *k, int code)
{
	if ((code == EXIT_STOPPED && !k->stop) ||
	    (k->confined && (code == EXIT_USAGE || code == EXIT_CONFIG ||
			     code == EXIT_TAMPERED || code == EXIT_NOTHING)))
		return EXIT_IO;
	return (enum exit_code)code;
}

static void
say_end(const struct keeper *k, int status)
{
	if (WIFEXITED(status))
		fprintf(k->io->notes,
			"tocsin: the engine has given up (exit code %d)\n",
			WEXITSTATUS(status));
	else
		fprintf(k->io->notes,
			"tocsin: the engine was ended by signal %d (%s)\n",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	fflush(k->io->notes);
}

/* True: it is to be started again. */
static bool
after_end(struct keeper *k, int status, struct engine_past *past,
	  enum exit_code *code)
{
	bool exited = WIFEXITED(status);

	keeper_read_signals(k);
	if (exited)
		*code = believable(k, WEXITSTATUS(status));
	else
		*code = k->stop ? EXIT_STOPPED : EXIT_IO;
	/* What kept it from beginning would keep the next one as well. */
	if (exited && (*code != EXIT_IO || !k->begun || k->stop))
		return false;
	/* One that never asked for a round has recorded nothing: it leaves to
	 * the next what it was left itself. */
	if (k->begun)
		*past = (struct engine_past){
			.there = true,
			.signal = exited ? 0 : WTERMSIG(status),
			.code = exited ? WEXITSTATUS(status) : 0,
			.heard_ns = k->heard_ns,
			.unread = k->unread,
			.from_ns = k->fetched_before_ns,
			.to_ns = k->fetched_ns,
		};
	say_end(k, status);
	return !k->stop;
}

/* Too many ends in too short a time. */
static bool
keeps_ending(uint64_t ends[ENDS_MAX], size_t n)
{
	uint64_t now_ns = clock_boot_ns();
	uint64_t oldest_ns = ends[n % ENDS_MAX];

	ends[n % ENDS_MAX] = now_ns;
	return n >= ENDS_MAX && now_ns - oldest_ns < ENDS_NS;
}

static int
wait_for_end(pid_t engine)
{
	int status = 0, waited = 0;
	pid_t ended;

	do {
		ended = waitpid(engine, &status, WNOHANG);
		if (ended == 0 && waited < END_MS)
			poll(NULL, 0, 10);
		if (ended == 0 && (waited += 10) == END_MS)
			kill(engine, SIGKILL);
	} while (ended == 0 || (ended < 0 && errno == EINTR));
	return status;
}

enum exit_code
keeper_watch(const struct options *options, struct cmd_io *io,
	     enum exit_code (*engine)(const struct engine_birth *,
				      const struct options *, struct cmd_io *))
{
	struct engine_birth birth = { 0 };
	enum exit_code code = EXIT_IO;
	uint64_t ends[ENDS_MAX] = { 0 };
	struct keeper k;
	size_t n = 0;
	int born;

	heap_settle(); /* the engine's and the senders' as well */
	born = keeper_open(&k, io);

	while (born == 0) {
		born = give_birth(&k, &birth);
		if (born == 1)
			return engine(&birth, options, io);
		if (born != 0)
			break;
		keeper_serve(&k, ASKS);
		if (!after_end(&k, wait_for_end(k.engine), &birth.past, &code))
			break;
		if (keeps_ending(ends, n++)) {
			err_add(&io->err, (struct place){ 0 },
				"the engine ends again and again");
			break;
		}
	}
	if (born < 0)
		err_add(&io->err, (struct place){ 0 }, "%s", strerror(errno));
	keeper_close(&k);
	return code;
}
