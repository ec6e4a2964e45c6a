/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What package managers' scripts and tools make: bytecode, accounts, the cache
 * of libraries, PAM's files; each kind of evidence, and what is nearly so. */
#include "tests/unit/packages_help.h"

/* ---- bytecode -------------------------------------------------------- */

static struct view
bytecode(char out[20], uint32_t mtime, uint32_t size)
{
	const uint32_t words[] = { 0x0a0d0da7, 0, mtime, size, 0x63 };

	memcpy(out, words, sizeof(words));
	return (struct view){ out, sizeof(words) };
}

static void
test_bytecode(void **state)
{
	static const char source[] = "usr/lib/one/a.py";
	struct fixture *f = *state;
	struct question q = {
		.path = "/usr/lib/one/__pycache__/a.cpython-311.pyc",
		.type = S_IFREG,
		.ctime_ns = THEN,
	};
	struct stat st;
	char pyc[20];

	put_packaged(f, source, "print(1)\n");
	fstatat(f->dir, source, &st, 0);
	q.content = bytecode(pyc, (uint32_t)st.st_mtime, 9);
	explained("bytecode", ask(f, &q));
	q.path = "/usr/lib/one/__pycache__/a.cpython-311.opt-1.pyc";
	explained("bytecode", ask(f, &q));
	q.ctime_ns = LATER;
	unexplained(ask(f, &q));
	q.ctime_ns = THEN;
	q.bits = 0666;
	unexplained(ask(f, &q));
	q.bits = 0644;
	q.content = bytecode(pyc, (uint32_t)st.st_mtime + 1, 9);
	unexplained(ask(f, &q));
	q.content = bytecode(pyc, (uint32_t)st.st_mtime, 10);
	unexplained(ask(f, &q));
	q.content = view_sub(bytecode(pyc, (uint32_t)st.st_mtime, 9), 0, 15);
	unexplained(ask(f, &q));
	q.path = "/usr/lib/one/__pycache__/b.cpython-311.pyc";
	q.content = bytecode(pyc, (uint32_t)st.st_mtime, 9);
	unexplained(ask(f, &q));
	/* The source is not what the package brought. */
	put(f, source, "print(2)\n");
	fstatat(f->dir, source, &st, 0);
	q.path = "/usr/lib/one/__pycache__/a.cpython-311.pyc";
	q.content = bytecode(pyc, (uint32_t)st.st_mtime, 9);
	unexplained(ask(f, &q));
}

/* ---- accounts -------------------------------------------------------- */

#define OLD_PASSWD                                    \
	"root:x:0:0:root:/root:/bin/bash\n"           \
	"nobody:x:65534:65534::/:/usr/sbin/nologin\n" \
	"alice:x:1000:1000::/home/alice:/bin/bash\n"
#define OLD_GROUP "root:x:0:\nsudo:x:27:\none-group:x:50:\nalice:x:1000:\n"
#define ONE "one-daemon:x:101:101::/nonexistent:/usr/sbin/nologin\n"
#define ONE_GROUP "one-daemon:x:101:\n"
#define OLD_SHADOW "root:*:19000:0:99999:7:::\nalice:$y$x:19000:::::::\n"

static void
remember_shadow(struct fixture *f)
{
	struct walk_entry e = { .dir = VIEW("/etc"), .name = VIEW("shadow") };
	struct buf text = { 0 }, lines = { 0 };
	struct view kept;

	put(f, "etc/shadow", OLD_SHADOW);
	e.dirfd = openat(f->dir, "etc", O_RDONLY | O_DIRECTORY);
	walk_look(&e, 1 << 20, &text);
	packages_lines(&e, &lines);
	assert_true(lines.n > 32);
	assert_int_equal(view_search(buf_view(&lines), VIEW("$y$"), 0), -1);
	kept = arena_copy(&f->packages->arena, buf_view(&lines));
	f->packages->accounts[2] = (struct remembered){ true, kept };
	close(e.dirfd);
	buf_free(&text);
	buf_free(&lines);
}

static const char *
accounts(struct fixture *f, const char *path, const char *passwd,
	 const char *group, const char *now)
{
	struct question q = { .path = path,
			      .content = view_of(now),
			      .type = S_IFREG,
			      .ctime_ns = THEN,
			      .attributes = CONTENT };

	f->packages->accounts[0] =
		(struct remembered){ true, VIEW(OLD_PASSWD) };
	f->packages->accounts[1] = (struct remembered){ true, VIEW(OLD_GROUP) };
	put(f, "etc/passwd", passwd);
	put(f, "etc/group", group);
	return ask(f, &q);
}

static const char *
users(struct fixture *f, const char *passwd)
{
	return accounts(f, "/etc/passwd", passwd, OLD_GROUP, passwd);
}

static const char *
groups(struct fixture *f, const char *group)
{
	return accounts(f, "/etc/group", OLD_PASSWD ONE, group, group);
}

static void
test_users(void **state)
{
	struct fixture *f = *state;

	explained("accounts", users(f, OLD_PASSWD ONE));
	explained("accounts", accounts(f, "/etc/passwd-", OLD_PASSWD ONE,
				       OLD_GROUP, OLD_PASSWD));
	unexplained(users(f, OLD_PASSWD ONE "toor:x:0:0::/:/bin/sh\n"));
	unexplained(users(f, OLD_PASSWD "one-daemon:x:0:0::/:/bin/false\n"));
	unexplained(users(f, OLD_PASSWD "one-daemon::101:1::/:/bin/false\n"));
	unexplained(users(f, OLD_PASSWD "one-daemon:x:1001:1::/:/bin/false\n"));
	unexplained(users(f, OLD_PASSWD "one-daemon:x:101:1::/:/bin/bash\n"));
	unexplained(users(f, OLD_PASSWD "daemon:x:101:1::/:/bin/false\n"));
	unexplained(users(f, OLD_PASSWD ONE ONE));
	unexplained(users(f, "root:x:0:0:root:/tmp:/bin/bash\n"
			     "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
			     "alice:x:1000:1000::/home/alice:/bin/bash\n" ONE));
	/* A person's account went. */
	unexplained(users(f, "root:x:0:0:root:/root:/bin/bash\n"
			     "nobody:x:65534:65534::/:/usr/sbin/nologin\n"));
	unexplained(users(f, OLD_PASSWD ONE "\n"));
	unexplained(users(f, ""));
}

static void
test_groups(void **state)
{
	struct fixture *f = *state;

	explained("accounts", groups(f, OLD_GROUP ONE_GROUP));
	explained("accounts",
		  groups(f, "root:x:0:\nsudo:x:27:\none-group:x:50:one-daemon\n"
			    "alice:x:1000:\n"));
	unexplained(groups(f, "root:x:0:\nsudo:x:27:alice\none-group:x:50:\n"
			      "alice:x:1000:\n"));
	unexplained(groups(f, "root:x:0:\nsudo:x:27:one-daemon\n"
			      "one-group:x:50:\nalice:x:1000:\n"));
	unexplained(groups(f, OLD_GROUP "one-daemon:x:0:\n"));
	unexplained(groups(f, OLD_GROUP "one-daemon:x:101:alice\n"));
	unexplained(groups(f, "root:x:0:\nsudo:x:28:\none-group:x:50:\n"
			      "alice:x:1000:\n"));
}

static void
test_shadow(void **state)
{
	struct fixture *f = *state;
#define SHADOW_IS(text) \
	accounts(f, "/etc/shadow", OLD_PASSWD ONE, OLD_GROUP ONE_GROUP, text)

	remember_shadow(f);
	explained("accounts",
		  SHADOW_IS(OLD_SHADOW "one-daemon:!:20000::::::\n"));
	unexplained(SHADOW_IS(OLD_SHADOW "one-daemon:$y$z:20000::::::\n"));
	unexplained(SHADOW_IS(OLD_SHADOW "one-daemon::20000::::::\n"));
	unexplained(SHADOW_IS(OLD_SHADOW "other:!:20000::::::\n"));
	unexplained(SHADOW_IS("root:*:19000:0:99999:7:::\n"
			      "alice:$y$other:19000:::::::\n"));
	unexplained(SHADOW_IS("root:$y$x:19000:0:99999:7:::\n"
			      "alice:$y$x:19000:::::::\n"));
	unexplained(SHADOW_IS("root:*:19000:0:99999:7:::\n"));
#undef SHADOW_IS
}

/* ---- ld.so.cache ----------------------------------------------------- */

static void
put_u32(struct buf *b, uint32_t n)
{
	buf_put(b, (struct view){ (const char *)&n, sizeof(n) });
}

/* One entry, as ldconfig(8) writes it. */
static void
make_cache(struct buf *b, const char *name, const char *path)
{
	uint32_t strings = 48 + 24;

	buf_clear(b);
	buf_puts(b, "glibc-ld.so.cache1.1");
	put_u32(b, 1);
	put_u32(b, (uint32_t)(strlen(name) + strlen(path) + 2));
	for (int i = 0; i < 5; i++)
		put_u32(b, 0);
	put_u32(b, 3);
	put_u32(b, strings);
	put_u32(b, strings + (uint32_t)strlen(name) + 1);
	for (int i = 0; i < 3; i++)
		put_u32(b, 0);
	buf_put(b, (struct view){ name, strlen(name) + 1 });
	buf_put(b, (struct view){ path, strlen(path) + 1 });
}

static void
test_libraries(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	struct question q = { .path = "/etc/ld.so.cache",
			      .type = S_IFREG,
			      .ctime_ns = THEN,
			      .attributes = CONTENT };

	put_packaged(f, "usr/lib/one/liba.so.1", "library");
	make_cache(&b, "liba.so.1", "/usr/lib/one/liba.so.1");
	q.content = buf_view(&b);
	explained("libraries", ask(f, &q));
	q.ctime_ns = LATER;
	unexplained(ask(f, &q));
	q.ctime_ns = THEN;
	for (size_t n = 0; n < b.n; n++) {
		q.content = view_sub(buf_view(&b), 0, n);
		unexplained(ask(f, &q));
	}
	make_cache(&b, "libc.so.6", "/usr/lib/one/liba.so.1");
	q.content = buf_view(&b);
	unexplained(ask(f, &q));
	make_cache(&b, "liba.so.1", "/tmp/liba.so.1");
	q.content = buf_view(&b);
	unexplained(ask(f, &q));
	make_cache(&b, "liba.so.1", "/usr/lib/one/../one/liba.so.1");
	q.content = buf_view(&b);
	unexplained(ask(f, &q));
	/* More entries than there is room for. */
	make_cache(&b, "liba.so.1", "/usr/lib/one/liba.so.1");
	memset(b.p + 20, 0xff, 4);
	q.content = buf_view(&b);
	unexplained(ask(f, &q));
	buf_free(&b);
}

/* ---- PAM ------------------------------------------------------------- */

static void
test_pam(void **state)
{
#define HEAD "# made\nauth [success=1 default=ignore] pam_unix.so nullok\n"
#define TAIL "auth requisite pam_deny.so\n"
	struct fixture *f = *state;

	put_packaged(f, "usr/share/pam/common-auth",
		     "# template\n$auth_primary\n" TAIL "$auth_additional\n");
	put_packaged(f, "usr/share/pam-configs/unix",
		     "Name: Unix\nAuth-Type: Primary\nAuth:\n"
		     "\t[success=end default=ignore]\tpam_unix.so nullok\n"
		     "Session:\n\trequired\tpam_x.so\n");
	put(f, "usr/share/pam-configs/mine",
	    "Name: Mine\nAuth:\n\tsufficient\tpam_permit.so\n");
#define AUTH(text, ...)                                                \
	FILE_AT("/etc/pam.d/common-auth", text, .attributes = CONTENT, \
		.ctime_ns = THEN, ##__VA_ARGS__)
	explained("pam", AUTH(HEAD TAIL));
	explained("pam", AUTH("auth [success=2 default=ignore] pam_unix.so "
			      "nullok\n" TAIL));
	unexplained(AUTH(HEAD TAIL "auth sufficient pam_permit.so\n"));
	unexplained(AUTH("auth [default=1] pam_permit.so\n" TAIL));
	unexplained(AUTH(HEAD TAIL "auth required pam_x.so\n"));
	unexplained(AUTH(HEAD TAIL "auth optional pam_exec.so /tmp/x\n"));
	unexplained(AUTH("auth [success=ok default=ignore] pam_unix.so "
			 "nullok\n" TAIL));
	unexplained(FILE_AT("/etc/pam.d/common-auth", HEAD TAIL,
			    .attributes = CONTENT, .ctime_ns = LATER));
	unexplained(FILE_AT("/etc/pam.d/login", HEAD TAIL, .ctime_ns = THEN));
	put(f, "usr/share/pam/common-auth", TAIL "auth x pam_evil.so\n");
	unexplained(AUTH(HEAD TAIL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytecode), TEST(test_users),	   TEST(test_groups),
		TEST(test_shadow),   TEST(test_libraries), TEST(test_pam),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
