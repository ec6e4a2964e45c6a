/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages from systemd's journal: logins, accounts, the kernel's own. Reading
 * begins with what is written from now on. journald tells its readers at most
 * four times a second that there is something new (journald-file.c,
 * POST_CHANGE_TIMER_INTERVAL_USEC), so messages are that late.
 */
#include "fim/sensor.h"

#include "fim/journal_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* Entries handed on in one go. */
#define BATCH 256

struct sensor {
	sd_journal *journal;
	bool unread; /* there may be entries behind the present one */
	bool held;   /* stands on one that was not delivered */
	bool foreign_boot;
	sd_id128_t boot;
	struct arena arena;  /* of one entry */
	uint64_t fetched_ns; /* what is younger waits for the next round */
	uint64_t events, lost;
};

/* ---- opening --------------------------------------------------------- */

static int
open_at(sd_journal **journal, const char *folder)
{
	if (folder != NULL)
		return sd_journal_open_directory(journal, folder, 0);
	return sd_journal_open(journal,
			       SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
}

/* Opening succeeds where there is nothing. */
static bool
has_files(sd_journal *journal, const char *folder)
{
	return folder != NULL || sd_journal_has_runtime_files(journal) > 0 ||
	       sd_journal_has_persistent_files(journal) > 0;
}

/* 0, or -1 and a sentence. */
static int
open_journal(sd_journal **journal, const char *folder, char *why, size_t n)
{
	int code = open_at(journal, folder);

	if (code < 0) {
		snprintf(why, n, "the journal cannot be opened: %s",
			 strerror(-code));
		return -1;
	}
	if (has_files(*journal, folder))
		return 0;
	snprintf(why, n,
		 "there is no journal of systemd here (no files in "
		 "/run/log/journal or /var/log/journal that may be "
		 "read): logins and messages are not seen");
	sd_journal_close(*journal);
	*journal = NULL;
	return -1;
}

/* From the end on. Before the first entry there is nothing to stand on. */
static int
seek_end(sd_journal *journal)
{
	int code = sd_journal_seek_tail(journal);

	if (code >= 0)
		code = sd_journal_previous(journal);
	if (code == 0)
		code = sd_journal_seek_head(journal);
	return code;
}

static void
journal_close(struct sensor *s)
{
	if (s == NULL)
		return;
	sd_journal_close(s->journal);
	arena_free(&s->arena);
	free(s);
}

static struct sensor *
journal_open(const struct sensor_config *config, struct err *err)
{
	struct sensor *s = calloc(1, sizeof(*s));
	char why[200] = "out of memory";
	int code;

	if (s == NULL ||
	    open_journal(&s->journal, config->journal, why, sizeof(why)) != 0) {
		err_add(err, (struct place){ 0 }, "%s", why);
		journal_close(s);
		return NULL;
	}
	sd_journal_set_data_threshold(s->journal, JOURNAL_FIELD_BYTES_MAX);
	code = sd_journal_get_fd(s->journal); /* begins to watch */
	if (code >= 0)
		code = sd_id128_get_boot(&s->boot);
	if (code >= 0)
		code = seek_end(s->journal);
	if (code < 0) {
		err_add(err, (struct place){ 0 },
			"the journal cannot be followed: %s", strerror(-code));
		journal_close(s);
		return NULL;
	}
	s->unread = true;
	return s;
}

static int
journal_fd(const struct sensor *s)
{
	return sd_journal_get_fd(s->journal);
}

/* ---- one entry ------------------------------------------------------- */

static uint64_t
monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* journald writes CLOCK_MONOTONIC, which stands still in suspend. */
static uint64_t
entry_time(struct sensor *s)
{
	uint64_t usec, now_ns = clock_boot_ns(), asleep_ns;
	sd_id128_t boot;

	s->foreign_boot = true;
	if (sd_journal_get_monotonic_usec(s->journal, &usec, &boot) < 0 ||
	    !sd_id128_equal(boot, s->boot))
		return now_ns;
	if (usec > now_ns / NS_PER_US)
		return now_ns;
	s->foreign_boot = false;
	asleep_ns = now_ns - monotonic_ns();
	return usec * NS_PER_US + asleep_ns;
}

static void
deliver_entry(struct sensor *s, const struct event_sink *sink)
{
	struct journal_entry entry;
	struct event_log log;
	struct event e;

	arena_reset(&s->arena);
	journal_read_entry(s->journal, &s->arena, &entry);
	entry.time_ns = entry_time(s);
	/* A pid of another boot is somebody else's now. */
	if (s->foreign_boot)
		entry.v[JOURNAL_PID] = VIEW_NONE;
	journal_event(&entry, &e, &log);
	if (e.kind == EVENT_LOSS)
		s->lost += e.lost;
	else
		s->events++;
	sink->take(sink->ctx, &e);
}

/* ---- the loop's calls ------------------------------------------------ */

/* 1 on an entry, 0 at the end, -1 and errno. */
static int
step(struct sensor *s)
{
	int code = sd_journal_next(s->journal);

	if (code < 0) {
		errno = -code;
		return -1;
	}
	s->unread = s->held = code > 0;
	return code > 0;
}

static int
journal_fetch(struct sensor *s)
{
	int code;

	s->fetched_ns = clock_boot_ns();
	if (s->held)
		return 1;
	code = sd_journal_process(s->journal);
	if (code < 0) {
		errno = -code;
		return -1;
	}
	if (code != SD_JOURNAL_NOP)
		s->unread = true;
	return s->unread ? step(s) : 0;
}

/* Written after the last fetch: processes have not been read so far. */
static bool
is_too_new(struct sensor *s)
{
	return entry_time(s) > s->fetched_ns && !s->foreign_boot;
}

static void
journal_deliver(struct sensor *s, const struct event_sink *sink)
{
	for (int i = 0; i < BATCH && s->held && !is_too_new(s); i++) {
		deliver_entry(s, sink);
		s->held = false;
		/* What is wrong with it, fetch will say. */
		if (step(s) < 0)
			s->unread = true;
	}
}

static void
journal_status(const struct sensor *s, struct sensor_status *status)
{
	*status =
		(struct sensor_status){ .events = s->events, .lost = s->lost };
	snprintf(status->detail, sizeof(status->detail),
		 "%" PRIu64 " messages read", s->events);
}

const struct sensor_ops sensor_journal = {
	.name = "journal",
	.open = journal_open,
	.close = journal_close,
	.fd = journal_fd,
	.fetch = journal_fetch,
	.deliver = journal_deliver,
	.status = journal_status,
};

void
sensor_journal_probe(struct probe *p)
{
	sd_journal *journal = NULL;

	p->works = open_journal(&journal, NULL, p->why, sizeof(p->why)) == 0;
	if (p->works)
		snprintf(p->why, sizeof(p->why),
			 "logins, accounts and messages from %s",
			 sd_journal_has_persistent_files(journal) > 0
				 ? "/var/log/journal"
				 : "/run/log/journal");
	sd_journal_close(journal);
}
