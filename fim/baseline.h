/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the actions of `tocsin baseline` share. */
#ifndef FIM_BASELINE_H
#define FIM_BASELINE_H

#include "baselines/baseline.h"
#include "baselines/capture.h"
#include "baselines/compare.h"
#include "baselines/scope.h"
#include "fim/batch.h"
#include "fim/config.h"
#include "fim/options.h"

/* One run of one action. */
struct baseline_run {
	const struct options *o;
	struct cmd_io *io;
	struct config config;
	const char *state; /* folder */
	struct sign_keys keys;
	struct baseline *baseline; /* by baseline_run_open */
	struct scope scope;	   /* the baseline's, with roots */
	struct buf who;
	struct batch batch;
	unsigned threads;
	size_t listed; /* JSON objects written by list, show and log */
};

/* The baseline, verified: signature, host, and that neither it nor the journal
 * was turned back. Any other code than EXIT_NOTHING: told in io->err. */
enum exit_code baseline_run_open(struct baseline_run *);
/* The package databases, to explain changes of the baseline with; to be closed
 * with packages_close. NULL: told in io->err. Before a comparison. */
struct packages;
struct packages *baseline_run_packages(struct baseline_run *);
/* Has a signal asked to stop? */
bool baseline_run_stopped(struct baseline_run *);
/* A line of progress now and then; total 0 = not known. */
void baseline_run_progress(struct baseline_run *, uint64_t files,
			   uint64_t total, uint64_t bytes);
void baseline_run_progress_end(struct baseline_run *);
enum exit_code baseline_usage(struct baseline_run *, const char *fmt, ...)
	PRINTF_LIKE(2, 3);
enum exit_code baseline_failed(struct baseline_run *, enum exit_code,
			       const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A path of the command line as the baseline has it; false with an error told
 * and its code. */
bool baseline_run_path(struct baseline_run *, const char *arg, struct buf *out,
		       enum exit_code *);
/* Tells why such a path cannot be had, by errno. */
enum exit_code baseline_no_path(struct baseline_run *, const char *arg);

/* Gives each change of the report of the command line, if there is one: a path
 * to take anew and the state that it must have. What `add` gets is borrowed
 * until it returns. */
enum exit_code
baseline_reported(struct baseline_run *,
		  void (*add)(void *ctx, const struct capture_root *),
		  void *ctx);

/* ACTION(name) */
#define BASELINE_ACTIONS \
	ACTION(init)     \
	ACTION(check)    \
	ACTION(accept)   \
	ACTION(diff)     \
	ACTION(list)     \
	ACTION(show)     \
	ACTION(restore)  \
	ACTION(log)
#define ACTION(name) enum exit_code baseline_##name(struct baseline_run *);
BASELINE_ACTIONS
#undef ACTION

#endif
