/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection for outlets: TCP, or TLS over it. Blocking, with a time limit
 * for each step. TLS is GnuTLS (its licence goes with the GPL, version 2), and
 * loaded when it is needed only, by net_tls_load: linked, it and its like made
 * every start of tocsin slower. Who is on the other side is always checked.
 */
#ifndef FIM_OUTLET_NET_H
#define FIM_OUTLET_NET_H

#include "scan/base.h"

struct net_tls; /* the library and what identifies both sides */

struct net_tls_files {
	const char *ca, *certificate, *key; /* NULL = the host's; none */
};
/* NULL with a sentence in `why`. */
struct net_tls *net_tls_load(const struct net_tls_files *, struct buf *why);
void net_tls_free(struct net_tls *);

struct net_address {
	const char *host, *port;
	uint64_t timeout_ns;
};

struct net;
/* `tls` NULL = without; borrowed. NULL with a sentence in `why`. */
struct net *
net_connect(const struct net_address *, struct net_tls *tls, struct buf *why);
/* All of it is written, and the other side's kernel has said that it has it.
 * Otherwise -1, and nothing is known. */
int net_send(struct net *, struct view, struct buf *why);
/* The other side has not closed it. */
bool net_is_up(const struct net *);
void net_close(struct net *);

/* The time limit of a socket's calls. */
void net_set_timeout(int fd, uint64_t ns);

#endif
