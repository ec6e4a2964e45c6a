/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of fields and its encoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "fim/fields.h"

static struct slot slots[FIELDS_FILLED];
static struct value values[FIELDS_FILLED][2];

static void
nothing(struct record *r, unsigned field)
{
	(void)r;
	(void)field;
}

/* A record with a value of the right type in every field, two where the field
 * may have several. */
static struct record
full_record(void)
{
	static struct record r = { .generation = 1,
				   .n_slots = FIELDS_FILLED,
				   .slots = slots,
				   .fill = nothing };

	for (unsigned f = 0; f < FIELDS_FILLED; f++) {
		struct value v = { VALUE_STRING, .s = VIEW("a \"b\"\n\xff") };

		if (fields_schema()->fields[f].type == RULES_LONG)
			v = (struct value){ VALUE_INT, .i = -7 };
		if (fields_schema()->fields[f].type == RULES_DOUBLE)
			v = (struct value){ VALUE_REAL, .d = 3 };
		if (fields_schema()->fields[f].type == RULES_BOOL)
			v = (struct value){ VALUE_BOOL, .b = true };
		values[f][0] = values[f][1] = v;
		slots[f] = (struct slot){
			.generation = 1,
			.n = field_is_array(f) || field_alias(f) != FIELD_NONE
				     ? 2
				     : 1,
			.v = values[f],
		};
	}
	return r;
}

static json_t *
at_path(json_t *object, const char *dotted)
{
	char *name = strdup(dotted), *rest = name, *part;

	while (object != NULL && (part = strsep(&rest, ".")) != NULL)
		object = json_object_get(object, part);
	free(name);
	return object;
}

/* JSON_REJECT_DUPLICATES fails when a prefix is opened twice: fields.def must
 * keep names with a common prefix together. */
static void
test_every_field_once(void **unused)
{
	struct record r = full_record();
	struct buf out = { 0 };
	json_error_t error;
	json_t *json;

	(void)unused;
	fields_encode(&r, NULL, &out);
	json = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		fail_msg("%s at %d: %.60s", error.text, error.position,
			 out.p + (error.position > 30 ? error.position - 30
						      : 0));
	for (unsigned f = 0; f < FIELDS_FILLED; f++) {
		json_t *v = at_path(json, field_name(f));

		if (v == NULL)
			fail_msg("%s is missing", field_name(f));
		assert_int_equal(json_is_array(v), field_is_array(f));
		if (field_is_array(f))
			assert_int_equal(json_array_size(v), 2);
	}
	json_decref(json);
	buf_free(&out);
}

static void
test_types_and_escapes(void **unused)
{
	struct record r = full_record();
	struct buf out = { 0 };

	(void)unused;
	fields_encode(&r, NULL, &out);
	buf_putc(&out, '\0');
	assert_non_null(strstr(out.p, "\"pid\":-7,"));
	assert_non_null(strstr(out.p, "\"entropy\":3.0"));
	assert_non_null(strstr(out.p, "\"interactive\":true"));
	assert_non_null(
		strstr(out.p, "\"name\":\"a \\\"b\\\"\\n\xef\xbf\xbd\""));
	assert_null(strchr(out.p, '\n'));
	buf_free(&out);
}

static void
test_nothing_is_an_empty_object(void **unused)
{
	struct record r = full_record();
	struct buf out = { 0 };

	(void)unused;
	r.generation = 2;
	fields_encode(&r, NULL, &out);
	assert_int_equal(out.n, 2);
	assert_memory_equal(out.p, "{}", 2);
	buf_free(&out);
}

static bool
all_but_two(unsigned field)
{
	return field != FIELD_FILE_SIZE && field != FIELD_PROCESS_PID;
}

static void
test_gaps_between_fields(void **unused)
{
	struct record r = full_record();
	struct buf out = { 0 };

	(void)unused;
	fields_encode(&r, all_but_two, &out);
	buf_putc(&out, '\0');
	assert_string_equal(
		out.p, "{\"process\":{\"pid\":-7},\"file\":{\"size\":-7}}");
	buf_free(&out);
}

/* Names are looked up by their text: two of them would hide one. */
static void
test_names_are_unique(void **unused)
{
	const struct rules_schema *s = fields_schema();

	(void)unused;
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = i + 1; k < s->n; k++) {
			if (strcmp(s->fields[i].name, s->fields[k].name) == 0)
				fail_msg("%s twice", s->fields[i].name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_once),
		cmocka_unit_test(test_types_and_escapes),
		cmocka_unit_test(test_nothing_is_an_empty_object),
		cmocka_unit_test(test_gaps_between_fields),
		cmocka_unit_test(test_names_are_unique),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
