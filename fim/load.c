/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding rules and exceptions. */
#include <limits.h>
#include <unistd.h>

#include "fim/load.h"

/* The folder of the running program, links resolved (proc(5)), with its last
 * slash; empty when that cannot be told. */
static void
program_folder(struct buf *out)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	struct view v;

	if (n <= 0 || (size_t)n == sizeof(path))
		return;
	v = (struct view){ path, (size_t)n };
	buf_put(out, view_sub(v, 0, (size_t)(view_rfind(v, '/') + 1)));
}

void
load_shipped_path(struct buf *out)
{
	buf_clear(out);
	program_folder(out);
	if (out->n > 0) {
		buf_puts(out, "rules/linux");
		buf_putc(out, '\0');
		if (!out->failed && access(out->p, R_OK | X_OK) == 0)
			return;
		buf_clear(out);
	}
	buf_puts(out, RULES_SHIPPED);
	buf_putc(out, '\0');
}

/* What one path gave, added to the sum. */
static int
sum(int broken, int more)
{
	return broken < 0 || more < 0 ? -1 : broken + more;
}

static int
load_shipped(struct rules *rules, struct err *err)
{
	struct buf path = { 0 };
	int broken;

	load_shipped_path(&path);
	if (path.failed)
		broken = err_add(err, (struct place){ 0 }, "out of memory");
	else
		broken = rules_load_path(rules, path.p, err);
	buf_free(&path);
	if (access(RULES_LOCAL, F_OK) == 0)
		broken = sum(broken, rules_load_path(rules, RULES_LOCAL, err));
	return broken;
}

static int
load_words(struct rules *rules, const struct text_list *paths, struct err *err)
{
	int broken = 0;

	for (size_t i = 0; i < paths->n; i++)
		broken = sum(broken, rules_load_path(rules, paths->v[i], err));
	return broken;
}

static int
load_configured(struct rules *rules, const struct config_list *paths,
		struct err *err)
{
	int broken = 0;

	for (size_t i = 0; i < paths->n; i++)
		broken =
			sum(broken, rules_load_path(rules, paths->v[i].p, err));
	return broken;
}

static int
load_exceptions(struct rules *rules, const struct config *config,
		struct err *err)
{
	const struct config_list *paths = &config->exceptions;
	int broken = 0;

	for (size_t i = 0; i < paths->n; i++)
		broken = sum(broken,
			     rules_load_exceptions(rules, paths->v[i].p, err));
	if (!paths->given && access(EXCEPTIONS_LOCAL, F_OK) == 0)
		broken = rules_load_exceptions(rules, EXCEPTIONS_LOCAL, err);
	return broken;
}

int
load_rules(struct rules *rules, const struct options *options,
	   const struct config *config, const struct text_list *paths,
	   struct err *err)
{
	bool named = options->rules.n > 0 || (paths != NULL && paths->n > 0);
	int broken = 0;

	if (paths != NULL)
		broken = load_words(rules, paths, err);
	broken = sum(broken, load_words(rules, &options->rules, err));
	if (!named && config->rules.given)
		broken = load_configured(rules, &config->rules, err);
	else if (!named)
		broken = load_shipped(rules, err);
	/* Exceptions speak of the rules of this host, not of others'. */
	if (!named)
		broken = sum(broken, load_exceptions(rules, config, err));
	return sum(broken, rules_seal(rules, err));
}
