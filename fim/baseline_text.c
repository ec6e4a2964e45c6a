/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content of files, then and now. */
#include "fim/baseline_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baselines/textdiff.h"
#include "scan/scan.h"

static int
read_at(int dir, const char *name, struct buf *out)
{
	int fd = openat(dir, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
				O_NOCTTY);
	struct stat st;
	int rc = -1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0) {
		errno = EINVAL;
		if (S_ISREG(st.st_mode))
			rc = fd_read_all(fd, OBJECTS_MAX_BYTES, out);
	}
	close(fd);
	return rc;
}

int
baseline_text_read(const struct walk_entry *e, struct buf *out)
{
	int dir, rc;

	if (e->dirfd >= 0)
		return read_at(e->dirfd, e->name.p, out);
	dir = walk_open_folder(e->dir);
	if (dir < 0)
		return -1;
	rc = read_at(dir, e->name.p, out);
	close(dir);
	return rc;
}

/* Exactly what the walk has seen, or nothing. */
static bool
read_same(const struct walk_entry *e, struct buf *out)
{
	uint8_t digest[32];

	if (!e->has_digest || baseline_text_read(e, out) != 0 || out->failed)
		return false;
	digest_sha256(buf_view(out), digest);
	return memcmp(digest, e->sha256, sizeof(digest)) == 0 &&
	       !objects_secret(buf_view(out));
}

static bool
read_kept(struct objects *objects, const struct walk_entry *e, struct buf *out)
{
	return e->size == 0 || (objects != NULL && e->has_digest &&
				objects_get(objects, e->sha256, out) == 0);
}

/* A side that is not there, or is no regular file, has no text. */
static bool
has_text(const struct walk_entry *e)
{
	return e != NULL && S_ISREG(e->mode);
}

static bool
wanted(struct baseline_run *r, const struct change *c)
{
	if (c->kind == CHANGE_CHANGED &&
	    (c->attributes & (1u << CHANGE_SHA256 | 1u << CHANGE_TYPE)) == 0)
		return false;
	if (!has_text(c->old) && !has_text(c->now))
		return false;
	if (has_text(c->now) && c->now->size > (uint64_t)r->config.keep_bytes)
		return false;
	return scope_is(&r->scope, SCOPE_KEEP, c->dir, c->name) &&
	       !scope_is(&r->scope, SCOPE_SECRET, c->dir, c->name);
}

static void
cut(struct buf *out, size_t from)
{
	size_t end = from + BASELINE_DIFF_MAX;

	if (out->failed || out->n <= end)
		return;
	while (end > from && out->p[end - 1] != '\n')
		end--;
	out->n = end;
	buf_puts(out, "\\ The rest of the difference is left out\n");
}

void
baseline_text_diff(struct baseline_run *r, struct objects *objects,
		   const struct change *c, struct buf *out)
{
	struct buf old = { 0 }, now = { 0 };
	size_t from = out->n;

	if (wanted(r, c) &&
	    (!has_text(c->old) || read_kept(objects, c->old, &old)) &&
	    (!has_text(c->now) || read_same(c->now, &now)) && !old.failed &&
	    !now.failed && textdiff_is_text(buf_view(&old)) &&
	    textdiff_is_text(buf_view(&now)) &&
	    textdiff(buf_view(&old), buf_view(&now), out) == 0)
		cut(out, from);
	buf_free(&old);
	buf_free(&now);
}
