/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page: head, summary, foot, and how text gets into it. */
#include "fim/report_html.h"

#include <stdlib.h>

#include "fim/report.css.h" /* made of report.css: report_css */

void
html_put(struct html *h, const char *markup)
{
	buf_puts(h->out, markup);
}

void
html_printf(struct html *h, const char *fmt, ...)
{
	char text[512]; /* markup of ours and numbers */
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		h->out->failed = true;
	else
		buf_puts(h->out, text);
}

static void
put_entities(struct buf *out, struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		switch (v.p[i]) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		case '\'':
			buf_puts(out, "&#39;");
			break;
		default:
			buf_putc(out, v.p[i]);
		}
	}
}

static void
put_encoded(struct html *h, struct view v,
	    void (*encode)(struct buf *, struct view))
{
	buf_clear(&h->scratch);
	encode(&h->scratch, v);
	if (h->scratch.failed)
		h->out->failed = true;
	put_entities(h->out, buf_view(&h->scratch));
}

void
html_text(struct html *h, struct view v)
{
	put_encoded(h, v, buf_text);
}

void
html_line(struct html *h, struct view v)
{
	put_encoded(h, v, buf_source_line);
}

void
html_code(struct html *h, struct view v)
{
	html_put(h, "<code>");
	html_text(h, v);
	html_put(h, "</code>");
}

void
html_path(struct html *h, const json_t *in)
{
	struct buf path = { 0 };

	report_path(in, &path);
	html_text(h, buf_view(&path));
	h->out->failed |= path.failed;
	buf_free(&path);
}

/* 2026-01-02T03:04:05.678901234Z */
void
html_time(struct html *h, uint64_t ns, enum html_time how)
{
	struct buf b = { 0 };
	struct view v;

	buf_rfc3339(&b, ns);
	v = buf_view(&b);
	h->out->failed |= b.failed;
	html_put(h, "<time datetime=\"");
	buf_put(h->out, view_sub(v, 0, 23));
	html_put(h, "Z\">");
	if (how != HTML_DAY_TIME) {
		buf_put(h->out, view_sub(v, 0, 10));
		html_put(h, " ");
		buf_put(h->out,
			view_sub(v, 11, how == HTML_FULL_TIME ? 12 : 8));
		html_put(h, " UTC");
	} else {
		buf_put(h->out, view_sub(v, 11, 12));
		html_put(h, "Z");
	}
	html_put(h, "</time>");
	buf_free(&b);
}

void
html_number(struct html *h, uint64_t n)
{
	char digits[32];
	int len =
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_putc(h->out, ',');
		buf_putc(h->out, digits[i]);
	}
}

const char *
html_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void
html_pill(struct html *h, const char *word)
{
	html_printf(h, "<span class=\"pill %s\">%s</span>", word, word);
}

void
html_empty(struct html *h, const char *sentence)
{
	html_printf(h, "<p class=\"card empty\">%s</p>\n", sentence);
}

/* ---- what there is --------------------------------------------------- */

struct counts {
	uint64_t severity[REPORT_CRITICAL + 1]; /* alerts and findings */
	uint64_t alerts, findings, gaps, changes, explained, uncovered;
};

static uint64_t
count_list(const struct html *h, const char *key)
{
	return json_array_size(json_object_get(h->root, key));
}

/* Lists may be cut short, then the summary knows better; it is never believed
 * when it says less. */
static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct counts
count_all(const struct html *h)
{
	const json_t *s = report_get(h->root, "summary");
	const json_t *changes = report_get(h->root, "changes");
	struct counts c = {
		.alerts = larger(count_list(h, "alerts"),
				 report_count(s, "alerts")),
		.findings = larger(count_list(h, "findings"),
				   report_count(s, "findings")),
		.gaps = larger(count_list(h, "gaps"), report_count(s, "gaps")),
		.changes = count_list(h, "changes"),
		.uncovered = larger(json_array_size(report_get(
					    h->root, "coverage.uncovered")),
				    report_count(s, "uncovered")),
	};

	for (size_t i = 0; i < h->n_moments; i++)
		if (h->moments[i].kind != MOMENT_GAP)
			c.severity[report_severity(h->moments[i].item)]++;
	for (size_t i = 0; i < c.changes; i++)
		c.explained +=
			report_text(json_array_get(changes, i), "explained").n >
			0;
	return c;
}

static const char *
worst(const struct counts *c)
{
	for (int s = REPORT_CRITICAL; s >= REPORT_LOW; s--)
		if (c->severity[s] > 0)
			return report_severity_word((enum report_severity)s);
	return "good";
}

/* ---- head ------------------------------------------------------------ */

static void
put_head(struct html *h)
{
	html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; style-src 'unsafe-inline'; "
		    "base-uri 'none'; form-action 'none'\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, "
		    "initial-scale=1\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n"
		    "<meta name=\"robots\" content=\"noindex\">\n"
		    "<title>Tocsin report: ");
	html_text(h, report_text(h->root, "host.name"));
	html_put(h, "</title>\n<style>\n");
	html_put(h, report_css);
	html_put(h, "</style>\n</head>\n<body>\n"
		    "<a class=\"skip\" href=\"#summary\">To the summary</a>\n");
}

static void
put_seal(struct html *h)
{
	const struct report_doc *d = h->doc;

	if (!d->checked) {
		html_put(h, "<p class=\"seal\">Signature not checked</p>\n");
	} else if (d->verdict == SIGN_GOOD) {
		html_put(h, "<p class=\"seal good\">Signature good "
			    "<code>key ");
		sign_id_text(d->signature.id, h->out);
		html_put(h, "</code></p>\n");
	} else {
		html_put(h, "<p class=\"seal bad\">Not signed: anybody can "
			    "have written this</p>\n");
	}
}

static void
put_top(struct html *h)
{
	html_put(h, "<header class=\"top\"><div class=\"wrap\">\n"
		    "<p class=\"brand\">Tocsin report</p>\n<h1>");
	html_text(h, report_text(h->root, "host.name"));
	html_put(h, "</h1>\n<p class=\"sub\">");
	html_text(h, report_text(h->root, "made_by"));
	html_put(h, " on ");
	html_time(h, report_time(h->root, "ended"), HTML_DATE_TIME);
	html_put(h, ", alerts since ");
	html_time(h, report_time(h->root, "period.from"), HTML_DATE_TIME);
	html_put(h, "</p>\n");
	put_seal(h);
	html_put(h, "</div></header>\n");
}

static void
put_nav(struct html *h, const struct counts *c)
{
	const struct {
		const char *id, *name;
		uint64_t n;
	} rows[] = {
		{ "timeline", "Timeline", c->alerts + c->findings + c->gaps },
		{ "processes", "Processes", 0 },
		{ "changes", "Changes", c->changes },
		{ "coverage", "Coverage", c->uncovered },
	};

	html_put(h, "<nav aria-label=\"Sections\"><div class=\"wrap\">\n"
		    "<a href=\"#summary\">Summary</a>\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		html_printf(h, "<a href=\"#%s\">%s", rows[i].id, rows[i].name);
		if (rows[i].n > 0) {
			html_put(h, " <b>");
			html_number(h, rows[i].n);
			html_put(h, "</b>");
		}
		html_put(h, "</a>\n");
	}
	html_put(h, "</div></nav>\n");
}

/* ---- summary --------------------------------------------------------- */

static bool
has_baseline(const struct html *h)
{
	return json_is_object(report_get(h->root, "baseline"));
}

static void
put_found(struct html *h, const struct counts *c)
{
	uint64_t open = c->changes - c->explained;

	html_number(h, c->alerts);
	html_printf(h, " alert%s", html_s(c->alerts));
	if (c->findings > 0 || !has_baseline(h)) {
		html_put(h, has_baseline(h) ? ", " : " and ");
		html_number(h, c->findings);
		html_printf(h, " finding%s", html_s(c->findings));
	}
	if (!has_baseline(h))
		return;
	html_put(h, " and ");
	html_number(h, open);
	html_printf(h, " change%s that no package explains", html_s(open));
}

/* What nobody looked at is not said to be in order. */
static void
put_verdict(struct html *h, const struct counts *c)
{
	uint64_t notes = json_array_size(report_get(h->root, "coverage.notes"));
	bool all = c->gaps + c->uncovered + notes == 0;

	html_put(h, "<p class=\"verdict\">");
	if (c->alerts + c->findings + c->changes == 0)
		html_put(h, "Nothing was found");
	else
		put_found(h, c);
	if (all)
		html_put(h, "; nothing was left out.</p>\n");
	else
		html_put(h, ". <strong>Not everything was seen:</strong> look "
			    "at <a href=\"#coverage\">coverage</a>.</p>\n");
}

struct tile {
	const char *section, *class, *label;
	uint64_t n;
};

static void
begin_tile(struct html *h, const struct tile *t)
{
	html_printf(h,
		    "<li><a class=\"card tile %s\" href=\"#%s\">"
		    "<span class=\"n\">",
		    t->class, t->section);
	html_number(h, t->n);
	html_printf(h,
		    "</span> <span class=\"l\">%s</span> "
		    "<span class=\"d\">",
		    t->label);
}

static void
end_tile(struct html *h)
{
	html_put(h, "</span></a></li>\n");
}

static void
put_severities(struct html *h, const struct counts *c)
{
	const char *comma = "";

	for (int s = REPORT_CRITICAL; s >= REPORT_LOW; s--) {
		if (c->severity[s] == 0)
			continue;
		html_put(h, comma);
		html_number(h, c->severity[s]);
		html_printf(h, " %s",
			    report_severity_word((enum report_severity)s));
		comma = ", ";
	}
	if (*comma == '\0')
		html_put(h, "none in this time");
}

static void
put_tiles(struct html *h, const struct counts *c)
{
	const json_t *s = report_get(h->root, "summary");
	uint64_t files = report_count(h->root, "coverage.files");

	html_put(h, "<ul class=\"tiles\">\n");
	begin_tile(h, &(struct tile){ "timeline", worst(c),
				      c->findings > 0 ? "alerts and findings"
						      : "alerts",
				      c->alerts + c->findings });
	put_severities(h, c);
	end_tile(h);
	begin_tile(h, &(struct tile){ "changes",
				      c->changes > c->explained ? "medium"
								: "good",
				      "changes", c->changes });
	if (has_baseline(h))
		html_printf(h, "%llu added, %llu removed, %llu changed",
			    (unsigned long long)report_count(s, "added"),
			    (unsigned long long)report_count(s, "removed"),
			    (unsigned long long)report_count(s, "changed"));
	else
		html_put(h, "no baseline took part");
	end_tile(h);
	begin_tile(h, &(struct tile){ "changes", "good", "explained",
				      c->explained });
	html_put(h, "by packages");
	end_tile(h);
	begin_tile(h, &(struct tile){ "timeline", c->gaps > 0 ? "gap" : "good",
				      c->gaps == 1 ? "gap" : "gaps", c->gaps });
	html_put(h, c->gaps > 0 ? "in what the monitor saw" : "none known");
	end_tile(h);
	begin_tile(h, &(struct tile){ "coverage",
				      c->uncovered > 0 ? "medium" : "good",
				      "not covered", c->uncovered });
	html_put(h, "of ");
	html_number(h, files);
	html_printf(h, " file%s", html_s(files));
	end_tile(h);
	html_put(h, "</ul>\n");
}

static void
begin_fact(struct html *h, const char *name)
{
	html_printf(h, "<div><dt>%s</dt><dd>", name);
}

static void
put_fact(struct html *h, const char *name, const char *key)
{
	begin_fact(h, name);
	html_text(h, report_text(h->root, key));
	html_put(h, "</dd></div>\n");
}

static void
put_digest(struct html *h, const char *name, struct view digest)
{
	html_printf(h, "<div class=\"wide\"><dt>%s</dt><dd>", name);
	if (digest.n > 0)
		html_code(h, digest);
	else
		html_put(h, "<span class=\"soft\">none: it is the first of "
			    "its state folder</span>");
	html_put(h, "</dd></div>\n");
}

static void
put_facts(struct html *h)
{
	const json_t *b = report_get(h->root, "baseline");

	html_put(h, "<dl class=\"card facts\">\n");
	put_fact(h, "Host", "host.name");
	begin_fact(h, "Host id");
	html_code(h, report_text(h->root, "host.id"));
	html_put(h, "</dd></div>\n");
	put_fact(h, "System", "host.os");
	begin_fact(h, "Kernel");
	html_text(h, report_text(h->root, "versions.kernel"));
	html_put(h, " ");
	html_text(h, report_text(h->root, "host.architecture"));
	html_put(h, "</dd></div>\n");
	begin_fact(h, "Started");
	html_time(h, report_time(h->root, "started"), HTML_DATE_TIME);
	html_put(h, "</dd></div>\n");
	begin_fact(h, "Ended");
	html_time(h, report_time(h->root, "ended"), HTML_DATE_TIME);
	html_put(h, "</dd></div>\n");
	if (json_is_object(b)) {
		begin_fact(h, "Baseline");
		html_put(h, "generation ");
		html_number(h, report_count(b, "generation"));
		html_put(h, ", ");
		html_number(h, report_count(b, "files"));
		html_put(h, " files</dd></div>\n");
		begin_fact(h, "Baseline of");
		html_time(h, report_time(b, "time"), HTML_DATE_TIME);
		html_put(h, "</dd></div>\n");
		put_digest(h, "Baseline root", report_text(b, "root"));
	}
	put_digest(h, "This report", view_of(h->doc->sha256));
	put_digest(h, "The one before",
		   report_text(h->root, "previous.sha256"));
	html_put(h, "</dl>\n");
}

static void
put_summary(struct html *h, const struct counts *c)
{
	html_put(h, "<section id=\"summary\" aria-labelledby=\"h-summary\">\n"
		    "<h2 id=\"h-summary\">Summary</h2>\n");
	put_verdict(h, c);
	put_tiles(h, c);
	put_facts(h);
	html_put(h, "</section>\n");
}

/* ---- foot ------------------------------------------------------------ */

static void
put_foot(struct html *h)
{
	html_put(h, "<footer><div class=\"wrap\">\n<p>This page was made from "
		    "a report of Tocsin ");
	html_text(h, report_text(h->root, "versions.tocsin"));
	html_put(
		h,
		". The report itself, a JSON file, is what is signed; check it "
		"with either of these:</p>\n<pre>"
		"tocsin report verify --pubkey KEY.pub REPORT.json\n"
		"minisign -Vm REPORT.json -p KEY.pub</pre>\n<p>SHA-256 ");
	html_code(h, view_of(h->doc->sha256));
	html_put(h, "</p>\n</div></footer>\n</body>\n</html>\n");
}

void
report_put_html(const struct report_doc *doc, struct buf *out)
{
	struct html h = { .doc = doc, .root = doc->root, .out = out };
	struct report_moment *v;
	struct counts c;
	bool no_memory;

	v = report_moments(doc, &h.n_moments, &no_memory);
	out->failed |= no_memory;
	h.moments = v;
	c = count_all(&h);
	put_head(&h);
	put_top(&h);
	put_nav(&h, &c);
	html_put(&h, "<main class=\"wrap\">\n");
	put_summary(&h, &c);
	html_timeline(&h);
	html_processes(&h);
	html_changes(&h);
	html_coverage(&h);
	html_put(&h, "</main>\n");
	put_foot(&h);
	free(v);
	buf_free(&h.scratch);
}
