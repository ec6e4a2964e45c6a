/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * new_terms: a tuple of values is reported when it was not seen in the
 * history window before the event. What is kept of a tuple is a digest and
 * the time of its last sight. The digest is the same in every run, because it
 * is stored; BLAKE2b, so that nobody can make two tuples collide. Most tuples
 * come again and again, so the last digests are kept, by rule and values.
 */
#include "rules/engine.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define KEY_BYTES 16
static_assert(KEY_BYTES >= crypto_generichash_BYTES_MIN, "digest too short");

struct term {
	struct group g;
	uint64_t seen_ns, stored_ns;
};

struct terms_run {
	const struct rule_code *code;
	struct group_table table;
	size_t cap;
	struct join_key *keys;
	struct buf names; /* of the fields, hashed with the values */
};

static void
make_digest(const struct terms_run *t, struct view values,
	    uint8_t out[KEY_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, KEY_BYTES);
	crypto_generichash_update(&state, (const uint8_t *)t->names.p,
				  t->names.n);
	crypto_generichash_update(&state, (const uint8_t *)values.p, values.n);
	crypto_generichash_final(&state, out, KEY_BYTES);
}

#define DIGESTS 2048	  /* in pairs */
#define DIGEST_VALUES 108 /* bytes; of more it is not kept */

struct digest {
	const struct terms_run *of; /* NULL = empty */
	uint32_t n;
	char values[DIGEST_VALUES];
	uint8_t digest[KEY_BYTES];
};

static bool
is_digest_of(const struct digest *d, const struct terms_run *t,
	     struct view values)
{
	return d->of == t && d->n == values.n &&
	       memcmp(d->values, values.p, values.n) == 0;
}

/* Borrowed until the next. Of a pair the second gives way. */
static const uint8_t *
find_digest(struct rules_run *run, const struct terms_run *t,
	    struct view values)
{
	struct digest *pair =
		&run->digests[(view_hash(values) + t->code->rule) %
			      (DIGESTS / 2) * 2];

	if (is_digest_of(&pair[0], t, values))
		return pair[0].digest;
	if (is_digest_of(&pair[1], t, values))
		return pair[1].digest;
	pair[1] = pair[0];
	make_digest(t, values, pair->digest);
	pair->of = values.n <= DIGEST_VALUES ? t : NULL;
	pair->n = (uint32_t)values.n;
	if (pair->of != NULL)
		memcpy(pair->values, values.p, values.n);
	return pair->digest;
}

static struct view
digest_view(const uint8_t key[KEY_BYTES])
{
	return (struct view){ (const char *)key, KEY_BYTES };
}

/* NULL: memory is out. The oldest goes when there are too many. */
static struct term *
term_get(struct rules_run *run, struct terms_run *t,
	 const uint8_t key[KEY_BYTES])
{
	size_t before = t->table.n;
	struct term *term =
		(struct term *)group_get(&t->table, digest_view(key));

	if (term == NULL) {
		run->counters.no_memory++;
		return NULL;
	}
	run->counters.terms += t->table.n - before;
	if (t->table.n > t->cap) {
		group_drop(&t->table, t->table.oldest);
		run->counters.terms--;
		run->counters.terms_evicted++;
	}
	return term;
}

struct visit {
	struct rules_run *run;
	struct terms_run *t;
	struct record *r;
	bool reported;
};

static void
report(struct visit *v, const struct value **values)
{
	const struct rule_code *c = v->t->code;
	struct rules_hit hit = { .time_ns = v->r->time_ns, .seq = v->r->seq };
	struct value terms[QUERY_KEYS_MAX];

	for (size_t i = 0; i < c->n_fields; i++)
		terms[i] = *values[i];
	run_emit(v->run, c,
		 &(struct emit_args){ .hits = &hit,
				      .n = 1,
				      .newest = v->r,
				      .terms = terms,
				      .term_fields = c->fields,
				      .n_terms = c->n_fields });
}

static void
store(struct visit *v, struct term *term, const uint8_t key[KEY_BYTES])
{
	const struct rules_sink *sink = &v->run->sink;

	term->stored_ns = term->seen_ns;
	if (sink->term != NULL)
		sink->term(sink->ctx, &v->run->set->rules[v->t->code->rule],
			   key, term->seen_ns);
}

static void
visit_tuple(void *ctx, struct view key, const struct value **values)
{
	struct visit *v = ctx;
	uint64_t window = v->t->code->window_ns, now = v->r->time_ns;
	const uint8_t *digest = find_digest(v->run, v->t, key);
	struct term *term;
	bool new;

	term = term_get(v->run, v->t, digest);
	if (term == NULL)
		return;
	new = term->g.touched_ns == 0 ||
	      (now > term->seen_ns && now - term->seen_ns > window);
	if (now > term->seen_ns)
		term->seen_ns = now;
	group_touch(&v->t->table, &term->g, now > 0 ? now : 1);
	if (new || term->seen_ns - term->stored_ns > window / 100)
		store(v, term, digest);
	/* One act is one alert, also where a field has several values (a file
	 * under two names, a program as given and made absolute). */
	if (new && !v->reported && now >= v->run->options.learn_until_ns) {
		v->reported = true;
		report(v, values);
	}
}

void
terms_feed(struct rules_run *run, struct terms_run *t, struct record *r)
{
	struct visit v = { .run = run, .t = t, .r = r };

	keys_each(run, r, t->keys, t->code->n_fields,
		  (struct key_each){ .call = visit_tuple, .ctx = &v });
}

void
terms_remember(struct rules_run *run, struct terms_run *t,
	       const uint8_t key[KEY_BYTES], uint64_t last_seen_ns)
{
	struct term *term = term_get(run, t, key);

	if (term == NULL || last_seen_ns < term->seen_ns)
		return;
	term->seen_ns = term->stored_ns = last_seen_ns;
	group_touch(&t->table, &term->g, last_seen_ns > 0 ? last_seen_ns : 1);
}

struct terms_run *
terms_new(struct rules_run *run, const struct rule_code *code, size_t cap)
{
	struct terms_run *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (run->digests == NULL)
		run->digests = calloc(DIGESTS, sizeof(*run->digests));
	t->code = code;
	t->cap = cap;
	t->table.size = sizeof(struct term);
	t->keys = calloc(code->n_fields + 1, sizeof(*t->keys));
	for (size_t i = 0; i < code->n_fields && t->keys != NULL; i++) {
		const char *name = set_field_name(run->set, code->fields[i]);

		t->keys[i].field = code->fields[i];
		buf_put(&t->names, (struct view){ name, strlen(name) + 1 });
	}
	if (t->keys == NULL || t->names.failed || run->digests == NULL) {
		terms_free(t);
		return NULL;
	}
	return t;
}

void
terms_free(struct terms_run *t)
{
	if (t == NULL)
		return;
	group_table_free(&t->table);
	buf_free(&t->names);
	free(t->keys);
	free(t);
}
