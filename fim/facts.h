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

/* Where the file of an event is had from: a sensor's open_file with its
 * sensor. What is NULL is not to be had. */
struct opener {
	int (*open)(void *ctx, const struct event *);
	void *ctx;
	/* The unit of that name in that folder, for reading; NULL: by
	 * facts_open_unit. */
	int (*unit)(void *ctx, const struct event *, struct view folder,
		    struct view name);
	/* A scan has seen its attributes already; false = look. */
	bool (*seen)(void *ctx, const struct event *, struct stat *);
	/* The package that owns the path, and the one whose record its content
	 * is, or ""; VIEW_NONE: there is no package manager to ask. */
	struct view (*owner)(void *ctx, const struct event *);
	struct view (*accounts)(void *ctx, const struct event *);
	/* Digest and entropy are read for those who ask for them, in a second
	 * pass; else all is read in one. */
	bool frugal;
};

/* In FACTS_SEEN there is no time of birth. */
enum facts_depth {
	FACTS_NONE,
	FACTS_SEEN,
	FACTS_STAT,
	FACTS_HEAD, /* kind, interpreter, ELF, pid file, unit, preload */
	FACTS_CONTENT,
};

struct facts {
	struct opener opener;
	struct scan_limits limits;
	enum facts_depth depth; /* reached for this event */
	bool there;		/* the file could be looked at */
	int fd;			/* owned until facts_end; -1 = none */
	struct file_facts file;
	/* Of a timer: what the service it starts runs, and as whom. */
	struct unit_facts service;
	bool has_service;
	uint64_t bytes_file;  /* read of this event's file, */
	uint64_t bytes_total; /* and of all files, each counted once */
};

/* A service beside the file of that path, or where systemd looks for units
 * (systemd.unit(5)), for reading. -1 and errno; EPERM is any other name. */
int facts_open_unit(struct view path, struct view folder, struct view name);

/* Forgets the last event's file. */
void facts_end(struct facts *);
/* At least this deep; NULL when the file cannot be had. */
const struct file_facts *facts_get(struct facts *, const struct event *,
				   enum facts_depth, struct arena *);
/* security.capability of the file: the permitted set, 0 = none. */
uint64_t
facts_capabilities(struct facts *, const struct event *, struct arena *);

#endif
