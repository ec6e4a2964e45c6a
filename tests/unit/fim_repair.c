/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks compared, and what becomes of losses: gaps opened, lists, gaps closed,
 * on a disk that may be full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "fim/fields.h"
#include "fim/repair.h"

struct fixture {
	char folder[64];
	struct err err;
	FILE *notes;
	struct state *state;
	struct host host;
	struct watchset watchset;
	struct rules *rules;
	struct pipeline *pipeline;
	struct repair *repair;
	unsigned relists;
};

/* What the host's clocks show: nobody sets those for a test. */
static struct clocks clocks;

static void
read_clocks(struct clocks *c)
{
	*c = clocks;
}

static void
relist(void *ctx)
{
	((struct fixture *)ctx)->relists++;
}

static void
take_alert(void *ctx, const struct alert *a)
{
	(void)ctx;
	(void)a;
}

static void
open_all(struct fixture *f)
{
	struct pipeline_config pipeline = { .host = &f->host,
					    .alerts = { take_alert, f } };
	struct repair_config config = { .folder = f->folder,
					.host = &f->host,
					.watchset = &f->watchset,
					.notes = f->notes,
					.read_clocks = read_clocks,
					.relist = relist,
					.ctx = f };

	f->state = state_open(f->folder, &f->err);
	assert_non_null(f->state);
	f->pipeline = pipeline_new(&pipeline);
	assert_non_null(f->pipeline);
	assert_int_equal(pipeline_use_rules(f->pipeline, f->rules), 0);
	config.state = f->state;
	config.pipeline = f->pipeline;
	f->repair = repair_open(&config);
	assert_non_null(f->repair);
}

static void
close_all(struct fixture *f)
{
	repair_close(f->repair);
	pipeline_free(f->pipeline);
	state_close(f->state);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-repair-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->notes = fopen("/dev/null", "w");
	f->host = (struct host){ .id = VIEW("host"), .boot = VIEW("b00t") };
	assert_int_equal(watchset_add_path(&f->watchset, VIEW("/w")), 0);
	watchset_seal(&f->watchset);
	f->rules = rules_new(fields_schema());
	assert_int_equal(rules_seal(f->rules, &f->err), 0);
	clocks = (struct clocks){ .boot_ns = 100 * NS_PER_SEC,
				  .monotonic_ns = 90 * NS_PER_SEC,
				  .wall_ns = 5000 * NS_PER_SEC };
	open_all(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "state.db", "state.db-wal",
					     "state.db-shm",
					     "log/journal.ndjson" };
	struct fixture *f = *state;
	int dir = open(f->folder, O_PATH | O_DIRECTORY);

	close_all(f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(dir, names[i], 0);
	unlinkat(dir, "log", AT_REMOVEDIR);
	close(dir);
	rmdir(f->folder);
	fclose(f->notes);
	rules_free(f->rules);
	watchset_free(&f->watchset);
	err_free(&f->err);
	free(f);
	return 0;
}

/* ---- clocks ---------------------------------------------------------- */

struct passed {
	int64_t boot_ms, monotonic_ms, wall_ms;
	int64_t asleep_ms, set_ms;
};

static void
test_clocks(void **state)
{
	static const struct passed all[] = {
		{ 1000, 1000, 1000, 0, 0 },
		/* Stopped between two of them; made faster by NTP. */
		{ 1000, 1400, 600, 0, 0 },
		{ 100000, 100000, 100050, 0, 0 },
		/* Suspended: all but one run on. */
		{ 9000, 1000, 9000, 8000, 0 },
		/* Set forward, back, and before 1970. */
		{ 1000, 1000, 3601000, 0, 3600000 },
		{ 1000, 1000, -3599000, 0, -3600000 },
		{ 1000, 1000, -6000000, 0, -6001000 },
		/* Both: what wakes a host sets its clock. */
		{ 9000, 1000, 10000, 8000, 1000 },
	};
	struct clocks before = clocks;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct passed *p = &all[i];
		struct clocks now = before;
		struct clocks_change c;

		now.boot_ns += (uint64_t)p->boot_ms * NS_PER_MS;
		now.monotonic_ns += (uint64_t)p->monotonic_ms * NS_PER_MS;
		now.wall_ns += (uint64_t)p->wall_ms * NS_PER_MS;
		c = clocks_compare(&before, &now);
		assert_int_equal(c.asleep_ns,
				 (uint64_t)p->asleep_ms * NS_PER_MS);
		assert_int_equal(c.set_ns, p->set_ms * (int64_t)NS_PER_MS);
		assert_int_equal(c.before_ns, before.wall_ns);
		assert_int_equal(c.now_ns, now.wall_ns);
	}
}

static void
test_clocks_of_this_host(void **state)
{
	struct clocks a, b;
	struct clocks_change c;

	(void)state;
	clocks_read(&a);
	clocks_read(&b);
	c = clocks_compare(&a, &b);
	assert_true(b.boot_ns >= a.boot_ns && b.monotonic_ns >= a.monotonic_ns);
	assert_true(a.boot_ns + NS_PER_SEC > a.monotonic_ns);
	assert_int_equal(c.asleep_ns, 0);
}

/* ---- gaps ------------------------------------------------------------ */

static void
expect_gaps(struct fixture *f, const char *wanted)
{
	static const char sql[] =
		"SELECT coalesce(group_concat(printf('%s|%s|%s|%d|%d|%d|%d',"
		" scope, cause, role, from_ns / 1000000000,"
		" to_ns / 1000000000, lost, closed_ns > 0), ';'), '')"
		" FROM gaps";
	sqlite3_stmt *st = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(state_db(f->state), sql, -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal(sqlite3_column_text(st, 0), wanted);
	sqlite3_finalize(st);
}

static void
pass(uint64_t boot_s, uint64_t monotonic_s, int64_t wall_s)
{
	clocks.boot_ns += boot_s * NS_PER_SEC;
	clocks.monotonic_ns += monotonic_s * NS_PER_SEC;
	clocks.wall_ns += (uint64_t)wall_s * NS_PER_SEC;
}

static void
mark(struct fixture *f, enum event_kind kind, bool incomplete)
{
	struct event e = { .kind = kind,
			   .role = ROLE_FILES,
			   .incomplete = incomplete,
			   .watchset = watchset_hash(&f->watchset) };

	repair_list(f->repair, &e);
}

static void
lose(struct fixture *f, enum role role)
{
	struct event e = { .kind = EVENT_LOSS,
			   .role = role,
			   .time_ns = 7 * NS_PER_SEC,
			   .lost = 3,
			   .again = true,
			   .scope = VIEW("events"),
			   .cause = VIEW("full") };

	repair_lost(f->repair, &e);
}

/* So many seconds, of each clock, bring this gap and so many lists. */
static void
expect_after(struct fixture *f, uint64_t boot_s, uint64_t monotonic_s,
	     int64_t wall_s, const char *gap, unsigned relists)
{
	pass(boot_s, monotonic_s, wall_s);
	repair_tick(f->repair, clock_boot_ns());
	expect_gaps(f, gap);
	assert_int_equal(f->relists, relists);
	assert_int_equal(repair_count(f->repair).open, relists);
}

static void
test_suspended(void **state)
{
	struct fixture *f = *state;

	expect_after(f, 9, 1, 9,
		     "everything|the host was suspended for 8.0 s|files|"
		     "5000|5009|0|0",
		     1);
	mark(f, EVENT_LIST_BEGIN, false);
	mark(f, EVENT_LIST_END, false);
	expect_gaps(f, "everything|the host was suspended for 8.0 s|files|"
		       "5000|5009|0|1");
	assert_int_equal(repair_count(f->repair).open, 0);
}

static void
test_clock_set(void **state)
{
	expect_after(*state, 1, 1, 3601,
		     "times|the system clock was set forward by 3600.0 s||"
		     "5000|8601|0|0",
		     0);
}

static void
test_clock_set_back(void **state)
{
	expect_after(*state, 1, 1, -99,
		     "times|the system clock was set back by 100.0 s||"
		     "5000|4901|0|0",
		     0);
}

static void
test_nothing_happened(void **state)
{
	expect_after(*state, 100, 100, 100, "", 0);
}

/* A list closes what was lost before it began. */
static void
test_lost_while_listing(void **state)
{
	struct fixture *f = *state;

	lose(f, ROLE_FILES);
	mark(f, EVENT_LIST_BEGIN, false);
	lose(f, ROLE_FILES);
	mark(f, EVENT_LIST_END, false);
	assert_int_equal(repair_count(f->repair).open, 1);
	/* The sensor itself knows that more was lost. */
	mark(f, EVENT_LIST_BEGIN, false);
	mark(f, EVENT_LIST_END, true);
	assert_int_equal(repair_count(f->repair).open, 1);
	mark(f, EVENT_LIST_BEGIN, false);
	mark(f, EVENT_LIST_END, false);
	assert_int_equal(repair_count(f->repair).open, 0);
	expect_gaps(f, "events|full|files|7|7|6|1");
}

/* A list of processes ends with the run; the next one tells who runs, and no
 * gap stays open for ever. */
static void
test_left_open(void **state)
{
	static const struct heart_last killed = { .how = HEART_SILENT };
	struct fixture *f = *state;

	lose(f, ROLE_PROCESSES);
	expect_gaps(f, "events|full|processes|7|7|3|0");
	assert_int_equal(state_commit(f->state), 0);
	close_all(f);
	open_all(f);
	repair_start(f->repair, false, &killed);
	assert_int_equal(sqlite3_exec(state_db(f->state),
				      "DELETE FROM gaps WHERE lost = 0", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	expect_gaps(f, "events|full||7|7|3|0");
}

static void
start(struct fixture *f, enum heart_how how, struct view boot)
{
	struct heart_last last = { .how = how };

	snprintf(last.boot, sizeof(last.boot), "b00t");
	assert_int_equal(state_commit(f->state), 0);
	close_all(f);
	f->host.boot = boot;
	open_all(f);
	repair_start(f->repair, false, &last);
}

/* Of an event at that time; the wall clock has the boot clock's here. */
static void
alert_at(struct fixture *f, uint64_t ns, uint64_t suppressed)
{
	struct slot slots[FIELDS_FILLED] = { 0 };
	struct record record = { .generation = 1,
				 .n_slots = FIELDS_FILLED,
				 .slots = slots };
	struct alert alert = { .time_ns = ns,
			       .suppressed = suppressed,
			       .record = &record };

	for (size_t i = 0; i < FIELDS_FILLED; i++)
		slots[i].generation = 1;
	repair_alert(f->repair, &alert);
}

/* Who began after all that was told of, in the same boot; of another all. */
static void
test_missed(void **state)
{
	struct fixture *f = *state;
	uint64_t before_ns = clock_boot_ns() - NS_PER_SEC, told_ns, alerted_ns;

	start(f, HEART_NEVER, VIEW("b00t"));
	assert_false(repair_missed(f->repair, 1));
	assert_false(repair_missed(f->repair, UINT64_MAX));
	told_ns = clock_boot_ns();
	start(f, HEART_SILENT, VIEW("b00t"));
	assert_false(repair_missed(f->repair, before_ns));
	assert_true(repair_missed(f->repair, told_ns + NS_PER_SEC));
	/* Stored with the alert, even if nothing was noted after. A summary
	 * has the time at which its window ends. */
	alerted_ns = clock_boot_ns() + 5 * NS_PER_SEC;
	alert_at(f, alerted_ns, 0);
	alert_at(f, alerted_ns + 300 * NS_PER_SEC, 9);
	start(f, HEART_SILENT, VIEW("b00t"));
	assert_false(repair_missed(f->repair, alerted_ns));
	assert_true(repair_missed(f->repair, alerted_ns + 1));
	start(f, HEART_STOPPED, VIEW("feed"));
	assert_true(repair_missed(f->repair, 1));
	repair_stop(f->repair);
	start(f, HEART_STOPPED, VIEW("feed"));
	assert_false(repair_missed(f->repair, 1));
}

/* Undone with the transaction, as on a full disk: written again, once. */
static void
test_undone(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 2; round++) {
		if (round == 0)
			lose(f, ROLE_FILES);
		else
			mark(f, EVENT_LIST_BEGIN, false);
		if (round == 1)
			mark(f, EVENT_LIST_END, false);
		assert_int_equal(sqlite3_exec(state_db(f->state), "ROLLBACK",
					      NULL, NULL, NULL),
				 SQLITE_OK);
		repair_stop(f->repair);
		assert_int_equal(state_commit(f->state), 0);
		repair_stop(f->repair);
		expect_gaps(f, round == 0 ? "events|full|files|7|7|3|0"
					  : "events|full|files|7|7|3|1");
		assert_int_equal(state_commit(f->state), 0);
	}
}

int
main(void)
{
#define case_of(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		case_of(test_clocks),
		case_of(test_clocks_of_this_host),
		case_of(test_suspended),
		case_of(test_clock_set),
		case_of(test_clock_set_back),
		case_of(test_nothing_happened),
		case_of(test_lost_while_listing),
		case_of(test_left_open),
		case_of(test_missed),
		case_of(test_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
