/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process as /proc shows it now, proc(5). */
#include "fim/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_MAX_BYTES (64 * 1024)
#define ARGS_MAX_BYTES 4096
#define TICK_NS (NS_PER_SEC / 100) /* USER_HZ */
#define DEPTH_MAX 64		   /* ancestors learned at once */

static int
open_dir(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static struct view
read_file(int dir, const char *name, struct arena *arena)
{
	struct buf text = { 0 };
	struct view v = VIEW_NONE;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return VIEW_NONE;
	if (fd_read_all(fd, FILE_MAX_BYTES, &text) == 0 || errno == EFBIG)
		v = arena_copy(arena, buf_view(&text));
	buf_free(&text);
	close(fd);
	return v;
}

static struct view
read_link(int dir, const char *name, struct arena *arena)
{
	size_t cap = FILE_MAX_BYTES;
	char *p = arena_alloc(arena, cap);
	ssize_t n = p == NULL ? -1 : readlinkat(dir, name, p, cap);

	return n <= 0 ? VIEW_NONE : (struct view){ p, (size_t)n };
}

/* The fields behind the comm, which may hold anything but is closed by the
 * last parenthesis. Field 3 is index 0. */
static bool
read_stat(int dir, struct event *e, struct arena *arena)
{
	struct view text = read_file(dir, "stat", arena);
	ssize_t close_at = view_rfind(text, ')');
	ssize_t open_at = view_find(text, '(');
	struct view rest, word;
	int64_t field[20] = { 0 };
	size_t n = 0;

	if (open_at < 0 || close_at < open_at)
		return false;
	e->exec.comm = view_sub(text, (size_t)open_at + 1,
				(size_t)(close_at - open_at - 1));
	rest = view_sub(text, (size_t)close_at + 2, text.n);
	while (n < ARRAY_LEN(field) && view_next_split(&rest, ' ', &word)) {
		if (!view_to_i64(word, &field[n]))
			field[n] = 0;
		n++;
	}
	if (n < ARRAY_LEN(field) || field[19] < 0)
		return false;
	e->proc.parent.pid = (uint32_t)field[1];
	e->proc.pgid = (uint32_t)field[2];
	e->proc.sid = (uint32_t)field[3];
	e->proc.tty_major = major((dev_t)field[4]);
	e->proc.tty_minor = minor((dev_t)field[4]);
	e->proc.kthread =
		((uint64_t)field[6] & 0x00200000) != 0; /* PF_KTHREAD */
	e->key.start_ns = (uint64_t)field[19] * TICK_NS;
	return true;
}

/* "Uid:\t0\t0\t0\t0\n": real, effective, saved, file system. */
static void
read_ids(struct view line, uint32_t ids[3])
{
	struct view word;
	uint64_t id;
	int n = 0;

	while (n < 3 && view_next_split(&line, '\t', &word)) {
		if (view_to_u64(view_trim(word), &id))
			ids[n++] = (uint32_t)id;
	}
}

static uint64_t
read_hex(struct view v)
{
	uint64_t out = 0;

	v = view_trim(v);
	for (size_t i = 0; i < v.n && i < 16; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = memchr(digits, v.p[i], 16);

		if (at == NULL)
			return 0;
		out = out << 4 | (uint64_t)(at - digits);
	}
	return out;
}

static void
read_status(int dir, struct event_creds *c, struct arena *arena)
{
	struct view text = read_file(dir, "status", arena), line;
	uint32_t uids[3] = { ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN };
	uint32_t gids[3] = { ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN };

	while (view_next_split(&text, '\n', &line)) {
		if (view_starts(line, VIEW("Uid:")))
			read_ids(view_sub(line, 4, line.n), uids);
		else if (view_starts(line, VIEW("Gid:")))
			read_ids(view_sub(line, 4, line.n), gids);
		else if (view_starts(line, VIEW("CapPrm:")))
			c->cap_permitted = read_hex(view_sub(line, 7, 64));
		else if (view_starts(line, VIEW("CapEff:")))
			c->cap_effective = read_hex(view_sub(line, 7, 64));
	}
	c->uid = uids[0];
	c->euid = uids[1];
	c->suid = uids[2];
	c->gid = gids[0];
	c->egid = gids[1];
	c->sgid = gids[2];
}

static void
read_image(int dir, struct event *e, struct arena *arena)
{
	struct view rest, item, args = read_file(dir, "cmdline", arena);

	for (rest = args; view_next_item(&rest, &item);)
		e->exec.argc++;
	e->truncated = args.n > ARGS_MAX_BYTES;
	e->exec.args = view_sub(args, 0, ARGS_MAX_BYTES);
	e->exec.image = read_link(dir, "exe", arena);
	e->exec.cwd = read_link(dir, "cwd", arena);
	e->exec.nlink = view_ends(e->exec.image, VIEW(" (deleted)")) ? 0 : 1;
}

static bool
still_running(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return pidfd < 0 || poll(&p, 1, 0) == 0;
}

static bool learn(struct procs *, struct event *, int depth);

/* Ancestors first, so that the child finds its parent. */
static void
learn_parent(struct procs *procs, const struct event *child, int depth)
{
	struct event e = {
		.kind = EVENT_ALREADY_RUNNING,
		.time_ns = child->time_ns,
		.key.pid = child->proc.parent.pid,
		.pidfd = -1,
	};

	if (depth < DEPTH_MAX && e.key.pid != 0 &&
	    procs_newest(procs, e.key.pid) == NULL)
		learn(procs, &e, depth + 1);
}

static bool
learn(struct procs *procs, struct event *e, int depth)
{
	struct arena arena = { 0 };
	int dir = open_dir(e->key.pid);
	bool found = false;

	if (dir < 0)
		return false;
	if (read_stat(dir, e, &arena)) {
		learn_parent(procs, e, depth);
		read_status(dir, &e->proc.creds, &arena);
		read_image(dir, e, &arena);
		/* Looked at last: what was read is then this process's. */
		found = still_running(e->pidfd) &&
			procs_apply(procs, e) != NULL;
	}
	close(dir);
	arena_free(&arena);
	return found;
}

bool
procfs_learn(struct procs *procs, uint32_t pid, int pidfd, uint64_t now_ns)
{
	struct event e = {
		.kind = EVENT_ALREADY_RUNNING,
		.time_ns = now_ns,
		.key.pid = pid,
		.pidfd = pidfd,
	};

	return learn(procs, &e, 0);
}

bool
procfs_creds(struct proc_key key, struct event_creds *creds)
{
	struct arena arena = { 0 };
	struct event e = { .key.pid = key.pid };
	int dir = open_dir(key.pid);
	bool same = false;

	if (dir < 0)
		return false;
	if (read_stat(dir, &e, &arena) &&
	    e.key.start_ns == key.start_ns - key.start_ns % TICK_NS) {
		read_status(dir, &e.proc.creds, &arena);
		same = e.proc.creds.uid != ID_UNKNOWN;
	}
	if (same)
		*creds = e.proc.creds;
	close(dir);
	arena_free(&arena);
	return same;
}
