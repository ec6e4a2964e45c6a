/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Syslog messages. */
#include "fim/syslog.h"

unsigned
syslog_facility(struct view name)
{
	static const struct {
		const char *name;
		unsigned code;
	} table[] = {
		{ "user", 1 },	    { "daemon", 3 },  { "auth", 4 },
		{ "authpriv", 10 }, { "local0", 16 }, { "local1", 17 },
		{ "local2", 18 },   { "local3", 19 }, { "local4", 20 },
		{ "local5", 21 },   { "local6", 22 }, { "local7", 23 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (view_eq(name, view_of(table[i].name)))
			return table[i].code;
	return 1;
}

/* Header fields are PRINTUSASCII; "-" is NILVALUE. */
static void
put_header(struct buf *out, struct view v, size_t max)
{
	buf_putc(out, ' ');
	if (v.n == 0)
		buf_putc(out, '-');
	for (size_t i = 0; i < v.n && i < max; i++)
		buf_putc(out, v.p[i] > ' ' && v.p[i] < 0x7f ? v.p[i] : '?');
}

/* PARAM-VALUE is UTF-8 with '"', '\' and ']' escaped (§6.3.3). Control
 * characters are allowed and would break lines in files. */
static void
put_param(struct buf *out, const char *name, struct view v)
{
	size_t n;

	if (v.n == 0)
		return;
	buf_printf(out, " %s=\"", name);
	for (; v.n > 0; v = view_sub(v, n, SIZE_MAX)) {
		n = utf8_length(v);
		if (n == 0 || (unsigned char)v.p[0] < ' ' || v.p[0] == 0x7f) {
			buf_putc(out, '?');
			n = 1;
			continue;
		}
		if (v.p[0] == '"' || v.p[0] == '\\' || v.p[0] == ']')
			buf_putc(out, '\\');
		buf_put(out, view_sub(v, 0, n));
	}
	buf_putc(out, '"');
}

/* TIME-SECFRAC has six digits at most. */
static void
put_time(struct buf *out, uint64_t time_ns)
{
	struct buf text = { 0 };

	buf_rfc3339(&text, time_ns);
	if (text.n > 4)
		buf_put(out, view_sub(buf_view(&text), 0, text.n - 4));
	buf_putc(out, 'Z');
	out->failed = out->failed || text.failed;
	buf_free(&text);
}

void
syslog_format(const struct cursor_alert *a, const struct outlet_facts *f,
	      unsigned facility, struct view body, struct buf *out)
{
	buf_printf(out, "<%u>1 ", facility * 8 + (unsigned)f->priority);
	put_time(out, a->time_ns);
	put_header(out, f->host, 255);
	buf_puts(out, " tocsin - alert [tocsin@32473");
	put_param(out, "id", a->id);
	put_param(out, "rule", a->rule_id);
	put_param(out, "name", f->rule_name);
	put_param(out, "level", f->level);
	put_param(out, "severity", f->severity);
	put_param(out, "user", f->user);
	put_param(out, "file", f->file);
	buf_puts(out, "] ");
	buf_put(out, body);
}

void
syslog_frame(struct view message, struct buf *out)
{
	buf_printf(out, "%zu ", message.n);
	buf_put(out, message);
}
