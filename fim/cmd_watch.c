/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin watch: run the monitor in the foreground. */
#include "fim/monitor.h"

enum exit_code
cmd_watch(const struct options *options, struct cmd_io *io)
{
	struct monitor m;
	enum exit_code code = monitor_open(&m, options, io);

	if (code == EXIT_NOTHING)
		code = monitor_run(&m);
	monitor_close(&m);
	return code;
}
