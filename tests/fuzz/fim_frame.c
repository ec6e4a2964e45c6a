/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as the engine reads them from the keeper's memory. Every view lies
 * inside of what was given; every number is one that the event may have; and
 * what was read, written again and read again, is the same.
 */
#include "fim/frame.h"
#include "tests/fuzz/fuzz_help.h"

static void
check_inside(struct view all, struct view v)
{
	if (v.n > 0)
		check(v.p >= all.p && v.n <= all.n &&
		      v.p + v.n <= all.p + all.n);
}

static void
check_event(struct view all, const struct event *e)
{
	const struct view *const views[] = {
		&e->scope,	&e->proc.hidden_from, &e->exec.given,
		&e->exec.image, &e->exec.interp,      &e->exec.comm,
		&e->exec.args,	&e->exec.env,	      &e->exec.cwd,
		&e->file.path,	&e->file.old_path,    &e->file.aliases,
	};

	for (size_t i = 0; i < ARRAY_LEN(views); i++)
		check_inside(all, *views[i]);
	if (e->module != NULL)
		check_inside(all, e->module->name);
	check(e->kind < EVENT_KINDS && e->attribution <= ATTRIBUTION_SCAN &&
	      e->file.node <= NODE_DIR);
	check(e->pidfd == -1 && e->log == NULL);
	/* They name rows of tables. */
	event_category(e->kind);
	event_action(e->kind);
}

static void
check_again(const struct event *e, uint32_t number)
{
	size_t n = frame_event_bytes(e);
	char *one = calloc(1, n), *two = calloc(1, n);
	struct view rest = { one, n };
	struct event_module module = { 0 };
	struct event again;
	uint32_t number_again;

	check(one != NULL && two != NULL);
	frame_put_event(one, e, number);
	check(frame_next_event(&rest, &again, &module, &number_again));
	check(rest.n == 0 && number_again == number);
	check(frame_event_bytes(&again) == n);
	frame_put_event(two, &again, number);
	check(memcmp(one, two, n) == 0);
	free(one);
	free(two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view all = { (const char *)data, n }, rest = all;
	struct event_module module = { 0 };
	struct event e;
	uint32_t number;
	size_t left = n;

	while (frame_next_event(&rest, &e, &module, &number)) {
		check(rest.n < left);
		left = rest.n;
		check_event(all, &e);
		check_again(&e, number);
	}
	return 0;
}
