/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the parts of `tocsin rules`: what all actions have, and how they
 * write. An action leaves its output in `out`.
 */
#ifndef FIM_CMD_RULES_H
#define FIM_CMD_RULES_H

#include "fim/fields.h"
#include "fim/load.h"
#include "fim/watchset.h"

/* Of struct rules_linter: what is watched on this host. Who asks for parts of
 * Tocsin itself has them watched (own.h). */
#define RULES_LINT_PLACES \
	.is_place = watchset_is_place, .own_places = "tocsin.self.part"

struct rules_cmd {
	const struct options *options;
	struct cmd_io *io;
	struct config config;
	struct rules *rules;
	struct text_list words; /* behind the action */
	int broken;
	struct buf out;
	bool failed; /* something did not fit into memory */
};

enum exit_code rules_lint_action(struct rules_cmd *);
enum exit_code rules_show_action(struct rules_cmd *);

int rules_say(struct rules_cmd *, const char *why); /* always -1 */
/* What is ready goes out, before something is said on standard error. */
void rules_flush(struct rules_cmd *);
bool rules_as_json(const struct rules_cmd *);
/* NDJSON is a line an object; JSON is a list of them. `i` counts objects,
 * rules_json_end is told how many there were. */
void rules_json_open(struct rules_cmd *, size_t i);
void rules_json_close(struct rules_cmd *);
void rules_json_end(struct rules_cmd *, size_t n);
void rules_json_text(struct rules_cmd *, const char *key, struct view);
void rules_json_int(struct rules_cmd *, const char *key, long long);
/* A label and a value; nothing of an empty one. */
void rules_put_pair(struct rules_cmd *, const char *label, struct view);
/* Several lines, each indented. */
void rules_put_block(struct rules_cmd *, const char *label, struct view text);
const char *rules_status_name(enum rule_status);
const char *rules_kind_name(enum rule_kind);

/* Is the diagnostic about rule i? Rules of one file follow each other. */
bool rules_diag_is_of(const struct rules_cmd *, const struct diag *, size_t i);

#endif
