/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tocsin-report(1) does with reports. */
#ifndef FIM_REPORT_SHOW_H
#define FIM_REPORT_SHOW_H

#include "fim/options.h"
#include "fim/report_read.h"

/* Each file of the command line: its signature; a report also its content, and
 * that it follows the report before it there. */
enum exit_code report_verify(const struct options *, struct cmd_io *,
			     const struct sign_keys *);
/* One report, in the format of the command line. */
enum exit_code
report_show(const struct options *, struct cmd_io *, const struct sign_keys *);
/* What is wrong with a signature: one entry in io->err. */
void report_complain(struct cmd_io *, const char *file, enum sign_verdict,
		     const struct sign_result *);

/* The whole report. Text for people, in colour or not; one page of HTML that
 * needs nothing else. */
void report_put_text(const struct report_doc *, bool colour, struct buf *out);
void report_put_html(const struct report_doc *, struct buf *out);

#endif
