/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts of the file that an event is about, looked up once and only when
 * asked for: first what fstat tells, then, if somebody wants the content, all
 * that scan.h can say of it, the service behind a timer included.
 */
#ifndef FIM_FACTS_H
#define FIM_FACTS_H

#include "fim/event.h"
#include "scan/scan.h"

/* Opens the file of an event: a sensor's open_file with its sensor. */
struct opener {
	int (*open)(void *ctx, const struct event *);
	void *ctx;
};

enum facts_depth { FACTS_NONE, FACTS_STAT, FACTS_CONTENT };

struct facts {
	struct opener opener;
	struct scan_limits limits;
	enum facts_depth depth; /* reached for this event */
	bool there;		/* the file could be opened */
	int fd;			/* owned until facts_end; -1 = none */
	struct file_facts file;
	/* Of a timer: what the service it starts runs, and as whom. */
	struct unit_facts service;
	bool has_service;
};

/* Forgets the last event's file. */
void facts_end(struct facts *);
/* At least this deep; NULL when the file cannot be had. */
const struct file_facts *facts_get(struct facts *, const struct event *,
				   enum facts_depth, struct arena *);

#endif
