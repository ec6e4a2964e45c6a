/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secret keys. Whatever has been near one is in memory of sodium_malloc(3),
 * also the text of the file and the passphrase.
 */
#include "baselines/atomic.h"
#include "baselines/sign_secret.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#define LOCK_SCRYPT "Sc"
#define LOCK_NONE "\0\0"
#define CHECKSUM_BLAKE2B "B2"

/* A key file is outside data: these are the most that we are willing to
 * compute for one (minisign writes a quarter of each). */
#define OPSLIMIT_MAX \
	(4ull * crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE)
#define MEMLIMIT_MAX \
	(4ull * crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE)

static uint64_t
le64_read(const uint8_t p[8])
{
	uint64_t v = 0;

	for (int i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static void
le64_write(uint8_t p[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* NULL with errno. */
static struct sign_secret *
secret_new(void)
{
	struct sign_secret *s = NULL;

	if (sign_start() == 0)
		s = sodium_malloc(sizeof(*s));
	return s;
}

/* Keeps errno, like free(3) of glibc. */
static void
release(void *secret)
{
	int saved = errno;

	sodium_free(secret);
	errno = saved;
}

void
sign_secret_free(struct sign_secret *s)
{
	sodium_free(s);
}

const struct sign_public *
sign_secret_public(const struct sign_secret *s)
{
	return &s->public;
}

struct sign_secret *
sign_generate(void)
{
	struct sign_secret *s = secret_new();

	if (s == NULL)
		return NULL;
	randombytes_buf(s->public.id, sizeof(s->public.id));
	crypto_sign_keypair(s->public.key, s->key);
	return s;
}

/* ---- locking --------------------------------------------------------- */

/* Exclusive or of the core with what scrypt makes of the passphrase. */
static int
scrypt_core(struct secret_bytes *b, const char *passphrase, size_t n)
{
	uint8_t *core = (uint8_t *)&b->core;
	uint8_t *stream = sodium_malloc(sizeof(b->core));

	if (stream == NULL)
		return -1;
	if (crypto_pwhash_scryptsalsa208sha256(
		    stream, sizeof(b->core), passphrase, n, b->salt,
		    le64_read(b->opslimit), le64_read(b->memlimit)) != 0) {
		sodium_free(stream);
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < sizeof(b->core); i++)
		core[i] ^= stream[i];
	sodium_free(stream);
	return 0;
}

static bool
limits_sane(const struct secret_bytes *b)
{
	uint64_t ops = le64_read(b->opslimit), mem = le64_read(b->memlimit);

	return ops >= crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN &&
	       ops <= OPSLIMIT_MAX &&
	       mem >= crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN &&
	       mem <= MEMLIMIT_MAX;
}

/* Gets the passphrase and applies it; -1 and errno. */
static int
unlock(struct secret_bytes *b, const struct sign_passphrase *passphrase)
{
	char *words;
	ssize_t n;
	int result = -1;

	if (passphrase == NULL) {
		errno = ECANCELED;
		return -1;
	}
	words = sodium_malloc(SIGN_PASSPHRASE_MAX);
	if (words == NULL)
		return -1;
	n = passphrase->get(passphrase->ctx, words, SIGN_PASSPHRASE_MAX, false);
	if (n >= 0)
		result = scrypt_core(b, words, (size_t)n);
	release(words);
	return result;
}

static void
checksum(const struct secret_bytes *b, uint8_t sum[CHECKSUM_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
	crypto_generichash_update(&state, b->algorithm, sizeof(b->algorithm));
	crypto_generichash_update(&state, b->core.id, sizeof(b->core.id));
	crypto_generichash_update(&state, b->core.key, sizeof(b->core.key));
	crypto_generichash_final(&state, sum, CHECKSUM_BYTES);
	sodium_memzero(&state, sizeof(state));
}

/* Are id and key what was once written? minisign -W leaves the checksum of
 * zeros; but the key has its public half behind it, which must fit. */
static bool
core_sound(const struct secret_bytes *b, bool locked, struct sign_secret *s)
{
	uint8_t sum[CHECKSUM_BYTES];

	checksum(b, sum);
	if (sodium_memcmp(sum, b->core.checksum, sizeof(sum)) != 0 &&
	    (locked || !sodium_is_zero(b->core.checksum, sizeof(sum))))
		return false;
	memcpy(s->public.id, b->core.id, sizeof(s->public.id));
	crypto_sign_seed_keypair(s->public.key, s->key, b->core.key);
	return sodium_memcmp(s->key, b->core.key, sizeof(s->key)) == 0;
}

/* ---- reading --------------------------------------------------------- */

static int
core_open(struct secret_bytes *b, const char *file,
	  const struct sign_passphrase *passphrase, struct err *err)
{
	if (memcmp(b->algorithm, ALGORITHM, 2) != 0 ||
	    memcmp(b->checksum_algorithm, CHECKSUM_BLAKE2B, 2) != 0)
		return sign_fail(err, file, EBADMSG,
				 "is a secret key of an unknown kind");
	if (memcmp(b->lock, LOCK_NONE, 2) == 0)
		return 0;
	if (memcmp(b->lock, LOCK_SCRYPT, 2) != 0)
		return sign_fail(err, file, EBADMSG,
				 "is encrypted in an unknown way");
	if (!limits_sane(b))
		return sign_fail(err, file, EBADMSG,
				 "wants more computing than any passphrase "
				 "needs, or less");
	if (unlock(b, passphrase) != 0)
		return sign_fail(err, file, errno, NULL);
	return 0;
}

static int
secret_fill(struct sign_secret *s, struct secret_bytes *b, const char *file,
	    const struct sign_passphrase *passphrase, struct err *err)
{
	bool locked = memcmp(b->lock, LOCK_NONE, 2) != 0;

	if (core_open(b, file, passphrase, err) != 0)
		return -1;
	if (core_sound(b, locked, s))
		return 0;
	return sign_fail(err, file, EBADMSG,
			 locked ? "wrong passphrase, or the key was changed"
				: "the key was changed");
}

struct sign_secret *
sign_secret_parse(const char *file, struct view text,
		  const struct sign_passphrase *passphrase, struct err *err)
{
	struct sign_secret *s = secret_new();
	struct secret_bytes *b = NULL;
	int failed = -1;

	if (s != NULL)
		b = sodium_malloc(sizeof(*b));
	if (b == NULL)
		sign_fail(err, file, ENOMEM, "out of memory");
	else if (format_two_lines(text, b, sizeof(*b)) != 0)
		sign_fail(err, file, EBADMSG,
			  "is not a secret key of minisign's format");
	else
		failed = secret_fill(s, b, file, passphrase, err);
	if (failed != 0) {
		release(s);
		s = NULL;
	}
	release(b);
	return s;
}

/* Reads the file into locked memory; its length, or -1 with errno. */
static ssize_t
read_locked(const char *path, char *to)
{
	int fd = sign_open(path);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = sign_read_small(fd, to, SIGN_TEXT_MAX);
	close_quietly(fd);
	return n;
}

struct sign_secret *
sign_secret_read(const char *path, const struct sign_passphrase *passphrase,
		 struct err *err)
{
	struct sign_secret *s = NULL;
	char *text = sign_start() == 0 ? sodium_malloc(SIGN_TEXT_MAX) : NULL;
	ssize_t n = -1;

	if (text != NULL)
		n = read_locked(path, text);
	if (n >= 0)
		s = sign_secret_parse(path, (struct view){ text, (size_t)n },
				      passphrase, err);
	else
		sign_fail(err, path, errno, NULL);
	release(text);
	return s;
}

/* ---- writing --------------------------------------------------------- */

/* With less memory where there is not enough, down to the interactive
 * limits; the file says which. */
static int
lock_core(struct secret_bytes *b, const struct sign_lock *lock,
	  const char *words, size_t n)
{
	uint64_t ops = lock->opslimit, mem = lock->memlimit;

	if (ops == 0)
		ops = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
	if (mem == 0)
		mem = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
	for (;; ops /= 2, mem /= 2) {
		le64_write(b->opslimit, ops);
		le64_write(b->memlimit, mem);
		if (scrypt_core(b, words, n) == 0)
			return 0;
		if (ops / 2 < crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN ||
		    mem / 2 < crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN)
			return -1;
	}
}

static int
lock_new(struct secret_bytes *b, const struct sign_lock *lock)
{
	char *words = sodium_malloc(SIGN_PASSPHRASE_MAX);
	ssize_t n;
	int result = -1;

	if (words == NULL)
		return -1;
	memcpy(b->lock, LOCK_SCRYPT, sizeof(b->lock));
	randombytes_buf(b->salt, sizeof(b->salt));
	n = lock->passphrase.get(lock->passphrase.ctx, words,
				 SIGN_PASSPHRASE_MAX, true);
	if (n >= 0)
		result = lock_core(b, lock, words, (size_t)n);
	release(words);
	return result;
}

/* The text of the file into locked memory; its length, or -1 and errno. */
static ssize_t
secret_text(const struct sign_secret *s, const struct sign_lock *lock,
	    struct secret_bytes *b, char *text)
{
	static const char comment[] =
		UNTRUSTED_PREFIX "minisign encrypted secret key\n";
	static const char clear[] =
		UNTRUSTED_PREFIX "minisign unencrypted secret key\n";
	const char *first = lock != NULL ? comment : clear;
	size_t n = strlen(first);

	memset(b, 0, sizeof(*b));
	memcpy(b->algorithm, ALGORITHM, sizeof(b->algorithm));
	memcpy(b->checksum_algorithm, CHECKSUM_BLAKE2B,
	       sizeof(b->checksum_algorithm));
	memcpy(b->core.id, s->public.id, sizeof(b->core.id));
	memcpy(b->core.key, s->key, sizeof(b->core.key));
	checksum(b, b->core.checksum);
	if (lock != NULL && lock_new(b, lock) != 0)
		return -1;
	memcpy(text, first, n);
	sodium_bin2base64(text + n, SIGN_TEXT_MAX - n, (uint8_t *)b, sizeof(*b),
			  sodium_base64_VARIANT_ORIGINAL);
	n += strlen(text + n);
	text[n++] = '\n';
	return (ssize_t)n;
}

int
sign_secret_write(const struct sign_secret *s, const char *path,
		  const struct sign_lock *lock, struct err *err)
{
	struct secret_bytes *b = sodium_malloc(sizeof(*b));
	char *text = sodium_malloc(SIGN_TEXT_MAX);
	int result = -1;
	ssize_t n = -1;

	if (b != NULL && text != NULL)
		n = secret_text(s, lock, b, text);
	if (n >= 0)
		result = atomic_write(path, 0600, ATOMIC_NEW,
				      (struct view){ text, (size_t)n });
	release(text);
	release(b);
	return result == 0 ? 0 : sign_fail(err, path, errno, NULL);
}
