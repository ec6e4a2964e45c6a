/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state database whose rows somebody has changed (rows_help.h): what the
 * monitor remembers of files, which places that was true for, gaps, outputs and
 * alerts. Whatever is in it, a list is held against it to its end, outputs and
 * readers come to theirs, and every view holds what it says. Against rows that
 * nobody has changed the list finds what differs, and no more.
 */
#include "fim/cursor.h"
#include "fim/gaps.h"
#include "fim/ledger.h"
#include "fim/state_read.h"

#include <sys/stat.h>

#include "tests/fuzz/rows_help.h"

#define WORK_MAX 100
#define TOLD 3u /* of rows that nobody has changed */

static const struct folder_file files[] = { { 0, "state.db" },
					    { 0, "state.db-wal" },
					    { 0, "state.db-shm" },
					    { 0, "state.db-journal" },
					    { 0, "log/journal.ndjson" } };

#define OF_FILES "dir, name"
static const struct row_cell cells[] = {
	{ "dirs", "id", "id" },
	{ "dirs", "path", "id" },
	{ "files", "dir", OF_FILES },
	{ "files", "name", OF_FILES },
	{ "files", "mode", OF_FILES },
	{ "files", "uid", OF_FILES },
	{ "files", "size", OF_FILES },
	{ "files", "inode", OF_FILES },
	{ "files", "born_ns", OF_FILES },
	{ "files", "written_ns", OF_FILES },
	{ "files", "changed_ns", OF_FILES },
	{ "scope", "path", "rowid" },
	{ "scope", "recursive", "rowid" },
	{ "gaps", "seq", "seq" },
	{ "gaps", "from_ns", "seq" },
	{ "gaps", "to_ns", "seq" },
	{ "gaps", "scope", "seq" },
	{ "gaps", "cause", "seq" },
	{ "gaps", "lost", "seq" },
	{ "gaps", "role", "seq" },
	{ "gaps", "closed_ns", "seq" },
	{ "gaps", "changes", "seq" },
	{ "gaps", "journaled", "seq" },
	{ "alerts", "seq", "seq" },
	{ "alerts", "id", "seq" },
	{ "alerts", "rule", "seq" },
	{ "alerts", "time_ns", "seq" },
	{ "alerts", "json", "seq" },
	{ "outputs", "name", "name" },
	{ "outputs", "seq", "name" },
	{ "outputs", "delivered", "name" },
	{ "outputs", "problem", "name" },
	{ "meta", "name", "name" },
	{ "meta", "value", "name" },
	{ "sqlite_sequence", "seq", "rowid" },
};

static struct buf sound; /* the file as it was made */
static struct watchset watchset;
static FILE *notes;

/* ---- a list ---------------------------------------------------------- */

static void
on_told(void *ctx, const struct event *e)
{
	++*(unsigned *)ctx;
	use(e->file.path);
	use(e->file.old_path);
}

static void
list_name(struct ledger *l, const char *path, enum event_kind kind,
	  uint64_t size)
{
	struct event_seen seen = { .ino = 7,
				   .size = size,
				   .born_ns = 70,
				   .written_ns = 70 + size,
				   .changed_ns = 70 + size,
				   .mode = S_IFREG | 0644,
				   .nlink = 1 };
	struct event e = { .kind = kind,
			   .role = ROLE_FILES,
			   .pidfd = -1,
			   .file.path = view_of(path),
			   .seen = kind == EVENT_LISTED ? &seen : NULL };

	ledger_take(l, &e);
}

/* `change`: one file is new, one has changed and one is gone. */
static void
list_all(struct ledger *l, bool change)
{
	struct event e = { .kind = EVENT_LIST_BEGIN,
			   .role = ROLE_FILES,
			   .pidfd = -1,
			   .watchset = watchset_hash(&watchset) };
	enum ledger_work left = LEDGER_MORE;

	ledger_mark(l, ATTRIBUTION_OFFLINE, 0);
	ledger_take(l, &e);
	list_name(l, "/w/a", EVENT_LISTED, change ? 4 : 3);
	list_name(l, change ? "/w/new" : "/w/gone", EVENT_LISTED,
		  change ? 9 : 5);
	list_name(l, "/w/sub/c", EVENT_LISTED, 6);
	list_name(l, "/w/sub", EVENT_LIST_DIR, 0);
	list_name(l, "/w", EVENT_LIST_DIR, 0);
	e.kind = EVENT_LIST_END;
	ledger_take(l, &e);
	for (int i = 0; i < WORK_MAX && left == LEDGER_MORE; i++)
		left = ledger_work(l);
	check(left != LEDGER_MORE);
}

static struct ledger *
open_ledger(struct state *s, unsigned *told)
{
	struct ledger_config config = { .state = s,
					.watchset = &watchset,
					.sink = { on_told, told } };

	return ledger_open(&config);
}

/* ---- making ---------------------------------------------------------- */

static void
add_gaps(struct gaps *g)
{
	struct gap gap = { .role = ROLE_FILES,
			   .from_ns = 1,
			   .to_ns = 2,
			   .scope = VIEW("everything"),
			   .cause = VIEW("the cause"),
			   .lost = 3,
			   .again = true };

	gaps_add(g, &gap, 1);
	gap.role = ROLE_MESSAGES;
	gap.again = false;
	gaps_add(g, &gap, 1);
	gaps_alive(g, 5);
}

static void
make(void)
{
	struct err err = { 0 };
	unsigned told = 0;
	struct state *s;
	struct ledger *l;
	struct gaps *g;
	int fd;

	folder_make();
	notes = fopen("/dev/null", "w");
	check(notes != NULL && mkdirat(folder_fd, "log", 0700) == 0);
	check(watchset_add_path(&watchset, VIEW("/w")) == 0);
	watchset_seal(&watchset);
	s = state_open(folder, &err);
	l = open_ledger(s, &told);
	g = gaps_open(s, folder, notes);
	check(s != NULL && l != NULL && g != NULL);
	list_all(l, false);
	add_gaps(g);
	state_add_output(s, VIEW("file:x"));
	state_add_alert(s, VIEW("id 1"), VIEW("rule"), 7, VIEW("{}"));
	state_add_alert(s, VIEW("id 2"), VIEW("rule"), 8, VIEW("{}"));
	check(state_commit(s) == 0);
	ledger_close(l);
	gaps_close(g);
	check(sqlite3_exec(state_db(s), "PRAGMA journal_mode=DELETE", NULL,
			   NULL, NULL) == SQLITE_OK);
	state_close(s);
	fd = openat(folder_fd, files[0].name, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && fd_read_all(fd, 1 << 20, &sound) == 0);
	close(fd);
	folder_clear(files, ARRAY_LEN(files));
}

/* ---- living with it -------------------------------------------------- */

static void
live_gaps(struct state *s)
{
	struct heart_last last = { .how = HEART_SILENT, .wall_ns = 4 };
	struct gaps *g = gaps_open(s, folder, notes);
	uint64_t ended_ns = 0;

	if (g == NULL)
		return;
	use(view_of(gaps_end_words(
		gaps_start(g, 9, &last, VIEW("01234567"), &ended_ns))));
	gaps_forgo(g, ROLE_PROCESSES);
	add_gaps(g);
	gaps_end(g, ROLE_FILES, 10, 11, 1, 1);
	gaps_journal(g, 12, true);
	gaps_close(g);
}

static void
deliver(void)
{
	struct cursor_batch batch = { 0 };
	struct buf why = { 0 };
	struct cursor *c = cursor_open(folder, VIEW("file:x"), &why);

	check((c == NULL) == (why.n > 0));
	while (c != NULL && cursor_read(c, &batch) == 0 && batch.n > 0) {
		for (size_t i = 0; i < batch.n; i++) {
			use(batch.v[i].id);
			use(batch.v[i].json);
			check(batch.v[i].seq > cursor_figures(c)->seq);
			cursor_figures(c)->seq = batch.v[i].seq;
		}
		if (cursor_save(c, VIEW("why")) != 0)
			break;
	}
	arena_free(&batch.arena);
	cursor_close(c);
	buf_free(&why);
}

static void
live(bool untouched)
{
	struct err err = { 0 };
	struct state *s = state_open(folder, &err);
	unsigned told = 0;
	struct ledger *l;

	check((s == NULL) == (err.n > 0) && (s != NULL || !untouched));
	err_free(&err);
	if (s == NULL)
		return;
	l = open_ledger(s, &told);
	check(l != NULL || !untouched);
	if (l != NULL)
		list_all(l, true);
	check(!untouched || told == TOLD);
	live_gaps(s);
	state_commit(s);
	deliver();
	ledger_close(l);
	state_close(s);
}

/* ---- reading --------------------------------------------------------- */

static void
on_alert(void *ctx, struct view json)
{
	(void)ctx;
	use(json);
}

static void
on_gap(void *ctx, const struct state_gap *g)
{
	(void)ctx;
	use(g->scope);
	use(g->cause);
}

static void
read_only(void)
{
	struct state_span alerts = { .max = 10 }, gaps = { .max = 10 };
	enum state_found found;
	struct buf why = { 0 };
	struct state_reader *s = state_reader_open(folder, &found, &why);

	if (s != NULL) {
		state_each_alert(s, &alerts, on_alert, NULL);
		state_each_gap(s, &gaps, on_gap, NULL);
	}
	state_reader_close(s);
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view input = { (const char *)data, n };

	if (folder_fd < 0)
		make();
	folder_put(files[0].name, buf_view(&sound));
	rows_change(files[0].name, cells, ARRAY_LEN(cells), input);
	read_only();
	live(n == 0);
	read_only();
	folder_clear(files, ARRAY_LEN(files));
	return 0;
}
