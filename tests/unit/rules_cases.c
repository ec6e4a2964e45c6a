/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the text cases of tests/eql: queries over a few events, with the ids
 * that must come out, or the error that must be reported. A file:
 *
 *     # comment
 *     events                  the following lines are events (rules_help.h),
 *     1 @0 event.category=process process.name=bash      up to an empty line
 *
 *     fields process.pid:long dns.id:keyword!      a closed schema from here
 *                             on (! = unsupported); `fields` alone: open
 *     list shells bash sh     a named list
 *     eql process where …     or kql; lines that begin with a tab continue it
 *     ids 1 2                 in order, stage by stage, - = missing event;
 *     error 1:9 some words    or an error: line, column, part of the sentence
 *     unsupported some words  or unsupported, with part of the reason
 */
#include "tests/unit/rules_help.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define FOLDER "tests/eql"
#define FIELDS_MAX 64

struct cases {
	const char *file;
	unsigned line, n, failed;
	struct help help;
	struct arena arena; /* of the file */
	struct rules_field fields[FIELDS_MAX];
	struct rules_schema schema;
	struct {
		struct view name;
		struct view v[64];
		struct rule_list list;
	} lists[8];
	size_t n_lists;
	struct view query;
	bool kuery, in_events;
	unsigned query_line;
};

static void
complain(struct cases *c, const char *what, struct view detail)
{
	print_error("%s:%u: %s %.*s\n    %.*s\n", c->file, c->query_line, what,
		    (int)detail.n, detail.p == NULL ? "" : detail.p,
		    (int)c->query.n, c->query.p);
	c->failed++;
}

static void
read_fields(struct cases *c, struct view rest)
{
	struct view word;

	c->schema = (struct rules_schema){ .fields = c->fields, .open = true };
	while (view_next_split(&rest, ' ', &word)) {
		static const char *const names[] = { "keyword", "long",
						     "double",	"bool",
						     "ip",	"date",
						     "text" };
		ssize_t colon = view_find(word, ':');
		struct rules_field *f = &c->fields[c->schema.n];
		struct view type;

		if (colon < 0 || c->schema.n == FIELDS_MAX)
			continue;
		*f = (struct rules_field){
			.name = arena_copy(&c->arena,
					   view_sub(word, 0, (size_t)colon))
					.p
		};
		type = view_sub(word, (size_t)colon + 1, SIZE_MAX);
		if (view_ends(type, VIEW("!"))) {
			f->unsupported = "no sensor sees it";
			type.n--;
		}
		for (unsigned t = 0; t < ARRAY_LEN(names); t++)
			if (view_eq(type, view_of(names[t])))
				f->type = (enum rules_type)t;
		c->schema.open = false;
		c->schema.n++;
	}
}

static void
read_list(struct cases *c, struct view rest)
{
	struct view word;
	size_t i = c->n_lists++;

	assert_true(i < ARRAY_LEN(c->lists));
	view_next_split(&rest, ' ', &word);
	c->lists[i].name = arena_copy(&c->arena, word);
	c->lists[i].list = (struct rule_list){ c->lists[i].v, 0 };
	while (view_next_split(&rest, ' ', &word))
		c->lists[i].v[c->lists[i].list.n++] =
			arena_copy(&c->arena, word);
}

static struct rules *
compile(struct cases *c, struct err *err)
{
	struct rules *set = rules_new(&c->schema);

	for (size_t i = 0; i < c->n_lists; i++)
		rules_define_list(set, c->lists[i].name, &c->lists[i].list,
				  false);
	assert_int_equal(rules_add_query(set, "case", c->query, c->kuery, err),
			 0);
	assert_true(rules_seal(set, err) >= 0);
	c->n++;
	return set;
}

static void
expect_ids(struct cases *c, struct view rest)
{
	struct err err = { 0 };
	struct rules *set = compile(c, &err);
	struct buf want = { 0 }, got = { 0 };
	struct view word;

	if (rules_at(set, 0)->status != RULE_OK) {
		complain(c, "does not compile:", rules_at(set, 0)->reason);
		goto out;
	}
	help_run(&c->help, set, NULL);
	while (view_next_split(&rest, ' ', &word))
		if (word.n > 0)
			buf_printf(&want, " %.*s", (int)word.n, word.p);
	for (size_t i = 0; i < c->help.n_ids; i++) {
		if (c->help.ids[i] == -1)
			buf_puts(&got, " -");
		else
			buf_printf(&got, " %ld", c->help.ids[i]);
	}
	if (!view_eq(buf_view(&want), buf_view(&got))) {
		complain(c, "wanted", buf_view(&want));
		print_error("    got%.*s\n", (int)got.n,
			    got.p == NULL ? "" : got.p);
	}
	if (c->help.pinned != 0)
		complain(c, "pins are left", VIEW_NONE);
	c->help.pinned = 0;
out:
	buf_free(&want);
	buf_free(&got);
	rules_free(set);
	err_free(&err);
}

static void
expect_error(struct cases *c, struct view rest)
{
	struct err err = { 0 };
	struct rules *set = compile(c, &err);
	struct view place = VIEW_NONE;
	struct buf got = { 0 };
	bool found = false;

	view_next_split(&rest, ' ', &place);
	for (size_t i = 0; i < err.n; i++) {
		struct buf at = { 0 };

		buf_printf(&at, "%u:%u", err.v[i].line, err.v[i].column);
		found |= view_eq(buf_view(&at), place) &&
			 view_search(err.v[i].message, rest, 0) >= 0;
		buf_printf(&got, "%.*s %.*s; ", (int)at.n, at.p,
			   (int)err.v[i].message.n, err.v[i].message.p);
		buf_free(&at);
	}
	if (!found || rules_at(set, 0)->status != RULE_ERROR)
		complain(c, "other errors:", buf_view(&got));
	buf_free(&got);
	rules_free(set);
	err_free(&err);
}

static void
expect_unsupported(struct cases *c, struct view rest)
{
	struct err err = { 0 };
	struct rules *set = compile(c, &err);
	const struct rule *r = rules_at(set, 0);

	if (r->status != RULE_UNSUPPORTED ||
	    view_search(r->reason, rest, 0) < 0)
		complain(c, "is not unsupported:", r->reason);
	rules_free(set);
	err_free(&err);
}

static bool
begins(struct view line, const char *word, struct view *rest)
{
	struct view w = view_of(word);

	if (!view_starts(line, w) || (line.n > w.n && line.p[w.n] != ' '))
		return false;
	*rest = line.n > w.n ? view_sub(line, w.n + 1, SIZE_MAX) : VIEW("");
	return true;
}

static void
read_line(struct cases *c, struct view line)
{
	struct view rest;

	if (c->in_events && line.n > 0) {
		struct view z = arena_copy(&c->arena, line);

		help_event(&c->help, z.p);
		return;
	}
	c->in_events = false;
	if (line.n == 0 || line.p[0] == '#')
		return;
	if (line.p[0] == '\t') {
		c->query =
			arena_printf(&c->arena, "%.*s\n%.*s", (int)c->query.n,
				     c->query.p, (int)line.n - 1, line.p + 1);
	} else if (begins(line, "events", &rest)) {
		help_free(&c->help);
		c->in_events = true;
	} else if (begins(line, "fields", &rest)) {
		read_fields(c, rest);
	} else if (begins(line, "list", &rest)) {
		read_list(c, rest);
	} else if (begins(line, "eql", &rest) || begins(line, "kql", &rest)) {
		c->kuery = line.p[0] == 'k';
		c->query = arena_copy(&c->arena, rest);
		c->query_line = c->line;
	} else if (begins(line, "ids", &rest)) {
		expect_ids(c, rest);
	} else if (begins(line, "error", &rest)) {
		expect_error(c, rest);
	} else if (begins(line, "unsupported", &rest)) {
		expect_unsupported(c, rest);
	} else {
		complain(c, "unknown line", line);
	}
}

static void
run_file(const char *path)
{
	struct cases c = { .file = path,
			   .schema = { .open = true },
			   .query = VIEW("") };
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		c.line++;
		if (line[n - 1] == '\n')
			n--;
		read_line(&c, (struct view){ line, (size_t)n });
	}
	fclose(f);
	free(line);
	help_free(&c.help);
	arena_free(&c.arena);
	print_message("%s: %u cases, %u failed\n", path, c.n, c.failed);
	assert_true(c.n > 0);
	assert_int_equal(c.failed, 0);
}

static void
run_case_file(void **state)
{
	run_file(*state);
}

static int
is_case_file(const struct dirent *d)
{
	return view_ends(view_of(d->d_name), VIEW(".t"));
}

int
main(int argc, char **argv)
{
	struct CMUnitTest tests[64];
	char paths[64][300];
	struct dirent **v = NULL;
	size_t count = 0;
	int n;

	if (argc > 1) {
		for (int i = 1; i < argc && i < 64; i++)
			snprintf(paths[count++], sizeof(paths[0]), "%s",
				 argv[i]);
	} else {
		n = scandir(FOLDER, &v, is_case_file, alphasort);
		for (int i = 0; i < n; i++) {
			if (count < 64)
				snprintf(paths[count++], sizeof(paths[0]),
					 FOLDER "/%s", v[i]->d_name);
			free(v[i]);
		}
		free(v);
	}
	if (count == 0) {
		print_error("no cases in " FOLDER ": run from the root\n");
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){ .name = paths[i],
						.test_func = run_case_file,
						.initial_state = paths[i] };
	return _cmocka_run_group_tests("rules_cases", tests, count, NULL, NULL);
}
