/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What passes the verifier can be run bare: a program and an expression from
 * the input, as no compiler would write them, over leaves of every kind.
 *
 * Input: how many tests, each op, leaf, yes, no; how many fields, each a
 * number; steps to the end, each op, fold, n, arg. A byte each; 255 stands for
 * the largest number there is.
 */
#include "rules/engine.h"
#include "tests/fuzz/rules_help.h"

static const struct rules_field fields[] = {
	{ "event.category", RULES_KEYWORD, NULL },
	{ "s", RULES_KEYWORD, NULL },
	{ "t", RULES_KEYWORD, NULL },
	{ "n", RULES_LONG, NULL },
	{ "b", RULES_BOOL, NULL },
	{ "ip", RULES_IP, NULL },
	{ "process.entity_id", RULES_KEYWORD, NULL },
};
static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields) };

/* The last predicate has constants and lists of each kind. */
static const char query[] =
	"sequence [any where s in (\"x\", \"bash\") and t like \"*a*\" and "
	"s regex \"b.*\" and n > 3 and b and cidrmatch(ip, \"10.0.0.0/8\") and "
	"t != null and descendant of [any where n == 1]] as e "
	"[any where s == e.t and n == e.n and "
	"((concat(s, n, \"x\") in (\"a\", \"bash3x\")) == "
	"(concat(t, 7) like (\"b*\", \"/etc/x7\"))) == "
	"(concat(s, 2.5, true) regex \"a.*b\")]";

struct target {
	struct rules *set;
	struct rules_run *run;
	const struct expr *rich;
};

struct bytes {
	const uint8_t *p;
	size_t n;
};

static uint8_t
next(struct bytes *b)
{
	if (b->n == 0)
		return 0;
	b->n--;
	return *b->p++;
}

static uint32_t
number(struct bytes *b)
{
	uint8_t byte = next(b);

	return byte == UINT8_MAX ? UINT32_MAX : byte;
}

static void
prepare(struct target *t)
{
	struct err err = { 0 };

	t->set = rules_new(&schema);
	if (t->set == NULL ||
	    rules_add_query(t->set, "fuzz", view_of(query), false, &err) != 0 ||
	    rules_seal(t->set, &err) != 0)
		abort();
	for (size_t i = 0; i < t->set->n_leaves; i++)
		if (t->set->leaves[i].op == LEAF_EXPR &&
		    t->set->leaves[i].expr.n_lists == 3)
			t->rich = &t->set->leaves[i].expr;
	t->run = rules_run_new(t->set, NULL, NULL);
	if (t->rich == NULL || t->run == NULL)
		abort();
}

/* Of their exact size on the heap, so that a byte too far is noticed. */
static struct program
read_program(struct bytes *b)
{
	struct program p = { .n = next(b) };

	p.v = malloc(p.n * sizeof(*p.v) + 1);
	if (p.v == NULL)
		abort();
	for (size_t i = 0; i < p.n; i++) {
		p.v[i].op = next(b);
		p.v[i].leaf = number(b);
		p.v[i].yes = number(b);
		p.v[i].no = number(b);
	}
	return p;
}

static struct expr
read_expr(struct bytes *b, const struct expr *rich)
{
	struct expr x = *rich;

	x.n_fields = next(b);
	for (size_t i = 0; i < x.n_fields; i++) {
		uint32_t field = number(b);

		if (i < EXPR_FIELDS_MAX) /* 128 and up: of an earlier event */
			x.fields[i] = field < 128
					      ? field
					      : FIELD_EARLIER | (field & 127);
	}
	x.n_steps = b->n / 4;
	x.steps = malloc(x.n_steps * sizeof(*x.steps) + 1);
	if (x.steps == NULL)
		abort();
	for (size_t i = 0; i < x.n_steps; i++) {
		x.steps[i].op = next(b);
		x.steps[i].fold = next(b) & 1;
		x.steps[i].n = (uint16_t)number(b);
		x.steps[i].arg = number(b);
	}
	return x;
}

static void
run(struct target *t, const struct program *p, const struct expr *x)
{
	size_t n = rules_field_count(t->set);
	struct record r = { .slots = calloc(n, sizeof(struct slot)),
			    .n_slots = (uint32_t)n,
			    .fill = fuzz_fill,
			    .ctx = calloc(n, 3 * sizeof(struct value)) };
	bool sound = program_verify(t->set, p) == NULL;
	bool sound_expr = expr_verify(t->set, x) == NULL;

	if (r.slots == NULL || r.ctx == NULL)
		abort();
	for (r.seq = 1; r.seq <= FUZZ_EVENTS; r.seq++) {
		r.generation++;
		run_begin(t->run, &r);
		t->run->eval.earlier = t->run->earlier;
		if (sound)
			eval_program(&t->run->eval, p);
		if (sound_expr)
			eval_expr(&t->run->eval, x);
	}
	free(r.slots);
	free(r.ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct target t;
	struct bytes b = { data, n };
	struct program p;
	struct expr x;

	if (t.set == NULL)
		prepare(&t);
	p = read_program(&b);
	x = read_expr(&b, t.rich);
	run(&t, &p, &x);
	free(p.v);
	free(x.steps);
	return 0;
}
