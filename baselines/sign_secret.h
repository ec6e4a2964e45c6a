/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of sign*.c: what a secret key is. */
#ifndef BASELINES_SIGN_SECRET_H
#define BASELINES_SIGN_SECRET_H

#include "baselines/sign_format.h"

struct sign_secret {
	struct sign_public public;
	uint8_t key[SECRET_BYTES];
};

#endif
