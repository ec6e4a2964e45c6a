/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of systemd's journal as events, wherever they were read. Fields
 * whose names begin with _ come from journald itself and can be trusted;
 * everything else is what the sender says (systemd.journal-fields(7)).
 */
#ifndef FIM_JOURNAL_H
#define FIM_JOURNAL_H

#include "fim/event.h"

#define JOURNAL_FIELDS(X)                         \
	X(MESSAGE, "MESSAGE")                     \
	X(MESSAGE_ID, "MESSAGE_ID")               \
	X(DROPPED, "N_DROPPED")                   \
	X(PRIORITY, "PRIORITY")                   \
	X(FACILITY, "SYSLOG_FACILITY")            \
	X(IDENTIFIER, "SYSLOG_IDENTIFIER")        \
	X(TRANSPORT, "_TRANSPORT")                \
	X(PID, "_PID")                            \
	X(UID, "_UID")                            \
	X(COMM, "_COMM")                          \
	X(EXE, "_EXE")                            \
	X(AUDIT_TYPE, "_AUDIT_TYPE_NAME")         \
	X(AUDIT_OP, "AUDIT_FIELD_OP")             \
	X(AUDIT_ACCT, "AUDIT_FIELD_ACCT")         \
	X(AUDIT_ADDR, "AUDIT_FIELD_ADDR")         \
	X(AUDIT_GRANTORS, "AUDIT_FIELD_GRANTORS") \
	X(AUDIT_TERMINAL, "AUDIT_FIELD_TERMINAL") \
	X(AUDIT_RESULT, "AUDIT_FIELD_RES")

enum journal_field {
#define X(id, name) JOURNAL_##id,
	JOURNAL_FIELDS(X)
#undef X
		JOURNAL_FIELD_COUNT
};
const char *journal_field_name(enum journal_field);

struct journal_entry {
	struct view v[JOURNAL_FIELD_COUNT]; /* borrowed; n 0: not there */
	uint64_t time_ns;		    /* boot */
};

/*
 * Translates: kind, attribution, key, time and `log`, which the event points
 * to. Who sent it decides whether it is believed: root, or one of the few
 * programs that log as their caller, by the file that journald saw running;
 * from anybody else it is a message and no more. An EVENT_LOSS where journald
 * says that it dropped messages.
 */
void
journal_event(const struct journal_entry *, struct event *, struct event_log *);

#endif
