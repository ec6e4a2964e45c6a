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
	unsigned unread; /* files and folders in a folder */
	bool refused;	 /* by the guard */
};

/* What is in a file, by its name: a reader counts in file->broken what it
 * could not use. -1 only when memory is out. */
typedef int load_reader(struct load_file *);

/* Reads a file or a folder with `reader`; see rules_load_path. */
int load_path(struct load_file *, load_reader *);

/* An object as Kibana saves or lists it. */
struct saved_object {
	struct doc *d;
	struct doc_node *rule; /* with the keys of an exported rule */
	struct view id, name;  /* may be empty */
	struct view type;      /* of SAVED_UNKNOWN */
};

enum saved {
	SAVED_RULE,
	SAVED_OTHER,   /* goes along with rules */
	SAVED_UNKNOWN, /* a rule or an object of another kind */
	SAVED_NO_MEMORY,
};

/* Fill in d; the rest is told of a map, whose keys may be changed. */
enum saved saved_open(struct saved_object *, struct doc_node *map);
/* The list in a page of an API; NULL: it is none. */
const struct doc_node *saved_page(const struct doc_node *map);

/* The readers. */
int rulefile_read(struct load_file *);
int exceptions_read(struct load_file *);

/* One rule of a document. `ours`: keys that we do not know are errors. */
int
rule_take(struct load_file *, struct doc *, const struct doc_node *, bool ours);
/* What is no detection rule, kept so that it is listed. */
int rule_take_unknown(struct load_file *, unsigned line,
		      const struct saved_object *);
/* A rule that could not be read, kept so that it is listed. */
int rule_take_broken(struct load_file *, unsigned line, size_t first_error);
/* An item of one of Kibana's exception lists, and the lists a rule names. */
bool exception_item_is(const struct doc_node *map);
int exception_item_take(struct load_file *, struct doc *,
			const struct doc_node *map);
int exception_lists_of(struct doc *, const struct doc_node *rule,
		       struct rule_list *out); /* in the arena */
/* The `lists:` of a document. */
int lists_take(struct load_file *, struct doc *, const struct doc_node *map);

#endif
