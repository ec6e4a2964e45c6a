/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of events.def. */
#include "fim/event.h"

struct words {
	const char *action, *category, *type, *aliases;
};

static const struct words words[EVENT_KINDS] = {
#define EVENT(kind, action, category, type, aliases) \
	[EVENT_##kind] = { action, category, type, aliases },
#include "fim/events.def"
#undef EVENT
};

const char *
event_action(enum event_kind kind)
{
	return words[kind].action;
}

const char *
event_category(enum event_kind kind)
{
	return words[kind].category;
}

const char *
event_type(enum event_kind kind)
{
	return words[kind].type;
}

const char *
event_aliases(enum event_kind kind)
{
	return words[kind].aliases;
}

bool
event_is_log(enum event_kind kind)
{
	return kind >= EVENT_SSH_LOGIN && kind <= EVENT_LOG_MESSAGE;
}

enum event_kind
event_beginning(enum event_kind kind)
{
	switch (kind) {
	case EVENT_SNAPSHOT:
		return EVENT_CREATE;
	case EVENT_ALREADY_RUNNING:
		return EVENT_EXEC;
	default:
		return kind;
	}
}
