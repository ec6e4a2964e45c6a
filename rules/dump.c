/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compiled rule as text: what is remembered, and the programs. */
#include "rules/engine.h"

static void
put_span(struct buf *out, const char *before, uint64_t ns)
{
	uint64_t ms = ns % NS_PER_SEC / NS_PER_MS;

	buf_printf(out, "%s%llu", before,
		   (unsigned long long)(ns / NS_PER_SEC));
	if (ms > 0)
		buf_printf(out, ".%03llu", (unsigned long long)ms);
	buf_puts(out, " s");
}

static void
put_fields(const struct rules *set, const struct rule_code *c, struct buf *out)
{
	for (size_t i = 0; i < c->n_fields; i++)
		buf_printf(out, "%s%s", i == 0 ? " " : ", ",
			   set_field_name(set, c->fields[i]));
}

static void
put_threshold(const struct rules *set, const struct rule_code *c,
	      struct buf *out)
{
	buf_printf(out, "from %llu events on",
		   (unsigned long long)c->threshold);
	if (c->n_fields > 0)
		buf_puts(out, " with the same");
	put_fields(set, c, out);
	if (c->cardinality_field >= 0)
		buf_printf(out, ", and %llu values of %s",
			   (unsigned long long)c->cardinality,
			   set_field_name(set, (unsigned)c->cardinality_field));
	put_span(out, ", within ", c->window_ns);
	buf_putc(out, '\n');
}

static void
put_kind(const struct rules *set, const struct rule_code *c, struct buf *out)
{
	switch (c->kind) {
	case CODE_EVENT:
	case CODE_SAMPLE:
		return;
	case CODE_SEQUENCE:
		if (c->has_maxspan)
			put_span(out, "within ", c->maxspan_ns);
		if (c->has_maxspan)
			buf_putc(out, '\n');
		return;
	case CODE_TERMS:
		buf_puts(out, "new values of");
		put_fields(set, c, out);
		put_span(out, ", not seen for ", c->window_ns);
		buf_putc(out, '\n');
		return;
	case CODE_THRESHOLD:
		put_threshold(set, c, out);
		return;
	}
}

/* What else is remembered: the alerts that were given. */
static void
put_suppression(const struct rules *set, size_t rule, struct buf *out)
{
	const struct rule *r = &set->rules[rule];
	const unsigned *fields;
	size_t n = rules_suppress_by(set, rule, &fields);

	if (r->suppress_ns == 0)
		return;
	put_span(out, "one alert in ", r->suppress_ns);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i == 0 ? " with the same " : ", ",
			   set_field_name(set, fields[i]));
	buf_puts(out, r->suppress_not_missing && n > 0
			      ? ", if there are all of them\n"
			      : "\n");
}

/* "stage 2, missing, 3 times, by process.entity_id" */
static void
put_stage(const struct rules *set, const struct rule_code *c, size_t k,
	  struct buf *out)
{
	const struct stage *s = &c->stages[k];
	size_t runs = 0;
	bool missing = false;

	for (size_t i = 0; i < c->n_slots; i++)
		if (c->slots[i].stage == k) {
			runs++;
			missing = c->slots[i].missing;
		}
	if (c->has_until && k == c->n_stages - 1)
		buf_puts(out, "until");
	else
		buf_printf(out, "stage %zu", k + 1);
	if (missing)
		buf_puts(out, ", missing");
	if (runs > 1)
		buf_printf(out, ", %zu times", runs);
	for (size_t i = 0; i < s->n_keys; i++)
		buf_printf(out, "%s%s%s", i == 0 ? ", by " : ", ",
			   s->keys[i].optional ? "?" : "",
			   set_field_name(set, s->keys[i].field));
	buf_putc(out, '\n');
}

void
rules_dump(const struct rules *set, size_t i, struct buf *out)
{
	const struct rule_code *c = &set->code[i];

	if (c->n_stages == 0)
		return;
	put_kind(set, c, out);
	put_suppression(set, i, out);
	for (size_t k = 0; k < c->n_stages; k++) {
		if (c->kind == CODE_SEQUENCE || c->kind == CODE_SAMPLE)
			put_stage(set, c, k, out);
		if (c->stages[k].program.v != NULL)
			program_dump(set, &c->stages[k].program, out);
		if (c->stages[k].joint.v != NULL) {
			buf_puts(out, "and, with the events before\n");
			program_dump(set, &c->stages[k].joint, out);
		}
	}
	for (size_t k = 0; k < c->n_pipes; k++)
		buf_printf(out, "| %s %llu\n",
			   c->pipes[k].kind == PIPE_HEAD ? "head" : "tail",
			   (unsigned long long)c->pipes[k].n);
}
