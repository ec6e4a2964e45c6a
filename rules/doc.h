/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document: what a YAML and a JSON file have in common, a tree of maps,
 * lists and scalars in which every node knows its line and column, so that
 * whoever reads it (rules, exceptions, the configuration) can say where
 * something is wrong. Typed getters report errors themselves.
 *
 * YAML is the subset that people write configuration in: one document, no
 * anchors, aliases or tags, text keys, no key twice. Plain scalars follow the
 * core schema of YAML 1.2 (yaml.org/spec/1.2.2 §10.3.2: `yes` is text, not
 * true). JSON is RFC 8259, strictly.
 *
 * Ownership: nodes live in the arena that the caller gave; text that needed
 * no decoding points into the source. Both must outlive the tree. Columns
 * count bytes from 1.
 */
#ifndef RULES_DOC_H
#define RULES_DOC_H

#include "scan/base.h"

/* What one document may hold; more is an error. A rule has about 100 nodes,
 * an export of all of Elastic's 1,700 rules in one array some 200,000. */
#define DOC_MAX_BYTES (64u << 20)
#define DOC_MAX_NODES 2000000u
#define DOC_MAX_DEPTH 32u

enum doc_type {
	DOC_NULL,
	DOC_BOOL,
	DOC_NUMBER,
	DOC_STRING,
	DOC_LIST,
	DOC_MAP,
};

struct doc_node {
	enum doc_type type;
	unsigned line, column; /* of the value */
	size_t offset;	       /* of the value, in the source */
	struct view key;       /* in a map */
	unsigned key_line, key_column;
	size_t key_offset;
	struct view text; /* scalars: decoded; numbers as written */
	/* Where the text itself begins (behind the quote, or the first line of
	 * a block) and, for a YAML block scalar of type |, how many columns
	 * were cut from each of its lines. */
	unsigned text_line, text_column;
	bool block;
	unsigned block_indent;
	/* Of a YAML scalar that is not the same in the file, folded or with
	 * escapes: what it was made of, from the start of text_line on. */
	struct view raw;
	struct doc_node *child, *next; /* lists and maps, in file order */
	unsigned n;		       /* children */
};

/* The reading of one document. Fill in all but `nodes` and pass it along. */
struct doc {
	const char *file; /* for diagnostics */
	struct view source;
	unsigned first_line; /* of `source` in the file; 0 counts as 1 */
	struct arena *arena;
	struct err *err;
	unsigned nodes;
};

/* NULL with the reason in doc->err. An empty YAML document is a DOC_NULL. */
struct doc_node *doc_read_yaml(struct doc *);
struct doc_node *doc_read_json(struct doc *);

/* ---- looking at nodes ------------------------------------------------ */

const char *doc_type_name(enum doc_type); /* "a list", "text", … */
/* The value of a key; NULL when absent. */
const struct doc_node *doc_get(const struct doc_node *map, const char *key);
struct place doc_place(const struct doc *, const struct doc_node *);
struct place doc_key_place(const struct doc *, const struct doc_node *);
/* An error at a node; always -1. */
int doc_error(struct doc *, const struct doc_node *, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Where the text begins, for faults in it; `what` it is. If lines and columns
 * of the text are not the file's, place.text is what it was made of in the
 * file, and else, place.file says of what text they are. */
struct place
doc_text_place(struct doc *, const struct doc_node *, const char *what);
/* Where byte `at` of the text stands in `raw`, of which it was made from
 * `begin` on; false: that is not known. */
bool text_find_raw(struct view text, size_t at, struct view raw, size_t begin,
		   size_t *out);

/* ---- typed getters --------------------------------------------------- */

/*
 * Each looks up `key` in `map`. Absent (or null): 0 and *out stays as it was,
 * or -1 with an error when DOC_REQUIRED. Of the wrong type or out of range:
 * -1 with an error. Found: 1.
 */
enum doc_need { DOC_OPTIONAL, DOC_REQUIRED };

/* Text; a number or a boolean counts as its text. Not empty if required. */
int doc_get_text(struct doc *, const struct doc_node *map, const char *key,
		 enum doc_need, struct view *out);
int doc_get_bool(struct doc *, const struct doc_node *map, const char *key,
		 enum doc_need, bool *out);

struct doc_range {
	int64_t min, max;
};
int doc_get_int(struct doc *, const struct doc_node *map, const char *key,
		struct doc_range, int64_t *out);

/* A list of texts; a single text counts as a list of one. In the arena. */
struct doc_texts {
	const struct view *v;
	size_t n;
};
int doc_get_texts(struct doc *, const struct doc_node *map, const char *key,
		  enum doc_need, struct doc_texts *out);
/* A list or a map, for the caller to walk. */
int doc_get_list(struct doc *, const struct doc_node *map, const char *key,
		 enum doc_need, const struct doc_node **out);
int doc_get_map(struct doc *, const struct doc_node *map, const char *key,
		enum doc_need, const struct doc_node **out);
/* "500ms", "90s", "5m", "2h", "7d", "1w". */
int doc_get_duration(struct doc *, const struct doc_node *map, const char *key,
		     enum doc_need, uint64_t *out_ns);

/* ---- helpers --------------------------------------------------------- */

/* Reports every key of `map` that is not in `known`, with the nearest one;
 * returns how many. */
unsigned doc_check_keys(struct doc *, const struct doc_node *map,
			const char *const *known, size_t n_known);
/* The most similar of the names, or NULL when none is similar. */
const char *
name_nearest(struct view name, const char *const *known, size_t n_known);
/* The text of a duration as doc_get_duration reads it; false if it is none. */
bool duration_read(struct view, uint64_t *ns);

/* ---- for the readers ------------------------------------------------- */

struct doc_node *doc_node_new(struct doc *, enum doc_type);
/* Refuses a key that is twice in the map; -1 with an error. */
int doc_close_map(struct doc *, const struct doc_node *map);
/* The type of a plain YAML scalar. */
enum doc_type doc_plain_type(struct view);

#endif
