/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fanotify(7): an event is a metadata header followed by information records,
 * each with a header of its own. */
#include "fim/fan.h"

#include <linux/fanotify.h>

/* fsid and handle, then perhaps a name that ends with NUL. The views point
 * into the event. */
static bool
read_fid(const char *p, size_t n, struct view *id, struct view *name)
{
	uint32_t handle_bytes;
	size_t id_n;

	if (n < 16)
		return false;
	memcpy(&handle_bytes, p + 8, sizeof(handle_bytes));
	if (handle_bytes > n - 16)
		return false;
	id_n = 16 + handle_bytes;
	*id = (struct view){ p, id_n };
	if (name)
		*name = (struct view){ p + id_n, strnlen(p + id_n, n - id_n) };
	return true;
}

static void
read_info(struct fan_taken *e, const char *p, size_t n, uint8_t type)
{
	switch (type) {
	case FAN_EVENT_INFO_TYPE_FID:
		read_fid(p, n, &e->target, NULL);
		break;
	case FAN_EVENT_INFO_TYPE_DFID:
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		e->has_dir = read_fid(p, n, &e->dir, &e->name);
		break;
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		e->has_old = read_fid(p, n, &e->old_dir, &e->old_name);
		break;
	case FAN_EVENT_INFO_TYPE_PIDFD:
		if (n >= sizeof(e->pidfd))
			memcpy(&e->pidfd, p, sizeof(e->pidfd));
		break;
	}
}

void
fan_parse(struct fan_taken *e, const struct fanotify_event_metadata *meta,
	  const char *event)
{
	const char *p = event + meta->metadata_len;
	size_t left = meta->event_len - meta->metadata_len;
	struct fanotify_event_info_header h;

	while (left >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		if (h.len < sizeof(h) || h.len > left)
			return;
		read_info(e, p + sizeof(h), h.len - sizeof(h), h.info_type);
		p += h.len;
		left -= h.len;
	}
}
