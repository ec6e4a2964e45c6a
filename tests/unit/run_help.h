/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that tests use as they are, such as cp and rm: no shell has a word
 * in what they are given. */
#ifndef TESTS_RUN_HELP_H
#define TESTS_RUN_HELP_H

#include <sys/wait.h>
#include <unistd.h>

/* RUN("rm", "-r", folder): its exit code, -1 if it did not exit. */
#define RUN(...) run_program((const char *const[]){ __VA_ARGS__, NULL })

static inline int
run_program(const char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#endif
