/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File events of a process that still wait in Tocsin's fanotify queue when
 * the process execs or ends. A file event names only a pid, and is read later:
 * a shell that creates a file and then execs cat would be taken for cat, one
 * that ended for its successor with the same pid. So their names go into the
 * ring just before the exec or the end; whatever else that process did to files
 * had been read before.
 *
 * The queue is read without its lock. An entry that goes away meanwhile fails
 * to read, or has another pid.
 */
#ifndef FIM_BPF_WAITING_H
#define FIM_BPF_WAITING_H

#include "fim/bpf/common.h"

/* How far back to look; the reader keeps the queue much shorter. */
#define WAITING_MAX 1024

/* Our fanotify groups, written by `on_group`. */
#define GROUPS_MAX 4
__u64 fanotify_groups[GROUPS_MAX];
__u32 n_fanotify_groups;

/* User space: which descriptor is a group's, before it runs on_group. */
__s32 fanotify_fd;

static __always_inline void
waiting_name(u64 name, u8 length)
{
	struct wire_name w = {};

	if (length == 0 ||
	    !head_fill(&w.head, WIRE_NAME, bpf_get_current_task_btf()) ||
	    bpf_probe_read_kernel(w.name, length, (void *)name) != 0)
		return;
	w.length = length;
	ring_put(&w, sizeof(w));
}

/* One entry of the queue; its list head comes first in it. */
__noinline int
waiting_look(u64 entry, u64 pid)
{
	struct fanotify_name_event *e = (void *)entry;
	u64 name = (u64)&e->info.buf[0];
	u8 length;

	if ((u64)BPF_CORE_READ(e, fae.pid) != pid ||
	    BPF_CORE_READ_BITFIELD_PROBED(&e->fae, type) !=
		    bpf_core_enum_value(enum fanotify_event_type,
					FANOTIFY_EVENT_TYPE_FID_NAME))
		return 0;
	length = BPF_CORE_READ(e, info.name_len);
	name += BPF_CORE_READ(e, info.dir_fh_totlen);
	name += BPF_CORE_READ(e, info.file_fh_totlen);
	if (bpf_core_field_exists(e->info.dir2_fh_totlen))
		name += BPF_CORE_READ(e, info.dir2_fh_totlen);
	waiting_name(name, length);
	/* A rename's new name, behind the NUL of the old one. */
	if (bpf_core_field_exists(e->info.name2_len))
		waiting_name(name + length + 1,
			     BPF_CORE_READ(e, info.name2_len));
	return 0;
}

/* One queue, from its end; 0 if there may be more than was told. The reader
 * takes entries off its front meanwhile: one that was met in that moment leads
 * to itself (list_del_init) or nowhere, and the walk begins again. A name told
 * twice does no harm. */
__noinline int
waiting_walk(u64 address, u64 pid)
{
	struct fsnotify_group *group = (void *)address;
	u64 head = (u64)&group->notification_list, entry, next;

	entry = (u64)BPF_CORE_READ(group, notification_list.prev);
	for (int i = 0; i < WAITING_MAX; i++) {
		if (entry == head)
			return 1;
		waiting_look(entry, pid);
		next = (u64)BPF_CORE_READ((struct list_head *)entry, prev);
		if (next == entry || next == 0)
			next = (u64)BPF_CORE_READ(group,
						  notification_list.prev);
		entry = next;
	}
	return 0;
}

static __always_inline bool
waiting_put(struct task_struct *task)
{
	u64 pid;
	int told = 1;

	if (n_fanotify_groups == 0)
		return false;
	pid = (u64)BPF_CORE_READ(task, group_leader, thread_pid);
	for (u32 i = 0; i < GROUPS_MAX; i++) {
		if (i >= n_fanotify_groups)
			break;
		told &= waiting_walk(fanotify_groups[i], pid);
	}
	return told;
}

/* Run by user space: finds the group behind a descriptor of ours. */
SEC("raw_tp")
int
on_group(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *fdt = task->files->fdt;
	struct file *file = NULL;

	if (fanotify_fd < 0 || (u32)fanotify_fd >= fdt->max_fds ||
	    bpf_probe_read_kernel(
		    &file, sizeof(file),
		    (void *)((u64)fdt->fd + 8 * (u64)fanotify_fd)) != 0)
		return 0;
	if (n_fanotify_groups >= GROUPS_MAX)
		return 0;
	fanotify_groups[n_fanotify_groups & (GROUPS_MAX - 1)] =
		(u64)BPF_CORE_READ(file, private_data);
	n_fanotify_groups++;
	return 1;
}

#endif
