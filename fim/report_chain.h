/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chain of a state folder's reports: records "report" in its journal. */
#ifndef FIM_REPORT_CHAIN_H
#define FIM_REPORT_CHAIN_H

#include "fim/exit.h"
#include "scan/base.h"

struct report_link {
	struct buf sha256;  /* of the report; "" = there is none */
	struct buf made_by; /* see report.h */
	uint64_t to_ns;	    /* where its period ended */
	uint64_t alerts_seq, gaps_seq;
};

/* The last report of the journal. EXIT_TAMPERED or EXIT_STATE, told in `err`,
 * if that was changed or cannot be read. Without a state folder: none. */
enum exit_code
report_link_find(const char *state, struct report_link *, struct err *);
/* -1 with `err`. */
int
report_link_add(const char *state, const struct report_link *, struct err *);
void report_link_free(struct report_link *);

#endif
