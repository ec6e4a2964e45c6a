/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the process connector, whole, cut short and lying. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include "fim/connector.h"

/* struct cn_msg without its flexible end, which may not stand in a middle. */
struct cn_head {
	struct cb_id id;
	uint32_t seq, ack;
	uint16_t len, flags;
};
_Static_assert(sizeof(struct cn_head) == sizeof(struct cn_msg), "the same");

struct message {
	struct nlmsghdr h;
	struct cn_head m;
	struct proc_event e;
} __attribute__((packed));

static struct message
message_of(uint32_t what)
{
	struct message m = {
		.h = { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_DONE },
		.m = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(m.e) },
		.e = { .what = what, .timestamp_ns = 77 },
	};

	return m;
}

/* On a heap block of just that size, so that a sanitizer sees. How many
 * events; the last one in *e. */
static size_t
read_all(const void *p, size_t n, struct connector_event *e)
{
	char *copy = malloc(n > 0 ? n : 1);
	struct view rest = { copy, n };
	struct connector_event one;
	size_t count = 0;

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	while (connector_next(&rest, &one)) {
		*e = one;
		count++;
		assert_true(count <= n);
	}
	free(copy);
	return count;
}

static struct connector_event
read_one(const struct message *m)
{
	struct connector_event e = { 0 };

	assert_int_equal(read_all(m, sizeof(*m), &e), 1);
	return e;
}

static void
test_kinds(void **unused)
{
	struct message m = message_of(PROC_EVENT_FORK);
	struct connector_event e;

	(void)unused;
	m.e.event_data.fork.parent_pid = 11;
	m.e.event_data.fork.parent_tgid = 10;
	m.e.event_data.fork.child_pid = 13;
	m.e.event_data.fork.child_tgid = 12;
	e = read_one(&m);
	assert_int_equal(e.kind, CONNECTOR_FORK);
	assert_int_equal(e.pid, 12);
	assert_int_equal(e.tid, 13);
	assert_int_equal(e.parent, 10);
	assert_int_equal(e.time_ns, 77);

	m = message_of(PROC_EVENT_EXEC);
	m.e.event_data.exec.process_pid = 5;
	m.e.event_data.exec.process_tgid = 4;
	e = read_one(&m);
	assert_int_equal(e.kind, CONNECTOR_EXEC);
	assert_int_equal(e.pid, 4);
	assert_int_equal(e.tid, 5);

	m = message_of(PROC_EVENT_EXIT);
	m.e.event_data.exit.process_pid = 4;
	m.e.event_data.exit.process_tgid = 4;
	m.e.event_data.exit.exit_code = 3 << 8;
	e = read_one(&m);
	assert_int_equal(e.kind, CONNECTOR_EXIT);
	assert_int_equal(e.exit_code, 3 << 8);

	m = message_of(PROC_EVENT_UID);
	assert_int_equal(read_one(&m).kind, CONNECTOR_IDS);
	m = message_of(PROC_EVENT_GID);
	assert_int_equal(read_one(&m).kind, CONNECTOR_IDS);
	m = message_of(PROC_EVENT_SID);
	assert_int_equal(read_one(&m).kind, CONNECTOR_SESSION);
	m = message_of(PROC_EVENT_COMM);
	assert_int_equal(read_one(&m).kind, CONNECTOR_OTHER);
	m = message_of(PROC_EVENT_PTRACE);
	assert_int_equal(read_one(&m).kind, CONNECTOR_OTHER);
	m = message_of(0x00400000); /* of a kernel to come */
	assert_int_equal(read_one(&m).kind, CONNECTOR_OTHER);

	m = message_of(PROC_EVENT_NONE);
	m.m.ack = 43;
	m.e.event_data.ack.err = 1;
	e = read_one(&m);
	assert_int_equal(e.kind, CONNECTOR_ACK);
	assert_int_equal(e.ack, 43);
	assert_int_equal(e.error, 1);
}

/* Whatever is cut off or claims too much makes no event of a process. */
static void
test_hostile(void **unused)
{
	struct message m = message_of(PROC_EVENT_EXEC);
	struct connector_event e;

	(void)unused;
	for (size_t n = 0; n < sizeof(m); n++) {
		e = (struct connector_event){ .kind = CONNECTOR_BAD };
		assert_int_equal(read_all(&m, n, &e), n > 0);
		assert_int_equal(e.kind, CONNECTOR_BAD);
	}
	m.h.nlmsg_len = 15;
	assert_int_equal(read_one(&m).kind, CONNECTOR_BAD);
	m.h.nlmsg_len = UINT32_MAX;
	assert_int_equal(read_one(&m).kind, CONNECTOR_BAD);

	m = message_of(PROC_EVENT_EXEC);
	m.m.len = UINT16_MAX;
	assert_int_equal(read_one(&m).kind, CONNECTOR_BAD);
	m.m.len = offsetof(struct proc_event, event_data) + 7;
	assert_int_equal(read_one(&m).kind, CONNECTOR_BAD);
	m.m.len = offsetof(struct proc_event, event_data) + 8;
	assert_int_equal(read_one(&m).kind, CONNECTOR_EXEC);
	m.m.id.idx = 2; /* another connector's */
	assert_int_equal(read_one(&m).kind, CONNECTOR_OTHER);

	m = message_of(PROC_EVENT_EXEC);
	m.e.event_data.exec.process_tgid = -1;
	assert_int_equal(read_one(&m).pid, 0);
	m.h.nlmsg_type = NLMSG_ERROR;
	assert_int_equal(read_one(&m).kind, CONNECTOR_BAD);
	m.h.nlmsg_type = NLMSG_NOOP;
	assert_int_equal(read_one(&m).kind, CONNECTOR_OTHER);
}

static void
test_several(void **unused)
{
	struct message m[3] = { message_of(PROC_EVENT_EXEC),
				message_of(PROC_EVENT_SID),
				message_of(PROC_EVENT_EXIT) };
	struct connector_event e;

	(void)unused;
	assert_int_equal(read_all(m, sizeof(m), &e), 3);
	assert_int_equal(e.kind, CONNECTOR_EXIT);
	/* Behind a length that lies nothing can be found again. */
	m[1].h.nlmsg_len = 3;
	assert_int_equal(read_all(m, sizeof(m), &e), 2);
	assert_int_equal(e.kind, CONNECTOR_BAD);
}

static void
test_request(void **unused)
{
	char bytes[CONNECTOR_REQUEST_BYTES];
	struct nlmsghdr h;
	struct cn_msg m;
	uint32_t op;

	(void)unused;
	connector_request(true, 42, bytes);
	memcpy(&h, bytes, sizeof(h));
	memcpy(&m, bytes + NLMSG_HDRLEN, sizeof(m));
	memcpy(&op, bytes + NLMSG_HDRLEN + sizeof(m), sizeof(op));
	assert_int_equal(h.nlmsg_len, sizeof(bytes));
	assert_int_equal(m.id.idx, CN_IDX_PROC);
	assert_int_equal(m.ack, 42);
	assert_int_equal(m.len, sizeof(op));
	assert_int_equal(op, PROC_CN_MCAST_LISTEN);
	connector_request(false, 42, bytes);
	memcpy(&op, bytes + NLMSG_HDRLEN + sizeof(m), sizeof(op));
	assert_int_equal(op, PROC_CN_MCAST_IGNORE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
