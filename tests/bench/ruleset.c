/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset N GRAMMAR: N detection rules as NDJSON, the way Kibana exports
 * them, in the proportions of a big public set. The same every time; the
 * first N of a longer list are the list of N, and each beginning of the list
 * has about the proportions of the whole.
 */
#include "tests/bench/grammar.h"

#include <fcntl.h>
#include <unistd.h>

#define GRAMMAR_BYTES (1u << 20)
#define SEED 20260101

static const struct kind {
	const char *production, *type, *language;
	unsigned share; /* of 400 */
} kinds[] = {
	{ "process", "eql", "eql", 234 },
	{ "sequence", "eql", "eql", 44 },
	{ "file", "eql", "eql", 40 },
	{ "connects", "eql", "eql", 8 },
	{ "kquery", "new_terms", "kuery", 55 },
	{ "kquery", "query", "kuery", 16 },
	{ "kprocess", "threshold", "kuery", 3 },
};

/* Whose share is least used up. */
static const struct kind *
next_kind(unsigned used[ARRAY_LEN(kinds)])
{
	size_t best = 0;

	for (size_t i = 1; i < ARRAY_LEN(kinds); i++)
		if ((2 * used[i] + 1) * kinds[best].share <
		    (2 * used[best] + 1) * kinds[i].share)
			best = i;
	used[best]++;
	return &kinds[best];
}

static void
put_key(struct buf *out, const char *key, struct view text)
{
	buf_printf(out, "\"%s\":", key);
	buf_json_string(out, text);
	buf_putc(out, ',');
}

static void
put_query(struct grammar *g, const struct kind *k, struct buf *out)
{
	struct buf text = { 0 };

	grammar_put(g, view_of(k->production), &text, 0);
	put_key(out, "query", buf_view(&text));
	buf_clear(&text);
	if (strcmp(k->type, "new_terms") == 0) {
		grammar_put(g, VIEW("termfield"), &text, 0);
		buf_printf(out,
			   "\"history_window_start\":\"now-10d\","
			   "\"new_terms_fields\":%.*s,",
			   (int)text.n, text.p);
	} else if (strcmp(k->type, "threshold") == 0) {
		grammar_put(g, VIEW("thresholdfield"), &text, 0);
		buf_printf(out, "\"threshold\":{\"field\":%.*s,\"value\":20},",
			   (int)text.n, text.p);
	}
	buf_free(&text);
}

/* What people read takes more room in a rule than its query. */
static void
put_prose(struct buf *out, unsigned i)
{
	buf_puts(out, "\"note\":\"");
	for (unsigned k = 0; k < 20; k++)
		buf_printf(out,
			   "Step %u of rule %u: look at the process, its "
			   "parent and what both did before.\\n",
			   k, i);
	buf_puts(out, "\",\"tags\":[\"OS: Linux\",\"Data Source: Tocsin\"],"
		      "\"references\":[\"https://example.org/\"],\"threat\":"
		      "[{\"framework\":\"MITRE ATT&CK\",\"tactic\":{\"id\":"
		      "\"TA0002\",\"name\":\"Execution\",\"reference\":"
		      "\"https://attack.mitre.org/tactics/TA0002/\"}}],");
}

static void
put_rule(struct grammar *g, const struct kind *k, unsigned i, struct buf *out)
{
	g->seed = SEED + i; /* each rule is its own, whatever came before */
	grammar_dice(g, 2);
	buf_printf(out, "{\"rule_id\":\"bench-%u\",\"name\":\"Rule %u\",", i,
		   i);
	put_query(g, k, out);
	put_prose(out, i);
	buf_printf(out,
		   "\"description\":\"For the benchmark.\",\"type\":\"%s\","
		   "\"language\":\"%s\",\"severity\":\"low\","
		   "\"risk_score\":21,\"max_signals\":100}\n",
		   k->type, k->language);
}

int
main(int argc, char **argv)
{
	unsigned used[ARRAY_LEN(kinds)] = { 0 };
	struct grammar g = { 0 };
	struct buf text = { 0 }, out = { 0 };
	int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || fd_read_all(fd, GRAMMAR_BYTES, &text) != 0) {
		fputs("usage: ruleset N GRAMMAR\n", stderr);
		return 16;
	}
	grammar_read(&g, buf_view(&text));
	for (unsigned i = 0; i < strtoul(argv[1], NULL, 10); i++)
		put_rule(&g, next_kind(used), i, &out);
	if (out.failed || fd_write_all(STDOUT_FILENO, buf_view(&out)) != 0)
		return 18;
	close(fd);
	buf_free(&text);
	buf_free(&out);
	arena_free(&g.arena);
	return 0;
}
