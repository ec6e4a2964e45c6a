/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine EVENTS SET…: how many events a second one core matches against each
 * set of rules (a file or a folder), and against the first as one. The events
 * are decoded once, into values; what is measured is what the watcher does
 * with each: rules_watermark and rules_feed. The sets take turns, so that a
 * busy machine is as unkind to each. A row also says how long the set takes to
 * load and what one of its rules takes of memory; first comes what a pending
 * sequence takes.
 *
 * ONCE in the environment: each set once more over the events after that, for
 * callgrind --toggle-collect=take_turn.
 */
#include "fim/document.h"
#include "fim/fields.h"
#include "fim/lines.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 8192
#define SETS_MAX 8
#define TURNS 12
#define TURN_NS (250 * NS_PER_MS)
/* Event time between two events: 50,000 a second, a very busy host. */
#define EVENT_GAP_NS (20 * NS_PER_US)
#define PENDING 50000

struct filled {
	uint32_t n;
	const struct value *v;
};

struct decoded {
	struct filled *filled;
	/* Place in `filled` + 1 by field; 0 = missing. */
	uint8_t where[FIELDS_FILLED];
};

struct bench {
	struct arena arena;
	struct decoded *events;
	size_t n;
	const struct decoded *now;
	uint64_t matches;
};

/* A set of rules that runs over the events. */
struct entrant {
	const char *path;
	struct rules *rules;
	struct rules_run *run;
	struct record record;
	uint64_t load_ns, bytes, events, spent_ns, matches;
};

static void
stop(const char *why)
{
	fprintf(stderr, "engine: %s\n", why);
	exit(1);
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static uint64_t
heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* ---- events ---------------------------------------------------------- */

static void
keep_field(struct bench *b, struct decoded *d, unsigned field, unsigned place,
	   const struct slot *slot)
{
	struct value *v = arena_array(&b->arena, slot->n, sizeof(*v));

	if (v == NULL || place > UINT8_MAX)
		stop("an event is too large");
	for (uint32_t i = 0; i < slot->n; i++) {
		v[i] = slot->v[i];
		if (v[i].type == VALUE_STRING)
			v[i].s = arena_copy(&b->arena, v[i].s);
	}
	d->filled[place - 1] = (struct filled){ slot->n, v };
	d->where[field] = (uint8_t)place;
}

static void
keep_event(struct bench *b, const struct record *r)
{
	struct decoded *d = &b->events[b->n++];
	unsigned n = 0;

	for (unsigned f = 0; f < FIELDS_FILLED; f++)
		n += r->slots[f].generation == r->generation;
	d->filled = arena_array(&b->arena, n, sizeof(*d->filled));
	if (d->filled == NULL)
		stop("out of memory");
	n = 0;
	for (unsigned f = 0; f < FIELDS_FILLED; f++)
		if (r->slots[f].generation == r->generation)
			keep_field(b, d, f, ++n, &r->slots[f]);
}

static void
read_events(struct bench *b, const char *path, const struct rules *any)
{
	struct lines lines = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct document *d = document_new(any, "@timestamp", "event.id");
	struct ndjson_fault fault;
	struct view line;

	b->events = calloc(EVENTS_MAX, sizeof(*b->events));
	if (lines.fd < 0 || d == NULL || b->events == NULL)
		stop(path);
	while (b->n < EVENTS_MAX && lines_next(&lines, &line) == LINES_LINE) {
		if (document_read(d, line, &fault) != DOCUMENT_EVENT)
			stop(fault.why);
		keep_event(b, document_record(d));
	}
	if (b->n == 0)
		stop("no events");
	close(lines.fd);
	lines_free(&lines);
	document_free(d);
}

static void
fill(struct record *r, unsigned field)
{
	const struct bench *b = r->ctx;
	const struct filled *f;

	if (field >= FIELDS_FILLED || b->now->where[field] == 0)
		return;
	f = &b->now->filled[b->now->where[field] - 1];
	r->slots[field].n = f->n;
	r->slots[field].v = f->v;
}

/* ---- sets ------------------------------------------------------------ */

static void
count_match(void *ctx, const struct rules_match *m)
{
	(void)m;
	((struct bench *)ctx)->matches++;
}

static struct rules *
load(const char *path)
{
	struct rules *rules = rules_new(fields_schema());
	struct err err = { 0 };

	if (rules == NULL || rules_load_path(rules, path, &err) != 0 ||
	    rules_seal(rules, &err) != 0)
		stop(path);
	err_free(&err);
	return rules;
}

static void
enter(struct bench *b, struct entrant *e, const char *path)
{
	struct rules_sink sink = { .match = count_match, .ctx = b };
	struct rules_options options = { 0 };
	uint64_t bytes = heap_bytes(), start = cpu_ns();
	size_t n;

	e->path = path;
	e->rules = load(path);
	e->run = rules_run_new(e->rules, &options, &sink);
	e->load_ns = cpu_ns() - start;
	e->bytes = heap_bytes() - bytes;
	n = rules_field_count(e->rules);
	e->record = (struct record){ .n_slots = (uint32_t)n,
				     .slots = calloc(n, sizeof(struct slot)),
				     .fill = fill,
				     .ctx = b,
				     .time_ns = 1700000000 * NS_PER_SEC };
	if (e->run == NULL || e->record.slots == NULL)
		stop("out of memory");
}

static void
leave(struct entrant *e)
{
	rules_run_free(e->run);
	rules_free(e->rules);
	free(e->record.slots);
}

static void
feed_all(struct bench *b, struct entrant *e)
{
	struct record *r = &e->record;

	for (size_t i = 0; i < b->n; i++) {
		b->now = &b->events[i];
		r->seq++;
		r->generation++;
		r->time_ns += EVENT_GAP_NS;
		rules_watermark(e->run, r->time_ns);
		rules_feed(e->run, r);
	}
	e->events += b->n;
}

static __attribute__((noinline)) void
take_turn(struct bench *b, struct entrant *e, bool once)
{
	uint64_t start = cpu_ns(), spent;

	b->matches = 0;
	do {
		feed_all(b, e);
		spent = cpu_ns() - start;
	} while (!once && spent < TURN_NS);
	e->spent_ns += spent;
	e->matches += b->matches;
}

static double
speed(const struct entrant *e)
{
	return (double)e->events * 1e9 / (double)e->spent_ns;
}

static void
show(const struct entrant *e, const struct entrant *first)
{
	size_t n = rules_count(e->rules);
	char label[64];

	snprintf(label, sizeof(label), "engine, %zu rules: events/s a core", n);
	printf("%-46s %10.0f   %.2f of the first, %.1f in 100 match, loaded "
	       "in %.0f ms, %.1f kB a rule: %s\n",
	       label, speed(e), speed(e) / speed(first),
	       100.0 * (double)e->matches / (double)e->events,
	       (double)e->load_ns / 1e6, (double)e->bytes / 1e3 / (double)n,
	       e->path);
}

static void
compare(struct bench *b, const char *events, char **paths, size_t n)
{
	struct entrant entrants[SETS_MAX] = { 0 };
	bool once = getenv("ONCE") != NULL;

	for (size_t i = 0; i < n; i++)
		enter(b, &entrants[i], paths[i]);
	read_events(b, events, entrants[0].rules);
	for (size_t i = 0; i < n; i++)
		feed_all(b, &entrants[i]); /* warm up */
	for (unsigned turn = 0; turn < (once ? 1 : TURNS); turn++)
		for (size_t i = 0; i < n; i++)
			take_turn(b, &entrants[i], once);
	for (size_t i = 0; i < n; i++)
		show(&entrants[i], &entrants[0]);
	for (size_t i = 0; i < n; i++)
		leave(&entrants[i]);
}

/* ---- pending sequences ----------------------------------------------- */

#define PENDING_QUERY                                                   \
	"sequence by process.entity_id with maxspan=1h [process where " \
	"event.type == \"start\"] [network where process.name == \"x\"]"

/* Many processes begin a sequence and none ends it. */
static void
fill_start(struct record *r, unsigned field)
{
	static struct value category, type, id;
	static char text[64];
	struct value *v = field == FIELD_EVENT_CATEGORY	     ? &category
			  : field == FIELD_EVENT_TYPE	     ? &type
			  : field == FIELD_PROCESS_ENTITY_ID ? &id
							     : NULL;

	if (v == NULL)
		return;
	snprintf(text, sizeof(text), "6ba7b810-%llu-%llu000",
		 (unsigned long long)r->seq, (unsigned long long)r->seq * 7919);
	*v = (struct value){ VALUE_STRING, .s = v == &category ? VIEW("process")
						: v == &type   ? VIEW("start")
							     : view_of(text) };
	r->slots[field].v = v;
	r->slots[field].n = 1;
}

static void
measure_pending(void)
{
	struct rules *rules = rules_new(fields_schema());
	struct err err = { 0 };
	struct rules_run *run;
	struct record r = { .fill = fill_start };
	uint64_t before;

	if (rules == NULL ||
	    rules_add_query(rules, "pending", VIEW(PENDING_QUERY), false,
			    &err) != 0 ||
	    rules_seal(rules, &err) != 0)
		stop("no rule");
	run = rules_run_new(rules, NULL, NULL);
	r.n_slots = (uint32_t)rules_field_count(rules);
	r.slots = calloc(r.n_slots, sizeof(*r.slots));
	if (run == NULL || r.slots == NULL)
		stop("out of memory");
	before = heap_bytes();
	for (r.seq = 1; r.seq <= PENDING; r.seq++) {
		r.generation++;
		r.time_ns = r.seq;
		rules_feed(run, &r);
	}
	if (rules_run_counters(run).sequences_pending != PENDING)
		stop("the sequences are not pending");
	printf("%-46s %10.0f   of two stages, by process.entity_id\n",
	       "bytes a pending sequence",
	       (double)(heap_bytes() - before) / PENDING);
	rules_run_free(run);
	rules_free(rules);
	free(r.slots);
	err_free(&err);
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };

	if (argc < 3 || argc - 2 > SETS_MAX)
		stop("usage: engine EVENTS SET…");
	measure_pending();
	compare(&b, argv[1], argv + 2, (size_t)argc - 2);
	arena_free(&b.arena);
	free(b.events);
	return 0;
}
