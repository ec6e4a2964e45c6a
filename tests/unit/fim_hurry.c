/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling: what the kernel then says of us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fim/hurry.h"

/* 0 if this thread waits for everybody else. */
static int
look(void)
{
	long io = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);

	return (sched_getscheduler(0) == SCHED_IDLE ? 0 : 1) +
	       (io >= 0 && IOPRIO_PRIO_CLASS(io) == IOPRIO_CLASS_IDLE ? 0 : 2);
}

static void *
look_from_thread(void *out)
{
	*(int *)out = look();
	return NULL;
}

/* In a child: there is no way back. */
static int
never(void)
{
	pthread_t thread;
	int there = 4;

	if (look() != 3)
		return 8;
	hurry_never();
	if (pthread_create(&thread, NULL, look_from_thread, &there) != 0)
		return 16;
	pthread_join(thread, NULL);
	return look() | there;
}

static void
test_never(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (look() != 3)
		skip(); /* somebody runs the tests like that */
	pid = fork();
	if (pid == 0)
		_exit(never());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
