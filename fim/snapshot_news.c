/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of type new_terms on what exists: new is what the monitor's history
 * has not, if it is younger than what the monitor had to learn first, and if
 * the monitor has seen anything by that rule at all. Everything else was there
 * before anybody watched, and would all be new.
 */
#include "fim/fields.h"
#include "fim/snapshot.h"
#include "fim/state_read.h"

static void
on_term(void *ctx, struct view rule_id, const uint8_t key[16],
	uint64_t last_seen_ns)
{
	struct snapshot *s = ctx;

	for (size_t i = 0; i < rules_count(s->rules); i++)
		if (view_eq(rules_at(s->rules, i)->id, rule_id))
			s->recalled[i] = true;
	pipeline_remember(s->pipeline, rule_id, key, last_seen_ns);
}

void
snapshot_recall(struct snapshot *s, const char *state, uint64_t learning_ns)
{
	enum state_found found;
	struct buf why = { 0 };
	struct state_reader *reader = state_reader_open(state, &found, &why);
	bool fine = found != STATE_UNREADABLE;

	buf_putc(&why, '\0');
	if (reader != NULL) {
		s->news_from_ns = state_reader_first_start(reader);
		fine = state_reader_each_term(reader, on_term, s) == 0;
	}
	if (s->news_from_ns == 0)
		s->news_from_ns = UINT64_MAX;
	else
		s->news_from_ns += learning_ns;
	if (!fine)
		s->note(s->ctx, "what the monitor has seen before",
			why.failed || why.n < 2 ? "cannot be read" : why.p);
	state_reader_close(reader);
	buf_free(&why);
}

/* Both are as buf_rfc3339 writes them. */
static bool
started_since(struct record *r, uint64_t from_ns)
{
	const struct slot *start = record_get(r, FIELD_PROCESS_START);
	struct buf from = { 0 };
	bool since;

	buf_rfc3339(&from, from_ns);
	since = start->n > 0 && !from.failed &&
		view_cmp(start->v[0].s, buf_view(&from)) >= 0;
	buf_free(&from);
	return since;
}

bool
snapshot_is_news(const struct snapshot *s, struct record *r,
		 const struct rules_match *match)
{
	if (match->rule->kind != RULE_NEW_TERMS)
		return true;
	if (!s->recalled[match->rule_index] || s->news_from_ns == UINT64_MAX)
		return false;
	if (s->entry != NULL)
		return s->entry->ctime_ns >= s->news_from_ns;
	return started_since(r, s->news_from_ns);
}
