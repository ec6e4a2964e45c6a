/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes known by looking: our own children, and what is made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/known.h"

#define assert_view(v, cstr) \
	assert_true(view_eq((v), (struct view){ cstr, sizeof(cstr) - 1 }))

static const char *const names[] = { "KNOWN" };
static const struct sensor_config config = {
	.max_args = 4096,
	.env_names = names,
	.n_env_names = ARRAY_LEN(names),
};

/* What became of one pid; strings only while they are taken. */
struct seen {
	uint32_t pid;
	void (*look)(const struct event *);
	struct event v[16];
	size_t n;
};

static void
take(void *ctx, const struct event *e)
{
	struct seen *seen = ctx;

	if (e->key.pid != seen->pid || seen->n == ARRAY_LEN(seen->v))
		return;
	if (seen->look != NULL)
		seen->look(e);
	seen->v[seen->n++] = *e;
}

static struct seen
deliver(struct knowns *k, pid_t pid, void (*look)(const struct event *))
{
	struct seen seen = { .pid = (uint32_t)pid, .look = look };
	struct event_sink sink = { take, &seen };

	known_deliver(k, &sink);
	return seen;
}

static struct seen
list(struct knowns *k, pid_t pid, void (*look)(const struct event *))
{
	assert_int_equal(known_list(k, false, ATTRIBUTION_POLLED, 7), 0);
	return deliver(k, pid, look);
}

static struct knowns *
knowns(void)
{
	struct knowns *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	k->config = &config;
	assert_int_equal(known_list(k, true, ATTRIBUTION_POLLED, 5), 0);
	return k;
}

static void
done(struct knowns *k)
{
	known_free(k);
	free(k);
}

/* A child that waits; with `program`, as cat(1), with `in` as its input. */
static pid_t
child(bool program, int in)
{
	int gate[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(gate), 0);
	pid = fork();
	if (pid != 0) {
		close(gate[1]);
		/* Its end closes with exec, or after it wrote. */
		assert_true(read(gate[0], &byte, 1) >= 0);
		close(gate[0]);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(gate[0]);
	if (program) {
		fcntl(gate[1], F_SETFD, FD_CLOEXEC);
		setenv("KNOWN", "1", 1);
		setenv("OTHER", "2", 1);
		dup2(in, 0);
		execlp("cat", "cat", "-", NULL);
	} else if (write(gate[1], "x", 1) == 1) {
		pause();
	}
	_exit(9);
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
look_at_cat(const struct event *e)
{
	if (e->kind != EVENT_EXEC)
		return;
	assert_view(e->exec.args, "cat\0-\0");
	assert_int_equal(e->exec.argc, 2);
	assert_view(path_name(e->exec.given), "cat");
	assert_view(path_name(e->exec.image), "cat");
	assert_view(e->exec.comm, "cat");
	assert_view(e->exec.env, "KNOWN=1\0");
	assert_true(e->exec.cwd.n > 0);
	assert_true(e->exec.nlink > 0);
	assert_false(e->exec.missing);
}

static void
test_program(void **unused)
{
	struct knowns *k = knowns();
	struct seen seen;
	int in[2];
	pid_t pid;

	(void)unused;
	assert_int_equal(pipe(in), 0);
	deliver(k, 0, NULL);
	pid = child(true, in[0]);
	seen = list(k, pid, look_at_cat);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.v[0].kind, EVENT_EXEC);
	assert_int_equal(seen.v[0].attribution, ATTRIBUTION_POLLED);
	assert_int_equal(seen.v[0].proc.parent.pid, getpid());
	assert_true(seen.v[0].proc.parent.start_ns > 0);
	assert_int_equal(seen.v[0].proc.creds.euid, geteuid());
	assert_int_equal(seen.v[0].time_ns, 7);
	assert_int_equal(list(k, pid, NULL).n, 0); /* nothing new */
	end(pid);
	seen = list(k, pid, NULL);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.v[0].kind, EVENT_EXIT);
	assert_int_equal(seen.v[0].exit_code, EXIT_CODE_UNKNOWN);
	close(in[0]);
	close(in[1]);
	done(k);
}

static void
test_fork(void **unused)
{
	struct knowns *k = knowns();
	struct seen seen;
	pid_t pid;

	(void)unused;
	deliver(k, 0, NULL);
	pid = child(false, -1);
	seen = list(k, pid, NULL);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.v[0].kind, EVENT_FORK);
	end(pid);
	done(k);
}

struct order {
	size_t n, first, last; /* of the bounds */
	pid_t made, ended;
	size_t at_made, at_ended;
};

static void
take_order(void *ctx, const struct event *e)
{
	struct order *o = ctx;
	size_t at = ++o->n;

	if (e->kind == EVENT_LOSS) {
		assert_int_equal(at, 1);
		assert_int_equal(e->role, ROLE_PROCESSES);
		assert_true(e->again);
		assert_view(e->cause, "full");
	} else if (e->kind == EVENT_LIST_BEGIN || e->kind == EVENT_LIST_END) {
		assert_int_equal(e->role, ROLE_PROCESSES);
		*(e->kind == EVENT_LIST_BEGIN ? &o->first : &o->last) = at;
	} else {
		assert_int_equal(e->attribution, ATTRIBUTION_LOST);
	}
	if (e->kind == EVENT_EXEC && (pid_t)e->key.pid == o->made)
		o->at_made = at;
	if (e->kind == EVENT_EXIT && (pid_t)e->key.pid == o->ended)
		o->at_ended = at;
}

/* Messages were lost: who came and who went is found between the bounds of a
 * list, once. */
static void
test_lost(void **unused)
{
	struct knowns *k = knowns();
	struct order o = { .ended = child(false, -1) };
	struct event_sink sink = { take_order, &o };
	int in[2];

	(void)unused;
	assert_int_equal(pipe(in), 0);
	known_look(k, (uint32_t)o.ended, 6);
	deliver(k, 0, NULL);
	o.made = child(true, in[0]);
	end(o.ended);
	known_loss(k, VIEW("full"), true, 8);
	assert_int_equal(known_list(k, false, ATTRIBUTION_LOST, 9), 0);
	known_deliver(k, &sink);
	assert_int_equal(o.first, 2);
	assert_int_equal(o.last, o.n);
	assert_true(o.at_made > o.first && o.at_made < o.last);
	assert_true(o.at_ended > o.first && o.at_ended < o.last);
	assert_int_equal(list(k, o.made, NULL).n, 0);
	end(o.made);
	close(in[0]);
	close(in[1]);
	done(k);
}

/* Of the dead nothing is known: an exec says so, a look forgets. */
static void
test_gone(void **unused)
{
	struct knowns *k = knowns();
	struct seen seen;
	pid_t pid;

	(void)unused;
	pid = child(false, -1);
	known_fork(k, (uint32_t)pid, (uint32_t)getpid(), 100 * NS_PER_SEC);
	end(pid);
	known_exec(k, (uint32_t)pid, 101 * NS_PER_SEC);
	known_thread_exit(k, (uint32_t)pid, true, 9, 102 * NS_PER_SEC);
	seen = deliver(k, pid, NULL);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.v[0].kind, EVENT_FORK);
	assert_int_equal(seen.v[1].kind, EVENT_EXEC);
	assert_true(seen.v[1].exec.missing);
	assert_int_equal(seen.v[1].exec.image.n, 0);
	assert_int_equal(seen.v[2].kind, EVENT_EXIT);
	assert_int_equal(seen.v[2].exit_code, 9);
	for (int i = 1; i < 3; i++)
		assert_int_equal(seen.v[i].key.start_ns,
				 seen.v[0].key.start_ns);

	pid = child(false, -1);
	known_look(k, (uint32_t)pid, 8);
	assert_int_equal(deliver(k, pid, NULL).v[0].kind, EVENT_FORK);
	end(pid);
	known_look(k, (uint32_t)pid, 9);
	seen = deliver(k, pid, NULL);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.v[0].kind, EVENT_FORGET);
	assert_int_equal(seen.v[1].kind, EVENT_EXIT);
	done(k);
}

/* A fork that had ended before it was heard of has its parent's state. */
static void
test_unseen(void **unused)
{
	struct knowns *k = knowns();
	struct seen seen;
	pid_t pid = child(false, -1);

	(void)unused;
	end(pid);
	known_fork(k, (uint32_t)pid, (uint32_t)getpid(), 100 * NS_PER_SEC + 7);
	seen = deliver(k, pid, NULL);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.v[0].key.start_ns, 100 * NS_PER_SEC);
	assert_int_equal(seen.v[0].proc.creds.euid, geteuid());
	assert_int_equal(seen.v[0].proc.sid, getsid(0));
	assert_int_equal(seen.v[0].proc.parent.pid, getpid());
	done(k);
}

/* A connected socket that a program was given; where descriptors of others
 * may not be copied, nothing is told and that is noted. */
static void
test_socket(void **unused)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct knowns *k = knowns();
	struct seen seen;
	pid_t pid;

	(void)unused;
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	deliver(k, 0, NULL);
	pid = child(true, fd);
	seen = list(k, pid, NULL);
	assert_int_equal(seen.v[0].kind, EVENT_EXEC);
	assert_int_equal(seen.v[0].exec.socket_fds, 1);
	if (!k->no_sockets) {
		assert_int_equal(seen.n, 2);
		assert_int_equal(seen.v[1].kind, EVENT_CONNECT);
		assert_int_equal(seen.v[1].net.proto, NET_UDP);
		assert_int_equal(seen.v[1].net.remote_port, 9);
		assert_memory_equal(seen.v[1].net.remote, &to.sin_addr, 4);
		assert_true(seen.v[1].net.inherited);
		assert_true(seen.v[1].net.undirected);
		/* The same socket is told once. */
		known_sockets(k, 8);
		assert_int_equal(deliver(k, pid, NULL).n, 0);
	}
	end(pid);
	close(fd);
	done(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program), cmocka_unit_test(test_fork),
		cmocka_unit_test(test_lost),	cmocka_unit_test(test_gone),
		cmocka_unit_test(test_unseen),	cmocka_unit_test(test_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
