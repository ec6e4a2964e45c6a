/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes: exec, fork, exit, and those that exist already.
 */
#ifndef FIM_BPF_PROCESS_H
#define FIM_BPF_PROCESS_H

#include "fim/bpf/common.h"
#include "fim/bpf/network.h"
#include "fim/bpf/waiting.h"

const volatile __u32 max_args = 4096;
const volatile __u32 n_env_names;
/* The first eight bytes of "NAME=", and which of them count. User space
 * compares the rest. */
const volatile __u64 env_first[WIRE_ENV_NAMES];
const volatile __u64 env_mask[WIRE_ENV_NAMES];

/* Bounds on what one exec may cost, whatever the caller hands over. */
#define ENV_STRINGS 512
#define PATH_NAMES 128

/* An exec record is put together here; one a CPU, because preemption is off
 * during a tracepoint and nothing else uses it. (Per-CPU maps stop at 32 KiB
 * a value.) */
struct exec_scratch {
	struct wire_exec exec;
	char strings[WIRE_STRINGS_MAX];
	u64 env[WIRE_ENV_MAX / 8]; /* the variable looked at */
	u64 env_at, env_end, env_continued;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* user space: possible CPUs */
	__type(key, u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

static __always_inline struct exec_scratch *
scratch(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&exec_scratch, &cpu);
}

struct step {
	u64 parent, hash, name;
};

/* Parent and name of a dentry: neighbours in every kernel so far, and so one
 * read instead of two. */
static __always_inline void
step_read(struct step *step, u64 dentry)
{
	struct dentry *d = (void *)dentry;

	if (bpf_core_field_offset(struct dentry, d_name.name) ==
	    bpf_core_field_offset(struct dentry, d_parent) + 16) {
		bpf_probe_read_kernel(step, sizeof(*step), &d->d_parent);
		return;
	}
	step->parent = (u64)BPF_CORE_READ(d, d_parent);
	step->name = (u64)BPF_CORE_READ(d, d_name.name);
}

/*
 * Appends the names from `dentry` up to the root of the mount tree, crossing
 * mounts as fs/d_path.c prepend_path() does. Returns the new end; with bit 31
 * set if the path was cut.
 */
__noinline u32
path_put(u64 mnt, u64 dentry, u32 end)
{
	struct exec_scratch *s = scratch();
	u64 limit = (u64)end + WIRE_PATH_MAX, at = end;
	struct step step = {};
	struct mount *m;
	u64 root, up;
	long n;

	if (s == NULL)
		return end;
	m = (void *)(mnt - bpf_core_field_offset(struct mount, mnt));
	root = (u64)BPF_CORE_READ((struct vfsmount *)mnt, mnt_root);
	for (int i = 0; i < PATH_NAMES; i++) {
		if (dentry == root) {
			up = (u64)BPF_CORE_READ(m, mnt_parent);
			if (up == (u64)m)
				return (u32)at;
			dentry = (u64)BPF_CORE_READ(m, mnt_mountpoint);
			m = (void *)up;
			root = (u64)BPF_CORE_READ(m, mnt.mnt_root);
			continue;
		}
		OPAQUE(at);
		if (at > limit || at > WIRE_STRINGS_MAX - 256)
			break;
		step_read(&step, dentry);
		n = bpf_probe_read_kernel_str(s->strings + at, 256,
					      (void *)step.name);
		if (n > 0)
			at += (u64)n;
		/* A file outside of any tree, such as a memfd. */
		if (step.parent == dentry)
			return (u32)at;
		dentry = step.parent;
	}
	return (u32)at | 1u << 31;
}

/* A function of its own, so that the verifier walks it once and not in every
 * turn of the loop below. */
__noinline int
env_wanted(u64 first)
{
	for (u32 i = 0; i < WIRE_ENV_NAMES; i++) {
		if (i >= n_env_names)
			break;
		if ((first & env_mask[i]) == env_first[i])
			return 1;
	}
	return 0;
}

/* Takes over the string just read; false if there is no room. */
static __always_inline bool
env_keep(struct exec_scratch *s, u64 from, u64 limit)
{
	u64 at = s->env_end;
	long n;

	OPAQUE(at);
	if (at >= limit || at > WIRE_STRINGS_MAX - WIRE_ENV_MAX)
		return false;
	n = bpf_probe_read_user_str(s->strings + at, WIRE_ENV_MAX,
				    (void *)from);
	if (n > 0)
		s->env_end = at + (u64)n;
	return s->env_end <= limit;
}

/*
 * Appends the environment at start..stop, result as path_put's. As it is when
 * that takes no more room than argv may: copying is ten times cheaper than
 * looking. Of a larger one only the wanted variables. What changes from turn to
 * turn lies in memory: the verifier knows nothing of its value there and so
 * finds all turns alike.
 */
__noinline u32
env_put(u64 start, u64 stop, u32 end)
{
	struct exec_scratch *s = scratch();
	u64 limit = (u64)end + WIRE_ENV_MAX;
	long n;

	if (s == NULL || end > WIRE_STRINGS_MAX - WIRE_ENV_MAX)
		return end;
	if (stop - start <= WIRE_ENV_MAX &&
	    bpf_probe_read_user(s->strings + end, (u32)(stop - start),
				(void *)start) == 0)
		return end + (u32)(stop - start);
	s->env_end = end;
	s->env_at = start;
	s->env_continued = 0;
	for (int i = 0; i < ENV_STRINGS; i++) {
		start = s->env_at;
		if (start >= stop)
			return (u32)s->env_end;
		n = bpf_probe_read_user_str(s->env, sizeof(s->env),
					    (void *)start);
		if (n <= 0)
			break;
		if (!s->env_continued && env_wanted(s->env[0]) &&
		    !env_keep(s, start, limit))
			break;
		/* A string as long as the buffer lacks its NUL: what follows
		 * is its rest, not a variable. */
		s->env_continued = n == sizeof(s->env);
		s->env_at = start + (u64)n - s->env_continued;
	}
	return (u32)s->env_end | 1u << 31;
}

static __always_inline u64
given_put(struct exec_scratch *s, struct linux_binprm *bprm)
{
	u64 at = 0, before;
	long n;

	/* The kernel has just copied the path there, for AT_EXECFN. */
	n = bpf_probe_read_user_str(s->strings, WIRE_PATH_MAX,
				    (void *)bprm->exec);
	at = n > 0 ? (u64)n : 0;
	s->exec.length[WIRE_GIVEN] = (u32)at;
	OPAQUE(at);
	if (at > WIRE_PATH_MAX)
		at = WIRE_PATH_MAX;
	before = at;
	n = bpf_probe_read_kernel_str(s->strings + at, WIRE_PATH_MAX,
				      bprm->interp);
	at += n > 0 ? (u64)n : 0;
	s->exec.length[WIRE_INTERP] = (u32)(at - before);
	return at;
}

/* Notes what path_put or env_put appended; returns the new end. */
static __always_inline u64
string_close(struct exec_scratch *s, int which, u64 before, u32 after)
{
	if (after & 1u << 31)
		s->exec.head.flags |=
			WIRE_TRUNCATED |
			(which == WIRE_IMAGE ? WIRE_CUT_IMAGE : 0) |
			(which == WIRE_CWD ? WIRE_CUT_CWD : 0);
	after &= ~(1u << 31);
	s->exec.length[which] = (u32)(after - before);
	return after;
}

static __always_inline u64
args_put(struct exec_scratch *s, struct mm_struct *mm, u64 at)
{
	u64 n = mm->arg_end - mm->arg_start;

	if (n > max_args) {
		n = max_args;
		s->exec.head.flags |= WIRE_TRUNCATED;
	}
	OPAQUE(n);
	if (n > WIRE_ARGS_MAX)
		n = WIRE_ARGS_MAX;
	OPAQUE(at);
	if (at > WIRE_STRINGS_MAX - WIRE_ARGS_MAX)
		at = WIRE_STRINGS_MAX - WIRE_ARGS_MAX;
	if (bpf_probe_read_user(s->strings + at, (u32)n,
				(void *)mm->arg_start) != 0) {
		s->exec.head.flags |= WIRE_TRUNCATED;
		n = 0;
	}
	s->exec.length[WIRE_ARGV] = (u32)n;
	return at + n;
}

/* A struct path as plain numbers: a function of its own takes no typed
 * pointers (the verifier looks at it by itself). */
static __always_inline u64
file_put(struct exec_scratch *s, int which, struct path *path, u64 at)
{
	struct {
		u64 mnt, dentry;
	} raw = {};

	bpf_probe_read_kernel(&raw, sizeof(raw), path);
	return string_close(s, which, at,
			    path_put(raw.mnt, raw.dentry, (u32)at));
}

static __always_inline u64
exec_strings(struct exec_scratch *s, struct task_struct *p,
	     struct linux_binprm *bprm)
{
	struct mm_struct *mm = p->mm;
	u64 at = given_put(s, bprm);

	at = file_put(s, WIRE_IMAGE, &bprm->file->f_path, at);
	at = file_put(s, WIRE_CWD, &p->fs->pwd, at);
	s->exec.length[WIRE_ENV] = 0;
	if (n_env_names > 0)
		at = string_close(s, WIRE_ENV, at,
				  env_put(mm->env_start, mm->env_end, (u32)at));
	return args_put(s, mm, at);
}

SEC("tp_btf/sched_process_exec")
int
BPF_PROG(on_exec, struct task_struct *p, int old_pid, struct linux_binprm *bprm)
{
	struct exec_scratch *s = scratch();
	u64 at;

	/* Before the time is taken: what is read after that had been waiting
	 * or is younger. */
	waiting_put(p);
	if (s == NULL || !head_fill(&s->exec.head, WIRE_EXEC, p))
		return 0;
	if (bprm->file->f_inode->i_mode & (S_ISUID | S_ISGID))
		s->exec.head.flags |= WIRE_SETID;
	proc_fill(&s->exec.head, &s->exec.proc, p);
	image_fill(&s->exec.image, bprm->file);
	s->exec.image.argc = (u32)bprm->argc;
	bpf_get_current_comm(s->exec.image.comm, sizeof(s->exec.image.comm));
	s->exec.image.socket_fds =
		exec_stdio(p, s->exec.socks, s->exec.stdio_inode);
	at = exec_strings(s, p, bprm);
	at += sizeof(s->exec);
	OPAQUE(at);
	if (at > sizeof(s->exec) + WIRE_STRINGS_MAX)
		return 0;
	ring_put(s, at);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int
BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *maker = parent->group_leader, *above;
	struct wire_fork w;

	/* A thread is no process. */
	if (child->pid != child->tgid)
		return 0;
	if (!head_fill(&w.head, WIRE_FORK, child))
		return 0;
	proc_fill(&w.head, &w.proc, child);
	above = maker->real_parent->group_leader;
	w.maker = pid_number(maker->thread_pid);
	w.maker_start_ns = maker->start_boottime;
	w.maker_parent = pid_number(above->thread_pid);
	w.maker_parent_start_ns = w.maker_parent ? above->start_boottime : 0;
	ring_put(&w, sizeof(w));
	return 0;
}

/* The process ends with its last thread, whichever that is: do_exit() counts
 * signal->live down before it comes here. Two threads that end together may
 * both see 0; user space takes the first. */
SEC("tp_btf/sched_process_exit")
int
BPF_PROG(on_exit, struct task_struct *p)
{
	struct signal_struct *signal = p->signal;
	struct wire_exit w;
	bool told;

	if (signal->live.counter != 0)
		return 0;
	told = waiting_put(p);
	if (!head_fill(&w.head, WIRE_EXIT, p))
		return 0;
	if (told)
		w.head.flags |= WIRE_TOLD;
	proc_fill(&w.head, &w.proc, p);
	/* As wait_task_zombie() in kernel/exit.c chooses. */
	w.head.exit_code = signal->flags & SIGNAL_GROUP_EXIT
				   ? signal->group_exit_code
				   : p->group_leader->exit_code;
	ring_put(&w, sizeof(w));
	return 0;
}

/* Everything that exists, one record a process, into the reader's file. */
SEC("iter/task")
int
on_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct wire_task w = {};

	if (task == NULL || task->pid != task->tgid ||
	    !head_fill(&w.head, WIRE_TASK, task))
		return 0;
	proc_fill(&w.head, &w.proc, task);
	if (task->mm != NULL && task->mm->exe_file != NULL)
		image_fill(&w.image, task->mm->exe_file);
	bpf_probe_read_kernel_str(w.image.comm, sizeof(w.image.comm),
				  task->comm);
	bpf_seq_write(ctx->meta->seq, &w, sizeof(w));
	return 0;
}

/* Run once by user space: which pid namespace are we in? */
SEC("raw_tp")
int
on_self(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pid *pid = task->group_leader->thread_pid;
	u64 at = (u64)&pid->numbers[0];
	struct upid upid;

	self_level = pid->level;
	OPAQUE(at);
	at += (pid->level & 31) * bpf_core_type_size(struct upid);
	if (bpf_probe_read_kernel(&upid, sizeof(upid), (void *)at) != 0)
		return 0;
	self_ns = (u64)upid.ns;
	self_inum = BPF_CORE_READ(upid.ns, ns.inum);
	return 1;
}

#endif
