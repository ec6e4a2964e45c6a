/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine FILE…: how many decoded events a second one core matches against
 * these rules. The events are those of a working server: mostly processes
 * that come and go, files under /run and /etc/systemd, connections; few match.
 * Each is decoded once, into values; what is measured is rules_feed alone.
 */
#include "fim/fields.h"

#include <stdlib.h>
#include <time.h>

#define EVENTS 8192
#define PAIRS_MAX 24
#define MEASURE_NS (3 * NS_PER_SEC)
/* Event time between two events: 50,000 a second, a very busy host. */
#define EVENT_GAP_NS (20 * NS_PER_US)

struct pair {
	unsigned field;
	const char *text; /* items of a list separated by '|' */
};

/* What differs from event to event is written %: a number is put there. */
#define PROCESS_PAIRS(action, kind, name, exe, parent, parent_exe, argv)  \
	{ FIELD_EVENT_CATEGORY, "process" }, { FIELD_EVENT_TYPE, kind },  \
		{ FIELD_EVENT_ACTION, action },                           \
		{ FIELD_HOST_OS_TYPE, "linux" },                          \
		{ FIELD_HOST_ID, "0123456789abcdef" },                    \
		{ FIELD_PROCESS_ENTITY_ID, "%-1700000000" },              \
		{ FIELD_PROCESS_PID, "%" }, { FIELD_PROCESS_NAME, name }, \
		{ FIELD_PROCESS_EXECUTABLE, exe },                        \
		{ FIELD_PROCESS_ARGS, argv },                             \
		{ FIELD_PROCESS_ARGS_COUNT, "3" },                        \
		{ FIELD_PARENT_NAME, parent },                            \
		{ FIELD_PARENT_EXECUTABLE, parent_exe },                  \
	{                                                                 \
		FIELD_PARENT_ARGS, parent_exe "|-x|%"                     \
	}
#define FILE_PAIRS(action, kind, path, name, extension, program, exe)         \
	{ FIELD_EVENT_CATEGORY, "file" }, { FIELD_EVENT_TYPE, kind },         \
		{ FIELD_EVENT_ACTION, action },                               \
		{ FIELD_HOST_OS_TYPE, "linux" },                              \
		{ FIELD_HOST_ID, "0123456789abcdef" },                        \
		{ FIELD_PROCESS_ENTITY_ID, "%-1700000000" },                  \
		{ FIELD_PROCESS_PID, "%" }, { FIELD_PROCESS_NAME, program },  \
		{ FIELD_PROCESS_EXECUTABLE, exe }, { FIELD_FILE_PATH, path }, \
		{ FIELD_FILE_NAME, name },                                    \
	{                                                                     \
		FIELD_FILE_EXTENSION, extension                               \
	}
#define NET_PAIRS(action, kind, program, exe, to)                            \
	{ FIELD_EVENT_CATEGORY, "network" }, { FIELD_EVENT_TYPE, kind },     \
		{ FIELD_EVENT_ACTION, action },                              \
		{ FIELD_HOST_OS_TYPE, "linux" },                             \
		{ FIELD_HOST_ID, "0123456789abcdef" },                       \
		{ FIELD_PROCESS_ENTITY_ID, "%-1700000000" },                 \
		{ FIELD_PROCESS_PID, "%" }, { FIELD_PROCESS_NAME, program }, \
		{ FIELD_PROCESS_EXECUTABLE, exe },                           \
		{ FIELD_DESTINATION_IP, to },                                \
	{                                                                    \
		FIELD_DESTINATION_PORT, "443"                                \
	}

static const struct kind {
	unsigned weight; /* of 100 */
	struct pair pairs[PAIRS_MAX];
} kinds[] = {
	{ 12,
	  { PROCESS_PAIRS("exec", "start", "ls", "/usr/bin/ls", "bash",
			  "/bin/bash", "ls|-l|/home/alice/%") } },
	{ 10,
	  { PROCESS_PAIRS("exec", "start", "gcc", "/usr/bin/gcc", "make",
			  "/usr/bin/make", "gcc|-c|file%.c") } },
	{ 8,
	  { PROCESS_PAIRS("exec", "start", "bash", "/bin/bash", "sshd",
			  "/usr/sbin/sshd", "bash|-c|task %") } },
	{ 5,
	  { PROCESS_PAIRS("exec", "start", "cat", "/usr/bin/cat", "bash",
			  "/bin/bash", "cat|/proc/%/status|-") } },
	{ 4,
	  { PROCESS_PAIRS("exec", "start", "php", "/usr/bin/php", "php-fpm8.2",
			  "/usr/sbin/php-fpm8.2",
			  "convert|in%.png|out.png") } },
	{ 15,
	  { PROCESS_PAIRS("fork", "start", "bash", "/bin/bash", "bash",
			  "/bin/bash", "bash|-c|task %") } },
	{ 16,
	  { PROCESS_PAIRS("end", "end", "gcc", "/usr/bin/gcc", "make",
			  "/usr/bin/make", "gcc|-c|file%.c") } },
	{ 6,
	  { FILE_PAIRS("creation", "creation", "/run/app/%.sock", "%.sock",
		       "sock", "app", "/usr/bin/app") } },
	{ 5,
	  { FILE_PAIRS("creation", "creation", "/run/lock/%.lock", "%.lock",
		       "lock", "systemd", "/usr/lib/systemd/systemd") } },
	{ 4,
	  { FILE_PAIRS("rename", "change", "/etc/systemd/system/%.service",
		       "%.service", "service", "dpkg", "/usr/bin/dpkg") } },
	{ 5,
	  { FILE_PAIRS("deletion", "deletion", "/run/user/1000/%", "%", "tmp",
		       "gpg-agent", "/usr/bin/gpg-agent") } },
	{ 4,
	  { NET_PAIRS("connection_attempted", "start", "curl", "/usr/bin/curl",
		      "2001:db8::%") } },
	{ 4,
	  { NET_PAIRS("connection_accepted", "start", "nginx",
		      "/usr/sbin/nginx", "2001:db8::%") } },
	{ 2,
	  { NET_PAIRS("disconnect_received", "end", "ssh", "/usr/bin/ssh",
		      "192.0.2.7") } },
};

struct decoded {
	struct {
		unsigned field, n;
		struct value *v;
	} set[PAIRS_MAX];
	unsigned n;
	/* Place in `set` + 1 by field; 0 = missing. */
	uint8_t where[FIELDS_FILLED];
};

struct bench {
	struct arena arena;
	struct decoded *events;
	const struct decoded *now;
	uint64_t matches;
};

static void
stop(const char *why)
{
	fprintf(stderr, "engine: %s\n", why);
	exit(1);
}

/* The item with each % replaced by the number. */
static struct view
filled_in(struct arena *arena, struct view item, unsigned number)
{
	struct buf b = { 0 };
	struct view out;

	for (size_t i = 0; i < item.n; i++) {
		if (item.p[i] == '%')
			buf_printf(&b, "%u", number);
		else
			buf_putc(&b, item.p[i]);
	}
	out = arena_copy(arena, buf_view(&b));
	buf_free(&b);
	return out;
}

static struct value
value_of(const struct rules_field *field, struct view text)
{
	int64_t i;

	if (field->type == RULES_LONG && view_to_i64(text, &i))
		return (struct value){ VALUE_INT, .i = i };
	return (struct value){ VALUE_STRING, .s = text };
}

static void
decode(struct bench *b, struct decoded *d, const struct pair *pairs,
       unsigned number)
{
	const struct rules_schema *schema = fields_schema();

	for (; pairs->text != NULL && d->n < PAIRS_MAX; pairs++, d->n++) {
		struct view rest = view_of(pairs->text), item;
		struct value *v = arena_array(&b->arena, 8, sizeof(*v));
		unsigned n = 0;

		if (v == NULL)
			stop("out of memory");
		while (n < 8 && view_next_split(&rest, '|', &item))
			v[n++] = value_of(&schema->fields[pairs->field],
					  filled_in(&b->arena, item, number));
		d->set[d->n].field = pairs->field;
		d->set[d->n].n = n;
		d->set[d->n].v = v;
		d->where[pairs->field] = (uint8_t)(d->n + 1);
	}
}

static void
make_events(struct bench *b)
{
	b->events = calloc(EVENTS, sizeof(*b->events));
	if (b->events == NULL)
		stop("out of memory");
	for (unsigned i = 0; i < EVENTS; i++) {
		unsigned dice = (unsigned)rand() % 100, k = 0;

		while (k + 1 < ARRAY_LEN(kinds) && dice >= kinds[k].weight)
			dice -= kinds[k++].weight;
		decode(b, &b->events[i], kinds[k].pairs, i);
	}
}

static void
fill(struct record *r, unsigned field)
{
	const struct bench *b = r->ctx;
	struct slot *s = &r->slots[field];
	unsigned at;

	if (field >= FIELDS_FILLED)
		return;
	at = b->now->where[field];
	if (at == 0)
		return;
	s->n = b->now->set[at - 1].n;
	s->v = b->now->set[at - 1].v;
}

static void
count_match(void *ctx, const struct rules_match *m)
{
	(void)m;
	((struct bench *)ctx)->matches++;
}

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void
measure(struct bench *b, const struct rules *rules, struct rules_run *run)
{
	size_t n_slots = rules_field_count(rules);
	struct slot *slots = calloc(n_slots, sizeof(*slots));
	struct record r = { .n_slots = (uint32_t)n_slots,
			    .slots = slots,
			    .fill = fill,
			    .ctx = b,
			    .time_ns = 1700000000 * NS_PER_SEC };
	uint64_t start = cpu_ns(), spent = 0, events = 0;

	if (slots == NULL)
		stop("out of memory");
	while (spent < MEASURE_NS) {
		for (unsigned i = 0; i < EVENTS; i++) {
			b->now = &b->events[i];
			r.seq++;
			r.generation++;
			r.time_ns += EVENT_GAP_NS;
			rules_feed(run, &r);
		}
		events += EVENTS;
		spent = cpu_ns() - start;
	}
	printf("%-46s %10.0f   %zu rules, %llu of %llu matched\n",
	       "engine, decoded events/s on one core",
	       (double)events * 1e9 / (double)spent, rules_count(rules),
	       (unsigned long long)b->matches, (unsigned long long)events);
	free(slots);
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct rules_sink sink = { .match = count_match, .ctx = &b };
	struct rules_options options = { 0 };
	struct rules *rules = rules_new(fields_schema());
	struct rules_run *run;
	struct err err = { 0 };

	for (int i = 1; i < argc && rules != NULL; i++) {
		if (rules_load_path(rules, argv[i], &err) != 0)
			stop(argv[i]);
	}
	if (rules == NULL || rules_seal(rules, &err) != 0)
		stop("the rules do not compile");
	run = rules_run_new(rules, &options, &sink);
	if (run == NULL)
		stop("out of memory");
	make_events(&b);
	measure(&b, rules, run);
	rules_run_free(run);
	rules_free(rules);
	arena_free(&b.arena);
	free(b.events);
	err_free(&err);
	return 0;
}
