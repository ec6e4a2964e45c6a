/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of report_html*.c: a report as one page of HTML. Whatever comes from
 * the report passes one of html_text, html_code and html_line; markup is a
 * literal of ours. */
#ifndef FIM_REPORT_HTML_H
#define FIM_REPORT_HTML_H

#include "fim/report_show.h"
#include "fim/report_tree.h"

/* What a page shows; the report itself has all of it. */
#define HTML_EVENTS_MAX 1000u
#define HTML_CHANGES_MAX 2000u
#define HTML_UNCOVERED_MAX 1000u
#define HTML_NODES_DEEP 64u

struct html {
	const struct report_doc *doc;
	const json_t *root;
	const struct report_moment *moments;
	size_t n_moments;
	struct buf *out;
	struct buf scratch;
};

/* Literal markup. */
void html_put(struct html *, const char *markup);
void html_printf(struct html *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Outside text: buf_text, then entities. */
void html_text(struct html *, struct view);
/* A line of a source: backslashes and tabs stay. */
void html_line(struct html *, struct view);
void html_code(struct html *, struct view); /* in <code> */
/* The path of a change, or of what was not covered. */
void html_path(struct html *, const json_t *);
/* <time>: date and time in UTC to the second; the same to the millisecond;
 * only the time of day, to the millisecond. */
enum html_time { HTML_DATE_TIME, HTML_FULL_TIME, HTML_DAY_TIME };
void html_time(struct html *, uint64_t ns, enum html_time);
/* 12,345 */
void html_number(struct html *, uint64_t);
/* "s" unless it is one */
const char *html_s(uint64_t n);
void html_pill(struct html *, const char *word); /* also its class */
void html_empty(struct html *, const char *sentence);

/* The sections, in their order. */
void html_timeline(struct html *);
void html_processes(struct html *);
void html_changes(struct html *);
void html_coverage(struct html *);

#endif
