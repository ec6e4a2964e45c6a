/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin watch: run the monitor in the foreground, as two processes. */
#include "fim/keeper.h"
#include "fim/monitor.h"

static enum exit_code
engine(const struct engine_birth *birth, const struct options *options,
       struct cmd_io *io)
{
	struct monitor m;
	enum exit_code code = monitor_open(&m, birth, options, io);

	if (code == EXIT_NOTHING)
		code = monitor_run(&m);
	monitor_close(&m);
	return code;
}

enum exit_code
cmd_watch(const struct options *options, struct cmd_io *io)
{
	return keeper_watch(options, io, engine);
}
