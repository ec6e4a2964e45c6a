/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every act on a file, and what is said of it. */
#include "tests/live/fan_harness.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const run_only[] = { "/run/*", NULL };

static void
must(bool ok)
{
	if (!ok)
		_exit(1);
}

static void
make(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	must(fd >= 0);
	if (*text)
		must(write(fd, text, strlen(text)) > 0);
	close(fd);
}

static void
creations(void *unused)
{
	int fd;

	(void)unused;
	make("/run/empty", "");
	make("/run/full", "text");
	must(link("/run/empty", "/run/hard") == 0);
	must(symlink("/etc/passwd", "/run/soft") == 0);
	must(mknod("/run/fifo", S_IFIFO | 0600, 0) == 0);
	must(mkdir("/run/dir", 0755) == 0);
	fd = open("/run", O_TMPFILE | O_WRONLY, 0644);
	must(fd >= 0);
	must(write(fd, "x", 1) == 1);
	must(linkat(fd, "", AT_FDCWD, "/run/tmpfile", AT_EMPTY_PATH) == 0);
	close(fd);
}

static void
test_creations(void)
{
	static const char *const names[] = { "/run/empty",  "/run/full",
					     "/run/hard",   "/run/soft",
					     "/run/fifo",   "/run/dir",
					     "/run/tmpfile" };
	struct host h;
	uint32_t pid;
	bool all = true, opened = true;

	host_open(&h, NULL, run_only);
	pid = host_run(&h, creations, NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct heard *s = said_find(&h, EVENT_CREATE, names[i]);

		all &= said_by(&h, EVENT_CREATE, names[i], pid);
		opened &= s && s->opened == 0;
	}
	check(all, "creations of every kind, once, with their process");
	check(opened, "created files can be opened by their event");
	check(said_count(&h, EVENT_CREATE, NULL) == ARRAY_LEN(names),
	      "no creation that did not happen");
	check(said_by(&h, EVENT_MODIFY, "/run/full", pid) &&
		      said_count(&h, EVENT_MODIFY, "/run/empty") == 0,
	      "create, write, close: one creation, one modification");
	check(said_find(&h, EVENT_CREATE, "/run/dir") &&
		      said_find(&h, EVENT_CREATE, "/run/dir")->node == NODE_DIR,
	      "a directory is one");
	if (harness_failed)
		host_dump(&h);
	host_close(&h);
}

static void
changes(void *unused)
{
	int fd = open("/run/full", O_WRONLY | O_APPEND);

	(void)unused;
	must(fd >= 0);
	for (int i = 0; i < 20; i++) {
		must(write(fd, "more", 4) == 4);
		usleep(2000);
	}
	close(fd);
	must(chmod("/run/full", 0600) == 0);
	must(chmod("/run/dir", 0700) == 0);
	fd = open("/run/empty", O_WRONLY);
	must(fd >= 0);
	close(fd);
}

static void
test_changes(void)
{
	struct host h;
	uint32_t pid = 0;

	host_open(&h, NULL, run_only);
	/* Whoever goes on writing after a second is told of twice. */
	for (int i = 0; i < 10; i++) {
		host_clear(&h);
		pid = host_run(&h, changes, NULL);
		if (h.act_ns < NS_PER_SEC)
			break;
	}
	check(said_by(&h, EVENT_MODIFY, "/run/full", pid),
	      "20 writes and a close are one modification");
	check(said_by(&h, EVENT_ATTRIBUTES, "/run/full", pid),
	      "chmod of a file");
	check(said_by(&h, EVENT_ATTRIBUTES, "/run/dir", pid),
	      "chmod of a directory");
	check(said_count(&h, EVENT_MODIFY, "/run/empty") == 0,
	      "opened for writing and closed is no modification");
	host_clear(&h);
	pid = host_sh(&h, "exec perl -e 'truncate(\"/run/full\", 1)'");
	host_pump(&h, 1300);
	check(said_by(&h, EVENT_MODIFY, "/run/full", pid),
	      "truncate(2), which has no close, after a second");
	host_close(&h);
}

/* The writer goes, somebody else closes. */
static void
shared_descriptor(void *pid)
{
	int fd = open("/run/shared", O_CREAT | O_WRONLY, 0644);
	pid_t child = fork();

	must(fd >= 0);
	if (child == 0) {
		must(write(fd, "x", 1) == 1);
		usleep(50000);
		_exit(0);
	}
	*(volatile pid_t *)pid = child;
	waitpid(child, NULL, 0);
	usleep(20000);
	close(fd);
}

static void
test_shared_descriptor(void)
{
	pid_t *writer = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct host h;
	uint32_t pid;

	host_open(&h, NULL, run_only);
	pid = host_run(&h, shared_descriptor, writer);
	check(said_by(&h, EVENT_CREATE, "/run/shared", pid) &&
		      said_by(&h, EVENT_MODIFY, "/run/shared",
			      (uint32_t)*writer),
	      "a modification belongs to who wrote, not to who closed");
	host_close(&h);
	munmap(writer, 4096);
}

static void
test_renames(void)
{
	struct host h;
	uint32_t pid;

	prepare("echo a >/run/one; echo b >/run/two; echo c >/tmp/in;"
		"echo d >/run/out; echo e >/run/gone");
	host_open(&h, NULL, run_only);
	pid = host_sh(&h, "exec perl -e 'rename(\"/run/one\", \"/run/1\");"
			  "rename(\"/run/two\", \"/run/1\")'");
	check(said_rename(&h, "/run/one", "/run/1") &&
		      said_rename(&h, "/run/two", "/run/1"),
	      "a rename has both names, also over another file");
	check(said_count(&h, EVENT_RENAME, NULL) == 2 &&
		      said_find(&h, EVENT_RENAME, "/run/1")->pid == pid,
	      "… once, with its process");
	host_clear(&h);
	host_close(&h);
	prepare("mkdir -p /home/w /home/o; echo c >/home/o/in;"
		"echo d >/home/w/out; echo e >/home/w/gone");
	host_open(&h, NULL, (const char *const[]){ "/home/w/*", NULL });
	pid = host_sh(&h, "exec perl -e 'rename(\"/home/o/in\", "
			  "\"/home/w/in\"); rename(\"/home/w/out\", "
			  "\"/home/o/out\"); unlink(\"/home/w/gone\")'");
	check(said_by(&h, EVENT_RENAME, "/home/w/in", pid) &&
		      said_rename(&h, "", "/home/w/in"),
	      "a rename from outside has no old name");
	check(said_by(&h, EVENT_DELETE, "/home/w/out", pid),
	      "a rename out of sight is a deletion");
	check(said_by(&h, EVENT_DELETE, "/home/w/gone", pid), "a deletion");
	host_close(&h);
}

/* One file, in a directory where other files do not matter. */
static void
test_exact_file(void)
{
	struct host h;
	uint32_t pid;

	host_open(&h, NULL, (const char *const[]){ "/etc/passwd", NULL });
	pid = host_sh(&h, "echo x >/etc/passwd.new; echo y >/etc/other;"
			  "chmod 600 /etc/other;"
			  "exec mv /etc/passwd.new /etc/passwd");
	check(said_rename(&h, "/etc/passwd.new", "/etc/passwd") &&
		      said_by(&h, EVENT_RENAME, "/etc/passwd", pid),
	      "an exact file replaced by a rename");
	check(h.n == 1, "… and nothing said of its neighbours");
	if (h.n != 1)
		host_dump(&h);
	host_clear(&h);
	pid = host_sh(&h, "echo >>/etc/passwd; exec mv /etc/passwd /etc/p");
	check(said_count(&h, EVENT_MODIFY, "/etc/passwd") == 1 &&
		      said_rename(&h, "/etc/passwd", "/etc/p"),
	      "an exact file renamed away: the new name is told");
	host_close(&h);
}

/* Merged in the kernel: nobody reads meanwhile. */
static void
merged(void *unused)
{
	(void)unused;
	make("/run/short", "lived");
	must(unlink("/run/short") == 0);
	make("/run/again", "a");
	must(link("/run/again", "/run/keep") == 0);
	must(unlink("/run/again") == 0);
	must(link("/run/keep", "/run/again") == 0);
}

static size_t
position(const struct host *h, enum event_kind kind, const char *path)
{
	const struct heard *s = said_find(h, kind, path);

	return s ? (size_t)(s - h->v) : SIZE_MAX;
}

static void
test_merged(void)
{
	struct host h;
	size_t made, gone;
	pid_t pid;

	host_open(&h, NULL, run_only);
	pid = fork();
	if (pid == 0) {
		merged(NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	host_pump(&h, 60);
	made = position(&h, EVENT_CREATE, "/run/short");
	gone = position(&h, EVENT_DELETE, "/run/short");
	check(made < gone && gone != SIZE_MAX, "merged: created, then deleted");
	check(said_find(&h, EVENT_DELETE, "/run/short")->opened == ENOENT ||
		      said_find(&h, EVENT_DELETE, "/run/short")->opened ==
			      ESTALE,
	      "the deleted file cannot be opened");
	made = position(&h, EVENT_CREATE, "/run/again");
	gone = position(&h, EVENT_DELETE, "/run/again");
	check(gone < made && made != SIZE_MAX,
	      "merged: what is there now was created last");
	check(said_by(&h, EVENT_CREATE, "/run/keep", (uint32_t)pid),
	      "merged: the process is right");
	host_close(&h);
}

/* Another file under the name is not the event's. */
static void
test_stale(void)
{
	struct host h;
	const struct heard *s;
	pid_t pid;

	host_open(&h, NULL, run_only);
	pid = fork();
	if (pid == 0) {
		make("/run/swap", "first");
		make("/run/other", "second");
		must(rename("/run/other", "/run/swap") == 0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	host_pump(&h, 60);
	s = said_find(&h, EVENT_CREATE, "/run/swap");
	check(s && s->opened == ESTALE, "a replaced file is stale");
	s = said_find(&h, EVENT_RENAME, "/run/swap");
	check(s && s->opened == 0, "… and the one that replaced it is not");
	host_close(&h);
}

static void
test_names(void)
{
	char path[400] = "/run/", *p = path + 5;
	struct host h;

	memset(p, 'n', 255);
	p[255] = '\0';
	host_open(&h, NULL, run_only);
	host_sh(&h, "printf x >'/run/a\nb'; printf x >\"$(printf "
		    "'/run/\\377\\376')\"; printf x >'/run/ -x'; cd /run; "
		    "printf x >$(perl -e 'print \"n\" x 255')");
	check(said_count(&h, EVENT_CREATE, "/run/a\nb") == 1, "a newline");
	check(said_count(&h, EVENT_CREATE, "/run/\377\376") == 1,
	      "bytes that are no UTF-8");
	check(said_count(&h, EVENT_CREATE, "/run/ -x") == 1, "a space");
	check(said_count(&h, EVENT_CREATE, path) == 1, "255 bytes");
	host_close(&h);
}

/* Paths far beyond PATH_MAX. */
static void
dig(void *unused)
{
	char name[201];

	(void)unused;
	memset(name, 'd', 200);
	name[200] = '\0';
	must(chdir("/run") == 0);
	for (int i = 0; i < 40; i++) {
		must(mkdir(name, 0755) == 0);
		must(chdir(name) == 0);
		usleep(1000);
	}
	settle();
	make("bottom", "x");
}

static void
test_deep(void)
{
	struct host h;
	const struct heard *deep = NULL;
	uint32_t pid;

	host_open(&h, NULL, run_only);
	pid = host_run(&h, dig, NULL);
	for (size_t i = 0; i < h.n; i++) {
		if (h.v[i].kind == EVENT_CREATE &&
		    view_ends(h.v[i].path, VIEW("/bottom")))
			deep = &h.v[i];
	}
	check(deep && deep->path.n == 4 + 40 * 201 + 7 && deep->pid == pid &&
		      deep->opened == 0,
	      "a path of 8,000 bytes");
	host_close(&h);
	prepare("rm -rf /run/ddd*");
}

static void
test_own(void)
{
	struct host h;

	host_open(&h, NULL, run_only);
	make("/run/own", "x");
	must(mkdir("/run/owndir", 0755) == 0);
	host_pump(&h, 50);
	check(h.n == 0, "Tocsin's own acts are not told");
	host_sh(&h, "echo >/run/owndir/x");
	check(said_count(&h, EVENT_CREATE, "/run/owndir/x") == 1,
	      "… but its directories are watched");
	host_close(&h);
}

static void
test_old_kernel(void)
{
	struct fan_options old = { .no_rename = true,
				   .no_pidfd = true,
				   .no_openat2 = true,
				   .no_mount_mark = true };
	struct host h;
	uint32_t pid;

	host_open(&h, &old, run_only);
	pid = host_sh(&h,
		      "mkdir /run/old; " SETTLE "echo >/run/old/f; mv "
		      "/run/old/f /run/old/g; mv /run/old /run/older; " SETTLE
		      "rm /run/older/g; exec rmdir /run/older");
	check(said_count(&h, EVENT_CREATE, "/run/old/f") == 1 &&
		      said_count(&h, EVENT_RENAME, "/run/old/g") == 1 &&
		      said_count(&h, EVENT_DELETE, "/run/old/f") == 1,
	      "as before Linux 5.15: create, rename");
	check(said_by(&h, EVENT_DELETE, "/run/older", pid) &&
		      said_count(&h, EVENT_DELETE, "/run/older/g") == 1,
	      "as before Linux 5.15: a directory renamed is followed");
	if (!said_count(&h, EVENT_DELETE, "/run/older/g"))
		host_dump(&h);
	host_close(&h);
}

/* Without privilege: no sensor, one sentence. */
static void
test_unprivileged(void)
{
	struct sensor_config config = { 0 };
	struct err err = { 0 };
	struct probe probe;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool ok = setresuid(65534, 65534, 65534) == 0 &&
			  !sensor_fan.open(&config, &err) && err.n == 1 &&
			  view_search(err.v[0].message, VIEW("CAP_SYS_ADMIN"),
				      0) >= 0;

		sensor_fan_probe(&probe);
		_exit(!(ok && !probe.works && probe.why[0]));
	}
	waitpid(pid, &status, 0);
	check(status == 0, "without privilege: one sentence");
	sensor_fan_probe(&probe);
	check(probe.works, "with it, the probe says that it works");
}

void
test_acts(void)
{
	test_creations();
	test_changes();
	test_shared_descriptor();
	test_renames();
	test_exact_file();
	test_merged();
	test_stale();
	test_names();
	test_deep();
	test_own();
	test_old_kernel();
	test_unprivileged();
}
