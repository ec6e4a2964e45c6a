/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled program is checked once, so that the evaluator needs no check,
 * and can be printed. Jumps only go forward: a program always ends.
 */
#include "rules/engine.h"

static const struct {
	const char *name;
	enum step_operand operand;
	int pops, pushes;
} steps[STEP_COUNT] = {
#define STEP(id, name, operand, pops, pushes) \
	{ name, OPERAND_##operand, pops, pushes },
#include "rules/ops.def"
};

static const char *const leaf_names[LEAF_COUNT] = {
#define LEAF(id, name, fn) name,
#include "rules/ops.def"
};

const char *
program_verify(const struct rules *set, const struct program *p)
{
	if (p->n < 3 || p->n > PROGRAM_TESTS_MAX)
		return "its size";
	if (p->v[p->n - 2].op != TEST_ACCEPT ||
	    p->v[p->n - 1].op != TEST_REJECT)
		return "its end";
	for (size_t i = 0; i < p->n; i++) {
		const struct test *t = &p->v[i];

		if (t->op == TEST_ACCEPT || t->op == TEST_REJECT)
			continue;
		if (t->op != TEST_LEAF)
			return "an unknown instruction";
		if (t->leaf >= set->n_leaves ||
		    set->leaves[t->leaf].op >= LEAF_COUNT)
			return "a leaf that is not there";
		if (set->leaves[t->leaf].op == LEAF_LINEAGE &&
		    set->leaves[t->leaf].lineage.which >= set->n_lineages)
			return "a lineage that is not there";
		if (t->yes <= i || t->no <= i || t->yes >= p->n ||
		    t->no >= p->n)
			return "a jump";
	}
	return NULL;
}

static size_t
operand_limit(const struct expr *x, const struct step *s)
{
	switch (steps[s->op].operand) {
	case OPERAND_NONE:
		return SIZE_MAX;
	case OPERAND_CONST:
		return x->n_consts;
	case OPERAND_PICK:
		return x->n_fields;
	case OPERAND_FN:
		return FN_COUNT;
	case OPERAND_LIST:
		return x->n_lists;
	}
	return 0;
}

static bool
list_is_there(const struct expr *x, const struct step *s)
{
	const struct expr_list *list = &x->lists[s->arg];

	return s->op == STEP_REGEX    ? list->regex != NULL
	       : s->op == STEP_IN_SET ? list->set.table != NULL
				      : list->patterns.exact.table != NULL;
}

static bool
field_is_there(const struct rules *set, unsigned field)
{
	if (field & FIELD_EARLIER)
		return (field & ~FIELD_EARLIER) < set->n_earlier;
	return field < rules_field_count(set);
}

/* How many values a step may take that says so itself: the functions look at
 * no others, and at all that they must have. */
static bool
count_fits(const struct step *s)
{
	const char *args = functions[s->op == STEP_CALL ? s->arg : 0].args;
	size_t least = 0, most = 0;

	if (s->op != STEP_CALL)
		return s->n > 0;
	for (const char *a = args; *a != '\0' && *a != '?'; a++)
		least += a[0] != '*' && a[1] != '*';
	for (const char *a = args; *a != '\0'; a++)
		most += *a != '?';
	return s->n >= least && (s->n <= most || args[strlen(args) - 1] == '*');
}

const char *
expr_verify(const struct rules *set, const struct expr *x)
{
	size_t top = 0, pops;

	if (x->n_fields > EXPR_FIELDS_MAX)
		return "an expression has too many fields";
	for (size_t i = 0; i < x->n_fields; i++)
		if (!field_is_there(set, x->fields[i]))
			return "a field that is not there";
	for (size_t i = 0; i < x->n_steps; i++) {
		const struct step *s = &x->steps[i];

		if (s->op >= STEP_COUNT)
			return "an unknown step in an expression";
		if (s->arg >= operand_limit(x, s))
			return "a step's operand is out of range";
		if (steps[s->op].operand == OPERAND_LIST &&
		    !list_is_there(x, s))
			return "a step's list is not there";
		if (steps[s->op].pops < 0 && !count_fits(s))
			return "a step takes too few values or too many";
		pops = steps[s->op].pops < 0 ? s->n : (size_t)steps[s->op].pops;
		if (pops > top)
			return "an expression's stack runs empty";
		top = top - pops + (size_t)steps[s->op].pushes;
		if (top > EXPR_STACK_MAX)
			return "this expression has too many parts";
	}
	return top == 1 ? NULL : "an expression does not end in one value";
}

/* ---- printing -------------------------------------------------------- */

static void
dump_expr(const struct expr *x, struct buf *out)
{
	for (size_t i = 0; i < x->n_steps; i++) {
		const struct step *s = &x->steps[i];

		buf_printf(out, "\n        %s", steps[s->op].name);
		if (steps[s->op].operand == OPERAND_FN)
			buf_printf(out, " %s%s %u", functions[s->arg].name,
				   s->fold ? "~" : "", s->n);
		else if (steps[s->op].operand != OPERAND_NONE)
			buf_printf(out, " %u", s->arg);
		else if (steps[s->op].pops < 0)
			buf_printf(out, " %u", s->n);
	}
}

void
program_dump(const struct rules *set, const struct program *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct test *t = &p->v[i];

		buf_printf(out, "%4zu  ", i);
		if (t->op != TEST_LEAF) {
			buf_puts(out, t->op == TEST_ACCEPT ? "accept\n"
							   : "reject\n");
			continue;
		}
		buf_printf(out, "%-7s %u %u  ",
			   leaf_names[set->leaves[t->leaf].op], t->yes, t->no);
		buf_text(out, set->leaves[t->leaf].text);
		if (set->leaves[t->leaf].op == LEAF_EXPR)
			dump_expr(&set->leaves[t->leaf].expr, out);
		buf_putc(out, '\n');
	}
}
