/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tocsin baseline diff, restore. */
#include "fim/baseline.h"

enum exit_code
baseline_diff(struct baseline_run *r)
{
	return baseline_usage(r, "diff is not in this version");
}

enum exit_code
baseline_restore(struct baseline_run *r)
{
	return baseline_usage(r, "restore is not in this version");
}
