/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin rules lint: what is broken, and what can hardly be meant so. */
#include "fim/cmd_rules.h"

struct lint_out {
	struct rules_cmd *cmd;
	size_t n;
};

static void
lint_json(struct rules_cmd *c, size_t i, const struct rules_finding *f)
{
	const struct diag *d = f->diag;

	rules_json_open(c, i);
	rules_json_text(c, "rule", f->rule);
	rules_json_text(c, "kind", view_of(f->kind));
	rules_json_text(c, "file", view_of(d->file));
	rules_json_int(c, "line", d->line);
	rules_json_int(c, "column", d->column);
	rules_json_text(c, "message", d->message);
	rules_json_close(c);
}

static void
lint_text(struct rules_cmd *c, const struct rules_finding *f)
{
	struct buf message = { 0 };
	struct diag d = *f->diag;

	if (f->rule.n > 0) {
		buf_put(&message, f->rule);
		buf_puts(&message, ": ");
	}
	buf_printf(&message, "%s: ", f->kind);
	buf_put(&message, d.message);
	d.message = buf_view(&message);
	err_format(&d, &c->out);
	c->failed |= message.failed;
	buf_free(&message);
}

static void
on_finding(void *ctx, const struct rules_finding *f)
{
	struct lint_out *o = ctx;

	if (rules_as_json(o->cmd))
		lint_json(o->cmd, o->n, f);
	else
		lint_text(o->cmd, f);
	o->n++;
}

/* What loading had to say: each thing once, with the rule it is about. */
static void
lint_errors(struct lint_out *o)
{
	struct rules_cmd *c = o->cmd;
	struct err *err = &c->io->err;

	for (size_t k = 0; k < err->n; k++) {
		struct rules_finding f = { .kind = "error",
					   .diag = &err->v[k] };

		if (view_starts(f.diag->message, VIEW("unknown field")))
			f.kind = "unknown-field";
		for (size_t i = 0; i < rules_count(c->rules); i++) {
			const struct rule *r = rules_at(c->rules, i);

			if (r->status != RULE_ERROR ||
			    !rules_diag_is_of(c, f.diag, i))
				continue;
			f.rule = r->id;
			break;
		}
		on_finding(o, &f);
	}
	if (err->dropped == 0)
		err_free(err); /* all said */
}

enum exit_code
rules_lint_action(struct rules_cmd *c)
{
	struct lint_out o = { .cmd = c };
	struct rules_linter linter = { .now_ns = clock_wall_ns(),
				       .each = on_finding,
				       .ctx = &o,
				       RULES_LINT_PLACES };
	size_t n = rules_count(c->rules);

	lint_errors(&o);
	for (size_t i = 0; i < n; i++)
		c->failed |= rules_lint(c->rules, i, &linter) != 0;
	c->failed |= rules_lint_shared(c->rules, &linter) != 0;
	if (rules_as_json(c))
		rules_json_end(c, o.n);
	rules_flush(c);
	fprintf(c->io->notes, "tocsin: %zu rules, %zu findings\n", n, o.n);
	if (rules_unread(c->rules) > 0)
		return EXIT_CONFIG;
	return o.n > 0 ? EXIT_FINDINGS : EXIT_NOTHING;
}
