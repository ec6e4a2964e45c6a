/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and closing the monitor. The loop is in loop.c. */
#include "fim/monitor.h"

#include "fim/alive.h"
#include "fim/confine.h"
#include "fim/hurry.h"
#include "fim/keys.h"
#include "fim/sensor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- sensors --------------------------------------------------------- */

static struct source *
source_of(struct monitor *m, enum role role)
{
	switch (role) {
	case ROLE_PROCESSES:
		return &m->processes;
	case ROLE_FILES:
		return &m->files;
	default:
		return &m->messages;
	}
}

static struct sensor *
open_sensor(struct monitor *m, const struct sensor_row *row, struct err *err)
{
	if (row->role == ROLE_MESSAGES)
		return row->ops->open(&m->sensor_config, err);
	if (row->role == ROLE_FILES &&
	    remote_send_watches(&m->remote, &m->watchset) != 0) {
		err_add(err, (struct place){ 0 },
			"what is to be watched could not be told: %s",
			strerror(errno));
		return NULL;
	}
	return remote_sensor(&m->remote, row, err);
}

/* The first of this role that opens, from that row on. What the others said is
 * in `err`. */
static void
open_role(struct monitor *m, enum role role, size_t from, struct err *err)
{
	struct source *s = source_of(m, role);

	for (size_t i = from; i < n_sensor_rows && s->ops == NULL; i++) {
		const struct sensor_row *row = &sensor_rows[i];

		if (row->role != role || !sensors_may_use(&m->choice, row))
			continue;
		s->sensor = open_sensor(m, row, err);
		if (s->sensor == NULL)
			continue;
		s->row = row;
		s->ops = role == ROLE_MESSAGES ? row->ops : &remote_ops;
	}
}

static int
set_env_names(struct monitor *m)
{
	const struct config_list *list = &m->config.env_vars;

	m->env_names = calloc(list->n + 1, sizeof(*m->env_names));
	if (m->env_names == NULL)
		return -1;
	for (size_t i = 0; i < list->n; i++)
		m->env_names[i] = list->v[i].p;
	return 0;
}

void
monitor_note_errors(struct monitor *m, const struct err *err)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < err->n; i++) {
		buf_puts(&text, "tocsin: ");
		err_format(&err->v[i], &text);
		if (text.n > 0 && text.p[text.n - 1] != '\n')
			buf_putc(&text, '\n');
	}
	if (text.failed || (err->n == 0 && err->no_memory))
		fputs("tocsin: out of memory\n", m->io->notes);
	else if (text.n > 0)
		fwrite(text.p, 1, text.n, m->io->notes);
	buf_free(&text);
}

/* Messages alone are enough only where nothing else was asked for. */
static bool
enough(const struct monitor *m)
{
	if (m->processes.ops != NULL || m->files.ops != NULL)
		return true;
	for (size_t i = 0; i < n_sensor_rows; i++)
		if (sensor_rows[i].role != ROLE_MESSAGES &&
		    sensors_may_use(&m->choice, &sensor_rows[i]))
			return false;
	return m->messages.ops != NULL;
}

static enum exit_code
no_sensor(struct monitor *m, const char *name, const struct err *err)
{
	struct view why = err->n > 0 ? err->v[0].message : VIEW_NONE;

	if (name != NULL)
		err_add(&m->io->err, (struct place){ 0 },
			"the sensor %s cannot be opened: %.*s", name,
			(int)why.n, why.p);
	else
		err_add(&m->io->err, (struct place){ 0 },
			"no sensor can be opened%s: %.*s",
			geteuid() == 0 ? " here" : " without root", (int)why.n,
			why.p);
	return EXIT_IO;
}

static void
set_sensor_config(struct monitor *m)
{
	m->sensor_config = (struct sensor_config){
		.watchset = &m->watchset,
		.max_args = (uint32_t)m->config.args_bytes,
		.env_names = m->env_names,
		.n_env_names = m->config.env_vars.n,
		.journal = m->config.journal.n > 0 ? m->config.journal.p : NULL,
		.short_queue = view_eq(m->config.file_queue, VIEW("limited")),
		.poll_ns = m->config.poll_ns,
	};
}

/* One sensor that cannot work is said and done without; one that was asked
 * for by name, or none at all, is an error. */
static enum exit_code
open_sensors(struct monitor *m)
{
	struct err err = { 0 };
	enum exit_code code = EXIT_NOTHING;

	set_sensor_config(m);
	remote_configure(&m->remote, &m->sensor_config);
	for (int role = 0; role < ROLES && code == EXIT_NOTHING; role++) {
		const struct sensor_row *forced = m->choice.forced[role];

		open_role(m, (enum role)role, 0, &err);
		if (forced != NULL &&
		    source_of(m, (enum role)role)->ops == NULL) {
			struct err last = { 0 };

			if (err.n > 0)
				err_add(&last, (struct place){ 0 }, "%.*s",
					(int)err.v[err.n - 1].message.n,
					err.v[err.n - 1].message.p);
			code = no_sensor(m, forced->name, &last);
			err_free(&last);
		}
	}
	if (code == EXIT_NOTHING && !enough(m))
		code = no_sensor(m, NULL, &err);
	if (code == EXIT_NOTHING)
		monitor_note_errors(m, &err);
	err_free(&err);
	return code;
}

void
monitor_fall_back(struct monitor *m, const struct sensor_row *failed)
{
	struct source *s = source_of(m, failed->role);
	struct event_sink sink = { pipeline_take, m->pipeline };
	struct err err = { 0 };
	struct event loss = { .kind = EVENT_LOSS,
			      .time_ns = clock_boot_ns(),
			      .pidfd = -1,
			      .lost = 1,
			      .role = failed->role,
			      .scope = view_of(role_name(failed->role)),
			      .cause = VIEW("the sensor has failed") };

	open_role(m, failed->role, (size_t)(failed - sensor_rows) + 1, &err);
	monitor_note_errors(m, &err);
	err_free(&err);
	/* Files are listed by whoever sees them next. */
	loss.again = s->ops != NULL && failed->role == ROLE_FILES;
	pipeline_take(m->pipeline, &loss);
	if (s->ops != NULL && s->ops->seed != NULL)
		s->ops->seed(s->sensor, &sink);
}

/* What an engine before this one was given and did not get through. */
static void
take_over(struct monitor *m)
{
	const struct engine_past *past = &m->birth->past;
	char cause[64];
	struct event loss = {
		.kind = EVENT_LOSS,
		.time_ns = clock_boot_ns(),
		.pidfd = -1,
		.lost = past->unread,
		.role = ROLE_FILES,
		.again = m->files.ops != NULL,
		.scope = VIEW("events it had been given"),
	};

	if (past->signal != 0)
		snprintf(cause, sizeof(cause),
			 "the engine was ended by signal %d", past->signal);
	else
		snprintf(cause, sizeof(cause),
			 "the engine gave up (exit code %d)", past->code);
	loss.cause = view_of(cause);
	repair_resume(m->repair, past->heard_ns);
	pipeline_take(m->pipeline, &loss);
}

void
monitor_begin(struct monitor *m)
{
	if (m->birth->past.there)
		take_over(m);
	else
		repair_start(m->repair, m->files.ops != NULL, &m->heart_last);
}

/* ---- pipeline -------------------------------------------------------- */

static void
on_term(void *ctx, const struct rule *rule, const uint8_t key[16],
	uint64_t last_seen_ns)
{
	struct monitor *m = ctx;

	state_add_term(m->state, rule->id, key, last_seen_ns);
}

static void
on_loss(void *ctx, const struct event *e)
{
	struct monitor *m = ctx;

	repair_lost(m->repair, e);
	if (e->time_ns < m->losses_said_ns + NS_PER_SEC)
		return;
	m->losses_said_ns = e->time_ns;
	fprintf(m->io->notes,
		"tocsin: lost: at least %llu events (%.*s: %.*s)\n",
		(unsigned long long)e->lost, (int)e->scope.n, e->scope.p,
		(int)e->cause.n, e->cause.p);
}

static void
on_list(void *ctx, const struct event *e)
{
	struct monitor *m = ctx;

	repair_list(m->repair, e);
}

static void
relist_files(void *ctx)
{
	struct monitor *m = ctx;

	if (m->files.ops != NULL && m->files.ops->relist != NULL)
		m->files.ops->relist(m->files.sensor);
}

static void
on_alert(void *ctx, const struct alert *a)
{
	struct monitor *m = ctx;

	metrics_alert(&m->metrics, a);
	repair_alert(m->repair, a);
	output_take(&m->output, a);
}

static void
on_trace(void *ctx, struct record *r)
{
	struct monitor *m = ctx;

	trace_record(&m->trace, r);
}

static void
look_at_process(void *ctx, uint32_t pid)
{
	struct monitor *m = ctx;
	struct event_sink sink = { monitor_take, m };

	if (m->processes.row != NULL && m->processes.row->ops->look != NULL)
		remote_look(&m->remote, pid, &sink);
}

static void
remember(void *ctx, struct view rule_id, const uint8_t key[16],
	 uint64_t last_seen_ns)
{
	struct monitor *m = ctx;

	pipeline_remember(m->pipeline, rule_id, key, last_seen_ns);
}

int
monitor_remember_terms(struct monitor *m)
{
	return state_each_term(m->state, remember, m);
}

static int
open_file(void *ctx, const struct event *e)
{
	struct monitor *m = ctx;

	return remote_open_file(&m->remote, e);
}

static int
open_unit(void *ctx, const struct event *e, struct view folder,
	  struct view name)
{
	struct monitor *m = ctx;

	return remote_open_unit(&m->remote, e, folder, name);
}

static int
open_pipeline(struct monitor *m, uint64_t learn_until_ns)
{
	struct pipeline_config config = {
		.host = &m->host,
		.procs.grace_ns = m->config.process_grace_ns,
		.limits.max_bytes = (uint64_t)m->config.max_file_bytes,
		.learn_until_ns = learn_until_ns,
		/* With the boot's own number these make an event's id, and of
		 * ids an alert's: a restarted watcher must not use those of
		 * the one before. No host has an event each microsecond. */
		.first_seq = clock_boot_ns() / NS_PER_US,
		.alerts = { on_alert, m },
		.term = on_term,
		.loss = on_loss,
		.list = on_list,
		.trace = m->options->record != NULL ? on_trace : NULL,
		.look = look_at_process,
		.ctx = m,
		.reader = { remote_read_process, remote_read_creds,
			    &m->remote },
		.open_names = remote_open_names,
		.open_names_ctx = &m->remote,
	};
	struct opener opener = {
		.open = open_file,
		.unit = open_unit,
		.ctx = m,
	};

	m->pipeline = pipeline_new(&config);
	if (m->pipeline == NULL ||
	    pipeline_use_rules(m->pipeline, m->rules) != 0)
		return -1;
	pipeline_use_opener(m->pipeline, &opener);
	return monitor_remember_terms(m);
}

static int
open_repair(struct monitor *m)
{
	struct repair_config config = {
		.state = m->state,
		.folder = m->state_folder,
		.host = &m->host,
		.watchset = &m->watchset,
		.pipeline = m->pipeline,
		.notes = m->io->notes,
		.relist = relist_files,
		.ctx = m,
	};

	m->repair = repair_open(&config);
	return m->repair == NULL ? -1 : 0;
}

/* Other names of its files may be anywhere: they are told by their numbers. */
static void
spare_database(struct monitor *m)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	struct frame_spared *spared = &m->remote.spared;
	struct buf path = { 0 };
	struct stat st;

	static_assert(ARRAY_LEN(names) == ARRAY_LEN(spared->inodes), "");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		buf_clear(&path);
		buf_printf(&path, "%s/state.db%s%c", m->state_folder, names[i],
			   0);
		if (path.failed || stat(path.p, &st) != 0)
			continue;
		spared->device = st.st_dev;
		spared->inodes[i] = st.st_ino;
	}
	buf_free(&path);
}

static enum exit_code
open_state(struct monitor *m)
{
	const char *folder = m->state_folder;
	uint64_t learn_until_ns = 0, first_ns;

	m->state = state_open(folder, &m->io->err);
	if (m->state == NULL)
		return EXIT_STATE;
	m->output.state = m->state;
	spare_database(m);
	/* A scan asks for it, too. */
	first_ns = state_first_start(m->state, clock_wall_ns());
	if (m->config.learning_period_ns > 0)
		learn_until_ns = first_ns + m->config.learning_period_ns;
	if (m->options->record != NULL &&
	    trace_open(&m->trace, m->options->record, m->state, learn_until_ns,
		       &m->io->err) != 0)
		return EXIT_IO;
	if (open_pipeline(m, learn_until_ns) != 0 || open_repair(m) != 0) {
		err_add(&m->io->err, (struct place){ .file = folder },
			"the state cannot be read: %s",
			state_problem(m->state));
		return EXIT_STATE;
	}
	/* A new output begins with the alerts that come from now on. */
	for (size_t i = 0; i < m->config.outputs.n; i++)
		state_add_output(m->state, m->config.outputs.v[i].name);
	senders_poke(&m->senders);
	return alive_open(m);
}

/* ---- life ------------------------------------------------------------ */

static void
choose_format(struct monitor *m)
{
	int format = m->options->format;

	if (format == FORMAT_DEFAULT && m->config.format.n > 0)
		format = view_eq(m->config.format, VIEW("text"))
				 ? FORMAT_TEXT
				 : FORMAT_NDJSON;
	if (format == FORMAT_DEFAULT)
		format = m->io->terminal ? FORMAT_TEXT : FORMAT_NDJSON;
	m->output.text = format == FORMAT_TEXT;
	m->output.colour = m->io->color;
	output_open(&m->output, fileno(m->io->out));
}

/* What the command line says, else what the file does, else NULL. */
static const char *
options_or(const char *option, struct view configured)
{
	if (option != NULL)
		return option;
	return configured.n > 0 ? configured.p : NULL;
}

static int
budget_percent(struct monitor *m, unsigned *out)
{
	const char *word = m->options->budget;
	char *end;
	long percent;

	*out = (unsigned)m->config.budget;
	if (word == NULL)
		return 0;
	errno = 0;
	percent = strtol(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end != '\0' || errno != 0 ||
	    percent > 100)
		return err_add(&m->io->err, (struct place){ 0 },
			       "--budget wants a percentage from 0 (no limit) "
			       "to 100, not '%s'",
			       word);
	*out = (unsigned)percent;
	return 0;
}

/* Before anything is opened that two watchers could dispute. */
static enum exit_code
lock_state(struct monitor *m)
{
	m->state_lock =
		state_lock(m->state_folder, m->birth->keeper, &m->io->err);
	if (m->state_lock < 0)
		return EXIT_STATE;
	/* Before the sensors open: it is watched, too. */
	journal_make_folder(m->state_folder);
	return EXIT_NOTHING;
}

/* Not older than the last one, and on record from now on. */
static enum exit_code
own_configuration(struct monitor *m)
{
	enum exit_code code =
		config_check_newest(&m->config, m->state_folder, &m->io->err);
	bool dropped;

	if (code != EXIT_NOTHING)
		return code;
	if (config_record(&m->config, m->state_folder, &dropped, &m->io->err) !=
	    0)
		return EXIT_STATE;
	if (dropped)
		fprintf(m->io->notes,
			"tocsin: %s was signed before, and no signature is "
			"asked for now: no --config-key, no " CONFIG_KEY_NAME
			" beside it\n",
			m->config.origin.path.p);
	return EXIT_NOTHING;
}

/* The keeper, which writes them, has one file for all its engines. */
static void
open_figures(struct monitor *m)
{
	const char *path = options_or(m->options->metrics, m->config.metrics);

	if (path != NULL && remote_figures_to(&m->remote, path) != 0) {
		fprintf(m->io->notes,
			"tocsin: %s: the figures go to another file until "
			"tocsin is started anew\n",
			path);
		path = NULL;
	}
	m->metrics.path = path;
}

static enum exit_code
open_settings(struct monitor *m)
{
	struct err rules = { 0 };
	enum exit_code code;
	bool no_memory;
	int loaded;

	code = config_load(&m->config, m->options, &m->io->err);
	if (code != EXIT_NOTHING)
		return code;
	if (m->options->format >= FORMAT_HTML) {
		err_add(&m->io->err, (struct place){ 0 },
			"watch writes text or ndjson, not html");
		return EXIT_USAGE;
	}
	if (sensors_choose(&m->choice, m->options, &m->config, &m->io->err) !=
	    0)
		return EXIT_USAGE;
	choose_format(m);
	m->state_folder = config_state(&m->config, m->options);
	host_read(&m->host, &m->arena);
	m->host.own = &m->own;
	trust_read(&m->trust);
	/* The journal in it knows which signed rules were in force. */
	code = lock_state(m);
	if (code == EXIT_NOTHING)
		code = own_configuration(m);
	if (code == EXIT_NOTHING)
		code = keys_of_rules(&m->config, m->io, &m->rule_keys);
	if (code != EXIT_NOTHING)
		return code;
	loaded = monitor_load_rules(m, false, &rules);
	monitor_note_errors(m, &rules);
	no_memory = rules.no_memory;
	err_free(&rules);
	if (loaded != 0)
		return m->tampered ? EXIT_TAMPERED
		       : no_memory ? EXIT_IO
				   : EXIT_CONFIG;
	m->metrics.started_ns = clock_wall_ns();
	open_figures(m);
	if (budget_percent(m, &m->budget.percent) != 0)
		return EXIT_USAGE;
	if (set_env_names(m) != 0) {
		err_add(&m->io->err, (struct place){ 0 }, "%s",
			strerror(errno));
		return EXIT_IO;
	}
	return EXIT_NOTHING;
}

static enum exit_code
start_senders(struct monitor *m)
{
	if (senders_start(&m->senders, &m->config, m->state_folder, m->birth,
			  m->io->notes) == 0)
		return EXIT_NOTHING;
	err_add(&m->io->err, (struct place){ 0 },
		"the outputs cannot be started: %s", strerror(errno));
	return EXIT_IO;
}

static enum exit_code
open_all(struct monitor *m)
{
	enum exit_code code = open_settings(m);

	if (code == EXIT_NOTHING)
		code = start_senders(m);
	if (code == EXIT_NOTHING)
		code = open_sensors(m);
	m->opened_ns = clock_boot_ns();
	if (code == EXIT_NOTHING)
		code = open_state(m);
	return code;
}

enum exit_code
monitor_open(struct monitor *m, const struct engine_birth *birth,
	     const struct options *options, struct cmd_io *io)
{
	enum exit_code code;

	memset(m, 0, sizeof(*m));
	m->options = options;
	m->io = io;
	m->birth = birth;
	m->trace.fd = m->state_lock = m->metrics.statm = -1;
	hurry_always();
	if (remote_open(&m->remote, birth) != 0) {
		err_add(&io->err, (struct place){ 0 }, "out of memory");
		return EXIT_IO;
	}
	code = open_all(m);
	if (code != EXIT_NOTHING)
		return code;
	metrics_open(&m->metrics);
	return confine_engine(m, &io->err) == 0 ? EXIT_NOTHING : EXIT_IO;
}

void
monitor_close(struct monitor *m)
{
	if (m->processes.ops != NULL)
		m->processes.ops->close(m->processes.sensor);
	if (m->files.ops != NULL)
		m->files.ops->close(m->files.sensor);
	if (m->messages.ops != NULL)
		m->messages.ops->close(m->messages.sensor);
	alive_close(m);
	senders_stop(&m->senders);
	repair_close(m->repair);
	pipeline_free(m->pipeline);
	trace_close(&m->trace, m->end_ns);
	state_close(m->state);
	rules_free(m->rules);
	watchset_free(&m->watchset);
	hashes_free(&m->told);
	own_free(&m->own);
	free((void *)m->rule_keys.v);
	output_free(&m->output);
	config_free(&m->config);
	arena_free(&m->arena);
	free(m->env_names);
	metrics_free(&m->metrics);
	remote_close(&m->remote);
	if (m->state_lock >= 0)
		close(m->state_lock);
}
