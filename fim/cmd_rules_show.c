/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin rules show: one rule in full, and what it needs of this host. */
#include <stdlib.h>

#include "fim/cmd_rules.h"
#include "fim/event.h"

struct shown {
	struct rules_cmd *cmd;
	size_t i;
	const struct rule *rule;
	bool *fields; /* that it reads, by id */
	size_t n_fields;
	bool asks[EVENT_KINDS]; /* it can be about such events */
	bool messages, others;	/* of the journal, and not */
	struct watchset places;
	size_t vague;	  /* patterns that name no place */
	size_t unwatched; /* conditions that have no other */
	struct buf program;
};

/* ---- what it needs --------------------------------------------------- */

struct source {
	const char *prefix, *name, *of_messages;
};

static const struct source sources[] = {
#define SOURCE(prefix, name, of_messages) { prefix, name, of_messages },
#include "fim/sources.def"
#undef SOURCE
};

static const struct source *
find_source(const char *field)
{
	const struct source *best = &sources[0];

	for (size_t i = 1; i < ARRAY_LEN(sources); i++)
		if (strlen(sources[i].prefix) >= strlen(best->prefix) &&
		    view_starts(view_of(field), view_of(sources[i].prefix)))
			best = &sources[i];
	return best;
}

/* Who tells of this kind of event. */
static const char *
teller_of(enum event_kind kind)
{
	const char *category = event_category(kind);

	if (kind == EVENT_SNAPSHOT)
		return "scan";
	if (strcmp(category, "file") == 0)
		return "fanotify";
	return event_is_log(kind) ? "journal" : "bpf";
}

static bool
asks_teller(const struct shown *s, const char *name)
{
	for (unsigned k = 0; k < ARRAY_LEN(s->asks); k++)
		if (s->asks[k] && strcmp(teller_of(k), name) == 0)
			return true;
	return false;
}

/* The kinds of events that the rule can be about. */
static void
find_kinds(struct shown *s)
{
	for (unsigned k = 0; k < ARRAY_LEN(s->asks); k++) {
		char actions[200];
		struct rules_given given[] = {
			{ FIELD_EVENT_ACTION, actions },
			{ FIELD_EVENT_CATEGORY, event_category(k) },
			{ FIELD_EVENT_TYPE, event_type(k) },
		};
		int could;

		if (*event_action(k) == '\0')
			continue;
		snprintf(actions, sizeof(actions), "%s,%s", event_action(k),
			 event_aliases(k));
		could = rules_could_match(s->cmd->rules, s->i, given,
					  ARRAY_LEN(given));
		s->cmd->failed |= could < 0;
		s->asks[k] = could > 0;
	}
	s->messages = asks_teller(s, "journal");
	s->others = asks_teller(s, "bpf") || asks_teller(s, "fanotify") ||
		    asks_teller(s, "scan");
	/* What waits for files sees those of a scan as well. */
	if (asks_teller(s, "fanotify"))
		s->asks[EVENT_SNAPSHOT] = false;
}

/* The one or two that give a field, the second may be NULL. */
struct givers {
	const char *v[2];
};

static struct givers
givers_of(const struct shown *s, size_t field)
{
	const struct source *source =
		find_source(rules_field_name(s->cmd->rules, field));
	struct givers g = { { source->name, NULL } };

	if (field >= fields_schema()->n)
		return (struct givers){ { "nothing", NULL } };
	if (s->messages && strcmp(source->of_messages, source->name) != 0)
		g.v[s->others] = source->of_messages;
	/* Nothing waits for the files of a scan. */
	if (strcmp(g.v[0], "fanotify") == 0 && s->asks[EVENT_SNAPSHOT])
		g.v[0] = "scan";
	return g;
}

/* Lint says what cannot be watched for. */
static void
on_finding(void *ctx, const struct rules_finding *f)
{
	struct shown *s = ctx;

	if (strcmp(f->kind, "unwatched") == 0)
		s->unwatched++;
}

static void
find_places(struct shown *s)
{
	const struct rules *rules = s->cmd->rules;
	struct rules_linter linter = { .now_ns = clock_wall_ns(),
				       .each = on_finding,
				       .ctx = s,
				       RULES_LINT_PLACES };

	if (watchset_derive_rule(&s->places, rules, s->rule, FIELD_FILE_PATH,
				 &s->vague) != 0 ||
	    rules_lint(rules, s->i, &linter) != 0)
		s->cmd->failed = true;
}

static bool
find_needs(struct shown *s)
{
	const struct rules *rules = s->cmd->rules;

	s->n_fields = rules_field_count(rules);
	s->fields = calloc(s->n_fields + 1, sizeof(*s->fields));
	if (s->fields == NULL) {
		rules_say(s->cmd, "out of memory");
		return false;
	}
	rules_reads(rules, s->i, s->fields);
	find_kinds(s);
	find_places(s);
	if (s->rule->status == RULE_OK)
		rules_dump(rules, s->i, &s->program);
	return true;
}

static void
put_givers(const struct shown *s, size_t field)
{
	struct givers g = givers_of(s, field);

	buf_puts(&s->cmd->out, g.v[0]);
	if (g.v[1] != NULL)
		buf_printf(&s->cmd->out, ", %s", g.v[1]);
}

static bool
needs_source(const struct shown *s, const char *name)
{
	if (asks_teller(s, name))
		return true;
	for (size_t f = 0; f < s->n_fields; f++) {
		struct givers g = givers_of(s, f);

		for (size_t i = 0; s->fields[f] && i < ARRAY_LEN(g.v); i++)
			if (g.v[i] != NULL && strcmp(g.v[i], name) == 0)
				return true;
	}
	return false;
}

/* ---- for people ------------------------------------------------------ */

static void
put_fields(struct shown *s)
{
	struct buf *out = &s->cmd->out;

	buf_puts(out, "fields, and what gives them\n");
	for (size_t f = 0; f < s->n_fields; f++) {
		const char *name = rules_field_name(s->cmd->rules, f);

		if (!s->fields[f])
			continue;
		buf_printf(out, "    %-40s ", name);
		put_givers(s, f);
		buf_putc(out, '\n');
	}
}

static void
put_unwatched(struct buf *out, size_t n, const char *what)
{
	if (n > 0)
		buf_printf(out,
			   "    no place to watch can be derived from %zu "
			   "%s%s: only met where other rules or the "
			   "configuration watch\n",
			   n, what, n == 1 ? "" : "s");
}

static void
put_places(struct shown *s)
{
	struct buf *out = &s->cmd->out;

	if (s->places.n + s->vague + s->unwatched > 0)
		buf_puts(out, "watched places\n");
	for (size_t i = 0; i < s->places.n; i++) {
		buf_puts(out, "    ");
		buf_text(out, s->places.v[i].path);
		buf_puts(out,
			 s->places.v[i].recursive ? ", and all below\n" : "\n");
	}
	put_unwatched(out, s->vague, "pattern");
	put_unwatched(out, s->unwatched, "condition");
}

static void
show_text(struct shown *s)
{
	struct rules_cmd *c = s->cmd;
	const struct rule *r = s->rule;

	rules_put_pair(c, "id", r->id);
	rules_put_pair(c, "name", r->name);
	rules_put_pair(c, "status", view_of(rules_status_name(r->status)));
	rules_put_pair(c, "reason", r->reason);
	rules_put_pair(c, "type", view_of(rules_kind_name(r->kind)));
	rules_put_pair(c, "language", view_of(r->kuery ? "kuery" : "eql"));
	rules_put_pair(c, "severity", r->severity);
	buf_printf(&c->out, "%-14s%d\n", "risk score", r->risk_score);
	rules_put_pair(c, "file", r->file);
	rules_put_block(c, "description", r->description);
	rules_put_block(c, "query", r->query);
	if (r->status != RULE_OK)
		return;
	put_fields(s);
	put_places(s);
	rules_put_block(c, "program", buf_view(&s->program));
}

/* ---- for programs ---------------------------------------------------- */

static void
json_fields(struct shown *s)
{
	struct rules_cmd *c = s->cmd;
	const char *comma = "";

	buf_puts(&c->out, ",\"fields\":[");
	for (size_t f = 0; f < s->n_fields; f++) {
		const char *name = rules_field_name(c->rules, f);

		if (!s->fields[f])
			continue;
		buf_printf(&c->out, "%s{", comma);
		rules_json_text(c, "name", view_of(name));
		buf_puts(&c->out, ",\"source\":\"");
		put_givers(s, f);
		buf_puts(&c->out, "\"}");
		comma = ",";
	}
	comma = "";
	buf_puts(&c->out, "],\"sensors\":[");
	for (size_t i = 1; i < ARRAY_LEN(sources); i++) {
		const char *name = sources[i].name;
		size_t k = 1;

		while (strcmp(sources[k].name, name) != 0)
			k++;
		if (k < i || !needs_source(s, name))
			continue; /* said, or not needed */
		buf_printf(&c->out, "%s\"%s\"", comma, name);
		comma = ",";
	}
	buf_putc(&c->out, ']');
}

static void
json_places(struct shown *s)
{
	struct rules_cmd *c = s->cmd;

	buf_puts(&c->out, ",\"watch\":[");
	for (size_t i = 0; i < s->places.n; i++) {
		buf_puts(&c->out, i > 0 ? ",{" : "{");
		rules_json_text(c, "path", s->places.v[i].path);
		buf_printf(&c->out, ",\"recursive\":%s}",
			   s->places.v[i].recursive ? "true" : "false");
	}
	buf_putc(&c->out, ']');
	rules_json_int(c, "unwatched", (long long)s->unwatched);
}

static void
show_json(struct shown *s)
{
	struct rules_cmd *c = s->cmd;
	const struct rule *r = s->rule;

	rules_json_open(c, 0);
	rules_json_text(c, "id", r->id);
	rules_json_text(c, "name", r->name);
	rules_json_text(c, "status", view_of(rules_status_name(r->status)));
	rules_json_text(c, "reason", r->reason);
	rules_json_text(c, "type", view_of(rules_kind_name(r->kind)));
	rules_json_text(c, "language", view_of(r->kuery ? "kuery" : "eql"));
	rules_json_text(c, "severity", r->severity);
	rules_json_int(c, "risk_score", r->risk_score);
	rules_json_text(c, "file", r->file);
	rules_json_text(c, "description", r->description);
	rules_json_text(c, "query", r->query);
	json_fields(s);
	json_places(s);
	rules_json_text(c, "program", buf_view(&s->program));
	rules_json_close(c);
	rules_json_end(c, 1);
}

static void
show_rule(struct rules_cmd *c, size_t i)
{
	struct shown s = { .cmd = c, .i = i, .rule = rules_at(c->rules, i) };

	if (find_needs(&s) && rules_as_json(c))
		show_json(&s);
	else if (s.fields != NULL)
		show_text(&s);
	c->failed |= s.program.failed;
	watchset_free(&s.places);
	buf_free(&s.program);
	free(s.fields);
}

enum exit_code
rules_show_action(struct rules_cmd *c)
{
	struct view id = view_of(c->words.v[0]);

	for (size_t i = 0; i < rules_count(c->rules); i++) {
		if (!view_eq(rules_at(c->rules, i)->id, id))
			continue;
		show_rule(c, i);
		if (rules_unread(c->rules) > 0)
			return EXIT_CONFIG;
		err_free(&c->io->err); /* others' */
		return EXIT_NOTHING;
	}
	err_add(&c->io->err, (struct place){ 0 },
		"there is no rule with the id '%s'", c->words.v[0]);
	return EXIT_USAGE;
}
