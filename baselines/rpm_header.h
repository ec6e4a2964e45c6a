/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An rpm header as the database has it (rpm's docs/manual/format_header.md,
 * lib/header.c): two 32-bit numbers, count of entries and bytes of data; the
 * entries of tag, type, offset and count; the data. All big endian. Numbers of
 * tags and types are those of rpmtag.h.
 *
 * The bytes are borrowed and taken for hostile: every answer lies inside of
 * them, or there is none.
 */
#ifndef BASELINES_RPM_HEADER_H
#define BASELINES_RPM_HEADER_H

#include "scan/base.h"

enum rpm_tag {
	RPM_NAME = 1000,
	RPM_FILE_MODES = 1030,
	RPM_FILE_DIGESTS = 1035,
	RPM_FILE_LINKS = 1036,
	RPM_FILE_USERS = 1039,
	RPM_FILE_GROUPS = 1040,
	RPM_DIR_INDEXES = 1116,
	RPM_BASE_NAMES = 1117,
	RPM_DIR_NAMES = 1118,
	RPM_FILE_CAPS = 5010,
	RPM_DIGEST_ALGORITHM = 5011
};

/* Digests, by RFC 4880's numbers; without the tag it is MD5. */
enum rpm_digest { RPM_MD5 = 1, RPM_SHA256 = 8 };

struct rpm_header {
	struct view entries, data;
};

/* False if it is none. */
bool rpm_header_open(struct view blob, struct rpm_header *);
/* The value of that tag at that place, of numbers of 16 or 32 bits; false if
 * there is none. */
bool
rpm_number(const struct rpm_header *, enum rpm_tag, uint32_t at, uint32_t *out);
/* Strings one by one: *rest is filled by rpm_strings, which says how many there
 * should be (0 = none). */
uint32_t
rpm_strings(const struct rpm_header *, enum rpm_tag, struct view *rest);
bool rpm_next_string(struct view *rest, struct view *out);

#endif
