/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: one row a key (config.def). Defaults are YAML, read by
 * the same code before the file is. */
#include "fim/config_rows.h"

#include "baselines/sign.h"

static const struct config_row rows[] = {
#define CONFIG(key, type, member, standard, min, max, choices, manual)         \
	{ key,	   type,  offsetof(struct config, member), standard, min, max, \
	  choices, manual },
#include "fim/config.def"
#undef CONFIG
};

static void *
member(struct config_reading *r, const struct config_row *row)
{
	return (char *)r->base + row->at;
}

static bool
among(const char *choices, struct view word)
{
	struct view rest = view_of(choices), item;

	while (view_next_split(&rest, '|', &item))
		if (view_eq(item, word))
			return true;
	return false;
}

/* environ(7) forbids only '=' and NUL; a name with space is a slip. */
static bool
env_name_valid(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '=' || v.p[i] == '\0' || v.p[i] == ' ')
			return false;
	return v.n > 0;
}

static bool
one_line(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return false;
	return true;
}

/* Is one text what the row wants? -1 with an error at `node`. */
static int
text_check(struct config_reading *r, const struct config_row *row,
	   const struct doc_node *node, struct view text)
{
	struct sign_public key;

	switch (row->type) {
	case KEYS:
		if (sign_public_line(&key, text))
			return 0;
		/* fallthrough */
	case PATH:
	case PATHS:
		if (text.n > 0 && text.p[0] == '/' && view_find(text, '\0') < 0)
			return 0;
		return doc_error(r->doc, node, "\"%s\" wants absolute paths%s",
				 row->key,
				 row->type == KEYS ? " or public keys" : "");
	case WORD:
	case WORDS:
		if (among(row->choices, text))
			return 0;
		return doc_error(r->doc, node, "\"%s\" wants one of %s",
				 row->key, row->choices);
	case NAMES:
		if (env_name_valid(text))
			return 0;
		return doc_error(r->doc, node,
				 "\"%s\" wants names of environment variables",
				 row->key);
	case TEXT:
		if (text.n > (size_t)row->max)
			return doc_error(r->doc, node,
					 "\"%s\" is longer than %lld bytes",
					 row->key, (long long)row->max);
		/* fallthrough */
	case TEXTS:
		if (one_line(text))
			return 0;
		return doc_error(r->doc, node, "\"%s\" wants one line of text",
				 row->key);
	case INT:
	case BOOL:
	case DURATION:
	case OUTPUTS:
		break;
	}
	return 0;
}

static int
read_text(struct config_reading *r, const struct config_row *row)
{
	const struct doc_node *node = doc_get(r->map, row->key);
	struct view text, *to = member(r, row);
	int got = doc_get_text(r->doc, r->map, row->key, DOC_OPTIONAL, &text);

	if (got <= 0)
		return got;
	if (text_check(r, row, node, text) != 0)
		return -1;
	*to = arena_copy(r->arena, text);
	if (to->p == NULL)
		return doc_error(r->doc, node, "out of memory");
	return 0;
}

/* Checks and copies the items; they stand at node's children, or the only
 * one at the node itself. */
static int
copy_items(struct config_reading *r, const struct config_row *row,
	   const struct doc_texts *texts, struct view *v)
{
	const struct doc_node *node = doc_get(r->map, row->key);
	const struct doc_node *at = node->child != NULL ? node->child : node;
	int result = 0;

	for (size_t i = 0; i < texts->n; i++, at = at->next) {
		if (text_check(r, row, at, texts->v[i]) != 0)
			result = -1;
		v[i] = arena_copy(r->arena, texts->v[i]);
		if (v[i].p == NULL && texts->v[i].n > 0)
			return doc_error(r->doc, at, "out of memory");
	}
	return result;
}

static int
read_list(struct config_reading *r, const struct config_row *row)
{
	const struct doc_node *node = doc_get(r->map, row->key);
	struct config_list *list = member(r, row);
	struct doc_texts texts = { NULL, 0 };
	struct view *v;
	int got = doc_get_texts(r->doc, r->map, row->key, DOC_OPTIONAL, &texts);

	if (got <= 0)
		return got;
	if (texts.n > (size_t)row->max)
		return doc_error(r->doc, node,
				 "\"%s\" has more than %lld "
				 "items",
				 row->key, (long long)row->max);
	v = arena_array(r->arena, texts.n + 1, sizeof(*v));
	if (v == NULL)
		return doc_error(r->doc, node, "out of memory");
	*list = (struct config_list){ v, texts.n, true };
	return copy_items(r, row, &texts, v);
}

static int
read_int(struct config_reading *r, const struct config_row *row)
{
	return doc_get_int(r->doc, r->map, row->key,
			   (struct doc_range){ row->min, row->max },
			   member(r, row));
}

static int
read_duration(struct config_reading *r, const struct config_row *row)
{
	uint64_t ns = 0;
	int got = doc_get_duration(r->doc, r->map, row->key, DOC_OPTIONAL, &ns);

	if (got <= 0)
		return got;
	if (ns < (uint64_t)row->min || ns > (uint64_t)row->max)
		return doc_error(r->doc, doc_get(r->map, row->key),
				 "\"%s\" must be from %llds to %llds", row->key,
				 (long long)(row->min / (int64_t)NS_PER_SEC),
				 (long long)(row->max / (int64_t)NS_PER_SEC));
	*(uint64_t *)member(r, row) = ns;
	return 0;
}

int
config_read_row(struct config_reading *r, const struct config_row *row)
{
	switch (row->type) {
	case PATH:
	case WORD:
	case TEXT:
		return read_text(r, row);
	case PATHS:
	case KEYS:
	case WORDS:
	case NAMES:
	case TEXTS:
		return read_list(r, row);
	case INT:
		return read_int(r, row);
	case BOOL:
		return doc_get_bool(r->doc, r->map, row->key, DOC_OPTIONAL,
				    member(r, row));
	case DURATION:
		return read_duration(r, row);
	case OUTPUTS:
		return config_read_outputs(r, row);
	}
	return 0;
}

static int
read_rows(struct config_reading *r)
{
	const char *known[ARRAY_LEN(rows)];
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		known[i] = rows[i].key;
	if (doc_check_keys(r->doc, r->map, known, ARRAY_LEN(rows)) != 0)
		result = -1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (config_read_row(r, &rows[i]) < 0)
			result = -1;
	return result;
}

int
config_read(struct config *c, const char *file, struct view yaml,
	    struct err *err)
{
	struct arena arena = { 0 };
	struct doc doc = {
		.file = file, .source = yaml, .arena = &arena, .err = err
	};
	struct config_reading r = { .arena = &c->arena,
				    .doc = &doc,
				    .base = c };
	int result = -1;

	r.map = doc_read_yaml(&doc);
	if (r.map != NULL && r.map->type == DOC_NULL)
		result = 0;
	else if (r.map != NULL && r.map->type != DOC_MAP)
		doc_error(&doc, r.map,
			  "the configuration must be a map of "
			  "keys, such as \"state: /srv/tocsin\"");
	else if (r.map != NULL)
		result = read_rows(&r);
	arena_free(&arena);
	return result;
}

void
config_put_default(const struct config_row *row, struct buf *yaml)
{
	if (row->standard[0] != '\0')
		buf_printf(yaml, "%s: %s\n", row->key, row->standard);
}

int
config_read_defaults(struct config *c, struct err *err)
{
	struct buf yaml = { 0 };
	int result;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		config_put_default(&rows[i], &yaml);
	if (yaml.failed)
		result = err_add(err, (struct place){ 0 }, "out of memory");
	else
		result = config_read(c, "defaults", buf_view(&yaml), err);
	buf_free(&yaml);
	return result;
}

void
config_free(struct config *c)
{
	arena_free(&c->arena);
	*c = (struct config){ 0 };
}

/* ---- the manual ------------------------------------------------------ */

void
config_manual_row(const struct config_row *row, struct buf *out)
{
	static const char *const wants[] = {
		[PATH] = "absolute path",
		[PATHS] = "list of absolute paths",
		[KEYS] = "list of absolute paths or keys",
		[WORD] = "one of",
		[WORDS] = "list of",
		[NAMES] = "list of names",
		[TEXT] = "text",
		[TEXTS] = "list of texts",
		[OUTPUTS] = "list of maps",
		[INT] = "whole number",
		[BOOL] = "true or false",
		[DURATION] = "time, such as 500ms, 90s, 5m, 2h or 7d",
	};

	buf_printf(out, ".It Ic %s\n.Pq %s%s", row->key, wants[row->type],
		   row->choices[0] != '\0' ? " " : "");
	/* A line may end after each. */
	for (const char *p = row->choices; *p != '\0'; p++)
		buf_printf(out, "%c%s", *p, *p == '|' ? "\\:" : "");
	buf_putc(out, '\n');
	buf_printf(out, "%s\n", row->manual);
	if (row->type == INT)
		buf_printf(out, "From %lld to %lld.\n", (long long)row->min,
			   (long long)row->max);
	if (row->type == DURATION)
		buf_printf(out, "From %llds to %llds.\n",
			   (long long)(row->min / (int64_t)NS_PER_SEC),
			   (long long)(row->max / (int64_t)NS_PER_SEC));
	if (row->standard[0] != '\0')
		buf_printf(out, "Default:\n.Ql %s\n", row->standard);
}

void
config_manual(struct buf *out)
{
	buf_puts(out, ".Bl -tag -width learning_period\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		config_manual_row(&rows[i], out);
	buf_puts(out, ".El\n");
	config_manual_outputs(out);
}
