/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key files: written, read again, locked and not, damaged in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "baselines/atomic.h"
#include "baselines/sign.h"

struct fixture {
	struct sign_secret *secret;
	char folder[32], path[64];
	struct err err;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->secret = sign_generate();
	memcpy(f->folder, "/tmp/keys-XXXXXX", 17);
	*state = f;
	if (f->secret == NULL || mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/key", f->folder);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	/* Fails if anything else was left behind. */
	assert_int_equal(rmdir(f->folder), 0);
	sign_secret_free(f->secret);
	err_free(&f->err);
	free(f);
	return 0;
}

/* A passphrase that the test gives, or none. */
static ssize_t
give(void *words, char *to, size_t max, bool fresh)
{
	(void)fresh;
	if (words == NULL) {
		errno = ECANCELED;
		return -1;
	}
	assert_true(strlen(words) <= max);
	memcpy(to, words, strlen(words));
	return (ssize_t)strlen(words);
}

static struct sign_lock
cheap_lock(char *words)
{
	return (struct sign_lock){
		.passphrase = { give, words },
		.opslimit = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_MIN,
		.memlimit = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_MIN,
	};
}

static void
expect_same(const struct sign_secret *a, const struct sign_secret *b)
{
	assert_memory_equal(sign_secret_public(a), sign_secret_public(b),
			    sizeof(struct sign_public));
}

static struct buf
slurp(const char *path)
{
	struct buf b = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(fd_read_all(fd, SIGN_TEXT_MAX, &b), 0);
	close(fd);
	return b;
}

static void
test_clear(void **state)
{
	struct fixture *f = *state;
	struct sign_secret *again;
	struct stat st;

	assert_int_equal(sign_secret_write(f->secret, f->path, NULL, &f->err),
			 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	again = sign_secret_read(f->path, NULL, &f->err);
	assert_non_null(again);
	expect_same(again, f->secret);
	sign_secret_free(again);
	/* Never over another. */
	assert_int_equal(sign_secret_write(f->secret, f->path, NULL, &f->err),
			 -1);
	assert_int_equal(errno, EEXIST);
}

static void
test_locked(void **state)
{
	struct fixture *f = *state;
	struct sign_lock lock = cheap_lock("correct horse");
	struct sign_passphrase wrong = { give, "correct hors" };
	struct sign_passphrase none = { give, NULL };
	struct sign_secret *again;

	assert_int_equal(sign_secret_write(f->secret, f->path, &lock, &f->err),
			 0);
	again = sign_secret_read(f->path, &lock.passphrase, &f->err);
	assert_non_null(again);
	expect_same(again, f->secret);
	sign_secret_free(again);
	assert_null(sign_secret_read(f->path, &wrong, &f->err));
	assert_int_equal(errno, EBADMSG);
	assert_null(sign_secret_read(f->path, &none, &f->err));
	assert_int_equal(errno, ECANCELED);
	assert_null(sign_secret_read(f->path, NULL, &f->err));
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(f->err.n, 3);
}

static void
test_no_passphrase_no_file(void **state)
{
	struct fixture *f = *state;
	struct sign_lock lock = cheap_lock(NULL);

	assert_int_equal(sign_secret_write(f->secret, f->path, &lock, &f->err),
			 -1);
	assert_int_equal(errno, ECANCELED);
	assert_int_equal(access(f->path, F_OK), -1);
}

/* Each bit of a key in clear: refused, or the same key (comment, and what is
 * only for locked ones). */
static void
test_flips_in_clear(void **state)
{
	struct fixture *f = *state;
	struct buf text;
	size_t refused = 0;

	assert_int_equal(sign_secret_write(f->secret, f->path, NULL, &f->err),
			 0);
	text = slurp(f->path);
	for (size_t i = 0; i < text.n * 8; i++) {
		struct sign_secret *s;

		text.p[i / 8] ^= (char)(1u << i % 8);
		s = sign_secret_parse("k", buf_view(&text), NULL, &f->err);
		if (s != NULL)
			expect_same(s, f->secret);
		else
			refused++;
		sign_secret_free(s);
		text.p[i / 8] ^= (char)(1u << i % 8);
	}
	/* 104 bytes of key in 139 of base64, more than 8 bits each. */
	assert_true(refused > 139 * 8);
	buf_free(&text);
}

/* scrypt goes by the magnitude of its limits, so some of their bits change
 * nothing. All others do. */
static void
test_flips_locked(void **state)
{
	struct fixture *f = *state;
	struct sign_lock lock = cheap_lock("x");
	struct buf text;
	size_t from, refused = 0;

	assert_int_equal(sign_secret_write(f->secret, f->path, &lock, &f->err),
			 0);
	text = slurp(f->path);
	from = (size_t)view_find(buf_view(&text), '\n');
	for (int i = 0; i < 40; i++) {
		size_t at =
			from + randombytes_uniform((uint32_t)(text.n - from));
		char bit = (char)(1u << randombytes_uniform(8));
		struct sign_secret *s;

		text.p[at] ^= bit;
		s = sign_secret_parse("k", buf_view(&text), &lock.passphrase,
				      &f->err);
		if (s != NULL)
			expect_same(s, f->secret);
		else
			refused++;
		sign_secret_free(s);
		text.p[at] ^= bit;
	}
	assert_true(refused > 20);
	buf_free(&text);
}

static void
test_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	struct buf text;

	assert_int_equal(sign_secret_write(f->secret, f->path, NULL, &f->err),
			 0);
	text = slurp(f->path);
	for (size_t n = 0; n < text.n; n++) {
		struct view part = { text.p, n };
		struct sign_public key;

		assert_null(sign_secret_parse("k", part, NULL, &f->err));
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(sign_public_parse(&key, "k", part, &f->err),
				 -1);
	}
	buf_free(&text);
}

/* minisign -GW of version 0.11 leaves the checksum zero. */
static void
test_minisign_in_clear(void **state)
{
	static const char text[] =
		"untrusted comment: minisign encrypted secret key\n"
		"RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAA05aT3phf2jSzcENHhIMYW/XZZh41Cl068SMR3DmBKKMocLn66J963jK1"
		"i52YoeqQWHzjVM9UX7WGWhXRlARaxoZnhO0Ye502AAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAA=\n";
	struct fixture *f = *state;
	struct sign_secret *s =
		sign_secret_parse("k", view_of(text), NULL, &f->err);
	struct buf b = { 0 };

	assert_non_null(s);
	sign_id_text(sign_secret_public(s)->id, &b);
	assert_true(view_eq(buf_view(&b), VIEW("34DA5F98DE9396D3")));
	buf_clear(&b);
	sign_public_text(sign_secret_public(s), &b);
	assert_true(view_eq(buf_view(&b),
			    VIEW("RWTTlpPemF/aNDK1i52YoeqQWHzjVM9UX7WGWhXRlA"
				 "RaxoZnhO0Ye502")));
	buf_free(&b);
	sign_secret_free(s);
}

/* Limits that would compute for hours are not computed at all: the callback
 * must not even be asked. */
static ssize_t
never(void *ctx, char *to, size_t max, bool fresh)
{
	(void)ctx, (void)to, (void)max, (void)fresh;
	fail();
	return -1;
}

static void
put_secret(struct buf *text, const uint8_t bytes[158])
{
	char base64[256];

	buf_clear(text);
	buf_puts(text, "untrusted comment: x\n");
	sodium_bin2base64(base64, sizeof(base64), bytes, 158,
			  sodium_base64_VARIANT_ORIGINAL);
	buf_puts(text, base64);
	buf_putc(text, '\n');
}

/* Offsets of minisign.h's SeckeyStruct; the limits are little endian. */
#define OPSLIMIT_AT 38
#define MEMLIMIT_AT 46

static void
test_greedy_limits(void **state)
{
	static const struct {
		uint64_t ops, mem;
	} cases[] = {
		{ 0, 1 << 30 },
		{ 32767, 1 << 30 },
		{ (1ull << 27) + 1, 1 << 30 },
		{ UINT64_MAX, 1 << 30 },
		{ 1 << 25, 0 },
		{ 1 << 25, (1 << 24) - 1 },
		{ 1 << 25, (1ull << 32) + 1 },
		{ 1 << 25, UINT64_MAX },
	};
	struct fixture *f = *state;
	struct sign_passphrase passphrase = { never, NULL };
	struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[158] = "EdScB2";

		for (size_t k = 0; k < 8; k++) {
			bytes[OPSLIMIT_AT + k] =
				(uint8_t)(cases[i].ops >> 8 * k);
			bytes[MEMLIMIT_AT + k] =
				(uint8_t)(cases[i].mem >> 8 * k);
		}
		put_secret(&text, bytes);
		assert_null(sign_secret_parse("k", buf_view(&text), &passphrase,
					      &f->err));
		assert_int_equal(errno, EBADMSG);
	}
	buf_free(&text);
}

static void
test_unknown_kinds(void **state)
{
	static const char *const heads[] = { "EDScB2", "EdXXB2", "EdScXX",
					     "Ed\0\1B2" };
	struct fixture *f = *state;
	struct sign_passphrase passphrase = { never, NULL };
	struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		uint8_t bytes[158] = { 0 };

		memcpy(bytes, heads[i], 6);
		put_secret(&text, bytes);
		assert_null(sign_secret_parse("k", buf_view(&text), &passphrase,
					      &f->err));
		assert_int_equal(errno, EBADMSG);
	}
	buf_free(&text);
}

static void
test_public_file(void **state)
{
	struct fixture *f = *state;
	const struct sign_public *key = sign_secret_public(f->secret);
	struct sign_public again;
	char link[64];

	assert_int_equal(sign_public_write(key, f->path, &f->err), 0);
	assert_int_equal(
		sign_public_read(&again, f->path, SIGN_PINNED, &f->err), 0);
	assert_memory_equal(&again, key, sizeof(again));
	assert_int_equal(sign_public_write(key, f->path, &f->err), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(
		sign_public_read(&again, f->path, SIGN_ANY_FILE, &f->err), 0);
	assert_int_equal(
		sign_public_read(&again, f->path, SIGN_PINNED, &f->err), -1);
	assert_int_equal(errno, EBADMSG);
	snprintf(link, sizeof(link), "%s/link", f->folder);
	assert_int_equal(symlink(f->path, link), 0);
	assert_int_equal(sign_public_read(&again, link, SIGN_ANY_FILE, &f->err),
			 -1);
	assert_int_equal(errno, ELOOP);
	unlink(link);
}

/* ---- whole or not at all --------------------------------------------- */

static void
test_atomic(void **state)
{
	struct fixture *f = *state;
	char elsewhere[64], longest[320];
	struct buf b;

	assert_int_equal(atomic_write(f->path, 0644, ATOMIC_REPLACE, VIEW("1")),
			 0);
	assert_int_equal(
		atomic_write(f->path, 0644, ATOMIC_REPLACE, VIEW("22")), 0);
	assert_int_equal(atomic_write(f->path, 0644, ATOMIC_NEW, VIEW("3")),
			 -1);
	assert_int_equal(errno, EEXIST);
	b = slurp(f->path);
	assert_true(view_eq(buf_view(&b), VIEW("22")));
	buf_free(&b);
	/* A link is replaced, what it points to is left alone. */
	snprintf(elsewhere, sizeof(elsewhere), "%s/link", f->folder);
	assert_int_equal(symlink(f->path, elsewhere), 0);
	assert_int_equal(atomic_write(elsewhere, 0644, ATOMIC_NEW, VIEW("4")),
			 -1);
	assert_int_equal(
		atomic_write(elsewhere, 0644, ATOMIC_REPLACE, VIEW("4")), 0);
	b = slurp(f->path);
	assert_true(view_eq(buf_view(&b), VIEW("22")));
	buf_free(&b);
	unlink(elsewhere);
	snprintf(longest, sizeof(longest), "%s/%0255d", f->folder, 1);
	assert_int_equal(atomic_write(longest, 0644, ATOMIC_NEW, VIEW("5")), 0);
	unlink(longest);
	snprintf(longest, sizeof(longest), "%s/%0256d", f->folder, 1);
	assert_int_equal(atomic_write(longest, 0644, ATOMIC_NEW, VIEW("5")),
			 -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(
		atomic_write("/nonexistent/x", 0644, ATOMIC_NEW, VIEW("")), -1);
}

static void
test_atomic_full_disk(void **state)
{
	struct fixture *f = *state;
	struct view v = VIEW("more than nothing");
	struct buf b;
	pid_t pid;
	int status;

	assert_int_equal(
		atomic_write(f->path, 0644, ATOMIC_REPLACE, VIEW("old")), 0);
	pid = fork();
	if (pid == 0) {
		/* As a full disk would: EFBIG after four bytes. */
		struct rlimit limit = { 4, 4 };

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(atomic_write(f->path, 0644, ATOMIC_REPLACE, v) == -1 &&
				      errno == EFBIG
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	b = slurp(f->path);
	assert_true(view_eq(buf_view(&b), VIEW("old")));
	buf_free(&b);
}

/* So large that a kill often comes in the middle of writing it: with 64 KiB
 * even writing in place would pass. */
#define LARGE (4u << 20)

/* A child that replaces the file for ever, by turns with a's and b's. */
static void
replace_for_ever(const char *path)
{
	static char text[2][LARGE];

	memset(text[0], 'a', sizeof(text[0]));
	memset(text[1], 'b', sizeof(text[1]));
	for (unsigned i = 0; getppid() > 1; i++) {
		struct view v = { text[i % 2], sizeof(text[0]) };

		if (atomic_write(path, 0600, ATOMIC_REPLACE, v) != 0)
			_exit(1);
	}
	_exit(0);
}

static void
remove_leftovers(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, ".tocsin-", 8) == 0)
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
}

static void
test_atomic_killed(void **state)
{
	struct fixture *f = *state;
	static char text[LARGE + 1];

	memset(text, 'c', LARGE);
	assert_int_equal(atomic_write(f->path, 0600, ATOMIC_NEW,
				      (struct view){ text, LARGE }),
			 0);
	for (int round = 0; round < 100; round++) {
		ssize_t n;
		pid_t child = fork();
		int fd;

		if (child == 0)
			replace_for_ever(f->path);
		usleep(500 + randombytes_uniform(20000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		fd = open(f->path, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text));
		close(fd);
		assert_int_equal(n, LARGE);
		for (ssize_t i = 1; i < n; i++)
			if (text[i] != text[0])
				fail();
	}
	remove_leftovers(f->folder);
}

int
main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_clear),
		WITH(test_locked),
		WITH(test_no_passphrase_no_file),
		WITH(test_flips_in_clear),
		WITH(test_flips_locked),
		WITH(test_cut_anywhere),
		WITH(test_minisign_in_clear),
		WITH(test_greedy_limits),
		WITH(test_unknown_kinds),
		WITH(test_public_file),
		WITH(test_atomic),
		WITH(test_atomic_full_disk),
		WITH(test_atomic_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
