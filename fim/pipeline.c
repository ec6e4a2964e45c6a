/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Enrich and match, in order. */
#include "fim/pipeline.h"

#include "fim/proc_list.h"
#include "fim/procfs.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct pipeline {
	struct pipeline_config config;
	struct procs *procs;
	struct names *names;
	struct live live;
	struct rules_run *run;
	struct alerter *alerter;
	struct proc_list list;
	uint64_t seq;
	uint64_t last_wall_ns; /* time of the last event */
	struct pipeline_counters counters;
};

/* ---- life ------------------------------------------------------------------
 */

struct pipeline *
pipeline_new(const struct pipeline_config *config)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->config = *config;
	p->seq = config->first_seq;
	if (config->reader.read == NULL)
		p->config.reader = procfs_reader;
	p->procs = procs_new(&config->procs);
	p->names = names_new(config->open_names, config->open_names_ctx);
	if (p->procs == NULL || p->names == NULL ||
	    live_init(&p->live, config->host, p->procs, p->names) != 0) {
		pipeline_free(p);
		return NULL;
	}
	p->live.facts.limits = config->limits;
	p->live.reader = p->config.reader;
	p->live.record.pin = alert_pin;
	p->live.record.unpin = alert_unpin;
	return p;
}

void
pipeline_free(struct pipeline *p)
{
	if (p == NULL)
		return;
	rules_run_free(p->run);
	alerter_free(p->alerter);
	live_free(&p->live);
	proc_list_free(&p->list);
	names_free(p->names);
	procs_free(p->procs);
	free(p);
}

/* ---- rules ----------------------------------------------------------- */

static void
on_match(void *ctx, const struct rules_match *match)
{
	struct pipeline *p = ctx;
	struct record *r = p->live.event != NULL ? &p->live.record : NULL;

	if (r != NULL && p->config.wanted != NULL &&
	    !p->config.wanted(p->config.ctx, r, match))
		return;
	alerter_match(p->alerter, r, match);
}

static void
on_term(void *ctx, const struct rule *rule, const uint8_t key[16],
	uint64_t last_seen_ns)
{
	struct pipeline *p = ctx;

	if (p->config.term != NULL)
		p->config.term(p->config.ctx, rule, key, last_seen_ns);
}

int
pipeline_use_rules(struct pipeline *p, const struct rules *rules)
{
	struct rules_options options = {
		.learn_until_ns = p->config.learn_until_ns,
		.max_terms = p->config.max_terms,
		.max_sequences = p->config.max_sequences,
	};
	struct rules_sink sink = { on_match, on_term, p };
	struct rules_run *run;
	struct alerter *alerter;

	run = rules_run_new(rules, &options, &sink);
	alerter = alerter_new(rules, &p->config.alerts);
	if (run == NULL || alerter == NULL || live_fit(&p->live, rules) != 0) {
		rules_run_free(run);
		alerter_free(alerter);
		return -1;
	}
	if (p->alerter != NULL) {
		alerter_flush(p->alerter);
		p->counters.alerts_lost += alerter_lost(p->alerter);
		p->counters.incomplete += alerter_incomplete(p->alerter);
		p->counters.alike += alerter_alike(p->alerter);
	}
	rules_run_free(p->run);
	alerter_free(p->alerter);
	p->run = run;
	p->alerter = alerter;
	return 0;
}

void
pipeline_remember(struct pipeline *p, struct view rule_id,
		  const uint8_t key[16], uint64_t last_seen_ns)
{
	rules_run_remember(p->run, rule_id, key, last_seen_ns);
}

void
pipeline_use_opener(struct pipeline *p, const struct opener *opener)
{
	p->live.facts.opener = *opener;
}

/* ---- events ---------------------------------------------------------- */

/* Nothing before this will come: first speaks what waited for that. */
static void
advance(struct pipeline *p, uint64_t wall_ns)
{
	if (wall_ns <= p->last_wall_ns)
		return;
	p->last_wall_ns = wall_ns;
	rules_watermark(p->run, wall_ns);
	alerter_watermark(p->alerter, wall_ns);
}

static void
match(struct pipeline *p, const struct event *e, struct author who)
{
	struct record *r = &p->live.record;

	advance(p, e->time_ns + p->config.host->wall_offset_ns);
	live_begin(&p->live, e, who.proc, who.image, ++p->seq);
	r->time_ns = p->last_wall_ns;
	p->counters.events++;
	if (who.proc == NULL)
		p->counters.unknown++;
	if (e->attribution == ATTRIBUTION_LOST ||
	    e->attribution == ATTRIBUTION_OFFLINE)
		p->counters.found[e->file.path.n > 0 ? ROLE_FILES
						     : ROLE_PROCESSES]++;
	if (p->config.trace != NULL)
		p->config.trace(p->config.ctx, r);
	rules_feed(p->run, r);
	p->counters.incomplete += p->live.arena.failed;
	facts_end(&p->live.facts);
	p->live.event = NULL;
}

static struct author
author_of_process(struct pipeline *p, const struct event *e)
{
	struct proc *proc = procs_apply(p->procs, e);

	return (struct author){ proc, proc == NULL ? NULL : proc->image, NULL };
}

/* A shell that redirects makes the file and hands it on: what the new image
 * found on descriptors 0–2 was there before it. */
static bool
was_handed_on(struct pipeline *p, const struct event *e,
	      const struct image *image)
{
	const struct opener *o = &p->live.facts.opener;
	int fd = o->open != NULL ? o->open(o->ctx, e) : -1;
	struct stat st;
	bool found = false;

	if (fd < 0)
		return false;
	for (size_t i = 0; i < 3 && fstat(fd, &st) == 0; i++)
		found = found || image->stdio_inode[i] == st.st_ino;
	close(fd);
	return found;
}

/* A file event or a message may name a process that no event has told of: one
 * that was missed, or all of them when there is no process sensor. */
static struct author
author_of_file(struct pipeline *p, const struct event *e)
{
	struct author who;

	if (p->config.look != NULL && e->key.pid != 0)
		p->config.look(p->config.ctx, e->key.pid);
	who = procs_author(p->procs, e);
	if (who.proc == NULL && e->key.pid != 0 &&
	    procs_newest(p->procs, e->key.pid) == NULL &&
	    procfs_learn(p->procs, &p->config.reader, e))
		who = procs_author(p->procs, e);
	if (who.before != NULL && was_handed_on(p, e, who.image))
		who.image = who.before;
	return who;
}

static bool
is_internal(enum event_kind kind)
{
	return event_action(kind)[0] == '\0';
}

/* A process that runs; what of it was lost is made up for. */
static void
take_running(struct pipeline *p, const struct event *running)
{
	struct event e;

	if (!proc_list_meet(&p->list, p->procs, running, &e))
		return;
	pipeline_take(p, &e);
	proc_list_note(&p->list, p->procs, e.key);
}

static void
take_list(struct pipeline *p, const struct event *e)
{
	struct event end = { .kind = EVENT_EXIT,
			     .attribution = ATTRIBUTION_LOST,
			     .time_ns = e->time_ns,
			     .pidfd = -1,
			     .exit_code = EXIT_CODE_UNKNOWN };

	if (e->kind == EVENT_LIST_BEGIN && e->role == ROLE_PROCESSES)
		proc_list_begin(&p->list, e->time_ns);
	if (e->kind == EVENT_LIST_END && e->role == ROLE_PROCESSES &&
	    p->list.round != 0) {
		proc_list_end(&p->list, p->procs);
		for (size_t i = 0; i < p->list.n_gone; i++) {
			end.key = p->list.gone[i];
			pipeline_take(p, &end);
		}
	}
	if (p->config.list != NULL)
		p->config.list(p->config.ctx, e);
}

/* Of what is no event by itself; false: it is one. */
static bool
take_mark(struct pipeline *p, const struct event *e)
{
	switch (e->kind) {
	case EVENT_LOSS:
		p->counters.lost += e->lost;
		if (p->config.loss != NULL)
			p->config.loss(p->config.ctx, e);
		return true;
	case EVENT_RUNNING:
		take_running(p, e);
		return true;
	case EVENT_LIST_BEGIN:
	case EVENT_LISTED:
	case EVENT_LIST_DIR:
	case EVENT_LIST_END:
	case EVENT_REFRESHED:
		take_list(p, e);
		return true;
	default:
		return false;
	}
}

void
pipeline_take(void *pipeline, const struct event *e)
{
	struct pipeline *p = pipeline;
	struct author who;

	if (take_mark(p, e))
		return;
	who = strcmp(event_category(e->kind), "file") == 0 ||
			      event_is_log(e->kind)
		      ? author_of_file(p, e)
		      : author_of_process(p, e);
	if (!is_internal(e->kind))
		match(p, e, who);
}

void
pipeline_note(struct pipeline *p, const struct event *e)
{
	author_of_process(p, e);
}

void
pipeline_tick(struct pipeline *p, uint64_t boot_ns)
{
	advance(p, boot_ns + p->config.host->wall_offset_ns);
	procs_expire(p->procs,
		     p->last_wall_ns - p->config.host->wall_offset_ns);
}

uint64_t
pipeline_finish(struct pipeline *p)
{
	alerter_flush(p->alerter);
	return p->last_wall_ns;
}

void
pipeline_put_who(const struct pipeline *p, uint32_t pid, struct buf *out)
{
	const struct proc *proc = procs_newest(p->procs, pid);

	if (proc != NULL && proc->image != NULL)
		buf_text_word(out, proc->image->executable);
	else
		buf_puts(out, "an unknown program");
	buf_printf(out, " (pid %u", pid);
	if (proc != NULL)
		buf_printf(out, ", uid %u", proc->creds.uid);
	buf_putc(out, ')');
}

struct pipeline_counters
pipeline_count(const struct pipeline *p)
{
	struct pipeline_counters c = p->counters;

	c.incomplete += names_failed(p->names);
	c.bytes = p->live.facts.bytes_total + p->live.facts.bytes_file;
	if (p->alerter != NULL) {
		c.alerts_lost += alerter_lost(p->alerter);
		c.incomplete += alerter_incomplete(p->alerter);
		c.alike += alerter_alike(p->alerter);
	}
	return c;
}

struct rules_counters
pipeline_rules_count(const struct pipeline *p)
{
	return rules_run_counters(p->run);
}

struct rules_cost
pipeline_rule_cost(const struct pipeline *p, size_t rule)
{
	return rules_run_cost(p->run, rule);
}

struct procs_counters
pipeline_procs_count(const struct pipeline *p)
{
	return procs_count(p->procs);
}
