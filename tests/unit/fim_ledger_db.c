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
	assert_int_equal(ask(f, "SELECT count(DISTINCT path) FROM files, dirs"
				" WHERE dir = id AND name = 'x'"),
			 2);
	assert_false(ledger_lists(f->ledger));
	assert_false(end(f));
	assert_int_equal(ledger_count(f->ledger).files, 6);
}

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

static void
sql(struct fixture *f, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(state_db(f->state), text, NULL, NULL, &why) !=
	    SQLITE_OK)
		fail_msg("%s", why);
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
		TEST(test_objects_indexed),
		TEST(test_hostile_names),
		TEST(test_hostile_rows),
		TEST(test_broken_database),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
