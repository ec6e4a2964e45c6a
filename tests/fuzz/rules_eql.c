/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EQL: parsed, compiled, verified and run. */
#include "tests/fuzz/rules_help.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	return fuzz_query(data, n, false);
}
