/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicates that are more than one field against literals: postfix code for
 * the stack machine of eval.c.
 */
#include "rules/engine.h"

/* ---- expressions ----------------------------------------------------- */

struct expr_writer {
	struct parse *p;
	struct expr *x;
	size_t cap_steps, cap_consts, cap_lists;
	bool failed;
};

static void write_value(struct expr_writer *, const struct node *);

static void
put_step(struct expr_writer *w, struct step s)
{
	struct step *v =
		w->x->n_steps >= EXPR_STEPS_MAX
			? NULL
			: set_grow(&w->p->set->arena, w->x->steps,
				   w->x->n_steps, &w->cap_steps, sizeof(*v));

	if (v == NULL) {
		if (!w->failed)
			parse_error(w->p, 0, "this expression is too long");
		w->failed = true;
		return;
	}
	w->x->steps = v;
	v[w->x->n_steps++] = s;
}

static void
put_const(struct expr_writer *w, const struct item *item)
{
	struct item *v = set_grow(&w->p->set->arena, w->x->consts,
				  w->x->n_consts, &w->cap_consts, sizeof(*v));

	if (v == NULL) {
		w->failed = true;
		return;
	}
	w->x->consts = v;
	v[w->x->n_consts] = *item;
	if (!item->null && item->v.type == VALUE_STRING)
		v[w->x->n_consts].v.s =
			arena_copy(&w->p->set->arena, item->v.s);
	put_step(w, (struct step){ .op = STEP_CONST,
				   .arg = (uint32_t)w->x->n_consts++ });
}

static void
put_field(struct expr_writer *w, const struct node *n)
{
	size_t k = 0;

	while (k < w->x->n_fields && w->x->fields[k] != n->field)
		k++;
	if (k == EXPR_FIELDS_MAX) {
		parse_error(w->p, n->at, "more than %d fields in one predicate",
			    EXPR_FIELDS_MAX);
		w->failed = true;
		return;
	}
	if (k == w->x->n_fields)
		w->x->fields[w->x->n_fields++] = n->field;
	put_step(w, (struct step){ .op = STEP_PICK, .arg = (uint32_t)k });
}

static void
put_list(struct expr_writer *w, const struct node *n)
{
	struct expr_list *v =
		set_grow(&w->p->set->arena, w->x->lists, w->x->n_lists,
			 &w->cap_lists, sizeof(*v));
	int rc;

	if (v == NULL) {
		w->failed = true;
		return;
	}
	w->x->lists = v;
	memset(&v[w->x->n_lists], 0, sizeof(*v));
	if (n->kind == NODE_LIKE)
		rc = compile_patterns(w->p, n, &v[w->x->n_lists].patterns);
	else if (n->kind == NODE_REGEX)
		rc = compile_regex(w->p, n, &v[w->x->n_lists].regex);
	else
		rc = compile_set(w->p, n, n->fold, &v[w->x->n_lists].set);
	w->failed |= rc < 0;
	write_value(w, n->kids[0]);
	put_step(w, (struct step){ .op = n->kind == NODE_LIKE	 ? STEP_LIKE
					 : n->kind == NODE_REGEX ? STEP_REGEX
								 : STEP_IN_SET,
				   .arg = (uint32_t)w->x->n_lists++ });
}

static void
write_kids(struct expr_writer *w, const struct node *n, int op)
{
	for (size_t i = 0; i < n->n; i++) {
		write_value(w, n->kids[i]);
		if (i > 0)
			put_step(w, (struct step){ .op = (uint8_t)op });
	}
}

static void
write_compare(struct expr_writer *w, const struct node *n)
{
	const struct node *right = n->kids[1];

	write_value(w, n->kids[0]);
	if (n->op == CMP_EQ && right->kind == NODE_LITERAL &&
	    right->item.null) {
		put_step(w, (struct step){ .op = STEP_IS_NULL });
		return;
	}
	write_value(w, right);
	put_step(w, (struct step){ .op = (uint8_t)(STEP_EQ + n->op) });
}

static void
write_value(struct expr_writer *w, const struct node *n)
{
	switch (n->kind) {
	case NODE_LITERAL:
		put_const(w, &n->item);
		break;
	case NODE_FIELD:
		put_field(w, n);
		break;
	case NODE_CALL:
		for (size_t i = 0; i < n->n; i++)
			write_value(w, n->kids[i]);
		put_step(w, (struct step){ .op = STEP_CALL,
					   .fold = n->fold,
					   .n = (uint16_t)n->n,
					   .arg = n->function });
		break;
	case NODE_ARITH:
		write_kids(w, n, STEP_ADD + n->op);
		break;
	case NODE_COMPARE:
		write_compare(w, n);
		break;
	case NODE_IN:
		if (compile_all_literals(n)) {
			put_list(w, n);
			break;
		}
		for (size_t i = 0; i < n->n; i++)
			write_value(w, n->kids[i]);
		put_step(w,
			 (struct step){ .op = n->fold ? STEP_IN_FOLD : STEP_IN,
					.n = (uint16_t)n->n });
		break;
	case NODE_LIKE:
	case NODE_REGEX:
		put_list(w, n);
		break;
	case NODE_AND:
	case NODE_OR:
		write_kids(w, n, n->kind == NODE_AND ? STEP_AND : STEP_OR);
		break;
	case NODE_NOT:
		write_value(w, n->kids[0]);
		put_step(w, (struct step){ .op = STEP_NOT });
		break;
	case NODE_EXISTS:
		write_value(w, n->kids[0]);
		put_step(w, (struct step){ .op = STEP_IS_NULL });
		put_step(w, (struct step){ .op = STEP_NOT });
		break;
	case NODE_ANY:
		write_value(w, n->kids[0]);
		break;
	case NODE_LINEAGE:
		parse_error(w->p, n->at,
			    "this is a condition of its own; join it to others "
			    "with and, or, not");
		w->failed = true;
		break;
	case NODE_WORDS: /* KQL has no expressions */
	case NODE_BEFORE:
	case NODE_BAD:
		w->failed = true;
		break;
	}
}

int
compile_expr(struct parse *p, const struct node *n, struct leaf *l)
{
	struct expr_writer w = { .p = p, .x = &l->expr };
	const char *wrong;

	l->op = LEAF_EXPR;
	memset(&l->expr, 0, sizeof(l->expr));
	write_value(&w, n);
	l->cost = 20 + 5 * (unsigned)l->expr.n_steps;
	if (w.failed)
		return -1;
	wrong = expr_verify(p->set, &l->expr);
	if (wrong != NULL)
		return parse_error(p, n->at, "%s", wrong);
	return 0;
}
