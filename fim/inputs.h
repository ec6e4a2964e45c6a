/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded events out of files, in the order in which rules must see them.
 *
 * Elasticsearch looks at events in order of time, whatever order they were
 * stored in; so do we. Files that are in order already, which a quick look at
 * each line's time tells, are streamed. Others are sorted: an index of 32
 * bytes an event, the lines are read again one by one. What cannot be read
 * twice (a pipe) is copied to memory first. INPUTS_AS_THEY_COME streams
 * everything. So does a trace of Tocsin's own, which is in causal order.
 */
#ifndef FIM_INPUTS_H
#define FIM_INPUTS_H

#include "fim/document.h"

/* A pipe may hold so much when it is to be sorted. */
#define INPUTS_MAX_SPOOL (4ull << 30)

enum inputs_order { INPUTS_BY_TIME, INPUTS_AS_THEY_COME };

struct inputs_sink {
	/* The document holds an event, or what a trace says of itself. -1
	 * stops. */
	int (*event)(void *ctx, struct document *);
	int (*trace)(void *ctx, struct document *, struct ndjson_fault *);
	void *ctx;
};

struct inputs_config {
	struct document *document;
	const char *time_field;
	enum inputs_order order;
	struct inputs_sink sink;
	bool (*stopped)(void); /* asked before each line; may be NULL */
};

/* Reads the files ("-" = standard input), until `stopped`. A line that is no
 * event is reported in `err` and skipped; the same for a file that cannot be
 * read. Returns how often that happened, or -1 when the sink stopped or memory
 * is out. */
int64_t inputs_read(const struct inputs_config *, const char *const *names,
		    size_t n, struct err *);

#endif
