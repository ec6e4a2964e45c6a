/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read(2) in blocks that stay within the second-level cache: faster here than
 * mmap(2), and a file that shrinks meanwhile does no harm. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fim/lines.h"
#include "fim/ndjson.h"

#define BLOCK_BYTES (256u << 10)

/* Moves what is left to the front and makes room behind it. */
static int
lines_room(struct lines *l)
{
	size_t left = l->end - l->at, cap = l->cap;
	char *block;

	if (left > 0 && l->at > 0)
		memmove(l->block, l->block + l->at, left);
	l->base += l->at;
	l->at = 0;
	l->end = left;
	if (cap == 0)
		cap = BLOCK_BYTES;
	else if (left == cap)
		cap = 2 * cap;
	if (cap == l->cap)
		return 0;
	block = realloc(l->block, cap + 1 + NDJSON_PADDING);
	if (block == NULL)
		return -1;
	l->block = block;
	l->cap = cap;
	return 0;
}

/* More bytes; at the end of the input a last line gets its '\n'. */
static int
lines_fill(struct lines *l)
{
	ssize_t n;

	if (lines_room(l) != 0)
		return -1;
	n = read(l->fd, l->block + l->end, l->cap - l->end);
	if (n < 0)
		return -1;
	l->end += (size_t)n;
	if (n == 0) {
		l->eof = true;
		if (l->end > l->at && l->block[l->end - 1] != '\n')
			l->block[l->end++] = '\n';
	}
	memset(l->block + l->end, 0, NDJSON_PADDING);
	return 0;
}

/* Drops bytes up to the line end. */
static enum lines_verdict
lines_skip_long(struct lines *l)
{
	const char *found;

	for (;;) {
		found = memchr(l->block + l->at, '\n', l->end - l->at);
		if (found != NULL || l->eof)
			break;
		l->at = l->end;
		if (lines_fill(l) != 0)
			return LINES_ERROR;
	}
	l->at = found != NULL ? (size_t)(found - l->block) + 1 : l->end;
	return LINES_LONG;
}

/* Some programs begin a file with a byte order mark, which UTF-8 does not
 * need. */
static void
skip_mark(struct lines *l, struct view *line)
{
	static const struct view mark = VIEW("\xef\xbb\xbf");

	if (!view_starts(*line, mark))
		return;
	l->offset += mark.n;
	line->p += mark.n; /* its line end is there, also of an empty one */
	line->n -= mark.n;
}

enum lines_verdict
lines_next(struct lines *l, struct view *line)
{
	size_t seen = 0;
	const char *start, *found;

	for (;;) {
		size_t have = l->end - l->at;

		start = l->block != NULL ? l->block + l->at : "";
		found = have > seen ? memchr(start + seen, '\n', have - seen)
				    : NULL;
		if (found != NULL)
			break;
		if (l->eof)
			return LINES_END;
		if (have > NDJSON_MAX_LINE) {
			l->line++;
			return lines_skip_long(l);
		}
		seen = have;
		if (lines_fill(l) != 0)
			return LINES_ERROR;
	}
	*line = (struct view){ start, (size_t)(found - start) };
	l->offset = l->base + l->at;
	l->at += line->n + 1;
	l->line++;
	if (l->offset == 0)
		skip_mark(l, line);
	return LINES_LINE;
}

void
lines_free(struct lines *l)
{
	free(l->block);
	l->block = NULL;
	l->cap = l->at = l->end = 0;
}
