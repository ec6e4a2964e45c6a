/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events for the tests of the process table. */
#ifndef TESTS_UNIT_PROC_HELP_H
#define TESTS_UNIT_PROC_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fim/image.h"

#define SECOND NS_PER_SEC

static inline struct event
event(enum event_kind kind, uint32_t pid, uint64_t start_ns, uint64_t time_ns)
{
	struct event e = {
		.kind = kind,
		.time_ns = time_ns,
		.key = { pid, start_ns },
		.pidfd = -1,
		.proc.sid = pid,
	};

	return e;
}

static inline struct proc *
run_at(struct procs *t, uint32_t pid, uint64_t start_ns, const char *given,
       uint64_t time_ns)
{
	struct event e = event(EVENT_EXEC, pid, start_ns, time_ns);

	e.proc.parent = (struct proc_key){ 1, 0 };
	e.exec.given = e.exec.image = e.exec.interp = view_of(given);
	e.exec.cwd = VIEW("/");
	return procs_apply(t, &e);
}

static inline struct proc *
run(struct procs *t, uint32_t pid, uint64_t start_ns, const char *given,
    struct proc_key parent)
{
	struct event e = event(EVENT_EXEC, pid, start_ns, start_ns);

	e.proc.parent = parent;
	e.exec.given = e.exec.image = e.exec.interp = view_of(given);
	e.exec.cwd = VIEW("/");
	return procs_apply(t, &e);
}

static inline struct proc *
fork_of(struct procs *t, uint32_t pid, uint64_t start_ns,
	struct proc_key parent)
{
	struct event e = event(EVENT_FORK, pid, start_ns, start_ns);

	e.proc.parent = parent;
	return procs_apply(t, &e);
}

static inline void
leave(struct procs *t, struct proc_key key, uint64_t time_ns)
{
	struct event e = event(EVENT_EXIT, key.pid, key.start_ns, time_ns);

	procs_apply(t, &e);
}

static inline void
act(struct procs *t, struct proc_key key, const char *name, uint64_t time_ns)
{
	struct event e = event(EVENT_NAME_ACT, key.pid, key.start_ns, time_ns);

	e.file.path = view_of(name);
	procs_apply(t, &e);
}

static inline struct author
author_of(struct procs *t, uint32_t pid, const char *path, uint64_t time_ns)
{
	struct event e = event(EVENT_CREATE, pid, 0, time_ns);

	e.file.path = view_of(path);
	return procs_author(t, &e);
}

static inline struct procs *
table(struct procs_options options)
{
	struct procs *t = procs_new(&options);

	assert_non_null(t);
	return t;
}

#define assert_view(v, literal)                                        \
	do {                                                           \
		struct view seen = (v);                                \
		assert_int_equal(seen.n, strlen(literal));             \
		assert_memory_equal(seen.p, literal, strlen(literal)); \
	} while (0)

#endif
