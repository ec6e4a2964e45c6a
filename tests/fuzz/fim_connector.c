/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a socket of the process connector may give. */
#include <stdlib.h>

#include "fim/connector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = { (const char *)data, size };
	struct connector_event e;
	size_t left = size;

	while (connector_next(&rest, &e)) {
		/* It always goes on, and no pid is negative. */
		if (rest.n >= left || e.pid > INT32_MAX || e.tid > INT32_MAX ||
		    e.parent > INT32_MAX)
			abort();
		left = rest.n;
	}
	return rest.n != 0;
}
