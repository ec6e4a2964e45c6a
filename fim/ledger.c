/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was known against what is there. */
#include "fim/ledger.h"

#include "fim/hashes.h"
#include "fim/ledger_db.h"
#include "fim/ledger_keep.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Rows between two looks at anything else: some milliseconds. */
#define WORK_ROWS 2048u
/* Times of files come from a coarser clock. */
#define CLOCK_SLACK_NS (2 * NS_PER_SEC)

struct ledger {
	struct ledger_config config;
	struct ledger_db *db;
	struct ledger_keep keep;
	struct watchset before; /* listed the last time */
	bool knows;
	struct ledger_counters counters;
	/* Of the list in work. */
	bool listing, ended; /* and what is gone is being told */
	enum attribution how;
	uint64_t time_ns, since_ns;
	struct watchset now; /* a copy */
	/* What is there, of what is remembered; directories that could not be
	 * listed, whose files are taken to be there, too. */
	struct hashes met, unlisted;
	/* The row up to which has been looked for what is gone. */
	int64_t at_dir;
	struct buf at_name;
	struct buf at_path; /* of the directory `path_dir` */
	int64_t path_dir;
};

/* ---- names met ------------------------------------------------------- */

static uint64_t
key_of(struct view dir, struct view name)
{
	uint64_t hash = hash_mix(view_hash(dir), view_hash(name));

	return hash != 0 ? hash : 1;
}

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
	l->keep = (struct ledger_keep){
		.state = config->state,
		.db = l->db,
		.max_files = l->config.max_files,
		.max_bytes = l->config.max_kept > 0 ? l->config.max_kept
						    : LEDGER_KEEP_MAX,
		.undone = state_undone(config->state),
		.committed = state_committed(config->state),
	};
	return l;
}

static void
end_list(struct ledger *l)
{
	watchset_free(&l->now);
	hashes_free(&l->met);
	hashes_free(&l->unlisted);
	buf_free(&l->at_name);
	buf_free(&l->at_path);
	l->at_dir = INT64_MIN;
	l->path_dir = 0;
	l->listing = l->ended = false;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	end_list(l);
	watchset_free(&l->before);
	ledger_keep_free(&l->keep);
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
	c.failed += l->keep.failed;
	c.waiting = ledger_keep_waiting(&l->keep);
	c.forgotten = l->keep.forgotten;
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

/* What the database has undone was perhaps a part of this list, or all that
 * was known. */
static void
check_undone(struct ledger *l)
{
	struct watchset scope = { 0 };
	int known;

	ledger_keep_tend(&l->keep);
	if (!ledger_db_undone(l->db))
		return;
	if (l->listing)
		give_up(l);
	known = ledger_db_scope(l->db, &scope);
	if (known < 0) {
		watchset_free(&scope);
		return;
	}
	watchset_free(&l->before);
	l->before = scope;
	l->knows = known > 0;
}

/* ---- remembering ----------------------------------------------------- */

static bool
has_room(const struct ledger *l)
{
	return ledger_db_count(l->db) < l->config.max_files;
}

/* What is told is not told again, whatever becomes of the database. */
static void
remember(struct ledger *l, struct view path, const struct event_seen *seen)
{
	ledger_keep_put(&l->keep, path, seen);
}

/* Nothing was told of it: a list that is undone learns it again. */
static void
learn(struct ledger *l, struct view path, const struct event_seen *seen)
{
	struct event_seen kept;

	if (ledger_keep_get(&l->keep, path, &kept) != LEDGER_KEPT_NOTHING)
		remember(l, path, seen);
	else
		check(l, ledger_db_put(l->db, path_directory(path),
				       path_name(path), seen, has_room(l)));
}

static void
forget(struct ledger *l, struct view path)
{
	ledger_keep_gone(&l->keep, path, false);
}

/* 1 with what is known, 0 when it is not, -1: the database's failure. */
static int
recall(struct ledger *l, struct view path, struct event_seen *was)
{
	int64_t dir;

	switch (ledger_keep_get(&l->keep, path, was)) {
	case LEDGER_KEPT_SEEN:
		return 1;
	case LEDGER_KEPT_GONE:
		return 0;
	case LEDGER_KEPT_NOTHING:
		break;
	}
	dir = ledger_db_dir(l->db, path_directory(path));
	if (dir <= 0)
		return dir < 0 ? -1 : 0;
	return ledger_db_get(l->db, dir, path_name(path), was);
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
	/* A list can find more than memory for alerts holds. The name's row and
	 * its alerts are stored together. */
	if (state_held(l->config.state).bytes > STATE_HELD_MAX / 2)
		state_commit(l->config.state);
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

/* ---- what was renamed ------------------------------------------------ */

static bool
is_same_object(const struct event_seen *was, const struct event_seen *is)
{
	return was->ino == is->ino && was->born_ns == is->born_ns &&
	       (was->mode & S_IFMT) == (is->mode & S_IFMT);
}

struct origin {
	const struct event_seen *is;
	int64_t dir;
	struct buf name;
	bool found;
};

/* Numbers of objects are used again at once by some file systems: what was
 * written must be the same, too. A directory is written by what happens in
 * it. */
static bool
is_renamed(const struct event_seen *was, const struct event_seen *is)
{
	return (was->mode & S_IFMT) == (is->mode & S_IFMT) &&
	       (S_ISDIR(is->mode) ||
		(was->written_ns == is->written_ns && was->size == is->size));
}

static void
take_name(void *ctx, int64_t dir, struct view name,
	  const struct event_seen *was)
{
	struct origin *o = ctx;

	if (o->found || !is_renamed(was, o->is))
		return;
	o->dir = dir;
	buf_put(&o->name, name);
	o->found = !o->name.failed;
}

/* True: `path` has the name that this object had before and, having only one,
 * has no longer; the ledger has forgotten it. */
static bool
take_origin(struct ledger *l, const struct event_seen *is, struct buf *path)
{
	struct origin o = { .is = is };
	struct event_seen was;
	bool found = false;

	if (!S_ISDIR(is->mode) && is->nlink != 1)
		return false;
	check(l, ledger_db_each_name(l->db, is, take_name, &o));
	if (o.found && ledger_db_path(l->db, o.dir, path) == 1) {
		buf_putc(path, '/');
		buf_put(path, buf_view(&o.name));
		/* As it is known now. */
		found = !path->failed && recall(l, buf_view(path), &was) == 1 &&
			is_same_object(&was, is) && is_renamed(&was, is);
	}
	if (found)
		forget(l, buf_view(path));
	buf_free(&o.name);
	return found;
}

/* ---- one name -------------------------------------------------------- */

/* Once it is full it cannot say what is new: a file that has changed since the
 * list before is told, perhaps not for the first time. */
static void
came_too_many(struct ledger *l, struct event *e, const struct event_seen *is)
{
	l->counters.left_out++;
	if (is->changed_ns + CLOCK_SLACK_NS >= l->since_ns)
		tell(l, e, EVENT_CREATE);
}

static void
came(struct ledger *l, const struct event *listed)
{
	struct event_seen is = *listed->seen;
	struct event e = *listed;
	struct buf origin = { 0 };
	bool covered = l->knows && watchset_covers(&l->before, e.file.path);
	bool told = e.acts & (ACT_CREATE | ACT_RENAME);

	if (!has_room(l) && covered && !told) {
		came_too_many(l, &e, &is);
		return;
	}
	l->counters.left_out += !has_room(l);
	l->counters.learned += !covered && has_room(l);
	if (covered && !told && take_origin(l, &is, &origin))
		e.file.old_path = buf_view(&origin);
	if (covered || told)
		remember(l, e.file.path, &is);
	else
		learn(l, e.file.path, &is);
	if (covered && !told)
		tell(l, &e, origin.n > 0 ? EVENT_RENAME : EVENT_CREATE);
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

	remember(l, listed->file.path, &is);
	if (content && !dir && !(listed->acts & (ACT_CREATE | ACT_MODIFY)))
		tell(l, &e, EVENT_MODIFY);
	e = *listed;
	if ((owner || (!content && !dir)) &&
	    !(listed->acts & (ACT_CREATE | ACT_ATTRIBUTES)))
		tell(l, &e, EVENT_ATTRIBUTES);
}

static void
replaced(struct ledger *l, const struct event *listed,
	 const struct event_seen *was)
{
	forget(l, listed->file.path);
	/* A file that was moved over it is told as such. */
	if (!(listed->acts & (ACT_CREATE | ACT_RENAME | ACT_DELETE)))
		tell_gone(l, listed->file.path, was);
	came(l, listed);
}

static void
compare(struct ledger *l, const struct event *e)
{
	struct event_seen was;
	int known = recall(l, e->file.path, &was);

	if (known < 0)
		give_up(l);
	else if (known == 0)
		came(l, e);
	else if (is_untouched(&was, e->seen))
		return;
	else if (is_same_object(&was, e->seen))
		changed(l, e, &was);
	else
		replaced(l, e, &was);
}

static void
listed(struct ledger *l, const struct event *e)
{
	struct view path = e->file.path, dir = path_directory(path);

	if (e->seen != NULL)
		compare(l, e);
	if (l->listing && hashes_add(&l->met, key_of(dir, path_name(path))))
		give_up(l);
}

static void
dir_ended(struct ledger *l, const struct event *e)
{
	if (e->incomplete &&
	    hashes_add(&l->unlisted, key_of(e->file.path, VIEW_NONE)) != 0)
		give_up(l);
}

/* Nothing is there any more; was that told? */
static void
vanished(struct ledger *l, const struct event *e)
{
	struct view path = e->file.path;
	struct event_seen was;

	if (l->listing && !(e->acts & (ACT_DELETE | ACT_RENAME)) &&
	    recall(l, path, &was) == 1)
		tell_gone(l, path, &was);
	ledger_keep_gone(&l->keep, path, true);
}

/* While a list is compared, what was lost may be about this one, too. */
static void
refreshed(struct ledger *l, const struct event *e)
{
	if (e->seen != NULL && l->listing) {
		listed(l, e);
	} else if (e->seen != NULL) {
		l->counters.left_out += !has_room(l);
		remember(l, e->file.path, e->seen);
	} else {
		vanished(l, e);
	}
}

/* ---- beginning and end ----------------------------------------------- */

/* One that was made for other rules is of no use: the sensor will list again
 * for those in force. */
static void
begin(struct ledger *l, const struct event *e)
{
	end_list(l);
	if (e->watchset != watchset_hash(l->config.watchset))
		return;
	for (size_t i = 0; i < l->config.watchset->n; i++)
		if (watchset_add(&l->now, &l->config.watchset->v[i]) != 0) {
			give_up(l);
			return;
		}
	l->listing = true;
	l->counters.learned = l->counters.left_out = 0;
	l->time_ns = e->time_ns;
}

/* ---- what is gone ---------------------------------------------------- */

struct gone {
	int64_t dir;
	struct view name;
	struct event_seen was;
};

struct search {
	struct ledger *l;
	struct gone v[WORK_ROWS];
	size_t n;
	bool failed;
	struct arena arena; /* of names */
};

static void
add_row(void *ctx, int64_t dir, struct view name, const struct event_seen *was)
{
	struct search *s = ctx;
	struct view copy = arena_copy(&s->arena, name);

	s->failed |= name.n > 0 && copy.p == NULL;
	s->v[s->n++] = (struct gone){ dir, copy, *was };
}

/* The path of a directory, in at_path; false when it has none. */
static bool
find_path(struct ledger *l, int64_t dir)
{
	if (dir == l->path_dir)
		return true;
	buf_clear(&l->at_path);
	l->path_dir = 0;
	if (ledger_db_path(l->db, dir, &l->at_path) != 1)
		return false;
	l->path_dir = dir;
	return true;
}

static bool
is_met(const struct ledger *l, struct view dir, struct view name)
{
	return hashes_have(&l->met, key_of(dir, name)) ||
	       hashes_have(&l->unlisted, key_of(dir, VIEW_NONE));
}

/* Of places that are not watched any more nothing is known. */
static bool
is_missed(const struct ledger *l, struct view path)
{
	return l->knows && watchset_covers(&l->now, path) &&
	       watchset_covers(&l->before, path);
}

static void
look_at_row(struct ledger *l, const struct gone *g)
{
	bool named = find_path(l, g->dir);
	struct view dir = buf_view(&l->at_path);
	struct event_seen was = g->was;
	struct buf path = { 0 };

	if (named && is_met(l, dir, g->name))
		return;
	buf_put(&path, dir);
	buf_putc(&path, '/');
	buf_put(&path, g->name);
	if (!named || path.failed || !is_missed(l, buf_view(&path))) {
		check(l, ledger_db_drop(l->db, g->dir, g->name));
	} else if (ledger_keep_get(&l->keep, buf_view(&path), &was) !=
		   LEDGER_KEPT_GONE) {
		forget(l, buf_view(&path));
		tell_gone(l, buf_view(&path), &was);
	}
	buf_free(&path);
}

/* Of what the database does not have yet. */
static bool
look_at_kept(void *ledger, struct view path, const struct event_seen *was)
{
	struct ledger *l = ledger;

	if (is_met(l, path_directory(path), path_name(path)) ||
	    !is_missed(l, path))
		return false;
	tell_gone(l, path, was);
	return true;
}

static void
look_at_rows(struct ledger *l, const struct search *s)
{
	for (size_t i = 0; i < s->n; i++)
		look_at_row(l, &s->v[i]);
	if (s->n == 0)
		return;
	l->at_dir = s->v[s->n - 1].dir;
	buf_clear(&l->at_name);
	buf_put(&l->at_name, s->v[s->n - 1].name);
}

static enum ledger_work
finish(struct ledger *l)
{
	ledger_keep_each(&l->keep, look_at_kept, l);
	/* What a full disk has undone meanwhile was learned for this list. */
	check_undone(l);
	if (!l->listing)
		return LEDGER_BROKEN;
	if (ledger_db_sweep(l->db) != 0 ||
	    ledger_db_set_scope(l->db, &l->now) != 0) {
		give_up(l);
		return LEDGER_BROKEN;
	}
	watchset_free(&l->before);
	l->before = l->now;
	l->now = (struct watchset){ 0 };
	l->knows = l->before.n > 0;
	end_list(l);
	return LEDGER_WHOLE;
}

enum ledger_work
ledger_work(struct ledger *l)
{
	struct search *s;
	bool ended = l->ended;
	int n = -1;

	check_undone(l);
	if (!l->ended)
		return ended ? LEDGER_BROKEN : LEDGER_NOTHING;
	s = calloc(1, sizeof(*s));
	if (s != NULL)
		n = ledger_db_after(l->db, l->at_dir, buf_view(&l->at_name),
				    WORK_ROWS, add_row, s);
	if (n >= 0 && !s->failed)
		look_at_rows(l, s);
	if (n < 0 || s->failed || l->at_name.failed) {
		give_up(l);
		n = -1;
	}
	if (s != NULL)
		arena_free(&s->arena);
	free(s);
	if (n < 0)
		return LEDGER_BROKEN;
	return n < (int)WORK_ROWS ? finish(l) : LEDGER_MORE;
}

static bool
is_ignored(const struct ledger *l, const struct event *e)
{
	return l->config.ignored != NULL && e->file.path.n > 0 &&
	       e->kind != EVENT_LIST_DIR &&
	       l->config.ignored(l->config.ctx, e->file.path);
}

void
ledger_take(struct ledger *l, const struct event *e)
{
	check_undone(l);
	if (is_ignored(l, e))
		return;
	if (e->kind == EVENT_REFRESHED)
		refreshed(l, e);
	else if (e->kind == EVENT_LIST_BEGIN)
		begin(l, e);
	else if (!l->listing || l->ended)
		return;
	else if (e->kind == EVENT_LISTED)
		listed(l, e);
	else if (e->kind == EVENT_LIST_DIR)
		dir_ended(l, e);
	else if (e->kind == EVENT_LIST_END)
		l->ended = true;
}

void
ledger_mark(struct ledger *l, enum attribution how, uint64_t since_ns)
{
	l->how = how;
	l->since_ns = since_ns;
}

void
ledger_settle(struct ledger *l)
{
	ledger_keep_settle(&l->keep);
}

bool
ledger_lists(const struct ledger *l)
{
	return l->listing;
}
