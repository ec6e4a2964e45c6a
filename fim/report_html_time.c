/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timeline: alerts, findings and gaps as points in time and as a list. */
#include "fim/report_html.h"

/* ---- points ---------------------------------------------------------- */

#define LANES (REPORT_CRITICAL + 2)
#define LANE_HEIGHT 26 /* also in report.css */

/* From the top: critical … low, then gaps. */
static int
lane_of(const struct report_moment *m)
{
	int lane = m->kind == MOMENT_GAP
			   ? LANES - 1
			   : REPORT_CRITICAL - (int)report_severity(m->item);

	return lane * LANE_HEIGHT + LANE_HEIGHT / 2;
}

/* Per cent of the width. */
static double
place_of(const struct html *h, uint64_t ns)
{
	uint64_t from = h->moments[0].time_ns;
	uint64_t to = h->moments[h->n_moments - 1].time_ns;

	if (ns < from || to == from)
		return 1;
	return 1 + 98 * ((double)(ns - from) / (double)(to - from));
}

static void
put_point(struct html *h, const struct report_moment *m)
{
	double x = place_of(h, m->time_ns);

	if (m->kind == MOMENT_GAP) {
		html_printf(h,
			    "<rect x=\"%.2f%%\" y=\"%d\" width=\"6\" "
			    "height=\"10\"><title>",
			    x, lane_of(m) - 5);
		html_text(h, report_text(m->item, "cause"));
		html_put(h, "</title></rect>\n");
		return;
	}
	html_printf(h,
		    "<circle class=\"%s\" cx=\"%.2f%%\" cy=\"%d\" "
		    "r=\"6\"><title>",
		    report_severity_word(report_severity(m->item)), x,
		    lane_of(m));
	html_text(h, report_rule_name(m->item));
	html_put(h, "</title></circle>\n");
}

static void
put_strip(struct html *h)
{
	size_t n =
		h->n_moments < HTML_EVENTS_MAX ? h->n_moments : HTML_EVENTS_MAX;

	if (n < 2 ||
	    h->moments[0].time_ns == h->moments[h->n_moments - 1].time_ns)
		return;
	html_put(h, "<div class=\"card strip\">\n<div class=\"plot\">\n"
		    "<ul aria-hidden=\"true\">");
	for (int s = REPORT_CRITICAL; s >= REPORT_LOW; s--)
		html_printf(h, "<li>%s</li>",
			    report_severity_word((enum report_severity)s));
	html_put(h, "<li>gap</li></ul>\n<svg role=\"img\" "
		    "aria-label=\"Points in time, by severity; the list below "
		    "says the same\">\n");
	for (int y = LANE_HEIGHT / 2; y < LANES * LANE_HEIGHT; y += LANE_HEIGHT)
		html_printf(h,
			    "<line x1=\"0\" x2=\"100%%\" y1=\"%d\" "
			    "y2=\"%d\"/>\n",
			    y, y);
	for (size_t i = 0; i < n; i++)
		put_point(h, &h->moments[i]);
	html_put(h, "</svg>\n</div>\n<p class=\"ends\">");
	html_time(h, h->moments[0].time_ns, HTML_FULL_TIME);
	html_time(h, h->moments[h->n_moments - 1].time_ns, HTML_FULL_TIME);
	html_put(h, "</p>\n</div>\n");
}

/* ---- one alert ------------------------------------------------------- */

static void
begin_row(struct html *h, const char *name)
{
	html_printf(h, "<div><dt>%s</dt><dd>", name);
}

static void
end_row(struct html *h)
{
	html_put(h, "</dd></div>\n");
}

static void
put_row(struct html *h, const char *name, struct view v)
{
	if (v.n == 0)
		return;
	begin_row(h, name);
	html_code(h, v);
	end_row(h);
}

static void
put_words(struct html *h, const json_t *list, size_t most)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct buf word = { 0 };

		if (i == most) {
			html_printf(h, " and %zu more",
				    json_array_size(list) - i);
			return;
		}
		buf_text_word(&word, report_view(json_array_get(list, i)));
		if (i > 0)
			html_put(h, " ");
		/* buf_text_word has escaped it: backslashes stay. */
		html_line(h, buf_view(&word));
		h->out->failed |= word.failed;
		buf_free(&word);
	}
}

static void
put_process(struct html *h, const char *name, const json_t *p, struct view user)
{
	struct view executable = report_text(p, "executable");

	if (executable.n == 0 && report_count(p, "pid") == 0)
		return;
	begin_row(h, name);
	html_code(h, executable.n > 0 ? executable : VIEW("unknown"));
	html_printf(h, " <span class=\"soft\">pid %llu",
		    (unsigned long long)report_count(p, "pid"));
	if (user.n > 0) {
		html_put(h, ", user ");
		html_text(h, user);
	}
	html_put(h, "</span>");
	if (json_array_size(report_get(p, "args")) > 0) {
		html_put(h, "<br><code>");
		put_words(h, report_get(p, "args"), 64);
		html_put(h, "</code>");
	}
	end_row(h);
}

static void
put_ancestors(struct html *h, const json_t *alert)
{
	const json_t *names =
		report_get(alert, "tocsin.process.ancestors.name");
	size_t n = json_array_size(names);

	if (n < 2)
		return;
	begin_row(h, "Ancestors");
	for (size_t i = 0; i < n && i < REPORT_TREE_DEPTH; i++) {
		if (i > 0)
			html_put(h, " &lt; ");
		html_text(h, report_view(json_array_get(names, i)));
	}
	end_row(h);
}

static void
put_file(struct html *h, const json_t *alert)
{
	const json_t *f = report_get(alert, "file");
	const json_t *size = report_get(f, "size");

	put_row(h, "File", report_text(f, "path"));
	if (json_is_integer(size)) {
		begin_row(h, "Content");
		html_number(h, report_count(f, "size"));
		html_printf(h, " byte%s", html_s(report_count(f, "size")));
		if (json_is_number(report_get(f, "Ext.entropy")))
			html_printf(h, ", entropy %.2f",
				    json_number_value(
					    report_get(f, "Ext.entropy")));
		if (report_text(f, "mode").n > 0) {
			html_put(h, ", mode ");
			html_text(h, report_text(f, "mode"));
		}
		if (report_text(f, "owner").n > 0) {
			html_put(h, ", owner ");
			html_text(h, report_text(f, "owner"));
		}
		end_row(h);
	}
	put_row(h, "SHA-256", report_text(f, "hash.sha256"));
}

static void
put_address(struct html *h, const json_t *alert)
{
	struct view ip = report_text(alert, "destination.ip");

	if (ip.n == 0)
		return;
	begin_row(h, "Connected to");
	html_code(h, ip);
	html_printf(
		h, " port %llu",
		(unsigned long long)report_count(alert, "destination.port"));
	end_row(h);
}

static void
put_stages(struct html *h, const json_t *alert)
{
	const json_t *stages = report_get(alert, "tocsin.alert.stages");

	if (json_array_size(stages) < 2)
		return;
	begin_row(h, "Sequence");
	html_put(h, "<ol>");
	for (size_t i = 0; i < json_array_size(stages) && i < 64; i++) {
		html_put(h, "<li>");
		html_text(h, report_view(json_array_get(stages, i)));
		html_put(h, "</li>");
	}
	html_put(h, "</ol>");
	end_row(h);
}

/* T1234 or T1234.001: only then is it part of an address. */
static bool
is_technique(struct view id)
{
	if ((id.n != 5 && id.n != 9) || id.p[0] != 'T')
		return false;
	for (size_t i = 1; i < id.n; i++)
		if (i == 5 ? id.p[i] != '.' : id.p[i] < '0' || id.p[i] > '9')
			return false;
	return true;
}

static void
put_techniques(struct html *h, const json_t *alert, const char *level)
{
	char key[64];
	const json_t *ids, *names;

	snprintf(key, sizeof(key), "threat.%s.id", level);
	ids = report_get(alert, key);
	snprintf(key, sizeof(key), "threat.%s.name", level);
	names = report_get(alert, key);
	for (size_t i = 0; i < json_array_size(ids) && i < 32; i++) {
		struct view id = report_view(json_array_get(ids, i));

		if (!is_technique(id))
			continue;
		html_put(h, "<br><a rel=\"noreferrer noopener\" "
			    "href=\"https://attack.mitre.org/techniques/");
		buf_put(h->out, view_sub(id, 0, 5));
		if (id.n == 9) {
			html_put(h, "/");
			buf_put(h->out, view_sub(id, 6, 3));
		}
		html_put(h, "/\">");
		html_text(h, id);
		html_put(h, "</a> ");
		html_text(h, report_view(json_array_get(names, i)));
	}
}

static void
put_threat(struct html *h, const json_t *alert)
{
	const json_t *tactics = report_get(alert, "threat.tactic.name");

	if (json_array_size(tactics) == 0)
		return;
	begin_row(h, "ATT&amp;CK");
	for (size_t i = 0; i < json_array_size(tactics) && i < 16; i++) {
		html_put(h, i > 0 ? ", " : "");
		html_text(h, report_view(json_array_get(tactics, i)));
	}
	put_techniques(h, alert, "technique");
	put_techniques(h, alert, "technique.subtechnique");
	end_row(h);
}

static void
put_details(struct html *h, const json_t *a)
{
	const json_t *p = report_get(a, "process");

	html_put(h, "<div class=\"more\">\n");
	if (report_text(a, "rule.description").n > 0) {
		html_put(h, "<p>");
		html_text(h, report_text(a, "rule.description"));
		html_put(h, "</p>\n");
	}
	html_put(h, "<dl class=\"rows\">\n");
	put_stages(h, a);
	put_process(h, "Process", p, report_text(a, "user.name"));
	put_process(h, "Parent", report_get(p, "parent"),
		    report_text(p, "parent.user.name"));
	put_ancestors(h, a);
	put_row(h, "Folder", report_text(p, "working_directory"));
	put_file(h, a);
	put_address(h, a);
	put_threat(h, a);
	if (!view_eq(report_text(a, "tocsin.attribution"), VIEW("kernel")))
		put_row(h, "Attributed", report_text(a, "tocsin.attribution"));
	put_row(h, "Rule", report_text(a, "rule.id"));
	put_row(h, "Alert", report_text(a, "tocsin.alert.id"));
	html_put(h, "</dl>\n</div>\n");
}

static void
put_alert(struct html *h, const struct report_moment *m)
{
	const char *severity = report_severity_word(report_severity(m->item));
	struct view what = report_what(m->item);

	html_printf(h,
		    "<li><details class=\"card event %s\" id=\"%c%zu\">"
		    "<summary>",
		    severity, m->kind == MOMENT_FINDING ? 'f' : 'a', m->index);
	html_time(h, m->time_ns, HTML_DAY_TIME);
	html_put(h, " ");
	html_pill(h, severity);
	html_put(h, " <span class=\"said\"><span class=\"name\">");
	html_text(h, report_rule_name(m->item));
	html_put(h, m->kind == MOMENT_FINDING
			    ? " <span class=\"chip\">found on disk</span>"
			    : "");
	html_put(h, "</span> <span class=\"what\">");
	html_text(h, what);
	html_put(h, "</span></span></summary>\n");
	put_details(h, m->item);
	html_put(h, "</details></li>\n");
}

/* What looking again has found. */
static void
put_again(struct html *h, const json_t *gap)
{
	uint64_t changes = report_count(gap, "changes");
	uint64_t alerts = report_count(gap, "alerts");

	if (report_time(gap, "closed") == 0)
		return;
	html_put(h, "; looked at again: ");
	html_number(h, changes);
	html_printf(h, " change%s, ", html_s(changes));
	html_number(h, alerts);
	html_printf(h, " alert%s", html_s(alerts));
}

static void
put_gap(struct html *h, const struct report_moment *m)
{
	uint64_t lost = report_count(m->item, "lost");

	html_printf(h,
		    "<li><div class=\"card event gap\" id=\"g%zu\">"
		    "<div class=\"head\">",
		    m->index);
	html_time(h, m->time_ns, HTML_DAY_TIME);
	html_put(h, " ");
	html_pill(h, "gap");
	html_put(h, " <span class=\"said\"><span class=\"name\">");
	html_text(h, report_text(m->item, "cause"));
	html_put(h, "</span> <span class=\"what\">");
	html_text(h, report_text(m->item, "scope"));
	if (lost > 0) {
		html_put(h, ": at least ");
		html_number(h, lost);
		html_printf(h, " event%s lost", html_s(lost));
	}
	html_put(h, ", until ");
	html_time(h, report_time(m->item, "to"), HTML_DATE_TIME);
	put_again(h, m->item);
	html_put(h, "</span></span></div></div></li>\n");
}

/* ---- all ------------------------------------------------------------- */

static void
put_day(struct html *h, uint64_t ns)
{
	struct buf b = { 0 };

	buf_rfc3339(&b, ns);
	html_put(h, "<li class=\"day\">");
	buf_put(h->out, view_sub(buf_view(&b), 0, 10));
	html_put(h, " (UTC)</li>\n");
	h->out->failed |= b.failed;
	buf_free(&b);
}

static void
put_list(struct html *h)
{
	const uint64_t day_ns = 86400 * NS_PER_SEC;

	html_put(h, "<ol class=\"events\">\n");
	for (size_t i = 0; i < h->n_moments && i < HTML_EVENTS_MAX; i++) {
		const struct report_moment *m = &h->moments[i];

		if (i == 0 ||
		    m->time_ns / day_ns != h->moments[i - 1].time_ns / day_ns)
			put_day(h, m->time_ns);
		if (m->kind == MOMENT_GAP)
			put_gap(h, m);
		else
			put_alert(h, m);
	}
	html_put(h, "</ol>\n");
	if (h->n_moments > HTML_EVENTS_MAX)
		html_printf(h,
			    "<p class=\"note\">%zu more are in the report, and "
			    "not on this page.</p>\n",
			    h->n_moments - HTML_EVENTS_MAX);
}

void
html_timeline(struct html *h)
{
	html_put(h, "<section id=\"timeline\" aria-labelledby=\"h-timeline\">\n"
		    "<h2 id=\"h-timeline\">Timeline</h2>\n");
	if (h->n_moments == 0) {
		html_empty(h, "No alerts, no findings, no gaps.");
	} else {
		put_strip(h);
		put_list(h);
	}
	html_put(h, "</section>\n");
}

/* ---- process trees --------------------------------------------------- */

static void
put_marks(struct html *h, const struct report_tree *t, uint32_t mark)
{
	for (; mark != REPORT_TREE_NONE; mark = t->marks[mark].next) {
		const struct report_moment *m = t->marks[mark].moment;

		html_put(h, "<span class=\"did\">");
		html_pill(h, report_severity_word(report_severity(m->item)));
		/* Beyond the page's list there is nothing to go to. */
		if (m - h->moments < HTML_EVENTS_MAX)
			html_printf(h, " <a href=\"#%c%zu\">",
				    m->kind == MOMENT_FINDING ? 'f' : 'a',
				    m->index);
		else
			html_put(h, " <a>");
		html_text(h, report_rule_name(m->item));
		html_put(h, "</a></span>");
	}
}

static void
put_node(struct html *h, const struct report_tree *t, uint32_t i)
{
	const struct report_node *n = &t->nodes[i];

	html_put(h, "<li><span class=\"name\">");
	html_text(h, n->name.n > 0 ? n->name : VIEW("unknown"));
	html_printf(h, "</span> <span class=\"soft\">%llu",
		    (unsigned long long)n->pid);
	if (n->user.n > 0) {
		html_put(h, " ");
		html_text(h, n->user);
	}
	html_put(h, "</span>");
	if (json_array_size(n->args) > 0) {
		html_put(h, " <code class=\"args\">");
		put_words(h, n->args, 24);
		html_put(h, "</code>");
	}
	put_marks(h, t, n->mark);
	if (n->child != REPORT_TREE_NONE)
		html_put(h, "\n<ul>\n");
	for (uint32_t c = n->child; c != REPORT_TREE_NONE; c = t->nodes[c].next)
		put_node(h, t, c);
	html_put(h, n->child != REPORT_TREE_NONE ? "</ul></li>\n" : "</li>\n");
}

void
html_processes(struct html *h)
{
	struct report_tree t;

	report_tree_make(&t, h->moments, h->n_moments);
	h->out->failed |= t.no_memory;
	html_put(h, "<section id=\"processes\" "
		    "aria-labelledby=\"h-processes\">\n"
		    "<h2 id=\"h-processes\">Processes</h2>\n");
	if (t.root == REPORT_TREE_NONE) {
		html_empty(h, "No process did anything that a rule is about.");
	} else {
		html_put(h, "<div class=\"card tree\">\n<ul>\n");
		for (uint32_t i = t.root; i != REPORT_TREE_NONE;
		     i = t.nodes[i].next)
			put_node(h, &t, i);
		html_put(h, "</ul>\n</div>\n");
	}
	if (t.left_out > 0)
		html_printf(h,
			    "<p class=\"note\">The processes of %llu more "
			    "alerts are not shown.</p>\n",
			    (unsigned long long)t.left_out);
	html_put(h, "</section>\n");
	report_tree_free(&t);
}
