/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process trees out of alerts: each names its process, the parent and further
 * ancestors, nearest first. A node is hung below one that is there already, so
 * whatever a report claims, there is no circle. */
#include "fim/report_tree.h"

#include <stdlib.h>

#define NONE REPORT_TREE_NONE

/* ---- nodes ----------------------------------------------------------- */

static uint32_t *
slot_of(struct report_tree *t, struct view id)
{
	uint32_t at = (uint32_t)view_hash(id) & (t->n_slots - 1);

	while (t->slots[at] != NONE && !view_eq(t->nodes[t->slots[at]].id, id))
		at = (at + 1) & (t->n_slots - 1);
	return &t->slots[at];
}

static void
hang(struct report_tree *t, uint32_t i, uint32_t parent)
{
	uint32_t *first = parent == NONE ? &t->root : &t->nodes[parent].child;
	uint32_t *last =
		parent == NONE ? &t->last_root : &t->nodes[parent].last_child;

	t->nodes[i].parent = parent;
	if (*first == NONE)
		*first = i;
	else
		t->nodes[*last].next = i;
	*last = i;
}

/* The node of that id, a new one below `parent` if there is none. */
static uint32_t
node_of(struct report_tree *t, struct view id, uint32_t parent)
{
	uint32_t *slot = slot_of(t, id);

	if (*slot != NONE)
		return *slot;
	if (t->n_nodes == REPORT_TREE_MAX)
		return NONE;
	*slot = t->n_nodes++;
	t->nodes[*slot] = (struct report_node){ .id = id,
						.parent = NONE,
						.child = NONE,
						.last_child = NONE,
						.next = NONE,
						.mark = NONE,
						.last_mark = NONE };
	hang(t, *slot, parent);
	return *slot;
}

static struct view
id_of(struct report_tree *t, const json_t *process)
{
	struct view id = report_text(process, "entity_id");

	if (id.n > 0 || report_count(process, "pid") == 0)
		return id;
	return arena_printf(&t->arena, "%llu",
			    (unsigned long long)report_count(process, "pid"));
}

static void
describe(struct report_node *n, const json_t *process)
{
	struct view text = report_text(process, "executable");

	if (text.n > 0)
		n->executable = text;
	text = report_text(process, "name");
	if (text.n > 0)
		n->name = text;
	text = report_text(process, "user.name");
	if (text.n > 0)
		n->user = text;
	if (json_is_array(report_get(process, "args")))
		n->args = report_get(process, "args");
	if (report_count(process, "pid") > 0)
		n->pid = report_count(process, "pid");
}

/* ---- chains ---------------------------------------------------------- */

static const json_t *
item(const json_t *ancestors, const char *key, size_t i)
{
	return json_array_get(json_object_get(ancestors, key), i);
}

/* From the farthest ancestor down; the last one's node. */
static uint32_t
add_ancestors(struct report_tree *t, const json_t *alert)
{
	const json_t *all = report_get(alert, "tocsin.process.ancestors");
	size_t n = json_array_size(json_object_get(all, "entity_id"));
	uint32_t at = NONE, below;

	for (size_t i = n < REPORT_TREE_DEPTH ? n : REPORT_TREE_DEPTH; i-- > 0;
	     at = below) {
		struct view id = report_view(item(all, "entity_id", i));
		struct report_node *node;
		json_int_t pid = json_integer_value(item(all, "pid", i));

		below = id.n > 0 ? node_of(t, id, at) : at;
		if (below == NONE || below == at)
			continue;
		node = &t->nodes[below];
		if (node->name.n == 0)
			node->name = report_view(item(all, "name", i));
		if (node->executable.n == 0)
			node->executable =
				report_view(item(all, "executable", i));
		if (node->pid == 0 && pid > 0)
			node->pid = (uint64_t)pid;
	}
	return at;
}

static uint32_t
add_process(struct report_tree *t, const json_t *process, uint32_t parent)
{
	struct view id = id_of(t, process);
	uint32_t i = id.n > 0 ? node_of(t, id, parent) : NONE;

	if (i != NONE)
		describe(&t->nodes[i], process);
	return i;
}

static void
add_moment(struct report_tree *t, const struct report_moment *m)
{
	const json_t *process = report_get(m->item, "process");
	const json_t *leader = report_get(process, "entry_leader");
	uint32_t at = add_ancestors(t, m->item), up;
	struct report_node *node;

	up = add_process(t, report_get(process, "parent"), at);
	at = add_process(t, process, up != NONE ? up : at);
	if (at == NONE) {
		t->left_out += id_of(t, process).n > 0;
		return;
	}
	if (leader != NULL && *slot_of(t, id_of(t, leader)) != NONE)
		add_process(t, leader, NONE);
	node = &t->nodes[at];
	/* Of the process the alert's user is the one. */
	if (report_text(m->item, "user.name").n > 0)
		node->user = report_text(m->item, "user.name");
	t->marks[t->n_marks] = (struct report_mark){ m, NONE };
	if (node->mark == NONE)
		node->mark = t->n_marks;
	else
		t->marks[node->last_mark].next = t->n_marks;
	node->last_mark = t->n_marks++;
}

void
report_tree_make(struct report_tree *t, const struct report_moment *moments,
		 size_t n)
{
	*t = (struct report_tree){ .root = NONE, .last_root = NONE };
	t->n_slots = 4096; /* twice REPORT_TREE_MAX */
	t->nodes = calloc(REPORT_TREE_MAX, sizeof(*t->nodes));
	t->slots = malloc(t->n_slots * sizeof(*t->slots));
	t->marks = calloc(n > 0 ? n : 1, sizeof(*t->marks));
	t->no_memory = t->nodes == NULL || t->slots == NULL || t->marks == NULL;
	if (t->no_memory || n >= NONE)
		return;
	memset(t->slots, 0xff, t->n_slots * sizeof(*t->slots));
	for (size_t i = 0; i < n; i++)
		if (moments[i].kind != MOMENT_GAP)
			add_moment(t, &moments[i]);
}

void
report_tree_free(struct report_tree *t)
{
	free(t->nodes);
	free(t->slots);
	free(t->marks);
	arena_free(&t->arena);
	*t = (struct report_tree){ .root = NONE, .last_root = NONE };
}
