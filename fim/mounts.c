/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mount table: reading, looking up, comparing. */
#include "fim/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A host with 10,000 containers has about 2 MiB of it. */
#define MOUNTINFO_MAX_BYTES (64u << 20)

/* Names as in mountinfo; "fuse" stands for "fuse.x" as well. */
static const char *const pseudo[] = {
	"autofs",    "binfmt_misc", "bpf",	  "cgroup",	"cgroup2",
	"configfs",  "debugfs",	    "devpts",	  "efivarfs",	"fusectl",
	"hugetlbfs", "mqueue",	    "nfsd",	  "nsfs",	"proc",
	"pstore",    "resctrl",	    "rpc_pipefs", "securityfs", "selinuxfs",
	"smackfs",   "sysfs",	    "tracefs",
};
static const char *const remote[] = {
	"afs",	     "ceph",   "cifs", "coda", "fuse",	"fuseblk",  "gfs2",
	"glusterfs", "lustre", "nfs",  "nfs4", "ocfs2", "orangefs", "smb3",
};

static bool
is_listed(struct view type, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (view_eq(type, view_of(names[i])))
			return true;
	}
	return false;
}

static enum mount_class
classify(struct view type)
{
	if (is_listed(type, pseudo, ARRAY_LEN(pseudo)))
		return MOUNT_PSEUDO;
	if (view_starts(type, VIEW("fuse.")) ||
	    is_listed(type, remote, ARRAY_LEN(remote)))
		return MOUNT_REMOTE;
	return MOUNT_LOCAL;
}

static bool
is_octal(struct view v, size_t at)
{
	return v.n - at >= 4 && v.p[at] == '\\' && v.p[at + 1] >= '0' &&
	       v.p[at + 1] <= '3' && v.p[at + 2] >= '0' && v.p[at + 2] <= '7' &&
	       v.p[at + 3] >= '0' && v.p[at + 3] <= '7';
}

/* Space, tab, newline and backslash are written \040 and so on. */
static struct view
decode_path(struct arena *arena, struct view raw)
{
	char *p = arena_alloc(arena, raw.n + 1);
	size_t n = 0;

	if (!p)
		return VIEW_NONE;
	for (size_t i = 0; i < raw.n; i++) {
		if (is_octal(raw, i)) {
			p[n++] = (char)((raw.p[i + 1] - '0') * 64 +
					(raw.p[i + 2] - '0') * 8 +
					(raw.p[i + 3] - '0'));
			i += 3;
		} else {
			p[n++] = raw.p[i];
		}
	}
	while (n > 0 && p[n - 1] == '/')
		n--;
	return (struct view){ p, n };
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - ext3 /dev/x rw".
 * 0 fine, 1 not such a line, -1 no memory. */
static int
parse_line(struct mounts *m, struct view line)
{
	struct mount_point *mp = &m->v[m->n];
	struct view rest = line, field, type = VIEW_NONE;
	uint64_t id = 0;

	for (unsigned i = 0; view_next_split(&rest, ' ', &field); i++) {
		if (i == 0 && (!view_to_u64(field, &id) || id > INT32_MAX))
			return 1;
		if (i == 4) {
			if (field.n == 0 || field.p[0] != '/')
				return 1;
			mp->path = decode_path(&m->arena, field);
			if (!mp->path.p)
				return -1;
		}
		if (i > 5 && view_eq(field, VIEW("-"))) {
			if (!view_next_split(&rest, ' ', &type))
				return 1;
			break;
		}
	}
	if (type.n == 0)
		return 1;
	mp->id = (int)id;
	mp->order = (unsigned)m->n;
	mp->class = classify(type);
	return 0;
}

static int
mount_cmp(const void *x, const void *y)
{
	const struct mount_point *a = x, *b = y;
	int order = view_cmp(a->path, b->path);

	if (order != 0)
		return order;
	return a->order < b->order ? -1 : a->order > b->order;
}

int
mounts_parse(struct mounts *m, struct view text)
{
	struct view rest = text, line;
	size_t lines = 1;

	*m = (struct mounts){ 0 };
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	m->v = calloc(lines, sizeof(*m->v));
	if (!m->v)
		return -1;
	while (view_next_split(&rest, '\n', &line)) {
		int rc = parse_line(m, line);

		if (rc < 0) {
			mounts_free(m);
			errno = ENOMEM;
			return -1;
		}
		if (rc == 0)
			m->n++;
	}
	qsort(m->v, m->n, sizeof(*m->v), mount_cmp);
	return 0;
}

int
mounts_read(struct mounts *m)
{
	struct buf text = { 0 };
	int fd, rc, saved;

	*m = (struct mounts){ 0 };
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fd_read_all(fd, MOUNTINFO_MAX_BYTES, &text);
	if (rc == 0)
		rc = mounts_parse(m, buf_view(&text));
	saved = errno;
	buf_free(&text);
	close(fd);
	errno = saved;
	return rc;
}

void
mounts_free(struct mounts *m)
{
	free(m->v);
	arena_free(&m->arena);
	*m = (struct mounts){ 0 };
}

const struct mount_point *
mounts_find(const struct mounts *m, struct view path)
{
	size_t low = 0, high = m->n;

	/* The last one at the path: the first past it, less one. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (view_cmp(m->v[mid].path, path) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || !view_eq(m->v[low - 1].path, path))
		return NULL;
	return &m->v[low - 1];
}

/* The end of the run of mounts at one path. */
static size_t
same_path_end(const struct mounts *m, size_t i)
{
	size_t end = i;

	while (end < m->n && view_eq(m->v[end].path, m->v[i].path))
		end++;
	return end;
}

static bool
same_ids(const struct mount_point *a, const struct mount_point *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].id != b[i].id)
			return false;
	}
	return true;
}

void
mounts_diff(const struct mounts *before, const struct mounts *after,
	    void (*each)(void *ctx, struct view path), void *ctx)
{
	size_t i = 0, k = 0;

	while (i < before->n || k < after->n) {
		size_t i_end = same_path_end(before, i);
		size_t k_end = same_path_end(after, k);
		int order;

		if (i == before->n)
			order = 1;
		else if (k == after->n)
			order = -1;
		else
			order = view_cmp(before->v[i].path, after->v[k].path);
		if (order < 0)
			each(ctx, before->v[i].path);
		else if (order > 0)
			each(ctx, after->v[k].path);
		else if (i_end - i != k_end - k ||
			 !same_ids(&before->v[i], &after->v[k], i_end - i))
			each(ctx, after->v[k].path);
		if (order <= 0)
			i = i_end;
		if (order >= 0)
			k = k_end;
	}
}
