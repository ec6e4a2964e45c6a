/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as text. Every string of it passes buf_text: nothing in a report
 * can move the cursor or break a line. */
#include "fim/report_show.h"
#include "fim/report_tree.h"

#include <stdlib.h>

/* SGR parameters (ECMA-48), as alerts have them. */
static const char *const severity_colours[] = {
	[REPORT_LOW] = "36",
	[REPORT_MEDIUM] = "33",
	[REPORT_HIGH] = "31",
	[REPORT_CRITICAL] = "1;31",
};

struct text_view {
	const struct report_doc *doc;
	const json_t *root;
	bool colour;
	struct buf *out;
};

static void
put(struct text_view *t, const char *cstr)
{
	buf_puts(t->out, cstr);
}

static void
put_coloured(struct text_view *t, const char *colour, const char *text)
{
	if (t->colour)
		buf_printf(t->out, "\033[%sm%s\033[0m", colour, text);
	else
		put(t, text);
}

static void
put_heading(struct text_view *t, const char *text)
{
	put(t, "\n");
	put_coloured(t, "1", text);
	put(t, "\n");
}

static void
put_row(struct text_view *t, const char *label, struct view v)
{
	if (v.n == 0)
		return;
	buf_printf(t->out, "  %-11s ", label);
	buf_text(t->out, v);
	put(t, "\n");
}

/* To milliseconds, as in alerts. */
static void
put_time(struct text_view *t, uint64_t ns)
{
	struct buf b = { 0 };

	buf_rfc3339(&b, ns);
	buf_put(t->out, view_sub(buf_view(&b), 0, 23));
	put(t, "Z");
	t->out->failed |= b.failed;
	buf_free(&b);
}

static void
put_time_row(struct text_view *t, const char *label, const json_t *in,
	     const char *key)
{
	buf_printf(t->out, "  %-11s ", label);
	put_time(t, report_time(in, key));
	put(t, "\n");
}

static void
put_list(struct text_view *t, const json_t *list, size_t most)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i == most) {
			buf_printf(t->out, " ... (%zu more)",
				   json_array_size(list) - i);
			return;
		}
		put(t, " ");
		buf_text_word(t->out, report_view(json_array_get(list, i)));
	}
}

/* ---- summary --------------------------------------------------------- */

static void
put_signature(struct text_view *t)
{
	const struct report_doc *d = t->doc;

	buf_printf(t->out, "  %-11s ", "signature");
	if (!d->checked) {
		put(t, "not checked: no key was named (--pubkey)\n");
	} else if (d->verdict == SIGN_GOOD) {
		put(t, "good, key ");
		sign_id_text(d->signature.id, t->out);
		put(t, "\n");
	} else {
		put_coloured(t, "1;31", "none: anybody can have written this");
		put(t, "\n");
	}
}

static void
put_baseline(struct text_view *t)
{
	const json_t *b = report_get(t->root, "baseline");

	if (!json_is_object(b))
		return;
	buf_printf(t->out, "  %-11s generation %llu of ", "baseline",
		   (unsigned long long)report_count(b, "generation"));
	put_time(t, report_time(b, "time"));
	buf_printf(t->out, ", %llu files\n",
		   (unsigned long long)report_count(b, "files"));
	put_row(t, "root", report_text(b, "root"));
}

static void
put_counts(struct text_view *t)
{
	static const struct {
		const char *key, *text;
	} rows[] = { { "alerts", "alerts" },   { "findings", "findings" },
		     { "added", "added" },     { "removed", "removed" },
		     { "changed", "changed" }, { "explained", "explained" },
		     { "gaps", "gaps" },       { "uncovered", "not covered" } };
	const json_t *s = report_get(t->root, "summary");

	buf_printf(t->out, "  %-11s ", "found");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned long long n = report_count(s, rows[i].key);
		char text[64]; /* a number and one of these words */

		snprintf(text, sizeof(text), "%llu %s", n, rows[i].text);
		put(t, i > 0 ? ", " : "");
		put_coloured(t, n > 0 ? "1" : "2", text);
	}
	put(t, "\n");
}

static void
put_summary(struct text_view *t)
{
	put_coloured(t, "1", "Tocsin report");
	put(t, "\n");
	put_row(t, "host", report_text(t->root, "host.name"));
	put_row(t, "host id", report_text(t->root, "host.id"));
	put_row(t, "system", report_text(t->root, "host.os"));
	put_row(t, "kernel", report_text(t->root, "versions.kernel"));
	put_row(t, "made by", report_text(t->root, "made_by"));
	put_row(t, "version", report_text(t->root, "versions.tocsin"));
	put_time_row(t, "started", t->root, "started");
	put_time_row(t, "ended", t->root, "ended");
	put_time_row(t, "since", t->root, "period.from");
	put_baseline(t);
	put_row(t, "sha256", view_of(t->doc->sha256));
	if (report_text(t->root, "previous.sha256").n > 0)
		put_row(t, "follows", report_text(t->root, "previous.sha256"));
	else
		put_row(t, "follows", VIEW("no report: it is the first"));
	put_signature(t);
	put_counts(t);
}

/* ---- alerts ---------------------------------------------------------- */

static void
put_severity(struct text_view *t, const json_t *alert)
{
	enum report_severity s = report_severity(alert);
	char word[16];
	size_t i = 0;

	for (const char *p = report_severity_word(s); *p != '\0'; p++)
		word[i++] = (char)(*p - 'a' + 'A');
	word[i] = '\0';
	put_coloured(t, severity_colours[s], word);
}

static void
put_process(struct text_view *t, const char *label, const json_t *p,
	    struct view user)
{
	struct view executable = report_text(p, "executable");

	if (executable.n == 0)
		return;
	buf_printf(t->out, "    %-10s ", label);
	buf_text_word(t->out, executable);
	buf_printf(t->out, "  pid %llu",
		   (unsigned long long)report_count(p, "pid"));
	if (user.n > 0) {
		put(t, "  user ");
		buf_text_word(t->out, user);
	}
	if (json_array_size(report_get(p, "args")) > 0) {
		put(t, "  args");
		put_list(t, report_get(p, "args"), 64);
	}
	put(t, "\n");
}

static void
put_file(struct text_view *t, const json_t *alert)
{
	struct view path = report_text(alert, "file.path");

	if (path.n == 0)
		return;
	buf_printf(t->out, "    %-10s ", "file");
	buf_text_word(t->out, path);
	put(t, "\n");
	if (report_text(alert, "file.hash.sha256").n == 0)
		return;
	buf_printf(t->out, "    %-10s ", "sha256");
	buf_text(t->out, report_text(alert, "file.hash.sha256"));
	put(t, "\n");
}

static void
put_techniques(struct text_view *t, const json_t *alert)
{
	const json_t *tactics = report_get(alert, "threat.tactic.name");
	const json_t *ids = report_get(alert, "threat.technique.id");

	if (json_array_size(tactics) + json_array_size(ids) == 0)
		return;
	buf_printf(t->out, "    %-10s", "att&ck");
	put_list(t, tactics, 16);
	put_list(t, ids, 16);
	put(t, "\n");
}

static void
put_alert(struct text_view *t, const struct report_moment *m)
{
	const json_t *a = m->item, *p = report_get(a, "process");

	put(t, "  ");
	put_time(t, m->time_ns);
	put(t, "  ");
	put_severity(t, a);
	put(t, "  ");
	if (t->colour)
		put(t, "\033[1m");
	buf_text(t->out, report_rule_name(a));
	if (t->colour)
		put(t, "\033[0m");
	put(t, m->kind == MOMENT_FINDING ? "  (found)  [" : "  [");
	buf_text(t->out, report_text(a, "rule.id"));
	put(t, "]\n");
	if (report_what(a).n > 0) {
		buf_printf(t->out, "    %-10s ", "what");
		buf_text(t->out, report_what(a));
		put(t, "\n");
	}
	put_process(t, "process", p, report_text(a, "user.name"));
	put_process(t, "parent", report_get(p, "parent"),
		    report_text(p, "parent.user.name"));
	put_file(t, a);
	put_techniques(t, a);
}

static void
put_gap(struct text_view *t, const json_t *g)
{
	put(t, "  ");
	put_time(t, report_time(g, "from"));
	put(t, "  ");
	put_coloured(t, "35", "GAP");
	put(t, "  ");
	buf_text(t->out, report_text(g, "scope"));
	put(t, ": ");
	buf_text(t->out, report_text(g, "cause"));
	if (report_count(g, "lost") > 0)
		buf_printf(t->out, ", at least %llu events lost",
			   (unsigned long long)report_count(g, "lost"));
	put(t, ", until ");
	put_time(t, report_time(g, "to"));
	if (report_time(g, "closed") > 0)
		buf_printf(t->out,
			   "; looked at again: %llu changes, %llu alerts",
			   (unsigned long long)report_count(g, "changes"),
			   (unsigned long long)report_count(g, "alerts"));
	put(t, "\n");
}

static void
put_timeline(struct text_view *t, const struct report_moment *v, size_t n)
{
	put_heading(t, "Alerts, findings and gaps");
	if (n == 0)
		put(t, "  none\n");
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind == MOMENT_GAP)
			put_gap(t, v[i].item);
		else
			put_alert(t, &v[i]);
	}
}

/* ---- process trees --------------------------------------------------- */

static void
put_marks(struct text_view *t, const struct report_tree *tree, uint32_t mark,
	  const struct buf *indent)
{
	for (; mark != REPORT_TREE_NONE; mark = tree->marks[mark].next) {
		const json_t *a = tree->marks[mark].moment->item;

		buf_put(t->out, buf_view(indent));
		put(t, "! ");
		put_severity(t, a);
		put(t, " ");
		buf_text(t->out, report_rule_name(a));
		put(t, "\n");
	}
}

static void
put_node(struct text_view *t, const struct report_tree *tree, uint32_t i,
	 struct buf *indent)
{
	const struct report_node *n = &tree->nodes[i];
	bool last = n->next == REPORT_TREE_NONE;
	size_t before = indent->n;

	buf_put(t->out, buf_view(indent));
	put(t, last ? "`- " : "|- ");
	buf_text_word(t->out, n->name.n > 0 ? n->name : VIEW("?"));
	buf_printf(t->out, " %llu", (unsigned long long)n->pid);
	if (json_array_size(n->args) > 0) {
		put(t, " ");
		put_list(t, n->args, 16);
	}
	put(t, "\n");
	buf_puts(indent, last ? "   " : "|  ");
	put_marks(t, tree, n->mark, indent);
	for (uint32_t c = n->child; c != REPORT_TREE_NONE;
	     c = tree->nodes[c].next)
		put_node(t, tree, c, indent);
	indent->n = before;
}

static void
put_trees(struct text_view *t, const struct report_moment *v, size_t n)
{
	struct report_tree tree;
	struct buf indent = { 0 };

	report_tree_make(&tree, v, n);
	t->out->failed |= tree.no_memory;
	if (tree.root != REPORT_TREE_NONE)
		put_heading(t, "Processes");
	buf_puts(&indent, "  ");
	for (uint32_t i = tree.root; i != REPORT_TREE_NONE;
	     i = tree.nodes[i].next)
		put_node(t, &tree, i, &indent);
	if (tree.left_out > 0)
		buf_printf(t->out, "  and the processes of %llu more alerts\n",
			   (unsigned long long)tree.left_out);
	t->out->failed |= indent.failed;
	buf_free(&indent);
	report_tree_free(&tree);
}

/* ---- changes --------------------------------------------------------- */

static void
put_diff(struct text_view *t, struct view diff)
{
	struct view line;

	while (diff.n > 0 && view_next_split(&diff, '\n', &line)) {
		const char *colour = line.n == 0	? NULL
				     : line.p[0] == '+' ? "32"
				     : line.p[0] == '-' ? "31"
				     : line.p[0] == '@' ? "36"
							: NULL;

		if (line.n == 0 && diff.n == 0)
			return;
		put(t, "      ");
		if (t->colour && colour != NULL)
			buf_printf(t->out, "\033[%sm", colour);
		buf_source_line(t->out, line);
		if (t->colour && colour != NULL)
			put(t, "\033[0m");
		put(t, "\n");
	}
}

static void
put_attribute(struct text_view *t, const json_t *a)
{
	buf_puts(t->out, "      ");
	buf_text(t->out, report_text(a, "name"));
	put(t, " ");
	buf_text_word(t->out, report_text(a, "old"));
	put(t, " -> ");
	buf_text_word(t->out, report_text(a, "new"));
	put(t, "\n");
}

static void
put_path(struct text_view *t, const json_t *in)
{
	struct buf path = { 0 };

	report_path(in, &path);
	buf_text_word(t->out, buf_view(&path));
	t->out->failed |= path.failed;
	buf_free(&path);
}

static void
put_change(struct text_view *t, const json_t *c)
{
	const json_t *attributes = report_get(c, "attributes");
	struct view kind = report_text(c, "kind");

	buf_printf(t->out, "  %-9.*s ", (int)kind.n, kind.p);
	put_path(t, c);
	if (!view_eq(report_text(c, "type"), VIEW("file"))) {
		put(t, "  (");
		buf_text(t->out, report_text(c, "type"));
		put(t, ")");
	}
	if (report_text(c, "explained").n > 0) {
		put(t, "  explained by ");
		buf_text(t->out, report_text(c, "explained"));
	}
	put(t, "\n");
	for (size_t i = 0; i < json_array_size(attributes); i++)
		put_attribute(t, json_array_get(attributes, i));
	put_diff(t, report_text(c, "diff"));
}

static void
put_changes(struct text_view *t)
{
	const json_t *list = report_get(t->root, "changes");

	put_heading(t, "Changes");
	if (json_array_size(list) == 0)
		put(t, "  none\n");
	for (size_t i = 0; i < json_array_size(list); i++)
		put_change(t, json_array_get(list, i));
}

/* ---- coverage -------------------------------------------------------- */

static void
put_uncovered(struct text_view *t, const json_t *u)
{
	put(t, "  ");
	put_path(t, u);
	put(t, " ");
	buf_text(t->out, report_text(u, "reason"));
	if (report_text(u, "error").n > 0) {
		put(t, ": ");
		buf_text(t->out, report_text(u, "error"));
	}
	put(t, "\n");
}

static void
put_coverage(struct text_view *t)
{
	const json_t *c = report_get(t->root, "coverage");
	const json_t *list = report_get(c, "uncovered");
	const json_t *notes = report_get(c, "notes");
	uint64_t all = report_count(t->root, "summary.uncovered");

	put_heading(t, "Coverage");
	buf_printf(t->out, "  %llu files, %llu bytes, %llu processes%s\n",
		   (unsigned long long)report_count(c, "files"),
		   (unsigned long long)report_count(c, "bytes"),
		   (unsigned long long)report_count(c, "processes"),
		   json_is_true(report_get(c, "quick"))
			   ? "; content only where something else differed"
			   : "");
	if (all == 0)
		put(t, "  nothing was left out\n");
	for (size_t i = 0; i < json_array_size(list); i++)
		put_uncovered(t, json_array_get(list, i));
	if (all > json_array_size(list))
		buf_printf(t->out, "  and %llu more were not covered\n",
			   (unsigned long long)all - json_array_size(list));
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);

		put(t, "  ");
		buf_text(t->out, report_text(note, "about"));
		put(t, ": ");
		buf_text(t->out, report_text(note, "reason"));
		put(t, "\n");
	}
}

void
report_put_text(const struct report_doc *doc, bool colour, struct buf *out)
{
	struct text_view t = {
		.doc = doc, .root = doc->root, .colour = colour, .out = out
	};
	struct report_moment *v;
	bool no_memory;
	size_t n;

	v = report_moments(doc, &n, &no_memory);
	out->failed |= no_memory;
	put_summary(&t);
	put_timeline(&t, v, n);
	put_trees(&t, v, n);
	put_changes(&t);
	put_coverage(&t);
	free(v);
}
