/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records that the kernel programs put into the ring, shared by both
 * sides. Every record begins with struct wire_head. Numbers are in the host's
 * byte order, addresses and ports of sockets in the order of event.h.
 *
 * A path travels as the names met on the way up from the file to the root of
 * its mount tree, each followed by NUL, last component first.
 */
#ifndef FIM_BPF_WIRE_H
#define FIM_BPF_WIRE_H

#include <linux/types.h>

enum wire_kind {
	WIRE_EXEC = 1,
	WIRE_FORK,
	WIRE_EXIT,
	WIRE_NET,
	WIRE_NAME,
	WIRE_MODULE,
	WIRE_TASK, /* one process that exists already, from the iterator */
};

#define WIRE_ARGS_MAX 32768u
#define WIRE_PATH_MAX 4096u
#define WIRE_ENV_MAX 4096u
#define WIRE_NAME_MAX 256u
#define WIRE_ENV_NAMES 16u
/* All strings of an exec: argv, the path given, the interpreter, image and
 * working directory with room for the last component, environment. */
#define WIRE_STRINGS_MAX \
	(WIRE_ARGS_MAX + 4 * (WIRE_PATH_MAX + 256) + WIRE_ENV_MAX)

#define WIRE_TRUNCATED 1u
#define WIRE_KTHREAD 2u
#define WIRE_CONTAINER 4u
#define WIRE_CUT_IMAGE 8u /* with WIRE_TRUNCATED: which path lacks its top */
#define WIRE_CUT_CWD 16u
#define WIRE_SETID 32u /* exec of a set-user-id or set-group-id file */

/* Exit: WIRE_NAME records before it are all that waited. */
#define WIRE_TOLD 64u

struct wire_head {
	__u16 kind;
	__u16 flags;
	__u32 lost; /* records lost so far when this one was made */
	__u64 time_ns;
	__u64 start_ns;
	__u32 pid;
	__s32 exit_code;
};

struct wire_proc {
	__u64 parent_start_ns, session_start_ns;
	__u64 cap_permitted, cap_effective;
	__u32 parent, pgid, sid, session;
	__u32 uid, euid, suid, gid, egid, sgid;
	__u32 tty_major, tty_minor;
	__u32 pid_ns, mnt_ns;
};

struct wire_sock {
	__u64 cookie;
	__u8 local[16], remote[16];
	__u16 local_port, remote_port; /* host order */
	__u16 family;
	__u8 proto;
	__u8 ingress;
};

enum wire_string {
	WIRE_GIVEN,
	WIRE_INTERP,
	WIRE_IMAGE, /* a path, leaf first */
	WIRE_CWD,   /* a path, leaf first */
	WIRE_ENV,
	WIRE_ARGV,
	WIRE_STRINGS
};

struct wire_image {
	__u64 inode;
	__u32 dev, nlink; /* dev as the kernel has it: major << 20 | minor */
	__u32 argc;
	__u32 socket_fds;
	char comm[16];
};

struct wire_exec {
	struct wire_head head;
	struct wire_proc proc;
	struct wire_image image;
	struct wire_sock socks[3];  /* family 0 = no connected inet socket */
	__u64 stdio_inode[3];	    /* of descriptors 0–2; 0 = not open */
	__u32 length[WIRE_STRINGS]; /* of the strings that follow, in order */
};

struct wire_exit {
	struct wire_head head;
	struct wire_proc proc;
};

/* The child has its maker's user, group and session at that moment. The maker
 * is its parent unless clone(2) was told CLONE_PARENT. */
struct wire_fork {
	struct wire_head head;
	struct wire_proc proc;
	__u64 maker_start_ns, maker_parent_start_ns;
	__u32 maker, maker_parent;
};

struct wire_task {
	struct wire_head head;
	struct wire_proc proc;
	struct wire_image image;
};

enum wire_act { WIRE_CONNECT, WIRE_ACCEPT, WIRE_DISCONNECT };

struct wire_net {
	struct wire_head head;
	struct wire_sock sock;
	__u32 act;
	__u32 pad;
	struct wire_proc proc; /* not of WIRE_DISCONNECT */
};

/* The last name of a file that the process changed. */
struct wire_name {
	struct wire_head head;
	__u32 length;
	char name[WIRE_NAME_MAX];
};

/* A kernel module that the process loads. */
struct wire_module {
	struct wire_head head;
	struct wire_proc proc;
	__u64 taints; /* struct module's */
	__u32 from_file;
	__u32 pad;
	char name[64]; /* MODULE_NAME_LEN is less */
};

_Static_assert(sizeof(struct wire_head) == 32, "wire_head has no holes");
_Static_assert(sizeof(struct wire_proc) == 88, "wire_proc has no holes");
_Static_assert(sizeof(struct wire_sock) == 48, "wire_sock has no holes");
_Static_assert(sizeof(struct wire_image) == 40, "wire_image has no holes");
_Static_assert(sizeof(struct wire_exec) == 32 + 88 + 40 + 3 * 48 + 24 + 24,
	       "wire_exec has no holes");
_Static_assert(sizeof(struct wire_net) == 88 + 88, "wire_net has no holes");
_Static_assert(sizeof(struct wire_fork) == 32 + 88 + 24,
	       "wire_fork has no holes");
_Static_assert(sizeof(struct wire_module) == 32 + 88 + 16 + 64,
	       "wire_module has no holes");
_Static_assert(sizeof(struct wire_name) == 32 + 4 + 256 + 4,
	       "wire_name ends in four bytes of padding");

#endif
