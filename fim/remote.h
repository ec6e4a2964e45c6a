/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's side of the keeper: sensors that are open over there, rounds of
 * their events, and what is to be read around them. Every function asks and
 * waits for the answer (frame.h). When the keeper is gone all of them fail at
 * once, and `gone` is set.
 */
#ifndef FIM_REMOTE_H
#define FIM_REMOTE_H

#include "fim/frame.h"
#include "fim/keeper.h"
#include "fim/pipeline.h"
#include "fim/sensors.h"

struct remote {
	int socket; /* owned; -1 = there is no keeper */
	const char *events, *aside;
	char *text; /* of the last answer; owned */
	struct frame_answer answer;
	struct sensor *sensors[ROLES]; /* owned; NULL = not open */
	bool gone;
	uint32_t stopped_by; /* pid of who asked; 0 = not known */
	bool stop, reload;   /* asked of the keeper; the reader clears */
	int errors[ROLES]; /* errno of sensors that failed; the reader clears */
	uint64_t cpu_ns;   /* that the keeper has used */
	struct frame_spared spared; /* set by who has them open */
};

/* Takes the socket. 0, or -1 when memory is out. */
int remote_open(struct remote *, const struct engine_birth *);
void remote_close(struct remote *);

/* Before the first sensor is opened. */
int remote_configure(struct remote *, const struct sensor_config *);
/* Which places are watched by the sensor opened next, or rewatched. */
int remote_send_watches(struct remote *, const struct watchset *);
/* That sensor; NULL and a sentence in `err`. Its `ops` are remote_ops. */
struct sensor *
remote_sensor(struct remote *, const struct sensor_row *, struct err *);
extern const struct sensor_ops remote_ops;

/* Waits for events of the keeper's sensors, at most so long; for signals alone
 * if `signals_only`. */
void remote_wait(struct remote *, unsigned ms, bool signals_only);
/* Everything that has happened until now, processes first. True if there was
 * something. */
bool remote_round(struct remote *, const struct event_sink *);

/* For pipeline_config and opener; ctx is the remote. */
int remote_open_file(void *ctx, const struct event *);
int remote_open_unit(void *ctx, const struct event *, struct view folder,
		     struct view name);
int remote_open_names(void *ctx, const char *path);
bool remote_read_process(void *ctx, struct event *, const struct event *meant,
			 struct arena *);
bool remote_read_creds(void *ctx, struct proc_key, struct event_creds *);
/* Of a process sensor that looks when it is asked to. */
void remote_look(struct remote *, uint32_t pid, const struct event_sink *);

/* Where the figures go, before the first sensor is opened. -1 and errno: EPERM
 * when an engine before this one has named another file. */
int remote_figures_to(struct remote *, const char *path);
/* That file, anew. -1 and errno. */
int remote_figures(struct remote *, struct view text);

/* For the service manager, by ASK_READY … ASK_STOPPING. */
void remote_tell(struct remote *, enum ask, const char *line);

#endif
