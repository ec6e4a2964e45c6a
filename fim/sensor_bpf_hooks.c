/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel programs are attached. One row a hook; what a host does
 * not have is noted and left out.
 *
 * System call tracepoints are named by numbers in tracefs, UDP is seen by the
 * root of the cgroup v2 tree. Where those are not mounted, an unattached
 * mount of our own (fsopen(2), fsmount(2)) shows them; the host's mount tables
 * stay as they are.
 */
#include "fim/sensor_bpf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum hook_kind { HOOK_TRACE, HOOK_CALL, HOOK_CGROUP };

struct hook {
	const char *program;
	const char *call; /* HOOK_CALL: event below events/syscalls */
	enum hook_kind kind;
	enum hook_group group;
};

/* A system call that this machine never had (open on arm64) is no loss as
 * long as one row of its group attaches. */
static const struct hook hooks[] = {
	{ "on_exec", NULL, HOOK_TRACE, HOOKS_PROCESS },
	{ "on_fork", NULL, HOOK_TRACE, HOOKS_PROCESS },
	{ "on_exit", NULL, HOOK_TRACE, HOOKS_PROCESS },
	{ "on_sock_state", NULL, HOOK_TRACE, HOOKS_TCP },
	{ "on_connect4", NULL, HOOK_CGROUP, HOOKS_UDP },
	{ "on_connect6", NULL, HOOK_CGROUP, HOOKS_UDP },
	{ "on_sendmsg4", NULL, HOOK_CGROUP, HOOKS_UDP },
	{ "on_sendmsg6", NULL, HOOK_CGROUP, HOOKS_UDP },
	{ "on_accept", "sys_exit_accept", HOOK_CALL, HOOKS_ACCEPT },
	{ "on_accept", "sys_exit_accept4", HOOK_CALL, HOOKS_ACCEPT },
	{ "on_set_id", "sys_enter_setuid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id", "sys_enter_setreuid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id", "sys_enter_setresuid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id", "sys_enter_setgid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id", "sys_enter_setregid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id", "sys_enter_setresgid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id_done", "sys_exit_setuid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id_done", "sys_exit_setreuid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id_done", "sys_exit_setresuid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id_done", "sys_exit_setgid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id_done", "sys_exit_setregid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_id_done", "sys_exit_setresgid", HOOK_CALL, HOOKS_IDS },
	{ "on_set_session", "sys_exit_setsid", HOOK_CALL, HOOKS_IDS },
	{ "on_openat", "sys_enter_openat", HOOK_CALL, HOOKS_NAMES },
	{ "on_openat2", "sys_enter_openat2", HOOK_CALL, HOOKS_NAMES },
	{ "on_open", "sys_enter_open", HOOK_CALL, HOOKS_NAMES },
	{ "on_name0", "sys_enter_creat", HOOK_CALL, HOOKS_NAMES },
	{ "on_name0", "sys_enter_mkdir", HOOK_CALL, HOOKS_NAMES },
	{ "on_name0", "sys_enter_mknod", HOOK_CALL, HOOKS_NAMES },
	{ "on_name1", "sys_enter_mkdirat", HOOK_CALL, HOOKS_NAMES },
	{ "on_name1", "sys_enter_mknodat", HOOK_CALL, HOOKS_NAMES },
	{ "on_name1", "sys_enter_link", HOOK_CALL, HOOKS_NAMES },
	{ "on_name1", "sys_enter_symlink", HOOK_CALL, HOOKS_NAMES },
	{ "on_name2", "sys_enter_symlinkat", HOOK_CALL, HOOKS_NAMES },
	{ "on_name3", "sys_enter_linkat", HOOK_CALL, HOOKS_NAMES },
	{ "on_name01", "sys_enter_rename", HOOK_CALL, HOOKS_NAMES },
	{ "on_name13", "sys_enter_renameat", HOOK_CALL, HOOKS_NAMES },
	{ "on_name13", "sys_enter_renameat2", HOOK_CALL, HOOKS_NAMES },
};

_Static_assert(ARRAY_LEN(hooks) <= HOOKS_MAX, "room for every link");

static const char *const group_names[HOOK_GROUPS] = {
	[HOOKS_PROCESS] = "exec fork exit",
	[HOOKS_TCP] = "tcp",
	[HOOKS_UDP] = "udp",
	[HOOKS_ACCEPT] = "accept",
	[HOOKS_IDS] = "uid gid session",
	[HOOKS_NAMES] = "names",
};

/* ---- where things are ------------------------------------------------ */

/* A mount of `type` that is in nobody's tree; -1 and errno. Kernel 5.2, by
 * number because glibc has the calls only since 2.36. */
static int
mount_detached(const char *type)
{
	int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int fd = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return fd;
}

static int
tracefs_open(void)
{
	static const char *const places[] = { "/sys/kernel/tracing/events",
					      "/sys/kernel/debug/tracing/"
					      "events" };
	int fd, events;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	fd = mount_detached("tracefs");
	if (fd < 0)
		return -1;
	events = openat(fd, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(fd);
	return events;
}

/* The root of the v2 tree that Tocsin's cgroup namespace shows. */
static int
cgroup_open(void)
{
	return mount_detached("cgroup2");
}

/* ---- attaching ------------------------------------------------------- */

struct places {
	int events, cgroup; /* -1 = not to be had */
};

static int
call_id(int events, const char *call, uint64_t *id)
{
	struct buf text = { 0 };
	char path[96];
	int fd, r = -1;

	snprintf(path, sizeof(path), "syscalls/%s/id", call);
	fd = openat(events, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fd_read_all(fd, 64, &text) == 0 &&
	    view_to_u64(view_trim(buf_view(&text)), id))
		r = 0;
	else
		errno = EINVAL;
	close(fd);
	buf_free(&text);
	return r;
}

/* As libbpf attaches to tracepoints, but with the number found above. A
 * program on a tracepoint's event runs on every CPU and for every task. */
static struct bpf_link *
call_attach(struct bpf_program *program, const char *call, int events)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_TRACEPOINT,
	};
	struct bpf_link *link;
	uint64_t id;
	int fd;

	if (events < 0 || call_id(events, call, &id) < 0)
		return NULL;
	attr.config = id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1,
			  PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(program, fd);
	if (link == NULL)
		close(fd);
	return link;
}

static struct bpf_link *
hook_attach(const struct hook *h, const struct bpf_object *object,
	    const struct places *p)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(object, h->program);

	if (program == NULL || !bpf_program__autoload(program)) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	errno = ENOENT;
	switch (h->kind) {
	case HOOK_TRACE:
		return bpf_program__attach(program);
	case HOOK_CALL:
		return call_attach(program, h->call, p->events);
	case HOOK_CGROUP:
		return p->cgroup < 0
			       ? NULL
			       : bpf_program__attach_cgroup(program, p->cgroup);
	}
	return NULL;
}

int
hooks_attach(struct hooks *k, const struct bpf_object *object)
{
	struct places p = { tracefs_open(), cgroup_open() };
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		const struct hook *h = &hooks[i];
		struct bpf_link *link;

		link = hook_attach(h, object, &p);
		k->wanted[h->group]++;
		if (link != NULL) {
			k->links[k->n++] = link;
			k->attached[h->group]++;
			continue;
		}
		if (h->group == HOOKS_PROCESS)
			failed = errno;
		if (k->why[h->group][0] == '\0')
			snprintf(k->why[h->group], sizeof(k->why[0]), "%s",
				 strerror(errno));
	}
	if (p.events >= 0)
		close(p.events);
	if (p.cgroup >= 0)
		close(p.cgroup);
	errno = failed;
	return failed ? -1 : 0;
}

void
hooks_detach(struct hooks *k)
{
	while (k->n > 0)
		bpf_link__destroy(k->links[--k->n]);
}

static void
describe_groups(const struct hooks *k, bool working, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < HOOK_GROUPS; i++) {
		if ((k->attached[i] > 0) != working)
			continue;
		buf_puts(out, first ? (working ? "" : "; not seen: ") : ", ");
		buf_puts(out, group_names[i]);
		if (!working)
			buf_printf(out, " (%s)", k->why[i]);
		first = false;
	}
}

void
hooks_describe(const struct hooks *k, char *out, size_t n)
{
	struct buf text = { 0 };

	describe_groups(k, true, &text);
	describe_groups(k, false, &text);
	snprintf(out, n, "%.*s", (int)text.n, text.p ? text.p : "");
	buf_free(&text);
}
