/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica
 * 1 (1986): the greedy form, with what each round reached kept for the way
 * back. Common beginning and end are cut off first; beyond EDITS_MAX edits the
 * rest is shown as replaced, which is what it is by then.
 */
#include "baselines/textdiff.h"

#include <errno.h>
#include <stdlib.h>

#define EDITS_MAX 1500
#define CONTEXT 3u

struct lines {
	struct view *v;
	size_t n;
};

struct diff {
	struct lines a, b;
	size_t head;	       /* equal lines at the beginning */
	size_t tail;	       /* and at the end */
	bool *removed, *added; /* by line */
	struct buf hunk;       /* without its first line, which counts it */
	struct buf *out;
};

bool
textdiff_is_text(struct view v)
{
	return view_find(v, '\0') < 0 && utf8_valid(v);
}

/* Each with its newline, which the last may lack. */
static int
split(struct view text, struct lines *out)
{
	size_t cap = 0;

	while (text.n > 0) {
		ssize_t at = view_find(text, '\n');
		struct view line =
			view_sub(text, 0, at < 0 ? text.n : (size_t)at + 1);

		if (out->n == cap) {
			struct view *v;

			cap = cap > 0 ? 2 * cap : 256;
			v = reallocarray(out->v, cap, sizeof(*v));
			if (v == NULL)
				return -1;
			out->v = v;
		}
		if (out->n == TEXTDIFF_LINES_MAX - 1)
			line = text;
		out->v[out->n++] = line;
		text = view_sub(text, line.n, SIZE_MAX);
	}
	return 0;
}

static void
cut_ends(struct diff *d)
{
	size_t most = d->a.n < d->b.n ? d->a.n : d->b.n;

	while (d->head < most && view_eq(d->a.v[d->head], d->b.v[d->head]))
		d->head++;
	while (d->tail < most - d->head &&
	       view_eq(d->a.v[d->a.n - d->tail - 1],
		       d->b.v[d->b.n - d->tail - 1]))
		d->tail++;
}

/* ---- the edit graph -------------------------------------------------- */

/* Lines between the common ends. */
static long
middle_a(const struct diff *d)
{
	return (long)(d->a.n - d->head - d->tail);
}

static long
middle_b(const struct diff *d)
{
	return (long)(d->b.n - d->head - d->tail);
}

/* The best point of diagonal k one edit after `v`, without what then follows
 * for nothing: from above (a line added) or from the left (one removed). -1 if
 * none is within the grid. */
static long
one_edit(const struct diff *d, const long *v, long k, bool *down)
{
	long above = v[k + 1], left = v[k - 1] + 1;

	if (above >= 0 && above - k > middle_b(d))
		above = -1;
	if (v[k - 1] < 0 || left > middle_a(d))
		left = -1;
	*down = above >= left;
	return *down ? above : left;
}

/* How far diagonal k gets. */
static long
reach(const struct diff *d, const long *v, long k)
{
	const struct view *a = d->a.v, *b = d->b.v;
	long head = (long)d->head;
	bool down;
	long x = v == NULL ? 0 : one_edit(d, v, k, &down);

	while (x >= 0 && x < middle_a(d) && x - k < middle_b(d) &&
	       view_eq(a[head + x], b[head + x - k]))
		x++;
	return x;
}

static void
mark_all(struct diff *d)
{
	for (size_t i = d->head; i < d->a.n - d->tail; i++)
		d->removed[i] = true;
	for (size_t i = d->head; i < d->b.n - d->tail; i++)
		d->added[i] = true;
}

/* From the end to the beginning through the rounds. */
static void
mark_path(struct diff *d, long *const *rounds, long edits)
{
	long x = middle_a(d), k = x - middle_b(d);

	for (long e = edits; e > 0; e--) {
		bool down;

		x = one_edit(d, rounds[e - 1] + e + 1, k, &down);
		if (down) {
			d->added[d->head + (size_t)(x - k - 1)] = true;
			k++;
		} else {
			d->removed[d->head + (size_t)(x - 1)] = true;
			k--;
		}
	}
}

/* A round's diagonals -e … e and two more on either side, so that neighbours
 * of the next round's can be asked for. */
static long *
round_new(long e)
{
	long *v = malloc((size_t)(2 * e + 5) * sizeof(*v));

	for (long k = 0; v != NULL && k < 2 * e + 5; k++)
		v[k] = -1;
	return v;
}

/* One round; true if it came to the end. */
static bool
find_round(const struct diff *d, long *const *rounds, long e)
{
	const long *last = e > 0 ? rounds[e - 1] + e + 1 : NULL;
	long goal = middle_a(d) - middle_b(d);
	bool found = false;

	for (long k = -e; k <= e; k += 2) {
		long x = reach(d, last, k);

		rounds[e][k + e + 2] = x;
		if (k == goal && x == middle_a(d))
			found = true;
	}
	return found;
}

static int
find_path(struct diff *d)
{
	long **rounds = calloc(EDITS_MAX + 1, sizeof(*rounds));
	long e, rc = 1;

	if (rounds == NULL)
		return -1;
	for (e = 0; e <= EDITS_MAX && rc > 0; e++) {
		rounds[e] = round_new(e);
		if (rounds[e] == NULL) {
			rc = -1;
		} else if (find_round(d, rounds, e)) {
			mark_path(d, rounds, e);
			rc = 0;
		}
	}
	if (rc > 0)
		mark_all(d);
	for (e = 0; e <= EDITS_MAX; e++)
		free(rounds[e]);
	free(rounds);
	return rc < 0 ? -1 : 0;
}

/* ---- hunks ----------------------------------------------------------- */

static void
put_line(struct diff *d, char sign, struct view line)
{
	bool ends = view_ends(line, VIEW("\n"));

	buf_putc(&d->hunk, sign);
	buf_source_line(&d->hunk, view_sub(line, 0, line.n - ends));
	buf_puts(&d->hunk, ends ? "\n" : "\n\\ No newline at end of file\n");
}

/* As POSIX has it for diff -u: of no lines, the one before; 1 is left out. */
static void
put_range(struct diff *d, const char *sign, size_t from, size_t to)
{
	buf_printf(d->out, "%s%zu", sign, to > from ? from + 1 : from);
	if (to - from != 1)
		buf_printf(d->out, ",%zu", to - from);
}

/* Lines until the next change, from (i, j) on, where both are equal. */
static size_t
equal_run(const struct diff *d, size_t i, size_t j)
{
	size_t n = 0;

	while (i + n < d->a.n && j + n < d->b.n && !d->removed[i + n] &&
	       !d->added[j + n])
		n++;
	return n;
}

/* One hunk from (*i, *j), which is a change; moves behind it. */
static void
put_hunk(struct diff *d, size_t *i, size_t *j)
{
	size_t before = *i < CONTEXT ? *i : CONTEXT, same;
	size_t from_i = *i - before, from_j = *j - before;

	buf_clear(&d->hunk);
	for (size_t k = before; k > 0; k--)
		put_line(d, ' ', d->a.v[*i - k]);
	do {
		while (*i < d->a.n && d->removed[*i])
			put_line(d, '-', d->a.v[(*i)++]);
		while (*j < d->b.n && d->added[*j])
			put_line(d, '+', d->b.v[(*j)++]);
		same = equal_run(d, *i, *j);
		/* Changes close to each other share a hunk. */
		for (size_t k = 0;
		     k < same && (same <= 2 * CONTEXT || k < CONTEXT);
		     k++, (*j)++)
			put_line(d, ' ', d->a.v[(*i)++]);
	} while (same <= 2 * CONTEXT && (*i < d->a.n || *j < d->b.n));
	put_range(d, "@@ -", from_i, *i);
	put_range(d, " +", from_j, *j);
	buf_puts(d->out, " @@\n");
	buf_put(d->out, buf_view(&d->hunk));
}

static void
put_hunks(struct diff *d)
{
	size_t i = 0, j = 0;

	while (i < d->a.n || j < d->b.n) {
		size_t same = equal_run(d, i, j);

		i += same;
		j += same;
		if (i < d->a.n || j < d->b.n)
			put_hunk(d, &i, &j);
	}
}

int
textdiff(struct view old, struct view now, struct buf *out)
{
	struct diff d = { .out = out };
	int rc = -1;

	if (split(old, &d.a) == 0 && split(now, &d.b) == 0) {
		d.removed = calloc(d.a.n + 1, sizeof(*d.removed));
		d.added = calloc(d.b.n + 1, sizeof(*d.added));
	}
	if (d.removed != NULL && d.added != NULL) {
		cut_ends(&d);
		rc = find_path(&d);
	}
	if (rc == 0)
		put_hunks(&d);
	if (d.hunk.failed)
		rc = -1;
	if (rc != 0)
		errno = ENOMEM;
	buf_free(&d.hunk);
	free(d.a.v);
	free(d.b.v);
	free(d.removed);
	free(d.added);
	return rc;
}
