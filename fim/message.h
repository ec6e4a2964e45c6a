/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a message of the system's log means: messages.def, applied. The text is
 * hostile (a user name that an outsider chose stands in it); who wrote it must
 * have been found out before.
 */
#ifndef FIM_MESSAGE_H
#define FIM_MESSAGE_H

#include "fim/event.h"

/* Longer ones, and those with control characters, are not taken apart. */
#define MESSAGE_PARSED_MAX 1024u

/* Of log->program and log->message: fills `said` with views of the message,
 * and `outcome`. EVENT_LOG_MESSAGE when no row of the table fits. */
enum event_kind message_parse(struct event_log *);

/* The kind of an audit record by its type's name ("ADD_USER"), or
 * EVENT_LOG_MESSAGE. */
enum event_kind message_audit_kind(struct view type);

#endif
