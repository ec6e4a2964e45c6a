/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was known against what is there. */
#include "fim/ledger.h"

#include "fim/ledger_db.h"
#include "fim/ledger_origin.h"

#include <stdlib.h>
#include <sys/stat.h>

/* A directory of a sensor may have files under several names of its own, as
 * /run and /var/run. */
#define GROUPS_MAX 8u

/* A file as remembered. */
struct row {
	struct view name;
	struct event_seen is;
	bool met;
};

/* The directory that is being listed. */
struct group {
	struct view path;
	int64_t dir;   /* 0 = nothing was known in it */
	struct row *v; /* by name; owned */
	size_t n, cap;
	struct arena arena;
	bool failed; /* memory was out */
};

/* What seems to be gone: told at the end, unless it was only renamed. */
struct gone {
	int64_t dir;
	struct view path;
	struct event_seen was;
};

struct ledger {
	struct ledger_config config;
	struct ledger_db *db;
	struct watchset before; /* listed the last time */
	bool knows;
	struct ledger_counters counters;
	/* Of the list in work. */
	bool listing;
	enum attribution how;
	uint64_t time_ns;
	struct watchset now; /* a copy */
	struct group groups[GROUPS_MAX];
	size_t n_groups;
	uint64_t *listed; /* hashes of directories, sorted at the end; owned */
	size_t n_listed, listed_cap;
	struct gone *gone; /* owned */
	size_t n_gone, gone_cap;
	struct ledger_origins origins;
	struct arena arena; /* of `gone` and `now` */
};

/* ---- life ------------------------------------------------------------ */

struct ledger *
ledger_open(const struct ledger_config *config)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int scope = -1;

	if (l == NULL)
		return NULL;
	l->config = *config;
	if (l->config.max_files == 0)
		l->config.max_files = LEDGER_FILES_MAX;
	l->db = ledger_db_open(config->state);
	if (l->db != NULL)
		scope = ledger_db_scope(l->db, &l->before);
	if (scope < 0) {
		ledger_close(l);
		return NULL;
	}
	l->knows = scope > 0;
	return l;
}

static void
drop_groups(struct ledger *l)
{
	for (size_t i = 0; i < l->n_groups; i++) {
		free(l->groups[i].v);
		arena_free(&l->groups[i].arena);
		l->groups[i] = (struct group){ 0 };
	}
	l->n_groups = 0;
}

static void
end_list(struct ledger *l)
{
	drop_groups(l);
	free(l->listed);
	free(l->gone);
	free(l->now.v);
	arena_free(&l->now.arena);
	arena_free(&l->arena);
	l->listed = NULL;
	l->gone = NULL;
	l->now = (struct watchset){ 0 };
	l->n_listed = l->listed_cap = l->n_gone = l->gone_cap = 0;
	ledger_origins_free(&l->origins);
	l->listing = false;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	end_list(l);
	watchset_free(&l->before);
	ledger_db_close(l->db);
	free(l);
}

bool
ledger_knows(const struct ledger *l)
{
	return l->knows;
}

struct ledger_counters
ledger_count(const struct ledger *l)
{
	struct ledger_counters c = l->counters;

	c.files = ledger_db_count(l->db);
	return c;
}

/* A list that cannot be compared as a whole is not compared any further: the
 * next one finds the same. */
static void
give_up(struct ledger *l)
{
	l->counters.failed++;
	end_list(l);
}

static void
check(struct ledger *l, int result)
{
	if (result < 0)
		l->counters.failed++;
}

/* ---- remembering ----------------------------------------------------- */

static void
remember(struct ledger *l, struct view path, const struct event_seen *seen,
	 bool known)
{
	bool room = known || ledger_db_count(l->db) < l->config.max_files;

	if (!room)
		l->counters.left_out++;
	check(l, ledger_db_put(l->db, path_directory(path), path_name(path),
			       seen, room));
}

static void
refreshed(struct ledger *l, const struct event *e)
{
	struct view path = e->file.path;
	int64_t dir = ledger_db_dir(l->db, path_directory(path));

	if (e->seen != NULL) {
		remember(l, path, e->seen, false);
		return;
	}
	if (dir > 0)
		check(l, ledger_db_drop(l->db, dir, path_name(path)));
	check(l, ledger_db_drop_below(l->db, path));
}

/* ---- events ---------------------------------------------------------- */

static void
tell(struct ledger *l, struct event *e, enum event_kind kind)
{
	e->kind = kind;
	e->attribution = l->how;
	e->pidfd = -1;
	e->seen = NULL;
	l->config.sink.take(l->config.sink.ctx, e);
}

static void
tell_gone(struct ledger *l, struct view path, const struct event_seen *was)
{
	struct event e = {
		.time_ns = l->time_ns,
		.file.path = path,
		.file.node = S_ISDIR(was->mode) ? NODE_DIR : NODE_FILE,
	};

	tell(l, &e, EVENT_DELETE);
}

/* ---- one directory --------------------------------------------------- */

static void
add_row(void *ctx, struct view name, const struct event_seen *is)
{
	struct group *g = ctx;

	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 64;
		struct row *v = reallocarray(g->v, cap, sizeof(*v));

		if (v == NULL) {
			g->failed = true;
			return;
		}
		g->v = v;
		g->cap = cap;
	}
	g->v[g->n] = (struct row){ arena_copy(&g->arena, name), *is, false };
	if (g->v[g->n].name.p == NULL)
		g->failed = true;
	g->n++;
}

/* The directory with this path, loaded; NULL: no memory, or the database. */
static struct group *
group_of(struct ledger *l, struct view path)
{
	struct group *g;

	for (size_t i = 0; i < l->n_groups; i++)
		if (view_eq(l->groups[i].path, path))
			return &l->groups[i];
	if (l->n_groups == GROUPS_MAX)
		return NULL;
	g = &l->groups[l->n_groups++];
	g->path = arena_copy(&g->arena, path);
	g->dir = ledger_db_dir(l->db, path);
	if ((path.n > 0 && g->path.p == NULL) || g->dir < 0)
		return NULL;
	if (g->dir > 0 && ledger_db_each_file(l->db, g->dir, add_row, g) != 0)
		return NULL;
	return g->failed ? NULL : g;
}

static int
row_cmp(const void *key, const void *row)
{
	return view_cmp(*(const struct view *)key,
			((const struct row *)row)->name);
}

static struct row *
find_row(struct group *g, struct view name)
{
	return g->n == 0 ? NULL
			 : bsearch(&name, g->v, g->n, sizeof(*g->v), row_cmp);
}

/* ---- what was renamed ------------------------------------------------ */

/* The directory is being listed now: its row is not gone, but moved. */
static void
mark_met(struct ledger *l, int64_t dir, struct view name)
{
	for (size_t i = 0; i < l->n_groups; i++) {
		struct row *r = l->groups[i].dir == dir
					? find_row(&l->groups[i], name)
					: NULL;

		if (r != NULL)
			r->met = true;
	}
}

/* True: `path` has where this object was before, and the ledger no longer. */
static bool
take_origin(struct ledger *l, const struct event_seen *is, struct buf *path)
{
	int64_t dir = ledger_origin_take(&l->origins, l->db, is, path);

	if (dir > 0)
		mark_met(l, dir, path_name(buf_view(path)));
	return dir > 0;
}

/* ---- one name -------------------------------------------------------- */

static void
came(struct ledger *l, const struct event *listed)
{
	struct event_seen is = *listed->seen;
	struct event e = *listed;
	struct buf origin = { 0 };
	bool renamed;

	if (!l->knows || !watchset_covers(&l->before, e.file.path)) {
		l->counters.learned++;
		remember(l, e.file.path, &is, false);
		return;
	}
	/* Once it is full it knows too little to say what is new. */
	if (ledger_db_count(l->db) >= l->config.max_files) {
		l->counters.left_out++;
		return;
	}
	renamed = take_origin(l, &is, &origin);
	remember(l, e.file.path, &is, false);
	if (renamed)
		e.file.old_path = buf_view(&origin);
	tell(l, &e, renamed ? EVENT_RENAME : EVENT_CREATE);
	buf_free(&origin);
}

/* What changes a file changes this time, which nobody can set. */
static bool
is_untouched(const struct event_seen *was, const struct event_seen *is)
{
	return was->changed_ns == is->changed_ns &&
	       was->written_ns == is->written_ns && was->size == is->size &&
	       was->mode == is->mode && was->uid == is->uid &&
	       was->gid == is->gid;
}

static bool
is_same_object(const struct event_seen *was, const struct event_seen *is)
{
	return was->ino == is->ino && was->born_ns == is->born_ns &&
	       (was->mode & S_IFMT) == (is->mode & S_IFMT);
}

static void
changed(struct ledger *l, const struct event *listed,
	const struct event_seen *was)
{
	const struct event_seen is = *listed->seen;
	bool owner = is.mode != was->mode || is.uid != was->uid ||
		     is.gid != was->gid;
	bool content = is.written_ns != was->written_ns || is.size != was->size;
	bool dir = S_ISDIR(is.mode);
	struct event e = *listed;

	remember(l, listed->file.path, &is, true);
	if (content && !dir)
		tell(l, &e, EVENT_MODIFY);
	if (owner || (!content && !dir))
		tell(l, &e, EVENT_ATTRIBUTES);
}

static void
replaced(struct ledger *l, const struct event *listed, const struct group *g,
	 const struct row *row)
{
	check(l, ledger_db_drop(l->db, g->dir, row->name));
	/* A file that was moved over it is told as such. */
	tell_gone(l, listed->file.path, &row->is);
	came(l, listed);
}

static void
listed(struct ledger *l, const struct event *e)
{
	struct view path = e->file.path;
	struct group *g = group_of(l, path_directory(path));
	struct row *row;

	if (g == NULL) {
		give_up(l);
		return;
	}
	row = find_row(g, path_name(path));
	if (row != NULL)
		row->met = true;
	if (e->seen == NULL)
		return;
	if (row == NULL)
		came(l, e);
	else if (is_untouched(&row->is, e->seen))
		return;
	else if (is_same_object(&row->is, e->seen))
		changed(l, e, &row->is);
	else
		replaced(l, e, g, row);
}

/* ---- a directory's end ----------------------------------------------- */

static int
add_listed(struct ledger *l, struct view path)
{
	if (l->n_listed == l->listed_cap) {
		size_t cap = l->listed_cap ? 2 * l->listed_cap : 256;
		uint64_t *v = reallocarray(l->listed, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		l->listed = v;
		l->listed_cap = cap;
	}
	l->listed[l->n_listed++] = view_hash(path);
	return 0;
}

static int
add_gone(struct ledger *l, int64_t dir, struct view directory,
	 const struct row *row)
{
	struct gone *g;

	if (l->n_gone == l->gone_cap) {
		size_t cap = l->gone_cap ? 2 * l->gone_cap : 64;
		struct gone *v = reallocarray(l->gone, cap, sizeof(*v));

		if (v == NULL)
			return -1;
		l->gone = v;
		l->gone_cap = cap;
	}
	g = &l->gone[l->n_gone];
	*g = (struct gone){ .dir = dir, .was = row->is };
	g->path = arena_printf(&l->arena, "%.*s/%.*s", (int)directory.n,
			       directory.p, (int)row->name.n, row->name.p);
	if (g->path.p == NULL)
		return -1;
	l->n_gone++;
	return 0;
}

static int
add_unmet(struct ledger *l, const struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (!g->v[i].met && add_gone(l, g->dir, g->path, &g->v[i]) != 0)
			return -1;
	return 0;
}

/* What a directory that could not be listed had, is taken to be there. */
static void
dir_ended(struct ledger *l, const struct event *e)
{
	int rc = group_of(l, e->file.path) == NULL ? -1 : 0;

	for (size_t i = 0; i < l->n_groups && rc == 0; i++) {
		const struct group *g = &l->groups[i];

		rc = add_listed(l, g->path);
		if (rc == 0 && !e->incomplete)
			rc = add_unmet(l, g);
	}
	drop_groups(l);
	if (rc != 0)
		give_up(l);
}

/* ---- beginning and end ----------------------------------------------- */

static int
copy_scope(struct ledger *l, const struct watchset *from)
{
	l->now.v = calloc(from->n + 1, sizeof(*l->now.v));
	if (l->now.v == NULL)
		return -1;
	for (size_t i = 0; i < from->n; i++) {
		struct watch *w = &l->now.v[l->now.n++];

		w->recursive = from->v[i].recursive;
		w->path = arena_copy(&l->now.arena, from->v[i].path);
		if (w->path.p == NULL)
			return -1;
	}
	return 0;
}

/* One that was made for other rules is of no use: the sensor will list again
 * for those in force. */
static void
begin(struct ledger *l, const struct event *e, enum attribution how)
{
	end_list(l);
	if (e->watchset != watchset_hash(l->config.watchset))
		return;
	if (copy_scope(l, l->config.watchset) != 0) {
		give_up(l);
		return;
	}
	l->listing = true;
	l->how = how;
	l->counters.learned = 0;
	l->time_ns = e->time_ns;
}

static int
hash_cmp(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

struct absent {
	struct ledger *l;
	struct group group; /* of the directory in work */
	int rc;
};

/* A directory with files of which the list did not speak at all. */
static void
take_absent(void *ctx, int64_t dir, struct view path)
{
	struct absent *a = ctx;
	struct ledger *l = a->l;
	uint64_t hash = view_hash(path);
	struct group *g = &a->group;

	if (a->rc != 0 ||
	    (l->n_listed > 0 && bsearch(&hash, l->listed, l->n_listed,
					sizeof(hash), hash_cmp) != NULL))
		return;
	g->dir = dir;
	g->path = path;
	g->n = 0;
	if (ledger_db_each_file(l->db, dir, add_row, g) != 0 || g->failed)
		a->rc = -1;
	else
		a->rc = add_unmet(l, g);
	arena_reset(&g->arena);
}

static int
find_absent(struct ledger *l)
{
	struct absent a = { .l = l };

	if (l->n_listed > 0)
		qsort(l->listed, l->n_listed, sizeof(*l->listed), hash_cmp);
	if (ledger_db_each_dir(l->db, take_absent, &a) != 0)
		a.rc = -1;
	free(a.group.v);
	arena_free(&a.group.arena);
	return a.rc;
}

/* Those that were renamed, or have come back meanwhile, are not in the ledger
 * any more as they were. Of places that are not watched any more nothing is
 * known. */
static void
tell_all_gone(struct ledger *l)
{
	for (size_t i = 0; i < l->n_gone; i++) {
		struct gone *g = &l->gone[i];
		int n = ledger_db_drop_same(l->db, g->dir, path_name(g->path),
					    &g->was);

		check(l, n);
		if (n == 1 && l->knows && watchset_covers(&l->now, g->path) &&
		    watchset_covers(&l->before, g->path))
			tell_gone(l, g->path, &g->was);
	}
	if (l->n_gone > 0)
		check(l, ledger_db_sweep(l->db));
}

static bool
finish(struct ledger *l)
{
	if (!l->listing)
		return false;
	if (find_absent(l) != 0) {
		give_up(l);
		return false;
	}
	tell_all_gone(l);
	if (ledger_db_set_scope(l->db, &l->now) != 0) {
		give_up(l);
		return false;
	}
	watchset_free(&l->before);
	l->before = l->now;
	l->now = (struct watchset){ 0 };
	l->knows = l->before.n > 0;
	end_list(l);
	return true;
}

bool
ledger_take(struct ledger *l, const struct event *e, enum attribution how)
{
	switch (e->kind) {
	case EVENT_REFRESHED:
		refreshed(l, e);
		return false;
	case EVENT_LIST_BEGIN:
		begin(l, e, how);
		return false;
	case EVENT_LISTED:
		if (l->listing)
			listed(l, e);
		return false;
	case EVENT_LIST_DIR:
		if (l->listing)
			dir_ended(l, e);
		return false;
	case EVENT_LIST_END:
		return finish(l);
	default:
		return false;
	}
}
