/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of what the system's log says, and of kernel modules. */
#include "fim/live.h"

#include "fim/fields.h"

/* Fields that are a piece of the message, in order of preference. */
static const struct {
	unsigned field;
	enum said said;
} pieces[] = {
	{ FIELD_USER_NAME, SAID_USER },
	{ FIELD_USER_NAME, SAID_ACCT },
	{ FIELD_RELATED_USER, SAID_USER },
	{ FIELD_RELATED_USER, SAID_ACCT },
	{ FIELD_USER_ID, SAID_UID },
	{ FIELD_USER_EFFECTIVE_NAME, SAID_TARGET },
	{ FIELD_GROUP_NAME, SAID_GROUP },
	{ FIELD_GROUP_ID, SAID_GID },
	{ FIELD_SOURCE_IP, SAID_ADDRESS },
	{ FIELD_RELATED_IP, SAID_ADDRESS },
	{ FIELD_SOURCE_ADDRESS, SAID_ADDRESS },
	{ FIELD_SOURCE_ADDRESS, SAID_HOST },
	{ FIELD_SSH_EVENT, SAID_VERB },
	{ FIELD_SSH_METHOD, SAID_METHOD },
	{ FIELD_SSH_SIGNATURE, SAID_SIGNATURE },
	{ FIELD_SUDO_COMMAND, SAID_COMMAND },
	{ FIELD_SUDO_ERROR, SAID_ERROR },
	{ FIELD_SUDO_PWD, SAID_PWD },
	{ FIELD_USERADD_HOME, SAID_HOME },
	{ FIELD_USERADD_SHELL, SAID_SHELL },
	{ FIELD_AUDIT_OP, SAID_OP },
	{ FIELD_AUDIT_ACCT, SAID_ACCT },
	{ FIELD_AUDIT_GRANTORS, SAID_GRANTORS },
	{ FIELD_AUDIT_TERMINAL, SAID_TERMINAL },
};

static struct view
piece_of(const struct event_log *log, unsigned field)
{
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		if (pieces[i].field == field && log->said[pieces[i].said].n > 0)
			return log->said[pieces[i].said];
	return VIEW_NONE;
}

static void
set_outcome(struct live *l, struct slot *s)
{
	switch (l->event->log->outcome) {
	case OUTCOME_SUCCESS:
		live_set_string(l, s, VIEW("success"));
		break;
	case OUTCOME_FAILURE:
		live_set_string(l, s, VIEW("failure"));
		break;
	case OUTCOME_NONE:
		break;
	}
}

static void
set_code(struct live *l, struct slot *s, int code)
{
	if (code >= 0)
		live_set_int(l, s, code);
}

/* The process table's answer is better where it has one: of these, a message
 * knows only what it says. */
static bool
fill_names(struct live *l, unsigned field, struct slot *s)
{
	const struct event_log *log = l->event->log;
	uint64_t port;

	switch (field) {
	case FIELD_PROCESS_NAME:
		live_set_string(l, s, log->program);
		return true;
	case FIELD_SOURCE_PORT:
		if (view_to_u64(log->said[SAID_PORT], &port))
			live_set_int(l, s, (int64_t)port);
		return true;
	case FIELD_SUDO_USER:
		if (l->event->kind == EVENT_RUN_AS &&
		    log->said[SAID_TARGET].n > 0)
			live_set_string(l, s, log->said[SAID_TARGET]);
		return true;
	case FIELD_SUDO_TTY:
		if (l->event->kind == EVENT_RUN_AS && log->said[SAID_TTY].n > 0)
			live_set_string(l, s, log->said[SAID_TTY]);
		return true;
	/* How an account was changed is the same whoever says it; rules that
	 * were written for auditd may use the message. */
	case FIELD_AUDIT_RESULT:
		if (log->said[SAID_RESULT].n > 0)
			live_set_string(l, s, log->said[SAID_RESULT]);
		else if (strcmp(event_category(l->event->kind), "iam") == 0)
			live_set_string(l, s,
					log->outcome == OUTCOME_SUCCESS
						? VIEW("success")
						: VIEW("fail"));
		return true;
	case FIELD_AUDIT_ADDR:
		if (log->audit && log->said[SAID_HOST].n > 0)
			live_set_string(l, s, log->said[SAID_HOST]);
		return true;
	default:
		return false;
	}
}

/* An account that the message names must not get the other half of its
 * identity from the process that wrote it; nor is that one's group meant. */
static bool
named_otherwise(const struct event_log *log, unsigned field)
{
	switch (field) {
	case FIELD_USER_ID:
	case FIELD_USER_NAME:
		return piece_of(log, FIELD_USER_NAME).n > 0 ||
		       log->said[SAID_UID].n > 0;
	case FIELD_USER_EFFECTIVE_ID:
		return log->said[SAID_TARGET].n > 0;
	case FIELD_GROUP_ID:
	case FIELD_GROUP_NAME:
		return true;
	default:
		return false;
	}
}

static bool
fill_message(struct live *l, unsigned field, struct slot *s)
{
	const struct event_log *log = l->event->log;
	struct view piece = piece_of(log, field);

	switch (field) {
	case FIELD_MESSAGE:
	case FIELD_EVENT_ORIGINAL:
		live_set_string(l, s, log->message);
		return true;
	case FIELD_EVENT_OUTCOME:
		set_outcome(l, s);
		return true;
	case FIELD_LOG_PROGRAM:
		live_set_string(l, s, log->program);
		return true;
	case FIELD_LOG_FACILITY:
		set_code(l, s, log->facility);
		return true;
	case FIELD_LOG_PRIORITY:
		set_code(l, s, log->priority);
		return true;
	}
	if (fill_names(l, field, s))
		return true;
	if (piece.n > 0)
		live_set_string(l, s, piece);
	return piece.n > 0 || named_otherwise(log, field);
}

/* include/linux/panic.h: what a module's own taints can be; the words are
 * those of Documentation/admin-guide/tainted-kernels.rst, shortened. */
static const struct {
	unsigned bit;
	const char *name;
} taints[] = {
	{ 0, "proprietary" },  { 1, "forced" },	     { 10, "staging" },
	{ 12, "out-of-tree" }, { 13, "unsigned" },   { 15, "livepatch" },
	{ 16, "auxiliary" },   { 17, "randstruct" }, { 18, "test" },
};

static void
set_taints(struct live *l, struct slot *s, uint64_t bits)
{
	struct value *v = arena_array(&l->arena, ARRAY_LEN(taints), sizeof(*v));

	if (v == NULL)
		return;
	s->v = v;
	for (size_t i = 0; i < ARRAY_LEN(taints); i++)
		if (bits & (1ull << taints[i].bit))
			v[s->n++] =
				(struct value){ VALUE_STRING,
						.s = view_of(taints[i].name) };
}

static bool
fill_module(struct live *l, unsigned field, struct slot *s)
{
	const struct event_module *m = l->event->module;

	switch (field) {
	case FIELD_DRIVER_NAME:
	case FIELD_MODULE_NAME:
		live_set_string(l, s, m->name);
		return true;
	case FIELD_MODULE_TAINTS:
		set_taints(l, s, m->taints);
		return true;
	case FIELD_AUDIT_SYSCALL:
		live_set_string(l, s,
				m->from_file ? VIEW("finit_module")
					     : VIEW("init_module"));
		return true;
	default:
		return false;
	}
}

bool
live_fill_log(struct live *l, unsigned field, struct slot *s)
{
	if (l->event->module != NULL && fill_module(l, field, s))
		return true;
	if (l->event->log != NULL && fill_message(l, field, s))
		return true;
	return (field >= FIELD_LOG_PROGRAM && field <= FIELD_DRIVER_NAME) ||
	       field == FIELD_MODULE_NAME || field == FIELD_MODULE_TAINTS ||
	       field == FIELD_EVENT_ORIGINAL || field == FIELD_MESSAGE;
}
