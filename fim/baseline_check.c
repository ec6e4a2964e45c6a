/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin baseline check: what has changed, change by change. */
#include <stdlib.h>

#include "baselines/objects.h"
#include "baselines/packages.h"
#include "fim/baseline.h"
#include "fim/baseline_text.h"
#include "fim/report.h"

#define EXPLAINERS_MAX 4096u
#define UNCOVERED_SHOWN 10000u

struct explainer {
	struct view name;
	uint64_t n;
};

struct checking {
	struct baseline_run *r;
	struct compare c;
	struct packages *packages;
	struct explainer *explainers;
	size_t n_explainers;
	struct arena arena;
	uint64_t explained;
	bool json;		 /* a line each, else text */
	struct report *report;	 /* NULL = lines */
	struct objects *objects; /* of a report's differences */
	struct buf line;
	uint64_t n_uncovered;
};

static void
flush_line(struct checking *k)
{
	baseline_run_progress_end(k->r);
	if (k->line.n > 0)
		fwrite(k->line.p, 1, k->line.n, k->r->io->out);
	buf_clear(&k->line);
}

static void
count_explainer(struct checking *k, struct view name)
{
	struct explainer *v;

	k->explained++;
	for (size_t i = 0; i < k->n_explainers; i++)
		if (view_eq(k->explainers[i].name, name)) {
			k->explainers[i].n++;
			return;
		}
	if (k->n_explainers == EXPLAINERS_MAX)
		return;
	v = reallocarray(k->explainers, k->n_explainers + 1, sizeof(*v));
	if (v == NULL)
		return;
	k->explainers = v;
	v[k->n_explainers++] =
		(struct explainer){ arena_copy(&k->arena, name), 1 };
}

static void
put_reported(struct checking *k, const struct change *c)
{
	struct buf diff = { 0 };

	/* What a package has brought is told by its name. */
	if (c->explained.n == 0)
		baseline_text_diff(k->r, k->objects, c, &diff);
	report_change(k->report, c, buf_view(&diff));
	buf_free(&diff);
}

static void
put_change(struct checking *k, const struct change *c)
{
	if (k->report != NULL) {
		put_reported(k, c);
		return;
	}
	/* One line at the end tells them all. */
	if (!k->json && c->explained.n > 0 && k->r->o->verbose == 0)
		return;
	(k->json ? change_put_json : change_put_text)(&k->line, c);
	if (k->json)
		buf_putc(&k->line, '\n');
	flush_line(k);
}

static void
on_change(void *ctx, const struct change *change)
{
	struct checking *k = ctx;
	struct change c = *change;

	if (k->packages != NULL && packages_explain(k->packages, &c))
		count_explainer(k, c.explained);
	put_change(k, &c);
}

static void
on_uncovered(void *ctx, const struct walk_entry *e)
{
	struct checking *k = ctx;

	if (k->report != NULL) {
		report_uncovered(k->report, e);
		return;
	}
	if (k->n_uncovered++ >= UNCOVERED_SHOWN)
		return;
	if (k->json) {
		change_put_uncovered_json(&k->line, e);
		buf_putc(&k->line, '\n');
	} else {
		buf_puts(&k->line, "uncovered ");
		change_put_uncovered(&k->line, e);
	}
	flush_line(k);
}

static bool
on_progress(void *ctx, const struct compare_totals *t)
{
	struct checking *k = ctx;

	baseline_run_progress(k->r, t->files,
			      baseline_meta(k->r->baseline)->files, t->bytes);
	return !baseline_run_stopped(k->r);
}

/* ---- the end --------------------------------------------------------- */

static void
put_baseline_json(struct buf *b, const struct baseline_meta *m)
{
	buf_printf(b, "{\"generation\":%llu,\"files\":%llu,\"time\":\"",
		   (unsigned long long)m->generation,
		   (unsigned long long)m->files);
	buf_rfc3339(b, m->time_ns);
	buf_puts(b, "\",\"root\":");
	buf_json_string(b, m->root);
	buf_putc(b, '}');
}

static void
put_summary_json(struct checking *k)
{
	const struct compare_totals *t = &k->c.totals;
	struct buf *b = &k->line;

	buf_puts(b, "{\"baseline\":");
	put_baseline_json(b, baseline_meta(k->r->baseline));
	buf_printf(b,
		   ",\"files\":%llu,\"bytes\":%llu,\"added\":%llu,"
		   "\"removed\":%llu,\"changed\":%llu,\"explained\":%llu,"
		   "\"uncovered\":%llu,\"quick\":%s}",
		   (unsigned long long)t->files, (unsigned long long)t->bytes,
		   (unsigned long long)t->added, (unsigned long long)t->removed,
		   (unsigned long long)t->changed,
		   (unsigned long long)k->explained,
		   (unsigned long long)t->uncovered,
		   k->c.quick ? "true" : "false");
}

static void
put_explainers(struct checking *k)
{
	struct buf *b = &k->line;

	if (k->explained == 0)
		return;
	buf_printf(b, "explained %llu changes by packages:",
		   (unsigned long long)k->explained);
	for (size_t i = 0; i < k->n_explainers; i++) {
		buf_puts(b, i > 0 ? ", " : " ");
		buf_text(b, k->explainers[i].name);
		buf_printf(b, " (%llu)",
			   (unsigned long long)k->explainers[i].n);
	}
	buf_putc(b, '\n');
}

static void
say_summary(struct checking *k)
{
	const struct compare_totals *t = &k->c.totals;

	fprintf(k->r->io->notes,
		"tocsin: %llu files, generation %llu: %llu added, %llu "
		"removed, %llu changed, %llu not covered\n",
		(unsigned long long)t->files,
		(unsigned long long)baseline_meta(k->r->baseline)->generation,
		(unsigned long long)t->added, (unsigned long long)t->removed,
		(unsigned long long)t->changed,
		(unsigned long long)t->uncovered);
}

static void
put_end(struct checking *k)
{
	if (!k->json) {
		put_explainers(k);
		flush_line(k);
		say_summary(k);
		return;
	}
	buf_puts(&k->line, "{\"summary\":");
	put_summary_json(k);
	buf_puts(&k->line, "}\n");
	flush_line(k);
}

static enum exit_code
end_report(struct checking *k, enum exit_code found)
{
	struct report_read read = { .files = k->c.totals.files,
				    .bytes = k->c.totals.bytes,
				    .quick = k->c.quick };
	enum exit_code code = report_end(k->report, &read);

	k->report = NULL;
	say_summary(k);
	return code != EXIT_NOTHING ? code : found;
}

static enum exit_code
verdict(const struct checking *k)
{
	const struct compare_totals *t = &k->c.totals;

	return (t->added > 0 ? EXIT_ADDED : 0) |
	       (t->removed > 0 ? EXIT_REMOVED : 0) |
	       (t->changed > 0 ? EXIT_CHANGED : 0) |
	       (t->uncovered > 0 ? EXIT_UNCOVERED : 0);
}

static enum exit_code
check(struct checking *k)
{
	struct baseline_run *r = k->r;

	k->c = (struct compare){ .baseline = r->baseline,
				 .scope = &r->scope,
				 .threads = r->threads,
				 .quick = r->o->quick,
				 .max_bytes = (uint64_t)r->config.read_bytes,
				 .change = on_change,
				 .uncovered = on_uncovered,
				 .progress = on_progress,
				 .ctx = k };
	k->packages = baseline_run_packages(r);
	if (k->packages == NULL || compare_run(&k->c, &r->io->err) != 0)
		return EXIT_STATE;
	baseline_run_progress_end(r);
	if (!baseline_unchanged(r->baseline))
		return baseline_failed(r, EXIT_TAMPERED,
				       "the baseline was changed while it was "
				       "compared with");
	if (k->c.stopped)
		return baseline_failed(r, EXIT_STOPPED,
				       "stopped; not everything was compared");
	if (k->report != NULL)
		return end_report(k, verdict(k));
	put_end(k);
	return verdict(k);
}

static enum exit_code
begin_report(struct checking *k)
{
	struct baseline_run *r = k->r;
	const struct report_start start = {
		.options = r->o,
		.io = r->io,
		.state = r->state,
		.made_by = "baseline check",
		.started_ns = clock_wall_ns(),
		.baseline = baseline_meta(r->baseline),
	};

	if (!report_wanted(r->o))
		return EXIT_NOTHING;
	k->objects = objects_open(r->state, false);
	return report_begin(&start, &k->report);
}

enum exit_code
baseline_check(struct baseline_run *r)
{
	struct checking k = { .r = r };
	enum exit_code code;

	if (r->o->args.n > 1)
		return baseline_usage(r, "tocsin baseline check takes no "
					 "paths: the baseline has its own");
	if (r->o->key != NULL && !report_wanted(r->o))
		return baseline_usage(r, "--key signs a report: with --format "
					 "json and --output FILE");
	k.json = r->o->format == FORMAT_NDJSON;
	code = baseline_run_open(r);
	if (code == EXIT_NOTHING)
		code = begin_report(&k);
	if (code == EXIT_NOTHING)
		code = check(&k);
	report_abandon(k.report);
	objects_close(k.objects);
	packages_close(k.packages);
	free(k.explainers);
	arena_free(&k.arena);
	buf_free(&k.line);
	return code;
}
