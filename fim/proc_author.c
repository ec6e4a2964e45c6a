/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who did it: names that processes told the kernel, and who was there. */
#include "fim/image.h"
#include "fim/proc_inside.h"

#include <stdlib.h>

#define LOOKED_AT 64 /* acts, in one go of procs_expire */

/* ---- names ----------------------------------------------------------- */

static uint64_t
act_hash(uint32_t pid, struct view basename)
{
	return hash_mix(view_hash(basename), pid);
}

/* PROC_ACTS_SET of them: those in which an act of that hash can be. */
static struct act *
set_of(const struct procs *t, uint64_t hash)
{
	return &t->acts[hash % (t->options.max_acts / PROC_ACTS_SET) *
			PROC_ACTS_SET];
}

static struct act *
act_of(const struct procs *t, uint64_t hash)
{
	struct act *set = set_of(t, hash);

	for (size_t i = 0; i < PROC_ACTS_SET; i++)
		if (set[i].proc != NULL && set[i].hash == hash)
			return &set[i];
	return NULL;
}

/* The one that gives way: a place that is free, or else the oldest act. */
static struct act *
oldest_of(struct act *set)
{
	struct act *oldest = set;

	for (size_t i = 1; i < PROC_ACTS_SET; i++)
		if (set[i].made_ns < oldest->made_ns)
			oldest = &set[i];
	return oldest;
}

/* An act that is pushed out before anybody asked: its process can no longer
 * be said to have told of everything, and is a candidate again; not so if it
 * has become another program since, which did not do it. */
static void
forget_act(struct procs *t, struct act *act)
{
	if (act->proc != NULL && act->spent_ns == 0 &&
	    act->image == act->proc->image)
		act->proc->told = false;
	proc_unref(t, act->proc);
	image_unref(act->image);
	*act = (struct act){ 0 };
}

struct proc *
procs_take_act(struct procs *t, const struct event *e)
{
	struct proc *p = procs_find(t, e->key);
	uint64_t hash = act_hash(e->key.pid, path_name(e->file.path));
	struct act *act = act_of(t, hash);

	if (p == NULL || p->image == NULL)
		return p;
	/* Still waiting since an earlier exec: the earlier image's. */
	if (act != NULL && act->proc == p && act->spent_ns == 0 &&
	    act->made_ns + NS_PER_SEC >= e->time_ns)
		return p;
	if (act == NULL)
		act = oldest_of(set_of(t, hash));
	forget_act(t, act);
	act->proc = proc_ref(p);
	act->image = image_ref(p->image);
	act->hash = hash;
	act->made_ns = e->time_ns;
	act->spent_ns = 0;
	return p;
}

/* An act keeps its process and all its ancestors. */
void
procs_expire_acts(struct procs *t, uint64_t now_ns)
{
	for (int i = 0; i < LOOKED_AT; i++) {
		struct act *act = &t->acts[t->next_act++ % t->options.max_acts];

		if (act->proc != NULL && is_long_dead(t, act->proc, now_ns))
			forget_act(t, act);
	}
}

void
procs_drop_acts(struct procs *t)
{
	for (size_t i = 0; i < t->options.max_acts; i++) {
		proc_unref(t, t->acts[i].proc);
		image_unref(t->acts[i].image);
	}
	free(t->acts);
}

/* ---- who did it ------------------------------------------------------ */

/* Alive a moment ago, as far as an event read now can tell. */
static bool
recently_alive(const struct proc *p, uint64_t now_ns)
{
	return !p->exited || p->exit_ns + NS_PER_SEC >= now_ns;
}

/* The only process with this pid that is remembered. An event may be read
 * long after its author has ended, when the queue is long. */
static bool
is_alone(const struct procs *t, const struct proc *alone)
{
	for (struct proc *p = *bucket_of(t, alone->key.pid); p != NULL;
	     p = p->next) {
		if (p != alone && p->key.pid == alone->key.pid)
			return false;
	}
	return true;
}

/* `again`: also one that has spoken for an event read at another time. */
static const struct act *
find_act(struct procs *t, const struct event *e, uint32_t pid, struct view path,
	 bool again)
{
	struct act *a =
		path.n == 0 ? NULL : act_of(t, act_hash(pid, path_name(path)));

	if (a == NULL || a->proc->key.pid != pid ||
	    !(recently_alive(a->proc, e->time_ns) || is_alone(t, a->proc)))
		return NULL;
	/* What had been read by then, and what is read later, are other acts
	 * on the same name. */
	if (e->time_ns < a->made_ns ||
	    (!again && a->spent_ns != 0 && a->spent_ns != e->time_ns))
		return NULL;
	a->spent_ns = e->time_ns;
	return a;
}

static const struct act *
find_any_act(struct procs *t, const struct event *e, bool again)
{
	uint32_t pid = e->key.pid != 0 ? e->key.pid : e->file.maker_pid;
	const struct act *act = find_act(t, e, pid, e->file.path, again);

	return act != NULL ? act : find_act(t, e, pid, e->file.old_path, again);
}

/* Can an event without a name act be of it? A message has the time when it
 * was taken in, which may be after its writer has gone. */
static bool
may_have_acted(const struct proc *p, const struct event *e)
{
	return event_is_log(e->kind) ||
	       !(p->exited && p->told && p->exit_ns < e->time_ns);
}

/* The only incarnation of the event's pid that can have acted; one that came
 * after its time only if there is no other. NULL when there is none, or more
 * than one (`doubt`). */
static struct proc *
only_candidate(const struct procs *t, const struct event *e, bool *doubt)
{
	struct proc *found = NULL, *later = NULL;
	uint32_t pid = e->key.pid;

	for (struct proc *p = *bucket_of(t, pid); p != NULL; p = p->next) {
		struct proc **slot =
			p->key.start_ns <= e->time_ns ? &found : &later;

		if (p->key.pid != pid || !may_have_acted(p, e) ||
		    !(recently_alive(p, e->time_ns) || is_alone(t, p)))
			continue;
		*doubt |= *slot != NULL;
		*slot = p;
	}
	if (*doubt)
		return NULL;
	return found != NULL ? found : later;
}

/* A program takes longer to start than this. */
#define SHORT_READ_NS (200 * NS_PER_US)

/* An event that is not named at the exec was read before it, or came after it.
 * In between is only a read that the exec falls into; if it was a short one,
 * the new image had no time to act. */
static struct author
author_at(struct proc *p, const struct event *e)
{
	struct author author = { .proc = p, .image = p->image };

	if (p->before == NULL || e->time_ns >= p->image_ns)
		return author;
	if (e->read_ns > p->image_ns && e->read_ns - e->time_ns > SHORT_READ_NS)
		author.before = p->before;
	else
		author.image = p->before;
	return author;
}

struct author
procs_author(struct procs *t, const struct event *e)
{
	struct author author = { 0 };
	const struct act *act = find_any_act(t, e, false);
	bool doubt = false;

	if (act != NULL)
		return (struct author){ act->proc, act->image, NULL };
	if (e->key.pid == 0)
		return author;
	author.proc = e->key.start_ns != 0 ? procs_find(t, e->key)
					   : only_candidate(t, e, &doubt);
	if (author.proc != NULL)
		return author_at(author.proc, e);
	/* Several events of one name waited when their process ended, and
	 * were read one after the other. */
	act = doubt ? NULL : find_any_act(t, e, true);
	return act != NULL ? (struct author){ act->proc, act->image, NULL }
			   : author;
}
