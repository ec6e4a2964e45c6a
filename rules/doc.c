/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done with a document once it is read; see doc.h. The readers are
 * in doc_yaml.c and doc_json.c.
 */
#include "rules/doc.h"

#include <stdlib.h>

/* A source line longer than this is not shown under a diagnostic: it is a
 * rule export with everything on one line. */
#define SHOWN_LINE_BYTES 300

struct doc_node *
doc_node_new(struct doc *d, enum doc_type type)
{
	struct doc_node *n;

	if (d->nodes >= DOC_MAX_NODES) {
		err_add(d->err, (struct place){ .file = d->file },
			"more than %u values in one document", DOC_MAX_NODES);
		return NULL;
	}
	n = arena_zalloc(d->arena, sizeof(*n));
	if (n == NULL) {
		err_add(d->err, (struct place){ .file = d->file },
			"out of memory");
		return NULL;
	}
	d->nodes++;
	n->type = type;
	return n;
}

/* By key, then by place, so that of two equal ones the later is reported. */
static int
compare_keys(const void *a, const void *b)
{
	const struct doc_node *x = *(const struct doc_node *const *)a;
	const struct doc_node *y = *(const struct doc_node *const *)b;
	int c = view_cmp(x->key, y->key);

	if (c != 0)
		return c;
	return (x->key_offset > y->key_offset) -
	       (x->key_offset < y->key_offset);
}

int
doc_close_map(struct doc *d, const struct doc_node *map)
{
	const struct doc_node **keys, *c;
	size_t i, n = 0;
	int result = 0;

	if (map->n < 2)
		return 0;
	keys = arena_array(d->arena, map->n, sizeof(*keys));
	if (keys == NULL)
		return doc_error(d, map, "out of memory");
	for (c = map->child; c != NULL; c = c->next)
		keys[n++] = c;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 1; i < n; i++) {
		if (!view_eq(keys[i - 1]->key, keys[i]->key))
			continue;
		result = err_add(d->err, doc_key_place(d, keys[i]),
				 "the key \"%.*s\" is here twice; first on "
				 "line %u",
				 (int)keys[i]->key.n, keys[i]->key.p,
				 keys[i - 1]->key_line);
	}
	return result;
}

/* ---- plain scalars --------------------------------------------------- */

static size_t
skip_digits(struct view v, size_t i)
{
	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	return i;
}

/* [-+]? ( digits ( . digits* )? | . digits ) ( [eE] [-+]? digits )? */
static bool
is_number(struct view v)
{
	size_t i = 0, from, whole, fraction = 0;

	if (i < v.n && (v.p[i] == '-' || v.p[i] == '+'))
		i++;
	from = i;
	i = skip_digits(v, i);
	whole = i - from;
	if (i < v.n && v.p[i] == '.') {
		from = ++i;
		i = skip_digits(v, i);
		fraction = i - from;
	}
	if (whole + fraction == 0)
		return false;
	if (i < v.n && (v.p[i] == 'e' || v.p[i] == 'E')) {
		i++;
		if (i < v.n && (v.p[i] == '-' || v.p[i] == '+'))
			i++;
		from = i;
		i = skip_digits(v, i);
		if (i == from)
			return false;
	}
	return i == v.n;
}

static bool
is_one_of(struct view v, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq(v, view_of(words[i])))
			return true;
	return false;
}

enum doc_type
doc_plain_type(struct view v)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const bools[] = { "true",  "True",  "TRUE",
					     "false", "False", "FALSE" };

	if (is_one_of(v, nulls, ARRAY_LEN(nulls)))
		return DOC_NULL;
	if (is_one_of(v, bools, ARRAY_LEN(bools)))
		return DOC_BOOL;
	return is_number(v) ? DOC_NUMBER : DOC_STRING;
}

/* ---- looking at nodes ------------------------------------------------ */

const char *
doc_type_name(enum doc_type type)
{
	static const char *const names[] = {
		[DOC_NULL] = "nothing",	   [DOC_BOOL] = "true or false",
		[DOC_NUMBER] = "a number", [DOC_STRING] = "text",
		[DOC_LIST] = "a list",	   [DOC_MAP] = "a map of keys",
	};

	return names[type];
}

const struct doc_node *
doc_get(const struct doc_node *map, const char *key)
{
	const struct doc_node *c;
	struct view k = view_of(key);

	if (map->type != DOC_MAP)
		return NULL;
	for (c = map->child; c != NULL; c = c->next)
		if (view_eq(c->key, k))
			return c;
	return NULL;
}

static struct place
place_at(const struct doc *d, size_t offset, unsigned line, unsigned column)
{
	struct place p = { .file = d->file, .line = line, .column = column };
	size_t from;
	ssize_t end;

	if (line == 0 || column == 0 || offset + 1 < column)
		return p;
	from = offset + 1 - column;
	p.text = view_sub(d->source, from, d->source.n);
	end = view_find(p.text, '\n');
	if (end >= 0)
		p.text.n = (size_t)end;
	if (p.text.n > SHOWN_LINE_BYTES)
		p.text = VIEW_NONE;
	return p;
}

struct place
doc_place(const struct doc *d, const struct doc_node *n)
{
	return place_at(d, n->offset, n->line, n->column);
}

struct place
doc_key_place(const struct doc *d, const struct doc_node *n)
{
	if (n->key_line == 0)
		return doc_place(d, n);
	return place_at(d, n->key_offset, n->key_line, n->key_column);
}

int
doc_error(struct doc *d, const struct doc_node *n, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		text = NULL;
	err_add(d->err, doc_place(d, n), "%s",
		text != NULL ? text : "out of memory");
	free(text);
	return -1;
}

/* ---- typed getters --------------------------------------------------- */

/* The value, or NULL with *result = what the getter returns: 0 or -1. */
static const struct doc_node *
lookup(struct doc *d, const struct doc_node *map, const char *key,
       enum doc_need need, int *result)
{
	const struct doc_node *n = doc_get(map, key);

	*result = 0;
	if (n != NULL && n->type != DOC_NULL)
		return n;
	if (need == DOC_REQUIRED)
		*result = doc_error(d, n != NULL ? n : map,
				    "the key \"%s\" is missing", key);
	return NULL;
}

static int
wrong_type(struct doc *d, const struct doc_node *n, const char *key,
	   const char *wanted)
{
	return doc_error(d, n, "\"%s\" must be %s, not %s", key, wanted,
			 doc_type_name(n->type));
}

static bool
is_scalar(const struct doc_node *n)
{
	return n->type == DOC_STRING || n->type == DOC_NUMBER ||
	       n->type == DOC_BOOL;
}

int
doc_get_text(struct doc *d, const struct doc_node *map, const char *key,
	     enum doc_need need, struct view *out)
{
	int result;
	const struct doc_node *n = lookup(d, map, key, need, &result);

	if (n == NULL)
		return result;
	if (!is_scalar(n))
		return wrong_type(d, n, key, "text");
	if (need == DOC_REQUIRED && view_trim(n->text).n == 0)
		return doc_error(d, n, "\"%s\" must not be empty", key);
	*out = n->text;
	return 1;
}

int
doc_get_bool(struct doc *d, const struct doc_node *map, const char *key,
	     enum doc_need need, bool *out)
{
	int result;
	const struct doc_node *n = lookup(d, map, key, need, &result);

	if (n == NULL)
		return result;
	if (n->type != DOC_BOOL)
		return wrong_type(d, n, key, "true or false");
	*out = n->text.p[0] == 't' || n->text.p[0] == 'T';
	return 1;
}

int
doc_get_int(struct doc *d, const struct doc_node *map, const char *key,
	    struct doc_range range, int64_t *out)
{
	int result;
	const struct doc_node *n = lookup(d, map, key, DOC_OPTIONAL, &result);
	int64_t value;

	if (n == NULL)
		return result;
	if (n->type != DOC_NUMBER || !view_to_i64(n->text, &value))
		return doc_error(d, n, "\"%s\" must be a whole number", key);
	if (value < range.min || value > range.max)
		return doc_error(d, n, "\"%s\" must be from %lld to %lld", key,
				 (long long)range.min, (long long)range.max);
	*out = value;
	return 1;
}

int
doc_get_texts(struct doc *d, const struct doc_node *map, const char *key,
	      enum doc_need need, struct doc_texts *out)
{
	int result;
	const struct doc_node *c, *n = lookup(d, map, key, need, &result);
	struct view *v;
	size_t i = 0;

	if (n == NULL)
		return result;
	if (n->type == DOC_MAP)
		return wrong_type(d, n, key, "a list of texts");
	if (need == DOC_REQUIRED && n->type == DOC_LIST && n->n == 0)
		return doc_error(d, n, "\"%s\" must not be empty", key);
	v = arena_array(d->arena, n->type == DOC_LIST ? n->n : 1, sizeof(*v));
	if (v == NULL && n->type != DOC_LIST)
		return doc_error(d, n, "out of memory");
	if (n->type != DOC_LIST) {
		v[i++] = n->text;
	} else {
		for (c = n->child; c != NULL; c = c->next) {
			if (v == NULL)
				return doc_error(d, n, "out of memory");
			if (!is_scalar(c))
				return doc_error(d, c,
						 "\"%s\" must be a list of "
						 "texts; here is %s",
						 key, doc_type_name(c->type));
			v[i++] = c->text;
		}
	}
	out->v = v;
	out->n = i;
	return 1;
}

int
doc_get_list(struct doc *d, const struct doc_node *map, const char *key,
	     enum doc_need need, const struct doc_node **out)
{
	int result;
	const struct doc_node *n = lookup(d, map, key, need, &result);

	if (n == NULL)
		return result;
	if (n->type != DOC_LIST)
		return wrong_type(d, n, key, "a list");
	*out = n;
	return 1;
}

int
doc_get_map(struct doc *d, const struct doc_node *map, const char *key,
	    enum doc_need need, const struct doc_node **out)
{
	int result;
	const struct doc_node *n = lookup(d, map, key, need, &result);

	if (n == NULL)
		return result;
	if (n->type != DOC_MAP)
		return wrong_type(d, n, key, "a map of keys");
	*out = n;
	return 1;
}

bool
duration_read(struct view v, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", NS_PER_US },
		{ "ms", NS_PER_MS },
		{ "s", NS_PER_SEC },
		{ "m", 60 * NS_PER_SEC },
		{ "h", 3600 * NS_PER_SEC },
		{ "d", 86400 * NS_PER_SEC },
		{ "w", 7 * 86400 * NS_PER_SEC },
	};
	size_t digits = skip_digits(v, 0);
	struct view unit = view_sub(v, digits, v.n);
	uint64_t n;

	if (!view_to_u64(view_sub(v, 0, digits), &n))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (view_eq(unit, view_of(units[i].unit)))
			return !__builtin_mul_overflow(n, units[i].ns, ns);
	return false;
}

int
doc_get_duration(struct doc *d, const struct doc_node *map, const char *key,
		 enum doc_need need, uint64_t *out_ns)
{
	int result;
	const struct doc_node *n = lookup(d, map, key, need, &result);

	if (n == NULL)
		return result;
	if (!is_scalar(n) || !duration_read(n->text, out_ns))
		return doc_error(d, n,
				 "\"%s\" must be a time such as 500ms, 90s, "
				 "5m, 2h or 7d",
				 key);
	return 1;
}

/* ---- names ----------------------------------------------------------- */

#define NAME_MAX_BYTES 63

/* Edits (insert, remove, replace, swap neighbours) from a to b: optimal
 * string alignment, three rows. Case does not count. */
static size_t
edit_distance(struct view a, struct view b)
{
	size_t row[3][NAME_MAX_BYTES + 1];
	size_t *older = row[0], *old = row[1], *now = row[2], *spare;

	for (size_t j = 0; j <= b.n; j++)
		old[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t cost = !view_eq_fold(view_sub(a, i - 1, 1),
						    view_sub(b, j - 1, 1));
			size_t best = old[j - 1] + cost;

			if (old[j] + 1 < best)
				best = old[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] && older[j - 2] + 1 < best)
				best = older[j - 2] + 1;
			now[j] = best;
		}
		spare = older;
		older = old;
		old = now;
		now = spare;
	}
	return old[b.n];
}

const char *
name_nearest(struct view name, const char *const *known, size_t n_known)
{
	const char *best = NULL;
	size_t best_distance = name.n / 3 + 2;

	if (name.n > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < n_known; i++) {
		struct view k = view_of(known[i]);
		size_t distance;

		if (k.n > NAME_MAX_BYTES)
			continue;
		distance = edit_distance(name, k);
		if (distance < best_distance && distance < k.n) {
			best_distance = distance;
			best = known[i];
		}
	}
	return best;
}

unsigned
doc_check_keys(struct doc *d, const struct doc_node *map,
	       const char *const *known, size_t n_known)
{
	const struct doc_node *c;
	const char *nearest;
	struct buf key = { 0 };
	unsigned unknown = 0;

	if (map->type != DOC_MAP)
		return 0;
	for (c = map->child; c != NULL; c = c->next) {
		if (is_one_of(c->key, known, n_known))
			continue;
		unknown++;
		buf_clear(&key);
		buf_text(&key, c->key);
		nearest = name_nearest(c->key, known, n_known);
		err_add(d->err, doc_key_place(d, c),
			"unknown key \"%.*s\"%s%s%s", (int)key.n,
			key.p != NULL ? key.p : "",
			nearest != NULL ? "; did you mean \"" : "",
			nearest != NULL ? nearest : "",
			nearest != NULL ? "\"?" : "");
	}
	buf_free(&key);
	return unknown;
}
