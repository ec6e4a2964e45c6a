/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detection engine: rule files and queries in, compiled set out; records
 * in, matches out. It knows neither kernel events nor files: a schema says
 * which fields exist, a record gives their values.
 *
 * Semantics: Elasticsearch's EQL and Kibana's KQL. Leaves are two-valued (a
 * missing field makes a leaf false, `not` is the plain complement), a field
 * with several values satisfies a leaf if any value does, and each leaf
 * chooses its own value.
 *
 * Life: rules_new, any number of rules_load_path / rules_add_query, then
 * rules_seal; from there the set is immutable and may be run by several
 * `struct rules_run`, which hold all streaming state (pending sequences,
 * first-seen terms, threshold counts, suppression windows).
 *
 * References: elastic.co/guide/en/elasticsearch/reference/8.17/eql-syntax.html,
 * elastic.co/guide/en/kibana/8.17/kuery-query.html.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "scan/base.h"

/* ---- schema ---------------------------------------------------------- */

enum rules_type {
	RULES_KEYWORD, /* strings */
	RULES_LONG,
	RULES_DOUBLE,
	RULES_BOOL,
	RULES_IP,   /* strings that hold addresses */
	RULES_DATE, /* strings, RFC 3339 */
	/* Sentences. KQL looks for words and phrases in them, in any case; to
	 * EQL they are strings as others. */
	RULES_TEXT,
	RULES_ANY, /* whatever the record holds (--schema any) */
};

struct rules_field {
	/* ECS, dotted. "a.b.*" stands for every name below a.b that the table
	 * does not have: rules may use those, and they are always missing. */
	const char *name;
	enum rules_type type;
	/* This host agent never fills it, and why (a sentence), or NULL. Rules
	 * that cannot match without it are `unsupported`. */
	const char *unsupported;
};

/* A field that this host agent fills with these values only, and why. Rules
 * that ask for others are `unsupported`. A string may hold several values,
 * parted by commas. */
struct rules_only {
	unsigned field;
	const char *const *values;
	size_t n;
	const char *why;
};

/* A value that a field has elsewhere and never on this host, and why: said of
 * rules that ask for it. `value` may end in *. */
struct rules_absent {
	const char *field, *value, *why;
};

/* In queries that ask for `with`, `field` means `other`: agents fill it in two
 * ways, and what else a rule asks for tells which one it was written for. */
struct rules_meaning {
	unsigned with, field, other;
};

/* Borrowed for the life of every set made with it; field ids are indices. */
struct rules_schema {
	const struct rules_field *fields;
	size_t n;
	const struct rules_only *only;
	size_t n_only;
	const struct rules_absent *absent; /* the first that fits counts */
	size_t n_absent;
	const struct rules_meaning *meanings;
	size_t n_meanings;
	/* Names outside the table: -1 = an error with the nearest name, and of
	 * ?name one that is always missing. With `open`, each gets the next id
	 * (>= n) and type RULES_ANY; see rules_field_count and
	 * rules_field_name. */
	bool open;
	/* What it takes to ask for a field's values, in nanoseconds, where that
	 * is much: those are asked for last. NULL = none is. */
	unsigned (*cost)(unsigned field);
};

/* ---- records --------------------------------------------------------- */

enum value_type { VALUE_STRING, VALUE_INT, VALUE_REAL, VALUE_BOOL };

struct value {
	enum value_type type;
	union {
		struct view s; /* borrowed for as long as the record lives */
		int64_t i;
		double d;
		bool b;
	};
};

/* Does a field of the type hold such values as they come? Others it holds as
 * Elasticsearch indexes them, where that is known: */
static inline bool
value_is_of(enum rules_type type, enum value_type value)
{
	switch (type) {
	case RULES_KEYWORD:
	case RULES_TEXT:
		return value == VALUE_STRING;
	case RULES_LONG:
		return value != VALUE_STRING && value != VALUE_REAL;
	case RULES_DOUBLE:
	case RULES_BOOL:
		return value != VALUE_STRING;
	default:
		return true;
	}
}

/* that is, a number or boolean as `text`, in which the event wrote it; digits
 * as their number; "true" and "false" as what they say. What means nothing to
 * the type stays as it is. */
void value_make(struct value *, enum rules_type, struct view text);

/* The values of one field; n == 0 is "missing". */
struct slot {
	uint32_t generation; /* filled for this record iff == record's */
	uint32_t n;
	const struct value *v;
};

/*
 * One event as the engine sees it. Values are made on first use: `fill` must
 * set slots[field].n and .v; they stay valid until `generation` is raised.
 * The owner keeps one record and raises `generation` for each event.
 * (time_ns, seq) orders events: seq rises strictly, time never falls.
 */
struct record {
	uint64_t time_ns; /* wall; what maxspan and windows measure */
	uint64_t seq;
	uint32_t generation; /* never 0 */
	uint32_t n_slots;    /* >= rules_field_count() of the sets used */
	struct slot *slots;
	void (*fill)(struct record *, unsigned field);
	/* Optional: keep this record's evidence for a pending sequence, which
	 * may complete much later; the engine hands it back in the match and
	 * releases it once. */
	void *(*pin)(struct record *);
	void (*unpin)(void *pinned);
	void *ctx; /* the owner's */
};

static inline const struct slot *
record_get(struct record *r, unsigned field)
{
	struct slot *s = &r->slots[field];

	if (s->generation != r->generation) {
		s->generation = r->generation;
		s->n = 0;
		r->fill(r, field);
	}
	return s;
}

/* ---- rules ----------------------------------------------------------- */

enum rule_kind { RULE_EQL, RULE_QUERY, RULE_NEW_TERMS, RULE_THRESHOLD };
/* RULE_DISABLED: an export says that it is switched off. */
enum rule_status { RULE_OK, RULE_ERROR, RULE_UNSUPPORTED, RULE_DISABLED };

struct rule_technique { /* also a sub-technique */
	struct view id, name, reference;
};

struct rule_threat {
	struct view framework; /* "MITRE ATT&CK" */
	struct view tactic_id, tactic_name, tactic_reference;
	const struct rule_technique *techniques; /* techniques, each followed */
	size_t n_techniques;			 /* by its sub-techniques */
};

struct rule_investigate {	  /* executed by the reader's own osquery */
	struct view label, query; /* SQL with {{field}} placeholders */
};

struct rule_list { /* a list of strings */
	const struct view *v;
	size_t n;
};

/* What a rule file says, as it says it. Lives as long as the set. */
struct rule {
	enum rule_status status;
	struct view reason; /* of all but RULE_OK */
	enum rule_kind kind;
	bool kuery; /* language */
	struct view id, name, description, query, severity, note;
	struct view file; /* "" for a query given on the command line */
	unsigned line;
	int risk_score; /* 0–100 */
	unsigned max_signals;
	struct rule_list tags, references, false_positives, indices, respond;
	/* Kibana's alert_suppression: of alerts whose values of these fields
	 * (of a threshold rule: whose groups) are the same within
	 * `suppress_ns`, the first one only is given, and the others counted.
	 * Done by whoever makes alerts of matches. */
	struct rule_list suppress_by;
	uint64_t suppress_ns; /* 0 = every match alerts */
	/* A match that lacks one of the fields always alerts; else missing is
	 * a value as others. */
	bool suppress_not_missing;
	const struct rule_threat *threats;
	size_t n_threats;
	const struct rule_investigate *investigate;
	size_t n_investigate;
	unsigned stages; /* of a sequence; 1 otherwise */
};

struct rules;

/* NULL when memory is out. The schema is borrowed. */
struct rules *rules_new(const struct rules_schema *);
void rules_free(struct rules *);

/* Asked of every folder and file that is opened, before it is used; `text` of
 * a file is all that is in it. -1 with `err`: it is refused, and the path that
 * is being loaded with it. */
struct rules_guard {
	int (*folder)(void *ctx, int fd, const char *path, struct err *);
	int (*file)(void *ctx, int fd, const char *path, struct view text,
		    struct err *);
	void *ctx;
};
/* For what is loaded from now on; copied. NULL = everything is taken. */
void rules_set_guard(struct rules *, const struct rules_guard *);

/*
 * A file (.yml, .yaml, .json, .ndjson) or a folder, read recursively in name
 * order. A broken rule is kept with status RULE_ERROR, its diagnostics go to
 * `err`, and the others load. Returns the number of broken ones, or -1 when
 * the path itself cannot be read (also in `err`).
 * Named lists (`lists:` of any file loaded before rules_seal) are shared.
 */
int rules_load_path(struct rules *, const char *path, struct err *);
/* Exceptions (a folder of YAML); the same conventions. */
int rules_load_exceptions(struct rules *, const char *path, struct err *);
/* One query as a rule of its own; -1 with `err`. */
int rules_add_query(struct rules *, const char *id, struct view query,
		    bool kuery, struct err *);
/* Compiles everything added; returns the number of broken rules (in `err`),
 * -1 when memory is out. */
int rules_seal(struct rules *, struct err *);

size_t rules_count(const struct rules *);
/* Files and folders, within those that were loaded, that could not be read. */
size_t rules_unread(const struct rules *);
const struct rule *rules_at(const struct rules *, size_t i);
/* Fields known to the set, those of an open schema included, and those that
 * are not known and yet asked for, as ?field: they have a name, and no record
 * has values of them. rules_field_find does not find them. */
size_t rules_field_count(const struct rules *);
const char *rules_field_name(const struct rules *, size_t field);
enum rules_type rules_field_type(const struct rules *, size_t field);
/* Id of a field by name; with an open schema an unknown one is -1, too. */
int rules_field_find(const struct rules *, struct view name);
/* Does any rule that can match read this field? (File facts are only made
 * when somebody asks.) */
bool rules_field_used(const struct rules *, size_t field);

/* The fields of rule i's suppress_by, or those of a threshold's groups; how
 * many. Of a rule that runs. */
size_t rules_suppress_by(const struct rules *, size_t i, const unsigned **);

/* Marks the fields, of rules_field_count(), that rule i reads if it runs. */
void rules_reads(const struct rules *, size_t i, bool *fields);

/* Could rule i, or a stage of it, be about an event in which these fields have
 * these values? Several are parted by commas; "" = none. -1: no memory. */
struct rules_given {
	size_t field;
	const char *words;
};
int rules_could_match(const struct rules *, size_t i,
		      const struct rules_given *, size_t n);

/* The string literals against which rules test `field` positively, as
 * patterns with * and ?, each with its rule: what the watch set is derived
 * from. Of a regular expression, with what it begins up to a slash.
 * `event_action` of the rule's conditions is not considered. */
void rules_patterns(const struct rules *, size_t field,
		    void (*each)(void *ctx, const struct rule *,
				 struct view pattern),
		    void *ctx);

/* Rule i as it is compiled, for `rules show` and golden tests: what it
 * remembers between events, and its programs, one instruction a line. */
void rules_dump(const struct rules *, size_t i, struct buf *out);

/* ---- advice ---------------------------------------------------------- */

/* Something that compiles and yet is not what was meant. `kind`:
 *   dead-wildcard    * or ? where they are compared literally
 *   contradiction    a literal both required and excepted
 *   short-maxspan    shorter than what the sensors' clocks can tell
 *   unwatched        of file events, and yet no place to watch is in it
 *   regex-anchor     ^ or $, which are plain characters there
 *   regex-cost       slow for some values, and may then be given up
 *   no-history       new_terms without history_window_start
 *   unknown-field    ?field, or in investigate
 *   unused-list      a named list that no rule uses
 *   expired-exception */
struct rules_finding { /* borrowed during the call */
	const char *kind;
	struct view rule; /* id, "" = none */
	const struct diag *diag;
};

struct rules_linter {
	uint64_t now_ns; /* wall; when exceptions have expired */
	void (*each)(void *ctx, const struct rules_finding *);
	void *ctx;
	/* Could this pattern of file.path or file.directory be watched? NULL =
	 * that is not asked. */
	bool (*is_place)(struct view pattern);
	/* Whoever reads this field has places of its own watched; or NULL. */
	const char *own_places;
};

/* Of a sealed set: what can be said of rule i, if it is not broken; and of
 * lists and exceptions. -1 when memory is out. */
int rules_lint(const struct rules *, size_t i, const struct rules_linter *);
int rules_lint_shared(const struct rules *, const struct rules_linter *);

/* ---- explanations ---------------------------------------------------- */

struct rules_explainer;

#define RULES_REASON_FIELDS 8
struct rules_reason {	    /* a test that decided against an event */
	struct view text;   /* as the query has it, line breaks and all */
	struct place place; /* without its text */
	bool holds;	    /* true of the event, where it must not be */
	bool given_up;	    /* as too costly: not known, and taken as false */
	bool excepted;	    /* by an exception */
	/* That it reads; of events before this one as well, so they are for
	 * rules_explained_name and rules_explained_values only. */
	unsigned fields[RULES_REASON_FIELDS];
	size_t n_fields;
};

/* One stage of a rule that is about events of this category. All borrowed
 * during the call. */
struct rules_answer {
	unsigned stage; /* from 0 */
	bool missing, until;
	bool holds;
	const struct rules_reason *reasons; /* if it does not */
	size_t n_reasons, more;		    /* not told */
	const unsigned *keys; /* if it does: what it is joined by; fields of */
	size_t n_keys;	      /* new terms and thresholds as well */
	struct view note; /* if it does, or did but for what came before: what
			   * that means; may be "" */
};

/* NULL if the rule does not run, or memory is out. The set is borrowed. */
struct rules_explainer *rules_explainer_new(const struct rules *, size_t i);
void rules_explainer_free(struct rules_explainer *);
/* The first test that says no, or with `all` each one. Records in order. */
void rules_explain(struct rules_explainer *, struct record *, bool all,
		   void (*each)(void *ctx, const struct rules_answer *),
		   void *ctx);
/* Of a field of a reason. The values are borrowed during the call of `each`. */
const char *rules_explained_name(const struct rules *, unsigned field);
const struct slot *
rules_explained_values(const struct rules_explainer *, unsigned field);

/* ---- running --------------------------------------------------------- */

struct rules_hit {    /* one stage of a match */
	bool missing; /* a missing-event stage: nothing below is set */
	uint64_t time_ns, seq;
	void *pinned; /* from record.pin; NULL for the newest event, which is
		       * the record being fed. Valid during the call. */
};

struct rules_match {
	const struct rule *rule;
	size_t rule_index;
	const struct rules_hit *hits;
	size_t n;
	/* new_terms: the values that were new; threshold: the group. */
	const struct value *terms;
	const unsigned *term_fields;
	size_t n_terms;
	uint64_t count; /* threshold: events in the window; else 1 */
};

/* Called from rules_feed and rules_watermark. */
struct rules_sink {
	void (*match)(void *ctx, const struct rules_match *);
	/* A new_terms tuple was seen: to be stored by whoever keeps state
	 * (called when new, and when the stored time is older than a
	 * hundredth of the rule's window). May be NULL. */
	void (*term)(void *ctx, const struct rule *, const uint8_t key[16],
		     uint64_t last_seen_ns);
	void *ctx;
};

struct rules_counters {
	uint64_t events, matches;
	uint64_t sequences_pending, sequences_evicted;
	uint64_t terms, terms_evicted;
	uint64_t regex_limits; /* evaluations given up as too costly */
	uint64_t no_memory;    /* events or stages dropped for lack of it */
};

/* One event in so many is timed. */
#define RULES_TIMED_EVENTS 128

struct rules_cost {
	uint64_t evaluations; /* of its query, or of a stage of it */
	uint64_t matches;
	/* Estimated from the timed events: by its query, what it remembers and
	 * its matches. What rules share falls to the first. */
	uint64_t spent_ns;
};

struct rules_run;

struct rules_options {
	/* new_terms: until this event time the first sight only teaches; 0 =
	 * alert from the first. */
	uint64_t learn_until_ns;
	size_t max_sequences; /* pending, per rule; 0 = default */
	size_t max_terms;     /* remembered, per rule; 0 = default */
};

struct rules_run *rules_run_new(const struct rules *,
				const struct rules_options *,
				const struct rules_sink *);
void rules_run_free(struct rules_run *);
/* A remembered tuple from the state database, before the first event.
 * Unknown rules are ignored. */
void rules_run_remember(struct rules_run *, struct view rule_id,
			const uint8_t key[16], uint64_t last_seen_ns);
void rules_feed(struct rules_run *, struct record *);
/* No event with a time before this will come: fires trailing missing-event
 * stages and forgets what has expired. UINT64_MAX says that the input has
 * ended: what `tail` holds back comes out, too. */
void rules_watermark(struct rules_run *, uint64_t time_ns);
struct rules_counters rules_run_counters(const struct rules_run *);
/* Of rule i of the set. Most events never come to a rule's query: an index of
 * all rules tells first. */
struct rules_cost rules_run_cost(const struct rules_run *, size_t i);

#endif
