/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests found in one walk against each test by itself: values of every length
 * a walk's steps can end on, with forms of every part of them.
 */
#include "rules/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define TESTS_MAX 16384
#define VALUE_MAX 4096

struct forms {
	struct arena arena;
	struct leaf *leaves;
	uint32_t ids[TESTS_MAX];
	size_t n;
	bool found[TESTS_MAX];
};

static void
add(struct forms *f, const struct buf *text, bool fold)
{
	struct leaf *l = &f->leaves[f->n];
	struct view form = pattern_form(&f->arena, buf_view(text));

	assert_true(f->n < TESTS_MAX);
	l->op = LEAF_LIKE;
	assert_int_equal(
		pattern_list_make(&l->patterns, &f->arena, &form, 1, fold), 0);
	f->ids[f->n] = (uint32_t)f->n;
	f->n++;
}

/* Forms that hold the part here and there, and one that is not quite it. */
static void
add_part(struct forms *f, struct view part, struct view whole)
{
	static const char *const shapes[] = { "P",   "P*",    "*P",    "*P*",
					      "F*P", "P*L",   "*F*P*", "?P",
					      "P?",  "*?P?*", "PL",    "*!P" };
	struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		buf_clear(&text);
		for (const char *c = shapes[i]; *c != '\0'; c++) {
			if (*c == 'P')
				buf_put(&text, part);
			else if (*c == 'F')
				buf_put(&text, view_sub(whole, 0, 2));
			else if (*c == 'L')
				buf_put(&text, view_sub(whole, whole.n - 1, 1));
			else
				buf_putc(&text, *c);
		}
		add(f, &text, false);
		add(f, &text, true);
	}
	buf_free(&text);
}

static void
note(void *ctx, uint32_t test)
{
	((struct forms *)ctx)->found[test] = true;
}

/* Returns how many hold. */
static size_t
check(struct forms *f, const struct grams *g, struct grams_room *room,
      struct view value)
{
	struct grams_found found = { note, f };
	char folded[VALUE_MAX + 1];
	size_t n = 0;

	memset(f->found, 0, sizeof(f->found));
	assert_true(grams_find(g, room, value, &found));
	fold_ascii(folded, value);
	for (size_t i = 0; i < f->n; i++) {
		const struct pattern_list *list = &f->leaves[i].patterns;
		struct view s = { list->fold ? folded : value.p, value.n };
		bool holds = pattern_list_match(list, s);

		if (f->found[i] != holds)
			fail_msg("test %zu of '%.*s' is %d", i, (int)value.n,
				 value.p, holds);
		n += holds;
	}
	return n;
}

static void
build(struct forms *f, struct grams *g, struct grams_room *room)
{
	*room = (struct grams_room){ 0 };
	assert_int_equal(grams_build(g, &f->arena, f->leaves, f->ids, f->n), 0);
	assert_int_equal(grams_room_new(g, room), 0);
}

/* The value's own forms, over it and over values that are nearly it. */
static size_t
check_forms_of(struct forms *f, struct view value)
{
	struct grams grams;
	struct grams_room room;
	char other[VALUE_MAX + 1];
	size_t n;

	f->n = 0;
	for (size_t at = 0; at < value.n; at++)
		for (size_t len = 1; len <= 9 && at + len <= value.n; len++)
			add_part(f, view_sub(value, at, len), value);
	build(f, &grams, &room);
	n = check(f, &grams, &room, value);
	for (size_t i = 0; i < value.n; i++) {
		memcpy(other, value.p, value.n);
		other[i] = (char)(other[i] ^ ' ');
		check(f, &grams, &room, (struct view){ other, value.n });
	}
	for (size_t k = 0; k < value.n; k++)
		check(f, &grams, &room, view_sub(value, k / 2, value.n - k));
	grams_room_free(&room);
	return n;
}

/* Where no other form's window can lead to it. */
static void
each_part_is_found_alone(void **state)
{
	static const char text[] = "/usr/bin/Env -i x.Sh /tmp/.a";
	struct forms *f = *state;
	struct grams grams;
	struct grams_room room;

	for (size_t at = 0; at + 4 < sizeof(text); at++)
		for (size_t len = 4; len <= 6 && at + len < sizeof(text);
		     len++) {
			struct view part = view_sub(VIEW(text), at, len);
			struct buf form = { 0 };

			f->n = 0;
			buf_printf(&form, "*%.*s*", (int)part.n, part.p);
			add(f, &form, false);
			buf_free(&form);
			build(f, &grams, &room);
			assert_int_equal(check(f, &grams, &room, VIEW(text)),
					 1);
			grams_room_free(&room);
		}
}

static void
every_part_is_found(void **state)
{
	static const char text[] = "/usr/bin/Env -i x.Sh 7*?\xc3\xa9 /tmp/.a";
	struct forms *f = *state;
	size_t n = 0;

	for (size_t len = 1; len < sizeof(text); len++) {
		size_t rest = sizeof(text) - 1 - len;

		n += check_forms_of(f, view_sub(VIEW(text), 0, len));
		n += check_forms_of(f, view_sub(VIEW(text), rest, len));
		arena_reset(&f->arena);
	}
	assert_true(n > 10000);
}

/* More of its windows than are looked at one by one. */
static void
a_part_is_found_behind_many(void **state)
{
	struct forms *f = *state;
	struct grams grams;
	struct grams_room room;
	struct buf value = { 0 }, form = { 0 };

	f->n = 0;
	buf_puts(&form, "*xabcdy*");
	add(f, &form, false);
	add(f, &form, true);
	build(f, &grams, &room);
	for (size_t i = 0; i < 400; i++) {
		assert_int_equal(check(f, &grams, &room, buf_view(&value)), 0);
		buf_puts(&value, "xabcdz ");
	}
	buf_puts(&value, "XABCDY");
	assert_int_equal(check(f, &grams, &room, buf_view(&value)), 1);
	buf_puts(&value, "xabcdy");
	assert_int_equal(check(f, &grams, &room, buf_view(&value)), 2);
	grams_room_free(&room);
	buf_free(&value);
	buf_free(&form);
}

static int
make_forms(void **state)
{
	struct forms *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->leaves = calloc(TESTS_MAX, sizeof(*f->leaves));
	assert_non_null(f->leaves);
	*state = f;
	return 0;
}

static int
free_forms(void **state)
{
	struct forms *f = *state;

	arena_free(&f->arena);
	free(f->leaves);
	free(f);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_part_is_found, make_forms,
						free_forms),
		cmocka_unit_test_setup_teardown(each_part_is_found_alone,
						make_forms, free_forms),
		cmocka_unit_test_setup_teardown(a_part_is_found_behind_many,
						make_forms, free_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
