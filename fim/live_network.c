/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of connections. ECS: source began it, destination was reached. */
#include "fim/live.h"

#include "fim/fields.h"

#include <arpa/inet.h>
#include <inttypes.h>

static void
set_address(struct live *l, struct slot *s, const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(l->event->net.family, address, text, sizeof(text)) !=
	    NULL)
		live_set_string(l, s, arena_copy(&l->arena, view_of(text)));
}

static bool
is_zero(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return memcmp(address, zero, sizeof(zero)) == 0;
}

static void
set_port(struct live *l, struct slot *s, uint16_t port)
{
	if (port != 0)
		live_set_int(l, s, port);
}

static void
set_transport(struct live *l, struct slot *s)
{
	switch (l->event->net.proto) {
	case NET_TCP:
		live_set_string(l, s, VIEW("tcp"));
		break;
	case NET_UDP:
		live_set_string(l, s, VIEW("udp"));
		break;
	default:
		live_set_string(
			l, s,
			arena_printf(&l->arena, "%u", l->event->net.proto));
	}
}

void
live_fill_network(struct live *l, unsigned field, struct slot *s)
{
	const struct event_net *n = &l->event->net;
	const uint8_t *source = n->ingress ? n->remote : n->local;
	const uint8_t *destination = n->ingress ? n->local : n->remote;

	if (strcmp(event_category(l->event->kind), "network") != 0)
		return;
	switch (field) {
	case FIELD_SOURCE_IP:
	case FIELD_SOURCE_ADDRESS:
		/* A socket that is not bound yet has no address of its own;
		 * the peer's is shown as it is, zero included. */
		if (n->ingress || !is_zero(source))
			set_address(l, s, source);
		break;
	case FIELD_DESTINATION_IP:
	case FIELD_DESTINATION_ADDRESS:
		if (!n->ingress || !is_zero(destination))
			set_address(l, s, destination);
		break;
	case FIELD_SOURCE_PORT:
		set_port(l, s, n->ingress ? n->remote_port : n->local_port);
		break;
	case FIELD_DESTINATION_PORT:
		set_port(l, s, n->ingress ? n->local_port : n->remote_port);
		break;
	case FIELD_NETWORK_DIRECTION:
		if (!n->undirected)
			live_set_string(l, s,
					n->ingress ? VIEW("ingress")
						   : VIEW("egress"));
		break;
	case FIELD_NETWORK_TRANSPORT:
		set_transport(l, s);
		break;
	case FIELD_NETWORK_TYPE:
		live_set_string(l, s,
				n->family == AF_INET6 ? VIEW("ipv6")
						      : VIEW("ipv4"));
		break;
	case FIELD_NETWORK_INHERITED:
		if (n->inherited)
			live_set_bool(l, s, true);
		break;
	case FIELD_NETWORK_COOKIE:
		if (n->cookie != 0)
			live_set_string(
				l, s,
				arena_printf(&l->arena, "%" PRIx64, n->cookie));
		break;
	}
}
