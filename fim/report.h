/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report: what a check or a scan has found, as one JSON document
 * (contrib/report.schema.json says what is in it), which tocsin-report(1)
 * shows, verifies and signs.
 *
 * It is written as it comes, in memory that does not grow with it (but for
 * what was not covered: the first REPORT_UNCOVERED_MAX are kept until the
 * end). Its sections therefore come one after the other: all changes, then all
 * findings; the alerts and the gaps of the period are added from the state
 * database by report_end, with coverage and totals.
 *
 * Reports of one state folder are a chain: the journal there (journal.h) has a
 * record with the SHA-256 of each, and each names the one before.
 *
 * As SARIF 2.1.0 the same calls write what continuous integration reads; that
 * is no report, and neither chained nor signed.
 */
#ifndef FIM_REPORT_H
#define FIM_REPORT_H

#include "baselines/compare.h"
#include "fim/alert.h"
#include "fim/options.h"

#define REPORT_FORMAT "tocsin-report"
#define REPORT_VERSION 1
#define REPORT_UNCOVERED_MAX 10000u
/* How far back the first report of a state folder looks. */
#define REPORT_LOOK_BACK_NS (48 * 3600 * NS_PER_SEC)

/* All borrowed until report_end or report_abandon. */
struct report_start {
	const struct options *options; /* format, --output, --key */
	struct cmd_io *io;
	const char *state;		      /* folder */
	const char *made_by;		      /* "baseline check" */
	uint64_t started_ns;		      /* wall */
	const struct baseline_meta *baseline; /* NULL = none took part */
};

/* What was read. */
struct report_read {
	uint64_t files, processes; /* looked at */
	uint64_t bytes;		   /* of content, really read */
	bool quick; /* content only where something else differed */
};

struct report;

/* Does the command line ask for a report (or SARIF)? */
bool report_wanted(const struct options *);
/* Writes the beginning; asks for the passphrase of --key where it must. Any
 * other code than EXIT_NOTHING: told in io->err, and there is no report. */
enum exit_code report_begin(const struct report_start *, struct report **out);
/* `diff`: what textdiff() makes of it, or "". */
void report_change(struct report *, const struct change *, struct view diff);
/* What the rules say of the present state. */
void report_finding(struct report *, const struct alert *);
/* An entry that could not be read, or a folder as a whole. */
void report_uncovered(struct report *, const struct walk_entry *);
/* What else the reader should know of coverage: "processes", "why". */
void report_note(struct report *, const char *about, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Adds the rest, signs, and tells the journal. Frees. */
enum exit_code report_end(struct report *, const struct report_read *);
/* What has been written stays half a document. Frees; NULL is allowed. */
void report_abandon(struct report *);

#endif
