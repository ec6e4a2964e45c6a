/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gaps, in the database and in the journal. */
#include "fim/gaps.h"

#include "baselines/journal.h"
#include "fim/sensors.h"
#include "scan/sql.h"

#include <inttypes.h>
#include <stdlib.h>

/* Losses in this time are one gap, and one record of the journal. */
#define QUIET_NS (10 * NS_PER_SEC)
#define GAPS_KEPT "100000"

/* What older programs' tables do not have. */
static const char *const columns[][2] = {
	{ "role", "TEXT NOT NULL DEFAULT ''" },
	{ "closed_ns", "INTEGER NOT NULL DEFAULT 0" }, /* 0 = open */
	{ "changes", "INTEGER NOT NULL DEFAULT 0" },
	{ "alerts", "INTEGER NOT NULL DEFAULT 0" },
	{ "journaled", "INTEGER NOT NULL DEFAULT 0" },
};

enum statement {
	ADD,
	MORE,
	END,
	FORGO,
	THERE,
	AGAIN,
	DUE,
	JOURNALED,
	GET,
	SET,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
	[ADD] = "INSERT INTO gaps (from_ns, to_ns, scope, cause, lost, role)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING seq",
	[MORE] = "UPDATE gaps SET to_ns = max(to_ns, ?2), lost = lost + ?3,"
		 " closed_ns = 0 WHERE seq = ?1",
	[END] = "UPDATE gaps SET closed_ns = ?2, changes = changes + ?3,"
		" alerts = alerts + ?4 WHERE role = ?1 AND closed_ns = 0",
	/* Left by a run before this one, and nobody will look again. */
	[FORGO] = "UPDATE gaps SET role = '' WHERE role = ?1 AND closed_ns = 0",
	/* As it should be, and anew, after that was undone. */
	[THERE] = "UPDATE gaps SET to_ns = ?3, lost = ?4, closed_ns = ?5,"
		  " changes = ?6, alerts = ?7"
		  " WHERE seq = ?1 AND from_ns = ?2 RETURNING seq",
	[AGAIN] = "INSERT INTO gaps (from_ns, to_ns, scope, cause, lost, role,"
		  " closed_ns, changes, alerts)"
		  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING seq",
	/* What can be closed waits for that. */
	[DUE] = "SELECT seq, from_ns, to_ns, scope, cause, lost, closed_ns,"
		" changes, alerts FROM gaps WHERE journaled = 0 AND"
		" (closed_ns > 0 OR role = '') ORDER BY seq LIMIT 100",
	[JOURNALED] = "UPDATE gaps SET journaled = 1 WHERE seq = ?1",
	[GET] = "SELECT value FROM meta WHERE name = ?1",
	[SET] = "INSERT INTO meta (name, value) VALUES (?1, ?2)"
		" ON CONFLICT DO UPDATE SET value = ?2",
};

/* The last one of a role. */
struct last {
	int64_t seq; /* 0 = none */
	bool open;
	uint64_t closed_ns;	  /* boot */
	struct buf what;	  /* scope and cause */
	size_t scope_n;		  /* bytes of the scope in it */
	uint64_t changes, alerts; /* when it began */
	/* As in the database, if that was not undone. */
	bool again;
	uint64_t from_ns, to_ns, lost, closed_wall_ns;
	uint64_t found_changes, found_alerts;
};

struct gaps {
	struct state *state;
	const char *folder;
	FILE *notes;
	sqlite3_stmt *st[STATEMENTS];
	struct last last[ROLES];
	uint64_t due_ns; /* boot; when to write to the journal; 0 = nothing */
	bool journal_failed;
	uint64_t failed;
	uint64_t undone; /* transactions, as far as this knows */
	bool missing;	 /* a row may be missing */
};

const char *
gaps_end_words(enum gaps_end end)
{
	static const char *const words[] = {
		[GAPS_FIRST] = "the first start",
		[GAPS_STOPPED] = "stopped cleanly",
		[GAPS_KILLED] = "killed or crashed",
		[GAPS_DOWN] = "the host went down without stopping it",
	};

	return words[end];
}

/* ---- the database ---------------------------------------------------- */

static int
add_column(struct gaps *g, const char *name, const char *type)
{
	char sql[160];

	snprintf(sql, sizeof(sql), "SELECT %s FROM gaps LIMIT 0", name);
	if (sqlite3_exec(state_db(g->state), sql, NULL, NULL, NULL) ==
	    SQLITE_OK)
		return 0;
	snprintf(sql, sizeof(sql), "ALTER TABLE gaps ADD COLUMN %s %s", name,
		 type);
	return sqlite3_exec(state_db(g->state), sql, NULL, NULL, NULL) ==
			       SQLITE_OK
		       ? 0
		       : -1;
}

static int
prepare(struct gaps *g)
{
	sqlite3 *db = state_db(g->state);

	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (add_column(g, columns[i][0], columns[i][1]) != 0)
			return -1;
	if (sqlite3_exec(db,
			 "DELETE FROM gaps WHERE seq <= "
			 "(SELECT max(seq) FROM gaps) - " GAPS_KEPT,
			 NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	return sql_prepare(db, statement_sql, STATEMENTS, g->st) == SQLITE_OK
		       ? 0
		       : -1;
}

struct gaps *
gaps_open(struct state *state, const char *folder, FILE *notes)
{
	struct gaps *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->state = state;
	g->folder = folder;
	g->notes = notes;
	g->due_ns = 1; /* what a kill has left */
	g->undone = state_undone(state);
	if (state_begin(state) == 0 && prepare(g) == 0)
		return g;
	gaps_close(g);
	return NULL;
}

void
gaps_close(struct gaps *g)
{
	if (g == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(g->st[i]);
	for (int i = 0; i < ROLES; i++)
		buf_free(&g->last[i].what);
	free(g);
}

uint64_t
gaps_failed(const struct gaps *g)
{
	return g->failed;
}

/* Runs to the end; the first column of the first row, or 0. */
static int64_t
run(struct gaps *g, sqlite3_stmt *st)
{
	int64_t n = 0;
	int step = SQLITE_ERROR;

	if (state_begin(g->state) == 0)
		step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		n = sqlite3_column_int64(st, 0);
		step = sqlite3_step(st);
	}
	if (step != SQLITE_DONE) {
		g->failed++;
		g->missing = true;
		n = 0;
	}
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return n;
}

static int64_t
get(struct gaps *g, const char *name)
{
	sql_bind_text(g->st[GET], 1, view_of(name));
	return run(g, g->st[GET]);
}

static void
set(struct gaps *g, const char *name, int64_t value)
{
	sql_bind_text(g->st[SET], 1, view_of(name));
	sqlite3_bind_int64(g->st[SET], 2, value);
	run(g, g->st[SET]);
}

/* ---- the journal ----------------------------------------------------- */

/* That it cannot be written is said once. */
static bool
journal(struct gaps *g, const struct journal_record *record)
{
	struct err err = { 0 };
	struct buf text = { 0 };

	if (journal_append(g->folder, record, &err) == 0) {
		err_free(&err);
		return true;
	}
	if (!g->journal_failed && err.n > 0) {
		err_format(&err.v[0], &text);
		fprintf(g->notes, "tocsin: %.*s\n",
			(int)view_trim(buf_view(&text)).n,
			view_trim(buf_view(&text)).p);
	}
	g->journal_failed = true;
	buf_free(&text);
	err_free(&err);
	return false;
}

static void
put_time(struct buf *b, const char *key, uint64_t ns)
{
	buf_printf(b, "\"%s\":\"", key);
	buf_rfc3339(b, ns);
	buf_puts(b, "\",");
}

/* Row of DUE. */
static void
put_gap(sqlite3_stmt *st, struct buf *reason, struct buf *detail)
{
	uint64_t closed_ns = sql_number(st, 6);

	buf_put(reason, sql_text(st, 3));
	buf_puts(reason, ": ");
	buf_put(reason, sql_text(st, 4));
	buf_printf(reason,
		   closed_ns > 0 ? ", looked at again: %" PRIu64
				   " changes, %" PRIu64 " alerts"
				 : ", cannot be looked at again",
		   sql_number(st, 7), sql_number(st, 8));
	buf_putc(detail, '{');
	put_time(detail, "from", sql_number(st, 1));
	put_time(detail, "to", sql_number(st, 2));
	if (closed_ns > 0)
		put_time(detail, "closed", closed_ns);
	buf_puts(detail, "\"scope\":");
	buf_json_string(detail, sql_text(st, 3));
	buf_puts(detail, ",\"cause\":");
	buf_json_string(detail, sql_text(st, 4));
	buf_printf(detail,
		   ",\"lost\":%" PRIu64 ",\"changes\":%" PRIu64
		   ",\"alerts\":%" PRIu64 "}",
		   sql_number(st, 5), sql_number(st, 7), sql_number(st, 8));
}

/* One that is due; false: there is none, or it cannot be written, or that it
 * was cannot: it would be due again at once. */
static bool
journal_one(struct gaps *g)
{
	sqlite3_stmt *st = g->st[DUE];
	struct buf reason = { 0 }, detail = { 0 };
	struct journal_record record = { .action = "gap",
					 .who = VIEW("tocsin watch") };
	uint64_t failed = g->failed;
	int64_t seq = 0;
	bool done;

	if (sqlite3_step(st) == SQLITE_ROW) {
		seq = sqlite3_column_int64(st, 0);
		put_gap(st, &reason, &detail);
	}
	sqlite3_reset(st);
	record.reason = buf_view(&reason);
	record.detail = buf_view(&detail);
	done = seq != 0 && !reason.failed && !detail.failed &&
	       journal(g, &record);
	if (done) {
		sqlite3_bind_int64(g->st[JOURNALED], 1, seq);
		run(g, g->st[JOURNALED]);
		for (int i = 0; i < ROLES; i++)
			if (g->last[i].seq == seq) {
				g->last[i].seq = 0;
				buf_clear(&g->last[i].what);
			}
	}
	buf_free(&reason);
	buf_free(&detail);
	return done && g->failed == failed;
}

static struct view
scope_of(const struct last *l)
{
	return view_sub(buf_view(&l->what), 0, l->scope_n);
}

static struct view
cause_of(const struct last *l)
{
	return view_sub(buf_view(&l->what), l->scope_n + 1, SIZE_MAX);
}

static bool
is_there(struct gaps *g, const struct last *l)
{
	sqlite3_stmt *st = g->st[THERE];

	sqlite3_bind_int64(st, 1, l->seq);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)l->from_ns);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)l->to_ns);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)l->lost);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)l->closed_wall_ns);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)l->found_changes);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)l->found_alerts);
	return run(g, st) > 0;
}

static void
add_again(struct gaps *g, struct last *l, enum role role)
{
	sqlite3_stmt *st = g->st[AGAIN];

	sqlite3_bind_int64(st, 1, (sqlite3_int64)l->from_ns);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)l->to_ns);
	sql_bind_text(st, 3, scope_of(l));
	sql_bind_text(st, 4, cause_of(l));
	sqlite3_bind_int64(st, 5, (sqlite3_int64)l->lost);
	sql_bind_text(st, 6, l->again ? view_of(role_name(role)) : VIEW(""));
	sqlite3_bind_int64(st, 7, (sqlite3_int64)l->closed_wall_ns);
	sqlite3_bind_int64(st, 8, (sqlite3_int64)l->found_changes);
	sqlite3_bind_int64(st, 9, (sqlite3_int64)l->found_alerts);
	l->seq = run(g, st);
}

/* A full disk has undone what was written, or refused it: the last gap of each
 * kind is written anew. */
static void
restore(struct gaps *g, uint64_t boot_ns)
{
	if (!g->missing && g->undone == state_undone(g->state))
		return;
	g->undone = state_undone(g->state);
	g->missing = false;
	for (int i = 0; i < ROLES; i++) {
		struct last *l = &g->last[i];

		if (l->what.n == 0 || is_there(g, l))
			continue;
		add_again(g, l, (enum role)i);
		g->due_ns = boot_ns + QUIET_NS;
	}
}

void
gaps_journal(struct gaps *g, uint64_t boot_ns, bool all)
{
	restore(g, boot_ns);
	if (g->due_ns == 0 || (boot_ns < g->due_ns && !all))
		return;
	g->due_ns = 0;
	while (journal_one(g))
		;
}

/* ---- starts ------------------------------------------------ */

static enum gaps_end
how_it_ended(const struct heart_last *last, struct view boot, int64_t alive_ns)
{
	if (last->how == HEART_STOPPED)
		return GAPS_STOPPED;
	/* The journal may be gone, or of no use. */
	if (last->how == HEART_NEVER)
		return alive_ns > 0 ? GAPS_KILLED : GAPS_FIRST;
	return view_eq(view_of(last->boot), boot) ? GAPS_KILLED : GAPS_DOWN;
}

enum gaps_end
gaps_start(struct gaps *g, uint64_t now_ns, const struct heart_last *last,
	   struct view boot, uint64_t *ended_ns)
{
	int64_t alive_ns = get(g, "alive_ns");
	enum gaps_end end = how_it_ended(last, boot, alive_ns);

	/* With what was seen, unlike the journal: a run that is killed before
	 * it has stored what was before it leaves that to the next. */
	if (alive_ns > 0)
		*ended_ns = (uint64_t)alive_ns;
	else
		*ended_ns = last->how == HEART_NEVER ? 0 : last->wall_ns;
	gaps_alive(g, now_ns);
	return end;
}

void
gaps_forgo(struct gaps *g, enum role role)
{
	sqlite3_stmt *st = g->st[FORGO];

	sql_bind_text(st, 1, view_of(role_name(role)));
	run(g, st);
}

void
gaps_alive(struct gaps *g, uint64_t seen_ns)
{
	set(g, "alive_ns", (int64_t)seen_ns);
}

struct gaps_told
gaps_told(struct gaps *g)
{
	return (struct gaps_told){
		.boot = (uint32_t)get(g, "told_boot"),
		.until_ns = (uint64_t)get(g, "told_ns"),
		.alerted_ns = (uint64_t)get(g, "alerted_ns"),
	};
}

void
gaps_tell(struct gaps *g, const struct gaps_told *told)
{
	set(g, "told_boot", (int64_t)told->boot);
	set(g, "told_ns", (int64_t)told->until_ns);
	gaps_alerted(g, told->alerted_ns);
}

void
gaps_alerted(struct gaps *g, uint64_t alerted_ns)
{
	set(g, "alerted_ns", (int64_t)alerted_ns);
}

/* ---- gaps ------------------------------------------------------------ */

/* The same thing again, soon after. */
static bool
goes_on(struct gaps *g, const struct gap *gap, uint64_t boot_ns)
{
	struct last *l = &g->last[gap->role];
	struct buf what = { 0 };
	bool same;

	buf_put(&what, gap->scope);
	buf_putc(&what, '\0');
	buf_put(&what, gap->cause);
	same = l->seq != 0 && !what.failed &&
	       view_eq(buf_view(&what), buf_view(&l->what)) &&
	       (l->open || boot_ns < l->closed_ns + QUIET_NS);
	buf_free(&l->what);
	l->what = what;
	l->scope_n = gap->scope.n;
	return same;
}

void
gaps_add(struct gaps *g, const struct gap *gap, uint64_t boot_ns)
{
	struct last *l = &g->last[gap->role];
	sqlite3_stmt *st = g->st[ADD];

	if (goes_on(g, gap, boot_ns)) {
		l->to_ns = gap->to_ns > l->to_ns ? gap->to_ns : l->to_ns;
		l->lost += gap->lost;
		l->closed_wall_ns = 0;
		st = g->st[MORE];
		sqlite3_bind_int64(st, 1, l->seq);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)gap->to_ns);
		sqlite3_bind_int64(st, 3, (sqlite3_int64)gap->lost);
		run(g, st);
	} else {
		sqlite3_bind_int64(st, 1, (sqlite3_int64)gap->from_ns);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)gap->to_ns);
		sql_bind_text(st, 3, gap->scope);
		sql_bind_text(st, 4, gap->cause);
		sqlite3_bind_int64(st, 5, (sqlite3_int64)gap->lost);
		sql_bind_text(st, 6,
			      gap->again ? view_of(role_name(gap->role))
					 : VIEW(""));
		l->seq = run(g, st);
		l->from_ns = gap->from_ns;
		l->to_ns = gap->to_ns;
		l->lost = gap->lost;
		l->again = gap->again;
		l->closed_wall_ns = l->found_changes = l->found_alerts = 0;
	}
	if (!l->open) {
		l->changes = gap->changes;
		l->alerts = gap->alerts;
	}
	l->open |= gap->again;
	if (!gap->again) {
		l->closed_ns = boot_ns;
		g->due_ns = boot_ns + QUIET_NS;
	}
}

bool
gaps_is_open(const struct gaps *g, enum role role)
{
	return g->last[role].open;
}

static void
say_end(struct gaps *g, enum role role, uint64_t changes, uint64_t alerts)
{
	const struct last *l = &g->last[role];
	struct buf text = { 0 };

	buf_printf(&text, "tocsin: gap closed: ");
	for (size_t i = 0; i < l->what.n; i++)
		if (l->what.p[i] == '\0')
			buf_puts(&text, ": ");
		else
			buf_text(&text, (struct view){ &l->what.p[i], 1 });
	buf_printf(&text,
		   "; looked at again: %" PRIu64 " change%s, %" PRIu64
		   " alert%s\n",
		   changes, changes == 1 ? "" : "s", alerts,
		   alerts == 1 ? "" : "s");
	if (!text.failed)
		fwrite(text.p, 1, text.n, g->notes);
	fflush(g->notes);
	buf_free(&text);
}

void
gaps_end(struct gaps *g, enum role role, uint64_t now_ns, uint64_t boot_ns,
	 uint64_t changes, uint64_t alerts)
{
	struct last *l = &g->last[role];
	sqlite3_stmt *st = g->st[END];

	if (!l->open)
		return;
	changes -= l->changes;
	alerts -= l->alerts;
	sql_bind_text(st, 1, view_of(role_name(role)));
	sqlite3_bind_int64(st, 2, (sqlite3_int64)now_ns);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)changes);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)alerts);
	run(g, st);
	if (l->again) {
		l->closed_wall_ns = now_ns;
		l->found_changes += changes;
		l->found_alerts += alerts;
	}
	l->open = false;
	l->closed_ns = boot_ns;
	g->due_ns = boot_ns + QUIET_NS;
	say_end(g, role, changes, alerts);
}
