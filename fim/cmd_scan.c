/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin scan: the rules on what is there now. */
#include <errno.h>
#include <stdlib.h>

#include "fim/fields.h"
#include "fim/findings.h"
#include "fim/keys.h"
#include "fim/load.h"
#include "fim/report.h"
#include "fim/snapshot.h"

/* Said one by one; more are counted. -v says all. */
#define SHOWN_MAX 20u

struct scan_cmd {
	const struct options *options;
	struct cmd_io *io;
	struct config config;
	struct host host;
	struct rules *rules;
	struct watchset watchset;
	struct pipeline *pipeline;
	struct batch batch;
	struct snapshot snapshot;
	struct findings findings;
	struct report *report; /* NULL = text, or lines */
	bool text, broken;
	uint64_t found, notes;
	const char **env_names;
	struct buf line;
	struct arena arena;
	bool lost; /* a finding, for lack of memory */
};

static enum exit_code
failed(struct scan_cmd *c, enum exit_code code, const char *why)
{
	err_add(&c->io->err, (struct place){ 0 }, "%s", why);
	return code;
}

/* ---- output ---------------------------------------------------------- */

static void
on_alert(void *ctx, const struct alert *alert)
{
	struct scan_cmd *c = ctx;

	c->found++;
	if (c->report != NULL) {
		report_finding(c->report, alert);
		return;
	}
	if (c->text) {
		findings_add(&c->findings, alert);
		return;
	}
	buf_clear(&c->line);
	alert_format_json(alert, &c->line);
	c->lost = c->lost || c->line.failed;
	batch_progress_end(&c->batch);
	if (!c->line.failed)
		fwrite(c->line.p, 1, c->line.n, c->io->out);
}

static void
write_note(struct scan_cmd *c)
{
	batch_progress_end(&c->batch);
	fwrite(c->line.p, 1, c->line.n, c->io->notes);
}

static void
on_explained(void *ctx, const struct rule *rule, struct record *r,
	     struct view package)
{
	struct scan_cmd *c = ctx;
	const struct slot *path = record_get(r, FIELD_FILE_PATH);

	if (c->options->verbose == 0 || path->n == 0)
		return;
	buf_clear(&c->line);
	buf_puts(&c->line, "tocsin: ");
	buf_text(&c->line, path->v[0].s);
	buf_puts(&c->line, " is as package ");
	buf_text(&c->line, package);
	buf_puts(&c->line, " brought it  [");
	buf_text(&c->line, rule->id);
	buf_puts(&c->line, "]\n");
	write_note(c);
}

static void
on_uncovered(void *ctx, const struct walk_entry *e)
{
	struct scan_cmd *c = ctx;

	if (c->report != NULL)
		report_uncovered(c->report, e);
	if (c->snapshot.counters.uncovered > SHOWN_MAX &&
	    c->options->verbose == 0)
		return;
	buf_clear(&c->line);
	buf_puts(&c->line, "tocsin: not covered: ");
	change_put_uncovered(&c->line, e);
	write_note(c);
}

static void
on_note(void *ctx, const char *about, const char *why)
{
	struct scan_cmd *c = ctx;

	if (c->report != NULL)
		report_note(c->report, about, "%s", why);
	if (++c->notes > SHOWN_MAX && c->options->verbose == 0)
		return;
	buf_clear(&c->line);
	buf_puts(&c->line, "tocsin: not covered: ");
	buf_text(&c->line, view_of(about));
	buf_printf(&c->line, " %s\n", why);
	write_note(c);
}

static void
say_result(struct scan_cmd *c)
{
	const struct snapshot_counters *n = &c->snapshot.counters;
	FILE *notes = c->io->notes;

	fprintf(notes, "tocsin: %llu files, %llu processes: %llu findings",
		(unsigned long long)n->files, (unsigned long long)n->processes,
		(unsigned long long)c->found);
	if (n->explained > 0)
		fprintf(notes, ", %llu more explained by packages%s",
			(unsigned long long)n->explained,
			c->options->verbose > 0 ? "" : " (-v names them)");
	fprintf(notes, ", %llu not covered\n",
		(unsigned long long)(n->uncovered + c->notes));
}

/* ---- preparing ------------------------------------------------------- */

static bool
wants_text(const struct scan_cmd *c)
{
	if (c->options->format != FORMAT_DEFAULT)
		return c->options->format == FORMAT_TEXT;
	if (c->config.format.n > 0)
		return view_eq(c->config.format, VIEW("text"));
	return c->io->terminal;
}

/* One broken rule does not stop the others, but is not passed over. */
static enum exit_code
load(struct scan_cmd *c)
{
	struct err *err = &c->io->err;
	struct sign_keys keys = { 0 };
	struct trust trust;
	struct load_policy policy = {
		.trust = &trust,
		.state = config_state(&c->config, c->options),
	};
	enum exit_code code = keys_of_rules(&c->config, c->io, &keys);
	int broken;

	if (code != EXIT_NOTHING)
		return code;
	trust_read(&trust);
	if (keys.n > 0)
		policy.keys = &keys;
	c->rules = rules_new(fields_schema());
	if (c->rules == NULL)
		return failed(c, EXIT_IO, "out of memory");
	broken = load_rules_by(&policy, c->rules, c->options, &c->config, NULL,
			       err);
	free((void *)keys.v);
	if (broken < 0)
		return policy.tampered ? EXIT_TAMPERED : EXIT_CONFIG;
	c->broken = broken > 0;
	if (watchset_derive_scan(&c->watchset, c->rules, FIELD_FILE_PATH,
				 c->config.watch.v, c->config.watch.n) != 0)
		return failed(c, EXIT_IO, "out of memory");
	return EXIT_NOTHING;
}

static enum exit_code
open_pipeline(struct scan_cmd *c)
{
	struct snapshot *s = &c->snapshot;
	struct pipeline_config config = {
		.host = &c->host,
		.limits.max_bytes = (uint64_t)c->config.max_file_bytes,
		.alerts = { on_alert, c },
		.wanted = snapshot_wanted,
		.ctx = s,
	};
	struct opener opener = snapshot_opener(s);

	c->env_names = calloc(c->config.env_vars.n + 1, sizeof(*c->env_names));
	if (c->env_names == NULL)
		return failed(c, EXIT_IO, "out of memory");
	for (size_t i = 0; i < c->config.env_vars.n; i++)
		c->env_names[i] = c->config.env_vars.v[i].p;
	host_read(&c->host, &c->arena);
	c->pipeline = pipeline_new(&config);
	if (c->pipeline == NULL ||
	    pipeline_use_rules(c->pipeline, c->rules) != 0)
		return failed(c, EXIT_IO, "out of memory");
	pipeline_use_opener(c->pipeline, &opener);
	s->options = c->options;
	s->config = &c->config;
	s->pipeline = c->pipeline;
	s->rules = c->rules;
	s->watchset = &c->watchset;
	s->batch = &c->batch;
	s->uncovered = on_uncovered;
	s->note = on_note;
	s->explained = on_explained;
	s->env_names = c->env_names;
	s->n_env_names = c->config.env_vars.n;
	s->ctx = c;
	if (snapshot_prepare(s) != 0)
		return failed(c, EXIT_IO, "out of memory");
	return EXIT_NOTHING;
}

static enum exit_code
prepare(struct scan_cmd *c)
{
	const struct options *o = c->options;
	enum exit_code code;

	if (o->format == FORMAT_HTML)
		return failed(c, EXIT_USAGE,
			      "write a report with --format json; tocsin "
			      "report show makes HTML of it");
	if (o->key != NULL && !report_wanted(o))
		return failed(c, EXIT_USAGE,
			      "--key signs a report: with --format json");
	if (!batch_threads(o, &c->snapshot.threads))
		return failed(c, EXIT_USAGE,
			      "--threads wants a number from 1 to 64");
	code = config_load(&c->config, o, &c->io->err);
	if (code != EXIT_NOTHING)
		return code;
	c->text = wants_text(c) && !report_wanted(o);
	code = config_check_newest(&c->config, config_state(&c->config, o),
				   &c->io->err);
	if (code == EXIT_NOTHING)
		code = load(c);
	if (code == EXIT_NOTHING)
		code = open_pipeline(c);
	if (code == EXIT_NOTHING &&
	    snapshot_scope(&c->snapshot, &o->args, &c->io->err) != 0)
		code = EXIT_IO;
	return code;
}

/* ---- the run --------------------------------------------------------- */

static enum exit_code
begin_report(struct scan_cmd *c)
{
	const struct report_start start = {
		.options = c->options,
		.io = c->io,
		.state = config_state(&c->config, c->options),
		.made_by = "scan",
		.started_ns = clock_wall_ns(),
	};

	if (!report_wanted(c->options))
		return EXIT_NOTHING;
	return report_begin(&start, &c->report);
}

static enum exit_code
end_report(struct scan_cmd *c)
{
	const struct snapshot_counters *n = &c->snapshot.counters;
	const struct report_read read = { .files = n->files,
					  .bytes = n->bytes,
					  .processes = n->processes };
	struct report *report = c->report;

	c->report = NULL;
	return report != NULL ? report_end(report, &read) : EXIT_NOTHING;
}

static enum exit_code
finish(struct scan_cmd *c)
{
	enum exit_code code;

	c->io->has_result = !c->snapshot.stopped;
	pipeline_finish(c->pipeline);
	batch_progress_end(&c->batch);
	code = c->snapshot.stopped ? EXIT_NOTHING : end_report(c);
	if (c->text) {
		buf_clear(&c->line);
		findings_put(&c->findings, c->io->color, &c->line);
		fwrite(c->line.p, 1, c->line.n, c->io->out);
	}
	say_result(c);
	if (code != EXIT_NOTHING)
		return code;
	if (c->findings.failed || c->line.failed || c->lost ||
	    pipeline_count(c->pipeline).alerts_lost > 0 ||
	    pipeline_count(c->pipeline).incomplete > 0)
		return failed(c, EXIT_IO, "out of memory");
	if (c->snapshot.stopped)
		return failed(c, EXIT_STOPPED,
			      "stopped; not everything was scanned");
	if (c->broken)
		return EXIT_CONFIG;
	return c->found > 0 ? EXIT_FINDINGS : EXIT_NOTHING;
}

static enum exit_code
scan(struct scan_cmd *c)
{
	enum exit_code code = prepare(c);

	if (code != EXIT_NOTHING)
		return code;
	batch_start(&c->batch, c->options, c->io);
	code = begin_report(c);
	if (code != EXIT_NOTHING)
		return code;
	snapshot_recall(&c->snapshot, config_state(&c->config, c->options),
			c->config.learning_period_ns);
	if (c->options->only != ONLY_FILES &&
	    snapshot_processes(&c->snapshot) != 0) {
		err_add(&c->io->err, (struct place){ 0 },
			"/proc cannot be read: %s", strerror(errno));
		return EXIT_IO;
	}
	if (c->options->only != ONLY_PROCESSES && !c->snapshot.stopped &&
	    snapshot_files(&c->snapshot, &c->io->err) != 0)
		return EXIT_IO;
	return finish(c);
}

enum exit_code
cmd_scan(const struct options *options, struct cmd_io *io)
{
	struct scan_cmd c = { .options = options, .io = io };
	enum exit_code code;

	c.batch.io = io;
	code = scan(&c);
	report_abandon(c.report);
	pipeline_free(c.pipeline);
	snapshot_free(&c.snapshot);
	watchset_free(&c.watchset);
	rules_free(c.rules);
	findings_free(&c.findings);
	config_free(&c.config);
	free(c.env_names);
	buf_free(&c.line);
	arena_free(&c.arena);
	return code;
}
