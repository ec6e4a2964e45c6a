/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is around a rule in what Kibana and Elasticsearch give: pages, hits and
 * saved objects. A detection rule is saved as an object of type "alert": its
 * name, tags and whether it is enabled stand beside "params", which hold the
 * rest under the names that Kibana has for it in its code (ruleId for rule_id).
 * The alerting API says the same without "attributes".
 * elastic.co/docs/api/doc/kibana/group/endpoint-saved-objects
 * elastic.co/docs/api/doc/kibana/group/endpoint-alerting
 */
#include "rules/load.h"

/* Saved objects that are exported along with rules. */
static const char *const companions[] = {
	"action",
	"exception-list",
	"exception-list-agnostic",
	"tag",
	"index-pattern",
	"config",
	"config-global",
	"siem-ui-timeline",
	"siem-detection-engine-rule-actions",
	"siem-detection-engine-rule-execution-info",
};

/* Kibana's rule types, as the type of saved object says them; params say the
 * same, but for the first versions. */
static const struct {
	const char *saved, *type;
} saved_types[] = {
	{ "siem.eqlRule", "eql" },
	{ "siem.queryRule", "query" },
	{ "siem.savedQueryRule", "saved_query" },
	{ "siem.thresholdRule", "threshold" },
	{ "siem.newTermsRule", "new_terms" },
	{ "siem.esqlRule", "esql" },
	{ "siem.mlRule", "machine_learning" },
	{ "siem.indicatorRule", "threat_match" },
};

static struct doc_node *
get_map(const struct doc_node *map, const char *key)
{
	/* The tree is ours until the document is done. */
	struct doc_node *n = (struct doc_node *)doc_get(map, key);

	return n != NULL && n->type == DOC_MAP ? n : NULL;
}

static struct view
get_text(const struct doc_node *map, const char *key)
{
	const struct doc_node *n = doc_get(map, key);

	return n != NULL && n->type == DOC_STRING ? n->text : VIEW_NONE;
}

/* ---- pages ----------------------------------------------------------- */

const struct doc_node *
saved_page(const struct doc_node *map)
{
	static const char *const keys[] = { "data", "saved_objects", "rules",
					    "objects", "hits" };
	const struct doc_node *n = get_map(map, "hits");

	if (n != NULL) /* Elasticsearch: {"hits":{"hits":[…]}} */
		map = n;
	if (doc_get(map, "rule_id") != NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		n = doc_get(map, keys[i]);
		if (n != NULL && n->type == DOC_LIST)
			return n;
	}
	return NULL;
}

/* ---- objects --------------------------------------------------------- */

/* maxSignals → max_signals, of all keys of a map. */
static bool
snake_keys(struct doc *d, struct doc_node *map)
{
	struct doc_node *c;

	for (c = map->child; c != NULL; c = c->next) {
		char *p = arena_alloc(d->arena, 2 * c->key.n + 1);
		size_t n = 0;

		if (p == NULL)
			return false;
		for (size_t i = 0; i < c->key.n; i++) {
			char k = c->key.p[i];

			if (k >= 'A' && k <= 'Z') {
				p[n++] = '_';
				k = (char)(k | 32);
			}
			p[n++] = k;
		}
		c->key = (struct view){ p, n };
	}
	return true;
}

/* In front of what the map has. */
static bool
add_child(struct doc *d, struct doc_node *map, const char *key,
	  const struct doc_node *value)
{
	struct doc_node *n;

	if (value == NULL)
		return true;
	n = doc_node_new(d, value->type);
	if (n == NULL)
		return false;
	*n = *value;
	n->key = view_of(key);
	n->next = map->child;
	map->child = n;
	map->n++;
	return true;
}

static bool
add_type(struct doc *d, struct doc_node *map, const struct doc_node *at,
	 struct view type)
{
	struct doc_node n = *at;

	if (doc_get(map, "type") != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(saved_types); i++)
		if (view_eq(type, view_of(saved_types[i].saved)))
			n.text = view_of(saved_types[i].type);
	return add_child(d, map, "type", &n);
}

/* A rule of Kibana's alerting: its params become the rule. */
static enum saved
take_alert(struct saved_object *o, const struct doc_node *map,
	   const struct doc_node *type)
{
	struct doc_node *params = get_map(map, "params"), *inner;

	if (view_eq(type->text, VIEW("siem.notifications")))
		return SAVED_OTHER;
	if (!view_starts(type->text, VIEW("siem.")) || params == NULL) {
		o->type = type->text;
		o->name = get_text(map, "name");
		return SAVED_UNKNOWN;
	}
	inner = get_map(params, "alertSuppression");
	o->rule = params;
	if (!snake_keys(o->d, params) ||
	    (inner != NULL && !snake_keys(o->d, inner)) ||
	    !add_type(o->d, params, type, type->text) ||
	    !add_child(o->d, params, "enabled", doc_get(map, "enabled")) ||
	    !add_child(o->d, params, "tags", doc_get(map, "tags")) ||
	    !add_child(o->d, params, "name", doc_get(map, "name")))
		return SAVED_NO_MEMORY;
	return SAVED_RULE;
}

static bool
is_companion(struct view type)
{
	for (size_t i = 0; i < ARRAY_LEN(companions); i++)
		if (view_eq(type, view_of(companions[i])))
			return true;
	return false;
}

/* What stands in the object: in "attributes", in "rule", or, as Elasticsearch
 * keeps it, under the name of its type. */
static struct doc_node *
inside(struct doc_node *map, struct view *type)
{
	struct doc_node *n = get_map(map, "_source");
	char key[64];

	if (n != NULL)
		map = n;
	*type = get_text(map, "type");
	n = get_map(map, "attributes");
	if (n == NULL)
		n = get_map(map, "rule");
	if (n == NULL && type->n > 0 && type->n < sizeof(key)) {
		memcpy(key, type->p, type->n);
		key[type->n] = '\0';
		n = get_map(map, key);
	}
	return n;
}

enum saved
saved_open(struct saved_object *o, struct doc_node *map)
{
	struct doc_node *n;
	const struct doc_node *alert;
	struct view type = VIEW_NONE;

	o->rule = map;
	o->id = get_text(map, doc_get(map, "id") != NULL ? "id" : "_id");
	/* Not of a rule: a threshold has the name of its type, too. */
	n = doc_get(map, "query") == NULL && doc_get(map, "rule_id") == NULL
		    ? inside(map, &type)
		    : NULL;
	if (n == NULL)
		n = map;
	alert = doc_get(n, "alertTypeId");
	if (alert == NULL)
		alert = doc_get(n, "rule_type_id");
	if (alert != NULL && alert->type == DOC_STRING)
		return take_alert(o, n, alert);
	o->rule = n;
	if (n == map || type.n == 0 || doc_get(n, "rule_id") != NULL ||
	    view_eq(type, VIEW("security-rule")))
		return SAVED_RULE;
	if (is_companion(type))
		return SAVED_OTHER;
	o->type = type;
	o->name = get_text(n, doc_get(n, "name") != NULL ? "name" : "title");
	return SAVED_UNKNOWN;
}
