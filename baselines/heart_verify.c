/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the signs of life what a watcher has written? */
#include "baselines/heart.h"

#include <jansson.h>

struct checking {
	const char *state;
	const struct sign_keys *keys;
	struct heart_check *check;
	struct err *err;
	uint64_t line;
	uint64_t signed_ns; /* when the first signed record was made */
	bool bad;
	char head[JOURNAL_DIGEST_CHARS + 1]; /* of the last that left */
};

static bool
is_of_watcher(const char *action)
{
	static const char *const actions[] = { "watch-start", "watch-stop",
					       "watch-killed", "silence",
					       "alive" };

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(action, actions[i]) == 0)
			return true;
	return false;
}

static void
check_signature(struct checking *c, struct view line, const char *action,
		uint64_t time_ns)
{
	struct sign_result result = { 0 };
	struct place at = { .file = c->state, .line = (unsigned)c->line };
	enum sign_verdict verdict = journal_verify_line(line, c->keys, &result);

	if (verdict == SIGN_GOOD) {
		if (c->signed_ns == 0)
			c->signed_ns = time_ns;
		c->check->is_signed++;
	} else if (verdict == SIGN_NO_SIGNATURE &&
		   (c->signed_ns == 0 || time_ns < c->signed_ns)) {
		c->check->not_signed++;
	} else {
		if (!c->bad)
			err_add(c->err, at, "the record \"%s\" %s%s", action,
				sign_verdict_sentence(verdict),
				verdict == SIGN_NO_SIGNATURE
					? ", and one before it has"
					: "");
		c->bad = true;
	}
	sign_result_free(&result);
}

static void
check_line(void *ctx, struct view line)
{
	struct checking *c = ctx;
	json_t *json = json_loadb(line.p, line.n, 0, NULL);
	const char *action =
		json_string_value(json_object_get(json, "action")) ?: "";
	const char *head;
	uint64_t time_ns = 0;

	rfc3339_read(view_of(json_string_value(json_object_get(json, "time"))),
		     &time_ns);
	c->line++;
	if (strcmp(action, "silence") == 0)
		c->check->silences++;
	head = json_string_value(
		json_object_get(json_object_get(json, "detail"), "head"));
	if (strcmp(action, "alive") == 0 && head != NULL)
		snprintf(c->head, sizeof(c->head), "%s", head);
	if (c->keys->n > 0 && is_of_watcher(action))
		check_signature(c, line, action, time_ns);
	json_decref(json);
}

static int
check_file(struct checking *c, const char *file, bool *known)
{
	struct journal_state s = { 0 };
	int rc;

	c->line = 0;
	rc = journal_read_from(c->state, file, view_of(c->head), &s, check_line,
			       c, c->err);
	if (strcmp(file, JOURNAL_MAIN) != 0)
		c->check->beats += s.records;
	*known = *known || s.known;
	journal_state_free(&s);
	return rc != 0 ? rc : c->bad;
}

int
heart_verify(const char *state, const struct sign_keys *keys,
	     struct heart_check *check, struct err *err)
{
	struct checking c = {
		.state = state, .keys = keys, .check = check, .err = err
	};
	const char *const files[] = { JOURNAL_MAIN, JOURNAL_ALIVE_OLD,
				      JOURNAL_ALIVE };
	bool known = false;
	int rc = 0;

	*check = (struct heart_check){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(files) && rc == 0; i++)
		rc = check_file(&c, files[i], &known);
	if (rc == 0 && c.head[0] != '\0' && !known) {
		err_add(err, (struct place){ .file = state },
			"signs of life are missing that the journal knows of");
		rc = 1;
	}
	return rc;
}
