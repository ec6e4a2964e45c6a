/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the parts of the loader: load.c finds and reads files, rulefile.c
 * knows what is in one, rule.c, lists.c and exceptions.c make the engine's
 * data of a document.
 */
#ifndef RULES_LOAD_H
#define RULES_LOAD_H

#include "rules/doc.h"
#include "rules/set.h"

/* Limits of one load. A rule file of a person has some 10 KB; an export of
 * all of Elastic's rules some 30 MB. */
#define LOAD_MAX_YAML_BYTES (1u << 20)
#define LOAD_MAX_FILES 20000u
#define LOAD_MAX_DEPTH 16u

/* One file, read. */
struct load_file {
	struct rules *rules;
	struct err *err;
	struct arena *arena; /* for the tree; reset behind each document */
	const char *path;
	struct view text;
	unsigned broken; /* counted here */
	bool refused;	 /* by the guard */
};

/* What is in a file, by its name: a reader counts in file->broken what it
 * could not use. -1 only when memory is out. */
typedef int load_reader(struct load_file *);

/* Reads a file or a folder with `reader`; see rules_load_path. */
int load_path(struct load_file *, load_reader *);

/* The readers. */
int rulefile_read(struct load_file *);
int exceptions_read(struct load_file *);

/* One rule of a document. `ours`: keys that we do not know are errors. */
int
rule_take(struct load_file *, struct doc *, const struct doc_node *, bool ours);
/* A rule that could not be read, kept so that it is listed. */
int rule_take_broken(struct load_file *, unsigned line, size_t first_error);
/* The `lists:` of a document. */
int lists_take(struct load_file *, struct doc *, const struct doc_node *map);

#endif
