/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the alerts of a running monitor go: into the state database first,
 * then, once that has committed, to the output in its format.
 */
#ifndef FIM_OUTPUT_H
#define FIM_OUTPUT_H

#include "fim/alert.h"
#include "fim/state.h"

struct output {
	FILE *out;	     /* borrowed */
	bool text, colour;   /* else JSON lines */
	struct state *state; /* borrowed; NULL = no database (replay) */
	struct buf pending;  /* formatted, waiting for the commit */
	struct buf json;     /* scratch */
	uint64_t alerts;     /* so far */
	bool state_failed, out_failed; /* since the last output_flush */
};

/* For alert_sink.take; ctx is the output. */
void output_take(void *output, const struct alert *);
/* Commits, then writes. -1 when something failed; the flags say what. */
int output_flush(struct output *);
void output_free(struct output *);

#endif
