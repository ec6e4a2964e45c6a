/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin report: show reports, and sign or verify them, or any files. */
#include <stdlib.h>

#include "fim/keys.h"
#include "fim/report_show.h"

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

/* ---- all ------------------------------------------------------------- */

static enum exit_code
check_options(const struct options *o, struct cmd_io *io)
{
	if (o->key != NULL || o->comment != NULL || o->passphrase_fd != NULL)
		return usage(io, "--key, --comment and --passphrase-fd are "
				 "for tocsin report sign");
	return EXIT_NOTHING;
}

static enum exit_code
verify(const struct options *o, struct cmd_io *io)
{
	struct sign_keys keys = { 0 };
	enum exit_code code;

	if (o->args.n < 2)
		return usage(io, "tocsin report verify wants files");
	if (o->format >= FORMAT_HTML)
		return usage(io, "signatures are shown as text, json or "
				 "ndjson");
	code = check_options(o, io);
	if (code == EXIT_NOTHING)
		code = keys_trusted(o, io, &keys);
	if (code == EXIT_NOTHING)
		code = report_verify(o, io, &keys);
	free((void *)keys.v);
	return code;
}

static enum exit_code
show(const struct options *o, struct cmd_io *io)
{
	struct sign_keys keys = { 0 };
	enum exit_code code;

	if (o->args.n != 2)
		return usage(io, "tocsin report show wants one report, or - "
				 "for standard input");
	if (o->format == FORMAT_NDJSON)
		return usage(io, "a report is shown as text, html, json or "
				 "sarif");
	code = check_options(o, io);
	if (code == EXIT_NOTHING)
		code = keys_known(o, io, &keys);
	if (code == EXIT_NOTHING)
		code = report_show(o, io, &keys);
	free((void *)keys.v);
	return code;
}

enum exit_code
cmd_report(const struct options *o, struct cmd_io *io)
{
	const char *action = o->args.n > 0 ? o->args.v[0] : "";

	if (strcmp(action, "show") == 0)
		return show(o, io);
	if (strcmp(action, "verify") == 0)
		return verify(o, io);
	if (strcmp(action, "sign") == 0)
		return report_sign(o, io);
	return usage(io, "tocsin report wants show, verify or sign");
}
