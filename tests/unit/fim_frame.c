/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets and events between keeper and engine: whole, cut short and lying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/frame.h"

static struct event
an_event(struct event_module *module)
{
	*module = (struct event_module){ VIEW("mod"), 1ull << 40, true };
	return (struct event){
		.kind = EVENT_LOAD_MODULE,
		.attribution = ATTRIBUTION_SCAN,
		.truncated = true,
		.time_ns = UINT64_MAX,
		.read_ns = 7,
		.key = { 4711, 1ull << 50 },
		.pidfd = 9,
		.exit_code = EXIT_CODE_UNKNOWN,
		.lost = 3,
		.scope = VIEW("scope"),
		.proc = { .parent = { 1, 2 },
			  .pgid = 5,
			  .sid = UINT32_MAX,
			  .creds = { .uid = ID_UNKNOWN,
				     .cap_effective = UINT64_MAX },
			  .container = true,
			  .mnt_ns = 77 },
		.exec = { .given = VIEW("./x"),
			  .args = VIEW("a\0b\0"),
			  .env = VIEW("LD_PRELOAD=\xff\n\0"),
			  .stdio_inode = { 1, 2, 3 },
			  .replaced = true },
		.net = { .family = 10,
			 .proto = NET_UDP,
			 .remote = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
			 .remote_port = 65535,
			 .inherited = true },
		.file = { .path = VIEW("/run/x.pid"),
			  .aliases = VIEW("/var/run/x.pid\0"),
			  .node = NODE_DIR },
		.module = module,
	};
}

/* On a heap block of just that size, so that a sanitizer sees. */
static char *
written(const struct event *e, uint32_t number, size_t *n)
{
	char *p;

	*n = frame_event_bytes(e);
	assert_int_equal(*n % 8, 0);
	p = calloc(1, *n);
	assert_non_null(p);
	frame_put_event(p, e, number);
	return p;
}

static void
assert_same_view(struct view a, struct view b)
{
	assert_true(view_eq(a, b));
}

static void
test_event(void **unused)
{
	struct event_module module, module_read;
	struct event e = an_event(&module), r;
	uint32_t number = 0;
	size_t n;
	char *p = written(&e, 42, &n);
	struct view rest = { p, n };

	(void)unused;
	assert_true(frame_next_event(&rest, &r, &module_read, &number));
	assert_int_equal(rest.n, 0);
	assert_int_equal(number, 42);
	assert_int_equal(r.kind, e.kind);
	assert_int_equal(r.attribution, e.attribution);
	assert_true(r.truncated && !r.told);
	assert_true(r.time_ns == e.time_ns && r.read_ns == e.read_ns);
	assert_true(r.key.pid == 4711 && r.key.start_ns == 1ull << 50);
	assert_int_equal(r.pidfd, -1); /* a number of the keeper's */
	assert_int_equal(r.exit_code, EXIT_CODE_UNKNOWN);
	assert_true(r.proc.creds.uid == ID_UNKNOWN && r.proc.sid == UINT32_MAX);
	assert_true(r.proc.creds.cap_effective == UINT64_MAX);
	assert_true(r.proc.container && !r.proc.kthread && r.proc.mnt_ns == 77);
	assert_same_view(r.scope, e.scope);
	assert_same_view(r.exec.given, e.exec.given);
	assert_same_view(r.exec.args, e.exec.args);
	assert_same_view(r.exec.env, e.exec.env);
	assert_true(r.exec.stdio_inode[2] == 3 && r.exec.replaced);
	assert_true(r.net.inherited && r.net.remote_port == 65535);
	assert_memory_equal(r.net.remote, e.net.remote, 16);
	assert_same_view(r.file.path, e.file.path);
	assert_same_view(r.file.aliases, e.file.aliases);
	assert_int_equal(r.file.node, NODE_DIR);
	assert_null(r.file.handle);
	assert_non_null(r.module);
	assert_same_view(r.module->name, VIEW("mod"));
	assert_true(r.module->taints == 1ull << 40 && r.module->from_file);
	free(p);
}

/* Two in a row; an empty one; a negative exit code. */
static void
test_several(void **unused)
{
	struct event first = { .kind = EVENT_EXIT, .exit_code = -5 }, r;
	struct event second = { .kind = EVENT_LOSS, .scope = VIEW("x") };
	struct event_module module;
	size_t n = frame_event_bytes(&first), m = frame_event_bytes(&second);
	char *p = calloc(1, n + m);
	struct view rest = { p, n + m };
	uint32_t number;

	(void)unused;
	assert_non_null(p);
	frame_put_event(p, &first, 0);
	frame_put_event(p + n, &second, 1);
	assert_true(frame_next_event(&rest, &r, &module, &number));
	assert_int_equal(r.exit_code, -5);
	assert_null(r.module);
	assert_true(frame_next_event(&rest, &r, &module, &number));
	assert_int_equal(r.kind, EVENT_LOSS);
	assert_int_equal(number, 1);
	assert_false(frame_next_event(&rest, &r, &module, &number));
	free(p);
}

/* Cut at every byte, and every byte another: no event, or one within. */
static void
test_lying(void **unused)
{
	struct event_module module;
	struct event e = an_event(&module), r;
	uint32_t number;
	size_t n;
	char *p = written(&e, 1, &n);

	(void)unused;
	for (size_t cut = 0; cut < n; cut++) {
		char *copy = malloc(cut + 1);
		struct view rest = { copy, cut };

		assert_non_null(copy);
		memcpy(copy, p, cut);
		assert_false(frame_next_event(&rest, &r, &module, &number));
		assert_int_equal(rest.n, cut);
		free(copy);
	}
	for (size_t i = 0; i < n; i++) {
		struct view rest = { p, n };

		p[i] = (char)~p[i];
		if (frame_next_event(&rest, &r, &module, &number)) {
			assert_true(r.kind < EVENT_KINDS);
			assert_true(r.file.path.n <= n && r.exec.args.n <= n);
		}
		p[i] = (char)~p[i];
	}
	free(p);
}

static void
test_packets(void **unused)
{
	struct frame_request sent = { .ask = ASK_FILE, .v = { 1, 2 } }, got;
	char *text = malloc(FRAME_TEXT_MAX);
	struct stat a, b;
	int pair[2], fd;

	(void)unused;
	assert_non_null(text);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(frame_send(pair[0], &sent, sizeof(sent), VIEW("ab"),
				    STDIN_FILENO),
			 0);
	assert_int_equal(frame_receive(pair[1], &got, sizeof(got), text, &fd),
			 2);
	assert_memory_equal(&got, &sent, sizeof(got));
	assert_memory_equal(text, "ab", 2);
	assert_true(fd > STDERR_FILENO);
	assert_true(fstat(fd, &a) == 0 && fstat(STDIN_FILENO, &b) == 0 &&
		    a.st_ino == b.st_ino);
	close(fd);
	/* Too short for a head. */
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(frame_receive(pair[1], &got, sizeof(got), text, &fd),
			 -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(fd, -1);
	/* Who wants no descriptor gets none. */
	assert_int_equal(frame_send(pair[0], &sent, sizeof(sent), VIEW_NONE,
				    STDIN_FILENO),
			 0);
	assert_int_equal(frame_receive(pair[1], &got, sizeof(got), text, NULL),
			 0);
	fd = dup(STDIN_FILENO);
	assert_int_equal(fd, pair[1] + 1); /* none has come in */
	close(fd);
	close(pair[0]);
	assert_int_equal(frame_receive(pair[1], &got, sizeof(got), text, &fd),
			 -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(
		frame_send(pair[1], &sent, sizeof(sent), VIEW_NONE, -1), -1);
	assert_int_equal(errno, EPIPE);
	close(pair[1]);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_lying),
		cmocka_unit_test(test_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
