/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of files: names from the event, facts from the file itself. */
#include "fim/live.h"

#include "fim/fields.h"
#include "fim/own.h"

#include <inttypes.h>
#include <errno.h>
#include <signal.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const struct file_facts *
stat_facts(struct live *l)
{
	return facts_get(&l->facts, l->event, FACTS_SEEN, &l->arena);
}

static const struct file_facts *
head_facts(struct live *l)
{
	return facts_get(&l->facts, l->event, FACTS_HEAD, &l->arena);
}

static const struct file_facts *
content_facts(struct live *l)
{
	return facts_get(&l->facts, l->event, FACTS_CONTENT, &l->arena);
}

static void
set_part(struct live *l, struct slot *s, struct view part)
{
	if (part.n > 0)
		live_set_string(l, s, part);
}

static void
set_ascii(struct live *l, struct slot *s, const char *name)
{
	if (name != NULL && name[0] != '\0')
		live_set_string(l, s, view_of(name));
}

static void
set_hex(struct live *l, struct slot *s, const void *bytes, size_t n)
{
	struct buf hex = { 0 };

	buf_hex(&hex, bytes, n);
	if (n > 0)
		live_set_string(l, s, arena_take(&l->arena, &hex));
}

static void
set_list(struct live *l, struct slot *s, const struct view *a, size_t n_a,
	 const struct view *b, size_t n_b)
{
	struct value *v = arena_array(&l->arena, n_a + n_b, sizeof(*v));

	if (v == NULL)
		return;
	s->v = v;
	for (size_t i = 0; i < n_a; i++)
		v[s->n++] = (struct value){ VALUE_STRING, .s = a[i] };
	for (size_t i = 0; i < n_b; i++)
		v[s->n++] = (struct value){ VALUE_STRING, .s = b[i] };
}

/* ---- names ------------------------------------------------------------------
 */

/* JSON cannot carry bytes that are not UTF-8; an investigator needs them. */
static void
set_path_hex(struct live *l, struct slot *s)
{
	struct view path = l->event->file.path;

	if (!utf8_valid(path))
		set_hex(l, s, path.p, path.n);
}

static void
fill_name(struct live *l, unsigned field, struct slot *s)
{
	const struct event_file *f = &l->event->file;

	switch (field) {
	case FIELD_FILE_PATH:
		set_part(l, s, f->path);
		break;
	case FIELD_FILE_ALIASES:
		live_set_items(l, s, f->aliases);
		break;
	case FIELD_FILE_NAME:
		set_part(l, s, path_name(f->path));
		break;
	case FIELD_FILE_EXTENSION:
		set_part(l, s, path_extension(f->path));
		break;
	case FIELD_FILE_DIRECTORY:
		set_part(l, s, path_directory(f->path));
		break;
	case FIELD_FILE_ORIGINAL_PATH:
		set_part(l, s, f->old_path);
		break;
	case FIELD_FILE_ORIGINAL_NAME:
		set_part(l, s, path_name(f->old_path));
		break;
	case FIELD_FILE_ORIGINAL_EXTENSION:
		set_part(l, s, path_extension(f->old_path));
		break;
	case FIELD_FILE_PATH_HEX:
		set_path_hex(l, s);
		break;
	}
}

/* ---- what fstat tells ------------------------------------------------ */

static uint64_t
timespec_ns(struct timespec t)
{
	return t.tv_sec < 0
		       ? 0
		       : (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void
fill_type(struct live *l, struct slot *s)
{
	const struct file_facts *f;

	if (l->event->file.node == NODE_DIR) {
		live_set_string(l, s, VIEW("dir"));
		return;
	}
	f = stat_facts(l);
	if (f != NULL)
		set_ascii(l, s, file_type_name(f->st.st_mode));
	else if (l->event->file.node == NODE_FILE)
		live_set_string(l, s, VIEW("file"));
}

static void
fill_stat(struct live *l, unsigned field, struct slot *s)
{
	const struct file_facts *f =
		field == FIELD_FILE_CREATED
			? facts_get(&l->facts, l->event, FACTS_STAT, &l->arena)
			: stat_facts(l);
	uint64_t now_ns = l->event->time_ns;

	if (f == NULL)
		return;
	switch (field) {
	case FIELD_FILE_SIZE:
		live_set_int(l, s, f->st.st_size);
		break;
	case FIELD_FILE_MODE:
		live_set_string(l, s,
				arena_printf(&l->arena, "%04o",
					     f->st.st_mode & 07777u));
		break;
	case FIELD_FILE_UID:
		live_set_id(l, s, f->st.st_uid);
		break;
	case FIELD_FILE_GID:
		live_set_id(l, s, f->st.st_gid);
		break;
	case FIELD_FILE_OWNER:
		set_part(l, s, names_user(l->names, f->st.st_uid, now_ns));
		break;
	case FIELD_FILE_GROUP:
		set_part(l, s, names_group(l->names, f->st.st_gid, now_ns));
		break;
	case FIELD_FILE_INODE:
		live_set_string(l, s,
				arena_printf(&l->arena, "%" PRIu64,
					     (uint64_t)f->st.st_ino));
		break;
	case FIELD_FILE_DEVICE:
		live_set_string(l, s,
				arena_printf(&l->arena, "%u:%u",
					     major(f->st.st_dev),
					     minor(f->st.st_dev)));
		break;
	case FIELD_FILE_MTIME:
		live_set_time(l, s, timespec_ns(f->st.st_mtim));
		break;
	case FIELD_FILE_CTIME:
		live_set_time(l, s, timespec_ns(f->st.st_ctim));
		break;
	case FIELD_FILE_CREATED:
		if (f->birth_ns > 0)
			live_set_time(l, s, f->birth_ns);
		break;
	case FIELD_FILE_NLINK:
		live_set_int(l, s, (int64_t)f->st.st_nlink);
		break;
	}
}

/* ---- what the content tells ------------------------------------------ */

/* The pid in the file is the writer's, its child's or its parent's (a
 * launcher that writes for its daemon, a daemon's helper that writes). */
static bool
pid_matches_owner(const struct live *l, int64_t pid)
{
	const struct proc *named;

	if (l->self == NULL || pid <= 0 || pid > INT32_MAX)
		return false;
	if (l->self->key.pid == (uint32_t)pid)
		return true;
	if (l->self->parent != NULL &&
	    l->self->parent->key.pid == (uint32_t)pid)
		return true;
	named = procs_newest(l->procs, (uint32_t)pid);
	return named != NULL && named->parent == l->self;
}

static bool
pid_running(int64_t pid)
{
	return pid > 0 && pid <= INT32_MAX &&
	       (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static void
fill_pidfile(struct live *l, unsigned field, struct slot *s)
{
	const struct file_facts *f = head_facts(l);

	if (f == NULL || !f->pidfile.judged)
		return;
	if (field == FIELD_PIDFILE_VALID)
		live_set_bool(l, s, f->pidfile.valid);
	if (!f->pidfile.valid)
		return;
	if (field == FIELD_PIDFILE_PID)
		live_set_int(l, s, f->pidfile.pid);
	else if (field == FIELD_PIDFILE_RUNNING)
		live_set_bool(l, s, pid_running(f->pidfile.pid));
	else if (field == FIELD_PIDFILE_OWNER_MATCHES)
		live_set_bool(l, s, pid_matches_owner(l, f->pidfile.pid));
}

static void
fill_unit(struct live *l, unsigned field, struct slot *s)
{
	const struct file_facts *f = head_facts(l);
	const struct unit_facts *u, *service = &l->facts.service;

	if (f == NULL || !f->unit.is_unit)
		return;
	u = &f->unit;
	switch (field) {
	case FIELD_UNIT_TYPE:
		set_part(l, s, u->type);
		break;
	case FIELD_UNIT_EXEC_START:
		set_list(l, s, u->exec, u->n_exec, service->exec,
			 l->facts.has_service ? service->n_exec : 0);
		break;
	case FIELD_UNIT_ON_CALENDAR:
		set_list(l, s, u->on_calendar, u->n_on_calendar, NULL, 0);
		break;
	case FIELD_UNIT_ON_BOOT:
		set_list(l, s, u->on_boot, u->n_on_boot, NULL, 0);
		break;
	case FIELD_UNIT_UNIT:
		if (view_eq(u->type, VIEW("timer")))
			set_part(l, s,
				 unit_of_timer(u,
					       path_name(l->event->file.path),
					       &l->arena));
		break;
	case FIELD_UNIT_WANTED_BY:
		set_list(l, s, u->wanted_by, u->n_wanted_by, NULL, 0);
		break;
	case FIELD_UNIT_USER:
		set_part(l, s,
			 u->user.n == 0 && l->facts.has_service ? service->user
								: u->user);
		break;
	}
}

static void
fill_elf(struct live *l, unsigned field, struct slot *s)
{
	const struct file_facts *f = head_facts(l);

	if (f == NULL || !f->elf.valid)
		return;
	switch (field) {
	case FIELD_ELF_CLASS:
		set_ascii(l, s, f->elf.class);
		break;
	case FIELD_ELF_DATA:
		set_ascii(l, s, f->elf.data);
		break;
	case FIELD_ELF_TYPE:
		set_ascii(l, s, f->elf.type);
		break;
	case FIELD_ELF_OS_ABI:
		set_ascii(l, s, f->elf.os_abi);
		break;
	case FIELD_ELF_ENTRYPOINT:
		/* May pass 2^63 in a hostile header; JSON has no room. */
		live_set_int(l, s, (int64_t)(f->elf.entrypoint & INT64_MAX));
		break;
	case FIELD_ELF_ARCHITECTURE:
		set_ascii(l, s, f->elf.architecture);
		break;
	}
}

static void
fill_content(struct live *l, unsigned field, struct slot *s)
{
	const struct file_facts *f =
		field == FIELD_FILE_SHA256 || field == FIELD_FILE_ENTROPY
			? content_facts(l)
			: head_facts(l);

	if (f == NULL)
		return;
	switch (field) {
	case FIELD_FILE_SHA256:
		if (f->has_digest)
			set_hex(l, s, f->sha256, sizeof(f->sha256));
		break;
	case FIELD_FILE_ENTROPY:
		if (f->has_entropy)
			live_set_real(l, s, f->entropy);
		break;
	case FIELD_FILE_HEADER_BYTES:
		set_hex(l, s, f->header, f->header_n);
		break;
	case FIELD_FILE_KIND:
		if (f->kind != CONTENT_UNKNOWN)
			set_ascii(l, s, content_kind_name(f->kind));
		break;
	case FIELD_FILE_INTERPRETER:
		set_part(l, s, f->interpreter);
		break;
	case FIELD_FILE_TARGET_PATH:
		set_part(l, s, f->target);
		break;
	case FIELD_FILE_CHANGED:
		if (f->changed)
			live_set_bool(l, s, true);
		break;
	case FIELD_PRELOAD_LIBRARIES:
		set_list(l, s, f->preload, f->n_preload, NULL, 0);
		break;
	}
}

/* ---- what the package manager says ----------------------------------- */

static void
fill_package(struct live *l, unsigned field, struct slot *s)
{
	const struct opener *o = &l->facts.opener;
	struct view owner;

	if (o->owner == NULL)
		return;
	owner = o->owner(o->ctx, l->event);
	if (owner.p == NULL)
		return;
	if (field == FIELD_PACKAGE_MATCHES)
		live_set_bool(l, s,
			      owner.n > 0 &&
				      o->accounts(o->ctx, l->event).n > 0);
	else if (owner.n > 0)
		live_set_string(l, s, owner);
}

/* ---- Tocsin itself --------------------------------------------------- */

static void
set_own_part(struct live *l, struct slot *s)
{
	const struct event_file *f = &l->event->file;
	struct view rest = f->aliases, alias;
	const char *part = own_part(l->host->own, f->path);

	while (part == NULL && view_next_item(&rest, &alias))
		part = own_part(l->host->own, alias);
	if (part == NULL)
		part = own_part(l->host->own, f->old_path);
	set_ascii(l, s, part);
}

/* By what the same sensor said of both: a path could be another file in
 * another mount namespace. */
static void
set_own_program(struct live *l, struct slot *s)
{
	const struct proc *we = procs_newest(l->procs, (uint32_t)getpid());
	const struct image *a = l->image, *b = we != NULL ? we->image : NULL;

	if (a == NULL || b == NULL || b->inode == 0)
		return;
	live_set_bool(l, s,
		      a->inode == b->inode && a->dev_major == b->dev_major &&
			      a->dev_minor == b->dev_minor);
}

static bool
is_file_event(const struct live *l)
{
	return l->event->file.path.n > 0 &&
	       strcmp(event_category(l->event->kind), "file") == 0;
}

void
live_fill_file(struct live *l, unsigned field, struct slot *s)
{
	if (!is_file_event(l))
		return;
	if (field <= FIELD_FILE_DIRECTORY || field == FIELD_FILE_ALIASES ||
	    field == FIELD_FILE_PATH_HEX ||
	    (field >= FIELD_FILE_ORIGINAL_PATH &&
	     field <= FIELD_FILE_ORIGINAL_EXTENSION))
		fill_name(l, field, s);
	else if (field == FIELD_FILE_TYPE)
		fill_type(l, s);
	else if (field == FIELD_SELF_PART)
		set_own_part(l, s);
	else if (field == FIELD_SELF_PROGRAM)
		set_own_program(l, s);
	else if (l->event->kind == EVENT_DELETE)
		return; /* whatever has that name now is another file */
	else if ((field >= FIELD_FILE_SIZE && field <= FIELD_FILE_CREATED) ||
		 field == FIELD_FILE_NLINK)
		fill_stat(l, field, s);
	else if (field >= FIELD_ELF_CLASS && field <= FIELD_ELF_ARCHITECTURE)
		fill_elf(l, field, s);
	else if (field >= FIELD_PIDFILE_VALID &&
		 field <= FIELD_PIDFILE_OWNER_MATCHES)
		fill_pidfile(l, field, s);
	else if (field >= FIELD_UNIT_TYPE && field <= FIELD_UNIT_USER)
		fill_unit(l, field, s);
	else if (field == FIELD_PACKAGE_NAME || field == FIELD_PACKAGE_MATCHES)
		fill_package(l, field, s);
	else if (field == FIELD_FILE_CAPABILITIES)
		live_set_capabilities(
			l, s,
			facts_capabilities(&l->facts, l->event, &l->arena));
	else
		fill_content(l, field, s);
}
