/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of a walk: attributes, digest, link target, extended attributes
 * and inode flags. The type that getdents64 told saves a look before opening:
 * O_NONBLOCK makes it harmless if the entry has meanwhile become a FIFO.
 */
#include "scan/walk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "scan/scan.h"

#define READ_BYTES (128u << 10)
#define READ_ATTEMPTS 3
/* Into what begins at a page the kernel copies twice as fast as into what
 * malloc gives, 16 bytes behind one. */
#define ALIGNMENT 4096u
#define STATX_WANTED STATX_BASIC_STATS
#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
/* No list of names is longer than LIST_BYTES. The kernel allocates what it is
 * offered, which is dear beyond a page, and few files have any. */
#define LIST_BYTES XATTR_LIST_MAX
#define LIST_FIRST_BYTES 512u
#define NAMES_MAX 512u
/* What has not changed for so long has not while it was read, either: far
 * more than the steps in which any file system here counts its times. */
#define SETTLED_S 60

struct walk_scratch {
	char block[READ_BYTES];
	size_t ahead; /* the beginning of the file in hand, in `block` */
	char list[LIST_BYTES];
	char value[XATTR_SIZE_MAX];
};

struct walk_scratch *
walk_scratch_new(void)
{
	size_t n = (sizeof(struct walk_scratch) + ALIGNMENT - 1) / ALIGNMENT;

	return aligned_alloc(ALIGNMENT, n * ALIGNMENT);
}

void
walk_scratch_free(struct walk_scratch *s)
{
	free(s);
}

static const struct {
	const char *word, *sentence;
} faults[] = {
#define WALK_FAULT(name, word, sentence) { word, sentence },
	WALK_FAULTS
#undef WALK_FAULT
};

const char *
walk_fault_word(enum walk_fault f)
{
	return faults[f].word;
}

const char *
walk_fault_sentence(enum walk_fault f)
{
	return faults[f].sentence;
}

static void
fail(struct walk_entry *e, enum walk_fault fault, int error)
{
	if (error == ENOENT)
		fault = WALK_VANISHED;
	e->fault = fault;
	e->error = error;
}

/* ---- attributes ------------------------------------------------------ */

static uint64_t
time_ns(struct statx_timestamp t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static uint64_t
timespec_ns(struct timespec t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void
take_stat(struct walk_entry *e, const struct statx *x)
{
	e->has_stat = true;
	e->mode = x->stx_mode;
	e->uid = x->stx_uid;
	e->gid = x->stx_gid;
	e->nlink = x->stx_nlink;
	e->size = x->stx_size;
	e->mtime_ns = time_ns(x->stx_mtime);
	e->ctime_ns = time_ns(x->stx_ctime);
	e->inode = x->stx_ino;
	e->dev = makedev(x->stx_dev_major, x->stx_dev_minor);
	e->rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor);
}

static int
stat_entry_as(struct walk_entry *e, int fd, struct statx *x)
{
	int rc = fd >= 0 ? statx(fd, "", AT_EMPTY_PATH, STATX_WANTED, x)
			 : statx(e->dirfd, e->name.p,
				 AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
				 STATX_WANTED, x);

	if (rc != 0)
		return -1;
	take_stat(e, x);
	return 0;
}

static int
stat_entry(struct walk_entry *e, int fd)
{
	struct statx x;

	return stat_entry_as(e, fd, &x);
}

/* ---- extended attributes --------------------------------------------- */

/* Of an open file, or, where there is none to be had (links, devices), of a
 * name below /proc/self/fd: there is no fgetxattr for O_PATH. */
struct xattr_of {
	int fd;
	const char *path;
};

static ssize_t
xattr_list(const struct xattr_of *of, char *list, size_t n)
{
	return of->fd >= 0 ? flistxattr(of->fd, list, n)
			   : llistxattr(of->path, list, n);
}

static ssize_t
xattr_get(const struct xattr_of *of, const char *name, char *value, size_t n)
{
	return of->fd >= 0 ? fgetxattr(of->fd, name, value, n)
			   : lgetxattr(of->path, name, value, n);
}

static void
put_length(struct buf *text, uint32_t n)
{
	char bytes[4] = { (char)n, (char)(n >> 8), (char)(n >> 16),
			  (char)(n >> 24) };

	buf_put(text, (struct view){ bytes, sizeof(bytes) });
}

static void
put_xattr(struct buf *text, const char *name, struct view value)
{
	uint8_t digest[32];

	buf_put(text, (struct view){ name, strlen(name) + 1 });
	if (value.n <= WALK_XATTR_VALUE_MAX) {
		put_length(text, (uint32_t)value.n);
		buf_put(text, value);
		return;
	}
	digest_sha256(value, digest);
	put_length(text, sizeof(digest) | WALK_XATTR_IS_DIGEST);
	buf_put(text, (struct view){ (char *)digest, sizeof(digest) });
}

static int
name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
put_xattrs(struct walk_entry *e, const struct xattr_of *of, size_t n,
	   struct walk_scratch *s, struct buf *text)
{
	struct view rest = { s->list, n }, item;
	const char *names[NAMES_MAX];
	size_t count = 0, from = text->n;

	while (count < NAMES_MAX && view_next_item(&rest, &item))
		if (item.n > 0)
			names[count++] = item.p;
	if (rest.n > 0)
		fail(e, WALK_XATTRS, 0);
	qsort(names, count, sizeof(*names), name_cmp);
	for (size_t i = 0; i < count; i++) {
		ssize_t got =
			xattr_get(of, names[i], s->value, sizeof(s->value));

		if (got < 0) {
			if (errno != ENODATA)
				fail(e, WALK_XATTRS, errno);
			continue;
		}
		put_xattr(text, names[i],
			  (struct view){ s->value, (size_t)got });
		if (text->n - from > WALK_XATTR_TOTAL_MAX) {
			fail(e, WALK_XATTRS, 0);
			return;
		}
	}
}

static void
read_xattrs(struct walk_entry *e, const struct xattr_of *of,
	    struct walk_scratch *s, struct buf *text)
{
	ssize_t n = xattr_list(of, s->list, LIST_FIRST_BYTES);

	if (n < 0 && errno == ERANGE)
		n = xattr_list(of, s->list, sizeof(s->list) - 1);
	/* A file system without them is not a fault. More than can be listed
	 * (E2BIG, listxattr(2)) is what WALK_XATTRS says. */
	if (n < 0 && errno != ENOTSUP && errno != ENOENT)
		fail(e, WALK_XATTRS,
		     errno == ERANGE || errno == E2BIG ? 0 : errno);
	if (n <= 0)
		return;
	s->list[n] = '\0';
	put_xattrs(e, of, (size_t)n, s, text);
}

/* statx(2) tells them for nothing where the file system takes part. */
static uint32_t
flags_of(int fd, const struct statx *x)
{
	const uint64_t both = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
	int flags = 0; /* the kernel writes an int, ioctl_iflags(2) */

	if ((x->stx_attributes_mask & both) == both)
		return (x->stx_attributes & STATX_ATTR_IMMUTABLE
				? (uint32_t)FS_IMMUTABLE_FL
				: 0) |
		       (x->stx_attributes & STATX_ATTR_APPEND
				? (uint32_t)FS_APPEND_FL
				: 0);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		return 0;
	return (uint32_t)flags & (FS_IMMUTABLE_FL | FS_APPEND_FL);
}

bool
walk_next_xattr(struct view *rest, struct walk_xattr *out)
{
	ssize_t end = view_find(*rest, '\0');
	const uint8_t *p;
	uint32_t n;

	if (end <= 0 || rest->n - (size_t)end < 5)
		return false;
	out->name = view_sub(*rest, 0, (size_t)end);
	p = (const uint8_t *)rest->p + end + 1;
	n = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
	out->is_digest = (n & WALK_XATTR_IS_DIGEST) != 0;
	n &= ~WALK_XATTR_IS_DIGEST;
	*rest = view_sub(*rest, (size_t)end + 5, SIZE_MAX);
	if (n > rest->n)
		return false;
	out->value = view_sub(*rest, 0, n);
	*rest = view_sub(*rest, n, SIZE_MAX);
	return true;
}

/* ---- content --------------------------------------------------------- */

static ssize_t
read_some(int fd, char *p, size_t n, uint64_t at)
{
	ssize_t got;

	do
		got = pread(fd, p, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got;
}

/* A file of one block, `ahead` of it read: no state to set up. */
static int
digest_small(struct walk_entry *e, int fd, size_t ahead, struct walk_scratch *s)
{
	size_t done = ahead;

	while (done < e->size) {
		ssize_t n =
			read_some(fd, s->block + done, e->size - done, done);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	digest_sha256((struct view){ s->block, done }, e->sha256);
	return 0;
}

static int
digest_large(struct walk_entry *e, int fd, size_t ahead,
	     _Atomic unsigned *beats, struct walk_scratch *s)
{
	struct digest d;
	ssize_t n = (ssize_t)ahead;
	/* Who adds to it does not keep us reading. */
	uint64_t done = 0;

	if (digest_begin(&d) != 0)
		return -1;
	while (done < e->size) {
		uint64_t left = e->size - done;

		if (n == 0)
			n = read_some(fd, s->block,
				      left < READ_BYTES ? left : READ_BYTES,
				      done);
		if (n <= 0)
			break;
		digest_add(&d, (struct view){ s->block, (size_t)n });
		done += (uint64_t)n;
		n = 0;
		if (beats != NULL)
			atomic_fetch_add(beats, 1);
	}
	digest_end(&d, n < 0 ? NULL : e->sha256);
	return n < 0 ? -1 : 0;
}

/* fstat(2) is cheaper than statx(2), and enough to see that nothing moved. */
static bool
is_as_before(const struct walk_entry *e, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (uint64_t)st.st_size == e->size &&
	       timespec_ns(st.st_mtim) == e->mtime_ns &&
	       timespec_ns(st.st_ctim) == e->ctime_ns;
}

/* Reads again what changed meanwhile, a few times. What was read ahead is as
 * the attributes are, which are younger. */
static int
read_content(struct walk_entry *e, int fd, _Atomic unsigned *beats,
	     struct walk_scratch *s)
{
	size_t ahead = s->ahead;

	for (int i = 0; i < READ_ATTEMPTS; i++) {
		int rc = e->size <= READ_BYTES
				 ? digest_small(e, fd, ahead, s)
				 : digest_large(e, fd, ahead, beats, s);

		if (rc != 0)
			return -1;
		e->has_digest = true;
		if (ahead == e->size || is_as_before(e, fd))
			return 0;
		if (stat_entry(e, fd) != 0)
			return -1;
		ahead = 0;
	}
	fail(e, WALK_CHANGING, 0);
	return 0;
}

static void
inspect_content(struct walk_entry *e, int fd, const struct walk_task *task,
		struct walk_scratch *s)
{
	if (e->size > task->max_bytes) {
		fail(e, WALK_TOO_LARGE, 0);
		return;
	}
	if (read_content(e, fd, task->beats, s) != 0)
		fail(e, WALK_UNREADABLE, errno);
}

/* ---- ahead ----------------------------------------------------------- */

static struct timespec
wall_clock(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return t;
}

/*
 * One look at the attributes is enough if it comes after the reading and says
 * that nothing has changed since before that. Whatever the kernel changes gets
 * the time of its clock, which somebody may have set back meanwhile. pread(2)
 * takes nothing away from what has become a FIFO. As stat_entry_as.
 */
static int
read_ahead(struct walk_entry *e, int fd, struct walk_scratch *s,
	   struct statx *x)
{
	struct timespec before = wall_clock();
	ssize_t n = read_some(fd, s->block, READ_BYTES, 0);

	if (stat_entry_as(e, fd, x) != 0)
		return -1;
	if (n > 0 && (uint64_t)n <= e->size &&
	    x->stx_ctime.tv_sec < before.tv_sec - SETTLED_S &&
	    wall_clock().tv_sec >= before.tv_sec)
		s->ahead = (size_t)n;
	return 0;
}

/* ---- the whole ------------------------------------------------------- */

static int
open_entry(const struct walk_entry *e, int more)
{
	int fd = openat(e->dirfd, e->name.p, OPEN_FLAGS | O_NOATIME | more);

	/* O_NOATIME is for the owner and CAP_FOWNER, open(2). */
	if (fd < 0 && errno == EPERM)
		fd = openat(e->dirfd, e->name.p, OPEN_FLAGS | more);
	return fd;
}

/* Links, FIFOs, sockets, devices, and what has become one. */
static void
inspect_unopened(struct walk_entry *e, struct walk_scratch *s, struct buf *text)
{
	struct buf path = { 0 };
	struct xattr_of of = { .fd = -1 };
	ssize_t n;

	if (S_ISLNK(e->mode)) {
		n = readlinkat(e->dirfd, e->name.p, s->block, PATH_MAX);
		if (n < 0) {
			fail(e, WALK_UNREADABLE, errno);
			return;
		}
		buf_put(text, (struct view){ s->block, (size_t)n });
	}
	e->target.n = text->n;
	buf_printf(&path, "/proc/self/fd/%d/%s%c", e->dirfd, e->name.p, 0);
	of.path = path.p;
	if (!path.failed)
		read_xattrs(e, &of, s, text);
	buf_free(&path);
	e->has_extra = true;
}

static void
inspect_open(struct walk_entry *e, const struct walk_task *task, int fd,
	     struct walk_scratch *s, struct buf *text)
{
	struct xattr_of of = { .fd = fd };

	read_xattrs(e, &of, s, text);
	e->has_extra = true;
	if (S_ISREG(e->mode))
		inspect_content(e, fd, task, s);
}

/* False: it is not of that type, look again. */
static bool
inspect_as(struct walk_entry *e, const struct walk_task *task, uint32_t type,
	   struct walk_scratch *s, struct buf *text)
{
	int fd = open_entry(e, type == S_IFDIR ? O_DIRECTORY : 0), rc;
	struct statx x;

	if (fd < 0) {
		int error = errno;

		if (error == ELOOP || error == ENOTDIR || error == ENXIO)
			return false;
		if (error != ENOENT)
			stat_entry(e, -1);
		fail(e, WALK_UNREADABLE, error);
		return true;
	}
	e->has_stat = false;
	s->ahead = 0;
	rc = type == S_IFREG && task->own_clock ? read_ahead(e, fd, s, &x)
						: stat_entry_as(e, fd, &x);
	if (rc != 0) {
		fail(e, WALK_UNREADABLE, errno);
	} else if ((e->mode & S_IFMT) == type) {
		e->flags = flags_of(fd, &x);
		inspect_open(e, task, fd, s, text);
	} else {
		e->has_stat = false;
	}
	close(fd);
	return e->has_stat || e->fault != WALK_FINE;
}

static void
inspect_all(struct walk_entry *e, const struct walk_task *task,
	    struct walk_scratch *s, struct buf *text)
{
	uint32_t type = task->type;

	if ((type == S_IFREG || type == S_IFDIR) &&
	    inspect_as(e, task, type, s, text))
		return;
	if (stat_entry(e, -1) != 0) {
		fail(e, WALK_UNREADABLE, errno);
		return;
	}
	type = e->mode & S_IFMT;
	if (type != S_IFREG && type != S_IFDIR)
		inspect_unopened(e, s, text);
	else if (!inspect_as(e, task, type, s, text))
		fail(e, WALK_CHANGING, 0); /* somebody keeps exchanging it */
}

void
walk_inspect(struct walk_entry *e, const struct walk_task *task,
	     struct walk_scratch *s, struct buf *text)
{
	if (task->choice == WALK_STAT) {
		if (stat_entry(e, -1) != 0)
			fail(e, WALK_UNREADABLE, errno);
		return;
	}
	buf_clear(text);
	inspect_all(e, task, s, text);
	if (text->failed)
		fail(e, WALK_UNREADABLE, ENOMEM);
	/* Until here target.n was all there is to know: `text` may move. */
	e->xattrs = view_sub(buf_view(text), e->target.n, SIZE_MAX);
	e->target = view_sub(buf_view(text), 0, e->target.n);
}

void
walk_look(struct walk_entry *e, uint64_t max_bytes, struct buf *text)
{
	struct walk_task task = { .choice = WALK_ALL, .max_bytes = max_bytes };
	struct walk_scratch *s = walk_scratch_new();

	if (s == NULL) {
		fail(e, WALK_UNREADABLE, ENOMEM);
		return;
	}
	walk_inspect(e, &task, s, text);
	walk_scratch_free(s);
}

/* ---- paths ----------------------------------------------------------- */

static int
rank(char c)
{
	return c == '/' ? 0 : (unsigned char)c;
}

int
walk_path_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	if (view_eq(a, b))
		return 0; /* mostly */
	/* The root's slash is one too many. */
	if (a.n == 1 || b.n == 1)
		return (a.n > 1) - (b.n > 1);
	for (size_t i = 0; i < n; i++)
		if (a.p[i] != b.p[i])
			return rank(a.p[i]) - rank(b.p[i]);
	return (a.n > n) - (b.n > n);
}

void
walk_path_split(struct view path, struct view *dir, struct view *name)
{
	ssize_t slash = view_rfind(path, '/');

	*name = view_sub(path, (size_t)(slash + 1), SIZE_MAX);
	*dir = view_sub(path, 0, slash > 0 ? (size_t)slash : 1);
}
