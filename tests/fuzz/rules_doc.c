/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule files, exceptions and the documents below them. The first byte says
 * what the rest is: y YAML rule, j JSON, n one object a line, x exceptions.
 * JSON is also given to jansson: both must agree on what is JSON.
 */
#include "rules/load.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct rules_field fields[] = {
	{ "event.category", RULES_KEYWORD, NULL },
	{ "process.name", RULES_KEYWORD, NULL },
};
static const struct rules_schema schema = { .fields = fields,
					    .n = ARRAY_LEN(fields),
					    .open = true };

/* Every node is reachable, counted, and within the source. */
static unsigned
check_tree(const struct doc *d, const struct doc_node *n)
{
	unsigned children = 0, nodes = 1;

	if (n->line == 0 || n->column == 0 || n->offset > d->source.n)
		abort();
	for (const struct doc_node *c = n->child; c != NULL; c = c->next) {
		children++;
		nodes += check_tree(d, c);
	}
	if (children != n->n)
		abort();
	return nodes;
}

static bool
jansson_reads(struct view text, bool *limits)
{
	json_error_t e;
	json_t *j = json_loadb(
		text.n > 0 ? text.p : "", text.n,
		JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);
	bool ok = j != NULL;

	/* What jansson refuses though it is JSON. */
	*limits = !ok && (json_error_code(&e) == json_error_numeric_overflow ||
			  json_error_code(&e) == json_error_null_byte_in_key);
	json_decref(j);
	return ok;
}

static void
compare_json(struct view text)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct doc d = {
		.file = "f", .source = text, .arena = &arena, .err = &err
	};
	const struct doc_node *root = doc_read_json(&d);
	bool limits, theirs = jansson_reads(text, &limits);

	if (root != NULL && check_tree(&d, root) > d.nodes)
		abort();
	if (root != NULL && !theirs && !limits)
		abort();
	/* To jansson a NUL behind the value is the end. */
	if (root == NULL && theirs && memchr(text.p, '\0', text.n) == NULL &&
	    view_search(err.v[0].message, VIEW("deeply"), 0) < 0)
		abort();
	if (root == NULL && err.n == 0)
		abort();
	arena_free(&arena);
	err_free(&err);
}

static void
read_yaml(struct view text)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct doc d = {
		.file = "f", .source = text, .arena = &arena, .err = &err
	};
	const struct doc_node *root = doc_read_yaml(&d);

	if ((root == NULL) != (err.n > 0))
		abort();
	if (root != NULL && root->type != DOC_NULL)
		check_tree(&d, root);
	arena_free(&arena);
	err_free(&err);
}

static void
load(const char *path, struct view text, load_reader *reader)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	struct load_file f = { .rules = rules_new(&schema),
			       .err = &err,
			       .arena = &arena,
			       .path = path,
			       .text = text };
	struct buf out = { 0 };

	if (f.rules == NULL)
		return;
	reader(&f);
	rules_seal(f.rules, &err);
	/* Whatever is broken has said so. */
	if (f.broken > 0 && err.n + err.dropped == 0)
		abort();
	for (size_t i = 0; i < err.n; i++)
		err_format(&err.v[i], &out);
	buf_free(&out);
	rules_free(f.rules);
	arena_free(&arena);
	err_free(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view text = { (const char *)data, n };

	if (n == 0)
		return 0;
	text = view_sub(text, 1, n);
	switch (data[0]) {
	case 'y':
		read_yaml(text);
		load("f.yml", text, rulefile_read);
		break;
	case 'j':
		compare_json(text);
		load("f.json", text, rulefile_read);
		break;
	case 'n':
		load("f.ndjson", text, rulefile_read);
		break;
	case 'x':
		load("f.yml", text, exceptions_read);
		break;
	}
	return 0;
}
