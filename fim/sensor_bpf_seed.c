/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that exist already. The kernel's task iterator gives exact
 * identities and credentials; /proc adds the strings.
 */
#include "fim/sensor_bpf.h"

#include "fim/procfs.h"

#include <unistd.h>

#define TASKS_MAX_BYTES (256u << 20)

/* /proc/PID if it still is that process, else -1. */
static int
proc_open(struct proc_key key, struct arena *arena)
{
	struct event now = { 0 };
	int dir = procfs_open(key.pid);

	if (dir < 0)
		return -1;
	if (procfs_stat(dir, &now, NULL, arena) &&
	    now.key.start_ns == key.start_ns - key.start_ns % PROCFS_TICK_NS)
		return dir;
	close(dir);
	return -1;
}

static void
take_task(const struct sensor_config *config, const struct wire_task *w,
	  enum event_kind kind, const struct event_sink *sink,
	  struct arena *arena)
{
	struct event e = { .kind = kind, .role = ROLE_PROCESSES };
	int dir;

	arena_reset(arena);
	translate_head(&e, &w->head);
	translate_proc(&e, &w->head, &w->proc);
	translate_image(&e.exec, &w->image);
	dir = proc_open(e.key, arena);
	if (dir >= 0) {
		procfs_image(dir, config, &e, arena);
		close(dir);
	}
	sink->take(sink->ctx, &e);
}

int
seed_read(int iterator, struct buf *tasks)
{
	return fd_read_all(iterator, TASKS_MAX_BYTES, tasks);
}

void
seed_tell(struct translator *t, struct view tasks, enum event_kind kind,
	  const struct event_sink *sink)
{
	struct arena arena = { 0 };
	struct wire_task w;

	for (size_t at = 0; at + sizeof(w) <= tasks.n; at += sizeof(w)) {
		memcpy(&w, tasks.p + at, sizeof(w));
		/* A list leaves changes of user to be noticed. */
		if (kind == EVENT_ALREADY_RUNNING)
			ids_note(&t->ids,
				 (struct proc_key){ w.head.pid,
						    w.head.start_ns },
				 &w.proc);
		take_task(t->config, &w, kind, sink, &arena);
		t->events++;
	}
	arena_free(&arena);
}
