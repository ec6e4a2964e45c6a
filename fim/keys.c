/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys as the command line and the configuration name them. */
#include "fim/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "fim/config.h"
#include "fim/passphrase.h"

enum exit_code
keys_exit_code(void)
{
	switch (errno) {
	case EBADMSG:
		return EXIT_TAMPERED;
	case EINTR:
		return EXIT_STOPPED;
	default:
		return EXIT_IO;
	}
}

void
keys_shield(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

struct sign_secret *
keys_open_secret(const struct options *o, const char *path, struct cmd_io *io,
		 enum exit_code *code)
{
	struct passphrase_source source = { .what = path };
	struct sign_passphrase passphrase = { passphrase_get, &source };
	struct sign_secret *secret;

	*code = EXIT_USAGE;
	if (!passphrase_fd(o->passphrase_fd, &source.fd)) {
		err_add(&io->err, (struct place){ 0 },
			"--passphrase-fd wants the number of an open "
			"descriptor, not '%s'",
			o->passphrase_fd);
		return NULL;
	}
	keys_shield();
	secret = sign_secret_read(path, &passphrase, &io->err);
	*code = secret != NULL ? EXIT_NOTHING : keys_exit_code();
	if (source.why != NULL)
		err_add(&io->err, (struct place){ 0 }, "%s", source.why);
	return secret;
}

/* ---- public keys ----------------------------------------------------- */

/* What is no path is the key itself. */
static int
read_key(struct sign_public *key, const char *name, enum sign_file_trust trust,
	 struct err *err)
{
	if (trust == SIGN_PINNED && sign_public_line(key, view_of(name)))
		return 0;
	return sign_public_read(key, name, trust, err);
}

static int
read_all(struct sign_public *to, const char *const *paths, size_t n,
	 enum sign_file_trust trust, struct err *err)
{
	int result = 0, error = 0;

	for (size_t i = 0; i < n; i++) {
		if (read_key(&to[i], paths[i], trust, err) == 0)
			continue;
		/* A changed key outweighs one that is not there. */
		if (result == 0 || errno == EBADMSG)
			error = errno;
		result = -1;
	}
	errno = error;
	return result;
}

enum exit_code
keys_read(struct sign_keys *keys, const char *const *paths, size_t n,
	  enum sign_file_trust trust, struct err *err)
{
	struct sign_public *v = calloc(n, sizeof(*v));

	if (v == NULL) {
		err_add(err, (struct place){ 0 }, "out of memory");
		return EXIT_IO;
	}
	keys->v = v;
	keys->n = n;
	return read_all(v, paths, n, trust, err) == 0 ? EXIT_NOTHING
						      : keys_exit_code();
}

static enum exit_code
read_configured(const struct config *config, struct cmd_io *io,
		struct sign_keys *keys)
{
	const struct config_list *list = &config->public_keys;
	const char **paths;
	enum exit_code code;

	if (list->n == 0)
		return EXIT_NOTHING;
	paths = calloc(list->n, sizeof(*paths));
	if (paths == NULL) {
		err_add(&io->err, (struct place){ 0 }, "out of memory");
		return EXIT_IO;
	}
	for (size_t i = 0; i < list->n; i++)
		paths[i] = list->v[i].p;
	code = keys_read(keys, paths, list->n, SIGN_PINNED, &io->err);
	free(paths);
	return code;
}

enum exit_code
keys_of_rules(const struct config *config, struct cmd_io *io,
	      struct sign_keys *keys)
{
	if (!config->require_signature)
		return EXIT_NOTHING;
	if (config->public_keys.n > 0)
		return read_configured(config, io, keys);
	err_add(&io->err, (struct place){ 0 },
		"rules must be signed, and there is no key to trust: name one "
		"in \"public_keys\"");
	return EXIT_CONFIG;
}

enum exit_code
keys_known(const struct options *o, struct cmd_io *io, struct sign_keys *keys)
{
	struct config config = { 0 };
	enum exit_code code;

	keys->legacy = o->legacy;
	if (o->pubkeys.n > 0)
		return keys_read(keys, o->pubkeys.v, o->pubkeys.n,
				 SIGN_ANY_FILE, &io->err);
	code = config_load(&config, o, &io->err);
	if (code == EXIT_NOTHING)
		code = read_configured(&config, io, keys);
	config_free(&config);
	return code;
}

enum exit_code
keys_trusted(const struct options *o, struct cmd_io *io, struct sign_keys *keys)
{
	enum exit_code code = keys_known(o, io, keys);

	if (code != EXIT_NOTHING || keys->n > 0)
		return code;
	err_add(&io->err, (struct place){ 0 },
		"no key to trust: name one with --pubkey, or \"public_keys\" "
		"in the configuration");
	return EXIT_USAGE;
}
