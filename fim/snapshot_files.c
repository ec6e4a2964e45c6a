/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that exist, as events. */
#include "fim/snapshot.h"

#include "fim/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define STOP_EVERY 256u

/* ---- what a package says ---------------------------------------------- */

static struct packages *
packages_of(struct snapshot *s)
{
	if (s->packages == NULL)
		s->packages = packages_open(NULL);
	return s->packages;
}

static struct view
owner_of(void *ctx, const struct event *e)
{
	struct snapshot *s = ctx;

	if (packages_of(s) == NULL || packages_count(s->packages) == 0)
		return VIEW_NONE;
	return packages_owner(s->packages, e->file.path);
}

/* systemctl(1) enable and mask: a link of the same name to what a package
 * brought, in a folder that is there for that, or to nothing at all. */
static bool
is_unit_link(struct snapshot *s, const struct walk_entry *e, struct view *owner)
{
	bool wants = view_ends(e->dir, VIEW(".wants")) ||
		     view_ends(e->dir, VIEW(".requires"));
	struct buf path = { 0 };
	bool is = false;

	if (!S_ISLNK(e->mode) || !view_starts(e->dir, VIEW("/etc/systemd/")))
		return false;
	if (view_eq(e->target, VIEW("/dev/null"))) {
		*owner = VIEW("systemd");
		return true;
	}
	if (!wants || !view_eq(path_name(e->target), e->name))
		return false;
	/* Packages, and links, say /lib for what is in /usr/lib. */
	buf_puts(&path, view_starts(e->target, VIEW("/lib/")) ? "/usr" : "");
	buf_put(&path, e->target);
	if (!path.failed) {
		*owner = packages_owner(s->packages, buf_view(&path));
		is = owner->n > 0;
	}
	buf_free(&path);
	return is;
}

static struct view
accounts_for(struct snapshot *s)
{
	struct walk_entry e = *s->entry;
	struct change c = { .kind = CHANGE_ADDED, .now = &e };
	struct view owner;

	if (packages_of(s) == NULL || packages_count(s->packages) == 0)
		return VIEW("");
	walk_look(&e, (uint64_t)s->config->read_bytes, &s->looked);
	if (e.fault != WALK_FINE)
		return VIEW("");
	if (is_unit_link(s, &e, &owner))
		return owner;
	c.dir = e.dir;
	c.name = e.name;
	/* When and where something came is not enough here. */
	return packages_explain(s->packages, &c) &&
			       packages_evidence_verified(c.evidence)
		       ? c.explained
		       : VIEW("");
}

static struct view
accounts(void *ctx, const struct event *e)
{
	struct snapshot *s = ctx;

	(void)e;
	if (!s->judged) {
		s->judged = true;
		s->package = accounts_for(s);
	}
	return s->package;
}

bool
snapshot_wanted(void *snapshot, struct record *r,
		const struct rules_match *match)
{
	struct snapshot *s = snapshot;
	struct view package;

	if (s->aside || !snapshot_is_news(s, r, match))
		return false;
	if (s->entry == NULL || s->of_state[match->rule_index] || match->n > 1)
		return true;
	package = accounts(s, NULL);
	if (package.n == 0)
		return true;
	s->counters.explained++;
	if (s->explained != NULL)
		s->explained(s->ctx, match->rule, r, package);
	return false;
}

/* ---- the file of an event -------------------------------------------- */

static struct timespec
timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SEC),
				  .tv_nsec = (long)(ns % NS_PER_SEC) };
}

static bool
seen(void *ctx, const struct event *e, struct stat *st)
{
	const struct walk_entry *w = ((struct snapshot *)ctx)->entry;

	(void)e;
	if (w == NULL || !w->has_stat)
		return false;
	*st = (struct stat){ .st_mode = w->mode,
			     .st_uid = w->uid,
			     .st_gid = w->gid,
			     .st_nlink = w->nlink,
			     .st_size = (off_t)w->size,
			     .st_ino = w->inode,
			     .st_dev = w->dev,
			     .st_rdev = w->rdev,
			     .st_mtim = timespec_of(w->mtime_ns),
			     .st_ctim = timespec_of(w->ctime_ns) };
	return true;
}

static void
not_covered(struct snapshot *s, const struct walk_entry *e)
{
	s->counters.uncovered++;
	if (s->uncovered != NULL)
		s->uncovered(s->ctx, e);
}

static int
open_file(void *ctx, const struct event *e)
{
	struct snapshot *s = ctx;
	struct walk_entry failed;
	int fd;

	(void)e;
	if (s->entry == NULL || s->entry->dirfd < 0) {
		errno = ENOENT;
		return -1;
	}
	fd = scan_open(s->entry->dirfd, s->entry->name.p);
	if (fd < 0 && errno != ENOENT && s->entry->fault == WALK_FINE) {
		failed = *s->entry;
		failed.fault = WALK_UNREADABLE;
		failed.error = errno;
		not_covered(s, &failed);
	}
	return fd;
}

struct opener
snapshot_opener(struct snapshot *s)
{
	return (struct opener){ .open = open_file,
				.seen = seen,
				.owner = owner_of,
				.accounts = accounts,
				.ctx = s,
				.frugal = true };
}

/* ---- the walk -------------------------------------------------------- */

static void
put_path(struct snapshot *s, const struct walk_entry *e)
{
	buf_clear(&s->path);
	change_path(&s->path, e->dir, e->name);
}

/* The same place under the names that links give it. */
static void
put_names(struct snapshot *s)
{
	struct view path = buf_view(&s->path);

	buf_clear(&s->names);
	for (size_t i = 0; i < s->n_aliases; i++) {
		const struct snapshot_alias *a = &s->aliases[i];

		if (!view_starts(path, a->real) ||
		    (path.n > a->real.n && path.p[a->real.n] != '/'))
			continue;
		buf_put(&s->names, a->name);
		buf_put(&s->names, view_sub(path, a->real.n, SIZE_MAX));
		buf_putc(&s->names, '\0');
	}
}

static void
take_entry(struct snapshot *s, const struct walk_entry *w)
{
	struct event e = {
		.kind = EVENT_SNAPSHOT,
		.attribution = ATTRIBUTION_SCAN,
		.time_ns = clock_boot_ns(),
		.pidfd = -1,
	};

	put_path(s, w);
	put_names(s);
	if (s->path.failed || s->names.failed) {
		s->counters.uncovered++;
		return;
	}
	e.file.path = buf_view(&s->path);
	e.file.aliases = buf_view(&s->names);
	e.file.node = S_ISDIR(w->mode) ? NODE_DIR : NODE_FILE;
	s->entry = w;
	s->judged = false;
	pipeline_take(s->pipeline, &e);
	s->entry = NULL;
	s->counters.files++;
}

static void
take(struct snapshot *s, const struct walk_entry *w)
{
	if (w->fault >= WALK_UNREADABLE)
		not_covered(s, w);
	if (w->name.n > 0 && w->has_stat)
		take_entry(s, w);
}

static enum walk_choice
choose(void *ctx, struct view dir, struct view name, uint32_t type)
{
	struct snapshot *s = ctx;
	struct buf path = { 0 };

	(void)type;
	if (!scope_is(&s->scope, SCOPE_SKIP, dir, name))
		return WALK_STAT;
	if (s->note != NULL && s->options->args.n == 0) {
		change_path(&path, dir, name);
		buf_putc(&path, '\0');
		if (!path.failed)
			s->note(s->ctx, path.p,
				"belongs to containers or to Tocsin; name it "
				"to scan it");
		buf_free(&path);
	}
	return WALK_SKIP;
}

int
snapshot_files(struct snapshot *s, struct err *err)
{
	struct walk_options o = {
		.roots = s->scope.roots,
		.n_roots = s->scope.n_roots,
		.threads = s->threads,
		.most = WALK_STAT,
		.choose = choose,
		.ctx = s,
	};
	struct walk *walk = walk_open(&o);
	struct walk_entry *e;
	enum walk_verdict verdict = WALK_ERROR;

	while (walk != NULL && (verdict = walk_next(walk, &e)) == WALK_ENTRY) {
		take(s, e);
		if (s->counters.files % STOP_EVERY != 0)
			continue;
		batch_progress(s->batch, s->counters.files, 0, 0);
		if (batch_stopped(s->batch)) {
			s->stopped = true;
			break;
		}
	}
	if (verdict == WALK_ERROR)
		err_add(err, (struct place){ 0 },
			"the files cannot be walked through: %s",
			strerror(errno));
	walk_close(walk);
	s->counters.bytes = pipeline_count(s->pipeline).bytes;
	return verdict == WALK_ERROR ? -1 : 0;
}

/* ---- life ------------------------------------------------------------ */

static void
mark_rule(void *ctx, const struct rule *rule, struct view pattern)
{
	struct snapshot *s = ctx;

	if (!view_eq(pattern, view_of(event_action(EVENT_SNAPSHOT))))
		return;
	for (size_t i = 0; i < rules_count(s->rules); i++)
		if (rules_at(s->rules, i) == rule)
			s->of_state[i] = true;
}

int
snapshot_prepare(struct snapshot *s)
{
	s->of_state = calloc(rules_count(s->rules) + 1, sizeof(*s->of_state));
	s->recalled = calloc(rules_count(s->rules) + 1, sizeof(*s->recalled));
	if (s->of_state == NULL || s->recalled == NULL)
		return -1;
	rules_patterns(s->rules, FIELD_EVENT_ACTION, mark_rule, s);
	return 0;
}

void
snapshot_free(struct snapshot *s)
{
	scope_free(&s->scope);
	packages_close(s->packages);
	free(s->of_state);
	free(s->recalled);
	buf_free(&s->path);
	buf_free(&s->names);
	buf_free(&s->looked);
	arena_free(&s->arena);
}
