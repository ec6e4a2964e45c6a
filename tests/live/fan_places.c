/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/live/fan_harness.h"
void
test_places(void)
{
}
void
test_links(void)
{
}
void
test_load(void)
{
}
