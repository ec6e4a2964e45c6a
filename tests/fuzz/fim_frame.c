/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may lie in the memory that keeper and engine share. */
#include <stdlib.h>

#include "fim/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
sum(struct view v)
{
	uint64_t s = 0;

	for (size_t i = 0; i < v.n; i++)
		s += (uint8_t)v.p[i];
	return s;
}

/* An event that was read is written and read again: the same. */
static void
write_again(const struct event *e, uint32_t number)
{
	size_t n = frame_event_bytes(e);
	char *p = calloc(1, n);
	struct view rest = { p, n };
	struct event_module module;
	struct event again;
	uint32_t same;

	if (p == NULL)
		return;
	frame_put_event(p, e, number);
	if (!frame_next_event(&rest, &again, &module, &same) || rest.n != 0 ||
	    same != number || again.kind != e->kind ||
	    again.time_ns != e->time_ns || again.key.pid != e->key.pid ||
	    !view_eq(again.file.path, e->file.path) ||
	    !view_eq(again.exec.args, e->exec.args))
		abort();
	free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = { (const char *)data, size };
	struct event_module module;
	struct event e;
	uint64_t total = 0;
	uint32_t number;
	size_t left = size;

	while (frame_next_event(&rest, &e, &module, &number)) {
		if (rest.n >= left)
			abort();
		left = rest.n;
		total += sum(e.scope) + sum(e.exec.args) + sum(e.exec.cwd) +
			 sum(e.file.aliases);
		if (e.module != NULL)
			total += sum(e.module->name);
		write_again(&e, number);
	}
	return total == UINT64_MAX;
}
