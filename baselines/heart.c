/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signs of life: writing them, and what the last ones were. */
#include "baselines/heart.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCHER VIEW("tocsin watch")

/* ---- who and where ---------------------------------------------------- */

static void
read_boot(char *out, size_t n)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	out[0] = '\0';
	if (fd < 0)
		return;
	got = read(fd, out, n < 9 ? n - 1 : 8);
	close(fd);
	out[got > 0 ? got : 0] = '\0';
	for (char *c = out; *c != '\0'; c++)
		if (strchr("0123456789abcdef", *c) == NULL)
			*c = '\0';
}

static int
make_run(char *out, size_t n)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -1;
	snprintf(out, n, "%016llx", (unsigned long long)number);
	return 0;
}

/* ---- reading ---------------------------------------------------------- */

static uint64_t
number_of(json_t *detail, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(detail, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void
text_of(json_t *detail, const char *key, char *out, size_t n)
{
	snprintf(out, n, "%s",
		 json_string_value(json_object_get(detail, key)) ?: "");
}

static uint64_t
time_of(json_t *json)
{
	uint64_t ns = 0;

	rfc3339_read(view_of(json_string_value(json_object_get(json, "time"))),
		     &ns);
	return ns;
}

static void
take_time(struct heart_last *last, json_t *json, json_t *detail)
{
	last->wall_ns = time_of(json);
	last->up_ns = number_of(detail, "up_ns");
}

static void
take_record(void *ctx, struct view line)
{
	struct heart_last *last = ctx;
	json_t *json = json_loadb(line.p, line.n, 0, NULL);
	json_t *detail = json_object_get(json, "detail");
	const char *action =
		json_string_value(json_object_get(json, "action")) ?: "";

	if (strcmp(action, "watch-start") == 0) {
		last->how = HEART_SILENT;
		last->interval_ns = number_of(detail, "interval_ns");
		text_of(detail, "run", last->run, sizeof(last->run));
		text_of(detail, "boot", last->boot, sizeof(last->boot));
		take_time(last, json, detail);
	} else if (strcmp(action, "watch-stop") == 0) {
		last->how = HEART_STOPPED;
		take_time(last, json, detail);
	} else if (strcmp(action, "watch-killed") == 0) {
		take_time(last, json, detail);
	}
	json_decref(json);
}

/* Of a run that was not stopped, the last sign of life counts. */
static void
take_beat(void *ctx, struct view line)
{
	struct heart_last *last = ctx;
	json_t *json = json_loadb(line.p, line.n, 0, NULL);
	json_t *detail = json_object_get(json, "detail");
	char run[sizeof(last->run)];

	text_of(detail, "run", run, sizeof(run));
	if (last->how == HEART_SILENT && strcmp(run, last->run) == 0 &&
	    time_of(json) > last->wall_ns)
		take_time(last, json, detail);
	json_decref(json);
}

int
heart_read_last(const char *state, struct heart_last *last, struct err *err)
{
	struct journal_state main = { 0 }, alive = { 0 };
	int rc, beats;

	*last = (struct heart_last){ .how = HEART_NEVER };
	rc = journal_read(state, VIEW_NONE, &main, take_record, last, err);
	beats = journal_read_from(state, JOURNAL_ALIVE, VIEW_NONE, &alive,
				  take_beat, last, err);
	journal_state_free(&main);
	journal_state_free(&alive);
	return rc != 0 ? rc : beats;
}

bool
heart_is_silent(const struct heart_last *last, uint64_t now_ns)
{
	return last->how == HEART_SILENT && last->interval_ns > 0 &&
	       now_ns > last->wall_ns + HEART_LATE * last->interval_ns;
}

/* ---- writing ---------------------------------------------------------- */

static int
record(struct heart *h, const char *file, const char *action,
       struct view reason, struct view more, struct err *err)
{
	struct journal_record r = {
		.action = action,
		.who = WATCHER,
		.reason = reason,
		.key = h->config.key,
	};
	struct buf detail = { 0 };
	int rc = -1;

	buf_printf(&detail, "{\"run\":\"%s\",\"boot\":\"%s\",\"up_ns\":%llu",
		   h->run, h->boot, (unsigned long long)clock_boot_ns());
	buf_put(&detail, more);
	buf_putc(&detail, '}');
	r.detail = buf_view(&detail);
	if (detail.failed)
		err_add(err, (struct place){ .file = h->config.state },
			"out of memory");
	else
		rc = journal_append_to(h->config.state, file, &r, err);
	buf_free(&detail);
	return rc;
}

struct silence {
	uint64_t from_ns, to_ns; /* wall */
	uint64_t ns;		 /* how long, by the better clock */
	const char *why;
};

static int
record_silence(struct heart *h, const struct silence *s, struct err *err)
{
	struct buf reason = { 0 }, more = { 0 };
	int rc;

	buf_printf(&reason, "no sign of life for %.1f s, from ",
		   (double)s->ns / 1e9);
	buf_rfc3339(&reason, s->from_ns);
	buf_puts(&reason, " to ");
	buf_rfc3339(&reason, s->to_ns);
	buf_printf(&reason, ": %s", s->why);
	buf_printf(
		&more,
		",\"from_ns\":%llu,\"to_ns\":%llu,\"ns\":%llu,\"why\":\"%s\"",
		(unsigned long long)s->from_ns, (unsigned long long)s->to_ns,
		(unsigned long long)s->ns, s->why);
	rc = record(h, JOURNAL_MAIN, "silence", buf_view(&reason),
		    buf_view(&more), err);
	buf_free(&reason);
	buf_free(&more);
	return rc;
}

/* The run before was not stopped. */
static int
record_death(struct heart *h, const struct heart_last *last, struct err *err)
{
	bool same_boot = strcmp(last->boot, h->boot) == 0;
	uint64_t now_ns = clock_wall_ns(), up_ns = clock_boot_ns();
	struct silence s = {
		.from_ns = last->wall_ns,
		.to_ns = now_ns,
		.ns = now_ns > last->wall_ns ? now_ns - last->wall_ns : 0,
		.why = same_boot ? "the watcher ended without being stopped"
				 : "the host was restarted, or stopped, "
				   "without stopping the watcher",
	};

	if (same_boot && up_ns > last->up_ns)
		s.ns = up_ns - last->up_ns;
	return record_silence(h, &s, err);
}

static void
beaten(struct heart *h)
{
	h->beat_up_ns = clock_boot_ns();
	h->beat_wall_ns = clock_wall_ns();
}

static int
path_of(struct buf *out, const char *state, const char *name)
{
	buf_printf(out, "%s/log%s%c", state, name, 0);
	return out->failed ? -1 : 0;
}

static int
record_start(struct heart *h, struct heart_last *last, struct err *err)
{
	struct buf more = { 0 };
	int rc;

	if (heart_read_last(h->config.state, last, err) != 0)
		return -1;
	if (last->how == HEART_SILENT && record_death(h, last, err) != 0)
		return -1;
	buf_puts(&more, ",\"version\":");
	buf_json_string(&more, view_of(h->config.version));
	buf_printf(&more, ",\"interval_ns\":%llu",
		   (unsigned long long)h->config.interval_ns);
	rc = record(h, JOURNAL_MAIN, "watch-start", VIEW_NONE, buf_view(&more),
		    err);
	buf_free(&more);
	return rc;
}

int
heart_start(struct heart *h, const struct heart_config *config,
	    struct heart_last *last, struct err *err)
{
	*h = (struct heart){ .config = *config };
	*last = (struct heart_last){ .how = HEART_NEVER };
	if (make_run(h->run, sizeof(h->run)) != 0)
		return err_add(err, (struct place){ .file = config->state },
			       "no random numbers: %s", strerror(errno));
	read_boot(h->boot, sizeof(h->boot));
	if (record_start(h, last, err) != 0)
		return -1;
	h->running = true;
	beaten(h);
	return 0;
}

int
heart_stop(struct heart *h, bool clean, const char *why, struct err *err)
{
	int rc;

	if (!h->running)
		return 0;
	rc = record(h, JOURNAL_MAIN, clean ? "watch-stop" : "watch-killed",
		    view_of(why), VIEW_NONE, err);
	h->running = false;
	return rc;
}

/* ---- beating ---------------------------------------------------------- */

static void
take_first(void *ctx, struct view line)
{
	uint64_t *from_ns = ctx;
	json_t *json;

	if (*from_ns != 0)
		return;
	json = json_loadb(line.p, line.n, 0, NULL);
	*from_ns = time_of(json);
	json_decref(json);
}

/* The journal first: what was renamed and is not there cannot be proved. */
static int
turn(struct heart *h, const char *from, const char *to, struct err *err)
{
	struct journal_state s = { 0 };
	struct buf more = { 0 };
	uint64_t from_ns = 0;
	int rc = journal_read_from(h->config.state, JOURNAL_ALIVE, VIEW_NONE,
				   &s, take_first, &from_ns, err);

	if (rc == 0) {
		buf_printf(&more,
			   ",\"records\":%llu,\"from_ns\":%llu,\"to_ns\":%llu,"
			   "\"head\":\"%.*s\"",
			   (unsigned long long)s.records,
			   (unsigned long long)from_ns,
			   (unsigned long long)h->beat_wall_ns, (int)s.head.n,
			   s.head.n > 0 ? s.head.p : "");
		rc = record(h, JOURNAL_MAIN, "alive", VIEW_NONE,
			    buf_view(&more), err);
	}
	if (rc == 0 && rename(from, to) != 0)
		rc = err_add(err, (struct place){ .file = from },
			     "cannot be renamed: %s", strerror(errno));
	journal_state_free(&s);
	buf_free(&more);
	return rc == 0 ? 0 : -1;
}

static int
turn_if_full(struct heart *h, struct err *err)
{
	struct buf from = { 0 }, to = { 0 };
	struct stat st;
	int rc = 0;

	if (path_of(&from, h->config.state, "/" JOURNAL_ALIVE) != 0 ||
	    path_of(&to, h->config.state, "/" JOURNAL_ALIVE_OLD) != 0)
		rc = err_add(err, (struct place){ 0 }, "out of memory");
	else if (stat(from.p, &st) == 0 && st.st_size >= HEART_FILE_BYTES)
		rc = turn(h, from.p, to.p, err);
	buf_free(&from);
	buf_free(&to);
	return rc;
}

int
heart_beat(struct heart *h, uint64_t *from_ns, struct err *err)
{
	uint64_t ns = clock_boot_ns() - h->beat_up_ns;
	uint64_t interval_ns = h->config.interval_ns;
	struct silence s = {
		.from_ns = h->beat_wall_ns,
		.ns = ns,
		.why = "the watcher was held up, or the host slept",
	};
	bool late = ns > HEART_LATE * interval_ns;
	int rc = 0;

	if (!h->running || interval_ns == 0 || ns < interval_ns)
		return 0;
	*from_ns = s.from_ns;
	s.to_ns = clock_wall_ns();
	if (late)
		rc = record_silence(h, &s, err);
	if (rc == 0)
		rc = turn_if_full(h, err);
	if (rc == 0)
		rc = record(h, JOURNAL_ALIVE, "alive", VIEW_NONE, VIEW_NONE,
			    err);
	beaten(h);
	return rc != 0 ? -1 : late ? 2 : 1;
}
