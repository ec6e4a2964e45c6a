/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule says beside its query of what counts: windows, new terms,
 * thresholds, suppression; each name of a field with its place.
 */
#include "rules/taking.h"

void
taking_check_keys(struct taking *t, const struct doc_node *map,
		  const char *const *keys, size_t n)
{
	if (t->ours)
		doc_check_keys(t->d, map, keys, n);
}

/* ---- names of fields ------------------------------------------------- */

static int
read_fields(struct taking *t, const struct doc_node *map, const char *key,
	    enum doc_need need, struct rule_list *names,
	    const struct place **places)
{
	struct doc_texts texts = { 0 };
	const struct doc_node *n = doc_get(map, key);
	struct place *v;

	if (doc_get_texts(t->d, map, key, need, &texts) != 1)
		return -1;
	v = arena_array(t->d->arena, texts.n + 1, sizeof(*v));
	if (v == NULL)
		return doc_error(t->d, n, "out of memory");
	if (n->type == DOC_LIST)
		n = n->child;
	for (size_t i = 0; i < texts.n; i++, n = n->next)
		v[i] = doc_text_place(t->d, n, key);
	*names = (struct rule_list){ texts.v, texts.n };
	*places = v;
	return 0;
}

/* ---- windows --------------------------------------------------------- */

/* N and a unit of date math; months and years at their longest, so that a
 * rule's memory is never shorter than it says. */
static bool
read_span(struct view v, uint64_t *ns)
{
	struct view number = view_sub(v, 0, v.n > 0 ? v.n - 1 : 0);
	uint64_t n, days;

	switch (v.n > 0 ? v.p[v.n - 1] : 0) {
	case 'M':
		days = 31;
		break;
	case 'y':
		days = 366;
		break;
	default:
		return duration_read(v, ns);
	}
	return view_to_u64(number, &n) &&
	       !__builtin_mul_overflow(n, days * 86400 * NS_PER_SEC, ns);
}

/* "now-7d", "now-1M-12h", also rounded ("now-7d/d"). */
static bool
read_now_minus(struct view v, uint64_t *ns)
{
	ssize_t end = view_find(v, '/');
	uint64_t span;

	if (end >= 0)
		v.n = (size_t)end;
	if (!view_starts(v, VIEW("now-")))
		return false;
	*ns = 0;
	do {
		v = view_sub(v, (size_t)view_find(v, '-') + 1, v.n);
		end = view_find(v, '-');
		if (!read_span(end < 0 ? v : view_sub(v, 0, (size_t)end),
			       &span) ||
		    __builtin_add_overflow(*ns, span, ns))
			return false;
	} while (end >= 0);
	return *ns > 0;
}

static void
read_window(struct taking *t, const char *key, uint64_t *ns)
{
	const struct doc_node *n = doc_get(t->map, key);
	struct view v = VIEW_NONE;

	if (doc_get_text(t->d, t->map, key, DOC_OPTIONAL, &v) != 1)
		return;
	if (!read_now_minus(v, ns))
		doc_error(t->d, n,
			  "\"%s\" must be like now-7d or now-9m, before "
			  "now",
			  key);
}

/* ---- new terms and thresholds ---------------------------------------- */

static void
read_new_terms(struct taking *t)
{
	if (read_fields(t, t->map, "new_terms_fields", DOC_REQUIRED,
			&t->s.new_terms_fields, &t->s.places.new_terms) == 0 &&
	    t->s.new_terms_fields.n > 3)
		doc_error(t->d, doc_get(t->map, "new_terms_fields"),
			  "\"new_terms_fields\" are 1 to 3 fields");
	read_window(t, "history_window_start", &t->s.history_window_ns);
}

/* Kibana writes a list of one. */
static void
read_cardinality(struct taking *t, const struct doc_node *map)
{
	static const char *const keys[] = { "field", "value" };
	const struct doc_node *n = doc_get(map, "cardinality");
	int64_t value = 0;

	if (n != NULL && n->type == DOC_LIST)
		n = n->child;
	if (n == NULL || n->type == DOC_NULL)
		return;
	if (n->type != DOC_MAP) {
		doc_error(t->d, n, "needs the keys field and value");
		return;
	}
	taking_check_keys(t, n, keys, ARRAY_LEN(keys));
	if (doc_get_text(t->d, n, "field", DOC_REQUIRED,
			 &t->s.threshold.cardinality_field) == 1)
		t->s.places.cardinality =
			doc_text_place(t->d, doc_get(n, "field"), "field");
	if (doc_get_int(t->d, n, "value", (struct doc_range){ 1, INT32_MAX },
			&value) == 0)
		doc_error(t->d, n, "the key \"value\" is missing");
	t->s.threshold.cardinality_value = (uint64_t)value;
}

static void
read_threshold(struct taking *t)
{
	static const char *const keys[] = { "field", "value", "cardinality" };
	const struct doc_node *map = NULL;
	struct rule_list *fields = &t->s.threshold.fields;
	int64_t value = 0;

	if (doc_get_map(t->d, t->map, "threshold", DOC_REQUIRED, &map) != 1)
		return;
	taking_check_keys(t, map, keys, ARRAY_LEN(keys));
	read_fields(t, map, "field", DOC_OPTIONAL, fields,
		    &t->s.places.threshold);
	/* Kibana writes "no field" as one empty name, too. */
	if (fields->n == 1 && fields->v[0].n == 0)
		fields->n = 0;
	if (doc_get_int(t->d, map, "value", (struct doc_range){ 1, INT32_MAX },
			&value) == 0)
		doc_error(t->d, map, "the key \"value\" is missing");
	t->s.threshold.value = (uint64_t)value;
	read_cardinality(t, map);
}

/* ---- suppression ----------------------------------------------------- */

/* One run of a rule, where Kibana says no time. */
#define DEFAULT_SUPPRESS_NS (300 * NS_PER_SEC)

/* Kibana: {value: 5, unit: m}; ours may also be "5m". */
static uint64_t
read_suppress_time(struct taking *t, const struct doc_node *map)
{
	const struct doc_node *n = doc_get(map, "duration"), *inner = NULL;
	struct view unit = VIEW_NONE, text;
	int64_t value = 0;
	uint64_t ns = DEFAULT_SUPPRESS_NS;

	if (n == NULL || n->type == DOC_NULL)
		return ns;
	if (n->type != DOC_MAP) {
		doc_get_duration(t->d, map, "duration", DOC_REQUIRED, &ns);
		return ns;
	}
	if (doc_get_map(t->d, map, "duration", DOC_REQUIRED, &inner) != 1 ||
	    doc_get_int(t->d, inner, "value", (struct doc_range){ 1, 1000000 },
			&value) != 1 ||
	    doc_get_text(t->d, inner, "unit", DOC_REQUIRED, &unit) != 1)
		return ns;
	text = arena_printf(t->d->arena, "%lld%.*s", (long long)value,
			    (int)unit.n, unit.p);
	if (!duration_read(text, &ns))
		doc_error(t->d, inner, "\"unit\" must be s, m or h");
	return ns;
}

/* The groups of a threshold rule are its own. */
static void
read_groups(struct taking *t, const struct doc_node *map)
{
	const struct doc_node *n = doc_get(map, "group_by");

	if (t->s.rule.kind != RULE_THRESHOLD)
		read_fields(t, map, "group_by", DOC_REQUIRED,
			    &t->s.rule.suppress_by, &t->s.places.suppress);
	else if (n != NULL && n->type != DOC_NULL)
		doc_error(t->d, n,
			  "a threshold rule is suppressed by the fields of "
			  "\"threshold\"; take \"group_by\" out");
}

static void
read_missing(struct taking *t, const struct doc_node *map)
{
	static const char key[] = "missing_fields_strategy";
	struct view v = VIEW("suppress");

	if (doc_get_text(t->d, map, key, DOC_OPTIONAL, &v) < 0)
		return;
	t->s.rule.suppress_not_missing = view_eq(v, VIEW("doNotSuppress"));
	if (!t->s.rule.suppress_not_missing && !view_eq(v, VIEW("suppress")))
		doc_error(t->d, doc_get(map, key),
			  "\"%s\" must be suppress or doNotSuppress", key);
}

static void
read_suppression(struct taking *t)
{
	static const char *const keys[] = { "group_by", "duration",
					    "missing_fields_strategy" };
	const struct doc_node *map = NULL;

	if (doc_get_map(t->d, t->map, "alert_suppression", DOC_OPTIONAL,
			&map) != 1)
		return;
	taking_check_keys(t, map, keys, ARRAY_LEN(keys));
	read_groups(t, map);
	read_missing(t, map);
	t->s.rule.suppress_ns = read_suppress_time(t, map);
	if (t->s.rule.suppress_ns == 0)
		doc_error(t->d, doc_get(map, "duration"),
			  "\"duration\" must be more than nothing");
}

/* ---- all ------------------------------------------------------------- */

void
taking_read_kind(struct taking *t)
{
	if (t->s.rule.kind == RULE_NEW_TERMS)
		read_new_terms(t);
	if (t->s.rule.kind == RULE_THRESHOLD)
		read_threshold(t);
	read_window(t, "from", &t->s.lookback_ns);
	read_suppression(t);
}
