/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of processes: the same getters for the process itself, its parent
 * and its leaders. */
#include "fim/live.h"

#include "fim/fields.h"
#include "fim/image.h"
#include "fim/procfs.h"
#include "scan/capability.h"

#include <inttypes.h>
#include <sys/wait.h>

#define ANCESTORS_MAX 64 /* shown; the chain itself may be longer */

/* A process in one of its roles, and what it was at the time. */
struct cast {
	struct proc *proc;
	struct image *image;
};

struct proc *
live_parent(const struct live *l)
{
	return l->self == NULL ? NULL : l->self->parent;
}

struct proc *
live_entry_leader(const struct live *l)
{
	return l->self == NULL ? NULL : l->self->entry;
}

struct proc *
live_session_leader(const struct live *l)
{
	return l->self == NULL ? NULL : l->self->session;
}

struct proc *
live_group_leader(const struct live *l)
{
	if (l->self == NULL)
		return NULL;
	if (l->self->pgid == l->self->key.pid)
		return l->self;
	return procs_newest(l->procs, l->self->pgid);
}

/* ---- one process ------------------------------------------------------------
 */

static void
set_entity_id(struct live *l, const struct proc *p, struct slot *s)
{
	live_set_string(l, s,
			arena_printf(&l->arena, "%.*s-%" PRIu32 "-%" PRIu64,
				     (int)l->host->boot.n, l->host->boot.p,
				     p->key.pid, p->key.start_ns));
}

static void
set_command_line(struct live *l, const struct image *image, struct slot *s)
{
	struct view args = image->args;
	char *line;

	/* argv ends with NUL: what joins is everything but the last one. */
	if (args.n > 0 && args.p[args.n - 1] == '\0')
		args.n--;
	line = arena_alloc(&l->arena, args.n + 1);
	if (line == NULL || args.n == 0)
		return;
	for (size_t i = 0; i < args.n; i++)
		line[i] = args.p[i] == '\0' ? ' ' : args.p[i];
	live_set_string(l, s, (struct view){ line, args.n });
}

void
live_set_capabilities(struct live *l, struct slot *s, uint64_t set)
{
	struct value *v = arena_array(&l->arena, CAPABILITIES, sizeof(*v));

	if (v == NULL)
		return;
	s->v = v;
	for (unsigned i = 0; i < CAPABILITIES; i++) {
		if (set & (1ull << i))
			v[s->n++] = (struct value){
				VALUE_STRING, .s = view_of(capability_name(i))
			};
	}
}

static void
set_socket_fds(struct live *l, uint32_t fds, struct slot *s)
{
	struct value *v = arena_array(&l->arena, 3, sizeof(*v));

	if (v == NULL)
		return;
	s->v = v;
	for (int i = 0; i < 3; i++) {
		if (fds & (1u << i))
			v[s->n++] = (struct value){ VALUE_INT, .i = i };
	}
}

static void
set_user(struct live *l, struct slot *s, uint32_t uid)
{
	if (uid != ID_UNKNOWN)
		live_set_string(l, s,
				names_user(l->names, uid, l->event->time_ns));
}

static void
set_group(struct live *l, struct slot *s, uint32_t gid)
{
	if (gid != ID_UNKNOWN)
		live_set_string(l, s,
				names_group(l->names, gid, l->event->time_ns));
}

/* What a shell calls the exit code: 128 + the signal for a killed process. */
static void
set_exit_code(struct live *l, const struct proc *p, struct slot *s)
{
	if (!p->exited || p->exit_code == EXIT_CODE_UNKNOWN)
		return;
	live_set_int(l, s,
		     WIFSIGNALED(p->exit_code) ? 128 + WTERMSIG(p->exit_code)
					       : WEXITSTATUS(p->exit_code));
}

/* A string that is simply not there when it is empty. */
static void
set_if_any(struct live *l, struct slot *s, struct view v)
{
	if (v.n > 0)
		live_set_string(l, s, v);
}

/* A process that changed its user and then only touched files has not been
 * heard of since: it is asked, if it is still there. One answer serves all
 * events that had been read by then. */
static void
refresh_creds(struct live *l, struct proc *p)
{
	if (p != l->self || p->exited || l->event->file.path.n == 0 ||
	    l->event->time_ns < p->asked_ns)
		return;
	p->asked_ns = clock_boot_ns();
	l->reader.creds(l->reader.ctx, p->key, &p->creds);
}

static void
fill_credential(struct live *l, const struct event_creds *c, unsigned field,
		struct slot *s)
{
	switch (field) {
	case FIELD_PROCESS_USER_ID:
		live_set_id(l, s, c->euid);
		break;
	case FIELD_PROCESS_USER_NAME:
		set_user(l, s, c->euid);
		break;
	case FIELD_PROCESS_REAL_USER_ID:
		live_set_id(l, s, c->uid);
		break;
	case FIELD_PROCESS_REAL_USER_NAME:
		set_user(l, s, c->uid);
		break;
	case FIELD_PROCESS_SAVED_USER_ID:
		live_set_id(l, s, c->suid);
		break;
	case FIELD_PROCESS_GROUP_ID:
		live_set_id(l, s, c->egid);
		break;
	case FIELD_PROCESS_GROUP_NAME:
		set_group(l, s, c->egid);
		break;
	case FIELD_PROCESS_REAL_GROUP_ID:
		live_set_id(l, s, c->gid);
		break;
	case FIELD_PROCESS_REAL_GROUP_NAME:
		set_group(l, s, c->gid);
		break;
	case FIELD_PROCESS_SAVED_GROUP_ID:
		live_set_id(l, s, c->sgid);
		break;
	case FIELD_PROCESS_CAP_EFFECTIVE:
		live_set_capabilities(l, s, c->cap_effective);
		break;
	case FIELD_PROCESS_CAP_PERMITTED:
		live_set_capabilities(l, s, c->cap_permitted);
		break;
	}
}

static void
fill_state(struct live *l, struct proc *p, unsigned field, struct slot *s)
{
	switch (field) {
	case FIELD_PROCESS_ENTITY_ID:
		set_entity_id(l, p, s);
		break;
	case FIELD_PROCESS_PID:
		live_set_int(l, s, p->key.pid);
		break;
	case FIELD_PROCESS_START:
		if (p->key.start_ns > 0)
			live_set_time(l, s,
				      p->key.start_ns +
					      l->host->wall_offset_ns);
		break;
	case FIELD_PROCESS_EXIT_CODE:
		set_exit_code(l, p, s);
		break;
	case FIELD_PROCESS_INTERACTIVE:
		live_set_bool(l, s,
			      tty_interactive(p->tty_major, p->tty_minor));
		break;
	case FIELD_PROCESS_TTY_MAJOR:
		if (p->tty_major != 0)
			live_set_int(l, s, p->tty_major);
		break;
	case FIELD_PROCESS_TTY_MINOR:
		if (p->tty_major != 0)
			live_set_int(l, s, p->tty_minor);
		break;
	case FIELD_PROCESS_ENTRY_TYPE:
		/* Only an entry leader has it; it is its own entry. */
		if (p->entry == p)
			live_set_string(
				l, s, view_of(entry_type_name(p->entry_type)));
		break;
	case FIELD_PROCESS_CONTAINER:
		live_set_bool(l, s, p->container);
		break;
	default:
		refresh_creds(l, p);
		fill_credential(l, &p->creds, field, s);
	}
}

static void
fill_image(struct live *l, const struct image *i, unsigned field,
	   struct slot *s)
{
	if (i->missing && field != FIELD_PROCESS_COMM &&
	    field != FIELD_PROCESS_PREVIOUS_EXECUTABLE)
		return;
	switch (field) {
	case FIELD_PROCESS_NAME:
		set_if_any(l, s, i->name);
		break;
	case FIELD_PROCESS_EXECUTABLE:
		set_if_any(l, s, i->executable);
		break;
	case FIELD_PROCESS_EXEC_PATH:
		live_set_items(l, s, i->exec_path);
		break;
	case FIELD_PROCESS_ARGS:
		live_set_items(l, s, i->args);
		break;
	case FIELD_PROCESS_ARGS_COUNT:
		live_set_int(l, s, i->argc);
		break;
	case FIELD_PROCESS_COMMAND_LINE:
	case FIELD_PROCESS_TITLE:
		set_command_line(l, i, s);
		break;
	case FIELD_PROCESS_WORKING_DIRECTORY:
		set_if_any(l, s, i->cwd);
		break;
	case FIELD_PROCESS_ENV_VARS:
		live_set_items(l, s, i->env);
		break;
	case FIELD_PROCESS_PREVIOUS_EXECUTABLE:
		set_if_any(l, s, i->previous);
		break;
	case FIELD_PROCESS_IMAGE:
		set_if_any(l, s, i->file);
		break;
	case FIELD_PROCESS_INTERPRETER:
		set_if_any(l, s, i->interp);
		break;
	case FIELD_PROCESS_COMM:
		set_if_any(l, s, i->comm);
		break;
	case FIELD_PROCESS_NLINK:
		live_set_int(l, s, i->nlink);
		break;
	case FIELD_PROCESS_SOCKET_FDS:
		set_socket_fds(l, i->socket_fds, s);
		break;
	case FIELD_PROCESS_TRUNCATED:
		if (i->truncated)
			live_set_bool(l, s, true);
		break;
	}
}

static bool
of_image(unsigned field)
{
	switch (field) {
	case FIELD_PROCESS_NAME:
	case FIELD_PROCESS_EXECUTABLE:
	case FIELD_PROCESS_EXEC_PATH:
	case FIELD_PROCESS_ARGS:
	case FIELD_PROCESS_ARGS_COUNT:
	case FIELD_PROCESS_COMMAND_LINE:
	case FIELD_PROCESS_TITLE:
	case FIELD_PROCESS_WORKING_DIRECTORY:
	case FIELD_PROCESS_ENV_VARS:
	case FIELD_PROCESS_PREVIOUS_EXECUTABLE:
	case FIELD_PROCESS_IMAGE:
	case FIELD_PROCESS_INTERPRETER:
	case FIELD_PROCESS_COMM:
	case FIELD_PROCESS_NLINK:
	case FIELD_PROCESS_SOCKET_FDS:
	case FIELD_PROCESS_TRUNCATED:
		return true;
	default:
		return false;
	}
}

/* ---- ancestry -------------------------------------------------------- */

static void
set_ancestor(struct live *l, const struct proc *p, unsigned field,
	     struct value *v)
{
	struct slot one = { 0 };

	switch (field) {
	case FIELD_ANCESTORS_ENTITY_ID:
		set_entity_id(l, p, &one);
		break;
	case FIELD_ANCESTORS_PID:
		live_set_int(l, &one, p->key.pid);
		break;
	case FIELD_ANCESTORS_NAME:
		if (p->image != NULL)
			live_set_string(l, &one, p->image->name);
		break;
	case FIELD_ANCESTORS_EXECUTABLE:
		if (p->image != NULL)
			live_set_string(l, &one, p->image->executable);
		break;
	}
	/* The arrays stay parallel: what is not known is an empty string. */
	*v = one.n == 1 ? one.v[0]
			: (struct value){ VALUE_STRING, .s = VIEW("") };
}

static void
fill_ancestors(struct live *l, unsigned field, struct slot *s)
{
	struct value *v;
	uint32_t n = 0;

	for (const struct proc *p = live_parent(l);
	     p != NULL && n < ANCESTORS_MAX; p = p->parent)
		n++;
	if (n == 0)
		return;
	v = arena_array(&l->arena, n, sizeof(*v));
	if (v == NULL)
		return;
	s->v = v;
	for (const struct proc *p = live_parent(l); s->n < n; p = p->parent)
		set_ancestor(l, p, field, &v[s->n++]);
}

/* ---- what only a scan knows ------------------------------------------- */

static void
fill_scanned(struct live *l, unsigned field, struct slot *s)
{
	const struct event *e = l->event;

	if (e->kind != EVENT_ALREADY_RUNNING ||
	    e->attribution != ATTRIBUTION_SCAN)
		return;
	switch (field) {
	case FIELD_HIDDEN_FROM:
		live_set_items(l, s, e->proc.hidden_from);
		break;
	case FIELD_IMAGE_REPLACED:
		if (l->image != NULL && l->image->file.n > 0 &&
		    l->image->nlink == 0)
			live_set_bool(l, s, e->exec.replaced);
		break;
	case FIELD_KERNEL_THREAD:
		if (l->self != NULL)
			live_set_bool(l, s, l->self->kthread);
		break;
	}
}

/* ---- roles ----------------------------------------------------------- */

static struct cast
cast_role(const struct live *l, unsigned role)
{
	struct cast c = { 0 };

	switch (role) {
	case 0:
		return (struct cast){ l->self, l->image };
	case 1:
		c.proc = live_parent(l);
		break;
	case 2:
		c.proc = live_entry_leader(l);
		break;
	case 3:
		c.proc = live_session_leader(l);
		break;
	default:
		c.proc = live_group_leader(l);
	}
	/* A leader that is the process itself shows the image of the act. */
	if (c.proc != NULL)
		c.image = c.proc == l->self ? l->image : c.proc->image;
	return c;
}

static void
fill_user(struct live *l, unsigned field, struct slot *s)
{
	static const unsigned same_as[] = {
		[FIELD_USER_ID - FIELD_USER_ID] = FIELD_PROCESS_USER_ID,
		[FIELD_USER_NAME - FIELD_USER_ID] = FIELD_PROCESS_USER_NAME,
		[FIELD_USER_EFFECTIVE_ID - FIELD_USER_ID] =
			FIELD_PROCESS_USER_ID,
		[FIELD_USER_EFFECTIVE_NAME - FIELD_USER_ID] =
			FIELD_PROCESS_USER_NAME,
		[FIELD_USER_REAL_ID - FIELD_USER_ID] =
			FIELD_PROCESS_REAL_USER_ID,
		[FIELD_USER_REAL_NAME - FIELD_USER_ID] =
			FIELD_PROCESS_REAL_USER_NAME,
		[FIELD_GROUP_ID - FIELD_USER_ID] = FIELD_PROCESS_GROUP_ID,
		[FIELD_GROUP_NAME - FIELD_USER_ID] = FIELD_PROCESS_GROUP_NAME,
		[FIELD_GROUP_REAL_ID - FIELD_USER_ID] =
			FIELD_PROCESS_REAL_GROUP_ID,
		[FIELD_GROUP_REAL_NAME - FIELD_USER_ID] =
			FIELD_PROCESS_REAL_GROUP_NAME,
	};

	if (l->self == NULL)
		return;
	refresh_creds(l, l->self);
	fill_credential(l, &l->self->creds, same_as[field - FIELD_USER_ID], s);
}

/*
 * Many rules leave out events without process.executable: those of processes
 * outside of what the agent can see. An author that was only missed is not
 * meant: a file made before its new directory could be watched, or while
 * events were lost; nor one that the sensor in use never tells, or that was
 * gone too soon. The empty string is a value, so such rules speak, and nobody
 * is named.
 */
static void
fill_unknown(struct live *l, unsigned field, struct slot *s)
{
	const struct event *e = l->event;

	if (field == FIELD_PROCESS_EXECUTABLE && e->file.path.n > 0 &&
	    (e->key.pid != 0 || e->attribution == ATTRIBUTION_LOST ||
	     e->attribution == ATTRIBUTION_OFFLINE ||
	     e->attribution == ATTRIBUTION_UNAVAILABLE ||
	     e->attribution == ATTRIBUTION_SCAN))
		live_set_string(l, s, VIEW(""));
}

/* Fields of the roles are laid out alike, so the first role's name them all. */
void
live_fill_process(struct live *l, unsigned field, struct slot *s)
{
	const unsigned ecs = FIELD_PARENT_ENTITY_ID - FIELD_PROCESS_ENTITY_ID;
	const unsigned own = FIELD_PARENT_EXEC_PATH - FIELD_PROCESS_EXEC_PATH;
	struct cast cast;
	unsigned first;

	if (field <= FIELD_GROUP_REAL_NAME) {
		fill_user(l, field, s);
		return;
	}
	if (field >= FIELD_HIDDEN_FROM) {
		fill_scanned(l, field, s);
		return;
	}
	if (field >= FIELD_ANCESTORS_ENTITY_ID) {
		fill_ancestors(l, field, s);
		return;
	}
	if (field < FIELD_PROCESS_EXEC_PATH) {
		cast = cast_role(l, (field - FIELD_PROCESS_ENTITY_ID) / ecs);
		first = FIELD_PROCESS_ENTITY_ID +
			(field - FIELD_PROCESS_ENTITY_ID) % ecs;
	} else {
		cast = cast_role(l, (field - FIELD_PROCESS_EXEC_PATH) / own);
		first = FIELD_PROCESS_EXEC_PATH +
			(field - FIELD_PROCESS_EXEC_PATH) % own;
	}
	if (cast.proc == NULL) {
		fill_unknown(l, field, s);
		return;
	}
	/* Of the acting process alone: forty names for each of five roles
	 * would be four fifths of every event. */
	if (first != field && (first == FIELD_PROCESS_CAP_EFFECTIVE ||
			       first == FIELD_PROCESS_CAP_PERMITTED))
		return;
	if (!of_image(first))
		fill_state(l, cast.proc, first, s);
	else if (cast.proc == l->self && live_is_gone(l) &&
		 first == FIELD_PROCESS_EXECUTABLE)
		fill_unknown(l, field, s);
	else if (cast.image != NULL)
		fill_image(l, cast.image, first, s);
}
