/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host BYTES GRAMMAR: the recorded events of a working server, at least so
 * many bytes of NDJSON, the same every time. Up to LIVE_MAX programs run at a
 * time; each is a fork, an exec, what it does to files and whom it calls, and
 * an exit.
 */
#include "tests/bench/grammar.h"

#include <fcntl.h>
#include <unistd.h>

#define GRAMMAR_BYTES (1u << 20)
#define LIVE_MAX 24
#define ARGS_MAX 24
#define ACTS_MAX 4
#define BLOCK_BYTES (1u << 20)
#define START_NS (1767225600 * NS_PER_SEC) /* 2026-01-01 */
#define EVENT_GAP_NS (20 * NS_PER_US)

struct program {
	struct view exe, name, uid;
	struct view args[ARGS_MAX], line;
	size_t n_args;
	unsigned pid;
};

struct act {
	const char *category, *type, *action;
	struct view what; /* path, or address:port */
};

struct life {
	struct arena arena;
	struct program self, parent;
	struct act acts[ACTS_MAX + 3];
	size_t n, at;
};

struct host {
	struct grammar g;
	struct life lives[LIVE_MAX];
	uint64_t events;
	unsigned pids;
	struct buf out;
};

/* ---- programs -------------------------------------------------------- */

static void
set_program(struct program *p, struct view exe, struct view line,
	    struct view uid)
{
	*p = (struct program){
		.exe = exe, .name = path_name(exe), .line = line, .uid = uid
	};
	while (p->n_args < ARGS_MAX &&
	       view_next_split(&line, ' ', &p->args[p->n_args]))
		p->n_args++;
}

/* One that runs now, or a daemon that was there before. */
static void
set_parent(struct host *h, struct life *l, struct view exe)
{
	unsigned pid = 300;

	for (size_t i = 0; i < LIVE_MAX; i++) {
		const struct life *other = &h->lives[i];

		if (other == l || other->at < 2 ||
		    !view_eq(other->self.exe, exe))
			continue;
		set_program(&l->parent, arena_copy(&l->arena, exe),
			    arena_copy(&l->arena, other->self.line),
			    arena_copy(&l->arena, other->self.uid));
		l->parent.pid = other->self.pid;
		return;
	}
	for (size_t i = 0; i < exe.n; i++)
		pid += (unsigned char)exe.p[i] * (i < 12 ? 3 : 1);
	set_program(&l->parent, exe,
		    arena_printf(&l->arena, "%.*s --config /etc/%.*s.conf",
				 (int)exe.n, exe.p, (int)path_name(exe).n,
				 path_name(exe).p),
		    VIEW("0"));
	l->parent.pid = pid;
}

static void
add_act(struct life *l, const char *category, const char *type,
	const char *action, struct view what)
{
	if (l->n < ARRAY_LEN(l->acts))
		l->acts[l->n++] = (struct act){ category, type, action, what };
}

static void
add_file(struct life *l, struct view item)
{
	struct view path = view_sub(item, 1, SIZE_MAX);

	switch (item.n > 0 ? item.p[0] : '\0') {
	case '+':
		add_act(l, "file", "creation", "creation", path);
		break;
	case '~':
		add_act(l, "file", "change", "modification", path);
		break;
	case '>':
		add_act(l, "file", "change", "rename", path);
		break;
	case '-':
		add_act(l, "file", "deletion", "deletion", path);
		break;
	}
}

static void
begin(struct host *h, struct life *l)
{
	struct view part[6] = { VIEW_NONE }, rest, item;
	struct buf text = { 0 };

	arena_reset(&l->arena);
	grammar_put(&h->g, VIEW("command"), &text, 0);
	rest = arena_copy(&l->arena, buf_view(&text));
	buf_free(&text);
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		view_next_split(&rest, '|', &part[i]);
	l->n = l->at = 0;
	set_program(&l->self, part[0], part[3], part[2]);
	l->self.pid = 5000 + h->pids++;
	set_parent(h, l, part[1]);
	add_act(l, "process", "start", "fork", VIEW_NONE);
	add_act(l, "process", "start", "exec", VIEW_NONE);
	while (view_next_split(&part[4], ' ', &item))
		add_file(l, item);
	if (part[5].n > 0)
		add_act(l, "network", "start", "connection_attempted", part[5]);
	add_act(l, "process", "end", "end", VIEW_NONE);
}

/* ---- events ---------------------------------------------------------- */

static void
put_text(struct buf *out, const char *key, struct view text)
{
	buf_printf(out, "\"%s\":", key);
	buf_json_string(out, text);
	buf_putc(out, ',');
}

static void
put_identity(struct buf *out, const struct program *p)
{
	buf_printf(out, "\"entity_id\":\"6ba7b810-%u-%u000\",\"pid\":%u,",
		   p->pid, p->pid * 7919, p->pid % 4194304);
	put_text(out, "name", p->name);
	put_text(out, "executable", p->exe);
}

static void
put_program(struct buf *out, const struct program *p)
{
	put_identity(out, p);
	buf_puts(out, "\"args\":[");
	for (size_t i = 0; i < p->n_args; i++) {
		if (i > 0)
			buf_putc(out, ',');
		buf_json_string(out, p->args[i]);
	}
	buf_printf(out, "],\"args_count\":%zu,", p->n_args);
	put_text(out, "command_line", p->line);
	buf_puts(out, "\"working_directory\":\"/srv/app\",\"interactive\":"
		      "false,\"user\":{");
	put_text(out, "id", p->uid);
	buf_puts(out, "\"name\":\"user\"},\"real_user\":{");
	put_text(out, "id", p->uid);
	buf_puts(out, "\"name\":\"user\"}");
}

static void
put_file(struct buf *out, struct view path)
{
	buf_puts(out, ",\"file\":{");
	put_text(out, "path", path);
	put_text(out, "name", path_name(path));
	if (path_extension(path).n > 0)
		put_text(out, "extension", path_extension(path));
	buf_puts(out, "\"type\":\"file\",\"size\":4096}");
}

static void
put_network(struct buf *out, struct view to)
{
	ssize_t colon = view_rfind(to, ':');

	buf_puts(out, ",\"destination\":{");
	put_text(out, "ip", view_sub(to, 0, (size_t)colon));
	buf_printf(out,
		   "\"port\":%.*s},\"network\":{\"direction\":\"egress\","
		   "\"transport\":\"tcp\",\"type\":\"ipv4\"}",
		   (int)(to.n - (size_t)colon - 1), to.p + colon + 1);
}

/* Aliases are what our own recordings have, see FIELDS in events.def. */
static void
put_event(struct host *h, const struct life *l, const struct act *a)
{
	const struct program *self =
		strcmp(a->action, "fork") == 0 ? &l->parent : &l->self;
	struct program now = *self;
	struct buf *out = &h->out;

	now.pid = l->self.pid;
	buf_puts(out, "{\"@timestamp\":\"");
	buf_rfc3339(out, START_NS + h->events * EVENT_GAP_NS);
	buf_printf(out,
		   "\",\"event\":{\"kind\":\"event\",\"category\":[\"%s\"],"
		   "\"type\":[\"%s\"],\"action\":\"%s\",\"id\":\"%llu\","
		   "\"sequence\":%llu},\"host\":{\"id\":\"0123456789abcdef\","
		   "\"name\":\"server\",\"os\":{\"type\":\"linux\"}},\"agent\":"
		   "{\"type\":\"tocsin\"},\"user\":{",
		   a->category, a->type, a->action,
		   (unsigned long long)h->events,
		   (unsigned long long)h->events);
	put_text(out, "id", l->self.uid);
	buf_puts(out, "\"name\":\"user\"},\"process\":{");
	put_program(out, &now);
	buf_puts(out, ",\"parent\":{");
	put_program(out, &l->parent);
	buf_puts(out, "},\"entry_leader\":{");
	put_identity(out, &l->parent);
	buf_puts(out, "\"entry_meta\":{\"type\":\"sshd\"}}}");
	if (strcmp(a->category, "file") == 0)
		put_file(out, a->what);
	else if (strcmp(a->category, "network") == 0)
		put_network(out, a->what);
	if (strcmp(a->action, "exec") == 0)
		buf_puts(out, ",\"tocsin\":{\"event\":{\"aliases\":[\"exec_"
			      "event\",\"executed\",\"process_started\","
			      "\"start\",\"ProcessRollup2\"]}}");
	buf_puts(out, "}\n");
	h->events++;
}

static void
step(struct host *h)
{
	struct life *l = &h->lives[grammar_dice(&h->g, LIVE_MAX)];

	if (l->at == l->n)
		begin(h, l);
	put_event(h, l, &l->acts[l->at]);
	l->at++;
}

static int
flush(struct host *h)
{
	if (h->out.failed ||
	    fd_write_all(STDOUT_FILENO, buf_view(&h->out)) != 0)
		return -1;
	buf_clear(&h->out);
	return 0;
}

int
main(int argc, char **argv)
{
	struct host h = { .g = { .seed = 1 } };
	struct buf text = { 0 };
	int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	uint64_t left;

	if (fd < 0 || fd_read_all(fd, GRAMMAR_BYTES, &text) != 0 ||
	    !view_to_u64(view_of(argv[1]), &left)) {
		fputs("usage: host BYTES GRAMMAR\n", stderr);
		return 16;
	}
	grammar_read(&h.g, buf_view(&text));
	while (left > 0) {
		step(&h);
		if (h.out.n < BLOCK_BYTES && h.out.n < left)
			continue;
		left -= h.out.n < left ? h.out.n : left;
		if (flush(&h) != 0)
			return 18;
	}
	for (size_t i = 0; i < LIVE_MAX; i++)
		arena_free(&h.lives[i].arena);
	buf_free(&h.out);
	buf_free(&text);
	arena_free(&h.g.arena);
	close(fd);
	return 0;
}
