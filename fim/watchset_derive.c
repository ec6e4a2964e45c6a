/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch set of a rule set and a configuration. */
#include "fim/watchset.h"

#include <errno.h>

struct derivation {
	struct watchset *ws;
	size_t vague;
	int error; /* the first errno */
};

static void
take_pattern(void *ctx, const struct rule *rule, struct view pattern)
{
	struct derivation *d = ctx;
	int rc;

	if (d->error)
		return;
	rc = watchset_add_pattern(d->ws, pattern, rule->id);
	if (rc < 0)
		d->error = errno;
	else if (rc > 0)
		d->vague++;
}

int
watchset_derive(struct watchset *ws, const struct rules *rules, int file_path,
		const struct view *extra, size_t n_extra, size_t *vague)
{
	struct derivation d = { .ws = ws };

	*ws = (struct watchset){ 0 };
	if (rules && file_path >= 0)
		rules_patterns(rules, (size_t)file_path, take_pattern, &d);
	for (size_t i = 0; i < n_extra && !d.error; i++) {
		int rc = watchset_add_path(ws, extra[i]);

		if (rc < 0)
			d.error = errno;
		else if (rc > 0)
			d.vague++;
	}
	if (d.error) {
		watchset_free(ws);
		errno = d.error;
		return -1;
	}
	watchset_seal(ws);
	if (vague)
		*vague = d.vague;
	return 0;
}
