/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of sign*.c: the bytes behind the base64, lines, and reading. */
#ifndef BASELINES_SIGN_FORMAT_H
#define BASELINES_SIGN_FORMAT_H

#include "baselines/sign.h"

#define SIGNATURE_BYTES 64
#define SECRET_BYTES 64
#define SALT_BYTES 32
#define CHECKSUM_BYTES 32

#define UNTRUSTED_PREFIX "untrusted comment: "
/* Line 1 of what is signed here, and of what minisign signs by default. */
#define UNTRUSTED_OURS UNTRUSTED_PREFIX "signature from tocsin secret key"
#define UNTRUSTED_MINISIGN UNTRUSTED_PREFIX "signature from minisign secret key"
/* How our own trusted comments begin: of baselines, reports, records. */
#define TRUSTED_OURS "tocsin "
#define TRUSTED_PREFIX "trusted comment: "

#define ALGORITHM "Ed"	      /* of keys, and of signatures of bytes */
#define ALGORITHM_HASHED "ED" /* of signatures of a BLAKE2b-512 */

struct public_bytes {
	uint8_t algorithm[2];
	uint8_t id[SIGN_ID_BYTES];
	uint8_t key[SIGN_KEY_BYTES];
};

struct secret_core {
	uint8_t id[SIGN_ID_BYTES];
	uint8_t key[SECRET_BYTES]; /* seed, then public key */
	uint8_t checksum[CHECKSUM_BYTES];
};

struct secret_bytes {
	uint8_t algorithm[2];
	uint8_t lock[2];
	uint8_t checksum_algorithm[2];
	uint8_t salt[SALT_BYTES];
	uint8_t opslimit[8], memlimit[8]; /* little endian */
	struct secret_core core;
};

struct signature_bytes {
	uint8_t algorithm[2];
	uint8_t id[SIGN_ID_BYTES];
	uint8_t signature[SIGNATURE_BYTES];
};

/* A signature file taken apart. */
struct signature {
	struct signature_bytes bytes;
	struct view trusted; /* points into the text */
	uint8_t global[SIGNATURE_BYTES];
};

/* All of these need it first, once or often: -1 if libsodium has no
 * randomness (errno). */
int sign_start(void);

/* The next line without its end, which is \n or \r\n; false if there is none
 * that ends within `max` bytes, or a stray \r or NUL is in it. */
bool format_line(struct view *rest, size_t max, struct view *line);
/* Exactly n bytes in canonical base64. */
bool format_base64(struct view line, void *to, size_t n);
/* NULL, or what is wrong. */
const char *format_signature(struct view text, struct signature *);
/* An untrusted comment, then a line of base64, and no more: 0, or the number
 * of the line that is wrong. */
unsigned format_two_lines(struct view text, void *to, size_t n);

/* A regular file, without following a link: a descriptor, or -1 and errno
 * (EBADMSG: it is something else). */
int sign_open(const char *path);
/* The whole of a small file: its length, or -1 and errno (EBADMSG: longer
 * than max). */
ssize_t sign_read_small(int fd, char *to, size_t max);

/* -1 with an entry in `err` and errno as given; `what` NULL = what the error
 * means for a file that was to be opened, read or written. */
int sign_fail(struct err *, const char *file, int error, const char *what);

#endif
