/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel modules. kernel/module/main.c fires module_load when a module is in
 * place and before its own code runs; what it taints the kernel with is known
 * by then. Loaded by insmod or by the modprobe that the kernel starts, which
 * is the current process in either case. A kernel without modules does not
 * have the tracepoint; user space leaves the program out there.
 */
#ifndef FIM_BPF_MODULE_H
#define FIM_BPF_MODULE_H

#include "fim/bpf/common.h"

/* asm/unistd_64.h, asm/unistd_32.h; asm-generic/unistd.h. */
#define X86_INIT_MODULE 175
#define X86_COMPAT_INIT_MODULE 128
#define GENERIC_INIT_MODULE 105

/* In which of the two calls are we? Elsewhere than on these machines the
 * usual one is taken for granted. */
static __always_inline bool
module_from_file(void)
{
	struct pt_regs___any *regs =
		(void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u64 nr;

	if (bpf_core_field_exists(regs->orig_ax)) {
		nr = BPF_CORE_READ(regs, orig_ax);
		return nr != X86_INIT_MODULE && nr != X86_COMPAT_INIT_MODULE;
	}
	if (bpf_core_field_exists(regs->syscallno))
		return BPF_CORE_READ(regs, syscallno) != GENERIC_INIT_MODULE;
	return true;
}

SEC("tp_btf/module_load")
int
BPF_PROG(on_module, struct module *mod)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct wire_module w = {};

	if (!head_fill(&w.head, WIRE_MODULE, task))
		return 0;
	proc_fill(&w.head, &w.proc, task->group_leader);
	w.taints = BPF_CORE_READ(mod, taints);
	w.from_file = module_from_file();
	bpf_probe_read_kernel_str(w.name, sizeof(w.name), mod->name);
	ring_put(&w, sizeof(w));
	return 0;
}

#endif
