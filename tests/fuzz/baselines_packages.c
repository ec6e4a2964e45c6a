/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpkg's database, and what stands for packages' doing, of anybody's making.
 * The input is cut into `files`; C is the content of a file that has changed.
 * Then for some paths it is asked whose they are, and whether a package
 * accounts for a change there: whatever is said must be a package's name from
 * the database, and what is damaged explains nothing by a digest that the file
 * does not have.
 */
#include "baselines/packages.h"

#include <time.h>

#include "scan/scan.h"
#include "tests/fuzz/folder_help.h"

#define NOW (1767323045 * NS_PER_SEC)

static const struct folder_file files[] = {
	{ 'S', "var/lib/dpkg/status" },
	{ 'L', "var/lib/dpkg/info/one.list" },
	{ 'M', "var/lib/dpkg/info/one.md5sums" },
	{ 'P', "var/lib/dpkg/info/one.postinst" },
	{ 'l', "var/lib/dpkg/info/two:amd64.list" },
	{ 'D', "var/lib/dpkg/diversions" },
	{ 'A', "var/lib/dpkg/alternatives/pager" },
	{ 'E', "var/lib/systemd/deb-systemd-helper-enabled/u.dsh-also" },
	{ 'H', "var/lib/ucf/hashfile" },
	{ 'R', "var/lib/ucf/registry" },
	{ 'G', "var/log/dpkg.log" },
	{ 'U', "usr/lib/sysusers.d/one.conf" },
	{ 'T', "usr/share/pam/common-auth" },
	{ 'X', "usr/share/pam-configs/unix" },
	{ 'C', "content" },
};

static const char *const asked[] = {
	"/opt/one/file",    "/opt/one/link",	       "/etc/one.conf",
	"/etc/ld.so.cache", "/etc/pam.d/common-auth",  "/etc/passwd",
	"/etc/group",	    "/etc/alternatives/pager", "/usr/lib/one/a.pyc",
	"/etc/generated",
};

static void
make_folders(const char *path)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdirat(folder_fd, copy, 0755);
		*p = '/';
	}
}

static void
begin(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	folder_make();
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		make_folders(files[i].name);
}

static void
ask(struct packages *p, const char *path, uint32_t type, unsigned attributes)
{
	struct view whole = view_of(path), owner;
	struct walk_entry now = { .dirfd = folder_fd, .name = VIEW("content") };
	struct walk_entry old = { .mode = S_IFREG | 0644 };
	struct change c = { .kind = attributes != 0 ? CHANGE_CHANGED
						    : CHANGE_ADDED,
			    .attributes = attributes,
			    .dir = path_directory(whole),
			    .name = path_name(whole),
			    .old = attributes != 0 ? &old : NULL,
			    .now = &now };
	struct buf text = { 0 };

	walk_look(&now, 1 << 20, &text);
	if (type == S_IFLNK)
		now.target = VIEW("/opt/one/file");
	now.mode = type | 0644;
	now.uid = now.gid = now.flags = 0;
	now.xattrs = VIEW_NONE;
	now.ctime_ns = NOW;
	check(packages_explain(p, &c) == (c.evidence != NULL));
	check((c.explained.n > 0) == (c.evidence != NULL));
	owner = packages_owner(p, whole);
	/* Nobody has what no list and no helper names. */
	check(owner.n == 0 || packages_count(p) > 0);
	packages_near(p, whole);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view input = { (const char *)data, n };
	struct packages *p;

	if (folder_fd < 0)
		begin();
	folder_fill(files, ARRAY_LEN(files), input);
	p = packages_open(folder);
	check(p != NULL);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		ask(p, asked[i], S_IFREG, 0);
		ask(p, asked[i], S_IFREG,
		    1u << CHANGE_SHA256 | 1u << CHANGE_MTIME);
		ask(p, asked[i], S_IFLNK, 0);
	}
	packages_close(p);
	folder_clear(files, ARRAY_LEN(files));
	return 0;
}
