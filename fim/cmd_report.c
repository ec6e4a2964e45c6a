/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin report: sign reports, or any files, and check their signatures. */
#include <errno.h>
#include <stdlib.h>

#include "fim/keys.h"

static enum exit_code
usage(struct cmd_io *io, const char *why)
{
	err_add(&io->err, (struct place){ 0 }, "%s", why);
	return EXIT_USAGE;
}

/* ---- sign ------------------------------------------------------------ */

static enum exit_code
sign_files(const struct options *o, struct cmd_io *io,
	   const struct sign_secret *secret)
{
	struct view comment = view_of(o->comment);
	enum exit_code code = EXIT_NOTHING;

	for (size_t i = 1; i < o->args.n; i++) {
		const char *file = o->args.v[i];

		if (sign_file(secret, file, comment, &io->err) != 0)
			code = EXIT_IO;
		else
			fprintf(io->notes, "tocsin: %s%s written\n", file,
				SIGN_SUFFIX);
	}
	return code;
}

static enum exit_code
report_sign(const struct options *o, struct cmd_io *io)
{
	struct sign_secret *secret;
	enum exit_code code;

	if (o->args.n < 2)
		return usage(io, "tocsin report sign wants files");
	if (o->key == NULL)
		return usage(io, "tocsin report sign wants --key FILE, the "
				 "secret key");
	if (o->pubkeys.n > 0 || o->legacy)
		return usage(io, "--pubkey and --legacy are for tocsin report "
				 "verify");
	if (!sign_comment_fits(view_of(o->comment)))
		return usage(io, "--comment wants one line of at most 8173 "
				 "bytes");
	secret = keys_open_secret(o, o->key, io, &code);
	if (secret != NULL)
		code = sign_files(o, io, secret);
	sign_secret_free(secret);
	return code;
}

/* ---- verify ---------------------------------------------------------- */

static void
put_json(struct buf *b, const char *file, enum sign_verdict verdict,
	 const struct sign_result *r)
{
	buf_puts(b, "{\"file\":");
	buf_json_string(b, view_of(file));
	buf_printf(b, ",\"status\":\"%s\"", sign_verdict_word(verdict));
	if (r->id_known) {
		buf_puts(b, ",\"key_id\":\"");
		sign_id_text(r->id, b);
		buf_putc(b, '"');
	}
	if (verdict == SIGN_GOOD) {
		buf_puts(b, ",\"trusted_comment\":");
		buf_json_string(b, r->trusted);
	}
	buf_putc(b, '}');
}

static void
put_text(struct buf *b, const char *file, enum sign_verdict verdict,
	 const struct sign_result *r)
{
	buf_printf(b, "%-12s", sign_verdict_word(verdict));
	buf_text_word(b, view_of(file));
	if (verdict == SIGN_GOOD) {
		buf_puts(b, "  key ");
		sign_id_text(r->id, b);
		buf_puts(b, "  ");
		buf_text(b, r->trusted);
	}
	buf_putc(b, '\n');
}

/* One line for people, whatever is wrong. */
static void
complain(struct cmd_io *io, const char *file, enum sign_verdict verdict,
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

static enum exit_code
verify_files(const struct options *o, struct cmd_io *io,
	     const struct sign_keys *keys)
{
	bool list = o->format == FORMAT_JSON;
	bool json = list || o->format == FORMAT_NDJSON;
	enum exit_code code = EXIT_NOTHING;
	struct buf b = { 0 };

	for (size_t i = 1; i < o->args.n; i++) {
		const char *file = o->args.v[i];
		struct sign_result r = { 0 };
		enum sign_verdict verdict = sign_verify_file(file, keys, &r);

		if (list)
			buf_puts(&b, i == 1 ? "[\n" : ",\n");
		(json ? put_json : put_text)(&b, file, verdict, &r);
		if (json && !list)
			buf_putc(&b, '\n');
		if (verdict != SIGN_GOOD)
			complain(io, file, verdict, &r);
		code = worse(code, verdict);
		sign_result_free(&r);
	}
	if (list)
		buf_puts(&b, "\n]\n");
	if (b.failed)
		code = EXIT_IO;
	fwrite(b.p, 1, b.n, io->out);
	buf_free(&b);
	return code;
}

static enum exit_code
report_verify(const struct options *o, struct cmd_io *io)
{
	struct sign_keys keys = { 0 };
	enum exit_code code;

	if (o->args.n < 2)
		return usage(io, "tocsin report verify wants files");
	if (o->key != NULL || o->comment != NULL || o->passphrase_fd != NULL)
		return usage(io, "--key, --comment and --passphrase-fd are "
				 "for tocsin report sign");
	code = keys_trusted(o, io, &keys);
	if (code == EXIT_NOTHING)
		code = verify_files(o, io, &keys);
	free((void *)keys.v);
	return code;
}

enum exit_code
cmd_report(const struct options *o, struct cmd_io *io)
{
	const char *action = o->args.n > 0 ? o->args.v[0] : "";

	if (o->format == FORMAT_HTML)
		return usage(io, "signatures are shown as text, json or "
				 "ndjson");
	if (strcmp(action, "sign") == 0)
		return report_sign(o, io);
	if (strcmp(action, "verify") == 0)
		return report_verify(o, io);
	return usage(io, "tocsin report wants sign or verify");
}
