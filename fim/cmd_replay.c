/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin replay: rules, or one query, over recorded events. */
#include <stdlib.h>

#include "fim/batch.h"
#include "fim/explain.h"
#include "fim/fields.h"
#include "fim/load.h"
#include "fim/replay.h"

#define QUERY_ID "query"

struct replay_cmd {
	const struct options *options;
	struct cmd_io *io;
	struct config config;
	/* Documents may have what this host's own events never have. */
	struct rules_schema schema;
	struct rules_meaning meaning;
	struct rules_field *fields;
	struct rules *rules;
	bool broken; /* some rule is */
	bool text;   /* alerts for people */
	struct explain explain;
	struct buf line;
	uint64_t lines_lost; /* for lack of memory */
};

static enum exit_code
usage(struct replay_cmd *c, const char *why)
{
	err_add(&c->io->err, (struct place){ 0 }, "%s", why);
	return EXIT_USAGE;
}

static enum exit_code
check_options(struct replay_cmd *c)
{
	const struct options *o = c->options;

	if (o->args.n == 0 && o->journals.n == 0)
		return usage(c, "which files? tocsin replay FILE..., or - for "
				"standard input, or --journal FILE");
	if (o->args.n > 0 && o->journals.n > 0)
		return usage(c, "journals and files of events are replayed one "
				"by one, not together");
	if (o->query != NULL && o->kql != NULL)
		return usage(c, "--query and --kql exclude each other");
	if ((o->query != NULL || o->kql != NULL) && o->rules.n > 0)
		return usage(c, "a query is used instead of --rules, not with "
				"them");
	if (o->format >= FORMAT_HTML)
		return usage(c, "alerts are written as text, json or ndjson");
	if (o->matches && o->explain != NULL)
		return usage(c, "--matches and --explain exclude each other");
	if (o->matches && (o->format == FORMAT_TEXT))
		return usage(c, "--matches are always written as ndjson");
	return EXIT_NOTHING;
}

static int
schema_make(struct replay_cmd *c)
{
	const struct rules_schema *host = fields_schema();

	c->fields = calloc(host->n + 1, sizeof(*c->fields));
	if (c->fields == NULL)
		return err_add(&c->io->err, (struct place){ 0 },
			       "out of memory");
	/* Recorded events may have what this host's do not; only a name that
	 * stands for many is in none of them. */
	for (size_t i = 0; i < host->n; i++) {
		c->fields[i] = host->fields[i];
		if (!view_ends(view_of(host->fields[i].name), VIEW(".*")))
			c->fields[i].unsupported = NULL;
	}
	c->fields[host->n] = (struct rules_field){ DOCUMENT_ACTING_USER,
						   RULES_KEYWORD, NULL };
	c->meaning = (struct rules_meaning){ FIELD_USER_EFFECTIVE_ID,
					     FIELD_USER_ID, (unsigned)host->n };
	c->schema = (struct rules_schema){
		.fields = c->fields,
		.n = host->n + 1,
		.open = c->options->schema == SCHEMA_ANY,
		.meanings = &c->meaning,
		.n_meanings = 1,
	};
	return 0;
}

/* --query: that alone. */
static int
add_query(struct replay_cmd *c)
{
	const struct options *o = c->options;
	bool kuery = o->kql != NULL;
	struct err *err = &c->io->err;
	struct view reason;

	if (rules_add_query(c->rules, QUERY_ID,
			    view_of(kuery ? o->kql : o->query), kuery,
			    err) != 0)
		return -1;
	if (rules_seal(c->rules, err) != 0)
		return -1;
	if (rules_at(c->rules, 0)->status == RULE_OK)
		return 0;
	reason = rules_at(c->rules, 0)->reason;
	return err_add(err, (struct place){ 0 },
		       "the query is unsupported: %.*s", (int)reason.n,
		       reason.p);
}

/* One broken rule does not stop the others, but is not passed over. */
static int
add_rules(struct replay_cmd *c)
{
	int broken =
		load_rules(c->rules, c->options, &c->config, NULL, &c->io->err);

	c->broken = broken > 0;
	return broken < 0 ? -1 : 0;
}

static int
load(struct replay_cmd *c)
{
	const struct options *o = c->options;

	if (schema_make(c) != 0)
		return -1;
	c->rules = rules_new(&c->schema);
	if (c->rules == NULL)
		return err_add(&c->io->err, (struct place){ 0 },
			       "out of memory");
	return o->query != NULL || o->kql != NULL ? add_query(c) : add_rules(c);
}

static enum exit_code
prepare(struct replay_cmd *c)
{
	enum exit_code code = config_load(&c->config, c->options, &c->io->err);

	if (code == EXIT_NOTHING && load(c) != 0)
		code = EXIT_CONFIG;
	return code;
}

/* ---- output ---------------------------------------------------------- */

static void
put_id(struct buf *out, const struct replay_id *id)
{
	if (id->missing)
		buf_puts(out, "-1");
	else
		buf_put(out, id->json);
}

static void
line_write(struct replay_cmd *c)
{
	if (c->line.failed) {
		c->lines_lost++;
		return;
	}
	fwrite(c->line.p, 1, c->line.n, c->io->out);
	/* Whoever follows a stream wants to see it. */
	if (c->options->order == ORDER_INPUT)
		fflush(c->io->out);
}

static void
on_match(void *ctx, const struct rule *rule, const struct replay_id *ids,
	 size_t n)
{
	struct replay_cmd *c = ctx;

	buf_clear(&c->line);
	buf_puts(&c->line, "{\"rule\":");
	buf_json_string(&c->line, rule->id);
	buf_puts(&c->line, ",\"ids\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(&c->line, ',');
		put_id(&c->line, &ids[i]);
	}
	buf_puts(&c->line, "]}\n");
	line_write(c);
}

static void
on_event(void *ctx, struct record *record, struct view id)
{
	struct replay_cmd *c = ctx;

	buf_clear(&c->line);
	explain_event(&c->explain, record, id, &c->line);
	if (c->line.n > 0)
		line_write(c);
}

/* Among the explanations: what came of it. */
static void
on_explained_match(void *ctx, const struct rule *rule,
		   const struct replay_id *ids, size_t n)
{
	struct replay_cmd *c = ctx;

	if (rule != c->explain.rule)
		return;
	if (c->explain.json) {
		on_match(ctx, rule, ids, n);
		return;
	}
	buf_clear(&c->line);
	buf_puts(&c->line, "match of");
	for (size_t i = 0; i < n; i++) {
		buf_putc(&c->line, ' ');
		put_id(&c->line, &ids[i]);
	}
	buf_putc(&c->line, '\n');
	line_write(c);
}

static void
on_alert(void *ctx, const struct alert *alert)
{
	struct replay_cmd *c = ctx;

	buf_clear(&c->line);
	if (c->text)
		alert_format_text(alert, c->io->color, &c->line);
	else
		alert_format_json(alert, &c->line);
	line_write(c);
}

static bool
wants_text(const struct replay_cmd *c)
{
	if (c->options->format != FORMAT_DEFAULT)
		return c->options->format == FORMAT_TEXT;
	if (c->config.format.n > 0)
		return view_eq(c->config.format, VIEW("text"));
	return c->io->terminal;
}

/* What the reader should know and a program need not. */
static void
say_result(struct replay_cmd *c, const struct replay_result *r)
{
	FILE *notes = c->io->notes;

	if (r->late > 0)
		fprintf(notes,
			"tocsin: %llu events came more than a second after "
			"later ones and were taken as they came\n",
			(unsigned long long)r->late);
	if (r->dropped > 0)
		fprintf(notes,
			"tocsin: journald says that it dropped %llu messages\n",
			(unsigned long long)r->dropped);
	if (r->timeless > 0)
		fprintf(notes,
			"tocsin: %llu events have no time; each took that of "
			"the event before it\n",
			(unsigned long long)r->timeless);
	if (r->alike > 0)
		fprintf(notes,
			"tocsin: %llu alerts were held back as the same as one "
			"before (alert_suppression)\n",
			(unsigned long long)r->alike);
	if (r->counters.regex_limits > 0)
		fprintf(notes,
			"tocsin: %llu times a regular expression, or a test of "
			"many values, was given up as too costly\n",
			(unsigned long long)r->counters.regex_limits);
	if (r->counters.sequences_evicted > 0 || r->counters.no_memory > 0)
		fprintf(notes,
			"tocsin: %llu pending sequences were given up for "
			"lack of room\n",
			(unsigned long long)(r->counters.sequences_evicted +
					     r->counters.no_memory));
	if (c->options->verbose > 0)
		fprintf(notes, "tocsin: %llu events, %llu matches\n",
			(unsigned long long)r->events,
			(unsigned long long)r->matches);
}

static enum exit_code
replay(struct replay_cmd *c)
{
	const struct options *o = c->options;
	const struct text_list *files =
		o->journals.n > 0 ? &o->journals : &o->args;
	struct replay_config config = {
		.rules = c->rules,
		.time_field = o->time_field ? o->time_field : "@timestamp",
		.id_field = o->id_field ? o->id_field : "event.id",
		.order = o->order == ORDER_INPUT ? INPUTS_AS_THEY_COME
						 : INPUTS_BY_TIME,
		.journals = o->journals.n > 0,
		.match = o->matches ? on_match : NULL,
		.alerts = { on_alert, c },
		.ctx = c,
		.stopped = batch_signalled,
	};
	struct replay_result result;

	if (o->explain != NULL) {
		config.event = on_event;
		config.match = on_explained_match;
	}
	batch_catch_signals();
	if (replay_run(&config, files->v, files->n, &result, &c->io->err) != 0)
		return EXIT_IO;
	c->io->has_result = result.events > 0;
	say_result(c, &result);
	if (c->lines_lost + result.alerts_lost > 0) {
		err_add(&c->io->err, (struct place){ 0 },
			"out of memory: %llu lines are missing",
			(unsigned long long)(c->lines_lost +
					     result.alerts_lost));
		return EXIT_IO;
	}
	if (result.incomplete > 0) {
		err_add(&c->io->err, (struct place){ 0 },
			"out of memory: %llu alerts do not say all",
			(unsigned long long)result.incomplete);
		return EXIT_IO;
	}
	if (result.stopped) {
		err_add(&c->io->err, (struct place){ 0 },
			"stopped; not everything was read");
		return EXIT_STOPPED;
	}
	/* The gravest: input, then rules, then what was found. */
	if (result.faults > 0)
		return EXIT_IO;
	if (c->broken)
		return EXIT_CONFIG;
	return result.matches > 0 ? EXIT_FINDINGS : EXIT_NOTHING;
}

static enum exit_code
explain_start(struct replay_cmd *c)
{
	struct view id = view_of(c->options->explain);
	struct explain *x = &c->explain;
	size_t i = 0, n = rules_count(c->rules);

	while (i < n && !view_eq(rules_at(c->rules, i)->id, id))
		i++;
	if (i == n)
		return usage(c, "there is no rule with the id that --explain "
				"names");
	*x = (struct explain){ .rules = c->rules,
			       .rule = rules_at(c->rules, i),
			       .json = !c->text,
			       .all = c->options->verbose > 0 };
	x->explainer = rules_explainer_new(c->rules, i);
	if (x->explainer != NULL)
		return EXIT_NOTHING;
	usage(c, x->rule->status == RULE_OK	 ? "out of memory"
		 : x->rule->status == RULE_ERROR ? "the rule that --explain "
						   "names is broken"
						 : "the rule that --explain "
						   "names does not run; tocsin "
						   "rules check says why");
	return EXIT_CONFIG;
}

enum exit_code
cmd_replay(const struct options *options, struct cmd_io *io)
{
	struct replay_cmd c = { .options = options, .io = io };
	enum exit_code code = check_options(&c);

	if (code == EXIT_NOTHING)
		code = prepare(&c);
	if (code == EXIT_NOTHING) {
		c.text = wants_text(&c);
		if (options->explain != NULL)
			code = explain_start(&c);
	}
	if (code == EXIT_NOTHING)
		code = replay(&c);
	rules_explainer_free(c.explain.explainer);
	rules_free(c.rules);
	free(c.fields);
	config_free(&c.config);
	buf_free(&c.line);
	return code;
}
