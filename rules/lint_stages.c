/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which events a rule, or a stage of it, can be about; and what follows from
 * that for the time between stages.
 */
#include "rules/lint.h"

/* ---- possible events ------------------------------------------------- */

static bool
could_be(const struct rules *set, const struct node *cond,
	 const struct rules_given *given, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!check_possible_of(set, cond, (int)given[i].field,
				       given[i].words))
			return false;
	return true;
}

/* What stands in brackets is about events of its own. */
static bool
could_lead(const struct rules *set, const struct node *cond,
	   const struct rules_given *given, size_t n)
{
	if (cond->kind == NODE_LINEAGE &&
	    could_be(set, cond->kids[0], given, n))
		return true;
	for (size_t i = 0; i < cond->n; i++)
		if (could_lead(set, cond->kids[i], given, n))
			return true;
	return false;
}

int
rules_could_match(const struct rules *set, size_t i,
		  const struct rules_given *given, size_t n)
{
	struct lint l = { .set = set };
	const struct query *q = NULL;
	bool could = false;

	if (set->rules[i].status == RULE_OK)
		q = lint_parse(&l, &set->sources[i]);
	for (size_t k = 0; q != NULL && k < q->n && !could; k++)
		could = could_be(set, q->stages[k].cond, given, n) ||
			could_lead(set, q->stages[k].cond, given, n);
	if (q != NULL && q->until.cond != NULL)
		could |= could_be(set, q->until.cond, given, n);
	return lint_finish(&l) < 0 ? -1 : could;
}

/* ---- the time between stages ----------------------------------------- */

enum source { SOURCE_RING, SOURCE_FILES, SOURCE_JOURNAL, SOURCES };

static const struct {
	const char *category; /* "" = none */
	enum source source;
} categories[] = {
	{ "process", SOURCE_RING },
	{ "network", SOURCE_RING },
	{ "driver", SOURCE_RING },
	{ "file", SOURCE_FILES },
	{ "authentication", SOURCE_JOURNAL },
	{ "session", SOURCE_JOURNAL },
	{ "iam", SOURCE_JOURNAL },
	{ "", SOURCE_JOURNAL },
};

/*
 * What may lie between the times of two events that happened at once, rounded
 * up. The kernel stamps those of the ring; fanotify's bear no time and are read
 * some 20 ms later at worst; messages have journald's time, but it tells of
 * them 250 ms later, and no event gets an earlier time than the one before it.
 */
struct skew {
	enum source one, other;
	unsigned ms;
	const char *why;
};

static const struct skew skews[] = {
	{ SOURCE_JOURNAL, SOURCE_JOURNAL, 300,
	  "messages are known up to 250 ms after they were written" },
	{ SOURCE_JOURNAL, SOURCE_RING, 300,
	  "messages are known up to 250 ms after process and network events" },
	{ SOURCE_JOURNAL, SOURCE_FILES, 300,
	  "messages are known up to 250 ms after file events" },
	{ SOURCE_FILES, SOURCE_RING, 50,
	  "file events are known up to 20 ms after process and network "
	  "events" },
	{ SOURCE_FILES, SOURCE_FILES, 20,
	  "file events are known up to 20 ms after they happened" },
};

static bool
is_of(const struct lint *l, const struct node *cond, enum source source)
{
	int category = rules_field_find(l->set, VIEW("event.category"));

	for (size_t i = 0; i < ARRAY_LEN(categories); i++)
		if (categories[i].source == source &&
		    check_possible_of(l->set, cond, category,
				      categories[i].category))
			return true;
	return false;
}

/* Stage `i`, of which until is the last; NULL = there is none. */
static const struct query_stage *
stage_at(const struct query *q, size_t i)
{
	if (i < q->n)
		return &q->stages[i];
	return q->until.cond != NULL ? &q->until : NULL;
}

/* Is one event of each wanted, or several of a stage? */
static bool
has_pair(const struct lint *l, const struct query *q, const struct skew *skew)
{
	for (size_t i = 0; i <= q->n; i++) {
		const struct query_stage *a = stage_at(q, i);

		for (size_t k = 0; a != NULL && k <= q->n; k++) {
			const struct query_stage *b = stage_at(q, k);

			if (b != NULL && (i != k || a->runs > 1) &&
			    is_of(l, a->cond, skew->one) &&
			    is_of(l, b->cond, skew->other))
				return true;
		}
	}
	return false;
}

void
lint_maxspan(struct lint *l, const struct query *q)
{
	if (q->kind != QUERY_SEQUENCE || !q->has_maxspan)
		return;
	if (q->maxspan_ns == 0) {
		lint_find(l, "short-maxspan", q->maxspan_at,
			  "with a maxspan of 0 all events must have the same "
			  "time; none will");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(skews); i++) {
		const struct skew *s = &skews[i];

		if (q->maxspan_ns >= s->ms * NS_PER_MS || !has_pair(l, q, s))
			continue;
		lint_find(l, "short-maxspan", q->maxspan_at,
			  "%s; give a sequence of them a maxspan of %ums or "
			  "more",
			  s->why, s->ms);
		return;
	}
}
