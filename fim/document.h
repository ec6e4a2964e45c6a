/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recorded event, a JSON object on a line, as a record. All slots are
 * filled when the line is read, with values of their field's type, however the
 * line writes them (value_make). What Tocsin wrote itself (agent.type is
 * "tocsin") gets the values of alias fields back where rules look for them.
 *
 * A trace of `tocsin watch --record` begins with a line about itself instead
 * of an event: {"tocsin":{"trace":{"version":1,"learn_until_ns":N,"terms":
 * [{"rule":ID,"key":32 hex digits,"last_seen_ns":N},…]}}}.
 */
#ifndef FIM_DOCUMENT_H
#define FIM_DOCUMENT_H

#include "fim/ndjson.h"

struct document;

enum document_verdict {
	DOCUMENT_EVENT,
	DOCUMENT_TRACE, /* about the trace: no event */
	DOCUMENT_FAULT
};

/* The user.id of rules that ask for the effective user too (see fields.c): of
 * recorded events, only Tocsin's own tell it otherwise than by user.id. It is
 * filled where the rules' schema has it. */
#define DOCUMENT_ACTING_USER "user.id of user.effective.id"

/* Field names are borrowed. NULL when memory is out. */
struct document *document_new(const struct rules *, const char *time_field,
			      const char *id_field);
void document_free(struct document *);

/* The line is one that lines_next gives; it must stay for as long as the
 * record is used. */
enum document_verdict
document_read(struct document *, struct view line, struct ndjson_fault *);

/* Of the event read last, valid until the next one is read. time_ns and seq
 * are the caller's to set. */
struct record *document_record(struct document *);
/* False when it has no time of its own. */
bool document_time(const struct document *, uint64_t *wall_ns);
/* Its name, as JSON: "null" if it has none. */
struct view document_id(struct document *);

/* What a trace line says: until when new terms only taught (0 = they did
 * not), and the terms known then. -1 with a fault when it is damaged. */
struct document_term {
	struct view rule;
	uint8_t key[16];
	uint64_t last_seen_ns;
};
int
document_learning(struct document *, uint64_t *until_ns, struct ndjson_fault *);
/* How far time had passed when the recording ended; 0 = it does not say. */
int document_end(struct document *, uint64_t *end_ns, struct ndjson_fault *);
int document_terms(struct document *,
		   void (*each)(void *ctx, const struct document_term *),
		   void *ctx, struct ndjson_fault *);

#endif
