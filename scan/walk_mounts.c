/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mount points, sorted, and what kind of file system each has. */
#include "scan/walk_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "scan/walk.h"

#define MOUNTINFO_MAX (64u << 20)
#define TYPE_FIELD 7 /* mount point + fields to "-", then the type */

/* Names of file_system_type in the kernel's fs/, and of those that come as
 * modules of their own; fuse.NAME by its beginning. A guest's shares (9p,
 * virtiofs) have a server as well. */
static const char *const remote_types[] = {
	"nfs",	  "nfs4",   "cifs",  "smb3",	 "ceph",   "afs",
	"coda",	  "lustre", "gpfs",  "orangefs", "pvfs2",  "glusterfs",
	"beegfs", "autofs", "9p",    "virtiofs", "vboxsf", "vmhgfs",
	"prl_fs", "fuse",   "davfs", "ncpfs",	 "smbfs",
};
static const char *const virtual_types[] = {
	"proc",	   "sysfs",    "devpts",     "devtmpfs",    "cgroup",
	"cgroup2", "tracefs",  "debugfs",    "securityfs",  "pstore",
	"bpf",	   "configfs", "efivarfs",   "mqueue",	    "hugetlbfs",
	"fusectl", "nsfs",     "rpc_pipefs", "binfmt_misc", "selinuxfs",
	"smackfs", "nfsd",
};

struct walk_mounts {
	struct walk_mount *v; /* sorted by walk_path_cmp, one a point */
	size_t n, cap;
	struct arena arena;
};

static bool
is_one_of(struct view type, const char *const *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq(type, view_of(types[i])))
			return true;
	return false;
}

static enum walk_mount_kind
kind_of(struct view type)
{
	if (is_one_of(type, remote_types, ARRAY_LEN(remote_types)) ||
	    view_starts(type, VIEW("fuse.")))
		return WALK_MOUNT_REMOTE;
	if (is_one_of(type, virtual_types, ARRAY_LEN(virtual_types)))
		return WALK_MOUNT_VIRTUAL;
	return WALK_MOUNT_LOCAL;
}

static bool
is_octal(const char *p, size_t n)
{
	if (n < 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (p[i] < '0' || p[i] > '7')
			return false;
	return true;
}

/* "\040" and the like stand for white space and backslashes. */
static struct view
unescape(struct arena *arena, struct view word)
{
	char *out = arena_alloc(arena, word.n + 1);
	size_t n = 0;

	if (out == NULL)
		return VIEW_NONE;
	for (size_t i = 0; i < word.n; i++) {
		const char *p = word.p + i;

		if (*p == '\\' && is_octal(p + 1, word.n - i - 1)) {
			out[n++] = (char)((p[1] - '0') << 6 |
					  (p[2] - '0') << 3 | (p[3] - '0'));
			i += 3;
		} else {
			out[n++] = *p;
		}
	}
	return (struct view){ out, n };
}

static int
mounts_add(struct walk_mounts *m, struct view point, enum walk_mount_kind kind)
{
	struct walk_mount *one;

	if (m->n == m->cap) {
		size_t cap = m->cap > 0 ? 2 * m->cap : 32;
		struct walk_mount *v = reallocarray(m->v, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		m->v = v;
		m->cap = cap;
	}
	one = &m->v[m->n];
	*one = (struct walk_mount){ .point = unescape(&m->arena, point),
				    .order = (unsigned)m->n,
				    .kind = kind };
	if (one->point.p == NULL)
		return -1;
	m->n++;
	return 0;
}

static int
take_line(struct walk_mounts *m, struct view line)
{
	struct view word, point = VIEW_NONE;

	for (int field = 1; view_next_split(&line, ' ', &word); field++) {
		if (field == 5)
			point = word;
		if (field < TYPE_FIELD || !view_eq(word, VIEW("-")))
			continue;
		if (!view_next_split(&line, ' ', &word))
			return 0;
		return mounts_add(m, point, kind_of(word));
	}
	return 0;
}

static int
mount_cmp(const void *a, const void *b)
{
	const struct walk_mount *x = a, *y = b;
	int order = walk_path_cmp(x->point, y->point);

	return order != 0 ? order
			  : (x->order > y->order) - (x->order < y->order);
}

static int
mounts_fill(struct walk_mounts *m, struct view text)
{
	struct view line;
	size_t n = 0;

	while (view_next_split(&text, '\n', &line))
		if (take_line(m, line) != 0)
			return -1;
	if (m->n > 0)
		qsort(m->v, m->n, sizeof(*m->v), mount_cmp);
	for (size_t i = 0; i < m->n; i++) {
		if (n > 0 && view_eq(m->v[n - 1].point, m->v[i].point))
			n--;
		m->v[n++] = m->v[i];
	}
	m->n = n;
	return 0;
}

struct walk_mounts *
walk_mounts_read(void)
{
	struct walk_mounts *m = calloc(1, sizeof(*m));
	struct buf text = { 0 };
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd >= 0) {
		rc = fd_read_all(fd, MOUNTINFO_MAX, &text);
		close(fd);
	}
	if (m != NULL && rc == 0 && mounts_fill(m, buf_view(&text)) != 0)
		rc = -1;
	buf_free(&text);
	if (rc == 0)
		return m;
	walk_mounts_free(m);
	return NULL;
}

/* The first whose point is not before `path`; m->n if there is none. */
static size_t
lower_bound(const struct walk_mounts *m, struct view path)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (walk_path_cmp(m->v[mid].point, path) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct walk_mount *
walk_mounts_at(struct walk_mounts *m, struct view path)
{
	size_t i = lower_bound(m, path);

	return i < m->n && view_eq(m->v[i].point, path) ? &m->v[i] : NULL;
}

struct walk_mount *
walk_mounts_of(struct walk_mounts *m, struct view path)
{
	struct walk_mount *found = walk_mounts_at(m, path);

	while (found == NULL && path.n > 1) {
		ssize_t slash = view_rfind(path, '/');

		path.n = slash > 0 ? (size_t)slash : 1;
		found = walk_mounts_at(m, path);
	}
	return found;
}

/* All that is below a folder comes right after it, in that order of paths. */
struct walk_mount *
walk_mounts_below(struct walk_mounts *m, struct view path)
{
	size_t i = lower_bound(m, path);
	struct view point;

	if (i < m->n && view_eq(m->v[i].point, path))
		i++;
	if (i == m->n)
		return NULL;
	point = m->v[i].point;
	if (path.n > 1 && !(point.n > path.n && view_starts(point, path) &&
			    point.p[path.n] == '/'))
		return NULL;
	return &m->v[i];
}

bool
walk_mounts_any_remote(const struct walk_mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (walk_mount_slow(&m->v[i]))
			return true;
	return false;
}

void
walk_mounts_free(struct walk_mounts *m)
{
	if (m == NULL)
		return;
	arena_free(&m->arena);
	free(m->v);
	free(m);
}
