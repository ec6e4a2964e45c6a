/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin report verify: signatures of files; of reports also what is in them,
 * and that each follows the one before. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "baselines/atomic.h"
#include "fim/report_show.h"

enum chain { CHAIN_NONE, CHAIN_FIRST, CHAIN_FOLLOWS, CHAIN_BROKEN };
static const char *const chain_words[] = { "", "first", "follows", "broken" };

struct verifying {
	struct cmd_io *io;
	const struct sign_keys *keys;
	bool json, list; /* objects; in one array */
	struct buf out;
	enum exit_code code;
	/* The last report. */
	const char *last_file;
	char last_sha256[65];
};

/* One file. */
struct verified {
	const char *file;
	enum sign_verdict verdict;
	struct sign_result signature; /* or the document's */
	bool is_report, valid;
	enum chain chain;
	struct report_doc doc;
};

void
report_complain(struct cmd_io *io, const char *file, enum sign_verdict verdict,
		const struct sign_result *r)
{
	struct buf b = { 0 };

	buf_puts(&b, sign_verdict_sentence(verdict));
	if (r->id_known) {
		buf_puts(&b, " (key ");
		sign_id_text(r->id, &b);
		buf_putc(&b, ')');
	}
	if (verdict == SIGN_MALFORMED)
		buf_printf(&b, ": %s", r->why);
	if (verdict == SIGN_UNREADABLE)
		buf_printf(&b, ": %s",
			   r->error == ELOOP ? "it is a symbolic link"
					     : strerror(r->error));
	if (verdict == SIGN_LEGACY)
		buf_puts(&b, "; see --legacy");
	buf_putc(&b, '\0');
	err_add(&io->err, (struct place){ .file = file }, "%s",
		b.failed ? sign_verdict_sentence(verdict) : b.p);
	buf_free(&b);
}

/* ---- what comes out -------------------------------------------------- */

static void
put_json(struct buf *b, const struct verified *v)
{
	const struct sign_result *r = &v->signature;

	buf_puts(b, "{\"file\":");
	buf_json_string(b, view_of(v->file));
	buf_printf(b, ",\"status\":\"%s\"", sign_verdict_word(v->verdict));
	if (r->id_known) {
		buf_puts(b, ",\"key_id\":\"");
		sign_id_text(r->id, b);
		buf_putc(b, '"');
	}
	if (v->verdict == SIGN_GOOD) {
		buf_puts(b, ",\"trusted_comment\":");
		buf_json_string(b, r->trusted);
	}
	if (v->is_report)
		buf_printf(b, ",\"sha256\":\"%s\",\"valid\":%s", v->doc.sha256,
			   v->valid ? "true" : "false");
	if (v->chain != CHAIN_NONE)
		buf_printf(b, ",\"chain\":\"%s\"", chain_words[v->chain]);
	buf_putc(b, '}');
}

static void
put_text(struct buf *b, const struct verified *v, const char *last)
{
	const struct sign_result *r = &v->signature;

	buf_printf(b, "%-12s", sign_verdict_word(v->verdict));
	buf_text_word(b, view_of(v->file));
	if (v->verdict == SIGN_GOOD) {
		buf_puts(b, "  key ");
		sign_id_text(r->id, b);
		buf_puts(b, "  ");
		buf_text(b, r->trusted);
	}
	buf_putc(b, '\n');
	if (v->chain != CHAIN_FOLLOWS)
		return;
	buf_printf(b, "%-12s", chain_words[v->chain]);
	buf_text_word(b, view_of(v->file));
	buf_puts(b, " follows ");
	buf_text_word(b, view_of(last));
	buf_putc(b, '\n');
}

static void
put(struct verifying *w, const struct verified *v)
{
	struct buf *b = &w->out;

	if (!w->json) {
		put_text(b, v, w->last_file);
		return;
	}
	if (w->list)
		buf_puts(b, b->n == 0 ? "[\n" : ",\n");
	put_json(b, v);
	if (!w->list)
		buf_putc(b, '\n');
}

/* ---- one file -------------------------------------------------------- */

/* Into memory if it is a report, so that what is checked is what is read. -1
 * and errno: it cannot be read, and one that is not read follows nothing. */
static int
read_report(struct verified *v)
{
	char head[256];
	ssize_t n = -1;
	int fd = open(v->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
				       O_NONBLOCK);

	if (fd >= 0)
		do
			n = pread(fd, head, sizeof(head), 0);
		while (n < 0 && errno == EINTR);
	v->is_report = n > 0 && report_is((struct view){ head, (size_t)n });
	if (v->is_report && report_read_fd(&v->doc, fd) != 0)
		n = -1;
	if (fd >= 0)
		close_quietly(fd);
	return n < 0 ? -1 : v->is_report;
}

static void
check_chain(struct verifying *w, struct verified *v)
{
	struct view names = report_text(v->doc.root, "previous.sha256");

	if (w->last_file == NULL) {
		v->chain = CHAIN_FIRST;
		return;
	}
	v->chain = CHAIN_FOLLOWS;
	if (view_eq(names, view_of(w->last_sha256)))
		return;
	v->chain = CHAIN_BROKEN;
	w->code = EXIT_TAMPERED;
	if (names.n > 0)
		err_add(&w->io->err, (struct place){ .file = v->file },
			"does not follow %s: the report before it has the "
			"digest %.16s...",
			w->last_file, names.p);
	else
		err_add(&w->io->err, (struct place){ .file = v->file },
			"does not follow %s: it names no report before it",
			w->last_file);
}

/* A signature failure outweighs a file that could not be read. */
static enum exit_code
worse(enum exit_code code, enum sign_verdict verdict)
{
	if (verdict == SIGN_GOOD)
		return code;
	if (verdict == SIGN_UNREADABLE || verdict == SIGN_UNSTABLE)
		return code == EXIT_TAMPERED ? code : EXIT_IO;
	return EXIT_TAMPERED;
}

/* Nobody has answered for what is in a report that is not what was signed:
 * that alone is told. */
static void
check_report(struct verifying *w, struct verified *v)
{
	v->doc.file = v->file;
	v->valid = report_parse(&v->doc, &w->io->err) == 0;
	if (!v->valid) {
		if (w->code != EXIT_TAMPERED)
			w->code = EXIT_IO;
		return;
	}
	check_chain(w, v);
}

static void
verify_one(struct verifying *w, const char *file)
{
	struct verified v = { .file = file };
	int rc = read_report(&v);

	if (rc < 0) {
		v.verdict = SIGN_UNREADABLE;
		v.signature.error = errno;
	} else if (rc > 0) {
		v.verdict = sign_verify_read(file, buf_view(&v.doc.text),
					     w->keys, &v.signature);
	} else {
		v.verdict = sign_verify_file(file, w->keys, &v.signature);
	}
	w->code = worse(w->code, v.verdict);
	if (v.verdict != SIGN_GOOD)
		report_complain(w->io, file, v.verdict, &v.signature);
	else if (v.is_report)
		check_report(w, &v);
	put(w, &v);
	if (v.valid) {
		w->last_file = file;
		memcpy(w->last_sha256, v.doc.sha256, sizeof(v.doc.sha256));
	}
	sign_result_free(&v.signature);
	report_doc_free(&v.doc);
}

enum exit_code
report_verify(const struct options *o, struct cmd_io *io,
	      const struct sign_keys *keys)
{
	struct verifying w = { .io = io, .keys = keys };

	w.list = o->format == FORMAT_JSON;
	w.json = w.list || o->format == FORMAT_NDJSON;
	for (size_t i = 1; i < o->args.n; i++)
		verify_one(&w, o->args.v[i]);
	if (w.list)
		buf_puts(&w.out, "\n]\n");
	if (w.out.failed) {
		err_no_memory(&io->err, (struct place){ 0 });
		w.code = EXIT_IO;
	}
	fwrite(w.out.p, 1, w.out.n, io->out);
	buf_free(&w.out);
	return w.code;
}
