/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a report back. Whoever sends one is not believed: it must be valid
 * UTF-8, JSON without a key twice, and hold what report.def says; of the rest
 * (ECS fields of alerts, say) every getter takes whatever type there is.
 */
#ifndef FIM_REPORT_READ_H
#define FIM_REPORT_READ_H

#include <jansson.h>

#include "baselines/sign.h"

#define REPORT_MAX_BYTES (256u << 20)

struct report_doc {
	const char *file; /* borrowed; for people */
	struct buf text;  /* the bytes */
	char sha256[65];
	json_t *root;
	/* The signature, where it was asked for. */
	bool checked;
	enum sign_verdict verdict;
	struct sign_result signature;
};

/* Is it meant to be a report: does it begin like one? */
bool report_is(struct view text);
/* All of `fd` into doc->text. -1 and errno (EFBIG past REPORT_MAX_BYTES). */
int report_read_fd(struct report_doc *, int fd);
/* doc->text into doc->root and sha256. -1 with one entry in `err`. */
int report_parse(struct report_doc *, struct err *);
void report_doc_free(struct report_doc *);

/* ---- getters --------------------------------------------------------- */

/* By names with dots, "process.parent.pid": NULL, "" or `absent` if there is
 * none or it has another type. */
json_t *report_get(const json_t *, const char *dotted);
struct view report_text(const json_t *, const char *dotted);
struct view report_view(const json_t *string); /* "" if it is none */
uint64_t report_count(const json_t *, const char *dotted);
/* Wall time in ns; 0 if there is none. */
uint64_t report_time(const json_t *, const char *dotted);

/* The bytes of "path", or of "path_hex" where they are no UTF-8. */
void report_path(const json_t *, struct buf *out);

/* From the rule's risk score or, without one, its level. */
enum report_severity {
	REPORT_LOW,
	REPORT_MEDIUM,
	REPORT_HIGH,
	REPORT_CRITICAL
};
enum report_severity report_severity(const json_t *alert);
const char *report_severity_word(enum report_severity);
/* The rule's name, or at least its id. */
struct view report_rule_name(const json_t *alert);
/* What happened: the message without the rule's name before it. */
struct view report_what(const json_t *alert);

/* Alerts, findings and gaps by time, as pointers into the tree; free(3). NULL
 * when there are none, or when there is no memory. */
struct report_moment {
	uint64_t time_ns;
	const json_t *item;
	enum report_moment_kind {
		MOMENT_ALERT,
		MOMENT_FINDING,
		MOMENT_GAP
	} kind;
	size_t index; /* in its list */
};
struct report_moment *
report_moments(const struct report_doc *, size_t *n, bool *no_memory);

#endif
