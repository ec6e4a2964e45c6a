/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rule files in a folder of their own for each test, and what is said of
 * them. */
#ifndef TESTS_LOAD_HELP_H
#define TESTS_LOAD_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "rules/load.h"

static const struct rules_field fields[] = {
	{ "event.category", RULES_KEYWORD, NULL },
	{ "process.name", RULES_KEYWORD, NULL },
	{ "process.args", RULES_KEYWORD, NULL },
	{ "file.path", RULES_KEYWORD, NULL },
};
static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields) };

/* A folder of its own for each test. */
struct place_of_test {
	char path[64];
	struct rules *rules;
	struct err err;
};

static int
setup(void **state)
{
	struct place_of_test *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -1;
	strncpy(t->path, "/tmp/tocsin-rules-load-XXXXXX", sizeof(t->path) - 1);
	if (mkdtemp(t->path) == NULL)
		return -1;
	t->rules = rules_new(&schema);
	*state = t;
	return t->rules != NULL ? 0 : -1;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct place_of_test *t = *state;

	rules_free(t->rules);
	err_free(&t->err);
	nftw(t->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(t);
	return 0;
}

/* The path of a name in the folder; in a buffer of the caller's. */
static const char *
path_of(const struct place_of_test *t, const char *name, char out[256])
{
	assert_true(snprintf(out, 256, "%s%s%s", t->path,
			     name[0] != '\0' ? "/" : "", name) < 256);
	return out;
}

static void
put_view(const struct place_of_test *t, const char *name, struct view text)
{
	char path[256];
	int fd = open(path_of(t, name, path), O_WRONLY | O_CREAT | O_TRUNC,
		      0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text), 0);
	close(fd);
}

static void
put(const struct place_of_test *t, const char *name, const char *text)
{
	put_view(t, name, view_of(text));
}

static int
load(struct place_of_test *t, const char *name)
{
	char path[256];

	return rules_load_path(t->rules, path_of(t, name, path), &t->err);
}

static void
expect_text(struct view v, const char *wanted)
{
	if (!view_eq(v, view_of(wanted)))
		fail_msg("\"%.*s\" instead of \"%s\"", (int)v.n, v.p, wanted);
}

/* Error i is at this line and column and has these words. */
static void
expect_error(struct place_of_test *t, size_t i, unsigned line, unsigned column,
	     const char *words)
{
	const struct diag *e;

	if (i >= t->err.n)
		fail_msg("only %zu errors, none with \"%s\"", t->err.n, words);
	e = &t->err.v[i];
	if (e->line != line || e->column != column ||
	    view_search(e->message, view_of(words), 0) < 0)
		fail_msg("%u:%u \"%.*s\" instead of %u:%u \"%s\"", e->line,
			 e->column, (int)e->message.n, e->message.p, line,
			 column, words);
}

static const struct rule *
rule_of(struct place_of_test *t, const char *id)
{
	for (size_t i = 0; i < rules_count(t->rules); i++)
		if (view_eq(rules_at(t->rules, i)->id, view_of(id)))
			return rules_at(t->rules, i);
	fail_msg("no rule %s", id);
	return NULL;
}

/* What every rule must have, but for id and query. */
#define HEAD "name: N\ntype: eql\nseverity: low\nrisk_score: 21\n"
#define JSON_HEAD                                                \
	"\"name\":\"N\",\"severity\":\"low\",\"risk_score\":21," \
	"\"type\":\"eql\",\"language\":\"eql\","

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
