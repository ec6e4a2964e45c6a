/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One directory under several names: links and bind mounts. */
#include "tests/live/fan_harness.h"

static void
test_var_run(void)
{
	struct host h;
	const struct heard *s;

	host_open(&h, NULL, (const char *const[]){ "/var/run/*", NULL });
	host_sh(&h, "echo >/run/one.pid; mkdir /run/od; " SETTLE
		    "echo >/run/od/two.pid");
	s = said_find(&h, EVENT_CREATE, "/var/run/one.pid");
	check(s && s->aliases.n == 0 && s->opened == 0,
	      "only /var/run is asked for: that name");
	check(said_count(&h, EVENT_CREATE, "/var/run/od/two.pid") == 1,
	      "… also below new directories");
	host_close(&h);
	host_open(&h, NULL,
		  (const char *const[]){ "/var/run/*", "/run/*", NULL });
	host_sh(&h, "echo >/var/run/three.pid");
	s = said_find(&h, EVENT_CREATE, "/run/three.pid");
	check(s && has_alias(s, "/var/run/three.pid") && h.n <= 2,
	      "both are asked for: the real name, and the other as alias");
	host_close(&h);
	prepare("rm -r /run/one.pid /run/od /run/three.pid");
}

static void
test_exact_link(void)
{
	struct host h;
	const struct heard *s;

	prepare("mkdir -p /run/svc");
	host_open(&h, NULL,
		  (const char *const[]){ "/var/run/svc/main.pid", NULL });
	host_sh(&h, "echo >/run/svc/main.pid; echo >/run/svc/other.pid");
	s = said_find(&h, EVENT_CREATE, "/var/run/svc/main.pid");
	check(s && s->opened == 0 && said_count(&h, EVENT_CREATE, NULL) == 1,
	      "an exact file behind a link");
	host_close(&h);
}

static void
test_chain(void)
{
	struct host h;

	prepare("mkdir -p /opt/real/deep /opt/x; ln -s ../real /opt/x/up; "
		"ln -s x/up/deep /opt/link; ln -s /srv/later /opt/later; "
		"ln -s self /opt/self; ln -s x/../real /opt/dots");
	host_open(&h, NULL,
		  (const char *const[]){ "/opt/link/*", "/opt/later/*",
					 "/opt/self/*", "/opt/dots/*", NULL });
	host_sh(&h, "echo >/opt/real/deep/a; mkdir -p /srv/later; " SETTLE
		    "echo >/srv/later/b; echo >/opt/real/c");
	check(said_count(&h, EVENT_CREATE, "/opt/link/a") == 1 ||
		      has_alias(said_find(&h, EVENT_CREATE, "/opt/dots/deep/a"),
				"/opt/link/a"),
	      "relative links in a chain");
	check(said_count(&h, EVENT_CREATE, "/opt/later/b") == 1,
	      "a link whose target comes later");
	check(said_count(&h, EVENT_CREATE, "/opt/dots/c") == 1,
	      "a link with .. in its middle");
	if (harness_failed)
		host_dump(&h);
	host_clear(&h);
	host_sh(&h, "mkdir /opt/second; ln -sfn /opt/second /opt/link; " SETTLE
		    "echo >/opt/second/d; echo >/opt/real/deep/e");
	check(said_count(&h, EVENT_CREATE, "/opt/link/d") == 1 &&
		      said_count(&h, EVENT_CREATE, "/opt/link/e") == 0,
	      "a link that changes");
	host_clear(&h);
	host_sh(&h, "rm /opt/later; " SETTLE "echo >/srv/later/f; mkdir "
		    "/opt/later; " SETTLE "echo >/opt/later/g");
	check(said_count(&h, EVENT_CREATE, "/opt/later/g") == 1 &&
		      said_count(&h, EVENT_CREATE, "/opt/later/f") == 0,
	      "a link that becomes a directory");
	if (harness_failed)
		host_dump(&h);
	host_close(&h);
	prepare("rm -r /opt/* /srv/*");
}

/* A user's link must not make the whole host a watched place. */
static void
test_wide_link(void)
{
	struct sensor_status st;
	struct host h;

	prepare("mkdir -p /home/eve/.config/systemd");
	host_open(&h, NULL,
		  (const char *const[]){ "/home/*/.config/systemd/user/*",
					 NULL });
	host_sh(&h, "ln -s / /home/eve/.config/systemd/user");
	sensor_fan.status(h.s, &st);
	check(st.watched < 100, "a link to / is not followed");
	host_sh(&h, "ln -sfn /usr /home/eve/.config/systemd/user");
	sensor_fan.status(h.s, &st);
	check(st.watched <= FAN_LINK_DIRS_MAX + 100,
	      "a link to /usr is followed up to a limit");
	printf("# a link to /usr: %llu directories\n",
	       (unsigned long long)st.watched);
	host_sh(&h, "rm /home/eve/.config/systemd/user");
	sensor_fan.status(h.s, &st);
	check(st.watched < 100, "… and let go with the link");
	host_close(&h);
	prepare("rm -r /home/eve");
}

static void
test_link_storm(void)
{
	struct host h;

	prepare("mkdir -p /home/eve/.config/systemd /home/eve/a /home/eve/b");
	host_open(&h, NULL,
		  (const char *const[]){ "/home/*/.config/systemd/user/*",
					 "/run/*", NULL });
	host_sh(&h, "cd /home/eve/.config/systemd; exec perl -e 'for (1..2000) "
		    "{ symlink \"/home/eve/a\", \"user\"; unlink \"user\"; "
		    "symlink \"/home/eve/b\", \"user\"; unlink \"user\"} "
		    "symlink \"/home/eve/a\", \"user\"'");
	printf("# %zu links\n", h.s->tree->n_links);
	check(h.s->tree->n_links == 1, "links that come and go leave nothing");
	host_clear(&h);
	host_sh(&h, "echo >/home/eve/a/x");
	check(said_count(&h, EVENT_CREATE,
			 "/home/eve/.config/systemd/user/x") == 1,
	      "… and the last one is followed");
	host_close(&h);
	prepare("rm -r /home/eve");
}

static void
test_bind(void)
{
	struct host h;
	const struct heard *s;

	prepare("mkdir -p /srv/data/sub /home/b/mnt /home/b/two; "
		"mount -n --bind /srv/data /home/b/mnt; "
		"mount -n --bind /srv/data /home/b/two");
	host_open(&h, NULL, (const char *const[]){ "/home/b/*", NULL });
	host_sh(&h, "echo >/srv/data/sub/x");
	s = said_find(&h, EVENT_CREATE, "/home/b/mnt/sub/x");
	if (!s)
		s = said_find(&h, EVENT_CREATE, "/home/b/two/sub/x");
	check(s && said_count(&h, EVENT_CREATE, NULL) == 1 && s->opened == 0,
	      "a bind mount: an act elsewhere is seen");
	check(has_alias(s, "/home/b/mnt/sub/x") ||
		      has_alias(s, "/home/b/two/sub/x"),
	      "… under both names");
	host_clear(&h);
	host_sh(&h,
		UMOUNT("/home/b/mnt") SETTLE_MOUNTS "echo >/srv/data/sub/y");
	s = said_find(&h, EVENT_CREATE, "/home/b/two/sub/y");
	check(s && s->aliases.n == 0,
	      "one of them unmounted: the other name remains");
	if (harness_failed)
		host_dump(&h);
	host_clear(&h);
	host_sh(&h, UMOUNT("/home/b/two") SETTLE_MOUNTS "echo >/srv/data/z; "
							"echo >/home/b/two/w");
	check(said_count(&h, EVENT_CREATE, "/home/b/two/w") == 1 &&
		      said_count(&h, EVENT_CREATE, "/home/b/two/z") == 0,
	      "both unmounted");
	host_sh(&h, "mount -n --bind / /home/b/two; sleep 0.1");
	check(h.s->tree->n_marked < 200, "a bind mount of / is a loop");
	host_close(&h);
	prepare("umount -n -l /home/b/two; rm -r /home/b /srv/data");
}

void
test_links(void)
{
	test_var_run();
	test_exact_link();
	test_chain();
	test_wide_link();
	test_link_storm();
	test_bind();
}
