/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures gathered, formatted by the table, written. */
#include "fim/metrics.h"

#include "fim/cursor.h"
#include "fim/monitor.h"
#include "fim/prom.h"
#include "fim/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct figures {
	bool up, stale;
	uint64_t started_ns, written_ns, cpu_ns, resident, delayed_ns;
	unsigned budget_percent;
	uint64_t alerts, output_failures, rules, unusable;
	uint64_t left_out, no_memory;
	struct state_held held;
	struct repair_counters repair;
	struct sensor_status files;
	struct pipeline_counters pipeline;
	struct procs_counters procs;
	struct rules_counters engine;
};

struct output_figures {
	struct cursor_figures total;
	uint64_t behind;
	bool failing;
};

struct rule_figures {
	uint64_t alerts, suppressed;
	struct rules_cost cost;
};

/* ---- alerts, by rule ------------------------------------------------- */

static struct metrics_tally *
tally_find(const struct metrics *m, struct view id)
{
	for (size_t i = 0; i < m->n_tallies; i++)
		if (view_eq((struct view){ m->tallies[i].id, m->tallies[i].n },
			    id))
			return &m->tallies[i];
	return NULL;
}

static struct metrics_tally *
tally_new(struct metrics *m, struct view id)
{
	struct metrics_tally *t;

	t = reallocarray(m->tallies, m->n_tallies + 1, sizeof(*t));
	if (t == NULL)
		return NULL;
	m->tallies = t;
	t += m->n_tallies;
	*t = (struct metrics_tally){ .id = malloc(id.n + 1), .n = id.n };
	if (t->id == NULL)
		return NULL;
	memcpy(t->id, id.p, id.n);
	m->n_tallies++;
	return t;
}

/* Alerts are few and rules some hundred: a list is enough. Out of memory, one
 * is not counted here, and goes out all the same. */
void
metrics_alert(struct metrics *m, const struct alert *a)
{
	struct metrics_tally *t = tally_find(m, a->rule->id);

	if (t == NULL)
		t = tally_new(m, a->rule->id);
	if (t == NULL)
		return;
	t->alerts++;
	t->suppressed += a->suppressed;
}

void
metrics_open(struct metrics *m)
{
	m->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

void
metrics_free(struct metrics *m)
{
	for (size_t i = 0; i < m->n_tallies; i++)
		free(m->tallies[i].id);
	free(m->tallies);
	if (m->statm >= 0)
		close(m->statm);
	*m = (struct metrics){ .statm = -1 };
}

/* ---- gathering ------------------------------------------------------- */

/* The second number of proc_pid_statm(5), in bytes; 0 if not to be had. */
static uint64_t
resident_bytes(const struct metrics *m)
{
	unsigned long long pages = 0;
	char text[64] = "";

	if (m->statm >= 0 && pread(m->statm, text, sizeof(text) - 1, 0) > 0)
		sscanf(text, "%*u %llu", &pages);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t
metrics_no_memory(const struct monitor *m)
{
	struct pipeline_counters c = pipeline_count(m->pipeline);

	return pipeline_rules_count(m->pipeline).no_memory +
	       pipeline_procs_count(m->pipeline).no_memory + c.alerts_lost +
	       c.incomplete + m->output.unmade;
}

static void
gather(struct monitor *m, bool up, struct figures *f)
{
	*f = (struct figures){
		.up = up,
		.stale = m->metrics.stale,
		.started_ns = m->metrics.started_ns,
		.written_ns = clock_wall_ns(),
		.cpu_ns = budget_cpu_ns() + m->remote.cpu_ns,
		.resident = resident_bytes(&m->metrics),
		.delayed_ns = m->budget.delayed_ns,
		.budget_percent = m->budget.percent,
		.alerts = m->output.alerts,
		.output_failures = m->output.failures,
		.left_out = m->output.left_out,
		.no_memory = metrics_no_memory(m),
		.held = state_held(m->state),
		.repair = repair_count(m->repair),
		.pipeline = pipeline_count(m->pipeline),
		.procs = pipeline_procs_count(m->pipeline),
		.engine = pipeline_rules_count(m->pipeline),
	};
	for (size_t i = 0; i < rules_count(m->rules); i++)
		if (rules_at(m->rules, i)->status == RULE_OK)
			f->rules++;
		else
			f->unusable++;
	if (m->files.ops != NULL)
		m->files.ops->status(m->files.sensor, &f->files);
}

static struct rule_figures
gather_rule(struct monitor *m, size_t i)
{
	const struct metrics_tally *t =
		tally_find(&m->metrics, rules_at(m->rules, i)->id);
	struct rule_figures r = { .cost = pipeline_rule_cost(m->pipeline, i) };

	if (t != NULL) {
		r.alerts = t->alerts;
		r.suppressed = t->suppressed;
	}
	return r;
}

static double
seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* ---- the table ------------------------------------------------------- */

enum metric_scope { ONE, SENSOR, RULE, OUTPUT };

struct metric {
	enum metric_scope scope;
	const char *name, *type, *help;
	double (*value)(const struct figures *, const struct sensor_status *,
			const struct rule_figures *,
			const struct output_figures *);
};

#define METRIC(scope, name, type, help, expression)                           \
	static double value_##name(                                           \
		const struct figures *f, const struct sensor_status *s,       \
		const struct rule_figures *r, const struct output_figures *o) \
	{                                                                     \
		(void)f, (void)s, (void)r, (void)o;                           \
		return (double)(expression);                                  \
	}
#include "fim/metrics.def"
#undef METRIC

static const struct metric table[] = {
#define METRIC(scope, name, type, help, expression) \
	{ scope, "tocsin_" #name, #type, help, value_##name },
#include "fim/metrics.def"
#undef METRIC
};

static void
put_sensors(struct prom *p, const struct metric *row, const struct monitor *m)
{
	const struct source *all[] = { &m->processes, &m->files, &m->messages };
	struct sensor_status status;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i]->ops == NULL)
			continue;
		all[i]->ops->status(all[i]->sensor, &status);
		prom_label(p, "sensor", view_of(all[i]->row->name));
		prom_value(p, row->value(NULL, &status, NULL, NULL));
	}
}

static void
put_rules(struct prom *p, const struct metric *row, struct monitor *m)
{
	for (size_t i = 0; i < rules_count(m->rules); i++) {
		const struct rule *rule = rules_at(m->rules, i);
		struct rule_figures r;

		if (rule->status != RULE_OK)
			continue;
		r = gather_rule(m, i);
		prom_label(p, "rule", rule->id);
		prom_label(p, "severity", rule->severity);
		prom_value(p, row->value(NULL, NULL, &r, NULL));
	}
}

/* Those of the configuration, in its order; others have been some day. */
struct outputs {
	const struct config_outputs *config;
	struct output_figures v[SENDERS_MAX];
};

static void
take_output(void *ctx, const struct cursor_state *c)
{
	struct outputs *all = ctx;

	for (size_t i = 0; i < all->config->n && i < SENDERS_MAX; i++)
		if (view_eq(all->config->v[i].name, c->name))
			all->v[i] =
				(struct output_figures){ c->figures, c->behind,
							 c->problem.n > 0 };
}

static void
put_outputs(struct prom *p, const struct metric *row, const struct outputs *all)
{
	for (size_t i = 0; i < all->config->n && i < SENDERS_MAX; i++) {
		prom_label(p, "output", all->config->v[i].name);
		prom_value(p, row->value(NULL, NULL, NULL, &all->v[i]));
	}
}

void
metrics_format(struct monitor *m, bool up, struct buf *out)
{
	struct prom p = { .out = out };
	struct outputs outputs = { .config = &m->config.outputs };
	struct figures f;

	gather(m, up, &f);
	if (outputs.config->n > 0)
		state_each_output(m->state, take_output, &outputs);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct metric *row = &table[i];

		if (row->scope == OUTPUT && outputs.config->n == 0)
			continue;
		prom_family(&p, row->name, row->type, row->help);
		if (row->scope == SENSOR)
			put_sensors(&p, row, m);
		else if (row->scope == RULE)
			put_rules(&p, row, m);
		else if (row->scope == OUTPUT)
			put_outputs(&p, row, &outputs);
		else
			prom_value(&p, row->value(&f, NULL, NULL, NULL));
	}
	prom_family(&p, "tocsin_build_info", "gauge", "1, of this version");
	prom_label(&p, "version", VIEW(TOCSIN_VERSION));
	prom_value(&p, 1);
}

/* ---- the file -------------------------------------------------------- */

static void
write_figures(struct monitor *m, bool up)
{
	struct buf text = { 0 };
	bool failed;

	metrics_format(m, up, &text);
	errno = ENOMEM;
	failed =
		text.failed || remote_figures(&m->remote, buf_view(&text)) != 0;
	if (failed && !m->metrics.failed)
		fprintf(m->io->notes,
			"tocsin: %s: the figures cannot be written: %s\n",
			m->metrics.path, strerror(errno));
	m->metrics.failed = failed;
	buf_free(&text);
}

void
metrics_write(struct monitor *m, uint64_t now_ns)
{
	if (m->metrics.path == NULL || now_ns < m->metrics.next_ns)
		return;
	m->metrics.next_ns = now_ns + METRICS_EVERY_NS;
	write_figures(m, true);
}

void
metrics_write_last(struct monitor *m)
{
	if (m->metrics.path != NULL)
		write_figures(m, false);
}
