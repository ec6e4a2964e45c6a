/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side of the process and network sensor, one object. Only typed
 * tracepoints, an iterator and cgroup hooks: hardened hosts refuse kprobes,
 * fentry and LSM programs, and tracepoints of system calls slow all of them
 * down (50 to 75 ns a call here, 1 µs on the way to a new file).
 */
#include "fim/bpf/module.h"
#include "fim/bpf/network.h"
#include "fim/bpf/process.h"
#include "fim/bpf/waiting.h"

/* Helpers that read kernel memory ask for a GPL-compatible licence. */
char licence[] SEC("license") = "GPL";
