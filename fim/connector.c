/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process connector says. */
#include "fim/connector.h"

#include <assert.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

/* The event as it was before Linux 6.6 and is since: newer kernels may add to
 * its union, older ones have a smaller one. */
#define EVENT_HEAD_BYTES offsetof(struct proc_event, event_data)
#define BODY_BYTES(member) \
	sizeof(((struct proc_event *)NULL)->event_data.member)

static uint32_t
as_pid(int32_t pid)
{
	return pid > 0 ? (uint32_t)pid : 0;
}

static enum connector_kind
kind_of(const struct proc_event *p)
{
	switch ((uint32_t)p->what) {
	case PROC_EVENT_NONE:
		return CONNECTOR_ACK;
	case PROC_EVENT_FORK:
		return CONNECTOR_FORK;
	case PROC_EVENT_EXEC:
		return CONNECTOR_EXEC;
	case PROC_EVENT_UID:
	case PROC_EVENT_GID:
		return CONNECTOR_IDS;
	case PROC_EVENT_SID:
		return CONNECTOR_SESSION;
	case PROC_EVENT_EXIT:
		return CONNECTOR_EXIT;
	default:
		return CONNECTOR_OTHER;
	}
}

/* Bytes of the union that each kind needs. */
static size_t
body_bytes(enum connector_kind kind)
{
	switch (kind) {
	case CONNECTOR_ACK:
		return BODY_BYTES(ack);
	case CONNECTOR_FORK:
		return BODY_BYTES(fork);
	case CONNECTOR_EXEC:
	case CONNECTOR_IDS:
	case CONNECTOR_SESSION: /* begin alike */
		return BODY_BYTES(exec);
	case CONNECTOR_EXIT:
		return offsetof(struct exit_proc_event, parent_pid);
	case CONNECTOR_OTHER:
	case CONNECTOR_BAD:
		return 0;
	}
	return 0;
}

static void
take_body(struct connector_event *e, const struct proc_event *p)
{
	switch (e->kind) {
	case CONNECTOR_ACK:
		e->error = p->event_data.ack.err;
		break;
	case CONNECTOR_FORK:
		e->pid = as_pid(p->event_data.fork.child_tgid);
		e->tid = as_pid(p->event_data.fork.child_pid);
		e->parent = as_pid(p->event_data.fork.parent_tgid);
		break;
	case CONNECTOR_EXEC:
	case CONNECTOR_IDS:
	case CONNECTOR_SESSION:
		e->pid = as_pid(p->event_data.exec.process_tgid);
		e->tid = as_pid(p->event_data.exec.process_pid);
		break;
	case CONNECTOR_EXIT:
		e->pid = as_pid(p->event_data.exit.process_tgid);
		e->tid = as_pid(p->event_data.exit.process_pid);
		e->exit_code = (int32_t)p->event_data.exit.exit_code;
		break;
	case CONNECTOR_OTHER:
	case CONNECTOR_BAD:
		break;
	}
}

static void
take_event(struct connector_event *e, struct view body)
{
	struct proc_event p;

	if (body.n < EVENT_HEAD_BYTES)
		return;
	memset(&p, 0, sizeof(p));
	memcpy(&p, body.p, body.n < sizeof(p) ? body.n : sizeof(p));
	e->kind = kind_of(&p);
	if (body.n < EVENT_HEAD_BYTES + body_bytes(e->kind)) {
		e->kind = CONNECTOR_BAD;
		return;
	}
	e->time_ns = p.timestamp_ns;
	take_body(e, &p);
}

static void
take_message(struct connector_event *e, struct view body)
{
	struct cn_msg m;

	if (body.n < sizeof(m))
		return;
	memcpy(&m, body.p, sizeof(m));
	if (m.id.idx != CN_IDX_PROC || m.id.val != CN_VAL_PROC) {
		e->kind = CONNECTOR_OTHER;
		return;
	}
	body = view_sub(body, sizeof(m), SIZE_MAX);
	if (m.len > body.n)
		return;
	e->ack = m.ack;
	take_event(e, view_sub(body, 0, m.len));
}

bool
connector_next(struct view *rest, struct connector_event *e)
{
	struct nlmsghdr h;
	size_t step;

	*e = (struct connector_event){ .kind = CONNECTOR_BAD };
	if (rest->n == 0)
		return false;
	if (rest->n < sizeof(h)) {
		*rest = VIEW_NONE;
		return true;
	}
	memcpy(&h, rest->p, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > rest->n) {
		*rest = VIEW_NONE;
		return true;
	}
	if (h.nlmsg_type == NLMSG_NOOP)
		e->kind = CONNECTOR_OTHER;
	else if (h.nlmsg_type == NLMSG_DONE) /* what the connector sends */
		take_message(
			e, view_sub(*rest, sizeof(h), h.nlmsg_len - sizeof(h)));
	step = NLMSG_ALIGN((size_t)h.nlmsg_len);
	*rest = view_sub(*rest, step < rest->n ? step : rest->n, SIZE_MAX);
	return true;
}

void
connector_request(bool listen, uint32_t ack, char out[CONNECTOR_REQUEST_BYTES])
{
	uint32_t op = listen ? PROC_CN_MCAST_LISTEN : PROC_CN_MCAST_IGNORE;
	struct cn_msg m = {
		.id = { CN_IDX_PROC, CN_VAL_PROC },
		.ack = ack,
		.len = sizeof(op),
	};
	struct nlmsghdr h = {
		.nlmsg_len = CONNECTOR_REQUEST_BYTES,
		.nlmsg_type = NLMSG_DONE,
	};

	static_assert(sizeof(h) + sizeof(m) + sizeof(op) ==
			      CONNECTOR_REQUEST_BYTES,
		      "packed as the kernel has it");
	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), &m, sizeof(m));
	memcpy(out + sizeof(h) + sizeof(m), &op, sizeof(op));
}
