/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signs of life of the running monitor. */
#include "fim/alive.h"

#include "fim/keys.h"
#include "fim/version.h"

static enum exit_code
read_key(struct monitor *m)
{
	struct view path = m->config.heartbeat_key;

	if (path.n == 0)
		return EXIT_NOTHING;
	keys_shield();
	m->heart_key = sign_secret_read(path.p, NULL, &m->io->err);
	if (m->heart_key != NULL)
		return EXIT_NOTHING;
	return keys_exit_code();
}

static void
say(struct monitor *m, struct err *err)
{
	if (err->n > 0) {
		monitor_note_errors(m, err);
		fprintf(m->io->notes,
			"tocsin: no sign of life could be recorded\n");
	}
	err_free(err);
}

enum exit_code
alive_open(struct monitor *m)
{
	struct heart_config config = {
		.state = m->state_folder,
		.version = TOCSIN_VERSION,
		.interval_ns = m->config.heartbeat_ns,
	};
	enum exit_code code = read_key(m);
	struct err err = { 0 };

	if (code != EXIT_NOTHING)
		return code;
	config.key = m->heart_key;
	heart_start(&m->heart, &config, &m->heart_last, &err);
	say(m, &err);
	return EXIT_NOTHING;
}

void
alive_tend(struct monitor *m)
{
	struct err err = { 0 };
	uint64_t from_ns = 0;
	int beat = heart_beat(&m->heart, &from_ns, &err);

	/* Once, until it is better. */
	if (beat < 0 && !m->heart_failed)
		say(m, &err);
	if (beat != 0)
		m->heart_failed = beat < 0;
	err_free(&err);
}

void
alive_stop(struct monitor *m)
{
	struct buf why = { 0 };
	struct err err = { 0 };

	bool killed = m->remote.gone && !m->remote.stop;

	buf_puts(&why,
		 killed ? "the keeper was killed" : "asked to by a signal");
	if (!killed && m->remote.stopped_by > 0) {
		buf_puts(&why, " of ");
		pipeline_put_who(m->pipeline, m->remote.stopped_by, &why);
	}
	buf_putc(&why, '\0');
	heart_stop(&m->heart, !killed,
		   why.failed ? "asked to by a signal" : why.p, &err);
	buf_free(&why);
	say(m, &err);
}

void
alive_close(struct monitor *m)
{
	sign_secret_free(m->heart_key);
	m->heart_key = NULL;
}
