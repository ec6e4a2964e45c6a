/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as a tree, checked against report.def. */
#include "fim/report_read.h"

#include <errno.h>
#include <stdlib.h>

#include "fim/report.h"
#include "scan/scan.h"

enum shape {
	NONE,
	REPORT,
	VERSIONS,
	HOST,
	BASELINE,
	PREVIOUS,
	CHANGE,
	ATTRIBUTE,
	ENTRY,
	ALERT,
	RULE,
	GAP,
	PERIOD,
	COVERAGE,
	UNCOVERED,
	NOTE,
	SUMMARY
};
enum type { TEXT, COUNT, FLAG, TIME, DIGEST, HEX, KIND, OBJECT, LIST };
enum need { REQUIRED, OPTIONAL, NULLABLE };

static const struct field {
	enum shape in;
	const char *key;
	enum type type;
	enum need need;
	enum shape of;
} fields[] = {
#define FIELD(in, key, type, need, of) { in, key, type, need, of },
#include "fim/report.def"
#undef FIELD
};

static const char *const type_words[] = {
	[TEXT] = "text",
	[COUNT] = "a number without sign or fraction",
	[FLAG] = "true or false",
	[TIME] = "a time in RFC 3339",
	[DIGEST] = "64 hexadecimal digits",
	[HEX] = "hexadecimal digits",
	[KIND] = "added, removed or changed",
	[OBJECT] = "an object",
	[LIST] = "a list",
};

/* ---- checking -------------------------------------------------------- */

/* Where in the document: only what an error says of it. */
struct step {
	const struct step *up;
	const char *key; /* NULL: the item `index` of a list */
	size_t index;
};

static void
put_step(struct buf *b, const struct step *s)
{
	if (s == NULL)
		return;
	put_step(b, s->up);
	if (s->key == NULL)
		buf_printf(b, "[%zu]", s->index);
	else
		buf_printf(b, "%s%s", s->up != NULL ? "." : "", s->key);
}

struct checking {
	const struct report_doc *doc;
	struct err *err;
};

static bool
wrong(struct checking *c, const struct step *at, const char *what)
{
	struct buf b = { 0 };

	put_step(&b, at);
	buf_printf(&b, " %s%c", what, 0);
	err_add(&c->err[0], (struct place){ .file = c->doc->file }, "%s",
		b.failed ? what : b.p);
	buf_free(&b);
	return false;
}

static bool
is_hex(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!(v.p[i] >= '0' && v.p[i] <= '9') &&
		    !(v.p[i] >= 'a' && v.p[i] <= 'f'))
			return false;
	return true;
}

static bool
has_type(const json_t *json, enum type type)
{
	struct view v = report_view(json);
	uint64_t ignored;

	switch (type) {
	case TEXT:
		return json_is_string(json);
	case COUNT:
		return json_is_integer(json) && json_integer_value(json) >= 0;
	case FLAG:
		return json_is_boolean(json);
	case TIME:
		return rfc3339_read(v, &ignored);
	case DIGEST:
		return v.n == 64 && is_hex(v);
	case HEX:
		return v.n > 0 && v.n % 2 == 0 && is_hex(v);
	case KIND:
		return view_eq(v, VIEW("added")) ||
		       view_eq(v, VIEW("removed")) ||
		       view_eq(v, VIEW("changed"));
	case OBJECT:
		return json_is_object(json);
	case LIST:
		return json_is_array(json);
	}
	return false;
}

static bool
check_shape(struct checking *, const struct step *, const json_t *, enum shape);

static bool
check_list(struct checking *c, const struct step *at, const json_t *list,
	   enum shape of)
{
	struct step step = { .up = at };

	for (; step.index < json_array_size(list); step.index++) {
		const json_t *item = json_array_get(list, step.index);

		if (!json_is_object(item))
			return wrong(c, &step, "must be an object");
		if (!check_shape(c, &step, item, of))
			return false;
	}
	return true;
}

static bool
check_field(struct checking *c, const struct step *at, const json_t *in,
	    const struct field *f)
{
	struct step step = { .up = at, .key = f->key };
	const json_t *json = json_object_get(in, f->key);
	char what[64];

	if (json == NULL)
		return f->need == OPTIONAL || wrong(c, &step, "is missing");
	if (json_is_null(json) && f->need == NULLABLE)
		return true;
	if (!has_type(json, f->type)) {
		snprintf(what, sizeof(what), "must be %s", type_words[f->type]);
		return wrong(c, &step, what);
	}
	if (f->type == OBJECT)
		return check_shape(c, &step, json, f->of);
	return f->type != LIST || check_list(c, &step, json, f->of);
}

static bool
check_shape(struct checking *c, const struct step *at, const json_t *json,
	    enum shape shape)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].in == shape &&
		    !check_field(c, at, json, &fields[i]))
			return false;
	return true;
}

/* ---- reading --------------------------------------------------------- */

bool
report_is(struct view text)
{
	text = view_trim(view_sub(text, 0, 256));
	return view_starts(text, VIEW("{\"format\":\"" REPORT_FORMAT "\""));
}

int
report_read_fd(struct report_doc *doc, int fd)
{
	buf_clear(&doc->text);
	return fd_read_all(fd, REPORT_MAX_BYTES, &doc->text);
}

static int
fail_at(struct report_doc *doc, struct err *err, const json_error_t *e)
{
	struct place at = { .file = doc->file };

	if (e->line > 0) {
		at.line = (unsigned)e->line;
		at.column = e->column > 0 ? (unsigned)e->column : 0;
	}
	return err_add(err, at, "this is no report: %s", e->text);
}

static int
check_version(struct report_doc *doc, struct err *err)
{
	const json_t *version = json_object_get(doc->root, "version");
	struct place at = { .file = doc->file };

	if (!view_eq(report_text(doc->root, "format"), VIEW(REPORT_FORMAT)))
		return err_add(err, at,
			       "this is no report of Tocsin: it has no "
			       "\"format\": \"" REPORT_FORMAT "\"");
	if (json_is_integer(version) &&
	    json_integer_value(version) > REPORT_VERSION)
		return err_add(err, at,
			       "the report has version %lld, this program "
			       "reads up to %d: use the newer program",
			       (long long)json_integer_value(version),
			       REPORT_VERSION);
	if (json_is_integer(version) && json_integer_value(version) < 1)
		return err_add(err, at, "version must be 1");
	return 0;
}

int
report_parse(struct report_doc *doc, struct err *err)
{
	struct checking c = { .doc = doc, .err = err };
	json_error_t error = { .line = -1 };
	struct buf hex = { 0 };
	uint8_t digest[32];

	digest_sha256(buf_view(&doc->text), digest);
	buf_hex(&hex, digest, sizeof(digest));
	if (hex.failed)
		return err_add(err, (struct place){ .file = doc->file },
			       "out of memory");
	memcpy(doc->sha256, hex.p, 64);
	buf_free(&hex);
	/* A path may have any byte in its JSON but NUL; an SELinux label of
	 * somebody's making may have that as well. */
	doc->root = json_loadb(doc->text.n > 0 ? doc->text.p : "", doc->text.n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (doc->root == NULL)
		return fail_at(doc, err, &error);
	if (!json_is_object(doc->root))
		return err_add(err, (struct place){ .file = doc->file },
			       "this is no report: it must be an object");
	if (check_version(doc, err) != 0)
		return -1;
	return check_shape(&c, NULL, doc->root, REPORT) ? 0 : -1;
}

void
report_doc_free(struct report_doc *doc)
{
	buf_free(&doc->text);
	json_decref(doc->root);
	sign_result_free(&doc->signature);
	*doc = (struct report_doc){ 0 };
}
