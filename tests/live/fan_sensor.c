/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fan_sensor [acts|places|links|load]: inside the small host, as root. */
#include "tests/live/fan_harness.h"

int
main(int argc, char **argv)
{
	struct {
		const char *name;
		void (*test)(void);
	} tests[] = { { "acts", test_acts },
		      { "places", test_places },
		      { "links", test_links },
		      { "load", test_load } };

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		if (argc < 2 || strcmp(argv[1], tests[i].name) == 0)
			tests[i].test();
	}
	return harness_failed != 0;
}
