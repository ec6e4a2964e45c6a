/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SARIF. Section numbers are those of the standard. */
#include "fim/sarif.h"

#include <stdlib.h>

#include "fim/version.h"
#include "scan/scan.h"

#define SCHEMA                                                                \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/" \
	"sarif-schema-2.1.0.json"
/* The rules of Elastic's and ours together are a fifth of this. */
#define RULES_MAX 10000u

struct sarif_rule {
	struct view id, name, description; /* in the arena */
	const char *level;
	uint64_t score;
};

struct sarif {
	struct buf *out;
	uint64_t results, uncovered;
	struct buf notifications;
	struct sarif_rule *rules;
	size_t n_rules;
	struct arena arena;
};

static void
put_text(struct buf *b, const char *key, struct view text)
{
	buf_printf(b, "\"%s\":{\"text\":", key);
	buf_json_string(b, text);
	buf_putc(b, '}');
}

/* §3.4.3: a URI (RFC 3986); everything but its unreserved characters and the
 * slash is percent-encoded. */
static void
put_uri(struct buf *b, struct view path)
{
	buf_puts(b, "\"file://");
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("-._~/", c) != NULL))
			buf_putc(b, c);
		else
			buf_printf(b, "%%%02X", (unsigned char)c);
	}
	buf_putc(b, '"');
}

static void
put_location(struct buf *b, struct view path)
{
	if (path.n == 0 || path.p[0] != '/')
		return;
	buf_puts(b, ",\"locations\":[{\"physicalLocation\":{"
		    "\"artifactLocation\":{\"uri\":");
	put_uri(b, path);
	buf_puts(b, "}}}]");
}

/* ---- rules ----------------------------------------------------------- */

static const char *
level_of(const json_t *alert)
{
	switch (report_severity(alert)) {
	case REPORT_CRITICAL:
	case REPORT_HIGH:
		return "error";
	case REPORT_MEDIUM:
		return "warning";
	default:
		return "note";
	}
}

static struct sarif_rule *
rule_of(struct sarif *s, struct view id)
{
	struct sarif_rule *v;

	for (size_t i = 0; i < s->n_rules; i++)
		if (view_eq(s->rules[i].id, id))
			return NULL;
	if (s->n_rules == RULES_MAX)
		return NULL;
	v = reallocarray(s->rules, s->n_rules + 1, sizeof(*v));
	if (v == NULL) {
		s->out->failed = true;
		return NULL;
	}
	s->rules = v;
	v += s->n_rules++;
	*v = (struct sarif_rule){ .id = arena_copy(&s->arena, id) };
	return v;
}

static void
know_alert_rule(struct sarif *s, const json_t *alert)
{
	struct sarif_rule *r = rule_of(s, report_text(alert, "rule.id"));

	if (r == NULL)
		return;
	r->name = arena_copy(&s->arena, report_rule_name(alert));
	r->description =
		arena_copy(&s->arena, report_text(alert, "rule.description"));
	r->level = level_of(alert);
	r->score = report_count(alert, "event.severity");
}

static void
know_change_rule(struct sarif *s, struct view id, struct view kind)
{
	struct sarif_rule *r = rule_of(s, id);

	if (r == NULL)
		return;
	r->name = arena_printf(&s->arena, "File %.*s since the baseline",
			       (int)kind.n, kind.p);
	r->level = "warning";
}

/* §3.49 */
static void
put_rule(struct buf *b, const struct sarif_rule *r)
{
	buf_puts(b, "{\"id\":");
	buf_json_string(b, r->id);
	if (r->name.n > 0) {
		buf_putc(b, ',');
		put_text(b, "shortDescription", r->name);
	}
	if (r->description.n > 0) {
		buf_putc(b, ',');
		put_text(b, "fullDescription", r->description);
	}
	buf_printf(b, ",\"defaultConfiguration\":{\"level\":\"%s\"}", r->level);
	/* What code scanning sorts by: 0.0 to 10.0, as text. */
	if (r->score > 0 && r->score <= 100)
		buf_printf(b,
			   ",\"properties\":{\"security-severity\":"
			   "\"%llu.%llu\"}",
			   (unsigned long long)r->score / 10,
			   (unsigned long long)r->score % 10);
	buf_putc(b, '}');
}

/* ---- results --------------------------------------------------------- */

/* §3.27.12: the same for the same thing in another run. */
static void
put_fingerprint(struct buf *b, struct view what, struct view path)
{
	struct buf text = { 0 };
	uint8_t digest[32];

	buf_put(&text, what);
	buf_putc(&text, '\0');
	buf_put(&text, path);
	digest_sha256(buf_view(&text), digest);
	buf_puts(b, ",\"partialFingerprints\":{\"tocsin/v1\":\"");
	buf_hex(b, digest, sizeof(digest));
	buf_puts(b, "\"}");
	if (text.failed)
		b->failed = true;
	buf_free(&text);
}

static void
begin_result(struct sarif *s, struct view rule, const char *level,
	     struct view message)
{
	buf_puts(s->out,
		 s->results++ > 0 ? ",\n{\"ruleId\":" : "\n{\"ruleId\":");
	buf_json_string(s->out, rule);
	buf_printf(s->out, ",\"level\":\"%s\",", level);
	put_text(s->out, "message", message);
}

static void
put_change_message(struct buf *b, const json_t *c, struct view path)
{
	const json_t *list = report_get(c, "attributes");

	buf_text(b, path);
	buf_puts(b, " was ");
	buf_text(b, report_text(c, "kind"));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *a = json_array_get(list, i);

		buf_puts(b, i == 0 ? ": " : ", ");
		buf_text(b, report_text(a, "name"));
		buf_putc(b, ' ');
		buf_text(b, report_text(a, "old"));
		buf_puts(b, " -> ");
		buf_text(b, report_text(a, "new"));
	}
	if (report_text(c, "explained").n > 0) {
		buf_puts(b, "; explained by the package ");
		buf_text(b, report_text(c, "explained"));
	}
}

void
sarif_change(struct sarif *s, const json_t *c)
{
	struct buf path = { 0 }, message = { 0 }, rule = { 0 };
	struct view kind = report_text(c, "kind");
	bool explained = report_text(c, "explained").n > 0;

	report_path(c, &path);
	put_change_message(&message, c, buf_view(&path));
	buf_puts(&rule, "baseline-");
	buf_put(&rule, kind);
	know_change_rule(s, buf_view(&rule), kind);
	begin_result(s, buf_view(&rule), explained ? "note" : "warning",
		     buf_view(&message));
	put_location(s->out, buf_view(&path));
	put_fingerprint(s->out, buf_view(&rule), buf_view(&path));
	buf_putc(s->out, '}');
	if (path.failed || message.failed || rule.failed)
		s->out->failed = true;
	buf_free(&path);
	buf_free(&message);
	buf_free(&rule);
}

void
sarif_alert(struct sarif *s, const json_t *a)
{
	struct view rule = report_text(a, "rule.id");
	struct view message = report_text(a, "message");
	struct view path = report_text(a, "file.path");

	if (path.n == 0)
		path = report_text(a, "process.executable");
	know_alert_rule(s, a);
	begin_result(s, rule, level_of(a),
		     message.n > 0 ? message : report_rule_name(a));
	put_location(s->out, path);
	put_fingerprint(s->out, rule,
			report_text(a, "tocsin.alert.id").n > 0
				? report_text(a, "tocsin.alert.id")
				: path);
	buf_puts(s->out, ",\"properties\":{\"@timestamp\":");
	buf_json_string(s->out, report_text(a, "@timestamp"));
	buf_puts(s->out, "}}");
}

/* ---- what was not covered: §3.20.21 ------------------------------------ */

void
sarif_uncovered(struct sarif *s, const json_t *u)
{
	struct buf *b = &s->notifications;
	struct buf path = { 0 }, message = { 0 };

	report_path(u, &path);
	buf_text(&message, buf_view(&path));
	buf_putc(&message, ' ');
	buf_text(&message, report_text(u, "reason"));
	if (report_text(u, "error").n > 0) {
		buf_puts(&message, ": ");
		buf_text(&message, report_text(u, "error"));
	}
	buf_puts(b, s->uncovered++ > 0 ? ",\n{" : "\n{");
	buf_puts(b, "\"level\":\"warning\",");
	put_text(b, "message", buf_view(&message));
	put_location(b, buf_view(&path));
	buf_putc(b, '}');
	if (path.failed || message.failed)
		b->failed = true;
	buf_free(&path);
	buf_free(&message);
}

/* ---- begin and end --------------------------------------------------- */

struct sarif *
sarif_begin(struct buf *out)
{
	struct sarif *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->out = out;
	buf_puts(out, "{\"$schema\":\"" SCHEMA "\",\"version\":\"2.1.0\",\n"
		      "\"runs\":[{\"columnKind\":\"unicodeCodePoints\",\n"
		      "\"results\":[");
	return s;
}

/* §3.9: to the millisecond. */
static void
put_time(struct buf *b, const char *key, uint64_t ns)
{
	struct buf text = { 0 };

	buf_rfc3339(&text, ns);
	buf_printf(b, ",\"%s\":\"%.23sZ\"", key, text.failed ? "" : text.p);
	if (text.failed)
		b->failed = true;
	buf_free(&text);
}

void
sarif_end(struct sarif *s, uint64_t started_ns, uint64_t ended_ns)
{
	struct buf *b = s->out;

	buf_puts(b, s->results > 0 ? "\n],\n" : "],\n");
	buf_puts(b, "\"invocations\":[{\"executionSuccessful\":true");
	put_time(b, "startTimeUtc", started_ns);
	put_time(b, "endTimeUtc", ended_ns);
	buf_puts(b, ",\"toolExecutionNotifications\":[");
	buf_put(b, buf_view(&s->notifications));
	buf_puts(b, s->uncovered > 0 ? "\n]}],\n" : "]}],\n");
	buf_puts(
		b,
		"\"tool\":{\"driver\":{\"name\":\"Tocsin\",\"version\":\"" TOCSIN_VERSION
		"\",\"semanticVersion\":\"" TOCSIN_VERSION "\",\"rules\":[");
	for (size_t i = 0; i < s->n_rules; i++) {
		buf_puts(b, i > 0 ? ",\n" : "\n");
		put_rule(b, &s->rules[i]);
	}
	buf_puts(b, s->n_rules > 0 ? "\n]}}}]}\n" : "]}}}]}\n");
	if (s->notifications.failed)
		b->failed = true;
	sarif_free(s);
}

void
sarif_free(struct sarif *s)
{
	if (s == NULL)
		return;
	buf_free(&s->notifications);
	free(s->rules);
	arena_free(&s->arena);
	free(s);
}
