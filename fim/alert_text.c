/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alerts as text for people and as JSON lines for programs. */
#include "fim/alert.h"

#include "fim/fields.h"

#include <inttypes.h>

static struct view
string_of(struct record *r, unsigned field)
{
	const struct slot *s = record_get(r, field);

	return s->n > 0 && s->v[0].type == VALUE_STRING ? s->v[0].s : VIEW_NONE;
}

static bool
int_of(struct record *r, unsigned field, int64_t *out)
{
	const struct slot *s = record_get(r, field);

	if (s->n == 0 || s->v[0].type != VALUE_INT)
		return false;
	*out = s->v[0].i;
	return true;
}

static bool
bool_of(struct record *r, unsigned field)
{
	const struct slot *s = record_get(r, field);

	return s->n > 0 && s->v[0].type == VALUE_BOOL && s->v[0].b;
}

/* ---- the summary: one sentence, unescaped ---------------------------- */

static struct view
or_unknown(struct view v)
{
	return v.n > 0 ? v : VIEW("unknown");
}

/* "bash (pid 7, root)"; others' events may name a process by less. */
static void
put_process(struct record *r, struct buf *out)
{
	struct view user = string_of(r, FIELD_USER_NAME);
	struct view name = string_of(r, FIELD_PROCESS_NAME);
	int64_t pid;

	if (!int_of(r, FIELD_PROCESS_PID, &pid)) {
		buf_put(out, name.n > 0 ? name : VIEW("an unknown process"));
		return;
	}
	if (user.n == 0)
		user = string_of(r, FIELD_USER_ID);
	buf_put(out, or_unknown(name));
	buf_printf(out, " (pid %" PRId64 ", ", pid);
	buf_put(out, or_unknown(user));
	buf_putc(out, ')');
}

/* What was done, in the event's own word where no verb is known for it. */
static void
put_action(struct view action, struct buf *out)
{
	if (action.n == 0)
		return;
	buf_puts(out, ": ");
	buf_put(out, action);
}

static void
put_endpoint(struct record *r, unsigned ip, unsigned port, struct buf *out)
{
	struct view address = string_of(r, ip);
	int64_t number = 0;

	int_of(r, port, &number);
	if (view_find(address, ':') >= 0) {
		buf_putc(out, '[');
		buf_put(out, address);
		buf_putc(out, ']');
	} else {
		buf_put(out, or_unknown(address));
	}
	buf_printf(out, ":%" PRId64, number);
}

static void
summary_process(struct record *r, struct view action, struct buf *out)
{
	struct view parent = string_of(r, FIELD_PARENT_EXECUTABLE);
	struct view line = string_of(r, FIELD_PROCESS_COMMAND_LINE);
	struct view executable = string_of(r, FIELD_PROCESS_EXECUTABLE);

	put_process(r, out);
	if (view_eq(action, VIEW("exec")) ||
	    view_eq(action, VIEW("already_running"))) {
		buf_puts(out,
			 view_eq(action, VIEW("exec")) ? " ran: " : " runs: ");
		buf_put(out, line.n > 0 ? line : or_unknown(executable));
		buf_puts(out, ", child of ");
		buf_put(out, or_unknown(parent));
	} else {
		put_action(action, out);
	}
}

static void
summary_network(struct record *r, struct view action, struct buf *out)
{
	put_process(r, out);
	if (view_eq(action, VIEW("connection_attempted"))) {
		buf_puts(out, bool_of(r, FIELD_NETWORK_INHERITED)
				      ? " holds a connection to "
				      : " connected to ");
	} else if (view_eq(action, VIEW("connection_accepted"))) {
		buf_puts(out, " accepted a connection from ");
	} else if (view_eq(action, VIEW("disconnect_received"))) {
		buf_puts(out, " was disconnected from ");
	} else {
		put_action(action, out);
		buf_puts(out, " with ");
	}
	if (view_eq(action, VIEW("connection_accepted")))
		put_endpoint(r, FIELD_SOURCE_IP, FIELD_SOURCE_PORT, out);
	else
		put_endpoint(r, FIELD_DESTINATION_IP, FIELD_DESTINATION_PORT,
			     out);
	buf_puts(out, " over ");
	buf_put(out, or_unknown(string_of(r, FIELD_NETWORK_TRANSPORT)));
}

static const struct {
	const char *action, *verb;
} file_verbs[] = {
	{ "creation", " created " },
	{ "deletion", " deleted " },
	{ "modification", " modified " },
	{ "rename", " renamed " },
	{ "snapshot", " has " },
	{ "attributes_modified", " changed the attributes of " },
};

static void
put_verb(struct view action, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(file_verbs); i++) {
		if (!view_eq(action, view_of(file_verbs[i].action)))
			continue;
		buf_puts(out, file_verbs[i].verb);
		return;
	}
	put_action(action, out);
	buf_putc(out, ' ');
}

static void
summary_file(struct record *r, struct view action, struct buf *out)
{
	struct view old = string_of(r, FIELD_FILE_ORIGINAL_PATH);
	struct view path = string_of(r, FIELD_FILE_PATH);

	if (view_eq(action, VIEW("snapshot")) &&
	    record_get(r, FIELD_PROCESS_PID)->n == 0) {
		buf_put(out, path);
		buf_puts(out, " is there");
		return;
	}
	put_process(r, out);
	put_verb(action, out);
	if (old.n > 0) {
		buf_put(out, old);
		buf_puts(out, " to ");
	} else if (view_eq(action, VIEW("rename"))) {
		buf_puts(out, "a file to ");
	}
	buf_put(out, path);
}

void
alert_summary(struct record *r, struct buf *out)
{
	struct view category = string_of(r, FIELD_EVENT_CATEGORY);
	struct view action = string_of(r, FIELD_EVENT_ACTION);

	if (view_eq(category, VIEW("file")))
		summary_file(r, action, out);
	else if (view_eq(category, VIEW("network")))
		summary_network(r, action, out);
	else
		summary_process(r, action, out);
}

/* ---- JSON ------------------------------------------------------------ */

void
alert_format_json(const struct alert *a, struct buf *out)
{
	fields_encode(a->record, NULL, out);
	buf_putc(out, '\n');
}

/* ---- terminal -------------------------------------------------------- */

static const struct {
	const char *severity, *label, *sgr;
} levels[] = {
	{ "critical", "CRITICAL", "\033[1;37;41m" },
	{ "high", "HIGH", "\033[1;31m" },
	{ "medium", "MEDIUM", "\033[1;33m" },
	{ "low", "LOW", "\033[1;36m" },
};

static void
put_level(const struct rule *rule, bool colour, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (!view_eq_fold(rule->severity, view_of(levels[i].severity)))
			continue;
		if (colour)
			buf_puts(out, levels[i].sgr);
		buf_puts(out, levels[i].label);
		if (colour)
			buf_puts(out, "\033[0m");
		return;
	}
	buf_puts(out, "ALERT");
}

void
alert_put_title(const struct rule *rule, bool colour, struct buf *out)
{
	put_level(rule, colour, out);
	buf_printf(out, " %d  ", rule->risk_score);
	if (colour)
		buf_puts(out, "\033[1m");
	buf_text(out, rule->name);
	if (colour)
		buf_puts(out, "\033[0m");
	buf_puts(out, "  [");
	buf_text(out, rule->id);
	buf_putc(out, ']');
}

static void
put_head(const struct alert *a, bool colour, struct buf *out)
{
	struct buf time = { 0 };

	buf_rfc3339(&time, a->time_ns);
	buf_put(out, view_sub(buf_view(&time), 0, 23)); /* milliseconds */
	buf_puts(out, "Z  ");
	buf_free(&time);
	alert_put_title(a->rule, colour, out);
	buf_putc(out, '\n');
}

static void
put_label(const char *label, struct buf *out)
{
	buf_printf(out, "    %-11s", label);
}

static void
put_row(const char *label, struct view v, struct buf *out)
{
	if (v.n == 0)
		return;
	put_label(label, out);
	buf_text(out, v);
	buf_putc(out, '\n');
}

static void
put_args(struct record *r, unsigned field, struct buf *out)
{
	const struct slot *args = record_get(r, field);

	for (uint32_t i = 0; i < args->n; i++) {
		buf_putc(out, ' ');
		if (i == 64) { /* the whole list is in the JSON */
			buf_printf(out, "… (%u more)", args->n - i);
			break;
		}
		buf_text_word(out, args->v[i].s);
	}
}

static void
put_process_row(struct record *r, const char *label, unsigned pid_field,
		unsigned executable, unsigned args, unsigned user,
		struct buf *out)
{
	int64_t pid;

	if (!int_of(r, pid_field, &pid))
		return;
	put_label(label, out);
	buf_text(out, or_unknown(string_of(r, executable)));
	buf_printf(out, "  pid %" PRId64 "  user ", pid);
	buf_text(out, or_unknown(string_of(r, user)));
	if (record_get(r, args)->n > 0) {
		buf_puts(out, "  args");
		put_args(r, args, out);
	}
	buf_putc(out, '\n');
}

static void
put_ancestors(struct record *r, struct buf *out)
{
	const struct slot *names = record_get(r, FIELD_ANCESTORS_NAME);

	if (names->n < 2)
		return;
	put_label("ancestors", out);
	for (uint32_t i = 0; i < names->n; i++) {
		if (i > 0)
			buf_puts(out, " < ");
		buf_text(out, names->v[i].s);
	}
	buf_putc(out, '\n');
}

static void
put_content(struct record *r, struct buf *out)
{
	const struct slot *entropy = record_get(r, FIELD_FILE_ENTROPY);
	struct view hash = string_of(r, FIELD_FILE_SHA256);
	struct view kind = string_of(r, FIELD_FILE_KIND);
	int64_t size;

	if (!int_of(r, FIELD_FILE_SIZE, &size))
		return;
	put_label("content", out);
	buf_printf(out, "%" PRId64 " bytes  ", size);
	if (kind.n == 0)
		kind = string_of(r, FIELD_FILE_TYPE);
	buf_text(out, or_unknown(kind));
	if (entropy->n > 0)
		buf_printf(out, "  entropy %.2f", entropy->v[0].d);
	buf_puts(out, "  mode ");
	buf_text(out, or_unknown(string_of(r, FIELD_FILE_MODE)));
	buf_puts(out, "  owner ");
	buf_text(out, or_unknown(string_of(r, FIELD_FILE_OWNER)));
	buf_putc(out, '\n');
	put_row("sha256", hash, out);
}

static void
put_list_row(struct record *r, const char *label, unsigned field,
	     struct buf *out)
{
	const struct slot *s = record_get(r, field);

	for (uint32_t i = 0; i < s->n; i++) {
		if (s->v[i].type == VALUE_STRING)
			put_row(i == 0 ? label : "", s->v[i].s, out);
	}
}

static void
put_threats(const struct rule *rule, struct buf *out)
{
	for (size_t i = 0; i < rule->n_threats; i++) {
		const struct rule_threat *t = &rule->threats[i];

		put_label(i == 0 ? "att&ck" : "", out);
		buf_text(out, t->tactic_name);
		for (size_t k = 0; k < t->n_techniques; k++) {
			buf_puts(out, k == 0 ? ": " : ", ");
			buf_text(out, t->techniques[k].id);
			buf_putc(out, ' ');
			buf_text(out, t->techniques[k].name);
		}
		buf_putc(out, '\n');
	}
}

/* In lines of a width that is read with ease. */
static void
put_wrapped(struct view text, struct buf *out)
{
	size_t column = 0;
	struct view word;

	while (view_next_split(&text, ' ', &word)) {
		word = view_trim(word);
		if (word.n == 0)
			continue;
		if (column > 0 && column + word.n > 64) {
			buf_putc(out, '\n');
			put_label("", out);
			column = 0;
		}
		if (column > 0)
			buf_putc(out, ' ');
		buf_text(out, word);
		column += word.n + 1;
	}
	buf_putc(out, '\n');
}

void
alert_put_reason(const struct rule *rule, struct buf *out)
{
	if (rule->description.n > 0) {
		put_label("why", out);
		put_wrapped(rule->description, out);
	}
	put_threats(rule, out);
}

static void
put_package(struct record *r, struct buf *out)
{
	struct view name = string_of(r, FIELD_PACKAGE_NAME);

	if (name.n == 0)
		return;
	put_label("package", out);
	buf_text(out, name);
	buf_puts(out, bool_of(r, FIELD_PACKAGE_MATCHES)
			      ? ", content as recorded\n"
			      : ", not what it brought\n");
}

void
alert_put_facts(const struct alert *a, struct buf *out)
{
	struct record *r = a->record;
	struct buf what = { 0 };

	alert_summary(r, &what);
	put_row("what", buf_view(&what), out);
	buf_free(&what);
	put_list_row(r, "hidden from", FIELD_HIDDEN_FROM, out);
	put_list_row(r, "sequence", FIELD_ALERT_STAGES, out);
	put_process_row(r, "process", FIELD_PROCESS_PID,
			FIELD_PROCESS_EXECUTABLE, FIELD_PROCESS_ARGS,
			FIELD_USER_NAME, out);
	put_process_row(r, "parent", FIELD_PARENT_PID, FIELD_PARENT_EXECUTABLE,
			FIELD_PARENT_ARGS, FIELD_PARENT_USER_NAME, out);
	put_ancestors(r, out);
	put_content(r, out);
	put_package(r, out);
	put_list_row(r, "capable of", FIELD_FILE_CAPABILITIES, out);
	put_list_row(r, "preloads", FIELD_PRELOAD_LIBRARIES, out);
	put_list_row(r, "starts", FIELD_UNIT_EXEC_START, out);
}

void
alert_format_text(const struct alert *a, bool colour, struct buf *out)
{
	struct record *r = a->record;
	struct view attribution = string_of(r, FIELD_ATTRIBUTION);

	put_head(a, colour, out);
	if (a->suppressed > 0) {
		put_row("what", string_of(r, FIELD_MESSAGE), out);
		return;
	}
	alert_put_facts(a, out);
	if (!view_eq(attribution, VIEW("kernel")))
		put_row("attributed", attribution, out);
	put_threats(a->rule, out);
}
