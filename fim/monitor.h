/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine, the deciding one of the two processes of `tocsin watch`
 * (keeper.h): pipeline and outputs, and the loop that moves events through
 * them in causal order. When everything is open it confines itself
 * (confine.h).
 */
#ifndef FIM_MONITOR_H
#define FIM_MONITOR_H

#include "baselines/heart.h"
#include "fim/budget.h"
#include "fim/config.h"
#include "fim/hashes.h"
#include "fim/load.h"
#include "fim/metrics.h"
#include "fim/options.h"
#include "fim/output.h"
#include "fim/own.h"
#include "fim/pipeline.h"
#include "fim/remote.h"
#include "fim/repair.h"
#include "fim/sender.h"
#include "fim/sensors.h"
#include "fim/trace.h"
#include "fim/watchset.h"

/* One sensor of the three roles. Those of processes and files are the
 * keeper's, and `ops` ask there; that of messages is our own: what it reads is
 * anybody's text. */
struct source {
	const struct sensor_ops *ops; /* NULL = this role is empty */
	const struct sensor_row *row; /* which it is */
	struct sensor *sensor;	      /* owned */
};

struct monitor {
	const struct options *options; /* borrowed */
	struct cmd_io *io;	       /* borrowed */
	struct config config;
	struct host host;
	struct arena arena;  /* strings of host and settings */
	struct rules *rules; /* owned; replaced on reload */
	struct watchset watchset;
	size_t vague; /* rule patterns that name no place */
	struct own own;
	struct trust trust;
	struct sign_keys rule_keys; /* v owned; n 0 = need not be signed */
	bool tampered;		    /* the last set that was refused */
	struct state *state;
	struct sensor_choice choice;
	struct sensor_config sensor_config; /* for as long as they live */
	struct remote remote;		    /* the keeper */
	struct source processes, files, messages;
	const struct engine_birth *birth; /* borrowed */
	struct pipeline *pipeline;
	struct repair *repair;
	struct output output;
	struct senders senders;
	struct trace trace;
	struct metrics metrics;
	struct budget budget;
	/* boot; when all sensors were opened, when all that runs had been
	 * told */
	uint64_t opened_ns, seeded_ns;
	/* Of processes that were told as missed: their sensor may tell of them
	 * as well. */
	struct hashes told;
	uint64_t end_ns; /* wall; all events before have come */
	const char **env_names;
	uint64_t status_ns;	  /* boot; when to tell systemd how it is */
	uint64_t tidy_ns;	  /* the same; heap.h */
	bool stopping;		  /* has been asked to */
	uint64_t memory_ns;	  /* boot; when lack of memory is said */
	uint64_t memory_said;	  /* what it had cost when it was said */
	uint64_t losses_said_ns;  /* when the last loss was put on notes */
	const char *state_folder; /* borrowed */
	int state_lock;		  /* descriptor; -1 = none */
	uint64_t recorded_ns;	  /* boot; when status.json was written */
	struct sign_secret *heart_key; /* owned; NULL = none */
	struct heart heart;
	bool heart_failed; /* the last sign of life, and that has been said */
	struct heart_last heart_last; /* of the run before this one */
};

/* Opens everything in the order that lets nothing slip between. The exit code
 * of what failed, with a sentence in io->err; EXIT_NOTHING when it runs. Close
 * in both cases. */
enum exit_code monitor_open(struct monitor *, const struct engine_birth *,
			    const struct options *, struct cmd_io *);
/* Until a signal ends it. */
enum exit_code monitor_run(struct monitor *);
void monitor_close(struct monitor *);

/* Loads, seals and derives the watch set. -1 with `err` when nothing usable
 * remains, or anything at all is wrong and `strict`; the old ones are kept. */
int monitor_load_rules(struct monitor *, bool strict, struct err *);
/* Says how the run before ended: before anything is told that exists. */
void monitor_begin(struct monitor *);
/* Gives the pipeline what the state database remembers. */
int monitor_remember_terms(struct monitor *);
/* For sensors: what they tell, but for what has been told by then. */
void monitor_take(void *monitor, const struct event *);
/* The sensor of this role has failed: the next one, if there is. */
void monitor_fall_back(struct monitor *, const struct sensor_row *failed);
/* Diagnostics while it runs go to notes. */
void monitor_note_errors(struct monitor *, const struct err *);

#endif
