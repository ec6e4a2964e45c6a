/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the service manager is told, sd_notify(3): that the monitor is ready,
 * what it does (one line of `systemctl status`), that it is still alive, that
 * it reloads or stops. Nothing at all where NOTIFY_SOCKET is not set.
 */
#ifndef FIM_NOTIFY_H
#define FIM_NOTIFY_H

#include "scan/base.h"

struct notify {
	/* Boot time. The watchdog (WATCHDOG_USEC) is told twice in its time;
	 * 0 = there is none. */
	uint64_t every_ns, next_ns;
};

void notify_open(struct notify *);
/* Ready, at the start or after a reload; from now on the watchdog waits. */
void notify_ready(const char *status);
/* To be called by what must not stand still; tells when it is time to. */
void notify_alive(struct notify *, uint64_t now_ns);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#endif
