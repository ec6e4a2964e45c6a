/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the BPF sensor: what its files share. sensor_bpf.c loads and
 * drains, sensor_bpf_hooks.c attaches, sensor_bpf_ring.c reads,
 * sensor_bpf_event.c turns records into events, sensor_bpf_ids.c notices
 * changes of user, sensor_bpf_seed.c tells of the processes that exist already.
 */
#ifndef FIM_SENSOR_BPF_H
#define FIM_SENSOR_BPF_H

#include "fim/bpf/wire.h"
#include "fim/sensor.h"

struct bpf_link;
struct bpf_object;

/* ---- user, group and session ----------------------------------------- */

/*
 * What each process's ids were when it was last heard of. No hook that a
 * hardened host permits fires when they change, but tracepoints of system
 * calls, at a price for every call; so a change is told before the next thing
 * the process does (fork, exec, connect, accept), and at its end at the
 * latest. A cache of fixed size: what it forgets is learnt anew, and a change
 * in between is missed.
 */
#define IDS_SETS 4096u
#define IDS_WAYS 4u

struct ids_entry {
	uint64_t start_ns;
	uint32_t pid, used; /* pid 0 = free; `used`: when, by count */
	uint32_t uid, euid, suid, gid, egid, sgid, sid;
};

struct ids {
	struct ids_entry v[IDS_SETS][IDS_WAYS];
	uint32_t clock;
	uint64_t forgotten;
};

enum { IDS_UID = 1, IDS_GID = 2, IDS_SESSION = 4 };

/* Notes the ids and returns what differs from those known. */
unsigned ids_note(struct ids *, struct proc_key, const struct wire_proc *);
void ids_forget(struct ids *, struct proc_key);

/* ---- records to events ----------------------------------------------- */

#define EXITS_KEPT 64u

/* What translating needs between records. Zero-initialise. */
struct translator {
	const struct sensor_config *config;
	uint64_t events, lost;
	uint32_t lost_seen; /* wire_head.lost of the last record */
	bool relist;	    /* processes are to be listed again */
	/* Two last threads that end at once both report the end. */
	struct proc_key exits[EXITS_KEPT];
	unsigned next_exit;
	struct ids ids;
	char image[WIRE_PATH_MAX + 512], cwd[WIRE_PATH_MAX + 512];
	char env[WIRE_ENV_MAX + 1];
};

/* One record from the ring. Records of unknown shape are counted as lost. */
void translate_record(struct translator *, const void *record, size_t n,
		      const struct event_sink *);
/* Tells of losses up to `lost`, a value of wire_head.lost. */
void translate_loss(struct translator *, uint32_t lost, uint64_t time_ns,
		    const struct event_sink *);
/* Tells of `n` runs of a program that the kernel left out. */
void translate_missed(struct translator *, uint64_t n, uint64_t time_ns,
		      const struct event_sink *);
void translate_head(struct event *, const struct wire_head *);
void translate_proc(struct event *, const struct wire_head *,
		    const struct wire_proc *);
void translate_image(struct event_exec *, const struct wire_image *);
/* Keeps the variables that the configuration names; result in `out`, which
 * holds WIRE_ENV_MAX bytes. False if they did not all fit. */
bool translate_env(const struct sensor_config *, struct view all, char *out,
		   struct view *kept);

/* ---- the ring -------------------------------------------------------- */

/* Zero-initialise; ring_close is allowed after a failed ring_open. */
struct ring {
	size_t page, size; /* size: a power of two */
	unsigned long *read_to;
	const unsigned long *written_to;
	const char *data;
	unsigned long mark; /* ring_drain goes up to here */
	char *whole;	    /* for a record that runs over the end */
	int epoll_fd;	    /* to poll for reading */
};

int ring_open(struct ring *, int map_fd, size_t size); /* -1 and errno */
void ring_close(struct ring *);
/* Marks what has been written; false if there is nothing. */
bool ring_mark(struct ring *);
/* Bytes written and not read yet. */
uint64_t ring_queued(const struct ring *);
/* Hands over everything before the mark, borrowed for the call; n is 0 for a
 * record that cannot be. False if a writer does not finish. */
bool ring_drain(struct ring *,
		void (*take)(void *ctx, const void *record, size_t n),
		void *ctx);

/* ---- hooks ----------------------------------------------------------- */

/* What hooks serve, in the order in which people read of them. */
enum hook_group {
	HOOKS_PROCESS, /* exec, fork, exit: without them no sensor */
	HOOKS_TCP,
	HOOKS_ACCEPT,
	HOOKS_UDP,
	HOOKS_MODULES,
	HOOK_GROUPS
};

#define HOOKS_MAX 16

struct hooks {
	struct bpf_link *links[HOOKS_MAX];
	size_t n;
	unsigned wanted[HOOK_GROUPS], attached[HOOK_GROUPS];
	char why[HOOK_GROUPS][64]; /* the first failure of each */
};

/* A kernel without modules has no tracepoint for them, and none to see. */
bool hooks_have_modules(void);
/* Attaches what this host allows. -1 and errno when HOOKS_PROCESS failed. */
int hooks_attach(struct hooks *, const struct bpf_object *);
void hooks_detach(struct hooks *);
/* "exec fork exit, tcp, …; not seen: udp (reason)" */
void hooks_describe(const struct hooks *, char *out, size_t n);

/* ---- what exists already --------------------------------------------- */

/* All there is of the task iterator's output. -1 and errno. */
int seed_read(int iterator, struct buf *tasks);
/* Each as an event: ALREADY_RUNNING, or RUNNING for a list. */
void seed_tell(struct translator *, struct view tasks, enum event_kind,
	       const struct event_sink *);

#endif
