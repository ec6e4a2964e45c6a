/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of the kernel programs, good and bad, and what is made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fim/sensor_bpf.h"

#define assert_view(v, cstr) \
	assert_true(view_eq((v), (struct view){ cstr, sizeof(cstr) - 1 }))

static const char *const names[] = { "SHORT", "LD_PRELOAD" };
static const struct sensor_config config = {
	.max_args = 4096,
	.env_names = names,
	.n_env_names = ARRAY_LEN(names),
};

/* The last events, newest last. Strings only while they are taken: each test
 * looks through `look`. */
struct log {
	struct event v[16];
	size_t n;
	void (*look)(const struct event *);
};

static void
take(void *ctx, const struct event *e)
{
	struct log *log = ctx;

	if (log->look != NULL)
		log->look(e);
	log->v[log->n++ % ARRAY_LEN(log->v)] = *e;
}

static struct translator *
translator(void)
{
	struct translator *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->config = &config;
	return t;
}

static void
give(struct translator *t, struct log *log, const void *record, size_t n)
{
	struct event_sink sink = { take, log };
	/* On a heap block of just that size, so that a sanitizer sees. */
	void *copy = malloc(n);

	assert_non_null(copy);
	memcpy(copy, record, n);
	translate_record(t, copy, n, &sink);
	free(copy);
}

static struct wire_head
head(enum wire_kind kind, uint32_t pid)
{
	return (struct wire_head){
		.kind = (uint16_t)kind,
		.time_ns = 5,
		.start_ns = 100 + pid,
		.pid = pid,
	};
}

/* ---- exec ------------------------------------------------------------ */

struct exec {
	struct wire_exec w;
	char strings[256];
	size_t n;
};

static struct exec
exec_of(uint32_t pid)
{
	struct exec x = { .w.head = head(WIRE_EXEC, pid), .n = 0 };

	return x;
}

static void
add(struct exec *x, enum wire_string which, struct view v)
{
	memcpy(x->strings + x->n, v.p, v.n);
	x->w.length[which] = (uint32_t)v.n;
	x->n += v.n;
}

static struct exec
exec_full(uint32_t pid)
{
	struct exec x = exec_of(pid);

	add(&x, WIRE_GIVEN, VIEW("./x\0"));
	add(&x, WIRE_INTERP, VIEW("/bin/sh\0"));
	add(&x, WIRE_IMAGE, VIEW("dash\0bin\0usr\0"));
	add(&x, WIRE_ENV, VIEW("OTHER=1\0SHORT=2\0SHORTER=3\0LD_PRELOAD=\0"));
	add(&x, WIRE_ARGV, VIEW("/bin/sh\0./x\0"));
	return x;
}

static void
look_at_exec(const struct event *e)
{
	assert_int_equal(e->kind, EVENT_EXEC);
	assert_view(e->exec.given, "./x");
	assert_view(e->exec.interp, "/bin/sh");
	assert_view(e->exec.image, "/usr/bin/dash");
	assert_view(e->exec.cwd, "/");
	assert_view(e->exec.args, "/bin/sh\0./x\0");
	assert_view(e->exec.env, "SHORT=2\0LD_PRELOAD=\0");
	assert_int_equal(e->key.pid, 7);
	assert_int_equal(e->key.start_ns, 107);
	assert_false(e->truncated);
}

static void
test_exec(void **unused)
{
	struct translator *t = translator();
	struct log log = { .look = look_at_exec };
	struct exec x = exec_full(7);

	(void)unused;
	give(t, &log, &x, sizeof(x.w) + x.n);
	assert_int_equal(log.n, 1);
	assert_int_equal(t->lost, 0);
	free(t);
}

static void
look_at_cut(const struct event *e)
{
	assert_view(e->exec.image, "usr/bin/dash");
	assert_true(e->truncated);
}

static void
test_path_without_its_top(void **unused)
{
	struct translator *t = translator();
	struct log log = { .look = look_at_cut };
	struct exec x = exec_full(7);

	(void)unused;
	x.w.head.flags = WIRE_TRUNCATED | WIRE_CUT_IMAGE;
	give(t, &log, &x, sizeof(x.w) + x.n);
	assert_int_equal(log.n, 1);
	free(t);
}

/* Every length of a good record, and lengths that overrun it. */
static void
test_short_and_false_records(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	struct exec x = exec_full(7);
	size_t whole = sizeof(x.w) + x.n;

	(void)unused;
	for (size_t n = 1; n < whole; n++)
		give(t, &log, &x, n);
	assert_int_equal(log.n, 0);
	assert_int_equal(t->lost, whole - 1);
	for (int i = 0; i < WIRE_STRINGS; i++) {
		struct exec bad = x;

		bad.w.length[i] = UINT32_MAX;
		give(t, &log, &bad, whole);
	}
	x.w.head.kind = 99;
	give(t, &log, &x, whole);
	assert_int_equal(log.n, 0);
	assert_int_equal(t->lost, whole + WIRE_STRINGS);
	free(t);
}

/* Any bytes at all; the sanitizers are the judges. */
static void
test_any_bytes(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	uint64_t random = 1;

	(void)unused;
	for (int i = 0; i < 20000; i++) {
		struct exec x = exec_full(7);
		uint8_t *p = (uint8_t *)&x;

		x.w.head.kind = (uint16_t)(i % 10);
		for (int k = 0; k < 8; k++) {
			random = random * 6364136223846793005u + 1442695041u;
			p[4 + (random >> 33) % (sizeof(x.w) + x.n - 4)] =
				(uint8_t)(random >> 24);
		}
		give(t, &log, &x, sizeof(x.w) + (random >> 40) % x.n);
	}
	assert_true(log.n > 0);
	free(t);
}

static void
test_inherited_sockets(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	struct exec x = exec_full(7);
	struct wire_sock s = {
		.cookie = 9,
		.remote = { 192, 0, 2, 1 },
		.remote_port = 4444,
		.family = AF_INET,
		.proto = NET_TCP,
	};

	(void)unused;
	x.w.socks[0] = x.w.socks[1] = s;
	x.w.image.socket_fds = 3;
	give(t, &log, &x, sizeof(x.w) + x.n);
	assert_int_equal(log.n, 2);
	assert_int_equal(log.v[0].exec.socket_fds, 3);
	assert_int_equal(log.v[1].kind, EVENT_CONNECT);
	assert_true(log.v[1].net.inherited);
	assert_int_equal(log.v[1].net.remote_port, 4444);
	assert_memory_equal(log.v[1].net.remote, s.remote, 16);
	assert_int_equal(log.v[1].key.pid, 7);
	free(t);
}

/* ---- ids ------------------------------------------------------------- */

static void
test_ids_are_told_before_the_act(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	struct wire_fork f = { .head = head(WIRE_FORK, 8) };
	struct exec x = exec_full(7);

	(void)unused;
	give(t, &log, &x, sizeof(x.w) + x.n);
	f.maker = 7;
	f.maker_start_ns = 107;
	f.maker_parent = 6;
	f.proc.parent = 7;
	f.proc.uid = f.proc.euid = f.proc.suid = 33;
	give(t, &log, &f, sizeof(f));
	assert_int_equal(log.n, 3);
	assert_int_equal(log.v[1].kind, EVENT_UID_CHANGE);
	assert_int_equal(log.v[1].key.pid, 7);
	assert_int_equal(log.v[1].proc.creds.uid, 33);
	assert_int_equal(log.v[1].proc.parent.pid, 6);
	assert_int_equal(log.v[2].kind, EVENT_FORK);
	assert_int_equal(log.v[2].key.pid, 8);
	/* Known by now. */
	give(t, &log, &f, sizeof(f));
	assert_int_equal(log.n, 4);
	free(t);
}

static void
test_setuid_file_is_no_change(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	struct exec x = exec_full(7);

	(void)unused;
	give(t, &log, &x, sizeof(x.w) + x.n);
	x.w.proc.euid = 1000;
	x.w.head.flags = WIRE_SETID;
	give(t, &log, &x, sizeof(x.w) + x.n);
	assert_int_equal(log.n, 2);
	x.w.head.flags = 0;
	x.w.proc.euid = 1001;
	x.w.proc.sid = 7;
	give(t, &log, &x, sizeof(x.w) + x.n);
	assert_int_equal(log.n, 5);
	assert_int_equal(log.v[2].kind, EVENT_SESSION_CHANGE);
	assert_int_equal(log.v[3].kind, EVENT_UID_CHANGE);
	free(t);
}

/* However many processes there are, the table stays as it is. */
static void
test_ids_are_bounded(void **unused)
{
	struct translator *t = translator();
	struct wire_proc w = { 0 };

	(void)unused;
	for (uint32_t pid = 1; pid <= 100000; pid++)
		assert_int_equal(
			ids_note(&t->ids, (struct proc_key){ pid, 1 }, &w), 0);
	assert_true(t->ids.forgotten >= 100000 - IDS_SETS * IDS_WAYS);
	w.gid = 5;
	assert_int_equal(ids_note(&t->ids, (struct proc_key){ 100000, 1 }, &w),
			 IDS_GID);
	ids_forget(&t->ids, (struct proc_key){ 100000, 1 });
	w.gid = 6;
	assert_int_equal(ids_note(&t->ids, (struct proc_key){ 100000, 1 }, &w),
			 0);
	free(t);
}

/* ---- exit, loss ------------------------------------------------------ */

static void
test_exit_once(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	struct wire_exit w = { .head = head(WIRE_EXIT, 7) };

	(void)unused;
	w.head.exit_code = 256;
	w.head.flags = WIRE_TOLD;
	give(t, &log, &w, sizeof(w));
	give(t, &log, &w, sizeof(w));
	assert_int_equal(log.n, 1);
	assert_int_equal(log.v[0].exit_code, 256);
	assert_true(log.v[0].told);
	/* The same pid again is another process. */
	w.head.start_ns++;
	give(t, &log, &w, sizeof(w));
	assert_int_equal(log.n, 2);
	free(t);
}

static void
test_loss_in_place(void **unused)
{
	struct translator *t = translator();
	struct log log = { 0 };
	struct wire_exit w = { .head = head(WIRE_EXIT, 1) };

	(void)unused;
	give(t, &log, &w, sizeof(w));
	w.head.pid = 2;
	w.head.lost = 5;
	give(t, &log, &w, sizeof(w));
	assert_int_equal(log.n, 3);
	assert_int_equal(log.v[1].kind, EVENT_LOSS);
	assert_int_equal(log.v[1].lost, 5);
	assert_int_equal(log.v[2].key.pid, 2);
	/* Made earlier on another processor: an older count. */
	w.head.pid = 3;
	w.head.lost = 4;
	give(t, &log, &w, sizeof(w));
	assert_int_equal(log.n, 4);
	assert_int_equal(t->lost, 5);
	free(t);
}

/* ---- the ring -------------------------------------------------------- */

#define RING_SIZE 65536u
#define BUSY (1u << 31)
#define DISCARD (1u << 30)

/* As the kernel lays it out, in ordinary memory. */
struct fake {
	char *p;
	size_t page;
	unsigned long at;
	int fd;
};

static struct fake
fake_open(void)
{
	struct fake f = { .page = (size_t)sysconf(_SC_PAGESIZE) };
	size_t size = 2 * f.page + RING_SIZE;

	f.fd = memfd_create("ring", MFD_CLOEXEC);
	assert_true(f.fd >= 0);
	assert_int_equal(ftruncate(f.fd, (off_t)size), 0);
	f.p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, 0);
	assert_ptr_not_equal(f.p, MAP_FAILED);
	return f;
}

static void
fake_put(struct fake *f, uint32_t n, uint32_t bits, char fill)
{
	char *data = f->p + 2 * f->page;
	uint32_t header = n | bits;

	memcpy(data + f->at % RING_SIZE, &header, sizeof(header));
	for (uint32_t i = 0; i < n; i++)
		data[(f->at + 8 + i) % RING_SIZE] = fill;
	f->at += (8ul + n + 7) & ~7ul;
	memcpy(f->p + f->page, &f->at, sizeof(f->at));
}

struct taken {
	size_t n, bytes;
	char fill;
};

static void
take_bytes(void *ctx, const void *record, size_t n)
{
	struct taken *t = ctx;
	const char *p = record;

	assert_true((uintptr_t)record % 8 == 0);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(p[i], p[0]);
	t->n++;
	t->bytes += n;
	t->fill = n > 0 ? p[0] : 0;
}

static void
test_ring(void **unused)
{
	struct fake f = fake_open();
	struct ring r = { 0 };
	struct taken t = { 0 };
	size_t bytes = 0;

	(void)unused;
	/* epoll refuses a file; all the rest is ready by then. */
	assert_int_equal(ring_open(&r, f.fd, RING_SIZE), -1);
	assert_false(ring_mark(&r));
	/* Many times round, records over the end among them. */
	for (uint32_t i = 1; i <= 500; i++) {
		fake_put(&f, i * 97 % 5000 + 1, 0, (char)i);
		fake_put(&f, 40, DISCARD, 'd');
		bytes += i * 97 % 5000 + 1;
		assert_true(ring_mark(&r));
		assert_true(ring_drain(&r, take_bytes, &t));
		assert_int_equal(t.n, i);
		assert_int_equal(t.fill, (char)i);
	}
	assert_int_equal(t.bytes, bytes);
	assert_false(ring_mark(&r));
	/* One that is never finished stops the reader and is not taken. */
	fake_put(&f, 8, BUSY, 'b');
	assert_true(ring_mark(&r));
	assert_false(ring_drain(&r, take_bytes, &t));
	assert_int_equal(t.n, 500);
	ring_close(&r);
	munmap(f.p, 2 * f.page + RING_SIZE);
	close(f.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_path_without_its_top),
		cmocka_unit_test(test_short_and_false_records),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_inherited_sockets),
		cmocka_unit_test(test_ids_are_told_before_the_act),
		cmocka_unit_test(test_setuid_file_is_no_change),
		cmocka_unit_test(test_ids_are_bounded),
		cmocka_unit_test(test_exit_once),
		cmocka_unit_test(test_loss_in_place),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
