/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes known by looking: the table, and what happens to one of them. */
#include "fim/known.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A batch of many long command lines is not kept. */
#define EVENTS_KEPT 4096u

/* ---- the table ------------------------------------------------------- */

static struct known **
bucket_of(struct knowns *k, uint32_t pid)
{
	return &k->buckets[pid & (KNOWN_BUCKETS - 1)];
}

struct known *
known_find(struct knowns *k, uint32_t pid)
{
	struct known *p = *bucket_of(k, pid);

	while (p != NULL && p->key.pid != pid)
		p = p->next;
	return p;
}

static struct known *
add(struct knowns *k, struct proc_key key)
{
	struct known **bucket = bucket_of(k, key.pid);
	struct known *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		k->lost++;
		return NULL;
	}
	p->key = key;
	p->round = k->round;
	p->next = *bucket;
	*bucket = p;
	k->n++;
	return p;
}

void
known_age(struct known *p)
{
	if (p->young_at == NULL)
		return;
	*p->young_at = p->young_next;
	if (p->young_next != NULL)
		p->young_next->young_at = p->young_at;
	p->young_at = NULL;
}

static void
drop(struct knowns *k, struct known *p)
{
	struct known **at = bucket_of(k, p->key.pid);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	known_age(p);
	k->n--;
	free(p);
}

void
known_forget(struct knowns *k)
{
	for (size_t i = 0; i < KNOWN_BUCKETS; i++) {
		while (k->buckets[i] != NULL)
			drop(k, k->buckets[i]);
	}
}

void
known_free(struct knowns *k)
{
	known_forget(k);
	free(k->v);
	arena_free(&k->arena);
}

/* ---- the batch ------------------------------------------------------- */

struct event *
known_event(struct knowns *k, enum event_kind kind, const struct known *p,
	    uint64_t time_ns)
{
	struct event *e;

	if (k->n_events == k->cap) {
		size_t cap = k->cap ? 2 * k->cap : 64;

		e = reallocarray(k->v, cap, sizeof(*e));
		if (e == NULL) {
			k->lost++;
			return NULL;
		}
		k->v = e;
		k->cap = cap;
	}
	e = &k->v[k->n_events++];
	*e = (struct event){
		.kind = kind,
		.attribution = ATTRIBUTION_KERNEL,
		.time_ns = time_ns,
		.pidfd = -1,
	};
	if (p != NULL) {
		e->key = p->key;
		e->proc = p->proc;
	}
	return e;
}

void
known_deliver(struct knowns *k, const struct event_sink *sink)
{
	for (size_t i = 0; i < k->n_events; i++)
		sink->take(sink->ctx, &k->v[i]);
	k->told += k->n_events;
	k->n_events = 0;
	if (k->cap > EVENTS_KEPT) {
		free(k->v);
		k->v = NULL;
		k->cap = 0;
	}
	arena_reset(&k->arena);
}

void
known_loss(struct knowns *k, struct view cause, bool again, uint64_t time_ns)
{
	struct event *e = known_event(k, EVENT_LOSS, NULL, time_ns);

	k->lost++;
	if (e == NULL)
		return;
	e->lost = 1; /* at least */
	e->role = ROLE_PROCESSES;
	e->again = again;
	e->scope = VIEW("process events");
	e->cause = arena_copy(&k->arena, cause);
}

/* ---- looking at one process ------------------------------------------ */

static struct proc_key
key_of(struct knowns *k, uint32_t pid)
{
	const struct known *p = pid != 0 ? known_find(k, pid) : NULL;

	return p != NULL ? p->key : (struct proc_key){ pid, 0 };
}

/* What /proc/PID/stat says goes where it belongs. */
static void
take_family(struct knowns *k, struct event_proc *p, const struct event_proc *is)
{
	p->parent = key_of(k, is->parent.pid);
	p->pgid = is->pgid;
	p->sid = is->sid;
	p->session = key_of(k, is->sid);
	p->tty_major = is->tty_major;
	p->tty_minor = is->tty_minor;
	p->kthread = is->kthread;
}

static void
note_owner(int dir, struct known *p)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return;
	p->uid = st.st_uid;
	p->gid = st.st_gid;
}

/* The entry of a live process; what was known under its pid has ended. */
static struct known *
meet(struct knowns *k, const struct event *now, uint64_t time_ns)
{
	struct known *p = known_find(k, now->key.pid);

	if (p != NULL && p->key.start_ns != now->key.start_ns) {
		known_exit(k, p->key.pid, EXIT_CODE_UNKNOWN, time_ns);
		p = NULL;
	}
	return p != NULL ? p : add(k, now->key);
}

static void
make_young(struct knowns *k, struct known *p, uint64_t time_ns)
{
	known_age(p);
	p->exec_ns = time_ns;
	p->n_told = 0;
	p->young_next = k->young;
	p->young_at = &k->young;
	if (k->young != NULL)
		k->young->young_at = &p->young_next;
	k->young = p;
}

/* Reads what runs into `e`, an event of this process; marks it when that has
 * gone. */
static void
fill_image(struct knowns *k, int dir, struct event *e)
{
	bool there = dir >= 0 && (e->proc.kthread ||
				  procfs_image(dir, k->config, e, &k->arena));

	e->exec.missing = !there;
	k->gone += !there;
}

/* Looks at an open directory of /proc; NULL when there is nothing any more. */
static struct known *
look(struct knowns *k, int dir, uint32_t pid, struct event *now,
     struct procfs_stat *more, uint64_t time_ns)
{
	struct known *p;

	*now = (struct event){ .key.pid = pid };
	if (dir < 0 || !procfs_stat(dir, now, more, &k->arena))
		return NULL;
	p = meet(k, now, time_ns);
	if (p != NULL)
		take_family(k, &p->proc, &now->proc);
	return p;
}

/* ---- what happened --------------------------------------------------- */

/* A fork that has ended by now has what its parent had. */
static struct known *
add_unseen(struct knowns *k, uint32_t pid, uint32_t parent, uint64_t time_ns)
{
	struct proc_key key = { pid, time_ns - time_ns % PROCFS_TICK_NS };
	const struct known *from = known_find(k, parent);
	struct known *p = known_find(k, pid);

	if (p != NULL)
		known_exit(k, pid, EXIT_CODE_UNKNOWN, time_ns);
	p = add(k, key);
	if (p == NULL)
		return NULL;
	if (from != NULL) {
		p->proc = from->proc;
		p->image = from->image;
	}
	return p;
}

void
known_fork(struct knowns *k, uint32_t pid, uint32_t parent, uint64_t time_ns)
{
	int dir = procfs_open(pid);
	struct procfs_stat more;
	struct event now;
	struct known *p = look(k, dir, pid, &now, &more, time_ns);
	const struct known *from = known_find(k, parent);

	if (p == NULL)
		p = add_unseen(k, pid, parent, time_ns);
	if (p != NULL) {
		if (from != NULL) {
			p->proc.creds = from->proc.creds;
			p->proc.container = from->proc.container;
			p->image = from->image;
		} else if (dir >= 0) {
			procfs_status(dir, &p->proc, &k->arena);
		}
		/* Whoever made it may be gone, and its parent another one. */
		p->proc.parent = key_of(k, parent);
		if (dir >= 0)
			note_owner(dir, p);
		known_event(k, EVENT_FORK, p, time_ns);
	}
	if (dir >= 0)
		close(dir);
}

static void
tell_exec(struct knowns *k, struct known *p, int dir, const struct event *now,
	  uint64_t time_ns)
{
	struct event *e;

	if (dir >= 0) {
		procfs_status(dir, &p->proc, &k->arena);
		note_owner(dir, p);
	}
	e = known_event(k, EVENT_EXEC, p, time_ns);
	if (e == NULL)
		return;
	e->exec.comm = now->exec.comm;
	fill_image(k, dir, e);
	make_young(k, p, time_ns);
	/* Last: it makes room for another event. */
	if (e->exec.socket_fds != 0)
		known_inherited(k, p, e->exec.socket_fds, dir, time_ns);
}

void
known_exec(struct knowns *k, uint32_t pid, uint64_t time_ns)
{
	int dir = procfs_open(pid);
	struct procfs_stat more = { 0 };
	struct event now;
	struct known *p = look(k, dir, pid, &now, &more, time_ns);

	if (p == NULL)
		p = known_find(k, pid);
	if (p == NULL)
		p = add_unseen(k, pid, 0, time_ns);
	if (p != NULL) {
		p->image = more.image;
		tell_exec(k, p, dir, &now, time_ns);
	}
	if (dir >= 0)
		close(dir);
}

void
known_exit(struct knowns *k, uint32_t pid, int32_t code, uint64_t time_ns)
{
	struct known *p = known_find(k, pid);
	struct event *e;

	if (p == NULL)
		return;
	e = known_event(k, EVENT_EXIT, p, time_ns);
	if (e != NULL)
		e->exit_code = code;
	drop(k, p);
}

void
known_thread_exit(struct knowns *k, uint32_t pid, bool leader, int32_t code,
		  uint64_t time_ns)
{
	struct known *p = known_find(k, pid);
	struct procfs_stat more;
	struct event now;
	int dir;

	if (p == NULL || (!leader && !p->leader_gone))
		return;
	dir = procfs_open(pid);
	now = (struct event){ .key.pid = pid };
	p->leader_gone = dir >= 0 && procfs_stat(dir, &now, &more, &k->arena) &&
			 now.key.start_ns == p->key.start_ns &&
			 more.threads > 1;
	if (dir >= 0)
		close(dir);
	if (!p->leader_gone)
		known_exit(k, pid, code, time_ns);
}

static bool
same_uids(const struct event_creds *a, const struct event_creds *b)
{
	return a->uid == b->uid && a->euid == b->euid && a->suid == b->suid;
}

static bool
same_gids(const struct event_creds *a, const struct event_creds *b)
{
	return a->gid == b->gid && a->egid == b->egid && a->sgid == b->sgid;
}

static void
look_at_ids(struct knowns *k, struct known *p, int dir, uint64_t time_ns)
{
	struct event_creds before = p->proc.creds;

	note_owner(dir, p);
	procfs_status(dir, &p->proc, &k->arena);
	if (p->proc.creds.uid == ID_UNKNOWN) {
		p->proc.creds = before; /* gone meanwhile */
		return;
	}
	if (!same_uids(&before, &p->proc.creds))
		known_event(k, EVENT_UID_CHANGE, p, time_ns);
	if (!same_gids(&before, &p->proc.creds))
		known_event(k, EVENT_GID_CHANGE, p, time_ns);
}

void
known_ids(struct knowns *k, uint32_t pid, uint64_t time_ns)
{
	struct known *p = known_find(k, pid);
	int dir = p != NULL ? procfs_open(pid) : -1;

	if (dir < 0)
		return;
	look_at_ids(k, p, dir, time_ns);
	close(dir);
}

void
known_session(struct knowns *k, uint32_t pid, uint64_t time_ns)
{
	struct known *p = known_find(k, pid);

	if (p == NULL || p->proc.sid == pid)
		return;
	/* setsid(2): leader of a new session and group, no terminal. */
	p->proc.sid = p->proc.pgid = pid;
	p->proc.session = p->key;
	p->proc.tty_major = p->proc.tty_minor = 0;
	known_event(k, EVENT_SESSION_CHANGE, p, time_ns);
}

/* ---- listing --------------------------------------------------------- */

/* New to us: a fork that still runs what its parent runs, or a program. */
static void
tell_new(struct knowns *k, struct known *p, int dir, const struct event *now,
	 uint64_t time_ns)
{
	const struct known *from = known_find(k, p->proc.parent.pid);
	uint64_t image = p->image;

	if (from != NULL && image != 0 && from->image == image) {
		procfs_status(dir, &p->proc, &k->arena);
		note_owner(dir, p);
		known_event(k, EVENT_FORK, p, time_ns);
		return;
	}
	tell_exec(k, p, dir, now, time_ns);
}

static void
tell_running(struct knowns *k, struct known *p, int dir,
	     const struct event *now, uint64_t time_ns)
{
	struct event *e;

	procfs_status(dir, &p->proc, &k->arena);
	note_owner(dir, p);
	e = known_event(k, EVENT_ALREADY_RUNNING, p, time_ns);
	if (e == NULL)
		return;
	e->exec.comm = now->exec.comm;
	fill_image(k, dir, e);
}

static void
look_again(struct knowns *k, struct known *p, int dir, const struct event *now,
	   const struct procfs_stat *more, uint64_t time_ns)
{
	uint32_t sid = p->proc.sid;
	struct stat st;

	take_family(k, &p->proc, &now->proc);
	if (more->image != p->image && more->image != 0) {
		p->image = more->image;
		tell_exec(k, p, dir, now, time_ns);
	}
	/* Cheaper than reading its status; a change back is not seen. */
	if (fstat(dir, &st) == 0 &&
	    (st.st_uid != p->uid || st.st_gid != p->gid))
		look_at_ids(k, p, dir, time_ns);
	if (sid != now->proc.sid && now->proc.sid == p->key.pid)
		known_event(k, EVENT_SESSION_CHANGE, p, time_ns);
}

/* False when it does not run any more. */
static bool
visit(struct knowns *k, uint32_t pid, bool first, uint64_t now_ns)
{
	int dir = procfs_open(pid);
	const struct known *before = known_find(k, pid);
	uint64_t start_ns = before != NULL ? before->key.start_ns : 0;
	struct event now = { .key.pid = pid };
	struct procfs_stat more = { 0 };
	struct known *p = NULL;

	if (dir < 0)
		return false;
	if (procfs_stat(dir, &now, &more, &k->arena) && more.state != 'Z')
		p = meet(k, &now, now_ns);
	if (p != NULL && (before == NULL || p->key.start_ns != start_ns)) {
		/* Parents first, whatever their numbers. */
		if (now.proc.parent.pid != 0 &&
		    known_find(k, now.proc.parent.pid) == NULL)
			visit(k, now.proc.parent.pid, first, now_ns);
		p->image = more.image;
		take_family(k, &p->proc, &now.proc);
		if (first)
			tell_running(k, p, dir, &now, now_ns);
		else
			tell_new(k, p, dir, &now, now_ns);
	} else if (p != NULL) {
		look_again(k, p, dir, &now, &more, now_ns);
	}
	if (p != NULL)
		p->round = k->round;
	close(dir);
	return p != NULL;
}

static void
mark(struct knowns *k, size_t from, enum attribution how)
{
	for (size_t i = from; i < k->n_events; i++)
		k->v[i].attribution = how;
}

static void
bury_absent(struct knowns *k, uint64_t now_ns)
{
	for (size_t i = 0; i < KNOWN_BUCKETS; i++) {
		struct known *p = k->buckets[i], *next;

		for (; p != NULL; p = next) {
			next = p->next;
			if (p->round != k->round)
				known_exit(k, p->key.pid, EXIT_CODE_UNKNOWN,
					   now_ns);
		}
	}
}

/* The beginning and the end of a list that closes a gap. */
static void
put_bound(struct knowns *k, enum event_kind kind, uint64_t now_ns)
{
	struct event *e = known_event(k, kind, NULL, now_ns);

	if (e != NULL)
		e->role = ROLE_PROCESSES;
}

int
known_list(struct knowns *k, bool first, enum attribution how, uint64_t now_ns)
{
	size_t from = k->n_events, n;
	uint32_t *pids = procfs_pids(&n);

	if (pids == NULL)
		return -1;
	k->round++;
	if (how == ATTRIBUTION_LOST)
		put_bound(k, EVENT_LIST_BEGIN, now_ns);
	for (size_t i = 0; i < n; i++)
		visit(k, pids[i], first, now_ns);
	free(pids);
	bury_absent(k, now_ns);
	if (!first)
		mark(k, from, how);
	if (how == ATTRIBUTION_LOST)
		put_bound(k, EVENT_LIST_END, now_ns);
	return 0;
}

void
known_look(struct knowns *k, uint32_t pid, uint64_t now_ns)
{
	size_t from = k->n_events;
	struct known *p;

	if (!visit(k, pid, false, now_ns)) {
		p = known_find(k, pid);
		if (p != NULL)
			known_event(k, EVENT_FORGET, p, now_ns);
		known_exit(k, pid, EXIT_CODE_UNKNOWN, now_ns);
	}
	mark(k, from, ATTRIBUTION_POLLED);
}
