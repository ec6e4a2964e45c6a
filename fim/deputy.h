/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command that may ask a file server which never answers. Threads that wait
 * for one cannot always be killed, and the process that has one does not end;
 * so a child does the work and says how it went, and this process, which has
 * no such thread, ends in its place.
 */
#ifndef FIM_DEPUTY_H
#define FIM_DEPUTY_H

#include "fim/options.h"

/* Is any file system mounted that has a server? */
bool deputy_wanted(void);
/* `run` in a child; its code. Signals that ask this process to stop are passed
 * on; the child does not outlive it. Returns in both. */
enum exit_code deputy_run(enum exit_code (*run)(const struct options *),
			  const struct options *);

#endif
