/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing files. */
#include "baselines/atomic.h"
#include "baselines/sign_secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- digests --------------------------------------------------------- */

#define READ_BYTES 65536u

/* Exactly `size` bytes and then the end; ESTALE if it is otherwise. */
static int
digest_stream(int fd, off_t size, crypto_generichash_state *state)
{
	uint8_t part[READ_BYTES];
	off_t at = 0;
	ssize_t got;

	do {
		got = pread(fd, part, sizeof(part), at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		at += got;
		if (at > size)
			break;
		crypto_generichash_update(state, part, (size_t)got);
	} while (got != 0);
	if (at == size)
		return 0;
	errno = ESTALE;
	return -1;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int
sign_digest_fd(int fd, uint8_t digest[SIGN_DIGEST_BYTES])
{
	crypto_generichash_state state;
	struct stat before, after;

	if (sign_start() != 0 || fstat(fd, &before) != 0)
		return -1;
	if (!S_ISREG(before.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	crypto_generichash_init(&state, NULL, 0, SIGN_DIGEST_BYTES);
	if (digest_stream(fd, before.st_size, &state) != 0 ||
	    fstat(fd, &after) != 0)
		return -1;
	if (!same_file(&before, &after)) {
		errno = ESTALE;
		return -1;
	}
	crypto_generichash_final(&state, digest, SIGN_DIGEST_BYTES);
	return 0;
}

int
sign_digest_bytes(struct view v, uint8_t digest[SIGN_DIGEST_BYTES])
{
	if (sign_start() != 0)
		return -1;
	return crypto_generichash(digest, SIGN_DIGEST_BYTES,
				  (const uint8_t *)v.p, v.n, NULL, 0);
}

/* ---- signatures ------------------------------------------------------ */

bool
sign_comment_fits(struct view v)
{
	return v.n <= SIGN_TRUSTED_MAX && view_find(v, '\n') < 0 &&
	       view_find(v, '\r') < 0 && view_find(v, '\0') < 0;
}

static void
put_base64(struct buf *out, const void *bytes, size_t n)
{
	char text[sodium_base64_ENCODED_LEN(sizeof(struct signature_bytes),
					    sodium_base64_VARIANT_ORIGINAL)];

	sodium_bin2base64(text, sizeof(text), bytes, n,
			  sodium_base64_VARIANT_ORIGINAL);
	buf_puts(out, text);
	buf_putc(out, '\n');
}

static void
sign_comment(const struct sign_secret *s, const uint8_t *signature,
	     struct view trusted, uint8_t global[SIGNATURE_BYTES])
{
	uint8_t both[SIGNATURE_BYTES + SIGN_TRUSTED_MAX];

	memcpy(both, signature, SIGNATURE_BYTES);
	if (trusted.n > 0)
		memcpy(both + SIGNATURE_BYTES, trusted.p, trusted.n);
	crypto_sign_detached(global, NULL, both, SIGNATURE_BYTES + trusted.n,
			     s->key);
}

int
sign_make(const struct sign_secret *s, const uint8_t digest[SIGN_DIGEST_BYTES],
	  struct view trusted, struct buf *out)
{
	struct signature_bytes bytes = { .algorithm = { 'E', 'D' } };
	uint8_t global[SIGNATURE_BYTES];

	if (!sign_comment_fits(trusted)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(bytes.id, s->public.id, sizeof(bytes.id));
	crypto_sign_detached(bytes.signature, NULL, digest, SIGN_DIGEST_BYTES,
			     s->key);
	sign_comment(s, bytes.signature, trusted, global);
	buf_puts(out, UNTRUSTED_OURS "\n");
	put_base64(out, &bytes, sizeof(bytes));
	buf_puts(out, TRUSTED_PREFIX);
	buf_put(out, trusted);
	buf_putc(out, '\n');
	put_base64(out, global, sizeof(global));
	if (out->failed) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

/* minisign's; a name may have any byte but '/' and NUL, so it is escaped. */
static void
default_comment(const char *path, struct buf *out)
{
	buf_printf(out, "timestamp:%llu\tfile:",
		   (unsigned long long)(clock_wall_ns() / NS_PER_SEC));
	buf_text(out, path_name(view_of(path)));
	buf_puts(out, "\thashed");
}

static int
digest_path(const char *path, uint8_t digest[SIGN_DIGEST_BYTES])
{
	int fd = sign_open(path), result;

	if (fd < 0)
		return -1;
	result = sign_digest_fd(fd, digest);
	close_quietly(fd);
	return result;
}

static int
write_signature(const char *path, struct view text)
{
	struct buf name = { 0 };
	int result = -1;

	buf_puts(&name, path);
	buf_puts(&name, SIGN_SUFFIX);
	buf_putc(&name, '\0');
	if (name.failed)
		errno = ENOMEM;
	else
		result = atomic_write(name.p, 0644, ATOMIC_REPLACE, text);
	buf_free(&name);
	return result;
}

int
sign_file(const struct sign_secret *s, const char *path, struct view trusted,
	  struct err *err)
{
	uint8_t digest[SIGN_DIGEST_BYTES];
	struct buf comment = { 0 }, text = { 0 };
	int error = 0;

	if (trusted.n > 0)
		buf_put(&comment, trusted);
	else
		default_comment(path, &comment);
	if (comment.failed)
		error = ENOMEM;
	else if (digest_path(path, digest) != 0 ||
		 sign_make(s, digest, buf_view(&comment), &text) != 0 ||
		 write_signature(path, buf_view(&text)) != 0)
		error = errno;
	buf_free(&comment);
	buf_free(&text);
	if (error == 0)
		return 0;
	/* Of a data file it says nothing against its content. */
	if (error == EBADMSG)
		return sign_fail(err, path, EINVAL, "is not a regular file");
	return sign_fail(err, path, error,
			 error == EINVAL ? "not signed: the trusted comment is "
					   "too long or has a line end in it"
					 : NULL);
}
