/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of a report's alerts and findings, by who started whom. All
 * strings are the report's. */
#ifndef FIM_REPORT_TREE_H
#define FIM_REPORT_TREE_H

#include "fim/report_read.h"

/* More are left out, and counted. */
#define REPORT_TREE_MAX 2000u
#define REPORT_TREE_DEPTH 48u

#define REPORT_TREE_NONE UINT32_MAX

struct report_node {
	struct view id; /* entity id, or the pid in digits */
	struct view name, executable, user;
	const json_t *args; /* a list, or NULL */
	uint64_t pid;
	uint32_t parent, child, last_child, next; /* or REPORT_TREE_NONE */
	uint32_t mark, last_mark;		  /* what it did */
};

/* A moment of a node. */
struct report_mark {
	const struct report_moment *moment;
	uint32_t next;
};

struct report_tree {
	struct report_node *nodes;
	struct report_mark *marks;
	uint32_t n_nodes, n_marks, n_slots;
	uint32_t root, last_root;
	uint32_t *slots; /* hash of ids */
	uint64_t left_out;
	bool no_memory; /* it is empty for that reason */
	struct arena arena;
};

/* `moments` borrowed until it is freed. */
void
report_tree_make(struct report_tree *, const struct report_moment *, size_t n);
void report_tree_free(struct report_tree *);

#endif
