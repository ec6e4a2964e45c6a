/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands that read much share: progress for people, an end when a
 * signal asks for it, and modesty. */
#ifndef FIM_BATCH_H
#define FIM_BATCH_H

#include <signal.h>

#include "fim/options.h"

struct batch {
	struct cmd_io *io;
	sigset_t signals; /* blocked; asked for in between */
	uint64_t started_ns, shown_ns;
};

/* Blocks signals; with --nice, takes only time and disk that
 * nobody else wants. */
void batch_start(struct batch *, const struct options *, struct cmd_io *);
/* Has a signal asked to stop? */
bool batch_stopped(struct batch *);
/* Where a command waits in read(2) for what a pipe brings: the first signal
 * interrupts that and is remembered, a second ends the process. */
void batch_catch_signals(void);
bool batch_signalled(void);
/* A line of progress now and then; total 0 = not known. */
void
batch_progress(struct batch *, uint64_t files, uint64_t total, uint64_t bytes);
void batch_progress_end(struct batch *);
/* The number of --threads, 0 = not given; false if it is none. */
bool batch_threads(const struct options *, unsigned *threads);

#endif
