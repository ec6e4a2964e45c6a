/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What package databases account for, and what they must not: each kind of
 * evidence, and what is nearly the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "baselines/packages_inside.h"
#include "scan/scan.h"

/* 2026-01-02 03:04:05 UTC: "one" is configured for two seconds. */
#define THEN (1767323045 * NS_PER_SEC)
#define LATER (THEN + 60 * NS_PER_SEC)

struct fixture {
	char folder[64];
	int dir;
	struct packages *packages;
};

static void
make_folders(struct fixture *f, const char *path)
{
	char *copy = strdup(path);

	for (char *p = copy; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdirat(f->dir, copy, 0755);
		*p = '/';
	}
	free(copy);
}

static void
put_bytes(struct fixture *f, const char *name, struct view text)
{
	int fd;

	make_folders(f, name);
	fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text), 0);
	close(fd);
}

static void
put(struct fixture *f, const char *name, const char *text)
{
	put_bytes(f, name, view_of(text));
}

/* A file of the package "one" as its package has it. */
static void
put_packaged(struct fixture *f, const char *name, const char *text)
{
	uint8_t md5[16];
	struct buf line = { 0 };
	int fd;

	put(f, name, text);
	gcry_md_hash_buffer(GCRY_MD_MD5, md5, text, strlen(text));
	buf_hex(&line, md5, sizeof(md5));
	buf_printf(&line, "  %s\n", name);
	fd = openat(f->dir, "var/lib/dpkg/info/one.md5sums",
		    O_WRONLY | O_APPEND | O_CREAT, 0644);
	assert_int_equal(fd_write_all(fd, buf_view(&line)), 0);
	close(fd);
	buf_clear(&line);
	buf_printf(&line, "/%s\n", name);
	fd = openat(f->dir, "var/lib/dpkg/info/one.list",
		    O_WRONLY | O_APPEND | O_CREAT, 0644);
	assert_int_equal(fd_write_all(fd, buf_view(&line)), 0);
	close(fd);
	buf_free(&line);
}

/* 900150983cd24fb0d6963f7d28e17f72 is the MD5 of "abc", RFC 1321. */
static void
put_database(struct fixture *f)
{
	put(f, "var/lib/dpkg/info/one.list",
	    "/.\n/opt\n/opt/one\n/opt/one/file\n/opt/one/link\n/etc/one\n"
	    "/usr/lib/one\n");
	put(f, "var/lib/dpkg/info/one.md5sums",
	    "900150983cd24fb0d6963f7d28e17f72  opt/one/file\n");
	put(f, "var/lib/dpkg/info/one.postinst",
	    "#!/bin/sh\nadduser --system one-daemon\n"
	    "adduser one-daemon one-group\n"
	    "echo x >/etc/generated.conf # not /etc/$x/other\n"
	    "echo x >${DPKG_ROOT}/etc/rooted.conf\n"
	    "rm -f /etc/apt/apt.conf.d/01one* /etc/all/*\n"
	    "echo y >/etc/cron.d/one\n");
	put(f, "var/lib/dpkg/info/two:amd64.list",
	    "/.\n/opt\n/opt/two\n/etc/two.conf\n/opt/two/unit.service\n");
	put(f, "var/lib/dpkg/status",
	    "Package: one\nStatus: install ok installed\n\n"
	    "Package: two\nStatus: install ok installed\nConffiles:\n"
	    " /etc/two.conf 900150983cd24fb0d6963f7d28e17f72\nVersion: 1\n\n"
	    "Package: four\nStatus: deinstall ok config-files\n");
	put(f, "var/lib/dpkg/alternatives/pager",
	    "auto\n/opt/bin/pager\npager.1\n/opt/man/pager.1\n\n"
	    "/opt/one/file\n10\n/opt/one/link\n"
	    "/opt/two/unit.service\n5\n\n\n");
	put(f, "var/lib/dpkg/alternatives/editor",
	    "manual\n/opt/bin/editor\n\n/opt/one/file\n10\n\n");
	put(f,
	    "var/lib/systemd/deb-systemd-helper-enabled/"
	    "unit.service.dsh-also",
	    "/etc/systemd/system/x.target.wants/unit.service\n");
	put(f, "var/log/dpkg.log",
	    "2026-01-02 03:00:00 startup packages configure\n"
	    "2026-01-02 03:00:00 configure two:amd64 1 <none>\n"
	    "2026-01-02 03:00:00 status installed two:amd64 1\n"
	    "2026-01-02 03:04:05 configure one:all 1 <none>\n"
	    "2026-01-02 03:04:05 status half-configured one:all 1\n"
	    "2026-01-02 03:04:07 status installed one:all 1\n"
	    "2026-01-02 03:05:30 status triggers-pending one:all 1\n");
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	setenv("TZ", "UTC", 1);
	tzset();
	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-dpkg-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->dir = open(f->folder, O_RDONLY | O_DIRECTORY);
	put_database(f);
	f->packages = packages_open(f->folder);
	assert_non_null(f->packages);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", f->folder, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	packages_close(f->packages);
	close(f->dir);
	free(f);
	return 0;
}

/* ---- asking ---------------------------------------------------------- */

struct question {
	const char *path;
	struct view content; /* of a file; a link: where it leads */
	uint32_t type, bits; /* bits 0: 0644 */
	uint64_t ctime_ns;
	unsigned attributes;	       /* changed; none: added */
	uint32_t uid, flags, old_bits; /* 0: as now */
};

/* The evidence for what is now at that path, "" if there is none. */
static const char *
ask(struct fixture *f, const struct question *q)
{
	struct view path = view_of(q->path);
	uint32_t bits = q->bits ? q->bits : 0644;
	struct walk_entry old = { .mode = q->type |
					  (q->old_bits ? q->old_bits : bits) },
			  now = { .dirfd = f->dir };
	struct change c = { .kind = q->attributes ? CHANGE_CHANGED
						  : CHANGE_ADDED,
			    .attributes = q->attributes,
			    .dir = path_directory(path),
			    .name = path_name(path),
			    .old = q->attributes ? &old : NULL,
			    .now = &now };
	struct buf text = { 0 };

	now.name = VIEW("content");
	if (S_ISREG(q->type)) {
		put_bytes(f, "content", q->content);
		walk_look(&now, 1 << 20, &text);
		assert_true(now.has_digest);
	} else {
		now.target = q->content;
	}
	now.mode = q->type | bits;
	now.uid = q->uid;
	now.gid = 0;
	now.flags = q->flags;
	now.xattrs = VIEW_NONE;
	now.ctime_ns = q->ctime_ns;
	packages_explain(f->packages, &c);
	assert_int_equal(c.explained.n > 0, c.evidence != NULL);
	buf_free(&text);
	return c.evidence != NULL ? c.evidence : "";
}

#define CONTENT (1u << CHANGE_SHA256 | 1u << CHANGE_MTIME)
#define FILE_AT(p, text, ...)                             \
	ask(f, &(struct question){ .path = (p),           \
				   .content = VIEW(text), \
				   .type = S_IFREG,       \
				   ##__VA_ARGS__ })
#define LINK_AT(p, to, ...)                             \
	ask(f, &(struct question){ .path = (p),         \
				   .content = VIEW(to), \
				   .type = S_IFLNK,     \
				   ##__VA_ARGS__ })
#define explained(word, asked) assert_string_equal(asked, word)
#define unexplained(asked) assert_string_equal(asked, "")

/* ---- tests ----------------------------------------------------------- */

static void
test_owner(void **state)
{
	struct fixture *f = *state;
	struct packages *p = f->packages;

	assert_true(
		view_eq(packages_owner(p, VIEW("/opt/one/file")), VIEW("one")));
	assert_true(
		view_eq(packages_owner(p, VIEW("/etc/two.conf")), VIEW("two")));
	assert_int_equal(packages_owner(p, VIEW("/opt/x")).n, 0);
	assert_int_equal(packages_owner(p, VIEW("/opt/one/x")).n, 0);
	assert_true(view_eq(packages_near(p, VIEW("/opt/one/x")),
			    VIEW("one (near)")));
	assert_true(view_eq(packages_near(p, VIEW("/etc/generated.conf")),
			    VIEW("one (near)")));
	assert_int_equal(packages_near(p, VIEW("/srv/x")).n, 0);
}

static void
test_digest(void **state)
{
	struct fixture *f = *state;

	explained("digest", FILE_AT("/opt/one/file", "abc"));
	explained("digest",
		  FILE_AT("/opt/one/file", "abc", .attributes = CONTENT));
	explained("digest",
		  FILE_AT("/etc/two.conf", "abc", .attributes = CONTENT));
	explained("digest", FILE_AT("/etc/two.conf.dpkg-dist", "abc"));
	unexplained(FILE_AT("/opt/one/file", "abd", .attributes = CONTENT));
	unexplained(FILE_AT("/opt/one/y", "abc", .ctime_ns = LATER));
	/* Attributes of their own, or hidden behind an upgrade. */
	unexplained(FILE_AT("/opt/one/file", "abc", .bits = 04755,
			    .old_bits = 0755, .ctime_ns = LATER,
			    .attributes = 1u << CHANGE_MODE));
	unexplained(FILE_AT("/opt/one/file", "abc", .bits = 04755,
			    .old_bits = 0755, .ctime_ns = LATER,
			    .attributes = CONTENT | 1u << CHANGE_MODE));
	unexplained(FILE_AT("/opt/one/file", "abc", .ctime_ns = LATER,
			    .attributes = CONTENT | 1u << CHANGE_OWNER));
	unexplained(FILE_AT("/opt/one/file", "abc", .ctime_ns = LATER,
			    .attributes = CONTENT | 1u << CHANGE_CAPABILITIES));
	/* Not even then: no script speaks of a capability here. */
	unexplained(FILE_AT("/opt/one/file", "abc", .ctime_ns = THEN,
			    .attributes = CONTENT | 1u << CHANGE_CAPABILITIES));
	unexplained(FILE_AT("/opt/one/file", "abc", .ctime_ns = THEN,
			    .flags = 0x10,
			    .attributes = CONTENT | 1u << CHANGE_FLAGS));
}

/* New, and special: only what the package manager itself has made so. */
static void
test_special(void **state)
{
	struct fixture *f = *state;

	explained("digest", FILE_AT("/opt/one/file", "abc", .bits = 04755,
				    .ctime_ns = THEN));
	unexplained(FILE_AT("/opt/one/file", "abc", .bits = 04755,
			    .ctime_ns = LATER));
	unexplained(FILE_AT("/opt/one/file", "abc", .bits = 0666,
			    .ctime_ns = LATER));
	unexplained(FILE_AT("/opt/one/file", "abc", .uid = 1000,
			    .ctime_ns = LATER));
	unexplained(FILE_AT("/opt/one/file", "abc", .flags = 0x10,
			    .ctime_ns = THEN));
	/* Set by a script, where the content is what it was. */
	explained("attributes",
		  FILE_AT("/etc/generated.conf", "x", .ctime_ns = THEN,
			  .attributes = 1u << CHANGE_GROUP));
	unexplained(FILE_AT("/etc/generated.conf", "x", .ctime_ns = LATER,
			    .attributes = 1u << CHANGE_GROUP));
	unexplained(FILE_AT("/etc/unnamed", "x", .ctime_ns = THEN,
			    .attributes = 1u << CHANGE_GROUP));
}

static void
test_links(void **state)
{
	static const char wants[] =
		"/etc/systemd/system/x.target.wants/unit.service";
	const unsigned target = 1u << CHANGE_TARGET;
	struct fixture *f = *state;

	/* Alternatives: to the best of them, and to nothing else. */
	explained("alternative",
		  LINK_AT("/etc/alternatives/pager", "/opt/one/file",
			  .ctime_ns = LATER, .attributes = target));
	unexplained(LINK_AT("/etc/alternatives/pager", "/opt/two/unit.service",
			    .ctime_ns = LATER, .attributes = target));
	unexplained(LINK_AT("/etc/alternatives/pager", "/tmp/x",
			    .ctime_ns = THEN, .attributes = target));
	unexplained(LINK_AT("/etc/alternatives/editor", "/opt/one/file",
			    .ctime_ns = LATER, .attributes = target));
	explained("alternative",
		  LINK_AT("/etc/alternatives/pager.1", "/opt/one/link",
			  .ctime_ns = LATER, .attributes = target));
	/* Units that were enabled. */
	explained("enabled",
		  LINK_AT(wants, "/opt/two/unit.service", .ctime_ns = LATER));
	unexplained(LINK_AT(wants, "/opt/one/file", .ctime_ns = LATER));
	unexplained(LINK_AT(wants, "/tmp/unit.service", .ctime_ns = THEN));
	unexplained(LINK_AT("/etc/systemd/system/x.target.wants/other.service",
			    "/opt/two/unit.service", .ctime_ns = LATER));
	/* A package's own. */
	explained("link", LINK_AT("/opt/one/link", "file", .ctime_ns = LATER,
				  .attributes = target));
	unexplained(LINK_AT("/opt/one/link", "../two/unit.service",
			    .ctime_ns = LATER, .attributes = target));
	unexplained(LINK_AT("/opt/one/link", "/tmp/x", .ctime_ns = LATER));
}

static void
test_pointer(void **state)
{
	struct fixture *f = *state;

	put_packaged(f, "opt/one/data", "data\n");
	put(f, "opt/one/file", "not what the package has");
	explained("pointer", LINK_AT("/srv/x", "/opt/one/data",
				     .ctime_ns = THEN + NS_PER_SEC));
	unexplained(LINK_AT("/srv/x", "/opt/one/data", .ctime_ns = LATER));
	unexplained(LINK_AT("/srv/x", "/opt/one/file", .ctime_ns = THEN));
	unexplained(LINK_AT("/srv/x", "/tmp/x", .ctime_ns = THEN));
	unexplained(LINK_AT("/srv/x", "/opt/../tmp/x", .ctime_ns = THEN));
	unexplained(
		LINK_AT("/etc/generated.conf", "/home/x/y", .ctime_ns = THEN));
}

static void
test_made(void **state)
{
	struct fixture *f = *state;

	/* The log's last line does not stretch the operation. */
	explained("script", FILE_AT("/etc/generated.conf", "x",
				    .ctime_ns = THEN + 2 * NS_PER_SEC));
	unexplained(FILE_AT("/etc/generated.conf", "x",
			    .ctime_ns = THEN + 4 * NS_PER_SEC));
	unexplained(FILE_AT("/etc/generated.conf", "x",
			    .ctime_ns = THEN - NS_PER_SEC));
	explained("script", FILE_AT("/etc/rooted.conf", "x", .ctime_ns = THEN));
	explained("script", FILE_AT("/etc/one/made", "x", .ctime_ns = THEN));
	explained("copy",
		  FILE_AT("/srv/any", "abc", .bits = 0755, .ctime_ns = THEN));
	unexplained(FILE_AT("/srv/any", "abc", .ctime_ns = LATER));
	explained("copy", FILE_AT("/etc/logrotate.d/two.disabled", "abc",
				  .ctime_ns = THEN - 245 * NS_PER_SEC));
	unexplained(FILE_AT("/etc/logrotate.d/two.disabled", "abd",
			    .ctime_ns = THEN - 245 * NS_PER_SEC));
	unexplained(FILE_AT("/etc/unnamed", "x", .ctime_ns = THEN));
	unexplained(FILE_AT("/etc/other", "x", .ctime_ns = THEN));
	unexplained(
		FILE_AT("/etc/one/made", "x", .bits = 0755, .ctime_ns = THEN));
	unexplained(
		FILE_AT("/etc/one/made", "x", .bits = 0666, .ctime_ns = THEN));
	/* The other package was not changed then. */
	unexplained(FILE_AT("/opt/two/made", "x", .ctime_ns = THEN));
	/* What can do nothing, where others can. */
	explained("script",
		  FILE_AT("/etc/apt/apt.conf.d/01one",
			  "// x\nAPT { NeverAutoRemove { \"^one$\"; }; };\n",
			  .ctime_ns = THEN));
	unexplained(FILE_AT("/etc/apt/apt.conf.d/01one",
			    "APT { NeverAutoRemove { \"^one$\"; }; };\n"
			    "DPkg::Pre-Invoke { \"/tmp/x\"; };\n",
			    .ctime_ns = THEN));
	unexplained(FILE_AT("/etc/apt/apt.conf.d/01one",
			    "APT { NeverAutoRemove { \"^one$",
			    .ctime_ns = THEN));
	unexplained(FILE_AT("/etc/all", "x", .ctime_ns = THEN));
	/* What is started by itself, whatever a script says. */
	unexplained(FILE_AT("/etc/cron.d/one", "x", .ctime_ns = THEN));
}

static void
test_folder(void **state)
{
	struct fixture *f = *state;
	struct question q = { .path = "/srv/new",
			      .type = S_IFDIR,
			      .bits = 0755,
			      .ctime_ns = THEN };

	explained("folder", ask(f, &q));
	q.bits = 0777;
	unexplained(ask(f, &q));
	q.bits = 0755;
	q.ctime_ns = LATER;
	unexplained(ask(f, &q));
}

static const char *
removed(struct fixture *f, const char *path, const char *package, uint32_t mode)
{
	struct walk_entry old = { .mode = mode };
	struct change c = { .kind = CHANGE_REMOVED,
			    .dir = path_directory(view_of(path)),
			    .name = path_name(view_of(path)),
			    .package = view_of(package),
			    .old = &old };

	packages_explain(f->packages, &c);
	return c.evidence != NULL ? c.evidence : "";
}

static void
test_removed(void **state)
{
	struct fixture *f = *state;

	explained("removed",
		  removed(f, "/opt/gone/file", "three", S_IFREG | 0644));
	explained("removed",
		  removed(f, "/srv/made", "four (near)", S_IFREG | 0644));
	unexplained(removed(f, "/srv/made", "one (near)", S_IFREG | 0644));
	unexplained(removed(f, "/opt/gone/file", "", S_IFREG | 0644));
	/* Still the package's, and yet not there. */
	unexplained(removed(f, "/opt/one/file", "one", S_IFREG | 0644));
	unexplained(removed(f, "/etc/alternatives/pager", "update-alternatives",
			    S_IFLNK | 0777));
}

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

/* ---- hostile databases ----------------------------------------------- */

/* Cut anywhere: no answer is wrong that way, and nothing is read past. */
static void
test_cut_log(void **state)
{
	static const char log[] =
		"2026-01-02 03:04:05 configure one:all 1 <none>\n"
		"9999-99-99 99:99:99 status installed one:all 1\n"
		"2026-01-02 03:04:05 status\n2026\n\n"
		"2026-01-02 03:04:0x configure one 1 2\n"
		"2026-01-02 03:04:04 status installed one:all 1\n";
	struct fixture *f = *state;

	for (size_t n = 0; n <= sizeof(log) - 1; n += 7) {
		put_bytes(f, "var/log/dpkg.log", (struct view){ log, n });
		packages_close(f->packages);
		f->packages = packages_open(f->folder);
		unexplained(
			FILE_AT("/etc/generated.conf", "x", .ctime_ns = LATER));
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_owner),     TEST(test_digest),  TEST(test_special),
		TEST(test_links),     TEST(test_pointer), TEST(test_made),
		TEST(test_folder),    TEST(test_removed), TEST(test_bytecode),
		TEST(test_users),     TEST(test_groups),  TEST(test_shadow),
		TEST(test_libraries), TEST(test_pam),	  TEST(test_cut_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
