/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regular expressions of conditions; the set owns them. */
#include "rules/engine.h"

static int
keep_regex(struct parse *p, struct regex *re)
{
	struct regex **v =
		set_grow(&p->set->arena, p->set->regexes, p->set->n_regexes,
			 &p->set->cap_regexes, sizeof(*v));

	if (v == NULL) {
		regex_free(re);
		return -1;
	}
	p->set->regexes = v;
	v[p->set->n_regexes++] = re;
	return 0;
}

int
compile_regex(struct parse *p, const struct node *n, struct regex **out)
{
	struct view *v = arena_array(p->arena, n->n, sizeof(*v));
	struct regex_fault fault;

	if (v == NULL)
		return -1;
	for (size_t i = 1; i < n->n; i++)
		v[i - 1] = n->kids[i]->item.v.s;
	*out = regex_compile(v, n->n - 1, n->fold || n->kids[0]->fold, &fault);
	if (*out != NULL)
		return keep_regex(p, *out);
	if (!fault.unsupported)
		return parse_error(p, n->kids[1 + fault.which]->at,
				   "regular expression, character %zu: %s",
				   fault.at + 1, fault.why);
	if (p->unsupported == NULL)
		p->unsupported = fault.why;
	return -1;
}

int
compile_try_regexes(struct parse *p, const struct node *n)
{
	struct regex *re;

	if (n->kind == NODE_REGEX && compile_regex(p, n, &re) < 0)
		return -1;
	for (size_t i = 0; i < n->n; i++)
		if (compile_try_regexes(p, n->kids[i]) < 0)
			return -1;
	return 0;
}
