/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that may never come back: a file server that is gone keeps
 * whoever asks it, often beyond the reach of signals. So they are made by a
 * thread that can be left behind.
 */
#ifndef SCAN_PATIENCE_H
#define SCAN_PATIENCE_H

#include "scan/base.h"

struct patience_job {
	/* In a thread of its own. */
	void (*run)(void *arg);
	/* Frees `arg` with all that `run` has left in it. */
	void (*drop)(void *arg);
	void *arg;
};

/*
 * Runs the job for at most that long. 0: it is done and `arg` the caller's
 * again. -1 and errno: ETIMEDOUT, the thread was left behind and drops `arg`
 * when it comes back, if ever, so nothing it uses may be anybody else's; or it
 * did not begin and was dropped. Time in which this process did not run (a
 * stopped one, a sleeping host) does not count.
 */
int patience_run(const struct patience_job *, uint64_t limit_ns);

/* How often whoever waits looks at what it waits for: the limit is counted in
 * these, not by a clock, which goes on while we are stopped. */
uint64_t patience_slice_ns(uint64_t limit_ns);

#endif
