/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all kernel programs share: the settings that user space writes before
 * loading, the ring, and who a task is as Tocsin's own pid namespace sees it.
 *
 * Task pointers here are typed (tp_btf arguments, bpf_get_current_task_btf):
 * their fields are plain loads that the kernel guards against faults, five
 * times cheaper than a helper call each.
 */
#ifndef FIM_BPF_COMMON_H
#define FIM_BPF_COMMON_H

#include "fim/bpf/kernel.h"
#include "fim/bpf/wire.h"
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Wake the reader only past this much: it polls every 10 ms anyway, and a
 * wakeup an event slows fork+exec by a fifth. */
#define WAKE_BYTES 65536

/* These have their user space names, which the skeleton repeats. */

/* Level and identity of Tocsin's pid namespace; written by `self`. */
__u32 self_level;
__u64 self_ns;
__u32 self_inum;
/* Records that found no room. */
__u64 lost;

/* Keeps the compiler from moving a bounds check away from the value that the
 * verifier must see checked. */
#define OPAQUE(x) asm volatile("" : "+r"(x))

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} ring SEC(".maps");

static __always_inline u64
ring_flags(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= WAKE_BYTES
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

/* The only way into the ring: what finds no room is counted. */
static __always_inline void
ring_put(void *record, u64 size)
{
	if (bpf_ringbuf_output(&ring, record, size, ring_flags()) != 0)
		__sync_fetch_and_add(&lost, 1);
}

/* The number of a pid in Tocsin's namespace; 0 if it is not visible there. */
static __always_inline u32
pid_number(struct pid *pid)
{
	u64 level = self_level & 31;
	struct upid upid;
	u64 at, nr;

	if (pid == NULL || pid->level < level)
		return 0;
	if (level == 0) {
		nr = (u64)pid->numbers[0].nr;
		OPAQUE(nr);
		return (u32)nr;
	}
	at = (u64)&pid->numbers[0];
	OPAQUE(at);
	at += level * bpf_core_type_size(struct upid);
	if (bpf_probe_read_kernel(&upid, sizeof(upid), (void *)at) != 0 ||
	    (u64)upid.ns != self_ns)
		return 0;
	return (u32)upid.nr;
}

/* False if Tocsin cannot see this process. */
static __always_inline bool
head_fill(struct wire_head *h, u16 kind, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	h->pid = pid_number(leader->thread_pid);
	if (h->pid == 0)
		return false;
	h->kind = kind;
	h->flags = 0;
	h->lost = (u32)lost;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->start_ns = leader->start_boottime;
	h->exit_code = 0;
	return true;
}

static __always_inline void
proc_fill_ids(struct wire_proc *w, const struct cred *cred)
{
	w->uid = cred->uid.val;
	w->euid = cred->euid.val;
	w->suid = cred->suid.val;
	w->gid = cred->gid.val;
	w->egid = cred->egid.val;
	w->sgid = cred->sgid.val;
	bpf_probe_read_kernel(&w->cap_permitted, sizeof(w->cap_permitted),
			      &cred->cap_permitted);
	bpf_probe_read_kernel(&w->cap_effective, sizeof(w->cap_effective),
			      &cred->cap_effective);
}

static __always_inline void
proc_fill_session(struct wire_proc *w, struct signal_struct *signal)
{
	struct pid *sid = signal->pids[PIDTYPE_SID];
	struct hlist_node *node;
	struct tty_struct *tty = signal->tty;
	u64 leader;

	w->pgid = pid_number(signal->pids[PIDTYPE_PGID]);
	w->sid = pid_number(sid);
	w->session = 0;
	w->session_start_ns = 0;
	node = sid ? sid->tasks[PIDTYPE_TGID].first : NULL;
	if (w->sid != 0 && node != NULL) {
		leader = (u64)node;
		leader -= bpf_core_field_offset(struct task_struct,
						pid_links[PIDTYPE_TGID]);
		w->session = w->sid;
		w->session_start_ns = BPF_CORE_READ(
			(struct task_struct *)leader, start_boottime);
	}
	w->tty_major = w->tty_minor = 0;
	if (tty != NULL) {
		w->tty_major = (u32)tty->driver->major;
		w->tty_minor = (u32)(tty->driver->minor_start + tty->index);
	}
}

static __always_inline void
proc_fill_namespaces(struct wire_head *h, struct wire_proc *w,
		     struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	u64 level = pid->level & 31, at;
	struct upid upid;

	w->mnt_ns = task->nsproxy->mnt_ns->ns.inum;
	w->pid_ns = self_inum;
	if (level <= self_level)
		return;
	h->flags |= WIRE_CONTAINER;
	at = (u64)&pid->numbers[0];
	OPAQUE(at);
	at += level * bpf_core_type_size(struct upid);
	if (bpf_probe_read_kernel(&upid, sizeof(upid), (void *)at) == 0)
		w->pid_ns = BPF_CORE_READ(upid.ns, ns.inum);
}

/* State of `task`, which must be a leader or about to be one. */
static __always_inline void
proc_fill(struct wire_head *h, struct wire_proc *w, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent->group_leader;

	if (task->flags & PF_KTHREAD)
		h->flags |= WIRE_KTHREAD;
	w->parent = pid_number(parent->thread_pid);
	w->parent_start_ns = w->parent ? parent->start_boottime : 0;
	proc_fill_ids(w, task->real_cred);
	proc_fill_session(w, task->signal);
	proc_fill_namespaces(h, w, task);
}

static __always_inline void
image_fill(struct wire_image *w, struct file *file)
{
	struct inode *inode = file->f_inode;

	w->inode = inode->i_ino;
	w->nlink = inode->i_nlink;
	w->dev = inode->i_sb->s_dev;
}

#endif
