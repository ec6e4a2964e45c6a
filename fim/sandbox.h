/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process gives up once everything it needs is open. Each step is one
 * way, holds for all threads and for whatever would be executed, and stands
 * alone; in the order below each finds what it needs:
 *
 *	sandbox_close_others	descriptors that were inherited
 *	sandbox_paths		Landlock: files but for those named
 *	sandbox_become		another user
 *	sandbox_drop		every capability, and ways back to them
 *	sandbox_deny		seccomp: groups of system calls (sandbox.def)
 *
 * Done by the program and not by systemd, so that it holds however Tocsin is
 * started and differs from process to process.
 *
 * Errors: -1 and errno, unless said otherwise. A step that failed halfway may
 * have taken something already: the caller ends, or goes on with what is left,
 * and says so; nothing is given back.
 *
 * Sources: landlock(7), capabilities(7), seccomp(2), seccomp_rule_add(3).
 */
#ifndef FIM_SANDBOX_H
#define FIM_SANDBOX_H

#include "scan/base.h"

/* Everything from descriptor `first` on. */
int sandbox_close_others(int first);

enum sandbox_access {
	SANDBOX_READ = 1,     /* read files, list folders */
	SANDBOX_WRITE = 2,    /* read; make, write, rename, remove files */
	SANDBOX_OPTIONAL = 4, /* what is not there is left out */
};

struct sandbox_path {
	const char *path; /* a file, or a folder and all below it; borrowed */
	unsigned access;
};

/* From now on only these can be opened by name, nothing be executed, and no
 * process outside be signalled (kernel 6.12). What is open stays open, and
 * connecting to a socket by its path needs no access. The kernel counts such
 * limits up to 16 in a row. 0, or 1 where the kernel has no Landlock. */
int sandbox_paths(const struct sandbox_path *, size_t n);

/* User and group as in passwd(5), no other groups. ENOENT: no such user. What
 * looking up a name reads (/etc, /usr/lib) must be readable still. */
int sandbox_become(const char *user);

/* No capability is left in any set, nor comes back by an exec: needs none
 * itself. Also: not to be traced by others of the same user, no core. */
int sandbox_drop(void);
/* The same, but for those of this set (bits by number), if it has them. */
int sandbox_keep(uint64_t caps);

/* A call of these groups gives EPERM; clone3 always ENOSYS, so that libc asks
 * with clone, whose flags a filter can see. Another architecture's calls (x32,
 * i386) end the process. */
enum sandbox_group {
	SANDBOX_EXEC = 1,      /* execute a program */
	SANDBOX_FORK = 2,      /* a new process; threads stay possible */
	SANDBOX_TRACE = 4,     /* look into or steer other processes */
	SANDBOX_SIGNAL = 8,    /* signal any but itself; 0 only asks */
	SANDBOX_KERNEL = 16,   /* modules, BPF, keys, clock, io_uring … */
	SANDBOX_MOUNT = 32,    /* mounts, namespaces, other roots */
	SANDBOX_IDENTITY = 64, /* other user, group */
	SANDBOX_MODE = 128,    /* mode, owner, attributes, special files */
	SANDBOX_SOCKET = 256,  /* a new socket; open ones stay usable */
	SANDBOX_TAKE = 512,    /* descriptors of other processes */
	SANDBOX_LOWER = 1024,  /* give up capabilities */
	SANDBOX_ALL = 2047,
};
int sandbox_deny(unsigned groups);

/* Only the calls that the deciding half of a monitor needs (engine.def);
 * memory cannot become executable. All others give EPERM. */
int sandbox_engine(void);

#endif
