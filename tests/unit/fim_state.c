/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state database: what is written survives, what is wrong is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/state_db.h"

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
	int fd = state_lock(f->folder, (uint32_t)getpid(), &f->err), second;
	char want[32];

	assert_true(fd >= 0);
	assert_int_equal(state_lock(f->folder, (uint32_t)getpid(), &f->err),
			 -1);
	assert_int_equal(f->err.n, 1);
	snprintf(want, sizeof(want), "(pid %d)", (int)getpid());
	assert_true(view_search(f->err.v[0].message, view_of(want), 0) > 0);
	close(fd);
	second = state_lock(f->folder, (uint32_t)getpid(), &f->err);
	assert_true(second >= 0);
	close(second);
}

/* The number of a process that has ended. */
static pid_t
dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

/* Longer than a keeper that lives is waited for. */
static void *
unlock_late(void *fd)
{
	sleep(2);
	close(*(int *)fd);
	return NULL;
}

static void
test_an_engine_without_a_keeper_is_waited_for(void **state)
{
	struct fixture *f = *state;
	int fd = state_lock(f->folder, (uint32_t)dead_pid(), &f->err), second;
	pthread_t thread;

	assert_true(fd >= 0);
	assert_int_equal(pthread_create(&thread, NULL, unlock_late, &fd), 0);
	second = state_lock(f->folder, (uint32_t)getpid(), &f->err);
	assert_int_equal(pthread_join(thread, NULL), 0);
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
sql(struct state *s, const char *text)
{
	assert_int_equal(sqlite3_exec(s->db, text, NULL, NULL, NULL),
			 SQLITE_OK);
}

static int
add_numbered(struct state *s, int i, struct view json)
{
	char id[16];

	snprintf(id, sizeof(id), "%05d", i);
	return state_add_alert(s, view_of(id), VIEW("rule"), 1, json);
}

/* No room in the file: all is kept in memory, in order, and comes out when
 * there is room; what memory could not hold is a gap with its count. */
static void
test_full_disk(void **state)
{
	static char json[1 << 16];
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);
	const uint8_t key[16] = { 1 };
	int i = 0, kept;

	memset(json, 'x', sizeof(json));
	sql(s, "PRAGMA max_page_count=40");
	while (add_numbered(s, i, (struct view){ json, sizeof(json) }) == 0)
		i++;
	kept = i;
	assert_true(state_held(s).bytes <= STATE_HELD_MAX);
	assert_true(state_held(s).bytes > STATE_HELD_MAX - 2 * sizeof(json));
	assert_int_equal(state_held(s).alerts, kept);
	assert_int_equal(state_held(s).lost, 1);
	assert_int_not_equal(state_add_term(s, VIEW("rule"), key, 1), 0);
	assert_int_equal(state_commit(s), -1);
	assert_string_equal(state_problem(s), "database or disk is full");
	assert_int_equal(state_commit(s), -1); /* not tried: too early */
	assert_int_equal(state_held(s).alerts, kept);
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"), 0);
	sql(s, "PRAGMA max_page_count=1000000");
	s->again_ns = 0;
	assert_int_equal(state_commit(s), 0);
	assert_int_equal(state_held(s).bytes + state_held(s).lost, 0);
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"), kept);
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"
				       " WHERE CAST(id AS INTEGER) + 1 = seq"),
			 kept);
	assert_int_equal(count_rows(f, "SELECT lost FROM gaps"
				       " WHERE scope = 'alerts'"),
			 1);
	state_close(s);
}

/* Somebody else writes: nothing is lost by that either. */
static void
test_busy(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);
	struct state *other = state_open(f->folder, &f->err);

	sqlite3_busy_timeout(s->db, 1);
	sql(other, "BEGIN IMMEDIATE");
	assert_int_equal(add_numbered(s, 0, VIEW("{}")), 0);
	assert_int_equal(state_commit(s), -1);
	assert_int_equal(add_numbered(s, 1, VIEW("{}")), 0);
	sql(other, "ROLLBACK");
	s->again_ns = 0;
	assert_int_equal(state_commit(s), 0);
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"), 2);
	state_close(other);
	state_close(s);
}

static void
test_old_alerts_go(void **state)
{
	struct fixture *f = *state;
	struct state *s = state_open(f->folder, &f->err);

	assert_int_equal(add_numbered(s, 1, VIEW("{}")), 0);
	assert_int_equal(state_commit(s), 0);
	sql(s, "UPDATE sqlite_sequence SET seq = 200000");
	for (int i = 2; i < 1002; i++)
		assert_int_equal(add_numbered(s, i, VIEW("{}")), 0);
	assert_int_equal(state_commit(s), 0);
	assert_int_equal(count_rows(f, "SELECT min(seq) FROM alerts"), 200001);
	assert_int_equal(count_rows(f, "SELECT count(*) FROM alerts"), 1000);
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
		case_of(test_an_engine_without_a_keeper_is_waited_for),
		case_of(test_an_alert_is_stored_once),
		case_of(test_full_disk),
		case_of(test_busy),
		case_of(test_old_alerts_go),
		case_of(test_first_start_stays),
		case_of(test_killed_in_a_transaction),
		case_of(test_a_folder_others_can_write_is_refused),
		case_of(test_junk_is_not_overwritten),
		case_of(test_a_newer_version_is_not_touched),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
