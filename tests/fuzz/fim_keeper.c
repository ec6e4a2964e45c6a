/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper, and an engine that somebody else has taken over. The input is
 * what that engine sends, packet after packet, each as: what it asks (a byte),
 * two numbers (a byte each; 0xff = the greatest there is), the length of its
 * text (two bytes) and the text. Asked 0xff: the text is the whole packet, as
 * it is; 0xfe: the engine ends and the next one begins.
 *
 * The sensors are of straw: they tell of a few events whose number the first
 * byte of the input says, in areas that hold only some. Whatever is asked, the
 * keeper ends neither itself nor its sensors, its answers have the form of
 * answers, and it hands out no file but those of its events, units in folders
 * for units, and the two lists of names. It writes no file but that of the
 * figures, and which that is stays as it was.
 */
#include "fim/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_help.h"

#define AREA_BYTES 4096u
#define ASIDE_BYTES 2048u
#define PACKETS_MAX 64
#define NO_PID INT32_MAX

/* ---- sensors of straw ------------------------------------------------ */

static struct {
	uint8_t events; /* a round */
	bool broken;	/* the next fetch fails */
} straw;
static const char handle[] = "handle";
/* Where figures go. */
static const struct view nowhere = { "/dev/null/nowhere", 17 };

static struct sensor *
straw_open(const struct sensor_config *c, struct err *err)
{
	if (c->watchset != NULL && c->watchset->n == 1) {
		err_add(err, (struct place){ 0 }, "of straw");
		return NULL;
	}
	return calloc(1, 8);
}

static void
straw_close(struct sensor *s)
{
	free(s);
}

static int
straw_fd(const struct sensor *s)
{
	(void)s;
	return -1;
}

static int
straw_fetch(struct sensor *s)
{
	(void)s;
	errno = EIO;
	return straw.broken ? -1 : straw.events;
}

static void
straw_deliver(struct sensor *s, const struct event_sink *sink)
{
	static const char *const paths[] = { "/etc/systemd/system/x.timer",
					     "/run/x.pid", "/etc/passwd" };
	static char large[AREA_BYTES];
	struct event e = { .kind = EVENT_CREATE,
			   .pidfd = -1,
			   .file.handle = handle };

	(void)s;
	for (unsigned i = 0; i < straw.events; i++) {
		e.file.path = view_of(paths[i % ARRAY_LEN(paths)]);
		e.exec.args = (struct view){ large, i % 7 == 6 ? sizeof(large)
							       : 7 * i };
		sink->take(sink->ctx, &e);
	}
}

static int
straw_seed(struct sensor *s, const struct event_sink *sink)
{
	straw_deliver(s, sink);
	return straw.broken ? -1 : 0;
}

static void
straw_look(struct sensor *s, uint32_t pid, const struct event_sink *sink)
{
	straw.broken = pid == 13;
	straw_deliver(s, sink);
}

static int
straw_open_file(struct sensor *s, const struct event *e)
{
	(void)s;
	check(e->file.handle == handle);
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int
straw_rewatch(struct sensor *s, const struct watchset *ws, struct err *err)
{
	(void)s;
	for (size_t i = 0; i < ws->n; i++)
		check(ws->v[i].path.n > 0 && ws->v[i].path.p[0] == '/');
	return ws->n != 2 ? 0 : err_add(err, (struct place){ 0 }, "of straw");
}

static void
straw_status(const struct sensor *s, struct sensor_status *out)
{
	(void)s;
	memset(out->detail, 'x', sizeof(out->detail) - 1);
}

static const struct sensor_ops straw_ops = {
	.name = "straw",
	.open = straw_open,
	.close = straw_close,
	.fd = straw_fd,
	.fetch = straw_fetch,
	.deliver = straw_deliver,
	.seed = straw_seed,
	.look = straw_look,
	.open_file = straw_open_file,
	.rewatch = straw_rewatch,
	.status = straw_status,
};

/* Instead of the host's. */
const struct sensor_row sensor_rows[] = {
	{ "one", ROLE_PROCESSES, &straw_ops, NULL, "" },
	{ "two", ROLE_FILES, &straw_ops, NULL, "" },
	{ "three", ROLE_FILES, &straw_ops, NULL, "" },
	{ "four", ROLE_MESSAGES, &straw_ops, NULL, "" },
};
const size_t n_sensor_rows = ARRAY_LEN(sensor_rows);

/* ---- the engine ------------------------------------------------------ */

static uint64_t
number(uint8_t byte)
{
	return byte == 0xff ? UINT64_MAX : byte;
}

/* False: it ends here. */
static bool
send_next(int socket, struct view *rest)
{
	const uint8_t *p = (const uint8_t *)rest->p;
	struct frame_request r = { 0 };
	struct view text;

	if (rest->n < 5 || p[0] == 0xfe) {
		*rest = view_sub(*rest, 5, SIZE_MAX);
		return false;
	}
	text = view_sub(*rest, 5, p[3] | (size_t)p[4] << 8);
	r = (struct frame_request){ .ask = p[0],
				    .n_text = (uint32_t)text.n,
				    .v = { number(p[1]), number(p[2]) } };
	*rest = view_sub(*rest, 5 + text.n, SIZE_MAX);
	if (p[0] == 0xff)
		send(socket, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		frame_send(socket, &r, sizeof(r), text, -1);
	return true;
}

static bool
is_unit(struct view path)
{
	return view_ends(path, VIEW(".service")) &&
	       (view_search(path, VIEW("/systemd/"), 0) >= 0 ||
		view_starts(path, VIEW("/run/")) ||
		view_eq(path_directory(path), VIEW("/etc")));
}

static void
check_file(int fd)
{
	char link[64], path[4096];
	struct view v;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	check(n > 0);
	v = (struct view){ path, (size_t)n };
	check(view_eq(v, VIEW("/dev/null")) ||
	      view_eq(v, VIEW("/etc/passwd")) ||
	      view_eq(v, VIEW("/etc/group")) || is_unit(v));
	close(fd);
}

static void
check_answers(int socket)
{
	static char text[FRAME_TEXT_MAX];
	struct frame_answer a;
	ssize_t n;
	int fd;

	while ((n = frame_receive(socket, &a, sizeof(a), text, &fd)) >= 0) {
		check(a.n_text == (size_t)n && a.n_events <= AREA_BYTES);
		check((fd >= 0) == ((a.flags & FRAME_FD) != 0));
		if (fd >= 0)
			check_file(fd);
	}
	check(errno == EPIPE);
}

/* ---- the keeper ------------------------------------------------------ */

static void
serve_one(struct keeper *k, struct view *rest)
{
	int pair[2], bytes = 4 << 20;

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes,
			   sizeof(bytes));
	for (int i = 0; i < PACKETS_MAX && send_next(pair[1], rest); i++)
		;
	shutdown(pair[1], SHUT_WR);
	k->socket = pair[0];
	keeper_serve(k, ASKS);
	/* It is the keeper that ends, and lets the socket go. */
	check(k->socket == -1);
	check_answers(pair[1]);
	close(pair[1]);
	check(k->out == &k->events);
}

static void *
allocated(size_t n)
{
	void *p = calloc(1, n);

	check(p != NULL);
	return p;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct view rest = { (const char *)data, n };
	struct keeper k = {
		.socket = -1,
		.signals = -1,
		.engine = NO_PID,
		.confined = true, /* not this process */
		.figures_path = nowhere,
		.events = { allocated(AREA_BYTES), 0, AREA_BYTES },
		.aside = { allocated(ASIDE_BYTES), 0, ASIDE_BYTES },
		.text = allocated(FRAME_TEXT_MAX + 1),
	};

	k.out = &k.events;
	straw.broken = false;
	straw.events = n > 0 ? data[0] % 64 : 0;
	rest = view_sub(rest, 1, SIZE_MAX);
	while (rest.n > 0)
		serve_one(&k, &rest);
	check(k.figures_path.p == nowhere.p && k.figures_path.n == nowhere.n);
	keeper_close_sensors(&k);
	buf_free(&k.figures);
	watchset_free(&k.watchset);
	watchset_free(&k.next);
	arena_free(&k.settings);
	free(k.offered);
	free(k.events.p);
	free(k.aside.p);
	free(k.text);
	return 0;
}
