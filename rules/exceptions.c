/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions are data: a YAML file holds one, or a list of them, and says
 * which rule, when, why, whose and until when.
 */
#include "rules/load.h"

static const char *const exception_keys[] = { "rule", "when", "reason", "owner",
					      "expires" };

/* It counts at the time that is given, too; a date is all that day, in UTC. */
static bool
read_expiry(struct view v, uint64_t *ns)
{
	struct buf b = { 0 };
	bool ok;

	buf_put(&b, v);
	if (v.n == strlen("2026-12-31"))
		buf_puts(&b, "T23:59:59.999999999Z");
	ok = !b.failed && rfc3339_read(buf_view(&b), ns) &&
	     !__builtin_add_overflow(*ns, 1, ns);
	buf_free(&b);
	return ok;
}

static int
read_exception(struct load_file *f, struct doc *d, const struct doc_node *map,
	       struct rule_exception *e)
{
	struct view expires = VIEW_NONE;
	size_t errors = f->err->n + f->err->dropped;

	doc_check_keys(d, map, exception_keys, ARRAY_LEN(exception_keys));
	if (doc_get_text(d, map, "when", DOC_REQUIRED, &e->when) == 1)
		e->when_place = doc_text_place(d, doc_get(map, "when"), "when");
	doc_get_text(d, map, "reason", DOC_REQUIRED, &e->reason);
	doc_get_text(d, map, "owner", DOC_OPTIONAL, &e->owner);
	if (doc_get_text(d, map, "expires", DOC_OPTIONAL, &expires) == 1 &&
	    !read_expiry(expires, &e->expires_ns))
		doc_error(d, doc_get(map, "expires"),
			  "\"expires\" must be a date such as 2026-12-31 or "
			  "2026-12-31T18:00:00Z");
	return f->err->n + f->err->dropped == errors ? 0 : -1;
}

static int
take_exception(struct load_file *f, struct doc *d, const struct doc_node *map)
{
	struct rule_exception e = { 0 };
	struct doc_texts of = { 0 };
	const struct doc_node *name;
	int result;

	if (map->type != DOC_MAP) {
		f->broken++;
		doc_error(d, map, "an exception must be a map of keys");
		return 0;
	}
	result = read_exception(f, d, map, &e);
	if (doc_get_texts(d, map, "rule", DOC_REQUIRED, &of) != 1 ||
	    result != 0) {
		f->broken++;
		return 0;
	}
	name = doc_get(map, "rule");
	if (name->type == DOC_LIST)
		name = name->child;
	for (size_t i = 0; i < of.n; i++, name = name->next) {
		e.rule = of.v[i];
		e.rule_place = doc_text_place(d, name, "rule");
		if (rules_add_exception(f->rules, &e, f->err) != 0)
			return -1;
	}
	return 0;
}

int
exceptions_read(struct load_file *f)
{
	struct doc d = { .file = f->path,
			 .source = f->text,
			 .arena = f->arena,
			 .err = f->err };
	struct doc_node *root;
	const struct doc_node *c;
	int result = 0;

	if (view_ends(view_of(f->path), VIEW("json")))
		root = doc_read_json(&d);
	else
		root = doc_read_yaml(&d);
	if (root == NULL) {
		f->broken++;
		return 0;
	}
	if (root->type == DOC_NULL)
		return 0;
	if (root->type != DOC_LIST)
		return take_exception(f, &d, root);
	for (c = root->child; c != NULL && result == 0; c = c->next)
		result = take_exception(f, &d, c);
	return result;
}
