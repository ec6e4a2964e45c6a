/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding rules and exceptions. */
#include <limits.h>
#include <unistd.h>

#include "fim/load.h"

#include "fim/signed.h"

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

/* ---- what is taken --------------------------------------------------- */

struct loading {
	struct load_policy *policy;
	struct rules *rules;
	struct err *err;
	struct signed_set *set; /* of the path being loaded; NULL = unsigned */
	bool refused;		/* nothing more is loaded */
};

static int
guard_folder(void *ctx, int fd, const char *path, struct err *err)
{
	struct loading *l = ctx;

	if (l->policy->trust == NULL ||
	    trust_check_fd(l->policy->trust, fd, path, err) == 0)
		return 0;
	l->refused = true;
	return -1;
}

static int
guard_file(void *ctx, int fd, const char *path, struct view text,
	   struct err *err)
{
	struct loading *l = ctx;

	if (l->policy->trust != NULL &&
	    trust_check_fd(l->policy->trust, fd, path, err) != 0) {
		l->refused = true;
		return -1;
	}
	if (l->set == NULL || signed_check(l->set, path, text, err) == 0)
		return 0;
	l->policy->tampered = l->refused = true;
	return -1;
}

typedef int loader(struct rules *, const char *path, struct err *);

static int
load_signed(struct loading *l, const char *path, loader *load)
{
	struct load_policy *p = l->policy;
	int broken = -1;

	l->set = signed_open(path, p->keys, p->state, l->err);
	if (l->set == NULL) {
		p->tampered = l->refused = true;
		return -1;
	}
	broken = load(l->rules, path, l->err);
	if (broken >= 0 && signed_complete(l->set, l->err) != 0) {
		p->tampered = l->refused = true;
		broken = -1;
	}
	if (broken >= 0 && p->record && p->state != NULL &&
	    signed_record(l->set, p->state, l->err) != 0)
		broken = -1;
	signed_free(l->set);
	l->set = NULL;
	return broken;
}

static int
load_one(struct loading *l, const char *path, loader *load)
{
	const struct load_policy *p = l->policy;

	if (l->refused)
		return -1;
	if (p->trust != NULL && trust_check_path(p->trust, path, l->err) != 0) {
		l->refused = true;
		return -1;
	}
	return p->keys != NULL ? load_signed(l, path, load)
			       : load(l->rules, path, l->err);
}

/* ---- paths ----------------------------------------------------------- */

/* What one path gave, added to the sum. */
static int
sum(int broken, int more)
{
	return broken < 0 || more < 0 ? -1 : broken + more;
}

static int
load_shipped(struct loading *l)
{
	struct buf path = { 0 };
	int broken;

	load_shipped_path(&path);
	if (path.failed)
		broken = err_add(l->err, (struct place){ 0 }, "out of memory");
	else
		broken = load_one(l, path.p, rules_load_path);
	buf_free(&path);
	if (access(RULES_LOCAL, F_OK) == 0)
		broken = sum(broken, load_one(l, RULES_LOCAL, rules_load_path));
	return broken;
}

static int
load_words(struct loading *l, const struct text_list *paths)
{
	int broken = 0;

	for (size_t i = 0; i < paths->n; i++)
		broken = sum(broken, load_one(l, paths->v[i], rules_load_path));
	return broken;
}

static int
load_configured(struct loading *l, const struct config_list *paths,
		loader *load)
{
	int broken = 0;

	for (size_t i = 0; i < paths->n; i++)
		broken = sum(broken, load_one(l, paths->v[i].p, load));
	return broken;
}

static int
load_exceptions(struct loading *l, const struct config *config)
{
	const struct config_list *paths = &config->exceptions;
	int broken = load_configured(l, paths, rules_load_exceptions);

	if (!paths->given && access(EXCEPTIONS_LOCAL, F_OK) == 0)
		broken = load_one(l, EXCEPTIONS_LOCAL, rules_load_exceptions);
	return broken;
}

int
load_rules_by(struct load_policy *policy, struct rules *rules,
	      const struct options *options, const struct config *config,
	      const struct text_list *paths, struct err *err)
{
	bool named = options->rules.n > 0 || (paths != NULL && paths->n > 0);
	struct loading l = { .policy = policy, .rules = rules, .err = err };
	struct rules_guard guard = { guard_folder, guard_file, &l };
	int broken = 0;

	rules_set_guard(rules, &guard);
	if (paths != NULL)
		broken = load_words(&l, paths);
	broken = sum(broken, load_words(&l, &options->rules));
	if (!named && config->rules.given)
		broken = load_configured(&l, &config->rules, rules_load_path);
	else if (!named)
		broken = load_shipped(&l);
	/* Exceptions speak of the rules of this host, not of others'. */
	if (!named)
		broken = sum(broken, load_exceptions(&l, config));
	rules_set_guard(rules, NULL);
	return l.refused ? -1 : sum(broken, rules_seal(rules, err));
}

int
load_rules(struct rules *rules, const struct options *options,
	   const struct config *config, const struct text_list *paths,
	   struct err *err)
{
	struct load_policy none = { 0 };

	return load_rules_by(&none, rules, options, config, paths, err);
}
