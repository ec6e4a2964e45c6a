/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child does the work. */
#include "fim/deputy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scan/walk_mounts.h"

/* For a child that has said how it went, to end as well. */
#define REAP_MS 200

bool
deputy_wanted(void)
{
	struct walk_mounts *m = walk_mounts_read();
	bool wanted = m != NULL && walk_mounts_any_remote(m);

	walk_mounts_free(m);
	return wanted;
}

/* Whoever reads our output must see its end, even if we do not end. */
static enum exit_code
act(enum exit_code (*run)(const struct options *), const struct options *o,
    int to)
{
	enum exit_code code = run(o);
	char byte = (char)code;

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	while (write(to, &byte, 1) < 0 && errno == EINTR)
		;
	close(to);
	return code;
}

static void
pass_on(int signals, pid_t child)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) == sizeof(info))
		kill(child, (int)info.ssi_signo);
}

/* False: it ended without a word. */
static bool
hear(int from, int signals, pid_t child, char *byte)
{
	struct pollfd fds[] = { { .fd = from, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents != 0)
			pass_on(signals, child);
		if (fds[0].revents != 0)
			return read(from, byte, 1) == 1;
	}
}

static enum exit_code
supervise(int from, int signals, pid_t child)
{
	char byte = 0;
	bool heard = hear(from, signals, child, &byte);
	int status = 0;

	if (!heard) {
		waitpid(child, &status, 0);
		return WIFSIGNALED(status) ? EXIT_STOPPED : EXIT_IO;
	}
	for (int i = 0; i < REAP_MS && waitpid(child, &status, WNOHANG) == 0;
	     i++)
		usleep(1000);
	return (enum exit_code)(unsigned char)byte;
}

enum exit_code
deputy_run(enum exit_code (*run)(const struct options *),
	   const struct options *o)
{
	static const int passed[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	pid_t self = getpid(), child;
	sigset_t set, before;
	enum exit_code code;
	int ends[2], signals;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		sigaddset(&set, passed[i]);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return run(o);
	sigprocmask(SIG_BLOCK, &set, &before);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	child = signals >= 0 ? fork() : -1;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &before, NULL);
		close(signals);
		close(ends[0]);
		return getppid() == self ? act(run, o, ends[1]) : EXIT_STOPPED;
	}
	close(ends[1]);
	code = child > 0 ? supervise(ends[0], signals, child) : run(o);
	close(ends[0]);
	if (signals >= 0)
		close(signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}
