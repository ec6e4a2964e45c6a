/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop. Each round: fetch the file batch and messages, then fetch and
 * deliver all process records, then deliver the rest: whoever made a file or
 * wrote a message is known, with everything it was, before that is attributed.
 */
#include "fim/monitor.h"

#include "fim/alive.h"
#include "fim/heap.h"
#include "fim/status.h"

#include <errno.h>
#include <signal.h>

/* The process sensor's ring does not wake us for single records: that would
 * cost every fork on the host. It is looked at this often instead. */
#define POLL_MS 10

/* A flood must not keep signals waiting. */
#define ROUNDS_MAX 64

#define STATUS_EVERY_NS (5 * NS_PER_SEC)

/* How long reading goes on after the signal to stop. */
#define STOP_NS (5 * NS_PER_SEC)

/* While the budget makes us wait, this often somebody wants to know of us. */
#define TEND_MS 100

/* Records committed on another CPU may be dated a little before those already
 * read: time is promised this much late. */
#define LATENESS_NS (100 * NS_PER_MS)

static void
note(struct monitor *m, const char *text)
{
	fprintf(m->io->notes, "tocsin: %s\n", text);
	fflush(m->io->notes);
}

/* "bpf, fanotify and journal" */
static void
put_sensors(const struct monitor *m, struct buf *out)
{
	const struct source *all[] = { &m->processes, &m->files, &m->messages };
	size_t left = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		left += all[i]->ops != NULL;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i]->ops == NULL)
			continue;
		buf_puts(out, all[i]->row->name);
		left--;
		buf_puts(out, left > 1 ? ", " : left == 1 ? " and " : "");
	}
}

/* "sensors bpf and fanotify, 103 directories, 17 rules" */
static void
put_coverage(const struct monitor *m, struct buf *out)
{
	struct sensor_status files = { 0 };
	size_t rules = 0;

	for (size_t i = 0; i < rules_count(m->rules); i++)
		rules += rules_at(m->rules, i)->status == RULE_OK;
	if (m->files.ops != NULL)
		m->files.ops->status(m->files.sensor, &files);
	buf_puts(out, "sensors ");
	put_sensors(m, out);
	buf_printf(out, ", %llu directories, %zu rules",
		   (unsigned long long)files.watched, rules);
}

/* What the sensors in use do not see, if others would. */
static void
say_blind(struct monitor *m)
{
	const struct source *all[] = { &m->processes, &m->files, &m->messages };

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct sensor_row *row = all[i]->row;

		if (all[i]->ops != NULL && row->blind[0] != '\0')
			fprintf(m->io->notes,
				"tocsin: %s by %s: not seen: %s\n",
				role_name(row->role), row->name, row->blind);
	}
}

static void
say_ready(struct monitor *m)
{
	const char *what = "out of memory to say what is watched";
	struct buf text = { 0 };
	struct sensor_status files = { 0 };

	put_coverage(m, &text);
	buf_putc(&text, '\0');
	if (!text.failed)
		what = text.p;
	fprintf(m->io->notes, "tocsin: ready: %s\n", what);
	remote_tell(&m->remote, ASK_READY, what);
	buf_free(&text);
	if (m->files.ops != NULL)
		m->files.ops->status(m->files.sensor, &files);
	if (files.unwatched > 0)
		fprintf(m->io->notes, "tocsin: not watched: %llu places (%s)\n",
			(unsigned long long)files.unwatched, files.detail);
	if (files.polled > 0)
		fprintf(m->io->notes,
			"tocsin: looked at from time to time: %llu directories "
			"(%s)\n",
			(unsigned long long)files.polled, files.detail);
	say_blind(m);
	if (status_write(m, true) != 0)
		fprintf(m->io->notes,
			"tocsin: the status could not be written: %s\n",
			strerror(errno));
	fflush(m->io->notes);
}

/* ---- a round --------------------------------------------------------- */

static void
replace_failed(struct monitor *m, struct source *s, int error)
{
	const struct sensor_row *row = s->row;

	fprintf(m->io->notes, "tocsin: the sensor %s has failed: %s\n",
		row->name, strerror(error));
	s->ops->close(s->sensor);
	s->ops = NULL;
	monitor_fall_back(m, row);
	say_ready(m);
}

/* What its owner found broken. */
static void
check_remote(struct monitor *m)
{
	int files = m->remote.errors[ROLE_FILES];
	int processes = m->remote.errors[ROLE_PROCESSES];

	m->remote.errors[ROLE_FILES] = m->remote.errors[ROLE_PROCESSES] = 0;
	if (files != 0 && m->files.ops != NULL)
		replace_failed(m, &m->files, files);
	if (processes != 0 && m->processes.ops != NULL)
		replace_failed(m, &m->processes, processes);
}

static bool
fetch_messages(struct monitor *m)
{
	struct source *s = &m->messages;
	int held = s->ops != NULL ? s->ops->fetch(s->sensor) : 0;

	if (held < 0 && errno != EINTR && errno != EAGAIN) {
		replace_failed(m, s, errno);
		return false;
	}
	return held > 0;
}

static bool
round_once(struct monitor *m)
{
	struct event_sink sink = { monitor_take, m };
	bool messages = fetch_messages(m);
	bool others = remote_round(&m->remote, &sink);

	if (messages)
		m->messages.ops->deliver(m->messages.sensor, &sink);
	check_remote(m);
	return others || messages;
}

static void
flush(struct monitor *m)
{
	if (output_flush(&m->output, m->io->notes))
		senders_poke(&m->senders);
	if (trace_flush(&m->trace) != 0)
		note(m, "the trace could not be written");
}

/* The one line of `systemctl status`. */
static void
say_status(struct monitor *m, uint64_t now_ns)
{
	struct buf text = { 0 };

	if (now_ns < m->status_ns)
		return;
	m->status_ns = now_ns + STATUS_EVERY_NS;
	put_coverage(m, &text);
	buf_printf(&text, "; %llu alerts, %llu events lost%s%s",
		   (unsigned long long)m->output.alerts,
		   (unsigned long long)pipeline_count(m->pipeline).lost,
		   m->output.store_failed ? "; alerts cannot be stored" : "",
		   m->metrics.stale ? "; the rules on disk are broken, older "
				      "ones are in force"
				    : "");
	buf_putc(&text, '\0');
	if (!text.failed)
		remote_tell(&m->remote, ASK_DOING, text.p);
	buf_free(&text);
}

static void
say_delayed(struct monitor *m, uint64_t ns)
{
	fprintf(m->io->notes,
		"tocsin: delayed: events waited %.1f s to keep to %u %% of a "
		"processor\n",
		(double)ns / 1e9, m->budget.percent);
	fflush(m->io->notes);
}

/* Once a minute, if there is more to say. */
static void
say_memory(struct monitor *m, uint64_t now_ns)
{
	uint64_t n = metrics_no_memory(m);

	if (n == m->memory_said || now_ns < m->memory_ns)
		return;
	m->memory_said = n;
	m->memory_ns = now_ns + 60 * NS_PER_SEC;
	fprintf(m->io->notes,
		"tocsin: out of memory: %llu events, sequences or alerts were "
		"dropped, or do not say all, since the start\n",
		(unsigned long long)n);
	fflush(m->io->notes);
}

/* No process can be made here; the keeper makes another engine. */
static void
begin_anew(struct monitor *m)
{
	note(m, "the process that starts the outputs is gone: all begins anew");
	state_commit(m->state);
	raise(SIGKILL);
}

/* What is to be done however much there is to read. */
static void
tend(struct monitor *m)
{
	uint64_t now_ns = clock_boot_ns();
	uint64_t delayed_ns;

	say_status(m, now_ns);
	say_memory(m, now_ns);
	metrics_write(m, now_ns);
	alive_tend(m);
	if (!m->stopping && !senders_tend(&m->senders, now_ns))
		begin_anew(m);
	status_write_in_time(m); /* what fails is tried again */
	heap_tidy(&m->tidy_ns, now_ns);
	delayed_ns = budget_say(&m->budget, now_ns, m->stopping);
	if (delayed_ns > 0)
		say_delayed(m, delayed_ns);
}

static uint64_t
must_wait(struct monitor *m)
{
	if (m->budget.percent == 0)
		return 0;
	return budget_wait(&m->budget, clock_boot_ns(),
			   budget_cpu_ns() + m->remote.cpu_ns);
}

/* False if something may be left in the queues: then time does not pass but
 * with the events themselves. */
static bool
round_all(struct monitor *m)
{
	uint64_t before_ns = clock_boot_ns();
	bool more = true;

	for (int i = 0; more && i < ROUNDS_MAX; i++) {
		more = round_once(m);
		flush(m);
		tend(m);
		if (more && !m->stopping && must_wait(m) > 0)
			break;
	}
	pipeline_tick(m->pipeline, more ? 0 : before_ns - LATENESS_NS);
	/* Without the keeper nothing is there to be seen. */
	repair_tick(m->repair, more || m->remote.gone ? 0 : before_ns);
	flush(m);
	return !more;
}

/* ---- signals --------------------------------------------------------- */

/* A set with a broken rule is not taken: what watched before goes on. */
static void
reload(struct monitor *m)
{
	struct err err = { 0 };

	remote_tell(&m->remote, ASK_RELOADING, NULL);
	state_commit(m->state);
	if (monitor_load_rules(m, true, &err) != 0) {
		monitor_note_errors(m, &err);
		m->metrics.stale = true;
		note(m, "the rules were not reloaded: the old set stays");
		remote_tell(&m->remote, ASK_READY,
			    "the rules were not reloaded: the old set stays");
	} else {
		m->metrics.stale = false;
		monitor_remember_terms(m);
		if (m->files.ops != NULL && m->files.ops->rewatch != NULL &&
		    m->files.ops->rewatch(m->files.sensor, &m->watchset, &err))
			monitor_note_errors(m, &err);
		note(m, "rules reloaded");
		say_ready(m);
	}
	err_free(&err);
}

/* True when a signal has asked to stop. */
static bool
handle_signals(struct monitor *m)
{
	bool asked = m->remote.reload;

	m->remote.reload = false;
	if (m->remote.stop || m->remote.gone)
		return true;
	if (asked)
		reload(m);
	return false;
}

/* ---- the run --------------------------------------------------------- */

/* A fork and its exec lie so far apart; /proc knows times in ticks. */
#define FORK_NS (20 * NS_PER_MS)

/* Has it begun when the engine before was given events that it did not get
 * through, or when there was none? What came later is in the sensor's queue. */
static bool
is_missed(const struct monitor *m, const struct event *e)
{
	const struct engine_past *past = &m->birth->past;
	uint64_t start_ns = e->key.start_ns;

	if (e->kind != EVENT_ALREADY_RUNNING)
		return false;
	if (past->there)
		return start_ns + FORK_NS > past->from_ns &&
		       start_ns <= past->to_ns;
	return start_ns <= m->opened_ns && repair_missed(m->repair, start_ns);
}

struct seeding {
	struct monitor *m;
	size_t missed;
};

static void
take_older(void *ctx, const struct event *e)
{
	struct seeding *s = ctx;

	if (is_missed(s->m, e))
		s->missed++;
	else
		pipeline_take(s->m->pipeline, e);
}

/* That it began. */
static uint64_t
began_hash(const struct event *e)
{
	return hash_mix(e->key.pid, e->key.start_ns);
}

/* What it runs: many programs may be of one file, and tell apart by their
 * arguments alone what they do. */
static uint64_t
runs_hash(const struct event *e)
{
	const struct event_exec *x = &e->exec;
	uint64_t device = (uint64_t)x->dev_major << 32 | x->dev_minor;

	return hash_mix(hash_mix(began_hash(e), hash_mix(device, x->inode)),
			view_hash(x->args));
}

/* Told twice is better than not at all: where memory is out, it is. */
static void
note_told(struct monitor *m, const struct event *e)
{
	hashes_add(&m->told, began_hash(e) | 1);
	hashes_add(&m->told, runs_hash(e) | 1);
}

/* Has the list told of it? */
static bool
is_told(const struct monitor *m, const struct event *e)
{
	if (m->told.n == 0 || e->time_ns > m->seeded_ns)
		return false;
	return (e->kind == EVENT_FORK &&
		hashes_have(&m->told, began_hash(e) | 1)) ||
	       (e->kind == EVENT_EXEC &&
		hashes_have(&m->told, runs_hash(e) | 1));
}

void
monitor_take(void *monitor, const struct event *e)
{
	struct monitor *m = monitor;

	if (is_told(m, e))
		pipeline_note(m->pipeline, e);
	else
		pipeline_take(m->pipeline, e);
}

/* As one of a list after a loss: it is held against its parent, and told. */
static void
take_missed(void *ctx, const struct event *e)
{
	struct seeding *s = ctx;
	struct event running = *e;

	if (!is_missed(s->m, e))
		return;
	running.kind = EVENT_RUNNING;
	note_told(s->m, e);
	pipeline_take(s->m->pipeline, &running);
	/* And as any other that runs. */
	pipeline_take(s->m->pipeline, e);
}

/* Those that were missed come when all others are known. */
static int
seed_processes(struct monitor *m)
{
	struct seeding seeding = { .m = m };
	struct event_sink older = { take_older, &seeding };
	struct event_sink missed = { take_missed, &seeding };
	struct source *s = &m->processes;

	if (s->ops == NULL || s->ops->seed == NULL)
		return 0;
	if (s->ops->seed(s->sensor, &older) != 0)
		return -1;
	return seeding.missed > 0 ? s->ops->seed(s->sensor, &missed) : 0;
}

static void
seed(struct monitor *m)
{
	struct event_sink sink = { pipeline_take, m->pipeline };

	if (seed_processes(m) != 0)
		note(m, "processes that already run could not be listed");
	m->seeded_ns = clock_boot_ns();
	if (m->files.ops != NULL && m->files.ops->seed != NULL)
		m->files.ops->seed(m->files.sensor, &sink);
}

static void
wait_for_budget(struct monitor *m, uint64_t wait_ns)
{
	uint64_t ms = wait_ns / NS_PER_MS + 1;

	remote_wait(&m->remote, (unsigned)(ms < TEND_MS ? ms : TEND_MS), true);
}

/* What has happened before the signal is still read, if that comes to an end.
 */
static void
finish(struct monitor *m)
{
	uint64_t end_ns = clock_boot_ns() + STOP_NS;

	m->stopping = true;
	remote_tell(&m->remote, ASK_STOPPING, NULL);
	while (!round_all(m) && clock_boot_ns() < end_ns)
		;
	tend(m);
}

enum exit_code
monitor_run(struct monitor *m)
{
	uint64_t wait_ns;

	monitor_begin(m);
	seed(m);
	flush(m);
	say_ready(m);
	m->status_ns = clock_boot_ns() + STATUS_EVERY_NS;
	budget_open(&m->budget, m->budget.percent, clock_boot_ns(),
		    budget_cpu_ns() + m->remote.cpu_ns);
	while (!handle_signals(m)) {
		if (m->processes.ops == NULL && m->files.ops == NULL &&
		    m->messages.ops == NULL) {
			err_add(&m->io->err, (struct place){ 0 },
				"every sensor has failed");
			metrics_write_last(m);
			return EXIT_IO;
		}
		wait_ns = must_wait(m);
		if (wait_ns > 0) {
			wait_for_budget(m, wait_ns);
			tend(m);
			continue;
		}
		remote_wait(&m->remote, POLL_MS, false);
		round_all(m);
	}
	finish(m);
	m->end_ns = pipeline_finish(m->pipeline);
	repair_stop(m->repair);
	state_retry(m->state);
	flush(m);
	repair_end(m->repair);
	output_finish(&m->output, m->io->notes);
	senders_stop(&m->senders);
	metrics_write_last(m);
	status_write(m, false);
	alive_stop(m);
	if (m->remote.gone) {
		note(m, "the keeper is gone");
		return EXIT_IO;
	}
	note(m, "stopped");
	return EXIT_STOPPED;
}
