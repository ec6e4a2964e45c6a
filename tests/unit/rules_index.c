/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index against no index: of random rules and random events, whatever
 * stage is true when its whole program is run must be a candidate, and must
 * be true from its entry on, too; a candidate that is not true must not
 * become so. Words are few, so that much is true, and events come in several
 * forms, so that much is remembered; the same every time.
 */
#include "rules/engine.h"
#include "tests/bench/grammar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum {
	CATEGORY,
	TYPE,
	ACTION,
	NAME,
	ARGS,
	EXECUTABLE,
	LINE,
	PID,
	PATH,
	FIELDS
};

static const struct rules_field fields[FIELDS] = {
	[CATEGORY] = { "event.category", RULES_KEYWORD, NULL },
	[TYPE] = { "event.type", RULES_KEYWORD, NULL },
	[ACTION] = { "event.action", RULES_KEYWORD, NULL },
	[NAME] = { "process.name", RULES_KEYWORD, NULL },
	[ARGS] = { "process.args", RULES_KEYWORD, NULL },
	[EXECUTABLE] = { "process.executable", RULES_KEYWORD, NULL },
	[LINE] = { "process.command_line", RULES_KEYWORD, NULL },
	[PID] = { "process.pid", RULES_LONG, NULL },
	[PATH] = { "file.path", RULES_KEYWORD, NULL },
};
static const struct rules_schema schema = { .fields = fields, .n = FIELDS };

static const char grammar_text[] =
	"word\n"
	"\tab\n\tabc\n\ta\n\tbash\n\tsh\n\tBash\n\tbusybox\n\t/bin/sh\n"
	"\t/tmp/x\n\t/tmp/xy\n\t-c\n\tx*y\n\té\n\t1\n"
	"pattern\n"
	"\tab*\n\t*sh\n\t*\n\t?\n\t?*\n\t*a*\n\t/tmp/*\n\t*/s?\n\t/*/x*\n"
	"\tB*h\n\t*-*\n\tsh\n\t/TMP/X\n\té*\n\t??\n\t*x*y*\n"
	"field\n"
	"\tprocess.name\n\tprocess.name\n\tprocess.args\n"
	"\tprocess.executable\n\tprocess.command_line\n\tfile.path\n"
	"\tevent.action\n"
	"list\n"
	"\tin\n\tin~\n\t:\n\tlike\n\tlike~\n"
	"leaf\n"
	"\t{field} {list} ({word 1-5})\n"
	"\t{field} == \"{word}\"\n"
	"\t{field} != \"{word}\"\n"
	"\t{field} : ({pattern 1-3})\n"
	"\t{field} like ({pattern 1-4})\n"
	"\t{field} like~ ({pattern 1-2}, {word 1-3})\n"
	"\t{field} != null\n"
	"\t{field} == null\n"
	"\tprocess.pid == 1\n"
	"\tprocess.pid in (1, 3)\n"
	"\tconcat(process.name, \"x\") == \"abx\"\n"
	"\tlength({field}) > 2\n"
	"\tnot {field} in ({word 1-9})\n"
	"both\n"
	"\t{leaf}\n\t{leaf} and {leaf}\n\t({leaf} or {leaf})\n"
	"\tnot ({leaf} and {leaf})\n"
	"either\n"
	"\t({both} and {leaf}) or ({both} and {leaf})\n"
	"\t(process.name in ({word 1-3}) and {leaf}) or ({leaf} and "
	"process.name : ({pattern 1-2}))\n"
	"\tprocess.name == \"{word}\" or (process.name == \"{word}\" and "
	"{leaf}) or ({leaf} and process.name like \"{pattern}\")\n"
	"\t{both} or {both}\n"
	"\tnot ({both} or {leaf})\n"
	"rest\n"
	"\t{leaf}\n\t{both} and {leaf}\n\t({either}) and {leaf}\n\t({either})\n"
	"\t({either}) and {both} and not {leaf}\n"
	"\tnot ({either})\n"
	"start\n"
	"\tevent.type == \"start\" and event.action in (\"exec\", \"fork\")\n"
	"\tevent.type : \"START\"\n"
	"\tevent.action == \"exec\" and event.type == \"start\"\n"
	"\t(event.action == \"exec\" or event.action == \"fork\")\n"
	"\t(event.type == \"start\" or event.action == \"end\")\n"
	"\tnot event.action == \"end\"\n"
	"\t((event.type == \"start\" and {leaf}) or (event.type == \"end\" "
	"and {leaf}))\n"
	"\tevent.type != null\n"
	"query\n"
	"\tprocess where {start} and {rest}\n"
	"\tprocess where {start} and {rest}\n"
	"\tprocess where {start}\n\tprocess where {start}\n"
	"\tprocess where {rest} and {start}\n"
	"\tany where {rest}\n"
	"\tfile where {rest}\n"
	"\tsequence by process.pid [process where {start} and {rest}] "
	"[any where {rest}]\n"
	"value\n"
	"\t{word}\n\t{word}\n\t{word}\n\t{word}{word}\n\t{word} {word}\n"
	"\tx{word}y\n"
	"category\n\tprocess\n\tprocess\n\tfile\n\tnetwork\n"
	"type\n\tstart\n\tstart\n\tSTART\n\tend\n"
	"action\n\texec\n\tfork\n\tend\n\texec_event\n\tex\n\tec\n\tecfork\n";

struct event {
	struct grammar *words;
	struct record record;
	struct slot slots[FIELDS], made[FIELDS];
	struct value values[FIELDS][64];
};

/* ---- events ---------------------------------------------------------- */

static struct view
make_text(struct grammar *g, const char *name)
{
	struct buf text = { 0 };
	unsigned odd = grammar_dice(g, 300);
	struct view out;

	grammar_put(g, view_of(name), &text, 0);
	if (odd < 10)
		buf_clear(&text);
	else if (odd < 16)
		buf_printf(&text, "%*s", 85 + (int)grammar_dice(g, 8), "x");
	else if (odd == 16)
		buf_printf(&text, "%*s", 65534 - (int)grammar_dice(g, 5), "y");
	out = arena_copy(&g->arena, buf_view(&text));
	buf_free(&text);
	return out;
}

static void
make_field(struct event *e, unsigned field, const char *name)
{
	static const unsigned many[] = { 0, 1, 1, 1, 1, 1, 2, 3, 6, 33 };
	struct slot *s = &e->made[field];

	s->n = many[grammar_dice(e->words, ARRAY_LEN(many))];
	s->v = e->values[field];
	for (uint32_t i = 0; i < s->n; i++)
		e->values[field][i] =
			grammar_dice(e->words, 12) == 0
				? (struct value){ VALUE_INT, .i = 1 }
				: (struct value){ VALUE_STRING,
						  .s = make_text(e->words,
								 name) };
}

static void
make_event(struct event *e)
{
	for (unsigned f = 0; f < FIELDS; f++)
		make_field(e, f, "value");
	make_field(e, CATEGORY, "category");
	make_field(e, TYPE, "type");
	make_field(e, ACTION, "action");
	e->values[PID][0] =
		(struct value){ VALUE_INT, .i = grammar_dice(e->words, 4) };
	e->made[PID].n = 1;
}

static void
fill(struct record *r, unsigned field)
{
	const struct event *e = r->ctx;

	r->slots[field].n = e->made[field].n;
	r->slots[field].v = e->made[field].v;
}

/* ---- sets ------------------------------------------------------------ */

static struct rules *
make_set(struct grammar *g, size_t n)
{
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };

	assert_non_null(set);
	for (size_t i = 0; i < n; i++) {
		struct buf text = { 0 };
		char id[16];

		snprintf(id, sizeof(id), "r%zu", i);
		grammar_put(g, VIEW("query"), &text, 0);
		if (rules_add_query(set, id, buf_view(&text), false, &err) != 0)
			fail_msg("%.*s", (int)text.n, text.p);
		buf_free(&text);
	}
	if (rules_seal(set, &err) != 0)
		fail_msg("%.*s: %.*s", (int)err.v[0].text.n, err.v[0].text.p,
			 (int)err.v[0].message.n, err.v[0].message.p);
	err_free(&err);
	return set;
}

struct pair { /* of runs: with the index, and without */
	const struct rules *set;
	struct rules_run *with, *without;
	bool *asleep; /* by stage of `with` */
	size_t held, candidates;
};

static void
compare_stage(struct pair *p, const struct stage *s, const struct candidate *c)
{
	bool holds = eval_program(&p->without->eval, &s->program) &&
		     !p->asleep[s->id];
	bool found =
		c != NULL && eval_from(&p->with->eval, s->program.v, c->entry);

	p->held += holds;
	p->candidates += c != NULL;
	if (holds != found)
		fail_msg("%.*s: is %d, %s candidate, found %d",
			 (int)p->set->rules[p->set->starts[s->id].rule].query.n,
			 p->set->rules[p->set->starts[s->id].rule].query.p,
			 holds, c != NULL ? "a" : "no", found);
}

static void
sleep_and_wake(struct pair *p, struct event *e)
{
	for (unsigned n = grammar_dice(e->words, 3); n > 0; n--) {
		unsigned i = grammar_dice(e->words, (unsigned)p->set->n_stages);

		p->asleep[i] = grammar_dice(e->words, 4) == 0;
		index_sleep(p->with->index, i, p->asleep[i]);
	}
}

static void
compare_event(struct pair *p, struct event *e)
{
	struct candidates c;
	size_t at = 0;

	sleep_and_wake(p, e);
	e->record.generation++;
	e->record.seq++;
	run_begin(p->without, &e->record);
	run_begin(p->with, &e->record);
	c = index_candidates(p->with, &e->record);
	for (size_t i = 0; i < p->set->n_stages; i++) {
		bool is = at < c.n && c.v[at].stage == i;

		compare_stage(p, p->set->stages[i], is ? &c.v[at] : NULL);
		at += is;
	}
	assert_int_equal(at, c.n); /* in order, each once */
}

/* Soon the stamps begin again, when memos still have their first ones. */
static void
wrap_stamps(struct pair *p)
{
	p->with->eval.stamp = p->without->eval.stamp = INT32_MAX - 4;
}

/* Some events are the last one with another field or two. */
static void
compare_like(struct pair *p, struct event *e)
{
	static const struct {
		unsigned field;
		const char *name;
	} others[] = {
		{ ARGS, "value" },    { LINE, "value" },
		{ PATH, "value" },    { NAME, "value" },
		{ ACTION, "action" }, { EXECUTABLE, "value" },
	};

	make_event(e);
	compare_event(p, e);
	for (unsigned i = grammar_dice(e->words, 4); i > 0; i--) {
		unsigned k = grammar_dice(e->words, ARRAY_LEN(others));

		make_field(e, others[k].field, others[k].name);
		compare_event(p, e);
	}
}

static void
compare_sets(size_t rules, size_t sets, size_t events)
{
	struct grammar g = { .seed = rules };
	struct pair p = { 0 };

	grammar_read(&g, VIEW(grammar_text));
	for (size_t i = 0; i < sets; i++) {
		struct grammar words = { .seed = i };
		struct event e = { .words = &words,
				   .record = { .n_slots = FIELDS,
					       .fill = fill,
					       .time_ns = 1 } };
		struct rules *set = make_set(&g, rules);

		grammar_read(&words, VIEW(grammar_text));
		e.record.slots = e.slots;
		e.record.ctx = &e;
		p.set = set;
		p.with = rules_run_new(set, NULL, NULL);
		p.without = rules_run_new(set, NULL, NULL);
		assert_non_null(p.with);
		assert_non_null(p.without);
		p.without->eval.index = NULL;
		p.asleep = calloc(set->n_stages, sizeof(*p.asleep));
		assert_non_null(p.asleep);
		for (unsigned k = 0; k < set->n_stages; k++)
			index_sleep(p.with->index, k, false);
		for (size_t k = 0; k < events; k++) {
			if (k == 4)
				wrap_stamps(&p);
			compare_like(&p, &e);
		}
		free(p.asleep);
		rules_run_free(p.with);
		rules_run_free(p.without);
		rules_free(set);
		arena_free(&words.arena);
	}
	arena_free(&g.arena);
	print_message("%zu rules: %zu stages true, %zu candidates\n", rules,
		      p.held, p.candidates);
	assert_true(p.held > 0);
}

static void
one_rule(void **state)
{
	(void)state;
	compare_sets(1, 150, 50);
}

static void
few_rules(void **state)
{
	(void)state;
	compare_sets(5, 60, 100);
}

/* Kinds have more candidates than are run at once, actors few enough. */
static void
some_rules(void **state)
{
	(void)state;
	compare_sets(40, 20, 200);
}

static void
many_rules(void **state)
{
	(void)state;
	compare_sets(200, 6, 500);
}

/* The index is of use: stages that ask for what an event is not are no
 * candidates. */
static void
what_is_not_asked_for(void **state)
{
	struct rules *set = rules_new(&schema);
	struct err err = { 0 };
	struct grammar words = { .seed = 1 };
	struct event e = { .words = &words,
			   .record = { .n_slots = FIELDS, .fill = fill } };
	struct rules_run *run;
	struct candidates c;
	char query[160];

	(void)state;
	grammar_read(&words, VIEW(grammar_text));
	for (int i = 0; i < 100; i++) {
		snprintf(query, sizeof(query),
			 "process where event.type == \"start\" and "
			 "((process.name == \"n%d\" and process.pid == 1) or "
			 "(process.pid == 2 and process.name : \"m%d*\"))",
			 i, i);
		assert_int_equal(rules_add_query(set, query, view_of(query),
						 false, &err),
				 0);
	}
	assert_int_equal(rules_seal(set, &err), 0);
	run = rules_run_new(set, NULL, NULL);
	e.record.slots = e.slots;
	e.record.ctx = &e;
	make_event(&e);
	for (unsigned f = 0; f < FIELDS; f++)
		e.made[f].n = f == CATEGORY || f == TYPE || f == NAME;
	e.values[CATEGORY][0] =
		(struct value){ VALUE_STRING, .s = VIEW("process") };
	e.values[TYPE][0] = (struct value){ VALUE_STRING, .s = VIEW("end") };
	e.values[NAME][0] = (struct value){ VALUE_STRING, .s = VIEW("n7") };
	e.record.generation = 1;
	run_begin(run, &e.record);
	assert_int_equal(index_candidates(run, &e.record).n, 0);
	e.values[TYPE][0].s = VIEW("start");
	for (int turn = 0; turn < 2; turn++) { /* found, and remembered */
		e.record.generation++;
		run_begin(run, &e.record);
		c = index_candidates(run, &e.record);
		assert_int_equal(c.n, 1);
		assert_int_equal(c.v[0].stage, 7);
	}
	rules_run_free(run);
	rules_free(set);
	arena_free(&words.arena);
	err_free(&err);
}

/* Values that differ in little are different kinds of events. */
static void
kinds_are_told_apart(void **state)
{
	static const struct {
		struct value v[2];
		uint32_t n;
		bool candidate;
	} cases[] = {
		{ { { VALUE_STRING, .s = VIEW("ab") },
		    { VALUE_STRING, .s = VIEW("c") } },
		  2,
		  false },
		{ { { VALUE_STRING, .s = VIEW("a") },
		    { VALUE_STRING, .s = VIEW("bc") } },
		  2,
		  true },
		{ { { VALUE_STRING, .s = VIEW("abc") } }, 1, false },
		{ { { VALUE_STRING, .s = VIEW("") } }, 1, false },
		{ { { VALUE_INT, .i = 1 } }, 1, true },
		{ { { VALUE_INT, .i = 2 } }, 1, false },
		{ { { VALUE_INT, .i = 1 } }, 1, true },
		{ { { VALUE_BOOL, .b = true } }, 1, false },
		{ { { VALUE_STRING, .s = VIEW("1") } }, 1, true },
		{ { { VALUE_STRING, .s = VIEW("") } }, 0, false },
	};
	struct rules *set = rules_new(&schema);
	struct event e = { .record = { .n_slots = FIELDS,
				       .fill = fill,
				       .slots = e.slots,
				       .ctx = &e } };
	struct err err = { 0 };
	struct rules_run *run;

	(void)state;
	assert_int_equal(
		rules_add_query(set, "r",
				VIEW("any where event.action in (\"a\", "
				     "\"1\") and process.pid == null"),
				false, &err),
		0);
	assert_int_equal(rules_seal(set, &err), 0);
	run = rules_run_new(set, NULL, NULL);
	for (unsigned i = 0; i < 3 * ARRAY_LEN(cases); i++) {
		unsigned at = i % ARRAY_LEN(cases);

		e.made[ACTION].v = cases[at].v;
		e.made[ACTION].n = cases[at].n;
		e.record.generation++;
		run_begin(run, &e.record);
		assert_int_equal(index_candidates(run, &e.record).n,
				 cases[at].candidate);
	}
	rules_run_free(run);
	rules_free(set);
	err_free(&err);
}

static void
count_match(void *ctx, const struct rules_match *m)
{
	(void)m;
	++*(unsigned *)ctx;
}

/* More kinds than are remembered: one that takes another's place has its own
 * candidates, and their programs begin where its own events leave them. */
static void
kinds_give_way(void **state)
{
	struct rules *set = rules_new(&schema);
	struct event e = { .record = { .n_slots = FIELDS,
				       .fill = fill,
				       .slots = e.slots,
				       .time_ns = 1,
				       .ctx = &e } };
	unsigned matches = 0;
	struct rules_sink sink = { .match = count_match, .ctx = &matches };
	struct err err = { 0 };
	struct rules_run *run;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		char id[16], query[200];

		snprintf(id, sizeof(id), "r%u", i);
		snprintf(query, sizeof(query),
			 "any where (event.action == \"b\" and file.path "
			 "like \"y%u*\") or (event.action like \"a*\" and "
			 "file.path like \"x%u*\")",
			 i, i);
		assert_int_equal(
			rules_add_query(set, id, view_of(query), false, &err),
			0);
	}
	assert_int_equal(rules_seal(set, &err), 0);
	run = rules_run_new(set, NULL, &sink);
	e.made[ACTION] = (struct slot){ .n = 1, .v = e.values[ACTION] };
	e.made[PATH] = (struct slot){ .n = 1, .v = e.values[PATH] };
	for (unsigned i = 0; i < 1000; i++) {
		bool b = i % 10 == 9;
		char action[16];

		snprintf(action, sizeof(action), "a%u", i);
		e.values[ACTION][0] =
			(struct value){ VALUE_STRING,
					.s = b ? VIEW("b") : view_of(action) };
		e.values[PATH][0] = (struct value){
			VALUE_STRING, .s = i % 2 == 0 ? VIEW("x") : VIEW("y11")
		};
		e.record.generation++;
		e.record.seq++;
		rules_feed(run, &e.record);
	}
	assert_int_equal(matches, 2 * 100); /* y1* and y11* */
	rules_run_free(run);
	rules_free(set);
	err_free(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_rule),
		cmocka_unit_test(few_rules),
		cmocka_unit_test(some_rules),
		cmocka_unit_test(many_rules),
		cmocka_unit_test(what_is_not_asked_for),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(kinds_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
