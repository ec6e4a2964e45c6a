/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a report says has changed, for accept. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "fim/baseline.h"
#include "fim/report_show.h"

struct reading {
	struct baseline_run *r;
	void (*add)(void *ctx, const struct capture_root *);
	void *ctx;
};

static bool
bytes_of_hex(const char *hex, struct buf *out)
{
	size_t n = hex != NULL ? strlen(hex) : 0;

	buf_clear(out);
	if (n == 0 || n % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		char pair[3] = { hex[i], hex[i + 1], '\0' }, *end;

		buf_putc(out, (char)strtoul(pair, &end, 16));
		if (*end != '\0')
			return false;
	}
	return !out->failed;
}

static void
take_value(struct view values[CHANGE_ATTRIBUTE_COUNT], const char *name,
	   json_t *value)
{
	if (name == NULL || !json_is_string(value))
		return;
	for (int a = 0; a < CHANGE_ATTRIBUTE_COUNT; a++)
		if (strcmp(name, change_attribute_word(a)) == 0)
			values[a] = (struct view){ json_string_value(value),
						   json_string_length(value) };
}

/* The state that the report has seen of what was there before: its new values,
 * and for the rest the baseline's. */
static bool
changed_state(struct baseline_run *r, json_t *json, struct view path,
	      struct capture_root *root)
{
	struct view values[CHANGE_ATTRIBUTE_COUNT] = { 0 };
	const struct baseline_item *item;
	json_t *one;
	size_t i;

	if (baseline_find(r->baseline, path, &item) != 1)
		return false;
	json_array_foreach(json_object_get(json, "attributes"), i, one)
		take_value(values,
			   json_string_value(json_object_get(one, "name")),
			   json_object_get(one, "new"));
	change_state(&item->e, values, root->state);
	root->has_state = true;
	return true;
}

/* Of what was added: all that it tells, and for the rest what it leaves out,
 * which is nothing. */
static bool
added_state(json_t *json, struct capture_root *root)
{
	static const struct walk_entry nothing;
	struct view values[CHANGE_ATTRIBUTE_COUNT] = { 0 };
	json_t *entry = json_object_get(json, "entry"), *value;
	const char *name;

	json_object_foreach(entry, name, value) take_value(values, name, value);
	if (values[CHANGE_TYPE].n == 0 || values[CHANGE_MODE].n == 0)
		return false;
	change_state(&nothing, values, root->state);
	root->has_state = true;
	return true;
}

/* One change of the report; false if it makes no sense. */
static bool
take_reported(struct reading *m, json_t *json)
{
	json_t *path = json_object_get(json, "path");
	const char *kind = json_string_value(json_object_get(json, "kind"));
	const char *hex = json_string_value(json_object_get(json, "path_hex"));
	const char *digest = json_string_value(json_object_get(json, "sha256"));
	struct capture_root root = { .alone = true, .expected = true };
	struct buf bytes = { 0 }, content = { 0 };
	struct view v;
	bool ok;

	if (kind == NULL)
		return json_object_get(json, "uncovered") != NULL ||
		       json_object_get(json, "summary") != NULL;
	ok = json_is_string(path) && (hex == NULL || bytes_of_hex(hex, &bytes));
	v = hex != NULL ? buf_view(&bytes)
			: (struct view){ json_string_value(path),
					 json_string_length(path) };
	ok = ok && v.n > 0 && v.p[0] == '/' && scope_covers(&m->r->scope, v);
	root.path = v;
	root.gone = strcmp(kind, "removed") == 0;
	if (ok && strcmp(kind, "changed") == 0)
		ok = changed_state(m->r, json, v, &root);
	else if (ok && strcmp(kind, "added") == 0)
		ok = added_state(json, &root);
	else
		ok = ok && root.gone;
	if (ok && digest != NULL)
		ok = bytes_of_hex(digest, &content) && content.n == 32;
	if (ok && digest != NULL)
		memcpy(root.sha256, content.p, 32);
	if (ok)
		m->add(m->ctx, &root);
	buf_free(&content);
	buf_free(&bytes);
	return ok;
}

static bool
take_document(struct reading *m, json_t *json)
{
	json_t *changes = json_object_get(json, "changes"), *item;
	size_t i;

	if (changes == NULL)
		return take_reported(m, json);
	json_array_foreach(changes, i,
			   item) if (!take_reported(m, item)) return false;
	return true;
}

/* JSON, or a JSON object a line: jansson stops after each. */
static bool
take_report(struct reading *m, struct view text)
{
	while ((text = view_trim(text)).n > 0) {
		json_error_t error;
		json_t *json = json_loadb(text.p, text.n,
					  JSON_DISABLE_EOF_CHECK, &error);
		bool ok = json != NULL && take_document(m, json);

		json_decref(json);
		if (!ok || error.position <= 0)
			return false;
		text = view_sub(text, (size_t)error.position, SIZE_MAX);
	}
	return true;
}

/* Who can exchange a report between its reader and us would choose what is
 * accepted: it has to be signed, unless the command line says otherwise. What
 * is signed wrongly is taken by no means. */
static enum exit_code
verify_report(struct baseline_run *r, struct view text)
{
	struct sign_result result = { 0 };
	enum sign_verdict verdict =
		sign_verify_read(r->o->report, text, &r->keys, &result);
	bool believed = verdict == SIGN_GOOD ||
			(verdict == SIGN_NO_SIGNATURE && r->o->unsigned_report);

	if (!believed)
		report_complain(r->io, r->o->report, verdict, &result);
	if (verdict == SIGN_NO_SIGNATURE && !believed)
		baseline_failed(r, EXIT_TAMPERED,
				"who has read it can sign it (tocsin report "
				"sign), or say --unsigned-report");
	sign_result_free(&result);
	return believed ? EXIT_NOTHING : EXIT_TAMPERED;
}

enum exit_code
baseline_reported(struct baseline_run *r,
		  void (*add)(void *ctx, const struct capture_root *),
		  void *ctx)
{
	struct reading m = { .r = r, .add = add, .ctx = ctx };
	const char *file = r->o->report;
	struct buf text = { 0 };
	enum exit_code code;
	int fd;

	if (file == NULL)
		return EXIT_NOTHING;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fd_read_all(fd, REPORT_MAX_BYTES, &text) != 0)
		code = baseline_failed(r, EXIT_IO, "%s: %s", file,
				       strerror(errno));
	else
		code = verify_report(r, buf_view(&text));
	if (code == EXIT_NOTHING && !take_report(&m, buf_view(&text)))
		code = baseline_failed(r, EXIT_CONFIG,
				       "%s: this is not a report of tocsin "
				       "baseline check about this baseline",
				       file);
	if (fd >= 0)
		close(fd);
	buf_free(&text);
	return code;
}
