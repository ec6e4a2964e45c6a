/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Syslog, RFC 5424: a datagram each to a local socket, or framed over TCP or
 * TLS. The protocol has no acknowledgement: what the other side's kernel has
 * taken counts as delivered.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fim/outlet_net.h"
#include "fim/syslog.h"

/* Larger than most; the kernel may give less. */
#define SEND_BUFFER (1 << 20)

struct syslog {
	struct arena arena;
	struct net_address address; /* host NULL = local */
	struct net_tls *tls;	    /* owned; NULL = none */
	struct net *net;	    /* owned; NULL = not connected */
	int local;		    /* -1 = not connected */
	struct sockaddr_un path;
	unsigned facility;
	struct buf message, framed;
	struct arena facts;
};

static const char *
or_null(struct view v)
{
	return v.n > 0 ? v.p : NULL;
}

static int
set_address(struct outlet *o, struct syslog *s, struct buf *why)
{
	const struct config_output *c = o->config;
	struct net_tls_files files = { or_null(c->ca), or_null(c->certificate),
				       or_null(c->key) };
	struct view host = VIEW_NONE, port = VIEW_NONE;

	if (view_starts(c->to, VIEW("unix:"))) {
		s->path.sun_family = AF_UNIX;
		snprintf(s->path.sun_path, sizeof(s->path.sun_path), "%s",
			 c->to.p + 5);
		return 0;
	}
	outlet_add_network_paths(o);
	config_host_port(view_sub(c->to, 6, SIZE_MAX), &host, &port);
	s->address = (struct net_address){
		.host = arena_copy(&s->arena, host).p,
		.port = arena_copy(&s->arena, port).p,
		.timeout_ns = c->timeout_ns,
	};
	if (s->address.host == NULL || s->address.port == NULL) {
		buf_puts(why, "out of memory");
		return -1;
	}
	if (!view_starts(c->to, VIEW("tls:")))
		return 0;
	s->tls = net_tls_load(&files, why);
	return s->tls != NULL ? 0 : -1;
}

static int
syslog_open(struct outlet *o, struct buf *why)
{
	struct syslog *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		buf_puts(why, "out of memory");
		return -1;
	}
	o->own = s;
	s->local = -1;
	s->facility = syslog_facility(o->config->facility);
	return set_address(o, s, why);
}

/* ---- to a local socket ----------------------------------------------- */

static int
connect_local(struct outlet *o, struct syslog *s, struct buf *why)
{
	int size = SEND_BUFFER;

	if (s->local >= 0)
		return 0;
	s->local = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->local >= 0) {
		net_set_timeout(s->local, o->config->timeout_ns);
		setsockopt(s->local, SOL_SOCKET, SO_SNDBUF, &size,
			   sizeof(size));
	}
	if (s->local >= 0 &&
	    connect(s->local, (const struct sockaddr *)&s->path,
		    sizeof(s->path)) == 0)
		return 0;
	buf_printf(why, "%s: %s", s->path.sun_path, strerror(errno));
	if (s->local >= 0)
		close(s->local);
	s->local = -1;
	return -1;
}

static int
send_local(struct outlet *o, struct syslog *s, struct buf *why)
{
	if (connect_local(o, s, why) != 0)
		return -1;
	if (send(s->local, s->message.p, s->message.n, MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EMSGSIZE)
		return 1;
	buf_printf(why, "%s: %s", s->path.sun_path,
		   errno == EAGAIN ? "it takes nothing more" : strerror(errno));
	close(s->local);
	s->local = -1;
	return -1;
}

/* Those that are too long for a datagram go as a sentence. */
static int
local_one(struct outlet *o, const struct cursor_alert *a, struct buf *why)
{
	struct syslog *s = o->own;
	struct outlet_facts f;
	int result;

	arena_reset(&s->facts);
	outlet_facts(a, &s->facts, &f);
	buf_clear(&s->message);
	syslog_format(a, &f, s->facility, a->json, &s->message);
	result = s->message.failed ? -1 : send_local(o, s, why);
	if (result == 1) {
		buf_clear(&s->message);
		syslog_format(a, &f, s->facility, f.message, &s->message);
		result = send_local(o, s, why);
		if (result == 1)
			buf_puts(why, "even the short form is too long");
	}
	return result;
}

/* ---- over a network -------------------------------------------------- */

static size_t
send_batch(struct syslog *s, const struct cursor_alert *v, size_t n,
	   struct buf *why)
{
	struct outlet_facts f;

	buf_clear(&s->framed);
	for (size_t i = 0; i < n; i++) {
		arena_reset(&s->facts);
		outlet_facts(&v[i], &s->facts, &f);
		buf_clear(&s->message);
		syslog_format(&v[i], &f, s->facility, v[i].json, &s->message);
		syslog_frame(buf_view(&s->message), &s->framed);
	}
	if (s->message.failed || s->framed.failed) {
		s->message.failed = s->framed.failed = false;
		buf_puts(why, "out of memory");
		return 0;
	}
	if (s->net != NULL && !net_is_up(s->net)) {
		net_close(s->net);
		s->net = NULL;
	}
	if (s->net == NULL)
		s->net = net_connect(&s->address, s->tls, why);
	if (s->net == NULL)
		return 0;
	if (net_send(s->net, buf_view(&s->framed), why) == 0)
		return n;
	net_close(s->net);
	s->net = NULL;
	return 0;
}

static size_t
syslog_deliver(struct outlet *o, const struct cursor_alert *v, size_t n,
	       struct outlet_result *r)
{
	struct syslog *s = o->own;
	size_t i = 0;

	if (s->address.host != NULL)
		return send_batch(s, v, n, &r->why);
	while (i < n) {
		int result = local_one(o, &v[i], &r->why);

		r->refused = result == 1;
		if (result != 0)
			break;
		i++;
	}
	return i;
}

static void
syslog_close(struct outlet *o)
{
	struct syslog *s = o->own;

	net_close(s->net);
	net_tls_free(s->tls);
	if (s->local >= 0)
		close(s->local);
	buf_free(&s->message);
	buf_free(&s->framed);
	arena_free(&s->facts);
	arena_free(&s->arena);
	free(s);
}

const struct outlet_ops outlet_syslog = {
	.type = "syslog",
	.sockets = true,
	.open = syslog_open,
	.deliver = syslog_deliver,
	.close = syslog_close,
};
