/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the system's log: the program's name, a line end, the text. */
#include <stdlib.h>

#include "fim/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pieces lie within the message; without a meaning there are none. */
static void
check(const struct event_log *log, enum event_kind kind)
{
	struct view all = log->message;

	for (size_t i = 0; i < SAID_COUNT; i++) {
		struct view v = log->said[i];

		if (v.n == 0 || (i == SAID_USER && view_eq(v, VIEW("root"))))
			continue;
		if (kind == EVENT_LOG_MESSAGE || v.p < all.p ||
		    v.p + v.n > all.p + all.n)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = { (const char *)data, size };
	struct event_log log = { 0 };

	if (!view_next_split(&rest, '\n', &log.program))
		return 0;
	log.message = rest;
	check(&log, message_parse(&log));
	message_audit_kind(rest);
	return 0;
}
