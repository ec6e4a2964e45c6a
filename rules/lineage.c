/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `descendant of [ … ]`, `child of [ … ]`, `event of [ … ]`, the endpoint's
 * dialect: is this the event of a process that has an ancestor, a parent, or
 * that itself, of which the event query in brackets was true before?
 *
 * Processes are known by process.entity_id, which does not change on exec.
 * Of each query the processes are kept that it was true of, and those whose
 * parent is kept: where events bear no list of all ancestors, descent goes
 * from parent to child. Re-parenting changes nothing. A process that has ended
 * stays, its descendants may live; with too many the ones not met for longest
 * are forgotten, and counted as evicted.
 */
#include "rules/engine.h"

#include <stdlib.h>

struct process {
	struct group group;
	bool meant; /* the query was true of it */
};

struct lineage_run {
	const struct rules *set;
	size_t cap;
	struct group_table *tables; /* one per lineage */
	struct buf key;
};

/* ---- compiling ------------------------------------------------------- */

static int
find_own(struct parse *p, size_t at)
{
	bool fold;

	return parse_field(p, VIEW("process.entity_id"), at, &fold);
}

/* Absent where neither the schema nor the events have them. */
static void
find_others(struct rules *set, struct lineage_fields *f)
{
	static const char *const ancestry[] = {
		"tocsin.process.ancestors.entity_id",
		"process.Ext.ancestry",
	};

	f->parent = set_field(set, VIEW("process.parent.entity_id"));
	for (size_t i = 0; i < ARRAY_LEN(f->ancestry); i++)
		f->ancestry[i] = set_field(set, view_of(ancestry[i]));
}

static int
add(struct parse *p, const struct node *n, struct view text, uint32_t *out)
{
	struct rules *set = p->set;
	struct lineage l = { .text = arena_copy(&set->arena, text) }, *v;

	if (l.text.p == NULL)
		return -1;
	if (compile_program(p, n, &l.program) < 0)
		return -1;
	v = set_grow(&set->arena, set->lineages, set->n_lineages,
		     &set->cap_lineages, sizeof(*v));
	if (v == NULL)
		return -1;
	set->lineages = v;
	*out = (uint32_t)set->n_lineages;
	v[set->n_lineages++] = l;
	return 0;
}

int
lineage_compile(struct parse *p, const struct node *n, struct leaf *l)
{
	struct rules *set = p->set;
	struct view text = n->item.v.s;

	l->op = LEAF_LINEAGE;
	l->cost = 100;
	l->lineage.op = n->op;
	if (set->n_lineages == 0) {
		set->lineage_fields.own = find_own(p, n->at);
		if (set->lineage_fields.own < 0)
			return -1;
		find_others(set, &set->lineage_fields);
	}
	for (uint32_t i = 0; i < set->n_lineages; i++)
		if (view_eq(set->lineages[i].text, text)) {
			l->lineage.which = i;
			return 0;
		}
	return add(p, n->kids[0], text, &l->lineage.which);
}

static void
collect_program(struct rules *set, const struct program *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct leaf *l;

		if (p->v[i].op != TEST_LEAF) /* it names none */
			continue;
		l = &set->leaves[p->v[i].leaf];
		if (l->op != LEAF_LINEAGE ||
		    set->lineages[l->lineage.which].used)
			continue;
		set->lineages[l->lineage.which].used = true;
		collect_program(set, &set->lineages[l->lineage.which].program);
	}
}

void
lineage_collect(struct rules *set)
{
	for (size_t i = 0; set->n_lineages > 0 && i < set->n_rules; i++) {
		const struct rule_code *c = &set->code[i];

		for (size_t k = 0; c->live && k < c->n_stages; k++) {
			collect_program(set, &c->stages[k].program);
			collect_program(set, &c->stages[k].joint);
		}
	}
}

/* Those that nobody fills are asked for in vain. */
static void
reads(const struct rules *set, int field, bool *fields)
{
	if (field >= 0 && set_field_missing(set, (unsigned)field) == NULL)
		fields[field] = true;
}

void
lineage_reads(const struct rules *set, const struct leaf *l, bool *fields)
{
	const struct lineage_fields *f = &set->lineage_fields;

	reads(set, f->own, fields);
	reads(set, f->parent, fields);
	for (size_t i = 0; i < ARRAY_LEN(f->ancestry); i++)
		reads(set, f->ancestry[i], fields);
	program_reads(set, &set->lineages[l->lineage.which].program, fields);
}

/* ---- running --------------------------------------------------------- */

struct lineage_run *
lineage_new(const struct rules *set, size_t cap)
{
	struct lineage_run *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->set = set;
	l->cap = cap;
	l->tables = calloc(set->n_lineages, sizeof(*l->tables));
	if (l->tables == NULL) {
		free(l);
		return NULL;
	}
	for (size_t i = 0; i < set->n_lineages; i++)
		l->tables[i].size = sizeof(struct process);
	return l;
}

void
lineage_free(struct lineage_run *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->set->n_lineages; i++)
		group_table_free(&l->tables[i]);
	free(l->tables);
	buf_free(&l->key);
	free(l);
}

static const struct slot *
ids_of(struct eval *e, int field)
{
	static const struct slot none;

	return field < 0 ? &none : record_get(e->record, (unsigned)field);
}

static struct process *
known(struct lineage_run *l, size_t which, const struct value *id,
      uint64_t now_ns)
{
	struct group_table *t = &l->tables[which];
	struct group *g;

	if (t->n == 0)
		return NULL;
	buf_clear(&l->key);
	value_encode(&l->key, id);
	g = l->key.failed ? NULL : group_find(t, buf_view(&l->key));
	l->key.failed = false;
	if (g != NULL)
		group_touch(t, g, now_ns);
	return (struct process *)g;
}

static void
note(struct lineage_run *l, struct eval *e, size_t which, bool meant)
{
	struct group_table *t = &l->tables[which];
	const struct slot *own = ids_of(e, l->set->lineage_fields.own);
	struct process *p = NULL;

	if (own->n == 0)
		return;
	buf_clear(&l->key);
	value_encode(&l->key, &own->v[0]);
	if (!l->key.failed)
		p = (struct process *)group_get(t, buf_view(&l->key));
	l->key.failed = false;
	if (p == NULL) {
		e->counters->no_memory++;
		return;
	}
	p->meant |= meant;
	group_touch(t, &p->group, e->record->time_ns);
	if (t->n > l->cap) {
		e->counters->sequences_evicted++;
		group_drop(t, t->oldest);
	}
}

void
lineage_feed(struct lineage_run *l, struct eval *e)
{
	const struct slot *parent;

	for (size_t i = 0; i < l->set->n_lineages; i++) {
		if (!l->set->lineages[i].used)
			continue;
		if (eval_program(e, &l->set->lineages[i].program))
			note(l, e, i, true);
		if (l->tables[i].n == 0)
			continue;
		parent = ids_of(e, l->set->lineage_fields.parent);
		if (parent->n > 0 &&
		    known(l, i, &parent->v[0], e->record->time_ns) != NULL)
			note(l, e, i, false);
	}
}

static bool
any_known(struct eval *e, size_t which, int field, bool meant)
{
	const struct slot *ids = ids_of(e, field);

	for (uint32_t i = 0; i < ids->n; i++) {
		const struct process *p = known(e->lineage, which, &ids->v[i],
						e->record->time_ns);

		if (p != NULL && (p->meant || !meant))
			return true;
	}
	return false;
}

bool
lineage_test(struct eval *e, const struct leaf *l)
{
	const struct lineage_fields *f = &e->set->lineage_fields;
	size_t which = l->lineage.which;

	if (e->lineage == NULL || e->lineage->tables[which].n == 0)
		return false;
	switch ((enum lineage_op)l->lineage.op) {
	case LINEAGE_EVENT:
		return any_known(e, which, f->own, true);
	case LINEAGE_CHILD:
		return any_known(e, which, f->parent, true);
	case LINEAGE_DESCENDANT:
		break;
	}
	return any_known(e, which, f->parent, false) ||
	       any_known(e, which, f->ancestry[0], true) ||
	       any_known(e, which, f->ancestry[1], true);
}
