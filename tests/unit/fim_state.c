/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state database: what is written survives, what is wrong is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/state.h"

struct fixture {
	char folder[64];
	struct err err;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-state-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "state.db", "state.db-wal",
					     "state.db-shm", "watch.lock" };
	struct fixture *f = *state;
	int dir = open(f->folder, O_PATH | O_DIRECTORY);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir, names[i], 0);
	close(dir);
	rmdir(f->folder);
	err_free(&f->err);
	free(f);
	return 0;
}

struct seen {
	size_t n;
	uint64_t last_seen_ns;
};

static void
count_term(void *ctx, struct view rule, const uint8_t key[16], uint64_t last_ns)
{
	struct seen *s = ctx;

	assert_true(view_eq(rule, VIEW("rule")));
	assert_int_equal(key[15], 9);
	s->n++;
	s->last_seen_ns = last_ns;
}

static int64_t
count_rows(const struct fixture *f, const char *sql)
{
	char file[96];
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t n;

	snprintf(file, sizeof(file), "%s/state.db", f->folder);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void
test_terms_survive(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);
	const uint8_t key[16] = { [15] = 9 };
	struct seen seen = { 0 };

	assert_non_null(s);
	assert_int_equal(state_add_term(s, VIEW("rule"), key, 500), 0);
	assert_int_equal(state_add_term(s, VIEW("rule"), key, 400), 0);
	state_close(s);
	s = state_open(f->folder, &f->err);
	assert_int_equal(state_each_term(s, count_term, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.last_seen_ns, 500);
	state_close(s);
}

static void
test_one_watcher_a_folder(void **state)
{
	struct fixture *f = *state;
	int fd = state_lock(f->folder, &f->err), second;
	char want[32];

	assert_true(fd >= 0);
	assert_int_equal(state_lock(f->folder, &f->err), -1);
	assert_int_equal(f->err.n, 1);
	snprintf(want, sizeof(want), "(pid %d)", (int)getpid());
	assert_true(view_search(f->err.v[0].message, view_of(want), 0) > 0);
	close(fd);
	second = state_lock(f->folder, &f->err);
	assert_true(second >= 0);
	close(second);
}

static void
test_an_alert_is_stored_once(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);

	for (int i = 0; i < 2; i++)
		assert_int_equal(state_add_alert(s, VIEW("id"), VIEW("rule"), 1,
						 VIEW("{}")),
				 0);
	assert_int_equal(state_commit(s), 0);
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"), 1);
	state_close(s);
}

static void
test_first_start_stays(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);

	assert_int_equal(state_first_start(s, 1000), 1000);
	state_close(s);
	s = state_open(f->folder, &f->err);
	assert_int_equal(state_first_start(s, 2000), 1000);
	state_close(s);
}

/* What was committed is there after SIGKILL, the rest is not, and the file is
 * whole. */
static void
test_killed_in_a_transaction(void **state)
{
	struct fixture *f = *state;
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct state *s = state_open(f->folder, &f->err);

		state_add_alert(s, VIEW("a"), VIEW("rule"), 1, VIEW("{}"));
		state_commit(s);
		state_add_alert(s, VIEW("b"), VIEW("rule"), 2, VIEW("{}"));
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"), 1);
	assert_int_equal(
		count_rows(f, "SELECT count(*) FROM pragma_integrity_check"
			      " WHERE integrity_check = 'ok'"),
		1);
}

static void
test_a_folder_others_can_write_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->folder, 0777), 0);
	assert_null(state_open(f->folder, &f->err));
	assert_int_equal(f->err.n, 1);
	assert_int_equal(chmod(f->folder, 0700), 0);
}

static void
test_junk_is_not_overwritten(void **state)
{
	struct fixture *f = *state;
	char file[96], back[4];
	int fd;

	snprintf(file, sizeof(file), "%s/state.db", f->folder);
	fd = open(file, O_CREAT | O_RDWR, 0600);
	for (int i = 0; i < 2048; i++)
		assert_int_equal(write(fd, "junk", 4), 4);
	assert_null(state_open(f->folder, &f->err));
	assert_int_equal(f->err.n, 1);
	assert_int_equal(pread(fd, back, 4, 0), 4);
	assert_memory_equal(back, "junk", 4);
	close(fd);
}

static void
test_a_newer_version_is_not_touched(void **state)
{
	struct fixture *f = *state;
	char file[96];
	sqlite3 *db;

	state_close(state_open(f->folder, &f->err));
	snprintf(file, sizeof(file), "%s/state.db", f->folder);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_null(state_open(f->folder, &f->err));
	assert_int_equal(f->err.n, 1);
	assert_int_equal(count_rows(f, "PRAGMA user_version"), 99);
}

#define case_of(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(test_terms_survive),
		case_of(test_one_watcher_a_folder),
		case_of(test_an_alert_is_stored_once),
		case_of(test_first_start_stays),
		case_of(test_killed_in_a_transaction),
		case_of(test_a_folder_others_can_write_is_refused),
		case_of(test_junk_is_not_overwritten),
		case_of(test_a_newer_version_is_not_touched),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
