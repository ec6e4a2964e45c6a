/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over file trees: every entry with its attributes and, if asked for,
 * its SHA-256, found by worker threads and delivered one by one in one fixed
 * order, in memory that does not grow with the tree.
 *
 * The order: folder by folder, parents first, the names of a folder sorted as
 * bytes; folders are sorted by their paths with '/' below every other byte
 * (walk_path_cmp). So all entries of a folder, its subfolders' own entries
 * among them, come together, before what is in those subfolders.
 *
 * Work goes by descriptor, symbolic links are never followed, FIFOs, sockets
 * and devices never opened. What cannot be had is a fault of the entry, not an
 * error of the walk. Names are bytes; paths have no limit but WALK_PATH_MAX.
 *
 * struct walk_entry and what it points to are borrowed until the next call.
 */
#ifndef SCAN_WALK_H
#define SCAN_WALK_H

#include "scan/base.h"

/* Far past PATH_MAX, which limits what a system call takes, not what exists. */
#define WALK_PATH_MAX (64u << 10)
#define WALK_DEPTH_MAX 4096u
/* Of one file; larger values are kept as their digests, more than the total
 * is WALK_XATTRS. The kernel's own limit is 64 KiB a value and 64 KiB of names
 * (xattr(7)). */
#define WALK_XATTR_VALUE_MAX 4096u
#define WALK_XATTR_TOTAL_MAX (64u << 10)
/* In the length of a value: what follows is its SHA-256. */
#define WALK_XATTR_IS_DIGEST (1u << 31)

/* WALK_FAULT(name, word, sentence). From UNREADABLE on, something was not
 * covered. */
#define WALK_FAULTS                                                        \
	WALK_FAULT(FINE, "none", "was read")                               \
	WALK_FAULT(VANISHED, "vanished", "was removed during the walk")    \
	WALK_FAULT(UNREADABLE, "unreadable", "cannot be read")             \
	WALK_FAULT(CHANGING, "changing", "changed while it was read")      \
	WALK_FAULT(TOO_LARGE, "too_large", "is larger than the limit")     \
	WALK_FAULT(XATTRS, "xattrs",                                       \
		   "has more extended attributes than "                    \
		   "are read")                                             \
	WALK_FAULT(TOO_DEEP, "too_deep", "lies deeper than the walk goes") \
	WALK_FAULT(LOOP, "loop", "is a folder above itself")               \
	WALK_FAULT(FOREIGN, "foreign",                                     \
		   "is a network or virtual file "                         \
		   "system")                                               \
	WALK_FAULT(HUNG, "hung", "did not answer in time")

enum walk_fault {
#define WALK_FAULT(name, word, sentence) WALK_##name,
	WALK_FAULTS
#undef WALK_FAULT
};
const char *walk_fault_word(enum walk_fault);
const char *walk_fault_sentence(enum walk_fault);

struct walk_entry {
	struct view dir;  /* its folder, "/" or without a slash at the end */
	struct view name; /* with a NUL behind it, not counted; "" in a notice:
			   * the fault is that of the folder `dir` as a whole,
			   * nothing in it or below is delivered */
	int dirfd;	  /* of `dir`; -1 in a notice */
	enum walk_fault fault;
	/* A mount point of what may not answer, not looked at: a notice will
	 * say the same of the folder. */
	bool is_noticed;
	int error;     /* errno of a fault, or 0 */
	bool has_stat; /* the members up to rdev */
	uint32_t mode, uid, gid, nlink;
	uint64_t size, mtime_ns, ctime_ns, inode;
	uint64_t dev, rdev;
	bool has_digest;
	uint8_t sha256[32];
	bool has_extra; /* the members below */
	uint32_t flags; /* FS_IMMUTABLE_FL, FS_APPEND_FL of linux/fs.h */
	struct view target;
	/* Sorted by name; each is name, NUL, length (little endian), value. */
	struct view xattrs;
};

enum walk_choice {
	WALK_SKIP, /* as if it did not exist */
	WALK_STAT, /* attributes of statx(2) only */
	WALK_ALL   /* and digest, link target, xattrs, flags */
};

struct walk_root {
	struct view path; /* absolute, without ".", "..", "//", links */
	bool alone;	  /* a folder's own entry only */
	bool hung;	  /* did not answer: only a notice */
};

struct walk_mounts; /* scan/walk_mounts.h */

struct walk_options {
	const struct walk_root *roots; /* borrowed until walk_close */
	size_t n_roots;		       /* sorted or not; none in another */
	unsigned threads;	       /* 0 = one a processor, at most 8 */
	enum walk_choice most;	       /* WALK_STAT: never read content */
	uint64_t max_bytes;	       /* of one file; 0 = 4 GiB */
	uint64_t patience_ns;	    /* without a sign of life; 0 = a minute */
	bool foreign;		    /* also network and virtual file systems */
	struct walk_mounts *mounts; /* borrowed; NULL: reads its own */
	/* What to do with an entry, called in walk_next's thread; NULL = all
	 * of everything. `type` is its S_IFMT bits, 0 for a root's own. */
	enum walk_choice (*choose)(void *ctx, struct view dir, struct view name,
				   uint32_t type);
	void *ctx;
};

enum walk_verdict { WALK_ENTRY, WALK_END, WALK_ERROR /* errno */ };

struct walk;
/* NULL and errno. */
struct walk *walk_open(const struct walk_options *);
enum walk_verdict walk_next(struct walk *, struct walk_entry **out);
void walk_close(struct walk *); /* also in the middle */

/* The entry that walk_next has just given, with all there is to know of it,
 * for who asked for WALK_STAT; strings are put into `text`. */
void walk_again(struct walk *, struct walk_entry *, struct buf *text);
/* One entry, now, in this thread: `e` has dirfd and name. Digests content of
 * at most max_bytes; the strings are put into `text`. */
void walk_look(struct walk_entry *e, uint64_t max_bytes, struct buf *text);

/* A folder by its path, no part of which may be a link. -1 and errno. */
int walk_open_folder(struct view path);
/* The order of folders. */
int walk_path_cmp(struct view a, struct view b);
/* Folder and name of a path, as in an entry. */
void walk_path_split(struct view path, struct view *dir, struct view *name);
/* Next of an entry's xattrs; false at the end or if it makes no sense. */
struct walk_xattr {
	struct view name, value;
	bool is_digest;
};
bool walk_next_xattr(struct view *rest, struct walk_xattr *);

#endif
