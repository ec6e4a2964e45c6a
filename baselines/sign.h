/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and signatures in minisign's formats (minisign(1), version 0.11; its
 * README and src/minisign.h are the description): what minisign signs is
 * verified here, what is signed here minisign verifies. libsodium does all of
 * the cryptography. A text file each, of lines:
 *
 *   public key   untrusted comment, base64 of "Ed", key id, Ed25519 key
 *   secret key   untrusted comment, base64 of "Ed", how it is locked ("Sc":
 *                scrypt; two zero bytes: not at all), "B2", salt, limits of
 *                scrypt, then id, key and BLAKE2b-256 checksum, locked by
 *                exclusive or
 *   signature    untrusted comment, base64 of "ED", key id, signature of the
 *                file's BLAKE2b-512; trusted comment; base64 of the signature
 *                over that signature and the trusted comment
 *
 * The untrusted comment is covered by nothing and never shown; above a trusted
 * comment that begins with "tocsin " it must be ours or minisign's default, so
 * that no change of what we sign ourselves passes. Apart from it we are
 * stricter than minisign in what minisign never writes: every line has its end,
 * base64 has one spelling, nothing follows the last line.
 *
 * Input errors: -1 (or NULL), an entry in `err`, and errno says of which
 * kind: EBADMSG the content is wrong, ECANCELED there was no passphrase to
 * get, else the system's. Files are opened without following a symbolic link
 * and must be regular. Nothing here prints.
 */
#ifndef BASELINES_SIGN_H
#define BASELINES_SIGN_H

#include "scan/base.h"

/* From minisign.h: a line with its end must fit its buffer, less a NUL. */
#define SIGN_COMMENT_LINE_MAX 1023u
#define SIGN_TRUSTED_LINE_MAX 8191u
#define SIGN_TRUSTED_MAX 8173u /* without "trusted comment: " and line end */
#define SIGN_PASSPHRASE_MAX 1022u
/* No signature or key file is longer. */
#define SIGN_TEXT_MAX 10240u
#define SIGN_SUFFIX ".minisig"

#define SIGN_ID_BYTES 8
#define SIGN_KEY_BYTES 32
#define SIGN_DIGEST_BYTES 64

/* ---- public keys ----------------------------------------------------- */

struct sign_public {
	uint8_t id[SIGN_ID_BYTES];
	uint8_t key[SIGN_KEY_BYTES];
};

enum sign_file_trust {
	SIGN_ANY_FILE,
	SIGN_PINNED /* only root and we ourselves may be able to write it */
};

int sign_public_parse(struct sign_public *, const char *file, struct view text,
		      struct err *);
int sign_public_read(struct sign_public *, const char *path,
		     enum sign_file_trust, struct err *);
/* From the one line that sign_public_text makes; false if it is none. */
bool sign_public_line(struct sign_public *, struct view line);
/* Refuses to overwrite: EEXIST. */
int
sign_public_write(const struct sign_public *, const char *path, struct err *);
/* The one line that `minisign -P` takes, without its end. */
void sign_public_text(const struct sign_public *, struct buf *out);
/* As minisign writes it: 16 hexadecimal digits, last byte first. */
void sign_id_text(const uint8_t id[SIGN_ID_BYTES], struct buf *out);

/* ---- secret keys ----------------------------------------------------- */

/* In locked memory between guard pages, left out of core dumps and zeroed
 * when freed (sodium_malloc(3)). */
struct sign_secret;

struct sign_passphrase {
	/* Puts a passphrase into `to`, which is locked memory: its length,
	 * or -1 with errno. `fresh`: it is for a new key. */
	ssize_t (*get)(void *ctx, char *to, size_t max, bool fresh);
	void *ctx;
};

/* How a new key is locked; limits 0 = minisign's (1 GiB, seconds), halved
 * until there is memory for it, as minisign does. */
struct sign_lock {
	struct sign_passphrase passphrase;
	uint64_t opslimit, memlimit;
};

/* NULL with errno. Free with sign_secret_free. */
struct sign_secret *sign_generate(void);
/* Asks for a passphrase only if the key is locked; NULL = there is none. */
struct sign_secret *sign_secret_parse(const char *file, struct view text,
				      const struct sign_passphrase *,
				      struct err *);
struct sign_secret *sign_secret_read(const char *path,
				     const struct sign_passphrase *,
				     struct err *);
/* Mode 0600; refuses to overwrite. Without a lock the key is in clear. */
int sign_secret_write(const struct sign_secret *, const char *path,
		      const struct sign_lock *, struct err *);
const struct sign_public *sign_secret_public(const struct sign_secret *);
void sign_secret_free(struct sign_secret *);

/* ---- signing --------------------------------------------------------- */

/* BLAKE2b-512 of a regular file from its beginning, in bounded memory; the
 * file offset is left alone. -1 and errno; ESTALE when the file changed
 * meanwhile, EINVAL when it is not a regular file. */
int sign_digest_fd(int fd, uint8_t digest[SIGN_DIGEST_BYTES]);
int sign_digest_bytes(struct view, uint8_t digest[SIGN_DIGEST_BYTES]);

/* Can it be a trusted comment: not too long, no line end or NUL in it? */
bool sign_comment_fits(struct view);
/* The text of a signature. -1 and errno: EINVAL for a trusted comment that
 * does not fit. */
int sign_make(const struct sign_secret *,
	      const uint8_t digest[SIGN_DIGEST_BYTES], struct view trusted,
	      struct buf *out);
/* Signs PATH and replaces PATH.minisig at once and for good, or not at all.
 * An empty comment gives minisign's: time and file name. */
int sign_file(const struct sign_secret *, const char *path, struct view trusted,
	      struct err *);

/* ---- verifying ------------------------------------------------------- */

/* SIGN_VERDICT(name, word, sentence) */
#define SIGN_VERDICTS                                                        \
	SIGN_VERDICT(GOOD, "good", "is what was signed")                     \
	SIGN_VERDICT(NO_SIGNATURE, "unsigned", "has no signature")           \
	SIGN_VERDICT(UNKNOWN_KEY, "unknown_key",                             \
		     "is signed by a key that is not trusted")               \
	SIGN_VERDICT(BAD, "changed", "is not what was signed")               \
	SIGN_VERDICT(FORGED, "forged",                                       \
		     "has a signature that was changed, or whose trusted "   \
		     "comment was")                                          \
	SIGN_VERDICT(MALFORMED, "malformed", "has a signature that is none") \
	SIGN_VERDICT(LEGACY, "legacy",                                       \
		     "has a signature of minisign's legacy form, which is "  \
		     "not accepted")                                         \
	SIGN_VERDICT(UNSTABLE, "unstable", "changed while it was read")      \
	SIGN_VERDICT(UNREADABLE, "unreadable", "cannot be read")

enum sign_verdict {
#define SIGN_VERDICT(name, word, sentence) SIGN_##name,
	SIGN_VERDICTS
#undef SIGN_VERDICT
};

const char *sign_verdict_word(enum sign_verdict);
const char *sign_verdict_sentence(enum sign_verdict);

/* The keys to trust: several, so that a new one can be introduced before the
 * old one goes. */
struct sign_keys {
	const struct sign_public *v; /* borrowed */
	size_t n;
	/* Also accept signatures of the bytes themselves ("Ed"), as minisign
	 * does without -H, up to SIGN_LEGACY_MAX of them. Nothing signed
	 * tells the two forms apart: whoever holds a signature of the one
	 * kind may pass it off as the other for a file that is, or has, that
	 * digest. */
	bool legacy;
};

#define SIGN_LEGACY_MAX (64u << 20)

/* Zero-initialise. */
struct sign_result {
	struct view trusted;	   /* the comment; only when SIGN_GOOD */
	uint8_t id[SIGN_ID_BYTES]; /* of the signing key; `id_known` */
	bool id_known, legacy;
	const char *why; /* of SIGN_MALFORMED, static; else NULL */
	int error;	 /* errno of SIGN_UNREADABLE */
	struct buf text; /* of the signature, by sign_verify_file */
};

/* `signature` is the text of one; result->trusted points into it. */
enum sign_verdict sign_verify_fd(int fd, struct view signature,
				 const struct sign_keys *,
				 struct sign_result *);
/* For what has been read and is used from memory. */
enum sign_verdict sign_verify_bytes(struct view data, struct view signature,
				    const struct sign_keys *,
				    struct sign_result *);
/* What was read from PATH, and PATH.minisig; sign_result_free. */
enum sign_verdict sign_verify_read(const char *path, struct view data,
				   const struct sign_keys *,
				   struct sign_result *);
/* PATH and PATH.minisig; sign_result_free. */
enum sign_verdict sign_verify_file(const char *path, const struct sign_keys *,
				   struct sign_result *);
void sign_result_free(struct sign_result *);

#endif
