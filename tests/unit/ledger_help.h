/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of the ledger share: one over a new state folder, lists made by
 * hand, and what is told of them. */
#ifndef TESTS_LEDGER_HELP_H
#define TESTS_LEDGER_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
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
	size_t max_kept; /* bytes that wait for the database; 0 = as ever */
};

static inline void
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

static inline void
open_ledger(struct fixture *f, uint64_t max_files)
{
	struct ledger_config config = {
		.watchset = &f->watchset,
		.sink = { take, f },
		.max_files = max_files,
		.max_kept = f->max_kept,
	};

	f->state = state_open(f->folder, &f->err);
	assert_non_null(f->state);
	config.state = f->state;
	f->ledger = ledger_open(&config);
	assert_non_null(f->ledger);
}

static inline void
close_ledger(struct fixture *f)
{
	ledger_close(f->ledger);
	state_close(f->state);
	f->ledger = NULL;
	f->state = NULL;
}

static inline void
watch(struct fixture *f, const char *path)
{
	assert_int_equal(watchset_add_path(&f->watchset, view_of(path)), 0);
	watchset_seal(&f->watchset);
}

static inline int
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

static inline int
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

static inline void
begin(struct fixture *f)
{
	struct event e = { .kind = EVENT_LIST_BEGIN,
			   .role = ROLE_FILES,
			   .watchset = watchset_hash(&f->watchset) };

	ledger_mark(f->ledger, f->how, f->since_ns);
	ledger_take(f->ledger, &e);
}

static inline void
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

/* The facts in work; its object is its own. */
static inline struct event_seen
of(struct fixture *f, const char *path)
{
	struct event_seen seen = f->seen;

	seen.ino += view_hash(view_of(path)) >> 8;
	return seen;
}

static inline void
file(struct fixture *f, const char *path)
{
	struct event_seen seen = of(f, path);

	name(f, view_of(path), &seen);
}

static inline void
dir_end(struct fixture *f, const char *path, bool incomplete)
{
	struct event e = { .kind = EVENT_LIST_DIR,
			   .role = ROLE_FILES,
			   .file.path = view_of(path),
			   .incomplete = incomplete };

	ledger_take(f->ledger, &e);
}

static inline bool
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

static inline void
refresh(struct fixture *f, const char *path, const struct event_seen *seen)
{
	struct event e = { .kind = EVENT_REFRESHED,
			   .role = ROLE_FILES,
			   .file.path = view_of(path),
			   .seen = seen,
			   .acts = ACT_ALL };

	ledger_take(f->ledger, &e);
}

static inline void
expect(struct fixture *f, const char *wanted)
{
	buf_putc(&f->told, '\0');
	assert_string_equal(f->told.p, wanted);
	buf_clear(&f->told);
}

/* /w but for a, and /w/sub with c. */
static inline void
rest(struct fixture *f)
{
	file(f, "/w/b");
	file(f, "/w/sub");
	dir_end(f, "/w", false);
	file(f, "/w/sub/c");
	dir_end(f, "/w/sub", false);
}

/* The first list: /w with a and b, /w/sub with c. */
static inline void
learn(struct fixture *f)
{
	assert_false(ledger_knows(f->ledger));
	begin(f);
	file(f, "/w/a");
	rest(f);
	assert_true(end(f));
	assert_true(ledger_knows(f->ledger));
	expect(f, "");
	assert_int_equal(ledger_count(f->ledger).files, 4);
	assert_int_equal(ledger_count(f->ledger).learned, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
