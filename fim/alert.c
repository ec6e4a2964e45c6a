/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches become alerts: identity, evidence, suppression. */
#include "fim/alert.h"

#include "fim/evidence.h"
#include "fim/fields.h"
#include "fim/suppress.h"

#include <sodium.h>
#include <stdlib.h>

struct window {		   /* of one rule */
	uint64_t start_ns; /* 0 = none open */
	uint64_t sent, suppressed;
};

struct alerter {
	const struct rules *rules;
	struct alert_sink sink;
	struct suppress *suppress;
	struct evidence *evidence;
	struct window *windows; /* one a rule */
	uint64_t next_end_ns;	/* no open window ends before this */
	struct slot *slots;
	uint32_t generation;
	uint64_t lost, incomplete, alike;
	struct arena arena; /* of the alert being made */
};

/* What the fill function of an alert's record looks at. */
struct making {
	struct alerter *alerter;
	struct record *source; /* the event; NULL for a summary */
	bool no_source;	       /* there is one, and no memory to read it */
	const struct rules_match *match;
	const struct rule *rule;
	struct view id;
	uint64_t time_ns, suppressed;
};

struct alerter *
alerter_new(const struct rules *rules, const struct alert_sink *sink)
{
	struct alerter *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->rules = rules;
	a->sink = *sink;
	a->windows = calloc(rules_count(rules) + 1, sizeof(*a->windows));
	a->slots = calloc(FIELDS_FILLED, sizeof(*a->slots));
	a->suppress = suppress_new(rules);
	a->evidence = evidence_new(rules);
	if (a->windows == NULL || a->slots == NULL || a->suppress == NULL ||
	    a->evidence == NULL) {
		alerter_free(a);
		return NULL;
	}
	return a;
}

void
alerter_free(struct alerter *a)
{
	if (a == NULL)
		return;
	arena_free(&a->arena);
	suppress_free(a->suppress);
	evidence_free(a->evidence);
	free(a->windows);
	free(a->slots);
	free(a);
}

uint64_t
alerter_lost(const struct alerter *a)
{
	return a->lost;
}

uint64_t
alerter_alike(const struct alerter *a)
{
	return a->alike;
}

uint64_t
alerter_incomplete(const struct alerter *a)
{
	return a->incomplete;
}

/* ---- values of the alert's own fields -------------------------------- */

static void
set_values(struct slot *s, struct arena *arena, size_t n)
{
	struct value *v = arena_array(arena, n, sizeof(*v));

	s->v = v;
	s->n = v == NULL ? 0 : (uint32_t)n;
}

static void
set_string(struct slot *s, struct arena *arena, struct view string)
{
	if (string.n == 0)
		return;
	set_values(s, arena, 1);
	if (s->n == 1)
		*(struct value *)s->v =
			(struct value){ VALUE_STRING, .s = string };
}

static void
set_int(struct slot *s, struct arena *arena, int64_t i)
{
	set_values(s, arena, 1);
	if (s->n == 1)
		*(struct value *)s->v = (struct value){ VALUE_INT, .i = i };
}

static void
set_list(struct slot *s, struct arena *arena, const struct rule_list *list)
{
	set_values(s, arena, list->n);
	for (uint32_t i = 0; i < s->n; i++)
		((struct value *)s->v)[i] =
			(struct value){ VALUE_STRING, .s = list->v[i] };
}

/* Adds a string to a list of different strings; `max` bounds the slot. */
static void
add_once(struct slot *s, uint32_t max, struct view string)
{
	struct value *v = (struct value *)s->v;

	if (string.n == 0 || s->n >= max)
		return;
	for (uint32_t i = 0; i < s->n; i++) {
		if (view_eq(v[i].s, string))
			return;
	}
	v[s->n++] = (struct value){ VALUE_STRING, .s = string };
}

static struct view
threat_view(const struct rule_threat *t, unsigned field)
{
	switch (field) {
	case FIELD_THREAT_FRAMEWORK:
		return t->framework;
	case FIELD_THREAT_TACTIC_ID:
		return t->tactic_id;
	case FIELD_THREAT_TACTIC_NAME:
		return t->tactic_name;
	default:
		return t->tactic_reference;
	}
}

static struct view
technique_view(const struct rule_technique *t, unsigned field)
{
	switch (field) {
	case FIELD_THREAT_TECHNIQUE_ID:
	case FIELD_THREAT_SUBTECHNIQUE_ID:
		return t->id;
	case FIELD_THREAT_TECHNIQUE_NAME:
	case FIELD_THREAT_SUBTECHNIQUE_NAME:
		return t->name;
	default:
		return t->reference;
	}
}

/* MITRE writes sub-techniques as T1234.001. */
static bool
technique_wanted(const struct rule_technique *t, unsigned field)
{
	bool sub = view_find(t->id, '.') >= 0;

	return sub == (field >= FIELD_THREAT_SUBTECHNIQUE_ID);
}

static void
set_threat(struct slot *s, struct arena *arena, const struct rule *rule,
	   unsigned field)
{
	bool tactic = field < FIELD_THREAT_TECHNIQUE_ID;
	size_t max = 0;

	for (size_t i = 0; i < rule->n_threats; i++)
		max += tactic ? 1 : rule->threats[i].n_techniques;
	set_values(s, arena, max);
	if (s->n != max)
		return;
	s->n = 0;
	for (size_t i = 0; i < rule->n_threats; i++) {
		const struct rule_threat *t = &rule->threats[i];

		if (tactic)
			add_once(s, (uint32_t)max, threat_view(t, field));
		for (size_t k = 0; !tactic && k < t->n_techniques; k++) {
			if (technique_wanted(&t->techniques[k], field))
				add_once(s, (uint32_t)max,
					 technique_view(&t->techniques[k],
							field));
		}
	}
}

static void
set_related(struct slot *s, struct arena *arena, struct record *source,
	    const unsigned *fields, size_t n)
{
	if (source == NULL)
		return;
	set_values(s, arena, n);
	if (s->n != n)
		return;
	s->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct slot *from = record_get(source, fields[i]);

		if (from->n > 0 && from->v[0].type == VALUE_STRING)
			add_once(s, (uint32_t)n, from->v[0].s);
	}
}

static void
set_hits(struct slot *s, struct making *m, bool summaries)
{
	struct arena *arena = &m->alerter->arena;
	const struct rules_match *match = m->match;
	struct value *v;

	if (match == NULL || (summaries && match->n < 2))
		return;
	set_values(s, arena, match->n);
	v = (struct value *)s->v;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct alert_pin *pin = match->hits[i].pinned;
		struct buf text = { 0 };

		v[i] = (struct value){ VALUE_STRING, .s = VIEW("-") };
		if (match->hits[i].missing)
			continue;
		if (pin != NULL && summaries) {
			v[i].s = pin->summary;
		} else if (pin != NULL) {
			if (pin->named)
				v[i] = pin->id;
		} else if (m->source != NULL && summaries) {
			alert_summary(m->source, &text);
			v[i].s = arena_take(arena, &text);
		} else if (m->source != NULL) {
			const struct slot *id =
				record_get(m->source, FIELD_EVENT_ID);
			if (id->n > 0)
				v[i] = id->v[0];
		}
	}
}

static void
set_terms(struct slot *s, struct making *m)
{
	if (m->match == NULL || m->match->n_terms == 0)
		return;
	set_values(s, &m->alerter->arena, m->match->n_terms);
	for (uint32_t i = 0; i < s->n; i++)
		((struct value *)s->v)[i] = m->match->terms[i];
}

static void
set_message(struct slot *s, struct making *m)
{
	struct arena *arena = &m->alerter->arena;
	struct buf text = { 0 };

	buf_put(&text, m->rule->name);
	if (m->suppressed > 0) {
		buf_printf(&text, ": %llu more alerts within five minutes",
			   (unsigned long long)m->suppressed);
	} else if (m->source != NULL) {
		buf_puts(&text, ": ");
		alert_summary(m->source, &text);
	}
	set_string(s, arena, arena_take(arena, &text));
}

/* As the event has it, if that is a date to others as well: recorded events may
 * have another field for their time, or a number of nanoseconds. */
static void
set_time(struct slot *s, struct making *m)
{
	struct buf text = { 0 };

	if (s->n == 1 && s->v[0].type == VALUE_STRING)
		return;
	buf_rfc3339(&text, m->time_ns);
	set_string(s, &m->alerter->arena,
		   arena_take(&m->alerter->arena, &text));
}

static const unsigned related_users[] = { FIELD_USER_NAME, FIELD_USER_REAL_NAME,
					  FIELD_FILE_OWNER };
static const unsigned related_ips[] = { FIELD_SOURCE_IP, FIELD_DESTINATION_IP };
static const unsigned related_hashes[] = { FIELD_FILE_SHA256 };

/* What the rule says. */
static bool
fill_rule(struct making *m, unsigned field, struct slot *s)
{
	struct arena *arena = &m->alerter->arena;
	const struct rule *rule = m->rule;

	switch (field) {
	case FIELD_EVENT_SEVERITY:
		set_int(s, arena, rule->risk_score);
		return true;
	case FIELD_TAGS:
		set_list(s, arena, &rule->tags);
		return true;
	case FIELD_RULE_ID:
		set_string(s, arena, rule->id);
		return true;
	case FIELD_RULE_NAME:
		set_string(s, arena, rule->name);
		return true;
	case FIELD_RULE_DESCRIPTION:
		set_string(s, arena, rule->description);
		return true;
	case FIELD_RULE_LEVEL:
		set_string(s, arena, rule->severity);
		return true;
	case FIELD_RULE_REFERENCE:
		set_list(s, arena, &rule->references);
		return true;
	default:
		if (field < FIELD_THREAT_FRAMEWORK ||
		    field > FIELD_THREAT_SUBTECHNIQUE_REFERENCE)
			return false;
		set_threat(s, arena, rule, field);
		return true;
	}
}

/* What the alert itself adds. */
static bool
fill_own(struct making *m, unsigned field, struct slot *s)
{
	struct arena *arena = &m->alerter->arena;

	switch (field) {
	case FIELD_EVENT_KIND:
		set_string(s, arena, VIEW("alert"));
		return true;
	case FIELD_MESSAGE:
		set_message(s, m);
		return true;
	case FIELD_RELATED_USER:
		set_related(s, arena, m->source, related_users,
			    ARRAY_LEN(related_users));
		return true;
	case FIELD_RELATED_IP:
		set_related(s, arena, m->source, related_ips,
			    ARRAY_LEN(related_ips));
		return true;
	case FIELD_RELATED_HASH:
		set_related(s, arena, m->source, related_hashes,
			    ARRAY_LEN(related_hashes));
		return true;
	case FIELD_ALERT_ID:
		set_string(s, arena, m->id);
		return true;
	case FIELD_ALERT_EVENTS:
		set_hits(s, m, false);
		return true;
	case FIELD_ALERT_STAGES:
		set_hits(s, m, true);
		return true;
	case FIELD_ALERT_TERMS:
		set_terms(s, m);
		return true;
	case FIELD_ALERT_COUNT:
		if (m->match != NULL && m->rule->kind == RULE_THRESHOLD)
			set_int(s, arena, (int64_t)m->match->count);
		return true;
	case FIELD_ALERT_SUPPRESSED:
		if (m->suppressed > 0)
			set_int(s, arena, (int64_t)m->suppressed);
		return true;
	default:
		return false;
	}
}

/* To rules, what cannot be known may be "", as process.executable of a file
 * that was found there; who reads an alert is not told of it. */
static bool
says_nothing(const struct slot *s)
{
	return s->n == 1 && s->v[0].type == VALUE_STRING && s->v[0].s.n == 0;
}

static void
fill(struct record *r, unsigned field)
{
	struct making *m = r->ctx;
	struct slot *s = &r->slots[field];

	if (fill_rule(m, field, s) || fill_own(m, field, s))
		return;
	if (m->source != NULL) {
		const struct slot *from = record_get(m->source, field);

		s->n = says_nothing(from) ? 0 : from->n;
		s->v = from->v;
	}
	if (field == FIELD_TIMESTAMP)
		set_time(s, m);
}

/* ---- identity and delivery ------------------------------------------- */

static void
hash_view(crypto_generichash_state *h, struct view v)
{
	uint64_t n = v.n; /* lengths keep ("a","bc") and ("ab","c") apart */

	crypto_generichash_update(h, (const void *)&n, sizeof(n));
	crypto_generichash_update(h, (const void *)v.p, v.n);
}

static void
hash_value(crypto_generichash_state *h, const struct value *v)
{
	int64_t bits = v->type == VALUE_BOOL ? v->b : v->i;

	if (v->type == VALUE_STRING)
		hash_view(h, v->s);
	else
		hash_view(h,
			  (struct view){ (const char *)&bits, sizeof(bits) });
}

static struct view
alert_id(struct making *m)
{
	crypto_generichash_state h;
	unsigned char digest[16];
	struct slot events = { 0 };
	struct buf hex = { 0 };

	crypto_generichash_init(&h, NULL, 0, sizeof(digest));
	hash_view(&h, m->rule->id);
	set_hits(&events, m, false);
	if (m->match != NULL && events.n < m->match->n)
		return VIEW_NONE; /* no memory */
	for (uint32_t i = 0; i < events.n; i++)
		hash_value(&h, &events.v[i]);
	if (m->match == NULL)
		hash_view(&h, (struct view){ (const char *)&m->time_ns,
					     sizeof(m->time_ns) });
	for (size_t i = 0; m->match != NULL && i < m->match->n_terms; i++)
		hash_value(&h, &m->match->terms[i]);
	crypto_generichash_final(&h, digest, sizeof(digest));
	buf_hex(&hex, digest, sizeof(digest));
	return arena_take(&m->alerter->arena, &hex);
}

/* False: it could not be made. */
static bool
deliver(struct making *m)
{
	struct alerter *a = m->alerter;
	struct record record = {
		.time_ns = m->time_ns,
		.n_slots = FIELDS_FILLED,
		.slots = a->slots,
		.fill = fill,
		.ctx = m,
	};
	struct alert alert = {
		.rule = m->rule,
		.time_ns = m->time_ns,
		.suppressed = m->suppressed,
		.record = &record,
	};

	if (++a->generation == 0)
		a->generation = 1;
	record.generation = a->generation;
	m->id = alert_id(m);
	alert.id = m->id;
	if (m->id.n == 0)
		a->lost++;
	else
		a->sink.take(a->sink.ctx, &alert);
	/* Its values are made as they are asked for. */
	a->incomplete += m->id.n > 0 && (m->no_source || a->arena.failed);
	arena_reset(&a->arena);
	return alert.id.n > 0;
}

/* ---- suppression ----------------------------------------------------- */

static void
close_window(struct alerter *a, size_t rule_index)
{
	struct window *w = &a->windows[rule_index];
	struct making m = {
		.alerter = a,
		.rule = rules_at(a->rules, rule_index),
		.time_ns = w->start_ns + ALERT_WINDOW_NS,
		.suppressed = w->suppressed,
	};

	memset(w, 0, sizeof(*w));
	if (m.suppressed > 0)
		deliver(&m);
}

static uint64_t
window_end(const struct window *w)
{
	if (w->start_ns == 0 || w->start_ns > UINT64_MAX - ALERT_WINDOW_NS)
		return UINT64_MAX;
	return w->start_ns + ALERT_WINDOW_NS;
}

/* Summaries go out in the order in which their windows end, whoever looks
 * first, so that live and replayed streams agree. */
static ssize_t
next_to_close(const struct alerter *a, uint64_t time_ns)
{
	ssize_t found = -1;

	for (size_t i = 0; i < rules_count(a->rules); i++) {
		const struct window *w = &a->windows[i];

		if (window_end(w) == UINT64_MAX || window_end(w) > time_ns)
			continue;
		if (found < 0 || w->start_ns < a->windows[found].start_ns)
			found = (ssize_t)i;
	}
	return found;
}

/* Asked at every event, so the answer "none" must cost nothing. */
void
alerter_watermark(struct alerter *a, uint64_t time_ns)
{
	ssize_t i;

	if (time_ns < a->next_end_ns)
		return;
	while ((i = next_to_close(a, time_ns)) >= 0)
		close_window(a, (size_t)i);
	a->next_end_ns = UINT64_MAX;
	for (size_t k = 0; k < rules_count(a->rules); k++) {
		uint64_t end_ns = window_end(&a->windows[k]);

		if (end_ns < a->next_end_ns)
			a->next_end_ns = end_ns;
	}
}

void
alerter_flush(struct alerter *a)
{
	alerter_watermark(a, UINT64_MAX);
}

static void
open_window(struct alerter *a, struct window *w, uint64_t time_ns)
{
	w->start_ns = time_ns == 0 ? 1 : time_ns;
	if (window_end(w) < a->next_end_ns)
		a->next_end_ns = window_end(w);
}

void
alerter_match(struct alerter *a, struct record *source,
	      const struct rules_match *match)
{
	struct window *w = &a->windows[match->rule_index];
	struct making m = {
		.alerter = a,
		.match = match,
		.rule = match->rule,
	};

	if (source == NULL)
		source = evidence_read(a->evidence, match, &m.no_source);
	m.source = source;
	if (source != NULL)
		m.time_ns = source->time_ns;
	else if (match->n > 0)
		m.time_ns = match->hits[match->n - 1].time_ns;
	alerter_watermark(a, m.time_ns);
	if (source != NULL && suppress_check(a->suppress, source, match)) {
		a->alike++;
		return;
	}
	if (w->start_ns == 0)
		open_window(a, w, m.time_ns);
	if (w->sent >= match->rule->max_signals) {
		w->suppressed++;
		return;
	}
	w->sent++;
	/* What is not given is not remembered: the next one may be. */
	if (deliver(&m) && source != NULL)
		suppress_remember(a->suppress);
}
