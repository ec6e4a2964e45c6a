/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File facts on demand, and the way from a timer to its service. */
#include "fim/facts.h"

#include "scan/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/xattr.h>
#include <unistd.h>

void
facts_end(struct facts *f)
{
	if (f->depth > FACTS_SEEN && f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->depth = FACTS_NONE;
	f->there = f->has_service = false;
	f->bytes_total += f->bytes_file;
	f->bytes_file = 0;
}

/* Where systemd looks for units, systemd.unit(5), those of users as well. */
static const char *const unit_folders[] = {
	"/etc/systemd/system",
	"/run/systemd/system",
	"/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",
	"/lib/systemd/system",
	"/etc/systemd/user",
	"/run/systemd/user",
	"/usr/local/lib/systemd/user",
	"/usr/lib/systemd/user",
};

static bool
is_unit_folder(struct view path, struct view folder)
{
	if (view_eq(folder, path_directory(path)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(unit_folders); i++)
		if (view_eq(folder, view_of(unit_folders[i])))
			return true;
	return false;
}

/* A unit is named, never pathed: no way out of the folder. */
static bool
is_unit_name(struct view name)
{
	return name.n > 0 && name.n <= NAME_MAX && view_find(name, '/') < 0 &&
	       view_find(name, '\0') < 0 && view_ends(name, VIEW(".service"));
}

int
facts_open_unit(struct view path, struct view folder, struct view name)
{
	char text[PATH_MAX + NAME_MAX + 2];
	int dir, fd;

	if (!is_unit_name(name) || folder.n == 0 || folder.n >= PATH_MAX ||
	    view_find(folder, '\0') >= 0 || !is_unit_folder(path, folder)) {
		errno = EPERM;
		return -1;
	}
	snprintf(text, sizeof(text), "%.*s", (int)folder.n, folder.p);
	dir = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	snprintf(text, sizeof(text), "%.*s", (int)name.n, name.p);
	fd = scan_open(dir, text);
	close(dir);
	return fd;
}

static bool
service_in(struct facts *f, const struct event *e, struct view folder,
	   struct view name, struct arena *arena)
{
	const struct opener *o = &f->opener;
	struct file_facts facts = { 0 };
	int fd = o->unit != NULL ? o->unit(o->ctx, e, folder, name)
				 : facts_open_unit(e->file.path, folder, name);

	if (fd < 0)
		return false;
	f->has_service =
		scan_fd(fd, name, SCAN_UNIT, &f->limits, arena, &facts) == 0 &&
		facts.unit.is_unit;
	if (f->has_service)
		f->service = facts.unit;
	f->bytes_total += facts.bytes_read;
	close(fd);
	return f->has_service;
}

/* The service usually lies beside its timer; else systemd's own order. */
static void
follow_timer(struct facts *f, const struct event *e, struct arena *arena)
{
	struct view path = e->file.path;
	struct view name = unit_of_timer(&f->file.unit, path_name(path), arena);

	name = arena_copy(arena, name);
	if (!is_unit_name(name) ||
	    service_in(f, e, path_directory(path), name, arena))
		return;
	for (size_t i = 0; i < ARRAY_LEN(unit_folders); i++) {
		if (service_in(f, e, view_of(unit_folders[i]), name, arena))
			return;
	}
}

static bool
inspect(struct facts *f, const struct event *e, unsigned want,
	struct arena *arena)
{
	struct view name = path_name(e->file.path);
	int rc = scan_fd(f->fd, name, want, &f->limits, arena, &f->file);

	if (f->file.bytes_read > f->bytes_file)
		f->bytes_file = f->file.bytes_read;
	if (rc != 0)
		return false;
	if ((want & SCAN_UNIT) && view_eq(f->file.unit.type, VIEW("timer")))
		follow_timer(f, e, arena);
	return true;
}

static bool
seen(struct facts *f, const struct event *e)
{
	struct stat st;

	if (f->opener.seen == NULL || !f->opener.seen(f->opener.ctx, e, &st))
		return false;
	f->file = (struct file_facts){ .st = st };
	f->depth = FACTS_SEEN;
	f->there = true;
	return true;
}

static void
look(struct facts *f, const struct event *e, struct arena *arena)
{
	f->fd = f->opener.open != NULL ? f->opener.open(f->opener.ctx, e) : -1;
	f->depth = FACTS_STAT;
	f->there = f->fd >= 0 && inspect(f, e, 0, arena);
}

const struct file_facts *
facts_get(struct facts *f, const struct event *e, enum facts_depth depth,
	  struct arena *arena)
{
	const unsigned head =
		SCAN_KIND | SCAN_PIDFILE | SCAN_UNIT | SCAN_PRELOAD;
	unsigned want = head | SCAN_DIGEST | SCAN_ENTROPY;

	if (f->depth == FACTS_NONE && (depth > FACTS_SEEN || !seen(f, e)))
		look(f, e, arena);
	if (depth >= FACTS_STAT && f->depth < FACTS_STAT)
		look(f, e, arena);
	if (depth == FACTS_HEAD && !f->opener.frugal)
		depth = FACTS_CONTENT;
	if (depth == FACTS_HEAD)
		want = head;
	if (depth > f->depth) {
		f->depth = depth;
		f->there = f->there && inspect(f, e, want, arena);
	}
	return f->there ? &f->file : NULL;
}

/* capabilities(7), "File capabilities"; struct vfs_cap_data of
 * linux/capability.h is little endian. */
uint64_t
facts_capabilities(struct facts *f, const struct event *e, struct arena *arena)
{
	const struct file_facts *facts = facts_get(f, e, FACTS_STAT, arena);
	struct file_capabilities caps;
	char data[XATTR_CAPS_SZ_3];
	ssize_t n;

	if (facts == NULL || !S_ISREG(facts->st.st_mode))
		return 0;
	n = fgetxattr(f->fd, "security.capability", data, sizeof(data));
	if (n < 0 ||
	    !capability_of_file((struct view){ data, (size_t)n }, &caps))
		return 0;
	return caps.permitted;
}
