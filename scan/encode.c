/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encoders: JSON (RFC 8259), UTF-8 (RFC 3629) and text for people. Whatever
 * an outsider controls leaves Tocsin through one of these.
 */
#include "scan/base.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>

#define REPLACEMENT 0xfffdu

/* ---- UTF-8 ----------------------------------------------------------- */

/* The table of RFC 3629 §4: which second bytes may follow a first one. It
 * keeps out overlong forms, surrogates and what lies past U+10FFFF. */
static size_t
sequence_shape(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef) {
		if (first == 0xe0)
			*low = 0xa0;
		else if (first == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		if (first == 0xf0)
			*low = 0x90;
		else if (first == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

size_t
utf8_length(struct view v)
{
	const unsigned char *u = (const unsigned char *)v.p;
	unsigned char low, high;
	size_t n;

	if (v.n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	n = sequence_shape(u[0], &low, &high);
	if (n == 0 || n > v.n || u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t
utf8_decode(struct view v, uint32_t *code_point)
{
	const unsigned char *u = (const unsigned char *)v.p;
	size_t n = utf8_length(v);

	switch (n) {
	case 1:
		*code_point = u[0];
		return 1;
	case 2:
		*code_point = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
		return 2;
	case 3:
		*code_point = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 |
			      (u[2] & 0x3fu);
		return 3;
	case 4:
		*code_point = (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 |
			      (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
		return 4;
	default:
		*code_point = REPLACEMENT;
		return 1;
	}
}

void
buf_utf8(struct buf *b, uint32_t c)
{
	char out[4];
	size_t n = 0;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = REPLACEMENT;
	if (c < 0x80) {
		out[n++] = (char)c;
	} else if (c < 0x800) {
		out[n++] = (char)(0xc0 | c >> 6);
		out[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		out[n++] = (char)(0xe0 | c >> 12);
		out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		out[n++] = (char)(0xf0 | c >> 18);
		out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (c & 0x3f));
	}
	buf_put(b, (struct view){ out, n });
}

#define EVERY_BYTE 0x0101010101010101ull

/* Bit 7 of every byte of x that lies below `limit` (at most 0x80). Above the
 * first such byte there may be false ones; no matter, the first is asked. */
static uint64_t
bytes_below(uint64_t x, unsigned char limit)
{
	return (x - EVERY_BYTE * limit) & ~x & (EVERY_BYTE << 7);
}

/* How many bytes at the start are plain ASCII: no controls but DEL, no quote
 * and no backslash. Eight at a time: most outside strings are all plain. */
static size_t
plain_run(struct view v)
{
	size_t i = 0;

	for (; i + 8 <= v.n; i += 8) {
		uint64_t x, odd;

		memcpy(&x, v.p + i, sizeof(x));
		x = le64toh(x);
		odd = (x & (EVERY_BYTE << 7)) | bytes_below(x, 0x20) |
		      bytes_below(x ^ EVERY_BYTE * '"', 1) |
		      bytes_below(x ^ EVERY_BYTE * '\\', 1);
		if (odd != 0)
			return i + (size_t)__builtin_ctzll(odd) / 8;
	}
	for (; i < v.n; i++) {
		unsigned char c = (unsigned char)v.p[i];

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			break;
	}
	return i;
}

/* How many bytes at the start are ASCII. */
static size_t
ascii_run(struct view v)
{
	size_t i = 0;
	uint64_t x;

	for (; i + sizeof(x) <= v.n; i += sizeof(x)) {
		memcpy(&x, v.p + i, sizeof(x));
		if ((x & (EVERY_BYTE << 7)) != 0)
			break;
	}
	while (i < v.n && (unsigned char)v.p[i] < 0x80)
		i++;
	return i;
}

bool
utf8_valid(struct view v)
{
	while (v.n > 0) {
		size_t n = ascii_run(v);

		if (n == 0)
			n = utf8_length(v);
		if (n == 0)
			return false;
		v.p += n;
		v.n -= n;
	}
	return true;
}

/* ---- JSON ------------------------------------------------------------ */

static void
json_escape(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		buf_puts(b, "\\\"");
		break;
	case '\\':
		buf_puts(b, "\\\\");
		break;
	case '\b':
		buf_puts(b, "\\b");
		break;
	case '\f':
		buf_puts(b, "\\f");
		break;
	case '\n':
		buf_puts(b, "\\n");
		break;
	case '\r':
		buf_puts(b, "\\r");
		break;
	case '\t':
		buf_puts(b, "\\t");
		break;
	default:
		buf_puts(b, "\\u00");
		buf_hex(b, &c, 1);
	}
}

void
buf_json_string(struct buf *b, struct view v)
{
	/* Mostly nothing needs an escape, and one reservation is all. */
	if (v.n < SIZE_MAX - 2 && !buf_reserve(b, v.n + 2))
		return;
	buf_putc(b, '"');
	while (v.n > 0) {
		size_t n = plain_run(v);

		if (n > 0) {
			buf_put(b, view_sub(v, 0, n));
		} else if ((unsigned char)v.p[0] < 0x80) {
			json_escape(b, (unsigned char)v.p[0]);
			n = 1;
		} else if ((n = utf8_length(v)) > 0) {
			buf_put(b, view_sub(v, 0, n));
		} else {
			buf_utf8(b, REPLACEMENT);
			n = 1;
		}
		v.p += n;
		v.n -= n;
	}
	buf_putc(b, '"');
}

/* What snprintf wrote, with a '.' whatever the locale's decimal point is, and
 * with ".0" if it would read as an integer. */
static void
put_number(struct buf *b, const char *digits)
{
	bool is_double = false, in_point = false;

	for (; *digits != '\0'; digits++) {
		bool known = strchr("0123456789+-e", *digits) != NULL;

		if (known)
			buf_putc(b, *digits);
		else if (!in_point) /* a point may take several bytes */
			buf_putc(b, '.');
		in_point = !known;
		if (!known || *digits == 'e')
			is_double = true;
	}
	if (!is_double)
		buf_puts(b, ".0");
}

static bool
same_double(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

void
buf_json_double(struct buf *b, double d)
{
	char digits[64];

	if (!isfinite(d)) {
		buf_puts(b, "null");
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, d);
		if (same_double(strtod(digits, NULL), d))
			break;
	}
	put_number(b, digits);
}

/* ---- text for people ------------------------------------------------- */

/* What a terminal or an editor might obey or hide instead of showing: C1
 * controls, separators of lines, and the bidirectional controls of Unicode
 * Standard Annex 9. */
static bool
is_deceptive(uint32_t c)
{
	return (c >= 0x80 && c <= 0x9f) || c == 0x061c || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* The first character of v (n > 0) without its surprises; a backslash stays.
 * Returns how many bytes it was. */
static size_t
put_text_char(struct buf *b, struct view v)
{
	unsigned char first = (unsigned char)v.p[0];
	size_t n = utf8_length(v);
	uint32_t c;

	if (n == 0 || first < 0x20 || first == 0x7f) {
		buf_puts(b, "\\x");
		buf_hex(b, &first, 1);
		return 1;
	}
	utf8_decode(v, &c);
	if (is_deceptive(c))
		buf_printf(b, "\\u{%04x}", (unsigned)c);
	else
		buf_put(b, view_sub(v, 0, n));
	return n;
}

static void
put_text(struct buf *b, struct view v, bool quoted)
{
	while (v.n > 0) {
		size_t n = plain_run(v);

		if (n > 0 && memchr(v.p, 0x7f, n) == NULL) {
			buf_put(b, view_sub(v, 0, n));
		} else {
			if (v.p[0] == '\\' || (quoted && v.p[0] == '"'))
				buf_putc(b, '\\');
			n = put_text_char(b, v);
		}
		v.p += n;
		v.n -= n;
	}
}

void
buf_text(struct buf *b, struct view v)
{
	put_text(b, v, false);
}

void
buf_text_word(struct buf *b, struct view v)
{
	bool quoted = v.n == 0 || view_find(v, ' ') >= 0 ||
		      view_find(v, '"') >= 0 || view_find(v, '\'') >= 0;

	if (quoted)
		buf_putc(b, '"');
	put_text(b, v, quoted);
	if (quoted)
		buf_putc(b, '"');
}

void
buf_source(struct buf *b, struct view v)
{
	struct view piece;
	bool more = v.n > 0;

	while (more) {
		ssize_t at = view_find(v, '\\');

		more = at >= 0;
		piece = more ? view_sub(v, 0, (size_t)at) : v;
		buf_text(b, piece);
		if (more) {
			buf_putc(b, '\\');
			v = view_sub(v, (size_t)at + 1, v.n);
		}
	}
}

void
buf_source_line(struct buf *b, struct view v)
{
	struct view piece;

	while (v.n > 0) {
		ssize_t at = view_find(v, '\t');

		piece = at < 0 ? v : view_sub(v, 0, (size_t)at);
		buf_source(b, piece);
		if (at < 0)
			return;
		buf_putc(b, '\t');
		v = view_sub(v, (size_t)at + 1, v.n);
	}
}

void
buf_hex(struct buf *b, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *u = bytes;

	for (size_t i = 0; i < n; i++) {
		buf_putc(b, digits[u[i] >> 4]);
		buf_putc(b, digits[u[i] & 15]);
	}
}
