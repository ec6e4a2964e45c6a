/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines out of a descriptor, in large blocks, ready for ndjson_parse: each is
 * followed by its '\n' (one is added to a last line without) and by
 * NDJSON_PADDING readable bytes.
 */
#ifndef FIM_LINES_H
#define FIM_LINES_H

#include "scan/base.h"

struct lines {
	int fd; /* borrowed */
	char *block;
	size_t cap, at, end; /* of the block; [at, end) is still to come */
	uint64_t base;	     /* of the block, in the input */
	uint64_t offset;     /* in the input, of the line given last */
	uint64_t line;	     /* its number, from 1 */
	bool eof;
};

enum lines_verdict {
	LINES_LINE,
	LINES_END,
	LINES_LONG, /* past NDJSON_MAX_LINE, skipped; `line` is its number */
	LINES_ERROR /* errno; EINTR: a handler ran, see batch.h */
};

/* Zero-initialise but for fd; lines_free frees the block. The view is
 * borrowed until the next call. */
enum lines_verdict lines_next(struct lines *, struct view *line);
void lines_free(struct lines *);

#endif
