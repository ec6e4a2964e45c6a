/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kept events, read back. */
#include "fim/evidence.h"

#include "fim/fields.h"
#include "fim/ndjson.h"

#include <stdlib.h>

struct evidence {
	const struct rules *rules;
	struct ndjson *ndjson;
	struct buf text; /* as the reader wants it */
	struct record record;
};

static int
find_field(void *ctx, struct view name, enum rules_type *type)
{
	struct evidence *e = ctx;
	int field = rules_field_find(e->rules, name);

	(void)type; /* they have it: alerts wrote them */
	return field < FIELDS_FILLED ? field : NDJSON_IGNORE;
}

static void
fill_nothing(struct record *r, unsigned field)
{
	(void)r;
	(void)field;
}

struct evidence *
evidence_new(const struct rules *rules)
{
	struct evidence *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->rules = rules;
	e->ndjson = ndjson_new(find_field, e, FIELDS_FILLED);
	e->record = (struct record){
		.n_slots = FIELDS_FILLED,
		.slots = calloc(FIELDS_FILLED, sizeof(struct slot)),
		.fill = fill_nothing,
	};
	if (e->ndjson == NULL || e->record.slots == NULL) {
		evidence_free(e);
		return NULL;
	}
	return e;
}

void
evidence_free(struct evidence *e)
{
	if (e == NULL)
		return;
	ndjson_free(e->ndjson);
	free(e->record.slots);
	buf_free(&e->text);
	free(e);
}

struct record *
evidence_read(struct evidence *e, const struct rules_match *match, bool *failed)
{
	static const char padding[NDJSON_PADDING];
	const struct alert_pin *pin = NULL;
	struct record *r = &e->record;
	struct ndjson_fault fault;
	size_t end;

	for (size_t i = 0; i < match->n; i++) {
		if (match->hits[i].pinned == NULL)
			continue;
		pin = match->hits[i].pinned;
		r->time_ns = match->hits[i].time_ns;
		r->seq = match->hits[i].seq;
	}
	if (pin == NULL)
		return NULL;
	buf_clear(&e->text);
	e->text.failed = false;
	buf_put(&e->text, pin->json);
	buf_putc(&e->text, '\n');
	end = e->text.n;
	buf_put(&e->text, (struct view){ padding, sizeof(padding) });
	if (++r->generation == 0) { /* nothing may look filled */
		memset(r->slots, 0, r->n_slots * sizeof(*r->slots));
		r->generation = 1;
	}
	if (e->text.failed ||
	    ndjson_parse(e->ndjson, e->text.p, e->text.p + end, r, &fault) ==
		    NULL) {
		*failed = true;
		return NULL;
	}
	return r;
}

/* ---- pins ------------------------------------------------------------ */

void *
alert_pin(struct record *r)
{
	const struct slot *id = record_get(r, FIELD_EVENT_ID);
	struct buf text = { 0 };
	struct alert_pin *pin = NULL;
	size_t n_id = 0, n_summary = 0;

	if (id->n > 0 && id->v[0].type == VALUE_STRING)
		buf_put(&text, id->v[0].s);
	n_id = text.n;
	alert_summary(r, &text);
	n_summary = text.n - n_id;
	fields_encode(r, NULL, &text);
	if (!text.failed)
		pin = malloc(sizeof(*pin) + text.n);
	if (pin != NULL) {
		char *p = (char *)(pin + 1);

		memcpy(p, text.p, text.n);
		*pin = (struct alert_pin){
			.named = id->n > 0,
			.summary = { p + n_id, n_summary },
			.json = { p + n_id + n_summary,
				  text.n - n_id - n_summary },
		};
		if (pin->named)
			pin->id = id->v[0];
		if (pin->named && pin->id.type == VALUE_STRING)
			pin->id.s = (struct view){ p, n_id };
	}
	buf_free(&text);
	return pin;
}

void
alert_unpin(void *pin)
{
	free(pin);
}
