/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Baselines and their journal: what is written is read again, and whatever is
 * changed is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/baseline.h"
#include "baselines/compare.h"
#include "baselines/journal.h"
#include "baselines/scope.h"
#include "tests/unit/run_help.h"

#define FLIPS_DATABASE 500u
#define FLIPS_SIGNATURE 250u
#define FLIPS_JOURNAL 250u
#define SEED 4u

struct fixture {
	char folder[64];
	char database[96], signature[96], journal[96];
	struct sign_secret *secret;
	struct sign_keys keys;
	struct err err;
	struct scope scope;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->database, sizeof(f->database), "%s/baseline.db", f->folder);
	snprintf(f->signature, sizeof(f->signature), "%s/baseline.db.minisig",
		 f->folder);
	snprintf(f->journal, sizeof(f->journal), "%s/log/journal.ndjson",
		 f->folder);
	f->secret = sign_generate();
	f->keys = (struct sign_keys){ .v = sign_secret_public(f->secret),
				      .n = 1 };
	assert_int_equal(scope_add(&f->scope, SCOPE_ROOT, VIEW("/x")), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	RUN("rm", "-rf", "--", f->folder);
	sign_secret_free(f->secret);
	scope_free(&f->scope);
	err_free(&f->err);
	free(f);
	return 0;
}

static void
add_item(struct baseline_writer *w, const char *dir, const char *name,
	 unsigned i)
{
	static const char xattrs[] = "user.a\0\1\0\0\0v";
	struct baseline_item item = {
		.e = { .dir = view_of(dir),
		       .name = view_of(name),
		       .mode = S_IFREG | 0644,
		       .uid = i,
		       .gid = 2 * i,
		       .nlink = 1 + i % 2,
		       .size = 1000ull * i,
		       .mtime_ns = 1700000000000000000ull + i,
		       .ctime_ns = 1700000000000000001ull + i,
		       .inode = i,
		       .has_digest = true },
		.package = i % 3 == 0 ? VIEW("pkg") : VIEW(""),
	};

	memset(item.e.sha256, (int)i, 32);
	if (i % 5 == 0)
		item.e.xattrs = (struct view){ xattrs, sizeof(xattrs) - 1 };
	assert_int_equal(baseline_add(w, &item), 0);
}

static void
write_baseline(struct fixture *f, uint64_t generation, bool sign)
{
	struct baseline_writer *w = baseline_create(f->folder, &f->err);
	struct baseline_meta meta = { .generation = generation,
				      .time_ns = 1,
				      .host = VIEW("host"),
				      .action = VIEW("init"),
				      .who = VIEW("me"),
				      .reason = VIEW(""),
				      .log = VIEW(""),
				      .parent = VIEW("") };
	char name[16];

	assert_non_null(w);
	add_item(w, "/", "x", 1);
	for (unsigned i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "f%02u", i);
		add_item(w, "/x", name, i);
	}
	add_item(w, "/x/sub", "\xff\n", 7);
	assert_int_equal(baseline_commit(w, &meta, &f->scope,
					 sign ? f->secret : NULL, &f->err),
			 0);
	assert_int_equal(meta.files, 52);
	assert_int_equal(meta.root.n, 64);
	baseline_abandon(w);
}

static enum baseline_verdict
try_open(struct fixture *f)
{
	enum baseline_verdict verdict;
	struct err err = { 0 };
	struct baseline *b = baseline_open(f->folder, &f->keys, &verdict, &err);

	assert_true((b != NULL) == (verdict == BASELINE_GOOD));
	assert_true((err.n == 1) == (verdict != BASELINE_GOOD));
	baseline_close(b);
	err_free(&err);
	return verdict;
}

static void
test_round(void **state)
{
	struct fixture *f = *state;
	const struct baseline_item *item;
	enum baseline_verdict verdict;
	struct scope scope = { 0 };
	struct baseline *b;
	unsigned n = 0;

	assert_int_equal(try_open(f), BASELINE_NONE);
	write_baseline(f, 1, true);
	b = baseline_open(f->folder, &f->keys, &verdict, &f->err);
	assert_non_null(b);
	assert_int_equal(baseline_meta(b)->generation, 1);
	assert_int_equal(baseline_meta(b)->files, 52);
	assert_true(view_eq(baseline_meta(b)->who, VIEW("me")));
	assert_int_equal(baseline_scope(b, &scope, &f->err), 0);
	assert_int_equal(scope.n, 1);
	assert_true(view_eq(scope.v[0].pattern, VIEW("/x")));
	while (baseline_next(b, &item) == 1) {
		if (n == 11) {
			assert_true(view_eq(item->e.dir, VIEW("/x")));
			assert_true(view_eq(item->e.name, VIEW("f10")));
			assert_int_equal(item->e.size, 10000);
			assert_int_equal(item->e.sha256[31], 10);
			assert_int_equal(item->e.xattrs.n, 12);
		}
		n++;
	}
	assert_int_equal(n, 52);
	assert_int_equal(baseline_find(b, VIEW("/x/f33"), &item), 1);
	assert_int_equal(item->e.uid, 33);
	assert_true(view_eq(item->package, VIEW("pkg")));
	assert_int_equal(baseline_find(b, VIEW("/x/sub/\xff\n"), &item), 1);
	assert_true(view_eq(item->e.dir, VIEW("/x/sub")));
	assert_int_equal(baseline_find(b, VIEW("/x"), &item), 1);
	assert_int_equal(baseline_find(b, VIEW("/x/f5"), &item), 0);
	assert_int_equal(baseline_find(b, VIEW("/y/f05"), &item), 0);
	assert_true(baseline_unchanged(b));
	baseline_close(b);
	scope_free(&scope);
}

/* ---- flips ----------------------------------------------------------- */

static size_t
read_file(const char *path, char *to, size_t max)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, to, max);

	close(fd);
	assert_true(n > 0 && (size_t)n < max);
	return (size_t)n;
}

static void
put_back(const char *path, const char *from, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(fd_write_all(fd, (struct view){ from, n }), 0);
	close(fd);
}

/* Flips one bit of [from, n) and puts it back after `found` has looked. */
static void
flip_some(struct fixture *f, const char *path, size_t from, unsigned times,
	  bool (*found)(struct fixture *))
{
	static char bytes[1 << 20];
	size_t n = read_file(path, bytes, sizeof(bytes));

	for (unsigned i = 0; i < times; i++) {
		size_t at = from + (size_t)random() % (n - from);
		char bit = (char)(1 << random() % 8);
		bool was_found;

		bytes[at] ^= bit;
		put_back(path, bytes, n);
		was_found = found(f);
		if (!was_found)
			print_message("byte %zu, bit %d\n", at, bit);
		assert_true(was_found);
		bytes[at] ^= bit;
	}
	put_back(path, bytes, n);
	/* Cut off anywhere; of a journal nobody can tell, but those who know
	 * of a later record. */
	for (unsigned i = 0; i < 20; i++) {
		size_t cut = from + (size_t)random() % (n - from);

		put_back(path, bytes, cut);
		assert_true(found(f) != (path == f->journal));
	}
	put_back(path, bytes, n);
	assert_false(found(f));
}

static bool
baseline_found(struct fixture *f)
{
	return try_open(f) == BASELINE_TAMPERED;
}

static bool
journal_found(struct fixture *f)
{
	struct journal_state s = { 0 };
	struct err err = { 0 };
	int rc = journal_read(f->folder, VIEW_NONE, &s, NULL, NULL, &err);

	journal_state_free(&s);
	assert_true((rc == 0) == (err.n == 0));
	err_free(&err);
	return rc == 1;
}

static void
test_flips(void **state)
{
	struct fixture *f = *state;
	char text[SIGN_TEXT_MAX + 1];
	struct journal_record record = { .action = "accept",
					 .generation = 1,
					 .root = VIEW("abcdef"),
					 .who = VIEW("me"),
					 .reason = VIEW("be\"cause\n"),
					 .detail = VIEW("{\"paths\":1}") };
	size_t n;

	print_message("%u flips, seed %u\n",
		      FLIPS_DATABASE + FLIPS_SIGNATURE + FLIPS_JOURNAL, SEED);
	srandom(SEED);
	write_baseline(f, 1, true);
	flip_some(f, f->database, 0, FLIPS_DATABASE, baseline_found);
	/* The first line is a comment that nothing covers and nobody reads:
	 * minisign(1). */
	n = read_file(f->signature, text, sizeof(text));
	text[n] = '\0';
	flip_some(f, f->signature, (size_t)(strchr(text, '\n') - text),
		  FLIPS_SIGNATURE, baseline_found);
	for (int i = 0; i < 5; i++)
		assert_int_equal(journal_append(f->folder, &record, &f->err),
				 0);
	flip_some(f, f->journal, 0, FLIPS_JOURNAL, journal_found);
}

/* What a kill leaves of a line, at every byte: as if it had not been written,
 * and the next one is whole. */
static void
test_half_line(void **state)
{
	struct fixture *f = *state;
	static char bytes[4096], again[4096];
	struct journal_record record = { .action = "restore",
					 .detail = VIEW("{\"paths\":[1]}") };
	struct journal_state s = { 0 };
	size_t one, two, n;

	assert_int_equal(journal_append(f->folder, &record, &f->err), 0);
	one = read_file(f->journal, bytes, sizeof(bytes));
	assert_int_equal(journal_append(f->folder, &record, &f->err), 0);
	two = read_file(f->journal, bytes, sizeof(bytes));
	for (size_t cut = one; cut < two; cut++) {
		put_back(f->journal, bytes, cut);
		assert_false(journal_found(f));
		assert_int_equal(journal_append(f->folder, &record, &f->err),
				 0);
		assert_int_equal(journal_read(f->folder, VIEW_NONE, &s, NULL,
					      NULL, &f->err),
				 0);
		assert_int_equal(s.records, 2);
		journal_state_free(&s);
		n = read_file(f->journal, again, sizeof(again));
		assert_int_equal(n, two);
		assert_memory_equal(bytes, again, one);
	}
	/* But not what nobody has begun to write. */
	bytes[one + 2] = 'x';
	put_back(f->journal, bytes, one + 20);
	assert_true(journal_found(f));
}

/* ---- swapped, unsigned, stopped in between --------------------------- */

static void
test_swapped(void **state)
{
	struct fixture *f = *state;
	static char one[1 << 20];
	size_t n;

	write_baseline(f, 1, true);
	n = read_file(f->database, one, sizeof(one));
	write_baseline(f, 2, true);
	assert_int_equal(try_open(f), BASELINE_GOOD);
	put_back(f->database, one, n);
	assert_int_equal(try_open(f), BASELINE_TAMPERED);
	write_baseline(f, 3, false);
	assert_int_equal(try_open(f), BASELINE_TAMPERED);
	assert_int_equal(unlink(f->database), 0);
	assert_int_equal(symlink("elsewhere", f->database), 0);
	assert_int_equal(try_open(f), BASELINE_TAMPERED);
}

/* The two names change one after the other. */
static void
test_between_renames(void **state)
{
	struct fixture *f = *state;
	char next[128];

	snprintf(next, sizeof(next), "%s.next", f->signature);
	write_baseline(f, 1, true);
	assert_int_equal(rename(f->signature, next), 0);
	assert_int_equal(try_open(f), BASELINE_GOOD);
	write_baseline(f, 2, true);
	assert_int_equal(try_open(f), BASELINE_GOOD);
}

static void
test_abandoned(void **state)
{
	struct fixture *f = *state;
	struct baseline_writer *w, *second;
	char path[128];

	write_baseline(f, 1, true);
	snprintf(path, sizeof(path), "%s.new", f->database);
	w = baseline_create(f->folder, &f->err);
	assert_non_null(w);
	assert_int_equal(access(path, F_OK), 0);
	/* One at a time, and who comes second breaks nothing. */
	second = baseline_create(f->folder, &f->err);
	assert_null(second);
	assert_int_equal(access(path, F_OK), 0);
	baseline_abandon(w);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(try_open(f), BASELINE_GOOD);
}

/* ---- scope ----------------------------------------------------------- */

static void
test_scope(void **state)
{
	struct scope s = { 0 };

	(void)state;
	assert_int_equal(scope_add_default(&s, false), 0);
	assert_int_equal(scope_add(&s, SCOPE_SKIP, VIEW("/var/lib/tocsin")), 0);
	assert_true(scope_is(&s, SCOPE_SKIP, VIEW("/var/lib"), VIEW("tocsin")));
	assert_false(scope_is(&s, SCOPE_SKIP, VIEW("/var/lib"), VIEW("x")));
	assert_true(scope_is(&s, SCOPE_SECRET, VIEW("/etc"), VIEW("shadow-")));
	assert_true(scope_is(&s, SCOPE_SECRET, VIEW("/etc/ssh"),
			     VIEW("ssh_host_rsa_key")));
	assert_false(scope_is(&s, SCOPE_SECRET, VIEW("/etc/ssh"),
			      VIEW("ssh_host_rsa_key.pub")));
	assert_true(scope_is(&s, SCOPE_SECRET, VIEW("/etc/ssl/private/a/b"),
			     VIEW("c")));
	assert_true(scope_is(&s, SCOPE_KEEP, VIEW("/etc"), VIEW("passwd")));
	assert_true(scope_is(&s, SCOPE_KEEP, VIEW("/etc/a/b/c"), VIEW("d")));
	assert_true(scope_is(&s, SCOPE_KEEP,
			     VIEW("/usr/lib/x86_64-linux-gnu/security"),
			     VIEW("pam_unix.so")));
	assert_false(scope_is(&s, SCOPE_KEEP, VIEW("/usr/lib/x86_64-linux-gnu"),
			      VIEW("libc.so.6")));
	assert_false(scope_is(&s, SCOPE_KEEP, VIEW("/srv/etc"), VIEW("x")));
	assert_true(scope_is(&s, SCOPE_VOLATILE, VIEW("/etc"), VIEW("mtab")));
	assert_true(scope_is(&s, SCOPE_GROWS, VIEW("/opt/a"), VIEW("b.log")));
	scope_free(&s);
}

static void
test_scope_roots(void **state)
{
	static const char *const paths[] = { "/a/b", "/a", "/a.b", "/a/b/c",
					     "/b/*nothing*/x" };
	struct scope s = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(scope_add(&s, SCOPE_ROOT, view_of(paths[i])),
				 0);
	assert_int_equal(scope_roots(&s), 0);
	assert_int_equal(s.n_roots, 2);
	assert_true(view_eq(s.roots[0].path, VIEW("/a")));
	assert_true(view_eq(s.roots[1].path, VIEW("/a.b")));
	assert_true(scope_covers(&s, VIEW("/a/x/y")));
	assert_false(scope_covers(&s, VIEW("/ab")));
	scope_free(&s);
}

/* ---- differences ----------------------------------------------------- */

static void
test_differences(void **state)
{
	static const char acl[] = "system.posix_acl_access\0\1\0\0\0a";
	static const char cap[] = "security.capability\0\1\0\0\0a";
	struct walk_entry a = { .mode = S_IFREG | 0644,
				.has_digest = true,
				.has_extra = true },
			  b = a;

	(void)state;
	assert_int_equal(change_differences(&a, &b), 0);
	b.inode = 5;
	b.ctime_ns = 5;
	assert_int_equal(change_differences(&a, &b), 0);
	b.xattrs = (struct view){ acl, sizeof(acl) - 1 };
	assert_int_equal(change_differences(&a, &b), 1u << CHANGE_ACL);
	a.xattrs = (struct view){ cap, sizeof(cap) - 1 };
	assert_int_equal(change_differences(&a, &b),
			 1u << CHANGE_ACL | 1u << CHANGE_CAPABILITIES);
	b = a;
	b.mode = S_IFREG | 04644;
	b.sha256[31] = 1;
	b.flags = 16;
	assert_int_equal(change_differences(&a, &b),
			 1u << CHANGE_MODE | 1u << CHANGE_SHA256 |
				 1u << CHANGE_FLAGS);
	b = a;
	b.mode = S_IFDIR | 0644;
	assert_int_equal(change_differences(&a, &b), 1u << CHANGE_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flips, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_swapped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_between_renames, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_abandoned, setup,
						teardown),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_scope_roots),
		cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
