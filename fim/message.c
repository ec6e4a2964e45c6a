/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the system's log, matched against messages.def. */
#include "fim/message.h"

#include <arpa/inet.h>
#include <assert.h>

/* Places looked at in one message for one pattern, so that none is worth
 * sending. Rows need a few dozen. */
#define STEPS_MAX 4096u

enum piece_class { WORD, NUMBER, ADDRESS, TEXT };

struct piece {
	const char *name;
	enum piece_class class;
};

static const struct piece pieces[SAID_COUNT] = {
#define SAID(id, name, class) [SAID_##id] = { name, class },
#include "fim/messages.def"
};

/* Whether it went well: always so, never, as the verb says; ROOT is a success
 * of that user. */
enum verdict { SUCCESS, FAILURE, VERB, ROOT };

static const struct row {
	const char *program, *pattern;
	enum event_kind kind;
	enum verdict verdict;
} rows[] = {
#define MESSAGE(program, pattern, kind, outcome) \
	{ program, pattern, EVENT_##kind, outcome },
#include "fim/messages.def"
};

/* ---- patterns -------------------------------------------------------- */

struct matcher {
	struct view text;
	struct view *said;
	unsigned steps;
};

/* A {name} in a pattern, and what follows it. */
struct slot_spec {
	int said; /* -1: not kept */
	bool last;
	struct view literal; /* up to the next {, or the end */
};

static bool match_from(struct matcher *, struct view pattern, size_t at);

static bool
is_word(struct view v)
{
	return view_find(v, ' ') < 0;
}

static bool
is_number(struct view v)
{
	uint64_t n;

	return v.n <= 10 && view_to_u64(v, &n);
}

static bool
is_address(struct view v)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr any;

	if (v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	return inet_pton(AF_INET, text, &any) == 1 ||
	       inet_pton(AF_INET6, text, &any) == 1;
}

static bool
fits(int said, struct view v)
{
	switch (said < 0 ? TEXT : pieces[said].class) {
	case WORD:
		return is_word(v);
	case NUMBER:
		return is_number(v);
	case ADDRESS:
		return is_address(v);
	default:
		return true;
	}
}

static int
said_of(struct view name)
{
	for (int i = 0; i < SAID_COUNT; i++)
		if (view_eq(name, view_of(pieces[i].name)))
			return i;
	assert(view_eq(name, VIEW("*")));
	return -1;
}

/* `pattern` begins with {; returns what comes behind the literal after it. */
static struct view
read_spec(struct view pattern, struct slot_spec *spec)
{
	ssize_t close = view_find(pattern, '}'), next;
	struct view name, rest;

	assert(close > 1);
	name = view_sub(pattern, 1, (size_t)close - 1);
	rest = view_sub(pattern, (size_t)close + 1, SIZE_MAX);
	spec->last = name.p[name.n - 1] == '>';
	name.n -= spec->last;
	spec->said = said_of(name);
	next = view_find(rest, '{');
	spec->literal = next < 0 ? rest : view_sub(rest, 0, (size_t)next);
	return view_sub(rest, spec->literal.n, SIZE_MAX);
}

/* The piece from `at` to `end`, and the rest behind the literal there. */
static bool
try_piece(struct matcher *m, const struct slot_spec *spec, struct view pattern,
	  size_t at, size_t end)
{
	struct view piece = view_sub(m->text, at, end - at), before;

	if (m->steps == 0 || !fits(spec->said, piece))
		return false;
	m->steps--;
	before = spec->said < 0 ? VIEW_NONE : m->said[spec->said];
	if (spec->said >= 0)
		m->said[spec->said] = piece;
	if (match_from(m, pattern, end + spec->literal.n))
		return true;
	if (spec->said >= 0)
		m->said[spec->said] = before;
	return false;
}

static bool
literal_at(const struct matcher *m, struct view literal, size_t at)
{
	return view_starts(view_sub(m->text, at, SIZE_MAX), literal);
}

static bool
match_piece(struct matcher *m, struct view pattern, size_t at)
{
	struct slot_spec spec;
	size_t last = m->text.n;

	pattern = read_spec(pattern, &spec);
	if (spec.literal.n == 0) /* nothing comes after it */
		return try_piece(m, &spec, pattern, at, last);
	for (size_t i = 0; i <= last - at && m->steps > 0; i++) {
		size_t end = spec.last ? last - i : at + i;

		m->steps--;
		if (literal_at(m, spec.literal, end) &&
		    try_piece(m, &spec, pattern, at, end))
			return true;
	}
	return false;
}

/* The text from `at` is what the pattern says, to its end. */
static bool
match_from(struct matcher *m, struct view pattern, size_t at)
{
	ssize_t open = view_find(pattern, '{');
	struct view literal =
		open < 0 ? pattern : view_sub(pattern, 0, (size_t)open);

	if (!literal_at(m, literal, at))
		return false;
	at += literal.n;
	if (open < 0)
		return at == m->text.n;
	return match_piece(m, view_sub(pattern, (size_t)open, SIZE_MAX), at);
}

/* ---- rows ------------------------------------------------------------ */

/* OpenSSH 9.8 split its server into several programs. */
static bool
is_program(struct view name, const char *wanted)
{
	if (strcmp(wanted, "*") == 0 || view_eq(name, view_of(wanted)))
		return true;
	return strcmp(wanted, "sshd") == 0 &&
	       (view_eq(name, VIEW("sshd-session")) ||
		view_eq(name, VIEW("sshd-auth")));
}

static bool
is_plain(struct view text)
{
	if (text.n > MESSAGE_PARSED_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == '\x7f')
			return false;
	return true;
}

static bool
settle(struct event_log *log, enum verdict verdict)
{
	struct view verb = log->said[SAID_VERB];

	switch (verdict) {
	case ROOT:
		log->said[SAID_USER] = VIEW("root");
		log->outcome = OUTCOME_SUCCESS;
		return true;
	case VERB:
		log->outcome = view_eq(verb, VIEW("Accepted")) ? OUTCOME_SUCCESS
			       : view_eq(verb, VIEW("Failed")) ? OUTCOME_FAILURE
							       : OUTCOME_NONE;
		return log->outcome != OUTCOME_NONE;
	default:
		log->outcome =
			verdict == SUCCESS ? OUTCOME_SUCCESS : OUTCOME_FAILURE;
		return true;
	}
}

static bool
match_row(const struct row *row, struct view text, struct event_log *log)
{
	struct matcher m = { text, log->said, STEPS_MAX };

	memset(log->said, 0, sizeof(log->said));
	return match_from(&m, view_of(row->pattern), 0) &&
	       settle(log, row->verdict);
}

enum event_kind
message_parse(struct event_log *log)
{
	/* sudo writes blanks before the user. */
	struct view text = view_trim(log->message);

	for (size_t i = 0; i < ARRAY_LEN(rows) && is_plain(text); i++)
		if (is_program(log->program, rows[i].program) &&
		    match_row(&rows[i], text, log))
			return rows[i].kind;
	memset(log->said, 0, sizeof(log->said));
	log->outcome = OUTCOME_NONE;
	return EVENT_LOG_MESSAGE;
}

/* ---- audit ----------------------------------------------------------- */

/* Types of user-space records, linux/audit.h and audit-userspace's
 * audit-records.h. */
static const struct audit_type {
	const char *name;
	enum event_kind kind;
} audit_types[] = {
	{ "USER_AUTH", EVENT_AUTHENTICATE },
	{ "USER_LOGIN", EVENT_USER_LOGIN },
	{ "USER_START", EVENT_SESSION_OPEN },
	{ "USER_END", EVENT_SESSION_CLOSE },
	{ "USER_CMD", EVENT_RUN_AS },
	{ "USER_CHAUTHTOK", EVENT_PASSWORD_CHANGE },
	{ "USER_MGMT", EVENT_USER_CHANGE },
	{ "ADD_USER", EVENT_USER_ADD },
	{ "DEL_USER", EVENT_USER_DELETE },
	{ "ADD_GROUP", EVENT_GROUP_ADD },
	{ "DEL_GROUP", EVENT_GROUP_DELETE },
	{ "GRP_MGMT", EVENT_GROUP_CHANGE },
};

enum event_kind
message_audit_kind(struct view type)
{
	for (size_t i = 0; i < ARRAY_LEN(audit_types); i++)
		if (view_eq(type, view_of(audit_types[i].name)))
			return audit_types[i].kind;
	return EVENT_LOG_MESSAGE;
}
