/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running rules when the Nth allocation fails, for N = 1, 2, … until all
 * succeed: nothing crashes, every pin is given back, and what was lost is
 * counted. malloc is replaced in this program, which a sanitizer does not
 * like: there the test is skipped.
 */
#include "rules/engine.h"
#include "tests/unit/nomem_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char *const queries[] = {
	"sequence by k with maxspan=9s [any where n == 1] with runs=2 "
	"![any where n == 2] [any where n == 3] ![any where n == 4] until "
	"[any where n == 7]",
	"sequence [any where n == 1] [any where n == 2] [any where n == 3] | "
	"tail 2",
	"sequence [any where n == 1] as e [any where concat(e.s, e.n) != k "
	"and n == e.k] [any where s == e.s]",
	"sample by k [any where n < 4] [any where n > 2]",
	"any where concat(k, n, k) : \"*1*\" or s : \"A*B\" or s in~ (\"x\") "
	"or substring(s, 1) regex~ \"b.*\"",
	"any where n > 2 | tail 3",
	"any where descendant of [any where child of [any where n < 3] and "
	"n > 1] or event of [any where n == 4]",
};

struct feed {
	struct rules *set;
	struct value v[8][3];
	long pins;
	unsigned i;
};

static void
fill(struct record *r, unsigned field)
{
	struct feed *f = r->ctx;
	const char *name = rules_field_name(f->set, field);
	struct value *v = f->v[field % 8];
	static const char *const texts[] = { "a", "axxb", "abc" };

	r->slots[field].v = v;
	r->slots[field].n = 1;
	if (name[0] == 'n') {
		v[0] = (struct value){ .type = VALUE_INT, .i = f->i % 8 };
	} else {
		v[0] = (struct value){ .type = VALUE_STRING,
				       .s = view_of(texts[f->i % 3]) };
		v[1] = (struct value){ .type = VALUE_STRING,
				       .s = view_of(texts[f->i % 2]) };
		r->slots[field].n = 2;
	}
}

static void *
pin(struct record *r)
{
	((struct feed *)r->ctx)->pins++;
	return r->ctx;
}

static void
unpin(void *pinned)
{
	((struct feed *)pinned)->pins--;
}

static void
feed_all(struct feed *f, struct slot *slots, struct rules_counters *counters)
{
	struct record r = { .slots = slots,
			    .fill = fill,
			    .pin = pin,
			    .unpin = unpin,
			    .ctx = f };
	struct rules_run *run = rules_run_new(f->set, NULL, NULL);

	*counters = (struct rules_counters){ .no_memory = run == NULL };
	if (run == NULL)
		return;
	for (f->i = 1; f->i < 60; f->i++) {
		r.time_ns = f->i * NS_PER_SEC;
		r.seq = r.generation = f->i;
		rules_feed(run, &r);
	}
	rules_watermark(run, UINT64_MAX);
	*counters = rules_run_counters(run);
	rules_run_free(run);
}

static void
test_nth_allocation(void **state)
{
	struct rules_schema schema = { .open = true };
	struct feed f = { 0 };
	struct rules_counters all, some;
	struct err err = { 0 };
	struct slot slots[16];
	unsigned long n, left = 0;
	char id[2] = "a";

	(void)state;
	skip_without_nomem();
	f.set = rules_new(&schema);
	for (size_t i = 0; i < ARRAY_LEN(queries); i++, id[0]++)
		rules_add_query(f.set, id, view_of(queries[i]), false, &err);
	assert_int_equal(rules_seal(f.set, &err), 0);
	memset(slots, 0, sizeof(slots));
	feed_all(&f, slots, &all);
	assert_true(all.matches > 20);
	for (n = 1; left == 0; n++) {
		memset(slots, 0, sizeof(slots));
		countdown = n;
		feed_all(&f, slots, &some);
		left = countdown;
		countdown = 0;
		assert_int_equal(f.pins, 0);
		if (some.matches != all.matches)
			assert_true(some.no_memory > 0);
	}
	assert_int_equal(some.matches, all.matches);
	print_message("%lu allocations\n", n);
	assert_true(n > 50);
	rules_free(f.set);
	err_free(&err);
}

/* ---- a kind that takes the place of one with more candidates ----------- */

#define KINDS 1500 /* more than are remembered */

struct kinds {
	struct value v[2];
	char action[16];
};

static void
fill_kind(struct record *r, unsigned field)
{
	struct kinds *k = r->ctx;

	r->slots[field] = (struct slot){ .generation = r->generation,
					 .n = 1,
					 .v = &k->v[field] };
}

static void
count_match(void *ctx, const struct rules_match *m)
{
	(void)m;
	++*(unsigned *)ctx;
}

static void
feed_kind(struct rules_run *run, struct record *r, const char *path)
{
	struct kinds *k = r->ctx;

	k->v[0] = (struct value){ VALUE_STRING, .s = view_of(k->action) };
	k->v[1] = (struct value){ VALUE_STRING, .s = view_of(path) };
	r->generation++;
	r->seq++;
	rules_feed(run, r);
}

static void
test_place_of_another_kind(void **state)
{
	static const struct rules_field fields[] = {
		{ "event.action", RULES_KEYWORD, NULL },
		{ "file.path", RULES_KEYWORD, NULL },
	};
	struct rules_schema schema = { .fields = fields, .n = 2 };
	struct rules *set;
	struct err err = { 0 };
	struct slot slots[2] = { 0 };
	unsigned long left = 0;

	(void)state;
	skip_without_nomem();
	set = rules_new(&schema);
	for (int i = 0; i < 12; i++) {
		char id[16], query[200];

		snprintf(id, sizeof(id), "r%d", i);
		snprintf(query, sizeof(query),
			 "any where %s(event.action like \"a*\" and file.path "
			 "like \"x%d*\")",
			 i < 4 ? "(event.action == \"b\" and file.path like "
				 "\"y\") or "
			       : "",
			 i);
		assert_int_equal(
			rules_add_query(set, id, view_of(query), false, &err),
			0);
	}
	assert_int_equal(rules_seal(set, &err), 0);
	for (unsigned long n = 1; left == 0; n++) {
		unsigned matches = 0;
		struct rules_sink sink = { .match = count_match,
					   .ctx = &matches };
		struct rules_run *run = rules_run_new(set, NULL, &sink);
		struct kinds k = { 0 };
		struct record r = { .slots = slots,
				    .n_slots = 2,
				    .fill = fill_kind,
				    .time_ns = 1,
				    .ctx = &k };

		assert_non_null(run);
		for (unsigned i = 0; i < KINDS; i++) {
			snprintf(k.action, sizeof(k.action), "a%u", i);
			feed_kind(run, &r, "z");
		}
		snprintf(k.action, sizeof(k.action), "b");
		countdown = n;
		for (int i = 0; i < 5; i++)
			feed_kind(run, &r, "y");
		left = countdown;
		countdown = 0;
		assert_int_equal(matches, 5 * 4);
		rules_run_free(run);
	}
	rules_free(set);
	err_free(&err);
}

/* ---- an evaluation that fails before the candidates are looked for ------- */

static const struct rules_field named[] = {
	{ "event.action", RULES_KEYWORD, NULL },
	{ "file.path", RULES_KEYWORD, NULL },
	{ "process.name", RULES_KEYWORD, NULL },
	{ "process.entity_id", RULES_KEYWORD, NULL },
	{ "process.parent.entity_id", RULES_KEYWORD, NULL },
};

static void
fill_named(struct record *r, unsigned field)
{
	static const char *const texts[] = { "a", "/tmp/x", "ab", "1", "2" };
	static struct value v[ARRAY_LEN(named)];

	v[field] = (struct value){ VALUE_STRING, .s = view_of(texts[field]) };
	r->slots[field] = (struct slot){ .generation = r->generation,
					 .n = 1,
					 .v = &v[field] };
}

/* All see the same leaf, and the lineage asks for it first. */
static struct rules *
rules_with_lineage(void)
{
	static const char first[] = "any where descendant of [any where "
				    "concat(process.name, \"x\") == \"abx\"]";
	static const char others[] = "any where event.action == \"a\" and "
				     "concat(process.name, \"x\") == \"abx\" "
				     "and file.path like \"/tmp/x*\"";
	static const struct rules_schema schema = { .fields = named,
						    .n = ARRAY_LEN(named) };
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };

	for (int i = 0; i < 13; i++) {
		char id[16];

		snprintf(id, sizeof(id), "r%d", i);
		assert_int_equal(
			rules_add_query(set, id,
					view_of(i == 0 ? first : others), false,
					&err),
			0);
	}
	assert_int_equal(rules_seal(set, &err), 0);
	err_free(&err);
	return set;
}

static size_t
count_true(struct rules_run *run, struct record *r)
{
	struct candidates c = index_candidates(run, r);
	size_t n = 0;

	for (size_t i = 0; i < c.n; i++)
		n += eval_from(&run->eval, run->set->starts[c.v[i].stage].tests,
			       c.v[i].entry);
	return n;
}

static void
test_what_failed_is_not_remembered(void **state)
{
	struct slot slots[ARRAY_LEN(named)] = { 0 };
	struct record r = { .slots = slots,
			    .n_slots = ARRAY_LEN(named),
			    .fill = fill_named,
			    .time_ns = 1 };
	unsigned long left = 0, failed = 0;
	struct rules *set;

	(void)state;
	skip_without_nomem();
	set = rules_with_lineage();
	for (unsigned long n = 1; left == 0; n++) {
		struct rules_run *run = rules_run_new(set, NULL, NULL);

		assert_non_null(run);
		r.generation++;
		countdown = n;
		run_begin(run, &r);
		left = countdown;
		countdown = 0;
		failed += rules_run_counters(run).no_memory;
		count_true(run, &r);
		for (int i = 0; i < 4; i++) {
			r.generation++;
			run_begin(run, &r);
			assert_int_equal(count_true(run, &r), 12);
		}
		rules_run_free(run);
	}
	assert_true(failed > 0);
	rules_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nth_allocation),
		cmocka_unit_test(test_place_of_another_kind),
		cmocka_unit_test(test_what_failed_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
