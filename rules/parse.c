/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both parsers need: errors with their place, nodes, names. */
#include "rules/doc.h"
#include "rules/engine.h"

#include <stdlib.h>

/* Of a text that stands otherwise in the file. */
static struct place
made_place(const struct parse *p, size_t at)
{
	struct place place = p->place;
	struct view raw = place.text;
	size_t start = 0, end;

	if (!text_find_raw(p->text, at, raw, place.column - 1, &at))
		at = place.column - 1;
	for (size_t i = 0; i < at; i++) {
		if (raw.p[i] != '\n')
			continue;
		place.line++;
		start = i + 1;
	}
	for (end = at; end < raw.n && raw.p[end] != '\n'; end++)
		;
	place.text = view_sub(raw, start, end - start);
	place.column = (unsigned)(at - start) + 1;
	return place;
}

struct place
parse_place(const struct parse *p, size_t at)
{
	struct place place = p->place;
	size_t start = 0, end, line = 0;

	if (place.text.n > 0 && place.column > 0)
		return made_place(p, at);
	if (at > p->text.n)
		at = p->text.n;
	for (size_t i = 0; i < at; i++) {
		if (p->text.p[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	for (end = at; end < p->text.n && p->text.p[end] != '\n'; end++)
		;
	if (place.line > 0)
		place.line += (unsigned)line;
	place.text = view_sub(p->text, start, end - start);
	place.column =
		(unsigned)(at - start) + (place.column > 0 ? place.column : 1);
	return place;
}

/* Several steps may come by the same fault. */
static bool
is_repeated(const struct parse *p, size_t at, struct view message)
{
	const struct err *e = p->err;

	return p->errors > 0 && p->error_at == at && e->n > 0 &&
	       view_eq(e->v[e->n - 1].message, message);
}

/* The caret stands under a byte of the query's own line, so its line is
 * padded to where it begins in the file. */
int
parse_error(struct parse *p, size_t at, const char *fmt, ...)
{
	struct place place;
	struct buf line = { 0 };
	unsigned begins = p->place.column > 1 && p->place.text.n == 0
				  ? p->place.column - 1
				  : 0;
	struct view message;
	va_list args;

	/* Places and names are looked for at length, and nobody would see it.
	 */
	if (p->errors > PARSE_ERRORS_MAX)
		return -1;
	place = parse_place(p, at);
	va_start(args, fmt);
	message = arena_vprintf(p->arena, fmt, args);
	va_end(args);
	if (message.p == NULL)
		message = VIEW("memory is out");
	if (is_repeated(p, at, message))
		return -1;
	p->error_at = at;
	if (p->errors++ >= PARSE_ERRORS_MAX)
		return -1;
	for (unsigned i = 0; i < begins && i < 200; i++)
		buf_putc(&line, ' ');
	buf_put(&line, place.text);
	if (!line.failed)
		place.text = buf_view(&line);
	err_add(p->err, place, "%.*s", (int)message.n, message.p);
	buf_free(&line);
	return -1;
}

int
parse_begin(struct parse *p)
{
	if (p->text.n > QUERY_BYTES_MAX)
		return parse_error(p, 0, "the query is longer than %u bytes",
				   QUERY_BYTES_MAX);
	for (size_t i = 0; i < p->text.n;) {
		size_t n = utf8_length(view_sub(p->text, i, 4));

		if (n == 0)
			return parse_error(p, i, "the query is not UTF-8 here");
		i += n;
	}
	return 0;
}

struct node *
node_new(struct parse *p, enum node_kind kind, size_t at)
{
	/* One node must exist even without memory: nobody writes to it. */
	static const struct node none = { .kind = NODE_BAD };
	struct node *n = arena_zalloc(p->arena, sizeof(*n));

	if (n == NULL) {
		parse_error(p, at, "memory is out");
		return (struct node *)(uintptr_t)&none;
	}
	n->kind = kind;
	n->at = (uint32_t)at;
	return n;
}

int
node_add(struct parse *p, struct node *parent, struct node *kid)
{
	struct node **kids;

	if (parent->kind == NODE_BAD)
		return -1;
	if ((parent->n & (parent->n - 1)) == 0) { /* 0, 1, 2, 4, … */
		size_t room = parent->n == 0 ? 1 : parent->n * 2;

		kids = arena_array(p->arena, room, sizeof(*kids));
		if (kids == NULL)
			return parse_error(p, parent->at, "memory is out");
		if (parent->n > 0)
			memcpy(kids, parent->kids, parent->n * sizeof(*kids));
		parent->kids = kids;
	}
	parent->kids[parent->n++] = kid;
	if (kid->depth >= parent->depth)
		parent->depth = (uint16_t)(kid->depth + 1);
	/* Everything that walks trees recurses. */
	if (parent->depth > NODE_DEPTH_MAX) {
		parent->depth = 0;
		return parse_error(p, parent->at, "the query nests too deeply");
	}
	return 0;
}

struct node *
node_not(struct parse *p, struct node *kid)
{
	struct node *n = node_new(p, NODE_NOT, kid->at);

	node_add(p, n, kid);
	return n;
}

/* AND and OR are flat: a and b and c is one node. */
struct node *
node_join(struct parse *p, enum node_kind kind, struct node *a, struct node *b)
{
	struct node *n;

	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (a->kind == kind) {
		node_add(p, a, b);
		return a;
	}
	n = node_new(p, kind, a->at);
	node_add(p, n, a);
	if (b->kind != kind)
		node_add(p, n, b);
	for (size_t i = 0; b->kind == kind && i < b->n; i++)
		node_add(p, n, b->kids[i]);
	return n;
}

struct node *
node_literal(struct parse *p, size_t at, struct item item)
{
	struct node *n = node_new(p, NODE_LITERAL, at);

	if (n->kind == NODE_LITERAL)
		n->item = item;
	return n;
}

/* ---- the nearest known name ------------------------------------------ */

#define NEAREST_NAME_MAX 96

/* Edit distance (Levenshtein), one row at a time. */
static size_t
distance(struct view a, struct view b)
{
	size_t row[NEAREST_NAME_MAX + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = corner + (a.p[i - 1] != b.p[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

static void
nearer(struct view name, const char *candidate, const char **best,
       size_t *best_distance)
{
	struct view c = view_of(candidate);
	size_t d;

	if (c.n == 0 || c.n > NEAREST_NAME_MAX || name.n > NEAREST_NAME_MAX)
		return;
	d = distance(name, c);
	if (d < *best_distance) {
		*best = candidate;
		*best_distance = d;
	}
}

static int
error_unknown(struct parse *p, const char *what, struct view name, size_t at,
	      const char *best)
{
	struct buf shown = { 0 };

	buf_text(&shown, name);
	if (best != NULL)
		parse_error(p, at, "unknown %s %.*s; did you mean %s?", what,
			    (int)shown.n, shown.p == NULL ? "" : shown.p, best);
	else
		parse_error(p, at, "unknown %s %.*s", what, (int)shown.n,
			    shown.p == NULL ? "" : shown.p);
	buf_free(&shown);
	return -1;
}

static int
find_field(struct parse *p, struct view name, bool *fold)
{
	static const struct view subs[] = { VIEW(".caseless"), VIEW(".text") };
	int field;

	/* Sub-fields of ECS keywords: the same values, compared folded. */
	for (size_t i = 0; i < ARRAY_LEN(subs) && name.n > subs[i].n; i++) {
		if (!view_ends(name, subs[i]))
			continue;
		field = set_field(p->set,
				  view_sub(name, 0, name.n - subs[i].n));
		if (field >= 0) {
			*fold = true;
			return field;
		}
	}
	return set_field(p->set, name);
}

int
parse_field(struct parse *p, struct view name, size_t at, bool *fold)
{
	int field = find_field(p, name, fold);
	const char *best = NULL;
	size_t limit = name.n / 2 + 1;

	if (field >= 0 || p->errors > PARSE_ERRORS_MAX)
		return field;
	for (size_t i = 0; i < p->set->schema->n; i++)
		nearer(name, p->set->schema->fields[i].name, &best, &limit);
	return error_unknown(p, "field", name, at, best);
}

int
parse_optional_field(struct parse *p, struct view name, size_t at, bool *fold)
{
	int field = find_field(p, name, fold);

	if (field < 0)
		field = set_field_unmapped(p->set, name);
	return field >= 0 ? field : parse_error(p, at, "memory is out");
}

const struct named_list *
parse_list(struct parse *p, struct view name, size_t at)
{
	const struct named_list *list = set_list(p->set, name);
	const char *best = NULL;
	size_t limit = name.n / 2 + 2;

	if (list != NULL)
		return list;
	for (size_t i = 0; i < p->set->n_lists; i++)
		if (p->set->lists[i].defined)
			nearer(name, p->set->lists[i].name.p, &best, &limit);
	error_unknown(p, "list", name, at, best);
	return NULL;
}

struct node *
parse_category(struct parse *p, struct view name, size_t at, bool *failed)
{
	struct node *in, *field;
	bool fold;
	int id;

	*failed = false;
	if (view_eq(name, VIEW("any")))
		return NULL;
	id = parse_field(p, VIEW("event.category"), at, &fold);
	if (id < 0) {
		*failed = true;
		return NULL;
	}
	field = node_new(p, NODE_FIELD, at);
	if (field->kind == NODE_FIELD)
		field->field = (unsigned)id;
	in = node_new(p, NODE_IN, at);
	node_add(p, in, field);
	node_add(p, in, node_literal(p, at, item_string(name)));
	return in;
}

/* ---- fields that mean others ----------------------------------------- */

/* Does it ask for the field? If so, and `other` is given, then for that one
 * from now on. */
static bool
meets_field(struct node *n, unsigned field, const unsigned *other)
{
	bool met = n->kind == NODE_FIELD && n->field == field;

	if (met && other != NULL)
		n->field = *other;
	for (size_t i = 0; i < n->n; i++)
		met |= meets_field(n->kids[i], field, other);
	return met;
}

static bool
stage_meets(struct query_stage *s, unsigned field, const unsigned *other)
{
	bool met = s->cond != NULL && meets_field(s->cond, field, other);

	for (size_t i = 0; i < s->n_keys; i++) {
		if (s->keys[i].field != field)
			continue;
		met = true;
		if (other != NULL)
			s->keys[i].field = *other;
	}
	return met;
}

static bool
query_meets(struct query *q, unsigned field, const unsigned *other)
{
	bool met = stage_meets(&q->until, field, other);

	for (size_t i = 0; i < q->n; i++)
		met |= stage_meets(&q->stages[i], field, other);
	return met;
}

void
parse_meanings(const struct parse *p, struct query *q)
{
	const struct rules_schema *schema = p->set->schema;

	for (size_t i = 0; i < schema->n_meanings; i++) {
		const struct rules_meaning *m = &schema->meanings[i];

		if (query_meets(q, m->with, NULL))
			query_meets(q, m->field, &m->other);
	}
}

void
parse_meanings_beside(const struct parse *p, struct query *q, struct node *cond)
{
	const struct rules_schema *schema = p->set->schema;

	for (size_t i = 0; i < schema->n_meanings; i++) {
		const struct rules_meaning *m = &schema->meanings[i];

		if (query_meets(q, m->with, NULL) ||
		    meets_field(cond, m->with, NULL))
			meets_field(cond, m->field, &m->other);
	}
}

unsigned
parse_meaning_beside(const struct parse *p, struct query *q, unsigned field)
{
	const struct rules_schema *schema = p->set->schema;

	for (size_t i = 0; i < schema->n_meanings; i++) {
		const struct rules_meaning *m = &schema->meanings[i];

		if (m->field == field && query_meets(q, m->with, NULL))
			return m->other;
	}
	return field;
}
