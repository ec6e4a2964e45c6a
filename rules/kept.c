/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of fields of events that are gone. */
#include "rules/kept.h"

#include <stdlib.h>

int
kept_add(struct kept **list, unsigned field, const struct slot *slot)
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
kept_free(struct kept *list)
{
	while (list != NULL) {
		struct kept *next = list->next;

		free(list);
		list = next;
	}
}

void
kept_recall(const struct kept *list, const struct rule_code *c,
	    struct slot *slots)
{
	for (size_t i = 0; i < c->n_earlier; i++)
		slots[c->earlier[i]] = (struct slot){ 0 };
	for (const struct kept *k = list; k != NULL; k = k->next)
		if (slots[k->field].v == NULL)
			slots[k->field] = (struct slot){ .n = k->n, .v = k->v };
}
