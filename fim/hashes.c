/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open addressing, at most half full. */
#include "fim/hashes.h"

#include <stdlib.h>

static size_t
hashes_place(const struct hashes *h, uint64_t hash)
{
	size_t at = hash & (h->cap - 1);

	while (h->v[at] != 0 && h->v[at] != hash)
		at = (at + 1) & (h->cap - 1);
	return at;
}

static int
hashes_grow(struct hashes *h)
{
	struct hashes to = { .cap = h->cap ? 2 * h->cap : 1024 };

	to.v = calloc(to.cap, sizeof(*to.v));
	if (to.v == NULL)
		return -1;
	for (size_t i = 0; i < h->cap; i++)
		if (h->v[i] != 0)
			to.v[hashes_place(&to, h->v[i])] = h->v[i];
	to.n = h->n;
	free(h->v);
	*h = to;
	return 0;
}

int
hashes_add(struct hashes *h, uint64_t hash)
{
	size_t at;

	if (2 * (h->n + 1) > h->cap && hashes_grow(h) != 0)
		return -1;
	at = hashes_place(h, hash);
	h->n += h->v[at] == 0;
	h->v[at] = hash;
	return 0;
}

bool
hashes_have(const struct hashes *h, uint64_t hash)
{
	return h->cap > 0 && h->v[hashes_place(h, hash)] != 0;
}

void
hashes_free(struct hashes *h)
{
	free(h->v);
	*h = (struct hashes){ 0 };
}
