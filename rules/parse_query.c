/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EQL, continued: events, sequences, samples, pipes. */
#include "rules/parse_eql.h"

struct node *
eql_event(struct eql *e)
{
	struct node *category, *cond;
	struct token name = e->t;
	bool failed;

	if (name.kind != TOKEN_WORD && name.kind != TOKEN_STRING) {
		eql_fail(e,
			 "expected an event category (process, file, network, "
			 "any, …)");
		return eql_bad(e);
	}
	eql_advance(e);
	if (!eql_is_word(e, "where")) {
		eql_fail(e, "expected where after the event category");
		return eql_bad(e);
	}
	eql_advance(e);
	if (name.kind == TOKEN_STRING && view_eq(name.text, VIEW("any"))) {
		/* quoted: the category of that name */
		category = parse_category(e->p, VIEW("any "), name.at, &failed);
		if (category != NULL)
			category->kids[1]->item.v.s = name.text;
	} else {
		category = parse_category(e->p, name.text, name.at, &failed);
	}
	cond = eql_condition(e);
	if (failed)
		return eql_bad(e);
	if (category == NULL)
		return cond;
	return node_join(e->p, NODE_AND, category, cond);
}

static void
parse_keys(struct eql *e, struct query_stage *s, struct join_key *room)
{
	if (s->keys == NULL)
		s->keys = room;
	do {
		bool optional = eql_take(e, '?');
		struct node *f = eql_field(e, optional);

		if (s->n_keys == QUERY_KEYS_MAX) {
			eql_fail(e, "more than %d join keys", QUERY_KEYS_MAX);
			return;
		}
		if (f->kind == NODE_FIELD && (f->field & FIELD_EARLIER))
			eql_fail_at(e, f->at,
				    "a join key is a field of the event "
				    "itself");
		else if (f->kind == NODE_FIELD)
			room[s->n_keys++] =
				(struct join_key){ .field = f->field,
						   .at = f->at,
						   .optional = optional };
	} while (eql_take(e, ','));
}

/* 500ms, 1s, 5m, 2h, 1d */
static void
parse_span(struct eql *e, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ms", NS_PER_MS },	     { "s", NS_PER_SEC },
		{ "m", 60 * NS_PER_SEC },    { "h", 3600 * NS_PER_SEC },
		{ "d", 86400 * NS_PER_SEC },
	};
	struct token number = e->t;

	eql_expect(e, TOKEN_NUMBER, "a time span such as 500ms, 1s, 5m");
	for (size_t i = 0; i < ARRAY_LEN(units) && !e->failed; i++) {
		if (number.number.type != VALUE_INT ||
		    !eql_is_word(e, units[i].name))
			continue;
		if (__builtin_mul_overflow((uint64_t)number.number.i,
					   units[i].ns, ns))
			eql_fail(e, "this time span is too long");
		eql_advance(e);
		return;
	}
	eql_fail(e, "expected a whole number with a unit: ms, s, m, h or d");
}

static void
parse_params(struct eql *e, struct query *q)
{
	if (!eql_take_word(e, "with"))
		return;
	q->maxspan_at = (uint32_t)e->t.at;
	if (!eql_take_word(e, "maxspan")) {
		eql_fail(e, "expected maxspan= after with");
		return;
	}
	eql_expect(e, '=', "= after maxspan");
	q->has_maxspan = true;
	parse_span(e, &q->maxspan_ns);
}

static void
parse_runs(struct eql *e, struct query_stage *s)
{
	struct token number;

	if (!eql_take_word(e, "runs")) {
		eql_fail(e, "expected runs= after with");
		return;
	}
	eql_expect(e, '=', "= after runs");
	number = e->t;
	eql_expect(e, TOKEN_NUMBER, "how many runs");
	if (e->failed)
		return;
	if (number.number.type != VALUE_INT || number.number.i < 1 ||
	    number.number.i > QUERY_RUNS_MAX)
		parse_error(e->p, number.at, "runs must be from 1 to %d",
			    QUERY_RUNS_MAX);
	else
		s->runs = (unsigned)number.number.i;
}

/* as event0: later stages may ask for event0.process.name. */
static void
parse_alias(struct eql *e, struct query_stage *s)
{
	if (e->t.kind != TOKEN_WORD || view_find(e->t.text, '.') >= 0) {
		eql_fail(e, "expected a name after as");
		return;
	}
	for (size_t i = 0; i < e->q->n; i++)
		if (view_eq(e->q->stages[i].alias, e->t.text))
			eql_fail(e, "an earlier stage has this name already");
	if (s->missing)
		eql_fail(e, "a missing event has no fields to ask for");
	if (e->q->kind != QUERY_SEQUENCE)
		eql_fail(e, "only the events of a sequence have names");
	s->alias = e->t.text;
	eql_advance(e);
}

/* [ event ] by keys with runs=n; `shared` keys of the query come first. */
static void
parse_stage(struct eql *e, const struct query_stage *shared,
	    struct query_stage *s)
{
	struct join_key *room =
		arena_array(e->p->arena, QUERY_KEYS_MAX, sizeof(*room));

	*s = (struct query_stage){ .runs = 1,
				   .at = (uint32_t)e->t.at,
				   .keys = room };
	if (room == NULL) {
		eql_fail(e, "memory is out");
		return;
	}
	for (; s->n_keys < shared->n_keys; s->n_keys++)
		room[s->n_keys] = shared->keys[s->n_keys];
	s->missing = e->t.kind == TOKEN_MISSING;
	if (!eql_take(e, '[') && !eql_take(e, TOKEN_MISSING)) {
		eql_fail(e, "expected [ and an event query");
		return;
	}
	s->cond = eql_event(e);
	eql_expect(e, ']', "] at the end of the event query");
	for (;;) {
		if (eql_take_word(e, "by"))
			parse_keys(e, s, room);
		else if (eql_take_word(e, "with"))
			parse_runs(e, s);
		else if (eql_take_word(e, "as"))
			parse_alias(e, s);
		else
			break;
	}
}

static void
parse_stages(struct eql *e, struct query *q, const struct query_stage *shared)
{
	while (!e->failed && (e->t.kind == '[' || e->t.kind == TOKEN_MISSING)) {
		if (q->n == QUERY_STAGES_MAX) {
			eql_fail(e, "more than %d stages", QUERY_STAGES_MAX);
			return;
		}
		parse_stage(e, shared, &q->stages[q->n]);
		q->n++;
	}
}

static void
check_stage_keys(struct eql *e, const struct query *q,
		 const struct query_stage *s)
{
	if (s->n_keys != q->stages[0].n_keys)
		parse_error(e->p, s->at,
			    "this stage has %zu join keys, the first has %zu",
			    s->n_keys, q->stages[0].n_keys);
}

static void
check_sequence(struct eql *e, struct query *q)
{
	size_t positive = 0, missing = 0, total = 0;

	for (size_t i = 0; i < q->n; i++) {
		check_stage_keys(e, q, &q->stages[i]);
		if (q->stages[i].missing)
			missing++;
		else
			positive++;
		total += q->stages[i].runs;
	}
	if (q->until.cond != NULL)
		check_stage_keys(e, q, &q->until);
	if (total < 2)
		parse_error(e->p, q->n > 0 ? q->stages[0].at : e->t.at,
			    "a sequence needs two stages or more");
	else if (positive == 0)
		parse_error(e->p, q->stages[0].at,
			    "a sequence needs an event that is not missing");
	if (missing > 0 && !q->has_maxspan)
		parse_error(e->p, q->stages[0].at,
			    "a sequence with missing events needs "
			    "with maxspan=…");
}

static void
parse_sequence(struct eql *e, struct query *q)
{
	struct join_key keys[QUERY_KEYS_MAX];
	struct query_stage shared = { 0 };

	q->kind = QUERY_SEQUENCE;
	if (eql_take_word(e, "by")) {
		parse_keys(e, &shared, keys);
		parse_params(e, q);
	} else {
		parse_params(e, q);
		if (eql_is_word(e, "by"))
			eql_fail(e, "write by before with: sequence by … with "
				    "maxspan=…");
	}
	parse_stages(e, q, &shared);
	if (eql_take_word(e, "until")) {
		parse_stage(e, &shared, &q->until);
		if (q->until.missing || q->until.runs != 1)
			parse_error(e->p, q->until.at,
				    "until takes a plain event");
	}
	if (!e->failed)
		check_sequence(e, q);
}

static void
parse_sample(struct eql *e, struct query *q)
{
	struct join_key keys[QUERY_KEYS_MAX];
	struct query_stage shared = { 0 };

	q->kind = QUERY_SAMPLE;
	if (eql_take_word(e, "by"))
		parse_keys(e, &shared, keys);
	parse_stages(e, q, &shared);
	if (e->failed)
		return;
	if (eql_is_word(e, "until") || eql_is_word(e, "with"))
		eql_fail(e, "a sample has neither until nor with");
	if (q->n < 2)
		eql_fail(e, "a sample needs two filters or more");
	for (size_t i = 0; i < q->n && !e->failed; i++) {
		check_stage_keys(e, q, &q->stages[i]);
		if (q->stages[i].missing || q->stages[i].runs != 1)
			parse_error(e->p, q->stages[i].at,
				    "a sample has neither missing events "
				    "nor runs");
		if (q->stages[i].n_keys == 0)
			eql_fail_at(e, q->stages[i].at,
				    "a sample needs a join key: sample by …");
	}
}

static void
parse_pipes(struct eql *e, struct query *q)
{
	while (eql_take(e, '|')) {
		bool head = eql_is_word(e, "head");
		struct token number;

		if (!head && !eql_is_word(e, "tail")) {
			eql_fail(e, "expected head or tail after |");
			return;
		}
		eql_advance(e);
		number = e->t;
		eql_expect(e, TOKEN_NUMBER, "how many results");
		if (e->failed)
			return;
		if (number.number.type != VALUE_INT ||
		    q->n_pipes == QUERY_PIPES_MAX) {
			eql_fail_at(e, number.at, "expected a whole number");
			return;
		}
		q->pipes[q->n_pipes++] =
			(struct query_pipe){ .kind = head ? PIPE_HEAD
							  : PIPE_TAIL,
					     .n = (uint64_t)number.number.i };
	}
}

static int
begin(struct eql *e, struct parse *p)
{
	*e = (struct eql){ .p = p };
	if (parse_begin(p) < 0)
		return -1;
	eql_advance(e);
	return 0;
}

/* Other languages write these in capitals. */
static bool
is_capital_keyword(const struct token *t)
{
	return t->kind == TOKEN_WORD && (view_eq_fold(t->text, VIEW("and")) ||
					 view_eq_fold(t->text, VIEW("or")) ||
					 view_eq_fold(t->text, VIEW("not")));
}

static int
finish(struct eql *e)
{
	if (is_capital_keyword(&e->t))
		eql_fail(e, "and, or, not are written in lower case");
	if (!e->failed && e->t.kind != TOKEN_END)
		eql_fail(e, "the query should end here");
	return e->p->errors > 0 || e->failed ? -1 : 0;
}

int
parse_eql(struct parse *p, struct query *q)
{
	struct eql e;

	memset(q, 0, sizeof(*q));
	if (begin(&e, p) < 0)
		return -1;
	e.q = q;
	if (eql_take_word(&e, "sequence")) {
		parse_sequence(&e, q);
	} else if (eql_take_word(&e, "sample")) {
		parse_sample(&e, q);
	} else {
		q->kind = QUERY_EVENT;
		q->n = 1;
		q->stages[0].runs = 1;
		q->stages[0].cond = eql_event(&e);
	}
	parse_pipes(&e, q);
	if (finish(&e) < 0)
		return -1;
	parse_meanings(p, q);
	return 0;
}

int
parse_eql_condition(struct parse *p, struct node **out)
{
	struct eql e;

	if (begin(&e, p) < 0)
		return -1;
	*out = eql_condition(&e);
	return finish(&e);
}
