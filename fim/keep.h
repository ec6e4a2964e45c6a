/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper inside: what it has open, and how each request is answered.
 * Internal to keeper.c and keeper_answers.c.
 */
#ifndef FIM_KEEP_H
#define FIM_KEEP_H

#include "fim/frame.h"
#include "fim/notify.h"
#include "fim/sensors.h"
#include "fim/watchset.h"

/* An event of this round, as far as the engine may ask for more of it. Path
 * and handle belong to the sensor, until its next fetch. */
struct offered {
	enum event_kind kind;
	const void *handle;
	struct view path;
	int pidfd;
};

/* Where events are written for the engine. */
struct event_area {
	char *p;
	size_t n, size;
};

struct kept_sensor {
	const struct sensor_row *row; /* NULL = there is none */
	struct sensor *sensor;	      /* owned */
};

struct keeper {
	struct cmd_io *io;	     /* borrowed */
	int socket;		     /* -1 = the engine is gone */
	pid_t engine, engine_before; /* whose acts are ours, too */
	int signals;
	char *text; /* of the request; FRAME_TEXT_MAX and a NUL */
	struct event_area events, aside, *out;
	struct offered *offered;
	size_t n_offered, cap_offered;
	uint64_t answered_ns; /* wall; the last answer */
	uint64_t heard_ns;    /* the same; the last that was surely read */
	uint64_t unread;      /* events given since the last round began */
	/* boot; when processes were fetched for the last round, and for the one
	 * before that or when their sensor was opened */
	uint64_t fetched_ns, fetched_before_ns;

	struct kept_sensor sensors[ROLES];
	struct sensor_config config;
	struct watchset watchset, next; /* in force, and to be */
	struct arena settings;
	struct view figures_path; /* in settings; "" = none */
	struct buf figures;	  /* of the file, as far as it has come */
	struct notify notify;
	uint64_t tidy_ns; /* boot; heap.h */
	bool confined, stop, reload;
	bool begun;	   /* the engine has asked for its first round */
	bool in_processes; /* their sensor is telling, and must not be asked */
	uint64_t stop_ns;  /* boot; when it was asked for */
	uint32_t stopped_by; /* pid; 0 = not known */
};

/* A request being answered. */
struct call {
	const struct frame_request *request;
	struct view text;	    /* of the request, NUL behind it */
	struct frame_answer answer; /* n_text and n_events are set last */
	struct buf said;	    /* text of the answer */
	int fd;			    /* for the answer; owned, -1 = none */
};

/* By enum ask; NULL = no request of that kind is answered here. */
extern void (*const keeper_answers[ASKS])(struct keeper *, struct call *);
/* Writes it for the engine; hands over what there is when that is full. */
void keeper_take(void *keeper, const struct event *);
void keeper_read_signals(struct keeper *);
/* Answers until the engine asks that (ASKS: until it is gone). */
void keeper_serve(struct keeper *, enum ask until);
/* For the engine to read; returns when it has, or is gone. */
void keeper_hand_over(struct keeper *);
void keeper_close_sensors(struct keeper *);

#endif
