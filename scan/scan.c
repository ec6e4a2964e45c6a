/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inspection of one open file, in one pass over its content.
 */
#include "scan/content.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

/* 64–128 KiB a read are as fast as it gets, and faster than mmap. */
#define READ_BYTES (128u << 10)
#define MAX_BYTES_DEFAULT (64ull << 20)
#define MAX_UNIT_BYTES_DEFAULT (256ull << 10)
/* Files of /proc say that their size is 0. So does one that is about to be
 * written, and a writer that adds a byte a read must not hold us for long. */
#define MAX_UNSIZED_BYTES (1ull << 20)

#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

const char *
file_type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char_device";
	case S_IFBLK:
		return "block_device";
	default:
		return "unknown";
	}
}

/* ---- opening --------------------------------------------------------- */

/* A readable descriptor of a regular file; EAGAIN if it has become something
 * else since it was looked at. */
static int
open_regular(int dirfd, const char *name)
{
	struct stat st;
	int fd = openat(dirfd, name, O_RDONLY | OPEN_FLAGS | O_NOATIME);

	/* O_NOATIME is for the owner and CAP_FOWNER, open(2). */
	if (fd < 0 && errno == EPERM)
		fd = openat(dirfd, name, O_RDONLY | OPEN_FLAGS);
	if (fd < 0) {
		if (errno == ELOOP || errno == ENXIO || errno == ENODEV)
			errno = EAGAIN;
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EAGAIN;
	return -1;
}

/* Looks before it opens: merely opening a FIFO wakes its writer, and opening
 * a device may rewind a tape or start a watchdog. */
int
scan_open(int dirfd, const char *name)
{
	struct stat st;
	int fd;

	for (int attempt = 0; attempt < 3; attempt++) {
		if (fstatat(dirfd, name, &st,
			    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0)
			return -1;
		if (S_ISREG(st.st_mode)) {
			fd = open_regular(dirfd, name);
			if (fd >= 0 || errno != EAGAIN)
				return fd;
			continue;
		}
		fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -1;
		if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
			return fd;
		close(fd);
	}
	errno = EAGAIN; /* somebody keeps exchanging it */
	return -1;
}

/* ---- the pass over the content --------------------------------------- */

struct pass {
	int fd;
	unsigned want;
	struct view name;
	struct arena *arena;
	struct file_facts *out;
	uint64_t max_bytes, max_unit_bytes;
	uint64_t need;	/* read no further than this */
	uint64_t total; /* read so far */
	uint64_t size;	/* what it was at the start; 0 = not known */
	bool at_end;	/* the file ends at `total`, or did at the start */
	struct digest digest;
	uint64_t counts[256];
	struct buf unit;
	struct elf_table table;
};

/* As much as there is, whatever pread gives at a time. */
static ssize_t
read_block(int fd, char *p, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, p + done, size - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The program header table, if it is in the first block already. */
static void
look_at_table(struct pass *p, struct view bytes)
{
	p->out->elf.dynamic = elf_table_has_interpreter(bytes, &p->table);
	p->table.n_bytes = 0;
}

static void
look_at_head(struct pass *p, struct view head, bool whole)
{
	struct file_facts *out = p->out;
	const struct elf_table *t = &p->table;

	if (p->want & SCAN_PIDFILE)
		pidfile_read(head, &out->pidfile);
	if (p->want & SCAN_PRELOAD)
		out->n_preload = preload_read(head, p->arena, &out->preload);
	if (!(p->want & SCAN_KIND))
		return;
	out->header_n = (uint8_t)min_u64(head.n, sizeof(out->header));
	if (head.n > 0)
		memcpy(out->header, head.p, out->header_n);
	out->kind = content_classify(head, whole);
	if (out->kind == CONTENT_SCRIPT) {
		struct view name = script_interpreter(head);

		if (name.n > 0)
			out->interpreter = arena_copy(p->arena, name);
	} else if (out->kind == CONTENT_ELF) {
		elf_read_header(head, p->arena, &out->elf, &p->table);
		if (t->n_bytes > 0 &&
		    (whole ||
		     (t->offset <= head.n && t->n_bytes <= head.n - t->offset)))
			look_at_table(p, view_sub(head, (size_t)t->offset,
						  t->n_bytes));
	}
}

static void
take_block(struct pass *p, struct view block)
{
	if (p->want & SCAN_DIGEST)
		digest_add(&p->digest, block);
	if (p->want & SCAN_ENTROPY)
		entropy_count(block, p->counts);
	if ((p->want & SCAN_UNIT) && p->unit.n < p->max_unit_bytes)
		buf_put(&p->unit,
			view_sub(block, 0,
				 (size_t)p->max_unit_bytes - p->unit.n));
}

/* No further than the file went at the start: who adds to it meanwhile does
 * not keep us reading. */
static int
read_content(struct pass *p)
{
	_Alignas(4096) char block[READ_BYTES]; /* as in walk_file.c */

	while (!p->at_end && p->total < p->need) {
		size_t size =
			(size_t)min_u64(sizeof(block), p->need - p->total);
		ssize_t n = read_block(p->fd, block, size, p->total);
		struct view v = { block, (size_t)n };

		if (n < 0)
			return -1;
		p->at_end = v.n < size ||
			    (p->size > 0 && p->total + v.n >= p->size);
		if (p->total == 0)
			look_at_head(p, v, p->at_end);
		take_block(p, v);
		p->total += v.n;
		p->out->bytes_read = p->total;
	}
	return 0;
}

/* A program header table past the first block: rare, so read for itself. */
static int
read_far_table(struct pass *p)
{
	char bytes[ELF_TABLE_MAX_BYTES];
	ssize_t n;

	if (p->table.n_bytes == 0)
		return 0;
	n = read_block(p->fd, bytes, p->table.n_bytes, p->table.offset);
	if (n < 0)
		return -1;
	look_at_table(p, (struct view){ bytes, (size_t)n });
	return 0;
}

/* Drops what does not apply to this file, and says how far to read. */
static void
plan(struct pass *p)
{
	p->size = (uint64_t)p->out->st.st_size;
	if (!unit_name(p->name))
		p->want &= ~(unsigned)SCAN_UNIT;
	if (!pidfile_name(p->name))
		p->want &= ~(unsigned)SCAN_PIDFILE;
	if (!view_eq(p->name, VIEW("ld.so.preload")))
		p->want &= ~(unsigned)SCAN_PRELOAD;
	p->out->truncated = p->size > p->max_bytes;
	if (p->out->truncated)
		p->want &= ~(unsigned)(SCAN_DIGEST | SCAN_ENTROPY);
	if (p->want & (SCAN_DIGEST | SCAN_ENTROPY))
		p->need = p->max_bytes;
	else if (p->want & SCAN_UNIT)
		p->need = p->max_unit_bytes;
	else if (p->want != 0)
		p->need = READ_BYTES;
	if ((p->want & SCAN_KIND) && p->need < READ_BYTES)
		p->need = READ_BYTES;
	p->need = min_u64(p->need, p->max_bytes);
	p->need = min_u64(p->need, p->size ? p->size : MAX_UNSIZED_BYTES);
}

static int
finish_unit(struct pass *p)
{
	struct unit_facts *unit = &p->out->unit;
	int rc;

	if (p->unit.failed) {
		errno = ENOMEM;
		return -1;
	}
	rc = unit_read(buf_view(&p->unit), p->name, p->arena, unit);
	if (!p->at_end || p->total > p->unit.n)
		unit->truncated = true;
	return rc;
}

static int
finish(struct pass *p)
{
	struct file_facts *out = p->out;

	/* One of unknown size shows only now whether it is too large. */
	if (p->want & (SCAN_DIGEST | SCAN_ENTROPY))
		out->truncated = !p->at_end;
	if ((p->want & SCAN_DIGEST) && !out->truncated) {
		digest_end(&p->digest, out->sha256);
		out->has_digest = true;
	}
	if ((p->want & SCAN_ENTROPY) && !out->truncated) {
		out->entropy = entropy_of(p->counts);
		out->has_entropy = true;
	}
	if (p->want & SCAN_UNIT)
		return finish_unit(p);
	return 0;
}

static bool
same_file_state(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int
scan_content(struct pass *p)
{
	struct stat after;
	int rc = -1;

	plan(p);
	if (p->want == 0)
		return 0;
	if ((p->want & SCAN_DIGEST) && digest_begin(&p->digest) != 0)
		return -1;
	if (read_content(p) == 0 && read_far_table(p) == 0)
		rc = finish(p);
	if (p->digest.state != NULL)
		digest_end(&p->digest, NULL);
	buf_free(&p->unit);
	if (fstat(p->fd, &after) != 0)
		return -1;
	p->out->changed = !same_file_state(&p->out->st, &after);
	return rc;
}

/* ---- the whole ------------------------------------------------------- */

static uint64_t
birth_of(int fd)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) != 0 ||
	    !(x.stx_mask & STATX_BTIME) || x.stx_btime.tv_sec < 0)
		return 0;
	return (uint64_t)x.stx_btime.tv_sec * NS_PER_SEC + x.stx_btime.tv_nsec;
}

static int
read_target(int fd, struct arena *arena, struct file_facts *out)
{
	char target[PATH_MAX]; /* no link is longer: the kernel's own limit */
	ssize_t n = readlinkat(fd, "", target, sizeof(target));

	if (n < 0)
		return -1;
	out->target = arena_copy(arena, (struct view){ target, (size_t)n });
	return 0;
}

int
scan_fd(int fd, struct view name, unsigned want,
	const struct scan_limits *limits, struct arena *arena,
	struct file_facts *out)
{
	struct pass p = { .fd = fd,
			  .want = want,
			  .name = name,
			  .arena = arena,
			  .out = out,
			  .max_bytes = MAX_BYTES_DEFAULT,
			  .max_unit_bytes = MAX_UNIT_BYTES_DEFAULT };

	if (limits != NULL && limits->max_bytes > 0)
		p.max_bytes = min_u64(limits->max_bytes, INT64_MAX);
	if (limits != NULL && limits->max_unit_bytes > 0)
		p.max_unit_bytes =
			min_u64(limits->max_unit_bytes, SIZE_MAX / 4);
	*out = (struct file_facts){ 0 };
	if (fstat(fd, &out->st) != 0)
		return -1;
	out->birth_ns = birth_of(fd);
	if (S_ISLNK(out->st.st_mode))
		return read_target(fd, arena, out);
	if (!S_ISREG(out->st.st_mode))
		return 0;
	return scan_content(&p);
}
