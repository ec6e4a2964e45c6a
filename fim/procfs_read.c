/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One process as /proc shows it now, proc(5). */
#include "fim/procfs.h"

#include "fim/sensor_bpf.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SMALL_MAX_BYTES 65536u
#define ENVIRON_MAX_BYTES (128u << 10)
#define AUXV_MAX_BYTES 1024u
#define PATH_MAX_BYTES 4096u

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t *
list_pids(DIR *proc, size_t *n)
{
	uint32_t *v = NULL;
	size_t cap = 0;
	struct dirent *d;
	uint64_t pid;

	while ((d = readdir(proc)) != NULL) {
		if (!view_to_u64(view_of(d->d_name), &pid) || pid > UINT32_MAX)
			continue;
		if (*n == cap) {
			uint32_t *more;

			cap = cap ? 2 * cap : 512;
			more = reallocarray(v, cap, sizeof(*v));
			if (more == NULL) {
				free(v);
				return NULL;
			}
			v = more;
		}
		v[(*n)++] = (uint32_t)pid;
	}
	return v;
}

uint32_t *
procfs_pids(size_t *n)
{
	DIR *proc = opendir("/proc");
	uint32_t *v;

	*n = 0;
	if (proc == NULL)
		return NULL;
	v = list_pids(proc, n);
	closedir(proc);
	if (v != NULL)
		qsort(v, *n, sizeof(*v), by_number);
	else
		errno = ENOENT; /* not even we are in there */
	return v;
}

int
procfs_open(uint32_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* At most `max` bytes; `*cut` when there are more. */
static struct view
read_file(int dir, const char *name, size_t max, bool *cut, struct arena *arena)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct buf text = { 0 };
	struct view v = VIEW_NONE;
	char chunk[4096];
	ssize_t n = 0;

	if (fd < 0)
		return VIEW_NONE;
	while (text.n <= max && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(&text, (struct view){ chunk, (size_t)n });
	close(fd);
	if (text.n > max && cut != NULL)
		*cut = true;
	if (n >= 0 && !text.failed)
		v = arena_copy(arena, view_sub(buf_view(&text), 0, max));
	buf_free(&text);
	return v;
}

static struct view
read_link(int dir, const char *name, struct arena *arena)
{
	char target[PATH_MAX_BYTES + 64];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n <= 0)
		return VIEW_NONE;
	return arena_copy(arena, (struct view){ target, (size_t)n });
}

/* ---- stat and status ------------------------------------------------- */

/* Numbers of /proc/PID/stat by their place in proc(5). */
enum {
	STAT_PPID = 4,
	STAT_PGID = 5,
	STAT_SID = 6,
	STAT_TTY = 7,
	STAT_FLAGS = 9,
	STAT_THREADS = 20,
	STAT_START = 22,
	STAT_START_CODE = 26,
	STAT_START_STACK = 28,
	STAT_ARG_START = 48,
	STAT_FIELDS = 53,
};
#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* The fields behind the comm, which may hold anything but is closed by the
 * last parenthesis. How many there were. */
static size_t
split_stat(struct view text, size_t close_at, uint64_t field[STAT_FIELDS])
{
	struct view rest = view_sub(text, close_at + 2, text.n), word;
	size_t n = 3;

	while (n < STAT_FIELDS && view_next_split(&rest, ' ', &word)) {
		int64_t i;

		/* Addresses use all 64 bits, priorities are negative. */
		if (!view_to_u64(word, &field[n]))
			field[n] = view_to_i64(word, &i) ? (uint64_t)i : 0;
		n++;
	}
	return n;
}

bool
procfs_stat(int dir, struct event *e, struct procfs_stat *more,
	    struct arena *arena)
{
	struct view text = read_file(dir, "stat", SMALL_MAX_BYTES, NULL, arena);
	ssize_t close_at = view_rfind(text, ')');
	ssize_t open_at = view_find(text, '(');
	uint64_t field[STAT_FIELDS] = { 0 };

	if (open_at < 0 || close_at < open_at ||
	    split_stat(text, (size_t)close_at, field) <= STAT_START)
		return false;
	e->exec.comm = view_sub(text, (size_t)open_at + 1,
				(size_t)(close_at - open_at - 1));
	e->proc.parent.pid = (uint32_t)field[STAT_PPID];
	e->proc.pgid = (uint32_t)field[STAT_PGID];
	e->proc.sid = (uint32_t)field[STAT_SID];
	e->proc.tty_major = major((dev_t)field[STAT_TTY]);
	e->proc.tty_minor = minor((dev_t)field[STAT_TTY]);
	e->proc.kthread = (field[STAT_FLAGS] & PF_KTHREAD) != 0;
	e->key.start_ns = field[STAT_START] * PROCFS_TICK_NS;
	if (more == NULL)
		return true;
	more->state = (size_t)close_at + 2 < text.n ? text.p[close_at + 2] : 0;
	more->threads = (uint32_t)field[STAT_THREADS];
	more->image = hash_mix(
		hash_mix(field[STAT_START_CODE], field[STAT_START_STACK]),
		field[STAT_ARG_START]);
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

/* "NSpid:\t4242\t7": one number for each pid namespace below the reader's. */
static bool
has_own_pids(struct view line)
{
	line = view_trim(line);
	return view_find(line, '\t') >= 0;
}

void
procfs_status(int dir, struct event_proc *p, struct arena *arena)
{
	struct view text =
		read_file(dir, "status", SMALL_MAX_BYTES, NULL, arena);
	uint32_t uids[3] = { ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN };
	uint32_t gids[3] = { ID_UNKNOWN, ID_UNKNOWN, ID_UNKNOWN };
	struct event_creds *c = &p->creds;
	struct view line;

	while (view_next_split(&text, '\n', &line)) {
		if (view_starts(line, VIEW("Uid:")))
			read_ids(view_sub(line, 4, line.n), uids);
		else if (view_starts(line, VIEW("Gid:")))
			read_ids(view_sub(line, 4, line.n), gids);
		else if (view_starts(line, VIEW("NSpid:")))
			p->container = has_own_pids(view_sub(line, 6, line.n));
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

/* ---- what runs ------------------------------------------------------- */

static uint64_t
auxv_word(struct view auxv, size_t i, size_t width)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (width == sizeof(wide))
		memcpy(&wide, auxv.p + i * width, width);
	else
		memcpy(&narrow, auxv.p + i * width, width);
	return width == sizeof(wide) ? wide : narrow;
}

/* Address of the path given to execve (getauxval(3)); 0 if not found. The
 * words are as wide as the process's own. */
static uint64_t
auxv_execfn(struct view auxv, size_t width)
{
	for (size_t i = 0; (i + 2) * width <= auxv.n; i += 2)
		if (auxv_word(auxv, i, width) == AT_EXECFN)
			return auxv_word(auxv, i + 1, width);
	return 0;
}

/* The process may have written something else there since. */
static struct view
read_given(int dir, struct arena *arena)
{
	struct view auxv = read_file(dir, "auxv", AUXV_MAX_BYTES, NULL, arena);
	char given[PATH_MAX_BYTES];
	uint64_t at = auxv_execfn(auxv, 8);
	ssize_t n;
	int fd;

	if (at == 0)
		at = auxv_execfn(auxv, 4);
	if (at == 0 || at > INT64_MAX)
		return VIEW_NONE;
	fd = openat(dir, "mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return VIEW_NONE;
	n = pread(fd, given, sizeof(given), (off_t)at);
	close(fd);
	if (n <= 0)
		return VIEW_NONE;
	return arena_copy(arena,
			  (struct view){ given, strnlen(given, (size_t)n) });
}

/* What this host knows of it: a file server that does not answer must not
 * keep us waiting. */
static bool
look_at(int dir, const char *name, struct statx *st)
{
	return statx(dir, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		     STATX_BASIC_STATS, st) == 0;
}

static void
read_descriptors(int dir, struct event_exec *x)
{
	char name[16];
	struct statx st;

	for (unsigned fd = 0; fd < 3; fd++) {
		snprintf(name, sizeof(name), "fd/%u", fd);
		if (!look_at(dir, name, &st))
			continue;
		x->stdio_inode[fd] = st.stx_ino;
		if (S_ISSOCK(st.stx_mode))
			x->socket_fds |= 1u << fd;
	}
}

static uint32_t
count_items(struct view v)
{
	struct view item;
	uint32_t n = 0;

	while (view_next_item(&v, &item))
		n++;
	return n;
}

/* exe of a file that is gone ends in " (deleted)" (proc(5)). A memfd is, too,
 * and shows it, whatever it is called. */
static void
read_exe(int dir, struct event_exec *x, struct arena *arena)
{
	struct view exe = read_link(dir, "exe", arena);
	struct view gone = VIEW(" (deleted)");
	struct statx st;

	if (x->inode == 0 && look_at(dir, "exe", &st)) {
		x->inode = st.stx_ino;
		x->dev_major = st.stx_dev_major;
		x->dev_minor = st.stx_dev_minor;
		x->nlink = st.stx_nlink;
	}
	if (x->nlink == 0 && view_ends(exe, gone))
		exe.n -= gone.n;
	x->image = exe;
}

static void
read_environ(int dir, const struct sensor_config *config, struct event *e,
	     struct arena *arena)
{
	char *kept = arena_alloc(arena, WIRE_ENV_MAX);
	struct view all;

	if (config->n_env_names == 0 || kept == NULL)
		return;
	all = read_file(dir, "environ", ENVIRON_MAX_BYTES, &e->truncated,
			arena);
	if (!translate_env(config, all, kept, &e->exec.env))
		e->truncated = true;
}

bool
procfs_image(int dir, const struct sensor_config *config, struct event *e,
	     struct arena *arena)
{
	struct event_exec *x = &e->exec;

	/* First what goes first when it ends. */
	read_exe(dir, x, arena);
	x->args = read_file(dir, "cmdline", config->max_args, &e->truncated,
			    arena);
	x->argc = count_items(x->args);
	x->given = read_given(dir, arena);
	x->cwd = read_link(dir, "cwd", arena);
	read_descriptors(dir, x);
	read_environ(dir, config, e, arena);
	return x->image.n > 0 || x->given.n > 0 || x->argc > 0;
}
