/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scan is a replay of the present (tocsin scan): what exists becomes an event
 * each, and the rules say what they think of it.
 *
 * A file is an event with event.action "snapshot", a process one with
 * "already_running", both with tocsin.attribution "scan" and without an author.
 * Rules that ask for the creation of a file or the start of a program are meant
 * as well, as if it had come this moment: the two words count as event.action,
 * and stand in event.type beside "info". Rules that ask for other changes are
 * not. Of a file that came with a package and is as it came, its creation is no
 * news: such a match is `explained`, unless the rule asks for snapshots by
 * name and so means whatever is there.
 *
 * Where paths are named, processes are those that concern them; all others are
 * looked at as well, being their parents, but no finding is made of them.
 *
 * Nothing is written anywhere. The history of new_terms rules is the monitor's
 * and only read: it has what happened while that ran, so what is older is no
 * news.
 */
#ifndef FIM_SNAPSHOT_H
#define FIM_SNAPSHOT_H

#include "baselines/packages.h"
#include "baselines/scope.h"
#include "fim/batch.h"
#include "fim/config.h"
#include "fim/pipeline.h"
#include "fim/watchset.h"

/* A folder that has another name, through a link: /var/run is /run. */
struct snapshot_alias {
	struct view real, name;
};
#define SNAPSHOT_ALIASES_MAX 256u

struct snapshot_counters {
	uint64_t files, processes;
	uint64_t bytes;	    /* of content that rules had read */
	uint64_t explained; /* matches that a package accounts for */
	uint64_t uncovered; /* files and folders */
};

struct snapshot {
	const struct options *options;
	struct config *config;
	struct pipeline *pipeline;
	const struct rules *rules;
	const struct watchset *watchset;
	struct batch *batch;
	unsigned threads;
	/* What could not be looked at: an entry, or in words. */
	void (*uncovered)(void *ctx, const struct walk_entry *);
	void (*note)(void *ctx, const char *about, const char *why);
	/* A match that `package` explains. */
	void (*explained)(void *ctx, const struct rule *, struct record *,
			  struct view package);
	void *ctx;

	struct snapshot_counters counters;
	bool stopped; /* by a signal */

	const char *const *env_names; /* kept of processes */
	size_t n_env_names;

	/* Inside. */
	bool aside; /* the event's process has nothing to do with the paths */
	struct scope scope;
	struct snapshot_alias aliases[SNAPSHOT_ALIASES_MAX];
	size_t n_aliases;
	struct packages *packages;	/* read when the first is asked for */
	bool *of_state;			/* rule i asks for snapshots by name */
	bool *recalled;			/* of rule i the history is known */
	uint64_t news_from_ns;		/* what is older is no news */
	const struct walk_entry *entry; /* of the event */
	bool judged;			/* `package` is known for it */
	struct view package;		/* that accounts for it, or "" */
	struct buf path, names, looked;
	struct arena arena;
};

/* Once rules are sealed; -1 and errno. */
int snapshot_prepare(struct snapshot *);
/* What the monitor of this state folder has seen, for rules of type new_terms:
 * without it they find nothing. It is only read. `learning_ns` from its first
 * start on everything was new. When it cannot be read, a note says why. */
void
snapshot_recall(struct snapshot *, const char *state, uint64_t learning_ns);
/* What to walk through: the paths, or where things are that start by
 * themselves, that rules name, or that anybody can write. -1 with `err`. */
int
snapshot_scope(struct snapshot *, const struct text_list *paths, struct err *);
/* -1 with `err`. */
int snapshot_files(struct snapshot *, struct err *);
/* All processes, hidden ones as such, and the connections that they have as
 * standard input, output or error. -1 and errno. */
int snapshot_processes(struct snapshot *);
/* For the pipeline: ctx is the snapshot. */
bool
snapshot_wanted(void *snapshot, struct record *, const struct rules_match *);
/* Of new_terms rules; of any other everything is. */
bool snapshot_is_news(const struct snapshot *, struct record *,
		      const struct rules_match *);
struct opener snapshot_opener(struct snapshot *);
void snapshot_free(struct snapshot *);

#endif
