/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rpm headers of anybody's making: every answer lies inside of the bytes. */
#include "baselines/rpm_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_inside(struct view outer, struct view v)
{
	if (v.n == 0)
		return;
	if (v.n > outer.n || v.p < outer.p || v.p + v.n > outer.p + outer.n)
		abort();
}

static void
read_strings(const struct rpm_header *h, enum rpm_tag tag)
{
	struct view rest, one;
	uint32_t n = rpm_strings(h, tag, &rest);

	for (uint32_t i = 0; i < n && rpm_next_string(&rest, &one); i++) {
		check_inside(h->data, one);
		/* The NUL, too, is theirs. */
		check_inside(h->data, (struct view){ one.p, one.n + 1 });
		if (one.p[one.n] != '\0')
			abort();
	}
}

static void
read_numbers(const struct rpm_header *h, enum rpm_tag tag)
{
	uint32_t out, at = 0;

	while (at < 100 && rpm_number(h, tag, at, &out))
		at++;
	rpm_number(h, tag, UINT32_MAX, &out);
	rpm_number(h, tag, UINT32_MAX / 2 + 1, &out);
	rpm_number(h, tag, UINT32_MAX / 4 + 1, &out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum rpm_tag tags[] = {
		RPM_NAME,	 RPM_FILE_MODES,       RPM_FILE_DIGESTS,
		RPM_FILE_LINKS,	 RPM_FILE_USERS,       RPM_FILE_GROUPS,
		RPM_DIR_INDEXES, RPM_BASE_NAMES,       RPM_DIR_NAMES,
		RPM_FILE_CAPS,	 RPM_DIGEST_ALGORITHM,
	};
	struct view blob = { (const char *)data, n };
	struct rpm_header h;

	if (!rpm_header_open(blob, &h))
		return 0;
	check_inside(blob, h.entries);
	check_inside(blob, h.data);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		read_strings(&h, tags[i]);
		read_numbers(&h, tags[i]);
	}
	return 0;
}
