/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Optimal string alignment distance (insert, delete, replace, swap), three
 * rows of the table at a time. */
#include "fim/nearest.h"

#define NAME_MAX_BYTES 64

static size_t
min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
edit_distance(struct view a, struct view b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *unused = before;

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = a.p[i - 1] == b.p[j - 1];

			now[j] = min2(last[j - 1] + !same,
				      min2(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1])
				now[j] = min2(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = unused;
	}
	return last[b.n];
}

void
nearest_start(struct nearest *near, struct view wanted)
{
	*near = (struct nearest){ .wanted = wanted };
	/* One slip in three letters is still a slip. */
	near->distance = wanted.n / 3 + 1;
}

void
nearest_try(struct nearest *near, const char *candidate)
{
	struct view name = view_of(candidate);
	size_t d;

	if (name.n > NAME_MAX_BYTES || near->wanted.n > NAME_MAX_BYTES)
		return;
	d = edit_distance(near->wanted, name);
	if (d < near->distance || (d == near->distance && near->best == NULL)) {
		near->distance = d;
		near->best = candidate;
	}
}
