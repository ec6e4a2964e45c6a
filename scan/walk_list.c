/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a walk finds: folders, in order, and their names into the ring. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scan/patience.h"
#include "scan/walk_inside.h"
#include "scan/walk_mounts.h"

static void
join(struct buf *path, struct view dir, const char *name)
{
	if (dir.n > 1)
		buf_put(path, dir);
	buf_putc(path, '/');
	buf_puts(path, name);
}

/* ---- slots ----------------------------------------------------------- */

static struct walk_slot *
slot_take(struct walk *w)
{
	struct walk_slot **s = &w->ring[atomic_load(&w->head) % WALK_SLOTS];

	if (*s == NULL)
		*s = walk_new_lines(sizeof(**s));
	if (*s == NULL)
		return NULL;
	(*s)->e = (struct walk_entry){ .dirfd = -1 };
	return *s;
}

static void
slot_publish(struct walk *w, struct walk_slot *s, struct walk_dir *dir,
	     int state)
{
	s->dir = dir;
	dir->refs++;
	if (dir != w->last_dir) {
		w->dirs_in_ring++;
		w->last_dir = dir;
	}
	s->e.dir = dir->path;
	atomic_store(&s->state, state);
	atomic_fetch_add(&w->head, 1);
}

/* A remote file system is not even asked about its own top. */
static bool
is_untouched(struct walk *w, const struct walk_dir *dir, const char *name,
	     enum walk_fault *fault)
{
	const struct walk_mount *mount;
	struct buf path = { 0 };

	if (!dir->mounts_below || w->o.foreign)
		return false;
	join(&path, dir->path, name);
	mount = walk_mounts_at(w->mounts, buf_view(&path));
	buf_free(&path);
	if (!walk_mount_slow(mount))
		return false;
	*fault = mount->hung ? WALK_HUNG : WALK_FOREIGN;
	return true;
}

/* A file alone may be a mount point as well. */
static bool
has_own_clock(const struct walk_dir *dir)
{
	return dir->mount != NULL && dir->mount->kind == WALK_MOUNT_LOCAL &&
	       !dir->mounts_below;
}

static int
put_entry(struct walk *w, struct walk_dir *dir, const struct walk_name *name)
{
	struct walk_slot *s = slot_take(w);

	if (s == NULL)
		return -1;
	s->e.dirfd = dir->fd;
	s->e.name = (struct view){ name->p, name->n };
	s->task = (struct walk_task){ .choice = (enum walk_choice)name->choice,
				      .type = name->type,
				      .max_bytes = w->o.max_bytes,
				      .own_clock = has_own_clock(dir) };
	if (is_untouched(w, dir, name->p, &s->e.fault)) {
		s->e.is_noticed = name->type == S_IFDIR || name->type == 0;
		slot_publish(w, s, dir, SLOT_DONE);
	} else {
		slot_publish(w, s, dir, SLOT_READY);
	}
	return 0;
}

/* That a folder as a whole was not covered. */
static int
put_notice(struct walk *w, struct view path, enum walk_fault fault, int error)
{
	struct walk_dir *dir;
	struct walk_slot *s;

	if (error == ENOENT)
		return 0; /* gone since its own entry was listed */
	dir = walk_dir_new(NULL, path, -1);
	s = slot_take(w);
	if (dir == NULL || s == NULL) {
		walk_dir_put(dir);
		return -1;
	}
	s->e.name = VIEW("");
	s->e.fault = fault;
	s->e.error = error;
	slot_publish(w, s, dir, SLOT_DONE);
	walk_dir_put(dir);
	return 0;
}

/* ---- listing --------------------------------------------------------- */

/* Descriptors of folders far above are closed; those with entries in the ring
 * cannot be yet, and are looked at again. */
static void
rest_far_above(struct walk *w)
{
	size_t i = w->depth > WALK_OPEN_PATH ? w->depth - WALK_OPEN_PATH : 0;
	size_t end = i > 2 * WALK_OPEN_RING ? i - 2 * WALK_OPEN_RING : 0;

	while (i > end)
		walk_dir_rest(w->stack[--i]);
}

static int
push(struct walk *w, struct walk_dir *d)
{
	if (w->depth == w->cap) {
		size_t cap = w->cap > 0 ? 2 * w->cap : 64;
		struct walk_dir **v = reallocarray(w->stack, cap, sizeof(*v));

		if (v == NULL) {
			walk_dir_put(d);
			return -1;
		}
		w->stack = v;
		w->cap = cap;
	}
	w->stack[w->depth++] = d;
	rest_far_above(w);
	return 0;
}

static int
pop(struct walk *w)
{
	struct walk_dir *d = w->stack[--w->depth];
	struct walk_dir *parent = w->depth > 0 ? w->stack[w->depth - 1] : NULL;
	int rc = 0;

	if (parent != NULL && !walk_dir_resume(parent, d->fd)) {
		/* Moved away under us: the rest of it cannot be had. */
		rc = put_notice(w, parent->path, WALK_CHANGING, 0);
		parent->at_folder = parent->n;
	}
	walk_dir_put(d);
	return rc;
}

static bool
above_itself(const struct walk_dir *d)
{
	for (const struct walk_dir *p = d->parent; p != NULL; p = p->parent)
		if (p->inode == d->inode && p->dev == d->dev)
			return true;
	return false;
}

/* ---- opening --------------------------------------------------------- */

/* What may never come back, with all that it needs. */
struct opening {
	struct walk_dir *parent; /* a reference; NULL: by its path */
	struct buf name, path;	 /* each with a NUL behind it */
	bool list;
	struct walk_dir *dir; /* the result, with */
	int error;	      /* or without it */
};

static void
opening_run(void *arg)
{
	struct opening *o = arg;
	int fd;

	if (o->parent != NULL)
		fd = openat(o->parent->fd, o->name.p,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	else
		fd = walk_open_folder(buf_view(&o->path));
	if (fd >= 0)
		o->dir = walk_dir_new(o->parent, buf_view(&o->path), fd);
	if (o->dir == NULL || (o->list && walk_dir_list(o->dir) != 0))
		o->error = errno;
}

static void
opening_drop(void *arg)
{
	struct opening *o = arg;

	walk_dir_put(o->dir);
	walk_dir_put(o->parent);
	buf_free(&o->name);
	buf_free(&o->path);
	free(o);
}

static struct opening *
opening_new(struct walk_dir *parent, const char *name, struct view path)
{
	struct opening *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->parent = parent;
	if (parent != NULL)
		parent->refs++;
	buf_put(&o->path, path);
	buf_putc(&o->path, '\0');
	buf_puts(&o->name, name);
	buf_putc(&o->name, '\0');
	if (o->path.failed || o->name.failed) {
		opening_drop(o);
		errno = ENOMEM;
		return NULL;
	}
	o->path.n--;
	return o;
}

/* A folder, open, with all its names or none. NULL and errno; ETIMEDOUT for
 * its whole file system from then on. */
static struct walk_dir *
open_folder(struct walk *w, struct walk_dir *parent, const char *name,
	    struct view path, bool list)
{
	struct walk_mount *mount = walk_mounts_at(w->mounts, path);
	struct opening *o = opening_new(parent, name, path);
	const struct patience_job job = { opening_run, opening_drop, o };
	struct walk_dir *d = NULL;
	int error;

	if (o == NULL)
		return NULL;
	if (mount == NULL)
		mount = parent != NULL ? parent->mount
				       : walk_mounts_of(w->mounts, path);
	o->list = list;
	if (!walk_mount_slow(mount)) {
		opening_run(o);
	} else if (mount->hung) {
		o->error = ETIMEDOUT;
	} else if (patience_run(&job, w->o.patience_ns) != 0) {
		mount->hung = errno == ETIMEDOUT;
		return NULL;
	}
	error = o->error;
	if (error == 0) {
		d = o->dir;
		o->dir = NULL;
		d->mount = mount;
		d->mounts_below = walk_mounts_below(w->mounts, path) != NULL;
	}
	opening_drop(o);
	errno = error;
	return d;
}

static bool
is_foreign(struct walk *w, struct view path)
{
	const struct walk_mount *mount = walk_mounts_at(w->mounts, path);

	return !w->o.foreign && mount != NULL && !mount->hung &&
	       mount->kind != WALK_MOUNT_LOCAL;
}

static int
put_not_opened(struct walk *w, struct view path)
{
	int error = errno;

	if (error == ENOTDIR || error == ELOOP)
		return 0; /* its own entry says what it has become */
	if (error == ENOMEM)
		return -1;
	return put_notice(w, path,
			  error == ETIMEDOUT ? WALK_HUNG : WALK_UNREADABLE,
			  error);
}

static int
enter(struct walk *w, struct walk_dir *parent, const char *name,
      struct view path)
{
	struct walk_dir *d;

	if (is_foreign(w, path))
		return put_notice(w, path, WALK_FOREIGN, 0);
	d = open_folder(w, parent, name, path, true);
	if (d == NULL)
		return put_not_opened(w, path);
	if (above_itself(d)) {
		walk_dir_put(d);
		return put_notice(w, path, WALK_LOOP, 0);
	}
	walk_dir_choose(d, &w->o);
	return push(w, d);
}

static int
descend(struct walk *w, struct walk_dir *parent, const char *name)
{
	struct buf path = { 0 };
	int rc = -1;

	join(&path, parent->path, name);
	if (path.failed)
		errno = ENOMEM;
	else if (parent->depth + 1 >= WALK_DEPTH_MAX || path.n > WALK_PATH_MAX)
		rc = put_notice(w, buf_view(&path), WALK_TOO_DEEP, 0);
	else
		rc = enter(w, parent, name, buf_view(&path));
	buf_free(&path);
	return rc;
}

/* ---- roots ----------------------------------------------------------- */

static int
part_cmp(const void *a, const void *b)
{
	const struct walk_part *x = a, *y = b;

	return walk_path_cmp(x->folder, y->folder);
}

/* What comes for a root: its own entry with those of its siblings, in the
 * folder that has them; then the tree below it. */
int
walk_make_parts(struct walk *w)
{
	size_t n = 0;

	w->parts = calloc(2 * w->o.n_roots + 1, sizeof(*w->parts));
	if (w->parts == NULL)
		return -1;
	for (size_t i = 0; i < w->o.n_roots; i++) {
		const struct walk_root *r = &w->o.roots[i];
		struct view dir, name;

		if (r->hung) {
			w->parts[n++] = (struct walk_part){ .folder = r->path,
							    .hung = true };
			continue;
		}
		walk_path_split(r->path, &dir, &name);
		if (name.n > 0)
			w->parts[n++] = (struct walk_part){ .folder = dir,
							    .entry = name };
		if (!r->alone)
			w->parts[n++] = (struct walk_part){ .folder = r->path };
	}
	qsort(w->parts, n, sizeof(*w->parts), part_cmp);
	w->n_parts = n;
	return 0;
}

/* The entries of all roots that one folder has. */
static int
start_entries(struct walk *w, const struct walk_part *part, size_t n)
{
	struct walk_dir *d = open_folder(w, NULL, "", part->folder, false);

	if (d == NULL)
		return put_not_opened(w, part->folder);
	d->alone = true;
	for (size_t i = 0; i < n; i++) {
		if (part[i].entry.n == 0 ||
		    walk_dir_add(d, part[i].entry, 0) == 0)
			continue;
		walk_dir_put(d);
		return -1;
	}
	walk_dir_choose(d, &w->o);
	return push(w, d);
}

/* Those of one folder together; a root's own tree has the folder's entries. */
static int
start_part(struct walk *w)
{
	const struct walk_part *part = &w->parts[w->at_part];
	size_t same = 0;

	while (w->at_part < w->n_parts &&
	       view_eq(w->parts[w->at_part].folder, part->folder)) {
		if (w->parts[w->at_part].entry.n == 0 && !part->hung)
			part = &w->parts[w->at_part];
		w->at_part++;
		same++;
	}
	if (part->hung)
		return put_notice(w, part->folder, WALK_HUNG, ETIMEDOUT);
	if (part->entry.n == 0)
		return enter(w, NULL, "", part->folder);
	return start_entries(w, part, same);
}

/* ---- producing ------------------------------------------------------- */

static bool
is_folder(const struct walk_name *name)
{
	return name->type == S_IFDIR;
}

/* One step: 1 = there may be more, 0 = the walk is complete, -1 = errno. */
static int
produce(struct walk *w)
{
	struct walk_dir *d;

	if (w->depth == 0 && w->at_part == w->n_parts)
		return 0;
	if (w->depth == 0)
		return start_part(w) == 0 ? 1 : -1;
	d = w->stack[w->depth - 1];
	if (d->at < d->n)
		return put_entry(w, d, &d->names[d->at++]) == 0 ? 1 : -1;
	while (!d->alone && d->at_folder < d->n) {
		const struct walk_name *name = &d->names[d->at_folder++];

		if (is_folder(name))
			return descend(w, d, name->p) == 0 ? 1 : -1;
	}
	return pop(w) == 0 ? 1 : -1;
}

static bool
is_full_enough(const struct walk *w)
{
	uint64_t n = atomic_load(&w->head) - w->tail;

	return n > WALK_SLOTS - WALK_REFILL ||
	       (n > WALK_BATCH &&
		w->dirs_in_ring > WALK_OPEN_RING - WALK_REFILL_DIRS);
}

/* Fills the ring as far as limits allow; returns what produce did last. */
int
walk_fill(struct walk *w)
{
	uint64_t from = atomic_load(&w->head);
	int rc = 1;

	if (w->error != 0)
		return -1;
	if (is_full_enough(w))
		return 1;
	while (rc > 0 && atomic_load(&w->head) - w->tail < WALK_SLOTS &&
	       w->dirs_in_ring < WALK_OPEN_RING) {
		rc = produce(w);
		if ((atomic_load(&w->head) - from) % WALK_BATCH ==
		    WALK_BATCH - 1)
			walk_wake_workers(w);
	}
	if (rc < 0)
		w->error = errno != 0 ? errno : EIO;
	walk_wake_workers(w);
	return rc;
}
