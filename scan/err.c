/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnostics: collecting them, and showing one the way compilers do.
 */
#include "scan/base.h"

#include <stdlib.h>

/* Lines of hostile length: how much of one is kept, and how much is shown. */
#define LINE_KEPT_BYTES (64u << 10)
#define LINE_SHOWN_BYTES 160u

static bool
err_grow(struct err *e)
{
	size_t cap = e->cap ? e->cap * 2 : 8;
	struct diag *v;

	if (e->n < e->cap)
		return true;
	v = reallocarray(e->v, cap, sizeof(*v));
	if (v == NULL)
		return false;
	e->v = v;
	e->cap = cap;
	return true;
}

int
err_add(struct err *e, struct place where, const char *fmt, ...)
{
	struct view text = view_sub(where.text, 0, LINE_KEPT_BYTES);
	struct view file;
	struct diag d = { .line = where.line, .column = where.column };
	va_list ap;

	if (e->n >= (e->max ? e->max : ERR_MAX)) {
		e->dropped++;
		return -1;
	}
	if (!err_grow(e))
		goto no_memory;
	va_start(ap, fmt);
	d.message = arena_vprintf(&e->arena, fmt, ap);
	va_end(ap);
	file = arena_copy(&e->arena, view_of(where.file));
	d.file = file.p ? file.p : "";
	if (where.column <= LINE_KEPT_BYTES)
		d.text = arena_copy(&e->arena, text);
	if (d.message.p == NULL)
		goto no_memory;
	e->v[e->n++] = d;
	return -1;
no_memory:
	e->no_memory = true;
	e->dropped++;
	return -1;
}

int
err_no_memory(struct err *e, struct place where)
{
	err_add(e, where, "out of memory");
	e->no_memory = true;
	return -1;
}

/* As wide as what buf_source_line made of the same bytes: a tab for a tab, a
 * space for every other character. */
static void
put_indent(struct buf *b, struct view v)
{
	struct buf shown = { 0 };

	buf_source_line(&shown, v);
	for (size_t i = 0; i < shown.n; i++) {
		char c = shown.p[i];

		/* Bytes that continue a UTF-8 character take no width. */
		if ((c & 0xc0) != 0x80)
			buf_putc(b, c == '\t' ? '\t' : ' ');
	}
	buf_free(&shown);
}

/* Start of the part of a long line that is shown, not within a character. */
static size_t
shown_from(struct view text, size_t caret)
{
	size_t from;

	if (text.n <= LINE_SHOWN_BYTES || caret <= LINE_SHOWN_BYTES / 2)
		return 0;
	from = caret - LINE_SHOWN_BYTES / 2;
	while (from < caret && (text.p[from] & 0xc0) == 0x80)
		from++;
	return from;
}

static void
put_caret(struct buf *b, struct view text, size_t caret, bool cut)
{
	if (cut)
		buf_puts(b, "   ");
	put_indent(b, view_sub(text, 0, caret));
	buf_puts(b, "^\n");
}

static void
put_excerpt(struct buf *b, const struct diag *d)
{
	size_t caret = d->column > 0 ? d->column - 1 : 0;
	size_t from, end;
	struct view shown;

	if (caret > d->text.n)
		caret = d->text.n;
	from = shown_from(d->text, caret);
	end = from + LINE_SHOWN_BYTES;
	while (end < d->text.n && (d->text.p[end] & 0xc0) == 0x80)
		end++;
	shown = view_sub(d->text, from, end - from);
	if (from > 0)
		buf_puts(b, "...");
	buf_source_line(b, shown);
	buf_puts(b, from + shown.n < d->text.n ? "...\n" : "\n");
	if (d->column > 0)
		put_caret(b, shown, caret - from, from > 0);
}

void
err_format(const struct diag *d, struct buf *out)
{
	if (d->file[0] != '\0') {
		buf_text(out, view_of(d->file));
		buf_putc(out, ':');
	}
	if (d->line > 0)
		buf_printf(out, "%u:", d->line);
	if (d->line > 0 && d->column > 0)
		buf_printf(out, "%u:", d->column);
	if (d->file[0] != '\0' || d->line > 0)
		buf_putc(out, ' ');
	buf_source(out, d->message);
	buf_putc(out, '\n');
	if (d->text.n > 0)
		put_excerpt(out, d);
}

void
err_free(struct err *e)
{
	free(e->v);
	arena_free(&e->arena);
	*e = (struct err){ 0 };
}
