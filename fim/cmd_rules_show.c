/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin rules show: one rule in full. */
#include "fim/cmd_rules.h"

struct patterns {
	struct rules_cmd *cmd;
	const struct rule *rule;
	size_t n;
};

static void
show_pattern(void *ctx, const struct rule *rule, struct view pattern)
{
	struct patterns *p = ctx;

	if (rule != p->rule)
		return;
	if (p->n++ == 0)
		buf_puts(&p->cmd->out, "watched places\n");
	buf_puts(&p->cmd->out, "    ");
	buf_text(&p->cmd->out, pattern);
	buf_putc(&p->cmd->out, '\n');
}

/* Fields are known of a set; so the rule's file is loaded as one of its own.
 * Where it holds more rules than this one, nothing is said. */
static void
show_fields(struct rules_cmd *c, const struct rule *r)
{
	struct err ignored = { 0 };
	struct rules *alone = rules_new(fields_schema());
	struct view path = arena_copy(&c->config.arena, r->file);

	if (alone != NULL && path.n > 0 &&
	    rules_load_path(alone, path.p, &ignored) >= 0 &&
	    rules_seal(alone, &ignored) >= 0 && rules_count(alone) == 1) {
		buf_puts(&c->out, "fields\n");
		for (size_t f = 0; f < rules_field_count(alone); f++)
			if (rules_field_used(alone, f))
				buf_printf(&c->out, "    %s\n",
					   rules_field_name(alone, f));
	}
	rules_free(alone);
	err_free(&ignored);
}

static void
show_rule(struct rules_cmd *c, size_t i)
{
	const struct rule *r = rules_at(c->rules, i);
	struct patterns patterns = { .cmd = c, .rule = r };
	struct buf program = { 0 };

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
	if (r->status == RULE_OK) {
		show_fields(c, r);
		rules_patterns(c->rules, FIELD_FILE_PATH, show_pattern,
			       &patterns);
		rules_dump(c->rules, i, &program);
		rules_put_block(c, "program", buf_view(&program));
	}
	buf_free(&program);
}

enum exit_code
rules_show_action(struct rules_cmd *c)
{
	struct view id = view_of(c->words.v[0]);

	for (size_t i = 0; i < rules_count(c->rules); i++) {
		if (!view_eq(rules_at(c->rules, i)->id, id))
			continue;
		show_rule(c, i);
		err_free(&c->io->err); /* others' */
		return EXIT_NOTHING;
	}
	err_add(&c->io->err, (struct place){ 0 },
		"there is no rule with the id '%s'", c->words.v[0]);
	return EXIT_USAGE;
}
