/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows wait in memory and are written in one transaction: what a full disk
 * refuses is still there for the next try. */
#include <errno.h>
#include <stdlib.h>

#include "fim/state_db.h"
#include "scan/sql.h"

/* How long after a failure the next try comes. */
#define AGAIN_NS NS_PER_SEC

/* First-seen terms come in floods and are the least loss: one that is not
 * stored alerts again after a restart. They leave this much to the others. */
#define TERMS_MAX (STATE_HELD_MAX / 4)

/* Alerts between two looks at whether old ones are to go. */
#define TRIM_EVERY 1000

void
state_set_problem(struct state *s, const char *text)
{
	snprintf(s->problem, sizeof(s->problem), "%s", text);
}

/* ---- the queue ------------------------------------------------------- */

static struct state_entry *
entry_new(enum state_statement what, const struct view *texts,
	  const int64_t *numbers)
{
	struct state_entry *e;
	size_t n = 0;
	char *p;

	for (int i = 0; i < STATE_TEXTS; i++)
		n += texts[i].n;
	e = malloc(sizeof(*e) + n);
	if (e == NULL)
		return NULL;
	*e = (struct state_entry){ .what = what };
	p = e->bytes;
	for (int i = 0; i < STATE_TEXTS; i++) {
		e->lengths[i] = texts[i].n;
		e->numbers[i] = numbers[i];
		if (texts[i].n > 0)
			memcpy(p, texts[i].p, texts[i].n);
		p += texts[i].n;
	}
	return e;
}

static size_t
entry_bytes(const struct state_entry *e)
{
	size_t n = sizeof(*e);

	for (int i = 0; i < STATE_TEXTS; i++)
		n += e->lengths[i];
	return n;
}

static void
lose(struct state *s, enum state_statement what, const char *why)
{
	if (what != STATE_ADD_ALERT)
		return;
	s->held.lost_total++;
	if (s->held.lost++ == 0)
		s->lost_from_ns = clock_wall_ns();
	if (!s->failing)
		state_set_problem(s, why);
}

static int
put(struct state *s, enum state_statement what,
    const struct view texts[STATE_TEXTS], const int64_t numbers[STATE_NUMBERS])
{
	size_t max = what == STATE_ADD_TERM ? TERMS_MAX : STATE_HELD_MAX;
	struct state_entry *e = entry_new(what, texts, numbers);

	if (e == NULL || s->held.bytes + entry_bytes(e) > max) {
		lose(s, what, e == NULL ? "out of memory" : "too many wait");
		free(e);
		return -1;
	}
	s->held.bytes += entry_bytes(e);
	s->held.alerts += what == STATE_ADD_ALERT;
	*s->last = e;
	s->last = &e->next;
	return 0;
}

int
state_add_alert(struct state *s, struct view id, struct view rule_id,
		uint64_t time_ns, struct view json)
{
	return put(s, STATE_ADD_ALERT, (struct view[]){ id, rule_id, json },
		   (int64_t[]){ (int64_t)time_ns, 0, 0 });
}

int
state_add_term(struct state *s, struct view rule_id, const uint8_t key[16],
	       uint64_t last_seen_ns)
{
	struct view bytes = { (const char *)key, 16 };

	return put(s, STATE_ADD_TERM,
		   (struct view[]){ rule_id, bytes, VIEW_NONE },
		   (int64_t[]){ (int64_t)last_seen_ns, 0, 0 });
}

void
state_queue_free(struct state *s)
{
	while (s->first != NULL) {
		struct state_entry *e = s->first;

		s->first = e->next;
		free(e);
	}
	s->last = &s->first;
	s->held = (struct state_held){ .lost_total = s->held.lost_total };
}

struct state_held
state_held(const struct state *s)
{
	return s->held;
}

/* ---- writing --------------------------------------------------------- */

static int
run_sql(struct state *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static void
bind(sqlite3_stmt *st, const struct state_entry *e)
{
	const char *p = e->bytes;

	/* Only a term's key is no text. */
	for (int i = 0; i < STATE_TEXTS; i++) {
		struct view v = { p, e->lengths[i] };

		if (e->what == STATE_ADD_TERM && i == 1)
			sql_bind_bytes(st, i + 1, v);
		else
			sql_bind_text(st, i + 1, v);
		p += v.n;
	}
	for (int i = 0; i < STATE_NUMBERS; i++)
		sqlite3_bind_int64(st, STATE_TEXTS + 1 + i, e->numbers[i]);
}

static int
write_entry(struct state *s, const struct state_entry *e)
{
	sqlite3_stmt *st = s->statements[e->what];
	int result;

	bind(st, e);
	result = sqlite3_step(st);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	s->untrimmed += e->what == STATE_ADD_ALERT;
	return result == SQLITE_DONE ? 0 : -1;
}

/* What memory could not hold is a gap like any other. */
static int
write_lost(struct state *s)
{
	struct view texts[] = { VIEW("alerts"),
				VIEW("they could not be stored, and memory "
				     "for them was full"),
				VIEW_NONE };
	struct state_entry *e;
	int result;

	if (s->held.lost == 0)
		return 0;
	e = entry_new(STATE_ADD_GAP, texts,
		      (int64_t[]){ (int64_t)s->lost_from_ns,
				   (int64_t)clock_wall_ns(),
				   (int64_t)s->held.lost });
	if (e == NULL)
		return -1;
	result = write_entry(s, e);
	free(e);
	return result;
}

static int
trim(struct state *s)
{
	int result;

	if (s->untrimmed < TRIM_EVERY)
		return 0;
	s->untrimmed = 0;
	result = sqlite3_step(s->statements[STATE_TRIM]);
	sqlite3_reset(s->statements[STATE_TRIM]);
	return result == SQLITE_DONE ? 0 : -1;
}

struct sqlite3 *
state_db(struct state *s)
{
	return s->db;
}

int
state_begin(struct state *s)
{
	if (!sqlite3_get_autocommit(s->db))
		return 0;
	return run_sql(s, "BEGIN IMMEDIATE");
}

uint64_t
state_undone(const struct state *s)
{
	return s->undone;
}

uint64_t
state_committed(const struct state *s)
{
	return s->committed;
}

void
state_retry(struct state *s)
{
	s->again_ns = 0;
}

static int
write_all(struct state *s)
{
	if (state_begin(s) != 0)
		return -1;
	for (const struct state_entry *e = s->first; e != NULL; e = e->next)
		if (write_entry(s, e) != 0)
			return -1;
	return write_lost(s) != 0 || trim(s) != 0 ? -1 : run_sql(s, "COMMIT");
}

int
state_commit(struct state *s)
{
	uint64_t now_ns;

	if (s->first == NULL && s->held.lost == 0 &&
	    sqlite3_get_autocommit(s->db))
		return 0;
	now_ns = clock_boot_ns();
	if (s->failing && now_ns < s->again_ns)
		return -1;
	if (write_all(s) != 0) {
		state_set_problem(s, sqlite3_errmsg(s->db));
		/* SQLite may have done that already (a full disk). */
		if (!sqlite3_get_autocommit(s->db))
			run_sql(s, "ROLLBACK");
		s->failing = true;
		s->again_ns = now_ns + AGAIN_NS;
		return -1;
	}
	s->failing = false;
	s->committed++;
	state_queue_free(s);
	return 0;
}
