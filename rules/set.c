/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set before it is sealed: fields, rules, lists, exceptions. */
#include "rules/engine.h"

#include <stdlib.h>

void *
set_grow(struct arena *arena, void *v, size_t n, size_t *cap, size_t size)
{
	size_t room = *cap == 0 ? 8 : *cap * 2;
	void *bigger;

	if (n < *cap)
		return v;
	bigger = arena_array(arena, room, size);
	if (bigger == NULL)
		return NULL;
	if (n > 0)
		memcpy(bigger, v, n * size);
	*cap = room;
	return bigger;
}

void *
set_extend(void *v, size_t n, size_t *cap, size_t size)
{
	size_t room = *cap == 0 ? 8 : *cap + *cap / 2;
	void *bigger;

	if (n < *cap)
		return v;
	bigger = reallocarray(v, room, size);
	if (bigger != NULL)
		*cap = room;
	return bigger;
}

/* ---- fields ---------------------------------------------------------- */

static struct name_slot *
name_slot(const struct rules *set, struct view name)
{
	size_t at = literal_hash(name) & set->names_mask;

	while (set->names[at].field1 != 0 &&
	       !view_eq(set->names[at].name, name))
		at = (at + 1) & set->names_mask;
	return &set->names[at];
}

static int
names_grow(struct rules *set, size_t size)
{
	struct name_slot *old = set->names;
	size_t n = old == NULL ? 0 : set->names_mask + 1;

	set->names = arena_array(&set->arena, size, sizeof(*set->names));
	if (set->names == NULL) {
		set->names = old;
		return -1;
	}
	memset(set->names, 0, size * sizeof(*set->names));
	set->names_mask = size - 1;
	for (size_t i = 0; i < n; i++)
		if (old[i].field1 != 0)
			*name_slot(set, old[i].name) = old[i];
	return 0;
}

static int
add_name(struct rules *set, const char *name, size_t field)
{
	struct view v = view_of(name);

	if ((field + 2) * 2 > set->names_mask + 1 &&
	    names_grow(set, (set->names_mask + 1) * 2) < 0)
		return -1;
	*name_slot(set, v) =
		(struct name_slot){ .name = v, .field1 = (uint32_t)field + 1 };
	return 0;
}

/* Looked up by all of `key`; its name begins at byte `skip`. */
static int
add_open_field(struct rules *set, struct view key, size_t skip)
{
	const char **v = set_grow(&set->arena, set->open_names, set->n_open,
				  &set->cap_open, sizeof(*v));
	struct view copy = arena_copy(&set->arena, key);
	size_t field = set->schema->n + set->n_open;

	if (v == NULL || copy.p == NULL || add_name(set, copy.p, field) < 0)
		return -1;
	set->open_names = v;
	v[set->n_open++] = copy.p + skip;
	return (int)field;
}

int
rules_field_find(const struct rules *set, struct view name)
{
	return (int)name_slot(set, name)->field1 - 1;
}

/* "a.b.c" is one of "a.b.*", or of "a.*". */
static int
family_field(const struct rules *set, struct view name)
{
	char family[64]; /* longer than any of a schema */
	int field = -1;

	for (size_t n = name.n; n > 1 && field < 0; n--) {
		if (name.p[n - 1] != '.' || n >= sizeof(family))
			continue;
		memcpy(family, name.p, n);
		family[n] = '*';
		field = rules_field_find(set, (struct view){ family, n + 1 });
	}
	return field;
}

int
set_field(struct rules *set, struct view name)
{
	int field = rules_field_find(set, name);

	if (field >= 0 || name.n == 0)
		return field;
	if (!set->schema->open)
		return family_field(set, name);
	return set->sealed ? -1 : add_open_field(set, name, 0);
}

/* A key of its own: the name alone stays unknown, to events as well. */
#define UNMAPPED "\xff"

int
set_field_unmapped(struct rules *set, struct view name)
{
	struct buf key = { 0 };
	int field = -1;

	buf_puts(&key, UNMAPPED);
	buf_put(&key, name);
	if (!key.failed)
		field = rules_field_find(set, buf_view(&key));
	if (!key.failed && field < 0 && !set->sealed)
		field = add_open_field(set, buf_view(&key), strlen(UNMAPPED));
	buf_free(&key);
	return field;
}

const char *
set_field_unmapped_name(const struct rules *set, unsigned field)
{
	if (field & FIELD_EARLIER)
		field = set->earlier[field & ~FIELD_EARLIER].field;
	if (set->schema->open || field < set->schema->n)
		return NULL;
	return rules_field_name(set, field);
}

size_t
rules_field_count(const struct rules *set)
{
	return set->schema->n + set->n_open;
}

const char *
rules_field_name(const struct rules *set, size_t field)
{
	if (field < set->schema->n)
		return set->schema->fields[field].name;
	return set->open_names[field - set->schema->n];
}

int
set_field_earlier(struct rules *set, unsigned stage, unsigned field)
{
	struct earlier_field *v;
	struct view name;

	for (size_t i = 0; i < set->n_earlier; i++)
		if (set->earlier[i].stage == stage &&
		    set->earlier[i].field == field)
			return (int)(FIELD_EARLIER | i);
	if (set->sealed)
		return -1;
	v = set_grow(&set->arena, set->earlier, set->n_earlier,
		     &set->cap_earlier, sizeof(*v));
	name = arena_printf(&set->arena, "stage%u.%s", stage + 1,
			    set_field_name(set, field));
	if (v == NULL || name.p == NULL)
		return -1;
	set->earlier = v;
	v[set->n_earlier] = (struct earlier_field){ stage, field, name.p };
	return (int)(FIELD_EARLIER | set->n_earlier++);
}

const char *
set_field_name(const struct rules *set, unsigned field)
{
	if (field & FIELD_EARLIER)
		return set->earlier[field & ~FIELD_EARLIER].name;
	return rules_field_name(set, field);
}

enum rules_type
set_field_type(const struct rules *set, unsigned field)
{
	if (field & FIELD_EARLIER)
		field = set->earlier[field & ~FIELD_EARLIER].field;
	return rules_field_type(set, field);
}

enum rules_type
rules_field_type(const struct rules *set, size_t field)
{
	if (field < set->schema->n)
		return set->schema->fields[field].type;
	/* Whatever is told of fields beforehand, this one has the time. */
	return strcmp(rules_field_name(set, field), "@timestamp") == 0
		       ? RULES_DATE
		       : RULES_ANY;
}

const struct rules_only *
set_field_only(const struct rules *set, unsigned field)
{
	for (size_t i = 0; i < set->schema->n_only; i++)
		if (set->schema->only[i].field == field)
			return &set->schema->only[i];
	return NULL;
}

const char *
set_field_missing(const struct rules *set, unsigned field)
{
	if (field & FIELD_EARLIER)
		field = set->earlier[field & ~FIELD_EARLIER].field;
	return field < set->schema->n ? set->schema->fields[field].unsupported
				      : NULL;
}

const char *
set_field_unsupported(const struct rules *set, unsigned field)
{
	const struct rules_only *only;

	if (field & FIELD_EARLIER)
		field = set->earlier[field & ~FIELD_EARLIER].field;
	only = set_field_only(set, field);
	return only != NULL ? only->why : set_field_missing(set, field);
}

const char *
set_field_absent(const struct rules *set, unsigned field, struct view value)
{
	struct view name = view_of(set_field_name(set, field));

	for (size_t i = 0; i < set->schema->n_absent; i++) {
		const struct rules_absent *a = &set->schema->absent[i];
		struct view v = view_of(a->value);
		size_t n = view_ends(v, VIEW("*")) ? v.n - 1 : value.n;

		if (view_eq(view_of(a->field), name) &&
		    view_eq_fold(view_sub(v, 0, n), view_sub(value, 0, n)) &&
		    (n < v.n || n == value.n))
			return a->why;
	}
	return NULL;
}

bool
rules_field_used(const struct rules *set, size_t field)
{
	return set->field_used != NULL && field < rules_field_count(set) &&
	       set->field_used[field];
}

/* ---- the set --------------------------------------------------------- */

struct rules *
rules_new(const struct rules_schema *schema)
{
	struct rules *set = calloc(1, sizeof(*set));
	size_t size = 64;

	if (set == NULL)
		return NULL;
	set->schema = schema;
	while (size < schema->n * 2 + 8)
		size *= 2;
	if (names_grow(set, size) < 0) {
		rules_free(set);
		return NULL;
	}
	for (size_t i = 0; i < schema->n; i++) {
		if (add_name(set, schema->fields[i].name, i) < 0) {
			rules_free(set);
			return NULL;
		}
	}
	return set;
}

void
rules_free(struct rules *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n_regexes; i++)
		regex_free(set->regexes[i]);
	free(set->sources);
	free(set->rules);
	free(set->leaves);
	free(set->patterns);
	arena_free(&set->arena);
	free(set);
}

size_t
rules_count(const struct rules *set)
{
	return set->n_rules;
}

size_t
rules_unread(const struct rules *set)
{
	return set->n_unread;
}

const struct rule *
rules_at(const struct rules *set, size_t i)
{
	return &set->rules[i];
}

void
rules_patterns(const struct rules *set, size_t field,
	       void (*each)(void *ctx, const struct rule *,
			    struct view pattern),
	       void *ctx)
{
	for (size_t i = 0; i < set->n_patterns; i++) {
		const struct pattern_use *u = &set->patterns[i];

		if (u->field == field && set->rules[u->rule].status == RULE_OK)
			each(ctx, &set->rules[u->rule], u->text);
	}
}

/* ---- copies ---------------------------------------------------------- */

/* All copies report the lack of memory here, once. */
struct copier {
	struct arena *arena;
	bool failed;
};

static struct view
copy_view(struct copier *c, struct view v)
{
	struct view out = arena_copy(c->arena, v);

	if (v.n > 0 && out.p == NULL)
		c->failed = true;
	if (out.p == NULL)
		out.p = "";
	return out;
}

static void *
copy_bytes(struct copier *c, const void *v, size_t n, size_t size)
{
	void *out = arena_array(c->arena, n + 1, size);

	if (out == NULL)
		c->failed = true;
	else if (n > 0)
		memcpy(out, v, n * size);
	return c->failed ? NULL : out;
}

static struct rule_list
copy_list(struct copier *c, struct rule_list list)
{
	struct view *v = copy_bytes(c, list.v, list.n, sizeof(*v));

	if (v == NULL)
		return (struct rule_list){ 0 };
	for (size_t i = 0; i < list.n; i++)
		v[i] = copy_view(c, v[i]);
	return (struct rule_list){ v, list.n };
}

static const struct rule_technique *
copy_techniques(struct copier *c, const struct rule_technique *from, size_t n)
{
	struct rule_technique *v = copy_bytes(c, from, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++) {
		v[i].id = copy_view(c, v[i].id);
		v[i].name = copy_view(c, v[i].name);
		v[i].reference = copy_view(c, v[i].reference);
	}
	return v;
}

static void
copy_threats(struct copier *c, struct rule *r)
{
	struct rule_threat *v =
		copy_bytes(c, r->threats, r->n_threats, sizeof(*v));

	for (size_t i = 0; v != NULL && i < r->n_threats; i++) {
		v[i].framework = copy_view(c, v[i].framework);
		v[i].tactic_id = copy_view(c, v[i].tactic_id);
		v[i].tactic_name = copy_view(c, v[i].tactic_name);
		v[i].tactic_reference = copy_view(c, v[i].tactic_reference);
		v[i].techniques =
			copy_techniques(c, v[i].techniques, v[i].n_techniques);
	}
	r->threats = v;
}

static void
copy_investigate(struct copier *c, struct rule *r)
{
	struct rule_investigate *v =
		copy_bytes(c, r->investigate, r->n_investigate, sizeof(*v));

	for (size_t i = 0; v != NULL && i < r->n_investigate; i++) {
		v[i].label = copy_view(c, v[i].label);
		v[i].query = copy_view(c, v[i].query);
	}
	r->investigate = v;
}

static void
copy_rule(struct copier *c, struct rule *r)
{
	struct view *const texts[] = { &r->reason,	&r->id,	   &r->name,
				       &r->description, &r->query, &r->severity,
				       &r->note,	&r->file };
	struct rule_list *const lists[] = {
		&r->tags,    &r->references, &r->false_positives,
		&r->indices, &r->respond,    &r->suppress_by
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = copy_view(c, *texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		*lists[i] = copy_list(c, *lists[i]);
	copy_threats(c, r);
	copy_investigate(c, r);
}

static struct place
copy_place(struct copier *c, struct place place)
{
	place.file = copy_view(c, view_of(place.file)).p;
	place.text = copy_view(c, place.text);
	return place;
}

static const struct place *
copy_named(struct copier *c, const struct place *from, size_t n)
{
	struct place *v;

	if (from == NULL)
		return NULL;
	v = copy_bytes(c, from, n, sizeof(*v));
	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = copy_place(c, v[i]);
	return v;
}

static void
copy_places(struct copier *c, struct rule_source *s)
{
	struct rule_places *p = &s->places;

	s->query_place = copy_place(c, s->query_place);
	p->new_terms = copy_named(c, p->new_terms, s->new_terms_fields.n);
	p->threshold = copy_named(c, p->threshold, s->threshold.fields.n);
	p->suppress = copy_named(c, p->suppress, s->rule.suppress_by.n);
	p->investigate = copy_named(c, p->investigate, s->rule.n_investigate);
	p->cardinality = copy_place(c, p->cardinality);
}

/* ---- adding ---------------------------------------------------------- */

static size_t
rule_index(const struct rules *set, struct view id)
{
	size_t i = 0;

	while (i < set->n_rules && !view_eq(set->rules[i].id, id))
		i++;
	return i;
}

static int
grow_rules(struct rules *set)
{
	size_t cap = set->cap_rules;
	void *v;

	v = set_extend(set->sources, set->n_rules, &cap, sizeof(*set->sources));
	if (v == NULL)
		return -1;
	set->sources = v;
	cap = set->cap_rules;
	v = set_extend(set->rules, set->n_rules, &cap, sizeof(*set->rules));
	if (v == NULL)
		return -1;
	set->rules = v;
	set->cap_rules = cap;
	return 0;
}

int
rules_add_source(struct rules *set, const struct rule_source *source,
		 struct err *err)
{
	struct copier c = { .arena = &set->arena };
	struct rule_source s = *source;
	size_t i = rule_index(set, s.rule.id);

	copy_rule(&c, &s.rule);
	s.new_terms_fields = copy_list(&c, s.new_terms_fields);
	s.exception_lists = copy_list(&c, s.exception_lists);
	s.threshold.fields = copy_list(&c, s.threshold.fields);
	s.threshold.cardinality_field =
		copy_view(&c, s.threshold.cardinality_field);
	copy_places(&c, &s);
	s.rule.stages = 1;
	if (c.failed || (i == set->n_rules && grow_rules(set) < 0)) {
		err_add(err, source->query_place, "memory is out");
		return -1;
	}
	set->sources[i] = s;
	set->rules[i] = s.rule;
	set->n_rules += i == set->n_rules;
	return (int)i;
}

int
rules_add_query(struct rules *set, const char *id, struct view query,
		bool kuery, struct err *err)
{
	struct rule_source s = {
		.rule = { .kind = kuery ? RULE_QUERY : RULE_EQL,
			  .kuery = kuery,
			  .id = view_of(id),
			  .name = view_of(id),
			  .query = query,
			  .severity = VIEW("medium"),
			  .line = 1,
			  .risk_score = 47,
			  .max_signals = 100 },
		.query_place = { .line = 1, .column = 1 },
		.lookback_ns = UINT64_MAX,
	};

	return rules_add_source(set, &s, err) < 0 ? -1 : 0;
}

static struct named_list *
find_list(const struct rules *set, struct view name)
{
	for (size_t i = 0; i < set->n_lists; i++)
		if (view_eq(set->lists[i].name, name))
			return &set->lists[i];
	return NULL;
}

const struct named_list *
set_list(struct rules *set, struct view name)
{
	struct named_list *l = find_list(set, name);

	if (l == NULL || !l->defined)
		return NULL;
	if (!set->sealed)
		l->used = true;
	return l;
}

static struct named_list *
make_list(struct rules *set, struct copier *c, struct view name)
{
	struct named_list *v = set_grow(&set->arena, set->lists, set->n_lists,
					&set->cap_lists, sizeof(*v));

	if (v == NULL)
		return NULL;
	set->lists = v;
	v[set->n_lists] = (struct named_list){ .name = copy_view(c, name) };
	return c->failed ? NULL : &v[set->n_lists++];
}

int
rules_define_list(struct rules *set, struct view name,
		  const struct rule_list *values, bool extend)
{
	struct copier c = { .arena = &set->arena };
	struct named_list *l = find_list(set, name);

	if (l != NULL && l->defined && !extend)
		return -1;
	if (l == NULL)
		l = make_list(set, &c, name);
	if (l == NULL)
		return -1;
	l->defined |= !extend;
	for (size_t i = 0; i < values->n; i++) {
		struct view *v =
			set_grow(&set->arena, l->v, l->n, &l->cap, sizeof(*v));

		if (v == NULL)
			return -1;
		l->v = v;
		v[l->n++] = copy_view(&c, values->v[i]);
	}
	return c.failed ? -1 : 0;
}

void
rules_place_list(struct rules *set, struct view name, struct place place)
{
	struct copier c = { .arena = &set->arena };
	struct named_list *l = find_list(set, name);

	if (l != NULL && l->place.file == NULL)
		l->place = copy_place(&c, place);
}

bool
exception_applies(const struct rules *set, const struct rule_exception *x,
		  size_t rule)
{
	const struct rule_list *lists = &set->sources[rule].exception_lists;

	if (x->list.n == 0)
		return view_eq(x->rule, VIEW("*")) ||
		       (x->rule.n > 0 && view_eq(x->rule, set->rules[rule].id));
	for (size_t i = 0; i < lists->n; i++)
		if (view_eq(lists->v[i], x->list))
			return true;
	return false;
}

int
rules_add_exception(struct rules *set, const struct rule_exception *from,
		    struct err *err)
{
	struct copier c = { .arena = &set->arena };
	struct rule_exception *v = set_grow(&set->arena, set->exceptions,
					    set->n_exceptions,
					    &set->cap_exceptions, sizeof(*v)),
			      x = *from;

	x.rule = copy_view(&c, x.rule);
	x.list = copy_view(&c, x.list);
	x.when = copy_view(&c, x.when);
	x.reason = copy_view(&c, x.reason);
	x.owner = copy_view(&c, x.owner);
	x.rule_place = copy_place(&c, x.rule_place);
	x.when_place = copy_place(&c, x.when_place);
	if (v == NULL || c.failed)
		return err_add(err, from->when_place, "memory is out");
	set->exceptions = v;
	v[set->n_exceptions++] = x;
	return 0;
}
