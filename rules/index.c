/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The candidates of an event; see index.h. */
#include "rules/engine.h"

#include <assert.h>
#include <stdlib.h>

/* Candidates of a kind that are not worth asking who acts. */
#define FEW 8
/* Of an actor; more are not remembered. */
#define MANY 1024
#define KIND_ENTRIES 256 /* a power of two */
#define KIND_TRIES 4	 /* places looked at: kinds are few, and cost much */
#define KIND_BYTES 118	 /* of the key */
#define ACTOR_SETS 512
#define ACTOR_WAYS 4 /* entries of a set */
#define ACTOR_BYTES 208

struct kind_entry {
	uint32_t serial;    /* of what is remembered; 0 = nothing */
	uint16_t n;	    /* bytes of the key */
	uint8_t actors;	    /* the fields that say more, where there are many */
	struct asked asked; /* of the last such event */
	char key[KIND_BYTES];
	struct left left;
	/* Of kinds with more: by stage, where its program goes on; NULL: from
	 * the beginning. */
	uint32_t *entries;
	uint64_t bits[]; /* the stages that live */
};

struct actor_entry {
	uint32_t kind; /* its serial; 0 = nothing is remembered */
	struct left left;
	char key[ACTOR_BYTES]; /* of as many fields as the kind has */
};

/* Parts of the hashes of a set's entries, so that the wrong ones are not looked
 * at; and which were used since the last one had to give way, a bit each. */
struct actor_set {
	uint32_t tags[ACTOR_WAYS];
	uint8_t recent;
};

static struct kind_entry *
kind_at(const struct index_run *run, size_t i)
{
	return (struct kind_entry *)(run->kinds + i * run->kind_stride);
}

/* ---- life ------------------------------------------------------------ */

static int
new_caches(struct index_run *run, const struct rules *set)
{
	const struct index *x = &set->index;

	run->kind_stride =
		sizeof(struct kind_entry) + x->words * sizeof(uint64_t);
	/* Small sets need little room. */
	for (run->n_sets = 1;
	     run->n_sets < ACTOR_SETS && run->n_sets < set->n_stages;)
		run->n_sets *= 2;
	run->kinds = calloc(KIND_ENTRIES + 1, run->kind_stride);
	run->sets = calloc(run->n_sets, sizeof(*run->sets));
	run->actors = calloc(run->n_sets * ACTOR_WAYS, sizeof(*run->actors));
	run->bits = calloc(x->words + 1, sizeof(*run->bits));
	run->alive = calloc(x->words + 1, sizeof(*run->alive));
	run->awake = calloc(x->words + 1, sizeof(*run->awake));
	run->needs = calloc(set->n_stages + 1, sizeof(*run->needs));
	run->past = calloc(set->n_stages + 1, sizeof(*run->past));
	run->reached = calloc(AHEAD_TESTS, sizeof(*run->reached));
	if (run->kinds == NULL || run->sets == NULL || run->actors == NULL ||
	    run->bits == NULL || run->alive == NULL || run->awake == NULL ||
	    run->needs == NULL || run->past == NULL || run->reached == NULL)
		return -1;
	run->n_sleeps = 1;
	memset(run->awake, 0xff, x->words * sizeof(*run->awake));
	for (; run->n_guards < x->n_guards; run->n_guards++) {
		run->guards[run->n_guards] = guard_run_new(x, run->n_guards);
		if (run->guards[run->n_guards] == NULL)
			return -1;
	}
	return 0;
}

struct index_run *
index_run_new(const struct rules *set)
{
	struct index_run *run = calloc(1, sizeof(*run));

	if (run != NULL && new_caches(run, set) < 0) {
		index_run_free(run);
		return NULL;
	}
	return run;
}

void
index_run_free(struct index_run *run)
{
	if (run == NULL)
		return;
	for (size_t i = 0; i < run->n_guards; i++)
		guard_run_free(run->guards[i]);
	for (size_t i = 0; run->kinds != NULL && i <= KIND_ENTRIES; i++) {
		free(kind_at(run, i)->entries);
		free(kind_at(run, i)->left.sets);
	}
	for (size_t i = 0; run->actors != NULL && i < run->n_sets * ACTOR_WAYS;
	     i++)
		free(run->actors[i].left.sets);
	free(run->kinds);
	free(run->sets);
	free(run->actors);
	free(run->bits);
	free(run->alive);
	free(run->awake);
	free(run->needs);
	free(run->past);
	free(run->reached);
	free(run);
}

/* ---- keys ------------------------------------------------------------ */

struct key {
	char *p;
	size_t n, cap;
};

/* Most are shorter than a call of memcpy is worth. */
static inline void
copy_short(char *to, const char *from, size_t n)
{
	if (n > 32) {
		memcpy(to, from, n);
	} else if (n >= 16) {
		memcpy(to, from, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = from[i];
	}
}

static inline uint64_t
load64(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline uint32_t
load32(const char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline bool
same_short(const char *a, const char *b, size_t n)
{
	unsigned differ = 0;

	if (n > 16)
		return memcmp(a, b, n) == 0;
	if (n >= 8)
		return ((load64(a) ^ load64(b)) |
			(load64(a + n - 8) ^ load64(b + n - 8))) == 0;
	if (n >= 4)
		return ((load32(a) ^ load32(b)) |
			(load32(a + n - 4) ^ load32(b + n - 4))) == 0;
	for (size_t i = 0; i < n; i++)
		differ |= (unsigned)(a[i] ^ b[i]);
	return differ == 0;
}

/* Of a value that is no string. */
static inline int64_t
whole(const struct value *v)
{
	return v->type == VALUE_BOOL ? v->b : v->i;
}

/* Values are told apart by type, length and bytes. Returns those written, 0:
 * it has no room or cannot be told. */
static inline size_t
put_value(char *p, size_t room, const struct value *v)
{
	int64_t i;

	if (v->type == VALUE_STRING) {
		if (v->s.n > INT8_MAX || room <= v->s.n)
			return 0;
		p[0] = (char)v->s.n;
		copy_short(p + 1, v->s.p, v->s.n);
		return v->s.n + 1;
	}
	if ((v->type != VALUE_INT && v->type != VALUE_BOOL) ||
	    room <= sizeof(i))
		return 0;
	i = whole(v);
	p[0] = (char)(0x80 | v->type); /* no length */
	memcpy(p + 1, &i, sizeof(i));
	return sizeof(i) + 1;
}

/* All values of a field, and how many there are. False: the key says too
 * little to remember anything by it. */
static bool
put_slot(struct key *k, const struct slot *slot)
{
	size_t n = k->n;

	if (slot->n > UINT8_MAX || n == k->cap)
		return false;
	k->p[n++] = (char)slot->n;
	for (uint32_t i = 0; i < slot->n; i++) {
		size_t put = put_value(k->p + n, k->cap - n, &slot->v[i]);

		if (put == 0)
			return false;
		n += put;
	}
	k->n = n;
	return true;
}

/* Behind the value, if it is the one that was put there; else NULL. */
static inline const char *
past_value(const char *p, const struct value *v)
{
	int64_t i;

	if (v->type == VALUE_STRING)
		return v->s.n <= INT8_MAX && p[0] == (char)v->s.n &&
				       same_short(p + 1, v->s.p, v->s.n)
			       ? p + 1 + v->s.n
			       : NULL;
	i = whole(v);
	return p[0] == (char)(0x80 | v->type) &&
			       memcmp(p + 1, &i, sizeof(i)) == 0
		       ? p + 1 + sizeof(i)
		       : NULL;
}

static inline const char *
past_slot(const char *p, const struct slot *slot)
{
	if (*p++ != (char)slot->n)
		return NULL;
	if (slot->n == 1) /* nearly always */
		return past_value(p, slot->v);
	if (slot->n > UINT8_MAX)
		return NULL;
	for (uint32_t i = 0; i < slot->n && p != NULL; i++)
		p = past_value(p, &slot->v[i]);
	return p;
}

static bool
same_key(const struct key *k, const char *p, size_t n)
{
	return k->n == n && memcmp(k->p, p, n) == 0;
}

static size_t
hash_key(const struct key *k)
{
	return view_hash((struct view){ k->p, k->n });
}

/* Has an evaluation failed since the event came? An answer that it may have
 * gone into is not remembered. */
static bool
has_failed(const struct rules_run *run)
{
	return run_failures(run) != run->failed;
}

/* ---- guards ---------------------------------------------------------- */

const struct guard_says *
index_ask(struct index_run *run, const struct eval *e, size_t g)
{
	struct guard_says *says = &run->says[g];

	if (says->stamp != e->stamp) {
		says->stamp = e->stamp;
		guard_ask(run->guards[g], e->record, says);
	}
	return says;
}

bool
index_knows(struct index_run *run, const struct eval *e, uint32_t leaf,
	    bool *holds)
{
	const struct index *x = &e->set->index;
	struct guard_test t = x->tests[leaf];
	const struct guard_says *says = &run->says[t.guard];

	if (t.guard == GUARDS_MAX)
		return false;
	if (says->stamp != e->stamp) {
		if (!x->guards[t.guard].repeats)
			return false;
		index_ask(run, e, t.guard);
	}
	if (says->holds == NULL)
		return false;
	*holds = says->holds[t.test / 64] >> t.test % 64 & 1;
	return true;
}

void
index_forget(struct index_run *run)
{
	for (size_t i = 0; i < run->n_guards; i++)
		run->says[i].stamp = 0;
}

/* Does the guard care for enough of the stages? */
static bool
cares(const struct guard *g, const uint64_t *bits, size_t words)
{
	unsigned count = 0;

	for (size_t w = 0; w < words; w++)
		for (uint64_t some = bits[w] & ~g->unguarded[w]; some != 0;
		     some &= some - 1)
			if (++count == g->worth)
				return true;
	return false;
}

/* ---- 1. the kind of the event ---------------------------------------- */

/* A stage lives if of each field one of its tests holds. */
static void
fill_bits(struct rules_run *run, uint64_t *bits)
{
	const struct index *x = &run->set->index;
	size_t n_stages = run->set->n_stages;
	uint64_t *alive = run->index->alive;

	memset(bits, 0xff, x->words * sizeof(*bits));
	if (n_stages % 64 != 0)
		bits[x->words - 1] = (1ull << n_stages % 64) - 1;
	for (size_t k = 0; k < x->n_kinds; k++) {
		const struct guard *g = &x->kinds[k];

		memcpy(alive, g->unguarded, x->words * sizeof(*alive));
		for (size_t i = 0; i < g->n; i++)
			if (eval_leaf(&run->eval, g->leaves[i].leaf))
				guard_keep(alive, &g->leaves[i]);
		for (size_t w = 0; w < x->words; w++)
			bits[w] &= alive[w];
	}
}

/* The actor's fields that one in sixteen of the `n` stages asks for. */
static uint8_t
choose_actors(const struct index *x, const uint64_t *bits, size_t n)
{
	size_t count[ACTORS_MAX] = { 0 };
	uint8_t actors = 0;

	for (size_t w = 0; w < x->words; w++)
		for (uint64_t some = bits[w]; some != 0; some &= some - 1) {
			size_t id = w * 64 + (size_t)__builtin_ctzll(some);

			for (size_t i = 0; i < x->n_actors; i++)
				count[i] += x->asks[id] >> i & 1;
		}
	for (size_t i = 0; i < x->n_actors; i++)
		if (count[i] * 16 >= n)
			actors |= (uint8_t)(1u << i);
	return actors;
}

/* Those of another kind that was here are no longer true. */
static void
keep_entries(const struct rules *set, struct kind_entry *e,
	     const struct candidate *v, size_t n)
{
	if (e->entries == NULL)
		e->entries = calloc(set->n_stages, sizeof(*e->entries));
	for (size_t i = 0; i < n && e->entries != NULL; i++)
		e->entries[v[i].stage] = v[i].entry;
}

/* False: for want of memory it is good for this event alone. */
static bool
fill_kind(struct rules_run *run, struct kind_entry *e)
{
	struct ahead ahead = { run->set, &run->eval, 0, run->index->reached };
	struct candidate *v = run->index->past;
	size_t n;

	fill_bits(run, e->bits);
	n = ahead_narrow(&ahead, e->bits, NULL, v);
	e->actors = 0;
	e->asked.n = 0;
	if (n <= FEW && left_fill(&ahead, run->index, &e->left, n))
		return true;
	e->left.n = TOO_MANY;
	keep_entries(run->set, e, v, n);
	if (n <= FEW)
		return false;
	e->actors = choose_actors(&run->set->index, e->bits, n);
	return true;
}

/* Of the next few places the key's own, or the first that is free; if all are
 * taken by others the first of them gives way. */
static struct kind_entry *
find_kind(const struct index_run *run, const struct key *key)
{
	size_t first = hash_key(key);

	for (size_t i = 0; i < KIND_TRIES; i++) {
		struct kind_entry *e = kind_at(run, (first + i) % KIND_ENTRIES);

		if (e->serial == 0 || same_key(key, e->key, e->n))
			return e;
	}
	return kind_at(run, first % KIND_ENTRIES);
}

static struct kind_entry *
kind_of(struct rules_run *run, struct record *r)
{
	const struct index *x = &run->set->index;
	struct index_run *own = run->index;
	char text[KIND_BYTES];
	struct key key = { text, 0, sizeof(text) };
	struct kind_entry *e;
	bool said = true;

	for (size_t k = 0; k < x->n_kinds && said; k++)
		said = put_slot(&key, record_get(r, x->kinds[k].field));
	e = said ? find_kind(own, &key) : kind_at(own, KIND_ENTRIES);
	if (said && e->serial != 0 && same_key(&key, e->key, e->n))
		return e;
	said &= fill_kind(run, e);
	e->serial = 0;
	if (said && !has_failed(run) && own->serial < UINT32_MAX) {
		e->serial = ++own->serial;
		e->n = (uint16_t)key.n;
		memcpy(e->key, text, key.n);
	}
	return e;
}

/* ---- 2. the actor ---------------------------------------------------- */

/* Takes from the stages what guards of these fields do not let live. */
static void
guard_bits(struct rules_run *run, uint8_t actors, uint64_t *bits)
{
	const struct index *x = &run->set->index;

	for (size_t g = 0; g < x->n_guards; g++) {
		const struct guard *guard = &x->guards[g];
		const uint64_t *met;

		if ((actors != 0 && !(guard->actor & actors)) ||
		    !cares(guard, bits, x->words))
			continue;
		met = index_ask(run->index, &run->eval, g)->met;
		for (size_t w = 0; met != NULL && w < x->words; w++)
			bits[w] &= met[w] | guard->unguarded[w];
	}
}

/* The values of the actor's fields, and room for those of the guards. */
struct actor {
	const struct slot *slots[ACTORS_MAX + ASKED_MAX];
	size_t n;
	uint64_t hash;
};

static inline uint64_t
hash_value(uint64_t hash, const struct value *v)
{
	return v->type == VALUE_STRING ? view_hash_more(hash, v->s)
				       : hash_mix(hash, (uint64_t)whole(v));
}

static inline uint64_t
hash_slot(uint64_t hash, const struct slot *slot)
{
	if (slot->n == 1)
		return hash_value(hash, slot->v);
	hash += slot->n;
	for (uint32_t i = 0; i < slot->n; i++)
		hash = hash_value(hash, &slot->v[i]);
	return hash;
}

static bool
is_of(const struct actor_entry *e, const struct actor *a)
{
	const char *p = e->key;

	for (size_t i = 0; i < a->n && p != NULL; i++)
		p = past_slot(p, a->slots[i]);
	return p != NULL;
}

/* NULL: it is not remembered. */
static struct actor_entry *
find_actor(const struct index_run *run, const struct actor *a, uint32_t kind)
{
	size_t at = a->hash & (run->n_sets - 1);
	struct actor_entry *e = &run->actors[at * ACTOR_WAYS];
	struct actor_set *set = &run->sets[at];

	for (unsigned i = 0; i < ACTOR_WAYS; i++)
		if (set->tags[i] == a->hash >> 32 && e[i].kind == kind &&
		    is_of(&e[i], a)) {
			set->recent |= (uint8_t)(1u << i);
			return &e[i];
		}
	return NULL;
}

/* Of its set the one that was not used for the longest gives way. */
static struct actor_entry *
claim_actor(struct index_run *run, const struct actor *a)
{
	size_t at = a->hash & (run->n_sets - 1);
	struct actor_set *set = &run->sets[at];
	unsigned i;

	if (set->recent == (1u << ACTOR_WAYS) - 1)
		set->recent = 0;
	i = (unsigned)__builtin_ctz(~set->recent);
	set->tags[i] = (uint32_t)(a->hash >> 32);
	set->recent |= (uint8_t)(1u << i);
	return &run->actors[at * ACTOR_WAYS + i];
}

static bool
fill_actor(struct rules_run *run, const struct kind_entry *kind,
	   struct actor_entry *e)
{
	struct ahead ahead = { run->set, &run->eval, kind->actors,
			       run->index->reached };
	struct index_run *own = run->index;
	size_t n;

	memcpy(own->bits, kind->bits,
	       run->set->index.words * sizeof(*own->bits));
	guard_bits(run, kind->actors, own->bits);
	n = ahead_narrow(&ahead, own->bits, kind->entries, own->past);
	if (n <= MANY)
		return left_fill(&ahead, own, &e->left, n);
	e->left.n = TOO_MANY;
	return true;
}

static inline const struct slot *
fetch_slot(struct record *r, unsigned field)
{
	const struct slot *slot = record_get(r, field);

	__builtin_prefetch(slot->v);
	return slot;
}

/* The values of these fields lie here and there, perhaps only in memory: they
 * are asked for all at once, so that their bytes are under way while the first
 * are read. What the guards will ask is told by the actor before. */
static void
fetch_values(const struct index *x, struct record *r,
	     const struct kind_entry *kind, struct actor *a)
{
	const struct slot **slots = a->slots;
	size_t n = 0;

	for (unsigned some = kind->actors; some != 0; some &= some - 1)
		slots[n++] = fetch_slot(r, x->actors[__builtin_ctz(some)]);
	a->n = n;
	for (size_t i = 0; i < kind->asked.n; i++)
		slots[n++] = fetch_slot(r, x->guards[kind->asked.v[i]].field);
	for (size_t i = 0; i < n; i++)
		if (slots[i]->n > 0 && slots[i]->v->type == VALUE_STRING)
			__builtin_prefetch(slots[i]->v->s.p);
}

/* NULL: nothing can be remembered by what the event says. */
static __attribute__((noinline)) struct left *
remember_actor(struct rules_run *run, const struct kind_entry *kind,
	       const struct actor *a)
{
	char text[ACTOR_BYTES];
	struct key key = { text, 0, sizeof(text) };
	struct actor_entry *e;

	for (size_t i = 0; i < a->n; i++)
		if (!put_slot(&key, a->slots[i]))
			return NULL;
	e = claim_actor(run->index, a);
	e->kind = 0;
	if (!fill_actor(run, kind, e))
		return NULL;
	e->kind = has_failed(run) ? 0 : kind->serial;
	memcpy(e->key, text, key.n);
	return &e->left;
}

static struct left *
left_of_actor(struct rules_run *run, struct record *r,
	      const struct kind_entry *kind)
{
	struct actor_entry *e;
	struct actor a;

	if (kind->serial == 0 || kind->actors == 0)
		return NULL;
	fetch_values(&run->set->index, r, kind, &a);
	a.hash = kind->serial;
	for (size_t i = 0; i < a.n; i++)
		a.hash = hash_slot(a.hash, a.slots[i]);
	e = find_actor(run->index, &a, kind->serial);
	return e != NULL ? &e->left : remember_actor(run, kind, &a);
}

/* ---- 3. the rest of the event ---------------------------------------- */

/* Where nothing is remembered. */
static struct candidates
past_all_guards(struct rules_run *run, const struct kind_entry *kind)
{
	struct ahead ahead = { run->set, &run->eval, 0, run->index->reached };
	struct index_run *own = run->index;
	size_t n;

	memcpy(own->bits, kind->bits,
	       run->set->index.words * sizeof(*own->bits));
	for (size_t w = 0; w < run->set->index.words; w++)
		own->bits[w] &= own->awake[w];
	guard_bits(run, 0, own->bits);
	n = ahead_narrow(&ahead, own->bits, kind->entries, own->past);
	return (struct candidates){ own->past, n };
}

struct candidates
index_candidates(struct rules_run *run, struct record *r)
{
	struct kind_entry *kind = kind_of(run, r);
	struct left *left = &kind->left;

	if (left->n == TOO_MANY)
		left = left_of_actor(run, r, kind);
	if (left == NULL || left->n == TOO_MANY)
		return past_all_guards(run, kind);
	return left_pass(run, left, &kind->asked);
}
