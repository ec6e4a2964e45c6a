/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event that a pin keeps (alert_pin: its JSON) as a record again, for a
 * match that no event completes: what was waited for did not come, or only the
 * end of the input tells which matches were the last.
 */
#ifndef FIM_EVIDENCE_H
#define FIM_EVIDENCE_H

#include "fim/alert.h"

struct evidence;

/* `rules` is borrowed. NULL when memory is out. */
struct evidence *evidence_new(const struct rules *);
void evidence_free(struct evidence *);
/* The newest event of the match that is kept; valid until the next call. NULL:
 * none is or, `*failed`, it could not be read for lack of memory. */
struct record *
evidence_read(struct evidence *, const struct rules_match *, bool *failed);

#endif
