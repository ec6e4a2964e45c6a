/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words and phrases in text. */
#include "rules/words.h"

#define WORD_CHARACTERS_MAX 255 /* max_token_length */
#define PHRASE_WORDS_MAX 64	/* a bit each */

/* ---- where words begin and end --------------------------------------- */

/* Word_Break of a character, as far as it matters. */
enum break_class {
	OTHER,
	LETTER,
	DIGIT,
	JOINER, /* ExtendNumLet: _ */
	KATAKANA,
	IDEOGRAPH,	 /* a word of its own */
	EXTEND,		 /* part of what is before it */
	BETWEEN_LETTERS, /* MidLetter */
	BETWEEN_DIGITS,	 /* MidNum */
	BETWEEN_BOTH,	 /* MidNumLet, Single_Quote */
};

struct block { /* up to the next one's start */
	uint32_t from;
	enum break_class breaks;
};

/* After UAX #29's WordBreakProperty.txt; what it has no property for is
 * OTHER. */
static const struct block blocks[] = {
	{ 0, OTHER },
	{ '\'', BETWEEN_BOTH },
	{ '(', OTHER },
	{ ',', BETWEEN_DIGITS },
	{ '-', OTHER },
	{ '.', BETWEEN_BOTH },
	{ '/', OTHER },
	{ '0', DIGIT },
	{ ':', BETWEEN_LETTERS },
	{ ';', BETWEEN_DIGITS },
	{ '<', OTHER },
	{ 'A', LETTER },
	{ '[', OTHER },
	{ '_', JOINER },
	{ '`', OTHER },
	{ 'a', LETTER },
	{ '{', OTHER },
	{ 0xaa, LETTER },
	{ 0xab, OTHER },
	{ 0xad, EXTEND },
	{ 0xae, OTHER },
	{ 0xb5, LETTER },
	{ 0xb6, OTHER },
	{ 0xb7, BETWEEN_LETTERS },
	{ 0xb8, OTHER },
	{ 0xba, LETTER },
	{ 0xbb, OTHER },
	{ 0xc0, LETTER },
	{ 0xd7, OTHER },
	{ 0xd8, LETTER },
	{ 0xf7, OTHER },
	{ 0xf8, LETTER },
	{ 0x300, EXTEND },
	{ 0x370, LETTER },
	{ 0x37e, BETWEEN_DIGITS },
	{ 0x37f, LETTER },
	{ 0x387, BETWEEN_LETTERS },
	{ 0x388, LETTER },
	{ 0x483, EXTEND },
	{ 0x48a, LETTER },
	{ 0x55a, OTHER },
	{ 0x55f, BETWEEN_LETTERS },
	{ 0x560, LETTER },
	{ 0x589, BETWEEN_DIGITS },
	{ 0x58a, OTHER },
	{ 0x591, EXTEND },
	{ 0x5be, OTHER },
	{ 0x5d0, LETTER },
	{ 0x5f4, BETWEEN_LETTERS },
	{ 0x5f5, OTHER },
	{ 0x60c, BETWEEN_DIGITS },
	{ 0x60e, OTHER },
	{ 0x610, EXTEND },
	{ 0x61b, OTHER },
	{ 0x620, LETTER },
	{ 0x64b, EXTEND },
	{ 0x660, DIGIT },
	{ 0x66a, OTHER },
	{ 0x66c, BETWEEN_DIGITS },
	{ 0x66d, OTHER },
	{ 0x66e, LETTER },
	{ 0x6d4, OTHER },
	{ 0x6d5, LETTER },
	{ 0x6d6, EXTEND },
	{ 0x6ee, LETTER },
	{ 0x6f0, DIGIT },
	{ 0x6fa, LETTER },
	{ 0x7f8, BETWEEN_DIGITS },
	{ 0x7f9, OTHER },
	{ 0x800, LETTER },
	{ 0x93a, EXTEND },
	{ 0x950, LETTER },
	{ 0x964, OTHER },
	{ 0x966, DIGIT },
	{ 0x970, LETTER },
	{ 0x2000, OTHER },
	{ 0x200c, EXTEND },
	{ 0x2010, OTHER },
	{ 0x2018, BETWEEN_BOTH },
	{ 0x201a, OTHER },
	{ 0x2024, BETWEEN_BOTH },
	{ 0x2025, OTHER },
	{ 0x2027, BETWEEN_LETTERS },
	{ 0x2028, OTHER },
	{ 0x202a, EXTEND },
	{ 0x202f, JOINER },
	{ 0x2030, OTHER },
	{ 0x203f, JOINER },
	{ 0x2041, OTHER },
	{ 0x2044, BETWEEN_DIGITS },
	{ 0x2045, OTHER },
	{ 0x2054, JOINER },
	{ 0x2055, OTHER },
	{ 0x2060, EXTEND },
	{ 0x2070, OTHER },
	{ 0x20d0, EXTEND },
	{ 0x2100, OTHER },
	{ 0x2160, LETTER },
	{ 0x2189, OTHER },
	{ 0x24b6, LETTER },
	{ 0x24ea, OTHER },
	{ 0x2c00, LETTER },
	{ 0x2e00, OTHER },
	{ 0x2e80, IDEOGRAPH },
	{ 0x3000, OTHER },
	{ 0x3005, LETTER },
	{ 0x3006, OTHER },
	{ 0x3007, IDEOGRAPH },
	{ 0x3008, OTHER },
	{ 0x3021, IDEOGRAPH },
	{ 0x302a, EXTEND },
	{ 0x3030, OTHER },
	{ 0x3031, KATAKANA },
	{ 0x3036, OTHER },
	{ 0x3041, IDEOGRAPH },
	{ 0x3097, OTHER },
	{ 0x3099, EXTEND },
	{ 0x309b, KATAKANA },
	{ 0x309d, IDEOGRAPH },
	{ 0x30a0, KATAKANA },
	{ 0x30fb, OTHER },
	{ 0x30fc, KATAKANA },
	{ 0x3100, LETTER },
	{ 0x3200, OTHER },
	{ 0x32d0, KATAKANA },
	{ 0x3358, OTHER },
	{ 0x3400, IDEOGRAPH },
	{ 0xa000, LETTER },
	{ 0xd800, OTHER },
	{ 0xf900, IDEOGRAPH },
	{ 0xfb00, LETTER },
	{ 0xfe00, EXTEND },
	{ 0xfe10, BETWEEN_DIGITS },
	{ 0xfe11, OTHER },
	{ 0xfe13, BETWEEN_LETTERS },
	{ 0xfe14, BETWEEN_DIGITS },
	{ 0xfe15, OTHER },
	{ 0xfe20, EXTEND },
	{ 0xfe30, OTHER },
	{ 0xfe33, JOINER },
	{ 0xfe35, OTHER },
	{ 0xfe4d, JOINER },
	{ 0xfe50, BETWEEN_DIGITS },
	{ 0xfe51, OTHER },
	{ 0xfe52, BETWEEN_BOTH },
	{ 0xfe53, OTHER },
	{ 0xfe54, BETWEEN_DIGITS },
	{ 0xfe55, BETWEEN_LETTERS },
	{ 0xfe56, OTHER },
	{ 0xfe70, LETTER },
	{ 0xfeff, EXTEND },
	{ 0xff00, OTHER },
	{ 0xff07, BETWEEN_BOTH },
	{ 0xff08, OTHER },
	{ 0xff0c, BETWEEN_DIGITS },
	{ 0xff0d, OTHER },
	{ 0xff0e, BETWEEN_BOTH },
	{ 0xff0f, OTHER },
	{ 0xff10, DIGIT },
	{ 0xff1a, BETWEEN_LETTERS },
	{ 0xff1b, BETWEEN_DIGITS },
	{ 0xff1c, OTHER },
	{ 0xff21, LETTER },
	{ 0xff3b, OTHER },
	{ 0xff3f, JOINER },
	{ 0xff40, OTHER },
	{ 0xff41, LETTER },
	{ 0xff5b, OTHER },
	{ 0xff66, KATAKANA },
	{ 0xff9e, EXTEND },
	{ 0xffa0, LETTER },
	{ 0xffe0, OTHER },
	{ 0x10000, LETTER },
	{ 0x1d7ce, DIGIT },
	{ 0x1d800, OTHER },
	{ 0x1e000, LETTER },
	{ 0x1f000, IDEOGRAPH },
	{ 0x1f3fb, EXTEND },
	{ 0x1f400, IDEOGRAPH },
	{ 0x1fb00, OTHER },
	{ 0x20000, IDEOGRAPH },
	{ 0x40000, OTHER },
	{ 0xe0000, EXTEND },
	{ 0xe1000, OTHER },
};

static enum break_class
class_of(uint32_t c)
{
	size_t low = 0, high = ARRAY_LEN(blocks);

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (blocks[middle].from <= c)
			low = middle;
		else
			high = middle;
	}
	return blocks[low].breaks;
}

/* Of the character at `i`, whose bytes go to *n; at the end of the text OTHER
 * and 0. A byte that is no UTF-8 is a sign. */
static enum break_class
class_at(struct view text, size_t i, size_t *n)
{
	uint32_t c;

	*n = 0;
	if (i >= text.n)
		return OTHER;
	*n = utf8_decode(view_sub(text, i, 4), &c);
	if (*n > 0)
		return class_of(c);
	*n = 1;
	return OTHER;
}

/* The next character that is no EXTEND. */
static enum break_class
class_behind(struct view text, size_t i, size_t *end)
{
	enum break_class c;
	size_t n;

	do {
		c = class_at(text, i, &n);
		i += n;
	} while (c == EXTEND && n > 0);
	*end = i;
	return c;
}

static bool
joins(enum break_class a, enum break_class b)
{
	if (a == KATAKANA || b == KATAKANA)
		return (a == b || a == JOINER || b == JOINER);
	return a >= LETTER && a <= JOINER && b >= LETTER && b <= JOINER;
}

/* Does a word that ended in `last` go on with the character `c`, behind which
 * `next` stands? */
static bool
goes_on(enum break_class last, enum break_class c, enum break_class next)
{
	if (joins(last, c))
		return true;
	if (last == LETTER && next == LETTER)
		return c == BETWEEN_LETTERS || c == BETWEEN_BOTH;
	if (last == DIGIT && next == DIGIT)
		return c == BETWEEN_DIGITS || c == BETWEEN_BOTH;
	return false;
}

/* From a letter, digit or joiner on; *solid: it is more than joiners. */
static size_t
word_end(struct view text, size_t from, bool *solid)
{
	size_t n, end, after, characters = 1;
	enum break_class last = class_at(text, from, &n), c, next;

	*solid = last != JOINER;
	end = from + n;
	for (;;) {
		c = class_at(text, end, &n);
		if (n == 0 || characters++ == WORD_CHARACTERS_MAX)
			return end;
		if (c != EXTEND) {
			next = class_behind(text, end + n, &after);
			if (last == IDEOGRAPH || !goes_on(last, c, next))
				return end;
			last = c;
			*solid |= c != JOINER;
		}
		end += n;
		if (c == BETWEEN_LETTERS || c == BETWEEN_BOTH)
			last = next; /* it is taken in the next round */
		else if (c == BETWEEN_DIGITS)
			last = DIGIT;
	}
}

bool
words_next(struct view text, size_t *at, struct view *word)
{
	size_t n, end;
	bool solid;

	for (;;) {
		enum break_class c = class_at(text, *at, &n);

		if (n == 0)
			return false;
		if (c < LETTER || c > IDEOGRAPH) {
			*at += n;
			continue;
		}
		end = word_end(text, *at, &solid);
		*word = view_sub(text, *at, end - *at);
		*at = end;
		if (solid)
			return true;
	}
}

/* ---- lower case ------------------------------------------------------ */

/* Of letters that UTF-8 writes in two bytes. */
static uint32_t
lower(uint32_t c)
{
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) ||
	    (c >= 0x391 && c <= 0x3ab && c != 0x3a2) ||
	    (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	if ((c >= 0x100 && c <= 0x137 && c != 0x130) ||
	    (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	switch (c) {
	case 0x178:
		return 0xff;
	case 0x386:
		return 0x3ac;
	case 0x388:
	case 0x389:
	case 0x38a:
		return c + 0x25;
	case 0x38c:
		return 0x3cc;
	case 0x38e:
	case 0x38f:
		return c + 0x3f;
	default:
		return c;
	}
}

void
words_fold(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char a = (unsigned char)text[i];
		uint32_t c;

		if (a >= 'A' && a <= 'Z')
			text[i] = (char)(a | 0x20);
		if (a < 0xc3 || a > 0xd2 || i + 1 == n ||
		    ((unsigned char)text[i + 1] & 0xc0) != 0x80)
			continue;
		c = lower((a & 0x1fu) << 6 |
			  ((unsigned char)text[i + 1] & 0x3fu));
		text[i] = (char)(0xc0 | c >> 6);
		text[++i] = (char)(0x80 | (c & 0x3f));
	}
}

/* ---- reading a query ------------------------------------------------- */

static void
add_phrase(struct parse *p, struct node *n, size_t at, struct view words)
{
	struct view copy = arena_copy(p->arena, words);

	if (copy.p == NULL)
		parse_error(p, at, "memory is out");
	else
		node_add(p, n, node_literal(p, at, item_string(copy)));
}

/* Each word of a text for itself, or all as one phrase. */
static void
add_words(struct parse *p, struct node *n, size_t at, struct view text,
	  bool phrase)
{
	struct buf all = { 0 };
	struct view word;
	size_t i = 0, count = 0;

	while (words_next(text, &i, &word)) {
		if (!phrase) {
			add_phrase(p, n, at, word);
			continue;
		}
		if (count++ > 0)
			buf_putc(&all, ' ');
		buf_put(&all, word);
	}
	if (count > PHRASE_WORDS_MAX)
		parse_error(p, at, "a phrase of more than %d words",
			    PHRASE_WORDS_MAX);
	else if (count > 0)
		add_phrase(p, n, at, buf_view(&all));
	buf_free(&all);
}

static bool
next_chunk(struct view *rest, struct view *chunk)
{
	size_t from = 0, end;

	while (from < rest->n && strchr(" \t\r\n", rest->p[from]) != NULL)
		from++;
	for (end = from;
	     end < rest->n && strchr(" \t\r\n", rest->p[end]) == NULL; end++)
		;
	*chunk = view_sub(*rest, from, end - from);
	*rest = view_sub(*rest, end, SIZE_MAX);
	return chunk->n > 0;
}

struct node *
words_node(struct parse *p, struct node *field, struct view form, bool quoted,
	   size_t at)
{
	struct node *n = node_new(p, NODE_WORDS, at);
	char *folded = arena_alloc(p->arena, form.n + 1);
	struct view rest, chunk;

	if (folded == NULL || n->kind != NODE_WORDS) {
		parse_error(p, at, "memory is out");
		return n;
	}
	if (form.n > 0)
		memcpy(folded, form.p, form.n);
	words_fold(folded, form.n);
	rest = (struct view){ folded, form.n };
	node_add(p, n, field);
	if (quoted)
		add_words(p, n, at, rest, true);
	while (!quoted && next_chunk(&rest, &chunk)) {
		if (view_find(chunk, PATTERN_ANY) >= 0)
			add_phrase(p, n, at, chunk); /* one word, as it is */
		else
			add_words(p, n, at, chunk, false);
	}
	if (n->n > 1)
		return n;
	return node_literal(p, at, item_bool(false)); /* never there */
}

/* ---- testing --------------------------------------------------------- */

struct phrase {
	struct view words[PHRASE_WORDS_MAX]; /* in pattern form */
	size_t n;
};

int
words_compile(struct parse *p, const struct node *n, struct leaf *l)
{
	struct arena *arena = &p->set->arena;

	l->op = LEAF_WORDS;
	l->cost = 200;
	l->words.n = n->n - 1;
	l->words.v = arena_array(arena, n->n, sizeof(*l->words.v));
	if (l->words.v == NULL)
		return -1;
	for (size_t i = 1; i < n->n; i++) {
		struct view rest = arena_copy(arena, n->kids[i]->item.v.s);
		struct phrase *phrase = &l->words.v[i - 1];

		phrase->n = 0;
		if (rest.p == NULL)
			return -1;
		while (phrase->n < PHRASE_WORDS_MAX &&
		       view_next_split(&rest, ' ', &phrase->words[phrase->n]))
			phrase->n++;
	}
	return 0;
}

static bool
is_word(struct view want, struct view word)
{
	struct pattern p = { .kind = PATTERN_GENERAL, .a = want };

	return view_eq(want, word) ||
	       (view_find(want, PATTERN_ANY) >= 0 && pattern_match(&p, word));
}

/* Bit k: the last k + 1 words are the first of the phrase. */
static bool
has_phrase(const struct phrase *phrase, struct view text)
{
	uint64_t state = 0, fits;
	struct view word;
	size_t at = 0;

	while (words_next(text, &at, &word)) {
		fits = 0;
		for (size_t k = 0; k < phrase->n; k++)
			if ((k == 0 || state >> (k - 1) & 1) &&
			    is_word(phrase->words[k], word))
				fits |= 1ull << k;
		state = fits;
		if (state >> (phrase->n - 1) & 1)
			return true;
	}
	return false;
}

bool
words_test(struct eval *e, const struct leaf *l)
{
	const struct slot *slot = record_get(e->record, l->field);
	char room[VALUE_TEXT_MAX];

	for (uint32_t i = 0; i < slot->n; i++) {
		struct view s;

		if (!eval_fold(e, value_text(&slot->v[i], room), &s))
			continue;
		words_fold(e->fold.p, s.n);
		for (size_t k = 0; k < l->words.n; k++)
			if (has_phrase(&l->words.v[k], s))
				return true;
	}
	return false;
}
