/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process table: identity over pid reuse, pinned images, family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fim/image.h"

#define SECOND NS_PER_SEC

static struct event
event(enum event_kind kind, uint32_t pid, uint64_t start_ns, uint64_t time_ns)
{
	struct event e = {
		.kind = kind,
		.time_ns = time_ns,
		.key = { pid, start_ns },
		.pidfd = -1,
		.proc.sid = pid,
	};

	return e;
}

static struct proc *
run_at(struct procs *t, uint32_t pid, uint64_t start_ns, const char *given,
       uint64_t time_ns)
{
	struct event e = event(EVENT_EXEC, pid, start_ns, time_ns);

	e.proc.parent = (struct proc_key){ 1, 0 };
	e.exec.given = e.exec.image = e.exec.interp = view_of(given);
	e.exec.cwd = VIEW("/");
	return procs_apply(t, &e);
}

static struct proc *
run(struct procs *t, uint32_t pid, uint64_t start_ns, const char *given,
    struct proc_key parent)
{
	struct event e = event(EVENT_EXEC, pid, start_ns, start_ns);

	e.proc.parent = parent;
	e.exec.given = e.exec.image = e.exec.interp = view_of(given);
	e.exec.cwd = VIEW("/");
	return procs_apply(t, &e);
}

static struct proc *
fork_of(struct procs *t, uint32_t pid, uint64_t start_ns,
	struct proc_key parent)
{
	struct event e = event(EVENT_FORK, pid, start_ns, start_ns);

	e.proc.parent = parent;
	return procs_apply(t, &e);
}

static void
leave(struct procs *t, struct proc_key key, uint64_t time_ns)
{
	struct event e = event(EVENT_EXIT, key.pid, key.start_ns, time_ns);

	procs_apply(t, &e);
}

static void
act(struct procs *t, struct proc_key key, const char *name, uint64_t time_ns)
{
	struct event e = event(EVENT_NAME_ACT, key.pid, key.start_ns, time_ns);

	e.file.path = view_of(name);
	procs_apply(t, &e);
}

static struct author
author_of(struct procs *t, uint32_t pid, const char *path, uint64_t time_ns)
{
	struct event e = event(EVENT_CREATE, pid, 0, time_ns);

	e.file.path = view_of(path);
	return procs_author(t, &e);
}

static struct procs *
table(struct procs_options options)
{
	struct procs *t = procs_new(&options);

	assert_non_null(t);
	return t;
}

#define assert_view(v, literal)                                        \
	do {                                                           \
		struct view seen = (v);                                \
		assert_int_equal(seen.n, strlen(literal));             \
		assert_memory_equal(seen.p, literal, strlen(literal)); \
	} while (0)

static void
test_pid_reuse(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *old =
		run(t, 7, 100, "/bin/old", (struct proc_key){ 1, 0 });
	struct proc *new;

	(void)unused;
	leave(t, old->key, 200);
	new = run(t, 7, 300, "/bin/new", (struct proc_key){ 1, 0 });
	assert_ptr_not_equal(old, new);
	assert_ptr_equal(procs_find(t, (struct proc_key){ 7, 100 }), old);
	assert_ptr_equal(procs_find(t, (struct proc_key){ 7, 300 }), new);
	assert_ptr_equal(procs_newest(t, 7), new);
	assert_view(old->image->name, "old");
	assert_view(new->image->name, "new");
	assert_true(old->exited);
	assert_false(new->exited);
	procs_free(t);
}

/* The exit was lost: the pid's next holder proves it. */
static void
test_lost_exit(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *old =
		run(t, 7, 100, "/bin/old", (struct proc_key){ 1, 0 });

	(void)unused;
	fork_of(t, 7, 500, (struct proc_key){ 1, 0 });
	assert_true(old->exited);
	procs_free(t);
}

static void
test_fork_keeps_the_image_of_its_moment(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *parent, *child;

	(void)unused;
	parent = run(t, 5, 10, "/bin/first", (struct proc_key){ 1, 0 });
	child = fork_of(t, 6, 20, parent->key);
	run(t, 5, 10, "/bin/second", (struct proc_key){ 1, 0 });
	assert_view(child->image->name, "first");
	assert_view(parent->image->name, "second");
	assert_view(parent->image->previous, "/bin/first");
	assert_ptr_equal(child->parent, parent);
	procs_free(t);
}

static void
test_parent_outlives_its_grace(void **unused)
{
	struct procs *t = table((struct procs_options){ .grace_ns = SECOND });
	struct proc *grandparent, *parent, *child;

	(void)unused;
	grandparent = run(t, 5, 10, "/bin/a", (struct proc_key){ 1, 0 });
	parent = fork_of(t, 6, 20, grandparent->key);
	child = fork_of(t, 7, 30, parent->key);
	leave(t, grandparent->key, 40);
	leave(t, parent->key, 50);
	procs_expire(t, 10 * SECOND);
	assert_null(procs_newest(t, 5));
	assert_null(procs_newest(t, 6));
	assert_int_equal(child->parent->key.pid, 6);
	assert_view(child->parent->parent->image->name, "a");
	assert_int_equal(procs_count(t).known, 1);
	assert_int_equal(procs_count(t).exited, 0);
	procs_free(t);
}

static void
test_the_dead_are_capped(void **unused)
{
	struct procs *t = table((struct procs_options){ .max_exited = 10 });

	(void)unused;
	for (uint32_t pid = 2; pid < 1002; pid++) {
		struct proc *p =
			run(t, pid, pid, "/bin/x", (struct proc_key){ 1, 0 });

		leave(t, p->key, pid);
	}
	assert_int_equal(procs_count(t).exited, 10);
	assert_int_equal(procs_count(t).known, 10);
	assert_int_equal(procs_count(t).evicted, 990);
	procs_free(t);
}

/* bash creates by redirection, then becomes cat: the file is bash's. */
static void
test_author_is_the_image_of_the_act(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });
	struct author who;

	(void)unused;
	act(t, p->key, "x.pid", 110);
	run(t, 9, 100, "/bin/cat", (struct proc_key){ 1, 0 });
	who = author_of(t, 9, "/run/x.pid", 120);
	assert_ptr_equal(who.proc, p);
	assert_view(who.image->name, "bash");
	who = author_of(t, 9, "/run/other.pid", 120);
	assert_view(who.image->name, "cat");
	procs_free(t);
}

/* A file met in a new directory has no process of its own. */
static void
test_author_is_the_maker_only_with_its_act(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *maker =
		run(t, 9, 100, "/bin/sh", (struct proc_key){ 1, 0 });
	struct event e = event(EVENT_CREATE, 0, 0, 130);

	(void)unused;
	act(t, maker->key, "x.timer", 110);
	e.file.path = VIEW("/etc/new/x.timer");
	assert_null(procs_author(t, &e).proc);
	e.file.maker_pid = 9;
	assert_ptr_equal(procs_author(t, &e).proc, maker);
	e.file.path = VIEW("/etc/new/y.timer");
	assert_null(procs_author(t, &e).proc);
	procs_free(t);
}

static void
test_author_in_doubt_is_nobody(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *old =
		run(t, 9, 100, "/bin/one", (struct proc_key){ 1, 0 });

	(void)unused;
	leave(t, old->key, 200);
	run(t, 9, 300, "/bin/two", (struct proc_key){ 1, 0 });
	assert_null(author_of(t, 9, "/run/x", 400).proc);
	/* Long after, only the living one can have done it. */
	assert_int_equal(
		author_of(t, 9, "/run/x", 5 * SECOND).proc->key.start_ns, 300);
	/* A name act decides at once. */
	act(t, (struct proc_key){ 9, 100 }, "x", 190);
	assert_int_equal(author_of(t, 9, "/run/x", 400).proc->key.start_ns,
			 100);
	assert_null(author_of(t, 0, "/run/x", 400).proc);
	procs_free(t);
}

/* Without a name act the event had been read before the exec. */
static void
test_author_at_the_time_of_reading(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });

	(void)unused;
	run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });
	run_at(t, 9, 100, "/bin/cat", 500);
	assert_view(author_of(t, 9, "/run/x", 499).image->name, "bash");
	assert_view(author_of(t, 9, "/run/x", 500).image->name, "cat");
	procs_free(t);
}

/* A name act speaks for one event: the next one is of now. */
static void
test_act_is_spent(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });

	(void)unused;
	act(t, p->key, "x", 110);
	run_at(t, 9, 100, "/bin/cat", 111);
	/* Still waiting when cat ends: bash's all the same. */
	act(t, p->key, "x", 120);
	assert_view(author_of(t, 9, "/run/x", 130).image->name, "bash");
	assert_view(author_of(t, 9, "/run/x", 130).image->name, "bash");
	assert_view(author_of(t, 9, "/run/x", 140).image->name, "cat");
	procs_free(t);
}

/* bash's creation is read at once and told late; cat's close of the file
 * still waits when cat ends. */
static void
test_act_is_not_of_what_was_read_before(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });

	(void)unused;
	run_at(t, 9, 100, "/bin/cat", 111);
	act(t, p->key, "x", 120);
	assert_view(author_of(t, 9, "/run/x", 105).image->name, "bash");
	assert_view(author_of(t, 9, "/run/x", 121).image->name, "cat");
	procs_free(t);
}

/* An end that told of all that waits leaves no doubt about what it did not
 * name. */
static void
test_told_end_leaves_no_doubt(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *old =
		run(t, 9, 100, "/bin/one", (struct proc_key){ 1, 0 });
	struct event end = event(EVENT_EXIT, 9, 100, 200);

	(void)unused;
	end.told = true;
	procs_apply(t, &end);
	assert_true(old->exited);
	run(t, 9, 300, "/bin/two", (struct proc_key){ 1, 0 });
	assert_int_equal(author_of(t, 9, "/run/x", 150).proc->key.start_ns,
			 100);
	assert_int_equal(author_of(t, 9, "/run/x", 400).proc->key.start_ns,
			 300);
	procs_free(t);
}

/* The journal dates a message when it takes it in: its writer may have gone. */
static void
test_message_of_one_that_ended(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p =
		run(t, 9, 100, "/sbin/groupadd", (struct proc_key){ 1, 0 });
	struct event end = event(EVENT_EXIT, 9, 100, 200);
	struct event said = event(EVENT_LOG_MESSAGE, 9, 0, 210);

	(void)unused;
	end.told = true;
	procs_apply(t, &end);
	assert_ptr_equal(procs_author(t, &said).proc, p);
	run(t, 9, 205, "/bin/two", (struct proc_key){ 1, 0 });
	assert_null(procs_author(t, &said).proc);
	procs_free(t);
}

/* As many more as can be remembered of which none is asked for. */
static void
push_out_acts(struct procs *t, struct proc_key key, uint64_t time_ns)
{
	char name[8];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "%d", i);
		act(t, key, name, time_ns);
	}
}

/* More acts wait than can be remembered: who ended is still the one, but not
 * for what an earlier image of it has done. */
static void
test_act_pushed_out(void **unused)
{
	struct procs *t = table((struct procs_options){ .max_acts = 1 });
	struct proc *p = run(t, 9, 100, "/bin/one", (struct proc_key){ 1, 0 });
	struct proc *q = run(t, 8, 100, "/bin/sh", (struct proc_key){ 1, 0 });
	struct event end = event(EVENT_EXIT, 9, 100, 200);

	(void)unused;
	act(t, p->key, "x", 199);
	end.told = true;
	procs_apply(t, &end);
	act(t, q->key, "z", 201);
	push_out_acts(t, q->key, 201);
	assert_ptr_equal(author_of(t, 9, "/run/x", 5 * NS_PER_SEC).proc, p);
	run_at(t, 8, 100, "/bin/cat", 202);
	end = event(EVENT_EXIT, 8, 100, 203);
	end.told = true;
	procs_apply(t, &end);
	push_out_acts(t, p->key, 204);
	assert_null(author_of(t, 8, "/run/z", 5 * NS_PER_SEC).proc);
	procs_free(t);
}

/* The oldest gives way, asked for or not; which names share a set is luck, so
 * here there is but one. */
static void
test_oldest_act_is_pushed_out(void **unused)
{
	struct procs *t = table((struct procs_options){ .max_acts = 15 });
	struct proc *p = run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });
	const char *names[] = {
		"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7"
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		act(t, p->key, names[i] + 1, 110 + i);
	run_at(t, 9, 100, "/bin/cat", 121);
	assert_view(author_of(t, 9, names[7], 130).image->name, "bash");
	act(t, p->key, "late", 131);
	act(t, p->key, "later", 132);
	assert_view(author_of(t, 9, names[0], 140).image->name, "cat");
	assert_view(author_of(t, 9, names[1], 140).image->name, "cat");
	for (size_t i = 2; i < 7; i++)
		assert_view(author_of(t, 9, names[i], 140).image->name, "bash");
	assert_view(author_of(t, 9, names[7], 130).image->name, "bash");
	procs_free(t);
}

/* In many sets each act is found again. */
static void
test_acts_in_many_sets(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });
	char name[8];

	(void)unused;
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "%d", i);
		act(t, p->key, name, 110);
	}
	run_at(t, 9, 100, "/bin/cat", 121);
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "/%d", i);
		assert_view(author_of(t, 9, name, 130).image->name, "bash");
	}
	procs_free(t);
}

/* Who is remembered only for what it did is forgotten a grace time after its
 * end, with its ancestors. */
static void
test_acts_of_the_dead_are_forgotten(void **unused)
{
	struct procs *t = table((struct procs_options){
		.grace_ns = SECOND, .max_exited = 1, .max_acts = 256 });
	struct proc *p = run(t, 8, 100, "/bin/sh", (struct proc_key){ 1, 0 });

	(void)unused;
	p = run(t, 9, 100, "/bin/one", p->key);
	act(t, p->key, "x", 199);
	leave(t, p->key, 200);
	leave(t, (struct proc_key){ 8, 100 }, 201);
	run(t, 7, 100, "/bin/two", (struct proc_key){ 1, 0 });
	leave(t, (struct proc_key){ 7, 100 }, 202);
	assert_int_equal(procs_count(t).ancestors, 2);
	for (int i = 0; i < 4; i++)
		procs_expire(t, SECOND);
	assert_ptr_equal(author_of(t, 9, "/run/x", SECOND).proc, p);
	for (int i = 0; i < 4; i++)
		procs_expire(t, SECOND + 201);
	assert_int_equal(procs_count(t).ancestors, 0);
	assert_null(author_of(t, 9, "/run/x", SECOND).proc);
	procs_free(t);
}

/* Creation and close waited when it ended, and were read in two batches. */
static void
test_act_speaks_for_the_dead(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 9, 100, "/bin/one", (struct proc_key){ 1, 0 });
	struct event end = event(EVENT_EXIT, 9, 100, 200);

	(void)unused;
	act(t, p->key, "x", 199);
	end.told = true;
	procs_apply(t, &end);
	assert_ptr_equal(author_of(t, 9, "/run/x", 210).proc, p);
	assert_ptr_equal(author_of(t, 9, "/run/x", 220).proc, p);
	assert_null(author_of(t, 9, "/run/y", 220).proc);
	/* A successor is likelier to act on that name again. */
	run(t, 9, 300, "/bin/two", (struct proc_key){ 1, 0 });
	assert_int_equal(author_of(t, 9, "/run/x", 310).proc->key.start_ns,
			 300);
	procs_free(t);
}

/* An act of a process long dead does not speak for the pid's new holder. */
/* The queue was long: its author has ended seconds before it is read. */
static void
test_late_event_of_the_only_one(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 9, 100, "/bin/one", (struct proc_key){ 1, 0 });

	(void)unused;
	leave(t, p->key, 200);
	assert_ptr_equal(author_of(t, 9, "/run/x", 9 * SECOND).proc, p);
	procs_free(t);
}

/* Before the read ended or after it, there is no doubt; in between there is. */
static void
test_exec_during_a_read(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct event e = event(EVENT_CREATE, 9, 0, 1000000);
	struct event x = event(EVENT_EXEC, 9, 100, 1100000);
	struct author who;

	(void)unused;
	run(t, 9, 100, "/bin/bash", (struct proc_key){ 1, 0 });
	x.exec.given = VIEW("/bin/quick");
	procs_apply(t, &x);
	e.file.path = VIEW("/run/x");
	e.read_ns = 1050000;
	who = procs_author(t, &e);
	assert_view(who.image->name, "bash");
	assert_null(who.before);
	e.read_ns = 1150000; /* too short for a new image */
	who = procs_author(t, &e);
	assert_view(who.image->name, "bash");
	assert_null(who.before);
	e.read_ns = 2000000;
	who = procs_author(t, &e);
	assert_view(who.image->name, "quick");
	assert_view(who.before->name, "bash");
	e.time_ns = 1120000;
	who = procs_author(t, &e);
	assert_view(who.image->name, "quick");
	assert_null(who.before);
	procs_free(t);
}

static void
test_stale_act(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *old =
		run(t, 9, 100, "/bin/one", (struct proc_key){ 1, 0 });

	(void)unused;
	act(t, old->key, "x", 110);
	leave(t, old->key, 200);
	run(t, 9, 5 * SECOND, "/bin/two", (struct proc_key){ 1, 0 });
	assert_view(author_of(t, 9, "/run/x", 6 * SECOND).image->name, "two");
	procs_free(t);
}

static void
test_ticks_of_proc(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	uint64_t exact = 12345678901, ticks = exact - exact % 10000000;
	struct event e = event(EVENT_ALREADY_RUNNING, 3, ticks, exact);
	struct proc *p;

	(void)unused;
	e.exec.given = VIEW("/bin/x");
	p = procs_apply(t, &e);
	assert_ptr_equal(procs_find(t, (struct proc_key){ 3, exact }), p);
	assert_null(procs_find(t, (struct proc_key){ 3, exact + 10000000 }));
	procs_free(t);
}

static void
test_no_ring_of_ancestors(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *a = run(t, 5, 10, "/bin/a", (struct proc_key){ 6, 20 });
	struct proc *b = run(t, 6, 20, "/bin/b", a->key);

	(void)unused;
	assert_ptr_equal(b->parent, a);
	run(t, 5, 10, "/bin/a", b->key); /* says its child is its parent */
	assert_null(a->parent);
	procs_free(t);
}

static unsigned
line_length(const struct proc *p)
{
	unsigned n = 0;

	while ((p = p->parent) != NULL)
		n++;
	return n;
}

/* Its child goes on, it ends; from `start_ns` a second apart. The last one. */
static struct proc *
go_on_as_child(struct procs *t, struct proc *p, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct proc *old = p;
		struct event e;

		e = event(EVENT_FORK, old->key.pid % 30000 + 100,
			  old->key.start_ns + SECOND,
			  old->key.start_ns + SECOND);
		e.proc.parent = old->key;
		e.proc.sid = old->sid;
		p = procs_apply(t, &e);
		leave(t, old->key, p->key.start_ns);
		procs_expire(t, p->key.start_ns);
	}
	return p;
}

static void
test_endless_line(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *sshd, *leader, *p;

	(void)unused;
	sshd = run(t, 2, 1, "/usr/sbin/sshd", (struct proc_key){ 1, 0 });
	leader = run(t, 40, 10, "/bin/sh", sshd->key);
	p = go_on_as_child(t, leader, 100000);
	assert_in_range(line_length(p), 256, 512);
	assert_in_range(procs_count(t).ancestors, 256, 600);
	assert_true(procs_count(t).shortened > 300);
	/* What it has from them stays. */
	assert_view(p->image->name, "sh");
	assert_ptr_equal(p->session, leader);
	assert_ptr_equal(p->entry, leader);
	assert_ptr_equal(leader->parent, sshd);
	procs_free(t);
}

/* The living keep their parents, however many. */
static void
test_long_living_line(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p = run(t, 2, 1, "/bin/a", (struct proc_key){ 1, 0 });

	(void)unused;
	for (uint32_t i = 3; i < 3000; i++)
		p = fork_of(t, i, i, p->key);
	assert_int_equal(line_length(p), 2997);
	leave(t, (struct proc_key){ 100, 100 }, 5000);
	for (uint32_t i = 3000; i < 3600; i++)
		p = fork_of(t, i, i, p->key);
	assert_int_equal(line_length(p), 3499);
	assert_int_equal(procs_count(t).shortened, 1);
	procs_free(t);
}

/* Many lines together: the cap holds but for a few of each. */
static void
test_many_lines(void **unused)
{
	struct procs_options few = { .max_ancestors = 1000 };
	struct procs *t = table(few);

	(void)unused;
	for (uint32_t i = 0; i < 50; i++) {
		struct proc *p = run(t, 100000 + i, 1000 * SECOND * (i + 1),
				     "/bin/a", (struct proc_key){ 1, 0 });

		go_on_as_child(t, p, 300);
		assert_in_range(procs_count(t).ancestors, 0, 1000 + 33 * i);
	}
	assert_true(procs_count(t).ancestors > 1000);
	procs_free(t);
}

/* ---- entry leaders ----------------------------------------------------------
 */

static void
test_entry_sshd(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *init, *sshd, *shell, *child;
	struct event e;

	(void)unused;
	init = run(t, 1, 1, "/sbin/init", (struct proc_key){ 0, 0 });
	sshd = run(t, 10, 10, "/usr/sbin/sshd", init->key);
	e = event(EVENT_EXEC, 11, 20, 20);
	e.proc.parent = sshd->key;
	e.proc.tty_major = 136;
	e.exec.given = VIEW("/bin/bash");
	shell = procs_apply(t, &e);
	e = event(EVENT_FORK, 12, 30, 30);
	e.proc.parent = shell->key;
	e.proc.sid = 11;
	child = procs_apply(t, &e);
	assert_ptr_equal(init->entry, init);
	assert_int_equal(init->entry_type, ENTRY_INIT);
	assert_ptr_equal(sshd->entry, sshd);
	assert_int_equal(sshd->entry_type, ENTRY_INIT);
	assert_ptr_equal(shell->entry, shell);
	assert_int_equal(shell->entry_type, ENTRY_SSHD);
	assert_ptr_equal(child->entry, shell);
	assert_ptr_equal(child->session, shell);
	procs_free(t);
}

static void
test_entry_container(void **unused)
{
	struct procs *t = table((struct procs_options){ 0 });
	struct proc *p, *q;
	struct event e = event(EVENT_EXEC, 11, 20, 20);

	(void)unused;
	e.proc.container = true;
	e.exec.given = VIEW("/app");
	p = procs_apply(t, &e);
	e = event(EVENT_FORK, 12, 30, 30);
	e.proc.container = true;
	e.proc.parent = p->key;
	e.proc.sid = 11;
	q = procs_apply(t, &e);
	assert_int_equal(p->entry_type, ENTRY_CONTAINER);
	assert_ptr_equal(q->entry, p);
	procs_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pid_reuse),
		cmocka_unit_test(test_lost_exit),
		cmocka_unit_test(test_fork_keeps_the_image_of_its_moment),
		cmocka_unit_test(test_parent_outlives_its_grace),
		cmocka_unit_test(test_the_dead_are_capped),
		cmocka_unit_test(test_author_is_the_image_of_the_act),
		cmocka_unit_test(test_author_is_the_maker_only_with_its_act),
		cmocka_unit_test(test_author_in_doubt_is_nobody),
		cmocka_unit_test(test_author_at_the_time_of_reading),
		cmocka_unit_test(test_act_is_spent),
		cmocka_unit_test(test_act_speaks_for_the_dead),
		cmocka_unit_test(test_act_is_not_of_what_was_read_before),
		cmocka_unit_test(test_told_end_leaves_no_doubt),
		cmocka_unit_test(test_act_pushed_out),
		cmocka_unit_test(test_oldest_act_is_pushed_out),
		cmocka_unit_test(test_acts_in_many_sets),
		cmocka_unit_test(test_acts_of_the_dead_are_forgotten),
		cmocka_unit_test(test_message_of_one_that_ended),
		cmocka_unit_test(test_late_event_of_the_only_one),
		cmocka_unit_test(test_exec_during_a_read),
		cmocka_unit_test(test_stale_act),
		cmocka_unit_test(test_ticks_of_proc),
		cmocka_unit_test(test_no_ring_of_ancestors),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_long_living_line),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_entry_sshd),
		cmocka_unit_test(test_entry_container),
	};

	return cmocka_run_group_tests_name("process table", tests, NULL, NULL);
}
