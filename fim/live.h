/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live event as a record: the getters behind fields.def. Values are made
 * when a rule or an output asks for them, out of the event, the process table
 * and, only if somebody asks, the file itself.
 */
#ifndef FIM_LIVE_H
#define FIM_LIVE_H

#include "fim/event.h"
#include "fim/facts.h"
#include "fim/names.h"
#include "fim/proc.h"
#include "fim/procfs.h"
#include "rules/rules.h"

struct own;

/* What is the same for every event of this host. Views borrowed for life. */
struct host {
	struct view id;	  /* machine-id(5), or the boot id without one */
	struct view name; /* uname's nodename */
	struct view architecture;
	struct view boot;	 /* first 8 hex digits of the boot id */
	uint64_t wall_offset_ns; /* wall clock minus boot clock */
	const struct own *own;	 /* borrowed; NULL = not known */
};
/* Strings in the arena. */
void host_read(struct host *, struct arena *);

/* One event, ready to be matched. Set up by enrich, read by the getters. */
struct live {
	struct record record; /* first: the getters cast */
	const struct event *event;
	const struct host *host;
	struct names *names;
	struct procs *procs;
	struct proc *self;   /* the acting process; NULL = unknown */
	struct image *image; /* of it, at the time of the act */
	struct facts facts;
	struct process_reader reader;
	struct arena arena; /* of this event's values */
};

/* 0, or -1 when memory is out. */
int
live_init(struct live *, const struct host *, struct procs *, struct names *);
void live_free(struct live *);
/* Room for fields of a set of rules, which may have more than the schema. */
int live_fit(struct live *, const struct rules *);
/* Starts the next event; the values of the last one become invalid. */
void live_begin(struct live *, const struct event *, struct proc *,
		struct image *, uint64_t seq);

/* The processes of an event besides `self`, by role; NULL = not known. */
struct proc *live_parent(const struct live *);
struct proc *live_entry_leader(const struct live *);
struct proc *live_session_leader(const struct live *);
struct proc *live_group_leader(const struct live *);
/* The acting process had ended before it could be looked at. */
bool live_is_gone(const struct live *);

/* Values for the slot of a field, in the event's arena. */
void live_set_string(struct live *, struct slot *, struct view);
void live_set_int(struct live *, struct slot *, int64_t);
void live_set_real(struct live *, struct slot *, double);
void live_set_bool(struct live *, struct slot *, bool);
void live_set_time(struct live *, struct slot *, uint64_t wall_ns);
void live_set_id(struct live *, struct slot *, uint32_t id);
/* Names of capability numbers, capabilities(7). */
void live_set_capabilities(struct live *, struct slot *, uint64_t set);
/* NUL-separated strings, one value each. */
void live_set_items(struct live *, struct slot *, struct view items);

/* Getters by group; each file knows its own fields and nothing else. */
void live_fill_process(struct live *, unsigned field, struct slot *);
void live_fill_file(struct live *, unsigned field, struct slot *);
void live_fill_network(struct live *, unsigned field, struct slot *);
/* False: the field is not one that a message or a module load answers. */
bool live_fill_log(struct live *, unsigned field, struct slot *);

#endif
