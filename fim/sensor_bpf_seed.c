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
	  const struct event_sink *sink, struct arena *arena)
{
	struct event e = { .kind = EVENT_ALREADY_RUNNING };
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
seed_read(struct translator *t, int iterator, const struct event_sink *sink)
{
	struct arena arena = { 0 };
	struct buf tasks = { 0 };
	struct wire_task w;
	int r = fd_read_all(iterator, TASKS_MAX_BYTES, &tasks);

	for (size_t at = 0; r == 0 && at + sizeof(w) <= tasks.n;
	     at += sizeof(w)) {
		memcpy(&w, tasks.p + at, sizeof(w));
		ids_note(&t->ids,
			 (struct proc_key){ w.head.pid, w.head.start_ns },
			 &w.proc);
		take_task(t->config, &w, sink, &arena);
		t->events++;
	}
	arena_free(&arena);
	buf_free(&tasks);
	return r;
}
