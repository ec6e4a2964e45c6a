/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening directories by paths that others can change meanwhile. */
#include "fim/fan_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* name_to_handle_at(2), Linux 6.5: a handle to tell objects apart, also where
 * it could not be opened again (overlay). It is what fanotify reports. */
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200
#endif

/* Below PATH_MAX with room to spare: longer paths are walked in pieces. */
#define PIECE_MAX_BYTES 4000u

#define DIR_FLAGS                                                       \
	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | \
	 O_NOCTTY)

/* Each component by itself, so that no link is followed. Closes `at`. */
static int
open_stepwise(int at, char *piece, int flags)
{
	int fd = at;
	char *p = piece, *slash;

	while ((slash = strchr(p, '/')) != NULL) {
		int next;

		*slash = '\0';
		next = openat(fd, slash == piece ? "/" : p,
			      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		*slash = '/';
		if (fd != AT_FDCWD)
			close(fd);
		if (next < 0)
			return -1;
		fd = next;
		p = slash + 1;
	}
	at = openat(fd, *p ? p : ".", flags);
	if (fd != AT_FDCWD)
		close(fd);
	return at;
}

static int
open_piece(struct fan_tree *t, int at, char *piece, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	if (!t->no_openat2) {
		fd = (int)syscall(SYS_openat2, at, piece, &how, sizeof(how));
		if (fd >= 0 || errno != ENOSYS) {
			if (at != AT_FDCWD)
				close(at);
			return fd;
		}
		t->no_openat2 = true;
	}
	return open_stepwise(at, piece, flags);
}

/* The longest piece that ends before a slash. */
static size_t
piece_length(struct view path)
{
	size_t n = path.n;

	if (n <= PIECE_MAX_BYTES)
		return n;
	for (n = PIECE_MAX_BYTES; n > 1 && path.p[n] != '/'; n--)
		;
	return n;
}

int
fan_open_path(struct fan_tree *t, struct view path)
{
	char piece[PIECE_MAX_BYTES + 1];
	struct view rest = path.n ? path : VIEW("/");
	int fd = AT_FDCWD;

	do {
		size_t n = piece_length(rest);
		bool last = n == rest.n;

		memcpy(piece, rest.p, n);
		piece[n] = '\0';
		fd = open_piece(t, fd, piece,
				last ? DIR_FLAGS
				     : O_PATH | O_DIRECTORY | O_NOFOLLOW |
						O_CLOEXEC);
		if (fd < 0)
			return -1;
		rest = view_sub(rest, last ? n : n + 1, SIZE_MAX);
	} while (rest.n > 0);
	return fd;
}

/* struct fanotify_event_info_fid after its header: fsid, then a struct
 * file_handle (include/uapi/linux/fanotify.h). */
ssize_t
fan_id_of(int fd, const char *name, char id[FAN_ID_MAX])
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle;
	int flags = *name ? 0 : AT_EMPTY_PATH;
	struct statfs fs;
	int mount;
	size_t n;

	handle.h.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, name, &handle.h, &mount,
			      flags | AT_HANDLE_FID) < 0) {
		handle.h.handle_bytes = MAX_HANDLE_SZ;
		if (errno != EINVAL ||
		    name_to_handle_at(fd, name, &handle.h, &mount, flags) < 0)
			return -1;
	}
	if (fstatfs(fd, &fs) < 0)
		return -1;
	n = sizeof(struct file_handle) + handle.h.handle_bytes;
	memcpy(id, &fs.f_fsid, 8);
	memcpy(id + 8, &handle, n);
	return (ssize_t)(8 + n);
}

int
fan_open_id(int at, struct view id)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle;
	struct statfs fs;

	if (id.n <= FAN_OTHER_ID_BYTES || id.n > FAN_ID_MAX ||
	    fstatfs(at, &fs) < 0)
		return -1;
	if (memcmp(&fs.f_fsid, id.p, 8) != 0) {
		errno = EXDEV;
		return -1;
	}
	memcpy(&handle, id.p + 8, id.n - 8);
	return open_by_handle_at(at, &handle.h, DIR_FLAGS);
}

/* ---- symbolic links -------------------------------------------------- */

/* "/a/b" without its last part. */
static void
drop_part(struct buf *path)
{
	ssize_t slash = view_rfind(buf_view(path), '/');

	path->n = slash < 0 ? 0 : (size_t)slash;
}

/* False when ".." follows a name: that name may be a link itself, and then
 * only the kernel knows. */
static bool
join_text(struct view text, struct buf *real)
{
	struct view rest = text, part;
	bool named = false;

	while (view_next_split(&rest, '/', &part)) {
		if (part.n == 0 || view_eq(part, VIEW(".")))
			continue;
		if (view_eq(part, VIEW(".."))) {
			if (named)
				return false;
			drop_part(real);
			continue;
		}
		buf_putc(real, '/');
		buf_put(real, part);
		named = true;
	}
	return true;
}

static int
ask_kernel(int at, const char *name, struct buf *real)
{
	char link[64], path[PATH_MAX];
	ssize_t n;
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	close(fd);
	if (n <= 0 || path[0] != '/' || n == sizeof(path))
		return -1;
	buf_clear(real);
	buf_put(real, (struct view){ path, n == 1 ? 0 : (size_t)n });
	return 0;
}

int
fan_read_link(struct fan_tree *t, const struct fan_dir *d, struct view name,
	      struct buf *text, struct buf *real)
{
	char target[PATH_MAX], last[NAME_MAX + 1];
	int at = fan_open_path(t, (struct view){ d->path, d->path_n });
	int rc = 0;
	ssize_t n;

	if (at < 0)
		return -1;
	if (name.n > NAME_MAX) {
		close(at);
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(last, name.p, name.n);
	last[name.n] = '\0';
	n = readlinkat(at, last, target, sizeof(target));
	if (n > 0 && n < (ssize_t)sizeof(target)) {
		struct view v = { target, (size_t)n };

		buf_put(text, v);
		if (target[0] != '/')
			buf_put(real, (struct view){ d->path, d->path_n });
		if (!join_text(v, real))
			rc = ask_kernel(at, last, real);
	} else {
		rc = -1;
	}
	close(at);
	return rc;
}
