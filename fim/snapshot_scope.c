/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a scan goes, and under which other names its files are known. */
#include "fim/snapshot.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where anybody may put something, or what is gone after a reboot. */
static const char *const drop_places[] = { "/tmp", "/var/tmp", "/dev/shm",
					   "/run" };

/* What belongs to containers, which are hosts of their own. A path of the
 * command line may lie there. */
static const char *const containers[] = {
	"/run/containerd/io.containerd.runtime.v2.task/*/*/rootfs",
	"/run/k3s/containerd/io.containerd.runtime.v2.task/*/*/rootfs",
	"/run/containers/storage",
	"/run/user/*/containers",
	"/run/docker/runtime-runc",
	"/run/lxcfs",
	"/var/lib/containerd",
	"/var/lib/containers",
	"/var/lib/docker",
	"/var/lib/flatpak",
	"/var/lib/incus",
	"/var/lib/kubelet",
	"/var/lib/lxc",
	"/var/lib/lxd",
	"/var/lib/machines",
	"/var/lib/rancher",
	"/var/lib/schroot",
	"/home/*/.local/share/containers",
	"/home/*/.local/share/docker",
	"/home/*/.local/share/flatpak",
	"/root/.local/share/containers",
};

/* Links that systems have at these places, hier(7). */
static const char *const links[] = {
	"/bin",	 "/sbin", "/lib", "/lib32",   "/lib64",	   "/libx32", "/home",
	"/root", "/opt",  "/tmp", "/var/run", "/var/lock", "/var/tmp"
};

static int
out_of_memory(struct err *err)
{
	return err_add(err, (struct place){ 0 }, "out of memory");
}

/* ---- other names ----------------------------------------------------- */

static bool
below(struct view path, struct view folder)
{
	return view_starts(path, folder) &&
	       (path.n == folder.n || path.p[folder.n] == '/');
}

static int
add_alias(struct snapshot *s, struct view real, struct view name)
{
	struct snapshot_alias a;

	if (s->n_aliases == SNAPSHOT_ALIASES_MAX || view_eq(real, name))
		return 0;
	for (size_t i = 0; i < s->n_aliases; i++) {
		const struct snapshot_alias *old = &s->aliases[i];
		size_t more = name.n - old->name.n;

		/* It follows from one that is there. */
		if (below(name, old->name) && real.n == old->real.n + more &&
		    below(real, old->real) &&
		    view_eq(view_sub(name, old->name.n, more),
			    view_sub(real, old->real.n, more)))
			return 0;
	}
	a.real = arena_copy(&s->arena, real);
	a.name = arena_copy(&s->arena, name);
	if (a.real.p == NULL || a.name.p == NULL)
		return -1;
	s->aliases[s->n_aliases++] = a;
	return 0;
}

/* A path of the system as it is without links; "" if it does not exist. */
static char *
real_path(struct snapshot *s, const char *path)
{
	char *real = realpath(path, NULL);

	if (real != NULL && add_alias(s, view_of(real), view_of(path)) != 0) {
		free(real);
		return NULL;
	}
	return real;
}

static void
find_links(struct snapshot *s)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (lstat(links[i], &st) == 0 && S_ISLNK(st.st_mode))
			free(real_path(s, links[i]));
}

/* ---- roots ----------------------------------------------------------- */

static int
add_real(struct snapshot *s, const char *path)
{
	char *real = real_path(s, path);
	int rc = 0;

	/* A link is looked at, too, and what it leads to. */
	if (real == NULL)
		return 0;
	rc = scope_add(&s->scope, SCOPE_ROOT, view_of(real));
	free(real);
	return rc;
}

/* The folder of a watch, or the file itself; `*` stands for what is there. */
static int
add_watch(struct snapshot *s, const struct watch *w)
{
	struct view path = w->path;
	char *pattern;
	glob_t found;
	int rc = 0;

	if (!w->recursive && watch_component_wild(path_name(path)))
		path = path_directory(path);
	if (path.n < 2)
		return 0; /* all of the host is more than a rule can mean */
	pattern = strndup(path.p, path.n);
	if (pattern == NULL)
		return -1;
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
			rc = add_real(s, found.gl_pathv[i]);
		globfree(&found);
	}
	free(pattern);
	return rc;
}

static int
add_default(struct snapshot *s)
{
	if (scope_add_default(&s->scope, true) != 0)
		return -1;
	for (size_t i = 0; i < s->watchset->n; i++)
		if (add_watch(s, &s->watchset->v[i]) != 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(drop_places); i++)
		if (add_real(s, drop_places[i]) != 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(containers); i++)
		if (scope_add(&s->scope, SCOPE_SKIP, view_of(containers[i])) !=
		    0)
			return -1;
	return 0;
}

/* A link on the command line means what it leads to. */
static int
add_path(struct snapshot *s, const char *path, struct err *err)
{
	struct stat st;
	char *real = NULL;
	int rc = -1;

	if (lstat(path, &st) == 0) {
		if (S_ISLNK(st.st_mode))
			real = realpath(path, NULL);
		rc = scope_add_path(&s->scope, real != NULL ? real : path);
		free(real);
	}
	if (rc != 0)
		err_add(err, (struct place){ .file = path },
			"cannot be scanned: %s", strerror(errno));
	return rc;
}

int
snapshot_scope(struct snapshot *s, const struct text_list *paths,
	       struct err *err)
{
	find_links(s);
	if (paths->n == 0 && add_default(s) != 0)
		return out_of_memory(err);
	for (size_t i = 0; i < paths->n; i++)
		if (add_path(s, paths->v[i], err) != 0)
			return -1;
	if (scope_roots(&s->scope) != 0)
		return out_of_memory(err);
	return 0;
}
