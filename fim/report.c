/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a report, section by section. */
#include "fim/report.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "fim/keys.h"
#include "fim/report_chain.h"
#include "fim/sarif.h"
#include "fim/state_read.h"
#include "fim/version.h"
#include "scan/content.h"

/* The state database keeps more; one report need not repeat all of them. */
#define ALERTS_MAX 10000u
#define GAPS_MAX 10000u

/* In the order of the document. */
enum section { HEAD, CHANGES, FINDINGS, ALERTS, GAPS, TAIL };
static const char *const section_names[] = { NULL,     "changes", "findings",
					     "alerts", "gaps",	  NULL };

struct report {
	struct report_start s;
	struct sign_secret *secret;
	struct digest sha256;
	crypto_generichash_state blake2b; /* what minisign signs */
	enum section section;
	uint64_t in_section;
	uint64_t kinds[3], explained; /* changes */
	uint64_t findings, alerts, gaps, uncovered;
	struct buf line; /* not yet written */
	struct buf uncovered_json, notes_json;
	struct buf host;
	struct report_link last, this;
	struct sarif *sarif; /* NULL: a report */
	struct buf item;
	bool chained, failed;
};

/* ---- bytes ----------------------------------------------------------- */

static void
flush(struct report *r)
{
	const struct buf *b = &r->line;

	if (b->failed)
		r->failed = true;
	digest_add(&r->sha256, buf_view(b));
	crypto_generichash_update(&r->blake2b, (const void *)b->p, b->n);
	if (b->n > 0 && fwrite(b->p, 1, b->n, r->s.io->out) != b->n)
		r->failed = true;
	buf_clear(&r->line);
}

static void
put_key(struct report *r, const char *key, struct view value)
{
	buf_printf(&r->line, "\"%s\":", key);
	buf_json_string(&r->line, value);
}

static void
put_time(struct report *r, const char *key, uint64_t wall_ns)
{
	buf_printf(&r->line, "\"%s\":\"", key);
	buf_rfc3339(&r->line, wall_ns);
	buf_putc(&r->line, '"');
}

static void
put_number(struct report *r, const char *key, uint64_t n)
{
	buf_printf(&r->line, "\"%s\":%llu", key, (unsigned long long)n);
}

/* Ends the sections before this one, begins it. Never goes back: a caller
 * that mixes them has a bug. */
static void
enter(struct report *r, enum section section)
{
	if (r->section > section)
		abort();
	while (r->section < section) {
		if (r->section > HEAD)
			buf_puts(&r->line,
				 r->in_section > 0 ? "\n],\n" : "],\n");
		r->in_section = 0;
		if (++r->section < TAIL)
			buf_printf(&r->line, "\"%s\":[",
				   section_names[r->section]);
	}
}

static void
begin_item(struct report *r, enum section section)
{
	enter(r, section);
	buf_puts(&r->line, r->in_section++ > 0 ? ",\n" : "\n");
}

/* What r->item has is a JSON object of ours. */
static void
put_item(struct report *r, enum section section)
{
	json_t *parsed;

	if (r->sarif == NULL) {
		begin_item(r, section);
		buf_put(&r->line, view_trim(buf_view(&r->item)));
	} else if (!r->item.failed) {
		parsed = json_loadb(r->item.p, r->item.n, JSON_ALLOW_NUL, NULL);
		if (parsed == NULL)
			r->failed = true;
		else if (section == CHANGES)
			sarif_change(r->sarif, parsed);
		else
			sarif_alert(r->sarif, parsed);
		json_decref(parsed);
	}
	r->failed = r->failed || r->item.failed;
	flush(r);
}

/* ---- the head -------------------------------------------------------- */

/* PRETTY_NAME of os-release(5). */
static void
put_system(struct report *r)
{
	struct buf text = { 0 };
	struct view rest, line;
	FILE *f = fopen("/etc/os-release", "re");

	if (f == NULL)
		return;
	fd_read_all(fileno(f), 65536, &text);
	fclose(f);
	rest = buf_view(&text);
	while (view_next_split(&rest, '\n', &line)) {
		const struct view key = VIEW("PRETTY_NAME=");

		if (!view_starts(line, key))
			continue;
		line = view_sub(line, key.n, SIZE_MAX);
		if (line.n >= 2 && line.p[0] == '"')
			line = view_sub(line, 1, line.n - 2);
		buf_putc(&r->line, ',');
		put_key(r, "os", line);
		break;
	}
	buf_free(&text);
}

static void
put_host(struct report *r)
{
	struct utsname u;

	buf_puts(&r->line, "\"versions\":{");
	put_key(r, "tocsin", VIEW(TOCSIN_VERSION));
	if (uname(&u) != 0)
		memset(&u, 0, sizeof(u));
	buf_putc(&r->line, ',');
	put_key(r, "kernel", view_of(u.release));
	buf_puts(&r->line, "},\n\"host\":{");
	put_key(r, "id", buf_view(&r->host));
	buf_putc(&r->line, ',');
	put_key(r, "name", view_of(u.nodename));
	buf_putc(&r->line, ',');
	put_key(r, "architecture", view_of(u.machine));
	put_system(r);
	buf_puts(&r->line, "},\n");
}

static void
put_baseline(struct report *r)
{
	const struct baseline_meta *m = r->s.baseline;

	buf_puts(&r->line, "\"baseline\":");
	if (m == NULL) {
		buf_puts(&r->line, "null,\n");
		return;
	}
	buf_putc(&r->line, '{');
	put_number(r, "generation", m->generation);
	buf_putc(&r->line, ',');
	put_number(r, "files", m->files);
	buf_putc(&r->line, ',');
	put_time(r, "time", m->time_ns);
	buf_putc(&r->line, ',');
	put_key(r, "root", m->root);
	buf_puts(&r->line, "},\n");
}

static void
put_head(struct report *r)
{
	buf_puts(&r->line, "{");
	put_key(r, "format", VIEW(REPORT_FORMAT));
	buf_putc(&r->line, ',');
	put_number(r, "version", REPORT_VERSION);
	buf_putc(&r->line, ',');
	put_key(r, "made_by", view_of(r->s.made_by));
	buf_puts(&r->line, ",\n");
	put_host(r);
	put_time(r, "started", r->s.started_ns);
	buf_puts(&r->line, ",\n");
	put_baseline(r);
	buf_puts(&r->line, "\"previous\":");
	if (r->last.sha256.n > 0) {
		buf_putc(&r->line, '{');
		put_key(r, "sha256", buf_view(&r->last.sha256));
		buf_puts(&r->line, "},\n");
	} else {
		buf_puts(&r->line, "null,\n");
	}
	flush(r);
}

/* ---- beginning ------------------------------------------------------- */

static enum exit_code
open_key(struct report *r)
{
	const struct options *o = r->s.options;
	enum exit_code code = EXIT_NOTHING;

	if (o->key == NULL)
		return EXIT_NOTHING;
	if (r->sarif != NULL) {
		err_add(&r->s.io->err, (struct place){ 0 },
			"--key signs a report: with --format json");
		return EXIT_USAGE;
	}
	if (o->output == NULL) {
		err_add(&r->s.io->err, (struct place){ 0 },
			"--key wants --output FILE, too: the signature is "
			"FILE.minisig");
		return EXIT_USAGE;
	}
	r->secret = keys_open_secret(o, o->key, r->s.io, &code);
	return r->secret != NULL ? EXIT_NOTHING : code;
}

static enum exit_code
find_last(struct report *r)
{
	if (access(r->s.state, W_OK | X_OK) != 0) {
		report_note(r, "chain",
			    "the state folder cannot be written (%s): this "
			    "report names no predecessor, and the next will "
			    "not name this one",
			    strerror(errno));
		return EXIT_NOTHING;
	}
	r->chained = true;
	return report_link_find(r->s.state, &r->last, &r->s.io->err);
}

static enum exit_code
find_host(struct report *r)
{
	if (baseline_host(&r->host) == 0)
		return EXIT_NOTHING;
	err_add(&r->s.io->err, (struct place){ .file = "/etc/machine-id" },
		"cannot be read: %s", strerror(errno));
	return EXIT_IO;
}

bool
report_wanted(const struct options *o)
{
	return o->format == FORMAT_JSON || o->format == FORMAT_SARIF;
}

enum exit_code
report_begin(const struct report_start *start, struct report **out)
{
	/* A state of libsodium's wants more alignment than calloc gives. */
	struct report *r = aligned_alloc(alignof(struct report), sizeof(*r));
	enum exit_code code;

	*out = NULL;
	if (r != NULL)
		memset(r, 0, sizeof(*r));
	if (r == NULL || sodium_init() < 0 || digest_begin(&r->sha256) != 0) {
		free(r);
		err_add(&start->io->err, (struct place){ 0 }, "out of memory");
		return EXIT_IO;
	}
	r->s = *start;
	crypto_generichash_init(&r->blake2b, NULL, 0, SIGN_DIGEST_BYTES);
	if (start->options->format == FORMAT_SARIF) {
		r->sarif = sarif_begin(&r->line);
		if (r->sarif == NULL) {
			report_abandon(r);
			err_add(&start->io->err, (struct place){ 0 },
				"out of memory");
			return EXIT_IO;
		}
	}
	code = find_host(r);
	if (code == EXIT_NOTHING)
		code = open_key(r);
	if (code == EXIT_NOTHING && r->sarif == NULL)
		code = find_last(r);
	if (code != EXIT_NOTHING) {
		report_abandon(r);
		return code;
	}
	if (r->sarif == NULL)
		put_head(r);
	start->io->report_begun = true;
	*out = r;
	return EXIT_NOTHING;
}

/* ---- items ----------------------------------------------------------- */

void
report_change(struct report *r, const struct change *c, struct view diff)
{
	struct buf *b = &r->item;

	buf_clear(b);
	r->kinds[c->kind]++;
	r->explained += c->explained.n > 0;
	change_put_json(b, c);
	if (!b->failed)
		b->n--; /* its brace */
	if (diff.n > 0) {
		buf_puts(b, ",\"diff\":");
		buf_json_string(b, diff);
	}
	buf_putc(b, '}');
	put_item(r, CHANGES);
}

void
report_finding(struct report *r, const struct alert *a)
{
	buf_clear(&r->item);
	alert_format_json(a, &r->item);
	put_item(r, FINDINGS);
	r->findings++;
}

void
report_uncovered(struct report *r, const struct walk_entry *e)
{
	struct buf *b = &r->uncovered_json;

	if (r->uncovered++ >= REPORT_UNCOVERED_MAX)
		return;
	buf_puts(b, b->n > 0 ? ",\n" : "\n");
	change_put_uncovered_json(b, e);
}

void
report_note(struct report *r, const char *about, const char *fmt, ...)
{
	struct buf *b = &r->notes_json;
	char text[512]; /* our own words and an error's */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_puts(b, b->n > 0 ? ",\n{\"about\":" : "\n{\"about\":");
	buf_json_string(b, view_of(about));
	buf_puts(b, ",\"reason\":");
	buf_json_string(b, view_of(text));
	buf_putc(b, '}');
}

/* ---- alerts and gaps of the period ----------------------------------- */

/* What the database gives is checked before it becomes part of a document. */
static void
on_alert(void *ctx, struct view json)
{
	struct report *r = ctx;
	json_t *parsed = json_loadb(
		json.p, json.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	if (json_is_object(parsed)) {
		buf_clear(&r->item);
		buf_put(&r->item, json);
		put_item(r, ALERTS);
	} else {
		report_note(r, "alerts",
			    "a record of the state database is no alert");
	}
	json_decref(parsed);
}

static void
on_gap(void *ctx, const struct state_gap *g)
{
	struct report *r = ctx;

	begin_item(r, GAPS);
	buf_putc(&r->line, '{');
	put_time(r, "from", g->from_ns);
	buf_putc(&r->line, ',');
	put_time(r, "to", g->to_ns);
	buf_putc(&r->line, ',');
	put_key(r, "scope", g->scope);
	buf_putc(&r->line, ',');
	put_key(r, "cause", g->cause);
	buf_putc(&r->line, ',');
	put_number(r, "lost", g->lost);
	if (g->closed_ns > 0) {
		buf_putc(&r->line, ',');
		put_time(r, "closed", g->closed_ns);
		buf_putc(&r->line, ',');
		put_number(r, "changes", g->changes);
		buf_putc(&r->line, ',');
		put_number(r, "alerts", g->alerts);
	}
	buf_putc(&r->line, '}');
	flush(r);
}

static void
note_left_out(struct report *r, const char *what, const struct state_span *s)
{
	if (s->n > s->max)
		report_note(r, what,
			    "%llu of %llu are here; the state database has all",
			    (unsigned long long)s->max,
			    (unsigned long long)s->n);
}

static void
read_state(struct report *r, struct state_reader *state)
{
	uint64_t from_ns = r->last.to_ns;
	struct state_span alerts = { .after_seq = r->last.alerts_seq,
				     .from_ns = from_ns,
				     .max = ALERTS_MAX };
	struct state_span gaps = { .after_seq = r->last.gaps_seq,
				   .from_ns = from_ns,
				   .max = GAPS_MAX };

	if (state_each_alert(state, &alerts, on_alert, r) != 0 ||
	    state_each_gap(state, &gaps, on_gap, r) != 0)
		report_note(r, "alerts",
			    "the state database is damaged; some may be "
			    "missing");
	note_left_out(r, "alerts", &alerts);
	note_left_out(r, "gaps", &gaps);
	r->alerts = alerts.n;
	r->gaps = gaps.n;
	r->this.alerts_seq = alerts.last_seq;
	r->this.gaps_seq = gaps.last_seq;
}

static void
put_period(struct report *r)
{
	struct buf why = { 0 };
	enum state_found found;
	struct state_reader *state =
		state_reader_open(r->s.state, &found, &why);

	if (r->last.to_ns == 0 || r->last.to_ns > r->s.started_ns)
		r->last.to_ns = r->s.started_ns > REPORT_LOOK_BACK_NS
					? r->s.started_ns - REPORT_LOOK_BACK_NS
					: 0;
	r->this.to_ns = clock_wall_ns();
	if (state != NULL)
		read_state(r, state);
	else if (found == STATE_NONE)
		report_note(r, "alerts",
			    "the monitor has left no alerts in this state "
			    "folder: it has not run with it");
	else
		report_note(r, "alerts",
			    "the state database cannot be read: %.*s",
			    (int)why.n, why.p);
	state_reader_close(state);
	buf_free(&why);
	enter(r, TAIL);
	buf_puts(&r->line, "\"period\":{");
	put_time(r, "from", r->last.to_ns);
	buf_putc(&r->line, ',');
	put_time(r, "to", r->this.to_ns);
	buf_puts(&r->line, "},\n");
}

/* ---- the end --------------------------------------------------------- */

static void
put_list(struct report *r, const char *key, const struct buf *items)
{
	buf_printf(&r->line, ",\n\"%s\":[", key);
	buf_put(&r->line, buf_view(items));
	buf_puts(&r->line, items->n > 0 ? "\n]" : "]");
	r->failed = r->failed || items->failed;
}

static void
put_coverage(struct report *r, const struct report_read *read)
{
	buf_printf(&r->line, "\"coverage\":{\"complete\":%s,\"quick\":%s,",
		   r->uncovered == 0 ? "true" : "false",
		   read->quick ? "true" : "false");
	put_number(r, "files", read->files);
	buf_putc(&r->line, ',');
	put_number(r, "bytes", read->bytes);
	buf_putc(&r->line, ',');
	put_number(r, "processes", read->processes);
	put_list(r, "uncovered", &r->uncovered_json);
	put_list(r, "notes", &r->notes_json);
	buf_puts(&r->line, "},\n");
}

static void
put_summary(struct report *r)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = { { "added", r->kinds[CHANGE_ADDED] },
		     { "removed", r->kinds[CHANGE_REMOVED] },
		     { "changed", r->kinds[CHANGE_CHANGED] },
		     { "explained", r->explained },
		     { "findings", r->findings },
		     { "alerts", r->alerts },
		     { "gaps", r->gaps },
		     { "uncovered", r->uncovered } };

	buf_puts(&r->line, "\"summary\":");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_putc(&r->line, i == 0 ? '{' : ',');
		put_number(r, rows[i].name, rows[i].n);
	}
	buf_puts(&r->line, "},\n");
}

/* The digest was made of the bytes as they were written, so what is signed
 * is that, whatever somebody makes of the file meanwhile. */
static enum exit_code
sign(struct report *r)
{
	const struct baseline_meta *m = r->s.baseline;
	uint8_t digest[SIGN_DIGEST_BYTES];
	struct buf path = { 0 }, comment = { 0 }, text = { 0 };
	int rc = -1;

	crypto_generichash_final(&r->blake2b, digest, sizeof(digest));
	buf_puts(&comment, "tocsin report host=");
	buf_put(&comment, buf_view(&r->host));
	if (m != NULL) {
		buf_printf(&comment, " generation=%llu files=%llu root=",
			   (unsigned long long)m->generation,
			   (unsigned long long)m->files);
		buf_put(&comment, m->root);
	}
	buf_puts(&comment, " sha256=");
	buf_put(&comment, buf_view(&r->this.sha256));
	buf_puts(&comment, " time=");
	buf_rfc3339(&comment, r->this.to_ns);
	buf_printf(&path, "%s" SIGN_SUFFIX "%c", r->s.io->out_path, 0);
	errno = ENOMEM;
	if (!path.failed && !comment.failed &&
	    sign_make(r->secret, digest, buf_view(&comment), &text) == 0)
		rc = atomic_write(path.p, 0600, ATOMIC_REPLACE,
				  buf_view(&text));
	if (rc != 0)
		err_add(&r->s.io->err, (struct place){ .file = path.p },
			"cannot be written: %s", strerror(errno));
	buf_free(&path);
	buf_free(&comment);
	buf_free(&text);
	return rc == 0 ? EXIT_NOTHING : EXIT_IO;
}

static enum exit_code
finish(struct report *r)
{
	struct err *err = &r->s.io->err;
	enum exit_code code = EXIT_NOTHING;
	uint8_t digest[32];

	if (fflush(r->s.io->out) != 0)
		return EXIT_IO; /* main says so */
	if (r->failed) {
		if (!ferror(r->s.io->out))
			err_add(err, (struct place){ 0 }, "out of memory");
		return EXIT_IO;
	}
	digest_end(&r->sha256, digest);
	r->sha256 = (struct digest){ 0 };
	buf_hex(&r->this.sha256, digest, sizeof(digest));
	buf_puts(&r->this.made_by, r->s.made_by);
	if (r->secret != NULL)
		code = sign(r);
	if (code == EXIT_NOTHING && r->chained &&
	    report_link_add(r->s.state, &r->this, err) != 0)
		code = EXIT_IO;
	r->s.io->out_complete = code == EXIT_NOTHING;
	return code;
}

/* Each on a line, with a comma but for the last. */
static void
end_sarif(struct report *r)
{
	struct view rest = buf_view(&r->uncovered_json), line;

	while (rest.n > 0 && view_next_split(&rest, '\n', &line)) {
		json_t *parsed = json_loadb(line.p, line.n,
					    JSON_DISABLE_EOF_CHECK, NULL);

		if (json_is_object(parsed))
			sarif_uncovered(r->sarif, parsed);
		json_decref(parsed);
	}
	sarif_end(r->sarif, r->s.started_ns, clock_wall_ns());
	r->sarif = NULL;
}

static void
end_report(struct report *r, const struct report_read *read)
{
	put_period(r);
	put_coverage(r, read);
	put_summary(r);
	put_time(r, "ended", clock_wall_ns());
	buf_puts(&r->line, "}\n");
}

enum exit_code
report_end(struct report *r, const struct report_read *read)
{
	enum exit_code code;

	if (r->s.options->format == FORMAT_SARIF)
		end_sarif(r);
	else
		end_report(r, read);
	flush(r);
	code = finish(r);
	report_abandon(r);
	return code;
}

void
report_abandon(struct report *r)
{
	if (r == NULL)
		return;
	sign_secret_free(r->secret);
	if (r->sha256.state != NULL)
		digest_end(&r->sha256, NULL);
	report_link_free(&r->last);
	report_link_free(&r->this);
	sarif_free(r->sarif);
	buf_free(&r->host);
	buf_free(&r->line);
	buf_free(&r->item);
	buf_free(&r->uncovered_json);
	buf_free(&r->notes_json);
	free(r);
}
