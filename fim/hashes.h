/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of hashes, of paths for one (view_hash); 0 is none. */
#ifndef FIM_HASHES_H
#define FIM_HASHES_H

#include "scan/base.h"

struct hashes {	     /* zero-initialise; hashes_free */
	uint64_t *v; /* owned */
	size_t n, cap;
};

/* -1: no memory. */
int hashes_add(struct hashes *, uint64_t hash);
bool hashes_have(const struct hashes *, uint64_t hash);
void hashes_free(struct hashes *);

#endif
