/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process table. See proc.h for what it promises. */
#include "fim/image.h"
#include "fim/proc_inside.h"

#include <assert.h>
#include <stdlib.h>

#define ANCESTORS_MAX 4096
/* More than an event shows (live_process.c); and fewer when all lines together
 * have too many. A line may be twice as long before it is looked at. */
#define LINE_KEPT 256u
#define LINE_KEPT_IN_NEED 16u

struct procs *
procs_new(const struct procs_options *options)
{
	struct procs *t = calloc(1, sizeof(*t));
	size_t sets = (options->max_acts ?: 4096) / PROC_ACTS_SET;

	if (t == NULL)
		return NULL;
	t->options = (struct procs_options){
		.grace_ns = options->grace_ns ?: 30 * NS_PER_SEC,
		.max_exited = options->max_exited ?: 8192,
		.max_acts = (sets > 0 ? sets : 1) * PROC_ACTS_SET,
		.max_ancestors = options->max_ancestors ?: 8192,
	};
	t->exited_last = &t->exited_first;
	t->acts = calloc(t->options.max_acts, sizeof(*t->acts));
	if (t->acts == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

/* ---- references ------------------------------------------------------ */

/* The chain of parents may be long and fall together: no recursion. */
void
proc_unref(struct procs *t, struct proc *p)
{
	struct proc *doomed = p;

	while (doomed != NULL && --doomed->refs == 0) {
		struct proc *parent = doomed->parent;

		if (doomed->session != doomed)
			proc_unref(t, doomed->session);
		if (doomed->entry != doomed)
			proc_unref(t, doomed->entry);
		t->counters.ancestors -= doomed->forgotten;
		image_unref(doomed->image);
		image_unref(doomed->before);
		free(doomed);
		doomed = parent;
	}
}

static void
replace(struct procs *t, struct proc *owner, struct proc **slot,
	struct proc *with)
{
	struct proc *old = *slot;

	*slot = with == owner ? owner : proc_ref(with);
	if (old != owner)
		proc_unref(t, old);
}

/* ---- the table ----------------------------------------------------------- */

struct proc *
procs_newest(const struct procs *t, uint32_t pid)
{
	struct proc *found = NULL;

	for (struct proc *p = *bucket_of(t, pid); p != NULL; p = p->next) {
		if (p->key.pid == pid &&
		    (found == NULL || p->key.start_ns > found->key.start_ns))
			found = p;
	}
	return found;
}

/* /proc gives start times in clock ticks, rounded down (proc(5), starttime);
 * a table entry learned there stands for the exact time as well. */
#define TICK_NS (NS_PER_SEC / 100)

static bool
same_start(uint64_t known_ns, uint64_t start_ns)
{
	return known_ns == start_ns ||
	       (known_ns % TICK_NS == 0 &&
		known_ns == start_ns - start_ns % TICK_NS);
}

struct proc *
procs_find(const struct procs *t, struct proc_key key)
{
	if (key.pid == 0)
		return NULL;
	if (key.start_ns == 0)
		return procs_newest(t, key.pid);
	for (struct proc *p = *bucket_of(t, key.pid); p != NULL; p = p->next) {
		if (p->key.pid == key.pid &&
		    same_start(p->key.start_ns, key.start_ns))
			return p;
	}
	return NULL;
}

static void
unlink_from_bucket(struct procs *t, struct proc *p)
{
	struct proc **at = bucket_of(t, p->key.pid);

	while (*at != NULL && *at != p)
		at = &(*at)->next;
	assert(*at == p);
	*at = p->next;
	p->next = NULL;
	t->counters.known--;
}

static void
forget_oldest(struct procs *t)
{
	struct proc *p = t->exited_first;

	t->exited_first = p->exited_next;
	if (t->exited_first == NULL)
		t->exited_last = &t->exited_first;
	p->exited_next = NULL;
	t->counters.exited--;
	unlink_from_bucket(t, p);
	/* Only a process of the table is asked what it was before. */
	image_unref(p->before);
	p->before = NULL;
	p->forgotten = true;
	t->counters.ancestors++;
	proc_unref(t, p);
}

void
procs_expire(struct procs *t, uint64_t now_ns)
{
	while (t->exited_first != NULL &&
	       is_long_dead(t, t->exited_first, now_ns))
		forget_oldest(t);
	procs_expire_acts(t, now_ns);
}

static void
bury(struct procs *t, struct proc *p, uint64_t now_ns)
{
	if (p->queued)
		return;
	p->exited = true;
	p->queued = true;
	p->exit_ns = now_ns;
	*t->exited_last = p;
	t->exited_last = &p->exited_next;
	if (++t->counters.exited > t->options.max_exited) {
		t->counters.evicted++;
		forget_oldest(t);
	}
}

/* A pid that is taken again proves that its last holder is gone, even if its
 * exit was lost. */
static void
bury_older(struct procs *t, struct proc_key key, uint64_t now_ns)
{
	struct proc *p, *next;

	for (p = *bucket_of(t, key.pid); p != NULL; p = next) {
		next = p->next;
		if (p->key.pid == key.pid && p->key.start_ns < key.start_ns)
			bury(t, p, now_ns);
	}
}

static struct proc *
insert(struct procs *t, struct proc_key key, uint64_t now_ns)
{
	struct proc *p, **bucket = bucket_of(t, key.pid);

	bury_older(t, key, now_ns);
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		t->counters.no_memory++;
		return NULL;
	}
	p->key = key;
	p->refs = 1; /* the table's */
	p->next = *bucket;
	*bucket = p;
	t->counters.known++;
	return p;
}

static struct proc *
find_or_insert(struct procs *t, const struct event *e)
{
	struct proc *p = procs_find(t, e->key);

	if (p != NULL || e->key.pid == 0 || e->key.start_ns == 0)
		return p;
	return insert(t, e->key, e->time_ns);
}

/* ---- family -------------------------------------------------------------- */

static bool
is_ancestor(const struct proc *p, const struct proc *of)
{
	for (int i = 0; of != NULL && i < ANCESTORS_MAX; i++, of = of->parent) {
		if (of == p)
			return true;
	}
	return false;
}

/*
 * A program that goes on as its own child again and again has ever more
 * ancestors. Who is far enough away is let go; but not from one that lives, as
 * that may still be asked for its parent. What is counted is renumbered on the
 * way, so that the next walk is due after as many generations again.
 */
static void
shorten_line(struct procs *t, struct proc *p)
{
	uint32_t kept = t->counters.ancestors > t->options.max_ancestors
				? LINE_KEPT_IN_NEED
				: LINE_KEPT;
	struct proc *at = p, *beyond;

	if (p->generation < 2 * kept)
		return;
	for (; kept > 0 && at->parent != NULL; at = at->parent)
		at->generation = kept--;
	while (at->parent != NULL && !at->exited)
		at = at->parent;
	beyond = at->parent;
	at->parent = NULL;
	t->counters.shortened += beyond != NULL;
	proc_unref(t, beyond);
}

/* Nobody can descend from a process that only the table refers to. */
static void
set_parent(struct procs *t, struct proc *p, struct proc *parent)
{
	if (p->parent != NULL || parent == NULL ||
	    (p->refs > 1 && is_ancestor(p, parent)))
		return;
	p->parent = proc_ref(parent);
	p->generation = parent->generation + 1;
	shorten_line(t, p);
}

/* Those of its parent are its ancestors, too, even if that cannot be seen any
 * more. */
static bool
may_lead(const struct proc *leader, const struct proc *p)
{
	return leader == NULL || leader == p ||
	       (p->parent != NULL &&
		(leader == p->parent->session || leader == p->parent->entry)) ||
	       is_ancestor(leader, p);
}

/* Sessions and entry leaders are ancestors or the process itself; anything
 * else could make a ring of references. */
static void
set_leader(struct procs *t, struct proc *p, struct proc **slot,
	   struct proc *leader)
{
	if (may_lead(leader, p))
		replace(t, p, slot, leader);
}

static struct proc *
session_of(const struct procs *t, struct proc *p, const struct event *e)
{
	if (p->sid == p->key.pid)
		return p;
	if (p->parent != NULL && p->parent->sid == p->sid &&
	    p->parent->session != NULL)
		return p->parent->session;
	if (e->proc.session.pid != 0)
		return procs_find(t, e->proc.session);
	return procs_newest(t, p->sid);
}

static void
update_family(struct procs *t, struct proc *p, const struct event *e)
{
	struct entry_verdict entry;

	set_leader(t, p, &p->session, session_of(t, p, e));
	entry = entry_decide(p);
	p->entry_type = entry.type;
	set_leader(t, p, &p->entry,
		   entry.self	       ? p
		   : p->parent != NULL ? p->parent->entry
				       : NULL);
}

static void
take_state(struct proc *p, const struct event_proc *from)
{
	p->creds = from->creds;
	p->pgid = from->pgid;
	p->sid = from->sid;
	p->tty_major = from->tty_major;
	p->tty_minor = from->tty_minor;
	p->kthread = from->kthread;
	p->container = from->container;
}

/* ---- events -------------------------------------------------------------- */

static struct proc *
apply_fork(struct procs *t, const struct event *e)
{
	struct proc *p = find_or_insert(t, e);
	struct proc *parent = procs_find(t, e->proc.parent);

	if (p == NULL)
		return NULL;
	take_state(p, &e->proc);
	set_parent(t, p, parent);
	if (p->image == NULL && parent != NULL)
		p->image = image_ref(parent->image);
	update_family(t, p, e);
	return p;
}

static struct proc *
apply_exec(struct procs *t, const struct event *e)
{
	struct proc *p = find_or_insert(t, e);
	struct image *image;

	if (p == NULL)
		return NULL;
	take_state(p, &e->proc);
	set_parent(t, p, procs_find(t, e->proc.parent));
	image = image_new(e, p->image);
	if (image == NULL) {
		t->counters.no_memory++;
	} else {
		image_unref(p->before);
		p->before = p->image;
		p->image = image;
		p->image_ns = e->time_ns;
	}
	update_family(t, p, e);
	return p;
}

/* What is known already came from the kernel in order; /proc is later. */
static struct proc *
apply_seed(struct procs *t, const struct event *e)
{
	struct proc *p = procs_find(t, e->key);

	if (p == NULL || p->image == NULL)
		return apply_exec(t, e);
	/* It was listed before its parent, which has a higher number. */
	if (p->parent == NULL) {
		set_parent(t, p, procs_find(t, e->proc.parent));
		update_family(t, p, e);
	}
	return p;
}

static struct proc *
apply_exit(struct procs *t, const struct event *e)
{
	struct proc *p = procs_find(t, e->key);

	if (p == NULL)
		return NULL;
	p->exit_code = e->exit_code;
	p->told = e->told;
	/* Burying may evict the oldest, which must not be this one. */
	proc_ref(p);
	bury(t, p, e->time_ns);
	p->refs--;
	return p;
}

static struct proc *
apply_forget(struct procs *t, const struct event *e)
{
	struct proc *p = procs_find(t, e->key);
	struct image *image = p != NULL ? image_new(e, p->image) : NULL;

	if (image == NULL)
		return p;
	image->missing = true;
	image_unref(p->before);
	p->before = NULL;
	image_unref(p->image);
	p->image = image;
	return p;
}

static struct proc *
apply_change(struct procs *t, const struct event *e)
{
	struct proc *p = find_or_insert(t, e);

	if (p == NULL)
		return NULL;
	take_state(p, &e->proc);
	update_family(t, p, e);
	return p;
}

struct proc *
procs_apply(struct procs *t, const struct event *e)
{
	switch (e->kind) {
	case EVENT_FORK:
		return apply_fork(t, e);
	case EVENT_EXEC:
		return apply_exec(t, e);
	case EVENT_ALREADY_RUNNING:
		return apply_seed(t, e);
	case EVENT_EXIT:
		return apply_exit(t, e);
	case EVENT_UID_CHANGE:
	case EVENT_GID_CHANGE:
	case EVENT_SESSION_CHANGE:
		return apply_change(t, e);
	case EVENT_NAME_ACT:
		return procs_take_act(t, e);
	case EVENT_FORGET:
		return apply_forget(t, e);
	default:
		return procs_find(t, e->key);
	}
}

void
procs_each(const struct procs *t, void (*each)(void *ctx, const struct proc *),
	   void *ctx)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct proc *p = t->buckets[i]; p != NULL;
		     p = p->next)
			each(ctx, p);
}

struct procs_counters
procs_count(const struct procs *t)
{
	return t->counters;
}

void
procs_free(struct procs *t)
{
	if (t == NULL)
		return;
	procs_drop_acts(t);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (t->buckets[i] != NULL) {
			struct proc *p = t->buckets[i];

			t->buckets[i] = p->next;
			proc_unref(t, p);
		}
	}
	free(t);
}
