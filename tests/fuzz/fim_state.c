/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state database as anybody may have left it: the input's bytes as the
 * file or, after a first byte s, what the SQL behind it makes, by somebody who
 * knows how: other types, other encodings, views, triggers, virtual tables in
 * the names of tables. Whatever it is, reading it ends, every view holds what
 * it says, and each reader says of itself whether it got through. A new
 * database (no input) takes an alert and hands it to an output.
 */
#include "fim/cursor.h"
#include "fim/state.h"
#include "fim/state_read.h"

#include <sqlite3.h>

#include "tests/fuzz/folder_help.h"

#define ALERT "{\"from\":\"the fuzz target\"}"
#define STEPS_MAX 200 /* of a thousand instructions each */

/* The first is made of the input; SQLite makes the others beside it. */
static const struct folder_file files[] = { { 0, "state.db" },
					    { 0, "state.db-wal" },
					    { 0, "state.db-shm" },
					    { 0, "state.db-journal" } };

/* ---- making ---------------------------------------------------------- */

static int
count_steps(void *steps)
{
	return ++*(unsigned *)steps > STEPS_MAX;
}

/* This one file, of this size, soon. */
static void
put_sql(struct view sql)
{
	char *text = strndup(sql.n > 0 ? sql.p : "", sql.n);
	char path[64];
	sqlite3 *db = NULL;
	unsigned steps = 0;

	snprintf(path, sizeof(path), "%s/state.db", folder);
	check(text != NULL && sqlite3_open(path, &db) == SQLITE_OK);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
	sqlite3_progress_handler(db, 1000, count_steps, &steps);
	sqlite3_exec(db, "PRAGMA synchronous=OFF; PRAGMA max_page_count=1000",
		     NULL, NULL, NULL);
	sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_close(db);
	free(text);
}

/* ---- reading --------------------------------------------------------- */

static void
on_alert(void *ctx, struct view json)
{
	++*(uint64_t *)ctx;
	use(json);
}

static void
on_gap(void *ctx, const struct state_gap *g)
{
	++*(uint64_t *)ctx;
	use(g->scope);
	use(g->cause);
}

static void
read_spans(struct state_reader *s, uint64_t after)
{
	struct state_span alerts = { .after_seq = after, .max = 10 };
	struct state_span gaps = { .after_seq = after, .max = 10 };
	uint64_t n = 0;

	state_each_alert(s, &alerts, on_alert, &n);
	check(n <= alerts.max && n <= alerts.n);
	n = 0;
	state_each_gap(s, &gaps, on_gap, &n);
	check(n <= gaps.max && n <= gaps.n);
}

static void
read_only(void)
{
	enum state_found found;
	struct buf why = { 0 };
	struct state_reader *s = state_reader_open(folder, &found, &why);

	check((s != NULL) == (found == STATE_FOUND));
	check((why.n > 0) == (found == STATE_UNREADABLE));
	if (s != NULL) {
		read_spans(s, 0);
		read_spans(s, 1);
	}
	state_reader_close(s);
	buf_free(&why);
}

/* ---- living with it -------------------------------------------------- */

static void
on_term(void *ctx, struct view rule, const uint8_t key[16], uint64_t seen_ns)
{
	(void)ctx, (void)seen_ns;
	use(rule);
	use((struct view){ (const char *)key, 16 });
}

static void
on_output(void *ctx, const struct cursor_state *c)
{
	(void)ctx;
	use(c->name);
	use(c->problem);
}

static bool
is_there(struct view id, struct view json, const struct cursor_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (view_eq(b->v[i].id, id) && view_eq(b->v[i].json, json))
			return true;
	return false;
}

/* What an output is given; `wanted` must be in it, unless there is none. */
static void
deliver(struct view wanted)
{
	struct cursor_batch batch = { 0 };
	struct buf why = { 0 };
	struct cursor *c = cursor_open(folder, VIEW("file:new"), &why);
	bool seen = false;

	check((c == NULL) == (why.n > 0));
	while (c != NULL && cursor_read(c, &batch) == 0 && batch.n > 0) {
		uint64_t seq = cursor_figures(c)->seq;

		for (size_t i = 0; i < batch.n; i++) {
			use(batch.v[i].rule_id);
			use(batch.v[i].json);
			check(batch.v[i].seq > seq);
			seq = batch.v[i].seq;
		}
		seen = seen || is_there(wanted, VIEW(ALERT), &batch);
		cursor_figures(c)->seq = seq;
		if (cursor_save(c, VIEW("why")) != 0)
			break;
	}
	check(seen || wanted.n == 0);
	arena_free(&batch.arena);
	cursor_close(c);
	buf_free(&why);
}

static void
live(bool sound)
{
	struct err err = { 0 };
	struct state *s = state_open(folder, &err);
	struct view id = VIEW("an id that is new");
	check((s == NULL) == (err.n > 0) && (s != NULL || !sound));
	err_free(&err);
	if (s == NULL)
		return;
	state_first_start(s, 5);
	state_each_term(s, on_term, NULL);
	state_each_output(s, on_output, NULL);
	state_add_output(s, VIEW("file:new"));
	state_add_alert(s, id, VIEW("rule"), 7, VIEW(ALERT));
	state_add_term(s, VIEW("rule"), (const uint8_t *)"0123456789abcdef", 3);
	state_commit(s);
	deliver(sound ? id : VIEW_NONE);
	state_close(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view input = { (const char *)data, n };

	if (folder_fd < 0)
		folder_make();
	if (n > 0 && data[0] == 's')
		put_sql(view_sub(input, 1, SIZE_MAX));
	else
		folder_put(files[0].name, input);
	read_only();
	live(n == 0);
	read_only();
	folder_clear(files, ARRAY_LEN(files));
	return 0;
}
