/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steady load of `make soak`:
 *
 *	load execs RATE SECONDS BLINK FOLDER
 *	load files RATE SECONDS
 *
 * does RATE acts a second, each at its own moment of absolute time, so that
 * what comes late does not make all that follows late. Prints what was done,
 * as "NAME COUNT" lines, and how late the latest act was.
 *
 * No two acts are alike for long: new names, new paths, new arguments, names
 * that come back after more others than anybody remembers, a new parent now
 * and then, folders that come and go.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000ull

static void
die(const char *what)
{
	fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
check(int rc, const char *what)
{
	if (rc < 0)
		die(what);
}

/* ---- time -------------------------------------------------------------- */

struct pace {
	uint64_t start_ns, rate, late_ns;
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Until the moment of that act. */
static void
pace_wait(struct pace *p, uint64_t act)
{
	uint64_t due = p->start_ns + act * NS_PER_SEC / p->rate;
	uint64_t now = now_ns();
	struct timespec t = { .tv_sec = (time_t)(due / NS_PER_SEC),
			      .tv_nsec = (long)(due % NS_PER_SEC) };

	if (now < due)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	else if (now - due > p->late_ns)
		p->late_ns = now - due;
}

/* ---- programs ------------------------------------------------------------ */

#define FIXED_NAMES 64
#define LONG_BYTES 2000

/* What it is called: mostly one of some, now and then `cat` (half of a
 * sequence), and one time in eight a path that was never there before. */
static void
choose_path(char path[128], const char *folder, uint64_t i)
{
	if (i % 8 == 7)
		snprintf(path, 128, "%s/new/p%llu", folder,
			 (unsigned long long)i);
	else if (i % 16 == 5)
		snprintf(path, 128, "%s/cat", folder);
	else
		snprintf(path, 128, "%s/tool-%llu", folder,
			 (unsigned long long)(i * 7 % FIXED_NAMES));
}

static void
start(const char *path, uint64_t i)
{
	static char padding[LONG_BYTES + 1];
	char number[40];
	char *argv[] = { (char *)path, number, padding, NULL };
	char *env[] = { "PATH=/usr/bin:/bin", NULL };
	pid_t pid;

	memset(padding, 'a' + (int)(i % 26), LONG_BYTES);
	snprintf(number, sizeof(number), "--number=%llu",
		 (unsigned long long)i);
	if (i % 64 != 0)
		argv[2] = NULL;
	errno = posix_spawn(&pid, path, NULL, NULL, argv, env);
	if (errno != 0)
		die(path);
}

static void
make_names(const char *blink, const char *folder)
{
	char path[128];

	check(mkdir(folder, 0755), folder);
	snprintf(path, sizeof(path), "%s/new", folder);
	check(mkdir(path, 0755), path);
	snprintf(path, sizeof(path), "%s/cat", folder);
	check(link(blink, path), path);
	for (unsigned i = 0; i < FIXED_NAMES; i++) {
		snprintf(path, sizeof(path), "%s/tool-%u", folder, i);
		check(link(blink, path), path);
	}
}

/* A program that moves on as its own child: whoever keeps the line of its
 * ancestors has ever more to keep. */
static void
become_child(void)
{
	pid_t pid = fork();

	check(pid, "fork");
	if (pid > 0)
		_exit(0);
}

#define CHILD_EVERY 200

static void
load_execs(struct pace *p, uint64_t n, const char *blink, const char *folder)
{
	uint64_t children = 0;
	char path[128];

	make_names(blink, folder);
	signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	for (uint64_t i = 0; i < n; i++) {
		choose_path(path, folder, i);
		pace_wait(p, i);
		if (i % 8 == 7)
			check(link(blink, path), path);
		start(path, i);
		if (i % 8 == 7)
			check(unlink(path), path);
		if (i % CHILD_EVERY == CHILD_EVERY - 1) {
			become_child();
			children++;
		}
	}
	printf("execs %llu\nforks %llu\n", (unsigned long long)n,
	       (unsigned long long)(n + children));
}

/* ---- files --------------------------------------------------------------- */

#define ALIVE 512
/* More names than a new_terms rule remembers (131,072, rules/run.c). */
#define LOCK_NAMES 150000u

struct live_file {
	char path[128];
	uint64_t folder; /* of its own, 0 = none */
};

struct files {
	struct pace *pace;
	uint64_t acts, limit;
	uint64_t created, renamed, removed, locks;
	struct live_file alive[ALIVE];
};

static const char *const places[] = {
	"/etc/systemd/system/soak-%llu.socket",
	"/run/soak/%llu.lock",
	"/etc/systemd/system/soak.service.d/%llu.conf",
	"/home/alice/.config/systemd/user/soak-%llu.path",
	"/etc/systemd/system/soak-%llu.service",
	"/run/soak/%llu.lock",
	"/run/systemd/system/soak-%llu.mount",
	"/run/soak/d%llu/x",
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static void
act(struct files *f)
{
	pace_wait(f->pace, f->acts++);
}

static void
own_folder(uint64_t n, char path[64])
{
	snprintf(path, 64, "/run/soak/d%llu", (unsigned long long)n);
}

static void
write_into(const char *path, int flags, uint64_t i)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);

	check(fd, path);
	check(dprintf(fd, "[Service]\nExecStart=/usr/bin/true %llu\n",
		      (unsigned long long)i),
	      path);
	close(fd);
}

static void
touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	check(fd, path);
	close(fd);
}

static void
create(struct files *f, struct live_file *l, uint64_t i)
{
	uint64_t n = i, place = i % PLACES;
	bool lock = place == 1 || place == 5;

	if (lock)
		n = f->locks++ % LOCK_NAMES;
	l->folder = 0;
	if (place == PLACES - 1) {
		l->folder = i;
		own_folder(i, l->path);
		act(f);
		check(mkdir(l->path, 0755), l->path);
	}
	/* The formats are those above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(l->path, sizeof(l->path), places[place],
		 (unsigned long long)n);
#pragma GCC diagnostic pop
	act(f);
	/* A lock is empty; others are read for what they run. */
	if (lock)
		touch(l->path);
	else
		write_into(l->path, O_CREAT | O_EXCL, i);
	f->created++;
}

static void
change(struct files *f, struct live_file *l, uint64_t i)
{
	char to[sizeof(l->path) + 8];

	switch (i % 8) {
	case 0:
	case 4:
		act(f);
		write_into(l->path, O_APPEND, i);
		break;
	case 2:
		act(f);
		check(chmod(l->path, 0600), l->path);
		break;
	case 3:
		act(f);
		snprintf(to, sizeof(to), "%s~", l->path);
		check(rename(l->path, to), to);
		memcpy(l->path, to, sizeof(l->path));
		f->renamed++;
		break;
	}
}

static void
remove_file(struct files *f, struct live_file *l)
{
	char folder[64];

	act(f);
	check(unlink(l->path), l->path);
	f->removed++;
	l->path[0] = '\0';
	if (l->folder == 0)
		return;
	own_folder(l->folder, folder);
	act(f);
	check(rmdir(folder), folder);
}

static void
load_files(struct pace *p, uint64_t n)
{
	static struct files f;

	f.pace = p;
	for (uint64_t i = 0; f.acts < n; i++) {
		struct live_file *l = &f.alive[i % ALIVE];

		if (l->path[0] != '\0')
			remove_file(&f, l);
		create(&f, l, i);
		change(&f, l, i);
	}
	printf("files %llu\ncreated %llu\nrenamed %llu\nremoved %llu\n",
	       (unsigned long long)f.acts, (unsigned long long)f.created,
	       (unsigned long long)f.renamed, (unsigned long long)f.removed);
}

int
main(int argc, char **argv)
{
	struct pace p = { .start_ns = now_ns() };
	uint64_t n;

	if (argc < 4)
		return 2;
	p.rate = strtoull(argv[2], NULL, 10);
	n = p.rate * strtoull(argv[3], NULL, 10);
	if (p.rate == 0)
		return 2;
	if (strcmp(argv[1], "execs") == 0 && argc == 6)
		load_execs(&p, n, argv[4], argv[5]);
	else if (strcmp(argv[1], "files") == 0 && argc == 4)
		load_files(&p, n);
	else
		return 2;
	printf("seconds %.1f\nlatest_ms %.1f\n",
	       (double)(now_ns() - p.start_ns) / 1e9, (double)p.late_ns / 1e6);
	return fflush(stdout) != 0;
}
