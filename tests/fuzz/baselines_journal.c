/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash-chained journal as anybody may have left it: the input's bytes, or,
 * after a first byte c, its lines in a chain of right digests, by somebody who
 * knows how. What is read as sound is looked at again, by other code: every
 * line names the digest of the one before and has its own. Half a line at the
 * end harms nobody: a record can be added, and then all is sound, with one
 * record more.
 */
#include "baselines/journal.h"

#include <gcrypt.h>

#include "tests/fuzz/folder_help.h"

#define NAME "fuzz.ndjson"

static void
begin(void)
{
	folder_make();
	check(mkdirat(folder_fd, "log", 0700) == 0);
}

/* The lines as records, each with the digest of the one before and its own. */
static void
put_chain(struct view lines)
{
	struct buf all = { 0 }, head = { 0 };
	char hex[JOURNAL_DIGEST_CHARS + 1];
	struct view line;
	uint8_t digest[32];
	uint64_t seq = 0;

	memset(hex, '0', sizeof(hex));
	while (view_next_split(&lines, '\n', &line)) {
		size_t start = all.n;

		buf_printf(&all, "{\"seq\":%llu,", (unsigned long long)++seq);
		buf_put(&all, line);
		buf_printf(&all, ",\"previous\":\"%.64s\"", hex);
		gcry_md_hash_buffer(GCRY_MD_SHA256, digest, all.p + start,
				    all.n - start);
		buf_clear(&head);
		buf_hex(&head, digest, sizeof(digest));
		memcpy(hex, head.p, JOURNAL_DIGEST_CHARS);
		buf_printf(&all, ",\"digest\":\"%.64s\"}\n", hex);
	}
	folder_put("log/" NAME, buf_view(&all));
	buf_free(&all);
	buf_free(&head);
}

struct chain {
	uint64_t n;
	struct buf last;
};

static void
on_line(void *ctx, struct view line)
{
	static const char mark[] = ",\"digest\":\"";
	struct chain *c = ctx;
	struct buf hex = { 0 }, previous = { 0 };
	uint8_t digest[32];
	ssize_t at = -1, found = 0;

	while ((found = view_search(line, VIEW(",\"digest\":\""),
				    (size_t)(at + 1))) >= 0)
		at = found;
	check(at >= 0);
	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, line.p, (size_t)at);
	buf_hex(&hex, digest, sizeof(digest));
	check(view_eq(view_sub(line, (size_t)at + sizeof(mark) - 1,
			       JOURNAL_DIGEST_CHARS),
		      buf_view(&hex)));
	buf_puts(&previous, "\"previous\":\"");
	if (c->n == 0)
		for (unsigned i = 0; i < JOURNAL_DIGEST_CHARS; i++)
			buf_putc(&previous, '0');
	else
		buf_put(&previous, buf_view(&c->last));
	buf_putc(&previous, '"');
	check(view_search(line, buf_view(&previous), 0) >= 0);
	c->n++;
	buf_free(&c->last);
	c->last = hex;
	buf_free(&previous);
}

static int
read_all(struct journal_state *s, struct chain *c)
{
	struct err err = { 0 };
	int rc =
		journal_read_from(folder, NAME, VIEW_NONE, s, on_line, c, &err);

	check((rc == 0) == (err.n == 0));
	err_free(&err);
	return rc;
}

static void
add_one(uint64_t before)
{
	static const struct journal_record r = { .action = "test",
						 .who = { "me", 2 } };
	struct journal_state s = { 0 };
	struct chain c = { 0 };
	struct err err = { 0 };

	check(journal_append_to(folder, NAME, &r, &err) == 0);
	check(read_all(&s, &c) == 0 && s.records == before + 1);
	journal_state_free(&s);
	buf_free(&c.last);
	err_free(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { (const char *)data, n };
	struct journal_state s = { 0 };
	struct chain c = { 0 };

	if (folder_fd < 0)
		begin();
	if (n > 0 && data[0] == 'c')
		put_chain(view_sub(text, 1, SIZE_MAX));
	else
		folder_put("log/" NAME, text);
	if (read_all(&s, &c) == 0) {
		check(s.records == c.n);
		check(s.whole_bytes <= n || data[0] == 'c');
		add_one(s.records);
	}
	journal_state_free(&s);
	buf_free(&c.last);
	return 0;
}
