/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded trace: a header, then every matched event as one line of
 * ECS JSON, as `tocsin replay` reads it, then a last line that says how far
 * time had passed. The header carries what the rules already knew, so that a
 * replay raises the same alerts:
 *
 * {"tocsin":{"trace":{"version":1,"learn_until_ns":N,"terms":[
 *   {"rule":"ID","key":"32 hex digits","last_seen_ns":N},…]}}}
 *
 * The header has more lines of this kind when there are many terms. The end:
 *
 * {"tocsin":{"trace":{"version":1,"end_ns":N}}}
 */
#ifndef FIM_TRACE_H
#define FIM_TRACE_H

#include "fim/state.h"
#include "rules/rules.h"

struct trace {
	int fd; /* owned; -1 = not recording */
	struct buf pending;
	uint64_t failed; /* writes that failed */
};

/* Makes `path` (0600), writes the header; `state` gives the terms. */
int trace_open(struct trace *, const char *path, struct state *,
	       uint64_t learn_until_ns, struct err *);
/* For pipeline_config.trace; ctx is the trace. */
void trace_record(void *trace, struct record *);
int trace_flush(struct trace *);
/* `end_ns`: no event before this wall time was still awaited. */
void trace_close(struct trace *, uint64_t end_ns);

#endif
