/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger: lists by hand against what is remembered, and what they tell. */
#include "tests/unit/ledger_help.h"

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
	rest(f);
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
int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_learned_then_the_same),
		TEST(test_differences),
		TEST(test_two_changes),
		TEST(test_replaced),
		TEST(test_other_inode),
		TEST(test_renamed),
		TEST(test_not_renamed),
		TEST(test_refreshed),
		TEST(test_met),
		TEST(test_came_back),
		TEST(test_incomplete),
		TEST(test_other_places),
		TEST(test_full),
		TEST(test_told_created),
		TEST(test_told_renamed),
		TEST(test_told_deleted),
		TEST(test_told_modified),
		TEST(test_told_attributes),
		TEST(test_refreshed_in_list),
		TEST(test_new_directory),
		TEST(test_many_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
