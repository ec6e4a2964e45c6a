/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shipped rules against events: every rules/linux/NAME.t, a text of
 *
 *	# comment
 *	rule ID			which rule is tested
 *	base [NAME] {JSON}	what the events below have in common; without a
 *				name it is that of events that name none
 *	+ ID [NAME] {JSON}	this event must complete one match
 *	- ID [NAME] {JSON}	this one must not; null takes a field away
 *	wait 5m			time passes; 10 ms do before every event
 *
 * Field names are dotted or nested. What follows from other fields is filled
 * in as on a live host, unless the event says it: the last component of
 * process.executable is process.name, of its parent likewise, process.args
 * gives args_count and command_line, file.path gives name, extension and
 * directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "rules/doc.h"
#include "rules/rules.h"

#define FOLDER "rules/linux"
#define EVENT_GAP_NS (10 * NS_PER_MS)
#define BASES_MAX 8

static const struct rules_field fields[] = {
#define FIELD(id, name, type, alias) { name, RULES_##type, NULL },
#include "fim/fields.def"
#undef FIELD
};

static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields) };

struct base {
	struct view name, json;
};

struct text {
	const char *path;
	unsigned line;
	const struct rules *rules;
	struct rules_run *run;
	struct view rule;
	struct base bases[BASES_MAX];
	size_t n_bases;
	struct record record;
	struct slot slots[ARRAY_LEN(fields)];
	struct slot values[ARRAY_LEN(fields)];
	struct arena arena; /* of one event */
	unsigned matches, positives, negatives, failures;
};

/* ---- events ---------------------------------------------------------- */

static struct value
value_of(const struct doc_node *n)
{
	struct value v = { .type = VALUE_STRING, .s = n->text };

	if (n->type == DOC_BOOL) {
		v.type = VALUE_BOOL;
		v.b = n->text.p[0] == 't';
	} else if (n->type == DOC_NUMBER && view_to_i64(n->text, &v.i)) {
		v.type = VALUE_INT;
	} else if (n->type == DOC_NUMBER) {
		v.type = VALUE_REAL;
		v.d = strtod(n->text.p, NULL);
	}
	return v;
}

static void
set_field(struct text *t, struct view name, const struct doc_node *n)
{
	int field = rules_field_find(t->rules, name);
	const struct doc_node *c = n->type == DOC_LIST ? n->child : n;
	struct value *v;
	unsigned i = 0;

	if (field < 0) {
		fail_msg("%s:%u: no field %.*s", t->path, t->line, (int)name.n,
			 name.p);
		return;
	}
	v = arena_array(&t->arena, n->n + 1, sizeof(*v));
	assert_non_null(v);
	for (; c != NULL && n->type != DOC_NULL; c = c->next) {
		v[i++] = value_of(c);
		if (n->type != DOC_LIST)
			break;
	}
	t->values[field] = (struct slot){ .n = i, .v = v };
	/* Said, if only to be nothing: not derived from others. */
	t->values[field].generation = 1;
}

static void
set_fields(struct text *t, struct view prefix, const struct doc_node *map)
{
	for (const struct doc_node *c = map->child; c != NULL; c = c->next) {
		struct view name = c->key;

		if (prefix.n > 0)
			name = arena_printf(&t->arena, "%.*s.%.*s",
					    (int)prefix.n, prefix.p,
					    (int)name.n, name.p);
		if (c->type == DOC_MAP)
			set_fields(t, name, c);
		else
			set_field(t, name, c);
	}
}

static void
set_json(struct text *t, struct view json)
{
	struct err err = { 0 };
	struct doc d = { .file = t->path,
			 .first_line = t->line,
			 .source = json,
			 .arena = &t->arena,
			 .err = &err };
	struct doc_node *root = doc_read_json(&d);

	if (root == NULL || root->type != DOC_MAP)
		fail_msg("%s:%u: not an object", t->path, t->line);
	set_fields(t, VIEW_NONE, root);
	err_free(&err);
}

static const struct slot *
said(struct text *t, const char *name)
{
	int field = rules_field_find(t->rules, view_of(name));

	assert_true(field >= 0);
	return &t->values[field];
}

static void
derive(struct text *t, const char *name, struct value v)
{
	int field = rules_field_find(t->rules, view_of(name));
	struct value *copy;

	assert_true(field >= 0);
	if (t->values[field].generation != 0)
		return;
	copy = arena_alloc(&t->arena, sizeof(*copy));
	assert_non_null(copy);
	*copy = v;
	t->values[field] = (struct slot){ .generation = 1, .n = 1, .v = copy };
}

static void
derive_text(struct text *t, const char *name, struct view v)
{
	if (v.p != NULL)
		derive(t, name, (struct value){ .type = VALUE_STRING, .s = v });
}

static void
derive_args(struct text *t, const char *args, const char *count,
	    const char *line)
{
	const struct slot *s = said(t, args);
	struct buf b = { 0 };

	if (s->n == 0)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		if (i > 0)
			buf_putc(&b, ' ');
		buf_put(&b, s->v[i].s);
	}
	derive(t, count, (struct value){ .type = VALUE_INT, .i = s->n });
	derive_text(t, line, arena_copy(&t->arena, buf_view(&b)));
	buf_free(&b);
}

static void
derive_fields(struct text *t)
{
	const struct slot *s = said(t, "process.executable");

	if (s->n > 0)
		derive_text(t, "process.name", path_name(s->v[0].s));
	s = said(t, "process.parent.executable");
	if (s->n > 0)
		derive_text(t, "process.parent.name", path_name(s->v[0].s));
	derive_args(t, "process.args", "process.args_count",
		    "process.command_line");
	derive_args(t, "process.parent.args", "process.parent.args_count",
		    "process.parent.command_line");
	s = said(t, "file.path");
	if (s->n > 0) {
		struct view e = path_extension(s->v[0].s);

		derive_text(t, "file.name", path_name(s->v[0].s));
		derive_text(t, "file.directory", path_directory(s->v[0].s));
		if (e.n > 0)
			derive_text(t, "file.extension", e);
	}
}

static void
fill(struct record *r, unsigned field)
{
	const struct text *t = r->ctx;

	assert_true(field < ARRAY_LEN(fields));
	r->slots[field].n = t->values[field].n;
	r->slots[field].v = t->values[field].v;
}

static void
on_match(void *ctx, const struct rules_match *m)
{
	struct text *t = ctx;

	if (view_eq(m->rule->id, t->rule))
		t->matches++;
}

/* ---- lines ----------------------------------------------------------- */

static struct view
next_word(struct view *rest)
{
	struct view word;

	*rest = view_trim(*rest);
	if (rest->n > 0 && rest->p[0] == '{')
		return VIEW_NONE;
	if (!view_next_split(rest, ' ', &word))
		return VIEW_NONE;
	return word;
}

static const struct base *
find_base(const struct text *t, struct view name)
{
	for (size_t i = 0; i < t->n_bases; i++)
		if (view_eq(t->bases[i].name, name))
			return &t->bases[i];
	return NULL;
}

static void
read_base(struct text *t, struct view rest)
{
	struct view name = next_word(&rest);
	struct base *b = (struct base *)find_base(t, name);

	if (b == NULL) {
		assert_true(t->n_bases < BASES_MAX);
		b = &t->bases[t->n_bases++];
	}
	*b = (struct base){ name, view_trim(rest) };
}

static void
feed_event(struct text *t, bool wanted, struct view rest)
{
	struct view id = next_word(&rest), base = next_word(&rest);
	const struct base *b = find_base(t, base);

	memset(t->values, 0, sizeof(t->values));
	if (b == NULL)
		fail_msg("%s:%u: no such base", t->path, t->line);
	else
		set_json(t, b->json);
	if (view_trim(rest).n > 0)
		set_json(t, view_trim(rest));
	derive_fields(t);
	t->record.time_ns += EVENT_GAP_NS;
	t->record.seq++;
	t->record.generation++;
	t->matches = 0;
	rules_feed(t->run, &t->record);
	if (t->matches != wanted) {
		print_error("%s:%u: %.*s: %u matches instead of %u\n", t->path,
			    t->line, (int)id.n, id.p, t->matches, wanted);
		t->failures++;
	}
	*(wanted ? &t->positives : &t->negatives) += 1;
	arena_reset(&t->arena);
}

static void
read_line(struct text *t, struct view line)
{
	struct view rest = line, word = next_word(&rest);
	uint64_t ns;

	if (word.n == 0 || word.p[0] == '#')
		return;
	if (view_eq(word, VIEW("rule"))) {
		t->rule = view_trim(rest);
	} else if (view_eq(word, VIEW("base"))) {
		read_base(t, rest);
	} else if (view_eq(word, VIEW("wait"))) {
		assert_true(duration_read(view_trim(rest), &ns));
		t->record.time_ns += ns;
	} else if (view_eq(word, VIEW("+")) || view_eq(word, VIEW("-"))) {
		feed_event(t, word.p[0] == '+', rest);
	} else {
		fail_msg("%s:%u: what is this?", t->path, t->line);
	}
}

/* ---- files ----------------------------------------------------------- */

static const struct rule *
find_rule(const struct rules *r, struct view id)
{
	for (size_t i = 0; i < rules_count(r); i++)
		if (view_eq(rules_at(r, i)->id, id))
			return rules_at(r, i);
	return NULL;
}

static bool
read_whole(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		return false;
	result = fd_read_all(fd, 1 << 20, out);
	close(fd);
	return result == 0;
}

static void
run_text(struct text *t, struct view text)
{
	static const struct rules_options options = { 0 };
	struct rules_sink sink = { .match = on_match, .ctx = t };
	struct view line;

	t->record = (struct record){
		.time_ns = 1700000000 * NS_PER_SEC,
		.n_slots = ARRAY_LEN(fields),
		.slots = t->slots,
		.fill = fill,
		.ctx = t,
	};
	t->run = rules_run_new(t->rules, &options, &sink);
	assert_non_null(t->run);
	while (view_next_split(&text, '\n', &line)) {
		t->line++;
		read_line(t, line);
	}
	rules_run_free(t->run);
	arena_free(&t->arena);
}

/* Of the rules that a name list cannot express, an act or two of each kind; of
 * the five detections every exception, and twelve of both at the least. */
static unsigned
wanted_events(struct view rule)
{
	static const char *const detections[] = {
		"motd-process-spawned",	 "run-pid-lock-reboot-created",
		"systemd-timer-created", "web-server-command",
		"cat-network-activity",
	};

	for (size_t i = 0; i < ARRAY_LEN(detections); i++)
		if (view_eq(rule, view_of(detections[i])))
			return 12;
	return 6;
}

static unsigned
test_rule(const struct rules *rules, const struct rule *rule)
{
	struct text t = { .rules = rules };
	struct buf text = { 0 };
	struct view stem = rule->file;
	char *path;

	stem.n -= path_extension(stem).n;
	assert_true(asprintf(&path, "%.*st", (int)stem.n, stem.p) > 0);
	t.path = path;
	if (!read_whole(path, &text))
		fail_msg("%s has no test %s", rule->file.p, path);
	run_text(&t, buf_view(&text));
	assert_true(view_eq(t.rule, rule->id));
	if (t.positives < wanted_events(rule->id) ||
	    t.negatives < wanted_events(rule->id))
		fail_msg("%s: only %u + and %u -", path, t.positives,
			 t.negatives);
	print_message("%s: %u match, %u do not\n", path, t.positives,
		      t.negatives);
	free(path);
	buf_free(&text);
	return t.failures;
}

static struct rules *
load_all(void)
{
	struct rules *rules = rules_new(&schema);
	struct err err = { 0 };
	struct buf out = { 0 };
	int broken, sealed;

	assert_non_null(rules);
	broken = rules_load_path(rules, FOLDER, &err);
	sealed = rules_seal(rules, &err);
	for (size_t i = 0; i < err.n; i++)
		err_format(&err.v[i], &out);
	if (out.n > 0)
		print_error("%.*s", (int)out.n, out.p);
	assert_int_equal(broken, 0);
	assert_int_equal(sealed, 0);
	assert_int_equal(err.n, 0);
	buf_free(&out);
	err_free(&err);
	return rules;
}

static void
test_shipped_rules(void **state)
{
	struct rules *rules = load_all();
	unsigned failures = 0;

	(void)state;
	assert_true(rules_count(rules) >= 11);
	for (size_t i = 0; i < rules_count(rules); i++)
		failures += test_rule(rules, rules_at(rules, i));
	assert_int_equal(failures, 0);
	rules_free(rules);
}

static bool
is_attack_url(struct view url, struct view id)
{
	/* T1053.006 is at …/T1053/006/. */
	struct view v = view_sub(id, 0, 5);

	return view_starts(url, VIEW("https://attack.mitre.org/")) &&
	       view_search(url, id.n > 6 ? v : id, 0) > 0 &&
	       view_ends(url, VIEW("/"));
}

static void
check_threats(const struct rule *r)
{
	assert_true(r->n_threats > 0);
	for (size_t i = 0; i < r->n_threats; i++) {
		const struct rule_threat *t = &r->threats[i];

		assert_true(view_eq(t->framework, VIEW("MITRE ATT&CK")));
		assert_true(is_attack_url(t->tactic_reference, t->tactic_id));
		for (size_t k = 0; k < t->n_techniques; k++)
			assert_true(is_attack_url(t->techniques[k].reference,
						  t->techniques[k].id));
	}
}

/* Every {{field}} is one of the schema, and stands within quotes. */
static void
check_placeholders(const struct rules *rules, struct view sql)
{
	ssize_t open = 0, close;

	while ((open = view_search(sql, VIEW("{{"), (size_t)open)) >= 0) {
		unsigned quotes = 0;

		close = view_search(sql, VIEW("}}"), (size_t)open);
		assert_true(close > open);
		assert_true(rules_field_find(
				    rules,
				    view_sub(sql, (size_t)open + 2,
					     (size_t)(close - open) - 2)) >= 0);
		for (ssize_t i = 0; i < open; i++)
			quotes += sql.p[i] == '\'';
		assert_int_equal(quotes % 2, 1);
		open = close;
	}
}

static void
test_what_the_rules_say(void **state)
{
	struct rules *rules = load_all();
	static const char *const severities[] = { "low", "medium", "high",
						  "critical" };
	static const int scores[] = { 21, 47, 73, 99 };

	(void)state;
	for (size_t i = 0; i < rules_count(rules); i++) {
		const struct rule *r = rules_at(rules, i);
		bool fits = false;

		for (size_t k = 0; k < ARRAY_LEN(scores); k++)
			fits |= view_eq(r->severity, view_of(severities[k])) &&
				r->risk_score == scores[k];
		assert_true(fits);
		assert_int_equal(r->max_signals, 100);
		assert_true(r->description.n > 50 && r->note.n > 50);
		assert_true(r->tags.n > 0 && r->false_positives.n > 0);
		assert_true(r->references.n > 0 && r->respond.n > 0);
		check_threats(r);
		assert_true(r->n_investigate > 0);
		for (size_t k = 0; k < r->n_investigate; k++)
			check_placeholders(rules, r->investigate[k].query);
	}
	assert_null(find_rule(rules, VIEW("lists")));
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_rules),
		cmocka_unit_test(test_what_the_rules_say),
	};

	return cmocka_run_group_tests_name("rules_text", tests, NULL, NULL);
}
