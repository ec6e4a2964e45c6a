/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the keeper. */
#include "fim/remote.h"

#include "fim/watchset.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct sensor {
	struct remote *remote; /* borrowed */
	enum role role;
};

/* ---- asking ---------------------------------------------------------- */

static int
gone(struct remote *r)
{
	r->gone = true;
	errno = EPIPE;
	return -1;
}

/* The answer; *fd is the caller's if there is one. 0, or -1 and errno. */
static int
receive(struct remote *r, int *fd)
{
	int came = -1;
	ssize_t n = frame_receive(r->socket, &r->answer, sizeof(r->answer),
				  r->text, &came);

	if (n < 0 || (size_t)n != r->answer.n_text) {
		if (came >= 0)
			close(came);
		return gone(r);
	}
	if (fd != NULL)
		*fd = came;
	else if (came >= 0)
		close(came);
	r->cpu_ns = r->answer.cpu_ns;
	r->stop = r->stop || (r->answer.flags & FRAME_STOP);
	if (r->answer.flags & FRAME_STOP)
		r->stopped_by = (uint32_t)r->answer.stopped_by;
	r->reload = r->reload || (r->answer.flags & FRAME_RELOAD);
	for (size_t i = 0; r->answer.flags & FRAME_FAILED && i < ROLES; i++)
		if (r->answer.v[i] != 0)
			r->errors[i] = (int)r->answer.v[i];
	errno = r->answer.error;
	return r->answer.error == 0 ? 0 : -1;
}

static int
send_request(struct remote *r, struct frame_request *request, struct view text)
{
	request->n_text = (uint32_t)text.n;
	if (text.n > FRAME_TEXT_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (r->gone ||
	    frame_send(r->socket, request, sizeof(*request), text, -1) != 0)
		return gone(r);
	return 0;
}

static int
ask(struct remote *r, enum ask what, uint64_t a, uint64_t b, struct view text,
    int *fd)
{
	struct frame_request request = { .ask = what, .v = { a, b } };

	if (send_request(r, &request, text) != 0)
		return -1;
	return receive(r, fd);
}

/* ---- events ---------------------------------------------------------- */

static void
read_events(struct remote *r, const char *area, size_t size,
	    const struct event_sink *sink)
{
	struct view rest = { area, r->answer.n_events };
	struct event_module module;
	struct event e;
	uint32_t number;

	if (rest.n > size)
		rest.n = 0;
	while (frame_next_event(&rest, &e, &module, &number)) {
		e.file.handle = (const void *)(uintptr_t)number;
		sink->take(sink->ctx, &e);
	}
}

/* Those of the last answer, and all that are behind it. Taking one may ask
 * for more of it, so the answer is looked at first. */
static void
take_events(struct remote *r, const char *area, size_t size,
	    const struct event_sink *sink)
{
	bool more;

	do {
		more = r->answer.flags & FRAME_MORE;
		read_events(r, area, size, sink);
		if (more)
			ask(r, ASK_MORE, 0, 0, VIEW_NONE, NULL);
	} while (more && !r->gone);
}

static uint64_t
number_of(const struct event *e)
{
	return e != NULL ? (uint64_t)(uintptr_t)e->file.handle : 0;
}

/* ---- life ------------------------------------------------------------ */

int
remote_open(struct remote *r, const struct engine_birth *birth)
{
	*r = (struct remote){
		.socket = birth->socket,
		.events = birth->events,
		.aside = birth->aside,
		.text = malloc(FRAME_TEXT_MAX),
	};
	return r->text != NULL ? 0 : -1;
}

void
remote_close(struct remote *r)
{
	for (size_t i = 0; i < ROLES; i++)
		free(r->sensors[i]);
	free(r->text);
	if (r->socket >= 0)
		close(r->socket);
	*r = (struct remote){ .socket = -1, .gone = true };
}

int
remote_configure(struct remote *r, const struct sensor_config *c)
{
	struct frame_request request = { .ask = ASK_SETTINGS };
	struct buf names = { 0 };
	int result;

	for (size_t i = 0; i < c->n_env_names; i++) {
		buf_puts(&names, c->env_names[i]);
		buf_putc(&names, '\0');
	}
	request.v[0] = c->max_args;
	request.v[1] = c->poll_ns;
	request.v[2] = c->short_queue;
	result = send_request(r, &request, buf_view(&names));
	if (result == 0)
		result = receive(r, NULL);
	buf_free(&names);
	return result;
}

static uint64_t
flags_of(const struct watch *w)
{
	return (w->recursive ? FRAME_WATCH_RECURSIVE : 0) |
	       (w->from_config ? FRAME_WATCH_CONFIGURED : 0);
}

int
remote_send_watches(struct remote *r, const struct watchset *ws)
{
	int result = ask(r, ASK_WATCH, FRAME_WATCH_FIRST, 0, VIEW_NONE, NULL);

	for (size_t i = 0; i < ws->n && result == 0; i++)
		result = ask(r, ASK_WATCH, flags_of(&ws->v[i]), 0,
			     ws->v[i].path, NULL);
	return result;
}

/* What the keeper said, as diagnostics. */
static void
take_errors(struct remote *r, int error, struct err *err)
{
	struct view rest = { r->text, r->gone ? 0 : r->answer.n_text }, item;
	size_t n = 0;

	for (; view_next_item(&rest, &item); n++)
		err_add(err, (struct place){ 0 }, "%.*s", (int)item.n, item.p);
	if (n == 0)
		err_add(err, (struct place){ 0 }, "%s", strerror(error));
}

struct sensor *
remote_sensor(struct remote *r, const struct sensor_row *row, struct err *err)
{
	struct sensor *s = calloc(1, sizeof(*s));

	if (s == NULL || ask(r, ASK_OPEN, (uint64_t)(row - sensor_rows), 0,
			     VIEW_NONE, NULL) != 0) {
		take_errors(r, s == NULL ? ENOMEM : errno, err);
		free(s);
		return NULL;
	}
	*s = (struct sensor){ r, row->role };
	free(r->sensors[row->role]);
	r->sensors[row->role] = s;
	return s;
}

/* ---- what a sensor does ---------------------------------------------- */

static void
remote_sensor_close(struct sensor *s)
{
	struct remote *r = s != NULL ? s->remote : NULL;

	if (r == NULL)
		return;
	/* The keeper's own stays for the next engine, unless it has failed. */
	r->sensors[s->role] = NULL;
	free(s);
}

static int
remote_seed(struct sensor *s, const struct event_sink *sink)
{
	struct remote *r = s->remote;

	if (ask(r, ASK_SEED, s->role, 0, VIEW_NONE, NULL) != 0 && r->gone)
		return -1;
	/* What came before an error came. */
	take_events(r, r->events, FRAME_EVENTS_BYTES, sink);
	return r->gone || r->answer.error != 0 ? -1 : 0;
}

static int
remote_rewatch(struct sensor *s, const struct watchset *ws, struct err *err)
{
	struct remote *r = s->remote;

	if (remote_send_watches(r, ws) == 0 &&
	    ask(r, ASK_REWATCH, 0, 0, VIEW_NONE, NULL) == 0)
		return 0;
	take_errors(r, errno, err);
	return -1;
}

static void
remote_status(const struct sensor *s, struct sensor_status *out)
{
	struct remote *r = s->remote;
	const uint64_t *v = r->answer.v;

	*out = (struct sensor_status){ 0 };
	if (ask(r, ASK_STATUS, s->role, 0, VIEW_NONE, NULL) != 0)
		return;
	out->events = v[0];
	out->lost = v[1];
	out->queued = v[2];
	out->watched = v[3];
	out->unwatched = v[4];
	out->polled = v[5];
	snprintf(out->detail, sizeof(out->detail), "%.*s",
		 (int)r->answer.n_text, r->text);
}

static void
remote_relist(struct sensor *s)
{
	ask(s->remote, ASK_RELIST, s->role, 0, VIEW_NONE, NULL);
}

const struct sensor_ops remote_ops = {
	.name = "keeper",
	.close = remote_sensor_close,
	.seed = remote_seed,
	.rewatch = remote_rewatch,
	.relist = remote_relist,
	.status = remote_status,
};

/* ---- rounds ---------------------------------------------------------- */

void
remote_wait(struct remote *r, unsigned ms, bool signals_only)
{
	ask(r, ASK_WAIT, ms, signals_only, VIEW_NONE, NULL);
}

bool
remote_round(struct remote *r, const struct event_sink *sink)
{
	bool held;

	if (r->gone)
		return false;
	if (ask(r, ASK_ROUND, 0, 0, VIEW_NONE, NULL) != 0)
		return false;
	held = r->answer.flags & (FRAME_HELD | FRAME_MORE);
	take_events(r, r->events, FRAME_EVENTS_BYTES, sink);
	return held;
}

void
remote_look(struct remote *r, uint32_t pid, const struct event_sink *sink)
{
	if (ask(r, ASK_LOOK, pid, 0, VIEW_NONE, NULL) == 0)
		take_events(r, r->aside, FRAME_ASIDE_BYTES, sink);
}

/* ---- around an event ------------------------------------------------- */

static int
ask_for_fd(struct remote *r, enum ask what, uint64_t number, struct view text)
{
	const struct frame_spared *s = &r->spared;
	struct frame_request request = {
		.ask = what,
		.v = { number, s->device, s->inodes[0], s->inodes[1],
		       s->inodes[2] },
	};
	int fd = -1;

	if (send_request(r, &request, text) != 0)
		return -1;
	if (receive(r, &fd) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (fd < 0)
		errno = EBADF;
	return fd;
}

int
remote_open_file(void *ctx, const struct event *e)
{
	return ask_for_fd(ctx, ASK_FILE, number_of(e), VIEW_NONE);
}

int
remote_open_unit(void *ctx, const struct event *e, struct view folder,
		 struct view name)
{
	struct buf text = { 0 };
	int fd = -1;

	buf_put(&text, folder);
	buf_putc(&text, '\0');
	buf_put(&text, name);
	if (!text.failed)
		fd = ask_for_fd(ctx, ASK_UNIT, number_of(e), buf_view(&text));
	buf_free(&text);
	return fd;
}

int
remote_open_names(void *ctx, const char *path)
{
	return ask_for_fd(ctx, ASK_NAMES, 0, view_of(path));
}

/* Keeps one event, with its strings, beyond the area it came in. */
struct kept {
	struct event *e;
	struct arena *arena;
	bool found;
};

static void
keep(void *ctx, const struct event *e)
{
	struct kept *k = ctx;
	uint64_t time_ns = k->e->time_ns;

	*k->e = *e;
	k->e->time_ns = time_ns;
	k->e->exec.given = arena_copy(k->arena, e->exec.given);
	k->e->exec.image = arena_copy(k->arena, e->exec.image);
	k->e->exec.interp = arena_copy(k->arena, e->exec.interp);
	k->e->exec.comm = arena_copy(k->arena, e->exec.comm);
	k->e->exec.args = arena_copy(k->arena, e->exec.args);
	k->e->exec.env = arena_copy(k->arena, e->exec.env);
	k->e->exec.cwd = arena_copy(k->arena, e->exec.cwd);
	k->found = true;
}

bool
remote_read_process(void *ctx, struct event *e, const struct event *meant,
		    struct arena *arena)
{
	struct remote *r = ctx;
	struct kept kept = { e, arena, false };
	struct event_sink sink = { keep, &kept };

	if (ask(r, ASK_PROCESS, e->key.pid, number_of(meant), VIEW_NONE,
		NULL) != 0)
		return false;
	take_events(r, r->aside, FRAME_ASIDE_BYTES, &sink);
	return kept.found;
}

bool
remote_read_creds(void *ctx, struct proc_key key, struct event_creds *creds)
{
	struct remote *r = ctx;
	const uint64_t *v = r->answer.v;

	if (ask(r, ASK_CREDS, key.pid, key.start_ns, VIEW_NONE, NULL) != 0)
		return false;
	*creds = (struct event_creds){
		.uid = (uint32_t)v[0],
		.euid = (uint32_t)v[1],
		.suid = (uint32_t)v[2],
		.gid = (uint32_t)v[3],
		.egid = (uint32_t)v[4],
		.sgid = (uint32_t)v[5],
		.cap_permitted = v[6],
		.cap_effective = v[7],
	};
	return true;
}

void
remote_tell(struct remote *r, enum ask what, const char *line)
{
	ask(r, what, 0, 0, view_of(line), NULL);
}

/* ---- figures --------------------------------------------------------- */

int
remote_figures_to(struct remote *r, const char *path)
{
	return ask(r, ASK_FIGURES, FIGURES_PATH, 0, view_of(path), NULL);
}

int
remote_figures(struct remote *r, struct view text)
{
	while (text.n > FRAME_TEXT_MAX) {
		if (ask(r, ASK_FIGURES, FIGURES_PART, 0,
			view_sub(text, 0, FRAME_TEXT_MAX), NULL) != 0)
			return -1;
		text = view_sub(text, FRAME_TEXT_MAX, SIZE_MAX);
	}
	return ask(r, ASK_FIGURES, FIGURES_LAST, 0, text, NULL);
}
