/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sd_notify(3). That a message could not be sent changes nothing for us: the
 * service manager will find out by itself. */
#include "fim/notify.h"

#include <systemd/sd-daemon.h>
#include <time.h>

void
notify_open(struct notify *n)
{
	uint64_t usec = 0;

	*n = (struct notify){ 0 };
	if (sd_watchdog_enabled(0, &usec) > 0)
		n->every_ns = usec * NS_PER_US / 2;
}

void
notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_alive(struct notify *n, uint64_t now_ns)
{
	if (n->every_ns == 0 || now_ns < n->next_ns)
		return;
	n->next_ns = now_ns + n->every_ns;
	sd_notify(0, "WATCHDOG=1");
}

void
notify_status(const char *status)
{
	sd_notifyf(0, "STATUS=%s", status);
}

/* Type=notify-reload wants to know when, on CLOCK_MONOTONIC. */
void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)now.tv_sec * 1000000 +
			   (unsigned long long)now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
