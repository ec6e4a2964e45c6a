/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts that say the same, by a digest of the values that count. */
#include "fim/suppress.h"

#include <sodium.h>
#include <stdlib.h>

#define GROUPS_MAX 4096
#define PLACES 4 /* of these, by digest, a group has one */

/* Alerts that say the same. */
struct group {
	uint8_t digest[16]; /* of rule and values */
	uint64_t until_ns;  /* 0 = free */
};

struct suppress {
	const struct rules *rules;
	struct group groups[GROUPS_MAX];
	struct group now; /* checked last; free: not to be kept */
};

struct suppress *
suppress_new(const struct rules *rules)
{
	struct suppress *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->rules = rules;
	return s;
}

void
suppress_free(struct suppress *s)
{
	free(s);
}

/* ---- what is the same ------------------------------------------------ */

/* Lengths keep ("a","bc") and ("ab","c") apart. */
static void
add(crypto_generichash_state *h, const void *bytes, uint64_t n)
{
	crypto_generichash_update(h, (const void *)&n, sizeof(n));
	crypto_generichash_update(h, bytes, n);
}

static void
add_value(crypto_generichash_state *h, const struct value *v)
{
	switch (v->type) {
	case VALUE_STRING:
		add(h, v->s.p, v->s.n);
		break;
	case VALUE_INT:
		add(h, &v->i, sizeof(v->i));
		break;
	case VALUE_REAL:
		add(h, &v->d, sizeof(v->d));
		break;
	case VALUE_BOOL:
		add(h, &v->b, sizeof(v->b));
		break;
	}
}

static void
add_values(crypto_generichash_state *h, const struct value *v, uint32_t n)
{
	add(h, &n, sizeof(n));
	for (uint32_t i = 0; i < n; i++)
		add_value(h, &v[i]);
}

/* A field that is missing is a value of its own, as Kibana's strategy
 * "suppress" has it. False: by the other strategy it belongs to no group, or
 * what is left of an earlier event (evidence.c) does not tell. */
static bool
add_fields(const struct suppress *s, crypto_generichash_state *h,
	   struct record *r, size_t rule_index)
{
	const struct rule *rule = rules_at(s->rules, rule_index);
	const unsigned *fields;
	size_t n = rules_suppress_by(s->rules, rule_index, &fields);

	for (size_t i = 0; i < n; i++) {
		const struct slot *slot;

		if (fields[i] >= r->n_slots)
			return false;
		slot = record_get(r, fields[i]);
		if (slot->n == 0 && rule->suppress_not_missing)
			return false;
		add_values(h, slot->v, slot->n);
	}
	return true;
}

/* Of a threshold, where a field has several values, each is a group. */
static bool
make_digest(const struct suppress *s, struct record *r,
	    const struct rules_match *match, uint8_t digest[16])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, 16);
	add(&h, match->rule->id.p, match->rule->id.n);
	if (match->rule->kind == RULE_THRESHOLD)
		add_values(&h, match->terms, (uint32_t)match->n_terms);
	else if (!add_fields(s, &h, r, match->rule_index))
		return false;
	crypto_generichash_final(&h, digest, 16);
	return true;
}

/* ---- groups ---------------------------------------------------------- */

/* Its place, or the one that it gets: a free one, or that of the group which
 * ends first. */
static struct group *
place_of(struct suppress *s, const struct group *g)
{
	size_t at = (g->digest[0] | g->digest[1] << 8) % GROUPS_MAX;
	struct group *v = &s->groups[at - at % PLACES], *best = v;

	for (size_t i = 0; i < PLACES; i++) {
		if (memcmp(v[i].digest, g->digest, sizeof(g->digest)) == 0)
			return &v[i];
		if (v[i].until_ns < best->until_ns)
			best = &v[i];
	}
	return best;
}

bool
suppress_check(struct suppress *s, struct record *r,
	       const struct rules_match *match)
{
	struct group *g = &s->now;
	const struct group *there;

	*g = (struct group){ 0 };
	if (match->rule->suppress_ns == 0 ||
	    !make_digest(s, r, match, g->digest))
		return false;
	if (__builtin_add_overflow(r->time_ns, match->rule->suppress_ns,
				   &g->until_ns))
		g->until_ns = UINT64_MAX;
	there = place_of(s, g);
	return r->time_ns < there->until_ns &&
	       memcmp(there->digest, g->digest, sizeof(g->digest)) == 0;
}

void
suppress_remember(struct suppress *s)
{
	if (s->now.until_ns != 0)
		*place_of(s, &s->now) = s->now;
	s->now.until_ns = 0;
}
