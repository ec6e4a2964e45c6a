/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verifying. The cheap half first: with the signature over signature and
 * trusted comment it is known whether the signature file is whole, and only
 * then the data is read.
 */
#include "baselines/atomic.h"
#include "baselines/sign_format.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *word, *sentence;
} verdicts[] = {
#define SIGN_VERDICT(name, word, sentence) { word, sentence },
	SIGN_VERDICTS
#undef SIGN_VERDICT
};

const char *
sign_verdict_word(enum sign_verdict v)
{
	return verdicts[v].word;
}

const char *
sign_verdict_sentence(enum sign_verdict v)
{
	return verdicts[v].sentence;
}

/* Where the signed bytes are: a descriptor, or memory where fd is -1. */
struct source {
	int fd;
	struct view bytes;
};

static bool
whole(const struct signature *s, const struct sign_public *key)
{
	uint8_t both[SIGNATURE_BYTES + SIGN_TRUSTED_LINE_MAX];

	memcpy(both, s->bytes.signature, SIGNATURE_BYTES);
	if (s->trusted.n > 0)
		memcpy(both + SIGNATURE_BYTES, s->trusted.p, s->trusted.n);
	return crypto_sign_verify_detached(s->global, both,
					   SIGNATURE_BYTES + s->trusted.n,
					   key->key) == 0;
}

/* The key that made the signature; ids may be shared by several. */
static enum sign_verdict
find_key(const struct signature *s, const struct sign_keys *keys,
	 const struct sign_public **found)
{
	enum sign_verdict verdict = SIGN_UNKNOWN_KEY;

	for (size_t i = 0; i < keys->n; i++) {
		if (memcmp(keys->v[i].id, s->bytes.id, SIGN_ID_BYTES) != 0)
			continue;
		verdict = SIGN_FORGED;
		*found = &keys->v[i];
		if (whole(s, *found))
			return SIGN_GOOD;
	}
	return verdict;
}

/* ---- the signed bytes ------------------------------------------------ */

static enum sign_verdict
source_failed(struct sign_result *result)
{
	if (errno == ESTALE)
		return SIGN_UNSTABLE;
	result->error = errno;
	return SIGN_UNREADABLE;
}

static enum sign_verdict
check_digest(const struct source *source, const struct signature *s,
	     const struct sign_public *key, struct sign_result *result)
{
	uint8_t digest[SIGN_DIGEST_BYTES];
	int failed = source->fd >= 0 ? sign_digest_fd(source->fd, digest)
				     : sign_digest_bytes(source->bytes, digest);

	if (failed != 0)
		return source_failed(result);
	return crypto_sign_verify_detached(s->bytes.signature, digest,
					   sizeof(digest), key->key) == 0
		       ? SIGN_GOOD
		       : SIGN_BAD;
}

static enum sign_verdict
check_bytes(struct view v, const struct signature *s,
	    const struct sign_public *key)
{
	return crypto_sign_verify_detached(s->bytes.signature,
					   (const uint8_t *)v.p, v.n,
					   key->key) == 0
		       ? SIGN_GOOD
		       : SIGN_BAD;
}

/* Ed25519 of the bytes themselves goes over them twice: they must be held. */
static enum sign_verdict
check_legacy(const struct source *source, const struct signature *s,
	     const struct sign_public *key, struct sign_result *result)
{
	enum sign_verdict verdict;
	struct stat st;
	char *p;
	ssize_t n;

	if (source->fd < 0)
		return check_bytes(source->bytes, s, key);
	if (fstat(source->fd, &st) != 0)
		return source_failed(result);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)SIGN_LEGACY_MAX) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		return source_failed(result);
	}
	p = malloc((size_t)st.st_size + 1);
	if (p == NULL)
		return source_failed(result);
	n = sign_read_small(source->fd, p, (size_t)st.st_size + 1);
	if (n < 0)
		verdict = source_failed(result);
	else if (n != st.st_size)
		verdict = SIGN_UNSTABLE;
	else
		verdict = check_bytes((struct view){ p, (size_t)n }, s, key);
	free(p);
	return verdict;
}

/* ---- all together ---------------------------------------------------- */

static enum sign_verdict
check(const struct source *source, struct view text,
      const struct sign_keys *keys, struct sign_result *result)
{
	const struct sign_public *key = NULL;
	struct signature s;
	enum sign_verdict verdict;

	if (sign_start() != 0)
		return source_failed(result);
	result->why = format_signature(text, &s);
	if (result->why != NULL)
		return SIGN_MALFORMED;
	memcpy(result->id, s.bytes.id, sizeof(result->id));
	result->id_known = true;
	result->legacy = memcmp(s.bytes.algorithm, ALGORITHM, 2) == 0;
	verdict = find_key(&s, keys, &key);
	if (verdict != SIGN_GOOD)
		return verdict;
	if (!result->legacy)
		verdict = check_digest(source, &s, key, result);
	else if (keys->legacy)
		verdict = check_legacy(source, &s, key, result);
	else
		verdict = SIGN_LEGACY;
	if (verdict == SIGN_GOOD)
		result->trusted = s.trusted;
	return verdict;
}

enum sign_verdict
sign_verify_fd(int fd, struct view signature, const struct sign_keys *keys,
	       struct sign_result *result)
{
	struct source source = { .fd = fd };

	assert(fd >= 0);
	return check(&source, signature, keys, result);
}

enum sign_verdict
sign_verify_bytes(struct view data, struct view signature,
		  const struct sign_keys *keys, struct sign_result *result)
{
	struct source source = { .fd = -1, .bytes = data };

	return check(&source, signature, keys, result);
}

/* ---- by name --------------------------------------------------------- */

/* The text of PATH.minisig into result->text. */
static enum sign_verdict
read_signature(const char *path, struct sign_result *result)
{
	struct buf name = { 0 };
	int fd = -1, failed = -1;

	buf_puts(&name, path);
	buf_puts(&name, SIGN_SUFFIX);
	buf_putc(&name, '\0');
	if (name.failed)
		errno = ENOMEM;
	else
		fd = sign_open(name.p);
	if (fd >= 0) {
		failed = fd_read_all(fd, SIGN_TEXT_MAX, &result->text);
		close_quietly(fd);
	}
	buf_free(&name);
	if (failed == 0)
		return SIGN_GOOD;
	if (errno == ENOENT)
		return SIGN_NO_SIGNATURE;
	result->error = errno;
	if (errno != EFBIG && errno != EBADMSG && errno != ELOOP)
		return SIGN_UNREADABLE;
	result->why = "its file is too long, or not a regular one";
	return SIGN_MALFORMED;
}

enum sign_verdict
sign_verify_read(const char *path, struct view data,
		 const struct sign_keys *keys, struct sign_result *result)
{
	enum sign_verdict verdict = read_signature(path, result);

	if (verdict == SIGN_GOOD)
		verdict = sign_verify_bytes(data, buf_view(&result->text), keys,
					    result);
	return verdict;
}

enum sign_verdict
sign_verify_file(const char *path, const struct sign_keys *keys,
		 struct sign_result *result)
{
	enum sign_verdict verdict;
	int fd = sign_open(path);

	if (fd < 0) {
		result->error = errno == EBADMSG ? EINVAL : errno;
		return SIGN_UNREADABLE;
	}
	verdict = read_signature(path, result);
	if (verdict == SIGN_GOOD)
		verdict = sign_verify_fd(fd, buf_view(&result->text), keys,
					 result);
	close(fd);
	return verdict;
}

void
sign_result_free(struct sign_result *result)
{
	buf_free(&result->text);
	*result = (struct sign_result){ 0 };
}
