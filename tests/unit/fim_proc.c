/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process table: identity over pid reuse, pinned images, family. */
#include "tests/unit/proc_help.h"

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
