/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of sockets that exist, by inode: /proc/PID/net/tcp, tcp6, udp,
 * udp6 (proc_pid_net(5)). */
#ifndef FIM_SOCKETS_H
#define FIM_SOCKETS_H

#include "fim/event.h"

/* The tables of one network namespace, read when the first process of it
 * asks. Zero-initialise; sockets_free. */
struct sockets {
	uint64_t net_ns; /* inode; 0 = none read */
	struct buf text[4];
};

/* The connection of the socket with that inode, in the network namespace of
 * the process whose folder is `proc`. False: it has none. Who began it is told
 * by whether somebody listens on the local port. */
bool
sockets_find(struct sockets *, int proc, uint64_t inode, struct event_net *);
/* From the text of one table; for tests as well. */
bool sockets_read(struct view table, bool v6, uint8_t proto, uint64_t inode,
		  struct event_net *);
void sockets_free(struct sockets *);

#endif
