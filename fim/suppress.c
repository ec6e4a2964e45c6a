/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts that say the same, by a digest of the values that count. */
#include "fim/suppress.h"

#include <sodium.h>
#include <stdlib.h>

#define SAID_MAX 4096

struct said {
	uint8_t digest[16];
	uint64_t until_ns; /* 0 = free */
};

struct suppress {
	const struct rules *rules;
	struct said said[SAID_MAX]; /* by digest; the newer takes the place */
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

/* A field that is missing is a value of its own, as Kibana's strategy
 * "suppress" has it. */
static void
add_field(const struct suppress *s, crypto_generichash_state *h,
	  struct view name, struct record *r)
{
	int field = rules_field_find(s->rules, name);
	const struct slot *slot =
		field < 0 ? NULL : record_get(r, (unsigned)field);
	uint32_t n = slot == NULL ? 0 : slot->n;

	add(h, &n, sizeof(n));
	for (uint32_t i = 0; i < n; i++)
		add_value(h, &slot->v[i]);
}

bool
suppress_check(struct suppress *s, size_t rule_index, struct record *r)
{
	const struct rule *rule = rules_at(s->rules, rule_index);
	crypto_generichash_state h;
	struct said now, *there;

	if (rule->suppress_ns == 0)
		return false;
	crypto_generichash_init(&h, NULL, 0, sizeof(now.digest));
	add(&h, rule->id.p, rule->id.n);
	for (size_t i = 0; i < rule->suppress_by.n; i++)
		add_field(s, &h, rule->suppress_by.v[i], r);
	crypto_generichash_final(&h, now.digest, sizeof(now.digest));
	there = &s->said[(now.digest[0] | now.digest[1] << 8) % SAID_MAX];
	if (r->time_ns < there->until_ns &&
	    memcmp(there->digest, now.digest, sizeof(now.digest)) == 0)
		return true;
	now.until_ns = r->time_ns + rule->suppress_ns;
	*there = now;
	return false;
}
