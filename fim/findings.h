/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings for people: alerts collected, and written in groups, the gravest
 * rule first. What is kept is bounded by the rules' max_signals.
 */
#ifndef FIM_FINDINGS_H
#define FIM_FINDINGS_H

#include "fim/alert.h"

struct findings_group;

/* Zero-initialise; findings_free. */
struct findings {
	struct findings_group *v;
	size_t n;
	bool failed; /* memory was out: something is missing */
};

void findings_add(struct findings *, const struct alert *);
/* All groups as text. */
void findings_put(struct findings *, bool colour, struct buf *out);
void findings_free(struct findings *);

#endif
