/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between regex.c, which compiles regular expressions, and regex_match.c, which
 * runs them; for their tests, too. */
#ifndef RULES_REGEX_H
#define RULES_REGEX_H

#include "rules/engine.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct regex {
	pcre2_code *code;
};

/* The forward search alone, of a valid value: what PCRE2 says. */
int regex_forward(const struct regex *, struct regex_room *, struct view);

#endif
