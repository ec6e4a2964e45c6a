/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an entry of the journal means, and whether it is to be believed. */
#include "fim/journal.h"

#include "fim/message.h"

#include <limits.h>

/* SD_MESSAGE_JOURNAL_DROPPED of sd-messages.h: the sender wrote faster than
 * RateLimitBurst= of journald.conf(5) allows. */
#define DROPPED_ID "a596d6fe7bfa4994828e72309e95d61e"

static const char *const field_names[JOURNAL_FIELD_COUNT] = {
#define X(id, name) [JOURNAL_##id] = name,
	JOURNAL_FIELDS(X)
#undef X
};

const char *
journal_field_name(enum journal_field field)
{
	return field_names[field];
}

static bool
field_is(const struct journal_entry *j, enum journal_field field,
	 const char *text)
{
	return view_eq(j->v[field], view_of(text));
}

static uint64_t
number(const struct journal_entry *j, enum journal_field field, uint64_t max,
       uint64_t otherwise)
{
	uint64_t n;

	if (!view_to_u64(j->v[field], &n) || n > max)
		return otherwise;
	return n;
}

/* ---- who says so ----------------------------------------------------- */

/* They run with their caller's real user, which is what journald is told. A
 * process can send a message and then become one of them; it can say no more
 * of itself by that than by really running it. */
static const char *const setuid_programs[] = {
	"su", "sudo", "passwd", "chsh", "chfn", "chage", "gpasswd",
};

static const char *const system_folders[] = {
	"/usr/bin/",
	"/usr/sbin/",
	"/bin/",
	"/sbin/",
};

static bool
is_system_program(struct view exe, struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(system_folders); i++) {
		struct view folder = view_of(system_folders[i]);

		if (view_starts(exe, folder) &&
		    view_eq(view_sub(exe, folder.n, SIZE_MAX), name))
			return true;
	}
	return false;
}

static bool
is_trusted(const struct journal_entry *j, struct view program)
{
	if (field_is(j, JOURNAL_UID, "0"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(setuid_programs); i++)
		if (view_eq(program, view_of(setuid_programs[i])))
			return is_system_program(j->v[JOURNAL_EXE], program);
	return false;
}

/* Anybody can call himself anything, but not the kernel. */
static struct view
program_of(const struct journal_entry *j)
{
	struct view name = j->v[JOURNAL_IDENTIFIER];

	if (field_is(j, JOURNAL_TRANSPORT, "kernel"))
		return name.n > 0 ? name : VIEW("kernel");
	if (name.n == 0 || view_eq_fold(name, VIEW("kernel")))
		name = j->v[JOURNAL_COMM];
	return name.n > 0 ? name : VIEW("unknown");
}

/* ---- audit ----------------------------------------------------------- */

static void
take_audit(const struct journal_entry *j, struct event_log *log)
{
	struct view addr = j->v[JOURNAL_AUDIT_ADDR];
	bool good = field_is(j, JOURNAL_AUDIT_RESULT, "success");

	log->audit = true;
	log->said[SAID_OP] = j->v[JOURNAL_AUDIT_OP];
	log->said[SAID_ACCT] = j->v[JOURNAL_AUDIT_ACCT];
	log->said[SAID_GRANTORS] = j->v[JOURNAL_AUDIT_GRANTORS];
	log->said[SAID_TERMINAL] = j->v[JOURNAL_AUDIT_TERMINAL];
	if (!view_eq(addr, VIEW("?")))
		log->said[SAID_HOST] = addr;
	if (j->v[JOURNAL_AUDIT_RESULT].n == 0)
		return;
	log->outcome = good ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
	log->said[SAID_RESULT] = good ? VIEW("success") : VIEW("fail");
}

/* ---- the whole ------------------------------------------------------- */

static bool
take_loss(const struct journal_entry *j, struct event *e)
{
	if (!field_is(j, JOURNAL_MESSAGE_ID, DROPPED_ID) ||
	    !field_is(j, JOURNAL_TRANSPORT, "driver"))
		return false;
	e->kind = EVENT_LOSS;
	e->lost = number(j, JOURNAL_DROPPED, UINT64_MAX, 1);
	e->role = ROLE_MESSAGES;
	e->scope = VIEW("messages");
	e->cause = VIEW("journald's rate limit");
	return true;
}

static enum event_kind
kind_of(const struct journal_entry *j, struct event_log *log)
{
	enum event_kind kind;

	if (field_is(j, JOURNAL_TRANSPORT, "audit")) {
		kind = message_audit_kind(j->v[JOURNAL_AUDIT_TYPE]);
		if (kind != EVENT_LOG_MESSAGE)
			take_audit(j, log);
		return kind;
	}
	if (field_is(j, JOURNAL_TRANSPORT, "kernel") ||
	    !is_trusted(j, log->program))
		return EVENT_LOG_MESSAGE;
	return message_parse(log);
}

void
journal_event(const struct journal_entry *j, struct event *e,
	      struct event_log *log)
{
	*e = (struct event){ .attribution = ATTRIBUTION_KERNEL,
			     .time_ns = j->time_ns,
			     .pidfd = -1 };
	*log = (struct event_log){
		.message = j->v[JOURNAL_MESSAGE],
		.program = program_of(j),
		.priority = (int)number(j, JOURNAL_PRIORITY, 7, UINT64_MAX),
		.facility = (int)number(j, JOURNAL_FACILITY, 127, UINT64_MAX),
	};
	if (take_loss(j, e))
		return;
	e->key.pid = (uint32_t)number(j, JOURNAL_PID, INT_MAX, 0);
	e->kind = kind_of(j, log);
	e->log = log;
}
