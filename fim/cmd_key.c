/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin key: make key pairs, and say which key is in a file. */
#include <errno.h>
#include <unistd.h>

#include "fim/keys.h"
#include "fim/passphrase.h"

static enum exit_code
usage(struct cmd_io *io, const char *why)
{
	err_add(&io->err, (struct place){ 0 }, "%s", why);
	return EXIT_USAGE;
}

static enum exit_code
print(struct cmd_io *io, struct buf *b)
{
	enum exit_code code = EXIT_NOTHING;

	if (b->failed) {
		err_add(&io->err, (struct place){ 0 }, "out of memory");
		code = EXIT_IO;
	} else {
		fwrite(b->p, 1, b->n, io->out);
	}
	buf_free(b);
	return code;
}

/* What a public key is called and how it reads; `file` is where it was. */
static enum exit_code
print_key(const struct options *o, struct cmd_io *io, const char *file,
	  const struct sign_public *key)
{
	bool json = o->format == FORMAT_JSON || o->format == FORMAT_NDJSON;
	struct buf b = { 0 };

	buf_puts(&b, json ? "{\"file\":" : "file        ");
	if (json)
		buf_json_string(&b, view_of(file));
	else
		buf_text(&b, view_of(file));
	buf_puts(&b, json ? ",\"key_id\":\"" : "\nkey id      ");
	sign_id_text(key->id, &b);
	buf_puts(&b, json ? "\",\"public_key\":\"" : "\npublic key  ");
	sign_public_text(key, &b);
	buf_puts(&b, json ? "\"}\n" : "\n");
	return print(io, &b);
}

/* ---- generate -------------------------------------------------------- */

/* A pair, or neither: a secret key without its public half is taken away. */
static enum exit_code
write_pair(const struct options *o, struct cmd_io *io,
	   const struct sign_secret *pair, const struct sign_lock *lock)
{
	const char *secret = o->args.v[1], *public = o->args.v[2];

	if (sign_secret_write(pair, secret, lock, &io->err) != 0)
		return keys_exit_code();
	if (sign_public_write(sign_secret_public(pair), public, &io->err) == 0)
		return EXIT_NOTHING;
	unlink(secret);
	return EXIT_IO;
}

/* Found out before anybody is asked for a passphrase. */
static bool
names_free(const struct options *o, struct cmd_io *io)
{
	bool all = true;

	for (size_t i = 1; i <= 2; i++) {
		if (access(o->args.v[i], F_OK) != 0)
			continue;
		err_add(&io->err, (struct place){ .file = o->args.v[i] },
			"exists; not overwritten");
		all = false;
	}
	return all;
}

static enum exit_code
generate_pair(const struct options *o, struct cmd_io *io,
	      struct passphrase_source *source)
{
	struct sign_lock lock = { .passphrase = { passphrase_get, source } };
	struct sign_secret *pair;
	enum exit_code code;

	keys_shield();
	pair = sign_generate();
	if (pair == NULL) {
		err_add(&io->err, (struct place){ 0 }, "no key: %s",
			strerror(errno));
		return EXIT_IO;
	}
	code = write_pair(o, io, pair, o->unencrypted ? NULL : &lock);
	if (source->why != NULL)
		usage(io, source->why);
	if (code == EXIT_NOTHING)
		code = print_key(o, io, o->args.v[2], sign_secret_public(pair));
	sign_secret_free(pair);
	return code;
}

static enum exit_code
key_generate(const struct options *o, struct cmd_io *io)
{
	struct passphrase_source source = { .fd = -1 };

	if (o->args.n != 3)
		return usage(io, "tocsin key generate wants two new files: "
				 "SECRET PUBLIC");
	if (o->unencrypted && o->passphrase_fd != NULL)
		return usage(io, "--unencrypted and --passphrase-fd exclude "
				 "each other");
	if (!passphrase_fd(o->passphrase_fd, &source.fd))
		return usage(io, "--passphrase-fd wants the number of an open "
				 "descriptor");
	source.what = o->args.v[1];
	if (!names_free(o, io))
		return EXIT_IO;
	return generate_pair(o, io, &source);
}

/* ---- show ------------------------------------------------------------ */

static enum exit_code
key_show(const struct options *o, struct cmd_io *io)
{
	struct err not_public = { 0 };
	struct sign_secret *secret;
	struct sign_public key;
	const char *file;
	enum exit_code code;

	if (o->args.n != 2)
		return usage(io, "tocsin key show wants one key file");
	file = o->args.v[1];
	if (sign_public_read(&key, file, SIGN_ANY_FILE, &not_public) == 0)
		return print_key(o, io, file, &key);
	if (errno != EBADMSG) {
		io->err = not_public;
		return keys_exit_code();
	}
	secret = keys_open_secret(o, file, io, &code);
	if (secret != NULL)
		code = print_key(o, io, file, sign_secret_public(secret));
	else if (code == EXIT_TAMPERED)
		usage(io, "a key file is as tocsin key generate or minisign -G "
			  "write it");
	sign_secret_free(secret);
	err_free(&not_public);
	return code;
}

enum exit_code
cmd_key(const struct options *o, struct cmd_io *io)
{
	const char *action = o->args.n > 0 ? o->args.v[0] : "";

	if (o->format >= FORMAT_HTML)
		return usage(io, "keys are shown as text, json or ndjson");
	if (strcmp(action, "generate") == 0)
		return key_generate(o, io);
	if (strcmp(action, "show") == 0)
		return key_show(o, io);
	return usage(io, "tocsin key wants generate or show");
}
