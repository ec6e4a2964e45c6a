/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be said of a regular expression without running it: anchors, which
 * Lucene does not have, and repetitions of what can be taken in several ways,
 * whose tries grow exponentially with a value that does not match. The text has
 * compiled, so brackets and quotes are in order.
 */
#include "rules/engine.h"

/* {n,m} with more than these is as bad as no limit at all. */
#define REPEAT_MANY 16

/* Characters; all that are not ASCII count as one, and letters of both cases
 * as the same, which errs on the careful side. */
#define BEYOND_ASCII 128
struct chars {
	uint64_t bits[3];
};

struct scan {
	struct view s;
	size_t i;
	const char *found;
};

/* What a group stands for, where it is a choice of short words: (a|bc?). */
#define WORD_MAX 12
#define WORDS_MAX 12
struct word {
	struct chars v[WORD_MAX];
	size_t n;
};
struct words {
	struct word v[WORDS_MAX];
	size_t n;
	bool others; /* and of more than that, which is not looked at */
};

/* What matters of a piece for repeating it. */
struct piece {
	bool single;	    /* one character */
	bool optional;	    /* may be empty */
	bool loops;	    /* may go on for ever */
	bool several;	    /* repeated, it can be taken in several ways */
	bool risky;	    /* not to be repeated */
	struct chars chars; /* of which it consists */
};

static struct piece scan_union(struct scan *);

static void
chars_add(struct chars *set, unsigned char c)
{
	unsigned bit = c < BEYOND_ASCII ? c : BEYOND_ASCII;

	set->bits[bit / 64] |= 1ull << bit % 64;
	if ((bit | 32) >= 'a' && (bit | 32) <= 'z')
		set->bits[1] |= 1ull << (bit ^ 32) % 64;
}

static void
chars_add_range(struct chars *set, unsigned char from, unsigned char to)
{
	for (unsigned c = from; c <= to; c++)
		chars_add(set, (unsigned char)c);
}

static void
chars_join(struct chars *set, const struct chars *more, bool without)
{
	for (size_t i = 0; i < ARRAY_LEN(set->bits); i++)
		set->bits[i] |= without ? ~more->bits[i] : more->bits[i];
	set->bits[2] &= 1;
}

static bool
chars_meet(const struct chars *a, const struct chars *b)
{
	return (a->bits[0] & b->bits[0]) != 0 ||
	       (a->bits[1] & b->bits[1]) != 0 || (a->bits[2] & b->bits[2]) != 0;
}

static char
now(const struct scan *s)
{
	return s->i < s->s.n ? s->s.p[s->i] : '\0';
}

/* \d \w \s, their complements, or the character itself. */
static void
chars_add_escape(struct chars *set, char c)
{
	struct chars class = { 0 };

	switch (c | 32) {
	case 'w':
		chars_add_range(&class, 'a', 'z');
		chars_add(&class, '_');
		/* fall through */
	case 'd':
		chars_add_range(&class, '0', '9');
		break;
	case 's':
		chars_add_range(&class, '\t', '\r');
		chars_add(&class, ' ');
		break;
	default:
		chars_add(set, (unsigned char)c);
		return;
	}
	chars_join(set, &class, c >= 'A' && c <= 'Z');
}

static void
class_item(struct scan *s, struct chars *set)
{
	unsigned char from = (unsigned char)now(s);

	if (from == '\\') {
		s->i++;
		chars_add_escape(set, now(s));
		s->i++;
		return;
	}
	s->i++;
	if (now(s) != '-' || s->i + 1 >= s->s.n || s->s.p[s->i + 1] == ']') {
		chars_add(set, from);
		return;
	}
	s->i += 1 + (s->s.p[s->i + 1] == '\\');
	chars_add_range(set, from, (unsigned char)now(s));
	s->i++;
}

static struct piece
scan_class(struct scan *s)
{
	struct piece p = { .single = true };
	struct chars set = { 0 };
	bool without;

	s->i++;
	without = now(s) == '^';
	s->i += without;
	do
		class_item(s, &set);
	while (s->i < s->s.n && now(s) != ']');
	s->i++;
	chars_join(&p.chars, &set, without);
	return p;
}

/* "text" or <1-9>. */
static struct piece
scan_quoted(struct scan *s)
{
	char end = now(s) == '<' ? '>' : '"';
	struct piece p = { 0 };

	for (s->i++; s->i < s->s.n && now(s) != end; s->i++)
		chars_add(&p.chars, (unsigned char)now(s));
	s->i++;
	if (end == '>')
		chars_add_range(&p.chars, '0', '9');
	return p;
}

static struct piece
scan_atom(struct scan *s)
{
	static const struct chars none;
	struct piece p = { 0 };

	switch (now(s)) {
	case '(':
		s->i++;
		p = scan_union(s);
		s->i++;
		return p;
	case '[':
		return scan_class(s);
	case '"':
	case '<':
		return scan_quoted(s);
	case '@': /* any string */
		p.optional = p.loops = true;
		chars_join(&p.chars, &none, true);
		break;
	case '.':
		p.single = true;
		chars_join(&p.chars, &none, true);
		break;
	case '\\':
		s->i++;
		p.single = true;
		chars_add_escape(&p.chars, now(s));
		break;
	default:
		p.single = true;
		chars_add(&p.chars, (unsigned char)now(s));
		break;
	}
	s->i++;
	return p;
}

/* {n}, {n,}, {n,m}: the least and whether there is a useful limit. */
static void
scan_braces(struct scan *s, bool *optional, bool *endless)
{
	uint64_t n[2] = { 0, 0 };
	size_t k = 0, digits = 0;

	for (s->i++; s->i < s->s.n && now(s) != '}'; s->i++) {
		if (now(s) == ',') {
			k = 1;
			digits = 0;
		} else if (digits++ < 9) {
			n[k] = n[k] * 10 + (uint64_t)(now(s) - '0');
		}
	}
	s->i++;
	*optional = n[0] == 0;
	*endless = (k == 1 && digits == 0) || n[k] > REPEAT_MANY;
}

static struct piece
scan_repeat(struct scan *s)
{
	struct piece p = scan_atom(s);

	while (now(s) != '\0' && strchr("?*+{", now(s)) != NULL) {
		bool optional = now(s) != '+';
		bool endless = now(s) == '*' || now(s) == '+';

		p.single &= now(s) == '?';
		if (now(s) == '{')
			scan_braces(s, &optional, &endless);
		else
			s->i++;
		if (endless && (p.risky || p.several))
			s->found = "regex-cost";
		p.optional |= optional;
		p.loops |= endless;
	}
	return p;
}

#define PIECES_MAX 64 /* of a branch; what follows is not looked at */

/*
 * A sequence of pieces can be repeated safely if beside each of its loops
 * something must match that the loop cannot swallow: there it ends, in one way
 * only.
 */
static bool
is_risky(const struct piece *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool ends = !v[i].loops && !v[i].several;

		for (size_t k = 0; k < n && !ends; k++)
			ends = !v[k].optional && !v[k].loops &&
			       !chars_meet(&v[i].chars, &v[k].chars);
		if (!ends || v[i].risky)
			return true;
	}
	return false;
}

/* ---- choices of words ------------------------------------------------ */

static void
words_add(struct words *to, const struct word *w)
{
	if (to->n < WORDS_MAX)
		to->v[to->n++] = *w;
	else
		to->others = true;
}

/* The words of a branch: with and without each piece that may be left out. */
static void
words_add_branch(struct words *to, const struct piece *v, size_t n)
{
	size_t from = to->n, end;

	words_add(to, &(struct word){ .n = 0 });
	for (size_t i = 0; i < n && !to->others; i++) {
		to->others |= !v[i].single;
		end = to->n;
		for (size_t w = from; w < end && !to->others; w++) {
			if (v[i].optional)
				words_add(to, &to->v[w]);
			to->others |= to->v[w].n == WORD_MAX;
			if (!to->others)
				to->v[w].v[to->v[w].n++] = v[i].chars;
		}
	}
}

/* Is the end of a from `at` on as b begins, or b as that end begins? */
static bool
begin_alike(const struct word *a, size_t at, const struct word *b)
{
	for (size_t i = 0; i < a->n - at && i < b->n; i++)
		if (!chars_meet(&a->v[at + i], &b->v[i]))
			return false;
	return true;
}

/*
 * Can some text be taken as these words in two ways (Sardinas and Patterson,
 * "A necessary and sufficient condition for the unique decomposition of coded
 * messages", 1953)? Characters that could be the same count as the same.
 * left[w][at]: after two ways so far, the end of word w from `at` on is still
 * to be taken by one of them.
 */
struct ends {
	bool left[WORDS_MAX][WORD_MAX];
	bool more, twice;
};

static void
take_end(const struct words *words, struct ends *e, size_t w, size_t at,
	 size_t by)
{
	const struct word *a = &words->v[w], *b = &words->v[by];
	size_t rest = a->n - at;

	if (b->n == 0 || !begin_alike(a, at, b))
		return;
	if (rest == b->n) {
		e->twice = true;
	} else if (rest > b->n) {
		e->more |= !e->left[w][at + b->n];
		e->left[w][at + b->n] = true;
	} else {
		e->more |= !e->left[by][rest];
		e->left[by][rest] = true;
	}
}

static bool
is_ambiguous(const struct words *words)
{
	struct ends e = { .more = false };

	if (words->others)
		return false;
	for (size_t w = 0; w < words->n; w++)
		for (size_t by = 0; by < w; by++)
			if (words->v[w].n > 0)
				take_end(words, &e, w, 0, by);
	while (e.more && !e.twice) {
		e.more = false;
		for (size_t i = 0; i < words->n * WORD_MAX; i++)
			for (size_t by = 0; by < words->n; by++)
				if (e.left[i / WORD_MAX][i % WORD_MAX])
					take_end(words, &e, i / WORD_MAX,
						 i % WORD_MAX, by);
	}
	return e.twice;
}

static struct piece
scan_branch(struct scan *s, struct words *words)
{
	struct piece all = { .optional = true }, v[PIECES_MAX], p;
	size_t n = 0;

	while (s->i < s->s.n && strchr("|&)", now(s)) == NULL) {
		p = scan_repeat(s);
		all.optional &= p.optional;
		all.loops |= p.loops;
		chars_join(&all.chars, &p.chars, false);
		if (n < PIECES_MAX)
			v[n++] = p;
	}
	all.risky = is_risky(v, n);
	words_add_branch(words, v, n);
	return all;
}

static struct piece
scan_union(struct scan *s)
{
	struct words words = { .n = 0 };
	struct piece all = scan_branch(s, &words), p;

	while (s->i < s->s.n && now(s) != ')') {
		s->i++;
		p = scan_branch(s, &words);
		all.optional |= p.optional;
		all.loops |= p.loops;
		all.risky |= p.risky;
		chars_join(&all.chars, &p.chars, false);
	}
	all.several = is_ambiguous(&words);
	return all;
}

/* ^ where a piece begins, $ where one ends. */
static bool
has_anchor(struct view s)
{
	bool quoted = false, begins = true;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : ')';
		struct scan class = { .s = s, .i = i };

		if (c == '\\') {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && c == '[') {
			scan_class(&class);
			i = class.i - 1;
		} else if (!quoted && ((c == '^' && begins) ||
				       (c == '$' && strchr(")|", next)))) {
			return true;
		}
		begins = !quoted && (c == '(' || c == '|');
	}
	return false;
}

const char *
regex_lint(struct view text)
{
	struct scan s = { .s = text };

	if (has_anchor(text))
		return "regex-anchor";
	while (s.i < text.n) { /* once; a ) too many is not possible */
		scan_union(&s);
		s.i++;
	}
	return s.found;
}
