/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who did it: name acts, pids used again, an exec in between. */
#include "tests/unit/proc_help.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests_name("authors", tests, NULL, NULL);
}
