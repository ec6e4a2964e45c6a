/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the keeper and the engine say to each other. The engine asks, one
 * request at a time, and the keeper answers; nothing else is ever sent. Small
 * packets go over a socket pair (SOCK_SEQPACKET), descriptors beside them;
 * events lie in memory that both see and only the keeper writes to.
 *
 * The keeper trusts nothing in a request. The engine trusts the keeper, but
 * not the length of anything.
 */
#ifndef FIM_FRAME_H
#define FIM_FRAME_H

#include "fim/event.h"

/* ---- requests -------------------------------------------------------- */

enum ask {
	ASK_SETTINGS, /* numbers: max_args, poll_ns, 1 = short_queue; text: env
		       * names */
	ASK_WATCH,    /* one more watch: text path, number FRAME_WATCH_* */
	ASK_OPEN,     /* number: row of sensors.def; of a file sensor the
		       * watches given since are in force. Text of the
		       * answer: what it says, each followed by NUL */
	ASK_REWATCH,  /* the watches given since are in force */
	ASK_SEED,     /* number: role; answer: events */
	ASK_RELIST,   /* number: role */
	ASK_WAIT,     /* numbers: milliseconds, 1 = for signals only */
	ASK_ROUND,    /* answer: events */
	ASK_MORE,     /* the events given have been read; answer: the rest */
	ASK_LOOK,     /* number: pid; answer: events, aside */
	ASK_FILE,     /* numbers: event, struct frame_spared; answer: a
		       * descriptor; so below */
	ASK_UNIT,     /* the same; text: folder NUL name */
	ASK_NAMES,    /* the same, without event; text: path */
	ASK_PROCESS,  /* numbers: pid, event; answer: an event, aside */
	ASK_CREDS,    /* numbers: pid, start; answer: numbers */
	ASK_STATUS,   /* number: role; answer: numbers, text */
	ASK_READY,    /* text: one line for the service manager; so below */
	ASK_DOING,
	ASK_RELOADING,
	ASK_STOPPING, /* also to sensors: nothing is to be kept back */
	ASK_FIGURES,  /* number: enum frame_figures; text */
	ASKS
};

/* The file for Prometheus is written by the keeper, so that its folder, which
 * may be others' as well, is not the engine's to write. */
enum frame_figures {
	FIGURES_PATH, /* the text; taken once, before the first round */
	FIGURES_PART, /* more of the file */
	FIGURES_LAST  /* the rest of it; answered when it is written */
};

/* What is not to be opened (EBUSY), under whatever name: the files that SQLite
 * has open in the engine. Who closes a file gives up all locks that his process
 * has on it, fcntl(2), SQLite's too. 0 = there is none. */
struct frame_spared {
	uint64_t device, inodes[3];
};

#define FRAME_NUMBERS 8
#define FRAME_TEXT_MAX 65536u

#define FRAME_WATCH_RECURSIVE 1u
#define FRAME_WATCH_CONFIGURED 2u
#define FRAME_WATCH_FIRST 4u /* those before are forgotten */

struct frame_request {
	uint32_t ask; /* enum ask */
	uint32_t n_text;
	uint64_t v[FRAME_NUMBERS];
	/* n_text bytes follow */
};

/* Bits of frame_answer.flags; those of signals are told once each. */
#define FRAME_STOP 1u	/* the keeper has been asked to stop */
#define FRAME_RELOAD 2u /* … to reload */
#define FRAME_HELD 4u	/* a round had something */
#define FRAME_MORE 8u	/* there are more events: ASK_MORE */
#define FRAME_FAILED                                                     \
	16u	     /* a sensor has failed: v[FRAME_FAILED_ROLE], error \
		      */
#define FRAME_FD 32u /* a descriptor came along */

struct frame_answer {
	int32_t error; /* errno, 0 = done */
	uint32_t flags;
	uint32_t n_text;
	uint32_t n_events;   /* bytes of events */
	uint64_t cpu_ns;     /* that the keeper has used so far */
	uint64_t stopped_by; /* FRAME_STOP: pid of who asked; 0 = not known */
	uint64_t v[FRAME_NUMBERS];
	/* n_text bytes follow */
};

/* One packet, whole or not at all, without waiting: there is never more than
 * one on its way. `fd` goes along unless it is -1. 0, or -1 and errno; EPIPE
 * when the other side is gone. */
int frame_send(int socket, const void *head, size_t n_head, struct view text,
	       int fd);
/* Returns the text's length, or -1 and errno: EPIPE at the end, EBADMSG for a
 * packet that is none. `head` and `text` (room for FRAME_TEXT_MAX) are
 * filled; *fd is -1 or the caller's, `fd` NULL: descriptors are refused. */
ssize_t
frame_receive(int socket, void *head, size_t n_head, char *text, int *fd);

/* ---- events ---------------------------------------------------------- */

/* Room for events: a round's, and aside for those asked for meanwhile. */
#define FRAME_EVENTS_BYTES (1u << 20)
#define FRAME_ASIDE_BYTES (256u << 10)

/* Bytes that an event takes. */
size_t frame_event_bytes(const struct event *);
/* Writes it to `to`, where there are that many. `number` names it in requests;
 * descriptors and handles do not go along, messages (`log`) cannot. */
void frame_put_event(char *to, const struct event *, uint32_t number);
/* The next of `*rest`, its views into that, module in *module, what was seen in
 * the event itself. False at the end, or when what follows is no event (then
 * *rest is not empty). */
bool frame_next_event(struct view *rest, struct event *, struct event_module *,
		      uint32_t *number);

#endif
