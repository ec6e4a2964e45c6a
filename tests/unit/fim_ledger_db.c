/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger over its database: undone, indexed, damaged, with names and rows
 * of others' making, and with many. */
#include <sqlite3.h>

#include "tests/unit/ledger_help.h"

/* ---- the database ---------------------------------------------------- */

static int64_t
ask(struct fixture *f, const char *text)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(
		sqlite3_prepare_v2(state_db(f->state), text, -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* Directories that come and go leave nothing, without any list. */
static void
test_directories_forgotten(void **state)
{
	struct fixture *f = *state;
	struct event_seen seen = f->seen;
	char dir[32], path[48];

	learn(f);
	for (int i = 0; i < 100; i++) {
		snprintf(dir, sizeof(dir), "/w/%d", i);
		snprintf(path, sizeof(path), "%s/x", dir);
		refresh(f, path, &seen);
		refresh(f, path, NULL);
		refresh(f, dir, NULL);
	}
	assert_int_equal(ask(f, "SELECT count(*) FROM dirs"), 2);
}

/* Numbers of directories are given again after a transaction was undone, as by
 * a full disk; the list in work was undone with it. */
static void
test_undone(void **state)
{
	struct fixture *f = *state;
	struct event_seen seen = f->seen;

	learn(f);
	assert_int_equal(state_commit(f->state), 0);
	begin(f);
	file(f, "/w/a");
	refresh(f, "/w/one/x", &seen);
	assert_int_equal(
		sqlite3_exec(state_db(f->state), "ROLLBACK", NULL, NULL, NULL),
		SQLITE_OK);
	refresh(f, "/w/two/x", &seen);
	refresh(f, "/w/one/x", &seen);
	ledger_settle(f->ledger);
	assert_int_equal(ask(f, "SELECT count(DISTINCT path) FROM files, dirs"
				" WHERE dir = id AND name = 'x'"),
			 2);
	assert_false(ledger_lists(f->ledger));
	assert_false(end(f));
	assert_int_equal(ledger_count(f->ledger).files, 6);
}

/* ---- a full disk ----------------------------------------------------- */

static void
sql(struct fixture *f, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(state_db(f->state), text, NULL, NULL, &why) !=
	    SQLITE_OK)
		fail_msg("%s", why);
}

/* What SQLite says of a disk that has no room for one page more. */
static void
fill_disk(struct fixture *f)
{
	char text[64];

	assert_int_equal(state_commit(f->state), 0);
	snprintf(text, sizeof(text), "PRAGMA max_page_count=%d",
		 (int)ask(f, "SELECT * FROM pragma_page_count"));
	sql(f, text);
}

static void
room_again(struct fixture *f)
{
	sql(f, "PRAGMA max_page_count=1000000");
	ledger_settle(f->ledger);
	state_retry(f->state);
	assert_int_equal(state_commit(f->state), 0);
	assert_int_equal(ledger_count(f->ledger).waiting, 0);
}

#define KEPT 2000

static const char *
kept_name(char *path, size_t size, int i)
{
	snprintf(path, size, "/w/dir%d/%d", i % 7, i);
	return path;
}

static void
refresh_many(struct fixture *f)
{
	char path[64];

	for (int i = 0; i < KEPT; i++) {
		struct event_seen seen =
			of(f, kept_name(path, sizeof(path), i));

		refresh(f, path, &seen);
		if (i % 100 == 0) /* as the loop does */
			state_commit(f->state);
	}
}

/* A list of /w with a, b, /w/sub and what was refreshed above. */
static bool
list_many(struct fixture *f)
{
	char path[64];

	begin(f);
	file(f, "/w/a");
	rest(f);
	for (int i = 0; i < KEPT; i++)
		file(f, kept_name(path, sizeof(path), i));
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "/w/dir%d", i);
		dir_end(f, path, false);
	}
	return end(f);
}

/* What is told while the disk is full is not told again: not by a list that is
 * made meanwhile, nor by the next watcher. */
static void
test_full_disk(void **state)
{
	struct fixture *f = *state;

	learn(f);
	fill_disk(f);
	refresh_many(f);
	state_commit(f->state);
	assert_true(ledger_count(f->ledger).waiting > KEPT / 2);
	assert_true(ledger_count(f->ledger).files < KEPT / 2);
	assert_int_equal(ledger_count(f->ledger).forgotten, 0);
	list_many(f);
	expect(f, "");
	room_again(f);
	assert_int_equal(ledger_count(f->ledger).files, 4 + KEPT);
	close_ledger(f);
	open_ledger(f, 0);
	assert_true(list_many(f));
	expect(f, "");
}

/* In their order, the last of each name: what went, came and went again. */
static void
test_full_disk_in_order(void **state)
{
	struct fixture *f = *state;
	struct event_seen c = of(f, "/w/sub/c"), d = of(f, "/w/sub/d");
	struct event_seen sub = of(f, "/w/sub"), b = of(f, "/w/b");

	learn(f);
	fill_disk(f);
	refresh_many(f);
	refresh(f, "/w/sub/d", &d);
	refresh(f, "/w/sub", NULL); /* with c and d */
	refresh(f, "/w/sub/c", &c);
	refresh(f, "/w/sub", &sub);
	refresh(f, "/w/b", NULL);
	refresh(f, "/w/b", &b);
	refresh(f, "/w/a", NULL);
	for (int i = 0; i < 3; i++) {
		begin(f);
		rest(f);
		for (int j = 0; j < 7; j++) {
			char path[64];

			snprintf(path, sizeof(path), "/w/dir%d", j);
			dir_end(f, path, true);
		}
		end(f);
		expect(f, "");
		if (i == 0)
			room_again(f);
	}
	assert_int_equal(ledger_count(f->ledger).files, 3 + KEPT);
	assert_int_equal(ask(f, "SELECT count(*) FROM files JOIN dirs ON"
				" dir = id WHERE path = '/w/sub'"),
			 1);
}

/* What a list finds to be gone is told once, though no row of it was ever
 * stored, or none can be removed. */
static void
test_full_disk_gone(void **state)
{
	struct fixture *f = *state;
	struct event_seen new = of(f, "/w/new");

	learn(f);
	fill_disk(f);
	refresh_many(f);
	refresh(f, "/w/new", &new);
	for (int i = 0; i < 3; i++) {
		begin(f);
		file(f, "/w/b");
		file(f, "/w/sub");
		dir_end(f, "/w", false);
		file(f, "/w/sub/c");
		for (int j = 0; j < 7; j++) {
			char path[64];

			snprintf(path, sizeof(path), "/w/dir%d", j);
			dir_end(f, path, true);
		}
		end(f);
		expect(f, i == 0 ? "deletion /w/a\ndeletion /w/new\n" : "");
		if (i == 1)
			room_again(f);
	}
	assert_int_equal(ledger_count(f->ledger).files, 3 + KEPT);
}

/* A directory that went, came again and went once more takes with it what came
 * in between, and that is told. */
static void
test_full_disk_gone_again(void **state)
{
	struct fixture *f = *state;
	struct event_seen sub = of(f, "/w/sub"), c = of(f, "/w/sub/c");

	learn(f);
	fill_disk(f);
	refresh_many(f);
	refresh(f, "/w/sub", NULL);
	refresh(f, "/w/sub", &sub);
	refresh(f, "/w/sub/c", &c);
	for (int i = 0; i < 2; i++) {
		begin(f);
		file(f, "/w/a");
		file(f, "/w/b");
		dir_end(f, "/w", false);
		for (int j = 0; j < 7; j++) {
			char path[64];

			snprintf(path, sizeof(path), "/w/dir%d", j);
			dir_end(f, path, true);
		}
		end(f);
		expect(f, i == 0 ? "deletion /w/sub\ndeletion /w/sub/c\n" : "");
	}
	room_again(f);
	assert_int_equal(ledger_count(f->ledger).files, 2 + KEPT);
}

/* More than there is memory for is counted; a name that waits has its last
 * state nevertheless. */
static void
test_full_disk_and_memory(void **state)
{
	struct fixture *f = *state;
	struct event_seen seen;
	struct ledger_counters c;

	close_ledger(f);
	f->max_kept = 100 * 200;
	open_ledger(f, 0);
	learn(f);
	fill_disk(f);
	for (int i = 0; ledger_count(f->ledger).waiting == 0; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/w/first/%d", i);
		seen = of(f, path);
		refresh(f, path, &seen);
		state_commit(f->state);
	}
	refresh(f, "/w/dir0/0", &seen);
	refresh_many(f);
	refresh_many(f);
	c = ledger_count(f->ledger);
	assert_true(c.waiting > 50 && c.waiting < 200);
	assert_in_range(c.forgotten, KEPT, 2 * KEPT);
	f->seen.size = 77;
	seen = of(f, "/w/dir0/0");
	refresh(f, "/w/dir0/0", &seen);
	assert_int_equal(ledger_count(f->ledger).forgotten, c.forgotten);
	assert_int_equal(ledger_count(f->ledger).waiting, c.waiting);
	room_again(f);
	assert_int_equal(ask(f, "SELECT size FROM files JOIN dirs ON dir = id"
				" WHERE path = '/w/dir0' AND name = '0'"),
			 77);
}

/* ---- indexes --------------------------------------------------------- */

/* A rename is found without reading all rows: there may be a million, and as
 * many renames. */
static void
test_objects_indexed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, "SELECT count(*) FROM sqlite_schema WHERE type"
				" = 'index' AND tbl_name = 'files' AND"
				" sql LIKE '%(inode)%'"),
			 1);
}

/* ---- hostile names and rows ------------------------------------------ */

static void
test_hostile_names(void **state)
{
	static const struct view names[] = {
		VIEW("/w/' OR 1=1; --"), VIEW("/w/\377\376\n\t"),
		VIEW("/w/%s%n"),	 VIEW("/w/ "),
		VIEW("/w/x\033[31m"),	 VIEW("/w/\xc3\x28"),
	};
	struct fixture *f = *state;

	learn(f);
	for (int round = 0; round < 2; round++) {
		begin(f);
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			struct event_seen seen = f->seen;

			seen.ino = 1000 + i;
			name(f, names[i], &seen);
		}
		dir_end(f, "/w", true);
		dir_end(f, "/w/sub", true);
		assert_true(end(f));
		if (round == 0)
			assert_int_equal(f->told.n > 0, 1);
		else
			assert_int_equal(f->told.n, 0);
		buf_clear(&f->told);
	}
	assert_int_equal(ledger_count(f->ledger).files, 4 + ARRAY_LEN(names));
}

/* Rows that we did not write: nothing breaks, and what the files are now is
 * remembered in their place. */
static void
test_hostile_rows(void **state)
{
	struct fixture *f = *state;

	learn(f);
	sql(f, "INSERT INTO files VALUES ((SELECT id FROM dirs WHERE path ="
	       " '/w'), x'00ff2f', 'mode', -1, 1e300, 'x', x'', -5, 'a', -1)");
	sql(f, "INSERT INTO files VALUES (-77, '../../etc', 1, 1, 1, 1, 1, 1,"
	       " 1, 1)");
	sql(f, "INSERT INTO dirs (path) VALUES ('/w/' || x'0a')");
	sql(f, "INSERT INTO files SELECT id, '', 1, 1, 1, 1, 1, 1, 1, 1 FROM"
	       " dirs WHERE path LIKE '/w/_'");
	sql(f, "UPDATE files SET size = 'much', changed_ns = -9 WHERE"
	       " name = 'a'");
	sql(f, "INSERT INTO scope VALUES ('', 1), ('relative', 0), ('/', 1),"
	       " ('/w/*/*/*', 'yes')");
	close_ledger(f);
	open_ledger(f, 0);
	for (int round = 0; round < 2; round++) {
		begin(f);
		file(f, "/w/a");
		rest(f);
		assert_true(end(f));
		if (round == 1)
			expect(f, "");
		buf_clear(&f->told);
	}
}

/* A table that is no table any more: said, counted, nothing told. */
static void
test_broken_database(void **state)
{
	struct fixture *f = *state;

	learn(f);
	sql(f, "DROP TABLE files");
	begin(f);
	file(f, "/w/a");
	dir_end(f, "/w", false);
	assert_false(end(f));
	expect(f, "");
	assert_true(ledger_count(f->ledger).failed > 0);
}

static void
test_many(void **state)
{
	struct fixture *f = *state;
	char path[64];

	for (int round = 0; round < 2; round++) {
		begin(f);
		for (int d = 0; d < 50; d++) {
			char dir[32];

			snprintf(dir, sizeof(dir), "/w/%d", d);
			for (int i = 0; i < 400; i++) {
				snprintf(path, sizeof(path), "%s/%d", dir,
					 round == 0 || d != 7 ? i : i + 400);
				file(f, path);
			}
			dir_end(f, dir, false);
		}
		assert_true(end(f));
		assert_int_equal(ledger_count(f->ledger).files, 20000);
	}
	/* Not in one go: others have to be served, too. */
	assert_true(f->worked > 5);
	assert_true(view_search(buf_view(&f->told), VIEW("creation /w/7/799"),
				0) >= 0);
	assert_true(view_search(buf_view(&f->told), VIEW("deletion /w/7/0\n"),
				0) >= 0);
}
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_directories_forgotten),
		TEST(test_undone),
		TEST(test_full_disk),
		TEST(test_full_disk_in_order),
		TEST(test_full_disk_gone),
		TEST(test_full_disk_gone_again),
		TEST(test_full_disk_and_memory),
		TEST(test_objects_indexed),
		TEST(test_hostile_names),
		TEST(test_hostile_rows),
		TEST(test_broken_database),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
