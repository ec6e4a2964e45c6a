/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dpkg's database accounts for, and what it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "baselines/packages.h"

struct fixture {
	char folder[64];
	int dir;
	struct packages *packages;
};

static void
put(struct fixture *f, const char *name, const char *text)
{
	int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, view_of(text)), 0);
	close(fd);
}

/* 900150983cd24fb0d6963f7d28e17f72 is the MD5 of "abc", RFC 1321. */
static int
setup(void **state)
{
	static const char *const folders[] = {
		"dpkg",
		"dpkg/info",
		"dpkg/alternatives",
		"systemd",
		"systemd/deb-systemd-helper-enabled",
	};
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-dpkg-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->dir = open(f->folder, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		mkdirat(f->dir, folders[i], 0755);
	put(f, "dpkg/info/one.list",
	    "/.\n/opt\n/opt/one\n/opt/one/file\n/opt/one/link\n");
	put(f, "dpkg/info/one.md5sums",
	    "900150983cd24fb0d6963f7d28e17f72  opt/one/file\n");
	put(f, "dpkg/info/two:amd64.list",
	    "/.\n/opt\n/opt/two\n/etc/two.conf\n/opt/two/unit.service\n");
	put(f, "dpkg/status",
	    "Package: two\nConffiles:\n"
	    " /etc/two.conf 900150983cd24fb0d6963f7d28e17f72\nVersion: 1\n");
	put(f, "dpkg/alternatives/pager",
	    "auto\n/opt/bin/pager\npager.1\n/opt/man/pager.1\n\n"
	    "/opt/one/file\n10\n/opt/one/link\n\n");
	put(f, "systemd/deb-systemd-helper-enabled/unit.service.dsh-also",
	    "/etc/systemd/system/x.target.wants/unit.service\n");
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

static void
test_owner(void **state)
{
	struct fixture *f = *state;

	assert_true(view_eq(packages_owner(f->packages, VIEW("/opt/one/file")),
			    VIEW("one")));
	assert_true(view_eq(packages_owner(f->packages, VIEW("/etc/two.conf")),
			    VIEW("two")));
	assert_int_equal(packages_owner(f->packages, VIEW("/opt/x")).n, 0);
}

/* The package that explains what is now at DIR/NAME, with the content of
 * `file` in the fixture's folder. */
static struct view
explain_file(struct fixture *f, enum change_kind kind, const char *dir,
	     const char *name, const char *content, unsigned attributes,
	     uint32_t mode)
{
	struct walk_entry old = { .mode = S_IFREG | 0644 }, now = { 0 };
	struct change c = { .kind = kind,
			    .dir = view_of(dir),
			    .name = view_of(name),
			    .attributes = attributes,
			    .old = kind == CHANGE_ADDED ? NULL : &old,
			    .now = &now };
	struct buf text = { 0 };
	struct view found;

	put(f, name, content);
	now.dirfd = f->dir;
	now.name = view_of(name);
	walk_look(&now, 1 << 20, &text);
	assert_true(now.has_digest);
	now.mode = S_IFREG | mode;
	found = packages_explain(f->packages, &c);
	buf_free(&text);
	return found;
}

#define CONTENT (1u << CHANGE_SHA256 | 1u << CHANGE_MTIME)

static void
test_content(void **state)
{
	struct fixture *f = *state;

	assert_true(view_eq(explain_file(f, CHANGE_ADDED, "/opt/one", "file",
					 "abc", 0, 0755),
			    VIEW("one")));
	assert_true(view_eq(explain_file(f, CHANGE_CHANGED, "/opt/one", "file",
					 "abc", CONTENT, 0644),
			    VIEW("one")));
	assert_true(view_eq(explain_file(f, CHANGE_CHANGED, "/etc", "two.conf",
					 "abc", CONTENT, 0644),
			    VIEW("two")));
	assert_int_equal(explain_file(f, CHANGE_CHANGED, "/opt/one", "file",
				      "abd", CONTENT, 0644)
				 .n,
			 0);
	assert_int_equal(
		explain_file(f, CHANGE_ADDED, "/opt/one", "x", "abc", 0, 0644)
			.n,
		0);
	/* Attributes of their own, or hidden behind an upgrade. */
	assert_int_equal(explain_file(f, CHANGE_CHANGED, "/opt/one", "file",
				      "abc", 1u << CHANGE_MODE, 04755)
				 .n,
			 0);
	assert_int_equal(explain_file(f, CHANGE_CHANGED, "/opt/one", "file",
				      "abc", CONTENT | 1u << CHANGE_MODE, 04755)
				 .n,
			 0);
	assert_int_equal(explain_file(f, CHANGE_CHANGED, "/opt/one", "file",
				      "abc",
				      CONTENT | 1u << CHANGE_CAPABILITIES, 0644)
				 .n,
			 0);
	assert_int_equal(explain_file(f, CHANGE_CHANGED, "/opt/one", "file",
				      "abc", CONTENT | 1u << CHANGE_OWNER, 0644)
				 .n,
			 0);
}

static bool
link_explained(struct fixture *f, enum change_kind kind, const char *dir,
	       const char *name, const char *target)
{
	struct walk_entry old = { .mode = S_IFLNK | 0777 }, now = old;
	struct change c = { .kind = kind,
			    .dir = view_of(dir),
			    .name = view_of(name),
			    .attributes = 1u << CHANGE_TARGET,
			    .old = kind == CHANGE_ADDED ? NULL : &old,
			    .now = &now };

	now.target = view_of(target);
	return packages_explain(f->packages, &c).n > 0;
}

static void
test_links(void **state)
{
	static const char wants[] = "/etc/systemd/system/x.target.wants";
	struct fixture *f = *state;

	/* Alternatives: to candidates, and to nothing else. */
	assert_true(link_explained(f, CHANGE_CHANGED, "/etc/alternatives",
				   "pager", "/opt/one/file"));
	assert_false(link_explained(f, CHANGE_CHANGED, "/etc/alternatives",
				    "pager", "/opt/two/unit.service"));
	assert_true(link_explained(f, CHANGE_ADDED, "/opt/bin", "pager",
				   "/etc/alternatives/pager"));
	assert_true(link_explained(f, CHANGE_CHANGED, "/etc/alternatives",
				   "pager.1", "/opt/one/link"));
	/* Units that were enabled. */
	assert_true(link_explained(f, CHANGE_ADDED, wants, "unit.service",
				   "/opt/two/unit.service"));
	assert_false(link_explained(f, CHANGE_ADDED, wants, "unit.service",
				    "/opt/one/file"));
	assert_false(link_explained(f, CHANGE_ADDED, wants, "other.service",
				    "/opt/two/unit.service"));
	/* A package's own. */
	assert_true(
		link_explained(f, CHANGE_CHANGED, "/opt/one", "link", "file"));
	assert_false(link_explained(f, CHANGE_CHANGED, "/opt/one", "link",
				    "../two/unit.service"));
	assert_false(
		link_explained(f, CHANGE_ADDED, "/opt/one", "link", "/tmp/x"));
}

static void
test_removed(void **state)
{
	struct fixture *f = *state;
	struct walk_entry old = { .mode = S_IFREG | 0644 };
	struct change c = { .kind = CHANGE_REMOVED,
			    .dir = VIEW("/opt/gone"),
			    .name = VIEW("file"),
			    .package = VIEW("three"),
			    .old = &old };

	assert_true(view_eq(packages_explain(f->packages, &c), VIEW("three")));
	c.package = VIEW("");
	assert_int_equal(packages_explain(f->packages, &c).n, 0);
	/* Still the package's, and yet not there. */
	c.dir = VIEW("/opt/one");
	c.package = VIEW("one");
	assert_int_equal(packages_explain(f->packages, &c).n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
