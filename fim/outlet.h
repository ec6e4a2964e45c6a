/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An outlet delivers alerts in one way; sender.h runs one in its own process.
 * It may block: nobody else waits for it. What is given to it is JSON, one
 * line without its end, and the row it came from (cursor.h).
 *
 * `open` loads what must be there before the sandbox closes (libraries, keys)
 * and does not talk to the other side; `deliver` connects when it has to.
 */
#ifndef FIM_OUTLET_H
#define FIM_OUTLET_H

#include "fim/config.h"
#include "fim/cursor.h"
#include "fim/sandbox.h"

#define OUTLET_PATHS 16

/* What became of a delivery. */
struct outlet_result {
	struct buf why;	  /* set if not all were taken: one sentence */
	bool refused;	  /* the first alert not taken is the reason, and
			     would be refused again */
	uint64_t wait_ns; /* the other side asks to wait; 0 = it does not */
};

struct outlet {
	const struct outlet_ops *ops;
	const struct config_output *config;	 /* borrowed */
	struct sandbox_path paths[OUTLET_PATHS]; /* what it opens later */
	size_t n_paths;
	void *own; /* of ops */
};

struct outlet_ops {
	const char *type;
	bool sockets;	 /* makes sockets */
	bool one_by_one; /* is given one at a time */
	/* 0, or -1 with `why`. Adds to outlet->paths. */
	int (*open)(struct outlet *, struct buf *why);
	/* How many, from the first on, are known to have arrived. */
	size_t (*deliver)(struct outlet *, const struct cursor_alert *,
			  size_t n, struct outlet_result *);
	void (*close)(struct outlet *);
};

extern const struct outlet_ops outlet_file, outlet_journald, outlet_syslog,
	outlet_webhook;

void outlet_add_path(struct outlet *, const char *path, unsigned access);
/* What looking up names and the host's certificates reads. */
void outlet_add_network_paths(struct outlet *);

/* What receivers want to have apart from the JSON; borrowed from the arena and
 * the alert. Missing ones are empty. */
struct outlet_facts {
	struct view message, rule_name, level, host, severity, user, file;
	int priority; /* of syslog(3): 2 (critical) to 5 (low) */
};
void outlet_facts(const struct cursor_alert *, struct arena *,
		  struct outlet_facts *);

#endif
