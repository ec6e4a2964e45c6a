/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's paths, and its way into the sandbox. */
#include "fim/confine.h"

#include "fim/load.h"
#include "fim/sandbox.h"
#include "scan/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

struct paths {
	struct arena arena;
	struct sandbox_path *v; /* owned */
	size_t n;
	bool failed;
};

static void
add(struct paths *p, struct view path, unsigned access)
{
	struct sandbox_path *v = reallocarray(p->v, p->n + 1, sizeof(*p->v));
	struct view copy = arena_copy(&p->arena, path);

	if (v != NULL)
		p->v = v;
	if (v == NULL || copy.p == NULL) {
		p->failed = true;
		return;
	}
	p->v[p->n++] =
		(struct sandbox_path){ copy.p, access | SANDBOX_OPTIONAL };
}

/* A file may be replaced by another under its name: its folder is what can be
 * opened, unless that holds everything. */
static void
add_file(struct paths *p, struct view path, unsigned access)
{
	struct view folder = path_directory(path);

	if (folder.n <= 1 || view_eq(folder, VIEW("/etc")))
		folder = path;
	add(p, folder, access);
}

static void
add_either(struct paths *p, struct view path, unsigned access)
{
	char *name = path.n > 0 ? strndup(path.p, path.n) : NULL;
	struct stat st;

	if (name != NULL && stat(name, &st) == 0 && S_ISDIR(st.st_mode))
		add(p, path, access);
	else if (path.n > 0)
		add_file(p, path, access);
	free(name);
}

static void
add_list(struct paths *p, const struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		add_either(p, list->v[i], SANDBOX_READ);
}

static void
add_rules(struct paths *p, const struct monitor *m)
{
	const struct options *o = m->options;
	struct buf shipped = { 0 };

	load_shipped_path(&shipped);
	add(p, view_of(shipped.p), SANDBOX_READ);
	buf_free(&shipped);
	for (size_t i = 0; i < o->rules.n; i++)
		add_either(p, view_of(o->rules.v[i]), SANDBOX_READ);
	add_list(p, &m->config.rules);
	add_list(p, &m->config.exceptions);
	add(p, VIEW("/etc/tocsin"), SANDBOX_READ);
	if (o->config != NULL)
		add_file(p, view_of(o->config), SANDBOX_READ);
}

static void
add_all(struct paths *p, const struct monitor *m)
{
	add(p, view_of(m->state_folder), SANDBOX_WRITE);
	add_rules(p, m);
	if (m->messages.ops == NULL)
		return;
	if (m->config.journal.n > 0)
		add(p, m->config.journal, SANDBOX_READ);
	add(p, VIEW("/var/log/journal"), SANDBOX_READ);
	add(p, VIEW("/run/log/journal"), SANDBOX_READ);
}

/* Libraries that look something up the first time they are used do so now. */
static void
warm_up(void)
{
	uint8_t digest[32];

	tzset();
	digest_sha256(VIEW(""), digest);
}

static int
refuse(struct err *err, const char *what)
{
	return err_add(err, (struct place){ 0 },
		       "the engine cannot be confined: %s: %s", what,
		       strerror(errno));
}

int
confine_engine(struct monitor *m, struct err *err)
{
	struct paths p = { 0 };
	int landlock = -1;

	warm_up();
	add_all(&p, m);
	errno = ENOMEM;
	if (!p.failed)
		landlock = sandbox_paths(p.v, p.n);
	arena_free(&p.arena);
	free(p.v);
	if (landlock < 0)
		return refuse(err, "landlock");
	if (landlock > 0)
		fprintf(m->io->notes,
			"tocsin: this kernel has no Landlock: the engine may "
			"open what its user may\n");
	if (sandbox_drop() != 0)
		return refuse(err, "capabilities");
	if (sandbox_engine() != 0)
		return refuse(err, "seccomp");
	return 0;
}
