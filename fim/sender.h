/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outputs besides standard output: each has a process of its own, *the sender*,
 * so that what is slow, hangs or dies delays neither the watcher nor another
 * output, and code that talks to a network shares memory with nothing else. A
 * sender reads the alerts behind its cursor (cursor.h) from the state database,
 * delivers them (outlet.h), and moves the cursor only then: an alert arrives at
 * least once, in order, and its id tells a second time.
 *
 * The engine can start no process once it is confined. So it first has a child,
 * *the post*, which starts senders and starts one again that has ended; it does
 * nothing else, opens nothing, and above all not the state database: SQLite's
 * connections do not survive a fork. The engine pokes it through a pipe after
 * a commit, without ever waiting, and it pokes senders. The end of that pipe
 * means to stop, also when the engine was killed: senders deliver for
 * SENDER_STOP_NS what they can and end; what is left comes after the next
 * start. If the post is gone, the engine ends itself, and the keeper starts
 * both anew.
 *
 * The post has no capability and can execute nothing. A sender has fewer system
 * calls yet, and sees its folder and the state folder alone (with a network:
 * /etc and /usr to read); sandbox.h.
 */
#ifndef FIM_SENDER_H
#define FIM_SENDER_H

#include "fim/config.h"
#include "fim/keeper.h"

#define SENDER_STOP_NS (5 * NS_PER_SEC)
#define SENDERS_MAX 16

/* The engine's side. Zero-initialised, senders_stop does nothing. */
struct senders {
	bool open;
	int control;	  /* poked, and closed to stop */
	int alive;	  /* ends with the post */
	uint64_t look_ns; /* boot; when to look whether it has */
};

/* Before the state database is open, before the engine is confined. Outputs
 * are the configuration's. -1 and errno. */
int senders_start(struct senders *, const struct config *, const char *folder,
		  const struct engine_birth *, FILE *notes);
void senders_poke(const struct senders *);
/* False: the post is gone. To be called now and then. */
bool senders_tend(struct senders *, uint64_t now_ns);
/* Waits until all have ended, not much longer than SENDER_STOP_NS. */
void senders_stop(struct senders *);

/* A sender, with its pipe on descriptor 0; its exit code. `folder` is the
 * state's. */
int sender_run(const struct config_output *, const char *folder);

#endif
