/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk: what stands under a name is opened, known by its handle, marked,
 * and only then listed. What appeared before the mark is met by the listing,
 * what appears after it makes an event, so nothing slips between. The walk is
 * breadth first: when the limit on directories is reached, the deepest ones
 * stay out.
 */
#include "fim/fan_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_BYTES 32768u

const struct fan_cause fan_quiet = { .why = WHY_QUIET };

/* The queue of a walk over a large tree is not kept. */
#define QUEUE_KEPT_BYTES (256u << 10)

/* Each place counts once, though it may be looked at again and again. */
void
fan_refuse(struct fan_tree *t, enum fan_refusal why)
{
	uint64_t hash = hash_mix(view_hash(buf_view(&t->path)), why);
	uint64_t *at = &t->refused_at[hash % ARRAY_LEN(t->refused_at)];

	if (*at == hash)
		return;
	*at = hash;
	t->refused[why]++;
}

/* ---- the queue ------------------------------------------------------------
 */

struct queued {
	struct fan_dir *dir;
	size_t n; /* bytes of the name that follow */
};

void
fan_push(struct fan_tree *t, struct fan_dir *dir, struct view name)
{
	struct queued q = { dir, name.n };
	size_t before = t->queue.n;

	if (name.n == 0 || name.n > NAME_MAX)
		return;
	buf_put(&t->queue, (struct view){ (const char *)&q, sizeof(q) });
	buf_put(&t->queue, name);
	/* Both or nothing: half of one would be read as something else. */
	if (t->queue.failed)
		t->queue.n = before;
}

static bool
pop(struct fan_tree *t, struct fan_dir **dir, char name[NAME_MAX + 1],
    size_t *n)
{
	struct queued q;

	if (t->queue_at == t->queue.n)
		return false;
	memcpy(&q, t->queue.p + t->queue_at, sizeof(q));
	memcpy(name, t->queue.p + t->queue_at + sizeof(q), q.n);
	name[q.n] = '\0';
	t->queue_at += sizeof(q) + q.n;
	*dir = q.dir;
	*n = q.n;
	return true;
}

/* ---- one directory ---------------------------------------------------------
 */

static bool
has_file_claim(const struct fan_dir *d)
{
	for (size_t i = 0; i < d->n_claims; i++) {
		if (fan_claim_done(&d->claims[i]))
			return true;
	}
	return false;
}

static void
mark(struct fan_tree *t, struct fan_dir *d, int fd)
{
	uint64_t mask = t->light_mask;
	int rc;

	if (d->root || has_file_claim(d))
		mask = t->full_mask;
	else if (d->n_claims == 0)
		return; /* only known by name */
	if ((d->mask & mask) == mask)
		return;
	rc = t->mark(t->ctx, d, fd, mask);
	if (rc < 0)
		fan_refuse(t, REFUSED_MARK);
	if (rc <= 0)
		return;
	if (!d->mask)
		t->n_marked++;
	d->mask |= mask;
}

static bool
is_within(const struct fan_dir *d, struct view top)
{
	return d->path_n >= top.n && memcmp(d->path, top.p, top.n) == 0 &&
	       (d->path_n == top.n || d->path[top.n] == '/');
}

/* Files that came along with a moved directory are told of, wherever in the
 * tree it has been. */
static bool
is_moved(const struct fan_tree *t, const struct fan_dir *d)
{
	return t->cause->why == WHY_MOVE && is_within(d, t->cause->top);
}

static unsigned char
type_of(int fd, const struct dirent64 *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type;
	if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return (unsigned char)IFTODT(st.st_mode);
}

static void
meet(struct fan_tree *t, struct fan_dir *d, int fd, const struct dirent64 *e,
     bool report)
{
	struct view name = view_of(e->d_name);
	unsigned char type = type_of(fd, e);

	if (report && fan_wanted(d, name))
		t->found(t->ctx, d, fd, name, type == DT_DIR);
	if (type == DT_DIR) {
		if (fan_wanted(d, name) || fan_leads_to(d, name))
			fan_push(t, d, name);
	} else if (type == DT_LNK && fan_leads_to(d, name)) {
		fan_push(t, d, name);
	}
}

static void
list(struct fan_tree *t, struct fan_dir *d, int fd, bool report)
{
	_Alignas(struct dirent64) char bytes[LIST_BYTES];
	ssize_t n;

	while ((n = getdents64(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e =
				(const struct dirent64 *)(bytes + at);

			at += e->d_reclen;
			if (strcmp(e->d_name, ".") != 0 &&
			    strcmp(e->d_name, "..") != 0)
				meet(t, d, fd, e, report);
		}
	}
	if (n < 0 && errno != ENOENT)
		fan_refuse(t, REFUSED_OPEN);
}

/* Claims from number `first` on are new to the directory. */
void
fan_visit(struct fan_tree *t, struct fan_dir *d, int fd, size_t first,
	  bool fresh)
{
	bool report = (fresh && t->cause->why != WHY_QUIET) || is_moved(t, d);
	bool all = report || t->force || (d->root && !d->listed);

	d->epoch = t->epoch;
	mark(t, d, fd);
	for (size_t i = first; i < d->n_claims; i++) {
		const struct fan_claim *c = &d->claims[i];

		if (fan_claim_done(c) && c->goal->recursive)
			continue;
		if (watch_component_wild(c->goal->parts[c->depth]))
			all = true;
		else
			fan_push(t, d, c->goal->parts[c->depth]);
	}
	if (!all)
		return;
	if (d->root)
		d->listed = true;
	list(t, d, fd, report);
}

/* ---- names ------------------------------------------------------------------
 */

/* Claims that the directory passes on to what has this name. */
static bool
collect_wants(struct fan_tree *t, const struct fan_dir *d, struct view name)
{
	t->n_wants = 0;
	for (size_t i = 0; i < d->n_claims; i++) {
		const struct fan_claim *c = &d->claims[i];

		if (fan_claim_done(c) ||
		    !watch_component_matches(c->goal->parts[c->depth], name))
			continue;
		if (t->n_wants == t->wants_cap) {
			size_t cap = t->wants_cap ? 2 * t->wants_cap : 16;
			struct fan_claim *v =
				reallocarray(t->wants, cap, sizeof(*v));

			if (!v) {
				fan_refuse(t, REFUSED_MEMORY);
				return false;
			}
			t->wants = v;
			t->wants_cap = cap;
		}
		t->wants[t->n_wants++] = *c;
	}
	return true;
}

/* Links that stood under this name, except those to `target`. */
static void
drop_links(struct fan_tree *t, struct fan_dir *d, struct view name,
	   struct view target)
{
	struct fan_goal *g, *next;

	for (g = d->n_owned > 0 ? t->goals : NULL; g; g = next) {
		next = g->next;
		if (g->owner == d && view_eq(g->owner_name, name) &&
		    !view_eq(g->target, target))
			fan_goal_kill(t, g);
	}
}

static void
forget(struct fan_tree *t, struct fan_dir *d, struct view name, bool exists)
{
	struct fan_dir *child = fan_child(t, d, name);

	if (child)
		fan_dir_detach(t, child, exists);
}

/* A new goal starts at the root, with the claim added last. */
void
fan_begin_goal(struct fan_tree *t, struct fan_goal *g)
{
	int fd;

	if (g->n_dirs == 0 && g->recursive) {
		/* A link to / below a watched place: everything is no place. */
		fan_goal_kill(t, g);
		fan_refuse(t, REFUSED_LOOP);
		return;
	}
	fd = fan_open_path(t, VIEW_NONE);
	if (fd < 0) {
		fan_refuse(t, REFUSED_OPEN);
		return;
	}
	fan_visit(t, t->top, fd, t->top->n_claims - 1, false);
	close(fd);
}

static void
add_link(struct fan_tree *t, const struct fan_claim *c, struct fan_dir *d,
	 struct view name, struct view target, struct view real)
{
	int rc = fan_goal_of_link(t, c, d, name, target, real);

	if (rc == 0)
		fan_begin_goal(t, t->goals);
	else if (rc < 0)
		fan_refuse(t, errno == ELOOP ? REFUSED_LOOP : REFUSED_MEMORY);
}

static void
follow(struct fan_tree *t, struct fan_dir *d, struct view name)
{
	struct buf text = { 0 }, real = { 0 };

	if (fan_read_link(t, d, name, &text, &real) < 0) {
		buf_clear(&text);
		buf_clear(&real);
	}
	drop_links(t, d, name, buf_view(&text));
	for (size_t i = 0; text.n > 0 && i < t->n_wants; i++)
		add_link(t, &t->wants[i], d, name, buf_view(&text),
			 buf_view(&real));
	buf_free(&text);
	buf_free(&real);
}

/* The same directory at a second place: a bind mount. It keeps its first
 * place and gets a further name. */
static void
add_place(struct fan_tree *t, struct fan_dir *there, struct fan_dir *d,
	  struct view name)
{
	struct view real = { there->path, there->path_n };

	drop_links(t, d, name, real);
	if (is_within(d, real)) {
		fan_refuse(t, REFUSED_LOOP);
		return;
	}
	for (size_t i = 0; i < t->n_wants; i++)
		add_link(t, &t->wants[i], d, name, real, real);
	for (struct fan_dir *r = d->root; r;
	     r = r->parent ? r->parent->root : NULL) {
		for (size_t i = 0; i < r->n_claims; i++) {
			if (fan_claim_done(&r->claims[i]) &&
			    r->claims[i].goal->recursive)
				add_link(t, &r->claims[i], d, name, real, real);
		}
	}
}

static bool
is_still_there(struct fan_tree *t, const struct fan_dir *d)
{
	int fd = fan_open_path(t, (struct view){ d->path, d->path_n });
	char id[FAN_ID_MAX];
	ssize_t n;

	if (fd < 0)
		return false;
	n = fan_id_of(fd, "", id);
	close(fd);
	return n >= 0 && view_eq((struct view){ id, (size_t)n },
				 (struct view){ d->id, d->id_n });
}

/* Only a link brought its root: a user may have pointed it anywhere. */
static bool
is_root_linked(const struct fan_dir *root)
{
	for (size_t i = 0; i < root->n_claims; i++) {
		const struct fan_claim *c = &root->claims[i];

		if (fan_claim_done(c) && c->goal->recursive && !c->goal->owner)
			return false;
	}
	return true;
}

static bool
has_room(struct fan_tree *t, struct fan_dir *parent)
{
	struct fan_dir *root = parent->root;
	bool full = t->by_id.n >= t->max_dirs ||
		    t->path_bytes >= FAN_PATHS_MAX_BYTES;

	if (!full && root && root->below >= FAN_LINK_DIRS_MAX)
		full = is_root_linked(root);
	if (!full)
		return true;
	fan_refuse(t, REFUSED_LIMIT);
	t->full(t->ctx, parent);
	return false;
}

static bool
is_above(const struct fan_dir *above, const struct fan_dir *d)
{
	while (d && d != above)
		d = d->parent;
	return d != NULL;
}

/* It has come here from elsewhere in the tree. Claims depend on the place;
 * without a root here its children start anew. */
static int
relocate(struct fan_tree *t, struct fan_dir *moved, struct fan_dir *d,
	 struct view name)
{
	for (struct fan_dir *k = moved; k; k = fan_next(moved, k))
		fan_claims_drop(t, k);
	if (fan_dir_move(t, moved, d, name) < 0)
		return -1;
	while (!moved->root && moved->child)
		fan_dir_detach(t, moved->child, true);
	return 0;
}

/* Takes on what its parent wants of it, then goes on below. */
static void
settle(struct fan_tree *t, struct fan_dir *child, int fd, bool fresh)
{
	size_t first = child->n_claims;
	struct fan_dir *root = child->root;

	for (size_t i = 0; i < t->n_wants; i++) {
		if (fan_claim_add(t, child, t->wants[i].goal,
				  t->wants[i].depth + 1) < 0)
			fan_refuse(t, REFUSED_MEMORY);
	}
	if (child->n_claims > first)
		fan_dir_reroot(t, child);
	if (t->force)
		first = 0;
	if (fresh || t->force || child->n_claims > first ||
	    child->root != root || (child->root && !child->listed) ||
	    is_moved(t, child))
		fan_visit(t, child, fd, first, fresh);
}

static void
arrive(struct fan_tree *t, struct fan_dir *d, struct view name, int fd,
       struct view id)
{
	struct fan_dir *child = fan_child(t, d, name);
	struct fan_dir *other;
	bool fresh = false;

	if (child && !view_eq((struct view){ child->id, child->id_n }, id)) {
		fan_dir_detach(t, child, true);
		child = NULL;
	}
	if (!child) {
		other = fan_find(t, id);
		if (other && !other->gone && is_still_there(t, other)) {
			add_place(t, other, d, name);
			return;
		}
		if (other && is_above(other, d)) {
			/* The tree is behind; a later event sets it right. */
			fan_refuse(t, REFUSED_LOOP);
			return;
		}
		if (other && relocate(t, other, d, name) == 0)
			child = other;
	}
	if (!child && has_room(t, d)) {
		child = fan_dir_new(t, d, name, id);
		fresh = child != NULL;
		if (!child)
			fan_refuse(t, REFUSED_MEMORY);
	}
	drop_links(t, d, name, VIEW_NONE);
	if (child)
		settle(t, child, fd, fresh);
}

/* Events need a handle; where a file system has none, the tree goes on below
 * without a mark. */
ssize_t
fan_id_or_other(struct fan_tree *t, int fd, char id[FAN_ID_MAX])
{
	ssize_t n = fan_id_of(fd, "", id);
	uint64_t other[FAN_OTHER_ID_BYTES / sizeof(uint64_t)];
	struct stat st;

	if (n >= 0)
		return n;
	if (!t->no_handles)
		fan_refuse(t, REFUSED_HANDLE);
	if (fstat(fd, &st) < 0)
		return -1;
	other[0] = st.st_dev;
	other[1] = st.st_ino;
	memcpy(id, other, sizeof(other));
	return sizeof(other);
}

static void
cannot_open(struct fan_tree *t, struct fan_dir *d, struct view name, int error)
{
	switch (error) {
	case ENOENT:
		forget(t, d, name, false);
		drop_links(t, d, name, VIEW_NONE);
		break;
	case ENOTDIR:
	case ELOOP:
		forget(t, d, name, true);
		if (t->n_wants > 0)
			follow(t, d, name);
		else
			drop_links(t, d, name, VIEW_NONE);
		break;
	default:
		fan_refuse(t, REFUSED_OPEN);
	}
}

static bool
may_open(struct fan_tree *t, struct view path)
{
	const struct mount_point *m = mounts_find(&t->mounts, path);

	if (path.n > FAN_PATH_MAX_BYTES)
		fan_refuse(t, REFUSED_LIMIT);
	else if (m && m->class == MOUNT_PSEUDO)
		fan_refuse(t, REFUSED_PSEUDO);
	else if (m && m->class == MOUNT_REMOTE)
		fan_refuse(t, REFUSED_REMOTE);
	else
		return true;
	return false;
}

static void
look_at(struct fan_tree *t, struct fan_dir *d, struct view name)
{
	char id[FAN_ID_MAX];
	ssize_t n;
	int fd;

	if (d->gone || !collect_wants(t, d, name))
		return;
	if (t->n_wants == 0 && !fan_wanted(d, name)) {
		forget(t, d, name, true);
		return;
	}
	buf_clear(&t->path);
	fan_real_name(d, name, &t->path);
	if (!may_open(t, buf_view(&t->path))) {
		forget(t, d, name, true);
		return;
	}
	fd = fan_open_path(t, buf_view(&t->path));
	if (fd < 0) {
		cannot_open(t, d, name, errno);
		return;
	}
	n = fan_id_or_other(t, fd, id);
	if (n >= 0)
		arrive(t, d, name, fd, (struct view){ id, (size_t)n });
	close(fd);
}

void
fan_drain(struct fan_tree *t)
{
	char name[NAME_MAX + 1];
	struct fan_dir *d;
	size_t n;

	while (pop(t, &d, name, &n))
		look_at(t, d, (struct view){ name, n });
	if (t->queue.failed) {
		fan_refuse(t, REFUSED_MEMORY);
		t->queue.failed = false;
	}
	if (t->queue.cap > QUEUE_KEPT_BYTES)
		buf_free(&t->queue);
	buf_clear(&t->queue);
	t->queue_at = 0;
}

void
fan_look(struct fan_tree *t, struct fan_dir *d, struct view name,
	 const struct fan_cause *cause)
{
	t->cause = cause;
	fan_push(t, d, name);
	fan_drain(t);
	t->cause = &fan_quiet;
}
