/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cache of passwd(5) and group(5). */
#include "fim/names.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 65536

struct entry {
	uint32_t id;
	uint32_t line; /* the first of several names for an id wins */
	struct view name;
};

struct table {
	const char *path;
	struct arena arena;
	struct entry *v; /* sorted by id */
	size_t n, cap;
	struct timespec mtime;
	ino_t inode;
	uint64_t looked_ns; /* 0 = never */
	bool failed;	    /* memory was out when it was read */
};

struct names {
	struct table users, groups;
	names_open *open;
	void *ctx;
	uint64_t failed;
};

static int
open_here(void *ctx, const char *path)
{
	(void)ctx;
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

struct names *
names_new(names_open *opener, void *ctx)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->open = opener != NULL ? opener : open_here;
	n->ctx = ctx;
	n->users.path = "/etc/passwd";
	n->groups.path = "/etc/group";
	return n;
}

static void
table_clear(struct table *t)
{
	arena_free(&t->arena);
	free(t->v);
	t->v = NULL;
	t->n = t->cap = 0;
}

void
names_free(struct names *n)
{
	if (n == NULL)
		return;
	table_clear(&n->users);
	table_clear(&n->groups);
	free(n);
}

static bool
table_add(struct table *t, uint32_t id, const char *name)
{
	if (t->n >= ENTRIES_MAX)
		return false;
	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 64 : t->cap * 2;
		struct entry *v = realloc(t->v, cap * sizeof(*v));

		if (v == NULL) {
			t->failed = true;
			return false;
		}
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n] = (struct entry){ id, (uint32_t)t->n,
				     arena_copy(&t->arena, view_of(name)) };
	t->n++;
	return true;
}

static void
read_users(struct table *t, FILE *f)
{
	const struct passwd *p;

	while ((p = fgetpwent(f)) != NULL &&
	       table_add(t, p->pw_uid, p->pw_name))
		;
}

static void
read_groups(struct table *t, FILE *f)
{
	const struct group *g;

	while ((g = fgetgrent(f)) != NULL &&
	       table_add(t, g->gr_gid, g->gr_name))
		;
}

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* A part of the names is none of them: they are read again a second later. */
static void
fill(struct names *n, struct table *t, FILE *f,
     void (*reader)(struct table *, FILE *))
{
	t->failed = false;
	errno = 0;
	reader(t, f);
	if (t->failed || t->arena.failed || errno == ENOMEM) {
		n->failed++;
		table_clear(t);
	}
	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), compare);
}

static void
table_read(struct names *n, struct table *t,
	   void (*reader)(struct table *, FILE *))
{
	int fd = n->open(n->ctx, t->path);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct stat st;

	if (f == NULL) {
		n->failed += fd >= 0;
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fstat(fileno(f), &st) == 0) {
		table_clear(t);
		t->mtime = st.st_mtim;
		t->inode = st.st_ino;
		fill(n, t, f, reader);
	}
	fclose(f);
}

static void
table_refresh(struct names *n, struct table *t,
	      void (*reader)(struct table *, FILE *), uint64_t now_ns)
{
	struct stat st;

	if (t->looked_ns != 0 && now_ns < t->looked_ns + NS_PER_SEC)
		return;
	t->looked_ns = now_ns;
	if (stat(t->path, &st) == 0 && (t->v == NULL || st.st_ino != t->inode ||
					st.st_mtim.tv_sec != t->mtime.tv_sec ||
					st.st_mtim.tv_nsec != t->mtime.tv_nsec))
		table_read(n, t, reader);
}

/* The lowest position whose id is not below. */
static struct view
table_find(const struct table *t, uint32_t id)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->v[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->n && t->v[low].id == id ? t->v[low].name : VIEW_NONE;
}

uint64_t
names_failed(const struct names *n)
{
	return n->failed;
}

struct view
names_user(struct names *n, uint32_t uid, uint64_t now_ns)
{
	table_refresh(n, &n->users, read_users, now_ns);
	return table_find(&n->users, uid);
}

struct view
names_group(struct names *n, uint32_t gid, uint64_t now_ns)
{
	table_refresh(n, &n->groups, read_groups, now_ns);
	return table_find(&n->groups, gid);
}
