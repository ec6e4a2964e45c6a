/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a report's tree. */
#include <assert.h>
#include <stdlib.h>

#include "fim/report_read.h"

json_t *
report_get(const json_t *json, const char *dotted)
{
	struct view rest = view_of(dotted), name;
	char key[64]; /* our own names */

	while (json != NULL && view_next_split(&rest, '.', &name)) {
		assert(name.n < sizeof(key));
		memcpy(key, name.p, name.n);
		key[name.n] = '\0';
		json = json_object_get(json, key);
	}
	return (json_t *)json;
}

struct view
report_view(const json_t *json)
{
	if (!json_is_string(json))
		return VIEW("");
	return (struct view){ json_string_value(json),
			      json_string_length(json) };
}

struct view
report_text(const json_t *json, const char *dotted)
{
	return report_view(report_get(json, dotted));
}

uint64_t
report_count(const json_t *json, const char *dotted)
{
	json_int_t n = json_integer_value(report_get(json, dotted));

	return n > 0 ? (uint64_t)n : 0;
}

uint64_t
report_time(const json_t *json, const char *dotted)
{
	uint64_t ns = 0;

	return rfc3339_read(report_text(json, dotted), &ns) ? ns : 0;
}

static unsigned
digit_of(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

void
report_path(const json_t *json, struct buf *out)
{
	struct view hex = report_text(json, "path_hex");

	if (hex.n == 0)
		buf_put(out, report_text(json, "path"));
	for (size_t i = 0; i + 1 < hex.n; i += 2)
		buf_putc(out, (char)(digit_of(hex.p[i]) << 4 |
				     digit_of(hex.p[i + 1])));
}

/* ---- alerts ---------------------------------------------------------- */

static const char *const severity_words[] = { "low", "medium", "high",
					      "critical" };

const char *
report_severity_word(enum report_severity s)
{
	return severity_words[s];
}

/* The bounds are Kibana's. */
enum report_severity
report_severity(const json_t *alert)
{
	struct view level = report_text(alert, "rule.level");
	uint64_t score = report_count(alert, "event.severity");

	for (size_t i = 0; i < ARRAY_LEN(severity_words); i++)
		if (view_eq_fold(level, view_of(severity_words[i])))
			return (enum report_severity)i;
	return score >= 99   ? REPORT_CRITICAL
	       : score >= 73 ? REPORT_HIGH
	       : score >= 47 ? REPORT_MEDIUM
			     : REPORT_LOW;
}

struct view
report_rule_name(const json_t *alert)
{
	struct view name = report_text(alert, "rule.name");

	return name.n > 0 ? name : report_text(alert, "rule.id");
}

struct view
report_what(const json_t *alert)
{
	struct view what = report_text(alert, "message");
	struct view name = report_text(alert, "rule.name");

	if (name.n > 0 && view_starts(what, name) &&
	    view_starts(view_sub(what, name.n, SIZE_MAX), VIEW(": ")))
		what = view_sub(what, name.n + 2, SIZE_MAX);
	return what;
}

/* ---- by time --------------------------------------------------------- */

static const struct {
	const char *list, *time;
} moment_lists[] = {
	[MOMENT_ALERT] = { "alerts", "@timestamp" },
	[MOMENT_FINDING] = { "findings", "@timestamp" },
	[MOMENT_GAP] = { "gaps", "from" },
};

static int
by_time(const void *a, const void *b)
{
	const struct report_moment *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

struct report_moment *
report_moments(const struct report_doc *doc, size_t *n, bool *no_memory)
{
	struct report_moment *v = NULL;
	size_t most = 0;

	*n = 0;
	for (size_t k = 0; k < ARRAY_LEN(moment_lists); k++)
		most += json_array_size(
			json_object_get(doc->root, moment_lists[k].list));
	if (most > 0)
		v = calloc(most, sizeof(*v));
	*no_memory = most > 0 && v == NULL;
	for (size_t k = 0; v != NULL && k < ARRAY_LEN(moment_lists); k++) {
		const json_t *list =
			json_object_get(doc->root, moment_lists[k].list);

		for (size_t i = 0; i < json_array_size(list); i++) {
			const json_t *item = json_array_get(list, i);

			v[(*n)++] = (struct report_moment){
				report_time(item, moment_lists[k].time), item,
				(enum report_moment_kind)k, i
			};
		}
	}
	if (v != NULL)
		qsort(v, *n, sizeof(*v), by_time);
	return v;
}
