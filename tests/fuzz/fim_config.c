/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin.yaml of anybody's making: taken within the limits of config.def, or
 * refused with a place in it. */
#include "baselines/sign.h"
#include "fim/config.h"
#include "tests/fuzz/fuzz_help.h"

enum type {
	PATH,
	PATHS,
	KEYS,
	WORD,
	WORDS,
	NAMES,
	TEXT,
	TEXTS,
	INT,
	BOOL,
	DURATION,
	OUTPUTS
};

static void
check_text(const struct view *v, bool path)
{
	check(v->n == 0 || v->p[v->n] == '\0');
	check(memchr(v->n > 0 ? v->p : "", '\0', v->n) == NULL);
	check(!path || v->n == 0 || v->p[0] == '/');
}

static void
check_key(const struct view *v)
{
	struct sign_public key;

	check_text(v, !sign_public_line(&key, *v));
}

static void
check_value(enum type type, const void *member, int64_t min, int64_t max)
{
	const struct config_list *list = member;
	uint64_t duration;
	int64_t number;

	switch (type) {
	case PATH:
	case WORD:
	case TEXT:
		check_text(member, type == PATH);
		break;
	case PATHS:
	case WORDS:
	case NAMES:
	case TEXTS:
		check(list->n <= (uint64_t)max);
		for (size_t i = 0; i < list->n; i++)
			check_text(&list->v[i], type == PATHS);
		break;
	case KEYS:
		check(list->n <= (uint64_t)max);
		for (size_t i = 0; i < list->n; i++)
			check_key(&list->v[i]);
		break;
	case INT:
		memcpy(&number, member, sizeof(number));
		/* 0: not given */
		check(number == 0 || (number >= min && number <= max));
		break;
	case BOOL:
		check(*(const unsigned char *)member <= 1);
		break;
	case OUTPUTS:
		break;
	case DURATION:
		memcpy(&duration, member, sizeof(duration));
		check(duration == 0 ||
		      (duration >= (uint64_t)min && duration <= (uint64_t)max));
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config c = { 0 };
	struct err err = { 0 };
	int rc = config_read(&c, "config",
			     (struct view){ (const char *)data, n }, &err);

	check((rc == 0) == (err.n == 0));
	for (size_t i = 0; i < err.n; i++)
		check(err.v[i].message.n > 0);
	if (rc == 0) {
#define CONFIG(key, type, member, value, min, max, choices, manual) \
	check_value(type, &c.member, min, max);
#include "fim/config.def"
#undef CONFIG
	}
	config_free(&c);
	err_free(&err);
	return 0;
}
