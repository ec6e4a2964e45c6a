/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side of the process and network sensor, one object. Only typed
 * and plain tracepoints, an iterator and cgroup hooks: hardened hosts refuse
 * kprobes, fentry and LSM programs.
 */
#include "fim/bpf/process.h"
#include "fim/bpf/network.h"
#include "fim/bpf/names.h"

/* Helpers that read kernel memory ask for a GPL-compatible licence. */
char licence[] SEC("license") = "GPL";
