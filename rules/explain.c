/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a rule did not match: its query is parsed again, and each test of the
 * tree finds the leaf of the sealed set that decides it. What a stage says is
 * the program's own verdict; the tree only tells the reason.
 */
#include "rules/kept.h"

#include <stdlib.h>

#define REASONS_MAX 16
/* Join keys of which the last events are remembered. */
#define KEYS_MAX 4096

/* The latest of the events that must be missing before the first stage. */
struct lead {
	uint64_t ns;
	int stage; /* 0 = there was none; else one more */
};

/* When events with these join keys last satisfied each stage. */
struct last_seen {
	struct group group;
	uint64_t ns[QUERY_STAGES_MAX + 1]; /* until is behind the stages */
	uint64_t
		older_ns[QUERY_STAGES_MAX]; /* the time before that, 0 = none */
	struct lead lead[QUERY_STAGES_MAX]; /* of what led to the stage */
	bool seen[QUERY_STAGES_MAX + 1];
	uint64_t until_seq;
};

struct exception_text {
	struct node *when;
	struct parse p;
	uint64_t expires_ns;
	bool of_list; /* of Kibana's: of all stages */
};

struct rules_explainer {
	const struct rules *set;
	const struct rule_code *code;
	struct rules_run *run; /* for its evaluator, and the pending sequences
				* of a rule that asks for earlier events */
	struct arena tree;
	struct err ignored; /* nothing here is new */
	struct parse p;
	struct query q;
	/* What stages ask of earlier events; NULL: nothing. */
	struct node *joints[QUERY_STAGES_MAX];
	bool has_joints;
	struct exception_text *exceptions;
	size_t n_exceptions;
	struct group_table table;

	/* of the stage under work */
	struct record *record;
	const struct parse *text; /* that reasons point into */
	bool all, excepted;
	struct rules_reason reasons[REASONS_MAX];
	size_t n_reasons, more;
	struct arena texts; /* of reasons */
	struct buf note;
};

/* ---- the tree -------------------------------------------------------- */

static bool
is_joint(const struct node *n)
{
	return n->kind == NODE_AND || n->kind == NODE_OR || n->kind == NODE_NOT;
}

static void
find_leaves(struct parse *p, struct node *n)
{
	uint32_t leaf;

	if (n->kind == NODE_LITERAL || n->kind == NODE_BAD)
		return;
	if (!is_joint(n)) {
		n->leaf = compile_find_leaf(p, n, &leaf) ? leaf + 1 : 0;
		return;
	}
	for (size_t i = 0; i < n->n; i++)
		find_leaves(p, n->kids[i]);
}

static bool
is_true(struct rules_explainer *x, const struct node *n)
{
	switch (n->kind) {
	case NODE_LITERAL:
		return !n->item.null && n->item.v.type == VALUE_BOOL &&
		       n->item.v.b;
	case NODE_NOT:
		return !is_true(x, n->kids[0]);
	case NODE_AND:
	case NODE_OR:
		for (size_t i = 0; i < n->n; i++)
			if (is_true(x, n->kids[i]) == (n->kind == NODE_OR))
				return n->kind == NODE_OR;
		return n->kind == NODE_AND;
	default:
		return n->leaf != 0 && eval_leaf(&x->run->eval, n->leaf - 1);
	}
}

/* ---- reasons --------------------------------------------------------- */

static void
add_fields(struct rules_reason *r, const struct node *n)
{
	size_t i = 0;

	if (n->kind == NODE_FIELD) {
		while (i < r->n_fields && r->fields[i] != n->field)
			i++;
		if (i == r->n_fields && i < RULES_REASON_FIELDS)
			r->fields[r->n_fields++] = n->field;
	}
	/* What stands in brackets is about other events. */
	for (i = 0; n->kind != NODE_LINEAGE && i < n->n; i++)
		add_fields(r, n->kids[i]);
}

/* As it is written; of KQL, whose parts are not together, as it is meant. */
static struct view
text_of(struct rules_explainer *x, const struct node *n)
{
	struct parse p = *x->text;
	struct buf b = { 0 };
	struct view v;

	if (n->end > n->from)
		return view_sub(p.text, n->from, n->end - n->from);
	node_print(&p, n, &b);
	v = arena_copy(&x->texts, buf_view(&b));
	buf_free(&b);
	return v;
}

/* Is `n` as it is because its test was given up? Of what was asked before only
 * the answer is remembered, so it is asked once more. */
static bool
is_given_up(struct rules_explainer *x, const struct node *n)
{
	uint64_t failures = run_failures(x->run);

	if (failures == x->run->failed)
		return false;
	while (n->kind == NODE_NOT)
		n = n->kids[0];
	if (n->leaf == 0)
		return false;
	x->run->eval.memo[n->leaf - 1] = 0;
	(void)eval_leaf(&x->run->eval, n->leaf - 1);
	return run_failures(x->run) != failures;
}

static void
add_reason(struct rules_explainer *x, const struct node *n, bool holds)
{
	struct rules_reason *r = &x->reasons[x->n_reasons];

	if (x->n_reasons == REASONS_MAX) {
		x->more++;
		return;
	}
	*r = (struct rules_reason){ .text = text_of(x, n),
				    .holds = holds,
				    .given_up = is_given_up(x, n),
				    .excepted = x->excepted };
	r->place = parse_place(x->text, n->end > n->from ? n->from : n->at);
	r->place.text = VIEW_NONE;
	add_fields(r, n);
	x->n_reasons++;
}

/* What makes `n` be `truth`, which it is. */
static void
tell(struct rules_explainer *x, const struct node *n, bool truth)
{
	bool one = truth == (n->kind == NODE_OR) && !x->all;
	const struct node *kid;

	switch (n->kind) {
	case NODE_NOT:
		kid = n->kids[0];
		/* a != b is one thing to a reader */
		if (kid->end == 0 && n->end != 0 && !is_joint(kid))
			add_reason(x, n, truth);
		else
			tell(x, kid, !truth);
		return;
	case NODE_AND:
	case NODE_OR:
		for (size_t i = 0; i < n->n; i++) {
			if (is_true(x, n->kids[i]) != truth)
				continue;
			tell(x, n->kids[i], truth);
			if (one)
				return;
		}
		return;
	default:
		add_reason(x, n, truth);
	}
}

/* Those of a rule are asked of the event that completes it. */
static bool
completes(const struct query *q, unsigned stage)
{
	for (size_t k = stage + 1; k < q->n; k++)
		if (!q->stages[k].missing)
			return false;
	return stage < q->n && !q->stages[stage].missing;
}

static void
tell_exceptions(struct rules_explainer *x, unsigned stage)
{
	bool last = completes(&x->q, stage);

	x->excepted = true;
	for (size_t i = 0; i < x->n_exceptions; i++) {
		const struct exception_text *e = &x->exceptions[i];

		if ((!last && !e->of_list) ||
		    (e->expires_ns != 0 &&
		     x->record->time_ns >= e->expires_ns) ||
		    !is_true(x, e->when))
			continue;
		x->text = &e->p;
		tell(x, e->when, true);
	}
	x->text = &x->p;
	x->excepted = false;
}

/* ---- what a stage is about ------------------------------------------- */

/* The category's test stands first (see parse_category); without one the
 * stage is about all events. */
static bool
is_about(struct rules_explainer *x, const struct node *cond)
{
	const struct node *first =
		cond->kind == NODE_AND ? cond->kids[0] : cond;

	if (first->kind != NODE_IN || first->kids[0]->kind != NODE_FIELD ||
	    (int)first->kids[0]->field !=
		    rules_field_find(x->set, VIEW("event.category")))
		return true;
	return is_true(x, first);
}

/* ---- what has come before -------------------------------------------- */

struct noting {
	struct rules_explainer *x;
	unsigned stage;
	int before; /* the positive stage before it, -1 = none */
	bool seen;
	uint64_t last_ns; /* of `before` with the same keys */
	/* What came after that: until; one that must be missing, -1 = none. */
	bool ended;
	int unwanted;
	uint64_t unwanted_ns;
	struct lead lead;
};

static void
note_between(struct noting *n, const struct last_seen *s)
{
	const struct query *q = &n->x->q;
	const struct record *r = n->x->record;

	/* Stages come before until: the event itself ends nothing yet. */
	n->ended = q->until.cond != NULL && s->seen[q->n] &&
		   s->ns[q->n] >= n->last_ns && s->until_seq != r->seq;
	n->unwanted = -1;
	for (unsigned k = (unsigned)n->before + 1; k < n->stage; k++)
		if (q->stages[k].missing && s->seen[k] &&
		    s->ns[k] > n->last_ns && s->ns[k] < r->time_ns) {
			n->unwanted = (int)k;
			n->unwanted_ns = s->ns[k];
		}
}

static bool
is_last(const struct query *q, unsigned stage)
{
	return stage + 1 == q->n && !q->stages[stage].missing;
}

/* What must be missing before the first stage was there before what led here,
 * and too near to the last. */
static void
note_lead(struct noting *n, struct last_seen *s)
{
	const struct query *q = &n->x->q;
	uint64_t now_ns = n->x->record->time_ns, ns;
	struct lead lead = { 0 };

	if (n->before >= 0)
		lead = s->lead[n->before];
	for (unsigned k = 0; n->before < 0 && k < n->stage; k++) {
		ns = s->ns[k] < now_ns ? s->ns[k] : s->older_ns[k];
		if (s->seen[k] && ns > 0 && ns < now_ns && ns > lead.ns)
			lead = (struct lead){ ns, (int)k + 1 };
	}
	s->lead[n->stage] = lead;
	if (is_last(q, n->stage) && lead.stage > 0 &&
	    now_ns - lead.ns <= q->maxspan_ns && lead.ns > n->lead.ns)
		n->lead = lead;
}

static void
note_key(void *ctx, struct view key, const struct value **values)
{
	struct noting *n = ctx;
	struct group_table *t = &n->x->table;
	struct last_seen *s = (struct last_seen *)group_get(t, key);
	uint64_t now_ns = n->x->record->time_ns;

	(void)values;
	if (s == NULL)
		return;
	group_touch(t, &s->group, now_ns);
	if (n->before >= 0 && s->seen[n->before] &&
	    (!n->seen || s->ns[n->before] > n->last_ns)) {
		n->seen = true;
		n->last_ns = s->ns[n->before];
		note_between(n, s);
	}
	if (n->stage < n->x->q.n && !n->x->q.stages[n->stage].missing)
		note_lead(n, s);
	if (n->stage < n->x->q.n && s->seen[n->stage] &&
	    s->ns[n->stage] != now_ns)
		s->older_ns[n->stage] = s->ns[n->stage];
	s->seen[n->stage] = true;
	s->ns[n->stage] = now_ns;
	if (n->stage == n->x->q.n)
		s->until_seq = n->x->record->seq;
	if (t->n > KEYS_MAX)
		group_drop(t, t->oldest);
}

static void
put_seconds(struct buf *b, uint64_t ns)
{
	buf_printf(b, "%llu.%03llu s", (unsigned long long)(ns / NS_PER_SEC),
		   (unsigned long long)(ns % NS_PER_SEC / NS_PER_MS));
}

static void
note_unwanted(struct noting *n, unsigned stage, uint64_t ns)
{
	struct buf *b = &n->x->note;

	buf_printf(b, "%sone of stage %u, which must be missing, ",
		   b->n > 0 ? ", but " : "", stage);
	put_seconds(b, n->x->record->time_ns - ns);
	buf_puts(b, " before");
}

static void
note_before(struct noting *n)
{
	const struct query *q = &n->x->q;
	struct buf *b = &n->x->note;
	uint64_t since_ns = n->x->record->time_ns - n->last_ns;
	const char *keys = q->stages[0].n_keys > 0 ? " with the same keys" : "";

	if (n->before < 0)
		return;
	if (!n->seen) {
		buf_printf(b, "no event of stage %d%s came before",
			   n->before + 1, keys);
		return;
	}
	buf_printf(b, "an event of stage %d%s came ", n->before + 1, keys);
	put_seconds(b, since_ns);
	buf_puts(b, " before");
	if (q->has_maxspan && since_ns > q->maxspan_ns) {
		buf_puts(b, ", longer than the maxspan of ");
		put_seconds(b, q->maxspan_ns);
	}
	if (n->ended)
		buf_puts(b, ", but one of until since then");
	if (n->unwanted >= 0)
		note_unwanted(n, (unsigned)n->unwanted + 1, n->unwanted_ns);
}

/* What is joined, new or counted by a field passes over events without it. */
static bool
note_ignored(struct rules_explainer *x, const struct stage *s)
{
	const struct rule_code *c = x->code;
	const char *without = NULL;

	for (size_t i = 0; i < s->n_keys && without == NULL; i++)
		if (!s->keys[i].optional &&
		    record_get(x->record, s->keys[i].field)->n == 0)
			without = set_field_name(x->set, s->keys[i].field);
	for (size_t i = 0; i < c->n_fields && without == NULL; i++)
		if (record_get(x->record, c->fields[i])->n == 0)
			without = set_field_name(x->set, c->fields[i]);
	if (without != NULL)
		buf_printf(&x->note, "without %s it is ignored", without);
	return without != NULL;
}

static void
note_stage(struct rules_explainer *x, unsigned stage, bool fits)
{
	const struct stage *s = &x->code->stages[stage];
	struct noting n = {
		.x = x, .stage = stage, .before = -1, .unwanted = -1
	};
	struct key_each each = { note_key, &n };

	buf_clear(&x->note);
	for (unsigned k = 0; k < stage && k < x->q.n; k++)
		if (!x->q.stages[k].missing)
			n.before = (int)k;
	if (note_ignored(x, s))
		return;
	if (x->code->kind == CODE_TERMS) {
		buf_puts(&x->note, "matches if these values are new");
	} else if (x->code->kind == CODE_THRESHOLD) {
		buf_puts(&x->note, "counts for the group of these values");
	} else if (x->code->kind == CODE_SEQUENCE) {
		keys_each(x->run, x->record, s->keys, s->n_keys, each);
		if (stage < x->q.n)
			note_before(&n);
		if (n.lead.stage > 0)
			note_unwanted(&n, (unsigned)n.lead.stage, n.lead.ns);
		if (fits)
			buf_puts(&x->note, "; it fits the events before");
	}
}

/* ---- with the events before ------------------------------------------ */

static struct sequence_run *
sequence_of(const struct rules_explainer *x)
{
	return x->run->sequences[x->code->rule];
}

/* Tells what does not fit, of the sequence that was looked at last. */
static void
tell_joint(struct rules_explainer *x, const struct node *joint)
{
	x->run->eval.earlier = x->run->earlier;
	tell(x, joint, false);
	x->run->eval.earlier = NULL;
}

/* The stages that the event satisfies move the sequences on, for the next
 * event to be compared with. Nobody wants evidence of them. */
static void
feed(struct rules_explainer *x, struct record *r)
{
	void *(*pin)(struct record *) = r->pin;
	uint64_t satisfied = 0;

	for (size_t i = 0; i < x->code->n_stages; i++)
		if (eval_program(&x->run->eval, &x->code->stages[i].program))
			satisfied |= 1ull << i;
	r->pin = NULL;
	sequence_watermark(x->run, sequence_of(x), r->time_ns);
	sequence_feed(x->run, sequence_of(x), r, satisfied);
	r->pin = pin;
}

/* ---- one event ------------------------------------------------------- */

static void
answer(struct rules_explainer *x, unsigned stage, struct rules_answer *a)
{
	const struct stage *s = &x->code->stages[stage];
	bool until = stage == x->q.n;
	const struct query_stage *from =
		until ? &x->q.until : &x->q.stages[stage];
	enum kept_fit fit = KEPT_NONE;

	*a = (struct rules_answer){ .stage = stage,
				    .until = until,
				    .missing = from->missing,
				    .reasons = x->reasons };
	a->holds = eval_program(&x->run->eval, &s->program);
	x->n_reasons = x->more = 0;
	arena_reset(&x->texts);
	if (a->holds && s->joint.n > 0)
		fit = sequence_fit(x->run, sequence_of(x), x->record, stage);
	if (a->holds) {
		note_stage(x, stage, fit == KEPT_FITS);
		a->note = buf_view(&x->note);
		a->holds = fit != KEPT_UNFIT;
	}
	if (fit == KEPT_UNFIT) {
		tell_joint(x, x->joints[stage]);
	} else if (a->holds) {
		/* nothing says no */
	} else if (!is_true(x, from->cond)) {
		tell(x, from->cond, false);
	} else {
		tell_exceptions(x, stage);
	}
	a->n_reasons = x->n_reasons;
	a->more = x->more;
}

void
rules_explain(struct rules_explainer *x, struct record *r, bool all,
	      void (*each)(void *ctx, const struct rules_answer *), void *ctx)
{
	const struct rule_code *c = x->code;
	unsigned keys[QUERY_KEYS_MAX];
	struct rules_answer a;

	run_begin(x->run, r);
	x->record = r;
	x->all = all;
	for (unsigned i = (unsigned)c->n_stages; i-- > 0;) {
		const struct stage *s = &c->stages[i];

		/* from the last one, as sequences are tried: an event is not
		 * its own predecessor */
		if (!is_about(x, i == x->q.n ? x->q.until.cond
					     : x->q.stages[i].cond))
			continue;
		answer(x, i, &a);
		for (size_t k = 0; k < s->n_keys; k++)
			keys[k] = s->keys[k].field;
		a.keys = c->n_fields > 0 ? c->fields : keys;
		a.n_keys = c->n_fields > 0 ? c->n_fields : s->n_keys;
		each(ctx, &a);
	}
	if (x->has_joints)
		feed(x, r);
}

const char *
rules_explained_name(const struct rules *set, unsigned field)
{
	return set_field_name(set, field);
}

const struct slot *
rules_explained_values(const struct rules_explainer *x, unsigned field)
{
	if (field & FIELD_EARLIER)
		return &x->run->earlier[field & ~FIELD_EARLIER];
	return record_get(x->record, field);
}

/* ---- life ------------------------------------------------------------ */

static struct parse
parse_of(struct rules_explainer *x, struct view text, struct place place)
{
	return (struct parse){ .set = (struct rules *)(uintptr_t)x->set,
			       .arena = &x->tree,
			       .text = text,
			       .place = place,
			       .err = &x->ignored };
}

static int
read_condition(struct parse *p, struct node **cond)
{
	if (check_condition(p, cond) < 0)
		return -1;
	find_leaves(p, *cond);
	return 0;
}

/* What a stage asks of earlier events is told apart. */
static int
read_stage(struct rules_explainer *x, struct node **cond, struct node **joint)
{
	if (check_condition(&x->p, cond) < 0)
		return -1;
	*cond = compile_take_joint(&x->p, *cond, joint);
	find_leaves(&x->p, *cond);
	if (*joint != NULL) {
		x->has_joints = true;
		find_leaves(&x->p, *joint);
	}
	return 0;
}

static int
read_query(struct rules_explainer *x)
{
	const struct rule_source *s = &x->set->sources[x->code->rule];
	struct query *q = &x->q;
	struct node *none = NULL;

	x->p = parse_of(x, s->rule.query, s->query_place);
	x->text = &x->p;
	if ((s->rule.kuery ? parse_kql(&x->p, q) : parse_eql(&x->p, q)) < 0)
		return -1;
	for (size_t i = 0; i < q->n; i++)
		if (read_stage(x, &q->stages[i].cond, &x->joints[i]) < 0)
			return -1;
	if (q->until.cond == NULL)
		return 0;
	return read_stage(x, &q->until.cond, &none);
}

static int
read_exceptions(struct rules_explainer *x)
{
	const struct rules *set = x->set;
	x->exceptions = arena_array(&x->tree, set->n_exceptions + 1,
				    sizeof(*x->exceptions));
	if (x->exceptions == NULL)
		return -1;
	for (size_t i = 0; i < set->n_exceptions; i++) {
		const struct rule_exception *from = &set->exceptions[i];
		struct exception_text *e = &x->exceptions[x->n_exceptions];

		if (!exception_applies(set, from, x->code->rule))
			continue;
		e->p = parse_of(x, from->when, from->when_place);
		e->expires_ns = from->expires_ns;
		e->of_list = from->list.n > 0;
		if (parse_eql_condition(&e->p, &e->when) < 0 ||
		    read_condition(&e->p, &e->when) < 0)
			return -1;
		x->n_exceptions++;
	}
	return 0;
}

struct rules_explainer *
rules_explainer_new(const struct rules *set, size_t i)
{
	struct rules_explainer *x;

	if (!set->code[i].live)
		return NULL;
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	x->set = set;
	x->code = &set->code[i];
	x->table.size = sizeof(struct last_seen);
	x->run = rules_run_new(set, NULL, NULL);
	if (x->run == NULL || read_query(x) < 0 || read_exceptions(x) < 0) {
		rules_explainer_free(x);
		return NULL;
	}
	return x;
}

void
rules_explainer_free(struct rules_explainer *x)
{
	if (x == NULL)
		return;
	rules_run_free(x->run);
	group_table_free(&x->table);
	arena_free(&x->tree);
	arena_free(&x->texts);
	err_free(&x->ignored);
	buf_free(&x->note);
	free(x);
}
