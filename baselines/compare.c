/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The merge of a walk with a baseline. */
#include "baselines/compare.h"

#include <errno.h>
#include <sys/stat.h>

#include "scan/scan.h"

#define PROGRESS_EVERY 256u

struct merge {
	struct compare *c;
	struct walk *walk;
	struct walk_entry *now;		 /* NULL at the end */
	const struct baseline_item *old; /* likewise */
	struct buf looked;
	struct buf unknown; /* the last folder that could not be entered */
	struct err *err;
};

static int
damaged(struct merge *m)
{
	return err_add(m->err, (struct place){ 0 },
		       "the baseline cannot be read: %s",
		       baseline_problem(m->c->baseline));
}

static int
next_old(struct merge *m)
{
	int rc = baseline_next(m->c->baseline, &m->old);

	if (rc < 0)
		return damaged(m);
	if (rc == 0)
		m->old = NULL;
	else
		m->c->totals.baseline_files++;
	return 0;
}

static void
count_bytes(struct merge *m)
{
	if (m->now->has_digest)
		m->c->totals.bytes += m->now->size;
}

static int
next_now(struct merge *m)
{
	switch (walk_next(m->walk, &m->now)) {
	case WALK_ENTRY:
		m->c->totals.files +=
			m->now->name.n > 0 && m->now->fault != WALK_VANISHED;
		count_bytes(m);
		return 0;
	case WALK_END:
		m->now = NULL;
		return 0;
	default:
		return err_add(m->err, (struct place){ 0 },
			       "the files cannot be walked through: %s",
			       strerror(errno));
	}
}

/* ---- judging --------------------------------------------------------- */

static bool
is(struct merge *m, enum scope_kind kind, const struct walk_entry *e)
{
	return scope_is(m->c->scope, kind, e->dir, e->name);
}

#define BIT(name) (1u << CHANGE_##name)
#define OF_CONTENT \
	(BIT(SIZE) | BIT(MTIME) | BIT(LINKS) | BIT(TARGET) | BIT(SHA256))

static unsigned
by_role(struct merge *m, const struct walk_entry *old,
	const struct walk_entry *now, unsigned found)
{
	if (found == 0)
		return 0;
	if (is(m, SCOPE_ROTATES, now))
		return found & ~OF_CONTENT;
	/* /etc/mtab, /etc/resolv.conf: what a link leads to may change, and not
	 * where it leads. */
	if (is(m, SCOPE_VOLATILE, now))
		return found & ~(OF_CONTENT & ~BIT(TARGET));
	if (is(m, SCOPE_GROWS, now) && now->size >= old->size)
		return found & ~OF_CONTENT;
	return found;
}

static void
report(struct merge *m, const struct change *c)
{
	if (m->c->change != NULL)
		m->c->change(m->c->ctx, c);
}

static void
not_covered(struct merge *m, const struct walk_entry *e)
{
	m->c->totals.uncovered++;
	if (m->c->uncovered != NULL)
		m->c->uncovered(m->c->ctx, e);
}

/* In a quick check only attributes were taken so far. */
static void
look_closely(struct merge *m)
{
	if (!m->c->quick || m->now->dirfd < 0 || m->now->fault != WALK_FINE)
		return;
	walk_again(m->walk, m->now, &m->looked);
	count_bytes(m);
}

static void
on_added(struct merge *m)
{
	struct change c = { .kind = CHANGE_ADDED, .now = m->now };

	if (is(m, SCOPE_ROTATES, m->now))
		return;
	look_closely(m);
	if (m->now->fault == WALK_VANISHED || m->now->is_noticed)
		return;
	if (m->now->fault != WALK_FINE)
		not_covered(m, m->now);
	if (!m->now->has_stat)
		return;
	c.dir = m->now->dir;
	c.name = m->now->name;
	m->c->totals.added++;
	report(m, &c);
}

static void
on_removed(struct merge *m)
{
	struct change c = { .kind = CHANGE_REMOVED,
			    .old = &m->old->e,
			    .dir = m->old->e.dir,
			    .name = m->old->e.name,
			    .package = m->old->package };

	if (is(m, SCOPE_ROTATES, &m->old->e))
		return;
	m->c->totals.removed++;
	report(m, &c);
}

/* The change time moves with every other change; whoever can turn it back can
 * also make the inode number fit, which is why this is only for --quick. */
static bool
seems_unchanged(const struct walk_entry *old, const struct walk_entry *now)
{
	return old->ctime_ns == now->ctime_ns && old->inode == now->inode &&
	       old->size == now->size && old->mtime_ns == now->mtime_ns &&
	       old->mode == now->mode && old->uid == now->uid &&
	       old->gid == now->gid && old->nlink == now->nlink;
}

static void
on_both(struct merge *m)
{
	struct change c = { .kind = CHANGE_CHANGED,
			    .old = &m->old->e,
			    .now = m->now,
			    .dir = m->now->dir,
			    .name = m->now->name,
			    .package = m->old->package };

	if (m->c->quick && m->now->has_stat &&
	    seems_unchanged(&m->old->e, m->now) && m->old->e.fault == WALK_FINE)
		return;
	look_closely(m);
	if (m->now->fault == WALK_VANISHED) {
		on_removed(m);
		return;
	}
	if (m->now->is_noticed)
		return;
	/* Too large, then and now, is settled. */
	if (m->now->fault != WALK_FINE)
		not_covered(m, m->now);
	else if (m->old->e.fault != WALK_FINE)
		not_covered(m, &m->old->e);
	if (!m->now->has_stat)
		return;
	c.attributes = by_role(m, &m->old->e, m->now,
			       change_differences(&m->old->e, m->now));
	if (c.attributes == 0)
		return;
	m->c->totals.changed++;
	report(m, &c);
}

/* ---- merging --------------------------------------------------------- */

static int
order_of(const struct walk_entry *a, const struct walk_entry *b)
{
	int order = walk_path_cmp(a->dir, b->dir);

	return order != 0 ? order : view_cmp(a->name, b->name);
}

static bool
at_or_below(struct view dir, struct view top)
{
	return view_eq(dir, top) || top.n == 1 ||
	       (dir.n > top.n && view_starts(dir, top) && dir.p[top.n] == '/');
}

/* In a folder that could not be entered: whether it is gone is not known. */
static bool
is_unknown(const struct merge *m, const struct walk_entry *e)
{
	return m->unknown.n > 0 && at_or_below(e->dir, buf_view(&m->unknown));
}

/* What the baseline has of such a folder is passed over as its turn comes: a
 * part of it may have been reached all the same, by another root. */
static int
on_notice(struct merge *m)
{
	not_covered(m, m->now);
	if (!is_unknown(m, m->now)) {
		buf_clear(&m->unknown);
		buf_put(&m->unknown, m->now->dir);
	}
	if (m->unknown.failed)
		return err_no_memory(m->err, (struct place){ 0 });
	return next_now(m);
}

static int
step(struct merge *m)
{
	int order = m->old == NULL   ? 1
		    : m->now == NULL ? -1
				     : order_of(&m->old->e, m->now);

	if (order > 0 && m->now->name.n == 0)
		return on_notice(m);
	if (order == 0)
		on_both(m);
	else if (order > 0)
		on_added(m);
	else if (!is_unknown(m, &m->old->e))
		on_removed(m);
	if (order <= 0 && next_old(m) != 0)
		return -1;
	return order >= 0 ? next_now(m) : 0;
}

static int
merge_all(struct merge *m)
{
	uint64_t steps = 0;

	if (next_old(m) != 0 || next_now(m) != 0)
		return -1;
	while (m->old != NULL || m->now != NULL) {
		if (++steps % PROGRESS_EVERY == 0 && m->c->progress != NULL &&
		    !m->c->progress(m->c->ctx, &m->c->totals)) {
			m->c->stopped = true;
			return 0;
		}
		if (step(m) != 0)
			return -1;
	}
	return 0;
}

int
compare_run(struct compare *c, struct err *err)
{
	struct walk_options o = { .roots = c->scope->roots,
				  .n_roots = c->scope->n_roots,
				  .threads = c->threads,
				  .most = c->quick ? WALK_STAT : WALK_ALL,
				  .max_bytes = c->max_bytes,
				  .mounts = c->scope->mounts,
				  .patience_ns = c->scope->patience_ns,
				  .choose = scope_choose,
				  .ctx = c->scope };
	struct merge m = { .c = c, .err = err };
	int rc;

	if (c->max_bytes == 0)
		c->max_bytes = 4ull << 30;
	baseline_rewind(c->baseline);
	m.walk = walk_open(&o);
	if (m.walk == NULL)
		return err_add(err, (struct place){ 0 },
			       "the walk cannot begin: %s", strerror(errno));
	rc = merge_all(&m);
	walk_close(m.walk);
	buf_free(&m.unknown);
	buf_free(&m.looked);
	return rc;
}
