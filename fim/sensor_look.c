/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file sensor for hosts that tell nothing: watched directories are listed
 * from time to time, and what differs is told. Nobody is named, and what was
 * made and removed in between is not seen.
 */
#include "fim/fan.h"

#include <errno.h>
#include <string.h>

static int
source_open(struct sensor *s)
{
	s->anonymous = true;
	s->light_mask = s->full_mask = FAN_CREATE;
	return 0;
}

static int
source_mark(void *sensor, struct fan_dir *d, int fd, uint64_t mask)
{
	(void)mask;
	return fan_poll_begin(sensor, d, fd) < 0 ? -1 : 1;
}

static void
source_unmark(void *sensor, struct fan_dir *d, int at)
{
	(void)at;
	fan_poll_end(sensor, d);
}

static int
source_read(struct sensor *s, size_t *bytes)
{
	s->now_ns = s->end_ns = clock_boot_ns();
	(void)bytes;
	return 1;
}

static int
explain(struct err *err, int error)
{
	return err_add(err, (struct place){ 0 },
		       "watched directories cannot be listed: %s",
		       strerror(error));
}

static void
source_describe(const struct sensor *s, struct buf *out)
{
	buf_printf(out,
		   "listed every %llu ms at best, in %.1f ms the last time",
		   (unsigned long long)(s->poll_ns / NS_PER_MS),
		   (double)s->took_ns / (double)NS_PER_MS);
}

static const struct fan_source source = {
	.open = source_open,
	.mark = source_mark,
	.unmark = source_unmark,
	.read = source_read,
	.explain = explain,
	.describe = source_describe,
};

static struct sensor *
look_open(const struct sensor_config *config, struct err *err)
{
	static const struct fan_options none;

	return fan_open_source(&source, config, &none, err);
}

const struct sensor_ops sensor_look = {
	.name = "poll",
	.open = look_open,
	FAN_SENSOR,
};

void
sensor_look_probe(struct probe *p)
{
	p->works = true;
	snprintf(p->why, sizeof(p->why),
		 "lists watched directories again and again");
}
