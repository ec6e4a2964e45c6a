/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engine may ask, and what the keeper does about it. */
#include "fim/keep.h"

#include "baselines/atomic.h"
#include "fim/facts.h"
#include "fim/procfs.h"
#include "fim/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any rules want, and bearable. */
#define WATCHES_MAX 65536u
#define PARTS_MAX 128u
/* Of more, which a flood brings, the room is not kept. */
#define OFFERED_KEPT 1024u

/* 0: it cannot be asked about. */
static uint32_t
offer(struct keeper *k, const struct event *e)
{
	size_t cap = k->cap_offered == 0 ? 256 : 2 * k->cap_offered;

	if (e->file.handle == NULL && e->pidfd < 0)
		return 0;
	if (k->n_offered == k->cap_offered) {
		struct offered *v = reallocarray(k->offered, cap, sizeof(*v));

		if (v == NULL)
			return 0;
		k->offered = v;
		k->cap_offered = cap;
	}
	k->offered[k->n_offered++] = (struct offered){ e->kind, e->file.handle,
						       e->file.path, e->pidfd };
	return (uint32_t)k->n_offered;
}

void
keeper_take(void *keeper, const struct event *e)
{
	struct keeper *k = keeper;
	struct event lost = { .kind = EVENT_LOSS,
			      .time_ns = e->time_ns,
			      .pidfd = -1,
			      .lost = 1,
			      .role = e->role,
			      .scope = VIEW("an event"),
			      .cause = VIEW("it has too many bytes") };
	size_t n = frame_event_bytes(e);

	if (n > k->out->size) {
		e = &lost;
		n = frame_event_bytes(e);
	}
	if (k->out->n + n > k->out->size)
		keeper_hand_over(k);
	k->unread++;
	if (k->socket < 0)
		return;
	frame_put_event(k->out->p + k->out->n, e, offer(k, e));
	k->out->n += n;
}

static const struct offered *
offered_of(const struct keeper *k, uint64_t number)
{
	return number > 0 && number <= k->n_offered ? &k->offered[number - 1]
						    : NULL;
}

/* ---- sensors --------------------------------------------------------- */

static struct kept_sensor *
sensor_of(struct keeper *k, uint64_t role)
{
	return role < ROLES && k->sensors[role].row != NULL ? &k->sensors[role]
							    : NULL;
}

static void
close_sensor(struct kept_sensor *s)
{
	if (s->row != NULL)
		s->row->ops->close(s->sensor);
	*s = (struct kept_sensor){ 0 };
}

/* What has been offered lies in the sensor's memory. */
static void
withdraw(struct keeper *k)
{
	k->n_offered = 0;
	if (k->cap_offered > OFFERED_KEPT) {
		free(k->offered);
		k->offered = NULL;
		k->cap_offered = 0;
	}
}

static void
on_settings(struct keeper *k, struct call *c)
{
	struct view rest = c->text, item;
	const char **names;
	size_t n = 0;

	/* Sensors in use have borrowed the old ones: those of an engine that
	 * was started again are the same. */
	if (k->config.env_names != NULL)
		return;
	while (view_next_item(&rest, &item))
		n++;
	names = arena_array(&k->settings, n + 1, sizeof(*names));
	k->config = (struct sensor_config){
		.watchset = &k->watchset,
		.max_args = (uint32_t)c->request->v[0],
		.poll_ns = c->request->v[1],
		.short_queue = c->request->v[2] != 0,
		.env_names = names,
		.also_ours = { &k->engine, &k->engine_before },
	};
	rest = arena_copy(&k->settings, c->text);
	while (names != NULL && view_next_item(&rest, &item))
		names[k->config.n_env_names++] = item.p;
}

/* As watchset.h makes them: absolute, without "." and "..". */
static bool
is_watchable(struct view path)
{
	struct view rest = path, part;
	size_t n = 0;

	if (path.n >= PATH_MAX || path.p[0] != '/' ||
	    view_find(path, '\0') >= 0)
		return false;
	while (view_next_split(&rest, '/', &part)) {
		if (view_eq(part, VIEW(".")) || view_eq(part, VIEW("..")))
			return false;
		n += part.n > 0;
	}
	return n <= PARTS_MAX;
}

static void
on_watch(struct keeper *k, struct call *c)
{
	uint64_t flags = c->request->v[0];
	struct watch w = {
		.recursive = flags & FRAME_WATCH_RECURSIVE,
		.from_config = flags & FRAME_WATCH_CONFIGURED,
	};
	struct view path = c->text;

	if (flags & FRAME_WATCH_FIRST)
		watchset_free(&k->next);
	if (path.n == 0)
		return;
	w.path = path;
	if (!is_watchable(path) || k->next.n >= WATCHES_MAX)
		c->answer.error = EINVAL;
	else if (watchset_add(&k->next, &w) != 0)
		c->answer.error = ENOMEM;
}

/* The watches given are in force: sensors open look at them. */
static void
use_watches(struct keeper *k)
{
	watchset_free(&k->watchset);
	k->watchset = k->next;
	k->next = (struct watchset){ 0 };
}

static void
put_errors(struct call *c, const struct err *err)
{
	for (size_t i = 0; i < err->n; i++) {
		buf_put(&c->said, err->v[i].message);
		buf_putc(&c->said, '\0');
	}
}

static void
on_rewatch(struct keeper *k, struct call *c)
{
	struct kept_sensor *s = sensor_of(k, ROLE_FILES);
	struct err err = { 0 };

	withdraw(k);
	use_watches(k);
	if (s != NULL && s->row->ops->rewatch != NULL &&
	    s->row->ops->rewatch(s->sensor, &k->watchset, &err) != 0)
		c->answer.error = EIO;
	put_errors(c, &err);
	err_free(&err);
}

/* A sensor that is open already stays so: that of an engine before. */
static void
on_open(struct keeper *k, struct call *c)
{
	uint64_t at = c->request->v[0];
	const struct sensor_row *row =
		at < n_sensor_rows ? &sensor_rows[at] : NULL;
	struct kept_sensor *s = row != NULL ? &k->sensors[row->role] : NULL;
	struct err err = { 0 };

	if (row == NULL || row->role == ROLE_MESSAGES) {
		c->answer.error = EINVAL;
		return;
	}
	if (s->row == row) {
		if (row->role == ROLE_FILES)
			on_rewatch(k, c);
		return;
	}
	if (s->row != NULL) {
		c->answer.error = EBUSY;
		buf_printf(&c->said, "%s: not asked, %s has gone on%c",
			   row->name, s->row->name, 0);
		return;
	}
	withdraw(k);
	if (row->role == ROLE_FILES)
		use_watches(k);
	if (row->role == ROLE_PROCESSES)
		k->fetched_ns = clock_boot_ns();
	s->sensor = row->ops->open(&k->config, &err);
	if (s->sensor != NULL)
		s->row = row;
	else
		c->answer.error = EIO;
	put_errors(c, &err);
	err_free(&err);
}

static void
on_seed(struct keeper *k, struct call *c)
{
	struct kept_sensor *s = sensor_of(k, c->request->v[0]);
	struct event_sink sink = { keeper_take, k };

	withdraw(k);
	if (s == NULL || s->row->ops->seed == NULL)
		return;
	k->in_processes = s->row->role == ROLE_PROCESSES;
	errno = 0;
	if (s->row->ops->seed(s->sensor, &sink) != 0)
		c->answer.error = errno != 0 ? errno : EIO;
	k->in_processes = false;
}

static void
on_relist(struct keeper *k, struct call *c)
{
	struct kept_sensor *s = sensor_of(k, c->request->v[0]);

	if (s != NULL && s->row->ops->relist != NULL)
		s->row->ops->relist(s->sensor);
}

static void
on_look(struct keeper *k, struct call *c)
{
	struct kept_sensor *s = sensor_of(k, ROLE_PROCESSES);
	struct event_sink sink = { keeper_take, k };

	if (s == NULL || s->row->ops->look == NULL)
		return;
	if (k->in_processes) {
		c->answer.error = EPERM;
		return;
	}
	k->out = &k->aside;
	k->in_processes = true;
	s->row->ops->look(s->sensor, (uint32_t)c->request->v[0], &sink);
	k->in_processes = false;
}

static void
on_status(struct keeper *k, struct call *c)
{
	struct kept_sensor *s = sensor_of(k, c->request->v[0]);
	struct sensor_status status = { 0 };
	uint64_t *v = c->answer.v;

	if (s == NULL)
		return;
	s->row->ops->status(s->sensor, &status);
	v[0] = status.events;
	v[1] = status.lost;
	v[2] = status.queued;
	v[3] = status.watched;
	v[4] = status.unwatched;
	v[5] = status.polled;
	buf_puts(&c->said, status.detail);
}

/* ---- rounds ---------------------------------------------------------- */

/* What stays out of reach from now on. A step that this host refuses leaves
 * the others; doctor reads back what holds. */
static void
confine(struct keeper *k)
{
	const uint64_t caps = 1ull << CAP_DAC_READ_SEARCH | /* to open files */
			      1ull << CAP_SYS_PTRACE |	    /* links of /proc */
			      1ull << CAP_SYS_NICE;	    /* hurry.h */

	/* Without eBPF the sockets of others are looked at in a copy. */
	const struct sensor_row *row = k->sensors[ROLE_PROCESSES].row;
	unsigned denied =
		SANDBOX_EXEC | SANDBOX_TRACE | SANDBOX_MOUNT | SANDBOX_IDENTITY;

	if (k->confined)
		return;
	k->confined = true;
	if (sandbox_keep(caps) != 0)
		fprintf(k->io->notes,
			"tocsin: the keeper keeps its capabilities: %s\n",
			strerror(errno));
	if (row == NULL || row->ops == &sensor_bpf)
		denied |= SANDBOX_TAKE;
	if (sandbox_deny(denied) != 0)
		fprintf(k->io->notes, "tocsin: the keeper has no filter: %s\n",
			strerror(errno));
}

void
keeper_read_signals(struct keeper *k)
{
	struct signalfd_siginfo info;

	while (read(k->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			k->reload = true;
			continue;
		}
		if (!k->stop)
			k->stop_ns = clock_boot_ns();
		k->stop = true;
		k->stopped_by = info.ssi_pid;
	}
}

/* Whatever comes first: something to read, a signal, a request. */
static void
on_wait(struct keeper *k, struct call *c)
{
	bool signals_only = c->request->v[1] != 0;
	uint64_t ms = c->request->v[0];
	struct pollfd fds[2 + ROLES] = {
		{ .fd = k->signals, .events = POLLIN },
		{ .fd = k->socket, .events = POLLIN },
	};

	for (size_t i = 0; i < ROLES; i++) {
		const struct kept_sensor *s = &k->sensors[i];

		fds[2 + i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (s->row != NULL && !signals_only)
			fds[2 + i].fd = s->row->ops->fd(s->sensor);
	}
	confine(k);
	poll(fds, ARRAY_LEN(fds), (int)(ms < 1000 ? ms : 1000));
	keeper_read_signals(k);
	c->answer.flags |= k->stop ? FRAME_STOP : 0;
	c->answer.stopped_by = k->stopped_by;
	c->answer.flags |= k->reload ? FRAME_RELOAD : 0;
	k->reload = false;
}

static bool
fetch(struct keeper *k, enum role role, struct call *c)
{
	struct kept_sensor *s = sensor_of(k, role);
	int held = s != NULL ? s->row->ops->fetch(s->sensor) : 0;

	if (held >= 0 || errno == EINTR || errno == EAGAIN)
		return held > 0;
	c->answer.flags |= FRAME_FAILED;
	c->answer.v[role] = (uint64_t)errno;
	withdraw(k);
	close_sensor(s);
	return false;
}

/* Files first, told last: whoever made them is known by then. */
static void
on_round(struct keeper *k, struct call *c)
{
	struct event_sink sink = { keeper_take, k };
	bool files, processes;

	confine(k);
	withdraw(k);
	k->begun = true;
	k->unread = 0;
	files = fetch(k, ROLE_FILES, c);
	k->fetched_before_ns = k->fetched_ns;
	processes = fetch(k, ROLE_PROCESSES, c);
	k->fetched_ns = clock_boot_ns();
	k->in_processes = true;
	if (processes)
		k->sensors[ROLE_PROCESSES].row->ops->deliver(
			k->sensors[ROLE_PROCESSES].sensor, &sink);
	k->in_processes = false;
	if (files)
		k->sensors[ROLE_FILES].row->ops->deliver(
			k->sensors[ROLE_FILES].sensor, &sink);
	if (files || processes)
		c->answer.flags |= FRAME_HELD;
	keeper_read_signals(k);
	c->answer.flags |= k->stop ? FRAME_STOP : 0;
	c->answer.stopped_by = k->stopped_by;
}

/* ---- around an event ------------------------------------------------- */

static bool
is_spared(const uint64_t v[FRAME_NUMBERS], int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == v[1] &&
	       (st.st_ino == v[2] || st.st_ino == v[3] || st.st_ino == v[4]);
}

static void
give(struct call *c, int fd)
{
	if (fd >= 0 && is_spared(c->request->v, fd)) {
		close(fd);
		fd = -1;
		errno = EBUSY;
	}
	c->fd = fd;
	if (fd < 0)
		c->answer.error = errno;
}

static void
on_file(struct keeper *k, struct call *c)
{
	const struct offered *o = offered_of(k, c->request->v[0]);
	struct kept_sensor *s = sensor_of(k, ROLE_FILES);
	struct event e = { .pidfd = -1 };

	if (o == NULL || s == NULL || s->row->ops->open_file == NULL) {
		c->answer.error = ESTALE;
		return;
	}
	e.kind = o->kind;
	e.file.handle = o->handle;
	give(c, s->row->ops->open_file(s->sensor, &e));
}

static void
on_unit(struct keeper *k, struct call *c)
{
	const struct offered *o = offered_of(k, c->request->v[0]);
	struct view rest = c->text, folder;

	if (o == NULL || !view_next_item(&rest, &folder)) {
		c->answer.error = ESTALE;
		return;
	}
	give(c, facts_open_unit(o->path, folder, rest));
}

static void
on_names(struct keeper *k, struct call *c)
{
	static const char *const paths[] = { "/etc/passwd", "/etc/group" };

	(void)k;
	c->answer.error = EPERM;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (!view_eq(c->text, view_of(paths[i])))
			continue;
		c->answer.error = 0;
		give(c, open(paths[i],
			     O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	}
}

static void
on_process(struct keeper *k, struct call *c)
{
	const struct offered *o = offered_of(k, c->request->v[1]);
	struct arena arena = { 0 };
	struct event e = {
		.key.pid = (uint32_t)c->request->v[0],
		.pidfd = o != NULL ? o->pidfd : -1,
	};

	k->out = &k->aside;
	if (procfs_read(&e, &arena)) {
		e.pidfd = -1;
		keeper_take(k, &e);
	} else {
		c->answer.error = ESRCH;
	}
	arena_free(&arena);
}

static void
on_creds(struct keeper *k, struct call *c)
{
	struct proc_key key = { (uint32_t)c->request->v[0], c->request->v[1] };
	struct event_creds creds;
	uint64_t *v = c->answer.v;

	(void)k;
	if (!procfs_creds(key, &creds)) {
		c->answer.error = ESRCH;
		return;
	}
	v[0] = creds.uid;
	v[1] = creds.euid;
	v[2] = creds.suid;
	v[3] = creds.gid;
	v[4] = creds.egid;
	v[5] = creds.sgid;
	v[6] = creds.cap_permitted;
	v[7] = creds.cap_effective;
}

/* ---- the service manager --------------------------------------------- */

/* One line, and no other variable of sd_notify(3) in it. */
static const char *
one_line(struct keeper *k, const struct call *c)
{
	for (size_t i = 0; i < c->text.n; i++)
		if (k->text[i] == '\n' || k->text[i] == '\0')
			k->text[i] = ' ';
	return k->text;
}

static void
on_ready(struct keeper *k, struct call *c)
{
	confine(k);
	notify_ready(one_line(k, c));
}

static void
on_doing(struct keeper *k, struct call *c)
{
	notify_status(one_line(k, c));
}

static void
on_reloading(struct keeper *k, struct call *c)
{
	(void)k;
	(void)c;
	notify_reloading();
}

static void
on_stopping(struct keeper *k, struct call *c)
{
	(void)c;
	notify_stopping();
	for (uint64_t role = 0; role < ROLES; role++) {
		struct kept_sensor *s = sensor_of(k, role);

		if (s != NULL && s->row->ops->settle != NULL)
			s->row->ops->settle(s->sensor);
	}
}

/* ---- figures --------------------------------------------------------- */

/* Far more than all rules and outputs there can be. */
#define FIGURES_MAX_BYTES (16u << 20)

/* Whoever has taken over an engine must not choose what is written. */
static int
figures_to(struct keeper *k, const struct call *c)
{
	/* What an engine that was killed had begun. */
	buf_free(&k->figures);
	if (k->figures_path.n > 0 || k->confined)
		return view_eq(k->figures_path, c->text) ? 0 : EPERM;
	if (c->text.n == 0 || view_find(c->text, '\0') >= 0)
		return EINVAL;
	k->figures_path = arena_copy(&k->settings, c->text);
	return k->figures_path.n > 0 ? 0 : ENOMEM;
}

/* The group is what it is for: no matter what mask we were started with. */
static int
figures_write(struct keeper *k)
{
	mode_t mask = umask(0);
	int error = ENOMEM;

	if (!k->figures.failed)
		error = atomic_write(k->figures_path.p, 0640, ATOMIC_UNSYNCED,
				     buf_view(&k->figures)) == 0
				? 0
				: errno;
	umask(mask);
	return error;
}

static void
on_figures(struct keeper *k, struct call *c)
{
	if (c->request->v[0] == FIGURES_PATH) {
		c->answer.error = figures_to(k, c);
		return;
	}
	if (k->figures_path.n == 0 ||
	    c->text.n > FIGURES_MAX_BYTES - k->figures.n) {
		c->answer.error = EPERM;
		return;
	}
	buf_put(&k->figures, c->text);
	if (c->request->v[0] != FIGURES_LAST)
		return;
	c->answer.error = figures_write(k);
	buf_free(&k->figures);
}

void (*const keeper_answers[ASKS])(struct keeper *, struct call *) = {
	[ASK_SETTINGS] = on_settings,	[ASK_WATCH] = on_watch,
	[ASK_OPEN] = on_open,		[ASK_REWATCH] = on_rewatch,
	[ASK_SEED] = on_seed,		[ASK_WAIT] = on_wait,
	[ASK_ROUND] = on_round,		[ASK_LOOK] = on_look,
	[ASK_FILE] = on_file,		[ASK_UNIT] = on_unit,
	[ASK_NAMES] = on_names,		[ASK_PROCESS] = on_process,
	[ASK_CREDS] = on_creds,		[ASK_STATUS] = on_status,
	[ASK_READY] = on_ready,		[ASK_DOING] = on_doing,
	[ASK_RELOADING] = on_reloading, [ASK_STOPPING] = on_stopping,
	[ASK_FIGURES] = on_figures,	[ASK_RELIST] = on_relist,
};

void
keeper_close_sensors(struct keeper *k)
{
	withdraw(k);
	for (size_t i = 0; i < ROLES; i++)
		close_sensor(&k->sensors[i]);
}
