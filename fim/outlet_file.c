/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of JSON lines. A batch is on the disk (fdatasync) before it counts as
 * delivered. A line is there whole or not at all, also when the disk is full:
 * what was written of it is cut off again. Rotation renames path.1 to path.2
 * and so on; a file that somebody else has renamed or removed is made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fim/outlet.h"

struct file {
	int folder, fd; /* -1 = not open */
	const char *name;
	char *folder_path; /* owned */
	uint64_t size;
	struct buf lines;
};

static int
file_open(struct outlet *o, struct buf *why)
{
	struct file *f = calloc(1, sizeof(*f));
	struct view folder = path_directory(o->config->path);

	if (f == NULL) {
		buf_puts(why, "out of memory");
		return -1;
	}
	o->own = f;
	f->folder = f->fd = -1;
	f->name = path_name(o->config->path).p;
	f->folder_path =
		folder.n > 0 ? strndup(folder.p, folder.n) : strdup("/");
	if (f->folder_path == NULL || f->name == NULL || f->name[0] == '\0') {
		buf_puts(why, "\"path\" names no file");
		return -1;
	}
	if (mkdir(f->folder_path, 0700) != 0 && errno != EEXIST) {
		buf_printf(why, "the folder %s cannot be made: %s",
			   f->folder_path, strerror(errno));
		return -1;
	}
	outlet_add_path(o, f->folder_path, SANDBOX_WRITE);
	return 0;
}

static void
shut(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->folder >= 0)
		close(f->folder);
	f->fd = f->folder = -1;
}

static int
complain(struct buf *why, const char *what)
{
	buf_printf(why, "%s: %s", what, strerror(errno));
	return -1;
}

/* A line that a crash has cut short must not run into the next. */
static int
end_last_line(struct file *f)
{
	char last = '\n';

	if (f->size > 0 && pread(f->fd, &last, 1, (off_t)f->size - 1) != 1)
		return -1;
	if (last == '\n')
		return 0;
	if (fd_write_all(f->fd, VIEW("\n")) != 0)
		return -1;
	f->size++;
	return 0;
}

static int
open_at(struct file *f, struct buf *why)
{
	struct stat st;

	f->folder = open(f->folder_path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (f->folder < 0)
		return complain(why, "the folder cannot be opened");
	f->fd = openat(f->folder, f->name,
		       O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
			       O_NOCTTY | O_NONBLOCK,
		       0600);
	if (f->fd < 0)
		return complain(why, "the file cannot be opened");
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		buf_puts(why, "it is not a regular file");
		return -1;
	}
	/* Another sender, of a watcher that was killed, ends soon. */
	if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
		return complain(why, "another process writes it");
	f->size = (uint64_t)st.st_size;
	if (end_last_line(f) != 0)
		return complain(why, "its last line cannot be ended");
	return fsync(f->folder) == 0 ? 0 : complain(why, "the folder");
}

/* It has its name, and is as long as we have left it. */
static bool
still_there(const struct file *f)
{
	struct stat opened, named;

	return f->fd >= 0 && fstat(f->fd, &opened) == 0 &&
	       fstatat(f->folder, f->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       opened.st_ino == named.st_ino && opened.st_dev == named.st_dev &&
	       (uint64_t)opened.st_size == f->size;
}

static int
ensure_open(struct file *f, struct buf *why)
{
	if (still_there(f))
		return 0;
	shut(f);
	if (open_at(f, why) == 0)
		return 0;
	shut(f);
	return -1;
}

/* ---- rotation -------------------------------------------------------- */

static int
rename_one(const struct file *f, int64_t from, int64_t to)
{
	struct buf a = { 0 }, b = { 0 };
	int result;

	buf_puts(&a, f->name);
	if (from > 0)
		buf_printf(&a, ".%lld", (long long)from);
	buf_putc(&a, '\0');
	buf_printf(&b, "%s.%lld%c", f->name, (long long)to, 0);
	errno = ENOMEM;
	result = a.failed || b.failed
			 ? -1
			 : renameat(f->folder, a.p, f->folder, b.p);
	buf_free(&a);
	buf_free(&b);
	return result != 0 && errno == ENOENT && from > 0 ? 0 : result;
}

static int
rotate(struct file *f, int64_t keep, struct buf *why)
{
	int result = 0;

	if (keep == 0)
		result = unlinkat(f->folder, f->name, 0);
	for (int64_t i = keep - 1; result == 0 && i >= 0; i--)
		result = rename_one(f, i, i + 1);
	if (result != 0)
		return complain(why, "it cannot be renamed");
	shut(f);
	return ensure_open(f, why);
}

/* ---- writing --------------------------------------------------------- */

/* As many as fit into this file; at least one, however long. */
static size_t
gather(struct file *f, uint64_t max_bytes, const struct cursor_alert *v,
       size_t n)
{
	size_t i;

	buf_clear(&f->lines);
	f->lines.failed = false;
	for (i = 0; i < n; i++) {
		if (f->size + f->lines.n > 0 &&
		    f->size + f->lines.n + v[i].json.n + 1 > max_bytes)
			break;
		buf_put(&f->lines, v[i].json);
		buf_putc(&f->lines, '\n');
	}
	return i;
}

static int
write_lines(struct file *f, struct buf *why)
{
	int error;

	if (f->lines.failed) {
		buf_puts(why, "out of memory");
		return -1;
	}
	if (fd_write_all(f->fd, buf_view(&f->lines)) == 0 &&
	    fdatasync(f->fd) == 0) {
		f->size += f->lines.n;
		return 0;
	}
	error = errno;
	if (ftruncate(f->fd, (off_t)f->size) != 0)
		shut(f); /* to be looked at anew */
	errno = error;
	return complain(why, "it cannot be written");
}

static size_t
file_deliver(struct outlet *o, const struct cursor_alert *v, size_t n,
	     struct outlet_result *r)
{
	struct file *f = o->own;
	size_t done = 0, some;

	if (ensure_open(f, &r->why) != 0)
		return 0;
	while (done < n) {
		some = gather(f, (uint64_t)o->config->max_bytes, v + done,
			      n - done);
		if (some == 0 && rotate(f, o->config->keep, &r->why) != 0)
			break;
		if (some > 0 && write_lines(f, &r->why) != 0)
			break;
		done += some;
	}
	return done;
}

static void
file_close(struct outlet *o)
{
	struct file *f = o->own;

	if (f == NULL)
		return;
	shut(f);
	buf_free(&f->lines);
	free(f->folder_path);
	free(f);
}

const struct outlet_ops outlet_file = {
	.type = "file",
	.open = file_open,
	.deliver = file_deliver,
	.close = file_close,
};
