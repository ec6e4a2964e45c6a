/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded events against rules: matches out. The same engine and the same
 * alerts as for live events; a trace of `tocsin watch --record` gives what
 * the live run gave.
 */
#ifndef FIM_REPLAY_H
#define FIM_REPLAY_H

#include "fim/alert.h"
#include "fim/inputs.h"

/* One stage of a match. */
struct replay_id {
	bool missing;	  /* a missing-event stage */
	struct view json; /* "null" if the event has no name */
};

struct replay_config { /* borrowed for the call */
	const struct rules *rules;
	const char *time_field, *id_field;
	enum inputs_order order;
	bool journals; /* the files are systemd's (journal_file.h) */
	/* Before each event is fed; may be NULL. */
	void (*event)(void *ctx, struct record *, struct view id);
	/* Either every match, or alerts. */
	void (*match)(void *ctx, const struct rule *, const struct replay_id *,
		      size_t n);
	struct alert_sink alerts;
	void *ctx;	       /* of event and match */
	bool (*stopped)(void); /* inputs.h; may be NULL */
};

struct replay_result {
	uint64_t events, matches;
	uint64_t timeless; /* without a time: took the one before */
	uint64_t late;	   /* more than a second older than one before them */
	uint64_t dropped;  /* messages that journald did not keep */
	uint64_t alerts_lost; /* for lack of memory */
	uint64_t incomplete;  /* alerts that lack something, the same */
	uint64_t alike;	      /* alerts held back: see alerter_alike */
	int64_t faults;	      /* lines and files that could not be read */
	struct rules_counters counters;
	bool stopped; /* before all was read: nothing that waited for time to
		       * pass has matched */
};

/* 0, or -1 when it had to stop; reasons, and all faults, in `err`. */
int replay_run(const struct replay_config *, const char *const *names, size_t n,
	       struct replay_result *, struct err *);

#endif
