/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/engine.h"
int
parse_kql(struct parse *p, struct query *q)
{
	(void)q;
	return parse_error(p, 0, "KQL is not read yet");
}
