/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that exist, as events: parents first. They are read from a /proc of
 * our own where that can be had, so that nothing mounted over the host's can
 * exchange what is seen.
 */
#include "fim/snapshot.h"

#include "fim/hidden.h"
#include "fim/procfs.h"
#include "fim/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct alive {
	uint32_t pid;
	unsigned views; /* that leave it out */
	uint64_t start_ns;
};

struct census {
	struct snapshot *s;
	struct sensor_config config;
	int proc; /* folder; own or the host's */
	struct alive *v;
	size_t n;
	struct sockets sockets;
	uint64_t unreadable; /* what runs cannot be told */
	struct arena arena;
};

static int
open_process(const struct census *c, uint32_t pid)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", pid);
	return openat(c->proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* ---- who there is ----------------------------------------------------- */

static uint64_t
start_of(struct census *c, uint32_t pid)
{
	struct event e = { .key.pid = pid };
	int dir = open_process(c, pid);

	if (dir >= 0) {
		procfs_stat(dir, &e, NULL, &c->arena);
		close(dir);
	}
	arena_reset(&c->arena);
	return e.key.start_ns;
}

static int
by_start(const void *a, const void *b)
{
	const struct alive *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int
by_pid(const void *a, const void *b)
{
	const struct alive *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static void
mark_hidden(struct census *c, const struct hidden *h)
{
	struct alive key = { .pid = h->pid };
	struct alive *found = bsearch(&key, c->v, c->n, sizeof(*c->v), by_pid);

	if (found != NULL)
		found->views = h->views;
}

/* Room for the hidden that no listing has. */
static int
count(struct census *c, const struct hidden *hidden, size_t n_hidden)
{
	size_t n = 0, listed = 0;
	uint32_t *pids = proc_list(c->proc, &n);

	if (pids == NULL)
		return -1;
	c->v = calloc(n + n_hidden, sizeof(*c->v));
	if (c->v == NULL) {
		free(pids);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		c->v[c->n++].pid = pids[i];
	listed = c->n;
	free(pids);
	for (size_t i = 0; i < n_hidden; i++) {
		struct alive key = { .pid = hidden[i].pid };

		if (bsearch(&key, c->v, listed, sizeof(key), by_pid) == NULL)
			c->v[c->n++].pid = key.pid;
	}
	qsort(c->v, c->n, sizeof(*c->v), by_pid);
	for (size_t i = 0; i < n_hidden; i++)
		mark_hidden(c, &hidden[i]);
	for (size_t i = 0; i < c->n; i++)
		c->v[i].start_ns = start_of(c, c->v[i].pid);
	qsort(c->v, c->n, sizeof(*c->v), by_start);
	return 0;
}

static void
note(struct census *c, const char *about, const char *why)
{
	if (c->s->note != NULL)
		c->s->note(c->s->ctx, about, why);
}

static int
find_all(struct census *c, int own)
{
	struct hidden_places places = { .own_proc = own };
	struct hidden *hidden = NULL;
	size_t n = 0;
	int rc;

	if (hidden_find(&places, &hidden, &n) != 0)
		note(c, "hidden processes",
		     errno == ENOTSUP
			     ? "cannot be told: /proc is that of another pid "
			       "namespace"
		     : errno == EPERM
			     ? "cannot be told: /proc shows all of them only "
			       "to root"
			     : "cannot be told: /proc cannot be read");
	rc = count(c, hidden, n);
	free(hidden);
	return rc;
}

/* ---- the paths of the command line ------------------------------------ */

static bool
lies_there(struct census *c, const struct event_exec *x, struct view path)
{
	struct buf full = { 0 };
	bool there;

	if (path.n == 0)
		return false;
	if (path.p[0] != '/') {
		buf_put(&full, x->cwd);
		buf_putc(&full, '/');
	}
	buf_put(&full, path);
	there = full.failed || scope_covers(&c->s->scope, buf_view(&full));
	buf_free(&full);
	return there;
}

/* The program, what it may be a script of (its first argument that is no
 * option), or its working folder. */
static bool
concerns_paths(struct census *c, const struct event_exec *x)
{
	struct view rest = x->args, word;

	if (c->s->options->args.n == 0 || lies_there(c, x, x->image) ||
	    lies_there(c, x, x->cwd) || lies_there(c, x, VIEW("/")))
		return true;
	view_next_item(&rest, &word);
	while (view_next_item(&rest, &word))
		if (word.n > 0 && word.p[0] != '-')
			return lies_there(c, x, word);
	return false;
}

/* ---- one process ------------------------------------------------------ */

/* Another file that has the name of the deleted image: an upgrade. A name of
 * the process's own root folder. */
static bool
is_replaced(int dir, struct view image)
{
	struct buf path = { 0 };
	struct statx x;
	bool there = false;

	if (image.n < 2 || image.p[0] != '/')
		return false;
	buf_puts(&path, "root");
	buf_put(&path, image);
	buf_putc(&path, '\0');
	if (!path.failed)
		there = statx(dir, path.p,
			      AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
				      AT_STATX_DONT_SYNC,
			      STATX_TYPE, &x) == 0;
	buf_free(&path);
	return there;
}

static void
read_process(struct census *c, int dir, struct event *e)
{
	struct procfs_stat stat = { 0 };

	if (!procfs_stat(dir, e, &stat, &c->arena))
		return;
	procfs_status(dir, &e->proc, &c->arena);
	if (e->proc.kthread)
		return;
	procfs_image(dir, &c->config, e, &c->arena);
	if (e->exec.image.n == 0)
		e->exec.nlink = 1; /* not known */
	else if (e->exec.nlink == 0)
		e->exec.replaced = is_replaced(dir, e->exec.image);
	if (e->exec.image.n == 0 && stat.state != 'Z')
		c->unreadable++;
}

static void
take_connections(struct census *c, int dir, const struct event *process)
{
	const struct event_exec *x = &process->exec;

	for (unsigned fd = 0; fd < 3; fd++) {
		struct event e = {
			.attribution = ATTRIBUTION_SCAN,
			.time_ns = process->time_ns,
			.key = process->key,
			.pidfd = -1,
		};
		bool again = false;

		for (unsigned before = 0; before < fd; before++)
			again |= x->stdio_inode[before] == x->stdio_inode[fd];
		if (again || !(x->socket_fds & 1u << fd) ||
		    !sockets_find(&c->sockets, dir, x->stdio_inode[fd], &e.net))
			continue;
		e.net.inherited = true;
		e.kind = e.net.ingress ? EVENT_ACCEPT : EVENT_CONNECT;
		pipeline_take(c->s->pipeline, &e);
	}
}

static void
take_process(struct census *c, const struct alive *a)
{
	struct buf hidden = { 0 };
	struct event e = {
		.kind = EVENT_ALREADY_RUNNING,
		.attribution = ATTRIBUTION_SCAN,
		.time_ns = clock_boot_ns(),
		.key = { a->pid, a->start_ns },
		.pidfd = -1,
	};
	int dir = open_process(c, a->pid);

	hidden_put(a->views, &hidden);
	e.proc.hidden_from = buf_view(&hidden);
	if (dir >= 0)
		read_process(c, dir, &e);
	/* Gone, unless it is one that cannot be looked at. */
	if (e.key.start_ns == 0 && a->views != 0)
		e.key.start_ns = 1;
	if (e.key.start_ns != 0) {
		/* The others as well: one may be the parent of one. */
		c->s->aside = !concerns_paths(c, &e.exec);
		pipeline_take(c->s->pipeline, &e);
		c->s->counters.processes += !c->s->aside;
		if (dir >= 0 && e.exec.socket_fds != 0)
			take_connections(c, dir, &e);
	}
	if (dir >= 0)
		close(dir);
	buf_free(&hidden);
	arena_reset(&c->arena);
}

/* ---- all of them ------------------------------------------------------ */

static void
say_unreadable(struct census *c)
{
	char about[64];

	if (c->unreadable == 0)
		return;
	snprintf(about, sizeof(about), "%llu process%s",
		 (unsigned long long)c->unreadable,
		 c->unreadable == 1 ? "" : "es");
	note(c, about,
	     geteuid() == 0 ? "cannot be asked for the program"
			    : "cannot be asked for the program; root can ask");
}

int
snapshot_processes(struct snapshot *s)
{
	int own = proc_mount_own();
	struct census c = {
		.s = s,
		.proc = own,
		.config = { .max_args = (uint32_t)s->config->args_bytes,
			    .env_names = s->env_names,
			    .n_env_names = s->n_env_names },
	};
	int rc = -1;

	if (own < 0)
		c.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c.proc >= 0)
		rc = find_all(&c, own);
	for (size_t i = 0; rc == 0 && i < c.n && !s->stopped; i++) {
		take_process(&c, &c.v[i]);
		s->stopped = batch_stopped(s->batch);
	}
	s->aside = false;
	say_unreadable(&c);
	if (c.proc >= 0)
		close(c.proc);
	sockets_free(&c.sockets);
	free(c.v);
	arena_free(&c.arena);
	return rc;
}
