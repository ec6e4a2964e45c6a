/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Old and new content of small files that the baseline keeps; never of files
 * that hold secrets. */
#ifndef FIM_BASELINE_TEXT_H
#define FIM_BASELINE_TEXT_H

#include "baselines/objects.h"
#include "fim/baseline.h"

/* Of one change in a report; what is longer is cut off at a line's end. */
#define BASELINE_DIFF_MAX (64u << 10)

/* What the file of the entry has now: at most OBJECTS_MAX_BYTES. -1 and errno
 * (EINVAL: no regular file). */
int baseline_text_read(const struct walk_entry *, struct buf *out);
/* The difference as textdiff() shows it, or nothing: no text, not kept, a
 * secret, or changed again since. `objects` NULL = nothing is kept. */
void baseline_text_diff(struct baseline_run *, struct objects *,
			const struct change *, struct buf *out);

#endif
