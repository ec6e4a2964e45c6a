/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process sensor without eBPF: the kernel's process connector says who
 * forked, started a program, changed its user or ended, by number only; the
 * rest is looked up in /proc at once, and is gone for whatever ended first.
 * Connections the connector does not know: see known.h.
 *
 * The kernel answers to the initial pid, user and network namespaces alone
 * (cn_proc.c), and to others with silence.
 */
#include "fim/connector.h"
#include "fim/known.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A burst of 100,000 events, at about 160 bytes each with overhead. */
#define QUEUE_BYTES (16 << 20)
#define MESSAGE_BYTES 4096u
#define ANSWER_MS 500
/* Between two looks at the other sensors. */
#define FETCH_MAX 2048u
#define LATE_NS (3 * NS_PER_SEC)

struct sensor {
	int fd;
	bool relist;	  /* messages were lost */
	uint64_t lost_ns; /* since then */
	uint64_t sockets_ns;
	uint64_t bad;
	struct knowns known;
};

/* ---- opening --------------------------------------------------------- */

static void
make_room(int fd)
{
	int bytes = QUEUE_BYTES;

	/* Past net.core.rmem_max only with CAP_NET_ADMIN, which we have. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int
open_socket(void)
{
	struct sockaddr_nl group = {
		.nl_family = AF_NETLINK,
		.nl_groups = CN_IDX_PROC,
	};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_CONNECTOR);
	int error;

	if (fd < 0)
		return -1;
	make_room(fd);
	if (bind(fd, (struct sockaddr *)&group, sizeof(group)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Bytes of one datagram from the kernel; 0 for those of anybody else. */
static ssize_t
receive(int fd, char *out, size_t room)
{
	struct sockaddr_nl from = { 0 };
	socklen_t n = sizeof(from);
	ssize_t got = recvfrom(fd, out, room, 0, (struct sockaddr *)&from, &n);

	if (got >= 0 && (n != sizeof(from) || from.nl_pid != 0))
		return 0;
	return got;
}

/* True with errno, or 0, when the answer was among what came. */
static bool
find_answer(struct view messages, uint32_t ack)
{
	struct connector_event e;

	while (connector_next(&messages, &e)) {
		if (e.kind != CONNECTOR_ACK || e.ack != ack + 1)
			continue;
		errno = (int)e.error;
		return true;
	}
	return false;
}

/* -1 and errno; ETIMEDOUT when the kernel keeps silent. Events that come with
 * the answer are of processes that the seed will find. */
static int
wait_for_answer(int fd, uint32_t ack)
{
	uint64_t until_ns = clock_boot_ns() + ANSWER_MS * NS_PER_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	_Alignas(struct nlmsghdr) char message[MESSAGE_BYTES];

	while (clock_boot_ns() < until_ns) {
		ssize_t n = poll(&p, 1, 10) > 0
				    ? receive(fd, message, sizeof(message))
				    : 0;

		if (n > 0 &&
		    find_answer((struct view){ message, (size_t)n }, ack))
			return errno == 0 ? 0 : -1;
	}
	errno = ETIMEDOUT;
	return -1;
}

static int
request(int fd, bool listen)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char message[CONNECTOR_REQUEST_BYTES];
	uint32_t ack;

	if (getrandom(&ack, sizeof(ack), 0) != (ssize_t)sizeof(ack))
		ack = (uint32_t)getpid();
	connector_request(listen, ack, message);
	if (sendto(fd, message, sizeof(message), 0,
		   (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -1;
	return listen ? wait_for_answer(fd, ack) : 0;
}

static int
connect_to_kernel(void)
{
	int fd = open_socket();
	int error;

	if (fd < 0 || request(fd, true) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void
explain(int error, char *why, size_t n)
{
	const char *text = strerror(error);

	switch (error) {
	case EPERM:
	case EACCES:
		text = "it needs CAP_NET_ADMIN: run as root";
		break;
	case EPROTONOSUPPORT:
		text = "this kernel is built without it (CONFIG_PROC_EVENTS)";
		break;
	case ECONNREFUSED:
		text = "it answers only in the host's own network namespace";
		break;
	case ETIMEDOUT:
		text = "the kernel does not answer, as in a container: it "
		       "serves the host's own pid and user namespaces alone";
		break;
	}
	snprintf(why, n, "the process connector cannot be used: %s", text);
}

static void
proc_close(struct sensor *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0) {
		request(s->fd, false);
		close(s->fd);
	}
	known_free(&s->known);
	free(s);
}

static struct sensor *
proc_open(const struct sensor_config *config, struct err *err)
{
	struct sensor *s = calloc(1, sizeof(*s));
	char why[200];

	if (s != NULL) {
		s->known.config = config;
		s->fd = connect_to_kernel();
	}
	if (s != NULL && s->fd >= 0)
		return s;
	explain(errno, why, sizeof(why));
	err_add(err, (struct place){ 0 }, "%s", why);
	proc_close(s);
	return NULL;
}

static int
proc_fd(const struct sensor *s)
{
	return s->fd;
}

/* ---- messages -------------------------------------------------------- */

/* How far CLOCK_BOOTTIME is ahead: the time spent in suspend. */
static uint64_t
asleep_ns(void)
{
	uint64_t boot_ns = clock_boot_ns(), ns;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ns = (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
	return boot_ns > ns + NS_PER_MS ? boot_ns - ns : 0;
}

static void
take(struct sensor *s, const struct connector_event *e, uint64_t asleep)
{
	uint64_t time_ns = e->time_ns + asleep;
	bool leader = e->pid == e->tid;

	switch (e->kind) {
	case CONNECTOR_FORK:
		if (leader) /* else a thread */
			known_fork(&s->known, e->pid, e->parent, time_ns);
		break;
	case CONNECTOR_EXEC:
		known_exec(&s->known, e->pid, time_ns);
		break;
	case CONNECTOR_IDS:
		known_ids(&s->known, e->pid, time_ns);
		break;
	case CONNECTOR_SESSION:
		known_session(&s->known, e->pid, time_ns);
		break;
	case CONNECTOR_EXIT:
		known_thread_exit(&s->known, e->pid, leader, e->exit_code,
				  time_ns);
		break;
	case CONNECTOR_BAD:
		s->bad++;
		known_loss(&s->known, VIEW("a message cannot be read"), false,
			   clock_boot_ns());
		break;
	case CONNECTOR_ACK:
	case CONNECTOR_OTHER:
		break;
	}
}

static void
take_all(struct sensor *s, struct view messages, uint64_t asleep)
{
	struct connector_event e;

	while (connector_next(&messages, &e))
		take(s, &e, asleep);
}

/* How many, the kernel does not say. Reported in order, then /proc tells who
 * is there now. */
static void
lose(struct sensor *s)
{
	uint64_t now_ns = clock_boot_ns();

	known_loss(&s->known, VIEW("the connector's queue was full"), true,
		   now_ns);
	if (!s->relist)
		s->lost_ns = now_ns;
	s->relist = true;
}

/* 1 at the end of the queue, 0 at the bound, -1 broken. */
static int
read_queue(struct sensor *s)
{
	_Alignas(struct nlmsghdr) char message[MESSAGE_BYTES];
	uint64_t asleep = asleep_ns();

	while (s->known.n_events < FETCH_MAX) {
		ssize_t n = receive(s->fd, message, sizeof(message));

		if (n > 0)
			take_all(s, (struct view){ message, (size_t)n },
				 asleep);
		else if (n < 0 && errno == ENOBUFS)
			lose(s);
		else if (n < 0 && errno == EAGAIN)
			return 1;
		else if (n < 0 && errno != EINTR)
			return -1;
	}
	return 0;
}

static int
proc_fetch(struct sensor *s)
{
	int drained = read_queue(s);
	uint64_t now_ns = clock_boot_ns();

	if (drained < 0)
		return -1;
	/* A queue that is never empty is not waited for: then some of it is
	 * told twice. */
	if (s->relist && (drained || now_ns - s->lost_ns >= LATE_NS)) {
		s->relist = false;
		known_list(&s->known, false, ATTRIBUTION_LOST, now_ns);
	}
	if (now_ns - s->sockets_ns >= s->known.config->poll_ns) {
		s->sockets_ns = now_ns;
		known_sockets(&s->known, now_ns);
	}
	return s->known.n_events > 0;
}

static void
proc_deliver(struct sensor *s, const struct event_sink *sink)
{
	known_deliver(&s->known, sink);
}

static int
proc_seed(struct sensor *s, const struct event_sink *sink)
{
	int r;

	known_forget(&s->known);
	r = known_list(&s->known, true, ATTRIBUTION_KERNEL, clock_boot_ns());

	known_deliver(&s->known, sink);
	return r;
}

static void
proc_status(const struct sensor *s, struct sensor_status *out)
{
	*out = (struct sensor_status){
		.events = s->known.told,
		.lost = s->known.lost,
	};
	snprintf(out->detail, sizeof(out->detail),
		 "%" PRIu64 " programs had ended before they were looked at; "
		 "connections%s",
		 s->known.gone,
		 s->known.no_sockets ? " are not seen (pidfd_getfd is refused)"
				     : " by looking at young programs");
}

const struct sensor_ops sensor_proc = {
	.name = "proc",
	.open = proc_open,
	.close = proc_close,
	.fd = proc_fd,
	.fetch = proc_fetch,
	.deliver = proc_deliver,
	.seed = proc_seed,
	.status = proc_status,
};

void
sensor_proc_probe(struct probe *p)
{
	int fd = connect_to_kernel();

	p->works = fd >= 0;
	if (fd < 0) {
		explain(errno, p->why, sizeof(p->why));
		return;
	}
	request(fd, false);
	close(fd);
	snprintf(p->why, sizeof(p->why),
		 "the process connector, with details from /proc");
}
