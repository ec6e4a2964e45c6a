/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of the kernel programs (fim/bpf/wire.h) become events.
 */
#include "fim/sensor_bpf.h"

#include <assert.h>
#include <sys/socket.h>

void
translate_head(struct event *e, const struct wire_head *w)
{
	e->attribution = ATTRIBUTION_KERNEL;
	e->truncated = w->flags & WIRE_TRUNCATED;
	e->time_ns = w->time_ns;
	e->key = (struct proc_key){ w->pid, w->start_ns };
	e->pidfd = -1;
}

void
translate_proc(struct event *e, const struct wire_head *h,
	       const struct wire_proc *w)
{
	struct event_proc *p = &e->proc;

	p->parent = (struct proc_key){ w->parent, w->parent_start_ns };
	p->pgid = w->pgid;
	p->sid = w->sid;
	p->session = (struct proc_key){ w->session, w->session_start_ns };
	p->tty_major = w->tty_major;
	p->tty_minor = w->tty_minor;
	p->creds = (struct event_creds){
		.uid = w->uid,
		.euid = w->euid,
		.suid = w->suid,
		.gid = w->gid,
		.egid = w->egid,
		.sgid = w->sgid,
		.cap_permitted = w->cap_permitted,
		.cap_effective = w->cap_effective,
	};
	p->kthread = h->flags & WIRE_KTHREAD;
	p->container = h->flags & WIRE_CONTAINER;
	p->pid_ns = w->pid_ns;
	p->mnt_ns = w->mnt_ns;
}

void
translate_image(struct event_exec *e, const struct wire_image *w)
{
	e->comm = (struct view){ w->comm, strnlen(w->comm, sizeof(w->comm)) };
	e->argc = w->argc;
	e->inode = w->inode;
	/* MAJOR and MINOR of include/linux/kdev_t.h. */
	e->dev_major = w->dev >> 20;
	e->dev_minor = w->dev & 0xfffff;
	e->nlink = w->nlink;
	e->socket_fds = w->socket_fds;
}

/* Without the NUL that ends it. */
static struct view
string_of(struct view v)
{
	if (v.n > 0 && v.p[v.n - 1] == '\0')
		v.n--;
	return v;
}

/*
 * Turns names, last component first, around: "x\0tmp\0" is /tmp/x. A path
 * that was cut lacks its upper part and therefore its first slash.
 */
static struct view
path_build(struct view names, bool cut, char *out, size_t room)
{
	size_t at = names.n, n = names.n;
	struct view name;

	if (n == 0)
		return cut ? VIEW_NONE : VIEW("/");
	if (n > room)
		return VIEW_NONE;
	/* Every name is followed by a NUL and will follow a slash. */
	while (view_next_item(&names, &name) && name.n < at) {
		at -= name.n + 1;
		out[at] = '/';
		memcpy(out + at + 1, name.p, name.n);
	}
	return view_sub((struct view){ out, n }, at + cut, SIZE_MAX);
}

static bool
env_is_wanted(const struct sensor_config *config, struct view item)
{
	for (size_t i = 0; i < config->n_env_names; i++) {
		struct view name = view_of(config->env_names[i]);

		if (item.n > name.n && item.p[name.n] == '=' &&
		    view_starts(item, name))
			return true;
	}
	return false;
}

bool
translate_env(const struct sensor_config *config, struct view all, char *out,
	      struct view *kept)
{
	struct view item;
	size_t n = 0;
	bool all_fit = true;

	while (view_next_item(&all, &item)) {
		if (!env_is_wanted(config, item))
			continue;
		if (item.n + 1 > WIRE_ENV_MAX - n) {
			all_fit = false;
			break;
		}
		memcpy(out + n, item.p, item.n);
		out[n + item.n] = '\0';
		n += item.n + 1;
	}
	*kept = (struct view){ out, n };
	return all_fit;
}

static void
net_fill(struct event_net *e, const struct wire_sock *w)
{
	size_t n = w->family == AF_INET6 ? 16 : 4;

	e->family = w->family;
	e->proto = w->proto;
	e->ingress = w->ingress;
	memcpy(e->local, w->local, n);
	memcpy(e->remote, w->remote, n);
	e->local_port = w->local_port;
	e->remote_port = w->remote_port;
	e->cookie = w->cookie;
}

static void
take(struct translator *t, const struct event_sink *sink, const struct event *e)
{
	t->events++;
	sink->take(sink->ctx, e);
}

/* ---- changes of user, group, session --------------------------------- */

/* Tells of what changed since the process was last heard of. `e` is the
 * template: its key, time and state. */
static void
take_changes(struct translator *t, const struct event *e, unsigned changed,
	     const struct event_sink *sink)
{
	static const struct {
		unsigned bit;
		enum event_kind kind;
	} kinds[] = {
		{ IDS_SESSION, EVENT_SESSION_CHANGE },
		{ IDS_GID, EVENT_GID_CHANGE },
		{ IDS_UID, EVENT_UID_CHANGE },
	};
	struct event change = {
		.attribution = e->attribution,
		.time_ns = e->time_ns,
		.key = e->key,
		.pidfd = -1,
		.proc = e->proc,
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!(changed & kinds[i].bit))
			continue;
		change.kind = kinds[i].kind;
		take(t, sink, &change);
	}
}

/* The same for the process that a record is about. */
static void
note_ids(struct translator *t, const struct wire_head *h,
	 const struct wire_proc *w, const struct event_sink *sink)
{
	struct event e = { 0 };
	unsigned changed;

	translate_head(&e, h);
	changed = ids_note(&t->ids, e.key, w);
	/* Such a file makes another user of whoever runs it: no act of the
	 * process, and the exec says it. */
	if (h->flags & WIRE_SETID)
		changed &= IDS_SESSION;
	if (changed == 0)
		return;
	translate_proc(&e, h, w);
	take_changes(t, &e, changed, sink);
}

/* ---- one function a kind --------------------------------------------- */

/* Descriptors 0–2 of a new image that are connected: it can talk to the peer
 * without ever making a call that would be seen. */
static void
exec_inherited(struct translator *t, const struct wire_exec *w,
	       const struct event_sink *sink)
{
	for (size_t i = 0; i < ARRAY_LEN(w->socks); i++) {
		struct event e = { .kind = EVENT_CONNECT };
		bool told = w->socks[i].family == 0;

		/* Usually it is one socket three times. */
		for (size_t k = 0; k < i; k++)
			told |= memcmp(&w->socks[k], &w->socks[i],
				       sizeof(w->socks[i])) == 0;
		if (told)
			continue;
		translate_head(&e, &w->head);
		e.truncated = false;
		net_fill(&e.net, &w->socks[i]);
		e.net.inherited = true;
		take(t, sink, &e);
	}
}

/* Cuts the strings behind an exec record; false if they overrun it. */
static bool
exec_split(const struct wire_exec *w, size_t n, struct view *strings)
{
	struct view rest = { (const char *)(w + 1), n - sizeof(*w) };

	for (size_t i = 0; i < WIRE_STRINGS; i++) {
		if (w->length[i] > rest.n)
			return false;
		strings[i] = (struct view){ rest.p, w->length[i] };
		rest = view_sub(rest, w->length[i], SIZE_MAX);
	}
	return true;
}

static bool
take_exec(struct translator *t, const void *record, size_t n,
	  const struct event_sink *sink)
{
	const struct wire_exec *w = record;
	struct event e = { .kind = EVENT_EXEC };
	struct view strings[WIRE_STRINGS];

	if (n < sizeof(*w) || !exec_split(w, n, strings))
		return false;
	note_ids(t, &w->head, &w->proc, sink);
	translate_head(&e, &w->head);
	translate_proc(&e, &w->head, &w->proc);
	translate_image(&e.exec, &w->image);
	memcpy(e.exec.stdio_inode, w->stdio_inode, sizeof(w->stdio_inode));
	e.exec.given = string_of(strings[WIRE_GIVEN]);
	e.exec.interp = string_of(strings[WIRE_INTERP]);
	e.exec.args = strings[WIRE_ARGV];
	e.exec.image =
		path_build(strings[WIRE_IMAGE], w->head.flags & WIRE_CUT_IMAGE,
			   t->image, sizeof(t->image));
	e.exec.cwd = path_build(strings[WIRE_CWD], w->head.flags & WIRE_CUT_CWD,
				t->cwd, sizeof(t->cwd));
	if (!translate_env(t->config, strings[WIRE_ENV], t->env, &e.exec.env))
		e.truncated = true;
	take(t, sink, &e);
	exec_inherited(t, w, sink);
	return true;
}

/* The child shows what its maker is now. */
static void
note_maker(struct translator *t, const struct wire_fork *w,
	   const struct event *child, const struct event_sink *sink)
{
	struct event e = *child;

	e.key = (struct proc_key){ w->maker, w->maker_start_ns };
	e.proc.parent =
		(struct proc_key){ w->maker_parent, w->maker_parent_start_ns };
	take_changes(t, &e, ids_note(&t->ids, e.key, &w->proc), sink);
}

static bool
take_fork(struct translator *t, const void *record, size_t n,
	  const struct event_sink *sink)
{
	const struct wire_fork *w = record;
	struct event e = { .kind = EVENT_FORK };

	if (n < sizeof(*w))
		return false;
	translate_head(&e, &w->head);
	translate_proc(&e, &w->head, &w->proc);
	note_maker(t, w, &e, sink);
	ids_note(&t->ids, e.key, &w->proc);
	take(t, sink, &e);
	return true;
}

static bool
exit_is_new(struct translator *t, struct proc_key key)
{
	for (size_t i = 0; i < EXITS_KEPT; i++)
		if (t->exits[i].pid == key.pid &&
		    t->exits[i].start_ns == key.start_ns)
			return false;
	t->exits[t->next_exit++ % EXITS_KEPT] = key;
	return true;
}

static bool
take_exit(struct translator *t, const void *record, size_t n,
	  const struct event_sink *sink)
{
	const struct wire_exit *w = record;
	struct event e = { .kind = EVENT_EXIT };

	if (n < sizeof(*w))
		return false;
	translate_head(&e, &w->head);
	e.exit_code = w->head.exit_code;
	e.told = w->head.flags & WIRE_TOLD;
	if (!exit_is_new(t, e.key))
		return true;
	note_ids(t, &w->head, &w->proc, sink);
	ids_forget(&t->ids, e.key);
	take(t, sink, &e);
	return true;
}

static bool
take_net(struct translator *t, const void *record, size_t n,
	 const struct event_sink *sink)
{
	static const enum event_kind kinds[] = {
		[WIRE_CONNECT] = EVENT_CONNECT,
		[WIRE_ACCEPT] = EVENT_ACCEPT,
		[WIRE_DISCONNECT] = EVENT_DISCONNECT,
	};
	const struct wire_net *w = record;
	struct event e = { 0 };

	if (n < sizeof(*w) || w->act >= ARRAY_LEN(kinds))
		return false;
	e.kind = kinds[w->act];
	if (e.kind != EVENT_DISCONNECT)
		note_ids(t, &w->head, &w->proc, sink);
	translate_head(&e, &w->head);
	net_fill(&e.net, &w->sock);
	take(t, sink, &e);
	return true;
}

static bool
take_name(struct translator *t, const void *record, size_t n,
	  const struct event_sink *sink)
{
	const struct wire_name *w = record;
	struct event e = { .kind = EVENT_NAME_ACT };

	if (n < sizeof(*w) || w->length > sizeof(w->name))
		return false;
	translate_head(&e, &w->head);
	e.file.path = (struct view){ w->name, w->length };
	take(t, sink, &e);
	return true;
}

static bool
take_module(struct translator *t, const void *record, size_t n,
	    const struct event_sink *sink)
{
	const struct wire_module *w = record;
	struct event e = { .kind = EVENT_LOAD_MODULE };
	struct event_module module;

	if (n < sizeof(*w))
		return false;
	module = (struct event_module){
		.name = { w->name, strnlen(w->name, sizeof(w->name)) },
		.taints = w->taints,
		.from_file = w->from_file != 0,
	};
	note_ids(t, &w->head, &w->proc, sink);
	translate_head(&e, &w->head);
	e.module = &module;
	take(t, sink, &e);
	return true;
}

static bool
take_record(struct translator *t, const void *record, size_t n,
	    const struct event_sink *sink)
{
	const struct wire_head *w = record;

	switch (w->kind) {
	case WIRE_EXEC:
		return take_exec(t, record, n, sink);
	case WIRE_FORK:
		return take_fork(t, record, n, sink);
	case WIRE_EXIT:
		return take_exit(t, record, n, sink);
	case WIRE_NET:
		return take_net(t, record, n, sink);
	case WIRE_MODULE:
		return take_module(t, record, n, sink);
	case WIRE_NAME:
		return take_name(t, record, n, sink);
	default:
		return false;
	}
}

static void
tell_loss(struct translator *t, struct event *e, const struct event_sink *sink)
{
	e->kind = EVENT_LOSS;
	e->pidfd = -1;
	e->role = ROLE_PROCESSES;
	t->lost += e->lost;
	sink->take(sink->ctx, e);
}

void
translate_loss(struct translator *t, uint32_t lost, uint64_t time_ns,
	       const struct event_sink *sink)
{
	uint32_t missing = lost - t->lost_seen;
	struct event e = { .time_ns = time_ns,
			   .lost = missing,
			   .scope = VIEW("process and network events"),
			   .cause = VIEW("the kernel's ring was full"),
			   .again = true };

	/* A record made earlier on another CPU may carry an older count. */
	if (missing == 0 || missing > UINT32_MAX / 2)
		return;
	t->lost_seen = lost;
	t->relist = true;
	tell_loss(t, &e, sink);
}

void
translate_missed(struct translator *t, uint64_t n, uint64_t time_ns,
		 const struct event_sink *sink)
{
	struct event e = { .time_ns = time_ns,
			   .lost = n,
			   .scope = VIEW("network events"),
			   .cause = VIEW("a kernel program was busy") };

	tell_loss(t, &e, sink);
}

void
translate_record(struct translator *t, const void *record, size_t n,
		 const struct event_sink *sink)
{
	const struct wire_head *w = record;

	/* The ring aligns records to eight bytes. */
	assert((uintptr_t)record % 8 == 0);
	if (n < sizeof(*w)) {
		t->lost++;
		return;
	}
	translate_loss(t, w->lost, w->time_ns, sink);
	if (!take_record(t, record, n, sink))
		t->lost++;
}
