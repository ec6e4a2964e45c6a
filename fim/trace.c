/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recording. Reading is replay's. */
#include "fim/trace.h"

#include "fim/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#define PENDING_MAX (1u << 20) /* written out past this */

/* A line has a limit for whoever reads it; rules may remember millions. */
#define TERMS_PER_LINE 10000

struct header {
	struct trace *trace;
	uint64_t learn_until_ns;
	unsigned terms; /* in this line */
};

static void
begin_line(struct header *h)
{
	buf_printf(&h->trace->pending,
		   "{\"tocsin\":{\"trace\":{\"version\":1,"
		   "\"learn_until_ns\":%" PRIu64 ",\"terms\":[",
		   h->learn_until_ns);
	h->terms = 0;
}

static void
end_line(struct header *h)
{
	buf_puts(&h->trace->pending, "]}}}\n");
	if (h->trace->pending.n > PENDING_MAX)
		trace_flush(h->trace);
}

static void
put_term(void *ctx, struct view rule_id, const uint8_t key[16],
	 uint64_t last_seen_ns)
{
	struct header *h = ctx;
	struct buf *out = &h->trace->pending;

	if (h->terms == TERMS_PER_LINE) {
		end_line(h);
		begin_line(h);
	}
	buf_puts(out, h->terms > 0 ? ",{\"rule\":" : "{\"rule\":");
	buf_json_string(out, rule_id);
	buf_puts(out, ",\"key\":\"");
	buf_hex(out, key, 16);
	buf_printf(out, "\",\"last_seen_ns\":%" PRIu64 "}", last_seen_ns);
	h->terms++;
}

static int
put_header(struct trace *t, struct state *state, uint64_t learn_until_ns)
{
	struct header h = { .trace = t, .learn_until_ns = learn_until_ns };
	uint64_t failed = t->failed;

	begin_line(&h);
	if (state_each_term(state, put_term, &h) != 0)
		return -1;
	end_line(&h);
	return trace_flush(t) != 0 || t->failed != failed ? -1 : 0;
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
trace_close(struct trace *t, uint64_t end_ns)
{
	if (t->fd >= 0)
		buf_printf(&t->pending,
			   "{\"tocsin\":{\"trace\":{\"version\":1,"
			   "\"end_ns\":%" PRIu64 "}}}\n",
			   end_ns);
	trace_flush(t);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	buf_free(&t->pending);
}
