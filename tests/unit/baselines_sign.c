/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures: what verifies, and that nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "baselines/sign.h"

/* A pair, a piece of data, its signature, and a folder to write into. */
struct fixture {
	struct sign_secret *secret;
	struct sign_public public;
	struct sign_keys keys;
	uint8_t data[4096];
	struct buf signature;
	char folder[32];
};

#define COMMENT "host:h1\tgeneration:7"

static void
make_signature(struct fixture *f, struct view trusted, struct buf *out)
{
	uint8_t digest[SIGN_DIGEST_BYTES];
	struct view data = { (char *)f->data, sizeof(f->data) };

	assert_int_equal(sign_digest_bytes(data, digest), 0);
	assert_int_equal(sign_make(f->secret, digest, trusted, out), 0);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->secret = sign_generate();
	if (f->secret == NULL)
		return -1;
	f->public = *sign_secret_public(f->secret);
	f->keys = (struct sign_keys){ &f->public, 1, false };
	randombytes_buf(f->data, sizeof(f->data));
	make_signature(f, VIEW(COMMENT), &f->signature);
	memcpy(f->folder, "/tmp/sign-XXXXXX", 17);
	*state = f;
	return mkdtemp(f->folder) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rmdir(f->folder);
	sign_secret_free(f->secret);
	buf_free(&f->signature);
	free(f);
	return 0;
}

static enum sign_verdict
verify(const struct fixture *f, struct view signature)
{
	struct view data = { (const char *)f->data, sizeof(f->data) };
	struct sign_result r = { 0 };
	enum sign_verdict v = sign_verify_bytes(data, signature, &f->keys, &r);

	assert_true(v == SIGN_GOOD || r.trusted.n == 0);
	assert_true((v == SIGN_MALFORMED) == (r.why != NULL));
	return v;
}

/* Where the untrusted comment stands in a text: bytes that may change. */
static bool
untrusted(struct view text, size_t at)
{
	size_t from = strlen("untrusted comment: ");

	return at >= from && at < (size_t)view_find(text, '\n');
}

static bool
ends_line(char c)
{
	return c == '\n' || c == '\r' || c == '\0';
}

static void
test_round_trip(void **state)
{
	const struct fixture *f = *state;
	struct view data = { (const char *)f->data, sizeof(f->data) };
	struct sign_result r = { 0 };

	assert_int_equal(
		sign_verify_bytes(data, buf_view(&f->signature), &f->keys, &r),
		SIGN_GOOD);
	assert_true(view_eq(r.trusted, VIEW(COMMENT)));
	assert_true(r.id_known);
	assert_false(r.legacy);
	assert_memory_equal(r.id, f->public.id, SIGN_ID_BYTES);
}

/* The trusted comment may be empty, and as long as minisign reads, not more;
 * a line end in it would let it say anything. */
static void
test_comments(void **state)
{
	struct fixture *f = *state;
	static char longest[SIGN_TRUSTED_MAX + 1];
	struct view bad[] = { { longest, sizeof(longest) },
			      VIEW("a\nb"),
			      VIEW("a\rb"),
			      VIEW("a\0b") };
	uint8_t digest[SIGN_DIGEST_BYTES] = { 0 };
	struct buf text = { 0 };

	memset(longest, 'x', sizeof(longest));
	make_signature(f, VIEW(""), &text);
	assert_int_equal(verify(f, buf_view(&text)), SIGN_GOOD);
	buf_clear(&text);
	make_signature(f, (struct view){ longest, SIGN_TRUSTED_MAX }, &text);
	assert_int_equal(verify(f, buf_view(&text)), SIGN_GOOD);
	assert_true(text.n <= SIGN_TEXT_MAX);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(sign_make(f->secret, digest, bad[i], &text),
				 -1);
	buf_free(&text);
}

static void
test_flips_of_data(void **state)
{
	struct fixture *f = *state;
	struct view signature = buf_view(&f->signature);

	for (int i = 0; i < 1000; i++) {
		size_t at = randombytes_uniform(sizeof(f->data));
		uint8_t bit = (uint8_t)(1u << randombytes_uniform(8));

		f->data[at] ^= bit;
		assert_int_equal(verify(f, signature), SIGN_BAD);
		f->data[at] ^= bit;
	}
	assert_int_equal(verify(f, signature), SIGN_GOOD);
}

/* Not 1,000 of them but every single one. What is in the untrusted comment
 * must stay without effect, as in minisign. */
static void
test_flips_of_signature(void **state)
{
	struct fixture *f = *state;
	struct view text = buf_view(&f->signature);
	size_t found = 0;

	for (size_t i = 0; i < text.n * 8; i++) {
		char *c = &f->signature.p[i / 8];
		bool free_text = untrusted(text, i / 8);
		enum sign_verdict v;

		*c ^= (char)(1u << i % 8);
		v = verify(f, text);
		if (free_text && !ends_line(*c))
			assert_int_equal(v, SIGN_GOOD);
		else
			assert_int_not_equal(v, SIGN_GOOD);
		found += v != SIGN_GOOD;
		*c ^= (char)(1u << i % 8);
	}
	assert_true(found > 1000);
	assert_int_equal(verify(f, text), SIGN_GOOD);
}

static void
test_flips_of_public_key(void **state)
{
	struct fixture *f = *state;
	struct buf file = { 0 };
	struct view text;

	buf_puts(&file, "untrusted comment: minisign public key 0\n");
	sign_public_text(&f->public, &file);
	buf_putc(&file, '\n');
	text = buf_view(&file);
	for (size_t i = 0; i < text.n * 8; i++) {
		bool free_text = untrusted(text, i / 8);
		enum sign_verdict v = SIGN_MALFORMED;
		struct err err = { 0 };
		struct sign_public changed;

		file.p[i / 8] ^= (char)(1u << i % 8);
		if (sign_public_parse(&changed, "k", text, &err) == 0) {
			f->keys.v = &changed;
			v = verify(f, buf_view(&f->signature));
		}
		if (free_text && !ends_line(file.p[i / 8]))
			assert_int_equal(v, SIGN_GOOD);
		else
			assert_int_not_equal(v, SIGN_GOOD);
		file.p[i / 8] ^= (char)(1u << i % 8);
		err_free(&err);
	}
	f->keys.v = &f->public;
	buf_free(&file);
}

static void
test_cut_anywhere(void **state)
{
	const struct fixture *f = *state;
	struct view text = buf_view(&f->signature);
	struct buf more = { 0 };

	for (size_t n = 0; n < text.n; n++)
		assert_int_equal(verify(f, view_sub(text, 0, n)),
				 SIGN_MALFORMED);
	buf_put(&more, text);
	buf_putc(&more, '\n');
	assert_int_equal(verify(f, buf_view(&more)), SIGN_MALFORMED);
	buf_free(&more);
}

/* One line of a good signature exchanged for another. */
static void
test_malformed(void **state)
{
	static const struct {
		unsigned line;
		const char *text;
	} cases[] = {
		{ 0, "" },
		{ 0, "signature" },
		{ 0, "Untrusted comment: x" },
		{ 1, "" },
		{ 1, "RUQ" },
		{ 1, "not base64 at all, though it is long enough" },
		{ 2, "" },
		{ 2, "trusted comment:" },
		{ 2, "untrusted comment: x" },
		{ 3, "" },
		{ 3, "====" },
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct view rest = buf_view(&f->signature), line;
		struct buf text = { 0 };

		for (unsigned n = 0; view_next_split(&rest, '\n', &line); n++) {
			if (n == cases[i].line)
				line = view_of(cases[i].text);
			buf_put(&text, line);
			if (n < 4)
				buf_putc(&text, '\n');
		}
		assert_int_equal(verify(f, buf_view(&text)), SIGN_MALFORMED);
		buf_free(&text);
	}
}

/* Base64 has several spellings of the same bytes; only one is taken. */
static void
test_base64_one_spelling(void **state)
{
	struct fixture *f = *state;
	char *padding = strstr(f->signature.p, "=\n");
	char last;

	assert_non_null(padding);
	last = padding[-1];
	padding[-1]++; /* bits that the padding leaves unused */
	assert_int_equal(verify(f, buf_view(&f->signature)), SIGN_MALFORMED);
	padding[-1] = last;
}

/* The key alone, as a configuration may name it. */
static void
test_public_line(void **state)
{
	struct fixture *f = *state;
	struct buf line = { 0 };
	struct sign_public key;

	sign_public_text(&f->public, &line);
	assert_true(sign_public_line(&key, buf_view(&line)));
	assert_memory_equal(&key, &f->public, sizeof(key));
	for (size_t i = 0; i < line.n; i++)
		assert_false(sign_public_line(&key,
					      view_sub(buf_view(&line), 0, i)));
	line.p[10] = '\n';
	assert_false(sign_public_line(&key, buf_view(&line)));
	line.p[10] = ' ';
	assert_false(sign_public_line(&key, buf_view(&line)));
	buf_putc(&line, '\n');
	assert_false(sign_public_line(&key, buf_view(&line)));
	buf_free(&line);
}

/* sodium_base642bin of libsodium 1.0.18 reads any byte above 0x7f as '/'. */
static void
test_base64_high_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf text = { 0 };
	char *slash;

	do {
		buf_clear(&text);
		buf_puts(&text, "untrusted comment: x\n");
		sign_public_text(&f->public, &text);
		buf_puts(&text, "\n");
		slash = memchr(text.p, '/', text.n);
		f->public.key[5]++;
	} while (slash == NULL);
	for (int c = 0x80; c < 0x100; c++) {
		struct sign_public key;
		struct err err = { 0 };

		*slash = (char)c;
		assert_int_equal(
			sign_public_parse(&key, "k", buf_view(&text), &err),
			-1);
		err_free(&err);
	}
	buf_free(&text);
}

/* What Windows' minisign writes. */
static void
test_carriage_returns(void **state)
{
	const struct fixture *f = *state;
	struct buf text = { 0 };

	for (size_t i = 0; i < f->signature.n; i++) {
		if (f->signature.p[i] == '\n')
			buf_putc(&text, '\r');
		buf_putc(&text, f->signature.p[i]);
	}
	assert_int_equal(verify(f, buf_view(&text)), SIGN_GOOD);
	buf_free(&text);
}

static void
test_comment_of_another_signature(void **state)
{
	struct fixture *f = *state;
	struct buf other = { 0 }, mixed = { 0 };
	struct view a = buf_view(&f->signature), b, first, second;

	make_signature(f, VIEW("host:h1\tgeneration:6"), &other);
	b = buf_view(&other);
	/* The older comment with its own signature, under the newer one's
	 * lines. Ed25519 makes the same signature of the same data, so both
	 * halves fit, and this is the older signature itself. */
	for (int i = 0; i < 4; i++) {
		assert_true(view_next_split(&a, '\n', &first));
		assert_true(view_next_split(&b, '\n', &second));
		buf_put(&mixed, i == 2 ? second : first);
		buf_putc(&mixed, '\n');
	}
	assert_int_equal(verify(f, buf_view(&mixed)), SIGN_FORGED);
	buf_free(&other);
	buf_free(&mixed);
}

static void
test_several_keys(void **state)
{
	struct fixture *f = *state;
	struct sign_secret *other = sign_generate();
	struct sign_public keys[3];

	assert_non_null(other);
	keys[0] = *sign_secret_public(other);
	/* Somebody else's key under our key's id must not hide ours. */
	keys[1] = keys[0];
	memcpy(keys[1].id, f->public.id, SIGN_ID_BYTES);
	keys[2] = f->public;
	f->keys = (struct sign_keys){ keys, 3, false };
	assert_int_equal(verify(f, buf_view(&f->signature)), SIGN_GOOD);
	f->keys.n = 2;
	assert_int_equal(verify(f, buf_view(&f->signature)), SIGN_FORGED);
	f->keys.n = 1;
	assert_int_equal(verify(f, buf_view(&f->signature)), SIGN_UNKNOWN_KEY);
	f->keys = (struct sign_keys){ NULL, 0, false };
	assert_int_equal(verify(f, buf_view(&f->signature)), SIGN_UNKNOWN_KEY);
	f->keys = (struct sign_keys){ &f->public, 1, false };
	sign_secret_free(other);
}

/* ---- the legacy form ------------------------------------------------- */

/* minisign -Sl of "hi\n", made with minisign 0.11. */
static const char legacy_public[] =
	"untrusted comment: minisign public key 34DA5F98DE9396D3\n"
	"RWTTlpPemF/aNDK1i52YoeqQWHzjVM9UX7WGWhXRlARaxoZnhO0Ye502\n";
static const char legacy_signature[] =
	"untrusted comment: signature from minisign secret key\n"
	"RWTTlpPemF/aNEneGD9Jv3TUpI78tQxl3G3pH9rqFyfMfTQeovT2wJK0uZ8p9qKmbwEHN"
	"fq9nf4OY4d3C+F5PmsHJ5N/G10J5Qk=\n"
	"trusted comment: timestamp:1795221177\tfile:f\n"
	"HSvEh2ZLSmPORlcgZH7FxhDxMyd8dz3yMEpIZ5+z95P33Sg7ftYZwcCvFRu+jBL8WdoX"
	"HaoAxzfNgg2h8vrvDw==\n";

static void
test_legacy(void **state)
{
	struct sign_public key;
	struct sign_keys keys = { &key, 1, false };
	struct err err = { 0 };
	struct sign_result r = { 0 };
	struct view signature = view_of(legacy_signature);

	(void)state;
	assert_int_equal(
		sign_public_parse(&key, "k", view_of(legacy_public), &err), 0);
	assert_int_equal(sign_verify_bytes(VIEW("hi\n"), signature, &keys, &r),
			 SIGN_LEGACY);
	keys.legacy = true;
	assert_int_equal(sign_verify_bytes(VIEW("hi\n"), signature, &keys, &r),
			 SIGN_GOOD);
	assert_true(r.legacy);
	assert_true(view_eq(r.trusted, VIEW("timestamp:1795221177\tfile:f")));
	assert_int_equal(sign_verify_bytes(VIEW("ho\n"), signature, &keys, &r),
			 SIGN_BAD);
}

/* A prehashed signature with its tag changed to the legacy one is good for
 * the digest taken as data. That is why legacy is an option. */
static void
test_legacy_confusion(void **state)
{
	struct fixture *f = *state;
	struct view data = { (const char *)f->data, sizeof(f->data) };
	uint8_t digest[SIGN_DIGEST_BYTES];
	struct view as_data = { (const char *)digest, sizeof(digest) };
	char *tag = strstr(f->signature.p, "\nRU") + 2;
	struct sign_result r = { 0 };
	struct view text = buf_view(&f->signature);

	assert_int_equal(sign_digest_bytes(data, digest), 0);
	*tag = 'W'; /* "RU" is "ED", "RW" is "Ed" */
	assert_int_equal(sign_verify_bytes(as_data, text, &f->keys, &r),
			 SIGN_LEGACY);
	f->keys.legacy = true;
	assert_int_equal(sign_verify_bytes(as_data, text, &f->keys, &r),
			 SIGN_GOOD);
	assert_int_equal(verify(f, text), SIGN_BAD);
	f->keys.legacy = false;
	*tag = 'U';
}

/* ---- files ----------------------------------------------------------- */

static char *
in_folder(const struct fixture *f, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", f->folder, name);
	return path;
}

static int
write_file(const char *path, struct view v)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, v), 0);
	return close(fd);
}

static enum sign_verdict
verify_path(const struct fixture *f, const char *path)
{
	struct sign_result r = { 0 };
	enum sign_verdict v = sign_verify_file(path, &f->keys, &r);

	sign_result_free(&r);
	return v;
}

static void
test_file(void **state)
{
	struct fixture *f = *state;
	struct view data = { (const char *)f->data, sizeof(f->data) };
	char path[128], signature[128];
	struct err err = { 0 };
	struct stat st;

	in_folder(f, "d\nx", path);
	in_folder(f, "d\nx.minisig", signature);
	write_file(path, data);
	assert_int_equal(verify_path(f, path), SIGN_NO_SIGNATURE);
	assert_int_equal(sign_file(f->secret, path, VIEW_NONE, &err), 0);
	assert_int_equal(verify_path(f, path), SIGN_GOOD);
	assert_int_equal(stat(signature, &st), 0);
	assert_int_equal(st.st_mode & 022, 0);
	/* Signing again replaces it. */
	assert_int_equal(sign_file(f->secret, path, VIEW("again"), &err), 0);
	assert_int_equal(verify_path(f, path), SIGN_GOOD);
	write_file(path, view_sub(data, 0, data.n - 1));
	assert_int_equal(verify_path(f, path), SIGN_BAD);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(verify_path(f, path), SIGN_BAD);
	write_file(signature, VIEW(""));
	assert_int_equal(verify_path(f, path), SIGN_MALFORMED);
	assert_int_equal(truncate(signature, 1 << 30), 0);
	assert_int_equal(verify_path(f, path), SIGN_MALFORMED);
	assert_int_equal(err.n, 0);
	unlink(signature);
	unlink(path);
	assert_int_equal(verify_path(f, path), SIGN_UNREADABLE);
}

/* A link, a folder, a FIFO that nobody feeds: refused, not waited for. */
static void
test_odd_files(void **state)
{
	struct fixture *f = *state;
	char path[128], link[128], fifo[128];
	struct err err = { 0 };

	write_file(in_folder(f, "d", path), VIEW("x"));
	assert_int_equal(symlink(path, in_folder(f, "l", link)), 0);
	assert_int_equal(mkfifo(in_folder(f, "p", fifo), 0600), 0);
	assert_int_equal(verify_path(f, link), SIGN_UNREADABLE);
	assert_int_equal(verify_path(f, fifo), SIGN_UNREADABLE);
	assert_int_equal(verify_path(f, f->folder), SIGN_UNREADABLE);
	assert_int_equal(sign_file(f->secret, link, VIEW_NONE, &err), -1);
	assert_int_equal(sign_file(f->secret, fifo, VIEW_NONE, &err), -1);
	assert_int_equal(err.n, 2);
	unlink(link);
	assert_int_equal(symlink(path, in_folder(f, "d.minisig", link)), 0);
	assert_int_equal(verify_path(f, path), SIGN_MALFORMED);
	unlink(link);
	unlink(path);
	unlink(fifo);
	err_free(&err);
}

static void
test_descriptor(void **state)
{
	struct fixture *f = *state;
	struct view data = { (const char *)f->data, sizeof(f->data) };
	struct sign_result r = { 0 };
	char path[128];
	int fd, pipes[2];

	write_file(in_folder(f, "d", path), data);
	fd = open(path, O_RDWR | O_CLOEXEC);
	/* From its beginning, wherever the descriptor stands. */
	assert_int_equal(lseek(fd, 100, SEEK_SET), 100);
	assert_int_equal(
		sign_verify_fd(fd, buf_view(&f->signature), &f->keys, &r),
		SIGN_GOOD);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 100);
	assert_int_equal(pwrite(fd, "", 1, 4096), 1);
	assert_int_equal(
		sign_verify_fd(fd, buf_view(&f->signature), &f->keys, &r),
		SIGN_BAD);
	close(fd);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(
		sign_verify_fd(pipes[0], buf_view(&f->signature), &f->keys, &r),
		SIGN_UNREADABLE);
	close(pipes[0]);
	close(pipes[1]);
	unlink(path);
}

/* A hole of 256 MiB: read in small parts, no more memory than that. */
static void
test_large(void **state)
{
	struct fixture *f = *state;
	uint8_t small[SIGN_DIGEST_BYTES], large[SIGN_DIGEST_BYTES];
	crypto_generichash_state h;
	static const uint8_t zeros[1 << 20];
	char path[128];
	int fd;

	fd = open(in_folder(f, "d", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, (256 << 20) + 1), 0);
	assert_int_equal(sign_digest_fd(fd, large), 0);
	crypto_generichash_init(&h, NULL, 0, sizeof(small));
	for (int i = 0; i < 256; i++)
		crypto_generichash_update(&h, zeros, sizeof(zeros));
	crypto_generichash_update(&h, zeros, 1);
	crypto_generichash_final(&h, small, sizeof(small));
	assert_memory_equal(small, large, sizeof(small));
	close(fd);
	unlink(path);
}

/* Somebody keeps writing while we read. */
static void
test_changes_while_read(void **state)
{
	struct fixture *f = *state;
	struct sign_result r = { 0 };
	char path[128];
	pid_t child;
	int fd;

	fd = open(in_folder(f, "d", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 128 << 20), 0);
	child = fork();
	if (child == 0) {
		while (getppid() > 1 && pwrite(fd, "x", 1, 0) == 1)
			usleep(1000);
		_exit(0);
	}
	assert_int_equal(
		sign_verify_fd(fd, buf_view(&f->signature), &f->keys, &r),
		SIGN_UNSTABLE);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	unlink(path);
}

static void
test_verdict_words(void **state)
{
	(void)state;
	assert_string_equal(sign_verdict_word(SIGN_GOOD), "good");
	assert_string_equal(sign_verdict_word(SIGN_UNREADABLE), "unreadable");
	assert_string_equal(sign_verdict_sentence(SIGN_NO_SIGNATURE),
			    "has no signature");
}

int
main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH(test_round_trip),
		WITH(test_comments),
		WITH(test_flips_of_data),
		WITH(test_flips_of_signature),
		WITH(test_flips_of_public_key),
		WITH(test_public_line),
		WITH(test_cut_anywhere),
		WITH(test_malformed),
		WITH(test_base64_one_spelling),
		WITH(test_base64_high_bytes),
		WITH(test_carriage_returns),
		WITH(test_comment_of_another_signature),
		WITH(test_several_keys),
		cmocka_unit_test(test_legacy),
		WITH(test_legacy_confusion),
		WITH(test_file),
		WITH(test_odd_files),
		WITH(test_descriptor),
		WITH(test_large),
		WITH(test_changes_while_read),
		cmocka_unit_test(test_verdict_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
