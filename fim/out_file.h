/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of --output. What it held before stays until the first bytes of a
 * result are written to it, or the caller says that there is a result, which
 * may be empty: a run that fails without one loses nothing.
 */
#ifndef FIM_OUT_FILE_H
#define FIM_OUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

/* Zero-initialise. */
struct out_file {
	int fd;	      /* of a file that can be emptied; owned by the stream */
	bool holds;   /* what it held before */
	bool discard; /* what is written */
};

/*
 * The stream that writes to `fd`, which it owns; NULL and errno, then `fd` is
 * still the caller's. The struct must live as long as the stream, which has no
 * descriptor of its own (fileno) when the file can be emptied.
 */
FILE *out_file_stream(struct out_file *, int fd);
/* Drops what the file held, once. -1 and errno. */
int out_file_begin(struct out_file *);
/* No result after all: what the stream has not written yet is not written, if
 * the file still holds what it did. */
void out_file_give_up(struct out_file *);

#endif
