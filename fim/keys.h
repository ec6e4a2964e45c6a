/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys as the command line and the configuration name them. */
#ifndef FIM_KEYS_H
#define FIM_KEYS_H

#include "baselines/sign.h"
#include "fim/config.h"
#include "fim/options.h"

/* The exit code for an error of baselines/sign.h, by errno. */
enum exit_code keys_exit_code(void);

/* The secret key in `path`; asks for its passphrase where it must. NULL with
 * `code` set and diagnostics in io->err. Free with sign_secret_free. */
struct sign_secret *keys_open_secret(const struct options *, const char *path,
				     struct cmd_io *, enum exit_code *code);

/* The public keys in these files. Free keys->v with free(3), also after an
 * error; `err` has what is wrong with any. */
enum exit_code keys_read(struct sign_keys *, const char *const *paths, size_t n,
			 enum sign_file_trust, struct err *);

/* The public keys to trust: those of --pubkey, else the configuration's,
 * which must be nobody else's to write. Free keys->v with free(3). */
enum exit_code
keys_trusted(const struct options *, struct cmd_io *, struct sign_keys *keys);
/* The same for those who can do without: keys->n may be 0. */
enum exit_code
keys_known(const struct options *, struct cmd_io *, struct sign_keys *keys);

/* Those that signed rules need, if the configuration wants them signed. */
enum exit_code
keys_of_rules(const struct config *, struct cmd_io *, struct sign_keys *keys);

/* No core dump of this process, and no other process of ours may look into
 * it: called before a secret is read. */
void keys_shield(void);

#endif
