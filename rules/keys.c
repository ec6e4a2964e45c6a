/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Join keys of events, and tables of what is remembered by key. A table keeps
 * its groups in the order of last use, so that the oldest can be evicted and
 * the expired found without a search. Nothing depends on where the hash puts
 * a group, so runs are reproducible.
 */
#include "rules/engine.h"

#include <stdlib.h>

/* ---- keys of an event ------------------------------------------------ */

struct choice {
	const struct slot *slots[QUERY_KEYS_MAX];
	uint32_t at[QUERY_KEYS_MAX];
};

static bool
same_value(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_STRING || b->type == VALUE_STRING)
		return a->type == b->type && view_eq(a->s, b->s);
	return value_compare(CMP_EQ, a, b, RULES_ANY);
}

/* Has the value stood earlier in its array? */
static bool
is_repeat(const struct slot *slot, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (same_value(&slot->v[i], &slot->v[at]))
			return true;
	return false;
}

static bool
next_choice(struct choice *c, size_t n)
{
	for (size_t k = n; k-- > 0;) {
		if (++c->at[k] < c->slots[k]->n)
			return true;
		c->at[k] = 0;
	}
	return false;
}

/* The key of the values chosen, NULL for those missing. False: one of them has
 * been chosen before. */
static bool
put_choice(struct buf *key, const struct choice *c, size_t n,
	   const struct value **values)
{
	buf_clear(key);
	for (size_t k = 0; k < n; k++) {
		const struct slot *slot = c->slots[k];

		if (slot->n == 0) {
			values[k] = NULL;
			buf_putc(key, '\xff');
			continue;
		}
		if (c->at[k] > 0 && is_repeat(slot, c->at[k]))
			return false;
		values[k] = &slot->v[c->at[k]];
		value_encode(key, values[k]);
	}
	return true;
}

void
keys_each(struct rules_run *run, struct record *r, const struct join_key *keys,
	  size_t n, struct key_each each)
{
	const struct value *values[QUERY_KEYS_MAX];
	struct choice c;

	for (size_t k = 0; k < n; k++) {
		c.at[k] = 0;
		c.slots[k] = record_get(r, keys[k].field);
		if (c.slots[k]->n == 0 && !keys[k].optional)
			return;
	}
	for (unsigned tried = 0; tried < KEY_COMBINATIONS_MAX; tried++) {
		bool new = put_choice(&run->key, &c, n, values);

		if (run->key.failed) {
			run->key.failed = false;
			run->counters.no_memory++;
			return;
		}
		if (new)
			each.call(each.ctx, buf_view(&run->key), values);
		if (!next_choice(&c, n))
			return;
	}
	run->counters.sequences_evicted++;
}

/* ---- tables of groups ------------------------------------------------ */

struct group *
group_find(const struct group_table *t, struct view key)
{
	uint64_t hash = view_hash(key);
	struct group *g;

	if (t->buckets == NULL)
		return NULL;
	for (g = t->buckets[hash & t->mask]; g != NULL; g = g->next)
		if (g->hash == hash &&
		    view_eq((struct view){ g->key, g->key_n }, key))
			return g;
	return NULL;
}

static int
grow_table(struct group_table *t)
{
	size_t size = t->buckets == NULL ? 64 : (t->mask + 1) * 2;
	struct group **buckets;

	if (t->buckets != NULL && t->n < size / 2)
		return 0;
	buckets = calloc(size, sizeof(*buckets));
	if (buckets == NULL)
		return t->buckets == NULL ? -1 : 0; /* longer chains */
	for (struct group *g = t->oldest; g != NULL; g = g->newer) {
		struct group **bucket = &buckets[g->hash & (size - 1)];

		g->next = *bucket;
		*bucket = g;
	}
	free(t->buckets);
	t->buckets = buckets;
	t->mask = size - 1;
	return 0;
}

static void
unlink_use(struct group_table *t, struct group *g)
{
	if (g->newer != NULL)
		g->newer->older = g->older;
	else
		t->newest = g->older;
	if (g->older != NULL)
		g->older->newer = g->newer;
	else
		t->oldest = g->newer;
}

static void
link_newest(struct group_table *t, struct group *g)
{
	g->newer = NULL;
	g->older = t->newest;
	if (t->newest != NULL)
		t->newest->newer = g;
	else
		t->oldest = g;
	t->newest = g;
}

static struct group *
make_group(struct group_table *t, struct view key)
{
	struct group *g = t->spare;
	char *room;

	if (g != NULL)
		t->spare = g->next;
	else
		g = calloc(1, t->size);
	if (g == NULL)
		return NULL;
	if (g->key_cap < key.n || g->key == NULL) {
		room = realloc(g->key, key.n + 1);
		if (room == NULL) {
			g->next = t->spare;
			t->spare = g;
			return NULL;
		}
		g->key = room;
		g->key_cap = (uint32_t)key.n;
	}
	room = g->key;
	*g = (struct group){ .key = room,
			     .key_cap = g->key_cap,
			     .key_n = (uint32_t)key.n };
	memset((char *)g + sizeof(*g), 0, t->size - sizeof(*g));
	if (key.n > 0)
		memcpy(room, key.p, key.n);
	return g;
}

struct group *
group_get(struct group_table *t, struct view key)
{
	struct group *g = group_find(t, key);
	struct group **bucket;

	if (g != NULL)
		return g;
	if (key.n > UINT32_MAX || grow_table(t) < 0)
		return NULL;
	g = make_group(t, key);
	if (g == NULL)
		return NULL;
	g->hash = view_hash(key);
	bucket = &t->buckets[g->hash & t->mask];
	g->next = *bucket;
	*bucket = g;
	link_newest(t, g);
	t->n++;
	return g;
}

void
group_touch(struct group_table *t, struct group *g, uint64_t now_ns)
{
	g->touched_ns = now_ns;
	if (t->newest == g)
		return;
	unlink_use(t, g);
	link_newest(t, g);
}

void
group_drop(struct group_table *t, struct group *g)
{
	struct group **at = &t->buckets[g->hash & t->mask];

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	unlink_use(t, g);
	t->n--;
	g->next = t->spare;
	t->spare = g;
}

void
group_table_free(struct group_table *t)
{
	struct group *next;

	for (struct group *g = t->oldest; g != NULL; g = next) {
		next = g->newer;
		free(g->key);
		free(g);
	}
	for (struct group *g = t->spare; g != NULL; g = next) {
		next = g->next;
		free(g->key);
		free(g);
	}
	free(t->buckets);
	*t = (struct group_table){ .size = t->size };
}
