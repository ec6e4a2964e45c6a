/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recorded events, as they come from anybody. What was read is looked at byte
 * by byte, so that a view into nowhere is noticed. */
#include <stdlib.h>

#include "fim/ndjson.h"

#define SLOTS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
find(void *ctx, struct view name, enum rules_type *type)
{
	(void)ctx;
	*type = (enum rules_type)(name.n % (RULES_ANY + 1));
	return name.n % 3 == 0 ? NDJSON_IGNORE : (int)(name.n % SLOTS);
}

static void
fill(struct record *r, unsigned field)
{
	(void)r;
	(void)field;
}

static unsigned
look_at(const struct value *v)
{
	unsigned sum = (unsigned)v->type;

	if (v->type == VALUE_STRING) {
		if (!utf8_valid(v->s))
			abort();
		for (size_t i = 0; i < v->s.n; i++)
			sum += (unsigned char)v->s.p[i];
	}
	return sum;
}

static volatile unsigned sink; /* that all of it is looked at */

static unsigned
parse(struct ndjson *j, const char *text, size_t n)
{
	struct slot slots[SLOTS] = { 0 };
	struct record r = {
		.slots = slots, .n_slots = SLOTS, .generation = 1, .fill = fill
	};
	struct ndjson_fault fault;
	const char *next = ndjson_parse(j, text, text + n + 1, &r, &fault);

	if (next == NULL) {
		if (fault.why == NULL)
			abort();
		return 0;
	}
	if (next > text + n + 1)
		abort();
	for (unsigned f = 0; f < SLOTS; f++) {
		const struct slot *s = record_get(&r, f);

		for (uint32_t i = 0; i < s->n; i++)
			sink += look_at(&s->v[i]);
	}
	return 1;
}

/* Twice: names are remembered, and must mean the same then. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct ndjson *j;
	char *text = malloc(n + 1 + NDJSON_PADDING);

	if (j == NULL)
		j = ndjson_new(find, NULL, SLOTS);
	if (text == NULL || j == NULL)
		abort();
	if (n > 0)
		memcpy(text, data, n);
	memset(text + n, '\n', 1 + NDJSON_PADDING);
	if (parse(j, text, n) != parse(j, text, n))
		abort();
	free(text);
	return 0;
}
