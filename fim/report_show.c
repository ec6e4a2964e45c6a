/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin report show. */
#include "fim/report_show.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/sarif.h"

static enum exit_code
read_file(struct report_doc *doc, struct cmd_io *io)
{
	bool standard_input = strcmp(doc->file, "-") == 0;
	int fd = standard_input
			 ? STDIN_FILENO
			 : open(doc->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct place at = { .file = doc->file };
	int rc = -1;

	if (fd >= 0)
		rc = report_read_fd(doc, fd);
	if (rc != 0 && errno == EFBIG)
		err_add(&io->err, at, "is larger than a report can be");
	else if (rc != 0)
		err_add(&io->err, at, "cannot be read: %s", strerror(errno));
	if (fd >= 0 && !standard_input)
		close(fd);
	return rc == 0 ? EXIT_NOTHING : EXIT_IO;
}

/* Who names a key wants a good signature. With the configuration's, and
 * without any, an unsigned report is shown as what it is; one that was changed
 * is never shown. */
static enum exit_code
check_signature(struct report_doc *doc, const struct options *o,
		struct cmd_io *io, const struct sign_keys *keys)
{
	if (keys->n == 0)
		return EXIT_NOTHING;
	doc->checked = true;
	if (strcmp(doc->file, "-") == 0)
		doc->verdict = SIGN_NO_SIGNATURE;
	else
		doc->verdict = sign_verify_read(doc->file, buf_view(&doc->text),
						keys, &doc->signature);
	if (doc->verdict == SIGN_GOOD ||
	    (doc->verdict == SIGN_NO_SIGNATURE && o->pubkeys.n == 0))
		return EXIT_NOTHING;
	report_complain(io, doc->file, doc->verdict, &doc->signature);
	return doc->verdict == SIGN_UNREADABLE ? EXIT_IO : EXIT_TAMPERED;
}

static void
put_sarif(const struct report_doc *doc, struct buf *out)
{
	static const struct {
		const char *key;
		void (*put)(struct sarif *, const json_t *);
	} rows[] = { { "changes", sarif_change },
		     { "findings", sarif_alert },
		     { "alerts", sarif_alert },
		     { "coverage.uncovered", sarif_uncovered } };
	struct sarif *s = sarif_begin(out);

	if (s == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const json_t *list = report_get(doc->root, rows[i].key);

		for (size_t k = 0; k < json_array_size(list); k++)
			rows[i].put(s, json_array_get(list, k));
	}
	sarif_end(s, report_time(doc->root, "started"),
		  report_time(doc->root, "ended"));
}

static enum exit_code
put(const struct report_doc *doc, const struct options *o, struct cmd_io *io)
{
	struct buf out = { 0 };
	enum exit_code code = EXIT_NOTHING;

	if (o->format == FORMAT_JSON)
		buf_put(&out, buf_view(&doc->text));
	else if (o->format == FORMAT_HTML)
		report_put_html(doc, &out);
	else if (o->format == FORMAT_SARIF)
		put_sarif(doc, &out);
	else
		report_put_text(doc, io->color, &out);
	if (out.failed) {
		err_add(&io->err, (struct place){ 0 }, "out of memory");
		code = EXIT_IO;
	}
	fwrite(out.p, 1, out.n, io->out);
	buf_free(&out);
	return code;
}

enum exit_code
report_show(const struct options *o, struct cmd_io *io,
	    const struct sign_keys *keys)
{
	struct report_doc doc = { .file = o->args.v[1] };
	enum exit_code code = read_file(&doc, io);

	if (code == EXIT_NOTHING)
		code = check_signature(&doc, o, io, keys);
	if (code == EXIT_NOTHING && report_parse(&doc, &io->err) != 0)
		code = EXIT_IO;
	if (code == EXIT_NOTHING)
		code = put(&doc, o, io);
	report_doc_free(&doc);
	return code;
}
