/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An alert as a syslog message, RFC 5424. The message proper is the JSON
 * line (MSG-ANY of §6.4: no byte order mark, which would be in the way of
 * whoever parses it), structured data has what one sorts by. The SD-ID carries
 * the enterprise number 32473, which RFC 5612 sets aside: Tocsin has none.
 */
#ifndef FIM_SYSLOG_H
#define FIM_SYSLOG_H

#include "fim/outlet.h"

/* Code of a facility by its name in tocsin.yaml (§6.2.1). */
unsigned syslog_facility(struct view name);
/* The whole message; `body` is the JSON or a shorter text. */
void syslog_format(const struct cursor_alert *, const struct outlet_facts *,
		   unsigned facility, struct view body, struct buf *out);
/* For a stream: RFC 5425 §4.3 and RFC 6587 §3.4.1, "LENGTH SP MESSAGE". */
void syslog_frame(struct view message, struct buf *out);

#endif
