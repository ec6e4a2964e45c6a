/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling a generation: with all that a walk finds, or with what the last one
 * had and, for some paths, what is there now.
 */
#ifndef BASELINES_CAPTURE_H
#define BASELINES_CAPTURE_H

#include "baselines/baseline.h"
#include "baselines/objects.h"
#include "baselines/packages.h"
#include "baselines/scope.h"

/* A path to take anew. */
struct capture_root {
	struct view path; /* canonical */
	bool alone;	  /* not what is below it */
	/* What somebody looked at and accepts: anything else is an error. */
	bool expected, gone;
	uint8_t sha256[32]; /* all zeros: whatever it is */
	bool has_state;
	uint8_t state[32]; /* by change_state */
};

struct capture_totals {
	uint64_t files, bytes, uncovered, kept;
	uint64_t replaced, dropped; /* of the last generation */
};

struct capture {
	struct scope *scope; /* with scope_roots */
	unsigned threads;
	uint64_t max_bytes, keep_bytes;
	struct baseline_writer *writer; /* NULL: only count */
	struct packages *packages;	/* may be NULL */
	struct objects *objects;	/* may be NULL */
	struct baseline *old;		/* NULL: everything anew */
	struct capture_root *roots;	/* with `old`; sorted by capture_run */
	size_t n_roots;
	void (*uncovered)(void *ctx, const struct walk_entry *);
	bool (*progress)(void *ctx, const struct capture_totals *);
	void *ctx;
	struct capture_totals totals;
	bool stopped;
};

/* -1 with `err`. */
int capture_run(struct capture *, struct err *);

#endif
