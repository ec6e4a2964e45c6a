/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the monitor, and what they have it watch. */
#include "fim/monitor.h"

#include "fim/fields.h"
#include "fim/load.h"

#include <stdlib.h>

static size_t
usable(const struct rules *rules)
{
	size_t n = 0;

	for (size_t i = 0; i < rules_count(rules); i++)
		n += rules_at(rules, i)->status == RULE_OK;
	return n;
}

static int
load(struct monitor *m, struct rules *rules, bool strict, struct err *err)
{
	struct load_policy policy = {
		.trust = &m->trust,
		.keys = m->rule_keys.n > 0 ? &m->rule_keys : NULL,
		.state = m->state_folder,
		.record = true,
	};
	int broken = load_rules_by(&policy, rules, m->options, &m->config, NULL,
				   err);

	m->tampered = policy.tampered;
	if (broken < 0 || (strict && broken > 0))
		return -1;
	if (usable(rules) == 0)
		return err_add(err, (struct place){ 0 },
			       "there is no rule that this host can decide: "
			       "name rules with --rules or the configuration");
	return 0;
}

/* Of the rules and the configuration, and what is ours if a rule asks. */
static int
derive(struct monitor *m, const struct rules *rules, const struct own *own,
       struct watchset *to, size_t *vague)
{
	const struct config_list *list = &m->config.watch;
	size_t n = rules_field_used(rules, FIELD_SELF_PART) ? own->n : 0;
	struct view *all = calloc(list->n + n + 1, sizeof(*all));
	int rc = -1;

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < list->n; i++)
		all[i] = list->v[i];
	for (size_t i = 0; i < n; i++)
		all[list->n + i] = own->v[i].path;
	rc = watchset_derive(to, rules, FIELD_FILE_PATH, all, list->n + n,
			     vague);
	free(all);
	return rc;
}

int
monitor_load_rules(struct monitor *m, bool strict, struct err *err)
{
	struct rules *rules = rules_new(fields_schema());
	struct watchset watchset = { 0 };
	struct own own = { 0 };
	size_t vague = 0;

	if (rules != NULL && load(m, rules, strict, err) != 0) {
		rules_free(rules);
		return -1;
	}
	if (rules == NULL ||
	    own_read(&own, m->options, &m->config, m->state_folder) != 0 ||
	    derive(m, rules, &own, &watchset, &vague) != 0 ||
	    (m->pipeline != NULL && pipeline_use_rules(m->pipeline, rules))) {
		own_free(&own);
		rules_free(rules);
		watchset_free(&watchset);
		return err_add(err, (struct place){ 0 }, "out of memory");
	}
	rules_free(m->rules);
	watchset_free(&m->watchset);
	own_free(&m->own);
	m->own = own;
	m->rules = rules;
	m->watchset = watchset;
	m->vague = vague;
	return 0;
}
