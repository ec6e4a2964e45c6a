/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The status record, written by the monitor and read by doctor. */
#include "fim/status.h"

#include "baselines/atomic.h"
#include "fim/cursor.h"
#include "fim/version.h"
#include "rules/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define STATUS_NAME "/status.json"
#define STATUS_MAX_BYTES 65536u
#define PERIOD_NS (60 * NS_PER_SEC)
#define COSTS_MAX 10	    /* rules whose cost is told */
#define COST_RULE_BYTES 100 /* of their ids */

static void
put_text(struct buf *b, const char *key, const char *text)
{
	buf_printf(b, ",\"%s\":", key);
	buf_json_string(b, view_of(text));
}

static void
put_number(struct buf *b, const char *key, uint64_t n)
{
	buf_printf(b, ",\"%s\":%llu", key, (unsigned long long)n);
}

static void
put_sensor(struct buf *b, const struct monitor *m, const struct source *s)
{
	const struct sensor_row *row = s->row;
	struct sensor_status st = { 0 };

	if (row == NULL)
		return;
	s->ops->status(s->sensor, &st);
	buf_printf(b, "{\"role\":\"%s\"", role_name(row->role));
	put_text(b, "name", row->name);
	buf_printf(b, ",\"forced\":%s",
		   m->choice.forced[row->role] == row ? "true" : "false");
	put_number(b, "events", st.events);
	put_number(b, "lost", st.lost);
	if (row->role == ROLE_FILES) {
		put_number(b, "watched", st.watched);
		put_number(b, "unwatched", st.unwatched);
		put_number(b, "polled", st.polled);
	}
	put_text(b, "detail", st.detail);
	put_text(b, "not_seen", row->blind);
	buf_putc(b, '}');
}

static void
put_sensors(struct buf *b, const struct monitor *m)
{
	const struct source *all[ROLES] = { &m->processes, &m->files,
					    &m->messages };
	const char *comma = "";

	buf_puts(b, ",\"sensors\":[");
	for (size_t i = 0; i < ROLES; i++) {
		if (all[i]->ops == NULL)
			continue;
		buf_puts(b, comma);
		put_sensor(b, m, all[i]);
		comma = ",";
	}
	buf_puts(b, "],\"without\":[");
	comma = "";
	for (size_t i = 0; i < ROLES; i++) {
		if (all[i]->ops != NULL)
			continue;
		buf_printf(b, "%s\"%s\"", comma, role_name((enum role)i));
		comma = ",";
	}
	buf_putc(b, ']');
}

/* Whether alerts get where they are to be kept. */
static void
put_storage(struct buf *b, const struct monitor *m)
{
	struct state_held held = state_held(m->state);

	buf_printf(b, ",\"alerts\":{\"seen\":%llu",
		   (unsigned long long)m->output.alerts);
	put_number(b, "waiting", held.alerts);
	put_number(b, "lost", held.lost_total);
	put_text(b, "problem",
		 m->output.store_failed ? state_problem(m->state) : "");
	buf_putc(b, '}');
}

struct put_outputs {
	struct buf *b;
	const struct config_outputs *all;
};

static bool
configured(const struct config_outputs *all, struct view name)
{
	for (size_t i = 0; i < all->n; i++)
		if (view_eq(all->v[i].name, name))
			return true;
	return false;
}

static void
put_output(void *ctx, const struct cursor_state *c)
{
	const struct put_outputs *p = ctx;
	struct buf *b = p->b;

	if (b->failed || !configured(p->all, c->name))
		return;
	buf_puts(b, b->p[b->n - 1] == '[' ? "{\"name\":" : ",{\"name\":");
	buf_json_string(b, c->name);
	put_number(b, "delivered", c->figures.delivered);
	put_number(b, "retries", c->figures.retries);
	put_number(b, "refused", c->figures.refused);
	put_number(b, "missed", c->figures.missed);
	put_number(b, "behind", c->behind);
	buf_puts(b, ",\"problem\":");
	buf_json_string(b, c->problem);
	buf_putc(b, '}');
}

static void
put_outputs(struct buf *b, const struct monitor *m)
{
	struct put_outputs p = { b, &m->config.outputs };

	buf_puts(b, ",\"outputs\":[");
	if (p.all->n > 0)
		state_each_output(m->state, put_output, &p);
	buf_putc(b, ']');
}

struct costs { /* the dearest first */
	size_t rule[COSTS_MAX], n;
	struct rules_cost cost[COSTS_MAX];
};

static void
costs_add(struct costs *c, size_t rule, struct rules_cost cost)
{
	size_t i = c->n < COSTS_MAX ? c->n++ : COSTS_MAX;

	/* Few events are timed: of what took no time, what was asked most. */
	for (; i > 0 && (c->cost[i - 1].spent_ns < cost.spent_ns ||
			 (c->cost[i - 1].spent_ns == cost.spent_ns &&
			  c->cost[i - 1].evaluations < cost.evaluations));
	     i--)
		if (i < COSTS_MAX) {
			c->rule[i] = c->rule[i - 1];
			c->cost[i] = c->cost[i - 1];
		}
	if (i < COSTS_MAX) {
		c->rule[i] = rule;
		c->cost[i] = cost;
	}
}

static void
put_costs(struct buf *b, const struct monitor *m)
{
	struct costs c = { .n = 0 };

	for (size_t i = 0; i < rules_count(m->rules); i++) {
		struct rules_cost cost = pipeline_rule_cost(m->pipeline, i);

		if (cost.evaluations > 0)
			costs_add(&c, i, cost);
	}
	buf_puts(b, ",\"costs\":[");
	for (size_t i = 0; i < c.n; i++) {
		struct view id = rules_at(m->rules, c.rule[i])->id;

		buf_puts(b, i == 0 ? "{\"rule\":" : ",{\"rule\":");
		buf_json_string(b, view_sub(id, 0, COST_RULE_BYTES));
		put_number(b, "evaluations", c.cost[i].evaluations);
		put_number(b, "matches", c.cost[i].matches);
		put_number(b, "spent_ns", c.cost[i].spent_ns);
		buf_putc(b, '}');
	}
	buf_putc(b, ']');
}

static void
put_repair(struct buf *b, struct repair_counters c)
{
	buf_printf(b, ",\"gaps\":{\"total\":%llu", (unsigned long long)c.gaps);
	put_number(b, "open", c.open);
	put_number(b, "changes", c.changes);
	put_number(b, "alerts", c.alerts);
	buf_printf(b, "},\"files\":{\"remembered\":%llu",
		   (unsigned long long)c.ledger.files);
	put_number(b, "left_out", c.ledger.left_out);
	put_number(b, "waiting", c.ledger.waiting);
	put_number(b, "forgotten", c.ledger.forgotten);
	buf_putc(b, '}');
}

static void
put_record(struct buf *b, const struct monitor *m, bool running)
{
	size_t rules = 0;

	for (size_t i = 0; i < rules_count(m->rules); i++)
		rules += rules_at(m->rules, i)->status == RULE_OK;
	buf_puts(b, "{\"@timestamp\":\"");
	buf_rfc3339(b, clock_wall_ns());
	buf_printf(b,
		   "\",\"event\":{\"kind\":\"state\",\"action\":\"%s\"},"
		   "\"process\":{\"pid\":%u},\"tocsin\":{\"version\":\"%s\","
		   "\"rules\":%zu",
		   running ? "running" : "stopped", (unsigned)m->birth->keeper,
		   TOCSIN_VERSION, rules);
	put_number(b, "engine", (uint64_t)getpid());
	put_sensors(b, m);
	put_storage(b, m);
	put_outputs(b, m);
	put_costs(b, m);
	put_repair(b, repair_count(m->repair));
	buf_puts(b, "}}\n");
}

int
status_write(struct monitor *m, bool running)
{
	struct buf path = { 0 }, text = { 0 };
	int r = -1;

	m->recorded_ns = clock_boot_ns();
	put_record(&text, m, running);
	buf_puts(&path, m->state_folder);
	buf_puts(&path, STATUS_NAME);
	buf_putc(&path, '\0');
	if (path.failed || text.failed)
		errno = ENOMEM;
	else
		r = atomic_write(path.p, 0600, ATOMIC_REPLACE, buf_view(&text));
	buf_free(&path);
	buf_free(&text);
	return r;
}

int
status_write_in_time(struct monitor *m)
{
	if (clock_boot_ns() - m->recorded_ns < PERIOD_NS)
		return 0;
	return status_write(m, true);
}

/* ---- reading --------------------------------------------------------- */

static int
read_file(const char *folder, struct buf *text)
{
	struct buf path = { 0 };
	int fd = -1, r = -1;

	buf_puts(&path, folder);
	buf_puts(&path, STATUS_NAME);
	buf_putc(&path, '\0');
	if (!path.failed)
		fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
					  O_NONBLOCK | O_NOCTTY);
	buf_free(&path);
	if (fd < 0)
		return -1;
	r = fd_read_all(fd, STATUS_MAX_BYTES, text);
	close(fd);
	return r;
}

static struct view
text_of(const struct doc_node *map, const char *key)
{
	const struct doc_node *n = map != NULL ? doc_get(map, key) : NULL;

	return n != NULL ? n->text : VIEW_NONE;
}

static void
put_used(const struct doc_node *sensor, struct buf *out)
{
	struct view lost = text_of(sensor, "lost");
	struct view unwatched = text_of(sensor, "unwatched");
	struct view polled = text_of(sensor, "polled");

	buf_puts(out, ", ");
	buf_text(out, text_of(sensor, "role"));
	buf_puts(out, " by ");
	buf_text(out, text_of(sensor, "name"));
	if (lost.n > 0 && !view_eq(lost, VIEW("0"))) {
		buf_puts(out, " (lost ");
		buf_text(out, lost);
		buf_puts(out, ")");
	}
	if (unwatched.n > 0 && !view_eq(unwatched, VIEW("0"))) {
		buf_puts(out, " (not watched: ");
		buf_text(out, unwatched);
		buf_puts(out, ")");
	}
	if (polled.n > 0 && !view_eq(polled, VIEW("0"))) {
		buf_puts(out, " (looked at from time to time: ");
		buf_text(out, polled);
		buf_puts(out, ")");
	}
}

/* "; 12 alerts are not stored: database or disk is full" */
static void
put_not_stored(const struct doc_node *tocsin, struct buf *out)
{
	const struct doc_node *alerts =
		tocsin != NULL ? doc_get(tocsin, "alerts") : NULL;
	struct view problem = text_of(alerts, "problem");

	if (problem.n == 0)
		return;
	buf_puts(out, "; ");
	buf_text(out, text_of(alerts, "waiting"));
	buf_puts(out, " alerts are not stored: ");
	buf_text(out, problem);
}

/* "; output office is 12 alerts behind: connection refused" */
static void
put_behind(const struct doc_node *o, struct buf *out)
{
	struct view behind = text_of(o, "behind");
	struct view problem = text_of(o, "problem");

	if (o->type != DOC_MAP || problem.n == 0)
		return;
	buf_puts(out, "; output ");
	buf_text(out, text_of(o, "name"));
	buf_puts(out, " is ");
	buf_text(out, behind);
	buf_puts(out, " alerts behind: ");
	buf_text(out, problem);
}

static void
put_watcher(const struct doc_node *record, struct buf *out, bool *running)
{
	const struct doc_node *tocsin = doc_get(record, "tocsin");
	const struct doc_node *sensors =
		tocsin != NULL ? doc_get(tocsin, "sensors") : NULL;
	const struct doc_node *outputs =
		tocsin != NULL ? doc_get(tocsin, "outputs") : NULL;
	struct view pid = text_of(doc_get(record, "process"), "pid");
	uint64_t number = 0;

	*running = view_eq(text_of(doc_get(record, "event"), "action"),
			   VIEW("running")) &&
		   view_to_u64(pid, &number) && number > 0 &&
		   number <= INT32_MAX &&
		   (kill((pid_t)number, 0) == 0 || errno == EPERM);
	if (*running) {
		buf_puts(out, "running as pid ");
		buf_text(out, pid);
	} else {
		buf_puts(out, "not running; the last one");
	}
	buf_puts(out, ", at ");
	buf_text(out, text_of(record, "@timestamp"));
	for (const struct doc_node *s = sensors != NULL ? sensors->child : NULL;
	     s != NULL; s = s->next)
		if (s->type == DOC_MAP)
			put_used(s, out);
	put_not_stored(tocsin, out);
	for (const struct doc_node *o = outputs != NULL ? outputs->child : NULL;
	     o != NULL; o = o->next)
		put_behind(o, out);
}

/* The record as a document; its source and arena are the caller's. NULL when
 * there is none that can be read. */
static const struct doc_node *
read_record(const char *folder, struct buf *source, struct arena *arena)
{
	struct err err = { 0 };
	struct doc doc = { .file = "status.json", .arena = arena, .err = &err };
	const struct doc_node *record = NULL;

	if (read_file(folder, source) == 0) {
		doc.source = buf_view(source);
		record = doc_read_json(&doc);
	}
	err_free(&err);
	return record != NULL && record->type == DOC_MAP ? record : NULL;
}

bool
status_read(const char *folder, struct buf *text, bool *running)
{
	struct buf source = { 0 };
	struct arena arena = { 0 };
	const struct doc_node *record = read_record(folder, &source, &arena);

	if (record != NULL)
		put_watcher(record, text, running);
	arena_free(&arena);
	buf_free(&source);
	return record != NULL;
}

/* ---- limits ---------------------------------------------------------- */

/* "Name:\tvalue" of proc_pid_status(5). */
static struct view
line_of(struct view status, struct view name)
{
	struct view rest = status, line;

	while (view_next_split(&rest, '\n', &line))
		if (view_starts(line, name))
			return view_trim(view_sub(line, name.n, SIZE_MAX));
	return VIEW_NONE;
}

static void
put_limits(struct buf *out, struct view status)
{
	struct view caps = line_of(status, VIEW("CapEff:"));
	struct view filter = line_of(status, VIEW("Seccomp:"));
	struct view fixed = line_of(status, VIEW("NoNewPrivs:"));
	int n = 0;

	for (size_t i = 0; i < caps.n; i++) {
		char digit[2] = { caps.p[i], '\0' };

		n += __builtin_popcountl(strtoul(digit, NULL, 16));
	}
	if (n == 0)
		buf_puts(out, "no capability");
	else
		buf_printf(out, n == 1 ? "1 capability" : "%d capabilities", n);
	buf_puts(out, view_eq(filter, VIEW("2")) ? ", system calls filtered"
						 : ", no filter");
	if (!view_eq(fixed, VIEW("1")))
		buf_puts(out, ", may gain privileges");
}

static bool
put_process(struct buf *out, const char *what, struct view pid)
{
	struct buf path = { 0 }, status = { 0 };
	uint64_t number = 0;
	int fd = -1;
	bool there;

	if (view_to_u64(pid, &number) && number > 0 && number <= INT32_MAX)
		buf_printf(&path, "/proc/%llu/status%c",
			   (unsigned long long)number, 0);
	if (path.n > 0 && !path.failed)
		fd = open(path.p, O_RDONLY | O_CLOEXEC);
	there = fd >= 0 && fd_read_all(fd, STATUS_MAX_BYTES, &status) == 0;
	if (there) {
		buf_printf(out, "%s%s: ", out->n > 0 ? "; " : "", what);
		put_limits(out, buf_view(&status));
	}
	if (fd >= 0)
		close(fd);
	buf_free(&path);
	buf_free(&status);
	return there;
}

bool
status_read_limits(const char *folder, struct buf *text)
{
	struct buf source = { 0 };
	struct arena arena = { 0 };
	const struct doc_node *record = read_record(folder, &source, &arena);
	bool both = record != NULL &&
		    put_process(text, "keeper",
				text_of(doc_get(record, "process"), "pid")) &&
		    put_process(text, "engine",
				text_of(doc_get(record, "tocsin"), "engine"));

	arena_free(&arena);
	buf_free(&source);
	return both;
}
