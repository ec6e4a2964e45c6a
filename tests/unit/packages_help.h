/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of packages share: a folder with package databases, and a question
 * about a change of what is in it. */
#ifndef TESTS_PACKAGES_HELP_H
#define TESTS_PACKAGES_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "baselines/packages_inside.h"
#include "scan/scan.h"
#include "tests/unit/run_help.h"

/* 2026-01-02 03:04:05 UTC: "one" is configured for two seconds. */
#define THEN (1767323045 * NS_PER_SEC)
#define LATER (THEN + 60 * NS_PER_SEC)

struct fixture {
	char folder[64];
	int dir;
	struct packages *packages;
};

static inline void
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

static inline void
put_bytes(struct fixture *f, const char *name, struct view text)
{
	int fd;

	make_folders(f, name);
	fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text), 0);
	close(fd);
}

static inline void
put(struct fixture *f, const char *name, const char *text)
{
	put_bytes(f, name, view_of(text));
}

/* A file of the package "one" as its package has it. */
static inline void
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
static inline void
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

static inline int
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

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	RUN("rm", "-rf", "--", f->folder);
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
static inline const char *
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
