/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The encoders, and the reader of times: what goes out is always valid. */
#include "scan/base.h"
#include "tests/fuzz/fuzz_help.h"

static void
check_json(struct view in)
{
	struct buf once = { 0 }, twice = { 0 };
	struct view inner;

	buf_json_string(&once, in);
	check(!once.failed && utf8_valid(buf_view(&once)));
	inner = view_sub(buf_view(&once), 1, once.n - 2);
	for (size_t i = 0; i < inner.n; i++) {
		check((unsigned char)inner.p[i] >= 0x20 && inner.p[i] != '"');
		/* Every escape is one that RFC 8259 knows. */
		if (inner.p[i] == '\\')
			check(strchr("\"\\bfnrtu", inner.p[++i]) != NULL);
	}
	/* Without escapes nothing changes the second time. */
	if (view_find(inner, '\\') < 0) {
		buf_json_string(&twice, inner);
		check(view_eq(buf_view(&once), buf_view(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
}

static void
check_text(struct view in)
{
	struct buf b = { 0 };

	buf_text(&b, in);
	buf_text_word(&b, in);
	check(!b.failed && utf8_valid(buf_view(&b)));
	for (size_t i = 0; i < b.n; i++)
		check((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
	buf_free(&b);
}

static void
check_time(struct view in)
{
	struct buf b = { 0 };
	uint64_t ns, again;

	if (!rfc3339_read(in, &ns))
		return;
	buf_rfc3339(&b, ns);
	check(rfc3339_read(buf_view(&b), &again) && again == ns);
	buf_free(&b);
}

static void
check_diag(struct view in)
{
	struct err e = { 0 };
	struct buf b = { 0 };
	struct place where = { .file = "f", .line = 1, .text = in };

	where.column = in.n ? (unsigned)(unsigned char)in.p[0] + 1 : 0;
	err_add(&e, where, "%.*s", (int)in.n, in.n ? in.p : "");
	check(e.n == 1);
	err_format(&e.v[0], &b);
	check(utf8_valid(buf_view(&b)));
	buf_free(&b);
	err_free(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = { (const char *)data, size };

	check_json(in);
	check_text(in);
	check_time(in);
	check_diag(in);
	return 0;
}
