/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories that are watched, found again by the handle bytes that
 * events of fanotify bring. Internal to the file sensors, all of which use it:
 * how a directory is marked, they say (fan.h).
 *
 * A *goal* is a path pattern that leads to watched directories: one for each
 * entry of the watch set, and more for each symbolic link or bind mount on
 * the way. Directories on the way to a goal hold a *claim*: how many parts of
 * the goal's path lie behind. A directory whose claim has no part left is
 * delivered from; when the goal is recursive, so is everything below it.
 * Claims are inherited by name: what stands under a name is looked at again
 * whenever an event says that it changed. So a directory that appears late,
 * vanishes, comes back, or is replaced by a link, takes no special path.
 *
 * Every directory from / down to a watched one carries a light mark that only
 * tells of names coming and going.
 *
 * A directory is known by its real path. Names under which rules see it come
 * from the goals: a goal that passed a link replaces the first `strip` bytes
 * of the real path by its `alias`.
 */
#ifndef FIM_FAN_TREE_H
#define FIM_FAN_TREE_H

#include "fim/event.h"
#include "fim/mounts.h"
#include "fim/watchset.h"

/* A mark costs the kernel about 1 KiB with the inode it pins. */
#define FAN_DIRS_MAX 100000u
/* Below one directory that only a symbolic link made interesting: users can
 * point links anywhere. */
#define FAN_LINK_DIRS_MAX 4096u
#define FAN_GOAL_LINKS_MAX 1024u
#define FAN_LINKS_DEEP 40u /* MAXSYMLINKS, include/linux/namei.h */
#define FAN_PATH_MAX_BYTES 16384u
/* All paths together: users can make them as long as they like. */
#define FAN_PATHS_MAX_BYTES (32u << 20)

/* Of a directory's id: fsid, struct file_handle with MAX_HANDLE_SZ bytes,
 * name_to_handle_at(2). */
#define FAN_ID_MAX (8 + 8 + 128)
/* What stands for an id where there are no handles: device and inode. No other
 * is as short, whatever its bytes: an fsid may be any eight of them. */
#define FAN_OTHER_ID_BYTES 16u

struct fan_dir;
struct fan_listing;

struct fan_goal {
	struct fan_goal *next;
	struct view *parts; /* n_dirs, then the file's pattern if !recursive */
	size_t n_parts, n_dirs;
	bool recursive;
	struct view alias;
	size_t strip_bytes;
	size_t n_linked; /* parts that `alias` replaces */
	unsigned links;	 /* followed to get here */
	/* The link (or bind mount) that made it; NULL = the watch set. */
	struct fan_dir *owner;
	struct view owner_name, target;
	struct fan_dir **dirs; /* that hold a claim; it knows its place here */
	size_t n_dirs_held, dirs_cap;
	struct arena arena;
};

struct fan_claim {
	struct fan_goal *goal;
	size_t depth; /* parts behind */
	size_t held;  /* index in the goal's list of directories */
};

enum fan_names { NAMES_UNKNOWN, NAMES_PLAIN, NAMES_MANY };

struct fan_dir {
	struct fan_dir *parent, *child, *prev, *next;
	struct fan_dir *root; /* nearest with a finished recursive claim */
	struct fan_claim *claims;
	size_t n_claims;
	char *path; /* real; NUL-terminated; "" for the root */
	size_t path_n;
	size_t name_at; /* of its last component */
	uint64_t mask;
	uint64_t hash[2]; /* FAN_BY_ID, FAN_BY_PLACE */
	uint32_t below;	  /* directories that this root brought */
	uint32_t version;
	enum fan_names names;
	bool listed;	  /* all below it has been walked */
	bool gone;	  /* in limbo: deleted, moved out, or covered */
	bool exists;	  /* in limbo, but probably still with its mark */
	uint32_t n_owned; /* goals made by links in it */
	uint32_t epoch;	  /* of the last rescan that met it */
	/* Of those who mark it: */
	int32_t wd;		     /* inotify's watch; 0 = none */
	bool polled;		     /* looked at from time to time */
	struct fan_listing *listing; /* owned; what was in it, or NULL */
	size_t id_n;
	char id[]; /* fsid, struct file_handle, as events have it; or other */
};

/* Open addressing; `which` selects the hash. */
enum { FAN_BY_ID, FAN_BY_PLACE };
struct fan_index {
	struct fan_dir **v;
	size_t cap, n;
	unsigned which;
};

/* Why the tree is walked, and what to say of the files met. */
enum fan_why {
	WHY_QUIET,  /* say nothing */
	WHY_CREATE, /* they appeared before the mark */
	WHY_MOVE,   /* they came with the directory that was moved */
};

struct fan_cause {
	enum fan_why why;
	uint32_t pid;	 /* of who made or moved the directory */
	struct view top; /* WHY_MOVE: real path of what was moved … */
	struct view old; /* … and its name before, "" = outside */
};

enum fan_refusal {
	REFUSED_LIMIT,
	REFUSED_HANDLE,
	REFUSED_PSEUDO,
	REFUSED_REMOTE,
	REFUSED_MARK,
	REFUSED_OPEN,
	REFUSED_LOOP,
	REFUSED_MEMORY,
	REFUSALS
};

struct fan_tree {
	uint64_t full_mask, light_mask;
	struct mounts mounts;
	struct fan_dir *top; /* "/" */
	struct fan_dir *limbo;
	struct fan_index by_id, by_place;
	struct fan_goal *goals;
	size_t n_links; /* goals made by links */
	size_t n_marked;
	size_t max_dirs;
	uint32_t version; /* of all names: rises when a claim changes */
	bool no_openat2;
	size_t path_bytes;
	uint64_t refused[REFUSALS];
	uint64_t refused_at[1024]; /* hashes of places counted already */
	/* During a walk. */
	struct buf queue, path;
	size_t queue_at;
	bool force; /* list again what is known */
	uint32_t epoch;
	const struct fan_cause *cause;
	struct fan_claim *wants;
	size_t n_wants, wants_cap;
	struct buf scratch, aliases;
	/* A file or directory met for which no event came. */
	void (*found)(void *ctx, struct fan_dir *, int dirfd, struct view name,
		      bool is_dir);
	void (*full)(void *ctx, struct fan_dir *at); /* the limit is reached */
	/* Marks the open directory: 1, 0 when it has no mark and that has
	 * been counted, or -1. */
	int (*mark)(void *ctx, struct fan_dir *, int fd, uint64_t mask);
	/* The directory is about to be forgotten, with its mark. `at`, when
	 * not -1, is open on its file system: it may still exist. */
	void (*unmark)(void *ctx, struct fan_dir *, int at);
	void *ctx;
	/* Directories are told apart without file handles, too. */
	bool no_handles;
};

/* fan_dir.c: the directories and where to find them. */
int fan_index_put(struct fan_index *, struct fan_dir *);
void fan_index_drop(struct fan_index *, struct fan_dir *);
struct fan_dir *fan_find(const struct fan_tree *, struct view id);
struct fan_dir *
fan_child(const struct fan_tree *, const struct fan_dir *, struct view name);
struct fan_dir *fan_dir_new(struct fan_tree *, struct fan_dir *parent,
			    struct view name, struct view id);
/* Under a new parent or name; everything below is renamed with it. */
int fan_dir_move(struct fan_tree *, struct fan_dir *, struct fan_dir *parent,
		 struct view name);
/* Out of the tree, into limbo, from where a move may still bring it back;
 * freed by fan_sweep, which takes the mark off what still exists. */
void fan_dir_detach(struct fan_tree *, struct fan_dir *, bool exists);
void fan_dir_free(struct fan_tree *, struct fan_dir *);
void fan_dir_release(struct fan_dir *); /* its memory alone */
void fan_dir_reroot(struct fan_tree *, struct fan_dir *);
struct view fan_dir_name(const struct fan_dir *);
/* The next below `top`, top itself first; NULL at the end. */
struct fan_dir *fan_next(const struct fan_dir *top, struct fan_dir *);

/* fan_goal.c: why a directory is watched, and its names. */
int fan_goal_of_watch(struct fan_tree *, const struct watch *);
int fan_goal_of_link(struct fan_tree *, const struct fan_claim *,
		     struct fan_dir *dir, struct view name, struct view target,
		     struct view real);
void fan_goal_kill(struct fan_tree *, struct fan_goal *);
int fan_claim_add(struct fan_tree *, struct fan_dir *, struct fan_goal *,
		  size_t depth);
void fan_claims_drop(struct fan_tree *, struct fan_dir *);
bool fan_claim_done(const struct fan_claim *);
/* Does any claim of the directory lead on to this name? */
bool fan_leads_to(const struct fan_dir *, struct view name);
/* Its name for rules, appended to `path`, and further ones, each with a NUL,
 * to `aliases` (may be NULL). False, and nothing, when nobody asked for it. */
bool fan_names(struct fan_tree *, struct fan_dir *, struct view name,
	       struct buf *path, struct buf *aliases);
/* Of the directory itself: the real one, and all others that files in it may
 * be seen under, each with a NUL. */
void fan_dir_names(const struct fan_dir *, struct buf *out);
bool fan_wanted(const struct fan_dir *, struct view name);
void fan_real_name(const struct fan_dir *, struct view name, struct buf *);

/* fan_walk.c: what stands under a name now, and below it. */
extern const struct fan_cause fan_quiet;
void fan_look(struct fan_tree *, struct fan_dir *, struct view name,
	      const struct fan_cause *);
/* Its steps: names to look at, all of them looked at with t->cause. */
void fan_push(struct fan_tree *, struct fan_dir *, struct view name);
void fan_drain(struct fan_tree *);
/* Marks the open directory and goes on below; claims from number `first` on
 * are new to it. */
void fan_visit(struct fan_tree *, struct fan_dir *, int fd, size_t first,
	       bool fresh);
/* A new goal starts at the root, with the claim added last. */
void fan_begin_goal(struct fan_tree *, struct fan_goal *);
void fan_refuse(struct fan_tree *, enum fan_refusal);
/* Events need a handle; where a file system has none, a directory gets an id
 * of its own, and no mark. */
ssize_t fan_id_or_other(struct fan_tree *, int fd, char id[FAN_ID_MAX]);

/* fan_tree.c: the whole. */
int fan_tree_open(struct fan_tree *, const struct watchset *);
void fan_tree_free(struct fan_tree *);
/* Everything again, after lost events. */
void fan_rescan(struct fan_tree *);
/* Frees what is in limbo. */
void fan_sweep(struct fan_tree *);
/* The mount table changed; walks what is affected. */
int fan_remount(struct fan_tree *, const struct fan_cause *);

/* fan_open.c: system calls on directories. */
/* A directory by its real path, of any length, never through a link. */
int fan_open_path(struct fan_tree *, struct view path);
/* "fsid, handle" of an open object, or of `name` in it; -1 and errno. */
ssize_t fan_id_of(int fd, const char *name, char id[FAN_ID_MAX]);
/* By its id, on the file system of `at`; -1 and errno. */
int fan_open_id(int at, struct view id);
/* The text of a link, and the absolute path it means, as far as that can be
 * said without following links on the way. */
int fan_read_link(struct fan_tree *, const struct fan_dir *, struct view name,
		  struct buf *text, struct buf *real);

#endif
