/* SPDX-License-Identifier: GPL-2.0-or-later */
/* minisign's files as text, public keys, and reading both with care. */
#include "baselines/atomic.h"
#include "baselines/sign_format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(sizeof(struct public_bytes) == 42, "as on disk");
static_assert(sizeof(struct secret_bytes) == 158, "as on disk");
static_assert(sizeof(struct signature_bytes) == 74, "as on disk");
static_assert(SIGN_KEY_BYTES == crypto_sign_PUBLICKEYBYTES &&
		      SECRET_BYTES == crypto_sign_SECRETKEYBYTES &&
		      SIGNATURE_BYTES == crypto_sign_BYTES &&
		      CHECKSUM_BYTES == crypto_generichash_BYTES &&
		      SIGN_DIGEST_BYTES == crypto_generichash_BYTES_MAX &&
		      SALT_BYTES ==
			      crypto_pwhash_scryptsalsa208sha256_SALTBYTES,
	      "libsodium's");

int
sign_start(void)
{
	if (sodium_init() >= 0)
		return 0;
	errno = ENOSYS;
	return -1;
}

static const char *
error_text(int error)
{
	switch (error) {
	case EBADMSG:
		return "is not a regular file, or far too long";
	case ECANCELED:
		return "is encrypted, and there is no passphrase";
	case EEXIST:
		return "exists; not overwritten";
	case ELOOP:
		return "is a symbolic link; name the file itself";
	case ENOMEM:
		return "not enough memory";
	case ESTALE:
		return "changed while it was read";
	default:
		return strerror(error);
	}
}

int
sign_fail(struct err *err, const char *file, int error, const char *what)
{
	err_add(err, (struct place){ .file = file }, "%s",
		what != NULL ? what : error_text(error));
	errno = error;
	return -1;
}

/* ---- lines ----------------------------------------------------------- */

bool
format_line(struct view *rest, size_t max, struct view *line)
{
	ssize_t end = view_find(view_sub(*rest, 0, max), '\n');

	if (end < 0)
		return false;
	*line = view_sub(*rest, 0, (size_t)end);
	*rest = view_sub(*rest, (size_t)end + 1, rest->n);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return view_find(*line, '\r') < 0 && view_find(*line, '\0') < 0;
}

/* The longest base64 here, that of a secret key, has 212 bytes. */
#define BASE64_LINE_MAX 256u

/* Encoded again it must be the same: libsodium 1.0.18 takes every byte above
 * 0x7f for '/'. */
static bool
one_spelling(struct view line, const void *bytes, size_t n)
{
	char again[BASE64_LINE_MAX];
	bool same;

	sodium_bin2base64(again, sizeof(again), bytes, n,
			  sodium_base64_VARIANT_ORIGINAL);
	same = sodium_memcmp(again, line.p, line.n) == 0;
	sodium_memzero(again, sizeof(again)); /* may be a secret key */
	return same;
}

bool
format_base64(struct view line, void *to, size_t n)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL;
	size_t got = 0;

	return line.n < BASE64_LINE_MAX &&
	       line.n == sodium_base64_encoded_len(n, variant) - 1 &&
	       sodium_base642bin(to, n, line.p, line.n, NULL, &got, NULL,
				 variant) == 0 &&
	       got == n && one_spelling(line, to, n);
}

static bool
untrusted_line(struct view *rest, struct view *line)
{
	return format_line(rest, SIGN_COMMENT_LINE_MAX, line) &&
	       view_starts(*line, VIEW(UNTRUSTED_PREFIX));
}

/* Nothing covers line 1; but with a comment of our own it is known. */
static bool
untrusted_fits(struct view line, struct view trusted)
{
	return !view_starts(trusted, VIEW(TRUSTED_OURS)) ||
	       view_eq(line, VIEW(UNTRUSTED_OURS)) ||
	       view_eq(line, VIEW(UNTRUSTED_MINISIGN));
}

unsigned
format_two_lines(struct view text, void *to, size_t n)
{
	struct view line;

	if (!untrusted_line(&text, &line))
		return 1;
	if (!format_line(&text, BASE64_LINE_MAX, &line) ||
	    !format_base64(line, to, n))
		return 2;
	return text.n > 0 ? 3 : 0;
}

const char *
format_signature(struct view text, struct signature *s)
{
	struct view first, line;

	if (!untrusted_line(&text, &first))
		return "line 1 is no untrusted comment";
	if (!format_line(&text, BASE64_LINE_MAX, &line) ||
	    !format_base64(line, &s->bytes, sizeof(s->bytes)))
		return "line 2 is no signature";
	if (memcmp(s->bytes.algorithm, ALGORITHM, 2) != 0 &&
	    memcmp(s->bytes.algorithm, ALGORITHM_HASHED, 2) != 0)
		return "line 2 is of an unknown algorithm";
	if (!format_line(&text, SIGN_TRUSTED_LINE_MAX, &line) ||
	    !view_starts(line, VIEW(TRUSTED_PREFIX)))
		return "line 3 is no trusted comment";
	s->trusted = view_sub(line, sizeof(TRUSTED_PREFIX) - 1, line.n);
	if (!untrusted_fits(first, s->trusted))
		return "line 1 is not what stands above such a comment";
	if (!format_line(&text, BASE64_LINE_MAX, &line) ||
	    !format_base64(line, s->global, sizeof(s->global)))
		return "line 4 is no signature";
	return text.n > 0 ? "something follows line 4" : NULL;
}

/* ---- files ----------------------------------------------------------- */

int
sign_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
				    O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EBADMSG;
	return -1;
}

ssize_t
sign_read_small(int fd, char *to, size_t max)
{
	size_t n = 0;
	ssize_t got;
	char more;

	while (n < max) {
		got = pread(fd, to + n, max - n, (off_t)n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			return (ssize_t)n;
		n += (size_t)got;
	}
	if (pread(fd, &more, 1, (off_t)n) == 0)
		return (ssize_t)n;
	errno = EBADMSG;
	return -1;
}

/* ---- public keys ----------------------------------------------------- */

int
sign_public_parse(struct sign_public *key, const char *file, struct view text,
		  struct err *err)
{
	struct public_bytes bytes;

	if (sign_start() != 0)
		return sign_fail(err, file, errno, "libsodium does not start");
	if (format_two_lines(text, &bytes, sizeof(bytes)) != 0 ||
	    memcmp(bytes.algorithm, ALGORITHM, 2) != 0)
		return sign_fail(err, file, EBADMSG,
				 "is not a public key of minisign's format");
	memcpy(key->id, bytes.id, sizeof(key->id));
	memcpy(key->key, bytes.key, sizeof(key->key));
	return 0;
}

/* Whoever may write a trusted key may sign whatever we trust. */
static bool
pinned(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (st.st_uid == 0 || st.st_uid == geteuid()) &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The text of a key that may be trusted: its length, or -1 with `err`. */
static ssize_t
read_public(const char *path, enum sign_file_trust trust, char *text,
	    struct err *err)
{
	int fd = sign_open(path);
	ssize_t n;

	if (fd < 0)
		return sign_fail(err, path, errno, NULL);
	if (trust == SIGN_PINNED && !pinned(fd)) {
		close(fd);
		return sign_fail(err, path, EBADMSG,
				 "is not trusted: others than root can write "
				 "it");
	}
	n = sign_read_small(fd, text, SIGN_TEXT_MAX);
	close_quietly(fd);
	return n >= 0 ? n : sign_fail(err, path, errno, NULL);
}

int
sign_public_read(struct sign_public *key, const char *path,
		 enum sign_file_trust trust, struct err *err)
{
	char text[SIGN_TEXT_MAX];
	ssize_t n = read_public(path, trust, text, err);

	if (n < 0)
		return -1;
	return sign_public_parse(key, path, (struct view){ text, (size_t)n },
				 err);
}

#define PUBLIC_BASE64 \
	sodium_base64_ENCODED_LEN(42, sodium_base64_VARIANT_ORIGINAL)

void
sign_public_text(const struct sign_public *key, struct buf *out)
{
	struct public_bytes bytes = { .algorithm = { 'E', 'd' } };
	char text[PUBLIC_BASE64];

	memcpy(bytes.id, key->id, sizeof(bytes.id));
	memcpy(bytes.key, key->key, sizeof(bytes.key));
	sodium_bin2base64(text, sizeof(text), (unsigned char *)&bytes,
			  sizeof(bytes), sodium_base64_VARIANT_ORIGINAL);
	buf_puts(out, text);
}

bool
sign_public_line(struct sign_public *key, struct view line)
{
	struct err ignored = { 0 };
	struct buf text = { 0 };
	bool good;

	if (line.n != PUBLIC_BASE64 - 1 || view_find(line, '\n') >= 0)
		return false;
	buf_puts(&text, UNTRUSTED_PREFIX "\n");
	buf_put(&text, line);
	buf_putc(&text, '\n');
	good = !text.failed &&
	       sign_public_parse(key, "", buf_view(&text), &ignored) == 0;
	buf_free(&text);
	err_free(&ignored);
	return good;
}

void
sign_id_text(const uint8_t id[SIGN_ID_BYTES], struct buf *out)
{
	for (size_t i = SIGN_ID_BYTES; i-- > 0;)
		buf_printf(out, "%02X", id[i]);
}

int
sign_public_write(const struct sign_public *key, const char *path,
		  struct err *err)
{
	struct buf text = { 0 };
	int result = -1;

	buf_puts(&text, UNTRUSTED_PREFIX "minisign public key ");
	sign_id_text(key->id, &text);
	buf_putc(&text, '\n');
	sign_public_text(key, &text);
	buf_putc(&text, '\n');
	if (text.failed)
		errno = ENOMEM;
	else
		result = atomic_write(path, 0644, ATOMIC_NEW, buf_view(&text));
	buf_free(&text);
	return result == 0 ? 0 : sign_fail(err, path, errno, NULL);
}
