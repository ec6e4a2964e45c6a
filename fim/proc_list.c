/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs, against who was known to. */
#include "fim/proc_list.h"

#include <stdlib.h>

void
proc_list_begin(struct proc_list *l, uint64_t listed_ns)
{
	l->listed_ns = listed_ns;
	l->n_gone = l->n_met = 0;
	if (++l->round == 0)
		l->round = 1;
}

/* The same file under other names is the same, as in a container. Programs
 * write their own titles over their arguments, and some rename themselves; one
 * that did both, or was started anew, cannot be told apart. */
static bool
runs_other(const struct image *image, const struct event *e)
{
	const struct event_exec *x = &e->exec;

	if (image->missing)
		return false;
	if (image->inode != 0 && x->inode != 0 &&
	    (image->inode != x->inode || image->dev_major != x->dev_major ||
	     image->dev_minor != x->dev_minor))
		return true;
	if (image->inode == 0 && x->image.n > 0 &&
	    !view_eq(image->file, x->image))
		return true;
	return x->args.n > 0 && !view_eq(image->args, x->args) &&
	       x->comm.n > 0 && !view_eq(image->comm, x->comm);
}

static enum event_kind
first_act(struct procs *t, const struct event *running)
{
	const struct proc *parent = procs_find(t, running->proc.parent);

	if (parent != NULL && parent->image != NULL &&
	    !runs_other(parent->image, running))
		return EVENT_FORK;
	return EVENT_EXEC;
}

bool
proc_list_meet(struct proc_list *l, struct procs *t,
	       const struct event *running, struct event *out)
{
	struct proc *p = procs_find(t, running->key);
	enum event_kind kind = EVENT_EXEC;

	l->n_met++;
	if (p == NULL)
		kind = first_act(t, running);
	else
		p->listed = l->round;
	/* What the table has from later than the list is better. */
	if (p != NULL &&
	    (p->exited || p->kthread || p->image_ns >= l->listed_ns ||
	     (p->image != NULL && !runs_other(p->image, running))))
		return false;
	if (p == NULL && running->proc.kthread)
		kind = EVENT_FORK;
	*out = *running;
	out->kind = kind;
	out->attribution = ATTRIBUTION_LOST;
	return true;
}

void
proc_list_note(struct proc_list *l, struct procs *t, struct proc_key key)
{
	struct proc *p = procs_find(t, key);

	if (p != NULL)
		p->listed = l->round;
}

struct search {
	struct proc_list *list;
	bool failed;
};

static void
look(void *ctx, const struct proc *p)
{
	struct search *s = ctx;
	struct proc_list *l = s->list;

	if (p->exited || p->listed == l->round ||
	    p->key.start_ns >= l->listed_ns)
		return;
	if (l->n_gone == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct proc_key *v = reallocarray(l->gone, cap, sizeof(*v));

		if (v == NULL) {
			s->failed = true;
			return;
		}
		l->gone = v;
		l->cap = cap;
	}
	l->gone[l->n_gone++] = p->key;
}

int
proc_list_end(struct proc_list *l, struct procs *t)
{
	struct search s = { .list = l };

	if (l->n_met > 0)
		procs_each(t, look, &s);
	return s.failed ? -1 : 0;
}

void
proc_list_free(struct proc_list *l)
{
	free(l->gone);
	*l = (struct proc_list){ 0 };
}
