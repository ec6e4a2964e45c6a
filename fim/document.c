/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recorded events as records. */
#include <stdlib.h>

#include "fim/document.h"
#include "fim/fields.h"

/* Fields that the reader needs itself and rules may not know. */
enum own { TIME, ID, VERSION, LEARN, END, TERM_RULE, TERM_KEY, TERM_SEEN, OWN };

#define TRACE "tocsin.trace."

struct document {
	const struct rules *rules;
	struct ndjson *ndjson;
	struct record record;
	size_t n_fields;
	const char *own_names[OWN];
	size_t own_slots[OWN];
	int acting_user;  /* the field, or -1 */
	const char *line; /* where the event read last begins */
	struct buf id;	  /* of it, as JSON; made when asked for */
};

static int
find_field(void *ctx, struct view name, enum rules_type *type)
{
	struct document *d = ctx;
	int field = rules_field_find(d->rules, name);

	if (field >= 0) {
		*type = rules_field_type(d->rules, (size_t)field);
		return field;
	}
	for (size_t i = 0; i < OWN; i++) {
		if (!view_eq(name, view_of(d->own_names[i])))
			continue;
		if (i == ID) /* it becomes event.id */
			*type = RULES_KEYWORD;
		return (int)d->own_slots[i];
	}
	return NDJSON_IGNORE;
}

static void
fill_nothing(struct record *r, unsigned field)
{
	(void)r;
	(void)field;
}

/* Each own field has the slot that rules give it, or one behind theirs. */
static void
own_place(struct document *d)
{
	for (size_t i = 0; i < OWN; i++) {
		int field =
			rules_field_find(d->rules, view_of(d->own_names[i]));

		d->own_slots[i] = field >= 0 ? (size_t)field : d->n_fields + i;
		if (i == ID &&
		    strcmp(d->own_names[ID], d->own_names[TIME]) == 0)
			d->own_slots[ID] = d->own_slots[TIME];
	}
}

struct document *
document_new(const struct rules *rules, const char *time_field,
	     const char *id_field)
{
	struct document *d = calloc(1, sizeof(*d));
	const char *names[OWN] = {
		[TIME] = time_field,
		[ID] = id_field,
		[VERSION] = TRACE "version",
		[LEARN] = TRACE "learn_until_ns",
		[END] = TRACE "end_ns",
		[TERM_RULE] = TRACE "terms.rule",
		[TERM_KEY] = TRACE "terms.key",
		[TERM_SEEN] = TRACE "terms.last_seen_ns",
	};
	size_t n_slots;

	if (d == NULL)
		return NULL;
	d->rules = rules;
	d->n_fields = rules_field_count(rules);
	memcpy(d->own_names, names, sizeof(names));
	own_place(d);
	d->acting_user = rules_field_find(rules, VIEW(DOCUMENT_ACTING_USER));
	n_slots = d->n_fields + OWN;
	d->ndjson = ndjson_new(find_field, d, n_slots);
	d->record = (struct record){
		.n_slots = (uint32_t)n_slots,
		.slots = calloc(n_slots, sizeof(struct slot)),
		.fill = fill_nothing,
		.ctx = d,
	};
	if (d->ndjson == NULL || d->record.slots == NULL) {
		document_free(d);
		return NULL;
	}
	ndjson_mark(d->ndjson, d->own_slots[ID]);
	return d;
}

void
document_free(struct document *d)
{
	if (d == NULL)
		return;
	ndjson_free(d->ndjson);
	free(d->record.slots);
	buf_free(&d->id);
	free(d);
}

struct record *
document_record(struct document *d)
{
	return &d->record;
}

static const struct slot *
own_slot(const struct document *d, enum own own)
{
	static const struct slot none = { 0 };
	const struct slot *s = &d->record.slots[d->own_slots[own]];

	return s->generation == d->record.generation ? s : &none;
}

/* A string is encoded as all others are; a number keeps its digits. */
struct view
document_id(struct document *d)
{
	const struct slot *s = own_slot(d, ID);
	struct view given = ndjson_marked(d->ndjson);

	if (d->id.n > 0 && !d->id.failed)
		return buf_view(&d->id);
	if (s->n == 0)
		given = VIEW("null");
	if (view_starts(given, VIEW("\"")) && s->v[0].type == VALUE_STRING)
		buf_json_string(&d->id, s->v[0].s);
	else
		buf_put(&d->id, given);
	return d->id.failed ? VIEW("null") : buf_view(&d->id);
}

/* RFC 3339, or nanoseconds since 1970 as a number or its text. */
static bool
time_read(const struct value *v, uint64_t *wall_ns)
{
	if (v->type == VALUE_INT && v->i >= 0) {
		*wall_ns = (uint64_t)v->i;
		return true;
	}
	if (v->type != VALUE_STRING)
		return false;
	return rfc3339_read(v->s, wall_ns) || view_to_u64(v->s, wall_ns);
}

bool
document_time(const struct document *d, uint64_t *wall_ns)
{
	const struct slot *s = own_slot(d, TIME);

	return s->n > 0 && time_read(&s->v[0], wall_ns);
}

/* ---- aliases --------------------------------------------------------- */

static bool
is_ours(const struct document *d)
{
	const struct slot *s = &d->record.slots[FIELD_AGENT_TYPE];

	return s->generation == d->record.generation && s->n == 1 &&
	       s->v[0].type == VALUE_STRING &&
	       view_eq(s->v[0].s, VIEW("tocsin"));
}

/* The values of `from` behind those of `to`. */
static bool
slot_append(struct document *d, struct slot *to, const struct slot *from)
{
	size_t n = (size_t)to->n + from->n;
	struct value *v = ndjson_alloc(d->ndjson, n, sizeof(*v));

	if (v == NULL)
		return false;
	memcpy(v, to->v, to->n * sizeof(*v));
	memcpy(v + to->n, from->v, from->n * sizeof(*v));
	to->v = v;
	to->n = (uint32_t)n;
	return true;
}

static bool
add_aliases(struct document *d)
{
	struct record *r = &d->record;

	for (unsigned f = 0; f < FIELDS_FILLED; f++) {
		unsigned alias = field_alias(f);

		if (alias == FIELD_NONE ||
		    r->slots[f].generation != r->generation ||
		    r->slots[alias].generation != r->generation)
			continue;
		if (!slot_append(d, &r->slots[f], &r->slots[alias]))
			return false;
	}
	return true;
}

static void
lend_acting_user(struct document *d)
{
	struct slot *slots = d->record.slots;
	unsigned from = is_ours(d) ? FIELD_USER_REAL_ID : FIELD_USER_ID;

	if (d->acting_user >= 0)
		slots[d->acting_user] = slots[from];
}

/* Alerts name events by event.id. */
static void
lend_id(struct document *d)
{
	struct slot *id = &d->record.slots[FIELD_EVENT_ID];
	const struct slot *given = own_slot(d, ID);

	if (id->generation != d->record.generation && given->n > 0)
		*id = *given;
}

/* ---- reading --------------------------------------------------------- */

static void
next_generation(struct record *r)
{
	if (++r->generation != 0)
		return;
	memset(r->slots, 0, r->n_slots * sizeof(*r->slots));
	r->generation = 1;
}

static enum document_verdict
fault(struct ndjson_fault *f, const char *at, const char *why)
{
	*f = (struct ndjson_fault){ at, why };
	return DOCUMENT_FAULT;
}

static const char *
value_place(const struct document *d, const struct value *v)
{
	return v->type == VALUE_STRING ? v->s.p : d->line;
}

enum document_verdict
document_read(struct document *d, struct view line, struct ndjson_fault *f)
{
	uint64_t time_ns;

	next_generation(&d->record);
	buf_clear(&d->id);
	d->line = line.p;
	if (ndjson_parse(d->ndjson, line.p, line.p + line.n + 1, &d->record,
			 f) == NULL)
		return DOCUMENT_FAULT;
	if (own_slot(d, VERSION)->n > 0)
		return DOCUMENT_TRACE;
	if (own_slot(d, TIME)->n > 0 && !document_time(d, &time_ns))
		return fault(f, value_place(d, &own_slot(d, TIME)->v[0]),
			     "the time is neither RFC 3339 nor nanoseconds "
			     "since 1970");
	if (is_ours(d) && !add_aliases(d))
		return fault(f, line.p, "out of memory");
	lend_id(d);
	lend_acting_user(d);
	return DOCUMENT_EVENT;
}

/* ---- traces ---------------------------------------------------------- */

static bool
hex_nibble(char c, uint8_t *out)
{
	if (c >= '0' && c <= '9')
		*out = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*out = (uint8_t)(c - 'a' + 10);
	else
		return false;
	return true;
}

static bool
key_read(const struct value *v, uint8_t key[16])
{
	uint8_t high, low;

	if (v->type != VALUE_STRING || v->s.n != 32)
		return false;
	for (size_t i = 0; i < 16; i++) {
		if (!hex_nibble(v->s.p[2 * i], &high) ||
		    !hex_nibble(v->s.p[2 * i + 1], &low))
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static int
trace_fault(struct document *d, struct ndjson_fault *f, const char *why)
{
	*f = (struct ndjson_fault){ d->line, why };
	return -1;
}

int
document_learning(struct document *d, uint64_t *until_ns,
		  struct ndjson_fault *f)
{
	const struct slot *version = own_slot(d, VERSION);
	const struct slot *learn = own_slot(d, LEARN);

	*until_ns = 0;
	if (version->v[0].type != VALUE_INT || version->v[0].i != 1)
		return trace_fault(d, f, "the trace is of an unknown version");
	if (learn->n > 0 && !time_read(&learn->v[0], until_ns))
		return trace_fault(d, f, "learn_until_ns must be a number");
	return 0;
}

int
document_end(struct document *d, uint64_t *end_ns, struct ndjson_fault *f)
{
	const struct slot *end = own_slot(d, END);

	*end_ns = 0;
	if (end->n > 0 && !time_read(&end->v[0], end_ns))
		return trace_fault(d, f, "end_ns must be a number");
	return 0;
}

int
document_terms(struct document *d,
	       void (*each)(void *ctx, const struct document_term *), void *ctx,
	       struct ndjson_fault *f)
{
	const struct slot *rule = own_slot(d, TERM_RULE);
	const struct slot *key = own_slot(d, TERM_KEY);
	const struct slot *seen = own_slot(d, TERM_SEEN);
	struct document_term term;

	if (rule->n != key->n || rule->n != seen->n)
		return trace_fault(d, f,
				   "a term wants rule, key and last_seen_ns");
	for (uint32_t i = 0; i < rule->n; i++) {
		if (rule->v[i].type != VALUE_STRING ||
		    !key_read(&key->v[i], term.key) ||
		    !time_read(&seen->v[i], &term.last_seen_ns))
			return trace_fault(d, f,
					   "a term of the trace is damaged");
		term.rule = rule->v[i].s;
		each(ctx, &term);
	}
	return 0;
}
