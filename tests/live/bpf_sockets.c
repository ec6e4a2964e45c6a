/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connect, accept, disconnect, datagrams, inherited descriptors. */
#include "tests/live/bpf_sensor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child connects to. */
struct peer {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t n;
	int type;   /* SOCK_STREAM, SOCK_DGRAM */
	bool exec;  /* with the socket as descriptor 0 and 1 */
	bool again; /* sends twice, and once elsewhere */
};

struct server {
	int fd;
	uint16_t port;
	bool ask; /* accept with an address, else read */
};

static struct peer
peer_of(const char *address, uint16_t port, int type)
{
	struct peer p = { .type = type };

	if (strchr(address, ':') != NULL) {
		p.v6.sin6_family = AF_INET6;
		p.v6.sin6_port = htons(port);
		inet_pton(AF_INET6, address, &p.v6.sin6_addr);
		p.n = sizeof(p.v6);
	} else {
		p.v4.sin_family = AF_INET;
		p.v4.sin_port = htons(port);
		inet_pton(AF_INET, address, &p.v4.sin_addr);
		p.n = sizeof(p.v4);
	}
	return p;
}

/* A listener for both families; -1 if that cannot be. */
static int
listener(uint16_t *port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
	    listen(fd, 8) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return -1;
	*port = ntohs(a.sin6_port);
	return fd;
}

static int
do_connect(void *arg)
{
	struct peer *p = arg;
	char *argv[] = { "x", NULL }, *env[] = { NULL };
	int fd = socket(p->any.sa_family, p->type, 0);

	if (connect(fd, &p->any, p->n) != 0)
		return 1;
	if (!p->exec)
		return 0;
	dup2(fd, 0);
	dup2(fd, 1);
	close(fd);
	execve("/usr/bin/true", argv, env);
	return 99;
}

static int
do_send(void *arg)
{
	struct peer *p = arg;
	int fd = socket(p->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < 3; i++) {
		if (sendto(fd, "x", 1, 0, &p->any, p->n) != 1)
			return 1;
		if (p->again && i == 1)
			p->v4.sin_port ^= htons(1);
	}
	return 0;
}

/* The first packet carries data (tcp(7), MSG_FASTOPEN): no call to connect. */
static int
do_fast_open(void *arg)
{
	struct peer *p = arg;
	int fd = socket(p->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return sendto(fd, "x", 1, MSG_FASTOPEN, &p->any, p->n) == 1 ? 0 : 1;
}

/* ---- io_uring(7), without its library -------------------------------- */

struct uring {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static int
uring_open(struct uring *u)
{
	size_t sq, cq;

	memset(&u->p, 0, sizeof(u->p));
	u->fd = (int)syscall(SYS_io_uring_setup, 4, &u->p);
	if (u->fd < 0)
		return -1;
	sq = u->p.sq_off.array + u->p.sq_entries * sizeof(uint32_t);
	cq = u->p.cq_off.cqes + u->p.cq_entries * sizeof(struct io_uring_cqe);
	u->sq = mmap(NULL, sq, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		     IORING_OFF_SQ_RING);
	u->cq = mmap(NULL, cq, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		     IORING_OFF_CQ_RING);
	u->sqes = mmap(NULL, u->p.sq_entries * sizeof(*u->sqes),
		       PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		       IORING_OFF_SQES);
	return u->sq == MAP_FAILED || u->cq == MAP_FAILED ||
			       u->sqes == MAP_FAILED
		       ? -1
		       : 0;
}

/* One operation; its result. */
static int
uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = (uint32_t *)(u->sq + u->p.sq_off.tail);
	uint32_t *array = (uint32_t *)(u->sq + u->p.sq_off.array);
	uint32_t *head = (uint32_t *)(u->cq + u->p.cq_off.head);
	struct io_uring_cqe *cqes =
		(struct io_uring_cqe *)(u->cq + u->p.cq_off.cqes);
	uint32_t slot = *tail & (u->p.sq_entries - 1);
	int result;

	u->sqes[slot] = *sqe;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -EIO;
	result = cqes[*head & (u->p.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

/* Connects to itself, accepts and reads, all through io_uring. */
static int
do_uring(void *arg)
{
	const struct server *s = arg;
	struct peer p = peer_of("127.0.0.1", s->port, SOCK_STREAM);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	struct io_uring_sqe sqe = { .opcode = IORING_OP_CONNECT };
	struct uring u;
	char c = 0;

	if (uring_open(&u) < 0)
		return 77;
	sqe.fd = client;
	sqe.addr = (uintptr_t)&p.any;
	sqe.off = p.n;
	if (uring_do(&u, &sqe) != 0 || write(client, "x", 1) != 1)
		return 97;
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = s->fd };
	fd = uring_do(&u, &sqe);
	sqe = (struct io_uring_sqe){ .opcode = IORING_OP_RECV, .fd = fd };
	sqe.addr = (uintptr_t)&c;
	sqe.len = 1;
	return fd >= 0 && uring_do(&u, &sqe) == 1 && c == 'x' ? 0 : 98;
}

static bool
is_to(const struct event *e, uint16_t family, const char *address,
      uint16_t port, enum net_proto proto)
{
	uint8_t wanted[16] = { 0 };

	inet_pton(family, address, wanted);
	return e != NULL && e->net.family == family && e->net.proto == proto &&
	       e->net.remote_port == port &&
	       memcmp(e->net.remote, wanted, sizeof(wanted)) == 0 &&
	       e->key.start_ns != 0;
}

static void
test_connect(struct bench *b, uint16_t port, const char *to, const char *shown,
	     const char *what)
{
	struct peer p = peer_of(to, port, SOCK_STREAM);
	uint16_t family = strchr(shown, ':') != NULL ? AF_INET6 : AF_INET;
	pid_t pid = run(b, do_connect, &p);
	const struct event *c = seen_of(b, EVENT_CONNECT, pid, 0);
	const struct event *d;

	check(b,
	      is_to(c, family, shown, port, NET_TCP) && !c->net.ingress &&
		      !c->net.inherited && c->net.cookie != 0,
	      what);
	/* The child's end closes when the peer, the listener's backlog, does
	 * or at its exit, whichever the kernel gets to first. */
	for (int i = 0; i < 1000; i++) {
		d = seen_of(b, EVENT_DISCONNECT, pid, 0);
		if (d != NULL)
			break;
		usleep(10000);
		collect(b);
	}
	check(b,
	      d != NULL && c != NULL && d->net.cookie == c->net.cookie &&
		      d->key.start_ns == c->key.start_ns &&
		      d->net.remote_port == port && d->net.local_port != 0,
	      "…and its end belongs to the same process");
}

static void
test_refused(struct bench *b)
{
	struct peer p = peer_of("127.0.0.1", 1, SOCK_STREAM);
	pid_t pid = run(b, do_connect, &p);

	check(b,
	      is_to(seen_of(b, EVENT_CONNECT, pid, 0), AF_INET, "127.0.0.1", 1,
		    NET_TCP),
	      "tcp: a refused connection is an attempt");
	check(b, seen_count(b, EVENT_DISCONNECT, pid) == 0,
	      "tcp: and has no end");
}

/* Connects to itself, so that all is done when it ends. */
static int
do_serve(void *arg)
{
	const struct server *s = arg;
	struct peer p = peer_of("127.0.0.1", s->port, SOCK_STREAM);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	struct sockaddr_in6 a;
	socklen_t n = sizeof(a);
	char c;

	if (connect(client, &p.any, p.n) != 0 || write(client, "x", 1) != 1)
		return 97;
	fd = s->ask ? accept(s->fd, (struct sockaddr *)&a, &n)
		    : accept(s->fd, NULL, NULL);
	if (fd < 0)
		return 98;
	return s->ask || read(fd, &c, 1) == 1 ? 0 : 99;
}

static void
test_accept(struct bench *b, int fd, uint16_t port, bool ask, const char *what)
{
	struct server s = { fd, port, ask };
	pid_t pid = run(b, do_serve, &s);
	const struct event *a = seen_of(b, EVENT_ACCEPT, pid, 0);

	check(b,
	      a != NULL && a->net.ingress && a->net.local_port == port &&
		      a->net.family == AF_INET && a->net.cookie != 0 &&
		      seen_count(b, EVENT_ACCEPT, pid) == 1,
	      what);
}

static void
test_uring(struct bench *b, int fd, uint16_t port)
{
	struct server s = { fd, port, false };
	pid_t pid = run(b, do_uring, &s);
	const struct event *end = seen_of(b, EVENT_EXIT, pid, 0);

	if (end != NULL && WEXITSTATUS(end->exit_code) == 77) {
		printf("SKIPPED - bpf: no io_uring here\n");
		return;
	}
	check(b,
	      end != NULL && end->exit_code == 0 &&
		      is_to(seen_of(b, EVENT_CONNECT, pid, 0), AF_INET,
			    "127.0.0.1", port, NET_TCP),
	      "io_uring: connect");
	check(b, seen_count(b, EVENT_ACCEPT, pid) == 1, "io_uring: accept");
}

static void
test_fast_open(struct bench *b, uint16_t port)
{
	struct peer p = peer_of("127.0.0.1", port, SOCK_STREAM);
	pid_t pid = run(b, do_fast_open, &p);

	check(b,
	      is_to(seen_of(b, EVENT_CONNECT, pid, 0), AF_INET, "127.0.0.1",
		    port, NET_TCP),
	      "tcp: fast open");
}

static void
test_inherited(struct bench *b, uint16_t port, int type, const char *what)
{
	struct peer p = peer_of("127.0.0.1", port, type);
	const struct event *first, *second, *exec;
	pid_t pid;

	p.exec = true;
	pid = run(b, do_connect, &p);
	first = seen_of(b, EVENT_CONNECT, pid, 0);
	second = seen_of(b, EVENT_CONNECT, pid, 1);
	exec = seen_of(b, EVENT_EXEC, pid, 0);
	check(b,
	      first != NULL && second != NULL && exec != NULL &&
		      !first->net.inherited && second->net.inherited &&
		      second->net.cookie == first->net.cookie &&
		      second->net.proto == first->net.proto &&
		      second->net.remote_port == port &&
		      second->time_ns == exec->time_ns &&
		      (exec->exec.socket_fds & 3) == 3 &&
		      seen_count(b, EVENT_CONNECT, pid) == 2,
	      what);
}

static void
test_datagrams(struct bench *b)
{
	struct peer p = peer_of("127.0.0.1", 4242, SOCK_DGRAM);
	pid_t pid = run(b, do_connect, &p);

	check(b,
	      is_to(seen_of(b, EVENT_CONNECT, pid, 0), AF_INET, "127.0.0.1",
		    4242, NET_UDP),
	      "udp: connect");
	p = peer_of("::1", 4242, SOCK_DGRAM);
	pid = run(b, do_send, &p);
	check(b,
	      is_to(seen_of(b, EVENT_CONNECT, pid, 0), AF_INET6, "::1", 4242,
		    NET_UDP) &&
		      seen_count(b, EVENT_CONNECT, pid) == 1,
	      "udp: three datagrams to one place are one event");
	p = peer_of("127.0.0.1", 4242, SOCK_DGRAM);
	p.again = true;
	pid = run(b, do_send, &p);
	check(b, seen_count(b, EVENT_CONNECT, pid) == 2,
	      "udp: another place is another event");
	p = peer_of("::ffff:127.0.0.1", 4242, SOCK_DGRAM);
	pid = run(b, do_send, &p);
	check(b,
	      is_to(seen_of(b, EVENT_CONNECT, pid, 0), AF_INET, "127.0.0.1",
		    4242, NET_UDP),
	      "udp: a mapped address is IPv4");
}

void
test_sockets(struct bench *b)
{
	uint16_t port = 0;
	int fd = listener(&port);

	if (fd < 0) {
		printf("SKIPPED - bpf: no listener, is lo up?\n");
		return;
	}
	test_accept(b, fd, port, true, "tcp: accept with an address");
	test_accept(b, fd, port, false, "tcp: accept without, then read");
	test_uring(b, fd, port);
	test_connect(b, port, "127.0.0.1", "127.0.0.1", "tcp: IPv4");
	test_connect(b, port, "::1", "::1", "tcp: IPv6");
	test_connect(b, port, "::ffff:127.0.0.1", "127.0.0.1",
		     "tcp: a mapped address is IPv4");
	test_fast_open(b, port);
	test_refused(b);
	test_inherited(b, port, SOCK_STREAM, "inherited: tcp");
	test_inherited(b, 4242, SOCK_DGRAM, "inherited: udp");
	test_datagrams(b);
	close(fd);
}
