/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount points that a walk does not enter: network file systems, which may
 * not answer at all, and those that are a view of the kernel. Their names come
 * from /proc/self/mountinfo (proc_pid_mountinfo(5)), so that nothing there is
 * touched in order to find out.
 */
#include "scan/walk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define MOUNTINFO_MAX (64u << 20)
#define TYPE_FIELD 7 /* mount point + fields to "-", then the type */

/* Names of file_system_type in the kernel's fs/; fuse.NAME by its beginning. */
static const char *const foreign_types[] = {
	"nfs",	       "nfs4",	    "cifs",    "smb3",	   "ceph",
	"afs",	       "coda",	    "lustre",  "gpfs",	   "orangefs",
	"glusterfs",   "autofs",    "proc",    "sysfs",	   "devpts",
	"devtmpfs",    "cgroup",    "cgroup2", "tracefs",  "debugfs",
	"securityfs",  "pstore",    "bpf",     "configfs", "efivarfs",
	"mqueue",      "hugetlbfs", "fusectl", "nsfs",	   "rpc_pipefs",
	"binfmt_misc", "selinuxfs", "smackfs", "nfsd",
};

struct walk_mounts {
	struct view *v; /* sorted */
	size_t n, cap;
	struct arena arena;
};

static bool
type_foreign(struct view type)
{
	for (size_t i = 0; i < ARRAY_LEN(foreign_types); i++)
		if (view_eq(type, view_of(foreign_types[i])))
			return true;
	return view_starts(type, VIEW("fuse.")) || view_eq(type, VIEW("fuse"));
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
mounts_add(struct walk_mounts *m, struct view point)
{
	if (m->n == m->cap) {
		size_t cap = m->cap > 0 ? 2 * m->cap : 32;
		struct view *v = reallocarray(m->v, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n] = unescape(&m->arena, point);
	if (m->v[m->n].p == NULL)
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
		if (!view_next_split(&line, ' ', &word) || !type_foreign(word))
			return 0;
		return mounts_add(m, point);
	}
	return 0;
}

static int
point_cmp(const void *a, const void *b)
{
	return view_cmp(*(const struct view *)a, *(const struct view *)b);
}

static int
mounts_fill(struct walk_mounts *m, struct view text)
{
	struct view line;

	while (view_next_split(&text, '\n', &line))
		if (take_line(m, line) != 0)
			return -1;
	if (m->n > 0)
		qsort(m->v, m->n, sizeof(*m->v), point_cmp);
	return 0;
}

struct walk_mounts *
walk_mounts_read(void)
{
	struct walk_mounts *m = calloc(1, sizeof(*m));
	struct buf text = { 0 };
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int rc = 0;

	/* Without /proc there are no mounts to know. */
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

bool
walk_mounts_foreign(const struct walk_mounts *m, struct view path)
{
	return m->n > 0 &&
	       bsearch(&path, m->v, m->n, sizeof(*m->v), point_cmp) != NULL;
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
