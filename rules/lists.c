/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The named lists of a rule file; see set.h for what a query makes of them. */
#include "rules/load.h"

#include <ctype.h>

#define LIST_NAME_MAX_BYTES 64

static bool
is_list_name(struct view v)
{
	if (v.n == 0 || v.n > LIST_NAME_MAX_BYTES ||
	    !isalpha((unsigned char)v.p[0]))
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!isalnum((unsigned char)v.p[i]) && v.p[i] != '_')
			return false;
	return true;
}

static int
list_take(struct load_file *f, struct doc *d, const struct doc_node *lists,
	  const struct doc_node *n)
{
	struct doc_texts texts = { 0 };
	struct rule_list values;
	char name[LIST_NAME_MAX_BYTES + 1];

	if (!is_list_name(n->key)) {
		f->broken++;
		err_add(d->err, doc_key_place(d, n),
			"the name of a list has letters, digits and _");
		return 0;
	}
	memcpy(name, n->key.p, n->key.n);
	name[n->key.n] = '\0';
	if (doc_get_texts(d, lists, name, DOC_REQUIRED, &texts) != 1) {
		f->broken++;
		return 0;
	}
	values = (struct rule_list){ texts.v, texts.n };
	/* Lists of one name are joined, whichever comes first: that is how
	 * one's own shells join the shipped ones. */
	if (rules_define_list(f->rules, n->key, &values, false) == 0 ||
	    rules_define_list(f->rules, n->key, &values, true) == 0) {
		rules_place_list(f->rules, n->key, doc_key_place(d, n));
		return 0;
	}
	return doc_error(d, n, "out of memory");
}

int
lists_take(struct load_file *f, struct doc *d, const struct doc_node *map)
{
	const struct doc_node *c, *lists = NULL;
	int result = doc_get_map(d, map, "lists", DOC_OPTIONAL, &lists);

	if (result != 1) {
		f->broken += result < 0;
		return 0;
	}
	result = 0;
	for (c = lists->child; c != NULL && result == 0; c = c->next)
		result = list_take(f, d, lists, c);
	return result;
}
