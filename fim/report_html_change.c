/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes with their differences; what was covered and what was not. */
#include "fim/report_html.h"

#include <stdlib.h>

/* Differences up to so many lines are open at once, on so many changes. */
#define OPEN_LINES 40u
#define OPEN_CHANGES 100u

/* ---- what stands out ------------------------------------------------- */

static const json_t *
attribute_of(const json_t *change, const char *name)
{
	const json_t *list = report_get(change, "attributes");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *a = json_array_get(list, i);

		if (view_eq(report_text(a, "name"), view_of(name)))
			return a;
	}
	return NULL;
}

static unsigned
octal_of(struct view v)
{
	unsigned n = 0;

	for (size_t i = 0; i < v.n && v.n <= 5; i++)
		if (v.p[i] >= '0' && v.p[i] <= '7')
			n = n * 8 + (unsigned)(v.p[i] - '0');
	return n;
}

static void
put_chip(struct html *h, const char *class, const char *text)
{
	html_printf(h, "<span class=\"chip %s\">%s</span> ", class, text);
}

/* Mode bits that were not there before. */
static void
put_mode_chips(struct html *h, const json_t *c)
{
	static const struct {
		unsigned bit;
		const char *text;
	} bits[] = { { 04000, "now setuid" },
		     { 02000, "now setgid" },
		     { 00002, "now writable by everyone" } };
	const json_t *a = attribute_of(c, "mode");
	unsigned old = octal_of(report_text(a, "old"));
	unsigned now = octal_of(report_text(a, "new"));
	struct view type = report_text(c, "type");
	bool added = view_eq(report_text(c, "kind"), VIEW("added"));

	if (added)
		now = octal_of(report_text(c, "entry.mode"));
	/* Of links it says nothing; on folders, these are common. */
	if (!view_eq(type, VIEW("file")) &&
	    (added || !view_eq(type, VIEW("dir"))))
		return;
	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		if ((now & ~old & bits[i].bit) != 0)
			put_chip(h, "warn", bits[i].text + (added ? 4 : 0));
}

static void
put_chips(struct html *h, const json_t *c)
{
	static const struct {
		const char *name, *class, *text;
	} rows[] = { { "type", "warn", "another type" },
		     { "sha256", "", "content" },
		     { "mode", "", "mode" },
		     { "owner", "", "owner" },
		     { "group", "", "group" },
		     { "target", "", "target" },
		     { "acl", "", "ACL" },
		     { "capabilities", "warn", "capabilities" },
		     { "flags", "", "flags" } };
	struct view type = report_text(c, "type");

	html_put(h, "<span class=\"chips\">");
	put_mode_chips(h, c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (attribute_of(c, rows[i].name) != NULL)
			put_chip(h, rows[i].class, rows[i].text);
	if (!view_eq(type, VIEW("file"))) {
		html_put(h, "<span class=\"chip\">");
		html_text(h, type);
		html_put(h, "</span> ");
	}
	if (report_text(c, "package").n > 0) {
		html_put(h, "<span class=\"chip\">package ");
		html_text(h, report_text(c, "package"));
		html_put(h, "</span>\n");
	}
	html_put(h, "</span>\n");
}

/* ---- one change ------------------------------------------------------ */

static void
put_diff(struct html *h, struct view diff)
{
	struct view line;

	if (diff.n == 0)
		return;
	html_put(h, "<pre class=\"diff\">");
	while (diff.n > 0 && view_next_split(&diff, '\n', &line)) {
		char first = line.n > 0 ? line.p[0] : ' ';

		html_put(h, first == '+'   ? "<span class=\"a\">"
			    : first == '-' ? "<span class=\"d\">"
			    : first == '@' || first == '\\'
				    ? "<span class=\"h\">"
				    : "<span>");
		html_line(h, line);
		html_put(h, "\n</span>");
	}
	html_put(h, "</pre>\n");
}

static void
put_cell(struct html *h, const char *class, const char *label, struct view v)
{
	html_printf(h, "<td class=\"%s\" data-label=\"%s\">", class, label);
	html_code(h, v);
	html_put(h, "</td>");
}

static void
put_attributes(struct html *h, const json_t *c)
{
	const json_t *list = report_get(c, "attributes");

	if (json_array_size(list) == 0)
		return;
	html_put(h, "<table class=\"attributes\">\n<thead><tr>"
		    "<th scope=\"col\">What</th><th scope=\"col\">Before</th>"
		    "<th scope=\"col\">Now</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *a = json_array_get(list, i);

		html_put(h, "<tr><th scope=\"row\">");
		html_text(h, report_text(a, "name"));
		html_put(h, "</th>");
		put_cell(h, "old", "before", report_text(a, "old"));
		put_cell(h, "new", "now", report_text(a, "new"));
		html_put(h, "</tr>\n");
	}
	html_put(h, "</tbody>\n</table>\n");
}

/* What an added file is, or a removed one was, on one line. */
static void
put_entry(struct html *h, const json_t *c)
{
	json_t *entry = report_get(c, "entry"), *value;
	const char *name;

	if (!json_is_object(entry))
		return;
	html_put(h, "<ul class=\"entry\">\n");
	json_object_foreach(entry, name, value)
	{
		struct view v = report_view(value);

		if (v.n == 0)
			continue;
		html_put(h, "<li>");
		html_text(h, view_of(name));
		html_put(h, " ");
		html_code(h, v);
		html_put(h, "</li>\n");
	}
	html_put(h, "</ul>\n");
}

static bool
opens(const json_t *c, size_t index)
{
	struct view diff = report_text(c, "diff"), line;
	size_t lines = 0;

	while (view_next_split(&diff, '\n', &line))
		lines++;
	return lines > 0 && lines <= OPEN_LINES && index < OPEN_CHANGES;
}

static void
put_kind(struct html *h, const json_t *c)
{
	struct view kind = report_text(c, "kind");

	html_pill(h, view_eq(kind, VIEW("added"))     ? "added"
		     : view_eq(kind, VIEW("removed")) ? "removed"
						      : "changed");
}

static void
put_change(struct html *h, const json_t *c, size_t index)
{
	html_printf(h, "<details class=\"card change\"%s><summary>",
		    opens(c, index) ? " open" : "");
	put_kind(h, c);
	html_put(h, " <span class=\"path\">");
	html_path(h, c);
	html_put(h, "</span> ");
	put_chips(h, c);
	html_put(h, "</summary>\n<div class=\"more\">\n");
	put_attributes(h, c);
	put_entry(h, c);
	put_diff(h, report_text(c, "diff"));
	html_put(h, "</div>\n</details>\n");
}

/* ---- all changes ----------------------------------------------------- */

static bool
is_explained(const json_t *c)
{
	return report_text(c, "explained").n > 0;
}

static size_t
count_explained(const json_t *list)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		n += is_explained(json_array_get(list, i));
	return n;
}

static void
put_left_out(struct html *h, size_t n)
{
	if (n > HTML_CHANGES_MAX)
		html_printf(h,
			    "<p class=\"note\">%zu more are in the report, and "
			    "not on this page.</p>\n",
			    n - HTML_CHANGES_MAX);
}

static void
put_open_changes(struct html *h, const json_t *list, size_t n)
{
	size_t shown = 0;

	if (n == 0) {
		html_empty(h, "Nothing has changed that a package does not "
			      "explain.");
		return;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);

		if (is_explained(c))
			continue;
		if (shown == HTML_CHANGES_MAX)
			break;
		put_change(h, c, shown++);
	}
	put_left_out(h, n);
}

static void
put_explained(struct html *h, const json_t *list, size_t n)
{
	size_t shown = 0;

	if (n == 0)
		return;
	html_printf(h,
		    "<details class=\"card group\"><summary>%zu change%s that "
		    "packages explain</summary>\n<div class=\"more\">\n"
		    "<table>\n<thead><tr><th scope=\"col\">Package</th>"
		    "<th scope=\"col\">Kind</th><th scope=\"col\">Path</th>"
		    "</tr></thead>\n<tbody>\n",
		    n, html_s(n));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);

		if (!is_explained(c))
			continue;
		if (shown++ == HTML_CHANGES_MAX)
			break;
		html_put(h, "<tr><th scope=\"row\">");
		html_text(h, report_text(c, "explained"));
		html_put(h, "</th><td>");
		put_kind(h, c);
		html_put(h, "</td>");
		html_put(h, "<td data-label=\"path\"><code>");
		html_path(h, c);
		html_put(h, "</code></td>");
		html_put(h, "</tr>\n");
	}
	html_put(h, "</tbody>\n</table>\n");
	put_left_out(h, n);
	html_put(h, "</div>\n</details>\n");
}

void
html_changes(struct html *h)
{
	const json_t *list = report_get(h->root, "changes");
	size_t explained = count_explained(list), n = json_array_size(list);

	html_put(h, "<section id=\"changes\" aria-labelledby=\"h-changes\">\n"
		    "<h2 id=\"h-changes\">Changes</h2>\n");
	if (!json_is_object(report_get(h->root, "baseline")))
		html_put(h, "<p class=\"card aside\">No baseline took part in "
			    "this report.</p>\n");
	else if (n == 0)
		html_empty(h, "Nothing has changed since the baseline.");
	else
		put_open_changes(h, list, n - explained);
	put_explained(h, list, explained);
	html_put(h, "</section>\n");
}

/* ---- coverage -------------------------------------------------------- */

static void
put_uncovered(struct html *h, const json_t *list, uint64_t all)
{
	html_put(h, "<h3>Not covered</h3>\n<div class=\"card boxed\">\n"
		    "<table>\n<thead><tr><th scope=\"col\">Path</th>"
		    "<th scope=\"col\">Why</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < json_array_size(list) && i < HTML_UNCOVERED_MAX;
	     i++) {
		const json_t *u = json_array_get(list, i);

		html_put(h, "<tr><th scope=\"row\"><code>");
		html_path(h, u);
		html_put(h, "</code></th><td data-label=\"why\">");
		html_text(h, report_text(u, "reason"));
		if (report_text(u, "error").n > 0) {
			html_put(h, ": ");
			html_text(h, report_text(u, "error"));
		}
		html_put(h, "</td></tr>\n");
	}
	html_put(h, "</tbody>\n</table>\n</div>\n");
	if (all > json_array_size(list) || all > HTML_UNCOVERED_MAX)
		html_printf(h,
			    "<p class=\"note\">%llu in all; not every one is "
			    "listed.</p>\n",
			    (unsigned long long)all);
}

static void
put_notes(struct html *h, const json_t *notes)
{
	for (size_t i = 0; i < json_array_size(notes); i++) {
		const json_t *note = json_array_get(notes, i);

		html_put(h, "<p class=\"note\"><strong>");
		html_text(h, report_text(note, "about"));
		html_put(h, ":</strong> ");
		html_text(h, report_text(note, "reason"));
		html_put(h, "</p>\n");
	}
}

static void
put_read(struct html *h, const json_t *c)
{
	uint64_t bytes = report_count(c, "bytes"), n;

	html_put(h, "<p>Read were ");
	html_number(h, report_count(c, "files"));
	html_put(h, " files");
	if (bytes >= 1 << 20)
		html_printf(h, " with %.1f MiB", (double)bytes / (1 << 20));
	else if (bytes > 0)
		html_printf(h, " with %.1f KiB", (double)bytes / 1024);
	n = report_count(c, "processes");
	if (n > 0) {
		html_put(h, ", and ");
		html_number(h, n);
		html_printf(h, " process%s", n == 1 ? "" : "es");
	}
	html_put(h, json_is_true(report_get(c, "quick"))
			    ? ". It was a quick check: content was read only "
			      "where size, inode or times differed.</p>\n"
			    : ".</p>\n");
}

void
html_coverage(struct html *h)
{
	const json_t *c = report_get(h->root, "coverage");
	const json_t *list = report_get(c, "uncovered");
	uint64_t all = report_count(h->root, "summary.uncovered");

	if (all < json_array_size(list))
		all = json_array_size(list);
	html_put(h, "<section id=\"coverage\" aria-labelledby=\"h-coverage\">\n"
		    "<h2 id=\"h-coverage\">Coverage</h2>\n");
	put_read(h, c);
	put_notes(h, report_get(c, "notes"));
	if (all == 0)
		html_empty(h, "No file of the scope was left out.");
	else
		put_uncovered(h, list, all);
	html_put(h, "</section>\n");
}
