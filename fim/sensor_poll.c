/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process sensor for hosts that tell nothing: /proc is listed from time to
 * time, and what differs from the time before becomes events. What came and
 * went in between is not seen, nor in which order things happened, nor with
 * which code a process ended.
 */
#include "fim/known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sensor {
	uint64_t listed_ns;
	uint64_t slowest_ns; /* a listing took so long */
	struct knowns known;
};

static int
try_listing(void)
{
	size_t n;
	uint32_t *pids = procfs_pids(&n);

	free(pids);
	return pids != NULL ? 0 : -1;
}

static struct sensor *
poll_open(const struct sensor_config *config, struct err *err)
{
	struct sensor *s = calloc(1, sizeof(*s));

	if (s == NULL || try_listing() != 0) {
		err_add(err, (struct place){ 0 }, "/proc cannot be listed: %s",
			strerror(errno));
		free(s);
		return NULL;
	}
	s->known.config = config;
	return s;
}

static void
poll_close(struct sensor *s)
{
	if (s == NULL)
		return;
	known_free(&s->known);
	free(s);
}

static int
poll_fd(const struct sensor *s)
{
	(void)s;
	return -1;
}

static int
poll_fetch(struct sensor *s)
{
	uint64_t now_ns = clock_boot_ns(), took_ns;

	if (now_ns - s->listed_ns < s->known.config->poll_ns)
		return s->known.n_events > 0;
	s->listed_ns = now_ns;
	if (known_list(&s->known, false, ATTRIBUTION_POLLED, now_ns) != 0)
		return -1;
	known_sockets(&s->known, now_ns);
	took_ns = clock_boot_ns() - now_ns;
	if (took_ns > s->slowest_ns)
		s->slowest_ns = took_ns;
	return s->known.n_events > 0;
}

/* Who began since the last look is still told. */
static void
poll_settle(struct sensor *s)
{
	s->listed_ns = 0;
}

static void
poll_deliver(struct sensor *s, const struct event_sink *sink)
{
	known_deliver(&s->known, sink);
}

static int
poll_seed(struct sensor *s, const struct event_sink *sink)
{
	int r;

	known_forget(&s->known);
	r = known_list(&s->known, true, ATTRIBUTION_POLLED, clock_boot_ns());

	known_deliver(&s->known, sink);
	return r;
}

/* What is in the batch comes first: it is older. */
static void
poll_look(struct sensor *s, uint32_t pid, const struct event_sink *sink)
{
	known_look(&s->known, pid, clock_boot_ns());
	known_deliver(&s->known, sink);
}

static void
poll_status(const struct sensor *s, struct sensor_status *out)
{
	*out = (struct sensor_status){
		.events = s->known.told,
		.lost = s->known.lost,
	};
	snprintf(out->detail, sizeof(out->detail),
		 "/proc is listed every %llu ms, in %.1f ms at most",
		 s->known.config->poll_ns / NS_PER_MS,
		 (double)s->slowest_ns / (double)NS_PER_MS);
}

const struct sensor_ops sensor_poll = {
	.name = "poll",
	.open = poll_open,
	.close = poll_close,
	.fd = poll_fd,
	.fetch = poll_fetch,
	.deliver = poll_deliver,
	.seed = poll_seed,
	.look = poll_look,
	.settle = poll_settle,
	.status = poll_status,
};

void
sensor_poll_probe(struct probe *p)
{
	p->works = try_listing() == 0;
	snprintf(p->why, sizeof(p->why), "%s",
		 p->works ? "looks through /proc again and again"
			  : "/proc cannot be listed");
}
