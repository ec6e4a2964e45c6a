/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections, found in the hands of who has them: a descriptor that is a
 * socket is copied here for a moment, pidfd_getfd(2), and asked who its peer
 * is. That is exact in every network namespace, and needs no table of all
 * sockets of the host. What is not connected has no peer and is not told; nor
 * can it be seen who began.
 */
#include "fim/known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors of one program that are looked at. */
#define DESCRIPTORS_MAX 1024u

static int
copy_descriptor(struct knowns *k, int pidfd, unsigned fd)
{
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (copy < 0 && (errno == ENOSYS || errno == EPERM))
		k->no_sockets = true;
	return copy;
}

static int
socket_option(int fd, int option)
{
	int value = -1;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &n) == 0 ? value : -1;
}

static uint16_t
take_address(const struct sockaddr_storage *a, uint8_t address[16])
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	if (a->ss_family == AF_INET6) {
		memcpy(&six, a, sizeof(six));
		memcpy(address, &six.sin6_addr, 16);
		return ntohs(six.sin6_port);
	}
	memcpy(&four, a, sizeof(four));
	memcpy(address, &four.sin_addr, 4);
	return ntohs(four.sin_port);
}

/* ::ffff:1.2.3.4 is IPv4 (RFC 4291, 2.5.5.2). */
static void
unmap(struct event_net *net)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (net->family != AF_INET6 ||
	    memcmp(net->remote, prefix, sizeof(prefix)) != 0)
		return;
	net->family = AF_INET;
	memmove(net->remote, net->remote + 12, 4);
	memmove(net->local, net->local + 12, 4);
}

/* False when it is no connected inet socket. */
static bool
ask_socket(int fd, struct event_net *net)
{
	struct sockaddr_storage local = { 0 }, remote = { 0 };
	socklen_t n_local = sizeof(local), n_remote = sizeof(remote);
	socklen_t n_cookie = sizeof(net->cookie);
	int family = socket_option(fd, SO_DOMAIN);
	int proto = socket_option(fd, SO_PROTOCOL);

	if ((family != AF_INET && family != AF_INET6) ||
	    (proto != NET_TCP && proto != NET_UDP) ||
	    getpeername(fd, (struct sockaddr *)&remote, &n_remote) != 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &n_local) != 0)
		return false;
	*net = (struct event_net){
		.family = (uint16_t)family,
		.proto = (uint8_t)proto,
		.undirected = true,
	};
	net->local_port = take_address(&local, net->local);
	net->remote_port = take_address(&remote, net->remote);
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &net->cookie, &n_cookie) != 0)
		net->cookie = 0;
	unmap(net);
	return true;
}

static bool
is_told(const struct known *p, uint64_t cookie)
{
	for (size_t i = 0; i < KNOWN_SOCKETS && i < p->n_told; i++)
		if (p->told[i] == cookie)
			return true;
	return false;
}

static void
look_at_socket(struct knowns *k, struct known *p, int fd, bool inherited,
	       uint64_t time_ns)
{
	struct event_net net;
	struct event *e;

	if (!ask_socket(fd, &net) || is_told(p, net.cookie))
		return;
	p->told[p->n_told++ % KNOWN_SOCKETS] = net.cookie;
	e = known_event(k, EVENT_CONNECT, p, time_ns);
	if (e == NULL)
		return;
	e->net = net;
	e->net.inherited = inherited;
}

/* -1 when the process has gone, or another one has its pid. */
static int
open_pidfd(const struct known *p, int dir)
{
	int fd = (int)syscall(SYS_pidfd_open, p->key.pid, 0);

	/* The directory was opened before: if it still answers, the pid has
	 * not changed hands in between. */
	if (fd >= 0 && faccessat(dir, "stat", F_OK, 0) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void
known_inherited(struct knowns *k, struct known *p, uint32_t fds, int dir,
		uint64_t time_ns)
{
	int pidfd = dir >= 0 && !k->no_sockets ? open_pidfd(p, dir) : -1;

	for (unsigned fd = 0; pidfd >= 0 && fd < 3; fd++) {
		int copy =
			fds & (1u << fd) ? copy_descriptor(k, pidfd, fd) : -1;

		if (copy < 0)
			continue;
		look_at_socket(k, p, copy, true, time_ns);
		close(copy);
	}
	if (pidfd >= 0)
		close(pidfd);
}

static bool
is_socket(int fds, const char *name)
{
	char target[16];
	ssize_t n = readlinkat(fds, name, target, sizeof(target));

	return n > 0 && view_starts((struct view){ target, (size_t)n },
				    VIEW("socket:["));
}

static void
look_at_all(struct knowns *k, struct known *p, int pidfd, DIR *fds,
	    uint64_t now_ns)
{
	struct dirent *d;
	unsigned n = 0;

	while ((d = readdir(fds)) != NULL && n++ < DESCRIPTORS_MAX) {
		uint64_t number;
		int copy;

		if (!view_to_u64(view_of(d->d_name), &number) ||
		    !is_socket(dirfd(fds), d->d_name))
			continue;
		copy = copy_descriptor(k, pidfd, (unsigned)number);
		if (copy < 0)
			continue;
		look_at_socket(k, p, copy, false, now_ns);
		close(copy);
	}
}

static void
look_at_process(struct knowns *k, struct known *p, uint64_t now_ns)
{
	int dir = procfs_open(p->key.pid);
	int pidfd = dir >= 0 ? open_pidfd(p, dir) : -1;
	struct event now = { .key.pid = p->key.pid };
	int fds;
	DIR *list;

	if (pidfd >= 0 && procfs_stat(dir, &now, NULL, &k->arena) &&
	    now.key.start_ns == p->key.start_ns) {
		fds = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		list = fds >= 0 ? fdopendir(fds) : NULL;
		if (list != NULL) {
			look_at_all(k, p, pidfd, list, now_ns);
			closedir(list);
		} else if (fds >= 0) {
			close(fds);
		}
	}
	if (pidfd >= 0)
		close(pidfd);
	if (dir >= 0)
		close(dir);
}

void
known_sockets(struct knowns *k, uint64_t now_ns)
{
	struct known *p, *next;

	for (p = k->young; p != NULL; p = next) {
		next = p->young_next;
		if (!k->no_sockets)
			look_at_process(k, p, now_ns);
		if (now_ns > p->exec_ns + KNOWN_YOUNG_NS)
			known_age(p);
	}
}
