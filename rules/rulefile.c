/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule file holds: one rule or named lists in YAML, or what Kibana and
 * Elastic's tools export: a JSON object, an array, a page of an API, or one
 * object a line, each bare or in what saved.c takes off.
 * elastic.co/docs/api/doc/kibana/group/endpoint-security-detections-api
 */
#include "rules/load.h"

/* Lines of an export that are no rules: its summary, exception lists and the
 * connectors of actions. */
static bool
is_other_object(const struct doc_node *map)
{
	static const char *const marks[] = {
		"exported_count",
		"exportedCount",
		"exported_rules_count",
		"list_id",
		"connector_type_id",
		"missing_rules_count",
		"exported_exception_list_count",
	};
	const struct doc_node *type = doc_get(map, "type");

	if (doc_get(map, "rule_id") != NULL)
		return false;
	if (type != NULL && view_eq(type->text, VIEW("action")))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (doc_get(map, marks[i]) != NULL)
			return true;
	return false;
}

static int
take_saved(struct load_file *f, struct doc *d, struct doc_node *n)
{
	struct saved_object o = { .d = d };

	switch (saved_open(&o, n)) {
	case SAVED_RULE:
		if (exception_item_is(o.rule))
			return exception_item_take(f, d, o.rule);
		return is_other_object(o.rule) ? 0
					       : rule_take(f, d, o.rule, false);
	case SAVED_UNKNOWN:
		return rule_take_unknown(f, n->line, &o);
	case SAVED_OTHER:
		return exception_item_is(o.rule)
			       ? exception_item_take(f, d, o.rule)
			       : 0;
	case SAVED_NO_MEMORY:
		break;
	}
	return err_add(f->err, (struct place){ .file = f->path },
		       "out of memory");
}

static int
take_object(struct load_file *f, struct doc *d, struct doc_node *n)
{
	size_t before = f->err->n;

	if (n->type == DOC_MAP)
		return take_saved(f, d, n);
	doc_error(d, n, "a rule must be an object, not %s",
		  doc_type_name(n->type));
	return rule_take_broken(f, n->line, before);
}

static int
take_json(struct load_file *f, struct doc *d, struct doc_node *root)
{
	const struct doc_node *list =
		root->type == DOC_MAP ? saved_page(root) : root;
	struct doc_node *c;
	int result = 0;

	if (list == NULL || list->type != DOC_LIST)
		return take_object(f, d, root);
	for (c = list->child; c != NULL && result == 0; c = c->next)
		result = take_object(f, d, c);
	return result;
}

static int
read_json(struct load_file *f, struct view text, unsigned line)
{
	struct doc d = { .file = f->path,
			 .source = text,
			 .first_line = line,
			 .arena = f->arena,
			 .err = f->err };
	size_t before = f->err->n;
	struct doc_node *root = doc_read_json(&d);

	if (root == NULL)
		return rule_take_broken(f, line, before);
	return take_json(f, &d, root);
}

static int
read_lines(struct load_file *f)
{
	struct view rest = f->text, line;
	unsigned number = 0;
	int result = 0;

	while (result == 0 && view_next_split(&rest, '\n', &line)) {
		number++;
		if (view_trim(line).n == 0)
			continue;
		result = read_json(f, line, number);
		arena_reset(f->arena);
	}
	return result;
}

/* Is a .json file really one object a line? The first line is then closed,
 * and another object follows. */
static bool
is_lines(struct view text)
{
	struct view first, rest = view_trim(text);

	if (!view_next_split(&rest, '\n', &first))
		return false;
	first = view_trim(first);
	return view_starts(first, VIEW("{")) && view_ends(first, VIEW("}")) &&
	       view_starts(view_trim(rest), VIEW("{"));
}

static int
read_yaml(struct load_file *f)
{
	struct doc d = { .file = f->path,
			 .source = f->text,
			 .arena = f->arena,
			 .err = f->err };
	size_t before = f->err->n;
	struct doc_node *root = doc_read_yaml(&d);

	if (root == NULL)
		return rule_take_broken(f, 1, before);
	if (root->type != DOC_MAP) {
		doc_error(&d, root, "a rule file must be a map of keys");
		return rule_take_broken(f, 1, before);
	}
	if (lists_take(f, &d, root) != 0)
		return -1;
	/* Lists only: a file of shared lists. */
	if (root->n == 1 && doc_get(root, "lists") != NULL)
		return 0;
	return rule_take(f, &d, root, true);
}

int
rulefile_read(struct load_file *f)
{
	struct view extension = path_extension(view_of(f->path));

	if (view_eq(extension, VIEW("yml")) || view_eq(extension, VIEW("yaml")))
		return read_yaml(f);
	if (!view_eq(extension, VIEW("json")) || is_lines(f->text))
		return read_lines(f);
	return read_json(f, f->text, 1);
}
