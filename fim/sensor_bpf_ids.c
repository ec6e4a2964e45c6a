/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ids that processes had when they were last heard of. */
#include "fim/sensor_bpf.h"

static struct ids_entry *
set_of(struct ids *t, struct proc_key key)
{
	return t->v[hash_mix(key.start_ns, key.pid) % IDS_SETS];
}

static struct ids_entry *
find(struct ids *t, struct proc_key key)
{
	struct ids_entry *set = set_of(t, key);

	for (unsigned i = 0; i < IDS_WAYS; i++)
		if (set[i].pid == key.pid && set[i].start_ns == key.start_ns)
			return &set[i];
	return NULL;
}

/* A free place, else the one that was not used for longest. */
static struct ids_entry *
make_room(struct ids *t, struct proc_key key)
{
	struct ids_entry *set = set_of(t, key), *oldest = set;

	for (unsigned i = 0; i < IDS_WAYS; i++) {
		if (set[i].pid == 0)
			return &set[i];
		if ((int32_t)(set[i].used - oldest->used) < 0)
			oldest = &set[i];
	}
	t->forgotten++;
	return oldest;
}

static void
fill(struct ids_entry *e, struct proc_key key, const struct wire_proc *w)
{
	*e = (struct ids_entry){
		.start_ns = key.start_ns,
		.pid = key.pid,
		.uid = w->uid,
		.euid = w->euid,
		.suid = w->suid,
		.gid = w->gid,
		.egid = w->egid,
		.sgid = w->sgid,
		.sid = w->sid,
	};
}

unsigned
ids_note(struct ids *t, struct proc_key key, const struct wire_proc *w)
{
	struct ids_entry *e = find(t, key);
	unsigned changed = 0;

	if (key.pid == 0)
		return 0;
	if (e != NULL) {
		if (e->uid != w->uid || e->euid != w->euid ||
		    e->suid != w->suid)
			changed |= IDS_UID;
		if (e->gid != w->gid || e->egid != w->egid ||
		    e->sgid != w->sgid)
			changed |= IDS_GID;
		if (e->sid != w->sid)
			changed |= IDS_SESSION;
	} else {
		e = make_room(t, key);
	}
	fill(e, key, w);
	e->used = ++t->clock;
	return changed;
}

void
ids_forget(struct ids *t, struct proc_key key)
{
	struct ids_entry *e = find(t, key);

	if (e != NULL)
		e->pid = 0;
}
