/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an exec made of a process, and how its session came to this host. */
#include "fim/image.h"

#include <stdlib.h>

/* ---- paths ------------------------------------------------------------------
 */

static void
fold_component(struct buf *out, struct view part)
{
	if (part.n == 0 || view_eq(part, VIEW(".")))
		return;
	if (view_eq(part, VIEW(".."))) {
		ssize_t slash = view_rfind(buf_view(out), '/');

		out->n = slash > 0 ? (size_t)slash : 0;
		return;
	}
	buf_putc(out, '/');
	buf_put(out, part);
}

static void
fold_path(struct buf *out, struct view path)
{
	struct view part;

	while (view_next_split(&path, '/', &part))
		fold_component(out, part);
}

struct view
path_absolute(struct view cwd, struct view given, struct arena *arena)
{
	struct buf out = { 0 };

	if (given.n == 0)
		return VIEW_NONE;
	if (given.p[0] != '/')
		fold_path(&out, cwd);
	fold_path(&out, given);
	if (out.n == 0)
		buf_putc(&out, '/');
	return arena_take(arena, &out);
}

/* ---- images -----------------------------------------------------------------
 */

static bool
is_script(const struct event_exec *x)
{
	return x->interp.n > 0 && x->given.n > 0 &&
	       !view_eq(x->interp, x->given);
}

/* The kernel shows a memfd as "/memfd:NAME" or "memfd:NAME (deleted)". */
static struct view
memfd_name(struct view image)
{
	if (view_starts(image, VIEW("/memfd:")))
		image = view_sub(image, 1, image.n);
	return view_starts(image, VIEW("memfd:")) ? image : VIEW_NONE;
}

static struct view
other_paths(const struct event_exec *x, struct arena *scratch)
{
	struct view memfd = memfd_name(x->image);
	bool relative = x->given.n > 0 && x->given.p[0] != '/';

	if (relative && memfd.n > 0)
		return arena_printf(scratch, "%.*s%c%.*s", (int)x->given.n,
				    x->given.p, 0, (int)memfd.n, memfd.p);
	return relative ? x->given : memfd;
}

struct layout { /* what image_new copies, in order */
	struct view from, *to;
};

/* One block: the struct, then the bytes of all parts. Sets the views of the
 * caller's struct, which is then copied over the block's head. */
static struct image *
pack(struct layout *parts, size_t n)
{
	size_t total = sizeof(struct image);
	struct image *image;
	char *p;

	for (size_t i = 0; i < n; i++)
		total += parts[i].from.n;
	image = malloc(total);
	if (image == NULL)
		return NULL;
	p = (char *)(image + 1);
	for (size_t i = 0; i < n; i++) {
		struct view v = parts[i].from;

		if (v.n > 0)
			memcpy(p, v.p, v.n);
		*parts[i].to = (struct view){ p, v.n };
		p += v.n;
	}
	return image;
}

struct image *
image_new(const struct event *e, const struct image *before)
{
	const struct event_exec *x = &e->exec;
	struct arena scratch = { 0 };
	struct view given = x->given.n > 0 ? x->given : x->image;
	struct image head = {
		.refs = 1,
		.argc = x->argc,
		.nlink = x->nlink,
		.inode = x->inode,
		.dev_major = x->dev_major,
		.dev_minor = x->dev_minor,
		.socket_fds = x->socket_fds,
		.truncated = e->truncated,
		.missing = x->missing,
	};
	struct layout parts[] = {
		{ path_absolute(x->cwd, given, &scratch), &head.executable },
		{ other_paths(x, &scratch), &head.exec_path },
		{ x->image, &head.file },
		{ is_script(x) ? x->interp : VIEW_NONE, &head.interp },
		{ x->comm, &head.comm },
		{ x->args, &head.args },
		{ x->env, &head.env },
		{ x->cwd, &head.cwd },
		{ before != NULL ? before->executable : VIEW_NONE,
		  &head.previous },
	};
	struct image *image;

	memcpy(head.stdio_inode, x->stdio_inode, sizeof(head.stdio_inode));
	/* A program without its name is none at all. */
	image = scratch.failed ? NULL : pack(parts, ARRAY_LEN(parts));
	if (image != NULL) {
		*image = head;
		/* Kernel threads have no path: their comm names them. */
		image->name = image->executable.n > 0
				      ? path_name(image->executable)
				      : image->comm;
	}
	arena_free(&scratch);
	return image;
}

struct image *
image_ref(struct image *image)
{
	if (image != NULL)
		image->refs++;
	return image;
}

void
image_unref(struct image *image)
{
	if (image != NULL && --image->refs == 0)
		free(image);
}

/* ---- entry leaders --------------------------------------------------- */

const char *
entry_type_name(enum entry_type type)
{
	static const char *const names[] = {
		[ENTRY_UNKNOWN] = "unknown",	 [ENTRY_INIT] = "init",
		[ENTRY_SSHD] = "sshd",		 [ENTRY_SSM] = "ssm",
		[ENTRY_CONTAINER] = "container", [ENTRY_TERMINAL] = "terminal",
		[ENTRY_CONSOLE] = "console",	 [ENTRY_KTHREAD] = "kthread",
	};

	return names[type];
}

/* Major numbers of Documentation/admin-guide/devices.txt. */
#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define PTS_MAJOR_FIRST 136
#define PTS_MAJOR_LAST 143

static bool
tty_is_pts(uint32_t major)
{
	return major >= PTS_MAJOR_FIRST && major <= PTS_MAJOR_LAST;
}

bool
tty_interactive(uint32_t major, uint32_t minor)
{
	return tty_is_pts(major) || major == TTY_MAJOR ||
	       (major == TTYAUX_MAJOR && minor == 1);
}

static const struct {
	const char *prefix; /* of the parent's name */
	enum entry_type type;
} doors[] = {
	{ "sshd", ENTRY_SSHD },
	{ "ssm-session-worker", ENTRY_SSM },
	{ "containerd-shim", ENTRY_CONTAINER },
	{ "runc", ENTRY_CONTAINER },
	{ "crun", ENTRY_CONTAINER },
	{ "conmon", ENTRY_CONTAINER },
	{ "dockerd", ENTRY_CONTAINER },
	{ "login", ENTRY_CONSOLE },
};

static enum entry_type
door_of(const struct proc *parent)
{
	if (parent == NULL || parent->image == NULL)
		return ENTRY_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
		if (view_starts(parent->image->name, view_of(doors[i].prefix)))
			return doors[i].type;
	}
	return ENTRY_UNKNOWN;
}

struct entry_verdict
entry_decide(const struct proc *p)
{
	enum entry_type door;

	if (p->key.pid == 1)
		return (struct entry_verdict){ true, ENTRY_INIT };
	if (p->kthread)
		return (struct entry_verdict){ true, ENTRY_KTHREAD };
	if (p->container && (p->parent == NULL || !p->parent->container))
		return (struct entry_verdict){ true, ENTRY_CONTAINER };
	if (p->sid != p->key.pid)
		return (struct entry_verdict){ false, ENTRY_UNKNOWN };
	door = door_of(p->parent);
	if (door != ENTRY_UNKNOWN)
		return (struct entry_verdict){ true, door };
	if (tty_is_pts(p->tty_major))
		return (struct entry_verdict){ true, ENTRY_TERMINAL };
	if (tty_interactive(p->tty_major, p->tty_minor))
		return (struct entry_verdict){ true, ENTRY_CONSOLE };
	if (p->parent == NULL || p->parent->key.pid == 1)
		return (struct entry_verdict){ true, ENTRY_INIT };
	return (struct entry_verdict){ false, ENTRY_UNKNOWN };
}
