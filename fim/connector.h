/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel's process connector: a netlink message, netlink(7),
 * holds a struct cn_msg (include/uapi/linux/connector.h), and that a struct
 * proc_event (cn_proc.h). Only a message that is whole is read.
 */
#ifndef FIM_CONNECTOR_H
#define FIM_CONNECTOR_H

#include "scan/base.h"

enum connector_kind {
	CONNECTOR_OTHER, /* of no interest, or of a newer kernel */
	CONNECTOR_ACK,	 /* the answer to a request; `error` */
	CONNECTOR_FORK,
	CONNECTOR_EXEC,
	CONNECTOR_IDS, /* user or group */
	CONNECTOR_SESSION,
	CONNECTOR_EXIT,
	CONNECTOR_BAD, /* cannot be read */
};

struct connector_event {
	enum connector_kind kind;
	uint32_t pid, tid; /* of who did it; the new one for FORK */
	uint32_t parent;   /* FORK */
	int32_t exit_code; /* EXIT: wait(2) status */
	uint32_t error;	   /* ACK: errno or 0 */
	uint32_t ack;	   /* ACK: that of the request, and one more */
	uint64_t time_ns;  /* CLOCK_MONOTONIC */
};

#define CONNECTOR_REQUEST_BYTES 40u

/* Takes the next message off `rest`, which holds what one recv(2) gave. False
 * at the end. */
bool connector_next(struct view *rest, struct connector_event *);
/* To be sent: begin (or stop) to tell. */
void
connector_request(bool listen, uint32_t ack, char out[CONNECTOR_REQUEST_BYTES]);

#endif
