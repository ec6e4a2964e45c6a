/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fan_sensor [acts|places|links|load|cost]: inside the small host, as root.
 * Without an argument all tests; cost is a measurement. */
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
		      { "load", test_load },
		      { "cost", measure_cost } };
	bool all = argc < 2;

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		if (all ? tests[i].test != measure_cost
			: strcmp(argv[1], tests[i].name) == 0)
			tests[i].test();
	}
	return harness_failed != 0;
}
