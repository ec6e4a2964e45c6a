/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the kernel programs are attached. One row a hook; what a host does
 * not have is noted and left out.
 *
 * UDP and accept are seen by the root of the cgroup v2 tree. It need not be
 * mounted: an unattached mount of our own (fsopen(2), fsmount(2)) shows it,
 * and the host's mount tables stay as they are.
 */
#include "fim/sensor_bpf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOUNTINFO_MAX_BYTES (16u << 20)

struct hook {
	const char *program;
	bool cgroup;
	enum hook_group group;
};

static const struct hook hooks[] = {
	{ "on_exec", false, HOOKS_PROCESS },
	{ "on_fork", false, HOOKS_PROCESS },
	{ "on_exit", false, HOOKS_PROCESS },
	{ "on_sock_state", false, HOOKS_TCP },
	{ "on_tcp_read", false, HOOKS_ACCEPT },
	{ "on_peer4", true, HOOKS_ACCEPT },
	{ "on_peer6", true, HOOKS_ACCEPT },
	{ "on_connect4", true, HOOKS_UDP },
	{ "on_connect6", true, HOOKS_UDP },
	{ "on_sendmsg4", true, HOOKS_UDP },
	{ "on_sendmsg6", true, HOOKS_UDP },
	{ "on_module", false, HOOKS_MODULES },
};

_Static_assert(ARRAY_LEN(hooks) <= HOOKS_MAX, "room for every link");

static const char *const group_names[HOOK_GROUPS] = {
	[HOOKS_PROCESS] = "exec fork exit",
	[HOOKS_TCP] = "tcp",
	[HOOKS_UDP] = "udp",
	[HOOKS_ACCEPT] = "accept",
	[HOOKS_MODULES] = "modules",
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

/* The mount point in a line of mountinfo (proc(5)) if it is of that type. */
static struct view
mount_point(struct view line, struct view type)
{
	ssize_t separator = view_search(line, VIEW(" - "), 0);
	struct view rest = line, point = VIEW_NONE, found;

	if (separator < 0)
		return VIEW_NONE;
	for (int field = 0; field < 5; field++)
		if (!view_next_split(&rest, ' ', &point))
			return VIEW_NONE;
	rest = view_sub(line, (size_t)separator + 3, SIZE_MAX);
	return view_next_split(&rest, ' ', &found) && view_eq(found, type)
		       ? point
		       : VIEW_NONE;
}

/* Where the tree is mounted already; -1 and errno. */
static int
cgroup_mounted(void)
{
	int table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), fd = -1;
	struct buf text = { 0 }, path = { 0 };
	struct view rest, line;

	if (table < 0)
		return -1;
	errno = ENOENT;
	if (fd_read_all(table, MOUNTINFO_MAX_BYTES, &text) < 0)
		goto out;
	rest = buf_view(&text);
	while (fd < 0 && view_next_split(&rest, '\n', &line)) {
		struct view point = mount_point(line, VIEW("cgroup2"));

		if (point.n == 0)
			continue;
		buf_clear(&path);
		buf_put(&path, point);
		buf_putc(&path, '\0');
		if (!path.failed)
			fd = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
out:
	buf_free(&text);
	buf_free(&path);
	close(table);
	return fd;
}

/* The root of the v2 tree that Tocsin's cgroup namespace shows. */
static int
cgroup_open(void)
{
	int fd = mount_detached("cgroup2");

	/* That takes CAP_SYS_ADMIN. */
	return fd >= 0 ? fd : cgroup_mounted();
}

/* ---- attaching ------------------------------------------------------- */

/* `cgroup` may be -1. */
static struct bpf_link *
hook_attach(const struct hook *h, const struct bpf_object *object, int cgroup)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(object, h->program);

	if (program == NULL || !bpf_program__autoload(program)) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	if (!h->cgroup)
		return bpf_program__attach(program);
	if (cgroup < 0) {
		errno = ENOENT;
		return NULL;
	}
	return bpf_program__attach_cgroup(program, cgroup);
}

bool
hooks_have_modules(void)
{
	/* Made by kernel/module/procfs.c. */
	return access("/proc/modules", F_OK) == 0;
}

int
hooks_attach(struct hooks *k, const struct bpf_object *object)
{
	int cgroup = cgroup_open(), failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		const struct hook *h = &hooks[i];
		struct bpf_link *link;

		if (h->group == HOOKS_MODULES && !hooks_have_modules())
			continue;
		link = hook_attach(h, object, cgroup);
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
	if (cgroup >= 0)
		close(cgroup);
	errno = failed;
	return failed ? -1 : 0;
}

void
hooks_detach(struct hooks *k)
{
	while (k->n > 0)
		bpf_link__destroy(k->links[--k->n]);
}

/* A group that works in part stands in both lists. */
static void
describe_groups(const struct hooks *k, bool working, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < HOOK_GROUPS; i++) {
		if (working ? k->attached[i] == 0
			    : k->attached[i] == k->wanted[i])
			continue;
		buf_puts(out, first ? (working ? "" : "; not seen: ") : ", ");
		buf_puts(out, group_names[i]);
		if (!working)
			buf_printf(out, "%s (%s)",
				   k->attached[i] ? " in part" : "", k->why[i]);
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
