/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries and their values, within bounds. */
#include "baselines/rpm_header.h"

#define ENTRY_BYTES 16u
/* rpm's own limits (lib/header.c). */
#define ENTRIES_MAX 0xffffu
#define DATA_MAX 0x0fffffffu

enum rpm_type {
	RPM_INT16 = 3,
	RPM_INT32 = 4,
	RPM_STRING = 6,
	RPM_STRING_ARRAY = 8
};

struct entry {
	uint32_t tag, type, offset, count;
};

static uint32_t
u32_at(struct view v, size_t at)
{
	const uint8_t *p = (const uint8_t *)v.p + at;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

bool
rpm_header_open(struct view blob, struct rpm_header *h)
{
	uint32_t n, bytes;

	if (blob.n < 8)
		return false;
	n = u32_at(blob, 0);
	bytes = u32_at(blob, 4);
	if (n > ENTRIES_MAX || bytes > DATA_MAX ||
	    blob.n - 8 < (size_t)n * ENTRY_BYTES + bytes)
		return false;
	h->entries = view_sub(blob, 8, (size_t)n * ENTRY_BYTES);
	h->data = view_sub(blob, 8 + h->entries.n, bytes);
	return true;
}

static bool
find(const struct rpm_header *h, enum rpm_tag tag, struct entry *out)
{
	for (size_t at = 0; at < h->entries.n; at += ENTRY_BYTES) {
		if (u32_at(h->entries, at) != (uint32_t)tag)
			continue;
		*out = (struct entry){ .tag = tag,
				       .type = u32_at(h->entries, at + 4),
				       .offset = u32_at(h->entries, at + 8),
				       .count = u32_at(h->entries, at + 12) };
		return out->offset < h->data.n;
	}
	return false;
}

bool
rpm_number(const struct rpm_header *h, enum rpm_tag tag, uint32_t at,
	   uint32_t *out)
{
	struct entry e;
	size_t width, place;

	if (!find(h, tag, &e) || at >= e.count ||
	    (e.type != RPM_INT16 && e.type != RPM_INT32))
		return false;
	width = e.type == RPM_INT16 ? 2 : 4;
	place = e.offset + (size_t)at * width;
	if (h->data.n < width || place > h->data.n - width)
		return false;
	if (width == 4)
		*out = u32_at(h->data, place);
	else
		*out = (uint32_t)(uint8_t)h->data.p[place] << 8 |
		       (uint8_t)h->data.p[place + 1];
	return true;
}

uint32_t
rpm_strings(const struct rpm_header *h, enum rpm_tag tag, struct view *rest)
{
	struct entry e;

	*rest = VIEW_NONE;
	if (!find(h, tag, &e) ||
	    (e.type != RPM_STRING && e.type != RPM_STRING_ARRAY))
		return 0;
	*rest = view_sub(h->data, e.offset, SIZE_MAX);
	return e.count;
}

bool
rpm_next_string(struct view *rest, struct view *out)
{
	ssize_t end = view_find(*rest, '\0');

	if (end < 0)
		return false;
	*out = view_sub(*rest, 0, (size_t)end);
	*rest = view_sub(*rest, (size_t)end + 1, SIZE_MAX);
	return true;
}
