/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fanotify sensor without a kernel: the tables of directories, names, and
 * events made by hand, whole and cut off.
 */
#include "fim/fan.h"

#include <linux/fanotify.h>
#include <setjmp.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- a small tree: /, /run (recursive), /etc (exact file) -------------------
 */

struct rig {
	struct sensor s;
	struct fan_tree t;
	struct fan_dir *run, *etc;
	struct buf event;
};

/* fsid, handle_bytes 4, type 1, then the number. */
static struct view
id_of(uint32_t n, char id[20])
{
	const uint32_t words[5] = { 7, 9, 4, 1, n };

	memcpy(id, words, sizeof(words));
	return (struct view){ id, 20 };
}

static struct fan_dir *
add_dir(struct rig *r, struct fan_dir *parent, const char *name, uint32_t n)
{
	char id[20];
	struct fan_dir *d =
		fan_dir_new(&r->t, parent, view_of(name), id_of(n, id));

	assert_non_null(d);
	return d;
}

static void
no_room(void *ctx, struct fan_dir *d)
{
	(void)ctx;
	(void)d;
}

static int
no_mark(void *ctx, struct fan_dir *d, int fd, uint64_t mask)
{
	(void)ctx;
	(void)d;
	(void)fd;
	(void)mask;
	return -1;
}

static void
no_unmark(void *ctx, struct fan_dir *d, int at)
{
	(void)ctx;
	(void)d;
	(void)at;
}

static int
setup(void **state)
{
	static const struct fan_cause quiet = { .why = WHY_QUIET };
	const struct watch run = { .path = VIEW("/run"), .recursive = true };
	const struct watch passwd = { .path = VIEW("/etc/passwd") };
	struct rig *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	r->s.tree = &r->t;
	r->s.has_target = r->s.has_rename = r->s.has_pidfd = true;
	r->s.self = 4242;
	r->s.last_pidfd = -1;
	r->s.now_ns = 1000;
	r->s.found.max = r->s.dirty.max = 4;
	r->t.mark = no_mark;
	r->t.unmark = no_unmark;
	r->t.cause = &quiet;
	r->t.max_dirs = 1000;
	r->t.by_place.which = FAN_BY_PLACE;
	r->t.found = fan_take_found;
	r->t.full = no_room;
	r->t.ctx = &r->s;
	r->t.top = add_dir(r, NULL, "", 1);
	assert_int_equal(fan_goal_of_watch(&r->t, &run), 0);
	r->run = add_dir(r, r->t.top, "run", 2);
	assert_int_equal(fan_claim_add(&r->t, r->run, r->t.goals, 1), 0);
	assert_int_equal(fan_goal_of_watch(&r->t, &passwd), 0);
	r->etc = add_dir(r, r->t.top, "etc", 3);
	assert_int_equal(fan_claim_add(&r->t, r->etc, r->t.goals, 1), 0);
	fan_dir_reroot(&r->t, r->t.top);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	fan_batch_free(&r->s.batch);
	fan_keep_free(&r->s.found);
	fan_keep_free(&r->s.dirty);
	fan_tree_free(&r->t);
	buf_free(&r->event);
	free(r);
	return 0;
}

/* ---- events by hand -------------------------------------------------- */

static void
put(struct buf *b, const void *p, size_t n)
{
	buf_put(b, (struct view){ p, n });
}

static void
begin(struct rig *r, uint64_t mask, int32_t pid)
{
	struct fanotify_event_metadata meta = {
		.metadata_len = FAN_EVENT_METADATA_LEN,
		.vers = FANOTIFY_METADATA_VERSION,
		.mask = mask,
		.fd = FAN_NOFD,
		.pid = pid,
	};

	buf_clear(&r->event);
	put(&r->event, &meta, sizeof(meta));
}

static void
info(struct rig *r, uint8_t type, uint32_t n, const char *name)
{
	size_t name_n = name ? strlen(name) + 1 : 0;
	struct fanotify_event_info_header h = {
		.info_type = type,
		.len = (uint16_t)(sizeof(h) + 20 + name_n),
	};
	char id[20];

	put(&r->event, &h, sizeof(h));
	buf_put(&r->event, id_of(n, id));
	if (name)
		put(&r->event, name, name_n);
}

static void
take_bytes(struct rig *r, size_t n)
{
	struct fanotify_event_metadata meta;
	/* A copy of just that size: reading past it is found. */
	char *p = malloc(n);

	assert_non_null(p);
	memcpy(p, r->event.p, n);
	memcpy(&meta, p, sizeof(meta));
	meta.event_len = (uint32_t)n;
	fan_take(&r->s, &meta, p);
	free(p);
}

static void
take(struct rig *r)
{
	take_bytes(r, r->event.n);
}

static void
act(struct rig *r, uint64_t mask, int32_t pid, uint32_t dir, uint32_t file,
    const char *name)
{
	begin(r, mask, pid);
	info(r, FAN_EVENT_INFO_TYPE_DFID_NAME, dir, name);
	info(r, FAN_EVENT_INFO_TYPE_FID, file, NULL);
	take(r);
}

/* "KIND pid path[<old][|alias]", one word each. */
static void
expect(struct rig *r, const char *want)
{
	static const char *const kinds[EVENT_KINDS] = {
#define EVENT(kind, action, category, type, aliases) #kind,
#include "fim/events.def"
#undef EVENT
	};
	struct buf out = { 0 };

	for (size_t i = 0; i < r->s.batch.n; i++) {
		struct event e;

		fan_record_event(&r->s.batch.v[i], &e);
		buf_printf(&out, "%s%s %u ", i ? ", " : "", kinds[e.kind],
			   e.key.pid);
		buf_put(&out, e.kind == EVENT_LOSS ? e.scope : e.file.path);
		if (e.file.old_path.n > 0) {
			buf_putc(&out, '<');
			buf_put(&out, e.file.old_path);
		}
		if (e.file.aliases.n > 0) {
			buf_putc(&out, '|');
			buf_put(&out, view_sub(e.file.aliases, 0,
					       e.file.aliases.n - 1));
		}
	}
	buf_putc(&out, '\0');
	assert_string_equal(out.p, want);
	buf_free(&out);
	fan_batch_clear(&r->s.batch);
}

static void
test_merged(void **state)
{
	struct rig *r = *state;

	act(r, FAN_CREATE | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB, 9, 2, 50,
	    "x");
	expect(r, "CREATE 9 /run/x, ATTRIBUTES 9 /run/x, MODIFY 9 /run/x");
	/* There is no such file now: the deletion was last. */
	act(r, FAN_CREATE | FAN_DELETE | FAN_MODIFY, 9, 2, 50,
	    "tocsin-no-such-file");
	expect(r, "CREATE 9 /run/tocsin-no-such-file, "
		  "MODIFY 9 /run/tocsin-no-such-file, "
		  "DELETE 9 /run/tocsin-no-such-file");
}

static void
test_modify_at_close(void **state)
{
	struct rig *r = *state;

	act(r, FAN_MODIFY, 9, 2, 50, "x");
	act(r, FAN_MODIFY, 9, 2, 50, "x");
	expect(r, "");
	act(r, FAN_CLOSE_WRITE, 9, 2, 50, "x");
	expect(r, "MODIFY 9 /run/x");
	act(r, FAN_CLOSE_WRITE, 9, 2, 50, "x");
	expect(r, "");
	/* Another process closes: whoever wrote is named. */
	act(r, FAN_MODIFY, 9, 2, 50, "x");
	act(r, FAN_CLOSE_WRITE, 10, 2, 50, "x");
	expect(r, "MODIFY 9 /run/x");
	/* Two writers: each at its own close. */
	act(r, FAN_MODIFY, 9, 2, 50, "x");
	act(r, FAN_MODIFY, 10, 2, 50, "x");
	act(r, FAN_CLOSE_WRITE, 10, 2, 50, "x");
	expect(r, "MODIFY 10 /run/x");
	act(r, FAN_CLOSE_WRITE, 9, 2, 50, "x");
	expect(r, "MODIFY 9 /run/x");
	/* Before the name goes. */
	act(r, FAN_MODIFY, 9, 2, 50, "x");
	act(r, FAN_DELETE, 11, 2, 50, "x");
	expect(r, "MODIFY 9 /run/x, DELETE 11 /run/x");
}

/* The table of open writers is full: the oldest is told early, none lost. */
static void
test_modify_many(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	struct rig *r = *state;

	for (uint32_t i = 0; i < ARRAY_LEN(names); i++)
		act(r, FAN_MODIFY, 9, 2, 50 + i, names[i]);
	expect(r, "MODIFY 9 /run/a, MODIFY 9 /run/b");
	assert_int_equal(r->s.dirty.n, 4);
}

static void
test_rename(void **state)
{
	struct rig *r = *state;

	begin(r, FAN_RENAME, 9);
	info(r, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 2, "a");
	info(r, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 2, "b");
	info(r, FAN_EVENT_INFO_TYPE_FID, 50, NULL);
	take(r);
	expect(r, "RENAME 9 /run/b</run/a");
	begin(r, FAN_RENAME, 9);
	info(r, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 2, "b");
	info(r, FAN_EVENT_INFO_TYPE_FID, 50, NULL);
	take(r);
	expect(r, "RENAME 9 /run/b");
	begin(r, FAN_RENAME, 9);
	info(r, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 2, "b");
	info(r, FAN_EVENT_INFO_TYPE_FID, 50, NULL);
	take(r);
	expect(r, "DELETE 9 /run/b");
	begin(r, FAN_RENAME, 9);
	info(r, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 3, "other");
	info(r, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 3, "another");
	info(r, FAN_EVENT_INFO_TYPE_FID, 50, NULL);
	take(r);
	expect(r, "");
	begin(r, FAN_RENAME, 9);
	info(r, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 3, "passwd");
	info(r, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 1, "away");
	info(r, FAN_EVENT_INFO_TYPE_FID, 50, NULL);
	take(r);
	expect(r, "RENAME 9 /away</etc/passwd");
}

static void
test_who(void **state)
{
	struct rig *r = *state;

	act(r, FAN_CREATE, 4242, 2, 50, "own");
	expect(r, "");
	act(r, FAN_CREATE, 0, 2, 50, "foreign");
	assert_int_equal(r->s.batch.v[0].attribution, ATTRIBUTION_NONE);
	expect(r, "CREATE 0 /run/foreign");
	act(r, FAN_CREATE, 9, 99, 50, "stray");
	expect(r, "");
	assert_int_equal(r->s.stray, 1);
	act(r, FAN_CREATE, 9, 3, 50, "group");
	act(r, FAN_CREATE, 9, 3, 51, "PASSWD");
	expect(r, "CREATE 9 /etc/PASSWD");
}

/* A directory's own event is told of its name in the parent. */
static void
test_self(void **state)
{
	struct rig *r = *state;

	add_dir(r, r->run, "d", 60);
	begin(r, FAN_ATTRIB | FAN_ONDIR, 9);
	info(r, FAN_EVENT_INFO_TYPE_DFID_NAME, 60, ".");
	take(r);
	expect(r, "ATTRIBUTES 9 /run/d");
	begin(r, FAN_ATTRIB | FAN_ONDIR, 9);
	info(r, FAN_EVENT_INFO_TYPE_DFID, 60, NULL);
	take(r);
	expect(r, "ATTRIBUTES 9 /run/d");
	begin(r, FAN_ATTRIB | FAN_ONDIR, 9);
	info(r, FAN_EVENT_INFO_TYPE_DFID_NAME, 1, ".");
	take(r);
	expect(r, "");
}

static void
test_overflow(void **state)
{
	struct rig *r = *state;
	struct event e;

	begin(r, FAN_Q_OVERFLOW, 0);
	take(r);
	assert_true(r->s.rescan);
	fan_record_event(&r->s.batch.v[0], &e);
	assert_int_equal(e.lost, 1);
	assert_true(e.again);
	assert_true(view_eq(e.cause, VIEW("the kernel's queue was full")));
	expect(r, "LOSS 0 file events");
}

/* Cut off anywhere, with any length and any bit turned: nothing is read past
 * the end. */
static void
test_broken_events(void **state)
{
	struct rig *r = *state;
	size_t n;

	begin(r, FAN_RENAME, 9);
	info(r, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 2, "a");
	info(r, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 2, "b");
	info(r, FAN_EVENT_INFO_TYPE_FID, 50, NULL);
	for (n = FAN_EVENT_METADATA_LEN; n <= r->event.n; n++)
		take_bytes(r, n);
	fan_batch_clear(&r->s.batch);
	n = r->event.n;
	for (size_t bit = 8 * FAN_EVENT_METADATA_LEN; bit < 8 * n; bit++) {
		r->event.p[bit / 8] ^= (char)(1 << bit % 8);
		take_bytes(r, n);
		r->event.p[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_true(r->s.batch.n > 0);
}

/* ---- files met by a listing ------------------------------------------ */

static void
meet(struct rig *r, struct fan_dir *d, const char *name)
{
	const struct fan_cause made = { .why = WHY_CREATE, .pid = 9 };

	r->t.cause = &made;
	/* No such descriptor: the object's id stays unknown. */
	fan_take_found(&r->s, d, -1, view_of(name), false);
}

static void
test_found(void **state)
{
	struct rig *r = *state;
	struct event e;

	meet(r, r->run, "f");
	meet(r, r->run, "f");
	assert_int_equal(r->s.found.n, 1);
	expect(r, "");
	assert_true(fan_keep_emit(&r->s.found, r->s.found.first, &r->s.batch));
	fan_record_event(&r->s.batch.v[0], &e);
	assert_int_equal(e.file.maker_pid, 9);
	assert_int_equal(e.attribution, ATTRIBUTION_LOST);
	expect(r, "CREATE 0 /run/f");
	/* Its own event follows: that one is told. */
	r->s.has_target = false;
	meet(r, r->run, "g");
	act(r, FAN_CREATE, 11, 2, 50, "g");
	expect(r, "CREATE 11 /run/g");
	assert_int_equal(r->s.found.n, 0);
	/* It is changed first: the creation comes before. */
	meet(r, r->run, "h");
	act(r, FAN_ATTRIB, 11, 2, 50, "h");
	expect(r, "CREATE 0 /run/h, ATTRIBUTES 11 /run/h");
	/* Written by who made the directory. */
	meet(r, r->run, "i");
	act(r, FAN_MODIFY | FAN_CLOSE_WRITE, 9, 2, 50, "i");
	expect(r, "CREATE 9 /run/i, MODIFY 9 /run/i");
	meet(r, r->run, "j");
	act(r, FAN_MODIFY | FAN_CLOSE_WRITE, 11, 2, 50, "j");
	expect(r, "CREATE 0 /run/j, MODIFY 11 /run/j");
}

static void
test_found_full(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		meet(r, r->run, names[i]);
	assert_int_equal(r->s.found.n, 4);
	expect(r, "LOSS 0 files in a new directory");
}

/* ---- directories ----------------------------------------------------- */

static void
test_move(void **state)
{
	struct rig *r = *state;
	struct fan_dir *a = add_dir(r, r->run, "a", 60);
	struct fan_dir *b = add_dir(r, a, "b", 61);
	struct fan_dir *c = add_dir(r, b, "c", 62);

	assert_string_equal(c->path, "/run/a/b/c");
	assert_ptr_equal(c->root, r->run);
	assert_int_equal(r->run->below, 3);
	assert_int_equal(fan_dir_move(&r->t, b, r->run, VIEW("longer")), 0);
	assert_string_equal(c->path, "/run/longer/c");
	assert_ptr_equal(fan_child(&r->t, r->run, VIEW("longer")), b);
	assert_null(fan_child(&r->t, a, VIEW("b")));
	assert_ptr_equal(fan_child(&r->t, b, VIEW("c")), c);
	/* Out of sight and back, as an exchange does. */
	fan_dir_detach(&r->t, b, true);
	assert_true(c->gone);
	assert_null(fan_child(&r->t, r->run, VIEW("longer")));
	act(r, FAN_CREATE, 9, 62, 50, "late");
	expect(r, "");
	assert_int_equal(fan_dir_move(&r->t, b, a, VIEW("z")), 0);
	assert_false(c->gone);
	assert_null(r->t.limbo);
	act(r, FAN_CREATE, 9, 62, 50, "f");
	expect(r, "CREATE 9 /run/a/z/c/f");
	/* Away for good. */
	fan_dir_detach(&r->t, a, false);
	assert_int_equal(r->run->below, 0);
	fan_sweep(&r->t);
	assert_int_equal(r->t.by_id.n, 3);
	assert_int_equal(r->t.path_bytes, strlen("/run") + strlen("/etc"));
}

static void
test_aliases(void **state)
{
	struct rig *r = *state;
	const struct watch var = { .path = VIEW("/var/run"),
				   .recursive = true };
	struct fan_dir *v = add_dir(r, r->t.top, "var", 70);
	struct fan_claim claim;

	assert_int_equal(fan_goal_of_watch(&r->t, &var), 0);
	claim = (struct fan_claim){ .goal = r->t.goals, .depth = 1 };
	assert_int_equal(fan_goal_of_link(&r->t, &claim, v, VIEW("run"),
					  VIEW("../run"), VIEW("/run")),
			 0);
	assert_int_equal(fan_goal_of_link(&r->t, &claim, v, VIEW("run"),
					  VIEW("../run"), VIEW("/run")),
			 1);
	assert_int_equal(fan_claim_add(&r->t, r->run, r->t.goals, 1), 0);
	fan_dir_reroot(&r->t, r->run);
	act(r, FAN_CREATE, 9, 2, 50, "x");
	expect(r, "CREATE 9 /run/x|/var/run/x");
	add_dir(r, r->run, "d", 71);
	act(r, FAN_CREATE, 9, 71, 50, "x");
	expect(r, "CREATE 9 /run/d/x|/var/run/d/x");
	/* The link goes, and with it its name. */
	assert_int_equal(v->n_owned, 1);
	fan_goal_kill(&r->t, r->t.goals);
	act(r, FAN_CREATE, 9, 71, 50, "y");
	expect(r, "CREATE 9 /run/d/y");
}

/* Both tables against a plain list, through any order of coming and going. */
static void
test_tables(void **state)
{
	struct rig *r = *state;
	struct fan_dir *v[300] = { 0 };
	uint64_t seed = 12345;
	char id[20], name[16];

	for (int step = 0; step < 20000; step++) {
		uint32_t i;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		i = (uint32_t)(seed >> 33) % ARRAY_LEN(v);
		snprintf(name, sizeof(name), "%u", i);
		if (v[i]) {
			fan_dir_detach(&r->t, v[i], false);
			fan_sweep(&r->t);
			v[i] = NULL;
		} else {
			v[i] = add_dir(r, r->run, name, 1000 + i);
		}
		if (step % 500)
			continue;
		for (i = 0; i < ARRAY_LEN(v); i++) {
			snprintf(name, sizeof(name), "%u", i);
			assert_ptr_equal(fan_find(&r->t, id_of(1000 + i, id)),
					 v[i]);
			assert_ptr_equal(
				fan_child(&r->t, r->run, view_of(name)), v[i]);
		}
	}
}

static size_t
count_below(struct fan_dir *top)
{
	size_t n = 0;

	for (struct fan_dir *d = top; d; d = fan_next(top, d))
		n++;
	return n;
}

/* What was taken away with the folder around it is met again elsewhere: it was
 * known under a path that meant another folder by then. */
static void
test_back_from_limbo(void **state)
{
	struct rig *r = *state;
	struct fan_dir *a = add_dir(r, r->run, "a", 10);
	struct fan_dir *b = add_dir(r, a, "b", 11), *c = add_dir(r, b, "c", 12);
	struct fan_dir *d = add_dir(r, b, "d", 13);
	struct fan_dir *e = add_dir(r, r->run, "e", 14);
	char id[20];

	fan_dir_detach(&r->t, a, true);
	assert_true(c->gone);
	assert_int_equal(fan_dir_move(&r->t, c, e, VIEW("x")), 0);
	assert_false(c->gone);
	assert_ptr_equal(c->parent, e);
	assert_ptr_equal(fan_child(&r->t, e, VIEW("x")), c);
	assert_null(fan_child(&r->t, b, VIEW("c")));
	assert_ptr_equal(b->child, d);
	assert_null(d->prev);
	assert_string_equal(c->path, "/run/e/x");
	assert_int_equal(count_below(a), 3);
	fan_sweep(&r->t);
	assert_int_equal(count_below(r->t.top), 5); /* run, etc, e, x */
	assert_null(fan_find(&r->t, id_of(11, id)));
	assert_ptr_equal(fan_find(&r->t, id_of(12, id)), c);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_merged),	TEST(test_modify_at_close),
		TEST(test_modify_many), TEST(test_rename),
		TEST(test_who),		TEST(test_self),
		TEST(test_overflow),	TEST(test_broken_events),
		TEST(test_found),	TEST(test_found_full),
		TEST(test_move),	TEST(test_aliases),
		TEST(test_tables),	TEST(test_back_from_limbo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
