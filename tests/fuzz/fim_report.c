/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports of anybody's making: read, and shown as text, HTML and SARIF. */
#include <stdlib.h>
#include <string.h>

#include "fim/report_show.h"
#include "fim/sarif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing that a terminal obeys, and nothing that is no UTF-8. */
static void
check_text(struct view v)
{
	if (!utf8_valid(v))
		abort();
	for (size_t i = 0; i < v.n; i++)
		if (((unsigned char)v.p[i] < 0x20 && v.p[i] != '\n' &&
		     v.p[i] != '\t') ||
		    v.p[i] == 0x7f)
			abort();
}

/* Every < begins a tag of ours, and all that opens is closed. */
static void
check_html(struct view v)
{
	static const char *const tags[] = {
		"!DOCTYPE", "a",       "body", "br",	  "circle", "code",
		"dd",	    "details", "div",  "dl",	  "dt",	    "footer",
		"h1",	    "h2",      "h3",   "head",	  "header", "html",
		"li",	    "line",    "main", "meta",	  "nav",    "ol",
		"p",	    "pre",     "rect", "section", "span",   "strong",
		"style",    "summary", "svg",  "table",	  "tbody",  "td",
		"th",	    "thead",   "time", "title",	  "tr",	    "ul",
		"b",
	};
	static const char *const empty[] = { "!DOCTYPE", "meta", "br" };
	long depth = 0;
	ssize_t at;

	while ((at = view_find(v, '<')) >= 0) {
		struct view name = view_sub(v, (size_t)at + 1, SIZE_MAX);
		bool closes = name.n > 0 && name.p[0] == '/', known = false;
		size_t n = 0;
		ssize_t end = view_find(name, '>');

		if (end < 1)
			abort();
		v = view_sub(name, (size_t)end, SIZE_MAX);
		name = view_sub(name, closes ? 1 : 0, (size_t)end - closes);
		if (name.p[name.n - 1] != '/')
			depth += closes ? -1 : 1;
		while (n < name.n && name.p[n] != ' ' && name.p[n] != '/')
			n++;
		name.n = n;
		for (size_t i = 0; i < ARRAY_LEN(tags); i++)
			known = known || view_eq(name, view_of(tags[i]));
		for (size_t i = 0; i < ARRAY_LEN(empty); i++)
			depth -= view_eq(name, view_of(empty[i]));
		if (!known || depth < 0)
			abort();
	}
	if (depth != 0)
		abort();
}

static void
put_list(struct sarif *s, const json_t *list,
	 void (*put)(struct sarif *, const json_t *))
{
	for (size_t i = 0; i < json_array_size(list); i++)
		put(s, json_array_get(list, i));
}

/* Valid JSON, with a result for each. */
static void
check_sarif(const json_t *root)
{
	const json_t *changes = report_get(root, "changes");
	const json_t *alerts = report_get(root, "alerts");
	struct buf out = { 0 };
	struct sarif *s = sarif_begin(&out);
	json_t *log;

	put_list(s, changes, sarif_change);
	put_list(s, alerts, sarif_alert);
	put_list(s, report_get(root, "coverage.uncovered"), sarif_uncovered);
	sarif_end(s, 0, UINT64_MAX);
	log = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
			 NULL);
	if (json_array_size(report_get(
		    json_array_get(report_get(log, "runs"), 0), "results")) !=
	    json_array_size(changes) + json_array_size(alerts))
		abort();
	json_decref(log);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report_doc doc = { .file = "report" };
	struct buf out = { 0 };
	struct err err = { 0 };

	buf_put(&doc.text, (struct view){ (const char *)data, size });
	if (report_parse(&doc, &err) == 0) {
		report_put_text(&doc, false, &out);
		check_text(buf_view(&out));
		buf_clear(&out);
		report_put_html(&doc, &out);
		check_text(buf_view(&out));
		check_html(buf_view(&out));
		check_sarif(doc.root);
	} else if (err.n != 1) {
		abort();
	}
	buf_free(&out);
	err_free(&err);
	report_doc_free(&doc);
	return 0;
}
