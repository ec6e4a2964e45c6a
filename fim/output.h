/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alerts of a running monitor: into the state database, then, once that has
 * committed, to standard output (or --output) in its format, and a sign to
 * those who deliver elsewhere (sender.h).
 *
 * Whoever reads standard output may be slow, stopped or gone, the file's disk
 * full: writing never waits. What is not taken waits here, up to
 * OUTPUT_WAITING_MAX; alerts beyond that are left out there and counted. The
 * state database has them. What cannot be stored (state.h keeps it) is printed
 * nevertheless: people shall see it.
 */
#ifndef FIM_OUTPUT_H
#define FIM_OUTPUT_H

#include "fim/alert.h"
#include "fim/state.h"

#define OUTPUT_WAITING_MAX ((size_t)4 << 20)

struct output {		     /* zero-initialise; output_open; output_free */
	bool text, colour;   /* else JSON lines */
	struct state *state; /* borrowed */
	uint64_t alerts;     /* so far */
	uint64_t failures;   /* times that storing or writing began to fail */
	uint64_t left_out;   /* alerts that standard output was not given */
	uint64_t unmade;     /* lost: there was no memory to write them down */

	int fd; /* never waits, or is asked first */
	bool fd_owned, fd_socket, fd_asked;
	bool gone;	    /* nobody reads it any more */
	int error;	    /* errno of the last write; 0 = it went well */
	struct buf waiting; /* formatted; from `written` on not yet written */
	size_t written;
	struct buf scratch;
	bool store_failed;	     /* as of the last flush */
	bool store_said, write_said; /* the failure has been told */
	uint64_t left_out_said;
	size_t most_held;
};

/* `fd` stays the caller's, and open. */
void output_open(struct output *, int fd);
/* For alert_sink.take; ctx is the output. */
void output_take(void *output, const struct alert *);
/* Commits, then writes what is taken at once. What began or ended to go wrong
 * is a line on `notes`. True if alerts were committed. */
bool output_flush(struct output *, FILE *notes);
/* At the end: gives a slow reader a moment for the rest. */
void output_finish(struct output *, FILE *notes);
void output_free(struct output *);

#endif
