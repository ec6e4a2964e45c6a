/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the text of rules to the sealed set. */
#include "rules/engine.h"

#include <stdlib.h>

#define WINDOW_NEW_TERMS_NS (5 * 86400 * NS_PER_SEC)
#define LOOKBACK_NS (9 * 60 * NS_PER_SEC)
#define NEW_TERMS_FIELDS_MAX 3 /* Kibana's limit */

struct sealer {
	struct rules *set;
	struct err *err;
	struct arena tree;
	size_t broken;
};

/* The rule under work. */
struct work {
	struct sealer *s;
	struct parse p;
	size_t i;
	struct rule *rule;
	const struct rule_source *source;
	struct rule_code *code;
	struct query q;
};

/* ---- exceptions ------------------------------------------------------ */

static struct parse
exception_parse(struct sealer *s, const struct rule_exception *x)
{
	return (struct parse){ .set = s->set,
			       .arena = &s->tree,
			       .text = x->when,
			       .place = x->when_place,
			       .err = s->err };
}

static bool
names_a_rule(const struct rules *set, const struct rule_exception *x)
{
	for (size_t i = 0; i < set->n_rules; i++)
		if (exception_applies(set, x, i))
			return true;
	return x->list.n > 0 || view_eq(x->rule, VIEW("*"));
}

static void
error_no_rule(struct parse *p, const struct rule_exception *x)
{
	if (x->rule_place.line > 0) {
		p->text = x->rule;
		p->place = x->rule_place;
	}
	parse_error(p, 0, "there is no rule %.*s", (int)x->rule.n, x->rule.p);
}

/* Each is parsed once here for its errors, and again for each rule: checking
 * changes the tree. A broken one excepts nothing. */
static void
check_exceptions(struct sealer *s)
{
	for (size_t i = 0; i < s->set->n_exceptions; i++) {
		struct rule_exception *x = &s->set->exceptions[i];
		struct parse p = exception_parse(s, x), named = p;
		struct node *when;

		if (!names_a_rule(s->set, x))
			error_no_rule(&named, x);
		if (parse_eql_condition(&p, &when) == 0 &&
		    check_condition(&p, &when) == 0 &&
		    compile_try_regexes(&p, when) == 0 && named.errors == 0)
			continue;
		if (p.errors == 0 && p.unsupported != NULL)
			parse_error(&p, 0, "%s", p.unsupported);
		s->broken++;
		x->rule = x->list = VIEW("");
	}
}

/* `last`: of the stage that completes the rule; of the others lists alone. */
static struct node *
with_exceptions(struct work *w, struct node *cond, bool last)
{
	const struct rules *set = w->s->set;

	for (size_t i = 0; i < set->n_exceptions; i++) {
		const struct rule_exception *x = &set->exceptions[i];
		struct parse p = exception_parse(w->s, x);
		struct node *when, *before;

		if (!exception_applies(set, x, w->i) ||
		    (!last && x->list.n == 0))
			continue;
		if (parse_eql_condition(&p, &when) < 0 ||
		    check_condition(&p, &when) < 0)
			continue;
		parse_meanings_beside(&w->p, &w->q, when);
		if (x->expires_ns != 0) {
			before = node_new(&w->p, NODE_BEFORE, 0);
			if (before->kind == NODE_BEFORE)
				before->item = item_int((int64_t)x->expires_ns);
			when = node_join(&w->p, NODE_AND, before, when);
		}
		cond = node_join(&w->p, NODE_AND, cond, node_not(&w->p, when));
	}
	return cond;
}

/* ---- unsupported ----------------------------------------------------- */

static void
set_unsupported(struct work *w, unsigned field, struct view wanted)
{
	struct rules *set = w->s->set;
	const char *name = set_field_name(set, field);
	struct view text = pattern_text(&set->arena, wanted);
	const char *absent = set_field_absent(set, field, text);
	const char *why =
		absent != NULL ? absent : set_field_unsupported(set, field);

	if (w->rule->status != RULE_OK)
		return;
	w->rule->status = RULE_UNSUPPORTED;
	if (text.n > 0 &&
	    (absent != NULL || set_field_missing(set, field) == NULL))
		w->rule->reason =
			arena_printf(&set->arena, "needs %s to be \"%.*s\": %s",
				     name, (int)text.n, text.p, why);
	else
		w->rule->reason = arena_printf(&set->arena,
					       "needs %s, which this host does "
					       "not have: %s",
					       name, why);
}

/* A positive stage that cannot be true without what never comes: one field
 * alone if it is one, else the first of several. */
static void
check_supported(struct work *w, const struct node *cond)
{
	const struct rules *set = w->s->set;
	struct view wanted = VIEW_NONE;

	if (check_possible(set, cond, -1))
		return;
	for (unsigned f = 0; f < set->schema->n; f++)
		if (!check_possible(set, cond, (int)f) &&
		    check_fails(set, cond, f, &wanted)) {
			set_unsupported(w, f, wanted);
			return;
		}
	for (unsigned f = 0; f < set->schema->n; f++)
		if (check_fails(set, cond, f, &wanted)) {
			set_unsupported(w, f, wanted);
			return;
		}
}

static void
check_field_supported(struct work *w, unsigned field)
{
	if (set_field_missing(w->s->set, field) != NULL)
		set_unsupported(w, field, VIEW_NONE);
}

/* ---- stages ---------------------------------------------------------- */

static int
no_memory(struct work *w)
{
	return parse_error(&w->p, 0, "memory is out");
}

/* Notes the fields of earlier events that n asks for. */
static int
keep_earlier(struct work *w, const struct node *n, size_t *cap)
{
	struct rule_code *c = w->code;
	unsigned field = n->field & ~FIELD_EARLIER, *v;

	for (size_t i = 0; i < n->n; i++)
		if (keep_earlier(w, n->kids[i], cap) < 0)
			return -1;
	if (n->kind != NODE_FIELD || !(n->field & FIELD_EARLIER))
		return 0;
	for (size_t i = 0; i < c->n_earlier; i++)
		if (c->earlier[i] == field)
			return 0;
	v = set_grow(&w->s->set->arena, c->earlier, c->n_earlier, cap,
		     sizeof(*v));
	if (v == NULL)
		return no_memory(w);
	c->earlier = v;
	v[c->n_earlier++] = field;
	return 0;
}

static int
compile_joint(struct work *w, struct query_stage *from, struct stage *to)
{
	struct node *joint = NULL;
	size_t cap = w->code->n_earlier;

	from->cond = compile_take_joint(&w->p, from->cond, &joint);
	if (joint == NULL)
		return 0;
	if (from->missing || from == &w->q.until)
		return parse_error(&w->p, joint->at,
				   "only an event that carries the sequence on "
				   "can be compared with an earlier one");
	if (keep_earlier(w, joint, &cap) < 0)
		return -1;
	return compile_program(&w->p, joint, &to->joint);
}

static int
compile_stage(struct work *w, struct query_stage *from, struct stage *to)
{
	struct rules *set = w->s->set;

	to->joint = (struct program){ 0 };
	if (compile_joint(w, from, to) < 0)
		return -1;

	to->id = (unsigned)set->n_stages++;
	to->n_keys = from->n_keys;
	to->keys =
		arena_array(&set->arena, from->n_keys + 1, sizeof(*to->keys));
	if (to->keys == NULL)
		return no_memory(w);
	for (size_t k = 0; k < from->n_keys; k++) {
		to->keys[k] = from->keys[k];
		if (!from->missing && !from->keys[k].optional)
			check_field_supported(w, from->keys[k].field);
	}
	if (uses_note(set, from->cond, w->i) < 0)
		return no_memory(w);
	return compile_program(&w->p, from->cond, &to->program);
}

/* The stage that gets the exceptions: the last that is not missing. */
static size_t
last_positive(const struct query *q)
{
	size_t i = q->n - 1;

	while (i > 0 && q->stages[i].missing)
		i--;
	return i;
}

static int
compile_slots(struct work *w)
{
	struct rule_code *c = w->code;
	const struct query *q = &w->q;
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++)
		c->n_slots += q->stages[i].runs;
	c->slots =
		arena_array(&w->s->set->arena, c->n_slots, sizeof(*c->slots));
	if (c->slots == NULL)
		return no_memory(w);
	for (size_t i = 0; i < q->n; i++)
		for (unsigned k = 0; k < q->stages[i].runs; k++) {
			c->slots[n++] = (struct slot_def){
				.stage = (unsigned)i,
				.missing = q->stages[i].missing
			};
			c->n_positive += !q->stages[i].missing;
		}
	w->rule->stages = (unsigned)c->n_slots;
	return 0;
}

static int
check_stages(struct work *w)
{
	struct query *q = &w->q;
	size_t last = last_positive(q);

	for (size_t i = 0; i < q->n; i++)
		check_condition(&w->p, &q->stages[i].cond);
	if (q->until.cond != NULL)
		check_condition(&w->p, &q->until.cond);
	if (w->p.errors > 0)
		return -1;
	for (size_t i = 0; i < q->n; i++)
		if (!q->stages[i].missing)
			check_supported(w, q->stages[i].cond);
	for (size_t i = 0; i < q->n; i++)
		q->stages[i].cond =
			with_exceptions(w, q->stages[i].cond, i == last);
	if (q->until.cond != NULL)
		q->until.cond = with_exceptions(w, q->until.cond, false);
	return w->p.errors > 0 ? -1 : 0;
}

static int
compile_stages(struct work *w)
{
	struct rules *set = w->s->set;
	struct rule_code *c = w->code;
	struct query *q = &w->q;

	c->has_until = q->until.cond != NULL;
	c->has_maxspan = q->has_maxspan;
	c->maxspan_ns = q->maxspan_ns;
	c->n_stages = q->n + c->has_until;
	c->stages = arena_array(&set->arena, c->n_stages, sizeof(*c->stages));
	c->pipes = arena_array(&set->arena, q->n_pipes + 1, sizeof(*c->pipes));
	if (c->stages == NULL || c->pipes == NULL)
		return no_memory(w);
	c->n_pipes = q->n_pipes;
	memcpy(c->pipes, q->pipes, q->n_pipes * sizeof(*c->pipes));
	for (size_t i = 0; i < q->n; i++)
		if (compile_stage(w, &q->stages[i], &c->stages[i]) < 0)
			return -1;
	if (c->has_until && compile_stage(w, &q->until, &c->stages[q->n]) < 0)
		return -1;
	return compile_slots(w);
}

/* ---- kinds of rules -------------------------------------------------- */

/* A field that is named beside the query. */
static int
find_field(struct work *w, struct view name, const struct place *place)
{
	struct parse p = w->p;
	bool fold;
	int field;

	if (place != NULL && place->line > 0) {
		p.text = name;
		p.place = *place;
	}
	p.errors = 0;
	field = parse_field(&p, name, 0, &fold);
	w->p.errors += p.errors;
	return field;
}

/* All that are unknown are told. */
static int
find_fields(struct work *w, struct rule_list names, const struct place *places,
	    unsigned **out, size_t *n)
{
	unsigned *v = arena_array(&w->s->set->arena, names.n + 1, sizeof(*v));
	bool unknown = false;

	if (v == NULL)
		return no_memory(w);
	for (size_t i = 0; i < names.n; i++) {
		int f = find_field(w, names.v[i],
				   places != NULL ? &places[i] : NULL);

		unknown |= f < 0;
		v[i] = f < 0 ? 0
			     : parse_meaning_beside(&w->p, &w->q, (unsigned)f);
	}
	*out = v;
	*n = names.n;
	return unknown ? -1 : 0;
}

static int
compile_fields(struct work *w, struct rule_list names,
	       const struct place *places)
{
	return find_fields(w, names, places, &w->code->fields,
			   &w->code->n_fields);
}

static void
check_fields(struct work *w)
{
	struct rule_code *c = w->code;

	for (size_t i = 0; i < c->n_fields; i++)
		check_field_supported(w, c->fields[i]);
}

static int
compile_kind(struct work *w)
{
	const struct rule_source *s = w->source;
	struct rule_code *c = w->code;

	if (w->rule->kind == RULE_NEW_TERMS) {
		c->kind = CODE_TERMS;
		c->window_ns = s->history_window_ns != 0 ? s->history_window_ns
							 : WINDOW_NEW_TERMS_NS;
		if (s->new_terms_fields.n < 1 ||
		    s->new_terms_fields.n > NEW_TERMS_FIELDS_MAX)
			return parse_error(&w->p, 0,
					   "new_terms_fields must name 1 to "
					   "%d fields",
					   NEW_TERMS_FIELDS_MAX);
		return compile_fields(w, s->new_terms_fields,
				      s->places.new_terms);
	}
	c->window_ns = s->lookback_ns != 0 ? s->lookback_ns : LOOKBACK_NS;
	if (w->rule->kind != RULE_THRESHOLD)
		return 0;
	c->kind = CODE_THRESHOLD;
	c->threshold = s->threshold.value > 0 ? s->threshold.value : 1;
	if (s->threshold.fields.n > QUERY_KEYS_MAX)
		return parse_error(&w->p, 0, "more than %d threshold fields",
				   QUERY_KEYS_MAX);
	if (s->threshold.cardinality_field.n > 0) {
		c->cardinality_field =
			find_field(w, s->threshold.cardinality_field,
				   &s->places.cardinality);
		c->cardinality = s->threshold.cardinality_value;
		if (c->cardinality_field < 0)
			return -1;
	}
	return compile_fields(w, s->threshold.fields, s->places.threshold);
}

static int
parse_rule(struct work *w)
{
	struct rule_code *c = w->code;

	if (w->rule->kuery) {
		if (w->rule->kind == RULE_EQL)
			return parse_error(&w->p, 0,
					   "an eql rule is written "
					   "in the language eql");
		if (parse_kql(&w->p, &w->q) < 0)
			return -1;
	} else if (parse_eql(&w->p, &w->q) < 0) {
		return -1;
	}
	c->kind = w->q.kind == QUERY_SEQUENCE ? CODE_SEQUENCE
		  : w->q.kind == QUERY_SAMPLE ? CODE_SAMPLE
					      : CODE_EVENT;
	if (w->rule->kind != RULE_EQL && w->rule->kind != RULE_QUERY &&
	    (c->kind != CODE_EVENT || w->q.n_pipes > 0))
		return parse_error(&w->p, 0,
				   "a rule of this type takes a "
				   "plain event query");
	return compile_kind(w);
}

static int
compile_suppression(struct work *w)
{
	return find_fields(w, w->rule->suppress_by, w->source->places.suppress,
			   &w->code->suppress_by, &w->code->n_suppress_by);
}

static int
compile_rule(struct work *w)
{
	w->code->rule = w->i;
	w->code->cardinality_field = -1;
	if (parse_rule(w) < 0 || compile_suppression(w) < 0 ||
	    check_stages(w) < 0 || compile_stages(w) < 0)
		return -1;
	check_fields(w);
	return w->p.errors > 0 ? -1 : 0;
}

/* ---- all ------------------------------------------------------------- */

static void
mark_broken(struct work *w, size_t errors_before)
{
	const struct err *err = w->s->err;

	w->code->n_stages = 0; /* not all are made */
	if (w->p.unsupported != NULL && w->p.errors == 0) {
		w->rule->status = RULE_UNSUPPORTED;
		w->rule->reason = view_of(w->p.unsupported);
		return;
	}
	w->s->broken++;
	w->rule->status = RULE_ERROR;
	w->rule->reason = VIEW("the rule is broken");
	if (err->n > errors_before)
		w->rule->reason = arena_copy(&w->s->set->arena,
					     err->v[errors_before].message);
}

static void
seal_rule(struct sealer *s, size_t i)
{
	struct rules *set = s->set;
	size_t errors_before = s->err->n, stages = set->n_stages;
	struct work *w;

	if (set->rules[i].status != RULE_OK)
		return;
	w = arena_zalloc(&s->tree, sizeof(*w));
	if (w == NULL) {
		set->rules[i].status = RULE_ERROR;
		set->rules[i].reason = VIEW("memory is out");
		s->broken++;
		err_add(s->err, set->sources[i].query_place, "out of memory");
		return;
	}
	w->s = s;
	w->i = i;
	w->rule = &set->rules[i];
	w->source = &set->sources[i];
	w->code = &set->code[i];
	w->p = (struct parse){ .set = set,
			       .arena = &s->tree,
			       .text = w->rule->query,
			       .place = w->source->query_place,
			       .err = s->err };
	if (compile_rule(w) < 0)
		mark_broken(w, errors_before);
	w->code->live = w->rule->status == RULE_OK;
	if (!w->code->live)
		set->n_stages = stages;
}

static int
collect_stages(struct rules *set)
{
	set->stages = arena_array(&set->arena, set->n_stages + 1,
				  sizeof(*set->stages));
	set->starts = arena_array(&set->arena, set->n_stages + 1,
				  sizeof(*set->starts));
	if (set->stages == NULL || set->starts == NULL)
		return -1;
	for (size_t i = 0; i < set->n_rules; i++) {
		if (!set->code[i].live)
			continue;
		for (size_t k = 0; k < set->code[i].n_stages; k++) {
			struct stage *s = &set->code[i].stages[k];

			set->stages[s->id] = s;
			set->starts[s->id] =
				(struct stage_start){ s->program.v, (uint32_t)i,
						      (uint32_t)k };
		}
	}
	return 0;
}

void
program_reads(const struct rules *set, const struct program *p, bool *fields)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct leaf *l;

		if (p->v[i].op != TEST_LEAF) /* it names none */
			continue;
		l = &set->leaves[p->v[i].leaf];
		if (l->field != UINT32_MAX)
			fields[l->field] = true;
		if (l->op == LEAF_LINEAGE)
			lineage_reads(set, l, fields);
		for (size_t k = 0; l->op == LEAF_EXPR && k < l->expr.n_fields;
		     k++)
			if (!(l->expr.fields[k] & FIELD_EARLIER))
				fields[l->expr.fields[k]] = true;
	}
}

size_t
rules_suppress_by(const struct rules *set, size_t i, const unsigned **fields)
{
	const struct rule_code *c = &set->code[i];
	bool own = c->kind == CODE_THRESHOLD;

	*fields = own ? c->fields : c->suppress_by;
	return own ? c->n_fields : c->n_suppress_by;
}

void
rules_reads(const struct rules *set, size_t i, bool *fields)
{
	const struct rule_code *c = &set->code[i];

	if (!c->live)
		return;
	for (size_t k = 0; k < c->n_stages; k++) {
		const struct stage *s = &c->stages[k];

		program_reads(set, &s->program, fields);
		program_reads(set, &s->joint, fields);
		for (size_t j = 0; j < s->n_keys; j++)
			fields[s->keys[j].field] = true;
	}
	for (size_t k = 0; k < c->n_earlier; k++)
		fields[set->earlier[c->earlier[k]].field] = true;
	for (size_t k = 0; k < c->n_fields; k++)
		fields[c->fields[k]] = true;
	for (size_t k = 0; k < c->n_suppress_by; k++)
		fields[c->suppress_by[k]] = true;
	if (c->cardinality_field >= 0)
		fields[c->cardinality_field] = true;
}

static int
collect_fields(struct rules *set)
{
	set->field_used = arena_zalloc(&set->arena, rules_field_count(set) + 1);
	if (set->field_used == NULL)
		return -1;
	for (size_t i = 0; i < set->n_rules; i++)
		rules_reads(set, i, set->field_used);
	return 0;
}

int
rules_seal(struct rules *set, struct err *err)
{
	struct sealer s = { .set = set, .err = err };
	int rc = -1;

	set->code =
		arena_array(&set->arena, set->n_rules + 1, sizeof(*set->code));
	if (set->code == NULL)
		return err_add(err, (struct place){ 0 }, "out of memory");
	memset(set->code, 0, (set->n_rules + 1) * sizeof(*set->code));
	for (size_t i = 0; i < set->n_rules; i++)
		s.broken += set->rules[i].status == RULE_ERROR;
	check_exceptions(&s);
	for (size_t i = 0; i < set->n_rules; i++) {
		arena_reset(&s.tree);
		seal_rule(&s, i);
	}
	set->sealed = true;
	lineage_collect(set);
	if (collect_stages(set) == 0 && collect_fields(set) == 0 &&
	    index_build(set) == 0)
		rc = (int)s.broken;
	else
		err_add(err, (struct place){ 0 }, "out of memory");
	arena_free(&s.tree);
	return rc;
}
