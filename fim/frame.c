/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets and events, written and read. */
#include "fim/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- packets --------------------------------------------------------- */

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int
frame_send(int socket, const void *head, size_t n_head, struct view text,
	   int fd)
{
	union control control = { 0 };
	struct iovec parts[] = {
		{ (void *)(uintptr_t)head, n_head },
		{ (void *)(uintptr_t)text.p, text.n },
	};
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		n = sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* The first descriptor; there is no room for a second. */
static int
taken_fd(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

ssize_t
frame_receive(int socket, void *head, size_t n_head, char *text, int *fd)
{
	union control control = { 0 };
	struct iovec parts[] = { { head, n_head }, { text, FRAME_TEXT_MAX } };
	struct msghdr m = {
		.msg_iov = parts,
		.msg_iovlen = 2,
		/* Not CMSG_SPACE: that is room for two. */
		.msg_control = fd != NULL ? control.bytes : NULL,
		.msg_controllen = fd != NULL ? CMSG_LEN(sizeof(int)) : 0,
	};
	int came;
	ssize_t n;

	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	came = n >= 0 && fd != NULL ? taken_fd(&m) : -1;
	if (fd != NULL)
		*fd = n > 0 ? came : -1;
	if (n == 0 && came >= 0)
		close(came);
	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		errno = EPIPE;
		return -1;
	}
	if (n < 0)
		return -1;
	if ((size_t)n < n_head || (m.msg_flags & MSG_TRUNC)) {
		if (came >= 0)
			close(came);
		if (fd != NULL)
			*fd = -1;
		errno = EBADMSG;
		return -1;
	}
	return n - (ssize_t)n_head;
}

/* ---- what an event is made of ---------------------------------------- */

/* Every number of struct event and what it contains, with its type and the
 * greatest value that may be believed. */
#define NUMBERS(X)                                         \
	X(kind, enum event_kind, EVENT_KINDS - 1)          \
	X(attribution, enum attribution, ATTRIBUTION_SCAN) \
	X(truncated, bool, 1)                              \
	X(told, bool, 1)                                   \
	X(time_ns, uint64_t, UINT64_MAX)                   \
	X(read_ns, uint64_t, UINT64_MAX)                   \
	X(key.pid, uint32_t, UINT32_MAX)                   \
	X(key.start_ns, uint64_t, UINT64_MAX)              \
	X(exit_code, int32_t, UINT32_MAX)                  \
	X(lost, uint64_t, UINT64_MAX)                      \
	X(role, enum role, ROLES - 1)                      \
	X(again, bool, 1)                                  \
	X(incomplete, bool, 1)                             \
	X(watchset, uint64_t, UINT64_MAX)                  \
	X(acts, uint32_t, ACT_ALL)                         \
	X(proc.parent.pid, uint32_t, UINT32_MAX)           \
	X(proc.parent.start_ns, uint64_t, UINT64_MAX)      \
	X(proc.pgid, uint32_t, UINT32_MAX)                 \
	X(proc.sid, uint32_t, UINT32_MAX)                  \
	X(proc.session.pid, uint32_t, UINT32_MAX)          \
	X(proc.session.start_ns, uint64_t, UINT64_MAX)     \
	X(proc.tty_major, uint32_t, UINT32_MAX)            \
	X(proc.tty_minor, uint32_t, UINT32_MAX)            \
	X(proc.creds.uid, uint32_t, UINT32_MAX)            \
	X(proc.creds.euid, uint32_t, UINT32_MAX)           \
	X(proc.creds.suid, uint32_t, UINT32_MAX)           \
	X(proc.creds.gid, uint32_t, UINT32_MAX)            \
	X(proc.creds.egid, uint32_t, UINT32_MAX)           \
	X(proc.creds.sgid, uint32_t, UINT32_MAX)           \
	X(proc.creds.cap_permitted, uint64_t, UINT64_MAX)  \
	X(proc.creds.cap_effective, uint64_t, UINT64_MAX)  \
	X(proc.kthread, bool, 1)                           \
	X(proc.container, bool, 1)                         \
	X(proc.pid_ns, uint64_t, UINT64_MAX)               \
	X(proc.mnt_ns, uint64_t, UINT64_MAX)               \
	X(exec.argc, uint32_t, UINT32_MAX)                 \
	X(exec.inode, uint64_t, UINT64_MAX)                \
	X(exec.dev_major, uint32_t, UINT32_MAX)            \
	X(exec.dev_minor, uint32_t, UINT32_MAX)            \
	X(exec.nlink, uint32_t, UINT32_MAX)                \
	X(exec.missing, bool, 1)                           \
	X(exec.socket_fds, uint32_t, UINT32_MAX)           \
	X(exec.stdio_inode[0], uint64_t, UINT64_MAX)       \
	X(exec.stdio_inode[1], uint64_t, UINT64_MAX)       \
	X(exec.stdio_inode[2], uint64_t, UINT64_MAX)       \
	X(exec.replaced, bool, 1)                          \
	X(net.family, uint16_t, UINT16_MAX)                \
	X(net.proto, uint8_t, UINT8_MAX)                   \
	X(net.inherited, bool, 1)                          \
	X(net.ingress, bool, 1)                            \
	X(net.undirected, bool, 1)                         \
	X(net.local_port, uint16_t, UINT16_MAX)            \
	X(net.remote_port, uint16_t, UINT16_MAX)           \
	X(net.cookie, uint64_t, UINT64_MAX)                \
	X(file.node, enum file_node, NODE_DIR)             \
	X(file.maker_pid, uint32_t, UINT32_MAX)

/* And every view, in the order of their bytes. */
#define VIEWS(X)            \
	X(scope)            \
	X(cause)            \
	X(proc.hidden_from) \
	X(exec.given)       \
	X(exec.image)       \
	X(exec.interp)      \
	X(exec.comm)        \
	X(exec.args)        \
	X(exec.env)         \
	X(exec.cwd)         \
	X(file.path)        \
	X(file.old_path)    \
	X(file.aliases)

enum {
#define X(member, type, most) +1
	N_NUMBERS = 0 NUMBERS(X),
#undef X
#define X(member) +1
	N_VIEWS = 0 VIEWS(X),
#undef X
};

/* Before the bytes of the views. */
struct head {
	uint64_t numbers[N_NUMBERS];
	uint32_t lengths[N_VIEWS];
	uint32_t n_module; /* bytes of its name; UINT32_MAX = no module */
	uint32_t number;
	uint32_t n_bytes; /* of all, this included; a multiple of 8 */
	uint8_t local[16], remote[16];
	uint64_t taints, from_file;
	struct event_seen seen;
	uint64_t has_seen;
};

static size_t
rounded(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* ---- writing --------------------------------------------------------- */

size_t
frame_event_bytes(const struct event *e)
{
	size_t n = sizeof(struct head);

#define X(member) n += e->member.n;
	VIEWS(X)
#undef X
	if (e->module != NULL)
		n += e->module->name.n;
	return rounded(n);
}

static char *
put_view(char *to, uint32_t *length, struct view v)
{
	*length = (uint32_t)v.n;
	if (v.n > 0)
		memcpy(to, v.p, v.n);
	return to + v.n;
}

void
frame_put_event(char *to, const struct event *e, uint32_t number)
{
	struct head h = {
		.n_module = UINT32_MAX,
		.number = number,
		.n_bytes = (uint32_t)frame_event_bytes(e),
	};
	char *at = to + sizeof(h);
	size_t i = 0;

	/* A negative number of 32 bits is one of 32 bits. */
#define X(member, type, most)                                       \
	h.numbers[i++] = sizeof(type) < sizeof(uint64_t)            \
				 ? (uint64_t)e->member & UINT32_MAX \
				 : (uint64_t)e->member;
	NUMBERS(X)
#undef X
	memcpy(h.local, e->net.local, sizeof(h.local));
	memcpy(h.remote, e->net.remote, sizeof(h.remote));
	i = 0;
#define X(member) at = put_view(at, &h.lengths[i++], e->member);
	VIEWS(X)
#undef X
	if (e->seen != NULL) {
		h.seen = *e->seen;
		h.has_seen = 1;
	}
	if (e->module != NULL) {
		h.taints = e->module->taints;
		h.from_file = e->module->from_file;
		put_view(at, &h.n_module, e->module->name);
	}
	memcpy(to, &h, sizeof(h));
}

/* ---- reading --------------------------------------------------------- */

static bool
take_view(struct view *bytes, uint32_t n, struct view *out)
{
	if (n > bytes->n)
		return false;
	*out = view_sub(*bytes, 0, n);
	*bytes = view_sub(*bytes, n, SIZE_MAX);
	return true;
}

static bool
take_numbers(const struct head *h, struct event *e)
{
	size_t i = 0;

#define X(member, type, most)                 \
	if (h->numbers[i] > (uint64_t)(most)) \
		return false;                 \
	e->member = (type)h->numbers[i++];
	NUMBERS(X)
#undef X
	return true;
}

static bool
take_views(const struct head *h, struct view bytes, struct event *e,
	   struct event_module *module)
{
	size_t i = 0;

#define X(member)                                            \
	if (!take_view(&bytes, h->lengths[i++], &e->member)) \
		return false;
	VIEWS(X)
#undef X
	if (h->n_module == UINT32_MAX)
		return true;
	*module = (struct event_module){
		.taints = h->taints,
		.from_file = h->from_file != 0,
	};
	e->module = module;
	return take_view(&bytes, h->n_module, &module->name);
}

bool
frame_next_event(struct view *rest, struct event *e,
		 struct event_module *module, uint32_t *number)
{
	struct head h;
	struct view bytes;

	if (rest->n < sizeof(h))
		return false;
	memcpy(&h, rest->p, sizeof(h));
	if (h.n_bytes < sizeof(h) || h.n_bytes > rest->n ||
	    h.n_bytes != rounded(h.n_bytes))
		return false;
	bytes = view_sub(*rest, sizeof(h), h.n_bytes - sizeof(h));
	*e = (struct event){ .pidfd = -1 };
	if (!take_numbers(&h, e) || !take_views(&h, bytes, e, module))
		return false;
	memcpy(e->net.local, h.local, sizeof(h.local));
	memcpy(e->net.remote, h.remote, sizeof(h.remote));
	e->seen_here = h.seen;
	e->seen = h.has_seen != 0 ? &e->seen_here : NULL;
	*number = h.number;
	*rest = view_sub(*rest, h.n_bytes, SIZE_MAX);
	return true;
}
