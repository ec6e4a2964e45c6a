/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin rules: what the rules are, and what is wrong with them. */
#include "fim/cmd_rules.h"

#include <stdlib.h>

#include "fim/keys.h"
#include "fim/watchset.h"

#define CHECK_MAX_ERRORS 20000

static const char *const status_names[] = {
	[RULE_OK] = "ok",
	[RULE_ERROR] = "error",
	[RULE_UNSUPPORTED] = "unsupported",
	[RULE_DISABLED] = "disabled",
};

static const char *const kind_names[] = {
	[RULE_EQL] = "eql",
	[RULE_QUERY] = "query",
	[RULE_NEW_TERMS] = "new_terms",
	[RULE_THRESHOLD] = "threshold",
};

const char *
rules_status_name(enum rule_status status)
{
	return status_names[status];
}

const char *
rules_kind_name(enum rule_kind kind)
{
	return kind_names[kind];
}

int
rules_say(struct rules_cmd *c, const char *why)
{
	return err_add(&c->io->err, (struct place){ 0 }, "%s", why);
}

/* ---- writing --------------------------------------------------------- */

void
rules_flush(struct rules_cmd *c)
{
	if (c->out.n > 0)
		fwrite(c->out.p, 1, c->out.n, c->io->out);
	fflush(c->io->out);
	c->failed |= c->out.failed;
	buf_clear(&c->out);
}

bool
rules_as_json(const struct rules_cmd *c)
{
	return c->options->format == FORMAT_JSON ||
	       c->options->format == FORMAT_NDJSON;
}

void
rules_json_open(struct rules_cmd *c, size_t i)
{
	if (c->options->format == FORMAT_JSON)
		buf_puts(&c->out, i == 0 ? "[\n" : ",\n");
	buf_putc(&c->out, '{');
}

void
rules_json_close(struct rules_cmd *c)
{
	buf_puts(&c->out, c->options->format == FORMAT_JSON ? "}" : "}\n");
}

void
rules_json_end(struct rules_cmd *c, size_t n)
{
	if (c->options->format == FORMAT_JSON)
		buf_puts(&c->out, n == 0 ? "[]\n" : "\n]\n");
}

void
rules_json_text(struct rules_cmd *c, const char *key, struct view v)
{
	if (c->out.n > 0 && c->out.p[c->out.n - 1] != '{')
		buf_putc(&c->out, ',');
	buf_printf(&c->out, "\"%s\":", key);
	buf_json_string(&c->out, v);
}

void
rules_json_int(struct rules_cmd *c, const char *key, long long i)
{
	buf_printf(&c->out, ",\"%s\":%lld", key, i);
}

/* A word for people in a column, in colour where wanted (SGR, ECMA-48). */
static void
put_status(struct rules_cmd *c, enum rule_status status)
{
	static const char *const colors[] = {
		[RULE_OK] = "32",
		[RULE_ERROR] = "31",
		[RULE_UNSUPPORTED] = "33",
		[RULE_DISABLED] = "33",
	};

	if (c->io->color)
		buf_printf(&c->out, "\033[%sm%-11s\033[0m", colors[status],
			   status_names[status]);
	else
		buf_printf(&c->out, "%-11s", status_names[status]);
}

void
rules_put_pair(struct rules_cmd *c, const char *label, struct view v)
{
	if (v.n == 0)
		return;
	buf_printf(&c->out, "%-14s", label);
	buf_text(&c->out, v);
	buf_putc(&c->out, '\n');
}

void
rules_put_block(struct rules_cmd *c, const char *label, struct view text)
{
	struct view line;

	if (text.n == 0)
		return;
	buf_printf(&c->out, "%s\n", label);
	while (view_next_split(&text, '\n', &line)) {
		buf_puts(&c->out, "    ");
		buf_text(&c->out, line);
		buf_putc(&c->out, '\n');
	}
}

/* ---- list ------------------------------------------------------------ */

static void
list_json(struct rules_cmd *c, size_t i, const struct rule *r)
{
	rules_json_open(c, i);
	rules_json_text(c, "id", r->id);
	rules_json_text(c, "name", r->name);
	rules_json_text(c, "status", view_of(status_names[r->status]));
	rules_json_text(c, "type", view_of(kind_names[r->kind]));
	rules_json_text(c, "severity", r->severity);
	rules_json_int(c, "risk_score", r->risk_score);
	rules_json_text(c, "file", r->file);
	rules_json_close(c);
}

static void
list_text(struct rules_cmd *c, const struct rule *r)
{
	put_status(c, r->status);
	buf_printf(&c->out, " %-9s ", kind_names[r->kind]);
	buf_printf(&c->out, "%-8.*s ", (int)r->severity.n,
		   r->severity.n > 0 ? r->severity.p : "");
	buf_text(&c->out, r->id);
	buf_puts(&c->out, "  ");
	buf_text(&c->out, r->name);
	buf_putc(&c->out, '\n');
}

static enum exit_code
rules_list(struct rules_cmd *c)
{
	size_t n = rules_count(c->rules);

	for (size_t i = 0; i < n; i++) {
		if (rules_as_json(c))
			list_json(c, i, rules_at(c->rules, i));
		else
			list_text(c, rules_at(c->rules, i));
	}
	if (rules_as_json(c))
		rules_json_end(c, n);
	return c->broken > 0 ? EXIT_CONFIG : EXIT_NOTHING;
}

/* ---- check ----------------------------------------------------------- */

/* The line of `r`'s file that the diagnostic is about, 0 = unknown; false if
 * it is another file. A query whose lines are not lines of the file has a name
 * of its own: "file:12: query". */
static bool
diag_line(const struct diag *d, const struct rule *r, unsigned *line)
{
	struct view file = view_of(d->file), digits;
	uint64_t n = 0;

	*line = d->line;
	if (view_eq(file, r->file))
		return true;
	if (!view_starts(file, r->file) || file.p[r->file.n] != ':')
		return false;
	file = view_sub(file, r->file.n + 1, file.n);
	if (view_next_split(&file, ':', &digits) && view_to_u64(digits, &n))
		*line = (unsigned)n;
	return true;
}

bool
rules_diag_is_of(const struct rules_cmd *c, const struct diag *d, size_t i)
{
	const struct rule *r = rules_at(c->rules, i), *next;
	unsigned line;

	if (!diag_line(d, r, &line))
		return false;
	if (line == 0)
		return true;
	if (line < r->line)
		return false;
	if (i + 1 == rules_count(c->rules))
		return true;
	next = rules_at(c->rules, i + 1);
	return next->line <= r->line || next->line > line ||
	       !view_eq(next->file, r->file);
}

/* Prints what is said of rule i and marks it. */
static void
check_diags(struct rules_cmd *c, size_t i, bool *shown)
{
	const struct err *err = &c->io->err;

	for (size_t k = 0; k < err->n; k++) {
		if (shown[k] || !rules_diag_is_of(c, &err->v[k], i))
			continue;
		shown[k] = true;
		err_format(&err->v[k], &c->out);
	}
}

static void
check_text(struct rules_cmd *c, size_t i, bool *shown)
{
	const struct rule *r = rules_at(c->rules, i);
	size_t before;

	put_status(c, r->status);
	buf_putc(&c->out, ' ');
	buf_text(&c->out, r->id);
	if (r->status == RULE_UNSUPPORTED || r->status == RULE_DISABLED) {
		buf_puts(&c->out, ": ");
		buf_text(&c->out, r->reason);
	}
	buf_putc(&c->out, '\n');
	if (r->status != RULE_ERROR)
		return;
	before = c->out.n;
	check_diags(c, i, shown);
	if (c->out.n == before)
		rules_put_pair(c, "", r->reason);
}

/* The reason, with its place when that is known. */
static void
check_reason(struct rules_cmd *c, size_t i, bool *shown, struct buf *reason)
{
	const struct rule *r = rules_at(c->rules, i);
	const struct err *err = &c->io->err;

	for (size_t k = 0; r->status == RULE_ERROR && k < err->n; k++) {
		const struct diag *d = &err->v[k];

		if (shown[k] || !rules_diag_is_of(c, d, i))
			continue;
		shown[k] = true;
		if (reason->n > 0 || !view_eq(d->message, r->reason))
			continue;
		buf_puts(reason, d->file);
		if (d->line > 0)
			buf_printf(reason, ":%u:%u", d->line, d->column);
		buf_puts(reason, ": ");
	}
	buf_put(reason, r->reason);
}

static void
check_json(struct rules_cmd *c, size_t i, bool *shown)
{
	const struct rule *r = rules_at(c->rules, i);
	struct buf reason = { 0 };

	check_reason(c, i, shown, &reason);
	rules_json_open(c, i);
	rules_json_text(c, "id", r->id);
	rules_json_text(c, "name", r->name);
	rules_json_text(c, "status", view_of(status_names[r->status]));
	rules_json_text(c, "reason", buf_view(&reason));
	rules_json_close(c);
	buf_free(&reason);
}

static void
check_summary(struct rules_cmd *c)
{
	size_t counts[ARRAY_LEN(status_names)] = { 0 };
	size_t unread = rules_unread(c->rules);

	for (size_t i = 0; i < rules_count(c->rules); i++)
		counts[rules_at(c->rules, i)->status]++;
	fprintf(c->io->notes, "tocsin: %zu ok, %zu unsupported, %zu broken",
		counts[RULE_OK], counts[RULE_UNSUPPORTED], counts[RULE_ERROR]);
	if (counts[RULE_DISABLED] > 0)
		fprintf(c->io->notes, ", %zu disabled", counts[RULE_DISABLED]);
	if (unread > 0)
		fprintf(c->io->notes, ", %zu path%s not read", unread,
			unread == 1 ? "" : "s");
	fputc('\n', c->io->notes);
}

/* What is said here of a rule need not be said by main again; what belongs to
 * no rule (a list, an exception) still is. */
static void
drop_shown(struct err *err, const bool *shown)
{
	size_t kept = 0;

	for (size_t k = 0; k < err->n; k++)
		if (!shown[k])
			err->v[kept++] = err->v[k];
	err->n = kept;
}

static void
check_rules(struct rules_cmd *c, bool *shown)
{
	size_t n = rules_count(c->rules);

	for (size_t i = 0; i < n; i++) {
		if (rules_as_json(c))
			check_json(c, i, shown);
		else
			check_text(c, i, shown);
	}
	if (rules_as_json(c))
		rules_json_end(c, n);
}

static enum exit_code
rules_check(struct rules_cmd *c)
{
	bool *shown = calloc(c->io->err.n + 1, sizeof(*shown));

	if (shown == NULL) {
		rules_say(c, "out of memory");
		return EXIT_IO;
	}
	check_rules(c, shown);
	drop_shown(&c->io->err, shown);
	free(shown);
	rules_flush(c);
	check_summary(c);
	if (rules_unread(c->rules) > 0)
		return EXIT_CONFIG;
	return c->broken > 0 ? EXIT_FINDINGS : EXIT_NOTHING;
}

/* ---- watchset -------------------------------------------------------- */

static void
watch_json(struct rules_cmd *c, size_t i, const struct watch *w)
{
	rules_json_open(c, i);
	rules_json_text(c, "path", w->path);
	buf_printf(&c->out, ",\"recursive\":%s",
		   w->recursive ? "true" : "false");
	rules_json_text(c, "rule", w->rule);
	rules_json_close(c);
}

static enum exit_code
rules_watchset(struct rules_cmd *c)
{
	const struct config *config = &c->config;
	struct watchset set = { 0 };
	size_t vague = 0;

	if (watchset_derive(&set, c->rules, FIELD_FILE_PATH, config->watch.v,
			    config->watch.n, &vague) != 0) {
		rules_say(c, "out of memory");
		return EXIT_CONFIG;
	}
	if (!rules_as_json(c)) {
		watchset_format(&set, &c->out);
	} else {
		for (size_t i = 0; i < set.n; i++)
			watch_json(c, i, &set.v[i]);
		rules_json_end(c, set.n);
	}
	if (vague > 0)
		fprintf(c->io->notes,
			"tocsin: no place to watch can be derived from %zu "
			"pattern%s: only met where other rules or the "
			"configuration watch\n",
			vague, vague == 1 ? "" : "s");
	watchset_free(&set);
	return c->broken > 0 ? EXIT_CONFIG : EXIT_NOTHING;
}

/* ---- actions --------------------------------------------------------- */

struct action {
	const char *name;
	enum exit_code (*run)(struct rules_cmd *);
	bool takes_id; /* else paths */
};

static const struct action actions[] = {
	{ "list", rules_list, false },
	{ "check", rules_check, false },
	{ "lint", rules_lint_action, false },
	{ "show", rules_show_action, true },
	{ "watchset", rules_watchset, false },
};

static const struct action *
action_find(struct rules_cmd *c)
{
	const struct options *o = c->options;

	if (o->args.n == 0) {
		rules_say(
			c,
			"tocsin rules wants one of list, check, lint, show, watchset");
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].name, o->args.v[0]) == 0)
			return &actions[i];
	err_add(&c->io->err, (struct place){ 0 },
		"tocsin rules knows list, check, lint, show and watchset, not '%s'",
		o->args.v[0]);
	return NULL;
}

static bool
words_fit(struct rules_cmd *c, const struct action *action)
{
	if (c->options->format >= FORMAT_HTML)
		return rules_say(c,
				 "rules are shown as text, json or ndjson") ==
		       0;
	if (!action->takes_id || c->words.n == 1)
		return true;
	return rules_say(c, "tocsin rules show wants the id of one rule") == 0;
}

/* The host's own must be signed if its configuration says so; others' not. */
static enum exit_code
load(struct rules_cmd *c, const struct text_list *paths)
{
	bool named = c->options->rules.n > 0 || (paths != NULL && paths->n > 0);
	struct sign_keys keys = { 0 };
	struct load_policy policy = { 0 };
	enum exit_code code = EXIT_NOTHING;

	if (!named)
		code = keys_of_rules(&c->config, c->io, &keys);
	if (code != EXIT_NOTHING)
		return code;
	if (keys.n > 0)
		policy.keys = &keys;
	c->broken = load_rules_by(&policy, c->rules, c->options, &c->config,
				  paths, &c->io->err);
	free((void *)keys.v);
	if (c->broken >= 0)
		return EXIT_NOTHING;
	return policy.tampered ? EXIT_TAMPERED : EXIT_CONFIG;
}

static enum exit_code
run_action(struct rules_cmd *c, const struct action *action)
{
	struct err *err = &c->io->err;
	enum exit_code code;

	/* Every broken rule has its reason, also when thousands are. */
	err->max = CHECK_MAX_ERRORS;
	code = config_load(&c->config, c->options, err);
	if (code != EXIT_NOTHING)
		return code;
	c->rules = rules_new(fields_schema());
	if (c->rules == NULL) {
		rules_say(c, "out of memory");
		return EXIT_CONFIG;
	}
	code = load(c, action->takes_id ? NULL : &c->words);
	return code == EXIT_NOTHING ? action->run(c) : code;
}

enum exit_code
cmd_rules(const struct options *options, struct cmd_io *io)
{
	struct rules_cmd c = { .options = options, .io = io };
	const struct action *action = action_find(&c);
	enum exit_code code = EXIT_USAGE;

	if (action == NULL)
		return EXIT_USAGE;
	c.words =
		(struct text_list){ options->args.v + 1, options->args.n - 1 };
	if (words_fit(&c, action))
		code = run_action(&c, action);
	rules_flush(&c);
	if (c.failed) {
		rules_say(&c, "out of memory");
		code = EXIT_IO;
	}
	rules_free(c.rules);
	config_free(&c.config);
	buf_free(&c.out);
	return code;
}
