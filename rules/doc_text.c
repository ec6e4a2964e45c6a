/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the characters of a decoded text stand in the file. YAML folds lines
 * and takes quotes away, but never changes the order: the file's characters are
 * passed along with the text's, white space apart.
 */
#include "rules/doc.h"

struct along {
	struct view raw;
	size_t at;
};

static bool
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* 'It''s', and the escapes of "…" that are a plain character or white. */
static bool
pass_escape(struct along *a, char wanted)
{
	char c = a->raw.p[a->at];
	char next = a->at + 1 < a->raw.n ? a->raw.p[a->at + 1] : '\0';

	if (c == '\'')
		a->at++;
	else if (c == '\\' && next != '\0' &&
		 (strchr("ntr", next) != NULL || is_white(next)) &&
		 next != wanted)
		a->at += 2;
	else if (c == '\\')
		a->at++;
	return c == '\'' || c == '\\';
}

/* To where this character stands. */
static bool
pass_to(struct along *a, char wanted)
{
	while (a->at < a->raw.n && a->raw.p[a->at] != wanted)
		if (is_white(a->raw.p[a->at]))
			a->at++;
		else if (!pass_escape(a, wanted))
			return false;
	return a->at < a->raw.n;
}

bool
text_find_raw(struct view text, size_t at, struct view raw, size_t begin,
	      size_t *out)
{
	struct along a = { raw, begin };
	size_t i = 0;

	*out = begin;
	for (; i < text.n && i <= at; i++) {
		if (is_white(text.p[i]))
			continue;
		if (!pass_to(&a, text.p[i]))
			return false;
		*out = a.at++;
	}
	/* Behind the end, or in white space: behind what is before. */
	if (at >= text.n || is_white(text.p[at]))
		*out = a.at;
	return true;
}

struct place
doc_text_place(struct doc *d, const struct doc_node *n, const char *what)
{
	struct place p = { .file = d->file,
			   .line = n->text_line,
			   .column = n->text_column };
	struct view name;
	size_t end;

	if (n->raw.n > 0 && text_find_raw(n->text, n->text.n, n->raw,
					  n->text_column - 1, &end)) {
		p.text = n->raw;
		return p;
	}
	if (n->block || (n->raw.n == 0 && view_find(n->text, '\n') < 0))
		return p;
	p.line = p.column = 1;
	name = arena_printf(d->arena, "%s:%u: %s", d->file, n->line, what);
	if (name.p != NULL)
		p.file = name.p;
	return p;
}
