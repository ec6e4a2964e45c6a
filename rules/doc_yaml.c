/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * YAML into a document tree, from libyaml's events (yaml.h). Anchors, aliases
 * and tags are refused: they would let a small file grow without bound, and
 * nobody needs them here.
 */
#include "rules/doc.h"

#include <yaml.h>

/* libyaml counts characters (and takes U+0085, U+2028 and U+2029 for line
 * ends); people and editors count lines by \n, and our columns are bytes. The
 * cursor follows libyaml's marks, which only move forward. */
struct cursor {
	size_t chars, offset;
	unsigned line;
	size_t line_start;
};

struct frame {
	struct doc_node *node, *tail;
	/* In a map: the key that waits for its value. */
	bool has_key;
	struct doc_node key;
};

struct reader {
	struct doc *d;
	yaml_parser_t parser;
	struct cursor at;
	struct frame stack[DOC_MAX_DEPTH];
	unsigned depth;
	struct doc_node *root;
};

static void
cursor_reset(struct reader *r)
{
	r->at = (struct cursor){ .line = 1 };
	if (r->d->first_line > 0)
		r->at.line = r->d->first_line;
}

static void
cursor_move(struct reader *r, size_t chars)
{
	struct view s = r->d->source;
	struct cursor *c = &r->at;

	if (chars < c->chars)
		cursor_reset(r);
	while (c->chars < chars && c->offset < s.n) {
		size_t n = utf8_length(view_sub(s, c->offset, 4));

		if (s.p[c->offset] == '\n') {
			c->line++;
			c->line_start = c->offset + 1;
		}
		c->offset += n > 0 ? n : 1;
		c->chars++;
	}
}

static void
cursor_place(const struct reader *r, struct doc_node *n)
{
	n->line = n->text_line = r->at.line;
	n->column = n->text_column =
		(unsigned)(r->at.offset - r->at.line_start + 1);
	n->offset = r->at.offset;
}

static int
error_at(struct reader *r, const yaml_mark_t *mark, const char *message)
{
	struct doc_node n = { 0 };

	cursor_move(r, mark->index);
	cursor_place(r, &n);
	return doc_error(r->d, &n, "%s", message);
}

static int
syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct doc_node n = { 0 };

	if (p->error == YAML_MEMORY_ERROR)
		return doc_error(r->d, &n, "out of memory");
	/* The reader knows the byte, the others have a mark. */
	if (p->error == YAML_READER_ERROR) {
		cursor_reset(r);
		while (r->at.offset < p->problem_offset &&
		       r->at.offset < r->d->source.n)
			cursor_move(r, r->at.chars + 1);
	} else {
		cursor_move(r, p->problem_mark.index);
	}
	cursor_place(r, &n);
	return doc_error(r->d, &n, "not valid YAML: %s%s%s",
			 p->problem != NULL ? p->problem : "syntax error",
			 p->context != NULL ? ", " : "",
			 p->context != NULL ? p->context : "");
}

/* Columns of white space before the first line that is not blank; *line is
 * its number within the text. */
static unsigned
first_indent(struct view text)
{
	struct view line;

	while (view_next_split(&text, '\n', &line)) {
		unsigned n = 0;

		while (n < line.n && line.p[n] == ' ')
			n++;
		if (n < line.n && line.p[n] != '\r')
			return n;
	}
	return 0;
}

/* A block scalar begins on the line behind its indicator. What libyaml cut
 * from each line is what the first line has more in the file than in the
 * text. */
static void
place_block(struct reader *r, struct doc_node *n)
{
	struct view rest = view_sub(r->d->source, n->offset, r->d->source.n);
	ssize_t end = view_find(rest, '\n');
	unsigned have, kept;

	n->text_line = n->line + 1;
	n->text_column = 1;
	if (end < 0)
		return;
	have = first_indent(view_sub(rest, (size_t)end + 1, rest.n));
	kept = first_indent(n->text);
	n->block = true;
	n->block_indent = have > kept ? have - kept : 0;
	n->text_column = n->block_indent + 1;
}

#define LINE_SHOWN 1024

/* Of all that is not word for word as in the file. */
static void
place_made(struct reader *r, const yaml_event_t *e, struct doc_node *n)
{
	struct view s = r->d->source, raw;
	size_t begin = r->at.line_start, end;

	if (e->data.scalar.style == YAML_FOLDED_SCALAR_STYLE) {
		place_block(r, n);
		n->block = false;
		while (begin < s.n && s.p[begin] != '\n')
			begin++;
		begin += begin < s.n;
	}
	cursor_move(r, e->end_mark.index);
	if (r->at.offset < begin + n->text_column - 1)
		return;
	raw = view_sub(s, begin, SIZE_MAX);
	if (n->text.n == 0 ||
	    view_starts(view_sub(raw, n->text_column - 1, SIZE_MAX), n->text))
		return;
	/* With the rest of its line, to be shown: not all of a very long one,
	 * which may hold very many. */
	end = r->at.offset;
	while (end < s.n && end - r->at.offset < LINE_SHOWN && s.p[end] != '\n')
		end++;
	n->raw = view_sub(raw, 0, end - begin);
}

static struct doc_node *
new_scalar(struct reader *r, const yaml_event_t *e)
{
	struct view text = { (const char *)e->data.scalar.value,
			     e->data.scalar.length };
	yaml_scalar_style_t style = e->data.scalar.style;
	struct doc_node *n = doc_node_new(r->d, DOC_STRING);

	if (n == NULL)
		return NULL;
	cursor_move(r, e->start_mark.index);
	cursor_place(r, n);
	n->text = arena_copy(r->d->arena, text);
	if (n->text.p == NULL && text.n > 0) {
		doc_error(r->d, n, "out of memory");
		return NULL;
	}
	if (style == YAML_PLAIN_SCALAR_STYLE)
		n->type = doc_plain_type(text);
	else if (style == YAML_LITERAL_SCALAR_STYLE)
		place_block(r, n);
	else if (style != YAML_FOLDED_SCALAR_STYLE)
		n->text_column++;
	if (style != YAML_LITERAL_SCALAR_STYLE)
		place_made(r, e, n);
	return n;
}

static int
set_key(struct reader *r, struct frame *f, const struct doc_node *n)
{
	if (n->type == DOC_LIST || n->type == DOC_MAP)
		return doc_error(r->d, n, "a key must be text");
	f->has_key = true;
	f->key = *n;
	return 0;
}

/* Puts a finished or opened node where it belongs. */
static int
place_node(struct reader *r, struct doc_node *n)
{
	struct frame *f;

	if (r->depth == 0) {
		r->root = n;
		return 0;
	}
	f = &r->stack[r->depth - 1];
	if (f->node->type == DOC_MAP && !f->has_key)
		return set_key(r, f, n);
	if (f->has_key) {
		n->key = f->key.text;
		n->key_line = f->key.line;
		n->key_column = f->key.column;
		n->key_offset = f->key.offset;
		f->has_key = false;
	}
	if (f->tail == NULL)
		f->node->child = n;
	else
		f->tail->next = n;
	f->tail = n;
	f->node->n++;
	return 0;
}

static int
open_container(struct reader *r, const yaml_event_t *e, enum doc_type type)
{
	struct doc_node *n = doc_node_new(r->d, type);

	if (n == NULL)
		return -1;
	cursor_move(r, e->start_mark.index);
	cursor_place(r, n);
	if (place_node(r, n) != 0)
		return -1;
	if (r->depth == DOC_MAX_DEPTH)
		return doc_error(r->d, n, "nested too deeply");
	r->stack[r->depth++] = (struct frame){ .node = n };
	return 0;
}

static int
close_container(struct reader *r)
{
	struct frame *f = &r->stack[--r->depth];

	return f->node->type == DOC_MAP ? doc_close_map(r->d, f->node) : 0;
}

/* Anchors and tags sit at the same place in all three events. */
static int
refuse_extras(struct reader *r, const yaml_event_t *e, const void *anchor,
	      const void *tag)
{
	if (anchor != NULL)
		return error_at(r, &e->start_mark,
				"anchors (&name) are not accepted");
	if (tag != NULL)
		return error_at(r, &e->start_mark,
				"tags (!name) are not accepted; put the text "
				"in quotes");
	return 0;
}

static int
take_scalar(struct reader *r, const yaml_event_t *e)
{
	struct doc_node *n;

	if (refuse_extras(r, e, e->data.scalar.anchor, e->data.scalar.tag) != 0)
		return -1;
	n = new_scalar(r, e);
	return n != NULL ? place_node(r, n) : -1;
}

static int
take_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
		if (refuse_extras(r, e, e->data.sequence_start.anchor,
				  e->data.sequence_start.tag) != 0)
			return -1;
		return open_container(r, e, DOC_LIST);
	case YAML_MAPPING_START_EVENT:
		if (refuse_extras(r, e, e->data.mapping_start.anchor,
				  e->data.mapping_start.tag) != 0)
			return -1;
		return open_container(r, e, DOC_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_container(r);
	case YAML_ALIAS_EVENT:
		return error_at(r, &e->start_mark,
				"aliases (*name) are not accepted; put the "
				"text in quotes");
	case YAML_DOCUMENT_START_EVENT:
		if (r->root != NULL)
			return error_at(r, &e->start_mark,
					"a second document in the file; use "
					"one file for each");
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

static int
read_events(struct reader *r)
{
	yaml_event_t e;
	bool done = false;

	while (!done) {
		int result;

		if (!yaml_parser_parse(&r->parser, &e))
			return syntax_error(r);
		done = e.type == YAML_STREAM_END_EVENT;
		result = take_event(r, &e);
		yaml_event_delete(&e);
		if (result != 0)
			return -1;
	}
	return 0;
}

static struct doc_node *
new_nothing(struct doc *d)
{
	struct doc_node *n = doc_node_new(d, DOC_NULL);

	if (n != NULL)
		n->line = n->column = 1;
	return n;
}

struct doc_node *
doc_read_yaml(struct doc *d)
{
	struct reader *r = arena_zalloc(d->arena, sizeof(*r));
	struct doc_node *root = NULL;

	if (r == NULL || !yaml_parser_initialize(&r->parser)) {
		err_add(d->err, (struct place){ .file = d->file },
			"out of memory");
		return NULL;
	}
	r->d = d;
	cursor_reset(r);
	/* Otherwise the first bytes could choose UTF-16. */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&r->parser,
		(const unsigned char *)(d->source.p ? d->source.p : ""),
		d->source.n);
	if (read_events(r) == 0) {
		root = r->root;
		if (root == NULL)
			root = new_nothing(d);
	}
	yaml_parser_delete(&r->parser);
	return root;
}
