/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the BPF sensor: what its files share. sensor_bpf.c loads and
 * drains, sensor_bpf_hooks.c attaches, sensor_bpf_event.c turns records into
 * events, sensor_bpf_seed.c tells of the processes that exist already.
 */
#ifndef FIM_SENSOR_BPF_H
#define FIM_SENSOR_BPF_H

#include "fim/bpf/wire.h"
#include "fim/sensor.h"

struct bpf_link;
struct bpf_object;

/* ---- records to events ----------------------------------------------- */

#define EXITS_KEPT 64u

/* What translating needs between records. Zero-initialise. */
struct translator {
	const struct sensor_config *config;
	uint64_t events, lost;
	uint32_t lost_seen; /* wire_head.lost of the last record */
	/* Two last threads that end at once both report the end. */
	struct proc_key exits[EXITS_KEPT];
	unsigned next_exit;
	char image[WIRE_PATH_MAX + 512], cwd[WIRE_PATH_MAX + 512];
	char env[WIRE_ENV_MAX + 1];
};

/* One record from the ring. Records of unknown shape are counted as lost. */
void translate_record(struct translator *, const void *record, size_t n,
		      const struct event_sink *);
/* Tells of losses up to `lost`, a value of wire_head.lost. */
void translate_loss(struct translator *, uint32_t lost, uint64_t time_ns,
		    const struct event_sink *);
void translate_head(struct event *, const struct wire_head *);
void translate_proc(struct event *, const struct wire_head *,
		    const struct wire_proc *);
void translate_image(struct event_exec *, const struct wire_image *);
/* Keeps the variables that the configuration names; result in `out`, which
 * holds WIRE_ENV_MAX bytes. False if they did not all fit. */
bool translate_env(const struct sensor_config *, struct view all, char *out,
		   struct view *kept);

/* ---- hooks ------------------------------------------------------------ */

/* What hooks serve, in the order of DETAILS in sensor_bpf_hooks.c. */
enum hook_group {
	HOOKS_PROCESS, /* exec, fork, exit: without them no sensor */
	HOOKS_TCP,
	HOOKS_UDP,
	HOOKS_ACCEPT,
	HOOKS_IDS,
	HOOKS_NAMES,
	HOOK_GROUPS
};

#define HOOKS_MAX 64

struct hooks {
	struct bpf_link *links[HOOKS_MAX];
	size_t n;
	unsigned wanted[HOOK_GROUPS], attached[HOOK_GROUPS];
	char why[HOOK_GROUPS][64]; /* the first failure of each */
};

/* Attaches what this host allows. -1 and errno when HOOKS_PROCESS failed. */
int hooks_attach(struct hooks *, const struct bpf_object *);
void hooks_detach(struct hooks *);
/* "exec fork exit, tcp, …; not seen: udp (reason)" */
void hooks_describe(const struct hooks *, char *out, size_t n);

/* ---- what exists already --------------------------------------------- */

/* -1 and errno. `iterator` is a descriptor of the task iterator's output. */
int seed_read(const struct sensor_config *, int iterator,
	      const struct event_sink *, uint64_t *events);

#endif
