/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saying why a rule did not match. */
#include "fim/explain.h"

/* What people see of a test and of a value; programs get all of it. */
#define TEXT_MAX_BYTES 300
#define VALUES_MAX 16

static void
put_json(struct buf *out, const struct value *v)
{
	if (v->type == VALUE_STRING)
		buf_json_string(out, v->s);
	else if (v->type == VALUE_INT)
		buf_printf(out, "%lld", (long long)v->i);
	else if (v->type == VALUE_REAL)
		buf_json_double(out, v->d);
	else
		buf_puts(out, v->b ? "true" : "false");
}

/* White space of several lines as one blank. */
static void
put_line(struct buf *out, struct view text)
{
	struct buf line = { 0 };
	bool blank = false;

	for (size_t i = 0; i < text.n; i++) {
		if (strchr(" \t\r\n", text.p[i]) != NULL && text.p[i] != '\0') {
			blank = line.n > 0;
			continue;
		}
		if (blank)
			buf_putc(&line, ' ');
		blank = false;
		buf_putc(&line, text.p[i]);
	}
	out->failed |= line.failed;
	buf_put(out, buf_view(&line));
	buf_free(&line);
}

/* ---- for people ------------------------------------------------------ */

static void
put_text(struct buf *out, struct view v)
{
	size_t n = TEXT_MAX_BYTES;

	while (v.n > n && (v.p[n] & 0xc0) == 0x80)
		n--;
	buf_text(out, view_sub(v, 0, n));
	if (v.n > n)
		buf_puts(out, "...");
}

static void
put_test(struct buf *out, struct view text)
{
	struct buf line = { 0 };

	put_line(&line, text);
	put_text(out, buf_view(&line));
	out->failed |= line.failed;
	buf_free(&line);
}

static void
put_value(struct buf *out, const struct value *v)
{
	if (v->type != VALUE_STRING) {
		put_json(out, v);
		return;
	}
	buf_putc(out, '"');
	put_text(out, v->s);
	buf_putc(out, '"');
}

static void
put_field(struct explain *x, unsigned field)
{
	const struct slot *s = rules_explained_values(x->explainer, field);

	buf_puts(x->out, rules_explained_name(x->rules, field));
	if (s->n == 0)
		buf_puts(x->out, " has no value");
	for (uint32_t i = 0; i < s->n && i < VALUES_MAX; i++) {
		buf_puts(x->out, i == 0 ? " is " : ", ");
		put_value(x->out, &s->v[i]);
	}
	if (s->n > VALUES_MAX)
		buf_printf(x->out, " and %u more", s->n - VALUES_MAX);
}

static void
put_fields(struct explain *x, const unsigned *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(x->out, "      ");
		put_field(x, fields[i]);
		buf_putc(x->out, '\n');
	}
}

static void
put_reason(struct explain *x, const struct rules_reason *r)
{
	buf_puts(x->out, "    ");
	if (r->place.file != NULL && *r->place.file != '\0') {
		buf_text(x->out, view_of(r->place.file));
		buf_putc(x->out, ':');
	}
	buf_printf(x->out, "%u:%u: ", r->place.line, r->place.column);
	buf_printf(x->out, "%sthis %s: ", r->excepted ? "excepted, as " : "",
		   r->given_up ? "was given up as too costly"
		   : r->holds  ? "is true"
			       : "is false");
	put_test(x->out, r->text);
	buf_putc(x->out, '\n');
	put_fields(x, r->fields, r->n_fields);
}

static void
put_stage(struct explain *x, const struct rules_answer *a)
{
	if (x->rule->stages == 1)
		buf_puts(x->out, a->holds ? "  yes" : "  no");
	else if (a->until)
		buf_printf(x->out, "  until: %s", a->holds ? "yes" : "no");
	else
		buf_printf(x->out, "  stage %u%s: %s", a->stage + 1,
			   a->missing ? " (missing)" : "",
			   a->holds ? "yes" : "no");
	if (a->note.n > 0) {
		buf_puts(x->out, "; ");
		buf_text(x->out, a->note);
	}
	buf_putc(x->out, '\n');
}

static void
answer_text(struct explain *x, const struct rules_answer *a)
{
	if (x->answers == 0) {
		buf_puts(x->out, "event ");
		buf_put(x->out, x->id);
		buf_putc(x->out, ' ');
		buf_rfc3339(x->out, x->record->time_ns);
		buf_putc(x->out, '\n');
	}
	put_stage(x, a);
	if (a->holds)
		put_fields(x, a->keys, a->n_keys);
	for (size_t i = 0; i < a->n_reasons; i++)
		put_reason(x, &a->reasons[i]);
	if (a->more > 0)
		buf_printf(x->out, "    and %zu more\n", a->more);
}

/* ---- for programs ---------------------------------------------------- */

static void
json_fields(struct explain *x, const char *key, const unsigned *fields,
	    size_t n)
{
	buf_printf(x->out, ",\"%s\":{", key);
	for (size_t i = 0; i < n; i++) {
		const struct slot *s =
			rules_explained_values(x->explainer, fields[i]);

		if (i > 0)
			buf_putc(x->out, ',');
		buf_json_string(x->out, view_of(rules_explained_name(
						x->rules, fields[i])));
		buf_puts(x->out, ":[");
		for (uint32_t k = 0; k < s->n; k++) {
			if (k > 0)
				buf_putc(x->out, ',');
			put_json(x->out, &s->v[k]);
		}
		buf_putc(x->out, ']');
	}
	buf_putc(x->out, '}');
}

static void
json_reason(struct explain *x, const struct rules_reason *r)
{
	struct buf text = { 0 };

	put_line(&text, r->text);
	buf_puts(x->out, "{\"test\":");
	buf_json_string(x->out, buf_view(&text));
	buf_printf(x->out, ",\"true\":%s,%s\"excepted\":%s,\"file\":",
		   r->holds ? "true" : "false",
		   r->given_up ? "\"given_up\":true," : "",
		   r->excepted ? "true" : "false");
	buf_json_string(x->out, view_of(r->place.file));
	buf_printf(x->out, ",\"line\":%u,\"column\":%u", r->place.line,
		   r->place.column);
	json_fields(x, "values", r->fields, r->n_fields);
	buf_putc(x->out, '}');
	x->out->failed |= text.failed;
	buf_free(&text);
}

static void
answer_json(struct explain *x, const struct rules_answer *a)
{
	if (x->answers == 0) {
		buf_puts(x->out, "{\"rule\":");
		buf_json_string(x->out, x->rule->id);
		buf_puts(x->out, ",\"id\":");
		buf_put(x->out, x->id);
		buf_puts(x->out, ",\"@timestamp\":\"");
		buf_rfc3339(x->out, x->record->time_ns);
		buf_puts(x->out, "\",\"stages\":[");
	} else {
		buf_putc(x->out, ',');
	}
	buf_printf(x->out, "{\"stage\":%u,\"kind\":\"%s\",\"holds\":%s",
		   a->stage + 1,
		   a->until	? "until"
		   : a->missing ? "missing"
				: "event",
		   a->holds ? "true" : "false");
	if (a->holds) {
		json_fields(x, "keys", a->keys, a->n_keys);
		buf_puts(x->out, ",\"note\":");
		buf_json_string(x->out, a->note);
	} else {
		buf_puts(x->out, ",\"reasons\":[");
		for (size_t i = 0; i < a->n_reasons; i++) {
			if (i > 0)
				buf_putc(x->out, ',');
			json_reason(x, &a->reasons[i]);
		}
		buf_printf(x->out, "],\"more\":%zu", a->more);
	}
	buf_putc(x->out, '}');
}

static void
on_answer(void *ctx, const struct rules_answer *a)
{
	struct explain *x = ctx;

	if (x->json)
		answer_json(x, a);
	else
		answer_text(x, a);
	x->answers++;
}

void
explain_event(struct explain *x, struct record *record, struct view id,
	      struct buf *out)
{
	x->record = record;
	x->id = id;
	x->out = out;
	x->answers = 0;
	rules_explain(x->explainer, record, x->all, on_answer, x);
	if (x->json && x->answers > 0)
		buf_puts(out, "]}\n");
}
