/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of fields of events that are gone. */
#include "rules/kept.h"

#include <stdlib.h>

/* -1: no memory. */
static int
add(struct kept **list, unsigned field, const struct slot *slot)
{
	size_t size = sizeof(struct kept) + slot->n * sizeof(struct value);
	struct kept *k;
	char *text;

	for (uint32_t i = 0; i < slot->n; i++)
		if (slot->v[i].type == VALUE_STRING)
			size += slot->v[i].s.n;
	k = malloc(size);
	if (k == NULL)
		return -1;
	k->field = field;
	k->n = slot->n;
	text = (char *)&k->v[slot->n];
	for (uint32_t i = 0; i < slot->n; i++) {
		k->v[i] = slot->v[i];
		if (k->v[i].type != VALUE_STRING || k->v[i].s.n == 0)
			continue;
		memcpy(text, k->v[i].s.p, k->v[i].s.n);
		k->v[i].s.p = text;
		text += k->v[i].s.n;
	}
	k->next = *list;
	*list = k;
	return 0;
}

void
kept_add(struct kept **list, struct rules_run *run, const struct rule_code *c,
	 unsigned stage, struct record *r)
{
	for (size_t i = 0; i < c->n_earlier; i++) {
		const struct earlier_field *f =
			&run->set->earlier[c->earlier[i]];

		if (f->stage == stage &&
		    add(list, c->earlier[i], record_get(r, f->field)) < 0)
			run->counters.no_memory++;
	}
}

void
kept_free(struct kept *list)
{
	while (list != NULL) {
		struct kept *next = list->next;

		free(list);
		list = next;
	}
}

/* Into `slots`, by index of set->earlier. */
static void
recall(const struct kept *list, const struct rule_code *c, struct slot *slots)
{
	for (size_t i = 0; i < c->n_earlier; i++)
		slots[c->earlier[i]] = (struct slot){ 0 };
	for (const struct kept *k = list; k != NULL; k = k->next)
		if (slots[k->field].v == NULL)
			slots[k->field] = (struct slot){ .n = k->n, .v = k->v };
}

bool
kept_fits(const struct kept *list, struct rules_run *run,
	  const struct rule_code *c, unsigned stage)
{
	const struct program *joint = &c->stages[stage].joint;

	if (joint->n == 0)
		return true;
	recall(list, c, run->earlier);
	return run_joint(run, joint);
}
