/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's records of what was signed and in force. */
#include "fim/in_force.h"

#include "baselines/journal.h"

#include <jansson.h>

bool
in_force_time(struct view comment, uint64_t *signed_s)
{
	ssize_t at = view_search(comment, VIEW("timestamp:"), 0);
	struct view digits;
	size_t n = 0;

	if (at < 0)
		return false;
	digits = view_sub(comment, (size_t)at + 10, 20);
	while (n < digits.n && digits.p[n] >= '0' && digits.p[n] <= '9')
		n++;
	return view_to_u64(view_sub(digits, 0, n), signed_s) && *signed_s > 0;
}

struct last {
	const struct in_force *now;
	uint64_t newest_s; /* of all records */
	uint64_t signed_s; /* of the last one */
	bool any, same;	   /* the last one: same bytes */
};

static const char *
text_of(const json_t *map, const char *key)
{
	return json_string_value(json_object_get(map, key)) ?: "";
}

static void
take_record(void *ctx, struct view line)
{
	struct last *l = ctx;
	json_t *json = json_loadb(line.p, line.n, 0, NULL);
	json_t *detail = json_object_get(json, "detail");
	json_int_t signed_s =
		json_integer_value(json_object_get(detail, "signed"));

	if (strcmp(text_of(json, "action"), l->now->action) == 0 &&
	    strcmp(text_of(detail, l->now->key), l->now->name) == 0 &&
	    signed_s >= 0) {
		l->any = true;
		l->signed_s = (uint64_t)signed_s;
		if (l->signed_s > l->newest_s)
			l->newest_s = l->signed_s;
		l->same = view_eq(view_of(text_of(detail, "sha256")),
				  l->now->sha256);
	}
	json_decref(json);
}

/* As journal_read. */
static int
read_last(const struct in_force *f, const char *state, struct last *last,
	  struct err *err)
{
	struct journal_state journal = { 0 };
	int rc;

	*last = (struct last){ .now = f };
	rc = journal_read(state, VIEW_NONE, &journal, take_record, last, err);
	journal_state_free(&journal);
	return rc;
}

enum in_force_verdict
in_force_check(const struct in_force *f, const char *state, struct err *err)
{
	struct last last;
	int rc;

	if (state == NULL || f->signed_s == 0)
		return IN_FORCE_NEWEST;
	rc = read_last(f, state, &last, err);
	if (rc != 0)
		return rc > 0 ? IN_FORCE_BROKEN : IN_FORCE_UNREADABLE;
	return last.newest_s <= f->signed_s ? IN_FORCE_NEWEST
					    : IN_FORCE_TURNED_BACK;
}

static int
append(const struct in_force *f, const char *state, struct err *err)
{
	struct journal_record record = { .action = f->action,
					 .who = VIEW("tocsin watch") };
	struct buf detail = { 0 };
	int rc = -1;

	buf_putc(&detail, '{');
	buf_json_string(&detail, view_of(f->key));
	buf_putc(&detail, ':');
	buf_json_string(&detail, view_of(f->name));
	buf_printf(&detail, ",\"signed\":%llu,\"sha256\":\"",
		   (unsigned long long)f->signed_s);
	buf_put(&detail, f->sha256);
	buf_puts(&detail, "\"}");
	record.detail = buf_view(&detail);
	if (detail.failed)
		err_add(err, (struct place){ .file = f->name },
			"out of memory");
	else
		rc = journal_append(state, &record, err);
	buf_free(&detail);
	return rc;
}

int
in_force_record(const struct in_force *f, const char *state, bool *dropped,
		struct err *err)
{
	struct last last;

	if (read_last(f, state, &last, err) != 0)
		return -1;
	if (f->signed_s == 0 && last.signed_s == 0)
		return 0;
	if (f->signed_s == 0 && dropped != NULL)
		*dropped = true;
	if (last.any && last.same && last.signed_s == f->signed_s)
		return 0;
	return append(f, state, err);
}
