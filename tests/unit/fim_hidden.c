/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views of /proc that differ; tables of sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "fim/hidden.h"
#include "fim/sockets.h"
#include "tests/unit/run_help.h"

/* A folder that looks like /proc, with those pids that are given. */
struct fake {
	char proc[64], cgroup[64];
};

static void
make_dir(const char *folder, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

static void
make_file(const char *folder, const char *name, const char *text)
{
	char *path;
	FILE *f;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static void
make_process(const struct fake *f, pid_t pid, pid_t parent)
{
	char name[32], stat[64];

	snprintf(name, sizeof(name), "%d", pid);
	make_dir(f->proc, name);
	snprintf(name, sizeof(name), "%d/stat", pid);
	snprintf(stat, sizeof(stat), "%d (a ) b) S %d 0 0 0\n", pid, parent);
	make_file(f->proc, name, stat);
}

static void
fake_make(struct fake *f)
{
	snprintf(f->proc, sizeof(f->proc), "/tmp/tocsin-proc-XXXXXX");
	snprintf(f->cgroup, sizeof(f->cgroup), "/tmp/tocsin-cgroup-XXXXXX");
	assert_non_null(mkdtemp(f->proc));
	assert_non_null(mkdtemp(f->cgroup));
	make_process(f, getpid(), getppid());
}

static void
fake_free(struct fake *f)
{
	assert_int_equal(RUN("rm", "-r", f->proc, f->cgroup), 0);
}

static pid_t
child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* What is said of that pid; 0 = nothing. */
static unsigned
views_of(const struct fake *f, pid_t pid)
{
	pid_t last = pid > getpid() ? pid : getpid();
	struct hidden_places places = { .proc = f->proc,
					.cgroup = f->cgroup,
					.own_proc = -1,
					.pid_max = (uint32_t)last + 1 };
	struct hidden *v;
	unsigned views = 0;
	size_t n;

	assert_int_equal(hidden_find(&places, &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (v[i].pid == (uint32_t)pid)
			views = v[i].views;
	free(v);
	return views;
}

#define ALL (1u << HIDDEN_READDIR | 1u << HIDDEN_LISTING | 1u << HIDDEN_LOOKUP)

static void
test_signals_find_who_is_not_listed(void **state)
{
	struct fake f;
	pid_t hidden, shown;

	(void)state;
	fake_make(&f);
	hidden = child();
	shown = child();
	make_process(&f, shown, getpid());
	assert_int_equal(views_of(&f, hidden), ALL);
	assert_int_equal(views_of(&f, shown), 0);
	assert_int_equal(views_of(&f, getpid()), 0);
	end(hidden);
	assert_int_equal(views_of(&f, hidden), 0);
	end(shown);
	fake_free(&f);
}

/* One that has ended is in nobody's way, whether or not it was waited for. */
static void
test_the_dead_are_not_hidden(void **state)
{
	struct fake f;
	pid_t zombie;
	siginfo_t info;

	(void)state;
	fake_make(&f);
	zombie = child();
	kill(zombie, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT),
			 0);
	assert_int_equal(views_of(&f, zombie), 0);
	waitpid(zombie, NULL, 0);
	fake_free(&f);
}

/* A cgroup and a child name pids that lead to nobody: stale, not hidden. */
static void
test_names_of_nobody(void **state)
{
	struct fake f;
	char text[32];
	pid_t gone;

	(void)state;
	fake_make(&f);
	gone = child();
	end(gone);
	make_process(&f, 1, gone);
	assert_int_equal(views_of(&f, gone), 0);
	make_dir(f.cgroup, "a.service");
	snprintf(text, sizeof(text), "%d\n0\nx\n", gone);
	make_file(f.cgroup, "a.service/cgroup.procs", text);
	/* A cgroup that insists is believed: kill(2) may be bent, too. */
	assert_int_equal(views_of(&f, gone), ALL);
	fake_free(&f);
}

static void
test_this_host(void **state)
{
	struct hidden_places places = { .own_proc = proc_mount_own() };
	struct hidden *v = NULL;
	size_t n = 0;
	int rc = hidden_find(&places, &v, &n);

	(void)state;
	assert_true(rc == 0 || errno == EPERM || errno == ENOTSUP);
	assert_int_equal(n, 0);
	free(v);
	if (places.own_proc >= 0)
		close(places.own_proc);
}

static void
test_words(void **state)
{
	struct buf b = { 0 };

	(void)state;
	hidden_put(1u << HIDDEN_MOUNT | 1u << HIDDEN_READDIR, &b);
	assert_int_equal(b.n, 14);
	assert_memory_equal(b.p, "readdir\0mount", 14);
	buf_free(&b);
}

/* ---- sockets --------------------------------------------------------- */

static const char tcp[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
	"retrnsmt   uid  timeout inode\n"
	"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
	"00000000     0        0 11 1 0 100 0 0 10 0\n"
	"   1: 0100007F:1F90 0200007F:C350 01 00000000:00000000 00:00000000 "
	"00000000     0        0 12 1 0 20 4 30 10 -1\n"
	"   2: 0200007F:C350 0100007F:0016 01 00000000:00000000 02:00000000 "
	"00000000  1000        0 13 1 0 20 4 30 10 -1\n"
	"   3: nonsense\n   4: 0200007F:C3 0100007F:0016 01 0 0 0 0 0 14\n";
static const char tcp6[] =
	"   0: 0000000000000000FFFF00000100007F:1F90 "
	"0000000000000000FFFF00000200007F:C350 01 0:0 0:0 0 0 0 21 1\n"
	"   1: B80D01200000000000000000010000"
	"00:C350 "
	"B80D0120000000000000000002000000:0016 01 0:0 0:0 0 0 0 22 1\n";

static bool
find(const char *table, bool v6, uint64_t inode, struct event_net *net)
{
	return sockets_read(view_of(table), v6, NET_TCP, inode, net);
}

static void
check_address(const struct event_net *n, const char *wanted)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(n->family, n->remote, text, sizeof(text)));
	assert_string_equal(text, wanted);
}

static void
test_sockets(void **state)
{
	struct event_net n = { 0 };

	(void)state;
	assert_false(find(tcp, false, 11, &n)); /* listens */
	assert_true(find(tcp, false, 12, &n));
	assert_true(n.ingress);
	assert_int_equal(n.remote_port, 50000);
	check_address(&n, "127.0.0.2");
	assert_true(find(tcp, false, 13, &n));
	assert_false(n.ingress);
	assert_int_equal(n.remote_port, 22);
	check_address(&n, "127.0.0.1");
	assert_false(find(tcp, false, 14, &n));
	assert_false(find(tcp, false, 99, &n));
	assert_true(find(tcp6, true, 21, &n));
	check_address(&n, "127.0.0.2");
	assert_true(find(tcp6, true, 22, &n));
	check_address(&n, "2001:db8::2");
	assert_int_equal(n.family, AF_INET6);
	assert_false(find(tcp6, false, 22, &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_find_who_is_not_listed),
		cmocka_unit_test(test_the_dead_are_not_hidden),
		cmocka_unit_test(test_names_of_nobody),
		cmocka_unit_test(test_this_host),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
