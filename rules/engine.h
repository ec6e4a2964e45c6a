/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the engine; nobody outside of rules/ includes it.
 *
 * A sealed set is one table of leaves shared by all rules, one table of
 * condition programs over those leaves (one per stage), and an index that
 * says from a few field values which programs can be true at all. Everything
 * lives in the set's arena. Streaming state lives in `struct rules_run`.
 */
#ifndef RULES_ENGINE_H
#define RULES_ENGINE_H

#include "rules/ast.h"
#include "rules/index.h"
#include "rules/pattern.h"
#include "rules/set.h"

#include <netinet/in.h>

/* ---- functions ------------------------------------------------------- */

enum function_id {
#define FUNCTION(id, name, args, required, result, fold) FN_##id,
#include "rules/functions.def"
	FN_COUNT
};

struct eval;
struct function {
	const char *name, *args;
	size_t required; /* arguments that must not be null */
	char result;
	bool fold;
	/* Writes *out; arguments are not null, n is within the bounds. */
	void (*call)(struct eval *, bool fold, const struct item *args,
		     size_t n, struct item *out);
};

#define FUNCTION_ALL SIZE_MAX /* all arguments are required */
extern const struct function functions[FN_COUNT];
int function_find(struct view name); /* any case; -1 */

/* ---- values ---------------------------------------------------------- */

static inline struct item
item_null(void)
{
	return (struct item){ .null = true };
}

static inline struct item
item_bool(bool b)
{
	return (struct item){ .v = { .type = VALUE_BOOL, .b = b } };
}

static inline struct item
item_int(int64_t i)
{
	return (struct item){ .v = { .type = VALUE_INT, .i = i } };
}

static inline struct item
item_real(double d)
{
	return (struct item){ .v = { .type = VALUE_REAL, .d = d } };
}

static inline struct item
item_string(struct view s)
{
	return (struct item){ .v = { .type = VALUE_STRING, .s = s } };
}

/* Text of a value as Elasticsearch prints it; numbers go to `room`. */
#define VALUE_TEXT_MAX 40
struct view value_text(const struct value *, char room[VALUE_TEXT_MAX]);
/* The whole string as an integer or a real number. */
bool value_number(struct view, struct value *out);
/* How a and b stand: `op` holds, does not, or cannot be said (both false).
 * `type` is the field's, for addresses and dates; RULES_ANY otherwise. */
bool value_compare(enum compare_op op, const struct value *a,
		   const struct value *b, enum rules_type type);
/* Typed bytes of a value, equal iff the values are (5 equals 5.0). */
void value_encode(struct buf *, const struct value *);

/* ---- dates ----------------------------------------------------------- */

/* All that a date in a rule stands for, both ends included; in wall time. */
struct date_range {
	uint64_t first_ns, last_ns;
};

/* Whole or in part, a number (milliseconds), and ||+1d/d behind it; false if
 * it is none, or before 1970. Math with `now` is none either: a rule decides
 * an event when it comes, whenever that is. */
bool date_range_read(struct view, struct date_range *out);

/* ---- addresses ------------------------------------------------------- */

struct cidr {
	uint8_t family_bytes; /* 4 or 16 */
	uint8_t bits;
	uint8_t address[16];
};

bool cidr_parse(struct view, struct cidr *out);	   /* with or without /n */
bool address_parse(struct view, struct cidr *out); /* without */
bool cidr_has(const struct cidr *block, const struct cidr *address);

/* ---- regular expressions ---------------------------------------------- */

struct regex; /* freed by the set */
struct regex_fault {
	const char *why; /* static, or text */
	char text[128];
	size_t at, which;
	bool unsupported; /* it is right, and yet nothing to be done with */
};
struct regex *regex_compile(const struct view *texts, size_t n, bool fold,
			    struct regex_fault *);
void regex_free(struct regex *);
struct regex_room; /* match data of one run */
struct regex_room *regex_room_new(void);
void regex_room_free(struct regex_room *);
/* What is ended by a limit, or for want of memory, is no match and counted. */
bool regex_match(const struct regex *, struct regex_room *, struct view,
		 struct rules_counters *);

/* Why a regular expression that compiles is hardly meant: its kind of finding
 * (see rules.h), NULL if nothing is to be said. */
const char *regex_lint(struct view text);

/* ---- leaves ---------------------------------------------------------- */

enum leaf_op {
#define LEAF(id, name, fn) LEAF_##id,
#include "rules/ops.def"
	LEAF_COUNT
};

enum step_op {
#define STEP(id, name, operand, pops, pushes) STEP_##id,
#include "rules/ops.def"
	STEP_COUNT
};

enum step_operand {
	OPERAND_NONE,
	OPERAND_CONST,
	OPERAND_PICK,
	OPERAND_FN,
	OPERAND_LIST
};

struct step {
	uint8_t op;
	bool fold;
	uint16_t n; /* values popped, where the operation does not say */
	uint32_t arg;
};

#define EXPR_STACK_MAX 64
#define EXPR_STEPS_MAX 4096
#define EXPR_FIELDS_MAX 16
/* Combinations of values tried of one predicate over several fields. */
#define EXPR_COMBINATIONS_MAX 4096

struct expr_list {
	struct pattern_list patterns;
	struct regex *regex;
	struct value_set set;
};

struct expr {
	struct step *steps;
	size_t n_steps;
	struct item *consts;
	size_t n_consts;
	unsigned fields[EXPR_FIELDS_MAX];
	size_t n_fields;
	struct expr_list *lists;
	size_t n_lists;
};

struct leaf {
	enum leaf_op op;
	bool fold;
	uint8_t compare;      /* enum compare_op */
	enum rules_type type; /* of the field */
	unsigned field;
	unsigned cost; /* for ordering; ns, roughly */
	bool varied;   /* asks for a field that is not steady, see index.h */
	union {
		struct value_set set;
		struct pattern_list patterns;
		struct regex *regex;
		struct value value;
		struct {
			struct cidr *v;
			size_t n;
		} cidr;
		uint64_t before_ns;
		struct expr expr;
		struct {
			struct phrase *v;
			size_t n;
		} words;
		struct {
			uint32_t which; /* of set->lineages */
			uint8_t op;	/* enum lineage_op */
		} lineage;
	};
	struct view text; /* canonical form: identity, dump */
};

/* ---- condition programs ---------------------------------------------- */

/* Test a leaf, go on at one of two later instructions. The last two of every
 * program are ACCEPT and REJECT. */
enum test_op { TEST_LEAF, TEST_ACCEPT, TEST_REJECT };
struct test {
	uint8_t op;
	uint32_t leaf, yes, no;
};

struct program {
	struct test *v;
	size_t n;
};

#define PROGRAM_TESTS_MAX 65536

/* What `descendant of [ … ]` has in its brackets. Those inside others come
 * before them. */
struct lineage {
	struct view text;
	struct program program;
	bool used; /* by a rule that runs */
};

/* Fields that say whose event it is; -1 = the schema has no such. */
struct lineage_fields {
	int own, parent;
	int ancestry[2]; /* arrays of ids */
};

/* ---- compiled rules -------------------------------------------------- */

enum code_kind {
	CODE_EVENT,
	CODE_SEQUENCE,
	CODE_SAMPLE,
	CODE_TERMS,
	CODE_THRESHOLD,
};

/* One condition of a rule; bit `id` of the index. */
struct stage {
	unsigned id;
	struct program program;
	/* What it asks of earlier events as well, .n = 0: nothing. Decided
	 * only for a pending sequence that this event could advance. */
	struct program joint;
	struct join_key *keys;
	size_t n_keys;
};

/* What it takes to run a stage, in one place. */
struct stage_start {
	const struct test *tests; /* of its program */
	uint32_t rule, place;	  /* place: among the rule's stages */
};

/* One place of a match: the stage to satisfy. */
struct slot_def {
	unsigned stage; /* within the rule */
	bool missing;
};

struct rule_code {
	bool live; /* compiled, supported: is run */
	enum code_kind kind;
	size_t rule;
	struct stage *stages; /* until, if any, is the last */
	size_t n_stages;
	struct slot_def *slots; /* of sequence and sample */
	size_t n_slots, n_positive;
	bool has_until, has_maxspan;
	uint64_t maxspan_ns;
	struct query_pipe *pipes;
	size_t n_pipes;
	unsigned *earlier; /* fields to keep of events, of set->earlier */
	size_t n_earlier;
	unsigned *fields; /* new_terms, threshold groups */
	size_t n_fields;
	unsigned *suppress_by; /* of others than thresholds */
	size_t n_suppress_by;
	uint64_t window_ns; /* history, lookback; 0 = no limit */
	uint64_t threshold, cardinality;
	int cardinality_field; /* -1 = none */
};

/* Fields of earlier events of sequences, of all rules. */
struct earlier_field {
	unsigned stage, field;
	const char *name; /* "stage1.process.name" */
};

struct pattern_use {
	unsigned field;
	size_t rule;
	struct view text;
};

struct named_list {
	struct view name;
	struct place place; /* of its first definition */
	bool defined, used;
	struct view *v;
	size_t n, cap;
};

struct name_slot {
	struct view name;
	uint32_t field1; /* id + 1; 0 = empty */
};

struct rules {
	const struct rules_schema *schema;
	struct arena arena;
	struct rules_guard guard;
	bool sealed;

	struct name_slot *names; /* of fields */
	size_t names_mask;
	const char **open_names; /* fields past the schema's */
	size_t n_open, cap_open;

	struct earlier_field *earlier;
	size_t n_earlier, cap_earlier;

	struct rule_source *sources;
	struct rule *rules;
	size_t n_rules, cap_rules;
	size_t n_unread; /* files and folders */
	struct named_list *lists;
	size_t n_lists, cap_lists;
	struct rule_exception *exceptions;
	size_t n_exceptions, cap_exceptions;

	struct leaf *leaves;
	size_t n_leaves, cap_leaves;
	uint32_t *leaf_table; /* by text; index + 1 */
	size_t leaf_mask;
	struct regex **regexes;
	size_t n_regexes, cap_regexes;
	struct lineage *lineages;
	size_t n_lineages, cap_lineages;
	struct lineage_fields lineage_fields;
	struct rule_code *code; /* one per rule */
	size_t n_stages;	/* of all rules */
	struct stage **stages;	/* by id */
	struct stage_start *starts;

	struct index index;

	bool *field_used;
	struct pattern_use *patterns;
	size_t n_patterns, cap_patterns;
};

/* ---- set.c: fields and lists ----------------------------------------- */

/* -1 unknown; with an open schema a new one is made. */
int set_field(struct rules *, struct view name);
/* The id of a field that the schema does not know and a query marks with ?:
 * no event has it. -1: no memory, or the set is sealed without it. */
int set_field_unmapped(struct rules *, struct view name);
/* The name of such a field; NULL: it is none. */
const char *set_field_unmapped_name(const struct rules *, unsigned field);
/* The id of a field of the event of an earlier stage; -1: no memory. */
int set_field_earlier(struct rules *, unsigned stage, unsigned field);
const char *set_field_name(const struct rules *, unsigned field);
enum rules_type set_field_type(const struct rules *, unsigned field);
/* Why this host has no or not every value of it, why it has none at all, and
 * the only values it has; each NULL if that is not so. */
const char *set_field_unsupported(const struct rules *, unsigned field);
const char *set_field_missing(const struct rules *, unsigned field);
const struct rules_only *set_field_only(const struct rules *, unsigned field);
/* Why it has not this value in particular; NULL: nothing is said of it. */
const char *
set_field_absent(const struct rules *, unsigned field, struct view value);
const struct named_list *set_list(struct rules *, struct view name);
/* A broken one applies to none. */
bool exception_applies(const struct rules *, const struct rule_exception *,
		       size_t rule);
/* Room for one more in a growing array of the arena. */
void *set_grow(struct arena *, void *v, size_t n, size_t *cap, size_t size);
/* The same of one that is freed for itself: what an arena gave for the smaller
 * ones would stay taken. Pointers into it are only good until the next. */
void *set_extend(void *v, size_t n, size_t *cap, size_t size);

/* ---- parsers --------------------------------------------------------- */

struct parse {
	struct rules *set;
	struct arena *arena; /* of the tree */
	struct view text;
	struct place place;
	struct err *err;
	unsigned errors;
	size_t error_at; /* the last one's place */
	/* What stands here is no error, but cannot be decided here. */
	const char *unsupported;
	unsigned depth;
};

#define PARSE_DEPTH_MAX 200
#define PARSE_ERRORS_MAX 20
#define QUERY_BYTES_MAX (1u << 20)

/* Reports at byte `at` of the query; always -1. */
int parse_error(struct parse *, size_t at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The source line around byte `at`, and where it is in the file. */
struct place parse_place(const struct parse *, size_t at);
/* Length and UTF-8 of the text. */
int parse_begin(struct parse *);
struct node *node_new(struct parse *, enum node_kind, size_t at);
int node_add(struct parse *, struct node *parent, struct node *kid);
struct node *node_not(struct parse *, struct node *);
struct node *
node_join(struct parse *, enum node_kind, struct node *a, struct node *b);
struct node *node_literal(struct parse *, size_t at, struct item);
/* A field by name (sub-fields .caseless and .text give their base, `fold`);
 * an unknown one is reported and gives -1. */
int parse_field(struct parse *, struct view name, size_t at, bool *fold);
/* The same of ?field: an unknown one is missing from all events. */
int
parse_optional_field(struct parse *, struct view name, size_t at, bool *fold);
/* The values of ${name}, NULL when reported. */
const struct named_list *
parse_list(struct parse *, struct view name, size_t at);
/* event.category is (one of) `name`; "any" gives NULL. */
struct node *
parse_category(struct parse *, struct view name, size_t at, bool *failed);

/* Fields that mean others in a query: its last step (see rules_meaning). */
void parse_meanings(const struct parse *, struct query *);
/* The same for a condition or a field that is asked together with the query. */
void parse_meanings_beside(const struct parse *, struct query *, struct node *);
unsigned
parse_meaning_beside(const struct parse *, struct query *, unsigned field);

/* -1 when anything was reported. */
int parse_eql(struct parse *, struct query *out);
int parse_eql_condition(struct parse *, struct node **out);
int parse_kql(struct parse *, struct query *out);

/* ---- check.c, compile.c, program.c ----------------------------------- */

/* Types; folds constants; turns bare boolean fields into tests. */
int check_condition(struct parse *, struct node **);
/* Could the condition be true of an event of this host, where some fields are
 * missing and some hold their only values? Of that, only what concerns `field`
 * counts, unless it is < 0. */
bool check_possible(const struct rules *, const struct node *, int field);
/* Of an event whose `field` has the values of `words`, parted by commas; ""
 * = it has none. What fields are missing does not count. */
bool check_possible_of(const struct rules *, const struct node *, int field,
		       const char *words);
/* Does a test in it fail because of `field`? `wanted` is then a value that it
 * wants of it, if it names one. */
bool check_fails(const struct rules *, const struct node *, unsigned field,
		 struct view *wanted);
/* Does it ask for fields of earlier events? */
bool check_asks_earlier(const struct node *);

int compile_program(struct parse *, const struct node *, struct program *);
int compile_leaf(struct parse *, const struct node *, uint32_t *out);
/* What is left of a condition without the conjuncts that ask for earlier
 * events; these go to *joint (NULL = none). */
struct node *
compile_take_joint(struct parse *, struct node *cond, struct node **joint);
/* The leaf that a sealed set has for the condition; false if it has none. */
bool compile_find_leaf(struct parse *, const struct node *, uint32_t *out);
/* Of the fields that it asks for, rules_schema.cost. */
unsigned compile_field_cost(const struct rules *, const struct leaf *);
int compile_expr(struct parse *, const struct node *, struct leaf *);
/* Everything behind kids[0] is a literal and not null. */
bool compile_all_literals(const struct node *);
/* Marks the fields that a program reads of the record. */
void program_reads(const struct rules *, const struct program *, bool *fields);
int compile_set(struct parse *, const struct node *, bool fold,
		struct value_set *out);
int
compile_patterns(struct parse *, const struct node *, struct pattern_list *out);
int compile_regex(struct parse *, const struct node *, struct regex **out);
/* Are those of a condition right and supported? Reports like compile_regex. */
int compile_try_regexes(struct parse *, const struct node *);
/* Canonical text of a leaf's condition, its identity. */
void node_print(struct parse *, const struct node *, struct buf *);

/* NULL or what is wrong; a program that passes can be run bare. */
const char *program_verify(const struct rules *, const struct program *);
const char *expr_verify(const struct rules *, const struct expr *);
void program_dump(const struct rules *, const struct program *, struct buf *);

/* ---- uses.c: what a condition looks for ------------------------------ */

/* The strings that it wants of fields, as patterns with * and ?; of a regular
 * expression what it begins with. < 0 ends it. */
struct uses_each {
	int (*call)(void *ctx, unsigned field, struct view pattern);
	void *ctx;
};
int uses_walk(struct arena *, const struct node *, const struct uses_each *);
/* Notes them for rules_patterns. */
int uses_note(struct rules *, const struct node *, size_t rule);

/* ---- words.c --------------------------------------------------------- */

int words_compile(struct parse *, const struct node *, struct leaf *);
bool words_test(struct eval *, const struct leaf *);

/* ---- lineage.c: processes by what their ancestors did ---------------- */

int lineage_compile(struct parse *, const struct node *, struct leaf *);
/* Which of them rules that run ask for. */
void lineage_collect(struct rules *);
/* Marks the fields it reads. */
void lineage_reads(const struct rules *, const struct leaf *, bool *fields);

struct lineage_run;
struct lineage_run *lineage_new(const struct rules *, size_t cap);
void lineage_free(struct lineage_run *);
/* Notes what the record tells, before anything is asked of it. */
void lineage_feed(struct lineage_run *, struct eval *);
bool lineage_test(struct eval *, const struct leaf *);

/* ---- evaluation ------------------------------------------------------ */

/* What an evaluation needs besides the set; owned by the run. */
struct eval {
	const struct rules *set;
	struct record *record;
	uint32_t stamp;	 /* of this event, never 0 */
	uint32_t *memo;	 /* per leaf: stamp << 1 | result */
	struct buf fold; /* folded value */
	struct arena scratch;
	bool scratch_used;
	struct regex_room *regex;
	struct rules_counters *counters;
	const struct slot *earlier;  /* by index of set->earlier; may be NULL */
	struct lineage_run *lineage; /* NULL: no rule asks */
	struct index_run *index;     /* the run's own; NULL: is not asked */
};

bool eval_program(struct eval *, const struct program *);
/* Of a program's tests, from `entry` on. */
bool eval_from(struct eval *, const struct test *, uint32_t entry);
bool eval_leaf(struct eval *, uint32_t leaf);
bool eval_expr(struct eval *, const struct expr *);
/* A folded copy, valid until the next. */
bool eval_fold(struct eval *, struct view s, struct view *out);

/* ---- streaming state ------------------------------------------------- */

struct held_match;

struct emit_state { /* pipes, and what the rule has cost */
	struct rules_cost cost;
	uint64_t passed[QUERY_PIPES_MAX];
	struct held_match *held_first, *held_last;
	uint64_t n_held;
};

struct rules_run {
	const struct rules *set;
	struct rules_options options;
	struct rules_sink sink;
	struct rules_counters counters;
	struct eval eval;
	uint64_t failed;      /* evaluations, before this event */
	struct slot *earlier; /* of the pending sequence looked at */
	struct index_run *index;
	struct emit_state *emit;	 /* per rule */
	struct sequence_run **sequences; /* per rule, NULL for others */
	struct sample_run **samples;
	struct terms_run **terms;
	struct digest *digests; /* of all of them; NULL: there are none */
	struct threshold_run **thresholds;
	struct buf key;		     /* join keys under construction */
	struct sequence_run **timed; /* those that there are */
	size_t n_timed;
	/* When the first sequence that a missing event may still end is due. */
	uint64_t next_deadline_ns;
	uint64_t swept_ns; /* when all sequences were looked at */
	void (*unpin)(void *pinned);
};

/* run.c: a match on its way out, through the rule's pipes. */
struct emit_args {
	const struct rules_hit *hits;
	size_t n;
	struct record *newest; /* whose hit has no pin yet; may be NULL */
	const struct value *terms;
	const unsigned *term_fields;
	size_t n_terms;
	uint64_t count;
};
/* Evaluations that failed, for want of memory or at a limit. */
static inline uint64_t
run_failures(const struct rules_run *run)
{
	return run->counters.no_memory + run->counters.regex_limits;
}

/* A new record: what was remembered of the last one is not true of it. */
void run_begin(struct rules_run *, struct record *);
/* A program over the record and run->earlier. */
bool run_joint(struct rules_run *, const struct program *);
/* Takes over the pins of the hits. */
void run_emit(struct rules_run *, const struct rule_code *,
	      const struct emit_args *);
void *run_pin(struct rules_run *, struct record *);
void run_unpin(struct rules_run *, void *pinned);

/* `satisfied` bit k: stage k of the rule is true of the record. */
struct sequence_run *
sequence_new(struct rules_run *, const struct rule_code *, size_t cap);
void sequence_free(struct rules_run *, struct sequence_run *);
void sequence_feed(struct rules_run *, struct sequence_run *, struct record *,
		   uint64_t satisfied);
void
sequence_watermark(struct rules_run *, struct sequence_run *, uint64_t time_ns);

struct sample_run *sample_new(const struct rule_code *, size_t cap);
void sample_free(struct rules_run *, struct sample_run *);
void sample_feed(struct rules_run *, struct sample_run *, struct record *,
		 uint64_t satisfied);

/* The first one makes run->digests, too. */
struct terms_run *
terms_new(struct rules_run *, const struct rule_code *, size_t cap);
void terms_free(struct terms_run *);
void terms_feed(struct rules_run *, struct terms_run *, struct record *);
void terms_remember(struct rules_run *, struct terms_run *,
		    const uint8_t key[16], uint64_t last_seen_ns);

struct threshold_run *threshold_new(const struct rule_code *, size_t cap);
void threshold_free(struct threshold_run *);
void
threshold_feed(struct rules_run *, struct threshold_run *, struct record *);

/* keys.c: every combination of the values of `fields`. Calls `each` with the
 * encoded key; stops at KEY_COMBINATIONS_MAX. Equal values are one. */
#define KEY_COMBINATIONS_MAX 1024
struct key_each {
	void (*call)(void *ctx, struct view key, const struct value **values);
	void *ctx;
};
void keys_each(struct rules_run *, struct record *, const struct join_key *,
	       size_t n, struct key_each);

/* Tables of groups by key with least-recently-used order. The group is the
 * first member of the owner's struct. */
struct group {
	struct group *next;	     /* in the bucket */
	struct group *newer, *older; /* in use order */
	uint64_t hash, touched_ns;
	char *key;
	uint32_t key_n, key_cap;
};

struct group_table {
	struct group **buckets;
	size_t mask, n;
	struct group *newest, *oldest;
	struct group *spare; /* for reuse */
	size_t size;	     /* of the owner's struct */
};

struct group *group_find(const struct group_table *, struct view key);
/* Finds or makes (zeroed behind the header); NULL when memory is out. */
struct group *group_get(struct group_table *, struct view key);
void group_touch(struct group_table *, struct group *, uint64_t now_ns);
void group_drop(struct group_table *, struct group *);
void group_table_free(struct group_table *); /* groups themselves as well */

#endif
