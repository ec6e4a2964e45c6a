/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process table: who is who on this host, as of the event applied last.
 *
 * Keyed by pid and start time, so a reused pid is another process. Every
 * event is applied strictly in order. What an exec made (`struct image`) is
 * immutable and counted by reference: an event or a waiting name act pins the
 * image that was there at its time, whatever the process becomes later. Exited
 * processes are kept for a grace time, and for as long as a descendant needs
 * them as an ancestor; re-parenting never rewrites a parent. Of a long line of
 * ancestors that have ended the nearest 256 are kept, or fewer when there are
 * many such lines.
 *
 * Pointers returned are borrowed and valid until the next call that is not
 * const, unless a reference is taken.
 */
#ifndef FIM_PROC_H
#define FIM_PROC_H

#include "fim/event.h"

/* What one execve made. All views point into the same block. */
struct image {
	unsigned refs;
	struct view executable; /* absolute, "." and ".." folded, symbolic
				 * links as given; for a script, the script */
	struct view name;	/* its last component */
	/* Other values that rules may mean by process.executable: the path as
	 * given when it was relative, the image of a memfd. NUL-separated. */
	struct view exec_path;
	struct view file; /* the file that runs: the interpreter of a script */
	struct view interp; /* interpreter of a script, else "" */
	struct view comm;
	struct view args, env; /* NUL-separated */
	struct view cwd;
	struct view previous; /* executable of the image before, "" if none */
	uint32_t argc, nlink, socket_fds;
	uint64_t stdio_inode[3]; /* of descriptors 0–2 when it began */
	uint64_t inode;		 /* of `file`; 0 = not known */
	uint32_t dev_major, dev_minor;
	bool truncated;
	bool missing; /* event.h, of its exec */
};

/* How the session entered the host; the names are FIELDS' values of
 * process.entry_leader.entry_meta.type. */
enum entry_type {
	ENTRY_UNKNOWN,
	ENTRY_INIT,
	ENTRY_SSHD,
	ENTRY_SSM,
	ENTRY_CONTAINER,
	ENTRY_TERMINAL,
	ENTRY_CONSOLE,
	ENTRY_KTHREAD,
};
const char *entry_type_name(enum entry_type);

struct proc {
	struct proc_key key;
	unsigned refs;
	struct proc *next;    /* same bucket, newest first */
	struct proc *parent;  /* who made it; owned reference, may be NULL */
	struct proc *session; /* its leader; owned unless it is itself */
	struct proc *entry;   /* entry leader; owned unless it is itself */
	struct proc *exited_next; /* queue of the dead */
	struct image *image;	  /* owned reference, NULL = not known */
	struct image *before;	  /* the one before; owned, may be NULL */
	uint64_t image_ns;	  /* boot time of the exec that made `image` */
	struct event_creds creds;
	uint32_t pgid, sid, tty_major, tty_minor;
	uint32_t generation;	    /* so many ancestors, or fewer */
	enum entry_type entry_type; /* meaningful for an entry leader */
	bool kthread, container, exited, queued;
	bool forgotten; /* by the table; somebody's ancestor */
	bool told;	/* event.h, of its exit */
	int32_t exit_code;
	uint64_t exit_ns;  /* boot time */
	uint64_t asked_ns; /* boot time; when /proc told its credentials */
	uint32_t listed;   /* the last list that met it (proc_list.h) */
};

struct procs_options {
	uint64_t grace_ns; /* 0 = 30 s */
	size_t max_exited; /* 0 = 8192; the oldest go first */
	size_t max_acts;   /* 0 = 4096 name acts remembered; in sets of 8 */
	/* Of processes that are only remembered as ancestors; 0 = 8192. With
	 * more, lines of ancestors are kept shorter. */
	size_t max_ancestors;
};

struct procs_counters {
	uint64_t known, exited, evicted, no_memory;
	uint64_t ancestors; /* remembered only as such */
	uint64_t shortened; /* lines of ancestors cut off */
};

struct procs;

struct procs *procs_new(const struct procs_options *);
void procs_free(struct procs *);

/*
 * Applies an event of a process or a name act and returns the process it is
 * about: the new one for FORK. For other kinds it only looks up. NULL when it
 * is not known (and could not be made known for lack of memory).
 */
struct proc *procs_apply(struct procs *, const struct event *);
struct proc *procs_find(const struct procs *, struct proc_key);
/* The incarnation of this pid that was started last. */
struct proc *procs_newest(const struct procs *, uint32_t pid);

/*
 * Who did this to a file? `proc` NULL: in doubt. The event's time is when the
 * reader began to read; what the process table applied since may be later than
 * the act. A name act says that the event was still unread when its process
 * went on to exec or to end, so it speaks for that one event. Without one, the
 * event had been read by then, and belongs to who was there at its time.
 */
struct author {
	struct proc *proc;
	struct image *image; /* borrowed from the table */
	/* Not NULL: an exec fell into the read that brought the event, and it
	 * may as well have been this image, the one before. If the file is one
	 * that `image` began with on descriptors 0–2, it was. */
	struct image *before;
};
struct author procs_author(struct procs *, const struct event *);

/* Every process of the table; `each` must not change it. */
void procs_each(const struct procs *,
		void (*each)(void *ctx, const struct proc *), void *ctx);
/* Forgets the dead whose grace time is over, and, a few at a time, their acts.
 */
void procs_expire(struct procs *, uint64_t now_ns);
struct procs_counters procs_count(const struct procs *);

/* Absolute form of a path given relative to `cwd`, "." , ".." and repeated
 * slashes folded by name alone. In the arena; VIEW_NONE without memory. */
struct view path_absolute(struct view cwd, struct view given, struct arena *);

#endif
