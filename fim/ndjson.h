/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events from JSON text, one object a line (NDJSON), straight into the slots
 * of a record. Strict RFC 8259, except that a line end ends the text.
 *
 * Names: {"a":{"b":1}}, {"a.b":1} and a mixture of both are the field "a.b".
 * Values: arrays add values to their field; an array of objects gives one
 * array per member ({"a":[{"b":1},{"b":2}]} is a.b = 1, 2), as Elasticsearch
 * indexes them; null and [] add nothing. An integer that fits int64_t is
 * VALUE_INT, every other number VALUE_REAL.
 *
 * Names are looked up once and remembered, and the name that followed another
 * last time is tried first, so that events of the same shape cost little more
 * than a comparison a name. Nothing is allocated in the steady state.
 */
#ifndef FIM_NDJSON_H
#define FIM_NDJSON_H

#include "rules/rules.h"

/* Readable bytes that must follow the line end of a text being parsed: the
 * scanner reads 16 at a time (SSE2). */
#define NDJSON_PADDING 32
#define NDJSON_MAX_LINE (16u << 20)
#define NDJSON_MAX_DEPTH 64
#define NDJSON_MAX_VALUES (1u << 20) /* of one event */
#define NDJSON_MAX_NAMES (1u << 16)  /* of one event; remembered: twice */

struct ndjson;

/* What `find` says of names that nobody wants. */
#define NDJSON_IGNORE (-1)

/* `find` gives the slot of a field name (below n_slots) or NDJSON_IGNORE, and
 * the type that its values get (see value_make), which is RULES_ANY before. It
 * is asked once a name, and again when names were forgotten because there
 * were too many. NULL when memory is out. */
struct ndjson *
ndjson_new(int (*find)(void *ctx, struct view name, enum rules_type *type),
	   void *ctx, size_t n_slots);
void ndjson_free(struct ndjson *);

/* Of one slot how the text has its first value is told; said before anything
 * is read. What is told is JSON, n == 0 if there is none, and valid until the
 * next call. */
void ndjson_mark(struct ndjson *, size_t slot);
struct view ndjson_marked(const struct ndjson *);

struct ndjson_fault {
	const char *at; /* in the text */
	const char *why;
};

/*
 * The object at `text`, which ends in '\n' at or before `limit`;
 * NDJSON_PADDING bytes after `limit` must be readable. Fills the slots of
 * `record`, whose generation the caller has raised; their strings point into
 * the text or into the reader and are valid until the next call. Returns where
 * the next line begins, NULL with `fault`: then slots are undefined until the
 * generation is raised.
 */
const char *ndjson_parse(struct ndjson *, const char *text, const char *limit,
			 struct record *, struct ndjson_fault *fault);

/* Memory that lives until the next ndjson_parse. */
void *ndjson_alloc(struct ndjson *, size_t n, size_t size);

/* How often all names were forgotten. */
uint64_t ndjson_forgotten(const struct ndjson *);

#endif
