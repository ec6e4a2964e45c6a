/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connect, accept, disconnect, datagrams, inherited descriptors. */
#include "tests/live/bpf_sensor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
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
	for (int i = 0; i < 200; i++) {
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

struct server {
	int fd;
	uint16_t port;
	bool ask; /* accept with an address, else read */
};

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
	test_connect(b, port, "127.0.0.1", "127.0.0.1", "tcp: IPv4");
	test_connect(b, port, "::1", "::1", "tcp: IPv6");
	test_connect(b, port, "::ffff:127.0.0.1", "127.0.0.1",
		     "tcp: a mapped address is IPv4");
	test_refused(b);
	test_inherited(b, port, SOCK_STREAM, "inherited: tcp");
	test_inherited(b, 4242, SOCK_DGRAM, "inherited: udp");
	test_datagrams(b);
	close(fd);
}
