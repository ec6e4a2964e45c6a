/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names about to be made or changed: which image of a process did it, when
 * the file sensor only knows the process (a shell opens for a redirect, then
 * execs). The ring's order answers that.
 *
 * One program a shape of arguments; user space attaches each to its calls. A
 * call on a name that nobody watches is dropped as early as possible.
 */
#ifndef FIM_BPF_NAMES_H
#define FIM_BPF_NAMES_H

#include "fim/bpf/common.h"

/* asm-generic/fcntl.h; the same on x86 and arm64. */
#define O_ACCMODE 3u
#define O_CREAT 0100u

/* Only to learn how long a long path is. */
struct name_scratch {
	char path[WIRE_PATH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* user space: possible CPUs */
	__type(key, u32);
	__type(value, struct name_scratch);
} name_scratch SEC(".maps");

/* /proc, /sys and /dev (but not /dev/shm) hold no files that last. */
static __always_inline bool
name_is_boring(const char *p)
{
	if (p[0] != '/')
		return false;
	if (p[1] == 'd' && p[2] == 'e' && p[3] == 'v' && p[4] == '/')
		return p[5] != 's' || p[6] != 'h';
	if (p[1] == 'p' && p[2] == 'r' && p[3] == 'o' && p[4] == 'c')
		return p[5] == '/';
	return p[1] == 's' && p[2] == 'y' && p[3] == 's' && p[4] == '/';
}

/* The last WIRE_NAME_MAX bytes of a path: its last name is in there. */
static __always_inline long
name_read(struct wire_name *w, const char *path)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct name_scratch *s;
	long n = bpf_probe_read_user_str(w->tail, sizeof(w->tail), path);

	if (n < (long)sizeof(w->tail))
		return n;
	s = bpf_map_lookup_elem(&name_scratch, &cpu);
	if (s == NULL)
		return n;
	n = bpf_probe_read_user_str(s->path, sizeof(s->path), path);
	if (n < (long)sizeof(w->tail))
		return n;
	path += n - (long)sizeof(w->tail);
	return bpf_probe_read_user_str(w->tail, sizeof(w->tail), path);
}

static __always_inline void
name_put(const char *path)
{
	struct wire_name w = {};
	long n = name_read(&w, path);

	if (n <= 1 || name_is_boring(w.tail) ||
	    !head_fill(&w.head, WIRE_NAME, bpf_get_current_task_btf()))
		return;
	w.length = (u32)n;
	ring_put(&w, sizeof(w));
}

static __always_inline void
name_opened(const char *path, u64 flags)
{
	if (flags & (O_ACCMODE | O_CREAT))
		name_put(path);
}

SEC("tp/syscalls/sys_enter_openat")
int
on_openat(struct syscall_enter *ctx)
{
	name_opened((const char *)ctx->args[1], ctx->args[2]);
	return 0;
}

SEC("tp/syscalls/sys_enter_open")
int
on_open(struct syscall_enter *ctx)
{
	name_opened((const char *)ctx->args[0], ctx->args[1]);
	return 0;
}

SEC("tp/syscalls/sys_enter_openat2")
int
on_openat2(struct syscall_enter *ctx)
{
	u64 flags = 0; /* struct open_how begins with them */

	bpf_probe_read_user(&flags, sizeof(flags), (void *)ctx->args[2]);
	name_opened((const char *)ctx->args[1], flags);
	return 0;
}

SEC("tp/syscalls/sys_enter_creat")
int
on_name0(struct syscall_enter *ctx)
{
	name_put((const char *)ctx->args[0]);
	return 0;
}

SEC("tp/syscalls/sys_enter_mkdirat")
int
on_name1(struct syscall_enter *ctx)
{
	name_put((const char *)ctx->args[1]);
	return 0;
}

SEC("tp/syscalls/sys_enter_symlinkat")
int
on_name2(struct syscall_enter *ctx)
{
	name_put((const char *)ctx->args[2]);
	return 0;
}

SEC("tp/syscalls/sys_enter_linkat")
int
on_name3(struct syscall_enter *ctx)
{
	name_put((const char *)ctx->args[3]);
	return 0;
}

SEC("tp/syscalls/sys_enter_rename")
int
on_name01(struct syscall_enter *ctx)
{
	name_put((const char *)ctx->args[0]);
	name_put((const char *)ctx->args[1]);
	return 0;
}

SEC("tp/syscalls/sys_enter_renameat2")
int
on_name13(struct syscall_enter *ctx)
{
	name_put((const char *)ctx->args[1]);
	name_put((const char *)ctx->args[3]);
	return 0;
}

#endif
