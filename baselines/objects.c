/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contents by digest, zstd. */
#include "baselines/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "baselines/atomic.h"
#include "scan/scan.h"

/* Three times as fast as 3, and scripts shrink nearly as well. */
#define LEVEL 1
#define NAME_BYTES (2 + 1 + 62 + sizeof(".zst"))

struct objects {
	int dir;
	struct buf content, frame;
	ZSTD_CCtx *pack;
	ZSTD_DCtx *unpack;
};

struct objects *
objects_open(const char *state, bool make)
{
	struct objects *o = calloc(1, sizeof(*o));
	struct buf path = { 0 };

	if (o == NULL)
		return NULL;
	buf_printf(&path, "%s/objects%c", state, 0);
	o->dir = -1;
	if (!path.failed) {
		if (make)
			mkdir(path.p, 0700);
		o->dir = open(path.p,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	buf_free(&path);
	o->pack = ZSTD_createCCtx();
	o->unpack = ZSTD_createDCtx();
	if (o->dir >= 0 && o->pack != NULL && o->unpack != NULL)
		return o;
	objects_close(o);
	return NULL;
}

void
objects_close(struct objects *o)
{
	if (o == NULL)
		return;
	if (o->dir >= 0)
		close_quietly(o->dir);
	ZSTD_freeCCtx(o->pack);
	ZSTD_freeDCtx(o->unpack);
	buf_free(&o->content);
	buf_free(&o->frame);
	free(o);
}

int
objects_sync(struct objects *o)
{
	return syncfs(o->dir);
}

bool
objects_secret(struct view content)
{
	/* Programs that read keys have the words as well. */
	if (view_starts(content, VIEW("\177ELF")))
		return false;
	return view_search(content, VIEW("PRIVATE KEY-----"), 0) >= 0 ||
	       view_search(content, VIEW("PuTTY-User-Key-File"), 0) >= 0 ||
	       view_search(content, VIEW("AGE-SECRET-KEY-"), 0) >= 0;
}

static void
object_name(const uint8_t sha256[32], char name[NAME_BYTES])
{
	struct buf hex = { 0 };

	buf_hex(&hex, sha256, 32);
	if (hex.failed)
		name[0] = '\0';
	else
		snprintf(name, NAME_BYTES, "%.2s/%.62s.zst", hex.p, hex.p + 2);
	buf_free(&hex);
}

static int
unpack(struct objects *o, struct buf *out)
{
	unsigned long long n = ZSTD_getFrameContentSize(o->frame.p, o->frame.n);
	size_t got;

	errno = EBADMSG;
	if (n == ZSTD_CONTENTSIZE_ERROR || n == ZSTD_CONTENTSIZE_UNKNOWN ||
	    n > OBJECTS_MAX_BYTES)
		return -1;
	if (!buf_reserve(out, (size_t)n + 1)) {
		errno = ENOMEM;
		return -1;
	}
	got = ZSTD_decompressDCtx(o->unpack, out->p + out->n, (size_t)n,
				  o->frame.p, o->frame.n);
	if (ZSTD_isError(got) || got != n)
		return -1;
	out->n += got;
	return 0;
}

int
objects_get(struct objects *o, const uint8_t sha256[32], struct buf *out)
{
	char name[NAME_BYTES];
	uint8_t digest[32];
	size_t from = out->n;
	int fd, rc;

	object_name(sha256, name);
	fd = openat(o->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	buf_clear(&o->frame);
	rc = fd_read_all(fd, 2 * OBJECTS_MAX_BYTES, &o->frame);
	close_quietly(fd);
	if (rc != 0 || unpack(o, out) != 0)
		return -1;
	digest_sha256((struct view){ out->p + from, out->n - from }, digest);
	if (memcmp(digest, sha256, 32) == 0)
		return 0;
	out->n = from;
	errno = EBADMSG;
	return -1;
}

static int
read_content(struct objects *o, const struct walk_entry *e)
{
	uint8_t digest[32];
	int rc, fd = openat(e->dirfd, e->name.p,
			    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
				    O_NONBLOCK);

	if (fd < 0)
		return -1;
	buf_clear(&o->content);
	rc = fd_read_all(fd, OBJECTS_MAX_BYTES, &o->content);
	close_quietly(fd);
	if (rc != 0)
		return -1;
	digest_sha256(buf_view(&o->content), digest);
	if (memcmp(digest, e->sha256, 32) == 0)
		return 0;
	errno = ESTALE;
	return -1;
}

/* Not synced one by one: the caller syncs the file system once, and a torn one
 * is found by its digest. */
static int
write_frame(struct objects *o, const char *name)
{
	char temporary[] = ".new";
	char folder[3] = { name[0], name[1], '\0' };
	int fd, rc;

	if (mkdirat(o->dir, folder, 0700) != 0 && errno != EEXIST)
		return -1;
	unlinkat(o->dir, temporary, 0);
	fd = openat(o->dir, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	rc = fd_write_all(fd, buf_view(&o->frame));
	close_quietly(fd);
	return rc == 0 ? renameat(o->dir, temporary, o->dir, name) : -1;
}

int
objects_put(struct objects *o, const struct walk_entry *e)
{
	char name[NAME_BYTES];
	struct stat st;
	size_t n;

	object_name(e->sha256, name);
	/* Whether an old one is whole shows when it is needed; a crash before
	 * the sync leaves empty ones. */
	if (fstatat(o->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_size > 0)
		return 0;
	if (read_content(o, e) != 0)
		return -1;
	if (objects_secret(buf_view(&o->content))) {
		errno = ECANCELED;
		return -1;
	}
	buf_clear(&o->frame);
	if (!buf_reserve(&o->frame, ZSTD_compressBound(o->content.n))) {
		errno = ENOMEM;
		return -1;
	}
	n = ZSTD_compressCCtx(o->pack, o->frame.p,
			      ZSTD_compressBound(o->content.n), o->content.p,
			      o->content.n, LEVEL);
	if (ZSTD_isError(n)) {
		errno = ENOMEM;
		return -1;
	}
	o->frame.n = n;
	return write_frame(o, name);
}
