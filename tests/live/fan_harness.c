/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/live/fan_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIET_MS 60
#define TURN_MS 5

/* What SETTLE and settle() use in the child. */
#define ASK_FD 8
#define ANSWER_FD 9

unsigned harness_failed;

void
check(bool ok, const char *what)
{
	printf("%s - fan: %s\n", ok ? "ok" : "not ok", what);
	fflush(stdout);
	harness_failed += !ok;
}

static void
die(const char *what)
{
	printf("not ok - fan: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
note(void *ctx, const struct event *e)
{
	struct host *h = ctx;
	struct heard *s;

	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 1024;
		h->v = reallocarray(h->v, h->cap, sizeof(*h->v));
		if (!h->v)
			die("memory");
	}
	s = &h->v[h->n++];
	*s = (struct heard){
		.kind = e->kind,
		.attribution = e->attribution,
		.node = e->file.node,
		.pid = e->key.pid,
		.has_pidfd = e->pidfd >= 0,
		.path = arena_copy(&h->arena, e->file.path),
		.old_path = arena_copy(&h->arena, e->file.old_path),
		.aliases = arena_copy(&h->arena, e->file.aliases),
		.scope = arena_copy(&h->arena, e->scope),
		.time_ns = e->time_ns,
		.maker_pid = e->file.maker_pid,
	};
	if (h->open_files && e->kind != EVENT_LOSS) {
		int fd = sensor_fan.open_file(h->s, e);

		s->opened = fd < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
	}
	if (h->slow_us)
		usleep(h->slow_us);
}

void
host_open(struct host *h, const struct fan_options *options,
	  const char *const *patterns)
{
	static const struct fan_options none;
	struct sensor_config config = { .watchset = &h->ws };
	struct err err = { 0 };

	*h = (struct host){ .open_files = true };
	for (; *patterns; patterns++) {
		struct view p = view_of(*patterns);
		int rc = p.p[0] == '='
				 ? watchset_add_path(&h->ws,
						     view_sub(p, 1, SIZE_MAX))
				 : watchset_add_pattern(&h->ws, p, VIEW("r"));

		if (rc != 0)
			die(*patterns);
	}
	watchset_seal(&h->ws);
	h->s = fan_open(&config, options ? options : &none, &err);
	if (!h->s) {
		printf("not ok - fan: %.*s\n", (int)err.v[0].message.n,
		       err.v[0].message.p);
		exit(1);
	}
}

void
host_clear(struct host *h)
{
	h->n = 0;
	arena_reset(&h->arena);
}

void
host_close(struct host *h)
{
	sensor_fan.close(h->s);
	watchset_free(&h->ws);
	free(h->v);
	arena_free(&h->arena);
}

static bool
turn(struct host *h, int wait_ms)
{
	struct pollfd p = { .fd = sensor_fan.fd(h->s), .events = POLLIN };
	struct event_sink sink = { note, h };

	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	if (sensor_fan.fetch(h->s) < 0)
		die("fetch");
	sensor_fan.deliver(h->s, &sink);
	return true;
}

void
host_pump(struct host *h, int quiet_ms)
{
	uint64_t last = clock_boot_ns();
	size_t n = h->n;
	int turns = 0;

	/* On a busy host time passes without us: quiet is what was looked
	 * for, too. */
	while (turns < quiet_ms / TURN_MS ||
	       clock_boot_ns() - last < (uint64_t)quiet_ms * NS_PER_MS) {
		turn(h, TURN_MS);
		turns++;
		if (h->n != n) {
			last = clock_boot_ns();
			turns = 0;
		}
		n = h->n;
	}
}

void
settle(void)
{
	char c = '\n';

	if (write(ASK_FD, &c, 1) != 1 || read(ANSWER_FD, &c, 1) != 1)
		_exit(1);
}

static void
answer(struct host *h, int asks, int answers)
{
	struct pollfd p = { .fd = asks, .events = POLLIN };
	char c;

	if (poll(&p, 1, 0) <= 0 || read(asks, &c, 1) != 1)
		return;
	host_pump(h, QUIET_MS);
	if (write(answers, &c, 1) != 1)
		die("an answer");
}

uint32_t
host_run(struct host *h, void (*act)(void *), void *ctx)
{
	uint64_t begun_ns = clock_boot_ns();
	int asks[2], answers[2], status;
	pid_t pid;

	if (pipe2(asks, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		/* Not onto each other. */
		int ask = fcntl(asks[1], F_DUPFD, ANSWER_FD + 1);
		int answered = fcntl(answers[0], F_DUPFD, ANSWER_FD + 1);

		if (dup2(ask, ASK_FD) < 0 || dup2(answered, ANSWER_FD) < 0)
			_exit(1);
		close(ask);
		close(answered);
		act(ctx);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		turn(h, 1);
		answer(h, asks[0], answers[1]);
	}
	h->act_ns = clock_boot_ns() - begun_ns;
	for (int i = 0; i < 2; i++) {
		close(asks[i]);
		close(answers[i]);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		printf("not ok - fan: an act ended with status %d\n", status);
		harness_failed++;
	}
	host_pump(h, QUIET_MS);
	return (uint32_t)pid;
}

static void
shell(void *commands)
{
	execl("/bin/sh", "sh", "-euc", commands, NULL);
	_exit(127);
}

uint32_t
host_sh(struct host *h, const char *commands)
{
	return host_run(h, shell, (void *)(uintptr_t)commands);
}

static bool
is_it(const struct heard *s, enum event_kind kind, const char *path)
{
	return s->kind == kind && (!path || view_eq(s->path, view_of(path)));
}

void
prepare(const char *commands)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		shell((void *)(uintptr_t)commands);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		die(commands);
}

size_t
said_count(const struct host *h, enum event_kind kind, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += is_it(&h->v[i], kind, path);
	return n;
}

const struct heard *
said_find(const struct host *h, enum event_kind kind, const char *path)
{
	for (size_t i = 0; i < h->n; i++) {
		if (is_it(&h->v[i], kind, path))
			return &h->v[i];
	}
	return NULL;
}

bool
said_by(const struct host *h, enum event_kind kind, const char *path,
	uint32_t pid)
{
	const struct heard *s = said_find(h, kind, path);

	return s && said_count(h, kind, path) == 1 && s->pid == pid &&
	       s->attribution == ATTRIBUTION_KERNEL;
}

bool
said_rename(const struct host *h, const char *old_path, const char *path)
{
	for (size_t i = 0; i < h->n; i++) {
		if (is_it(&h->v[i], EVENT_RENAME, path) &&
		    view_eq(h->v[i].old_path, view_of(old_path)))
			return true;
	}
	return false;
}

bool
has_alias(const struct heard *s, const char *name)
{
	struct view rest, item;

	if (!s)
		return false;
	rest = s->aliases;
	while (view_next_item(&rest, &item)) {
		if (view_eq(item, view_of(name)))
			return true;
	}
	return false;
}

void
host_dump(const struct host *h)
{
	static const char *const kinds[EVENT_KINDS] = {
#define EVENT(kind, action, category, type, aliases) #kind,
#include "fim/events.def"
#undef EVENT
	};
	struct buf out = { 0 };

	for (size_t i = 0; i < h->n && i < 60; i++) {
		const struct heard *s = &h->v[i];

		buf_printf(&out, "# %s %u ", kinds[s->kind], s->pid);
		buf_text(&out, s->path);
		buf_puts(&out, " <- ");
		buf_text(&out, s->old_path);
		buf_puts(&out, " | ");
		buf_text(&out, s->aliases);
		buf_text(&out, s->scope);
		buf_printf(&out, " open %d\n", s->opened);
	}
	fwrite(out.p, 1, out.n, stdout);
	buf_free(&out);
}
