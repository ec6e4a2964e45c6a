/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inner loops of the JSON reader, of strings. Where does the plain part of
 * one end? SSE2 (part of x86-64) looks at 16 bytes at a time; elsewhere a word
 * of 8 at a time. Both read up to 15 bytes past the end, see NDJSON_PADDING.
 */
#ifndef FIM_NDJSON_SCAN_H
#define FIM_NDJSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* The first '"', '\\' or control character at or after `p`; *high is set when
 * a byte before it is not ASCII. */
static inline const char *
scan_plain(const char *p, bool *high)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	for (;; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
		__m128i stops = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(x, quote),
				     _mm_cmpeq_epi8(x, backslash)),
			_mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
		unsigned stop = (unsigned)_mm_movemask_epi8(stops);
		unsigned upper = (unsigned)_mm_movemask_epi8(x);

		if (stop == 0) {
			*high |= upper != 0;
			continue;
		}
		/* Below the lowest set bit of `stop`. */
		*high |= (upper & (stop - 1) & ~stop) != 0;
		return p + __builtin_ctz(stop);
	}
}
#else
#define SCAN_ONES 0x0101010101010101ull
#define SCAN_HIGHS 0x8080808080808080ull

/* Has the word a zero byte? (Exact as a yes or no.) */
static inline bool
scan_zero(uint64_t x)
{
	return ((x - SCAN_ONES) & ~x & SCAN_HIGHS) != 0;
}

static inline bool
scan_stops(unsigned char c)
{
	return c == '"' || c == '\\' || c < 0x20;
}

static inline const char *
scan_plain(const char *p, bool *high)
{
	for (;; p += 8) {
		uint64_t x;

		memcpy(&x, p, sizeof(x));
		/* No quote, no backslash, and every byte from 0x20 up; a byte
		 * with the high bit leaves the fast path, too. */
		if (scan_zero(x ^ SCAN_ONES * '"') ||
		    scan_zero(x ^ SCAN_ONES * '\\') ||
		    ((x - SCAN_ONES * 0x20) & SCAN_HIGHS) != 0 ||
		    (x & SCAN_HIGHS) != 0)
			break;
	}
	for (; !scan_stops((unsigned char)*p); p++)
		*high |= (unsigned char)*p >= 0x80;
	return p;
}
#endif

/* An upper bound of a string's end: the first quote that is not escaped, or a
 * control character. */
static inline const char *
scan_string_end(const char *p)
{
	bool high = false;

	for (;;) {
		p = scan_plain(p, &high);
		if (*p != '\\')
			return p;
		if ((unsigned char)p[1] < 0x20)
			return p + 1;
		p += 2;
	}
}

/* Four hexadecimal digits; NULL = they are none. */
static inline const char *
read_hex4(const char *p, uint32_t *out)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++, p++) {
		char c = *p;
		int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (c | 32) - 'a' + 10;
		else
			return NULL;
		code = code << 4 | (uint32_t)digit;
	}
	*out = code;
	return p;
}

/* Returns how many bytes it takes: 4 at most. */
static inline size_t
put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

#endif
