/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor: views, arenas, buffers, diagnostics, clocks, descriptors. */
#include "tests/unit/scan_help.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void
test_compare(void **state)
{
	(void)state;
	assert_true(view_eq(VIEW_NONE, VIEW("")));
	assert_true(view_eq_fold(VIEW("AbZ[9"), VIEW("aBz[9")));
	/* '[' and '{' differ by 0x20 as letters do, and are not letters. */
	assert_false(view_eq_fold(VIEW("["), VIEW("{")));
	assert_false(view_eq_fold(VIEW("\xc4"), VIEW("\xe4")));
	assert_false(view_eq_fold(VIEW("a"), VIEW("ab")));
	assert_true(view_cmp(VIEW("a"), VIEW("ab")) < 0);
	assert_true(view_cmp(VIEW("\xff"), VIEW("a")) > 0);
	assert_int_equal(view_cmp(VIEW_NONE, VIEW("")), 0);
	assert_true(view_starts(VIEW("abc"), VIEW("ab")));
	assert_true(view_starts(VIEW_NONE, VIEW_NONE));
	assert_false(view_starts(VIEW("a"), VIEW("ab")));
	assert_true(view_ends(VIEW("abc"), VIEW("bc")));
	assert_false(view_ends(VIEW("abc"), VIEW("ab")));
	assert_int_equal(view_of(NULL).n, 0);
	assert_int_equal(view_of("abc").n, 3);
}

static void
test_search(void **state)
{
	(void)state;
	assert_int_equal(view_find(VIEW("a/b/c"), '/'), 1);
	assert_int_equal(view_rfind(VIEW("a/b/c"), '/'), 3);
	assert_int_equal(view_find(VIEW_NONE, '/'), -1);
	assert_int_equal(view_find(VIEW("a\0b"), '\0'), 1);
	assert_int_equal(view_search(VIEW("abcabc"), VIEW("bc"), 0), 1);
	assert_int_equal(view_search(VIEW("abcabc"), VIEW("bc"), 2), 4);
	assert_int_equal(view_search(VIEW("abcabc"), VIEW("bc"), 5), -1);
	assert_int_equal(view_search(VIEW("abc"), VIEW(""), 3), 3);
	assert_int_equal(view_search(VIEW("abc"), VIEW(""), 4), -1);
	assert_int_equal(view_search(VIEW("abc"), VIEW("x"), SIZE_MAX), -1);
	assert_view(view_sub(VIEW("abc"), 1, SIZE_MAX), "bc");
	assert_view(view_sub(VIEW("abc"), 3, 1), "");
	assert_view(view_trim(VIEW(" \t\v x y\r\n")), "x y");
	assert_view(view_trim(VIEW(" \n")), "");
}

static void
test_split(void **state)
{
	struct view rest = VIEW("sh\0\0-c"), item;

	(void)state;
	assert_true(view_next_item(&rest, &item));
	assert_view(item, "sh");
	assert_true(view_next_item(&rest, &item));
	assert_view(item, "");
	assert_true(view_next_item(&rest, &item));
	assert_view(item, "-c");
	assert_false(view_next_item(&rest, &item));

	rest = VIEW("a\0");
	assert_true(view_next_item(&rest, &item));
	assert_false(view_next_item(&rest, &item));

	rest = VIEW(",b");
	assert_true(view_next_split(&rest, ',', &item));
	assert_view(item, "");
	assert_true(view_next_split(&rest, ',', &item));
	assert_view(item, "b");
	assert_false(view_next_split(&rest, ',', &item));
}

static void
test_numbers(void **state)
{
	uint64_t u = 7;
	int64_t i = 7;

	(void)state;
	assert_true(view_to_u64(VIEW("18446744073709551615"), &u));
	assert_true(u == UINT64_MAX);
	assert_false(view_to_u64(VIEW("18446744073709551616"), &u));
	assert_false(view_to_u64(VIEW("99999999999999999999"), &u));
	assert_true(view_to_u64(VIEW("000000000000000000000000012"), &u));
	assert_true(u == 12);
	assert_false(view_to_u64(VIEW(""), &u));
	assert_false(view_to_u64(VIEW("1 "), &u));
	assert_false(view_to_u64(VIEW("+1"), &u));
	assert_false(view_to_u64(VIEW("-1"), &u));
	assert_false(view_to_u64(VIEW("1\0"), &u));
	assert_true(view_to_i64(VIEW("-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_true(view_to_i64(VIEW("9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_false(view_to_i64(VIEW("9223372036854775808"), &i));
	assert_false(view_to_i64(VIEW("-9223372036854775809"), &i));
	assert_false(view_to_i64(VIEW("-"), &i));
	assert_false(view_to_i64(VIEW("--1"), &i));
	assert_true(view_to_i64(VIEW("-0"), &i));
	assert_true(i == 0);
}

static int
compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Every prefix of a constant string and every single-bit change of each:
 * no two hashes may be equal (the chance of a false alarm is 1 in 10^11). */
static void
test_hash(void **state)
{
	static uint64_t seen[80 * 81 * 4 + 81];
	char text[80];
	size_t n = 0;

	(void)state;
	memset(text, 0, sizeof(text));
	for (size_t len = 0; len <= sizeof(text); len++) {
		seen[n++] = view_hash((struct view){ text, len });
		for (size_t bit = 0; bit < len * 8; bit++) {
			text[bit / 8] ^= (char)(1 << bit % 8);
			seen[n++] = view_hash((struct view){ text, len });
			text[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	assert_int_equal(n, ARRAY_LEN(seen));
	qsort(seen, n, sizeof(seen[0]), compare_u64);
	for (size_t i = 1; i < n; i++)
		assert_true(seen[i] != seen[i - 1]);
	assert_true(view_hash(VIEW_NONE) == view_hash(VIEW("")));
	assert_true(view_hash(VIEW("abc")) == view_hash(view_of("abc")));
	assert_true(hash_mix(1, 2) != hash_mix(2, 1));
}

static void
test_paths(void **state)
{
	(void)state;
	assert_view(path_name(VIEW("/usr/bin/awk")), "awk");
	assert_view(path_name(VIEW("awk")), "awk");
	assert_view(path_name(VIEW("/usr/")), "");
	assert_view(path_extension(VIEW("/a.d/x.tar.gz")), "gz");
	assert_view(path_extension(VIEW("/a.d/x")), "");
	assert_view(path_extension(VIEW("/a/.bashrc")), "bashrc");
	assert_view(path_extension(VIEW("/a/x.")), "");
	assert_view(path_directory(VIEW("/usr/bin/awk")), "/usr/bin");
	assert_view(path_directory(VIEW("/vmlinuz")), "/");
	assert_view(path_directory(VIEW("/")), "/");
	assert_view(path_directory(VIEW("awk")), "");
}

/* What a buffer could not hold whole is not taken for all of it. */
static void
test_arena_takes(void **state)
{
	struct arena a = { 0 };
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "all");
	assert_view(arena_take(&a, &b), "all");
	assert_null(b.p);
	assert_false(a.failed);
	buf_puts(&b, "a part");
	b.failed = true;
	assert_null(arena_take(&a, &b).p);
	assert_null(b.p);
	assert_true(a.failed);
	arena_reset(&a);
	assert_false(a.failed);
	arena_free(&a);
}

static void
test_arena(void **state)
{
	struct arena a = { 0 };
	size_t held;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		char *p = arena_alloc(&a, i % 97);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 0xa5, i % 97);
	}
	held = a.held_bytes;
	arena_reset(&a);
	assert_true(a.held_bytes > 0 && a.held_bytes < held);
	/* After some rounds of the same size nothing more is allocated. */
	held = a.held_bytes;
	for (int i = 0; i < 10; i++) {
		assert_non_null(arena_alloc(&a, 4000));
		arena_reset(&a);
	}
	assert_int_equal(a.held_bytes, held);
	/* Nor when a round takes several chunks at first. */
	for (int i = 0; i < 10; i++) {
		arena_reset(&a);
		held = a.held_bytes;
		for (int k = 0; k < 60; k++)
			assert_non_null(arena_alloc(&a, 1000));
	}
	assert_int_equal(a.held_bytes, held);
	/* One huge piece is not kept. */
	assert_non_null(arena_alloc(&a, 8 << 20));
	assert_true(a.held_bytes > 8 << 20);
	arena_reset(&a);
	assert_true(a.held_bytes < 1 << 20);

	assert_false(a.failed);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_true(a.failed);
	assert_null(arena_alloc(&a, SIZE_MAX - 40));
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	assert_non_null(arena_array(&a, 0, 3));
	for (const char *p = arena_zalloc(&a, 100), *e = p + 100; p < e; p++)
		assert_int_equal(*p, 0);
	assert_view(arena_copy(&a, VIEW("a\0b")), "a\0b");
	assert_int_equal(arena_copy(&a, VIEW("abc")).p[3], 0);
	assert_non_null(arena_copy(&a, VIEW_NONE).p);
	assert_view(arena_printf(&a, "%s-%d", "x", 5), "x-5");
	arena_free(&a);
	assert_null(a.first);
	arena_reset(&a);
	arena_free(&a);
}

static void
test_buf(void **state)
{
	struct buf b = { 0 };
	char big[1000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	buf_put(&b, VIEW_NONE);
	assert_null(b.p);
	buf_puts(&b, "ab");
	buf_putc(&b, '\0');
	buf_printf(&b, "%d", 42);
	assert_view(buf_view(&b), "ab\0"
				  "42");
	/* Around the capacity, where vsnprintf wants one byte more. */
	for (int n = 200; n < 300; n++) {
		buf_free(&b);
		buf_puts(&b, "1");
		buf_printf(&b, "%.*s", n, big);
		assert_int_equal(b.n, n + 1);
		assert_int_equal(b.p[n], 'x');
	}
	buf_clear(&b);
	assert_int_equal(b.n, 0);
	assert_true(b.cap > 0);

	buf_puts(&b, "kept");
	buf_put(&b, (struct view){ big, SIZE_MAX - 2 });
	assert_true(b.failed);
	buf_puts(&b, "ignored");
	buf_printf(&b, "ignored");
	assert_view(buf_view(&b), "kept");
	buf_clear(&b);
	assert_false(b.failed);
	buf_free(&b);
}

/* ---- diagnostics ----------------------------------------------------- */

static void
check_diag(struct place where, const char *want)
{
	struct err e = { 0 };
	struct buf b = { 0 };

	assert_int_equal(err_add(&e, where, "bad %s", "word"), -1);
	assert_int_equal(e.n, 1);
	err_format(&e.v[0], &b);
	if (!view_eq(buf_view(&b), view_of(want)))
		fail_msg("got:\n%.*swant:\n%s", (int)b.n, b.p, want);
	buf_free(&b);
	err_free(&e);
}

static void
test_err_format(void **state)
{
	(void)state;
	check_diag((struct place){ 0 }, "bad word\n");
	check_diag((struct place){ .file = "a.yml" }, "a.yml: bad word\n");
	check_diag((struct place){ .file = "a\n.yml", .line = 3 },
		   "a\\x0a.yml:3: bad word\n");
	check_diag((struct place){ "a.yml", 3, 5, VIEW("key: value") },
		   "a.yml:3:5: bad word\nkey: value\n    ^\n");
	/* tabs stay, escapes and characters of several bytes are measured,
	 * backslashes are shown as written */
	check_diag((struct place){ "a", 1, 8, VIEW("\tx\x1b\xc3\xa4\\\\y") },
		   "a:1:8: bad word\n\tx\\x1b\xc3\xa4\\\\y\n\t        ^\n");
	/* one past the end, and far past it */
	check_diag((struct place){ "a", 1, 3, VIEW("xy") },
		   "a:1:3: bad word\nxy\n  ^\n");
	check_diag((struct place){ "a", 1, UINT32_MAX - 1, VIEW("xy") },
		   "a:1:4294967294: bad word\n");
	/* no column, no caret */
	check_diag((struct place){ "a", 1, 0, VIEW("xy") },
		   "a:1: bad word\nxy\n");
}

static void
test_err_long_line(void **state)
{
	struct err e = { 0 };
	struct buf line = { 0 }, b = { 0 };
	struct view rest, item[3];

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_puts(&line, "\xc3\xa4");
	line.p[20001] = '!';
	err_add(&e, (struct place){ "a", 1, 20002, buf_view(&line) }, "m");
	err_format(&e.v[0], &b);
	rest = buf_view(&b);
	for (int i = 0; i < 3; i++)
		assert_true(view_next_split(&rest, '\n', &item[i]));
	assert_view(item[0], "a:1:20002: m");
	assert_true(view_starts(item[1], VIEW("...")));
	assert_true(view_ends(item[1], VIEW("...")));
	assert_true(item[1].n < 200);
	assert_true(utf8_valid(view_sub(item[1], 0, 41)));
	assert_int_equal(rest.n, 0);
	/* 3 dots, 40 letters before, the half letter as \xc3, the caret */
	assert_int_equal(item[2].n, 3 + 39 + 4 + 1);
	buf_free(&b);
	buf_free(&line);
	err_free(&e);
}

static void
test_err_cap(void **state)
{
	struct err e = { 0 };
	char file[] = "name";

	(void)state;
	for (int i = 0; i < ERR_MAX + 7; i++)
		err_add(&e, (struct place){ .file = file }, "%d", i);
	file[0] = 'X'; /* err_add has copied */
	assert_int_equal(e.n, ERR_MAX);
	assert_int_equal(e.dropped, 7);
	assert_string_equal(e.v[3].file, "name");
	assert_view(e.v[199].message, "199");
	err_free(&e);
	err_free(&e);
}

/* ---- clocks ---------------------------------------------------------- */

static void
check_time(uint64_t ns, const char *text)
{
	struct buf b = { 0 };
	uint64_t back;

	buf_rfc3339(&b, ns);
	if (!view_eq(buf_view(&b), view_of(text)))
		fail_msg("got %.*s, want %s", (int)b.n, b.p, text);
	assert_true(rfc3339_read(buf_view(&b), &back));
	assert_true(back == ns);
	buf_free(&b);
}

static void
test_time_write(void **state)
{
	(void)state;
	check_time(0, "1970-01-01T00:00:00.000000000Z");
	check_time(951782400 * NS_PER_SEC, "2000-02-29T00:00:00.000000000Z");
	check_time(4107542400 * NS_PER_SEC - 1,
		   "2100-02-28T23:59:59.999999999Z");
	check_time(4107542400 * NS_PER_SEC, "2100-03-01T00:00:00.000000000Z");
	check_time(1767323045678901234, "2026-01-02T03:04:05.678901234Z");
	check_time(UINT64_MAX, "2554-07-21T23:34:33.709551615Z");
}

/* Every day there is, against a calendar that counts days one by one. */
static void
test_time_every_day(void **state)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	int year = 1970, month = 1, day = 1;
	char want[64];

	(void)state;
	for (uint64_t n = 0; n < UINT64_MAX / NS_PER_SEC / 86400; n++) {
		bool leap =
			(year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		snprintf(want, sizeof(want),
			 "%04d-%02d-%02dT23:59:59.000000001Z", year, month,
			 day);
		check_time((n * 86400 + 86399) * NS_PER_SEC + 1, want);
		if (++day > days[month - 1] + (month == 2 && leap)) {
			day = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
	assert_int_equal(year, 2554);
}

static void
test_time_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01t00:00:01z", NS_PER_SEC },
		{ "1970-01-01T00:00:00.5Z", 500000000 },
		{ "1970-01-01T00:00:00.000000001Z", 1 },
		{ "1970-01-01T01:30:00+01:30", 0 },
		{ "1969-12-31T22:00:00-02:00", 0 },
		{ "1970-01-01T00:00:00-00:00", 0 },
		{ "2016-12-31T23:59:60Z", 1483228800 * NS_PER_SEC },
		{ "2017-01-01T00:59:60+01:00", 1483228800 * NS_PER_SEC },
	};
	static const char *const bad[] = {
		"",
		"1970",
		"1970-01-01",
		"1970-01-01 00:00:00Z",
		"1970-01-01T00:00:00",
		"1970-01-01T00:00:00.Z",
		"1970-01-01T00:00:00.1234567890Z",
		"1970-01-01T00:00:00ZZ",
		"1970-01-01T00:00:00Z ",
		" 1970-01-01T00:00:00Z",
		"1970-1-01T00:00:00Z",
		"1970-00-01T00:00:00Z",
		"1970-13-01T00:00:00Z",
		"1970-01-00T00:00:00Z",
		"1970-01-32T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"1970-01-01T24:00:00Z",
		"1970-01-01T00:60:00Z",
		"1970-01-01T00:00:61Z",
		"2016-12-31T22:59:60Z",
		"1970-01-01T00:00:00+0100",
		"1970-01-01T00:00:00+24:00",
		"1970-01-01T00:00:00+01:60",
		"1970-01-01T00:00:00+1:00",
		"1970-01-01T00:00:00 Z",
		"1970-01-01T00:00:00+01:00Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01",
		"2554-07-21T23:34:34Z",
		"9999-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z",
		"-970-01-01T00:00:00Z",
		"+970-01-01T00:00:00Z",
	};
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ns = 12345;
		if (!rfc3339_read(view_of(good[i].text), &ns) ||
		    ns != good[i].ns)
			fail_msg("%s gives %llu", good[i].text,
				 (unsigned long long)ns);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (rfc3339_read(view_of(bad[i]), &ns))
			fail_msg("took \"%s\"", bad[i]);
	assert_false(rfc3339_read(VIEW("1970-01-01T00:00:00Z\0"), &ns));
}

static void
test_clocks_go_on(void **state)
{
	uint64_t boot = clock_boot_ns();

	(void)state;
	assert_true(clock_boot_ns() >= boot);
	assert_true(clock_wall_ns() > 1700000000 * NS_PER_SEC);
}

/* ---- descriptors ----------------------------------------------------- */

static void
test_descriptors(void **state)
{
	struct buf b = { 0 }, in = { 0 };
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 50000; i++)
		buf_putc(&in, (char)i);
	assert_int_equal(fd_write_all(fd, buf_view(&in)), 0);

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buf_puts(&b, "x");
	assert_int_equal(fd_read_all(fd, 50000, &b), 0);
	assert_int_equal(b.n, 50001);
	assert_memory_equal(b.p + 1, in.p, in.n);

	buf_clear(&b);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(fd, 49999, &b), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(b.n, 49999);

	close(fd);
	assert_int_equal(fd_read_all(fd, 1, &b), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fd_write_all(fd, VIEW("x")), -1);
	assert_int_equal(fd_write_all(fd, VIEW_NONE), 0);
	buf_free(&b);
	buf_free(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_takes),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_err_format),
		cmocka_unit_test(test_err_long_line),
		cmocka_unit_test(test_err_cap),
		cmocka_unit_test(test_time_write),
		cmocka_unit_test(test_time_every_day),
		cmocka_unit_test(test_time_read),
		cmocka_unit_test(test_clocks_go_on),
		cmocka_unit_test(test_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
