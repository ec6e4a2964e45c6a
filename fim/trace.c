/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recording. Reading is replay's. */
#include "fim/trace.h"

#include "fim/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define PENDING_MAX (1u << 20) /* written out past this */

struct header {
	struct buf *out;
	bool any;
};

static void
put_term(void *ctx, struct view rule_id, const uint8_t key[16],
	 uint64_t last_seen_ns)
{
	struct header *h = ctx;

	buf_puts(h->out, h->any ? ",{\"rule\":" : "{\"rule\":");
	buf_json_string(h->out, rule_id);
	buf_puts(h->out, ",\"key\":\"");
	buf_hex(h->out, key, 16);
	buf_printf(h->out, "\",\"last_seen_ns\":%" PRIu64 "}", last_seen_ns);
	h->any = true;
}

static int
put_header(struct trace *t, struct state *state, uint64_t learn_until_ns)
{
	struct header h = { .out = &t->pending };

	buf_printf(h.out,
		   "{\"tocsin\":{\"trace\":{\"version\":1,"
		   "\"learn_until_ns\":%" PRIu64 ",\"terms\":[",
		   learn_until_ns);
	if (state_each_term(state, put_term, &h) != 0)
		return -1;
	buf_puts(h.out, "]}}}\n");
	return trace_flush(t);
}

int
trace_open(struct trace *t, const char *path, struct state *state,
	   uint64_t learn_until_ns, struct err *err)
{
	struct place at = { .file = path };

	t->fd = open(path,
		     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY |
			     O_NOFOLLOW,
		     0600);
	if (t->fd < 0)
		return err_add(err, at, "the trace cannot be made: %s",
			       strerror(errno));
	if (put_header(t, state, learn_until_ns) != 0)
		return err_add(err, at, "the trace cannot be written: %s",
			       strerror(errno));
	return 0;
}

void
trace_record(void *trace, struct record *r)
{
	struct trace *t = trace;

	if (t->fd < 0)
		return;
	fields_encode(r, NULL, &t->pending);
	buf_putc(&t->pending, '\n');
	if (t->pending.n > PENDING_MAX)
		trace_flush(t);
}

int
trace_flush(struct trace *t)
{
	int result = 0;

	if (t->fd >= 0 && t->pending.n > 0)
		result = fd_write_all(t->fd, buf_view(&t->pending));
	if (result != 0 || t->pending.failed)
		t->failed++;
	buf_clear(&t->pending);
	return result;
}

void
trace_close(struct trace *t)
{
	trace_flush(t);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	buf_free(&t->pending);
}
