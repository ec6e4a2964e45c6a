/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a systemd unit's values: quotes, escapes, specifiers, and the
 * path that a command line starts (systemd.service(5), "Command lines").
 */
#include "scan/content.h"

bool
unit_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct view
unit_skip_space(struct view v)
{
	while (v.n > 0 && unit_is_space(v.p[0]))
		v = view_sub(v, 1, v.n);
	return v;
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Exactly n digits of the base; false otherwise, and for NUL. */
static bool
read_code(struct view v, size_t n, int base, uint32_t *code)
{
	*code = 0;
	if (v.n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int digit = digit_value(v.p[i]);

		if (digit >= base)
			return false;
		*code = *code * (uint32_t)base + (uint32_t)digit;
	}
	return *code != 0;
}

/* The escapes of systemd.service(5), "Command lines"; v begins behind the
 * backslash. Returns how many bytes were understood, 0 for none. */
static size_t
put_escape(struct buf *b, struct view v)
{
	static const char letters[] = "abfnrtv\\\"'s";
	static const char values[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *hit =
		v.n ? memchr(letters, v.p[0], sizeof(letters) - 1) : NULL;
	uint32_t code;

	if (hit != NULL) {
		buf_putc(b, values[hit - letters]);
		return 1;
	}
	if (read_code(v, 3, 8, &code) && code < 256) {
		buf_putc(b, (char)code);
		return 3;
	}
	if (view_starts(v, VIEW("x")) &&
	    read_code(view_sub(v, 1, 2), 2, 16, &code)) {
		buf_putc(b, (char)code);
		return 3;
	}
	for (size_t n = 4; n <= 8; n += 4) {
		if (view_starts(v, n == 4 ? VIEW("u") : VIEW("U")) &&
		    read_code(view_sub(v, 1, n), n, 16, &code)) {
			buf_utf8(b, code);
			return n + 1;
		}
	}
	return 0;
}

/* The specifiers of systemd.unit(5) that are the same for every unit and hide
 * a path; the others stay as they are. */
static size_t
put_specifier(struct buf *b, struct view v)
{
	switch (v.n > 1 ? v.p[1] : '\0') {
	case 'T':
		buf_puts(b, "/tmp");
		return 2;
	case 'V':
		buf_puts(b, "/var/tmp");
		return 2;
	case '%':
		buf_putc(b, '%');
		return 2;
	default:
		buf_putc(b, '%');
		return 1;
	}
}

/* The next word without quotes and escapes, added to b. An escape that is
 * none is kept; a quote that is not closed ends with the line. */
bool
unit_take_word(struct view *rest, struct buf *b)
{
	struct view v = unit_skip_space(*rest);
	char quote = '\0';

	*rest = v;
	if (v.n == 0)
		return false;
	while (v.n > 0 && (quote != '\0' || !unit_is_space(v.p[0]))) {
		char c = v.p[0];
		size_t n = 1;

		if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == quote) {
			quote = '\0';
		} else if (c == '\\') {
			n = 1 + put_escape(b, view_sub(v, 1, v.n));
			if (n == 1)
				buf_putc(b, c);
		} else if (c == '%') {
			n = put_specifier(b, v);
		} else {
			buf_putc(b, c);
		}
		v = view_sub(v, n, v.n);
	}
	*rest = v;
	return true;
}

/* Folds "//", "/./" and "/../" of the absolute path at b->p + from. The path
 * only shrinks, so it is done in place. */
static void
fold_path(struct buf *b, size_t from)
{
	struct view rest = view_sub(buf_view(b), from, b->n), part;
	size_t end = from;

	if (!view_starts(rest, VIEW("/")))
		return;
	while (view_next_split(&rest, '/', &part)) {
		if (part.n == 0 || view_eq(part, VIEW(".")))
			continue;
		if (view_eq(part, VIEW(".."))) {
			while (end > from && b->p[--end] != '/')
				;
			continue;
		}
		/* At most as far as the slash that ended the part before. */
		b->p[end++] = '/';
		memmove(b->p + end, part.p, part.n);
		end += part.n;
	}
	if (end == from)
		b->p[end++] = '/';
	b->n = end;
}

/* One command of a line: "@-/path//x" "arg" → /path/x arg */
void
unit_take_command(struct view *rest, struct buf *b)
{
	size_t prefix = 0;

	buf_clear(b);
	unit_take_word(rest, b);
	while (prefix < b->n && strchr("@-:+!|", b->p[prefix]) != NULL)
		prefix++;
	if (prefix > 0) {
		memmove(b->p, b->p + prefix, b->n - prefix);
		b->n -= prefix;
	}
	fold_path(b, 0);
	for (;;) {
		*rest = unit_skip_space(*rest);
		/* A semicolon alone begins the next command, "\;" is one. */
		if (rest->n == 0 ||
		    (rest->p[0] == ';' &&
		     (rest->n == 1 || unit_is_space(rest->p[1]))))
			break;
		buf_putc(b, ' ');
		if (view_starts(*rest, VIEW("\\;")) &&
		    (rest->n == 2 || unit_is_space(rest->p[2])))
			*rest = view_sub(*rest, 1, rest->n);
		unit_take_word(rest, b);
	}
	*rest = view_sub(*rest, 1, rest->n);
}
