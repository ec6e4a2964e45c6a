/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file sensors that need no privilege, on a folder of our own: what they
 * tell of acts, one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fim/sensor.h"
#include "fim/watchset.h"
#include "tests/unit/run_help.h"

struct rig {
	char place[64];
	struct watchset watchset;
	struct sensor_config config;
	struct sensor *s;
	const struct sensor_ops *ops;
	struct buf told; /* "action name [old name]\n" */
	size_t n_place;
};

static void
take(void *ctx, const struct event *e)
{
	struct rig *r = ctx;

	assert_int_equal(e->attribution, ATTRIBUTION_UNAVAILABLE);
	assert_int_equal(e->key.pid, 0);
	assert_int_equal(e->pidfd, -1);
	buf_puts(&r->told, event_action(e->kind));
	buf_putc(&r->told, ' ');
	buf_put(&r->told, view_sub(e->file.path, r->n_place + 1, SIZE_MAX));
	if (e->file.old_path.n > 0) {
		buf_putc(&r->told, ' ');
		buf_put(&r->told,
			view_sub(e->file.old_path, r->n_place + 1, SIZE_MAX));
	}
	buf_putc(&r->told, '\n');
}

/* Everything that is told within a while; modifications that nobody closes
 * are kept back longest. On a busy machine a look takes long, and the pause
 * behind it is many times that. */
static void
expect(struct rig *r, const char *wanted)
{
	const struct timespec ms = { .tv_nsec = 2000000 };
	struct event_sink sink = { take, r };

	for (int i = 0; i < 15000; i++) {
		assert_true(r->ops->fetch(r->s) >= 0);
		r->ops->deliver(r->s, &sink);
		/* Quiet at first, and then it is what was wanted. */
		if (i > 25 && view_eq(buf_view(&r->told), view_of(wanted)))
			break;
		nanosleep(&ms, NULL);
	}
	buf_putc(&r->told, '\0');
	assert_string_equal(r->told.p, wanted);
	buf_clear(&r->told);
}

static void
begin(struct rig *r, const struct sensor_ops *ops)
{
	struct err err = { 0 };
	char real[PATH_MAX];

	memset(r, 0, sizeof(*r));
	snprintf(r->place, sizeof(r->place), "/tmp/tocsin-look-XXXXXX");
	assert_non_null(mkdtemp(r->place));
	assert_non_null(realpath(r->place, real));
	r->n_place = strlen(real);
	assert_int_equal(chdir(r->place), 0);
	assert_int_equal(watchset_add_path(&r->watchset, view_of(real)), 0);
	watchset_seal(&r->watchset);
	r->config = (struct sensor_config){
		.watchset = &r->watchset,
		.poll_ns = NS_PER_MS,
	};
	r->ops = ops;
	r->s = ops->open(&r->config, &err);
	assert_int_equal(err.n, 0);
	assert_non_null(r->s);
	expect(r, "");
}

static void
finish(struct rig *r)
{
	r->ops->close(r->s);
	watchset_free(&r->watchset);
	buf_free(&r->told);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(RUN("rm", "-rf", r->place), 0);
}

static void
write_file(const char *name, const char *text, int flags)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) >= 0);
	close(fd);
}

static void
acts_on_files(struct rig *r)
{
	/* A hard link is a name without a write: the same for everybody. */
	write_file("a", "", O_CREAT);
	expect(r, "creation a\n");
	write_file("a", "more", 0);
	expect(r, "modification a\n");
	assert_int_equal(chmod("a", 0640), 0);
	expect(r, "attributes_modified a\n");
	assert_int_equal(rename("a", "b"), 0);
	expect(r, "rename b a\n");
	assert_int_equal(symlink("/etc/passwd", "link"), 0);
	expect(r, "creation link\n");
	assert_int_equal(unlink("link"), 0);
	expect(r, "deletion link\n");
	assert_int_equal(unlink("b"), 0);
	expect(r, "deletion b\n");
}

static void
acts_on_folders(struct rig *r)
{
	assert_int_equal(mkdir("d", 0700), 0);
	expect(r, "creation d\n");
	write_file("d/x", "", O_CREAT);
	expect(r, "creation d/x\n");
	assert_int_equal(rename("d", "e"), 0);
	expect(r, "rename e d\nrename e/x d/x\n");
	assert_int_equal(rename("e/x", "x"), 0);
	expect(r, "rename x e/x\n");
	write_file("e/y", "", O_CREAT);
	expect(r, "creation e/y\n");
	assert_int_equal(unlink("e/y"), 0);
	expect(r, "deletion e/y\n");
	assert_int_equal(rmdir("e"), 0);
	expect(r, "deletion e\n");
	/* The name comes back as another folder. */
	assert_int_equal(mkdir("e", 0700), 0);
	expect(r, "creation e\n");
	write_file("e/z", "", O_CREAT);
	expect(r, "creation e/z\n");
}

static void
test_inotify(void **unused)
{
	struct rig r;
	struct err err = { 0 };

	(void)unused;
	begin(&r, &sensor_inot);
	/* The library is one for the process. */
	assert_null(sensor_inot.open(&r.config, &err));
	assert_int_equal(err.n, 1);
	err_free(&err);
	acts_on_files(&r);
	acts_on_folders(&r);
	finish(&r);
	/* Unread events of the first must not reach the second. */
	begin(&r, &sensor_inot);
	write_file("stale", "", O_CREAT);
	finish(&r);
	begin(&r, &sensor_inot);
	acts_on_files(&r);
	assert_int_equal(r.ops->rewatch(r.s, &r.watchset, &err), 0);
	acts_on_folders(&r);
	finish(&r);
}

static void
test_poll(void **unused)
{
	struct err err = { 0 };
	struct rig r;

	(void)unused;
	begin(&r, &sensor_look);
	acts_on_files(&r);
	acts_on_folders(&r);
	/* Gone and come under one name, between two looks: another file. */
	write_file("x", "first", O_CREAT);
	expect(&r, "modification x\n");
	assert_int_equal(unlink("x"), 0);
	write_file("x", "second", O_CREAT);
	expect(&r, "deletion x\ncreation x\n");
	assert_int_equal(r.ops->rewatch(r.s, &r.watchset, &err), 0);
	acts_on_files(&r);
	finish(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inotify),
		cmocka_unit_test(test_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
