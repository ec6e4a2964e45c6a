/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), what continuous
 * integration reads: one run whose results are changes, findings and alerts.
 * Written as they come; only the rules that they name, and what was not
 * covered, are kept until the end.
 *
 * Changes that a package explains are notes, others warnings. Alerts and
 * findings are errors from "high" on, warnings at "medium", else notes.
 */
#ifndef FIM_SARIF_H
#define FIM_SARIF_H

#include "fim/report_read.h"

struct sarif;

/* NULL when memory is out. Text goes to `out`, which may be emptied between
 * calls; a shortage of memory marks it as failed. */
struct sarif *sarif_begin(struct buf *out);
/* A change, or an alert or finding, as in a report. */
void sarif_change(struct sarif *, const json_t *);
void sarif_alert(struct sarif *, const json_t *);
void sarif_uncovered(struct sarif *, const json_t *);
/* Ends the document, and frees. */
void sarif_end(struct sarif *, uint64_t started_ns, uint64_t ended_ns);
void sarif_free(struct sarif *); /* in the middle; NULL is allowed */

#endif
