/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signs of life: what silence looks like afterwards, that nothing of them can
 * be changed, and that a kill at any moment leaves them whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "baselines/heart.h"
#include "tests/unit/run_help.h"

#define KILLS 100
#define SEED 7u

struct fixture {
	char folder[64], journal[96], alive[96], old[96];
	struct sign_secret *secret;
	struct sign_keys keys;
	struct heart_config config;
	struct heart heart;
	struct heart_last last;
	struct heart_check check;
	struct err err;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/tocsin-heart-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->journal, sizeof(f->journal), "%s/log/journal.ndjson",
		 f->folder);
	snprintf(f->alive, sizeof(f->alive), "%s/log/alive.ndjson", f->folder);
	snprintf(f->old, sizeof(f->old), "%s/log/alive.1.ndjson", f->folder);
	f->secret = sign_generate();
	f->keys = (struct sign_keys){ .v = sign_secret_public(f->secret),
				      .n = 1 };
	f->config = (struct heart_config){ .state = f->folder,
					   .version = "0.0.0",
					   .interval_ns = 1,
					   .key = f->secret };
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	RUN("rm", "-rf", "--", f->folder);
	sign_secret_free(f->secret);
	err_free(&f->err);
	free(f);
	return 0;
}

static void
start(struct fixture *f)
{
	assert_int_equal(heart_start(&f->heart, &f->config, &f->last, &f->err),
			 0);
}

static int
verify(struct fixture *f)
{
	err_free(&f->err);
	return heart_verify(f->folder, &f->keys, &f->check, &f->err);
}

/* ---- silence ---------------------------------------------------------- */

static void
stops_and_kills(void **state)
{
	struct fixture *f = *state;
	uint64_t from_ns = 0;

	f->config.interval_ns = 3600 * NS_PER_SEC;
	start(f);
	assert_int_equal(f->last.how, HEART_NEVER);
	assert_int_equal(heart_beat(&f->heart, &from_ns, &f->err), 0);
	assert_int_equal(heart_stop(&f->heart, true, "asked to", &f->err), 0);
	start(f);
	assert_int_equal(f->last.how, HEART_STOPPED);
	f->heart.running = false; /* as a kill does */
	start(f);
	assert_int_equal(f->last.how, HEART_SILENT);
	assert_int_equal(f->last.interval_ns, f->config.interval_ns);
	assert_false(heart_is_silent(&f->last, f->last.wall_ns + NS_PER_SEC));
	assert_true(heart_is_silent(&f->last,
				    f->last.wall_ns + 3 * 3600 * NS_PER_SEC));
	assert_int_equal(heart_stop(&f->heart, false, "killed", &f->err), 0);
	assert_int_equal(heart_read_last(f->folder, &f->last, &f->err), 0);
	assert_int_equal(f->last.how, HEART_SILENT);
	assert_int_equal(verify(f), 0);
	assert_int_equal(f->check.silences, 1);
	assert_int_equal(f->check.is_signed, 6);
	assert_int_equal(f->check.not_signed, 0);
}

static void
held_up(void **state)
{
	struct fixture *f = *state;
	uint64_t from_ns = 0;

	f->config.interval_ns = 20 * NS_PER_MS;
	start(f);
	usleep(100000);
	assert_int_equal(heart_beat(&f->heart, &from_ns, &f->err), 2);
	assert_true(from_ns > 0 && from_ns < clock_wall_ns());
	/* However long this takes, the next is not due. */
	f->heart.config.interval_ns = 3600 * NS_PER_SEC;
	assert_int_equal(heart_beat(&f->heart, &from_ns, &f->err), 0);
	assert_int_equal(verify(f), 0);
	assert_int_equal(f->check.silences, 1);
	assert_int_equal(f->check.beats, 1);
}

/* ---- changes ---------------------------------------------------------- */

static size_t
read_file(const char *path, char *to, size_t max)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, to, max);

	assert_true(n > 0);
	close(fd);
	return (size_t)n;
}

static void
write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void
beat(struct fixture *f, unsigned n)
{
	uint64_t from_ns;

	for (unsigned i = 0; i < n; i++)
		assert_true(heart_beat(&f->heart, &from_ns, &f->err) > 0);
}

static void
every_change(struct fixture *f, const char *path)
{
	char bytes[16384];
	size_t n = read_file(path, bytes, sizeof(bytes));

	for (size_t i = 0; i < n; i += 1 + (size_t)rand() % 7) {
		char was = bytes[i];

		bytes[i] ^= (char)(1 << rand() % 8);
		write_file(path, bytes, n);
		assert_int_equal(verify(f), 1);
		assert_int_equal(f->err.n, 1);
		bytes[i] = was;
	}
	write_file(path, bytes, n);
	assert_int_equal(verify(f), 0);
}

static void
changed(void **state)
{
	struct fixture *f = *state;

	srand(SEED);
	start(f);
	beat(f, 3);
	assert_int_equal(verify(f), 0);
	every_change(f, f->alive);
	every_change(f, f->journal);
}

/* Whole and in its place, but not the watcher's. */
static void
forged(void **state)
{
	struct fixture *f = *state;
	struct journal_record stop = { .action = "watch-stop",
				       .who = VIEW("tocsin watch"),
				       .detail = VIEW("{}") };
	struct sign_secret *other = sign_generate();
	char bytes[16384];
	size_t n;

	start(f);
	n = read_file(f->journal, bytes, sizeof(bytes));
	assert_int_equal(journal_append(f->folder, &stop, &f->err), 0);
	assert_int_equal(verify(f), 1);
	write_file(f->journal, bytes, n);
	assert_int_equal(verify(f), 0);
	stop.key = other;
	assert_int_equal(journal_append(f->folder, &stop, &f->err), 0);
	assert_int_equal(verify(f), 1);
	/* Without keys only the chain can be looked at. */
	f->keys.n = 0;
	assert_int_equal(verify(f), 0);
	sign_secret_free(other);
}

/* Signatures may begin late. */
static void
key_introduced(void **state)
{
	struct fixture *f = *state;

	f->config.key = NULL;
	start(f);
	beat(f, 2);
	assert_int_equal(heart_stop(&f->heart, true, "asked to", &f->err), 0);
	f->config.key = f->secret;
	start(f);
	beat(f, 1);
	assert_int_equal(verify(f), 0);
	assert_true(f->check.not_signed >= 4);
	assert_true(f->check.is_signed >= 2);
}

/* ---- the file turns --------------------------------------------------- */

static void
fill(struct fixture *f)
{
	struct buf detail = { 0 };
	struct journal_record r = { .action = "alive", .key = f->secret };

	buf_puts(&detail, "{\"x\":\"");
	for (unsigned i = 0; i < HEART_FILE_BYTES; i++)
		buf_putc(&detail, 'x');
	buf_puts(&detail, "\"}");
	r.detail = buf_view(&detail);
	assert_int_equal(
		journal_append_to(f->folder, JOURNAL_ALIVE, &r, &f->err), 0);
	buf_free(&detail);
}

static void
turned(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	start(f);
	beat(f, 1);
	fill(f);
	beat(f, 1);
	assert_int_equal(stat(f->old, &st), 0);
	assert_true(st.st_size > HEART_FILE_BYTES);
	assert_int_equal(stat(f->alive, &st), 0);
	assert_true(st.st_size < 4096);
	assert_int_equal(verify(f), 0);
	assert_int_equal(f->check.beats, 3);
	/* Killed between the journal's record and the renaming. */
	assert_int_equal(rename(f->old, f->alive), 0);
	assert_int_equal(verify(f), 0);
	assert_int_equal(unlink(f->alive), 0);
	assert_int_equal(verify(f), 1);
}

/* ---- kills ------------------------------------------------------------ */

static void
live_until_killed(struct fixture *f, int began)
{
	int rc = heart_start(&f->heart, &f->config, &f->last, &f->err);
	uint64_t from_ns;

	if (write(began, "", 1) != 1 || rc != 0)
		_exit(1);
	for (;;)
		if (heart_beat(&f->heart, &from_ns, &f->err) < 0)
			_exit(1);
}

static void
killed(void **state)
{
	struct fixture *f = *state;
	int status, began[2];
	pid_t pid;
	char c;

	srand(SEED);
	assert_int_equal(pipe2(began, O_CLOEXEC), 0);
	for (int i = 0; i < KILLS; i++) {
		pid = fork();
		if (pid == 0)
			live_until_killed(f, began[1]);
		if (i == 0) /* on a slow machine no other may get so far */
			assert_int_equal(read(began[0], &c, 1), 1);
		usleep((useconds_t)(rand() % 4000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(verify(f), 0);
	}
	close(began[0]);
	close(began[1]);
	start(f);
	assert_int_equal(f->last.how, HEART_SILENT);
	assert_int_equal(heart_stop(&f->heart, true, "asked to", &f->err), 0);
	assert_int_equal(verify(f), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(stops_and_kills), CASE(held_up),	     CASE(changed),
		CASE(forged),	       CASE(key_introduced), CASE(turned),
		CASE(killed),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
