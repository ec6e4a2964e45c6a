/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list `outputs` of the configuration. */
#include <stdlib.h>

#include "fim/config_rows.h"

#define OUTPUTS_MAX 16

static const struct {
	const char *kinds;
	struct config_row row;
} rows[] = {
#define OUTPUT(kinds, key, type, member, standard, min, max, choices, manual) \
	{ kinds,                                                              \
	  { key, type, offsetof(struct config_output, member), standard, min, \
	    max, choices, manual } },
#include "fim/config_outputs.def"
#undef OUTPUT
};

enum need { UNKNOWN, KNOWN, REQUIRED };

static enum need
need_of(const char *kinds, struct view type)
{
	struct view rest = view_of(kinds), item;

	while (view_next_split(&rest, '|', &item)) {
		if (view_eq(item, type))
			return KNOWN;
		if (view_ends(item, VIEW("!")) &&
		    view_eq(view_sub(item, 0, item.n - 1), type))
			return REQUIRED;
	}
	return UNKNOWN;
}

/* ---- what a row cannot say ------------------------------------------- */

static bool
name_valid(struct view v)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";

	for (size_t i = 0; i < v.n; i++)
		if (memchr(allowed, v.p[i], sizeof(allowed) - 1) == NULL)
			return false;
	return v.n > 0;
}

bool
config_host_port(struct view text, struct view *host, struct view *port)
{
	ssize_t colon = view_rfind(text, ':');
	uint64_t number;

	if (colon <= 0)
		return false;
	*host = view_sub(text, 0, (size_t)colon);
	*port = view_sub(text, (size_t)colon + 1, SIZE_MAX);
	if (view_starts(*host, VIEW("[")) && view_ends(*host, VIEW("]")))
		*host = view_sub(*host, 1, host->n - 2);
	else if (view_find(*host, ':') >= 0)
		return false;
	return host->n > 0 && host->n < 256 && view_find(*host, '/') < 0 &&
	       view_to_u64(*port, &number) && number > 0 && number < 65536;
}

static bool
to_valid(struct view to)
{
	struct view host, port;

	if (view_starts(to, VIEW("unix:")))
		return to.n > 6 && to.n < 5 + 108 && to.p[5] == '/';
	if (!view_starts(to, VIEW("tcp://")) &&
	    !view_starts(to, VIEW("tls://")))
		return false;
	return config_host_port(view_sub(to, 6, SIZE_MAX), &host, &port);
}

static bool
header_valid(struct view v)
{
	return view_find(v, ':') > 0 && view_find(v, ' ') != 0;
}

static int
check_texts(struct config_reading *r, const struct config_output *o)
{
	const struct doc_node *at = r->map;

	if (!name_valid(o->name))
		return doc_error(r->doc, at,
				 "\"name\" wants letters, digits, '-' and "
				 "'_'");
	if (!to_valid(o->to))
		return doc_error(r->doc, at,
				 "\"to\" wants unix:/path, tcp://host:port or "
				 "tls://host:port");
	if (o->url.n > 0 && !view_starts(o->url, VIEW("https://")) &&
	    !view_starts(o->url, VIEW("http://")))
		return doc_error(r->doc, at,
				 "\"url\" wants https:// or http://");
	for (size_t i = 0; i < o->headers.n; i++)
		if (!header_valid(o->headers.v[i]))
			return doc_error(r->doc, at,
					 "\"headers\" wants lines such as "
					 "\"Name: value\"");
	if ((o->key.n > 0) != (o->certificate.n > 0))
		return doc_error(r->doc, at,
				 "\"certificate\" and \"key\" go together");
	return 0;
}

/* ---- one ------------------------------------------------------------- */

static int
check_keys(struct config_reading *r, struct view type)
{
	const char *known[ARRAY_LEN(rows)];
	int result = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum need need = need_of(rows[i].kinds, type);

		if (need != UNKNOWN)
			known[n++] = rows[i].row.key;
		if (need == REQUIRED &&
		    doc_get(r->map, rows[i].row.key) == NULL)
			result =
				doc_error(r->doc, r->map,
					  "an output of type %.*s wants the "
					  "key \"%s\"",
					  (int)type.n, type.p, rows[i].row.key);
	}
	return doc_check_keys(r->doc, r->map, known, n) != 0 ? -1 : result;
}

static int
read_known(struct config_reading *r, struct view type)
{
	int result = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (need_of(rows[i].kinds, type) != UNKNOWN &&
		    config_read_row(r, &rows[i].row) < 0)
			result = -1;
	return result;
}

static int
read_one(struct config_reading *r, struct config_output *o)
{
	int result;

	if (r->map->type != DOC_MAP)
		return doc_error(
			r->doc, r->map,
			"an output is a map, such as {type: journald}");
	if (doc_get(r->map, "type") == NULL)
		return doc_error(r->doc, r->map,
				 "an output wants the key \"type\": one of %s",
				 rows[0].row.choices);
	if (config_read_row(r, &rows[0].row) < 0)
		return -1;
	o->name = o->type;
	result = check_keys(r, o->type);
	if (read_known(r, o->type) < 0 || result < 0)
		return -1;
	return check_texts(r, o);
}

/* Read from YAML by the same code, once for all. */
static int
read_standard(struct config_reading *r, struct config_output *o)
{
	struct buf yaml = { 0 };
	struct doc doc = { .file = "defaults",
			   .arena = r->doc->arena,
			   .err = r->doc->err };
	struct config_reading d = { r->arena, &doc, NULL, o };
	int result = -1;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		config_put_default(&rows[i].row, &yaml);
	doc.source = buf_view(&yaml);
	if (!yaml.failed)
		d.map = doc_read_yaml(&doc);
	for (size_t i = 0; d.map != NULL && i < ARRAY_LEN(rows); i++)
		config_read_row(&d, &rows[i].row);
	if (d.map != NULL)
		result = 0;
	buf_free(&yaml);
	return result;
}

/* ---- all ------------------------------------------------------------- */

static int
check_unique(struct config_reading *r, const struct config_output *v, size_t n)
{
	const struct doc_node *at = r->map;

	for (size_t i = 0; i < n; i++)
		if (view_eq(v[i].name, v[n].name))
			return doc_error(r->doc, at,
					 "there are two outputs of the name "
					 "\"%.*s\": give one a \"name\"",
					 (int)v[n].name.n, v[n].name.p);
	return 0;
}

int
config_read_outputs(struct config_reading *r, const struct config_row *row)
{
	struct config_outputs *all =
		(struct config_outputs *)((char *)r->base + row->at);
	const struct doc_node *list;
	struct config_output standard = { 0 }, *v;
	int result =
		doc_get_list(r->doc, r->map, row->key, DOC_OPTIONAL, &list);
	size_t n = 0;

	if (result <= 0)
		return result;
	if (list->n > OUTPUTS_MAX)
		return doc_error(r->doc, list, "\"%s\" has more than %d items",
				 row->key, OUTPUTS_MAX);
	v = arena_array(r->arena, list->n + 1, sizeof(*v));
	if (v == NULL || read_standard(r, &standard) != 0)
		return doc_error(r->doc, list, "out of memory");
	for (const struct doc_node *at = list->child; at != NULL;
	     at = at->next, n++) {
		struct config_reading one = { r->arena, r->doc, at, &v[n] };

		v[n] = standard;
		if (read_one(&one, &v[n]) != 0 || check_unique(&one, v, n) != 0)
			result = -1;
	}
	*all = (struct config_outputs){ v, n };
	return result;
}

/* ---- the manual ------------------------------------------------------ */

void
config_manual_outputs(struct buf *out)
{
	buf_puts(
		out,
		".Sh OUTPUTS\n"
		"Each output has a process of its own, with few rights, and "
		"its own place in\n"
		"the state database: what is slow, dead or full delays no "
		"other, and gets what\n"
		"it missed when it is back, in order, as long as the database "
		"has it (100,000\n"
		"alerts).\n"
		"Every alert arrives at least once; one that arrives again has "
		"the same\n"
		"tocsin.alert.id.\n"
		"A new output begins with the next alert.\n"
		"The keys of an output are:\n"
		".Bl -tag -width certificate\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct view rest = view_of(rows[i].kinds), kind;
		const char *comma = "";

		config_manual_row(&rows[i].row, out);
		if (rows[i].row.at == offsetof(struct config_output, type) ||
		    need_of(rows[i].kinds, VIEW("journald")) != UNKNOWN)
			continue;
		buf_puts(out, "Only of type ");
		while (view_next_split(&rest, '|', &kind)) {
			buf_printf(out, "%s%.*s", comma,
				   (int)kind.n - view_ends(kind, VIEW("!")),
				   kind.p);
			comma = " or ";
		}
		buf_puts(out, strchr(rows[i].kinds, '!') != NULL
				      ? ", which wants it.\n"
				      : ".\n");
	}
	buf_puts(out, ".El\n");
}
