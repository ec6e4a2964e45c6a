/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items of Kibana's exception lists, as they are exported along with the rules
 * that name the list: entries that must all hold, each of one field. They
 * become conditions of ours.
 * elastic.co/guide/en/security/8.17/detections-ui-exceptions.html; how Kibana
 * asks Elasticsearch: match is the exact value, wildcard its wildcard query,
 * in which a backslash takes the meaning from the character behind it.
 */
#include "rules/load.h"

struct item {
	struct load_file *f;
	struct doc *d;
	struct buf when;
};

static int
put_entries(struct item *, const struct doc_node *list, struct view parent);

static struct view
text_at(const struct doc_node *map, const char *key)
{
	const struct doc_node *n = doc_get(map, key);

	return n != NULL && n->type == DOC_STRING ? n->text : VIEW_NONE;
}

bool
exception_item_is(const struct doc_node *map)
{
	return doc_get(map, "item_id") != NULL &&
	       doc_get(map, "list_id") != NULL &&
	       doc_get(map, "entries") != NULL;
}

int
exception_lists_of(struct doc *d, const struct doc_node *rule,
		   struct rule_list *out)
{
	const struct doc_node *list = doc_get(rule, "exceptions_list"), *c;
	struct view *v;
	size_t n = 0;

	if (list == NULL || list->type != DOC_LIST)
		return 0;
	v = arena_array(d->arena, list->n + 1, sizeof(*v));
	if (v == NULL)
		return doc_error(d, list, "out of memory");
	for (c = list->child; c != NULL; c = c->next) {
		v[n] = text_at(c, "list_id");
		n += v[n].n > 0;
	}
	*out = (struct rule_list){ v, n };
	return 0;
}

/* ---- text ------------------------------------------------------------ */

static void
put_string(struct buf *b, struct view s)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_putc(b, '\\');
		if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u{%02x}", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

/* The wildcard query's pattern as a regular expression. */
static void
put_escaped_pattern(struct buf *b, struct view s)
{
	struct buf r = { 0 };

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '*') {
			buf_puts(&r, ".*");
			continue;
		}
		if (s.p[i] == '?') {
			buf_putc(&r, '.');
			continue;
		}
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (strchr(".?+*|{}[]()\"\\#@&<>~^$-", s.p[i]) != NULL &&
		    s.p[i] != '\0')
			buf_putc(&r, '\\');
		buf_putc(&r, s.p[i]);
	}
	b->failed |= r.failed;
	put_string(b, buf_view(&r));
	buf_free(&r);
}

static bool
is_plain_name(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (!((c | 32) >= 'a' && (c | 32) <= 'z') && c != '_' &&
		    (i == 0 || (c != '.' && !(c >= '0' && c <= '9'))))
			return false;
	}
	return v.n > 0;
}

static int
put_field(struct item *t, const struct doc_node *entry, struct view parent)
{
	struct view own = text_at(entry, "field"), name = own;
	const char *tick;

	if (parent.n > 0)
		name = arena_printf(t->d->arena, "%.*s.%.*s", (int)parent.n,
				    parent.p, (int)own.n, own.p);
	if (own.n == 0 || view_find(name, '`') >= 0)
		return doc_error(t->d, entry, "the entry names no field");
	if (name.p == NULL)
		return doc_error(t->d, entry, "out of memory");
	tick = is_plain_name(name) ? "" : "`";
	buf_puts(&t->when, tick);
	buf_put(&t->when, name);
	buf_puts(&t->when, tick);
	return 0;
}

/* ---- entries --------------------------------------------------------- */

static int
put_values(struct item *t, const struct doc_node *entry)
{
	struct doc_texts v = { 0 };

	if (doc_get_texts(t->d, entry, "value", DOC_REQUIRED, &v) != 1)
		return -1;
	buf_puts(&t->when, " in (");
	for (size_t i = 0; i < v.n; i++) {
		buf_puts(&t->when, i > 0 ? ", " : "");
		put_string(&t->when, v.v[i]);
	}
	buf_putc(&t->when, ')');
	return 0;
}

static int
put_match(struct item *t, const struct doc_node *entry)
{
	const struct doc_node *v = doc_get(entry, "value");

	if (v == NULL || v->type < DOC_BOOL || v->type > DOC_STRING)
		return doc_error(t->d, entry, "the entry has no value");
	buf_puts(&t->when, " == ");
	put_string(&t->when, v->text);
	return 0;
}

static int
put_exists(struct item *t, const struct doc_node *entry)
{
	(void)entry;
	buf_puts(&t->when, " != null");
	return 0;
}

static int
put_wildcard(struct item *t, const struct doc_node *entry)
{
	struct view v = VIEW_NONE;

	if (doc_get_text(t->d, entry, "value", DOC_REQUIRED, &v) != 1)
		return -1;
	if (view_find(v, '\\') < 0) {
		buf_puts(&t->when, " like ");
		put_string(&t->when, v);
	} else {
		buf_puts(&t->when, " regex ");
		put_escaped_pattern(&t->when, v);
	}
	return 0;
}

/* A list of values is not in the export: one of ours by that name. */
static int
put_list(struct item *t, const struct doc_node *entry)
{
	const struct doc_node *list = doc_get(entry, "list");
	struct view id = list != NULL ? text_at(list, "id") : VIEW_NONE;

	if (id.n == 0 || view_find(id, '}') >= 0)
		return doc_error(t->d, entry, "the entry names no list");
	buf_printf(&t->when, " in (${%.*s})", (int)id.n, id.p);
	return 0;
}

static int
put_entry(struct item *t, const struct doc_node *entry, struct view parent)
{
	static const struct {
		const char *type;
		int (*put)(struct item *, const struct doc_node *);
	} types[] = {
		{ "match", put_match },	  { "match_any", put_values },
		{ "exists", put_exists }, { "wildcard", put_wildcard },
		{ "list", put_list },
	};
	struct view type = text_at(entry, "type");
	bool not = view_eq(text_at(entry, "operator"), VIEW("excluded"));
	int result = -1;

	if (view_eq(type, VIEW("nested")) && parent.n == 0 &&
	    text_at(entry, "field").n > 0)
		return put_entries(t, doc_get(entry, "entries"),
				   text_at(entry, "field"));
	buf_puts(&t->when, not ? "not (" : "");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!view_eq(type, view_of(types[i].type)))
			continue;
		if (put_field(t, entry, parent) == 0)
			result = types[i].put(t, entry);
		buf_puts(&t->when, not ? ")" : "");
		return result;
	}
	return doc_error(t->d, entry, "entries of type \"%.*s\" are not known",
			 (int)type.n, type.p);
}

static int
put_entries(struct item *t, const struct doc_node *list, struct view parent)
{
	const struct doc_node *c;

	if (list == NULL || list->type != DOC_LIST || list->n == 0)
		return err_add(t->d->err, (struct place){ .file = t->f->path },
			       "an exception without entries");
	for (c = list->child; c != NULL; c = c->next) {
		if (c != list->child)
			buf_puts(&t->when, " and ");
		if (put_entry(t, c, parent) != 0)
			return -1;
	}
	return 0;
}

/* ---- items ----------------------------------------------------------- */

/* For other systems alone? */
static bool
is_for_others(const struct doc_node *map)
{
	const struct doc_node *os = doc_get(map, "os_types"), *c;

	if (os == NULL || os->type != DOC_LIST || os->n == 0)
		return false;
	for (c = os->child; c != NULL; c = c->next)
		if (view_eq(c->text, VIEW("linux")))
			return false;
	return true;
}

static int
read_item(struct item *t, const struct doc_node *map, struct rule_exception *x)
{
	struct view expires = text_at(map, "expire_time"), name;

	x->list = text_at(map, "list_id");
	x->reason = text_at(map, "name");
	x->owner = text_at(map, "created_by");
	if (expires.n > 0 && !rfc3339_read(expires, &x->expires_ns))
		return doc_error(t->d, doc_get(map, "expire_time"),
				 "\"expire_time\" is no time");
	if (put_entries(t, doc_get(map, "entries"), VIEW("")) != 0)
		return -1;
	name = text_at(map, "item_id");
	name = arena_printf(t->d->arena, "%s:%u: exception %.*s", t->f->path,
			    map->line, (int)name.n, name.p);
	x->when = buf_view(&t->when);
	x->when_place =
		(struct place){ .file = name.p != NULL ? name.p : t->f->path,
				.line = 1,
				.column = 1 };
	return t->when.failed ? doc_error(t->d, map, "out of memory") : 0;
}

int
exception_item_take(struct load_file *f, struct doc *d,
		    const struct doc_node *map)
{
	struct item t = { .f = f, .d = d };
	struct rule_exception x = { 0 };
	int result = 0;

	if (is_for_others(map))
		return 0;
	if (read_item(&t, map, &x) != 0)
		f->broken++;
	else
		result = rules_add_exception(f->rules, &x, f->err);
	buf_free(&t.when);
	return result;
}
