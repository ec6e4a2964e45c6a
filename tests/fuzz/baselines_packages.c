/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dpkg's database, and what stands for packages' doing, of anybody's making.
 * The input is cut at bytes 0x1e (ASCII's record separator); the first byte of
 * each piece says which file it is, see `files`. C is the content of a file
 * that has changed. Then for some paths it is asked whose they are, and whether
 * a package accounts for a change there: whatever is said must be a package's
 * name from the database, and what is damaged explains nothing by a digest that
 * the file does not have.
 */
#include "baselines/packages.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scan/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NOW (1767323045 * NS_PER_SEC)

static const struct {
	char letter;
	const char *path;
} files[] = {
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

static char folder[] = "/dev/shm/tocsin-fuzz-XXXXXX";
static int root = -1;

static void
make_folders(const char *path)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdirat(root, copy, 0755);
		*p = '/';
	}
}

static void
clear(void)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlinkat(root, files[i].path, 0);
}

static void
remove_folders(void)
{
	char path[128];

	clear();
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s", files[i].path);
		for (char *p; (p = strrchr(path, '/')) != NULL;) {
			*p = '\0';
			unlinkat(root, path, AT_REMOVEDIR);
		}
	}
	rmdir(folder);
}

static void
begin(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	if (mkdtemp(folder) == NULL) {
		memcpy(folder, "/tmp/tocsin-fuzz-XXXXXX",
		       sizeof("/tmp/tocsin-fuzz-XXXXXX"));
		if (mkdtemp(folder) == NULL)
			abort();
	}
	root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		make_folders(files[i].path);
	atexit(remove_folders);
}

static void
put(struct view piece)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int fd;

		if (piece.n == 0 || piece.p[0] != files[i].letter)
			continue;
		fd = openat(root, files[i].path,
			    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 ||
		    fd_write_all(fd, view_sub(piece, 1, SIZE_MAX)) != 0)
			abort();
		close(fd);
	}
}

static void
ask(struct packages *p, const char *path, uint32_t type, unsigned attributes)
{
	struct view whole = view_of(path), owner;
	struct walk_entry now = { .dirfd = root, .name = VIEW("content") };
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
	if (packages_explain(p, &c) != (c.evidence != NULL) ||
	    (c.explained.n > 0) != (c.evidence != NULL))
		abort();
	owner = packages_owner(p, whole);
	/* Nobody has what no list and no helper names. */
	if (owner.n > 0 && packages_count(p) == 0)
		abort();
	packages_near(p, whole);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view rest = { (const char *)data, n }, piece;
	struct packages *p;

	if (root < 0)
		begin();
	while (view_next_split(&rest, 0x1e, &piece))
		put(piece);
	p = packages_open(folder);
	if (p == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		ask(p, asked[i], S_IFREG, 0);
		ask(p, asked[i], S_IFREG,
		    1u << CHANGE_SHA256 | 1u << CHANGE_MTIME);
		ask(p, asked[i], S_IFLNK, 0);
	}
	packages_close(p);
	clear();
	return 0;
}
