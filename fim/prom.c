/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prometheus' text format. */
#include "fim/prom.h"

/* Whole numbers that a double has exactly. */
#define WHOLE_MAX 9007199254740992.0

void
prom_family(struct prom *p, const char *name, const char *type,
	    const char *help)
{
	p->name = name;
	p->labels = 0;
	buf_printf(p->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
		   type);
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* The format knows \\, \" and \n, and no other escape. */
static void
put_label(struct buf *out, struct view v)
{
	size_t n;

	for (; v.n > 0; v = view_sub(v, n, SIZE_MAX)) {
		n = utf8_length(v);
		if (v.p[0] == '\n')
			buf_puts(out, "\\n");
		else if (n == 0 || is_control(v.p[0]))
			buf_putc(out, '?');
		else if (v.p[0] == '\\' || v.p[0] == '"')
			buf_printf(out, "\\%c", v.p[0]);
		else
			buf_put(out, view_sub(v, 0, n));
		n = n == 0 ? 1 : n;
	}
}

void
prom_label(struct prom *p, const char *label, struct view value)
{
	if (p->labels++ == 0)
		buf_puts(p->out, p->name);
	buf_printf(p->out, "%c%s=\"", p->labels == 1 ? '{' : ',', label);
	put_label(p->out, value);
	buf_putc(p->out, '"');
}

void
prom_value(struct prom *p, double value)
{
	if (p->labels == 0)
		buf_puts(p->out, p->name);
	else
		buf_putc(p->out, '}');
	p->labels = 0;
	buf_putc(p->out, ' ');
	if (value >= 0 && value <= WHOLE_MAX &&
	    value == (double)(uint64_t)value)
		buf_printf(p->out, "%llu", (unsigned long long)value);
	else
		buf_json_double(p->out, value);
	buf_putc(p->out, '\n');
}
