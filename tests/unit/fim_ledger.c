/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger: lists by hand against what is remembered, and what they tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/ledger.h"

struct fixture {
	char folder[64];
	struct err err;
	struct state *state;
	struct watchset watchset;
	struct ledger *ledger;
	struct buf told; /* "action path [old path]\n" */
	enum attribution how;
	struct event_seen seen; /* of the names listed next */
	uint32_t acts;		/* told of these */
	uint64_t since_ns;
	unsigned worked; /* goes after the last list */
};

static void
take(void *ctx, const struct event *e)
{
	struct fixture *f = ctx;

	assert_int_equal(e->attribution, f->how);
	assert_int_equal(e->key.pid, 0);
	assert_int_equal(e->pidfd, -1);
	assert_null(e->seen);
	buf_printf(&f->told, "%s ", event_action(e->kind));
	buf_put(&f->told, e->file.path);
	if (e->file.old_path.n > 0) {
		buf_putc(&f->told, ' ');
		buf_put(&f->told, e->file.old_path);
	}
	buf_putc(&f->told, '\n');
}

static void
open_ledger(struct fixture *f, uint64_t max_files)
{
	struct ledger_config config = {
		.watchset = &f->watchset,
		.sink = { take, f },
		.max_files = max_files,
	};

	f->state = state_open(f->folder, &f->err);
	assert_non_null(f->state);
	config.state = f->state;
	f->ledger = ledger_open(&config);
	assert_non_null(f->ledger);
}

static void
close_ledger(struct fixture *f)
{
	ledger_close(f->ledger);
	state_close(f->state);
	f->ledger = NULL;
	f->state = NULL;
}

static void
watch(struct fixture *f, const char *path)
{
	assert_int_equal(watchset_add_path(&f->watchset, view_of(path)), 0);
	watchset_seal(&f->watchset);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-ledger-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	watch(f, "/w");
	f->how = ATTRIBUTION_OFFLINE;
	f->seen = (struct event_seen){ .ino = 7,
				       .size = 3,
				       .born_ns = 70,
				       .written_ns = 71,
				       .changed_ns = 72,
				       .mode = S_IFREG | 0644,
				       .nlink = 1 };
	open_ledger(f, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "state.db", "state.db-wal",
					     "state.db-shm" };
	struct fixture *f = *state;
	int dir = open(f->folder, O_PATH | O_DIRECTORY);

	close_ledger(f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	rmdir(f->folder);
	watchset_free(&f->watchset);
	buf_free(&f->told);
	err_free(&f->err);
	free(f);
	return 0;
}

/* ---- a list ---------------------------------------------------------- */

static void
begin(struct fixture *f)
{
	struct event e = { .kind = EVENT_LIST_BEGIN,
			   .role = ROLE_FILES,
			   .watchset = watchset_hash(&f->watchset) };

	ledger_mark(f->ledger, f->how, f->since_ns);
	ledger_take(f->ledger, &e);
}

static void
name(struct fixture *f, struct view path, const struct event_seen *seen)
{
	struct event e = { .kind = EVENT_LISTED,
			   .role = ROLE_FILES,
			   .pidfd = -1,
			   .file.path = path,
			   .seen = seen,
			   .acts = f->acts };

	ledger_take(f->ledger, &e);
}

/* One with the facts in work; its object is its own unless said otherwise. */
static void
file(struct fixture *f, const char *path)
{
	struct event_seen seen = f->seen;

	seen.ino += view_hash(view_of(path)) >> 8;
	name(f, view_of(path), &seen);
}

static void
dir_end(struct fixture *f, const char *path, bool incomplete)
{
	struct event e = { .kind = EVENT_LIST_DIR,
			   .role = ROLE_FILES,
			   .file.path = view_of(path),
			   .incomplete = incomplete };

	ledger_take(f->ledger, &e);
}

static bool
end(struct fixture *f)
{
	struct event e = { .kind = EVENT_LIST_END, .role = ROLE_FILES };
	enum ledger_work left;

	ledger_take(f->ledger, &e);
	f->worked = 0;
	do {
		left = ledger_work(f->ledger);
		f->worked++;
	} while (left == LEDGER_MORE);
	return left == LEDGER_WHOLE;
}

static void
refresh(struct fixture *f, const char *path, const struct event_seen *seen)
{
	struct event e = { .kind = EVENT_REFRESHED,
			   .role = ROLE_FILES,
			   .file.path = view_of(path),
			   .seen = seen,
			   .acts = ACT_ALL };

	ledger_take(f->ledger, &e);
}

static void
expect(struct fixture *f, const char *wanted)
{
	buf_putc(&f->told, '\0');
	assert_string_equal(f->told.p, wanted);
	buf_clear(&f->told);
}

/* The first list: /w with a and b, /w/sub with c. */
static void
learn(struct fixture *f)
{
	assert_false(ledger_knows(f->ledger));
	begin(f);
	file(f, "/w/a");
	file(f, "/w/b");
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	file(f, "/w/sub/c");
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	assert_true(ledger_knows(f->ledger));
	expect(f, "");
	assert_int_equal(ledger_count(f->ledger).files, 4);
	assert_int_equal(ledger_count(f->ledger).learned, 4);
}

/* ---- what is told ---------------------------------------------------- */

static void
test_learned_then_the_same(void **state)
{
	struct fixture *f = *state;

	learn(f);
	for (int i = 0; i < 2; i++) {
		begin(f);
		file(f, "/w/b");
		file(f, "/w/a");
		file(f, "/w/sub");
		dir_end(f, "/w", false);
		file(f, "/w/sub/c");
		dir_end(f, "/w/sub", false);
		assert_true(end(f));
		expect(f, "");
		close_ledger(f);
		open_ledger(f, 0);
	}
	assert_int_equal(ledger_count(f->ledger).files, 4);
}

static void
test_differences(void **state)
{
	struct fixture *f = *state;

	learn(f);
	begin(f);
	f->seen.size = 4;
	f->seen.written_ns = f->seen.changed_ns = 100;
	file(f, "/w/a");
	f->seen.size = 3;
	f->seen.written_ns = 71;
	f->seen.mode |= 0111;
	file(f, "/w/b");
	f->seen.born_ns = 99;
	file(f, "/w/new");
	dir_end(f, "/w", false);
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "modification /w/a\n"
		  "attributes_modified /w/b\n"
		  "creation /w/new\n"
		  "deletion /w/sub\n"
		  "deletion /w/sub/c\n");
	assert_int_equal(ledger_count(f->ledger).files, 3);
}

/* Both what was written and who owns it. */
static void
test_two_changes(void **state)
{
	struct fixture *f = *state;

	learn(f);
	begin(f);
	f->seen.size = 9;
	f->seen.uid = 1000;
	f->seen.written_ns = f->seen.changed_ns = 100;
	file(f, "/w/a");
	dir_end(f, "/w/sub", true);
	dir_end(f, "/w", true);
	assert_true(end(f));
	expect(f, "modification /w/a\nattributes_modified /w/a\n");
}

static void
test_replaced(void **state)
{
	struct fixture *f = *state;
	struct event_seen other = f->seen;

	learn(f);
	begin(f);
	other.ino = 99;
	other.changed_ns = 200;
	name(f, VIEW("/w/a"), &other);
	dir_end(f, "/w", true);
	dir_end(f, "/w/sub", true);
	assert_true(end(f));
	expect(f, "deletion /w/a\ncreation /w/a\n");
}

/* Numbers of inodes may change with a mount; nothing else has. */
static void
test_other_inode(void **state)
{
	struct fixture *f = *state;
	struct event_seen other = f->seen;

	learn(f);
	begin(f);
	other.ino = 99;
	name(f, VIEW("/w/a"), &other);
	dir_end(f, "/w", true);
	dir_end(f, "/w/sub", true);
	assert_true(end(f));
	expect(f, "");
}

static struct event_seen
of(struct fixture *f, const char *path)
{
	struct event_seen seen = f->seen;

	seen.ino += view_hash(view_of(path)) >> 8;
	return seen;
}

static void
test_renamed(void **state)
{
	struct fixture *f = *state;
	struct event_seen a = of(f, "/w/a"), c = of(f, "/w/sub/c");

	learn(f);
	begin(f);
	/* Into a directory listed later, and out of one; over another file. */
	c.changed_ns = a.changed_ns = 300;
	name(f, VIEW("/w/b"), &c);
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	name(f, VIEW("/w/sub/a"), &a);
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "deletion /w/b\n"
		  "rename /w/b /w/sub/c\n"
		  "rename /w/sub/a /w/a\n");
}

/* A second name of the same object is a new file; so is an object that got
 * the number of one that is gone. */
static void
test_not_renamed(void **state)
{
	struct fixture *f = *state;
	struct event_seen linked = of(f, "/w/a"), again = of(f, "/w/b");

	learn(f);
	begin(f);
	linked.nlink = 2;
	name(f, VIEW("/w/a"), &linked);
	name(f, VIEW("/w/link"), &linked);
	again.size = 1000;
	name(f, VIEW("/w/again"), &again);
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	file(f, "/w/sub/c");
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "creation /w/link\ncreation /w/again\ndeletion /w/b\n");
}

/* ---- what was told already ------------------------------------------- */

static void
test_refreshed(void **state)
{
	struct fixture *f = *state;
	struct event_seen d = of(f, "/w/d");

	learn(f);
	refresh(f, "/w/d", &d);
	refresh(f, "/w/a", NULL);
	refresh(f, "/w/never", NULL);
	begin(f);
	file(f, "/w/b");
	file(f, "/w/d");
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	file(f, "/w/sub/c");
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "");
	/* A directory that went took all along, and nothing beside it. */
	refresh(f, "/w/sub.d/x", &d);
	refresh(f, "/w/sub0", &d);
	refresh(f, "/w/sub/deep/e", &d);
	refresh(f, "/w/sub", NULL);
	assert_int_equal(ledger_count(f->ledger).files, 4);
}

/* Its last event is on its way, or was told a moment ago. */
static void
test_met(void **state)
{
	struct fixture *f = *state;

	learn(f);
	begin(f);
	name(f, VIEW("/w/a"), NULL);
	name(f, VIEW("/w/b"), NULL);
	name(f, VIEW("/w/just-made"), NULL);
	name(f, VIEW("/w/sub"), NULL);
	dir_end(f, "/w", false);
	name(f, VIEW("/w/sub/c"), NULL);
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "");
	assert_int_equal(ledger_count(f->ledger).files, 4);
}

/* Told again between the end of its directory and that of the list. */
static void
test_came_back(void **state)
{
	struct fixture *f = *state;
	struct event_seen a = of(f, "/w/a");

	learn(f);
	begin(f);
	file(f, "/w/b");
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	a.changed_ns = 500;
	refresh(f, "/w/a", &a);
	file(f, "/w/sub/c");
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "");
	assert_int_equal(ledger_count(f->ledger).files, 4);
}

/* ---- lists that are not whole ---------------------------------------- */

static void
test_incomplete(void **state)
{
	struct fixture *f = *state;

	learn(f);
	begin(f);
	dir_end(f, "/w", true);
	dir_end(f, "/w/sub", true);
	assert_true(end(f));
	expect(f, "");
	/* Broken off, and begun anew. */
	begin(f);
	file(f, "/w/a");
	begin(f);
	file(f, "/w/a");
	file(f, "/w/b");
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	file(f, "/w/sub/c");
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "");
	/* Nothing of it without a beginning. */
	file(f, "/w/x");
	dir_end(f, "/w", false);
	assert_false(end(f));
	expect(f, "");
}

static void
test_other_places(void **state)
{
	struct fixture *f = *state;
	struct event stale = { .kind = EVENT_LIST_BEGIN, .role = ROLE_FILES };

	learn(f);
	stale.watchset = watchset_hash(&f->watchset);
	watchset_free(&f->watchset);
	watch(f, "/w/sub");
	watch(f, "/v");
	/* Made for the rules before. */
	ledger_take(f->ledger, &stale);
	file(f, "/v/new");
	dir_end(f, "/v", false);
	assert_false(end(f));
	expect(f, "");
	/* /v is new; of /w only a part is still watched. */
	begin(f);
	file(f, "/v/new");
	dir_end(f, "/v", false);
	file(f, "/w/sub");
	dir_end(f, "/w/sub", false);
	assert_true(end(f));
	expect(f, "deletion /w/sub/c\n");
	assert_int_equal(ledger_count(f->ledger).learned, 1);
	begin(f);
	file(f, "/v/newer");
	dir_end(f, "/v", false);
	assert_true(end(f));
	expect(f, "creation /v/newer\ndeletion /w/sub\ndeletion /v/new\n");
}

/* What cannot be remembered is told when it is new: nobody hides a file behind
 * many. */
static void
test_full(void **state)
{
	struct fixture *f = *state;

	close_ledger(f);
	open_ledger(f, 4);
	learn(f);
	f->since_ns = 5 * NS_PER_SEC;
	for (int round = 0; round < 2; round++) {
		begin(f);
		f->seen.changed_ns = 72;
		file(f, "/w/a");
		name(f, VIEW("/w/b"), NULL);
		file(f, "/w/older");
		f->seen.changed_ns = 6 * NS_PER_SEC;
		file(f, "/w/newer");
		name(f, VIEW("/w/sub"), NULL);
		name(f, VIEW("/w/sub/c"), NULL);
		assert_true(end(f));
		expect(f, "creation /w/newer\n");
		assert_int_equal(ledger_count(f->ledger).files, 4);
		assert_int_equal(ledger_count(f->ledger).left_out, 2);
		assert_int_equal(ledger_count(f->ledger).learned, 0);
	}
}

/* What was told of a name is not told again, and nothing else hides. */
static void
told(struct fixture *f, uint32_t acts, const char *wanted)
{
	struct event_seen other = of(f, "/w/new");

	begin(f);
	f->acts = acts;
	name(f, VIEW("/w/new"), &other);
	other = of(f, "/w/a");
	other.size++;
	other.changed_ns++;
	name(f, VIEW("/w/a"), &other);
	other = of(f, "/w/b");
	other.mode ^= 0111;
	other.changed_ns++;
	name(f, VIEW("/w/b"), &other);
	other.ino = 12345;
	name(f, VIEW("/w/sub"), &other);
	f->acts = 0;
	file(f, "/w/sub/c");
	assert_true(end(f));
	expect(f, wanted);
}

static void
test_told_created(void **state)
{
	learn(*state);
	told(*state, ACT_CREATE, "");
}

static void
test_told_renamed(void **state)
{
	learn(*state);
	told(*state, ACT_RENAME,
	     "modification /w/a\nattributes_modified /w/b\n");
}

static void
test_told_deleted(void **state)
{
	learn(*state);
	told(*state, ACT_DELETE,
	     "creation /w/new\nmodification /w/a\n"
	     "attributes_modified /w/b\ncreation /w/sub\n");
}

static void
test_told_modified(void **state)
{
	learn(*state);
	told(*state, ACT_MODIFY,
	     "creation /w/new\nattributes_modified /w/b\n"
	     "deletion /w/sub\ncreation /w/sub\n");
}

static void
test_told_attributes(void **state)
{
	learn(*state);
	told(*state, ACT_ATTRIBUTES,
	     "creation /w/new\nmodification /w/a\n"
	     "deletion /w/sub\ncreation /w/sub\n");
}

/* The same of one that is refreshed while a list is made; without a list all
 * has been told. */
static void
test_refreshed_in_list(void **state)
{
	struct fixture *f = *state;
	struct event_seen seen = of(f, "/w/new");
	struct event e = { .kind = EVENT_REFRESHED,
			   .role = ROLE_FILES,
			   .file.path = VIEW("/w/new"),
			   .seen = &seen,
			   .acts = ACT_ATTRIBUTES };

	learn(f);
	begin(f);
	ledger_take(f->ledger, &e);
	expect(f, "creation /w/new\n");
	e.file.path = VIEW("/w/told");
	e.acts = ACT_CREATE;
	ledger_take(f->ledger, &e);
	expect(f, "");
	assert_true(end(f));
	buf_clear(&f->told);
	e.file.path = VIEW("/w/later");
	e.acts = 0;
	ledger_take(f->ledger, &e);
	assert_int_equal(f->told.n, 0);
}

/* Made while the list was, in a directory that it does not have. */
static void
test_new_directory(void **state)
{
	struct fixture *f = *state;
	struct event_seen seen = of(f, "/w/made/x");

	learn(f);
	begin(f);
	file(f, "/w/a");
	file(f, "/w/b");
	file(f, "/w/sub");
	file(f, "/w/sub/c");
	refresh(f, "/w/made/x", &seen);
	assert_true(end(f));
	expect(f, "");
	assert_int_equal(ledger_count(f->ledger).files, 5);
}

/* One directory may have as many names as users make links to it. */
static void
test_many_names(void **state)
{
	struct fixture *f = *state;
	char path[32];

	learn(f);
	begin(f);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/w/%d/link", i);
		file(f, path);
	}
	file(f, "/w/a");
	assert_true(end(f));
	buf_clear(&f->told);
	assert_int_equal(ledger_count(f->ledger).files, 101);
}

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
		file(f, "/w/b");
		file(f, "/w/sub");
		dir_end(f, "/w", false);
		file(f, "/w/sub/c");
		dir_end(f, "/w/sub", false);
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
#define case_of(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		case_of(test_learned_then_the_same),
		case_of(test_differences),
		case_of(test_two_changes),
		case_of(test_replaced),
		case_of(test_other_inode),
		case_of(test_renamed),
		case_of(test_not_renamed),
		case_of(test_refreshed),
		case_of(test_met),
		case_of(test_came_back),
		case_of(test_incomplete),
		case_of(test_other_places),
		case_of(test_full),
		case_of(test_told_created),
		case_of(test_told_renamed),
		case_of(test_told_deleted),
		case_of(test_told_modified),
		case_of(test_told_attributes),
		case_of(test_refreshed_in_list),
		case_of(test_new_directory),
		case_of(test_many_names),
		case_of(test_directories_forgotten),
		case_of(test_undone),
		case_of(test_objects_indexed),
		case_of(test_hostile_names),
		case_of(test_hostile_rows),
		case_of(test_broken_database),
		case_of(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
