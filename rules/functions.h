/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic, shared by the operators, the functions and constant folding. */
#ifndef RULES_FUNCTIONS_H
#define RULES_FUNCTIONS_H

#include "rules/engine.h"

/* Null in, null out; so does a division by zero or an overflow. */
void function_arith(enum arith_op, const struct item *a, const struct item *b,
		    struct item *out);

#endif
