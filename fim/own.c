/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places of Tocsin itself. */
#include "fim/own.h"

#include "fim/load.h"
#include "fim/proc.h"
#include "fim/watchset.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static int
add(struct own *o, struct view path, const char *part)
{
	struct own_place *v;

	path = arena_copy(&o->arena, path);
	v = reallocarray(o->v, o->n + 1, sizeof(*v));
	if (v == NULL || path.p == NULL)
		return -1;
	o->v = v;
	v[o->n++] = (struct own_place){ path, part };
	return 0;
}

/* As it was named, made absolute, and what that is now. */
static int
add_named(struct own *o, struct view name, const char *part)
{
	struct arena scratch = { 0 };
	char cwd[PATH_MAX], *real = NULL;
	struct view path;
	int rc = -1;

	if (name.n == 0)
		return 0;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		cwd[0] = '\0';
	path = path_absolute(view_of(cwd), name, &scratch);
	if (path.p != NULL) {
		rc = add(o, path, part);
		real = realpath(path.p, NULL);
	}
	if (rc == 0 && real != NULL && !view_eq(view_of(real), path))
		rc = add(o, view_of(real), part);
	free(real);
	arena_free(&scratch);
	return rc;
}

static int
add_list(struct own *o, const struct config_list *list, const char *part)
{
	int rc = 0;

	/* What is no path is a public key. */
	for (size_t i = 0; i < list->n && rc == 0; i++)
		if (view_starts(list->v[i], VIEW("/")))
			rc = add_named(o, list->v[i], part);
	return rc;
}

static int
add_rules(struct own *o, const struct options *options,
	  const struct config *config)
{
	struct buf shipped = { 0 };
	int rc = 0;

	for (size_t i = 0; i < options->rules.n && rc == 0; i++)
		rc = add_named(o, view_of(options->rules.v[i]), "rules");
	if (options->rules.n > 0)
		return rc;
	if (config->rules.given) {
		rc = add_list(o, &config->rules, "rules");
	} else {
		load_shipped_path(&shipped);
		rc = shipped.failed ? -1
				    : add_named(o, view_of(shipped.p), "rules");
		if (rc == 0)
			rc = add_named(o, VIEW(RULES_LOCAL), "rules");
	}
	if (rc == 0 && config->exceptions.given)
		rc = add_list(o, &config->exceptions, "exceptions");
	else if (rc == 0)
		rc = add_named(o, VIEW(EXCEPTIONS_LOCAL), "exceptions");
	buf_free(&shipped);
	return rc;
}

/* systemd.unit(5), in the order in which they count. */
static int
add_units(struct own *o)
{
	static const char *const folders[] = {
		"/etc/systemd/system",		 "/run/systemd/system",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
		"/run/systemd/transient",
	};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/tocsin*", folders[i]);
		if (add(o, view_of(path), "unit") != 0)
			return -1;
	}
	return 0;
}

static int
add_configuration(struct own *o, const struct options *options)
{
	const char *path = options->config;
	struct view folder = path_directory(VIEW(CONFIG_PATH));

	if (path == NULL && add_named(o, folder, "configuration") != 0)
		return -1;
	return add_named(o, view_of(path != NULL ? path : CONFIG_PATH),
			 "configuration");
}

static int
add_program(struct own *o)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	if (n <= 0 || (size_t)n == sizeof(path))
		return 0;
	return add(o, (struct view){ path, (size_t)n }, "program");
}

int
own_read(struct own *o, const struct options *options,
	 const struct config *config, const char *state)
{
	struct own now = { 0 };

	if (add_program(&now) != 0 || add_configuration(&now, options) != 0 ||
	    add_rules(&now, options, config) != 0 ||
	    add_list(&now, &config->public_keys, "key") != 0 ||
	    add_named(&now, config->heartbeat_key, "key") != 0 ||
	    add_named(&now, view_of(state), "state") != 0 ||
	    add_units(&now) != 0) {
		own_free(&now);
		return -1;
	}
	own_free(o);
	*o = now;
	return 0;
}

/* Is it the place, or below it? How many components that has, or 0. */
static size_t
covers(struct view place, struct view path)
{
	struct view a = view_sub(place, 1, place.n), part, other;
	struct view b = view_sub(path, 1, path.n);
	size_t n = 0;

	while (view_next_split(&a, '/', &part)) {
		if (!view_next_split(&b, '/', &other) ||
		    !watch_component_matches(part, other))
			return 0;
		n++;
	}
	return n;
}

const char *
own_part(const struct own *o, struct view path)
{
	const char *part = NULL;
	size_t best = 0;

	if (o == NULL || path.n == 0 || path.p[0] != '/')
		return NULL;
	for (size_t i = 0; i < o->n; i++) {
		size_t n = covers(o->v[i].path, path);

		if (n > best) {
			best = n;
			part = o->v[i].part;
		}
	}
	return part;
}

void
own_free(struct own *o)
{
	free(o->v);
	arena_free(&o->arena);
	*o = (struct own){ 0 };
}
