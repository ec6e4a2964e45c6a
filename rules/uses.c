/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a condition looks for: the constant parts of its positive tests, as
 * patterns. What must not be so says nothing of where to look.
 */
#include "rules/engine.h"

struct walk {
	struct arena *arena;
	const struct uses_each *each;
};

/* `open`: anything may follow. */
static int
use(const struct walk *w, const struct node *test, struct view text, bool open)
{
	char *pattern = arena_alloc(w->arena, text.n + 1);

	if (pattern == NULL)
		return -1;
	if (text.n > 0)
		memcpy(pattern, text.p, text.n);
	pattern[text.n] = '*';
	return w->each->call(w->each->ctx, test->kids[0]->field,
			     (struct view){ pattern, text.n + open });
}

/* ---- regular expressions --------------------------------------------- */

/* What means something else than itself in Lucene's syntax (see regex.c). */
static bool
is_special(char c)
{
	return c == '\0' || strchr(".?*+|{}[]()\"\\#@&<>~", c) != NULL;
}

/* Behind the piece of one character, class or quoted text that is at i. */
static size_t
step_over(struct view s, size_t i)
{
	char end = s.p[i] == '[' ? ']' : s.p[i] == '"' ? '"' : '\0';

	if (s.p[i] == '\\' || end == '\0')
		return i + 1 + (s.p[i] == '\\');
	/* a ] that comes first is plain */
	for (i += 1 + (end == ']'); i < s.n && s.p[i] != end; i++)
		i += end == ']' && s.p[i] == '\\';
	return i + 1;
}

/* The first alternative of those left in *rest, without its |. */
static struct view
take_alternative(struct view *rest)
{
	struct view one = *rest;
	size_t i = 0, depth = 0;

	while (i < one.n && (depth > 0 || one.p[i] != '|')) {
		depth += one.p[i] == '(';
		depth -= one.p[i] == ')' && depth > 0;
		i = step_over(one, i);
	}
	*rest = view_sub(one, i + 1, SIZE_MAX);
	return view_sub(one, 0, i);
}

/* The text that all values begin with. *whole: and end with. */
static struct view
literal_head(struct arena *arena, struct view s, bool *whole)
{
	char *head = arena_alloc(arena, s.n + 1);
	size_t i = 0, n = 0;

	*whole = false;
	if (head == NULL)
		return VIEW_NONE;
	while (i < s.n) {
		bool escaped = s.p[i] == '\\' && i + 1 < s.n;
		char c = s.p[i + escaped];

		if (escaped ? strchr("dDwWsS", c) != NULL : is_special(c))
			break;
		head[n++] = c;
		i += 1 + escaped;
	}
	*whole = i == s.n;
	/* What may be left out is no part of it. */
	if (!*whole && strchr("?*+{", s.p[i]) != NULL)
		n -= n > 0;
	/* An unfinished name is no name: up to the last slash. */
	while (!*whole && n > 0 && head[n - 1] != '/')
		n--;
	return (struct view){ head, n };
}

/* If one alternative may begin with anything, so may the whole. */
static int
use_regex(const struct walk *w, const struct node *test, struct view s)
{
	struct view rest = s, head = VIEW("-");
	bool whole;
	int rc = 0;

	while (rest.n > 0 && head.n > 0)
		head = literal_head(w->arena, take_alternative(&rest), &whole);
	if (head.n == 0 || s.n == 0)
		return head.p == NULL ? -1 : use(w, test, VIEW_NONE, true);
	for (rest = s; rest.n > 0 && rc >= 0;) {
		head = literal_head(w->arena, take_alternative(&rest), &whole);
		rc = head.p == NULL ? -1 : use(w, test, head, !whole);
	}
	return rc;
}

/* ---- conditions ------------------------------------------------------ */

static bool
is_start(const struct node *n)
{
	return n->kind == NODE_CALL && n->function == FN_starts_with;
}

static bool
is_use(const struct node *n)
{
	return n->n > 0 && n->kids[0]->kind == NODE_FIELD &&
	       (n->kind == NODE_IN || n->kind == NODE_LIKE ||
		n->kind == NODE_REGEX || is_start(n) ||
		(n->kind == NODE_COMPARE && n->op == CMP_EQ));
}

static int
use_literal(const struct walk *w, const struct node *test, struct view s)
{
	if (test->kind == NODE_REGEX)
		return use_regex(w, test, s);
	return use(w, test, pattern_text(w->arena, s), is_start(test));
}

static int
walk(const struct walk *w, const struct node *n, bool positive)
{
	for (size_t i = 1; positive && is_use(n) && i < n->n; i++) {
		const struct item *item = &n->kids[i]->item;

		if (n->kids[i]->kind == NODE_LITERAL && !item->null &&
		    item->v.type == VALUE_STRING &&
		    use_literal(w, n, item->v.s) < 0)
			return -1;
	}
	for (size_t i = 0; i < n->n; i++)
		if (walk(w, n->kids[i],
			 n->kind == NODE_NOT ? !positive : positive) < 0)
			return -1;
	return 0;
}

int
uses_walk(struct arena *arena, const struct node *n,
	  const struct uses_each *each)
{
	return walk(&(struct walk){ arena, each }, n, true);
}

/* ---- of a rule ------------------------------------------------------- */

struct noting {
	struct rules *set;
	size_t rule;
};

static int
note_pattern(void *ctx, unsigned field, struct view pattern)
{
	struct noting *to = ctx;
	struct rules *set = to->set;
	struct pattern_use *v = set_extend(set->patterns, set->n_patterns,
					   &set->cap_patterns, sizeof(*v));

	if (v == NULL)
		return -1;
	set->patterns = v;
	v[set->n_patterns++] = (struct pattern_use){ field, to->rule, pattern };
	return 0;
}

int
uses_note(struct rules *set, const struct node *n, size_t rule)
{
	struct noting to = { set, rule };

	return uses_walk(&set->arena, n,
			 &(struct uses_each){ note_pattern, &to });
}
