/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a row of config.def or config_outputs.def is read; for the files of the
 * configuration (config.h) alone. */
#ifndef FIM_CONFIG_ROWS_H
#define FIM_CONFIG_ROWS_H

#include "fim/config.h"
#include "rules/doc.h"

enum config_type {
	PATH,
	PATHS,
	KEYS,
	WORD,
	WORDS,
	NAMES,
	TEXT,
	TEXTS,
	INT,
	BOOL,
	DURATION,
	OUTPUTS,
};

struct config_row {
	const char *key;
	enum config_type type;
	size_t at; /* of the member in what is being filled */
	const char *standard;
	int64_t min, max;
	const char *choices, *manual;
};

/* One map being read. */
struct config_reading {
	struct arena *arena; /* for what is kept */
	struct doc *doc;
	const struct doc_node *map;
	void *base; /* the struct that rows fill */
};

/* -1 with an error, 0 absent, 1. */
int config_read_row(struct config_reading *, const struct config_row *);
/* Every row's default. */
int config_read_defaults(struct config *, struct err *);
/* The rows' defaults as YAML. */
void config_put_default(const struct config_row *, struct buf *yaml);
void config_manual_row(const struct config_row *, struct buf *out);

/* Of config_outputs.c. */
int config_read_outputs(struct config_reading *, const struct config_row *);
void config_manual_outputs(struct buf *out);

#endif
