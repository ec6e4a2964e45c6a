/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of scan/base.h share. */
#ifndef TESTS_SCAN_HELP_H
#define TESTS_SCAN_HELP_H

#include "scan/base.h"

#include <setjmp.h>

#include <cmocka.h>

#define assert_view(v, literal)                                            \
	do {                                                               \
		struct view got_ = (v);                                    \
		if (!view_eq(got_, VIEW(literal)))                         \
			fail_msg("got \"%.*s\", want \"%s\"", (int)got_.n, \
				 got_.p ? got_.p : "", literal);           \
	} while (0)

#endif
