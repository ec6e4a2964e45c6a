/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watched places that appear, vanish, move, and are mounted over. */
#include "tests/live/fan_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *const homes[] = { "/home/*/.config/systemd/user/*", NULL };

static void
test_wildcard(void)
{
	struct host h;
	uint32_t pid;

	prepare("mkdir -p /home/ann/.config/systemd/user /home/joe");
	host_open(&h, NULL, homes);
	pid = host_sh(&h, "echo >/home/ann/.config/systemd/user/a.timer");
	check(said_by(&h, EVENT_CREATE,
		      "/home/ann/.config/systemd/user/a.timer", pid),
	      "a home that is there");
	host_clear(&h);
	pid = host_sh(&h, "mkdir -p /home/bob/.config/systemd/user/x; " SETTLE
			  "echo "
			  ">/home/bob/.config/systemd/user/x/b.timer; "
			  "echo >/home/bob/.config/systemd/other");
	check(said_by(&h, EVENT_CREATE,
		      "/home/bob/.config/systemd/user/x/b.timer", pid),
	      "a new home, made at once to the bottom");
	check(said_count(&h, EVENT_CREATE, "/home/bob/.config/systemd/other") ==
		      0,
	      "nothing is said of the way there");
	host_clear(&h);
	pid = host_sh(&h, "rm -r /home/bob; mkdir -p "
			  "/home/bob/.config/systemd/user; " SETTLE
			  "echo >/home/bob/.config/systemd/user/c.timer");
	check(said_by(&h, EVENT_CREATE,
		      "/home/bob/.config/systemd/user/c.timer", pid),
	      "removed and made again");
	host_clear(&h);
	host_sh(&h, "mkdir -p /home/joe/.conf/systemd/user; echo "
		    ">/home/joe/.conf/systemd/user/d.timer; "
		    "mv /home/joe/.conf /home/joe/.config; " SETTLE
		    "mv /home/joe /home/jim; " SETTLE
		    "echo >/home/jim/.config/systemd/user/e.timer");
	check(said_count(&h, EVENT_RENAME,
			 "/home/joe/.config/systemd/user/d.timer") == 1,
	      "a directory renamed into a watched path brings its files");
	check(said_count(&h, EVENT_CREATE,
			 "/home/jim/.config/systemd/user/e.timer") == 1,
	      "a home renamed");
	check(h.s->tree->limbo == NULL, "nothing is left in limbo");
	if (harness_failed)
		host_dump(&h);
	host_close(&h);
}

static void
test_missing(void)
{
	struct host h;
	uint32_t pid;

	host_open(&h, NULL,
		  (const char *const[]){ "/opt/a/b/*", "=/srv/site", NULL });
	pid = host_sh(&h, "mkdir /opt/a; " SETTLE "mkdir /opt/a/b; " SETTLE
			  "echo >/opt/a/b/f; mkdir /srv/site; " SETTLE
			  "echo >/srv/site/index; rm -r /srv/site; "
			  "echo >/srv/site; exec mv /srv/site /srv/gone");
	check(said_count(&h, EVENT_CREATE, "/opt/a/b/f") == 1,
	      "a place that was missing");
	check(said_count(&h, EVENT_CREATE, "/srv/site") == 2 &&
		      said_count(&h, EVENT_CREATE, "/srv/site/index") == 1,
	      "a configured path, first a directory, then a file");
	check(said_by(&h, EVENT_RENAME, "/srv/gone", pid),
	      "… renamed away, with its new name");
	if (harness_failed)
		host_dump(&h);
	host_close(&h);
}

static void
test_moves(void)
{
	struct host h;
	uint32_t pid;

	prepare("rm -rf /home/o /home/w; mkdir -p /home/o/in/sub /home/w; echo >/home/o/in/f; "
		"echo >/home/o/in/sub/g");
	host_open(&h, NULL, (const char *const[]){ "/home/w/*", NULL });
	pid = host_sh(&h, "exec mv /home/o/in /home/w/in");
	check(said_by(&h, EVENT_RENAME, "/home/w/in", pid) &&
		      said_by(&h, EVENT_RENAME, "/home/w/in/f", pid) &&
		      said_by(&h, EVENT_RENAME, "/home/w/in/sub/g", pid),
	      "a directory moved in brings its files, with who moved it");
	check(said_find(&h, EVENT_RENAME, "/home/w/in/f") &&
		      said_find(&h, EVENT_RENAME, "/home/w/in/f")->opened == 0,
	      "… and they can be opened");
	host_clear(&h);
	pid = host_sh(&h, "exec mv /home/w/in /home/w/over");
	check(said_rename(&h, "/home/w/in", "/home/w/over") &&
		      said_rename(&h, "/home/w/in/sub/g", "/home/w/over/sub/g"),
	      "a directory moved within: files with both names");
	if (!said_rename(&h, "/home/w/in/sub/g", "/home/w/over/sub/g"))
		host_dump(&h);
	host_clear(&h);
	pid = host_sh(&h, "echo >>/home/w/over/sub/g; "
			  "echo >/home/w/over/sub/new");
	check(said_by(&h, EVENT_MODIFY, "/home/w/over/sub/g", pid) &&
		      said_by(&h, EVENT_CREATE, "/home/w/over/sub/new", pid),
	      "… then acts below it under the new name");
	host_clear(&h);
	host_sh(&h, "mv /home/w/over /home/o/out; " SETTLE
		    "echo >/home/o/out/late; echo >/home/o/out/sub/late");
	check(said_count(&h, EVENT_DELETE, "/home/w/over") == 1 && h.n == 1,
	      "a directory moved out is gone, and silent");
	check(h.s->stray == 0, "… its marks are taken off");
	if (h.n != 1)
		host_dump(&h);
	host_close(&h);
}

static void
exchange(void *unused)
{
	(void)unused;
	if (renameat2(AT_FDCWD, "/home/x/a", AT_FDCWD, "/home/x/b",
		      RENAME_EXCHANGE) < 0)
		_exit(1);
}

static void
test_exchange(void)
{
	struct host h;

	prepare("mkdir -p /home/x/a /home/x/b; echo >/home/x/a/1; "
		"echo >/home/x/b/2");
	host_open(&h, NULL, (const char *const[]){ "/home/x/*", NULL });
	host_run(&h, exchange, NULL);
	check(said_rename(&h, "/home/x/a", "/home/x/b") &&
		      said_rename(&h, "/home/x/b", "/home/x/a"),
	      "two directories exchanged");
	check(said_rename(&h, "/home/x/a/1", "/home/x/b/1") &&
		      said_rename(&h, "/home/x/b/2", "/home/x/a/2"),
	      "… with their files");
	host_clear(&h);
	host_sh(&h, "echo >/home/x/a/3; echo >/home/x/b/4");
	check(said_count(&h, EVENT_CREATE, "/home/x/a/3") == 1 &&
		      said_count(&h, EVENT_CREATE, "/home/x/b/4") == 1,
	      "… and later acts under the right names");
	if (harness_failed)
		host_dump(&h);
	host_close(&h);
}

static void
try_mounts(const struct fan_options *options, const char *what)
{
	struct host h;
	struct buf t = { 0 };

	prepare("mkdir -p /home/m/sub /home/full; echo >/home/full/came; "
		"echo >/home/m/under");
	host_open(&h, options, (const char *const[]){ "/home/m/*", NULL });
	host_sh(&h, "mount -n -t tmpfs t /home/m; " SETTLE_MOUNTS
		    "mkdir /home/m/d; " SETTLE "echo >/home/m/d/on; "
		    "echo >/home/m/top");
	buf_printf(&t, "%s: a file system mounted over a watched place%c", what,
		   0);
	check(said_count(&h, EVENT_CREATE, "/home/m/d/on") == 1 &&
		      said_count(&h, EVENT_CREATE, "/home/m/top") == 1,
	      t.p);
	if (harness_failed)
		host_dump(&h);
	host_clear(&h);
	host_sh(&h, UMOUNT("/home/m") SETTLE_MOUNTS "echo >/home/m/sub/back");
	buf_clear(&t);
	buf_printf(&t, "%s: … and unmounted%c", what, 0);
	check(said_count(&h, EVENT_CREATE, "/home/m/sub/back") == 1, t.p);
	host_clear(&h);
	host_sh(&h,
		"mount -n --bind /home/full /home/m/sub; " SETTLE_MOUNTS
		"echo >/home/full/more; " UMOUNT("/home/m/sub") "sleep 0.4");
	buf_clear(&t);
	buf_printf(&t, "%s: a bind mount brings its files%c", what, 0);
	check(said_count(&h, EVENT_CREATE, "/home/m/sub/came") == 1 &&
		      said_count(&h, EVENT_CREATE, "/home/m/sub/more") == 1,
	      t.p);
	if (harness_failed)
		host_dump(&h);
	buf_free(&t);
	host_close(&h);
	prepare("rm -r /home/m /home/full");
}

static void
test_mounts(void)
{
	const struct fan_options old = { .no_mount_mark = true };

	try_mounts(NULL, "mount events");
	try_mounts(&old, "mount table polled");
}

/* The first byte of the id of a new file system there, which is random. */
static int
mount_any(const char *place)
{
	struct statfs fs;
	unsigned char first;

	if (mount("t", place, "tmpfs", 0, NULL) < 0 || statfs(place, &fs) < 0)
		return -1;
	memcpy(&first, &fs.f_fsid, 1);
	return first;
}

static bool
is_watched(const char *pattern)
{
	struct fan_dir *top, *d;
	bool marked = false;
	struct host h;

	host_open(&h, NULL, (const char *const[]){ pattern, NULL });
	top = h.s->tree->top;
	for (d = top; d; d = fan_next(top, d))
		marked |= d->root == d && d->mask == h.s->full_mask;
	host_close(&h);
	return marked;
}

/* Ids of file systems are any bytes: all that an id can begin with. */
static void
test_ids(void)
{
	bool seen[256] = { false };
	unsigned left = 256, unwatched = 0, tries = 0;

	prepare("mkdir -p /home/ids");
	while (left > 0 && tries++ < 20000) {
		int first = mount_any("/home/ids");

		if (first >= 0 && !seen[first]) {
			seen[first] = true;
			left--;
			unwatched += !is_watched("/home/ids/*");
		}
		umount2("/home/ids", MNT_DETACH);
	}
	check(left == 0, "file systems whose ids begin with any byte");
	check(unwatched == 0, "… are all watched");
}

static void
test_rewatch(void)
{
	struct watchset other = { 0 };
	struct err err = { 0 };
	struct host h;

	prepare("mkdir -p /home/r1/d /home/r2/d");
	host_open(&h, NULL, (const char *const[]){ "/home/r1/*", NULL });
	watchset_add_pattern(&other, VIEW("/home/r2/*"), VIEW_NONE);
	watchset_seal(&other);
	check(sensor_fan.rewatch(h.s, &other, &err) == 0, "another watch set");
	host_sh(&h, ": >/home/r1/d/x; : >/home/r2/d/x");
	check(h.n == 1 && said_count(&h, EVENT_CREATE, "/home/r2/d/x") == 1 &&
		      h.s->stray == 0,
	      "… only the new one is told of, old marks are gone");
	err_free(&err);
	host_close(&h);
	watchset_free(&other);
}

static void
test_limit(void)
{
	const struct fan_options few = { .max_dirs = 20 };
	struct sensor_status st;
	struct host h;

	host_open(&h, &few, (const char *const[]){ "/home/l/*", NULL });
	host_sh(&h, "mkdir /home/l; " SETTLE "for i in 1 2 3 4 5 6 7 8 9 10 "
		    "11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do mkdir "
		    "/home/l/$i; done; " SETTLE "rm -r /home/l");
	sensor_fan.status(h.s, &st);
	check(said_count(&h, EVENT_LOSS, NULL) == 1 && st.unwatched > 0,
	      "the limit on directories is told once");
	host_clear(&h);
	host_sh(&h, "mkdir -p /home/l/a; " SETTLE "echo >/home/l/a/x");
	check(said_count(&h, EVENT_CREATE, "/home/l/a/x") == 1,
	      "… and there is room again when directories go");
	host_close(&h);
}

static void
test_overflow(void)
{
	const struct fan_options small = { .short_queue = true };
	struct host h;

	prepare("mkdir -p /home/q/old");
	host_open(&h, &small, (const char *const[]){ "/home/q/*", NULL });
	/* Nobody reads: the queue holds 16,384 events. */
	prepare("exec perl -e 'mkdir \"/home/q/gone\"; for my $i (1..20000) { "
		"open F, \">/home/q/old/$i\"; close F } rmdir \"/home/q/old\"; "
		"mkdir \"/home/q/new\"; mkdir \"/home/q/new/er\"'");
	host_pump(&h, 100);
	check(said_count(&h, EVENT_LOSS, NULL) == 1,
	      "a full kernel queue is told as a loss");
	host_clear(&h);
	host_sh(&h, "echo >/home/q/new/er/x");
	check(said_count(&h, EVENT_CREATE, "/home/q/new/er/x") == 1,
	      "… and directories missed are found again");
	host_close(&h);
	prepare("rm -r /home/q");
}

/* The small host has an overlay on /usr: a directory keeps its handle when it
 * is copied up. */
static void
test_overlay(void)
{
	struct host h;

	host_open(&h, NULL, (const char *const[]){ "/usr/share/doc/*", NULL });
	host_sh(&h, "cd /usr/share/doc/bash; echo x >new; chmod 600 copyright; "
		    "mkdir sub; " SETTLE "echo >sub/x; mv copyright moved");
	check(said_count(&h, EVENT_CREATE, "/usr/share/doc/bash/new") == 1 &&
		      said_count(&h, EVENT_CREATE,
				 "/usr/share/doc/bash/sub/x") == 1 &&
		      said_rename(&h, "/usr/share/doc/bash/copyright",
				  "/usr/share/doc/bash/moved"),
	      "acts on an overlay, copied up");
	check(said_find(&h, EVENT_CREATE, "/usr/share/doc/bash/new") &&
		      !said_find(&h, EVENT_CREATE, "/usr/share/doc/bash/new")
			       ->opened &&
		      h.s->stray == 0,
	      "… found by their handles");
	host_close(&h);
}

void
test_places(void)
{
	test_wildcard();
	test_missing();
	test_moves();
	test_exchange();
	test_mounts();
	test_ids();
	test_rewatch();
	test_limit();
	test_overflow();
	test_overlay();
}
