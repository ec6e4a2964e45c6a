/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sensor turns kernel records into events. The loop (loop.c) polls all of
 * them and keeps causality between them with two calls: `fetch` takes what
 * the kernel holds into the sensor's own memory, `deliver` hands it on. When a
 * file batch has been fetched, the process sensor is fetched and delivered
 * before the file batch is: whatever made the file is known by then.
 * It is the same with messages and who wrote them.
 *
 * A sensor keeps the order of its own records. It drops nothing silently: what
 * the kernel lost becomes an EVENT_LOSS in place. When what is there can be
 * listed anew, that follows (event.h, LIST_BEGIN).
 */
#ifndef FIM_SENSOR_H
#define FIM_SENSOR_H

#include "fim/event.h"

struct watchset;

/* Takes an event; borrows it for the call. */
struct event_sink {
	void (*take)(void *ctx, const struct event *);
	void *ctx;
};

/* Borrowed for the life of the sensor. */
struct sensor_config {
	const struct watchset *watchset; /* file sensors */
	/* Process sensors: bytes of argv kept (≤ 32 KiB, default 4 KiB) and
	 * the environment variables wanted, "NAME" each. */
	uint32_t max_args;
	const char *const *env_names;
	size_t n_env_names;
	bool short_queue;    /* of file events; fanotify */
	const char *journal; /* folder of journal files; NULL = the host's */
	/* How often is looked at what the kernel does not tell. */
	uint64_t poll_ns;
	/* What these processes do to files is Tocsin's own doing, too, and not
	 * told; NULL = there is none. */
	const pid_t *also_ours[2];
};

struct sensor_status {
	uint64_t events, lost;
	uint64_t queued;    /* bytes in the kernel's queue, where known */
	uint64_t watched;   /* directories, for file sensors */
	uint64_t unwatched; /* places that could not be watched */
	uint64_t polled;    /* of `watched`: only looked at, against its kind */
	char detail[160];   /* for people: hooks in use, what is not seen */
};

struct sensor; /* each sensor's own */

struct sensor_ops {
	const char *name; /* "bpf", "fanotify", … */
	/* NULL and one sentence in `err` when this host cannot. */
	struct sensor *(*open)(const struct sensor_config *, struct err *);
	void (*close)(struct sensor *); /* NULL is allowed */
	/* To poll for reading; -1 = poll by time only. */
	int (*fd)(const struct sensor *);
	/* >0: holds something to deliver; 0: nothing; -1: broken (errno). */
	int (*fetch)(struct sensor *);
	void (*deliver)(struct sensor *, const struct event_sink *);
	/* Everything that exists already (ALREADY_RUNNING for processes, a list
	 * of files with what is fetched next): after open, before the first
	 * fetch, and again for who has forgotten all. May be NULL. */
	int (*seed)(struct sensor *, const struct event_sink *);
	/* Another sensor tells of this process: look at it now, and deliver
	 * what is new. May be NULL. */
	void (*look)(struct sensor *, uint32_t pid, const struct event_sink *);
	/* Opens the file of an event delivered since the last fetch, for
	 * inspection: that object, or -1 and errno (ESTALE when the name holds
	 * another one by now); kind and handle are all it wants to know. May
	 * be NULL. The caller closes. */
	int (*open_file)(struct sensor *, const struct event *);
	/* Rules changed: watch the new set. May be NULL. */
	int (*rewatch)(struct sensor *, const struct watchset *, struct err *);
	void (*status)(const struct sensor *, struct sensor_status *);
	/* The stream has a hole that the sensor does not know of: list what is
	 * there, as after a loss. May be NULL. */
	void (*relist)(struct sensor *);
	/* The end is near: from now on nothing is kept back. May be NULL. */
	void (*settle)(struct sensor *);
};

extern const struct sensor_ops sensor_bpf;
extern const struct sensor_ops sensor_proc;
extern const struct sensor_ops sensor_poll;
extern const struct sensor_ops sensor_fan;
extern const struct sensor_ops sensor_inot;
extern const struct sensor_ops sensor_look;
extern const struct sensor_ops sensor_journal;

/* Hosts differ: can this sensor work here? Fills a sentence either way. Used
 * by `tocsin doctor`; opens nothing for good. */
struct probe {
	bool works;
	char why[200];
};
void sensor_bpf_probe(struct probe *);
void sensor_proc_probe(struct probe *);
void sensor_poll_probe(struct probe *);
void sensor_fan_probe(struct probe *);
void sensor_inot_probe(struct probe *);
void sensor_look_probe(struct probe *);
void sensor_journal_probe(struct probe *);

#endif
