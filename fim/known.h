/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that a sensor without eBPF knows, and the events it makes of
 * them: what the connector (sensor_proc.c) and the poller (sensor_poll.c)
 * share. The kernel tells these two little or nothing, so everything is looked
 * up in /proc at once, and what has gone by then stays empty (event_exec's
 * `missing`). A process is known by its pid and the start time that /proc
 * shows, which is in ticks of 10 ms.
 *
 * Events wait in a batch, with their strings, until they are delivered.
 */
#ifndef FIM_KNOWN_H
#define FIM_KNOWN_H

#include "fim/procfs.h"

/* For so long after its exec all of a program's sockets are looked at. */
#define KNOWN_YOUNG_NS (5 * NS_PER_SEC)
#define KNOWN_SOCKETS 8u

struct known {
	struct known *next;		      /* same bucket */
	struct known *young_next, **young_at; /* NULL: not young */
	struct proc_key key;
	struct event_proc proc; /* as last heard of */
	uint64_t image;		/* procfs_stat; 0 = not known */
	uint64_t exec_ns;
	uint32_t round;	   /* of the listing that met it last */
	uint32_t uid, gid; /* that own its directory in /proc */
	bool leader_gone;  /* its first thread has ended, others have not */
	uint32_t n_told;
	uint64_t told[KNOWN_SOCKETS]; /* sockets; the latest */
};

#define KNOWN_BUCKETS 16384u /* a power of two */

/* Zero-initialise, set `config`; known_free. */
struct knowns {
	const struct sensor_config *config; /* borrowed */
	struct known *buckets[KNOWN_BUCKETS];
	struct known *young;
	size_t n;
	uint32_t round;
	/* The batch. */
	struct event *v; /* owned, with strings in the arena */
	size_t n_events, cap;
	struct arena arena;
	uint64_t told, lost,
		gone;	 /* events; lost ones; execs without details */
	bool no_sockets; /* descriptors may not be looked at */
};

struct known *known_find(struct knowns *, uint32_t pid);
void known_age(struct known *); /* not young any more */
void known_free(struct knowns *);
/* All processes: the next list with `first` tells of them again. */
void known_forget(struct knowns *);

/* ---- what happened --------------------------------------------------- */

/* Each queues an event; times are boot time. */
void
known_fork(struct knowns *, uint32_t pid, uint32_t parent, uint64_t time_ns);
void known_exec(struct knowns *, uint32_t pid, uint64_t time_ns);
/* `code`: wait(2) status or EXIT_CODE_UNKNOWN. */
void known_exit(struct knowns *, uint32_t pid, int32_t code, uint64_t time_ns);
/* A thread of this process has ended; the process, if it was the last. */
void known_thread_exit(struct knowns *, uint32_t pid, bool leader, int32_t code,
		       uint64_t time_ns);
/* Its user or group may have changed. */
void known_ids(struct knowns *, uint32_t pid, uint64_t time_ns);
void known_session(struct knowns *, uint32_t pid, uint64_t time_ns);
/* `again`: known_list will be called, as soon as the queue is read. */
void
known_loss(struct knowns *, struct view cause, bool again, uint64_t time_ns);

/* ---- looking --------------------------------------------------------- */

/* All of /proc against what is known: who is new, who runs something else, who
 * has gone. `first`: all are ALREADY_RUNNING. `how` marks what is found later.
 * -1 and errno when /proc cannot be listed. */
int
known_list(struct knowns *, bool first, enum attribution how, uint64_t now_ns);
/* The same for one process, of which another event tells. What it runs is
 * forgotten if it has gone. */
void known_look(struct knowns *, uint32_t pid, uint64_t now_ns);
/* The connected sockets of programs that began a short while ago. */
void known_sockets(struct knowns *, uint64_t now_ns);
/* Those on descriptors 0 to 2, which it was given. */
void known_inherited(struct knowns *, struct known *, uint32_t fds, int dir,
		     uint64_t time_ns);

/* ---- the batch ------------------------------------------------------- */

/* Room for one more, zeroed but for kind, time, key and attribution; NULL when
 * memory is out, which is counted. */
struct event *known_event(struct knowns *, enum event_kind,
			  const struct known *, uint64_t time_ns);
void known_deliver(struct knowns *, const struct event_sink *);

#endif
