/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two processes of `tocsin watch`. The keeper has the sensors, opens what
 * is to be inspected and reads nothing of it; the engine, its child, decides:
 * rules, configuration, file contents, state, alerts. They talk as frame.h
 * says. The keeper is the one that the service manager knows.
 *
 * An engine that is ended by a signal is started again, and so is one that
 * gives up in the middle of its work, as where memory is out: the sensors have
 * gone on meanwhile, and what it had not got through is told to the new one.
 */
#ifndef FIM_KEEPER_H
#define FIM_KEEPER_H

#include "fim/options.h"

/* The last engine before this one that came to ask for events. */
struct engine_past {
	bool there; /* there was one */
	int signal; /* that ended it; 0 = it ended by itself, with `code` */
	int code;
	uint64_t heard_ns; /* wall; when it was last heard of */
	/* Events that it was given and may not have got through, at least; of
	 * processes those that happened between these two (boot). */
	uint64_t unread;
	uint64_t from_ns, to_ns;
};

/* What an engine is born with. */
struct engine_birth {
	int socket; /* owned */
	/* Shared with the keeper, which alone writes (frame.h). */
	const char *events, *aside;
	uint32_t keeper; /* pid */
	struct engine_past past;
};

/* Forks. In the child: runs `engine`, whose exit code is returned; in the
 * keeper: serves engines until one has nothing more to do or cannot begin, and
 * returns what it said. */
enum exit_code
keeper_watch(const struct options *, struct cmd_io *,
	     enum exit_code (*engine)(const struct engine_birth *,
				      const struct options *, struct cmd_io *));

#endif
