/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch set of a rule set and a configuration. */
#include "fim/watchset.h"

#include "fim/event.h"

#include <errno.h>
#include <stdlib.h>

struct derivation {
	struct watchset *ws;
	const struct rules *rules;
	const struct rule *only; /* NULL: all */
	bool scan;
	bool *waits; /* rule i waits for something to happen */
	bool *asks;  /* rule i asks for what is there */
	size_t vague;
	int error; /* the first errno */
};

static size_t
index_of(const struct derivation *d, const struct rule *rule)
{
	size_t i = 0;

	while (i < rules_count(d->rules) && rules_at(d->rules, i) != rule)
		i++;
	return i;
}

static void
take_action(void *ctx, const struct rule *rule, struct view action)
{
	struct derivation *d = ctx;
	bool present = view_eq(action, view_of(event_action(EVENT_SNAPSHOT)));

	(present ? d->asks : d->waits)[index_of(d, rule)] = true;
}

/* A rule that knows no other action than a scan's has nothing to watch. */
static bool
wants(const struct derivation *d, const struct rule *rule)
{
	size_t i = index_of(d, rule);

	return d->scan || d->waits[i] || !d->asks[i];
}

static void
take(struct derivation *d, const struct rule *rule, struct view pattern,
     int (*add)(struct watchset *, struct view pattern, struct view rule))
{
	int rc;

	if (d->error || (d->only != NULL && rule != d->only) || !wants(d, rule))
		return;
	rc = add(d->ws, pattern, rule->id);
	if (rc < 0)
		d->error = errno;
	else if (rc > 0)
		d->vague++;
}

static void
take_path(void *ctx, const struct rule *rule, struct view pattern)
{
	take(ctx, rule, pattern, watchset_add_pattern);
}

static void
take_directory(void *ctx, const struct rule *rule, struct view pattern)
{
	take(ctx, rule, pattern, watchset_add_directory);
}

static void
add_rules(struct derivation *d, int file_path)
{
	size_t n = rules_count(d->rules) + 1;
	int action = rules_field_find(d->rules, VIEW("event.action"));
	int directory = rules_field_find(d->rules, VIEW("file.directory"));

	d->waits = calloc(n, sizeof(*d->waits));
	d->asks = calloc(n, sizeof(*d->asks));
	if (d->waits == NULL || d->asks == NULL) {
		d->error = ENOMEM;
	} else {
		if (action >= 0)
			rules_patterns(d->rules, (size_t)action, take_action,
				       d);
		rules_patterns(d->rules, (size_t)file_path, take_path, d);
		if (directory >= 0)
			rules_patterns(d->rules, (size_t)directory,
				       take_directory, d);
	}
	free(d->waits);
	free(d->asks);
}

static int
derive(struct derivation *d, int file_path, const struct view *extra,
       size_t n_extra, size_t *vague)
{
	*d->ws = (struct watchset){ 0 };
	if (d->rules && file_path >= 0)
		add_rules(d, file_path);
	for (size_t i = 0; i < n_extra && !d->error; i++) {
		int rc = watchset_add_path(d->ws, extra[i]);

		if (rc < 0)
			d->error = errno;
		else if (rc > 0)
			d->vague++;
	}
	if (d->error) {
		watchset_free(d->ws);
		errno = d->error;
		return -1;
	}
	watchset_seal(d->ws);
	if (vague)
		*vague = d->vague;
	return 0;
}

int
watchset_derive(struct watchset *ws, const struct rules *rules, int file_path,
		const struct view *extra, size_t n_extra, size_t *vague)
{
	struct derivation d = { .ws = ws, .rules = rules };

	return derive(&d, file_path, extra, n_extra, vague);
}

int
watchset_derive_scan(struct watchset *ws, const struct rules *rules,
		     int file_path, const struct view *extra, size_t n_extra)
{
	struct derivation d = { .ws = ws, .rules = rules, .scan = true };

	return derive(&d, file_path, extra, n_extra, NULL);
}

int
watchset_derive_rule(struct watchset *ws, const struct rules *rules,
		     const struct rule *rule, int file_path, size_t *vague)
{
	struct derivation d = {
		.ws = ws, .rules = rules, .only = rule, .scan = true
	};

	return derive(&d, file_path, NULL, 0, vague);
}
