/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that exist already. The kernel's task iterator gives exact
 * identities and credentials; /proc adds the strings. A directory of /proc
 * stays with its process: once its start time fits, what is read through it
 * cannot be that of a successor with the same pid (proc(5)).
 */
#include "fim/sensor_bpf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define TASKS_MAX_BYTES (256u << 20)
#define ENVIRON_MAX_BYTES (128u << 10)
#define AUXV_MAX_BYTES 1024u

/* One process: buffers are used again for the next. */
struct seed {
	const struct sensor_config *config;
	struct buf args, environ, auxv, scratch;
	char exe[WIRE_PATH_MAX + 64], cwd[WIRE_PATH_MAX + 64];
	char given[WIRE_PATH_MAX], env[WIRE_ENV_MAX];
};

/* At most `max` bytes of /proc/PID/NAME, appended. False if there is more. */
static bool
read_some(int dir, const char *name, size_t max, struct buf *out)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char chunk[4096];
	ssize_t n = 0;

	if (fd < 0)
		return true;
	while (out->n <= max && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_put(out, (struct view){ chunk, (size_t)n });
	close(fd);
	if (out->n <= max)
		return true;
	out->n = max;
	return false;
}

static struct view
read_link(int dir, const char *name, char *out, size_t room)
{
	ssize_t n = readlinkat(dir, name, out, room);

	return n > 0 ? (struct view){ out, (size_t)n } : VIEW_NONE;
}

/* Field 22 of /proc/PID/stat, counted behind the last ')' because the name
 * in parentheses may hold anything. */
static bool
start_ticks(struct view stat, uint64_t *ticks)
{
	ssize_t close_at = view_rfind(stat, ')');
	struct view rest, item = VIEW_NONE;

	if (close_at < 0)
		return false;
	rest = view_sub(stat, (size_t)close_at + 2, SIZE_MAX);
	for (int field = 3; field <= 22; field++)
		if (!view_next_split(&rest, ' ', &item))
			return false;
	return view_to_u64(item, ticks);
}

/* /proc/PID if it still is that process, else -1. */
static int
proc_open(struct seed *s, struct proc_key key)
{
	uint64_t tick_ns = NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ticks;
	char path[32];
	int dir;

	snprintf(path, sizeof(path), "/proc/%u", key.pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	buf_clear(&s->scratch);
	read_some(dir, "stat", 4096, &s->scratch);
	if (start_ticks(buf_view(&s->scratch), &ticks) &&
	    ticks == key.start_ns / tick_ns)
		return dir;
	close(dir);
	return -1;
}

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

static struct view
read_given(struct seed *s, int dir)
{
	uint64_t at;
	ssize_t n;
	int fd;

	buf_clear(&s->auxv);
	read_some(dir, "auxv", AUXV_MAX_BYTES, &s->auxv);
	at = auxv_execfn(buf_view(&s->auxv), 8);
	if (at == 0)
		at = auxv_execfn(buf_view(&s->auxv), 4);
	if (at == 0 || at > INT64_MAX)
		return VIEW_NONE;
	fd = openat(dir, "mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return VIEW_NONE;
	n = pread(fd, s->given, sizeof(s->given), (off_t)at);
	close(fd);
	if (n <= 0)
		return VIEW_NONE;
	return (struct view){ s->given, strnlen(s->given, (size_t)n) };
}

static uint32_t
read_socket_fds(int dir)
{
	char name[8], target[16];
	uint32_t mask = 0;

	for (unsigned fd = 0; fd < 3; fd++) {
		snprintf(name, sizeof(name), "fd/%u", fd);
		if (view_starts(read_link(dir, name, target, sizeof(target)),
				VIEW("socket:[")))
			mask |= 1u << fd;
	}
	return mask;
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

/* exe of a file that is gone ends in " (deleted)" (proc(5)). */
static struct view
read_exe(struct seed *s, int dir, const struct event *e)
{
	struct view exe = read_link(dir, "exe", s->exe, sizeof(s->exe));
	struct view gone = VIEW(" (deleted)");

	if (e->exec.nlink == 0 && view_ends(exe, gone))
		exe.n -= gone.n;
	return exe;
}

static void
add_strings(struct seed *s, int dir, struct event *e)
{
	struct event_exec *x = &e->exec;

	x->cwd = read_link(dir, "cwd", s->cwd, sizeof(s->cwd));
	if (e->proc.kthread)
		return;
	buf_clear(&s->args);
	if (!read_some(dir, "cmdline", s->config->max_args, &s->args))
		e->truncated = true;
	x->args = buf_view(&s->args);
	x->argc = count_items(x->args);
	x->image = read_exe(s, dir, e);
	x->given = read_given(s, dir);
	x->socket_fds = read_socket_fds(dir);
	buf_clear(&s->environ);
	if (s->config->n_env_names > 0 &&
	    !read_some(dir, "environ", ENVIRON_MAX_BYTES, &s->environ))
		e->truncated = true;
	if (!translate_env(s->config, buf_view(&s->environ), s->env, &x->env))
		e->truncated = true;
}

static void
take_task(struct seed *s, const struct wire_task *w,
	  const struct event_sink *sink)
{
	struct event e = { .kind = EVENT_ALREADY_RUNNING };
	int dir;

	translate_head(&e, &w->head);
	translate_proc(&e, &w->head, &w->proc);
	translate_image(&e.exec, &w->image);
	dir = proc_open(s, e.key);
	if (dir >= 0)
		add_strings(s, dir, &e);
	sink->take(sink->ctx, &e);
	if (dir >= 0)
		close(dir);
}

static void
seed_free(struct seed *s)
{
	buf_free(&s->args);
	buf_free(&s->environ);
	buf_free(&s->auxv);
	buf_free(&s->scratch);
}

int
seed_read(struct translator *t, int iterator, const struct event_sink *sink)
{
	struct seed seed = { .config = t->config };
	struct buf tasks = { 0 };
	struct wire_task w;
	int r = fd_read_all(iterator, TASKS_MAX_BYTES, &tasks);

	for (size_t at = 0; r == 0 && at + sizeof(w) <= tasks.n;
	     at += sizeof(w)) {
		memcpy(&w, tasks.p + at, sizeof(w));
		ids_note(&t->ids,
			 (struct proc_key){ w.head.pid, w.head.start_ns },
			 &w.proc);
		take_task(&seed, &w, sink);
		t->events++;
	}
	seed_free(&seed);
	buf_free(&tasks);
	return r;
}
