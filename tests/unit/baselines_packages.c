/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What package databases account for, and what they must not: each kind of
 * evidence, and what is nearly the same. */
#include "tests/unit/packages_help.h"

#include <errno.h>
#include <seccomp.h>

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

/* Exit code: 0 when the host's files can be read and another root's not. */
static int
without_openat2(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct packages *host = packages_open(NULL);
	struct packages *other = packages_open("/tmp");
	struct buf text = { 0 };

	if (filter == NULL ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2),
			     0) != 0 ||
	    seccomp_load(filter) != 0)
		return 2;
	if (!packages_read(host, "/etc/passwd", &text) || text.n == 0)
		return 3;
	if (packages_open_below(other, VIEW("."), O_PATH) >= 0)
		return 4;
	return 0;
}

/* As on old kernels, and behind filters that know no openat2(2). */
static void
test_no_openat2(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(without_openat2());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_owner),      TEST(test_digest),  TEST(test_special),
		TEST(test_links),      TEST(test_pointer), TEST(test_made),
		TEST(test_folder),     TEST(test_removed), TEST(test_cut_log),
		TEST(test_no_openat2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
