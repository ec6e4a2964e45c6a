/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor: encoders, and what they take for text. */
#include "tests/unit/scan_help.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef void (*encoder)(struct buf *, struct view);

static void
check_encoder(encoder encode, struct view in, struct view want)
{
	struct buf b = { 0 };

	encode(&b, in);
	if (!view_eq(buf_view(&b), want))
		fail_msg("got <%.*s>, want <%.*s>", (int)b.n, b.p, (int)want.n,
			 want.p);
	buf_free(&b);
}

#define FFFD "\xef\xbf\xbd"

static void
test_json_string(void **state)
{
	static const struct {
		struct view in, out;
	} cases[] = {
		{ VIEW(""), VIEW("\"\"") },
		{ VIEW("plain text, longer than a word"),
		  VIEW("\"plain text, longer than a word\"") },
		{ VIEW("a\"b\\c"), VIEW("\"a\\\"b\\\\c\"") },
		{ VIEW("\b\f\n\r\t"), VIEW("\"\\b\\f\\n\\r\\t\"") },
		{ VIEW("\0\x1f\x7f"), VIEW("\"\\u0000\\u001f\x7f\"") },
		{ VIEW("gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x94"),
		  VIEW("\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x94\"") },
		/* overlong '/', in two, three and four bytes */
		{ VIEW("\xc0\xaf"), VIEW("\"" FFFD FFFD "\"") },
		{ VIEW("\xe0\x80\xaf"), VIEW("\"" FFFD FFFD FFFD "\"") },
		{ VIEW("\xf0\x80\x80\xaf"),
		  VIEW("\"" FFFD FFFD FFFD FFFD "\"") },
		/* a surrogate; one past the last code point; 0xff */
		{ VIEW("\xed\xa0\x80"), VIEW("\"" FFFD FFFD FFFD "\"") },
		{ VIEW("\xf4\x90\x80\x80"),
		  VIEW("\"" FFFD FFFD FFFD FFFD "\"") },
		{ VIEW("a\xff"), VIEW("\"a" FFFD "\"") },
		/* cut short, at the end and by a letter */
		{ VIEW("\xe2\x82"), VIEW("\"" FFFD FFFD "\"") },
		{ VIEW("\xe2\x82x"), VIEW("\"" FFFD FFFD "x\"") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_encoder(buf_json_string, cases[i].in, cases[i].out);
}

/* Slow and obvious, for ASCII and invalid bytes. */
static void
json_by_letter(struct buf *b, struct view v)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < v.n; i++) {
		const char *escapes = "\bb\ff\nn\rr\tt\"\"\\\\", *hit;
		unsigned char c = (unsigned char)v.p[i];

		hit = c ? strchr(escapes, c) : NULL;
		if (hit != NULL && (hit - escapes) % 2 == 0)
			buf_printf(b, "\\%c", hit[1]);
		else if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else if (c >= 0x80)
			buf_puts(b, FFFD);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

/* Every byte at every offset: the fast way works on words. */
static void
test_json_every_byte(void **state)
{
	char text[21];
	struct view v = { text, sizeof(text) };

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			struct buf want = { 0 };

			memset(text, 'a', sizeof(text));
			text[at] = (char)c;
			json_by_letter(&want, v);
			check_encoder(buf_json_string, v, buf_view(&want));
			buf_free(&want);
		}
	}
}

static void
check_double(double d, const char *want)
{
	struct buf b = { 0 };

	buf_json_double(&b, d);
	if (!view_eq(buf_view(&b), view_of(want)))
		fail_msg("got %.*s, want %s", (int)b.n, b.p, want);
	buf_free(&b);
}

static void
test_json_double(void **state)
{
	(void)state;
	check_double(3, "3.0");
	check_double(-0.0, "-0.0");
	check_double(0.1, "0.1");
	check_double(1.0 / 3, "0.3333333333333333");
	check_double(0.1 + 0.2, "0.30000000000000004");
	check_double(1e300, "1e+300");
	check_double(1e15, "1e+15");
	check_double(123456789012345, "123456789012345.0");
	check_double(9007199254740993.0, "9007199254740992.0");
	check_double(DBL_TRUE_MIN, "4.94065645841247e-324");
	check_double(DBL_MAX, "1.7976931348623157e+308");
	check_double(NAN, "null");
	check_double(INFINITY, "null");
	check_double(-INFINITY, "null");
}

static void
test_text(void **state)
{
	(void)state;
	check_encoder(buf_text, VIEW("/usr/bin/gr\xc3\xbc\xc3\x9f e"),
		      VIEW("/usr/bin/gr\xc3\xbc\xc3\x9f e"));
	check_encoder(buf_text, VIEW("a\nb\x1b[31m\x7f\\"),
		      VIEW("a\\x0ab\\x1b[31m\\x7f\\\\"));
	check_encoder(buf_text,
		      VIEW("\xc2\x9b"
			   "31m\xc2\x85"),
		      VIEW("\\u{009b}31m\\u{0085}"));
	check_encoder(buf_text, VIEW("\xe2\x80\xa8\xe2\x80\xa9"),
		      VIEW("\\u{2028}\\u{2029}"));
	check_encoder(buf_text,
		      VIEW("\xe2\x80\xae"
			   "exe.txt\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f"),
		      VIEW("\\u{202e}exe.txt\\u{2066}\\u{061c}\\u{200f}"));
	check_encoder(buf_text, VIEW("\xff\xc0\xaf\0"),
		      VIEW("\\xff\\xc0\\xaf\\x00"));
	check_encoder(buf_text, VIEW("long and plain\x7f"),
		      VIEW("long and plain\\x7f"));
	check_encoder(buf_text_word, VIEW(""), VIEW("\"\""));
	check_encoder(buf_text_word, VIEW("a-b=c"), VIEW("a-b=c"));
	check_encoder(buf_text_word, VIEW("a b"), VIEW("\"a b\""));
	check_encoder(buf_text_word, VIEW("say \"x\\y\""),
		      VIEW("\"say \\\"x\\\\y\\\"\""));
	check_encoder(buf_text_word, VIEW("a\tb"), VIEW("a\\x09b"));
	check_encoder(buf_text_word, VIEW("it's"), VIEW("\"it's\""));
}

/* All code points there and back; what is not one becomes U+FFFD. */
static void
test_utf8(void **state)
{
	struct buf b = { 0 };
	uint32_t back;

	(void)state;
	for (uint32_t c = 0; c <= 0x110000; c++) {
		bool valid = c < 0x110000 && (c < 0xd800 || c > 0xdfff);

		buf_clear(&b);
		buf_utf8(&b, c);
		assert_int_equal(utf8_length(buf_view(&b)), b.n);
		assert_int_equal(utf8_decode(buf_view(&b), &back), b.n);
		assert_int_equal(back, valid ? c : 0xfffd);
		for (size_t n = 0; n < b.n; n++)
			assert_int_equal(
				utf8_length(view_sub(buf_view(&b), 0, n)), 0);
	}
	buf_free(&b);
	assert_int_equal(utf8_decode(VIEW("\x80z"), &back), 1);
	assert_int_equal(back, 0xfffd);
	assert_true(utf8_valid(VIEW("")));
	assert_true(utf8_valid(VIEW("0123456\xe2\x82\xac"
				    "9\n\0")));
	assert_false(utf8_valid(VIEW("0123456\xe2\x82")));
}

/* Every first and second byte, against the arithmetic of RFC 3629. */
static void
test_utf8_beginnings(void **state)
{
	(void)state;
	for (unsigned first = 0x80; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			char s[4] = { (char)first, (char)second, (char)0x80,
				      (char)0x80 };
			size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
			uint32_t least = n == 4	  ? 0x10000
					 : n == 3 ? 0x800
						  : 0x80;
			uint32_t c = first & (0x7fu >> n);
			bool valid = first >= 0xc0 && first < 0xf8 &&
				     (second & 0xc0) == 0x80;

			c = c << 6 | (second & 0x3f);
			c <<= 6 * (n - 2);
			valid &= c >= least && c <= 0x10ffff &&
				 (c < 0xd800 || c > 0xdfff);
			assert_int_equal(utf8_length((struct view){ s, 4 }),
					 valid ? n : 0);
		}
	}
}

static void
test_hex(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_hex(&b, "\x00\xff\x7a", 3);
	assert_view(buf_view(&b), "00ff7a");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_string),
		cmocka_unit_test(test_json_every_byte),
		cmocka_unit_test(test_json_double),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_beginnings),
		cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
