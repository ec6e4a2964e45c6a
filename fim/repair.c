/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From losses to gaps, from lists to what was missed. */
#include "fim/repair.h"

#include "fim/fields.h"
#include "fim/own.h"

#include <inttypes.h>
#include <stdlib.h>

#define ALIVE_NS (10 * NS_PER_SEC)
/* Of one go, at the end of a list. */
#define WORK_NS (20 * NS_PER_MS)
/* A fork and its exec lie so far apart; /proc knows times in ticks. */
#define FORK_NS (20 * NS_PER_MS)
/* After a list that could not be compared. */
#define RETRY_NS (10 * NS_PER_SEC)

struct repair {
	struct repair_config config;
	struct ledger *ledger;
	struct gaps *gaps;
	struct clocks clocks;
	bool offline; /* the next list of files is of what was missed */
	bool first;   /* and this one only learns */
	bool partial; /* more was lost while the list in work was made */
	/* A gap of files is open, since then (wall), for which no list has
	 * begun. */
	bool waiting;
	uint64_t since_ns;
	uint64_t n_gaps, alerts;
	/* Of which processes this run and the one before have told. */
	struct gaps_told told, before;
	bool missed;	  /* there was one before, and it has left that */
	uint64_t seen_ns; /* boot; until then nothing is missing */
	uint64_t tick_ns, alive_ns; /* boot; when to look, and to note it */
	uint64_t retry_ns;  /* boot; when to ask for a list; 0 = never */
	uint64_t failed;    /* failures that have been told */
	uint64_t forgotten; /* changes, the same */
	bool forgetting;    /* since something has been stored */
};

/* Of the state folder, which this writes to until its very end, its journal
 * and its signatures tell. */
static bool
is_state(void *ctx, struct view path)
{
	const struct repair *r = ctx;
	const char *part = r->config.host->own != NULL
				   ? own_part(r->config.host->own, path)
				   : NULL;

	return part != NULL && strcmp(part, "state") == 0;
}

struct repair *
repair_open(const struct repair_config *config)
{
	struct ledger_config ledger = {
		.state = config->state,
		.watchset = config->watchset,
		.sink = { pipeline_take, config->pipeline },
	};
	struct repair *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = *config;
	ledger.ignored = is_state;
	ledger.ctx = r;
	r->gaps = gaps_open(config->state, config->folder, config->notes);
	r->ledger = ledger_open(&ledger);
	if (r->gaps == NULL || r->ledger == NULL) {
		repair_close(r);
		return NULL;
	}
	state_commit(config->state); /* tables alone: nobody waits for them */
	r->seen_ns = clock_boot_ns();
	if (r->config.read_clocks == NULL)
		r->config.read_clocks = clocks_read;
	r->config.read_clocks(&r->clocks);
	return r;
}

void
repair_close(struct repair *r)
{
	if (r == NULL)
		return;
	ledger_close(r->ledger);
	gaps_close(r->gaps);
	free(r);
}

static uint64_t
changes_of(const struct repair *r, enum role role)
{
	return pipeline_count(r->config.pipeline).found[role];
}

static void
add(struct repair *r, struct gap *gap)
{
	if (gap->role == ROLE_FILES && gap->again) {
		if (!gaps_is_open(r->gaps, ROLE_FILES) ||
		    gap->from_ns < r->since_ns)
			r->since_ns = gap->from_ns;
		r->waiting = true;
	}
	gap->changes = changes_of(r, gap->role);
	gap->alerts = r->alerts;
	r->n_gaps++;
	gaps_add(r->gaps, gap, clock_boot_ns());
}

/* ---- processes ------------------------------------------------------- */

static uint32_t
boot_number(struct view id)
{
	char text[9] = "";

	memcpy(text, id.p, id.n < 8 ? id.n : 8);
	return (uint32_t)strtoul(text, NULL, 16);
}

static void
note_told(struct repair *r)
{
	r->told.boot = boot_number(r->config.host->boot);
	r->told.until_ns = r->seen_ns;
	gaps_tell(r->gaps, &r->told);
}

bool
repair_missed(const struct repair *r, uint64_t start_ns)
{
	if (!r->missed)
		return false;
	/* After another boot all of them are new. */
	return r->before.boot != r->told.boot ||
	       (start_ns > r->before.alerted_ns &&
		start_ns + FORK_NS > r->before.until_ns);
}

/* ---- start and stop -------------------------------------------------- */

void
repair_start(struct repair *r, bool files, const struct heart_last *last)
{
	uint64_t now_ns = clock_wall_ns(), ended_ns;
	enum gaps_end end = gaps_start(r->gaps, now_ns, last,
				       r->config.host->boot, &ended_ns);
	struct gap gap = {
		.role = ROLE_FILES,
		.from_ns = ended_ns < now_ns ? ended_ns : now_ns,
		.to_ns = now_ns,
		.scope = VIEW("everything"),
		.again = files,
	};
	struct buf cause = { 0 };

	/* Who runs by now is told as at any start. */
	gaps_forgo(r->gaps, ROLE_PROCESSES);
	if (!files)
		gaps_forgo(r->gaps, ROLE_FILES);
	r->first = !ledger_knows(r->ledger);
	r->offline = !r->first;
	r->before = gaps_told(r->gaps);
	r->missed = end != GAPS_FIRST && r->before.boot != 0;
	note_told(r);
	if (end == GAPS_FIRST)
		return;
	buf_printf(&cause, "offline: %s", gaps_end_words(end));
	gap.cause = buf_view(&cause);
	fprintf(r->config.notes, "tocsin: was not running for %.1f s: %s\n",
		(double)(gap.to_ns - gap.from_ns) / 1e9, gaps_end_words(end));
	if (!cause.failed)
		add(r, &gap);
	buf_free(&cause);
}

void
repair_resume(struct repair *r, uint64_t heard_ns)
{
	uint64_t offset_ns = r->config.host->wall_offset_ns;

	gaps_forgo(r->gaps, ROLE_PROCESSES);
	r->first = !ledger_knows(r->ledger);
	r->seen_ns = heard_ns > offset_ns ? heard_ns - offset_ns : 0;
}

static uint64_t
seen_wall_ns(const struct repair *r)
{
	return r->seen_ns + r->config.host->wall_offset_ns;
}

void
repair_stop(struct repair *r)
{
	/* First: on a full disk it undoes what was written before it. */
	ledger_settle(r->ledger);
	gaps_alive(r->gaps, seen_wall_ns(r));
	note_told(r);
	gaps_journal(r->gaps, 0, true);
}

void
repair_end(struct repair *r)
{
	struct ledger_counters c = ledger_count(r->ledger);

	if (c.waiting > 0)
		fprintf(r->config.notes,
			"tocsin: changes of %" PRIu64
			" files were never remembered: %s; the next start "
			"tells them again, as offline\n",
			c.waiting, state_problem(r->config.state));
}

/* ---- losses ---------------------------------------------------------- */

void
repair_lost(struct repair *r, const struct event *e)
{
	uint64_t offset_ns = r->config.host->wall_offset_ns;
	uint64_t from_ns = r->seen_ns < e->time_ns ? r->seen_ns : e->time_ns;
	struct gap gap = {
		.role = e->role,
		.from_ns = from_ns + offset_ns,
		.to_ns = e->time_ns + offset_ns,
		.scope = e->scope,
		.cause = e->cause,
		.lost = e->lost,
		.again = e->again,
	};

	add(r, &gap);
}

/* ---- lists ----------------------------------------------------------- */

static void
say_learned(struct repair *r)
{
	struct ledger_counters c = ledger_count(r->ledger);

	if (r->first)
		fprintf(r->config.notes,
			"tocsin: first start: %" PRIu64
			" files are as they are from now on\n",
			c.files);
	r->first = false;
	if (c.left_out > 0)
		fprintf(r->config.notes,
			"tocsin: %" PRIu64
			" files are not remembered: there are too many\n",
			c.left_out);
	fflush(r->config.notes);
}

static void
close_gap(struct repair *r, enum role role)
{
	gaps_end(r->gaps, role, clock_wall_ns(), clock_boot_ns(),
		 changes_of(r, role), r->alerts);
}

static void
list_again(struct repair *r)
{
	r->retry_ns = clock_boot_ns() + RETRY_NS;
}

/* Loss that came after the list had begun waits for the next one. */
static void
files_compared(struct repair *r)
{
	r->retry_ns = 0;
	say_learned(r);
	if (!r->waiting && !r->partial)
		close_gap(r, ROLE_FILES);
	r->offline = false;
}

/* Until there is nothing to do, or it has taken long enough. */
static void
work(struct repair *r)
{
	uint64_t end_ns = clock_boot_ns() + WORK_NS;
	enum ledger_work left;

	do
		left = ledger_work(r->ledger);
	while (left == LEDGER_MORE && clock_boot_ns() < end_ns);
	if (left == LEDGER_WHOLE)
		files_compared(r);
	else if (left == LEDGER_BROKEN)
		list_again(r);
}

static void
begin_list(struct repair *r)
{
	bool open = gaps_is_open(r->gaps, ROLE_FILES);

	r->waiting = r->partial = false;
	ledger_mark(r->ledger,
		    r->offline ? ATTRIBUTION_OFFLINE : ATTRIBUTION_LOST,
		    open ? r->since_ns : UINT64_MAX);
}

static void
list_files(struct repair *r, const struct event *e)
{
	if (e->kind == EVENT_LIST_BEGIN)
		begin_list(r);
	ledger_take(r->ledger, e);
	if (e->kind != EVENT_LIST_END)
		return;
	r->partial = e->incomplete;
	if (ledger_lists(r->ledger))
		work(r);
	else
		list_again(r);
}

void
repair_list(struct repair *r, const struct event *e)
{
	if (e->role == ROLE_FILES)
		list_files(r, e);
	else if (e->kind == EVENT_LIST_END && !e->incomplete)
		close_gap(r, ROLE_PROCESSES);
}

void
repair_alert(struct repair *r, const struct alert *a)
{
	const struct slot *s = record_get(a->record, FIELD_ATTRIBUTION);
	uint64_t offset_ns = r->config.host->wall_offset_ns;

	/* A summary's time is the end of its window. */
	if (a->suppressed == 0 && a->time_ns > offset_ns + r->told.alerted_ns) {
		r->told.alerted_ns = a->time_ns - offset_ns;
		gaps_alerted(r->gaps, r->told.alerted_ns);
	}
	if (s->n == 1 && s->v[0].type == VALUE_STRING &&
	    (view_eq(s->v[0].s, VIEW("lost")) ||
	     view_eq(s->v[0].s, VIEW("offline"))))
		r->alerts++;
}

/* ---- time ------------------------------------------------------------ */

/* What happened on the host's disks while it slept, nobody has told; a clock
 * that was set only makes times hard to compare. */
static void
check_clocks(struct repair *r)
{
	struct clocks_change c;
	struct clocks now;
	struct buf cause = { 0 };
	struct gap gap = {
		.role = ROLE_FILES,
		.scope = VIEW("everything"),
		.again = true,
	};

	r->config.read_clocks(&now);
	c = clocks_compare(&r->clocks, &now);
	r->clocks = now;
	gap.from_ns = c.before_ns;
	gap.to_ns = c.now_ns;
	if (c.asleep_ns > 0) {
		buf_printf(&cause, "the host was suspended for %.1f s",
			   (double)c.asleep_ns / 1e9);
	} else if (c.set_ns != 0) {
		buf_printf(&cause, "the system clock was set %s by %.1f s",
			   c.set_ns > 0 ? "forward" : "back",
			   (double)(c.set_ns > 0 ? c.set_ns : -c.set_ns) / 1e9);
		gap.role = ROLE_MESSAGES;
		gap.scope = VIEW("times");
		gap.again = false;
	}
	gap.cause = buf_view(&cause);
	if (gap.cause.n > 0) {
		fprintf(r->config.notes, "tocsin: %.*s\n", (int)gap.cause.n,
			gap.cause.p);
		fflush(r->config.notes);
		add(r, &gap);
	}
	if (c.asleep_ns > 0)
		r->config.relist(r->config.ctx);
	buf_free(&cause);
}

static void
say_failures(struct repair *r)
{
	uint64_t failed = gaps_failed(r->gaps) + ledger_count(r->ledger).failed;

	if (failed == r->failed)
		return;
	r->failed = failed;
	fprintf(r->config.notes,
		"tocsin: what files are like could not be remembered: %s\n",
		state_problem(r->config.state));
	fflush(r->config.notes);
}

/* Once for as long as it lasts. */
static void
say_forgotten(struct repair *r)
{
	struct ledger_counters c = ledger_count(r->ledger);

	if (c.forgotten > r->forgotten && !r->forgetting) {
		fputs("tocsin: what files are like cannot be stored, and "
		      "memory for it is full: what else changes may be told "
		      "again, as offline, after the next start\n",
		      r->config.notes);
		fflush(r->config.notes);
		r->forgetting = true;
	}
	r->forgetting &= c.waiting > 0;
	r->forgotten = c.forgotten;
}

void
repair_tick(struct repair *r, uint64_t seen_ns)
{
	uint64_t now_ns = clock_boot_ns();

	if (seen_ns > 0)
		r->seen_ns = seen_ns;
	work(r);
	if (r->retry_ns != 0 && now_ns >= r->retry_ns) {
		r->retry_ns = 0;
		r->config.relist(r->config.ctx);
	}
	if (now_ns < r->tick_ns)
		return;
	r->tick_ns = now_ns + NS_PER_SEC;
	check_clocks(r);
	gaps_journal(r->gaps, now_ns, false);
	say_forgotten(r);
	if (now_ns < r->alive_ns)
		return;
	r->alive_ns = now_ns + ALIVE_NS;
	gaps_alive(r->gaps, seen_wall_ns(r));
	note_told(r);
	say_failures(r);
}

struct repair_counters
repair_count(const struct repair *r)
{
	struct repair_counters c = {
		.gaps = r->n_gaps,
		.alerts = r->alerts,
		.ledger = ledger_count(r->ledger),
	};

	for (int i = 0; i < ROLES; i++) {
		c.changes += changes_of(r, (enum role)i);
		c.open += gaps_is_open(r->gaps, (enum role)i);
	}
	return c;
}
