/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule from a document: key by key, all errors of a rule reported, a broken
 * one kept with its first error so that it is listed and never forgotten.
 */
#include "rules/taking.h"

#define DEFAULT_MAX_SIGNALS 100 /* Kibana's */

/* Every key of our own rule files. The last ones mean something to Kibana
 * alone. */
static const char *const rule_keys[] = {
	"rule_id",
	"name",
	"description",
	"type",
	"language",
	"query",
	"severity",
	"risk_score",
	"threat",
	"tags",
	"references",
	"false_positives",
	"note",
	"investigate",
	"respond",
	"max_signals",
	"from",
	"new_terms_fields",
	"threshold",
	"lists",
	"history_window_start",
	"index",
	"author",
	"license",
	"version",
	"interval",
	"setup",
	"alert_suppression",
};

struct rule_type {
	const char *name;
	enum rule_kind kind;
	const char *language; /* the usual one */
	const char *unsupported;
};

static const struct rule_type rule_types[] = {
	{ "eql", RULE_EQL, "eql", NULL },
	{ "query", RULE_QUERY, "kuery", NULL },
	{ "new_terms", RULE_NEW_TERMS, "kuery", NULL },
	{ "threshold", RULE_THRESHOLD, "kuery", NULL },
	{ "esql", RULE_QUERY, "esql",
	  "ES|QL rules need Elasticsearch's own engine" },
	{ "machine_learning", RULE_QUERY, NULL,
	  "machine learning rules need Elasticsearch's jobs" },
	{ "threat_match", RULE_QUERY, NULL,
	  "indicator match rules need an index of indicators" },
	{ "saved_query", RULE_QUERY, NULL,
	  "the query is saved in Kibana and not in the export" },
};

/* ---- threat ---------------------------------------------------------- */

static void
read_technique(struct taking *t, const struct doc_node *map,
	       struct rule_technique *out)
{
	static const char *const keys[] = { "id", "name", "reference",
					    "subtechnique" };

	if (map->type != DOC_MAP) {
		doc_error(t->d, map, "a technique must be a map of keys");
		return;
	}
	taking_check_keys(t, map, keys, ARRAY_LEN(keys));
	doc_get_text(t->d, map, "id", DOC_REQUIRED, &out->id);
	doc_get_text(t->d, map, "name", DOC_REQUIRED, &out->name);
	doc_get_text(t->d, map, "reference", DOC_OPTIONAL, &out->reference);
}

static const struct doc_node *
list_of(struct taking *t, const struct doc_node *map, const char *key)
{
	const struct doc_node *list = NULL;

	if (map->type == DOC_MAP)
		doc_get_list(t->d, map, key, DOC_OPTIONAL, &list);
	return list;
}

static void
read_techniques(struct taking *t, const struct doc_node *list,
		struct rule_threat *out)
{
	const struct doc_node *c, *s, *subs;
	struct rule_technique *v;
	size_t n = 0, i = 0;

	for (c = list->child; c != NULL; c = c->next) {
		subs = doc_get(c, "subtechnique");
		n += 1 + (subs != NULL ? subs->n : 0);
	}
	v = arena_zalloc(t->d->arena, (n + 1) * sizeof(*v));
	if (v == NULL) {
		doc_error(t->d, list, "out of memory");
		return;
	}
	for (c = list->child; c != NULL; c = c->next) {
		read_technique(t, c, &v[i++]);
		subs = list_of(t, c, "subtechnique");
		for (s = subs != NULL ? subs->child : NULL; s; s = s->next)
			read_technique(t, s, &v[i++]);
	}
	out->techniques = v;
	out->n_techniques = i;
}

static void
read_threat(struct taking *t, const struct doc_node *map,
	    struct rule_threat *out)
{
	static const char *const keys[] = { "framework", "tactic",
					    "technique" };
	static const char *const tactic_keys[] = { "id", "name", "reference" };
	const struct doc_node *tactic = NULL, *list;

	if (map->type != DOC_MAP) {
		doc_error(t->d, map, "a threat must be a map of keys");
		return;
	}
	taking_check_keys(t, map, keys, ARRAY_LEN(keys));
	doc_get_text(t->d, map, "framework", DOC_OPTIONAL, &out->framework);
	doc_get_map(t->d, map, "tactic", DOC_REQUIRED, &tactic);
	if (tactic != NULL) {
		taking_check_keys(t, tactic, tactic_keys,
				  ARRAY_LEN(tactic_keys));
		doc_get_text(t->d, tactic, "id", DOC_REQUIRED, &out->tactic_id);
		doc_get_text(t->d, tactic, "name", DOC_REQUIRED,
			     &out->tactic_name);
		doc_get_text(t->d, tactic, "reference", DOC_OPTIONAL,
			     &out->tactic_reference);
	}
	list = list_of(t, map, "technique");
	if (list != NULL)
		read_techniques(t, list, out);
}

static void
read_threats(struct taking *t)
{
	const struct doc_node *c, *list = list_of(t, t->map, "threat");
	struct rule_threat *v;
	size_t i = 0;

	if (list == NULL)
		return;
	v = arena_zalloc(t->d->arena, (list->n + 1) * sizeof(*v));
	if (v == NULL) {
		doc_error(t->d, list, "out of memory");
		return;
	}
	for (c = list->child; c != NULL; c = c->next)
		read_threat(t, c, &v[i++]);
	t->s.rule.threats = v;
	t->s.rule.n_threats = i;
}

/* ---- the plain keys -------------------------------------------------- */

static void
read_investigate(struct taking *t)
{
	static const char *const keys[] = { "label", "query" };
	const struct doc_node *c, *list = list_of(t, t->map, "investigate");
	struct rule_investigate *v;
	struct place *places;
	size_t i = 0;

	if (list == NULL)
		return;
	v = arena_zalloc(t->d->arena, (list->n + 1) * sizeof(*v));
	places = arena_zalloc(t->d->arena, (list->n + 1) * sizeof(*places));
	if (v == NULL || places == NULL) {
		doc_error(t->d, list, "out of memory");
		return;
	}
	for (c = list->child; c != NULL; c = c->next, i++) {
		if (c->type != DOC_MAP) {
			doc_error(t->d, c, "needs the keys label and query");
			continue;
		}
		taking_check_keys(t, c, keys, ARRAY_LEN(keys));
		doc_get_text(t->d, c, "label", DOC_REQUIRED, &v[i].label);
		if (doc_get_text(t->d, c, "query", DOC_REQUIRED, &v[i].query) ==
		    1)
			places[i] = doc_text_place(t->d, doc_get(c, "query"),
						   "investigate");
	}
	t->s.places.investigate = places;
	t->s.rule.investigate = v;
	t->s.rule.n_investigate = i;
}

static void
read_list(struct taking *t, const char *key, struct rule_list *out)
{
	struct doc_texts texts = { 0 };

	if (doc_get_texts(t->d, t->map, key, DOC_OPTIONAL, &texts) == 1)
		*out = (struct rule_list){ texts.v, texts.n };
}

static void
read_lists(struct taking *t)
{
	struct rule *r = &t->s.rule;

	read_list(t, "tags", &r->tags);
	read_list(t, "references", &r->references);
	read_list(t, "false_positives", &r->false_positives);
	read_list(t, "index", &r->indices);
	read_list(t, "respond", &r->respond);
}

static void
read_severity(struct taking *t)
{
	static const char *const known[] = { "low", "medium", "high",
					     "critical" };
	struct rule *r = &t->s.rule;
	const struct doc_node *n = doc_get(t->map, "severity");
	int64_t score = 0, signals = DEFAULT_MAX_SIGNALS;

	if (doc_get_text(t->d, t->map, "severity", DOC_REQUIRED,
			 &r->severity) == 1) {
		size_t i = 0;

		while (i < ARRAY_LEN(known) &&
		       !view_eq(r->severity, view_of(known[i])))
			i++;
		if (i == ARRAY_LEN(known))
			doc_error(t->d, n,
				  "\"severity\" must be low, medium, high or "
				  "critical");
	}
	if (doc_get_int(t->d, t->map, "risk_score",
			(struct doc_range){ 0, 100 }, &score) == 0)
		doc_error(t->d, t->map, "the key \"risk_score\" is missing");
	doc_get_int(t->d, t->map, "max_signals",
		    (struct doc_range){ 1, 1000000 }, &signals);
	r->risk_score = (int)score;
	r->max_signals = (unsigned)signals;
}

/* ---- the query ------------------------------------------------------- */

/* Kibana's KQL may be empty, and is then true of all events. */
static void
read_query(struct taking *t)
{
	const struct doc_node *n = doc_get(t->map, "query");

	if (!t->ours && t->s.rule.kuery && n != NULL && n->type == DOC_STRING &&
	    n->text.n == 0) {
		t->s.rule.query = VIEW("*");
		t->s.query_place = doc_text_place(t->d, n, "query");
		return;
	}
	if (doc_get_text(t->d, t->map, "query", DOC_REQUIRED,
			 &t->s.rule.query) == 1)
		t->s.query_place = doc_text_place(t->d, n, "query");
}

/* Those that are switched off, Kibana leaves out as well. */
static bool
has_filter(const struct doc_node *list)
{
	const struct doc_node *c, *meta, *off;

	for (c = list->child; c != NULL; c = c->next) {
		meta = doc_get(c, "meta");
		off = meta != NULL ? doc_get(meta, "disabled") : NULL;
		if (off == NULL || off->type != DOC_BOOL ||
		    !view_eq(off->text, VIEW("true")))
			return true;
	}
	return false;
}

/* What of an export would be lost: then the rule would match more, or
 * something else, than its author meant. */
static const char *
unsupported_keys(struct taking *t)
{
	const struct doc_node *n = doc_get(t->map, "filters");

	if (n != NULL && n->type == DOC_LIST && has_filter(n))
		return "it filters with Elasticsearch's query DSL";
	n = doc_get(t->map, "event_category_override");
	if (n != NULL && n->type == DOC_STRING && n->text.n > 0 &&
	    !view_eq(n->text, VIEW("event.category")))
		return "it takes the category from another field";
	return NULL;
}

/* ---- type and language ----------------------------------------------- */

static void
set_unsupported(struct taking *t, const char *why)
{
	t->s.rule.status = RULE_UNSUPPORTED;
	t->s.rule.reason = view_of(why);
}

/* NULL: none that we know; in an export it is newer than we are. */
static const struct rule_type *
read_type(struct taking *t)
{
	const char *names[ARRAY_LEN(rule_types)], *nearest;
	struct view type = VIEW_NONE;

	if (doc_get_text(t->d, t->map, "type", DOC_REQUIRED, &type) != 1)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rule_types); i++) {
		names[i] = rule_types[i].name;
		if (view_eq(type, view_of(names[i])))
			return &rule_types[i];
	}
	if (!t->ours) {
		set_unsupported(t, "rules of this type are not known");
		return NULL;
	}
	nearest = name_nearest(type, names, ARRAY_LEN(names));
	doc_error(t->d, doc_get(t->map, "type"),
		  "no such type of rule%s%s%s; there are eql, query, "
		  "new_terms and threshold",
		  nearest != NULL ? "; did you mean \"" : "",
		  nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
	return NULL;
}

/* NULL, or why the language cannot be run. */
static const char *
read_language(struct taking *t, const struct rule_type *type)
{
	struct view language = view_of(type->language);
	bool eql;

	doc_get_text(t->d, t->map, "language", DOC_OPTIONAL, &language);
	eql = view_eq(language, VIEW("eql"));
	t->s.rule.kuery = view_eq(language, VIEW("kuery"));
	if (view_eq(language, VIEW("lucene")))
		return "queries in Lucene's language are not read";
	if (eql != (type->kind == RULE_EQL) || (!eql && !t->s.rule.kuery))
		doc_error(t->d, doc_get(t->map, "language"),
			  "rules of type %s have the language %s", type->name,
			  type->language);
	return NULL;
}

static void
read_kind(struct taking *t)
{
	const struct rule_type *type = read_type(t);
	const char *why;

	if (type == NULL)
		return;
	t->s.rule.kind = type->kind;
	if (type->unsupported != NULL) {
		doc_get_text(t->d, t->map, "query", DOC_OPTIONAL,
			     &t->s.rule.query);
		set_unsupported(t, type->unsupported);
		return;
	}
	why = read_language(t, type);
	if (why == NULL)
		why = unsupported_keys(t);
	read_query(t);
	taking_read_kind(t);
	if (why != NULL)
		set_unsupported(t, why);
}

/* Kibana does not run it either; in our own files there is no such key. */
static void
read_enabled(struct taking *t)
{
	const struct doc_node *n = doc_get(t->map, "enabled");
	struct rule *r = &t->s.rule;

	if (t->ours || r->status != RULE_OK || n == NULL ||
	    n->type != DOC_BOOL || !view_eq(n->text, VIEW("false")))
		return;
	r->status = RULE_DISABLED;
	r->reason = VIEW("it is switched off in the export");
}

/* ---- the whole ------------------------------------------------------- */

static const struct rule *
rule_with_id(const struct load_file *f, struct view id)
{
	for (size_t i = 0; i < rules_count(f->rules); i++)
		if (view_eq(rules_at(f->rules, i)->id, id))
			return rules_at(f->rules, i);
	return NULL;
}

static void
check_id(struct taking *t)
{
	const struct rule *r = &t->s.rule, *other = rule_with_id(t->f, r->id);

	if (other == NULL)
		return;
	doc_error(t->d, doc_get(t->map, "rule_id"),
		  "the rule_id \"%.*s\" is taken by %.*s:%u", (int)r->id.n,
		  r->id.p, (int)other->file.n,
		  other->file.p != NULL ? other->file.p : "", other->line);
	/* The first one stays. */
	t->s.rule.id = VIEW_NONE;
}

static void
set_broken(struct load_file *f, struct rule *r, size_t first_error)
{
	r->status = RULE_ERROR;
	r->reason = first_error < f->err->n
			    ? f->err->v[first_error].message
			    : VIEW("too many errors to keep this one");
	/* The engine tells rules apart by id. */
	if (r->id.n == 0)
		r->id = arena_printf(f->arena, "%s:%u", f->path, r->line);
}

static int
add_source(struct load_file *f, const struct rule_source *s)
{
	if (rules_add_source(f->rules, s, f->err) >= 0)
		return 0;
	return err_add(f->err, (struct place){ .file = f->path },
		       "out of memory");
}

int
rule_take_broken(struct load_file *f, unsigned line, size_t first_error)
{
	struct rule_source s = { .rule = { .line = line } };

	s.rule.file = view_of(f->path);
	s.rule.max_signals = DEFAULT_MAX_SIGNALS;
	set_broken(f, &s.rule, first_error);
	f->broken++;
	return add_source(f, &s);
}

int
rule_take_unknown(struct load_file *f, unsigned line,
		  const struct saved_object *o)
{
	struct rule_source s = { .rule = { .line = line } };
	struct rule *r = &s.rule;

	r->file = view_of(f->path);
	r->max_signals = DEFAULT_MAX_SIGNALS;
	r->status = RULE_UNSUPPORTED;
	r->id = o->id;
	if (r->id.n == 0 || rule_with_id(f, r->id) != NULL)
		r->id = arena_printf(f->arena, "%s:%u", f->path, line);
	r->name = o->name;
	r->reason = arena_printf(f->arena,
				 "an object of type \"%.*s\" is no "
				 "detection rule",
				 (int)o->type.n, o->type.p);
	if (r->id.n == 0 || r->reason.n == 0)
		return err_add(f->err, (struct place){ .file = f->path },
			       "out of memory");
	return add_source(f, &s);
}

int
rule_take(struct load_file *f, struct doc *d, const struct doc_node *map,
	  bool ours)
{
	struct taking t = { .f = f, .d = d, .map = map, .ours = ours };
	struct rule *r = &t.s.rule;
	size_t errors = f->err->n, dropped = f->err->dropped;

	r->file = view_of(f->path);
	r->line = map->line;
	taking_check_keys(&t, map, rule_keys, ARRAY_LEN(rule_keys));
	if (doc_get_text(d, map, "rule_id", DOC_REQUIRED, &r->id) == 1)
		check_id(&t);
	doc_get_text(d, map, "name", DOC_REQUIRED, &r->name);
	doc_get_text(d, map, "description", DOC_OPTIONAL, &r->description);
	doc_get_text(d, map, "note", DOC_OPTIONAL, &r->note);
	read_severity(&t);
	read_lists(&t);
	read_threats(&t);
	read_investigate(&t);
	exception_lists_of(d, map, &t.s.exception_lists);
	read_kind(&t);
	read_enabled(&t);
	if (f->err->n != errors || f->err->dropped != dropped) {
		set_broken(f, r, errors);
		f->broken++;
	}
	return add_source(f, &t.s);
}
