/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What content says of itself: ELF, scripts, text, pid files, entropy. */
#include "scan/content.h"

#include <elf.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

static bool
is(struct view v, const char *want)
{
	return view_eq(v, view_of(want));
}

/* ---- ELF ------------------------------------------------------------- */

static void
put_number(unsigned char *p, size_t size, bool big_endian, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		p[big_endian ? size - 1 - i : i] =
			(unsigned char)(value >> 8 * i);
}

struct example {
	unsigned char p[256];
	size_t n;
};

/* A header and two program headers, the second one PT_INTERP. */
static struct example
make_elf(bool wide, bool big_endian)
{
	struct example e = { .p = ELFMAG };
	unsigned char *p = e.p;
	size_t header = wide ? 64 : 52, entry = wide ? 56 : 32;
	size_t word = wide ? 8 : 4, tail = wide ? 52 : 40;

	p[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	p[EI_DATA] = big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	p[EI_VERSION] = EV_CURRENT;
	put_number(p + 16, 2, big_endian, ET_DYN);
	put_number(p + 18, 2, big_endian, wide ? EM_X86_64 : EM_ARM);
	put_number(p + 20, 4, big_endian, EV_CURRENT);
	put_number(p + 24, word, big_endian, 0x401234);
	put_number(p + 24 + word, word, big_endian, header);
	put_number(p + tail, 2, big_endian, header);
	put_number(p + tail + 2, 2, big_endian, entry);
	put_number(p + tail + 4, 2, big_endian, 2);
	put_number(p + tail + 8, 2, big_endian, 29);
	put_number(p + header, 4, big_endian, PT_LOAD);
	put_number(p + header + entry, 4, big_endian, PT_INTERP);
	e.n = header + 2 * entry;
	return e;
}

/* On the heap and exactly as long, so that a sanitizer sees every step past
 * the end. */
static bool
read_elf(const struct example *e, size_t n, struct elf_facts *out,
	 struct elf_table *t)
{
	static struct arena arena;
	char *p = malloc(n ? n : 1);
	struct view v = { p, n };
	bool is_elf;

	assert_non_null(p);
	memcpy(p, e->p, n);
	arena_reset(&arena);
	is_elf = elf_read_header(v, &arena, out, t);
	out->dynamic = elf_table_has_interpreter(
		view_sub(v, (size_t)t->offset, t->n_bytes), t);
	free(p);
	return is_elf;
}

static void
test_elf_four_kinds(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		bool wide = kind & 1, big_endian = kind & 2;
		struct example e = make_elf(wide, big_endian);
		struct elf_facts f;
		struct elf_table t;

		assert_true(read_elf(&e, e.n, &f, &t));
		assert_true(f.valid);
		assert_true(f.dynamic);
		assert_string_equal(f.class,
				    wide ? "ELFCLASS64" : "ELFCLASS32");
		assert_string_equal(f.data,
				    big_endian ? "ELFDATA2MSB" : "ELFDATA2LSB");
		assert_string_equal(f.type, "DYN");
		assert_string_equal(f.architecture, wide ? "x86_64" : "arm");
		assert_string_equal(f.os_abi, "ELFOSABI_NONE");
		assert_int_equal(f.entrypoint, 0x401234);
		assert_int_equal(f.shnum, 29);
	}
}

static void
test_elf_every_length(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct example e = make_elf(kind & 1, kind & 2);
		size_t header = kind & 1 ? 64 : 52;

		for (size_t n = 0; n <= e.n; n++) {
			struct elf_facts f;
			struct elf_table t;

			assert_int_equal(read_elf(&e, n, &f, &t), n >= 4);
			assert_int_equal(f.valid, n >= header);
			assert_int_equal(f.class != NULL, n >= header);
			assert_int_equal(f.dynamic, n == e.n);
		}
	}
}

/* Whatever one byte becomes, nothing is read out of bounds. */
static void
test_elf_every_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct example e = make_elf(kind & 1, kind & 2), bad;

		for (size_t at = 4; at < e.n; at++) {
			for (unsigned c = 0; c < 256; c += at < 64 ? 1 : 15) {
				struct elf_facts f;
				struct elf_table t;

				bad = e;
				bad.p[at] = (unsigned char)c;
				assert_true(read_elf(&bad, e.n, &f, &t));
				assert_true(t.n_bytes <= ELF_TABLE_MAX_BYTES);
			}
		}
	}
}

static void
test_elf_lies(void **state)
{
	struct example e = make_elf(true, false);
	struct elf_facts f;
	struct elf_table t;

	(void)state;
	/* a table at the end of the address space */
	memset(e.p + 32, 0xff, 8);
	assert_true(read_elf(&e, e.n, &f, &t));
	assert_false(f.valid);
	assert_false(f.dynamic);
	assert_int_equal(t.n_bytes, 0);
	/* just below the largest file offset: kept, but nothing is there */
	e.p[39] = 0x7f;
	assert_true(read_elf(&e, e.n, &f, &t));
	assert_true(t.offset == INT64_MAX);
	assert_false(f.dynamic);

	e = make_elf(true, false);
	memset(e.p + 56, 0xff, 2); /* e_phnum is PN_XNUM */
	assert_true(read_elf(&e, e.n, &f, &t));
	assert_true(t.n_bytes > 0 && t.n_bytes <= ELF_TABLE_MAX_BYTES);
	assert_true(f.dynamic);

	e = make_elf(true, false);
	memset(e.p + 54, 0, 2); /* e_phentsize */
	assert_true(read_elf(&e, e.n, &f, &t));
	assert_false(f.valid);
	assert_int_equal(t.n_bytes, 0);

	/* The kernel runs this one, so its facts are wanted. */
	e = make_elf(true, false);
	e.p[EI_VERSION] = 77;
	assert_true(read_elf(&e, e.n, &f, &t));
	assert_false(f.valid);
	assert_string_equal(f.type, "DYN");
	assert_true(f.dynamic);

	e = make_elf(true, false);
	put_number(e.p + 16, 2, false, 7);
	put_number(e.p + 18, 2, false, 54321);
	e.p[EI_OSABI] = 200;
	assert_true(read_elf(&e, e.n, &f, &t));
	assert_false(f.valid);
	assert_string_equal(f.type, "ET_7");
	assert_string_equal(f.architecture, "EM_54321");
	assert_string_equal(f.os_abi, "ELFOSABI_200");
}

/* ---- kinds ----------------------------------------------------------- */

static void
test_kinds(void **state)
{
	static const struct {
		struct view content;
		enum content_kind kind;
	} cases[] = {
		{ VIEW(""), CONTENT_EMPTY },
		{ VIEW("\x7f"
		       "ELF"),
		  CONTENT_ELF },
		{ VIEW("\x7f"
		       "EL"),
		  CONTENT_DATA },
		{ VIEW("#!"), CONTENT_SCRIPT },
		{ VIEW("#"), CONTENT_TEXT },
		{ VIEW(" #!/bin/sh"), CONTENT_TEXT },
		{ VIEW("1234\n"), CONTENT_TEXT },
		{ VIEW("gr\xc3\xbc\xc3\x9f\r\n\t\f"), CONTENT_TEXT },
		{ VIEW("a\0"), CONTENT_DATA },
		{ VIEW("\0"), CONTENT_DATA },
		{ VIEW("a\x1b[31m"), CONTENT_DATA },
		{ VIEW("a\x7f"), CONTENT_DATA },
		{ VIEW("a\xc3"), CONTENT_DATA },
		{ VIEW("\xff\xfe"
		       "a"),
		  CONTENT_DATA },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(content_classify(cases[i].content, true),
				 cases[i].kind);
	/* A cut through a character is no sign of data; other faults are. */
	assert_int_equal(content_classify(VIEW("a\xe2\x82"), false),
			 CONTENT_TEXT);
	assert_int_equal(content_classify(VIEW("a\xf0\x9f\x94"), false),
			 CONTENT_TEXT);
	assert_int_equal(content_classify(VIEW("\xe2\x82zzz"), false),
			 CONTENT_DATA);
	assert_string_equal(content_kind_name(CONTENT_SCRIPT), "script");
	assert_string_equal(content_kind_name((enum content_kind)99),
			    "unknown");
}

static void
test_interpreter(void **state)
{
	char line[300];
	struct view v;

	(void)state;
	assert_true(is(script_interpreter(VIEW("#!/bin/sh\n")), "/bin/sh"));
	assert_true(is(script_interpreter(VIEW("#!/bin/sh")), "/bin/sh"));
	assert_true(
		is(script_interpreter(VIEW("#! \t/bin/sh -e\nx")), "/bin/sh"));
	assert_true(is(script_interpreter(VIEW("#!/usr/bin/env python3\n")),
		       "/usr/bin/env"));
	assert_true(is(script_interpreter(VIEW("#!/bin/sh\r\n")), "/bin/sh\r"));
	assert_true(is(script_interpreter(VIEW("#!/bin/sh\0x\n")), "/bin/sh"));
	assert_true(is(script_interpreter(VIEW("#!sh")), "sh"));
	assert_int_equal(script_interpreter(VIEW("#!")).n, 0);
	assert_int_equal(script_interpreter(VIEW("#! \t \n/bin/sh")).n, 0);
	assert_int_equal(script_interpreter(VIEW("#!\n/bin/sh")).n, 0);
	assert_int_equal(script_interpreter(VIEW("")).n, 0);
	assert_int_equal(script_interpreter(VIEW("#")).n, 0);
	assert_int_equal(script_interpreter(VIEW("/bin/sh")).n, 0);

	/* The longest name that the kernel takes, and one byte more. */
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	line[254] = '\n';
	v = (struct view){ line, sizeof(line) };
	assert_int_equal(script_interpreter(v).n, 252);
	line[254] = 'x';
	line[255] = '\n';
	assert_int_equal(script_interpreter(v).n, 0);
	line[254] = ' ';
	assert_int_equal(script_interpreter(v).n, 252);
	/* The same long name where the file ends. */
	line[254] = 'x';
	v.n = 255;
	assert_int_equal(script_interpreter(v).n, 253);
}

/* ---- pid files ------------------------------------------------------- */

static void
test_pidfile(void **state)
{
	static const struct {
		struct view content;
		int64_t pid; /* 0: invalid */
	} cases[] = {
		{ VIEW("1"), 1 },
		{ VIEW("1234\n"), 1234 },
		{ VIEW(" 1234 \n"), 1234 },
		{ VIEW("4194304\n"), 4194304 },
		{ VIEW("123456789"), 123456789 },
		{ VIEW("1234567890"), 0 },
		{ VIEW("1234     \n"), 0 },
		{ VIEW("123\n\n"), 123 },
		{ VIEW("12 34\n"), 0 },
		{ VIEW("12\n34\n"), 0 },
		{ VIEW("0\n"), 0 },
		{ VIEW("-1\n"), 0 },
		{ VIEW("+1\n"), 0 },
		{ VIEW("0x1\n"), 0 },
		{ VIEW("12\0"), 0 },
		{ VIEW(""), 0 },
		{ VIEW("\n"), 0 },
		{ VIEW("\x7f"
		       "ELF"),
		  0 },
		{ VIEW("#!/bin/sh"), 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pidfile_facts f = { .valid = true, .pid = 7 };

		pidfile_read(cases[i].content, &f);
		assert_true(f.judged);
		assert_int_equal(f.valid, cases[i].pid != 0);
		assert_int_equal(f.pid, cases[i].pid);
	}
	assert_true(pidfile_name(VIEW("sshd.pid")));
	assert_true(pidfile_name(VIEW("a.lock")));
	assert_true(pidfile_name(VIEW("a.reboot")));
	assert_true(pidfile_name(VIEW("pid")));
	assert_false(pidfile_name(VIEW("pid.d")));
	assert_false(pidfile_name(VIEW("stupid")));
	assert_false(pidfile_name(VIEW("a.PID")));
	assert_false(pidfile_name(VIEW("")));
}

/* ---- entropy --------------------------------------------------------- */

static double
entropy(const unsigned char *p, size_t n)
{
	uint64_t counts[256] = { 0 };

	entropy_count((struct view){ (const char *)p, n }, counts);
	return entropy_of(counts);
}

/* What glibc 2.36 and 2.41 load, tried out. */
static void
test_preload(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "" },
		{ "\n \t:\n", "" },
		{ "/a.so", "/a.so" },
		{ "/a.so /b.so:/c.so\t/d.so\n/e.so\n",
		  "/a.so /b.so /c.so /d.so /e.so" },
		{ "# a comment\n", "" },
		{ "/a.so # a comment", "/a.so" },
		{ "# a\n/a.so\n# bc\n/b.so\n", "/a.so /b.so" },
		/* Not all of them are. */
		{ "# one\n/x/y/zz.so # another\n", "/x/y/zz.so ther" },
		{ "# a comment\n/x/y/libnothing.so # another\n",
		  "/x/y/libnothing.so # another" },
	};
	const struct view *v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena arena = { 0 };
		struct buf words = { 0 };
		size_t n = preload_read(view_of(cases[i].text), &arena, &v);

		for (size_t k = 0; k < n; k++) {
			buf_puts(&words, k > 0 ? " " : "");
			buf_put(&words, v[k]);
		}
		assert_true(view_eq(buf_view(&words), view_of(cases[i].words)));
		buf_free(&words);
		arena_free(&arena);
	}
}

static void
test_entropy(void **state)
{
	size_t n = 256 * 1024 + 4;
	unsigned char *p = calloc(1, n);
	uint64_t slow[256] = { 0 }, fast[256] = { 0 };

	(void)state;
	assert_non_null(p);
	assert_true(entropy(p, 0) == 0);
	assert_true(entropy(p, n) == 0);
	p[0] = 1;
	assert_true(fabs(entropy(p, 2) - 1) < 1e-12);
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)i;
	assert_true(fabs(entropy(p, 256) - 8) < 1e-12);
	assert_true(fabs(entropy(p, 256 * 1024) - 8) < 1e-12);
	assert_true(entropy(p, n) <= 8);
	/* p = 1/4, 3/4: 0.811278… bits */
	memset(p, 'a', 4096);
	memset(p, 'b', 1024);
	assert_true(fabs(entropy(p, 4096) - 0.8112781244591328) < 1e-12);

	srand(1);
	for (size_t i = 0; i < n; i++) {
		p[i] = (unsigned char)(rand() >> 8 & rand() >> 8);
		slow[p[i]]++;
	}
	entropy_count((struct view){ (char *)p, 2047 }, fast);
	entropy_count((struct view){ (char *)p + 2047, n - 2047 }, fast);
	assert_memory_equal(slow, fast, sizeof(slow));
	free(p);
}

static void
test_digest(void **state)
{
	/* FIPS 180-2, appendix B */
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223"
				  "b00361a396177a9cb410ff61f20015ad";
	static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb924"
				    "27ae41e4649b934ca495991b7852b855";
	struct digest d;
	struct buf b = { 0 };
	uint8_t out[32];

	(void)state;
	digest_sha256(VIEW("abc"), out);
	buf_hex(&b, out, sizeof(out));
	assert_true(is(buf_view(&b), abc));
	assert_int_equal(digest_begin(&d), 0);
	digest_add(&d, VIEW("a"));
	digest_add(&d, VIEW("bc"));
	digest_end(&d, out);
	buf_clear(&b);
	buf_hex(&b, out, sizeof(out));
	assert_true(is(buf_view(&b), abc));
	digest_sha256(VIEW_NONE, out);
	buf_clear(&b);
	buf_hex(&b, out, sizeof(out));
	assert_true(is(buf_view(&b), empty));
	buf_free(&b);
	assert_int_equal(digest_begin(&d), 0);
	digest_end(&d, NULL);
	assert_null(d.state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_four_kinds),
		cmocka_unit_test(test_elf_every_length),
		cmocka_unit_test(test_elf_every_byte),
		cmocka_unit_test(test_elf_lies),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_interpreter),
		cmocka_unit_test(test_pidfile),
		cmocka_unit_test(test_preload),
		cmocka_unit_test(test_entropy),
		cmocka_unit_test(test_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
