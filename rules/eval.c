/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bare evaluator: programs and expressions here have passed
 * program_verify and expr_verify, so nothing is checked again. Values are
 * hostile all the same and bounded where they multiply.
 */
#include "rules/engine.h"
#include "rules/functions.h"

static bool test_expr(struct eval *, const struct leaf *);

bool
eval_fold(struct eval *e, struct view s, struct view *out)
{
	if (s.n > e->fold.cap) {
		buf_clear(&e->fold);
		buf_put(&e->fold, s);
		if (e->fold.failed) {
			e->fold.failed = false;
			e->counters->no_memory++;
			return false;
		}
	}
	fold_ascii(e->fold.p, s);
	*out = (struct view){ e->fold.p, s.n };
	return true;
}

/* ---- tests of one field ---------------------------------------------- */

static bool
test_exists(struct eval *e, const struct leaf *l)
{
	return record_get(e->record, l->field)->n > 0;
}

static bool
test_before(struct eval *e, const struct leaf *l)
{
	return e->record->time_ns < l->before_ns;
}

static bool
in_string(struct eval *e, const struct leaf *l, struct view s)
{
	if (l->set.fold && !eval_fold(e, s, &s))
		return false;
	return value_set_has(&l->set, s);
}

static bool
in_other(const struct value_set *set, const struct value *v,
	 enum rules_type type)
{
	for (size_t i = 0; i < set->n; i++)
		if (value_compare(CMP_EQ, v, &set->v[i], type))
			return true;
	return false;
}

static bool
test_in(struct eval *e, const struct leaf *l)
{
	const struct slot *slot = record_get(e->record, l->field);
	bool plain = l->type != RULES_IP && l->type != RULES_DATE;

	for (uint32_t i = 0; i < slot->n; i++) {
		if (slot->v[i].type == VALUE_STRING &&
		    in_string(e, l, slot->v[i].s))
			return true;
		if ((!plain || slot->v[i].type != VALUE_STRING) &&
		    in_other(&l->set, &slot->v[i], l->type))
			return true;
	}
	return false;
}

static bool
test_like(struct eval *e, const struct leaf *l)
{
	const struct slot *slot = record_get(e->record, l->field);
	char room[VALUE_TEXT_MAX];

	for (uint32_t i = 0; i < slot->n; i++) {
		const struct value *v = &slot->v[i];
		struct view s =
			v->type == VALUE_STRING ? v->s : value_text(v, room);

		if (!pattern_list_may_match(&l->patterns, s) ||
		    (l->patterns.fold && !eval_fold(e, s, &s)))
			continue;
		if (pattern_list_match(&l->patterns, s))
			return true;
	}
	return false;
}

static bool
test_regex(struct eval *e, const struct leaf *l)
{
	const struct slot *slot = record_get(e->record, l->field);
	char room[VALUE_TEXT_MAX];

	for (uint32_t i = 0; i < slot->n; i++)
		if (regex_match(l->regex, e->regex,
				value_text(&slot->v[i], room), e->counters))
			return true;
	return false;
}

static bool
test_compare(struct eval *e, const struct leaf *l)
{
	const struct slot *slot = record_get(e->record, l->field);

	for (uint32_t i = 0; i < slot->n; i++)
		if (value_compare((enum compare_op)l->compare, &slot->v[i],
				  &l->value, l->type))
			return true;
	return false;
}

static bool
test_cidr(struct eval *e, const struct leaf *l)
{
	const struct slot *slot = record_get(e->record, l->field);
	struct cidr address;

	for (uint32_t i = 0; i < slot->n; i++) {
		if (slot->v[i].type != VALUE_STRING ||
		    !address_parse(slot->v[i].s, &address))
			continue;
		for (size_t k = 0; k < l->cidr.n; k++)
			if (cidr_has(&l->cidr.v[k], &address))
				return true;
	}
	return false;
}

static bool
test_words(struct eval *e, const struct leaf *l)
{
	return words_test(e, l);
}

static bool
test_lineage(struct eval *e, const struct leaf *l)
{
	return lineage_test(e, l);
}

static bool (*const tests[LEAF_COUNT])(struct eval *, const struct leaf *) = {
#define LEAF(id, name, fn) test_##fn,
#include "rules/ops.def"
};

static bool
test_leaf(struct eval *e, uint32_t leaf)
{
	bool result;

	if (e->index == NULL || !index_knows(e->index, e, leaf, &result))
		result = tests[e->set->leaves[leaf].op](e,
							&e->set->leaves[leaf]);
	e->memo[leaf] = e->stamp << 1 | result;
	return result;
}

bool
eval_leaf(struct eval *e, uint32_t leaf)
{
	uint32_t memo = e->memo[leaf];

	return memo >> 1 == e->stamp ? memo & 1 : test_leaf(e, leaf);
}

bool
eval_from(struct eval *e, const struct test *v, uint32_t entry)
{
	const struct test *t = &v[entry];

	while (t->op == TEST_LEAF)
		t = &v[eval_leaf(e, t->leaf) ? t->yes : t->no];
	return t->op == TEST_ACCEPT;
}

bool
eval_program(struct eval *e, const struct program *p)
{
	return eval_from(e, p->v, 0);
}

/* ---- expressions ----------------------------------------------------- */

static struct item
compare_items(enum compare_op op, const struct item *a, const struct item *b)
{
	if (a->null || b->null)
		return item_null();
	return item_bool(value_compare(op, &a->v, &b->v, RULES_ANY));
}

static bool
is_bool(const struct item *a, bool b)
{
	return !a->null && a->v.type == VALUE_BOOL && a->v.b == b;
}

/* SQL's three values, as everywhere inside an expression. */
static struct item
logic(uint8_t op, const struct item *a, const struct item *b)
{
	if (op == STEP_AND && (is_bool(a, false) || is_bool(b, false)))
		return item_bool(false);
	if (op == STEP_OR && (is_bool(a, true) || is_bool(b, true)))
		return item_bool(true);
	if (a->null || b->null)
		return item_null();
	return item_bool(op == STEP_AND);
}

static bool
text_equal_fold(const struct value *a, const struct value *b)
{
	return a->type == VALUE_STRING && b->type == VALUE_STRING &&
	       view_eq_fold(a->s, b->s);
}

/* v[0] in v[1…] */
static struct item
one_of(const struct item *v, size_t n, bool fold)
{
	bool null = v[0].null;

	for (size_t i = 1; i < n && !v[0].null; i++) {
		null |= v[i].null;
		if (!v[i].null &&
		    (value_compare(CMP_EQ, &v[0].v, &v[i].v, RULES_ANY) ||
		     (fold && text_equal_fold(&v[0].v, &v[i].v))))
			return item_bool(true);
	}
	return null ? item_null() : item_bool(false);
}

static struct item
match_list(struct eval *e, const struct step *s, const struct expr *x,
	   const struct item *v)
{
	const struct expr_list *list = &x->lists[s->arg];
	char room[VALUE_TEXT_MAX];
	struct view text;

	if (v->null)
		return item_null();
	if (s->op == STEP_IN_SET && v->v.type != VALUE_STRING)
		return item_bool(in_other(&list->set, &v->v, RULES_ANY));
	text = value_text(&v->v, room);
	if (s->op == STEP_REGEX)
		return item_bool(
			regex_match(list->regex, e->regex, text, e->counters));
	if ((list->patterns.fold || list->set.fold) &&
	    !eval_fold(e, text, &text))
		return item_null();
	if (s->op == STEP_IN_SET)
		return item_bool(value_set_has(&list->set, text));
	return item_bool(pattern_list_match(&list->patterns, text));
}

/* An optional argument that is null counts as left out. */
static struct item
call(struct eval *e, const struct step *s, const struct item *args)
{
	const struct function *f = &functions[s->arg];
	struct item out = item_null();
	size_t n = s->n;

	for (size_t i = 0; i < n; i++) {
		if (!args[i].null)
			continue;
		if (i < f->required)
			return out;
		n = i;
	}
	f->call(e, s->fold, args, n, &out);
	return out;
}

/* One step; returns the new height of the stack. */
static size_t
run_step(struct eval *e, const struct expr *x, const struct step *s,
	 const struct item *picks, struct item *stack, size_t top)
{
	struct item *a = top >= 2 ? &stack[top - 2] : stack;
	struct item *b = top >= 1 ? &stack[top - 1] : stack;
	struct item result;

	switch ((enum step_op)s->op) {
	case STEP_CONST:
		stack[top] = x->consts[s->arg];
		return top + 1;
	case STEP_PICK:
		stack[top] = picks[s->arg];
		return top + 1;
	case STEP_ADD:
	case STEP_SUB:
	case STEP_MUL:
	case STEP_DIV:
	case STEP_MOD:
		function_arith((enum arith_op)(s->op - STEP_ADD), a, b,
			       &result);
		*a = result;
		return top - 1;
	case STEP_EQ:
	case STEP_LT:
	case STEP_LE:
	case STEP_GT:
	case STEP_GE:
		*a = compare_items((enum compare_op)(s->op - STEP_EQ), a, b);
		return top - 1;
	case STEP_AND:
	case STEP_OR:
		*a = logic(s->op, a, b);
		return top - 1;
	case STEP_NOT:
		if (!b->null)
			*b = item_bool(is_bool(b, false));
		return top;
	case STEP_IS_NULL:
		*b = item_bool(b->null);
		return top;
	case STEP_IN:
	case STEP_IN_FOLD:
		top -= s->n;
		stack[top] = one_of(&stack[top], s->n, s->op == STEP_IN_FOLD);
		return top + 1;
	case STEP_IN_SET:
	case STEP_LIKE:
	case STEP_REGEX:
		*b = match_list(e, s, x, b);
		return top;
	case STEP_CALL:
		top -= s->n;
		stack[top] = call(e, s, &stack[top]);
		return top + 1;
	case STEP_COUNT:
		break;
	}
	return top;
}

static bool
run_expr(struct eval *e, const struct expr *x, const struct item *picks)
{
	struct item stack[EXPR_STACK_MAX];
	size_t top = 0;

	for (size_t i = 0; i < x->n_steps; i++)
		top = run_step(e, x, &x->steps[i], picks, stack, top);
	return is_bool(&stack[0], true);
}

static const struct slot *
slot_of(struct eval *e, unsigned field)
{
	static const struct slot none;

	if (!(field & FIELD_EARLIER))
		return record_get(e->record, field);
	return e->earlier != NULL ? &e->earlier[field & ~FIELD_EARLIER] : &none;
}

/* True if some choice of one value per field makes it true. A field without
 * values is null. */
bool
eval_expr(struct eval *e, const struct expr *x)
{
	const struct slot *slots[EXPR_FIELDS_MAX];
	struct item picks[EXPR_FIELDS_MAX];
	uint32_t at[EXPR_FIELDS_MAX] = { 0 };
	size_t k;

	for (k = 0; k < x->n_fields; k++)
		slots[k] = slot_of(e, x->fields[k]);
	for (unsigned tried = 0; tried < EXPR_COMBINATIONS_MAX; tried++) {
		for (k = 0; k < x->n_fields; k++)
			picks[k] = slots[k]->n == 0
					   ? item_null()
					   : (struct item){
						     .v = slots[k]->v[at[k]]
					     };
		if (e->scratch_used) {
			arena_reset(&e->scratch);
			e->scratch_used = false;
		}
		if (run_expr(e, x, picks))
			return true;
		for (k = 0; k < x->n_fields; k++) { /* count up */
			if (++at[k] < slots[k]->n)
				break;
			at[k] = 0;
		}
		if (k == x->n_fields)
			return false;
	}
	e->counters->regex_limits++;
	return false;
}

static bool
test_expr(struct eval *e, const struct leaf *l)
{
	return eval_expr(e, &l->expr);
}
