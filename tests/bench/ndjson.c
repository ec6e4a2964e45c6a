/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ndjson: how fast one core reads recorded events into records. The events are
 * of three kinds that alternate, about 900 bytes each, as a shipper writes
 * them.
 */
#include "fim/fields.h"
#include "fim/ndjson.h"

#include <stdlib.h>
#include <time.h>

#define TEXT_BYTES (32u << 20)
#define MEASURE_NS (3 * NS_PER_SEC)

static int
find(void *ctx, struct view name, enum rules_type *type)
{
	const struct rules_schema *schema = ctx;

	for (size_t i = 0; i < schema->n; i++) {
		if (!view_eq(name, view_of(schema->fields[i].name)))
			continue;
		*type = schema->fields[i].type;
		return (int)i;
	}
	return NDJSON_IGNORE;
}

static void
fill(struct record *r, unsigned field)
{
	(void)r;
	(void)field;
}

static void
put_process(struct buf *b, const char *name, unsigned i)
{
	buf_printf(b,
		   "{\"entity_id\":\"%08x-17000000%04u\",\"pid\":%u,"
		   "\"name\":\"%s\",\"executable\":\"/usr/bin/%s\","
		   "\"args\":[\"%s\",\"-c\",\"echo hello %u\"],"
		   "\"args_count\":3,\"command_line\":\"%s -c echo hello %u\","
		   "\"working_directory\":\"/srv/work\",\"interactive\":%s,"
		   "\"user\":{\"id\":\"0\",\"name\":\"root\"},"
		   "\"real_user\":{\"id\":\"0\",\"name\":\"root\"},"
		   "\"group\":{\"id\":\"0\",\"name\":\"root\"}",
		   i, i % 10000, i % 32768, name, name, name, i, name, i,
		   i & 1 ? "true" : "false");
}

static void
put_event(struct buf *b, unsigned i)
{
	static const char *const kinds[][2] = { { "process", "exec" },
						{ "file", "creation" },
						{ "network",
						  "connection_attempted" } };

	buf_printf(b,
		   "{\"@timestamp\":\"2026-01-01T00:00:00.%09uZ\",\"event\":{"
		   "\"kind\":\"event\",\"category\":[\"%s\"],\"action\":\"%s\","
		   "\"id\":\"%u\",\"sequence\":%u},\"host\":{\"id\":\"h\","
		   "\"os\":{\"type\":\"linux\"}},\"process\":",
		   i, kinds[i % 3][0], kinds[i % 3][1], i, i);
	put_process(b, "cat", i);
	buf_puts(b, ",\"parent\":");
	put_process(b, "bash", i / 7);
	buf_puts(b, "}}");
	if (i % 3 == 1)
		buf_printf(b,
			   ",\"file\":{\"path\":\"/run/x%u.pid\","
			   "\"extension\":\"pid\",\"size\":4}",
			   i);
	if (i % 3 == 2)
		buf_printf(b,
			   ",\"destination\":{\"ip\":\"2001:db8::%x\","
			   "\"port\":%u}",
			   i & 0xffff, i & 0xffff);
	buf_puts(b, "}\n");
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* All the events once; how many. */
static uint64_t
parse_all(struct ndjson *j, const struct buf *text, struct record *r)
{
	const char *end = text->p + text->n, *p = text->p, *line_end;
	struct ndjson_fault fault;
	uint64_t events = 0;

	while (p < end) {
		line_end = memchr(p, '\n', (size_t)(end - p));
		r->generation++;
		p = ndjson_parse(j, p, line_end + 1, r, &fault);
		if (p == NULL)
			abort();
		events++;
	}
	return events;
}

int
main(void)
{
	const struct rules_schema *schema = fields_schema();
	struct buf text = { 0 };
	struct slot *slots = calloc(schema->n, sizeof(*slots));
	struct record r = { .slots = slots,
			    .n_slots = (uint32_t)schema->n,
			    .fill = fill };
	struct ndjson *j = ndjson_new(find, (void *)schema, schema->n);
	uint64_t start, used, events = 0, rounds = 0;

	for (unsigned i = 0; text.n < TEXT_BYTES; i++)
		put_event(&text, i);
	buf_printf(&text, "%*s", NDJSON_PADDING, "");
	if (text.failed || slots == NULL || j == NULL)
		return 1;
	text.n -= NDJSON_PADDING;
	start = cpu_ns();
	do {
		events += parse_all(j, &text, &r);
		rounds++;
		used = cpu_ns() - start;
	} while (used < MEASURE_NS);
	printf("%-46s %10.0f   %.0f ns an event of %.0f bytes\n",
	       "recorded events read, MB/s a core",
	       (double)(rounds * text.n) * 1e3 / (double)used,
	       (double)used / (double)events,
	       (double)(rounds * text.n) / (double)events);
	ndjson_free(j);
	free(slots);
	buf_free(&text);
	return 0;
}
