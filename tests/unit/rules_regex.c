/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular expressions against a third opinion: random ones, which a slow and
 * plain matcher of the test's own, PCRE2's backtracking without a limit and its
 * forward search must answer alike. And what a value can do to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/regex.h"

#include <stdlib.h>

#define SEED 20240229u
#define EXPRESSIONS 4000
#define SUBJECTS 25

static uint64_t state = SEED;

static unsigned
below(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* ---- the plain matcher ----------------------------------------------- */

enum kind { EMPTY, NOTHING, CHARS, THEN, EITHER, BOTH, REPEAT, NOT };

struct tree {
	enum kind kind;
	bool chars[6]; /* by place in `letters` */
	unsigned from, to;
	struct tree *a, *b;
};

/* What subjects are made of; the last stands for itself and for U+FFFD. */
static const char *const letters[] = { "a", "b", "B", "1", "\xc3\xa9", "\xff" };
#define LETTERS ARRAY_LEN(letters)
#define LONGEST 14
#define REPEAT_FOREVER 99

struct subject {
	unsigned v[LONGEST];
	size_t n;
};

/* Where what begins at one of the places in `from` may end, a bit each. */
static uint32_t
ends(const struct tree *t, const struct subject *s, uint32_t from)
{
	uint32_t to = 0, now = from, next, last = 1u << s->n;

	switch (t->kind) {
	case EMPTY:
		return from;
	case NOTHING:
		return 0;
	case CHARS:
		for (size_t i = 0; i < s->n; i++)
			if ((from >> i & 1) && t->chars[s->v[i]])
				to |= 1u << (i + 1);
		return to;
	case THEN:
		return ends(t->b, s, ends(t->a, s, from));
	case EITHER:
		return ends(t->a, s, from) | ends(t->b, s, from);
	case BOTH: /* of whole values */
		return ends(t->a, s, from) & ends(t->b, s, from) & last;
	case REPEAT:
		for (unsigned i = 0; i <= t->to && i < LONGEST + 4; i++) {
			if (i >= t->from)
				to |= now;
			next = ends(t->a, s, now);
			if (next == now)
				return to | now;
			now = next;
		}
		return to;
	case NOT: /* at the end only */
		for (size_t i = 0; i <= s->n; i++)
			if ((from >> i & 1) && !(ends(t->a, s, 1u << i) & last))
				return last;
		return 0;
	}
	return 0;
}

/* ---- random expressions ---------------------------------------------- */

struct maker {
	struct arena arena;
	struct buf text;
	unsigned left; /* atoms, so that it ends */
	bool fold;
};

/* Is it the letter `wanted`? b and B may be one. */
static bool
is_letter(const struct maker *m, unsigned letter, unsigned wanted)
{
	return letter == wanted || (m->fold && letter / 3 == 0 && letter > 0 &&
				    wanted / 3 == 0 && wanted > 0);
}

static struct tree *
make(struct maker *m, enum kind kind, struct tree *a, struct tree *b)
{
	struct tree *t = arena_zalloc(&m->arena, sizeof(*t));

	assert_non_null(t);
	t->kind = kind;
	t->a = a;
	t->b = b;
	return t;
}

static struct tree *make_union(struct maker *, bool outer);

static struct tree *
make_letter(struct maker *m)
{
	struct tree *t = make(m, CHARS, NULL, NULL);
	unsigned i = below(LETTERS - 1);

	for (unsigned c = 0; c < LETTERS; c++)
		t->chars[c] = is_letter(m, c, i);
	buf_puts(&m->text, letters[i]);
	return t;
}

static struct tree *
make_class(struct maker *m)
{
	struct tree *t = make(m, CHARS, NULL, NULL);
	bool without = below(2);
	unsigned i = below(LETTERS - 1), k = below(LETTERS - 1);

	buf_printf(&m->text, "[%s%s%s]", without ? "^" : "", letters[i],
		   letters[k]);
	for (unsigned c = 0; c < LETTERS; c++)
		t->chars[c] =
			(is_letter(m, c, i) || is_letter(m, c, k)) != without;
	return t;
}

static struct tree *
make_any(struct maker *m)
{
	struct tree *t = make(m, CHARS, NULL, NULL);

	for (unsigned c = 0; c < LETTERS; c++)
		t->chars[c] = true;
	buf_putc(&m->text, '.');
	return t;
}

static struct tree *
make_text(struct maker *m)
{
	struct tree *t;

	buf_putc(&m->text, '"');
	t = make_letter(m);
	t = make(m, THEN, t, make_letter(m));
	buf_putc(&m->text, '"');
	return t;
}

static struct tree *
make_atom(struct maker *m)
{
	struct tree *t;

	if (m->left > 0)
		m->left--;
	switch (m->left == 0 ? 0 : below(12)) {
	case 0:
	case 1:
	case 2:
		return make_letter(m);
	case 3:
		return make_class(m);
	case 4:
	case 5:
		return make_any(m);
	case 6:
		return make_text(m);
	case 7:
		buf_puts(&m->text, "<1-1>");
		t = make(m, CHARS, NULL, NULL);
		t->chars[3] = true;
		return t;
	case 8:
		if (below(4) == 0) {
			buf_putc(&m->text, '#');
			return make(m, NOTHING, NULL, NULL);
		}
		/* fall through */
	default:
		buf_putc(&m->text, '(');
		t = make_union(m, false);
		buf_putc(&m->text, ')');
		return t;
	}
}

static struct tree *
make_repeat(struct maker *m)
{
	static const struct {
		const char *text;
		unsigned from, to;
	} repeats[] = { { "?", 0, 1 },
			{ "*", 0, REPEAT_FOREVER },
			{ "+", 1, REPEAT_FOREVER },
			{ "{2}", 2, 2 },
			{ "{0,2}", 0, 2 },
			{ "{1,3}", 1, 3 },
			{ "{2,}", 2, REPEAT_FOREVER } };
	struct tree *t = make_atom(m);

	for (int i = 0; i < 2 && below(3) == 0; i++) {
		size_t k = below(ARRAY_LEN(repeats));

		t = make(m, REPEAT, t, NULL);
		t->from = repeats[k].from;
		t->to = repeats[k].to;
		buf_puts(&m->text, repeats[k].text);
	}
	return t;
}

static struct tree *
make_concat(struct maker *m)
{
	struct tree *t = make(m, EMPTY, NULL, NULL);

	for (unsigned n = below(4); n > 0; n--)
		t = make(m, THEN, t, make_repeat(m));
	return t;
}

static struct tree *
make_union(struct maker *m, bool outer)
{
	struct tree *t = NULL, *part;

	do {
		if (t != NULL)
			buf_putc(&m->text, '|');
		part = make_concat(m);
		while (outer && below(4) == 0) {
			buf_putc(&m->text, '&');
			part = make(m, BOTH, part, make_concat(m));
		}
		t = t == NULL ? part : make(m, EITHER, t, part);
	} while (below(3) == 0);
	return t;
}

/* ~ stands before the last part, one or several times. */
static struct tree *
make_whole(struct maker *m)
{
	struct tree *t, *last;
	unsigned n = 1 + below(3);

	m->left = 8;
	m->fold = below(4) == 0;
	if (below(4) > 0)
		return make_union(m, true);
	t = make_concat(m);
	for (unsigned i = 0; i < n; i++)
		buf_putc(&m->text, '~');
	buf_putc(&m->text, '(');
	last = make_union(m, false);
	buf_putc(&m->text, ')');
	return make(m, THEN, t, n % 2 ? make(m, NOT, last, NULL) : last);
}

static void
make_subject(struct subject *s, struct buf *text)
{
	unsigned kinds = 1 + below(LETTERS);

	s->n = below(LONGEST);
	buf_clear(text);
	for (size_t i = 0; i < s->n; i++) {
		s->v[i] = below(kinds);
		buf_puts(text, letters[s->v[i]]);
	}
}

/* ---- they answer alike ----------------------------------------------- */

/* Few values keep it busy for longer; these it need not answer. */
#define TRIES_MAX 1000000

static int
backtrack(const struct regex *re, struct view s)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int rc;

	pcre2_set_match_limit(context, TRIES_MAX);
	rc = pcre2_match(re->code, (PCRE2_SPTR)s.p, s.n, 0, 0, data, context);
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	return rc;
}

static void
is_answer(int rc, bool expected, struct view text, struct view value)
{
	if ((rc < 0 && rc != PCRE2_ERROR_NOMATCH) || (rc >= 0) != expected)
		fail_msg("%.*s on %.*s: %d", (int)text.n, text.p, (int)value.n,
			 value.p, rc);
}

struct counts {
	size_t matches, compared, given_up;
};

/* What & and ~ ask ahead has little room in the forward search: some of the
 * wildest are given up there, others never. */
static bool
is_too_wide(int rc, struct view text)
{
	return rc == PCRE2_ERROR_DFA_WSSIZE &&
	       (view_find(text, '&') >= 0 || view_find(text, '~') >= 0);
}

static void
compare_one(struct view text, const struct regex *re, struct regex_room *room,
	    struct view value, bool expected, struct counts *n)
{
	struct rules_counters counters = { 0 };
	bool got = regex_match(re, room, value, &counters);
	int rc;

	assert_int_equal(counters.no_memory, 0);
	if (counters.regex_limits == 0)
		is_answer(got ? 1 : PCRE2_ERROR_NOMATCH, expected, text, value);
	n->matches += expected;
	if (value.n == 0 || !utf8_valid(value)) {
		assert_true(counters.regex_limits == 0 ||
			    is_too_wide(PCRE2_ERROR_DFA_WSSIZE, text));
		return;
	}
	rc = regex_forward(re, room, value);
	if (is_too_wide(rc, text)) {
		n->given_up++;
		return;
	}
	is_answer(rc, expected, text, value);
	assert_int_equal(counters.regex_limits, 0);
	rc = backtrack(re, value);
	if (rc != PCRE2_ERROR_MATCHLIMIT) {
		is_answer(rc, expected, text, value);
		n->compared++;
	}
}

static void
test_alike(void **unused)
{
	struct regex_room *room = regex_room_new();
	struct counts n = { 0 };
	struct maker m = { 0 };
	struct regex_fault fault;
	struct buf value = { 0 };
	struct subject s;

	(void)unused;
	assert_non_null(room);
	for (int i = 0; i < EXPRESSIONS; i++) {
		struct tree *t = make_whole(&m);
		struct view text = buf_view(&m.text);
		struct regex *re = regex_compile(&text, 1, m.fold, &fault);

		if (re == NULL)
			fail_msg("%.*s: %s", (int)text.n, text.p, fault.why);
		for (int k = 0; k < SUBJECTS; k++) {
			make_subject(&s, &value);
			compare_one(text, re, room, buf_view(&value),
				    ends(t, &s, 1) >> s.n & 1, &n);
		}
		regex_free(re);
		buf_clear(&m.text);
		arena_reset(&m.arena);
	}
	print_message("%zu matches, %zu compared, %zu given up\n", n.matches,
		      n.compared, n.given_up);
	assert_true(n.given_up < n.compared / 100);
	assert_true(n.matches > EXPRESSIONS);
	assert_true(n.compared > EXPRESSIONS * SUBJECTS / 4);
	arena_free(&m.arena);
	buf_free(&m.text);
	buf_free(&value);
	regex_room_free(room);
}

/* ---- hostile values -------------------------------------------------- */

enum answer { NO, YES, GIVEN_UP };

/* `text` on before, middle n times, after. */
struct value_of {
	const char *before, *middle;
	size_t n;
	const char *after;
};

static enum answer
ask(const char *text, const struct value_of *v)
{
	struct rules_counters counters = { 0 };
	struct regex_room *room = regex_room_new();
	struct view expression = view_of(text);
	struct regex_fault fault;
	struct regex *re = regex_compile(&expression, 1, false, &fault);
	struct buf b = { 0 };
	bool yes;

	assert_non_null(room);
	assert_non_null(re);
	buf_puts(&b, v->before);
	for (size_t i = 0; i < v->n; i++)
		buf_puts(&b, v->middle);
	buf_puts(&b, v->after);
	yes = regex_match(re, room, buf_view(&b), &counters);
	assert_int_equal(counters.no_memory, 0);
	buf_free(&b);
	regex_free(re);
	regex_room_free(room);
	if (counters.regex_limits > 0) {
		assert_false(yes);
		return GIVEN_UP;
	}
	return yes ? YES : NO;
}

static void
test_padding(void **unused)
{
	static const struct {
		const char *text;
		struct value_of value;
		enum answer expected;
	} cases[] = {
		{ ".*curl.*http.*\\|.*sh.*",
		  { "curl http://x | sh; : ", "curl http:// | ", 25, "" },
		  YES },
		{ ".*curl.*http.*\\|.*sh.*",
		  { "curl http://x | sh; : ", "curl http:// | ", 2200, "" },
		  YES },
		{ ".*curl.*http.*\\|.*sh.*",
		  { "", "curl http:// | ", 13400, "" },
		  NO },
		{ "(.*,){20}x", { "", ",", 60, "x" }, YES },
		{ "(.*,){20}x", { "", "a,", 16000, "x" }, YES },
		{ "(.*,){20}x", { "", "a,", 16000, "xy" }, NO },
		{ "(a|aa|a*)*(c|d)", { "", "a", 2000, "b" }, NO },
		{ "(a|aa|a*)*(c|d)", { "", "a", 2000, "d" }, YES },
		{ "(a|aa)*&.*b.*b.*b.*~(.*c)", { "", "ab", 500, "c" }, NO },
		/* what is still too much */
		{ "(.*,){900}x", { "", "a,", 2000, "x" }, GIVEN_UP },
		{ "(.*,)*~((.*,)*x)", { "", "a,", 16000, "x" }, GIVEN_UP },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (ask(cases[i].text, &cases[i].value) != cases[i].expected)
			fail_msg("case %zu: %s", i, cases[i].text);
}

#define FFFD "\xef\xbf\xbd"

static void
test_broken_bytes(void **unused)
{
	static const struct {
		const char *text, *value;
		enum answer expected;
	} cases[] = {
		{ ".*/s/.*\\.txt", "/tmp/s/x\377y.txt", YES },
		{ ".*/s/x.y\\.txt", "/tmp/s/x\377y.txt", YES },
		{ "x[^a]y", "x\200y", YES },
		{ "x" FFFD "y", "x\377y", YES },
		{ "xy", "x\377y", NO },
		/* a byte each, as in an alert */
		{ "x...", "x\342\202\377", YES },
		{ "x.", "x\303", YES },
		{ "\xc3\xa9.", "\xc3\xa9\xc3", YES },
		{ "x~(a)", "x\377", YES },
		{ "\\w+", "ab\377", NO },
		{ "(.*,){20}x", "\377,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,x",
		  YES },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value_of v = { .before = cases[i].value,
				      .middle = "",
				      .after = "" };

		if (ask(cases[i].text, &v) != cases[i].expected)
			fail_msg("case %zu: %s", i, cases[i].text);
	}
}

/* ---- what is read and not supported ---------------------------------- */

static void
test_faults(void **unused)
{
	static const struct {
		const char *texts[2];
		size_t at, which;
		bool unsupported;
	} cases[] = {
		{ { "~(a)b", "x" }, 4, 0, true },
		{ { "x", "(a&b)" }, 2, 1, true },
		{ { "(~a)", "x" }, 3, 0, true },
		{ { "~a*", "x" }, 2, 0, true },
		/* what is wrong is said first */
		{ { "~(a)b", "(x" }, 0, 1, false },
		{ { "~(a)b[", "x" }, 5, 0, false },
		{ { "a~", "x" }, 2, 0, false },
	};
	struct regex_fault fault;
	struct view v[2];

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		v[0] = view_of(cases[i].texts[0]);
		v[1] = view_of(cases[i].texts[1]);
		assert_null(regex_compile(v, 2, false, &fault));
		assert_non_null(fault.why);
		assert_int_equal(fault.unsupported, cases[i].unsupported);
		assert_int_equal(fault.which, cases[i].which);
		assert_int_equal(fault.at, cases[i].at);
	}
}

/* However many there are, they nest no deeper than one. */
static void
test_many_tildes(void **unused)
{
	struct value_of empty = { "", "", 0, "" }, b = { "b", "", 0, "" };
	struct buf text = { 0 };

	(void)unused;
	for (int i = 0; i < 300001; i++)
		buf_putc(&text, '~');
	buf_puts(&text, "(b)");
	buf_putc(&text, '\0');
	assert_int_equal(ask(text.p, &empty), YES);
	assert_int_equal(ask(text.p, &b), NO);
	assert_int_equal(ask(text.p + 1, &b), YES);
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_broken_bytes),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_many_tildes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
