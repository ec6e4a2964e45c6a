/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_setattr(2) and ioprio_set(2), which the C library does not wrap. */
#include "fim/hurry.h"

#include <assert.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scan/base.h"

/* include/uapi/linux/sched/types.h, first version. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};
static_assert(sizeof(struct attributes) == 48, "SCHED_ATTR_SIZE_VER0");

/*
 * Quick rather than greedy: what an intruder does right after a directory was
 * made is told with its author only if the directory is watched by then. A
 * short slice (Linux 6.12) means to run soon, not for long.
 */
void
hurry_always(void)
{
	struct attributes a = { .size = sizeof(a),
				.nice = -10,
				.runtime_ns = 100 * NS_PER_US };

	syscall(SYS_sched_setattr, 0, &a, 0);
}

void
hurry_now(bool on)
{
	struct attributes a = { .size = sizeof(a),
				.policy = SCHED_FIFO,
				.priority = 1 };

	if (on)
		syscall(SYS_sched_setattr, 0, &a, 0);
	else
		hurry_always();
}

void
hurry_never(void)
{
	struct attributes a = { .size = sizeof(a), .policy = SCHED_IDLE };

	syscall(SYS_sched_setattr, 0, &a, 0);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}
